"""What several modules do with arrays."""

from typing import Any

import numpy as np

from ._validate import all_finite, positive, real_array


def norms(vectors):
    """Return the Euclidean norms along the last axis, which is kept; no square overflows."""
    largest = np.abs(vectors).max(axis=-1, keepdims=True)
    scaled = np.divide(vectors, largest, out=np.zeros_like(vectors), where=largest > 0)
    return largest * np.sqrt(np.square(scaled).sum(axis=-1, keepdims=True))


def finite(vectors):
    """Return where all coordinates are finite (`all` would do, at three times the cost)."""
    return np.logical_and.reduce(np.isfinite(vectors), axis=-1)


class Survivors:
    """Which runs of a batch have not diverged: everything about them has been finite so far."""

    def __init__(self):
        self.alive: Any = True  # an array as soon as one has diverged

    def keep(self, values, instead):
        """Return the values, shape (..., d), or `instead` where a run has diverged by now."""
        if self.alive is True and all_finite(values):
            return values
        self.alive = self.alive & finite(values)
        return np.where(self.alive[..., None], values, instead)


def broadcast_start(start, optimizer):
    """Give each learning rate of the optimizer its own copy of the start."""
    start = real_array("start", start, min_dims=1).astype(np.float64)
    lr = getattr(optimizer, "lr", 1.0)
    lr_shape = np.shape(positive("lr(1)", lr(1), zero_allowed=True) if callable(lr) else lr)
    try:
        shape = np.broadcast_shapes(start.shape, lr_shape)
    except ValueError:
        shape = None
    if shape is None or shape[-1] != start.shape[-1]:
        raise ValueError(
            "start must broadcast with the rates, whose last axis must have length 1 as in "
            f"lrs[:, None], got start of shape {start.shape} and lr of shape {lr_shape}"
        )
    return np.broadcast_to(start, shape).copy()


def shaped(name, value, shape):
    """Return what a method gave as an array; it may be infinite, but must have its shape."""
    array = real_array(name, value, finite=False)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return array


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """Return the logarithms of the softmax of the scores along the last axis."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
