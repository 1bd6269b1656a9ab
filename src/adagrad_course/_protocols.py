"""What a reader's own optimizer, objective or game needs to have, for type checkers."""

from typing import Any, Protocol

import numpy as np


class OptimizerLike(Protocol):
    """What can be stepped; its state is its own affair."""

    def init(self, params: np.ndarray, /) -> Any:
        """Return the state before the first step."""

    def step(self, params: np.ndarray, grads: np.ndarray, state: Any, /) -> tuple[np.ndarray, Any]:
        """Return the parameters and the state after a step."""


class OptimizerWithRates(OptimizerLike, Protocol):
    """An optimizer that says by which rates it went."""

    def effective_lr(self, state: Any, /) -> Any:
        """Return the rates of the step that led to the state."""


class HasValue(Protocol):
    """A function of points of shape (..., d)."""

    def value(self, points: np.ndarray, /) -> Any:
        """Return the values at the points, shape (...)."""


class ObjectiveLike(HasValue, Protocol):
    """What can be minimised: a function with a gradient."""

    def gradient(self, points: np.ndarray, /) -> Any:
        """Return the gradients at the points, in their shape."""


class LossesLike(Protocol):
    """What can be played against: a loss for each round t, with d coordinates."""

    @property
    def d(self) -> int:
        """The number of coordinates."""

    def __len__(self) -> int: ...

    def value(self, t: int, params: np.ndarray, /) -> Any:
        """Return the losses of round t, shape (...)."""

    def gradient(self, t: int, params: np.ndarray, /) -> Any:
        """Return the gradients of round t, in the shape of params."""
