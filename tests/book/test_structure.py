"""Every chapter keeps the rules of structure.py, each rule catches what it is there for, and the
pages fit together."""

import copy
import re
from pathlib import Path

import book_notebooks
import nbformat
import pytest
import refresh
import structure
import yaml
from structure import read

from adagrad_course import exercises
from adagrad_course.exercises import load

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(ROOT.glob("chapters/*.md"))
CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(rule, marks=pytest.mark.house_style if rule in structure.HOUSE_STYLE else ())
        for rule in structure.RULES
    ],
    ids=lambda rule: rule.__name__,
)
def test_a_chapter(path, rule):
    faults = structure.found(rule, path)
    assert not faults, f"chapters/{path.name}: " + "; ".join(faults)


# The package's reference has nothing to show but what the website makes of the docstrings.
@pytest.mark.parametrize(
    "path", [path for path in PAGES if path.name != "api.md"], ids=lambda path: path.stem
)
def test_a_page_reads_anywhere(path):
    faults = list(structure.for_the_website_alone(path.read_text(encoding="utf-8")))
    assert not faults, f"chapters/{path.name}: " + "; ".join(faults)


# The pages together ---------------------------------------------------------------------------


def prose():
    """Return the text of each page and chapter by file name."""
    pages = {path.name: path.read_text(encoding="utf-8") for path in PAGES}
    for path in CHAPTERS:
        cells = read(path).cells
        pages[path.name] = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    return pages


def test_the_table_of_contents_lists_every_page():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])]
    pages = [str(path.relative_to(ROOT).with_suffix("").as_posix()) for path in PAGES + CHAPTERS]
    missing, gone = sorted({*pages} - {*files}), sorted({*files} - {*pages})
    assert not missing, f"add to _toc.yml, or remove: {', '.join(missing)}"
    assert not gone, f"_toc.yml lists what is not there: {', '.join(gone)}"
    assert len(set(files)) == len(files), f"_toc.yml lists a page twice: {files}"


def test_no_two_pages_share_a_label():
    label = r'(?:<a|<div class=\\?"\w+\\?") id=\\?"((?!term-)[\w-]+)\\?">'
    files = PAGES + CHAPTERS
    labels = [found for path in files for found in re.findall(label, path.read_text("utf-8"))]
    assert len(labels) >= 100
    twice = sorted({found for found in labels if labels.count(found) > 1})
    assert not twice, f"used more than once in chapters/: {', '.join(twice)}"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_exercises_are_those_that_the_package_checks(path):
    chapter = str(structure.number(path))
    in_book = [n for e in structure.exercises_of(read(path)) for n in e.numbers]
    folder = "src/adagrad_course/exercises"
    assert chapter in exercises.CHAPTERS or not in_book, (
        f"CHAPTERS in {folder}/__init__.py must name the module with the checks of {path.name}"
    )
    checked = list(load(chapter)) if chapter in exercises.CHAPTERS else []
    assert in_book == checked, (
        f"chapters/{path.name} and {folder}/{exercises.CHAPTERS.get(chapter)}.py must have the "
        f"same exercises in the same order: {in_book} and {checked}"
    )


def test_citations_and_bibliography_agree():
    bibliography = (ROOT / "chapters" / "references.bib").read_text(encoding="utf-8")
    known = set(re.findall(r"^@\w+\{([^,\s]+),", bibliography, re.M))
    cited = {
        key.strip()
        for text in prose().values()
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text)
        for key in keys.split(",")
    }
    unknown, unused = sorted(cited - known), sorted(known - cited)
    assert not unknown, f"add to chapters/references.bib: {', '.join(unknown)}"
    assert not unused, f"cited nowhere, so take out of chapters/references.bib: {unused}"


def test_terms_are_in_the_glossary():
    defined = {term.lower() for term in book_notebooks.terms().values()}
    used = {
        (re.search(r"<(.+)>", term) or [None, term])[1].lower()
        for text in prose().values()
        for term in re.findall(r"\{term\}`([^`]+)`", text)
    }
    assert used <= defined, f"add to chapters/glossary.md: {', '.join(sorted(used - defined))}"
    assert used, "no term is linked"


# The rules themselves -------------------------------------------------------------------------


def markdown(source):
    return nbformat.v4.new_markdown_cell(source)


def code(source, *outputs, **metadata):
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), metadata=metadata)


def printed(text):
    return nbformat.v4.new_output("stream", name="stdout", text=text)


def drawn(
    kind="image/svg+xml", data='<svg><path d="M 1.25 3.5" transform="scale(0.015625)"/></svg>'
):
    return nbformat.v4.new_output("display_data", data={kind: data})


def exercise(number):
    return [
        markdown(f"```{{exercise}} Half\n:label: ex-half-{number}\n\nHalve it.\n```"),
        code("def half(x):\n    ..."),
        code(f'check("9.{number}", half)', printed(f"9.{number}: not attempted yet\n")),
        markdown(f"```{{solution-start}} ex-half-{number}\n:class: dropdown\n```"),
        code(
            f"# Solution of 9.{number}\ndef half(x):\n    return x / 2\n\n\n"
            f'check("9.{number}", half)',
            printed(f"✓ one\n✓ two\n9.{number}: all 2 checks passed.\n"),
        ),
        markdown("```{solution-end}\n```"),
    ]


FIGURE = {
    "figure": {"caption": "A loss.", "name": "fig-loss"},
    "image": {"alt": "A curve that falls from the upper left to the lower right."},
}
OUTCOMES = "".join(f"- halve ([exercise 9.{n}](#ex-half-{n}));\n" for n in (1, 2, 3))
FURTHER = "**Further:** [9.4](#ex-half-4) halves again,\nand so does [9.5](#ex-half-5)."
TOP = f"# Model\n\n:::{{admonition}} In this chapter\n{OUTCOMES}\n**Time:** 3 minutes\n:::"
INSTALL, TEXT, PLOT, STARTER, CHECK, SOLUTION = range(6)  # the first code cells of the model


@pytest.fixture
def model():
    """A chapter without a fault."""
    chapter = nbformat.v4.new_notebook(
        cells=[
            markdown(TOP),
            markdown(
                "::::{admonition} Predict\nHow?\n"
                ":::{dropdown} So\nYes.\n:::\n"
                ":::{dropdown} Not\nNo.\n:::\n::::"
            ),
            code(structure.INSTALL, tags=["hide-input", "remove-cell"]),
            code("print(1.5)", printed("1.5\n")),
            code("plt.show()", drawn(), mystnb=FIGURE, tags=["hide-input"]),
            markdown("### Going deeper: why it falls"),
            markdown("Because."),
            markdown("## What to remember\n\nThis."),
            markdown(f"## Exercises\n\nTry.\n\n{FURTHER}"),
            *(cell for number in range(1, 6) for cell in exercise(number)),
            markdown("## Further reading\n\nMore."),
        ]
    )
    for count, cell in enumerate(code_cells(chapter), start=1):
        cell.execution_count = count
    return refresh.normalised(chapter)


def question(number):
    yes, no = "Yes, see [why](#sec-why).", "No, see [why](#sec-why)."
    answers = [no, no, no]
    answers[number % 3] = yes
    dropdowns = "".join(f":::{{dropdown}} So\n{said}\n:::\n" for said in answers)
    return f"::::{{admonition}} Question {number}\n:class: predict\nWhy?\n\n{dropdowns}::::"


@pytest.fixture
def last(model):
    """A chapter without a fault that closes with a self-test."""
    first = next(i for i, cell in enumerate(model.cells) if "## Exercises" in cell.source)
    questions = "\n\n".join(question(number) for number in range(1, structure.QUESTIONS + 1))
    model.cells[first:-1] = [markdown(f"## Self-test\n\n{questions}")]
    return refresh.normalised(model)


def code_cells(chapter):
    return [cell for cell in chapter.cells if cell.cell_type == "code"]


def faults(chapter):
    """Return which rules find something in a chapter as the website reads it."""
    rules = [rule for rule in structure.RULES if rule is not structure.reads_anywhere]
    return {rule.__name__ for rule in rules if list(rule(chapter))}


def test_the_models_have_no_fault(model):
    assert faults(model) == set()


def test_the_last_chapter_has_no_fault(last):
    assert faults(last) == set()


def test_half_an_hour_has_three_exercises(model):
    model.cells[0].source = model.cells[0].source.replace("# Model", "# Half an hour")
    fourth = next(i for i, c in enumerate(model.cells) if ":label: ex-half-4" in c.source)
    del model.cells[fourth:-1]
    assert list(structure.has_enough_exercises(model)) == []
    third = next(i for i, c in enumerate(model.cells) if ":label: ex-half-3" in c.source)
    del model.cells[third:-1]
    assert list(structure.has_enough_exercises(model)) == ["at least 3 exercises are wanted, got 2"]


def in_code(index, change):
    return lambda chapter: change(code_cells(chapter)[index])


def in_text(old, new):
    def change(chapter):
        for cell in chapter.cells:
            cell.source = cell.source.replace(old, new)

    return change


def describe(**said):
    return in_code(PLOT, lambda cell: cell.metadata.update(mystnb=FIGURE | said))


BREAKAGES = {
    "is_refreshed": [
        in_code(TEXT, lambda cell: cell.metadata.update(collapsed=False)),
        in_code(TEXT, lambda cell: cell.metadata.update(execution={"iopub.status.busy": "now"})),
        in_code(TEXT, lambda cell: cell.update(id="no spaces")),
        lambda chapter: chapter.cells[0].update(id=chapter.cells[1].id),
        in_code(TEXT, lambda cell: cell.outputs.append(printed("2\n"))),
        lambda chapter: chapter.metadata.language_info.update(version="3.12.1"),
        lambda chapter: chapter.metadata.kernelspec.update(name="my-environment"),
        lambda chapter: chapter.metadata.update(widgets={}),
        lambda chapter: chapter.update(nbformat_minor=4),
    ],
    "is_executed_in_order": [
        in_code(TEXT, lambda cell: cell.update(execution_count=None)),
        in_code(TEXT, lambda cell: cell.update(execution_count=7)),
    ],
    "stores_what_is_compared": [
        in_code(TEXT, lambda cell: cell.outputs[0].update(name="stderr")),
        in_code(TEXT, lambda cell: cell.outputs.append(nbformat.v4.new_output("error"))),
        in_code(PLOT, lambda cell: cell.update(outputs=[drawn("image/png", "iVBOR")])),
    ],
    "does_not_opt_out": [
        in_code(TEXT, lambda cell: cell.metadata.update(tags=["nbval-ignore-output"])),
        in_code(TEXT, lambda cell: cell.update(source="# NBVAL_SKIP\nprint(1.5)")),
        in_code(TEXT, lambda cell: cell.metadata.update(tags=["raises-exception"])),
    ],
    "stays_at_home": [
        in_code(TEXT, lambda cell: cell.update(source="from urllib.request import urlopen")),
        in_code(TEXT, lambda cell: cell.update(source="!ls")),
        in_code(TEXT, lambda cell: cell.update(source="%pip install torch")),
        in_code(TEXT, lambda cell: cell.outputs[0].update(text="/home/ada/book/data\n")),
        in_text("This.", "See C:\\Users\\ada."),
    ],
    "installs_the_package": [
        in_code(INSTALL, lambda cell: cell.update(source="import adagrad_course")),
        in_code(INSTALL, lambda cell: cell.metadata.update(tags=["hide-input"])),
    ],
    "has_short_cells": [
        in_code(TEXT, lambda cell: cell.update(source="x = 1\n" * 16)),
        in_code(SOLUTION, lambda cell: cell.update(source=cell.source + "\nx = 1" * 24)),
    ],
    "has_described_figures": [
        in_code(PLOT, lambda cell: cell.metadata.clear()),
        describe(figure={"name": "fig-loss"}),
        describe(figure={"caption": "A loss."}),
        describe(figure={"caption": "A loss.", "name": "loss"}),
        describe(image={"alt": "A loss."}),
        describe(figure=FIGURE["figure"] | {"caption": FIGURE["image"]["alt"]}),
        in_code(PLOT, lambda cell: cell.outputs.append(cell.outputs[0])),
        in_code(PLOT, lambda cell: cell.update(outputs=[drawn(data='<svg d="M 1.255 3"/>')])),
    ],
    "follows_the_walk": [
        in_text("# Model", "Model"),
        in_text("What to remember", "Summary"),
        lambda chapter: chapter.cells.insert(1, chapter.cells.pop()),
    ],
    "asks_before_it_shows": [
        in_text("Predict", "Note"),
        in_text(":::{dropdown} Not\nNo.\n:::\n", ""),
    ],
    "keeps_its_limits": [
        in_text("How?", "How" + " much" * 3000),
        in_code(TEXT, lambda cell: cell.update(source="x = 1\n" * 121)),
        in_text("This.", "$$\nx\n$$ (eq-x)\n\n" * 60),
    ],
    "states_its_time": [
        in_text("3 minutes", "2 minutes"),
        in_text("This.", "$$\nx\n$$ (eq-x)"),
        in_text("This.", ":::{admonition} Predict\n:::"),
        in_code(TEXT, lambda cell: cell.update(source="x = 1\n" * 6)),
    ],
    "folds_what_is_deeper": [
        in_text("### Going", "## Going"),
        in_text("### Going deeper: why it falls", "### Going deeper"),
        in_text("### Going", "### For going"),
        in_text("Because.", "Because.\n\n#### A detail"),
        in_text("### Going", "Much more.\n\n### Going"),
    ],
    "folds_code_that_draws": [in_code(PLOT, lambda cell: cell.metadata.pop("tags"))],
    "practises_its_outcomes": [
        in_text("- halve ([exercise 9.2](#ex-half-2))", "- halve"),
        in_text("(#ex-half-2)", "(#ex-other)"),
        in_text("- halve ([exercise 9.2](#ex-half-2));\n", ""),
        in_text("[9.5](#ex-half-5)", "9.5"),
        in_text("#ex-half-5)", "#ex-other)"),
        in_text("**Further:**", "Further:"),
        in_text(OUTCOMES, OUTCOMES * 2),
    ],
    "tabulates": [
        in_code(TEXT, lambda cell: cell.update(source='print(f"{1.5:8.2f}")')),
        in_code(TEXT, lambda cell: cell.update(source='print(f"{1:>3}")')),
        in_code(SOLUTION, lambda cell: cell.update(source=cell.source + '\nf"{1:+5d}"')),
        in_code(TEXT, lambda cell: cell.update(source='print("x".ljust(3))')),
    ],
    "takes_the_best_from_inside": [
        in_code(TEXT, lambda cell: cell.update(source="lrs[losses.argmin()]")),
        in_code(SOLUTION, lambda cell: cell.update(source=cell.source + "\nnp.nanargmin(x)")),
    ],
    "starts_at_one": [in_text("This.", "From $w_0$ on."), in_text("This.", "From $w_{0}$ on.")],
    "has_enough_exercises": [lambda chapter: chapter.cells.__delitem__(slice(9, 15))],
    "has_exercises": [
        in_text("ex-half-2", "half-2"),
        in_text("ex-half-2", "ex-half-1"),
        in_text("```{solution-end}\n```", ""),
        in_code(STARTER, lambda cell: cell.update(source="def half(x): return x")),
        in_code(CHECK, lambda cell: cell.outputs[0].update(text="9.1: passed.\n")),
        in_code(CHECK, lambda cell: cell.update(source='check("9.2", half)')),
        in_code(SOLUTION, lambda cell: cell.update(source=cell.source.partition("\n")[2])),
        in_code(SOLUTION, lambda cell: cell.outputs[0].update(text="9.1: 1 of 2 checks passed.")),
    ],
}


@pytest.mark.parametrize(
    ("rule", "change"),
    [(rule, change) for rule, changes in BREAKAGES.items() for change in changes],
    ids=[f"{rule}-{i}" for rule, changes in BREAKAGES.items() for i in range(len(changes))],
)
def test_a_rule_catches(model, rule, change):
    before = copy.deepcopy(model)
    change(model)
    assert model != before, "nothing was broken"
    assert rule in faults(model)


SELF_TEST_BREAKAGES = {
    "follows_the_walk": [
        in_text("## Self-test", "## Self-testing"),
        in_text("## What to remember", "## To remember"),
        lambda chapter: chapter.cells.insert(1, chapter.cells.pop()),
    ],
    "has_enough_exercises": [in_text("## Self-test", "## Exercises")],
    "has_questions": [
        in_text("Question 15", "Question 16"),
        in_text(question(15), ""),
        in_text(question(4), question(4).replace(":class: predict\n", "")),
        in_text(question(4), question(4).replace("Yes", "No")),
        in_text(question(4), question(4).replace("No", "Yes")),
        in_text(question(4), question(4).replace("[why](#sec-why)", "above", 1)),
        in_text(
            question(3),
            question(3).replace(":::{dropdown} So\nNo, see [why](#sec-why).\n:::\n", ""),
        ),
        in_text(
            question(4), question(4)[:-4] + ":::{dropdown} X\nNo [w](#sec-w).\n:::\n" * 2 + "::::"
        ),
        lambda chapter: [
            in_text(question(n), question(3).replace("Question 3", f"Question {n}"))(chapter)
            for n in range(1, structure.QUESTIONS + 1)
        ],
    ],
}


@pytest.mark.parametrize(
    ("rule", "change"),
    [(rule, change) for rule, changes in SELF_TEST_BREAKAGES.items() for change in changes],
    ids=[f"{r}-{i}" for r, changes in SELF_TEST_BREAKAGES.items() for i in range(len(changes))],
)
def test_a_rule_catches_in_the_last_chapter(last, rule, change):
    test_a_rule_catches(last, rule, change)


@pytest.mark.parametrize(
    ("change", "words", "lines", "equations", "questions"),
    [
        (in_text("This.", "This, that and $x = y + z$ here."), 4, 0, 0, 0),
        (in_text("This.", "This [or that](https://example.org/a-b)."), 2, 0, 0, 0),
        (in_text("This.", "This {term}`or <other>` {cite:p}`one2020`."), 3, 0, 0, 0),
        (in_text("This.", "(sec-x)=\n:::{note}\n:class: margin\nThis.\n:::"), 0, 0, 0, 0),
        (in_text("This.", "| This | that |\n|---|---|\n| 1 | 2 |"), 3, 0, 0, 0),
        (in_text("This.", "This.\n\n$$\nx = y\n$$ (eq-x)"), 0, 0, 1, 0),
        (in_text("This.", "This.\n\n\\begin{equation*}\nx\n\\end{equation*}"), 0, 0, 1, 0),
        (in_text("Yes.", "Yes, as you see, it is.\n\n$$\nx\n$$ (eq-x)"), 0, 0, 0, 0),
        (in_text("Because.", "Because it does.\n\n$$\nx\n$$ (eq-x)"), 0, 0, 0, 0),
        (in_text("More.", "More and more."), 0, 0, 0, 0),
        (in_text("Halve it.", "Halve it now."), 0, 0, 0, 0),
        (in_text("This.", "This.\n\n:::{admonition} Predict\nWhat?\n:::"), 2, 0, 0, 1),
        (in_code(TEXT, lambda cell: cell.update(source="x = 1\n\ny = 2\nz = 3")), 0, 2, 0, 0),
        (in_code(PLOT, lambda cell: cell.update(source="x = 1\ny = 2")), 0, 0, 0, 0),
        (describe(figure=FIGURE["figure"] | {"caption": "A loss that falls."}), 2, 0, 0, 0),
        (in_text("## What", "#### What"), -4, 0, 0, 0),  # and so it is folded
    ],
)
def test_the_main_path_is_what_a_reader_meets_who_unfolds_nothing(
    model, change, words, lines, equations, questions
):
    before = structure.main_path(model)
    change(model)
    after = structure.main_path(model)
    assert after.words - before.words == words
    assert after.lines - before.lines == lines
    assert after.equations - before.equations == equations
    assert after.questions - before.questions == questions


def test_figures_and_tables_on_the_main_path_take_their_time(model):
    def shown(**data):
        return nbformat.v4.new_output("display_data", data={"text/html": "".join(data.values())})

    before = structure.main_path(model)
    table, figure = shown(of="<table></table>"), shown(of='<div class="explorable"></div>')
    code_cells(model)[TEXT].outputs += [table, table, figure]
    code_cells(model)[CHECK].outputs += [table, figure]  # after the main path
    after = structure.main_path(model)
    assert after.explorables - before.explorables == 1
    assert after.tables - before.tables == 2
    assert after.minutes - before.minutes == 3


@pytest.mark.parametrize(
    "text",
    [
        ":::{note}\nThis.\n:::",
        "```{note}\nThis.\n```",
        "See {eq}`eq-x`.",
        "See {prf:ref}`thm-x`.",
        "(sec-x)=\n## This",
        "$$\nx\n$$ (eq-x)",
        "See [](#sec-x).",
        '<a href="02-other.html#race:lr=1">a race</a>',
        "### Going deeper: why\n\nBecause.",
        "#### Solution of 1.2\n\nHalve.",
        '<a id="sec-x"></a>\n### Going deeper: why\n\nBecause.',
    ],
)
def test_what_only_the_website_or_only_one_viewer_shows_is_found(text):
    assert list(structure.reads_anywhere(nbformat.v4.new_notebook(cells=[markdown(text)])))


@pytest.mark.parametrize(
    "text",
    [
        "See [(1.2)](#eq-x) and `{x}`.",
        "```python\nx = {y}\n```",
        "### Going deeper: why",
        '<a id="sec-x"></a>\n### Going deeper: why',
        "$$\nx \\tag{1}\n$$",
    ],
)
def test_what_every_viewer_shows_is_let_through(text):
    chapter = nbformat.v4.new_notebook(cells=[markdown(text), code("x = ':::{note}'")])
    assert list(structure.reads_anywhere(chapter)) == []


def test_every_rule_is_tested():
    tested = {*BREAKAGES, *SELF_TEST_BREAKAGES, "reads_anywhere"}
    assert tested == {rule.__name__ for rule in structure.RULES}
