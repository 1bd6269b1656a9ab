"""Processes of adagrad_course.sharded, forked from one that has imported PyTorch for all."""

import contextlib
import io
import json
import multiprocessing
import os
import tempfile
from unittest import mock


def _train(environment, arguments):
    os.environ.update(environment)
    from adagrad_course.sharded import main

    with contextlib.redirect_stdout(io.StringIO()):
        main(arguments)


def train(ranks, folder, *options):
    """Return the report of as many ranks, started without torchrun, which takes seconds more."""
    import torch  # pytest imports this file, too, also where there is none

    context = multiprocessing.get_context("forkserver")
    # Each process's first step of an optimizer would import the second, in two seconds.
    context.set_forkserver_preload(["adagrad_course.sharded", "torch._dynamo"])
    report = folder / "report.json"
    arguments = [str(option) for option in (*options, "--report", report)]
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    common = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",  # the store is this process's, as torchrun's is
        "WORLD_SIZE": str(ranks),
    }
    processes = [
        context.Process(target=_train, args=(common | {"RANK": str(rank)}, arguments), daemon=True)
        for rank in range(ranks)
    ]
    try:
        # The server that forks them listens at a path of at most some hundred bytes.
        with mock.patch.object(tempfile, "tempdir", "/tmp"):
            for process in processes:
                process.start()
        for process in processes:
            process.join(300)  # patience, for a busy machine
        assert [process.exitcode for process in processes] == [0] * ranks
    finally:
        for process in processes:
            process.kill()
    return json.loads(report.read_text(encoding="utf-8"))
