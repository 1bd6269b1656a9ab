"""Every exercise of every chapter does what its author meant."""

import pkgutil

import pytest

import adagrad_course.exercises as package
from adagrad_course.exercises import CHAPTERS, hint, load, machinery
from adagrad_course.exercises.audit import audit

NUMBERS = [number for chapter in CHAPTERS for number in load(chapter)]
MACHINERY = {"machinery", "audit"}


def test_every_module_is_a_registered_chapter():
    modules = {info.name for info in pkgutil.iter_modules(package.__path__)}
    chapters = {name for name in modules if not name.startswith("_")} - MACHINERY
    assert chapters == set(CHAPTERS.values())


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_numbers_count_up(chapter):
    module = __import__(f"{package.__name__}.{CHAPTERS[chapter]}", fromlist=["EXERCISES"])
    numbers = [exercise.number for exercise in module.EXERCISES]
    assert numbers == [f"{chapter}.{i + 1}" for i in range(len(numbers))]


@pytest.mark.parametrize("number", NUMBERS)
def test_exercise(number, monkeypatch):
    monkeypatch.setattr(machinery, "TIME_LIMIT", 60.0)  # patience, for a busy machine
    assert audit(load(number.partition(".")[0])[number]) == []


@pytest.mark.parametrize("number", NUMBERS)
def test_hints(number, capsys):
    exercise = load(number.partition(".")[0])[number]
    for n, text in enumerate(exercise.hints, start=1):
        hint(number, n)
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        assert " ".join(lines).startswith(f"Hint {n} of {len(exercise.hints)}: {text}")
