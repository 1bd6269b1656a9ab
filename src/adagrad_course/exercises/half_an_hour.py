"""The exercises of Half an hour, the page before chapter 1."""

import numpy as np

from ._steps import FLAT_BOWL, MISTAKEN_RUNS, SINGLE_WEIGHT, run_adagrad, run_with, some_bowls
from .machinery import Exercise

__all__ = ["EXERCISES"]


def end_of(run):
    """Return a function that makes the run and returns its last point alone."""
    return lambda gradient, start, lr, steps: run(gradient, start, lr, steps)[-1]


def run_with_mean_of_squares(gradient, start, lr, steps):
    w, squares = start, []
    for _ in range(steps):
        g = gradient(w)
        squares.append(g**2)
        w = w - lr * g / (np.sqrt(np.mean(squares, axis=0)) + 1e-10)
    return w


def run_with_root_of_t(gradient, start, lr, steps):
    w = start
    for t in range(1, steps + 1):
        w = w - lr * gradient(w) / np.sqrt(t)
    return w


def a_cube(rng):
    curvatures, minima, start = rng.uniform(0.2, 4, size=(3, 2, 3, 2))
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
            "Squares, not absolute values.": {"G": 11.0},
            "All three gradients count, the present one too.": {"G": 13.0},
            "The squares are added up; there is no division by their number.": {"G": 49 / 3},
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
            "That has η in it. The fixed rate that is asked for takes the place of η/√G.": {
                "best": 0.7 * 3.5 / 7
            },
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
        reference=end_of(run_adagrad),
        cases={
            "two steps": (lambda w: 2.5 * w - 0.4, np.array([1.2, -0.7]), 0.9, 2),
            "five steps": (
                lambda w: np.array([0.5, 3.0, 20.0]) * (w - [0.3, -1.1, 0.6]),
                np.array([1.73, 0.4, -23.0]),
                0.7,
                5,
            ),
            "a start at the minimum of one coordinate": (
                lambda w: np.array([1.5, 0.3]) * (w - [0.75, -0.2]),
                np.array([0.75, 1.9]),  # 0.75 is the same in single precision
                0.9,
                3,
            ),
            "a bowl so flat in one direction that 1e-10 counts": FLAT_BOWL,
            "away from a hilltop": (
                # It starts so near the top that one might stop. It is steep, so that the gradient
                # soon is large, and the steps of other mistakes with a small one differ.
                lambda w: np.array([-3e4, -1.7e4]) * (w - [2e-13, -4e-13]),
                np.array([5e-13, -1e-13]),
                0.8,
                4,
            ),
            "sixty short steps": (
                lambda w: np.array([2.5, 0.6, 1.9]) * (w - [4e-6, -3.1e-5, 0.9]),
                np.array([1.2e-5, -7e-6, 0.01]),
                8e-7,
                60,
            ),
            "no step at all": (lambda w: 2.5 * w - 0.4, np.array([1.2, -0.7]), 0.9, 0),
            "a single weight, of shape ()": SINGLE_WEIGHT,
            "weights of shape (2, 3, 2)": a_cube,
            "random bowls, with weights of shape (4, 2)": some_bowls,
        },
        mistakes={hint: end_of(run) for hint, run in MISTAKEN_RUNS.items()}
        | {
            "The accumulator remembers: make it before the loop, and add to it in each step.": (
                end_of(run_with(accumulate=lambda G, g: g**2))
            ),
            "The squares are added up; there is no division by the number of steps.": (
                run_with_mean_of_squares
            ),
            "The root is that of the accumulator, not of the number of steps.": run_with_root_of_t,
            "Return where the run ends, not all of its points.": run_adagrad,
        },
        hints=(
            "Before the loop: w is the start, and G has a zero for each weight.",
            "In the loop three lines: the gradient, the new G, the new w.",
            "w = w - lr * g / (np.sqrt(G) + 1e-10) makes a new array; w -= … would change `start`.",
        ),
    ),
    Exercise(
        "0.3",
        reference={
            "forecast": 1600.0,
            "slope": steps_to(4),
            "twice as far": steps_to(8),
            "steep start": steps_to(4, first=-10),
        },
        mistakes={
            "That would be steps of η each; step t is η/√t long.": {
                "forecast": 80.0,
                "slope": 80.0,
                "twice as far": 160.0,
            },
            "The budget grows like the root of T. Did you square at the end?": {"forecast": 40.0},
            "Is the 2 of 2η√T in it? And is it for the distance 4?": {"forecast": 6400.0},
            "The steps grow ever shorter, but the sum of 1/√t has no limit.": dict.fromkeys(
                ["forecast", "slope", "twice as far", "steep start"], np.inf
            ),
            "That is a count. What did you expect before, from 2η√T?": {"forecast": steps_to(4)},
            "That is the forecast, from 2η√T. The sum itself is a little smaller: run it.": {
                "slope": 1600.0,
                "twice as far": 6400.0,
            },
            "Off by one: is the start counted as a step, and is that step the first to be there?": {
                "slope": steps_to(4) - 1,
                "twice as far": steps_to(8) - 1,
                "steep start": steps_to(4, first=-10) - 1,
            },
            "Off by one: is that step the first to be there, and is the start counted as a step?": {
                "slope": steps_to(4) + 1,
                "twice as far": steps_to(8) + 1,
                "steep start": steps_to(4, first=-10) + 1,
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
            "A step has the length η·|g|/√G: the first one is η long, not 10 η.": {
                "steep start": steps_to(4 - 9 * 0.05, first=-10)
            },
        },
        hints=(
            "For which T is the budget 2η√T equal to 4? That is the forecast. The sum of the steps "
            "is a little less by then.",
            "In a loop: add the squared gradient to G, then η · |g| / √G to the way. Count the "
            "rounds until the way is long enough.",
            "For the steep start only the first g differs: 10 there, and 1 from then on.",
        ),
        rtol=1e-6,
    ),
]
