"""Online convex optimisation: a learner plays against a sequence of losses and is judged by regret.

In round t the learner commits to a point, then the loss of that round is shown. Its regret is what
it lost in all rounds more than the best single point would have lost, chosen in hindsight.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Survivors, broadcast_start
from ._optional import packages_needed
from ._protocols import LossesLike, OptimizerLike
from ._validate import (
    choice,
    has_methods,
    instance,
    number,
    positive_int,
    positive_number,
    real_array,
)
from .optimizers._base import take_step

__all__ = [
    "LinearLosses",
    "MovingTarget",
    "Play",
    "hindsight_optimum",
    "play",
]

_Of = Callable[[np.ndarray, np.ndarray], np.ndarray]
_KINDS: dict[str, tuple[_Of, _Of]] = {
    # Each loss and its (sub)derivative as functions of the prediction p and the target y.
    "absolute": (lambda p, y: np.abs(p - y), lambda p, y: np.sign(p - y)),
    "hinge": (lambda p, y: np.maximum(0, 1 - y * p), lambda p, y: -y * (y * p < 1)),
    "logistic": (
        lambda p, y: np.logaddexp(0, -y * p),
        lambda p, y: -y * np.exp(-np.logaddexp(0, y * p)),  # 1 / (1 + exp(yp)) would overflow
    ),
}


@dataclass(frozen=True, eq=False, init=False)
class LinearLosses:
    r"""A sequence of convex losses of linear predictions.

    .. math:: f_t(w) = \ell(\langle x_t, w\rangle,\, y_t), \qquad t = 1, \dots, T

    with :math:`\ell(p, y) = |p - y|` (absolute), :math:`\max\{0, 1 - yp\}` (hinge) or
    :math:`\log(1 + e^{-yp})` (logistic). The last two want targets −1 and +1.

    Parameters
    ----------
    features : array_like, shape (T, d)
        The inputs x, one round per row.
    targets : array_like, shape (T,)
        The targets y.
    kind : str
        "absolute", "hinge" or "logistic".

    Raises
    ------
    TypeError, ValueError
        If the shapes do not fit, the kind is unknown, or a target of the last two kinds is not −1
        or +1.

    Examples
    --------
    >>> losses = LinearLosses([[1.0, 0.0], [0.0, 2.0]], [1.0, -1.0], "absolute")
    >>> losses.value(1, [0.0, 0.0]), losses.gradient(1, [0.0, 0.0])
    (np.float64(1.0), array([0., 2.]))
    """

    features: np.ndarray
    targets: np.ndarray
    kind: str

    def __init__(self, features: ArrayLike, targets: ArrayLike, kind: str) -> None:
        features = real_array("features", features, min_dims=2)
        targets = real_array("targets", targets)
        if features.ndim != 2:
            raise ValueError(f"features must have shape (T, d), got {features.shape}")
        if targets.shape != features.shape[:1]:
            raise ValueError(f"targets must have shape {features.shape[:1]}, got {targets.shape}")
        choice("kind", kind, _KINDS)
        if kind != "absolute" and not np.isin(targets, (-1, 1)).all():
            bad = targets[~np.isin(targets, (-1, 1))][0]
            raise ValueError(f"targets must be -1 or 1 for the {kind} loss, got {bad}")
        vars(self).update(features=features.copy(), targets=targets.copy(), kind=kind)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def d(self) -> int:
        """The number of coordinates."""
        return self.features.shape[1]

    def first(self, rounds: int) -> "LinearLosses":
        """Return the sequence that ends after `rounds` rounds."""
        rounds = positive_int("rounds", rounds)
        if rounds > len(self):
            raise ValueError(f"rounds must be at most {len(self)}, got {rounds}")
        return LinearLosses(self.features[:rounds], self.targets[:rounds], self.kind)

    def value(self, t: int, params: ArrayLike) -> np.ndarray:
        """Return the loss of round t (counted from 0) at params of shape (..., d)."""
        value, _ = _KINDS[self.kind]
        return value(*self._prediction(t, params))

    def gradient(self, t: int, params: ArrayLike) -> np.ndarray:
        """Return a (sub)gradient of the loss of round t at params of shape (..., d)."""
        _, derivative = _KINDS[self.kind]
        return np.multiply.outer(derivative(*self._prediction(t, params)), self.features[t])

    def total(self, params: ArrayLike) -> float:
        """Return the sum of all losses at one point, params of shape (d,)."""
        value, _ = _KINDS[self.kind]
        params = real_array("params", params)
        if params.shape != (self.d,):
            raise ValueError(f"params must have shape ({self.d},), got {params.shape}")
        return value(self.features @ params, self.targets).sum()

    def _prediction(self, t: int, params: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return the prediction of round t, shape (...), and its target."""
        t, params = _round(self, t, params)
        return params @ self.features[t], self.targets[t]


@dataclass(frozen=True, eq=False, init=False)
class MovingTarget:
    r"""A sequence of bowls whose bottom moves: what a learner is to track.

    .. math::

        f_t(w) = \tfrac12 \|w - c_t\|_2^2, \qquad g_t(w) = w - c_t + \sigma z_t, \quad
        z_t \sim \mathcal N(0, I)

    The noise is drawn once, so that all learners and all games see the same.

    Parameters
    ----------
    targets : array_like, shape (T, d)
        The minima c, one round per row.
    noise : float, optional
        The standard deviation σ ≥ 0 of the gradients' noise. The losses have none.
    rng : numpy.random.Generator, optional
        Where the noise comes from; without noise it is not needed.

    Raises
    ------
    TypeError, ValueError
        If `targets` has another shape, `noise` is not a number from zero on, or there is noise but
        no generator for it.

    Examples
    --------
    >>> from adagrad_course.optimizers import SGD
    >>> game = play(MovingTarget([[1.0], [2.0], [3.0]]), SGD(lr=1.0))
    >>> game.points[:, 0], game.losses
    (array([0., 1., 2.]), array([0.5, 0.5, 0.5]))
    """

    targets: np.ndarray
    noise: float
    _errors: np.ndarray = field(init=False, repr=False)

    def __init__(
        self, targets: ArrayLike, noise: float = 0.0, rng: np.random.Generator | None = None
    ) -> None:
        targets = real_array("targets", targets, min_dims=2)
        if targets.ndim != 2:
            raise ValueError(f"targets must have shape (T, d), got {targets.shape}")
        positive_number("noise", noise, zero_allowed=True)
        if noise > 0 or rng is not None:
            instance("rng", rng, np.random.Generator)
        errors = 0 * targets
        if rng is not None and noise > 0:
            errors = noise * rng.standard_normal(targets.shape)
        vars(self).update(targets=targets.copy(), noise=noise, _errors=errors)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def d(self) -> int:
        """The number of coordinates."""
        return self.targets.shape[1]

    def value(self, t: int, params: ArrayLike) -> np.ndarray:
        """Return the loss of round t (counted from 0) at params of shape (..., d)."""
        t, params = _round(self, t, params)
        offset = params - self.targets[t]
        return (offset * offset).sum(axis=-1) / 2

    def gradient(self, t: int, params: ArrayLike) -> np.ndarray:
        """Return the noisy gradient of the loss of round t at params of shape (..., d)."""
        t, params = _round(self, t, params)
        return params - self.targets[t] + self._errors[t]


def _round(losses: LossesLike, t: int, params: ArrayLike) -> tuple[int, np.ndarray]:
    """Return the number of a round as an int and the parameters as an array, shape (..., d)."""
    if not isinstance(t, (int, np.integer)) or not 0 <= t < len(losses):
        raise ValueError(f"t must be a round from 0 to {len(losses) - 1}, got {t!r}")
    params = real_array("params", params, min_dims=1)
    if params.shape[-1] != losses.d:
        raise ValueError(f"params must have shape (..., {losses.d}), got {params.shape}")
    return int(t), params


@dataclass(frozen=True, eq=False)
class Play:
    """A game as it was played; the first axis is the round.

    Attributes
    ----------
    points : numpy.ndarray, shape (T, ..., d)
        What the learner committed to, before it saw the loss of that round.
    losses : numpy.ndarray, shape (T, ...)
        What that cost.
    gradients : numpy.ndarray, shape (T, ..., d)
        The (sub)gradient that it was then shown.
    """

    points: np.ndarray
    losses: np.ndarray
    gradients: np.ndarray

    @property
    def diverged(self) -> np.ndarray:
        """Whether each game diverged, shape (...)."""
        return ~np.isfinite(self.losses[-1])

    def __repr__(self) -> str:
        return f"Play({len(self.losses)} rounds, points {self.points.shape})"

    def regret(self, best_total: float) -> np.ndarray:
        """Return the regret after the last round, shape (...); infinite where a game diverged.

        Parameters
        ----------
        best_total : float
            The least total loss of a single point, as from `hindsight_optimum`.
        """
        return self.losses.sum(axis=0) - number("best_total", best_total)


def play(
    losses: LossesLike,
    learner: OptimizerLike,
    *,
    radius: float | None = None,
    start: ArrayLike | None = None,
) -> Play:
    r"""Let an optimizer play against a sequence of losses.

    After each step the point is projected onto the box :math:`\|w\|_\infty \le` `radius`. For a
    diagonal scaling this is clipping, whatever the scaling is.

    Parameters
    ----------
    losses : LinearLosses or MovingTarget
        The sequence. Anything else with methods `value(t, params)` and `gradient(t, params)`, a
        length and a number of coordinates `d` works, too.
    learner : object
        An optimizer as in `adagrad_course.optimizers`. With rates of shape (n_lrs, 1) it plays
        n_lrs games at once.
    radius : float, optional
        Half the side of the box. Without it nothing is projected.
    start : array_like, shape (..., d), optional
        The first point, in the box; the origin by default.

    Returns
    -------
    Play
        A game whose loss or gradient is no longer finite has diverged: it stays at its last finite
        point, and its losses are infinite from there on. The other games of the batch go on.

    Raises
    ------
    TypeError, ValueError
        If `losses` or `learner` lacks a method, or `radius` or `start` is not as above.

    Examples
    --------
    >>> from adagrad_course.bounds import adagrad_bound
    >>> from adagrad_course.optimizers import AdaGrad
    >>> losses = LinearLosses(np.ones((50, 1)), np.full(50, 0.5), "absolute")
    >>> game = play(losses, AdaGrad(lr=1.0), radius=1.0)
    >>> bound = adagrad_bound(game.gradients, diameter=2.0, lr=1.0)
    >>> float(game.regret(best_total=0.0)) <= float(bound)
    True
    """
    has_methods("losses", losses, "value", "gradient", "__len__")
    has_methods("learner", learner, "init", "step")
    origin = np.zeros(positive_int("losses.d", getattr(losses, "d", None)))
    params = broadcast_start(origin if start is None else start, learner)
    if radius is not None:
        radius = positive_number("radius", radius)
        if (farthest := np.abs(params).max()) > radius:
            raise ValueError(f"start must be in the box of radius {radius}, got {farthest}")
    state = learner.init(params)
    points = np.empty((len(losses), *params.shape))
    values = np.empty(points.shape[:-1])
    gradients = np.empty_like(points)
    games = Survivors()
    # A game that overflows is a result, not a reason for a warning.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for t in range(len(losses)):
            value, grads = np.asarray(losses.value(t, params)), losses.gradient(t, params)
            value = games.keep(value[..., None], np.inf)
            points[t], gradients[t] = params, games.keep(grads, 0.0)
            values[t] = games.keep(value, np.inf)[..., 0]  # again: the gradient may be infinite
            # A copy, as a reader's learner may change it in place.
            stepped, state = take_step(learner, params, gradients[t].copy(), state)
            params = games.keep(stepped, points[t])
            if radius is not None:
                params = np.clip(params, -radius, radius)
    return Play(points, values, gradients)


def hindsight_optimum(losses: LinearLosses, radius: float) -> tuple[np.ndarray, float]:
    """Return the best single point of the box in hindsight, and its total loss.

    Absolute and hinge losses are a linear program, logistic losses are minimised with L-BFGS-B.

    Parameters
    ----------
    losses : LinearLosses
        The sequence.
    radius : float
        Half the side of the box.

    Returns
    -------
    point : numpy.ndarray, shape (d,)
    total : float
        The sum of all losses there.

    Raises
    ------
    TypeError, ValueError
        If `losses` is not as above or `radius` is not a positive number.
    RuntimeError
        If the solver fails.

    Examples
    --------
    >>> losses = LinearLosses(np.ones((3, 1)), [0.0, 0.25, 1.0], "absolute")
    >>> point, total = hindsight_optimum(losses, radius=1.0)
    >>> point.round(6), round(total, 6)
    (array([0.25]), np.float64(1.0))
    """
    with packages_needed("data", "Optima in hindsight"):
        from scipy.optimize import linprog, minimize
        from scipy.sparse import csr_array, eye_array, hstack, vstack

    instance("losses", losses, LinearLosses)
    radius = float(positive_number("radius", radius))
    x, y, d = losses.features, losses.targets, losses.d
    box = [(-radius, radius)] * d
    if losses.kind == "logistic":
        _, derivative = _KINDS[losses.kind]

        def value_and_gradient(w):
            return losses.total(w), x.T @ derivative(x @ w, y)

        options = {"maxiter": 10_000, "ftol": 1e-14, "gtol": 1e-8}
        found = minimize(
            value_and_gradient,
            np.zeros(d),
            jac=True,
            bounds=box,
            method="L-BFGS-B",
            options=options,
        )
        point, failed = found.x, found.status == 1  # out of iterations
    else:
        # Minimise the sum of slacks z with z >= each linear piece of the loss of its round.
        rows, slack = csr_array(x), -eye_array(len(losses))
        if losses.kind == "absolute":
            constraints = vstack([hstack([rows, slack]), hstack([-rows, slack])])
            limits = np.concatenate([y, -y])
        else:
            constraints = hstack([-csr_array(x * y[:, None]), slack])
            limits = -np.ones(len(losses))
        cost = np.concatenate([np.zeros(d), np.ones(len(losses))])
        found = linprog(
            cost, constraints, limits, bounds=box + [(0, None)] * len(losses), method="highs"
        )
        point, failed = found.x, not found.success
    if failed:
        raise RuntimeError(f"the hindsight optimum was not found: {found.message}")
    return point[:d], losses.total(point[:d])
