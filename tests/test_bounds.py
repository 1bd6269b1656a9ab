"""The bounds against their formulas, other solvers, and the runs that must keep to them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from adagrad_course.bounds import (
    adagrad_bound,
    hindsight_scaling,
    sgd_bound,
    travel_bound,
    travel_budget,
)
from adagrad_course.descent import descend
from adagrad_course.objectives import Quadratic, SteepStart
from adagrad_course.optimizers import AdaGrad

examples = settings(max_examples=20)
seeds = st.integers(0, 2**32)
rates = st.floats(1e-3, 1e3)


def random_gradients(seed, shape):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) * 10.0 ** rng.uniform(-2, 2, shape[-1])


# Regret


@examples
@given(seed=seeds, d=st.integers(2, 5), budget=st.floats(0.1, 10))
def test_the_best_scaling_is_what_a_solver_finds(seed, d, budget):
    rng = np.random.default_rng(seed)
    gradients = rng.normal(size=(10, d)) * rng.uniform(0.3, 3, d)
    ours = hindsight_scaling(gradients, budget)
    assert ours.sum() == pytest.approx(budget)

    def cost(share):
        return (gradients**2 / (budget * share)).sum() * budget / (gradients**2).sum()

    found = minimize(
        cost,
        np.full(d, 1 / d),
        method="SLSQP",
        bounds=[(1e-3, 1)] * d,
        constraints={"type": "ineq", "fun": lambda share: 1 - share.sum()},
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert found.success
    np.testing.assert_allclose(ours / budget, found.x, atol=1e-4)
    assert cost(ours / budget) <= found.fun * (1 + 1e-9)


def test_a_scaling_spends_nothing_on_a_coordinate_without_gradient():
    gradients = np.array([[[3.0, 0.0], [1.0, 1.0]], [[4.0, 0.0], [0.0, 0.0]]])
    np.testing.assert_allclose(hindsight_scaling(gradients, 2), [[2.0, 0.0], [1.0, 1.0]])


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_gradients_of_any_size_have_a_scaling_and_bounds(size):
    gradients = random_gradients(5, (4, 3))
    np.testing.assert_allclose(hindsight_scaling(size * gradients), hindsight_scaling(gradients))
    for bound in (adagrad_bound, sgd_bound):
        np.testing.assert_allclose(bound(size * gradients, 2.0), size * bound(gradients, 2.0))


@examples
@given(seed=seeds, diameter=rates, lr=rates, eps=st.floats(0, 10))
def test_the_bounds_are_those_of_the_formulas(seed, diameter, lr, eps):
    gradients = random_gradients(seed, (5, 3))
    by_coordinate = sum(math.hypot(*gradients[:, i]) for i in range(3))
    factor = diameter**2 / (2 * lr) + lr
    extra = 3 * eps * diameter**2 / (2 * lr)
    expected = factor * by_coordinate + extra
    assert adagrad_bound(gradients, diameter, lr, eps=eps) == pytest.approx(expected)
    assert sgd_bound(gradients, diameter, lr) == pytest.approx(factor * math.hypot(*gradients.flat))


@pytest.mark.parametrize("bound", [adagrad_bound, sgd_bound])
@examples
@given(seed=seeds, diameter=rates, factor=st.floats(0.01, 100))
def test_by_default_the_rate_makes_the_bound_least(bound, seed, diameter, factor):
    gradients = random_gradients(seed, (5, 3))
    least = bound(gradients, diameter)
    assert least <= bound(gradients, diameter, factor * diameter / math.sqrt(2)) * (1 + 1e-12)
    assert least == pytest.approx(bound(gradients, diameter, diameter / math.sqrt(2)))


@examples
@given(seed=seeds, d=st.integers(1, 6), diameter=rates)
def test_in_a_box_adagrads_bound_is_never_the_larger(seed, d, diameter):
    gradients = random_gradients(seed, (5, d))
    ball = math.sqrt(d) * diameter  # the diagonal of the box
    assert adagrad_bound(gradients, diameter) <= sgd_bound(gradients, ball) * (1 + 1e-12)
    even = gradients / np.linalg.norm(gradients, axis=0)
    assert adagrad_bound(even, diameter) == pytest.approx(sgd_bound(even, ball))


def test_a_row_of_gradients_is_no_game():
    with pytest.raises(ValueError, match="gradients must have at least 2 dimensions"):
        sgd_bound([3.0, 4.0], diameter=2.0)


@pytest.mark.parametrize("bound", [adagrad_bound, sgd_bound])
def test_bounds_of_many_games_or_rates(bound):
    gradients, lrs = random_gradients(3, (5, 2, 4)), np.array([0.5, 2.0])
    both = [bound(gradients[:, i], 3.0, lr) for i, lr in enumerate(lrs)]
    np.testing.assert_allclose(bound(gradients, 3.0, lrs), both)
    each = [bound(gradients[:, 0], 3.0, lr) for lr in lrs]
    np.testing.assert_allclose(bound(gradients[:, 0], 3.0, lrs), each)


# How far AdaGrad can get


def travelled(gradients, lr, **constants):
    """Return the sum of the lengths of AdaGrad's steps, for each coordinate."""
    optimizer, origin = AdaGrad(lr, **constants), np.zeros(gradients.shape[1:])
    state, total = optimizer.init(origin), 0.0
    for grads in gradients:  # always from the origin, where no digit of a step is lost
        step, state = optimizer.step(origin, grads, state)
        total = total + np.abs(step)
    return total


def varied_gradients(seed):
    """Gradients whose size varies by much, within a coordinate and between coordinates."""
    rng = np.random.default_rng(seed)
    shape = (rng.integers(1, 200), 2, 3)
    sizes = 10.0 ** (rng.uniform(-3, 3, shape[1:]) * rng.random(shape))
    return sizes * rng.standard_normal(shape) * 10.0 ** rng.uniform(-5, 5, shape[1:])


@examples
@given(seeds, rates)
def test_gradients_that_never_grow_keep_to_the_budget(seed, lr):
    gradients = varied_gradients(seed)
    order = np.argsort(-np.abs(gradients), axis=0)
    gradients = np.take_along_axis(gradients, order, axis=0)
    budget = travel_budget(lr, len(gradients)) * (1 + 1e-12)
    assert (travelled(gradients, lr, eps=0.0) <= budget).all()
    assert (travelled(gradients, lr, eps=0.1, initial_accumulator_value=2.0) <= budget).all()
    assert (budget <= travel_bound(lr, np.sign(gradients)) * (1 + 1e-12)).all()


@examples
@given(st.integers(1, 300), rates, st.floats(1e-100, 1e100))
def test_gradients_of_one_size_use_up_the_budget(steps, lr, size):
    gradients = size * np.random.default_rng(steps).choice([-1.0, 1.0], (steps, 1))
    assert travelled(gradients, lr, eps=0.0) == pytest.approx(travel_budget(lr, steps), rel=1e-13)


def test_growing_gradients_break_the_budget():
    assert travelled(2.0 ** np.arange(50)[:, None], 1.0, eps=0.0) > 3 * travel_budget(1.0, 50)


def test_the_budget_is_the_sum_to_the_last_digits():
    steps = np.array([1, 2, 3, 99, 100, 101, 102, 1000, 10**6])
    terms = (1 / np.sqrt(np.arange(1, 10**6 + 1))).tolist()
    sums = [math.fsum(terms[:n]) for n in steps]
    np.testing.assert_allclose(travel_budget(1.0, steps), sums, rtol=3e-15)
    # About 2η√T: the exact sum lies between 2√(T + 1) - 2 and 2√T - 1.
    huge = np.array([10**7, 10**12])
    assert (travel_budget(0.5, huge) <= np.sqrt(huge) - 0.5).all()
    assert (travel_budget(0.5, huge) >= np.sqrt(huge + 1) - 1).all()


def test_a_budget_for_each_rate_and_number_of_steps():
    lrs, steps = np.array([[0.1], [2.0]]), [3, 1000, 7]
    budgets = travel_budget(lrs, steps)
    assert budgets.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        assert budgets[i, j] == travel_budget(lrs[i, 0], steps[j])


@examples
@given(seeds, rates, st.floats(0, 1))
def test_no_gradients_travel_beyond_the_bound(seed, lr, zeros):
    gradients = varied_gradients(seed)
    gradients[np.random.default_rng(seed).random(gradients.shape) < zeros] = 0.0
    bound = travel_bound(lr, gradients)
    assert (travelled(gradients, lr, eps=0.0) <= bound * (1 + 1e-12)).all()
    for i in np.ndindex(2, 3):
        squares = [g * g for g in gradients[:, *i] if g]
        formula = len(squares) and math.sqrt(
            len(squares) * (1 + math.log(math.fsum(squares) / squares[0]))
        )
        assert bound[i] == pytest.approx(lr * formula, rel=1e-12)


@examples
@given(seeds, st.sampled_from([1e-250, 1e-100, 1e100, 1e250]))
def test_the_bound_does_not_depend_on_the_unit_of_the_loss(seed, unit):
    gradients = varied_gradients(seed)
    bound = travel_bound(0.1, gradients)
    np.testing.assert_allclose(travel_bound(0.1, unit * gradients), bound, rtol=1e-12)


def test_a_bound_for_each_rate():
    gradients, lrs = varied_gradients(0), np.array([[0.1], [2.0]])
    both = [travel_bound(lr, gradients[:, i]) for i, lr in enumerate(lrs[:, 0])]
    np.testing.assert_array_equal(travel_bound(lrs, gradients), both)


class Kinks:
    """The sum of |w - w*|, whose slope is the same all the way."""

    def __init__(self, minimum):
        self.minimum = minimum

    def value(self, points):
        return np.abs(points - self.minimum).sum(axis=-1)

    def gradient(self, points):
        return np.sign(points - self.minimum)


def arrivals(objective, start, lrs, steps):
    """Return where a coordinate has reached or passed the minimum, shape (steps, d)."""
    run = descend(objective, start, AdaGrad(lrs, eps=0.0), steps)
    return np.maximum.accumulate(run.points[1:] >= objective.minimum, axis=0)


def test_on_a_constant_slope_a_run_arrives_exactly_when_the_budget_says():
    rng = np.random.default_rng(0)
    lrs, steps = 10.0 ** rng.uniform(-3, 2, 200), np.arange(1, 1001)
    distances = lrs * rng.uniform(0.5, 100, 200)
    arrived = arrivals(Kinks(distances), np.zeros(200), lrs, steps=1000)
    affordable = travel_budget(lrs, steps[:, None]) >= distances
    np.testing.assert_array_equal(arrived, affordable)
    assert 50 < arrived[-1].sum() < 150  # some do, some do not


@pytest.mark.parametrize("kind", ["Quadratic", "SteepStart"])
def test_on_a_slope_that_eases_no_run_arrives_before_it_can(kind):
    rng = np.random.default_rng(1)
    distances, steps = rng.uniform(1, 20, 200), np.arange(1, 1001)
    if kind == "Quadratic":
        objective = Quadratic(10.0 ** rng.uniform(-2, 2, 200), minimum=distances)
        start = np.zeros(200)
    else:
        objective = SteepStart(10.0 ** rng.uniform(0, 2, 200), distance=15.0)
        start = objective.minimum - distances
    lrs = distances * 10.0 ** rng.uniform(-2.5, 0.5, 200)
    arrived = arrivals(objective, start, lrs, steps=1000)
    affordable = travel_budget(lrs, steps[:, None]) >= distances
    assert not (arrived & ~affordable).any()
    assert (~affordable[-1]).sum() > 20
    assert arrived.any(axis=0).sum() > 20


def test_a_steep_start_costs_adagrad_the_rest_of_the_way():
    slopes = SteepStart([1.0, 10.0, 100.0], distance=20.0)
    run = descend(slopes, np.full(3, -2.0), AdaGrad(1.0), steps=4000)
    first = (run.points > 19.5).argmax(axis=0)
    assert (first > 0).all()  # they do get there
    assert first[1] > 2 * first[0]
    assert first[2] > 2 * first[1]
    # Convex, and never past the minimum: so the gradients never grow.
    assert (np.diff(np.abs(run.gradients), axis=0) <= 0).all()


def test_the_bound_on_the_way_has_no_limit_of_range():
    expected = 0.1 * np.sqrt(2 * (1 + 320 * np.log(10)))
    np.testing.assert_allclose(travel_bound(0.1, [[1e-100], [1e60]]), expected, rtol=1e-14)
    assert np.isfinite(travel_bound(0.1, [[1e-300], [1e300]])).all()
