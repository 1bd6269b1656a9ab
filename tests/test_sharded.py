"""The same losses on one process, two and four, each of which keeps its part of the state."""

import errno
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from ranks import train

from adagrad_course.datasets import unicode_names
from adagrad_course.memory import state_bytes, state_bytes_per_rank
from adagrad_course.sharded import NameClassifier, _Team, launch, main, run

HAS_GLOO = torch.distributed.is_available() and torch.distributed.is_gloo_available()
several_processes = pytest.mark.skipif(
    sys.platform == "win32" or not HAS_GLOO,
    reason="needs torchrun and PyTorch's gloo, which this platform or build does not have",
)

STEPS = 12
OPTIONS = ["--steps", STEPS, "--batch", 62]  # of which four processes get 16, 16, 15 and 15
# Sums are taken in another order: a few times 1e-16, which AdaGrad does not amplify here.
SAME = {"rtol": 1e-12, "atol": 0}
WORDS, CLASSES = 3393, 11
SHAPES = [(WORDS, 8)] * 8 + [(CLASSES, 64), (CLASSES,)]


def alone(folder, *options):
    """The losses and the bytes of this process, without torchrun."""
    main([str(option) for option in (*options, "--report", folder / "report.json")])
    return json.loads((folder / "report.json").read_text())


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    return alone(tmp_path_factory.mktemp("single"), *OPTIONS)


# One process ----------------------------------------------------------------------------------


def test_the_shapes_are_those_of_the_model():
    assert [p.shape for p in NameClassifier(WORDS, CLASSES).parameters()] == SHAPES
    names = unicode_names()
    assert (len(names.feature_names), len(names.class_names)) == (WORDS, CLASSES)


@pytest.mark.parametrize("tables", [1, 4])
def test_scores_are_sums_of_vectors_through_a_linear_layer(tables):
    model = NameClassifier(5, 3, dim=4, tables=tables, seed=2)
    whole = NameClassifier(5, 3, dim=4, tables=1, seed=2)
    vectors = torch.cat([table.weight for table in model.tables], dim=1)
    assert torch.equal(vectors, whole.tables[0].weight)
    scores = model(torch.tensor([3, 0, 4]), torch.tensor([0, 2]))
    sums = torch.stack([vectors[3] + vectors[0], vectors[4]])
    torch.testing.assert_close(scores, sums @ whole.head.weight.T)
    assert not torch.equal(vectors, NameClassifier(5, 3, 4, 1, seed=3).tables[0].weight)
    assert {p.dtype for p in model.parameters()} == {torch.float64}


def test_a_run_is_a_plain_loop_over_batches(single):
    train = unicode_names().train
    model = NameClassifier(WORDS, CLASSES)
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
    for step, loss in enumerate(single["losses"], start=1):
        rows = np.random.default_rng([0, step]).choice(len(train), 62, replace=False)
        features = torch.tensor(train.features[rows].toarray())
        vectors = torch.cat([table.weight for table in model.tables], dim=1)
        expected = torch.nn.functional.cross_entropy(
            model.head(features @ vectors), torch.tensor(train.labels[rows])
        )
        np.testing.assert_allclose(loss, expected.item(), **SAME)
        optimizer.zero_grad()
        expected.backward()
        optimizer.step()
    assert single["losses"][-1] < 0.5 * single["losses"][0]
    assert single["state_bytes"] == [state_bytes("AdaGrad", SHAPES, "float64")]


def test_what_is_printed(capsys, tmp_path):
    losses = alone(tmp_path, "--steps", 2, "--optimizer", "RowWiseAdaGrad")["losses"]
    assert capsys.readouterr().out == (
        "process: 1; first step: 1\n"
        f"step 1: loss {losses[0]:.6f}\nstep 2: loss {losses[1]:.6f}\n"
        "rank 0 keeps 217 kB of state\n"
    )


def test_a_run_in_this_process_keeps_what_it_prints(single, capsys):
    report = run(*OPTIONS)
    assert report.losses == single["losses"]
    assert report.state_bytes == single["state_bytes"]
    assert report.printed.splitlines()[0] == "process: 1; first step: 1"
    assert f"step {STEPS}: loss {report.losses[-1]:.6f}" in report.printed
    assert capsys.readouterr().out == ""


def test_the_seed_changes_the_run(single, tmp_path):
    assert alone(tmp_path, *OPTIONS, "--seed", 1)["losses"] != single["losses"]


@pytest.mark.parametrize("optimizer", ["AdaGrad", "RowWiseAdaGrad", "Adam"])
def test_a_run_goes_on_from_its_checkpoint(optimizer, tmp_path):
    options = ["--optimizer", optimizer, "--checkpoint-dir", tmp_path / "kept"]
    whole = alone(tmp_path, "--optimizer", optimizer, "--steps", 8)
    first = alone(tmp_path, *options, "--steps", 5, "--checkpoint-every", 2)
    resumed = alone(tmp_path, *options, "--steps", 8, "--resume")
    assert first["losses"] == whole["losses"][:5]
    np.testing.assert_allclose(resumed["losses"], whole["losses"], **SAME)
    assert resumed["state_bytes"] == whole["state_bytes"]
    assert os.listdir(tmp_path / "kept") == ["checkpoint.pt"]
    assert alone(tmp_path, *options, "--steps", 8, "--resume")["losses"] == resumed["losses"]


def test_without_resume_a_checkpoint_is_not_read(tmp_path):
    options = ["--checkpoint-dir", tmp_path / "kept", "--steps", 2]
    assert alone(tmp_path, *options) == alone(tmp_path, *options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", "0"], "--steps must be at least 1"),
        (["--checkpoint-every", "0"], "--checkpoint-every must be at least 1"),
        (["--steps", "many"], "argument --steps: invalid int value: 'many'"),
        (["--seed", "-1"], "--seed must be at least 0"),
        (["--max-restarts", "-1"], "--max-restarts must be at least 0"),
        (["--processes", "0"], "--processes must be at least 1"),
        (["--processes", "2", "--batch", "1"], "--batch must be at least 2, one example for each"),
        (["--lr", "nan"], "--lr must be finite, zero or positive"),
        (["--lr", "-1"], "--lr must be finite, zero or positive"),
        (["--tables", "7"], "--tables must divide --dim, 64, got 7"),
        (["--resume"], "--resume needs --checkpoint-dir"),
        (["--optimizer", "Adagrad"], "invalid choice: 'Adagrad'"),
        (["--step", "3"], "unrecognized arguments: --step 3"),
    ],
)
def test_refused_options(options, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(options)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_only_rank_0_speaks_of_refused_options(monkeypatch, capsys):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SystemExit):
        main(["--batch", "1"])
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(SystemExit):
        main(["--batch", "1"])
    assert "--batch must be at least 2, one example for each rank" in capsys.readouterr().err


def test_refused_checkpoints(tmp_path):
    here = ["--checkpoint-dir", tmp_path / "kept", "--steps", 1]
    with pytest.raises(SystemExit, match=r"needs a checkpoint, but there is no .*checkpoint\.pt"):
        alone(tmp_path, *here, "--resume")
    assert not (tmp_path / "kept").exists()
    alone(tmp_path, *here)
    for option, value in [("--lr", 0.2), ("--seed", 3), ("--optimizer", "Adam")]:
        with pytest.raises(SystemExit, match=rf"{option} must be .*, as in .*, got {value}"):
            alone(tmp_path, *here, "--resume", option, value)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("no checkpoint"),
        lambda path: path.write_bytes(path.read_bytes()[:1000]),
        lambda path: torch.save([1], path),
        lambda path: torch.save({"model": {}}, path),
        lambda path: torch.save({"options": {}}, path),
    ],
    ids=["empty", "text", "cut off", "list", "foreign", "without options"],
)
def test_a_checkpoint_that_is_none_is_named(tmp_path, spoil):
    here = ["--checkpoint-dir", tmp_path / "kept", "--steps", 1]
    alone(tmp_path, *here)
    spoil(tmp_path / "kept" / "checkpoint.pt")
    with pytest.raises(SystemExit, match=r"kept.checkpoint\.pt must be .*, but it is damaged or"):
        alone(tmp_path, *here, "--resume")


# Several processes ----------------------------------------------------------------------------


@several_processes
def test_two_processes_share_the_state_and_have_the_losses_of_one(single, tmp_path):
    """With the command of the documentation, which prints nothing that frightens."""
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2]
    options = [*OPTIONS, "--report", tmp_path / "report.json"]
    done = subprocess.run(
        [sys.executable, *map(str, [*command, "-m", "adagrad_course.sharded", *options])],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads((tmp_path / "report.json").read_text())
    np.testing.assert_allclose(report["losses"], single["losses"], **SAME)
    printed = re.findall(r"^step \d+: loss (.*)$", done.stdout, re.M)
    assert printed == [f"{loss:.6f}" for loss in report["losses"]]

    assert report["state_bytes"] == state_bytes_per_rank("AdaGrad", SHAPES, 2, "float64")
    (whole,) = single["state_bytes"]
    assert sum(report["state_bytes"]) == whole
    assert max(report["state_bytes"]) < 0.51 * whole


@several_processes
@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="threads are listed on Linux")
def test_no_thread_of_gloo_outlives_the_run():
    """A process that ends while one is at work aborts, once in some thirty runs."""
    code = (
        "import os; from adagrad_course.sharded import main; main(['--steps', '1'])\n"
        "for t in os.listdir('/proc/self/task'): print(open(f'/proc/self/task/{t}/comm').read())"
    )
    address = {"MASTER_ADDR": "localhost", "MASTER_PORT": "0", "OMP_NUM_THREADS": "1"}
    one_of_one = os.environ | {"RANK": "0", "WORLD_SIZE": "1"} | address
    done = subprocess.run(
        [sys.executable, "-c", code], env=one_of_one, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "step 1: loss" in done.stdout
    assert "gloo" not in done.stdout


@several_processes
def test_four_processes_keep_a_quarter_each_and_go_on_where_one_has_stopped(single, tmp_path):
    kept = ["--checkpoint-dir", tmp_path / "kept"]
    alone(tmp_path, *OPTIONS, *kept, "--steps", 5)
    report = train(4, tmp_path, *OPTIONS, *kept, "--resume")
    np.testing.assert_allclose(report["losses"], single["losses"], **SAME)
    assert report["state_bytes"] == state_bytes_per_rank("AdaGrad", SHAPES, 4, "float64")
    assert max(report["state_bytes"]) < 0.26 * single["state_bytes"][0]


@several_processes
def test_without_sharding_each_process_keeps_everything(single, tmp_path):
    report = train(2, tmp_path, *OPTIONS, "--no-shard")
    np.testing.assert_allclose(report["losses"], single["losses"], **SAME)
    assert report["state_bytes"] == single["state_bytes"] * 2


@several_processes
def test_a_killed_process_is_reported_and_the_run_goes_on_from_the_checkpoint(single, tmp_path):
    """In far less time than a process is told to wait for one that does not answer."""
    kept = ["--checkpoint-dir", tmp_path / "kept", "--checkpoint-every", 3]
    options = [*OPTIONS, *kept, "--crash-at", 8, "--timeout", 600]
    report = launch(2, *options, max_restarts=1, timeout=120)
    assert re.search(
        r"^adagrad_course\.sharded: rank 0 of 2 gives up in step 8: another process was lost "
        r"\(.+\); go on after step 6 with --resume$",
        report.printed,
        re.M,
    )
    printed = re.findall(r"^(?:step|processes: 2; first step:) (\d+)", report.printed, re.M)
    assert list(map(int, printed)) == [1, *range(1, 8), 7, *range(7, STEPS + 1)]
    np.testing.assert_allclose(report.losses, single["losses"], **SAME)
    assert report.state_bytes == state_bytes_per_rank("AdaGrad", SHAPES, 2, "float64")


@several_processes
def test_no_process_outlives_a_launch_that_is_interrupted(tmp_path):
    kept = tmp_path / "kept"
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from adagrad_course.sharded import launch\n"
        f"launch(2, '--steps', 10**6, '--checkpoint-every', 1, '--checkpoint-dir', {str(kept)!r})"
    )

    def running():
        every = psutil.process_iter(["cmdline"])
        return [process for process in every if str(kept) in (process.info["cmdline"] or [])]

    launched = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120
        while not (kept / "checkpoint.pt").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(running()) == 3  # the first and the two that it has started
        launched.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in launched.communicate(timeout=60)[1]
        assert running() == []
    finally:
        for process in [launched, *running()]:
            process.kill()


@pytest.mark.parametrize(("rank", "code"), [(0, "adagrad_course.sharded: no such file"), (1, 1)])
def test_all_ranks_end_when_rank_0_cannot_read_its_checkpoint(rank, code):
    def unreadable():
        assert rank == 0  # nobody else looks at the disk
        raise OSError("no such file")

    def broadcast(told):  # what rank 0 would send
        told[:] = [None, "adagrad_course.sharded: no such file"]

    team = _Team(rank, 2, timeout=1)
    team.dist = SimpleNamespace(broadcast_object_list=broadcast if rank else lambda told: None)
    with pytest.raises(SystemExit) as caught:
        team.told_by_rank_0(unreadable)
    assert caught.value.code == code


@pytest.mark.parametrize(("processes", "error"), [(0, ValueError), (1.5, TypeError)])
def test_refused_numbers_of_processes(processes, error):
    with pytest.raises(error, match="processes must be"):
        launch(processes)


def test_a_launch_that_fails_says_what_was_wrong():
    with pytest.raises(RuntimeError, match=r"exit code 2 after:\n(?s:.*)at least 1"):
        launch(1, "--steps", 0)


def test_a_full_disk_is_called_so_and_the_checkpoint_before_is_kept(tmp_path, monkeypatch):
    options = ["--steps", "1", "--dim", "8", "--batch", "4", "--checkpoint-dir", str(tmp_path)]
    main(options)
    before = (tmp_path / "checkpoint.pt").read_bytes()

    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SystemExit, match=r"it stays as it was: No space left on device"):
        main(options)
    assert os.listdir(tmp_path) == ["checkpoint.pt"]
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_a_report_that_cannot_be_written_is_refused_before_training(tmp_path):
    for report in (tmp_path, tmp_path / "missing" / "report.json"):
        with pytest.raises(SystemExit, match="--report must be where files can be written"):
            main(["--steps", "1", "--report", str(report)])


class Impatient(subprocess.Popen):
    """A process for which time is up as soon as it has printed the loss of its first step."""

    def __init__(self, command, **options):
        super().__init__(command, **options)
        self.log = Path(options["stdout"].name)

    def wait(self, timeout=None):
        if timeout == 1234 and self.returncode is None:
            while "step 1: loss" not in self.log.read_text(encoding="utf-8"):
                assert self.poll() is None
                time.sleep(0.1)
            raise subprocess.TimeoutExpired(self.args, timeout)
        return super().wait(timeout)


def test_what_was_printed_is_told_when_time_is_up(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", Impatient)
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        launch(1, "--steps", 10**6, timeout=1234)
    assert "step 1: loss" in caught.value.__notes__[0]


@pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare")
def test_processes_find_each_other_where_the_hosts_name_does_not_resolve():
    code = "from adagrad_course.sharded import launch; print(len(launch(1, '--steps', 1).losses))"
    command = "hostname nowhere.invalid && exec " + shlex.join([sys.executable, "-c", code])
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--uts", "sh", "-c", command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    if "unshare failed" in done.stderr:
        pytest.skip(f"not allowed here: {done.stderr.strip()}")
    assert done.stdout.strip() == "1", done.stderr
