"""Every page can be used by everyone, in light and in dark, and fits on a phone."""

from access import FORMULAS, faint, is_complete, set_theme, set_width, simplify, violations

CHAPTER = "chapters/01-learning-rates.html"
DESKTOP, PHONE = 1280, 390  # pixels


def unfold(tab):
    """Open everything that folds, and let the page's observers see it in the next two frames."""
    tab.evaluate(
        """() => {
            for (const details of document.querySelectorAll("details")) details.open = true;
            const frame = (then) => requestAnimationFrame(() => setTimeout(then));
            return new Promise((seen) => frame(() => frame(seen)));
        }"""
    )


def scrolling(tab, which="*"):
    """The beginning of everything in which one must scroll to read it."""
    return tab.evaluate(
        """which => [...document.querySelectorAll(`.bd-article ${which}`)]
            .filter((e) => {
                const { overflowX, overflowY } = getComputedStyle(e);
                const can = (overflow) => ["auto", "scroll"].includes(overflow);
                return can(overflowX) && e.scrollWidth > e.clientWidth
                    || can(overflowY) && e.scrollHeight > e.clientHeight;
            })
            .map((e) => e.textContent.slice(0, 200))""",
        which,
    )


READABLE = set()  # the looks of what was on pages without a fault
BY_MOUSE_ONLY = ":not([tabindex='0'])"


def test_a_page_loads_without_a_complaint_is_accessible_and_fits(open_tab, page):
    """In one test, as to load a page takes longest."""
    tab = open_tab(page, width=DESKTOP, color_scheme="light")
    assert is_complete(tab)
    unfold(tab)
    assert scrolling(tab) == []
    simplify(tab)
    for width in (320, 800, 1000, 1199, 1200, 1600, PHONE):  # margin notes change place at 1200
        set_width(tab, width)
        overflow = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{width} pixels"
    # The menus of a phone are the same on all pages; they are tested below.
    assert scrolling(tab, BY_MOUSE_ONLY) == []
    set_width(tab, DESKTOP)
    simplify(tab, ".katex")
    assert violations(tab, known=READABLE) == []
    set_theme(tab, "dark")
    assert faint(tab, known=READABLE) == []


def test_code_has_contrast_and_so_has_everything_on_a_phone(open_tab):
    code, phone = open_tab(CHAPTER), open_tab("chapters/welcome.html", width=PHONE)
    simplify(code, FORMULAS)
    for theme in ("light", "dark"):
        set_theme(code, theme)
        assert faint(code, "pre", exclude=()) == []
        set_theme(phone, theme)
        assert violations(phone) == []


# Each of these, done to one element among many of its kind, must be noticed.
FAINT = {
    "letters": "e.style.color = '#bbb'",
    "ground": "e.style.backgroundColor = '#555'",
    "ground further out": "e.parentElement.style.backgroundColor = '#555'",
    "see-through": "e.parentElement.style.opacity = 0.3",
    "from its place": "e.style.cssText = 'position: absolute; top: 0; color: #bbb'",
    "one word": "e.innerHTML = `Some <b style='color: #bbb'>words</b>`",
    "the value of a field": "e.innerHTML = `<input value='Words' style='color: #bbb'>`",
}


def test_what_is_too_faint_is_noticed(open_tab):
    tab = open_tab("chapters/welcome.html", color_scheme="light")
    article = tab.locator(".bd-article")
    whole = article.inner_html()
    for name, mistake in FAINT.items():
        assert faint(tab, ".bd-article") == []
        sentences = article.locator("p:visible", has_text="the")
        assert sentences.count() > 20
        sentences.nth(4).evaluate(f"e => {{ {mistake} }}")
        assert faint(tab, ".bd-article") != [], name
        article.evaluate("(e, whole) => (e.innerHTML = whole)", whole)


def test_wide_things_are_reached_by_keyboard_on_a_phone(open_tab):
    tab = open_tab(CHAPTER, width=PHONE)
    unfold(tab)
    assert scrolling(tab)
    assert scrolling(tab, BY_MOUSE_ONLY) == []
