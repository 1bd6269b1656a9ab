"""What the tests of the figures share."""

import pytest
from in_node import FIGURES, evaluate

from adagrad_course import explorables


@pytest.fixture(scope="session")
def js():
    return evaluate


@pytest.fixture(scope="session")
def figures():
    """What the settings' file says of each figure, by name."""
    return FIGURES


@pytest.fixture(scope="session")
def classes():
    """The widget of each figure, by the figure's name."""
    found = [getattr(explorables, name) for name in explorables.__all__]
    return {widget._kind: widget for widget in found}
