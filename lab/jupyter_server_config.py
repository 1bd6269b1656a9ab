"""What `make lab` and Binder tell the Jupyter server.

A chapter that is only looked at must stay as it was: JupyterLab saves by itself, and adds which
cells are collapsed and which Python ran. It is saved as `make refresh` would leave it. An extension
beside this file gives the text its measure and its boxes, and makes links arrive. JupyterLab does
not ask whether it may fetch news, nor look for a newer version of itself.
"""

import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import refresh  # noqa: E402


def without_traces(model, path, contents_manager, **_):
    """Take an editor's traces out of a chapter before it is saved.

    But whether it trusts a cell: else what the cell shows would not be shown the next time.
    """
    file = Path(contents_manager.root_dir, path)
    if model["type"] == "notebook" and file.resolve().parent == ROOT / "chapters":
        notebook = nbformat.from_dict(model["content"])
        trusted = [cell.metadata.get("trusted") for cell in notebook.cells]
        model["content"] = refresh.normalised(notebook)
        for cell, trust in zip(notebook.cells, trusted, strict=True):
            if trust:
                cell.metadata["trusted"] = True


c.FileContentsManager.pre_save_hook = without_traces  # noqa: F821
c.LabServerApp.extra_labextensions_path = [str(ROOT / "lab" / "labextensions")]  # noqa: F821
