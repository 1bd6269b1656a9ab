"""What a chapter must be, beyond what nbval sees: each rule yields the faults it finds.

nbval passes a cell that was never executed, a picture in PNG, a warning that is always the same.
The rules here close such gaps and hold the chapters to the book's form.

    python tests/book/structure.py chapters/01-learning-rates.ipynb

says how long a chapter's main path is and lists its faults.
"""

import ast
import copy
import json
import math
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

if __name__ == "__main__":
    sys.path += [str(Path(__file__).resolve().parents[2] / folder) for folder in ("tools", "site")]

import book_notebooks
import refresh

MAX_LINES, MAX_SOLUTION_LINES = 15, 25  # of a code cell, blank ones not counted
MIN_ALT_WORDS = 10


def read(path):
    """Return the chapter at `path` as the website reads it, with directives."""
    notebook = nbformat.read(path, as_version=4)
    return nbformat.from_dict(book_notebooks.with_directives(notebook, Path(path).name))


def faults(path):
    """Return all faults of the chapter at `path`."""
    return [f"{rule.__name__}: {fault}" for rule in RULES for fault in found(rule, path)]


def found(rule, path):
    """Return what a rule finds in the chapter at `path`."""
    chapter = nbformat.read(path, as_version=4) if rule in OF_THE_FILE else read(path)
    return list(rule(chapter))


def number(path):
    """Return the number of the chapter at `path`; Half an hour, which has none, counts as 0."""
    return int(re.match(r"\d*", path.name)[0] or 0)


# The gate: nothing gets past nbval ------------------------------------------------------------


def is_refreshed(chapter):
    """A valid notebook without an editor's traces, as `make refresh` leaves it."""
    ids = [cell.get("id") for cell in chapter.cells]
    if (chapter.nbformat, chapter.nbformat_minor) < (4, 5) or len(set(ids)) < len(ids):
        yield "cells need ids, each its own: save it in format 4.5"
        return
    try:
        nbformat.validate(chapter)
    except nbformat.ValidationError as error:
        yield f"not valid: {error}"
    if refresh.normalised(copy.deepcopy(chapter)) != chapter:
        yield "not as `make refresh` leaves it"


def is_executed_in_order(chapter):
    """Every code cell ran once, from the top: nbval passes a cell without outputs or count."""
    counts = [cell.execution_count for cell in _code(chapter)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts must be 1, 2, 3 …, so run `make refresh`; they are {counts}"


def stores_what_is_compared(chapter):
    """No errors, no warnings, and no output that nbval skips."""
    for cell, output in _outputs(chapter):
        where = f"cell [{cell.execution_count}]"
        if output.output_type == "error":
            yield f"{where} stores an error: {output.ename}: {output.evalue}"
        if output.get("name") == "stderr":
            yield f"{where} stores stderr: {output.text.strip()}"
        for kind in output.get("data", {}):
            if kind in {"image/png", "image/jpeg"}:
                yield f"{where} stores {kind}, which nbval does not compare"


def does_not_opt_out(chapter):
    """No tag or comment tells nbval or `make refresh` to look away."""
    for cell in _code(chapter):
        tags = " ".join(cell.metadata.get("tags", []))
        comments = " ".join(re.findall(r"#.*", cell.source))
        if found := re.search(
            r"nbval\S*|pytest_validate\S*|raises-exception|skip-execution",
            f"{tags} {comments}",
            re.IGNORECASE,
        ):
            yield f"cell [{cell.execution_count}] opts out with {found[0]}"


def stays_at_home(chapter):
    """No cell uses the network or a shell, and no text names a path of somebody's machine."""
    for cell in _code(chapter):
        where = f"cell [{cell.execution_count}]"
        if re.search(r"^\s*(!|%%(bash|sh|script)|%(pip|conda|sx|system)\b)", cell.source, re.M):
            yield f"{where} runs a shell"
        elif taken := _imports(cell.source) & NETWORK:
            yield f"{where} imports {', '.join(sorted(taken))}"
    for cell in chapter.cells:
        if found := re.search(
            r"(?<![\w.])/(root|tmp|work|(home|Users)/\w+)/|\b[A-Z]:\\\\|site-packages",
            json.dumps(cell, ensure_ascii=False),
        ):
            yield f"a cell names {found[0]}: {cell.source[:60]!r}"


INSTALL = """\
# Installs the book's package where it is missing, as on Colab.
import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("adagrad_course") is None and sys.platform != "emscripten":
    book = Path("..").resolve().as_uri()  # this copy of the book
    if not Path("../src/adagrad_course").is_dir():
        book = "git+" + input("Its repository (https://github.com/...): ")
    package = f"'adagrad-course[data,widgets] @ {book}'"
    get_ipython().run_line_magic("pip", f"install -q {package}")\
"""


def installs_the_package(chapter):
    """The first code is what helps a notebook that is opened alone; the website leaves it out.

    An address and not a name alone: anybody may offer a package of that name in an index.
    """
    first = _code(chapter)[0]
    if first.source != INSTALL or first.metadata.get("tags") != ["hide-input", "remove-cell"]:
        yield (
            "its first code cell must be that of chapters/01-learning-rates.ipynb, which installs "
            "the package, with its tags hide-input and remove-cell"
        )


NETWORK = {"aiohttp", "ftplib", "http", "httpx", "requests", "socket", "subprocess", "urllib"}


def reads_anywhere(chapter):
    """Nothing is left for MyST alone, and what JupyterLab folds is a heading with its own cell."""
    for cell in chapter.cells:
        if cell.cell_type != "markdown":
            continue
        yield from for_the_website_alone(cell.source)
        if refresh.FOLDED.match(cell.source) and cell.source.count("\n") > (cell.source[0] == "<"):
            yield f"a heading that folds cells stands alone in its own: {cell.source[:60]!r}"


def for_the_website_alone(text):
    """What no other viewer of Markdown shows as it is meant, in a cell or on a page."""
    text = re.sub(r"^(`{3,})[^`{\n]*\n.*?^\1$", "", text, flags=re.M | re.S)
    if left := re.search(
        r"^[:`]{3,}\{.*|\{[\w:-]+\}`[^`]*`|^\([\w-]+\)=$|^\$\$ \([\w-]+\)$"
        r"|\[\]\(.*?\)|<a href=\"[\w-]+\.html",
        text,
        re.M,
    ):
        yield f"only the website knows {left[0]!r}: what to write is in site/book_notebooks.py"


# The form: cells, figures, sections -----------------------------------------------------------


def has_short_cells(chapter):
    """A cell fits on a screen; plumbing belongs into the package."""
    solutions = {id(c) for e in exercises_of(chapter) for c in e.solution}
    for cell in _code(chapter):
        lines = sum(bool(line.strip()) for line in cell.source.splitlines())
        limit = MAX_SOLUTION_LINES if id(cell) in solutions else MAX_LINES
        if lines > limit:
            yield f"cell [{cell.execution_count}] has {lines} lines, more than {limit}"


def has_described_figures(chapter):
    """Each figure has a name, a caption and a text for those who do not see it."""
    names = []
    for cell, svg in _figures(chapter):
        where = f"cell [{cell.execution_count}]"
        said = cell.metadata.get("mystnb", {})
        caption = said.get("figure", {}).get("caption", "")
        alt = said.get("image", {}).get("alt", "")
        names.append(said.get("figure", {}).get("name", ""))
        if not re.fullmatch(r"fig-[a-z0-9]+(-[a-z0-9]+)*", names[-1]):
            yield f"{where}: a figure's name looks like fig-two-words, got {names[-1]!r}"
        if not caption:
            yield f"{where}: the figure has no caption"
        if len(alt.split()) < MIN_ALT_WORDS or alt.strip() == caption.strip():
            yield f"{where}: the alt text must say what is to be seen, got {alt!r}"
        # Scale factors are no coordinates: their third decimal counts.
        if fine := re.search(r"\d\.\d{3,}", re.sub(r"scale\([^)]*\)", "", svg)):
            yield f"{where}: coordinates need at most two decimals, got …{fine[0]}"
        if "<dc:date>" in svg:
            yield f"{where}: the figure contains the date it was drawn"
    if len(set(names)) < len(names):
        yield f"figures share a name: {names}"


def follows_the_walk(chapter):
    """The sections every chapter has, in their order; the last one closes with a self-test."""
    text = _text(chapter)
    if not text.startswith("# "):
        yield "the first cell must start with the chapter's title"
    position = 0
    tasks = "Self-test" if _has_self_test(chapter) else "Exercises"
    for title in ("In this chapter", "What to remember", tasks, "Further reading"):
        found = re.compile(rf"^[#:`*]+.*\b{title}\b", re.M).search(text, position)
        if not found:
            yield f"{title!r} is missing or out of order"
            return
        position = found.end()


def asks_before_it_shows(chapter):
    """At least one question to predict an outcome, each answer with feedback of its own."""
    heading = re.compile(r"^[#:`*]+.*\bPredict\b", re.M)
    blocks = [cell.source for cell in chapter.cells if heading.search(cell.source)]
    if not blocks:
        yield "there is no Predict block"
    for block in blocks:
        if len(re.findall(r"^(?:`{3,}|:{3,})\{dropdown\}", block, re.M)) < 2:
            yield f"each answer needs a dropdown with its feedback: {block[:60]!r}"


# The main path: what a page shows with nothing unfolded ---------------------------------------

EXPLORABLE = 'class="explorable"'
# Words, lines of code and minutes that a reader gets through in one sitting.
LIMITS, LIMITS_OF_HALF_AN_HOUR = (3000, 120, 55), (2200, 40, 33)


@dataclass(frozen=True)
class MainPath:
    """How much a reader meets up to the exercises who unfolds nothing."""

    words: int  # of prose, captions and questions
    lines: int  # of code, blank ones not counted
    equations: int  # on lines of their own
    questions: int  # to predict
    figures: int  # drawn
    explorables: int  # figures that a reader plays with
    tables: int  # of results

    @property
    def minutes(self):
        """The time that a chapter states, such as fresh readers needed.

        Who reads a foreign language reads 150 words in a minute, who reads their own 200.
        """
        looked_at = self.equations + self.questions + self.figures + self.tables / 2
        played_with = 2 * self.explorables
        return math.ceil(self.words / 150 + self.lines / 6 + looked_at + played_with - 1e-9)


def main_path(chapter):
    """Measure the chapter's main path."""
    cells = main_path_cells(chapter)
    text = "\n\n".join(unfolded(c.source) for c in cells if c.cell_type == "markdown")
    captions = [c.metadata.get("mystnb", {}).get("figure", {}).get("caption", "") for c in cells]
    shown = [c.source for c in cells if c.cell_type == "code" and not _hides_its_code(c)]
    data = [output.get("data", {}) for c in cells for output in c.get("outputs", [])]
    pages = [kinds.get("text/html", "") for kinds in data]
    return MainPath(
        words=_words(text) + sum(map(_words, captions)),
        lines=sum(bool(line.strip()) for source in shown for line in source.splitlines()),
        equations=len(re.findall(r"^(?:\$\$.*?\$\$|\\begin{.*?\\end{)", text, re.M | re.S)),
        questions=len(re.findall(r"^:{3,}\{admonition\} Predict$", text, re.M)),
        figures=sum("image/svg+xml" in kinds for kinds in data),
        explorables=sum(EXPLORABLE in html for html in pages),
        tables=sum("<table" in html for html in pages),
    )


def main_path_cells(chapter):
    """Return the cells before the exercises that stand in no folded part."""
    cells, folded_at = [], None
    for cell in chapter.cells:
        for level, title in _headings(cell):
            if title in {"Exercises", "Self-test"}:
                return cells
            if folded_at is None or level <= folded_at:
                folded_at = level if title.startswith("Going deeper:") else None
        if folded_at is None:
            cells.append(cell)
    return cells


def unfolded(source):
    """Return Markdown without what its dropdowns hold; their titles stay."""
    return re.sub(r"^(:{3,}|`{3,})(\{dropdown\}[^\n]*)\n.*?^\1$", r"\2", source, flags=re.M | re.S)


def keeps_its_limits(chapter):
    """The main path is read in one sitting."""
    path = main_path(chapter)
    limits = LIMITS_OF_HALF_AN_HOUR if _is_half_an_hour(chapter) else LIMITS
    found = (path.words, path.lines, path.minutes)
    for what, amount, limit in zip(
        ("words", "lines of code", "minutes"), found, limits, strict=True
    ):
        if amount > limit:
            yield (
                f"the main path has {amount} {what}, more than {limit}: fold code that draws with "
                f"the tag hide-input, the rest below a heading '### Going deeper: …'"
            )


def states_its_time(chapter):
    """The time at the top is that of the main path."""
    minutes = main_path(chapter).minutes
    if f"**Time:** {minutes} minutes" not in chapter.cells[0].source:
        yield f"the first cell must say '**Time:** {minutes} minutes', as its main path takes"


def folds_what_is_deeper(chapter):
    """A folded part begins with a cell of its own and says what is inside; no heading hides."""
    for cell in chapter.cells:
        headings = _headings(cell)
        if len(headings) > 1 or (headings and not re.match(r"(?:\([\w-]+\)=\n)?#", cell.source)):
            yield f"a heading must begin its cell, and be the only one in it: {headings[-1][1]!r}"
        for level, title in headings:
            if "deeper" in title.lower() and not re.fullmatch(r"Going deeper: \S.*", title):
                yield f"a folded part is called 'Going deeper: what is inside', got {title!r}"
            elif title.startswith("Going deeper:") and level < 3:
                yield f"a folded part stands within a section, three # deep: {title!r}"


def folds_code_that_draws(chapter):
    """On the main path a figure is shown, and the code that draws it is folded."""
    path = [id(cell) for cell in main_path_cells(chapter)]
    for cell, _ in _figures(chapter):
        if id(cell) in path and not _hides_its_code(cell):
            yield f"cell [{cell.execution_count}] draws: tag it hide-input"


def practises_its_outcomes(chapter):
    """Each of three to five outcomes names exercises of the chapter, and each exercise is named.

    What goes beyond the outcomes is named in a paragraph `**Further:** …` of the exercises.
    """
    if _has_self_test(chapter):
        return
    text = _text(chapter)
    box = re.search(r"\{admonition\} In this chapter\n(.*?)^:{3,}$", text, re.M | re.S)
    outcomes = re.findall(r"^- (.*(?:\n(?:  .*))*)", box[1] if box else "", re.M)
    if not 3 <= len(outcomes) <= 5:
        yield f"'In this chapter' must list 3 to 5 outcomes, got {len(outcomes)}"
    labels = {exercise.label for exercise in exercises_of(chapter)}
    further = re.findall(r"^\*\*Further:\*\* .*(?:\n.+)*", text, re.M)
    for part in outcomes + further:
        named = set(EXERCISE_LINK.findall(part))
        if not named or named - labels:
            yield f"an outcome must link to an exercise of the chapter, as #ex-…: {part!r}"
    for label in sorted(labels - set(EXERCISE_LINK.findall(" ".join(outcomes + further)))):
        yield (
            f"{label} practises no outcome: link to it from the one that it practises, or from a "
            f"paragraph '**Further:** …' below the heading 'Exercises'"
        )


EXERCISE_LINK = re.compile(r"\]\(#(ex-[\w-]+)\)")


def tabulates(chapter):
    """What has columns is a table, not text padded with blanks."""
    for cell in _code(chapter):
        if re.search(r"\.[lr]just\(|\.center\(", cell.source) or any(
            re.match(r"(?:.?[<>=^])?[-+ ]?[1-9]", spec) for spec in _format_specs(cell.source)
        ):
            yield f"cell [{cell.execution_count}] pads columns: make a table with tables.table"


def takes_the_best_from_inside(chapter):
    """A best rate is taken with what warns at an end of its grid, and a warning is no output."""
    for cell in _code(chapter):
        if "argmin" in cell.source:
            yield f"cell [{cell.execution_count}] uses argmin: take the best with descent.argbest"


def starts_at_one(chapter):
    """The first point is $w_1$, in the whole book."""
    for cell in chapter.cells:
        if found := re.search(r"\bw_\{?0\b\}?|w₀", cell.source):
            yield f"the first point is w_1, not {found[0]}: {cell.source[:60]!r}"


# The exercises --------------------------------------------------------------------------------


@dataclass
class ExerciseInBook:
    """An exercise as the chapter has it."""

    label: str
    cells: list = field(default_factory=list)  # the starter and the check
    solution: list = field(default_factory=list)
    ended: bool = False

    @property
    def numbers(self):
        """Which exercises its cells check, as in {"1.2"}."""
        return {n for cell in self.cells + self.solution for n in CHECK.findall(cell.source)}


CHECK = re.compile(r"""\bcheck\(\s*["']([\d.]+)["']""")
DIRECTIVE = re.compile(
    r"^(?:`{3,}|:{3,})\{(exercise|solution-start|solution-end)\}[ \t]*(.*)\n?((?::.*\n?)*)", re.M
)


def exercises_of(chapter):
    """Return the exercises of a chapter, each with the code cells that follow its statement."""
    found, into = [], None
    for cell in chapter.cells:
        if cell.cell_type == "code" and into is not None:
            into.append(cell)
        for kind, argument, options in DIRECTIVE.findall(cell.source):
            if kind == "exercise":
                label = re.search(r"^:label:\s*(\S+)", options, re.M)
                found.append(ExerciseInBook(label[1] if label else ""))
                into = found[-1].cells
            elif kind == "solution-start":
                if found and argument.strip() == found[-1].label:
                    into = found[-1].solution
            else:
                into = None
                if found:
                    found[-1].ended = True
    return found


def has_enough_exercises(chapter):
    """A chapter has at least five, Half an hour three, and the last one has a self-test."""
    least, found = 3 if _is_half_an_hour(chapter) else 5, len(exercises_of(chapter))
    if found < least and not _has_self_test(chapter):
        yield f"at least {least} exercises are wanted, got {found}"


def has_exercises(chapter):
    """Each can be tried, checked and looked up; unattempted it does not pass, solved it does."""
    exercises = exercises_of(chapter)
    labels = [exercise.label for exercise in exercises]
    if len(set(labels)) < len(labels):
        yield f"exercises share a label: {labels}"
    for exercise in exercises:
        yield from (f"{exercise.label or 'exercise'}: {f}" for f in _exercise_faults(exercise))


def _exercise_faults(exercise):
    if not re.fullmatch(r"ex-[a-z0-9]+(-[a-z0-9]+)*", exercise.label):
        yield f"its label must look like ex-two-words, got {exercise.label!r}"
    if len(exercise.numbers) != 1:
        yield f"its cells must check one exercise, got {sorted(exercise.numbers)}"
        return
    (number,) = exercise.numbers
    if not any("..." in cell.source for cell in exercise.cells):
        yield "it has no starter cell with `...`"
    if f"{number}: not attempted yet" not in _printed(exercise.cells):
        yield "its starter must print 'not attempted yet': `answer = ...`, or `return ...`"
    if not (exercise.solution and exercise.ended):
        yield f"it has no code below a heading '#### Solution of {number}'"
    for cell in exercise.solution:
        # Where nothing is folded, as on GitHub, the first line says what follows.
        if not cell.source.startswith(f"# Solution of {number}\n"):
            where = f"cell [{cell.execution_count}] of its solution"
            yield f"{where} gives itself away: its first line is not '# Solution of {number}'"
    passed = rf"^{re.escape(number)}: (all \d+ checks )?passed\.$"
    if not re.search(passed, _printed(exercise.solution), re.M):
        yield "its solution does not run check, or does not pass it"


# The self-test, in place of exercises ---------------------------------------------------------

QUESTIONS = 15


def has_questions(chapter):
    """A self-test has fifteen: 3 or 4 answers, one of them right, each with feedback and link.

    The feedback to the right answer, and to no other, begins with "Yes"; the right answer is not
    always the same one.
    """
    if not _has_self_test(chapter):
        return
    text = _text(chapter)
    questions = re.findall(
        r"^::::\{admonition\} Question (\d+)\n:class: predict\n(.*?)^::::$", text, re.M | re.S
    )
    numbers = [int(number) for number, _ in questions]
    if numbers != list(range(1, QUESTIONS + 1)):
        yield f"questions must be numbered 1 to {QUESTIONS}, got {numbers}"
    places = []
    for number, question in questions:
        answers = re.findall(r"^:::\{dropdown\} ([^\n]+)\n(.*?)^:::$", question, re.M | re.S)
        right = [place for place, (_, said) in enumerate(answers) if said.startswith("Yes")]
        places += right
        if not 3 <= len(answers) <= 4:
            yield f"question {number} must have 3 or 4 answers, got {len(answers)}"
        if len(right) != 1:
            yield f"question {number} must have 1 right answer, got {len(right)}"
        if not all("](#sec-" in said for _, said in answers):
            yield f"question {number}: each answer must link to a section to read again"
    if questions and len(set(places)) == 1:
        yield f"the right answer is always number {places[0] + 1}"


def _has_self_test(chapter):
    return bool(re.search(r"^#+ Self-test$", _text(chapter), re.M))


RULES = [
    is_refreshed,
    reads_anywhere,
    is_executed_in_order,
    stores_what_is_compared,
    does_not_opt_out,
    stays_at_home,
    installs_the_package,
    has_short_cells,
    has_described_figures,
    follows_the_walk,
    asks_before_it_shows,
    keeps_its_limits,
    states_its_time,
    folds_what_is_deeper,
    folds_code_that_draws,
    practises_its_outcomes,
    tabulates,
    takes_the_best_from_inside,
    starts_at_one,
    has_enough_exercises,
    has_exercises,
    has_questions,
]
OF_THE_FILE = {is_refreshed, reads_anywhere}  # the others look at what the website reads
# Taste and language: a fork, which may be a translation, is told of these and no more.
HOUSE_STYLE = {
    has_short_cells,
    follows_the_walk,
    asks_before_it_shows,
    keeps_its_limits,
    states_its_time,
    folds_code_that_draws,
    practises_its_outcomes,
    tabulates,
    starts_at_one,
    has_enough_exercises,
    has_questions,
}


# What the rules look at -----------------------------------------------------------------------


def _code(chapter):
    return [cell for cell in chapter.cells if cell.cell_type == "code"]


def _outputs(chapter):
    return [(cell, output) for cell in _code(chapter) for output in cell.outputs]


def _figures(chapter):
    for cell, output in _outputs(chapter):
        if svg := output.get("data", {}).get("image/svg+xml"):
            yield cell, svg


def _text(chapter):
    return "\n\n".join(cell.source for cell in chapter.cells if cell.cell_type == "markdown")


def _printed(cells):
    return "".join(o.text for cell in cells for o in cell.outputs if o.output_type == "stream")


def _imports(source):
    """Return the packages that code imports; magics are not Python and import nothing."""
    python = re.sub(r"^\s*[%!].*", "", source, flags=re.M)
    names = set()
    for node in ast.walk(ast.parse(python)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def _headings(cell):
    """Return level and title of the headings of a cell of text."""
    if cell.cell_type != "markdown":
        return []
    source = re.sub(r"^(`{3,})[^`\n]*\n.*?^\1$", "", cell.source, flags=re.M | re.S)
    return [(len(marks), title) for marks, title in re.findall(r"^(#+) (.+)$", source, re.M)]


def _words(text):
    """Count the words that are read; a formula within a sentence is one."""
    text = re.sub(
        r"^\$\$.*?^\$\$[^\n]*$|^\\begin\{(\w+\*?)\}.*?^\\end\{\1\}$", "", text, flags=re.M | re.S
    )
    text = re.sub(r"\$[^$]+\$", "formula", text)
    text = re.sub(r"^\([\w-]+\)=$|^:[\w-]+:.*$|^\|[-:| ]+\|$", "", text, flags=re.M)
    text = re.sub(r"\]\([^)]*\)|\{[\w:]+\}(?=`)|^[:`]{3,}(\{[\w:-]+\})?", " ", text, flags=re.M)
    return sum(bool(re.search(r"\w", word)) for word in text.split())


def _hides_its_code(cell):
    return "hide-input" in cell.metadata.get("tags", [])


def _is_half_an_hour(chapter):
    return _text(chapter).startswith("# Half an hour")


def _format_specs(source):
    """Return how the f-strings in code have their values written."""
    python = re.sub(r"^\s*[%!].*", "", source, flags=re.M)
    return [
        "".join(part.value for part in node.format_spec.values if isinstance(part, ast.Constant))
        for node in ast.walk(ast.parse(python))
        if isinstance(node, ast.FormattedValue) and node.format_spec
    ]


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(name, main_path(read(name)), sep="\n  ")
        print(*faults(name), sep="\n")
