"""Sparse gradients: where few features are active, an update touches only the rows they name.

Weights have one row per feature, and a gradient is a pair: the numbers of the rows that it names
and a value for each. All other rows of the gradient are zero and are never looked at.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from ._arrays import broadcast_start, log_softmax
from ._optional import packages_needed
from ._validate import (
    canonical_rows,
    class_labels,
    instance,
    overwritable,
    positive,
    positive_int,
    real_array,
    same_shape,
    whole_numbers,
)
from .optimizers import SGD, AdaGrad, AdaGradState, FTRLProximal, FTRLProximalState, SGDState
from .optimizers._base import Optimizer, cast_grads, change_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["OnlineSoftmax", "Progress", "coalesce", "row_step"]


LeavesRowsAlone: TypeAlias = SGD | AdaGrad | FTRLProximal
State = TypeVar("State", SGDState, AdaGradState, FTRLProximalState)


def coalesce(rows: ArrayLike, grads: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return a sparse gradient in which each row stands once, in ascending order.

    A row named more than once has its gradients summed: that sum is its gradient. AdaGrad has to
    square it; the sum of the squares would be another number.

    Parameters
    ----------
    rows : array_like of int, shape (n,)
        Which rows the gradient names, in any order, counted from 0.
    grads : array_like, shape (n, ...)
        A gradient for each of them.

    Returns
    -------
    rows : numpy.ndarray of int, shape (m,)
    grads : numpy.ndarray, shape (m, ...)

    Raises
    ------
    TypeError
        If `rows` does not hold whole numbers or `grads` real ones.
    ValueError
        If a row's number is negative, a gradient is not finite, or there is not one for each row.

    Examples
    --------
    >>> coalesce([7, 2, 7], [1.0, 5.0, 2.0])
    (array([2, 7]), array([5., 3.]))
    """
    rows = whole_numbers("rows", rows, empty_allowed=True)
    grads = real_array("grads", grads, empty_allowed=True)
    if rows.ndim != 1:
        raise ValueError(f"rows must have shape (n,), got {rows.shape}")
    if grads.shape[:1] != rows.shape:
        raise ValueError(f"grads must have shape ({rows.size}, ...), got {grads.shape}")
    unique, position = np.unique(rows, return_inverse=True)
    if unique.size == rows.size:
        return unique, grads[np.argsort(position)]
    summed = np.zeros((unique.size, *grads.shape[1:]), grads.dtype)
    np.add.at(summed, position, grads)
    return unique, summed


def row_step(
    optimizer: LeavesRowsAlone,
    params: np.ndarray,
    rows: ArrayLike,
    grads: ArrayLike,
    state: State,
) -> State:
    """Take an optimizer's step on the rows of `params` that the gradient names, in place.

    It equals the dense step with zeros in all other rows, at a cost that does not depend on how
    many of them there are. That holds for optimizers that leave a coordinate alone when its
    gradient is zero: SGD, AdaGrad and FTRL-Proximal, but not those with momentum or with a memory
    that decays.

    Parameters
    ----------
    optimizer : SGD, AdaGrad or FTRLProximal
        Or a subclass, which may override the step. Its constants may be arrays that broadcast to
        the shape of one row, for a sweep.
    params : numpy.ndarray, shape (n, ...)
        The parameters. The rows named are overwritten.
    rows : array_like of int, shape (k,)
        Which rows the gradient names, in any order. One named twice has its gradients summed.
    grads : array_like, shape (k, ...)
        Their gradients.
    state : SGDState, AdaGradState or FTRLProximalState
        The state from `optimizer.init(params)` or from the step before. The rows of its arrays are
        overwritten.

    Returns
    -------
    SGDState, AdaGradState or FTRLProximalState
        The state after the step; it holds the same arrays.

    Raises
    ------
    TypeError
        If the optimizer is another one, `params` is not an array of floating-point numbers or
        `rows` does not hold whole numbers.
    ValueError
        If a row does not exist, the shapes do not fit, a number is not finite, or an array must
        not be written to. Nothing has been overwritten then.

    References
    ----------
    Duchi, Hazan and Singer, JMLR 12 (2011), section 1.3, on sparse data.

    Examples
    --------
    >>> params, adagrad = np.zeros((5, 1)), AdaGrad(lr=0.5)
    >>> rows, grads = [3, 3], [[1.0], [2.0]]
    >>> state = row_step(adagrad, params, rows, grads, adagrad.init(params))
    >>> params.T.round(6), state.accumulator.T
    (array([[ 0. ,  0. ,  0. , -0.5,  0. ]]), array([[0., 0., 0., 9., 0.]]))
    """
    _leaves_rows_alone(optimizer)
    overwritable("params", params)
    instance("state", state, optimizer._State)
    for name in optimizer._State._fields[1:]:
        kept = overwritable(f"state.{name}", getattr(state, name))
        same_shape(f"state.{name}", kept, "params", params)
        if kept.dtype != params.dtype:
            raise TypeError(
                f"state.{name} must have the dtype of params, {params.dtype}, got {kept.dtype}"
            )
    _same_for_every_row(optimizer, params.shape[1:], state.steps + 1)
    rows, grads = coalesce(rows, grads)
    if rows.size and rows[-1] >= len(params):
        raise ValueError(f"rows must be below {len(params)}, the rows of params, got {rows[-1]}")
    if grads.shape[1:] != params.shape[1:]:
        raise ValueError(
            f"grads must have for each row the shape of a row of params, {params.shape[1:]}, "
            f"got {grads.shape[1:]}"
        )
    named = real_array("params[rows]", params.take(rows, axis=0), empty_allowed=True)
    real_array("grads", grads, empty_allowed=True)  # again, as a sum may overflow
    return _row_step(optimizer, params, rows, named, grads, state)[1]


def _row_step(
    optimizer: LeavesRowsAlone,
    params: np.ndarray,
    rows: np.ndarray,
    named: np.ndarray,
    grads: np.ndarray,
    state: Any,
) -> tuple[np.ndarray, Any]:
    """Take the step on rows that are known to exist and to differ; `named` are their values.

    Return what was subtracted from them, and the new state. `named` is overwritten.
    """
    if not rows.size:
        return grads, state._replace(steps=state.steps + 1)
    # `take` is faster than indexing with an array.
    kept = {name: getattr(state, name) for name in state._fields[1:]}
    part = state._replace(**{name: array.take(rows, axis=0) for name, array in kept.items()})
    # `change_of` leaves out the checks of `step`, with which this would take far longer.
    grads = cast_grads(grads, params.dtype)
    change, part = change_of("optimizer", optimizer, named, grads, part)
    # In place, as fresh memory costs more than arithmetic.
    params[rows] = np.subtract(named, change, out=named)
    for name, array in kept.items():
        array[rows] = getattr(part, name)
    return change, state._replace(steps=part.steps)


@dataclass(frozen=True, eq=False)
class Progress:
    """How each example was predicted just before it was trained on, in the order of training.

    Attributes
    ----------
    losses : numpy.ndarray, shape (n, ...)
        The cross-entropy, in nats.
    mistakes : numpy.ndarray of bool, shape (n, ...)
        Whether another class got the highest probability.
    """

    losses: np.ndarray
    mistakes: npt.NDArray[np.bool_]

    def __repr__(self) -> str:
        return f"Progress({len(self.losses)} examples, models {self.losses.shape[1:]})"


class OnlineSoftmax:
    r"""Softmax regression on sparse features, trained online, for many learning rates at once.

    .. math::

        p(c \mid x) = \mathrm{softmax}(W^\top x)_c, \qquad
        \nabla_W = x\, (p(\cdot \mid x) - e_y)^\top

    The gradient is zero in the rows of W whose feature is zero, so a step only touches the others.
    There is no intercept: each row of W belongs to a feature.

    Parameters
    ----------
    n_features, n_classes : int
        The p rows of W and its columns.
    optimizer : SGD, AdaGrad or FTRLProximal
        With rates of shape (n_lrs, 1) it trains n_lrs models at once.
    average : bool, optional
        Whether to keep the mean of the weights after each step as well.

    Attributes
    ----------
    weights : numpy.ndarray, shape (p, ..., n_classes)
        W, of shape (p, n_lrs, n_classes) for a sweep. It starts at zero.
    state : SGDState, AdaGradState or FTRLProximalState
        What the optimizer remembers.
    progress : Progress or None
        How the last `partial_fit` predicted each example just before it was trained on.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that kind.

    Notes
    -----
    `partial_fit` and `predict` are as in scikit-learn, but for three points: the number of classes
    is an argument of the constructor, so that classes are counted from 0; the order of the examples
    is random only if a generator is given; and a sweep predicts a class for each of its rates.

    Examples
    --------
    >>> from adagrad_course.datasets import digits
    >>> data, rng = digits(), np.random.default_rng(0)
    >>> model = OnlineSoftmax(64, 10, AdaGrad(lr=np.array([[0.001], [0.1]])))
    >>> model = model.partial_fit(data.train.features, data.train.labels, rng=rng)
    >>> model.progress.mistakes.mean(axis=0).round(2)
    array([0.73, 0.15])
    >>> model.predict(data.test.features).shape
    (400, 2)
    >>> model.error_rate(data.test.features, data.test.labels).round(2)
    array([0.45, 0.14])
    """

    def __init__(
        self, n_features: int, n_classes: int, optimizer: LeavesRowsAlone, *, average: bool = False
    ) -> None:
        n_features = positive_int("n_features", n_features)
        n_classes = positive_int("n_classes", n_classes)
        self.optimizer = _leaves_rows_alone(optimizer)
        row = broadcast_start(np.zeros(n_classes), optimizer)
        _same_for_every_row(optimizer, row.shape, 1)
        self.weights = np.zeros((n_features, *row.shape))
        self.state = optimizer.init(self.weights)
        # With d_s what step s adds, the mean of w_2 ... w_{T+1} is w_{T+1} - sum((s - 1) d_s) / T.
        self._lag = np.zeros_like(self.weights) if average else None
        self.progress: Progress | None = None

    @property
    def average_weights(self) -> np.ndarray:
        """The mean of the weights after each step, shaped like `weights`."""
        if self._lag is None:
            raise ValueError("average must be True for average_weights to be kept, got False")
        return self.weights - self._lag / max(self.state.steps, 1)

    def partial_fit(
        self,
        features: "csr_array",
        labels: ArrayLike,
        *,
        batch_size: int = 1,
        rng: np.random.Generator | None = None,
    ) -> "OnlineSoftmax":
        """Train on the examples, each once, with one step per batch; called again, it goes on.

        A bar shows how far it is, unless the environment variable TQDM_DISABLE is set.

        Parameters
        ----------
        features : scipy.sparse.csr_array, shape (n, n_features)
            One row per example; it names each column at most once, in ascending order.
        labels : array_like of int, shape (n,)
            Their classes, counted from 0.
        batch_size : int, optional
            Over how many examples each gradient is averaged.
        rng : numpy.random.Generator, optional
            Where a random order comes from; by default the examples are taken in the order given.

        Returns
        -------
        OnlineSoftmax
            The model itself; `progress` says how it predicted the examples on the way.

        Raises
        ------
        TypeError, ValueError
            If an argument is not of that kind or does not fit the model.
        """
        _fit_together([self], features, labels, batch_size=batch_size, rng=rng)
        return self

    def _fit_batch(self, batch: "_Batch", labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take one step; return the losses and the mistakes before it."""
        rows = batch.rows
        weights = self.weights.take(rows, axis=0)
        log_p = log_softmax(_logits(batch.inputs, weights))
        own = np.arange(labels.size), ..., labels
        losses, mistakes = -log_p[own], _are_wrong(log_p.argmax(axis=-1), labels)
        error = np.exp(log_p)
        error[own] -= 1
        error /= labels.size
        grads = batch.transposed @ error.reshape(labels.size, -1)
        change = self._step(rows, weights, grads.reshape(weights.shape))
        if self._lag is not None:
            change *= self.state.steps - 1
            self._lag[rows] = np.subtract(self._lag.take(rows, axis=0), change, out=change)
        return losses, mistakes

    def _step(self, rows: np.ndarray, named: np.ndarray, grads: np.ndarray) -> np.ndarray:
        """Take a step on these rows, whose weights are `named`; return what was subtracted."""
        change, self.state = _row_step(self.optimizer, self.weights, rows, named, grads, self.state)
        return change

    def predict(self, features: "csr_array", *, average: bool = False) -> npt.NDArray[np.intp]:
        """Return the most probable class of each example, shape (n, ...): one for each rate.

        Parameters
        ----------
        features : scipy.sparse.csr_array, shape (n, n_features)
            The examples.
        average : bool, optional
            Whether to predict with `average_weights`.

        Raises
        ------
        TypeError, ValueError
            If `features` are not that, or there is no average.
        """
        self._check(features)
        weights = self.average_weights if average else self.weights
        return _logits(features, weights).argmax(axis=-1)

    def error_rate(
        self, features: "csr_array", labels: ArrayLike, *, average: bool = False
    ) -> np.ndarray:
        """Return the share of the examples for which `predict` gives another class, shape (...).

        Parameters
        ----------
        features, labels
            The examples, as in `partial_fit`.
        average : bool, optional
            As in `predict`.

        Raises
        ------
        TypeError, ValueError
            As `partial_fit` and `predict`.
        """
        labels = self._checked_labels(features, labels)
        return _are_wrong(self.predict(features, average=average), labels).mean(axis=0)

    def _check(self, features: "csr_array") -> None:
        """Raise unless these are examples for this model."""
        canonical_rows("features", features)
        n, n_features = features.shape
        if not n:
            raise ValueError("features must have at least 1 row, got 0")
        if n_features != len(self.weights):
            raise ValueError(f"features must have {len(self.weights)} columns, got {n_features}")

    def _checked_labels(self, features: "csr_array", labels: ArrayLike) -> np.ndarray:
        """Return the labels of these examples as indices."""
        self._check(features)
        labels = class_labels(labels, features.shape[0])
        n_classes = self.weights.shape[-1]
        if labels.max() >= n_classes:
            raise ValueError(f"labels must be below {n_classes}, got {labels.max()}")
        return labels


def _fit_together(
    models: Sequence[OnlineSoftmax],
    features: "csr_array",
    labels: ArrayLike,
    *,
    batch_size: int = 1,
    rng: np.random.Generator | None = None,
) -> None:
    """Train models of one size as `partial_fit` does, on the same batches in the same order."""
    with packages_needed("data", "Passes over examples"):
        from tqdm import tqdm

    labels = models[0]._checked_labels(features, labels)
    batch_size = positive_int("batch_size", batch_size)
    order: Any = slice(None)
    if rng is not None:
        instance("rng", rng, np.random.Generator)
        order = rng.permutation(labels.size)
    labels = labels[order]
    shapes = [(labels.size, *model.weights.shape[1:-1]) for model in models]
    done = [Progress(np.empty(shape), np.empty(shape, bool)) for shape in shapes]
    batches = _batches(features[order], batch_size)
    total = -(-labels.size // batch_size)
    for batch in tqdm(batches, total=total, leave=False, delay=1):
        own, k = labels[batch.examples], batch.examples
        for model, progress in zip(models, done, strict=True):
            progress.losses[k], progress.mistakes[k] = model._fit_batch(batch, own)
    for model, progress in zip(models, done, strict=True):
        model.progress = progress


def _leaves_rows_alone(optimizer: LeavesRowsAlone) -> LeavesRowsAlone:
    """Return an optimizer that changes nothing where the gradient is zero, or raise TypeError."""
    if not (isinstance(optimizer, Optimizer) and optimizer._skips_zero_gradients):
        raise TypeError(
            "optimizer must leave rows without a gradient alone, as SGD, AdaGrad and FTRLProximal "
            f"do, got {optimizer!r:.60}"
        )
    return optimizer


def _same_for_every_row(optimizer: LeavesRowsAlone, row_shape: tuple[int, ...], step: int) -> None:
    """Raise ValueError for a constant with an axis that would be taken for the rows of a step."""
    lr = optimizer.lr
    if callable(lr):
        lr = positive(f"lr({step})", lr(step), zero_allowed=True)
    others = {name: getattr(optimizer, name, 0.0) for name in ("eps", "l1", "l2")}
    for name, value in ({"lr": lr} | others).items():
        try:
            np.broadcast_to(value, (1, *row_shape))
        except ValueError:
            raise ValueError(
                f"{name} must broadcast to the shape of one row, {row_shape}, "
                f"got shape {np.shape(value)}"
            ) from None


class _Batch(NamedTuple):
    """Some of the examples, and the features that occur in them."""

    examples: slice
    rows: np.ndarray  # which features occur, ascending
    inputs: Any  # their values, shape (examples, rows)
    transposed: Any


def _batches(features: "csr_array", size: int) -> Iterator[_Batch]:
    """Yield the examples in batches of a size, the last of which may be smaller."""
    indptr, n = features.indptr, features.shape[0]
    for start in range(0, n, size):
        stop = min(start + size, n)
        here = slice(indptr[start], indptr[stop])
        rows, values = features.indices[here].astype(np.intp), features.data[here]
        if size == 1:
            inputs = values[None, :]
        else:
            from scipy.sparse import csr_array

            rows, position = np.unique(rows, return_inverse=True)
            ends = indptr[start : stop + 1] - indptr[start]
            inputs = csr_array((values, position, ends), shape=(stop - start, rows.size))
        yield _Batch(slice(start, stop), rows, inputs, inputs.T)


def _logits(features: Any, weights: np.ndarray) -> np.ndarray:
    """Return the scores of each class, shape (n, ..., n_classes)."""
    flat = weights.reshape(weights.shape[0], math.prod(weights.shape[1:]))
    return (features @ flat).reshape(-1, *weights.shape[1:])


def _are_wrong(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return whether each predicted class, shape (n, ...), is not the label, shape (n,)."""
    return predicted != labels.reshape(-1, *[1] * (predicted.ndim - 1))
