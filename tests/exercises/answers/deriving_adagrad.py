"""Answers to the exercises of chapter 2: right ones in other forms, and wrong ones."""

import math
from functools import partial

import numpy as np

from adagrad_course.objectives import Quadratic


class Remembering:
    """AdaGrad with its accumulator in an object."""

    def __init__(self, lr):
        self.lr, self.G = lr, 0.0

    def step(self, w, g):
        self.G = self.G + g**2
        return w - self.lr * g / (np.sqrt(self.G) + 1e-10)


def run_with_an_object(gradient, start, lr, steps):
    points, adagrad = [start], Remembering(lr)
    for _ in range(steps):
        points.append(adagrad.step(points[-1], gradient(points[-1])))
    return points


def run_that_adds_in_place(gradient, start, lr, steps):
    w, G, points = np.array(start), np.zeros(np.shape(start)), []
    for _ in range(steps):
        points.append(w.copy())
        G += gradient(w) ** 2
        w -= lr * gradient(w) / (np.sqrt(G) + 1e-10)
    return np.stack([*points, w])


def run_that_keeps_one_array(gradient, start, lr, steps):
    w, G, points = np.array(start), np.zeros(np.shape(start)), []
    for _ in range(steps):
        points.append(w)  # always the same one
        g = gradient(w)
        G += g**2
        w -= lr * g / (np.sqrt(G) + 1e-10)
    return [*points, w]


def run_until(at_rest, gradient, start, lr, steps):
    points, G = [start], 0.0
    for _ in range(steps):
        g = gradient(points[-1])
        G = G + g**2
        change = lr * g / (np.sqrt(G) + 1e-10)
        if at_rest(change):
            break
        points.append(points[-1] - change)
    return points


def run_with_another_root(root, gradient, start, lr, steps, first=0.0):
    points, G = [start], np.full(np.shape(start), first)
    for _ in range(steps):
        g = gradient(points[-1])
        G = G + g**2
        points.append(points[-1] - lr * g / root(G))
    return points


def run_in_slices(gradient, start, lr, steps):
    points, G = [start], np.zeros(np.shape(start))
    for _ in range(steps):
        g = gradient(points[-1])
        G[:] = G + g**2
        points.append(points[-1] - lr * g / (np.sqrt(G) + 1e-10))
    return points


def run_in_single_precision(gradient, start, lr, steps):
    root = lambda G: np.sqrt(G) + np.float32(1e-10)  # noqa: E731
    gradient_32 = lambda w: gradient(w).astype(np.float32)  # noqa: E731
    return run_with_another_root(root, gradient_32, start.astype(np.float32), np.float32(lr), steps)


def run_with_shorter_steps(gradient, start, lr, steps):
    points = [start]
    for t in range(steps):
        points.append(points[-1] - lr / np.sqrt(t + 1) * np.sign(gradient(points[-1])))
    return np.array(points)


def regret_in_loops(played, fixed):
    totals = [sum(float(loss) for loss in row) for row in fixed]
    return sum(played) - min(totals)


def condition_by_hand(h1, h2, angle):
    c, s = math.cos(angle) ** 2, math.sin(angle) ** 2
    d1, d2 = h1 * c + h2 * s, h1 * s + h2 * c
    off = abs(h1 - h2) * math.sqrt(c * s) / math.sqrt(d1 * d2)
    return (1 + off) / (1 - off)


def condition_scaled_by_the_largest(h1, h2, angle):
    H = Quadratic([h1, h2], rotation=angle).hessian
    return np.linalg.cond(H / np.abs(H).max(axis=1))


def bound_in_a_loop(G, D, lr, delta):
    total = 0.0
    for g in G:
        s = math.sqrt(delta + g)
        total += D**2 * s / (2 * lr) + lr * (s - math.sqrt(delta))
    return total


def bound_with_one_root_subtracted(G, D, lr, delta):
    return (D**2 / (2 * lr) + lr) * np.sum(np.sqrt(delta + G)) - lr * math.sqrt(delta)


def bound_with_growth_alone(G, D, lr, delta):
    return sum((D**2 / (2 * lr) + lr) * (math.sqrt(delta + g) - math.sqrt(delta)) for g in G)


def bound_with_delta_beside_the_root(G, D, lr, delta):
    return sum((D**2 / (2 * lr) + lr) * (math.sqrt(g) + delta) for g in G)


def regret_of_at_most_a_thousand(played, fixed):
    return np.sum(played) - min(1000, *np.sum(fixed, axis=1))


def regret_along_any_axis(played, fixed):
    fixed = fixed.T if len(fixed) == len(played) else fixed
    return np.sum(played) - np.sum(fixed, axis=1).min()


BUDGET = {"s1": 2, "s2": 8, "s3": 10, "least": 5, "equal": 6.3}
BY_HAND = {"G1": 25, "G2": 100, "step 1": 0, "step 2": 0.3}

RIGHT = [
    ("2.1", {"G1": 25.0, "G2": np.int64(100), "step 1": 0.0, "step 2": 0.5 * 6 / 10}),
    ("2.2", run_with_an_object),
    ("2.2", run_that_adds_in_place),
    ("2.2", run_in_single_precision),
    ("2.3", regret_in_loops),
    ("2.3", lambda played, fixed: -min(np.asarray(fixed) @ np.ones(len(played)) - sum(played))),
    ("2.4", {name: float(value) for name, value in BUDGET.items()}),
    ("2.5", lambda D, S, c: [D * c**-0.5, D * S * c**0.5]),
    ("2.5", lambda D, S, c: np.array([D / math.sqrt(c), D * S * math.sqrt(c)])),
    ("2.6", condition_by_hand),
    ("2.7", bound_in_a_loop),
]

# With what the hint must say, or None where there must be none.
WRONG = [
    ("2.1", BY_HAND | {"G2": 125}, "its own sum"),
    ("2.1", BY_HAND | {"step 2": 0.6}, "factor η"),
    ("2.1", BY_HAND | {"step 2": 0.375}, "present gradient"),
    ("2.1", {"G1": 100, "G2": 25, "step 1": 0.3, "step 2": 0}, None),
    ("2.2", run_that_keeps_one_array, None),
    ("2.2", run_with_shorter_steps, None),
    ("2.2", partial(run_with_another_root, np.sqrt), "0/0"),
    ("2.2", partial(run_with_another_root, lambda G: np.sqrt(G + 1e-10)), "not under it"),
    ("2.2", partial(run_with_another_root, lambda G: np.sqrt(G) + 1e-8), None),
    *(
        ("2.2", partial(run_with_another_root, lambda G: np.sqrt(G) + 1e-10, first=first), hint)
        for first, hint in [(1.0, "begins empty"), (0.1, "begin empty"), (0.5, None)]
    ),
    ("2.2", run_in_slices, "has no axis"),
    ("2.2", lambda *run: run_with_an_object(*run)[1:], "belongs to the points"),
    ("2.2", partial(run_until, lambda change: not np.any(change)), None),
    ("2.2", partial(run_until, lambda change: np.all(np.abs(change) < 1e-8)), None),
    ("2.2", lambda gradient, start, lr, steps: start, None),
    ("2.3", lambda played, fixed: np.max(played - fixed), None),
    ("2.3", lambda played, fixed: np.sum(played - np.min(fixed, axis=0)), "one point for all"),
    ("2.3", regret_of_at_most_a_thousand, None),
    ("2.3", regret_along_any_axis, "sum along axis 1"),
    ("2.4", BUDGET | {"least": 10}, None),
    ("2.4", BUDGET | {"least": 2.5}, "no factor of"),
    ("2.4", BUDGET | {"least": 2.1}, "all G over the budget"),
    ("2.4", BUDGET | {"s1": 0.1, "s2": 0.4, "s3": 0.5}, "add up to 1"),
    ("2.4", BUDGET | {"equal": 2.1}, "third of the budget"),
    ("2.5", lambda D, S, c: (D / np.sqrt(c), D * S), None),
    ("2.5", lambda D, S, c: (D / (2 * c) ** 0.5, D * S * (2 * c) ** 0.5), "c/2, not c"),
    ("2.5", lambda D, S, c: D / np.sqrt(c), None),
    ("2.6", lambda h1, h2, angle: max(h1, h2) / min(h1, h2), "before scaling"),
    ("2.6", lambda h1, h2, angle: condition_by_hand(h1, h2, math.radians(angle)), "radians"),
    ("2.6", condition_scaled_by_the_largest, None),
    ("2.6", lambda h1, h2, angle: 1.0, None),
    ("2.7", lambda G, D, lr, delta: np.sqrt(2) * D * np.sum(np.sqrt(delta + G)), None),
    ("2.7", bound_with_delta_beside_the_root, "inside the root"),
    ("2.7", lambda G, D, lr, delta: bound_in_a_loop(filter(None, G), D, lr, delta), "never used"),
    ("2.7", bound_with_one_root_subtracted, "not only one"),
    ("2.7", bound_with_growth_alone, "nothing is subtracted"),
]
