"""How much a reader's browser has to load before a page is there."""

import gzip
import re
from urllib.parse import urlsplit

import pytest
from access import pages_of_the_toc

KIB = 1024
# Where the page is not even painted before these are there: the second says light or dark.
WAITED_FOR = ["style.css", "theme.js"]
NOTE_SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((e) => e.value)))
        .observe({ type: "layout-shift", buffered: true });
"""
# Of a rule's selectors, without the states that come with a pointer, the keyboard or a script.
USED_RULES = """() => {
    const flat = (rules) => [...rules].flatMap((rule) =>
        rule.selectorText ? [rule.selectorText] : rule.cssRules ? flat(rule.cssRules) : []);
    const states = /::?(?!is|not|has|where|root|first|last|nth|only|empty)[\\w-]+(\\([^()]*\\))?/g;
    return flat(document.styleSheets[0].cssRules).map((selector) => {
        try {
            return [selector, document.querySelector(selector.replace(states, "")) !== null];
        } catch {
            return [selector, true];
        }
    });
}"""


def budget(page):
    """What a page may weigh, in bytes."""
    if page.endswith("welcome.html"):
        return 110 * KIB
    if page.endswith("api.html"):  # half of it is its text
        return 215 * KIB
    return (230 if re.search(r"/(\d\d-|half)", page) else 200) * KIB


@pytest.fixture
def visit(open_tab, site):
    """A function that opens a page on a phone; it returns the tab and what was loaded."""

    def visit(page):
        tab = open_tab(page, width=390, first=NOTE_SHIFTS)
        tab.wait_for_timeout(300)  # a font that is late moves what it sets
        script = (
            "performance.getEntriesByType('resource').map(e => [e.name, e.renderBlockingStatus])"
        )
        found = [(urlsplit(name), how) for name, how in tab.evaluate(script)]
        loaded = [(url.path.lstrip("/"), how) for url, how in found if url.scheme == "http"]
        return tab, [(page, "non-blocking"), *loaded]

    return visit


def test_a_page_is_light_and_waits_for_little(visit, site, page):
    tab, loaded = visit(page)
    sizes = {}
    for name, _ in loaded:
        content = (site / name).read_bytes()
        sizes[name] = min(len(content), len(gzip.compress(content)))
    assert sum(sizes.values()) <= budget(page), sorted(sizes.items(), key=lambda item: -item[1])
    waited_for = [name.rpartition("/")[2] for name, how in loaded if how == "blocking"]
    assert waited_for == WAITED_FOR
    assert sum(tab.evaluate("shifts")) < 0.05


def test_pictures_keep_their_place_and_all_but_the_first_are_not_loaded_at_once(pages):
    for name, page in pages.items():
        images = [a for tag, a in page.elements if tag == "img" and "_images/" in a["src"]]
        assert all(a["width"] and a["height"] for a in images), name
        assert [a.get("loading") for a in images] == [None, *["lazy"] * len(images)][: len(images)]


def test_the_stylesheet_has_few_rules_that_no_page_uses(open_tab):
    used = {}
    for page in [*pages_of_the_toc(), "search.html"]:
        for selector, found in open_tab(page).evaluate(USED_RULES):
            used[selector] = used.get(selector) or found
    unused = [selector for selector, found in used.items() if not found]
    assert len(used) > 500
    assert len(unused) < 0.4 * len(used), unused  # many are of what scripts add, and of code


def test_the_stylesheet_has_what_no_page_shows_at_first(site):
    css = (site / "_static" / "style" / "style.css").read_text(encoding="utf-8")
    for name in (
        *("[data-theme=dark]", ".tooltip", ".dropdown-menu.show", "mark", ".copybtn.success"),
        *("html[data-theme=dark] .highlight .k", ".live-check"),
        *('[data-verdict="holds with a caveat"]', ":focus-visible:not("),
    ):
        assert name in css, name


def test_a_page_that_stays_gets_the_address_of_the_new_stylesheet(small_book):
    _, page = small_book("# Title\n\nText.")
    source = page.parents[3]
    address = re.compile(r'style\.css\?v=\w+"')
    search = page.parents[1] / "search.html"
    before = address.search(page.read_text(encoding="utf-8"))[0]
    result, _ = small_book("# Title\n\n| A | B |\n|---|---|\n| 1 | 2 |\n", source=source)
    assert result.returncode == 0, result.stdout
    after = [address.search(path.read_text(encoding="utf-8"))[0] for path in (page, search)]
    assert after[0] == after[1] != before
