"""Run an optimizer on an objective, for one learning rate or for a whole sweep at once."""

from dataclasses import dataclass

import numpy as np

from ._validate import positive, positive_int, real_array

__all__ = ["Sweep", "Trajectory", "descend", "sweep"]


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
        The rate by which each step multiplied it.
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
        serves a whole sweep.
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
        If `start` is not an array of finite numbers, or `steps` is below 1.

    Examples
    --------
    >>> from adagrad_course.objectives import Quadratic
    >>> from adagrad_course.optimizers import SGD
    >>> descend(Quadratic([1.0]), [1.0], SGD(lr=0.5), steps=3).points[:, 0]
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    gradient_name = "gradient" if rng is None else "stochastic_gradient"
    _require("objective", objective, "value", gradient_name)
    _require("optimizer", optimizer, "init", "step", "effective_lr")
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    steps = positive_int("steps", steps)
    gradient = getattr(objective, gradient_name)
    extra = () if rng is None else (rng,)

    params = _broadcast_start(start, optimizer)
    state = optimizer.init(params)
    points = np.empty((steps + 1, *params.shape))
    losses = np.empty((steps + 1, *params.shape[:-1]))
    gradients, effective_lrs = np.empty((2, steps, *params.shape))

    # A run that overflows is a result to be shown, so NumPy need not warn of it.
    with np.errstate(over="ignore", invalid="ignore"):
        loss = np.asarray(objective.value(params))
        if loss.shape != params.shape[:-1]:
            raise ValueError(
                f"objective.value must map points of shape {params.shape} to losses of shape "
                f"{params.shape[:-1]}, got {loss.shape}"
            )
        alive = np.isfinite(loss)
        points[0], losses[0] = params, np.where(alive, loss, np.inf)
        for t in range(steps):
            grads = np.asarray(gradient(params, *extra))
            alive = alive & np.isfinite(grads).all(axis=-1)
            grads = np.where(alive[..., None], grads, 0.0)
            stepped, state = optimizer.step(params, grads, state)
            alive = alive & np.isfinite(stepped).all(axis=-1)
            params = np.where(alive[..., None], stepped, params)
            loss = objective.value(params)
            alive = alive & np.isfinite(loss)
            points[t + 1], losses[t + 1] = params, np.where(alive, loss, np.inf)
            gradients[t], effective_lrs[t] = grads, optimizer.effective_lr(state)
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
        """The rate with the least final loss, averaged over the batch axes if there are any."""
        losses = self.final_losses.reshape(len(self.lrs), -1).mean(axis=1)
        return float(self.lrs[losses.argmin()])

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
        The positive learning rates, ascending.

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
    >>> result = sweep(Quadratic([1.0, 9.0]), [1.0, 1.0], SGD, [0.1, 0.2, 0.3], steps=20)
    >>> result.best_lr, result.trajectory.diverged
    (0.2, array([False, False, False]))
    """
    if not callable(optimizer):
        raise TypeError(
            f"optimizer must be callable with a learning rate, such as SGD, got {optimizer!r}"
        )
    lrs = positive("lrs", real_array("lrs", lrs, min_dims=1))
    if lrs.ndim != 1 or (np.diff(lrs) <= 0).any():
        raise ValueError(f"lrs must be a list of ascending rates, got {lrs}")
    start = real_array("start", start, min_dims=1)
    batched = lrs.reshape(-1, *[1] * start.ndim)
    return Sweep(lrs, descend(objective, start, optimizer(batched), steps, rng=rng))


def _require(name, value, *methods):
    for method in methods:
        if not callable(getattr(value, method, None)):
            raise TypeError(f"{name} must have a method {method}, got {value!r}")


def _broadcast_start(start, optimizer):
    """Give each learning rate of the optimizer its own copy of the start."""
    start = real_array("start", start, min_dims=1).astype(np.float64)
    lr = getattr(optimizer, "lr", 1.0)
    lr_shape = np.shape(lr(1) if callable(lr) else lr)
    try:
        shape = np.broadcast_shapes(start.shape, lr_shape)
    except ValueError:
        shape = None
    if shape is None or shape[-1] != start.shape[-1]:
        raise ValueError(
            f"start of shape {start.shape} and lr of shape {lr_shape} do not fit: "
            "give the rates a last axis of length 1, as in lrs[:, None]"
        )
    return np.broadcast_to(start, shape)
