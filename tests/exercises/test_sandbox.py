"""Running code that prints, warns, exits or never ends."""

import _thread
import contextlib
import io
import signal
import subprocess
import sys
import threading
import time
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from adagrad_course.exercises import _sandbox
from adagrad_course.exercises._sandbox import Stop, quiet, run_limited

turns = 0


def endless():
    global turns
    while True:
        turns += 1


def endless_catching_all():
    global turns
    while True:
        try:  # noqa: SIM105
            turns += 1
        except:  # noqa: E722
            pass


def endless_suppressing():
    while True:
        with contextlib.suppress(BaseException):
            endless()


def endless_within_all_of_it():
    while True:
        try:
            endless_suppressing()
        except BaseException:
            endless_catching_all()
        finally:
            endless_suppressing()


def running_workers():
    """Return how many workers run on, having given those that are ending a moment."""
    for _ in range(100):
        workers = [t for t in threading.enumerate() if isinstance(t, _sandbox._Worker)]
        count = sum(worker.stops <= _sandbox.PATIENCE for worker in workers)
        if not count:
            break
        time.sleep(0.01)
    return count


def test_a_body_runs_to_its_end():
    done = []
    assert run_limited(lambda: done.append(1), 5.0) == "finished"
    assert done == [1]


@pytest.mark.parametrize(
    "body", [endless, endless_catching_all, endless_suppressing, endless_within_all_of_it]
)
def test_an_endless_loop_is_stopped(body, monkeypatch):
    monkeypatch.setattr(_sandbox, "GRACE", 30.0)  # enough for a busy machine
    assert run_limited(body, 0.1) == "stopped"
    assert running_workers() == 0
    before = turns
    time.sleep(0.1)
    assert turns == before


def test_what_cannot_be_stopped_is_left_behind_and_dies_when_it_wakes(monkeypatch):
    monkeypatch.setattr(_sandbox, "GRACE", 0.1)
    woke = []

    def asleep():
        time.sleep(0.6)
        woke.append(1)

    assert run_limited(asleep, 0.1) == "runs on"
    assert running_workers() == 0
    assert not woke


def test_stopping_at_the_very_moment_of_ending_lets_nothing_escape():
    # An escaping Stop would be an unhandled exception in a thread, which pytest makes an error.
    for i in range(200):
        end = time.perf_counter() + 0.002

        def body(end=end):
            while time.perf_counter() < end:
                pass

        assert run_limited(body, 0.0015 + 5e-6 * i) in ("finished", "stopped")
    assert running_workers() == 0


def test_stopping_leaves_the_interpreter_sound():
    # An exception withdrawn before it arrives would leave CPython 3.11 looking for it forever:
    # slowly, and in an endless loop as soon as a debugger or a coverage tool traces.
    code = """if True:
        import sys, time
        from adagrad_course.exercises._sandbox import run_limited
        for i in range(50):
            end = time.perf_counter() + 0.002
            def body():
                while time.perf_counter() < end: pass
            run_limited(body, 0.0015 + 2e-5 * i)
        sys.settrace(lambda *args: None)
        print(sum(run_limited(lambda: 1, 5.0) == "finished" for _ in range(50)))
    """
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert (run.stdout, run.stderr) == ("50\n", "")


def test_an_exception_of_the_body_arrives():
    with pytest.raises(ZeroDivisionError):
        run_limited(lambda: 1 / 0, 5.0)


@pytest.fixture
def heard_interrupts():
    """Python's own handler: a shell that runs pytest in the background has it ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_users_interrupt_stops_the_body(heard_interrupts):
    threading.Timer(0.2, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        run_limited(endless, 10.0)
    assert running_workers() == 0


def test_stop_is_not_an_exception_that_ordinary_code_catches():
    assert not issubclass(Stop, Exception)


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
            assert run_limited(noise, 5.0) == "finished"
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
        assert run_limited(noise, 0.1) == "stopped"
    assert sink.used
    assert not hasattr(sink, "getvalue")
