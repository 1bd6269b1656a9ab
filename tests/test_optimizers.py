"""The optimizers against torch.optim, step by step, and the properties the book relies on."""

import functools
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optional_torch import needs_torch, torch
from scipy.linalg import inv, sqrtm

from adagrad_course.descent import descend, sweep
from adagrad_course.objectives import Quadratic
from adagrad_course.optimizers import (
    SGD,
    SM3,
    AdaDelta,
    AdaGrad,
    AdaGradNorm,
    Adam,
    FullMatrixAdaGrad,
    Grafted,
    Momentum,
    RestartedAdaGrad,
    RMSProp,
    WindowedAdaGrad,
)

examples = settings(max_examples=10)
seeds = st.integers(0, 2**32)

OURS_AND_TORCHS = {
    "SGD": (SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "Momentum": (Momentum(0.1), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "Momentum-0": (Momentum(0.1, 0), lambda p: torch.optim.SGD(p, lr=0.1)),
    "AdaGrad": (AdaGrad(0.1), lambda p: torch.optim.Adagrad(p, lr=0.1)),
    "AdaGrad-eps": (AdaGrad(0.1, eps=1.0), lambda p: torch.optim.Adagrad(p, lr=0.1, eps=1.0)),
    "AdaGrad-initial": (
        AdaGrad(0.1, initial_accumulator_value=0.5),
        lambda p: torch.optim.Adagrad(p, lr=0.1, initial_accumulator_value=0.5),
    ),
    "AdaGrad-decay": (
        AdaGrad(lambda t: 0.1 / (1 + (t - 1) * 0.3)),
        lambda p: torch.optim.Adagrad(p, lr=0.1, lr_decay=0.3),
    ),
    "RMSProp": (RMSProp(0.1), lambda p: torch.optim.RMSprop(p, lr=0.1)),
    "RMSProp-0": (RMSProp(0.1, rho=0), lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.0)),
    "RMSProp-constants": (
        RMSProp(0.1, rho=0.5, eps=1.0),
        lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.5, eps=1.0),
    ),
    "AdaDelta": (AdaDelta(), lambda p: torch.optim.Adadelta(p)),
    "AdaDelta-0": (AdaDelta(rho=0), lambda p: torch.optim.Adadelta(p, rho=0.0)),
    "AdaDelta-constants": (
        AdaDelta(0.1, rho=0.5, eps=1.0),
        lambda p: torch.optim.Adadelta(p, lr=0.1, rho=0.5, eps=1.0),
    ),
    "Adam": (Adam(0.1), lambda p: torch.optim.Adam(p, lr=0.1)),
    "Adam-0": (Adam(0.1, betas=[0, 0]), lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.0, 0.0))),
    "Adam-constants": (
        Adam(0.1, betas=(0.5, 0.8), eps=1.0),
        lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.5, 0.8), eps=1.0),
    ),
}


def gradients(seed, shape, steps=20):
    """Random gradients whose coordinates have very different scales; a tenth of them are zero."""
    rng = np.random.default_rng(seed)
    scales = 10.0 ** rng.uniform(-6, 6, shape)
    return scales * rng.standard_normal((steps, *shape)) * (rng.random((steps, *shape)) > 0.1)


def run(optimizer, params, grads):
    """Return the points visited, the starting point included."""
    state, points = optimizer.init(params), [params]
    for g in grads:
        params, state = optimizer.step(params, g, state)
        points.append(params)
    return np.array(points)


def run_torch(make, params, grads, schedule=None):
    tensor = torch.tensor(params, requires_grad=True)
    optimizer = make([tensor])
    scheduler = schedule and torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    points = [params]
    for g in grads:
        tensor.grad = torch.tensor(g)
        optimizer.step()
        if scheduler:
            scheduler.step()
        points.append(tensor.detach().numpy().copy())
    return np.array(points)


def assert_same_path(ours, theirs, rtol):
    """Equal up to rounding, which is relative to the largest value a coordinate has had."""
    scale = np.abs(theirs).max(axis=0)
    assert (np.abs(ours - theirs) <= rtol * scale).all()


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


WITH_A_ROOT_EACH = [  # for each coordinate
    *(AdaGrad, RMSProp, AdaDelta, Adam),
    functools.partial(RestartedAdaGrad, every=3),
    functools.partial(WindowedAdaGrad, window=12),
]
WITH_A_ROOT = [AdaGradNorm, FullMatrixAdaGrad, *WITH_A_ROOT_EACH]
KINDS = [SGD, Momentum, *WITH_A_ROOT]
OPTIMIZERS = [
    *KINDS,
    *(functools.partial(kind, eps=0.0) for kind in WITH_A_ROOT),
    lambda lr: Grafted(RMSProp(lr), Momentum(0.1)),
    lambda lr: Grafted(SGD(0.1), Adam(lr)),
]


def arrays_in(state):
    """All arrays of a state, whose first field is the number of steps and which may be nested."""
    for field in state[1:]:
        yield from arrays_in(field) if isinstance(field, tuple) else [field]


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_a_step_is_pure(make):
    optimizer = make(0.1)
    params, grads = np.array([1.0, 2.0]), np.array([3.0, -4.0])
    state = optimizer.step(params, grads, optimizer.init(params))[1]
    inputs = [params, grads, *arrays_in(state)]
    before = [array.copy() for array in inputs]
    for array in inputs:
        array.flags.writeable = False
    once, again = (optimizer.step(params, grads, state) for _ in range(2))
    optimizer.effective_lr(state)
    for array, copy in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert once[1][0] == again[1][0] == state[0] + 1
    results = [once[0], *arrays_in(once[1])]
    for a, b in zip(results, [again[0], *arrays_in(again[1])], strict=True):
        np.testing.assert_array_equal(a, b)
    for i, result in enumerate(results):
        assert not any(np.shares_memory(result, array) for array in inputs + results[:i])


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("make", OPTIMIZERS)
@examples
@given(seed=seeds)
def test_a_batch_is_each_rate_alone_bit_for_bit(make, dtype, d, seed):
    lrs = np.random.default_rng(seed).uniform(0.01, 2, 7)
    grads = gradients(seed, (7, d)).astype(dtype)
    batch = run(make(lrs[:, None]), np.ones((7, d), dtype), grads)
    for i, lr in enumerate(lrs):
        alone = run(make(lr), np.ones(d, dtype), grads[:, i])
        np.testing.assert_array_equal(batch[:, i], alone)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "make",
    [
        lambda c: Momentum(0.1, momentum=c),
        lambda c: AdaGrad(0.1, eps=c),
        lambda c: AdaGrad(0.1, initial_accumulator_value=c),
        lambda c: RestartedAdaGrad(0.1, every=4, eps=c),
        lambda c: RestartedAdaGrad(0.1, every=4, initial_accumulator_value=c),
        lambda c: WindowedAdaGrad(0.1, 4, eps=c),
        lambda c: RMSProp(0.1, rho=c),
        lambda c: RMSProp(0.1, eps=c),
        lambda c: AdaDelta(rho=c),
        lambda c: AdaDelta(eps=c),
        lambda c: Adam(0.1, betas=(c, 0.999)),
        lambda c: Adam(0.1, betas=(0.9, c)),
        lambda c: Adam(0.1, eps=c),
    ],
)
def test_every_constant_can_be_batched(make, dtype):
    column = np.array([[0.1], [0.2], [0.999]])
    grads = gradients(3, (3, 2)).astype(dtype)
    batch = run(make(column), np.ones((3, 2), dtype), grads)
    for i, c in enumerate(column[:, 0].tolist()):
        alone = run(make(c), np.ones(2, dtype), grads[:, i])
        np.testing.assert_array_equal(batch[:, i], alone)
    assert not np.array_equal(batch, run(make(0.2), np.ones((3, 2), dtype), grads))


@pytest.mark.parametrize("number", [float, np.array], ids=["float", "array"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("eps", [0.0, 1e-10])  # which is 0, too, in float16
@pytest.mark.parametrize("kind", WITH_A_ROOT_EACH)
def test_a_coordinate_without_gradient_rests(kind, eps, dtype, number):
    optimizer, params = kind(0.5, eps=number(eps)), np.ones(2, dtype)
    state = optimizer.init(params)
    for _ in range(4):
        params, state = optimizer.step(params, [0.0, 3.0], state)
        rates = optimizer.effective_lr(state)
        assert params[0] == 1
        assert np.isfinite(rates).all()
        assert rates[0] == 0 or eps


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


@pytest.mark.parametrize("kind", [*KINDS, lambda lr: Grafted(SGD(lr), SGD(lr))])
def test_frozen(kind):
    with pytest.raises(FrozenInstanceError):
        kind(0.1).lr = 0.2


@pytest.mark.parametrize("optimizer", [SGD([0.1, 0.2]), Momentum([0.1, 0.2])], ids=["SGD", "heavy"])
def test_rates_given_as_a_list_are_handed_back_as_an_array(optimizer):
    _, state = optimizer.step(np.ones(2), np.ones(2), optimizer.init(np.ones(2)))
    np.testing.assert_array_equal(optimizer.effective_lr(state) * 2, [0.2, 0.4])
    assert repr(SGD(lr=0.1)) == "SGD(lr=0.1)"


# AdaGradNorm and FullMatrixAdaGrad


def mild_gradients(seed, shape, steps=12):
    """Random gradients of one scale: a matrix of squares loses scales that are 1e8 apart."""
    return np.random.default_rng(seed).standard_normal((steps, *shape))


def test_the_default_of_both_is_adagrads():
    assert AdaGradNorm(0.1).eps == FullMatrixAdaGrad(0.1).eps == AdaGrad(0.1).eps


@examples
@given(seed=seeds, initial=st.floats(0, 10), eps=st.floats(1e-12, 1))
def test_adagrad_norm_is_sgd_with_the_rate_over_the_root_of_the_summed_squares(seed, initial, eps):
    grads, params = gradients(seed, (3,)), np.ones(3)
    norm = AdaGradNorm(lambda t: 1 + 1 / t, eps=eps, initial_accumulator_value=initial)
    summed = initial + np.cumsum((grads**2).sum(axis=1))
    sgd = SGD(lambda t: (1 + 1 / t) / (np.sqrt(summed[t - 1]) + eps))
    assert_same_path(run(norm, params, grads), run(sgd, params, grads), 1e-12)


def test_adagrad_norms_state_is_one_number_per_run():
    norm, params = AdaGradNorm(0.5, eps=0.0), np.zeros((2, 4, 3))
    before = norm.init(params)
    _, after = norm.step(params, np.full((2, 4, 3), 2.0), before)
    assert before.accumulator.shape == after.accumulator.shape == (2, 4, 1)
    np.testing.assert_array_equal(after.accumulator, 12.0)
    np.testing.assert_array_equal(norm.effective_lr(after), np.full((2, 4, 1), 0.5 / np.sqrt(12)))


@pytest.mark.parametrize("kind", [AdaGradNorm, FullMatrixAdaGrad])
@pytest.mark.parametrize("shape", [(1,), (2, 3, 1)], ids=str)
@examples
@given(seed=seeds, eps=st.just(0.0) | st.floats(1e-12, 1))
def test_in_one_dimension_all_adagrads_are_one(kind, shape, seed, eps):
    grads, params = gradients(seed, shape), np.ones(shape)
    ours, adagrad = (k(0.1, eps=eps) for k in (kind, AdaGrad))
    assert_same_path(run(ours, params, grads), run(adagrad, params, grads), 1e-12)


@examples
@given(seed=seeds, eps=st.just(0.0) | st.floats(1e-12, 1))
def test_the_matrix_of_gradients_along_the_axes_is_adagrads(seed, eps):
    rng = np.random.default_rng(seed)
    grads = mild_gradients(seed, (3,)) * 10.0 ** rng.uniform(-2, 2, 3)
    grads *= np.eye(3)[rng.integers(0, 3, len(grads))]
    full, adagrad = FullMatrixAdaGrad(0.1, eps=eps), AdaGrad(0.1, eps=eps)
    assert_same_path(run(full, np.ones(3), grads), run(adagrad, np.ones(3), grads), 1e-12)


@pytest.mark.parametrize("eps", [0.0, 0.1])
@examples
@given(seed=seeds)
def test_rotating_everything_rotates_the_path_of_the_full_matrix(eps, seed):
    rng, grads = np.random.default_rng(seed), mild_gradients(seed, (3,))
    rotation, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    full, params = FullMatrixAdaGrad(0.5, eps=eps), rng.standard_normal(3)
    rotated = run(full, rotation @ params, grads @ rotation.T)
    # Two gradients that are nearly parallel cost half the digits or, rarely, a few more.
    np.testing.assert_allclose(rotated, run(full, params, grads) @ rotation.T, atol=1e-6)


@pytest.mark.parametrize("eps", [0.0, 0.1])
@examples
@given(seed=seeds)
def test_full_matrix_steps_are_those_of_naive_formulas(eps, seed):
    d, lr = 4, 0.5
    grads = mild_gradients(seed, (d,))
    full = FullMatrixAdaGrad(lr, eps=eps)
    path, state = run(full, np.zeros(d), grads), full.init(np.zeros(d))
    for t, g in enumerate(grads):
        seen = grads[: t + 1]
        # While the matrix has no full rank, the root's inverse is taken on what it spans.
        _, singular, axes = np.linalg.svd(seen, full_matrices=False)
        inverse = axes.T @ np.diag(1 / (singular + eps)) @ axes
        if t > d + 2:
            np.testing.assert_allclose(inverse, inv(sqrtm(seen.T @ seen) + eps * np.eye(d)))
        np.testing.assert_allclose(path[t + 1] - path[t], -lr * inverse @ g, atol=1e-8)
        _, state = full.step(path[t], g, state)
        np.testing.assert_allclose(state.outer, seen.T @ seen, atol=1e-12)
        rates = full.effective_lr(state)
        assert rates.shape == (d,)
        np.testing.assert_allclose(rates, lr * np.diag(inverse), rtol=1e-6)


def test_the_full_matrix_leaves_alone_what_no_gradient_has_shown():
    plane = np.random.default_rng(5).standard_normal((2, 4))
    grads = mild_gradients(5, (2,), steps=200) @ plane
    path = run(FullMatrixAdaGrad(0.5, eps=0.0), np.zeros(4), np.array([0 * plane[0], *grads]))
    np.testing.assert_array_equal(path[1], 0.0)
    outside = np.eye(4) - np.linalg.pinv(plane) @ plane
    np.testing.assert_allclose(path @ outside, 0.0, atol=1e-9)


def test_a_matrix_that_overflowed_moves_nothing_and_spares_the_batch():
    full, params = FullMatrixAdaGrad(0.5), np.ones((3, 2))
    grads = np.array([[1e200, -1e200], [3.0, 4.0], [1.0, 1e200]])
    with np.errstate(over="ignore"):
        moved, state = full.step(params, grads, full.init(params))
    np.testing.assert_allclose(moved, [[1.0, 1.0], [0.7, 0.6], [1.0, 1.0]])
    np.testing.assert_array_equal(full.effective_lr(state)[[0, 2]], 0.0)


@pytest.mark.parametrize("number", [float, np.float64, np.array], ids=lambda n: n.__name__)
@pytest.mark.parametrize(
    "kind",
    [
        AdaGradNorm,
        FullMatrixAdaGrad,
        lambda lr, eps: RestartedAdaGrad(lr, eps, every=5),
        lambda lr, eps: WindowedAdaGrad(lr, 5, eps),
        lambda lr, eps: RMSProp(lr, 0.5, eps),
        lambda lr, eps: AdaDelta(lr, 0.5, eps + 0.01),
        lambda lr, eps: Adam(lr, (0.5, 0.75), eps),
        lambda lr, eps: Grafted(AdaGrad(lr, eps), SGD(lr)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_other_dtypes_stay_and_are_as_exact_as_they_can_be(dtype, kind, number):
    params, grads = np.ones((3, 2), dtype), mild_gradients(6, (3, 2))
    optimizer = kind(number(0.1), number(1e-10))
    path = run(optimizer, params, grads)
    assert path.dtype == dtype
    exact = run(optimizer, params.astype(np.float64), grads)
    np.testing.assert_allclose(path, exact, atol=20 * np.finfo(dtype).eps + 1e-12)
    stepped, state = optimizer.step(params, grads[0], optimizer.init(params))
    arrays = [stepped, *arrays_in(state), optimizer.effective_lr(state)]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


# SM3


def sm3_bounds(grads):
    """ν of each step, entry by entry as in the paper."""
    _, m, n = grads.shape
    rows, columns, bounds = [0.0] * m, [0.0] * n, []
    for g in grads:
        nu = [[min(rows[i], columns[j]) + g[i, j] ** 2 for j in range(n)] for i in range(m)]
        rows = [max(row) for row in nu]
        columns = [max(column) for column in zip(*nu, strict=True)]
        bounds.append(nu)
    return np.array(bounds)


@examples
@given(seed=seeds, eps=st.just(0.0) | st.floats(1e-12, 1))
def test_sm3s_steps_are_those_of_naive_formulas(seed, eps):
    grads, params = gradients(seed, (3, 4)), np.ones((3, 4))
    roots = np.maximum(np.sqrt(sm3_bounds(grads)) + eps, 1e-300)
    sgd = SGD(lambda t: (1 + 1 / t) / roots[t - 1])
    sm3 = SM3(lambda t: 1 + 1 / t, eps=eps)
    assert_same_path(run(sm3, params, grads), run(sgd, params, grads), 1e-12)


@examples
@given(seed=seeds)
def test_sm3_never_falls_below_adagrads_accumulator(seed):
    sm3, grads, params = SM3(0.1, eps=0.0), gradients(seed, (3, 4)), np.zeros((3, 4))
    state, summed, rates = sm3.init(params), 0.0, np.inf
    for g, nu in zip(grads, sm3_bounds(grads), strict=True):
        moved, state = sm3.step(params, g, state)
        summed = summed + g**2
        assert (nu >= summed * (1 - 1e-12)).all()  # rounding apart, here and below
        remembered = np.minimum(state.rows, state.columns)
        assert (remembered >= nu * (1 - 1e-12)).all()
        longest = 0.1 * np.abs(g) / np.sqrt(np.maximum(summed, 1e-300))
        assert (np.abs(moved - params) <= longest * (1 + 1e-12)).all()
        # Its own rates are lower bounds of those just used, and never grow, as AdaGrad's.
        assert (np.abs(moved - params) >= sm3.effective_lr(state) * np.abs(g) * (1 - 1e-12)).all()
        new = sm3.effective_lr(state)  # 0 where there never was a gradient
        assert ((new <= rates * (1 + 1e-12)) | (rates == 0)).all()
        rates = new


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (1, 1), (2, 1, 5)], ids=str)
@examples
@given(seed=seeds)
def test_on_a_single_row_or_column_sm3_is_adagrad(shape, seed):
    grads, params = gradients(seed, shape), np.ones(shape)
    np.testing.assert_array_equal(run(SM3(0.1), params, grads), run(AdaGrad(0.1), params, grads))


@examples
@given(seed=seeds)
def test_where_all_of_a_row_are_equal_sm3_is_adagrad(seed):
    """Also where columns are: the smaller of the two bounds is exact."""
    for shape in [(4, 1), (1, 4)]:
        grads = np.broadcast_to(gradients(seed, shape), (20, 4, 4))
        params = np.ones((4, 4))
        path, expected = run(SM3(0.1), params, grads), run(AdaGrad(0.1), params, grads)
        assert_same_path(path, expected, 1e-12)


def test_sm3_remembers_the_largest_of_each_row_and_column():
    sm3, params = SM3(1.0, eps=0.0), np.zeros((2, 3))
    _, state = sm3.step(params, [[1.0, 2.0, 0.0], [0.0, 3.0, 1.0]], sm3.init(params))
    np.testing.assert_array_equal(state.rows, [[4], [9]])
    np.testing.assert_array_equal(state.columns, [[1, 9, 1]])
    _, state = sm3.step(params, [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], state)
    np.testing.assert_array_equal(state.rows, [[5], [9]])
    np.testing.assert_array_equal(state.columns, [[1, 9, 1]])
    np.testing.assert_array_equal(1 / sm3.effective_lr(state) ** 2, [[1, 5, 1], [1, 9, 1]])


def test_sm3_on_a_batch_is_each_rate_alone_bit_for_bit():
    lrs = np.array([0.1, 0.5, 2.0])
    grads = gradients(11, (3, 4, 5))
    batch = run(SM3(lrs[:, None, None]), np.ones((3, 4, 5)), grads)
    for i, lr in enumerate(lrs):
        alone = run(SM3(lr), np.ones((4, 5)), grads[:, i])
        np.testing.assert_array_equal(batch[:, i], alone)


def test_a_step_of_sm3_is_pure():
    sm3, params, grads = SM3(0.1), np.ones((2, 3)), np.full((2, 3), 2.0)
    state = sm3.step(params, grads, sm3.init(params))[1]
    inputs = [params, grads, *state[1:]]
    for array in inputs:
        array.flags.writeable = False
    stepped, after = sm3.step(params, grads, state)
    results = [stepped, *after[1:]]
    assert not any(np.shares_memory(a, b) for a in results for b in inputs)
    assert (state.rows == 4).all()
    assert (after.steps, after.rows.max()) == (2, 8)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_sm3_stays_in_its_dtype_and_rests_without_a_gradient(dtype):
    sm3, params = SM3(0.5), np.ones((2, 2), dtype)
    stepped, state = sm3.step(params, [[0.0, 0.0], [0.0, 2.0]], sm3.init(params))
    np.testing.assert_allclose(stepped, [[1, 1], [1, 0.5]])
    assert {a.dtype for a in (stepped, *state[1:], sm3.effective_lr(state))} == {np.dtype(dtype)}
    assert np.isfinite(sm3.effective_lr(state)).all()


def test_sm3_needs_a_matrix():
    with pytest.raises(ValueError, match="params must have at least 2 dimensions"):
        SM3(0.1).init([1.0, 2.0])
    sm3 = SM3(0.1)
    state = sm3.init(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"state\.rows must have shape \(4, 1\), got \(2, 1\)"):
        sm3.step(np.ones((4, 3)), np.ones((4, 3)), state)
    with pytest.raises(ValueError, match="eps must be zero or positive"):
        SM3(0.1, eps=-1.0)


# RestartedAdaGrad and WindowedAdaGrad


@needs_torch
@examples
@given(seed=seeds, every=st.integers(1, 25), initial=st.sampled_from([0.0, 0.5]))
def test_a_restart_is_a_new_optimizer(seed, every, initial):
    grads, path = gradients(seed, (3,)), [np.ones(3)]
    for first in range(0, len(grads), every):
        path += list(
            run_torch(
                lambda p: torch.optim.Adagrad(p, lr=0.1, initial_accumulator_value=initial),
                path[-1],
                grads[first : first + every],
            )[1:]
        )
    restarted = RestartedAdaGrad(0.1, every=every, initial_accumulator_value=initial)
    assert_same_path(run(restarted, np.ones(3), grads), np.array(path), 1e-12)


def test_a_schedule_is_not_restarted():
    grads = np.ones((5, 1))
    path = run(RestartedAdaGrad(lambda t: 1 / t, every=2, eps=0.0), np.zeros(1), grads)
    lengths = [1, 1 / 2 / np.sqrt(2), 1 / 3, 1 / 4 / np.sqrt(2), 1 / 5]
    np.testing.assert_allclose(-np.diff(path[:, 0]), lengths)


def test_the_first_step_is_no_restart():
    restarted = RestartedAdaGrad(1.0, every=2, eps=0.0)
    state = restarted.init([0.0])._replace(accumulator=np.array([3.0]))
    assert restarted.step([0.0], [1.0], state)[1].accumulator == 4.0


def test_a_restart_comes_also_when_its_period_is_of_a_small_type():
    restarted = RestartedAdaGrad(1.0, every=np.uint8(2), eps=0.0)
    state = restarted.init([0.0])._replace(steps=1000, accumulator=np.array([3.0]))
    assert restarted.step([0.0], [1.0], state)[1].accumulator == 1.0


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)], ids=str)
@examples
@given(seed=seeds, window=st.integers(20, 25))
def test_a_window_that_holds_everything_is_adagrads(shape, seed, window):
    grads, params = gradients(seed, shape), np.ones(shape)
    windowed = WindowedAdaGrad(0.1, window)
    np.testing.assert_array_equal(run(windowed, params, grads), run(AdaGrad(0.1), params, grads))
    assert windowed.eps == AdaGrad(0.1).eps


@examples
@given(seed=seeds)
def test_a_window_of_one_is_sign_descent(seed):
    grads = gradients(seed, (3,))
    path = run(WindowedAdaGrad(0.1, 1, eps=0.0), np.zeros(3), grads)
    np.testing.assert_allclose(np.diff(path, axis=0), -0.1 * np.sign(grads), rtol=1e-12, atol=1e-15)


@examples
@given(seed=seeds, window=st.integers(1, 19), eps=st.floats(1e-12, 1))
def test_a_window_sums_the_last_squares(seed, window, eps):
    grads, params = gradients(seed, (2, 3)), np.ones((2, 3))
    summed = [(grads[max(0, t - window) : t] ** 2).sum(axis=0) for t in range(1, 21)]
    sgd = SGD(lambda t: (1 + 1 / t) / np.maximum(np.sqrt(summed[t - 1]) + eps, 1e-300))
    windowed = WindowedAdaGrad(lambda t: 1 + 1 / t, window, eps)
    assert_same_path(run(windowed, params, grads), run(sgd, params, grads), 1e-12)


def test_a_window_remembers_the_last_squares_and_nothing_of_those_before():
    windowed, params = WindowedAdaGrad(1.0, 3, eps=0.0), np.zeros(2)
    state = windowed.init(params)
    for g in (1e12, 1.0, 2.0, 2.0):
        params, state = windowed.step(params, np.array([g, 1.0]), state)
    np.testing.assert_array_equal(state.squares, [[1, 1], [4, 1], [4, 1]])
    np.testing.assert_array_equal(windowed.effective_lr(state), 1 / np.sqrt([9, 3]))


# RMSProp, AdaDelta and Adam


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


def test_the_effective_rates_of_adadelta_are_those_of_the_averages_after_the_step():
    adadelta, params, grads = AdaDelta(0.5, eps=0.1), np.zeros(3), mild_gradients(10, (3,))
    state = adadelta.init(params)
    for g in grads:
        before = state
        moved, state = adadelta.step(params, g, state)
        rates = adadelta.effective_lr(state)
        roots = np.sqrt((before.update_average + 0.1) / (state.square_average + 0.1))
        np.testing.assert_allclose(moved, params - 0.5 * roots * g)
        after = np.sqrt((state.update_average + 0.1) / (state.square_average + 0.1))
        np.testing.assert_allclose(rates, 0.5 * after)
        params = moved


# Grafted


@pytest.mark.parametrize("make", OPTIMIZERS)
@examples
@given(seed=seeds)
def test_grafted_on_itself_an_optimizer_is_the_same(make, seed):
    optimizer, grads = make(0.1), gradients(seed, (2, 3))
    grafted = run(Grafted(optimizer, optimizer), np.ones((2, 3)), grads)
    np.testing.assert_array_equal(grafted, run(optimizer, np.ones((2, 3)), grads))


@examples
@given(seed=seeds)
def test_a_graft_has_the_length_of_one_and_the_direction_of_the_other(seed):
    magnitude, direction = AdaGrad(0.3), Adam(2.0)
    grafted, params = Grafted(magnitude, direction), np.zeros((2, 3))
    state = grafted.init(params)
    states = [magnitude.init(params), direction.init(params)]
    for g in mild_gradients(seed, (2, 3)):
        # Both at the point where the graft is, as if each had been alone there.
        (long, states[0]), (along, states[1]) = (
            optimizer.step(np.zeros((2, 3)), g, before)
            for optimizer, before in zip((magnitude, direction), states, strict=True)
        )
        moved, state = grafted.step(params, g, state)
        ratio = np.linalg.norm(long, axis=1) / np.linalg.norm(along, axis=1)
        np.testing.assert_allclose(moved - params, ratio[:, None] * along, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(state.ratio, ratio[:, None])
        rates = state.ratio * direction.effective_lr(states[1])
        np.testing.assert_allclose(grafted.effective_lr(state), rates)
        params = moved


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_size_of_the_directions_rate_makes_no_difference(dtype):
    # Lost in the sum with the parameters, and with squares that underflow or overflow.
    tiny, huge = np.finfo(dtype).tiny * 8, np.finfo(dtype).max / 8
    params, grads = np.full(2, 1000, dtype), np.array([0.6, 0.8], dtype)
    for lr in (float(tiny), 1.0, float(huge)):
        grafted = Grafted(SGD(10.0), SGD(lr))
        moved, _ = grafted.step(params, grads, grafted.init(params))
        np.testing.assert_allclose(moved, [994, 992], rtol=1e-6)


def test_without_a_direction_there_is_no_step():
    grafted, params = Grafted(Momentum(0.5), SGD(0.1)), np.ones((2, 2))
    first, state = grafted.step(params, np.array([[3.0, 4.0], [0.0, 0.0]]), grafted.init(params))
    np.testing.assert_allclose(first, [[-0.5, -1.0], [1.0, 1.0]])
    second, state = grafted.step(first, np.zeros((2, 2)), state)
    assert (state.magnitude.velocity[0] != 0).all()
    np.testing.assert_array_equal(second, first)
    np.testing.assert_array_equal(grafted.effective_lr(state), 0.0)


class Uphill(SGD):
    """An optimizer as a reader might derive it."""

    def step(self, params, grads, state):
        return super().step(params, -np.asarray(grads), state)


class Decayed:
    """An optimizer as a reader might write it: a step that depends on where it is."""

    def init(self, params):
        return "remembered"

    def step(self, params, grads, state):
        assert state == "remembered"
        return 0.9 * params, state

    def effective_lr(self, state):
        return 1.0


def test_a_readers_own_optimizers_can_be_grafted():
    params, grads = np.array([3.0, 4.0]), np.array([1.0, 0.0])
    for magnitude, direction, expected in [
        (Decayed(), SGD(1.0), [2.5, 4.0]),
        (SGD(1.0), Decayed(), [2.4, 3.2]),
        (SGD(1.0), Uphill(7.0), [4.0, 4.0]),
    ]:
        grafted = Grafted(magnitude, direction)
        moved, state = grafted.step(params, grads, grafted.init(params))
        np.testing.assert_allclose(moved, expected)
        assert state.steps == 1
    descended = descend(Quadratic([1.0, 1.0]), params, Grafted(Decayed(), SGD(1.0)), 2)
    np.testing.assert_allclose(descended.points[:, 0], [3.0, 2.7, 2.43])


def test_a_graft_is_swept_over_the_rates_of_its_length():
    bowl, lrs = Quadratic([1.0, 9.0]), np.array([0.01, 0.1, 1.0])
    swept = sweep(bowl, [1.0, -2.0], lambda lr: Grafted(AdaGrad(lr), SGD(1.0)), lrs, 10)
    direct = descend(bowl, [1.0, -2.0], Grafted(AdaGrad(lrs[:, None]), SGD(1.0)), 10)
    np.testing.assert_array_equal(direct.points, swept.trajectory.points)
    moved = direct.points[:-1] - direct.effective_lrs * direct.gradients
    np.testing.assert_allclose(direct.points[1:], moved, rtol=1e-12)


def test_a_full_matrix_forgets_no_direction_whose_gradients_were_small():
    grads = np.array([[1.0, 0.0], [0.0, 1e9], [1.0, 0.0], [1.0, 0.0]])
    for turn in (np.eye(2), np.array([[0.8, -0.6], [0.6, 0.8]])):
        end = run(FullMatrixAdaGrad(0.1), np.zeros(2), grads @ turn.T)[-1] @ turn
        expected = run(AdaGrad(0.1), np.zeros(2), grads)[-1]
        # Turned, the entries of G keep of the small gradients no digit: they cannot be told.
        if turn[0, 1] == 0:
            np.testing.assert_allclose(end, expected, rtol=1e-9)
        np.testing.assert_allclose(end[1], expected[1], rtol=1e-6)


def test_a_full_matrix_leaves_alone_what_never_had_a_gradient():
    grads = np.random.default_rng(0).standard_normal((20, 1)) * np.array([1.0, 2.0, -3.0])
    full = FullMatrixAdaGrad(0.1)
    params, state = np.zeros(3), full.init(np.zeros(3))
    for g in grads:
        params, state = full.step(params, g, state)
    aside = np.array([2.0, -1.0, 0.0])
    np.testing.assert_allclose(params @ aside, 0.0, atol=1e-12)
    moved = full.step(params, aside + grads[0], state)[0] - params
    assert moved @ aside < -0.1  # its first gradient moves it as a first step does


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_a_gradient_too_large_for_the_parameters_dtype_is_refused(make):
    optimizer, params = make(0.1), np.ones(2, np.float32)
    with pytest.raises(ValueError, match="grads, in float32 as params, must be finite, got inf"):
        optimizer.step(params, [1e39, 1.0], optimizer.init(params))


def test_constants_do_not_change_with_the_arrays_that_they_were_given_as():
    lrs, betas = np.array([0.1, 0.2]), np.array([0.9, 0.5])
    sgd, adam = SGD(lrs), Adam(0.1, betas=(betas, 0.999))
    lrs[0], betas[0] = -1.0, 7.0
    assert sgd.lr[0] == 0.1
    assert adam.betas[0][0] == 0.9


class Doubled(AdaGrad):
    """A reader's own optimizer, by the method that everything else rests on."""

    def update(self, grads, state, params):
        change, state = super().update(grads, state, params)
        return 2 * change, state


def test_an_update_of_a_readers_own_is_taken_wherever_there_is_a_step():
    params, grads = np.array([3.0, 4.0]), np.array([1.0, -2.0])
    own, plain = Doubled(0.5), AdaGrad(1.0)
    assert np.array_equal(
        own.step(params, grads, own.init(params))[0],
        plain.step(params, grads, plain.init(params))[0],
    )
    for graft, expected in [
        (Grafted(own, SGD(1.0)), Grafted(plain, SGD(1.0))),
        (Grafted(SGD(1.0), own), Grafted(SGD(1.0), plain)),
    ]:
        np.testing.assert_allclose(
            graft.step(params, grads, graft.init(params))[0],
            expected.step(params, grads, expected.init(params))[0],
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", OPTIMIZERS)
def test_a_step_is_params_less_the_update(make, dtype):
    optimizer, params = make(0.1), np.array([1.0, -2.0], dtype)
    grads = np.array([3.0, 0.25], dtype)
    change, after = optimizer.update(grads, optimizer.init(params), params)
    stepped, state = optimizer.step(params, grads, optimizer.init(params))
    assert change.dtype == stepped.dtype == dtype
    np.testing.assert_array_equal(stepped, params - change)
    for a, b in zip(arrays_in(after), arrays_in(state), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_update_of_another_shape_is_refused():
    class Summed(SGD):
        def update(self, grads, state, params):
            change, state = super().update(grads, state, params)
            return change.sum(), state

    summed = Summed(0.1)
    with pytest.raises(ValueError, match=r"the change must have shape \(2,\), got \(\)"):
        summed.step([1.0, 2.0], [1.0, 1.0], summed.init([1.0, 2.0]))
