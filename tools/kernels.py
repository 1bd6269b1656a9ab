"""How the kernels are started that execute notebooks here: the same for every reader.

What a notebook gives must not depend on who runs it: not on their IPython profile and start-up
files, nor on kernels of theirs that are called python3, too.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["own_settings"]


def own_settings():
    """Return environment variables that leave a reader's own settings out.

    They are to be set in the process that starts kernels, since it also looks up which one.

    Returns
    -------
    dict of str to str
        They name a temporary folder, which is removed when this process ends.
    """
    folder = Path(tempfile.mkdtemp(prefix="adagrad-course-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_PATH": "",
        "JUPYTER_PREFER_ENV_PATH": "1",  # the kernel of the running Python comes first
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "PYTHONIOENCODING": "utf-8",
    }
    if not os.access(Path.home(), os.W_OK):  # Matplotlib would warn that it must do without
        settings["MPLCONFIGDIR"] = str(folder / "matplotlib")
    return settings
