"""What a watch adds to training, in processor time; watched and unwatched rounds take turns.

Of the rounds' ratios there is the median, which is that of a long run, where few rounds are looked
at, then the ratio of all rounds together, and that of the first, with nine looks in sixteen steps.
"""

import statistics
import time

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from adagrad_course.diagnose import watch

ROUND, DIM = 16, 32


def digits(batch=32):
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    x, y = torch.randn(batch, 64), torch.randint(10, (batch,))
    return model, lambda: cross_entropy(model(x), y)


def embedding(rows=10**6):
    model = nn.EmbeddingBag(rows, DIM, sparse=True, mode="sum")
    words = torch.randint(rows, (256, 10))
    return model, lambda: model(words).square().sum()


TASKS = {"digits": (digits, 120), "embedding": (embedding, 60)}  # with how many rounds


def stepper(make):
    torch.manual_seed(0)
    model, loss = make()
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.01)

    def steps(n):
        start = time.process_time()
        for _ in range(n):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
        return time.process_time() - start

    return optimizer, steps


@pytest.mark.parametrize("task", TASKS)
def test_a_watch(task, capsys):
    make, rounds = TASKS[task]
    with torch.sparse.check_sparse_tensor_invariants(False):  # else PyTorch warns of them
        _, plain = stepper(make)
        optimizer, watched = stepper(make)
        looking = watch(optimizer)
        times = [(watched(ROUND), plain(ROUND)) for _ in range(rounds)]
    ratios = [a / b for a, b in times]
    median = statistics.median(ratios)
    together = sum(a for a, _ in times) / sum(b for _, b in times)
    with capsys.disabled():
        print(
            f"\n{task}, {rounds * ROUND} steps: watched they take {median:.3f} times as long "
            f"(median), {together:.3f} together, {ratios[0]:.2f} in the first {ROUND}"
        )
    report = looking.report()
    assert (report.steps, report.failure) == (rounds * ROUND, "")
