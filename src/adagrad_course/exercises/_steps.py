"""What the steps of several chapters have in common, and the mistakes in them.

A mistaken step is the right one with another part: `partial(adagrad_step, divisor=without_root)`.
"""

from functools import partial

import numpy as np

TIGHT = 1e-4  # a tolerance that answers in float32 meet, too

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


def run_adagrad(gradient, start, lr, steps, step=adagrad_step):
    """Return all points of a run, the start included."""
    points, G = [start], np.zeros(np.shape(start))
    for _ in range(steps):
        w, G = step(points[-1], gradient(points[-1]), G, lr, 1e-10)
        points.append(w)
    return np.array(points)


def run_with(**parts):
    """Return a run whose steps have other parts than AdaGrad's."""
    return partial(run_adagrad, step=partial(adagrad_step, **parts))


def run_with_first_gradient(gradient, start, lr, steps):
    first = gradient(start)
    return run_adagrad(lambda w: first, start, lr, steps)


def some_bowls(rng):
    """Return what a run needs: a bowl's gradient, a start of shape (4, 2), a rate, the steps."""
    curvatures, minima, start = rng.uniform(0.2, 4, size=(3, 4, 2))
    return lambda w: curvatures * (w - minima), start, rng.uniform(0.1, 0.5), 7


# What goes wrong in a run, but for an accumulator that does not remember.
MISTAKEN_RUNS = {
    "You went uphill: subtract.": partial(run_adagrad, step=uphill(adagrad_step)),
    "Divide by the root of the accumulator.": run_with(divisor=without_root),
    "The gradient must be divided by the root of the accumulator.": run_with(
        divisor=lambda before, after, eps: 1.0
    ),
    "The accumulator sums squares.": run_with(accumulate=lambda G, g: G + np.abs(g)),
    "Each coordinate has its own sum: do not add up the squares of different ones.": run_with(
        accumulate=lambda G, g: G + np.sum(g**2)
    ),
    "The present gradient counts: update the accumulator before you divide by its root.": run_with(
        divisor=belated
    ),
    "The factor lr is missing.": lambda gradient, start, lr, steps: run_adagrad(
        gradient, start, 1.0, steps
    ),
    "Ask for the gradient again at every new point.": run_with_first_gradient,
    "One step too few.": lambda gradient, start, lr, steps: run_adagrad(
        gradient, start, lr, steps - 1
    ),
    "One step too many.": lambda gradient, start, lr, steps: run_adagrad(
        gradient, start, lr, steps + 1
    ),
}
