"""What holds for every optimizer: pure steps, batches, and the checks around an update."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from trials import (
    OPTIMIZERS,
    WITH_A_ROOT_EACH,
    arrays_in,
    examples,
    gradients,
    mild_gradients,
    run,
    seeds,
)

from adagrad_course.optimizers import (
    SGD,
    SM3,
    AdaDelta,
    AdaGrad,
    AdaGradNorm,
    Adam,
    AdamW,
    Averaged,
    DoG,
    FTRLProximal,
    FullMatrixAdaGrad,
    Grafted,
    Momentum,
    Muon,
    RestartedAdaGrad,
    RMSProp,
    WindowedAdaGrad,
)


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_a_step_is_pure(make):
    optimizer = make(0.1)
    params, grads = np.array([1.0, 2.0]), np.array([3.0, -4.0])
    state = optimizer.step(params, grads, optimizer.init(params))[1]
    inputs = [params, grads, *arrays_in(state)]
    before = [array.copy() for array in inputs]
    for array in inputs:
        array.flags.writeable = False
    once, again = (optimizer.step(params, grads, state) for _ in range(2))
    optimizer.effective_lr(state)
    for array, copy in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert once[1][0] == again[1][0] == state[0] + 1
    results = [once[0], *arrays_in(once[1])]
    for a, b in zip(results, [again[0], *arrays_in(again[1])], strict=True):
        np.testing.assert_array_equal(a, b)
    for i, result in enumerate(results):
        if result is getattr(state, "start", None):  # which never changes, so it is not copied
            continue
        assert not any(np.shares_memory(result, array) for array in inputs + results[:i])


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("make", OPTIMIZERS)
@examples
@given(seed=seeds)
def test_a_batch_is_each_rate_alone_bit_for_bit(make, dtype, d, seed):
    lrs = np.random.default_rng(seed).uniform(0.01, 2, 7)
    grads = gradients(seed, (7, d)).astype(dtype)
    batch = run(make(lrs[:, None]), np.ones((7, d), dtype), grads)
    for i in (0, 3, 6):  # all are drawn alike, so that these stand for all
        alone = run(make(lrs[i]), np.ones(d, dtype), grads[:, i])
        np.testing.assert_array_equal(batch[:, i], alone)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "make",
    [
        lambda c: Momentum(0.1, momentum=c),
        lambda c: AdaGrad(0.1, eps=c),
        lambda c: AdaGrad(0.1, initial_accumulator_value=c),
        lambda c: RestartedAdaGrad(0.1, every=4, eps=c),
        lambda c: RestartedAdaGrad(0.1, every=4, initial_accumulator_value=c),
        lambda c: WindowedAdaGrad(0.1, 4, eps=c),
        lambda c: RMSProp(0.1, rho=c),
        lambda c: RMSProp(0.1, eps=c),
        lambda c: AdaDelta(rho=c),
        lambda c: AdaDelta(eps=c),
        lambda c: Adam(0.1, betas=(c, 0.999)),
        lambda c: Adam(0.1, betas=(0.9, c)),
        lambda c: Adam(0.1, eps=c),
        lambda c: AdamW(0.1, weight_decay=c),
        lambda c: FTRLProximal(c),
        lambda c: FTRLProximal(0.1, l1=c),
        lambda c: FTRLProximal(0.1, l2=c),
        lambda c: FTRLProximal(0.1, eps=c),
    ],
)
def test_every_constant_can_be_batched(make, dtype):
    column = np.array([[0.1], [0.2], [0.999]])
    grads = gradients(3, (3, 2)).astype(dtype)
    batch = run(make(column), np.ones((3, 2), dtype), grads)
    for i, c in enumerate(column[:, 0].tolist()):
        alone = run(make(c), np.ones(2, dtype), grads[:, i])
        np.testing.assert_array_equal(batch[:, i], alone)
    assert not np.array_equal(batch, run(make(0.2), np.ones((3, 2), dtype), grads))


@pytest.mark.parametrize("number", [float, np.array], ids=["float", "array"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("eps", [0.0, 1e-10])  # which is 0, too, in float16
@pytest.mark.parametrize("kind", WITH_A_ROOT_EACH)
def test_a_coordinate_without_gradient_rests(kind, eps, dtype, number):
    optimizer, params = kind(0.5, eps=number(eps)), np.ones(2, dtype)
    state = optimizer.init(params)
    for _ in range(4):
        params, state = optimizer.step(params, [0.0, 3.0], state)
        rates = optimizer.effective_lr(state)
        assert params[0] == 1
        assert np.isfinite(rates).all()
        assert rates[0] == 0 or eps


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_frozen(kind):
    with pytest.raises(FrozenInstanceError):
        kind(0.1).lr = 0.2


@pytest.mark.parametrize("number", [float, np.float64, np.array], ids=lambda n: n.__name__)
@pytest.mark.parametrize(
    "kind",
    [
        AdaGradNorm,
        FullMatrixAdaGrad,
        lambda lr, eps: RestartedAdaGrad(lr, eps, every=5),
        lambda lr, eps: WindowedAdaGrad(lr, 5, eps),
        lambda lr, eps: RMSProp(lr, 0.5, eps),
        lambda lr, eps: AdaDelta(lr, 0.5, eps + 0.01),
        lambda lr, eps: Adam(lr, (0.5, 0.75), eps),
        lambda lr, eps: AdamW(lr, (0.5, 0.75), eps, weight_decay=0.5),
        lambda lr, eps: FTRLProximal(lr, 0.1, 0.1, eps),
        lambda lr, eps: DoG(lr, 0.01, eps),
        lambda lr, eps: Averaged(AdaGrad(lr, eps)),
        lambda lr, eps: Grafted(AdaGrad(lr, eps), SGD(lr)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_other_dtypes_stay_and_are_as_exact_as_they_can_be(dtype, kind, number):
    params, grads = np.ones((3, 2), dtype), mild_gradients(6, (3, 2))
    optimizer = kind(number(0.1), number(1e-10))
    path = run(optimizer, params, grads)
    assert path.dtype == dtype
    exact = run(optimizer, params.astype(np.float64), grads)
    np.testing.assert_allclose(path, exact, atol=20 * np.finfo(dtype).eps + 1e-12)
    stepped, state = optimizer.step(params, grads[0], optimizer.init(params))
    arrays = [stepped, *arrays_in(state), optimizer.effective_lr(state)]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_a_gradient_too_large_for_the_parameters_dtype_is_refused(make):
    optimizer, params = make(0.1), np.ones(2, np.float32)
    with pytest.raises(ValueError, match="grads, in float32 as params, must be finite, got inf"):
        optimizer.step(params, [1e39, 1.0], optimizer.init(params))


def test_constants_do_not_change_with_the_arrays_that_they_were_given_as():
    lrs, betas = np.array([0.1, 0.2]), np.array([0.9, 0.5])
    sgd, adam = SGD(lrs), Adam(0.1, betas=(betas, 0.999))
    lrs[0], betas[0] = -1.0, 7.0
    assert sgd.lr[0] == 0.1
    assert adam.betas[0][0] == 0.9


class Doubled(AdaGrad):
    """A reader's own optimizer, by the method that everything else rests on."""

    def update(self, grads, state, params):
        change, state = super().update(grads, state, params)
        return 2 * change, state


def test_an_update_of_a_readers_own_is_taken_wherever_there_is_a_step():
    params, grads = np.array([3.0, 4.0]), np.array([1.0, -2.0])
    own, plain = Doubled(0.5), AdaGrad(1.0)
    assert np.array_equal(
        own.step(params, grads, own.init(params))[0],
        plain.step(params, grads, plain.init(params))[0],
    )
    for graft, expected in [
        (Grafted(own, SGD(1.0)), Grafted(plain, SGD(1.0))),
        (Grafted(SGD(1.0), own), Grafted(SGD(1.0), plain)),
    ]:
        np.testing.assert_allclose(
            graft.step(params, grads, graft.init(params))[0],
            expected.step(params, grads, expected.init(params))[0],
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", OPTIMIZERS)
def test_a_step_is_params_less_the_update(make, dtype):
    optimizer, params = make(0.1), np.array([1.0, -2.0], dtype)
    grads = np.array([3.0, 0.25], dtype)
    change, after = optimizer.update(grads, optimizer.init(params), params)
    stepped, state = optimizer.step(params, grads, optimizer.init(params))
    assert change.dtype == stepped.dtype == dtype
    np.testing.assert_array_equal(stepped, params - change)
    for a, b in zip(arrays_in(after), arrays_in(state), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_update_of_another_shape_is_refused():
    class Summed(SGD):
        def update(self, grads, state, params):
            change, state = super().update(grads, state, params)
            return change.sum(), state

    summed = Summed(0.1)
    with pytest.raises(ValueError, match=r"the change must have shape \(2,\), got \(\)"):
        summed.step([1.0, 2.0], [1.0, 1.0], summed.init([1.0, 2.0]))


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_optimizers_are_compared_by_identity(kind):
    lrs = np.array([0.1, 0.2])  # of which == is no yes or no
    assert kind(lrs) != kind(lrs)
    assert isinstance(hash(kind(lrs)), int)


def test_optimizers_of_optimizers_are_compared_by_identity():
    one = SGD(np.array([0.1, 0.2]))
    assert Grafted(one, one) != Grafted(one, one)
    assert Averaged(one) != Averaged(one)


@pytest.mark.parametrize("kind", [*OPTIMIZERS, SM3, FullMatrixAdaGrad, Muon])
def test_steps_are_counted_from_none(kind):
    optimizer, params = kind(0.1), np.ones((2, 3))
    state = optimizer.init(params)
    assert state.steps == 0
    _, state = optimizer.step(params, params, state)
    assert state.steps == 1
