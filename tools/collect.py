"""Run handed-in notebooks and say, as CSV, which exercises each of them solves.

    python tools/collect.py handed-in --output results.csv

Every notebook in the folder, at any depth, is executed in a fresh kernel, without the outputs that
it came with and without the book's solutions. The last check of each exercise counts. An entry is
empty where no check has spoken: its cell is gone, or an error came first.

Each row is written as soon as it is known. If the file is there already, as after an interruption,
its rows are kept, and only notebooks that are new or have changed are run.

This runs other people's code with your rights. Do it where there is nothing to lose.
"""

import argparse
import contextlib
import csv
import hashlib
import io
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kernels
import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from adagrad_course.exercises import REPORT_TYPE, WANTED

FIRST, LAST = "notebook", ("remark", "content")  # the columns around those of the exercises
MARK = "ADAGRAD_COURSE_COLLECTED"  # whatever a notebook starts inherits its value
FLOOD = 10**7  # characters that a cell may give before it is stopped
CHECK = re.compile(r"""\bcheck\(\s*["'](\d+\.\d+)["']""")


class Refused(Exception):
    """A file that cannot be run as a notebook; the message says why."""


def main(arguments=None):
    """Collect as the command line says and return the exit code: 0, or 130 if interrupted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the notebooks lie, at any depth")
    parser.add_argument("--output", type=Path, help="a CSV file; without one, the table is printed")
    parser.add_argument("--cell", type=float, default=60, metavar="S", help="seconds a cell (60)")
    parser.add_argument(
        "--notebook", type=float, default=600, metavar="S", help="seconds a notebook (600)"
    )
    parser.add_argument("--memory", type=float, default=8, metavar="GB", help="for one kernel (8)")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        return run_one(options)
    paths = notebooks(options.folder)
    if not paths:
        parser.error(f"name a folder that has notebooks in it, got {options.folder}")
    if options.output and not options.output.absolute().parent.is_dir():
        parser.error(f"--output must name a file in a folder that exists, got {options.output}")
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # a shell has a command in the background ignore the first
        signal.signal(number, signal.default_int_handler)
    try:
        collect(paths, options)
    except KeyboardInterrupt:
        advice = "; the same command goes on from there" if options.output else ""
        print(f"\nInterrupted. The finished rows are written{advice}.", file=sys.stderr)
        return 130
    return 0


def notebooks(folder):
    """Return the paths, from the folder, of its notebooks.

    What is hidden was not handed in: Jupyter's checkpoints, and the ._files in a zip from macOS.
    """
    paths = sorted(path.relative_to(folder) for path in folder.rglob("*.ipynb"))
    visible = [path for path in paths if not any(part.startswith(".") for part in path.parts)]
    return [path for path in visible if not (folder / path).is_dir()]


def collect(paths, options):
    """Write a row for each notebook, one after the other."""
    scanned = {path: scan(options.folder / path) for path in paths}
    before = read_table(options.output)
    named = {column for row in before.values() for column in row} - {FIRST, *LAST}
    for _, exercises in scanned.values():
        named |= {f"exercise {number}" for number in exercises}
    columns = [FIRST, *sorted(named, key=_order), *LAST]
    shown = {path: readable(path) for path in paths}
    to_run = {
        shown[path]
        for path in paths
        if not scanned[path][0] or before.get(shown[path], {}).get("content") != scanned[path][0]
    }
    environment = kernels.environment() | {WANTED: "1"}
    with contextlib.ExitStack() as stack:
        # What is not to be made again stays, also of notebooks that are no longer there.
        old = [row for name, row in before.items() if name not in to_run]
        table = open_table(options.output, columns, old, stack)
        for number, path in enumerate(paths, start=1):
            if shown[path] not in to_run:
                continue
            start = time.monotonic()
            row = {FIRST: shown[path], "content": scanned[path][0]}
            found = run(options.folder / path, options, environment)
            extra = [k for k in found if k.startswith("exercise ") and k not in columns]
            if extra:  # a check with a number that is not written as text
                said = [found["remark"], *(f"{key}: {found.pop(key)}" for key in extra)]
                found["remark"] = "; ".join(filter(None, said))
            if not found["remark"] and not scanned[path][1] and len(found) == 1:
                found["remark"] = "no exercise of this book"
            table(row | found)
            if not options.quiet:
                took = time.monotonic() - start
                said = f"{number}/{len(paths)} {shown[path]} ({took:.0f} s) {found['remark']}"
                print(said.encode("ascii", "backslashreplace").decode(), file=sys.stderr)


def scan(path):
    """Return a digest of a file and the exercises that it checks, as far as it can be read."""
    try:
        content = path.read_bytes()
    except OSError:
        return "", set()
    numbers = set(CHECK.findall(content.decode("utf-8", "replace").replace('\\"', '"')))
    return hashlib.sha256(content).hexdigest()[:16], numbers


def readable(path):
    """Return a path as text that can be written, also if its name is not UTF-8."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _order(column):
    return [int(part) for part in re.findall(r"\d+", column)]


# The table ------------------------------------------------------------------------------------


def read_table(output):
    """Return the rows, by notebook, of a table that an earlier run has begun."""
    if output is None or not output.exists():
        return {}
    text = output.read_text(encoding="utf-8-sig")
    lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    if (lines.fieldnames or [FIRST])[0] != FIRST:
        sys.exit(f"{output} is there and is no table of this program; name another file")
    # A row that was cut off has fewer columns, and is made again.
    rows = [{k: _unguarded(v) for k, v in row.items()} for row in lines if None not in row.values()]
    return {row[FIRST]: row for row in rows}


def open_table(output, columns, rows, stack):
    """Write a new table, in place of an old one in one step; return what adds a row to it."""
    if output is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="")
        file = sys.stdout
    else:
        fresh = output.with_name(f".{output.name}.{os.getpid()}")
        # With a mark at its start, spreadsheets know the encoding.
        with fresh.open("w", encoding="utf-8-sig", newline="") as file:
            _write(file, columns, rows, header=True)
        fresh.replace(output)
        file = stack.enter_context(output.open("a", encoding="utf-8", newline=""))
    if output is None:
        _write(file, columns, rows, header=True)
    return lambda row: _write(file, columns, [row])


def _write(file, columns, rows, header=False):
    """Write whole rows at once, so that an interruption leaves none by half."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, restval="")
    if header:
        table.writeheader()
    table.writerows({key: _guarded(value) for key, value in row.items()} for row in rows)
    file.write(text.getvalue())
    file.flush()


def _guarded(value):
    """Return a text that a spreadsheet does not take for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r", "'")) else value


def _unguarded(value):
    return value.removeprefix("'") if value[1:2] and value[1] in "=+-@\t\r'" else value


# One notebook ---------------------------------------------------------------------------------


def run(path, options, environment):
    """Return a notebook's verdicts and a remark, from a process of its own: it may do anything."""
    limits = {"--cell": options.cell, "--notebook": options.notebook, "--memory": options.memory}
    command = [sys.executable, os.path.abspath(__file__), path, "--one"]
    command += [str(part) for pair in limits.items() for part in pair]
    mark = secrets.token_hex()
    # A file, not a pipe: what the notebook leaves running may hold it open as long as it likes.
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for this process, which then ends that one
            env=environment | {MARK: mark},
        ) as process,
    ):
        try:
            process.wait(options.notebook)
        except subprocess.TimeoutExpired:
            return {"remark": f"took longer than {options.notebook:g} s"}
        finally:
            end_family(mark)
        said.seek(0)
        try:
            return json.load(said)
        except ValueError:
            return {"remark": "ended the process that ran it"}


def end_family(mark):
    """Kill a process, its kernel and what this has left running, which may have no parent now."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark:
                process.kill()


def run_one(options):
    """Run one notebook in this process and print what came of it, as JSON."""
    answer = os.dup(1)
    with open(os.devnull, "w") as nowhere:  # what a kernel's children print is not the answer
        os.dup2(nowhere.fileno(), 1)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # not on Windows

        limit = int(options.memory * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        found = verdicts(options.folder, options.cell)
    except Refused as error:
        found = {"remark": str(error)}
    except Exception as error:  # whatever it is, it must not cost the row
        found = {"remark": f"could not be run: {type(error).__name__}"}
    os.write(answer, json.dumps(found).encode())
    return 0


def read(path):
    """Return a notebook's code cells in a notebook of their own."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Refused(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refused("not a notebook") from error
    try:
        cells = nbformat.reads(text, as_version=4).cells
        code = [cell.get("source") for cell in cells if cell.get("cell_type") == "code"]
    except Exception as error:  # nbformat has no one error for JSON that is no notebook
        raise Refused("not a notebook") from error
    sources = ["".join(source or "") for source in code]
    fresh = [re.sub(r"(?s)\A\s*# Solution of.*", "", source) for source in sources]
    cells = [nbformat.v4.new_code_cell(source) for source in fresh]
    return nbformat.v4.new_notebook(cells=cells), code.count(None)


def verdicts(path, cell_timeout):
    """Execute a notebook and return a word for each exercise, and a remark."""
    notebook, without_source = read(path)
    client = Client(
        notebook,
        kernels.own_kernel(),
        resources={"metadata": {"path": path.parent}},
        timeout=cell_timeout,
        interrupt_on_timeout=True,
        # Else a cell that swallows the interrupt would be waited for, and interrupted, for ever.
        error_on_timeout={"ename": "Timeout", "evalue": "", "traceback": []},
        iopub_timeout=5,
        raise_on_iopub_timeout=True,
        allow_errors=True,
        extra_arguments=["--log-level=ERROR"],
    )
    ending = ""
    try:
        client.execute()
    except DeadKernelError:
        ending = "ended its kernel"
    except CellTimeoutError:
        ending = "has a cell that cannot be stopped"
    remarks = [ending] if ending else []
    if client.failed and not ending:
        remarks.append(f"cells that failed: {client.failed}")
    if client.flooded:
        remarks.append("printed without end")
    if without_source:
        remarks.append(f"cells without a source: {without_source}")
    return client.found | {"remark": "; ".join(remarks)}


class Client(NotebookClient):
    """Executes a notebook and keeps of its outputs only what counts, however many there are."""

    def __init__(self, notebook, kernel, **options):
        super().__init__(notebook, kernel, **options)
        self.found, self.failed, self.flooded = {}, 0, False
        self.said, self.cell = 0, None

    def output(self, outs, msg, display_id, cell_index):
        """Note what a message says, and stop a cell that says too much."""
        content = msg["content"]
        if msg["msg_type"] == "error":
            self.failed += 1
        report = content.get("data", {}).get(REPORT_TYPE)
        if isinstance(report, dict):
            self.found[f"exercise {report['exercise']}"] = report["verdict"]
        if cell_index != self.cell:
            self.cell, self.said = cell_index, 0
        before, self.said = self.said, self.said + len(content.get("text", "")) + 1
        if before <= FLOOD < self.said:
            self.flooded = True
            psutil.Process(self.km.provisioner.pid).send_signal(signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())
