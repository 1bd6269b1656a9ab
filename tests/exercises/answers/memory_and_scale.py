"""Answers to the exercises of chapter 6: right ones in other forms, and wrong ones."""

import numpy as np


def rounded_in_place(x, spacing, rng):
    x /= spacing
    return np.floor(x + rng.random(x.shape)) * spacing


RIGHT = []

# With what the hint must say, or None where there must be none.
WRONG = [
    ("6.4", rounded_in_place, "copy"),
    ("6.4", lambda x, spacing, rng: None, None),
]
