"""The online game against definitions, other solvers, and the theorems that the book states."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from adagrad_course.bounds import adagrad_bound, sgd_bound
from adagrad_course.online import (
    LinearLosses,
    MovingTarget,
    hindsight_optimum,
    play,
)
from adagrad_course.optimizers import SGD, AdaGrad, AdaGradNorm

examples = settings(max_examples=15)
seeds = st.integers(0, 2**32)
rates = st.floats(1e-3, 1e3)

DEFINITIONS = {
    "absolute": lambda p, y: abs(p - y),
    "hinge": lambda p, y: max(0.0, 1 - y * p),
    "logistic": lambda p, y: math.log(1 + math.exp(-y * p)),
}
KINDS = list(DEFINITIONS)
every_kind = pytest.mark.parametrize("kind", KINDS)


def random_losses(seed, kind, d=3, rounds=20):
    """Inputs whose coordinates differ in scale and are often zero, as the words of a text."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((rounds, d)) * 10.0 ** rng.uniform(-1, 1, d)
    features *= rng.random((rounds, d)) < rng.uniform(0.2, 1, d)
    features[0, 0] = 1.0  # at least one
    targets = rng.normal(size=rounds) if kind == "absolute" else rng.choice([-1, 1], rounds)
    return LinearLosses(features, targets, kind)


# The losses


@every_kind
@examples
@given(seed=seeds)
def test_values_and_slopes_are_those_of_the_definition(kind, seed):
    losses, h = random_losses(seed, kind), 1e-6
    params = np.random.default_rng(seed).normal(size=3)
    for t, (x, y) in enumerate(zip(losses.features, losses.targets, strict=True)):
        p = sum(a * b for a, b in zip(x, params, strict=True))
        assert losses.value(t, params) == pytest.approx(DEFINITIONS[kind](p, y), abs=1e-12)
        if kind == "logistic" or abs(p - y) > 1e-3:  # away from the kink
            ends = params + h * np.stack([np.eye(3), -np.eye(3)])
            ahead, behind = losses.value(t, ends)
            slope = (ahead - behind) / (2 * h)
            np.testing.assert_allclose(losses.gradient(t, params), slope, atol=1e-6)


@every_kind
@examples
@given(seed=seeds)
def test_gradients_support_the_losses_from_below_also_at_a_kink(kind, seed):
    rng = np.random.default_rng(seed)
    # Small whole numbers, so that predictions often meet the kink exactly.
    losses = LinearLosses(rng.integers(-1, 2, (30, 2)), rng.choice([-1, 1], 30), kind)
    at, elsewhere = rng.integers(-1, 2, (2, 30, 2)).astype(float)
    for t in range(30):
        tangent = losses.value(t, at) + (losses.gradient(t, at) * (elsewhere - at)).sum(axis=-1)
        assert (losses.value(t, elsewhere) >= tangent - 1e-12).all()


@every_kind
def test_a_batch_of_points_is_each_point_alone(kind):
    losses = random_losses(1, kind)
    points = np.random.default_rng(1).normal(size=(2, 4, 3))
    values, slopes = losses.value(7, points), losses.gradient(7, points)
    assert (values.shape, slopes.shape) == ((2, 4), (2, 4, 3))
    for i in np.ndindex(2, 4):
        alone = points[i].tolist()
        np.testing.assert_allclose(values[i], losses.value(7, alone), rtol=1e-12)
        np.testing.assert_allclose(slopes[i], losses.gradient(7, alone), rtol=1e-12)


@every_kind
def test_first_total_and_sizes(kind):
    losses, params = random_losses(2, kind), np.array([0.5, -1.0, 2.0])
    assert (len(losses), losses.d, len(losses.first(6)), losses.first(6).kind) == (20, 3, 6, kind)
    values = [losses.value(t, params) for t in range(20)]
    assert losses.total(params) == pytest.approx(sum(values), rel=1e-12)
    assert losses.first(6).total(params.tolist()) == pytest.approx(sum(values[:6]), rel=1e-12)


@pytest.mark.parametrize("margin", [1e3, 1e6, 1e300])
@pytest.mark.parametrize("target", [-1, 1])
def test_no_margin_is_too_large_for_the_logistic_loss(margin, target):
    losses = LinearLosses([[1.0]], [target], "logistic")
    right, wrong = np.array([[target * margin], [-target * margin]])
    assert (losses.value(0, right), losses.gradient(0, right)) == (0, 0)
    assert (losses.value(0, wrong), losses.gradient(0, wrong)) == (margin, -target)
    slope = losses.gradient(0, [50.0 * target])[0]
    assert slope == pytest.approx(-target * math.exp(-50), rel=1e-12)


@examples
@given(seed=seeds, noise=st.sampled_from([0.0, 0.7]))
def test_the_moving_target_is_its_definition(seed, noise):
    rng = np.random.default_rng(seed)
    targets, points = rng.normal(size=(6, 3)), rng.normal(size=(2, 4, 3))
    losses = MovingTarget(targets, noise, np.random.default_rng(seed))
    errors = noise * np.random.default_rng(seed).standard_normal((6, 3)) if noise else targets * 0
    assert (len(losses), losses.d) == (6, 3)
    for t in range(6):
        values, slopes = losses.value(t, points), losses.gradient(t, points)
        assert (values.shape, slopes.shape) == ((2, 4), (2, 4, 3))
        for i in np.ndindex(2, 4):
            half_square = math.dist(points[i], targets[t]) ** 2 / 2
            assert values[i] == pytest.approx(half_square, rel=1e-12)
            assert losses.value(t, points[i].tolist()) == values[i]
            np.testing.assert_allclose(slopes[i], points[i] - targets[t] + errors[t], atol=1e-14)
            np.testing.assert_array_equal(losses.gradient(t, points[i].tolist()), slopes[i])


def test_all_games_against_a_moving_target_see_the_same_noise():
    losses = MovingTarget(np.zeros((50, 2)), 0.3, np.random.default_rng(0))
    lrs = np.array([0.1, 0.5])
    games = play(losses, SGD(lrs[:, None]))
    errors = games.gradients - games.points
    np.testing.assert_allclose(errors[:, 0], errors[:, 1], atol=1e-15)
    for i, lr in enumerate(lrs):
        np.testing.assert_array_equal(play(losses, SGD(lr)).points, games.points[:, i])
    other = MovingTarget(np.zeros((50, 2)), 0.3, np.random.default_rng(1))
    assert (other.gradient(0, [0.0, 0.0]) != losses.gradient(0, [0.0, 0.0])).all()


def test_the_tracking_error_is_that_of_the_theory():
    # On a random walk, w - c is an autoregression: x' = (1 - η) x - η σ z - s, s the walk's step.
    rng, lrs = np.random.default_rng(1), np.array([0.05, 0.3, 1.0])
    walk = np.cumsum(0.2 * rng.standard_normal((20_000, 10)), axis=0)
    game = play(MovingTarget(walk, 0.5, rng), SGD(lrs[:, None]))
    expected = (lrs**2 * 0.5**2 + 0.2**2) / (1 - (1 - lrs) ** 2)
    np.testing.assert_allclose(game.losses[1000:].mean(axis=0) / 5, expected, rtol=0.05)


# The game


@every_kind
@examples
@given(seed=seeds, lr=rates, radius=st.floats(0.1, 10))
def test_each_step_is_projected_as_adagrads_scaling_asks(kind, seed, lr, radius):
    losses = random_losses(seed, kind, rounds=8)
    start = np.random.default_rng(seed).uniform(-radius, radius, 3)
    game = play(losses, AdaGrad(lr, eps=1e-3), radius=radius, start=start)
    np.testing.assert_array_equal(game.points[0], start)
    assert np.abs(game.points).max() <= radius
    for t, point in enumerate(game.points):
        assert game.losses[t] == losses.value(t, point)
        np.testing.assert_array_equal(game.gradients[t], losses.gradient(t, point))
    roots = np.sqrt(np.cumsum(game.gradients**2, axis=0)) + 1e-3
    stepped = game.points - lr * game.gradients / roots
    for t in range(len(losses) - 1):
        # The point of the box with the least sum of roots * (point - stepped)**2.
        weights = np.sqrt(roots[t] / roots[t].max())
        nearest = lsq_linear(
            np.diag(weights), weights * stepped[t], (-radius, radius), method="bvls"
        )
        np.testing.assert_allclose(game.points[t + 1], nearest.x, atol=1e-9 * max(radius, lr))


@every_kind
@pytest.mark.parametrize("learner", [SGD, AdaGrad, AdaGradNorm])
@examples
@given(seed=seeds)
def test_a_batch_of_rates_is_each_game_alone(kind, learner, seed):
    losses, lrs = random_losses(seed, kind), np.array([0.01, 0.1, 1.0, 10.0])
    games = play(losses, learner(lrs[:, None]), radius=2.0)
    assert games.points.shape == games.gradients.shape == (20, 4, 3)
    for i, lr in enumerate(lrs):
        alone = play(losses, learner(lr), radius=2.0)
        np.testing.assert_allclose(games.points[:, i], alone.points, atol=1e-9)
        np.testing.assert_allclose(games.losses[:, i], alone.losses, atol=1e-8)
        np.testing.assert_allclose(games.regret(1.5)[i], sum(alone.losses) - 1.5, atol=1e-8)


def test_without_a_radius_nothing_is_projected():
    losses = LinearLosses([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [9.0, 9.0, -9.0], "absolute")
    game = play(losses, SGD(3.0))
    np.testing.assert_array_equal(game.points, [[0, 0], [3, 0], [6, 0]])
    np.testing.assert_array_equal(game.losses, [9, 6, 9])
    assert game.regret(4) == 20


def test_a_learner_that_works_in_place_falsifies_nothing():
    class InPlace(SGD):
        def step(self, params, grads, state):
            grads *= self.lr
            params -= grads
            return params, state

    losses = random_losses(3, "logistic")
    game, expected = play(losses, InPlace(0.5)), play(losses, SGD(0.5))
    np.testing.assert_array_equal(game.points, expected.points)
    np.testing.assert_array_equal(game.gradients, expected.gradients)


# Hindsight


def slack(radius, d):
    """How far from the least total a solver may stop that is content with slopes of 1e-8."""
    return 2e-8 * radius * d + 1e-9


@every_kind
@pytest.mark.parametrize("d", [1, 2])
@examples
@given(seed=seeds, radius=st.floats(0.1, 10))
def test_the_optimum_is_that_of_a_grid(kind, d, seed, radius):
    losses = random_losses(seed, kind, d, rounds=6)
    point, total = hindsight_optimum(losses, radius)
    axis = np.linspace(-radius, radius, 81)
    grid = np.stack(np.meshgrid(*[axis] * d), axis=-1)
    on_grid = sum(losses.value(t, grid) for t in range(6)).min()
    steepest = np.abs(losses.features).sum()  # no slope of the sum is more
    assert -slack(radius, d) <= on_grid - total <= steepest * (axis[1] - axis[0]) / 2
    assert total == losses.total(point)


@every_kind
@examples
@given(seed=seeds, radius=st.floats(0.1, 10), d=st.integers(1, 5))
def test_no_point_of_the_box_beats_the_optimum(kind, seed, radius, d):
    losses, rng = random_losses(seed, kind, d), np.random.default_rng(seed)
    point, total = hindsight_optimum(losses, radius)
    assert point.shape == (d,)
    assert np.abs(point).max() <= radius
    near = point + radius * rng.normal(size=(200, d)) * 10.0 ** rng.uniform(-6, 0, (200, 1))
    others = np.clip(near, -radius, radius)
    totals = sum(losses.value(t, others) for t in range(len(losses)))
    assert totals.min() >= total - slack(radius, d)


@pytest.mark.parametrize(("kind", "solver"), [("absolute", "linprog"), ("logistic", "minimize")])
def test_a_solver_that_fails_is_not_believed(kind, solver, monkeypatch):
    failed = SimpleNamespace(x=np.zeros(3), fun=0.0, success=False, status=1, message="gave up")
    monkeypatch.setattr(f"scipy.optimize.{solver}", lambda *args, **kwargs: failed)
    with pytest.raises(RuntimeError, match="gave up"):
        hindsight_optimum(random_losses(0, kind), 1.0)


# The theorems


@every_kind
@examples
@given(
    seed=seeds,
    lr=rates,
    radius=st.floats(0.1, 10),
    eps=st.just(0.0) | st.floats(1e-12, 10),
    d=st.integers(1, 4),
)
def test_regret_keeps_to_the_bounds(kind, seed, lr, radius, eps, d):
    losses = random_losses(seed, kind, d)
    best, total = hindsight_optimum(losses, radius)
    others = np.random.default_rng(seed).uniform(-radius, radius, (5, d))
    diagonal = play(losses, AdaGrad(lr, eps=eps), radius=radius)
    norm = play(losses, AdaGradNorm(lr, eps=0.0), radius=radius)
    # The theorem holds for every comparator, with the largest distance that was met.
    for point, cost in [(best, total), *((w, losses.total(w)) for w in others)]:
        far = np.abs(diagonal.points - point).max()
        bound = adagrad_bound(diagonal.gradients, far, lr, eps=eps)
        assert diagonal.regret(cost) <= bound + 1e-9 * (1 + cost)
        far = np.linalg.norm(norm.points - point, axis=-1).max()
        assert norm.regret(cost) <= sgd_bound(norm.gradients, far, lr) + 1e-9 * (1 + cost)


def test_a_game_that_diverges_is_recorded_and_the_others_go_on():
    target = MovingTarget(np.ones((1200, 1)))
    games = play(target, SGD([[0.1], [3.0]]))
    np.testing.assert_array_equal(games.diverged, [False, True])
    alone = play(target, SGD(0.1))
    np.testing.assert_array_equal(games.points[:, 0], alone.points)
    np.testing.assert_array_equal(games.losses[:, 0], alone.losses)
    first = np.isfinite(games.losses[:, 1]).sum()
    assert 100 < first < 1200
    assert (games.losses[first:, 1] == np.inf).all()
    assert (games.points[first:, 1] == games.points[first, 1]).all()
    assert np.isfinite(games.points).all()
    assert (games.gradients[first:, 1] == 0).all()
    np.testing.assert_allclose(games.regret(0.0), [alone.losses.sum(), np.inf])


def test_the_first_wrong_target_is_named():
    with pytest.raises(ValueError, match=r"targets must be -1 or 1 .*, got 0\.5$"):
        LinearLosses([[1.0]] * 3, [1.0, 0.5, 3.0], "hinge")


def test_the_errors_to_come_are_not_shown():
    game = MovingTarget([[1.0]], 0.5, np.random.default_rng(0))
    assert repr(game) == "MovingTarget(targets=array([[1.]]), noise=0.5)"
