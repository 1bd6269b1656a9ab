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

from ._validate import positive, real_array, same_shape

__all__ = ["SGD", "AdaGrad", "AdaGradState", "Momentum", "MomentumState", "SGDState"]


class SGDState(NamedTuple):
    """What SGD remembers: how many steps it has taken."""

    steps: int


class MomentumState(NamedTuple):
    """What momentum remembers: the steps taken and the velocity, shaped like the parameters."""

    steps: int
    velocity: np.ndarray


class AdaGradState(NamedTuple):
    """What AdaGrad remembers: the steps taken and the sum of squared gradients, G."""

    steps: int
    accumulator: np.ndarray


@dataclass(frozen=True, eq=False)
class _Optimizer:
    """What all optimizers share: a learning rate, constant or scheduled, and its checks."""

    lr: float | np.ndarray | Callable[[int], float | np.ndarray]

    def __post_init__(self):
        if not callable(self.lr):
            positive("lr", self.lr)

    def _lr_at(self, steps):
        """Return the learning rate of step number `steps` (the first step is number 1)."""
        if steps == 0:
            raise ValueError("effective_lr needs a state after at least 1 step, got 0 steps")
        return positive(f"lr({steps})", self.lr(steps)) if callable(self.lr) else self.lr

    def _checked(self, params, grads):
        params, grads = real_array("params", params), real_array("grads", grads)
        same_shape("grads", grads, "params", params)
        return params, grads

    def _moved(self, params, change):
        """Subtract the change, refusing a learning rate that would broadcast the parameters."""
        moved = params - change
        if moved.shape != params.shape:
            raise ValueError(
                f"lr must broadcast to the shape of params, {params.shape}, "
                f"got a rate that needs {moved.shape}"
            )
        return moved


@dataclass(frozen=True, eq=False)
class SGD(_Optimizer):
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
    Robbins and Monro, A Stochastic Approximation Method, 1951, equation (8).

    Examples
    --------
    >>> sgd = SGD(lr=0.1)
    >>> params = np.array([1.0, 2.0])
    >>> params, state = sgd.step(params, np.array([10.0, 0.0]), sgd.init(params))
    >>> params
    array([0., 2.])
    """

    def init(self, params):
        """Return the state before the first step.

        Parameters
        ----------
        params : array_like
            The parameters, of any shape.

        Returns
        -------
        SGDState
        """
        real_array("params", params)
        return SGDState(steps=0)

    def step(self, params, grads, state):
        """Return the parameters and the state after one step.

        Parameters
        ----------
        params, grads : array_like
            The parameters and the gradient at them, of one shape.
        state : SGDState
            The state before the step; it is not changed.

        Returns
        -------
        tuple of (numpy.ndarray, SGDState)

        Raises
        ------
        TypeError, ValueError
            If the arrays are not finite real numbers of one shape.
        """
        params, grads = self._checked(params, grads)
        state = SGDState(state.steps + 1)
        return self._moved(params, self.effective_lr(state) * grads), state

    def effective_lr(self, state):
        """Return the rate of the step that led to `state`: the same for every coordinate."""
        return self._lr_at(state.steps)


@dataclass(frozen=True, eq=False)
class Momentum(_Optimizer):
    r"""Gradient descent with (heavy-ball) momentum: a decaying sum of gradients is the direction.

    .. math:: v_{t+1} = \mu\, v_t + g_t, \qquad w_{t+1} = w_t - \eta_t\, v_{t+1}

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `SGD`.
    momentum : float, optional
        The factor μ with 0 ≤ μ < 1 by which the velocity shrinks at each step.

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

    momentum: float = 0.9

    def __post_init__(self):
        super().__post_init__()
        if not positive("momentum", self.momentum, zero_allowed=True).max() < 1:
            raise ValueError(f"momentum must be below 1, got {self.momentum}")

    def init(self, params):
        """Return the state before the first step: no velocity.

        Parameters
        ----------
        params : array_like
            The parameters, of any shape.

        Returns
        -------
        MomentumState
        """
        return MomentumState(steps=0, velocity=np.zeros_like(real_array("params", params)))

    def step(self, params, grads, state):
        """Return the parameters and the state after one step.

        Parameters
        ----------
        params, grads : array_like
            The parameters and the gradient at them, of one shape.
        state : MomentumState
            The state before the step; it is not changed.

        Returns
        -------
        tuple of (numpy.ndarray, MomentumState)

        Raises
        ------
        TypeError, ValueError
            If the arrays are not finite real numbers of one shape.
        """
        params, grads = self._checked(params, grads)
        same_shape("state.velocity", state.velocity, "params", params)
        state = MomentumState(state.steps + 1, self.momentum * state.velocity + grads)
        return self._moved(params, self.effective_lr(state) * state.velocity), state

    def effective_lr(self, state):
        """Return the factor on the velocity in the step that led to `state`."""
        return self._lr_at(state.steps)


@dataclass(frozen=True, eq=False)
class AdaGrad(_Optimizer):
    r"""AdaGrad: each coordinate's rate is divided by the root of its summed squared gradients.

    .. math::

        G_t = G_{t-1} + g_t^2, \qquad
        w_{t+1} = w_t - \frac{\eta_t}{\sqrt{G_t} + \varepsilon}\, g_t

    Parameters
    ----------
    lr : float or array_like or callable
        The learning rate η, as in `SGD`. It has the unit of the parameters.
    eps : float, optional
        The constant ε ≥ 0 added to the root. With ε = 0 a coordinate whose gradient has always
        been zero stays where it is (0/0 is taken as 0).
    initial_accumulator_value : float, optional
        The value of G₀ ≥ 0.

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

    eps: float = 1e-10
    initial_accumulator_value: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        positive("eps", self.eps, zero_allowed=True)
        positive("initial_accumulator_value", self.initial_accumulator_value, zero_allowed=True)

    def init(self, params):
        """Return the state before the first step: G₀ in every coordinate.

        Parameters
        ----------
        params : array_like
            The parameters, of any shape.

        Returns
        -------
        AdaGradState
        """
        params = real_array("params", params)
        return AdaGradState(
            steps=0, accumulator=np.full_like(params, self.initial_accumulator_value)
        )

    def step(self, params, grads, state):
        """Return the parameters and the state after one step.

        Parameters
        ----------
        params, grads : array_like
            The parameters and the gradient at them, of one shape.
        state : AdaGradState
            The state before the step; it is not changed.

        Returns
        -------
        tuple of (numpy.ndarray, AdaGradState)

        Raises
        ------
        TypeError, ValueError
            If the arrays are not finite real numbers of one shape.
        """
        params, grads = self._checked(params, grads)
        same_shape("state.accumulator", state.accumulator, "params", params)
        state = AdaGradState(state.steps + 1, state.accumulator + grads * grads)
        return self._moved(params, self.effective_lr(state) * grads), state

    def effective_lr(self, state):
        """Return η / (√G + ε), the rates of the step that led to `state`, one per coordinate."""
        lr = self._lr_at(state.steps)
        root = np.sqrt(state.accumulator) + self.eps
        if self.eps > 0:
            return lr / root
        return np.divide(lr, root, out=np.zeros_like(root), where=root > 0)
