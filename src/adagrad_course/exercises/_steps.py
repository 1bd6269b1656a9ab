"""What the steps of several chapters have in common, and the mistakes in them.

A mistaken step is the right one with another part: `partial(adagrad_step, divisor=without_root)`.
"""

import numpy as np

# What the gradient is divided by: of the accumulator before and after it took in the gradient.


def root(before, after, eps=0.0):
    return np.sqrt(after) + eps


def without_root(before, after, eps=0.0):
    return after + eps


def belated(before, after, eps=0.0):
    return np.sqrt(before) + eps


def eps_inside(before, after, eps):
    return np.sqrt(after + eps)


def adagrad_step(w, g, G, lr, eps, accumulate=lambda G, g: G + g**2, divisor=root):
    before, G = G, accumulate(G, g)
    return w - lr * g / divisor(before, G, eps), G


def uphill(step):
    """Return what a reader writes who adds where `step` subtracts: a mistake in many exercises."""

    def up(w, *others):
        moved, *kept = step(w, *others)
        return 2 * w - moved, *kept

    return up
