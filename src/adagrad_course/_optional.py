"""Packages that only parts of this one need."""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["packages_needed"]


@contextmanager
def packages_needed(extra: str, what: str) -> Iterator[None]:
    """Say in the error of an import that failed what brings the package.

    Parameters
    ----------
    extra : str
        The extra of this package that brings it, as in ``path/to/the/copy[data]``.
    what : str
        What needs it, in the plural: "The data sets".
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            # By its path: under the package's name an index may have anybody's.
            f"{what} need {error.name}: pip install 'path/to/the/copy[{extra}]', "
            "with the path of your copy of the book's repository",
            name=error.name,
        ) from error
