"""A fair comparison of optimizers: each at its own best rate, on several splits of the data.

Each rate is trained in each split. The validation part chooses the rate, the test part judges it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from ._validate import instance, positive_int, real_array
from .datasets import Dataset, Split
from .descent import _ascending, argbest
from .optimizers import SGD, AdaGrad
from .sparse import OnlineSoftmax, _fit_together

__all__ = ["Tuned", "error_with", "study"]


@dataclass(frozen=True, eq=False)
class Tuned:
    """What a method came to in each split, at the rate that it was given there.

    Attributes
    ----------
    lrs : numpy.ndarray, shape (n_lrs,)
        The rates tried, ascending.
    validation : numpy.ndarray, shape (n_splits, n_lrs)
        The share of the validation part that each rate got wrong.
    best : numpy.ndarray of int, shape (n_splits,)
        The place of the rate with the fewest of these errors.
    test : numpy.ndarray, shape (n_splits,)
        The share of the test part that this rate got wrong.
    weights : list of numpy.ndarray, shape (n_features, n_classes)
        Its weights in each split, which differ in their number of features.
    mistakes : list of numpy.ndarray of bool, shape (n_train,)
        Which examples it got wrong in the last pass, each just before it was trained on. For
        averaged weights these are the mistakes of the run that was averaged.
    """

    lrs: np.ndarray
    validation: np.ndarray
    best: npt.NDArray[np.intp]
    test: np.ndarray
    weights: list[np.ndarray]
    mistakes: list[npt.NDArray[np.bool_]]

    @property
    def best_lrs(self) -> np.ndarray:
        """The rate chosen in each split, shape (n_splits,)."""
        return self.lrs[self.best]

    def __repr__(self) -> str:
        return f"Tuned(splits: {len(self.test)}, rates: {len(self.lrs)})"


def study(
    load: Callable[[int], Dataset],
    methods: Mapping[str, Callable[[np.ndarray], SGD | AdaGrad]],
    lrs: ArrayLike | Mapping[str, ArrayLike],
    *,
    averaged: Mapping[str, str] | None = None,
    seeds: Iterable[int] = range(5),
    passes: int = 1,
    batch_size: int = 1,
) -> list[dict[str, Tuned]]:
    """Train softmax regression with each method at all rates, on several splits of a data set.

    All methods and rates are trained at once, on the same batches; a split's seed gives the order
    of the examples, too.

    Parameters
    ----------
    load : callable
        Takes a seed and returns a `Dataset`, as `adagrad_course.datasets.unicode_names` does.
    methods : dict of str to callable
        Takes rates of shape (n_lrs, 1) and returns an optimizer, as the classes `SGD` and
        `AdaGrad` do.
    lrs : array_like, shape (n_lrs,), or dict of str to array_like
        The rates, ascending: the same for all methods or some for each.
    averaged : dict of str to str, optional
        For further methods whose run it is that is averaged, as in ``{"averaged SGD": "SGD"}``:
        they predict with the mean of the weights after each step, at a best rate of their own.
    seeds : iterable of int, optional
        One for each split.
    passes : int, optional
        How often the training part is gone through.
    batch_size : int, optional
        Over how many examples each gradient is averaged.

    Returns
    -------
    list of dict of str to Tuned
        One dict for each number of passes, from 1 on: what each method came to after it. Its rate
        is chosen anew for each number.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that kind, a method lacks rates, or `averaged` names a method that
        there is not.

    Warns
    -----
    UserWarning
        If a best rate is the least or the greatest of those tried; see `descent.argbest`.

    Examples
    --------
    >>> from adagrad_course.datasets import unicode_names
    >>> methods = {"SGD": SGD, "AdaGrad": AdaGrad}
    >>> lrs = {"SGD": [2.0, 32.0, 512.0], "AdaGrad": [0.03, 0.5, 8.0]}
    >>> found = study(unicode_names, methods, lrs, seeds=range(2), batch_size=64)
    >>> {name: tuned.test.round(3).tolist() for name, tuned in found[0].items()}
    {'SGD': [0.063, 0.051], 'AdaGrad': [0.049, 0.049]}
    """
    passes, seeds = positive_int("passes", passes), list(seeds)
    if not seeds:
        raise ValueError("seeds must name at least one split, got none")
    if not methods:
        raise ValueError("methods must name at least one, got none")
    averaged = averaged or {}
    if unknown := [name for name in averaged.values() if name not in methods]:
        raise ValueError(f"averaged names {unknown}, but the methods are {list(methods)}")
    if taken := [name for name in averaged if name in methods]:
        raise ValueError(f"averaged must give new names, got {taken}")
    grids = {name: _rates_of(name, lrs) for name in methods}
    sources = {name: name for name in methods} | dict(averaged)
    found: list[dict[str, list[Any]]] = [{name: [] for name in sources} for _ in range(passes)]
    for seed in seeds:
        data = load(seed)
        instance("load(seed)", data, Dataset)
        sizes = len(data.feature_names), len(data.class_names)
        models = {
            method: OnlineSoftmax(
                *sizes, make(grids[method][:, None]), average=method in averaged.values()
            )
            for method, make in methods.items()
        }
        rng = np.random.default_rng(seed)
        for after in found:
            _fit_together(
                list(models.values()),
                data.train.features,
                data.train.labels,
                batch_size=batch_size,
                rng=rng,
            )
            for name, source in sources.items():
                outcome = _outcome(models[source], data, grids[source], average=name != source)
                after[name].append(outcome)
    return [
        {name: Tuned(grids[sources[name]], *_stacked(runs)) for name, runs in after.items()}
        for after in found
    ]


def error_with(split: Split, weights: np.ndarray, kept: ArrayLike) -> float:
    """Return the share of examples that a linear classifier gets wrong with some features only.

    Parameters
    ----------
    split : Split
        The examples, with n_features columns.
    weights : numpy.ndarray, shape (n_features, n_classes)
        Those of all features, as in `Tuned.weights`.
    kept : array_like of bool, shape (n_features,)
        The features that it predicts with; the weights of the others are set to zero.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that kind or shape.

    Examples
    --------
    >>> from adagrad_course.datasets import digits
    >>> data = digits()
    >>> model = OnlineSoftmax(64, 10, AdaGrad(lr=0.1))
    >>> model = model.partial_fit(data.train.features, data.train.labels)
    >>> left_half = np.arange(64) % 8 < 4
    >>> error_with(data.test, model.weights, left_half)
    0.56
    """
    instance("split", split, Split)
    weights, kept = real_array("weights", weights), np.asarray(kept)
    n_features = split.features.shape[1]
    if weights.ndim != 2 or len(weights) != n_features:
        raise ValueError(f"weights must have {n_features} rows, got shape {weights.shape}")
    if kept.dtype != bool:
        raise TypeError(f"kept must hold truth values, got {kept.dtype}")
    if kept.shape != (n_features,):
        raise ValueError(f"kept must have shape ({n_features},), got {kept.shape}")
    predicted = (split.features @ (weights * kept[:, None])).argmax(axis=1)
    return float(np.mean(predicted != split.labels))


def _rates_of(method: str, lrs: Any) -> np.ndarray:
    if isinstance(lrs, Mapping):
        if method not in lrs:
            raise ValueError(f"lrs must have rates for {method!r}, got rates for {list(lrs)}")
        lrs = lrs[method]
    return _ascending(lrs)


def _outcome(
    model: OnlineSoftmax, data: Dataset, lrs: np.ndarray, *, average: bool
) -> tuple[Any, ...]:
    """Choose the rate on the validation part, then look at the test part."""
    validation = model.error_rate(data.validation.features, data.validation.labels, average=average)
    best = argbest(lrs, validation)
    weights = (model.average_weights if average else model.weights)[:, best].copy()
    test = error_with(data.test, weights, np.ones(len(weights), dtype=bool))
    assert model.progress is not None
    return validation, best, test, weights, model.progress.mistakes[:, best].copy()


def _stacked(runs: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return the outcomes of the splits as arrays; of what differs in length, as lists."""
    validation, best, test, weights, mistakes = zip(*runs, strict=True)
    return np.array(validation), np.array(best), np.array(test), list(weights), list(mistakes)
