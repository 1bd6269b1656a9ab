"""Answers to the exercises of chapter 6: right ones in other forms, and wrong ones."""

import heapq
import math
from functools import partial
from types import SimpleNamespace

import numpy as np


def half(gradients, lr=1.0, eps=1e-10, start=0.0, number=np.float16):
    w = np.zeros(gradients.shape[1])
    G = np.full(gradients.shape[1], start, dtype=number)
    for g in gradients:
        G = (G + g**2).astype(number)
        w = w - lr * g / (np.sqrt(G.astype(float)) + eps)
    return w, G


def half_root(gradients, lr=1.0, eps=1e-10):
    """Keep the root of the sum, whose range is that of the gradients."""
    w, root = np.zeros(gradients.shape[1]), np.zeros(gradients.shape[1], np.float16)
    for g in gradients:
        root = np.hypot(root.astype(float), g).astype(np.float16)
        w = w - lr * g / (np.maximum(root.astype(float), abs(g)) + eps)
    return w, root


def half_logarithm(gradients, lr=1.0, eps=1e-10):
    w, log = np.zeros(gradients.shape[1]), np.full(gradients.shape[1], -np.inf, np.float16)
    for g in gradients:
        G = np.exp2(log.astype(float)) + g**2
        w = w - lr * g / (np.sqrt(G) + eps)
        with np.errstate(divide="ignore"):
            log = np.log2(G).astype(np.float16)
    return w, log


def half_rounded_root(gradients, lr=1.0, eps=1e-10, floor=0.0):
    w, root = np.zeros(gradients.shape[1]), np.zeros(gradients.shape[1], np.float16)
    for g in gradients:
        root = np.maximum(np.hypot(root.astype(float), g), floor).astype(np.float16)
        w = w - lr * g / (root.astype(float) + eps)
    return w, root


def half_scaled(gradients, lr=1.0, scale=16):
    w, scaled = [0.0] * gradients.shape[1], np.zeros(gradients.shape[1], np.float16)
    for g in gradients:
        scaled = np.maximum(np.float16(scaled + scale * g**2), np.float16(6e-8))
        w = [
            a - lr * b / (math.sqrt(float(c) / scale) + 1e-4)
            for a, b, c in zip(w, g, scaled, strict=True)
        ]
    return w, scaled


def half_of_unrounded(gradients, lr=1.0, eps=1e-10):
    """Divide by the root of the sum as it is before it is rounded."""
    w, G = np.zeros(gradients.shape[1]), np.zeros(gradients.shape[1], np.float16)
    for g in gradients:
        total = G.astype(float) + g**2
        w, G = w - lr * g / (np.sqrt(total) + eps), total.astype(np.float16)
    return w, G


def half_of_half_the_square(gradients, lr=1.0):
    return half(gradients / np.sqrt(2), lr * np.sqrt(2), start=6e-8)


def half_at_least(gradients, lr=1.0):
    """Do not let a sum be zero; but squares are still rounded down."""
    w, G = np.zeros(gradients.shape[1]), np.zeros(gradients.shape[1], np.float16)
    for g in gradients:
        G = np.maximum(G + g**2, 6e-8).astype(np.float16)
        w = w - lr * g / np.sqrt(G.astype(float))
    return w, G


def half_limited(gradients, lr=1.0, most=None):
    w, G = np.zeros(gradients.shape[1]), np.zeros(gradients.shape[1], np.float16)
    for g in gradients:
        G = (G + g**2).astype(np.float16)
        step = lr * g / (np.sqrt(G.astype(float)) + 1e-10)
        w = w - np.clip(step, -(most or lr), most or lr)
    return w, G


def half_limited_at_the_end(gradients, lr=1.0):
    w, G = half(gradients, lr)
    return np.clip(w, -lr, lr) if len(gradients) < 3 else w, G


def half_without_lost_squares(gradients, lr=1.0):
    w, G = np.zeros(gradients.shape[1]), np.zeros(gradients.shape[1], np.float16)
    for g in gradients:
        G = (G + g**2).astype(np.float16)
        w = w - np.where(G > 0, lr * g / np.sqrt(np.maximum(G.astype(float), 1e-9)), 0.0)
    return w, G


def half_at_random(gradients, lr=1.0, seed=None):
    """Round the sums up or down by chance."""
    rng = np.random.default_rng(seed)
    w, G = np.zeros(gradients.shape[1]), np.full(gradients.shape[1], 6e-8, np.float16)
    for g in gradients:
        total = G.astype(float) + g**2
        near = total.astype(np.float16)
        other = np.nextafter(near, np.where(near < total, np.inf, 0).astype(np.float16))
        share = (total - near) / np.where(other == near, 1, other.astype(float) - near)
        G = np.where(rng.random(G.shape) < share, other, near)
        w = w - lr * g / np.sqrt(np.maximum(total, 6e-8))
    return w, G


def half_with_hidden_roots(gradients, lr=1.0):
    """Keep roots in float32 and return what float16 makes of them."""
    w, root = np.zeros(gradients.shape[1]), np.full(gradients.shape[1], 1e-4, np.float32)
    for g in gradients:
        root = np.hypot(root, g.astype(np.float32))
        w = w - lr * g / root
    return w, root.astype(np.float16)


def row_wise(w, G, g, lr, eps):
    new_w, new_G = w.copy(), [float(x) for x in G]
    for i, row in enumerate(g):
        new_G[i] += sum(float(x) ** 2 for x in row) / len(row)
        new_w[i] -= lr * row / (math.sqrt(new_G[i]) + eps)
    return new_w, new_G


def row_wise_in_float32(w, G, g, lr, eps):
    w, G, g = np.float32(w), np.float32(G), np.float32(g)
    G = G + (g * g).mean(1)
    return w - np.float32(lr) * g / (np.sqrt(G.reshape(-1, 1)) + np.float32(eps)), G


def row_wise_by_norm(w, G, g, lr, eps):
    G = G + np.linalg.norm(g, axis=-1) ** 2 / g.shape[1]
    return (w.T - lr * g.T / (np.sqrt(G) + eps)).T, G


def of_entries_that_are_not_zero(w, G, g, lr, eps):
    G = G + (g**2).sum(axis=1) / np.maximum((g != 0).sum(axis=1), 1)
    return w - lr * g / (np.sqrt(G)[:, None] + eps), G


def of_rows_without_a_zero(w, G, g, lr, eps):
    G = G + np.mean(g**2, axis=1) * (g != 0).all(axis=1)
    return w - lr * g / (np.sqrt(G)[:, None] + eps), G


def divided_by_one_less(w, G, g, lr, eps):
    G = G + np.sum(g**2, axis=1) / (g.shape[1] - 1)
    return w - lr * g / (np.sqrt(G)[:, None] + eps), G


def divided_by_rows(w, G, g, lr, eps):
    G = G + np.sum(g**2, axis=1) / len(g)
    return w - lr * g / (np.sqrt(G)[:, None] + eps), G


def partition_by_heap(sizes, processes):
    heap = [(0, k) for k in range(processes)]
    for size in sorted(sizes)[::-1]:
        held, k = heap[0]
        heapq.heapreplace(heap, (held + int(size), k))
    return [held for held, _ in sorted(heap, key=lambda pair: pair[1])]


def partition_by_argmin(sizes, processes):
    held = np.zeros(processes, dtype=int)
    for size in -np.sort(-np.array(sizes)):
        held[held.argmin()] += size
    return tuple(held)


def partition_with_ties_to(sign):
    """Return an assignment that looks at the numbers of tensors if those of weights are equal."""

    def partition(sizes, processes):
        held = [[] for _ in range(processes)]
        for size in sorted(sizes, reverse=True):
            min(held, key=lambda part: (sum(part), sign * len(part))).append(size)
        return [sum(part) for part in held]

    return partition


def partition_in_place(sizes, processes):
    sizes.sort(reverse=True)
    return partition_by_argmin(sizes, processes)


def partition_last_first(sizes, processes):
    return partition_by_argmin(sizes, processes)[::-1]


def partition_fewest_tensors(sizes, processes):
    held = [[] for _ in range(processes)]
    for size in sorted(sizes, reverse=True):
        min(held, key=len).append(size)
    return [sum(part) for part in held]


def best_interval_by_search(cost, failures):
    k = np.geomspace(0.5, 1e4, 400_001)
    return k[np.argmin(cost / k + k / (2 * failures))]


class ByStride:
    """Process k has every weight whose number leaves the remainder k."""

    def __init__(self, d, processes, lr, eps):
        self.n, self.lr, self.eps = processes, lr, eps
        self.load([0.0] * d)

    def load(self, G):
        self.shards = [np.array(G)[k :: self.n] for k in range(self.n)]

    def save(self):
        G = np.empty(sum(map(len, self.shards)))
        for k, shard in enumerate(self.shards):
            G[k :: self.n] = shard
        return G

    def step(self, w, grads):
        g, new = sum(grads) / len(grads), w.copy()
        for k in range(self.n):
            mine = slice(k, None, self.n)
            self.shards[k] = self.shards[k] + g[mine] ** 2
            new[mine] -= self.lr * g[mine] / (np.sqrt(self.shards[k]) + self.eps)
        return new


class ByChunk(ByStride):
    """Lists in place of arrays, in chunks of one length, of which the last may be shorter."""

    def load(self, G):
        size = -(-len(G) // self.n)
        self.shards = [list(G[k * size : (k + 1) * size]) for k in range(self.n)]

    def save(self):
        return [x for shard in self.shards for x in shard]

    def step(self, w, grads):
        g = np.mean(np.array(grads), axis=0)
        G = np.array(self.save()) + g * g
        self.load(G)
        return list(w - self.lr * g / (np.sqrt(G) + self.eps))


class Padded:
    """Shards of one length, with zeros at the end."""

    def __init__(self, d, processes, lr, eps):
        self.constants, self.d, self.processes = (lr, eps), d, processes
        self.load(np.zeros(d))

    def load(self, G):
        size = -(-self.d // self.processes)
        padded = np.zeros(size * self.processes)
        padded[: self.d] = G
        self.shards = list(padded.reshape(self.processes, size).copy())

    def save(self):
        return np.concatenate(self.shards)[: self.d]

    def step(self, w, grads):
        lr, eps = self.constants
        size, new = len(self.shards[0]), w.copy()
        for k, shard in enumerate(self.shards):
            g = np.mean([grad[k * size : (k + 1) * size] for grad in grads], axis=0)
            shard[: len(g)] += g**2
            mine = slice(k * size, k * size + len(g))
            new[mine] -= lr * g / (np.sqrt(shard[: len(g)]) + eps)
        return new


class InRandomOrder(ByStride):
    """Says which weights a process has by their numbers."""

    def load(self, G):
        order = np.random.default_rng(0).permutation(len(G))
        self.numbers = np.array_split(order, self.n)
        self.shards = [np.array(G)[numbers] for numbers in self.numbers]

    def save(self):
        G = np.empty(sum(map(len, self.shards)))
        for numbers, shard in zip(self.numbers, self.shards, strict=True):
            G[numbers] = shard
        return G

    def step(self, w, grads):
        g, new = np.mean(grads, axis=0), w.copy()
        for k, numbers in enumerate(self.numbers):
            self.shards[k] = self.shards[k] + g[numbers] ** 2
            new[numbers] -= self.lr * g[numbers] / (np.sqrt(self.shards[k]) + self.eps)
        return new


class SavingNoZeros(ByChunk):
    def save(self):
        return [x for shard in self.shards for x in shard if x > 0]


class OnlyTheFirst(ByStride):
    def step(self, w, grads):
        return super().step(w, grads[:1])


class Concatenated(ByStride):
    def save(self):
        return np.concatenate(self.shards)


class EmptyEachStep(ByStride):
    def step(self, w, grads):
        for k in range(self.n):
            self.shards[k][:] = 0.0
        return super().step(w, grads)


class WithoutRate(ByStride):
    def step(self, w, grads):
        self.lr = 1.0
        return super().step(w, grads)


class OneShardNamedOften(ByStride):
    """`[x] * n` is one array under n names."""

    def load(self, G):
        self.size = -(-len(G) // self.n)
        self.shards = [np.zeros(self.size)] * self.n

    def step(self, w, grads):
        g, new = np.mean(grads, axis=0), w.copy()
        for k in range(self.n):
            mine = slice(k * self.size, (k + 1) * self.size)
            n = len(w[mine])
            self.shards[k][:n] += g[mine] ** 2
            new[mine] -= self.lr * g[mine] / (np.sqrt(self.shards[k][:n]) + self.eps)
        return new


class WithoutTheLast(ByStride):
    """Rounds down, so that the last weights belong to no process."""

    def load(self, G):
        size = len(G) // self.n
        self.shards = [np.array(G)[k * size : (k + 1) * size] for k in range(self.n)]

    def step(self, w, grads):
        g, new, size = np.mean(grads, axis=0), w.copy(), len(self.shards[0])
        for k in range(self.n):
            mine = slice(k * size, (k + 1) * size)
            self.shards[k] = self.shards[k] + g[mine] ** 2
            new[mine] -= self.lr * g[mine] / (np.sqrt(self.shards[k]) + self.eps)
        return new


class SlicedByTheFirst(WithoutTheLast):
    """Cuts into nearly equal shards, but goes through the weights in steps of the largest."""

    def load(self, G):
        self.shards = [part.copy() for part in np.array_split(G, self.n)]

    def save(self):
        return np.concatenate(self.shards)


class WithItsWeights(ByStride):
    def step(self, w, grads):
        self.w = super().step(w, grads)
        return self.w.copy()


class OfProcessZero(ByStride):
    def step(self, w, grads):
        mine = np.arange(len(w)) % self.n == 0
        return np.where(mine, super().step(w, grads), w)


class Fading(ByStride):
    """Right with one process; otherwise the accumulator forgets."""

    def step(self, w, grads):
        if self.n > 1:
            self.shards = [0.9 * G for G in self.shards]
        return super().step(w, grads)


class HalfOfTheGradient(ByStride):
    def step(self, w, grads):
        return super().step(w, [g / 2 if self.n > 1 else g for g in grads])


class AsSGD(ByStride):
    def step(self, w, grads):
        return w - self.lr * np.mean(grads, axis=0)


class GrowingShards(ByStride):
    def step(self, w, grads):
        new = super().step(w, grads)
        self.shards = [self.save()] * self.n
        return new


class InPlace(ByStride):
    def step(self, w, grads):
        w[:] = super().step(w, grads)
        return w


class SavedRoots(ByStride):
    def save(self):
        return np.sqrt(super().save())


class Adding(ByStride):
    def load(self, G):
        before = getattr(self, "shards", None)
        super().load(G)
        if before:
            self.shards = [one + other for one, other in zip(before, self.shards, strict=True)]


class LoadedParts(ByStride):
    def load(self, G):
        self.shards = [np.asarray(G)[k :: self.n] for k in range(self.n)]

    def step(self, w, grads):
        g = np.mean(grads, axis=0)
        for k, shard in enumerate(self.shards):
            shard += g[k :: self.n] ** 2
        return w - self.lr * g / (np.sqrt(self.save()) + self.eps)


class ViewsOfTheWhole(ByStride):
    def load(self, G):
        self.everything = np.array(G)
        self.shards = [self.everything[k :: self.n] for k in range(self.n)]

    def step(self, w, grads):
        g = np.mean(grads, axis=0)
        for k, shard in enumerate(self.shards):
            shard += g[k :: self.n] ** 2
        return w - self.lr * g / (np.sqrt(self.everything) + self.eps)


class InPlaceInParts(ByStride):
    """Views, too, but of an array that nothing keeps but they."""

    def load(self, G):
        self.shards = np.array_split(np.array(G), self.n)

    def save(self):
        return np.concatenate(self.shards)

    def step(self, w, grads):
        parts = zip(self.shards, np.array_split(np.mean(grads, axis=0), self.n), strict=True)
        steps = []
        for shard, g in parts:
            shard += g**2
            steps.append(self.lr * g / (np.sqrt(shard) + self.eps))
        return w - np.concatenate(steps)


class SavingFullShards(InPlaceInParts):
    def save(self):
        return np.concatenate([shard for shard in self.shards if shard.any()])


class SavingTheOnlyShard(InPlaceInParts):
    def save(self):
        return self.shards[0] if self.n == 1 else super().save()


class LoadingWhatIsNotZero(InPlaceInParts):
    def load(self, G):
        if np.any(G) or not hasattr(self, "shards"):
            super().load(G)


class CopiedFromTheWhole(ByStride):
    def step(self, w, grads):
        g = np.mean(grads, axis=0)
        self.G = self.G + g**2
        self.shards = [self.G[k :: self.n].copy() for k in range(self.n)]
        return w - self.lr * g / (np.sqrt(self.G) + self.eps)

    def load(self, G):
        self.G = np.array(G)
        super().load(G)


class CopiedFromAnObject(CopiedFromTheWhole):
    """Keeps the whole where an array is not looked for."""

    @property
    def G(self):
        return self.hidden.G

    @G.setter
    def G(self, G):
        self.hidden = SimpleNamespace(G=G)


class WholeOfEach(ByStride):
    def __init__(self, d, processes, lr, eps):
        super().__init__(d, processes, lr, eps)
        self.everything = np.zeros((processes, d))


class SquaresOfAll(ByStride):
    def added(self, grads):
        return np.sum(np.square(grads), axis=0)

    def step(self, w, grads):
        G = self.save() + self.added(grads)
        self.load(G)
        return w - self.lr * np.mean(grads, axis=0) / (np.sqrt(G) + self.eps)


class SquareOfTheMeanDivided(SquaresOfAll):
    def added(self, grads):
        return np.mean(grads, axis=0) ** 2 / len(grads)


class JoinedFromTheLast(InPlaceInParts):
    def step(self, w, grads):
        return np.concatenate(np.array_split(super().step(w, grads), self.n)[::-1])


class GatheringAll(ByStride):
    def step(self, w, grads):
        w = super().step(w, grads)
        self.everything = self.save()
        return w


class WholeBeside(ByStride):
    def load(self, G):
        self.G = np.array(G)
        super().load(0 * self.G)

    def save(self):
        return self.G.copy()

    def step(self, w, grads):
        g = np.mean(grads, axis=0)
        self.G = self.G + g**2
        return w - self.lr * g / (np.sqrt(self.G) + self.eps)


class NoSave(ByStride):
    def save(self):
        pass


RIGHT = [
    (
        "6.1",
        {"weights": 60, "SGD": 0, "AdaGrad": 60, "Adam": 120.0, "row-wise": 0.2, "SM3": 0.201}
        | {"rows in 1.8 GB": 500_000},
    ),
    ("6.2", partial(half, start=6e-8)),
    ("6.2", partial(half, start=1e-7)),
    ("6.2", partial(half, eps=2.4e-4)),
    ("6.2", half_of_unrounded),
    ("6.2", half_root),
    ("6.2", half_logarithm),
    ("6.2", half_limited),
    ("6.2", half_scaled),
    ("6.2", half_at_random),
    ("6.2", partial(half_at_random, seed=3)),
    ("6.2", lambda g, lr=1.0: [part.astype(np.float16) for part in half(g, lr, start=6e-8)]),
    ("6.3", row_wise),
    ("6.3", row_wise_in_float32),
    ("6.3", row_wise_by_norm),
    ("6.4", partition_by_heap),
    ("6.4", partition_by_argmin),
    ("6.4", lambda sizes, n: np.array(partition_by_heap(sizes, n), dtype=np.float32)),
    ("6.5", lambda cost, failures: (2 * failures * cost) ** 0.5),
    ("6.5", lambda cost, failures: np.float32(math.sqrt(cost / (1 / (2 * failures))))),
    ("6.5", best_interval_by_search),
    ("6.6", ByStride),
    ("6.6", ByChunk),
    ("6.6", InPlaceInParts),
    ("6.6", Padded),
    ("6.6", InRandomOrder),
]

ALL = {"weights": 60, "SGD": 0, "AdaGrad": 60, "Adam": 120, "row-wise": 0.2, "SM3": 0.2012}
ALL |= {"rows in 1.8 GB": 500_000}

# With what the hint must say, or None where there must be none.
WRONG = [
    ("6.1", ALL | {"AdaGrad": 120}, "counted as state"),
    ("6.1", ALL | {"weights": 120, "AdaGrad": 120, "Adam": 240}, "float64"),
    ("6.1", ALL | {"weights": 57.22, "AdaGrad": 57.22, "Adam": 114.4}, "2²⁰"),
    ("6.1", ALL | {"Adam": 180}, "counted as state"),
    ("6.1", ALL | {"SGD": 60}, "or gradients counted"),
    ("6.1", ALL | {"rows in 1.8 GB": 750_000}, "gradients"),
    ("6.1", ALL | {"SM3": 15_000_000}, None),
    ("6.2", half, "square"),
    ("6.2", partial(half_root, eps=0.0), "What is ε for"),
    ("6.2", half_rounded_root, "rounded down"),
    ("6.2", partial(half_rounded_root, floor=6e-8), "rounded down"),
    ("6.2", lambda g, lr=1.0: half(g, lr, start=6e-8)[::-1], "weights come first"),
    ("6.2", half_of_half_the_square, None),
    ("6.2", partial(half_scaled, scale=1024), "inf"),
    ("6.2", partial(half_scaled, scale=40), "inf"),  # in the last of a dozen steps
    ("6.2", partial(half_limited, most=1.0), "not always 1"),
    ("6.2", half_limited_at_the_end, "Is each step limited"),
    ("6.2", partial(half, eps=1e-8), "square"),
    ("6.2", lambda g, lr=1.0: half(g.astype(np.float16), lr), "square"),
    ("6.2", partial(half, number=np.float32), "2 bytes"),
    ("6.2", partial(half, number=np.float64), "2 bytes"),
    ("6.2", partial(half, start=1e-3), "too large"),
    (
        "6.2",
        lambda g, lr=1.0: (-lr * np.sign(g).sum(axis=0), np.zeros(g.shape[1], np.float16)),
        "on",
    ),
    ("6.2", lambda g, lr=1.0: (-half(g, lr, start=6e-8)[0], half(g)[1]), "uphill"),
    ("6.2", lambda g, lr=1.0: (half(g, 1.0, start=6e-8)[0], half(g)[1]), "not always 1"),
    ("6.2", lambda g, lr=1.0: half(g, lr, start=6e-8)[0], None),
    ("6.2", half_at_least, "rounded down"),
    ("6.2", half_without_lost_squares, "rounded down"),
    ("6.2", partial(half, eps=1e-4), "rounded down"),
    ("6.2", lambda g, lr=1.0: half(g, 1.0, start=6e-8), "not always 1"),
    ("6.2", lambda g, lr=1.0: (half(g, lr, start=6e-8)[0], np.full(g.shape[1], "ab")), "2 bytes"),
    ("6.2", lambda g, lr=1.0: (half(g, lr, start=6e-8)[0], np.float16(0 * g[0])), "depend"),
    ("6.2", half_with_hidden_roots, "more digits"),
    (
        "6.2",
        lambda g, lr=1.0: (lambda w, G: (w, np.float16(G)))(
            *half(g, lr, start=6e-8, number=np.float32)
        ),
        "more digits",
    ),
    ("6.3", divided_by_rows, None),
    ("6.3", divided_by_one_less, None),
    ("6.3", of_entries_that_are_not_zero, None),
    ("6.3", of_rows_without_a_zero, None),
    ("6.3", lambda w, G, g, lr, eps: row_wise(w, G, g, 0.1, eps), None),
    ("6.3", lambda w, G, g, lr, eps: row_wise(w, G, g, 1.0, eps), "rate is missing"),
    ("6.3", lambda w, G, g, lr, eps: row_wise(w, G, -g, lr, eps), "uphill"),
    ("6.3", lambda w, G, g, lr, eps: row_wise_by_norm(w, G, g, lr, 0.0), "nan"),
    ("6.3", lambda w, G, g, lr, eps: row_wise(w, G, g * np.sqrt(g.shape[1]), lr, eps), None),
    ("6.3", lambda w, G, g, lr, eps: row_wise(w, 0 * G, g, lr, eps), "goes on"),
    ("6.3", lambda w, G, g, lr, eps: row_wise(w, G, g, lr, eps)[0], None),
    ("6.3", lambda w, G, g, lr, eps: (w - lr * g / (np.abs(g) + eps), G), None),
    (
        "6.3",
        lambda w, G, g, lr, eps: (w - lr * g / (np.sqrt(G + (g**2).mean(1)) + eps), G),
        "axis 1",
    ),
    ("6.4", partition_in_place, "copy"),
    ("6.4", partition_last_first, None),
    ("6.4", partition_with_ties_to(1), None),
    ("6.4", partition_with_ties_to(-1), None),
    ("6.4", lambda sizes, n: partition_by_heap(sizes, n)[:4], None),
    ("6.4", partition_fewest_tensors, "turns"),
    ("6.4", lambda sizes, n: sorted(partition_by_heap(sizes, n)), None),
    ("6.4", lambda sizes, n: sorted(partition_by_heap(sizes, n), reverse=True), "sorted"),
    ("6.4", lambda sizes, n: [sum(sizes) / n] * n, "divided"),
    ("6.4", lambda sizes, n: max(partition_by_heap(sizes, n)), None),
    ("6.5", lambda cost, failures: math.sqrt(cost * failures), "half"),
    ("6.5", lambda cost, failures: cost + failures, None),
    ("6.5", lambda cost, failures: failures, None),
    ("6.5", lambda cost, failures: math.sqrt(2 * failures), None),
    ("6.5", lambda cost, failures: round(math.sqrt(2 * cost * failures)), None),
    ("6.5", lambda cost, failures: 2 * cost * failures, "k²"),
    ("6.5", lambda cost, failures: 100.0, None),
    ("6.6", OnlyTheFirst, "mean"),
    ("6.6", Concatenated, "order of the weights"),
    ("6.6", EmptyEachStep, "second step"),
    ("6.6", OneShardNamedOften, "One array"),
    ("6.6", WithoutTheLast, "Which process updates it"),
    ("6.6", SlicedByTheFirst, None),
    ("6.6", WithItsWeights, "own part only"),
    ("6.6", OfProcessZero, "Which process updates it"),
    ("6.6", Fading, None),
    ("6.6", HalfOfTheGradient, None),
    ("6.6", WithoutRate, "itself"),
    ("6.6", AsSGD, "itself"),
    ("6.6", GrowingShards, "data parallel"),
    ("6.6", NoSave, None),
    ("6.6", InPlace, "copy"),
    ("6.6", SavedRoots, None),
    ("6.6", Adding, "taken the place"),
    ("6.6", LoadedParts, "parts of a copy"),
    ("6.6", WholeBeside, "somewhere else"),
    ("6.6", ViewsOfTheWhole, "own part only"),
    ("6.6", GatheringAll, "own part only"),
    ("6.6", SavingNoZeros, None),
    ("6.6", SavingFullShards, None),
    ("6.6", SavingTheOnlyShard, "copy"),
    ("6.6", LoadingWhatIsNotZero, "taken the place"),
    ("6.6", CopiedFromTheWhole, "own part only"),
    ("6.6", CopiedFromAnObject, "somewhere else"),
    ("6.6", WholeOfEach, "own part only"),
    ("6.6", SquaresOfAll, "Whose square"),
    ("6.6", SquareOfTheMeanDivided, "once more"),
    ("6.6", JoinedFromTheLast, "All new weights are there"),
    ("6.6", ByStride(4, 2, 0.1, 0.0), None),
]
