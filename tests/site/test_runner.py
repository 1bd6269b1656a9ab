"""What the page's Python shows of a run: here by this Python, in a process of its own.

A notebook takes the place of Jupyter in its process, so that none is made in that of the tests.
"""

import json
import subprocess
import sys

import notebooks_at_random
import pytest
import runner

FOLDERS = [entry for entry in sys.path if entry.endswith(("site/live", "src"))]
PRELUDE = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
import runner
shown, steps = [], []
notebook = runner.Notebook(*json.loads(sys.argv[2]), lambda kind, text: shown.append([kind, text]))
for source, place, *put_back in json.loads(sys.argv[3]):
    if put_back:
        notebook.put_back(source, place)
        continue
    ended = notebook.run(source, place, lambda nth, of: steps.append([nth, of]))
    shown.append(["ended", ended])
sys.__stdout__.write(json.dumps([shown, steps]))
"""


def run(cells, *runs, torch=()):
    """What a notebook of these cells shows for runs, each a source and its place, and its steps.

    After a third item it is not run: its cell is only given this source again.
    """
    arguments = [json.dumps(part) for part in (FOLDERS, (cells, list(torch)), runs)]
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE, *arguments], capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def shown(*sources):
    """What one cell after the other shows."""
    return run(list(sources), *([source, i] for i, source in enumerate(sources)))[0]


def test_what_is_needed_is_run_once_and_shows_nothing():
    cells = ["x = 1\nprint('no')", "1 / 0", "y = x + 1\ny", "y"]
    assert run(cells, ["y", 3], ["y * 10", 3]) == [
        [["text", "2\n"], ["ended", True], ["text", "20\n"], ["ended", True]],
        [[1, 3], [2, 3], [3, 3], [1, 1]],
    ]


def test_a_cell_that_failed_is_run_again_and_said_to_be_above():
    texts, steps = run(["x = 1 / 0", "x"], ["x", 1], ["x", 1])
    assert [text for kind, text in texts if kind == "error"][1::2] == [
        "This happened in a cell above that this one needs."
    ] * 2
    assert steps == [[1, 2], [1, 2]]


def test_cells_give_the_same_in_any_order():
    cells = ["x = 1", "y = x", "x = [y]", "x.append(5)\nx", "from math import e as x", "x > 2.7"]
    sources = [[cells[i], i] for i in (3, 5, 1, 3, 0, 3, 3, 2, 5, 4, 3)]
    texts, _ = run(cells, *sources)
    assert {text for kind, text in texts if kind == "text"} == {"[1, 5]\n", "True\n"}
    assert ["ended", False] not in texts


def test_what_a_reader_wrote_takes_the_place_of_a_cell():
    cells = ["x = 1", "y = 10 * x", "x = 0", "y"]
    runs = [["x = 4", 0], ["x = 0", 2], ["y", 3], ["x = (", 0], ["1 / 0\nx = 5", 0], ["y", 3]]
    texts, _ = run(cells, *runs)
    assert [text for kind, text in texts if kind == "text"] == ["40\n", "40\n"]


def test_a_cell_that_is_put_back_is_as_it_was_for_those_below():
    cells = ["x = 1", "y = 10 * x", "y"]
    runs = [["x = z = 4", 0], ["y", 2], ["x = 1", 0, "put back"], ["y", 2], ["z", 2]]
    texts, _ = run(cells, *runs)
    assert [text for kind, text in texts if kind == "text"] == ["40\n", "10\n"]
    assert "NameError: name 'z' is not defined" in texts[-2][1]


def test_whatever_is_edited_run_and_stopped_a_cell_prints_what_it_prints_from_the_top():
    done = subprocess.run(
        [sys.executable, notebooks_at_random.__file__, *FOLDERS, "1500"],
        capture_output=True,
        encoding="utf-8",
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_what_is_only_imported_where_it_fails_is_imported_again_by_others():
    cells = ["import math as m", "m.floor(2.5)"]
    failing = "import cmath as m\n1 / 0"
    texts, _ = run(cells, [failing, 0], ["m.floor(2.5)", 1])
    assert texts[-2:] == [["text", "2\n"], ["ended", True]]
    edited = "import cmath as m"
    texts, _ = run(cells, [edited, 0], ["import math as m", 0, "put back"], ["m.floor(2.5)", 1])
    assert texts[-2:] == [["text", "2\n"], ["ended", True]]


def test_a_warning_is_shown_in_each_run_and_an_error_marks_its_place():
    cell = "import warnings\nwarnings.warn('hm')"
    texts, _ = run([cell, "prnt('x')"], [cell, 0], [cell, 0], ["prnt('x')", 1])
    assert [text.count("UserWarning: hm") for _, text in texts[:4:2]] == [1, 1]
    lines = texts[-2][1].splitlines()
    assert lines[2:4] == ["    prnt('x')", "    ^^^^"]


def test_what_needs_pytorch_is_not_tried():
    texts, steps = run(["x = 1", "y = x"], ["y", 2], torch=[0])
    assert texts == [["error", runner.NEEDS_TORCH], ["ended", False]]
    assert steps == []


def test_the_value_of_the_last_line_is_shown():
    assert shown("1\n2", "3;", "None", "x = 4", "'a'") == [
        ["text", "2\n"],
        ["ended", True],
        ["ended", True],
        ["ended", True],
        ["ended", True],
        ["text", "'a'\n"],
        ["ended", True],
    ]


def test_a_value_is_shown_as_html_if_it_can_be():
    made = "class Table:\n    def _repr_html_(self):\n        return '<b>1</b>'\n"
    assert shown(f"{made}print('before')\ndisplay(Table(), 2)\nTable()")[:-1] == [
        ["text", "before\n"],
        ["html", "<b>1</b>"],
        ["text", "2\n"],
        ["html", "<b>1</b>"],
    ]


@pytest.mark.parametrize("found", ["None", "4"])
def test_what_has_no_html_is_shown_as_text(found):
    made = f"class Table:\n    def _repr_html_(self):\n        return {found}\n"
    assert shown(made, "Table")[1][1] == "<class '__main__.Table'>\n"
    (kind, text), *_ = shown(made + "Table()")
    assert (kind, text[:16]) == ("text", "<__main__.Table ")


def test_a_long_value_and_a_long_error_are_cut():
    for code in ("'x' * 10**6", "raise ValueError('x' * 10**6)"):
        text = shown(code)[0][1]
        assert len(text) < runner.MOST + 100
        assert text.strip().endswith(runner.MORE.strip())


@pytest.mark.parametrize("code", ["%timeit 1", "x = 2\n!ls", "%%time\nx = 2"])
def test_jupyters_commands_are_named(code):
    (kind, text), *_ = shown(code)
    assert (kind, text.count("SyntaxError")) == ("error", 1)
    assert text.endswith(runner.NO_MAGIC)


def test_both_streams_are_shown_in_order():
    code = "import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')"
    assert shown(code)[0] == ["text", "a\nb\nc\n"]


def test_prints_are_limited():
    said = []
    prints = runner.Prints(lambda kind, text: said.append(text))
    for _ in range(10):
        prints.write("x" * (runner.MOST // 4))
    prints.flush()
    whole = "".join(said)
    assert whole.startswith("x" * runner.MOST)
    assert whole.removeprefix("x" * runner.MOST) == (
        "\n… and more: this page shows the first 200,000 characters."
    )
    prints.start(shown=True)
    prints.write("again")
    prints.flush()
    assert said[-1] == "again"


@pytest.mark.parametrize("length", [runner.MOST - 1, runner.MOST])
def test_what_fits_is_not_called_too_much(length):
    said = []
    prints = runner.Prints(lambda kind, text: said.append(text))
    prints.write("x" * length)
    prints.flush()
    assert said == ["x" * length]


def test_an_error_has_the_readers_lines_alone():
    code = "import json\n\ndef load(text):\n    return json.loads(text)\n\nload('{')"
    (kind, text), ended = shown(code)
    assert (kind, ended) == ("error", ["ended", False])
    lines = text.splitlines()
    assert lines[:2] == [
        "Traceback (most recent call last):",
        '  File "<your code in cell 1>", line 6, in <module>',
    ]
    assert "line 4, in load" in text
    assert "    return json.loads(text)" in lines
    assert lines[-1].startswith("json.decoder.JSONDecodeError: ")
    assert text.count("File") == 2


def test_an_error_during_an_error_has_no_other_lines_either():
    code = "import json\ntry:\n    json.loads('{')\nexcept ValueError as error:\n    {end}"
    for end, link in [("raise KeyError('k') from error", "direct cause"), ("1 / 0", "During")]:
        text = shown(code.replace("{end}", end))[0][1]
        assert link in text
        assert text.count("File") == text.count('File "<your code in cell 1>"') == 2


def test_errors_of_a_group_have_no_other_lines():
    code = (
        "import json\nfound = []\ntry:\n    json.loads('{')\nexcept ValueError as error:\n"
        "    found.append(error)\nraise ExceptionGroup('two', found)"
    )
    text = shown(code)[0][1]
    assert text.count("File") == text.count('File "<your code in cell 1>"') == 2


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = (1,\ny = 2", "SyntaxError"),
        ("if 1:\n    x = 1\n\ty = 2", "TabError"),
        ("return 1", "SyntaxError: 'return' outside function"),
        ("import sys; sys.exit()", "asked to exit"),
        ("exit()", "asked to exit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def f():\n    f()\nf()", "RecursionError: maximum recursion depth exceeded"),
        ("input('x')", "cannot ask for input: write the value into the code"),
        ("x\0", "SyntaxError: source code string cannot contain null bytes"),
        ("class A:\n    def __repr__(self):\n        1 / 0\nA()", "ZeroDivisionError"),
        (
            "class E(Exception):\n    def __str__(self):\n        1 / 0\nraise E",
            "exception str() failed",
        ),
    ],
)
def test_what_goes_wrong_is_said_and_ends_nothing_else(code, message):
    (kind, text), ended, *after = shown(code, "'fine'")
    assert kind == "error"
    assert message in text
    assert "runner.py" not in text
    assert ended == ["ended", False]
    assert after == [["text", "'fine'\n"], ["ended", True]]


def test_code_may_not_take_what_the_runner_uses():
    fine = [["text", "'fine'\n"], ["ended", True]]
    for code in ("import sys\nsys.stdout = None", "import sys\nsys.stdout.close()"):
        assert shown(code, "'fine'")[-2:] == fine
