"""The single things that are tried with an answer, and what came of each."""

import contextlib
import copy
import inspect
import os
import re
import sysconfig
import time
import traceback
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ._sandbox import TimeUp
from ._values import describe, difference, leaves, mismatch, plain, printable, remark, show

if TYPE_CHECKING:
    from .machinery import Exercise

IN_PLACE = (
    "Work on a copy: `x -= y`, `x[i] = y` and `x.sort()` change what was given, `x = x - y` and "
    "`sorted(x)` make something new."
)
NOTHING = "returned None: is a `return` missing?"
NEAR = 0.01  # relative distance up to which a value is called close
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
    os.path.dirname(np.__file__) + os.sep,  # in a browser it lies elsewhere
)


class Wrong(Exception):
    """Raised to say what is wrong with an answer.

    Parameters
    ----------
    problem : str
        What was expected and what came: `"expected a loss below 0.001, got 0.2"`.
    hint : str, optional
        What to think about.
    """

    def __init__(self, problem: str, hint: str | None = None) -> None:
        super().__init__(problem)
        self.hint = hint


def numbers_like(example: Any, value: Any) -> np.ndarray:
    """Return what an answer gave as a new array, or raise `Wrong` if its shape is another one."""
    value = plain(value)
    if value is None:
        raise Wrong(NOTHING)
    # An ellipsis fails below: an exercise not yet done is not wrong.
    if value is not ... and (problem := mismatch(example, value)):
        raise Wrong(problem)
    return np.array(value, dtype=float)


def with_peak_memory(work: Callable[[], Any]) -> tuple[Any, int]:
    """Return what `work()` returns, and how many bytes more than before it held at most."""
    was_tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        result = work()
        return result, tracemalloc.get_traced_memory()[1] - before
    finally:
        if not was_tracing:
            tracemalloc.stop()


def least_seconds(work: Callable[[], Any], times: int = 7) -> float:
    """Return how long `work()` takes when nothing else keeps the machine busy."""
    seconds = []
    for _ in range(times):
        before = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - before)
    return min(seconds)


@dataclass(frozen=True)
class Raised:
    """What code raised, in place of a value; alike if it is the same type of exception."""

    type: type
    text: str = field(compare=False)
    hint: str | None = field(compare=False)


@dataclass(frozen=True)
class Outcome:
    """What came of one trial: a plain value, and which arguments were changed in place."""

    value: object = None
    changed: tuple[str, ...] = ()

    @property
    def unfinished(self) -> bool:
        """Whether the `...` of a starter cell was met."""
        return any(part is ... for part in leaves(self.value))

    def hint(self, problem: str, takes_inf: bool = False) -> str | None:
        """Return what one may say to it without knowing the exercise, or None.

        Where `takes_inf`, inf may be the right answer, and was meant.
        """
        if isinstance(self.value, Raised):
            return self.value.hint
        if self.changed:
            return IN_PLACE
        # A nan beside what is wrong in other ways, say in shape, is not what to look at.
        odd = r"\bnan\b" if takes_inf else r"\b(nan|inf)\b"
        return remark(self.value) if re.search(odd, problem) else None


@dataclass(frozen=True)
class Trial:
    """One thing to try; several trials with one name make one line of the report.

    What `take(answer, *args.values())` returns must be what it returns for the reference.
    """

    name: str
    exercise: "Exercise"
    take: Callable
    args: dict = field(default_factory=dict)

    @cached_property
    def given(self) -> dict[str, Any]:
        """The arguments as plain data: answers get copies, which these are compared with."""
        return plain(self.args)

    def observe(self, answer: object) -> Outcome:
        """Return what comes of trying `answer`."""
        try:
            answer = plain(answer) if self.exercise.is_value else answer
            args, before = copy.deepcopy(self.args), self.given
            value = plain(self.take(answer, *args.values()))
            after = plain(args)
        except (KeyboardInterrupt, TimeUp):
            raise
        except BaseException as error:
            return Outcome(_read(error))
        return Outcome(value, tuple(name for name in args if difference(before[name], after[name])))

    @cached_property
    def expected(self) -> Outcome:
        """What comes of trying the reference."""
        return self.observe(self.exercise.reference)

    @cached_property
    def known(self) -> dict[str, Outcome]:
        """What comes of trying each known mistake, by its hint."""
        return {hint: self.observe(wrong) for hint, wrong in self.exercise.mistakes.items()}

    def difference(self, one: Outcome, other: Outcome, near: float = 0.0) -> str | None:
        """Return in words how the values of two outcomes differ, or None."""
        return difference(
            one.value,
            other.value,
            rtol=self.exercise.tolerance,
            atol=1e-12,
            digits=self.exercise.digits,
            near=near,
            reveal=not self.exercise.is_value,
        )

    def problem(self, got: Outcome) -> str | None:
        """Return in words what is wrong with an outcome, or None."""
        if got.unfinished:
            return "there is still a `...`"
        if isinstance(got.value, Raised):
            return got.value.text
        problem = self.difference(self.expected, got)
        if problem and self.exercise.is_value:
            if not any(self.explained_by(hint, got) for hint in self.known):
                problem = self.difference(self.expected, got, near=NEAR)
                if isinstance(got.value, str) and len(self.choices) > 1:
                    problem = f"expected one of {', '.join(self.choices)}, got {show(got.value)}"
        elif problem and got.value is None:
            problem = NOTHING
        if got.changed:
            names = " and ".join(f"`{name}`" for name in got.changed)
            problem = f"{problem}; it also" if problem else "the value is right, but it"
            problem += f" changed its argument {names} in place"
        return problem

    @property
    def choices(self) -> list[str]:
        """The texts that one can choose from: of the reference and of all known mistakes."""
        values = [outcome.value for outcome in (self.expected, *self.known.values())]
        return sorted({show(value) for value in values if isinstance(value, str)})

    def explained_by(self, hint: str, got: Outcome) -> bool:
        """Return whether the known mistake with this hint does here what the answer did."""
        return hint in self.known and self.difference(self.known[hint], got) is None

    def arguments(self) -> str:
        """Return the arguments the answer was called with, in brief."""
        return ", ".join(f"{name}={show(plain(arg))}" for name, arg in self.args.items())


class Property(Trial):
    """A property that an answer must have."""

    expected = Outcome()
    known: ClassVar[dict[str, Outcome]] = {}  # its function itself says what is wrong


def demand_kind(exercise: "Exercise", answer: object) -> None:
    """Raise `Wrong` if the answer is of a kind that cannot be tried at all."""
    reference = exercise.reference
    if exercise.is_value:
        problem = mismatch(plain(reference), answer) if isinstance(reference, dict) else None
        if exercise.properties:  # any value will do, if its kind and shape are right
            problem = difference(plain(reference), answer, atol=1e300, reveal=False)
        if problem:
            raise Wrong(problem)
        return
    wanted = "class" if isinstance(reference, type) else "function"
    problem = f"expected a {wanted}, got {describe(plain(answer))}"
    if not callable(answer):
        raise Wrong(f"{problem}: pass the {wanted} itself, without calling it")
    if isinstance(answer, type) != isinstance(reference, type) and not exercise.factory:
        raise Wrong(problem)
    if exercise.cases and not exercise.run:
        names = ", ".join(exercise.trials[0].args)
        with contextlib.suppress(ValueError):  # some built-in functions do not tell
            signature = inspect.signature(answer)
            try:
                signature.bind(*exercise.trials[0].args)
            except TypeError:
                problem = f"expected a function of ({names}), got one of {signature}"
                if any(p.kind is p.KEYWORD_ONLY for p in signature.parameters.values()):
                    problem += ": arguments come by position, which nothing after the `*` accepts"
                raise Wrong(problem) from None


def _read(error):
    """Return what code raised in words, with the line of the student's code that did."""
    if isinstance(error, Wrong):
        return Raised(Wrong, str(error), error.hint)
    try:
        said = str(error)
    except Exception:
        said = "<exception str() failed>"  # as in a traceback
    frames = reversed(traceback.extract_tb(error.__traceback__))
    theirs = next((f for f in frames if not f.filename.startswith(_LIBRARIES)), None)
    source = (theirs and theirs.line) or ""
    # Python names the type of what it cannot compute with. In `w[...]` it is meant to be there.
    named = isinstance(error, TypeError | AttributeError) and re.search(r"\bellipsis\b", said)
    if named and "[...]" not in source:
        return ...
    text = f"raised {type(error).__name__}: {said}".removesuffix(": ")
    text = printable(re.sub(r" at 0x[0-9a-fA-F]+", "", text))  # addresses differ in every run
    if theirs:
        source = printable(source, 60)
        text += f", in line {theirs.lineno}" + (f", `{source}`" if source else "")
    remedy = next((REMEDIES[kind] for kind in REMEDIES if isinstance(error, kind)), None)
    return Raised(type(error), text, remedy)
