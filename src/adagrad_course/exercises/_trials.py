"""The single things that are tried with an answer, and what came of each."""

import contextlib
import copy
import inspect
import os
import re
import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ._sandbox import TimeUp
from ._values import (
    describe,
    difference,
    leaves,
    mismatch,
    near_miss,
    plain,
    printable,
    remark,
    show,
)

if TYPE_CHECKING:
    from .machinery import Exercise

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


@dataclass(frozen=True)
class Raised:
    """What code raised, in place of a value; alike if it is the same type of exception."""

    type: type
    text: str = field(compare=False)
    hint: str | None = field(compare=False)


@dataclass(frozen=True)
class Outcome:
    """What came of one trial: a plain value, and which arguments were changed in place."""

    trial: "Trial"
    value: object
    changed: tuple[str, ...] = ()

    @property
    def unfinished(self) -> bool:
        """Whether the `...` of a starter cell was met."""
        return any(part is ... for part in leaves(self.value))

    def explained_by(self, hint: str) -> bool:
        """Return whether the same comes of the known mistake with this hint."""
        trial = self.trial
        return hint in trial.known and not trial.exercise.difference(trial.known[hint], self.value)

    @cached_property
    def fault(self) -> str | None:
        """How the value is wrong, in words, or None."""
        exercise, expected, got = self.trial.exercise, self.trial.expected, self.value
        if isinstance(got, Raised):
            return got.text
        problem = exercise.difference(expected, got)
        if problem and not exercise.is_value:
            return NOTHING if got is None else problem
        if not problem or any(map(self.explained_by, self.trial.known)):
            return problem
        choices = {v for v in (expected, *self.trial.known.values()) if isinstance(v, str)}
        if isinstance(got, str) and len(choices) > 1:
            return f"expected one of {', '.join(sorted(map(show, choices)))}, got {show(got)}"
        return near_miss(expected, got) or problem

    @cached_property
    def problem(self) -> str | None:
        """What is wrong with the value or with the arguments after it, in words, or None."""
        if self.unfinished:
            return "there is still a `...`"
        if not self.changed:
            return self.fault
        names = " and ".join(f"`{name}`" for name in self.changed)
        but = f"{self.fault}; it also" if self.fault else "the value is right, but it"
        return f"{but} changed its argument {names} in place"

    @property
    def hint(self) -> str | None:
        """What one may say to the problem without knowing the exercise, or None."""
        if isinstance(self.value, Raised):
            return self.value.hint
        if self.changed:
            return IN_PLACE
        # A nan beside what is wrong in other ways, say in shape, is not what to look at.
        odd = r"\bnan\b" if self.trial.exercise.takes_inf else r"\b(nan|inf)\b"
        return remark(self.value) if re.search(odd, self.problem or "") else None


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

    @property
    def arguments(self) -> str:
        """The arguments in brief."""
        return ", ".join(f"{name}={show(value)}" for name, value in self.given.items())

    def observe(self, answer: object) -> Outcome:
        """Return what comes of trying `answer`."""
        try:
            answer = plain(answer) if self.exercise.is_value else answer
            args = copy.deepcopy(self.args)
            value = plain(self.take(answer, *args.values()))
            after = plain(args)
        except (KeyboardInterrupt, TimeUp):
            raise
        except BaseException as error:
            return Outcome(self, _read(error))
        changed = [name for name, was in self.given.items() if difference(was, after[name])]
        return Outcome(self, value, tuple(changed))

    @cached_property
    def expected(self) -> Any:
        """What comes of the reference."""
        return self.observe(self.exercise.reference).value

    @cached_property
    def known(self) -> dict[str, Any]:
        """What comes of each known mistake, by its hint."""
        return {hint: self.observe(wrong).value for hint, wrong in self.exercise.mistakes.items()}


class Property(Trial):
    """A property that an answer must have."""

    expected = None
    known: ClassVar[dict[str, Any]] = {}  # its function itself says what is wrong


def demand_kind(exercise: "Exercise", answer: object) -> None:
    """Raise `Wrong` if the answer is of a kind that cannot be tried at all."""
    reference = exercise.reference
    if exercise.is_value:
        problem = None
        if exercise.properties:  # any value will do, if its kind and shape are right
            problem = difference(plain(reference), answer, atol=1e300, reveal=False)
        elif isinstance(reference, dict):
            problem = mismatch(plain(reference), answer)
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
