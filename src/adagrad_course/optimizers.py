"""Optimizers as pure functions: a state goes in with the gradient, a new state comes out.

Every optimizer has three methods::

    state = optimizer.init(params)
    params, state = optimizer.step(params, grads, state)
    rates = optimizer.effective_lr(state)

All updates are element-wise, so a sweep over learning rates is a batch dimension and not a loop:
`SGD(lr=lrs[:, None])` trains parameters of shape `(n_lrs, d)`, one row per rate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ._validate import (
    instance,
    number,
    positive,
    real_array,
    same_shape,
    share,
)

__all__ = [
    "SGD",
    "AdaGrad",
    "AdaGradNorm",
    "AdaGradState",
    "FullMatrixAdaGrad",
    "FullMatrixAdaGradState",
    "Momentum",
    "MomentumState",
    "SGDState",
]


class SGDState(NamedTuple):
    """What SGD remembers: how many steps it has taken."""

    steps: int


class MomentumState(NamedTuple):
    """What momentum remembers: the steps taken and the velocity, shaped like the parameters."""

    steps: int
    velocity: np.ndarray


class AdaGradState(NamedTuple):
    """What AdaGrad remembers: the steps taken and the sum of squared gradients, G.

    `AdaGradNorm` has one sum for all coordinates, (..., 1).
    """

    steps: int
    accumulator: np.ndarray


class FullMatrixAdaGradState(NamedTuple):
    """What full-matrix AdaGrad remembers: the steps and the sum of outer products, (..., d, d)."""

    steps: int
    outer: np.ndarray


@dataclass(frozen=True, eq=False)
class _Optimizer:
    """What all optimizers share: the checks around what each defines in `_start` and `_change`."""

    _min_dims = 0

    def init(self, params):
        """Return the state before the first step.

        Parameters
        ----------
        params : array_like
            The parameters; the last axis holds the coordinates. Only shape and dtype matter.

        Returns
        -------
        tuple
            What the optimizer remembers: one of this module's named tuples, such as `SGDState`.

        Raises
        ------
        TypeError, ValueError
            If `params` are not finite real numbers, or the optimizer's constants do not broadcast
            to them.
        """
        return self._start(real_array("params", params, min_dims=self._min_dims))

    def step(self, params, grads, state):
        """Return the parameters and the state after one step, in the parameters' dtype.

        Parameters
        ----------
        params, grads : array_like
            The parameters and the gradient at them, of one shape.
        state : tuple
            The state before the step, as from `init` or `step`; it is not changed.

        Returns
        -------
        tuple of (numpy.ndarray, tuple)
            The new parameters, and a state of the type that `init` returns.

        Raises
        ------
        TypeError, ValueError
            If the arrays are not finite real numbers of one shape, `state` is not what `init` or
            `step` returned, or the optimizer's constants do not broadcast to `params`.
        """
        params = real_array("params", params, min_dims=self._min_dims)
        grads = real_array("grads", grads)
        same_shape("grads", grads, "params", params)
        instance("state", state, self._State)
        grads = grads.astype(params.dtype, copy=False)
        change, state = self._change(params, grads, state)
        # Written over the change, to spare a pass through fresh memory.
        change = np.asarray(change)
        return np.subtract(params, change, out=change), state


@dataclass(frozen=True, eq=False)
class _RatedOptimizer(_Optimizer):
    """An optimizer with a learning rate, constant or scheduled."""

    lr: float | np.ndarray | Callable[[int], float | np.ndarray]

    def __post_init__(self):
        if not callable(self.lr):
            positive("lr", self.lr)

    def _lr_at(self, state):
        """Return the learning rate, constant or scheduled, of the step that led to `state`."""
        instance("state", state, self._State)
        if state.steps == 0:
            raise ValueError("state must be one after at least 1 step, got 0 steps")
        if not callable(self.lr):
            return self.lr
        return positive(f"lr({state.steps})", self.lr(state.steps))


def _fitted(name, value, like):
    """Return a constant in the dtype of `like`, refusing one that would broadcast `like`.

    Else NumPy would turn parameters in float32 into float64 for a rate in float64. Python's own
    floats never do that.
    """
    if type(value) is float:
        return value
    value = np.asarray(value, like.dtype)
    axes = zip(value.shape[::-1], like.shape[::-1], strict=False)
    if value.ndim > like.ndim or any(n not in (1, m) for n, m in axes):
        raise ValueError(
            f"{name} must broadcast to the shape of params, {like.shape}, got shape {value.shape}"
        )
    return value


def _remembered(name, value, like):
    """Return an array of the state, in the dtype of `like`, if it has its shape."""
    array = real_array(name, value, finite=False)
    same_shape(name, array, "params", like)
    return array.astype(like.dtype, copy=False)


def _divided(value, root, eps):
    """Return value / root, and 0 where the root, which is at least eps, is 0; `root` is used up."""
    # In float16, 1e-8 is 0.
    least = root.dtype.type(eps) if type(eps) is float else eps.min()
    return np.divide(value, root, out=root, where=True if least > 0 else root > 0)


def _rates(lr, squares, eps, scratch=None):
    """Return lr / (√squares + eps), where 0/0 is 0, in the memory of `scratch` if it is given."""
    lr, eps = _fitted("lr", lr, squares), _fitted("eps", eps, squares)
    root = np.asarray(np.sqrt(squares, out=scratch))
    root += eps
    return _divided(lr, root, eps)


@dataclass(frozen=True, eq=False)
class SGD(_RatedOptimizer):
    r"""(Stochastic) gradient descent: one learning rate for every coordinate.

    .. math:: w_{t+1} = w_t - \eta_t\, g_t

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η > 0. An array must broadcast to the parameters' shape, such as
        `lrs[:, None]` for a sweep. A callable is a schedule: it is given the step's number
        1, 2, 3, … and returns the rate of that step.

    Raises
    ------
    TypeError, ValueError
        If `lr` is not a positive, finite number, an array of them or a callable.

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

    def _start(self, params):
        return SGDState(steps=0)

    def _change(self, params, grads, state):
        state = SGDState(state.steps + 1)
        lr = _fitted("lr", self._lr_at(state), params)
        return lr * grads, state

    def effective_lr(self, state):
        """Return the rate of the step that led to `state`: the same for every coordinate."""
        return self._lr_at(state)


@dataclass(frozen=True, eq=False)
class Momentum(_RatedOptimizer):
    r"""Gradient descent with (heavy-ball) momentum: a decaying sum of gradients is the direction.

    .. math:: v_{t+1} = \mu\, v_t + g_t, \qquad w_{t+1} = w_t - \eta_t\, v_{t+1}

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `SGD`.
    momentum : float or array_like, optional
        The factor μ with 0 ≤ μ < 1 by which the velocity shrinks at each step. Like an array of
        rates, an array of factors must broadcast to the parameters' shape.

    Raises
    ------
    TypeError, ValueError
        If `lr` is not as in `SGD`, or `momentum` is not in [0, 1).

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

    momentum: float | np.ndarray = 0.9
    _State = MomentumState

    def __post_init__(self):
        super().__post_init__()
        share("momentum", self.momentum)

    def _start(self, params):
        return MomentumState(steps=0, velocity=np.zeros_like(params))

    def _change(self, params, grads, state):
        velocity = _remembered("state.velocity", state.velocity, params)
        velocity = _fitted("momentum", self.momentum, params) * velocity + grads
        state = MomentumState(state.steps + 1, velocity)
        lr = _fitted("lr", self._lr_at(state), params)
        return lr * velocity, state

    def effective_lr(self, state):
        """Return the factor on the velocity in the step that led to `state`."""
        return self._lr_at(state)


@dataclass(frozen=True, eq=False)
class AdaGrad(_RatedOptimizer):
    r"""AdaGrad: each coordinate's rate is divided by the root of its summed squared gradients.

    .. math::

        G_t = G_{t-1} + g_t^2, \qquad
        w_{t+1} = w_t - \frac{\eta_t}{\sqrt{G_t} + \varepsilon}\, g_t

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `SGD`. It has the unit of the parameters.
    eps : float or array_like, optional
        The constant ε ≥ 0 added to the root. With ε = 0 a coordinate whose gradient has always
        been zero stays where it is (0/0 is taken as 0).
    initial_accumulator_value : float or array_like, optional
        The value of G₀ ≥ 0. Like the rates, arrays of constants must broadcast to the parameters'
        shape.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a finite number in its range.

    References
    ----------
    Duchi, Hazan and Singer, JMLR 12 (2011), figure 1; defaults and the place of ε are those of
    `torch.optim.Adagrad`.

    Examples
    --------
    The first step has the length of the learning rate, whatever the gradient's size:

    >>> adagrad = AdaGrad(lr=0.5)
    >>> params = np.array([1.0, 1.0])
    >>> params, state = adagrad.step(params, np.array([1000.0, 0.001]), adagrad.init(params))
    >>> params.round(6)
    array([0.5, 0.5])
    """

    eps: float | np.ndarray = 1e-10
    initial_accumulator_value: float | np.ndarray = 0.0
    _State = AdaGradState

    def __post_init__(self):
        super().__post_init__()
        positive("eps", self.eps, zero_allowed=True)
        positive("initial_accumulator_value", self.initial_accumulator_value, zero_allowed=True)

    def _start(self, params):
        start = _fitted("initial_accumulator_value", self.initial_accumulator_value, params)
        return AdaGradState(steps=0, accumulator=np.full_like(params, start))

    def _change(self, params, grads, state):
        accumulator = _remembered("state.accumulator", state.accumulator, params)
        state = AdaGradState(state.steps + 1, accumulator + grads * grads)
        return self.effective_lr(state) * grads, state

    def effective_lr(self, state):
        """Return η / (√G + ε), the rates of the step that led to `state`, one per coordinate."""
        return _rates(self._lr_at(state), state.accumulator, self.eps)


@dataclass(frozen=True, eq=False)
class AdaGradNorm(AdaGrad):
    r"""AdaGrad with one accumulator for all coordinates: SGD whose single rate adapts.

    .. math::

        G_t = G_{t-1} + \|g_t\|_2^2, \qquad
        w_{t+1} = w_t - \frac{\eta_t}{\sqrt{G_t} + \varepsilon}\, g_t

    Parameters
    ----------
    lr, eps, initial_accumulator_value
        As in `AdaGrad`; an array must have a last axis of length 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a finite number in its range.

    References
    ----------
    Streeter and McMahan, Less Regret via Online Conditioning, 2010; Ward, Wu and Bottou, AdaGrad
    Stepsizes, ICML 2019.

    Examples
    --------
    The first step has the length of the learning rate and the direction of the gradient:

    >>> norm = AdaGradNorm(lr=0.5)
    >>> params = np.array([1.0, 1.0])
    >>> params, state = norm.step(params, np.array([3.0, 4.0]), norm.init(params))
    >>> params.round(6), state.accumulator
    (array([0.7, 0.6]), array([25.]))
    """

    _min_dims = 1

    def _start(self, params):
        return super()._start(params[..., :1])

    def _change(self, params, grads, state):
        accumulator = _remembered("state.accumulator", state.accumulator, params[..., :1])
        squared_norm = np.square(grads).sum(axis=-1, keepdims=True)
        state = AdaGradState(state.steps + 1, accumulator + squared_norm)
        return self.effective_lr(state) * grads, state


@dataclass(frozen=True, eq=False)
class FullMatrixAdaGrad(_RatedOptimizer):
    r"""AdaGrad with a matrix in place of one accumulator per coordinate.

    .. math::

        G_t = G_{t-1} + g_t g_t^\top, \qquad
        w_{t+1} = w_t - \eta_t\, \bigl(G_t^{1/2} + \varepsilon I\bigr)^{-1} g_t

    It sees the gradients' directions, not only their coordinates, at a cost of d² numbers and of
    d³ operations a step. A direction in which there never was a gradient (an eigenvalue of G that
    is zero to machine precision) is left alone.

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `SGD`; an array must have a last axis of length 1.
    eps : float, optional
        The constant ε ≥ 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a finite number in its range.

    References
    ----------
    Duchi, Hazan and Singer, JMLR 12 (2011), figure 2.

    Examples
    --------
    Where gradients keep to the coordinate axes it is AdaGrad:

    >>> full, params = FullMatrixAdaGrad(lr=0.5), np.array([1.0, 1.0])
    >>> params, state = full.step(params, np.array([4.0, 0.0]), full.init(params))
    >>> params, state = full.step(params, np.array([0.0, 9.0]), state)
    >>> params.round(6)
    array([0.5, 0.5])
    """

    eps: float = 1e-10
    _State = FullMatrixAdaGradState
    _min_dims = 1

    def __post_init__(self):
        super().__post_init__()
        positive("eps", number("eps", self.eps), zero_allowed=True)

    def _start(self, params):
        shape = (*params.shape, params.shape[-1])
        return FullMatrixAdaGradState(steps=0, outer=np.zeros(shape, params.dtype))

    def _change(self, params, grads, state):
        product = grads[..., :, None] * grads[..., None, :]
        outer = _remembered("state.outer", state.outer, product) + product
        state = FullMatrixAdaGradState(state.steps + 1, outer)
        lr = _fitted("lr", self._lr_at(state), params[..., :1])
        scaled = (self._inverse_root(outer) * grads[..., None, :]).sum(axis=-1)
        return lr * scaled, state

    def effective_lr(self, state):
        """Return η times the diagonal of (G^½ + εI)⁻¹: how a coordinate's gradient moves itself."""
        lr = self._lr_at(state)
        diagonal = np.diagonal(self._inverse_root(state.outer), axis1=-2, axis2=-1)
        return _fitted("lr", lr, diagonal[..., :1]) * diagonal

    def _inverse_root(self, outer):
        # A matrix that overflowed moves nothing, as in AdaGrad; eigh may fail on it. LAPACK knows
        # neither float16 nor longdouble.
        finite = np.isfinite(outer).all(axis=(-2, -1), keepdims=True)
        values, vectors = np.linalg.eigh(np.where(finite, outer, 0).astype(np.float64))
        smallest = values[..., -1:] * values.shape[-1] * np.finfo(outer.dtype).eps
        seen = values > smallest
        root = np.sqrt(values, where=seen, out=np.ones_like(values)) + self.eps
        inverse = np.where(seen, 1 / root, 0)[..., None, :]
        return (vectors * inverse @ np.swapaxes(vectors, -1, -2)).astype(outer.dtype)
