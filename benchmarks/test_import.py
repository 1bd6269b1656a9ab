"""How long the package takes to import: what a notebook's first cell costs, Python included."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "modules",
    [
        "adagrad_course",
        "adagrad_course.optimizers, adagrad_course.descent",
        "numpy",
    ],
)
def test_import(compare, modules):
    statement = f"import {modules}"
    compare(
        "start-up",
        statement,
        lambda: subprocess.run([sys.executable, "-c", statement], check=True),
        rounds=10,
        ours=modules != "numpy",
    )
