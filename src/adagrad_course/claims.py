"""Claims about an optimizer as code: each is tested, gets a verdict, and can be put to another one.

A claim is a function that is given an optimizer's class and yields lines: what was measured, the
number, and how that compares with a threshold if the claim is true. The lines say whether the claim
is true; its finding says, in a sentence with their numbers, how far it holds.
"""

import math
import operator
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ._validate import instance, number
from .tables import Table, as_html, table

__all__ = ["Changes", "Claim", "Ledger", "Line"]

# An optimizer's class, or a function of a rate that returns an optimizer.
Method: TypeAlias = Callable[..., Any]
Test: TypeAlias = Callable[[Method], Iterable[tuple[str, float, str, float]]]
RELATIONS: dict[str, Callable[[float, float], bool]] = {"<": operator.lt, ">": operator.gt}
SENSES = ("general", "can", "readings")


class Line(NamedTuple):
    """One test of a claim.

    Attributes
    ----------
    text : str
        What was measured.
    value : float
        The number.
    relation : {"<", ">"}
        How it compares with the threshold if the claim is true.
    threshold : float
    """

    text: str
    value: float
    relation: str
    threshold: float

    @property
    def passed(self) -> bool:
        """Whether the number compares with the threshold as the claim says."""
        return RELATIONS[self.relation](self.value, self.threshold)


class _Shown(ABC):
    """What is shown as a table, with sentences below it."""

    @abstractmethod
    def _table(self) -> Table:
        """Return the table."""

    @abstractmethod
    def _notes(self) -> list[str]:
        """Return what stands below it."""

    def __repr__(self) -> str:
        return "\n".join([repr(self._table()), *self._notes()])

    def _repr_html_(self) -> str:
        """Return the table and the sentences as HTML."""
        notes = [f"<p>{as_html(note)}</p>" for note in self._notes()]
        return "\n".join([self._table()._repr_html_(), *notes])


@dataclass(frozen=True, repr=False)
class Claim(_Shown):
    """What came out when a claim was tested, shown as a table of its lines with the verdict.

    Attributes
    ----------
    name, text : str
        Such as "C1", and the claim in a few words.
    test : callable
        The function that yields its lines for an optimizer's class.
    lines : tuple of Line
        Its tests, of which the first is that of its main case.
    finding : str
        How far the claim holds; `{0}`, `{1}` ... stand for the values of its lines.
    sense : {"general", "can", "readings"}
        What its lines are: cases that it covers, of which it needs all; cases of which it needs
        the first, as it says only that something *can* happen; or ways to read it.
    error : str
        Why it could not be tested, if so.

    Raises
    ------
    ValueError
        If there is neither a line nor an error, there is no such sense, or the finding asks for a
        line that there is not.
    """

    name: str
    text: str
    test: Test
    lines: tuple[Line, ...] = ()
    finding: str = ""
    sense: str = "general"
    error: str = ""

    def __post_init__(self) -> None:
        if not (self.lines or self.error):
            raise ValueError(f"lines must not be empty unless there is an error, got {self.lines}")
        if self.sense not in SENSES:
            raise ValueError(f"sense must be one of {SENSES}, got {self.sense!r}")
        if not self.error:
            _filled(self.finding, self.lines)

    @property
    def passed(self) -> int:
        """How many of its lines passed."""
        return sum(line.passed for line in self.lines)

    @property
    def verdict(self) -> str:
        """Whether it is true: what its lines say together, by the claim's sense."""
        if self.error:
            return "cannot be tested"
        if self.sense == "readings" and 0 < self.passed < len(self.lines):
            return "depends on the reading"
        if not self.lines[0].passed:
            return "overstated"
        if self.sense == "can" or self.passed == len(self.lines):
            return "holds"
        return "holds with a caveat"

    @property
    def found(self) -> str:
        """The finding with its numbers."""
        return _filled(self.finding, self.lines)

    def _table(self) -> Table:
        columns = {
            "measured": [line.text for line in self.lines],
            "value": [line.value for line in self.lines],
            "claim requires": [f"{line.relation} {_short(line.threshold)}" for line in self.lines],
            "passed": [line.passed for line in self.lines],
        }
        return table(columns, kind="claims lines")

    def _notes(self) -> list[str]:
        verdict = _Verdict(self.verdict, f"{self.name} {self.verdict}.")
        return [verdict, *filter(None, [self.error or self.found])]


@dataclass(eq=False, repr=False)
class Ledger(_Shown):
    """Claims about an optimizer and their verdicts, shown as a table.

    Parameters
    ----------
    optimizer : callable
        A class such as `AdaGrad`: what the claims are about.

    Attributes
    ----------
    claims : dict of str to Claim
        The claims by name, in the order in which they were added.

    Raises
    ------
    TypeError
        If `optimizer` is not callable.

    Examples
    --------
    >>> from adagrad_course.optimizers import SGD, AdaGrad
    >>> ledger = Ledger(AdaGrad)
    >>> def first_step(AdaGrad):
    ...     for g in (1.0, 5.0):
    ...         method = AdaGrad(lr=0.1)
    ...         w, _ = method.step([0.0], [g], method.init([0.0]))
    ...         yield f"gradient {g:g}: step / rate", -w[0] / 0.1, "<", 1.01
    >>> text, finding = "A first step is lr long", "At 5 it is {1:.1f}."
    >>> ledger.add("C1", text, first_step, finding)
    measured                 value  claim requires  passed
    -----------------------  -----  --------------  ------
    gradient 1: step / rate      1  < 1.01          yes
    gradient 5: step / rate      1  < 1.01          yes
    C1 holds.
    At 5 it is 1.0.
    >>> ledger
    name  claim                    verdict  how far it holds
    ----  -----------------------  -------  ----------------
    C1    A first step is lr long  holds    At 5 it is 1.0.
    >>> ledger.judge(SGD)
    name  claim                    AdaGrad  SGD
    ----  -----------------------  -------  -------------------
    C1    A first step is lr long  holds    holds with a caveat
    """

    optimizer: Method
    claims: dict[str, Claim] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        _callable(self.optimizer)

    def add(
        self, name: str, text: str, test: Test, finding: str = "", sense: str = "general"
    ) -> Claim:
        """Test a claim and keep it.

        Parameters
        ----------
        name, text : str
            Such as "C1", and the claim in a few words. A name that is taken is given anew.
        test : callable
            A function of an optimizer's class that yields (text, value, relation, threshold), as
            in `Line`.
        finding : str, optional
            How far the claim holds, in a sentence in which `{0}`, `{1}` ... stand for the values
            of its lines: with three digits, or as in `{0:.1f}`.
        sense : {"general", "can", "readings"}, optional
            Whether the claim needs all of its lines, only the first, or each is a reading of it.

        Returns
        -------
        Claim
            It *holds* if its lines pass, of one that says *can* the first. With the first alone it
            *holds with a caveat*, and without the first it is *overstated*. If some of its
            readings pass, it *depends on the reading*.

        Raises
        ------
        TypeError, ValueError
            If a name is not text, the function yields something else, or nothing, or the finding
            or the sense is none.
        """
        instance("name", name, str)
        instance("text", text, str)
        lines = _lines(name, test(self.optimizer))
        claim = self.claims[name] = Claim(name, text, test, lines, finding, sense)
        return claim

    def judge(self, optimizer: Method) -> "Changes":
        """Put all claims to another optimizer.

        Parameters
        ----------
        optimizer : callable
            Its class, or a function of a rate that returns one.

        Returns
        -------
        Changes
            A claim whose test raises an exception "cannot be tested"; its `error` says why.

        Raises
        ------
        TypeError
            If `optimizer` is not callable.
        """
        _callable(optimizer)
        after = {}
        for name, claim in self.claims.items():
            lines: tuple[Line, ...] = ()
            error = ""
            try:
                # A run that overflows is a result, and so is a rate at an end of a grid that was
                # made for another optimizer: neither is a reason for a warning.
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.filterwarnings("ignore", "the best rate, ")
                    lines = _lines(name, claim.test(optimizer))
            except Exception as exception:
                error = f"{type(exception).__name__}: {exception}"
            # What was found of the first optimizer is no finding about this one.
            after[name] = replace(claim, lines=lines, finding="", error=error)
        old, new = (getattr(one, "__name__", "other") for one in (self.optimizer, optimizer))
        return Changes(old, new, dict(self.claims), after)

    def _table(self) -> Table:
        claims = self.claims.values()
        columns = {
            "name": [_Link(claim.name) for claim in claims],
            "claim": [claim.text for claim in claims],
            "verdict": [_Verdict(claim.verdict) for claim in claims],
            "how far it holds": [claim.found for claim in claims],
        }
        return table(columns, kind="claims verdicts")

    def _notes(self) -> list[str]:
        return []


@dataclass(frozen=True, eq=False, repr=False)
class Changes(_Shown):
    """What `Ledger.judge` found, shown as a table of the verdicts that change, and the errors.

    Attributes
    ----------
    old, new : str
        The names of the two optimizers.
    before, after : dict of str to Claim
        All claims by name, with the first and with the second.
    """

    old: str
    new: str
    before: dict[str, Claim]
    after: dict[str, Claim]

    @property
    def changed(self) -> list[str]:
        """The names of the claims whose verdict is another one."""
        return [n for n in self.after if self.before[n].verdict != self.after[n].verdict]

    def _table(self) -> Table:
        names = self.changed
        new = self.new if self.new != self.old else f"{self.new} (other)"
        columns = {
            "name": [_Link(name) for name in names],
            "claim": [self.after[name].text for name in names],
            self.old: [_Verdict(self.before[name].verdict) for name in names],
            new: [_Verdict(self.after[name].verdict) for name in names],
        }
        return table(columns, kind="claims changes")

    def _notes(self) -> list[str]:
        names: dict[str, list[str]] = {}
        for name, claim in self.after.items():
            if claim.error:
                names.setdefault(claim.error, []).append(name)
        return [f"{', '.join(failed)}: {error}" for error, failed in names.items()]


class _Link(str):
    """A claim's name, as HTML a link to its section: `#sec-c1` and so on."""

    def _repr_html_(self) -> str:
        return f'<a href="#sec-{escape(self.lower())}">{escape(self)}</a>'


class _Verdict(str):
    """A verdict, or what says it, as HTML marked for a colour."""

    verdict: str

    def __new__(cls, verdict: str, text: str | None = None) -> "_Verdict":
        new = super().__new__(cls, verdict if text is None else text)
        new.verdict = verdict
        return new

    def _repr_html_(self) -> str:
        return f'<span data-verdict="{escape(self.verdict)}">{escape(self)}</span>'


class _Value(float):
    """A number in a sentence: with three digits, unless the sentence says otherwise."""

    def __format__(self, spec: str) -> str:
        return super().__format__(spec) if spec else _short(self)


def _callable(optimizer: object) -> None:
    if not callable(optimizer):
        raise TypeError(f"optimizer must be a class such as AdaGrad, got {optimizer!r:.60}")


def _lines(name: str, yielded: Any) -> tuple[Line, ...]:
    """Return what a claim yields as lines."""
    lines = []
    for line in yielded if hasattr(yielded, "__iter__") else [yielded]:
        if not (isinstance(line, tuple) and len(line) == 4 and line[2] in tuple(RELATIONS)):
            raise TypeError(
                f'{name} must yield (text, value, "<" or ">", threshold), got {line!r:.60}'
            )
        text, value, relation, threshold = line
        # It may be infinite, as a run may diverge; but NaN compares with nothing.
        value = float(number("a line's value", value, finite=False))
        if math.isnan(value):
            raise ValueError(f"a line's value must be a number, got nan for {text!r:.60}")
        lines.append(Line(str(text), value, relation, float(number("a threshold", threshold))))
    if not lines:
        raise ValueError(f"{name} must yield at least 1 line, got none")
    return tuple(lines)


def _filled(finding: str, lines: tuple[Line, ...]) -> str:
    """Return a finding with the values of its lines."""
    try:
        return finding.format(*(_Value(line.value + 0.0) for line in lines))
    except (IndexError, KeyError, ValueError) as error:
        raise ValueError(
            f"a finding must name lines by {{0}} to {{{len(lines) - 1}}}, "
            f"got {finding!r:.60} ({error})"
        ) from None


def _short(value: float) -> str:
    """Return a number with three significant digits; zero has no sign."""
    value = float(f"{value:.3g}") + 0.0
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:g}"
