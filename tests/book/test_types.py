"""The package is annotated for its users, and mypy finds no fault with it."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

import adagrad_course

ROOT = Path(__file__).resolve().parents[2]
MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(adagrad_course.__path__, "adagrad_course.")
    if not name.rpartition(".")[2].startswith("_")
    and not name.startswith("adagrad_course.optimizers.")  # their package has what is public
]


def mypy(*arguments, cwd=ROOT):
    result = subprocess.run(
        [sys.executable, "-m", "mypy", *arguments], cwd=cwd, capture_output=True, text=True
    )
    return result.stdout + result.stderr


def test_mypy_finds_nothing():
    assert "Success: no issues found" in (said := mypy()), said


SCRIPT = """\
import numpy as np
from adagrad_course.bounds import adagrad_bound
from adagrad_course.descent import descend, sweep
from adagrad_course.memory import readable_bytes, state_bytes
from adagrad_course.objectives import Quadratic, SoftmaxRegression
from adagrad_course.online import LinearLosses, play
from adagrad_course.optimizers import AdaGrad, Adam


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

adagrad = AdaGrad([[0.1], [0.2]], eps=0)
params, state = adagrad.step([[1.0], [1.0]], [[3.0], [4.0]], adagrad.init([[1.0], [1.0]]))
rates: np.ndarray = adagrad.effective_lr(state)
steps: int = descend(valley, [1, 1], AdaGrad(lambda t: 1 / t), steps=3).steps
adams = sweep(valley, [1, 1], lambda lr: Adam(lr, betas=[0, 0.9]), [0.1, 0.5, 2.0], steps)
best: float = adams.best_lr
print(slope, classes, bound, params, rates, best, readable_bytes(state_bytes("Adam", [(10, 10)])))
"""

WRONG = {
    "valley.gradient(None)": 'Argument 1 to "gradient" of "Quadratic"',
    "play(valley, Halving())": 'Argument 1 to "play"',
    "descend(valley, [1, 1], Halving(), steps=3)": 'Argument 3 to "descend"',
    "sweep(valley, [1, 1], adagrad, [0.1, 0.2], steps)": 'Argument 3 to "sweep"',
    "adagrad.step([1.0], None, state)": 'Argument 2 to "step" of "Optimizer"',
    "Adam(0.1).effective_lr(adagrad.effective_lr(state))": 'Argument 1 to "effective_lr" of "Adam"',
}


def test_a_users_script_is_checked_with_the_packages_types(tmp_path):
    def check(script):
        (tmp_path / "script.py").write_text(script, encoding="utf-8")
        # Our settings, so that PyTorch is not read. In one cache, two sets of options would drive
        # out each other's files.
        settings = f"--config-file={ROOT / 'pyproject.toml'}"
        cache = f"--cache-dir={ROOT / '.mypy_cache' / 'strict'}"
        return mypy("--strict", settings, cache, "script.py", cwd=tmp_path)

    assert "Success: no issues found" in (said := check(SCRIPT)), said
    said = check(SCRIPT + "\n".join(WRONG))
    assert [complaint for complaint in WRONG.values() if complaint not in said] == []


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
        if base.__module__.startswith("adagrad_course"):
            for name, member in vars(base).items():
                function = getattr(member, "fget", getattr(member, "func", member))
                is_public = not name.startswith("_") or name == "__init__"
                is_own = (
                    getattr(function, "__module__", "") != "typing"
                )  # as a protocol's __init__ is
                if is_public and is_own and inspect.isfunction(function):
                    yield f"{base.__name__}.{name}", function


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_is_annotated(module):
    if module.endswith(("torch_optim", "sharded", "diagnose")):
        pytest.importorskip("torch")
    module = importlib.import_module(module)
    functions = []
    for name in module.__all__:
        if inspect.isclass(thing := getattr(module, name)):
            functions += functions_of(thing)
        elif inspect.isfunction(thing):
            functions.append((name, thing))
    assert functions or module.__all__ == ["EXERCISES"]  # a chapter's are data
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
