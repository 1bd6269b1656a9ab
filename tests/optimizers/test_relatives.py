"""AdaDelta's rates, AdamW, FTRL-Proximal, which without penalties is AdaGrad, and Muon."""

import numpy as np
import pytest
from hypothesis import given
from optional_torch import needs_torch, torch
from trials import (
    assert_same_path,
    examples,
    gradients,
    mild_gradients,
    run,
    run_torch,
    seeds,
)

from adagrad_course.descent import descend
from adagrad_course.objectives import Quadratic
from adagrad_course.optimizers import AdaDelta, AdaGrad, Adam, AdamW, FTRLProximal, Muon


def test_the_effective_rates_of_adadelta_are_those_of_the_averages_after_the_step():
    adadelta, params, grads = AdaDelta(0.5, eps=0.1), np.zeros(3), mild_gradients(10, (3,))
    state = adadelta.init(params)
    for g in grads:
        before = state
        moved, state = adadelta.step(params, g, state)
        rates = adadelta.effective_lr(state)
        roots = np.sqrt((before.update_average + 0.1) / (state.square_average + 0.1))
        np.testing.assert_allclose(moved, params - 0.5 * roots * g)
        after = np.sqrt((state.update_average + 0.1) / (state.square_average + 0.1))
        np.testing.assert_allclose(rates, 0.5 * after)
        params = moved


def test_only_the_decay_tells_adamw_from_adam():
    params, grads = np.array([3.0, -2.0]), mild_gradients(4, (2,))
    path = run(AdamW(lambda t: 0.1 / t, weight_decay=0.5), params, grads)
    state = (adam := Adam(lambda t: 0.1 / t)).init(params)
    for t, (g, before, after) in enumerate(zip(grads, path, path[1:], strict=False), start=1):
        change, state = adam.update(g, state, before)
        np.testing.assert_allclose(after, before - change - 0.1 / t * 0.5 * before, rtol=1e-14)
    undecayed = run(AdamW(0.1, weight_decay=0), params, grads)
    np.testing.assert_array_equal(undecayed, run(Adam(0.1), params, grads))


def as_published(grads, alpha, beta, l1, l2):
    """McMahan et al. 2013, algorithm 1, line by line, for one coordinate; the weights it plays."""
    z = n = 0.0
    weights = []
    for g in [*grads, 0.0]:
        shrunk = 0.0 if abs(z) <= l1 else z - np.sign(z) * l1
        w = -1 / ((beta + np.sqrt(n)) / alpha + l2) * shrunk
        weights.append(w)
        sigma = (np.sqrt(n + g**2) - np.sqrt(n)) / alpha
        z += g - sigma * w
        n += g**2
    return weights


@pytest.mark.parametrize(
    ("l1", "l2", "eps"), [(0.0, 0.0, 1.0), (2.0, 0.0, 0.3), (0.0, 3.0, 0.7), (1.5, 0.4, 1.0)]
)
def test_ftrl_proximal_is_the_published_algorithm(l1, l2, eps):
    grads = mild_gradients(5, (40,), steps=50) * (np.random.default_rng(0).random((50, 40)) < 0.6)
    path = run(FTRLProximal(0.3, l1, l2, eps), np.zeros(40), grads)
    expected = [as_published(column, 0.3, eps, l1, l2) for column in grads.T]
    np.testing.assert_allclose(path, np.transpose(expected), rtol=1e-10, atol=1e-13)
    zeros = (path[1:] == 0) & (np.cumsum(grads != 0, axis=0) > 0)
    assert zeros.any() == (l1 > 0)  # exactly zero, and only a penalty does that


@pytest.mark.parametrize(("start", "eps"), [(0.0, 0.0), (0.0, 1e-3), (0.0, 1.0), (1.7, 0.0)])
@examples
@given(seed=seeds)
def test_without_penalties_ftrl_proximal_is_adagrad(start, eps, seed):
    grads, params = gradients(seed, (2, 3)), np.full((2, 3), start)
    for lr in (0.3, lambda t: 0.3 / t):
        ours = run(FTRLProximal(lr, eps=eps), params, grads)
        assert_same_path(ours, run(AdaGrad(lr, eps=eps), params, grads), 1e-12)


def test_from_another_start_eps_pulls_to_zero_which_adagrads_does_not():
    grads = np.array([[0.1, -0.1]])
    pulled = run(FTRLProximal(0.3, eps=1.0), np.ones(2), grads)[-1]
    assert (pulled < run(AdaGrad(0.3, eps=1.0), np.ones(2), grads)[-1] - 0.5).all()


def test_ftrl_proximal_leaves_a_coordinate_without_gradient_alone():
    ftrl, params = FTRLProximal(0.5, l1=0.1, l2=0.2, eps=0.0), np.array([1.3, 0.7])
    state = ftrl.init(params)
    for g in ([0.0, 3.0], [0.0, -1.0]):
        params, state = ftrl.step(params, g, state)
    assert params[0] == 1.3
    assert state.z[0] == state.accumulator[0] == 0
    assert ftrl.effective_lr(state)[0] == 0


def test_the_rates_of_ftrl_proximal_are_adagrads():
    bowl, start = Quadratic([1.0, 9.0]), [1.0, -2.0]
    ftrl = descend(bowl, start, FTRLProximal(0.3, l1=0.5, eps=0.2), 20)
    roots = np.sqrt(np.cumsum(ftrl.gradients**2, axis=0))
    np.testing.assert_allclose(ftrl.effective_lrs, 0.3 / (roots + 0.2))


SHAPES = [(5, 5), (3, 7), (8, 2), (1, 4), (4, 1)]


@needs_torch
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_muon_is_that_of_pytorch_in_full_precision(shape, monkeypatch):
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("PyTorch has Muon from 2.9 on")
    # There the iteration is in bfloat16, whose three digits would hide a mistake.
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    params, grads = mild_gradients(7, shape, 1)[0], mild_gradients(8, shape, 20)
    theirs = run_torch(lambda p: torch.optim.Muon(p, lr=0.1, weight_decay=0.0), params, grads)
    np.testing.assert_allclose(run(Muon(0.1), params, grads), theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_step_of_muon_is_about_as_long_in_all_directions(shape):
    muon, grads = Muon(1.0), mild_gradients(3, shape, 1)[0]
    change, state = muon.update(grads, muon.init(grads), grads)
    length = np.sqrt(max(1, shape[0] / shape[1]))
    assert muon.effective_lr(state) == length
    vectors, _, others = np.linalg.svd(grads, full_matrices=False)
    inside = vectors.T @ change @ others.T / length
    np.testing.assert_allclose(inside, np.diag(np.diag(inside)), atol=1e-10)
    assert ((np.diag(inside) > 0.5) & (np.diag(inside) < 1.5)).all()  # as its authors say


def test_muon_neither_feels_the_scale_of_the_loss_nor_a_rotation():
    grads = mild_gradients(2, (3, 4))
    path = run(Muon(0.1), np.zeros((3, 4)), grads)
    np.testing.assert_allclose(run(Muon(0.1), np.zeros((3, 4)), 1000 * grads), path, atol=1e-12)
    turn, _ = np.linalg.qr(mild_gradients(6, (3, 3), 1)[0])
    np.testing.assert_allclose(run(Muon(0.1), np.zeros((3, 4)), turn @ grads), turn @ path)


def test_matrices_in_a_batch_are_each_alone():
    lrs, grads = np.array([0.1, 0.5, 2.0]), mild_gradients(1, (3, 4, 2))
    batch = run(Muon(lrs[:, None, None]), np.ones((3, 4, 2)), grads)
    for i, lr in enumerate(lrs):
        alone = run(Muon(lr), np.ones((4, 2)), grads[:, i])
        np.testing.assert_allclose(batch[:, i], alone, rtol=1e-13)
    with pytest.raises(ValueError, match=r"lr must broadcast .*\(3, 1, 1\), got shape \(3, 1\)"):
        Muon(lrs[:, None]).init(np.ones((3, 4, 2)))


def test_without_a_gradient_muon_rests():
    np.testing.assert_array_equal(run(Muon(0.1), np.ones((2, 3)), np.zeros((4, 2, 3))), 1.0)
