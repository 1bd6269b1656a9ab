"""The single things that are tried with an answer, and what came of each."""

import copy
import dis
import inspect
import linecache
import os
import re
import sysconfig
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ._sandbox import Stop
from ._values import (
    describe,
    difference,
    has_ellipsis,
    missing_parts,
    plain,
    printable,
    remark,
    show,
)

DRAWS = 10  # how often a case given as a generator function is drawn
SEED = 2011  # of the generator that draws

IN_PLACE = (
    "Work on a copy: `x -= y`, `x[i] = y` and `x.sort()` change what was given, `x = x - y` and "
    "`sorted(x)` make something new."
)
NOTHING = "returned None: is a `return` missing?"
REMEDIES = {
    ImportError: "Is the package installed, and its name spelled right?",
    NameError: "Is every name spelled right, and defined before it is used?",
    RecursionError: "A function that calls itself needs a case in which it does not.",
    SystemExit: "End a function with `return`.",
}

# Code in these folders is not the student's. (The package first: it may be installed elsewhere.)
_LIBRARIES = (
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep,
    *(sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")),
)


class Wrong(Exception):
    """Raised by a property's function to say what is wrong with an answer.

    Parameters
    ----------
    problem : str
        What was expected and what came: `"expected a loss below 0.001, got 0.2"`.
    hint : str, optional
        What to think about.
    """

    def __init__(self, problem, hint=None):
        super().__init__(problem)
        self.hint = hint


def numbers_like(example, value):
    """Return what an answer gave as a new array, or raise `Wrong` if its shape is another one."""
    value = plain(value)
    if value is None:
        raise Wrong(NOTHING)
    # An ellipsis fails below: an exercise not yet done is not wrong.
    if value is not ... and (problem := difference(example, value, atol=np.inf)):
        raise Wrong(problem)
    return np.array(value, dtype=float)


@dataclass(frozen=True)
class Outcome:
    """What came of one trial: a plain value, or an error in words; and what one may say to it."""

    value: object = None
    error: str | None = None
    error_type: type | None = None
    hint: str | None = None
    changed: tuple[str, ...] = ()

    @property
    def unfinished(self):
        """Whether the `...` of a starter cell was met."""
        # "a single ellipsis" is all that NumPy admits in an index: g[..., ...] is an attempt.
        met = re.search(r"(?<!single )\bellipsis\b", self.error or "")
        return has_ellipsis(self.value) or bool(met)


@dataclass(frozen=True)
class Trial:
    """A single thing to try; several trials with one name make one line of the report."""

    name: str
    exercise: object

    def observe(self, answer, catch=Exception):
        """Return what comes of trying `answer`; an exception of type `catch` is an outcome too."""
        try:
            return self._observe(answer)
        except Stop:
            raise
        except Wrong as wrong:
            return Outcome(error=str(wrong), hint=wrong.hint)
        except catch as error:
            return _failure(error)

    def expected(self):
        """Return what comes of trying the reference."""
        outcome = self.observe(self.exercise.reference)
        if outcome.error:
            raise RuntimeError(f"{self.exercise.number}: the reference {outcome.error}")
        return outcome

    def problem(self, expected, got):
        """Return in words what is wrong with an outcome, or None."""
        if got.unfinished:
            return "there is still a `...`"
        return got.error or self.difference(expected, got, reveal=not self.exercise.is_value)

    def arguments(self):
        """Return the arguments the answer was called with, in brief, or None."""

    def difference(self, one, other, reveal=True):
        """Return in words how two outcomes' values differ, or None."""
        tolerance = {"rtol": self.exercise.tolerance, "atol": self.exercise.atol}
        return difference(one.value, other.value, **tolerance, reveal=reveal)

    def agree(self, one, other):
        """Return whether two answers, tried in the same way, behaved in the same way."""
        if one.unfinished or other.unfinished:
            return False
        if one.error or other.error:
            return one.error_type is other.error_type is not None
        return self.difference(one, other) is None


@dataclass(frozen=True)
class Fit(Trial):
    """Whether the answer is of a kind that can be tried at all."""

    args: tuple | None

    def _observe(self, answer):
        exercise = self.exercise
        if answer is ... or (not exercise.is_value and _is_starter(answer)):
            return Outcome(...)
        value = plain(answer)
        problem = None
        if not exercise.is_value:
            problem = self._misfit_of_callable(answer, value)
        elif exercise.properties:  # any value will do, if its kind and shape are right
            problem = difference(plain(exercise.reference), value, atol=1e300, reveal=False)
        elif isinstance(exercise.reference, tuple | dict):
            problem = missing_parts(plain(exercise.reference), value)
        if problem:
            raise Wrong(problem)
        return Outcome(True)

    def _misfit_of_callable(self, answer, value):
        wanted = "class" if isinstance(self.exercise.reference, type) else "function"
        if not callable(answer):
            itself = f"pass the {wanted} itself, without calling it"
            return f"expected a {wanted}, got {describe(value)}: {itself}"
        if isinstance(answer, type) != (wanted == "class"):
            return f"expected a {wanted}, got {describe(value)}"
        if self.args is None:
            return None
        try:
            signature = inspect.signature(answer)
        except ValueError:  # some built-in functions do not tell
            return None
        try:
            signature.bind(*self.args)
        except TypeError:
            names = ", ".join(self.exercise.parameters[: len(self.args)])
            theirs = ", ".join(signature.parameters)
            return f"expected a function of ({names}), got one of ({theirs})"
        return None


@dataclass(frozen=True)
class Call(Trial):
    """A call of the answer with given arguments."""

    args: tuple

    def _observe(self, answer):
        args = copy.deepcopy(self.args)
        before = plain(args)
        value = plain(self.exercise.call(answer, *args))
        named = zip(self.exercise.parameters, before, plain(args), strict=False)
        changed = tuple(name for name, *pair in named if difference(*pair))
        return Outcome(value, hint=IN_PLACE if changed else remark(value), changed=changed)

    def problem(self, expected, got):
        """Return in words what is wrong with what was returned, or done to the arguments."""
        problem = super().problem(expected, got)
        if problem and got.value is None and not got.error:
            problem = NOTHING
        if got.changed:
            problem = f"{problem}; it also" if problem else "the value is right, but it"
            names = " and ".join(f"`{name}`" for name in got.changed)
            problem += f" changed its argument {names} in place"
        return problem

    def arguments(self):
        """Return the arguments the answer was called with, in brief."""
        named = zip(self.exercise.parameters, self.args, strict=False)
        return ", ".join(f"{name}={show(plain(arg))}" for name, arg in named)


@dataclass(frozen=True)
class Part(Trial):
    """A value, or one part of it."""

    key: object = None

    def _observe(self, answer):
        value = plain(answer)
        value = value if self.key is None else plain(value[self.key])
        return Outcome(value, hint=remark(value))

    def problem(self, expected, got):
        """Return in words what is wrong; where the answer is a text, what the choices are."""
        problem = super().problem(expected, got)
        if problem and isinstance(expected.value, str) and isinstance(got.value, str):
            wrong = [self.observe(mistake) for mistake in self.exercise.mistakes.values()]
            choices = [expected, *(outcome for outcome in wrong if isinstance(outcome.value, str))]
            if not any(self.agree(choice, got) for choice in choices):
                texts = sorted({choice.value for choice in choices})
                return f"expected one of {', '.join(map(show, texts))}, got {show(got.value)}"
        return problem


@dataclass(frozen=True)
class Property(Trial):
    """A property that the answer must have."""

    test: Callable

    def _observe(self, answer):
        self.test(plain(answer) if self.exercise.is_value else answer)
        return Outcome(True)

    def expected(self):
        """Return what comes of trying a right answer."""
        return Outcome(True)


def trials_of(exercise):
    """Return all trials of an exercise, in the order of its report."""
    trials = []
    rng = np.random.default_rng(SEED)
    for name, case in exercise.cases.items():
        inputs = [case] if isinstance(case, tuple) else [case(rng) for _ in range(DRAWS)]
        trials += [Call(name, exercise, args) for args in inputs]
    if exercise.is_value and not exercise.properties:
        match exercise.reference:
            case dict() as parts:
                trials += [Part(key, exercise, key) for key in parts]
            case tuple() as parts:
                trials += [Part(f"value {i + 1}", exercise, i) for i in range(len(parts))]
            case _:
                trials.append(Part("your answer", exercise))
    return trials + [Property(name, exercise, test) for name, test in exercise.properties.items()]


def _failure(error):
    """Return the outcome of code that raised `error`: what, and where in the student's code."""
    try:
        text = f"raised {type(error).__name__}: {error}".removesuffix(": ")
    except Stop:
        raise
    except BaseException:  # of the student's own making
        text = "raised an exception that cannot be shown"
    text = printable(re.sub(r" at 0x[0-9a-fA-F]+", "", text))  # addresses differ in every run
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        code = frame.f_code
        if not code.co_filename.startswith(_LIBRARIES):
            source = printable(linecache.getline(code.co_filename, line), 60)
            text += f", in line {line}" + (f", `{source}`" if source else "")
            break
    kind = type(error)
    remedy = next((REMEDIES[known] for known in REMEDIES if issubclass(kind, known)), None)
    return Outcome(error=text, error_type=kind, hint=remedy)


def _is_starter(answer):
    """Return whether a function does nothing: `def step(w): ...` or `def step(w): return ...`."""
    if not isinstance(answer, types.FunctionType):
        return False
    return all(
        step.opname in ("RESUME", "NOP", "RETURN_VALUE")
        or (step.opname in ("LOAD_CONST", "RETURN_CONST") and step.argval in (None, ...))
        for step in dis.get_instructions(answer)
    )
