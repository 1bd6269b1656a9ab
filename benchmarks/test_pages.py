"""How long a reader waits for a check in the page: the first, the next, and the first elsewhere.

Needs the built site: `make book`, then `make bench`.
"""

import time
from pathlib import Path

import pytest
import screenshots

SITE = Path(__file__).parents[1] / "_build" / "html"


@pytest.fixture
def address():
    if not (SITE / "_static" / "live").is_dir():
        pytest.skip("make book builds the pages that this times")
    with screenshots.served(SITE) as served:
        yield f"{served}/chapters/"


def seconds_of_a_check(tab, number):
    """Press Check at an exercise; return how long its report takes."""
    exercise = tab.locator(f'[data-exercise="{number}"]')
    exercise.scroll_into_view_if_needed()
    # Who has read down to here has all of the page laid out: see site/book.js.
    tab.locator("html:not([data-later])").wait_for(state="attached")
    before = time.perf_counter()
    exercise.locator(".live-check").click()
    exercise.get_by_text("not attempted yet").wait_for()
    return time.perf_counter() - before


def test_a_check_in_the_page(address, capsys):
    rounds = []
    with screenshots.chromium() as browser:
        for _ in range(3):
            context = browser.new_context()  # with an empty cache
            context.set_default_timeout(120_000)
            tab = context.new_page()
            tab.goto(address + "01-learning-rates.html")
            first = seconds_of_a_check(tab, "1.1")
            following = seconds_of_a_check(tab, "1.3")
            tab.goto(address + "02-deriving-adagrad.html")
            rounds.append((first, following, seconds_of_a_check(tab, "2.1")))
            context.close()
    with capsys.disabled():
        print("\nseconds from press to report, median of 3 visits")
        for i, name in enumerate(("first", "next", "on another page")):
            print(f"  {name:16}{sorted(times[i] for times in rounds)[1]:6.2f}")
