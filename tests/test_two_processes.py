"""Our optimizers for PyTorch where several processes share the parameters: FSDP, DTensor, ZeRO."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

HAS_GLOO = torch.distributed.is_available() and torch.distributed.is_gloo_available()
pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not HAS_GLOO,
    reason="needs PyTorch's gloo, which this platform or build does not have",
)


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """What each of two processes reports of the steps of on_two_processes.py."""
    meeting = tmp_path_factory.mktemp("meeting") / "store"
    command = [sys.executable, Path(__file__).with_name("on_two_processes.py"), meeting]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_steps_on_two_processes_are_those_on_one(two_processes):
    """Of tensors divided by rows, by columns or not; PyTorch's own shows what can be had."""
    for report in two_processes:
        assert len(report["tensors"]) == 66
        assert {case: error for case, error in report["tensors"].items() if error > 1e-14} == {}


def test_fsdp2_trains_as_one_process_does_also_from_its_checkpoints(two_processes):
    for report in two_processes:
        assert len(report["models"]) == 3 * 2 * 4
        assert {case: error for case, error in report["models"].items() if error > 1e-12} == {}


def test_what_zero_shares_takes_the_steps_of_one_process_in_each_group(two_processes):
    """Also with fewer tensors than processes, and with schedules."""
    for report in two_processes:
        assert len(report["zero"]) == 6
        assert set(report["zero"].values()) == {0}


def test_what_fsdp_cannot_have_right_is_refused(two_processes):
    for report in two_processes:
        assert report["refused"] == {
            "complex": "TypeError: a complex parameter must be a plain tensor, whose real and "
            "imaginary part can be written to, got DTensor",
            "flattened": "TypeError: a parameter must have its rows, got one that "
            "FullyShardedDataParallel has flattened; torch.distributed.fsdp.fully_shard leaves "
            "them as they are",
        }
