"""Run an optimizer on an objective, for one learning rate or for a whole sweep at once."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from ._arrays import Survivors, broadcast_start, shaped
from ._protocols import ObjectiveLike, OptimizerWithRates
from ._validate import (
    has_methods,
    instance,
    positive,
    positive_int,
    real_array,
)
from .optimizers._base import entrywise_in, take_step

__all__ = ["Sweep", "Trajectory", "argbest", "descend", "sweep"]


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
    def steps(self) -> int:
        """The number of steps taken."""
        return len(self.gradients)

    @property
    def diverged(self) -> np.ndarray:
        """Whether each run diverged, shape (...)."""
        return ~np.isfinite(self.losses[-1])

    def __repr__(self) -> str:
        return f"Trajectory({self.steps} steps, points {self.points.shape})"


def descend(
    objective: ObjectiveLike,
    start: ArrayLike,
    optimizer: OptimizerWithRates,
    steps: int,
    *,
    rng: np.random.Generator | None = None,
) -> Trajectory:
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
    value, gradient = _unchecked(objective, "value"), _unchecked(objective, gradient_name)
    extra = () if rng is None else (rng,)

    params = broadcast_start(start, optimizer)
    state = optimizer.init(params)
    points = np.empty((steps + 1, *params.shape))
    losses = np.empty((steps + 1, *params.shape[:-1]))
    gradients, effective_lrs = np.empty((2, steps, *params.shape))

    remembered = entrywise_in(optimizer)
    runs, given = Survivors(), f"objective.{gradient_name}(points)"
    # A run that overflows is a result to be shown, so NumPy need not warn of it.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        loss = objective.value(params)  # refuses points of another dimension
        for t in range(steps + 1):
            loss = shaped("objective.value(points)", loss, losses[t].shape)
            points[t], losses[t] = params, runs.keep(loss[..., None], np.inf)[..., 0]
            if t == steps:
                break
            grads = shaped(given, gradient(params, *extra), params.shape)
            # Recorded here, as a reader's optimizer may work in place.
            gradients[t] = grads = runs.keep(grads, 0.0)
            stepped, state = take_step(optimizer, params, grads, state)
            params = runs.keep(stepped, points[t])
            loss = value(params)
            if remembered is None:
                _record(effective_lrs[t], optimizer.effective_lr(state))
            else:  # until the end, what they follow from
                effective_lrs[t] = getattr(state, remembered)
        if remembered is not None:
            state = state._replace(**{remembered: effective_lrs})
            effective_lrs[...] = optimizer.effective_lr(state)
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
    def final_losses(self) -> np.ndarray:
        """The loss after the last step, shape (n_lrs, ...); infinite where a run diverged."""
        return self.trajectory.losses[-1]

    @property
    def best_lr(self) -> float:
        """The rate with the least final loss, averaged over the batch axes if there are any.

        A rate that diverged is never the best, and one at an end of the sweep is said to be there;
        see `argbest`.
        """
        losses = self.final_losses.reshape(len(self.lrs), -1).mean(axis=1)
        return float(self.lrs[argbest(self.lrs, losses)])

    def __repr__(self) -> str:
        return f"Sweep({len(self.lrs)} rates from {self.lrs[0]:.3g} to {self.lrs[-1]:.3g})"


def argbest(lrs: ArrayLike, losses: ArrayLike, axis: int = 0) -> npt.NDArray[np.intp]:
    """Return the place of the best learning rate, as `losses.argmin(axis)`, but not of a bad best.

    A rate with an infinite or undefined loss is never the best. If the best is the first or the
    last of the rates, a better one may lie beyond it, and a warning says so.

    Parameters
    ----------
    lrs : array_like, shape (n_lrs,)
        The learning rates, ascending.
    losses : array_like, shape (..., n_lrs, ...)
        The loss, or the error rate on held-out data, of each.
    axis : int, optional
        The axis of the rates.

    Returns
    -------
    numpy.ndarray of int, shape (..., ...)

    Raises
    ------
    TypeError, ValueError
        If the rates are not ascending, the losses are not one for each, or none is finite.

    Examples
    --------
    >>> losses = [[3.0, 1.0, 2.0], [9.0, 1.0, float("inf")]]
    >>> argbest([0.1, 0.2, 0.4], losses, axis=1)
    array([1, 1])
    """
    lrs = _ascending(lrs)
    losses = real_array("losses", losses, min_dims=1, finite=False)
    if not -losses.ndim <= axis < losses.ndim or losses.shape[axis] != lrs.size:
        raise ValueError(
            f"losses must have an axis {axis} of {lrs.size} rates, got shape {losses.shape}"
        )
    losses = np.where(np.isfinite(losses), losses, np.inf)
    if not np.isfinite(losses.min(axis=axis)).all():
        raise ValueError(f"one rate at least must not diverge, all of {lrs} did")
    best = losses.argmin(axis=axis)
    for end, place in {"smallest": 0, "largest": lrs.size - 1}.items():
        if (best == place).any():
            warnings.warn(
                f"the best rate, {lrs[place]:.3g}, is the {end} that was tried: "
                "a better one may lie beyond it",
                stacklevel=2,
            )
    return best


def _ascending(lrs: ArrayLike) -> np.ndarray:
    lrs = positive("lrs", real_array("lrs", lrs, min_dims=1), zero_allowed=True)
    if lrs.ndim != 1 or (np.diff(lrs) <= 0).any():
        raise ValueError(f"lrs must be a list of ascending rates, got {lrs}")
    return lrs


def sweep(
    objective: ObjectiveLike,
    start: ArrayLike,
    optimizer: Callable[[np.ndarray], OptimizerWithRates],
    lrs: ArrayLike,
    steps: int,
    *,
    rng: np.random.Generator | None = None,
) -> Sweep:
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
    lrs = _ascending(lrs)
    start = real_array("start", start, min_dims=1)
    optimizer = optimizer(lrs.reshape(-1, *[1] * start.ndim))
    # Broadcast here, so that each rate has its run also where `optimizer` ignores the rate.
    starts = np.broadcast_to(start, (lrs.size, *start.shape))
    return Sweep(lrs, descend(objective, starts, optimizer, steps, rng=rng))


def _unchecked(objective: ObjectiveLike, name: str) -> Callable[..., ArrayLike]:
    """Return a method of the objective, without its checks where it is one of this package's."""
    method = getattr(objective, name)
    formula = getattr(method, "unchecked", None)
    return method if formula is None else partial(formula, objective)


def _record(place: np.ndarray, rates: ArrayLike) -> None:
    """Write effective rates to where they are kept; they may be infinite, but must broadcast."""
    name = "optimizer.effective_lr(state)"
    array = real_array(name, rates, finite=False)
    try:
        place[...] = array
    except ValueError:
        raise ValueError(
            f"{name} must broadcast to shape {place.shape}, got {array.shape}"
        ) from None
