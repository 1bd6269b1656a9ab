"""What the tests of the figures share."""

import pytest
from in_node import SCRIPT, evaluate

from adagrad_course import explorables


@pytest.fixture(scope="session")
def js():
    return evaluate


@pytest.fixture(scope="session")
def script():
    return SCRIPT


@pytest.fixture(scope="session")
def figures(js):
    """What the script has for each figure, by name, without its functions."""
    return js("FIGURES", [0])[0]


@pytest.fixture(scope="session")
def classes():
    """The widget of each figure, by the name that the script gives it."""
    found = [getattr(explorables, name) for name in explorables.__all__]
    return {widget._kind: widget for widget in found}
