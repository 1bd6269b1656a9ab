"""A folder of handed-in notebooks becomes a table of who solved what."""

import csv
import subprocess
import sys
from pathlib import Path

import nbformat

COLLECT = Path(__file__).resolve().parents[2] / "tools" / "collect.py"
IMPORT = "from adagrad_course.exercises import check"
RIGHT = '{"G1": 25, "G2": 25, "step 1": 0, "step 2": 1}'
WRONG = RIGHT.replace("25", "7")


def hand_in(folder, *sources):
    """Write a notebook of code cells that claims to have passed everything."""
    folder.mkdir()
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    claim = nbformat.v4.new_output("stream", name="stdout", text="2.2: all 4 checks passed.\n")
    cells[-1].outputs.append(claim)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "02.ipynb")


def collect(*arguments):
    return subprocess.run(
        [sys.executable, COLLECT, *arguments], capture_output=True, text=True, encoding="utf-8"
    )


def test_each_notebook_is_a_line_and_each_exercise_a_column(tmp_path):
    right, wrong = f'check("2.1", {RIGHT})', f'check("2.1", {WRONG})'
    hand_in(tmp_path / "group-1", IMPORT, f'{right}\ncheck("1.2", lambda: 0)')
    hand_in(tmp_path / "group-2", IMPORT, right, wrong, f"# Solution of 2.1\n{right}")
    dies = "import os\nos._exit(1)"
    hand_in(tmp_path / "group-3", IMPORT, 'check("2.1", ...)', "1 / 0", dies, right)
    (tmp_path / "essay.ipynb").write_text("my homework", encoding="utf-8")

    done = collect(tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {row.pop("notebook"): row for row in csv.DictReader(done.stdout.splitlines())}
    assert rows == {
        "group-1/02.ipynb": {"1.2": "not passed", "2.1": "passed", "remark": ""},
        "group-2/02.ipynb": {"1.2": "", "2.1": "not passed", "remark": ""},
        "group-3/02.ipynb": {"1.2": "", "2.1": "not attempted", "remark": "ended its kernel"},
        "essay.ipynb": {"1.2": "", "2.1": "", "remark": "not a notebook"},
    }
    assert list(rows["essay.ipynb"]) == ["1.2", "2.1", "remark"]


def test_a_folder_without_notebooks_is_said_to_have_none(tmp_path):
    for arguments in ([tmp_path], []):
        done = collect(*arguments)
        assert done.returncode == 1
        assert "Name a folder that has notebooks in it" in done.stderr
