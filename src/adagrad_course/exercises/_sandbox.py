"""Run code that may print, warn, exit or never end, without harm to the notebook around it."""

import _thread
import contextlib
import io
import signal
import sys
import warnings
from functools import partial

import numpy as np

AGAIN = 1e-4  # seconds after which `TimeUp` is raised again, lest an `except:` swallow them all
ALARM = getattr(signal, "SIGALRM", signal.SIGTERM)  # Windows has no SIGALRM


class TimeUp(BaseException):
    """Raised in code whose time is up; `except Exception` does not catch it."""


class _Sink(io.TextIOBase):
    """Swallow what is written and remember only that something was."""

    used = False

    def write(self, text):
        self.used = True
        return len(text)


@contextlib.contextmanager
def quiet():
    """Swallow prints and warnings; the yielded object's `used` says whether there were any prints.

    Examples
    --------
    >>> with quiet() as sink:
    ...     print("unheard")
    >>> sink.used
    True
    """
    out, errors = _Sink(), _Sink()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        _tamed_exit(),
    ):
        warnings.simplefilter("ignore")
        yield out


@contextlib.contextmanager
def _tamed_exit():
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


def ends_in_time(body, seconds):
    """Call `body()`, stop it after `seconds`, and return whether it ended by itself.

    Only the main thread can be stopped, and nothing in a browser: there the page has a limit.

    Examples
    --------
    >>> ends_in_time(lambda: None, seconds=1.0)
    True
    """
    running = True

    def stop(*_):
        if running:
            raise TimeUp

    try:
        before = signal.signal(ALARM, stop)
    except ValueError:  # not the main thread
        body()
        return True
    start, cancel = _alarm(seconds)
    try:
        with contextlib.suppress(RuntimeError):  # a browser cannot start a thread
            start()
        body()
        return True
    except TimeUp:
        return False
    finally:
        running = False  # for an alarm on its way
        cancel()
        signal.signal(ALARM, before)


def _alarm(seconds):
    """Return what has `ALARM` sent to the main thread after `seconds`, and what cancels that."""
    if hasattr(signal, "setitimer"):
        set_timer = partial(signal.setitimer, signal.ITIMER_REAL)
        before = signal.getitimer(signal.ITIMER_REAL)
        return partial(set_timer, seconds, AGAIN), partial(set_timer, *before)
    import threading  # only where there is no timer, as on Windows

    timer = threading.Timer(seconds, _thread.interrupt_main, [ALARM])
    return timer.start, timer.cancel
