"""What the optimizers do to parameters that two processes share, in JSON for test_torch_optim.py.

python tests/on_two_processes.py FILE-BY-WHICH-THE-PROCESSES-MEET

One process imports PyTorch, which takes seconds, and is forked into two.
"""

import io
import itertools
import json
import multiprocessing
import sys
from datetime import timedelta

import torch

from adagrad_course.memory import measured_state_bytes
from adagrad_course.torch_optim import AdaGrad, RowWiseAdaGrad

if __name__ == "__main__":  # pytest imports this file, too, also where PyTorch has none of these
    import torch._dynamo  # else the first optimizer of each process would import it
    import torch.distributed as dist
    from torch.distributed.checkpoint.state_dict import (
        StateDictOptions,
        get_optimizer_state_dict,
        set_optimizer_state_dict,
    )
    from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
    from torch.distributed.optim import ZeroRedundancyOptimizer
    from torch.distributed.tensor import (
        DTensor,
        Partial,
        Replicate,
        Shard,
        distribute_tensor,
        init_device_mesh,
    )


def theirs(params, **options):
    return torch.optim.Adagrad(params, foreach=False, **options)


OPTIMIZERS = {"AdaGrad": AdaGrad, "RowWiseAdaGrad": RowWiseAdaGrad, "PyTorch's": theirs}
# Large enough to be cut into pieces, uneven, with fewer rows or columns than processes, ...
SHAPES = [(1024, 1024), (5, 3), (1, 4), (4, 1), (7,), (1,), (3, 5, 2)]


def whole(tensor):
    return (tensor.full_tensor() if isinstance(tensor, DTensor) else tensor).detach()


def error(shared, alone):
    """The largest relative difference of weights and sums of squares from those of one process."""

    def pairs():
        groups = zip(shared.param_groups, alone.param_groups, strict=True)
        for one, other in groups:
            for a, b in zip(one["params"], other["params"], strict=True):
                yield whole(a), b.detach()
                yield whole(shared.state[a]["sum"]), alone.state[b]["sum"]

    return max(((a - b).abs() / (1 + b.abs())).max().item() for a, b in pairs())


def tensors(mesh, rank):
    """Single tensors, divided in every way, three steps each: the errors by case."""
    places = [Shard(0), Shard(1), Replicate()]
    for name, shape, place in itertools.product(OPTIMIZERS, SHAPES, places):
        if place == Shard(1) and len(shape) < 2:
            continue
        for sums in [False, True] if shape == (5, 3) else [False]:
            torch.manual_seed(0)
            start, *gradients = torch.randn(4, *shape, dtype=torch.float64)
            w = start.clone().requires_grad_()
            v = torch.nn.Parameter(distribute_tensor(start, mesh, [place]))
            alone, shared = (OPTIMIZERS[name]([p], lr=0.1, weight_decay=0.1) for p in (w, v))
            for w.grad in gradients:
                if sums:  # the gradient is the sum of what the processes have
                    part = w.grad * [0.25, 0.75][rank]
                    v.grad = DTensor.from_local(part, mesh, [Partial()])
                else:
                    v.grad = distribute_tensor(w.grad, mesh, [place])
                alone.step()
                shared.step()
            yield f"{name} {shape} {place} {'from sums' * sums}", error(shared, alone)


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Embedding(7, 64),
        torch.nn.Linear(64, 8192),
        torch.nn.Tanh(),
        torch.nn.Linear(8192, 3),
        torch.nn.Linear(3, 1),
    ).double()


def train(model, optimizer, rank=slice(None)):
    """Two steps on a half of the batch or on all of it."""
    rng = torch.Generator().manual_seed(1)
    for _ in range(2):
        words = torch.randint(7, (2, 9), generator=rng)
        targets = torch.randn(2, 9, 1, generator=rng, dtype=torch.float64)
        optimizer.zero_grad()
        (model(words[rank]) - targets[rank]).square().mean().backward()
        optimizer.step()


def models(mesh, rank):
    """A model that FSDP2 has divided by rows or by columns, with its checkpoints."""

    def by_columns(param):
        return Shard(param.ndim - 1 if param.shape[-1] % 2 == 0 else 0)  # FSDP2 wants even ones

    for name, kind in OPTIMIZERS.items():
        for division in [None, by_columns]:
            alone, model = net(), net()
            for layer in [model[1], model]:
                fully_shard(layer, mesh=mesh, shard_placement_fn=division)
            one, shared = kind(alone.parameters()), kind(model.parameters())
            train(alone, one)
            train(model, shared, rank)
            case = f"{name} {'by columns' if division else 'by rows'}"
            yield case, error(shared, one)
            parts = [state["sum"].to_local() for state in shared.state.values()]
            excess = measured_state_bytes(shared) - sum(part.nbytes for part in parts)
            yield f"{case}, bytes too many", excess

            file = io.BytesIO()
            torch.save(shared.state_dict(), file)
            file.seek(0)
            resumed = kind(model.parameters(), lr=1)
            resumed.load_state_dict(torch.load(file, weights_only=True))
            train(alone, one)
            train(model, resumed, rank)
            yield f"{case} from its state_dict", error(resumed, one)

            full = StateDictOptions(full_state_dict=True)
            kept = get_optimizer_state_dict(model, resumed, options=full)
            again = kind(model.parameters(), lr=1)
            set_optimizer_state_dict(model, again, kept, options=full)
            train(alone, one)
            train(model, again, rank)
            yield f"{case} from the whole state_dict", error(again, one)


def zero():
    """Weights whose state is shared, with a group of its own rate, and a schedule."""
    for name, sizes in itertools.product(OPTIMIZERS, [[3], [3, 2, 4]]):
        torch.manual_seed(0)
        start = [torch.randn(n, 2, dtype=torch.float64) for n in [*sizes, 5]]
        alone, shared = ([w.clone().requires_grad_() for w in start] for _ in range(2))
        kind, added = OPTIMIZERS[name], {"lr": 0.01, "weight_decay": 0.1}
        one, both = (
            kind(alone[:-1], lr=0.1),
            ZeroRedundancyOptimizer(shared[:-1], kind, lr=0.1),
        )
        one.add_param_group({"params": alone[-1:], **added})
        both.add_param_group({"params": shared[-1:], **added})
        schedules = [torch.optim.lr_scheduler.StepLR(o, 2, gamma=0.3) for o in (one, both)]
        for _ in range(5):
            for a, b in zip(alone, shared, strict=True):
                a.grad = torch.randn(a.shape, dtype=torch.float64)
                b.grad = a.grad.clone()
            for moving in [one, both, *schedules]:
                moving.step()
        differences = ((a - b).abs().max().item() for a, b in zip(alone, shared, strict=True))
        yield f"{name}, {len(sizes)} + 1 tensors", max(differences)


def refused(mesh):
    """The errors of what cannot be right."""
    table = distribute_tensor(torch.ones(4, 2), mesh, [Shard(0)])
    flat = FullyShardedDataParallel(torch.nn.Linear(3, 2), device_id=torch.device("cpu"))
    for name, attempt in {
        "complex": lambda: AdaGrad([torch.nn.Parameter(table * 1j)]),
        "flattened": lambda: RowWiseAdaGrad(flat.parameters()),
    }.items():
        try:
            attempt()
        except Exception as error:
            yield name, f"{type(error).__name__}: {error}"


def main(rank, store):
    torch.set_num_threads(1)
    address, limit = f"file://{store}", timedelta(seconds=60)
    dist.init_process_group("gloo", address, limit, rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    report = {"tensors": tensors(mesh, rank), "models": models(mesh, rank)}
    report |= {"zero": zero(), "refused": refused(mesh)}
    found = {part: dict(cases) for part, cases in report.items()}
    dist.destroy_process_group()
    return found


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(json.dumps(pool.starmap(main, [(rank, sys.argv[1]) for rank in range(2)], 1)))
