"""Claims about an optimizer as code: each is tested, gets a verdict, and can be put to another one.

A claim is a function that is given an optimizer's class and yields lines: what was measured, the
number, and how that would compare with a threshold by the claim. The first line tests the claim
itself, the others what one would take from it.
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

__all__ = ["Changes", "Claim", "Ledger", "Line"]

# An optimizer's class, or a function of a rate that returns an optimizer.
Method: TypeAlias = Callable[..., Any]
Test: TypeAlias = Callable[[Method], Iterable[tuple[str, float, str, float]]]
RELATIONS: dict[str, Callable[[float, float], bool]] = {"<": operator.lt, ">": operator.gt}
VERDICTS = ("holds", "holds with a caveat", "overstated", "cannot be tested")


class Line(NamedTuple):
    """One test of a claim.

    Attributes
    ----------
    text : str
        What was measured.
    value : float
        The number.
    relation : {"<", ">"}
        How it compares with the threshold by the claim.
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

    def __str__(self) -> str:
        mark, no = ("✓", "") if self.passed else ("✗", "not ")
        value, threshold = _short(self.value), _short(self.threshold)
        return f"{mark} {self.text}: {value}, {no}{self.relation} {threshold}"


@dataclass(frozen=True)
class Claim:
    """What came out when a claim was tested.

    Attributes
    ----------
    name, text : str
        Such as "C1", and the claim in a few words.
    test : callable
        The function that yields its lines for an optimizer's class.
    lines : tuple of Line
        Its tests, of which the first is that of the claim itself.
    error : str
        Why it could not be tested, if so.

    Raises
    ------
    ValueError
        If there is neither a line nor an error.
    """

    name: str
    text: str
    test: Test
    lines: tuple[Line, ...] = ()
    error: str = ""

    def __post_init__(self) -> None:
        if not (self.lines or self.error):
            raise ValueError(f"lines must not be empty unless there is an error, got {self.lines}")

    @property
    def passed(self) -> int:
        """How many of its lines passed."""
        return sum(line.passed for line in self.lines)

    @property
    def verdict(self) -> str:
        """Overstated if the first line failed, holds if all passed, else holds with a caveat."""
        if self.error:
            return "cannot be tested"
        if not self.lines[0].passed:
            return "overstated"
        return "holds" if self.passed == len(self.lines) else "holds with a caveat"

    def __str__(self) -> str:
        return "\n".join([*map(str, self.lines), f"{self.name}: {self.verdict}"])


class _Table(ABC):
    """What is shown as a table."""

    @abstractmethod
    def _rows(self) -> list[tuple[str, ...]]:
        """Return the head and the rows."""

    def _notes(self) -> list[str]:
        """Return what goes below."""
        return []

    def __repr__(self) -> str:
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join(lines + self._notes())

    def _repr_html_(self) -> str:
        """Return a table in which names are links to the claims' sections, `#sec-c1` and so on."""
        head, *rows = self._rows()
        html = ['<table class="claims"><thead><tr>']
        html += [f'<th scope="col">{escape(cell)}</th>' for cell in head]
        html += ["</tr></thead><tbody>"]
        for name, *cells in rows:
            link = f'<a href="#sec-{escape(name.lower())}">{escape(name)}</a>'
            data = "".join(_cell(cell) for cell in cells)
            html += [f'<tr><th scope="row">{link}</th>{data}</tr>']
        notes = [f"<p>{escape(note)}</p>" for note in self._notes()]
        return "\n".join([*html, "</tbody></table>", *notes])


@dataclass(eq=False, repr=False)
class Ledger(_Table):
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
    >>> @ledger.add("C1", "The first step has the length of the rate")
    ... def first_step(AdaGrad):
    ...     for g in (1.0, 5.0):
    ...         method = AdaGrad(lr=0.1)
    ...         w, _ = method.step([0.0], [g], method.init([0.0]))
    ...         yield f"gradient {g:g}: step / rate", -w[0] / 0.1, "<", 1.01
    ✓ gradient 1: step / rate: 1, < 1.01
    ✓ gradient 5: step / rate: 1, < 1.01
    C1: holds
    >>> ledger
    name  claim                                      passed  verdict
    C1    The first step has the length of the rate  2/2     holds
    >>> ledger.judge(SGD)
    name  claim                                      AdaGrad  SGD
    C1    The first step has the length of the rate  holds    holds with a caveat
    """

    optimizer: Method
    claims: dict[str, Claim] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        _callable(self.optimizer)

    def add(self, name: str, text: str) -> Callable[[Test], Test]:
        """Return a decorator that tests a claim, prints its lines and its verdict, and keeps them.

        Parameters
        ----------
        name, text : str
            Such as "C1", and the claim in a few words. A name that is taken is given anew.

        Returns
        -------
        callable
            It takes a function of an optimizer's class that yields (text, value, relation,
            threshold), as in `Line`, and returns it.

        Raises
        ------
        TypeError, ValueError
            If a name is not text; when it is used, if the function yields something else, or
            nothing.
        """
        instance("name", name, str)
        instance("text", text, str)

        def decorate(test: Test) -> Test:
            claim = Claim(name, text, test, _lines(name, test(self.optimizer)))
            print(claim)
            self.claims[name] = claim
            return test

        return decorate

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
            after[name] = replace(claim, lines=lines, error=error)
        old, new = (getattr(one, "__name__", "other") for one in (self.optimizer, optimizer))
        return Changes(old, new, dict(self.claims), after)

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("name", "claim", "passed", "verdict")]
        for claim in self.claims.values():
            passed = f"{claim.passed}/{len(claim.lines)}"
            rows.append((claim.name, claim.text, passed, claim.verdict))
        return rows


@dataclass(frozen=True, eq=False, repr=False)
class Changes(_Table):
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

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("name", "claim", self.old, self.new)]
        for name in self.changed:
            before, after = self.before[name], self.after[name]
            rows.append((name, after.text, before.verdict, after.verdict))
        return rows

    def _notes(self) -> list[str]:
        names: dict[str, list[str]] = {}
        for name, claim in self.after.items():
            if claim.error:
                names.setdefault(claim.error, []).append(name)
        return [f"{', '.join(failed)}: {error}" for error, failed in names.items()]


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


def _cell(text: str) -> str:
    verdict = f' data-verdict="{text}"' if text in VERDICTS else ""
    return f"<td{verdict}>{escape(text)}</td>"


def _short(value: float) -> str:
    """Return a number with three significant digits; zero has no sign."""
    value = float(f"{value:.3g}") + 0.0
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:g}"
