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


def run_adagrad(gradient, start, lr, steps, step=adagrad_step, first=0.0):
    """Return all points of a run, the start included; the accumulator begins at `first`."""
    points, G = [start], np.full(np.shape(start), first)
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


# What some runs need. Where the bowl is flat the start is as tiny as the gradient, so that steps of
# its length show, too; the other direction tells such steps from those of an accumulator at 1.
FLAT_BOWL = (
    lambda w: np.array([7e-7, 1.5]) * (w - [1.3, -2.1]),
    np.array([1e-6, -0.7]),
    0.1,
    3,
)
SINGLE_WEIGHT = (lambda w: 2.5 * w - 0.4, np.array(1.2), 0.7, 4)

# Where an accumulator may begin by mistake, with the hint.
MISTAKEN_STARTS = {
    "The accumulator begins empty, at 0.": 1.0,
    "Does the accumulator begin empty, at 0?": 0.1,
}
ONE_STEP = "Does each step count? A `return` or a `break` in the loop would leave one."
SQUARES_ALONE = "Under the root stand the squares alone: 1e-10 is added to the root, not under it."


def add_in_slices(G, g):
    G[:] += g**2
    return G


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
    "The factor lr is missing, or it cancels: the sum is one of g², without lr.": (
        lambda gradient, start, lr, steps: run_adagrad(gradient, start, 1.0, steps)
    ),
    "Is it the gradient of each new point? What is in the accumulator?": run_with_first_gradient,
    ONE_STEP: lambda gradient, start, lr, steps: run_adagrad(gradient, start, lr, min(steps, 1)),
    "One step too few.": lambda gradient, start, lr, steps: run_adagrad(
        gradient, start, lr, steps - 1
    ),
    "One step too many.": lambda gradient, start, lr, steps: run_adagrad(
        gradient, start, lr, steps + 1
    ),
    SQUARES_ALONE: run_with(divisor=eps_inside),
    "Shape () has no axis: `G[...]` names all of such an array, `G[:]` and `G[0]` do not.": (
        run_with(accumulate=add_in_slices)
    ),
} | {hint: partial(run_adagrad, first=first) for hint, first in MISTAKEN_STARTS.items()}
