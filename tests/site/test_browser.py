"""The site as its readers meet it: in a browser, on a phone, by keyboard, without a server."""

import re

import pytest
from access import BLOCK_STORAGE, focus_with_tab, is_complete

CHAPTER = "chapters/01-learning-rates.html"
SHORT = "chapters/glossary.html"  # for what is the same on all pages: others take longer to load
PHONE = 390  # pixels


def theme(tab):
    return tab.evaluate("document.documentElement.dataset.theme")


def test_a_page_loads_without_a_server_and_without_a_complaint(open_tab, page):
    """From a server it is loaded, as strictly, in test_accessibility.py."""
    assert is_complete(open_tab(page, "file"))


@pytest.mark.parametrize("over", ["http", "file"])
def test_the_root_leads_to_the_first_page(open_tab, over):
    open_tab("index.html", over, whole=False).wait_for_url("**/chapters/welcome.html")


def themes_when_switched(tab):
    """The theme at first, after the switch was pressed, and after the page was loaded again."""
    themes = [theme(tab)]
    focus_with_tab(tab, ".theme-switch-button")
    tab.keyboard.press("Enter")
    themes.append(theme(tab))
    tab.reload()
    return [*themes, theme(tab)]


@pytest.mark.parametrize("over", ["http", "file"])
def test_light_and_dark_are_switched_by_keyboard_and_remembered(open_tab, over):
    tab = open_tab(SHORT, over, color_scheme="light")
    assert themes_when_switched(tab) == ["light", "dark", "dark"]


def test_where_storage_is_blocked_the_page_works_and_follows_the_system(open_tab):
    tab = open_tab(SHORT, color_scheme="dark", first=BLOCK_STORAGE)
    assert themes_when_switched(tab) == ["dark", "light", "dark"]


def test_a_page_on_a_dark_screen_is_printed_light(open_tab):
    tab = open_tab(SHORT, color_scheme="dark")
    for event, expected in [("beforeprint", "light"), ("afterprint", "dark")]:
        tab.evaluate("event => dispatchEvent(new Event(event))", event)
        assert theme(tab) == expected


def test_paper_has_every_prediction_and_the_solutions_that_were_opened(open_tab):
    tab = open_tab(CHAPTER)
    tab.emulate_media(media="print")
    answers, solutions = (
        tab.locator(f"details:{which}(.solution) > div:not(.live-tools)").all()
        for which in ("not", "is")
    )
    assert {answer.is_visible() for answer in answers} == {True}
    assert {solution.is_visible() for solution in solutions} == {False}
    tab.evaluate("document.querySelector('details.solution').open = true")
    assert [solution.is_visible() for solution in solutions[:2]] == [True, False]


def test_the_page_to_pin_up_is_printed_on_one_side(open_tab):
    margin = dict.fromkeys(["top", "right", "bottom", "left"], "1cm")
    printed = open_tab("chapters/on-one-page.html").pdf(format="A4", margin=margin)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1


@pytest.mark.parametrize("over", ["http", "file"])
def test_search_finds_the_first_chapter(open_tab, over):
    def idle():  # to leave a page breaks off what it still loads, if only its icon
        tab.wait_for_load_state("networkidle")

    tab = open_tab("chapters/welcome.html", over)
    idle()
    tab.keyboard.press("Control+k")
    tab.keyboard.type("learning rate")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/search.html?q=learning+rate")
    result = tab.locator(f"ul.search > li:has(a[href^='{CHAPTER}'])").first
    result.wait_for()
    if over == "http":  # only there may a script read the pages that it quotes
        result.locator("p.context").wait_for()
    idle()
    result.locator("a").click()
    tab.wait_for_url(f"**/{CHAPTER}*")
    idle()


def test_a_solution_is_closed_and_opens_by_keyboard(open_tab):
    tab = open_tab(CHAPTER)
    solutions = tab.locator("details.solution")
    assert solutions.count() > 0
    assert tab.locator("details.solution[open]").count() == 0
    summary = solutions.first.locator("summary").first
    summary.focus()
    tab.keyboard.press("Enter")
    assert solutions.first.get_attribute("open") is not None
    assert solutions.first.locator(".sd-summary-content").is_visible()


def test_the_table_of_contents_is_used_by_keyboard_on_a_phone(open_tab):
    tab = open_tab("chapters/welcome.html", width=PHONE)
    entry = tab.locator(f"nav.bd-docs-nav a[href$='{CHAPTER.split('/')[1]}']")
    assert not entry.is_visible()
    focus_with_tab(tab, ".primary-toggle")
    tab.keyboard.press("Enter")
    entry.wait_for(state="visible")
    tab.keyboard.press("Escape")
    entry.wait_for(state="hidden")
    tab.keyboard.press("Enter")
    entry.focus()
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**/{CHAPTER}")


def test_the_side_bar_folds_away(open_tab):
    tab = open_tab(SHORT)
    sidebar = tab.locator("#pst-primary-sidebar")
    assert sidebar.is_visible()
    tab.locator(".primary-toggle").click()
    sidebar.wait_for(state="hidden")


def test_the_launch_menu_opens_by_keyboard(open_tab):
    tab = open_tab(CHAPTER)
    focus_with_tab(tab, ".dropdown-launch-buttons > button")
    tab.keyboard.press("Enter")
    tab.locator("a[href^='https://mybinder.org/']").wait_for(state="visible")


def test_code_is_copied(open_tab):
    tab = open_tab(CHAPTER)
    cell = tab.locator(".cell_input:visible").first
    cell.hover()
    cell.locator("button.copybtn").click()
    cell.locator("button.copybtn.success").wait_for()


def test_a_page_can_be_read_without_javascript(open_tab):
    tab = open_tab(CHAPTER, java_script_enabled=False)
    assert tab.locator("main h1:visible").is_visible()
    assert tab.locator(".bd-article p .katex-html").first.is_visible()
    assert not tab.locator("details.solution .sd-summary-content").first.is_visible()
    assert not tab.locator(".theme-switch-button").is_visible()


def test_focus_is_seen(open_tab):
    tab = open_tab(SHORT)
    focus_with_tab(tab, ".bd-article a")
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
