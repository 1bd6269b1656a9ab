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


def run_in_place(gradient, start, lr, steps):
    start -= start - run_number_by_number(gradient, start, lr, steps)
    return start


RIGHT = [
    ("0.2", run_number_by_number),
    ("0.3", {"slope": 1658, "twice as far": 6516, "steep start": 2353}),  # counted from 0
]

# With what the hint must say, or None where there must be none.
WRONG = [
    ("0.2", partial(run_number_by_number, eps=0), "0/0"),
    ("0.2", run_in_place, "copy"),
    ("0.2", lambda gradient, start, lr, steps: start, None),
    ("0.3", {"slope": 1600, "twice as far": 6400, "steep start": 2100}, "forecast"),
]
