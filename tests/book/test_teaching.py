"""The teachers' page adds up, lists every exercise, and its links open figures that exist."""

import re
from pathlib import Path

import nbformat
import pytest
from structure import exercises_of

from adagrad_course import explorables

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"
PAGE = (CHAPTERS / "teaching.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted(CHAPTERS.glob("0*.ipynb"))
FIGURES = {figure._kind: figure for figure in map(vars(explorables).get, explorables.__all__)}


def read(path):
    return nbformat.read(path, as_version=4)


def plan(title):
    """Return the rows of a plan, without its head, as lists of cells."""
    lines = PAGE.partition(f"### {title}\n")[2].partition("\n\nTogether ")[0].splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    return rows[2:]


@pytest.mark.parametrize(
    ("title", "minutes"), [("A class of 90 minutes", 90), ("A workshop of 3 hours", 180)]
)
def test_a_plan_takes_as_long_as_it_says(title, minutes):
    assert sum(int(row[0]) for row in plan(title)) == minutes
    assert f"Together {minutes} minutes." in PAGE


def reading_plan():
    """Return the minutes to read and the minutes for exercises of each day."""
    return [tuple(map(int, row[1].split(" + "))) for row in plan("Two weeks of reading")]


def test_the_reading_plan_is_as_long_as_its_days():
    reading, exercises = map(sum, zip(*reading_plan(), strict=True))
    assert f"Together {reading} minutes of reading and {exercises} of exercises." in PAGE
    assert max(map(sum, reading_plan())) <= 90


def test_reading_times_are_those_of_the_chapters():
    welcome = (CHAPTERS / "welcome.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| \[\d\. [^(]+\(([^)]+)\) \|.*\| (\d+) \|$", welcome, re.M))
    for path in NOTEBOOKS:
        (time,) = re.findall(r"\*\*Time:\*\* (\d+) minutes", read(path).cells[0].source)
        assert listed[path.name] == time
    assert sum(minutes for minutes, _ in reading_plan()) == sum(map(int, listed.values()))


def test_each_exercise_is_listed_once_with_its_grade():
    listed = re.findall(r"^\| \[(\d\.\d+ ★+)\]\(#ex-[\w-]+\) \|", PAGE, re.M)
    in_book = [
        f"{number} {grade}"
        for path in NOTEBOOKS
        for cell in read(path).cells
        for number, grade in re.findall(r"\{exercise\} (\d\.\d+) (★+)", cell.source)
    ]
    assert len(in_book) == sum(len(exercises_of(read(path))) for path in NOTEBOOKS)
    assert sorted(listed) == sorted(in_book)


def test_each_link_to_a_figure_names_settings_that_fit():
    links = re.findall(r'href="[\w-]+\.html#(\w+):([^"]+)"', PAGE)
    assert len(links) == PAGE.count("<a href=")
    for kind, words in links:
        settings = dict(word.split("=") for word in words.split(","))
        settings = {name: v if v.isalpha() else float(v) for name, v in settings.items()}
        assert FIGURES[kind](**settings)._note == ""
