"""What a student's code returned: read into plain data, compared with what was expected, shown."""

import inspect
import numbers
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from types import EllipsisType
from typing import Any

import numpy as np

LONG = 8  # arrays with more entries than this are compared, and shown, by a single entry
NEAR = 0.01  # relative distance up to which a number is called close


@dataclass(frozen=True)
class Other:
    """A value that no exercise expects, known only by its description."""

    description: str


def plain(value: Any) -> Any:
    """Copy `value` into plain data: None, `...`, bool, float, str, array, tuple, dict or `Other`.

    Parameters
    ----------
    value : object
        Anything. NumPy scalars and arrays without dimensions become plain numbers, lists become
        tuples, and numbers in what converts to an array (a tensor, a table) an array of float64.

    Examples
    --------
    >>> plain([np.float32(0.5), True])
    (0.5, True)
    """
    match value:
        case float():  # first what comes most
            return float(value)
        case None | EllipsisType() | Other():
            return value
        case bool() | np.bool():
            return bool(value)
        case str():
            return str(value)
        case numbers.Real():
            try:
                return float(value)
            except OverflowError:  # Python's own integers know no limit
                return Other("a number larger than a float holds")
        case numbers.Complex():
            return Other("a complex number: is there a root of a negative number?")
        case dict():
            return {plain(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return tuple(map(plain, value))
        case type():
            return Other(f"the class {value.__name__}")
    if not hasattr(value, "__array__"):
        name = "function" if inspect.isroutine(value) else type(value).__name__
        return Other(f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}")
    if hasattr(value, "detach"):  # a torch tensor that requires its gradient refuses to convert
        value = value.detach()
    array = np.array(value)
    if array.ndim == 0 or array.dtype.kind not in "iuf":
        return plain(array.tolist())
    return array.astype(np.float64, copy=False)


def leaves(value: Any) -> Iterator[Any]:
    """Yield the parts of plain data, and the parts of these, down to what has none."""
    if not isinstance(value, tuple | dict):
        yield value
        return
    for part in value.values() if isinstance(value, dict) else value:
        yield from leaves(part)


def difference(
    expected: Any,
    got: Any,
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
    digits: int | None = None,
    reveal: bool = True,
) -> str | None:
    """Return in words how `got` differs from `expected`, both plain data; None if it does not.

    Texts may differ in case, in the spaces around them, in the lengths of dashes, and in how η is
    written.

    Parameters
    ----------
    expected, got : object
        What `plain` returns.
    rtol, atol : float
        Relative and absolute tolerance for numbers.
    digits : int, optional
        Numbers that are rounded to so many significant digits are right, too; other whole numbers
        must then be the same.
    reveal : bool
        Whether a wrong value may be answered with the right one.

    Examples
    --------
    >>> difference(np.array([1.0, 2.0]), (2.0, 1.0))
    'expected [1, 2], got [2, 1]'
    >>> difference(0.4, 0.5, reveal=False)
    '0.5 is not right'
    """
    if problem := mismatch(expected, got):
        return problem
    if isinstance(expected, tuple | dict):
        compare = partial(difference, rtol=rtol, atol=atol, digits=digits, reveal=reveal)
        parts = plain(tuple(got)) if isinstance(got, np.ndarray) else got
        for key, part in expected.items() if isinstance(expected, dict) else enumerate(expected):
            if problem := compare(part, parts[key]):
                name = show(key) if isinstance(expected, dict) else f"value {key + 1}"
                return f"{name}: {problem}"
        return None

    if not isinstance(expected, np.ndarray) and _folded(got) == _folded(expected):
        return None
    where = ""
    if isinstance(expected, float | np.ndarray):
        expected, got = np.asarray(expected), np.asarray(got)
        right = _right(got, expected, rtol, atol, digits)
        if right.all():
            return None
        if got.size > LONG:  # the first wrong entry stands for all
            index = np.argwhere(~right)[0].tolist()
            where = f"entry {index}: "
            expected, got = expected[*index], got[*index]
        expected, got = plain(expected), plain(got)
    if not reveal:
        return f"{where}{show(got)} is not right"
    shown, given = told_apart(expected, got)
    return f"{where}expected {shown}, got {given}"


def told_apart(one: Any, other: Any) -> tuple[str, str]:
    """Show two plain values with as many digits as it takes to see that they differ.

    Examples
    --------
    >>> told_apart(0.003, 0.0030000012)
    ('0.003', '0.0030000012')
    """
    for digits in (4, 8, 17):
        shown, given = show(one, digits), show(other, digits)
        if shown != given:
            break
    return shown, given


def _folded(value: Any) -> Any:
    """Return a value as it is compared, if it is a text: see `difference`."""
    if not isinstance(value, str):
        return value
    return value.strip().casefold().replace("–", "-").replace("eta", "η")


def _right(
    got: np.ndarray, expected: np.ndarray, rtol: float, atol: float, digits: int | None
) -> Any:
    """Return which numbers are right: see `difference`."""
    right = _close(got, expected, rtol, atol)
    if digits is not None:
        # Whole numbers have all their digits: 1999 steps are not 2000.
        whole = (np.trunc(got) == got) & (np.trunc(expected) == expected)
        rounded = np.vectorize(_rounded, otypes=[float])(expected, digits)
        right = (right & ~whole) | _close(got, expected, 1e-13) | _close(got, rounded, 1e-12)
    return right


def _close(got: np.ndarray, expected: np.ndarray, rtol: float, atol: float = 0.0) -> Any:
    """Return which numbers are close, as `np.isclose` does, in a fraction of its time."""
    equal = got == expected
    if equal.all():
        return equal
    with np.errstate(invalid="ignore"):  # inf - inf
        near = np.isfinite(expected) & (abs(got - expected) <= atol + rtol * abs(expected))
    return equal | near | (np.isnan(got) & np.isnan(expected))


def _rounded(number: float, digits: int) -> float:
    """Return a number rounded to so many significant digits."""
    return float(f"{number:.{digits}g}")


def near_miss(expected: Any, got: Any) -> str | None:
    """Return in words what `got` lacks, if it is a wrong number, close to the right one.

    The right one rounded to two digits is close at any distance.

    Examples
    --------
    >>> near_miss(0.12345, 0.123)
    '0.123 is close, but not exact enough: more digits, please'
    >>> near_miss(0.12345, 0.124)
    '0.124 is close, but not right'
    """
    if not isinstance(expected, float) or difference(expected, got, rtol=NEAR, digits=2):
        return None
    if expected.is_integer() and got.is_integer():  # all digits are there
        return None
    if got in [_rounded(expected, digits) for digits in range(1, 17)]:
        lacks = "exact enough: more digits, please"
    else:
        lacks = "right: is it a whole number?" if expected.is_integer() else "right"
    return f"{show(got, 8)} is close, but not {lacks}"


def mismatch(expected: Any, got: Any) -> str | None:
    """Return in words of what other kind or shape `got` is than `expected`, or None.

    No value is given away. A part of `expected` must be there, but may be of any kind.
    """
    match expected:
        case dict() if isinstance(got, dict):
            missing = [key for key in expected if key not in got]
            return f"{show(missing[0])} is missing, got {describe(got)}" if missing else None
        case np.ndarray():
            same = _are_numbers(got) and np.shape(got) == expected.shape
        case tuple():
            if isinstance(got, np.ndarray) and got.ndim > max(map(np.ndim, expected), default=0):
                got = tuple(got)  # its parts; with fewer axes it is one part, the rest forgotten
            same = isinstance(got, tuple) and len(got) == len(expected)
        case _:
            same = type(got) is type(expected)
    if same:
        return None
    kinds = {bool: "True or False", float: "a number", str: "a text"}
    wanted = kinds.get(type(expected)) or describe(expected)
    text = f"expected {wanted}, got {describe(got)}"
    if isinstance(expected, np.ndarray) and isinstance(got, tuple):
        odd = [part for part in got if not isinstance(part, float)]
        text += f", among them {describe(odd[0])}" if odd else ""
    return text


def _are_numbers(value: Any) -> bool:
    """Return whether a plain value makes an array of numbers."""
    try:
        return np.asarray(value).dtype.kind == "f"
    except ValueError:  # a ragged list
        return False


def remark(value: Any) -> str | None:
    """Return what an unusual number in the plain `value` suggests, or None."""
    found = [part for part in leaves(value) if isinstance(part, float | np.ndarray)]
    if any(np.isnan(part).any() for part in found):
        causes = "0/0, inf - inf or the root of a negative number"
        return f"nan is “not a number”: it comes from {causes}."
    if any(np.isinf(part).any() for part in found):
        return "inf: unless you meant it, a number grew too large, or was divided by zero."
    return None


def describe(value: Any) -> str:
    """Return in words what the plain `value` is: `"the number 3"`, `"an array of shape (2,)"`."""
    match value:
        case np.ndarray():
            return f"an array of shape {value.shape}"
        case tuple():
            return f"{len(value)} values" if len(value) != 1 else "a list of 1 value"
        case dict():
            return f"a dictionary with the keys {', '.join(map(show, value)) or '(none)'}"
    kind = {bool: "the truth value ", float: "the number ", str: "the text "}.get(type(value), "")
    return kind + show(value)


def show(value: Any, digits: int = 4) -> str:
    """Return the plain `value` in brief, its numbers to `digits` significant digits.

    Examples
    --------
    >>> show((np.arange(100.0), 2 / 3))
    '([0, 1, 2, …, 99], 0.6667)'
    """
    match value:
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case float():
            return f"{value:.{digits}g}"
        case str():
            return repr(_cut(value, 60))
        case np.ndarray() if value.ndim > 1 and value.size > LONG:
            return describe(value)
        case np.ndarray() | tuple():
            few = value if len(value) <= LONG else (*value[:3], Other("…"), value[-1])
            shown = ", ".join(show(plain(item), digits) for item in few)
            return f"({shown})" if isinstance(value, tuple) else f"[{shown}]"
        case dict():
            return "{" + ", ".join(f"{show(k)}: {show(v, digits)}" for k, v in value.items()) + "}"
        case Other():
            return value.description
    return "..." if value is ... else str(value)


def printable(text: str, length: int = 160) -> str:
    """Return `text` on one line, without control characters, cut to `length`."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return _cut(text, length)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
