"""How much a reader's browser has to load before a page is there."""

import gzip
import os
import re
from types import SimpleNamespace
from urllib.parse import urlsplit

import book_weight
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
    return (230 if re.search(r"/(\d\d-|half)", page) else 200) * KIB


@pytest.fixture
def visit(open_tab, site):
    """A function that opens a page on a phone; it returns the tab and what was loaded."""

    def visit(page):
        tab = open_tab(page, width=390, first=NOTE_SHIFTS, whole=False)
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
    assert sum(tab.evaluate("shifts")) < 0.06  # a font of formulas that is late


def test_pictures_keep_their_place_and_load_when_they_are_seen(pages):
    for name, page in pages.items():
        images = [a for tag, a in page.elements if tag == "img" and "_images/" in a["src"]]
        assert all(a["width"] and a["height"] for a in images), name
        assert all(a["loading"] == "lazy" for a in images), name


def laid_out(tab):
    """How many elements are laid out."""
    session = tab.context.new_cdp_session(tab)
    session.send("Performance.enable")
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(m["value"] for m in metrics if m["name"] == "LayoutObjects")


# Long ones, in which most is folded or far down.
LONG = ("chapters/08-in-practice.html", "chapters/api.html")
LATER = "'later' in document.documentElement.dataset"
NO_MORE = "html:not([data-later])"
HEIGHT = "document.documentElement.scrollHeight"


@pytest.mark.parametrize("name", LONG)
def test_what_is_far_down_is_laid_out_when_the_reader_does_something(open_tab, name):
    whole = open_tab(name, width=390)
    whole.wait_for_timeout(1000)
    tab = open_tab(name, width=390, whole=False)
    tab.wait_for_timeout(1000)
    assert tab.evaluate(LATER)
    assert laid_out(tab) < 4000 < laid_out(whole)
    tab.mouse.wheel(0, 100)
    tab.locator(NO_MORE).wait_for()
    assert tab.evaluate(HEIGHT) == whole.evaluate(HEIGHT)


def test_what_is_folded_is_not_laid_out(open_tab):
    """The theme's script would ask all that may scroll whether it does."""
    tab = open_tab(LONG[0])
    tab.wait_for_timeout(1000)
    assert laid_out(tab) < 20_000


def test_a_reader_comes_back_to_the_same_place(open_tab):
    tab = open_tab(LONG[0], width=390, whole=False)
    tab.mouse.wheel(0, 3000)
    tab.locator(NO_MORE).wait_for()
    tab.mouse.wheel(0, 9000)
    tab.wait_for_timeout(500)
    place = "document.elementFromPoint(200, 400).closest('[id]').id"
    before = tab.evaluate(place)
    tab.reload()
    tab.wait_for_timeout(1000)
    assert not tab.evaluate(LATER)
    assert tab.evaluate(place) == before


def test_links_lead_to_their_place_while_the_rest_waits(open_tab):
    tab = open_tab(LONG[0], width=390, whole=False)
    tab.evaluate("location.hash = 'exercises'")
    tab.locator(NO_MORE).wait_for()
    tab.wait_for_timeout(300)
    assert 0 <= tab.locator("#exercises").bounding_box()["y"] < 200
    assert not open_tab(f"{LONG[0]}#exercises", whole=False).evaluate(LATER)


def test_paper_has_all(open_tab):
    tab = open_tab(LONG[1], whole=False)
    tab.emulate_media(media="print")
    assert tab.evaluate(LATER)
    last = "[...document.querySelectorAll('.bd-article dl.py')].at(-1)"
    assert tab.evaluate(f"getComputedStyle({last}).contentVisibility") == "visible"


def test_nothing_moves_while_a_figure_plays(open_tab):
    tab = open_tab("chapters/welcome.html", width=390)
    heights = tab.locator(".explorable").evaluate("""figure =>
        Array.from({ length: 31 }, (_, step) => {
            figure.explorable.set({ step });
            return figure.offsetHeight;
        })""")
    assert len(set(heights)) == 1


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


def test_the_stylesheet_stays_where_the_pages_use_the_same_of_it(small_book):
    _, page = small_book("# Title\n\nSome text.")
    source, style = page.parents[3], page.parents[1] / "_static" / "style" / "style.css"
    os.utime(style, (0, 0))
    result, _ = small_book("# Title\n\nText, some.", source=source)
    assert result.returncode == 0, result.stdout
    assert style.stat().st_mtime == 0


def test_only_changed_pages_are_written_again(small_book):
    _, page = small_book("# Title\n\nText.")
    source, other = page.parents[3], page.with_name("more.html")
    (source / "chapters" / "more.md").write_text("# More\n\nText.", encoding="utf-8")
    toc = "format: jb-book\nroot: chapters/page\nchapters: [{file: chapters/more}]\n"
    result, _ = small_book("# Title\n\nText.", source=source, toc=toc)
    assert result.returncode == 0, result.stdout
    written = other.stat().st_mtime_ns
    small_book("# Title\n\nAnother text.", source=source, toc=toc)
    assert other.stat().st_mtime_ns == written
    assert "Another" in page.read_text(encoding="utf-8")


def test_another_script_of_the_theme_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(book_weight, "ASKS_ALL", "what is not there")
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path)
    with pytest.raises(book_weight.ExtensionError, match=r"is another than .* knows"):
        book_weight.leave_folded(app, None)
