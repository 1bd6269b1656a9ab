"""What a student's code returned: read into plain data, compared with what was expected, shown."""

import contextlib
import inspect
import math
import numbers
from collections.abc import Iterator
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import numpy as np

LONG = 8  # arrays with more entries than this are compared, and shown, by a single entry


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
        case np.ndarray():
            pass
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
    near: float = 0.0,
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
        Relative and absolute tolerance for numbers. If `atol` is inf, any number will do, nan too.
    digits : int, optional
        Numbers that are rounded to so many significant digits are right, too; other whole numbers
        must then be the same.
    near : float
        Relative distance up to which numbers are called close, where the right value is not
        revealed: what the right value was rounded to is asked for more digits. If it is not 0,
        the right value rounded to two digits is close at any distance.
    reveal : bool
        Whether a wrong value may be answered with the right one.

    Examples
    --------
    >>> difference(np.array([1.0, 2.0]), (2.0, 1.0))
    'expected [1, 2], got [2, 1]'
    >>> difference(0.4, 0.5, reveal=False)
    '0.5 is not right'
    >>> difference(0.12345, 0.123, near=0.01, reveal=False)
    '0.123 is close, but not exact enough: more digits, please'
    >>> difference(0.12345, 0.124, near=0.01, reveal=False)
    '0.124 is close, but not right'
    """
    if problem := missing_parts(expected, got):
        return problem
    if isinstance(expected, tuple | dict):
        for key in expected if isinstance(expected, dict) else range(len(expected)):
            if problem := difference(
                expected[key],
                plain(got[key]) if isinstance(got, np.ndarray) else got[key],
                rtol=rtol,
                atol=atol,
                digits=digits,
                near=near,
                reveal=reveal,
            ):
                name = show(key) if isinstance(expected, dict) else f"value {key + 1}"
                return f"{name}: {problem}"
        return None

    where, lacks = "", None
    if _equal(expected, got):
        return None  # most numbers, in a fraction of the time
    if isinstance(expected, float | np.ndarray):
        array = _numbers(got)
        if array is None or array.shape != np.shape(expected):
            return _mismatch(expected, got)
        if atol == np.inf:  # only the shape counts: not even nan is wrong
            return None
        wrong = ~_close(array, expected, rtol, atol)
        # Whole numbers have all their digits: 1999 steps are not 2000.
        whole = (np.trunc(array) == array) & (np.trunc(expected) == expected)
        if digits is not None:
            wrong |= whole & ~_close(array, expected, 1e-13)
            wrong &= ~_close(array, _rounded(expected, digits), 1e-12)
        if not wrong.any():
            return None
        if near:
            close = _close(array, expected, near) | _close(array, _rounded(expected, 2), 1e-12)
            if np.all(~wrong | (close & ~whole)):
                lacks = _what_lacks(np.asarray(expected)[wrong], array[wrong])
        if (
            isinstance(expected, np.ndarray) and array.size > LONG
        ):  # the first wrong entry stands for all
            index = tuple(map(int, np.argwhere(wrong)[0]))
            where = f"entry {list(index)}: "
            expected, array = expected[index], array[index]
        expected, got = plain(expected), plain(array)
    elif type(got) is not type(expected):
        return _mismatch(expected, got)
    elif got == expected or (isinstance(got, str) and _folded(got) == _folded(expected)):
        return None
    if not reveal:
        if lacks:
            return f"{where}{show(got, 8)} is close, but not {lacks}"
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


def _equal(one: Any, other: Any) -> bool:
    """Return whether two plain values are the same number, or arrays of the same numbers."""
    if type(one) is float:
        return type(other) is float and one == other
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and bool((one == other).all())
    return False


def _close(got: np.ndarray, expected: Any, rtol: float, atol: float = 0.0) -> Any:
    """Return which numbers are close, as `np.isclose` does, which is slow where there is one."""
    if got.ndim:
        return np.isclose(got, expected, rtol=rtol, atol=atol, equal_nan=True)
    one, other = got.item(), float(expected)
    if math.isfinite(other):
        return np.bool(abs(one - other) <= atol + rtol * abs(other))
    return np.bool(one == other or (math.isnan(one) and math.isnan(other)))


def _folded(text: str) -> str:
    """Return a text as it is compared: see `difference`."""
    return text.strip().casefold().replace("–", "-").replace("eta", "η")


def _what_lacks(expected: np.ndarray, got: np.ndarray) -> str:
    """Return what numbers lack that are close to the right ones."""
    if all(_rounded(right, _digits(x)) == x for right, x in zip(expected, got, strict=True)):
        return "exact enough: more digits, please"
    counts = np.any(np.trunc(expected) == expected)
    return "right: is it a whole number?" if counts else "right"


def _digits(value: float) -> int:
    """Return with how many significant digits a number was given."""
    mantissa, _, _ = np.format_float_scientific(value, trim="-").partition("e")
    return sum(map(str.isdigit, mantissa))


def _rounded(value: Any, digits: int) -> np.ndarray:
    """Return a number, or an array, rounded to so many significant digits."""
    return np.reshape([float(f"{x:.{digits}g}") for x in np.ravel(value)], np.shape(value))


def missing_parts(expected: Any, got: Any) -> str | None:
    """Return in words why `got` lacks a part of `expected`, where that has any; None if not."""
    if not isinstance(expected, tuple | dict):
        return None
    if isinstance(expected, dict) and isinstance(got, dict):
        missing = [key for key in expected if key not in got]
        return f"{show(missing[0])} is missing, got {describe(got)}" if missing else None
    if isinstance(expected, tuple) and isinstance(got, np.ndarray):
        # An array with an axis more holds the parts; another is one of them, the rest forgotten.
        got = tuple(got) if got.ndim > max(map(np.ndim, expected)) else got
    same = type(got) is type(expected) and len(got) == len(expected)
    return None if same else _mismatch(expected, got)


def _numbers(value: Any) -> np.ndarray | None:
    """Return a plain value as an array if it is made of numbers, and None if it is not."""
    if isinstance(value, tuple | float | np.ndarray):
        with contextlib.suppress(ValueError):  # a ragged list
            array = np.asarray(value)
            return array if array.dtype.kind == "f" else None
    return None


def _mismatch(expected: Any, got: Any) -> str:
    """Return in words which kind of value came instead of which, without giving a value away."""
    kinds = {bool: "True or False", float: "a number", str: "a text"}
    wanted = kinds.get(type(expected)) or describe(expected)
    text = f"expected {wanted}, got {describe(got)}"
    if isinstance(expected, np.ndarray) and isinstance(got, tuple):
        odd = [part for part in got if not isinstance(part, float)]
        text += f", among them {describe(odd[0])}" if odd else ""
    return text


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
            return repr(value if len(value) <= 60 else value[:59] + "…")
        case np.ndarray() if value.ndim > 1 and value.size > LONG:
            return describe(value)
        case np.ndarray() | tuple():
            few = len(value) <= LONG
            shown = [show(plain(item), digits) for item in (value if few else value[:3])]
            shown += [] if few else ["…", show(plain(value[-1]), digits)]
            return f"({', '.join(shown)})" if isinstance(value, tuple) else f"[{', '.join(shown)}]"
        case dict():
            return "{" + ", ".join(f"{show(k)}: {show(v, digits)}" for k, v in value.items()) + "}"
        case Other():
            return value.description
    return "..." if value is ... else str(value)


def printable(text: str, length: int = 160) -> str:
    """Return `text` on one line, without control characters, cut to `length`."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= length else text[: length - 1] + "…"
