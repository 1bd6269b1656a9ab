"""The audit finds what an author did wrong."""

import numpy as np
import pytest
from audit import audit

from adagrad_course.exercises.machinery import Exercise, Wrong


def reject(answer):
    raise Wrong("expected nothing", "Never.")


def double(x):
    return 2 * x


DOUBLE = {"reference": double, "cases": {"one": (1.0,), "two": (2.0,)}}


@pytest.mark.parametrize(
    "parts",
    [
        DOUBLE,
        DOUBLE | {"mistakes": {"Square.": lambda x: x * x + 1, "Add.": lambda x: x + 3}},
        {
            "reference": {"a": 1.0, "b": np.ones(2)},
            "mistakes": {"A.": {"a": 2.0}, "B.": {"b": np.zeros(2)}},
        },
        {"reference": {"a": True}},
    ],
)
def test_a_sound_exercise_has_no_faults(parts):
    assert audit(Exercise("1.1", **parts, hints=("One.",))) == []


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"reference": 1.0, "properties": {"never": reject}}, "the reference does not pass"),
        ({"reference": float, "properties": {"never": reject}}, "the reference does not pass"),
        (
            DOUBLE | {"reference": lambda x: print(x) or 2 * x},
            "the reference prints",
        ),
        (DOUBLE | {"mistakes": {"Right.": lambda x: x + x}}, "the mistake 'Right.' must fail"),
        ({"reference": 1.0, "mistakes": {"Close.": 1.0001}}, "the mistake 'Close.' must fail"),
        (
            DOUBLE | {"mistakes": {"One.": lambda x: x, "Same.": lambda x: 1 * x}},
            "the mistake 'Same.' must fail",
        ),
        (
            {"reference": double, "cases": {"one": (1.0,)}},
            "always returning what is right for 'one' passes",
        ),
        (
            {"reference": 1.0, "properties": {"any": lambda x: None}, "mistakes": {"Two.": 2.0}},
            "the mistake 'Two.' must fail",
        ),
        (
            {"reference": double, "properties": {"any": lambda f: None}},
            "a starter of `...` counts as an attempt",
        ),
    ],
)
def test_a_fault_is_found(parts, fault):
    faults = audit(Exercise("1.1", **parts, hints=("One.",)))
    assert any(fault in text for text in faults), faults
