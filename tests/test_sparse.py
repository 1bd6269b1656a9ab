"""Sparse steps against dense ones and PyTorch's, and online softmax regression against formulas."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optional_torch import needs_torch, torch
from scipy.sparse import csr_array

from adagrad_course.datasets import Split, digits
from adagrad_course.optimizers import (
    SGD,
    AdaGrad,
    AdaGradNorm,
    FTRLProximal,
    FullMatrixAdaGrad,
    Momentum,
)
from adagrad_course.sparse import OnlineSoftmax, coalesce, row_step

examples = settings(max_examples=15)
seeds = st.integers(0, 2**32)
LRS = np.array([0.01, 0.3, 2.0])
COLUMN = LRS[:, None]

# For parameters of shape (8, 3, 4), and for any shape.
SWEEPS = {
    "SGD-rates": SGD(COLUMN),
    "SGD-rates-schedule": SGD(lambda t: COLUMN / np.sqrt(t)),
    "AdaGrad-rates": AdaGrad(COLUMN),
    "AdaGrad-all": AdaGrad(COLUMN, eps=COLUMN, initial_accumulator_value=COLUMN),
    "FTRL-all": FTRLProximal(COLUMN, l1=COLUMN, l2=COLUMN, eps=COLUMN),
}
OPTIMIZERS = {
    "SGD": SGD(0.1),
    "SGD-schedule": SGD(lambda t: 0.1 / t),
    "AdaGrad": AdaGrad(0.1),
    "AdaGrad-eps-0": AdaGrad(0.1, eps=0.0),
    "AdaGrad-eps-array": AdaGrad(np.array(0.1), eps=np.array(1e-3)),
    "AdaGrad-initial": AdaGrad(0.1, initial_accumulator_value=0.5),
    "AdaGrad-schedule": AdaGrad(lambda t: 0.1 / np.sqrt(t)),
    "FTRL": FTRLProximal(0.1),
    "FTRL-penalties": FTRLProximal(0.1, l1=0.5, l2=0.5),
}
CASES = [
    *((name, optimizer, (8, 3, 4)) for name, optimizer in SWEEPS.items()),
    *(
        (name, optimizer, shape)
        for name, optimizer in OPTIMIZERS.items()
        for shape in [(8,), (8, 4), (8, 3, 4)]
    ),
]
every_case = pytest.mark.parametrize(
    ("optimizer", "shape"), [case[1:] for case in CASES], ids=[f"{c[0]}-{c[2]}" for c in CASES]
)


def sparse_gradients(seed, shape, dtype, steps=12):
    """Random gradients of few rows, which are in disorder, often named twice, and at times none."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        rows = rng.integers(0, shape[0], rng.integers(0, 7))
        scales = 10.0 ** rng.uniform(-3, 3, (rows.size, *shape[1:]))
        yield rows, (scales * rng.standard_normal(scales.shape)).astype(dtype)


def dense(shape, rows, grads):
    gradient = np.zeros(shape, grads.dtype)
    np.add.at(gradient, rows, grads)
    return gradient


def start(seed, shape, dtype):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# Gradients


@examples
@given(seed=seeds)
def test_coalesced_rows_ascend_and_hold_the_sums(seed):
    for rows, grads in sparse_gradients(seed, (8, 3), np.float32):
        before = rows.copy(), grads.copy()
        named, summed = coalesce(rows, grads)
        assert named.tolist() == sorted(set(rows.tolist()))
        assert (named.dtype, summed.dtype) == (np.intp, np.float32)
        np.testing.assert_array_equal(summed, dense((8, 3), rows, grads)[named])
        summed += 1
        np.testing.assert_array_equal(rows, before[0])
        np.testing.assert_array_equal(grads, before[1])


@pytest.mark.parametrize("kind", [list, np.int8, np.uint32, np.uint64])
def test_rows_may_be_whole_numbers_of_any_kind(kind):
    rows = [4, 1, 4] if kind is list else np.array([4, 1, 4], kind)
    assert coalesce(rows, [1, 2, 3])[0].dtype == np.intp
    params = np.zeros(5)
    row_step(SGD(1.0), params, rows, [1, 2, 3], SGD(1.0).init(params))
    np.testing.assert_array_equal(params, [0, -2, 0, 0, -4])


# Steps


def test_a_gradient_may_name_no_rows():
    params, adagrad = np.ones((5, 2)), AdaGrad(0.1)
    state = row_step(adagrad, params, [], np.ones((0, 2)), adagrad.init(params))
    assert (state.steps, state.accumulator.any(), (params == 1).all()) == (1, False, True)


@every_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@examples
@given(seed=seeds)
def test_a_sparse_step_is_the_dense_one_bit_for_bit(optimizer, shape, dtype, seed):
    params = start(seed, shape, dtype)
    expected, state = params.copy(), optimizer.init(params)
    expected_state, arrays = optimizer.init(params), state[1:]
    for rows, grads in sparse_gradients(seed, shape, dtype):
        state = row_step(optimizer, params, rows, grads, state)
        gradient = dense(shape, rows, grads)
        expected, expected_state = optimizer.step(expected, gradient, expected_state)
        np.testing.assert_array_equal(params, expected)
        assert type(state) is type(expected_state)
        assert state.steps == expected_state.steps
        for array, kept, dense_array in zip(arrays, state[1:], expected_state[1:], strict=True):
            assert kept is array
            np.testing.assert_array_equal(array, dense_array)


TORCHS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "AdaGrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
    "AdaGrad-initial": lambda p: torch.optim.Adagrad(p, lr=0.1, initial_accumulator_value=0.5),
}


@needs_torch
@pytest.mark.parametrize("name", TORCHS)
@pytest.mark.parametrize("shape", [(8,), (8, 4)], ids=str)
@examples
@given(seed=seeds)
def test_same_steps_as_torch_on_sparse_gradients(name, shape, seed):
    optimizer, params = OPTIMIZERS[name], start(seed, shape, np.float64)
    state = optimizer.init(params)
    tensor = torch.tensor(params, requires_grad=True)
    theirs = TORCHS[name]([tensor])
    with torch.sparse.check_sparse_tensor_invariants(False):  # else PyTorch warns of them
        for rows, grads in sparse_gradients(seed, shape, np.float64):
            state = row_step(optimizer, params, rows, grads, state)
            tensor.grad = torch.sparse_coo_tensor(rows[None], grads, shape)
            theirs.step()
            # Up to rounding, which is relative to how far a step may have gone.
            bound = 1e-12 * (1 + np.abs(params).max())
            np.testing.assert_allclose(params, tensor.detach().numpy(), rtol=0, atol=bound)


@pytest.mark.parametrize("optimizer", [SGD(0.1), AdaGrad(0.1)])
def test_rows_that_are_not_named_are_not_looked_at(optimizer):
    params = start(0, (6, 2), np.float64)
    state = optimizer.init(params)
    params[[0, 2, 5]] = [[np.nan, np.inf], [-0.0, 5e-324], [-np.inf, 1.0]]
    arrays = [params, *state[1:]]
    for array in arrays[1:]:
        array[[0, 2, 5]] = params[[0, 2, 5]]
    before = [array.copy() for array in arrays]
    row_step(optimizer, params, [4, 1, 4], np.ones((3, 2)), state)
    for array, copy in zip(arrays, before, strict=True):
        assert array[[0, 2, 3, 5]].tobytes() == copy[[0, 2, 3, 5]].tobytes()
        assert (array[[1, 4]] != copy[[1, 4]]).all()


def test_parameters_may_be_a_view_into_a_larger_table():
    table = np.zeros((4, 6), np.float32)
    params, sgd = table[::2, 1::2], SGD(1.0)
    row_step(sgd, params, [1], [[1, 2, 3]], sgd.init(params))
    assert table[2].tolist() == [0, -1, 0, -2, 0, -3]
    assert not table[[0, 1, 3]].any()


PARAMS, GRADS = np.ones((5, 2)), [[1.0, 2.0], [3.0, 4.0]]
READ_ONLY = np.ones((5, 2))
READ_ONLY.flags.writeable = False
BAD_STEPS = {
    # rows
    "too-large": ({"rows": [1, 5]}, "rows must be below 5, the rows of params, got 5"),
    "twice-too-large": ({"rows": [5, 5]}, "rows must be below 5, the rows of params, got 5"),
    "negative": ({"rows": [1, -1]}, "rows must be counted from 0, got -1"),
    "float": ({"rows": [1.0, 2.0]}, "rows must hold whole numbers, got dtype float64"),
    "bool": ({"rows": [True, False]}, "rows must hold real numbers, got list [True, False]"),
    "text": ({"rows": "12"}, "rows must hold real numbers, got str '12'"),
    "None": ({"rows": None}, "rows must hold real numbers, got NoneType None"),
    "ragged": ({"rows": [[1], [2, 3]]}, "rows must be a rectangular array of numbers, got list [["),
    "2d": ({"rows": [[1], [2]]}, "rows must have shape (n,), got (2, 1)"),
    "number": ({"rows": 1, "grads": [1.0, 2.0]}, "rows must have shape (n,), got ()"),
    "fewer": ({"rows": [1]}, "grads must have shape (1, ...), got (2, 2)"),
    "none": ({"rows": []}, "grads must have shape (0, ...), got (2, 2)"),
    # gradients
    "nan": (
        {"grads": [[1.0, 2.0], [np.nan, 4.0]]},
        "grads must be finite, got nan at index (1, 0)",
    ),
    "inf": ({"grads": [[np.inf, 2.0], [3, 4.0]]}, "grads must be finite, got inf at index (0, 0)"),
    "complex": ({"grads": [[1j, 2], [3, 4]]}, "grads must hold real numbers, got list [[1j"),
    "ragged-grads": ({"grads": [[1], [2, 3]]}, "grads must be a rectangular array of numbers, got"),
    "wide": (
        {"grads": np.ones((2, 3))},
        "grads must have for each row the shape of a row of params, (2,), got (3,)",
    ),
    "broadcast": (
        {"grads": [1.0, 2.0]},
        "grads must have for each row the shape of a row of params, (2,), got ()",
    ),
    "broadcast-one": (
        {"grads": [[1.0], [2.0]]},
        "grads must have for each row the shape of a row of params, (2,), got (1,)",
    ),
    "empty-shape": (
        {"rows": [], "grads": []},
        "grads must have for each row the shape of a row of params, (2,), got ()",
    ),
    # parameters
    "list": (
        {"params": PARAMS.tolist()},
        "params must be a numpy.ndarray of floats, to be changed",
    ),
    "int": (
        {"params": np.ones((5, 2), int)},
        "params must be a numpy.ndarray of floats, to be cha",
    ),
    "0d": ({"params": np.array(1.0)}, "params must have at least 1 dimension, got ndarray"),
    "read-only": ({"params": READ_ONLY}, "params must be writeable, to be changed in place, got a"),
    "params-nan": (
        {"params": PARAMS * [1, np.nan]},
        "params[rows] must be finite, got nan at index (0, 1)",
    ),
    # states
    "no-state": ({"state": None}, "state must be an AdaGradState, got NoneType None"),
    "sgd-state": (
        {"state": SGD(1.0).init(1.0)},
        "state must be an AdaGradState, got SGDState SGDS",
    ),
    "no-table": (
        {"accumulator": 0.0},
        "state.accumulator must be a numpy.ndarray of floats, to be changed in place, got float",
    ),
    "fixed": (
        {"accumulator": READ_ONLY},
        "state.accumulator must be writeable, to be changed in p",
    ),
    **{
        f"shape-{shape}": (
            {"accumulator": np.ones(shape)},
            f"state.accumulator must have the shape of params, (5, 2), got {shape}",
        )
        for shape in [(5,), (5, 1), (4, 2), (9, 2), (5, 2, 1)]
    },
    "dtype": (
        {"accumulator": np.ones((5, 2), np.float32)},
        "state.accumulator must have the dtype of params, float64, got float32",
    ),
    # optimizers
    **{
        type(optimizer).__name__: (
            {"optimizer": optimizer},
            "optimizer must leave rows without a gradient alone, as SGD, AdaGrad and FTRLProximal "
            f"do, got {type(optimizer).__name__}",
        )
        for optimizer in (Momentum(0.1), AdaGradNorm(0.1), FullMatrixAdaGrad(0.1))
    },
    "class": (
        {"optimizer": AdaGrad},
        "optimizer must leave rows without a gradient alone",
    ),
    # As many rates as rows are named, or as there are: they would be given out by position.
    **{
        f"{name}-{n}": (
            {"optimizer": AdaGrad(**({"lr": 0.1} | {name: np.ones((n, 1))}))},
            f"{name} must broadcast to the shape of one row, (2,), got shape ({n}, 1)",
        )
        for name in ("lr", "eps")
        for n in (2, 5)
    },
    "schedule-of-rates": (
        {"optimizer": AdaGrad(lambda t: np.ones((2, 1)))},
        "lr must broadcast to the shape of one row, (2,), got shape (2, 1)",
    ),
    "schedule": (
        {"optimizer": AdaGrad(lambda t: -1.0)},
        "lr(1) must be zero or positive, got -1.0",
    ),
}


@pytest.mark.parametrize(("changes", "message"), BAD_STEPS.values(), ids=BAD_STEPS)
def test_a_step_that_is_refused_overwrites_nothing(changes, message):
    arguments = {"optimizer": AdaGrad(0.1), "params": PARAMS.copy(), "rows": [3, 1], "grads": GRADS}
    accumulator = changes.get("accumulator", np.full((5, 2), 9.0))
    arguments["state"] = AdaGrad(0.1).init(PARAMS)._replace(accumulator=accumulator)
    arguments |= {name: value for name, value in changes.items() if name != "accumulator"}
    before = [np.copy(arguments["params"]), np.copy(accumulator)]
    with pytest.raises((TypeError, ValueError)) as caught:
        row_step(**arguments)
    assert caught.type in (TypeError, ValueError)  # no subclass of NumPy's
    assert str(caught.value).startswith(message)
    for now, then in zip([arguments["params"], accumulator], before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_sum_that_overflows_is_refused_too():
    params, adagrad = np.ones(3), AdaGrad(0.1)
    state = adagrad.init(params)
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="grads must be finite"):
        row_step(adagrad, params, [1, 1], [1e308, 1e308], state)
    assert (params.tolist(), state.accumulator.tolist()) == ([1, 1, 1], [0, 0, 0])


# Softmax regression


def some_data(seed=0, n=41, p=7, classes=3):
    """Sparse examples of which some, the last among them, have no feature at all."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.3)
    features[[0, 5, -1]] = 0.0
    return Split(csr_array(features), rng.integers(0, classes, n))


class Reference:
    """Softmax regression as in the formulas, dense, one rate at a time."""

    def __init__(self, kind, lr, p=7, classes=3):
        self.kind, self.lr, self.t = kind, lr if callable(lr) else lambda t: lr, 0
        self.weights = np.zeros((p, classes))
        self.squares = np.zeros((p, classes))
        self.visited, self.losses, self.mistakes = [], [], []

    def learn(self, split, rng, batch_size):
        features, labels = split.features.toarray(), split.labels
        order = rng.permutation(len(labels))
        for batch in (order[i : i + batch_size] for i in range(0, len(order), batch_size)):
            gradient = np.zeros_like(self.weights)
            for x, y in zip(features[batch], labels[batch], strict=True):
                scores = x @ self.weights
                p = np.exp(scores) / np.exp(scores).sum()
                self.losses.append(-np.log(p[y]))
                self.mistakes.append(scores.argmax() != y)
                gradient += np.outer(x, p - np.eye(len(p))[y]) / len(batch)
            self.t += 1
            lr = self.lr(self.t)
            if self.kind is AdaGrad:
                self.squares += gradient**2
                lr = lr / (np.sqrt(self.squares) + 1e-10)
            self.weights = self.weights - lr * gradient
            self.visited.append(self.weights)


RULES = {
    "SGD": (SGD, lambda lr: lr),
    "SGD-schedule": (SGD, lambda lr: lambda t: lr / np.sqrt(t)),
    "AdaGrad": (AdaGrad, lambda lr: lr),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("batch_size", [1, 3, 41, 100])
@pytest.mark.parametrize(("kind", "rule"), RULES.values(), ids=RULES)
def test_all_rates_at_once_learn_what_the_formulas_say(kind, rule, batch_size, seed):
    split, n_steps = some_data(seed), 2 * -(-41 // batch_size)
    model = OnlineSoftmax(7, 3, kind(rule(COLUMN)), average=True)
    assert model.weights.shape == (7, 3, 3)
    np.testing.assert_array_equal(model.average_weights, 0.0)
    # Two passes: the second goes on where the first stopped.
    rng = np.random.default_rng(seed)
    passes = [
        model.partial_fit(split.features, split.labels, batch_size=batch_size, rng=rng).progress
        for _ in range(2)
    ]
    losses = np.concatenate([progress.losses for progress in passes])
    mistakes = np.concatenate([progress.mistakes for progress in passes])
    assert losses.shape == mistakes.shape == (82, 3)
    assert (mistakes.dtype, model.state.steps) == (bool, n_steps)
    for i, lr in enumerate(LRS):
        alone, rng = Reference(kind, rule(lr)), np.random.default_rng(seed)
        for _ in range(2):
            alone.learn(split, rng, batch_size)
        np.testing.assert_allclose(model.weights[:, i], alone.weights, atol=1e-12)
        np.testing.assert_allclose(losses[:, i], alone.losses, atol=1e-11)
        np.testing.assert_array_equal(mistakes[:, i], alone.mistakes)
        average = np.mean(alone.visited, axis=0)
        np.testing.assert_allclose(model.average_weights[:, i], average, atol=1e-11)
        # What it predicts, for other examples.
        other = some_data(seed + 100)
        for weights, options in [(alone.weights, {}), (average, {"average": True})]:
            classes = (other.features.toarray() @ weights).argmax(axis=1)
            np.testing.assert_array_equal(model.predict(other.features, **options)[:, i], classes)
            error_rate = model.error_rate(other.features, other.labels, **options)[i]
            assert error_rate == (classes != other.labels).mean()


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("kind", [SGD, AdaGrad])
def test_one_rate_needs_no_axis(kind, batch_size):
    split = some_data()
    model, sweep = OnlineSoftmax(7, 3, kind(0.3)), OnlineSoftmax(7, 3, kind(COLUMN))
    one, many = (
        m.partial_fit(split.features, split.labels, batch_size=batch_size).progress
        for m in (model, sweep)
    )
    assert (model.weights.shape, one.losses.shape) == ((7, 3), (41,))
    assert (repr(one), repr(many)) == (
        "Progress(41 examples, models ())",
        "Progress(41 examples, models (3,))",
    )
    np.testing.assert_allclose(model.weights, sweep.weights[:, 1], atol=1e-12)
    np.testing.assert_allclose(one.losses, many.losses[:, 1], atol=1e-12)
    assert model.predict(split.features).shape == (41,)
    assert model.error_rate(split.features, split.labels).shape == ()


def test_examples_are_taken_in_the_order_given_unless_a_generator_shuffles_them():
    split, order = some_data(), np.random.default_rng(4).permutation(41)
    given, shuffled = (OnlineSoftmax(7, 3, SGD(0.3)) for _ in range(2))
    assert given.progress is None
    assert given.partial_fit(split.features[order], list(split.labels[order])) is given
    shuffled.partial_fit(split.features, split.labels, rng=np.random.default_rng(4))
    np.testing.assert_array_equal(given.weights, shuffled.weights)
    np.testing.assert_array_equal(given.progress.losses, shuffled.progress.losses)


@needs_torch
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize(("ours", "theirs"), [(SGD, "SGD"), (AdaGrad, "Adagrad")])
def test_same_weights_as_torch(ours, theirs, batch_size):
    split, lr = some_data(), 0.7
    model = OnlineSoftmax(7, 3, ours(lr))
    losses = model.partial_fit(split.features, split.labels, batch_size=batch_size).progress.losses
    layer = torch.nn.Linear(7, 3, bias=False, dtype=torch.float64)
    torch.nn.init.zeros_(layer.weight)
    optimizer, their_losses = getattr(torch.optim, theirs)(layer.parameters(), lr=lr), []
    features, labels = torch.from_numpy(split.features.toarray()), torch.from_numpy(split.labels)
    for batch in torch.arange(41).split(batch_size):
        optimizer.zero_grad()
        each = torch.nn.functional.cross_entropy(
            layer(features[batch]), labels[batch], reduction="none"
        )
        each.mean().backward()
        optimizer.step()
        their_losses += each.tolist()
    np.testing.assert_allclose(model.weights.T, layer.weight.detach().numpy(), atol=1e-10)
    np.testing.assert_allclose(losses, their_losses, atol=1e-10)


def test_large_scores_do_not_overflow():
    features = csr_array([[1e4], [1e4], [1e4]])
    losses = OnlineSoftmax(1, 2, SGD(1e4)).partial_fit(features, [1, 0, 1]).progress.losses
    assert np.isfinite(losses).all()
    assert losses.max() > 1e6


def test_an_example_without_features_counts_in_the_average():
    place = 3
    features = csr_array(np.eye(9)[:, [place]])
    model = OnlineSoftmax(1, 2, SGD(1.0), average=True).partial_fit(features, np.zeros(9, int))
    np.testing.assert_allclose(model.weights, [[0.5, -0.5]])
    np.testing.assert_allclose(model.average_weights, model.weights * (9 - place) / 9)


TWICE = csr_array(([1.0, 1.0], [0, 0], [0, 2]), shape=(1, 7))
REFUSED_FEATURES = {
    "columns": (some_data(p=6).features, "features must have 7 columns, got 6"),
    "empty": (csr_array((0, 7)), "features must have at least 1 row, got 0"),
    "kind": (some_data().features.toarray(), "features must be a csr_array, got ndarray"),
    "twice": (TWICE, "features must name the columns of a row once and in ascending order"),
    "nan": (csr_array([[np.nan] * 7]), "features.data must be finite, got nan at index 0"),
}
REFUSED_LABELS = {
    "class": ([0] * 40 + [3], "labels must be below 3, got 3"),
    "negative": ([0] * 40 + [-1], "labels must be counted from 0, got -1"),
    "number": ([0] * 40, "labels must have shape (41,), got (40,)"),
    "kind": ([0.0] * 41, "labels must hold whole numbers, got dtype float64"),
}


@pytest.mark.parametrize(
    ("features", "message"), REFUSED_FEATURES.values(), ids=list(REFUSED_FEATURES)
)
def test_examples_that_do_not_fit_are_refused(features, message):
    model, labels = OnlineSoftmax(7, 3, SGD(1.0)), np.zeros(features.shape[0], int)
    for use in (
        lambda: model.partial_fit(features, labels),
        lambda: model.predict(features),
        lambda: model.error_rate(features, labels),
    ):
        with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}"):
            use()
    assert (model.state.steps, model.weights.any()) == (0, False)


@pytest.mark.parametrize(("labels", "message"), REFUSED_LABELS.values(), ids=list(REFUSED_LABELS))
def test_labels_that_do_not_fit_are_refused(labels, message):
    model, features = OnlineSoftmax(7, 3, SGD(1.0)), some_data().features
    for use in (model.partial_fit, model.error_rate):
        with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}"):
            use(features, labels)
    assert (model.state.steps, model.weights.any()) == (0, False)


def test_there_is_no_average_that_was_not_kept():
    model, features = OnlineSoftmax(7, 3, SGD(1.0)), some_data().features
    for use in (lambda: model.average_weights, lambda: model.predict(features, average=True)):
        with pytest.raises(ValueError, match="average must be True for average_weights to be kept"):
            use()


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (Momentum(0.1), "optimizer must leave rows without a gradient alone"),
        (AdaGradNorm(0.1), "optimizer must leave rows without a gradient alone"),
        (SGD, "optimizer must leave rows without a gradient alone"),
        ("SGD", "optimizer must leave rows without a gradient alone"),
        (
            SGD([0.1, 0.2]),
            "start must broadcast with the rates, whose last axis must have length 1",
        ),
        (
            AdaGrad(0.1, eps=COLUMN),
            "eps must broadcast to the shape of one row, (4,), got shape (3",
        ),
        (
            AdaGrad(0.1, eps=np.ones((7, 1))),
            "eps must broadcast to the shape of one row, (4,), got shape (7, 1)",
        ),
        *(
            (
                FTRLProximal(0.1, **{name: np.ones((7, 1))}),
                f"{name} must broadcast to the shape of one row, (4,), got shape (7, 1)",
            )
            for name in ("l1", "l2")
        ),
        (AdaGrad(lambda t: -1.0), "lr(1) must be zero or positive, got -1.0"),
    ],
)
def test_an_optimizer_that_does_not_fit_is_refused_at_once(optimizer, message):
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}"):
        OnlineSoftmax(7, 4, optimizer)


def test_a_subclass_takes_its_own_step_on_the_rows_named_and_no_other():
    class Rootless(AdaGrad):
        def update(self, grads, state, params):
            _, state = super().update(grads, state, params)
            return self.lr / (state.accumulator + self.eps) * grads, state

    params, rootless = np.zeros((3, 1)), Rootless(1.0, eps=0.0)
    state = row_step(rootless, params, [1], [[4.0]], rootless.init(params))
    assert params.T.tolist() == [[0, -1 / 4, 0]]
    assert state.accumulator.T.tolist() == [[0, 16, 0]]
    assert OnlineSoftmax(3, 2, rootless).optimizer is rootless


@pytest.mark.parametrize("disabled", [True, False])
def test_a_bar_shows_how_far_it_is_unless_it_is_disabled(disabled):
    code = """\
import numpy as np, tqdm
from scipy.sparse import csr_array
from adagrad_course.optimizers import SGD
from adagrad_course.sparse import OnlineSoftmax
bar = tqdm.tqdm
tqdm.tqdm = lambda *args, **options: bar(*args, **options | {"delay": 0})  # do not wait
features = csr_array(np.ones((41, 1)))
OnlineSoftmax(1, 2, SGD(1.0)).partial_fit(features, np.zeros(41, int), batch_size=4)
"""
    # tqdm reads the variable once, when it is imported.
    environment = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    if disabled:
        environment["TQDM_DISABLE"] = "1"
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout == ""
    assert ("0/11" in result.stderr, result.stderr == "") == (not disabled, disabled)


class Uphill(AdaGrad):
    """A reader's own optimizer, by the documented method."""

    def step(self, params, grads, state):
        return super().step(params, np.negative(grads), state)


def test_a_step_of_a_readers_own_is_taken():
    optimizer, params = Uphill(1.0), np.zeros((3, 1))
    row_step(optimizer, params, [1], [[4.0]], optimizer.init(params))
    np.testing.assert_allclose(params.T, [[0.0, 1.0, 0.0]])
    train = digits().train
    model = OnlineSoftmax(64, 10, Uphill(0.1)).partial_fit(train.features, train.labels)
    assert model.progress.losses[-100:].mean() > model.progress.losses[:100].mean()
