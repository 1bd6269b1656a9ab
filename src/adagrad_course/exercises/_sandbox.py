"""Run code that may print, warn, exit or never end, without harm to the notebook around it."""

import _thread
import contextlib
import io
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

# Seconds in which code may put its things in order; then `TimeUp` comes so often that a loop that
# swallows it is met outside of its `try`.
GRACE, AGAIN = 0.1, 1e-4
ALARM = getattr(signal, "SIGALRM", signal.SIGTERM)  # Windows has no SIGALRM
HAS_TIMER = hasattr(signal, "setitimer")
IN_BROWSER = sys.platform == "emscripten"  # without threads and signals
_running = False  # whether there is a body to stop


class TimeUp(BaseException):
    """Raised in code whose time is up; `except Exception` does not catch it."""


class _Sink(io.TextIOBase):
    """Swallow what is written and remember only that something was."""

    used = False

    def write(self, text: str) -> int:
        self.used = True
        return len(text)


@contextlib.contextmanager
def quiet() -> Iterator[_Sink]:
    """Swallow prints and warnings; the yielded object's `used` says whether there were any prints.

    Examples
    --------
    >>> with quiet() as sink:
    ...     print("unheard")
    >>> sink.used
    True
    """
    out = _Sink()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(_Sink()),
        warnings.catch_warnings(action="ignore"),
        np.errstate(all="ignore"),
        _tamed_exit(),
    ):
        yield out


@contextlib.contextmanager
def _tamed_exit() -> Iterator[None]:
    """Make IPython's `exit()` and `quit()`, which end the kernel, raise SystemExit as elsewhere."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        yield
        return
    before, shell.ask_exit = shell.ask_exit, sys.exit
    try:
        yield
    finally:
        shell.ask_exit = before


def ends_in_time(body: Callable[[], object], seconds: float) -> bool:
    """Call `body()`, stop it after `seconds`, and return whether it ended by itself.

    Only the main thread can be stopped, and nothing in a browser: there the page has a limit.

    Examples
    --------
    >>> ends_in_time(lambda: None, seconds=1.0)
    True
    """
    global _running
    in_main = threading.current_thread() is threading.main_thread()
    if IN_BROWSER or not in_main or _running:  # of checks within a check the outer limit counts
        body()
        return True
    start, cancel = _alarm(seconds)
    before = signal.signal(ALARM, _stop)
    try:
        _running = True
        start()
        body()
        return True
    except TimeUp:
        return False
    finally:
        _running = False  # for an alarm on its way
        cancel()
        signal.signal(ALARM, before)


def _stop(*_):
    if _running:
        if HAS_TIMER and signal.getitimer(signal.ITIMER_REAL)[1] == 0:
            signal.setitimer(signal.ITIMER_REAL, GRACE, AGAIN)
        raise TimeUp


def _alarm(seconds):
    """Return what has `ALARM` sent to the main thread after `seconds`, and what cancels that."""
    if HAS_TIMER:
        set_timer = partial(signal.setitimer, signal.ITIMER_REAL)
        return partial(set_timer, seconds), partial(set_timer, 0)
    timer = threading.Timer(seconds, _thread.interrupt_main, [ALARM])
    return timer.start, timer.cancel
