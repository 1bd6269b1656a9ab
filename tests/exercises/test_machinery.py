"""Grading answers of every kind."""

import functools
import sys
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adagrad_course.exercises import _sandbox, machinery
from adagrad_course.exercises._trials import IN_PLACE, Raised
from adagrad_course.exercises.machinery import Exercise, Report, Result, Wrong, grade


def descend(w, grad, lr):
    """Take one step; the reference of most tests here."""
    return w - lr * grad


STEP = Exercise(
    "1.1",
    reference=descend,
    cases={
        "one number": (1.0, 2.0, 0.1),
        "a vector": (np.array([1.0, 2.0]), np.array([3.0, 4.0]), 0.1),
        "a zero gradient": (np.array([1.0, 2.0]), np.zeros(2), 0.5),
        "random vectors": lambda rng: (rng.normal(size=3), rng.normal(size=3), rng.uniform()),
    },
    mistakes={
        "You stepped uphill.": lambda w, grad, lr: w + lr * grad,
        "You forgot lr.": lambda w, grad, lr: w - grad,
    },
    hints=("Downhill.", "Subtract."),
)


def lines(exercise, answer):
    return str(grade(exercise, answer)).splitlines()


def problems(exercise, answer):
    """Return the problems by name, without arguments and hints."""
    report = grade(exercise, answer)
    assert not report.passed
    return {result.name: result.problem for result in report.results}


@pytest.fixture
def short_limit(monkeypatch):
    monkeypatch.setattr(machinery, "TIME_LIMIT", 0.2)


# ---------------------------------------------------------------------------- functions: right


class Callable:
    def __call__(self, w, grad, lr):
        return w - lr * grad


@pytest.mark.parametrize(
    "answer",
    [
        descend,
        lambda w, grad, lr: w - lr * grad,
        lambda *args: descend(*args),
        lambda w, grad, lr=0.1, extra=None: descend(w, grad, lr),
        functools.partial(lambda k, w, grad, lr: descend(w, grad, lr) * k, 1.0),
        Callable(),
        Callable().__call__,
        np.vectorize(descend),
        lambda w, grad, lr: np.asarray(descend(w, grad, lr)),
        lambda w, grad, lr: np.asarray(descend(w, grad, lr)).tolist(),
        lambda w, grad, lr: descend(w, grad, lr) * (1 + 1e-12),
    ],
)
def test_right_answers_pass(answer):
    assert lines(STEP, answer) == [
        "✓ one number",
        "✓ a vector",
        "✓ a zero gradient",
        "✓ random vectors",
        "1.1: all 4 checks passed.",
    ]


def test_a_single_check_is_not_counted():
    double = Exercise("1.1", reference=lambda x: 2 * x, cases={"one": (1,)}, hints=("Twice.",))
    assert lines(double, lambda x: x + x) == ["✓ one", "1.1: passed."]
    assert lines(double, lambda x: x) == [
        "✗ one: expected 2, got 1",
        "    for x=1",
        '1.1: not passed yet. For a hint: hint("1.1")',
    ]


# ---------------------------------------------------------------------------- functions: wrong


def test_a_known_mistake_brings_its_hint_once():
    assert lines(STEP, lambda w, grad, lr: w + lr * grad) == [
        "✗ one number: expected 0.8, got 1.2",
        "    for w=1, grad=2, lr=0.1",
        "    You stepped uphill.",
        "✗ a vector: expected [0.7, 1.6], got [1.3, 2.4]",
        "    for w=[1, 2], grad=[3, 4], lr=0.1",
        "✓ a zero gradient",
        "✗ random vectors: expected [-0.4759, 0.1286, 1.304], got [-1.491, -0.2165, 1.494]",
        "    for w=[-0.9832, -0.04394, 1.399], grad=[-0.7308, -0.2485, 0.1368], lr=0.6942",
        '1.1: 1 of 4 checks passed. For a hint: hint("1.1")',
    ]


def test_where_two_mistakes_agree_the_one_that_explains_more_is_meant():
    power = Exercise(
        "1.1",
        reference=lambda x: x**3,
        cases={"two": (2.0,), "three": (3.0,)},
        mistakes={"You squared.": lambda x: x**2, "You doubled.": lambda x: 2 * x},
        hints=("Cube.",),
    )
    assert grade(power, lambda x: 2 * x).results[0].hint == "You doubled."
    assert grade(power, lambda x: x * x).results[0].hint == "You squared."
    report = grade(power, lambda x: 4.0)
    assert [result.hint for result in report.results] == ["You squared.", None]


def test_beside_another_a_mistake_that_fails_where_the_answer_did_well_is_not_meant():
    def saying(*values):
        return lambda x: values[int(x)]

    same = Exercise(
        "1.1",
        reference=lambda x: x,
        cases={name: (float(x),) for x, name in enumerate(["0", "one", "two", "three"])},
        mistakes={"Early?": saying(9.0, 8.0, 2.0, 3.0), "Late?": saying(0.0, 1.0, 7.0, 6.0)},
        hints=("The same.",),
    )

    def hints(answer):
        return [result.hint for result in grade(same, answer).results]

    assert hints(saying(9.0, 8.0, 7.0, 3.0)) == ["Early?", None, None, None]
    assert hints(saying(9.0, 8.0, 7.0, 6.0)) == ["Early?", None, "Late?", None]
    assert hints(saying(0.0, 1.0, 7.0, 3.0)) == [None, None, "Late?", None]


def test_exceptions_are_alike_whatever_they_say():
    assert Raised(Wrong, "too few", None) == Raised(Wrong, "too many", "Count again.")
    assert Raised(Wrong, "too few", None) != Raised(ValueError, "too few", None)


def test_a_mistake_is_known_by_its_nan_and_by_its_exception():
    normalise = Exercise(
        "1.1",
        reference=lambda g: g / (np.abs(g) + 1e-8),
        cases={"a number": (2.0,), "zeros": (np.zeros(2),), "zero": (0.0,)},
        mistakes={
            "ε is missing.": lambda g: g / np.abs(g),
            "Python divides.": lambda g: np.sign(g) if np.ndim(g) else g / abs(g),
        },
        hints=("Divide.",),
        rtol=1e-6,
    )

    report = grade(normalise, lambda g: g / abs(g))
    assert report.results[0].problem is None
    assert report.results[1].problem == "expected [0, 0], got [nan, nan]"
    assert report.results[1].hint == "ε is missing."
    assert report.results[2].problem.startswith("raised ZeroDivisionError: ")
    assert report.results[2].hint == "Python divides."


def test_an_unknown_nan_gets_a_remark():
    report = grade(STEP, lambda w, grad, lr: w * float("nan"))
    assert report.results[0].problem == "expected 0.8, got nan"
    assert report.results[0].hint.startswith("nan is")
    assert report.results[1].hint is None


def test_a_nan_beside_another_fault_gets_none():
    report = grade(STEP, lambda w, grad, lr: np.full(5, np.nan))
    assert "shape" in report.results[0].problem
    assert report.results[0].hint is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "returned None: is a `return` missing?"),
        ("0.8", "expected a number, got the text '0.8'"),
        (True, "expected a number, got the truth value True"),
        (0.8j, "expected a number, got a complex number: is there a root of a negative number?"),
        ([0.8], "expected a number, got a list of 1 value"),
        (descend, "expected a number, got a function"),
        ((x for x in "ab"), "expected a number, got a generator"),
    ],
)
def test_wrong_types(value, problem):
    assert problems(STEP, lambda w, grad, lr: value)["one number"] == problem


def test_wrong_shape():
    found = problems(STEP, lambda w, grad, lr: np.append(w, w))
    assert found["a vector"] == "expected an array of shape (2,), got an array of shape (4,)"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (0.8, "expected a function, got the number 0.8: pass the function itself, without call"),
        ("step", "expected a function, got the text 'step': pass the function itself"),
        (None, "expected a function, got None"),
        (dict, "expected a function, got the class dict"),
        (Callable, "expected a function, got the class Callable"),
        (lambda w: w, "expected a function of (w, grad, lr), got one of (w)"),
        (lambda: 1, "expected a function of (w, grad, lr), got one of ()"),
        (lambda a, b, c, d: a, "expected a function of (w, grad, lr), got one of (a, b, c, d)"),
        (
            lambda w, *, grad, lr: w,
            "expected a function of (w, grad, lr), got one of (w, *, grad, lr): arguments come by "
            "position, which nothing after the `*` accepts",
        ),
        (
            functools.partial(descend, lr=0.1),
            "expected a function of (w, grad, lr), got one of (w, grad, *, lr=0.1): arguments come",
        ),
    ],
)
def test_what_cannot_be_called(answer, problem):
    first, last = lines(STEP, answer)
    assert first.startswith(f"✗ your answer: {problem}")
    assert last == '1.1: not passed yet. For a hint: hint("1.1")'


# ---------------------------------------------------------------------------- exceptions


def test_an_exception_is_shown_with_its_line():
    def step(w, grad, lr):
        change = lr * grad  # noqa: F841
        return w - chnge  # noqa: F821

    line = step.__code__.co_firstlineno + 2
    assert lines(STEP, step)[:4] == [
        "✗ one number: raised NameError: name 'chnge' is not defined, "
        f"in line {line}, `return w - chnge # noqa: F821`",
        "    for w=1, grad=2, lr=0.1",
        "    Is every name spelled right, and defined before it is used?",
        "✗ a vector: the same",
    ]


def test_the_line_is_the_students_even_if_a_library_raised():
    def step(w, grad, lr):
        return np.linalg.inv(np.zeros((2, 2)))

    line = step.__code__.co_firstlineno + 1
    problem = problems(STEP, step)["one number"]
    assert problem.startswith("raised LinAlgError: Singular matrix, in line ")
    assert f"in line {line}, `return np.linalg.inv" in problem


@pytest.mark.parametrize(
    "error",
    [SystemExit, GeneratorExit, StopIteration, MemoryError, AssertionError],
)
def test_any_exception_is_caught(error):
    def step(w, grad, lr):
        raise error

    assert f"raised {error.__name__}, in line" in problems(STEP, step)["one number"]


def test_exit_is_caught():
    report = grade(STEP, lambda w, grad, lr: sys.exit("bye"))
    assert report.results[0].problem.startswith("raised SystemExit: bye")
    assert report.results[0].hint == "End a function with `return`."


def test_recursion_without_end():
    def step(w, grad, lr):
        return step(w, grad, lr) + 1

    assert problems(STEP, step)["one number"].startswith("raised RecursionError")


def test_an_exception_with_a_fault_of_its_own():
    class Odd(Exception):
        def __str__(self):
            return self.message

    def step(w, grad, lr):
        raise Odd

    assert problems(STEP, step)["one number"].startswith("raised Odd: <exception str() failed>")


def test_the_readers_interrupt_ends_the_check():
    def step(w, grad, lr):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grade(STEP, step)


def test_messages_are_short_and_the_same_in_every_run():
    def step(w, grad, lr):
        raise ValueError(f"first {object()}\nsecond \x1b[31m" + "x" * 1000)

    problem = problems(STEP, step)["one number"]
    assert problem.startswith("raised ValueError: first <object object> second [31mxxx")
    assert problem.isprintable()
    assert len(problem) < 300


# ---------------------------------------------------------------------------- mutation


def test_a_changed_argument_is_reported_though_the_value_is_right():
    def step(w, grad, lr):
        w -= lr * grad
        return w

    assert lines(STEP, step) == [
        "✓ one number",
        "✗ a vector: the value is right, but it changed its argument `w` in place",
        "    for w=[1, 2], grad=[3, 4], lr=0.1",
        f"    {IN_PLACE}",
        "✓ a zero gradient",
        "✗ random vectors: the same",
        '1.1: 2 of 4 checks passed. For a hint: hint("1.1")',
    ]


def test_a_changed_argument_is_reported_beside_a_wrong_value():
    def step(w, grad, lr):
        grad *= lr
        w += grad
        return w

    report = grade(STEP, step)
    assert report.results[1].problem == (
        "expected [0.7, 1.6], got [1.3, 2.4]; it also changed its argument `w` and `grad` in place"
    )
    assert [result.hint for result in report.results[:2]] == ["You stepped uphill.", None]


def test_cases_are_not_harmed_by_mutation():
    def step(w, grad, lr):
        w *= 0
        return w

    grade(STEP, step)
    assert grade(STEP, descend).passed


def test_mutation_is_seen_in_lists_and_dictionaries():
    total = Exercise(
        "1.1",
        reference=lambda items, names: sum(items) + sum(names.values()),
        cases={"a list": ([1, 2], {"a": 1})},
        hints=("Add.",),
    )

    def pops(items, names):
        return sum(items.pop() for _ in range(2)) + names.pop("a")

    assert "changed its argument `items` and `names` in place" in problems(total, pops)["a list"]


def test_returning_the_same_buffer_every_time_is_no_way_around():
    buffer = np.zeros(2)

    def step(w, grad, lr):
        buffer[:] = 7
        return buffer

    vector = Exercise(
        "1.1",
        reference=descend,
        cases={"a": (np.ones(2), np.ones(2), 0.1), "b": (np.zeros(2), np.ones(2), 0.1)},
        hints=("Step.",),
    )
    assert len(problems(vector, step)) == 2


# ---------------------------------------------------------------------------- unattempted


def returns_ellipsis(w, grad, lr):
    return ...


def computes_with_ellipsis(w, grad, lr):
    step = ...
    return w - step


def takes_the_root_of_ellipsis(w, grad, lr):
    return np.sqrt(...)


def loops_over_ellipsis(w, grad, lr):
    for _ in ...:
        w = w - lr * grad
    return w


@pytest.mark.parametrize(
    "starter",
    [
        ...,
        returns_ellipsis,
        computes_with_ellipsis,
        takes_the_root_of_ellipsis,
        loops_over_ellipsis,
        lambda w, grad, lr: (w, ...),
        lambda w, grad, lr: [...],
    ],
)
def test_a_starter_is_not_attempted_yet(starter):
    report = grade(STEP, starter)
    assert str(report) == "1.1: not attempted yet"
    assert not report.attempted
    assert not report.passed


def test_a_half_filled_starter():
    def step(w, grad, lr):
        return w - lr * grad if np.ndim(w) == 0 else ...

    assert lines(STEP, step) == [
        "✓ one number",
        "✗ a vector: there is still a `...`",
        "    for w=[1, 2], grad=[3, 4], lr=0.1",
        "✗ a zero gradient: the same",
        "✗ random vectors: the same",
        '1.1: 1 of 4 checks passed. For a hint: hint("1.1")',
    ]


def test_a_wrong_index_is_an_attempt():
    def step(w, grad, lr):
        return np.asarray(w)[..., ...] - lr * grad

    report = grade(STEP, step)
    assert report.attempted
    assert "single ellipsis" in str(report)


def test_an_index_of_a_list_is_an_attempt():
    def step(w, grad, lr):
        return list(np.atleast_1d(w))[...]

    def not_yet(w, grad, lr):
        k = ...
        return list(np.atleast_1d(w))[k]

    assert "not ellipsis" in str(grade(STEP, step))
    assert not grade(STEP, not_yet).attempted


@pytest.mark.parametrize("error", [ValueError, TypeError, RuntimeError])
def test_a_word_in_an_error_is_an_attempt(error):
    def step(w, grad, lr):
        raise error("the ellipse, or an ellipsis" if error is not TypeError else "ellipses")

    assert grade(STEP, step).attempted


def test_without_a_return_it_is_an_attempt():
    def step(w, grad, lr):
        w - lr * grad

    assert problems(STEP, step)["one number"] == "returned None: is a `return` missing?"


# ---------------------------------------------------------------------------- time


def test_an_endless_loop(short_limit):
    def step(w, grad, lr):
        while np.size(w) == 2:
            pass
        return w - lr * grad

    assert lines(STEP, step) == [
        "✓ one number",
        "✗ a vector: did not finish within 0.2 s: is a loop very long, or endless?",
        "    for w=[1, 2], grad=[3, 4], lr=0.1",
        "– not tried: a zero gradient, random vectors",
        '1.1: 1 of 4 checks passed. For a hint: hint("1.1")',
    ]
    data = grade(STEP, step).as_json()
    assert (data["verdict"], data["passed"], data["total"]) == ("not passed", 1, 4)
    assert data["not_tried"] == ["a zero gradient", "random vectors"]


needs_timer = pytest.mark.skipif(not _sandbox.HAS_TIMER, reason="there is no timer")


@needs_timer
def test_an_endless_loop_that_catches_everything(short_limit):
    def step(w, grad, lr):
        while True:
            try:
                w = descend(w, grad, lr)
            except:  # noqa: E722
                w = 0.0

    assert problems(STEP, step)["one number"].endswith("is a loop very long, or endless?")


@needs_timer
def test_an_answer_that_waits(short_limit):
    report = grade(STEP, lambda w, grad, lr: time.sleep(60))
    assert "did not finish" in report.results[0].problem
    assert grade(STEP, descend).passed


# ---------------------------------------------------------------------------- noise


def test_prints_and_warnings_do_not_mix_with_the_report(capsys):
    def step(w, grad, lr):
        print("my print")
        print("my error", file=sys.stderr)
        warnings.warn("my warning", stacklevel=1)
        np.array([1.0]) / 0
        return w - lr * grad

    assert lines(STEP, step)[-2:] == [
        "(Your code printed something; a check shows only its own report.)",
        "1.1: all 4 checks passed.",
    ]
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_a_coroutine_leaves_no_warning(recwarn):
    async def step(w, grad, lr):
        return w

    assert problems(STEP, step)["one number"] == "expected a number, got a coroutine"
    assert not recwarn.list


# ---------------------------------------------------------------------------- values


RATE = Exercise(
    "1.2", reference=0.4, mistakes={"You inverted it.": 2.5, "Twice too much.": 0.8}, hints=("2/L",)
)
PARTS = Exercise(
    "1.3",
    reference={"largest": 0.2, "start": np.array([1.0, 2.0]), "best": 0.1, "ok": True},
    mistakes={
        "Stable means below 2/L.": {"largest": 0.1},
        "That is 1/L.": {"best": 0.05},
        "Look again.": {"ok": False},
    },
    hints=("2/L",),
)
RIGHT = {"largest": 0.2, "start": [1, 2], "best": np.float32(0.1), "ok": np.True_}


@pytest.mark.parametrize("answer", [0.4, 0.4001, np.float32(0.4), np.array(0.4), 2 / 5])
def test_right_values(answer):
    assert lines(RATE, answer) == ["✓ your answer", "1.2: passed."]


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        (0.5, "✗ your answer: 0.5 is not right"),
        ("0.4", "✗ your answer: expected a number, got the text '0.4'"),
        (None, "✗ your answer: expected a number, got None"),
        ([0.4], "✗ your answer: expected a number, got a list of 1 value"),
        (descend, "✗ your answer: expected a number, got a function"),
        (float("nan"), "✗ your answer: nan is not right"),
    ],
)
def test_wrong_values(answer, first):
    assert lines(RATE, answer)[0] == first


def test_a_wrong_value_with_its_hint():
    assert lines(RATE, 0.8) == [
        "✗ your answer: 0.8 is not right",
        "    Twice too much.",
        '1.2: not passed yet. For a hint: hint("1.2")',
    ]


def test_parts():
    assert lines(PARTS, RIGHT) == [
        "✓ largest",
        "✓ start",
        "✓ best",
        "✓ ok",
        "1.3: all 4 checks passed.",
    ]
    assert lines(PARTS, {**RIGHT, "largest": 0.1, "best": 0.05, "start": ...}) == [
        "✗ largest: 0.1 is not right",
        "    Stable means below 2/L.",
        "✗ start: there is still a `...`",
        "✗ best: 0.05 is not right",
        "    That is 1/L.",
        "✓ ok",
        '1.3: 1 of 4 checks passed. For a hint: hint("1.3")',
    ]


def test_a_number_that_is_nearly_right_is_asked_for_more_digits():
    third = Exercise("1.2", reference=1 / 3, mistakes={"Not 1/π.": 0.332}, hints=("A third.",))
    assert grade(third, 0.333).passed
    assert lines(third, 0.33)[0] == (
        "✗ your answer: 0.33 is close, but not exact enough: more digits, please"
    )
    assert lines(third, 0.332)[:2] == [
        "✗ your answer: 0.332 is not right",
        "    Not 1/π.",
    ]


def test_an_exercise_that_states_its_tolerance_takes_no_rounded_numbers():
    exact = Exercise("1.2", reference=1.2345, rtol=1e-5, hints=("Exactly.",))
    assert problems(exact, 1.23)["your answer"].endswith("more digits, please")


def test_inf_that_may_be_meant_is_not_explained():
    steps = Exercise(
        "1.2",
        reference=lambda lr: np.inf if lr >= 2 else 7.0,
        cases={"stable": (1.0,), "not stable": (2.0,)},
        hints=("When?",),
    )
    assert lines(steps, lambda lr: np.inf)[:2] == ["✗ stable: expected 7, got inf", "    for lr=1"]
    assert "nan is" in str(grade(steps, lambda lr: np.nan))
    sevens = replace(steps, reference=lambda lr: 7.0)
    assert "grew too large" in str(grade(sevens, lambda lr: np.inf))


WHICH = Exercise(
    "1.4",
    reference={"first": "the rare word", "steps": 4.0},
    mistakes={
        "It has the larger sum.": {"first": "the frequent word"},
        "One is last.": {"first": "neither"},
    },
    hints=("Try.",),
)


def test_a_choice_is_read_whatever_its_case():
    assert grade(WHICH, {"first": " The rare WORD", "steps": 4}).passed
    report = grade(WHICH, {"first": "NEITHER ", "steps": 4})
    assert str(report.results[0]) == "✗ first: 'NEITHER ' is not right\n    One is last."


def test_a_text_that_is_no_choice_is_told_the_choices():
    assert problems(WHICH, {"first": "the raer word", "steps": "4"}) == {
        "first": "expected one of 'neither', 'the frequent word', 'the rare word', "
        "got 'the raer word'",
        "steps": "expected a number, got the text '4'",
    }


def test_missing_parts():
    assert problems(PARTS, {"largest": 0.2, "strat": 1})["your answer"] == (
        "'start' is missing, got a dictionary with the keys 'largest', 'strat'"
    )
    assert problems(PARTS, 0.2)["your answer"].startswith("expected a dictionary with the keys")


@pytest.mark.parametrize(
    ("exercise", "starter"),
    [
        (RATE, ...),
        (PARTS, ...),
        (PARTS, dict.fromkeys(RIGHT, ...)),
    ],
)
def test_values_not_attempted_yet(exercise, starter):
    assert str(grade(exercise, starter)) == f"{exercise.number}: not attempted yet"


# ---------------------------------------------------------------------------- properties


def loss_is_small(lr):
    loss = (1 - lr) ** 100
    if loss > 1e-3:
        raise Wrong(f"expected a loss below 0.001, got {loss:.4g}", "Larger." if lr < 1 else None)


SMALL_LOSS = Exercise(
    "1.5",
    reference=0.5,
    properties={"the loss is below 0.001": loss_is_small, "it fits": lambda lr: None},
    mistakes={"Larger.": 0.001},
    hints=("Try.",),
)


@pytest.mark.parametrize("rate", [0.5, 1, np.float64(1.5), np.array(0.3)])
def test_any_answer_with_the_property_passes(rate):
    assert lines(SMALL_LOSS, rate) == [
        "✓ the loss is below 0.001",
        "✓ it fits",
        "1.5: all 2 checks passed.",
    ]


def test_a_missing_property():
    assert lines(SMALL_LOSS, 0.001) == [
        "✗ the loss is below 0.001: expected a loss below 0.001, got 0.9048",
        "    Larger.",
        "✓ it fits",
        '1.5: 1 of 2 checks passed. For a hint: hint("1.5")',
    ]


@pytest.mark.parametrize("answer", ["0.5", None, [0.5], True, float("nan"), descend, 0.5j])
def test_properties_need_an_answer_of_the_right_kind(answer):
    assert list(problems(SMALL_LOSS, answer)) == ["your answer"]


def test_properties_not_attempted():
    assert str(grade(SMALL_LOSS, ...)) == "1.5: not attempted yet"


def test_cases_and_properties_together():
    def is_documented(function):
        if not function.__doc__:
            raise Wrong("expected a docstring, got none")

    documented = Exercise(
        "1.6",
        reference=descend,
        cases={"one number": (1.0, 2.0, 0.1)},
        properties={"documented": is_documented},
        hints=("Write.",),
    )
    assert grade(documented, descend).passed
    report = grade(documented, lambda w, grad, lr: w - lr * grad)
    assert str(report.results[1]) == "✗ documented: expected a docstring, got none"


def test_an_exception_within_a_property_is_an_outcome():
    broken = Exercise(
        "1.6",
        reference=descend,
        properties={"can be called": lambda f: f(1.0, 2.0, 0.1)},
        hints=("Call.",),
    )

    def raises(w, grad, lr):
        raise IndexError("no such thing")

    assert problems(broken, raises)["can be called"].startswith("raised IndexError: no such thing")


# ---------------------------------------------------------------------------- classes


class Optimizer:
    def __init__(self, lr):
        self.lr = lr

    def step(self, w, grad):
        return w - self.lr * grad


class Uphill(Optimizer):
    def step(self, w, grad):
        return w + self.lr * grad


class Unfinished(Optimizer):
    def step(self, w, grad): ...


CLASS = Exercise(
    "1.7",
    reference=Optimizer,
    run=lambda optimizer, w, grad, lr: optimizer(lr).step(w, grad),
    cases={"one number": (1.0, 2.0, 0.1), "a vector": (np.ones(2), np.ones(2), 0.1)},
    mistakes={"You stepped uphill.": Uphill},
    hints=("Downhill.",),
)


def test_an_answer_that_is_a_class():
    assert grade(CLASS, Optimizer).passed
    assert lines(CLASS, Uphill)[:3] == [
        "✗ one number: expected 0.8, got 1.2",
        "    for w=1, grad=2, lr=0.1",
        "    You stepped uphill.",
    ]
    assert problems(CLASS, descend)["your answer"] == "expected a class, got a function"
    assert problems(CLASS, Optimizer(1.0))["your answer"].startswith(
        "expected a class, got an Optimizer: pass the class itself"
    )
    assert problems(CLASS, int)["one number"].startswith("raised")


def test_an_unfinished_class_returns_none():
    assert "returned None" in problems(CLASS, Unfinished)["one number"]


# ---------------------------------------------------------------------------- anything at all


ENDLESSLY_NESTED = []
ENDLESSLY_NESTED.append(ENDLESSLY_NESTED)
WEIRD = [
    ENDLESSLY_NESTED,
    np.zeros(2, dtype="f,i"),
    np.array(["2020-01-01"], dtype="M8"),
    np.ma.masked,
    np.zeros((0, 3)),
    memoryview(b"ab"),
    NotImplemented,
    10**5000,
    "\ud800",
    b"\x00",
    warnings,
    iter(int, 1),
]


@pytest.mark.parametrize("exercise", [STEP, RATE, PARTS, SMALL_LOSS, CLASS])
@pytest.mark.parametrize("index", range(len(WEIRD)))
def test_weird_answers_fail_in_words(exercise, index):
    value = WEIRD[index]
    for answer in (value, lambda *args: value):
        report = grade(exercise, answer)
        assert report.attempted
        assert not report.passed
        assert str(report).replace("\n", "").isprintable()


objects = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | st.just(...)
    | st.integers(0, len(WEIRD) - 1).map(lambda index: WEIRD[index]),
    lambda items: (
        st.lists(items, max_size=3)
        | st.tuples(items, items)
        | st.dictionaries(st.text(max_size=3), items, max_size=3)
    ),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(objects, st.sampled_from([STEP, RATE, PARTS, SMALL_LOSS, CLASS]))
def test_no_answer_brings_a_check_down(value, exercise):
    for answer in (value, lambda *args: value):
        report = grade(exercise, answer)
        assert isinstance(report, Report)
        assert str(report).replace("\n", "").isprintable()


# ---------------------------------------------------------------------------- authors' errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": "1"}, "must look like"),
        ({"number": "1.02"}, "must look like"),
        ({"number": "00.1"}, "must look like"),
        ({"hints": "one"}, "tuple of at least one"),
        ({"hints": ()}, "tuple of at least one"),
        ({"reference": 1.0}, "cases need a reference that can be called"),
        ({"cases": {}}, "needs cases or properties"),
    ],
)
def test_an_exercise_that_does_not_fit_together_is_refused(change, message):
    parts = {
        "number": "1.1",
        "reference": lambda x: x,
        "cases": {"one": (3.0,)},
        "hints": ("Same.",),
        **change,
    }
    with pytest.raises(ValueError, match=message):
        Exercise(parts.pop("number"), **parts)


def test_a_reference_that_raises_is_the_authors_error():
    broken = Exercise("1.1", reference=lambda x: 1 / x, cases={"zero": (0,)}, hints=("Divide.",))
    with pytest.raises(RuntimeError, match=r"1\.1: the reference raised ZeroDivisionError"):
        grade(broken, lambda x: 0)


def test_a_result_in_words():
    assert str(Result("a")) == "✓ a"
    assert str(Result("a", "b", "c", "d")) == "✗ a: b\n    for c\n    d"


DOUBLE_AND_SAY = Exercise(
    "1.1",
    reference=lambda x: 2 * x,
    cases={"a number": (3.5,)},
    closing=Exercise(
        "1.1",
        reference={"larger": "the double"},
        mistakes={"Of 3 it is 6.": {"larger": "the half"}},
        hints=("Try 3.",),
    ),
    hints=("Add it to itself.",),
)


@pytest.mark.parametrize(
    ("closing", "verdict", "said"),
    [
        ("the double", "passed", "✓ larger"),
        ("the half", "not passed", "Of 3 it is 6."),
        (..., "not passed", "– not tried: the closing question"),
    ],
)
def test_a_closing_question_is_graded_with_its_exercise(closing, verdict, said):
    report = grade(DOUBLE_AND_SAY, lambda x: x + x, {"larger": closing})
    assert report.as_json()["verdict"] == verdict
    assert report.total == 2
    assert said in str(report)


def test_a_closing_question_alone_is_no_attempt():
    assert not grade(DOUBLE_AND_SAY, ..., {"larger": "the double"}).attempted


@pytest.mark.parametrize(
    "closing",
    [
        Exercise("1.2", reference=1.0, hints=("One.",)),
        replace(DOUBLE_AND_SAY, closing=None),
    ],
)
def test_a_closing_question_belongs_to_its_exercise(closing):
    with pytest.raises(ValueError, match="closing question"):
        replace(DOUBLE_AND_SAY, closing=closing)
