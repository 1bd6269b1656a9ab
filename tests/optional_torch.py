"""PyTorch where it is installed; where it is not, None, and what needs it is skipped."""

import pytest

try:
    import torch
except ModuleNotFoundError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


def with_torch(number, make, *hint):
    """Return an answer to an exercise that only PyTorch can make."""
    answer = make() if torch else None
    return pytest.param(number, answer, *hint, marks=needs_torch)
