"""What chapter 3 says of other libraries' AdaGrad, tried where they are installed.

None of them is needed for the book. To try Keras: pip install keras
"""

import os
import warnings
from pathlib import Path

import nbformat
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

CHAPTER = Path(__file__).resolve().parents[2] / "chapters" / "03-from-formula-to-pytorch.ipynb"


@pytest.fixture(scope="module")
def chapter():
    """Return what the chapter's cell on libraries defines: their constants and `first_step`."""
    cells = nbformat.read(CHAPTER, as_version=4).cells
    (source,) = [cell.source for cell in cells if cell.source.startswith("libraries = {")]
    names = {"np": np}
    exec(source, names)
    return names


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras", reason="Keras is not installed (pip install keras)")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own
@pytest.mark.parametrize("gradient", [1e-4, 0.3, 20.0])
def test_a_first_step_in_keras(chapter, keras, gradient):
    lr, start, eps, _ = constants = chapter["libraries"]["Keras"]
    optimizer = keras.optimizers.Adagrad()
    assert float(optimizer.learning_rate) == pytest.approx(lr)
    assert optimizer.initial_accumulator_value == start
    assert optimizer.epsilon == eps

    w = keras.Variable(np.zeros(1), dtype="float64")
    optimizer.apply([keras.ops.convert_to_tensor([gradient], dtype="float64")], [w])
    step = -keras.ops.convert_to_numpy(w)[0]
    assert step == pytest.approx(chapter["first_step"](gradient, *constants), rel=1e-5)


@pytest.mark.parametrize("gradient", [1e-4, 0.3, 20.0])
def test_a_first_step_in_pytorch(chapter, gradient):
    lr, start, eps, _ = constants = chapter["libraries"]["PyTorch"]
    w = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.Adagrad([w])
    defaults = optimizer.defaults
    assert (defaults["lr"], defaults["initial_accumulator_value"]) == (lr, start)
    assert defaults["eps"] == eps

    w.grad = torch.full_like(w, gradient)
    optimizer.step()
    assert -w.item() == pytest.approx(chapter["first_step"](gradient, *constants), rel=1e-12)
