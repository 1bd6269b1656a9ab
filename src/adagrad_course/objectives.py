"""Functions to minimise, with their gradients, minima and constants.

An objective has two methods, `value(points)` and `gradient(points)`. Points have shape `(..., d)`:
the last axis holds the coordinates, all axes before it are a batch. An objective that also has
`stochastic_gradient(points, rng)` can be descended with noise. Anything else with these methods
works in `descend` too.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import log_softmax
from ._protocols import ObjectiveLike
from ._validate import (
    class_labels,
    has_methods,
    instance,
    number,
    positive,
    positive_int,
    positive_number,
    real_array,
    same_shape,
)

__all__ = [
    "DoubleWell",
    "Noisy",
    "Plateau",
    "Quadratic",
    "Rosenbrock",
    "Saddle",
    "SoftmaxRegression",
    "SteepStart",
    "TwoLayerNetwork",
]


# A run in a batch must be equal, to the last digit, to the same run alone. Therefore squares are
# written as products (`x**2` can differ between a number and an array), and vectors are not rotated
# with `@` (its sums can differ with the size of the batch).


def _rotated(vectors: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return (vectors[..., None, :] * matrix).sum(axis=-1)


def _points(points: ArrayLike, d: int) -> np.ndarray:
    points = real_array("points", points, min_dims=1)
    if points.shape[-1] != d:
        raise ValueError(f"points must have shape (..., {d}), got {points.shape}")
    return points


def _checked(
    formula: Callable[[Any, np.ndarray], np.ndarray],
) -> Callable[[Any, ArrayLike], np.ndarray]:
    """Make a method that checks the points out of a formula, which it keeps as `unchecked`.

    `descend` knows that its points are good, and in a small problem a check costs more than what
    it guards.
    """

    @wraps(formula)
    def method(self: Any, points: ArrayLike) -> np.ndarray:
        return formula(self, _points(points, self._d))

    method.unchecked = formula  # type: ignore[attr-defined]
    return method


@dataclass(frozen=True, eq=False, init=False)
class Quadratic:
    r"""A bowl with a known curvature along each axis, rotated if you like.

    .. math:: f(w) = \tfrac12\,(w - w^*)^\top R\,\mathrm{diag}(h)\,R^\top (w - w^*)

    Parameters
    ----------
    curvatures : array_like, shape (d,)
        The curvatures h > 0: the eigenvalues of the Hessian.
    rotation : float, optional
        The angle in radians by which a two-dimensional bowl is turned counter-clockwise.
    minimum : array_like, shape (d,), optional
        The minimiser w*; the origin by default.

    Raises
    ------
    TypeError, ValueError
        If a curvature is not positive, the shapes do not fit, or a bowl of other than two
        dimensions is rotated.

    Examples
    --------
    >>> bowl = Quadratic([1.0, 100.0])
    >>> bowl.value([1.0, 1.0]), bowl.gradient([1.0, 1.0])
    (np.float64(50.5), array([  1., 100.]))
    >>> bowl.smoothness, bowl.strong_convexity, bowl.condition_number
    (100.0, 1.0, 100.0)
    """

    curvatures: np.ndarray
    rotation: float
    minimum: np.ndarray

    def __init__(
        self, curvatures: ArrayLike, rotation: float = 0.0, minimum: ArrayLike | None = None
    ) -> None:
        curvatures = positive("curvatures", real_array("curvatures", curvatures, min_dims=1))
        if curvatures.ndim != 1:
            raise ValueError(f"curvatures must have shape (d,), got {curvatures.shape}")
        minimum = np.zeros_like(curvatures) if minimum is None else real_array("minimum", minimum)
        same_shape("minimum", minimum, "curvatures", curvatures)
        if number("rotation", rotation) != 0 and curvatures.size != 2:
            raise ValueError(f"curvatures must be 2 to be rotated, got {curvatures.size}")
        kept = {"curvatures": curvatures.copy(), "minimum": minimum.copy()}
        vars(self).update(kept, rotation=rotation)

    @cached_property
    def _axes(self) -> np.ndarray | None:
        """The principal axes as columns, or None where they are the coordinate axes."""
        if self.rotation == 0:
            return None
        cos, sin = np.cos(self.rotation), np.sin(self.rotation)
        return np.array([[cos, -sin], [sin, cos]])

    @property
    def hessian(self) -> np.ndarray:
        """The matrix of second derivatives, shape (d, d)."""
        if self._axes is None:
            return np.diag(self.curvatures)
        return self._axes * self.curvatures @ self._axes.T

    @property
    def smoothness(self) -> float:
        """L, the largest curvature: the gradient changes at most L times as fast as the point."""
        return float(self.curvatures.max())

    @property
    def strong_convexity(self) -> float:
        """μ, the smallest curvature."""
        return float(self.curvatures.min())

    @property
    def condition_number(self) -> float:
        """κ = L/μ; the level curves are √κ times as long as wide."""
        return self.smoothness / self.strong_convexity

    @property
    def _d(self) -> int:
        return self.curvatures.size

    @_checked
    def value(self, points: np.ndarray) -> np.ndarray:
        """Return f at points of shape (..., d), as an array of shape (...)."""
        offset = points - self.minimum
        if self._axes is not None:
            offset = _rotated(offset, self._axes.T)
        return 0.5 * (self.curvatures * offset * offset).sum(axis=-1)

    @_checked
    def gradient(self, points: np.ndarray) -> np.ndarray:
        """Return the gradient at points of shape (..., d), in their shape."""
        offset = points - self.minimum
        if self._axes is None:
            return self.curvatures * offset
        return _rotated(self.curvatures * _rotated(offset, self._axes.T), self._axes)


@dataclass(frozen=True)
class Saddle:
    r"""A saddle at the origin between two minima at (0, ±1).

    .. math:: f(x, y) = \tfrac12 x^2 - \tfrac12 y^2 + \tfrac14 y^4

    The curvature at the origin is +1 along x and −1 along y. The minima have the value −1/4.

    Examples
    --------
    >>> Saddle().gradient([0.0, 0.0]), Saddle().value([0.0, 1.0])
    (array([ 0., -0.]), np.float64(-0.25))
    """

    _d = 2

    @_checked
    def value(self, points: np.ndarray) -> np.ndarray:
        """Return f at points of shape (..., 2), as an array of shape (...)."""
        x, y = np.moveaxis(points, -1, 0)
        return x * x / 2 - y * y / 2 + np.square(y * y) / 4

    @_checked
    def gradient(self, points: np.ndarray) -> np.ndarray:
        """Return the gradient at points of shape (..., 2), in their shape."""
        x, y = np.moveaxis(points, -1, 0)
        return np.stack([x, y * (y * y - 1)], axis=-1)


@dataclass(frozen=True)
class DoubleWell:
    r"""Two valleys in one dimension, one deeper than the other.

    .. math:: f(x) = \tfrac14 (x^2 - 1)^2 + c\,x

    Parameters
    ----------
    tilt : float, optional
        The slope c. For 0 < c < 2/√27 ≈ 0.385 the deep valley is the left one (near −1) and
        the right one (near +1) is a local minimum only; for larger c there is one valley.

    Raises
    ------
    TypeError, ValueError
        If `tilt` is not a finite number.

    Examples
    --------
    >>> well = DoubleWell(tilt=0.1)
    >>> well.value([-1.0]), well.value([1.0])
    (np.float64(-0.1), np.float64(0.1))
    """

    tilt: float = 0.1

    def __post_init__(self) -> None:
        number("tilt", self.tilt)

    _d = 1

    @_checked
    def value(self, points: np.ndarray) -> np.ndarray:
        """Return f at points of shape (..., 1), as an array of shape (...)."""
        x = points[..., 0]
        return np.square(x * x - 1) / 4 + self.tilt * x

    @_checked
    def gradient(self, points: np.ndarray) -> np.ndarray:
        """Return the gradient at points of shape (..., 1), in their shape."""
        return points * (points * points - 1) + self.tilt


@dataclass(frozen=True)
class Plateau:
    r"""A dip in a plain: far from the minimum there is almost no slope to follow.

    .. math:: f(x) = 1 - e^{-x^2/2}

    The minimum is 0 at the origin, where the curvature has its largest value, 1.

    Examples
    --------
    >>> Plateau().value([0.0]), Plateau().gradient([4.0]).round(4)
    (np.float64(0.0), array([0.0013]))
    """

    _d = 1

    @_checked
    def value(self, points: np.ndarray) -> np.ndarray:
        """Return f at points of shape (..., 1), as an array of shape (...)."""
        x = points[..., 0]
        return -np.expm1(-x * x / 2)

    @_checked
    def gradient(self, points: np.ndarray) -> np.ndarray:
        """Return the gradient at points of shape (..., 1), in their shape."""
        x = points
        return x * np.exp(-x * x / 2)


@dataclass(frozen=True, eq=False, init=False)
class SteepStart:
    r"""A steep start, then a long gentle slope: what large first gradients do to AdaGrad.

    .. math::

        \begin{aligned}
        f(w) &= \sum_i H(w_i - D) + (a_i - 1)\, h(w_i), \\
        H'(x) &= \min\{\max\{x, -1\}, 1\}, \qquad h'(x) = \min\{\max\{x, -1\}, 0\}
        \end{aligned}

    Along each axis the slope is −a up to −1, bends to −1 at 0 and stays so until one short of the
    minimum, 0 at w = D, around which the function is a parabola. It is convex, so the gradient
    never grows on the way to the minimum.

    Parameters
    ----------
    steepness : array_like, shape (d,)
        How steep the start is along each axis, a ≥ 1; with 1 it is no steeper than the rest.
    distance : float
        Where the minimum lies along each axis, D ≥ 1.

    Raises
    ------
    TypeError, ValueError
        If `steepness` is not a list of numbers from 1 on, or `distance` is not such a number.

    Examples
    --------
    >>> slope = SteepStart([1.0, 100.0], distance=10.0)
    >>> slope.gradient([[-5.0, -5.0], [5.0, 5.0], [9.5, 9.5]])
    array([[  -1. , -100. ],
           [  -1. ,   -1. ],
           [  -0.5,   -0.5]])
    >>> slope.minimum, slope.smoothness
    (array([10., 10.]), 99.0)
    """

    steepness: np.ndarray
    distance: float

    def __init__(self, steepness: ArrayLike, distance: float) -> None:
        steepness = real_array("steepness", steepness, min_dims=1)
        if steepness.ndim != 1:
            raise ValueError(f"steepness must have shape (d,), got {steepness.shape}")
        if steepness.min() < 1:
            raise ValueError(f"steepness must be at least 1, got {steepness.min()}")
        if number("distance", distance) < 1:
            raise ValueError(f"distance must be at least 1, got {distance}")
        vars(self).update(steepness=steepness.copy(), distance=distance)

    @property
    def minimum(self) -> np.ndarray:
        """The minimiser, shape (d,)."""
        return np.full_like(self.steepness, self.distance)

    @property
    def smoothness(self) -> float:
        """L, the largest curvature: that of the bend or, where it is larger, of the parabola, 1."""
        return float(max(self.steepness.max() - 1, 1.0))

    @property
    def _d(self) -> int:
        return self.steepness.size

    @_checked
    def value(self, points: np.ndarray) -> np.ndarray:
        """Return f at points of shape (..., d), as an array of shape (...)."""
        offset = points - self.distance
        slope, bend = np.clip(offset, -1, 1), np.clip(points, -1, 0)
        gentle, steep = slope * (offset - slope / 2), bend * (points - bend / 2)
        return (gentle + (self.steepness - 1) * steep).sum(axis=-1)

    @_checked
    def gradient(self, points: np.ndarray) -> np.ndarray:
        """Return the gradient at points of shape (..., d), in their shape."""
        gentle = np.clip(points - self.distance, -1, 1)
        return gentle + (self.steepness - 1) * np.clip(points, -1, 0)


@dataclass(frozen=True)
class Rosenbrock:
    r"""A curved, flat-bottomed valley with its minimum, 0, at (1, 1).

    .. math:: f(x, y) = (1 - x)^2 + 100\,(y - x^2)^2

    References
    ----------
    Rosenbrock, An Automatic Method for Finding the Greatest or Least Value of a Function, 1960.

    Examples
    --------
    >>> Rosenbrock().value([1.0, 1.0]), Rosenbrock().gradient([0.0, 0.0])
    (np.float64(0.0), array([-2.,  0.]))
    """

    _d = 2

    @_checked
    def value(self, points: np.ndarray) -> np.ndarray:
        """Return f at points of shape (..., 2), as an array of shape (...)."""
        x, y = np.moveaxis(points, -1, 0)
        return np.square(1 - x) + 100 * np.square(y - x * x)

    @_checked
    def gradient(self, points: np.ndarray) -> np.ndarray:
        """Return the gradient at points of shape (..., 2), in their shape."""
        x, y = np.moveaxis(points, -1, 0)
        valley = 200 * (y - x * x)
        return np.stack([-2 * (1 - x) - 2 * x * valley, valley], axis=-1)


@dataclass(frozen=True)
class Noisy:
    r"""Another objective seen through noise: each gradient is the true one plus a normal error.

    .. math:: g(w) = \nabla f(w) + \sigma\,\xi, \qquad \xi \sim \mathcal N(0, I)

    Parameters
    ----------
    objective : object
        An objective with methods `value` and `gradient`.
    noise : float
        The standard deviation σ ≥ 0 of the error in every coordinate, in the gradient's unit.

    Raises
    ------
    TypeError, ValueError
        If `objective` lacks a method, or `noise` is not a number from zero on.

    Examples
    --------
    >>> noisy = Noisy(Quadratic([1.0]), noise=0.5)
    >>> rng = np.random.default_rng(0)
    >>> noisy.stochastic_gradient([2.0], rng).round(3), noisy.gradient([2.0])
    (array([2.063]), array([2.]))
    """

    objective: ObjectiveLike
    noise: float

    def __post_init__(self) -> None:
        has_methods("objective", self.objective, "value", "gradient")
        positive_number("noise", self.noise, zero_allowed=True)

    def value(self, points: ArrayLike) -> np.ndarray:
        """Return the true value at points of shape (..., d), as an array of shape (...)."""
        return self.objective.value(np.asarray(points))

    def gradient(self, points: ArrayLike) -> np.ndarray:
        """Return the true gradient at points of shape (..., d), in their shape."""
        return self.objective.gradient(np.asarray(points))

    def stochastic_gradient(self, points: ArrayLike, rng: np.random.Generator) -> np.ndarray:
        """Return the gradient plus fresh noise, independent in every entry of the batch."""
        instance("rng", rng, np.random.Generator)
        gradient = np.asarray(self.objective.gradient(np.asarray(points)))
        return gradient + self.noise * rng.standard_normal(gradient.shape)


@dataclass(frozen=True, eq=False, init=False)
class _Classifier(ABC):
    """What the classifiers share: the cross-entropy of the scores that each computes."""

    features: np.ndarray
    labels: np.ndarray
    batch_size: int | None
    n_classes: int

    def __init__(
        self,
        features: ArrayLike,
        labels: ArrayLike,
        batch_size: int | None = None,
        n_classes: int | None = None,
    ) -> None:
        features = real_array("features", features, min_dims=2)
        if features.ndim != 2:
            raise ValueError(f"features must have shape (n, p), got {features.shape}")
        labels = class_labels(labels, features.shape[0])
        if batch_size is not None and positive_int("batch_size", batch_size) > labels.size:
            raise ValueError(f"batch_size must be at most {labels.size}, got {batch_size}")
        seen = int(labels.max()) + 1
        n_classes = seen if n_classes is None else positive_int("n_classes", n_classes)
        if n_classes < seen:
            raise ValueError(f"n_classes must be at least {seen}, as labels say, got {n_classes}")
        ones = np.ones((features.shape[0], 1), features.dtype)
        vars(self).update(
            features=np.hstack([features, ones]),
            labels=labels.copy(),
            batch_size=batch_size,
            n_classes=n_classes,
        )

    @property
    @abstractmethod
    def size(self) -> int:
        """The number of weights: the last axis of points has this length."""

    @abstractmethod
    def _scores(self, points: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the scores of the classes, and whatever is kept for the gradient."""

    @abstractmethod
    def _slope(
        self, points: np.ndarray, features: np.ndarray, kept: Any, error: np.ndarray
    ) -> np.ndarray:
        """Return the gradient of the sum of scores · error."""

    def _log_probabilities(self, points: ArrayLike, features: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the logarithms of the softmax of the scores, and what is kept of them."""
        scores, kept = self._scores(_points(points, self.size), features)
        return log_softmax(scores), kept

    def _gradient(self, points: ArrayLike, features: np.ndarray, labels: np.ndarray) -> np.ndarray:
        log_probabilities, kept = self._log_probabilities(points, features)
        error = np.exp(log_probabilities)
        error[..., np.arange(labels.size), labels] -= 1
        return self._slope(np.asarray(points), features, kept, error) / labels.size

    def value(self, points: ArrayLike) -> np.ndarray:
        """Return the mean cross-entropy, in nats, at points of shape (..., size)."""
        log_probabilities, _ = self._log_probabilities(points, self.features)
        own = log_probabilities[..., np.arange(self.labels.size), self.labels]
        # Contiguous, so that the sum has one order, and one rounding, in a batch and alone.
        return -np.ascontiguousarray(own).mean(axis=-1)

    def gradient(self, points: ArrayLike) -> np.ndarray:
        """Return the gradient over all examples at points of shape (..., size), in their shape."""
        return self._gradient(points, self.features, self.labels)

    def stochastic_gradient(self, points: ArrayLike, rng: np.random.Generator) -> np.ndarray:
        """Return the gradient over `batch_size` examples drawn with `rng`."""
        instance("rng", rng, np.random.Generator)
        if self.batch_size is None:
            return self.gradient(points)
        rows = rng.integers(self.labels.size, size=self.batch_size)
        return self._gradient(points, self.features[rows], self.labels[rows])

    def error_rate(self, points: ArrayLike) -> np.ndarray:
        """Return the share of examples put in a wrong class, at points of shape (..., size)."""
        log_probabilities, _ = self._log_probabilities(points, self.features)
        return (log_probabilities.argmax(axis=-1) != self.labels).mean(axis=-1)


@dataclass(frozen=True, eq=False, init=False)
class SoftmaxRegression(_Classifier):
    r"""Mean cross-entropy of a linear classifier, as a function of its flattened weights.

    .. math:: f(W) = -\frac1n \sum_{j=1}^n \log \mathrm{softmax}(W^\top x_j)_{y_j}

    A column of ones is appended to the features, so the last row of W is the bias.

    Parameters
    ----------
    features : array_like, shape (n, p)
        The inputs x, one row per example.
    labels : array_like of int, shape (n,)
        The classes y, counted from 0.
    batch_size : int, optional
        How many examples a stochastic gradient sees; they are drawn with replacement, and one
        draw serves the whole batch of points. All examples by default.
    n_classes : int, optional
        How many classes there are; by default as many as the labels say. A part of the data may
        lack the last ones.

    Raises
    ------
    TypeError, ValueError
        If the shapes do not fit, labels are not whole numbers from 0 on, `batch_size` is not a
        whole number from 1 to n, or there are more classes than `n_classes`.

    Examples
    --------
    >>> objective = SoftmaxRegression([[0.0], [1.0]], [0, 1])
    >>> weights = np.zeros(objective.size)
    >>> objective.value(weights).round(4), objective.gradient(weights)
    (np.float64(0.6931), array([ 0.25, -0.25,  0.  ,  0.  ]))
    """

    @property
    def size(self) -> int:
        """The number of weights, (p + 1) · n_classes: the last axis of points has this length."""
        return self.features.shape[1] * self.n_classes

    def _scores(self, points: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, Any]:
        return features @ points.reshape(*points.shape[:-1], -1, self.n_classes), None

    def _slope(
        self, points: np.ndarray, features: np.ndarray, _: None, error: np.ndarray
    ) -> np.ndarray:
        return (features.T @ error).reshape(points.shape)


@dataclass(frozen=True, eq=False, init=False)
class TwoLayerNetwork(_Classifier):
    r"""Mean cross-entropy of a classifier with a hidden layer, as a function of all its weights.

    .. math::

        f(W, V) = -\frac1n \sum_{j=1}^n \log \mathrm{softmax}(V^\top z_j)_{y_j}, \qquad
        z_j = \tanh(W^\top x_j)

    A one is appended to the features and to the hidden units, so the last rows of W, of shape
    (p + 1, hidden), and of V, of shape (hidden + 1, n_classes), are the biases. A point is W and
    then V, flattened.

    Parameters
    ----------
    features, labels
        As in `SoftmaxRegression`.
    hidden : int
        The number of hidden units.
    batch_size, n_classes : int, optional
        As in `SoftmaxRegression`.

    Raises
    ------
    TypeError, ValueError
        As `SoftmaxRegression`; also if `hidden` is not a whole number from 1 on.

    Examples
    --------
    >>> inputs, labels = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> xor = TwoLayerNetwork(inputs, labels, hidden=3)
    >>> starts = xor.start(np.random.default_rng(0), (5,))
    >>> starts.shape, xor.gradient(starts).shape
    ((5, 17), (5, 17))
    >>> xor.value(np.zeros(xor.size)).round(4)
    np.float64(0.6931)
    """

    hidden: int

    def __init__(
        self,
        features: ArrayLike,
        labels: ArrayLike,
        hidden: int,
        batch_size: int | None = None,
        n_classes: int | None = None,
    ) -> None:
        super().__init__(features, labels, batch_size, n_classes)
        # As an int: the numbers of weights would overflow in a small type of NumPy.
        vars(self).update(hidden=positive_int("hidden", hidden))

    @property
    def _cut(self) -> int:
        """The number of weights of the first layer."""
        return self.features.shape[1] * self.hidden

    @property
    def size(self) -> int:
        """The number of weights: the last axis of points has this length."""
        return self._cut + (self.hidden + 1) * self.n_classes

    def start(self, rng: np.random.Generator, shape: tuple[int, ...] = ()) -> np.ndarray:
        """Return random weights to start from.

        They are normal with mean 0 and the standard deviation 1/√m, where m is the number of
        weights that lead to the same unit, its bias included.

        Parameters
        ----------
        rng : numpy.random.Generator
            Where they come from.
        shape : tuple of int, optional
            How many starts, as the axes before the last one.

        Returns
        -------
        numpy.ndarray, shape (..., size)
        """
        instance("rng", rng, np.random.Generator)
        instance("shape", shape, tuple)
        sizes = [positive_int(f"shape[{i}]", n) for i, n in enumerate(shape)]
        weights = rng.standard_normal((*sizes, self.size))
        weights[..., : self._cut] /= np.sqrt(self.features.shape[1])
        weights[..., self._cut :] /= np.sqrt(self.hidden + 1)
        return weights

    def _output_weights(self, points: np.ndarray) -> np.ndarray:
        return points[..., self._cut :].reshape(*points.shape[:-1], -1, self.n_classes)

    def _scores(self, points: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, Any]:
        weights = points[..., : self._cut].reshape(*points.shape[:-1], -1, self.hidden)
        units = np.ones((*points.shape[:-1], len(features), self.hidden + 1))
        np.tanh(features @ weights, out=units[..., :-1])
        return units @ self._output_weights(points), units

    def _slope(
        self, points: np.ndarray, features: np.ndarray, units: np.ndarray, error: np.ndarray
    ) -> np.ndarray:
        weights = self._output_weights(points)[..., :-1, :]  # the bias leads to no hidden unit
        inner = units[..., :-1]
        error_inside = error @ weights.swapaxes(-1, -2) * (1 - inner * inner)
        slopes = features.T @ error_inside, units.swapaxes(-1, -2) @ error
        return np.concatenate([slope.reshape(*points.shape[:-1], -1) for slope in slopes], axis=-1)
