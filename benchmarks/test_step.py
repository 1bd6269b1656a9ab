"""One step of AdaGrad on ten million parameters, checks included."""

import numpy as np
import pytest

from adagrad_course.optimizers import AdaGrad, AdaGradState

N = 10_000_000
GROUP = f"one step, {N:.0e} parameters"


@pytest.fixture(scope="module")
def params():
    return np.random.default_rng(0).standard_normal(N)


@pytest.fixture(scope="module")
def grads():
    return np.random.default_rng(1).standard_normal(N)


def naive(params, grads, accumulator):
    accumulator = accumulator + grads**2
    return params - 0.1 * grads / (np.sqrt(accumulator) + 1e-10), accumulator


def test_adagrad(compare, params, grads):
    optimizer = AdaGrad(0.1)
    state = AdaGradState(1, params**2)
    stepped, state = compare(
        GROUP, "AdaGrad.step", lambda: optimizer.step(params, grads, state), rounds=10, ours=True
    )
    expected, accumulator = naive(params, grads, params**2)
    np.testing.assert_array_equal(state.accumulator, accumulator)
    np.testing.assert_allclose(stepped, expected, rtol=1e-12, atol=1e-12)


def test_naive(compare, params, grads):
    accumulator = params**2
    compare(GROUP, "naive NumPy", lambda: naive(params, grads, accumulator), rounds=10)


def test_copy(compare, params):
    compare(GROUP, "a plain copy of the parameters", params.copy, rounds=10)
