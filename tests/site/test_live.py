"""Cells and exercises that run in the page, as readers use, misuse and leave them."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import book_live
import book_site
import collect
import pytest
from access import (
    BLOCK_STORAGE,
    FORMULAS,
    ROOT,
    faint,
    set_theme,
    set_width,
    simplify,
    violations,
    watched_tabs,
)
from playwright.sync_api import expect
from structure import exercises_of, read

CHAPTER = "chapters/01-learning-rates.html"
BRIEF = "chapters/half-an-hour.html"  # is opened sooner
WITH_TORCH = "chapters/03-from-formula-to-pytorch.html"
RIGHT = 'one_step = {"gradient": 8, "next point": 4.2, "limit": 0.5}'
WRONG = RIGHT.replace("8", "4")
SOLVED = "1.1: all 3 checks passed."
BY_HAND = 'by_hand = {"G": 49, "rate": 0.1, "change": -0.6, "best": 0.5}'
ALSO_SOLVED = "0.1: all 4 checks passed."
PRINTS = "bowl = Quadratic(curvatures=[1.0, 10.0])"  # the first lines of cells
DRAWS = "fig, axes = plt.subplots(2, 3"
PATIENCE = 180_000  # ms, for Python to be loaded on a busy machine
PHONE = 390  # pixels


@pytest.fixture(scope="module")
def shared(browser, address):
    """A page of which the Python is loaded once for many tests, and what goes wrong there."""
    with watched_tabs(browser, address) as (open_page, wrongs):
        yield open_page(CHAPTER), wrongs


@pytest.fixture
def tab(shared):
    tab, wrongs = shared
    yield tab
    assert wrongs == []


def exercise(tab, number):
    return tab.locator(f'[data-exercise="{number}"]')


def count(page):
    """How many exercises the notebook of a page has: a chapter may get another one."""
    return len(exercises_of(read((ROOT / page).with_suffix(".ipynb"))))


def cell(tab, beginning):
    """A cell that is no exercise, by how its stored code begins, also after this was edited."""
    place = tab.locator("div.cell[data-live]").evaluate_all(
        """(cells, beginning) => cells.findIndex((cell) =>
            cell.querySelector("pre").textContent.startsWith(beginning))""",
        beginning,
    )
    assert place >= 0, f"no cell begins with {beginning}"
    found = tab.locator("div.cell[data-live]").nth(place)
    found.evaluate(
        """cell => [cell.closest("details"), ...cell.querySelectorAll("details")]
            .forEach((details) => details?.setAttribute("open", ""))"""
    )
    return found


def write(cell, code):
    """Write into the editor of a cell; that of an exercise opens by a click."""
    if not cell.locator(".cm-content").count():
        cell.locator("pre").first.click()
    cell.locator(".cm-content").fill(code)


def press(cell):
    cell.locator("button.live-run, button.live-check").click()


def result(cell):
    """Wait for the end of a run and return the text of what it gave."""
    cell.locator("button.live-stop").wait_for(state="hidden", timeout=PATIENCE)
    return cell.locator(".live-output").inner_text()


def run(cell, code=None):
    """Run a cell, with other code if some is given, and return the text of what it gives."""
    if code is not None:
        if not cell.locator(".cm-content").count():  # the first press opens it
            press(cell)
            result(cell)
        write(cell, code)
    press(cell)
    return result(cell)


# Python, the same for many tests --------------------------------------------------------------


def test_a_cell_far_down_runs_what_it_needs_and_nothing_else(tab):
    far = cell(tab, DRAWS)
    stored = far.locator(".cell_output:not(.live-output) img")
    press(far)
    assert result(far) == ""
    figure = far.locator(".live-output img")
    assert figure.get_attribute("src").startswith("data:image/svg+xml")
    assert figure.get_attribute("alt") == stored.get_attribute("alt") != ""
    assert figure.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0
    assert not stored.is_visible()
    needless = [run(far, f'"{name}" in globals()') for name in ("valley", "parabola", "data")]
    assert needless == ["True\n", "False\n", "False\n"]
    far.get_by_role("button", name="Stored output").click()
    assert stored.is_visible()
    assert not far.locator(".live-output").is_visible()


def test_a_run_gives_what_is_stored(tab):
    for beginning in ("parabola = Quadratic", PRINTS):
        this = cell(tab, beginning)
        stored = this.locator(".cell_output:not(.live-output)")
        before = stored.inner_text().split()
        assert run(this).split() == before
        assert not stored.is_visible()
    assert cell(tab, "parabola = Quadratic").locator(".live-output table").is_visible()


def test_what_is_edited_changes_what_a_cell_gives(tab):
    this = cell(tab, PRINTS)
    assert run(this, "bowl = 6 * 7\nprint('so:')\nbowl") == "so:\n42\n"
    assert run(this, "bowl += 1\nbowl") == "43\n"


def test_stored_output_takes_back_what_was_edited(tab):
    this, below = cell(tab, PRINTS), cell(tab, DRAWS)
    run(this, "bowl = 'another'\nleft = 1")
    asked = "bowl if type(bowl) is str else 'the stored one', 'left' in globals()"
    assert run(below, asked) == "('another', True)\n"
    this.get_by_role("button", name="Stored output").click()
    assert run(below, asked) == "('the stored one', False)\n"


def test_start_over_takes_back_an_answer_of_which_the_check_failed(tab):
    this, below = exercise(tab, "1.5"), cell(tab, "# Solution of 1.5")
    write(this, "def another_name():\n    pass")
    assert "NameError: name 'tune' is not defined" in run(this)
    assert run(below, "'another_name' in globals()") == "True\n"
    this.get_by_role("button", name="Start over").click()
    assert run(below, "'another_name' in globals()") == "False\n"
    below.get_by_role("button", name="Stored output").click()


def test_what_was_edited_above_is_there_after_a_stop(tab):
    this, below = cell(tab, PRINTS), cell(tab, DRAWS)
    run(this, "bowl = 'another'")
    run(below, "'begun'")
    write(below, "while True: pass")
    press(below)
    expect(below.locator(".live-status")).to_have_text("Running")
    below.get_by_role("button", name="Stop").click()
    assert "variables are gone" in result(below)
    assert run(below, "bowl") == "'another'\n"


def test_an_exercise_is_solved_wrong_and_then_right(tab):
    this = exercise(tab, "1.1")
    write(this, WRONG)
    answer = run(this)
    assert "✗ gradient: 4 is not right" in answer
    assert "2 of 3 checks passed" in answer
    assert "hint(" not in answer  # there is a button
    assert tab.locator(".live-solved").count() == 0
    write(this, RIGHT)
    assert SOLVED in run(this)
    sign = tab.locator(".exercise", has=tab.locator(".live-solved"))
    assert "1.1" in sign.locator(".admonition-title").inner_text()
    assert tab.get_by_text(f"1 of {count(CHAPTER)} solved").is_visible()
    kept = "() => Object.values(localStorage).filter((value) => value.includes('one_step'))"
    assert [json.loads(value) for value in tab.evaluate(kept)] == [
        {"answer": RIGHT, "solved": True}
    ]
    write(this, WRONG)
    run(this)
    assert tab.locator(".live-solved").count() == 0


def test_what_is_written_while_a_check_runs_is_not_what_was_found_right(tab):
    this, sign = exercise(tab, "1.1"), tab.locator(".live-solved")
    write(this, f"import time\ntime.sleep(8)\n{RIGHT}")
    press(this)
    expect(this.locator(".live-status")).to_have_text("Running", timeout=PATIENCE)
    write(this, "nonsense = 1")
    tab.keyboard.press("Control+Enter")  # refused: it runs already
    assert SOLVED in result(this)
    assert sign.count() == 0


def test_what_was_stopped_is_no_longer_solved(tab):
    this, sign = exercise(tab, "1.1"), tab.locator(".live-solved")
    write(this, RIGHT)
    assert SOLVED in run(this)
    assert sign.count() == 1
    write(this, "while True: pass")
    press(this)
    expect(this.locator(".live-status")).to_have_text("Running", timeout=PATIENCE)
    this.get_by_role("button", name="Stop").click()
    assert "variables are gone" in result(this)
    assert sign.count() == 0


def test_a_solution_runs_and_solves_nothing(tab):
    before = tab.locator(".live-solved").count()
    assert "1.2: all" in run(cell(tab, "# Solution of 1.2"))
    assert tab.locator(".live-solved").count() == before


def test_what_no_longer_answers_is_no_longer_solved(tab):
    this, sign = exercise(tab, "1.1"), tab.locator(".live-solved")
    write(this, RIGHT)
    assert SOLVED in run(this)
    assert sign.count() == 1
    write(this, "another_name = 1")  # the old value must not be checked
    assert "NameError: name 'one_step' is not defined" in run(this)
    assert sign.count() == 0
    write(this, RIGHT)
    assert SOLVED in run(this)


def test_tab_passes_through_code_that_is_only_looked_at(tab):
    this = exercise(tab, "1.3")
    this.locator("pre").first.click()
    expect(this.locator(".cm-content")).to_be_focused()
    before = this.locator(".cm-content").inner_text()
    tab.keyboard.press("Tab")
    expect(this.locator("button.live-check")).to_be_focused()
    assert this.locator(".cm-content").inner_text() == before


def test_every_key_writes_into_the_editor(tab):
    this = exercise(tab, "1.3")
    write(this, "")
    this.locator(".cm-content").press_sequentially("x=2/7#?")  # "/" is a shortcut of the page
    assert this.locator(".cm-content").inner_text() == "x=2/7#?"
    this.locator("button.live-reset").click()


def test_each_press_gives_one_more_hint(tab):
    this = exercise(tab, "1.2")
    for n in (1, 2):
        this.get_by_role("button", name="Hint").click()
        hints = result(this).strip().splitlines()
        assert [hint[:6] for hint in hints] == [f"Hint {i + 1}" for i in range(n)]


def test_two_that_are_pressed_at_once_both_get_their_result(tab):
    first, second = exercise(tab, "1.4"), cell(tab, PRINTS)
    run(second, "print('the second')")
    press(first)
    press(second)
    assert "1.4: not attempted yet" in result(first)
    assert result(second) == "the second\n"


FAULTS = {
    "import sys\nsys.exit(3)": "asked to exit",
    "exit()": "asked to exit",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "def f(x):\n    return f(x + 1)\nf(0)": "RecursionError: maximum recursion depth exceeded",
    "bytearray(2**31)": "OverflowError: cannot fit",  # in 32 bits
    "a = [bytearray(2**30) for _ in range(4)]": "MemoryError",
    "import numpy as np\na = [np.zeros(2**27) for _ in range(8)]": "MemoryError",
    "x = (1,\ny = 2": "SyntaxError",
    "if True:\n    x = 1\n\ty = 2": "TabError",
    "input('a number: ')": "cannot ask for input: write the value into the code",
    "import torch": "ModuleNotFoundError: No module named 'torch'",
    "print('x' * 10**7)": "and more: this page shows the first 200,000 characters",
}


@pytest.mark.parametrize("code", FAULTS)
def test_what_goes_wrong_is_said_and_the_next_run_works(tab, code):
    this = cell(tab, PRINTS)
    answer = run(this, code)
    assert FAULTS[code] in answer
    for others in ("runner.py", "/lib/", "pyodide", "exec(", "in ask"):
        assert others not in answer
    assert run(this, "print('fine')") == "fine\n"


def test_an_error_shows_the_line_that_the_reader_wrote(tab):
    answer = run(cell(tab, PRINTS), "def halve(n):\n    return n / 0\n\nhalve(3)")
    for line in ("line 4, in <module>", "line 2, in halve", "return n / 0", "ZeroDivisionError"):
        assert line in answer


def test_it_is_used_by_keyboard(tab):
    this = exercise(tab, "1.7")
    tab.locator("#ex-units").evaluate("e => { e.tabIndex = -1; e.focus(); }")
    for _ in range(20):
        tab.keyboard.press("Tab")
        if this.evaluate("e => e.contains(document.activeElement)"):
            break
    editor = this.locator(".cm-content")
    expect(editor).to_be_focused(timeout=PATIENCE)
    look = this.locator(".cm-editor").evaluate("e => getComputedStyle(e).outlineStyle")
    assert look == "solid"
    tab.keyboard.press("Control+End")
    tab.keyboard.type("\nprint('typed')")
    tab.keyboard.press("Control+Enter")
    assert result(this) == "typed\n1.7: not attempted yet\n"
    expect(editor).to_be_focused()
    tab.keyboard.press("Escape")
    tab.keyboard.press("Tab")
    expect(this.get_by_role("button", name="Check")).to_be_focused()


def test_while_a_loop_runs_the_page_is_accessible_and_fits_a_phone_and_stop_ends_it(tab):
    solved, fails, running = exercise(tab, "1.1"), exercise(tab, "1.3"), cell(tab, PRINTS)
    cells = [solved, cell(tab, "parabola = Quadratic"), cell(tab, DRAWS), fails, running]
    write(solved, RIGHT)
    write(fails, "print('x' * 500)\n1 / 0")
    for this in cells:
        run(this)
    write(running, "while True: pass")
    press(running)
    expect(running.locator(".live-status")).to_have_text("Running", timeout=PATIENCE)
    set_width(tab, PHONE)
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    set_width(tab, 1280)
    # Axe looks at a copy: the loop would keep a processor busy all the while.
    was_running = running.evaluate_handle("cell => cell.cloneNode(true)")
    running.get_by_role("button", name="Stop").click()
    assert "variables are gone" in result(running)
    stopped = running.element_handle()
    stopped.evaluate("(cell, copy) => cell.replaceWith(copy)", was_running)
    assert running.get_by_role("button", name="Stop").is_visible()
    for this in (*cells, exercise(tab, "1.2"), tab.locator(".live-solved, .live-download")):
        this.evaluate_all("all => all.forEach((e) => e.setAttribute('data-tested', ''))")
    simplify(tab, FORMULAS)
    assert violations(tab, "[data-tested]", exclude=()) == []
    set_theme(tab, "dark")
    assert faint(tab, "[data-tested]", exclude=()) == []
    was_running.evaluate("(copy, cell) => copy.replaceWith(cell)", stopped)
    assert run(running, "'valley' in globals()") == "False\n"


@pytest.mark.parametrize("first", ["pass", "import traitlets"])  # which is fetched only now
def test_an_endless_loop_ends_by_itself(tab, first):
    this = cell(tab, PRINTS)
    run(this, "'begun'")
    tab.evaluate(
        """() => {
            const later = window.setTimeout;
            window.setTimeout = (call, ms) => later(call, ms / 100);
            window.asBefore = () => { window.setTimeout = later; };
        }"""
    )
    try:
        answer = run(this, f"{first}\nwhile True: pass")
    finally:
        tab.evaluate("asBefore()")
    assert "Stopped after 300 seconds" in answer
    assert "variables are gone" in answer
    assert run(this, "print('fine')") == "fine\n"


def test_a_page_is_left_while_code_runs(tab):
    this = cell(tab, PRINTS)
    run(this, "'begun'")
    write(this, "while True: pass")
    press(this)
    expect(this.locator(".live-status")).to_have_text("Running")
    tab.goto("about:blank")


# A page of their own, and most without Python -------------------------------------------------


def test_answers_are_kept_until_they_are_dropped(open_tab):
    tab = open_tab(BRIEF)

    def shown():
        return [
            exercise(tab, number).locator(".cell_input").inner_text().strip()
            for number in ("0.1", "0.2")
        ]

    starters = shown()
    write(exercise(tab, "0.1"), BY_HAND)
    write(exercise(tab, "0.2"), "# half an answer")
    solve = """() => {
        const key = Object.keys(localStorage)
            .find((key) => localStorage[key].includes("by_hand ="));
        localStorage[key] = localStorage[key].replace("false", "true");
    }"""
    tab.evaluate(solve)
    tab.reload()
    assert shown() == [BY_HAND, "# half an answer"]
    assert tab.get_by_text(f"1 of {count(BRIEF)} solved").is_visible()
    exercise(tab, "0.1").locator("pre").first.click()
    exercise(tab, "0.1").locator(".cm-content").wait_for(timeout=PATIENCE)
    exercise(tab, "0.1").get_by_role("button", name="Start over").click()
    assert shown() == [starters[0], "# half an answer"]
    assert tab.get_by_text(f"0 of {count(BRIEF)} solved").is_visible()
    tab.reload()
    assert shown() == [starters[0], "# half an answer"]
    tab.on("dialog", lambda dialog: dialog.accept())
    tab.get_by_role("button", name="Clear").click()
    assert shown() == starters
    tab.reload()
    assert shown() == starters


def test_a_page_that_is_open_twice_has_the_same_answers(open_tab):
    """Or the tab that was read first would later overwrite them with its own."""
    first = open_tab(BRIEF)
    second = first.context.new_page()
    second.goto(first.url)
    one, other = exercise(first, "0.1"), exercise(second, "0.1")
    starter = other.locator("pre").first.text_content()
    write(one, "# an answer")
    expect(other.locator("pre").first).to_have_text("# an answer")
    write(other, BY_HAND)
    expect(one.locator(".cm-content")).to_have_text(BY_HAND)
    press(one)
    assert ALSO_SOLVED in result(one)
    expect(second.get_by_text(f"1 of {count(BRIEF)} solved")).to_be_visible()
    one.get_by_role("button", name="Start over").click()
    expect(other.locator(".cm-content")).to_have_text(starter.strip())
    expect(second.get_by_text(f"0 of {count(BRIEF)} solved")).to_be_visible()


def test_no_letter_is_lost_that_is_typed_while_another_tab_listens(open_tab):
    first = open_tab(BRIEF)
    second = first.context.new_page()
    second.goto(first.url)
    one, other = exercise(first, "0.1"), exercise(second, "0.1")
    write(other, "# before")
    write(one, "")
    text = "# " + "all that was typed in one tab comes to the other, " * 3
    one.locator(".cm-content").press_sequentially(text, delay=5)
    expect(other.locator(".cm-content")).to_have_text(text)
    assert one.locator(".cm-content").inner_text() == text


def test_an_answer_to_another_starter_is_not_shown(open_tab):
    tab = open_tab(BRIEF)
    this = exercise(tab, "0.1")
    write(this, "# an answer")
    change = """(changed) => {
        const key = Object.keys(localStorage).find((key) => localStorage[key].includes("# an"));
        const value = localStorage[key];
        localStorage.removeItem(key);
        localStorage[changed ? key.slice(0, -1) + "?" : key] = value;
        return key;
    }"""
    assert "0.1" in tab.evaluate(change, False)
    tab.reload()
    assert "# an answer" in this.inner_text()
    tab.evaluate(change, True)
    tab.reload()
    assert "# an answer" not in this.inner_text()
    assert 'by_hand = {"G": ...' in this.inner_text()


def test_the_first_page_counts_what_is_solved(open_tab):
    tab, of = open_tab(CHAPTER), count(CHAPTER)
    kept = tab.evaluate(
        "() => Object.entries(localStorage).find(([key]) => key.endsWith('page 01-learning-rates'))"
    )
    assert json.loads(kept[1]) == {"solved": 0, "of": of}
    tab.wait_for_load_state("networkidle")
    tab.goto(tab.url.replace("01-learning-rates", "welcome"))
    assert tab.locator(".live-solved").count() == 0
    more = json.dumps({"solved": 2, "of": of})
    tab.evaluate("([key, more]) => { localStorage[key] = more; }", [kept[0], more])
    tab.wait_for_load_state("networkidle")
    tab.reload()
    assert tab.locator(".live-solved").all_inner_texts() == [f" ✓ 2 of {of} exercises solved"]


def test_downloaded_answers_are_collected(open_tab, site, tmp_path):
    tab = open_tab(BRIEF)
    write(exercise(tab, "0.1"), BY_HAND)
    write(exercise(tab, "0.2"), "def run_adagrad(gradient, start, lr, steps):\n    return [start]")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download my answers").click()
    assert download.value.suggested_filename == "half-an-hour.ipynb"
    path = tmp_path / "group" / "half-an-hour.ipynb"
    download.value.save_as(path)
    notebook, stored = (
        json.loads(file.read_text(encoding="utf-8"))
        for file in (path, (site / "_sources" / BRIEF).with_suffix(".ipynb"))
    )
    ours, theirs = (["".join(c["source"]) for c in book["cells"]] for book in (notebook, stored))
    assert sum(a != b for a, b in zip(ours, theirs, strict=True)) == 2
    # What takes long is none of this test's business.
    used = re.compile(r"import|def run_adagrad|check\(\"0\.[12]\"|by_hand")
    notebook["cells"] = [c for c in notebook["cells"] if used.search("".join(c["source"]))]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, collect.__file__, tmp_path, "--quiet"],
        capture_output=True,
        encoding="utf-8",
    )
    columns, row = (line.split(",") for line in done.stdout.splitlines())
    found = dict(zip(columns, row, strict=True))
    assert (found["exercise 0.1"], found["exercise 0.2"]) == ("passed", "not passed")


def test_answers_that_cannot_be_downloaded_are_not_lost_silently(open_tab):
    tab = open_tab(BRIEF)
    write(exercise(tab, "0.1"), BY_HAND)
    tab.context.route("**/*.ipynb", lambda route: route.fulfill(body='{"message": "sign in"}'))
    tab.get_by_role("button", name="Download my answers").click()
    said = tab.get_by_role("status").filter(has_text="could not be fetched")
    expect(said).to_contain_text("your answers are still here")
    assert BY_HAND in exercise(tab, "0.1").inner_text()
    tab.context.unroute("**/*.ipynb")
    with tab.expect_download():
        tab.get_by_role("button", name="Download my answers").click()
    expect(said).to_have_count(0)


FULL_STORAGE = """
    const { setItem } = Storage.prototype;
    Storage.prototype.setItem = function (key, value) {
        if (key.startsWith("adagrad")) throw new DOMException("", "QuotaExceededError");
        setItem.call(this, key, value);
    };"""


@pytest.mark.parametrize("first", [BLOCK_STORAGE, FULL_STORAGE], ids=["blocked", "full"])
def test_where_nothing_can_be_kept_an_answer_is_written_all_the_same(open_tab, first):
    tab = open_tab(BRIEF, first=first)
    write(exercise(tab, "0.1"), BY_HAND)
    assert BY_HAND in exercise(tab, "0.1").inner_text()
    tab.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    assert BY_HAND in exercise(tab, "0.1").inner_text()
    exercise(tab, "0.1").get_by_role("button", name="Start over").click()
    assert BY_HAND not in exercise(tab, "0.1").inner_text()
    assert tab.get_by_text(f"0 of {count(BRIEF)} solved").is_visible()


def test_a_page_is_left_while_python_is_loaded(browser, address):
    with watched_tabs(browser, address) as (open_page, wrongs):
        tab = open_page(BRIEF)
        press(exercise(tab, "0.1"))
        exercise(tab, "0.1").locator("progress").wait_for(timeout=PATIENCE)
        tab.goto("about:blank")
        tab.wait_for_load_state("networkidle")
    # What was on its way is broken off, which is as it should be.
    assert [wrong for wrong in wrongs if not wrong.startswith("failed: ")] == []


def test_a_finger_opens_the_editor_on_a_phone(open_tab):
    tab = open_tab(BRIEF, width=PHONE, has_touch=True)
    this = exercise(tab, "0.1")
    this.locator("pre").first.tap()
    expect(this.locator(".cm-content")).to_be_focused(timeout=PATIENCE)
    tab.keyboard.type("long_line = " + "x" * 200)
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    small = this.locator(".live-tools button:visible").evaluate_all(
        "(buttons) => buttons.filter((b) => b.getBoundingClientRect().height < 24).length"
    )
    assert small == 0


def test_python_that_cannot_be_loaded_is_explained_and_asked_for_again(open_tab):
    """The site's host may be away for a while, or a reader's train in a tunnel."""
    tab = open_tab(BRIEF)
    this = exercise(tab, "0.1")
    write(this, BY_HAND)
    tab.context.route("**/_static/live/packages.json", lambda route: route.fulfill(body="?"))
    press(this)
    assert "Python" in result(this)
    tab.context.unroute("**/_static/live/packages.json")
    assert ALSO_SOLVED in run(this)


# What is asked for, and when ------------------------------------------------------------------


def test_before_the_first_press_a_page_loads_little(open_tab, site):
    tab = open_tab(CHAPTER)
    tab.evaluate("scrollTo(0, document.body.scrollHeight)")
    tab.wait_for_load_state("networkidle")
    loaded = tab.evaluate(
        """() => performance.getEntriesByType("resource").map(({ name }) => name)
            .filter((name) => name.includes("/_static/live/"))
            .map((name) => new URL(name).pathname)"""
    )
    assert [Path(path).name for path in loaded] == ["page.js"]
    sizes = [len(gzip.compress((site / path[1:]).read_bytes(), 9)) for path in loaded]
    assert sum(sizes) <= 4096


def test_a_page_opened_as_a_file_says_what_to_do(open_tab):
    tab = open_tab(CHAPTER, over="file")
    for this in (exercise(tab, "1.1"), cell(tab, PRINTS)):
        press(this)
        assert "make serve" in this.locator(".live-status").inner_text()
        assert this.locator("pre").first.is_visible()
        assert this.locator(".live-stop").is_hidden()


def test_without_javascript_the_page_is_as_before(open_tab):
    tab = open_tab(CHAPTER, java_script_enabled=False)
    assert tab.locator("[class^=live-]").count() == 0
    check = tab.locator('[data-exercise="1.1"] + div.cell')
    assert "1.1: not attempted yet" in check.locator(".cell_output").inner_text()


def test_cells_that_need_pytorch_say_where_they_run(open_tab, site):
    tab = open_tab(WITH_TORCH)
    cells = tab.locator('[data-torch=""]')
    assert cells.count() > 9
    for this in cells.all():
        assert "PyTorch" in this.locator(".live-torch").text_content()
        assert this.locator("button:not(.copybtn)").count() == 0
    target = cells.first.locator(".live-torch a").evaluate("a => new URL(a.href).pathname")
    assert target == "/chapters/setup.html"
    assert (site / target[1:]).is_file()


def test_all_that_is_beside_the_pages_is_under_100_megabytes(site):
    folder = site / "_static" / "live"
    assert sum(path.stat().st_size for path in folder.rglob("*")) < 100e6
    told = json.loads((folder / "packages.json").read_text(encoding="utf-8"))
    named = {name for names in told["files"].values() for name in names}
    assert {name for name in named if not (folder / name).is_file()} == set()


def test_pages_say_how_much_the_first_press_loads(site):
    told = json.loads((site / "_static" / "live" / "packages.json").read_text(encoding="utf-8"))
    for page in ("setup", "welcome", "teaching"):
        text = (ROOT / "chapters" / f"{page}.md").read_text(encoding="utf-8")
        assert re.search(rf"\b{told['total'] / 1e6:.0f} MB", text)


# Without the packages -------------------------------------------------------------------------

LIVE_PAGE = """---
file_format: mystnb
kernelspec:
  name: python3
  language: python
---

# Title

A paragraph.

```{code-cell}
1 + 1
```
"""
OFFLINE = {
    "PIP_NO_INDEX": "1",
    **dict.fromkeys(["https_proxy", "HTTPS_PROXY"], "http://127.0.0.1:9"),
    **dict.fromkeys(["no_proxy", "NO_PROXY"]),
}


@pytest.fixture(scope="module")
def without_packages(tmp_path_factory):
    """A copy of what makes the site that has not fetched the packages."""
    home = tmp_path_factory.mktemp("without")
    leave = shutil.ignore_patterns("compiled", "packages", "node_modules", "__pycache__")
    shutil.copytree(ROOT / "site", home / "site", ignore=leave)
    (home / "src").symlink_to(ROOT / "src", target_is_directory=True)
    shutil.copytree(book_site.SITE / "node_modules", home / "site" / "node_modules")
    return home


def test_without_the_packages_the_book_is_built_and_says_so(small_book, without_packages):
    result, page = small_book(LIVE_PAGE, home=without_packages, REQUIRE_LIVE=None, **OFFLINE)
    assert result.returncode == 0, result.stdout
    said = "The book is built without cells that run in the page"
    assert len(re.findall(said, result.stdout)) == 1
    html = page.read_text(encoding="utf-8")
    assert "1 + 1" in re.sub("<.*?>", "", html)
    assert "data-live" not in html
    assert "/live/" not in html
    assert not (page.parents[1] / "_static" / "live").exists()


def test_where_they_are_required_a_build_without_them_fails(small_book, without_packages):
    result, page = small_book(LIVE_PAGE, home=without_packages, REQUIRE_LIVE="1", **OFFLINE)
    assert result.returncode != 0
    assert "The pages' cells cannot run: numpy-" in result.stdout
    assert not page.exists()


@pytest.fixture
def fetching(tmp_path, monkeypatch):
    """A function that fetches two packages; what the sources have is in its attribute `sources`.

    Each source is a name and the content of each file, or an error; `asked` has what was asked for.
    """
    lock = {
        "info": {"version": "0"},
        "packages": {
            "numpy": {
                "file_name": "numpy.whl",
                "sha256": book_live.sha256(b"numpy").hexdigest(),
                "depends": ["libs", "matplotlib-pyodide"],
            },
            "libs": {
                "file_name": "libs.zip",
                "sha256": book_live.sha256(b"libs").hexdigest(),
                "depends": [],
            },
        },
    }
    site, build = tmp_path / "site", tmp_path / "_build"
    (site / "live").mkdir(parents=True)
    build.mkdir()
    monkeypatch.setattr(book_live, "SITE", site)
    monkeypatch.setattr(book_live, "IMPORTED", ("numpy",))

    def fetch():
        fetch.asked = []
        return book_live.fetch_packages(lock, build)

    def source(name):
        def bring(names, version, target):
            fetch.asked.append((name, sorted(names)))
            content = fetch.sources[name]
            if isinstance(content, OSError):
                raise content
            for file in names:
                (target / file).write_bytes(content[file])

        bring.__name__ = name
        return bring

    for name in ("from_mirror", "from_carrier"):
        monkeypatch.setattr(book_live, name, source(name))
    fetch.home = site / "live" / "packages"
    return fetch


WHOLE = {"numpy.whl": b"numpy", "libs.zip": b"libs"}
BOTH = sorted(WHOLE)


def test_packages_are_fetched_once(fetching):
    fetching.sources = {"from_mirror": WHOLE}
    assert fetching() == fetching.home
    assert fetching.asked == [("from_mirror", BOTH)]
    assert {path.name: path.read_bytes() for path in fetching.home.iterdir()} == WHOLE
    fetching()
    assert fetching.asked == []


def test_a_package_with_a_wrong_byte_is_fetched_again(fetching):
    fetching.sources = {"from_mirror": WHOLE}
    fetching()
    (fetching.home / "numpy.whl").write_bytes(b"numqy")
    fetching()
    assert fetching.asked == [("from_mirror", ["numpy.whl"])]
    assert (fetching.home / "numpy.whl").read_bytes() == b"numpy"


def test_a_source_with_a_wrong_byte_is_refused_and_the_next_one_asked(fetching):
    fetching.sources = {"from_mirror": WHOLE | {"libs.zip": b"lips"}, "from_carrier": WHOLE}
    fetching()
    assert fetching.asked == [("from_mirror", BOTH), ("from_carrier", ["libs.zip"])]
    assert (fetching.home / "libs.zip").read_bytes() == b"libs"


def test_where_no_source_has_the_right_file_that_is_said(fetching):
    refused = OSError("refused")
    fetching.sources = {"from_mirror": WHOLE | {"libs.zip": b"lips"}, "from_carrier": refused}
    with pytest.raises(OSError, match=r"libs.zip could not be fetched. from_carrier: refused"):
        fetching()
    assert not (fetching.home / "libs.zip").exists()


def test_beside_a_book_that_cannot_be_written_to_packages_are_kept_with_what_is_built(
    fetching, monkeypatch
):
    monkeypatch.setattr(book_live.os, "access", lambda *given: False)
    fetching.sources = {"from_mirror": WHOLE}
    home = fetching()
    assert home == fetching.home.parents[2] / "_build" / "live-packages"
    assert sorted(path.name for path in home.iterdir()) == BOTH


# Their modules are compiled once ---------------------------------------------------------------


def test_the_site_has_modules_compiled_once_and_for_its_own_python(site):
    """Their head is the version, and a flag that says: do not look whether the source is newer."""
    folder = site / "_static" / "live"
    archives = [*folder.glob("*.whl"), folder / "python_stdlib.zip"]
    heads = set()
    for path in archives:
        with ZipFile(path) as archive:
            assert [name for name in archive.namelist() if name.endswith(".py")] == []
            compiled = [name for name in archive.namelist() if name.endswith(".pyc")]
            heads |= {archive.read(name)[:8] for name in compiled}
    assert len(archives) > 15
    assert heads == {b"\xcb\x0d\r\n\x01\0\0\0"}  # 3531, that of Python 3.12


@pytest.fixture
def packing(tmp_path, monkeypatch):
    """A function that compiles a small archive, which must happen `once`, or `not at all`."""
    source = tmp_path / "small.whl"
    with ZipFile(source, "w") as archive:
        archive.writestr("small/__init__.py", "where = (lambda: 0).__code__.co_filename\n")
        archive.writestr("small/template.py", "this is no Python\n")
        archive.writestr("small/table.csv", "1,2\n")
        archive.writestr("small/fast.pyx", "cdef int fast\n")
        archive.writestr("small/tests/test_small.py", "assert True\n")
    home = tmp_path / "compiled"
    monkeypatch.setattr(book_live, "home_of", lambda name, build, missing: (home, missing(home)))
    modules, run = book_site.fetch_modules(ROOT / "_build"), book_site.run_script

    def compile_it(how_often):
        ran = []
        monkeypatch.setattr(book_live, "run_script", lambda *given: ran.append(run(*given)))
        assert book_live.compile_packages([source], modules, tmp_path) == home
        assert len(ran) == {"once": 1, "not at all": 0}[how_often]
        return home / source.name

    return compile_it


def test_packages_are_compiled_once_without_what_is_not_needed(packing):
    with ZipFile(packing("once")) as archive:
        assert archive.namelist() == ["small/__init__.pyc", "small/table.csv", "small/template.py"]
        assert b"site-packages/small/__init__.py" in archive.read("small/__init__.pyc")
    packing("not at all")


def test_what_is_half_written_or_of_another_package_is_compiled_anew(packing, tmp_path):
    whole = packing("once").read_bytes()
    (tmp_path / "compiled" / "small.whl").write_bytes(whole[: len(whole) // 2])
    assert packing("once").read_bytes() == whole
    with ZipFile(tmp_path / "small.whl", "a") as archive:
        archive.writestr("small/more.py", "more = 1\n")
    with ZipFile(packing("once")) as archive:
        assert "small/more.pyc" in archive.namelist()


def test_an_interrupted_compilation_leaves_nothing(packing, tmp_path, monkeypatch):
    def interrupt(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(book_live, "pack", interrupt)
        with pytest.raises(KeyboardInterrupt):
            packing("once")
    assert list((tmp_path / "compiled").iterdir()) == []
    assert list(tmp_path.glob(f"{book_site.HALF_MADE}*")) == []
    packing("once")
