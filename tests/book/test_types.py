"""The package is annotated for its users, and mypy finds no fault with it."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

import adagrad_course

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
EXCEPTIONS = [
    module
    for override in SETTINGS["overrides"]
    if override.get("check_untyped_defs") is False
    for module in override["module"]
]


def is_exempt(module):
    return any(fnmatch(module, e) or fnmatch(module, e.removesuffix(".*")) for e in EXCEPTIONS)


MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(adagrad_course.__path__, "adagrad_course.")
    if not name.rpartition(".")[2].startswith("_") and not is_exempt(name)
]


def mypy(*arguments, cwd=ROOT):
    cache = f"--cache-dir={ROOT / '.mypy_cache'}"
    result = subprocess.run(
        [sys.executable, "-m", "mypy", cache, *arguments], cwd=cwd, capture_output=True, text=True
    )
    return result.stdout + result.stderr


def test_mypy_finds_nothing():
    assert "Success: no issues found" in (said := mypy()), said


SCRIPT = """\
import numpy as np
from adagrad_course.bounds import adagrad_bound
from adagrad_course.memory import readable_bytes, state_bytes
from adagrad_course.objectives import Quadratic, SoftmaxRegression
from adagrad_course.online import LinearLosses, play


class Halving:
    \"\"\"A user's own optimizer.\"\"\"

    def init(self, params: np.ndarray) -> int:
        return 0

    def step(
        self, params: np.ndarray, grads: np.ndarray, state: int
    ) -> tuple[np.ndarray, int]:
        return params - grads / 2**state, state + 1


valley = Quadratic([1.0, 100.0], minimum=[0, 1])
slope: float = valley.gradient([1.0, 1.0]).max() / valley.smoothness
classes: int = SoftmaxRegression([[0.0], [1.0]], [0, 1], n_classes=3).n_classes
game = play(LinearLosses(np.ones((3, 1)), [0.0, 0.5, 1.0], "absolute"), Halving(), radius=1)
bound: np.ndarray = adagrad_bound(game.gradients, diameter=2)
print(slope, classes, bound, readable_bytes(state_bytes("Adam", [(10, 10)])))
"""


def test_a_users_script_is_checked_with_the_packages_types(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    assert "Success: no issues found" in (said := mypy("--strict", "script.py", cwd=tmp_path)), said
    script.write_text(SCRIPT + "valley.gradient(None)\nplay(valley, Halving())\n", encoding="utf-8")
    said = mypy("--strict", "script.py", cwd=tmp_path)
    assert 'Argument 1 to "gradient" of "Quadratic"' in said
    assert 'Argument 1 to "play"' in said


def unannotated(function):
    """Return which arguments, and whether the return, of a function lack an annotation."""
    signature = inspect.signature(function)
    missing = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.annotation is parameter.empty and name not in ("self", "cls")
    ]
    return missing + ["return"] * (signature.return_annotation is signature.empty)


def functions_of(kind):
    """Yield the name and the function of each public method and property, its constructor too."""
    for base in kind.__mro__:
        if base.__module__.startswith("adagrad_course") and not is_exempt(base.__module__):
            for name, member in vars(base).items():
                function = getattr(member, "fget", getattr(member, "func", member))
                is_public = not name.startswith("_") or name == "__init__"
                if is_public and inspect.isfunction(function):
                    yield f"{base.__name__}.{name}", function


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_is_annotated(module):
    if module.endswith(("torch_optim", "sharded")):
        pytest.importorskip("torch")
    module = importlib.import_module(module)
    functions = []
    for name in module.__all__:
        if inspect.isclass(thing := getattr(module, name)):
            functions += functions_of(thing)
        elif inspect.isfunction(thing):
            functions.append((name, thing))
    assert functions
    assert {name: missing for name, f in functions if (missing := unannotated(f))} == {}


def test_what_lacks_an_annotation_is_found():
    class Half:
        def method(self, given: int, lacking) -> None: ...

        @property
        def value(self): ...

        @cached_property
        def kept(self) -> np.ndarray: ...

    Half.__module__ = "adagrad_course.half"
    found = {name: unannotated(function) for name, function in functions_of(Half)}
    assert found == {"Half.method": ["lacking"], "Half.value": ["return"], "Half.kept": []}
