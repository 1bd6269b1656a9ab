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
`SGD(lr=lrs[:, None])` trains parameters of shape `(n_lrs, d)`, one row per rate. `SM3` is for
matrices and looks at the last two axes.

`core` has the methods that a reader meets first, `adagrads` those that change what AdaGrad
remembers, `relatives` what came of it.
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
from .relatives import AdaDelta, AdaDeltaState, Grafted, GraftedState

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
    "FullMatrixAdaGrad",
    "FullMatrixAdaGradState",
    "Grafted",
    "GraftedState",
    "Momentum",
    "MomentumState",
    "RMSProp",
    "RMSPropState",
    "RestartedAdaGrad",
    "SGDState",
    "SM3State",
    "WindowedAdaGrad",
    "WindowedAdaGradState",
]
