"""Answers to the exercises of chapter 8: right ones in other forms, and wrong ones."""

import contextlib
import math
from functools import partial

import numpy as np

from adagrad_course.exercises.in_practice import (
    ROOTS,
    SIX_REPORTS,
    clipped_late,
    clipped_run,
    halved_again_and_again,
    halved_run,
    loading,
    loss_after,
    run_in_pieces,
    scaled_run,
    unscaled_late,
)
from adagrad_course.optimizers import SGD, AdaGrad


def next_by_cases(lrs, losses):
    ran = [(loss, k) for k, loss in enumerate(losses) if math.isfinite(loss)]
    factor = float(lrs[1] / lrs[0])
    loss, k = min(ran, default=(math.inf, 0))
    if k in (0, 4):
        return [lrs[k] * factor**i for i in ((-2, -1) if k == 0 else (1, 2))]
    neighbours = losses[k - 1], losses[k + 1]
    if all(x <= 1.1 * loss for x in neighbours):
        return []
    return math.sqrt(lrs[k - 1] * lrs[k]), math.sqrt(lrs[k] * lrs[k + 1])


def next_by_nanargmin(lrs, losses):
    ratio, finite = lrs[-1] / lrs[-2], np.isfinite(losses)
    k = int(np.nanargmin(np.where(finite, losses, np.nan))) if any(finite) else 0
    if k == 0:
        return lrs[:2] / ratio**2
    if k == len(lrs) - 1:
        return lrs[-2:] * ratio**2
    near = np.array(losses)[[k - 1, k + 1]] / losses[k] - 1
    return np.empty(0) if all(near <= 0.1) else np.sqrt(lrs[k] * lrs[[k - 1, k + 1]])


def next_unless(is_near, lrs, losses):
    """Rightly, but for which neighbours count as good."""
    losses = np.where(np.isfinite(losses), losses, np.inf)
    k = losses.argmin()
    if k in (0, 4) or not all(is_near(losses[[k - 1, k + 1]], losses[k])):
        far = losses * np.where(np.arange(5) == k, 1, 2)  # so that no neighbour is near
        return next_by_nanargmin(lrs, far)
    return []


def next_where_all_are_near(lrs, losses):
    """End only where no rate at all is more than 10 % worse than the best."""
    is_near = max(losses) <= 1.1 * min(losses)
    return next_unless(lambda near, best: is_near & (near > 0), lrs, losses)


def next_with_a_number(number, lrs, losses):
    return next_by_argmin(lrs, np.where(np.isfinite(losses), losses, number))


def next_by_argmin(lrs, losses):
    """Rightly, but for what np.argmin and max make of nan."""
    k, factor = np.argmin(losses), lrs[1] / lrs[0]
    if k in (0, 4):
        return lrs[:2] / factor**2 if k == 0 else lrs[3:] * factor**2
    if max(losses[k - 1], losses[k + 1]) <= 1.1 * losses[k]:
        return []
    return [lrs[k] / factor**0.5, lrs[k] * factor**0.5]


def next_by_min(lrs, losses):
    """Rightly, but for what min makes of a nan that comes first."""
    k, factor = min(range(5), key=lambda k: losses[k]), lrs[1] / lrs[0]
    if k in (0, 4):
        return lrs[:2] / factor**2 if k == 0 else lrs[3:] * factor**2
    if losses[k - 1] <= 1.1 * losses[k] and losses[k + 1] <= 1.1 * losses[k]:
        return []
    return [lrs[k] / factor**0.5, lrs[k] * factor**0.5]


def next_with_four(lrs, losses):
    """Rightly, but for a factor of four where all diverged."""
    found = next_by_nanargmin(lrs, losses)
    return found if np.isfinite(losses).any() else lrs[0] / np.array([16, 4])


def next_downwards(lrs, losses):
    return np.array(next_by_nanargmin(lrs, losses))[::-1]


def clipped_by_hand(w, grads, lr, most, eps=1e-10):
    G = np.zeros_like(w)
    for g in grads:
        g = g / max(1.0, math.sqrt((g**2).sum()) / most)
        G = G + g**2
        w = w - lr * g / (np.sqrt(G) + eps)
    return [w, lr / np.sqrt(G)]


def clipped_before(w, grads, lr, most):
    lengths = np.sqrt(np.sum(grads**2, axis=tuple(range(1, grads.ndim)), keepdims=True))
    return clipped_run(w, grads * np.minimum(1, most / lengths), lr, math.inf)


def clipped_after_the_step(w, grads, lr, most):
    optimizer = AdaGrad(lr)
    state = optimizer.init(w)
    for g in grads:
        w, state = optimizer.step(w, g, state)
        g = g * most / max(most, np.linalg.norm(g))
    return w, optimizer.effective_lr(state)


def squared_before_it_is_clipped(w, grads, lr, most):
    G = np.zeros_like(w)
    for g in grads:
        G = G + g**2
        w = w - lr * g * min(1, most / np.linalg.norm(g)) / (np.sqrt(G) + 1e-10)
    return w, lr / (np.sqrt(G) + 1e-10)


def clipped_in_place(w, grads, lr, most):
    for g in grads:
        g *= min(1, most / np.linalg.norm(g))
    return clipped_run(w, grads, lr, most)


def halved_by_a_schedule(w, epochs, lr):
    per_epoch = epochs.shape[1]
    optimizer = AdaGrad(lambda step: lr / 2 ** ((step - 1) // per_epoch))
    state, ends = optimizer.init(w), []
    for grads in epochs:
        for g in grads:
            w, state = optimizer.step(w, g, state)
        ends.append(w)
    return ends


def halved_by_hand(w, epochs, lr, eps=1e-10):
    G, ends = 0.0, []
    for grads in epochs:
        for g in grads:
            G = G + g * g
            w = w - lr * g / (G**0.5 + eps)
        lr /= 2
        ends.append(w.tolist())
    return ends


def only_the_end(w, epochs, lr):
    return halved_run(w, epochs, lr)[-1]


def halved_before(w, epochs, lr):
    return halved_run(w, epochs, lr / 2)


def halved_in_each_step(w, epochs, lr):
    optimizer = AdaGrad(lambda step: lr / 2 ** (step - 1))
    return halved_run(w, epochs, lr, rate=lambda lr, k: optimizer.lr)


def pieces_in_a_loop(gradient, w, n, size, lr, steps):
    optimizer = AdaGrad(lr, initial_accumulator_value=0.1)
    state = optimizer.init(w)
    for _ in range(steps):
        g, start = np.zeros_like(w), 0
        while start < n:
            rows = range(start, min(start + size, n))
            g += gradient(w, list(rows)) * len(rows)
            start += size
        w, state = optimizer.step(w, g / n, state)
    return w


def one_by_one(gradient, w, n, size, lr, steps):
    G = np.full_like(w, 0.1)
    for _ in range(steps):
        g = np.mean([gradient(w, np.array([k])) for k in range(n)], axis=0)
        G = G + g**2
        w = w - lr * g / np.sqrt(G)
    return w


def pieces_with_fractions(gradient, w, n, size, lr, steps):
    optimizer = AdaGrad(lr, initial_accumulator_value=0.1)
    state = optimizer.init(w)
    pieces = [np.arange(n)[k : k + size] for k in range(0, n, size)]
    for _ in range(steps):
        g = sum(len(rows) / n * gradient(w, rows) for rows in pieces)
        w, state = optimizer.step(w, g, state)
    return w


def all_at_once(gradient, w, n, size, lr, steps):
    return run_in_pieces(gradient, w, n, n, lr, steps)


def means_of_means(gradient, w, n, size, lr, steps, start=0.1, divide=True):
    optimizer = AdaGrad(lr, initial_accumulator_value=start)
    state = optimizer.init(w)
    pieces = np.split(np.arange(n), range(size, n, size))
    for _ in range(steps):
        g = sum(gradient(w, rows) for rows in pieces) / (len(pieces) if divide else 1)
        w, state = optimizer.step(w, g, state)
    return w


def sums_over_the_size(gradient, w, n, size, lr, steps):
    def shortened(w, rows):
        return gradient(w, rows) * n / min(size, n)

    return run_in_pieces(shortened, w, n, size, lr, steps)


def without_the_rest(gradient, w, n, size, lr, steps):
    n = n - n % size if n > size else n
    return run_in_pieces(gradient, w, n, size, lr, steps)


def squares_of_the_pieces(gradient, w, n, size, lr, steps):
    """Rightly weighted, but the squares are those of the pieces."""
    G = np.full_like(w, 0.1)
    pieces = np.split(np.arange(n), range(size, n, size))
    for _ in range(steps):
        parts = [len(rows) * gradient(w, rows) / n for rows in pieces]
        G = G + sum(part**2 for part in parts)
        w = w - lr * sum(parts) / np.sqrt(G)
    return w


def unscaled_by_hand(w, scaled, scales, lr, eps=1e-10):
    G = np.zeros_like(w)
    for g, scale in zip(scaled, scales, strict=True):
        if np.isinf(g).any():
            continue
        g = np.float32(g) / np.float32(scale)
        G = G + g**2
        w = w - lr * g / (np.sqrt(G) + eps)
    return w


def unscaled_at_once(w, scaled, scales, lr):
    grads = np.array(scaled, dtype=float) / np.reshape(scales, (-1, 1))
    optimizer = AdaGrad(lr)
    state = optimizer.init(w)
    for g in grads[np.isfinite(grads).all(axis=1)]:
        w, state = optimizer.step(w, g, state)
    return w.astype(np.float32)


def unscaled_by_the_first(w, scaled, scales, lr):
    return scaled_run(w, scaled, [scales[0]] * len(scales), lr)


def without_the_skip(w, scaled, scales, lr):
    optimizer = AdaGrad(lr)
    state = optimizer.init(w)
    for g, scale in zip(scaled, scales, strict=True):
        w, state = optimizer.step(w, g.astype(float) / scale, state)
    return w


def scaled_again_later(w, scaled, scales, lr):
    optimizer = AdaGrad(lr)
    state = optimizer.init(w)
    for g, scale in zip(scaled, scales, strict=True):
        if np.isfinite(g).all():
            change, state = optimizer.update(g.astype(float) / scale, state, w)
            w = w - change * scale
    return w


def unscaled_by_sgd(w, scaled, scales, lr):
    optimizer = SGD(lr)
    state = optimizer.init(w)
    for g, scale in zip(scaled, scales, strict=True):
        if np.isfinite(g).all():
            w, state = optimizer.step(w, g.astype(float) / scale, state)
    return w


class Copied:
    def __init__(self, shapes):
        self.params = tuple(np.zeros(shape) for shape in shapes)

    def load(self, saved):
        for mine, other in zip(self.params, saved, strict=True):
            np.copyto(mine, other)


class Moved(Copied):
    def load(self, saved):
        for mine, other in zip(self.params, saved, strict=True):
            mine -= mine - other


class Rebound:
    """The class of the starter, and kinds of it that do not help."""

    def __init__(self, shapes):
        self.params = [np.zeros(shape) for shape in shapes]

    def load(self, saved):
        self.params = [w.copy() for w in saved]


class Alias(Rebound):
    def load(self, saved):
        self.params = saved


class IntoTheList(Rebound):
    def load(self, saved):
        self.params[:] = saved


class ByAName(Rebound):
    def load(self, saved):
        for w, new in zip(self.params, saved, strict=True):
            w = new.copy()  # noqa: F841


class AddedUp(Rebound):
    def load(self, saved):
        for w, new in zip(self.params, saved, strict=True):
            w += new


class AlongAnAxis(Rebound):
    def load(self, saved):
        for w, new in zip(self.params, saved, strict=True):
            w[:] = new


class RowByRow(Rebound):
    def load(self, saved):
        for w, new in zip(self.params, saved, strict=True):
            for i in range(len(w)):
                w[i] = new[i]


class WrittenByRows(Rebound):
    def load(self, saved):
        for w, new in zip(self.params, saved, strict=True):
            for i, row in enumerate(new):
                w[i] = row


class EmptyingWhatItLoads(Copied):
    def load(self, saved):
        super().load(saved)
        for other in saved:
            other[...] = 0


def rate_by_a_grid(loss, gradient, w):
    """Fifteen rates from the first, a factor of ten apart, without a search."""
    rates = 10.0 ** np.arange(-6, 6)
    return min(rates, key=lambda lr: loss_after(loss, gradient, w, lr, 25))


def rate_by_a_fine_search(loss, gradient, w):
    """Search coarsely, then between the neighbours of the best."""
    losses = {10.0**k: loss_after(loss, gradient, w, 10.0**k, 15) for k in range(-6, 6, 2)}
    best = min(losses, key=losses.get)
    rates = [best * 10**shift for shift in (-1, -0.5, 0, 0.5, 1)]
    return np.float32(min(rates, key=lambda lr: loss_after(loss, gradient, w, lr, 30)))


def rate_by_doubling(loss, gradient, w):
    """The last of the rates, from very low ones on, with which a few steps still help."""
    lr, best = 1e-6, (np.inf, 1e-6)
    for _ in range(20):
        lr *= 4
        best = min(best, (loss_after(loss, gradient, w, lr, 14), lr))
    return best[1]


def rate_of_a_short_list(loss, gradient, w):
    return min([0.01, 0.1, 1.0], key=lambda lr: loss_after(loss, gradient, w, lr, 50))


def rate_by_one_step(loss, gradient, w):
    """What lowers the loss most in one step; noise and the next steps are not looked at."""
    return min(10.0 ** np.arange(-6, 6), key=lambda lr: loss_after(loss, gradient, w, lr, 1)) / 100


def rate_by_the_size_of_the_loss(loss, gradient, w):
    """A distance, where the least loss is 0."""
    return loss(w) / np.linalg.norm(gradient(w))


def rate_in_one_run(loss, gradient, w):
    """Let the rate grow from step to step, and take the one after which the loss was least."""
    lr, G, best = 1e-7, np.zeros_like(w), (loss(w), 1e-7)
    for _ in range(180):
        g = gradient(w)
        G = G + g**2
        w = w - lr * g / (np.sqrt(G) + 1e-10)
        if not np.isfinite(loss(w)):
            break
        best = min(best, (loss(w), lr))
        lr *= 1.2
    return best[1]


def rate_that_goes_on(loss, gradient, w):
    """Goes on after the error that says that there are too many calls."""
    for _ in range(300):
        gradient(w)
    with contextlib.suppress(Exception):
        gradient(w)
    return 0.1


def rate_with_nan(loss, gradient, w):
    return float("nan") if loss(w) > 1 else 0.1


def rate_that_moves_the_start(loss, gradient, w):
    w -= 0.1 * gradient(w)
    return 0.1


FACTORS = {"lr": 1, "eps": 200, "G0": 40_000, "clip": 200, "lr of SGD": 0.005}

RIGHT = [
    ("8.1", SIX_REPORTS),
    ("8.1", SIX_REPORTS | {key: SIX_REPORTS[key].upper() for key in [*"ABCDEF", "cure of E"]}),
    ("8.1", SIX_REPORTS | {"G₀": 10_000, "C / B": 794}),
    ("8.1", SIX_REPORTS | {"C / B": 70.9 / 0.0893}),
    ("8.2", next_by_cases),
    ("8.2", next_by_nanargmin),
    ("8.3", clipped_by_hand),
    ("8.3", clipped_before),
    ("8.4", halved_by_a_schedule),
    ("8.4", halved_by_hand),
    ("8.5", pieces_in_a_loop),
    ("8.5", one_by_one),
    ("8.5", pieces_with_fractions),
    ("8.6", unscaled_by_hand),
    ("8.6", unscaled_at_once),
    ("8.7", Copied),
    ("8.7", Moved),
    ("8.8", rate_by_a_grid),
    ("8.8", rate_by_a_fine_search),
    ("8.8", rate_by_doubling),
]

# With what the hint must say, or None where there must be none.
WRONG = [
    ("8.1", SIX_REPORTS | {"A": "rate too low"}, "all effective rates are the same"),
    ("8.1", SIX_REPORTS | {"A": "rate too low", "B": "first accumulator"}, "are the same"),
    ("8.1", SIX_REPORTS | {"A": "outlier", "C": "first accumulator"}, "How unequal"),
    ("8.1", SIX_REPORTS | {"B": "outlier"}, "How large is B's"),
    ("8.1", SIX_REPORTS | {"B": "frozen"}, None),
    ("8.1", SIX_REPORTS | {"C": "first accumulator"}, "those of A hardly"),
    ("8.1", SIX_REPORTS | {"C": "rate too low"}, "Which of the two"),
    ("8.1", SIX_REPORTS | {"B": "schedule"}, "low from the first on"),
    ("8.1", SIX_REPORTS | {"C": "schedule"}, "is η low"),
    ("8.1", SIX_REPORTS | {"C": "state not loaded"}, "did not go on"),
    ("8.1", SIX_REPORTS | {"D": "rate too low"}, "Which spacing"),
    ("8.1", SIX_REPORTS | {"D": "schedule"}, "Does none move"),
    ("8.1", SIX_REPORTS | {"D": "outlier"}, "gone there"),
    ("8.1", SIX_REPORTS | {"E": "rate too high"}, "right yesterday"),
    ("8.1", SIX_REPORTS | {"F": "state not loaded"}, "did not go on"),
    ("8.1", SIX_REPORTS | {"cure of E": "lower the rate"}, "It would help"),
    ("8.1", SIX_REPORTS | {"cure of E": "clip the gradients"}, "with a shorter gradient"),
    ("8.1", SIX_REPORTS | {"cure of E": "warm it up"}, None),
    ("8.1", SIX_REPORTS | {"G₀": 100}, "η/√G₀"),
    ("8.1", SIX_REPORTS | {"G₀": 9e4}, None),
    ("8.1", SIX_REPORTS | {"C / B": 0.00112 / 0.000423}, "differ in η"),
    ("8.1", SIX_REPORTS | {"C / B": 0.378}, "differ in η"),
    ("8.1", SIX_REPORTS | {"C / B": (ROOTS["C"] / ROOTS["B"]) ** 2}, "or of G"),
    ("8.1", SIX_REPORTS | {"C / B": 8.39e4 / 44.4}, "within a run"),
    ("8.1", SIX_REPORTS | {"C / B": 70.9}, "What is B's"),
    ("8.1", SIX_REPORTS | {"C / B": 1 / 794}, "over"),
    ("8.1", SIX_REPORTS | {"C / B": 70.9 / 0.09}, None),
    ("8.1", SIX_REPORTS | {"C / B": 300}, None),
    ("8.2", next_by_argmin, "Is a nan the best"),
    ("8.2", next_by_min, "stay the best"),
    ("8.2", next_with_four, "need not be 4"),
    ("8.2", partial(next_unless, lambda near, best: best >= 0.9 * near), "10 % of the best"),
    (
        "8.2",
        partial(next_unless, lambda near, best: np.log(near / best) <= 0.1),
        "10 % of the best",
    ),
    ("8.2", partial(next_unless, lambda near, best: near <= 1.12 * best), "10 % of the best"),
    ("8.2", partial(next_unless, lambda near, best: near <= 1.09 * best), "less than 10 %"),
    ("8.2", partial(next_unless, lambda near, best: near <= 1.08 * best), "less than 10 %"),
    ("8.2", partial(next_unless, lambda near, best: near <= 1.05 * best), "less than 10 %"),
    ("8.2", partial(next_unless, lambda near, best: near <= 0.1 + best), "less than 10 %"),
    ("8.2", partial(next_unless, lambda near, best: near <= 1.01 * best), "within 10 %"),
    ("8.2", next_where_all_are_near, "for which losses"),
    ("8.2", partial(next_with_a_number, 100.0), "that you put in its place"),
    ("8.2", partial(next_with_a_number, 999.0), "that you put in its place"),
    ("8.2", next_downwards, "lowest first"),
    ("8.2", lambda lrs, losses: lrs / 16, "have been tried"),
    ("8.2", lambda lrs, losses: np.array([]), "go on beyond"),
    ("8.2", lambda lrs, losses: lrs[np.nanargmin(losses)], None),
    ("8.3", clipped_late, "Which of the two is first"),
    ("8.3", clipped_after_the_step, "still as long"),
    ("8.3", squared_before_it_is_clipped, "accumulator still sees"),
    ("8.3", partial(clipped_by_hand, eps=0.0), "0/0"),
    ("8.3", clipped_in_place, "Work on a copy"),
    ("8.3", lambda *args: clipped_run(*args)[0], None),
    ("8.3", lambda *args: clipped_run(*args)[::-1], None),
    ("8.3", lambda w, grads, lr, most: clipped_run(w, grads, 0.5, 2.0), None),
    (
        "8.4",
        partial(halved_run, rate=halved_again_and_again, forgets=True),
        "Look at the print again",
    ),
    ("8.4", partial(halved_run, forgets=True), "earlier epochs"),
    ("8.4", partial(halved_run, rate=halved_again_and_again), "third epoch"),
    ("8.4", partial(halved_run, rate=lambda lr, k: lr / 2 ** max(0, k - 1)), "second epoch"),
    ("8.4", partial(halved_run, rate=lambda lr, k: lr), "Where is the schedule"),
    ("8.4", partial(halved_by_hand, eps=0.0), "0/0"),
    ("8.4", only_the_end, None),
    ("8.4", halved_before, "first epoch"),
    ("8.4", halved_in_each_step, None),
    ("8.5", means_of_means, "Does each example"),
    ("8.5", partial(means_of_means, divide=False), "sum of their means"),
    ("8.5", sums_over_the_size, "sum of their means"),
    ("8.5", partial(means_of_means, start=0.0), None),
    ("8.5", all_at_once, "no memory"),
    ("8.5", without_the_rest, "left out"),
    ("8.5", squares_of_the_pieces, None),
    ("8.6", unscaled_late, "as much too short"),
    ("8.6", unscaled_by_the_first, "several scales"),
    ("8.6", without_the_skip, None),
    ("8.6", partial(scaled_run, counts=lambda g: g.max() < np.inf), "may have a minus"),
    ("8.6", partial(scaled_run, counts=lambda g: np.isfinite(g[0])), None),
    ("8.6", partial(scaled_run, counts=lambda g: not np.isinf(g).all()), None),
    ("8.6", partial(scaled_run, counts=lambda g: np.isfinite(np.sum(g))), "a sum looked at"),
    ("8.6", partial(unscaled_by_hand, eps=0.0), "Is ε left out"),
    ("8.6", scaled_again_later, "far too long"),
    ("8.6", unscaled_by_sgd, None),
    ("8.6", lambda w, scaled, scales, lr: w, None),
    ("8.7", Rebound, "still those of"),
    ("8.7", Alias, "still those of"),
    ("8.7", IntoTheList, "still those of"),
    ("8.7", ByAName, "anything loaded"),
    ("8.7", AddedUp, "second time"),
    ("8.7", AlongAnAxis, "`w[...]`"),
    ("8.7", RowByRow, "no rows"),
    ("8.7", WrittenByRows, "no rows"),
    ("8.7", loading(lambda params, k, array: params[k].fill(np.sum(array))), None),
    ("8.7", EmptyingWhatItLoads, "Work on a copy"),
    ("8.8", lambda loss, gradient, w: 0.1, "too low"),
    ("8.8", lambda loss, gradient, w: 3000.0, "too high"),
    ("8.8", rate_of_a_short_list, "too low"),
    ("8.8", rate_by_one_step, "too low"),
    ("8.8", rate_by_the_size_of_the_loss, "too high"),
    ("8.8", rate_in_one_run, "too short to show it"),
    ("8.8", lambda loss, gradient, w: 0.0, None),
    ("8.8", rate_that_goes_on, "How many steps"),
    ("8.8", rate_with_nan, "nan"),
    ("8.8", rate_that_moves_the_start, "Work on a copy"),
    ("8.8", lambda loss, gradient, w: None, None),
]
