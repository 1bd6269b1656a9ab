"""Answers to the exercises of Half an hour: right ones in other forms, and wrong ones."""

from functools import partial

import numpy as np


def run_number_by_number(gradient, start, lr, steps, eps=1e-10):
    w, G = np.array(start), np.zeros(np.shape(start))
    for _ in range(steps):
        g = gradient(w)
        for i in np.ndindex(w.shape):
            G[i] += g[i] ** 2
            w[i] -= lr * g[i] / (np.sqrt(G[i]) + eps)
    return w


def run_with_all_squares(gradient, start, lr, steps):
    w, squares = np.array(start), []
    for _ in range(steps):
        g = gradient(w)
        squares.append(g**2)
        w = w - lr * g / (1e-10 + np.sum(squares, axis=0) ** 0.5)
    return w.tolist()


def run_in_single_precision(gradient, start, lr, steps):
    w, G = start.astype(np.float32), np.float32(0)
    for _ in range(steps):
        g = gradient(w).astype(np.float32)
        G = G + g**2
        w = w - np.float32(lr) * g / (np.sqrt(G) + np.float32(1e-10))
    return w


def run_of_one_step(gradient, start, lr, steps):
    for _ in range(steps):  # the return stands inside the loop
        return run_number_by_number(gradient, start, lr, 1)
    return start


def run_from_a_full_accumulator(gradient, start, lr, steps, first):
    w, G = start, first
    for _ in range(steps):
        g = gradient(w)
        G = G + g**2
        w = w - lr * g / (np.sqrt(G) + 1e-10)
    return w


def run_with_the_rate_in_the_sum(gradient, start, lr, steps):
    w, G = start, 0.0
    for _ in range(steps):
        g = lr * gradient(w)
        G = G + g**2
        w = w - g / (np.sqrt(G) + 1e-10)
    return w


def run_in_slices(gradient, start, lr, steps):
    w, G = np.array(start), np.zeros(np.shape(start))
    for _ in range(steps):
        g = gradient(w)
        G[:] = G + g**2
        w = w - lr * g / (np.sqrt(G) + 1e-10)
    return w


def run_by_recursion(gradient, start, lr, steps, G=0.0):
    if steps == 0:
        return start
    g = gradient(start)
    G = G + g * g
    return run_by_recursion(gradient, start - lr / (np.sqrt(G) + 1e-10) * g, lr, steps - 1, G)


def run_in_place(gradient, start, lr, steps):
    start -= start - run_number_by_number(gradient, start, lr, steps)
    return start


def run_with_one_sum_for_each_row(gradient, start, lr, steps):
    w, G = start, 0.0
    for _ in range(steps):
        g = gradient(w)
        G = G + np.sum(g**2, axis=-1, keepdims=True)
        w = w - lr * g / (np.sqrt(G) + 1e-10)
    return w


def run_to_a_small_gradient(gradient, start, lr, steps, least):
    w, G = start, 0.0
    for _ in range(steps):
        g = gradient(w)
        if np.linalg.norm(g) < least:
            break
        G = G + g**2
        w = w - lr * g / (np.sqrt(G) + 1e-10)
    return w


def run_that_stops_early(gradient, start, lr, steps, least=1e-3):
    w, G = np.array(start), np.zeros(np.shape(start))
    for _ in range(steps):
        g = gradient(w)
        G = G + g**2
        step = lr * g / (np.sqrt(G) + 1e-10)
        if np.all(np.abs(step) < least):
            break
        w = w - step
    return w


def run_to_the_least_gradient(gradient, start, lr, steps):
    points = [run_number_by_number(gradient, start, lr, t) for t in range(steps + 1)]
    return min(points, key=lambda w: np.linalg.norm(gradient(w)))


def run_with_eps_times_the_rate(gradient, start, lr, steps):
    return run_number_by_number(gradient, start, lr, steps, eps=1e-10 * lr)


def run_for_vectors(gradient, start, lr, steps):
    w = run_number_by_number(gradient, start, lr, steps)
    return np.array([w[i] for i in range(len(w))])


def run_for_tables(gradient, start, lr, steps):
    w = run_number_by_number(gradient, start, lr, steps)
    return w if w.ndim < 3 else w[:, :, 0]


def run_with_a_decaying_rate(gradient, start, lr, steps):
    w = start
    for t in range(1, steps + 1):
        w = w - lr / np.sqrt(t) * gradient(w)
    return w


COUNTED = {"forecast": 1600, "slope": 1659, "twice as far": 6517, "steep start": 2354}

RIGHT = [
    ("0.1", {"G": 49.0, "rate": 0.7 / 7, "change": -0.6, "best": 3.5 / np.sqrt(49)}),
    ("0.1", {"G": np.int64(49), "rate": np.float32(0.1), "change": -0.6, "best": 1 / 2}),
    ("0.2", run_number_by_number),
    ("0.2", run_with_all_squares),
    ("0.2", run_by_recursion),
    ("0.2", run_in_single_precision),
    ("0.3", COUNTED),
    ("0.3", COUNTED | {"forecast": (4 / (2 * 0.05)) ** 2, "slope": np.float32(1659)}),
]

# With what the hint must say, or None where there must be none.
WRONG = [
    ("0.1", {"G": 11, "rate": 0.1, "change": -0.6, "best": 0.5}, "absolute values"),
    ("0.1", {"G": 49, "rate": 0.1, "change": -0.6, "best": 0.35}, "has η in it"),
    ("0.1", {"G": 49, "rate": 0.2, "change": -0.6, "best": 0.5}, None),
    ("0.2", partial(run_number_by_number, eps=0), "0/0"),
    ("0.2", partial(run_number_by_number, eps=1e-8), None),
    *(
        ("0.2", partial(run_from_a_full_accumulator, first=first), hint)
        for first, hint in [(1, "begins empty"), (0.1, "begin empty"), (0.5, None)]
    ),
    ("0.2", partial(run_from_a_full_accumulator, first=1e-10), "stand the squares alone"),
    ("0.2", partial(run_number_by_number, eps=1.0), None),
    ("0.2", run_with_the_rate_in_the_sum, "or it cancels"),
    ("0.2", run_in_slices, "has no axis"),
    ("0.2", run_of_one_step, "in the loop"),
    ("0.2", run_in_place, "copy"),
    ("0.2", run_with_one_sum_for_each_row, "its own sum"),
    ("0.2", run_with_a_decaying_rate, "not of the number"),
    *(("0.2", partial(run_that_stops_early, least=least), None) for least in (1e-3, 1e-6)),
    *(("0.2", partial(run_to_a_small_gradient, least=least), None) for least in (1e-3, 1e-6)),
    ("0.2", run_to_the_least_gradient, None),
    ("0.2", run_with_eps_times_the_rate, None),
    ("0.2", run_for_vectors, None),
    ("0.2", run_for_tables, None),
    ("0.2", lambda *args: run_number_by_number(*args[:3], min(args[3], 7)), None),
    ("0.2", lambda *args: run_number_by_number(*args[:3], max(args[3], 1)), "too many"),
    ("0.2", lambda gradient, start, lr, steps: start, None),
    ("0.3", COUNTED | {"slope": 1600, "twice as far": 6400}, "run it"),
    ("0.3", COUNTED | {"forecast": 1659}, "expect before"),
    ("0.3", COUNTED | {"forecast": 400}, None),
    ("0.3", COUNTED | {"forecast": np.inf}, "no limit"),
    ("0.3", COUNTED | {"steep start": np.inf}, "no limit"),
    ("0.3", COUNTED | {"slope": 1658, "twice as far": 6516, "steep start": 2353}, "Off by one"),
    ("0.3", COUNTED | {"slope": 1660}, "Off by one"),
    ("0.3", COUNTED | {"slope": 1658.6}, None),
    ("0.3", COUNTED | {"steep start": 2350}, None),  # the rule's, not the run's
]
