"""Every exercise of every chapter does what its author meant."""

import pkgutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from audit import audit
from optional_torch import needs_torch, torch

import adagrad_course.exercises as package
from adagrad_course.exercises import CHAPTERS, hint, load, machinery
from adagrad_course.exercises.machinery import grade
from adagrad_course.exercises.sparse_data import sparse_step_on_all_rows

NUMBERS = [number for chapter in CHAPTERS for number in load(chapter)]


def test_every_module_is_a_registered_chapter():
    modules = {info.name for info in pkgutil.iter_modules(package.__path__)}
    chapters = {name for name in modules if not name.startswith("_")} - {"machinery"}
    assert chapters == set(CHAPTERS.values())


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_numbers_count_up(chapter):
    module = __import__(f"{package.__name__}.{CHAPTERS[chapter]}", fromlist=["EXERCISES"])
    numbers = [exercise.number for exercise in module.EXERCISES]
    assert numbers == [f"{chapter}.{i + 1}" for i in range(len(numbers))]


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
    """What is not there in Pyodide is taken away; 3.5 alone is about PyTorch."""
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
                    check(number, exercise.reference)
                    for wrong in exercise.mistakes.values():
                        assert not grade(exercise, wrong).passed, number
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "✗" not in run.stdout
    assert run.stdout.count("passed.") == len(NUMBERS) - 1


def curvature_after(rounds, start):
    """Return a right answer to 1.5 if it takes rounds enough from a direction that will do."""

    def largest_curvature(gradient, d):
        base, v = np.full(d, 0.5), start(d)
        for _ in range(rounds):
            v = gradient(base + v / np.linalg.norm(v)) - gradient(base)
        return np.linalg.norm(v)

    return largest_curvature


def at_random(d):
    return np.random.default_rng(7).standard_normal(d)


def run_number_by_number(gradient, start, lr, steps, eps=1e-10):
    w, G = np.array(start), np.zeros(np.shape(start))
    for _ in range(steps):
        g = gradient(w)
        for i in np.ndindex(w.shape):
            G[i] += g[i] ** 2
            w[i] -= lr * g[i] / (np.sqrt(G[i]) + eps)
    return w


def run_in_place(gradient, start, lr, steps):
    start -= start - run_number_by_number(gradient, start, lr, steps)
    return start


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("0.2", run_number_by_number),
        ("0.3", {"slope": 1658, "twice as far": 6516, "steep start": 2353}),  # counted from 0
        ("1.5", curvature_after(100, at_random)),
        ("1.7", {"deep": 0.875, "shallow": 1.19}),  # to three digits
        ("1.8", lambda t: min(0.5, 4 / t) * (1 - t / 1000)),  # zero at the end
        ("2.8", (-1000.0) ** np.arange(10)),
        pytest.param("4.7", lambda T: torch.arange(T, 0, -1) / T, marks=needs_torch),  # float32
        pytest.param(
            "4.8",
            lambda w, s, t, lr, d: torch.tensor(w) * (1 - lr * d) ** (t - 1 - torch.tensor(s)),
            marks=needs_torch,
        ),
    ],
)
def test_a_right_answer_in_another_form_passes(number, answer):
    assert grade(load(number[0])[number], answer).passed


def rounded_in_place(x, spacing, rng):
    x /= spacing
    return np.floor(x + rng.random(x.shape)) * spacing


@pytest.mark.parametrize(
    ("number", "answer", "hint"),
    [
        ("0.2", partial(run_number_by_number, eps=0), "0/0"),
        ("0.2", run_in_place, "copy"),
        ("0.2", lambda gradient, start, lr, steps: start, None),
        ("0.3", {"slope": 1600, "twice as far": 6400, "steep start": 2100}, "forecast"),
        ("1.5", lambda gradient, d: 1, "after shortening"),
        ("1.5", curvature_after(4, at_random), None),
        ("1.5", curvature_after(200, np.ones), "such as all ones"),
        ("1.8", lambda t: 0.7, "too large for too long"),
        ("1.8", lambda t: 2 / 3, "too large for too long"),
        ("1.8", lambda t: np.full(3, 4 / t), None),
        ("2.8", [1e200] * 10, "bracket"),
        ("4.4", sparse_step_on_all_rows, "0/0"),
        ("5.2", lambda d, lr, n: lr * np.sum(np.arange(1, n + 2) ** -0.5) >= d, "too many"),
        ("5.2", lambda d, lr, n: np.sum(np.arange(1, n + 1) ** -0.5) >= d, "rate is missing"),
        ("5.2", lambda d, lr, n: False, None),
        ("6.4", rounded_in_place, "copy"),
        ("6.4", lambda x, spacing, rng: None, None),
        ("7.6", lambda p, q: (0, 0), "opposite"),
    ],
)
def test_a_wrong_answer_is_told_its_own_mistake_or_none(number, answer, hint):
    report = grade(load(number[0])[number], answer)
    assert not report.passed
    hints = [result.hint for result in report.results if result.hint]
    assert (hint in hints[0]) if hint else not hints
