"""The exercises of chapter 4, Sparse data."""

from functools import partial

import numpy as np

from ..sparse import coalesce
from ._steps import belated, root, uphill
from .machinery import Exercise

__all__ = ["EXERCISES"]


def coalesced_with_losses(rows, values):
    unique, position = np.unique(rows, return_inverse=True)
    summed = np.zeros(len(unique))
    summed[position] += values
    return unique, summed


def coalesced_to_means(rows, values):
    unique, summed = coalesce(rows, values)
    return unique, summed / np.unique(rows, return_counts=True)[1]


def coalesced_in_order_of_appearance(rows, values):
    unique, summed = coalesce(rows, values)
    first = np.argsort([list(rows).index(row) for row in unique])
    return unique[first], summed[first]


def coalesced_to_dense(rows, values):
    dense = np.zeros(max(rows) + 1)
    np.add.at(dense, rows, values)
    return np.arange(len(dense)), dense


def a_sparse_gradient(rng):
    times = rng.integers(1, 4, 4).astype(np.intp)  # of 32 bits on some machines
    rows = rng.permutation(np.repeat(rng.choice(40, 4, replace=False), times))
    return rows, rng.normal(size=rows.size)


def sparse_step(w, G, rows, grads, lr, summed=coalesce, divisor=root):
    w, before, G = w.copy(), G, G.copy()
    rows, grads = summed(rows, grads)
    G[rows] += grads**2
    w[rows] -= lr * grads / divisor(before[rows], G[rows])
    return w, G


def sparse_step_one_by_one(w, G, rows, grads, lr):
    w, G = w.copy(), G.copy()
    for row, value in zip(rows, grads, strict=True):
        G[row] += value**2
        w[row] -= lr * value / np.sqrt(G[row])
    return w, G


def sparse_step_with_squares_summed(w, G, rows, grads, lr):
    w, G = w.copy(), G.copy()
    np.add.at(G, rows, np.square(grads))
    rows, grads = coalesce(rows, grads)
    w[rows] -= lr * grads / np.sqrt(G[rows])
    return w, G


def sparse_step_forgetful(w, G, rows, grads, lr):
    return sparse_step(w, np.zeros_like(G), rows, grads, lr)


def sparse_step_on_all_rows(w, G, rows, grads, lr):
    dense = np.zeros_like(w)
    np.add.at(dense, rows, grads)
    G = G + dense**2
    return w - lr * dense / np.sqrt(G), G


def a_sparse_step(rng):
    rows, values = a_sparse_gradient(rng)
    return rng.normal(size=40), rng.uniform(0.5, 2, size=40), rows, values, rng.uniform(0.1, 1)


def rounds_needed(q, D, target):
    scale = 2 * (D / target) ** 2
    return scale * np.sum(np.sqrt(q)) ** 2, scale * len(q) * np.sum(q)


def octaves(lrs, errors, margin=0.1):
    """Width of the rates within a margin of the least error, lines drawn between the points."""
    x, limit = np.log2(lrs), (1 + margin) * np.min(errors)
    good = np.flatnonzero(errors <= limit)
    low, high = good[0], good[-1]
    left = right = 0.0
    if low > 0:
        left = (errors[low - 1] - limit) / (errors[low - 1] - errors[low])
        left = (1 - left) * (x[low] - x[low - 1])
    if high < len(x) - 1:
        right = (limit - errors[high]) / (errors[high + 1] - errors[high])
        right = right * (x[high + 1] - x[high])
    return x[high] - x[low] + left + right


def octaves_on_the_grid(lrs, errors):
    good = np.log2(lrs)[errors <= 1.1 * np.min(errors)]
    return good[-1] - good[0]


def octaves_of_a_tenth(lrs, errors):
    return octaves(lrs, errors, margin=0.1 / np.min(errors))


def octaves_in_decades(lrs, errors):
    return octaves(lrs, errors) * np.log10(2)


def octaves_in_factors(lrs, errors):
    return 2 ** octaves(lrs, errors)


def octaves_on_a_linear_axis(lrs, errors):
    limit = 1.1 * np.min(errors)
    fine = np.linspace(lrs[0], lrs[-1], 200_001)
    good = fine[np.interp(fine, lrs, errors) <= limit]
    return np.log2(good[-1] / good[0])


def a_valley(rng):
    x = np.arange(-6.0, 5.0)
    bottom, steep = rng.uniform(-2, 2), rng.uniform(0.1, 0.3, size=2)
    errors = 0.3 + np.where(x < bottom, steep[0] * (bottom - x), steep[1] * (x - bottom)) ** 2
    return 2.0**x, errors


def catch_up(w, last_seen, t, lr, decay):
    return w * (1 - lr * decay) ** (t - 1 - last_seen)


def catch_up_linearly(w, last_seen, t, lr, decay):
    return w * (1 - lr * decay * (t - 1 - last_seen))


def catch_up_too_far(w, last_seen, t, lr, decay):
    return w * (1 - lr * decay) ** (t - last_seen)


def catch_up_once(w, last_seen, t, lr, decay):
    return w * (1 - lr * decay)


def catch_up_without_rate(w, last_seen, t, lr, decay):
    return w * (1 - decay) ** (t - 1 - last_seen)


def some_rows(rng):
    t = int(rng.integers(20, 60))
    return rng.normal(size=5), rng.integers(0, t, size=5), t, rng.uniform(0.05, 0.5), 0.1


EXERCISES = [
    Exercise(
        "4.1",
        reference={"G1": 1.0, "G3": 25.0, "step 1": 1.0, "step 3": 1.0},
        mistakes={
            "Row 3 is named twice: sum its gradients before you square.": {"G3": 13.0},
            "G is the square of the sum, not the sum.": {"G3": 5.0},
            "Both gradients of row 3 count, not only the last.": {"G3": 9.0},
            "A first step has the length η = 1, whatever the gradient.": {"step 3": 5.0},
            "A length is not negative.": {"step 1": -1.0},
        },
        hints=(
            "Row 3 is named twice: what is its gradient?",
            "The accumulator was zero, so after the first step G is the square of the gradient.",
        ),
    ),
    Exercise(
        "4.2",
        reference=lambda often, rarely: (often / rarely, np.sqrt(often / rarely)),
        cases={
            "a hundred to one": (0.5, 0.005),
            "equally often": (0.1, 0.1),
            "random shares": lambda rng: tuple(rng.uniform(0.001, 1, size=2)),
        },
        mistakes={
            "First SGD, then AdaGrad.": (
                lambda often, rarely: (np.sqrt(often / rarely), often / rarely)
            ),
            "Frequent divided by rare.": (
                lambda often, rarely: (rarely / often, np.sqrt(rarely / often))
            ),
            "AdaGrad's path grows with the root of the number of occurrences.": (
                lambda often, rarely: (often / rarely, often / rarely)
            ),
            "With AdaGrad, too, the frequent word goes farther.": (
                lambda often, rarely: (often / rarely, np.sqrt(rarely / often))
            ),
        },
        hints=(
            "How many steps has each word taken after t examples, and how long are they?",
            "SGD's path is proportional to q, AdaGrad's to the root of q.",
        ),
    ),
    Exercise(
        "4.3",
        reference=coalesce,
        cases={
            "one row twice": (np.array([7, 2, 7]), np.array([3.0, 5.0, 1.0])),
            "a sum of zero": (np.array([3, 3, 8]), np.array([1.0, -1.0, 2.0])),
            "no duplicates": (np.array([4, 0, 9]), np.array([1.0, 2.0, 3.0])),
            "one row only": (np.array([5, 5, 5]), np.array([1.0, -1.0, 2.0])),
            "random gradients": a_sparse_gradient,
        },
        mistakes={
            "summed[position] += grads keeps only the last of several: use np.add.at.": (
                coalesced_with_losses
            ),
            "Sum the gradients of a row; do not average them.": coalesced_to_means,
            "Return the rows in ascending order.": coalesced_in_order_of_appearance,
            "Return only the rows that are named.": coalesced_to_dense,
            "Each row once.": lambda rows, values: (np.sort(rows), values[np.argsort(rows)]),
        },
        hints=(
            "np.unique(rows, return_inverse=True) returns each row once, and where each went.",
            "np.add.at(summed, position, grads) adds each gradient at its place.",
        ),
    ),
    Exercise(
        "4.4",
        reference=sparse_step,
        cases={
            "a row twice": (
                np.zeros(4),
                np.ones(4),
                np.array([2, 2]),
                np.array([3.0, 1.0]),
                1.0,
            ),
            "rows never seen": (np.ones(3), np.zeros(3), np.array([1]), np.array([2.0]), 0.5),
            "one row": (np.ones(3), np.full(3, 4.0), np.array([1]), np.array([2.0]), 0.5),
            "random steps": a_sparse_step,
        },
        mistakes={
            "A row named twice has one gradient, the sum, and takes one step.": (
                sparse_step_one_by_one
            ),
            "Sum first, then square: (a + b)² and not a² + b².": sparse_step_with_squares_summed,
            "w[rows] -= … and G[rows] += … keep only the last of several: coalesce first.": (
                partial(sparse_step, summed=coalesced_with_losses)
            ),
            "The present gradient counts: first the accumulator, then the step.": (
                partial(sparse_step, divisor=belated)
            ),
            "Rows that are not named keep their accumulator, and the others add to it.": (
                sparse_step_forgetful
            ),
            "You went uphill: subtract.": uphill(sparse_step),
            "In rows never seen, 0/0 is not a number: compute with the rows named only.": (
                sparse_step_on_all_rows
            ),
        },
        hints=(
            "Copy w and G, coalesce, then work on w[rows] and G[rows] only.",
            "coalesce(rows, grads) has each row once.",
        ),
    ),
    Exercise(
        "4.5",
        reference=rounds_needed,
        cases={
            "equal frequencies": (np.full(50, 0.2), 2.0, 0.1),
            "one frequent, the rest rare": (np.array([1.0, 0.01, 0.01, 0.01]), 1.0, 0.5),
            "a power law": (np.arange(1.0, 1001) ** -1.5, 2.0, 1.0),
            "random frequencies": lambda rng: (rng.uniform(0.01, 1, size=20), 2.0, 0.3),
        },
        mistakes={
            "First AdaGrad, then AdaGrad-Norm.": lambda q, D, r: rounds_needed(q, D, r)[::-1],
            "The bound grows like √T, so divided by T it falls like 1/√T: square.": (
                lambda q, D, r: tuple(np.sqrt(rounds_needed(q, D, r)))
            ),
            "The number of features d belongs under the root: D₂ = √d D∞.": (
                lambda q, D, r: (
                    rounds_needed(q, D, r)[0],
                    rounds_needed(q, D, r)[1] / len(q),
                )
            ),
            "AdaGrad's sum is one of roots, not the root of a sum.": (
                lambda q, D, r: (2 * (D / r) ** 2 * np.sum(q), rounds_needed(q, D, r)[1])
            ),
            "The factor √2 is squared, too.": (
                lambda q, D, r: tuple(np.array(rounds_needed(q, D, r)) / np.sqrt(2))
            ),
        },
        hints=(
            "Both bounds are a constant times √T; set bound / T equal to the target.",
            "√2 · D · √T · S / T = target gives T = 2 D² S² / target².",
        ),
    ),
    Exercise(
        "4.6",
        reference=octaves,
        cases={
            "a symmetric valley": (2.0 ** np.arange(-2, 3), np.array([0.6, 0.4, 0.3, 0.4, 0.6])),
            "open to the right": (2.0 ** np.arange(-2, 2), np.array([0.5, 0.3, 0.2, 0.21])),
            "random valleys": a_valley,
        },
        mistakes={
            "The valley does not end at a rate that was tried: draw lines between them.": (
                octaves_on_the_grid
            ),
            "Within a tenth of the least error: 1.1 times it, not 0.1 more.": octaves_of_a_tenth,
            "Octaves: logarithms to base 2.": octaves_in_decades,
            "The number of octaves, not the factor.": octaves_in_factors,
            "Draw the lines over the logarithm of the rate.": octaves_on_a_linear_axis,
        },
        hints=(
            "np.interp on a fine grid of np.log2(lrs) is good enough.",
            "Count the share of the fine grid with an error of at most 1.1 times the least.",
        ),
        rtol=3e-2,
    ),
    Exercise(
        "4.7",
        reference=lambda T: np.arange(T, 0, -1) / T,
        cases={
            "one step": (1,),
            "four steps": (4,),
            "many steps": lambda rng: (int(rng.integers(5, 50)),),
        },
        mistakes={
            "Only the points after each step count, not the start.": (
                lambda T: np.arange(T, 0, -1) / (T + 1)
            ),
            "The first change is part of all T points, the last one of one.": (
                lambda T: np.arange(1, T + 1) / T
            ),
            "The last change is part of the last point.": lambda T: np.arange(T - 1, -1, -1) / T,
            "Those are the weights of the last point, not of the mean.": np.ones,
            "Those are the weights of the mean change, not of the mean point.": (
                lambda T: np.full(T, 1 / T)
            ),
            "Divide by the number of points.": lambda T: np.arange(T, 0, -1),
        },
        hints=(
            "In how many of the points w₂ … w_{T+1} is the change Δ_τ contained?",
            "In T − τ + 1 of them.",
        ),
    ),
    Exercise(
        "4.8",
        reference=catch_up,
        cases={
            "seen in the last step": (np.array([3.0]), np.array([9]), 10, 0.1, 0.5),
            "seen long ago": (np.array([3.0, -1.0]), np.array([0, 5]), 100, 0.1, 0.1),
            "random rows": some_rows,
        },
        mistakes={
            "Shrinking is a product: (1 − ηλ) to a power.": catch_up_linearly,
            "One too many: step t itself is still to come.": catch_up_too_far,
            "Once for each step that the row has missed.": catch_up_once,
            "The factor of one step is 1 − ηλ.": catch_up_without_rate,
        },
        hints=(
            "A row last seen in step 9 has missed nothing when step 10 begins.",
            "It has missed t − 1 − last_seen steps, each a factor 1 − ηλ.",
        ),
    ),
]
