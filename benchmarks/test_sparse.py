"""Steps on the rows that a gradient names, and a pass over a text, against what a reader would use.

The times of `row_step` should grow with the rows that are named and not with those there are.
"""

import numpy as np
import pytest
import torch
from sklearn.linear_model import SGDClassifier

from adagrad_course.datasets import presidential_messages
from adagrad_course.optimizers import SGD, AdaGrad
from adagrad_course.sparse import OnlineSoftmax, row_step

STEPS, DIM = 10, 4
SIZES = [(n, 10**6) for n in (16, 256, 4096, 65536)] + [(256, 10**n) for n in (4, 5, 7)]
LRS = np.geomspace(0.001, 1, 32)


def gradients(named, rows):
    """Return other rows for each step; some are named twice."""
    rng = np.random.default_rng(0)
    return [
        (rng.integers(0, rows, named), rng.standard_normal((named, DIM), np.float32))
        for _ in range(STEPS)
    ]


def by_row(params, grads):
    adagrad = AdaGrad(0.1)
    state = adagrad.init(params)

    def steps():
        nonlocal state
        for rows, values in grads:
            state = row_step(adagrad, params, rows, values, state)

    return steps, params


def by_torch(params, grads):
    params = torch.from_numpy(params).requires_grad_()
    optimizer = torch.optim.Adagrad([params], lr=0.1)
    tensors = [torch.sparse_coo_tensor(rows[None], g, params.shape) for rows, g in grads]

    def steps():
        for tensor in tensors:
            params.grad = tensor
            optimizer.step()

    return steps, params.detach().numpy()


def densely(params, grads):
    adagrad = AdaGrad(0.1)
    state = adagrad.init(params)

    def steps():
        nonlocal state
        for rows, values in grads:
            gradient = np.zeros_like(params)
            np.add.at(gradient, rows, values)
            params[:], state = adagrad.step(params, gradient, state)

    return steps, params


WAYS = {
    "row_step": by_row,
    "torch.optim.Adagrad on sparse gradients": by_torch,
    "AdaGrad.step on dense ones": densely,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("named", "rows"), SIZES)
def test_steps(compare, named, rows, way):
    if way.endswith("dense ones") and rows > 10**6:
        pytest.skip("takes seconds, and gigabytes")
    grads = gradients(named, rows)
    with torch.sparse.check_sparse_tensor_invariants(False):  # else PyTorch warns of them
        steps, params = WAYS[way](np.zeros((rows, DIM), np.float32), grads)
        group = f"{STEPS} steps, {named} of {rows:.0e} rows × {DIM}, float32"
        rounds = 3 if way.endswith("dense ones") else 30
        compare(group, way, steps, rounds=rounds, ours=way == "row_step")
    moved = np.unique(np.concatenate([where for where, _ in grads]))
    assert params[moved].any(axis=1).all()
    assert np.flatnonzero(params.any(axis=1)).size == moved.size


@pytest.fixture(scope="module")
def messages():
    return presidential_messages()


def ours(kind, lr):
    def one_pass(data):
        model = OnlineSoftmax(len(data.feature_names), len(data.class_names), kind(lr))
        model.partial_fit(data.train.features, data.train.labels, rng=np.random.default_rng(0))
        return model.error_rate(data.validation.features, data.validation.labels)

    return one_pass


def one_against_all(data, lr, batch_size):
    """Fit one logistic regression for each class, with neither penalty nor intercept."""
    model = SGDClassifier(
        "log_loss", penalty=None, fit_intercept=False, learning_rate="constant", eta0=lr
    )
    order = np.random.default_rng(0).permutation(len(data.train))
    features, labels = data.train.features[order], data.train.labels[order]
    classes = np.arange(len(data.class_names))
    for i in range(0, len(order), batch_size):
        here = slice(i, i + batch_size)
        model.partial_fit(features[here], labels[here], classes)
    return 1 - model.score(data.validation.features, data.validation.labels)


def sklearns(lrs, batch_size=10**9):
    return lambda data: np.array([one_against_all(data, lr, batch_size) for lr in lrs])


PASSES = {
    "1 rate": {
        "OnlineSoftmax, SGD": ours(SGD, 0.1),
        "OnlineSoftmax, AdaGrad": ours(AdaGrad, 0.1),
        "scikit-learn's SGDClassifier (one against all), a call per example": sklearns([0.1], 1),
        "scikit-learn's SGDClassifier (one against all), a call per pass": sklearns([0.1]),
    },
    "32 rates": {
        "OnlineSoftmax, SGD": ours(SGD, LRS[:, None]),
        "OnlineSoftmax, AdaGrad": ours(AdaGrad, LRS[:, None]),
        "scikit-learn's SGDClassifier (one against all), a call per pass": sklearns(LRS),
    },
}


@pytest.mark.parametrize(
    ("rates", "way"), [(rates, way) for rates, ways in PASSES.items() for way in ways]
)
def test_a_pass(compare, messages, rates, way):
    group = f"a pass over {len(messages.train)} paragraphs, {rates}"
    rounds = 1 if "per example" in way else 3
    errors = compare(
        group, way, lambda: PASSES[rates][way](messages), rounds=rounds, ours=way[0] == "O"
    )
    assert np.min(errors) < 0.5
