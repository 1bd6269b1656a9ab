"""Packages that only a part of this one needs: an import that fails names what brings them."""

from contextlib import contextmanager


@contextmanager
def packages_needed(extra):
    """Add to the error of an import that failed how to install the packages of an extra.

    Parameters
    ----------
    extra : str
        The extra's name, as in pyproject.toml.

    Examples
    --------
    >>> with packages_needed("torch"):
    ...     import math
    """
    try:
        yield
    except ModuleNotFoundError as error:
        error.add_note(f"This needs more packages: pip install 'adagrad-course[{extra}]'")
        raise
