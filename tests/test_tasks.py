"""The six tasks against their definitions in plain loops, and who is said to be ahead."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from adagrad_course import tasks
from adagrad_course.datasets import Dataset, Split, digits
from adagrad_course.descent import descend
from adagrad_course.objectives import Quadratic, TwoLayerNetwork
from adagrad_course.online import MovingTarget, play
from adagrad_course.optimizers import (
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    Averaged,
    DoG,
    Momentum,
    Prodigy,
)
from adagrad_course.tasks import (
    METHODS,
    NEWCOMERS,
    TASKS,
    TEN_PASSES,
    Task,
    Tuned,
    best_tuned,
    tuned,
    untuned,
    verdict,
)

LRS = np.array([0.01, 0.5])


def test_the_bowls_are_those_of_descend():
    rng, lrs = np.random.default_rng(3), np.array([[0.01], [0.5]])
    axes, _ = np.linalg.qr(rng.standard_normal((20, 20)))
    starts, curvatures = rng.standard_normal((20, 20)), np.geomspace(1, 1000, 20)
    bowl = Quadratic(curvatures)

    def score(starts, optimizer):
        losses = descend(bowl, starts[:, None], optimizer, 150).losses[-1]
        return np.log10(np.maximum(losses, 1e-12)).reshape(2, 10, 2).mean(axis=1)

    adagrad, momentum = AdaGrad(lrs), Momentum(lrs / 1e3)
    np.testing.assert_allclose(TASKS["bowl"].run(adagrad, 2, 3), score(starts, adagrad))
    # Momentum does not feel how the bowl is turned, if the starts are turned with it.
    found = TASKS["turned bowl"].run(momentum, 2, 3)
    np.testing.assert_allclose(found, score(starts @ axes, momentum), rtol=1e-9)
    assert not np.allclose(found, score(starts, momentum), rtol=1e-9)
    assert TASKS["bowl"].run(AdaGrad(1.0), 1, 3)[1] == -12  # no lower score


def test_the_moving_target_is_that_of_play():
    rng = np.random.default_rng(1)
    targets = np.cumsum(0.1 * rng.standard_normal((2000, 20)), axis=0)
    game = play(MovingTarget(targets, 1.0, rng), AdaGrad(0.5))
    losses = ((game.points - targets) ** 2 / 2).mean(axis=0)
    found = TASKS["moving target"].run(AdaGrad(LRS[:, None]), 2, 1)
    np.testing.assert_allclose([part[1] for part in found], losses.reshape(2, 10).sum(axis=1))


def test_the_network_learns_the_digits_by_mini_batches():
    rng, data = np.random.default_rng(2), digits()
    parts = [data.train, data.validation, data.test]
    x = np.vstack([part.features.toarray() for part in parts])
    y = np.concatenate([part.labels for part in parts])
    order = rng.permutation(len(y))
    train, validation, test = order[:1000], order[1000:1397], order[1397:]
    net = TwoLayerNetwork(x[train], y[train], 32, batch_size=32)
    w, adagrad = net.start(rng), AdaGrad(0.1)
    state = adagrad.init(w)
    for _ in range(300):
        w, state = adagrad.step(w, net.stochastic_gradient(w, rng), state)
    errors = [100 * TwoLayerNetwork(x[p], y[p], 32).error_rate(w) for p in (validation, test)]
    found = TASKS["digits"].run(AdaGrad(np.array([[0.1], [0.3]])), 2, 2)
    np.testing.assert_allclose([part[0] for part in found], errors)


def toy(seed, n=200):
    """Three classes, told from words one of which occurs but once."""
    rng = np.random.default_rng([7, seed])
    labels = rng.integers(3, size=3 * n)
    shares = np.where(np.arange(12) % 3 == labels[:, None], 0.5, 0.2) * (np.arange(12) > 0)
    features = (rng.random((3 * n, 12)) < shares).astype(float)
    features[0, 0] = 1.0
    parts = [Split(csr_array(features[k::3]), labels[k::3]) for k in range(3)]
    return Dataset("toy", *parts, tuple(map(str, range(12))), ("a", "b", "c"))


@pytest.mark.parametrize("passes", [1, 3])
def test_a_text_is_learned_without_its_rare_words(passes):
    data, rng = toy(4), np.random.default_rng(4)
    parts = [data.train, data.validation, data.test]
    (x, y), *held_out = [(part.features.toarray()[:, 1:], part.labels) for part in parts]
    w, adagrad = np.zeros((11, 3)), AdaGrad(0.5)
    state = adagrad.init(w)
    orders = [rng.permutation(200) for _ in range(passes)]
    for rows in (rows for order in orders for rows in np.array_split(order, 3)):
        grads = np.zeros((11, 3))
        for i in rows:
            p = np.exp(x[i] @ w)
            grads += np.outer(x[i], p / p.sum() - np.eye(3)[y[i]]) / len(rows)
        w, state = adagrad.step(w, grads, state)
    errors = [100 * np.mean((x @ w).argmax(axis=1) != y) for x, y in held_out]
    found = tasks._text(toy, 2, passes, AdaGrad(LRS[:, None]), 2, 4)
    np.testing.assert_allclose([part[1] for part in found], errors)
    assert 10 < errors[0] < 60


@pytest.mark.parametrize("make", [DoG, Prodigy, lambda lr: Averaged(DoG(lr))])
def test_distances_are_those_of_the_whole_model_for_each_rate_alone(make):
    together = tasks._text(toy, 2, 2, make(LRS[:, None]), 2, 0)
    for i, lr in enumerate(LRS):
        alone = tasks._text(toy, 2, 2, make(lr), 1, 0)
        assert [part[i] for part in together] == [part[0] for part in alone]


def test_an_averaged_run_predicts_with_its_average_in_every_step():
    seen = []
    optimizer, start = Averaged(SGD(2.0), power=0), np.ones((1, 1))
    end = tasks._trained(
        optimizer, start, lambda t, w: w, 3, lambda t, point: seen.append(point.item())
    )
    np.testing.assert_allclose([*seen, end.item()], [1.0, -1.0, 0.0, -1 / 3])


def test_a_run_that_diverges_stays_and_the_others_go_on():
    end = tasks._trained(SGD(np.array([[0.5], [1e200]])), np.ones((2, 1)), lambda t, w: w, 5)
    assert end[0] == 0.5**5
    assert np.isfinite(end).all()
    assert TASKS["bowl"].run(SGD(np.array([[0.001], [1e3]])), 2, 0)[1][1] > 100


ERRORS = {"good": ([5.0, 1.0, 2.0], [1.0, 7.0, 1.0]), "bad": ([5.0, 4.0, 9.0], [1.0, 6.0, 1.0])}
PREPARED = Task(
    "points",
    dict.fromkeys(ERRORS, (0, 2)),
    lambda optimizer, batch, seed: tuple(np.array(part) + seed for part in ERRORS[optimizer]),
)


def prepared(name):
    """Return a method whose scores at the rates 1, 2 and 4 are given."""

    def method(lrs):
        np.testing.assert_array_equal(lrs[:, 0], [1.0, 2.0, 4.0])
        return name

    method.__name__ = name
    return method


def test_validation_chooses_the_rate_and_the_method_and_test_judges():
    found = tuned(PREPARED, map(prepared, ERRORS), seeds=[0, 10])
    np.testing.assert_array_equal(found["good"].best_lrs, [2.0, 2.0])
    np.testing.assert_array_equal(found["good"].scores, [7.0, 17.0])
    np.testing.assert_array_equal(found["bad"].scores, [6.0, 16.0])
    np.testing.assert_array_equal(best_tuned(found), [7.0, 17.0])
    good = found["good"]
    worse = np.stack([good.validation[0], good.validation[1] + 50])
    found["good"] = Tuned(good.lrs, worse, good.test, good.best)
    np.testing.assert_array_equal(best_tuned(found), [7.0, 16.0])


def test_a_best_rate_at_an_end_of_the_grid_is_said():
    task = Task("points", {"SGD": (-12, -9)}, TASKS["bowl"].run)
    with pytest.warns(UserWarning, match="is the largest that was tried"):
        tuned(task, [SGD], seeds=[0])


def test_every_grid_ascends():
    for task in (*TASKS.values(), TEN_PASSES):
        assert all(least < most for least, most in task.octaves.values())


@pytest.mark.parametrize("name", ["bowl", "turned bowl", "moving target"])
def test_the_best_rates_are_inside_their_grids(name):
    # A best rate at an end would be a warning, which is an error.
    found = tuned(TASKS[name], [*METHODS, *NEWCOMERS])
    five = ["SGD", "Momentum", "AdaGrad", "RMSProp", "Adam"]
    assert list(found) == [*five, "AdamW", "DoG", "Prodigy"]
    assert list(tuned(TASKS[name], seeds=[0])) == five
    assert {len(one.scores) for one in found.values()} == {5}


@pytest.mark.study
@pytest.mark.parametrize("name", ["digits", "names"])
def test_wider_grids_have_the_same_best_rates(name):
    task = TASKS[name]
    wider = {method: (least - 2, most + 2) for method, (least, most) in task.octaves.items()}
    for method in (SGD, AdaGrad, AdamW, DoG):
        found, wide = (
            tuned(one, [method], seeds=range(2))[method.__name__]
            for one in (task, Task(task.unit, wider, task.run))
        )
        np.testing.assert_array_equal(found.best_lrs, wide.best_lrs)
        np.testing.assert_array_equal(found.scores, wide.scores)


def test_the_usual_rate_runs_along_and_is_not_chosen():
    for task in (TASKS["bowl"], TASKS["moving target"]):
        found = tuned(task, [SGD, AdaGrad, DoG, Prodigy], seeds=[0, 3])
        assert found["SGD"].untouched is None
        as_they_come = {"AdaGrad": AdaGrad(0.01), "DoG": Averaged(DoG()), "Prodigy": Prodigy()}
        for name, optimizer in as_they_come.items():
            expected = untuned(task, optimizer, seeds=[0, 3])
            np.testing.assert_allclose(found[name].untouched, expected, rtol=1e-12)
            assert found[name].test.shape == (2, found[name].lrs.size)
            np.testing.assert_array_equal(np.log2(found[name].lrs) % 1, 0)  # and not 0.01


def test_all_seeds_at_once_are_each_alone():
    together = untuned(TASKS["moving target"], Adam(0.1), seeds=[4, 1])
    alone = [TASKS["moving target"].run(Adam(0.1), 1, seed)[1][0] for seed in (4, 1)]
    np.testing.assert_array_equal(together, alone)


def test_the_decay_of_adamw_leads_to_the_minimum_where_that_is_zero():
    found = tuned(TASKS["turned bowl"], [Momentum, Adam, AdamW])
    assert verdict(found["AdamW"].scores, found["Momentum"].scores) == "ahead"
    assert found["AdamW"].best_lrs.min() * AdamW(1.0).weight_decay > 0.1


def test_untuned_is_the_test_score_of_the_optimizer_as_it_is():
    expected = [TASKS["bowl"].run(Adam(0.1), 1, seed)[1][0] for seed in (0, 7)]
    np.testing.assert_array_equal(untuned(TASKS["bowl"], Adam(0.1), seeds=[0, 7]), expected)


def test_a_lead_counts_if_it_is_twice_its_deviation():
    one, noise = np.zeros(5), np.array([-1.0, 1.0, 0.0, 0.5, -0.5])
    deviation = noise.std(ddof=1)
    assert verdict(one, noise + 2.01 * deviation) == "ahead"
    assert verdict(noise + 2.01 * deviation, one) == "beaten"
    assert verdict(one, noise + 1.99 * deviation) == "undecided"
    assert verdict(one, one) == "undecided"
    assert verdict(one, one + 1) == "ahead"


def test_what_is_wrong_is_said():
    for call in (tuned, lambda task: untuned(task, SGD(0.1))):
        with pytest.raises(TypeError, match="task must be a Task, got str"):
            call("bowl")
    with pytest.raises(TypeError, match="optimizer must be an object with a method init, got"):
        untuned(TASKS["bowl"], "SGD")
    with pytest.raises(ValueError, match=r"methods must be of \[.SGD., .+ got AdaDelta"):
        tuned(TASKS["bowl"], [AdaDelta])
    with pytest.raises(ValueError, match="found must have at least one method, got none"):
        best_tuned({})
    for one, other in [([1.0], [2.0]), ([1.0, 2.0], [1.0]), ([[1.0, 2.0]], [[1.0, 2.0]])]:
        with pytest.raises(ValueError, match="one and other must be scores of the same seeds"):
            verdict(np.array(one), np.array(other))
    assert repr(TASKS["bowl"]) == "Task(log₁₀ of the loss)"
    assert "seeds: 1" in repr(tuned(TASKS["bowl"], [Momentum], seeds=[0])["Momentum"])


def test_what_the_methods_without_a_rate_come_to_on_the_turned_bowl():
    task = TASKS["turned bowl"]
    found = tuned(task, [SGD, AdaGrad, Adam])
    prodigy, dog = untuned(task, Prodigy()), untuned(task, Averaged(DoG()))
    assert verdict(prodigy, found["SGD"].scores) == "ahead"
    assert verdict(prodigy, found["Adam"].scores) == "undecided"
    assert verdict(dog, found["SGD"].scores) == "beaten"  # within its first 150 steps
    assert verdict(untuned(task, AdaGrad(0.01)), dog) == "beaten"
