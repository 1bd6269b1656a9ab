"""A folder of handed-in notebooks becomes a table of who solved what, and no row is lost."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import collect
import nbformat
import psutil
import pytest

IMPORT = "from adagrad_course.exercises import check"
RIGHT = '{"G1": 25, "G2": 100, "step 1": 0, "step 2": 0.3}'
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


def run(*arguments, **options):
    """Run the tool as a teacher does."""
    return subprocess.run(
        [sys.executable, collect.__file__, *arguments],
        **options,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def table(text):
    """Return the rows of a table by their notebook, without what changes with every edit."""
    rows = {row.pop("notebook"): row for row in csv.DictReader(io.StringIO(text, newline=""))}
    return {name: {k: v for k, v in row.items() if k != "content"} for name, row in rows.items()}


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

    done = run(tmp_path, "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert table(done.stdout) == {
        "group-1/02.ipynb": {"exercise 1.2": "not passed", "exercise 2.1": "passed", "remark": ""},
        "group-2/02.ipynb": {"exercise 1.2": "", "exercise 2.1": "not passed", "remark": ""},
        "group-3/02.ipynb": {
            "exercise 1.2": "",
            "exercise 2.1": "not attempted",
            "remark": "ended its kernel",
        },
        "essay.ipynb": {"exercise 1.2": "", "exercise 2.1": "", "remark": "not a notebook"},
        "list.ipynb": {"exercise 1.2": "", "exercise 2.1": "", "remark": "not a notebook"},
    }


def test_a_folder_without_notebooks_is_said_to_have_none(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 2
    assert "name a folder that has notebooks in it" in done.stderr
    assert run().returncode == 2


def test_a_table_needs_a_folder_that_exists(tmp_path):
    hand_in(tmp_path / "group", IMPORT)
    done = run(tmp_path, "--output", tmp_path / "missing" / "results.csv")
    assert done.returncode == 2
    assert "must name a file in a folder that exists" in done.stderr


@pytest.mark.parametrize(
    ("loop", "later", "remark"),
    [
        (ENDLESS, "not passed", "cells that failed: 1"),
        (DEAF, "passed", "has a cell that cannot be stopped"),
    ],
    ids=["stops", "swallows interrupts"],
)
def test_an_endless_cell_costs_what_it_must_and_no_more(tmp_path, loop, later, remark):
    leave_pid = "import os, pathlib, time\n_ = pathlib.Path('pid').write_text(str(os.getpid()))"
    right, wrong = f'check("2.1", {RIGHT})', f'check("2.1", {WRONG})'
    hand_in(tmp_path / "group", IMPORT, right, leave_pid, loop, wrong)
    done = run(tmp_path, "--quiet", "--cell", "5")
    assert table(done.stdout) == {"group/02.ipynb": {"exercise 2.1": later, "remark": remark}}
    assert has_ended(int((tmp_path / "group" / "pid").read_text(encoding="utf-8")))


def has_ended(pid):
    """Wait for a killed process, which nobody may have taken note of yet."""
    for _ in range(100):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.1)
    return False


# A class, with every accident that we know ----------------------------------------------------

SOLVED = [IMPORT, f'check("2.1", {RIGHT})']
LEFT_RUNNING = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', '{}'])"
SLEEPER = "import time; time.sleep(3000) # left by a student"
ACCIDENTS = {  # cells, and the remark that is expected
    "right": (SOLVED, ""),
    "wrong äöü": ([IMPORT, f'check("2.1", {WRONG})'], ""),
    "=HYPERLINK(1)": (SOLVED, ""),
    'comma, "quotes"': (SOLVED, ""),
    "end": ([IMPORT, f'print("so:", end=" ")\ncheck("2.1", {RIGHT})'], ""),
    "claims": ([*SOLVED, 'print("2.1: not passed")'], ""),
    "forged": (['print("2.1: passed.")'], "no exercise of this book"),
    "another course": (["1 + 1"], "no exercise of this book"),
    "number in a name": ([IMPORT, f'n = "1.1"\ncheck(n, ...)\ncheck("2.1", {RIGHT})'], "1.1"),
    "flood": ([*SOLVED, 'while True: print("x" * 1000)'], "printed without end"),
    "dies": ([*SOLVED, "import os\nos._exit(1)"], "ended its kernel"),
    "exits": ([*SOLVED, "exit()"], ""),
    "kills its parent": ([*SOLVED, "import os\nos.kill(os.getppid(), 9)"], "ended the process"),
    "waits": ([*SOLVED, "import time\ntime.sleep(300)"], "cells that failed: 1"),
    "asks": ([*SOLVED, "input()"], "cells that failed: 1"),
    "greedy": ([*SOLVED, "x = bytearray(100 * 2**30)"], "cells that failed: 1"),
    "leaves": ([*SOLVED, LEFT_RUNNING.format(SLEEPER)], ""),
    "moves": (["import os\nos.chdir('/')", *SOLVED], ""),
    "no output": ([*SOLVED, "import sys\nsys.stdout = None"], ""),
    "magic": ([*SOLVED, "%nonsense", "!true"], ""),
}
BROKEN = {
    "empty": (b"", "not a notebook"),
    "null": (b"null", "not a notebook"),
    "cells": (
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}',
        "not a notebook",
    ),
    "binary": (bytes(range(256)), "not a notebook"),
}


def hand_in_all(folder):
    """Hand in a class; return the remark that each notebook deserves."""
    expected = {}
    for name, (sources, remark) in ACCIDENTS.items():
        hand_in(folder / name, *sources)
        expected[f"{name}/02.ipynb"] = remark
    for name, (content, remark) in BROKEN.items():
        (folder / f"{name}.ipynb").write_bytes(content)
        expected[f"{name}.ipynb"] = remark
    text = (folder / "right" / "02.ipynb").read_text(encoding="utf-8")
    (folder / "mark.ipynb").write_text(text, encoding="utf-8-sig")
    cells = json.loads(text)
    cells["cells"].append({"cell_type": "code", "metadata": {}, "outputs": [], "id": "x"})
    (folder / "no source.ipynb").write_text(json.dumps(cells), encoding="utf-8")
    (folder / "folder.ipynb").mkdir()
    (folder / "gone.ipynb").symlink_to(folder / "nowhere")
    expected |= {"mark.ipynb": "", "no source.ipynb": "cells without a source: 1"}
    expected["gone.ipynb"] = "cannot be read"
    if sys.platform == "linux":
        strange = os.fsencode(folder) + b"/m\xfcller.ipynb"
        with open(strange, "w", encoding="utf-8") as file:
            file.write(text)
        expected["m\\xfcller.ipynb"] = ""
    return expected


@pytest.mark.skipif(sys.platform == "win32", reason="signals, and such names, are POSIX")
def test_a_class_with_every_accident_is_collected_interrupted_and_resumed(tmp_path):
    folder, output = tmp_path / "handed-in", tmp_path / "results.csv"
    folder.mkdir()
    expected = hand_in_all(folder)
    command = [sys.executable, collect.__file__, folder, "--output", output, "--cell", "4"]
    options = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **options) as process:
        largest, deadline = 0, time.monotonic() + 300
        while (
            not output.exists() or output.read_bytes().count(b"\n") < 6
        ) and time.monotonic() < deadline:
            largest = max(largest, psutil.Process(process.pid).memory_info().rss)
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert b"the same command goes on" in process.communicate()[1]
    assert process.returncode == 130
    finished = output.read_bytes()
    assert finished.startswith(b"\xef\xbb\xbfnotebook,")  # for spreadsheets
    rows = table(finished.decode("utf-8-sig"))
    assert 5 <= len(rows) < len(expected)

    with output.open("ab") as file:  # a power cut, in the middle of a row
        file.write(b"mark.ipynb,pas")
    with subprocess.Popen(command, **options) as process:
        family, peak = psutil.Process(process.pid), 0
        while process.poll() is None:
            try:
                whole = [family, *family.children(recursive=True)]
                peak = max(peak, *(member.memory_info().rss for member in whole))
            except psutil.Error:
                pass
            time.sleep(0.2)
        again = process.stderr.read().decode()
    assert process.returncode == 0
    assert peak < 1e9, f"{peak / 1e6:.0f} MB"
    assert largest < 3e8
    assert [name for name in rows if f" {name} (" in again] == []  # what was finished is kept
    text = output.read_text(encoding="utf-8-sig")
    got = {name.removeprefix("'"): row for name, row in table(text).items()}
    assert got.keys() == expected.keys()
    assert "\n'=HYPERLINK(1)/02.ipynb," in text  # no formula
    for name, remark in expected.items():
        assert remark in got[name]["remark"], name
        assert bool(remark) == bool(got[name]["remark"]), (name, got[name]["remark"])
    lost = {"forged/02.ipynb", "another course/02.ipynb", "gone.ipynb", "kills its parent/02.ipynb"}
    lost |= {f"{name}.ipynb" for name in BROKEN}
    for name in expected.keys() - lost:
        verdict = "not passed" if "wrong" in name else "passed"
        assert got[name]["exercise 2.1"] == verdict, name
    left = psutil.process_iter(["pid", "cmdline"])
    assert all(has_ended(p.pid) for p in left if SLEEPER in str(p.info["cmdline"]))


def test_a_notebook_that_changed_is_run_again_and_another_is_not(tmp_path):
    hand_in(tmp_path / "a", IMPORT, 'check("2.1", ...)')
    hand_in(tmp_path / "b", *SOLVED)
    output = tmp_path / "results.csv"
    assert "2/2 b/02.ipynb" in run(tmp_path, "--output", output).stderr
    shutil.rmtree(tmp_path / "b")  # collected, and tidied away
    path = tmp_path / "a" / "02.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source = SOLVED[1]
    nbformat.write(notebook, path)
    again = run(tmp_path, "--output", output).stderr
    assert "a/02.ipynb" in again
    assert "b/02.ipynb" not in again
    rows = table(output.read_text(encoding="utf-8-sig"))
    assert [row["exercise 2.1"] for row in rows.values()] == ["passed", "passed"]


def test_another_file_is_not_overwritten(tmp_path):
    hand_in(tmp_path / "a", IMPORT)
    output = tmp_path / "marks.csv"
    output.write_text("student,mark\nAda,1\n", encoding="utf-8")
    done = run(tmp_path, "--output", output)
    assert done.returncode == 1
    assert "is no table of this program" in done.stderr
    assert output.read_text(encoding="utf-8") == "student,mark\nAda,1\n"


# The reader's own settings --------------------------------------------------------------------


def test_nothing_of_the_readers_settings_counts(tmp_path, hostile):
    prints = f'print("1\\n2")\n1\ncheck("2.1", {RIGHT})'
    hand_in(tmp_path / "a", IMPORT, prints)
    done = run(tmp_path, "--quiet", env=os.environ | hostile | {"PYTHONWARNINGS": ""})
    assert done.stderr == ""
    assert table(done.stdout) == {"a/02.ipynb": {"exercise 2.1": "passed", "remark": ""}}
