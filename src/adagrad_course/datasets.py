"""Real data sets that come with installed packages: nothing is downloaded.

Each loader returns a `Dataset`, checks that it is the data that the book was written with, and
splits it into training, validation and test parts.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Dataset", "Split", "digits"]


@dataclass(frozen=True, eq=False)
class Split:
    """Some examples of a data set.

    Attributes
    ----------
    features : scipy.sparse.csr_array, shape (n, p)
        One row per example.
    labels : numpy.ndarray of int, shape (n,)
        Its class, counted from 0.
    """

    features: "csr_array"
    labels: np.ndarray

    def __len__(self):
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

    def __repr__(self):
        return (
            f"Dataset({self.name!r}: {len(self.train)} + {len(self.validation)} + "
            f"{len(self.test)} examples, {len(self.feature_names)} features, "
            f"{len(self.class_names)} classes)"
        )


def digits():
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
    from scipy.sparse import csr_array
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels, labels = bunch.data.astype(np.uint8), bunch.target.astype(np.uint8)
    _check_content("digits", (1797, 64), "87ff0c9e40dc", pixels, labels)
    bounds = {"train": slice(0, 1000), "validation": slice(1000, 1397), "test": slice(1397, None)}
    features = csr_array(pixels / 16.0)
    parts = {
        part: Split(features[rows], labels[rows].astype(np.intp)) for part, rows in bounds.items()
    }
    return Dataset(
        name="digits",
        **parts,
        feature_names=tuple(f"row {r}, column {c}" for r in range(8) for c in range(8)),
        class_names=tuple("0123456789"),
    )


def _check_content(name, shape, digest, features, labels):
    """Raise ValueError unless the data are those that the book's numbers were computed with."""
    if features.shape != shape:
        raise ValueError(
            f"{name} must have shape {shape}, the installed data have {features.shape}"
        )
    content = hashlib.sha256(features.tobytes() + labels.tobytes()).hexdigest()
    if not content.startswith(digest):
        raise ValueError(
            f"{name} must have the content hash {digest}…, the installed data have "
            f"{content[: len(digest)]}…: the book's numbers would not hold for them"
        )
