"""Settings for every test and for the notebooks' kernels, which inherit this environment."""

import os
import re
from importlib.util import find_spec
from pathlib import Path

import kernels
from hypothesis import settings

# Two workers share two cores: numerical libraries that start threads of their own only get in the
# way, and how many they start must not matter for a result.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# A progress bar is for somebody who watches; in a notebook's output it would never be the same.
os.environ.setdefault("TQDM_DISABLE", "1")

# The same examples in every run: a failure comes with the change that made it, and is seen again.
settings.register_profile("book", derandomize=True, deadline=None, database=None)
settings.load_profile("book")

# Kernels, too, inherit this: nothing may depend on the settings of whoever runs the tests.
os.environ.update(kernels.own_settings())

# Without PyTorch (on an Intel Mac there is none) what needs it cannot even be imported.
if not find_spec("torch"):
    NEEDS_TORCH = re.compile(r"\b(import torch|torch_optim|adagrad_course\.sharded)\b")
    collect_ignore = [
        str(path)
        for path in (
            *(Path(__file__).parent / "src" / "adagrad_course").glob("*.py"),
            *(Path(__file__).parent / "chapters").glob("*.ipynb"),
        )
        if path.stem in ("torch_optim", "sharded")
        or (path.suffix == ".ipynb" and NEEDS_TORCH.search(path.read_text(encoding="utf-8")))
    ]
