"""The exercises of chapter 6, Memory and scale."""

from functools import partial
from itertools import combinations

import numpy as np

from ._steps import TIGHT, adagrad_step, belated, eps_inside, root, uphill, without_root
from ._trials import IN_PLACE, numbers_like
from ._values import describe, plain
from .machinery import Exercise, Wrong

__all__ = ["EXERCISES"]


def half_adagrad(gradients, lr=1.0, eps=1e-10, start=0.0, number=np.float16):
    w = np.zeros(gradients.shape[1])
    G = np.full(gradients.shape[1], start, dtype=number)
    for g in gradients:
        G = (G + g**2).astype(number)
        w = w - lr * g / (np.sqrt(G, dtype=float) + eps)
    return w, G


ORDER = "Which of the two is never negative, the weights or the sums? The weights come first."
LEAP = (
    "What does such a gradient, or its square, become in float16? See what is in the state after "
    "the step."
)
ROUNDED_DOWN = (
    "What such a gradient adds is rounded down in float16, to a third less or even to zero. What "
    "must be added besides, so that one never divides by less than the gradient?"
)
ONE_FOR_ETA = "No step here is longer than 1, but η is not always 1."
UPHILL = "You went uphill: subtract."
NO_EPS = "Where no gradient has come yet, that is 0/0. What is ε for?"
ONLY_THE_END = "Is each step limited, or only where the weight ends?"
OVERFLOW = "The largest number of float16 is 65,504. What is kept has become inf."
FOUR_BYTES = "The state must need no more than 2 bytes a weight."
TOO_SHORT = (
    "Is what you add under or to the root too large? It must not be felt at gradients of 0.01."
)
NO_SUMS = "What is returned does not depend on the gradients. Are these the sums?"
HIDDEN = (
    "Is there a sum with more digits beside the one that is returned? Between two steps only 2 "
    "bytes a weight may remember."
)
NOT_ADAGRAD = "On ordinary gradients it must still be AdaGrad, whose sum goes on from step to step."


def halved(answer, gradients, lr):
    returned = answer(gradients.copy(), lr)
    is_pair = isinstance(returned, tuple | list) and len(returned) == 2
    if returned is not ... and not is_pair:  # an exercise not yet done is not wrong
        raise Wrong(f"expected the weights and the sums, got {describe(plain(returned))}")
    w, state = returned
    w, state = numbers_like(np.zeros(gradients.shape[1]), w), np.asarray(state)
    if state.dtype.kind == "f" and state.min() < 0 <= w.min():
        raise Wrong("expected the weights and then the sums, got sums below zero", ORDER)
    return w, state


def makes_no_leaps(answer):
    # An ordinary one, a small one, and all from those that float16 makes zero to large ones.
    first = np.array([0.4, 1e-5, *np.geomspace(1e-12, 10, 801)])
    first[2::2] *= -1
    for lr in (1.0, 0.3):
        once = halved(answer, first[None], lr)[0]
        steps = np.abs(once)
        if not steps.max() <= 1.01 * lr:
            worst = steps.argmax()
            hint = None
            if lr != 1 and steps.max() <= 1.01:
                hint = ONE_FOR_ETA
            elif steps[0] <= 1.01 * lr and abs(first[worst]) < 0.01:  # subnormal squares
                hint = LEAP if steps[1] > 1.01 * lr else ROUNDED_DOWN
            raise Wrong(
                f"expected no step longer than η = {lr:g}, got {steps[worst]:.4g} with a first "
                f"gradient of {first[worst]:.2g}",
                hint,
            )
        back = -0.5 * np.sign(first)
        steps = -np.sign(back) * (halved(answer, np.array([first, back]), lr)[0] - once)
        wrong = ~((steps > 0) & (steps <= 1.01 * lr)) & (np.abs(first) < 1)
        if wrong.any():
            i = wrong.argmax()
            raise Wrong(
                f"expected a second step against its gradient {back[i]:g}, and no longer than "
                f"η = {lr:g}, got one of {-np.sign(back[i]) * steps[i]:.4g} after a first gradient "
                f"of {first[i]:.2g}",
                UPHILL if (once * first > 0).all() else ONLY_THE_END,
            )
    still = halved(answer, np.array([[0.0, 0.5]]), 1.0)[0][0]
    if still != 0:
        raise Wrong(
            f"expected no step where the gradient is zero, got {still:.4g}",
            NO_EPS if np.isnan(still) else None,
        )


def stays_small(answer):
    gradients = np.random.default_rng(1).normal(size=(3, 50))
    _, state = halved(answer, gradients, 0.5)
    if state.nbytes != 100:
        raise Wrong(
            f"expected 100 bytes of state for 50 weights, got {state.nbytes} ({state.dtype})",
            FOUR_BYTES if state.nbytes > 100 else None,
        )
    small, large = (halved(answer, np.full((1, 2), g), 0.5)[1] for g in (0.05, 1.0))
    if np.array_equal(small, large):
        raise Wrong("expected other sums for gradients of 1 than of 0.05, got the same", NO_SUMS)


def remembers_no_more(answer):
    """Raise `Wrong` if other sums follow from the same sums and the same gradient."""
    first, then = np.random.default_rng(3).uniform(0.5, 2, size=(2, 500))
    near = first * (1 + 1e-4)  # whose square is often the same number in float16

    def sums(*gradients):
        return halved(answer, np.array(gradients), 0.5)[1]

    if (sums(first) != sums(first)).any():
        return  # rounded at random, of which this cannot be asked
    differs = (sums(first) == sums(near)) & (sums(first, then) != sums(near, then))
    if differs.any():
        raise Wrong(
            "expected sums that depend on those of the step before and on the gradient alone, got "
            "others",
            HIDDEN,
        )


def is_adagrad(answer):
    rng = np.random.default_rng(2)
    for size in (1.0, 0.01, 10.0):
        for steps in (1, 12):
            gradients = size * rng.uniform(0.6, 1.4, size=(steps, 4))
            w, state = halved(answer, gradients, 0.7)
            right, _ = half_adagrad(gradients, 0.7, number=np.float64)
            worst = np.abs(w / right - 1).argmax()
            if not np.allclose(w, right, rtol=0.1, atol=0):
                is_short = size < 1 and (np.abs(w) < np.abs(right)).all()
                hint = TOO_SHORT if is_short else NOT_ADAGRAD if steps > 1 else None
                hint = OVERFLOW if np.isinf(state.astype(float)).any() else hint
                raise Wrong(
                    f"expected about {right[worst]:.4g} after {steps} steps with gradients around "
                    f"{size:g}, got {w[worst]:.4g}",
                    hint,
                )
        # A sum that overflows late hardly shortens the way, but nothing moves any more.
        last = w - halved(answer, gradients[:-1], 0.7)[0]
        if not (last < 0).all():
            raise Wrong(
                f"expected step 12 against its gradient around {size:g}, got one of "
                f"{last.max():.4g}",
                OVERFLOW if np.isinf(state.astype(float)).any() else None,
            )


def half_adagrad_in_disorder(gradients, lr=1.0):
    return half_adagrad(gradients, lr, start=6e-8)[::-1]


def half_adagrad_without_sums(gradients, lr=1.0):
    w, G = half_adagrad(gradients, lr, start=6e-8)
    return w, np.zeros_like(G)


def half_adagrad_with_long_sums(gradients, lr=1.0):
    w, G = half_adagrad(gradients, lr, start=6e-8, number=np.float64)
    return w, G.astype(np.float16)


def at_most_one(gradients, lr=1.0):
    """Limit the steps to 1 rather than to the rate."""
    w, G = np.zeros(gradients.shape[1]), np.zeros(gradients.shape[1], dtype=np.float16)
    for g in gradients:
        G = (G + g**2).astype(np.float16)
        w = w - np.clip(lr * g / (np.sqrt(G, dtype=float) + 1e-10), -1, 1)
    return w, G


def half_adagrad_uphill(gradients, lr=1.0):
    w, G = half_adagrad(gradients, lr, start=6e-8)
    return -w, G


def limited_at_the_end(gradients, lr=1.0):
    w, G = half_adagrad(gradients, lr)
    return np.clip(w, -lr * len(gradients), lr * len(gradients)), G


def half_adagrad_of_large_sums(gradients, lr=1.0):
    """Keep a thousand times the sum, which is not zero so soon, but inf."""
    return half_adagrad(32 * gradients, lr, start=6e-8)


def forgetting_the_sum(gradients, lr=1.0):
    _, G = half_adagrad(gradients, lr, start=6e-8)
    return sum(half_adagrad(g[None], lr, start=6e-8)[0] for g in gradients), G


def mean_of_squares(g):
    return np.mean(g**2, axis=1)


def row_wise_step(w, G, g, lr, eps, added=mean_of_squares, divisor=root):
    before, G = G, G + added(g)
    return w - lr * g / divisor(before[:, None], G[:, None], eps), G


def row_wise_forgetful(w, G, g, lr, eps):
    return row_wise_step(w, np.zeros_like(G), g, lr, eps)


def row_wise_of_columns(w, G, g, lr, eps):
    return row_wise_step(w, G, g, lr, eps, added=lambda g: np.mean(g**2, axis=0))


def row_wise_without_rate(w, G, g, lr, eps):
    return row_wise_step(w, G, g, 1.0, eps)


def a_table(rng):
    n, d = rng.permutation([2, 3, 5])[:2]
    w, g = rng.normal(size=(2, n, d))
    lr, eps = rng.uniform(0.05, 0.5), rng.uniform(0.01, 0.1)
    return w, rng.uniform(0.5, 2, size=n), g, lr, eps


def partitioned(sizes, processes, order=lambda sizes: sorted(sizes, reverse=True)):
    held = [0] * processes
    for size in order(sizes):
        held[held.index(min(held))] += size
    return np.array(held)


def assigned_in_turn(sizes, processes):
    sizes = sorted(sizes, reverse=True)
    return np.array([sum(sizes[i::processes]) for i in range(processes)])


def assigned_in_blocks(sizes, processes):
    return np.array([sum(part) for part in np.array_split(sizes, processes)])


def divided_evenly(sizes, processes):
    return np.full(processes, sum(sizes) / processes)


def best_interval(cost, steps_between_failures):
    return np.sqrt(2 * cost * steps_between_failures)


class SharedAdaGrad:
    """AdaGrad whose accumulator is divided among processes, all simulated in one."""

    def __init__(self, d, processes, lr, eps):
        self.lr, self.eps = lr, eps
        self.shards = np.array_split(np.zeros(d), processes)

    def step(self, w, grads):
        parts = np.array_split(self.gradient(grads), len(self.shards))
        self.shards = [G + g**2 for G, g in zip(self.shards, parts, strict=True)]
        rates = self.lr / (np.sqrt(np.concatenate(self.shards)) + self.eps)
        return w - rates * np.concatenate(parts)

    def gradient(self, grads):
        return np.mean(grads, axis=0)

    def save(self):
        return np.concatenate(self.shards)

    def load(self, G):
        self.shards = np.array_split(G, len(self.shards))


class WholeCopies(SharedAdaGrad):
    def __init__(self, d, processes, lr, eps):
        super().__init__(d, processes, lr, eps)
        self.shards = [np.zeros(d) for _ in range(processes)]

    def step(self, w, grads):
        g = self.gradient(grads)
        self.shards = [G + g**2 for G in self.shards]
        return w - self.lr * g / (np.sqrt(self.shards[0]) + self.eps)

    def save(self):
        return self.shards[0]

    def load(self, G):
        self.shards = [G.copy() for _ in self.shards]


class AllOnTheFirst(SharedAdaGrad):
    def __init__(self, d, processes, lr, eps):
        super().__init__(d, processes, lr, eps)
        self.shards = [np.zeros(d), *[np.zeros(0)] * (processes - 1)]

    def step(self, w, grads):
        g = np.mean(grads, axis=0)
        w, self.shards[0] = adagrad_step(w, g, self.shards[0], self.lr, self.eps)
        return w

    def load(self, G):
        self.shards[0] = G


class SummedGradients(SharedAdaGrad):
    def gradient(self, grads):
        return np.sum(grads, axis=0)


class MeanOfSquares(SharedAdaGrad):
    def step(self, w, grads):
        squares = np.array_split(self.square(grads), len(self.shards))
        self.shards = [G + part for G, part in zip(self.shards, squares, strict=True)]
        return w - self.lr * np.mean(grads, axis=0) / (np.sqrt(self.save()) + self.eps)

    def square(self, grads):
        return np.mean(np.square(grads), axis=0)


class SumOfSquares(MeanOfSquares):
    def square(self, grads):
        return np.sum(np.square(grads), axis=0)


class SquareOverProcesses(MeanOfSquares):
    def square(self, grads):
        return np.mean(grads, axis=0) ** 2 / len(grads)


class WeightsInDisorder(SharedAdaGrad):
    def step(self, w, grads):
        parts = np.array_split(super().step(w, grads), len(self.shards))
        return np.concatenate(parts[::-1])


class OwnGradients(SharedAdaGrad):
    def gradient(self, grads):
        splits = [np.array_split(g, len(self.shards)) for g in grads]
        return np.concatenate([split[rank] for rank, split in enumerate(splits)])


class SharedUphill(SharedAdaGrad):
    def step(self, w, grads):
        return 2 * w - super().step(w, grads)


class FreshEachStep(SharedAdaGrad):
    def step(self, w, grads):
        self.shards = [np.zeros_like(G) for G in self.shards]
        return super().step(w, grads)


class OneShardForAll(SharedAdaGrad):
    def __init__(self, d, processes, lr, eps):
        super().__init__(d, processes, lr, eps)
        self.shards = [np.zeros(-(-d // processes))] * processes

    def step(self, w, grads):
        starts = range(len(self.shards[0]), len(w), len(self.shards[0]))
        steps = []
        for G, g in zip(self.shards, np.split(self.gradient(grads), starts), strict=False):
            G[: len(g)] += g**2
            steps.append(self.lr * g / (np.sqrt(G[: len(g)]) + self.eps))
        return w - np.concatenate(steps)

    def save(self):
        return np.concatenate(self.shards)


class FirstPartOnly(SharedAdaGrad):
    def step(self, w, grads):
        n = len(self.shards[0])
        return np.concatenate([super().step(w, grads)[:n], w[n:]])


class LostShards(SharedAdaGrad):
    def save(self):
        return np.concatenate([self.shards[0], *[np.zeros_like(G) for G in self.shards[1:]]])


class PartsOfOneArray(SharedAdaGrad):
    """Its shards are views of the whole accumulator."""

    def __init__(self, d, processes, lr, eps):
        super().__init__(d, processes, lr, eps)
        self.load(np.zeros(d))

    def step(self, w, grads):
        g = self.gradient(grads)
        self.G += g**2
        return w - self.lr * g / (np.sqrt(self.G) + self.eps)

    def save(self):
        return self.G.copy()

    def load(self, G):
        self.G = G.copy()
        super().load(self.G)


class SavedWithoutCopy(PartsOfOneArray):
    def save(self):
        return self.G


class ForgetfulLoad(SharedAdaGrad):
    def load(self, G):
        pass


class AddingLoad(SharedAdaGrad):
    def load(self, G):
        parts = np.array_split(G, len(self.shards))
        self.shards = [kept + part for kept, part in zip(self.shards, parts, strict=True)]


class LoadedWithoutCopy(SharedAdaGrad):
    def step(self, w, grads):
        g = self.gradient(grads)
        for shard, part in zip(self.shards, np.array_split(g, len(self.shards)), strict=True):
            shard += part**2
        return w - self.lr * g / (np.sqrt(self.save()) + self.eps)


class KeptElsewhere(SharedAdaGrad):
    def __init__(self, d, processes, lr, eps):
        super().__init__(d, processes, lr, eps)
        self.G = np.zeros(d)

    def step(self, w, grads):
        w, self.G = adagrad_step(w, self.gradient(grads), self.G, self.lr, self.eps)
        return w

    def save(self):
        return self.G

    def load(self, G):
        self.G = G


class InDisorder(SharedAdaGrad):
    def save(self):
        return np.concatenate(self.shards[::-1])


COPIES = "Does each process keep the whole accumulator? That is data parallel, without shards."
UNEVEN = "Are the shards of equal size, as far as that is possible?"
ONE_FIRST = "With one process it must be AdaGrad itself. Is it?"
NOT_AVERAGED = "Do all processes step with the mean of their gradients?"
NOT_SUMMED = "Is that the sum of the gradients? They are averaged."
SQUARED_TOO_SOON = "The square of the mean gradient is added: do you average the squares?"
STATE_LOST = "Is the accumulator still there in the second step?"
NOT_UPDATED = "That is where the weight was before the step. Which process updates it?"
ONE_SHARD = "One array is several of the shards. What does a process then find in its own?"
ALL_SQUARES = "Whose square is added? Each process sees the mean of the gradients."
SQUARE_OVER_PROCESSES = "The mean is squared as it is: is its square divided once more?"
OUT_OF_ORDER = "All new weights are there. Are they in the order of the weights?"
DISORDERED = "All sums are there. Are they in the order of the weights?"
SHARD_LOST = "Which parts of the accumulator are in the checkpoint, and which are lost?"
ELSEWHERE = "Do the shards hold the accumulator, or is it kept somewhere else?"
WHOLE_BESIDE = "Which process would keep that array? Each has room for its own part only."
NOT_LOADED = "After `load` the first step is too long: is the checkpoint in the accumulator?"
NOT_REPLACED = (
    "After `load` the first step is too short: has the checkpoint taken the place of all sums?"
)
LOADED_WITHOUT_COPY = (
    "The steps after `load` changed the checkpoint: are the shards parts of a copy?"
)
STILL_CHANGING = "The checkpoint changed while the run went on: is it a copy?"


def _gradients(d, processes, steps, seed):
    return np.random.default_rng(seed).normal(size=(steps, processes, d))


def _walk(optimizer, w, gradients):
    points = []
    for grads in gradients:
        given = w.copy(), [*grads.copy()]
        after = numbers_like(np.zeros(w.shape), optimizer.step(*given))
        if not np.array_equal(given[0], w, equal_nan=True) or not np.array_equal(given[1], grads):
            raise Wrong("`step` changed one of its arguments in place", IN_PLACE)
        w = after
        points.append(w)
    return np.array(points)


def _alone(w, gradients, lr, eps, combine=np.mean, squared=lambda grads, g: g**2, kept=1.0):
    """Return the points of one process."""
    points, G = [], 0.0
    for grads in gradients:
        g = combine(grads, axis=0)
        G = kept * G + squared(grads, g)
        w = w - lr * g / (np.sqrt(G) + eps)
        points.append(w)
    return np.array(points)


def _demand_parts(optimizer, d, processes):
    sizes, most = [np.size(shard) for shard in optimizer.shards], -(-d // processes)
    where = f"with d = {d} and processes = {processes}"
    if len(sizes) != processes:
        raise Wrong(f"expected as many shards as processes {where}, got {len(sizes)}")
    if max(sizes) > most:
        hint = COPIES if min(sizes) == d else UNEVEN
        raise Wrong(f"expected at most {most} numbers in a shard {where}, got {max(sizes)}", hint)
    if sum(sizes) < d:
        raise Wrong(f"expected {d} numbers in all shards together {where}, got {sum(sizes)}")


def keeps_its_part(answer):
    for d, processes in ((11, 3), (10, 4), (12, 4), (2, 5)):
        optimizer = answer(d, processes, 0.3, 0.02)
        _demand_parts(optimizer, d, processes)
        _walk(optimizer, np.ones(d), _gradients(d, processes, 1, seed=1))
        _demand_parts(optimizer, d, processes)


def equals_one_process(answer):
    for d, processes in ((5, 1), (11, 3), (10, 4), (2, 4)):
        w, lr, eps = np.linspace(-1, 2, d), 0.3, 0.02
        gradients = _gradients(d, processes, 4, seed=d)
        optimizer = answer(d, processes, lr, eps)
        points = _walk(optimizer, w, gradients)
        right = _alone(w, gradients, lr, eps)
        variants = {
            NOT_SUMMED: partial(_alone, combine=np.sum),
            ALL_SQUARES: partial(_alone, squared=lambda grads, g: np.sum(grads**2, axis=0)),
            SQUARE_OVER_PROCESSES: partial(_alone, squared=lambda grads, g: g**2 / len(grads)),
            SQUARED_TOO_SOON: partial(_alone, squared=lambda grads, g: np.mean(grads**2, axis=0)),
            STATE_LOST: partial(_alone, kept=0.0),
        }
        of_each = [_alone(w, gradients[:, [k]], lr, eps) for k in range(processes)]
        before = np.array([w, *points[:-1]])
        for t, (point, expected) in enumerate(zip(points, right, strict=True), start=1):
            if np.allclose(point, expected, rtol=TIGHT, atol=TIGHT):
                continue
            i = np.abs(point - expected).argmax()
            hint = ONE_FIRST if processes == 1 else None
            if np.allclose(np.sort(point), np.sort(expected), rtol=TIGHT):
                hint = OUT_OF_ORDER
            elif any(a is b and np.size(a) for a, b in combinations(optimizer.shards, 2)):
                hint = ONE_SHARD
            elif processes > 1 and point[i] == before[t - 1, i]:
                hint = NOT_UPDATED
            elif np.isclose(points, of_each, rtol=TIGHT, atol=TIGHT).all(axis=1).any(axis=0).all():
                hint = NOT_AVERAGED
            for known, variant in variants.items():
                if np.allclose(points, variant(w, gradients, lr, eps), rtol=TIGHT, atol=TIGHT):
                    hint = known
            raise Wrong(
                f"expected weight {i} at {expected[i]:.4g} after step {t}, as one process has it, "
                f"got {point[i]:.4g}; number of processes: {processes}",
                hint,
            )


def goes_on_after_a_crash(answer):
    d, lr, eps = 11, 0.3, 0.02
    w = np.linspace(-1, 2, d)
    mean = _gradients(d, 1, 6, seed=8)
    mean[..., 5] = 0.0  # a weight whose sum stays zero, and where it was
    right = _alone(w, mean, lr, eps)
    for processes in (1, 4):
        first = answer(d, processes, lr, eps)
        _demand_parts(first, d, processes)
        if numbers_like(w, first.save()).any():
            raise Wrong("expected zeros from `save` before the first step, got others")
        points = _walk(first, w, mean[:3].repeat(processes, axis=1))
        if not np.allclose(points, right[:3], rtol=TIGHT, atol=TIGHT):
            raise Wrong("not tried before its steps are those of one process")
        saved = first.save()
        G, sums = numbers_like(w, saved), (mean[:3, 0] ** 2).sum(axis=0)
        found = np.isclose(G, sums, rtol=TIGHT, atol=0)
        if not found.all():
            in_disorder = np.allclose(np.sort(G), np.sort(sums), rtol=TIGHT, atol=0)
            hint = DISORDERED if in_disorder else SHARD_LOST if found[sums > 0].any() else None
            raise Wrong("expected the sums of all weights' squares from `save`, got others", hint)
        if not np.allclose(_held(first)[-d:], np.sort(sums), rtol=TIGHT, atol=0):
            raise Wrong(
                "expected the sums of all weights' squares in the shards, got others", ELSEWHERE
            )
        _walk(first, points[-1], mean[3:].repeat(processes, axis=1))  # the crash comes later
        if not np.array_equal(numbers_like(w, saved), G):
            raise Wrong(
                f"expected a checkpoint that stays as it is, got one that changes; number of "
                f"processes: {processes}",
                STILL_CHANGING,
            )
    second = answer(d, 3, lr, eps)
    _walk(second, w, mean[:1].repeat(3, axis=1))
    given = G.copy()
    second.load(given)
    resumed = _walk(second, points[-1], mean[3:].repeat(3, axis=1))
    if not np.allclose(resumed, right[3:], rtol=TIGHT, atol=TIGHT):
        lengths, right_lengths = (np.abs(p[0] - points[-1]) for p in (resumed, right[3:]))
        too_long = (lengths > right_lengths)[sums > 0]
        hint = NOT_LOADED if too_long.all() else None if too_long.any() else NOT_REPLACED
        i = np.abs(lengths - right_lengths).argmax()
        raise Wrong(
            f"expected weight {i} at {right[3, i]:.4g} one step after a checkpoint, as without a "
            f"crash, got {resumed[0, i]:.4g}",
            hint,
        )
    if not np.array_equal(given, G):
        raise Wrong(
            "expected a checkpoint that stays as it is, got one that changes", LOADED_WITHOUT_COPY
        )
    _demand_parts(second, d, 3)
    second.load(np.zeros(d))
    if numbers_like(w, second.save()).any():
        raise Wrong("expected zeros after a checkpoint of zeros, got others", NOT_REPLACED)


def _held(optimizer):
    """Return all numbers in its shards in ascending order, with the zeros that fill them up."""
    return np.sort(np.concatenate([np.ravel(shard) for shard in optimizer.shards]))


def _kept(value):
    """Return how many floating-point numbers there are in arrays, and in what holds arrays."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return sum(isinstance(part, float) or _kept(part) for part in value)
    return value.size if isinstance(value, np.ndarray) and value.dtype.kind == "f" else 0


def keeps_nothing_else(answer):
    try:
        goes_on_after_a_crash(answer)
    except Wrong:
        raise Wrong("not tried before it goes on from a checkpoint") from None
    d, processes, lr, eps = 23, 3, 0.3, 0.02
    optimizer, w = answer(d, processes, lr, eps), np.linspace(-1, 2, d)
    mean = _gradients(d, 1, 3, seed=4)
    gradients = mean.repeat(processes, axis=1)
    w = _walk(optimizer, w, gradients[:2])[-1]
    sizes, kept = [*map(np.size, optimizer.shards)], _kept(getattr(optimizer, "__dict__", {}))
    if kept >= sum(sizes) + max(sizes):  # a few constants, as lr, are not meant
        raise Wrong(
            f"expected nothing but {sum(sizes)} numbers in the shards between two steps, got "
            f"{kept - sum(sizes)} more",
            WHOLE_BESIDE,
        )
    try:
        for shard in optimizer.shards:
            shard[:] = [4 * number for number in shard]
    except (TypeError, ValueError):  # they cannot be changed
        return
    G = 4 * (mean[:2, 0] ** 2).sum(axis=0) + mean[2, 0] ** 2
    expected = w - lr * mean[2, 0] / (np.sqrt(G) + eps)
    if not np.allclose(_walk(optimizer, w, gradients[2:])[0], expected, rtol=TIGHT, atol=TIGHT):
        raise Wrong(
            "expected shorter steps after all numbers in the shards were made four times as "
            "large, got others",
            ELSEWHERE,
        )


EXERCISES = [
    Exercise(
        "6.1",
        reference={
            "weights": 60.0,
            "SGD": 0.0,
            "AdaGrad": 60.0,
            "Adam": 120.0,
            "row-wise": 0.2,
            "SM3": 0.2012,
            "rows in 1.8 GB": 500_000.0,
        },
        mistakes={
            "In megabytes: divide by 10⁶.": {
                "weights": 60e6,
                "AdaGrad": 60e6,
                "Adam": 120e6,
                "row-wise": 0.2e6,
                "SM3": 0.2012e6,
            },
            "A megabyte is 10⁶ bytes here, not 2²⁰.": {
                "weights": 60e6 / 2**20,
                "AdaGrad": 60e6 / 2**20,
                "Adam": 120e6 / 2**20,
                "row-wise": 0.2e6 / 2**20,
                "SM3": 0.2012e6 / 2**20,
            },
            "A number in float32 has four bytes.": {
                "weights": 15.0,
                "AdaGrad": 15.0,
                "Adam": 30.0,
                "row-wise": 0.05,
                "SM3": 0.0503,
                "rows in 1.8 GB": 2e6,
            },
            "Are weights or gradients counted as state? They are not the optimizer's.": {
                "SGD": 60.0,
                "AdaGrad": 120.0,
                "Adam": 180.0,
                "row-wise": 60.2,
                "SM3": 60.2012,
            },
            "Adam keeps two numbers for each weight.": {"Adam": 60.0},
            "Are these numbers of 8 bytes, float64?": {
                "weights": 120.0,
                "AdaGrad": 120.0,
                "Adam": 240.0,
                "row-wise": 0.4,
                "SM3": 0.4024,
                "rows in 1.8 GB": 250_000.0,
            },
            "Are these numbers of 2 bytes, as in float16?": {
                "weights": 30.0,
                "AdaGrad": 30.0,
                "Adam": 60.0,
                "row-wise": 0.1,
                "SM3": 0.1006,
                "rows in 1.8 GB": 1e6,
            },
            "One number for each of the 50,000 rows, not for each column.": {"row-wise": 0.0012},
            "Row-wise AdaGrad keeps no numbers for the columns.": {"row-wise": 0.2012},
            "SM3 keeps a number for each row and one for each column.": {"SM3": 0.2},
            "The gradients need memory, too: as much as the weights.": {
                "rows in 1.8 GB": 750_000.0
            },
            "Is the state counted, and are the gradients?": {"rows in 1.8 GB": 1.5e6},
            "Is that how many weights fit? A row has 300.": {"rows in 1.8 GB": 1.5e8},
        },
        hints=(
            "The table has 50,000 · 300 = 15 million weights.",
            "AdaGrad keeps as many numbers as there are weights, Adam twice as many, row-wise "
            "AdaGrad 50,000.",
            "SM3: 50,000 + 300 numbers.",
            "With AdaGrad there are three numbers for each weight: itself, its gradient and its "
            "accumulator. How many bytes are that for a row?",
        ),
    ),
    Exercise(
        "6.2",
        reference=partial(half_adagrad, start=6e-8),
        properties={
            "no step longer than η": makes_no_leaps,
            "two bytes of state a weight": stays_small,
            "nothing else is remembered": remembers_no_more,
            "AdaGrad where gradients are larger": is_adagrad,
        },
        mistakes={
            ORDER: half_adagrad_in_disorder,
            LEAP: half_adagrad,
            ROUNDED_DOWN: partial(half_adagrad, eps=1e-4),
            ONE_FOR_ETA: at_most_one,
            UPHILL: half_adagrad_uphill,
            ONLY_THE_END: limited_at_the_end,
            OVERFLOW: half_adagrad_of_large_sums,
            FOUR_BYTES: partial(half_adagrad, number=np.float32),
            NO_SUMS: half_adagrad_without_sums,
            HIDDEN: half_adagrad_with_long_sums,
            TOO_SHORT: partial(half_adagrad, eps=0.01),
            NOT_ADAGRAD: forgetting_the_sum,
        },
        hints=(
            "Print G after the first step.",
            "The smallest positive number of float16 is 6e-8: a square of less than half of it is "
            "rounded to zero, and then only ε is left to divide by.",
            "Start G with something that is not zero, and that ordinary gradients do not feel.",
        ),
    ),
    Exercise(
        "6.3",
        reference=row_wise_step,
        cases={
            "the first step": (
                np.array([[0.5, -1.2, 0.7], [2.0, 0.3, -0.4]]),
                np.zeros(2),
                np.array([[1.0, 7.0, -2.0], [0.0, 3.0, -4.0]]),
                0.5,
                0.03,
            ),
            "a row without a gradient": (
                np.array([[0.4, 1.1, 0.3, -1.5], [-0.6, 0.9, 1.2, 0.7], [1.3, -0.2, 0.5, -0.8]]),
                np.array([0.0, 2.5, 0.8]),
                np.array([[0.0, 0.0, 0.0, 0.0], [3.0, -4.0, 1.5, 0.6], [-0.7, 1.9, 0.4, -2.2]]),
                0.2,
                1e-8,
            ),
            "random tables": a_table,
        },
        mistakes={
            "Take the mean of a row's squares, not their sum.": partial(
                row_wise_step, added=lambda g: np.sum(g**2, axis=1)
            ),
            "Square first, then take the mean.": partial(
                row_wise_step, added=lambda g: np.mean(g, axis=1) ** 2
            ),
            "Divide by the root of G.": partial(row_wise_step, divisor=without_root),
            "Add the new squares before you divide.": partial(row_wise_step, divisor=belated),
            "ε is added to the root, not under it.": partial(row_wise_step, divisor=eps_inside),
            "G goes on from what it was.": row_wise_forgetful,
            "Is the mean taken along axis 1, so that there is one for each row? And does G get a "
            "second axis, [:, None], where it divides?": row_wise_of_columns,
            "One number for each row, not one for all.": partial(
                row_wise_step, added=lambda g: np.mean(g**2)
            ),
            "The rate is missing.": row_wise_without_rate,
            UPHILL: uphill(row_wise_step),
        },
        hints=(
            "np.mean(g**2, axis=1) has one number for each row.",
            "To divide each row by its own number, give it a second axis: [:, None].",
        ),
        rtol=TIGHT,
    ),
    Exercise(
        "6.4",
        reference=partitioned,
        cases={
            "eight tensors": ([120, 90, 250, 60, 80, 310, 75, 140], 4),
            "one is too large": ([1000, 17, 12, 9], 2),
            "the smaller ones first": ([2, 3, 5, 7, 18], 2),
            "more processes than tensors": ([5, 3], 4),
            "two of one size": ([40, 70, 25, 70], 3),
            "as many weights in fewer tensors": ([6, 5, 5, 2, 2, 1], 2),
            "as many weights in more tensors": ([4, 2, 2, 1], 2),
            "random": lambda rng: (
                [int(n) for n in rng.integers(1, 100, size=15)],
                int(rng.integers(2, 9)),
            ),
        },
        mistakes={
            "Begin with the largest: the small ones then fill the gaps.": (
                lambda sizes, processes: partitioned(sizes, processes, order=list)
            ),
            "Begin with the largest, not with the smallest.": (
                lambda sizes, processes: partitioned(sizes, processes, order=sorted)
            ),
            "Do they take turns? Each tensor goes to the process with the fewest weights so far.": (
                assigned_in_turn
            ),
            "Neighbours in the list need not go to the same process.": assigned_in_blocks,
            "A tensor is not divided.": divided_evenly,
            "Process 0 comes first: the sums are not to be sorted.": (
                lambda sizes, processes: np.sort(partitioned(sizes, processes))[::-1]
            ),
        },
        hints=(
            "Sort the sizes, the largest first.",
            "Keep a list of what each process holds; the next tensor goes where it is smallest.",
        ),
        rtol=1e-9,  # counts
        closing=Exercise(
            "6.4",
            reference={"near the average": "small tensors"},
            mistakes={
                "More processes make the average smaller. Can the largest share follow, if one "
                "tensor is large?": {"near the average": "many processes"},
                "Two tensors on two processes, of 1,000 and of 10 weights: how far is the larger "
                "share from the average?": {"near the average": "equal counts"},
            },
            hints=("By how much can a process be above the others when it gets its last tensor?",),
        ),
    ),
    Exercise(
        "6.5",
        reference=best_interval,
        cases={
            "a checkpoint costs less than a step": (0.3, 7_000.0),
            "a checkpoint costs three steps": (3.0, 800.0),
            "random": lambda rng: (rng.uniform(0.1, 10), rng.uniform(100, 1e5)),
        },
        mistakes={
            "A failure loses half of the interval, on average.": (
                lambda cost, steps_between_failures: np.sqrt(cost * steps_between_failures)
            ),
            "Where the derivative is zero there is k², not k.": (
                lambda cost, steps_between_failures: 2 * cost * steps_between_failures
            ),
            "A dearer checkpoint should be written less often.": (
                lambda cost, steps_between_failures: np.sqrt(2 * steps_between_failures / cost)
            ),
            "Is the 2 on the right side? C/k² = 1/(2M).": (
                lambda cost, steps_between_failures: np.sqrt(cost * steps_between_failures / 2)
            ),
            "Is that how often to save in each step? The number of steps between two is asked.": (
                lambda cost, steps_between_failures: 1 / best_interval(cost, steps_between_failures)
            ),
        },
        hints=(
            "Checkpoints cost cost / k for each step.",
            "Failures cost k / 2 steps in each steps_between_failures of them.",
            "Set the derivative of C/k + k/(2M) to zero.",
        ),
        rtol=TIGHT,
        closing=Exercise(
            "6.5",
            reference={"times as small": 10.0},
            mistakes={
                "Does k go with M, or with its root?": {"times as small": 100.0},
                "Smaller, not larger: how many times?": {"times as small": 0.1},
                "Is the 2 still in it? It is the same before and after.": {
                    "times as small": np.sqrt(200)
                },
            },
            hints=("Divide the k for M by the k for M / 100.",),
        ),
    ),
    Exercise(
        "6.6",
        reference=SharedAdaGrad,
        properties={
            "each process keeps its part": keeps_its_part,
            "the same steps as one process": equals_one_process,
            "goes on from a checkpoint with fewer processes": goes_on_after_a_crash,
            "keeps the shards and nothing else": keeps_nothing_else,
        },
        mistakes={
            COPIES: WholeCopies,
            UNEVEN: AllOnTheFirst,
            NOT_AVERAGED: OwnGradients,
            NOT_SUMMED: SummedGradients,
            SQUARED_TOO_SOON: MeanOfSquares,
            ALL_SQUARES: SumOfSquares,
            SQUARE_OVER_PROCESSES: SquareOverProcesses,
            OUT_OF_ORDER: WeightsInDisorder,
            ONE_FIRST: SharedUphill,
            STATE_LOST: FreshEachStep,
            NOT_UPDATED: FirstPartOnly,
            ONE_SHARD: OneShardForAll,
            SHARD_LOST: LostShards,
            STILL_CHANGING: SavedWithoutCopy,
            NOT_LOADED: ForgetfulLoad,
            NOT_REPLACED: AddingLoad,
            LOADED_WITHOUT_COPY: LoadedWithoutCopy,
            ELSEWHERE: KeptElsewhere,
            WHOLE_BESIDE: PartsOfOneArray,
            DISORDERED: InDisorder,
        },
        hints=(
            "np.array_split cuts an array into a list of nearly equal parts; np.concatenate joins "
            "them again.",
            "In `step`: average the gradients, cut w and the mean gradient like the accumulator, "
            "and let each process take AdaGrad's step on its part.",
            "`save` joins the shards, `load` cuts what it is given into as many parts as there "
            "are processes now.",
        ),
    ),
]
