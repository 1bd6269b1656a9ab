"""`compare` times a function within a group; the ratios of each group are printed at the end."""

from collections import defaultdict

import pytest

TIMES = pytest.StashKey()


def pytest_configure(config):
    config.stash[TIMES] = defaultdict(list)


@pytest.fixture
def compare(benchmark, request):
    """Time `function()` and return what it gave.

    `label` is its name in the report. Each function with `ours=True` is compared with each other
    function of the same group.
    """

    def run(group, label, function, *, rounds, ours=False):
        benchmark.group = group
        result = benchmark.pedantic(function, rounds=rounds, warmup_rounds=min(rounds - 1, 2))
        if benchmark.stats:  # not with --benchmark-disable
            # The fastest round is the one that other processes disturbed least.
            request.config.stash[TIMES][group].append((ours, label, benchmark.stats.stats.min))
        return result

    return run


@pytest.hookimpl(trylast=True)  # after the tables
def pytest_terminal_summary(terminalreporter, config):
    groups = config.stash[TIMES].items()
    if groups:
        terminalreporter.section("ratios")
    for group, times in groups:
        for label, seconds in ((label, s) for ours, label, s in times if ours):
            for other, reference in ((label, s) for ours, label, s in times if not ours):
                terminalreporter.line(
                    f"{group}: {label} ({_time(seconds)}) {_ratio(reference / seconds)} "
                    f"{other} ({_time(reference)})"
                )


def _ratio(ratio):
    word = "faster" if ratio >= 1 else "slower"
    ratio = max(ratio, 1 / ratio)
    return f"is {ratio:.{0 if ratio >= 10 else 2}f}× {word} than"


def _time(seconds):
    return f"{seconds:.2g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"
