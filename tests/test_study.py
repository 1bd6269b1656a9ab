"""The fair comparison against the same steps taken by hand, one rate at a time."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from adagrad_course.datasets import Dataset, Split
from adagrad_course.optimizers import SGD, AdaGrad, Momentum
from adagrad_course.sparse import OnlineSoftmax
from adagrad_course.study import error_with, study

# The rates of a toy need not be fit for a conclusion.
pytestmark = pytest.mark.filterwarnings("ignore:the best rate")
METHODS = {"SGD": SGD, "AdaGrad": AdaGrad}
RATES = np.array([1e-3, 0.02, 0.1, 0.5, 30.0])
AVERAGED = {"averaged SGD": "SGD"}


def toy(seed, n=90):
    """Three classes, told from words some of which are rare; their number depends on the seed."""
    rng = np.random.default_rng([7, seed])
    p = 12 + seed
    labels = rng.integers(3, size=3 * n)
    shares = 0.2 + 0.2 * (np.arange(p) % 3 == labels[:, None])
    features = (rng.random((3 * n, p)) < shares).astype(float)
    parts = [Split(csr_array(features[k::3]), labels[k::3]) for k in range(3)]
    return Dataset("toy", *parts, tuple(map(str, range(p))), ("a", "b", "c"))


def by_hand(make, seed, passes, batch_size, average=False):
    """Return for each rate, trained alone: errors on both held-out parts, the last model."""
    data, outcomes = toy(seed), []
    for lr in RATES:
        model = OnlineSoftmax(len(data.feature_names), 3, make(lr), average=average)
        rng = np.random.default_rng(seed)
        for _ in range(passes):
            x, y = data.train.features, data.train.labels
            model.partial_fit(x, y, rng=rng, batch_size=batch_size)
        errors = [
            model.error_rate(part.features, part.labels, average=average)
            for part in (data.validation, data.test)
        ]
        outcomes.append((*errors, model))
    return outcomes


@pytest.mark.parametrize(
    ("name", "make", "average"),
    [("SGD", SGD, False), ("AdaGrad", AdaGrad, False), ("averaged SGD", SGD, True)],
)
def test_each_method_is_judged_at_the_rate_that_validation_chose(name, make, average):
    found = study(toy, METHODS, RATES, averaged=AVERAGED, seeds=[0, 3], passes=2, batch_size=4)
    assert [list(after) for after in found] == [["SGD", "AdaGrad", "averaged SGD"]] * 2
    for passes, after in enumerate(found, 1):
        tuned = after[name]
        for split, seed in enumerate([0, 3]):
            outcomes = by_hand(make, seed, passes, 4, average)
            validation = [outcome[0] for outcome in outcomes]
            np.testing.assert_array_equal(tuned.validation[split], validation)
            best = int(np.argmin(validation))
            assert tuned.best[split] == best
            assert tuned.best_lrs[split] == RATES[best]
            _, test, model = outcomes[best]
            assert tuned.test[split] == test
            weights = model.average_weights if average else model.weights
            np.testing.assert_allclose(tuned.weights[split], weights, atol=1e-12)
            np.testing.assert_array_equal(tuned.mistakes[split], model.progress.mistakes)


@pytest.mark.filterwarnings("ignore:the best rate")
def test_there_are_five_splits_unless_others_are_given():
    (after,) = study(toy, METHODS, RATES)
    assert repr(after["SGD"]) == f"Tuned(splits: 5, rates: {len(RATES)})"


def test_methods_may_have_rates_of_their_own():
    rates = {"SGD": [1e-3, 0.1, 30.0], "AdaGrad": [1e-3, 0.05, 0.2, 30.0]}
    (after,) = study(toy, METHODS, rates, averaged=AVERAGED, seeds=[1])
    assert {name: tuned.lrs.size for name, tuned in after.items()} == {
        "SGD": 3,
        "AdaGrad": 4,
        "averaged SGD": 3,
    }
    assert after["AdaGrad"].validation.shape == (1, 4)
    assert repr(after["SGD"]) == "Tuned(splits: 1, rates: 3)"


def test_a_method_may_have_a_schedule():
    falling = {"falling": lambda lr: SGD(lambda t: lr / np.sqrt(t))}
    (after,) = study(toy, falling, RATES, seeds=[2])
    outcomes = by_hand(lambda lr: SGD(lambda t: lr / np.sqrt(t)), 2, 1, 1)
    np.testing.assert_array_equal(after["falling"].validation[0], [o[0] for o in outcomes])


def test_a_best_rate_at_an_edge_is_said_to_be_there():
    with pytest.warns(UserWarning, match="largest that was tried"):
        study(toy, {"SGD": SGD}, [1e-9, 1e-8, 0.1], seeds=[0])


@pytest.mark.parametrize(
    ("changed", "kind", "message"),
    [
        ({"lrs": {"SGD": [0.1, 1.0]}}, ValueError, "lrs must have rates for 'AdaGrad'"),
        ({"averaged": {"mean": "Adam"}}, ValueError, r"averaged names \['Adam'\], but the methods"),
        (
            {"averaged": {"SGD": "AdaGrad"}},
            ValueError,
            r"averaged must give new names, got \['SGD'",
        ),
        ({"seeds": []}, ValueError, "seeds must name at least one split"),
        ({"methods": {}}, ValueError, "methods must name at least one"),
        ({"passes": 0}, ValueError, "passes must be"),
        ({"lrs": [1.0, 0.1]}, ValueError, "ascending"),
        ({"lrs": 0.1}, ValueError, "lrs"),
        ({"load": lambda seed: seed}, TypeError, r"load\(seed\) must be"),
        ({"methods": {"Momentum": Momentum}}, TypeError, "optimizer must leave rows"),
    ],
)
def test_wrong_arguments_are_refused(changed, kind, message):
    arguments = {"load": toy, "methods": METHODS, "lrs": RATES, "seeds": [0]} | changed
    with pytest.raises(kind, match=message):
        study(**arguments)


def test_a_classifier_loses_the_features_that_are_not_kept():
    split = toy(0).test
    weights = np.random.default_rng(0).standard_normal((12, 3))
    kept = np.arange(12) % 2 == 0
    x = split.features.toarray()[:, kept]
    expected = np.mean((x @ weights[kept]).argmax(axis=1) != split.labels)
    assert error_with(split, weights, kept) == pytest.approx(expected)
    assert error_with(split, weights, np.ones(12, bool)) != pytest.approx(expected)


@pytest.mark.parametrize(
    ("changed", "kind", "message"),
    [
        ({"split": None}, TypeError, "split must be"),
        ({"weights": np.zeros(12)}, ValueError, "weights must have 12 rows"),
        ({"weights": np.zeros((5, 3))}, ValueError, "weights must have 12 rows"),
        ({"kept": np.ones(12)}, TypeError, "kept must hold truth values, got float64"),
        ({"kept": np.ones(5, bool)}, ValueError, "kept must have shape"),
    ],
)
def test_a_wrong_lesion_is_refused(changed, kind, message):
    arguments = {"split": toy(0).test, "weights": np.zeros((12, 3)), "kept": np.ones(12, bool)}
    with pytest.raises(kind, match=message):
        error_with(**(arguments | changed))
