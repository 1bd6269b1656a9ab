"""The objectives against finite differences, explicit matrices, torch, and their own docstrings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optional_torch import needs_torch, torch

from adagrad_course.descent import sweep
from adagrad_course.objectives import (
    DoubleWell,
    Noisy,
    Plateau,
    Quadratic,
    Rosenbrock,
    Saddle,
    SoftmaxRegression,
    SteepStart,
    TwoLayerNetwork,
)
from adagrad_course.optimizers import AdaGrad

examples = settings(max_examples=20)
seeds = st.integers(0, 2**32)

RNG = np.random.default_rng(0)
FEATURES, LABELS = RNG.standard_normal((12, 3)), np.arange(12) % 4
SOFTMAX = SoftmaxRegression(FEATURES, LABELS)
NETWORK = TwoLayerNetwork(FEATURES, LABELS, hidden=5)
STEEP = SteepStart([1.0, 3.0, 50.0], distance=2.5)
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
    "SteepStart": (STEEP, 3),
    "TwoLayerNetwork": (NETWORK, 44),
}
every_objective = pytest.mark.parametrize(("objective", "d"), OBJECTIVES.values(), ids=OBJECTIVES)


@every_objective
@examples
@given(seed=seeds)
def test_gradient_is_the_slope(objective, d, seed):
    # Off the whole and half numbers, where the slope of some has a kink.
    points = np.random.default_rng(seed).uniform(-2, 2, (5, d)).round(3) + 4e-4
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
        (STEEP, STEEP.minimum, 0.0),
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
    [
        (OBJECTIVES["Quadratic"][0], 3, 30.0),
        (TURNED, 2, 25.0),
        (Plateau(), 1, 1.0),
        (SteepStart([50.0], distance=2.5), 1, 49.0),
        (SteepStart([1.5], distance=2.5), 1, 1.0),
    ],
)
def test_smoothness_bounds_the_gradient_and_is_attained(objective, d, smoothness):
    a, b = np.random.default_rng(3).uniform(-4, 4, (2, 2000, d))
    ratio = np.linalg.norm(objective.gradient(a) - objective.gradient(b), axis=-1)
    ratio /= np.linalg.norm(a - b, axis=-1)
    assert ratio.max() <= smoothness * (1 + 1e-12)
    assert ratio.max() > 0.95 * smoothness
    if not isinstance(objective, Plateau):
        assert objective.smoothness == smoothness
    if isinstance(objective, Quadratic):
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


@pytest.mark.parametrize("distance", [1.0, 2.5, 1000.0])
def test_the_steep_start_has_the_slopes_it_promises(distance):
    slope = SteepStart([1.0, 3.0, 50.0], distance)
    assert STEEP.smoothness == 49.0
    at = [-9, -1, -0.5, 0, distance - 1, distance - 0.25, distance, distance + 1, distance + 9]
    gradients = slope.gradient(np.stack([at] * 3, axis=-1))
    for i, a in enumerate([1, 3, 50]):
        bend = -(1 + a) / 2
        np.testing.assert_array_equal(gradients[:, i], [-a, -a, bend, -1, -1, -0.25, 0, 1, 1])


def test_the_steep_start_is_convex_and_the_integral_of_its_slope():
    # On a grid that holds all bends, the trapezoidal rule is exact.
    x = np.linspace(-4, 6, 41)
    for a, slope in [(a, SteepStart([a], distance=2.5)) for a in (1.0, 3.0, 50.0)]:
        gradients = slope.gradient(x[:, None])[:, 0]
        assert (np.diff(gradients) >= 0).all()
        climbs = np.cumsum((gradients[1:] + gradients[:-1]) / 2 * 0.25)
        values = slope.value(x[:, None])
        np.testing.assert_allclose(values[1:] - values[0], climbs, rtol=1e-13, atol=1e-13 * a)


def linear_scores(tensor, x):
    return x @ tensor.reshape(4, 4)


def network_scores(tensor, x):
    units = torch.tanh(x @ tensor[:20].reshape(4, 5))
    return units @ tensor[20:40].reshape(5, 4) + tensor[40:]


@needs_torch
@pytest.mark.parametrize("scale", [1.0, 1e4], ids=["ordinary", "saturated"])
@pytest.mark.parametrize(
    ("classifier", "scores"),
    [(SOFTMAX, linear_scores), (NETWORK, network_scores)],
    ids=["SoftmaxRegression", "TwoLayerNetwork"],
)
def test_classifiers_are_torchs_cross_entropy(classifier, scores, scale):
    weights = scale * np.random.default_rng(4).standard_normal((3, classifier.size))
    values, gradients = classifier.value(weights), classifier.gradient(weights)
    x = torch.tensor(np.hstack([FEATURES, np.ones((12, 1))]))
    for i, w in enumerate(weights):
        tensor = torch.tensor(w, requires_grad=True)
        logits = scores(tensor, x)
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(LABELS))
        loss.backward()
        np.testing.assert_allclose(values[i], loss.item(), rtol=1e-12)
        np.testing.assert_allclose(gradients[i], tensor.grad, rtol=1e-10, atol=1e-12)
        wrong = (logits.argmax(dim=1).numpy() != LABELS).mean()
        assert classifier.error_rate(weights)[i] == wrong


def test_a_network_learns_what_no_linear_classifier_can():
    data = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    network, linear = TwoLayerNetwork(*data, hidden=8), SoftmaxRegression(*data)
    starts = network.start(np.random.default_rng(0), (10,))
    assert sweep(network, starts, AdaGrad, [0.3], steps=500).final_losses.max() < 0.02
    starts = np.random.default_rng(0).standard_normal((10, linear.size))
    assert sweep(linear, starts, AdaGrad, [0.3], steps=500).final_losses.min() > np.log(2) - 1e-9


def test_a_networks_size_does_not_overflow():
    network = TwoLayerNetwork(np.zeros((4, 64)), np.arange(4), hidden=np.uint8(64))
    assert network.size == 65 * 64 + 65 * 4


def test_a_networks_starts_have_the_spread_of_their_layer():
    network = TwoLayerNetwork(np.zeros((9, 24)), np.arange(9) % 3, hidden=15)
    starts = network.start(np.random.default_rng(8), (2, 2000))
    assert starts.shape == (2, 2000, network.size)
    layers = np.split(starts, [25 * 15], axis=-1)
    assert layers[1].shape[-1] == 16 * 3
    for layer, deviation in zip(layers, (1 / 5, 1 / 4), strict=True):
        samples = layer / deviation
        n = samples.size
        np.testing.assert_allclose(samples.mean(), 0.0, atol=5 / np.sqrt(n))
        np.testing.assert_allclose(samples.std(axis=(0, 1)), 1.0, atol=5 / np.sqrt(2 * 4000))
        np.testing.assert_allclose((samples**4).mean(), 3.0, atol=5 * np.sqrt(96 / n))


def test_a_networks_starts_are_given_by_the_seed_and_not_by_their_number():
    alone = NETWORK.start(np.random.default_rng(0))
    assert alone.shape == (44,)
    np.testing.assert_array_equal(NETWORK.start(np.random.default_rng(0), (5,))[0], alone)
    assert (NETWORK.start(np.random.default_rng(1)) != alone).all()


every_classifier = pytest.mark.parametrize(
    "make",
    [SoftmaxRegression, lambda *args, **kwargs: TwoLayerNetwork(*args, hidden=5, **kwargs)],
    ids=["SoftmaxRegression", "TwoLayerNetwork"],
)


@every_classifier
def test_mini_batches_have_the_right_mean(make):
    objective = make(FEATURES, LABELS, batch_size=5)
    weights = np.random.default_rng(5).standard_normal(objective.size)
    rng = np.random.default_rng(6)
    draws = np.array([objective.stochastic_gradient(weights, rng) for _ in range(4000)])
    standard_error = draws.std(axis=0) / np.sqrt(len(draws))
    assert (standard_error > 0).all()
    assert (np.abs(draws.mean(axis=0) - objective.gradient(weights)) < 5 * standard_error).all()


@every_classifier
def test_a_mini_batch_is_the_rows_drawn(make):
    objective = make(FEATURES, LABELS, batch_size=7)
    weights = np.random.default_rng(9).standard_normal((3, objective.size))
    rows = np.random.default_rng(10).integers(12, size=7)
    assert LABELS[rows].max() == 3  # else the classes would be fewer
    np.testing.assert_array_equal(
        objective.stochastic_gradient(weights, np.random.default_rng(10)),
        make(FEATURES[rows], LABELS[rows]).gradient(weights),
    )


@every_classifier
def test_one_draw_serves_the_whole_batch_of_points(make):
    objective = make(FEATURES, LABELS, batch_size=2)
    same = np.tile(np.random.default_rng(11).standard_normal(objective.size), (3, 1))
    gradients = objective.stochastic_gradient(same, np.random.default_rng(0))
    np.testing.assert_array_equal(gradients, gradients[[0, 0, 0]])


@pytest.mark.parametrize("objective", [SOFTMAX, NETWORK])
def test_without_a_batch_size_the_gradient_is_exact(objective):
    weights = np.ones(objective.size)
    exact = objective.gradient(weights)
    given = objective.stochastic_gradient(weights, np.random.default_rng(0))
    np.testing.assert_array_equal(given, exact)


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


def test_a_part_without_the_last_class_takes_the_weights_of_the_whole():
    features, labels = np.eye(6, 2), np.arange(6) % 3
    part = labels < 2
    for whole, test in (
        (
            SoftmaxRegression(features, labels),
            SoftmaxRegression(features[part], labels[part], n_classes=3),
        ),
        (
            TwoLayerNetwork(features, labels, 4),
            TwoLayerNetwork(features[part], labels[part], 4, n_classes=3),
        ),
    ):
        assert whole.size == test.size
        assert np.isfinite(test.value(np.ones(whole.size)))
    with pytest.raises(ValueError, match="n_classes must be at least 3, as labels say, got 2"):
        SoftmaxRegression(features, labels, n_classes=2)


@pytest.mark.parametrize(
    "make", [Quadratic, lambda a: Quadratic([1.0, 2.0], minimum=a), lambda a: SteepStart(a, 5.0)]
)
def test_an_objective_does_not_change_with_the_callers_array(make):
    array = np.array([1.0, 2.0])
    objective = make(array)
    before = objective.value([3.0, 4.0])
    array[:] = 9.0
    assert objective.value([3.0, 4.0]) == before
