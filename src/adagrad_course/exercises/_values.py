"""What a student's code returned: read into plain data, compared with what was expected, shown.

Reading (`plain`) is the only step that touches a student's objects. What it returns is made of a
few well-known types, so that nothing of theirs runs while values are compared and shown.
"""

import contextlib
import math
import numbers
from dataclasses import dataclass

import numpy as np

LONG = 8  # arrays with more entries than this are compared, and shown, by a single entry


@dataclass(frozen=True)
class Other:
    """A value that no exercise expects, known only by its description."""

    description: str


def plain(value):
    """Copy `value` into plain data: None, `...`, bool, float, str, array, tuple, dict or `Other`.

    Parameters
    ----------
    value : object
        Anything. NumPy scalars and arrays without dimensions become plain numbers, lists become
        tuples, and what converts to an array (a tensor, a table) becomes one.

    Raises
    ------
    BaseException
        Whatever the object's own methods raise.

    Examples
    --------
    >>> plain([np.float32(0.5), True])
    (0.5, True)
    """
    if value is None or value is ... or isinstance(value, Other):
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, numbers.Real):
        try:
            return float(value)
        except OverflowError:  # an integer beyond the largest float
            return math.inf if value > 0 else -math.inf
    if isinstance(value, numbers.Complex):
        return complex(value)
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    if hasattr(type(value), "__array__"):
        return _plain_array(value)
    return Other(_kind(value))


def _plain_array(value):
    if hasattr(value, "detach"):  # a torch tensor that requires its gradient refuses to convert
        value = value.detach()
    array = np.array(value)
    if array.dtype.kind == "O":
        return plain(array.tolist())
    if array.dtype.kind not in "biufc":
        return Other(f"an array of type {array.dtype.name}")
    if array.dtype.kind in "iuf":
        array = array.astype(np.float64)
    return array if array.ndim else array.item()


def _kind(value):
    if isinstance(value, type):
        return f"the class {printable(value.__name__)}"
    name = type(value).__name__
    if name in ("method", "builtin_function_or_method"):
        name = "function"
    return f"{'an' if name[:1] in 'aeiouAEIOU' else 'a'} {printable(name)}"


def has_ellipsis(value):
    """Return whether plain data still contain the `...` of a starter cell."""
    if isinstance(value, tuple | dict):
        return any(map(has_ellipsis, value.values() if isinstance(value, dict) else value))
    return value is ...


def difference(expected, got, *, rtol=0.0, atol=0.0, reveal=True):
    """Return in words how `got` differs from `expected`, both plain data; None if it does not.

    Parameters
    ----------
    expected, got : object
        What `plain` returns.
    rtol, atol : float
        Relative and absolute tolerance for numbers.
    reveal : bool
        Whether a wrong value may be answered with the right one.

    Examples
    --------
    >>> difference(np.array([1.0, 2.0]), (2.0, 1.0))
    'expected [1, 2], got [2, 1]'
    >>> difference(0.4, 0.5, reveal=False)
    '0.5 is not right'
    """
    tolerance = {"rtol": rtol, "atol": atol, "reveal": reveal}
    if isinstance(expected, tuple | dict):
        return _difference_of_parts(expected, got, tolerance)
    mismatch = f"expected {_wanted(expected)}, got {describe(got)}"
    if isinstance(expected, float | complex | np.ndarray):
        return _difference_of_numbers(np.asarray(expected), got, mismatch, **tolerance)
    if type(got) is not type(expected):
        return mismatch
    if isinstance(expected, str):
        same = got.strip().casefold() == expected.strip().casefold()
    else:
        same = got == expected
    return None if same else _values(expected, got, reveal)


def missing_parts(expected, got):
    """Return in words why `got` lacks parts of `expected`, a tuple or dictionary; None if not."""
    if isinstance(expected, dict) and isinstance(got, dict):
        missing = [key for key in expected if key not in got]
        return f"{show(missing[0])} is missing, got {describe(got)}" if missing else None
    if isinstance(expected, tuple) and isinstance(got, np.ndarray):
        # An array with an axis more holds the parts; another is one of them, the rest forgotten.
        got = tuple(got) if got.ndim > max(map(np.ndim, expected)) else got
    if type(got) is type(expected) and len(got) == len(expected):
        return None
    return f"expected {_wanted(expected)}, got {describe(got)}"


def _difference_of_parts(expected, got, tolerance):
    if problem := missing_parts(expected, got):
        return problem
    for key in expected if isinstance(expected, dict) else range(len(expected)):
        if problem := difference(expected[key], plain(got[key]), **tolerance):
            name = show(key) if isinstance(expected, dict) else f"value {key + 1}"
            return f"{name}: {problem}"
    return None


def _difference_of_numbers(expected, got, mismatch, *, rtol, atol, reveal):
    array = None
    if isinstance(got, tuple | float | complex | np.ndarray):
        with contextlib.suppress(ValueError):  # a ragged list
            array = np.array(got)
    kinds = {"b": "b", "c": "fc"}.get(expected.dtype.kind, "f")
    if array is not None and array.size == 0:
        array = array.astype(expected.dtype)
    if array is None or array.dtype.kind not in kinds or array.shape != expected.shape:
        odd = [x for x in got if not isinstance(x, float)] if isinstance(got, tuple) else []
        return f"{mismatch}, among them {describe(plain(odd[0]))}" if odd else mismatch
    wrong = ~np.isclose(array, expected, rtol=rtol, atol=atol, equal_nan=True)
    if not wrong.any():
        return None
    where = ""
    if array.size > LONG:  # too long to show: the first wrong entry stands for all
        index = tuple(map(int, np.argwhere(wrong)[0]))
        where = f"entry [{', '.join(map(str, index))}]: "
        expected, array = expected[index], array[index]
    return where + _values(plain(expected), plain(array), reveal)


def _values(expected, got, reveal):
    if not reveal:
        return f"{show(got)} is not right"
    for digits in (4, 8, 17):  # as many as it takes to see a difference
        if show(expected, digits) != show(got, digits):
            break
    return f"expected {show(expected, digits)}, got {show(got, digits)}"


def remark(value):
    """Return what an unusual number in the plain `value` suggests, or None."""
    if isinstance(value, tuple | dict):
        parts = value.values() if isinstance(value, dict) else value
        return next(filter(None, map(remark, parts)), None)
    if not isinstance(value, float | complex | np.ndarray):
        return None
    if np.iscomplexobj(value):
        return "A complex number: is there a root of a negative number?"
    if np.isnan(value).any():
        return (
            "nan is “not a number”: it comes from 0/0, inf - inf or the root of a negative number."
        )
    if np.isinf(value).any():
        return "inf: a number grew too large, or was divided by zero."
    return None


def describe(value):
    """Return in words what the plain `value` is: `"the number 3"`, `"an array of shape (2,)"`."""
    match value:
        case bool():
            return f"the truth value {value}"
        case complex():
            return f"the complex number {show(value)}"
        case float():
            return f"the number {show(value)}"
        case str():
            return f"the text {show(value)}"
        case np.ndarray():
            of = {"b": " of truth values", "c": " of complex numbers"}.get(value.dtype.kind, "")
            return f"an array{of} of shape {value.shape}"
        case tuple():
            return f"{len(value)} values" if len(value) != 1 else "a list of 1 value"
        case dict():
            return f"a dictionary with the keys {', '.join(map(show, value)) or '(none)'}"
    return show(value)


def _wanted(expected):
    """Return the kind of the expected value without giving it away."""
    kinds = {bool: "True or False", float: "a number", complex: "a complex number", str: "a text"}
    return kinds.get(type(expected)) or describe(expected)


def show(value, digits=4):
    """Return the plain `value` in brief, its numbers to `digits` significant digits.

    Examples
    --------
    >>> show((np.arange(100.0), 2 / 3))
    '([0, 1, 2, …, 99], 0.6667)'
    """
    match value:
        case float():
            if value.is_integer() and abs(value) < 1e15:
                return str(int(value))
            return f"{value:.{digits}g}"
        case complex():
            return f"{value:.{digits}g}"
        case str():
            return repr(value if len(value) <= 60 else value[:59] + "…")
        case np.ndarray() if value.ndim > 1 and value.size > LONG:
            return describe(value)
        case np.ndarray():
            return f"[{_listed(value, digits)}]"
        case tuple():
            return f"({_listed(value, digits)})"
        case dict():
            return "{" + ", ".join(f"{show(k)}: {show(v, digits)}" for k, v in value.items()) + "}"
        case Other():
            return value.description
    return "..." if value is ... else str(value)


def _listed(items, digits):
    shown = [show(plain(item), digits) for item in (items if len(items) <= LONG else items[:3])]
    if len(items) > LONG:
        shown += ["…", show(plain(items[-1]), digits)]
    return ", ".join(shown)


def printable(text, length=160):
    """Return `text` on one line, without control characters, cut to `length`."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= length else text[: length - 1] + "…"
