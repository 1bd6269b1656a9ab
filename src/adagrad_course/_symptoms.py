"""What `diagnose` keeps of an optimizer's steps, and how each symptom is found in it.

The limits are set between runs that learn and runs made to be sick, on digits, quadratics and rare
features, by SGD, AdaGrad, RMSprop and Adam; where a figure stands beside a limit, it is what these
runs gave. A doubtful case counts as healthy.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

import numpy as np

from ._optional import packages_needed

with packages_needed("torch", "Diagnoses"):
    import torch
    from torch import Tensor

SAMPLE = 128  # weights of a tensor
FEW = 8  # looks, the fewest that a finding about all looks, or half of them, rests on
ACCUMULATORS = ("sum", "square_avg", "exp_avg_sq")  # as PyTorch's optimizers name them


class Sample(NamedTuple):
    """Some weights of a tensor; NaN where there is no gradient or no accumulator."""

    weights: np.ndarray  # before the step
    update: np.ndarray
    gradient: np.ndarray
    accumulator: np.ndarray  # after the step


class Look(NamedTuple):
    """One step of one tensor."""

    step: int
    lr: float
    age: float  # steps that the state counts
    fixed: Sample  # the same weights at each look; sparse gradients are not read for them
    active: Sample  # of a sparse gradient weights that it touches, otherwise the fixed ones
    broken: str  # what is not finite
    no_slope: bool  # the whole gradient is 0


class Record:
    """All looks at one tensor of parameters."""

    def __init__(self, name: str, param: Tensor) -> None:
        self.name, self.param = name, param
        self.size = _plain(param).numel()
        self.dtype = str(param.dtype).removeprefix("torch.")
        self.rng = np.random.default_rng(0)  # the run's own random numbers are left alone
        self.where = self._choose(self.size)
        self.start = np.empty(0)  # of the accumulator
        self.looks: list[Look] = []
        self.without_gradient = 0
        self.only_grows = False  # the accumulator, as AdaGrad's

    def _choose(self, n: int) -> Tensor:
        if n <= SAMPLE:
            return torch.arange(n, device="cpu")
        chosen = self.rng.choice(n, SAMPLE, replace=False, shuffle=False)
        return torch.from_numpy(np.sort(chosen))

    def before(self, state: dict[str, Any], has_closure: bool) -> Any:
        """Read what a step will overwrite, for `after`."""
        param, grad = _plain(self.param), self.param.grad
        G = None if self.looks else _accumulator(state, param)
        if G is not None:
            self.start = _read(G, self.where)
        touched = None
        if grad is not None and grad.is_sparse and not has_closure:  # which makes other gradients
            grad = grad.coalesce()
            where, values = self._touched(grad)
            touched = where, _read(param, where), values, grad.values()
        return _read(param, self.where), touched

    def _touched(self, grad: Tensor) -> tuple[Tensor, np.ndarray]:
        """Return places in the flattened tensor that a sparse gradient names, and its values."""
        dims = grad.sparse_dim()
        inner = math.prod(grad.shape[dims:])
        chosen = self._choose(grad.values().numel()).to(grad.device)
        row = torch.zeros_like(chosen)
        for n, index in zip(grad.shape[:dims], grad.indices(), strict=True):
            row = row * n + index[chosen // inner]
        return row * inner + chosen % inner, _read(grad.values(), chosen)

    def after(self, before: Any, state: dict[str, Any], step: int, lr: float) -> None:
        """Keep what the step has done."""
        grad = self.param.grad
        if grad is None:
            self.without_gradient += 1
            return
        weights, touched = before
        age = math.nan if state.get("step") is None else float(state["step"])
        if self.looks and age < self.looks[-1].age and self._is_back(weights):
            self.looks.clear()
        self.only_grows = "sum" in state
        param = _plain(self.param)
        G = _accumulator(state, param)

        def sample(where: Tensor, weights: np.ndarray, gradient: np.ndarray | None) -> Sample:
            nothing = np.full(weights.shape, np.nan)
            return Sample(
                weights,
                _read(param, where) - weights,
                nothing if gradient is None else gradient,
                nothing if G is None else _read(G, where),
            )

        if touched:
            where, weights_there, gradient, values = touched
            fixed = sample(self.where, weights, None)
            active = sample(where, weights_there, gradient)
        elif grad.is_sparse:
            values = grad.coalesce().values()
            fixed, active = sample(self.where, weights, None), Sample(*np.empty((4, 0)))
        else:
            values = _plain(grad)
            fixed = active = sample(self.where, weights, _read(values, self.where))
        extremes = [x.item() for x in torch.aminmax(values)] if values.numel() else [0.0]
        is_broken = {
            "gradient": not np.isfinite(extremes).all(),
            "accumulator": np.isinf(active.accumulator).any(),
            "weights": not np.isfinite(active.weights + active.update).all(),
        }
        broken = next((name for name in is_broken if is_broken[name]), "")
        self.looks.append(Look(step, lr, age, fixed, active, broken, not any(extremes)))

    def _is_back(self, weights: np.ndarray) -> bool:
        """Say whether all weights are those of the first look: a run that is begun anew."""
        return np.array_equal(weights, self.looks[0].fixed.weights)

    def over(self, first: float, last: float) -> list[Look]:
        """Return the looks after one share of the steps up to another."""
        end = self.looks[-1].step if self.looks else 0
        return [look for look in self.looks if first * end < look.step <= last * end]

    def usual_gradient(self) -> float:
        """Return the median, over the first looks, of the root mean square gradient."""
        return float(np.median([rms(look.active.gradient) for look in self.looks[:FEW]]))

    def rate_left(self) -> np.floating[Any]:
        """Return the group's highest rate in the second half as a share of its highest ever."""
        lrs = np.array([look.lr for look in self.looks])
        return np.max([look.lr for look in self.over(1 / 2, 1)], initial=-np.inf) / lrs.max()

    def frozen(self, remaining: int) -> tuple[np.ndarray, np.ndarray]:
        """Return which weights have somewhere to go and which are frozen, or nothing."""
        earlier, recent = self.over(1 / 4, 1 / 2), self.over(1 / 2, 1)
        if min(len(earlier), len(recent)) < FEW or recent[-1].lr > recent[0].lr:
            return np.empty(0), np.empty(0)
        g = np.array([look.fixed.gradient for look in recent])
        mean, mean_before = g.mean(0), np.mean([look.fixed.gradient for look in earlier], 0)
        going = (
            (np.abs(mean) > 4 * g.std(0, ddof=1) / math.sqrt(len(g)))
            & (np.sign(mean) * mean_before > 0)
            & (np.abs(mean) > 0.01 * self.usual_gradient())
        )
        weights, steps = recent[-1].fixed.weights, recent[-1].step - recent[0].step
        budget = np.abs(weights - recent[0].fixed.weights) / steps * remaining
        stays = np.abs(mean) > 0.9 * np.abs(mean_before)
        return going, going & stays & (budget < 0.05 * rms(weights))


def rms(x: np.ndarray) -> np.floating[Any]:
    """Return the root of the mean square, of NumPy: what is divided by 0 becomes an infinity."""
    return np.sqrt(np.mean(np.square(x))) if x.size else np.float64(np.nan)


def _plain(tensor: Tensor) -> Tensor:
    """Return a tensor's real numbers without a copy; of a sharded one, those of this process."""
    tensor = tensor.detach()
    tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _read(tensor: Tensor, where: Tensor) -> np.ndarray:
    values = tensor.take(where.to(tensor.device))
    return (values if values.is_cpu else values.cpu()).double().numpy()


def _accumulator(state: dict[str, Any], param: Tensor) -> Tensor | None:
    """Return what the state keeps of the squares, in the shape of a plain parameter."""
    G = next((state[name] for name in ACCUMULATORS if name in state), None)
    if not torch.is_tensor(G):
        return None
    G = _plain(G)
    if G.shape == param.shape:
        return G
    fits = G.ndim == param.ndim and all(
        n in (1, m) for n, m in zip(G.shape, param.shape, strict=True)
    )
    return G.expand(param.shape) if fits else None


Found = Iterable[tuple[float, str, str]]  # a number (the largest is the worst), tensor, advice
Check = Callable[[list[Record], int], Found]


def _each(check: Callable[[Record], tuple[float, str] | None]) -> Check:
    """Make a check of all tensors of one that returns a number and advice for a tensor."""

    def checks(records: list[Record], remaining: int) -> Iterator[tuple[float, str, str]]:
        for r in records:
            if found := check(r):
                yield found[0], r.name, f"{r.name} {found[1]}"

    return checks


@_each
def no_gradient(r: Record) -> tuple[float, str] | None:
    if r.looks or r.without_gradient < FEW or not r.param.requires_grad:
        return None
    return r.without_gradient, (
        f"had no gradient at any of {r.without_gradient} looks: see that the loss depends on it "
        "and that the optimizer has the model's present parameters."
    )


@_each
def rate_zero(r: Record) -> tuple[float, str] | None:
    if len(r.looks) < FEW or any(look.lr != 0 for look in r.looks):
        return None
    return len(r.looks), (
        f"had the learning rate 0 at all {len(r.looks)} looks: see its group's lr and schedule."
    )


@_each
def no_slope(r: Record) -> tuple[float, str] | None:
    n = next((n for n, look in enumerate(reversed(r.looks)) if not look.no_slope), len(r.looks))
    if n < FEW:
        return None
    return n, (
        f"had a gradient of exactly 0 at the last {n} looks: look between it and the loss for "
        "units that are never active, as with unscaled inputs or after a rate that was too high, "
        "and for functions without a slope."
    )


def not_finite(records: list[Record], remaining: int) -> Iterator[tuple[float, str, str]]:
    cures = {
        "gradient": "look in the loss for 0/0, a logarithm of 0 or an overflow.",
        "accumulator": "the gradient's square is too large for {}; keep the state in float32.",
        "weights": "is ε 0 in {}, or the rate too high?",
    }
    broken = [(look, r) for r in records for look in r.looks if look.broken]
    broken.sort(key=lambda found: found[0].step)
    for look, r in broken:
        what = f"in step {look.step} the {look.broken} of {r.name} had NaN or an infinity"
        yield broken[0][0].step, r.name, f"{what}: {cures[look.broken].format(r.dtype)}"


@_each
def update_lost(r: Record) -> tuple[float, str] | None:
    if len(r.looks) < FEW or _schedule_ended(r):
        return None
    shares = []
    for look in r.over(1 / 2, 1):
        s = look.active
        # A gradient that has all but gone may well change nothing.
        large = (np.abs(s.gradient) > 0.01 * r.usual_gradient()) & ~np.isinf(s.accumulator)
        shares.append(np.mean(s.update[large] == 0) if large.any() and look.lr != 0 else 0.0)
    share = float(np.median(shares))
    if not share > 0.8:  # AdaGrad in bfloat16 learned with 0.53
        return None
    return share, (
        f"kept {share:.0%} of those weights that had a gradient as they were in a step: an update "
        f"is below the spacing of {r.dtype} there; keep the weights in more bits (a higher rate "
        "hides it until the steps are short again)."
    )


@_each
def underflow(r: Record) -> tuple[float, str] | None:
    sound = list(takewhile(lambda look: not look.broken, r.looks))
    # A run that broke did so by what came before.
    samples = [look.active for look in (r.over(1 / 2, 1) if len(sound) == len(r.looks) else sound)]
    n = sum(np.count_nonzero(np.abs(s.gradient) > 0) for s in samples)
    lost = sum(np.count_nonzero((np.abs(s.gradient) > 0) & (s.accumulator == 0)) for s in samples)
    if not lost > 0.05 * n:
        return None
    return lost / n, (
        f"had an accumulator of 0 for {lost / n:.0%} of the weights with a gradient: its square is "
        f"too small for {r.dtype}; keep the state in float32 or scale the loss."
    )


def first_step(records: list[Record], remaining: int) -> Iterator[tuple[float, str, str]]:
    """Along the first step the loss rises at its end, by the gradients of the next step.

    Runs at their best rate gave up to 5.7 times the slope at its start (a convolutional network).
    From 10 on nearly all ended worse than these; AdaGrad made up for 14 once in five starts.
    """
    start, end = 0.0, {}
    for r in records:
        if [look.step for look in r.looks[:2]] == [1, 2] and not r.looks[0].age > 1:
            first, second = (look.fixed for look in r.looks[:2])
            scale = r.size / len(first.update)
            start += scale * np.sum(first.update * first.gradient)
            end[r.name] = scale * np.sum(first.update * second.gradient)
    rise = sum(end.values()) / abs(start or math.nan)
    advice = (
        f"along the first step the loss rose {rise:.1f} times as steeply at the end as it fell at "
        "the start. Lower the rate or warm it up; with weights from a checkpoint, load the "
        "optimizer's state, too."
    )
    for name in end if rise > 8 else ():
        if end[name] > 0.1 * sum(end.values()):
            yield float(rise), name, advice


@_each
def outlier(r: Record) -> tuple[float, str] | None:
    """One interval between looks holds most of G, and the gradient after it is far smaller.

    Of its size to the next look's gradient healthy runs gave up to 3.4, outliers 15 and more. With
    sparse gradients it is not judged, as the next look is at other rows.
    """
    if len(r.looks) < 2 * FEW or not (r.start.size and r.only_grows):
        return None
    G = np.array([r.start, *(look.fixed.accumulator for look in r.looks)])
    added, steps = np.diff(G, axis=0), np.diff([0, *(look.step for look in r.looks)])
    largest = added.argmax(0)
    where = np.bincount(largest).argmax()
    if where == len(added) - 1:
        return None
    alone = np.where(largest == where, np.sqrt(G[-1] / (G[-1] - added[where])), 1.0)
    factor = float(np.median(alone[G[-1] > 0])) if (G[-1] > 0).any() else 1.0
    size = math.sqrt(added[where].mean() / steps[where])
    if not (factor > 3 and size > 10 * rms(r.looks[where + 1].fixed.gradient) > 0):
        return None
    times = f"{factor:.1f}" if factor < 1000 else "over 1,000"
    return factor, (
        f"would have rates {times} times as high without what G got up to step "
        f"{r.looks[where].step}, an outlier: clip the gradients or start the accumulator anew."
    )


def _has(r: Record, *checks: Check) -> bool:
    return any(True for check in checks for _ in check([r], 1))


def _schedule_ended(r: Record) -> bool:
    """Say whether a schedule has left next to nothing of the rate, long before the end."""
    return len(r.looks) >= 2 * FEW and bool(r.rate_left() < 1e-4)


def frozen(records: list[Record], remaining: int) -> Iterator[tuple[float, str, str]]:
    """Over half of the weights that have somewhere to go are frozen, or a schedule has ended.

    Healthy runs gave up to 0.38 (fine-tuning with all examples), most of them 0; sick ones 0.68 to
    0.9, as the noise of the gradients hides some. What has a finding of its own that says why it
    stands still is left out.
    """
    stopped = [r for r in records if _schedule_ended(r)]
    for r in stopped:
        yield (
            1.0,
            r.name,
            f"{r.name} had in the second half of the steps at most {r.rate_left():.1g} of its "
            "highest learning rate: see the schedule, and whether it counts steps or passes.",
        )
    others = [r for r in records if r not in stopped and not _has(r, rate_zero, update_lost)]
    judged = [(r, *r.frozen(remaining)) for r in others]
    n_going = sum(np.count_nonzero(going) for _, going, _ in judged)
    share = sum(np.count_nonzero(frozen) for _, _, frozen in judged) / max(n_going, 1)
    if not share > 0.5 or n_going < max(FEW, 0.05 * sum(going.size for _, going, _ in judged)):
        return
    for r, _, frozen in judged:
        if frozen.any():
            cure = (
                f"its schedule has left {r.rate_left():.1g} of the rate; let it fall later"
                if r.rate_left() < 0.1
                else "raise the rate, or start the accumulator anew if it holds larger gradients "
                "of the past"
            )
            yield (
                share,
                r.name,
                f"{share:.0%} of the weights with a lasting gradient will hardly move in "
                f"{remaining} more steps: {cure}.",
            )


@_each
def state_lost(r: Record) -> tuple[float, str] | None:
    for old, new in pairwise(r.looks):
        longer = float(rms(new.active.update) / rms(old.active.update))
        if new.age < old.age and new.age <= new.step - old.step and longer > 2:
            return longer, (
                f"had a state that counted from 0 again before step {new.step}, and updates "
                f"{longer:.1f} times as long: load the optimizer's state with the weights."
            )
    return None


@_each
def rare(r: Record) -> tuple[float, str] | None:
    late = r.over(1 / 2, 1)
    if len(late) < FEW or not np.isnan(late[-1].fixed.accumulator).all():
        return None
    if any(look.no_slope for look in late):  # a network that is dying
        return None
    if _schedule_ended(r) or _has(r, update_lost):  # what has a gradient stands still, too
        return None
    way = np.abs(late[-1].fixed.weights - late[0].fixed.weights)
    moved = way > 0
    if np.count_nonzero(moved) < 2 * FEW:
        return None
    seen = float(np.median(np.mean([look.fixed.update != 0 for look in late], 0)[moved]))
    farthest, nearest = np.quantile(way[moved], [0.9, 0.1])
    if seen > 0.1 or farthest < 5 * nearest:
        return None
    looks = f"no more than {seen:.0%}" if seen else "none"
    return float(farthest / nearest), (
        f"moved half of its weights at {looks} of the looks, and some of them "
        f"{farthest / nearest:,.0f} times as far as others: rare features, or units that are "
        "seldom active, learn sooner with a rate for each weight, as AdaGrad's."
    )


CHECKS: dict[str, Check] = {
    "no gradient": no_gradient,
    "learning rate 0": rate_zero,
    "gradient 0": no_slope,
    "not finite": not_finite,
    "update lost": update_lost,
    "underflow": underflow,
    "first step too long": first_step,
    "early outlier": outlier,
    "frozen": frozen,
    "state lost": state_lost,
    "rare features": rare,
}
