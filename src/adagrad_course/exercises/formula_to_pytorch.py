"""The exercises of chapter 3, From formula to PyTorch."""

import numpy as np

from .._optional import packages_needed
from ._steps import adagrad_step, belated, eps_inside, without_root
from ._trials import numbers_like
from .machinery import Exercise

__all__ = ["EXERCISES"]


def my_adagrad(**mistake):
    """Make an optimizer, right by default or with a part of its step that is not."""

    class MyAdaGrad:
        def __init__(self, lr, eps):
            self.lr, self.eps, self.G = lr, eps, 0.0

        def step(self, w, g):
            w, self.G = adagrad_step(w, g, self.G, self.lr, self.eps, **mistake)
            return w

    return MyAdaGrad


def play(optimizer, lr, eps, start, grads):
    """Take a step for each gradient and return all points."""
    optimizer, points = optimizer(lr, eps), [start]
    for g in grads:
        points.append(numbers_like(start, optimizer.step(points[-1].copy(), g.copy())))
    return np.array(points[1:])


def a_game(rng):
    return rng.uniform(0.1, 1), 1e-2, rng.normal(size=3), rng.normal(size=(4, 3))


def travelled(lr, lr_decay, steps):
    t = np.arange(1, steps + 1)
    return np.sum(lr / (1 + (t - 1) * lr_decay) / np.sqrt(t))


def travelled_decayed_at_once(lr, lr_decay, steps):
    t = np.arange(1, steps + 1)
    return np.sum(lr / (1 + t * lr_decay) / np.sqrt(t))


def travelled_without_adagrad(lr, lr_decay, steps):
    return np.sum(lr / (1 + np.arange(steps) * lr_decay))


def travelled_without_root(lr, lr_decay, steps):
    t = np.arange(1, steps + 1)
    return np.sum(lr / (1 + (t - 1) * lr_decay) / t)


def travelled_without_decay(lr, lr_decay, steps):
    return travelled(lr, 0.0, steps)


def better_adagrad(start_at_zero=False, one_rate=False, forget=False):
    """Make a PyTorch optimizer, right by default or with one mistake, without importing PyTorch."""

    class BetterAdaGrad:
        def __init__(self, groups, lr, eps, initial_accumulator_value):
            self.groups = groups if not one_rate else [group | {"lr": lr} for group in groups]
            self.eps, self.sums = eps, {}
            self.start = 0.0 if start_at_zero else initial_accumulator_value

        def step(self):
            for group in self.groups:
                for param in group["params"]:
                    if param.grad is not None:
                        w, g = param.detach(), param.grad
                        G = self.sums.get(param, w.new_full(w.shape, self.start)) + g**2
                        self.sums = {} if forget else self.sums | {param: G}
                        w -= group["lr"] * g / (G.sqrt() + self.eps)

    return BetterAdaGrad


def play_torch(optimizer, lrs, start, grads, with_gradient):
    """Step two groups, of two parameters and of one; return where all are after each step."""
    with packages_needed("torch", "Exercises on PyTorch"):
        import torch
    params = [torch.nn.Parameter(torch.tensor(w, dtype=torch.float64)) for w in start]
    groups = [{"params": params[:2], "lr": float(lrs[0])}]
    groups += [{"params": params[2:], "lr": float(lrs[1])}]
    optimizer = optimizer(groups, lr=1.0, eps=1e-2, initial_accumulator_value=0.25)
    points = []
    for t, at_step in enumerate(grads):
        for param, g, has in zip(params, at_step, with_gradient[t], strict=True):
            param.grad = torch.tensor(g, dtype=torch.float64) if has else None
        optimizer.step()
        points.append([param.detach().numpy().copy() for param in params])
    return np.array(points)


def a_torch_game(rng):
    return rng.uniform(0.1, 1, 2), rng.normal(size=(3, 3)), rng.normal(size=(4, 3, 3)), ALWAYS


ALWAYS = np.ones((4, 3), dtype=int)
SOMETIMES = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [1, 1, 1]])


def decoupled_step(w, g, G, lr, decay, eps):
    moved, G = adagrad_step(w, g, G, lr, eps)
    return moved - lr * decay * w, G


def coupled_step(w, g, G, lr, decay, eps):
    return adagrad_step(w, g + decay * w, G, lr, eps)


def decoupled_without_rate(w, g, G, lr, decay, eps):
    moved, G = adagrad_step(w, g, G, lr, eps)
    return moved - decay * w, G


def penalty_divided(w, g, G, lr, decay, eps):
    return adagrad_step(w, g + decay * w, G, lr, eps, accumulate=lambda G, _: G + g**2)


def shrunk_afterwards(w, g, G, lr, decay, eps):
    moved, G = adagrad_step(w, g, G, lr, eps)
    return moved * (1 - lr * decay), G


def growing(w, g, G, lr, decay, eps):
    return decoupled_step(w, g, G, lr, -decay, eps)


EXERCISES = [
    Exercise(
        "3.1",
        reference={"outside": 1.5 / 16, "inside": 0.25, "plain": 0.5},
        mistakes={
            "The present gradient is in G already: G = 16 + 9.": {
                "outside": 0.1,
                "inside": 0.28868,
            },
            "Inside means that ε is added before the root is taken.": {"inside": 1.5 / 16},
            "Outside means that ε is added after the root is taken.": {"outside": 0.25},
            "With G₀ = 0 the gradient cancels.": {"plain": 1.5},
        },
        hints=("G is 25.", "The step is 0.5 · 3 divided by 5 + 11, or by the root of 25 + 11."),
    ),
    Exercise(
        "3.2",
        reference=my_adagrad(),
        run=play,
        cases={
            "one step": (0.5, 1e-10, np.array([1.0, 2.0]), np.array([[3.0, -4.0]])),
            "three steps": (0.5, 1e-2, np.array([1.0]), np.array([[3.0], [4.0], [0.0]])),
            "random gradients": a_game,
        },
        mistakes={
            "The accumulator must be kept from one call of step to the next.": my_adagrad(
                accumulate=lambda G, g: g**2
            ),
            "Divide by the root of the accumulator.": my_adagrad(divisor=without_root),
            "The present gradient counts: add its square before you divide.": my_adagrad(
                divisor=belated
            ),
            "ε stands outside the root: √G + ε.": my_adagrad(divisor=eps_inside),
            "Each coordinate has an accumulator of its own.": my_adagrad(
                accumulate=lambda G, g: G + np.sum(g**2)
            ),
        },
        hints=(
            "Keep lr, eps and the accumulator as attributes of self.",
            "self.G = self.G + g**2, with self.G = 0.0 in __init__.",
        ),
    ),
    Exercise(
        "3.3",
        reference=lambda G0, eps: np.sqrt((G0 + eps) / 3),
        cases={
            "Keras": (0.1, 1e-7),
            "MXNet": (0.0, 1e-7),
            "random constants": lambda rng: tuple(rng.uniform(0.01, 1, size=2)),
        },
        mistakes={
            "That is where g² equals G₀ + ε; half the rate is reached a little before.": (
                lambda G0, eps: np.sqrt(G0 + eps)
            ),
            "Do not forget g² inside the root.": lambda G0, eps: np.sqrt(G0 + eps) / 2,
            "Take the root at the end.": lambda G0, eps: (G0 + eps) / 3,
        },
        hints=(
            "Solve g / √(G₀ + g² + ε) = 1/2 for g.",
            "4g² = G₀ + g² + ε.",
        ),
    ),
    Exercise(
        "3.4",
        reference=travelled,
        cases={
            "one step": (0.1, 0.5, 1),
            "no decay": (0.1, 0.0, 100),
            "random decays": lambda rng: (*rng.uniform(0.05, 1, 2), int(rng.integers(5, 50))),
        },
        mistakes={
            "The first step is not decayed: it is t − 1 that is multiplied by lr_decay.": (
                travelled_decayed_at_once
            ),
            "AdaGrad's own decay is missing: after t steps the accumulator is t.": (
                travelled_without_adagrad
            ),
            "lr_decay is missing.": travelled_without_decay,
            "AdaGrad divides by the root of the accumulator: √t, not t.": travelled_without_root,
            "Add up all steps, not only the last.": (
                lambda lr, lr_decay, steps: lr / (1 + (steps - 1) * lr_decay) / np.sqrt(steps)
            ),
        },
        hints=(
            "The step number t has the length lr / (1 + (t − 1)·lr_decay) / √t.",
            "Add the lengths for t = 1, …, steps.",
        ),
    ),
    Exercise(
        "3.5",
        reference=better_adagrad(),
        run=play_torch,
        cases={
            "two groups": (
                np.array([0.5, 0.1]),
                np.ones((3, 3)),
                np.linspace(-1, 1, 36).reshape(4, 3, 3),
                ALWAYS,
            ),
            "a gradient that is missing": (
                np.array([0.5, 0.5]),
                np.ones((3, 3)),
                np.linspace(-1, 2, 36).reshape(4, 3, 3),
                SOMETIMES,
            ),
            "random gradients": a_torch_game,
        },
        mistakes={
            "The accumulator starts at initial_accumulator_value.": better_adagrad(
                start_at_zero=True
            ),
            'Each group has its own rate: group["lr"].': better_adagrad(one_rate=True),
            "The accumulator must be kept in self.state.": better_adagrad(forget=True),
        },
        hints=(
            "Start from TinyAdaGrad; only the first accumulator changes.",
            "torch.full_like(w, value) makes a tensor like w that holds one value.",
        ),
    ),
    Exercise(
        "3.6",
        reference=decoupled_step,
        cases={
            "no gradient": (np.array([8.0]), np.zeros(1), np.zeros(1), 0.1, 0.5, 1e-10),
            "a gradient": (np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.ones(2), 0.1, 0.5, 1e-10),
            "random steps": lambda rng: (*rng.uniform(0.5, 2, size=(3, 3)), 0.1, 0.3, 1e-2),
        },
        mistakes={
            "That is the coupled form: keep the penalty out of g and G.": coupled_step,
            "The weights shrink by 1 − ηλ: the rate is missing.": decoupled_without_rate,
            "The penalty must not be divided by √G.": penalty_divided,
            "First the weights shrink, then comes the usual step.": shrunk_afterwards,
            "Where is the decay?": lambda w, g, G, lr, decay, eps: decoupled_step(
                w, g, G, lr, 0.0, eps
            ),
            "The weights grow: subtract.": growing,
        },
        hints=(
            "The accumulator sees the loss's gradient alone.",
            "Subtract lr · decay · w besides the usual step.",
        ),
    ),
]
