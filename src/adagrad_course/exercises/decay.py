"""The exercises of chapter 5, Decay."""

from functools import partial

import numpy as np

from ..bounds import travel_budget
from ._steps import belated, eps_inside, root, uphill, without_root
from .machinery import Exercise

__all__ = ["EXERCISES"]


def average(s, g, rho):
    return rho * s + (1 - rho) * g**2


def rmsprop_step(w, g, s, lr, rho, eps, accumulate=average, divisor=root):
    before, s = s, accumulate(s, g, rho)
    return w - lr * g / divisor(before, s, eps), s


def a_step(rng):
    w, g = rng.normal(size=(2, 3))
    return w, g, rng.uniform(0.5, 2, size=3), 0.1, rng.uniform(0.5, 0.95), 0.01


def windowed(gradients, lr, window, mean=False, late=0):
    squares, sums = np.square(gradients), []
    for i in range(1, len(squares) + 1):
        kept = squares[max(0, i - window - late) : i]
        sums.append(kept.mean() if mean else kept.sum())
    return lr / np.sqrt(sums)


def adam_step(w, g, m, s, t, lr, beta1, beta2, eps, divisor=root):
    m, s = beta1 * m + (1 - beta1) * g, average(s, g, beta2)
    m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2**t)
    return w - lr * m_hat / divisor(None, s_hat, eps), m, s


def adam_biased(w, g, m, s, t, lr, beta1, beta2, eps):
    _, m, s = adam_step(w, g, m, s, t, lr, beta1, beta2, eps)
    return w - lr * m / (np.sqrt(s) + eps), m, s


def adam_keeping_corrected(w, g, m, s, t, lr, beta1, beta2, eps):
    w, m, s = adam_step(w, g, m, s, t, lr, beta1, beta2, eps)
    return w, m / (1 - beta1**t), s / (1 - beta2**t)


def adam_swapped(w, g, m, s, t, lr, beta1, beta2, eps):
    return adam_step(w, g, m, s, t, lr, beta2, beta1, eps)


def adam_without_momentum(w, g, m, s, t, lr, beta1, beta2, eps):
    _, m, s = adam_step(w, g, m, s, t, lr, beta1, beta2, eps)
    return w - lr * g / (np.sqrt(s / (1 - beta2**t)) + eps), m, s


def adam_eps_uncorrected(w, g, m, s, t, lr, beta1, beta2, eps):
    _, m, s = adam_step(w, g, m, s, t, lr, beta1, beta2, eps)
    lr = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return w - lr * m / (np.sqrt(s) + eps), m, s


def adam_counting_from_0(w, g, m, s, t, lr, beta1, beta2, eps):
    corrected, _, _ = adam_step(w, g, m, s, t + 1, lr, beta1, beta2, eps)
    return corrected, *adam_step(w, g, m, s, t, lr, beta1, beta2, eps)[1:]


def an_adam_step(rng):
    w, g, m = rng.normal(size=(3, 2))
    return w, g, m, rng.uniform(0.5, 2, size=2), int(rng.integers(1, 9)), 0.1, 0.9, 0.95, 0.01


def graft(length_step, direction_step):
    norm = np.linalg.norm(direction_step)
    if norm == 0:
        return np.zeros_like(direction_step)
    return np.linalg.norm(length_step) / norm * direction_step


def graft_of_zero(length_step, direction_step):
    if np.linalg.norm(direction_step) == 0:
        return length_step
    return graft(length_step, direction_step)


def graft_by_coordinate(length_step, direction_step):
    return np.abs(length_step) * np.sign(direction_step)


def graft_without_length(length_step, direction_step):
    norm = np.linalg.norm(direction_step)
    return direction_step / norm if norm else np.zeros_like(direction_step)


def two_steps(rng):
    return rng.normal(size=4), rng.normal(size=4)


def rate_after(a, k, lr, rho):
    return lr / np.sqrt((1 - rho) * rho**k * a**2 + 1 - rho**k)


EXERCISES = [
    Exercise(
        "5.1",
        reference={"rate": 0.025, "step": 0.1, "steps needed": 400.0},
        mistakes={
            "Divide by the root of G = 25 · 16.": {"rate": 0.5 / 400},
            "The gradient enters G squared.": {"rate": 0.05},
            "The step is the rate times the gradient.": {"step": 0.025},
            "That is the length of the step; the rate is η/√G.": {"rate": 0.1},
            "The 2 is missing: 2η√T ≥ 20.": {"steps needed": 1600.0},
            "2η√T ≥ 20 gives √T ≥ 20.": {"steps needed": 20.0},
            "Each step is shorter than the one before: use the budget.": {"steps needed": 40.0},
        },
        hints=(
            "After 25 gradients of 4, G = 25 · 16.",
            "On a constant slope step t has the length η/√t.",
        ),
    ),
    Exercise(
        "5.2",
        reference=lambda distance, lr, steps: bool(travel_budget(lr, steps) >= distance),
        cases={
            "far enough": (2.0, 0.1, 150),
            "too far": (2.0, 0.1, 50),
            "within the bound 2η√T, but not within the sum": (1.9, 0.1, 100),
            "the very first step": (0.5, 0.5, 1),
            "too far for four steps": (0.5, 0.1, 4),
            "much too far": (3.0, 0.1, 4),
            "just enough": (0.5, 0.1, 10),
            "just too little": (0.51, 0.1, 10),
            "random cases": lambda rng: (
                rng.uniform(0.5, 4),
                rng.uniform(0.05, 0.3),
                int(rng.integers(1, 200)),
            ),
        },
        mistakes={
            "2η√T is a bound; the sum itself is smaller.": (
                lambda distance, lr, steps: bool(2 * lr * np.sqrt(steps) >= distance)
            ),
            "Steps get shorter: η/√t and not η.": (
                lambda distance, lr, steps: bool(lr * steps >= distance)
            ),
            "Step t has the length η/√t and not η/t.": (
                lambda distance, lr, steps: bool(
                    lr * np.sum(1 / np.arange(1, steps + 1)) >= distance
                )
            ),
            "It arrives if the budget is at least the distance.": (
                lambda distance, lr, steps: bool(travel_budget(lr, steps) < distance)
            ),
            "It also arrives if the budget is exactly the distance.": (
                lambda distance, lr, steps: bool(travel_budget(lr, steps) > distance)
            ),
            "The rate is missing.": (
                lambda distance, lr, steps: bool(travel_budget(1.0, steps) >= distance)
            ),
            "One step too few: the last is number `steps`.": (
                lambda distance, lr, steps: bool(
                    lr * np.sum(1 / np.sqrt(np.arange(1, steps))) >= distance
                )
            ),
            "One step too many: the last is number `steps`.": (
                lambda distance, lr, steps: bool(travel_budget(lr, steps + 1) >= distance)
            ),
            "That is the last step alone: add them all.": (
                lambda distance, lr, steps: bool(lr / np.sqrt(steps) >= distance)
            ),
        },
        hints=(
            "On a constant slope step t has the length η/√t.",
            "lr * np.sum(1 / np.sqrt(np.arange(1, steps + 1))) is the way.",
        ),
    ),
    Exercise(
        "5.3",
        reference=rmsprop_step,
        cases={
            "one coordinate": (np.array([1.0]), np.array([2.0]), np.array([1.0]), 0.1, 0.9, 0.01),
            "the first step": (np.ones(2), np.array([3.0, -1.0]), np.zeros(2), 0.1, 0.99, 0.0),
            "random steps": a_step,
        },
        mistakes={
            "That is AdaGrad's sum; multiply the old average by rho, the square by 1 − rho.": (
                partial(rmsprop_step, accumulate=lambda s, g, rho: s + g**2)
            ),
            "rho belongs to the old average, 1 − rho to the new square.": partial(
                rmsprop_step, accumulate=lambda s, g, rho: average(s, g, 1 - rho)
            ),
            "The new square counts 1 − rho.": partial(
                rmsprop_step, accumulate=lambda s, g, rho: rho * s + g**2
            ),
            "First the average, then the step: the present gradient counts.": partial(
                rmsprop_step, divisor=belated
            ),
            "ε is added to the root, not under it.": partial(rmsprop_step, divisor=eps_inside),
            "Divide by the root of the average.": partial(rmsprop_step, divisor=without_root),
            "You went uphill: subtract.": uphill(rmsprop_step),
        },
        hints=(
            "s is a weighted mean of the old s and g².",
            "s = rho * s + (1 - rho) * g**2; then the step as in AdaGrad.",
        ),
    ),
    Exercise(
        "5.4",
        reference=lambda rho: np.log(0.5) / np.log(rho),
        cases={
            "ρ = 0.8": (0.8,),
            "ρ = 0.99": (0.99,),
            "random ρ": lambda rng: (rng.uniform(0.6, 0.999),),
        },
        mistakes={
            "That is the rough length of the memory; the half-life solves ρ^k = 1/2.": (
                lambda rho: 1 / (1 - rho)
            ),
            "A number of steps is positive.": lambda rho: np.log(2) / np.log(rho),
            "Divide by the logarithm of ρ: k ln ρ = ln ½.": lambda rho: np.log(rho) / np.log(0.5),
            "Not rounded.": lambda rho: np.ceil(np.log(0.5) / np.log(rho)),
            "A half-life need not be a whole number of steps: do not cut it off.": (
                lambda rho: np.floor(np.log(0.5) / np.log(rho))
            ),
        },
        hints=(
            "After k more steps a square counts ρ^k as much as at first.",
            "Take logarithms of ρ^k = 1/2.",
        ),
    ),
    Exercise(
        "5.5",
        reference=windowed,
        cases={
            "a window of one": (np.array([2.0, -1.0, 4.0]), 1.0, 1),
            "a window longer than the run": (np.array([3.0, 4.0]), 1.0, 10),
            "an early peak": (np.array([10.0, 1.0, 1.0, 1.0, 1.0]), 0.5, 3),
            "random gradients": lambda rng: (rng.normal(size=9), 0.1, int(rng.integers(2, 6))),
        },
        mistakes={
            "The sum over the window, not the mean.": (
                lambda gradients, lr, window: windowed(gradients, lr, window, mean=True)
            ),
            "One too many: the present square and the window − 1 before it.": (
                lambda gradients, lr, window: windowed(gradients, lr, window, late=1)
            ),
            "Squares older than the window must be forgotten.": (
                lambda gradients, lr, window: windowed(gradients, lr, len(gradients))
            ),
            "Sum the squares, not the absolute values.": (
                lambda gradients, lr, window: windowed(np.sqrt(np.abs(gradients)), lr, window)
            ),
            "Divide by the root.": (
                lambda gradients, lr, window: windowed(gradients, lr, window) ** 2 / lr
            ),
        },
        hints=(
            "Step i (from 1) sees squares[max(0, i - window) : i].",
            "A loop over the steps is fine.",
        ),
    ),
    Exercise(
        "5.6",
        reference=adam_step,
        cases={
            "the first step": (
                np.zeros(2),
                np.array([3.0, -0.1]),
                np.zeros(2),
                np.zeros(2),
                1,
                0.1,
                0.9,
                0.999,
                0.0,
            ),
            "random steps": an_adam_step,
        },
        mistakes={
            "Divide m by 1 − β₁ᵗ and s by 1 − β₂ᵗ before the step.": adam_biased,
            "Return the plain averages; the corrected ones are for this step only.": (
                adam_keeping_corrected
            ),
            "β₁ belongs to m, β₂ to s.": adam_swapped,
            "ε is added to the root, not under it.": partial(adam_step, divisor=eps_inside),
            "The averaged gradient takes the gradient's place.": adam_without_momentum,
            "The first step is number 1: 1 − βᵗ with t itself.": adam_counting_from_0,
            "ε is added to the root of the corrected average, √ŝ + ε.": adam_eps_uncorrected,
            "You went uphill: subtract.": uphill(adam_step),
            "Divide by the root.": partial(adam_step, divisor=without_root),
        },
        hints=(
            "Both averages first, then both corrections, then the step.",
            "m_hat = m / (1 - beta1**t) and s_hat = s / (1 - beta2**t).",
        ),
    ),
    Exercise(
        "5.7",
        reference=graft,
        cases={
            "two coordinates": (np.array([3.0, 4.0]), np.array([0.0, 2.0])),
            "no direction": (np.array([1.0, 1.0]), np.zeros(2)),
            "random steps": two_steps,
        },
        mistakes={
            "Where there is no direction, the graft is zero.": graft_of_zero,
            "One length for the whole vector, not one for each coordinate.": graft_by_coordinate,
            "It is to be as long as the first step.": graft_without_length,
            "Length of the first, direction of the second.": lambda length, way: graft(way, length),
        },
        hints=(
            "Divide the second step by its length and multiply by that of the first.",
            "np.linalg.norm is the length; treat a zero apart.",
        ),
    ),
    Exercise(
        "5.8",
        reference=rate_after,
        cases={
            "no poison": (1.0, 5, 0.1, 0.9),
            "a large first gradient": (1000.0, 10, 1.0, 0.99),
            "random cases": lambda rng: (
                rng.uniform(2, 50),
                int(rng.integers(1, 100)),
                0.1,
                rng.uniform(0.8, 0.99),
            ),
        },
        mistakes={
            "The gradient a enters squared.": (
                lambda a, k, lr, rho: lr / np.sqrt((1 - rho) * rho**k * a + 1 - rho**k)
            ),
            "The first square came in with the weight 1 − ρ.": (
                lambda a, k, lr, rho: lr / np.sqrt(rho**k * a**2 + 1 - rho**k)
            ),
            "Do not forget the k ones: together they weigh 1 − ρᵏ.": (
                lambda a, k, lr, rho: lr / np.sqrt((1 - rho) * rho**k * a**2)
            ),
            "Divide by the root of the average.": lambda a, k, lr, rho: (
                rate_after(a, k, lr, rho) ** 2 / lr
            ),
            "That is AdaGrad's sum.": lambda a, k, lr, rho: lr / np.sqrt(a**2 + k),
        },
        hints=(
            "What does the first square weigh after k more steps, and what do the ones together?",
            "The average is (1 - rho) * rho**k * a**2 + (1 - rho**k).",
        ),
    ),
]
