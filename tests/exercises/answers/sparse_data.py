"""Answers to the exercises of chapter 4: right ones in other forms, and wrong ones."""

import math
from collections import defaultdict
from functools import partial
from itertools import pairwise

import numpy as np

from adagrad_course.exercises.sparse_data import (
    ALIKE,
    BELATED,
    EQUAL_ONES,
    LONGER,
    REPLACED,
    ROOTLESS,
    ROWS,
    SHARED,
    SHORTER,
    coalesced,
    errors_by_rarest,
    grouped,
    last_ones,
    octaves,
    own_adagrad,
    own_norm,
    own_optimizer,
    own_sgd,
    table,
)
from adagrad_course.sparse import coalesce


class RowByRow:
    """The table of 4.1 with a loop, and names of its own."""

    def __init__(self, n_rows, width, lr):
        self.W, self.memory, self.lr = np.zeros((n_rows, width)), {}, lr

    def step(self, rows, grads):
        total = defaultdict(float)
        for row, g in zip(rows.tolist(), grads, strict=True):
            total[row] = total[row] + g
        for row, g in total.items():
            self.memory[row] = self.memory.get(row, 0.0) + g * g
            self.W[row] -= self.lr * g / (self.memory[row] ** 0.5 + 1e-10)

    @property
    def G(self):
        G = np.zeros_like(self.W)
        for row, squares in self.memory.items():
            G[row] = squares
        return G


class Coalesced(table()):
    def step(self, rows, grads):
        rows, grads = coalesce(rows, grads)
        G = self.G[rows] + np.square(grads)
        self.G[rows] = G
        self.W[rows] = self.W[rows] - np.divide(self.lr, 1e-10 + np.sqrt(G)) * grads


class Sloppy(table()):
    """As the reader gets it."""

    def step(self, rows, grads):
        np.add.at(self.G, rows, grads**2)
        np.subtract.at(self.W, rows, self.lr / (np.sqrt(self.G[rows]) + 1e-10) * grads)


class LastSquareOnly(table()):
    def step(self, rows, grads):
        self.G[rows] += grads**2
        np.subtract.at(self.W, rows, self.lr / (np.sqrt(self.G[rows]) + 1e-10) * grads)


class SummingInPlace(table()):
    """Adds up in the arrays that it is given."""

    def step(self, rows, grads):
        for i, row in enumerate(rows):
            first = list(rows).index(row)
            if first < i:
                grads[first] += grads[i]
                grads[i] = 0
        for row, g in zip(rows, grads, strict=True):
            super().step(np.array([row]), g[None])


class WithoutEpsilon(table()):
    def step(self, rows, grads):
        rows, grads = coalesce(rows, grads)
        self.G[rows] += grads**2
        self.W[rows] -= self.lr * grads / np.sqrt(self.G[rows])


class WithEpsilonInside(table()):
    def step(self, rows, grads):
        rows, grads = coalesce(rows, grads)
        self.G[rows] += grads**2
        self.W[rows] -= self.lr * grads / np.sqrt(self.G[rows] + 1e-10)


class OfWholeTables(table()):
    """Computes with all rows, in arrays that it made once."""

    def __init__(self, n_rows, width, lr):
        super().__init__(n_rows, width, lr)
        self.grads, self.squares = np.zeros((2, n_rows, width))

    def step(self, rows, grads):
        self.grads.fill(0.0)
        np.add.at(self.grads, rows, grads)
        np.square(self.grads, out=self.squares)
        self.G += self.squares
        np.sqrt(self.G, out=self.squares)
        self.squares += 1e-10
        self.grads /= self.squares
        self.grads *= self.lr
        self.W -= self.grads


class ClearingAllRows(table()):
    """Adds up in a table of its own, which it clears as a whole."""

    def __init__(self, n_rows, width, lr):
        super().__init__(n_rows, width, lr)
        self.grads = np.zeros((n_rows, width))

    def step(self, rows, grads):
        self.grads[:] = 0.0
        np.add.at(self.grads, rows, grads)
        rows = np.unique(rows)
        super().step(rows, self.grads[rows])


class ClearingNamedRows(ClearingAllRows):
    def step(self, rows, grads):
        np.add.at(self.grads, rows, grads)
        rows = np.unique(rows)
        table().step(self, rows, self.grads[rows])
        self.grads[rows] = 0.0


class LookingForRows(table()):
    """Finds the rows named with a mark for each row."""

    def step(self, rows, grads):
        named = np.zeros(len(self.W), dtype=bool)
        named[rows] = True
        for row in np.flatnonzero(named):
            super().step(np.array([row]), grads[rows == row].sum(axis=0)[None])


class LookingAtAllSums(Coalesced):
    def step(self, rows, grads):
        self.total = self.G.sum()
        super().step(rows, grads)


class PairsOnce(Coalesced):
    def step(self, rows, grads):
        pairs = sorted({(int(row), *g) for row, g in zip(rows, grads, strict=True)})
        rows = np.array([pair[0] for pair in pairs])
        super().step(rows, np.array([pair[1:] for pair in pairs]))


class Copying(Coalesced):
    def step(self, rows, grads):
        self.W = self.W.copy()
        super().step(rows, grads)


def with_dictionary(rows, grads):
    sums = {}
    for row, g in zip(rows, grads, strict=True):
        sums[row] = sums.get(row, 0) + g
    return sorted(sums), [sums[row] for row in sorted(sums)]


def with_masks(rows, grads):
    different = np.array(sorted(set(rows)))
    return different, np.array([grads[rows == row].sum() for row in different])


def with_bincount(rows, grads):
    different = np.unique(rows)
    return different, np.bincount(rows, weights=grads)[different]


def with_bincount_of_places(rows, grads):
    different, position = np.unique(rows, return_inverse=True)
    return different, np.bincount(position, weights=grads)


def with_a_set_of_pairs(rows, grads):
    return with_dictionary(*zip(*set(zip(rows, grads, strict=True)), strict=True))


def with_different_gradients(rows, grads):
    different = np.unique(rows)
    return different, [np.unique(grads[rows == row]).sum() for row in different]


def sorted_by_the_first_letter(rows, grads):
    different = sorted(
        dict.fromkeys(rows), key=lambda row: str(row)[0] if rows.dtype.kind == "U" else row
    )
    return different, [grads[rows == row].sum() for row in different]


def with_small_numbers(rows, grads):
    return with_dictionary(rows if rows.dtype.kind == "U" else rows.astype(np.int8), grads)


def with_four_groups(counts, examples, wrong, limits):
    group = np.searchsorted(limits, [counts[words].min() for words in examples])
    sizes = np.bincount(group, minlength=4)
    return sizes, np.bincount(group, wrong, minlength=4) / sizes


def with_the_present_ones_counted(q, D, target):
    adagrad, norm = rounds_in_loops(q, D, target)
    return adagrad, norm * np.mean(q > 0)


def by_rarest_in_loops(counts, examples, wrong, limits):
    edges = [0, *limits, math.inf]
    sizes, shares = [], []
    for low, high in pairwise(edges):
        of_group = [
            bool(w)
            for words, w in zip(examples, wrong, strict=True)
            if low < min(counts[word] for word in words) <= high
        ]
        sizes.append(len(of_group))
        shares.append(sum(of_group) / len(of_group))
    return sizes, shares


def by_rarest_with_masks(counts, examples, wrong, limits):
    rarest, low, found = np.array([min(counts[words]) for words in examples]), 0, []
    for high in limits + [np.inf]:  # noqa: RUF005
        group = (low < rarest) & (rarest <= high)
        found.append((np.sum(group), np.mean(wrong[group])))
        low = high
    return tuple(np.array(found).T)


def by_rarest_up_to_a_thousand(counts, examples, wrong, limits):
    bins = 0.5 + np.array([0, *limits, 1000])
    rarest = np.array([min(counts[words]) for words in examples])
    sizes, _ = np.histogram(rarest, bins)
    return sizes, np.histogram(rarest[wrong], bins)[0] / np.maximum(sizes, 1)


def by_rarest_with_a_limit_more(counts, examples, wrong, limits):
    limits.append(np.inf)
    return errors_by_rarest(counts, examples, wrong, limits[:-1])


def by_rarest_with_bincount(counts, examples, wrong, limits):
    rarest = np.array([counts[words].min() for words in examples])
    group = (rarest[:, None] > limits).sum(axis=1)
    n = len(limits) + 1
    sizes = np.bincount(group, minlength=n)
    return sizes, np.bincount(group, weights=wrong, minlength=n) / np.maximum(sizes, 1)


def without_empty_last_groups(counts, examples, wrong, limits):
    group = np.searchsorted(limits, [counts[words].min() for words in examples])
    sizes = np.bincount(group)
    return sizes, np.bincount(group, wrong) / sizes


def without_the_last_group(*args):
    sizes, shares = errors_by_rarest(*args)
    return sizes[:-1], shares[:-1]


def by_count_of(which):
    """Return groups by the count of a word that is not always the rarest."""

    def by_rarest(counts, examples, wrong, limits):
        return errors_by_rarest(counts, [which(counts, words) for words in examples], wrong, limits)

    return by_rarest


def of_the_last_word(counts, words):
    return [max(words)]


def of_the_second_rarest(counts, words):
    return words[np.argsort(counts[words])][1:2] if len(words) > 1 else words


def only_four_groups(*args):
    sizes, shares = errors_by_rarest(*args)
    return sizes[:4], shares[:4]


def of_three_limits(counts, examples, wrong, limits):
    return errors_by_rarest(counts, examples, wrong, sorted(limits)[:3])


def adagrad_divided_by_d(q, D, target):
    adagrad, norm = rounds_in_loops(q, D, target)
    return adagrad / len(q), norm


def rounds_in_loops(q, D, target):
    roots = sum(math.sqrt(f) for f in q)
    return [2 * D**2 * S / target**2 for S in (roots**2, len(q) * sum(q))]


def width_on_a_grid(points):
    def width(lrs, errors):
        x = np.log2(lrs)
        fine = np.linspace(x[0], x[-1], points)
        good = fine[np.interp(fine, x, errors) <= 1.1 * min(errors)]
        return good[-1] - good[0]

    return width


def width_of_decades(lrs, errors):
    fine = np.geomspace(lrs[0], lrs[-1], 5000)
    good = np.interp(np.log10(fine), np.log10(lrs), errors) < 1.1 * np.min(errors)
    return np.mean(good) * math.log2(lrs[-1] / lrs[0])


def width_within(share):
    return lambda lrs, errors: octaves(lrs, errors, margin=share)


def width_of_a_side(side, lrs, errors):
    x, least = np.log2(lrs), np.argmin(errors)
    left, right = slice(least, None, -1), slice(least, None)
    ends = [np.interp(1.1 * errors[least], errors[part], x[part]) for part in (left, right)]
    return sum(abs(end - x[least]) for end in ends[side])


def share_of_the_rates(lrs, errors):
    return np.mean(errors <= 1.1 * np.min(errors)) * np.log2(lrs[-1] / lrs[0])


def width_without_an_end(lrs, errors):
    return np.inf if np.argmin(errors) in (0, len(errors) - 1) else octaves(lrs, errors)


def power_of(power, lr):
    def step(W, rows, grads, G):
        G[rows] += grads**2
        W[rows] -= lr * grads / (G[rows] ** power + 1e-10)

    return own_optimizer(step)


class RowWise:
    """One accumulator for each word."""

    def __init__(self, n_words, n_classes):
        self.G = np.zeros(n_words)

    def step(self, W, rows, grads):
        self.G[rows] += np.mean(grads**2, axis=1)
        W[rows] -= 0.6 * (grads.T / (np.sqrt(self.G[rows]) + 1e-10)).T


class AdaGradWithARate:
    def __init__(self, n_words, n_classes, lr):
        self.G, self.lr = np.zeros((n_words, n_classes)), lr

    def step(self, W, rows, grads):
        self.G[rows] += grads**2
        W[rows] -= self.lr * grads / (np.sqrt(self.G[rows]) + 1e-10)


class MarkingRows(AdaGradWithARate):
    def step(self, W, rows, grads):
        named = np.zeros(len(W), dtype=bool)
        named[rows] = True
        super().step(W, rows, grads)


class LookingForTheLargest(AdaGradWithARate):
    def step(self, W, rows, grads):
        self.largest = self.G.max()
        super().step(W, rows, grads)


class FallingLinearly:
    def __init__(self, n_words, n_classes):
        self.t = 0

    def step(self, W, rows, grads):
        self.t += 1
        W[rows] -= 32 * (1 - self.t / 251) * grads


class Falling:
    def __init__(self, n_words, n_classes):
        self.t = 0

    def step(self, W, rows, grads):
        self.t += 1
        W[rows] -= 128 / self.t**0.5 * grads


class WithWholeTables:
    """Computes with all rows, in arrays that it made once."""

    def __init__(self, n_words, n_classes):
        self.G, self.grads, self.roots = np.zeros((3, n_words, n_classes))

    def step(self, W, rows, grads):
        self.grads[:] = 0
        self.grads[rows] = grads
        np.multiply(self.grads, self.grads, out=self.roots)
        self.G += self.roots
        np.sqrt(self.G, out=self.roots)
        W[rows] -= grads / (self.roots[rows] + 1e-10)


class LosingMemory:
    """Lets all accumulators shrink, whichever rows are named."""

    def __init__(self, n_words, n_classes):
        self.G = np.zeros((n_words, n_classes))

    def step(self, W, rows, grads):
        self.G *= 0.999
        self.G[rows] += grads**2
        W[rows] -= grads / (np.sqrt(self.G[rows]) + 1e-10)


def not_in_place(W, rows, grads, G):
    W = W.copy()
    W[rows] -= grads
    return W


def rmsprop(W, rows, grads, G):
    G[rows] = 0.9 * G[rows] + 0.1 * grads**2
    W[rows] -= 0.3 * grads / (np.sqrt(G[rows]) + 1e-3)


def decay_of_all_rows(W, rows, grads, G):
    G[rows] += grads**2
    W[rows] -= grads / (np.sqrt(G[rows]) + 1e-10)
    W *= 0.9999


def in_the_gradient(W, rows, grads, G):
    G[rows] += grads**2
    grads /= np.sqrt(G[rows]) + 1e-10
    W[rows] -= grads


def replacing(W, rows, grads, G):
    G[rows] += grads**2
    W[rows] = -0.5 * grads / (np.sqrt(G[rows]) + 1e-8)


def before_the_accumulator(W, rows, grads, G):
    W[rows] -= grads / (np.sqrt(G[rows]) + 1e-8)
    G[rows] += grads**2


def without_a_step(W, rows, grads, G):
    W[rows] -= 0 * grads / 0.0


RIGHT = [
    ("4.1", RowByRow),
    ("4.1", Coalesced),
    ("4.1", ClearingNamedRows),
    ("4.2", lambda often, rarely: [often / rarely, math.sqrt(often) / math.sqrt(rarely)]),
    ("4.2", lambda often, rarely: np.float32([often / rarely, (often / rarely) ** 0.5])),
    ("4.3", with_dictionary),
    ("4.3", with_masks),
    ("4.3", with_bincount_of_places),
    ("4.4", by_rarest_in_loops),
    ("4.4", by_rarest_with_bincount),
    ("4.4", by_rarest_with_masks),
    ("4.5", rounds_in_loops),
    ("4.6", width_on_a_grid(2000)),
    ("4.6", width_of_decades),
    ("4.7", own_adagrad(lr=2.0)),
    ("4.7", own_adagrad(lr=1.5, start=1e-3)),
    ("4.7", power_of(0.4, 2.0)),
    ("4.7", RowWise),
    ("4.7", partial(AdaGradWithARate, lr=1.2)),
    ("4.7", lambda n_words, n_classes: AdaGradWithARate(n_words, n_classes, 0.8)),
    ("4.7", own_optimizer(rmsprop)),
]

# With what the hint must say, or None where there must be none.
WRONG = [
    ("4.1", Sloppy, "what is squared"),
    ("4.1", LastSquareOnly, None),
    ("4.1", Copying, ROWS),
    ("4.1", OfWholeTables, ROWS),
    ("4.1", ClearingAllRows, ROWS),
    ("4.1", LookingForRows, ROWS),
    ("4.1", LookingAtAllSums, ROWS),
    ("4.1", PairsOnce, EQUAL_ONES),
    ("4.1", SummingInPlace, "Work on a copy"),
    ("4.1", WithoutEpsilon, "0/0"),
    ("4.1", WithEpsilonInside, "not under it"),
    ("4.1", table(own_lr=0.7), None),
    ("4.1", table(own_lr=1.0), "rate"),
    ("4.1", table(last_ones, divisor=lambda before, after, eps: 1.0), None),
    ("4.2", lambda often, rarely: (often / rarely, 10), None),
    ("4.2", lambda often, rarely: (often, rarely), None),
    ("4.3", coalesce, "Rows may be words"),
    ("4.3", lambda rows, grads: coalesce(rows, grads), "Rows may be words"),
    ("4.3", with_bincount, "Rows may be words"),
    ("4.3", with_a_set_of_pairs, EQUAL_ONES),
    ("4.3", with_different_gradients, EQUAL_ONES),
    ("4.3", sorted_by_the_first_letter, None),
    ("4.3", with_small_numbers, None),
    ("4.3", lambda rows, grads: [part[:5] for part in with_masks(rows, grads)], None),
    ("4.3", lambda rows, grads: dict(zip(*coalesced(rows, grads), strict=True)), None),
    ("4.4", with_four_groups, "and one more"),
    ("4.4", by_rarest_with_a_limit_more, "Work on a copy"),
    ("4.4", grouped(of=np.median), "the median"),
    ("4.4", grouped(of=np.sum), "the sum"),
    ("4.4", without_the_last_group, "more"),
    ("4.4", by_rarest_up_to_a_thousand, None),
    ("4.4", without_empty_last_groups, "whether there are examples"),
    ("4.4", only_four_groups, "and one more"),
    ("4.4", of_three_limits, "and one more"),
    ("4.4", by_count_of(of_the_last_word), None),
    ("4.4", by_count_of(of_the_second_rarest), None),
    ("4.4", lambda *args: errors_by_rarest(*args)[1], None),
    ("4.5", lambda q, D, target: rounds_in_loops(q, 2.0, target), None),
    ("4.5", lambda q, D, target: rounds_in_loops(q, target, D), None),
    ("4.5", adagrad_divided_by_d, None),
    ("4.5", with_the_present_ones_counted, None),
    ("4.6", lambda lrs, errors: octaves(lrs[::-1], errors[::-1]), None),
    ("4.6", lambda lrs, errors: octaves(2.0 ** np.arange(len(lrs)), errors), "twice"),
    ("4.6", lambda lrs, errors: np.log2(lrs[-1] / lrs[0]), None),
    *(("4.6", width_within(share), None) for share in (0.05, 0.2)),
    ("4.6", width_without_an_end, "that was tried"),
    *(("4.6", partial(width_of_a_side, side), None) for side in (slice(0, 1), slice(1, 2))),
    ("4.6", share_of_the_rates, None),
    ("4.7", own_sgd(lr=8.0), ALIKE),
    ("4.7", power_of(1, 1.0), ROOTLESS),
    ("4.7", Falling, SHARED),
    ("4.7", FallingLinearly, SHARED),
    ("4.7", own_optimizer(replacing), REPLACED),
    ("4.7", own_optimizer(before_the_accumulator), BELATED),
    ("4.7", partial(MarkingRows, lr=1.0), ROWS),
    ("4.7", partial(LookingForTheLargest, lr=1.0), ROWS),
    ("4.7", own_norm(lr=1.0), SHARED),
    ("4.7", own_adagrad(lr=0.25), LONGER),
    ("4.7", own_adagrad(lr=30.0), SHORTER),
    ("4.7", own_optimizer(not_in_place), "in place"),
    ("4.7", own_optimizer(without_a_step), "0/0"),
    ("4.7", own_optimizer(decay_of_all_rows), ROWS),
    ("4.7", WithWholeTables, ROWS),
    ("4.7", LosingMemory, ROWS),
    ("4.7", own_optimizer(in_the_gradient), "Work on a copy"),
]
