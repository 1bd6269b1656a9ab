"""Checks and hints for the exercises at the end of each chapter.

A chapter's exercises are one module of this package, which lists them as data in `EXERCISES`; it
is imported when one of them is first asked for.
"""

import importlib
import sys
from textwrap import fill

from .._validate import positive_int
from ._sandbox import is_quiet
from .machinery import LISTENERS, grade

__all__ = ["CHAPTERS", "check", "hint", "load", "report_to"]

CHAPTERS = {  # the module with each chapter's exercises
    "1": "learning_rates",
    "2": "deriving_adagrad",
    "3": "formula_to_pytorch",
    "4": "sparse_data",
    "5": "decay",
    "6": "memory_and_scale",
    "7": "after_adagrad",
}

# What stands for characters that cannot be printed, as on some terminals; others give their name.
PLAIN = {"✓": "[ok]", "✗": "[no]", "–": "-", "−": "-", "…": "...", "“": '"', "”": '"', "’": "'"}
PLAIN |= {"·": "*", "×": "x", "√": "sqrt", "²": "^2", "≥": ">=", "≤": "<="}


def check(number, answer):
    """Check an answer and print one line for each property tested.

    Parameters
    ----------
    number : str
        The exercise, as in `"1.2"`.
    answer : object
        Your function, class or value. It cannot break anything: functions get copies of their
        arguments, and are stopped if they take longer than 5 seconds.

    Raises
    ------
    TypeError
        If `number` is not text.
    ValueError
        If there is no such exercise.

    Examples
    --------
    >>> check("1.1", ...)
    1.1: not attempted yet
    """
    report = grade(_find(number), answer)
    if not is_quiet():  # an answer that itself calls check is graded by the outer one alone
        for listener in LISTENERS:
            listener(report.as_data())
    _print(str(report))


def report_to(listener):
    """Let every later `check` also hand its report to a program, as plain data.

    What `check` prints is for the reader, and anybody can print the same. Whoever grades, or shows
    the result elsewhere, listens here. Nothing is stored in a notebook unless the listener does so.

    Parameters
    ----------
    listener : callable
        Called with a dictionary that can be written as JSON. Its keys are `version` (1),
        `exercise` (as in `"1.2"`), `verdict` (`"passed"`, `"not passed"` or `"not attempted"`),
        `passed` and `total` (how many checks), and `checks`, a list of dictionaries with the keys
        `name`, `ok` (None if it was not tried), `problem`, `arguments` and `hint` (texts or None).
        Where it travels with a MIME type, this is `machinery.MIME_TYPE`.

    Examples
    --------
    In Jupyter, `display` can carry it:

    >>> from IPython.display import display
    >>> from adagrad_course.exercises.machinery import MIME_TYPE
    >>> report_to(lambda report: display({MIME_TYPE: report}, raw=True))  # doctest: +SKIP
    """
    LISTENERS.append(listener)


def hint(number, n=1):
    """Print a hint, and how to get the next one.

    Parameters
    ----------
    number : str
        The exercise, as in `"1.2"`.
    n : int
        Which hint: each says more than the one before.

    Raises
    ------
    TypeError
        If `number` is not text or `n` not an integer.
    ValueError
        If there is no such exercise or hint.
    """
    hints = _find(number).hints
    n = positive_int("n", n)
    if n > len(hints):
        raise ValueError(f"n must be from 1 to {len(hints)} for exercise {number}, got {n}")
    _print(fill(f"Hint {n} of {len(hints)}: {hints[n - 1]}", 80))
    if n < len(hints):
        _print(f'For the next: hint("{number}", {n + 1})')


def load(chapter):
    """Return a chapter's exercises, by number.

    Parameters
    ----------
    chapter : str
        A key of `CHAPTERS`.
    """
    module = importlib.import_module(f".{CHAPTERS[chapter]}", __name__)
    return {exercise.number: exercise for exercise in module.EXERCISES}


def _print(text):
    """Print a text, in plainer characters where its own cannot be printed."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(str.maketrans(PLAIN))
        text = text.encode(encoding, "namereplace").decode(encoding)
    print(text)


def _find(number):
    if not isinstance(number, str):
        raise TypeError(f'number must be text such as "1.2", got a {type(number).__name__}')
    chapter = number.partition(".")[0]
    if chapter not in CHAPTERS:
        raise ValueError(f"there is no exercise {number!r}; chapters: {', '.join(CHAPTERS)}")
    known = load(chapter)
    if number not in known:
        raise ValueError(f"there is no exercise {number!r}; chapter {chapter}: {', '.join(known)}")
    return known[number]
