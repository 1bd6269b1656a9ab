"""Answers to the exercises of chapter 4: right ones in other forms, and wrong ones."""

import pytest
from optional_torch import needs_torch, torch

RIGHT = [
    pytest.param("4.7", lambda T: torch.arange(T, 0, -1) / T, marks=needs_torch),  # float32
    pytest.param(
        "4.8",
        lambda w, s, t, lr, d: torch.tensor(w) * (1 - lr * d) ** (t - 1 - torch.tensor(s)),
        marks=needs_torch,
    ),
]

# With what the hint must say, or None where there must be none.
WRONG = []
