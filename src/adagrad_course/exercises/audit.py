"""Whether an exercise does what its author meant; used by the tests on every exercise there is."""

import inspect

from ._sandbox import quiet
from ._trials import trials_of
from .machinery import grade


def audit(exercise):
    """Return what is wrong with an exercise, as a list of sentences; empty if all is well.

    Demanded are: the reference passes; each known mistake fails, and brings its own hint and no
    other; `...`, and a function that returns it, count as not attempted; a function that always
    returns what is right for one input fails.

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
    faults = []
    report = grade(exercise, exercise.reference)
    if not report.passed:
        faults.append(f"the reference does not pass:\n{report}")
    if report.printed:
        faults.append("the reference prints")
    unfinished = ...
    if grade(exercise, ...).attempted:
        faults.append("`...` counts as an attempt")
    if inspect.isroutine(exercise.reference) and grade(exercise, lambda *_: unfinished).attempted:
        faults.append("a function that returns `...` counts as an attempt")
    for hint, mistake in exercise.mistakes.items():
        report = grade(exercise, _complete(mistake, exercise.reference))
        said = [result.hint for result in report.results if result.hint]
        if report.passed or said != [hint]:
            faults.append(f"the mistake {hint!r} must fail with this hint and no other:\n{report}")
    if exercise.cases and not exercise.run:
        with quiet():
            values = {trial.name: trial.expected().value for trial in trials_of(exercise)}
        for name, value in values.items():
            if grade(exercise, lambda *args, value=value: value).passed:
                faults.append(f"always returning what is right for {name!r} passes")
    return faults


def _complete(mistake, reference):
    """Fill the parts that a wrong tuple or dictionary leaves open."""
    if isinstance(reference, dict) and isinstance(mistake, dict):
        return {**reference, **mistake}
    if isinstance(reference, tuple) and isinstance(mistake, tuple):
        return tuple(r if m is ... else m for m, r in zip(mistake, reference, strict=True))
    return mistake
