"""The objectives against finite differences, explicit matrices, torch, and their own docstrings."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adagrad_course.objectives import (
    DoubleWell,
    Noisy,
    Plateau,
    Quadratic,
    Rosenbrock,
    Saddle,
    SoftmaxRegression,
)

examples = settings(max_examples=20, deadline=None, database=None)
seeds = st.integers(0, 2**32)

RNG = np.random.default_rng(0)
FEATURES, LABELS = RNG.standard_normal((12, 3)), np.arange(12) % 4
SOFTMAX = SoftmaxRegression(FEATURES, LABELS)
TURNED = Quadratic([1.0, 25.0], rotation=0.6, minimum=[0.5, -1.5])

OBJECTIVES = {
    "Quadratic": (Quadratic([0.1, 1.0, 30.0], minimum=[1.0, 2.0, 3.0]), 3),
    "Quadratic-turned": (TURNED, 2),
    "Saddle": (Saddle(), 2),
    "DoubleWell": (DoubleWell(0.3), 1),
    "Plateau": (Plateau(), 1),
    "Rosenbrock": (Rosenbrock(), 2),
    "Noisy": (Noisy(Rosenbrock(), 3.0), 2),
    "SoftmaxRegression": (SOFTMAX, 16),
}
every_objective = pytest.mark.parametrize(("objective", "d"), OBJECTIVES.values(), ids=OBJECTIVES)


@every_objective
@examples
@given(seed=seeds)
def test_gradient_is_the_slope(objective, d, seed):
    points = np.random.default_rng(seed).uniform(-2, 2, (5, d))
    h = 1e-5
    ends = points[:, None] + h * np.stack([np.eye(d), -np.eye(d)])[:, None]
    ahead, behind = objective.value(ends)
    slope = (ahead - behind) / (2 * h)
    np.testing.assert_allclose(objective.gradient(points), slope, rtol=1e-6, atol=1e-6)


@every_objective
def test_a_batch_is_each_point_alone(objective, d):
    points = np.random.default_rng(1).uniform(-2, 2, (2, 3, d))
    values, gradients = objective.value(points), objective.gradient(points)
    assert values.shape == (2, 3)
    assert gradients.shape == points.shape
    for i in np.ndindex(2, 3):
        alone = objective.value(points[i]), objective.gradient(points[i].tolist())
        assert alone[0].shape == ()
        np.testing.assert_allclose(values[i], alone[0], rtol=1e-12)
        np.testing.assert_allclose(gradients[i], alone[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("objective", "minimum", "value"),
    [
        (OBJECTIVES["Quadratic"][0], [1.0, 2.0, 3.0], 0.0),
        (TURNED, [0.5, -1.5], 0.0),
        (Saddle(), [0.0, 1.0], -0.25),
        (Saddle(), [0.0, -1.0], -0.25),
        (DoubleWell(0.0), [1.0], 0.0),
        (DoubleWell(0.0), [-1.0], 0.0),
        (Plateau(), [0.0], 0.0),
        (Rosenbrock(), [1.0, 1.0], 0.0),
    ],
)
def test_the_minimum_is_a_minimum(objective, minimum, value):
    assert objective.value(minimum) == value
    np.testing.assert_array_equal(objective.gradient(minimum), 0.0)
    rng = np.random.default_rng(2)
    around = minimum + rng.uniform(-3, 3, (5000, len(minimum)))
    assert objective.value(around).min() >= value


@pytest.mark.parametrize(("tilt", "n_minima"), [(0.1, 2), (0.38, 2), (0.39, 1)])
def test_the_double_well_has_the_valleys_it_promises(tilt, n_minima):
    well = DoubleWell(tilt)
    x = np.linspace(-2, 2, 4001)[:, None]
    uphill = well.gradient(x)[:, 0] > 0
    bottoms = x[1:][uphill[1:] & ~uphill[:-1]]
    assert len(bottoms) == n_minima
    assert well.value(bottoms).argmin() == 0  # the left one is the deepest


def test_the_saddle_is_a_saddle():
    h = 1e-4
    curvature = (Saddle().gradient(np.diag([h, h])) / h).diagonal()
    np.testing.assert_allclose(curvature, [1.0, -1.0], rtol=1e-6)


@pytest.mark.parametrize(
    ("objective", "d", "smoothness"),
    [(OBJECTIVES["Quadratic"][0], 3, 30.0), (TURNED, 2, 25.0), (Plateau(), 1, 1.0)],
)
def test_smoothness_bounds_the_gradient_and_is_attained(objective, d, smoothness):
    a, b = np.random.default_rng(3).uniform(-4, 4, (2, 2000, d))
    ratio = np.linalg.norm(objective.gradient(a) - objective.gradient(b), axis=-1)
    ratio /= np.linalg.norm(a - b, axis=-1)
    assert ratio.max() <= smoothness * (1 + 1e-12)
    assert ratio.max() > 0.95 * smoothness
    if isinstance(objective, Quadratic):
        assert objective.smoothness == smoothness
        assert ratio.min() >= objective.strong_convexity * (1 - 1e-12)
        assert objective.condition_number == smoothness / objective.strong_convexity


@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi / 2, -2.0])
def test_a_turned_bowl_is_the_explicit_matrix(angle):
    bowl = Quadratic([1.0, 9.0], rotation=angle, minimum=[0.5, 2.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    hessian = turn @ np.diag([1.0, 9.0]) @ turn.T
    np.testing.assert_allclose(bowl.hessian, hessian, rtol=1e-14, atol=1e-14)
    w = np.array([3.0, -1.0])
    offset = w - [0.5, 2.0]
    np.testing.assert_allclose(bowl.gradient(w), hessian @ offset, rtol=1e-13)
    np.testing.assert_allclose(bowl.value(w), offset @ hessian @ offset / 2, rtol=1e-13)


@pytest.mark.parametrize("scale", [1.0, 1e4], ids=["ordinary", "saturated"])
def test_softmax_regression_is_torchs_cross_entropy(scale):
    weights = scale * np.random.default_rng(4).standard_normal((3, 16))
    values, gradients = SOFTMAX.value(weights), SOFTMAX.gradient(weights)
    x = torch.tensor(np.hstack([FEATURES, np.ones((12, 1))]))
    for i, w in enumerate(weights):
        tensor = torch.tensor(w, requires_grad=True)
        logits = x @ tensor.reshape(4, 4)
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(LABELS))
        loss.backward()
        np.testing.assert_allclose(values[i], loss.item(), rtol=1e-12)
        np.testing.assert_allclose(gradients[i], tensor.grad, rtol=1e-10, atol=1e-12)
        wrong = (logits.argmax(dim=1).numpy() != LABELS).mean()
        assert SOFTMAX.error_rate(weights)[i] == wrong


def test_mini_batches_have_the_right_mean():
    objective = SoftmaxRegression(FEATURES, LABELS, batch_size=5)
    weights = np.random.default_rng(5).standard_normal(16)
    rng = np.random.default_rng(6)
    draws = np.array([objective.stochastic_gradient(weights, rng) for _ in range(4000)])
    standard_error = draws.std(axis=0) / np.sqrt(len(draws))
    assert (standard_error > 0).all()
    assert (np.abs(draws.mean(axis=0) - objective.gradient(weights)) < 5 * standard_error).all()


def test_one_draw_serves_the_whole_batch_of_points():
    objective = SoftmaxRegression(FEATURES, LABELS, batch_size=2)
    same = np.ones((3, 16))
    gradients = objective.stochastic_gradient(same, np.random.default_rng(0))
    np.testing.assert_array_equal(gradients, gradients[[0, 0, 0]])


def test_without_a_batch_size_the_gradient_is_exact():
    weights = np.ones(16)
    np.testing.assert_array_equal(
        SOFTMAX.stochastic_gradient(weights, np.random.default_rng(0)), SOFTMAX.gradient(weights)
    )


def test_noise_is_normal_fresh_and_independent():
    n = 50_000
    points = np.tile([1.0, -2.0], (n, 1))
    noisy = Noisy(Quadratic([1.0, 4.0]), noise=0.5)
    rng = np.random.default_rng(7)
    first, second = (noisy.stochastic_gradient(points, rng) - noisy.gradient(points) for _ in "12")
    samples = np.hstack([first, second]) / 0.5  # two coordinates, at two times
    np.testing.assert_allclose(samples.mean(axis=0), 0.0, atol=5 / np.sqrt(n))
    np.testing.assert_allclose(np.cov(samples.T), np.eye(4), atol=5 * np.sqrt(2 / n))
    np.testing.assert_allclose((samples**4).mean(axis=0), 3.0, atol=5 * np.sqrt(96 / n))


def test_noise_is_given_by_the_seed():
    noisy, points = Noisy(Saddle(), noise=0.5), np.ones((3, 2))
    a, b, c = (noisy.stochastic_gradient(points, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert (a != c).all()


def test_no_noise_leaves_the_gradient():
    silent, points = Noisy(Saddle(), noise=0.0), np.ones((3, 2))
    gradients = silent.stochastic_gradient(points, np.random.default_rng(0))
    np.testing.assert_array_equal(gradients, Saddle().gradient(points))
