"""Optimizers as pure functions: a state goes in with the gradient, a new state comes out.

Every optimizer has four methods::

    state = optimizer.init(params)
    change, state = optimizer.update(grads, state, params)
    params, state = optimizer.step(params, grads, state)  # params - change
    rates = optimizer.effective_lr(state)

A constant must be a finite number in its range or an array of such numbers; otherwise TypeError or
ValueError is raised. `effective_lr` raises ValueError for a state before the first step.

A subclass that overrides `update` is another optimizer, wherever one is taken.
`effective_lr` only says what an update did.

No update looks beyond the last axis, so a sweep over learning rates is a batch dimension, no loop:
`SGD(lr=lrs[:, None])` trains parameters of shape `(n_lrs, d)`, one row per rate. `SM3` and `Muon`
are for matrices and look at the last two axes.

`core` has the methods that a reader meets first, `adagrads` those that change what AdaGrad
remembers, `relatives` what came of it, `parameter_free` those that estimate the rate, and
`wrappers` those that are made of others.
"""

from .adagrads import (
    SM3,
    AdaGradNorm,
    FullMatrixAdaGrad,
    FullMatrixAdaGradState,
    RestartedAdaGrad,
    SM3State,
    WindowedAdaGrad,
    WindowedAdaGradState,
)
from .core import (
    SGD,
    AdaGrad,
    AdaGradState,
    Adam,
    AdamState,
    Momentum,
    MomentumState,
    RMSProp,
    RMSPropState,
    SGDState,
)
from .parameter_free import DoG, DoGState, Prodigy, ProdigyState
from .relatives import (
    AdaDelta,
    AdaDeltaState,
    AdamW,
    FTRLProximal,
    FTRLProximalState,
    Muon,
    MuonState,
)
from .wrappers import Averaged, AveragedState, Grafted, GraftedState

__all__ = [
    "SGD",
    "SM3",
    "AdaDelta",
    "AdaDeltaState",
    "AdaGrad",
    "AdaGradNorm",
    "AdaGradState",
    "Adam",
    "AdamState",
    "AdamW",
    "Averaged",
    "AveragedState",
    "DoG",
    "DoGState",
    "FTRLProximal",
    "FTRLProximalState",
    "FullMatrixAdaGrad",
    "FullMatrixAdaGradState",
    "Grafted",
    "GraftedState",
    "Momentum",
    "MomentumState",
    "Muon",
    "MuonState",
    "Prodigy",
    "ProdigyState",
    "RMSProp",
    "RMSPropState",
    "RestartedAdaGrad",
    "SGDState",
    "SM3State",
    "WindowedAdaGrad",
    "WindowedAdaGradState",
]
