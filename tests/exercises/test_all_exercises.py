"""Every exercise of every chapter does what its author meant."""

import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import structure
from answers import learning_rates
from audit import audit, right_closing
from optional_torch import needs_torch

import adagrad_course.exercises as package
from adagrad_course.exercises import CHAPTERS, hint, load, machinery
from adagrad_course.exercises._trials import IN_PLACE
from adagrad_course.exercises.machinery import grade
from adagrad_course.objectives import Quadratic

NOTEBOOKS = Path(__file__).resolve().parents[2] / "chapters"
NUMBERS = [number for chapter in CHAPTERS for number in load(chapter)]


def test_every_module_is_a_registered_chapter():
    modules = {info.name for info in pkgutil.iter_modules(package.__path__)}
    chapters = {name for name in modules if not name.startswith("_")} - {"machinery"}
    wrong = sorted(chapters ^ set(CHAPTERS.values()))
    assert not wrong, f"src/adagrad_course/exercises/: a module, or a line of CHAPTERS: {wrong}"


@pytest.mark.house_style
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_numbers_count_up(chapter):
    module = __import__(f"{package.__name__}.{CHAPTERS[chapter]}", fromlist=["EXERCISES"])
    numbers = [exercise.number for exercise in module.EXERCISES]
    wanted = [f"{chapter}.{i + 1}" for i in range(len(numbers))]
    assert numbers == wanted, f"EXERCISES in {module.__name__} must count up, it has {numbers}"


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=needs_torch) if n == "3.5" else n for n in NUMBERS]
)
def test_exercise(number, monkeypatch):
    monkeypatch.setattr(machinery, "TIME_LIMIT", 60.0)  # patience, for a busy machine
    chapter = number.partition(".")[0]
    faults = audit(load(chapter)[number])
    assert not faults, f"exercise {number} in {CHAPTERS[chapter]}.py: " + "\n".join(faults)


@pytest.mark.parametrize("number", NUMBERS)
def test_hints(number, capsys):
    exercise = load(number.partition(".")[0])[number]
    for n, text in enumerate(exercise.hints, start=1):
        hint(number, n)
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        assert " ".join(lines).startswith(f"Hint {n} of {len(exercise.hints)}: {text}")


def test_in_a_browser_checks_need_no_threads_no_signals_and_no_large_packages():
    """What is not there in Pyodide is taken away; 3.5 alone is about PyTorch.

    Of each exercise's mistakes it is the first that is made: all are in test_live_cells.py, in a
    browser, whose reports are compared with those given here.
    """
    code = """if True:
        import _thread, signal, sys, sysconfig
        sysconfig.get_config_vars()  # of this platform
        sys.platform = "emscripten"
        sys.modules |= dict.fromkeys(["torch", "anywidget", "ipywidgets", "tqdm", "psutil"])
        def refuse(*_):
            raise RuntimeError("not in a browser")
        _thread.start_new_thread = signal.signal = signal.setitimer = refuse
        from adagrad_course.exercises import CHAPTERS, check, load
        from adagrad_course.exercises.machinery import grade
        for chapter in CHAPTERS:
            for number, exercise in load(chapter).items():
                if number != "3.5":
                    closing = exercise.closing.reference if exercise.closing else ...
                    check(number, exercise.reference, closing)
                    for wrong in [*exercise.mistakes.values()][:1]:
                        assert not grade(exercise, wrong, closing).passed, number
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "✗" not in run.stdout
    assert run.stdout.count("passed.") == len(NUMBERS) - 1


# An answer stands alone there: the closing question, where there is one, is answered rightly.
# A chapter without such answers of ours need not have a file of them.
OURS = {path.stem for path in Path(__file__).parent.glob("answers/*.py")}
ANSWERS = [import_module(f"answers.{name}") for name in CHAPTERS.values() if name in OURS]
RIGHT = [answer for module in ANSWERS for answer in module.RIGHT]
WRONG = [answer for module in ANSWERS for answer in module.WRONG]


def asked(answer):
    """Return the number of the exercise that an answer, perhaps a `pytest.param`, is to."""
    return getattr(answer, "values", answer)[0]


def in_this_book(answers):
    """Return those to exercises that there are: a fork may have taken some out."""
    return [answer for answer in answers if asked(answer) in NUMBERS]


@pytest.mark.house_style
def test_our_answers_are_to_exercises_that_there_are():
    gone = sorted({asked(answer) for answer in RIGHT + WRONG} - {*NUMBERS})
    assert not gone, f"take out of tests/exercises/answers/: {gone}"


def graded(number, answer):
    exercise = load(number.partition(".")[0])[number]
    return grade(exercise, answer, right_closing(exercise))


@pytest.mark.parametrize(("number", "answer"), in_this_book(RIGHT))
def test_a_right_answer_in_another_form_passes(number, answer):
    report = graded(number, answer)
    assert report.passed, str(report)


@pytest.mark.parametrize(("number", "answer", "hint"), in_this_book(WRONG))
def test_a_wrong_answer_is_told_its_own_mistake_or_none(number, answer, hint):
    report = graded(number, answer)
    assert not report.passed
    hints = [result.hint for result in report.results if result.hint]
    assert (hint in hints[0]) if hint else not hints, str(report)
    assert IN_PLACE not in hints[1:], str(report)  # as nan, which equals nothing, may make it seem


@pytest.mark.parametrize(
    ("number", "closing", "hint"), [a for m in ANSWERS for a in getattr(m, "CLOSING", [])]
)
def test_an_answer_to_a_closing_question_is_judged_as_meant(number, closing, hint):
    exercise = load(number.partition(".")[0])[number]
    report = grade(exercise, exercise.reference, closing)
    hints = [result.hint for result in report.results if result.hint]
    assert report.passed == (hint is None), str(report)
    assert hint is None or hint in hints[0], str(report)


def test_an_answer_that_counts_a_trillion_steps_is_stopped(monkeypatch):
    monkeypatch.setattr(machinery, "TIME_LIMIT", 0.5)
    report = graded("1.4", learning_rates.steps_by_counting)
    assert not report.passed
    assert "did not finish within 0.5 s: is a loop very long, or endless?" in str(report)
    assert not any(result.hint for result in report.results)


TO_MEND = re.compile(r"^\w+ = \.\.\.  # (\w+), when you have mended it$", re.M)


def bugs_to_find(path):
    """Return the code of the exercises in which a bug is to be found, and what is to be mended."""
    for exercise in structure.exercises_of(structure.read(path)):
        code = exercise.cells[0].source if exercise.cells else ""
        if to_mend := TO_MEND.search(code):
            (number,) = exercise.numbers
            yield number, code, to_mend[1]


# The starters of chapter 8 need more than these two names.
WITH_BUGS = sorted(NOTEBOOKS.glob("0[1-7]*.ipynb"))


@pytest.mark.parametrize("path", WITH_BUGS, ids=lambda path: path.stem)
def test_a_bug_that_is_to_be_found_is_a_known_mistake(path):
    for number, code, to_mend in bugs_to_find(path):
        names = {"np": np, "Quadratic": Quadratic}
        exec(code, names)
        report = graded(number, names[to_mend])
        hints = {result.hint for result in report.results}
        known = load(number.partition(".")[0])[number].mistakes.keys()
        assert not report.passed, f"the starter of {number} in chapters/{path.name} has no bug"
        assert hints & known, f"the bug of {number} must be one of its mistakes: {report}"


@pytest.mark.house_style
@pytest.mark.parametrize("path", WITH_BUGS, ids=lambda path: path.stem)
def test_a_chapter_has_a_bug_to_find_and_says_so(path):
    titles = re.findall(r"\{exercise\} (\S+) ★+ Find the bug: ", str(structure.read(path).cells))
    assert titles == [number for number, *_ in bugs_to_find(path)] != [], (
        f"chapters/{path.name}: 'Find the bug: …' is the title of {titles}"
    )
