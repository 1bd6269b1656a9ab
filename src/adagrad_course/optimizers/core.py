"""The optimizers that everything else is compared with.

Each follows the class of its state, which is what it remembers from step to step. An optimizer
itself never changes: it holds constants, such as the learning rate, and defines three methods.
`_start` returns the state before the first step. `_update` returns what a step takes off the
parameters, the change, and the state after the step. `effective_lr` returns the rates that were
used in the step which led to a state.

The base class turns these into the public methods `init`, `update` and `step`, which check their
arguments first. So `grads` and the arrays of a state have the dtype of `params` below, and
`self.lr` is a number or an array: a schedule has been asked for the rate of this step. The mark
`entrywise` says of which array in the state the rates are a function, for the sake of speed.

Parameters of shape (n, d) may be n runs at once, a sweep, with an array of constants of shape
(n, 1). Such arrays are in float64. So that they do not turn parameters in float32 into float64, the
formulas use them through the three functions that come first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._validate import share
from ._base import LearningRateOptimizer, entrywise, nonnegative


def scaled(constant, array):
    """Return constant · array, in the dtype of the array."""
    return np.multiply(constant, array, dtype=array.dtype)


def moving_average(decay, average, values):
    """Return decay · average + (1 - decay) · values, in the dtype of the average."""
    decayed = scaled(decay, average)
    decayed += scaled(1 - decay, values)
    return decayed


def adaptive_rates(lr, squares, eps):
    """Return lr / (√squares + eps), in the dtype of the squares, and 0 where that divides by 0."""
    root = np.asarray(np.sqrt(squares))
    eps = np.asarray(eps, root.dtype)
    root += eps
    # The quotients take the place of the roots. Where eps is 0 a root may be, too: it stays.
    where = True if np.count_nonzero(eps) == eps.size else root > 0
    return np.divide(lr, root, out=root, dtype=root.dtype, where=where)


class SGDState(NamedTuple):
    """What SGD remembers: how many steps it has taken."""

    steps: int


@dataclass(frozen=True, eq=False)
class SGD(LearningRateOptimizer):
    r"""(Stochastic) gradient descent: the same learning rate for all coordinates.

    .. math:: w_{t+1} = w_t - \eta_t\, g_t

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η ≥ 0. An array must broadcast to the parameters' shape, such as
        `lrs[:, None]` for a sweep. A callable is a schedule: it is given the step's number
        1, 2, 3, … and returns the rate of that step.

    References
    ----------
    Robbins and Monro, A Stochastic Approximation Method, Annals of Mathematical Statistics, 1951.

    Examples
    --------
    >>> sgd = SGD(lr=0.1)
    >>> params = np.array([1.0, 2.0])
    >>> params, state = sgd.step(params, np.array([10.0, 0.0]), sgd.init(params))
    >>> params
    array([0., 2.])
    """

    _State = SGDState
    _skips_zero_gradients = True

    def _start(self, params):
        return SGDState(steps=0)

    def _update(self, grads, state, params):
        return scaled(self.lr, grads), SGDState(state.steps + 1)

    def effective_lr(self, state: SGDState) -> float | np.ndarray:
        """Return the learning rate of the step that led to `state`."""
        return self._lr_at(state)


class MomentumState(NamedTuple):
    """What momentum remembers: the steps taken and the velocity, shaped like the parameters."""

    steps: int
    velocity: np.ndarray


@dataclass(frozen=True, eq=False)
class Momentum(LearningRateOptimizer):
    r"""Gradient descent with (heavy-ball) momentum: it goes along a decaying sum of gradients.

    .. math:: v_t = \beta\, v_{t-1} + g_t, \qquad w_{t+1} = w_t - \eta_t\, v_t

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `SGD`.
    momentum : float or array_like, optional
        The factor β with 0 ≤ β < 1 by which the velocity shrinks at each step. An array must
        broadcast to the parameters' shape.

    References
    ----------
    Goh, Why Momentum Really Works, Distill, 2017; the form is that of `torch.optim.SGD`.

    Examples
    --------
    >>> heavy = Momentum(lr=0.1, momentum=0.5)
    >>> params, state = np.array([1.0]), heavy.init([1.0])
    >>> for _ in range(2):
    ...     params, state = heavy.step(params, np.array([1.0]), state)
    >>> params, state.velocity
    (array([0.75]), array([1.5]))
    """

    momentum: ArrayLike = 0.9
    _State = MomentumState

    def __post_init__(self):
        super().__post_init__()
        self._check(share, "momentum")

    def _start(self, params):
        return MomentumState(steps=0, velocity=np.zeros_like(params))

    def _update(self, grads, state, params):
        velocity = scaled(self.momentum, state.velocity) + grads
        return scaled(self.lr, velocity), MomentumState(state.steps + 1, velocity)

    def effective_lr(self, state: MomentumState) -> float | np.ndarray:
        """Return the factor on the velocity in the step that led to `state`."""
        return self._lr_at(state)


class AdaGradState(NamedTuple):
    """What AdaGrad remembers: the steps taken and the sum of squared gradients, G.

    `AdaGradNorm` has one sum for all coordinates, (..., 1).
    """

    steps: int
    accumulator: np.ndarray


@dataclass(frozen=True, eq=False)
class AdaGrad(LearningRateOptimizer):
    r"""AdaGrad: each coordinate's rate is divided by the root of the sum of its squared gradients.

    .. math::

        G_t = G_{t-1} + g_t^2, \qquad
        w_{t+1} = w_t - \frac{\eta_t}{\sqrt{G_t} + \varepsilon}\, g_t

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, given as in `SGD`; but here it has the unit of the parameters.
    eps : float or array_like, optional
        The constant ε ≥ 0 added to the root. Where the root and ε are both zero, so is the rate. A
        coordinate whose gradient has always been zero stays where it is, whatever ε is.
    initial_accumulator_value : float or array_like, optional
        The value of G₀ ≥ 0. Like the rates, arrays of constants must broadcast to the parameters'
        shape.

    References
    ----------
    Duchi, Hazan and Singer, JMLR 12 (2011), figure 1; defaults and the place of ε are those of
    `torch.optim.Adagrad`.

    Examples
    --------
    In the first step each coordinate moves by the learning rate, whatever its gradient's size:

    >>> adagrad = AdaGrad(lr=0.5)
    >>> params, grads = np.array([1.0, 1.0]), np.array([1000.0, 0.001])
    >>> params, state = adagrad.step(params, grads, adagrad.init(params))
    >>> params.round(6)
    array([0.5, 0.5])
    """

    eps: ArrayLike = 1e-10
    initial_accumulator_value: ArrayLike = 0.0
    _State = AdaGradState
    _skips_zero_gradients = True

    def __post_init__(self):
        super().__post_init__()
        self._check(nonnegative, "eps", "initial_accumulator_value")

    def _start(self, params):
        return AdaGradState(0, accumulator=np.full_like(params, self.initial_accumulator_value))

    def _update(self, grads, state, params):
        accumulator = state.accumulator + grads * grads
        change = adaptive_rates(self.lr, accumulator, self.eps) * grads
        return change, AdaGradState(state.steps + 1, accumulator)

    @entrywise("accumulator")
    def effective_lr(self, state: AdaGradState) -> np.ndarray:
        """Return η / (√G + ε), the rates of the step that led to `state`, one per coordinate.

        Where nothing would be divided by, G = ε = 0, the rate is 0.
        """
        return adaptive_rates(self._lr_at(state), state.accumulator, self.eps)


class RMSPropState(NamedTuple):
    """What RMSProp remembers: the steps and the moving average of squared gradients, s."""

    steps: int
    square_average: np.ndarray


@dataclass(frozen=True, eq=False)
class RMSProp(LearningRateOptimizer):
    r"""RMSProp: AdaGrad with an exponential moving average of squares in place of their sum.

    .. math::

        \bar G_t = \rho\, \bar G_{t-1} + (1 - \rho)\, g_t^2, \qquad
        w_{t+1} = w_t - \frac{\eta_t}{\sqrt{\bar G_t} + \varepsilon}\, g_t

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `AdaGrad`.
    rho : float or array_like, optional
        The decay rate ρ of the average, 0 ≤ ρ < 1: the average is over about the last 1/(1 - ρ)
        squares. An array must broadcast to the parameters' shape.
    eps : float or array_like, optional
        The constant ε ≥ 0 added to the root, as in `AdaGrad`.

    References
    ----------
    Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012; defaults and the
    place of ε are those of `torch.optim.RMSprop`, whose `alpha` is ρ.

    Examples
    --------
    The average starts at zero, too low, so the first step is η/√(1 - ρ) long. With a gradient that
    stays the same, the steps fall to η and remain there; AdaGrad's would shrink as η/√t:

    >>> rmsprop = RMSProp(lr=1.0, rho=0.99)
    >>> params, state = np.zeros(1), rmsprop.init(np.zeros(1))
    >>> for t in range(1, 1001):
    ...     params, state = rmsprop.step(params, np.array([5.0]), state)
    ...     if t in (1, 100, 1000):
    ...         print((rmsprop.effective_lr(state) * 5.0).round(4))
    [10.]
    [1.2559]
    [1.]
    """

    rho: ArrayLike = 0.99
    eps: ArrayLike = 1e-8
    _State = RMSPropState

    def __post_init__(self):
        super().__post_init__()
        self._check(share, "rho")
        self._check(nonnegative, "eps")

    def _start(self, params):
        return RMSPropState(steps=0, square_average=np.zeros_like(params))

    def _update(self, grads, state, params):
        square_average = moving_average(self.rho, state.square_average, grads * grads)
        change = adaptive_rates(self.lr, square_average, self.eps) * grads
        return change, RMSPropState(state.steps + 1, square_average)

    @entrywise("square_average")
    def effective_lr(self, state: RMSPropState) -> np.ndarray:
        """Return η / (√s + ε), the rates of the step that led to `state`, one per coordinate."""
        return adaptive_rates(self._lr_at(state), state.square_average, self.eps)


class AdamState(NamedTuple):
    """What Adam remembers: the steps, the moving averages of gradients, m, and of squares, s."""

    steps: int
    average: np.ndarray
    square_average: np.ndarray


@dataclass(frozen=True, eq=False)
class Adam(LearningRateOptimizer):
    r"""Adam: RMSProp with momentum, both averages corrected for having started at zero.

    .. math::

        \begin{aligned}
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, \\
        \bar G_t &= \beta_2 \bar G_{t-1} + (1 - \beta_2)\, g_t^2, \\
        w_{t+1} &= w_t - \eta_t\,
        \frac{m_t / (1 - \beta_1^t)}{\sqrt{\bar G_t / (1 - \beta_2^t)} + \varepsilon}
        \end{aligned}

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `AdaGrad`.
    betas : pair of float or array_like, optional
        The decay rates β₁ and β₂ of the averages, each in [0, 1). Arrays must broadcast to the
        parameters' shape.
    eps : float or array_like, optional
        The constant ε ≥ 0 added to the root, as in `AdaGrad`.

    References
    ----------
    Kingma and Ba, Adam, ICLR 2015, algorithm 1, whose v is s here; defaults and the place of ε are
    those of `torch.optim.Adam`.

    Examples
    --------
    Thanks to the corrections each coordinate's first step is η long, as with AdaGrad:

    >>> adam = Adam(lr=0.5)
    >>> params, grads = np.array([1.0, 1.0]), np.array([1000.0, 0.001])
    >>> params, state = adam.step(params, grads, adam.init(params))
    >>> params.round(4)
    array([0.5, 0.5])
    """

    betas: Sequence[ArrayLike] = (0.9, 0.999)
    eps: ArrayLike = 1e-8
    _State = AdamState

    def __post_init__(self):
        super().__post_init__()
        self._check_pair(share, "betas")
        self._check(nonnegative, "eps")

    def _start(self, params):
        return AdamState(0, np.zeros_like(params), np.zeros_like(params))

    def _update(self, grads, state, params):
        beta1, beta2 = self.betas
        average = moving_average(beta1, state.average, grads)
        square_average = moving_average(beta2, state.square_average, grads * grads)
        state = AdamState(state.steps + 1, average, square_average)
        return self._rates(self.lr, state) * average, state

    def effective_lr(self, state: AdamState) -> np.ndarray:
        """Return the factors on the average m in the step that led to `state`.

        They are η / (1 - β₁ᵗ) / (√(s / (1 - β₂ᵗ)) + ε), one per coordinate. They multiply m and
        not the gradient.
        """
        return self._rates(self._lr_at(state), state)

    def _rates(self, lr, state):
        # Multiplied by √(1 - β₂ᵗ) above and below, so that s need not be divided by 1 - β₂ᵗ, which
        # would be one more pass over the coordinates. np.power, as Python's ** could round a number
        # differently from an array of a sweep.
        first, second = (1 - np.power(beta, float(state.steps)) for beta in self.betas)
        root = np.sqrt(second)
        return adaptive_rates(lr * (root / first), state.square_average, self.eps * root)
