"""What the tests of the optimizers share: gradients, runs, and one of each kind."""

import functools

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from optional_torch import torch

from adagrad_course.optimizers import (
    SGD,
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
    Prodigy,
    RestartedAdaGrad,
    RMSProp,
    WindowedAdaGrad,
)

examples = settings(max_examples=10)
seeds = st.integers(0, 2**32)
OURS_AND_TORCHS = {
    "SGD": (SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "Momentum": (Momentum(0.1), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "Momentum-0": (Momentum(0.1, 0), lambda p: torch.optim.SGD(p, lr=0.1)),
    "AdaGrad": (AdaGrad(0.1), lambda p: torch.optim.Adagrad(p, lr=0.1)),
    "AdaGrad-eps": (AdaGrad(0.1, eps=1.0), lambda p: torch.optim.Adagrad(p, lr=0.1, eps=1.0)),
    "AdaGrad-initial": (
        AdaGrad(0.1, initial_accumulator_value=0.5),
        lambda p: torch.optim.Adagrad(p, lr=0.1, initial_accumulator_value=0.5),
    ),
    "AdaGrad-decay": (
        AdaGrad(lambda t: 0.1 / (1 + (t - 1) * 0.3)),
        lambda p: torch.optim.Adagrad(p, lr=0.1, lr_decay=0.3),
    ),
    "RMSProp": (RMSProp(0.1), lambda p: torch.optim.RMSprop(p, lr=0.1)),
    "RMSProp-0": (RMSProp(0.1, rho=0), lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.0)),
    "RMSProp-constants": (
        RMSProp(0.1, rho=0.5, eps=1.0),
        lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.5, eps=1.0),
    ),
    "AdaDelta": (AdaDelta(), lambda p: torch.optim.Adadelta(p)),
    "AdaDelta-0": (AdaDelta(rho=0), lambda p: torch.optim.Adadelta(p, rho=0.0)),
    "AdaDelta-constants": (
        AdaDelta(0.1, rho=0.5, eps=1.0),
        lambda p: torch.optim.Adadelta(p, lr=0.1, rho=0.5, eps=1.0),
    ),
    "Adam": (Adam(0.1), lambda p: torch.optim.Adam(p, lr=0.1)),
    "Adam-0": (Adam(0.1, betas=[0, 0]), lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.0, 0.0))),
    "Adam-constants": (
        Adam(0.1, betas=(0.5, 0.8), eps=1.0),
        lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.5, 0.8), eps=1.0),
    ),
    "AdamW": (AdamW(0.1), lambda p: torch.optim.AdamW(p, lr=0.1)),
    "AdamW-constants": (
        AdamW(0.1, betas=(0.5, 0.8), weight_decay=0.3),
        lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.5, 0.8), weight_decay=0.3),
    ),
}


def gradients(seed, shape, steps=20):
    """Random gradients whose coordinates have very different scales; a tenth of them are zero."""
    rng = np.random.default_rng(seed)
    scales = 10.0 ** rng.uniform(-6, 6, shape)
    return scales * rng.standard_normal((steps, *shape)) * (rng.random((steps, *shape)) > 0.1)


def run(optimizer, params, grads):
    """Return the points visited, the starting point included."""
    state, points = optimizer.init(params), [params]
    for g in grads:
        params, state = optimizer.step(params, g, state)
        points.append(params)
    return np.array(points)


def run_torch(make, params, grads, schedule=None):
    tensor = torch.tensor(params, requires_grad=True)
    optimizer = make([tensor])
    scheduler = schedule and torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    points = [params]
    for g in grads:
        tensor.grad = torch.tensor(g)
        optimizer.step()
        if scheduler:
            scheduler.step()
        points.append(tensor.detach().numpy().copy())
    return np.array(points)


def assert_same_path(ours, theirs, rtol):
    """Equal up to rounding, which is relative to the largest value a coordinate has had."""
    scale = np.abs(theirs).max(axis=0)
    assert (np.abs(ours - theirs) <= rtol * scale).all()


WITH_A_ROOT_EACH = [  # for each coordinate
    *(AdaGrad, RMSProp, AdaDelta, Adam),
    functools.partial(RestartedAdaGrad, every=3),
    functools.partial(WindowedAdaGrad, window=12),
]
WITH_A_ROOT = [AdaGradNorm, FullMatrixAdaGrad, *WITH_A_ROOT_EACH]
KINDS = [SGD, Momentum, *WITH_A_ROOT]
OPTIMIZERS = [
    *KINDS,
    *(AdamW, FTRLProximal, DoG, Prodigy),
    lambda lr: FTRLProximal(lr, l1=0.5, l2=0.5),
    *(functools.partial(kind, eps=0.0) for kind in WITH_A_ROOT),
    lambda lr: Grafted(RMSProp(lr), Momentum(0.1)),
    lambda lr: Grafted(SGD(0.1), Adam(lr)),
    lambda lr: Averaged(RMSProp(lr)),
]


def arrays_in(state):
    """All arrays of a state, whose first field is the number of steps and which may be nested."""
    for field in state[1:]:
        yield from arrays_in(field) if isinstance(field, tuple) else [field]


def mild_gradients(seed, shape, steps=12):
    """Random gradients of one scale: a matrix of squares loses scales that are 1e8 apart."""
    return np.random.default_rng(seed).standard_normal((steps, *shape))
