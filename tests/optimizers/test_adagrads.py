"""The variants of AdaGrad against formulas, torch.optim, and AdaGrad itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optional_torch import needs_torch, torch
from scipy.linalg import inv, sqrtm
from trials import assert_same_path, examples, gradients, mild_gradients, run, run_torch, seeds

from adagrad_course.optimizers import (
    SGD,
    SM3,
    AdaGrad,
    AdaGradNorm,
    FullMatrixAdaGrad,
    RestartedAdaGrad,
    WindowedAdaGrad,
)

# AdaGradNorm and FullMatrixAdaGrad


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
