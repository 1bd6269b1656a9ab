"""What a notebook gives does not depend on the settings of whoever executes it."""

import os
import shutil
import subprocess
import sys

import kernels
import nbformat
import pytest
import refresh
from test_gate import ROOT, failed_cells

REVEALING = [
    "1\n2",
    "import os\nprint(open(os.devnull).encoding, __debug__)",
    "import tqdm\nfor _ in tqdm.trange(3):\n    pass",
    "import warnings\nwarnings.simplefilter('ignore')\nwarnings.warn('nobody minds')",
]


@pytest.fixture(scope="module")
def revealing(tmp_path_factory, mini, run):
    """The mini notebook with cells whose outputs show settings, as `make refresh` leaves it."""
    path = tmp_path_factory.mktemp("revealing") / "revealing.ipynb"
    notebook = nbformat.read(mini, as_version=4)
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in REVEALING]
    nbformat.write(notebook, path)
    assert run(path) == 0
    printed = [cell.outputs for cell in nbformat.read(path, as_version=4).cells[-len(REVEALING) :]]
    assert printed[0][0].data == {"text/plain": "2"}
    assert printed[1][0].text == "utf-8 True\n"
    assert printed[2:] == [[], []]
    return path


def test_refresh_gives_the_same_with_anybodys_settings(revealing, hostile):
    done = subprocess.run(
        [sys.executable, refresh.__file__, "--check", revealing],
        env=os.environ | hostile,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert "revealing.ipynb: unchanged" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


def test_nbval_gives_the_same_with_anybodys_settings(revealing, hostile, tmp_path):
    shutil.copy(revealing, tmp_path)
    hostile = hostile | {"PYTHONOPTIMIZE": "", "PYTHONWARNINGS": ""}  # pytest itself minds these
    assert failed_cells(tmp_path, **hostile)["revealing"]
    shutil.copy(ROOT / "conftest.py", tmp_path)  # pytest finds it above the notebooks
    assert failed_cells(tmp_path, **hostile)["revealing"] == set()


def test_a_reader_without_a_home_gets_figures_without_a_warning(revealing, tmp_path):
    nowhere = tmp_path / "file" / "home"
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, refresh.__file__, "--check", revealing],
        env={"HOME": str(nowhere)} | {k: v for k, v in os.environ.items() if k != "HOME"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_where_python_finds_its_modules_is_kept_and_its_other_settings_are_not(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "here")
    monkeypatch.setenv("PYTHONSTARTUP", "there")
    monkeypatch.setenv("LANGUAGE", "de")
    monkeypatch.setenv("UNRELATED", "kept")
    environment = kernels.environment()
    assert environment["PYTHONPATH"] == "here"
    assert environment["UNRELATED"] == "kept"
    assert not environment.keys() & {"PYTHONSTARTUP", "LANGUAGE"}
