"""Settings for every test and for the notebooks' kernels, which inherit this environment."""

import os

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
