"""The optimizers against torch.optim, step by step, and the properties the book relies on."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import inv, sqrtm

from adagrad_course.optimizers import SGD, AdaGrad, AdaGradNorm, FullMatrixAdaGrad, Momentum

examples = settings(max_examples=10, deadline=None, database=None)
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


@pytest.mark.parametrize(("ours", "theirs"), OURS_AND_TORCHS.values(), ids=OURS_AND_TORCHS)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)], ids=str)
@examples
@given(seed=seeds)
def test_same_steps_as_torch(ours, theirs, shape, seed):
    params = np.random.default_rng(seed).standard_normal(shape)
    grads = gradients(seed, shape)
    assert_same_path(run(ours, params, grads), run_torch(theirs, params, grads), 1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (SGD, lambda p: torch.optim.SGD(p, lr=1.0)),
        (Momentum, lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.9)),
        (AdaGrad, lambda p: torch.optim.Adagrad(p, lr=1.0)),
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


@pytest.mark.parametrize(
    "number",
    [float, np.float64, np.array, lambda v: np.full((3, 1), v)],
    ids=["float", "float64", "array", "column"],
)
@pytest.mark.parametrize("kind", ["SGD", "Momentum", "AdaGrad"])
def test_float32_stays_float32(kind, number):
    optimizer = {
        "SGD": lambda: SGD(number(0.1)),
        "Momentum": lambda: Momentum(number(0.1), momentum=number(0.9)),
        "AdaGrad": lambda: AdaGrad(number(0.1), number(1e-10), number(0.0)),
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


OPTIMIZERS = [
    *(SGD, Momentum, AdaGrad, AdaGradNorm, FullMatrixAdaGrad),
    *(lambda lr, kind=kind: kind(lr, eps=0.0) for kind in (AdaGrad, AdaGradNorm)),
    lambda lr: FullMatrixAdaGrad(lr, eps=0.0),
]


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_a_step_is_pure(make):
    optimizer = make(0.1)
    params, grads = np.array([1.0, 2.0]), np.array([3.0, -4.0])
    state = optimizer.step(params, grads, optimizer.init(params))[1]
    inputs = [params, grads, *state[1:]]
    before = [array.copy() for array in inputs]
    for array in inputs:
        array.flags.writeable = False
    once, again = (optimizer.step(params, grads, state) for _ in range(2))
    optimizer.effective_lr(state)
    for array, copy in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    for a, b in zip([once[0], *once[1]], [again[0], *again[1]], strict=True):
        np.testing.assert_array_equal(a, b)
    for result in [once[0], *once[1][1:]]:
        assert not any(np.shares_memory(result, array) for array in inputs)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("make", OPTIMIZERS)
@examples
@given(seed=seeds)
def test_a_batch_is_each_rate_alone_bit_for_bit(make, dtype, seed):
    lrs = np.random.default_rng(seed).uniform(0.01, 2, 7)
    grads = gradients(seed, (7, 3)).astype(dtype)
    batch = run(make(lrs[:, None]), np.ones((7, 3), dtype), grads)
    for i, lr in enumerate(lrs):
        alone = run(make(lr), np.ones(3, dtype), grads[:, i])
        np.testing.assert_array_equal(batch[:, i], alone)


def test_every_constant_can_be_batched():
    column = np.array([[0.1], [0.2], [0.3]])
    grads = gradients(3, (3, 2))
    for make in (
        lambda c: Momentum(0.1, momentum=c),
        lambda c: AdaGrad(0.1, eps=c),
        lambda c: AdaGrad(0.1, initial_accumulator_value=c),
    ):
        batch = run(make(column), np.ones((3, 2)), grads)
        for i, c in enumerate(column[:, 0]):
            np.testing.assert_array_equal(batch[:, i], run(make(c), np.ones(2), grads[:, i]))


def test_without_eps_a_coordinate_without_gradient_rests():
    adagrad = AdaGrad(0.5, eps=0.0)
    params, state = adagrad.step([1.0, 1.0], [0.0, 3.0], adagrad.init([1.0, 1.0]))
    np.testing.assert_array_equal(params, [1.0, 0.5])
    np.testing.assert_array_equal(adagrad.effective_lr(state), [0.0, 0.5 / 3.0])


@pytest.mark.parametrize("eps", [0.0, 1e-10])  # which is 0, too, in float16
def test_in_float16_a_coordinate_without_gradient_rests(eps):
    adagrad, params = AdaGrad(0.5, eps=eps), np.ones(2, np.float16)
    params, _ = adagrad.step(params, [0.0, 3.0], adagrad.init(params))
    np.testing.assert_array_equal(params, [1.0, 0.5])


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


@pytest.mark.parametrize("kind", [SGD, Momentum, AdaGrad, AdaGradNorm, FullMatrixAdaGrad])
def test_frozen(kind):
    with pytest.raises(FrozenInstanceError):
        kind(0.1).lr = 0.2


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
@pytest.mark.parametrize("kind", [AdaGradNorm, FullMatrixAdaGrad])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_other_dtypes_stay_and_are_as_exact_as_they_can_be(dtype, kind, number):
    params, grads = np.ones((3, 2), dtype), mild_gradients(6, (3, 2))
    optimizer = kind(number(0.1), number(1e-10))
    path = run(optimizer, params, grads)
    assert path.dtype == dtype
    exact = run(optimizer, params.astype(np.float64), grads)
    np.testing.assert_allclose(path, exact, atol=20 * np.finfo(dtype).eps + 1e-12)
    stepped, state = optimizer.step(params, grads[0], optimizer.init(params))
    arrays = [stepped, state[1], optimizer.effective_lr(state)]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
