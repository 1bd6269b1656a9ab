"""Answers to the exercises of chapter 2: right ones in other forms, and wrong ones."""

import numpy as np

RIGHT = [
    ("2.8", (-1000.0) ** np.arange(10)),
]

# With what the hint must say, or None where there must be none.
WRONG = [
    ("2.8", [1e200] * 10, "bracket"),
]
