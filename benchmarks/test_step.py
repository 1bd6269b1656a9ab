"""One step on ten million parameters, checks included."""

import numpy as np
import pytest

from adagrad_course.optimizers import AdaGrad, AdaGradState, Adam, AdamState, RMSProp, RMSPropState

N = 10_000_000


def naive_adagrad(params, grads, steps, accumulator):
    accumulator = accumulator + grads**2
    return params - 0.1 * grads / (np.sqrt(accumulator) + 1e-10), accumulator


def naive_rmsprop(params, grads, steps, average):
    average = 0.99 * average + 0.01 * grads**2
    return params - 0.1 * grads / (np.sqrt(average) + 1e-8), average


def naive_adam(params, grads, steps, average, square_average):
    steps = steps + 1
    average = 0.9 * average + 0.1 * grads
    square_average = 0.999 * square_average + 0.001 * grads**2
    corrected, corrected_squares = average / (1 - 0.9**steps), square_average / (1 - 0.999**steps)
    stepped = params - 0.1 * corrected / (np.sqrt(corrected_squares) + 1e-8)
    return stepped, average, square_average


KINDS = {
    "AdaGrad": (AdaGrad(0.1), AdaGradState, naive_adagrad),
    "RMSProp": (RMSProp(0.1), RMSPropState, naive_rmsprop),
    "Adam": (Adam(0.1), AdamState, naive_adam),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def group(kind):
    return f"one step of {kind}, {N:.0e} parameters"


@pytest.fixture(scope="module")
def params():
    return np.random.default_rng(0).standard_normal(N)


@pytest.fixture(scope="module")
def grads():
    return np.random.default_rng(1).standard_normal(N)


@pytest.fixture
def memory(kind, params):
    """The arrays of the state."""
    return [params**2] * (len(KINDS[kind][1]._fields) - 1)


@every_kind
def test_step(compare, params, grads, memory, kind):
    optimizer, state_type, naive = KINDS[kind]
    state = state_type(1, *memory)
    stepped, after = compare(
        group(kind),
        f"{kind}.step",
        lambda: optimizer.step(params, grads, state),
        rounds=10,
        ours=True,
    )
    expected = naive(params, grads, 1, *memory)
    for ours, theirs in zip([stepped, *after[1:]], expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@every_kind
def test_naive(compare, params, grads, memory, kind):
    naive = KINDS[kind][2]
    compare(group(kind), "naive NumPy", lambda: naive(params, grads, 1, *memory), rounds=10)


@every_kind
def test_copy(compare, params, kind):
    compare(group(kind), "a plain copy of the parameters", params.copy, rounds=10)
