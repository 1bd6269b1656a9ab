"""What the reader calls."""

import json
import os
import subprocess
import sys
import types

import numpy as np
import pytest

import adagrad_course.exercises as exercises
from adagrad_course.exercises import check, hint, load
from adagrad_course.exercises.machinery import Exercise, grade


@pytest.fixture(autouse=True)
def chapter(monkeypatch):
    """Register a chapter 99 with two exercises."""
    module = types.ModuleType("adagrad_course.exercises.ninety_nine")
    module.EXERCISES = [
        Exercise("99.1", reference=0.4, mistakes={"Turn it over.": 2.5}, hints=("One.", "Two.")),
        Exercise("99.2", reference=1.0, hints=("Only.",)),
    ]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(exercises.CHAPTERS, "99", "ninety_nine")


def test_check_prints_the_report_and_returns_nothing(capsys):
    assert check("99.1", 2.5) is None
    assert capsys.readouterr().out == (
        "✗ your answer: 2.5 is not right\n"
        "    Turn it over.\n"
        '99.1: not passed yet. For a hint: hint("99.1")\n'
    )
    check("99.1", ...)
    assert capsys.readouterr().out == "99.1: not attempted yet\n"


def test_hints_are_given_one_by_one_and_the_same_every_time(capsys):
    for _ in range(2):
        assert hint("99.1") is None
        assert capsys.readouterr().out == 'Hint 1 of 2: One.\nFor the next: hint("99.1", 2)\n'
    hint("99.1", np.int64(2))
    assert capsys.readouterr().out == "Hint 2 of 2: Two.\n"
    hint("99.2")
    assert capsys.readouterr().out == "Hint 1 of 1: Only.\n"


@pytest.mark.parametrize("ask", [hint, lambda number: check(number, 1.0)])
@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (99.1, TypeError, 'number must be text such as "1.2", got a float'),
        (None, TypeError, "got a NoneType"),
        ("99.3", ValueError, "there is no exercise '99.3'; chapter 99: 99.1, 99.2"),
        ("99", ValueError, "there is no exercise '99'; chapter 99: 99.1, 99.2"),
        ("98.1", ValueError, "there is no exercise '98.1'; chapters: 0, 1, .*99"),
        ("", ValueError, "there is no exercise ''"),
        (" 99.1", ValueError, "there is no exercise ' 99.1'"),
    ],
)
def test_an_unknown_number_is_refused(ask, number, error, message):
    with pytest.raises(error, match=message):
        ask(number)


@pytest.mark.parametrize(
    ("n", "error", "message"),
    [
        (3, ValueError, "n must be from 1 to 2 for exercise 99.1, got 3"),
        (0, ValueError, "n must be at least 1, got 0"),
        (-1, ValueError, "n must be at least 1, got -1"),
        (1.0, TypeError, "n must be a whole number, got float 1.0"),
        (True, TypeError, "n must be a whole number, got bool True"),
        ("1", TypeError, "n must be a whole number, got str '1'"),
    ],
)
def test_an_unknown_hint_is_refused(n, error, message):
    with pytest.raises(error, match=message):
        hint("99.1", n)


def test_the_import_is_light():
    code = (
        "import sys, adagrad_course.exercises as e; "
        "heavy = {'torch', 'sklearn', 'pandas', 'scipy', 'matplotlib', 'IPython'}; "
        "print(sorted(heavy & sys.modules.keys()), "
        "[name for name in e.CHAPTERS.values() if f'{e.__name__}.{name}' in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[] []\n"


def test_the_import_starts_from_numpy_alone():
    code = """if True:
        import sys, numpy
        before = set(sys.modules)
        import adagrad_course.exercises
        with_threads = {"multiprocessing", "concurrent", "asyncio", "ctypes", "queue"}
        print(sorted(with_threads & (sys.modules.keys() - before)))
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_terminal_that_lacks_a_character_gets_another(encoding):
    code = (
        "from adagrad_course.exercises import check, hint; "
        "check('2.1', {'G1': 25, 'G2': 7, 'step 1': 0, 'step 2': 1}); hint('2.1')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        encoding=encoding,
    )
    assert done.returncode == 0, done.stderr
    assert "+ G1" in done.stdout
    assert "x G2" in done.stdout
    assert "of 4 checks passed" in done.stdout


def test_a_report_says_to_a_program_what_it_says_to_a_reader():
    exercise = load("2")["2.1"]
    report = grade(exercise, {"G1": 25, "G2": 7, "step 1": 0, "step 2": 0.3})
    data = json.loads(json.dumps(report.as_json()))
    identity = (data["version"], data["exercise"], data["verdict"])
    assert identity == (1, "2.1", "not passed")
    marks = [line[0] == "✓" for line in str(report).splitlines() if line[0] in "✓✗"]
    assert [each["passed"] for each in data["checks"]] == marks
    assert grade(exercise, ...).as_json()["verdict"] == "not attempted"
