"""Keepers against the optimizers they stand for, number formats against PyTorch's."""

import numpy as np
import pytest
from optional_torch import needs_torch, torch
from scipy.sparse import csr_array

from adagrad_course.datasets import Dataset, Split
from adagrad_course.keepers import (
    KeptSoftmax,
    PerColumn,
    PerRow,
    PerWeight,
    RowsAndColumns,
    compare,
    to_bfloat16,
)
from adagrad_course.optimizers import SM3, AdaGrad, AdaGradNorm
from adagrad_course.sparse import OnlineSoftmax

LRS = np.array([0.05, 0.4, 3.0])


def examples(seed, n=80, p=12, classes=4):
    """Random counts of few words, and labels that depend on them."""
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 4, (n, p)) * (rng.random((n, p)) < 0.25)
    X[X.sum(axis=1) == 0, 0] = 1
    labels = (X @ rng.standard_normal((p, classes))).argmax(axis=1)
    return csr_array(X.astype(float)), labels


def sparse_squares(seed, shape, steps=20):
    """Random squared gradients of a few rows each."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        rows = rng.permutation(shape[0])[: rng.integers(1, 4)]
        yield rows, rng.standard_normal((rows.size, *shape[1:])) ** 2


def dense(optimizer, shape, seed):
    """Yield what an optimizer divides by in the rows named, if the others' gradients are zero."""
    params = np.zeros(shape)
    state = optimizer.init(params)
    for rows, squares in sparse_squares(seed, shape):
        grads = np.zeros(shape)
        grads[rows] = np.sqrt(squares)
        after, state = optimizer.step(params, grads, state)
        yield (grads[rows] / (params - after)[rows]) ** 2
        params = after


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("keeper", "optimizer", "share"),
    [
        (PerWeight(), AdaGrad(1.0, eps=0.0), 1),
        (PerWeight(start=0.3), AdaGrad(1.0, eps=0.0, initial_accumulator_value=0.3), 1),
        (PerRow(), AdaGradNorm(1.0, eps=0.0), 1 / 5),
        (RowsAndColumns(), SM3(1.0, eps=0.0), 1),
    ],
    ids=["PerWeight", "PerWeight-start", "PerRow", "RowsAndColumns"],
)
def test_a_keeper_divides_as_the_optimizer_on_all_rows_does(keeper, optimizer, share, seed):
    shape = (7, 5)
    kept = keeper.init(shape)
    divisors = [keeper.add(kept, *step) for step in sparse_squares(seed, shape)]
    for mine, theirs in zip(divisors, dense(optimizer, shape, seed), strict=True):
        np.testing.assert_allclose(np.broadcast_to(mine, theirs.shape), share * theirs, rtol=1e-9)


@pytest.mark.parametrize("keeper", [PerWeight(), PerRow(), RowsAndColumns(), PerColumn()])
def test_a_batch_axis_is_a_loop(keeper):
    shape = (7, 3, 5)
    kept = keeper.init(shape)
    alone = [keeper.init((7, 5)) for _ in range(3)]
    for rows, squares in sparse_squares(2, shape):
        divisor = np.broadcast_to(keeper.add(kept, rows, squares), squares.shape)
        for j in range(3):
            expected = keeper.add(alone[j], rows, squares[:, j])
            np.testing.assert_array_equal(divisor[:, j], np.broadcast_to(expected, (len(rows), 5)))


def test_columns_share_a_sum_of_means_over_the_whole_table():
    keeper, shape = PerColumn(), (7, 5)
    kept, total = keeper.init(shape), np.zeros(5)
    for rows, squares in sparse_squares(3, shape):
        full = np.zeros(shape)
        full[rows] = squares
        total += full.mean(axis=0)
        np.testing.assert_allclose(keeper.add(kept, rows, squares), total)


def test_a_rounded_sum_is_kept_rounded():
    keeper = PerWeight(np.float16, start=6e-8)
    kept = keeper.init((2, 2))
    divisor = keeper.add(kept, [1], np.array([[1e-10, 1 / 3]]))
    assert divisor.dtype == kept.dtype == np.float64
    np.testing.assert_array_equal(divisor, np.float16([[6e-8, 1 / 3]]))
    np.testing.assert_array_equal(kept, [[6e-8, 6e-8], divisor[0]])
    with pytest.raises(ValueError, match="start"):
        PerWeight(start=-1.0)


def test_one_number_for_each_weight_is_adagrad():
    X, labels = examples(0)
    theirs = OnlineSoftmax(12, 4, AdaGrad(lr=LRS[:, None])).partial_fit(X, labels)
    mine = KeptSoftmax(12, 4, LRS, [PerRow(), PerWeight()]).partial_fit(X, labels)
    np.testing.assert_allclose(mine.weights[:, 1], theirs.weights, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(mine.kept[1], theirs.state.accumulator, rtol=1e-9)
    assert not np.allclose(mine.weights[:, 0], theirs.weights, atol=1e-3)


def test_keepers_trained_together_are_as_alone():
    X, labels = examples(1)
    keepers = [PerWeight(np.float16), RowsAndColumns(), PerColumn(), PerRow()]
    together = KeptSoftmax(12, 4, LRS, keepers).partial_fit(X, labels)
    for k, keeper in enumerate(keepers):
        alone = KeptSoftmax(12, 4, LRS, [keeper]).partial_fit(X, labels)
        np.testing.assert_allclose(together.weights[:, k], alone.weights[:, 0], rtol=1e-12)


def test_a_model_needs_a_keeper_and_rates():
    with pytest.raises(ValueError, match="keepers must have at least one"):
        KeptSoftmax(12, 4, LRS, [])
    with pytest.raises(ValueError, match="lrs"):
        KeptSoftmax(12, 4, 0.1, [PerRow()])


# Number formats ---------------------------------------------------------------------------------


@needs_torch
def test_bfloat16_is_pytorchs():
    rng = np.random.default_rng(0)
    x = rng.lognormal(sigma=10, size=10_000) * rng.choice([-1, 1], 10_000)
    ties = np.ldexp(rng.integers(1, 512, 200) + 0.5, rng.integers(-90, 90, 200))
    for given in (x, ties, np.zeros(3)):
        theirs = torch.from_numpy(given).float().bfloat16().double().numpy()
        np.testing.assert_array_equal(to_bfloat16(given), theirs)


def test_rounding_at_random_takes_a_neighbour_and_is_right_on_average():
    x = np.array([256.3, -256.3, 1 + 2**-9, 3e-30])
    drawn = to_bfloat16(np.tile(x, (40_000, 1)), np.random.default_rng(1))
    spacing = np.array([2.0, 2.0, 2**-7, 2.0**-105])
    assert (np.abs(drawn - x) < spacing).all()
    np.testing.assert_array_equal(drawn, to_bfloat16(drawn))
    np.testing.assert_allclose(drawn.mean(axis=0), x, atol=(0.02 * spacing).max(), rtol=1e-2)


def test_rounding_leaves_the_formats_own_numbers_and_its_argument_alone():
    own = to_bfloat16(np.random.default_rng(2).standard_normal(50))
    before = own.copy()
    for rng in (None, np.random.default_rng(3)):
        np.testing.assert_array_equal(to_bfloat16(own, rng), before)
    np.testing.assert_array_equal(own, before)


def test_what_cannot_be_rounded_is_an_error():
    with pytest.raises(ValueError, match="x must be finite"):
        to_bfloat16([1.0, np.nan])
    with pytest.raises(TypeError, match="rng"):
        to_bfloat16([1.0], 0)


# The comparison ---------------------------------------------------------------------------------


def split(seed):
    parts = []
    X, labels = examples(4, n=240)
    order = np.random.default_rng(seed).permutation(240)
    for part in np.split(order, [140, 190]):
        parts.append(Split(X[part], labels[part]))
    return Dataset("random", *parts, tuple("abcdefghijkl"), tuple("ABCD"))


def test_each_keeper_is_tested_at_its_own_best_rate_on_the_validation_part():
    keepers = {"each weight": PerWeight(), "each row": PerRow(), "columns": PerColumn()}
    lrs = 2.0 ** np.arange(-10, 9)
    result = compare(split, keepers, lrs, splits=3, examples=100)
    assert result.errors.shape == result.lrs.shape == (3, 3)
    for seed in range(3):
        data = split(seed)
        order = np.random.default_rng(seed).permutation(140)[:100]
        for k, keeper in enumerate(keepers.values()):
            model = KeptSoftmax(12, 4, lrs, [keeper])
            model.partial_fit(data.train.features[order], data.train.labels[order])
            valid = model.error_rate(data.validation.features, data.validation.labels)[0]
            best = list(lrs).index(result.lrs[seed, k])
            assert valid[best] == valid.min()
            test = model.error_rate(data.test.features, data.test.labels)[0]
            assert result.errors[seed, k] == test[best]
    np.testing.assert_array_equal(result.sweep[-1], test)


def test_a_best_rate_at_the_end_of_the_grid_is_said():
    with pytest.warns(UserWarning, match="a better one may lie beyond it"):
        compare(split, {"each weight": PerWeight()}, [1e-4, 1e-3], splits=1)


def test_there_are_five_splits_unless_another_number_is_given():
    found = compare(split, {"each weight": PerWeight()}, 2.0 ** np.arange(-10, 9))
    assert found.errors.shape == (5, 1)


def test_rates_that_are_no_list_are_an_error():
    with pytest.raises(ValueError, match=r"lrs must have at least 1 dimension"):
        compare(split, {"each weight": PerWeight()}, 0.1)


def test_no_splits_are_an_error():
    with pytest.raises(ValueError, match="splits"):
        compare(split, {"each weight": PerWeight()}, LRS, splits=0)
    with pytest.raises(ValueError, match="examples"):
        compare(split, {"each weight": PerWeight()}, LRS, examples=0)
