"""Tables say what belongs to what, in HTML and in text, and refuse what makes no table."""

import re

import numpy as np
import pytest

from adagrad_course.tables import plus_minus, table


def html(*arguments, **options):
    return table(*arguments, **options)._repr_html_()


def cells(*arguments, **options):
    """Return the texts of the table's HTML, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", html(*arguments, **options), re.S)
    return [[re.sub("<.*?>", "", c) for c in re.findall(r"<t[hd].*?</t[hd]>", r)] for r in rows]


def test_every_cell_of_data_has_a_head_for_its_row_and_its_column():
    page = html({"word": ["rare", "frequent"], "η": [0.1, 0.2]})
    assert page.count('scope="col"') == page.count('scope="row"') == 2
    assert '<th scope="row">rare</th>\n<td class="number">0.1</td>' in page


def test_the_empty_corner_of_a_table_is_no_head():
    page = html({"": ["SGD"], "steps": [3]})
    assert page.startswith('<table class="results"><thead><tr>\n<td></td>\n<th scope="col"')


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        (1234567, "1,234,567", "1,234,567"),
        (np.int64(-3), "-3", "−3"),
        (1e-05, "1e-05", "1 · 10<sup>−5</sup>"),
        (2e20, "2e+20", "2 · 10<sup>20</sup>"),
        (np.float32(0.12345), "0.123", "0.123"),
        (np.inf, "inf", "inf"),
        (-np.inf, "-inf", "−inf"),
        (-0.0, "0", "0"),
        (True, "yes", "yes"),
        (np.False_, "no", "no"),
        ("a < b & c", "a < b & c", "a &lt; b &amp; c"),
        (None, "None", "None"),
    ],
)
def test_a_value_is_written(value, text, shown):
    made = table({"row": ["x"], "value": [value]})
    assert made.rows == [["x", text]]
    assert f">{shown}</td>" in made._repr_html_()


def test_formats_are_of_all_columns_or_of_those_named():
    columns = {"n": [2, 3], "share": [0.25, 0.5], "loss": [1.0, 2.0]}
    assert table(columns, ".1f").rows == [["2.0", "0.2", "1.0"], ["3.0", "0.5", "2.0"]]
    assert table(columns, {"share": ".0%"}).rows == [["2", "25%", "1"], ["3", "50%", "2"]]


def test_a_single_value_stands_in_every_row():
    assert table({"w": [1, 2], "rate": 0.1, "as": "text"}).rows == [
        ["1", "0.1", "text"],
        ["2", "0.1", "text"],
    ]
    assert table({"only": 7}).rows == [["7"]]


def test_the_best_of_each_row_leaves_out_what_the_row_is_about_and_what_diverged():
    columns = {"cut": [1, 50], "SGD": [0.4, np.nan], "AdaGrad": [0.3, 0.2], "note": ["-1", "x"]}
    assert table(columns, best="min").marked == {(0, 2), (1, 2)}
    assert table(columns, best="max").marked == {(0, 1), (1, 2)}


def test_the_best_of_a_column_is_every_one_of_the_equal():
    made = table({"lr": [1, 2, 3], "loss": [5, 4, 4]}, best={"loss": "min"})
    assert made.marked == {(1, 1), (2, 1)}
    assert "<strong>4</strong>" in made._repr_html_()
    assert repr(made).splitlines()[-1].endswith("4*")


def test_text_stands_under_its_head():
    lines = repr(table({"method": ["SGD", "AdaGrad"], "loss": [0.5, 12.25]})).splitlines()
    assert lines == [
        "method   loss",
        "-------  ----",
        "SGD       0.5",
        "AdaGrad  12.2",
    ]


def test_the_spread_is_that_of_the_seeds():
    values = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 9.0]])
    assert plus_minus(values, ".2f") == ["2.00 ± 1.00", "5.00 ± 3.61"]
    assert plus_minus(values.T, ".2f", axis=0) == plus_minus(values, ".2f")
    assert plus_minus(values[1], ".2f") == ["5.00 ± 3.61"]
    assert plus_minus([-0.1, 0.08], ".1f") == ["0.0 ± 0.1"]
    assert 'class="number"' in html({"seeds": ["five"], "error": plus_minus(values[1])})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({},), "at least one column"),
        (({"a": [1, 2], "b": [1]},), r"the same length, got {'a': 2, 'b': 1}"),
        (({"a": [[1, 2], [3, 4]]},), r"one dimension, got shape \(2, 2\)"),
        (({"a": [1]}, {"b": ".1f"}), r"formats names \['b'\], but the columns are \['a'\]"),
        (({"a": [1]}, None, {"b": "min"}), r"best names \['b'\]"),
        (({"a": [1]}, None, "least"), "best must be 'min' or 'max', got 'least'"),
        (({"a": [1.5]}, "d"), "the format 'd' does not fit 1.5"),
    ],
)
def test_what_makes_no_table_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        table(*arguments)


@pytest.mark.parametrize("values", [3.0, [1.0], np.ones((2, 2, 2))])
def test_a_spread_needs_several_values(values):
    with pytest.raises(ValueError, match="two or more values to average"):
        plus_minus(values)


def test_a_text_may_have_html_of_its_own_and_a_table_a_kind():
    class Loud(str):
        def _repr_html_(self):
            return f"<em>{self}</em>"

    made = table({"row": [Loud("a")], "text": ["<b>"]}, kind="quiet loud")
    assert repr(made).splitlines()[-1] == "a    <b>"
    assert made._repr_html_().startswith('<table class="quiet loud">')
    assert '<th scope="row"><em>a</em></th>\n<td>&lt;b&gt;</td>' in made._repr_html_()
