"""Answers to the exercises of chapter 5: right ones in other forms, and wrong ones."""

import numpy as np

RIGHT = []

# With what the hint must say, or None where there must be none.
WRONG = [
    ("5.2", lambda d, lr, n: lr * np.sum(np.arange(1, n + 2) ** -0.5) >= d, "too many"),
    ("5.2", lambda d, lr, n: np.sum(np.arange(1, n + 1) ** -0.5) >= d, "rate is missing"),
    ("5.2", lambda d, lr, n: False, None),
]
