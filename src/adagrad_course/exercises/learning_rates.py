"""The exercises of chapter 1, Learning rates."""

import math

import numpy as np

from ..descent import descend
from ..objectives import Noisy, Quadratic
from ..optimizers import SGD
from ._trials import NOTHING
from .machinery import Exercise, Wrong

__all__ = ["EXERCISES"]


def run_descent(gradient, start, lr, steps):
    points = [start]
    for _ in range(steps):
        points.append(points[-1] - lr * gradient(points[-1]))
    return np.array(points)


def run_uphill(gradient, start, lr, steps):
    return run_descent(lambda w: -gradient(w), start, lr, steps)


def run_with_first_gradient(gradient, start, lr, steps):
    first = gradient(start)
    return run_descent(lambda w: first, start, lr, steps)


def a_parabola(rng):
    curvature, minimum = rng.uniform(0.5, 2), rng.normal()
    return lambda w: curvature * (w - minimum), rng.normal(), rng.uniform(0.1, 0.8), 6


def exact_steps(lr, curvature, reduction, rounded):
    if reduction >= 1:
        return 0
    factor = abs(1 - lr * curvature)
    if factor >= 1:
        return math.inf
    if factor == 0:
        return 1
    return rounded(math.log(reduction) / (2 * math.log(factor)))


def steps_needed(lr, curvature, reduction):
    return exact_steps(lr, curvature, reduction, math.ceil)


def steps_for_the_distance(lr, curvature, reduction):
    return steps_needed(lr, curvature, reduction**2)


def steps_rounded_down(lr, curvature, reduction):
    return exact_steps(lr, curvature, reduction, math.floor)


def steps_rounded_beyond(lr, curvature, reduction):
    return exact_steps(lr, curvature, reduction, lambda steps: math.floor(steps) + 1)


def steps_not_rounded(lr, curvature, reduction):
    return exact_steps(lr, curvature, reduction, lambda steps: steps)


def steps_without_looking_at_the_start(lr, curvature, reduction):
    factor = abs(1 - lr * curvature)
    if factor in (0, 1) or reduction < 1:
        return steps_needed(lr, curvature, reduction)
    return math.inf if factor > 1 else math.ceil(math.log(reduction) / (2 * math.log(factor)))


def steps_whatever_the_rate(lr, curvature, reduction):
    if reduction >= 1:
        return 0
    factor = abs(1 - lr * curvature)
    if factor in (0, 1):
        return 1
    return math.ceil(math.log(reduction) / (2 * math.log(factor)))


def power_iteration(times_hessian, direction, rounds=500):
    for _ in range(rounds):
        direction = direction / np.linalg.norm(direction)
        direction = times_hessian(direction)
    return np.linalg.norm(direction)


def difference(gradient, d):
    return lambda v: gradient(v) - gradient(np.zeros(d))


def any_direction(d):
    return np.random.default_rng(0).standard_normal(d)


def largest_curvature(gradient, d):
    return np.max(np.linalg.eigvalsh([difference(gradient, d)(axis) for axis in np.eye(d)]))


def curvature_without_base(gradient, d):
    return power_iteration(gradient, any_direction(d))


def curvature_of_one_look(gradient, d):
    return power_iteration(difference(gradient, d), any_direction(d), rounds=1)


def curvature_from_ones(gradient, d):
    return power_iteration(difference(gradient, d), np.ones(d))


def curvature_from_one_axis(gradient, d):
    return power_iteration(difference(gradient, d), np.eye(d)[0])


def curvature_along_axes(gradient, d):
    return max(abs(axis @ difference(gradient, d)(axis)) for axis in np.eye(d))


def bowl(hessian, minimum):
    """Return the gradient of a bowl and the number of its dimensions."""
    return lambda w: hessian @ (w - minimum), len(hessian)


def a_tilted_bowl(rng):
    d = rng.integers(3, 7)
    axes, _ = np.linalg.qr(rng.standard_normal((d, d)))
    curvatures = rng.uniform(3, 30) * np.append(rng.uniform(0.5, 0.9, d - 1), 1)
    return bowl(axes * curvatures @ axes.T, minimum=5 * rng.standard_normal(d))


def all_parabolas_get_low(schedule):
    """Raise `Wrong` unless the schedule brings three noisy parabolas below the target."""
    if (first := schedule(1)) is None:
        raise Wrong(NOTHING)
    if np.size(first) > 1:  # it would give each parabola a rate of its own
        raise Wrong(f"expected one rate for step 1, got {np.size(first)}")
    target, steps, curvatures = 0.003, 1000, [3.0, 1.0, 0.3]
    noisy, starts = Noisy(Quadratic(curvatures), noise=1.0), np.full((300, 3), 10.0)
    run = descend(noisy, starts, SGD(schedule), steps, rng=np.random.default_rng(0))
    for h, points in zip(curvatures, run.points[-1].T, strict=True):
        loss = h * np.mean(points**2) / 2
        if loss <= target:
            continue
        remaining = h * points.mean() ** 2 / 2
        last = schedule(steps)
        if not loss <= h * 10.0**2 / 2:  # the loss at the start
            hint = DIVERGED
        elif remaining > loss / 2:
            hint = NOT_ARRIVED
        elif last * h >= 2 or last / (2 * (2 - last * h)) > target:
            hint = STILL_NOISY
        else:
            hint = NOISE_LEFT
        digits = 2 if loss > 1.05 * target else 5
        got = f"{loss:.{digits}g}" if np.isfinite(loss) else "a run that diverged"
        raise Wrong(
            f"expected a mean loss of at most {target} with curvature {h:g}, got {got}", hint
        )


DIVERGED = "The rates are too large for too long: with curvature 3 the limit is 2/3."
NOT_ARRIVED = (
    "The runs have not arrived: the rates add up to too little for this curvature. "
    "With c/t the distance shrinks like t to the power −c·h."
)
STILL_NOISY = "The runs have arrived and rattle: the rate at the end has too high a noise floor."
NOISE_LEFT = (
    "The last rate is small enough, but noise from the larger rates before it has not died out: "
    "lower the rate earlier or more gradually."
)


EXERCISES = [
    Exercise(
        "1.1",
        reference={"gradient": 8.0, "next point": 4.2, "limit": 0.5},
        mistakes={
            "Use the chain rule on 2(w − 3)²: the square brings down a factor 2.": {
                "gradient": 4.0
            },
            "You went uphill: subtract η times the gradient.": {"next point": 5.8},
            "The curvature h is the second derivative, 4, not the factor before the square.": {
                "limit": 1.0
            },
            "1/h is the rate that arrives in one step; runs stay stable up to 2/h.": {
                "limit": 0.25
            },
        },
        hints=(
            "The gradient of 2(w − 3)² is 4(w − 3); its derivative in turn is the curvature.",
            "At w = 5 the gradient is 4 · 2, and the step goes from 5 by −0.1 times that.",
        ),
    ),
    Exercise(
        "1.2",
        reference=run_descent,
        cases={
            "one step": (lambda w: 2 * w, 1.0, 0.25, 1),
            "four steps": (lambda w: 2 * w, 1.0, 0.25, 4),
            "random parabolas": a_parabola,
        },
        mistakes={
            "You went uphill: subtract lr times the gradient.": run_uphill,
            "The starting point belongs to the list: steps + 1 points in all.": (
                lambda gradient, start, lr, steps: run_descent(gradient, start, lr, steps)[1:]
            ),
            "The last step leads to a point too: steps + 1 points in all.": (
                lambda gradient, start, lr, steps: run_descent(gradient, start, lr, steps)[:-1]
            ),
            "Return all points, not only the last.": (
                lambda gradient, start, lr, steps: run_descent(gradient, start, lr, steps)[-1]
            ),
            "Ask for the gradient again at every new point.": run_with_first_gradient,
        },
        hints=(
            "Begin with a list that holds the start; in a loop, compute the next point from the "
            "last one and append it.",
            "points.append(points[-1] - lr * gradient(points[-1]))",
        ),
    ),
    Exercise(
        "1.3",
        reference={"limit": 0.04, "best": 2 / 52, "factor": 48 / 52},
        mistakes={
            "The steepest direction explodes first: it sets the limit.": {"limit": 1.0},
            "1/L is only halfway: runs stay stable up to 2/L.": {"limit": 0.02},
            "Halfway to the limit is 1/L. The best rate balances both ends: 2/(L + μ).": {
                "best": 0.02
            },
            "That is the condition number κ; the factor is (κ − 1)/(κ + 1).": {"factor": 25.0},
            "That is what a step removes; the factor is what it leaves.": {"factor": 4 / 52},
            "A distance has no sign: give the absolute value.": {"factor": -48 / 52},
        },
        hints=(
            "Here μ = 2 and L = 50.",
            "2/L, 2/(L + μ) and (L − μ)/(L + μ).",
        ),
    ),
    Exercise(
        "1.4",
        reference=steps_needed,
        cases={
            "a small rate": (0.1, 1.0, 1e-6),
            "a rate that overshoots": (1.9, 1.0, 1e-3),
            "a whole number by itself": (0.5, 1.0, 1 / 16),
            "the rate that arrives at once": (0.5, 2.0, 1e-6),
            "a rate at the limit": (0.5, 4.0, 1e-6),
            "a rate beyond the limit": (3.0, 1.0, 1e-6),
            "a loss that may even grow": (0.05, 1.4, 2.5),
            "random rates": lambda rng: (
                rng.uniform(0.01, 0.9),
                rng.uniform(0.1, 2.1),
                10 ** rng.uniform(-8, -2),
            ),
        },
        mistakes={
            "That is when the distance has shrunk so far; the loss shrinks by its square.": (
                steps_for_the_distance
            ),
            "One step too few: round up, not down.": steps_rounded_down,
            "Where the formula gives a whole number, that many steps are enough.": (
                steps_rounded_beyond
            ),
            "Steps come in whole numbers: round up.": steps_not_rounded,
            "From the limit on the loss never gets there: return math.inf.": (
                steps_whatever_the_rate
            ),
            "With a reduction of 1 or more the first loss is low enough: no step is needed.": (
                steps_without_looking_at_the_start
            ),
            "A rate that overshoots still converges while ηh < 2: take |1 − ηh|.": (
                lambda lr, curvature, reduction: (
                    math.inf if lr * curvature > 1 else steps_needed(lr, curvature, reduction)
                )
            ),
            "The rate 1/h arrives in one step, not in none.": (
                lambda lr, curvature, reduction: (
                    0 if lr * curvature == 1 else steps_needed(lr, curvature, reduction)
                )
            ),
        },
        hints=(
            "The loss after t steps is the first loss times |1 − ηh| to the power 2t.",
            "Solve |1 − ηh|^(2t) ≤ reduction for t with logarithms, and round up.",
            "Treat three cases by themselves: a reduction of 1 or more (no step), a factor of 0 "
            "(one step) and a factor of 1 or more (never).",
        ),
    ),
    Exercise(
        "1.5",
        reference=largest_curvature,
        cases={
            "a bowl along the axes": bowl(np.diag([8.1, 9.0, 2.0]), minimum=[2.0, -1.0, 0.5]),
            # At the origin, so that rounding does not push a run off the axis (1, 1).
            "the bowl with H = [[2, −1], [−1, 2]]": bowl(
                np.array([[2.0, -1.0], [-1.0, 2.0]]), minimum=np.zeros(2)
            ),
            "random tilted bowls": a_tilted_bowl,
        },
        mistakes={
            "The minimum need not be at the origin: subtract the gradient at your base point.": (
                curvature_without_base
            ),
            "One look mixes all curvatures: feed the change back in as the next direction.": (
                curvature_of_one_look
            ),
            "The steepest direction need not lie along an axis.": curvature_along_axes,
            "Begin in a random direction: a coordinate axis may have no part along the steepest "
            "direction, and what is not there never grows.": curvature_from_one_axis,
            "Begin in a random direction: one that you fix, such as all ones, may have no part "
            "along the steepest direction, and what is not there never grows.": curvature_from_ones,
            "That is the length after shortening, which is always 1: measure it before.": (
                lambda gradient, d: 1.0
            ),
            "That is the cliff 2/L; the exercise asks for L.": (
                lambda gradient, d: 2 / largest_curvature(gradient, d)
            ),
        },
        hints=(
            "On a bowl, gradient(w + v) − gradient(w) is the Hessian times v.",
            "Multiply a random direction by the Hessian again and again: the steepest part grows "
            "fastest.",
            "Shorten the direction to length 1 each time; its length after one more multiplication "
            "tends to L. Where the next curvature is close to L, that takes a hundred rounds.",
        ),
        rtol=1e-2,
    ),
    Exercise(
        "1.6",
        reference=lambda loss, curvature, noise: 4 * loss / (noise**2 + 2 * loss * curvature),
        cases={
            "a low floor": (0.01, 1.0, 1.0),
            "a high floor": (1.0, 3.0, 0.7),
            "random problems": lambda rng: tuple(rng.uniform(0.1, 2, size=3)),
        },
        mistakes={
            "That is the rate for a variance of that size; the mean loss is ½·h times it.": (
                lambda loss, curvature, noise: (
                    2 * loss * curvature / (noise**2 + loss * curvature**2)
                )
            ),
            "Half of hV, not hV: the loss is ½·h·w².": (
                lambda loss, curvature, noise: 2 * loss / (noise**2 + loss * curvature)
            ),
            "That holds for small rates only: do not drop the term ηh in 2 − ηh.": (
                lambda loss, curvature, noise: 4 * loss / noise**2
            ),
            "The noise enters as its variance, σ².": (
                lambda loss, curvature, noise: 4 * loss / (noise + 2 * loss * curvature)
            ),
        },
        hints=(
            "The floor of the mean loss is ½hV = ησ² / (2(2 − ηh)).",
            "Set it equal to the loss you want, multiply out, and collect η on one side.",
        ),
    ),
    Exercise(
        "1.7",
        reference={"deep": 0.87465, "shallow": 1.18853},
        mistakes={
            "Swapped? The deep basin is the left one, near −1.": {
                "deep": 1.18853,
                "shallow": 0.87465,
            },
            "That is 1/h, the rate that arrives fastest; a basin repels from 2/h on.": {
                "deep": 0.43733,
                "shallow": 0.59426,
            },
        },
        hints=(
            "Near the bottom of a basin the loss is a parabola whose curvature is the second "
            "derivative there.",
            "The basins' bottoms are roots of w³ − w + 0.1: see np.roots. The second derivative "
            "is 3w² − 1.",
        ),
        rtol=2e-3,
    ),
    Exercise(
        "1.8",
        reference=lambda t: min(0.5, 4 / t),
        properties={"a mean loss of at most 0.003 on all three parabolas": all_parabolas_get_low},
        mistakes={
            NOT_ARRIVED: lambda t: 1 / t,
            STILL_NOISY: lambda t: 0.02,
            NOISE_LEFT: lambda t: 0.1 if t < 500 else 0.004,
            DIVERGED: lambda t: 1.0,
        },
        hints=(
            "The flattest parabola needs rates that add up to something large; the noise needs "
            "rates that end small.",
            "Keep a constant rate for a while, then let it fall like c/t with c of 3 or more.",
        ),
    ),
    Exercise(
        "1.9",
        reference=lambda lr, a, b: lr * b**2 / a,
        cases={
            "nothing changes": (0.1, 1.0, 1.0),
            "the loss in other units": (0.1, 1000.0, 1.0),
            "the parameters in other units": (0.1, 1.0, 100.0),
            "random units": lambda rng: tuple(rng.uniform(0.5, 3, size=3)),
        },
        mistakes={
            "Upside down: a loss measured in larger numbers has larger gradients, which need "
            "a smaller rate.": lambda lr, a, b: lr * a / b**2,
            "The parameters' unit enters twice: in the gradient and in the step.": (
                lambda lr, a, b: lr * b / a
            ),
            "The loss's unit is missing.": lambda lr, a, b: lr * b**2,
            "The parameters' unit is missing.": lambda lr, a, b: lr / a,
            "Right for the loss, upside down for the parameters.": (
                lambda lr, a, b: lr / (a * b**2)
            ),
        },
        hints=(
            "By the chain rule the gradient of F(v) = a·f(v/b) is a/b times that of f.",
            "You want b·(w − η g) = b·w − η′·(a/b)·g for every g.",
        ),
    ),
]
