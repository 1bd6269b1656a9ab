"""AdaGrad with another memory: one number, a matrix, rows and columns, a window, restarts."""

import functools
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._validate import number, positive_int
from ._base import LearningRateOptimizer, nonnegative
from .core import AdaGrad, AdaGradState, adaptive_rates, scaled


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
    _skips_zero_gradients = False

    def _start(self, params):
        return super()._start(params[..., :1])

    def _update(self, grads, state, params):
        accumulator = state.accumulator + np.square(grads).sum(axis=-1, keepdims=True)
        change = adaptive_rates(self.lr, accumulator, self.eps) * grads
        return change, AdaGradState(state.steps + 1, accumulator)

    def _shapes(self, shape):
        return {"accumulator": (*shape[:-1], 1)}

    def _constants_shape(self, shape):
        return (*shape[:-1], 1)


class FullMatrixAdaGradState(NamedTuple):
    """What full-matrix AdaGrad remembers: the steps and the sum of outer products, (..., d, d)."""

    steps: int
    outer: np.ndarray


@dataclass(frozen=True, eq=False)
class FullMatrixAdaGrad(LearningRateOptimizer):
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
        nonnegative("eps", number("eps", self.eps))

    def _start(self, params):
        shape = (*params.shape, params.shape[-1])
        return FullMatrixAdaGradState(steps=0, outer=np.zeros(shape, params.dtype))

    def _update(self, grads, state, params):
        outer = state.outer + grads[..., :, None] * grads[..., None, :]
        turned = (self._inverse_root(outer) * grads[..., None, :]).sum(axis=-1)
        return scaled(self.lr, turned), FullMatrixAdaGradState(state.steps + 1, outer)

    def _shapes(self, shape):
        return {"outer": (*shape, shape[-1])}

    def _constants_shape(self, shape):
        return (*shape[:-1], 1)

    def effective_lr(self, state: FullMatrixAdaGradState) -> np.ndarray:
        """Return η times the diagonal of (G^½ + εI)⁻¹: how a coordinate's gradient moves itself."""
        lr = self._lr_at(state)
        diagonal = np.diagonal(self._inverse_root(state.outer), axis1=-2, axis2=-1)
        return scaled(lr, diagonal)

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


class SM3State(NamedTuple):
    """What SM3 remembers: the steps and the largest ν of each row and of each column.

    They have the shapes (..., m, 1) and (..., 1, n).
    """

    steps: int
    rows: np.ndarray
    columns: np.ndarray


@dataclass(frozen=True, eq=False)
class SM3(LearningRateOptimizer):
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

    eps: ArrayLike = 1e-10
    _State = SM3State
    _min_dims = 2

    def __post_init__(self):
        super().__post_init__()
        self._check(nonnegative, "eps")

    def _start(self, params):
        return SM3State(0, np.zeros_like(params[..., :1]), np.zeros_like(params[..., :1, :]))

    def _update(self, grads, state, params):
        bound = np.minimum(state.rows, state.columns) + grads * grads
        rows, columns = bound.max(axis=-1, keepdims=True), bound.max(axis=-2, keepdims=True)
        change = adaptive_rates(self.lr, bound, self.eps) * grads
        return change, SM3State(state.steps + 1, rows, columns)

    def _shapes(self, shape):
        return {"rows": (*shape[:-1], 1), "columns": (*shape[:-2], 1, shape[-1])}

    def effective_lr(self, state: SM3State) -> np.ndarray:
        """Return η / (√min(r, c) + ε), one rate for each entry of the matrix.

        The rates of the step that led to `state` were at least these. They cannot be told from it:
        ν is not remembered.
        """
        return adaptive_rates(self._lr_at(state), np.minimum(state.rows, state.columns), self.eps)


@dataclass(frozen=True, eq=False)
class RestartedAdaGrad(AdaGrad):
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

    every: int = field(kw_only=True)
    _skips_zero_gradients = False

    def __post_init__(self):
        super().__post_init__()
        # As an int: a small type of NumPy would not divide a large number of steps.
        object.__setattr__(self, "every", positive_int("every", self.every))

    def _update(self, grads, state, params):
        if state.steps and state.steps % self.every == 0:
            state = self._start(params)._replace(steps=state.steps)
        return super()._update(grads, state, params)


class WindowedAdaGradState(NamedTuple):
    """What windowed AdaGrad remembers: the steps and the last squared gradients, (window, ...).

    The oldest come first; before there were enough steps, the first ones are zero.
    """

    steps: int
    squares: np.ndarray


@dataclass(frozen=True, eq=False)
class WindowedAdaGrad(LearningRateOptimizer):
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

    References
    ----------
    Zeiler, ADADELTA, arXiv:1212.5701, section 3.1, which replaces it by a moving average because
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
    eps: ArrayLike = 1e-10
    _State = WindowedAdaGradState

    def __post_init__(self):
        super().__post_init__()
        positive_int("window", self.window)
        self._check(nonnegative, "eps")

    def _start(self, params):
        squares = np.zeros((self.window, *params.shape), params.dtype)
        return WindowedAdaGradState(steps=0, squares=squares)

    def _update(self, grads, state, params):
        squares = np.concatenate([state.squares[1:], (grads * grads)[None]])
        change = adaptive_rates(self.lr, _summed(squares), self.eps) * grads
        return change, WindowedAdaGradState(state.steps + 1, squares)

    def _shapes(self, shape):
        return {"squares": (self.window, *shape)}

    def effective_lr(self, state: WindowedAdaGradState) -> np.ndarray:
        """Return η / (√G + ε), the rates of the step that led to `state`, one per coordinate."""
        return adaptive_rates(self._lr_at(state), _summed(state.squares), self.eps)


def _summed(arrays):
    """Return the sum over the first axis, one array after the other.

    NumPy's own sum would round differently for a run alone and in a batch.
    """
    return functools.reduce(np.add, arrays)
