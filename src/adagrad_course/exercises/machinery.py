"""How an exercise is written, and how an answer to it is graded.

An `Exercise` is data: what to try, the reference solution, the mistakes we know and what to say
about each. `grade` puts an answer through it and writes a `Report`.
"""

import inspect
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, asdict, dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from ._sandbox import ends_in_time, quiet
from ._trials import Outcome, Property, Raised, Trial, Wrong, demand_kind
from ._values import difference, leaves

__all__ = ["TIME_LIMIT", "Exercise", "Report", "Result", "Wrong", "grade"]

TIME_LIMIT = 5.0  # seconds for one check, all its trials together
DRAWS = 10  # how often a case given as a generator function is drawn
SEED = 2011  # of the generator that draws
CLOSING = "the closing question"


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise: what is asked, which wrong answers are known, and what helps.

    There are three kinds. With `cases`, the answer is a function that is called with each case's
    arguments and must return what the reference returns. Without, the answer is a value that must
    equal the reference; a dictionary is checked part by part, and the right value is never shown,
    except among the texts to choose from, which are those of the reference and of the mistakes.
    With `properties` alone, any answer that has them is right; the reference is then one right
    answer, and an answer must be of its kind.

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
        Under the hint it deserves, a wrong answer of the reference's kind. A wrong dictionary may
        have the wrong parts only.
    hints : tuple of str
        From a nudge to nearly the solution.
    rtol : float, optional
        Relative tolerance for numbers: by default 1e-5 for what functions return, and for values,
        which people round, 1e-3 or three digits.
    run : callable, optional
        `run(answer, *args)` is compared in place of `answer(*args)`, say because the answer is a
        class, or a function that is best judged by what another makes of it.
    factory : bool, optional
        Whether any callable that makes such objects will do where the reference is a class.
    closing : Exercise, optional
        What the exercise asks at its end, after the function: an exercise of the same number
        whose answer is a value. Its answer is given to `check` after the first one.

    Raises
    ------
    ValueError
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
    reference: Any
    cases: Mapping[str, tuple | Callable] = field(default_factory=dict)
    properties: Mapping[str, Callable] = field(default_factory=dict)
    mistakes: Mapping[str, object] = field(default_factory=dict)
    hints: tuple[str, ...]
    rtol: float | None = None
    run: Callable | None = None
    factory: bool = False
    closing: "Exercise | None" = None

    def __post_init__(self) -> None:
        demands = {
            'number must look like "1.2"': re.fullmatch(r"(0|[1-9]\d*)\.[1-9]\d*", self.number),
            "hints must be a tuple of at least one": isinstance(self.hints, tuple) and self.hints,
            "cases need a reference that can be called": not (self.is_value and self.cases),
            "a function needs cases or properties": self.is_value or self.cases or self.properties,
            "a closing question needs the same number and a value": self.closing is None
            or (self.closing.number == self.number and self.closing.is_value),
        }
        for demand, is_met in demands.items():
            if not is_met:
                raise ValueError(f"exercise {self.number}: {demand}")

    @property
    def is_value(self) -> bool:
        """Whether the answer is a value rather than a function or a class."""
        return not callable(self.reference)

    @cached_property
    def difference(self) -> Callable[[Any, Any], str | None]:
        """How a value differs from what was expected, in words, as exactly as is asked here."""
        how: dict[str, Any] = {"rtol": 1e-3, "digits": 3} if self.is_value else {"rtol": 1e-5}
        if self.rtol is not None:
            how = {"rtol": self.rtol}
        return partial(difference, atol=1e-12, reveal=not self.is_value, **how)

    @cached_property
    def takes_inf(self) -> bool:
        """Whether inf is a right answer, which may be meant where it is a wrong one."""
        expected = [part for trial in self.trials for part in leaves(trial.expected)]
        return any(isinstance(part, float) and np.isinf(part) for part in expected)

    @cached_property
    def trials(self) -> list[Trial]:
        """All that is tried, in the order of the report."""
        trials, rng = [], np.random.default_rng(SEED)
        call = partial(self.run, self.reference) if self.run else self.reference
        for name, case in self.cases.items():
            names = inspect.signature(call).parameters
            for args in [case] if isinstance(case, tuple) else [case(rng) for _ in range(DRAWS)]:
                given = dict(zip(names, args, strict=False))
                trials.append(Trial(name, self, self.run or operator.call, given))
        trials += [Property(name, self, test) for name, test in self.properties.items()]
        if trials:
            return trials
        if isinstance(self.reference, dict):
            return [Trial(key, self, operator.itemgetter(key)) for key in self.reference]
        return [Trial("your answer", self, lambda answer: answer)]


@dataclass(frozen=True)
class Result:
    """One line of a report: passed, or what was wrong, for which arguments, and perhaps why."""

    name: str
    problem: str | None = None
    arguments: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
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
    def attempted(self) -> bool:
        """Whether there was an answer to grade."""
        return bool(self.results)

    @property
    def right(self) -> int:
        """How many checks passed."""
        return sum(result.problem is None for result in self.results)

    @property
    def total(self) -> int:
        """How many checks there are; 0 if there was no answer to grade."""
        return len(self.results) + len(self.not_tried)

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.attempted and self.right == self.total

    def as_json(self) -> dict[str, Any]:
        """Return what a program may want to know, as dictionaries, lists and texts.

        `verdict` is "passed", "not passed" or "not attempted".
        """
        verdict = "passed" if self.passed else "not passed"
        return {
            "version": 1,
            "exercise": self.number,
            "verdict": verdict if self.attempted else "not attempted",
            "passed": self.right,
            "total": self.total,
            "checks": [{"passed": r.problem is None} | asdict(r) for r in self.results],
            "not_tried": list(self.not_tried),
        }

    def __str__(self) -> str:
        if not self.attempted:
            return f"{self.number}: not attempted yet"
        lines = [str(result) for result in self.results]
        if self.not_tried:
            lines.append(f"– not tried: {', '.join(self.not_tried)}")
        if self.printed:
            lines.append("(Your code printed something; a check shows only its own report.)")
        if self.passed:
            verdict = f"all {self.total} checks passed." if self.total > 1 else "passed."
        else:
            counts = f"{self.right} of {self.total} checks passed."
            verdict = counts if self.total > 1 else "not passed yet."
            verdict += f' For a hint: hint("{self.number}")'
        return "\n".join([*lines, f"{self.number}: {verdict}"])


def grade(exercise: Exercise, answer: object, closing: object = ...) -> Report:
    """Grade an answer, whatever it is and whatever it does.

    Parameters
    ----------
    exercise : Exercise
        The exercise.
    answer : object
        The student's answer. It is called with copies of the arguments, and stopped after
        `TIME_LIMIT` seconds (where `ends_in_time` can).
    closing : object
        The student's answer to the exercise's closing question; `...` is none. Where the exercise
        has no such question it is not looked at.

    Returns
    -------
    Report
        What to tell the student.
    """
    with quiet():
        report = _grade(exercise, answer)
        if exercise.closing is None or not report.attempted:
            return report
        question = _grade(exercise.closing, closing)
    return replace(
        report,
        results=report.results + question.results,
        not_tried=report.not_tried + (question.not_tried if question.attempted else (CLOSING,)),
    )


def _grade(exercise: Exercise, answer: object) -> Report:
    if answer is ...:
        return Report(exercise.number)
    for trial in exercise.trials:  # before the answer can change anything
        if isinstance(trial.expected, Raised):
            raise RuntimeError(f"{exercise.number}: the reference {trial.expected.text}")
    kind = Property("your answer", exercise, partial(demand_kind, exercise))
    tried: list[Outcome] = []

    def attempt() -> None:
        for trial in exercise.trials:
            tried.append(trial.observe(answer))

    with quiet() as sink:
        fit = kind.observe(answer)
        if fit.problem:
            return Report(exercise.number, (Result(kind.name, fit.problem, hint=fit.hint),))
        ends_in_time(attempt, TIME_LIMIT)
    if tried and all(got.unfinished for got in tried):
        return Report(exercise.number)
    results = _results(exercise, tried)
    if left := exercise.trials[len(tried) :]:
        problem = f"did not finish within {TIME_LIMIT:g} s: is a loop very long, or endless?"
        results[left[0].name] = Result(left[0].name, problem, left[0].arguments)
    not_tried = dict.fromkeys(trial.name for trial in left if trial.name not in results)
    return Report(exercise.number, tuple(results.values()), tuple(not_tried), sink.used)


def _results(exercise: Exercise, tried: list[Outcome]) -> dict[str, Result]:
    """Return, by name, a result for the first of its trials that went wrong, or that all passed."""
    named: dict[str, list[Outcome]] = {}
    for got in tried:
        named.setdefault(got.trial.name, []).append(got)
    hints = _hints(exercise, named)
    results: dict[str, Result] = {}
    said: set[str | None] = set()
    for name, outcomes in named.items():
        wrong = next((got for got in outcomes if got.problem), None)
        if not wrong:
            results[name] = Result(name)
            continue
        hint = (wrong.fault and hints.get(name)) or wrong.hint
        hint = None if hint in said else hint  # once is enough
        if not hint and wrong.problem in said:
            results[name] = Result(name, "the same")
        else:
            results[name] = Result(name, wrong.problem, wrong.trial.arguments, hint)
        said |= {wrong.problem, hint}
    return results


def _hints(exercise: Exercise, named: dict[str, list[Outcome]]) -> dict[str, str]:
    """Return, by name, the hint of the known mistake that does the same in all trials of the name.

    Where several do, the one that explains most is meant; beside it, one that would have gone wrong
    where a function did well agrees by chance. If answers are True or False, different mistakes
    agree every other time: then a mistake must explain everything.
    """
    failed = {name for name in named if any(got.problem for got in named[name])}
    if not failed:
        return {}
    explained = {
        hint: {name for name in named if all(got.explained_by(hint) for got in named[name])}
        for hint in exercise.mistakes
    }
    likely = sorted(explained, key=lambda hint: len(explained[hint]), reverse=True)
    likely = [hint for hint in likely if explained[hint] & failed]
    if not exercise.is_value:
        if isinstance(exercise.trials[0].expected, bool):
            likely = [hint for hint in likely if explained[hint] == named.keys()]
        passed = named.keys() - failed
        likely = [hint for hint in likely if hint == likely[0] or explained[hint] >= passed]
    return {name: hint for hint in reversed(likely) for name in explained[hint]}
