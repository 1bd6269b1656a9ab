"""The data are the data, in parts that neither overlap nor leave anything out."""

import re

import numpy as np
import pytest
import sklearn.datasets

from adagrad_course.datasets import digits

PARTS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def data():
    return digits()


def test_the_parts_are_the_whole_in_its_order(data):
    parts = [getattr(data, part) for part in PARTS]
    assert [len(part) for part in parts] == [1000, 397, 400]
    original = sklearn.datasets.load_digits()
    features = np.vstack([part.features.toarray() for part in parts])
    np.testing.assert_array_equal(features * 16, original.data)
    np.testing.assert_array_equal(np.concatenate([part.labels for part in parts]), original.target)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_fit_for_training(data, part):
    features, labels = getattr(data, part).features, getattr(data, part).labels
    assert features.format == "csr"
    assert features.shape == (len(labels), len(data.feature_names))
    assert features.dtype == np.float64
    assert features.min() == 0
    assert features.max() == 1
    assert labels.dtype.kind == "i"
    assert set(labels.tolist()) == set(range(len(data.class_names)))


def test_feature_names_say_where_a_pixel_is(data):
    row, column = 2, 5
    image = sklearn.datasets.load_digits().images[0] / 16
    pixel = data.feature_names.index(f"row {row}, column {column}")
    assert data.train.features[0, pixel] == image[row, column]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda bunch: bunch.update(data=bunch.data[:-1], target=bunch.target[:-1]),
            r"digits must have shape \(1797, 64\), the installed data have \(1796, 64\)",
        ),
        (
            lambda bunch: bunch.data.__setitem__((5, 20), 3.0),
            r"digits must have the content hash 87ff0c9e40dc…, the installed data have \w{12}…",
        ),
        (
            lambda bunch: bunch.target.__setitem__(7, 3),
            r"digits must have the content hash 87ff0c9e40dc…",
        ),
    ],
    ids=["shape", "a pixel", "a label"],
)
def test_other_data_are_refused(monkeypatch, change, message):
    bunch = sklearn.datasets.load_digits()
    change(bunch)
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda: bunch)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        digits()
    assert re.match(message, str(caught.value))
