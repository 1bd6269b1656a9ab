import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
import refresh

SOURCES = {
    "set-up": """\
import matplotlib.pyplot as plt

from adagrad_course.descent import descend
from adagrad_course.objectives import Quadratic
from adagrad_course.optimizers import SGD, AdaGrad
from adagrad_course.plots import style, use_book_style

use_book_style()
bowl = Quadratic([1.0, 10.0])""",
    "sgd": """\
run = descend(bowl, [1.0, 1.0], SGD(lr=0.15), steps=20)
print(f"loss after 20 steps: {run.losses[-1]:.3e}")""",
    "adagrad": """\
adaptive = descend(bowl, [1.0, 1.0], AdaGrad(lr=0.5), steps=20)
print(f"loss after 20 steps: {adaptive.losses[-1]:.3e}")""",
    "figure": """\
plt.plot(run.losses, **style("SGD"))
plt.plot(adaptive.losses, **style("AdaGrad"))
plt.show()""",
    "value": "adaptive",
}

PROFILE = """\
c.InteractiveShell.ast_node_interactivity = "all"
c.InteractiveShellApp.exec_lines = ["print('hello from my profile')"]
c.InlineBackend.figure_formats = {"png"}
"""

FIGURE = {
    "figure": {"caption": "The loss of both runs.", "name": "fig-losses"},
    "image": {"alt": "Two falling curves of the loss against steps, SGD dashed and AdaGrad solid."},
}


@pytest.fixture(scope="session")
def run():
    """Run `make refresh`'s tool with the given arguments and return its exit code."""
    # In a thread of its own: in this one, Playwright may keep an event loop running.
    with ThreadPoolExecutor(1) as thread:
        yield lambda *arguments: thread.submit(refresh.main, list(map(str, arguments))).result()


@pytest.fixture(scope="session")
def mini(tmp_path_factory, run):
    """A small notebook that uses the package as a chapter does, as `make refresh` leaves it."""
    path = tmp_path_factory.mktemp("mini") / "mini.ipynb"
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, id=name) for name, source in SOURCES.items()]
    )
    notebook.cells[3].metadata["mystnb"] = FIGURE
    nbformat.write(notebook, path)
    assert run(path) == 0
    return path


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """Environment variables of a reader with many settings, each of which would change a result."""
    home = tmp_path_factory.mktemp("home")

    def write(name, text):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    write(".ipython/profile_default/ipython_config.py", PROFILE)
    write(".ipython/profile_default/startup/mine.py", "print('hello from my start-up file')")
    write("jupyter/kernels/python3/kernel.json", json.dumps({"argv": ["false"], "language": "r"}))
    rc = write("matplotlib/matplotlibrc", "savefig.bbox: tight\nlines.linewidth: 9\n")
    shutil.copytree(home / "jupyter", home / ".local" / "share" / "jupyter")
    return {
        "HOME": str(home),
        "IPYTHONDIR": str(home / ".ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
        "JUPYTER_PATH": str(home / "jupyter"),
        "LC_ALL": "C",
        "MATPLOTLIBRC": rc,
        "MPLBACKEND": "svg",
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "PYTHONIOENCODING": "cp1252",
        "PYTHONOPTIMIZE": "1",
        "PYTHONSTARTUP": write("startup.py", "print('hello')"),
        "PYTHONUTF8": "0",
        "PYTHONWARNINGS": "error",
        "TQDM_DISABLE": "",
    }
