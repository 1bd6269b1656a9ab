"""What a reader sees in a notebook when their code goes wrong, and that the kernel survives it."""

import sys

import nbformat
import pytest
from nbclient import NotebookClient

from adagrad_course.exercises import REPORT_TYPE, WANTED

SETUP = """\
import sys
import numpy as np
from adagrad_course.exercises import machinery
from adagrad_course.exercises.machinery import Exercise, grade
machinery.TIME_LIMIT = 0.5
double = Exercise("1.1", reference=lambda x: 2 * x, cases={"one": (1.0,)}, hints=("Twice.",))
"""
LAST = '1.1: not passed yet. For a hint: hint("1.1")\n'
CELLS = {
    "def f(x):\n    while True: pass": (
        "✗ one: did not finish within 0.5 s: is a loop very long, or endless?\n    for x=1\n" + LAST
    ),
    "def f(x):\n    while True: print(x)": (
        "✗ one: did not finish within 0.5 s: is a loop very long, or endless?\n    for x=1\n"
        "(Your code printed something; a check shows only its own report.)\n" + LAST
    ),
    "def f(x):\n    y = 2 * x\n    return z": (
        "✗ one: raised NameError: name 'z' is not defined, in line 3, `return z`\n    for x=1\n"
        "    Is every name spelled right, and defined before it is used?\n" + LAST
    ),
    "def f(x):\n    sys.exit()": (
        "✗ one: raised SystemExit, in line 2, `sys.exit()`\n    for x=1\n"
        "    End a function with `return`.\n" + LAST
    ),
    "def f(x):\n    exit()": (
        "✗ one: raised SystemExit, in line 2, `exit()`\n    for x=1\n"
        "    End a function with `return`.\n" + LAST
    ),
    "def f(x):\n    np.zeros(1) / 0; print(x, file=sys.stderr); return 2 * x": (
        "✓ one\n1.1: passed.\n"
    ),
    "def f(x):\n    grade(double, f)\n    return 2 * x": "✓ one\n1.1: passed.\n",
    "def f(x):\n    return ...": "1.1: not attempted yet\n",
}


def outputs_of(*sources):
    """Run cells in a kernel and return the outputs of each."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    # What is printed arrives in pieces where the machine is busy.
    client = NotebookClient(notebook, timeout=60, allow_errors=True, coalesce_streams=True)
    client.create_kernel_manager().kernel_spec.argv[0] = sys.executable  # this very environment
    client.execute()
    return [cell.outputs for cell in notebook.cells]


IMPORT = f"import os\nfrom adagrad_course.exercises import check\nos.environ.pop({WANTED!r}, None)"
RIGHT = "check('1.1', {'gradient': 8, 'next point': 4.2, 'limit': 0.5})"
FORGED = "print('1.1: passed.', end=' ')\ncheck('1.1', ...)"


@pytest.mark.filterwarnings("default")  # those of the Jupyter client are not ours
def test_a_report_is_displayed_where_it_is_wanted_and_nowhere_else():
    want = f"os.environ[{WANTED!r}] = '1'"
    _, unwanted, _, *wanted = outputs_of(IMPORT, RIGHT, want, RIGHT, FORGED)
    (text,) = unwanted
    assert wanted[0][-1] == text
    reports = [[o.data[REPORT_TYPE] for o in outputs if "data" in o] for outputs in wanted]
    verdicts = [[report["verdict"] for report in of_a_cell] for of_a_cell in reports]
    assert verdicts == [["passed"], ["not attempted"]]


@pytest.mark.filterwarnings("default")  # those of the Jupyter client are not ours
def test_a_notebook_stays_clean_and_alive():
    sources = [SETUP, *(f"{cell}\nprint(grade(double, f))" for cell in CELLS)]
    outputs = outputs_of(*sources, "print('alive')")
    assert all(len(output) <= 1 for output in outputs)
    texts = [output[0].get("text", output[0]) if output else "" for output in outputs]
    assert texts == ["", *CELLS.values(), "alive\n"]
    names = {output[0].name for output in outputs if output}
    assert names == {"stdout"}
