"""A long run, checked and recorded, against the bare loop that a reader would write."""

import numpy as np

from adagrad_course.descent import descend
from adagrad_course.objectives import Quadratic
from adagrad_course.optimizers import AdaGrad

CURVATURES, START, LR, STEPS = np.array([1.0, 100.0]), np.array([1.0, 1.0]), 0.1, 5000
GROUP = f"AdaGrad for {STEPS:,} steps"


def bare_loop():
    params, accumulator = START, np.zeros(2)
    points = [params]
    for _ in range(STEPS):
        grads = CURVATURES * params
        accumulator = accumulator + grads * grads
        params = params - LR / (np.sqrt(accumulator) + 1e-10) * grads
        points.append(params)
    return np.array(points)


def test_descend(compare):
    bowl = Quadratic(CURVATURES)
    run = compare(
        GROUP, "descend", lambda: descend(bowl, START, AdaGrad(LR), STEPS), rounds=5, ours=True
    )
    np.testing.assert_array_equal(run.points, bare_loop())


def test_bare_loop(compare):
    compare(GROUP, "a loop without checks", bare_loop, rounds=5)
