"""Claims: what a verdict is made of, what is printed, and what another optimizer changes."""

import re
import warnings

import numpy as np
import pytest

from adagrad_course.claims import Claim, Ledger, Line
from adagrad_course.optimizers import SGD, AdaGrad

GOOD, BAD = Line("good", 1.0, "<", 2.0), Line("bad", 2.0, "<", 1.0)


def keeps_its_length(Method):
    """The claim that steps do not feel the gradient's size."""
    for size in (1.0, 5.0):
        w, _ = Method(0.1).step([0.0], [size], Method(0.1).init([0.0]))
        yield f"gradient {size:g}", round(-w[0] / 0.1, 6), "<", 1.1


@pytest.fixture
def ledger():
    """Two claims that hold for AdaGrad, of which the first does not for SGD."""
    ledger = Ledger(AdaGrad)
    ledger.add("C1", "Steps keep their length", keeps_its_length, "At 5: {1:.2f} and not <5>.")
    ledger.add("C2", "A rate is kept", lambda Method: [("rate", Method(0.1).lr, "<", 0.2)])
    return ledger


@pytest.mark.parametrize(
    ("value", "relation", "passed"),
    [
        (0.9, "<", True),
        (1.0, "<", False),
        (1.0, ">", False),
        (1.1, ">", True),
        (np.inf, ">", True),
    ],
)
def test_a_line_passes_if_the_number_is_as_claimed(value, relation, passed):
    assert Line("", value, relation, 1.0).passed is passed


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.85714, "0.857"),
        (12345.6, "12,300"),
        (999.9, "1,000"),
        (999.0, "999"),
        (1e7, "1e+07"),
        (9e7, "9e+07"),
        (-0.0, "0"),
        (2.49e-19, "2.49e-19"),
        (np.inf, "inf"),
    ],
)
def test_a_number_in_a_finding_has_three_digits(value, shown):
    claim = Claim("C1", "text", None, (Line("x", value, ">", 0.5),), "It is {0}.")
    assert claim.found == f"It is {shown}."


@pytest.mark.parametrize("finding", ["{2}", "{a}", "{", "{0:,,}"])
def test_a_finding_that_cannot_be_written_is_refused(finding):
    ledger = Ledger(AdaGrad)
    with pytest.raises(ValueError, match=r"a finding must name lines by \{0\} to \{1\}, got '{"):
        ledger.add("C1", "text", lambda Method: [GOOD, BAD], finding)
    assert ledger.claims == {}


@pytest.mark.parametrize(
    ("lines", "general", "can", "readings"),
    [
        ([GOOD], "holds", "holds", "holds"),
        ([GOOD, GOOD], "holds", "holds", "holds"),
        ([GOOD, BAD], "holds with a caveat", "holds", "depends on the reading"),
        ([GOOD, BAD, GOOD], "holds with a caveat", "holds", "depends on the reading"),
        ([BAD], "overstated", "overstated", "overstated"),
        ([BAD, BAD], "overstated", "overstated", "overstated"),
        ([BAD, GOOD, GOOD], "overstated", "overstated", "depends on the reading"),
    ],
)
def test_the_verdict_follows_the_rule(lines, general, can, readings):
    for sense, verdict in {"general": general, "can": can, "readings": readings}.items():
        claim = Claim("C1", "text", test=None, lines=tuple(lines), sense=sense)
        assert claim.verdict == verdict


def test_a_claim_has_one_of_three_senses():
    with pytest.raises(ValueError, match=r"sense must be one of .*, got 'may'"):
        Claim("C1", "text", test=None, lines=(GOOD,), sense="may")


def test_what_stopped_cannot_be_tested():
    assert Claim("C1", "text", test=None, error="ValueError: no").verdict == "cannot be tested"
    with pytest.raises(ValueError, match=r"lines must not be empty .*, got \(\)"):
        Claim("C1", "text", test=None)


def test_a_claim_is_shown_with_its_lines_its_verdict_and_what_was_found():
    claim = Claim("C1", "text", None, (GOOD, BAD), "Once it is {1} & <more>.")
    assert repr(claim).splitlines() == [
        "measured  value  claim requires  passed",
        "--------  -----  --------------  ------",
        "good          1  < 2             yes",
        "bad           2  < 1             no",
        "C1 holds with a caveat.",
        "Once it is 2 & <more>.",
    ]
    html = claim._repr_html_()
    assert '<th scope="row">bad</th>\n<td class="number">2</td>\n<td>&lt; 1</td>' in html
    said = '<p><span data-verdict="holds with a caveat">C1 holds with a caveat.</span></p>'
    assert html.endswith(f"{said}\n<p>Once it is 2 &amp; &lt;more&gt;.</p>")


def test_a_name_that_is_taken_is_given_anew(ledger):
    ledger.add("C1", "Another", lambda Method: [("never", 1, "<", 0)])
    assert list(ledger.claims) == ["C1", "C2"]
    assert (ledger.claims["C1"].text, ledger.claims["C1"].verdict) == ("Another", "overstated")


def test_another_optimizer_is_judged_by_all_claims(ledger):
    changes = ledger.judge(SGD)
    assert changes.changed == ["C1"]
    assert {name: claim.verdict for name, claim in changes.after.items()} == {
        "C1": "holds with a caveat",
        "C2": "holds",
    }
    assert [claim.verdict for claim in changes.before.values()] == ["holds", "holds"]
    assert repr(changes).splitlines() == [
        "name  claim                    AdaGrad  SGD",
        "----  -----------------------  -------  -------------------",
        "C1    Steps keep their length  holds    holds with a caveat",
    ]
    assert changes.after["C1"].found == ""


def test_judging_leaves_the_ledger_as_it_was(ledger):
    before = repr(ledger)
    ledger.judge(SGD)
    assert repr(ledger) == before
    assert ledger.judge(AdaGrad).changed == []
    assert "name  claim  AdaGrad  AdaGrad (other)" in repr(ledger.judge(AdaGrad))


def test_an_optimizer_that_fails_is_no_failure_of_the_judge(ledger):
    changes = ledger.judge(lambda lr: 1 / 0)
    assert set(changes.changed) == {"C1", "C2"}
    assert changes.after["C2"].error == "ZeroDivisionError: division by zero"
    assert changes.after["C2"].verdict == "cannot be tested"
    assert changes.new == "<lambda>"
    assert repr(changes).splitlines()[-1] == "C1, C2: ZeroDivisionError: division by zero"
    assert "<p>C1, C2: ZeroDivisionError: division by zero</p>" in changes._repr_html_()


def test_a_run_that_overflows_does_not_warn():
    ledger = Ledger(AdaGrad)

    def overflow(Method):
        big = np.array(1e300) if Method is SGD else np.array(1.0)
        yield "square", big * big, ">", 2

    ledger.add("C1", "It overflows", overflow)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        changes = ledger.judge(SGD)
    assert changes.after["C1"].lines[0].value == np.inf


def test_tables_have_heads_links_and_verdicts_in_words(ledger):
    html = ledger._repr_html_()
    assert html.count('<th scope="col">') == 4
    assert '<th scope="row"><a href="#sec-c1">C1</a></th>' in html
    assert html.count('<td><span data-verdict="holds">holds</span></td>') == 2
    assert "<td>At 5: 1.00 and not &lt;5&gt;.</td>" in html
    assert "style=" not in html
    assert "<script" not in html
    changed = ledger.judge(SGD)._repr_html_()
    assert '<span data-verdict="holds with a caveat">holds with a caveat</span>' in changed
    assert "#sec-c2" not in changed


@pytest.mark.parametrize(
    ("test", "error", "message"),
    [
        (lambda A: [], ValueError, "C9 must yield at least 1 line, got none"),
        (lambda A: None, TypeError, "C9 must yield (text, value, "),
        (lambda A: [("x", 1)], TypeError, "C9 must yield (text, value, "),
        (lambda A: [("x", 1, "!", 2)], TypeError, "C9 must yield (text, value, "),
        (lambda A: [("x", 1, [], 2)], TypeError, "C9 must yield (text, value, "),
        (lambda A: [("x", 1, "=", 1)], TypeError, "C9 must yield (text, value, "),
        (lambda A: [("x", "1", "<", 2)], TypeError, "a line's value must hold real numbers"),
        (lambda A: [("x", [1, 2], "<", 2)], ValueError, "a line's value must be a single number"),
        (lambda A: [("x", np.nan, "<", 2)], ValueError, "a line's value must be a number, got nan"),
        (lambda A: [("x", 1, "<", None)], TypeError, "a threshold must hold real numbers"),
        (lambda A: [("x", 1, "<", np.inf)], ValueError, "a threshold must"),
    ],
)
def test_a_claim_must_yield_lines(test, error, message):
    ledger = Ledger(AdaGrad)
    with pytest.raises(error, match=re.escape(message)):
        ledger.add("C9", "text", test)
    assert ledger.claims == {}


def test_wrong_arguments_are_refused(ledger):
    with pytest.raises(TypeError, match=r"^optimizer must be a class such as AdaGrad, got 3$"):
        Ledger(3)
    with pytest.raises(TypeError, match=r"^optimizer must be a class such as AdaGrad, got AdaGrad"):
        ledger.judge(AdaGrad(0.1))
    with pytest.raises(TypeError, match="name"):
        ledger.add(1, "text", keeps_its_length)
    with pytest.raises(TypeError, match="text"):
        ledger.add("C1", None, keeps_its_length)
