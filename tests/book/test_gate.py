"""The gate itself is tested: what no longer agrees with the code must not pass.

A notebook is copied, tampered with and put through pytest with the project's own settings.
"""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import pytest
import structure

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "chapters" / "01-learning-rates.ipynb"


def failed_cells(folder, **environment):
    """Run nbval on the notebooks in `folder`; return the cells that failed, as {file: {index}}."""
    report = folder / "report.xml"
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", folder, "-p", "no:cacheprovider"),
            # As conftest.py does, which is not there: first what spares nbval two seconds.
            *("-p", "tools.kernels", "-p", "nbval.plugin"),
            *("-c", ROOT / "pyproject.toml", "--rootdir", folder, f"--junitxml={report}"),
        ],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
    )
    failed = {notebook.stem: set() for notebook in folder.glob("*.ipynb")}
    ran = 0
    for case in ET.parse(report).iter("testcase"):
        ran += 1
        if len(case):
            notebook = case.get("classname").removesuffix(".ipynb")
            failed[notebook].add(int(case.get("name").removeprefix("Cell ")))
    assert ran, "nbval collected nothing"
    return failed


def change_a_digit(cell):
    """Add 1 to the last digit of a printed text."""
    output = cell.outputs[0]
    output.text = re.sub(r"\d(?=\D*$)", lambda d: str((int(d[0]) + 1) % 10), output.text)


def move_a_point(cell):
    """Move one coordinate of a figure by a hundredth of a point."""
    data = cell.outputs[0].data
    data["image/svg+xml"] = re.sub(
        r"(?<= d=\"M )\d+(\.\d+)?",
        lambda x: f"{float(x[0]) + 0.01:.2f}",
        data["image/svg+xml"],
        count=1,
    )


def remove_the_output(cell):
    cell.outputs = []


def change_the_code(cell):
    cell.source = cell.source.replace("lr=0.15", "lr=0.16")


# What is done to copies of the mini notebook, each a kernel's start; and to which code cells.
TAMPERINGS = {
    "outputs": {1: change_a_digit, 2: remove_the_output, 3: move_a_point, 4: remove_the_output},
    "no-figure": {3: remove_the_output},
    "other-code": {1: change_the_code},
}


def tampered(path, changes):
    """Return the notebook at `path` with changes made to its code cells."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for index, change in changes.items():
        before = str(code[index])
        change(code[index])
        assert str(code[index]) != before, "nothing was tampered with"
    return notebook


@pytest.fixture(scope="module")
def failures(mini, tmp_path_factory):
    """Which cells nbval fails, in the notebook as it is and in each tampered copy."""
    folder = tmp_path_factory.mktemp("tampered")
    shutil.copy(mini, folder / "untouched.ipynb")
    for name, changes in TAMPERINGS.items():
        nbformat.write(tampered(mini, changes), folder / f"{name}.ipynb")
    return failed_cells(folder)


def test_an_untouched_notebook_passes(failures):
    assert failures["untouched"] == set()


@pytest.mark.parametrize("name", TAMPERINGS)
def test_nbval_catches(failures, name):
    # A changed run changes the figure that is drawn from it, too.
    drawn = {3} if name == "other-code" else set()
    assert failures[name] == TAMPERINGS[name].keys() | drawn


# Appended to the optimizers, it turns their minus into a plus: both are odd in the gradient.
UPHILL = """
def _uphill(step):
    return lambda self, params, grads, state: step(self, params, -grads, state)


SGD.step, AdaGrad.step = _uphill(SGD.step), _uphill(AdaGrad.step)
"""


def test_nbval_catches_outputs_that_a_change_in_the_package_made_stale(mini, tmp_path):
    source = shutil.copytree(ROOT / "src" / "adagrad_course", tmp_path / "src" / "adagrad_course")
    with (source / "optimizers" / "core.py").open("a", encoding="utf-8") as optimizers:
        optimizers.write(UPHILL)
    environment = {"PYTHONPATH": str(source.parent)}
    imported = subprocess.run(
        [sys.executable, "-c", "import adagrad_course; print(adagrad_course.__file__)"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(imported.stdout.strip()).parent == source

    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(mini, folder)
    sgd, adagrad, figure = 1, 2, 3
    assert failed_cells(folder, **environment)["mini"] == {sgd, adagrad, figure}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        # Both pass nbval: without a count it compares nothing, and it does not look at the order.
        (lambda cell: cell.update(execution_count=None, outputs=[]), "is_executed_in_order"),
        (lambda cell: cell.update(execution_count=1), "is_executed_in_order"),
    ],
    ids=["unexecuted", "out of order"],
)
def test_structure_catches(mini, tmp_path, change, fault):
    assert not [f for f in structure.faults(mini) if f.startswith(fault)]
    nbformat.write(tampered(mini, {2: change}), tmp_path / "tampered.ipynb")
    assert [f for f in structure.faults(tmp_path / "tampered.ipynb") if f.startswith(fault)]


def test_nbval_catches_exactly_what_was_changed_in_a_chapter(tmp_path):
    notebook = nbformat.read(CHAPTER, as_version=4)
    # The second half trains for long, and has no other kind of output.
    del notebook.cells[len(notebook.cells) // 2 :]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    printing = [
        i for i, c in enumerate(code) if _kind(c) == "text" and re.search(r"\d", c.outputs[0].text)
    ]
    drawing = [i for i, c in enumerate(code) if _kind(c) == "figure"]
    (widget,) = [i for i, c in enumerate(code) if _kind(c) == "widget"]
    digit, removed, figure = printing[0], printing[-1], drawing[len(drawing) // 2]
    change_a_digit(code[digit])
    remove_the_output(code[removed])
    move_a_point(code[figure])
    data = code[widget].outputs[0].data
    data["text/html"] = data["text/html"].replace("ratio=25", "ratio=26")
    nbformat.write(notebook, tmp_path / "chapter.ipynb")
    assert failed_cells(tmp_path)["chapter"] == {digit, removed, figure, widget}


def _kind(cell):
    """Say what a cell's only output is."""
    if len(cell.outputs) == 1:
        if cell.outputs[0].output_type == "stream":
            return "text"
        if "image/svg+xml" in cell.outputs[0].data:
            return "figure"
        if 'class="explorable"' in cell.outputs[0].data.get("text/html", ""):
            return "widget"
    return None
