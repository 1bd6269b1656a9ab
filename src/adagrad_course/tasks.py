"""Six small tasks for a fair comparison of optimizers: tuned, or as they come.

In each task a run is scored twice, on a part called *validation*, which chooses a method's learning
rate, and on another one, *test*, which judges it. With a seed all that is random is drawn again:
splits, starts, mini-batches, noise. Scores are the lower, the better.

The whole model is one vector on the last axis, as the methods that measure distances need it. The
axis before is a batch, as of learning rates: `tuned` trains all rates of a method at once.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import Survivors
from ._protocols import OptimizerWithRates
from ._validate import has_methods, instance
from .datasets import Dataset, digits, presidential_messages, unicode_names
from .descent import argbest
from .objectives import Quadratic, TwoLayerNetwork
from .optimizers import SGD, AdaGrad, Adam, AdamW, Averaged, DoG, Momentum, Prodigy, RMSProp
from .optimizers._base import take_step

__all__ = [
    "METHODS",
    "NEWCOMERS",
    "TASKS",
    "TEN_PASSES",
    "USUAL",
    "Task",
    "Tuned",
    "best_tuned",
    "tuned",
    "untuned",
    "verdict",
]

Method = Callable[[np.ndarray], OptimizerWithRates]
METHODS: tuple[Method, ...] = (SGD, Momentum, AdaGrad, RMSProp, Adam)
# What came after Adam and takes a vector of weights. DoG predicts with its average.
NEWCOMERS: tuple[Method, ...] = (AdamW, DoG, Prodigy)
# The rate that a method has if nothing is said: PyTorch's, and for the last two their authors'.
USUAL = {"AdaGrad": 0.01, "RMSProp": 0.01, "Adam": 0.001, "DoG": 1.0, "Prodigy": 1.0}


@dataclass(frozen=True, eq=False)
class Task:
    """A task, and which rates to try in it.

    Attributes
    ----------
    unit : str
        What its scores are.
    octaves : dict of str to pair of int
        For each method, the exponents of the least and of the greatest rate to try: powers of 2.
        The best rates of the first five seeds are inside, and those of much wider ranges are the
        same.
    run : callable
        Takes an optimizer, the size of its batch and a seed; returns the scores on the validation
        and on the test part, each of shape (batch,).
    run_all : callable, optional
        The same for a list of seeds at once, of shape (n_seeds, batch), where that is faster.
    """

    unit: str
    octaves: Mapping[str, tuple[int, int]]
    run: Callable[[OptimizerWithRates, int, int], tuple[np.ndarray, np.ndarray]]
    run_all: Callable[[OptimizerWithRates, int, list[int]], np.ndarray] | None = None

    def _scores(self, optimizer: OptimizerWithRates, batch: int, seeds: list[int]) -> np.ndarray:
        """Return the scores on both parts, shape (2, n_seeds, batch)."""
        if self.run_all is not None:
            return self.run_all(optimizer, batch, seeds)
        return np.stack([self.run(optimizer, batch, seed) for seed in seeds], axis=1)

    def __repr__(self) -> str:
        return f"Task({self.unit})"


@dataclass(frozen=True, eq=False)
class Tuned:
    """A method's scores at all rates, and at the one that was best on the validation part.

    Attributes
    ----------
    lrs : numpy.ndarray, shape (n_lrs,)
        The rates, ascending.
    validation, test : numpy.ndarray, shape (n_seeds, n_lrs)
        The scores of all rates.
    best : numpy.ndarray of int, shape (n_seeds,)
        The place of the rate with the least validation score.
    untouched : numpy.ndarray or None, shape (n_seeds,)
        The test scores at the method's usual rate, `USUAL`, if it has one. It is not among those
        to choose from, unless it is a power of 2 of that range.
    """

    lrs: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    best: npt.NDArray[np.intp]
    untouched: np.ndarray | None = None

    @property
    def scores(self) -> np.ndarray:
        """The test score of each seed, at the rate that validation chose, shape (n_seeds,)."""
        return self.test[np.arange(len(self.best)), self.best]

    @property
    def best_lrs(self) -> np.ndarray:
        """The rate chosen with each seed, shape (n_seeds,)."""
        return self.lrs[self.best]

    def __repr__(self) -> str:
        return f"Tuned(seeds: {len(self.best)}, rates: {len(self.lrs)})"


def tuned(
    task: Task, methods: Iterable[Method] = METHODS, seeds: Iterable[int] = range(5)
) -> dict[str, Tuned]:
    """Run each method at all its rates, and choose one for each seed.

    Parameters
    ----------
    task : Task
        One of `TASKS`.
    methods : iterable of callable, optional
        The classes of the methods, those of `task.octaves` or some of them: by default `METHODS`.
        What is tuned of `DoG` and `Prodigy` is the factor on their steps, and `DoG` predicts with
        its average.
    seeds : iterable of int, optional
        The seeds.

    Returns
    -------
    dict of str to Tuned
        By the names of the classes.

    Raises
    ------
    TypeError, ValueError
        If `task` is not a Task, or has no rates for a method.

    Warns
    -----
    UserWarning
        If a best rate is the least or the greatest of those tried; see `descent.argbest`.

    Examples
    --------
    >>> found = tuned(TASKS["bowl"], [SGD, AdaGrad], seeds=range(2))
    >>> found["AdaGrad"].scores, found["SGD"].scores.round(1)
    (array([-12., -12.]), array([0.2, 0.1]))
    """
    instance("task", task, Task)
    seeds, found = list(seeds), {}
    for method in methods:
        name = getattr(method, "__name__", repr(method))
        if name not in task.octaves:
            raise ValueError(f"methods must be of {list(task.octaves)}, got {name}")
        least, greatest = task.octaves[name]
        lrs = 2.0 ** np.arange(least, greatest + 1)
        # The usual rate runs along, in the same batch.
        together = np.union1d(lrs, USUAL.get(name, lrs))
        optimizer = method(together[:, None])
        if isinstance(optimizer, DoG):
            optimizer = Averaged(optimizer)
        validation, test = scores = task._scores(optimizer, together.size, seeds)
        untouched = test[:, together == USUAL[name]][:, 0] if name in USUAL else None
        validation, test = scores[..., np.isin(together, lrs)]
        best = argbest(lrs, validation, axis=1)
        found[name] = Tuned(lrs, validation, test, best, untouched)
    return found


def best_tuned(found: Mapping[str, Tuned]) -> np.ndarray:
    """Return the test scores of the method that validation chose with each seed, at its best rate.

    Parameters
    ----------
    found : dict of str to Tuned
        As from `tuned`.

    Returns
    -------
    numpy.ndarray, shape (n_seeds,)

    Raises
    ------
    ValueError
        If there is no method.

    Examples
    --------
    >>> found = tuned(TASKS["turned bowl"], [SGD, Momentum], seeds=range(2))
    >>> np.array_equal(best_tuned(found), found["Momentum"].scores)
    True
    """
    if not found:
        raise ValueError("found must have at least one method, got none")
    validation = np.array([one.validation.min(axis=1) for one in found.values()])
    scores = np.array([one.scores for one in found.values()])
    chosen = validation.argmin(axis=0)
    return scores[chosen, np.arange(len(chosen))]


def untuned(
    task: Task, optimizer: OptimizerWithRates, seeds: Iterable[int] = range(5)
) -> np.ndarray:
    """Return the test scores of an optimizer as it is.

    Parameters
    ----------
    task : Task
        One of `TASKS`.
    optimizer : object
        Has methods `init`, `step` and `effective_lr`, as in `adagrad_course.optimizers`, and single
        numbers as constants. An `Averaged` predicts with its average.
    seeds : iterable of int, optional
        The seeds.

    Returns
    -------
    numpy.ndarray, shape (n_seeds,)

    Raises
    ------
    TypeError
        If `task` is not a Task or the optimizer lacks a method.

    Examples
    --------
    >>> from adagrad_course.optimizers import Prodigy
    >>> untuned(TASKS["turned bowl"], Prodigy(), seeds=range(2)).round(1)
    array([-2. , -1.8])
    """
    instance("task", task, Task)
    has_methods("optimizer", optimizer, "init", "step", "effective_lr")
    return task._scores(optimizer, 1, list(seeds))[1, :, 0]


def verdict(one: np.ndarray, other: np.ndarray) -> str:
    """Say what the scores of one method show against those of another, seed by seed.

    A lead counts if it is, on average, more than twice as large as its standard deviation.

    Parameters
    ----------
    one, other : numpy.ndarray, shape (n_seeds,)
        The scores of both with the same seeds, at least two.

    Returns
    -------
    str
        "ahead" or "beaten", which is what `one` is, or "undecided".

    Raises
    ------
    ValueError
        If they are not two lists of scores of one length.

    Examples
    --------
    >>> verdict(np.array([1.0, 1.1, 0.9]), np.array([2.0, 2.1, 1.8]))
    'ahead'
    >>> verdict(np.array([1.0, 1.1, 0.9]), np.array([1.5, 0.9, 1.3]))
    'undecided'
    """
    lead = np.asarray(other, float) - np.asarray(one, float)
    if lead.ndim != 1 or lead.size < 2 or np.shape(one) != np.shape(other):
        raise ValueError(
            "one and other must be scores of the same seeds, at least two, "
            f"got shapes {np.shape(one)} and {np.shape(other)}"
        )
    if abs(lead.mean()) <= 2 * lead.std(ddof=1):
        return "undecided"
    return "ahead" if lead.mean() > 0 else "beaten"


def _trained(
    optimizer: OptimizerWithRates,
    start: np.ndarray,
    gradient: Callable[[int, np.ndarray], np.ndarray],
    steps: int,
    watch: Callable[[int, np.ndarray], None] | None = None,
) -> np.ndarray:
    """Return what a run predicts with in the end; `watch` is shown what it does in each step.

    A run that diverges stays where it was last finite.
    """
    params, state, runs = start, optimizer.init(start), Survivors()
    averages = isinstance(optimizer, Averaged)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for t in range(steps):
            if watch is not None:
                watch(t, state.average if averages else params)
            # A gradient that is not finite leads to no finite point, so the point tells.
            stepped, state = take_step(optimizer, params, gradient(t, params), state)
            params = runs.keep(stepped, params)
    return state.average if averages else params


def _bowl(
    turned: bool, optimizer: OptimizerWithRates, batch: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the loss after 150 steps, from ten starts each; what is below 1e-12 is that."""
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.standard_normal((20, 20)))
    if not turned:
        axes = np.eye(20)
    bowl = Quadratic(np.geomspace(1, 1000, 20))
    starts = np.repeat(rng.standard_normal((20, 1, 20)), batch, axis=1)
    ends = _trained(optimizer, starts, lambda t, w: bowl.gradient(w @ axes) @ axes.T, 150)
    with np.errstate(over="ignore"):
        logs = np.log10(np.maximum(bowl.value(ends @ axes), 1e-12))
    return logs[:10].mean(axis=0), logs[10:].mean(axis=0)


def _moving_targets(optimizer: OptimizerWithRates, batch: int, seeds: list[int]) -> np.ndarray:
    """Losses of ten coordinates each, which follow a walk at random that is seen through noise."""
    draws = [np.random.default_rng(seed).standard_normal((2, 2000, 20)) for seed in seeds]
    walks, noise = np.stack(draws, axis=2)[..., None, :]  # (2000, n_seeds, 1, 20) each
    targets = np.cumsum(0.1 * walks, axis=0)
    points = np.empty((len(targets), len(seeds), batch, 20))

    def watch(t: int, point: np.ndarray) -> None:
        points[t] = point

    def gradient(t: int, point: np.ndarray) -> np.ndarray:
        return point - targets[t] + noise[t]

    _trained(optimizer, np.zeros(points.shape[1:]), gradient, len(targets), watch)
    with np.errstate(over="ignore"):
        losses = np.square(points - targets).mean(axis=0) / 2
    return np.array([losses[..., :10].sum(axis=-1), losses[..., 10:].sum(axis=-1)])


def _moving_target(
    optimizer: OptimizerWithRates, batch: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    validation, test = _moving_targets(optimizer, batch, [seed])[:, 0]
    return validation, test


@cache
def _all_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the features and labels of the digits, not divided into parts."""
    data = digits()
    parts = [data.train, data.validation, data.test]
    features = np.vstack([part.features.toarray() for part in parts])
    return features, np.concatenate([part.labels for part in parts])


def _digits(optimizer: OptimizerWithRates, batch: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors in percent of a network with 32 hidden units, after 300 mini-batches of 32 digits."""
    rng, (x, y) = np.random.default_rng(seed), _all_digits()
    cut = np.split(rng.permutation(len(y)), [1000, 1397])
    train, *held_out = (TwoLayerNetwork(x[rows], y[rows], 32, batch_size=32) for rows in cut)
    start = np.repeat(train.start(rng)[None], batch, axis=0)
    weights = _trained(optimizer, start, lambda t, w: train.stochastic_gradient(w, rng), 300)
    validation, test = (100 * net.error_rate(weights) for net in held_out)
    return validation, test


@cache
def _without_rare_words(
    load: Callable[[int], Dataset], least: int, seed: int
) -> tuple[list[tuple[Any, np.ndarray]], int]:
    """Return the features and labels of the three parts, and the number of classes."""
    data = load(seed)
    kept = data.train.features.sum(axis=0) >= least
    parts = [data.train, data.validation, data.test]
    return [(part.features[:, kept], part.labels) for part in parts], len(data.class_names)


@cache
def _mini_batches(
    load: Callable[[int], Dataset], least: int, passes: int, seed: int
) -> list[tuple[Any, np.ndarray, np.ndarray]]:
    """Return the mini-batches of 64 in their order: the words in them, their features, the labels.

    A mini-batch has few of the words, and the others need no arithmetic.
    """
    ((x, y), *_), _ = _without_rare_words(load, least, seed)
    rng, batches = np.random.default_rng(seed), []
    for _ in range(passes):
        for rows in np.array_split(rng.permutation(len(y)), len(y) // 64):
            features = x[rows]
            words = np.unique(features.indices)
            batches.append((words, features[:, words], y[rows]))
    return batches


def _text(
    load: Callable[[int], Dataset],
    least: int,
    passes: int,
    optimizer: OptimizerWithRates,
    batch: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Errors in percent of softmax regression, after some passes in mini-batches of 64.

    The vocabulary is cut to words in at least so many examples, since all steps are dense.
    """
    ((x, _), *held_out), n_classes = _without_rare_words(load, least, seed)
    batches, shape = _mini_batches(load, least, passes, seed), (batch, x.shape[1], n_classes)

    def scores(features: Any, weights: np.ndarray) -> np.ndarray:
        table = weights.swapaxes(0, 1).reshape(features.shape[1], -1)
        return (features @ table).reshape(-1, batch, n_classes)

    def gradient(t: int, weights: np.ndarray) -> np.ndarray:
        words, features, labels = batches[t]
        z = scores(features, weights.reshape(shape)[:, words])
        p = np.exp(z - z.max(axis=-1, keepdims=True))
        p /= p.sum(axis=-1, keepdims=True)
        p[np.arange(len(labels)), :, labels] -= 1
        table = features.T @ p.reshape(len(labels), -1) / len(labels)
        grads = np.zeros(shape)
        grads[:, words] = table.reshape(-1, batch, n_classes).swapaxes(0, 1)
        return grads.reshape(batch, -1)

    start = np.zeros((batch, x.shape[1] * n_classes))
    weights = _trained(optimizer, start, gradient, len(batches)).reshape(shape)
    validation, test = (
        100 * (scores(features, weights).argmax(axis=-1) != labels[:, None]).mean(axis=0)
        for features, labels in held_out
    )
    return validation, test


def _octaves(*ranges: tuple[int, int]) -> dict[str, tuple[int, int]]:
    names = (method.__name__ for method in (*METHODS, *NEWCOMERS))
    return dict(zip(names, ranges, strict=True))


TASKS = {
    "bowl": Task(
        "log₁₀ of the loss",
        _octaves((-12, -6), (-12, -5), (-4, 3), (-8, 2), (-7, 2), (-1, 7), (-3, 4), (-5, 5)),
        partial(_bowl, False),
    ),
    "turned bowl": Task(
        "log₁₀ of the loss",
        _octaves((-12, -6), (-12, -5), (-4, 4), (-8, -1), (-5, 4), (-1, 7), (-3, 4), (-5, 5)),
        partial(_bowl, True),
    ),
    "moving target": Task(
        "mean loss",
        _octaves((-6, 0), (-10, -4), (-2, 4), (-6, 0), (-6, 0), (-6, 0), (-2, 4), (-5, 6)),
        _moving_target,
        _moving_targets,
    ),
    "digits": Task(
        "test error in %",
        _octaves((-3, 1), (-4, -1), (-6, -1), (-9, -5), (-8, -4), (-8, -4), (-1, 1), (-6, 0)),
        _digits,
    ),
    "names": Task(
        "test error in %",
        _octaves((3, 7), (1, 4), (-2, 1), (-5, -2), (-5, -1), (-5, -1), (0, 3), (-4, 6)),
        partial(_text, unicode_names, 2, 1),
    ),
    "messages": Task(
        "test error in %",
        _octaves((-2, 1), (-4, -1), (-5, -3), (-9, -6), (-9, -6), (-9, -6), (0, 2), (-5, 0)),
        partial(_text, presidential_messages, 100, 1),
    ),
}

# The names once more, with ten times as many steps and for two methods.
TEN_PASSES = Task(
    "test error in %",
    {"SGD": (0, 8), "AdaGrad": (-5, 2)},
    partial(_text, unicode_names, 2, 10),
)
