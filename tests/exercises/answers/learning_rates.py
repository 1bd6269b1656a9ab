"""Answers to the exercises of chapter 1: right ones in other forms, and wrong ones."""

import math
from fractions import Fraction
from functools import partial

import numpy as np
from optional_torch import torch, with_torch

from adagrad_course.exercises.learning_rates import loss_left


def descent_in_an_array(gradient, start, lr, steps):
    points = np.full(steps + 1, float(start))
    for t in range(steps):
        points[t + 1] = points[t] - lr * gradient(points[t])
    return points


def descent_by_recursion(gradient, start, lr, steps):
    if steps == 0:
        return (start,)
    return (start, *descent_by_recursion(gradient, start - lr * gradient(start), lr, steps - 1))


def best_rate_all_at_once(curvatures, start, rates, steps):
    w = np.tile(start, (len(rates), 1))
    for _ in range(steps):
        w = w - np.outer(rates, curvatures) * w
    return rates[np.argmin((curvatures * w**2).sum(axis=1))]


def best_rate_by_formula(curvatures, start, rates, steps):
    left = {lr: np.sum(curvatures * ((1 - lr * curvatures) ** steps * start) ** 2) for lr in rates}
    return min(left, key=left.get)


def best_rate_of_the_bowl(curvatures, start, rates, steps):
    return 2 / (np.min(curvatures) + np.max(curvatures))


def best_rate_at_any_step(curvatures, start, rates, steps):
    found = []
    for lr in rates:
        w = start
        for _ in range(steps):
            w = w - lr * curvatures * w
            found.append((np.sum(curvatures * w**2), lr))  # a line too far to the right
    return min(found)[1]


def best_rate_from_the_best_point(curvatures, start, rates, steps):
    best, found = start, []
    for lr in rates:
        w = best * (1 - lr * curvatures) ** steps
        found.append((np.sum(curvatures * w**2), lr))
        if found[-1] == min(found):
            best = w
    return min(found)[1]


def descent_in_whole_numbers(gradient, start, lr, steps):
    points = np.full(steps + 1, start)
    for t in range(steps):
        points[t + 1] = points[t] - lr * gradient(points[t])
    return points


def descent_while(go_on, gradient, start, lr, steps):
    """Stay at a point from which one should not go on."""
    points = [start]
    for _ in range(steps):
        w = points[-1] - lr * gradient(points[-1])
        points.append(w if go_on(w, points[-1], gradient) else points[-1])
    return points


def descent_of_a_line(gradient, start, lr, steps):
    base = gradient(0.0)
    h = gradient(1.0) - base
    return -base / h + (start + base / h) * (1 - lr * h) ** np.arange(steps + 1)


def descent_of_one_step_at_least(gradient, start, lr, steps):
    points = [start, start - lr * gradient(start)]
    for _ in range(steps - 1):
        points.append(points[-1] - lr * gradient(points[-1]))
    return points


def descent_until(at_rest, gradient, start, lr, steps):
    """End early at a point from which it makes no difference to go on."""
    points = [start]
    for _ in range(steps):
        w = points[-1] - lr * gradient(points[-1])
        if at_rest(w - points[-1]):
            break
        points.append(w)
    return points


def descent_until_it_stood(gradient, start, lr, steps, least=1e-12):
    points = [start]
    for _ in range(steps):
        points.append(points[-1] - lr * gradient(points[-1]))
        if abs(points[-1] - points[-2]) < least:
            break
    return points


def descent_that_returns_at_once(gradient, start, lr, steps):
    points = [start]
    for _ in range(steps):
        points.append(points[-1] - lr * gradient(points[-1]))
        return points
    return points


def best_rate_noted_once(curvatures, start, rates, steps):
    found = []
    for lr in rates:
        w = start * (1 - lr * curvatures) ** steps
    found.append((np.sum(curvatures * w**2), lr))  # a line too far to the left
    return min(found)[1]


def steps_at_once(steps, lr, curvature, reduction):
    return steps if lr * curvature == 1 else steps_with_logarithms(lr, curvature, reduction)


def steps_upside_down(lr, curvature, reduction):
    right = steps_with_logarithms(lr, curvature, reduction)
    if right in (0, 1, math.inf):
        return right
    return math.ceil(2 * math.log(abs(1 - lr * curvature)) / math.log(reduction))


def steps_of_slow_decay(lr, curvature, reduction):
    right = steps_with_logarithms(lr, curvature, reduction)
    if right in (0, 1, math.inf):
        return right
    return math.ceil(-math.log(reduction) / (2 * lr * curvature))


def steps_with_another_factor(times, lr, curvature, reduction):
    return steps_with_logarithms(times * lr, curvature, reduction)


def steps_with_logarithms(lr, curvature, reduction, log=math.log2):
    if reduction >= 1:
        return 0
    left = (1 - lr * curvature) ** 2
    if left >= 1:
        return math.inf
    return math.ceil(log(reduction) / log(left)) if left else 1


def steps_to_the_decade(lr, curvature, reduction):
    return steps_with_logarithms(lr, curvature, reduction, log=math.log10)


def steps_that_arrive_first(lr, curvature, reduction):
    return 1 if lr * curvature == 1 else steps_with_logarithms(lr, curvature, reduction)


def steps_to_a_millionth(lr, curvature, reduction):
    return steps_with_logarithms(lr, curvature, min(reduction, 1e-6))


def steps_unless_beyond_the_limit(lr, curvature, reduction):
    if lr * curvature >= 2 and reduction < 1:
        return math.inf
    return steps_with_logarithms(lr, curvature, reduction) if lr else 0


def steps_by_counting(lr, curvature, reduction):
    if reduction < 1 and abs(1 - lr * curvature) >= 1:
        return math.inf
    steps, loss = 0, 1.0
    while loss > reduction * (1 + 1e-12):
        steps, loss = steps + 1, loss * (1 - lr * curvature) ** 2
    return steps


def steps_where_one_is_not_enough(lr, curvature, reduction):
    return 1 if reduction == 1 else steps_with_logarithms(lr, curvature, reduction)


def at_most(most, lr, curvature, reduction):
    steps = steps_with_logarithms(lr, curvature, reduction)
    return steps if steps == math.inf else min(steps, most)


def mean_over_seeds(train, lr):
    loss = sum(train(lr, seed)["validation"] for seed in range(5))
    return math.inf if math.isnan(loss) else loss


def tune_by_walking(train, first=0.1, factor=10.0, seen=None):
    """Go to the better neighbour, ever finer; from a flat place go down."""
    seen, lr = {}, first

    def loss(lr):
        if lr not in seen:
            seen[lr] = mean_over_seeds(train, lr)
        return seen[lr]

    while math.isinf(loss(lr)):
        lr /= 10
    while factor > 1.3:
        better = min([lr, lr * factor, lr / factor], key=loss)
        factor, lr = (factor**0.5, lr) if better == lr else (factor, better)
    return lr


def tune_in_thirds(train):
    """Golden section, nearly, on the logarithm."""
    low, high = math.log(1e-6), math.log(1e4)
    losses = {x: mean_over_seeds(train, math.exp(x)) for x in np.linspace(low, high, 11)}
    best = min(losses, key=losses.get)
    low, high = best - 2.3, best + 2.3
    while high - low > 0.5:
        one, other = low + (high - low) / 3, high - (high - low) / 3
        if mean_over_seeds(train, math.exp(one)) < mean_over_seeds(train, math.exp(other)):
            high = other
        else:
            low = one
    mean_over_seeds(train, math.exp((low + high) / 2))
    return math.exp((low + high) / 2)


class Tuner:
    def __call__(self, train):
        return tune_in_thirds(train)


def tune_on_one_grid(train, rates, part="validation", seeds=5, mean=np.mean):
    losses = [mean([train(lr, seed)[part] for seed in range(seeds)]) for lr in rates]
    return rates[np.nanargmin(losses)]


def tune_to_a_rate_that_diverged(train):
    best = tune_on_one_grid(train, 10.0 ** np.arange(-6, 5), seeds=1)
    rates = best * 2.0 ** np.arange(3, 9)
    return rates[np.argmin([mean_over_seeds(train, lr) for lr in rates])]


def tune_by_two_parts(train):
    rates = THIRTY
    losses = [[train(lr, seed) for seed in range(5)] for lr in rates]
    return rates[np.nanargmin([sum(r["validation"] + r["test"] for r in runs) for runs in losses])]


def tune_upwards(train):
    best = tune_on_one_grid(train, 10.0 ** np.arange(-6, 5))
    return tune_on_one_grid(train, best * 2.0 ** np.arange(4))


def largest_stable_rate(train):
    rates = 1.7 * 2.0 ** np.arange(-17, 10)
    return max(lr for lr in rates if mean_over_seeds(train, lr) < math.inf)


def lowest_loss(train):
    return min(mean_over_seeds(train, lr) / 5 for lr in 2.0 ** np.arange(-17, 10))


def tune_from_one_seed(train):
    first = tune_on_one_grid(train, 10.0 ** np.arange(-5, 3.1, 0.2), seeds=1)
    return tune_on_one_grid(train, first * 2.0 ** np.arange(-1, 1.1, 0.1))


THIRTY = 10.0 ** np.linspace(-5, 3, 30)


RIGHT = [
    ("1.1", {"gradient": np.float32(8), "next point": 4.2, "limit": 1 / 2}),
    ("1.2", descent_in_an_array),
    ("1.2", descent_by_recursion),
    ("1.3", best_rate_all_at_once),
    ("1.3", best_rate_by_formula),
    ("1.2", lambda gradient, start, *args: descent_in_an_array(gradient, np.float64(start), *args)),
    ("1.4", steps_with_logarithms),
    ("1.4", steps_to_the_decade),
    ("1.4", lambda *args: np.float64(steps_with_logarithms(*args))),
    ("1.5", tune_by_walking),
    ("1.5", tune_in_thirds),
    ("1.5", Tuner()),
    ("1.5", lambda train: tune_on_one_grid(train, 2.0 ** np.arange(-17, 10))),
    ("1.5", partial(tune_on_one_grid, rates=THIRTY)),
    # The rate computed anew, with another last digit.
    ("1.5", lambda train: np.nextafter(tune_on_one_grid(train, THIRTY), 1)),
    ("1.6", lambda t: min(0.5, 4 / t) * (1 - t / 1000)),  # zero at the end
    ("1.6", lambda t: 0.3 if t < 60 else 10 / (t + 20)),
    ("1.6", lambda t: Fraction(min(0.5, 4 / t))),
    ("1.6", lambda t: np.array(min(0.5, 4 / t))),
    with_torch("1.6", lambda: lambda t: torch.tensor(min(0.5, 4 / t))),
    ("1.7", lambda lr, a, b: (b / a) * b * lr),
    ("1.7", lambda lr, a, b: np.float32(lr * b * b / a)),
]

# With what the hint must say, or None where there must be none.
WRONG = [
    ("1.1", {"gradient": -8, "next point": 4.2, "limit": 0.5}, "which sign"),
    ("1.1", {"gradient": 8, "next point": 0.8, "limit": 0.5}, "after subtracting"),
    ("1.2", lambda gradient, start, lr, steps: [start] * (steps + 1), None),
    ("1.2", lambda gradient, start, lr, steps: None, None),
    ("1.2", descent_in_whole_numbers, None),
    ("1.2", descent_of_a_line, None),
    *(
        (
            "1.2",
            partial(descent_until, lambda change, least=least: abs(change) < least),
            "are taken",
        )
        for least in (1e-6, 1e-8, 1e-12)
    ),
    ("1.2", partial(descent_until, lambda change: change == 0), "are taken"),
    ("1.2", descent_until_it_stood, "in the loop"),
    ("1.2", descent_that_returns_at_once, "in the loop"),
    ("1.2", descent_of_one_step_at_least, "One step too many"),
    ("1.2", partial(descent_while, lambda new, old, gradient: abs(new) < 1e3), None),
    (
        "1.2",
        partial(descent_while, lambda new, old, gradient: abs(gradient(new)) < abs(gradient(old))),
        None,
    ),
    ("1.3", best_rate_from_the_best_point, "set out"),
    ("1.3", best_rate_of_the_bowl, None),
    ("1.3", lambda curvatures, start, rates, steps: rates[len(rates) // 2], None),
    ("1.3", lambda curvatures, start, rates, steps: sorted(rates)[-2], None),
    ("1.3", lambda curvatures, start, rates, steps: min(rates), None),
    ("1.3", lambda curvatures, start, rates, steps: max(rates), "lowest"),
    ("1.3", lambda *case: best_rate_all_at_once(*case[:3], case[3] - 1), None),
    ("1.3", lambda curvatures, start, rates, steps: rates[0], None),
    ("1.3", best_rate_at_any_step, "on the way"),
    ("1.3", best_rate_noted_once, "noted before the next"),
    ("1.4", steps_where_one_is_not_enough, None),
    *(("1.4", partial(at_most, most), None) for most in (1e3, 1e5, 7e5)),
    ("1.4", partial(steps_at_once, math.inf), "low enough"),
    ("1.4", partial(steps_at_once, 0), "not in none"),
    ("1.4", lambda *case: math.inf if case[2] > 1 else steps_with_logarithms(*case), "even grow"),
    ("1.4", steps_upside_down, None),
    ("1.4", steps_of_slow_decay, None),
    ("1.4", lambda *case: steps_with_logarithms(*case[:2], case[2] ** 0.5), "too many"),
    ("1.4", steps_that_arrive_first, None),
    ("1.4", steps_to_a_millionth, "no step is needed"),
    ("1.4", steps_unless_beyond_the_limit, None),
    ("1.4", lambda lr, curvature, reduction: math.inf, "still converges"),
    ("1.4", partial(steps_with_another_factor, 0.5), "a ½ in yours"),
    ("1.4", partial(steps_with_another_factor, 2), "without a 2"),
    ("1.4", partial(steps_with_another_factor, 4), "still converges"),
    ("1.4", lambda lr, curvature, reduction: math.ceil(1 / (lr * curvature)), "limit"),
    ("1.5", partial(tune_on_one_grid, rates=THIRTY, mean=np.nanmean), "nan is neither"),
    ("1.5", partial(tune_on_one_grid, rates=THIRTY, mean=min), "the best or the worst"),
    ("1.5", partial(tune_on_one_grid, rates=THIRTY, mean=np.max), "worst of the five"),
    ("1.5", tune_upwards, "its neighbours"),
    ("1.5", tune_to_a_rate_that_diverged, "nan is neither"),
    ("1.5", tune_by_two_parts, "of the validation loss"),
    ("1.5", partial(tune_on_one_grid, rates=np.linspace(1e-5, 1e3, 30)), "its neighbours"),
    ("1.5", largest_stable_rate, "compare the losses"),
    ("1.5", lowest_loss, "That is a loss"),
    ("1.5", lambda train: min([1e4, 1e5], key=partial(mean_over_seeds, train)), "smaller rates"),
    ("1.5", partial(tune_on_one_grid, rates=THIRTY, part="training"), "held out"),
    ("1.5", tune_from_one_seed, "You tried a better rate"),
    ("1.5", partial(tune_on_one_grid, rates=2.0 ** np.arange(-14, 3)), "beyond it"),
    ("1.5", lambda train: 0.5, "never tried"),  # by heart
    ("1.5", lambda train: 1, "never tried"),
    ("1.5", lambda train: -1.0, None),
    ("1.5", lambda train: None, None),
    ("1.5", lambda train: [0.1, 1.0], None),
    ("1.5", partial(tune_on_one_grid, rates=10.0 ** np.arange(-4, 2)), "far apart"),
    ("1.5", partial(tune_on_one_grid, rates=10.0 ** np.arange(-6, 5)), "far apart"),
    ("1.5", partial(tune_on_one_grid, rates=2.0 ** np.arange(-18, 13)), "near the best"),
    ("1.5", partial(tune_on_one_grid, rates=2.0 ** np.arange(-20, 14), seeds=3), "How many runs"),
    ("1.5", partial(tune_on_one_grid, rates=4.0 ** np.arange(-10, 7), part="test"), "test part"),
    ("1.6", lambda t: 0.7, "too large for too long"),
    ("1.6", lambda t: 2 / 3, "too large for too long"),
    ("1.6", lambda t: np.full(3, 4 / t), None),
    ("1.7", lambda lr, a, b: lr, "loss's unit"),
    ("1.7", lambda lr, a, b: lr * a * b**2, "upside down for the loss"),
    ("1.7", lambda lr, a, b: lr * b**2 / a**2, None),
]

# To closing questions: None where the answer is right.
CLOSING = [
    *(("1.6", {"rate": 0.0118, "left": left}, None) for left in (0.0126, loss_left(0.011788))),
    *(("1.6", {"rate": r, "left": loss_left(r)}, "rounded") for r in (0.01179, 0.0118)),
    ("1.6", {"rate": 0.01179, "left": 0.0}, "flattest"),
]
