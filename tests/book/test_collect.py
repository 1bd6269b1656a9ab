"""A folder of handed-in notebooks becomes a table of who solved what."""

import csv
import subprocess
import sys

import collect
import nbformat
import psutil
import pytest

IMPORT = "from adagrad_course.exercises import check"
RIGHT = '{"G1": 25, "G2": 25, "step 1": 0, "step 2": 1}'
WRONG = RIGHT.replace("25", "7")
ENDLESS = "while True:\n    time.sleep(0.1)"
DEAF = """\
end = time.monotonic() + 40  # so that the test can fail
while time.monotonic() < end:
    try:
        time.sleep(0.1)
    except BaseException:
        pass"""


def hand_in(folder, *sources):
    """Write a notebook of code cells that claims to have passed everything."""
    folder.mkdir()
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    claim = nbformat.v4.new_output("stream", name="stdout", text="2.2: all 4 checks passed.\n")
    cells[-1].outputs.append(claim)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "02.ipynb")


def run(*arguments):
    """Run the tool as a teacher does."""
    return subprocess.run(
        [sys.executable, collect.__file__, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_each_notebook_is_a_line_and_each_exercise_a_column(tmp_path):
    right, wrong = f'check("2.1", {RIGHT})', f'check("2.1", {WRONG})'
    hand_in(tmp_path / "group-1", IMPORT, f'{right}\ncheck("1.2", lambda: 0)')
    hand_in(tmp_path / "group-2", IMPORT, right, wrong, f"# Solution of 2.1\n{right}")
    dies = "import os\nos._exit(1)"
    hand_in(tmp_path / "group-3", IMPORT, 'check("2.1", ...)', "1 / 0", dies, right)
    (tmp_path / "essay.ipynb").write_text("my homework", encoding="utf-8")
    (tmp_path / "list.ipynb").write_text("[]", encoding="utf-8")
    hand_in(tmp_path / "group-1" / ".ipynb_checkpoints", IMPORT, wrong)
    (tmp_path / "group-1" / "._02.ipynb").write_bytes(b"\0\5\26\7 from macOS")

    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {row.pop("notebook"): row for row in csv.DictReader(done.stdout.splitlines())}
    assert rows == {
        "group-1/02.ipynb": {"1.2": "not passed", "2.1": "passed", "remark": ""},
        "group-2/02.ipynb": {"1.2": "", "2.1": "not passed", "remark": ""},
        "group-3/02.ipynb": {"1.2": "", "2.1": "not attempted", "remark": "ended its kernel"},
        "essay.ipynb": {"1.2": "", "2.1": "", "remark": "not a notebook"},
        "list.ipynb": {"1.2": "", "2.1": "", "remark": "not a notebook"},
    }
    assert list(rows["essay.ipynb"]) == ["1.2", "2.1", "remark"]


def test_a_folder_without_notebooks_is_said_to_have_none(tmp_path):
    for arguments in ([tmp_path], []):
        done = run(*arguments)
        assert done.returncode == 1
        assert "Name a folder that has notebooks in it" in done.stderr


@pytest.mark.parametrize(
    ("loop", "later", "remark"),
    [
        (ENDLESS, "not passed", "cells that failed: 1"),
        (DEAF, "passed", "has a cell that cannot be stopped"),
    ],
    ids=["stops", "swallows interrupts"],
)
def test_an_endless_cell_costs_what_it_must_and_no_more(tmp_path, monkeypatch, loop, later, remark):
    monkeypatch.setattr(collect, "CELL_TIMEOUT", 5)
    leave_pid = "import os, pathlib, time\n_ = pathlib.Path('pid').write_text(str(os.getpid()))"
    right, wrong = f'check("2.1", {RIGHT})', f'check("2.1", {WRONG})'
    hand_in(tmp_path / "group", IMPORT, right, leave_pid, loop, wrong)
    assert collect.verdicts(tmp_path / "group" / "02.ipynb") == {"2.1": later, "remark": remark}
    assert not psutil.pid_exists(int((tmp_path / "group" / "pid").read_text()))
