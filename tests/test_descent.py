"""Runs and sweeps: closed forms, torch.optim, and when they go wrong."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optional_torch import needs_torch, torch

from adagrad_course.descent import argbest, descend, sweep
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
    AdaGradNorm,
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


class WithoutState(AdaGrad):
    def step(self, params, grads, state):
        return params, None


def test_the_rates_of_a_state_that_is_none_are_refused():
    with pytest.raises(TypeError, match="state must be an AdaGradState, got NoneType"):
        descend(BOWL, START, WithoutState(0.1), steps=3)


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


def scheduled_adagrad(lr):
    return AdaGrad(lambda t: lr / t)


@pytest.mark.parametrize(
    "make", [AdaGrad, AdaGradNorm, RMSProp, FORGETFUL["restarted"], scheduled_adagrad]
)
def test_rates_asked_for_at_the_end_are_those_asked_for_after_each_step(make):
    kind = type(make(0.1))
    calls = []

    class Counted(kind):
        def effective_lr(self, state):
            calls.append(state.steps)
            return super().effective_lr(state)

    def counted(lr):
        parts = vars(make(lr))
        return Counted(**{field.name: parts[field.name] for field in fields(kind)})

    lrs = [0.0, 0.1, 1e200]
    ours = sweep(BOWL, START, make, lrs, steps=30).trajectory
    theirs = sweep(BOWL, START, counted, lrs, steps=30).trajectory
    assert ours.diverged.tolist() == [False, False, True]
    assert_runs_equal(ours, theirs)
    assert calls == list(range(1, 31))


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
    with pytest.warns(UserWarning, match=r"0\.02, is the largest that was tried"):
        assert sweep(BOWL, START, SGD, [0.01, 0.02], steps=5).best_lr == 0.02
    with pytest.warns(UserWarning, match=r"0\.2, is the smallest that was tried"):
        assert sweep(BOWL, START, SGD, [0.2, 0.5], steps=50).best_lr == 0.2


def test_the_best_rate_is_found_along_any_axis():
    rng, lrs = np.random.default_rng(0), np.geomspace(0.01, 1, 9)
    losses = (np.log(lrs / 0.1) ** 2)[:, None] + rng.uniform(0, 0.3, (3, 9, 2))
    losses[:, 0], losses[0, 1] = np.nan, -np.inf
    expected = np.where(np.isfinite(losses), losses, np.inf).argmin(axis=1)
    np.testing.assert_array_equal(argbest(lrs, losses, axis=1), expected)
    np.testing.assert_array_equal(argbest(lrs, losses.swapaxes(1, 2), axis=-1), expected)
    np.testing.assert_array_equal(argbest(lrs, losses.swapaxes(0, 1), axis=-3), expected)


def test_each_end_of_the_grid_is_said_also_for_one_run_of_many():
    with pytest.warns(UserWarning, match="a better one may lie beyond it") as caught:
        np.testing.assert_array_equal(argbest([1, 2, 3], [[1, 2, 3], [3, 2, 1]], axis=1), [0, 2])
    assert [str(warning.message)[:30] for warning in caught] == [
        "the best rate, 1, is the small",
        "the best rate, 3, is the large",
    ]
    assert {warning.filename for warning in caught} == {__file__}  # the line that is to be mended


def test_one_run_in_which_all_rates_diverged_is_enough_to_refuse():
    with pytest.raises(ValueError, match="one rate at least must not diverge"):
        argbest([1, 2, 3], [[3, 2, 3], [np.inf, np.nan, -np.inf]], axis=1)


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
