r"""AdaGrad on several processes, each of which keeps a part of the accumulators.

The task is to tell the kind of a character from the words of its name (`datasets.unicode_names`),
for an embedding table, cut into pieces of equal width, and a linear layer. Each step's examples are
divided among the processes, whose gradients are averaged by PyTorch's `DistributedDataParallel`.
With PyTorch's `ZeroRedundancyOptimizer` each process then updates only those parameters whose
accumulators it keeps, and sends them to the others.

The losses are those of one process but for rounding, as sums are taken in another order. In float64
they agree to a relative 1e-12 (measured: 5e-15 after 200 steps, on two and on four processes).

On one computer, with one process or two::

    python -m adagrad_course.sharded
    OMP_NUM_THREADS=1 torchrun --standalone --nproc-per-node 2 \
        -m adagrad_course.sharded

`torchrun` comes with PyTorch; `python -m torch.distributed.run` is the same. Without the variable
it warns that it sets it to 1. On a computer whose own name does not resolve, as without a network,
add `--local-addr 127.0.0.1`, else the processes do not find each other; a warning that the name
cannot be resolved does no harm then. What follows the module's name are options of this module,
which `--help` lists.

On several computers, start the same command on each, with an address that all of them reach (one
of the computers, and any port that is free there)::

    OMP_NUM_THREADS=1 torchrun --nnodes 2 --nproc-per-node 4 --rdzv-id names \
        --rdzv-backend c10d --rdzv-endpoint first-computer:29500 \
        -m adagrad_course.sharded

If gloo, which carries the numbers, picks a network that does not reach the others, name the right
one in the variable GLOO_SOCKET_IFNAME, such as eth0.

A process that dies ends all of them at once, with a message; one that no longer answers, after
`--timeout` seconds and up to 30 more that torchrun leaves it. With `--checkpoint-dir` only the
steps since the last checkpoint are lost: go on from there with `--resume`, also with another number
of processes. Or let torchrun do so itself, with its option `--max-restarts` and the variable
TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1, without which the new processes look for the dead ones.
"""

import argparse
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ._optional import packages_needed
from ._validate import positive_int
from .datasets import unicode_names
from .memory import measured_state_bytes, readable_bytes

with packages_needed("torch", "Several processes"):
    import torch

from .torch_optim import AdaGrad, RowWiseAdaGrad

__all__ = ["NameClassifier", "Report", "launch", "main", "run"]

OPTIMIZERS = {"AdaGrad": AdaGrad, "RowWiseAdaGrad": RowWiseAdaGrad, "Adam": torch.optim.Adam}
# Options that a resumed run must have in common with the checkpoint.
SAME_WHEN_RESUMED = ("optimizer", "lr", "batch", "dim", "tables", "seed")


class NameClassifier(torch.nn.Module):
    """A sum of the words' vectors, and a linear layer on it.

    Parameters
    ----------
    words, classes : int
        How many words and classes there are.
    dim : int
        The length of a word's vector.
    tables : int
        Into how many pieces of equal width the table of vectors is cut. The function computed is
        the same, but only whole tensors can be assigned to processes. It must divide `dim`.
    seed : int
        Of the random initial weights, which do not depend on `tables`.
    """

    def __init__(
        self, words: int, classes: int, dim: int = 64, tables: int = 8, seed: int = 0
    ) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        vectors = torch.randn(words, dim, generator=rng, dtype=torch.float64)
        weights = torch.randn(classes, dim, generator=rng, dtype=torch.float64) / dim**0.5
        self.tables = torch.nn.ModuleList(
            torch.nn.EmbeddingBag.from_pretrained(piece.clone(), freeze=False, mode="sum")
            for piece in vectors.chunk(tables, dim=1)
        )
        self.head = torch.nn.Linear(dim, classes, dtype=torch.float64)
        with torch.no_grad():
            self.head.weight.copy_(weights)
            self.head.bias.zero_()

    def forward(self, words: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        """Return the scores of the classes, (n, classes), for n names.

        Parameters
        ----------
        words : torch.Tensor of int
            The numbers of all names' words, one name after the other.
        starts : torch.Tensor of int, shape (n,)
            Where in `words` each name begins.
        """
        return self.head(torch.cat([table(words, starts) for table in self.tables], dim=1))


class Report(NamedTuple):
    """The result of a run.

    Attributes
    ----------
    losses : list of float
        The loss of each step before its update, from the first step on, also of a resumed run.
    state_bytes : list of int
        For each rank, the bytes that its optimizer's state holds.
    printed : str
        What has been printed: after `launch` also that a process was lost.
    """

    losses: list[float]
    state_bytes: list[int]
    printed: str = ""


def run(*options: str | float | Path) -> Report:
    """Run this module's training in the process that calls it.

    Parameters
    ----------
    *options : str or int or float or pathlib.Path
        The module's options, such as `"--steps", 10`.

    Returns
    -------
    Report

    Raises
    ------
    SystemExit
        If an option is wrong, or a file cannot be read or written; it says what was wrong.

    Examples
    --------
    >>> [round(loss, 3) for loss in run("--steps", 3).losses]
    [3.592, 1.742, 1.684]
    """
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        report = _train(_Alone(), _options(list(map(str, options)), ranks=1))
    return report._replace(printed=printed.getvalue())


def launch(
    processes: int,
    *options: str | float | Path,
    max_restarts: int = 0,
    timeout: float = 300,
) -> Report:
    """Run this module on several processes of this computer, as torchrun does.

    The functions behind torchrun do it. Where a process can be forked, on Linux, PyTorch is then
    imported only once for all of them.

    Parameters
    ----------
    processes : int
        How many.
    *options : str or int or float or pathlib.Path
        The module's options, such as `"--steps", 10`.
    max_restarts : int, optional
        How often they are all started again when one of them has died.
    timeout : float, optional
        After how many seconds to give up.

    Returns
    -------
    Report

    Raises
    ------
    TypeError, ValueError
        If `processes` is not a whole number from 1 on.
    RuntimeError
        If a process failed; it says what was printed.
    subprocess.TimeoutExpired
        If it takes longer than `timeout`; its note says what was printed.
    """
    command = [sys.executable, "-m", __name__]
    if positive_int("processes", processes) > 1:
        command += ["--processes", str(processes), "--max-restarts", str(max_restarts)]
    with tempfile.TemporaryDirectory() as folder:
        report, log = Path(folder) / "report.json", Path(folder) / "printed.txt"
        environment = {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
        with (
            log.open("wb") as file,
            subprocess.Popen(
                [*command, *map(str, options), "--report", str(report)],
                env=os.environ | environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            ) as launched,
        ):
            try:
                launched.wait(timeout)
            except BaseException as error:
                _end(launched)
                if isinstance(error, subprocess.TimeoutExpired):
                    error.output = _read(log)
                    error.add_note(f"It has printed:\n{error.output}")
                raise
        if launched.returncode:
            raise RuntimeError(
                f"number of processes that succeed must be {processes}, got exit code "
                f"{launched.returncode} after:\n{_read(log)}"
            )
        return Report(**json.loads(report.read_text(encoding="utf-8")), printed=_read(log))


def _end(launched: subprocess.Popen[bytes]) -> None:
    """Terminate what takes up to 30 s to end its processes; killed, it could not."""
    launched.terminate()
    try:
        launched.wait(40)
    except subprocess.TimeoutExpired:
        launched.kill()


def _read(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="backslashreplace")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as `arguments` say, by default those of the command line; print losses and bytes."""
    rank, ranks = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    with contextlib.nullcontext() if rank == 0 else _silence():
        options = _options(arguments, ranks)
    if options.processes > ranks:
        _start(options, arguments)
        return
    team = _Team(rank, ranks, options.timeout) if "WORLD_SIZE" in os.environ else _Alone()
    torch.set_num_threads(1)  # more threads than cores would slow all processes down
    with team:
        report = _train(team, options)
    if rank == 0:
        for other, state in enumerate(report.state_bytes):
            print(f"rank {other} keeps {readable_bytes(state)} of state")
        if options.report:
            measured = {"losses": report.losses, "state_bytes": report.state_bytes}
            try:
                options.report.write_text(json.dumps(measured), encoding="utf-8")
            except OSError as error:
                sys.exit(
                    f"adagrad_course.sharded: {options.report} cannot be written: {error.strerror}"
                )


def _start(options: argparse.Namespace, arguments: Sequence[str] | None) -> None:
    """Start processes on this computer and watch over them."""
    # What each of them would import and load for itself; forked from this one, it has it.
    import torch._dynamo  # the first optimizer does
    import torch.distributed.optim  # noqa: F401
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    unicode_names(options.seed)
    # Otherwise a restart would use the addresses of the dead processes.
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=options.processes,
        max_restarts=options.max_restarts,
        run_id="sharded",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="127.0.0.1",  # as this computer's name may not resolve
        logs_specs=DefaultLogsSpecs(log_dir=os.devnull),  # otherwise it leaves a folder behind
        start_method="fork" if sys.platform == "linux" else "spawn",  # macOS does not fork safely
    )
    elastic_launch(config, main)(arguments)


def _options(arguments: Sequence[str] | None, ranks: int) -> argparse.Namespace:
    """Return the options; one that is wrong ends the program with a message."""
    usage, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="adagrad_course.sharded",
        description=usage,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--steps", type=int, default=20, help="how many steps (20)")
    parser.add_argument("--seed", type=int, default=0, help="of the weights and the batches (0)")
    parser.add_argument("--batch", type=int, default=64, help="examples a step, of all ranks (64)")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="AdaGrad", help="(AdaGrad)")
    parser.add_argument("--lr", type=float, default=0.1, help="the learning rate (0.1)")
    parser.add_argument("--dim", type=int, default=64, help="length of a word's vector (64)")
    parser.add_argument("--tables", type=int, default=8, help="pieces the table is cut into (8)")
    parser.add_argument("--processes", type=int, default=1, help="start them on this computer (1)")
    parser.add_argument("--max-restarts", type=int, default=0, help="of these processes (0)")
    parser.add_argument("--no-shard", action="store_true", help="all ranks keep the whole state")
    parser.add_argument("--checkpoint-dir", type=Path, help="where rank 0 keeps a checkpoint")
    parser.add_argument("--checkpoint-every", type=int, default=5, help="steps between two (5)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument("--timeout", type=int, default=60, help="seconds to wait for a rank (60)")
    parser.add_argument("--report", type=Path, help="a file for all digits of the result, in JSON")
    parser.add_argument(
        "--crash-at", type=int, metavar="STEP", help="try it out: kill the last rank in this step"
    )
    options = parser.parse_args(arguments)
    for name in ("steps", "batch", "dim", "tables", "processes", "checkpoint_every", "timeout"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    for name in ("seed", "max_restarts"):
        if getattr(options, name) < 0:
            parser.error(f"--{name.replace('_', '-')} must be at least 0")
    if not 0 <= options.lr < float("inf"):
        parser.error("--lr must be finite, zero or positive")
    if options.dim % options.tables:
        parser.error(f"--tables must divide --dim, {options.dim}, got {options.tables}")
    ranks = max(ranks, options.processes)
    if options.batch < ranks:
        parser.error(f"--batch must be at least {ranks}, one example for each rank")
    if options.resume and not options.checkpoint_dir:
        parser.error("--resume needs --checkpoint-dir")
    return options


def _train(team, options):
    dataset = unicode_names(options.seed)
    train = dataset.train
    words, classes = len(dataset.feature_names), len(dataset.class_names)
    model = NameClassifier(words, classes, options.dim, options.tables, options.seed)
    replica = team.replica(model)
    optimizer = team.optimizer(model, options)
    losses = _resume(team, options, model, optimizer)
    team.say(f"process{'es' * (team.ranks > 1)}: {team.ranks}; first step: {len(losses) + 1}")
    while len(losses) < options.steps:
        team.step = step = len(losses) + 1
        if step == options.crash_at and team.rank == team.ranks - 1 and not _restarts():
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

        # The examples depend on seed and step only, so that a resumed run sees the same.
        batch = np.random.default_rng([options.seed, step]).choice(
            len(train), min(options.batch, len(train)), replace=False
        )
        own = np.array_split(batch, team.ranks)[team.rank]
        features = train.features[own]
        scores = replica(
            torch.from_numpy(features.indices.astype(np.int64)),
            torch.from_numpy(features.indptr[:-1].astype(np.int64)),
        )
        labels = torch.from_numpy(train.labels[own])
        loss = torch.nn.functional.cross_entropy(scores, labels, reduction="sum") / len(batch)
        optimizer.zero_grad()
        (loss * team.ranks).backward()  # the mean over ranks of this is the loss of the batch
        optimizer.step()

        losses.append(team.sum(loss.detach()).item())
        team.say(f"step {step}: loss {losses[-1]:.6f}")
        if options.checkpoint_dir and (
            step % options.checkpoint_every == 0 or step == options.steps
        ):
            _save(team, options, model, optimizer, losses)
    return Report(losses, team.gather(measured_state_bytes(optimizer)))


# Checkpoints ----------------------------------------------------------------------------------


def _save(team, options, model, optimizer, losses):
    """Write a checkpoint, which a crash cannot leave incomplete; rank 0 gathers the whole state."""
    if hasattr(optimizer, "consolidate_state_dict"):
        optimizer.consolidate_state_dict(to=0)

    def write():
        checkpoint = {
            "options": {name: getattr(options, name) for name in SAME_WHEN_RESUMED},
            "losses": losses,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        data = io.BytesIO()  # torch.save to a file does not report a full disk
        torch.save(checkpoint, data)
        _replace(_path(options), data.getbuffer())

    team.told_by_rank_0(write)
    team.saved = len(losses)


def _replace(path: Path, data: memoryview) -> None:
    """Replace the contents of a file; if that fails, it keeps the old ones."""
    unfinished = _unfinished(path)
    try:
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        raise OSError(f"{path} cannot be written, it stays as it was: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _unfinished(path: Path) -> Path:
    return path.with_suffix(".unfinished")


def _resume(team, options, model, optimizer):
    """Load the checkpoint, if there is to be one, and return its losses."""
    checkpoint = team.told_by_rank_0(lambda: _load(options))
    if checkpoint is None:
        return []
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    team.saved = len(checkpoint["losses"])
    return checkpoint["losses"]


def _load(options: argparse.Namespace) -> Any:
    """Return the checkpoint that this run goes on from, or None if it starts anew.

    Files that the run will write are tried now: an error is better found before the first step.
    """
    if options.report:
        _try_to_write("--report", options.report)
    if not options.checkpoint_dir:
        return None
    path = _path(options)
    if options.resume and not path.exists():
        raise ValueError(f"--resume needs a checkpoint, but there is no {path}")
    _try_to_write("--checkpoint-dir", _unfinished(path), parents=True)
    # After a restart, a checkpoint of an earlier run will do, too: with equal options it is equal.
    if not options.resume and not (_restarts() and path.exists()):
        return None
    try:
        checkpoint = torch.load(path, weights_only=True)
        before = {name: checkpoint["options"][name] for name in SAME_WHEN_RESUMED}
    except OSError:
        raise
    except Exception as error:  # its type depends on where the file is damaged
        raise ValueError(
            f"{path} must be a checkpoint of this module, but it is damaged or another's"
        ) from error
    for name, was in before.items():
        now = getattr(options, name)
        if now != was:
            raise ValueError(f"--{name} must be {was}, as in {path}, got {now}")
    return checkpoint


def _try_to_write(option: str, path: Path, parents: bool = False) -> None:
    """Raise unless a file can be written; its contents are kept."""
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        there = path.exists()
        path.open("ab").close()
        if not there:
            path.unlink()
    except OSError as error:
        raise ValueError(
            f"{option} must be where files can be written, but {path} cannot be: {error.strerror}"
        ) from error


def _path(options: argparse.Namespace) -> Path:
    return options.checkpoint_dir / "checkpoint.pt"


def _restarts() -> int:
    """Return how often torchrun has started the processes again."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))


# One process or several -----------------------------------------------------------------------


class _Alone:
    """One process, without torch.distributed."""

    rank, ranks = 0, 1
    step = saved = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def replica(self, model):
        return model

    def optimizer(self, model, options):
        return OPTIMIZERS[options.optimizer](model.parameters(), lr=options.lr)

    def sum(self, tensor):
        return tensor

    def gather(self, value):
        return [value]

    def told_by_rank_0(self, make):
        try:
            return make()
        except (OSError, ValueError) as error:
            sys.exit(f"adagrad_course.sharded: {error}")

    def say(self, text):
        print(text, flush=True)


class _Team(_Alone):
    """One process of several; when another one is lost, it prints a message and ends."""

    def __init__(self, rank, ranks, timeout):
        self.rank, self.ranks, self.timeout = rank, ranks, timeout

    def __enter__(self):
        import torch.distributed as dist  # not every build of PyTorch has it

        # Before there is a process group: modules imported later keep it as a default argument,
        # also after `destroy_process_group`, and a process that ends with a group may abort.
        from torch.distributed.optim import ZeroRedundancyOptimizer

        # When a process dies, torchrun ends the others, often before they notice it themselves.
        signal.signal(signal.SIGTERM, lambda *_: self._lost("torchrun stopped it"))
        dist.init_process_group("gloo", timeout=timedelta(seconds=self.timeout))
        self.dist, self.Sharded = dist, ZeroRedundancyOptimizer
        return self

    def __exit__(self, kind, error, traceback):
        if error is None:
            self.dist.destroy_process_group()
        elif isinstance(error, RuntimeError) and "gloo" in str(error):
            # "[file and line of gloo] what has happened. What it may mean."
            self._lost(str(error).partition("] ")[2].partition(". ")[0])

    def _lost(self, reason):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # this process is ending
        advice = f"go on after step {self.saved} with --resume" if self.saved else "start again"
        sys.exit(
            f"adagrad_course.sharded: rank {self.rank} of {self.ranks} gives up in step "
            f"{self.step}: another process was lost ({reason}); {advice}"
        )

    def replica(self, model):
        return torch.nn.parallel.DistributedDataParallel(model)

    def optimizer(self, model, options):
        if options.no_shard:
            return super().optimizer(model, options)
        kind = OPTIMIZERS[options.optimizer]
        return self.Sharded(model.parameters(), kind, lr=options.lr)

    def sum(self, tensor):
        self.dist.all_reduce(tensor)
        return tensor

    def gather(self, value):
        values: list[Any] = [None] * self.ranks
        self.dist.all_gather_object(values, value)
        return values

    def told_by_rank_0(self, make):
        """Return on all ranks what `make` returns on rank 0, the only one that uses its disk."""
        told: list[Any] = [None, None]
        if self.rank == 0:
            try:
                told[0] = make()
            except (OSError, ValueError) as error:
                told[1] = f"adagrad_course.sharded: {error}"
        self.dist.broadcast_object_list(told)
        value, failure = told
        if failure:
            sys.exit(failure if self.rank == 0 else 1)
        return value

    def say(self, text):
        if self.rank == 0:
            super().say(text)


@contextlib.contextmanager
def _silence():
    """Print nothing: rank 0 does."""
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


if __name__ == "__main__":
    main()
