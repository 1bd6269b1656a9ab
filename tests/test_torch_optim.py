"""Our AdaGrad for PyTorch against PyTorch's own, in lock-step and to the last bit."""

import copy
import io
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch._subclasses.fake_tensor import FakeTensorMode
from torch.optim.lr_scheduler import LambdaLR, StepLR
from torch.utils._pytree import tree_map_only

from adagrad_course.optimizers import AdaGradNorm
from adagrad_course.torch_optim import AdaGrad, RowWiseAdaGrad

examples = settings(max_examples=60)
REAL = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
COMPLEX = [torch.complex64, torch.complex128]

# Else PyTorch's Adagrad warns once that these checks of its sparse tensors are off by default.
torch.sparse.check_sparse_tensor_invariants.disable()


def theirs(params, **options):
    return torch.optim.Adagrad(params, foreach=False, **options)


def random(rng, *shape, dtype=torch.float32):
    """Values of different magnitudes, a tenth of them zero; float16 can hold their squares."""
    kind = torch.complex128 if dtype.is_complex else torch.float64
    values = torch.randn(shape, generator=rng, dtype=kind)
    values *= 10 ** (3 * torch.rand(shape, generator=rng) - 2)
    values *= torch.rand(shape, generator=rng) > 0.1
    return values.to(dtype)


def transposed(tensor):
    """The same values with strides that are not those of a contiguous tensor."""
    return tensor.mT.contiguous().mT if tensor.ndim > 1 else tensor


def gradient(rng, kind, param):
    """A gradient of the parameter's shape and dtype: dense, sparse with repeated rows, or none."""
    n = 0 if kind.startswith("empty") else 7
    if kind == "none":
        return None
    if kind == "dense":
        return random(rng, *param.shape, dtype=param.dtype)
    sparse_dims = {"cells": param.ndim, "planes": max(1, param.ndim - 1)}.get(kind.split()[-1], 1)
    indices = [torch.randint(size, (n,), generator=rng) for size in param.shape[:sparse_dims]]
    values = random(rng, n, *param.shape[sparse_dims:], dtype=param.dtype)
    return torch.sparse_coo_tensor(torch.stack(indices), values, param.shape)


def assert_identical(ours, theirs):
    """Every parameter and its state have the same bits (zeros of either sign are equal)."""
    groups = zip(ours.param_groups, theirs.param_groups, strict=True)
    for a, b in ((a, b) for g, h in groups for a, b in zip(g["params"], h["params"], strict=True)):
        exactly = {"rtol": 0, "atol": 0, "equal_nan": True, "check_stride": True}
        torch.testing.assert_close(a, b, **exactly)
        torch.testing.assert_close(ours.state[a], theirs.state[b], **exactly)


def pair(params, options=None, **common):
    """Both optimizers, on copies of the parameters; each parameter is a group with its options."""
    options = options or [{}] * len(params)

    def groups():
        copies = [p.clone().requires_grad_() for p in params]  # clone keeps the strides
        return [{"params": [p], **copy.deepcopy(o)} for p, o in zip(copies, options, strict=True)]

    return AdaGrad(groups(), **copy.deepcopy(common)), theirs(groups(), **copy.deepcopy(common))


def set_gradients(optimizers, gradients):
    for optimizer in optimizers:
        for group, g in zip(optimizer.param_groups, gradients, strict=True):
            group["params"][0].grad = None if g is None else g.clone()


def step_both(optimizers, gradients):
    set_gradients(optimizers, gradients)
    for optimizer in optimizers:
        optimizer.step()
    assert_identical(*optimizers)


RATES = st.sampled_from([0.0, 1e-3, 0.1, 1, torch.tensor(0.03), torch.tensor([0.5])])
OPTIONS = {
    "lr": RATES,
    "lr_decay": st.sampled_from([0, 0.01, 0.5]),
    "eps": st.sampled_from([0, 1e-10, 1e-3, 1.0]),
    "maximize": st.booleans(),
}
DENSE = {**OPTIONS, "weight_decay": st.sampled_from([0, 0.01, 0.3])}
INITIAL = st.sampled_from([0, 0.1, 2])
SHAPES = st.sampled_from([(9,), (1, 1), (10, 3), (5, 32), (4, 1, 6)])
SPARSE_KINDS = st.sampled_from(
    ["rows", "cells", "planes", "empty rows", "empty cells", "dense", "none"]
)
DENSE_KINDS = st.sampled_from(["dense", "none"])


@st.composite
def runs(draw, dtypes=tuple(REAL)):
    """Parameters, options of each, and for each step the kinds of the gradients."""
    sparse = draw(st.lists(st.booleans(), min_size=1, max_size=3))
    options = [draw(st.fixed_dictionaries({}, optional=OPTIONS if s else DENSE)) for s in sparse]
    kinds = st.tuples(*(SPARSE_KINDS if s else DENSE_KINDS for s in sparse))
    steps = draw(st.lists(kinds, min_size=1, max_size=8))
    rng = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    params = [
        random(
            rng, *draw(SHAPES if s else SHAPES | st.just(())), dtype=draw(st.sampled_from(dtypes))
        )
        for s in sparse
    ]
    if draw(st.booleans()):
        params = [transposed(p) for p in params]
    return rng, params, options, steps


@examples
@given(run=runs(), initial=INITIAL)
def test_same_bits_as_torch(run, initial):
    rng, params, options, steps = run
    optimizers = pair(params, options, initial_accumulator_value=initial)
    assert_identical(*optimizers)  # state, too, exists from the construction on
    for kinds in steps:
        gradients = [gradient(rng, k, p) for k, p in zip(kinds, params, strict=True)]
        step_both(optimizers, gradients)


@pytest.mark.parametrize("dtype", COMPLEX, ids=str)
@examples
@given(options=st.fixed_dictionaries(DENSE), initial=INITIAL, seed=st.integers(0, 2**32))
def test_same_bits_as_torch_complex(dtype, options, initial, seed):
    rng = torch.Generator().manual_seed(seed)
    param = random(rng, 3, 5, dtype=dtype)
    optimizers = pair([param], [options], initial_accumulator_value=initial)
    for _ in range(5):
        step_both(optimizers, [random(rng, 3, 5, dtype=dtype)])


@pytest.mark.parametrize("threads", [1, 2])
def test_same_bits_as_torch_piece_by_piece(threads):
    """Large tensors; of the second and the third not both of parameter and gradient can be cut."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        shape, rng = (3, 200_009 * threads), torch.Generator().manual_seed(0)
        values = random(rng, *shape)
        params = [values, transposed(values), values]
        optimizers = pair(params, weight_decay=0.1, maximize=True)
        for _ in range(2):
            values = random(rng, *shape)
            step_both(optimizers, [values, values, transposed(values)])
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)], ids=str)
def test_same_bits_as_torch_without_entries(shape):
    optimizers = pair([torch.ones(shape), torch.ones(2)])
    for g in (torch.ones(shape), torch.ones(shape).to_sparse(1)):
        step_both(optimizers, [g, torch.ones(2)])
    w, optimizer = row_wise(torch.ones(shape), [torch.ones(shape)])
    assert w.shape == shape
    optimizer.load_state_dict(optimizer.state_dict())


def test_same_bits_as_torch_where_a_table_is_tied_and_hooks_are_at_work():
    """The table is looked up and multiplied by; what a hook returns is the gradient."""

    def losses(make):
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Embedding(7, 4, sparse=True), torch.nn.Linear(4, 7))
        net[1].weight = net[0].weight
        net[1].bias.register_hook(lambda g: g.clamp(-0.01, 0.01))
        made = {p: make([p], lr=0.1) for p in net.parameters()}

        def step_at_once(param):
            made[param].step()
            param.grad = None

        for p in made:
            p.register_post_accumulate_grad_hook(step_at_once)
        words, found = torch.arange(7), []
        for _ in range(10):
            loss = torch.nn.functional.cross_entropy(net(words), words.roll(1))
            loss.backward()
            found.append(loss.item())
        return found

    ours = losses(AdaGrad)
    assert ours == losses(theirs)
    assert ours[-1] < ours[0]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_same_bits_as_torch_after_a_model_has_changed_its_dtype(dtype):
    """The parameters are the same objects; their sums stay in the dtype that they were made in."""

    def weights(make):
        torch.manual_seed(0)
        net = torch.nn.Linear(5, 3)
        optimizer = make(net.parameters(), lr=0.1)
        net.to(dtype)
        for _ in range(4):
            optimizer.zero_grad()
            net(torch.ones(2, 5, dtype=dtype)).square().sum().backward()
            optimizer.step()
        return [*net.parameters(), *(state["sum"] for state in optimizer.state.values())]

    torch.testing.assert_close(weights(AdaGrad), weights(theirs), rtol=0, atol=0)


@pytest.mark.parametrize("kind", [AdaGrad, RowWiseAdaGrad])
def test_a_compiled_step_is_the_same_but_for_rounding(kind):
    rng = torch.Generator().manual_seed(0)
    start = [random(rng, 3, 4), random(rng, 1100, 500)]
    params = [[w.clone().requires_grad_() for w in start] for _ in range(2)]
    plain, compiled = (kind(p, lr=0.1) for p in params)
    step = torch.compile(compiled.step, backend="eager")
    for _ in range(2):
        for a, b in zip(*params, strict=True):
            a.grad = random(rng, *a.shape)
            b.grad = a.grad.clone()
        plain.step()
        step()
    torch.testing.assert_close(params[1], params[0], rtol=1e-5, atol=1e-6)
    assert not torch.equal(params[1][0], start[0])


@pytest.mark.parametrize("lr", [0.5, torch.tensor(0.5)], ids=["float", "tensor"])
@pytest.mark.parametrize(
    "schedule",
    [lambda o: StepLR(o, 2, gamma=0.3), lambda o: LambdaLR(o, lambda t: 1 / (1 + t))],
    ids=["StepLR", "LambdaLR"],
)
def test_schedulers(schedule, lr):
    rng = torch.Generator().manual_seed(0)
    optimizers = pair([random(rng, 4)], lr=lr)
    schedulers = [schedule(o) for o in optimizers]
    for _ in range(6):
        step_both(optimizers, [random(rng, 4)])
        for scheduler in schedulers:
            scheduler.step()
    assert float(optimizers[0].param_groups[0]["lr"]) < 0.2


def through_a_file(state_dict):
    file = io.BytesIO()
    torch.save(state_dict, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@examples
@given(run=runs(), switch=st.integers(0, 8))
def test_state_dict_is_exchanged(run, switch):
    """Mid-training each goes on from the other's checkpoint, with hyperparameters from there."""
    rng, params, options, steps = run
    ours, torchs = pair(params, options, initial_accumulator_value=0.1)
    for i, kinds in enumerate(steps):
        if i == switch:
            fresh = pair([p.detach() for g in ours.param_groups for p in g["params"]])
            fresh[0].load_state_dict(through_a_file(torchs.state_dict()))
            fresh[1].load_state_dict(through_a_file(ours.state_dict()))
            ours, torchs = fresh
            assert_identical(ours, torchs)
        gradients = [gradient(rng, k, p) for k, p in zip(kinds, params, strict=True)]
        step_both((ours, torchs), gradients)
    assert ours.state_dict()["param_groups"][0].keys() == (
        torchs.state_dict()["param_groups"][0].keys()
    )


@pytest.mark.parametrize("switch", ["foreach", "fused"])
def test_state_dict_keeps_the_switches(switch):
    """A checkpoint of PyTorch's other implementations goes through ours and back unharmed."""
    source = torch.optim.Adagrad([torch.ones(3, requires_grad=True)], **{switch: True})
    ours, plain = pair([torch.ones(3)])
    for optimizer in (ours, plain):
        optimizer.load_state_dict(through_a_file(source.state_dict()))
    plain.param_groups[0][switch] = None
    step_both((ours, plain), [torch.tensor([1.0, 2.0, 3.0])])
    source.load_state_dict(ours.state_dict())
    assert source.param_groups[0][switch] is True
    set_gradients([source], [torch.ones(3)])
    source.step()
    assert source.state_dict()["state"][0]["step"] == 2


def test_state_dict_of_an_old_pytorch():
    ours, torchs = pair([torch.ones(3)])
    old = copy.deepcopy(torchs.state_dict())
    old["state"][0]["step"] = 4
    for name in ("foreach", "maximize", "differentiable", "fused"):
        del old["param_groups"][0][name]
    for optimizer in (ours, torchs):
        optimizer.load_state_dict(copy.deepcopy(old))
    set_gradients((ours, torchs), [torch.ones(3)])
    ours.step()
    torchs.load_state_dict(ours.state_dict())
    assert torchs.state_dict()["state"][0]["step"] == 5


def test_state_dict_with_the_state_of_no_parameter():
    """PyTorch keeps what it knows no parameter for, and a parameter that was only looked up."""
    ours, torchs = pair([torch.ones(3)])
    set_gradients((ours, torchs), [torch.ones(3)])
    for optimizer in (ours, torchs):
        optimizer.step()
        state = copy.deepcopy(optimizer.state_dict())
        state["state"][7] = copy.deepcopy(state["state"][0])
        optimizer.load_state_dict(state)
    step_both((ours, torchs), [torch.ones(3)])
    fresh = AdaGrad([param := torch.ones(3, requires_grad=True)])
    fresh.state[param].clear()
    assert len(copy.deepcopy(fresh).state_dict()["state"]) == 1


def test_add_param_group():
    optimizers = pair([torch.ones(3)], initial_accumulator_value=0.5)
    for optimizer in optimizers:
        optimizer.add_param_group({"params": [torch.ones(2, requires_grad=True)], "lr": 1.0})
    assert len(optimizers[0].state) == 2
    lacking = through_a_file(optimizers[1].state_dict())  # PyTorch makes the new one's state later
    optimizers[0].load_state_dict(lacking)
    step_both(optimizers, [torch.ones(3), torch.tensor([2.0, 3.0])])


def test_trains_a_net_with_the_same_losses():
    def losses(make):
        torch.manual_seed(0)
        words, labels = torch.randint(100, (64, 5)), torch.randint(3, (64,))
        embedding = torch.nn.EmbeddingBag(100, 8, mode="sum", sparse=True)
        net = torch.nn.Sequential(
            embedding, torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3)
        )
        dense = {"params": net[1:].parameters(), "weight_decay": 0.001}
        optimizer = make([{"params": embedding.parameters(), "lr": 0.3}, dense], lr=0.1)

        def closure():
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(words), labels)
            loss.backward()
            return loss

        return [optimizer.step(closure).item() for _ in range(60)]

    ours = losses(AdaGrad)
    assert ours == losses(theirs)
    assert ours[-1] < 0.1 * ours[0]


def deepcopied(optimizer):
    return copy.deepcopy(optimizer)


def pickled(optimizer):
    return pickle.loads(pickle.dumps(optimizer))


@pytest.mark.parametrize("duplicate", [deepcopied, pickled])
def test_copies_go_on_alone(duplicate):
    rng = torch.Generator().manual_seed(0)
    ours, torchs = pair([random(rng, 3), random(rng, 2)], [{"lr": 0.3}, {"maximize": True}])
    step_both((ours, torchs), [random(rng, 3), None])
    original = ours.param_groups[0]["params"][0]
    before = original.detach().clone()
    step_both((duplicate(ours), torchs), [random(rng, 3), random(rng, 2)])
    assert torch.equal(original, before)


def test_closure_runs_with_gradients_and_step_without():
    w = torch.tensor([3.0], requires_grad=True)
    optimizer = AdaGrad([w], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (w**2).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure) == 9.0
    assert w.item() == 2.5
    assert optimizer.step() is None
    assert w.requires_grad
    assert w.is_leaf


def test_duplicate_rows_are_summed_before_squaring():
    w = torch.zeros(4, 1, requires_grad=True)
    w.grad = torch.sparse_coo_tensor([[2, 0, 2]], [[3.0], [1.0], [4.0]], (4, 1))
    optimizer = AdaGrad([w], lr=0.5)
    optimizer.step()
    assert optimizer.state[w]["sum"].flatten().tolist() == [1, 0, 49, 0]
    assert w.flatten().tolist() == [-0.5, 0, -0.5, 0]
    assert w.grad._nnz() == 3  # the gradient itself is left as it was


def test_steps_are_counted_beyond_16_bits():
    torch.set_default_dtype(torch.bfloat16)
    try:
        optimizer = AdaGrad([torch.ones(1, requires_grad=True)])
    finally:
        torch.set_default_dtype(torch.float32)
    assert optimizer.state_dict()["state"][0]["step"].dtype == torch.float32


def test_share_memory():
    w = torch.ones(3, requires_grad=True)
    optimizer = AdaGrad([w])
    optimizer.share_memory()
    assert optimizer.state[w]["sum"].is_shared()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lr": -0.1}, ValueError, "lr must be zero or positive, got -0.1"),
        ({"lr": float("nan")}, ValueError, "lr must be finite, got nan"),
        ({"lr": torch.tensor(-1.0)}, ValueError, "lr must be zero or positive, got -1"),
        ({"lr": torch.ones(2)}, ValueError, "lr must be a single number, got shape (2,)"),
        ({"lr": "fast"}, TypeError, "lr must hold real numbers, got str 'fast'"),
        ({"lr_decay": -1}, ValueError, "lr_decay must be zero or positive, got -1"),
        ({"weight_decay": -1}, ValueError, "weight_decay must be zero or positive, got -1"),
        ({"eps": -1e-8}, ValueError, "eps must be zero or positive, got -1e-08"),
        (
            {"initial_accumulator_value": -0.5},
            ValueError,
            "initial_accumulator_value must be zero or positive, got -0.5",
        ),
        ({"foreach": True}, ValueError, "foreach must be None or False"),
        ({"fused": True}, ValueError, "fused must be None or False"),
        ({"differentiable": True}, ValueError, "differentiable must be None or False"),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else "",
)
def test_refused_options(options, error, message):
    params = [torch.ones(3, requires_grad=True)]
    good = AdaGrad([torch.ones(3, requires_grad=True)])
    for refused in (
        lambda: AdaGrad(params, **options),
        lambda: AdaGrad([{"params": params, **options}]),
        lambda: AdaGrad([{"params": params, **good.defaults}], **options),
        lambda: good.add_param_group({"params": params, **options}),
    ):
        with pytest.raises(error) as caught:
            refused()
        assert message in str(caught.value)
    assert len(good.param_groups) == len(good.state) == 1


def test_refused_initial_accumulator_value_of_one_group():
    group = {"params": [torch.ones(3, requires_grad=True)], "initial_accumulator_value": 0.1}
    with pytest.raises(ValueError, match=r"the same for all groups, 0, got 0\.1 for one"):
        AdaGrad([group])
    AdaGrad([group], initial_accumulator_value=0.1)


@pytest.mark.parametrize(
    ("dtype", "options", "message"),
    [
        (torch.float32, {"weight_decay": 0.1}, r"weight_decay must be 0 .* got 0\.1"),
        (torch.complex64, {}, r"complex parameter must have dense .* in torch\.complex64"),
    ],
)
def test_refused_sparse_gradients(dtype, options, message):
    w = torch.ones(3, 2, dtype=dtype, requires_grad=True)
    optimizer = AdaGrad([w], **options)
    w.grad = torch.ones(3, 2, dtype=dtype).to_sparse(1)
    with pytest.raises(RuntimeError, match=message):
        optimizer.step()
    assert torch.equal(w.detach(), torch.ones(3, 2, dtype=dtype))
    assert optimizer.state[w]["step"] == 0


def test_refused_params():
    with pytest.raises(ValueError, match="empty parameter list"):
        AdaGrad([])
    with pytest.raises(TypeError, match="must be a dict"):
        AdaGrad([torch.ones(1, requires_grad=True)]).add_param_group([torch.ones(1)])


# Tensors of other kinds


class Wrapped(torch.Tensor):
    """A tensor that holds another, as DTensor does: what is written to a view of it is lost."""

    @staticmethod
    def __new__(cls, held):
        return torch.Tensor._make_wrapper_subclass(
            cls, held.shape, dtype=held.dtype, strides=held.stride()
        )

    def __init__(self, held):
        self.held = held.detach().clone()

    @classmethod
    def __torch_dispatch__(cls, op, types, args=(), kwargs=None):
        held = tree_map_only(cls, lambda tensor: tensor.held, (args, kwargs or {}))
        result = op(*held[0], **held[1])
        if op._schema.name.endswith("_"):  # in place
            return args[0]
        return tree_map_only(torch.Tensor, cls, result)


class Named(torch.Tensor):
    """A tensor with another name."""


class OwnParameter(torch.nn.Parameter):
    """A parameter with another name."""


def unwrapped(tensor):
    tensor = tensor.detach()
    return tensor.held if isinstance(tensor, Wrapped) else tensor.as_subclass(torch.Tensor)


@pytest.mark.parametrize(
    ("of_param", "of_gradient"),
    [
        (Wrapped, Wrapped),
        (torch.nn.Parameter, Wrapped),
        (Named, Named),
        (Named, torch.Tensor),
        (torch.nn.Parameter, Named),
        (OwnParameter, torch.Tensor),
        (torch.nn.Buffer, torch.Tensor),
    ],
    ids=lambda kind: kind.__name__,
)
@pytest.mark.parametrize("shape", [(3, 4), (1100, 500)], ids=["small", "large"])
def test_subclasses_of_tensors_take_the_same_steps(shape, of_param, of_gradient):
    def made(kind, tensor):
        return tensor.as_subclass(kind) if kind in (Named, torch.Tensor) else kind(tensor)

    rng = torch.Generator().manual_seed(0)
    start, *gradients = (random(rng, *shape) for _ in range(4))
    for kind in (AdaGrad, RowWiseAdaGrad):
        w, v = start.clone(), made(of_param, start.clone())
        one, other = kind([w.requires_grad_()]), kind([v.requires_grad_()])
        for g in gradients:
            w.grad, v.grad = g, made(of_gradient, g)
            one.step()
            other.step()
        assert type(v) is type(made(of_param, start))
        assert torch.equal(unwrapped(v), w.detach())
        assert torch.equal(unwrapped(other.state[v]["sum"]), one.state[w]["sum"])


def masked(values):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The PyTorch API of MaskedTensors")
        return torch.masked.masked_tensor(values, values > 0)


def nested(values):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The PyTorch API of nested tensors")
        return torch.nested.nested_tensor([values, values[:1]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (masked, "a parameter must not be masked, got MaskedTensor"),
        (torch.Tensor.to_sparse, r"must be a dense tensor, got a torch\.sparse_coo one"),
        (nested, "must be a dense tensor, got a nested one"),
        (lambda w: Wrapped(w * 1j), "complex parameter must be a plain tensor, .* got Wrapped"),
    ],
    ids=["masked", "sparse", "nested", "complex"],
)
def test_parameters_of_a_kind_that_has_no_steps_are_refused(make, message):
    ones = torch.ones(2, 3)
    for kind in (AdaGrad, RowWiseAdaGrad):
        with pytest.raises(TypeError, match=message):
            kind([make(ones)])
        good = kind([ones])
        with pytest.raises(TypeError, match=message):
            good.add_param_group({"params": [torch.zeros(2), make(ones)]})
        assert len(good.param_groups) == len(good.state) == 1


def test_a_masked_gradient_is_refused():
    for kind in (AdaGrad, RowWiseAdaGrad):
        w = torch.zeros(2, requires_grad=True)
        optimizer = kind([w])
        w.grad = masked(torch.tensor([1.0, -1.0]))
        with pytest.raises(TypeError, match="a gradient must not be masked, got MaskedTensor"):
            optimizer.step()
        assert w.tolist() == optimizer.state[w]["sum"].tolist() == [0, 0]
        assert optimizer.state[w]["step"] == 0


@pytest.mark.parametrize("kind", [AdaGrad, RowWiseAdaGrad])
@pytest.mark.parametrize(
    "context", [FakeTensorMode, lambda: torch.device("meta")], ids=["fake", "meta"]
)
def test_steps_without_memory(kind, context):
    """As one tries out a large model, by its shapes alone; the steps are counted nevertheless."""
    with context():
        net = torch.nn.Linear(10**5, 10**4)  # 4 GB
        optimizer = kind(net.parameters())
        for _ in range(2):
            net(torch.ones(1, 10**5)).sum().backward()
            optimizer.step()
        state = optimizer.state[net.weight]
        assert state["step"].item() == 2
        assert state["sum"].shape == (10**4, 10**5 if kind is AdaGrad else 1)


# RowWiseAdaGrad


def by_hand(param, gradients, options):
    """The formula in NumPy: the parameter after all steps, and the sum for each row."""
    o = {"lr": 0.01, "lr_decay": 0, "weight_decay": 0, "initial": 0, "eps": 1e-8} | options
    w, s = param.numpy().copy(), np.full(len(param), float(o["initial"]))
    for t, g in enumerate(gradients, start=1):
        g = (-g if o.get("maximize") else g).numpy() + o["weight_decay"] * w
        for i in range(len(w)):
            s[i] += (g[i] ** 2).mean()
            w[i] -= o["lr"] / (1 + (t - 1) * o["lr_decay"]) / (np.sqrt(s[i]) + o["eps"]) * g[i]
    return w, s


def row_wise(param, gradients, **options):
    """Our optimizer after a step along each of the gradients, and its parameter."""
    w = param.clone().requires_grad_()
    optimizer = RowWiseAdaGrad([w], **options)
    for g in gradients:
        w.grad = g
        optimizer.step()
    return w.detach(), optimizer


def assert_equal_but_for_rounding(ours, expected):
    np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=1e-12, atol=1e-14)


@examples
@given(
    options=st.fixed_dictionaries(
        {},
        optional={
            "lr": st.sampled_from([1e-3, 0.1, 1.0]),
            "lr_decay": st.sampled_from([0, 0.5]),
            "weight_decay": st.sampled_from([0, 0.3]),
            "eps": st.sampled_from([1e-10, 1.0]),
            "maximize": st.booleans(),
        },
    ),
    initial=INITIAL,
    shape=st.sampled_from([(9,), (1, 1), (10, 3), (5, 32), (4, 1, 6), (3, 2, 4)]),
    strided=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_rows_follow_the_formula(options, initial, shape, strided, seed):
    rng = torch.Generator().manual_seed(seed)
    param, *gradients = (random(rng, *shape, dtype=torch.float64) for _ in range(6))
    ours, optimizer = row_wise(
        transposed(param) if strided else param,
        gradients,
        initial_accumulator_value=initial,
        **options,
    )
    w, s = by_hand(param, gradients, options | {"initial": initial})
    assert_equal_but_for_rounding(ours, w)
    (state,) = optimizer.state.values()
    assert_equal_but_for_rounding(state["sum"].flatten(), s)
    assert state["sum"].shape == (shape[0], *[1] * (len(shape) - 1))


def test_the_defaults_of_rows():
    defaults = RowWiseAdaGrad([torch.ones(2, 2)]).defaults
    assert (defaults["lr"], defaults["eps"]) == (1e-2, 1e-8)
    assert defaults["initial_accumulator_value"] == defaults["lr_decay"] == 0


@examples
@given(seed=st.integers(0, 2**32))
def test_a_row_is_a_run_of_adagrad_norm(seed):
    """Which takes the sum in place of the mean: a rate and an ε that are √d times as large."""
    rng, d = torch.Generator().manual_seed(seed), 5
    param, *gradients = (random(rng, 7, d, dtype=torch.float64) for _ in range(6))
    norm, params = AdaGradNorm(0.1 * d**0.5, eps=1e-8 * d**0.5), param.numpy()
    state = norm.init(params)
    for g in gradients:
        params, state = norm.step(params, g.numpy(), state)
    assert_equal_but_for_rounding(row_wise(param, gradients, lr=0.1)[0], params)


@pytest.mark.parametrize("shape", [(), (6,), (6, 1)], ids=str)
def test_rows_of_one_entry_are_adagrads_to_the_last_bit(shape):
    rng = torch.Generator().manual_seed(0)
    param, *gradients = (random(rng, *shape) for _ in range(6))
    ours, _ = row_wise(param, gradients, lr=0.1)
    w = param.clone().requires_grad_()
    adagrad = theirs([w], lr=0.1, eps=1e-8)
    for w.grad in gradients:
        adagrad.step()
    assert torch.equal(ours, w.detach())


@examples
@given(
    shape=st.sampled_from([(10, 3), (5, 32), (6, 2, 3), (9,)]),
    rows=st.lists(st.lists(st.integers(0, 4), max_size=6), min_size=1, max_size=5),
    maximize=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_sparse_rows_are_dense_rows(shape, rows, maximize, seed):
    rng = torch.Generator().manual_seed(seed)
    param = random(rng, *shape, dtype=torch.float64)
    sparse = [
        torch.sparse_coo_tensor(
            torch.tensor([r], dtype=torch.int64),
            random(rng, len(r), *shape[1:], dtype=torch.float64),
            shape,
            check_invariants=False,
        )
        for r in rows
    ]
    ours, optimizer = row_wise(param, sparse, lr=0.1, maximize=maximize)
    dense, reference = row_wise(param, [g.to_dense() for g in sparse], lr=0.1, maximize=maximize)
    assert_equal_but_for_rounding(ours, dense.numpy())
    (state,), (expected,) = optimizer.state.values(), reference.state.values()
    assert_equal_but_for_rounding(state["sum"], expected["sum"].numpy())
    untouched = [i for i in range(shape[0]) if not any(i in r for r in rows)]
    assert torch.equal(ours[untouched], param[untouched])


def test_duplicate_rows_are_summed_before_the_mean_of_the_squares():
    g = torch.sparse_coo_tensor([[2, 0, 2]], [[3.0, 0.0], [1.0, 7.0], [3.0, 8.0]], (4, 2))
    w, optimizer = row_wise(torch.zeros(4, 2), [g], lr=0.5, eps=0)
    (state,) = optimizer.state.values()
    assert state["sum"].flatten().tolist() == [25, 0, 50, 0]
    expected = torch.tensor([[1.0, 7.0], [0, 0], [6.0, 8.0], [0, 0]])
    expected *= torch.tensor([[-0.5 / 5], [0], [-0.5 / 50**0.5], [0]])
    torch.testing.assert_close(w, expected)
    assert g._nnz() == 3


def test_a_row_in_16_bits_may_have_a_sum_of_squares_beyond_their_range():
    g = torch.full((2, 300), 100.0, dtype=torch.float16)
    w, optimizer = row_wise(torch.zeros(2, 300, dtype=torch.float16), [g], lr=0.5)
    (state,) = optimizer.state.values()
    assert (state["sum"] == 10_000).all()
    assert (w == -0.5).all()


@pytest.mark.parametrize("strided", [False, True])
def test_rows_of_a_large_table_are_the_same_piece_by_piece(strided):
    rng = torch.Generator().manual_seed(0)
    param, g = (random(rng, 1501, 400) for _ in range(2))
    whole, _ = row_wise(transposed(param) if strided else param, [g, g])
    parts = [row_wise(p, [h, h])[0] for p, h in zip(param.split(500), g.split(500), strict=True)]
    torch.testing.assert_close(whole, torch.cat(parts), rtol=1e-6, atol=1e-7)
    wide, _ = row_wise(param.view(1, -1), [g.view(1, -1)])  # a row is longer than a piece
    expected = param - 0.01 * g / (g.double().square().mean().sqrt() + 1e-8)
    torch.testing.assert_close(wide.view(1501, 400), expected.float(), rtol=1e-5, atol=1e-6)


def test_complex_rows_are_real_and_imaginary_rows():
    rng = torch.Generator().manual_seed(0)
    param, *gradients = (random(rng, 4, 3, dtype=torch.complex128) for _ in range(5))
    ours, _ = row_wise(param, gradients, lr=0.1, initial_accumulator_value=0.5)
    for part in ("real", "imag"):
        alone, _ = row_wise(
            getattr(param, part).clone(),
            [getattr(g, part).clone() for g in gradients],
            lr=0.1,
            initial_accumulator_value=0.5,
        )
        torch.testing.assert_close(getattr(ours, part), alone)


def test_rows_go_on_from_a_checkpoint():
    rng = torch.Generator().manual_seed(0)
    param, *gradients = (random(rng, 6, 3) for _ in range(9))
    straight, _ = row_wise(param, gradients, lr=0.3, lr_decay=0.1)
    half, optimizer = row_wise(param, gradients[:4], lr=0.3, lr_decay=0.1)
    w = half.clone().requires_grad_()
    resumed = RowWiseAdaGrad([w])
    resumed.load_state_dict(through_a_file(optimizer.state_dict()))
    for copied in (resumed, pickled(resumed)):
        (v,) = copied.param_groups[0]["params"]
        for v.grad in gradients[4:]:
            copied.step()
        assert torch.equal(v.detach(), straight)


def test_accumulators_of_another_shape_are_refused():
    w = torch.ones(3, 2, requires_grad=True)
    one, other = AdaGrad([w]), RowWiseAdaGrad([w])
    for optimizer, foreign, shapes in [
        (other, theirs([w]), r"\(3, 2\) must have shape \(3, 1\), got \(3, 2\)"),
        (one, other, r"\(3, 2\) must have shape \(3, 2\), got \(3, 1\)"),
    ]:
        before = copy.deepcopy(optimizer.state_dict())
        with pytest.raises(ValueError, match=shapes):
            optimizer.load_state_dict(foreign.state_dict())
        torch.testing.assert_close(optimizer.state_dict(), before)
    adam = torch.optim.Adam([w])
    w.grad = torch.ones(3, 2)
    adam.step()
    with pytest.raises(ValueError, match="must have step and sum, got step, exp_avg, exp_avg_sq"):
        one.load_state_dict(adam.state_dict())


def test_rows_in_groups_and_with_a_closure():
    table, bias = torch.ones(3, 2, requires_grad=True), torch.ones(2, requires_grad=True)
    frozen = torch.ones(2, 2, requires_grad=True)
    optimizer = RowWiseAdaGrad([{"params": [table, frozen], "lr": 0.5}], lr=0.1, eps=0)
    optimizer.add_param_group({"params": [bias], "maximize": True})

    def closure():
        optimizer.zero_grad()
        loss = (table * torch.tensor([3.0, 4.0])).sum() + (7 * bias).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure) == 35.0
    lengths = 0.5 * torch.tensor([3.0, 4.0]) / 12.5**0.5
    torch.testing.assert_close(table.detach(), (1 - lengths).expand(3, 2))
    torch.testing.assert_close(bias.detach(), torch.full((2,), 1.1))
    assert (frozen == 1).all()
    assert optimizer.state[frozen]["step"] == 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lr": -0.1}, ValueError, "lr must be zero or positive, got -0.1"),
        ({"eps": float("nan")}, ValueError, "eps must be finite, got nan"),
        ({"foreach": True}, TypeError, "unexpected keyword argument 'foreach'"),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else "",
)
def test_refused_options_of_rows(options, error, message):
    with pytest.raises(error) as caught:
        RowWiseAdaGrad([torch.ones(3, 2, requires_grad=True)], **options)
    assert message in str(caught.value)


def test_refused_sparse_gradients_of_rows():
    w = torch.ones(3, 2, requires_grad=True)
    w.grad = torch.ones(3, 2).to_sparse(2)
    with pytest.raises(RuntimeError, match="with 1 sparse dimension, got 2"):
        RowWiseAdaGrad([w]).step()
    w.grad = torch.ones(3, 2).to_sparse(1)
    with pytest.raises(RuntimeError, match="weight_decay must be 0"):
        RowWiseAdaGrad([w], weight_decay=0.1).step()
    assert (w == 1).all()
