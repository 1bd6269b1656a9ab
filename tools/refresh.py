"""Re-execute notebooks in place, so that their stored outputs are what their code gives.

    python tools/refresh.py                                  every chapter
    python tools/refresh.py chapters/01-learning-rates.ipynb
    python tools/refresh.py --check                          say what would change, write nothing

A notebook is replaced in one step, once all its cells have run without an error and without a word
on stderr; if one fails, or the run is interrupted, it stays as it was. What does not belong to the
book (timings, editor state, the Python version) is left out, so that an unchanged notebook executed
again gives no difference.
"""

import argparse
import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import kernels
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
CELL_TIMEOUT = 180  # seconds, as for nbval

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE_INFO = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}
# What a cell's metadata may say; the rest is an editor's or an executor's bookkeeping.
CELL_METADATA = {"mystnb", "tags"}
# A heading that pages and JupyterLab fold, with all cells below it: the second in any language.
FOLDED = re.compile(
    r'(?:<a id="[\w-]+"></a>\n)?(?:#+ Going deeper: |#### [^\d\n]+\d+\.\d+$)', re.MULTILINE
)
# A widget lives as long as its kernel, under a random name; what is stored is its text/html.
WIDGET = "application/vnd.jupyter.widget-view+json"


class RefreshError(Exception):
    """A notebook could not be refreshed; the message says which cell and why."""


def main(arguments=None):
    """Refresh the notebooks named on the command line.

    Parameters
    ----------
    arguments : list of str, optional
        The command line, without the program's name.

    Returns
    -------
    int
        The exit code: 0, 1 if a notebook failed (with ``--check``, also if one would change) or 130
        if interrupted.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every chapter")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 on a change")
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):  # a file's name may have characters that it lacks
        stream.reconfigure(errors="backslashreplace")
    try:
        return asyncio.run(
            refresh_all(options.notebooks or sorted(CHAPTERS.glob("*.ipynb")), options.check)
        )
    except (asyncio.CancelledError, KeyboardInterrupt):
        print("\nInterrupted; the notebook that was running is as it was.", file=sys.stderr)
        return 130


async def refresh_all(paths, check):
    """Refresh one notebook after the other and return the exit code.

    Parameters
    ----------
    paths : iterable of pathlib.Path
        The notebooks.
    check : bool
        Whether to write nothing and count a change as a failure.

    Returns
    -------
    int
        0 or 1.
    """
    # As cancellations, signals arrive while a kernel is awaited and never in the middle of a write.
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(RuntimeError):  # Windows has none, threads get none
            asyncio.get_running_loop().add_signal_handler(number, asyncio.current_task().cancel)
    failed = False
    for path in paths:
        progress = Progress(path.name)
        try:
            changed = await refresh(path, progress, write=not check)
        except RefreshError as error:
            progress.finish("failed, left as it was")
            print(error, file=sys.stderr)
            failed = True
        else:
            progress.finish(("would change" if check else "changed") if changed else "unchanged")
            failed |= check and changed
    return int(failed)


async def refresh(path, progress, write=True):
    """Execute one notebook and replace its file if that changed anything.

    Parameters
    ----------
    path : pathlib.Path
        The notebook.
    progress : callable
        Called with ``(cells done, cells in all)`` before each code cell.
    write : bool
        Whether to replace the file.

    Returns
    -------
    bool
        Whether the executed notebook differs from the file.

    Raises
    ------
    RefreshError
        If the file is no notebook, a cell fails, writes to stderr or takes too long, or somebody
        edits the file meanwhile.
    """
    try:
        before = path.read_text(encoding="utf-8")
        notebook = nbformat.reads(before, as_version=4)
    except Exception as error:  # nbformat has no one error for JSON that is no notebook
        raise RefreshError(f"{path}: not a notebook that can be read: {error}") from None
    await execute(notebook, path, progress)
    try:
        nbformat.validate(normalised(notebook))
    except nbformat.ValidationError as error:
        raise RefreshError(f"{path}: not a valid notebook: {error}") from None
    after = nbformat.writes(notebook) + "\n"
    if write and after != before:
        if path.read_text(encoding="utf-8") != before:
            raise RefreshError(f"{path} was edited while it ran")
        replace(path, after)
    return after != before


async def execute(notebook, path, progress):
    """Run every code cell in a fresh kernel, in the notebook's own folder as nbval does.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        The notebook; its outputs are replaced.
    path : pathlib.Path
        Where it lies.
    progress : callable
        See `refresh`.

    Raises
    ------
    RefreshError
        See `refresh`.
    """
    kernel = kernels.own_kernel()
    client = NotebookClient(
        notebook,
        kernel,
        timeout=CELL_TIMEOUT,
        store_widget_state=False,
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],  # a local kernel warns that it is not encrypted
        resources={"metadata": {"path": str(path.parent)}},
    )
    # Not client.execute(): its own signal handlers make an interrupted run look like a failed one.
    try:
        await client.async_start_new_kernel(env=kernels.environment())
        await client.async_start_new_kernel_client()
        cells = [(i, c) for i, c in enumerate(notebook.cells) if c.cell_type == "code"]
        for done, (index, cell) in enumerate(cells):
            progress(done, len(cells))
            problem = None
            try:
                await client.async_execute_cell(cell, index)
            except CellTimeoutError:
                problem = f"took longer than {CELL_TIMEOUT} s"
            except CellExecutionError:
                pass  # the error is among the outputs
            except DeadKernelError:  # also how nbclient words a cancellation
                if asyncio.current_task().cancelling():
                    raise asyncio.CancelledError from None
                problem = "ended its kernel"
            if problem := problem or unwanted(cell.outputs):
                raise RefreshError(
                    f"{path}, code cell {done + 1} {problem}\n\nThe cell:\n{cell.source}\n"
                )
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        if kernel.has_kernel:
            await kernel.shutdown_kernel(now=True)


def unwanted(outputs):
    """Say what among a cell's outputs has no place in the book.

    Parameters
    ----------
    outputs : list of nbformat.NotebookNode
        The outputs of one cell.

    Returns
    -------
    str or None
        What is wrong, or None.
    """
    for output in outputs:
        if output.get("name") == "stderr":
            return f"wrote to stderr:\n{_plain(output.text)}"
        if output.output_type == "error":
            return "failed:\n" + _plain("\n".join(output.traceback))
    return None


def normalised(notebook):
    """Return the notebook with only what belongs to the book.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        An executed notebook; it is changed in place.

    Returns
    -------
    nbformat.NotebookNode
        The same object.
    """
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNELSPEC, "language_info": LANGUAGE_INFO}
    )
    for cell in notebook.cells:
        hidden = "hide-input" in cell.metadata.get("tags", [])  # as pages fold it
        folded = cell.cell_type == "markdown" and FOLDED.match(cell.source)
        cell.metadata = nbformat.from_dict(
            {key: value for key, value in cell.metadata.items() if key in CELL_METADATA}
            | ({"jupyter": {"source_hidden": True}} if hidden else {})
            | ({"jp-MarkdownHeadingCollapsed": True} if folded else {})
        )
        if cell.cell_type == "code":
            # What a progress bar leaves when it has wiped itself away is no output.
            cell.outputs = [
                output
                for output in merged(cell.outputs)
                if output.get("name") != "stderr" or output.text.strip()
            ]
            for output in cell.outputs:
                output.get("data", {}).pop(WIDGET, None)
    return notebook


def merged(outputs):
    """Join neighbouring stream outputs: where the kernel splits them is a matter of timing.

    Parameters
    ----------
    outputs : list of nbformat.NotebookNode
        The outputs of one cell.

    Returns
    -------
    list of nbformat.NotebookNode
        The same, the texts of neighbouring streams of one name joined.
    """
    joined = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output.output_type == "stream" and output.name == last.get("name"):
            last.text += output.text
        else:
            joined.append(output)
    return joined


def replace(path, text):
    """Replace a file in one step: whoever reads it sees the old text or the new one, whole.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    text : str
        Its new content.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        shutil.copymode(path, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class Progress:
    """How far a notebook is: one line that moves on a terminal, plain lines elsewhere.

    Parameters
    ----------
    name : str
        The notebook's name.
    """

    def __init__(self, name):
        self.name = name
        self.start = time.monotonic()
        self.moves = sys.stdout.isatty()

    def __call__(self, done, total):
        """Say that cell `done` + 1 of `total` begins."""
        self._line(f"cell {done + 1}/{total}", end="" if self.moves else "\n")

    def finish(self, verdict):
        """Say how it ended, and after how long."""
        self._line(f"{verdict} ({time.monotonic() - self.start:.1f} s)", end="\n")

    def _line(self, text, end):
        print(f"\r\033[K{self.name}: {text}" if self.moves else f"{self.name}: {text}", end=end)
        sys.stdout.flush()


def _plain(text):
    """Return `text` without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text).rstrip()


if __name__ == "__main__":
    sys.exit(main())
