"""The exercises of chapter 1, Learning rates."""

import math
from functools import partial

import numpy as np

from ..descent import descend
from ..objectives import Noisy, Quadratic
from ..optimizers import SGD
from ._steps import ONE_STEP
from ._trials import numbers_like
from ._values import told_apart
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


def run_until_the_gradient_is_zero(gradient, start, lr, steps):
    points = [start]
    while len(points) <= steps and gradient(points[-1]) != 0:
        points.append(points[-1] - lr * gradient(points[-1]))
    return points


def a_parabola(rng):
    curvature, minimum = rng.uniform(0.5, 2), rng.normal()
    return lambda w: curvature * (w - minimum), rng.normal(), rng.uniform(0.1, 0.8), 6


def final_loss(lr, curvatures, start, steps):
    """Return the loss on a bowl after so many steps, and the point that they led to."""
    w = np.array(start)
    for _ in range(steps):
        w = w - lr * curvatures * w
    return np.sum(curvatures * w**2) / 2, w


def best_rate(curvatures, start, rates, steps, best=min):
    return best((final_loss(lr, curvatures, start, steps)[0], lr) for lr in rates)[1]


def best_rate_without_restart(curvatures, start, rates, steps):
    w, found = start, []
    for lr in rates:
        loss, w = final_loss(lr, curvatures, w, steps)
        found.append((loss, lr))
    return min(found)[1]


def best_rate_on_the_way(curvatures, start, rates, steps):
    ways = [(lr, t) for lr in rates for t in range(1, steps + 1)]
    return min((final_loss(lr, curvatures, start, t)[0], lr) for lr, t in ways)[1]


def some_rates(rng):
    curvatures = np.append(rng.uniform(1, 30, size=2), 31)
    rates, steps = rng.uniform(0.01, 0.064, size=20), int(rng.integers(2, 9))
    return curvatures, rng.uniform(1, 4, size=3), rates, steps


def rates_in_order(rng):
    curvatures, start, rates, steps = some_rates(rng)
    return curvatures, start, np.sort(rates)[:: rng.choice([1, -1])], steps


def rates_that_explode_late(rng):
    return np.array([4.0, 21.0]), np.array([8.0, 0.01]), rng.uniform(0.03, 0.35, size=8), 12


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


def at_once(steps):
    """Return a mistake: the number of steps at the rate 1/h."""
    return lambda lr, curvature, reduction: (
        steps if lr * curvature == 1 else steps_needed(lr, curvature, reduction)
    )


class Losses(dict):
    """The losses of one run; they note in a set which of their parts was looked at."""

    def __init__(self, losses, looked_at):
        super().__init__(losses)
        self.looked_at = looked_at

    def __getitem__(self, part):
        self.looked_at.add(part)
        return super().__getitem__(part)


class Training:
    """A model to train, whose losses at any rate are known, and the record of what was trained."""

    def __init__(self, best, limit):
        self.best, self.limit = best, limit
        self.seeds, self.looked_at = {}, set()  # the seeds by the rate; the parts

    def train(self, lr, seed):
        """Return the losses of one run; every seed has another best rate, and so has every part."""
        if not lr > 0:
            raise ValueError(f"expected a positive rate, got {lr}")
        self.seeds.setdefault(float(lr), []).append(seed)
        if sum(map(len, self.seeds.values())) > MOST_RUNS:
            raise Wrong(f"expected at most {MOST_RUNS} runs, got more", TOO_MANY)
        return Losses(self.losses(lr, seed), self.looked_at)

    def losses(self, lr, seed):
        off_best = math.log2(lr / self.best)
        octaves = off_best - 2 * math.sin(5 * seed + 1)  # by luck
        noise = 0.4 * 2 ** (off_best / 6) * math.sin(2 * seed + 4)  # larger rates, more noise
        if octaves > self.limit:
            return dict.fromkeys(PARTS, math.nan)  # diverged
        losses = {}
        for part, (shift, least) in PARTS.items():
            off = octaves - shift
            losses[part] = least * (1 + (0.06 if off < 0 else 0.12) * off**2) * (1 + noise)
        return losses

    def mean(self, lr, part="validation", seeds=range(5)):
        """Return the mean loss over the seeds, infinite if a run diverged."""
        mean = np.mean([self.losses(lr, seed)[part] for seed in seeds])
        return mean if np.isfinite(mean) else math.inf

    def best_of_all(self):
        """Return the rate with the least mean loss, whatever was tried."""
        return min(self.best * 2.0 ** np.arange(-6, 6, 0.05), key=self.mean)


MOST_RUNS = 150
PARTS = {"training": (3, 0.1), "validation": (0, 0.2), "test": (-3.3, 0.4)}  # octaves, least


def tunes(best, limit, tune):
    """Raise `Wrong` unless a rate is found whose validation loss is near the least."""
    task = Training(best, limit)
    rate = float(numbers_like(1.0, tune(task.train)))
    if not 0 < rate < math.inf:
        raise Wrong(f"expected a rate, got {rate:g}")
    # Who computes it once more may come to another last digit.
    rate = next((tried for tried in task.seeds if math.isclose(tried, rate)), rate)
    if not set(range(5)) <= set(task.seeds.get(rate, [])):
        problem = f"expected a rate that was tried with the seeds 0 to 4, got {rate:.3g}"
        raise Wrong(problem, why_not_tried(task, rate))
    loss = task.mean(rate)
    least = task.mean(task.best_of_all())
    if loss > 1.05 * least:
        most, got = told_apart(1.05 * least, loss)
        got = got if loss < math.inf else "a run that diverged"
        problem = f"expected a validation loss of at most {most}, got {got}"
        raise Wrong(f"{problem} with the rate {rate:.3g}", why_not_best(task, rate))


def why_not_tried(task, rate):
    """Return the hint for a rate that was not tried with all seeds."""
    if rate in task.seeds:
        return ALL_SEEDS
    losses = [task.mean(lr, part) for lr in task.seeds for part in PARTS]
    losses += [task.losses(lr, s)[p] for lr in task.seeds for s in range(5) for p in PARTS]
    return A_LOSS if np.isclose(rate, losses, rtol=1e-9).any() else NEVER_TRIED


def why_not_best(task, rate):
    """Return the hint for a rate that is not the best."""
    if task.looked_at == {"test"}:
        return ON_TEST
    if task.looked_at == {"training"}:
        return ON_TRAINING
    loss, tried = task.mean(rate), sorted(task.seeds)
    judged = [lr for lr in tried if set(range(5)) <= set(task.seeds[lr])]
    if loss == math.inf:
        return NAN if any(map(math.isfinite, map(task.mean, tried))) else ALL_DIVERGED
    if loss == min(map(task.mean, judged)):
        if loss > min(map(task.mean, tried)):
            return LUCK
        return TOO_COARSE if tried[0] <= task.best_of_all() <= tried[-1] else AT_EDGE
    by_one_seed = [min(judged, key=partial(task.mean, seeds=[seed])) for seed in range(5)]
    is_largest = rate == max(lr for lr in judged if task.mean(lr) < math.inf)
    if (rate in by_one_seed) == is_largest:  # two explanations are none
        return None
    return LARGEST if is_largest else SEEDS


NAN = "A run that diverged has the loss nan, and nan is neither less nor more than a number."
ALL_DIVERGED = "At every rate that you tried, some run diverged: what of smaller rates?"
LARGEST = "The largest rate that does not diverge is seldom the best: compare the losses."
SEEDS = (
    "Did the mean of the validation loss over all five seeds choose this rate? A single run, even "
    "the best or the worst of the five, favours a rate by luck."
)
ALL_SEEDS = "How many runs are behind this rate? Try it with all of the seeds 0 to 4."
NEVER_TRIED = "You never tried this rate: try it, too, before you return it."
A_LOSS = "That is a loss. Return the rate that has the lowest."
LUCK = (
    "You tried a better rate, but with fewer seeds, which favour a rate by luck: try several of "
    "the best ones with all seeds."
)
ON_TEST = (
    "The test part must not choose: then nothing is left that could say how good the choice is."
)
ON_TRAINING = "The training part favours other rates than new data do. Which part was held out?"
AT_EDGE = "The best is the smallest or the largest of those you tried: what lies beyond it?"
TOO_COARSE = (
    "The best of those you tried, but they are far apart: try more between it and its neighbours."
)
TOO_MANY = "First look at few rates, far apart; then at more of them, near the best."


COARSE, FINE = 10.0 ** np.arange(-6, 5), 2.0 ** np.arange(-3, 4)


def tune(train, part="validation", choose=np.nanargmin, seeds=range(5), grid=COARSE, fine=FINE):
    """Return the best rate of a fine grid around the best of a coarse one."""
    for finer in fine, [1.0]:
        losses = [np.mean([train(lr, seed)[part] for seed in seeds]) for lr in grid]
        grid = grid[choose(losses)] * np.asarray(finer)
    return grid[0]


def all_parabolas_get_low(schedule):
    """Raise `Wrong` unless the schedule brings three noisy parabolas below the target."""

    def rate(t):
        return float(numbers_like(1.0, schedule(t)))

    target, steps, curvatures = 0.003, 1000, [3.0, 1.0, 0.3]
    noisy, starts = Noisy(Quadratic(curvatures), noise=1.0), np.full((300, 3), 10.0)
    run = descend(noisy, starts, SGD(rate), steps, rng=np.random.default_rng(0))
    for h, points in zip(curvatures, run.points[-1].T, strict=True):
        loss = h * np.mean(points**2) / 2
        if loss <= target:
            continue
        remaining = h * points.mean() ** 2 / 2
        last = rate(steps)
        if not loss <= h * 10.0**2 / 2:  # the loss at the start
            hint = DIVERGED
        elif remaining > loss / 2:
            hint = NOT_ARRIVED
        elif last * h >= 2 or last / (2 * (2 - last * h)) > target:
            hint = STILL_NOISY
        else:
            hint = NOISE_LEFT
        most, got = told_apart(target, float(loss))
        got = got if np.isfinite(loss) else "a run that diverged"
        raise Wrong(f"expected a mean loss of at most {most} with curvature {h:g}, got {got}", hint)


def loss_left(lr, h=0.3, steps=1000):
    """Return the loss that a run without noise from 10 has left."""
    return h * (10 * (1 - lr * h) ** steps) ** 2 / 2


FLOOR_RATE = 4 * 0.003 / (1 + 2 * 0.003 * 3.0)  # its floor is 0.003 with curvature 3
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
            "At w = 5 the loss rises to the right: which sign has its slope?": {"gradient": -8.0},
            "The gradient at w₁ is larger: is the factor 2 of the square in it?": {
                "next point": 4.6
            },
            "That is η times the gradient. Where do you stand after subtracting it?": {
                "next point": 0.8
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
            "one step": (lambda w: 3 * w - 1.2, 1.7, 0.15, 1),
            "four steps": (lambda w: 2.5 * w + 0.7, -1.4, 0.3, 4),
            "a start that is a whole number": (lambda w: 2.5 * w + 0.7, 3, 0.15, 4),
            "a gradient that is no straight line": (lambda w: w**3 - 2 * w, 0.4, 0.35, 6),
            "a rate beyond the limit": (lambda w: 3 * w - 1.2, 1.7, 1.1, 14),
            "no step at all": (lambda w: 3 * w - 1.2, 1.7, 0.15, 0),
            "a start at the minimum": (lambda w: 2.5 * w - 5.0, 2.0, 0.3, 3),
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
            "Is the gradient that of each new point?": run_with_first_gradient,
            "The factor lr is missing.": lambda gradient, start, lr, steps: run_descent(
                gradient, start, 1.0, steps
            ),
            "One step too many: `steps` steps lead to steps + 1 points.": (
                lambda gradient, start, lr, steps: run_descent(gradient, start, lr, steps + 1)
            ),
            ONE_STEP: lambda gradient, start, lr, steps: run_descent(
                gradient, start, lr, min(steps, 1)
            ),
            "All `steps` steps are taken, even where the gradient is zero.": (
                run_until_the_gradient_is_zero
            ),
        },
        hints=(
            "Begin with a list that holds the start; in a loop, compute the next point from the "
            "last one and append it.",
            "points.append(points[-1] - lr * gradient(points[-1]))",
        ),
    ),
    Exercise(
        "1.3",
        reference=best_rate,
        cases={
            "rates that rise or fall": rates_in_order,
            "rates whose loss falls first and then explodes": rates_that_explode_late,
            "three curvatures, rates in any order": some_rates,
        },
        mistakes={
            "Whatever the order, the last rate wins, or nearly so. From where does the second rate "
            "set out?": best_rate_without_restart,
            "Every rate begins at the start, and then takes all its steps from there: is the start "
            "set before each step?": (
                lambda curvatures, start, rates, steps: best_rate(curvatures, start, rates, 1)
            ),
            "The last rate comes back: is each loss noted before the next run begins?": (
                lambda curvatures, start, rates, steps: rates[-1]
            ),
            "The lowest loss is the best.": partial(best_rate, best=max),
            "The loss after the last step counts, not the lowest on the way.": (
                best_rate_on_the_way
            ),
            "Return the rate, not its loss.": lambda curvatures, start, rates, steps: min(
                final_loss(lr, curvatures, start, steps)[0] for lr in rates
            ),
        },
        hints=(
            "Follow w by hand, or print it: where is it when the second rate begins?",
            "One line stands before the loop over the rates and belongs into it.",
            "With μ = 2 and L = 50: 2/L, 2/(L + μ) and (L − μ)/(L + μ).",
        ),
        closing=Exercise(
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
                "That is what is left of the loss, the square. The distance is asked for.": {
                    "factor": (48 / 52) ** 2
                },
            },
            hints=("With μ = 2 and L = 50: 2/L, 2/(L + μ) and (L − μ)/(L + μ).",),
        ),
    ),
    Exercise(
        "1.4",
        reference=steps_needed,
        cases={
            "a small rate": (0.1, 1.0, 1e-6),
            "a rate that overshoots": (1.9, 1.0, 2e-4),
            # 17 is what the formula gives in floating point, too, however it is written.
            "a whole number by itself": (0.75, 2.0, 2.0**-34),
            "the rate that arrives at once": (0.5, 2.0, 1e-6),
            "a rate at the limit": (0.5, 4.0, 1e-6),
            "a rate beyond the limit": (3.0, 1.0, 1e-6),
            "a very small rate": (1e-4, 1.0, 1e-6),
            "a loss that may even grow": (0.05, 1.4, 2.5),
            "a loss that may stay as it is": (3.0, 1.0, 1.0),
            "a loss that may grow, and a rate that arrives at once": (0.5, 2.0, 2.0),
            "a rate of zero": (0.0, 2.0, 1e-6),
            "random rates": lambda rng: (
                rng.uniform(0.01, 0.9),
                rng.uniform(0.1, 2.1),
                10 ** rng.uniform(-8, -2),
            ),
            "a rate with which it takes a thousand million steps": (7e-9, 1.3, 1e-6),
        },
        mistakes={
            "That is when the distance has shrunk so far; the loss shrinks by its square.": (
                steps_for_the_distance
            ),
            "That is one step too few: is it rounded up?": steps_rounded_down,
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
            "The factor is 1 − ηh, with the curvature h itself. Is there a ½ in yours?": (
                lambda lr, curvature, reduction: steps_needed(lr, curvature / 2, reduction)
            ),
            "A rate that overshoots still converges while ηh < 2. Is 1 − ηh without a 2 in it?": (
                lambda lr, curvature, reduction: steps_needed(lr, 2 * curvature, reduction)
            ),
            "A rate that overshoots still converges while ηh < 2: what is |1 − ηh| here?": (
                lambda lr, curvature, reduction: (
                    math.inf if lr * curvature > 1 else steps_needed(lr, curvature, reduction)
                )
            ),
            "Where the loss may even grow, it is low enough at the start: no step is needed.": (
                lambda lr, curvature, reduction: (
                    math.inf if reduction > 1 else steps_needed(lr, curvature, reduction)
                )
            ),
            "The rate 1/h arrives in one step, not in none.": at_once(0),
            "The rate 1/h arrives in one step: a loss of 0 is low enough.": at_once(math.inf),
            "The loss shrinks by (1 − ηh)² in a step: is there a factor 2 too many?": (
                lambda lr, curvature, reduction: steps_needed(lr, curvature, reduction**0.5)
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
        reference=tune,
        properties={
            "a model whose good rates are a little below 1": partial(tunes, 0.75, 5.2),
            "one whose good rates are tiny": partial(tunes, 3e-5, 5.2),
            "one that diverges with some seeds near its good rates, which are huge": (
                partial(tunes, 470.0, 1.9)
            ),
        },
        mistakes={
            NAN: partial(tune, choose=np.argmin),
            ALL_SEEDS: partial(tune, seeds=[0]),
            ON_TEST: partial(tune, part="test"),
            ON_TRAINING: partial(tune, part="training"),
            AT_EDGE: partial(tune, grid=10.0 ** np.arange(-5, 2)),
            TOO_COARSE: partial(tune, fine=[1.0]),
            TOO_MANY: partial(tune, grid=2.0 ** np.arange(-20, 14)),
        },
        hints=(
            "Write a function of lr: the mean of the validation loss over the seeds 0 to 4. "
            "np.mean gives nan if one of the runs diverged.",
            "Begin with the powers of ten from 1e-6 to 1e4; that takes 55 runs. `argbest` passes "
            "over nan, and warns at an edge.",
            "Then try the best of them times 1/8, 1/4, 1/2, 1, 2, 4 and 8.",
        ),
    ),
    Exercise(
        "1.6",
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
            "For the constant rate set ησ²/(2(2 − ηh)), which is ½hV, equal to 0.003.",
        ),
        closing=Exercise(
            "1.6",
            reference={"rate": FLOOR_RATE, "left": loss_left(FLOOR_RATE)},
            mistakes={
                "That holds for small rates only: do not drop the term ηh in 2 − ηh.": {
                    "rate": 0.012
                },
                "Which of the three curvatures has the highest floor at a given rate?": {
                    "rate": 4 * 0.003 / (1 + 2 * 0.003 * 0.3)
                },
                "That is the rate for a variance of 0.003; the mean loss is ½·h times it.": {
                    "rate": 2 * 0.003 * 3 / (1 + 0.003 * 9)
                },
                "Half of hV, not hV: the loss is ½·h·w².": {"rate": 2 * 0.003 / (1 + 0.003 * 3)},
                "With curvature 3 nearly nothing is left. The flattest parabola is slower.": {
                    "left": loss_left(FLOOR_RATE, h=3.0)
                },
                "That is the distance that is left; the loss is ½·h times its square.": {
                    "left": 10 * (1 - 0.3 * FLOOR_RATE) ** 1000
                },
                "That is after 999 steps.": {"left": loss_left(FLOOR_RATE, steps=999)},
                "Nearly: is the rate rounded in it?": {"left": loss_left(0.01179)},
                "Is the rate rounded in it, or are there 1,001 steps?": {
                    "left": loss_left(FLOOR_RATE, steps=1001)
                },
                "Is the factor ½ in the loss?": {"left": 2 * loss_left(FLOOR_RATE)},
                "That is a share of the first loss, which is ½·h·10².": {
                    "left": (1 - 0.3 * FLOOR_RATE) ** 2000
                },
            },
            hints=("Set ησ²/(2(2 − ηh)), which is ½hV, equal to 0.003.",),
        ),
    ),
    Exercise(
        "1.7",
        reference=lambda lr, a, b: lr * b**2 / a,
        cases={
            "the loss in other units": (0.03, 250.0, 1.0),
            "the parameters in other units": (0.7, 1.0, 40.0),
            "both": (0.3, 5.0, 1.7),
            "random units": lambda rng: tuple(rng.uniform(0.5, 3, size=3)),
        },
        mistakes={
            "Upside down: a loss measured in larger numbers has larger gradients, which need "
            "a smaller rate.": lambda lr, a, b: lr * a / b**2,
            "The parameters' unit enters twice: in the gradient and in the step.": (
                lambda lr, a, b: lr * b / a
            ),
            "The factor lr is missing.": lambda lr, a, b: b**2 / a,
            "The loss's unit is missing.": lambda lr, a, b: lr * b**2,
            "The parameters' unit is missing.": lambda lr, a, b: lr / a,
            "Right for the loss, upside down for the parameters.": (
                lambda lr, a, b: lr / (a * b**2)
            ),
            "Right for the parameters, upside down for the loss.": lambda lr, a, b: lr * a * b**2,
        },
        hints=(
            "By the chain rule the gradient of F(v) = a·f(v/b) is a/b times that of f.",
            "You want b·(w − η g) = b·w − η′·(a/b)·g for every g.",
            "AdaGrad divides by the root of the squares: a/b cancels, and a step is η long.",
        ),
        closing=Exercise(
            "1.7",
            reference={"SGD": 1e12, "AdaGrad": 1e6},
            mistakes={
                "That is the factor between the two units. How does it enter SGD's rate?": {
                    "SGD": 1e6
                },
                "A metre has a million micrometres.": {"AdaGrad": 1e3},
                "In AdaGrad's step the gradient's unit cancels. What is left for η?": {
                    "AdaGrad": 1e12
                },
                "AdaGrad's first step is η long. In which unit?": {"AdaGrad": 1.0},
                "A factor above 1 is asked for.": {"SGD": 1e-12, "AdaGrad": 1e-6},
            },
            hints=("Your function says how SGD's rate depends on b. AdaGrad's step is η·g/√G.",),
            rtol=1e-7,  # in single precision 1e12 is another number
        ),
    ),
]
