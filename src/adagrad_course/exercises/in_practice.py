"""The exercises of chapter 8, In practice."""

from functools import cached_property, partial

import numpy as np

from ..descent import sweep
from ..optimizers import AdaGrad
from ._steps import TIGHT
from ._trials import IN_PLACE, Wrong, numbers_like
from .machinery import Exercise

__all__ = ["EXERCISES"]

ROOTS = {"B": 0.0001 / 0.00112, "C": 0.03 / 0.000423}  # √G by the median rate
SIX_REPORTS = {
    "A": "first accumulator",
    "B": "rate too low",
    "C": "outlier",
    "D": "weights in bfloat16",
    "E": "state not loaded",
    "F": "rate too high",
    "G₀": (0.03 / 0.0003) ** 2,
    "C / B": ROOTS["C"] / ROOTS["B"],
    "cure of E": "load the state",
}


def without_nan(losses):
    return np.where(np.isfinite(losses), losses, np.inf)


def is_flat(losses, best):
    return max(losses[best - 1 : best + 2]) <= 1.1 * losses[best]


def next_rates(
    lrs,
    losses,
    cleaned=without_nan,
    factor=lambda lrs: lrs[1] / lrs[0],
    places=(1, 2),
    flat=is_flat,
    between=lambda lr, factor: np.array([lr / factor**0.5, lr * factor**0.5]),
):
    """Return the rates to try after a sweep; each keyword is a part that readers get wrong."""
    losses, factor = cleaned(losses), factor(lrs)
    best = np.argmin(losses)
    if best == 0:
        return lrs[0] / factor ** np.array(places[::-1])
    if best == len(lrs) - 1:
        return lrs[-1] * factor ** np.array(places)
    if flat(losses, best):
        return np.array([])
    return between(lrs[best], factor)


def one_neighbour(losses, best):
    return min(losses[best - 1], losses[best + 1]) <= 1.1 * losses[best]


def at_an_edge(losses):
    return np.argmin(without_nan(losses)) in (0, len(losses) - 1)


def edges_taken_for_best(lrs, losses):
    is_best = at_an_edge(losses) and np.isfinite(losses).any()
    return np.array([]) if is_best else next_rates(lrs, losses)


def nothing_if_all_diverged(lrs, losses):
    return next_rates(lrs, losses) if np.isfinite(losses).any() else np.array([])


def all_shifted(lrs, losses):
    factor = lrs[1] / lrs[0]
    if not at_an_edge(losses):
        return next_rates(lrs, losses)
    return lrs * factor ** (-2.0 if np.argmin(without_nan(losses)) == 0 else 2.0)


def turned_round(lrs, losses):
    """Go down where the best rate is the highest, and up where it is the lowest."""
    return next_rates(lrs, losses[::-1] if at_an_edge(losses) else losses)


def highest_first(lrs, losses):
    return next_rates(lrs, losses)[::-1]


def with_best_between(lrs, losses):
    found = next_rates(lrs, losses)
    if at_an_edge(losses) or len(found) == 0:
        return found
    return np.array([found[0], np.sqrt(found[0] * found[1]), found[1]])


def a_sweep(losses, lr=0.003, factor=4.0):
    return lr * factor ** np.arange(5), np.array(losses)


def where_a_first_nan_is_least(losses):
    """Return losses as a loop that looks for a lower one takes them."""
    first = [-np.inf] if np.isnan(losses[0]) else losses[:1]
    return np.append(first, without_nan(losses[1:]))


def some_sweep(rng):
    losses = rng.uniform(1, 3, size=5)
    losses[5 - rng.integers(4) :] = rng.choice([np.inf, np.nan])
    if rng.random() < 0.3:
        losses[:3] = rng.uniform(0.92, 0.99, size=3)
    return a_sweep(losses, rng.uniform(1e-4, 1), rng.uniform(2, 10))


def shortened(g, most):
    length = np.linalg.norm(g)
    return g * most / length if length > most else g


def clipped_run(w, grads, lr, most, clip=shortened):
    """Return the weights after a run of AdaGrad, and its last effective rates."""
    optimizer = AdaGrad(lr)
    state = optimizer.init(w)
    for g in grads:
        w, state = optimizer.step(w, clip(g, most), state)
    return w, optimizer.effective_lr(state)


def clipped_late(w, grads, lr, most):
    optimizer = AdaGrad(lr)
    state = optimizer.init(w)
    for g in grads:
        change, state = optimizer.update(g, state, w)
        w = w - shortened(change, most)
    return w, optimizer.effective_lr(state)


def as_it_is(g, most):
    return g


def clipped_in_part(w, grads, lr, most, squared=as_it_is, stepped=as_it_is):
    G = np.zeros_like(w)
    for g in grads:
        G = G + squared(g, most) ** 2
        w = w - lr * stepped(g, most) / (np.sqrt(G) + 1e-10)
    return w, lr / (np.sqrt(G) + 1e-10)


def outliers_left_out(w, grads, lr, most):
    return clipped_run(w, [g for g in grads if np.linalg.norm(g) <= most], lr, most)


def with_an_outlier(lr, most, shape, at=3, times=300.0):
    def draw(rng):
        grads = rng.normal(size=(8, *shape))
        grads[at] *= times
        return rng.normal(size=shape), grads, lr, most

    return draw


def some_gradients(rng):
    return rng.normal(size=3), rng.normal(size=(6, 3)), rng.uniform(0.2, 3), rng.uniform(0.9, 2)


def halved_run(w, epochs, lr, rate=lambda lr, k: lr / 2**k, forgets=False):
    """Return the weights after each epoch, of which each has half the rate of the one before."""
    state, ends = AdaGrad(lr).init(w), []
    for k, grads in enumerate(epochs):
        optimizer = AdaGrad(rate(lr, k))
        if forgets:
            state = optimizer.init(w)
        for g in grads:
            w, state = optimizer.step(w, g, state)
        ends.append(w)
    return np.array(ends)


def halved_again_and_again(lr, k):
    return lr / 2 ** (k * (k + 1) / 2)


def some_epochs(rng):
    lr = rng.uniform(0.2, 2)
    return rng.normal(size=(2, 3)), rng.normal(size=(4, 5, 2, 3)), lr


def run_in_pieces(gradient, w, n, size, lr, steps):
    """Take steps of AdaGrad on the mean loss of n examples, at most `size` of them at once."""
    optimizer = AdaGrad(lr, initial_accumulator_value=0.1)
    state = optimizer.init(w)
    pieces = np.split(np.arange(n), range(size, n, size))
    for _ in range(steps):
        g = sum(len(rows) * gradient(w, rows) for rows in pieces) / n
        w, state = optimizer.step(w, g, state)
    return w


def with_gathered(gathered):
    """Return a run whose gradient is what `gathered` makes of those of the pieces."""

    def run(gradient, w, n, size, lr, steps):
        pieces = np.split(np.arange(n), range(size, n, size))

        def whole(w, _):
            return gathered([gradient(w, rows) for rows in pieces], pieces, n)

        return run_in_pieces(whole, w, 1, 1, lr, steps)

    return run


def a_step_for_each_piece(gradient, w, n, size, lr, steps):
    optimizer = AdaGrad(lr, initial_accumulator_value=0.1)
    state = optimizer.init(w)
    for _ in range(steps):
        for rows in np.split(np.arange(n), range(size, n, size)):
            w, state = optimizer.step(w, gradient(w, rows), state)
    return w


def examples(n, size, steps):
    """Return a function that draws `n` examples, of which `size` may be looked at together."""

    def draw(rng):
        x, y = rng.normal(size=(n, 2)), rng.normal(size=n)

        def gradient(w, rows):
            if len(rows) > size:
                raise Wrong(
                    f"gradient was asked for {len(rows)} examples at once, with size={size}",
                    "There is no memory for more than `size` of them: go piece by piece.",
                )
            return x[rows].T @ (x[rows] @ w - y[rows]) / len(rows)

        return gradient, rng.normal(size=2), n, size, rng.uniform(0.2, 0.9), steps

    return draw


def are_finite(g):
    return np.isfinite(g).all()


def scaled_run(
    w,
    scaled,
    scales,
    lr,
    unscale=lambda g, scale: g.astype(float) / scale,
    counts=are_finite,
    method=AdaGrad,
):
    """Return the weights after a run whose gradients come multiplied by scales, in float16."""
    optimizer = method(lr)
    state = optimizer.init(w)
    for g, scale in zip(scaled, scales, strict=True):
        if counts(g):
            w, state = optimizer.step(w, unscale(g, scale), state)
    return w


def unscaled_late(w, scaled, scales, lr, times=lambda scale: 1 / scale):
    optimizer = AdaGrad(lr)
    state = optimizer.init(w)
    for g, scale in zip(scaled, scales, strict=True):
        if are_finite(g):
            change, state = optimizer.update(g, state, w)
            w = w - change * times(scale)
    return w


def overflows_counted_as_zero(w, scaled, scales, lr):
    finite = [np.where(np.isfinite(g), g, np.float16(0)) for g in scaled]
    return scaled_run(w, finite, scales, lr)


def stopped_at_an_overflow(w, scaled, scales, lr):
    k = next((k for k, g in enumerate(scaled) if not are_finite(g)), len(scaled))
    return scaled_run(w, scaled[:k], scales[:k], lr)


def in_float16(scales, size=1.0, overflow_at=None):
    """Return a function that draws gradients of a size, scaled and rounded to float16."""

    def draw(rng):
        scale = np.array(scales)[:, None]
        grads = size * rng.uniform(1, 4, size=(len(scales), 3)) * rng.choice([-1, 1], size=3)
        scaled = (scale * grads).astype(np.float16)
        if overflow_at is not None:
            scaled[overflow_at, 1] *= np.inf  # of either sign
        return rng.normal(size=3), scaled, list(scales), rng.uniform(0.2, 0.9)

    return draw


def loading(load):
    """Make a model whose arrays get the values of saved ones by `load(arrays, saved)`."""

    class Model:
        def __init__(self, shapes):
            self.params = [np.zeros(shape) for shape in shapes]

        def load(self, saved):
            for k, array in enumerate(saved):
                load(self.params, k, array)

    return Model


def in_place(params, k, array):
    params[k][...] = array


def along_an_axis(params, k, array):
    params[k][:] = array


def row_by_row(params, k, array):
    for i in range(len(array)):
        params[k][i] = array[i]


def by_a_new_name(params, k, array):
    params[k] = array.copy()


def the_first_only(params, k, array):
    if k == 0:
        params[k][...] = array


def not_at_all(params, k, array):
    pass


def by_adding(params, k, array):
    params[k] += array


def fine_tune(kind, saved, later, lr):
    """Train from saved weights, then from later ones; return all parameters after each step."""
    model, visited = kind([np.shape(array) for array in saved]), []
    params, state = [*model.params], [np.zeros(np.shape(array)) for array in saved]
    for weights in (saved, later):
        if model.load(weights) is ...:
            return ...
        for _ in range(3):
            for w, G, now in zip(params, state, model.params, strict=True):
                g = 2 * np.array(now)
                G += g**2
                w -= lr * g / (np.sqrt(G) + 1e-10)
            visited.append(np.concatenate([np.ravel(w) for w in model.params]))
    return np.array(visited)


def some_weights(*shapes):
    def draw(rng):
        saved, later = ([rng.uniform(1, 3, size=shape) for shape in shapes] for _ in range(2))
        return saved, later, rng.uniform(0.05, 0.2)

    return draw


BUDGET, STEPS = 300, 100
TOO_LOW = (
    "The rate is too low: was the best of those that you tried the highest, or is the next one far "
    "above it?"
)
TOO_HIGH = (
    "The rate is too high: was the best of those that you tried the lowest, or were your runs too "
    "short to show it?"
)
TOO_MANY = "How many steps does a short run take, and for how many rates?"
NO_RATE = "Do you compare losses of which some are nan? A comparison with nan is always False."


class Task:
    """A linear model of 60 examples; its gradients are those of mini-batches of 8."""

    def __init__(self, seed, loss, slope, answers, distance, units):
        rng = np.random.default_rng(seed)
        self.x = rng.normal(size=(60, 4)) * units
        self.loss, self.slope = loss, slope
        self.y = answers(self.x @ rng.normal(size=4) * distance, rng)

    def value(self, points):
        with np.errstate(all="ignore"):
            return self.loss(points @ self.x.T, self.y).mean(axis=-1)

    def gradient(self, points, rows=slice(None)):
        x, y = self.x[rows], self.y[rows]
        with np.errstate(all="ignore"):
            return self.slope(points @ x.T, y) @ x / len(y)

    def stochastic_gradient(self, points, rng):
        return self.gradient(points, rng.integers(len(self.y), size=8))

    def descents(self, lrs):
        """Return for each rate by how much the loss falls in a run of AdaGrad."""
        start = np.zeros(4)
        run = sweep(self, start, AdaGrad, lrs, STEPS, rng=np.random.default_rng(0)).trajectory
        return self.value(start) - run.losses[-STEPS // 4 :].mean(axis=0)

    @cached_property
    def best(self):
        """The best of many rates, and by how much the loss falls with it."""
        lrs = 1e-6 * 2.0 ** np.arange(37)
        descents = self.descents(lrs)
        return lrs[descents.argmax()], descents.max()


def near_the_best(*of_task):
    """Return the property of finding, within the budget, a rate that suits a task."""
    task = Task(*of_task)

    def test(answer):
        rng, calls = np.random.default_rng(1), 0
        too_often = Wrong(f"it called gradient more than {BUDGET} times", TOO_MANY)

        def gradient(w):
            nonlocal calls
            calls += 1
            if calls > BUDGET:
                raise too_often
            return task.stochastic_gradient(np.array(w, dtype=float), rng)

        w = np.zeros(4)
        lr = numbers_like(1.0, answer(lambda w: float(task.value(np.array(w))), gradient, w))
        if calls > BUDGET:  # and an answer that goes on when gradient raises an error
            raise too_often
        if w.any():
            raise Wrong("it changed its argument `w` in place", IN_PLACE)
        if not 0 < lr < np.inf:
            hint = NO_RATE if np.isnan(lr) else None
            raise Wrong(f"expected a positive rate, got {lr:.3g}", hint)
        best_lr, most = task.best
        (descent,) = task.descents([float(lr)])
        if not descent >= 0.9 * most:
            found = f"the loss falls by {descent:.3g}" if np.isfinite(descent) else "a run diverges"
            raise Wrong(
                f"with the rate {lr:.3g} {found}; the loss can fall by {most:.3g}",
                TOO_LOW if lr < best_lr else TOO_HIGH,
            )

    return test


def exp_in_float16(z):
    """Return the exponential, an infinity where float16 has no number for it."""
    return np.where(z < np.log(65504), np.exp(z), np.inf)


LINE = (
    lambda z, y: (z - y) ** 2 / 2,
    lambda z, y: z - y,
    lambda z, rng: z + rng.normal(size=z.shape) * np.std(z) / 10,
)
COUNTS = (
    lambda z, y: exp_in_float16(z) - y * z + 5,  # a loss need not end near 0
    lambda z, y: exp_in_float16(z) - y,
    lambda z, rng: rng.poisson(np.exp(z)).astype(float),
)
CLASSES = (
    lambda z, y: np.logaddexp(0, z) - y * z,
    lambda z, y: 1 / (1 + np.exp(-z)) - y,
    lambda z, rng: (z + rng.logistic(size=z.shape) > 0).astype(float),
)
UNEQUAL = np.array([3, 1, 0.3, 0.1])


def loss_after(loss, gradient, w, lr, steps):
    """Return the loss after a run, an infinity if it is not less than before."""
    optimizer, at_start = AdaGrad(lr), loss(w)
    state = optimizer.init(w)
    for _ in range(steps):
        g = gradient(w)
        if not np.isfinite(g).all():
            return np.inf
        w, state = optimizer.step(w, g, state)
    return loss(w) if loss(w) < at_start else np.inf


def first_rate(loss, gradient, w):
    losses: dict[float, float] = {}
    lr = 0.1
    while len(losses) < 15 and lr not in losses:
        losses[lr] = loss_after(loss, gradient, w, lr, 20)
        best = min(sorted(losses), key=losses.__getitem__)
        if best == max(losses):
            lr = 4 * best
        elif best == min(losses):
            lr = best / 4
    return best


def asking_too_often(loss, gradient, w):
    return sum(0.0 * gradient(w)[0] for _ in range(BUDGET + 1))


EXERCISES = [
    Exercise(
        "8.1",
        reference=SIX_REPORTS,
        mistakes={
            "How can a first accumulator make rates of 0, or steps too long?": dict.fromkeys(
                "DEF", "first accumulator"
            ),
            "The rates of this run differ by a factor of ten or more, those of A hardly. What does "
            "a large first accumulator do to them?": dict.fromkeys("BC", "first accumulator"),
            "Here all effective rates are the same, whatever the gradients were. Would a low η "
            "do that?": {"A": "rate too low"},
            "C's η is 300 times as large as B's, and still its median rate is lower. Which of the "
            "two, η or √G, is to blame?": {"C": "rate too low"},
            "In float32 this rate has no finding. Which spacing does the report name?": {
                "D": "rate too low"
            },
            "The finding says that a step was too long.": dict.fromkeys("EF", "rate too low"),
            "A rate that is too high does not freeze weights, nor lose updates.": dict.fromkeys(
                "ABCD", "rate too high"
            ),
            "The rate was right yesterday. What was there yesterday that is not there today?": (
                {"E": "rate too high"}
            ),
            "A report that sees a schedule bring the rate down says so. And is η low, in the last "
            "step?": dict.fromkeys("AC", "schedule"),
            "A low η in the last step may have been low from the first on. A report that sees a "
            "schedule bring it down says so.": {"B": "schedule"},
            "After a schedule has run out rates are next to nothing. Are they here?": dict.fromkeys(
                "EF", "schedule"
            ),
            "After a schedule has run out no weight moves at all. Does none move in D?": {
                "D": "schedule"
            },
            "No update was lost here: otherwise it would be among the findings.": dict.fromkeys(
                "ABCEF", "weights in bfloat16"
            ),
            "This run did not go on from another one.": dict.fromkeys("ABCDF", "state not loaded"),
            "One large gradient would have made the rates of the weights more unequal. How "
            "unequal are they here?": {"A": "outlier"},
            "After an outlier √G is large. How large is B's, by η and the median rate?": {
                "B": "outlier"
            },
            "In float32 all is well. Would an outlier be gone there?": {"D": "outlier"},
            "In this run the very first step was too long.": dict.fromkeys("EF", "outlier"),
            "The rate is η/√G₀.": {"G₀": 100.0},
            "The rate is η divided by a root, and it is 3·10⁻⁴.": {"G₀": 3e-4},
            "Turn it over: the rate is η/√G₀.": {"G₀": 1e-4},
            "Turn the ratio over: it is C's √G that is asked for, in B's.": {
                "C / B": ROOTS["B"] / ROOTS["C"]
            },
            "Is that the ratio of the rates? The two runs differ in η, too.": {
                "C / B": 0.000423 / 0.00112
            },
            "Rates are η/√G, and the two runs differ in η, too.": {"C / B": 0.00112 / 0.000423},
            "Rates have √G in them. Is that the ratio of √G or of G?": {
                "C / B": (ROOTS["C"] / ROOTS["B"]) ** 2
            },
            "The spread says how unequal √G is within a run, not how large.": {
                "C / B": 83900 / 44.4
            },
            "That is C's own √G. What is B's?": {"C / B": ROOTS["C"]},
            "It would help, but each later step would be shorter, too. Yesterday this rate was "
            "right.": {"cure of E": "lower the rate"},
            "Does AdaGrad's first step become shorter with a shorter gradient?": {
                "cure of E": "clip the gradients"
            },
            "A new optimizer's accumulator is as new as can be.": {"cure of E": "accumulator anew"},
        },
        hints=(
            "Compare the reports with the same finding: A, B and C, and E with F.",
            "Look at the rates: which are all alike, which are 0, and which are lower than η "
            "explains? η divided by a rate is √G.",
            "What makes A's rates equal is so large that no gradient counts beside it: "
            "0.03/√G₀ = 3·10⁻⁴. What makes C's low differs from weight to weight.",
        ),
    ),
    Exercise(
        "8.2",
        reference=next_rates,
        cases={
            "the best at the low end": a_sweep([0.5, 0.7, 1.1, 1.9, 2.4]),
            "the best at the high end": a_sweep([2.2, 2.1, 1.8, 1.3, 0.6], 0.02),
            "the best inside": a_sweep([1.9, 0.8, 0.6, 1.2, 2.3], 0.01),
            "the best inside, on one side nearly as good": a_sweep([2.2, 1.9, 0.62, 0.6, 0.9]),
            "the best beside a diverged run": a_sweep([21e3, 12e3, 7e3, np.inf, np.inf], 0.04),
            "nan for a diverged run": a_sweep([np.nan, 1.7, 1.2, 0.7, np.nan], 0.007),
            "the best at the low end, the others diverged": a_sweep([0.7, *[np.nan] * 4], 0.2),
            "all diverged": a_sweep([np.inf, np.inf, np.nan, np.nan, np.inf], 0.5),
            "nothing left to gain": a_sweep([15.0, 10.5, 10.0, 10.8, 17.0]),
            "nothing left to gain, higher up": a_sweep([16.0, 14.0, 10.6, 10.0, 10.97], 0.04),
            "a neighbour a little too bad": a_sweep([2.2, 1.4, 1.04, 1.0, 1.103], 0.01),
            "a factor of three apart, all diverged": a_sweep([np.nan] * 5, 0.6, 3.0),
            "a factor of three apart": a_sweep([1.9, 1.6, 1.1, 0.9, 0.5], 0.05, 3.0),
            "a factor of ten apart": a_sweep([0.4, 0.5, 0.9, 1.3, np.inf], 0.05, 10.0),
            "some sweeps": some_sweep,
        },
        mistakes={
            "Is a nan the best of your losses? np.argmin would take it for that.": partial(
                next_rates, cleaned=lambda losses: losses
            ),
            "No number is less than nan: if the first loss is nan, does it stay the best?": partial(
                next_rates, cleaned=where_a_first_nan_is_least
            ),
            "A diverged run is worse than any loss. Is the number that you put in its place?": (
                partial(
                    next_rates,
                    cleaned=lambda losses: np.where(np.isfinite(losses), losses, 100.0),
                )
            ),
            "The factor is that of the rates given; it need not be 4.": partial(
                next_rates, factor=lambda lrs: 4.0
            ),
            "Two more rates beyond the end, please.": partial(next_rates, places=(1,)),
            "Some of those have been tried.": all_shifted,
            "The lowest first.": highest_first,
            "A best rate at an end is not known to be the best: go on beyond it.": (
                edges_taken_for_best
            ),
            "Where the lowest rate is the best, better ones may be lower still.": turned_round,
            "If all of them diverged, only lower ones can be better.": nothing_if_all_diverged,
            "Both neighbours must be within 10 %.": partial(next_rates, flat=one_neighbour),
            "One neighbour is 10.3 % above the best. Do you look at each of the two, and is the "
            "limit 10 % of the best?": partial(
                next_rates,
                flat=lambda x, best: 0.9 * max(x[best - 1 : best + 2]) <= x[best],
            ),
            "Both neighbours are less than 10 % above the best. What is your limit, and for "
            "which losses?": partial(
                next_rates, flat=lambda x, best: max(x[best - 1 : best + 2]) <= 0.1 + x[best]
            ),
            "Both neighbours are within 10 % of the best. When is what you return empty?": (
                partial(next_rates, flat=lambda losses, best: False)
            ),
            "Is there nothing to gain between the best rate and its neighbours?": partial(
                next_rates, flat=lambda losses, best: True
            ),
            "Halfway on a logarithmic axis is a root of the factor away.": partial(
                next_rates,
                between=lambda lr, factor: lr * np.array([(1 + 1 / factor) / 2, (1 + factor) / 2]),
            ),
            "Those are the neighbours, which you have tried.": partial(
                next_rates, between=lambda lr, factor: np.array([lr / factor, lr * factor])
            ),
            "The rate in the middle has been tried.": with_best_between,
        },
        hints=(
            "First make every loss that is not finite an infinity; then look where the least "
            "one is.",
            "There are four cases: the least loss at place 0, at place 4, and inside with or "
            "without neighbours within 10 %.",
            "lrs[0] / factor**2 and lrs[0] / factor are the two below the lowest.",
        ),
    ),
    Exercise(
        "8.3",
        reference=clipped_run,
        cases={
            "an outlier": with_an_outlier(0.3, 1.7, (3,)),
            "an outlier at once": with_an_outlier(0.7, 2.2, (4,), at=0, times=1000.0),
            "an outlier in one coordinate": (
                np.array([0.5, -1.5]),
                np.array([[0.3, 0.0], [120.0, 0.2], [0.2, 0.5], [-0.1, 0.6]]),
                0.4,
                1.3,
            ),
            "a table of weights": with_an_outlier(0.4, 2.6, (2, 3)),
            "a high rate": with_an_outlier(2.5, 1.4, (3,)),
            "no outlier": some_gradients,
        },
        mistakes={
            "Which numbers are squared here, and which are clipped? Which of the two is first?": (
                clipped_late
            ),
            "Is a long gradient still as long when it is squared?": partial(
                clipped_run, clip=as_it_is
            ),
            "The accumulator still sees the long gradients.": partial(
                clipped_in_part, stepped=shortened
            ),
            "The step still goes along the long gradients.": partial(
                clipped_in_part, squared=shortened
            ),
            "Only the length should change: clip the gradient as a whole.": partial(
                clipped_run, clip=lambda g, most: np.clip(g, -most, most)
            ),
            "Gradients that are short enough stay as they are.": partial(
                clipped_run, clip=lambda g, most: g * most / np.linalg.norm(g)
            ),
            "An outlier is shortened, not left out.": outliers_left_out,
            "The length is that of the whole gradient, not of each row.": partial(
                clipped_run,
                clip=lambda g, most: (
                    g * np.minimum(1, most / np.linalg.norm(g, axis=-1, keepdims=True))
                ),
            ),
            "The length is the root of the sum of squares.": partial(
                clipped_run, clip=lambda g, most: g * min(1, most / np.sum(g**2))
            ),
        },
        hints=(
            "The rates at the end are η/√G. What is in G that makes them so low?",
            "Shorten g before optimizer.step sees it.",
        ),
    ),
    Exercise(
        "8.4",
        reference=halved_run,
        cases={
            "one epoch": (
                np.array([1.5, -0.5]),
                np.array([[[3.0, 0.0], [4.0, -0.9], [0.5, 0.4]]]),
                0.7,
            ),
            "two epochs": (
                np.array([0.4, 2.5]),
                np.array([[[3.0, 0.2], [0.6, -0.9]], [[0.5, 0.4], [-1.2, 0.3]]]),
                0.6,
            ),
            "four epochs": some_epochs,
        },
        mistakes={
            "Look at the print again: which epoch's path is the half of the one before, and "
            "which is less? And what should AdaGrad know in the second epoch?": partial(
                halved_run, rate=halved_again_and_again, forgets=True
            ),
            "The rates are right now. But what does the optimizer know of earlier epochs?": partial(
                halved_run, forgets=True
            ),
            "The accumulator is kept now. But which rate has the third epoch?": partial(
                halved_run, rate=halved_again_and_again
            ),
            "Where is the schedule?": partial(halved_run, rate=lambda lr, k: lr),
            "Which rate has the second epoch? It is half the first one's already.": partial(
                halved_run, rate=lambda lr, k: lr / 2 ** max(0, k - 1)
            ),
            "The first epoch has the rate lr.": partial(
                halved_run, rate=lambda lr, k: lr / 2 ** (k + 1)
            ),
            "Each epoch has half the rate of the one before: lr, lr/2, lr/4.": partial(
                halved_run, rate=lambda lr, k: lr / (k + 1)
            ),
        },
        hints=(
            "Print the rate of each epoch. Which is it in the third one, and which should it be?",
            "`lr = lr / 2**k` divides what has been divided already.",
            "What `optimizer.init` returns knows nothing: when should it be called?",
        ),
    ),
    Exercise(
        "8.5",
        reference=run_in_pieces,
        cases={
            "all in one piece": examples(12, 12, 7),
            "equal pieces": examples(12, 4, 6),
            "a last piece of two": examples(12, 5, 7),
            "a last piece of one": examples(13, 6, 9),
            "more room than examples": examples(5, 8, 3),
        },
        mistakes={
            "Each piece counts as much as the others. Does each example?": with_gathered(
                lambda grads, pieces, n: sum(grads) / len(grads)
            ),
            "With equal pieces that is the sum of their means. What makes it the mean of all n?": (
                with_gathered(lambda grads, pieces, n: sum(grads))
            ),
            "That is the gradient of a sum. What makes it a mean again?": with_gathered(
                lambda grads, pieces, n: sum(
                    len(rows) * g for rows, g in zip(pieces, grads, strict=True)
                )
            ),
            "The pieces are for the memory's sake: one step for all of them.": (
                a_step_for_each_piece
            ),
            "Is the last piece as long as the others?": with_gathered(
                lambda grads, pieces, n: len(pieces[0]) * sum(grads) / n
            ),
            "Is the last piece left out?": with_gathered(
                lambda grads, pieces, n: np.mean(
                    [
                        g
                        for g, rows in zip(grads, pieces, strict=True)
                        if len(rows) == len(pieces[0])
                    ],
                    axis=0,
                )
            ),
            "What makes each piece's mean a sum again, before you divide by n?": with_gathered(
                lambda grads, pieces, n: sum(grads) / n
            ),
        },
        hints=(
            "With size 5 the twelve examples come as 5, 5 and 2. What is the weight of one "
            "example in each of the three?",
            "A mean times the number of its examples is their sum.",
        ),
        closing=Exercise(
            "8.5",
            reference={"lr": 1.0, "eps": 200.0, "G0": 40_000.0, "clip": 200.0, "lr of SGD": 0.005},
            mistakes={
                "The gradients and the root of G grow alike. What is left of the factor?": {
                    "lr": 0.005
                },
                "Do the steps of AdaGrad grow with the gradients?": {"lr": 200.0},
                "ε stands beside √G, which has grown.": {"eps": 1.0},
                "ε stands beside √G, not beside G.": {"eps": 40_000.0},
                "G₀ stands beside squares.": {"G0": 200.0},
                "G₀ stands beside sums of squares, which have grown.": {"G0": 1.0},
                "Gradients are longer now: which ones would be clipped at the old length?": {
                    "clip": 1.0
                },
                "A gradient is clipped before it is squared.": {"clip": 40_000.0},
                "SGD multiplies the gradient itself by its rate.": {"lr of SGD": 1.0},
                "SGD's steps grow with the gradients. Which rate makes up for it?": {
                    "lr of SGD": 200.0
                },
            },
            hints=("Put 200 g in the place of g, and write the step down.",),
        ),
    ),
    Exercise(
        "8.6",
        reference=scaled_run,
        cases={
            "a constant scale": in_float16([256.0] * 4),
            "a scale that falls": in_float16([1024.0, 1024.0, 512.0, 512.0, 256.0]),
            "a scale that rises": in_float16([32.0, 32.0, 64.0, 128.0]),
            "an overflow": in_float16([2048.0, 2048.0, 1024.0, 1024.0], size=7.5, overflow_at=1),
            "tiny gradients": in_float16([32768.0] * 4, size=1e-7),
        },
        mistakes={
            "The steps are as much too short as the scale is large. What is divided by it, and "
            "what should be?": unscaled_late,
            "Is the scale in the accumulator? Where it changes, gradients of several scales are "
            "added up there.": partial(unscaled_late, times=lambda scale: 1.0),
            "The steps are far too long. What is multiplied by the scale, and what should be "
            "divided by it?": partial(unscaled_late, times=lambda scale: scale),
            "In which format do you divide? float16 has no numbers below 6·10⁻⁸.": partial(
                scaled_run, unscale=lambda g, scale: (g / np.float16(scale)).astype(np.float16)
            ),
            "The gradients have been multiplied by the scale already.": partial(
                scaled_run, unscale=lambda g, scale: g.astype(float) * scale
            ),
            "After an overflow no weight moves, not even one whose own gradient is finite.": (
                overflows_counted_as_zero
            ),
            "An infinity may have a minus, too. Do you look for it?": partial(
                scaled_run, counts=lambda g: np.inf not in g
            ),
            "Is ε left out? A gradient of 10⁻⁷ feels it.": partial(
                scaled_run, method=partial(AdaGrad, eps=0.0)
            ),
            "Is a sum looked at? It can overflow where each of its numbers is finite.": partial(
                scaled_run, counts=lambda g: np.isfinite(g.sum())
            ),
            "Only the step with the overflow is left out: the run goes on.": stopped_at_an_overflow,
        },
        hints=(
            "The gradient is 0.5 in every row of the print. What does the accumulator think?",
            "Unscale the gradient itself, before `update`, and in float64.",
        ),
        rtol=TIGHT,
        closing=Exercise(
            "8.6",
            reference={
                "SGD": "longer",
                "AdaGrad": "the same",
                "AdaGrad, later": "shorter",
            },
            mistakes={
                "SGD multiplies the gradient itself by its rate.": {"SGD": "the same"},
                "Are the gradients that SGD sees smaller than they should be?": {"SGD": "shorter"},
                "Both the gradient and √G have the factor in them.": {"AdaGrad": "longer"},
                "By which factor is √G too large, and by which the gradient?": {
                    "AdaGrad": "shorter"
                },
                "In √G are gradients of the old scale. Does it still fit the new ones?": {
                    "AdaGrad, later": "the same"
                },
                "The new gradients have a smaller factor than those in √G.": {
                    "AdaGrad, later": "longer"
                },
            },
            hints=("Write the scale into g / √G, above and below.",),
        ),
    ),
    Exercise(
        "8.7",
        reference=loading(in_place),
        run=fine_tune,
        cases={
            "one array": some_weights((3,)),
            "two arrays": some_weights((2, 3), (3,)),
            "a single number": some_weights((4, 2), ()),
        },
        mistakes={
            "The optimizer moves the arrays that it was given. Are they still those of "
            "model.params after load?": loading(by_a_new_name),
            "An array of shape () has no axis. `w[:]` needs one; what does `w[...]` need?": (
                loading(along_an_axis)
            ),
            "An array of shape () has no rows that a loop could go through. What writes into an "
            "array of any shape?": loading(row_by_row),
            "Is anything loaded?": loading(not_at_all),
            "Loaded a second time, the weights must be those of the second.": loading(by_adding),
            "Only the first array is loaded.": loading(the_first_only),
        },
        hints=(
            "Ask `model.params[0] is optimizer.params[0]`, before and after load.",
            "`w[...] = array` puts numbers into the array w; `w = array` gives another array "
            "the name w.",
        ),
    ),
    Exercise(
        "8.8",
        reference=first_rate,
        properties={
            "a line": near_the_best(0, *LINE, 1.0, UNEQUAL),
            "a minimum far away": near_the_best(1, *LINE, 2000.0, UNEQUAL),
            "a minimum close by": near_the_best(2, *LINE, 1e-3, UNEQUAL),
            "counts": near_the_best(3, *COUNTS, 0.7, 1.0),
            "counts, with features in a small unit": near_the_best(8, *COUNTS, 6e-4, 1000.0),
            "two classes": near_the_best(4, *CLASSES, 30.0, UNEQUAL / 10),
        },
        mistakes={
            TOO_LOW: lambda loss, gradient, w: 1e-9,
            TOO_HIGH: lambda loss, gradient, w: 1e9,
            TOO_MANY: asking_too_often,
            NO_RATE: lambda loss, gradient, w: np.nan,
        },
        hints=(
            "Take 20 steps with each of a few rates that are a factor of four apart, and "
            "compare the losses.",
            "If the best rate is the highest or the lowest so far, try the next one beyond it.",
            "A gradient that is not finite ends a run: count its loss as np.inf.",
        ),
    ),
]
