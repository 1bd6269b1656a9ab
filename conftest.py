"""Settings for every test and for the notebooks' kernels, which inherit this environment."""

import gc
import os
import re
from importlib.util import find_spec
from pathlib import Path

import kernels
import pytest
from hypothesis import settings

# Now that `kernels` is there: without it nbval would build a grammar of web addresses, in each
# worker.
pytest_plugins = ["nbval.plugin"]

# The same examples in every run: a failure comes with the change that made it, and is seen again.
settings.register_profile("book", derandomize=True, deadline=None, database=None)
settings.load_profile("book")

# nbval's kernels inherit this; and two workers share two cores, where more threads only get in the
# way.
environment = kernels.environment()
for name in os.environ.keys() - environment.keys():
    del os.environ[name]
os.environ.update(environment)

# The longest files come first, so that no worker is left alone with one at the end. pytest-xdist
# begins with the files that have most tests unless it is told to keep this order, as the Makefile
# does. One of those with the site comes early, and builds it before the others wait for it.
LONGEST = (
    "tests/site/test_accessibility.py",
    "tests/test_sharded.py",
    "chapters/07",
    "chapters/06",
    "chapters/04",
    "chapters/08",
    "tests/site",
    "tests/book",
    "chapters",
)


def pytest_sessionstart():
    """Read the tests and what they import without looking for garbage: nearly all of it stays."""
    gc.disable()


def pytest_collection_finish():
    """Look for garbage from here on, and only in what the tests make."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items):
    """Bring the longest files to the front."""

    def place(item):
        return next(
            (i for i, name in enumerate(LONGEST) if item.nodeid.startswith(name)), len(LONGEST)
        )

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Let a fork break the rules of house style: they are said (XFAIL), and stop nothing."""
    report = yield
    advice = os.environ.get("HOUSE_STYLE") == "advice" and item.get_closest_marker("house_style")
    if advice and report.failed and call.excinfo.errisinstance(AssertionError):
        report.outcome = "skipped"
        report.wasxfail = f"advice: {call.excinfo.value}".partition("\n")[0]
    return report


# Without PyTorch (on an Intel Mac there is none) what needs it cannot even be imported.
if not find_spec("torch"):
    NEEDS_TORCH = re.compile(r"\b(import torch|torch_optim|adagrad_course\.(diagnose|sharded))\b")
    collect_ignore = [
        str(path)
        for path in (
            *(Path(__file__).parent / "src" / "adagrad_course").glob("*.py"),
            *(Path(__file__).parent / "chapters").glob("*.ipynb"),
        )
        if path.stem in ("torch_optim", "sharded", "diagnose", "_symptoms")
        or (path.suffix == ".ipynb" and NEEDS_TORCH.search(path.read_text(encoding="utf-8")))
    ]
