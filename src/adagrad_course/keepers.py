"""What AdaGrad keeps of the squared gradients of a table, in forms that take less memory.

A *keeper* says what is kept and what AdaGrad divides by, under the root. It has two methods::

    kept = keeper.init(shape)
    divisor = keeper.add(kept, rows, squares)

`shape` is that of the weights, (p, ..., d): a row for each feature, a column for each class, and
between them a batch, as of learning rates. `add` is given the squared gradients of the `rows` at
hand, which differ, and overwrites what it keeps of them. All other rows have no gradient.

`KeptSoftmax` trains a classifier with several keepers and rates at once; `compare` tunes the rate
of each keeper and tests it. Formats of 16 bits are imitated in float64: what they do to the errors
is measured, and their bytes are known (see `memory`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from ._validate import instance, positive, positive_int, real_array
from .datasets import Dataset
from .descent import argbest
from .optimizers import SGD
from .sparse import OnlineSoftmax

__all__ = [
    "Comparison",
    "Keeper",
    "KeptSoftmax",
    "PerColumn",
    "PerRow",
    "PerWeight",
    "RowsAndColumns",
    "compare",
    "to_bfloat16",
]

EPS = 1e-10  # as in PyTorch


def to_bfloat16(x: ArrayLike, rng: np.random.Generator | None = None) -> np.ndarray:
    """Round to a number of bfloat16, which is float32 without its lower sixteen bits.

    Parameters
    ----------
    x : array_like
        Finite numbers; they are first rounded to float32.
    rng : numpy.random.Generator, optional
        Where the chances come from: each number is then rounded up or down at random, so that it is
        right on average. By default it is rounded to the nearest one, a tie to the even one.

    Returns
    -------
    numpy.ndarray of float64

    Raises
    ------
    TypeError, ValueError
        If `x` is not an array of finite numbers or `rng` is not a generator.

    Examples
    --------
    Between 256 and 512 the numbers of bfloat16 are two apart:

    >>> to_bfloat16([256.9, 257.5, 1e-8])
    array([2.56000000e+02, 2.58000000e+02, 1.00117177e-08])
    >>> rounded = to_bfloat16(np.full(10_000, 256.5), np.random.default_rng(0))
    >>> rounded.mean().round(1)
    np.float64(256.5)
    """
    bits = real_array("x", x, empty_allowed=True).astype(np.float32).view(np.uint32)
    if rng is None:  # half a unit, less a bit if the last one kept is even: to cut is now to round
        bits += 0x7FFF + (bits >> 16 & 1)
    else:
        instance("rng", rng, np.random.Generator)
        bits += rng.integers(2**16, size=bits.shape, dtype=np.uint32)
    return (bits & 0xFFFF0000).view(np.float32).astype(np.float64)


class Keeper(Protocol):
    """What is kept of the squared gradients of a table."""

    def init(self, shape: tuple[int, ...], /) -> Any:
        """Return what is kept before the first step, for weights of this shape."""

    def add(self, kept: Any, rows: np.ndarray, squares: np.ndarray, /) -> np.ndarray:
        """Add the squared gradients of some rows; return AdaGrad's divisor, under the root."""


@dataclass(frozen=True)
class PerWeight:
    """A number for each weight, as AdaGrad keeps it: the sum of its squared gradients.

    Parameters
    ----------
    rounded : callable, optional
        The format in which the sums are kept: a function that rounds an array, such as
        `np.float16` or `to_bfloat16`. By default they are kept as they are, in float64.
    start : float, optional
        What the sums begin with: PyTorch's `initial_accumulator_value`.

    Examples
    --------
    A squared gradient of 1e-10 is lost in float16:

    >>> for keeper in (PerWeight(), PerWeight(np.float16)):
    ...     kept = keeper.init((3, 2))
    ...     print(keeper.add(kept, [1], np.array([[1e-10, 0.25]])))
    [[1.0e-10 2.5e-01]]
    [[0.   0.25]]
    """

    rounded: Callable[[np.ndarray], np.ndarray] | None = None
    start: float = 0.0

    def __post_init__(self) -> None:
        positive("start", self.start, zero_allowed=True)

    def init(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return an array of the start's value, in the shape of the weights."""
        return np.full(shape, self.start, np.float64)

    def add(self, kept: np.ndarray, rows: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """Add the squared gradients, of shape (k, ..., d), and return the sums, in that shape."""
        sums = kept.take(rows, axis=0) + squares  # faster than indexing with an array
        if self.rounded is not None:
            sums = np.asarray(self.rounded(sums), np.float64)
        kept[rows] = sums
        return sums


@dataclass(frozen=True)
class PerRow:
    """A number for each row, as row-wise AdaGrad keeps it: the sum of its mean squares.

    References
    ----------
    Mudigere et al., Software-Hardware Co-design for Fast and Scalable Training of Deep Learning
    Recommendation Models, ISCA 2022.

    Examples
    --------
    >>> keeper = PerRow()
    >>> kept = keeper.init((3, 2))
    >>> keeper.add(kept, [1], np.array([[1.0, 9.0]]))
    array([[5.]])
    """

    def init(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return zeros of shape (p, ..., 1)."""
        return np.zeros((*shape[:-1], 1))

    def add(self, kept: np.ndarray, rows: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """Add the mean square of each row, and return the rows' sums, of shape (k, ..., 1)."""
        sums = kept.take(rows, axis=0) + squares.mean(axis=-1, keepdims=True)
        kept[rows] = sums
        return sums


@dataclass(frozen=True)
class RowsAndColumns:
    """A number for each row and one for each column, as SM3 keeps them.

    With ν = min(r, c) + g², r and c become the largest ν of their row and of their column. In a row
    without a gradient nothing changes, so that only the rows at hand are computed.

    References
    ----------
    Anil, Gupta, Koren and Singer, Memory-Efficient Adaptive Optimization, NeurIPS 2019; see
    `optimizers.SM3`, which does the same for all rows.

    Examples
    --------
    >>> keeper = RowsAndColumns()
    >>> kept = keeper.init((3, 2))
    >>> for rows in ([1], [2]):
    ...     print(keeper.add(kept, rows, np.array([[1.0, 9.0]])))
    [[1. 9.]]
    [[1. 9.]]
    >>> kept[0].T, kept[1]
    (array([[0., 9., 9.]]), array([1., 9.]))
    """

    def init(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return zeros of shapes (p, ..., 1) and (..., d)."""
        return np.zeros((*shape[:-1], 1)), np.zeros(shape[1:])

    def add(
        self, kept: tuple[np.ndarray, np.ndarray], rows: np.ndarray, squares: np.ndarray
    ) -> np.ndarray:
        """Add the squared gradients, of shape (k, ..., d), and return ν, in that shape."""
        per_row, per_column = kept
        nu = np.minimum(per_row.take(rows, axis=0), per_column) + squares
        per_row[rows] = nu.max(axis=-1, keepdims=True)
        np.maximum(per_column, nu.max(axis=0), out=per_column)
        return nu


@dataclass(frozen=True)
class PerColumn:
    """A number for each column, which all rows share: the sum of its mean squares.

    Examples
    --------
    >>> keeper = PerColumn()
    >>> kept = keeper.init((3, 2))
    >>> for rows in ([1], [2]):
    ...     print(keeper.add(kept, rows, np.array([[3.0, 27.0]])))
    [1. 9.]
    [ 2. 18.]
    """

    def init(self, shape: tuple[int, ...]) -> tuple[np.ndarray, int]:
        """Return zeros of shape (..., d) and the number of rows, over which is averaged."""
        return np.zeros(shape[1:]), shape[0]

    def add(
        self, kept: tuple[np.ndarray, int], rows: np.ndarray, squares: np.ndarray
    ) -> np.ndarray:
        """Add the mean square over all rows of the table; return the sums, of shape (..., d)."""
        per_column, n_rows = kept
        per_column += squares.sum(axis=0) / n_rows
        return per_column.copy()


class KeptSoftmax(OnlineSoftmax):
    """Softmax regression trained online with AdaGrad, for several keepers and rates at once.

    Parameters
    ----------
    n_features, n_classes : int
        The p rows of the weights and their columns.
    lrs : array_like, shape (n_lrs,)
        The learning rates.
    keepers : sequence of Keeper
        What is kept, in each of the ways to be compared.

    Attributes
    ----------
    weights : numpy.ndarray, shape (p, n_keepers, n_lrs, n_classes)
    kept : list
        What each keeper has kept, for weights of shape (p, n_lrs, n_classes).

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that kind, or there is no keeper.

    Examples
    --------
    >>> from adagrad_course.datasets import digits
    >>> train = digits().train
    >>> model = KeptSoftmax(64, 10, [0.01, 0.1], [PerWeight(), PerRow()])
    >>> model = model.partial_fit(train.features, train.labels)
    >>> model.weights.shape
    (64, 2, 2, 10)
    >>> [kept.shape for kept in model.kept]
    [(64, 2, 10), (64, 2, 1)]
    """

    def __init__(
        self, n_features: int, n_classes: int, lrs: ArrayLike, keepers: list[Keeper]
    ) -> None:
        lrs = real_array("lrs", lrs, min_dims=1)
        self.keepers = list(keepers)
        if not self.keepers:
            raise ValueError("keepers must have at least one, got none")
        # AdaGrad is SGD on gradients that have been divided by the root.
        lr = np.broadcast_to(lrs[:, None], (len(self.keepers), len(lrs), 1))
        super().__init__(n_features, n_classes, SGD(lr=lr))
        shape = (n_features, len(lrs), n_classes)
        self.kept = [keeper.init(shape) for keeper in self.keepers]

    def _step(self, rows: np.ndarray, named: np.ndarray, grads: np.ndarray) -> np.ndarray:
        divisor = np.square(grads)
        for k, keeper in enumerate(self.keepers):
            divisor[:, k] = keeper.add(self.kept[k], rows, divisor[:, k])
        np.sqrt(divisor, out=divisor)
        divisor += EPS
        return super()._step(rows, named, grads / divisor)


class Comparison(NamedTuple):
    """What `compare` measured; the first axis of errors and rates is that of the splits.

    Attributes
    ----------
    errors : numpy.ndarray, shape (splits, n_keepers)
        The error rate on the test part, at the rate that was best on the validation part.
    lrs : numpy.ndarray, shape (splits, n_keepers)
        Those rates.
    model : KeptSoftmax
        The last split's model.
    sweep : numpy.ndarray, shape (n_keepers, n_lrs)
        The last split's test errors at all rates.
    """

    errors: npt.NDArray[np.float64]
    lrs: npt.NDArray[np.float64]
    model: KeptSoftmax
    sweep: npt.NDArray[np.float64]


def compare(
    load: Callable[[int], Dataset],
    keepers: Mapping[str, Keeper],
    lrs: ArrayLike,
    *,
    splits: int = 5,
    examples: int | None = None,
) -> Comparison:
    """Train a classifier with each keeper, in one pass, each at the rate that suits it best.

    Parameters
    ----------
    load : callable
        Gives the data set split by a seed, as `datasets.unicode_names`. Seeds are 0, 1, …
    keepers : dict of str to Keeper
        What is compared, by name.
    lrs : array_like, shape (n_lrs,)
        The rates that are tried, ascending. The best of each keeper, on the validation part, should
        be within: else there is a warning.
    splits : int, optional
        How many splits.
    examples : int, optional
        How many examples of the training part are used, at random; by default all of them.

    Returns
    -------
    Comparison

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that kind.

    Examples
    --------
    >>> from adagrad_course.datasets import digits
    >>> keepers = {"each weight": PerWeight(), "each row": PerRow()}
    >>> lrs = [0.01, 0.1, 1.0, 10.0]
    >>> result = compare(lambda seed: digits(), keepers, lrs, splits=2)
    >>> result.errors.shape, result.lrs.tolist()
    ((2, 2), [[1.0, 1.0], [0.1, 0.1]])
    """
    errors, best_lrs = [], []
    lrs = real_array("lrs", lrs, min_dims=1)
    if examples is not None:
        positive_int("examples", examples)
    for seed in range(positive_int("splits", splits)):
        data = load(seed)
        order = np.random.default_rng(seed).permutation(len(data.train))[:examples]
        model = KeptSoftmax(
            len(data.feature_names), len(data.class_names), lrs, list(keepers.values())
        )
        model.partial_fit(data.train.features[order], data.train.labels[order])
        best = argbest(lrs, _errors(model, data.validation), axis=1)
        sweep = _errors(model, data.test)
        errors.append(sweep[np.arange(len(best)), best])
        best_lrs.append(lrs[best])
    return Comparison(np.array(errors), np.array(best_lrs), model, sweep)


def _errors(model: KeptSoftmax, part: Any) -> np.ndarray:
    return model.error_rate(part.features, part.labels)
