"""The exercises of chapter 5, Decay."""

from functools import partial

import numpy as np

from ..bounds import travel_budget
from ._steps import TIGHT, belated, eps_inside, root, uphill, without_root
from ._values import told_apart
from .machinery import Exercise, Wrong

__all__ = ["EXERCISES"]


def average(s, g, rho):
    return rho * s + (1 - rho) * g**2


def rmsprop_step(w, g, s, lr, rho, eps, accumulate=average, divisor=root):
    before, s = s, accumulate(s, g, rho)
    return w - lr * g / divisor(before, s, eps), s


def rmsprop_without_rate(w, g, s, lr, rho, eps):
    return rmsprop_step(w, g, s, 1.0, rho, eps)


def rmsprop_from_the_first_square(w, g, s, lr, rho, eps):
    return rmsprop_step(w, g, s, lr, rho, eps) if s.any() else rmsprop_step(w, g, s, lr, 0.0, eps)


def a_step(rng, shape):
    w, g = rng.normal(size=(2, *shape))
    s = rng.uniform(0.5, 2, size=shape)
    return w, g, s, rng.uniform(0.05, 0.5), rng.uniform(0.6, 0.9), rng.uniform(0.01, 0.1)


def a_step_perhaps_the_first(rng):
    w, g, s, *constants = a_step(rng, (3,))
    return w, g, s * rng.integers(2), *constants


def adam_steps(gradients, lr, beta1, beta2, eps, number=lambda i, j, d: i + 1, divisor=root):
    """Return all steps; `number` says which step the corrections take this one for."""
    steps, d = np.zeros_like(gradients), gradients.shape[1]
    m, s = np.zeros((2, d))
    for i, row in enumerate(gradients):
        m, s = beta1 * m + (1 - beta1) * row, average(s, row, beta2)
        t = number(i, np.arange(d), d)
        m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2**t)
        steps[i] = lr * m_hat / divisor(None, s_hat, eps)
    return steps


def adam_of_one_memory(gradients, lr, beta1, beta2, eps):
    line = adam_steps(gradients.reshape(-1, 1), lr, beta1, beta2, eps)
    return line.reshape(gradients.shape)


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


def graft_of_squares(length_step, direction_step):
    norm = np.sum(direction_step**2)
    return np.sum(length_step**2) / norm * direction_step if norm else direction_step


def graft_of_long_directions(length_step, direction_step):
    return graft(length_step, direction_step * (np.linalg.norm(direction_step) > 1e-3))


def graft_of_all_but_the_shortest(length_step, direction_step):
    return graft(length_step, direction_step * (np.linalg.norm(direction_step) > 1e-50))


def graft_with_eps(length_step, direction_step):
    norm = np.linalg.norm(direction_step) + 1e-8
    return np.linalg.norm(length_step) / norm * direction_step


ROUNDS, WALKS, DRIFT = 10_000, 20, 0.1
STARTS = {"30 away": 30.0, "on the target": 0.0}
WINDOWS = {"rounds 301 to 600": slice(300, 600), "rounds 9,001 to 10,000": slice(9000, 10_000)}
ENOUGH, BEST_RATE = 0.062, 0.095

NOT_THERE = "It has not arrived: are the steps at the beginning long enough?"
POISONED = (
    "Its accumulator holds much more than the noise puts into it, about 1 in a round. The first "
    "gradients were about 30: what have they left there, and what empties it?"
)
EACH_ROUND = (
    "Emptied in each round, the accumulator holds one square only. How long is a step then, if the "
    "target is far away, and how long if it is near?"
)
TOO_EARLY = (
    "When the accumulator was emptied, this weight was far away, so that long gradients came into "
    "it. When is it there?"
)
TOO_SLOW = (
    "The effective rate is too low, so it lags behind. G grows by about 1 in a round: how must "
    "the rate grow to make up for it?"
)
TOO_LOW = (
    "The effective rate is level, but too low, so the weight lags behind. At which level is the "
    "error smallest?"
)
TOO_RESTLESS = "The effective rate is too high: it follows the noise."
UNSTEADY = (
    "The effective rate goes up and down, as after each restart. Can it stay level, neither too "
    "high nor too low?"
)


def tracked(plan):
    """Play all walks with AdaGrad as planned.

    Return errors, rates and accumulators, of shape (round, start, walk), and the rounds that began
    with an empty accumulator.
    """
    rng = np.random.default_rng(5)
    targets = np.cumsum(DRIFT * rng.normal(size=(ROUNDS, 1, WALKS)), axis=0)
    noise = rng.normal(size=targets.shape)
    w = np.array([*STARTS.values()])[:, None] + np.zeros(WALKS)
    G = np.zeros_like(w)
    away, rates, sums = np.empty((3, ROUNDS, *w.shape))
    emptied = [0]
    for t in range(ROUNDS):
        lr, forget = planned(plan(t + 1), t + 1)
        emptied += [t] if forget else []
        away[t] = w - targets[t]
        g = away[t] + noise[t]
        G = g**2 if forget else G + g**2
        rates[t], sums[t] = lr / np.sqrt(G), G
        w = w - rates[t] * g
    return away**2 / 2, rates, sums, np.array(emptied)


def is_one(value, kinds):
    """Return whether `value` is a single number whose type NumPy counts among these kinds."""
    array = np.asarray(value)
    return array.ndim == 0 and array.dtype.kind in kinds


def planned(answer, t):
    try:
        lr, forget = answer
    except (TypeError, ValueError):
        if answer is ...:
            raise
        fits = False
    else:
        fits = lr is ... or forget is ... or (is_one(lr, "iuf") and is_one(forget, "biuf"))
    if not fits:
        raise Wrong(f"expected a rate and True or False for t={t}, got {answer!r}")
    lr, forget = float(lr), int(forget)  # of a `...`, neither can be made
    if not 0 <= lr < np.inf:
        raise Wrong(f"expected a rate from zero on for t={t}, got {lr:g}")
    return lr, forget


def keeps_up(plan):
    errors, rates, sums, emptied = tracked(plan)
    for window, rounds in WINDOWS.items():
        for i, start in enumerate(STARTS):
            error, course = errors[rounds, i].mean(), rates[rounds, i].mean(axis=1)
            if error <= ENOUGH:
                continue
            early, late = (rates[rounds, i].mean() for rounds in WINDOWS.values())
            last = emptied[emptied <= rounds.start].max()
            often = np.isin(np.arange(ROUNDS)[rounds], emptied).mean() > 0.5
            low, high = np.quantile(course, [0.1, 0.9])
            played = rounds.start + 1 - last  # and so often has noise come into the accumulator
            if often:
                hint = EACH_ROUND
            elif np.median(course) > 1:  # the weight jumps over the target
                hint = TOO_RESTLESS
            elif error > 100:  # not half of the way
                hint = NOT_THERE
            elif last and errors[last, i].mean() > 2:
                hint = TOO_EARLY
            elif course.mean() < BEST_RATE and sums[rounds.start, i].mean() > 3 * played:
                hint = POISONED
            elif len(emptied) > 3 and high > 1.6 * low:
                hint = UNSTEADY
            elif course.mean() > BEST_RATE:
                hint = TOO_RESTLESS
            else:
                hint = TOO_LOW if abs(late / early - 1) < 0.2 else TOO_SLOW
            most, got = told_apart(ENOUGH, float(error))
            raise Wrong(
                f"expected an error of at most {most} in {window} from a start {start}, got "
                f"{got} at a mean effective rate of {course.mean():.2g}",
                hint,
            )


def level(t):
    return (3.0, False) if t < 100 else (0.1 * np.sqrt(t - 99), t == 100)


def steps_to_go(distance, lr, rho, weight):
    """Count the steps on a constant slope, with an average or (rho and weight 1) with the sum."""
    squares = away = steps = 0.0
    while away < distance:
        squares = rho * squares + weight
        away, steps = away + lr / np.sqrt(squares), steps + 1
    return steps


EXERCISES = [
    Exercise(
        "5.1",
        reference={"rate": 0.02, "step": 0.12, "steps needed": 400.0},
        mistakes={
            "Divide by the root of G, the sum of 25 squares.": {"rate": 0.6 / 900},
            "The gradient enters G squared.": {"rate": 0.6 / np.sqrt(150)},
            "Is that the root of one square? G is the sum of all 25.": {"rate": 0.1},
            "The step is the rate times the gradient.": {"step": 0.02},
            "Is that the length of the step? The rate is η/√G.": {"rate": 0.12},
            "Only the first step is as long as that.": {"step": 0.6},
            "The 2 is missing: the bound is 2η√T.": {"steps needed": 1600.0},
            "That is √T.": {"steps needed": 20.0},
            "Each step is shorter than the one before: use the bound.": {"steps needed": 40.0},
        },
        hints=(
            "After 25 gradients of 6, G = 25 · 36.",
            "On a constant slope step t has the length η/√t.",
            "Solve 2η√T ≥ 24 for T.",
        ),
    ),
    Exercise(
        "5.2",
        reference=lambda distance, lr, steps: bool(travel_budget(lr, steps) >= distance),
        cases={
            "far enough": (2.27, 0.1, 150),
            "too far": (2.0, 0.15, 30),
            "within the bound 2η√T, but not within the sum": (1.9, 0.1, 100),
            "the very first step": (0.5, 0.5, 1),
            "too far for four steps": (0.7, 0.15, 4),
            "much too far": (3.0, 0.15, 4),
            "just enough": (0.5, 0.1, 10),
            "just too little": (1.01, 0.2, 10),
            "too little by a tenth of a step": (1.03, 0.2, 10),
            "just enough in the first step": (0.1995, 0.2, 1),
            "just enough in two steps": (0.12, 0.1, 2),
            "just too little in the first step": (0.2002, 0.2, 1),
            "just too little in two steps": (0.171, 0.1, 2),
            "the first of two steps is enough": (0.08, 0.1, 2),
            "random cases": lambda rng: (
                rng.uniform(0.5, 4),
                rng.uniform(0.05, 0.3),
                int(rng.integers(1, 200)),
            ),
        },
        mistakes={
            "Is that an integral? The sum itself is larger.": (
                lambda distance, lr, steps: bool(lr * (2 * np.sqrt(steps) - 2) >= distance)
            ),
            "2η√T is a bound; the sum itself is smaller.": (
                lambda distance, lr, steps: bool(2 * lr * np.sqrt(steps) >= distance)
            ),
            "A closer bound is still a bound: add up the steps themselves.": (
                lambda distance, lr, steps: bool(lr * (2 * np.sqrt(steps) - 1) >= distance)
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
            "If the budget is exactly the distance it arrives, too. (And ε is zero.)": (
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
            "one coordinate": (
                np.array([1.3]),
                np.array([2.4]),
                np.array([0.7]),
                0.2,
                0.85,
                0.03,
            ),
            "a zero in the average, and one in the gradient": (
                np.array([0.4, -1.2, 0.7]),
                np.array([3.0, -0.5, 0.0]),
                np.array([0.0, 0.6, 0.9]),
                0.15,
                0.7,
                0.02,
            ),
            "random steps": lambda rng: a_step(rng, (2, 3, 2)),
            "random steps, some of them the first": a_step_perhaps_the_first,
            "a table of weights": lambda rng: a_step(rng, (2, 3)),
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
            "The old average counts rho.": partial(
                rmsprop_step, accumulate=lambda s, g, rho: s + (1 - rho) * g**2
            ),
            "The average is of squares, not of gradients.": partial(
                rmsprop_step, accumulate=lambda s, g, rho: rho * s + (1 - rho) * g
            ),
            "First the average, then the step: the present gradient counts.": partial(
                rmsprop_step, divisor=belated
            ),
            "ε is added to the root, not under it.": partial(rmsprop_step, divisor=eps_inside),
            "Divide by the root of the average.": partial(rmsprop_step, divisor=without_root),
            "Divide by the root of the new average, plus ε.": partial(
                rmsprop_step, divisor=lambda *_: 1.0
            ),
            "The rate is missing.": rmsprop_without_rate,
            "Is there a rule of its own for the first step? Its square counts 1 − rho, too.": (
                rmsprop_from_the_first_square
            ),
            "You went uphill: subtract.": uphill(rmsprop_step),
        },
        hints=(
            "s is a weighted mean of the old s and g².",
            "s = rho * s + (1 - rho) * g**2; then the step as in AdaGrad.",
            "For the count: while the way is less than 30, take one more step and add one.",
        ),
        rtol=TIGHT,
        closing=Exercise(
            "5.3",
            reference={"forecast": 600.0, "count": steps_to_go(30, 0.05, rho=0.9, weight=0.1)},
            mistakes={
                "A forecast for AdaGrad, whose steps shrink. What is s here after many steps?": {
                    "forecast": 90_000.0,
                    "count": 90_000.0,
                },
                "Gradient descent's steps are η · 4 long. What does RMSProp divide by?": {
                    "forecast": 150.0
                },
                "Is that a count of AdaGrad's steps?": {
                    "count": steps_to_go(30, 0.05, rho=1.0, weight=1.0)
                },
                "Off by one: does the step that arrives count, and is the first step number 1?": {
                    "count": steps_to_go(30, 0.05, rho=0.9, weight=0.1) - 1
                },
                "Off by one: is the first step number 1, and does the step that arrives count?": {
                    "count": steps_to_go(30, 0.05, rho=0.9, weight=0.1) + 1
                },
                "That is the forecast, or a count with an average that is full from the start. It "
                "starts at zero, so that the first steps are longer.": {"count": 600.0},
            },
            hints=("Once the average has filled, s is g² and each step is η long.",),
            rtol=1e-9,  # a count
        ),
    ),
    Exercise(
        "5.4",
        reference=lambda rho: np.log(0.5) / np.log(rho),
        cases={
            "ρ = 0.8": (0.8,),
            "ρ = 0.96": (0.96,),
            "random ρ": lambda rng: (rng.uniform(0.6, 0.99),),
        },
        mistakes={
            "That is the rough length of the memory; the half-life solves ρ^k = 1/2.": (
                lambda rho: 1 / (1 - rho)
            ),
            "Is that the time until it counts a third as much, 1/e?": lambda rho: -1 / np.log(rho),
            "ln ρ is only nearly −(1 − ρ).": lambda rho: np.log(2) / (1 - rho),
            "A number of steps is positive.": lambda rho: np.log(2) / np.log(rho),
            "Divide by the logarithm of ρ: k ln ρ = ln ½.": lambda rho: np.log(rho) / np.log(0.5),
            "Not rounded.": lambda rho: np.ceil(np.log(0.5) / np.log(rho)),
            "A half-life need not be a whole number of steps: do not cut it off.": (
                lambda rho: np.floor(np.log(0.5) / np.log(rho))
            ),
            "Is that rounded? A half-life need not be a whole number of steps.": (
                lambda rho: np.round(np.log(0.5) / np.log(rho))
            ),
            "Count from when it came in: it loses its first share one step later.": (
                lambda rho: np.log(0.5) / np.log(rho) + 1
            ),
        },
        hints=(
            "After k more steps a square counts ρ^k as much as at first.",
            "Take logarithms of ρ^k = 1/2.",
        ),
        rtol=TIGHT,
        closing=Exercise(
            "5.4",
            reference={
                "0.9": np.log(0.5) / np.log(0.9),
                "0.99": np.log(0.5) / np.log(0.99),
                "0.999": np.log(0.5) / np.log(0.999),
            },
            mistakes={
                "That is 1/(1 − ρ); what does your function say?": {
                    "0.9": 10.0,
                    "0.99": 100.0,
                    "0.999": 1000.0,
                },
                "ln ρ is only nearly −(1 − ρ).": {"0.9": np.log(2) / 0.1, "0.99": np.log(2) / 0.01},
                "Not rounded to whole steps.": {"0.9": 7.0},
            },
            hints=("Call your function three times.",),
            rtol=5e-4,  # three digits
        ),
    ),
    Exercise(
        "5.5",
        reference=adam_steps,
        cases={
            "one weight": (np.array([[1.4], [-0.6], [2.2]]), 0.2, 0.8, 0.95, 0.03),
            "two weights with the same gradients": (
                np.full((3, 2), 4.0),
                0.1,
                0.9,
                0.98,
                0.0,
            ),
            "zeros among the gradients": (
                np.array(
                    [
                        [0.0, 1.3, -0.4, 0.8],
                        [0.9, 0.0, 0.7, -1.6],
                        [0.0, 0.0, 0.0, 0.0],
                        [0.0, -2.1, 0.3, 0.5],
                        [1.2, 0.6, 0.0, -0.7],
                    ]
                ),
                0.25,
                0.75,
                0.9,
                0.04,
            ),
            "random gradients": lambda rng: (
                rng.normal(size=(4, 3)),
                rng.uniform(0.05, 0.5),
                rng.uniform(0.6, 0.8),
                rng.uniform(0.85, 0.95),
                rng.uniform(0.01, 0.1),
            ),
        },
        mistakes={
            "Two weights with the same gradients take different steps. What do they share that "
            "changes from one to the next?": partial(
                adam_steps, number=lambda i, j, d: i * d + j + 1
            ),
            "Does t still count the steps? Now it starts anew in each.": partial(
                adam_steps, number=lambda i, j, d: j + 1
            ),
            "Does t change at all? Each step has the corrections of the first.": partial(
                adam_steps, number=lambda i, j, d: np.ones(d)
            ),
            "The first step is number 1: what is 1 − βᵗ for t = 0?": partial(
                adam_steps, number=lambda i, j, d: i
            ),
            "One too many: the first step is number 1.": partial(
                adam_steps, number=lambda i, j, d: i + 2
            ),
            "Are the corrections still there? They were not the fault.": partial(
                adam_steps, number=lambda i, j, d: np.full(d, np.inf)
            ),
            "Each weight needs an m and an s of its own.": adam_of_one_memory,
            "β₁ belongs to m, β₂ to s.": lambda gradients, lr, beta1, beta2, eps: adam_steps(
                gradients, lr, beta2, beta1, eps
            ),
            "ε is added to the root, not under it.": partial(adam_steps, divisor=eps_inside),
            "Divide by the root.": partial(adam_steps, divisor=without_root),
        },
        hints=(
            "With constant gradients m̂ is g and ŝ is g², so each step should be η long. Which "
            "weight's first step is, and which one's is not?",
            "Follow t through the first step of both weights.",
            "t is the number of the step: it must be the same for all weights.",
        ),
        rtol=TIGHT,
        closing=Exercise(
            "5.5",
            reference={"first step": 1.0, "uncorrected": 0.1 / np.sqrt(0.001)},
            mistakes={
                "The step divides by the root of s.": {"uncorrected": 0.1 / 0.001},
                "Only m uncorrected? Both are.": {"uncorrected": 0.1},
                "Only s uncorrected? Both are.": {"uncorrected": 1 / np.sqrt(0.001)},
                "Is it upside down (m is above, s below), or not in units of η?": {
                    "uncorrected": np.sqrt(0.001) / 0.1
                },
                "In units of η.": {"first step": 0.1},
                "With the corrections, first.": {"first step": 0.1 / np.sqrt(0.001)},
            },
            hints=(
                "Before the first step both averages are zero. What are m and s after it, in "
                "terms of g?",
            ),
        ),
    ),
    Exercise(
        "5.6",
        reference=graft,
        cases={
            "two coordinates": (np.array([3.0, 4.0]), np.array([-1.0, 2.0])),
            "no direction": (np.array([1.5, -0.5]), np.zeros(2)),
            "no length": (np.zeros(3), np.array([0.3, -2.0, 1.1])),
            "a zero in the direction": (np.array([1.0, 0.5, -2.0]), np.array([0.0, 3.0, -1.0])),
            "a direction whose sum is zero": (
                np.array([0.5, 2.0, 1.0]),
                np.array([2.0, -3.0, 1.0]),
            ),
            "no positive coordinate": (np.array([1.0, 0.5, -2.0]), np.array([-3.0, -4.0, 0.0])),
            "a very short direction": (np.array([0.3, 0.4]), np.array([6e-6, -8e-6])),
            "one of the length 1e-100": (np.array([0.4, 0.5]), np.array([8e-101, -6e-101])),
            "random steps": lambda rng: (rng.normal(size=4), rng.normal(size=4)),
        },
        mistakes={
            "Where there is no direction, the graft is zero.": graft_of_zero,
            "Does it go in the direction of the second step?": lambda length, way: length,
            "One length for the whole vector, not one for each coordinate.": graft_by_coordinate,
            "It is to be as long as the first step.": graft_without_length,
            "Length of the first, direction of the second.": lambda length, way: graft(way, length),
            "Divide by the length of the second step, too.": (
                lambda length, way: np.linalg.norm(length) * way
            ),
            "A length is the root of the sum of squares.": graft_of_squares,
            "Only a step of zero has no direction, and not one that is merely short.": (
                graft_of_long_directions
            ),
            "Even the shortest step has a direction. Is its length compared with a small number, "
            "or is one added to it?": graft_of_all_but_the_shortest,
            "What you add to the length is felt if the second step is short. Treat zero apart.": (
                graft_with_eps
            ),
            "It points the other way: the second step is a change already.": (
                lambda length, way: -graft(length, way)
            ),
        },
        hints=(
            "Divide the second step by its length and multiply by that of the first.",
            "np.linalg.norm is the length; treat a zero apart.",
        ),
        rtol=TIGHT,
    ),
    Exercise(
        "5.7",
        reference=level,
        properties={"on both weights, early and late": keeps_up},
        mistakes={
            POISONED: lambda t: (0.1 * np.sqrt(t), False),
            NOT_THERE: lambda t: (0.01 * np.sqrt((t - 1) % 50 + 1), t % 50 == 1),
            EACH_ROUND: lambda t: (0.05, True),
            TOO_EARLY: lambda t: (3.0, False) if t < 9 else (0.1 * np.sqrt(t - 8), t == 9),
            TOO_SLOW: lambda t: (3.0 if t < 100 else 1.5, t == 100),
            TOO_RESTLESS: lambda t: (6.0, False),
            TOO_LOW: lambda t: (3.0, False) if t < 100 else (0.04 * np.sqrt(t - 99), t == 100),
            UNSTEADY: lambda t: (1.0, t % 50 == 1),
        },
        hints=(
            "Two things are wrong with AdaGrad at a constant rate: what the start has left in G, "
            "and that G goes on growing. There is a remedy for each.",
            "Once the far weight has arrived, empty the accumulator, once.",
            "From then on G is about the number of rounds since: a rate that grows like the root "
            "of this number keeps the effective rate level. At which level?",
        ),
    ),
]
