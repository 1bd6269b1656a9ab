"""DoG and Prodigy against their authors' packages, and what they promise."""

import numpy as np
import pytest
from optional_torch import needs_torch
from trials import gradients, mild_gradients, run, run_torch

from adagrad_course.descent import descend, sweep
from adagrad_course.objectives import Quadratic
from adagrad_course.optimizers import AdaGradNorm, DoG, Prodigy

BOWL, START = Quadratic([1.0, 25.0, 4.0]), np.array([-4.0, 0.8, 3.0])
KINDS = [DoG, Prodigy]


@needs_torch
@pytest.mark.parametrize("constants", [{}, {"lr": 0.5}, {"reps_rel": 0.1, "eps": 1.0}])
@pytest.mark.parametrize("start", [[0.0, 0.0, 0.0], [1.0, -2.0, 0.5]])
def test_dog_is_that_of_its_authors(constants, start):
    from dog import DoG as reference

    grads = 100 * (mild_gradients(0, (3,), steps=300) + np.array([1.0, -2.0, 0.1]))
    theirs = run_torch(lambda p: reference(p, **constants), np.array(start), grads)
    ours = run(DoG(**constants), np.array(start), grads)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    assert np.abs(ours[-1] - start).max() > 1e-4  # it has gone far more than its first steps


@needs_torch
@pytest.mark.parametrize(
    "constants", [{}, {"lr": 0.5}, {"betas": (0.5, 0.8)}, {"d0": 0.01}], ids=str
)
@pytest.mark.parametrize("start", [[0.0, 0.0, 0.0], [1.0, -2.0, 0.5]])
def test_prodigy_is_that_of_its_authors(constants, start):
    from prodigyopt.prodigy_reference import ProdigyReference

    grads = mild_gradients(1, (3,), steps=60) + np.array([1.0, -2.0, 0.1])
    # The package puts the next distance before eps, the paper this one: without it they agree.
    theirs = run_torch(
        lambda p: ProdigyReference(p, eps=1e-100, **constants), np.array(start), grads
    )
    ours = run(Prodigy(eps=0.0, **constants), np.array(start), grads)
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)
    theirs = run_torch(lambda p: ProdigyReference(p, **constants), np.array(start), grads)
    ours = run(Prodigy(**constants), np.array(start), grads)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)
    assert np.abs(ours[-1] - start).max() > 1e-2


def test_eps_of_prodigy_is_multiplied_by_the_distance_of_this_step():
    prodigy, params = Prodigy(betas=(0.0, 0.0), eps=0.5, d0=0.1), np.array([1.0])
    for g in (2.0, 3.0):
        change, _ = prodigy.update([g], prodigy.init(params), params)
        np.testing.assert_allclose(change, 0.1 * 0.1 * g / (0.1 * g + 0.1 * 0.5))


@pytest.mark.parametrize("kind", KINDS)
def test_the_distance_never_falls_and_stays_below_the_true_one(kind):
    optimizer, points, distances = kind(), START, []
    state = optimizer.init(points)
    for _ in range(500):
        points, state = optimizer.step(points, BOWL.gradient(points), state)
        distances.append(state.distance[0])
    assert (np.diff(distances) >= 0).all()
    assert distances[0] < 1e-5
    if kind is Prodigy:  # a bound for each coordinate, by convexity
        assert 0.1 < distances[-1] <= np.abs(START).max()
    else:
        assert 0.1 < distances[-1] <= 2 * np.linalg.norm(START)


@pytest.mark.parametrize("kind", KINDS)
def test_neither_feels_the_scale_of_the_loss(kind):
    grads = mild_gradients(3, (3,), steps=100) + 1.0
    optimizer = kind(eps=0.0)
    path = run(optimizer, START, grads)
    np.testing.assert_allclose(run(optimizer, START, 1000 * grads), path, rtol=1e-9)


def test_dog_does_not_feel_a_rotation_but_prodigy_does():
    grads = mild_gradients(3, (3,), steps=200) + 1.0
    turn, _ = np.linalg.qr(mild_gradients(6, (3, 3), 1)[0])
    for optimizer, same in [(DoG(), True), (Prodigy(), False)]:
        path = run(optimizer, START, grads) @ turn
        turned = run(optimizer, START @ turn, grads @ turn)
        assert np.allclose(turned, path, rtol=1e-9) == same


def test_dog_is_adagrad_norm_with_the_distance_as_rate():
    points = run(DoG(eps=0.0), START, grads := mild_gradients(0, (3,), steps=50))
    far = np.linalg.norm(points[:-1] - START, axis=1)
    far[0] = 1e-6 * (1 + np.linalg.norm(START))
    rates = np.maximum.accumulate(far)
    adagrad = run(AdaGradNorm(lambda t: rates[t - 1], eps=0.0), START, grads)
    np.testing.assert_allclose(adagrad, points, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_effective_rates_explain_the_steps(kind):
    optimizer, params = kind(lambda t: 0.5 + 1 / t), START
    state = optimizer.init(params)
    for g in mild_gradients(2, (3,), steps=30):
        change, state = optimizer.update(g, state, params)
        factor = state.average if kind is Prodigy else g
        np.testing.assert_array_equal(change, optimizer.effective_lr(state) * factor)
        params = params - change


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "make",
    [
        *(lambda c, kind=kind: kind(c) for kind in KINDS),
        *(lambda c, kind=kind: kind(eps=c) for kind in KINDS),
        lambda c: DoG(reps_rel=c),
        lambda c: Prodigy(d0=c),
        lambda c: Prodigy(betas=(c, 0.5)),
        lambda c: Prodigy(betas=(0.5, c)),
    ],
)
def test_every_constant_can_be_batched(make, dtype):
    column = np.array([[0.1], [0.2], [0.9]])
    grads = gradients(3, (3, 2), steps=50).astype(dtype)
    batch = run(make(column), np.ones((3, 2), dtype), grads)
    assert batch.dtype == dtype
    for i, c in enumerate(column[:, 0].tolist()):
        alone = run(make(c), np.ones(2, dtype), grads[:, i])
        np.testing.assert_array_equal(batch[:, i], alone)
    assert not np.array_equal(batch, run(make(0.2), np.ones((3, 2), dtype), grads))


@pytest.mark.parametrize("kind", KINDS)
def test_a_factor_is_swept_and_a_wrong_one_refused(kind):
    lrs = np.array([0.5, 1.0, 2.0])
    swept = sweep(BOWL, START, kind, lrs, 40).trajectory
    for i, lr in enumerate(lrs):
        alone = descend(BOWL, START, kind(lr), 40)
        np.testing.assert_array_equal(swept.points[:, i], alone.points)
    with pytest.raises(ValueError, match=r"lr must broadcast to .*\(1,\), got shape \(3,\)"):
        kind(np.ones(3)).init(START)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_gradient_nothing_moves(kind):
    optimizer = kind(eps=0.0)
    np.testing.assert_array_equal(run(optimizer, START, np.zeros((5, 3))), [START] * 6)


def test_a_first_distance_of_zero_is_refused():
    for make, name in [(lambda v: DoG(reps_rel=v), "reps_rel"), (lambda v: Prodigy(d0=v), "d0")]:
        with pytest.raises(ValueError, match=f"{name} must be positive, got 0"):
            make(0.0)
