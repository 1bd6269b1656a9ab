"""Optimizers that estimate the distance to go and take it as the learning rate.

The rate that makes AdaGrad's bound on regret small is about the distance from the start to the
minimum. Nobody knows it, but a run shows something of it: how far it has gone itself (`DoG`), or,
where the loss is convex, how far the minimum is away at least (`Prodigy`). Both begin with about a
millionth, and never let the estimate fall. Until it has grown, which takes a hundred steps or more
with `DoG`, little happens.

All distances are over the last axis: it must hold the whole model, as one vector.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._arrays import norms
from .._validate import positive, share
from ._base import LearningRate, LearningRateOptimizer, nonnegative
from .core import adaptive_rates, moving_average, scaled


class DoGState(NamedTuple):
    """What DoG remembers: the steps, the start, the largest distance from it, and G.

    The last two are one number for all coordinates, (..., 1).
    """

    steps: int
    start: np.ndarray
    distance: np.ndarray
    accumulator: np.ndarray


@dataclass(frozen=True, eq=False)
class DoG(LearningRateOptimizer):
    r"""DoG, distance over gradients: AdaGrad-Norm whose rate is the largest distance so far.

    .. math::

        \begin{aligned}
        D_t &= \max\bigl(D_{t-1},\, \|w_t - w_1\|_2\bigr), \qquad
        G_t = G_{t-1} + \|g_t\|_2^2, \\
        w_{t+1} &= w_t - \eta_t\, \frac{D_t}{\sqrt{G_t + \varepsilon}}\, g_t
        \end{aligned}

    It is meant to predict with an average of its points: ``Averaged(DoG())``.

    Parameters
    ----------
    lr : float or array_like or callable, optional
        A factor η on the steps; it has no unit. The method was published with η = 1. An array
        must have a last axis of length 1.
    reps_rel : float or array_like, optional
        The first distance is :math:`D_0 = \text{reps\_rel} \cdot (1 + \|w_1\|_2)`.
    eps : float or array_like, optional
        The constant ε ≥ 0, inside the root.

    References
    ----------
    Ivgi, Hinder and Carmon, DoG is SGD's Best Friend, ICML 2023, equation (DoG); names and defaults
    are those of the authors' package.

    Examples
    --------
    The first steps are tiny. They grow with the distance that they have made:

    >>> dog, params = DoG(), np.array([3.0, 4.0])
    >>> state = dog.init(params)
    >>> for t in range(1, 301):
    ...     gradient = params  # of a bowl
    ...     params, state = dog.step(params, gradient, state)
    ...     if t in (1, 10, 300):
    ...         print(t, state.distance.round(6), params.round(3))
    1 [6.e-06] [3. 4.]
    10 [0.000123] [3. 4.]
    300 [5.] [0. 0.]
    """

    lr: LearningRate = 1.0
    reps_rel: ArrayLike = 1e-6
    eps: ArrayLike = 1e-8
    _State = DoGState
    _min_dims = 1

    def __post_init__(self):
        super().__post_init__()
        self._check(positive, "reps_rel")
        self._check(nonnegative, "eps")

    def _start(self, params):
        distance = scaled(self.reps_rel, 1 + norms(params))
        return DoGState(0, params.copy(), distance, np.zeros_like(distance))

    def _update(self, grads, state, params):
        distance = np.maximum(state.distance, norms(params - state.start))
        accumulator = state.accumulator + np.square(grads).sum(axis=-1, keepdims=True)
        state = DoGState(state.steps + 1, state.start, distance, accumulator)
        return self._rate(self.lr, state) * grads, state

    def _shapes(self, shape):
        one = (*shape[:-1], 1)
        return {"start": shape, "distance": one, "accumulator": one}

    def _constants_shape(self, shape):
        return (*shape[:-1], 1)

    def effective_lr(self, state: DoGState) -> np.ndarray:
        """Return η D / √(G + ε), the rate of the step that led to `state`, (..., 1)."""
        return self._rate(self._lr_at(state), state)

    def _rate(self, lr, state):
        squares = np.add(state.accumulator, self.eps, dtype=state.accumulator.dtype)
        return adaptive_rates(scaled(lr, state.distance), squares, 0.0)


class ProdigyState(NamedTuple):
    """What Prodigy remembers: the steps, the start, Adam's two averages, and its estimate, D.

    D is that of the last step, (..., 1). The next one follows from P, (..., 1), and Q.
    """

    steps: int
    start: np.ndarray
    average: np.ndarray
    square_average: np.ndarray
    distance: np.ndarray
    gain: np.ndarray
    weighted_average: np.ndarray


@dataclass(frozen=True, eq=False)
class Prodigy(LearningRateOptimizer):
    r"""Prodigy: Adam whose rate is a growing lower bound of the distance to the minimum.

    .. math::

        \begin{aligned}
        D_t &= \max\bigl(D_{t-1},\, \bar P_{t-1} / \|\bar Q_{t-1}\|_1\bigr), \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\, D_t\, g_t, \qquad
        \bar G_t = \beta_2 \bar G_{t-1} + (1 - \beta_2)\, D_t^2\, g_t^2, \\
        \bar P_t &= \beta_3\, \bar P_{t-1} + (1 - \beta_3)\, \eta_t D_t^2\, g_t^\top (w_1 - w_t), \\
        \bar Q_t &= \beta_3\, \bar Q_{t-1} + (1 - \beta_3)\, \eta_t D_t^2\, g_t, \\
        w_{t+1} &= w_t - \eta_t D_t\, \frac{m_t}{\sqrt{\bar G_t} + D_t\, \varepsilon}
        \end{aligned}

    with :math:`\beta_3 = \sqrt{\beta_2}`. Where the loss is convex and the gradients are exact,
    :math:`g_t^\top (w_1 - w_t)` is at most :math:`g_t^\top (w_1 - w^*)`, and so the quotient at
    most the largest of the coordinates' distances :math:`|w_1 - w^*|`. It may stay far below. The
    weights :math:`D_t^2` let the gradients at the latest estimate count most; D-Adaptation, from
    which this came, has :math:`D_t`. Adam's corrections for the start are left out, as published.

    Parameters
    ----------
    lr : float or array_like or callable, optional
        A factor η on the steps; it has no unit. Its authors leave it at 1, or use a schedule from 1
        to 0. Like all constants, an array must have a last axis of length 1.
    betas : pair of float or array_like, optional
        The decay rates β₁ and β₂, as in `Adam`.
    eps : float or array_like, optional
        The constant ε ≥ 0.
    d0 : float or array_like, optional
        The first estimate :math:`D_1 > 0`, far below the distance.

    References
    ----------
    Mishchenko and Defazio, Prodigy: An Expeditiously Adaptive Parameter-Free Learner, ICML 2024,
    algorithm 4, with the weights and defaults of the authors' package. D-Adaptation: Defazio and
    Mishchenko, ICML 2023.

    Examples
    --------
    The largest distance along a coordinate is 4. The estimate grows, and stays below that:

    >>> prodigy, params = Prodigy(), np.array([3.0, 4.0])
    >>> state = prodigy.init(params)
    >>> for t in range(1, 301):
    ...     gradient = params  # of a bowl
    ...     params, state = prodigy.step(params, gradient, state)
    ...     if t in (1, 10, 300):
    ...         print(t, state.distance.round(6), params.round(3))
    1 [1.e-06] [3. 4.]
    10 [0.001506] [2.989 3.989]
    300 [1.530359] [0. 0.]
    """

    lr: LearningRate = 1.0
    betas: Sequence[ArrayLike] = (0.9, 0.999)
    eps: ArrayLike = 1e-8
    d0: ArrayLike = 1e-6
    _State = ProdigyState
    _min_dims = 1

    def __post_init__(self):
        super().__post_init__()
        self._check_pair(share, "betas")
        self._check(nonnegative, "eps")
        self._check(positive, "d0")

    def _start(self, params):
        average, square_average, weighted_average = (np.zeros_like(params) for _ in range(3))
        gain = np.zeros_like(params[..., :1])
        distance = np.full_like(gain, self.d0)
        return ProdigyState(
            0, params.copy(), average, square_average, distance, gain, weighted_average
        )

    def _update(self, grads, state, params):
        beta1, beta2 = self.betas
        beta3 = np.sqrt(beta2)
        size = np.abs(state.weighted_average).sum(axis=-1, keepdims=True)
        estimate = np.divide(state.gain, size, out=np.zeros_like(size), where=size > 0)
        distance = np.maximum(state.distance, estimate)
        # In place where it can be, as fresh memory costs more than arithmetic.
        weighted = scaled(self.lr, distance * distance) * grads
        gains = state.start - params
        gain = np.multiply(weighted, gains, out=gains).sum(axis=-1, keepdims=True)
        by_distance = distance * grads
        average = moving_average(beta1, state.average, by_distance)
        squares = np.square(by_distance, out=by_distance)
        state = ProdigyState(
            state.steps + 1,
            state.start,
            average,
            moving_average(beta2, state.square_average, squares),
            distance,
            moving_average(beta3, state.gain, gain),
            moving_average(beta3, state.weighted_average, weighted),
        )
        rates = self._rates(self.lr, state)
        return np.multiply(rates, average, out=rates), state

    def _shapes(self, shape):
        one = (*shape[:-1], 1)
        return super()._shapes(shape) | {"distance": one, "gain": one}

    def _constants_shape(self, shape):
        return (*shape[:-1], 1)

    def effective_lr(self, state: ProdigyState) -> np.ndarray:
        """Return η D / (√Ḡ + D ε), the factors on the average m in the step that led to `state`."""
        return self._rates(self._lr_at(state), state)

    def _rates(self, lr, state):
        eps = scaled(self.eps, state.distance)
        return adaptive_rates(scaled(lr, state.distance), state.square_average, eps)
