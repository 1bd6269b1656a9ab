"""How the kernels are started that execute notebooks here: the same for every reader.

What a notebook gives must not depend on who runs it: not on their IPython profile and start-up
files, their matplotlibrc and locale, nor on kernels of theirs that are called python3, too.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

# What checks a notebook's form would first build, in two seconds, a grammar of web addresses for
# itself, which no notebook's form asks for; it does without where the package is missing.
sys.modules.setdefault("rfc3987_syntax", None)

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager

__all__ = ["environment", "own_kernel"]

# What these name is a reader's own, except where it says in which places Python finds its modules.
OWN = ("IPYTHON", "JPY_", "JUPYTER", "LANG", "LC_", "MATPLOTLIB", "MPL", "PYTHON", "TQDM")
PLACES = ("DONTWRITEBYTECODE", "HOME", "NOUSERSITE", "PATH", "PYCACHEPREFIX", "USERBASE")
KEPT = {f"PYTHON{name}" for name in PLACES}


def environment():
    """Return this process's environment without the reader's own settings.

    Returns
    -------
    dict of str to str
        It names a temporary folder, which is removed when this process ends.
    """
    folder = Path(tempfile.mkdtemp(prefix="adagrad-course-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "matplotlibrc").touch()
    settings = {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_PREFER_ENV_PATH": "1",  # the kernel of the running Python comes first
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "MATPLOTLIBRC": str(folder / "matplotlibrc"),
        "PYTHONUTF8": "1",
        # A progress bar is for somebody who watches; in an output it would never be the same.
        "TQDM_DISABLE": "1",
    }
    # How many threads numerical libraries start, and in which order these add, must not matter.
    threads = ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    settings |= dict.fromkeys(threads, "1")
    if not os.access(os.path.expanduser("~"), os.W_OK):  # Matplotlib would warn of it
        settings["MPLCONFIGDIR"] = str(folder / "matplotlib")
    common = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or not name.startswith(OWN)
    }
    return common | settings


def own_kernel():
    """Return the manager of a kernel of the running Python, whatever kernels are installed."""
    return AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
