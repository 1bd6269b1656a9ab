"""Predicted bytes against those that real optimizers hold."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch._subclasses.fake_tensor import FakeTensorMode

from adagrad_course.memory import (
    TrainingBytes,
    measured_state_bytes,
    readable_bytes,
    state_bytes,
    state_bytes_per_rank,
    state_shapes,
    training_bytes,
)
from adagrad_course.optimizers import (
    SGD,
    SM3,
    AdaGrad,
    Adam,
    FullMatrixAdaGrad,
    Grafted,
    Momentum,
    RMSProp,
)
from adagrad_course.torch_optim import AdaGrad as OurTorchAdaGrad
from adagrad_course.torch_optim import RowWiseAdaGrad

SHAPES = [(30, 8), (8,), (4, 3, 2), (), (0, 5)]
TORCHS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "Momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "AdaGrad": torch.optim.Adagrad,
    "RMSProp": torch.optim.RMSprop,
    "Adam": torch.optim.Adam,
    "RowWiseAdaGrad": RowWiseAdaGrad,
}


def stepped(make, shapes, dtype=torch.float32):
    params = [torch.zeros(shape, dtype=dtype, requires_grad=True) for shape in shapes]
    for param in params:
        param.grad = torch.ones_like(param)
    optimizer = make(params)
    optimizer.step()
    return optimizer


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", TORCHS)
def test_torchs_optimizers_hold_what_is_predicted(name, dtype):
    optimizer = stepped(TORCHS[name], SHAPES, dtype)
    assert measured_state_bytes(optimizer) == state_bytes(name, SHAPES, dtype)


def test_our_adagrad_for_torch_holds_the_same():
    optimizer = stepped(OurTorchAdaGrad, SHAPES)
    assert measured_state_bytes(optimizer) == state_bytes("AdaGrad", SHAPES) == 4 * 273


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize(
    ("name", "optimizer", "shape"),
    [
        *((kind.__name__, kind(0.1), (30, 8)) for kind in (SGD, Momentum, AdaGrad, RMSProp, Adam)),
        ("SM3", SM3(0.1), (30, 8)),
        ("FullMatrixAdaGrad", FullMatrixAdaGrad(0.1), (8,)),
    ],
)
def test_our_states_hold_what_is_predicted(name, optimizer, shape, dtype):
    params = np.ones(shape, dtype)
    start = optimizer.init(params)
    for state in (start, optimizer.step(params, params, start)[1]):
        assert measured_state_bytes(state) == state_bytes(name, [shape], dtype)


def test_numbers_worked_out_by_hand():
    assert state_bytes("Adam", [(1000, 64), (64,)]) == 2 * 4 * 64_064
    assert state_bytes("RowWiseAdaGrad", [(1000, 64), (64,)]) == 4 * 1064
    assert state_bytes("SM3", [(1000, 64), (64,), (2, 3, 4), ()]) == 4 * (1064 + 64 + 9 + 1)
    assert state_bytes("FullMatrixAdaGrad", [(3, 4), ()], "float64") == 8 * (144 + 1)
    assert state_bytes("AdaGrad", []) == 0
    assert state_bytes("AdaGrad", [(10**12, 1000)]) == 4 * 10**15  # no overflow, no allocation
    assert state_shapes("RowWiseAdaGrad", torch.zeros(5, 2).shape) == [(5,)]


def test_nested_states_are_added_up():
    grafted, params = Grafted(AdaGrad(0.1), Adam(0.1)), np.ones((3, 5))
    assert measured_state_bytes(grafted.init(params)) == 8 * (3 * 15 + 3)  # and the ratios


def test_memory_that_is_shared_counts_once():
    shared = torch.zeros(100)
    state = {0: {"a": shared, "b": shared[10:]}, 1: {"c": torch.zeros(1).expand(1000)}, 2: {}}
    optimizer = SimpleNamespace(state=state, param_groups=[])
    assert measured_state_bytes(optimizer) == 400 + 4
    array = np.zeros(10)
    adam = Adam(0.1).init(array)._replace(average=array)
    assert measured_state_bytes(adam) == 160
    for view in (array, array[::-1], array.reshape(2, 5)[1], np.broadcast_to(array, (9, 10))):
        assert measured_state_bytes(adam._replace(square_average=view)) == 80


def test_only_what_this_process_keeps_of_a_sharded_state_counts():
    own = stepped(torch.optim.Adam, [(3, 4)])
    whole = stepped(torch.optim.Adam, [(30, 4)])
    whole.optim = own  # as ZeroRedundancyOptimizer has it; tests/test_sharded.py has the real one
    assert measured_state_bytes(whole) == 2 * 48


@pytest.mark.parametrize(
    "context", [lambda: torch.device("meta"), FakeTensorMode], ids=["meta", "fake"]
)
@pytest.mark.parametrize(
    ("name", "expected"),
    [("AdaGrad", 256_002_600), ("RowWiseAdaGrad", 4_000_080), ("Adam", 512_005_200)],
)
def test_a_state_without_memory_has_the_bytes_that_it_would_take(context, name, expected):
    with context():
        params = [torch.ones(s, requires_grad=True) for s in [(10**6, 64), (10, 64), (10,)]]
        for param in params:
            param.grad = torch.ones_like(param)
        optimizer = (TORCHS | {"AdaGrad": OurTorchAdaGrad})[name](params)
        optimizer.step()
        assert measured_state_bytes(optimizer) == expected
    assert state_bytes(name, [param.shape for param in params]) == expected


def test_memory_in_lists_counts():
    """As torch.optim.LBFGS has its history; of step and of numbers nothing is counted."""
    history = {"old": [torch.zeros(3), (torch.zeros(2),), []], "step": torch.zeros(50), "calls": 1}
    optimizer = SimpleNamespace(state={0: history}, param_groups=[])
    assert measured_state_bytes(optimizer) == 12 + 8


def test_a_state_on_several_ranks():
    tables = [(100, 8)] * 6
    assert state_bytes_per_rank("AdaGrad", tables, 2) == [9600, 9600]
    assert state_bytes_per_rank("AdaGrad", tables, 4) == [6400, 6400, 3200, 3200]
    assert state_bytes_per_rank("AdaGrad", tables, 1) == [state_bytes("AdaGrad", tables)]
    # The largest first, whatever the order they come in; then to the one with the fewest.
    assert state_bytes_per_rank("Adam", [(1,), (2,), (3,), (7,)], 2, "float64") == [112, 96]
    # Dealt out by parameters, not by their state.
    assert state_bytes_per_rank("RowWiseAdaGrad", [(10, 8), (70, 1)], 2) == [40, 280]


def test_training_needs_weights_gradients_and_state():
    shapes = [(1000, 64), (64, 10)]
    assert training_bytes("Adam", shapes) == TrainingBytes(258_560, 258_560, 517_120)
    assert training_bytes("Adam", shapes).total == 4 * 258_560
    mixed = training_bytes("AdaGrad", shapes, "bfloat16", state_dtype=torch.float32)
    assert mixed == TrainingBytes(129_280, 129_280, 258_560)


@pytest.mark.parametrize("rows", [[3], [1, 4, 2]])
def test_a_sparse_gradient_has_the_bytes_that_are_predicted(rows):
    table = torch.nn.Embedding(5, 7, sparse=True)
    table(torch.tensor(rows)).sum().backward()
    grad = table.weight.grad.coalesce()
    bytes_held = grad.values().nbytes + grad.indices().nbytes
    predicted = training_bytes("AdaGrad", [(5, 7)], touched_rows=len(rows))
    assert predicted == TrainingBytes(140, bytes_held, 140)


def test_no_more_rows_are_touched_than_there_are():
    few = training_bytes("SGD", [(3, 4), (100, 4)], touched_rows=10)
    assert few.gradients == (3 + 10) * (16 + 8)


def test_bytes_of_numpys_whole_numbers_do_not_overflow():
    rows, width = np.int32(10**9), np.int16(128)
    predicted = training_bytes("AdaGrad", [(rows, width)], touched_rows=np.int32(10**8))
    assert predicted == training_bytes("AdaGrad", [(10**9, 128)], touched_rows=10**8)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        ("float64", 8),
        (np.float32, 4),
        (np.dtype("float16"), 2),
        ("bfloat16", 2),
        (torch.float64, 8),
        (torch.bfloat16, 2),
        (float, 8),
    ],
    ids=str,
)
def test_dtypes(dtype, size):
    assert state_bytes("AdaGrad", [(10,)], dtype) == 10 * size


@pytest.mark.parametrize("dtype", ["float33", "int32", torch.int64, None, 4], ids=str)
def test_refused_dtypes(dtype):
    with pytest.raises(TypeError, match=r"dtype must be a floating-point type, such as 'float32'"):
        state_bytes("AdaGrad", [(10,)], dtype)


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (1_234_567, "1.23 MB"),
        (512 * 10**9, "512 GB"),
        (10**15, "1,000 TB"),
        (1234 * 10**12, "1,234 TB"),
    ],
)
def test_readable_bytes(n, text):
    assert readable_bytes(n) == text


@pytest.mark.parametrize(
    ("refused", "error", "message"),
    [
        (lambda: state_bytes("Adagrad", [(3,)]), ValueError, "one of SGD, .* got 'Adagrad'"),
        (lambda: state_shapes(AdaGrad(0.1), (3,)), ValueError, "optimizer must be one of"),
        (lambda: state_bytes("Adam", (3, 4)), TypeError, r"list of shapes.* got \[3, 4\]"),
        (lambda: state_bytes("Adam", 3), TypeError, "list of shapes.* got 3"),
        (lambda: state_bytes("Adam", ["ab"]), TypeError, "list of shapes"),
        (lambda: state_shapes("Adam", (3, 4.0)), TypeError, r"whole numbers, got \(3, 4\.0\)"),
        (lambda: state_shapes("Adam", (True, 3)), TypeError, r"whole numbers, got \(True, 3\)"),
        (lambda: state_shapes("Adam", (3, -1)), ValueError, "at least 0, got -1"),
        (lambda: state_bytes_per_rank("Adam", [(3,)], 0), ValueError, "ranks must be at least 1"),
        (lambda: state_bytes_per_rank("Adam", [(3,)], 1.5), TypeError, "ranks must be a whole"),
        (
            lambda: training_bytes("Adam", [(3,)], touched_rows=-1),
            ValueError,
            "touched_rows must be at least 0",
        ),
        (
            lambda: training_bytes("Adam", [()], touched_rows=1),
            ValueError,
            r"rows to be touched, got \(\)",
        ),
        (lambda: measured_state_bytes((1, 2)), TypeError, "got tuple"),
        (lambda: measured_state_bytes(AdaGrad(0.1)), TypeError, "got AdaGrad"),
        (lambda: readable_bytes(1.5), TypeError, "whole number"),
    ],
)
def test_refused(refused, error, message):
    with pytest.raises(error, match=message):
        refused()


class Divided:
    """A tensor that is made of others, as DTensor is of this process's part."""

    first, second = np.zeros(4), np.zeros(2)

    def __tensor_flatten__(self):
        return ["first", "second"], "how to put them together again"


def test_a_tensor_made_of_others_counts_as_these():
    state = SGD(0.1).init([0.0])._replace(steps=Divided())
    assert measured_state_bytes(state) == 6 * 8
