"""What came of AdaGrad: AdaDelta, AdamW, FTRL-Proximal for linear models, Muon for matrices."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._validate import share
from ._base import LearningRate, LearningRateOptimizer, entrywise, nonnegative
from .core import Adam, adaptive_rates, moving_average, scaled


class AdaDeltaState(NamedTuple):
    """What AdaDelta remembers: the steps, the moving averages of squared gradients and updates."""

    steps: int
    square_average: np.ndarray
    update_average: np.ndarray


@dataclass(frozen=True, eq=False)
class AdaDelta(LearningRateOptimizer):
    r"""AdaDelta: RMSProp whose learning rate is the typical size of its own last updates.

    .. math::

        \begin{aligned}
        \bar G_t &= \rho\, \bar G_{t-1} + (1 - \rho)\, g_t^2, \\
        \Delta_t &= \sqrt{\bar U_{t-1} + \varepsilon}\; g_t \big/ \sqrt{\bar G_t + \varepsilon}, \\
        \bar U_t &= \rho\, \bar U_{t-1} + (1 - \rho)\, \Delta_t^2, \\
        w_{t+1} &= w_t - \eta_t\, \Delta_t
        \end{aligned}

    Parameters
    ----------
    lr : float or array_like or callable, optional
        A factor η on the updates; it has no unit. The method was published without one, which is
        η = 1.
    rho : float or array_like, optional
        The decay rate ρ of both averages, 0 ≤ ρ < 1, as in `RMSProp`.
    eps : float or array_like, optional
        The constant ε ≥ 0, inside both roots. It sets the length of the first steps: with ε = 0
        there would never be one.

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

    lr: LearningRate = 1.0
    rho: ArrayLike = 0.9
    eps: ArrayLike = 1e-6
    _State = AdaDeltaState

    def __post_init__(self):
        super().__post_init__()
        self._check(share, "rho")
        self._check(nonnegative, "eps")

    def _start(self, params):
        return AdaDeltaState(0, np.zeros_like(params), np.zeros_like(params))

    def _update(self, grads, state, params):
        square_average = moving_average(self.rho, state.square_average, grads * grads)
        delta = self._ratio(state.update_average, square_average) * grads
        update_average = moving_average(self.rho, state.update_average, delta * delta)
        state = AdaDeltaState(state.steps + 1, square_average, update_average)
        return scaled(self.lr, delta), state

    def effective_lr(self, state: AdaDeltaState) -> np.ndarray:
        """Return η √(U + ε) / √(G + ε) with both moving averages, one rate for each coordinate.

        U includes the step that led to `state`, which itself used the U before it: that is not
        remembered.
        """
        return scaled(self._lr_at(state), self._ratio(state.update_average, state.square_average))

    def _ratio(self, update_average, square_average):
        dtype = square_average.dtype
        root = np.asarray(np.sqrt(np.add(square_average, self.eps, dtype=dtype)))
        length = np.sqrt(np.add(update_average, self.eps, dtype=dtype))
        return np.divide(length, root, out=root, where=root > 0)


@dataclass(frozen=True, eq=False)
class AdamW(Adam):
    r"""AdamW: Adam whose weight decay does not pass through its averages.

    .. math::

        w_{t+1} = w_t - \eta_t\,
        \frac{m_t / (1 - \beta_1^t)}{\sqrt{\bar G_t / (1 - \beta_2^t)} + \varepsilon}
        - \eta_t \lambda\, w_t

    with Adam's averages of the gradients alone. Decay that is added to the gradient would be
    divided by the root, too: a weight with large gradients would hardly decay.

    Parameters
    ----------
    lr, betas, eps
        As in `Adam`.
    weight_decay : float or array_like, optional
        The share λ ≥ 0; each step takes η λ of a weight off it.

    References
    ----------
    Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019, algorithm 2, whose
    schedule multiplies the rate, too, as in `torch.optim.AdamW`; the default is PyTorch's.

    Examples
    --------
    Both weights lose 1 %, whatever their gradients; Adam's own steps are 0.1 long:

    >>> adamw = AdamW(lr=0.1, weight_decay=0.1)
    >>> params, grads = np.array([1.0, 1.0]), np.array([1000.0, 0.001])
    >>> params, state = adamw.step(params, grads, adamw.init(params))
    >>> params.round(4)
    array([0.89, 0.89])
    """

    weight_decay: ArrayLike = 0.01

    def __post_init__(self):
        super().__post_init__()
        self._check(nonnegative, "weight_decay")

    def _update(self, grads, state, params):
        change, state = super()._update(grads, state, params)
        change += scaled(self.lr, scaled(self.weight_decay, params))
        return change, state


class FTRLProximalState(NamedTuple):
    """What FTRL-Proximal remembers: the steps, AdaGrad's G, and z, which stands for the weights."""

    steps: int
    accumulator: np.ndarray
    z: np.ndarray


@dataclass(frozen=True, eq=False)
class FTRLProximal(LearningRateOptimizer):
    r"""FTRL-Proximal: AdaGrad for linear models whose penalty sets weights to exactly zero.

    .. math::

        \begin{aligned}
        G_t &= G_{t-1} + g_t^2, \qquad
        z_t = z_{t-1} + \eta_t\, g_t - \bigl(\sqrt{G_t} - \sqrt{G_{t-1}}\bigr)\, w_t, \\
        w_{t+1} &= \begin{cases} 0 & \text{if } |z_t| \le \eta_t \lambda_1 \\
        - \dfrac{z_t - \eta_t \lambda_1 \operatorname{sign} z_t}
        {\sqrt{G_t} + \varepsilon + \eta_t \lambda_2} & \text{otherwise} \end{cases}
        \end{aligned}

    This z is η times the published one. The next point minimises the sum of three parts: what is
    linear in all gradients so far, penalties :math:`\lambda_1 \|w\|_1` and
    :math:`\frac{\lambda_2}{2} \|w\|_2^2`, and squared distances from the points before. Without
    penalties it is AdaGrad, step for step, if the start is zero or ε is. A coordinate stays as it
    is while its gradient is zero.

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `AdaGrad`; the paper's α, a constant.
    l1, l2 : float or array_like, optional
        The penalties λ₁ ≥ 0 and λ₂ ≥ 0 on the whole sum of losses, not on each loss.
    eps : float or array_like, optional
        The constant ε ≥ 0, the paper's β, "usually good enough" at 1. It pulls towards zero, where
        the method expects to start. Arrays of constants must broadcast to the parameters' shape.

    References
    ----------
    McMahan et al., Ad Click Prediction: a View from the Trenches, KDD 2013, algorithm 1.

    Examples
    --------
    The second gradient is within the penalty, so its weight stays zero:

    >>> ftrl = FTRLProximal(lr=0.5, l1=1.0, eps=0.0)
    >>> params, grads = np.zeros(2), np.array([4.0, -0.9])
    >>> params, state = ftrl.step(params, grads, ftrl.init(params))
    >>> params
    array([-0.375,  0.   ])
    """

    l1: ArrayLike = 0.0
    l2: ArrayLike = 0.0
    eps: ArrayLike = 1.0
    _State = FTRLProximalState
    _skips_zero_gradients = True

    def __post_init__(self):
        super().__post_init__()
        self._check(nonnegative, "l1", "l2", "eps")

    def _start(self, params):
        return FTRLProximalState(0, np.zeros_like(params), np.zeros_like(params))

    def _update(self, grads, state, params):
        accumulator = state.accumulator + grads * grads
        root = np.asarray(np.sqrt(accumulator))
        z = state.z + scaled(self.lr, grads) - (root - np.sqrt(state.accumulator)) * params
        l1, l2 = (scaled(self.lr, np.asarray(part, root.dtype)) for part in (self.l1, self.l2))
        outside = np.minimum(z + l1, 0) + np.maximum(z - l1, 0)
        pull = np.add(root, self.eps, dtype=root.dtype) + l2
        target = np.divide(-outside, pull, out=np.zeros_like(root), where=pull > 0)
        change = np.where(grads == 0, 0, params - target)
        return change, FTRLProximalState(state.steps + 1, accumulator, z)

    @entrywise("accumulator")
    def effective_lr(self, state: FTRLProximalState) -> np.ndarray:
        """Return η / (√G + ε), one rate per coordinate: those of a step without penalties."""
        return adaptive_rates(self._lr_at(state), state.accumulator, self.eps)


class MuonState(NamedTuple):
    """What Muon remembers: the steps and the moving average of gradients, m."""

    steps: int
    average: np.ndarray


@dataclass(frozen=True, eq=False)
class Muon(LearningRateOptimizer):
    r"""Muon: momentum for matrices, made about equally long in all directions.

    .. math::

        \begin{aligned}
        m_t &= \beta\, m_{t-1} + (1 - \beta)\, g_t, \qquad
        U S V^\top = \beta\, m_t + (1 - \beta)\, g_t, \\
        w_{t+1} &= w_t - \eta_t \sqrt{\max(1, \text{rows} / \text{columns})}\; U \tilde S V^\top
        \end{aligned}

    with a singular value decomposition, whose :math:`\tilde S` has about 1 in place of each
    singular value. It is found without one, by five steps of a Newton-Schulz iteration. No
    sum is left of AdaGrad: it is Shampoo's step, if that remembered the last gradient only.

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, given as in `SGD`. The parameters' last two axes are the matrix; an
        array of rates for a sweep is `lrs[:, None, None]`.
    momentum : float or array_like, optional
        The share β of the average that is kept, 0 ≤ β < 1.

    References
    ----------
    Jordan et al., Muon: An Optimizer for Hidden Layers in Neural Networks, 2024; form and default
    are those of `torch.optim.Muon` without its weight decay and in full precision.

    Examples
    --------
    One direction of this gradient is a hundred times as steep; the step is about as long in both:

    >>> muon, params = Muon(lr=1.0), np.zeros((2, 2))
    >>> gradient = np.diag([100.0, 1.0])
    >>> params, state = muon.step(params, gradient, muon.init(params))
    >>> params.round(1) + 0
    array([[-0.7,  0. ],
           [ 0. , -0.7]])
    """

    momentum: ArrayLike = 0.95
    _State = MuonState
    _min_dims = 2

    def __post_init__(self):
        super().__post_init__()
        self._check(share, "momentum")

    def _start(self, params):
        return MuonState(0, np.zeros_like(params))

    def _update(self, grads, state, params):
        average = moving_average(self.momentum, state.average, grads)
        ahead = moving_average(self.momentum, average, grads)  # Nesterov's momentum
        step = scaled(self._length(self.lr, params.shape), _orthogonal(ahead))
        return step, MuonState(state.steps + 1, average)

    def _constants_shape(self, shape):
        return (*shape[:-2], 1, 1)

    def effective_lr(self, state: MuonState) -> float | np.ndarray:
        """Return η √max(1, rows / columns): about the length of the step in each direction.

        It multiplies the momentum whose singular values are 1, and not the gradient.
        """
        return self._length(self._lr_at(state), state.average.shape)

    def _length(self, lr, shape):
        return np.multiply(lr, np.sqrt(max(1, shape[-2] / shape[-1])))


def _orthogonal(matrices):
    """Return matrices with the same singular vectors, whose singular values are about 1."""
    rows, columns = matrices.shape[-2:]
    if rows > columns:
        return np.swapaxes(_orthogonal(np.swapaxes(matrices, -1, -2)), -1, -2)
    length = np.sqrt(np.square(matrices).sum(axis=(-2, -1), keepdims=True))
    x = matrices / np.maximum(length, 1e-7)
    for _ in range(5):
        gram = x @ np.swapaxes(x, -1, -2)
        # Each singular value s becomes 3.4445 s - 4.775 s³ + 2.0315 s⁵.
        x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
    return x
