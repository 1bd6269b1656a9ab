"""Run an optimizer on an objective, for one learning rate or for a whole sweep at once.

Also, how far AdaGrad can get at all.
"""

import warnings
from dataclasses import dataclass

import numpy as np

from ._arrays import Survivors, broadcast_start, norms, shaped
from ._validate import (
    has_methods,
    instance,
    positive,
    positive_int,
    real_array,
    whole_numbers,
)
from .optimizers._base import take_step

__all__ = ["Sweep", "Trajectory", "descend", "sweep", "travel_bound", "travel_budget"]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Everything that happened in a run of `descend`; the first axis is time.

    Attributes
    ----------
    points : numpy.ndarray, shape (steps + 1, ..., d)
        Where the run was, starting point included.
    losses : numpy.ndarray, shape (steps + 1, ...)
        The objective there. A run that diverged has infinite losses from then on.
    gradients : numpy.ndarray, shape (steps, ..., d)
        The (possibly noisy) gradient that each step used.
    effective_lrs : numpy.ndarray, shape (steps, ..., d)
        What the optimizer's `effective_lr` said after each step: the rate by which the gradient
        was multiplied or, with momentum and Adam, the average of gradients in its place. (For
        `AdaDelta` it is nearly that rate: what the averages give after the step.)
    """

    points: np.ndarray
    losses: np.ndarray
    gradients: np.ndarray
    effective_lrs: np.ndarray

    @property
    def steps(self):
        """The number of steps taken."""
        return len(self.gradients)

    @property
    def diverged(self):
        """Whether each run diverged, shape (...)."""
        return ~np.isfinite(self.losses[-1])

    def __repr__(self):
        return f"Trajectory({self.steps} steps, points {self.points.shape})"


def descend(objective, start, optimizer, steps, *, rng=None):
    """Take `steps` steps of `optimizer` on `objective` and record every one.

    Parameters
    ----------
    objective : object
        Has methods `value(points)` and `gradient(points)` for points of shape (..., d).
    start : array_like, shape (..., d)
        Where to start. It is broadcast against the optimizer's learning rates, so that one start
        serves a whole sweep. The run is in float64, whatever its dtype.
    optimizer : object
        Has methods `init`, `step` and `effective_lr`, as in `adagrad_course.optimizers`.
    steps : int
        How many steps to take, at least 1.
    rng : numpy.random.Generator, optional
        Where noise comes from. If given, each step uses
        `objective.stochastic_gradient(points, rng)` in place of the exact gradient.

    Returns
    -------
    Trajectory
        A run whose loss or gradient is no longer finite has diverged: it stays at its last finite
        point, and its losses are infinite from there on. The other runs of the batch go on.

    Raises
    ------
    TypeError
        If the objective or the optimizer lacks a method, or `steps` or `rng` is of a wrong type.
    ValueError
        If `start` is not an array of finite numbers, `steps` is below 1, or a method returns an
        array of a wrong shape.

    Examples
    --------
    >>> from adagrad_course.objectives import Quadratic
    >>> from adagrad_course.optimizers import SGD
    >>> descend(Quadratic([1.0]), [1.0], SGD(lr=0.5), steps=3).points[:, 0]
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    gradient_name = "gradient" if rng is None else "stochastic_gradient"
    has_methods("objective", objective, "value", gradient_name)
    has_methods("optimizer", optimizer, "init", "step", "effective_lr")
    if rng is not None:
        instance("rng", rng, np.random.Generator)
    steps = positive_int("steps", steps)
    gradient = getattr(objective, gradient_name)
    extra = () if rng is None else (rng,)

    params = broadcast_start(start, optimizer)
    state = optimizer.init(params)
    points = np.empty((steps + 1, *params.shape))
    losses = np.empty((steps + 1, *params.shape[:-1]))
    gradients, effective_lrs = np.empty((2, steps, *params.shape))

    runs = Survivors()
    # A run that overflows is a result to be shown, so NumPy need not warn of it.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for t in range(steps + 1):
            loss = shaped("objective.value(points)", objective.value(params), losses[t].shape)
            points[t], losses[t] = params, runs.keep(loss[..., None], np.inf)[..., 0]
            if t == steps:
                break
            grads = gradient(params, *extra)
            grads = shaped(f"objective.{gradient_name}(points)", grads, params.shape)
            # Recorded here, as a reader's optimizer may work in place.
            gradients[t] = grads = runs.keep(grads, 0.0)
            stepped, state = take_step(optimizer, params, grads, state)
            params = runs.keep(stepped, points[t])
            _record(
                effective_lrs[t], "optimizer.effective_lr(state)", optimizer.effective_lr(state)
            )
    return Trajectory(points, losses, gradients, effective_lrs)


@dataclass(frozen=True, eq=False)
class Sweep:
    """One run per learning rate; see `sweep`.

    Attributes
    ----------
    lrs : numpy.ndarray, shape (n_lrs,)
        The learning rates, ascending.
    trajectory : Trajectory
        All runs; the axis after time is the learning rate.
    """

    lrs: np.ndarray
    trajectory: Trajectory

    @property
    def final_losses(self):
        """The loss after the last step, shape (n_lrs, ...); infinite where a run diverged."""
        return self.trajectory.losses[-1]

    @property
    def best_lr(self):
        """The rate with the least final loss, averaged over the batch axes if there are any.

        A rate that diverged is never the best; ValueError is raised if all did. If the best is the
        first or the last of the rates, a better one may lie beyond it, and a warning says so.
        """
        losses = self.final_losses.reshape(len(self.lrs), -1).mean(axis=1)
        if not np.isfinite(losses).any():
            raise ValueError(f"one rate at least must not diverge, all of {self.lrs} did")
        best = losses.argmin()
        if best in (0, len(losses) - 1):
            end = "smallest" if best == 0 else "largest"
            warnings.warn(
                f"the best rate, {self.lrs[best]:.3g}, is the {end} of the sweep: "
                "a better one may lie beyond it",
                stacklevel=2,
            )
        return float(self.lrs[best])

    def __repr__(self):
        return f"Sweep({len(self.lrs)} rates from {self.lrs[0]:.3g} to {self.lrs[-1]:.3g})"


def sweep(objective, start, optimizer, lrs, steps, *, rng=None):
    """Run one optimizer with many learning rates, all at once.

    Parameters
    ----------
    objective, start, steps, rng
        As in `descend`. With a `start` of shape (n, d), each rate runs from each start.
    optimizer : callable
        Makes an optimizer from a learning rate: a class such as `SGD`, or
        `lambda lr: Momentum(lr, momentum=0.5)`.
    lrs : array_like, shape (n_lrs,)
        The learning rates, ascending.

    Returns
    -------
    Sweep

    Raises
    ------
    TypeError, ValueError
        As in `descend`; also if `optimizer` is not callable or `lrs` is not ascending.

    Examples
    --------
    >>> from adagrad_course.objectives import Quadratic
    >>> from adagrad_course.optimizers import SGD
    >>> bowl = Quadratic([1.0, 9.0])
    >>> result = sweep(bowl, [1.0, 1.0], SGD, [0.1, 0.2, 0.3], steps=20)
    >>> result.best_lr, result.trajectory.diverged
    (0.2, array([False, False, False]))
    """
    if not callable(optimizer):
        raise TypeError(
            "optimizer must be callable with a learning rate, such as SGD, "
            f"got {type(optimizer).__name__}"
        )
    lrs = positive("lrs", real_array("lrs", lrs, min_dims=1), zero_allowed=True)
    if lrs.ndim != 1 or (np.diff(lrs) <= 0).any():
        raise ValueError(f"lrs must be a list of ascending rates, got {lrs}")
    start = real_array("start", start, min_dims=1)
    optimizer = optimizer(lrs.reshape(-1, *[1] * start.ndim))
    # Broadcast here, so that each rate has its run also where `optimizer` ignores the rate.
    starts = np.broadcast_to(start, (lrs.size, *start.shape))
    return Sweep(lrs, descend(objective, starts, optimizer, steps, rng=rng))


# The sums of 1/√t over the first hundred t, and the constant ζ(1/2) of all further ones.
_FIRST_SUMS = np.cumsum(1 / np.sqrt(np.arange(1, 101)))
_ZETA_HALF = -1.4603545088095868


def travel_budget(lr, steps):
    r"""Return the longest way that AdaGrad can go if gradients never grow.

    .. math:: \eta \sum_{t=1}^T \frac{1}{\sqrt t} \approx 2 \eta \sqrt T

    This is for each coordinate. If :math:`|g_t|` is at most each :math:`|g_s|` before it, then
    :math:`G_t = \sum_{s \le t} g_s^2 \ge t\, g_t^2`, so step t has at most the length
    :math:`\eta |g_t| / \sqrt{G_t} \le \eta / \sqrt t`. Gradients of one size attain it; ε and G₀
    can only shorten the way.

    Parameters
    ----------
    lr : float or array_like
        The rate η, which is constant.
    steps : int or array_like of int
        The number of steps T, at least 1. It is broadcast against the rates.

    Returns
    -------
    numpy.ndarray
        The distance, in the unit of the rate, to the accuracy of floating-point numbers.

    Raises
    ------
    TypeError, ValueError
        If a rate is negative, a number of steps is not whole or below 1, or they do not
        broadcast.

    See Also
    --------
    travel_bound : For gradients that do grow.

    Examples
    --------
    >>> travel_budget(0.1, [1, 4, 10_000]).round(3)
    array([ 0.1  ,  0.278, 19.854])
    """
    lr = positive("lr", lr, zero_allowed=True)
    steps = whole_numbers("steps", steps, dtype=np.int64)
    if steps.min() < 1:
        raise ValueError(f"steps must be at least 1, got {steps.min()}")
    try:
        np.broadcast_shapes(lr.shape, steps.shape)
    except ValueError:
        raise ValueError(f"lr must broadcast with steps, {steps.shape}, got {lr.shape}") from None
    # Euler and Maclaurin's formula; after a hundred terms what it leaves out is below 1e-14.
    n = steps.astype(np.float64)
    sums = 2 * np.sqrt(n) + _ZETA_HALF + (1 / 2 - (1 / 24 - 1 / (384 * n * n)) / n) / np.sqrt(n)
    return lr * np.where(steps <= 100, _FIRST_SUMS[np.minimum(steps, 100) - 1], sums)


def travel_bound(lr, gradients):
    r"""Return a bound on the way that AdaGrad goes, whatever the gradients are.

    .. math::

        \eta \sum_{t=1}^T \frac{|g_t|}{\sqrt{G_t}}
        \le \eta \sqrt{T \Bigl(1 + \ln \frac{G_T}{g_1^2}\Bigr)}

    for each coordinate, where T counts its gradients that are not zero and :math:`g_1` is the first
    of them: zeros move nothing. By Cauchy and Schwarz's inequality the sum is at most
    :math:`\sqrt{T \sum_t g_t^2 / G_t}`. The first term of this sum is 1. Each further one is
    :math:`1 - G_{t-1} / G_t \le \ln(G_t / G_{t-1})`, as :math:`1 - x \le -\ln x`, and these
    logarithms add up to :math:`\ln(G_T / G_1)`.

    Parameters
    ----------
    lr : float or array_like
        The rate η, which is constant. It must broadcast to the gradients of one step.
    gradients : array_like, shape (T, ..., d)
        The gradients of all steps.

    Returns
    -------
    numpy.ndarray, shape (..., d)
        The distance, in the unit of the rate; zero where all gradients are.

    Raises
    ------
    TypeError, ValueError
        If a rate is negative, a gradient is not finite, or the shapes do not fit.

    See Also
    --------
    travel_budget : The least bound for gradients that never grow.

    Examples
    --------
    >>> travel_bound(0.1, [[1.0, 0.0], [1.0, 3.0], [1.0, 0.0]]).round(3)
    array([0.251, 0.1  ])
    """
    lr = positive("lr", lr, zero_allowed=True)
    gradients = real_array("gradients", gradients, min_dims=2)
    shape = gradients.shape[1:]
    try:
        fits = np.broadcast_shapes(lr.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"lr must broadcast to the gradients of a step, {shape}, got {lr.shape}")
    moved = gradients != 0
    first = np.abs(np.take_along_axis(gradients, moved.argmax(axis=0)[None], axis=0)[0])
    sums = norms(np.moveaxis(gradients, 0, -1))[..., 0]
    some = first > 0
    # Not the logarithm of G_T / g², which may be too large a number.
    growth = 2 * (
        np.log(sums, where=some, out=np.zeros(shape))
        - np.log(first, where=some, out=np.zeros(shape))
    )
    return lr * np.sqrt(moved.sum(axis=0) * (1 + np.maximum(growth, 0)))


def _record(place, name, value):
    """Write what a method gave to where it is kept; it may be infinite, but must broadcast."""
    array = real_array(name, value, finite=False)
    try:
        place[...] = array
    except ValueError:
        raise ValueError(
            f"{name} must broadcast to shape {place.shape}, got {array.shape}"
        ) from None
