"""A sweep as a batch dimension against the loop over rates that a reader would write."""

import numpy as np
import pytest
import torch

from adagrad_course.descent import sweep
from adagrad_course.objectives import Quadratic
from adagrad_course.optimizers import SGD, AdaGrad

CURVATURES, START, STEPS = [1.0, 100.0], [1.0, 1.0], 500
LRS = np.geomspace(1e-5, 1.9e-2, 61)  # all stable for SGD: below 2/L
PAIRS = pytest.mark.parametrize(
    ("ours", "theirs"), [(SGD, torch.optim.SGD), (AdaGrad, torch.optim.Adagrad)]
)


def batched(ours):
    return sweep(Quadratic(CURVATURES), START, ours, LRS, STEPS).trajectory.points


def loop(theirs):
    curvatures = torch.tensor(CURVATURES, dtype=torch.float64)
    paths = []
    for lr in LRS:
        params = torch.tensor(START, dtype=torch.float64, requires_grad=True)
        optimizer = theirs([params], lr=lr)
        path = [params.detach().clone()]
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = 0.5 * (curvatures * params**2).sum()
            loss.backward()
            optimizer.step()
            path.append(params.detach().clone())
        paths.append(torch.stack(path))
    return torch.stack(paths, dim=1).numpy()


def group(ours):
    return f"{ours.__name__}, {len(LRS)} rates, {STEPS} steps"


@PAIRS
def test_batched(compare, ours, theirs):
    compare(group(ours), "a batched sweep", lambda: batched(ours), rounds=20, ours=True)


@PAIRS
def test_loop(compare, ours, theirs):
    label = f"a loop over torch.optim.{theirs.__name__}"
    points = compare(group(ours), label, lambda: loop(theirs), rounds=1)
    np.testing.assert_allclose(points, batched(ours), rtol=1e-12, atol=1e-12)
