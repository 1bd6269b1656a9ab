"""`make refresh` replaces a notebook whole or not at all, and an unchanged one not at all."""

import copy
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import refresh
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[2]
WAITS = "from pathlib import Path\nimport time\nPath('running').touch()\ntime.sleep(60)"


def write(folder, name, *sources):
    """Write a notebook of code cells, without outputs, and return its path."""
    path = folder / f"{name}.ipynb"
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_second_refresh_does_not_touch_the_file(run, mini):
    before, changed_at = mini.read_bytes(), mini.stat().st_mtime_ns
    assert run(mini) == 0
    assert mini.read_bytes() == before
    assert mini.stat().st_mtime_ns == changed_at


def test_outputs_follow_the_code_and_nothing_else_changes(run, mini, tmp_path):
    path = Path(shutil.copy(mini, tmp_path))
    before = nbformat.read(path, as_version=4)
    path.write_text(path.read_text("utf-8").replace("steps=20)", "steps=21)", 1), "utf-8")
    assert run("--check", path) == 1
    assert run(path) == 0
    after = nbformat.read(path, as_version=4)
    assert after.cells[1].outputs != before.cells[1].outputs
    for untouched in (0, 2, 4):
        assert after.cells[untouched] == before.cells[untouched]
    assert after.metadata == before.metadata


def test_check_writes_nothing(run, tmp_path, capsys):
    path = write(tmp_path, "new", "1 + 1")
    before = path.read_bytes()
    assert run("--check", path) == 1
    assert "new.ipynb: would change" in capsys.readouterr().out
    assert path.read_bytes() == before


def test_a_notebook_runs_in_its_own_folder_and_progress_is_plain_in_a_file(run, tmp_path, capsys):
    path = write(tmp_path, "where", "import os", "os.path.basename(os.getcwd())")
    assert run(path) == 0
    cells = nbformat.read(path, as_version=4).cells
    assert cells[1].outputs[0].data["text/plain"] == repr(tmp_path.name)
    progress = capsys.readouterr().out.splitlines()
    assert progress[:2] == ["where.ipynb: cell 1/2", "where.ipynb: cell 2/2"]
    assert progress[2].startswith("where.ipynb: changed")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import warnings\nwarnings.warn('mind the gap')", "mind the gap"),
        ("import sys\nprint('careful', file=sys.stderr)", "wrote to stderr"),
        ("import os\nos._exit(1)", "ended its kernel"),
    ],
    ids=["exception", "warning", "stderr", "death"],
)
def test_a_failing_notebook_stays_as_it_was_and_the_next_is_refreshed(
    run, tmp_path, capsys, source, reason
):
    bad, good = write(tmp_path, "bad", "x = 1", source), write(tmp_path, "good", "1 + 1")
    before = bad.read_bytes()
    assert run(bad, good) == 1
    assert bad.read_bytes() == before
    assert nbformat.read(good, as_version=4).cells[0].execution_count == 1
    assert sorted(os.listdir(tmp_path)) == ["bad.ipynb", "good.ipynb"]
    message = capsys.readouterr().err
    assert f"{bad}, code cell 2" in message
    assert reason in message
    assert source in message
    assert "\x1b[" not in message


def test_a_cell_that_takes_too_long_is_stopped(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(refresh, "CELL_TIMEOUT", 1)
    path = write(tmp_path, "slow", WAITS)
    before = path.read_bytes()
    assert run(path) == 1
    assert path.read_bytes() == before
    assert "took longer than 1 s" in capsys.readouterr().err


def test_an_edit_made_meanwhile_is_not_lost(run, tmp_path, capsys):
    edit = "from pathlib import Path\n_ = Path('edited.ipynb').write_text('saved meanwhile')"
    path = write(tmp_path, "edited", edit)
    assert run(path) == 1
    assert path.read_text("utf-8") == "saved meanwhile"
    assert "was edited while it ran" in capsys.readouterr().err


def test_a_terminal_that_cannot_show_a_name_is_no_reason_to_stop(tmp_path):
    path = write(tmp_path, "übung ✓", "1 / 0")
    process = subprocess.run(
        [sys.executable, refresh.__file__, path],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
    )
    assert process.stdout.endswith(b"s)\n"), process.stderr
    assert rb"\xfcbung \u2713.ipynb: failed" in process.stdout
    assert b"ZeroDivisionError" in process.stderr


@pytest.mark.parametrize("text", [None, "{", "[]", '{"nbformat": 4, "cells": 3}'])
def test_what_is_no_notebook_is_refused(run, tmp_path, capsys, text):
    if text is not None:
        (tmp_path / "chapter.ipynb").write_text(text, encoding="utf-8")
    assert run(tmp_path / "chapter.ipynb") == 1
    assert "chapter.ipynb: not a notebook" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["Ctrl-C", "terminated", "killed"],
)
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_an_interrupted_notebook_stays_as_it_was(tmp_path, number, code):
    path, other = write(tmp_path, "long", WAITS), write(tmp_path, "next", "1 + 1")
    before = path.read_bytes(), other.read_bytes()
    process = subprocess.Popen([sys.executable, refresh.__file__, path, other])
    deadline = time.monotonic() + 60
    while not (tmp_path / "running").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(timeout=30) == code
    assert (path.read_bytes(), other.read_bytes()) == before
    assert sorted(os.listdir(tmp_path)) == ["long.ipynb", "next.ipynb", "running"]


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    path = write(tmp_path, "chapter", "1 + 1")
    before = path.read_bytes()
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        refresh.replace(path, "new")
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["chapter.ipynb"]


def test_only_meaningful_metadata_is_kept():
    kept = {"tags": ["hide-input"], "mystnb": {"image": {"alt": "…"}}}
    noise = {
        "jupyter": {"outputs_hidden": True},
        "collapsed": True,
        "scrolled": True,
        "execution": {"iopub.status.busy": "…"},
    }
    notebook = nbformat.v4.new_notebook(
        metadata={"widgets": {"state": {}}, "language_info": {"name": "python", "version": "3"}},
        cells=[nbformat.v4.new_code_cell("1", metadata=kept | noise)],
    )
    refresh.normalised(notebook)
    assert notebook.cells[0].metadata == kept | {"jupyter": {"source_hidden": True}}
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert "version" not in notebook.metadata.language_info


def test_what_a_page_folds_is_folded_in_jupyterlab_and_nothing_else_is():
    drawing = nbformat.v4.new_code_cell("plt.show()", metadata={"tags": ["hide-input"]})
    target = '<a id="sec-x"></a>\n'
    texts = [f"{target}### Going deeper: why", "### Going deeper: why", "#### Solution of 1.2"]
    cells = [nbformat.v4.new_markdown_cell(text) for text in [*texts, "## Going on"]]
    cells[3].metadata["jp-MarkdownHeadingCollapsed"] = True  # by somebody who read it
    refresh.normalised(nbformat.v4.new_notebook(cells=[drawing, *cells]))
    assert drawing.metadata.jupyter == {"source_hidden": True}
    folded = {"jp-MarkdownHeadingCollapsed": True}
    assert [cell.metadata for cell in cells] == [folded, folded, folded, {}]


def test_a_widget_is_stored_without_the_name_it_has_in_its_kernel():
    html = {"text/html": "<p>as it begins</p>", "text/plain": "Race()"}
    view = {refresh.WIDGET: {"model_id": "0f3c", "version_major": 2, "version_minor": 0}}
    cell = nbformat.v4.new_code_cell(
        "Race()", outputs=[nbformat.v4.new_output("execute_result", data=html | view)]
    )
    refresh.normalised(nbformat.v4.new_notebook(cells=[cell]))
    assert cell.outputs[0].data == html


def test_what_a_progress_bar_leaves_is_no_output():
    wiped, warned = (
        nbformat.v4.new_output("stream", name="stderr", text=text) for text in ("\r    \r", "odd")
    )
    cells = [nbformat.v4.new_code_cell("1", outputs=outputs) for outputs in ([wiped], [warned])]
    refresh.normalised(nbformat.v4.new_notebook(cells=cells))
    assert [cell.outputs for cell in cells] == [[], [warned]]


def test_neighbouring_streams_are_joined_and_their_order_is_kept():
    def says(text, name="stdout"):
        return nbformat.v4.new_output("stream", name=name, text=text)

    figure = nbformat.v4.new_output("display_data", data={"image/svg+xml": "<svg/>"})
    outputs = [says("a\n"), says("b\n"), figure, says("c\n"), says("d\n", "stderr"), says("e\n")]
    joined = [output.get("text", "figure") for output in refresh.merged(outputs)]
    assert joined == ["a\nb\n", "figure", "c\n", "d\n", "e\n"]


def test_jupyterlab_saves_a_chapter_without_traces_and_trusts_it_as_before():
    settings = ROOT / "lab" / "jupyter_server_config.py"
    space = {"__file__": str(settings), "c": Config()}
    exec(settings.read_text(encoding="utf-8"), space)
    traces = [{"trusted": trust, "scrolled": True} for trust in (True, False)]
    cells = [nbformat.v4.new_code_cell("1", metadata=trace) for trace in traces]
    model = {"type": "notebook", "content": nbformat.v4.new_notebook(cells=cells)}
    manager = SimpleNamespace(root_dir=str(ROOT))
    for path, left in [("chapters/a.ipynb", [{"trusted": True}, {}]), ("a.ipynb", traces)]:
        content = copy.deepcopy(model)
        space["without_traces"](content, path, contents_manager=manager)
        assert [cell.metadata for cell in content["content"].cells] == left, path
