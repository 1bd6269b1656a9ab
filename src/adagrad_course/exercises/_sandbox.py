"""Run code that may print, warn, exit or never end, without harm to the notebook around it."""

import contextlib
import contextvars
import ctypes
import io
import sys
import threading
import time
import warnings

import numpy as np

GRACE = 2.0  # seconds spent on stopping code
BEAT = 0.05  # seconds between two looks at running code, so that an interrupt is heard
NUDGE = 0.001  # seconds between two attempts at stopping it
PATIENCE = 10  # how many attempts code may swallow


class Stop(BaseException):
    """Injected into code whose time is up; to be handled by the worker's end alone.

    Code that catches everything, in a loop, might go on for ever. But an exception is made in the
    thread that it is raised in: if too many were made, the thread sleeps here until the end.
    """

    def __init__(self):
        super().__init__()
        worker = threading.current_thread()
        worker.stops += 1
        if worker.stops > PATIENCE and not worker.ended:
            worker.done.set()
            threading.Event().wait()


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


def is_quiet():
    """Return whether this runs within `quiet()`, as what an answer calls does."""
    return isinstance(sys.stdout, _Sink)


@contextlib.contextmanager
def _tamed_exit():
    """Make IPython's `exit()` and `quit()`, which end the kernel, raise SystemExit as elsewhere."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or shell.ask_exit is sys.exit:  # as in an answer that itself calls check
        yield
        return
    shell.ask_exit = sys.exit
    try:
        yield
    finally:
        del shell.ask_exit


class _Worker(threading.Thread):
    """Run a body in a daemon thread that another thread can stop.

    CPython can raise an exception in another thread. It must not arrive after the body has ended,
    where nobody would catch it: `ended` and `lock` see to that. (`done` is there because after an
    interrupted `join` a thread that runs on counts as dead.)
    """

    def __init__(self, body):
        super().__init__(daemon=True)
        self.body = body
        self.context = contextvars.copy_context()  # np.errstate lives in the context
        self.error = None
        self.stops = 0
        self.ended = False
        self.lock = threading.Lock()
        self.done = threading.Event()

    def run(self):
        try:
            self.context.run(self.body)
        except Stop:
            pass
        except BaseException as error:
            self.error = error
        self.ended = True  # no other Stop will follow, but one may be on its way
        try:
            self._retire()
        except Stop:
            self._retire()

    def _retire(self):
        with self.lock:  # whatever was on its way has been sent,
            pass
        self.done.set()  # and arrives no later than in this call

    def stop(self):
        """Raise `Stop` in the body, again and again, since its code may swallow exceptions."""
        inject = ctypes.pythonapi.PyThreadState_SetAsyncExc
        end = time.monotonic() + GRACE
        while not self.done.wait(NUDGE) and time.monotonic() < end:
            with self.lock:
                if not self.ended and not self.done.is_set():
                    inject(ctypes.c_ulong(self.ident), ctypes.py_object(Stop))


def run_limited(body, seconds):
    """Call `body()` in a thread of its own for at most `seconds`.

    Parameters
    ----------
    body : callable
        Called without arguments.
    seconds : float
        The time limit.

    Returns
    -------
    str
        `"finished"`; `"stopped"` when time was up; `"runs on"` when it could not be stopped.

    Raises
    ------
    BaseException
        What `body` raised.

    Examples
    --------
    >>> run_limited(lambda: None, seconds=1.0)
    'finished'
    """
    worker = _Worker(body)
    end = time.monotonic() + seconds
    worker.start()
    try:
        while not worker.done.wait(BEAT) and time.monotonic() < end:
            pass  # short waits, or Windows would not hear the user's interrupt
        in_time = worker.done.is_set()
    finally:
        worker.stop()  # also when the user interrupts; nothing to do when it has ended
    if worker.error is not None:
        raise worker.error
    if in_time:
        return "finished"
    return "stopped" if worker.done.is_set() else "runs on"
