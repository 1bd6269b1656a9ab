"""One step of our AdaGrad for PyTorch against PyTorch's own (default, foreach and fused), and of
row-wise AdaGrad against AdaGrad, with the bytes that each remembers."""

import pytest
import torch

from adagrad_course.memory import measured_state_bytes, readable_bytes, state_bytes
from adagrad_course.torch_optim import AdaGrad, RowWiseAdaGrad

OPTIMIZERS = {
    "ours": AdaGrad,
    "PyTorch's default": torch.optim.Adagrad,
    "PyTorch's foreach": lambda params: torch.optim.Adagrad(params, foreach=True),
    "PyTorch's fused": lambda params: torch.optim.Adagrad(params, fused=True),
}
# Tensors and the parameters in each: one large tensor, and a net of many small ones.
DENSE = {
    "1e4 parameters": (1, 10**4),
    "1e4 parameters in 100 tensors": (100, 10**2),
    "1e5 parameters": (1, 10**5),
    "1e6 parameters": (1, 10**6),
    "1e6 parameters in 100 tensors": (100, 10**4),
    "1e7 parameters": (1, 10**7),
}
VOCABULARIES = {"1e4": 10**4, "1e5": 10**5, "1e6": 10**6}
ROWS, DIM = 256, 32


def compare_steps(compare, group, name, params, steps, rounds):
    """Time rounds of several steps, and see that they were the right ones."""
    optimizer = OPTIMIZERS[name](params)

    def one_round():
        for _ in range(steps):
            optimizer.step()

    group = f"{steps} steps, {group}" if steps > 1 else f"1 step, {group}"
    compare(group, name, one_round, rounds=rounds, ours=name == "ours")
    state = optimizer.state[params[0]]
    expected = state["step"] * params[0].grad.to_dense()[-1] ** 2
    torch.testing.assert_close(state["sum"][-1], expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("size", DENSE)
def test_dense(compare, size, name):
    tensors, n = DENSE[size]
    rng = torch.Generator().manual_seed(0)
    params = [torch.randn(n, generator=rng, requires_grad=True) for _ in range(tensors)]
    for param in params:
        param.grad = torch.randn(n, generator=rng)
    steps = 10 if n * tensors <= 10**5 else 1
    compare_steps(compare, f"dense, {size}", name, params, steps, rounds=100 if n < 10**7 else 30)


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if "fused" not in name])
@pytest.mark.parametrize("size", VOCABULARIES)
def test_sparse(compare, size, name):
    """PyTorch's fused implementation refuses sparse gradients."""
    vocabulary = VOCABULARIES[size]
    rng = torch.Generator().manual_seed(0)
    param = torch.randn(vocabulary, DIM, generator=rng, requires_grad=True)
    rows = torch.randint(vocabulary, (1, ROWS), generator=rng)
    rows[0, -2:] = vocabulary - 1  # a duplicate
    param.grad = torch.sparse_coo_tensor(
        rows, torch.randn(ROWS, DIM, generator=rng), param.shape, check_invariants=False
    )
    group = f"sparse, {ROWS} of {size} rows"
    with torch.sparse.check_sparse_tensor_invariants(False):  # else PyTorch's warns of them
        compare_steps(compare, group, name, [param], steps=10, rounds=300)


@pytest.mark.parametrize("kind", [RowWiseAdaGrad, AdaGrad], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("gradients", ["dense", "sparse"])
@pytest.mark.parametrize("size", ["1e4", "1e5"])
def test_row_wise(compare, size, gradients, kind):
    rng = torch.Generator().manual_seed(0)
    table = torch.randn(VOCABULARIES[size], DIM, generator=rng, requires_grad=True)
    if gradients == "dense":
        table.grad = torch.randn(table.shape, generator=rng)
    else:
        rows = torch.randint(len(table), (1, ROWS), generator=rng)
        values = torch.randn(ROWS, DIM, generator=rng)
        table.grad = torch.sparse_coo_tensor(rows, values, table.shape, check_invariants=False)
    optimizer = kind([table])
    measured = measured_state_bytes(optimizer)
    assert measured == state_bytes(kind.__name__, [table.shape])
    compare(
        f"1 step on {size} rows of {DIM}, {gradients}",
        f"{kind.__name__} with {readable_bytes(measured)}",
        optimizer.step,
        rounds=100,
        ours=kind is RowWiseAdaGrad,
    )
    assert torch.isfinite(table).all()
