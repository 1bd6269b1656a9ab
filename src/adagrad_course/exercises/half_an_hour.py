"""The exercises of Half an hour, the page before chapter 1."""

from functools import partial

import numpy as np

from ._steps import adagrad_step, belated, uphill, without_root
from .machinery import Exercise

__all__ = ["EXERCISES"]


def run_adagrad(gradient, start, lr, steps, step=adagrad_step):
    w, G = start, np.zeros(np.shape(start))
    for _ in range(steps):
        w, G = step(w, gradient(w), G, lr, 1e-10)
    return w


def run_with(**parts):
    """Return a run whose steps have other parts than AdaGrad's."""
    return partial(run_adagrad, step=partial(adagrad_step, **parts))


def run_with_first_gradient(gradient, start, lr, steps):
    first = gradient(start)
    return run_adagrad(lambda w: first, start, lr, steps)


def run_with_mean_of_squares(gradient, start, lr, steps):
    w, squares = start, []
    for _ in range(steps):
        g = gradient(w)
        squares.append(g**2)
        w = w - lr * g / (np.sqrt(np.mean(squares, axis=0)) + 1e-10)
    return w


def some_bowls(rng):
    curvatures, minima, start = rng.uniform(0.2, 4, size=(3, 4, 2))
    return lambda w: curvatures * (w - minima), start, rng.uniform(0.1, 0.5), 7


def steps_to(distance, first=-1.0, lr=0.05):
    """Return in which step AdaGrad has gone so far down a slope of 1."""
    g = np.ones(20_000)
    g[0] = first
    way = np.cumsum(lr * np.abs(g) / np.sqrt(np.cumsum(g**2)))
    return float(np.argmax(way >= distance) + 1)


EXERCISES = [
    Exercise(
        "0.1",
        reference={"G": 49.0, "rate": 0.1, "change": -0.6, "best": 0.5},
        mistakes={
            "Sum the squares, not the gradients.": {"G": 5.0},
            "Square each gradient, then sum; not the other way round.": {"G": 25.0},
            "All three gradients count, the present one too.": {"G": 13.0},
            "That is the root of the accumulator.": {"G": 7.0},
            "η is divided by the root of G.": {"rate": 0.7 / 49},
            "The third gradient is in the sum before the third step is taken.": {
                "rate": 0.7 / np.sqrt(13)
            },
            "That is 1/√G: the factor η is missing.": {"rate": 1 / 7},
            "A positive gradient makes the weight smaller: one goes downhill.": {"change": 0.6},
            "That is the length of a first step. This one is the rate times the gradient.": {
                "change": -0.7
            },
            "The gradient is multiplied by the rate that you have just found, not by η.": {
                "change": -4.2
            },
            "The best rate has the root of G in it.": {"best": 3.5 / 49},
            "Upside down: the farther the minimum, the larger the rate.": {"best": 2.0},
            "That is both prices together; at which rate are they so low?": {"best": 24.5},
        },
        hints=(
            "G is the sum of the three squares, and the rate is η/√G.",
            "The change is −rate · 6. The best rate in hindsight is the distance over √G.",
        ),
    ),
    Exercise(
        "0.2",
        reference=run_adagrad,
        cases={
            "two steps": (lambda w: 2.5 * w - 0.4, np.array([1.2, -0.7]), 0.3, 2),
            "five steps": (
                lambda w: np.array([0.5, 3.0, 20.0]) * (w - [0.3, -1.1, 0.6]),
                np.array([1.73, 0.4, -2.3]),
                0.7,
                5,
            ),
            "a start at the minimum of one coordinate": (
                lambda w: np.array([1.5, 0.3]) * (w - [0.8, -0.2]),
                np.array([0.8, 1.9]),
                0.25,
                3,
            ),
            "random bowls, with weights of shape (4, 2)": some_bowls,
        },
        mistakes={
            "You went uphill: subtract.": partial(run_adagrad, step=uphill(adagrad_step)),
            "Divide by the root of the accumulator.": run_with(divisor=without_root),
            "The gradient must be divided by the root of the accumulator.": run_with(
                divisor=lambda before, after, eps: 1.0
            ),
            "The accumulator sums squares.": run_with(accumulate=lambda G, g: G + np.abs(g)),
            "The accumulator remembers: make it before the loop, and add to it in each step.": (
                run_with(accumulate=lambda G, g: g**2)
            ),
            "The squares are added up; there is no division by the number of steps.": (
                run_with_mean_of_squares
            ),
            "Each coordinate has its own sum: do not add up the squares of different ones.": (
                run_with(accumulate=lambda G, g: G + np.sum(g**2))
            ),
            "The present gradient counts: update the accumulator before you divide by its root.": (
                run_with(divisor=belated)
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
        },
        hints=(
            "Before the loop: w is the start, and G has a zero for each weight.",
            "In the loop three lines: the gradient, the new G, the new w.",
            "w = w - lr * g / (np.sqrt(G) + 1e-10) makes a new array; w -= … would change `start`.",
        ),
    ),
    Exercise(
        "0.3",
        rtol=1e-3,  # whoever counts from 0 has one step less
        reference={
            "slope": steps_to(4),
            "twice as far": steps_to(8),
            "steep start": steps_to(4, first=-10),
        },
        mistakes={
            "That would be steps of η each; step t is η/√t long.": {
                "slope": 80.0,
                "twice as far": 160.0,
            },
            "That is the forecast, from 2η√T. The sum itself is a little smaller: run it.": {
                "slope": 1600.0,
                "twice as far": 6400.0,
            },
            "Twice the distance takes more than twice the steps, as they grow shorter.": {
                "twice as far": 2 * steps_to(4)
            },
            "The first gradient stays in the sum: all later steps are shorter for it.": {
                "steep start": steps_to(4)
            },
            "Squares are summed: after the first step G is 100, not 10.": {
                "steep start": steps_to(4, first=-np.sqrt(10))
            },
        },
        hints=(
            "The budget 2η√T is 4 for T = 1,600. What is the sum of the steps by then?",
            "In a loop: add the squared gradient to G, then η · |g| / √G to the way. Count the "
            "rounds until the way is long enough.",
            "For the steep start only the first g differs: 10 there, and 1 from then on.",
        ),
    ),
]
