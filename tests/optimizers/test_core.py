"""The core optimizers, and AdaDelta, against torch.optim, step by step, and their properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optional_torch import needs_torch, torch
from trials import (
    OURS_AND_TORCHS,
    assert_same_path,
    examples,
    gradients,
    mild_gradients,
    run,
    run_torch,
    seeds,
)

from adagrad_course.optimizers import (
    SGD,
    AdaDelta,
    AdaGrad,
    AdaGradNorm,
    Adam,
    Momentum,
    RMSProp,
)


@needs_torch
@pytest.mark.parametrize(("ours", "theirs"), OURS_AND_TORCHS.values(), ids=OURS_AND_TORCHS)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)], ids=str)
@examples
@given(seed=seeds)
def test_same_steps_as_torch(ours, theirs, shape, seed):
    params = np.random.default_rng(seed).standard_normal(shape)
    grads = gradients(seed, shape)
    assert_same_path(run(ours, params, grads), run_torch(theirs, params, grads), 1e-12)


@needs_torch
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (SGD, lambda p: torch.optim.SGD(p, lr=1.0)),
        (Momentum, lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.9)),
        (AdaGrad, lambda p: torch.optim.Adagrad(p, lr=1.0)),
        (RMSProp, lambda p: torch.optim.RMSprop(p, lr=1.0)),
        (AdaDelta, lambda p: torch.optim.Adadelta(p)),
        (Adam, lambda p: torch.optim.Adam(p, lr=1.0)),
    ],
)
def test_a_schedule_counts_steps_from_one(ours, theirs):
    asked = []
    grads = gradients(1, (3,))

    def schedule(t):
        asked.append(t)
        return 0.5 / t

    path = run(ours(schedule), np.ones(3), grads)
    # torch's schedulers count from zero.
    expected = run_torch(theirs, np.ones(3), grads, schedule=lambda epoch: 0.5 / (epoch + 1))
    assert_same_path(path, expected, 1e-12)
    assert asked == list(range(1, len(grads) + 1))


@needs_torch
@pytest.mark.parametrize(
    "number",
    [float, np.float64, np.array, lambda v: np.full((3, 1), v)],
    ids=["float", "float64", "array", "column"],
)
@pytest.mark.parametrize("kind", ["SGD", "Momentum", "AdaGrad", "RMSProp", "AdaDelta", "Adam"])
def test_float32_stays_float32(kind, number):
    optimizer = {
        "SGD": lambda: SGD(number(0.1)),
        "Momentum": lambda: Momentum(number(0.1), momentum=number(0.9)),
        "AdaGrad": lambda: AdaGrad(number(0.1), number(1e-10), number(0.0)),
        "RMSProp": lambda: RMSProp(number(0.1), number(0.99), number(1e-8)),
        "AdaDelta": lambda: AdaDelta(number(1.0), number(0.9), number(1e-6)),
        "Adam": lambda: Adam(number(0.1), (number(0.9), number(0.999)), number(1e-8)),
    }[kind]()
    params = np.ones((3, 2), np.float32)
    grads = gradients(2, (3, 2))  # float64
    path = run(optimizer, params, grads)
    assert path.dtype == np.float32
    theirs = OURS_AND_TORCHS[kind][1]
    assert_same_path(path, run_torch(theirs, params, grads.astype(np.float32)), 1e-5)
    state = optimizer.init(params)
    as_float64 = type(state)(1, *(memory.astype(np.float64) for memory in state[1:]))
    for state_before in (state, as_float64):
        stepped, state_after = optimizer.step(params, grads[0], state_before)
        assert {array.dtype for array in (stepped, *state_after[1:])} == {np.dtype(np.float32)}


@pytest.mark.parametrize("eps", [0.0, np.array([0.0, 1e-300])], ids=str)
def test_without_eps_a_coordinate_without_gradient_rests(eps):
    adagrad = AdaGrad(0.5, eps=eps)
    params, state = adagrad.step([1.0, 1.0], [0.0, 3.0], adagrad.init([1.0, 1.0]))
    np.testing.assert_array_equal(params, [1.0, 0.5])
    np.testing.assert_array_equal(adagrad.effective_lr(state), [0.0, 0.5 / 3.0])


@examples
@given(seed=seeds, exponents=st.lists(st.integers(-100, 100), min_size=3, max_size=3))
def test_adagrad_does_not_see_the_scale_of_a_coordinate(seed, exponents):
    grads = gradients(seed, (3,))
    rescaled = np.ldexp(grads, exponents)  # by powers of two, so that nothing is rounded
    adagrad = AdaGrad(0.1, eps=0.0)
    np.testing.assert_array_equal(
        run(adagrad, np.ones(3), grads), run(adagrad, np.ones(3), rescaled)
    )


@pytest.mark.parametrize("kind", [AdaGrad, AdaGradNorm])
@examples
@given(seed=seeds)
def test_adagrads_rates_never_grow(kind, seed):
    adagrad = kind(0.1)
    params = np.ones(3)
    state, rates = adagrad.init(params), np.inf
    for g in gradients(seed, (3,)):
        params, state = adagrad.step(params, g, state)
        assert (adagrad.effective_lr(state) <= rates).all()
        rates = adagrad.effective_lr(state)


@pytest.mark.parametrize("optimizer", [SGD([0.1, 0.2]), Momentum([0.1, 0.2])], ids=["SGD", "heavy"])
def test_rates_given_as_a_list_are_handed_back_as_an_array(optimizer):
    _, state = optimizer.step(np.ones(2), np.ones(2), optimizer.init(np.ones(2)))
    np.testing.assert_array_equal(optimizer.effective_lr(state) * 2, [0.2, 0.4])
    assert repr(SGD(lr=0.1)) == "SGD(lr=0.1)"


@needs_torch
def test_the_defaults_are_torchs():
    tensor = [torch.zeros(1)]
    rmsprop, adadelta, adam = (
        getattr(torch.optim, name)(tensor).defaults for name in ("RMSprop", "Adadelta", "Adam")
    )
    assert (RMSProp(1.0).rho, RMSProp(1.0).eps) == (rmsprop["alpha"], rmsprop["eps"])
    ours = AdaDelta()
    assert (ours.lr, ours.rho, ours.eps) == tuple(adadelta[name] for name in ("lr", "rho", "eps"))
    assert (Adam(1.0).betas, Adam(1.0).eps) == (adam["betas"], adam["eps"])


@pytest.mark.parametrize("number", [float, np.array])
@pytest.mark.parametrize(
    "make",
    [
        lambda rho: RMSProp(0.1, rho),
        lambda rho: AdaDelta(rho=rho),
        lambda rho: Adam(0.1, (0.9, rho)),
    ],
)
def test_a_share_close_to_one_is_not_rounded_before_it_is_subtracted_from_one(make, number):
    optimizer, params = make(number(0.99999)), np.zeros(2, np.float32)  # else 1 - ρ is off by 0.1 %
    _, state = optimizer.step(params, [1.0, 2.0], optimizer.init(params))
    np.testing.assert_allclose(state.square_average, [1e-5, 4e-5], rtol=1e-6)


@needs_torch
@pytest.mark.parametrize("kind", [RMSProp, AdaDelta, Adam])
def test_the_state_is_torchs(kind):
    ours, theirs = OURS_AND_TORCHS[kind.__name__]
    tensor, grads = torch.ones(3, dtype=torch.float64), gradients(7, (3,))
    optimizer, params, state = theirs([tensor]), np.ones(3), ours.init(np.ones(3))
    for g in grads:
        tensor.grad = torch.tensor(g)
        optimizer.step()
        params, state = ours.step(params, g, state)
    (theirs,) = optimizer.state.values()
    assert theirs.pop("step") == state.steps
    for name, memory in zip(theirs, state[1:], strict=False):
        np.testing.assert_allclose(memory, theirs[name], rtol=1e-12, err_msg=name)


@needs_torch
def test_a_long_run_of_adam_is_torchs():
    grads = gradients(8, (3,), steps=2000)
    ours, theirs = OURS_AND_TORCHS["Adam"]
    assert_same_path(run(ours, np.ones(3), grads), run_torch(theirs, np.ones(3), grads), 1e-12)


@pytest.mark.parametrize(
    ("optimizer", "length"),
    [(RMSProp(0.5, rho=0.96, eps=0.0), 2.5), (Adam(0.5, (0.9, 0.96), eps=0.0), 0.5)],
)
def test_only_adam_corrects_the_first_step(optimizer, length):
    params, _ = optimizer.step([0.0, 0.0], [1e3, -1e-3], optimizer.init([0.0, 0.0]))
    np.testing.assert_allclose(params, [-length, length])


def test_the_effective_rates_of_adam_are_the_factors_on_the_average():
    adam, params, grads = Adam(0.1, eps=0.1), np.zeros(3), mild_gradients(9, (3,))
    state = adam.init(params)
    for g in grads:
        moved, state = adam.step(params, g, state)
        rates = adam.effective_lr(state)
        np.testing.assert_allclose(moved, params - rates * state.average, rtol=1e-12, atol=1e-15)
        params = moved
    corrected = np.sqrt(state.square_average / (1 - 0.999**12))
    np.testing.assert_allclose(rates, 0.1 / (1 - 0.9**12) / (corrected + 0.1))
