"""Python in the browser gives what the book shows: every cell, and every report on an exercise.

All chapters take some minutes, so a part of them runs every time and the rest with LIVE=all, as in
the weekly workflow.
"""

import json
import os

import book_live
import nbformat
import pytest
from access import ROOT

from adagrad_course import exercises

ALWAYS = {"half-an-hour", "03-from-formula-to-pytorch"}
CHAPTERS = sorted(path.stem for path in (ROOT / "chapters").glob("*.ipynb"))

# A page's worker is asked to run one program, and returns what that displays as a report; what it
# prints would be cut off.
ASK = """
(program) => new Promise((resolve, reject) => {
  const worker = new Worker("/_static/live/worker.js", { type: "module" });
  let text = "";
  worker.onmessage = ({ data }) => {
    if (data.fatal !== undefined || data.kind === "error") reject(data.fatal ?? data.text);
    else if (data.kind === "report") text = data.text;
    else if (data.done !== undefined) {
      worker.terminate();
      resolve(text);
    }
  };
  worker.onerror = (error) => reject(error.message);
  worker.postMessage({ start: { sources: [""], torch: [] } });
  worker.postMessage({ run: [{ source: program, place: 0 }] });
})
"""

# The last cell first, so that each runs with as little before it as a reader's might; what is run
# because another needs it counts, too. Of a figure it is only said that there is one: another
# Matplotlib draws it.
RUN_CELLS = """
def drive(given):
    import builtins
    import json
    import runner

    report = builtins.display  # which a notebook of its own replaces

    class Recorder(runner.Notebook):
        def _execute(self, source, title, shown=True):
            place = int(title[5:]) - 1 if title.startswith("cell") else self.pressed
            self.outputs = seen[place] = []
            return super()._execute(source, title)

    seen = {}
    sources, torch = json.loads(given)
    show = lambda kind, text: notebook.outputs.append([kind, "" if kind == "svg" else text])
    notebook = Recorder(sources, torch, show)
    for notebook.pressed in reversed(range(len(sources))):
        if notebook.pressed not in torch and notebook.pressed not in seen:
            notebook.run(sources[notebook.pressed], notebook.pressed)
    report({runner.REPORT: seen}, raw=True)

drive(%r)
"""

REPORTS = """
from adagrad_course.exercises import load
from adagrad_course.exercises.machinery import grade

def reports(number):
    chapter = number.partition(".")[0]
    exercise = load(chapter)[number]
    closing = exercise.closing.reference if exercise.closing else ...
    answers = {"": exercise.reference}
    for hint, mistake in exercise.mistakes.items():
        answers[hint] = exercise.reference | mistake if isinstance(mistake, dict) else mistake
    return {hint: grade(exercise, answer, closing).as_json() for hint, answer in answers.items()}
"""


def code_cells(chapter):
    """Return the code cells of a chapter's notebook."""
    notebook = nbformat.read(ROOT / "chapters" / f"{chapter}.ipynb", as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def joined(outputs):
    """Return what was shown, with neighbouring texts in one."""
    parts = []
    for kind, text in outputs:
        if kind == "text" and parts and parts[-1][0] == "text":
            parts[-1][1] += text
        elif kind != "report":
            parts.append([kind, text])
    return parts


def stored(cell):
    """Return what a notebook shows for a cell, in the same form."""
    outputs = []
    for output in cell.outputs:
        data = output.get("data", {})
        if output.output_type == "stream":
            outputs.append(["text", output.text])
        elif "image/svg+xml" in data:
            outputs.append(["svg", ""])
        elif "text/html" in data:
            outputs.append(["html", data["text/html"]])
        else:
            outputs.append(["text", data["text/plain"] + "\n"])
    return joined(outputs)


@pytest.fixture
def ask(open_tab):
    """A function that has Python in a browser run a program, and returns what it reports."""
    tab = open_tab("404.html")
    return lambda program: tab.evaluate(ASK, program)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_cell_shows_what_is_stored(chapter, ask):
    if chapter not in ALWAYS and os.environ.get("LIVE") != "all":
        pytest.skip("runs every week: LIVE=all")
    cells = code_cells(chapter)
    sources = [cell.source for cell in cells]
    torch = [i for i, about in enumerate(book_live.describe(sources)) if "torch" in about]
    seen = json.loads(ask(RUN_CELLS % json.dumps([sources, torch])))
    expected = {place: stored(cell) for place, cell in enumerate(cells) if place not in torch}
    assert {place: joined(seen.get(str(place), [])) for place in expected} == expected


def test_reports_on_exercises_are_the_same(ask):
    numbers = [
        about["exercise"]
        for chapter in CHAPTERS
        for about in book_live.describe([cell.source for cell in code_cells(chapter)])
        if "exercise" in about
    ]
    known = [number for chapter in exercises.CHAPTERS for number in exercises.load(chapter)]
    assert sorted({*known} - {*numbers}) == ["3.5"]  # which is about PyTorch
    names = {}
    exec(REPORTS, names)
    expected = {number: names["reports"](number) for number in numbers}
    found = f"{{number: reports(number) for number in {numbers}}}"
    seen = json.loads(
        ask(f"{REPORTS}\nimport runner\ndisplay({{runner.REPORT: {found}}}, raw=True)")
    )
    assert seen == expected
