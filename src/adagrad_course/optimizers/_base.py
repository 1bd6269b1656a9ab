"""What the optimizers share: the checks around an update, and steps of a reader's own optimizer."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from .._arrays import shaped
from .._protocols import OptimizerLike
from .._validate import instance, pair, positive, real_array, same_shape

# A number, an array of them for a sweep, or a schedule, which gives the rate of step 1, 2, 3, …
LearningRate: TypeAlias = ArrayLike | Callable[[int], ArrayLike]

nonnegative = partial(positive, zero_allowed=True)


@dataclass(frozen=True, eq=False)
class Optimizer:
    """The checks around what each optimizer says in `_start`, `_update` and `effective_lr`.

    These get arrays that have been checked, in the dtype of the parameters.
    """

    _State: ClassVar[Any]  # the named tuple of what is remembered, whose first field is `steps`
    _min_dims = 0
    # Whether a coordinate without a gradient, and what is remembered of it, stay as they are.
    _skips_zero_gradients = False

    def init(self, params: ArrayLike) -> Any:
        """Return the state before the first step.

        Parameters
        ----------
        params : array_like
            The parameters; the last axis holds the coordinates. Only shape and dtype matter, but
            for `DoG` and `Prodigy`, which measure distances from here.

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
        params = real_array("params", params, min_dims=self._min_dims)
        self._check_shapes(self._batched, params)
        return self._start(params)

    def update(self, grads: ArrayLike, state: Any, params: ArrayLike) -> tuple[np.ndarray, Any]:
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
        for name, shape in self._shapes(params.shape).items():
            array = shaped(f"state.{name}", kept := getattr(state, name), shape)
            if array is not kept or array.dtype != params.dtype:
                state = state._replace(**{name: array.astype(params.dtype, copy=False)})
        grads = cast_grads(grads, params.dtype)
        change, state = self._at(state.steps + 1, params)._update(grads, state, params)
        return np.asarray(change), state

    def step(self, params: ArrayLike, grads: ArrayLike, state: Any) -> tuple[np.ndarray, Any]:
        """Return the parameters after one step, `params` less what `update` says, and the state.

        The arguments, the state and the errors are those of `update`, in another order.
        """
        change, state = self.update(grads, state, params)
        if type(self).update is not Optimizer.update:  # a reader's own
            params = real_array("params", params, finite=False)
            change = shaped("the change", change, params.shape).astype(params.dtype)
        # In place, as fresh memory costs more than arithmetic.
        return np.subtract(params, change, out=change), state

    def _start(self, params):
        """Return the state before the first step."""
        raise NotImplementedError

    def _update(self, grads, state, params):
        """Return what a step takes off the parameters, and the state after it."""
        raise NotImplementedError

    def _shapes(self, shape):
        """Return the shapes of the arrays in the state, by name, for parameters of a shape."""
        return dict.fromkeys(self._State._fields[1:], shape)

    def _at(self, step, params):
        """Return the optimizer as it is in one step: itself, but for a schedule."""
        if self._batched:
            self._check_shapes(self._batched, params)
        return self

    def _check_shapes(self, constants, params):
        """Raise ValueError for a constant that would broadcast the parameters."""
        for name, value in constants.items():
            shape = self._constants_shape(params.shape)
            axes = zip(value.shape[::-1], shape[::-1], strict=False)
            if value.ndim > len(shape) or any(n not in (1, m) for n, m in axes):
                raise ValueError(
                    f"{name} must broadcast to the shape of params, {shape}, "
                    f"got shape {value.shape}"
                )

    def _constants_shape(self, shape):
        """Return the shape to which constants must broadcast, for parameters of a shape."""
        return shape

    @cached_property
    def _batched(self):
        """The constants that are arrays, as in a sweep, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, value in list(values.items()):
            if isinstance(value, tuple):
                values |= {f"{name}[{i}]": part for i, part in enumerate(value)}
        return {name: v for name, v in values.items() if isinstance(v, np.ndarray)}


@dataclass(frozen=True, eq=False)
class LearningRateOptimizer(Optimizer):
    """An optimizer with a learning rate, constant or scheduled."""

    lr: LearningRate

    def __post_init__(self):
        if not callable(self.lr):
            self._check(nonnegative, "lr")

    def _check(self, check, *names):
        """Check constants, and keep copies of those that are arrays: the caller's might change."""
        for name in names:
            if (value := check(name, getattr(self, name))).ndim:
                object.__setattr__(self, name, value.copy())

    def _check_pair(self, check, name):
        """Check a constant that is a pair, and keep it as a tuple."""
        parts = (
            check(f"{name}[{i}]", part) for i, part in enumerate(pair(name, getattr(self, name)))
        )
        object.__setattr__(self, name, tuple(p.copy() if p.ndim else float(p) for p in parts))

    def _at(self, step, params):
        super()._at(step, params)
        if not callable(self.lr):
            return self
        lr = self._lr(step)
        self._check_shapes({f"lr({step})": lr}, params)
        now = copy(self)
        object.__setattr__(now, "lr", lr)
        return now

    def _lr_at(self, state):
        """Return the learning rate, constant or scheduled, of the step that led to `state`."""
        instance("state", state, self._State)
        if state.steps == 0:
            raise ValueError("state must be one after at least 1 step, got 0 steps")
        return self._lr(state.steps)

    def _lr(self, step):
        """Return the learning rate, constant or scheduled, of a step."""
        return nonnegative(f"lr({step})", self.lr(step)) if callable(self.lr) else self.lr


Method = TypeVar("Method", bound=Callable[..., Any])


def entrywise(field: str) -> Callable[[Method], Method]:
    """Mark an `effective_lr` that turns each entry of one array of the state into a rate.

    `descend` asks it once for all steps, with their arrays in one: in a small problem a call costs
    more than the arithmetic. A method that overrides it has no mark, and is asked after each step.
    """

    def mark(method: Method) -> Method:
        method.entrywise_in = field  # type: ignore[attr-defined]
        return method

    return mark


def entrywise_in(optimizer: Any) -> str | None:
    """Return the array of the state from which alone an optimizer's rates follow, if any."""
    field = getattr(optimizer.effective_lr, "entrywise_in", None)
    if field is None or not has_our_update(type(optimizer)) or callable(optimizer.lr):
        return None
    return field


def cast_grads(grads: np.ndarray, dtype: np.dtype) -> np.ndarray:
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


def has_our_update(kind: type) -> bool:
    """Return whether a class takes its steps by the methods of this package, not a reader's."""
    return (
        getattr(kind, "step", None) is Optimizer.step
        and getattr(kind, "update", None) is Optimizer.update
    )


def change_of(
    name: str, optimizer: Any, params: np.ndarray, grads: np.ndarray, state: Any
) -> tuple[np.ndarray, Any]:
    """Return what the optimizer takes off the parameters, in fresh memory, and its new state.

    The arrays are known to be good. So for an optimizer of ours the checks are left out, which
    take most of the time of a small step; a reader's own is asked by the method that it defines.
    """
    kind = type(optimizer)
    if has_our_update(kind):
        instance(f"state.{name}", state, kind._State)
        return optimizer._at(state.steps + 1, params)._update(grads, state, params)
    if getattr(kind, "step", None) is Optimizer.step:
        change, state = optimizer.update(grads, state, params)
        change = shaped(f"{name}.update's change", change, params.shape)
        return change.astype(params.dtype), state
    # The difference of the points, if these are large, has lost the last digits of the step.
    stepped, state = optimizer.step(params, grads, state)
    stepped = shaped(f"{name}.step's params", stepped, params.shape)
    return params - stepped.astype(params.dtype, copy=False), state


def take_step(
    optimizer: OptimizerLike, params: np.ndarray, grads: np.ndarray, state: Any
) -> tuple[np.ndarray, Any]:
    """Return the parameters and the state after a step of an optimizer, ours or a reader's own."""
    if getattr(type(optimizer), "step", None) is Optimizer.step:
        change, state = change_of("optimizer", optimizer, params, grads, state)
        return np.subtract(params, change, out=change), state
    result = optimizer.step(params, grads, state)
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"optimizer.step must return a tuple (params, state), got {type(result).__name__}"
        )
    stepped, state = result
    return shaped("optimizer.step's params", stepped, params.shape), state
