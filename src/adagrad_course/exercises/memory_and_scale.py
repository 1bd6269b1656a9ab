"""The exercises of chapter 6, Memory and scale."""

from functools import partial

import numpy as np

from ._steps import belated, eps_inside, root, without_root
from ._trials import IN_PLACE, numbers_like
from .machinery import Exercise, Wrong

__all__ = ["EXERCISES"]


def rows_that_fit(budget, d, kept):
    return int(budget // (4 * d * (2 + kept)))


def mean_of_squares(g):
    return np.mean(g**2, axis=1)


def row_wise_step(w, G, g, lr, eps, added=mean_of_squares, divisor=root):
    before, G = G, G + added(g)
    return w - lr * g / divisor(before[:, None], G[:, None], eps), G


def row_wise_forgetful(w, G, g, lr, eps):
    return row_wise_step(w, np.zeros_like(G), g, lr, eps)


def row_wise_of_columns(w, G, g, lr, eps):
    G = G + np.mean(g**2, axis=0)
    return w - lr * g / (np.sqrt(G) + eps), G


def a_table(rng):
    w, g = rng.normal(size=(2, 3, 3))
    return w, rng.uniform(0.5, 2, size=3), g, 0.1, 0.01


def rounded_at_random(x, spacing, rng):
    return np.floor(x / spacing + rng.random(x.shape)) * spacing


NOT_A_MULTIPLE = "Adding chance is not yet rounding: take the floor of it."
NOT_A_NEIGHBOUR = "Only the multiple just below and the one just above may come out."
SAME_EACH_TIME = "What all numbers lose in the same way is lost: give each its own chance."
WRONG_WAY_ROUND = "The nearer a multiple is, the more likely it must be."
ONE_SIDED = "For a negative x, too, the one below is the floor, not what is nearer to zero."
NOT_A_SHARE = "The probability is a share of the spacing: divide by it."
EVEN_CHANCES = "Equal chances are only right for a number halfway between two multiples."


def _rounded(answer, x, spacing):
    given = x.copy()
    rounded = numbers_like(x, answer(given, spacing, np.random.default_rng(0)))
    if (given != x).any():
        raise Wrong("it changed its argument `x` in place", IN_PLACE)
    return rounded


def gives_neighbours(answer):
    for spacing in (0.5, 2.0):
        x = np.random.default_rng(1).uniform(0, 6, size=1000)
        rounded = _rounded(answer, x, spacing)
        between = rounded % spacing != 0
        if between.any():
            raise Wrong(
                f"expected multiples of {spacing:g}, got {rounded[between][0]:.4g}", NOT_A_MULTIPLE
            )
        far = np.abs(rounded - x) >= spacing
        if far.any():
            raise Wrong(
                f"expected a multiple of {spacing:g} next to {x[far][0]:.4g}, "
                f"got {rounded[far][0]:.4g}",
                NOT_A_NEIGHBOUR,
            )


def is_right_on_average(answer):
    for x, spacing in ((0.1, 0.5), (1.4, 0.5), (4.5, 2.0)):
        mean = _rounded(answer, np.full(20_000, x), spacing).mean()
        near = 0.02 * spacing  # more than five standard errors
        if abs(mean - x) > near:
            below = np.floor(x / spacing) * spacing
            hint = None
            if mean in (below, below + spacing):
                hint = SAME_EACH_TIME
            elif abs(mean - (2 * below + spacing - x)) < near:
                hint = WRONG_WAY_ROUND
            elif abs(mean - (below + (x - below) * spacing)) < near:
                hint = NOT_A_SHARE
            elif abs(mean - (below + spacing / 2)) < near:
                hint = EVEN_CHANCES
            raise Wrong(f"expected about {x:g} for x={x:g}, got {mean:.4g}", hint)


def is_right_below_zero(answer):
    mean = _rounded(answer, np.full(20_000, -0.4), 0.5).mean()
    if abs(mean + 0.4) > 0.01:
        hint = ONE_SIDED if mean == 0 else None
        raise Wrong(f"expected about -0.4 for x=-0.4, got {mean:.4g}", hint)


def leaves_multiples_alone(answer):
    x = np.array([-1.5, 0.0, 0.5, 2.0])
    if np.any(_rounded(answer, x, 0.5) != x):
        raise Wrong("expected -1.5, 0, 0.5 and 2 to stay as they are")


def nearest(x, spacing, rng):
    return np.round(x / spacing) * spacing


def not_rounded(x, spacing, rng):
    return x + spacing * (rng.random(x.shape) - 0.5)


def too_far(x, spacing, rng):
    return np.round(x / spacing + 2 * rng.random(x.shape) - 1) * spacing


def the_farther_one(x, spacing, rng):
    below = np.floor(x / spacing)
    up = (rng.random(x.shape) > x / spacing - below) & (x / spacing != below)
    return (below + up) * spacing


def heads_or_tails(x, spacing, rng):
    below = np.floor(x / spacing)
    up = (rng.random(x.shape) < 0.5) & (x / spacing != below)
    return (below + up) * spacing


def not_a_share(x, spacing, rng):
    below = np.floor(x / spacing) * spacing
    return below + spacing * (rng.random(x.shape) < x - below)


def truncated(x, spacing, rng):
    return np.trunc(x / spacing + rng.random(x.shape)) * spacing


def partitioned(sizes, processes, order=lambda sizes: sorted(sizes, reverse=True)):
    held = [0] * processes
    for size in order(sizes):
        held[held.index(min(held))] += size
    return np.array(held)


def assigned_in_turn(sizes, processes):
    sizes = sorted(sizes, reverse=True)
    return np.array([sum(sizes[i::processes]) for i in range(processes)])


def divided_evenly(sizes, processes):
    return np.full(processes, sum(sizes) / processes)


def best_interval(cost, steps_between_failures):
    return np.sqrt(2 * cost * steps_between_failures)


def sparse_sm3_step(w, r, c, rows, g, lr, of_two=np.minimum, divisor=root):
    w, r = w.copy(), r.copy()
    before = of_two(r[rows][:, None], c)
    nu = before + g**2
    w[rows] -= lr * g / divisor(before, nu)
    r[rows] = nu.max(axis=1)
    return w, r, np.maximum(c, nu.max(axis=0))


def sm3_forgetting_columns(w, r, c, rows, g, lr):
    new_w, new_r, _ = sparse_sm3_step(w, r, c, rows, g, lr)
    nu = np.minimum(r[rows][:, None], c) + g**2
    return new_w, new_r, nu.max(axis=0)


def sm3_summing(w, r, c, rows, g, lr):
    new_r = r.copy()
    new_r[rows] += (g**2).sum(axis=1)
    return sparse_sm3_step(w, r, c, rows, g, lr)[0], new_r, c + (g**2).sum(axis=0)


def sm3_resetting_rows(w, r, c, rows, g, lr):
    new_w, new_r, new_c = sparse_sm3_step(w, r, c, rows, g, lr)
    return new_w, np.where(np.isin(np.arange(len(r)), rows), new_r, 0), new_c


def a_sparse_matrix(rng):
    G = rng.uniform(0.5, 2, size=(5, 3))
    r, c = G.max(axis=1), G.max(axis=0)
    rows = rng.permutation(5)[:2]
    return rng.normal(size=(5, 3)), r, c, rows, rng.normal(size=(2, 3)), 0.1


EXERCISES = [
    Exercise(
        "6.1",
        reference={
            "weights": 60.0,
            "SGD": 0.0,
            "AdaGrad": 60.0,
            "Adam": 120.0,
            "row-wise": 0.2,
            "SM3": 0.2012,
        },
        mistakes={
            "In megabytes: divide by 10⁶.": {
                "weights": 60e6,
                "AdaGrad": 60e6,
                "Adam": 120e6,
                "row-wise": 0.2e6,
                "SM3": 0.2012e6,
            },
            "A number in float32 has four bytes.": {
                "weights": 15.0,
                "AdaGrad": 15.0,
                "Adam": 30.0,
                "row-wise": 0.05,
                "SM3": 0.0503,
            },
            "The state does not include the weights themselves.": {
                "SGD": 60.0,
                "AdaGrad": 120.0,
                "Adam": 180.0,
            },
            "Adam keeps two numbers for each weight.": {"Adam": 60.0},
            "One number for each of the 50,000 rows, not for each column.": {"row-wise": 0.0012},
            "SM3 keeps a number for each row and one for each column.": {"SM3": 0.2},
        },
        hints=(
            "The table has 50,000 · 300 = 15 million weights.",
            "AdaGrad keeps as many numbers as there are weights, Adam twice as many, row-wise "
            "AdaGrad 50,000.",
            "SM3: 50,000 + 300 numbers.",
        ),
    ),
    Exercise(
        "6.2",
        reference=rows_that_fit,
        cases={
            "SGD": (1e9, 64, 0),
            "AdaGrad": (1e9, 64, 1),
            "Adam": (1e9, 64, 2),
            "row-wise AdaGrad": (1e9, 64, 1 / 64),
            "just filled": (1200, 10, 1),
            "random": lambda rng: (
                float(rng.integers(10**6, 10**9)),
                int(rng.integers(1, 200)),
                int(rng.integers(0, 3)),
            ),
        },
        mistakes={
            "The gradients need memory, too: as much as the weights.": (
                lambda budget, d, kept: int(budget // (4 * d * (1 + kept)))
            ),
            "A number in float32 has four bytes.": (
                lambda budget, d, kept: int(budget // (d * (2 + kept)))
            ),
            "Half a row is no row: round down.": (
                lambda budget, d, kept: budget / (4 * d * (2 + kept))
            ),
            "One row more than fits is one too many.": (
                lambda budget, d, kept: rows_that_fit(budget, d, kept) + 1
            ),
            "A row has d weights.": lambda budget, d, kept: int(budget // (4 * (2 + kept))),
        },
        hints=(
            "How many bytes does one row need: weights, gradients and state?",
            "For each weight there are 2 + kept numbers of four bytes.",
        ),
        rtol=1e-9,  # a count, of which one more is wrong
    ),
    Exercise(
        "6.3",
        reference=row_wise_step,
        cases={
            "the first step": (
                np.zeros((2, 2)),
                np.zeros(2),
                np.array([[1.0, 7.0], [2.0, 0.0]]),
                0.5,
                0.0,
            ),
            "a row without a gradient": (
                np.ones((2, 2)),
                np.zeros(2),
                np.array([[0.0, 0.0], [3.0, -4.0]]),
                0.1,
                1e-8,
            ),
            "random tables": a_table,
        },
        mistakes={
            "Take the mean of a row's squares, not their sum.": partial(
                row_wise_step, added=lambda g: np.sum(g**2, axis=1)
            ),
            "Square first, then take the mean.": partial(
                row_wise_step, added=lambda g: np.mean(g, axis=1) ** 2
            ),
            "Divide by the root of G.": partial(row_wise_step, divisor=without_root),
            "Add the new squares before you divide.": partial(row_wise_step, divisor=belated),
            "ε is added to the root, not under it.": partial(row_wise_step, divisor=eps_inside),
            "G goes on from what it was.": row_wise_forgetful,
            "One number for each row: the mean is taken along axis 1.": row_wise_of_columns,
        },
        hints=(
            "np.mean(g**2, axis=1) has one number for each row.",
            "To divide each row by its own number, give it a second axis: [:, None].",
        ),
    ),
    Exercise(
        "6.4",
        reference=rounded_at_random,
        properties={
            "each number goes to one of its two neighbours": gives_neighbours,
            "multiples stay as they are": leaves_multiples_alone,
            "right on average": is_right_on_average,
            "right on average below zero": is_right_below_zero,
        },
        mistakes={
            SAME_EACH_TIME: nearest,
            NOT_A_MULTIPLE: not_rounded,
            NOT_A_NEIGHBOUR: too_far,
            WRONG_WAY_ROUND: the_farther_one,
            EVEN_CHANCES: heads_or_tails,
            NOT_A_SHARE: not_a_share,
            ONE_SIDED: truncated,
        },
        hints=(
            "How far x lies above the multiple below it, as a share of the spacing, is the "
            "probability of going up.",
            "Add a number between 0 and 1 to x / spacing, and take the floor.",
        ),
    ),
    Exercise(
        "6.5",
        reference=partitioned,
        cases={
            "eight equal ones": ([100] * 8, 4),
            "one is too large": ([1000, 10, 10, 10], 2),
            "the smaller ones first": ([1, 2, 3, 4, 10], 2),
            "more processes than tensors": ([5, 3], 4),
            "random": lambda rng: (
                [int(n) for n in rng.integers(1, 100, size=9)],
                int(rng.integers(2, 5)),
            ),
        },
        mistakes={
            "Begin with the largest: the small ones then fill the gaps.": (
                lambda sizes, processes: partitioned(sizes, processes, order=list)
            ),
            "Begin with the largest, not with the smallest.": (
                lambda sizes, processes: partitioned(sizes, processes, order=sorted)
            ),
            "Not in turn: each goes to the process that has least.": assigned_in_turn,
            "A tensor is not divided.": divided_evenly,
        },
        hints=(
            "Sort the sizes, the largest first.",
            "Keep a list of what each process holds; the next tensor goes where it is smallest.",
        ),
    ),
    Exercise(
        "6.6",
        reference=best_interval,
        cases={
            "a checkpoint costs half a step": (0.5, 10_000.0),
            "a checkpoint costs as much as a step": (1.0, 800.0),
            "random": lambda rng: (rng.uniform(0.1, 10), rng.uniform(100, 1e5)),
        },
        mistakes={
            "A failure loses half of the interval, on average.": (
                lambda cost, steps_between_failures: np.sqrt(cost * steps_between_failures)
            ),
            "Where the derivative is zero there is k², not k.": (
                lambda cost, steps_between_failures: 2 * cost * steps_between_failures
            ),
            "A dearer checkpoint should be written less often.": (
                lambda cost, steps_between_failures: np.sqrt(2 * steps_between_failures / cost)
            ),
        },
        hints=(
            "Checkpoints cost cost / k for each step.",
            "Failures cost k / 2 steps in each steps_between_failures of them.",
            "Set the derivative of C/k + k/(2M) to zero.",
        ),
    ),
    Exercise(
        "6.7",
        reference=sparse_sm3_step,
        cases={
            "one row of two": (
                np.zeros((2, 2)),
                np.array([9.0, 4.0]),
                np.array([9.0, 4.0]),
                np.array([1]),
                np.array([[1.0, 2.0]]),
                0.1,
            ),
            "random": a_sparse_matrix,
        },
        mistakes={
            "A column's number must not fall: the other rows are still there.": (
                sm3_forgetting_columns
            ),
            "Each weight takes the smaller of its two numbers.": partial(
                sparse_sm3_step, of_two=np.maximum
            ),
            "A row keeps the largest of its ν, not a sum.": sm3_summing,
            "Add the new squares before you divide.": partial(sparse_sm3_step, divisor=belated),
            "Rows that are not named keep their numbers.": sm3_resetting_rows,
        },
        hints=(
            "Can a number of a row ever be larger than those of all columns?",
            "r[rows] are the numbers of the rows named; with [:, None] they meet the columns' c.",
            "The new c is the larger of the old one and the largest ν of the rows named.",
        ),
    ),
]
