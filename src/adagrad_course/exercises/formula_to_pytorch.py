"""The exercises of chapter 3, From formula to PyTorch."""

from contextlib import ExitStack
from copy import deepcopy
from functools import partial
from importlib import import_module
from unittest import mock

import numpy as np

from .._optional import packages_needed
from ..optimizers import AdaGrad
from ._steps import (
    MISTAKEN_STARTS,
    ONE_STEP,
    adagrad_step,
    belated,
    eps_inside,
    root,
    uphill,
    without_root,
)
from ._trials import IN_PLACE, Wrong, numbers_like
from .machinery import Exercise

__all__ = ["EXERCISES"]


def my_adagrad(step=adagrad_step, shared=False, first=0.0, **mistake):
    """Make an optimizer, right by default or with a part of its step that is not."""

    class MyAdaGrad:
        def __init__(self, lr, eps):
            self.lr, self.eps = lr, eps
            self.memory = MyAdaGrad if shared else self
            self.memory.G = first

        def step(self, w, g):
            w, self.memory.G = step(w, g, self.memory.G, self.lr, self.eps, **mistake)
            return w

    return MyAdaGrad


class OfKeptGradients(my_adagrad()):
    """Sums the squares of the arrays that it was given, whatever they hold by now."""

    def step(self, w, g):
        kept = getattr(self, "kept", [])
        self.G = sum(earlier**2 for earlier in kept)
        self.kept = [*kept, g]
        return super().step(w, g)


class OfItsOwnWeights(my_adagrad()):
    """Looks at the weights that it is given in the first step only."""

    def step(self, w, g):
        self.w = super().step(getattr(self, "w", w), g)
        return self.w


def is_or_has_one_of(kinds, optimizer):
    parts = getattr(optimizer, "__dict__", {}).values()
    return any(isinstance(part, kinds) for part in (optimizer, *parts))


def play(optimizer, lrs, eps, start, grads, shrink=1.0):
    """Take a step of each optimizer for each gradient, in turns; return all points.

    All gradients come in one array, which is filled anew. The weights, which are the very arrays
    that step returned, may be shrunk before they are given back.
    """
    players = [optimizer(lr, eps) for lr in lrs]
    if is_or_has_one_of(AdaGrad, players[0]):
        raise Wrong("its step is the package's", "Write the step yourself: it is two lines.")
    given, visited, g = [start.copy() for _ in players], [], np.empty_like(start)
    for at_step in grads:
        for k, player in enumerate(players):
            w, w_before, g_before = given[k], given[k].copy(), at_step * (-3) ** k
            g[...] = g_before
            returned = player.step(w, g)
            moved = numbers_like(start, returned)
            if not np.array_equal(w, w_before, equal_nan=True) or (g != g_before).any():
                raise Wrong("step changed `w` or `g` in place", IN_PLACE)
            as_it_is = isinstance(returned, np.ndarray) and shrink == 1
            given[k] = returned if as_it_is else np.array(shrink * moved)
            visited.append(moved)
    return np.array(visited)


def a_game(shape, *shrink):
    def draw(rng):
        start, grads = rng.normal(size=shape), rng.normal(size=(4, *shape))
        return rng.uniform(0.1, 2, 1), 0.05, np.array(start), grads, *shrink

    return draw


def keeper(
    memories=lambda params: [np.zeros_like(w) for w in params],
    kept=True,
    moves=True,
    divisor=root,
    uphill=False,
):
    """Make an optimizer that works in place, right by default or with one mistake."""

    class Keeper:
        def __init__(self, params, lr, eps=1e-10):
            self.params, self.lr, self.eps = params, lr, eps
            self.sums = memories(params)

        def step(self, grads):
            for w, g, G in zip(self.params, grads, self.sums, strict=True):
                before, after = G.copy(), G + g**2
                if kept:
                    G[...] = after
                change = self.lr * g / divisor(before, after, self.eps)
                if moves:
                    w -= -change if uphill else change

    return Keeper


class OfKeptGradientsInPlace(keeper()):
    """Sums the squares of the arrays that it was given, whatever they hold by now."""

    def step(self, grads):
        self.kept = [*getattr(self, "kept", []), grads]
        for w, g, *all_g in zip(self.params, grads, *self.kept, strict=True):
            w -= self.lr * g / (np.sqrt(sum(g**2 for g in all_g)) + self.eps)


def one_array(params):
    return [np.zeros_like(params[0])] * len(params)


def one_for_each_shape(params):
    arrays = {w.shape: np.zeros_like(w) for w in params}
    return [arrays[w.shape] for w in params]


# Keepers whose accumulators begin elsewhere, by their hints.
STARTED_KEEPERS = {
    hint: keeper(memories=lambda params, first=first: [np.full_like(w, first) for w in params])
    for hint, first in MISTAKEN_STARTS.items()
}
EPS_OUTSIDE = "Under the root stand the squares alone: ε is added to the root, not under it."
BY_SHAPE = "Do two of one shape share an accumulator? Each has its own."


class OfOneNumberEach(keeper()):
    """Sums the squares of a parameter's coordinates, too."""

    def __init__(self, params, lr, eps=1e-10):
        super().__init__(params, lr, eps)
        self.sums = [np.zeros(()) for _ in params]

    def step(self, grads):
        for w, g, G in zip(self.params, grads, self.sums, strict=True):
            G += np.sum(g**2)
            w -= self.lr * g / (np.sqrt(G) + self.eps)


def play_in_place(optimizer, lr, starts, grads, *eps):
    """Step all parameters at once, in place; return where each is after every step."""
    first, second = (run_in_place(optimizer, lr, starts, grads, *eps) for _ in range(2))
    if not all(map(partial(np.array_equal, equal_nan=True), first, second)):
        raise Wrong(
            "a second run from the same start went elsewhere",
            "What is left of the first run? Make the accumulators in __init__, as self.….",
        )
    return first


def run_in_place(optimizer, lr, starts, grads, *eps):
    """Make a new optimizer, which gets all gradients in the same arrays, and let it step."""
    params, own = [w.copy() for w in starts], [np.empty_like(w) for w in starts]
    player, visited = optimizer(list(params), lr, *eps), []
    for at_step in grads:
        for g, value in zip(own, at_step, strict=True):
            g[...] = value
        player.step(list(own))
        if not all(map(np.array_equal, own, at_step)):
            raise Wrong("step changed the gradients", f"They belong to the caller. {IN_PLACE}")
        visited.append([w.copy() for w in params])
    return tuple(np.array(points) for points in zip(*visited, strict=True))


def a_game_in_place(shapes, eps=(0.05,), start=1.0):
    def draw(rng):
        grads = [[scale * rng.normal(size=s) for scale, s in shapes] for _ in range(4)]
        starts = [start * rng.normal(size=s) for _, s in shapes]
        return rng.uniform(0.1, 2), starts, grads, *eps

    return draw


def path(steps, lr=0.4, lr_decay=0.03, decayed_from=1, power=0.5):
    """Return how far a run has come after each step, if its gradient is always 1."""
    t = np.arange(1, steps + 1)
    return np.cumsum(lr / (1 + (t - decayed_from) * lr_decay) / t**power)


def steps_to(target, **run):
    return float(np.searchsorted(path(10_000, **run), target) + 1)


def limit(lr=0.4, lr_decay=0.03, steps=1_000_000):
    return path(steps)[-1] + 2 * lr / lr_decay / np.sqrt(steps)


def better_adagrad(
    start_at_zero=False, one_rate=False, first_rates=False, forget=False, sign=1, inside=False
):
    """Make a PyTorch optimizer, right by default or with one mistake, without importing PyTorch."""

    class BetterAdaGrad:
        def __init__(self, params, lr, eps, initial_accumulator_value):
            self.groups, self.lr = [dict(g) for g in params] if first_rates else params, lr
            self.eps, self.sums = eps, {}
            self.start = 0.0 if start_at_zero else initial_accumulator_value

        def step(self):
            for group in self.groups:
                for param in group["params"]:
                    if param.grad is not None:
                        w, g = param.detach(), param.grad
                        G = self.sums.get(param, w.new_full(w.shape, self.start)) + g**2
                        self.sums = {} if forget else self.sums | {param: G}
                        bottom = (G + self.eps).sqrt() if inside else G.sqrt() + self.eps
                        lr = self.lr if one_rate else group.get("lr", self.lr)
                        w -= sign * lr * g / bottom

    return BetterAdaGrad


SHAPES = (2, 3), (4,), (2, 3)


def refuse_the_library(*_, **__):
    raise Wrong("its step is a library's", "Write the step yourself: TinyAdaGrad has most.")


def play_torch(optimizer, lrs, start, grads, with_gradient, schedule=1.0):
    """Step two groups, of two parameters and of one; return where all are after each step.

    The first group has a rate of its own, which is multiplied by `schedule` halfway. Gradients come
    in the same arrays at each step.
    """
    with packages_needed("torch", "Exercises on PyTorch"):
        import torch

        from .. import torch_optim
    params = [torch.nn.Parameter(torch.tensor(w, dtype=torch.float64)) for w in start]
    groups = [{"params": params[:2], "lr": float(lrs[0])}, {"params": params[2:]}]
    torch.optim.SGD(params)  # the first of all takes seconds: the reference's, not the answer's
    player = optimizer(groups, lr=float(lrs[1]), eps=0.05, initial_accumulator_value=0.3)
    if is_or_has_one_of(torch.optim.Adagrad | torch_optim.AdaGrad, player):
        refuse_the_library()
    library = import_module("torch.optim.adagrad")
    functions = [name for name in vars(library) if name.endswith("_adagrad")]
    points, own = [], [torch.empty_like(param, requires_grad=False) for param in params]
    for t, (at_step, has_gradient) in enumerate(zip(grads, with_gradient, strict=True)):
        if t == len(grads) // 2:
            getattr(player, "param_groups", groups)[0]["lr"] = float(lrs[0]) * schedule
        for param, buffer, g, has in zip(params, own, at_step, has_gradient, strict=True):
            param.grad = buffer.copy_(torch.tensor(g)) if has else None
        with ExitStack() as stack:
            for name in functions:
                stack.enter_context(mock.patch.object(library, name, refuse_the_library))
            player.step()
        for param, g, has in zip(params, at_step, has_gradient, strict=True):
            if (param.grad is not None) != has or (has and (param.grad.numpy() != g).any()):
                raise Wrong("step changed `w.grad`", "The gradients belong to the caller.")
        points.append(np.concatenate([param.detach().numpy().ravel() for param in params]))
    return np.array(points)


def a_torch_game(with_gradient, *schedule):
    def draw(rng):
        lrs, start = rng.uniform(0.1, 1, 2), [rng.normal(size=s) for s in SHAPES]
        grads = [[rng.normal(size=s) for s in SHAPES] for _ in with_gradient]
        grads[2][0] *= 0  # zeros are a gradient, too
        return lrs, start, grads, with_gradient, *schedule

    return draw


ALWAYS = np.ones((4, 3), dtype=int)
SOMETIMES = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [1, 1, 1]])


def decoupled_run(
    w, grads, lr, decay, eps, step=adagrad_step, shrink=None, forget=False, first=0.0
):
    G = first
    for g in grads:
        w = w - lr * decay * w if shrink is None else shrink(w, lr, decay)
        w, G = step(w, g, np.zeros_like(G) if forget else G, lr, eps)
    return w


def coupled_run(w, grads, lr, decay, eps):
    G = np.zeros_like(w)
    for g in grads:
        w, G = adagrad_step(w, g + decay * w, G, lr, eps)
    return w


def penalty_divided(w, grads, lr, decay, eps):
    G = np.zeros_like(w)
    for g in grads:
        G = G + g**2
        w = w - lr * (g + decay * w) / (np.sqrt(G) + eps)
    return w


def shrunk_afterwards(w, grads, lr, decay, eps):
    G = np.zeros_like(w)
    for g in grads:
        w, G = adagrad_step(w, g, G, lr, eps)
        w = (1 - lr * decay) * w
    return w


def shrunk_once(w, grads, lr, decay, eps):
    return decoupled_run((1 - lr * decay) * w, grads, lr, 0.0, eps)


def with_shrinking(shrink):
    return lambda w, grads, lr, decay, eps: decoupled_run(w, grads, lr, decay, eps, shrink=shrink)


def a_decoupled_run(rng):
    lr, decay = rng.uniform(0.2, 0.9, size=2)
    return rng.normal(size=(2, 3)), rng.normal(size=(5, 2, 3)), lr, decay, 0.05


class Run:
    """A run of AdaGrad on least squares, with rates that decay and random mini-batches."""

    def __init__(self, x, y, lr, lr_decay, seed):
        self.x, self.y, self.lr, self.lr_decay = x, y, lr, lr_decay
        self.w, self.G, self.t = np.zeros(x.shape[1]), np.zeros(x.shape[1]), 0
        self.rng = np.random.default_rng(seed)

    def step(self):
        batch = self.rng.integers(len(self.y), size=4)
        x, y = self.x[batch], self.y[batch]
        g = x.T @ (x @ self.w - y) / 4
        self.G += g**2
        lr = self.lr / (1 + self.t * self.lr_decay)
        self.w -= lr * g / (np.sqrt(self.G) + 1e-10)
        self.t += 1


def resumable(forgotten=(), alias_saved=False, alias_loaded=False, seed_again=False, shares_rng=()):
    """Make a run that can be saved, rightly by default or with one mistake."""

    class Resumable(Run):
        def __init__(self, x, y, lr, lr_decay, seed):
            super().__init__(x, y, lr, lr_decay, seed)
            self.seed = seed

        def save(self):
            copy = (lambda array: array) if alias_saved else np.copy
            rng = self.rng if "save" in shares_rng else deepcopy(self.rng)
            return {
                "w": copy(self.w),
                "G": copy(self.G),
                "t": self.t,
                "seed": self.seed,
                "rng": rng,
            }

        def load(self, saved):
            copy = (lambda array: array) if alias_loaded else np.copy
            arrays = {name: copy(saved[name]) for name in ("w", "G")}
            vars(self).update({k: v for k, v in arrays.items() if k not in forgotten})
            if "t" not in forgotten:
                self.t = saved["t"]
            if seed_again:
                self.rng = np.random.default_rng(saved["seed"])
            elif "rng" not in forgotten:
                self.rng = saved["rng"] if "load" in shares_rng else deepcopy(saved["rng"])

    return Resumable


def resume(kind, x, y, lr, lr_decay, steps_on, times):
    """Save a run, take it on for some steps, and resume it in new objects; then the last of these.

    Return the weights of the resumed runs, and those of the saved run after it was saved.
    """

    def take(run, steps):
        visited = []
        for _ in range(steps):
            run.step()
            visited.append(np.array(run.w))
        return visited

    run = kind(x, y, lr, lr_decay, 5)
    take(run, 7)
    saved = run.save()
    if saved is ...:
        return ...
    if saved is None:
        raise Wrong("save returned None: is a `return` missing?")
    after_save, visited = take(run, steps_on), []
    run.save()  # which must not touch what was saved before
    for k in range(times):
        again = kind(x, y, lr, lr_decay, 100 + k)
        if again.load(saved) is ...:
            return ...
        visited.append(take(again, 6))
    third = kind(x, y, lr, lr_decay, 200)
    third.load(again.save())
    visited.append(take(third, 6))
    return np.array(visited), np.array(after_save)


def a_run(steps_on, times):
    def draw(rng):
        x = rng.normal(size=(30, 3))
        lr, lr_decay = rng.uniform(0.1, 0.5, size=2)
        return x, x @ rng.normal(size=3) + rng.normal(size=30), lr, lr_decay, steps_on, times

    return draw


EXERCISES = [
    Exercise(
        "3.1",
        reference={
            "A": "MXNet",
            "B": "PyTorch",
            "C": "Keras",
            "D": "MLX",
            "half": np.sqrt(1e-7 / 3),
            "times": np.sqrt(0.1 + 0.2**2) / 0.2,
        },
        mistakes={
            "Beside which ε, 10⁻¹⁰ or 10⁻⁸, is a gradient of 2·10⁻⁹ small?": {
                "B": "MLX",
                "D": "PyTorch",
            },
            "Which of the two has a G₀ that is far larger than both squares?": {
                "A": "Keras",
                "C": "MXNet",
            },
            "In PyTorch a gradient of 3·10⁻⁵ is large beside ε: its step is the rate.": {
                "A": "PyTorch",
                "C": "PyTorch",
            },
            "In MLX a gradient of 3·10⁻⁵ is large beside ε: its step is the rate.": {
                "A": "MLX",
                "C": "MLX",
            },
            "With G₀ = 0.1 a gradient of 3·10⁻⁵ is small: its step is far below the rate.": {
                "B": "Keras",
                "D": "Keras",
            },
            "With ε inside the root, is a gradient of 3·10⁻⁵ large beside √ε?": {
                "B": "MXNet",
                "D": "MXNet",
            },
            "Which gradient makes the step so long? Half the rate is the step's own length.": {
                "half": 0.005
            },
            "There g² equals ε, and the step is 1/√2 of the rate.": {"half": np.sqrt(1e-7)},
            "The gradient's own square is in G, too: what do you get with it?": {
                "half": np.sqrt(1e-7) / 2
            },
            "The last thing to do is to take a root.": {"half": 1e-7 / 3},
            "In MXNet ε stands inside the root.": {"half": 1e-7},
            "Keras adds g² to G₀ before it takes the root.": {"times": np.sqrt(0.1) / 0.2},
            "How many times as long is PyTorch's, not what part of it is Keras'.": {
                "times": 0.2 / np.sqrt(0.1 + 0.2**2)
            },
            "The rate is the same in both.": {"times": 10 * np.sqrt(0.1 + 0.2**2) / 0.2},
            "Keras divides by a root.": {"times": (0.1 + 0.2**2) / 0.2},
        },
        hints=(
            "Where G₀ = 0 and g is large beside ε, the step is the rate.",
            "first_step(2e-9, 1, …) with the constants in `libraries` gives the left column.",
            "Half the rate: g / √(g² + 10⁻⁷) = 1/2, that is 4g² = g² + 10⁻⁷.",
        ),
        rtol=3e-3,  # three digits
    ),
    Exercise(
        "3.2",
        reference=my_adagrad(),
        run=play,
        cases={
            "one step": ((0.6,), 0.03, np.array([1.5, 2.5]), np.array([[3.0, -4.0]])),
            "three steps": (
                (0.7,),
                0.02,
                np.array([1.5, -0.5]),
                # The largest first: who keeps the largest square does not keep the last one.
                np.array([[4.0, -0.9], [0.0, 0.0], [3.0, 0.2]]),
            ),
            "tables of numbers": a_game((2, 3)),
            "a single number, of shape ()": a_game(()),
            "three dimensions": a_game((2, 3, 2)),
            "weights that the caller shrinks between the steps": a_game((3,), 0.5),
            "two optimizers at once": (
                (0.3, 0.8),
                1e-6,  # as small as all of the second gradient, and the last coordinate of each
                np.array([0.4, -1.5, 2.0]),
                np.array([[3.0, -2.0, 2e-6], [7e-7, 1.2e-6, -1e-6], [1.1, -0.3, 3e-6]]),
            ),
        },
        mistakes={
            "The accumulator must be kept from one call of step to the next.": my_adagrad(
                accumulate=lambda G, g: g**2
            ),
            "Divide by the root of the accumulator.": my_adagrad(divisor=without_root),
            "The present gradient counts: add its square before you divide.": my_adagrad(
                divisor=belated
            ),
            EPS_OUTSIDE: my_adagrad(divisor=eps_inside),
            "Each coordinate has an accumulator of its own.": my_adagrad(
                accumulate=lambda G, g: G + np.sum(g**2)
            ),
            "You went uphill: subtract.": my_adagrad(step=uphill(adagrad_step)),
            "The accumulator sums the squares of the gradients.": my_adagrad(
                accumulate=lambda G, g: G + abs(g)
            ),
            "All that was kept is one array, named many times: the caller has filled it anew.": (
                OfKeptGradients
            ),
            "Where does the step begin? The caller may have changed `w`.": OfItsOwnWeights,
            "Where is the rate?": my_adagrad(
                step=lambda w, g, G, lr, eps: adagrad_step(w, g, G, 1.0, eps)
            ),
            "Do the two share one accumulator? Make it in __init__, as self.….": my_adagrad(
                shared=True
            ),
        }
        | {hint: my_adagrad(first=first) for hint, first in MISTAKEN_STARTS.items()},
        hints=(
            "Keep lr, eps and the accumulator as attributes of self.",
            "self.G = self.G + g**2, with self.G = 0.0 in __init__.",
        ),
    ),
    Exercise(
        "3.3",
        reference=keeper(),
        run=play_in_place,
        cases={
            "one parameter": a_game_in_place([(1.0, (3,))]),
            "three parameters": a_game_in_place([(1.0, (2, 3)), (10.0, (4,)), (0.3, (2, 3))]),
            # The start is as tiny as the first one's gradients, so that steps of their length show;
            # the second one tells these from the steps of an accumulator that begins at 1.
            "eps left out": a_game_in_place([(3e-10, (3,)), (1.0, (2,))], eps=(), start=3e-10),
        },
        mistakes={
            "All steps are about as long as the first. What do self.sums hold after it?": keeper(
                kept=False
            ),
            "The arrays do not change: does `w = …` work in place, or make a new array?": keeper(
                moves=False
            ),
            "The present gradient counts: first G, then the step.": keeper(divisor=belated),
            "Divide by the root of G.": keeper(divisor=without_root),
            EPS_OUTSIDE: keeper(divisor=eps_inside),
            "The squares count twice: is there a line too many?": keeper(
                divisor=lambda before, after, eps: np.sqrt(2 * after - before) + eps
            ),
            "All that was kept is one array, named many times: the caller has filled it anew.": (
                OfKeptGradientsInPlace
            ),
            "Has each parameter an array of its own for G, of the parameter's shape?": keeper(
                memories=one_array
            ),
            BY_SHAPE: keeper(memories=one_for_each_shape),
            "Each coordinate has an accumulator of its own.": OfOneNumberEach,
            "You went uphill: subtract.": keeper(uphill=True),
        }
        | STARTED_KEEPERS,
        hints=(
            "Print optimizer.sums after a step. Is it what it should be?",
            "`G = G + g**2` makes a new array and gives it the name G. Where is the old one?",
        ),
    ),
    Exercise(
        "3.4",
        reference={"forecast": 200.0, "count": steps_to(5.0), "limit": limit()},
        mistakes={
            "That is a count. Which of the four was your forecast?": {"forecast": steps_to(5.0)},
            "That is the run without lr_decay.": {
                "forecast": 50.0,
                "count": steps_to(5.0, lr_decay=0.0),
            },
            "Is 5 beyond the limit? The limit is worked out as in the text.": {
                "forecast": np.inf,
                "count": np.inf,
            },
            "That is so with one of the two decays. With both the sum converges.": {
                "limit": np.inf
            },
            "When is what is left, about 2 · 0.4 / (0.03 · √t), as little as the limit − 5?": {
                "forecast": 800.0
            },
            "Off by one: is the start counted as a step, and is that step the first to be there?": {
                "count": steps_to(5.0) - 1
            },
            "Off by one: is that step the first to be there, and is the start counted as a step?": {
                "count": steps_to(5.0) + 1
            },
            "Is the first step decayed? It is t − 1 that is multiplied by lr_decay.": {
                "count": steps_to(5.0, decayed_from=0)
            },
            "AdaGrad divides by √t, too.": {"count": steps_to(5.0, power=0.0)},
            "Which rate did you take? Here it is 0.4.": {"limit": limit() / 4},
            "Far from it: how far does the run go after 1,000 steps?": {"limit": path(1_000)[-1]},
            "Nearly: how far does the run go after your last step?": {"limit": path(10_000)[-1]},
            "Nearly: after 100,000 steps a hundredth of the way is left.": {
                "limit": path(100_000)[-1]
            },
            "Nearly: after a million steps a bit of the way is left. Add it, as the text does.": {
                "limit": path(1_000_000)[-1]
            },
        },
        hints=(
            "limit(0.03, lr=0.4), from the folded cell above the table, gives the limit.",
            "After t steps the rest of the way is about 2 · 0.4 / (0.03 · √t).",
            "Add 0.4 / (1 + (t − 1)·0.03) / √t in a loop until the sum is at least 5.",
        ),
    ),
    Exercise(
        "3.5",
        reference=better_adagrad(),
        run=play_torch,
        cases={
            "two groups": a_torch_game(ALWAYS),
            "a gradient that is missing": a_torch_game(SOMETIMES),
            "a rate that a scheduler changes": a_torch_game(ALWAYS, 0.5),
        },
        mistakes={
            "The accumulator starts at initial_accumulator_value.": better_adagrad(
                start_at_zero=True
            ),
            'Each group has its own rate: group["lr"].': better_adagrad(one_rate=True),
            'A scheduler changes group["lr"] between two steps: read it in step.': better_adagrad(
                first_rates=True
            ),
            "The accumulator must be kept in self.state.": better_adagrad(forget=True),
            "You went uphill: subtract.": better_adagrad(sign=-1),
            EPS_OUTSIDE: better_adagrad(inside=True),
        },
        hints=(
            "Start from TinyAdaGrad; only the first accumulator changes.",
            "torch.full_like(w, value) makes a tensor like w that holds one value.",
        ),
    ),
    Exercise(
        "3.6",
        reference=decoupled_run,
        cases={
            "no gradients": (np.array([8.0, -3.0]), np.zeros((4, 2)), 0.3, 0.7, 0.02),
            "one step": (
                np.array([1.5, 2.5]),
                np.array([[3.0, 4.0]]),
                0.4,
                0.7,
                0.02,
            ),
            "weights that change their sign": (
                np.array([1.5, -2.5, 0.7]),
                np.array([[3.0, 4.0, 3e-10], [-0.6, 0.2, -2e-10], [1.1, -2.7, 5e-10]]),
                0.8,
                2.1,
                1e-10,  # as small as the gradients of the last coordinate
            ),
            "random runs": a_decoupled_run,
        },
        mistakes={
            "That is the coupled form: keep the penalty out of g and G.": coupled_run,
            "The weights shrink by 1 − ηλ: where is the rate?": with_shrinking(
                lambda w, lr, decay: (1 - decay) * w
            ),
            "The penalty must not be divided by √G.": penalty_divided,
            "First the weights shrink, then comes the usual step.": shrunk_afterwards,
            "They shrink in every step.": shrunk_once,
            ONE_STEP: lambda w, grads, *constants: decoupled_run(w, grads[:1], *constants),
            "Where is the decay?": with_shrinking(lambda w, lr, decay: w),
            "The weights grow: subtract.": with_shrinking(
                lambda w, lr, decay: (1 + lr * decay) * w
            ),
            "The weights do not shrink by 1 − ηλ, but to ηλ of what they were.": with_shrinking(
                lambda w, lr, decay: lr * decay * w
            ),
            "The accumulator must be kept from step to step.": (
                lambda *args: decoupled_run(*args, forget=True)
            ),
            "You went uphill: subtract the step.": (
                lambda *args: decoupled_run(*args, step=uphill(adagrad_step))
            ),
            "Divide by the root of G.": (
                lambda *args: decoupled_run(
                    *args, step=lambda *s: adagrad_step(*s, divisor=without_root)
                )
            ),
            "The present gradient counts: first G, then the step.": (
                lambda *args: decoupled_run(
                    *args, step=lambda *s: adagrad_step(*s, divisor=belated)
                )
            ),
            EPS_OUTSIDE: (
                lambda *args: decoupled_run(
                    *args, step=lambda *s: adagrad_step(*s, divisor=eps_inside)
                )
            ),
        }
        | {hint: partial(decoupled_run, first=first) for hint, first in MISTAKEN_STARTS.items()},
        hints=(
            "The accumulator sees the loss's gradient alone.",
            "For each g: w = (1 - lr * decay) * w, then a step as adagrad takes it.",
        ),
        closing=Exercise(
            "3.6",
            reference={"λ = 0.01": 10 * 0.999**100, "λ = 1": 10 * 0.9**100},
            mistakes={
                "That is what coupled decay leaves, whatever λ is.": {
                    "λ = 0.01": 8.2083,
                    "λ = 1": 8.2083,
                },
                "Where is the rate? A step multiplies by 1 − 0.1 λ.": {
                    "λ = 0.01": 10 * 0.99**100,
                },
                "Not 0: give three significant digits, as in 1.23e-4. (Is the rate in it?)": {
                    "λ = 1": 0.0,
                },
                "That is after one step; there are 100.": {"λ = 0.01": 9.99, "λ = 1": 9.0},
                "Shrinking is a product, not a sum. (Or did you round? Give three digits.)": {
                    "λ = 0.01": 9.0,
                    "λ = 1": -90.0,
                },
                "The weight begins at 10.": {"λ = 0.01": 0.999**100, "λ = 1": 0.9**100},
            },
            hints=("Without a gradient each step multiplies by 1 − ηλ.",),
            rtol=3e-3,  # three digits
        ),
    ),
    Exercise(
        "3.7",
        reference=keeper(),
        run=play_in_place,
        cases={
            "two layers alike": a_game_in_place([(1.0, (2, 3)), (30.0, (2, 3))]),
            "two of other shapes": a_game_in_place([(30.0, (3, 2)), (1.0, (4,))]),
            "three layers": a_game_in_place([(5.0, (3,)), (1.0, (3,)), (0.2, (3,))]),
            "one layer": a_game_in_place([(1.0, (2, 3, 2))]),
            # eps is left out, and as small as the third one's gradients.
            "five layers": a_game_in_place(
                [(s, (3,)) for s in (5.0, 1.0, 3e-10, 3.0, 0.5)], eps=()
            ),
        },
        mistakes={
            "Has each layer an array of its own for G, of the layer's own shape?": keeper(
                memories=one_array
            ),
            BY_SHAPE: keeper(memories=one_for_each_shape),
            "Each coordinate has an accumulator of its own.": OfOneNumberEach,
            "The accumulators must be kept from one call of step to the next.": keeper(kept=False),
            "The arrays do not change: does `w = …` work in place, or make a new array?": keeper(
                moves=False
            ),
            "You went uphill: subtract.": keeper(uphill=True),
            "Divide by the root of G.": keeper(divisor=without_root),
            EPS_OUTSIDE: keeper(divisor=eps_inside),
        }
        | STARTED_KEEPERS,
        hints=(
            "Compare optimizer.sums[0] and optimizer.sums[1] after a step.",
            "`[x] * 2` is a list of one array, named twice: try `optimizer.sums[0] is …`.",
            "[np.zeros_like(w) for w in params] makes an array for each.",
        ),
    ),
    Exercise(
        "3.8",
        reference=resumable(),
        run=resume,
        cases={
            "it goes on as the whole run does": a_run(0, 1),
            "saved, then trained on": a_run(3, 1),
            "resumed twice from the same": a_run(0, 2),
        },
        mistakes={
            "The first loss after resuming is that of a new run: what holds what it learnt?": (
                resumable(forgotten={"w"})
            ),
            "The first steps are as long as those of a new run: what made them short?": resumable(
                forgotten={"G"}
            ),
            "Steps are a little too long: on what does the rate depend?": resumable(
                forgotten={"t"}
            ),
            "Other examples are drawn than in the run that was not stopped.": resumable(
                forgotten={"rng"}
            ),
            "The first examples are drawn again: from where in its stream does rng go on?": (
                resumable(seed_again=True)
            ),
            "Two runs draw from one generator, and each moves it on: copy it, or save its place.": (
                resumable(shares_rng={"save", "load"})
            ),
            "The generator that was saved is the run's own, which goes on drawing.": (
                resumable(shares_rng={"save"})
            ),
            "The run that resumed draws from the generator that was saved: load a copy.": (
                resumable(shares_rng={"load"})
            ),
            "Both runs go on in what was saved: copy all of it, when you save and when you load.": (
                resumable(alias_saved=True, alias_loaded=True, shares_rng={"save", "load"})
            ),
            "The run goes on in what was saved, array and generator: save copies, too.": resumable(
                alias_saved=True, shares_rng={"save"}
            ),
            "A resumed run goes on in what was saved, array and generator: load copies, too.": (
                resumable(alias_loaded=True, shares_rng={"load"})
            ),
            "What was saved has changed with the run: `+=` and `-=` work in place.": resumable(
                alias_saved=True
            ),
            "The first run that resumed has changed what was saved: load copies, too.": resumable(
                alias_loaded=True
            ),
            "The weights are right; what else does a step look at?": (
                resumable(forgotten={"G", "t", "rng"})
            ),
            "The examples are right; what of the lengths of the steps?": resumable(
                forgotten={"G", "t"}
            ),
            "The accumulators are right; what else does a step look at?": resumable(
                forgotten={"t", "rng"}
            ),
            "Nothing of the new object has changed: load must set its attributes, self.….": (
                resumable(forgotten={"w", "G", "t", "rng"})
            ),
        },
        hints=(
            "Which attributes does step change? Each of them is part of the state.",
            "A generator's place is self.rng.bit_generator.state, which can be read and set.",
            "self.w.copy(): both when you save and when you load.",
        ),
        rtol=1e-10,  # the very same steps
    ),
]
