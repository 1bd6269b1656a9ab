"""Answers to the exercises of chapter 3: right ones in other forms, and wrong ones."""

import copy
import pickle

import numpy as np
from optional_torch import torch, with_torch

from adagrad_course.exercises.formula_to_pytorch import (
    OfItsOwnWeights,
    OfKeptGradients,
    Run,
    better_adagrad,
    decoupled_run,
    keeper,
    my_adagrad,
    one_array,
    one_for_each_shape,
    resumable,
)
from adagrad_course.optimizers import AdaGrad


class OfLists:
    """The class of 3.2 with a table that grows at the first call."""

    def __init__(self, lr, eps):
        self.lr, self.eps, self.G = np.float64(lr), eps, None

    def step(self, w, g):
        self.G = np.zeros_like(w) if self.G is None else self.G
        self.G += np.square(g)
        return np.subtract(w, self.lr / (self.eps + self.G**0.5) * g)


class OfPlainSums:
    """Roots of negative numbers."""

    def __init__(self, lr, eps):
        self.lr, self.eps, self.G = lr, eps, 0.0

    def step(self, w, g):
        self.G = self.G + g
        return w - self.lr * g / (np.sqrt(self.G) + self.eps)


class ForVectors:
    """For one dimension only."""

    def __init__(self, lr, eps):
        self.lr, self.eps, self.G = lr, eps, None

    def step(self, w, g):
        self.G = [0.0] * len(w) if self.G is None else self.G
        self.G = [G + float(d) ** 2 for G, d in zip(self.G, g, strict=True)]
        steps = zip(w, g, self.G, strict=True)
        return [x - self.lr * d / (G**0.5 + self.eps) for x, d, G in steps]


class OfThePackage:
    """Lets the package's AdaGrad take the steps."""

    def __init__(self, lr, eps):
        self.optimizer, self.state = AdaGrad(lr, eps), None

    def step(self, w, g):
        self.state = self.optimizer.init(w) if self.state is None else self.state
        w, self.state = self.optimizer.step(w, g, self.state)
        return w


class AtRestWhereFlat(OfLists):
    """Takes no step where the gradient is small."""

    def step(self, w, g):
        return w if np.linalg.norm(g) < 1e-3 else super().step(w, g)


class WithoutLists(OfLists):
    """Keeps the squares of all gradients."""

    def step(self, w, g):
        self.squares = [*getattr(self, "squares", []), g * g]
        return w - self.lr * g / (np.sqrt(np.sum(self.squares, axis=0)) + self.eps)


class WithCopies(OfLists):
    """Keeps all gradients, of which the caller has but one array."""

    def step(self, w, g):
        self.gradients = [*getattr(self, "gradients", []), np.array(g)]
        return w - self.lr * g / (np.linalg.norm(self.gradients, axis=0) + self.eps)


class OfOneBuffer(OfLists):
    """Returns the same array at every step."""

    def step(self, w, g):
        moved = super().step(w, g)
        self.w = np.empty_like(moved) if not hasattr(self, "w") else self.w
        self.w[...] = moved
        return self.w


class NewAfterZeros(OfLists):
    """Begins anew when a gradient is zero."""

    def step(self, w, g):
        self.G = self.G if np.any(g) else None
        return super().step(w, g)


class NoneForZero(OfLists):
    """Forgets the squares of a coordinate whose gradient is zero."""

    def step(self, w, g):
        w = super().step(w, g)
        self.G = np.where(g == 0, 0.0, self.G)
        return w


class OfRows(OfLists):
    """For arrays of one dimension or more."""

    def step(self, w, g):
        w = super().step(w, g)
        return np.stack([w[i] for i in range(len(w))])


class InPlace(OfLists):
    def step(self, w, g):
        w -= w - super().step(w, g)
        return w


class ByNumber:
    """The class of 3.3 and 3.7 with a dictionary, and new arrays put into it."""

    def __init__(self, params, lr, eps=1e-10):
        self.params, self.lr, self.eps, self.sums = params, lr, eps, {}

    def step(self, grads):
        for k, g in enumerate(grads):
            self.sums[k] = self.sums.get(k, 0) + g**2
            self.params[k][...] = self.params[k] - self.lr * g / (self.sums[k] ** 0.5 + self.eps)


class Mended:
    """The class of 3.3 and 3.7, mended."""

    def __init__(self, params, lr, eps=1e-10):
        self.params, self.lr, self.eps = params, lr, eps
        self.sums = [np.zeros_like(w) for w in params]

    def step(self, grads):
        for w, g, G in zip(self.params, grads, self.sums, strict=True):
            G += g**2
            w[...] = w - self.lr * g / (np.sqrt(G) + self.eps)


class ScalingGradients(Mended):
    def step(self, grads):
        for w, g, G in zip(self.params, grads, self.sums, strict=True):
            G += g**2
            g /= np.sqrt(G) + self.eps
            w -= self.lr * g


class ClearingGradients(Mended):
    def step(self, grads):
        super().step(grads)
        for g in grads:
            g[...] = 0


class KeepingGradients(Mended):
    def __init__(self, params, lr, eps=1e-10):
        super().__init__(params, lr, eps)
        self.kept = [[] for _ in params]

    def step(self, grads):
        for w, g, kept in zip(self.params, grads, self.kept, strict=True):
            kept.append(g)
            w -= self.lr * g / (np.sqrt(sum(g**2 for g in kept)) + self.eps)


class KeptInTheDefault(Mended):
    def __init__(self, params, lr, eps=1e-10, sums={}):  # noqa: B006 - the mistake
        super().__init__(params, lr, eps)
        self.sums = [sums.setdefault(w.shape, np.zeros_like(w)) for w in params]


class WithLargeEps(Mended):
    def __init__(self, params, lr, eps=1e-3):
        super().__init__(params, lr, eps)


class OfSGD(Mended):
    def step(self, grads):
        for w, g in zip(self.params, grads, strict=True):
            w -= self.lr * g


class WithOneAdded(Mended):
    def step(self, grads):
        for w, g, G in zip(self.params, grads, self.sums, strict=True):
            G += g**2
            w -= self.lr * g / (np.sqrt(G) + 1 + self.eps)


class OfTwoOrMore(Mended):
    def __init__(self, params, lr, eps=1e-10):
        super().__init__(params, lr, eps)
        self.shape = params[1].shape


class OfThreeAtMost(Mended):
    def step(self, grads):
        self.params, self.sums = self.params[:3], self.sums[:3]
        super().step(grads[:3])


class SavedWhole(Run):
    def save(self):
        return copy.deepcopy(vars(self))

    def load(self, saved):
        vars(self).update(copy.deepcopy(saved))


class Pickled(Run):
    def save(self):
        return pickle.dumps(vars(self))

    def load(self, saved):
        self.__dict__ = pickle.loads(saved)


class Counted(Run):
    """Draws again what had been drawn, in place of saving where the generator is."""

    def __init__(self, x, y, lr, lr_decay, seed):
        super().__init__(x, y, lr, lr_decay, seed)
        self.seed = seed

    def save(self):
        return self.w.tolist(), self.G.tolist(), self.t, self.seed

    def load(self, saved):
        self.w, self.G = map(np.array, saved[:2])
        self.t, self.seed = saved[2:]
        self.rng = np.random.default_rng(self.seed)
        for _ in range(self.t):
            self.rng.integers(len(self.y), size=4)


class CountedOnce(Counted):
    """Does not tell the new run from which seed the old one drew."""

    def load(self, saved):
        seed = self.seed
        super().load(saved)
        self.seed = seed


class KeptInTheClass(SavedWhole):
    """Keeps what is saved where a later checkpoint overwrites it."""

    def save(self):
        KeptInTheClass.kept = super().save()
        return "kept"

    def load(self, saved):
        super().load(KeptInTheClass.kept)


class SteppingOnSave(SavedWhole):
    def save(self):
        saved = super().save()
        self.step()
        return saved


class InSinglePrecision(SavedWhole):
    def save(self):
        return super().save() | {"w": self.w.astype(np.float32)}

    def load(self, saved):
        super().load(saved | {"w": saved["w"].astype(float)})


def kept_as(save_as, load_as):
    class Kept(Run):
        def save(self):
            return save_as(vars(self))

        def load(self, saved):
            vars(self).update(load_as(saved))

    return Kept


class WithoutReturn(Run):
    def save(self):
        self.saved = self.w

    def load(self, saved):
        pass


def decoupled_loop(w, grads, lr, decay, eps):
    w, G = list(np.ravel(w)), [0.0] * np.size(w)
    for g in np.reshape(grads, (len(grads), -1)):
        for i in range(len(w)):
            G[i] += g[i] ** 2
            w[i] = w[i] - lr * decay * w[i] - lr * g[i] / (G[i] ** 0.5 + eps)
    return np.reshape(w, np.shape(grads)[1:])


def with_groups(step):
    """Make the class of 3.5 as the chapter does, upon PyTorch's base class."""

    class BetterAdaGrad(torch.optim.Optimizer):
        def __init__(self, params, lr, eps, initial_accumulator_value):
            defaults = {
                "lr": lr,
                "eps": eps,
                "initial_accumulator_value": initial_accumulator_value,
            }
            super().__init__(params, defaults)

        def step(self):
            with torch.no_grad():
                for group in self.param_groups:
                    for w in group["params"]:
                        step(group, self.state[w], w)

    return BetterAdaGrad


def with_addcdiv(group, state, w):
    if w.grad is None:
        return
    if "sum" not in state:
        state["sum"] = torch.full_like(w, group["initial_accumulator_value"])
    state["sum"].addcmul_(w.grad, w.grad)
    w.addcdiv_(w.grad, state["sum"].sqrt().add_(group["eps"]), value=-group["lr"])


def with_zeros_for_none(group, state, w):
    if w.grad is None:
        w.grad = torch.zeros_like(w)
    with_addcdiv(group, state, w)


def with_gradient_cleared(group, state, w):
    with_addcdiv(group, state, w)
    if w.grad is not None:
        w.grad.zero_()


def with_fixed_rate(step):
    """Make the class of 3.5 with the rate of the text for groups without one."""
    kind = with_groups(step)

    class FixedRate(kind):
        def __init__(self, params, lr, eps, initial_accumulator_value):
            super().__init__(params, 0.01, eps, initial_accumulator_value)

    return FixedRate


def with_one_state_for_a_shape():
    """Make the class of 3.5 with a memory that parameters of one shape share."""
    kind = with_groups(with_addcdiv)

    class ByShape(kind):
        def __init__(self, params, **constants):
            super().__init__(params, **constants)
            params = [w for group in self.param_groups for w in group["params"]]
            states = {w.shape: {} for w in params}
            self.state.update({w: states[w.shape] for w in params})

    return ByShape


def wrapped(kind):
    """Make a class that lets a library's optimizer take the steps."""

    class Wrapped:
        def __init__(self, params, **constants):
            self.inner = kind(params, **constants)

        def step(self):
            self.inner.step()

    return Wrapped


def renamed(kind):
    """Make a class of which only the name is new."""

    class Renamed(kind):
        def __init__(self, params, lr, eps, initial_accumulator_value):
            constants = {"eps": eps, "initial_accumulator_value": initial_accumulator_value}
            super().__init__(params, lr=lr, **constants)

    return Renamed


def with_the_function(group, state, w):
    from torch.optim.adagrad import adagrad

    if w.grad is None:
        return
    if "sum" not in state:
        state["sum"] = torch.full_like(w, group["initial_accumulator_value"])
        state["step"] = torch.tensor(0.0)
    adagrad(
        [w],
        [w.grad],
        [state["sum"]],
        [state["step"]],
        lr=group["lr"],
        weight_decay=0.0,
        lr_decay=0.0,
        eps=group["eps"],
        maximize=False,
    )


def with_a_new_state_after_zeros(group, state, w):
    if w.grad is not None and not w.grad.any():
        state.clear()
    with_addcdiv(group, state, w)


def in_the_order_of_pytorch():
    kind = with_groups(with_addcdiv)

    class Ordered(kind):
        def __init__(self, params, lr=0.01, initial_accumulator_value=0.0, eps=1e-10):
            super().__init__(params, lr, eps, initial_accumulator_value)

    return Ordered


def ours():
    from adagrad_course.torch_optim import AdaGrad

    return AdaGrad


def shrunk_to_zero_at_most(w, lr, decay):
    return max(0.0, 1 - lr * decay) * w


def run_of(step):
    """Return a run of 3.6 that repeats a step on w and G."""

    def run(w, grads, lr, decay, eps):
        G = 0
        for g in grads:
            w, G = step(w, g, G, lr, decay, eps)
        return w

    return run


FIRST = {"A": "MXNet", "B": "PyTorch", "C": "Keras", "D": "MLX", "half": 1.826e-4, "times": 1.871}
ARRIVAL = {"forecast": 200, "count": 207, "limit": 6.767}

RIGHT = [
    ("3.1", FIRST),
    ("3.1", FIRST | {"half": np.float32(1.826e-4), "times": 1.87}),
    ("3.2", OfLists),
    ("3.2", WithoutLists),
    ("3.2", WithCopies),
    ("3.3", ByNumber),
    ("3.3", Mended),
    ("3.4", ARRIVAL),
    ("3.4", {"forecast": 200.0, "count": np.int64(207), "limit": np.float32(6.77)}),
    with_torch("3.5", lambda: with_groups(with_addcdiv)),
    with_torch("3.5", in_the_order_of_pytorch),
    ("3.6", decoupled_loop),
    ("3.6", lambda *args: decoupled_loop(*args).tolist()),
    (
        "3.6",
        run_of(
            lambda w, g, G, lr, d, e: (w - lr * (d * w + g / ((G + g * g) ** 0.5 + e)), G + g * g)
        ),
    ),
    ("3.7", ByNumber),
    ("3.7", Mended),
    ("3.8", SavedWhole),
    ("3.8", Pickled),
    ("3.8", Counted),
]

# With what the hint must say, or None where there must be none.
WRONG = [
    ("3.1", FIRST | {"A": "keras"}, "far larger"),
    ("3.1", FIRST | {"A": "Optax"}, None),
    ("3.1", FIRST | {"A": "MLX", "D": "MXNet"}, "large beside"),
    ("3.1", FIRST | {"half": 3.16e-4, "times": 1.87}, "1/√2"),
    ("3.1", FIRST | {"half": 0.005}, "the step's own length"),
    ("3.1", FIRST | {"times": 18.7}, "the same in both"),
    ("3.1", FIRST | {"times": 1.58}, "adds g²"),
    ("3.2", OfPlainSums, "root of a negative"),
    ("3.2", ForVectors, None),
    ("3.2", InPlace, "Work on a copy"),
    ("3.2", OfOneBuffer, "Work on a copy"),
    ("3.2", OfKeptGradients, "filled it anew"),
    ("3.2", OfItsOwnWeights, "may have changed"),
    ("3.2", NewAfterZeros, "must be kept"),
    ("3.2", NoneForZero, "must be kept"),
    ("3.2", OfRows, None),
    ("3.2", OfThePackage, "Write the step yourself"),
    ("3.2", my_adagrad(accumulate=lambda G, g: G + g), "nan is"),
    ("3.2", my_adagrad(shared=True), "share one accumulator"),
    ("3.2", my_adagrad(first=1.0), "begins empty"),
    ("3.2", my_adagrad(first=0.1), "begin empty"),
    ("3.2", my_adagrad(first=1e-10), None),
    ("3.2", AtRestWhereFlat, None),
    ("3.2", my_adagrad(accumulate=lambda G, g: np.maximum(G, g**2)), None),
    ("3.3", keeper(kept=False), "self.sums hold"),
    ("3.3", keeper(memories=one_array), "the parameter's shape"),
    *(("3.3", kind, "belong to the caller") for kind in (ScalingGradients, ClearingGradients)),
    ("3.3", KeepingGradients, "filled it anew"),
    ("3.3", KeptInTheDefault, "left of the first run"),
    ("3.3", WithLargeEps, None),
    *(("3.3", kind, None) for kind in (OfSGD, WithOneAdded)),
    *(
        (number, keeper(memories=memories), hint)
        for number in ("3.3", "3.7")
        for memories, hint in [
            (lambda params: [np.full_like(w, 0.1) for w in params], "begin empty"),
            (lambda params: [np.ones_like(w) for w in params], "begins empty"),
            (lambda params: [np.full_like(w, 1e-10) for w in params], "squares alone"),
            (lambda params: [w.copy() for w in params], None),
            (lambda params: [np.full_like(w, 0.5) for w in params], None),
            (one_for_each_shape, "of one shape"),
        ]
    ),
    ("3.3", keeper(moves=False), "do not change"),
    ("3.3", my_adagrad(), None),
    ("3.4", ARRIVAL | {"forecast": np.inf, "count": np.inf}, "beyond the limit"),
    ("3.4", ARRIVAL | {"count": 206}, "Off by one"),
    ("3.4", ARRIVAL | {"forecast": 207}, "your forecast"),
    ("3.4", ARRIVAL | {"limit": 6.75}, None),
    ("3.4", ARRIVAL | {"limit": np.inf}, "converges"),
    ("3.4", ARRIVAL | {"limit": 6.683}, "Nearly"),
    ("3.4", ARRIVAL | {"limit": 6.740}, "Add it"),
    ("3.4", ARRIVAL | {"count": 49}, "without lr_decay"),
    with_torch("3.5", lambda: torch.optim.Adagrad, "Write the step yourself"),
    with_torch("3.5", lambda: renamed(torch.optim.Adagrad), "Write the step yourself"),
    with_torch("3.5", lambda: renamed(ours()), "Write the step yourself"),
    with_torch("3.5", lambda: wrapped(torch.optim.Adagrad), "Write the step yourself"),
    with_torch("3.5", lambda: with_groups(with_zeros_for_none), "belong to the caller"),
    with_torch("3.5", lambda: with_groups(with_gradient_cleared), "belong to the caller"),
    with_torch("3.5", lambda: with_groups(with_the_function), "Write the step yourself"),
    with_torch("3.5", lambda: with_groups(with_a_new_state_after_zeros), None),
    with_torch("3.5", lambda: better_adagrad(first_rates=True), "A scheduler"),
    with_torch("3.5", lambda: with_fixed_rate(with_addcdiv), None),
    with_torch("3.5", with_one_state_for_a_shape, None),
    with_torch("3.5", lambda: better_adagrad(sign=-1), "uphill"),
    ("3.6", lambda *args: decoupled_run(*args)[:, 0], None),
    ("3.6", lambda w, grads, lr, decay, eps: decoupled_run(w, grads, 0.3, decay, eps), None),
    ("3.6", lambda w, grads, lr, decay, eps: decoupled_run(w, grads, lr, lr, eps), None),
    ("3.6", lambda w, grads, lr, decay, eps: decoupled_run(w, grads[-1:], lr, decay, eps), "every"),
    ("3.6", lambda *args: decoupled_run(*args, shrink=shrunk_to_zero_at_most), None),
    ("3.6", lambda w, grads, *rest: decoupled_run(w, grads[:1], *rest), "in the loop"),
    ("3.6", lambda w, grads, *rest: decoupled_run(w, grads[:-1], *rest), None),
    ("3.6", lambda *args: decoupled_run(*args, first=0.1), "begin empty"),
    ("3.6", lambda *args: decoupled_run(*args, first=1e-10), "squares alone"),
    ("3.7", keeper(memories=one_array), "own shape"),
    *(("3.7", kind, "belong to the caller") for kind in (ScalingGradients, ClearingGradients)),
    *(("3.7", kind, None) for kind in (KeepingGradients, OfTwoOrMore, OfThreeAtMost)),
    ("3.7", keeper(moves=False), "do not change"),
    ("3.7", keeper(memories=lambda ps: [np.zeros(ps[0].shape) for _ in ps]), "own shape"),
    ("3.8", WithoutReturn, None),
    ("3.8", kept_as(dict, dict), "when you save and when"),
    ("3.8", kept_as(copy.deepcopy, dict), "load copies, too"),
    ("3.8", kept_as(dict, copy.deepcopy), "save copies, too"),
    ("3.8", CountedOnce, None),
    ("3.8", resumable(shares_rng={"save", "load"}), "from one generator"),
    ("3.8", KeptInTheClass, None),
    ("3.8", SteppingOnSave, None),
    ("3.8", InSinglePrecision, None),
    ("3.8", resumable(alias_saved=True, alias_loaded=True), "in place"),
]
