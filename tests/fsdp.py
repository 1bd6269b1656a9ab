"""Steps of our optimizers on parameters that FSDP shards, against the same on whole ones.

    torchrun --nproc-per-node 2 tests/fsdp.py

It prints the largest difference of each case, in JSON; tests/test_torch_optim.py starts it.
"""

import json
import sys

import torch
import torch.distributed as dist
from torch.distributed.fsdp import fully_shard

from adagrad_course.torch_optim import AdaGrad, RowWiseAdaGrad

SIZES = {"large": (512, 2048), "odd": (7, 5), "one output": (6, 1)}


def trained(size, kind, *, sharded):
    """Return a layer's parameters, whole, after three steps."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(*size)
    if sharded:
        fully_shard(layer)
    optimizer = kind(layer.parameters(), lr=0.1)
    data = torch.Generator().manual_seed(1)
    for _ in range(3):
        optimizer.zero_grad()
        # Both ranks see the same examples, so that the mean over ranks is what one process has.
        layer(torch.randn(4, size[0], generator=data)).square().sum().backward()
        optimizer.step()
    if sharded:
        optimizer.load_state_dict(optimizer.state_dict())
    return [p.full_tensor() if sharded else p for p in layer.parameters()]


def main():
    """Compare all cases on this rank; rank 0 prints."""
    dist.init_process_group("gloo")
    differences = {}
    for name, size in SIZES.items():
        for kind in (AdaGrad, RowWiseAdaGrad, torch.optim.Adagrad):
            pairs = zip(
                trained(size, kind, sharded=True), trained(size, kind, sharded=False), strict=True
            )
            worst = max((one - other).abs().max().item() for one, other in pairs)
            differences[f"{name}, {kind.__module__.split('.')[0]} {kind.__name__}"] = worst
    if dist.get_rank() == 0:
        sys.stdout.write(json.dumps(differences))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
