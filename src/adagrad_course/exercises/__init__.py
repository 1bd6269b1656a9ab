"""Checks and hints for the exercises at the end of each chapter.

A chapter's exercises are one module of this package, which lists them as data in `EXERCISES`; it
is imported when one of them is first asked for.
"""

import importlib
import os
import sys
from textwrap import fill

from .._validate import positive_int
from .machinery import Exercise, grade

__all__ = ["CHAPTERS", "REPORT_TYPE", "WANTED", "check", "hint", "load"]

REPORT_TYPE = "application/vnd.adagrad-course.check+json"
# Set by whatever reads reports instead of text. They are not shown otherwise, so that a notebook
# stores what its reader sees and no more.
WANTED = "ADAGRAD_COURSE_REPORTS"

CHAPTERS = {  # the module with each chapter's exercises; Half an hour counts as 0
    "0": "half_an_hour",
    "1": "learning_rates",
    "2": "deriving_adagrad",
    "3": "formula_to_pytorch",
    "4": "sparse_data",
    "5": "decay",
    "6": "memory_and_scale",
    "7": "after_adagrad",
    "8": "in_practice",
}


def check(number: str, answer: object, closing: object = ...) -> None:
    """Check an answer and print one line for each property tested.

    In a notebook, if the environment variable `ADAGRAD_COURSE_REPORTS` is set, a report that a
    program can read is displayed, too, under the MIME type `REPORT_TYPE`.

    Parameters
    ----------
    number : str
        The exercise, as in `"1.2"`.
    answer : object
        Your function, class or value. Functions get copies of their arguments. The check is
        stopped after 5 seconds, but not in a thread of your own, nor in a browser, where the page
        has its own limit.
    closing : object
        Your answer to the question at the exercise's end, where it has one.

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
    report = grade(_find(number), answer, closing)
    if os.environ.get(WANTED) and "IPython" in sys.modules:
        from IPython.display import display

        display({REPORT_TYPE: report.as_json()}, raw=True)
    _say(str(report))


def hint(number: str, n: int = 1) -> None:
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
    _say(fill(f"Hint {n} of {len(hints)}: {hints[n - 1]}", 80))
    if n < len(hints):
        _say(f'For the next: hint("{number}", {n + 1})')


def load(chapter: str) -> dict[str, Exercise]:
    """Return a chapter's exercises, by number.

    Parameters
    ----------
    chapter : str
        A key of `CHAPTERS`.
    """
    module = importlib.import_module(f".{CHAPTERS[chapter]}", __name__)
    return {exercise.number: exercise for exercise in module.EXERCISES}


def _say(text: str) -> None:
    """Print `text`; a terminal that lacks some of its characters gets others for them."""
    try:
        print(text)
    except UnicodeEncodeError:
        print(text.translate(_PLAIN).encode("ascii", "namereplace").decode())


_PLAIN = str.maketrans({"✓": "+", "✗": "x", "–": "-", "−": "-", "·": "*", "…": "...", "★": "*"})


def _find(number: str) -> Exercise:
    if not isinstance(number, str):
        raise TypeError(f'number must be text such as "1.2", got a {type(number).__name__}')
    chapter = number.partition(".")[0]
    if chapter not in CHAPTERS:
        raise ValueError(f"there is no exercise {number!r}; chapters: {', '.join(CHAPTERS)}")
    known = load(chapter)
    if number not in known:
        raise ValueError(f"there is no exercise {number!r}; chapter {chapter}: {', '.join(known)}")
    return known[number]
