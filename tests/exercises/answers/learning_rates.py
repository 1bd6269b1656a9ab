"""Answers to the exercises of chapter 1: right ones in other forms, and wrong ones."""

import numpy as np


def curvature_after(rounds, start):
    """Return a right answer to 1.5 if it takes rounds enough from a direction that will do."""

    def largest_curvature(gradient, d):
        base, v = np.full(d, 0.5), start(d)
        for _ in range(rounds):
            v = gradient(base + v / np.linalg.norm(v)) - gradient(base)
        return np.linalg.norm(v)

    return largest_curvature


def at_random(d):
    return np.random.default_rng(7).standard_normal(d)


RIGHT = [
    ("1.5", curvature_after(100, at_random)),
    ("1.7", {"deep": 0.875, "shallow": 1.19}),  # to three digits
    ("1.8", lambda t: min(0.5, 4 / t) * (1 - t / 1000)),  # zero at the end
]

# With what the hint must say, or None where there must be none.
WRONG = [
    ("1.5", lambda gradient, d: 1, "after shortening"),
    ("1.5", curvature_after(4, at_random), None),
    ("1.5", curvature_after(200, np.ones), "such as all ones"),
    ("1.8", lambda t: 0.7, "too large for too long"),
    ("1.8", lambda t: 2 / 3, "too large for too long"),
    ("1.8", lambda t: np.full(3, 4 / t), None),
]
