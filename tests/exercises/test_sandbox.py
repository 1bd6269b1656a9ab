"""Running code that prints, warns, exits or never ends."""

import _thread
import contextlib
import io
import signal
import sys
import threading
import time
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from adagrad_course.exercises import _sandbox
from adagrad_course.exercises._sandbox import ALARM, TimeUp, ends_in_time, quiet


def endless():
    while True:
        pass


def endless_catching_all():
    while True:
        try:
            sum(range(1000))
        except:  # noqa: E722
            time.time()


def endless_with_a_finally():
    try:
        endless()
    finally:
        endless_catching_all()


def asleep():
    time.sleep(60)


@pytest.fixture(params=["timer", "thread"])
def alarm(request, monkeypatch):
    """Both ways to be woken, of which Windows has the second only."""
    if request.param == "thread":
        monkeypatch.setattr(_sandbox, "HAS_TIMER", False)
    elif not _sandbox.HAS_TIMER:
        pytest.skip("there is no timer")
    return request.param


def test_a_body_runs_to_its_end(alarm):
    done = []
    assert ends_in_time(lambda: done.append(1), 5.0)
    assert done == [1]


def test_an_endless_loop_is_stopped(alarm):
    handler = signal.getsignal(ALARM)
    for _ in range(3):
        assert not ends_in_time(endless, 0.1)
    assert signal.getsignal(ALARM) is handler


@pytest.mark.skipif(not _sandbox.HAS_TIMER, reason="there is no timer")
@pytest.mark.parametrize("body", [endless_catching_all, endless_with_a_finally, asleep])
def test_a_timer_stops_what_swallows_exceptions_or_sleeps(body):
    assert not ends_in_time(body, 0.1)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_stopping_at_the_very_moment_of_ending_lets_nothing_escape(alarm):
    for i in range(200):
        end = time.perf_counter() + 0.002

        def body(end=end):
            while time.perf_counter() < end:
                pass

        assert ends_in_time(body, 0.0015 + 5e-6 * i) in (True, False)
    time.sleep(0.1)


def test_an_exception_of_the_body_arrives_and_ends_the_limit(alarm):
    with pytest.raises(ZeroDivisionError):
        ends_in_time(lambda: 1 / 0, 0.1)
    time.sleep(0.2)


def test_a_limit_within_a_limit_is_the_outer_one(alarm):
    assert not ends_in_time(lambda: ends_in_time(endless, 60.0), 0.1)
    assert ends_in_time(lambda: ends_in_time(lambda: None, 60.0), 5.0)


def test_in_a_thread_there_is_no_limit():
    found = []
    thread = threading.Thread(target=lambda: found.append(ends_in_time(lambda: None, 5.0)))
    thread.start()
    thread.join()
    assert found == [True]


@pytest.fixture
def heard_interrupts():
    """Python's own handler: a shell that runs pytest in the background has it ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_users_interrupt_stops_the_body(heard_interrupts):
    threading.Timer(0.2, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        ends_in_time(endless, 60.0)


def test_time_up_is_not_an_exception_that_ordinary_code_catches():
    assert not issubclass(TimeUp, Exception)


def test_quiet_swallows_prints_and_warnings():
    out, err = io.StringIO(), io.StringIO()

    def noise():
        print("out")
        print("err", file=sys.stderr)
        warnings.warn("warning", stacklevel=1)
        np.array([1.0, -1.0]) / 0
        np.sqrt(-1.0)

    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        with quiet() as sink:
            noise()
            assert ends_in_time(noise, 5.0)
        assert sink.used
        with quiet() as sink:
            pass
        assert not sink.used
        print("heard")
    assert out.getvalue() == "heard\n"
    assert err.getvalue() == ""


def test_quiet_restores_what_it_changed():
    before = sys.stdout, sys.stderr, warnings.filters[:], np.geterr()
    with contextlib.suppress(ValueError), quiet():
        sys.stdout = None
        raise ValueError
    assert (sys.stdout, sys.stderr, warnings.filters[:], np.geterr()) == before


def test_quiet_within_quiet_leaves_exit_tamed_until_the_end(monkeypatch):
    class Shell:
        def ask_exit(self):
            """End the kernel."""

    shell = Shell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    with quiet():
        with quiet():
            assert shell.ask_exit is sys.exit
        assert shell.ask_exit is sys.exit
    assert shell.ask_exit == Shell.ask_exit.__get__(shell)


def test_endless_printing_takes_no_memory():
    def noise():
        while True:
            print("x" * 10**6)

    with quiet() as sink:
        assert not ends_in_time(noise, 0.1)
    assert sink.used
    assert not hasattr(sink, "getvalue")
