"""Run handed-in notebooks and say, as CSV, which exercises each of them solves.

    python tools/collect.py handed-in > results.csv

Every notebook in the folder, at any depth, is executed in a fresh kernel, without the outputs that
it came with and without the book's solutions. The last check of each exercise counts. An entry is
empty where no check has spoken: its cell is gone, or an error came first.

This runs other people's code with your rights. Do it where there is nothing to lose.
"""

import csv
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

CELL_TIMEOUT = 60  # seconds, as for nbval
VERDICT = re.compile(  # what a check's report ends with
    r"^(\d+\.\d+): (?:(all \d+ checks passed|passed)|(not attempted)|\d+ of \d+|not passed)", re.M
)


def notebooks(folder):
    """Return the paths, from the folder, of its notebooks.

    What is hidden was not handed in: Jupyter's checkpoints, and the ._files in a zip from macOS.
    """
    paths = sorted(path.relative_to(folder) for path in folder.rglob("*.ipynb"))
    return [path for path in paths if not any(part.startswith(".") for part in path.parts)]


def verdicts(path):
    """Execute a notebook and return a word for each exercise, and a remark if there is one."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception:  # nbformat has no one error for a file that is JSON but no notebook
        return {"remark": "not a notebook"}
    for cell in (code := [cell for cell in notebook.cells if cell.cell_type == "code"]):
        cell.update(outputs=[], source=re.sub(r"(?s)\A\s*# Solution of.*", "", cell.source))
    options = {"timeout": CELL_TIMEOUT, "interrupt_on_timeout": True, "allow_errors": True}
    options |= {"kernel_name": "python3", "extra_arguments": ["--log-level=ERROR"]}
    # Else a cell that swallows the interrupt would be waited for, and interrupted, for ever.
    options |= {"error_on_timeout": {"ename": "Timeout", "evalue": "", "traceback": []}}
    options |= {"iopub_timeout": 5, "raise_on_iopub_timeout": True}
    remark = ""
    try:
        NotebookClient(notebook, resources={"metadata": {"path": path.parent}}, **options).execute()
    except DeadKernelError:
        remark = "ended its kernel"
    except CellTimeoutError:
        remark = "has a cell that cannot be stopped"
    outputs = [output for cell in code for output in cell.outputs]
    failed = sum(output.output_type == "error" for output in outputs)
    printed = "".join(output.text for output in outputs if output.get("name") == "stdout")
    found = {"remark": remark or (f"cells that failed: {failed}" if failed else "")}
    for number, passed, untouched in VERDICT.findall(printed):
        found[number] = "passed" if passed else "not attempted" if untouched else "not passed"
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (paths := notebooks(folder := Path(sys.argv[1]))):
        sys.exit("Name a folder that has notebooks in it: python tools/collect.py handed-in")
    rows = [{"notebook": path.as_posix()} | verdicts(folder / path) for path in paths]
    numbers = {number for row in rows for number in row} - {"notebook", "remark"}
    numbers = sorted(numbers, key=lambda number: [int(part) for part in number.split(".")])
    sys.stdout.reconfigure(encoding="utf-8", newline="")
    table = csv.DictWriter(sys.stdout, ["notebook", *numbers, "remark"])
    table.writeheader()
    table.writerows(rows)
