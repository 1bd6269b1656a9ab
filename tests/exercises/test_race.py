"""The race of exercise 4.7: what a reader is measured by is what tuned SGD does there."""

import pytest

from adagrad_course.exercises.sparse_data import (
    SGD_ERRORS,
    UNSEEN,
    errors_on,
    own_adagrad,
    own_sgd,
    race,
)


@pytest.mark.parametrize("lr", [8.0, 16.0, 32.0])
def test_sgd_makes_the_errors_it_is_said_to_make(lr):
    errors = errors_on(UNSEEN, own_sgd(lr))
    if lr == 16.0:
        assert errors == pytest.approx(SGD_ERRORS, abs=3)
    else:
        assert errors > SGD_ERRORS


def test_a_race_is_the_same_each_time_and_another_for_each_seed():
    errors = [race(own_adagrad(), seed, steps=50) for seed in (0, 0, 1)]
    assert errors[0] == errors[1] != errors[2]
    assert race(own_adagrad(), 0) < errors[0]
