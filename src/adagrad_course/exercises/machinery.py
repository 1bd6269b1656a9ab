"""How an exercise is written, and how an answer to it is graded.

An `Exercise` is data: what to try, the reference solution, the mistakes we know and what to say
about each. `grade` puts an answer through it, and no answer can bring it down.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace

from ._sandbox import quiet, run_limited
from ._trials import Fit, Wrong, trials_of

__all__ = ["TIME_LIMIT", "Exercise", "Report", "Result", "Wrong", "grade", "uphill"]

TIME_LIMIT = 5.0  # seconds for one check, all its trials together


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise: what is asked, which wrong answers are known, and what helps.

    There are three kinds. With `cases`, the answer is a function that is called with each case's
    arguments and must return what the reference returns. Without, the answer is a value that must
    equal the reference; a tuple or dictionary is checked part by part, and the right value is
    never shown. With `properties` alone, any answer that has them is right; the reference is then
    one right answer, and an answer must be of its kind.

    Parameters
    ----------
    number : str
        The chapter's and the exercise's number, as in `"1.2"`.
    reference : object
        The right answer, or a right answer.
    cases : mapping of str to tuple or callable, optional
        Under a name for the reader, a tuple of arguments, or a function of a seeded
        `numpy.random.Generator` that returns one and is drawn ten times.
    properties : mapping of str to callable, optional
        Under a name for the reader, a function of the answer that raises `Wrong` if the answer
        lacks the property. Values arrive as floats, arrays, tuples and dictionaries.
    mistakes : mapping of str to object, optional
        Under the hint it deserves, a wrong answer of the reference's kind. In a wrong dictionary
        parts may be left out, in a wrong tuple they may be `...`.
    hints : tuple of str
        From a nudge to nearly the solution.
    rtol, atol : float, optional
        Tolerance for numbers. By default `rtol` is 1e-5 for what functions return and 1e-3 for
        values, which people round; `atol` is 1e-12.
    run : callable, optional
        `run(answer, *args)` is compared in place of `answer(*args)`, say because the answer is a
        class, or a function that is best judged by what another makes of it.

    Raises
    ------
    TypeError, ValueError
        If the parts do not fit together.

    Examples
    --------
    >>> halve = Exercise(
    ...     "1.1",
    ...     reference=lambda x: x / 2,
    ...     cases={"a number": (3.0,), "random numbers": lambda rng: (rng.normal(),)},
    ...     mistakes={"You doubled it.": lambda x: 2 * x},
    ...     hints=("Half of 4 is 2.",),
    ... )
    >>> print(grade(halve, lambda x: x + x))
    ✗ a number: expected 1.5, got 6
        for x=3
        You doubled it.
    ✗ random numbers: expected -0.4916, got -1.966
        for x=-0.9832
    1.1: 0 of 2 checks passed. For a hint: hint("1.1")
    """

    number: str
    _: KW_ONLY
    reference: object
    cases: Mapping[str, tuple | Callable] = field(default_factory=dict)
    properties: Mapping[str, Callable] = field(default_factory=dict)
    mistakes: Mapping[str, object] = field(default_factory=dict)
    hints: tuple[str, ...]
    rtol: float | None = None
    atol: float = 1e-12
    run: Callable | None = None

    def __post_init__(self):
        if not re.fullmatch(r"[1-9][0-9]*\.[1-9][0-9]*", self.number):
            raise ValueError(f'number must look like "1.2", got {self.number!r}')
        if not isinstance(self.hints, tuple) or not self.hints:
            raise TypeError(f"{self.number}: hints must be a tuple of at least one text")
        if self.is_value and self.cases:
            raise TypeError(f"{self.number}: cases need a reference that can be called")
        if not self.is_value and not (self.cases or self.properties):
            raise ValueError(f"{self.number}: a function needs cases or properties")
        for name, case in self.cases.items():
            if not isinstance(case, tuple) and not callable(case):
                raise TypeError(f"{self.number}: case {name!r} must be a tuple or a function")
            if isinstance(case, tuple) and len(case) > len(self.parameters):
                raise ValueError(f"{self.number}: case {name!r} has too many arguments")

    @property
    def is_value(self):
        """Whether the answer is a value rather than a function or a class."""
        return not callable(self.reference)

    @property
    def tolerance(self):
        """The relative tolerance, given or by default."""
        return self.rtol if self.rtol is not None else 1e-3 if self.is_value else 1e-5

    @property
    def parameters(self):
        """The names of the arguments in `cases`."""
        names = tuple(inspect.signature(self.run or self.reference).parameters)
        return names[1:] if self.run else names

    def call(self, answer, *args):
        """Return what is compared: what `answer` returns, or what `run` makes of it."""
        return self.run(answer, *args) if self.run else answer(*args)


@dataclass(frozen=True)
class Result:
    """One line of a report: passed, or what was wrong, for which arguments, and perhaps why."""

    name: str
    problem: str | None = None
    arguments: str | None = None
    hint: str | None = None

    def __str__(self):
        if self.problem is None:
            return f"✓ {self.name}"
        lines = [f"✗ {self.name}: {self.problem}"]
        if self.arguments:
            lines.append(f"    for {self.arguments}")
        if self.hint:
            lines.append(f"    {self.hint}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """What a check found; its `str` is what the reader sees."""

    number: str
    results: tuple[Result, ...] = ()
    not_tried: tuple[str, ...] = ()
    printed: bool = False

    @property
    def attempted(self):
        """Whether there was an answer to grade."""
        return bool(self.results)

    @property
    def passed(self):
        """Whether the answer is right."""
        return self.attempted and all(result.problem is None for result in self.results)

    @property
    def right(self):
        """How many checks passed."""
        return sum(result.problem is None for result in self.results)

    @property
    def total(self):
        """How many checks there are; 0 if there was no answer to grade."""
        return len(self.results) + len(self.not_tried)

    def as_json(self):
        """Return what a program may want to know, as dictionaries, lists and texts.

        `verdict` is "passed", "not passed" or "not attempted".
        """
        verdict = "not attempted"
        if self.attempted:
            verdict = "passed" if self.passed else "not passed"
        return {
            "version": 1,
            "exercise": self.number,
            "verdict": verdict,
            "passed": self.right,
            "total": self.total,
            "checks": [
                {"name": r.name, "passed": r.problem is None, "problem": r.problem, "hint": r.hint}
                for r in self.results
            ],
            "not_tried": list(self.not_tried),
        }

    def __str__(self):
        if not self.attempted:
            return f"{self.number}: not attempted yet"
        lines = [str(result) for result in self.results]
        if self.not_tried:
            lines.append(f"– not tried: {', '.join(self.not_tried)}")
        if self.printed:
            lines.append("(Your code printed something; a check shows only its own report.)")
        several = self.total > 1
        if self.passed:
            verdict = f"all {self.total} checks passed." if several else "passed."
        else:
            counts = f"{self.right} of {self.total} checks passed."
            verdict = counts if several else "not passed yet."
            verdict += f' For a hint: hint("{self.number}")'
        return "\n".join([*lines, f"{self.number}: {verdict}"])


def grade(exercise, answer):
    """Grade an answer, whatever it is and whatever it does.

    Parameters
    ----------
    exercise : Exercise
        The exercise.
    answer : object
        The student's answer. It is called with copies of the arguments, in a thread that is
        stopped after `TIME_LIMIT` seconds.

    Returns
    -------
    Report
        What to tell the student.
    """
    fits, outcomes = [], []
    with quiet():
        trials = trials_of(exercise)
        expected = [trial.expected() for trial in trials]
    args = trials[0].args if exercise.cases and not exercise.run else None

    def attempt():
        fits.append(Fit("your answer", exercise, args).observe(answer, catch=BaseException))
        for trial in trials if fits[0].value is True else ():
            outcomes.append(trial.observe(answer, catch=BaseException))

    with quiet() as sink:
        ending = run_limited(attempt, TIME_LIMIT)
    outcomes = outcomes[:]  # what a thread adds that could not be stopped is too late
    fit = fits[0] if fits else None
    report = Report(exercise.number, printed=sink.used)
    if fit and fit.error:
        return replace(report, results=(Result("your answer", fit.error, hint=fit.hint),))
    if fit and (fit.unfinished or (outcomes and all(o.unfinished for o in outcomes))):
        return report
    with quiet():
        tried = list(zip(trials, expected, outcomes, strict=False))
        results = _results(exercise, tried)
    if len(tried) < len(trials):
        late = trials[len(tried)]
        results[late.name] = Result(late.name, _too_late(ending), late.arguments())
    not_tried = dict.fromkeys(trial.name for trial in trials if trial.name not in results)
    return replace(report, results=tuple(results.values()), not_tried=tuple(not_tried))


def _results(exercise, tried):
    """Return, by name, a result for the first of its trials that went wrong, or that all passed."""
    results = {}
    problems = [trial.problem(expected, got) for trial, expected, got in tried]
    hints = _hints(exercise, tried) if any(problems) else [None] * len(tried)
    for (trial, _, _), problem, hint in zip(tried, problems, hints, strict=True):
        if trial.name in results and (results[trial.name].problem or not problem):
            continue
        result = Result(trial.name)
        if problem:
            said = any(earlier.hint == hint for earlier in results.values())
            hint = None if said else hint
            result = Result(trial.name, problem, trial.arguments(), hint)
            if not hint and any(earlier.problem == problem for earlier in results.values()):
                result = Result(trial.name, "the same")
        results[trial.name] = result
    return results


def _hints(exercise, tried):
    """Return for each trial the hint of the mistake that was made there, if it is a known one.

    Where several mistakes give what the answer gave, the one that explains most trials is meant.
    """
    known = [
        (hint, [trial.observe(mistake) for trial, _, _ in tried])
        for hint, mistake in exercise.mistakes.items()
    ]
    agree = [
        [trial.agree(outcome, got) for (trial, _, got), outcome in zip(tried, made, strict=True)]
        for _, made in known
    ]
    order = sorted(range(len(known)), key=lambda k: -sum(agree[k]))
    hints = []
    for i, (trial, expected, got) in enumerate(tried):
        hint = got.hint
        alike = _same_evidence(tried, i)
        for k in order:
            text, made = known[k][0], known[k][1][i]
            mutates = made.changed and made.changed == got.changed
            if all(agree[k][j] for j in alike) and (mutates or not trial.agree(made, expected)):
                hint = text
                break
        hints.append(hint)
    return hints


def uphill(step):
    """Return what a reader writes who adds where `step` subtracts: a mistake in many exercises."""

    def up(w, *others):
        moved, *kept = step(w, *others)
        return 2 * w - moved, *kept

    return up


def _same_evidence(tried, i):
    """Return which trials a mistake must explain to explain trial i.

    These are all draws of its case; and all trials if the answer is True or False, which two
    different mistakes give alike every other time.
    """
    trial, expected, _ = tried[i]
    yes_or_no = not trial.exercise.is_value and isinstance(expected.value, bool)
    return [j for j, (other, _, _) in enumerate(tried) if yes_or_no or other.name == trial.name]


def _too_late(ending):
    text = f"did not finish within {TIME_LIMIT:g} s: is there a loop that never ends?"
    if ending == "runs on":
        text += " It could not be stopped and runs on: restart the kernel."
    return text
