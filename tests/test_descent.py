"""Runs, sweeps and how far they can get: closed forms, torch.optim, and when they go wrong."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optional_torch import needs_torch, torch

from adagrad_course.descent import descend, sweep, travel_bound, travel_budget
from adagrad_course.objectives import (
    Noisy,
    Quadratic,
    Rosenbrock,
    Saddle,
    SoftmaxRegression,
    SteepStart,
    TwoLayerNetwork,
)
from adagrad_course.optimizers import (
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    Grafted,
    Momentum,
    RestartedAdaGrad,
    RMSProp,
    WindowedAdaGrad,
)

examples = settings(max_examples=30)
BOWL = Quadratic([1.0, 9.0])
START = np.array([1.0, -2.0])


def assert_runs_equal(run, other):
    """Bit for bit."""
    for kind in ("points", "losses", "gradients", "effective_lrs"):
        np.testing.assert_array_equal(getattr(run, kind), getattr(other, kind), err_msg=kind)


def row(run, *i):
    """One run of a batch."""
    kinds = (run.points, run.losses, run.gradients, run.effective_lrs)
    return type(run)(*(kind[:, *i] for kind in kinds))


@examples
@given(st.floats(0.01, 100), st.floats(0.01, 1.99))
def test_sgd_on_a_bowl_is_the_closed_form(curvature, share):
    lr = share / curvature
    run = descend(Quadratic([curvature]), [3.0], SGD(lr), steps=40)
    expected = 3.0 * (1 - lr * curvature) ** np.arange(41)
    # 1 - lr·h loses digits where it nearly vanishes, hence the absolute part.
    np.testing.assert_allclose(run.points[:, 0], expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(run.losses, curvature * expected**2 / 2, rtol=1e-11, atol=1e-14)
    assert run.steps == 40


@examples
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=4))
def test_stable_exactly_below_two_over_l(curvatures):
    bowl = Quadratic(curvatures)
    lrs = np.array([0.99, 1.01]) * 2 / bowl.smoothness
    below, above = sweep(bowl, np.ones(len(curvatures)), SGD, lrs, steps=1000).trajectory.losses.T
    assert below[-1] < 0.5 * below[0]
    # Seen along the stiffest direction, that of L, which outgrows all others in the end.
    assert above[-1] > above[-2] > 1e10 * bowl.smoothness


MAKERS = {
    "SGD": SGD,
    "Momentum": Momentum,
    "AdaGrad": AdaGrad,
    "AdaGrad-0": lambda lr: AdaGrad(lr, eps=0.0),
    "schedule": lambda lr: SGD(lambda t: lr / np.sqrt(t)),
}
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
# Those that forget do not diverge where these do.
FORGETFUL = {
    "RMSProp": RMSProp,
    "AdaDelta": AdaDelta,
    "Adam": Adam,
    "restarted": lambda lr: RestartedAdaGrad(lr, every=20),
    "windowed": lambda lr: WindowedAdaGrad(lr, window=10),
    "grafted": lambda lr: Grafted(RMSProp(lr), AdaGrad(0.1)),
}
every_maker_of_all = pytest.mark.parametrize(
    "make", (MAKERS | FORGETFUL).values(), ids=MAKERS | FORGETFUL
)


@every_maker_of_all
@pytest.mark.parametrize(
    ("objective", "start"),
    [
        (Quadratic(np.geomspace(0.1, 1.9, 50)), np.arange(50) / 7),
        (Quadratic([1.0, 9.0], rotation=0.5), START),
        (Saddle(), [0.3, 1e-3]),
        (Rosenbrock(), [-1.0, 1.0]),
        (SoftmaxRegression(np.eye(20, 3), np.arange(20) % 3), np.zeros(12)),
        (TwoLayerNetwork(np.eye(20, 3), np.arange(20) % 3, 2), np.arange(17) / 17 - 0.5),
        (SteepStart([1.0, 9.0, 1.7], distance=5.0), [-3.0, -2.0, 0.1]),
    ],
    ids=[
        "Quadratic",
        "Quadratic-turned",
        "Saddle",
        "Rosenbrock",
        "SoftmaxRegression",
        "TwoLayerNetwork",
        "SteepStart",
    ],
)
def test_a_sweep_is_each_rate_alone_bit_for_bit(make, objective, start):
    lrs = np.geomspace(1e-4, 1e3, 5)  # the largest overflows within 100 steps
    swept = sweep(objective, start, make, lrs, steps=120)
    assert swept.trajectory.points.shape == (121, 5, len(start))
    for i, lr in enumerate(lrs):
        assert_runs_equal(row(swept.trajectory, i), descend(objective, start, make(lr), steps=120))


def test_divergence_is_recorded():
    run = sweep(BOWL, START, SGD, [0.1, 10.0], steps=300).trajectory
    np.testing.assert_array_equal(run.diverged, [False, True])
    finite = np.isfinite(run.losses)
    assert finite[:, 0].all()
    last = finite[:, 1].sum() - 1
    assert 10 < last < 300
    assert (run.losses[last + 1 :, 1] == np.inf).all()
    assert np.isfinite(run.points).all()
    # It stays where it was, huge, when its loss overflowed, and its gradients count no more.
    assert np.abs(run.points[-1, 1]).max() > 1e150
    assert (run.points[last + 2 :, 1] == run.points[last + 1, 1]).all()
    assert (run.gradients[last + 1 :, 1] == 0).all()


class InPlace(SGD):
    """An optimizer as a reader might write it, which works in the memory that it is given."""

    def step(self, params, grads, state):
        with np.errstate(over="ignore"):
            grads *= self.lr
            params -= grads
        return params, state._replace(steps=state.steps + 1)


@pytest.mark.parametrize("lr", [0.1, 1e200], ids=["converges", "diverges"])
def test_an_optimizer_that_works_in_place_falsifies_nothing(lr):
    run = descend(BOWL, START, InPlace(lr), steps=10)
    assert_runs_equal(run, descend(BOWL, START, SGD(lr), steps=10))


class Logarithm:
    """f(x) = x - log x: at 0 NumPy would warn of a division, beyond it of an invalid value."""

    def value(self, points):
        return (points - np.log(points))[..., 0]

    def gradient(self, points):
        return 1 - 1 / points


@every_maker
def test_a_run_that_leaves_the_domain_diverges_alone(make):
    lrs = np.array([0.01, 0.1, 0.5, 4.6, 100.0])
    swept = sweep(Logarithm(), [3.0], make, lrs, steps=100)
    run = swept.trajectory
    np.testing.assert_array_equal(run.diverged, [False, False, False, True, True])
    assert not np.isnan(run.losses).any()
    assert swept.best_lr == 0.5 or make is not SGD
    for i, lr in enumerate(lrs):
        assert_runs_equal(row(run, i), descend(Logarithm(), [3.0], make(lr), steps=100))


@pytest.mark.parametrize("start", [[0.0], [-1.0]])
def test_a_start_outside_the_domain_has_diverged(start):
    run = descend(Logarithm(), start, SGD(0.1), steps=3)
    assert run.diverged
    assert (run.losses == np.inf).all()
    assert (run.points == start).all()


class Cliff:
    """A loss that stays finite while the gradient is not, beyond x = 1."""

    def value(self, points):
        return points[..., 0]

    def gradient(self, points):
        return np.where(points > 1, np.nan, -1.0)


def test_a_gradient_that_is_nan_ends_the_run():
    run = descend(Cliff(), [0.0], SGD(0.4), steps=6)
    np.testing.assert_allclose(run.losses, [0.0, 0.4, 0.8, 1.2, np.inf, np.inf, np.inf])
    np.testing.assert_allclose(run.points[3:, 0], 1.2)


class Slope:
    """A straight slope so steep that a step can lead beyond all floating-point numbers."""

    def value(self, points):
        return 1e-300 * points[..., 0]

    def gradient(self, points):
        return np.full_like(points, 1e300)


def test_a_step_to_infinity_is_not_taken():
    run = sweep(Slope(), [0.0], SGD, [1e-300, 1e100], steps=2).trajectory
    np.testing.assert_array_equal(run.points[:, :, 0], [[0, 0], [-1, 0], [-2, 0]])
    np.testing.assert_array_equal(run.diverged, [False, True])


@pytest.mark.parametrize(  # AdaDelta's are those after the step
    "make", [make for make in (MAKERS | FORGETFUL).values() if make is not AdaDelta]
)
def test_effective_rates_explain_the_run(make):
    run = descend(BOWL, START, make(0.05), steps=50)
    direction = run.gradients
    if make in (Momentum, Adam):
        powers = np.subtract.outer(np.arange(50), np.arange(50))
        direction = np.tril(0.9 ** np.maximum(powers, 0)) @ run.gradients
    if make is Adam:
        direction *= 1 - 0.9
    moved = run.points[:-1] - run.effective_lrs * direction
    np.testing.assert_allclose(run.points[1:], moved, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(run.gradients, BOWL.gradient(run.points[:-1]))
    np.testing.assert_array_equal(run.losses, BOWL.value(run.points))


def test_effective_rates_are_those_of_the_formulas():
    t = np.arange(1, 31)[:, None]
    constant = descend(BOWL, START, SGD(0.05), steps=30)
    assert (constant.effective_lrs == 0.05).all()
    scheduled = descend(BOWL, START, SGD(lambda t: 0.1 / t), steps=30)
    np.testing.assert_allclose(scheduled.effective_lrs, np.broadcast_to(0.1 / t, (30, 2)))
    adagrad = descend(BOWL, START, AdaGrad(0.5, eps=0.1, initial_accumulator_value=2.0), steps=30)
    accumulator = 2.0 + np.cumsum(adagrad.gradients**2, axis=0)
    np.testing.assert_allclose(adagrad.effective_lrs, 0.5 / (np.sqrt(accumulator) + 0.1))


@every_maker_of_all
def test_each_rate_runs_from_each_start(make):
    starts, lrs = np.random.default_rng(0).standard_normal((4, 2)), [0.01, 0.1, 0.2]
    swept = sweep(BOWL, starts, make, lrs, steps=20)
    assert swept.final_losses.shape == (3, 4)
    for i, j in np.ndindex(3, 4):
        alone = descend(BOWL, starts[j], make(lrs[i]), steps=20)
        assert_runs_equal(row(swept.trajectory, i, j), alone)


def test_each_rate_is_judged_by_its_mean_over_the_starts():
    starts = np.random.default_rng(0).standard_normal((4, 2))
    swept = sweep(BOWL, starts, SGD, [0.01, 0.15, 0.2, 0.21, 0.5], steps=20)
    best = swept.final_losses.mean(axis=1).argmin()
    assert 0 < best < 4
    assert swept.best_lr == swept.lrs[best]


def test_a_best_rate_at_an_end_of_its_grid_is_said_to_be_there():
    with pytest.warns(UserWarning, match=r"0\.02, is the largest of the sweep"):
        assert sweep(BOWL, START, SGD, [0.01, 0.02], steps=5).best_lr == 0.02
    with pytest.warns(UserWarning, match=r"0\.2, is the smallest of the sweep"):
        assert sweep(BOWL, START, SGD, [0.2, 0.5], steps=50).best_lr == 0.2


def test_a_rate_that_diverged_is_never_the_best():
    swept = sweep(BOWL, START, SGD, [10.0, 20.0, 30.0], steps=500)
    assert swept.trajectory.diverged.all()
    with pytest.raises(ValueError, match="one rate at least must not diverge"):
        swept.best_lr  # noqa: B018


def test_a_rate_of_zero_stays_where_it_is():
    run = sweep(BOWL, START, AdaGrad, [0.0, 0.1], steps=3).trajectory
    assert (run.points[:, 0] == START).all()
    warm = descend(BOWL, START, SGD(lambda t: 0.1 * max(0, 1 - t / 2)), steps=3)
    assert (warm.points[1:] == warm.points[1]).all()


def test_a_rate_for_each_coordinate():
    run = descend(BOWL, START, SGD(1 / BOWL.curvatures), steps=1)
    np.testing.assert_allclose(run.points[-1], 0.0, atol=1e-15)  # Newton's method


def test_an_optimizer_that_ignores_the_rate_runs_once_for_each():
    swept = sweep(BOWL, START, lambda lr: SGD(0.1), [0.1, 0.2], steps=5)
    assert swept.final_losses.shape == (2,)
    assert swept.final_losses[0] == swept.final_losses[1]


def test_the_best_rate_is_the_one_theory_names():
    lrs = np.array([0.1, 0.15, 0.2, 0.21, 0.22, 0.3])
    assert sweep(BOWL, START, SGD, lrs, steps=200).best_lr == 0.2  # 2 / (L + μ)


def test_noise_is_given_by_the_seed():
    noisy = Noisy(BOWL, noise=1.0)

    def run(rng):
        return sweep(noisy, START, SGD, [0.01, 0.1], steps=20, rng=rng).trajectory

    first, same, other = (run(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert_runs_equal(first, same)
    assert (first.gradients != other.gradients).all()
    assert (first.gradients[:, 0] != first.gradients[:, 1])[1:].all()
    assert_runs_equal(run(None), sweep(BOWL, START, SGD, [0.01, 0.1], steps=20).trajectory)


def test_inputs_are_left_alone():
    start, lrs = np.array([1, 2]), np.array([0.1, 0.2])
    for array in (start, lrs):
        array.flags.writeable = False
    swept = sweep(BOWL, start, SGD, lrs, steps=3)
    np.testing.assert_array_equal(swept.trajectory.points[0], [start, start])
    assert swept.trajectory.points.flags.writeable


@needs_torch
@pytest.mark.parametrize(
    ("make", "torchs"),
    [
        (SGD, lambda p, lr: torch.optim.SGD(p, lr=lr)),
        (Momentum, lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9)),
        (AdaGrad, lambda p, lr: torch.optim.Adagrad(p, lr=lr)),
    ],
)
def test_a_sweep_is_the_loop_a_reader_would_write(make, torchs):
    lrs = np.geomspace(1e-3, 0.1, 5)
    swept = sweep(Rosenbrock(), [-0.2, 0.1], lambda lr: make(lr / 100), lrs, steps=60)
    for i, lr in enumerate(lrs):
        params = torch.tensor([-0.2, 0.1], dtype=torch.float64, requires_grad=True)
        optimizer = torchs([params], lr=lr / 100)
        path = [params.tolist()]
        for _ in range(60):
            optimizer.zero_grad()
            x, y = params
            ((1 - x) ** 2 + 100 * (y - x**2) ** 2).backward()
            optimizer.step()
            path.append(params.tolist())
        np.testing.assert_allclose(swept.trajectory.points[:, i], path, rtol=1e-12, atol=1e-12)


def test_reprs_say_what_was_run():
    swept = sweep(BOWL, START, SGD, [0.001, 0.1], steps=5)
    assert repr(swept) == "Sweep(2 rates from 0.001 to 0.1)"
    assert repr(swept.trajectory) == "Trajectory(5 steps, points (6, 2, 2))"


# How far AdaGrad can get

rates = st.floats(1e-3, 1e3)
seeds = st.integers(0, 2**32)


def travelled(gradients, lr, **constants):
    """Return the sum of the lengths of AdaGrad's steps, for each coordinate."""
    optimizer, origin = AdaGrad(lr, **constants), np.zeros(gradients.shape[1:])
    state, total = optimizer.init(origin), 0.0
    for grads in gradients:  # always from the origin, where no digit of a step is lost
        step, state = optimizer.step(origin, grads, state)
        total = total + np.abs(step)
    return total


def random_gradients(seed):
    """Gradients whose size varies by much, within a coordinate and between coordinates."""
    rng = np.random.default_rng(seed)
    shape = (rng.integers(1, 200), 2, 3)
    sizes = 10.0 ** (rng.uniform(-3, 3, shape[1:]) * rng.random(shape))
    return sizes * rng.standard_normal(shape) * 10.0 ** rng.uniform(-5, 5, shape[1:])


@examples
@given(seeds, rates)
def test_gradients_that_never_grow_keep_to_the_budget(seed, lr):
    gradients = random_gradients(seed)
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
    gradients = random_gradients(seed)
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
    gradients = random_gradients(seed)
    bound = travel_bound(0.1, gradients)
    np.testing.assert_allclose(travel_bound(0.1, unit * gradients), bound, rtol=1e-12)


def test_a_bound_for_each_rate():
    gradients, lrs = random_gradients(0), np.array([[0.1], [2.0]])
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
