"""Grafts, the length of one step and the direction of another; and averages of the points."""

import numpy as np
import pytest
from hypothesis import given
from optional_torch import needs_torch, torch
from trials import OPTIMIZERS, examples, gradients, mild_gradients, run, seeds

from adagrad_course.descent import descend, sweep
from adagrad_course.objectives import Quadratic
from adagrad_course.optimizers import SGD, AdaGrad, Adam, Averaged, Grafted, Momentum


@pytest.mark.parametrize("lr", [0.1, lambda t: 0.1 / t], ids=["constant", "scheduled"])
@pytest.mark.parametrize("make", OPTIMIZERS)
@examples
@given(seed=seeds)
def test_grafted_on_itself_an_optimizer_is_the_same(make, lr, seed):
    optimizer, grads = make(lr), gradients(seed, (2, 3))
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


def averages(optimizer, params, grads):
    state, found = optimizer.init(params), []
    for g in grads:
        params, state = optimizer.step(params, g, state)
        found.append(state.average)
    return np.array(found)


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_averaging_does_not_touch_the_steps(make):
    optimizer, grads = make(0.1), gradients(2, (2, 3))
    averaged = Averaged(optimizer)
    path = run(optimizer, np.ones((2, 3)), grads)
    np.testing.assert_array_equal(run(averaged, np.ones((2, 3)), grads), path)


@needs_torch
@pytest.mark.parametrize("power", [0.0, 3.0, None])
def test_the_average_is_that_of_the_authors_of_dog(power):
    from dog import PolynomialDecayAverager

    start, grads = np.array([[1.0, -2.0, 0.5]]), mild_gradients(0, (1, 3), steps=30)
    model = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64)
    model.weight.data[:] = torch.tensor(start)
    given = [] if power is None else [power]  # else the default is the same, too
    averager, theirs = PolynomialDecayAverager(model, *given), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for g in grads:
        model.weight.grad = torch.tensor(g)
        optimizer.step()
        averager.step()
        theirs.append(averager.averaged_model.weight.detach().numpy().copy())
    ours = averages(Averaged(SGD(0.3), *given), start, grads)
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def test_with_power_zero_all_points_after_the_start_count_the_same():
    grads = mild_gradients(1, (3,))
    points = run(AdaGrad(0.5), np.ones(3), grads)[1:]
    means = np.cumsum(points, axis=0) / np.arange(1, len(points) + 1)[:, None]
    found = averages(Averaged(AdaGrad(0.5), power=0), np.ones(3), grads)
    np.testing.assert_allclose(found, means, rtol=1e-13)


def test_an_average_is_swept_over_the_rates_of_its_optimizer():
    bowl, lrs = Quadratic([1.0, 9.0]), np.array([0.01, 0.1])
    swept = sweep(bowl, [1.0, -2.0], lambda lr: Averaged(SGD(lr)), lrs, 10)
    plain = sweep(bowl, [1.0, -2.0], SGD, lrs, 10)
    np.testing.assert_array_equal(swept.trajectory.points, plain.trajectory.points)
    assert (swept.trajectory.effective_lrs == lrs[:, None]).all()


def test_a_readers_own_optimizer_can_be_averaged():
    averaged = Averaged(Decayed(), power=0)
    found = averages(averaged, np.array([10.0]), np.ones((2, 1)))
    np.testing.assert_allclose(found[:, 0], [9.0, 8.55])


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_an_average_keeps_the_dtype_of_the_parameters(dtype):
    found = averages(Averaged(SGD(0.1)), np.ones(3, dtype), mild_gradients(0, (3,)))
    exact = averages(Averaged(SGD(0.1)), np.ones(3), mild_gradients(0, (3,)))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, exact, atol=20 * np.finfo(dtype).eps)
