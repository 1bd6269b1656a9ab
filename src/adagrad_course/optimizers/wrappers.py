"""Optimizers made of others: steps grafted from one on another, and averages of the points."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._arrays import norms
from .._protocols import OptimizerLike, OptimizerWithRates
from .._validate import has_methods, instance, number
from ._base import Optimizer, change_of, nonnegative
from .core import scaled


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


class AveragedState(NamedTuple):
    """What averaging remembers: the steps, the average of the points and the optimizer's state."""

    steps: int
    average: np.ndarray
    inner: Any


@dataclass(frozen=True, eq=False)
class Averaged(Optimizer):
    r"""An optimizer as it is, and beside it an average of its points, to predict with.

    .. math:: \bar w_t = \bar w_{t-1} + \frac{p + 1}{t + p}\, (w_{t+1} - \bar w_{t-1})

    The point after t steps has a weight that is about proportional to :math:`t^p`: with p = 0 all
    count the same, with a large p the last ones most. Steps and gradients are those of the
    optimizer; the average is in `state.average`.

    Parameters
    ----------
    optimizer : object
        The optimizer that makes the steps: one of this module, or an object with methods `init`,
        `step` and `effective_lr` like theirs.
    power : float, optional
        The power p ≥ 0.

    Raises
    ------
    TypeError
        If the optimizer lacks a method.
    ValueError
        If `power` is not a number from zero on.

    References
    ----------
    Shamir and Zhang, Stochastic Gradient Descent for Non-smooth Optimization, ICML 2013, section 4;
    the default is that of Ivgi, Hinder and Carmon, who use it with `DoG`.

    Examples
    --------
    SGD jumps over the minimum at zero, for ever; the mean of its points comes near:

    >>> from adagrad_course.optimizers import SGD
    >>> averaged, params = Averaged(SGD(lr=2.0), power=0), np.array([1.0])
    >>> state = averaged.init(params)
    >>> for _ in range(5):
    ...     params, state = averaged.step(params, params, state)
    >>> params, state.average
    (array([-1.]), array([-0.2]))
    """

    optimizer: OptimizerWithRates
    power: float = 8.0
    _State = AveragedState

    def __post_init__(self):
        has_methods("optimizer", self.optimizer, "init", "step", "effective_lr")
        nonnegative("power", number("power", self.power))

    @property
    def lr(self) -> Any:
        """The learning rate of the optimizer."""
        optimizer: Any = self.optimizer  # a reader's own may have none
        return optimizer.lr

    def _start(self, params):
        return AveragedState(0, params.copy(), self.optimizer.init(params))

    def _shapes(self, shape):
        return {"average": shape}

    def _update(self, grads, state, params):
        change, inner = change_of("inner", self.optimizer, params, grads, state.inner)
        steps = state.steps + 1
        way = params - change - state.average
        average = state.average + scaled((self.power + 1) / (steps + self.power), way)
        return change, AveragedState(steps, average, inner)

    def effective_lr(self, state: AveragedState) -> Any:
        """Return the optimizer's effective rates."""
        instance("state", state, AveragedState)
        return self.optimizer.effective_lr(state.inner)
