"""What a watch adds to training, in processor time, watched and unwatched rounds taken in turns.

Of the rounds' ratios there is the median, which is that of a long run, where few rounds have a look;
the sum of all rounds; and the first round, where half of the steps have one.
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


TASKS = {"digits": (digits, 100), "embedding": (embedding, 30)}  # with how many rounds


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
        watch(optimizer)
        times = [(watched(ROUND), plain(ROUND)) for _ in range(rounds)]
    ratios = [a / b for a, b in times]
    median, whole = statistics.median(ratios), sum(a for a, _ in times) / sum(b for _, b in times)
    with capsys.disabled():
        print(
            f"\n{task}, {rounds * ROUND} steps of {times[-1][1] / ROUND * 1e3:.3g} ms: watched they take "
            f"{median:.3f} times as long (median), {whole:.3f} in sum, the first {ROUND} {ratios[0]:.2f}"
        )
    assert median < 1.05
