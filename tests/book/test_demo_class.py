"""The invented class hands in what it says, and the teachers' page shows what comes of it."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import demo_class
import nbformat
import pytest
from structure import exercises_of, number, read

from adagrad_course.exercises import load
from adagrad_course.exercises.machinery import grade

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"
WITH_EXERCISES = [path for path in sorted(CHAPTERS.glob("*.ipynb")) if "09-" not in path.name]
STUDENTS = [f"student-{i}" for i in range(1, 6)]


def without_its_text(path):
    """Return a chapter with its first cells of code and its exercises, which take a moment."""
    chapter = read(path)
    exercises = [cell for e in exercises_of(chapter) for cell in e.cells + e.solution]
    install, imports, *_ = (cell for cell in chapter.cells if cell.cell_type == "code")
    chapter.cells = [install, imports, *exercises]
    return chapter


def test_the_page_shows_what_comes_of_the_class(tmp_path):
    chapter = tmp_path / demo_class.CHAPTER.name
    nbformat.write(without_its_text(demo_class.CHAPTER), chapter)
    command = [sys.executable, demo_class.__file__, tmp_path / "class", "--chapter", chapter]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    rows = [row[:-1] for row in csv.reader(done.stdout.splitlines())]  # without the digest
    page = (CHAPTERS / "teaching.md").read_text(encoding="utf-8")
    table = page.partition("demo_class.py")[2]
    shown = [
        [entry.strip() for entry in line[1:-1].split("|")]
        for line in re.findall(r"^\|.*\|$", table, re.M)[: len(rows) + 1]
    ]
    assert [shown[0], *shown[2:]] == rows


@pytest.mark.parametrize("path", WITH_EXERCISES, ids=lambda path: path.stem)
def test_every_chapter_can_be_handed_in(tmp_path, path):
    chapter = nbformat.read(path, as_version=4)
    demo_class.hand_in(chapter, tmp_path, path.name)
    asked = demo_class.questions(chapter)
    assert list(asked) == list(load(str(number(path))))
    books = {s: nbformat.read(tmp_path / s / path.name, as_version=4) for s in STUDENTS}
    answers = {s: [books[s].cells[place].source for place, _ in asked.values()] for s in STUDENTS}
    starters = [chapter.cells[place].source for place, _ in asked.values()]
    for number_, (_, names), answer, starter in zip(
        asked, asked.values(), answers["student-1"], starters, strict=True
    ):
        assert answer != starter
        assert all(re.search(rf"^(def|class) {n}\b|^{n} = ", answer, re.M) for n in names), number_
    same = [a == s for a, s in zip(answers["student-5"], starters, strict=True)]
    assert same == [False] * (len(same) - 1) + [True]
    has_outputs = [any(c.get("outputs") for c in books[s].cells) for s in STUDENTS]
    assert has_outputs == [False, False, False, False, True]


def test_the_second_student_makes_mistakes():
    space = {}
    exec(demo_class.mistake("1.3", ["two_curvatures"]), space)
    report = grade(load("1")["1.3"], space["two_curvatures"])
    assert report.attempted
    assert not report.passed


def test_a_folder_that_is_there_is_left_alone(tmp_path, capsys):
    with pytest.raises(SystemExit):
        demo_class.main([str(tmp_path)])
    assert "name a folder that is not there yet" in capsys.readouterr().err
