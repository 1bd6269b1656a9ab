"""What the reader calls."""

import json
import os
import subprocess
import sys
import types

import numpy as np
import pytest

import adagrad_course.exercises as exercises
from adagrad_course.exercises import check, hint, machinery, report_to
from adagrad_course.exercises.machinery import Exercise


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


@pytest.fixture
def heard(monkeypatch):
    """What a listener hears."""
    monkeypatch.setattr(machinery, "LISTENERS", [])
    monkeypatch.setattr(exercises, "LISTENERS", machinery.LISTENERS)
    reports = []
    report_to(reports.append)
    return reports


def part(ok, problem=None, hint=None):
    said = {"name": "your answer", "ok": ok, "problem": problem, "hint": hint}
    return said | {"arguments": None}


def test_whoever_listens_gets_each_report_as_data(heard):
    for answer in (..., 2.5, 0.4):
        check("99.1", answer)
    assert json.loads(json.dumps(heard)) == [
        {"version": 1, "exercise": "99.1", "verdict": verdict, "passed": passed, "total": total}
        | {"checks": checks}
        for verdict, passed, total, checks in [
            ("not attempted", 0, 0, []),
            ("not passed", 0, 1, [part(False, "2.5 is not right", "Turn it over.")]),
            ("passed", 1, 1, [part(True)]),
        ]
    ]


def test_what_is_printed_is_no_report_and_what_an_answer_checks_is_none_either(heard):
    print("99.1: passed.")

    class Answer:
        def __array__(self, *_, **__):
            check("99.2", 1.0)
            return np.array(0.4)

    check("99.1", Answer())
    assert [report["exercise"] for report in heard] == ["99.1"]


def test_a_report_is_heard_where_nothing_can_be_printed(heard, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    check("99.1", 0.4)
    assert [report["verdict"] for report in heard] == ["passed"]


SAID = """\
from adagrad_course.exercises import CHAPTERS, check, hint, load
def step(w, g, G, lr, eps):
    return w, G
check("2.2", step)
for exercise in load("1").values():
    for n in range(len(exercise.hints)):
        hint(exercise.number, n + 1)
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "utf-8"])
def test_check_and_hint_print_whatever_the_terminal_can_show(encoding):
    run = subprocess.run(
        [sys.executable, "-c", SAID],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
    )
    assert run.stderr == b""
    said = run.stdout.decode(encoding)
    ok, no = ("✓", "✗") if encoding == "utf-8" else ("[ok]", "[no]")
    assert f"{ok} a gradient of zero" in said
    assert f"{no} a first step: value 1: expected [0.9, 2.1], got [1, 2]" in said
    assert ("GREEK SMALL LETTER ETA" in said) == (encoding != "utf-8")


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
        ("98.1", ValueError, "there is no exercise '98.1'; chapters: 1, .*99"),
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
