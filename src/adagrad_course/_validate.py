"""The one home of argument checks: an error names the argument, what it must be and what came."""

import math
import operator
from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from ._optional import packages_needed

FEW = 16  # numbers, with which Python is done before NumPy has begun


def real_array(
    name: str,
    value: ArrayLike,
    *,
    min_dims: int = 0,
    finite: bool = True,
    empty_allowed: bool = False,
) -> np.ndarray:
    """Return `value` as a floating-point array, or raise if it is anything but finite real numbers.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : array_like
        What the caller passed. Floating-point arrays are returned as they are, integers as float64.
    min_dims : int, optional
        The least number of dimensions it must have.
    finite : bool, optional
        Whether NaN and infinities are refused.
    empty_allowed : bool, optional
        Whether it may have no entries.

    Returns
    -------
    numpy.ndarray
        The array, never a copy of one that was already right.

    Raises
    ------
    TypeError
        If `value` does not hold real numbers, or is a masked array or a matrix.
    ValueError
        If it is ragged or empty, has too few dimensions, or is not finite.

    Examples
    --------
    >>> real_array("start", [1, 2])
    array([1., 2.])
    >>> real_array("start", [1, float("nan")])
    Traceback (most recent call last):
    ...
    ValueError: start must be finite, got nan at index 1
    """
    array = value if type(value) is np.ndarray else _as_array(name, value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got {_shown(value)}")
    if array.ndim < min_dims:
        raise ValueError(
            f"{name} must have at least {min_dims} dimension{'s' * (min_dims > 1)}, "
            f"got {_shown(value)}"
        )
    if array.size == 0 and not empty_allowed:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    if finite and not all_finite(array):
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        where = f" at index {first[0] if len(first) == 1 else first}" if first else ""
        raise ValueError(f"{name} must be finite, got {array[first]}{where}")
    return array


def all_finite(array: np.ndarray) -> bool:
    """Return whether all numbers of an array are finite.

    Examples
    --------
    >>> all_finite(np.array([1.0, 2.0])), all_finite(np.array([1.0, np.inf]))
    (True, False)
    """
    # Python's floats do not hold each long double.
    if array.size <= FEW and all(map(math.isfinite, array.ravel().tolist())):
        return True
    # Counted, as `all` takes longer, and for a dot product BLAS may start threads.
    return bool(np.count_nonzero(np.isfinite(array)) == array.size)


def _as_array(name: str, value: ArrayLike) -> np.ndarray:
    if isinstance(value, np.ma.MaskedArray | np.matrix):
        # As plain arrays, one would lose its mask, and products of the other would differ.
        raise TypeError(f"{name} must be a plain array, got a {type(value).__name__}")
    try:
        return np.asarray(value)
    except Exception as error:  # ragged, or an object that refuses to become an array
        raise ValueError(
            f"{name} must be a rectangular array of numbers, got {_shown(value)}"
        ) from error


def number(name: str, value: ArrayLike, *, finite: bool = True) -> np.ndarray:
    """Return `value` as an array without dimensions.

    Raises
    ------
    TypeError, ValueError
        As `real_array`; ValueError also when it has dimensions.

    Examples
    --------
    >>> number("noise", [0.1, 0.2])
    Traceback (most recent call last):
    ...
    ValueError: noise must be a single number, got shape (2,)
    """
    array = real_array(name, value, finite=finite)
    if array.ndim:
        raise ValueError(f"{name} must be a single number, got shape {array.shape}")
    return array


def positive(name: str, value: ArrayLike, *, zero_allowed: bool = False) -> np.ndarray:
    """Return `value` as a finite array with all entries above zero (or from zero on).

    Raises
    ------
    TypeError, ValueError
        As `real_array`; ValueError also when an entry is too small.

    Examples
    --------
    >>> positive("lr", 0.0)
    Traceback (most recent call last):
    ...
    ValueError: lr must be positive, got 0.0
    """
    array = real_array(name, value)
    smallest = array.min()
    if smallest < 0 or (smallest == 0 and not zero_allowed):
        wanted = "zero or positive" if zero_allowed else "positive"
        raise ValueError(f"{name} must be {wanted}, got {smallest}")
    return array


def positive_number(name: str, value: ArrayLike, *, zero_allowed: bool = False) -> np.ndarray:
    """Return `value` as a finite array without dimensions that is above zero (or from zero on).

    Raises
    ------
    TypeError, ValueError
        As `number` and `positive`.

    Examples
    --------
    >>> positive_number("noise", [0.1, 0.2])
    Traceback (most recent call last):
    ...
    ValueError: noise must be a single number, got shape (2,)
    """
    return positive(name, number(name, value), zero_allowed=zero_allowed)


def share(name: str, value: ArrayLike) -> np.ndarray:
    """Return `value` as an array with all entries from zero up to, but not including, one.

    Raises
    ------
    TypeError, ValueError
        As `positive`; ValueError also when an entry is one or more.

    Examples
    --------
    >>> share("rho", 1.0)
    Traceback (most recent call last):
    ...
    ValueError: rho must be below 1, got 1.0
    """
    array = positive(name, value, zero_allowed=True)
    largest = array.max()
    if largest >= 1:
        raise ValueError(f"{name} must be below 1, got {largest}")
    return array


def pair(name: str, value: Any) -> tuple[Any, Any]:
    """Return `value`, which must be a sequence of two, as a tuple.

    Raises
    ------
    TypeError
        If it is not a tuple, a list or an array (a set has no order).
    ValueError
        If it does not have two items.

    Examples
    --------
    >>> pair("betas", 0.9)
    Traceback (most recent call last):
    ...
    TypeError: betas must be a pair, got float 0.9
    """
    if not isinstance(value, (tuple, list, np.ndarray)) or getattr(value, "ndim", 1) == 0:
        raise TypeError(f"{name} must be a pair, got {_shown(value)}")
    if len(value) != 2:
        raise ValueError(f"{name} must be a pair, got {_shown(value)}")
    return tuple(value)


def positive_int(name: str, value: Any, *, zero_allowed: bool = False) -> int:
    """Return `value` as an int of at least one (or zero).

    Raises
    ------
    TypeError
        If it is not an integer (a bool is not).
    ValueError
        If it is too small.

    Examples
    --------
    >>> positive_int("steps", 0)
    Traceback (most recent call last):
    ...
    ValueError: steps must be at least 1, got 0
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a whole number, got {_shown(value)}")
    smallest = 0 if zero_allowed else 1
    if number < smallest:
        raise ValueError(f"{name} must be at least {smallest}, got {number}")
    return number


def whole_numbers(
    name: str,
    value: ArrayLike,
    *,
    dtype: type[np.signedinteger[Any]] = np.intp,
    empty_allowed: bool = False,
) -> npt.NDArray[np.signedinteger[Any]]:
    """Return `value` as an array of whole numbers that are counted from 0.

    By default they are indices, in the one type of integer that every function of NumPy takes as
    such: it has 32 bits on some machines, in a browser for one. For counts `dtype` is np.int64.

    Raises
    ------
    TypeError, ValueError
        As `real_array`; TypeError also when it holds floats, ValueError when a number is negative
        or too large for `dtype`.

    Examples
    --------
    >>> whole_numbers("labels", [0, 2, -1])
    Traceback (most recent call last):
    ...
    ValueError: labels must be counted from 0, got -1
    """
    real_array(name, value, empty_allowed=empty_allowed)
    array = np.asarray(value)
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold whole numbers, got dtype {array.dtype}")
    if array.min(initial=0) < 0:
        raise ValueError(f"{name} must be counted from 0, got {array.min()}")
    if array.max(initial=0) > (largest := np.iinfo(dtype).max):
        raise ValueError(f"{name} must be at most {largest}, got {array.max()}")
    return array.astype(dtype, copy=False)


def class_labels(
    value: ArrayLike, n: int, *, empty_allowed: bool = False
) -> npt.NDArray[np.signedinteger[Any]]:
    """Return `value`, the labels of n examples, as indices.

    Raises
    ------
    TypeError, ValueError
        As `whole_numbers`; ValueError also when their shape is not (n,).

    Examples
    --------
    >>> class_labels([0, 2], 3)
    Traceback (most recent call last):
    ...
    ValueError: labels must have shape (3,), got (2,)
    """
    labels = whole_numbers("labels", value, empty_allowed=empty_allowed)
    if labels.shape != (n,):
        raise ValueError(f"labels must have shape ({n},), got {labels.shape}")
    return labels


def canonical_rows(name: str, value: Any) -> None:
    """Raise unless `value` is a csr_array whose rows name each column once, in ascending order.

    Examples
    --------
    >>> canonical_rows("features", [[1.0, 0.0]])
    Traceback (most recent call last):
    ...
    TypeError: features must be a csr_array, got list [[1.0, 0.0]]
    """
    with packages_needed("data", "Sparse features"):
        from scipy.sparse import csr_array

    instance(name, value, csr_array)
    real_array(f"{name}.data", value.data, empty_allowed=True)
    if not value.has_canonical_format:
        raise ValueError(
            f"{name} must name the columns of a row once and in ascending order, as after "
            f"{name}.sum_duplicates(), got others"
        )


def choice(name: str, value: Any, options: Collection[str]) -> str:
    """Return `value`, one of the options, which are strings.

    Raises
    ------
    ValueError
        If it is anything else.

    Examples
    --------
    >>> choice("kind", "squared", ("absolute", "hinge"))
    Traceback (most recent call last):
    ...
    ValueError: kind must be one of absolute, hinge, got 'squared'
    """
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {', '.join(options)}, got {value!r}")
    return value


def overwritable(name: str, value: Any) -> np.ndarray:
    """Return `value`, an array of floating-point numbers whose rows can be written to, or raise.

    Examples
    --------
    >>> overwritable("params", [0.0, 0.0])
    Traceback (most recent call last):
    ...
    TypeError: params must be a numpy.ndarray of floats, to be changed in place, got list [0.0, 0.0]
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        raise TypeError(
            f"{name} must be a numpy.ndarray of floats, to be changed in place, got {_shown(value)}"
        )
    if value.ndim == 0:
        raise ValueError(f"{name} must have at least 1 dimension, got {_shown(value)}")
    if not value.flags.writeable:
        raise ValueError(f"{name} must be writeable, to be changed in place, got a read-only array")
    return value


def same_shape(name: str, array: np.ndarray, other_name: str, other: np.ndarray) -> None:
    """Raise ValueError unless the two arrays have one shape.

    Examples
    --------
    >>> same_shape("grads", np.zeros(3), "params", np.zeros(2))
    Traceback (most recent call last):
    ...
    ValueError: grads must have the shape of params, (2,), got (3,)
    """
    if array.shape != other.shape:
        raise ValueError(
            f"{name} must have the shape of {other_name}, {other.shape}, got {array.shape}"
        )


def has_methods(name: str, value: object, *methods: str) -> None:
    """Raise TypeError unless `value` is an object, not a class, that has the methods.

    Examples
    --------
    >>> has_methods("optimizer", dict, "step")
    Traceback (most recent call last):
    ...
    TypeError: optimizer must be an object with a method step, got the class dict itself
    """
    for method in methods:
        wanted = f"{name} must be an object with a method {method}"
        if isinstance(value, type):
            raise TypeError(f"{wanted}, got the class {value.__name__} itself")
        if not callable(getattr(value, method, None)):
            raise TypeError(f"{wanted}, got {_shown(value)}")


def instance(name: str, value: object, kind: type) -> None:
    """Raise TypeError unless `value` is an instance of the class `kind`.

    Examples
    --------
    >>> instance("rng", 0, np.random.Generator)
    Traceback (most recent call last):
    ...
    TypeError: rng must be a Generator, got int 0
    """
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise TypeError(f"{name} must be {article} {kind.__name__}, got {_shown(value)}")


def _shown(value: object) -> str:
    """Describe a rejected value briefly: its type and the beginning of its repr."""
    text = " ".join(repr(value).split())
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
