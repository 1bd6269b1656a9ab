"""Reading, comparing and showing values."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adagrad_course.exercises._values import (
    Other,
    difference,
    leaves,
    mismatch,
    near_miss,
    plain,
    printable,
    remark,
    show,
)

NAN, INF = float("nan"), float("inf")
COMPLEX = Other("a complex number: is there a root of a negative number?")


class Tensor:
    """What a torch tensor with a gradient looks like from here."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on a tensor that requires grad")

    def detach(self):
        return np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3.0),
        (np.float32(0.5), 0.5),
        (np.int64(2), 2.0),
        (np.array(0.5), 0.5),
        (Fraction(1, 4), 0.25),
        (True, True),
        (np.bool_(False), False),
        (np.array(True), True),
        (2j, COMPLEX),
        (np.complex64(2j), COMPLEX),
        (np.ones(1, complex), (COMPLEX,)),
        ("text", "text"),
        (np.str_("text"), "text"),
        (None, None),
        (..., ...),
        ([1, (2, "a")], (1.0, (2.0, "a"))),
        ({"a": [1]}, {"a": (1.0,)}),
        (np.array([1, None], dtype=object), (1.0, None)),
        (np.array(["a", "b"]), ("a", "b")),
        (np.array([True, False]), (True, False)),
        (Decimal("0.5"), Other("a Decimal")),
        ({1}, Other("a set")),
        (range(2), Other("a range")),
        (len, Other("a function")),
        ([].append, Other("a function")),
        (Tensor().detach, Other("a function")),
        (lambda: 1, Other("a function")),
        (int, Other("the class int")),
        (iter([]), Other("a list_iterator")),
        (object(), Other("an object")),
    ],
)
def test_plain(value, expected):
    got = plain(value)
    assert got == expected
    assert type(got) is type(expected)


def test_plain_copies_arrays_so_that_later_changes_do_not_matter():
    array = np.arange(3.0)
    value = plain(array)
    array += 1
    np.testing.assert_array_equal(value, [0, 1, 2])


def test_plain_reads_arrays_and_tensors_as_float64():
    for value in (np.arange(1, 3), np.arange(1, 3, dtype=np.float32), Tensor()):
        got = plain(value)
        np.testing.assert_array_equal(got, [1.0, 2.0])
        assert got.dtype == np.float64


def test_leaves_are_what_has_no_parts():
    array = np.zeros(2)
    assert list(leaves(plain((1, {"a": (2, ...), "b": array.tolist()})))) == [1, 2, ..., 0, 0]
    assert list(leaves(0.5)) == [0.5]


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (1.0, 1),
        (0.0, -0.0),
        (NAN, NAN),
        (INF, INF),
        (np.array([1.0, 2.0]), [1, 2]),
        (np.array([1.0, 2.0]), (np.array(1.0), 2)),
        (np.eye(2), [[1, 0], [0, 1]]),
        (np.array([NAN, 1.0]), [NAN, 1]),
        (np.zeros(0), []),
        ((), np.zeros(0)),
        ((1.0, np.array([1.0, 2.0])), [1.0, [1, 2]]),
        ((1.0, 2.0), np.array([1.0, 2.0])),
        ({"a": 1.0}, {"a": 1, "b": 2}),
        (True, np.bool_(True)),
        (Other("a set"), {1}),
        ("Adam", " adam\n"),
        ("nearly η", "Nearly eta"),
        ("2–5", "2-5"),
    ],
)
def test_no_difference(expected, got):
    assert difference(expected, plain(got)) is None


def test_of_an_array_and_another_only_the_shapes_need_match():
    assert mismatch(np.zeros(2), np.array([NAN, INF])) is None
    assert mismatch(np.zeros(2), np.array([NAN])).startswith("expected an array")


@pytest.mark.parametrize(
    ("expected", "got", "text"),
    [
        (1.5, 2, "expected 1.5, got 2"),
        (1.0, NAN, "expected 1, got nan"),
        (1.0, -INF, "expected 1, got -inf"),
        (1 / 3, 0.33333, "expected 0.33333333, got 0.33333"),
        (1.0, 1 + 2**-52, "expected 1, got 1.0000000000000002"),
        (1.0, True, "expected a number, got the truth value True"),
        (
            1.0,
            1 + 0j,
            "expected a number, got a complex number: is there a root of a negative number?",
        ),
        (1.0, "1", "expected a number, got the text '1'"),
        (1.0, None, "expected a number, got None"),
        (1.0, [1.0], "expected a number, got a list of 1 value"),
        (1.0, np.ones(1), "expected a number, got an array of shape (1,)"),
        (1.0, {"a": 1}, "expected a number, got a dictionary with the keys 'a'"),
        (1.0, {}, "expected a number, got a dictionary with the keys (none)"),
        (1.0, len, "expected a number, got a function"),
        (True, 1, "expected True or False, got the number 1"),
        (True, False, "expected True, got False"),
        ("a", "b", "expected 'a', got 'b'"),
        ("a", 1, "expected a text, got the number 1"),
        (np.zeros(2), 0, "expected an array of shape (2,), got the number 0"),
        (np.zeros(2), np.zeros(3), "expected an array of shape (2,), got an array of shape (3,)"),
        (
            np.zeros(2),
            [[0], 0],
            "expected an array of shape (2,), got 2 values, among them a list of 1 value",
        ),
        (
            np.zeros(2),
            [True, False],
            "expected an array of shape (2,), got 2 values, among them the truth value True",
        ),
        (
            np.zeros(2),
            np.zeros(2, bool),
            "expected an array of shape (2,), got 2 values, among them the truth value False",
        ),
        (
            np.zeros(2),
            np.zeros(2, complex),
            "expected an array of shape (2,), got 2 values, among them a complex number: is there "
            "a root of a negative number?",
        ),
        (np.array([1.0, 2.0]), [1, 3], "expected [1, 2], got [1, 3]"),
        (np.eye(2), np.ones((2, 2)), "expected [[1, 0], [0, 1]], got [[1, 1], [1, 1]]"),
        (np.arange(12.0).reshape(3, 4), np.zeros((3, 4)), "entry [0, 1]: expected 1, got 0"),
        ((1.0, 2.0), 1.0, "expected 2 values, got the number 1"),
        ((1.0, 2.0), (1.0, 2.0, 3.0), "expected 2 values, got 3 values"),
        ((1.0, 2.0), (1.0, 3.0), "value 2: expected 2, got 3"),
        ({"a": 1.0}, 1.0, "expected a dictionary with the keys 'a', got the number 1"),
        ({"a": 1.0}, {"b": 1.0}, "'a' is missing, got a dictionary with the keys 'b'"),
        ({"a": (1.0, 2.0)}, {"a": (1, 1)}, "'a': value 2: expected 2, got 1"),
    ],
)
def test_difference(expected, got, text):
    assert difference(expected, plain(got)) == text


@pytest.mark.parametrize("expected", [0.4, np.array([0.4, 0.4]), (0.4, 0.4), {"a": 0.4}, "0.4"])
@pytest.mark.parametrize("got", [0.5, "0.5", None, True, 0.4j, [0.5, 0.5], {"a": 0.5}, INF, NAN])
def test_difference_keeps_the_right_value_to_itself(expected, got):
    assert "0.4" not in difference(expected, plain(got), reveal=False)


def test_tolerance():
    assert difference(100.0, 100.05, rtol=1e-3) is None
    assert difference(100.0, 100.2, rtol=1e-3) is not None
    assert difference(0.0, 1e-13, rtol=1e-3, atol=1e-12) is None


@pytest.mark.parametrize(
    ("expected", "got"),
    [(0.12345, 0.123), (2 / 3, 0.667), (1234.0, 1230), (np.array([1.004, 0.0]), [1, 0])],
)
def test_numbers_may_be_rounded_to_three_digits(expected, got):
    assert difference(expected, plain(got), digits=3) is None
    assert difference(expected, plain(got), digits=4) is not None


@pytest.mark.parametrize(("expected", "got"), [(1659.0, 1658), (1e6, 1e6 + 1), (1996.0, 1990)])
def test_a_whole_number_with_all_its_digits_must_be_the_right_one(expected, got):
    assert difference(expected, plain(got), rtol=1e-2, digits=3) is not None
    assert difference(expected, plain(got), rtol=1e-2) is None


@pytest.mark.parametrize(
    ("expected", "got", "is_close"),
    [
        (0.0937, 0.094, True),
        (0.0937, 0.0931, False),
        (0.0937, 0.09, False),
        (0.0937, -0.0937, False),
        (8.0, 7.97, False),
        (1.8708, 1.9, True),  # farther away than 0.01, but the right one rounded
        (1.826e-4, 1.8e-4, True),
        (1.8708, 1.8, False),
        (1.8708, 2, False),
        (400.0, 401, False),  # all digits are there
        (0.0, 1e-9, False),
        (INF, 1.0, False),
        (NAN, 1.0, False),
    ],
)
def test_a_rounded_number_is_asked_for_more_digits(expected, got, is_close):
    text = near_miss(expected, float(got)) or ""
    assert text.endswith("is close, but not exact enough: more digits, please") == is_close
    assert "0.0937" not in text


@pytest.mark.parametrize(
    ("expected", "got", "text"),
    [
        (0.0937, 0.0931, "0.0931 is close, but not right"),
        (1.18853, 1.18, "1.18 is close, but not right"),  # cut off
        (6.767, 6.8346398, "6.8346398 is close, but not right"),
        (1659.0, 1658.5, "1658.5 is close, but not right: is it a whole number?"),
        (1659.0, 1700.0, None),
        (0.0937, 0.2, None),
        (0.0937, "0.094", None),
        ("0.094", 0.094, None),
    ],
)
def test_what_is_close_but_not_rounded_is_told_so(expected, got, text):
    assert near_miss(expected, got) == text


def test_an_integer_larger_than_a_float_holds_is_told_apart_from_an_error():
    text = difference(np.ones(2), plain([1, 10**400]))
    assert text.endswith("got 2 values, among them a number larger than a float holds")


def test_mismatch_does_not_look_at_the_parts():
    assert mismatch((1.0, 2.0), ("a", None)) is None
    assert mismatch((1.0, 2.0), np.zeros(2)) is None
    assert mismatch({"a": 1.0}, {"a": None}) is None


@pytest.mark.parametrize(
    ("value", "start"),
    [
        (1.0, None),
        ("nan", None),
        (Other("a set"), None),
        (True, None),
        (NAN, "nan is"),
        (np.array([INF, NAN]), "nan is"),
        ((1.0, {"a": -INF}), "inf:"),
    ],
)
def test_remark(value, start):
    assert (remark(value) or "").startswith(start or "")
    assert (remark(value) is None) == (start is None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e6, "1000000"),
        (123456.7, "1.235e+05"),
        (1e300, "1e+300"),
        (-0.0, "0"),
        (1e15 - 1, "999999999999999"),
        (-1e15, "-1e+15"),
        (np.arange(8.0), "[0, 1, 2, 3, 4, 5, 6, 7]"),
        (np.arange(9.0), "[0, 1, 2, …, 8]"),
        (np.zeros((2, 4)), "[[0, 0, 0, 0], [0, 0, 0, 0]]"),
        (np.zeros((3, 3)), "an array of shape (3, 3)"),
        (np.zeros(0), "[]"),
        ((1.0, "a", None, ...), "(1, 'a', None, ...)"),
        ({"a": 1 / 3}, "{'a': 0.3333}"),
        ("x" * 60, "'" + "x" * 60 + "'"),
        ("x" * 61, "'" + "x" * 59 + "…'"),
    ],
)
def test_show(value, text):
    assert show(value) == text


def test_printable():
    assert printable("a\n\tb \x1b[0m \ud800 c") == "a b [0m c"
    assert printable("x" * 160) == "x" * 160
    assert printable("x" * 161) == "x" * 159 + "…"


numbers = st.floats() | st.integers() | st.complex_numbers() | st.fractions() | st.booleans()
atoms = numbers | st.text() | st.none() | st.just(...) | st.binary() | st.sets(st.integers())
values = st.recursive(
    atoms,
    lambda items: (
        st.lists(items, max_size=3)
        | st.tuples(items, items)
        | st.dictionaries(st.text(max_size=3), items, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=50)
@given(values, values, st.booleans())
def test_any_two_values_can_be_compared_and_shown(one, other, reveal):
    with np.errstate(all="ignore"):
        text = difference(plain(one), plain(other), reveal=reveal)
    assert text is None or text.isprintable()
    assert show(plain(one)).isprintable()


@settings(max_examples=50)
@given(st.floats(), st.integers(0, 60), st.floats(0.9, 1.1))
def test_what_was_expected_never_looks_like_what_came(number, power, factor):
    for other in (number * (1 + 2.0**-power), number * factor):
        with np.errstate(all="ignore"):
            text = difference(plain(number), plain(other))
        if text:
            expected, got = text.removeprefix("expected ").split(", got ")
            assert expected != got


@settings(max_examples=50)
@given(values)
def test_every_value_equals_itself(value):
    with np.errstate(all="ignore"):
        assert difference(plain(value), plain(value)) is None
