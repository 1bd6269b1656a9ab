"""What came of AdaGrad: AdaDelta, and steps grafted from one optimizer on another."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._arrays import norms
from .._protocols import OptimizerLike, OptimizerWithRates
from .._validate import has_methods, instance, share
from ._base import LearningRate, LearningRateOptimizer, Optimizer, change_of, nonnegative
from .core import moving_average, scaled


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


class GraftedState(NamedTuple):
    """What a graft remembers: the steps, the last ratio of lengths, (..., 1), and both states."""

    steps: int
    ratio: np.ndarray
    magnitude: Any
    direction: Any


@dataclass(frozen=True, eq=False)
class Grafted(Optimizer):
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

    >>> from adagrad_course.optimizers import SGD, AdaGrad
    >>> grafted = Grafted(SGD(lr=0.1), AdaGrad(lr=1.0))
    >>> params, grads = np.zeros(2), np.array([3.0, 4.0])
    >>> params, state = grafted.step(params, grads, grafted.init(params))
    >>> params.round(4), float(np.linalg.norm(params).round(4))
    (array([-0.3536, -0.3536]), 0.5)
    """

    magnitude: OptimizerLike
    direction: OptimizerWithRates
    _State = GraftedState
    _min_dims = 1

    def __post_init__(self):
        has_methods("magnitude", self.magnitude, "init", "step")
        has_methods("direction", self.direction, "init", "step", "effective_lr")

    @property
    def lr(self) -> Any:
        """The learning rate of `magnitude`."""
        magnitude: Any = self.magnitude  # a reader's own may have none
        return magnitude.lr

    def _start(self, params):
        ratio = np.zeros_like(params[..., :1])
        return GraftedState(0, ratio, self.magnitude.init(params), self.direction.init(params))

    def _shapes(self, shape):
        return {"ratio": (*shape[:-1], 1)}

    def _update(self, grads, state, params):
        inputs = (params, grads)
        long, magnitude = change_of("magnitude", self.magnitude, *inputs, state.magnitude)
        change, direction = change_of("direction", self.direction, *inputs, state.direction)
        length = norms(change)
        ratio = np.divide(norms(long), length, out=length, where=length > 0)
        return change * ratio, GraftedState(state.steps + 1, ratio, magnitude, direction)

    def effective_lr(self, state: GraftedState) -> np.ndarray:
        """Return the direction's effective rates, times the ratio of lengths in that step.

        Like the direction's own, they are the factors on the gradient, or on the momentum in its
        place. Where the direction did not move, they are 0.
        """
        instance("state", state, GraftedState)
        rates = self.direction.effective_lr(state.direction)
        return state.ratio * np.asarray(rates, state.ratio.dtype)
