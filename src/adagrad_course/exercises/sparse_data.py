"""The exercises of chapter 4, Sparse data."""

import timeit
import tracemalloc
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from .._arrays import log_softmax
from ..datasets import unicode_names
from ..sparse import _batches, coalesce
from ._steps import SQUARES_ALONE, belated, eps_inside, root, without_root
from ._trials import IN_PLACE, Wrong, numbers_like
from ._values import plain, show
from .machinery import Exercise

__all__ = ["EXERCISES", "race"]

GIVEN_CHANGED = "step changed `rows` or `grads` in place"
EQUAL_ONES = "A row named twice with equal gradients has twice that gradient. Is one of them lost?"
ROWS = "Is there an operation on the whole table? Work on the rows named, as W[rows]."


def summed(rows, grads, add=np.add.at):
    """Return each row once, with the sum of its gradients and what to add to its accumulator."""
    unique, position = np.unique(rows, return_inverse=True)
    total = np.zeros((len(unique), *grads.shape[1:]))
    add(total, position, grads)
    return unique, total, total**2


def the_last_only(total, position, grads):
    total[position] += grads


def last_ones(rows, grads):
    return summed(rows, grads, the_last_only)


def averaged(rows, grads):
    unique, total, _ = summed(rows, grads)
    mean = total / np.unique(rows, return_counts=True)[1][:, None]
    return unique, mean, mean**2


def with_squares_summed(rows, grads):
    unique, total, _ = summed(rows, grads)
    return unique, total, summed(rows, grads**2)[1]


def table(gather=summed, divisor=root, kept=True, sign=1, own_lr=None):
    """Make a table with sparse steps, right by default or with one mistake."""

    class Table:
        def __init__(self, n_rows, width, lr):
            self.W, self.G = np.zeros((2, n_rows, width))
            self.lr = own_lr or lr

        def step(self, rows, grads):
            rows, grads, squares = gather(rows, grads)
            before = self.G[rows] if kept else 0.0
            self.G[rows] = before + squares
            self.W[rows] -= sign * self.lr * grads / divisor(before, before + squares, 1e-10)

    return Table


class OneByOne(table()):
    """Takes a step for each of the gradients of a row."""

    def step(self, rows, grads):
        for row, grad in zip(rows, grads, strict=True):
            super().step([row], grad[None])


class Dense(table()):
    """Computes with all rows."""

    def step(self, rows, grads):
        whole = np.zeros_like(self.W)
        np.add.at(whole, rows, grads)
        self.G += whole**2
        self.W -= self.lr * whole / (np.sqrt(self.G) + 1e-10)


def play_table(kind, shape, lr, batches):
    """Return the table and its accumulator after each step."""
    player, visited = kind(*shape, lr), []
    for rows, grads in batches:
        given = rows.copy(), grads.copy()
        player.step(*given)
        if not all(map(np.array_equal, given, (rows, grads))):
            raise Wrong(GIVEN_CHANGED, IN_PLACE)
        visited.append([np.array(player.W), np.array(player.G)])
    return np.array(visited)


def a_table(n_rows, width, n_named, repeated=True):
    def draw(rng):
        batches = []
        for _ in range(4):
            rows = rng.choice(n_rows, n_named, replace=repeated).astype(np.intp)
            rows = np.append(rows, rows[0]) if repeated else rows  # at least one stands twice
            batches.append((rows, rng.normal(size=(len(rows), width))))
        return (n_rows, width), rng.uniform(0.2, 2), batches

    return draw


SMALL, LARGE = 1_000, 2_000_000  # rows of a table


def peak_memory(work):
    """Return how many bytes more than before `work()` holds at most."""
    was_tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not was_tracing:
            tracemalloc.stop()


def least_seconds(work):
    """Return how long `work()` takes when nothing else keeps the machine busy."""
    return min(timeit.repeat(work, repeat=7, number=1))


def demand_named_rows_only(small_step, large_step):
    """Raise `Wrong` if a step on a large table needs the memory or the time of all its rows."""
    large_step()  # what is made once does not count
    if peak_memory(large_step) > 1e6:
        raise Wrong(
            "expected less than 1 MB of memory for a step that names 3 rows of a large table, "
            "got more",
            ROWS,
        )
    # A pass over the large table takes half a millisecond or longer, if it is only read.
    if least_seconds(large_step) > 5 * least_seconds(small_step) + 2e-4:
        raise Wrong(
            "expected a step that names 3 rows to take as long in a large table as in a small "
            "one, got one that takes far longer",
            ROWS,
        )


def steps_on_the_rows(kind):
    def step_on(n_rows):
        player, rows = kind(n_rows, 2, 0.3), np.array([7, n_rows - 90, 7])
        grads = np.array([[0.3, 1.5], [2.5, -0.7], [0.4, -0.2]])
        return lambda: player.step(rows, grads)

    demand_named_rows_only(step_on(SMALL), step_on(LARGE))


def coalesced(rows, grads, gather=summed):
    return gather(rows, grads)[:2]


def coalesced_to_means(rows, grads):
    unique, total = coalesced(rows, grads)
    return unique, total / np.unique(rows, return_counts=True)[1]


def different_ones(rows, grads):
    """Return a row's gradients each once, as a set of pairs keeps them."""
    pairs = np.column_stack([np.unique(rows, return_inverse=True)[1], grads])
    kept = np.sort(np.unique(pairs, axis=0, return_index=True)[1])
    return rows[kept], grads[kept]


def summed_once(rows, grads):
    return summed(*different_ones(rows, grads))


def coalesced_in_order_of_appearance(rows, grads):
    unique, total = coalesced(rows, grads)
    first = np.argsort([list(rows).index(row) for row in unique])
    return unique[first], total[first]


def coalesced_to_dense(rows, grads):
    dense = np.zeros(max(rows) + 1)
    np.add.at(dense, rows, grads)
    return np.arange(len(dense)), dense


def a_sparse_gradient(rng):
    times = rng.integers(1, 4, 7).astype(np.intp)  # of 32 bits on some machines
    rows = rng.permutation(np.repeat(rng.choice(100_000, 7, replace=False), times))
    return rows, rng.normal(size=rows.size)


def errors_by_rarest(counts, examples, wrong, limits, of=np.min, inclusive=True, share=np.mean):
    """Group examples by how often their rarest word occurs; return sizes and shares of errors."""
    rarest = [of(np.asarray(counts)[words]) for words in examples]
    group, wrong = np.digitize(rarest, limits, right=inclusive), np.asarray(wrong)
    groups = [wrong[group == k] for k in range(len(limits) + 1)]
    return np.array([len(part) for part in groups]), np.array([share(part) for part in groups])


def grouped(**mistake):
    return lambda *args: errors_by_rarest(*args, **mistake)


def words_for_counts(counts, *others):
    return errors_by_rarest(np.arange(len(counts)), *others)


def as_shares_of(total):
    """Return a mistake: each group's errors as a share of another total."""

    def by_rarest(counts, examples, wrong, limits):
        sizes, errors = errors_by_rarest(counts, examples, wrong, limits, share=np.sum)
        return sizes, errors / total(wrong)

    return by_rarest


def up_to_each_limit(counts, examples, wrong, limits):
    sizes, errors = errors_by_rarest(counts, examples, wrong, limits, share=np.sum)
    return np.cumsum(sizes), np.cumsum(errors) / np.cumsum(sizes)


def the_rarest_last(*args):
    sizes, shares = errors_by_rarest(*args)
    return sizes[::-1], shares[::-1]


def without_empty_groups(*args):
    sizes, shares = errors_by_rarest(*args)
    return sizes[sizes > 0], shares[sizes > 0]


EMPTY = "There is a group for each limit and one more, whether there are examples in it or not."


def counts_empty_groups(answer):
    """Raise `Wrong` unless groups without examples are there, whatever their share is."""
    counts, examples = np.array([9, 2, 40, 4]), [np.array([0, 1]), np.array([2]), np.array([0, 2])]
    wrong, limits = np.array([True, False, True]), [3, 5, 20, 60, 90]
    try:
        sizes, shares = answer(counts, examples, wrong, limits)
    except ZeroDivisionError:  # the exercise does not say what the share of no example is
        return
    right = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    if np.size(sizes) != 6 or np.size(shares) != 6:
        hint = EMPTY if np.array_equal(np.ravel(sizes)[np.ravel(sizes) != 0], [1, 1, 1]) else None
        raise Wrong(
            f"expected 6 numbers and 6 shares for 5 limits, got {np.size(sizes)} and "
            f"{np.size(shares)}",
            hint,
        )
    if (numbers_like(right, sizes) != right).any():
        raise Wrong(f"expected {show(right)} examples in the groups, got {show(plain(sizes))}")


def some_examples(*limits, n=12, most=90):
    """Return what draws examples of up to four words; each group has one more at its upper end."""

    def draw(rng):
        counts = rng.permutation([1, 2, 3, 5, 7, 9, 12, 25, 30, 44, most])
        examples = [rng.choice(11, size=m, replace=False) for m in rng.integers(1, 5, size=n)]
        examples += [np.flatnonzero(counts == count) for count in (*limits, most)]
        return counts, examples, rng.random(len(examples)) < 0.4, list(limits)

    return draw


def rounds_needed(q, D, target):
    scale = 2 * (D / target) ** 2
    return scale * np.sum(np.sqrt(q)) ** 2, scale * len(q) * np.sum(q)


def octaves(lrs, errors, margin=0.1):
    """Width of the rates within a margin of the least error, lines drawn between the points."""
    x, limit = np.log2(lrs), (1 + margin) * np.min(errors)
    good = np.flatnonzero(errors <= limit)
    low, high = good[0], good[-1]
    left = right = 0.0
    if low > 0:
        left = (errors[low - 1] - limit) / (errors[low - 1] - errors[low])
        left = (1 - left) * (x[low] - x[low - 1])
    if high < len(x) - 1:
        right = (limit - errors[high]) / (errors[high + 1] - errors[high])
        right = right * (x[high + 1] - x[high])
    return x[high] - x[low] + left + right


def octaves_on_the_grid(lrs, errors):
    good = np.log2(lrs)[errors <= 1.1 * np.min(errors)]
    return good[-1] - good[0]


def octaves_of_a_tenth(lrs, errors):
    return octaves(lrs, errors, margin=0.1 / np.min(errors))


def octaves_in_decades(lrs, errors):
    return octaves(lrs, errors) * np.log10(2)


def octaves_in_natural_units(lrs, errors):
    return octaves(lrs, errors) * np.log(2)


def octaves_one_apart(lrs, errors):
    return octaves(2.0 ** np.arange(len(lrs)), errors)


def octaves_in_factors(lrs, errors):
    return 2 ** octaves(lrs, errors)


def octaves_on_a_linear_axis(lrs, errors):
    limit = 1.1 * np.min(errors)
    fine = np.linspace(lrs[0], lrs[-1], 200_001)
    good = fine[np.interp(fine, lrs, errors) <= limit]
    return np.log2(good[-1] / good[0])


def octaves_without_an_end(lrs, errors):
    is_open = min(errors[0], errors[-1]) <= 1.1 * np.min(errors)
    return np.inf if is_open else octaves(lrs, errors)


def a_valley(lowest, highest):
    """Return what draws a valley whose bottom is between two exponents; rates go from -6 to 5."""

    def draw(rng):
        x = np.sort([-6, *rng.uniform(-6, 5, 10), 5])
        bottom, steep = rng.uniform(lowest, highest), rng.uniform(0.1, 0.3, size=2)
        distance = np.where(x < bottom, steep[0] * (bottom - x), steep[1] * (x - bottom))
        return 2.0**x, 0.3 + distance**2

    return draw


def four_rates(rng):
    """Draw four rates at other distances, of which two are in the valley."""
    lrs = 0.01 * np.cumprod(rng.uniform(1.5, 20, size=4))
    errors = [rng.uniform(1.3, 1.9), 1.0, rng.uniform(1.0, 1.08), rng.uniform(1.4, 2)]
    return lrs, rng.uniform(0.2, 0.4) * np.array(errors)


BATCH, STEPS, UNSEEN = 16, 250, range(5, 9)  # splits that the chapter does not use
SGD_ERRORS = 603  # there, at its best rate


def race(optimizer: Callable[[int, int], Any], seed: int, steps: int = STEPS) -> float:
    """Train on the Unicode names with an optimizer of one's own.

    The model, softmax regression, and its gradients are the chapter's; the batches have 16 names.

    Parameters
    ----------
    optimizer : callable
        `optimizer(n_words, n_classes)` returns an object whose `step(W, rows, grads)` changes the
        rows of W that the gradient names, in place. No row is named twice.
    seed : int
        Of the split and of the order of the names.
    steps : int, optional
        How many steps to take, at most 467, which is one pass.

    Returns
    -------
    float
        The share of the validation part that is predicted wrongly.
    """
    data, batches = _course(seed, steps)
    return float(np.mean(_misses(_trained(optimizer, data, batches), data.validation)))


@lru_cache(maxsize=16)
def _course(seed, steps):
    """Return the data and the batches with their labels, the same for every optimizer."""
    data = unicode_names(seed)
    order = np.random.default_rng(seed).permutation(len(data.train))[: BATCH * steps]
    labels = data.train.labels[order]
    batches = islice(_batches(data.train.features[order], BATCH), steps)
    return data, [(batch, labels[batch.examples]) for batch in batches]


def _trained(optimizer, data, batches):
    """Return the weights after some steps, or `...` if the optimizer's step returns that."""
    W = np.zeros((len(data.feature_names), len(data.class_names)))
    player = optimizer(*W.shape)
    for batch, labels in batches:
        error = np.exp(log_softmax(batch.inputs @ W[batch.rows]))
        error[np.arange(len(error)), labels] -= 1
        # A copy: the next optimizer needs the rows as they are.
        if player.step(W, batch.rows.copy(), batch.transposed @ error / len(error)) is ...:
            return ...
    return W


def _misses(W, part):
    return (part.features @ W).argmax(axis=1) != part.labels


def errors_on(seeds, optimizer):
    """Return how many test names a trained classifier gets wrong, or `...`."""
    count = 0
    for seed in seeds:
        data, batches = _course(seed, STEPS)
        W = _trained(optimizer, data, batches)
        if W is ...:
            return ...
        if not W.any():
            raise Wrong(
                "W is still zero",
                "step must change W in place, as `W[rows] -= …` does; it has no result.",
            )
        if not np.isfinite(W).all():
            raise Wrong("W holds numbers that are not finite", NOT_FINITE)
        count += int(_misses(W, data.test).sum())
    return count


def own_optimizer(step, memory=lambda n, k: np.zeros((n, k))):
    """Make an optimizer from `step(W, rows, grads, G)`."""

    class Own:
        def __init__(self, n_words, n_classes):
            self.G = memory(n_words, n_classes)

        def step(self, W, rows, grads):
            return step(W, rows, grads, self.G)

    return Own


def own_adagrad(lr=1.0, start=0.0):
    def step(W, rows, grads, G):
        G[rows] += grads**2
        W[rows] -= lr * grads / (np.sqrt(G[rows]) + 1e-10)

    return own_optimizer(step, lambda n, k: np.full((n, k), start))


def own_sgd(lr=16.0):
    def step(W, rows, grads, G):
        W[rows] -= lr * grads

    return own_optimizer(step)


def own_norm(lr=8.0):
    def step(W, rows, grads, G):
        G += np.sum(grads**2)
        W[rows] -= lr * grads / np.sqrt(G)

    return own_optimizer(step, lambda n, k: np.zeros(1))


def replacing(W, rows, grads, G):
    G[rows] += grads**2
    W[rows] = -grads / (np.sqrt(G[rows]) + 1e-10)


def with_the_sum_alone(W, rows, grads, G):
    G[rows] += grads**2
    W[rows] -= grads / (G[rows] + 1e-10)


def with_the_old_rate(W, rows, grads, G):
    rates = 1 / (np.sqrt(G[rows]) + 1e-10)
    G[rows] += grads**2
    W[rows] -= rates * grads


def own_dense_adagrad(lr=1.0):
    def step(W, rows, grads, G):
        whole = np.zeros_like(W)
        whole[rows] = grads
        G += whole**2
        W -= lr * whole / (np.sqrt(G) + 1e-10)

    return own_optimizer(step)


def with_steps_times(factor, optimizer):
    """Return the optimizer with all its steps longer or shorter."""

    class Scaled:
        def __init__(self, *shape):
            self.inner = optimizer(*shape)

        def step(self, W, rows, grads):
            before = W[rows]
            self.inner.step(W, rows, grads)
            W[rows] = before + factor * (W[rows] - before)

    return Scaled


NOT_FINITE = "Is there 0/0? That is what ε is for."
UPHILL = "You went uphill: subtract."
REPLACED = "What W becomes does not depend on what it was. Is the old W still in it?"
BELATED = "The first step of a word is far too long. First the accumulator, then the step."
ALIKE = "Do the steps of a word become shorter the more often it was seen?"
SHARED = "A word that is seen for the first time gets the short steps of the frequent ones."
LONGER = "With steps four times as long it makes fewer errors: tune the rate with race."
ROOTLESS = (
    "After 30 equal gradients a word's step is a thirtieth of the first. With a root it is more "
    "than a sixth."
)
SHORTER = "With steps a quarter as long it makes fewer errors: tune the rate with race."


def why_not_better(optimizer):
    """Return a hint: what an optimizer does with the gradients of two words, or its rate."""
    grads = np.array([[0.3, -0.2, -0.1]])

    def first_step(W):
        optimizer(*W.shape).step(W, np.array([0]), grads.copy())
        return W[0]

    if np.array_equal(first_step(np.zeros((2, 3))), first_step(np.ones((2, 3)))):
        return REPLACED
    W, player, lengths = np.zeros((2, 3)), optimizer(2, 3), []
    for row in [0] * 30 + [1]:
        before = W.copy()
        player.step(W, np.array([row]), grads.copy())
        if np.sum((W - before)[row] * grads) > 0:
            return UPHILL
        lengths.append(np.abs(W - before).max())
    if lengths[0] > 1e4 * lengths[1]:
        return BELATED
    is_falling, new_is_alike = lengths[29] < 0.99 * lengths[0], lengths[30] <= 1.01 * lengths[29]
    if lengths[30] < 0.5 * lengths[0] or (is_falling and new_is_alike):
        return SHARED
    if lengths[29] > 0.7 * lengths[0]:
        return ALIKE
    if np.isclose(30 * lengths[29], lengths[0], rtol=0.1):
        return ROOTLESS
    trials = {
        factor: errors_on([0], with_steps_times(factor, optimizer)) for factor in (0.25, 1, 4)
    }
    best = min(trials, key=trials.get)
    return {0.25: SHORTER, 1: None, 4: LONGER}[best]


def beats_tuned_sgd(optimizer):
    errors = errors_on(UNSEEN, optimizer)
    if errors is ...:
        return errors
    limit = int(0.95 * SGD_ERRORS)
    if errors > limit:
        raise Wrong(
            f"expected at most {limit} errors in four splits (tuned SGD makes {SGD_ERRORS}), "
            f"got {errors}",
            why_not_better(optimizer),
        )
    return None


def costs_the_rows(optimizer):
    grads = np.array([[0.3, 1.5], [2.5, -0.7], [0.4, -0.2]])

    def game(n_rows):
        rows = np.array([7, 90, n_rows - 90])
        return optimizer(n_rows, 2), np.ones((n_rows, 2)), rows

    def step_on(n_rows):
        player, W, rows = game(n_rows)
        return lambda: player.step(W, rows, grads)

    player, W, rows = game(SMALL)
    given = rows.copy(), grads.copy()
    if player.step(W, *given) is ...:
        return ...
    if not all(map(np.array_equal, given, (rows, grads))):
        raise Wrong(GIVEN_CHANGED, IN_PLACE)
    if not np.isin(np.flatnonzero((W != 1).any(axis=1)), rows).all():
        raise Wrong("step changed rows of W that the gradient does not name", ROWS)
    demand_named_rows_only(step_on(SMALL), step_on(LARGE))
    return None


EXERCISES = [
    Exercise(
        "4.1",
        reference=table(),
        run=play_table,
        cases={
            "a row named twice": (
                (6, 1),
                0.7,
                [(np.array([5, 2, 5]), np.array([[3.0], [-0.5], [1.5]]))],
            ),
            "the same gradient twice": (
                (8, 1),
                0.6,
                [(np.array([3, 6, 3, 3]), np.array([[1.5], [-0.8], [1.5], [0.7]]))],
            ),
            "gradients that cancel": (
                (5, 1),
                0.4,
                [(np.array([4, 1, 4]), np.array([[1.5], [2.0], [-1.5]]))],
            ),
            "gradients so small that 1e-10 counts": (
                (4, 1),
                0.5,
                [(np.array([2, 0, 2]), np.array([[3e-10], [-7e-10], [5e-10]]))],
            ),
            "no row named twice": a_table(9, 2, 4, repeated=False),
            "random steps": a_table(7, 3, 5),
        },
        properties={"a step on a large table": steps_on_the_rows},
        mistakes={
            "Row 7's G is 10, where it should be 16: what is squared, and what is summed?": (
                table(with_squares_summed)
            ),
            "A row named twice has one gradient, the sum, and takes one step.": OneByOne,
            "Of several gradients of a row only the last counts: += with an array does that.": (
                table(last_ones)
            ),
            "Sum the gradients of a row; do not average them.": table(averaged),
            EQUAL_ONES: table(summed_once),
            "The present gradient counts: first the accumulator, then the step.": table(
                divisor=belated
            ),
            "The accumulator must be kept from step to step.": table(kept=False),
            "Divide by the root of the accumulator.": table(divisor=without_root),
            SQUARES_ALONE: table(divisor=eps_inside),
            "You went uphill: subtract.": table(sign=-1),
            "Where is the rate?": table(own_lr=1.0),
            ROWS: Dense,
        },
        hints=(
            "Row 7's gradient is 3 + 1.",
            "rows, grads = coalesce(rows, grads), before anything else.",
        ),
        rtol=1e-3,  # ε counts where a weight is nearly back at zero
    ),
    Exercise(
        "4.2",
        reference=lambda often, rarely: (often / rarely, np.sqrt(often / rarely)),
        cases={
            "a hundred to one": (0.5, 0.005),
            "three to two": (0.36, 0.24),
            "random shares": lambda rng: tuple(rng.uniform(0.001, 1, size=2)),
        },
        mistakes={
            "First SGD, then AdaGrad.": (
                lambda often, rarely: (np.sqrt(often / rarely), often / rarely)
            ),
            "Frequent divided by rare.": (
                lambda often, rarely: (rarely / often, np.sqrt(rarely / often))
            ),
            "AdaGrad's path grows with the root of the number of occurrences.": (
                lambda often, rarely: (often / rarely, often / rarely)
            ),
            "With AdaGrad, too, the frequent word goes farther.": (
                lambda often, rarely: (often / rarely, np.sqrt(rarely / often))
            ),
            "The path is asked for: the number of steps times their length.": (
                lambda often, rarely: (1.0, np.sqrt(rarely / often))
            ),
            "How many times as long, not how much longer.": (
                lambda often, rarely: (often - rarely, np.sqrt(often) - np.sqrt(rarely))
            ),
        },
        hints=(
            "How many steps has each word taken after t examples, and how long are they?",
            "SGD's path is proportional to q, AdaGrad's to the root of q.",
        ),
    ),
    Exercise(
        "4.3",
        reference=coalesced,
        cases={
            "one row twice": (np.array([7, 2, 7]), np.array([3.0, 5.0, 1.5])),
            "words": (
                np.array(["war", "gold", "war", "act", "gold", "war"]),
                np.array([0.5, -2.0, 1.5, 0.7, 0.4, -0.3]),
            ),
            "words with the same beginning": (
                np.array(["war", "water", "wages", "warm", "wages", "act"]),
                np.array([0.5, -2.0, 1.5, 0.7, 0.4, -0.3]),
            ),
            "the same gradient twice": (np.array([6, 2, 6, 6]), np.array([1.5, 0.5, 1.5, 0.7])),
            "a sum of zero": (np.array([3, 3, 8]), np.array([1.5, -1.5, 2.0])),
            "no duplicates": (np.array([400, 0, 900]), np.array([1.5, 2.0, 3.0])),
            "one row only": (np.array([5, 5, 5]), np.array([0.7, -1.6, 2.0])),
            "random gradients": a_sparse_gradient,
        },
        mistakes={
            "One of a row's gradients is all that counts. (+= with an array does that.)": (
                lambda rows, grads: coalesced(rows, grads, last_ones)
            ),
            "Sum the gradients of a row; do not average them.": coalesced_to_means,
            EQUAL_ONES: lambda rows, grads: coalesced(rows, grads, summed_once),
            "Return the rows in ascending order.": coalesced_in_order_of_appearance,
            "Return only the rows that are named.": coalesced_to_dense,
            "Each row once.": lambda rows, grads: (np.sort(rows), grads[np.argsort(rows)]),
            "Rows may be words: they are no positions, and the package's coalesce refuses them.": (
                coalesce
            ),
            "Sum the gradients, not their squares.": (
                lambda rows, grads: coalesced(rows, grads**2)
            ),
            "Rows first, then their gradients.": (lambda rows, grads: coalesced(rows, grads)[::-1]),
        },
        hints=(
            "np.unique(rows, return_inverse=True) returns each row once, and where each went.",
            "np.add.at(summed, position, grads) adds each gradient at its place.",
        ),
    ),
    Exercise(
        "4.4",
        reference=errors_by_rarest,
        cases={
            "eight examples": some_examples(2, 7, 25, n=4),
            "random examples": some_examples(2, 9, 30),
            "three groups": some_examples(3, 12, most=250_000),
            "five groups": some_examples(1, 5, 12, 44),
        },
        properties={"groups without examples": counts_empty_groups},
        mistakes={
            "Group by the rarest word of an example, not by the most frequent.": grouped(of=np.max),
            "Group by the rarest word of an example, not by the mean of its counts.": (
                grouped(of=np.mean)
            ),
            "Group by the rarest word of an example, not by the median of its counts.": (
                grouped(of=np.median)
            ),
            "Group by the rarest word of an example, not by its first.": (
                grouped(of=lambda counts: counts[0])
            ),
            "Group by the rarest word of an example, not by the sum of its counts.": (
                grouped(of=np.sum)
            ),
            "Group by how often words occur: words are places in counts.": words_for_counts,
            "Is a count equal to a limit in the group up to the limit?": grouped(inclusive=False),
            "The share of wrong examples, not their number.": grouped(share=np.sum),
            "The share of wrong examples, not of right ones.": grouped(
                share=lambda wrong: 1 - np.mean(wrong)
            ),
            "A share, not a percentage.": grouped(share=lambda wrong: 100 * np.mean(wrong)),
            "A share of the group's examples, not of all examples.": as_shares_of(len),
            "A share of the group's examples, not of all errors.": as_shares_of(np.sum),
            "Each group begins above the limit before.": up_to_each_limit,
            "The group of the rarest words comes first.": the_rarest_last,
            EMPTY: without_empty_groups,
            "First the numbers of examples, then the shares of errors.": (
                lambda *args: errors_by_rarest(*args)[::-1]
            ),
        },
        hints=(
            "counts[words].min() is how often the rarest word of an example occurs.",
            "np.digitize(rarest, limits, right=True) numbers the groups from 0.",
            "np.mean(wrong[group == k]) for each group k; there is one group more than limits.",
        ),
        closing=Exercise(
            "4.4",
            reference={"no lead": "more", "saved": "more than half"},
            mistakes={
                "Is not AdaGrad's share of errors clearly the smaller one there?": {"no lead": "1"},
                "Compare AdaGrad with averaged SGD there: more than a point apart.": {
                    "no lead": "2–5"
                },
                "It is near, but nearly half a point is left; is there none elsewhere?": {
                    "no lead": "6–50"
                },
                "Multiply each group's lead by its number of examples, and add up.": {
                    "saved": "less than half"
                },
            },
            hints=("on_the_names(errors_by_rarest) makes the table.",),
        ),
    ),
    Exercise(
        "4.5",
        reference=rounds_needed,
        cases={
            "two frequencies": (np.repeat([0.1, 0.4], 25), 2.0, 0.3),
            "one frequent, the rest rare": (np.array([0.9, 0.01, 0.0, 0.03]), 1.5, 0.4),
            "a power law": (np.arange(1.0, 1001) ** -1.5, 3.0, 0.8),
            "random frequencies": lambda rng: (
                rng.uniform(0.01, 1, size=20),
                *rng.uniform(0.3, 3, size=2),
            ),
        },
        mistakes={
            "First AdaGrad, then AdaGrad-Norm.": lambda q, D, r: rounds_needed(q, D, r)[::-1],
            "The bound grows like √T, so divided by T it falls like 1/√T: square.": (
                lambda q, D, r: tuple(np.sqrt(rounds_needed(q, D, r)))
            ),
            "The number of features d belongs under the root: D₂ = √d D∞.": (
                lambda q, D, r: (
                    rounds_needed(q, D, r)[0],
                    rounds_needed(q, D, r)[1] / len(q),
                )
            ),
            "AdaGrad's sum is one of roots, not the root of a sum.": (
                lambda q, D, r: (2 * (D / r) ** 2 * np.sum(q), rounds_needed(q, D, r)[1])
            ),
            "The factor √2 is squared, too.": (
                lambda q, D, r: tuple(np.array(rounds_needed(q, D, r)) / np.sqrt(2))
            ),
            "Where is the factor √2 of the bounds?": (
                lambda q, D, r: tuple(np.array(rounds_needed(q, D, r)) / 2)
            ),
            "D is squared, too.": (lambda q, D, r: tuple(np.array(rounds_needed(q, D, r)) / D)),
        },
        hints=(
            "Both bounds are a constant times √T; set bound / T equal to the target.",
            "√2 · D · √T · S / T = target gives T = 2 D² S² / target².",
        ),
        closing=Exercise(
            "4.5",
            reference={"frequencies": "one always", "factor": 100.0},
            mistakes={
                "With equal frequencies both bounds are the same.": {
                    "frequencies": "equal",
                    "factor": 1.0,
                },
                "Try your function with 1 / np.arange(1, 101), and with the others.": {
                    "frequencies": "power",
                    "factor": np.sum(1 / np.arange(1.0, 101))
                    * 100
                    / np.sum(np.arange(1.0, 101) ** -0.5) ** 2,
                },
                "That is the ratio of the bounds; how many times as many rounds is that?": {
                    "factor": 10.0
                },
                "How many times as many, and not what part.": {"factor": 0.01},
            },
            hints=("Call rounds_needed with each of the three, and divide.",),
        ),
    ),
    Exercise(
        "4.6",
        reference=octaves,
        cases={
            "a valley": a_valley(-2, 2),
            "open to the left": a_valley(-7, -6),
            "open to the right": a_valley(5, 6),
            "four rates": four_rates,
        },
        mistakes={
            "The valley does not end at a rate that was tried: draw lines between them.": (
                octaves_on_the_grid
            ),
            "Within a tenth of the least error: 1.1 times it, not 0.1 more.": octaves_of_a_tenth,
            "Octaves: logarithms to base 2, not 10.": octaves_in_decades,
            "Octaves: logarithms to base 2, not e.": octaves_in_natural_units,
            "The number of octaves, not the factor.": octaves_in_factors,
            "Draw the lines over the logarithm of the rate.": octaves_on_a_linear_axis,
            "Is each rate twice the one before? Look at lrs.": octaves_one_apart,
            "Of the range that was tried: a valley that is open ends where the range does.": (
                octaves_without_an_end
            ),
        },
        hints=(
            "np.interp on a fine grid of np.log2(lrs) is good enough.",
            "Count the share of the fine grid with an error of at most 1.1 times the least.",
        ),
        rtol=3e-2,
    ),
    Exercise(
        "4.7",
        reference=own_adagrad(),
        factory=True,
        properties={
            "beats tuned SGD": beats_tuned_sgd,
            "costs only the rows named": costs_the_rows,
        },
        mistakes={
            UPHILL: own_adagrad(lr=-1.0),
            REPLACED: own_optimizer(replacing),
            BELATED: own_optimizer(with_the_old_rate),
            ALIKE: own_sgd(),
            ROOTLESS: own_optimizer(with_the_sum_alone),
            SHARED: own_norm(),
            LONGER: own_adagrad(lr=0.1),
            SHORTER: own_adagrad(lr=16.0),
            ROWS: own_dense_adagrad(),
        },
        hints=(
            "The step of the text, with one accumulator for each weight, is a good start.",
            "race(MyOptimizer, seed) for seeds 0 to 4 and some rates, a factor of two apart.",
            "What else may help: a small start of G, another power than the root.",
        ),
    ),
]
