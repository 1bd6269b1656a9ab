"""Whether an exercise does what its author meant; the tests ask this of every exercise."""

import inspect

from adagrad_course.exercises._sandbox import quiet
from adagrad_course.exercises.machinery import grade


def right_closing(exercise):
    """Return the right answer to an exercise's closing question, `...` where it has none."""
    return exercise.closing.reference if exercise.closing else ...


def audit(exercise):
    """Return what is wrong with an exercise, as a list of sentences; empty if all is well.

    Demanded are: the reference passes; each known mistake fails, and brings its own hint and no
    other; a starter, whose parts are or whose function returns `...`, counts as not attempted; a
    function that always returns what is right for one input fails.

    Parameters
    ----------
    exercise : Exercise
        The exercise.

    Returns
    -------
    list of str
        The faults.

    Examples
    --------
    >>> from adagrad_course.exercises.machinery import Exercise
    >>> audit(Exercise("1.1", reference=1 / 3, mistakes={"Turn it over.": 3.0}, hints=("1/3",)))
    []
    """
    faults = audit(exercise.closing) if exercise.closing else []
    right = right_closing(exercise)
    report = grade(exercise, exercise.reference, right)
    if not report.passed:
        faults.append(f"the reference does not pass:\n{report}")
    if report.printed:
        faults.append("the reference prints")
    if isinstance(exercise.reference, dict) or inspect.isroutine(exercise.reference):
        parts = exercise.reference if exercise.is_value else ()
        if grade(exercise, dict.fromkeys(parts, ...) or (lambda *_: ...), right).attempted:
            faults.append("a starter of `...` counts as an attempt")
    for hint, mistake in exercise.mistakes.items():
        if isinstance(mistake, dict):
            mistake = exercise.reference | mistake
        report = grade(exercise, mistake, right)
        said = [result.hint for result in report.results if result.hint]
        if report.passed or said != [hint]:
            faults.append(f"the mistake {hint!r} must fail with this hint and no other:\n{report}")
    if exercise.cases and not exercise.run:
        with quiet():
            values = {trial.name: trial.expected for trial in exercise.trials}
        for name, value in values.items():
            if grade(exercise, lambda *args, value=value: value, right).passed:
                faults.append(f"always returning what is right for {name!r} passes")
    return faults
