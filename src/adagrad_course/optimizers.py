"""Optimizers as pure functions: a state goes in with the gradient, a new state comes out.

Every optimizer has four methods::

    state = optimizer.init(params)
    change, state = optimizer.update(grads, state, params)
    params, state = optimizer.step(params, grads, state)  # params - change
    rates = optimizer.effective_lr(state)

A subclass that overrides `update` is another optimizer, wherever one is taken.
`effective_lr` only says what an update did.

No update looks beyond the last axis, so a sweep over learning rates is a batch dimension, no loop:
`SGD(lr=lrs[:, None])` trains parameters of shape `(n_lrs, d)`, one row per rate. `SM3` is for
matrices and looks at the last two axes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from ._validate import (
    has_methods,
    instance,
    number,
    pair,
    positive,
    positive_int,
    real_array,
    same_shape,
    share,
)

__all__ = [
    "SGD",
    "SM3",
    "AdaDelta",
    "AdaDeltaState",
    "AdaGrad",
    "AdaGradNorm",
    "AdaGradState",
    "Adam",
    "AdamState",
    "FullMatrixAdaGrad",
    "FullMatrixAdaGradState",
    "Grafted",
    "GraftedState",
    "Momentum",
    "MomentumState",
    "RMSProp",
    "RMSPropState",
    "RestartedAdaGrad",
    "SGDState",
    "SM3State",
    "WindowedAdaGrad",
    "WindowedAdaGradState",
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


class SM3State(NamedTuple):
    """What SM3 remembers: the steps and the largest ν of each row and of each column.

    They have the shapes (..., m, 1) and (..., 1, n).
    """

    steps: int
    rows: np.ndarray
    columns: np.ndarray


class WindowedAdaGradState(NamedTuple):
    """What windowed AdaGrad remembers: the steps and the last squared gradients, (window, ...).

    The oldest come first; before there were enough steps, the first ones are zero.
    """

    steps: int
    squares: np.ndarray


class RMSPropState(NamedTuple):
    """What RMSProp remembers: the steps and the leaky average of squared gradients, s."""

    steps: int
    square_average: np.ndarray


class AdaDeltaState(NamedTuple):
    """What AdaDelta remembers: the steps and the leaky averages of squared gradients and updates.

    `ratio`, by which the last step multiplied η g, is kept for `effective_lr`: it cannot be told
    from the averages, and the next step does not need it.
    """

    steps: int
    square_average: np.ndarray
    update_average: np.ndarray
    ratio: np.ndarray


class AdamState(NamedTuple):
    """What Adam remembers: the steps and the leaky averages of gradients, m, and squares, s."""

    steps: int
    average: np.ndarray
    square_average: np.ndarray


class GraftedState(NamedTuple):
    """What a graft remembers: the steps, the last ratio of lengths, (..., 1), and both states."""

    steps: int
    ratio: np.ndarray
    magnitude: tuple
    direction: tuple


_from_zero = partial(positive, zero_allowed=True)


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

    def update(self, grads, state, params):
        """Return what a step takes off the parameters, in their dtype, and the state after it.

        Parameters
        ----------
        grads : array_like
            The gradient, in the parameters' shape.
        state : tuple
            The state before the step, as from `init` or `update`; it is not changed.
        params : array_like
            The parameters at which the gradient was taken.

        Returns
        -------
        tuple of (numpy.ndarray, tuple)
            The change, and a state of the type that `init` returns.

        Raises
        ------
        TypeError, ValueError
            If the arrays are not finite real numbers of one shape, `state` is not what `init` or
            `update` returned, or the optimizer's constants do not broadcast to `params`.
        """
        params = real_array("params", params, min_dims=self._min_dims)
        grads = real_array("grads", grads)
        same_shape("grads", grads, "params", params)
        instance("state", state, self._State)
        change, state = self._change(params, cast_grads(grads, params.dtype), state)
        return np.asarray(change), state

    def step(self, params, grads, state):
        """Return the parameters after one step, `params` less what `update` says, and the state.

        The arguments, the state and the errors are those of `update`, in another order.
        """
        change, state = self.update(grads, state, params)
        params = real_array("params", params, finite=False)
        return np.asarray(params - _remembered("the change", change, params)), state


@dataclass(frozen=True, eq=False)
class _RatedOptimizer(_Optimizer):
    """An optimizer with a learning rate, constant or scheduled."""

    lr: float | np.ndarray | Callable[[int], float | np.ndarray]

    def __post_init__(self):
        if not callable(self.lr):
            self._check(_from_zero, "lr")

    def _check(self, check, *names):
        """Check constants, and keep copies of those that are arrays: the caller's might change."""
        for name in names:
            if (value := check(name, getattr(self, name))).ndim:
                object.__setattr__(self, name, value.copy())

    def _lr_at(self, state):
        """Return the learning rate, constant or scheduled, of the step that led to `state`."""
        instance("state", state, self._State)
        if state.steps == 0:
            raise ValueError("state must be one after at least 1 step, got 0 steps")
        if not callable(self.lr):
            return self.lr
        return positive(f"lr({state.steps})", self.lr(state.steps), zero_allowed=True)


def cast_grads(grads, dtype):
    """Return finite gradients in the dtype of the parameters, or raise if one is too large for it.

    Examples
    --------
    >>> cast_grads(np.array([1e39]), np.dtype("float32"))
    Traceback (most recent call last):
    ...
    ValueError: grads, in float32 as params, must be finite, got inf at index 0
    """
    if grads.dtype == dtype:
        return grads
    with np.errstate(over="ignore"):
        cast = grads.astype(dtype)
    return real_array(f"grads, in {dtype} as params,", cast, empty_allowed=True)


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


def _remembered(name, value, like, what="params"):
    """Return an array of the state, in the dtype of `like`, if it has its shape."""
    array = real_array(name, value, finite=False)
    same_shape(name, array, what, like)
    return array.astype(like.dtype, copy=False)


def _leaky(name, kept, average, values, scratch):
    """Return kept · average + (1 - kept) · values.

    Fresh memory costs more than arithmetic, so `scratch`, which may be `values`, is written over.
    """
    np.multiply(_fitted(name, np.subtract(1, kept), average), values, out=scratch)
    average = np.asarray(_fitted(name, kept, average) * average)
    average += scratch
    return average


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
        The learning rate η ≥ 0. An array must broadcast to the parameters' shape, such as
        `lrs[:, None]` for a sweep. A callable is a schedule: it is given the step's number
        1, 2, 3, … and returns the rate of that step.

    Raises
    ------
    TypeError, ValueError
        If `lr` is not a finite number from zero on, an array of them or a callable.

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
        self._check(share, "momentum")

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
    >>> params, grads = np.array([1.0, 1.0]), np.array([1000.0, 0.001])
    >>> params, state = adagrad.step(params, grads, adagrad.init(params))
    >>> params.round(6)
    array([0.5, 0.5])
    """

    eps: float | np.ndarray = 1e-10
    initial_accumulator_value: float | np.ndarray = 0.0
    _State = AdaGradState

    def __post_init__(self):
        super().__post_init__()
        self._check(_from_zero, "eps", "initial_accumulator_value")

    def _start(self, params):
        start = _fitted("initial_accumulator_value", self.initial_accumulator_value, params)
        return AdaGradState(steps=0, accumulator=np.full_like(params, start))

    def _change(self, params, grads, state):
        accumulator = _remembered("state.accumulator", state.accumulator, params)
        accumulator = accumulator + grads * grads
        state = AdaGradState(state.steps + 1, accumulator)
        return _rates(self._lr_at(state), accumulator, self.eps) * grads, state

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
        accumulator = accumulator + squared_norm
        state = AdaGradState(state.steps + 1, accumulator)
        return _rates(self._lr_at(state), accumulator, self.eps) * grads, state


@dataclass(frozen=True, eq=False)
class FullMatrixAdaGrad(_RatedOptimizer):
    r"""AdaGrad with a matrix in place of one accumulator per coordinate.

    .. math::

        G_t = G_{t-1} + g_t g_t^\top, \qquad
        w_{t+1} = w_t - \eta_t\, \bigl(G_t^{1/2} + \varepsilon I\bigr)^{-1} g_t

    It sees the gradients' directions, not only their coordinates, at a cost of d² numbers and of
    d³ operations a step. A direction in which there never was a gradient (an eigenvalue of G that
    is zero but for the rounding errors of G's entries) is left alone.

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
        matrix = np.where(finite, outer, 0).astype(np.float64)
        vectors = np.linalg.eigh(matrix).eigenvectors
        # eigh's own eigenvalues have the error of the largest one, which would hide a direction
        # whose gradients were small. vᵀGv has that of the entries of G which count in it.
        values = (vectors * (matrix @ vectors)).sum(axis=-2)
        sizes = np.abs(vectors)
        errors = (sizes * (np.abs(matrix) @ sizes)).sum(axis=-2)
        seen = values > errors * values.shape[-1] * np.finfo(outer.dtype).eps
        root = np.sqrt(values, where=seen, out=np.ones_like(values)) + self.eps
        inverse = np.where(seen, 1 / root, 0)[..., None, :]
        return (vectors * inverse @ np.swapaxes(vectors, -1, -2)).astype(outer.dtype)


@dataclass(frozen=True, eq=False)
class SM3(_RatedOptimizer):
    r"""SM3: AdaGrad for matrices that remembers a number for each row and one for each column.

    .. math::

        \begin{aligned}
        \nu_{t,ij} &= \min(r_{t-1,i},\, c_{t-1,j}) + g_{t,ij}^2, \\
        r_{t,i} &= \max_j \nu_{t,ij}, \qquad c_{t,j} = \max_i \nu_{t,ij}, \\
        w_{t+1,ij} &= w_{t,ij} - \frac{\eta_t}{\sqrt{\nu_{t,ij}} + \varepsilon}\, g_{t,ij}
        \end{aligned}

    It remembers m + n numbers of a matrix with m rows and n columns, AdaGrad m·n. What takes the
    place of AdaGrad's G is at least as large: :math:`\nu_t \ge G_t`, in every entry. So no step is
    longer than AdaGrad's at the same gradients and rate.

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `AdaGrad`. The parameters' last two axes are the matrix; an array
        of rates for a sweep is `lrs[:, None, None]`.
    eps : float or array_like, optional
        The constant ε ≥ 0 added to the root, as in `AdaGrad`. SM3 was published without one.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a finite number in its range.

    References
    ----------
    Anil, Gupta, Koren and Singer, Memory-Efficient Adaptive Optimization, NeurIPS 2019: there
    SM3-II, with the rows and the columns of a matrix as the cover.

    Examples
    --------
    AdaGrad's G would now be 1, 4, 4 and 0. What rows and columns know of it is an upper bound:

    >>> sm3, params = SM3(lr=0.1), np.zeros((2, 2))
    >>> grads = np.array([[1.0, 2.0], [2.0, 0.0]])
    >>> _, state = sm3.step(params, grads, sm3.init(params))
    >>> state.rows.T, state.columns
    (array([[4., 4.]]), array([[4., 4.]]))
    >>> np.minimum(state.rows, state.columns)
    array([[4., 4.],
           [4., 4.]])
    """

    eps: float | np.ndarray = 1e-10
    _State = SM3State
    _min_dims = 2

    def __post_init__(self):
        super().__post_init__()
        self._check(_from_zero, "eps")

    def _start(self, params):
        return SM3State(0, np.zeros_like(params[..., :1]), np.zeros_like(params[..., :1, :]))

    def _change(self, params, grads, state):
        rows = _remembered("state.rows", state.rows, params[..., :1], "a column of params")
        columns = _remembered("state.columns", state.columns, params[..., :1, :], "a row of params")
        bound = np.minimum(rows, columns)
        bound += grads * grads
        rows, columns = bound.max(axis=-1, keepdims=True), bound.max(axis=-2, keepdims=True)
        state = SM3State(state.steps + 1, rows, columns)
        rates = _rates(self._lr_at(state), bound, self.eps, bound)
        return np.multiply(rates, grads, out=rates), state

    def effective_lr(self, state):
        """Return η / (√min(r, c) + ε), one rate for each entry of the matrix.

        The rates of the step that led to `state` were at least these. They cannot be told from it:
        ν is not remembered.
        """
        return _rates(self._lr_at(state), np.minimum(state.rows, state.columns), self.eps)


@dataclass(frozen=True, eq=False)
class RestartedAdaGrad(_RatedOptimizer):
    r"""AdaGrad that forgets everything at regular intervals.

    .. math::

        \begin{aligned}
        G_t &= \begin{cases} G_0 + g_t^2 & \text{if } t - 1 \text{ is a multiple of the interval} \\
        G_{t-1} + g_t^2 & \text{otherwise} \end{cases}, \\
        w_{t+1} &= w_t - \frac{\eta_t}{\sqrt{G_t} + \varepsilon}\, g_t
        \end{aligned}

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `AdaGrad`. A schedule is not restarted: it is given the number
        of the step since the beginning.
    every : int
        The interval, at least 1: the accumulator is G₀ again before the steps `every` + 1,
        2·`every` + 1, …
    eps, initial_accumulator_value : float or array_like, optional
        The constants ε and G₀, as in `AdaGrad`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a finite number in its range.

    References
    ----------
    Chen, Xu, Chen and Yang, SADAGRAD, ICML 2018, where the intervals adapt to the progress.

    Examples
    --------
    While the gradient is constant the steps shrink as 1/√t; the restart makes them long again:

    >>> restarted = RestartedAdaGrad(lr=1.0, every=3)
    >>> params, state = np.zeros(1), restarted.init(np.zeros(1))
    >>> for _ in range(5):
    ...     params, state = restarted.step(params, np.array([2.0]), state)
    ...     print(restarted.effective_lr(state) * 2.0)
    [1.]
    [0.70710678]
    [0.57735027]
    [1.]
    [0.70710678]
    """

    every: int
    eps: float | np.ndarray = 1e-10
    initial_accumulator_value: float | np.ndarray = 0.0
    _State = AdaGradState

    def __post_init__(self):
        super().__post_init__()
        # As an int: a small type of NumPy would not divide a large number of steps.
        object.__setattr__(self, "every", positive_int("every", self.every))
        self._check(_from_zero, "eps", "initial_accumulator_value")

    _start = AdaGrad._start

    def _change(self, params, grads, state):
        if state.steps and state.steps % self.every == 0:
            state = self._start(params)._replace(steps=state.steps)
        return AdaGrad._change(self, params, grads, state)

    effective_lr = AdaGrad.effective_lr


@dataclass(frozen=True, eq=False)
class WindowedAdaGrad(_RatedOptimizer):
    r"""AdaGrad that sums the last few squared gradients only.

    .. math::

        G_t = \sum_{\tau = \max(1,\, t - k + 1)}^{t} g_\tau^2, \qquad
        w_{t+1} = w_t - \frac{\eta_t}{\sqrt{G_t} + \varepsilon}\, g_t

    The sum is taken anew at each step. Adding the newest square and taking off the oldest would
    be faster, but the rounding error of one large gradient would stay in the sum for ever.

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `AdaGrad`.
    window : int
        The number k of squared gradients in the sum, at least 1. All of them have to be
        remembered: k times the memory of AdaGrad.
    eps : float or array_like, optional
        The constant ε ≥ 0 added to the root, as in `AdaGrad`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a finite number in its range.

    References
    ----------
    Zeiler, ADADELTA, arXiv:1212.5701, section 3.1, which replaces it by a leaky average because
    of the memory.

    Examples
    --------
    With a window of 1 only the gradient's sign counts; with 2 a large one holds up the next step:

    >>> for window in (1, 2):
    ...     windowed, params = WindowedAdaGrad(lr=1.0, window=window), np.zeros(1)
    ...     state = windowed.init(params)
    ...     for g in (100.0, -1.0, -1.0):
    ...         params, state = windowed.step(params, np.array([g]), state)
    ...     print(params.round(4), state.squares.ravel())
    [1.] [1.]
    [-0.2829] [1. 1.]
    """

    window: int
    eps: float | np.ndarray = 1e-10
    _State = WindowedAdaGradState

    def __post_init__(self):
        super().__post_init__()
        positive_int("window", self.window)
        self._check(_from_zero, "eps")

    def _start(self, params):
        squares = np.zeros((self.window, *params.shape), params.dtype)
        return WindowedAdaGradState(steps=0, squares=squares)

    def _change(self, params, grads, state):
        like = np.broadcast_to(params, (self.window, *params.shape))
        squares = _remembered("state.squares", state.squares, like, "a window of params")
        squares = np.concatenate([squares[1:], (grads * grads)[None]])
        state = WindowedAdaGradState(state.steps + 1, squares)
        return self._rates_of(state) * grads, state

    def effective_lr(self, state):
        """Return η / (√G + ε), the rates of the step that led to `state`, one per coordinate."""
        return self._rates_of(state)

    def _rates_of(self, state):
        lr = self._lr_at(state)
        # One by one: NumPy's sum would round differently for a run alone and in a batch.
        summed = np.array(state.squares[0])
        for squares in state.squares[1:]:
            summed += squares
        return _rates(lr, summed, self.eps)


@dataclass(frozen=True, eq=False)
class RMSProp(_RatedOptimizer):
    r"""RMSProp: AdaGrad with a leaky average of squared gradients in place of their sum.

    .. math::

        s_t = \rho\, s_{t-1} + (1 - \rho)\, g_t^2, \qquad
        w_{t+1} = w_t - \frac{\eta_t}{\sqrt{s_t} + \varepsilon}\, g_t

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `AdaGrad`.
    rho : float or array_like, optional
        The share ρ of the average, 0 ≤ ρ < 1, that is kept at each step: it remembers about
        1/(1 - ρ) of them. An array must broadcast to the parameters' shape.
    eps : float or array_like, optional
        The constant ε ≥ 0 added to the root, as in `AdaGrad`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a finite number in its range.

    References
    ----------
    Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012; defaults and the
    place of ε are those of `torch.optim.RMSprop`, whose `alpha` is ρ.

    Examples
    --------
    The average starts at zero, too low, which makes the first steps η/√(1 - ρ) long. After that,
    unlike AdaGrad's, they do not shrink:

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

    rho: float | np.ndarray = 0.99
    eps: float | np.ndarray = 1e-8
    _State = RMSPropState

    def __post_init__(self):
        super().__post_init__()
        self._check(share, "rho")
        self._check(_from_zero, "eps")

    def _start(self, params):
        return RMSPropState(steps=0, square_average=np.zeros_like(params))

    def _change(self, params, grads, state):
        average = _remembered("state.square_average", state.square_average, params)
        scratch = np.asarray(grads * grads)
        average = _leaky("rho", self.rho, average, scratch, scratch)
        state = RMSPropState(state.steps + 1, average)
        rates = _rates(self._lr_at(state), average, self.eps, scratch)
        return np.multiply(rates, grads, out=rates), state

    def effective_lr(self, state):
        """Return η / (√s + ε), the rates of the step that led to `state`, one per coordinate."""
        return _rates(self._lr_at(state), state.square_average, self.eps)


@dataclass(frozen=True, eq=False)
class AdaDelta(_RatedOptimizer):
    r"""AdaDelta: RMSProp whose learning rate is the typical size of its own last updates.

    .. math::

        \begin{aligned}
        s_t &= \rho\, s_{t-1} + (1 - \rho)\, g_t^2, \\
        \delta_t &= \frac{\sqrt{u_{t-1} + \varepsilon}}{\sqrt{s_t + \varepsilon}}\, g_t, \\
        u_t &= \rho\, u_{t-1} + (1 - \rho)\, \delta_t^2, \\
        w_{t+1} &= w_t - \eta_t\, \delta_t
        \end{aligned}

    Parameters
    ----------
    lr : float or array_like or callable, optional
        A factor η on the updates; it has no unit. The method was published without one, which is
        η = 1.
    rho : float or array_like, optional
        The share ρ of both averages, 0 ≤ ρ < 1, that is kept at each step, as in `RMSProp`.
    eps : float or array_like, optional
        The constant ε ≥ 0, inside both roots. It sets the length of the first steps: with ε = 0
        there would never be one.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a finite number in its range.

    References
    ----------
    Zeiler, ADADELTA, arXiv:1212.5701, algorithm 1; defaults and η are those of
    `torch.optim.Adadelta`.

    Examples
    --------
    Without a rate to be tuned, the first step is √(ε/(1 - ρ)) long, however far there is to go:

    >>> adadelta = AdaDelta()
    >>> params, grads = np.array([0.0, 0.0]), np.array([1000.0, -1.0])
    >>> params, state = adadelta.step(params, grads, adadelta.init(params))
    >>> params.round(6)
    array([-0.003162,  0.003162])
    """

    lr: float | np.ndarray | Callable[[int], float | np.ndarray] = 1.0
    rho: float | np.ndarray = 0.9
    eps: float | np.ndarray = 1e-6
    _State = AdaDeltaState

    def __post_init__(self):
        super().__post_init__()
        self._check(share, "rho")
        self._check(_from_zero, "eps")

    def _start(self, params):
        return AdaDeltaState(0, *(np.zeros_like(params) for _ in AdaDeltaState._fields[1:]))

    def _change(self, params, grads, state):
        square_average = _remembered("state.square_average", state.square_average, params)
        update_average = _remembered("state.update_average", state.update_average, params)
        eps = _fitted("eps", self.eps, params)
        scratch = np.asarray(grads * grads)
        square_average = _leaky("rho", self.rho, square_average, scratch, scratch)
        ratio = np.asarray(square_average + eps)
        np.sqrt(ratio, out=ratio)
        np.sqrt(np.add(update_average, eps, out=scratch), out=scratch)
        ratio = _divided(scratch, ratio, eps)
        change = np.multiply(ratio, grads, out=scratch)
        squares = np.asarray(change * change)
        update_average = _leaky("rho", self.rho, update_average, squares, squares)
        state = AdaDeltaState(state.steps + 1, square_average, update_average, ratio)
        change *= _fitted("lr", self._lr_at(state), params)
        return change, state

    def effective_lr(self, state):
        """Return η √(u + ε) / √(s + ε), the rates of the step that led to `state`.

        There is one per coordinate. u is the average before that step, s the one after it.
        """
        return _fitted("lr", self._lr_at(state), state.ratio) * state.ratio


@dataclass(frozen=True, eq=False)
class Adam(_RatedOptimizer):
    r"""Adam: RMSProp with momentum, both averages corrected for having started at zero.

    .. math::

        \begin{aligned}
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, \\
        s_t &= \beta_2 s_{t-1} + (1 - \beta_2)\, g_t^2, \\
        w_{t+1} &= w_t - \eta_t\,
        \frac{m_t / (1 - \beta_1^t)}{\sqrt{s_t / (1 - \beta_2^t)} + \varepsilon}
        \end{aligned}

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `AdaGrad`.
    betas : pair of float or array_like, optional
        The shares β₁ and β₂, from 0 up to but not including 1, of the averages that are kept at
        each step. Arrays must broadcast to the parameters' shape.
    eps : float or array_like, optional
        The constant ε ≥ 0 added to the root, as in `AdaGrad`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a finite number in its range, or `betas` not a pair.

    References
    ----------
    Kingma and Ba, Adam, ICLR 2015, algorithm 1, whose v is s here; defaults and the place of ε are
    those of `torch.optim.Adam`.

    Examples
    --------
    Thanks to the correction the first step is η long, as AdaGrad's, and not RMSProp's η/√(1 - β₂):

    >>> adam = Adam(lr=0.5)
    >>> params, grads = np.array([1.0, 1.0]), np.array([1000.0, 0.001])
    >>> params, state = adam.step(params, grads, adam.init(params))
    >>> params.round(4)
    array([0.5, 0.5])
    """

    betas: tuple[float | np.ndarray, float | np.ndarray] = (0.9, 0.999)
    eps: float | np.ndarray = 1e-8
    _State = AdamState

    def __post_init__(self):
        super().__post_init__()
        betas = (share(f"betas[{i}]", b) for i, b in enumerate(pair("betas", self.betas)))
        object.__setattr__(self, "betas", tuple(b.copy() if b.ndim else float(b) for b in betas))
        self._check(_from_zero, "eps")

    def _start(self, params):
        return AdamState(0, np.zeros_like(params), np.zeros_like(params))

    def _change(self, params, grads, state):
        average = _remembered("state.average", state.average, params)
        square_average = _remembered("state.square_average", state.square_average, params)
        scratch = np.empty_like(params)
        average = _leaky("betas[0]", self.betas[0], average, grads, scratch)
        squares = np.multiply(grads, grads, out=scratch)
        square_average = _leaky("betas[1]", self.betas[1], square_average, squares, scratch)
        state = AdamState(state.steps + 1, average, square_average)
        factors = self._factors(state, scratch)
        return np.multiply(factors, average, out=factors), state

    def effective_lr(self, state):
        """Return the factors on the average m in the step that led to `state`.

        They are η / (1 - β₁ᵗ) / (√(s / (1 - β₂ᵗ)) + ε), one per coordinate. As with `Momentum`,
        the gradient itself is not what they multiply.
        """
        return self._factors(state)

    def _factors(self, state, scratch=None):
        # Both fractions are multiplied by √(1 - β₂ᵗ), which spares a pass over the coordinates.
        # np.power for numbers, too: Python's own could round differently from that of an array.
        lr, squares = self._lr_at(state), state.square_average
        betas = (np.asarray(beta, np.float64) for beta in self.betas)
        first, second = (1 - np.power(beta, state.steps) for beta in betas)
        root = np.sqrt(second)
        lr = _fitted("lr", lr, squares) * _fitted("betas", root / first, squares)
        eps = _fitted("eps", self.eps, squares) * _fitted("betas", root, squares)
        return _rates(lr, squares, eps, scratch)


@dataclass(frozen=True, eq=False)
class Grafted(_Optimizer):
    r"""Steps as long as one optimizer's, in the direction of another's.

    .. math:: w_{t+1} = w_t - \frac{\|m_t\|_2}{\|d_t\|_2}\, d_t

    where :math:`m_t` and :math:`d_t` are the changes that the two optimizers would make. Both see
    every point that is visited and its gradient, and each keeps its own state. It tells which part
    of an optimizer matters: its direction, or the implied schedule of step lengths.

    Parameters
    ----------
    magnitude : object
        The optimizer that sets the length: one of this module, or an object with methods `init`
        and `step` like theirs.
    direction : object
        The optimizer that sets the direction, which needs a method `effective_lr`, too. The size
        of its learning rate makes no difference.

    Raises
    ------
    TypeError
        If one of them lacks a method.

    References
    ----------
    Agarwal, Anil, Hazan, Koren and Zhang, Disentangling Adaptive Gradient Methods from Learning
    Rates, arXiv:2002.11803.

    Examples
    --------
    The gradient is 5 long. SGD goes along it; AdaGrad's first step has equal coordinates:

    >>> grafted = Grafted(SGD(lr=0.1), AdaGrad(lr=1.0))
    >>> params, grads = np.zeros(2), np.array([3.0, 4.0])
    >>> params, state = grafted.step(params, grads, grafted.init(params))
    >>> params.round(4), float(np.linalg.norm(params).round(4))
    (array([-0.3536, -0.3536]), 0.5)
    """

    magnitude: object
    direction: object
    _State = GraftedState
    _min_dims = 1

    def __post_init__(self):
        has_methods("magnitude", self.magnitude, "init", "step")
        has_methods("direction", self.direction, "init", "step", "effective_lr")

    @property
    def lr(self):
        """The learning rate of `magnitude`."""
        return self.magnitude.lr

    def _start(self, params):
        ratio = np.zeros_like(params[..., :1])
        return GraftedState(0, ratio, self.magnitude.init(params), self.direction.init(params))

    def _change(self, params, grads, state):
        inputs = (params, grads)
        long, magnitude = change_of("magnitude", self.magnitude, *inputs, state.magnitude)
        change, direction = change_of("direction", self.direction, *inputs, state.direction)
        ratio = _divided(lengths(long), lengths(change), 0.0)
        change *= ratio
        return change, GraftedState(state.steps + 1, ratio, magnitude, direction)

    def effective_lr(self, state):
        """Return the direction's effective rates, times the ratio of lengths in that step.

        Like the direction's own, they are the factors on the gradient, or on the momentum in its
        place. Where the direction did not move, they are 0.
        """
        instance("state", state, GraftedState)
        rates = self.direction.effective_lr(state.direction)
        return state.ratio * np.asarray(rates, state.ratio.dtype)


def change_of(name, optimizer, params, grads, state):
    """Return what the optimizer takes off the parameters, in fresh memory, and its new state."""
    # The difference of the points, if these are large, would have lost the digits of the step.
    if getattr(type(optimizer), "step", None) is _Optimizer.step:
        if type(optimizer).update is _Optimizer.update:
            instance(f"state.{name}", state, optimizer._State)
            return optimizer._change(params, grads, state)
        change, state = optimizer.update(grads, state, params)
        return np.array(_remembered(f"{name}.update's change", change, params)), state
    stepped, state = optimizer.step(params, grads, state)
    return params - _remembered(f"{name}.step's params", stepped, params), state


def lengths(vectors):
    """Return the Euclidean lengths along the last axis, which is kept; no square overflows."""
    largest = np.abs(vectors).max(axis=-1, keepdims=True)
    scaled = np.divide(vectors, largest, out=np.zeros_like(vectors), where=largest > 0)
    return largest * np.sqrt(np.square(scaled).sum(axis=-1, keepdims=True))
