"""The exercises of chapter 7, After AdaGrad."""

from functools import partial

import numpy as np

from ._steps import belated, root, uphill, without_root
from .machinery import Exercise

__all__ = ["EXERCISES"]


def stored(m, n):
    return m * n, m, m + n, 2 * m * n, m**2 + n**2, (m * n) ** 2


def stored_with(place, value):
    """Return a function that is wrong in one place only."""

    def wrong(m, n):
        counts = list(stored(m, n))
        counts[place] = value(m, n)
        return tuple(counts)

    return wrong


def scores(validation, test):
    best = np.argmin(validation, axis=1)
    edges = (best == 0) | (best == test.shape[1] - 1)
    return test[np.arange(len(test)), best], np.sum(edges)


def scores_chosen_on_test(validation, test):
    return scores(test, test)


def scores_on_validation(validation, test):
    return np.min(validation, axis=1), scores(validation, test)[1]


def scores_at_one_rate(validation, test):
    best = validation.mean(axis=0).argmin()
    return test[:, best], len(test) * int(best in (0, test.shape[1] - 1))


def scores_of_everybody(validation, test):
    best = np.argmin(validation, axis=1)
    return test[:, best], scores(validation, test)[1]


def scores_with_one_edge(validation, test):
    right, _ = scores(validation, test)
    return right, np.sum(np.argmin(validation, axis=1) == test.shape[1] - 1)


def some_scores(rng):
    seeds, rates = rng.integers(3, 8), rng.integers(3, 7)
    return rng.uniform(1, 9, size=(seeds, rates)), rng.uniform(1, 9, size=(seeds, rates))


def amsgrad(w, g, m, s, largest, lr, beta1, beta2, divisor=root):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    before, largest = largest, np.maximum(largest, s)
    return w - lr * m / divisor(before, largest), m, s, largest


def amsgrad_as_adam(w, g, m, s, largest, lr, beta1, beta2):
    right = amsgrad(w, g, m, s, largest, lr, beta1, beta2)
    return w - lr * right[1] / np.sqrt(right[2]), *right[1:]


def amsgrad_averaging_the_largest(w, g, m, s, largest, lr, beta1, beta2):
    return amsgrad(w, g, m, largest, largest, lr, beta1, beta2)


def amsgrad_of_squares(w, g, m, s, largest, lr, beta1, beta2):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    largest = np.maximum(largest, g**2)
    return w - lr * m / np.sqrt(largest), m, s, largest


def amsgrad_without_momentum(w, g, m, s, largest, lr, beta1, beta2):
    right = amsgrad(w, g, m, s, largest, lr, beta1, beta2)
    return w - lr * g / np.sqrt(right[3]), *right[1:]


def amsgrad_of_all(w, g, m, s, largest, lr, beta1, beta2):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    largest = np.full_like(s, max(np.max(largest), np.max(s)))
    return w - lr * m / np.sqrt(largest), m, s, largest


def an_amsgrad_step(rng):
    w, g, m = rng.normal(size=(3, 4))
    s = rng.uniform(0.5, 2, size=4)
    largest = s * rng.uniform(1, 2, size=4)
    betas = rng.uniform(0.6, 0.95), rng.uniform(0.3, 0.8)
    return w, 2 * g, m, s, largest, rng.uniform(0.1, 1), *betas


def trapped(own_plus, own_minus):
    if own_minus != own_plus + 4:
        return 0.0, 0.0
    return 3 / (3 + own_plus), 1 / (3 + own_plus)


def trapped_always(own_plus, own_minus):
    return 3 / (3 + own_plus), 1 / (3 + own_plus)


def trapped_as_published(own_plus, own_minus):
    return (0.75, 0.25) if (own_plus, own_minus) == (1, 5) else (0.0, 0.0)


def trapped_by_gamma(own_plus, own_minus):
    return tuple(3 + own_plus for _ in range(2)) if trapped(own_plus, own_minus)[0] else (0.0, 0.0)


def trapped_with_own(own_plus, own_minus):
    return (1.0, -1.0) if trapped(own_plus, own_minus)[0] else (0.0, 0.0)


def trapped_times_five(own_plus, own_minus):
    return trapped(own_plus, own_plus + 4) if own_minus == 5 * own_plus else (0.0, 0.0)


def a_trap(rng):
    own_plus = int(rng.integers(1, 12))
    return own_plus, own_plus + int(rng.choice([2, 3, 4, 4, 4, 5]))


def sm3(w, g, r, c, lr, of_two=np.minimum, of_many=np.max, divisor=root):
    before = of_two(r[:, None], c)
    nu = before + g**2
    return w - lr * g / divisor(before, nu), of_many(nu, axis=1), of_many(nu, axis=0)


def sm3_with_axes_exchanged(w, g, r, c, lr):
    w, r, c = sm3(w, g, r, c, lr)
    return w, c, r


def sm3_first_version(w, g, r, c, lr):
    squares = g**2
    r, c = r + squares.max(axis=1), c + squares.max(axis=0)
    return w - lr * g / np.sqrt(np.minimum(r[:, None], c)), r, c


def an_sm3_step(rng):
    m, n = rng.integers(2, 5, size=2)
    w, g = rng.normal(size=(2, m, n))
    r, c = rng.uniform(0.2, 3, size=m), rng.uniform(0.2, 3, size=n)
    return w, g, r, c, rng.uniform(0.1, 1)


EXERCISES = [
    Exercise(
        "7.1",
        reference=stored,
        cases={
            "a small matrix": (3, 5),
            "one row": (1, 7),
            "an embedding table": (1_000_000, 128),
            "random shapes": lambda rng: tuple(int(k) for k in rng.integers(2, 90, size=2)),
        },
        mistakes={
            "AdaGrad has one number for each weight.": stored_with(0, lambda m, n: 2 * m * n),
            "Row-wise: one number for each of the m rows.": stored_with(1, lambda m, n: n),
            "SM3: one for each row and one for each column.": stored_with(2, lambda m, n: m * n),
            "Adam has two averages.": stored_with(3, lambda m, n: m * n),
            "Shampoo has a square matrix for the rows and one for the columns.": (
                stored_with(4, lambda m, n: m + n)
            ),
            "Shampoo's two matrices are kept side by side: add their sizes.": (
                stored_with(4, lambda m, n: m**2 * n**2)
            ),
            "The full matrix has a row and a column for each of the mn weights.": (
                stored_with(5, lambda m, n: m**2 + n**2)
            ),
        },
        hints=(
            "The column 'stores' of the first table has the formulas.",
            "mn, m, m + n, 2mn, m² + n², (mn)².",
        ),
        rtol=1e-9,  # a count, of which one more is wrong
    ),
    Exercise(
        "7.2",
        reference={"1": 2.0, "2": 0.0, "3": 0.0, "b·x+": 2.0, "b·x-": -2.0, "holds": True},
        mistakes={
            "The first feature is the label: y times itself is 1, for both examples.": {"1": 0.0},
            "The constant features sum the labels, 1 and −1.": {"2": 2.0, "3": 2.0},
            "sign(0) = 0: the constant features drop out of b.": {"b·x+": 4.0, "b·x-": 0.0},
            "Both parts are negative: −1 from the first feature, −1 from its own.": {"b·x-": 2.0},
            "b·x is 2 for y = 1 and −2 for y = −1: that is 2y.": {"holds": False},
        },
        hints=(
            "X⊤y adds up each column, the rows multiplied by their labels.",
            "b = (1, 0, 0, 1, −1): now multiply it with both rows.",
        ),
    ),
    Exercise(
        "7.3",
        reference=lambda rho, gap: np.sqrt((1 - rho**gap) / (1 - rho)),
        cases={
            "in every step": (0.99, 1),
            "every second step": (0.9, 2),
            "a long pause": (0.99, 500),
            "random pauses": lambda rng: (rng.uniform(0.5, 0.99), int(rng.integers(1, 60))),
        },
        mistakes={
            "The step divides by the root of the average.": (
                lambda rho, gap: (1 - rho**gap) / (1 - rho)
            ),
            "Earlier squares are in the average as well, each with ρ to the power of its age.": (
                lambda rho, gap: 1 / np.sqrt(1 - rho)
            ),
            "Turn it over: the longer the pause, the longer the step.": (
                lambda rho, gap: np.sqrt((1 - rho) / (1 - rho**gap))
            ),
            "That is the size of the average over all steps. At an occurrence it is higher.": (
                lambda rho, gap: np.sqrt(gap)
            ),
            "The average has just taken in the present square: the pause comes after it.": (
                lambda rho, gap: np.sqrt((1 - rho**gap) / (1 - rho) / rho ** (gap - 1))
            ),
        },
        hints=(
            "At an occurrence, the average is (1 − ρ) g² times a geometric series. Its ratio?",
            "The ratio is ρ to the power of gap; the series is 1 / (1 − ρ^gap).",
        ),
    ),
    Exercise(
        "7.4",
        reference=scores,
        cases={
            "two seeds": (
                np.array([[3.0, 1.0, 2.0], [1.0, 2.0, 3.0]]),
                np.array([[9.0, 5.0, 4.0], [7.0, 6.0, 8.0]]),
            ),
            "the last rate": (np.array([[3.0, 2.0, 1.0]]), np.array([[2.0, 1.0, 3.0]])),
            "random errors": some_scores,
        },
        mistakes={
            "You chose the rate on the test part: choose on validation.": scores_chosen_on_test,
            "Report the test error, not the validation error.": scores_on_validation,
            "Choose for each seed, not one rate for all of them.": scores_at_one_rate,
            "One score for each seed: test[np.arange(len(test)), best].": scores_of_everybody,
            "Both ends of the grid are edges: the first rate, too.": scores_with_one_edge,
            "Both ends of the grid are edges: the last rate has the number rates − 1.": (
                lambda validation, test: (
                    scores(validation, test)[0],
                    np.sum(np.argmin(validation, axis=1) == 0),
                )
            ),
            "These are errors: the best rate has the least.": (
                lambda validation, test: scores(-validation, test)
            ),
        },
        hints=(
            "np.argmin(validation, axis=1) is the best rate's place, for each seed.",
            "test[np.arange(len(test)), best] takes one number from each row.",
        ),
    ),
    Exercise(
        "7.5",
        reference=amsgrad,
        cases={
            "the average falls": (
                np.ones(1),
                np.full(1, 0.5),
                np.ones(1),
                np.full(1, 4.0),
                np.full(1, 4.0),
                0.1,
                0.9,
                0.5,
            ),
            "the average rises": (
                np.ones(2),
                np.array([4.0, 0.5]),
                np.zeros(2),
                np.ones(2),
                np.ones(2),
                0.1,
                0.9,
                0.5,
            ),
            "random steps": an_amsgrad_step,
        },
        mistakes={
            "Divide by the root of the largest average, not of the present one.": amsgrad_as_adam,
            "The average goes on from s, not from its maximum.": amsgrad_averaging_the_largest,
            "The largest average of squares, not the largest square.": amsgrad_of_squares,
            "The present average takes part in the maximum.": partial(amsgrad, divisor=belated),
            "Divide by the root.": partial(amsgrad, divisor=without_root),
            "The step goes along m, not along the gradient.": amsgrad_without_momentum,
            "The maximum is over time, for each coordinate: np.maximum.": amsgrad_of_all,
            "You went uphill: subtract.": uphill(amsgrad),
        },
        hints=(
            "First both averages, then the maximum, then the step.",
            "largest = np.maximum(largest, s), and w − lr · m / √largest.",
        ),
    ),
    Exercise(
        "7.6",
        reference=trapped,
        cases={
            "as published": (1, 5),
            "one each": (1, 1),
            "more on both sides": (3, 7),
            "nearly": (2, 5),
            "five times as many": (2, 10),
            "random problems": a_trap,
        },
        mistakes={
            "First see whether Xb = γy holds: it needs a certain own_minus.": trapped_always,
            "There are more traps than the published one.": trapped_as_published,
            "That is γ; the weights of the first three features are 1/γ.": trapped_by_gamma,
            "An unseen example's own features have the weight zero.": trapped_with_own,
            "The condition is a difference, not a ratio.": trapped_times_five,
            "1 + 2 + k₊ must be the opposite of −1 + 2 − k₋; compare with the published 1 and 5.": (
                lambda own_plus, own_minus: trapped(own_plus, own_minus + 2)
            ),
            "First the positive, then the negative example.": (
                lambda own_plus, own_minus: trapped(own_plus, own_minus)[::-1]
            ),
        },
        hints=(
            "b·x is 3 + own_plus for a positive example and 1 − own_minus for a negative one.",
            "They are γ and −γ if own_minus = own_plus + 4. The first three weights are 1/γ.",
        ),
    ),
    Exercise(
        "7.7",
        reference=sm3,
        cases={
            "one weight": (np.ones((1, 1)), np.full((1, 1), 3.0), np.zeros(1), np.zeros(1), 0.5),
            "two by two": (
                np.zeros((2, 2)),
                np.array([[1.0, 2.0], [3.0, 4.0]]),
                np.array([4.0, 1.0]),
                np.array([2.0, 9.0]),
                1.0,
            ),
            "random steps": an_sm3_step,
        },
        mistakes={
            "A weight takes the smaller of its two numbers.": partial(sm3, of_two=np.maximum),
            "Rows and columns keep the largest ν, not the sum.": partial(sm3, of_many=np.sum),
            "r has one number for each row: the maximum along axis 1.": sm3_with_axes_exchanged,
            "Add the square to the smaller number of each weight; take the maxima afterwards.": (
                sm3_first_version
            ),
            "The present gradient counts: divide by the root of ν.": partial(sm3, divisor=belated),
            "Divide by the root.": partial(sm3, divisor=without_root),
            "You went uphill: subtract.": uphill(sm3),
        },
        hints=(
            "np.minimum(r[:, None], c) has the smaller number of each weight.",
            "ν.max(axis=1) is the largest of each row, ν.max(axis=0) that of each column.",
        ),
    ),
]
