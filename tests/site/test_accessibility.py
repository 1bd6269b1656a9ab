"""Every page can be used by everyone, in light and in dark, and fits on a phone."""

from axe_playwright_python.sync_playwright import Axe

CHAPTER = "chapters/01-learning-rates.html"
DESKTOP, PHONE = 1280, 390  # pixels


def violations(tab, include="body", exclude=(".katex", "pre"), **options):
    """What axe complains about: by all its rules, or by those that the options name.

    Formulas are left out for their thousands of elements (KaTeX gives each its MathML), and so is
    code, which looks the same on all pages.
    """
    context = {"include": [[include]], "exclude": [[selector] for selector in exclude]}
    options |= {"preload": False, "resultTypes": ["violations"]}
    found = Axe().run(tab, context=context, options=options).response["violations"]
    return [f"{v['id']}: {node['html'][:200]}" for v in found for node in v["nodes"]]


def set_theme(tab, theme):
    tab.emulate_media(color_scheme=theme)
    tab.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)


def set_width(tab, width):
    tab.set_viewport_size({"width": width, "height": 844})


def unfold(tab):
    """Open everything that folds, and let the page's observers see it."""
    tab.evaluate(
        """() => {
            for (const details of document.querySelectorAll("details")) details.open = true;
            return new Promise((seen) => requestAnimationFrame(() => setTimeout(seen)));
        }"""
    )


def test_a_page_is_accessible_and_fits(open_tab, page):
    tab = open_tab(page, width=DESKTOP, color_scheme="light")
    unfold(tab)
    assert violations(tab) == []
    set_theme(tab, "dark")
    assert violations(tab, runOnly=["color-contrast"]) == []
    set_width(tab, PHONE)
    assert violations(tab, rules={"color-contrast": {"enabled": False}}) == []
    for width in (320, PHONE, 800, 1000, 1199, 1200, 1600):  # margin notes change place at 1200
        set_width(tab, width)
        overflow = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{width} pixels"


def test_code_has_contrast_and_so_has_everything_on_a_phone(open_tab):
    code, phone = open_tab(CHAPTER), open_tab("chapters/welcome.html", width=PHONE)
    for theme in ("light", "dark"):
        set_theme(code, theme)
        assert violations(code, include="pre", exclude=(), runOnly=["color-contrast"]) == []
        set_theme(phone, theme)
        assert violations(phone) == []


def test_wide_things_are_reached_by_keyboard_on_a_phone(open_tab):
    tab = open_tab(CHAPTER, width=PHONE)
    unfold(tab)
    unreachable = tab.evaluate(
        """() => [...document.querySelectorAll(".bd-article *")]
            .filter((e) => ["auto", "scroll"].includes(getComputedStyle(e).overflowX)
                           && e.scrollWidth > e.clientWidth && e.tabIndex < 0)
            .map((e) => e.outerHTML.slice(0, 200))"""
    )
    assert unreachable == []
