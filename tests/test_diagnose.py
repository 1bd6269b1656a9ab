"""Runs made to be sick are found so, healthy ones are not, and no watch ever disturbs a run."""

import copy
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adagrad, Adam, AdamW, RMSprop
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR

from adagrad_course import torch_optim
from adagrad_course.diagnose import watch

torch.sparse.check_sparse_tensor_invariants.disable()  # else PyTorch warns once of its default

DIGITS, LABELS = (torch.from_numpy(x) for x in load_digits(return_X_y=True))
DIGITS = DIGITS.float() / 16


class Run:
    """A small classifier of digits in training; what a test changes is a keyword."""

    def __init__(self, seed, dtype=torch.float32, hidden=32):
        torch.manual_seed(seed)
        self.rng = torch.Generator().manual_seed(seed)
        self.model = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))
        self.model.to(dtype)
        self.dtype = dtype

    def loss(self, batch=32):
        i = torch.randint(len(LABELS), (batch,), generator=self.rng) if batch else slice(None)
        return cross_entropy(self.model(DIGITS[i].to(self.dtype)).float(), LABELS[i])

    def train(self, optimizer, steps, batch=32, scheduler=None, each=None, loss=None):
        for t in range(steps):
            optimizer.zero_grad()
            (loss or self.loss)(batch).backward()
            if each:
                each(t)
            optimizer.step()
            if scheduler:
                scheduler.step()


def on_digits(make, steps=150, dtype=torch.float32, each=None, scheduler=None, batch=32):
    """Return a function of the seed that trains and gives the report.

    `make` gets the model, `each` the model and the step, `scheduler` the optimizer.
    """

    def report(seed):
        run = Run(seed, dtype)
        optimizer = make(run.model)
        watched = watch(optimizer, run.model)
        run.train(
            optimizer,
            steps,
            batch,
            scheduler and scheduler(optimizer),
            each and (lambda t: each(run.model, t)),
        )
        return watched.report()

    return report


def of(kind, **options):
    return lambda model: kind(model.parameters(), **options)


def rare_features(kind, lr, steps=300, sparse=True):
    """A linear classifier on words of which most are rare, each with a class of its own."""

    def report(seed):
        rng = np.random.default_rng(seed)
        table = nn.Embedding(1000, 4, sparse=sparse)
        nn.init.zeros_(table.weight)
        optimizer = kind(table.parameters(), lr=lr)
        watched = watch(optimizer)
        for _ in range(steps):
            words = torch.from_numpy((1000 * rng.random((16, 4)) ** 4).astype(int))
            optimizer.zero_grad()
            cross_entropy(table(words).sum(1), words[:, 0] % 4).backward()
            optimizer.step()
        return watched.report()

    return report


def times(factor, at=None):
    """The gradient of one step, or of each, is multiplied."""

    def each(model, t):
        if at in (t, None):
            for param in model.parameters():
                param.grad.mul_(factor)

    return each


def groups(*lrs, kind=SGD):
    """Each layer's parameters are a group of their own."""
    return lambda model: kind(
        [
            {"params": layer.parameters(), "lr": lr}
            for layer, lr in zip((model[0], model[2]), lrs, strict=True)
        ]
    )


def cut(model):
    """Nothing reaches the first layer any more."""
    model[0].register_forward_hook(lambda module, inputs, output: output.detach())
    return SGD(model.parameters(), lr=0.1)


def dead(model):
    nn.init.constant_(model[0].bias, -100.0)
    return Adagrad(model.parameters(), lr=0.01)


def nan_at(step):
    def each(model, t):
        if t == step:
            model[2].weight.grad[0, 0] = torch.nan

    return each


def resumed_without_state(seed):
    run = Run(seed)
    optimizer = Adagrad(run.model.parameters(), lr=0.03)
    fresh = copy.deepcopy(optimizer.state_dict())
    watched = watch(optimizer)
    run.train(optimizer, 100)
    optimizer.load_state_dict(fresh)
    run.train(optimizer, 20)
    return watched.report()


def resumed_in_a_new_optimizer(seed):
    run = Run(seed)
    run.train(Adagrad(run.model.parameters(), lr=0.3), 200)
    watched = watch(optimizer := Adagrad(run.model.parameters(), lr=0.3))
    run.train(optimizer, 20)
    return watched.report()


F16, BF16 = torch.float16, torch.bfloat16
SICK = {
    "lr 0 in a group": ("learning rate 0", on_digits(groups(0.1, 0.0), 20)),
    "lr 0 by schedule": (
        "learning rate 0",
        on_digits(of(AdamW, lr=1e-3), 20, scheduler=lambda o: LambdaLR(o, lambda t: t // 100)),
    ),
    "detached": ("no gradient", on_digits(cut, 20)),
    "dead units": ("gradient 0", on_digits(dead, 20)),
    "NaN in a gradient": ("not finite", on_digits(of(Adagrad, lr=0.01), 20, each=nan_at(10))),
    "SGD diverges": ("not finite", on_digits(of(SGD, lr=1e15), 20)),
    "ε is 0 in float16": ("not finite", on_digits(of(Adagrad, lr=0.01), 20, F16)),
    "float16 overflows": (
        "not finite",
        on_digits(of(Adagrad, lr=0.01, eps=1e-4), 20, F16, each=times(1e4, 3)),
    ),
    "Adam in float16": ("underflow", on_digits(of(Adam, lr=1e-3, eps=1e-4), 20, F16)),
    "RMSprop in float16": (
        "underflow",
        on_digits(of(RMSprop, lr=1e-3, eps=1e-4), 20, F16, each=times(0.01)),
    ),
    "SGD in bfloat16": ("update lost", on_digits(of(SGD, lr=1e-4), 40, BF16)),
    "AdamW in bfloat16": ("update lost", on_digits(of(AdamW, lr=1e-5), 40, BF16)),
    "AdaGrad, lr 1": ("first step too long", on_digits(of(Adagrad, lr=1.0), 20)),
    "Adam, lr 0.5": ("first step too long", on_digits(of(Adam, lr=0.5), 20)),
    "ours, lr 1": ("first step too long", on_digits(of(torch_optim.AdaGrad, lr=1.0), 20)),
    "new optimizer": ("first step too long", resumed_in_a_new_optimizer),
    "outlier at once": ("early outlier", on_digits(of(Adagrad, lr=0.03), each=times(1e3, 0))),
    "outlier soon": ("early outlier", on_digits(of(Adagrad, lr=0.03), each=times(1e3, 5))),
    "outlier unseen": (
        "early outlier",
        on_digits(of(torch_optim.AdaGrad, lr=0.03), each=times(1e3, 53)),
    ),
    "AdaGrad, lr 1e-4": ("frozen", on_digits(of(Adagrad, lr=1e-4), 400)),
    "AdaGrad, G₀ = 1e4": (
        "frozen",
        on_digits(of(Adagrad, lr=0.03, initial_accumulator_value=1e4), 400),
    ),
    "SGD's rate has gone": (
        "frozen",
        on_digits(of(SGD, lr=0.1), 400, scheduler=lambda o: LambdaLR(o, lambda t: 0.9**t)),
    ),
    "state lost": ("state lost", resumed_without_state),
    "SGD, rare words": ("rare features", rare_features(SGD, 1.0)),
    "SGD, rare words, dense": ("rare features", rare_features(SGD, 1.0, sparse=False)),
}
HEALTHY = {
    "AdaGrad": on_digits(of(Adagrad, lr=0.03), 400),
    "AdaGrad, its best rate": on_digits(of(Adagrad, lr=0.1), 300),
    "AdaGrad, PyTorch's rate": on_digits(of(Adagrad), 400),
    "AdaGrad, foreach": on_digits(of(Adagrad, lr=0.03, foreach=True)),
    "AdaGrad, fused": on_digits(of(Adagrad, lr=0.03, fused=True)),
    "AdaGrad, all examples": on_digits(of(Adagrad, lr=0.03), 300, batch=None),
    "ours": on_digits(of(torch_optim.AdaGrad, lr=0.03), 300),
    "row-wise": on_digits(of(torch_optim.RowWiseAdaGrad, lr=0.03), 300),
    "SGD": on_digits(of(SGD, lr=0.3), 400),
    "SGD, slow": on_digits(of(SGD, lr=0.03), 400),
    "SGD, one example": on_digits(of(SGD, lr=0.03), 400, batch=1),
    "momentum": on_digits(of(SGD, lr=0.03, momentum=0.9), 300),
    "SGD, all examples": on_digits(of(SGD, lr=0.3), 300, batch=None),
    "RMSprop": on_digits(of(RMSprop, lr=1e-3), 300),
    "Adam": on_digits(of(Adam, lr=3e-3), 400),
    "AdamW, cosine": on_digits(
        of(AdamW, lr=3e-3), 300, scheduler=lambda o: CosineAnnealingLR(o, 300)
    ),
    "Adam, warm-up": on_digits(
        of(Adam, lr=3e-3), 300, scheduler=lambda o: LambdaLR(o, lambda t: min(1, t / 400))
    ),
    "weight decay": on_digits(of(Adagrad, lr=0.03, weight_decay=1e-3), 300),
    "bfloat16": on_digits(of(Adagrad, lr=0.03), 300, BF16),
    "float64": on_digits(of(Adagrad, lr=0.03), dtype=torch.float64),
    "two groups": on_digits(groups(0.1, 0.03, kind=Adagrad)),
    "rare words, AdaGrad": rare_features(Adagrad, 0.3),
    "rare words, row-wise": rare_features(torch_optim.RowWiseAdaGrad, 0.3),
    "rare words, Adam": rare_features(Adam, 0.03, sparse=False),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", SICK)
def test_a_sick_run_is_found(name, seed):
    symptom, run = SICK[name]
    report = run(seed)
    assert symptom in {finding.symptom for finding in report.findings}, str(report)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_has_no_finding(name, seed):
    report = HEALTHY[name](seed)
    assert report.findings == [], str(report)
