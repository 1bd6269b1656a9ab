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
        The extra of this package that brings it, as in ``adagrad-course[data]``.
    what : str
        What needs it, in the plural: "The data sets".
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{what} need {error.name}: pip install 'adagrad-course[{extra}]'", name=error.name
        ) from error
