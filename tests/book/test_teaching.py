"""The teachers' page adds up, lists every exercise, and its links open figures that exist."""

import re
from pathlib import Path

import pytest
from structure import exercises_of, number, read

from adagrad_course import explorables

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"
PAGE = (CHAPTERS / "teaching.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted(CHAPTERS.glob("*.ipynb"), key=number)
FIGURES = {figure._kind: figure for figure in map(vars(explorables).get, explorables.__all__)}


def plan(title):
    """Return the rows of a plan, without its head, as lists of cells."""
    lines = PAGE.partition(f"### {title}\n")[2].partition("\n\nTogether ")[0].splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    return rows[2:]


def listed_times():
    """Return the minutes of each chapter in the welcome page's table."""
    welcome = (CHAPTERS / "welcome.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| \[[^(]+\(([^)]+\.ipynb)\) \|.*\| (\d+) \|$", welcome, re.M))


@pytest.mark.house_style
@pytest.mark.parametrize(
    ("title", "minutes"), [("A class of 90 minutes", 90), ("A workshop of 3 hours", 180)]
)
def test_a_plan_takes_as_long_as_it_says(title, minutes):
    planned = sum(int(row[0]) for row in plan(title))
    assert planned == minutes, f"{title!r} in chapters/teaching.md has {planned} minutes"
    assert f"Together {minutes} minutes." in PAGE


def reading_plan():
    """Return the minutes to read and the minutes for exercises of each day."""
    return [tuple(map(int, row[1].split(" + "))) for row in plan("Two weeks of reading")]


@pytest.mark.house_style
def test_the_reading_plan_is_as_long_as_its_days():
    reading, exercises = map(sum, zip(*reading_plan(), strict=True))
    together = f"Together {reading} minutes of reading and {exercises} of exercises."
    assert together in PAGE, (
        f"below 'Two weeks of reading' chapters/teaching.md must say: {together}"
    )
    longest = max(map(sum, reading_plan()))
    assert longest <= 95, (
        f"a day in chapters/teaching.md must have at most 95 minutes, not {longest}"
    )


@pytest.mark.house_style
def test_the_reading_plan_reads_the_whole_book():
    planned = sum(day for day, _ in reading_plan())
    # Half an hour says in short what the chapters say, so nobody who reads them needs it.
    chapters = {path.name for path in NOTEBOOKS if number(path)}
    book = sum(int(time) for name, time in listed_times().items() if name in chapters)
    assert planned == book, (
        f"the days of 'Two weeks of reading' in chapters/teaching.md have {planned} minutes of "
        f"reading, the chapters in the table of chapters/welcome.md {book}"
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_reading_time_is_that_of_the_chapter(path):
    times = re.findall(r"\*\*Time:\*\* (\d+) minutes", read(path).cells[0].source)
    assert len(times) == 1, (
        f"the first cell of chapters/{path.name} must say '**Time:** 60 minutes'"
    )
    listed = listed_times().get(path.name)
    assert listed == times[0], (
        f"the table in chapters/welcome.md must have a row '| [Title]({path.name}) | … | "
        f"{times[0]} |' with the minutes of the chapter, it has {listed}"
    )


def test_each_exercise_is_listed_once_with_its_grade():
    listed = re.findall(r"^\| \[(\d+\.\d+ ★+)\]\([\w-]+\.ipynb#ex-[\w-]+\) \|", PAGE, re.M)
    in_book = []
    for path in NOTEBOOKS:
        chapter = read(path)
        text = "\n".join(cell.source for cell in chapter.cells)
        titles = re.findall(r"\{exercise\} (\d+\.\d+) (★+)", text)
        assert len(titles) == len(exercises_of(chapter)), (
            f"in chapters/{path.name} each exercise must begin '### Exercise 1.2 ★ Its title', "
            f"with its number and ★ to ★★★"
        )
        in_book += [f"{number} {grade}" for number, grade in titles]
    missing = [f"add {entry}" for entry in in_book if entry not in listed]
    spare = [f"take out {entry}" for entry in listed if entry not in in_book]
    twice = [f"{entry} stands there twice" for entry in {*listed} if listed.count(entry) > 1]
    wrong = missing + spare + twice
    assert not wrong, f"the tables of exercises in chapters/teaching.md: {'; '.join(wrong)}"


def test_the_plans_set_exercises_that_there_are():
    plans = PAGE.partition('id="sec-plans"')[2].partition('id="sec-grading"')[0]
    plans = re.sub(r"\]\([^)]*\)|\$[^$]*\$", "", plans)
    named = set(re.findall(r"(?<![\d.])[1-9]\d*\.\d+(?![\d.]\d)", plans))
    in_book = {n for path in NOTEBOOKS for e in exercises_of(read(path)) for n in e.numbers}
    gone = sorted(named - in_book)
    assert not gone, f"a plan in chapters/teaching.md sets exercises that there are not: {gone}"


def test_each_link_to_a_figure_names_settings_that_fit():
    links = re.findall(r"\]\([\w-]+\.(?:ipynb|md)#(\w+):([^)]+)\)", PAGE)
    assert len(links) >= 10
    for kind, words in links:
        settings = dict(word.split("=") for word in words.split(","))
        settings = {name: v if v.isalpha() else float(v) for name, v in settings.items()}
        FIGURES[kind](**settings)  # raises an error where one does not fit
