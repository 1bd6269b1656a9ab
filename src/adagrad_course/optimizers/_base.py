"""What the optimizers share: the checks around an update, arithmetic in the parameters' dtype."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from .._validate import instance, positive, real_array, same_shape

from_zero = partial(positive, zero_allowed=True)


@dataclass(frozen=True, eq=False)
class Optimizer:
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
        return np.asarray(params - remembered("the change", change, params)), state


@dataclass(frozen=True, eq=False)
class RatedOptimizer(Optimizer):
    """An optimizer with a learning rate, constant or scheduled."""

    lr: float | np.ndarray | Callable[[int], float | np.ndarray]

    def __post_init__(self):
        if not callable(self.lr):
            self._check(from_zero, "lr")

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


def fitted(name, value, like):
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


def remembered(name, value, like, what="params"):
    """Return an array of the state, in the dtype of `like`, if it has its shape."""
    array = real_array(name, value, finite=False)
    same_shape(name, array, what, like)
    return array.astype(like.dtype, copy=False)


def leaky(name, kept, average, values, scratch):
    """Return kept · average + (1 - kept) · values.

    Fresh memory costs more than arithmetic, so `scratch`, which may be `values`, is written over.
    """
    np.multiply(fitted(name, np.subtract(1, kept), average), values, out=scratch)
    average = np.asarray(fitted(name, kept, average) * average)
    average += scratch
    return average


def divided(value, root, eps):
    """Return value / root, and 0 where the root, which is at least eps, is 0; `root` is used up."""
    # In float16, 1e-8 is 0.
    least = root.dtype.type(eps) if type(eps) is float else eps.min()
    return np.divide(value, root, out=root, where=True if least > 0 else root > 0)


def adaptive_rates(lr, squares, eps, scratch=None):
    """Return lr / (√squares + eps), where 0/0 is 0, in the memory of `scratch` if it is given."""
    lr, eps = fitted("lr", lr, squares), fitted("eps", eps, squares)
    root = np.asarray(np.sqrt(squares, out=scratch))
    root += eps
    return divided(lr, root, eps)


def change_of(name, optimizer, params, grads, state):
    """Return what the optimizer takes off the parameters, in fresh memory, and its new state."""
    # The difference of the points, if these are large, would have lost the digits of the step.
    if getattr(type(optimizer), "step", None) is Optimizer.step:
        if type(optimizer).update is Optimizer.update:
            instance(f"state.{name}", state, optimizer._State)
            return optimizer._change(params, grads, state)
        change, state = optimizer.update(grads, state, params)
        return np.array(remembered(f"{name}.update's change", change, params)), state
    stepped, state = optimizer.step(params, grads, state)
    return params - remembered(f"{name}.step's params", stepped, params), state
