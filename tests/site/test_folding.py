"""What goes deeper is folded: it opens where a reader wants it, is led into it, or prints it."""

import pytest

PAGE = """# Title

:::{admonition} In this chapter
You learn.
:::

## First

[a section](#sec-aside), [a paragraph](#in-it), {eq}`eq-in-it`

(sec-aside)=
### Going deeper: why it is so

Nobody sees *this* at first.

$$
x = y
$$ (eq-in-it)

(in-it)=
#### A detail

:::{dropdown} Proof
Of that.
:::

## Second

::::{admonition} Predict
:class: predict
What?

:::{dropdown} This
No.
:::
::::
"""


@pytest.fixture(scope="module")
def folder(small_book):
    result, page = small_book(PAGE)
    assert result.returncode == 0, result.stdout
    return page.parents[1].as_uri() + "/"


@pytest.fixture
def open_page(open_tab, folder):
    return lambda suffix="", **options: open_tab(
        f"chapters/page.html{suffix}", root=folder, **options
    )


def opened(tab):
    """Whether the folded part, the proof in it and a prediction's answer are open."""
    details = ("details.deeper", "details.deeper details", ".predict details")
    return [tab.locator(which).first.evaluate("e => e.open") for which in details]


def test_it_is_closed_and_opens_by_keyboard(open_page):
    tab = open_page()
    heading = tab.locator("details.deeper > summary > h3")
    assert "Going deeper: why it is so" in heading.inner_text()
    text = tab.get_by_text("Nobody sees")
    assert not text.is_visible()
    tab.locator("details.deeper > summary").focus()
    tab.keyboard.press("Enter")
    assert text.is_visible()
    assert tab.get_by_role("heading", name="Second").is_visible()
    tab.keyboard.press("Enter")
    assert not text.is_visible()


@pytest.mark.parametrize("link", ["a section", "a paragraph", "(1)"])
def test_a_link_into_it_opens_it(open_page, link):
    tab = open_page()
    tab.locator(".bd-article a", has_text=link).first.click()
    tab.wait_for_function("document.querySelector('details.deeper').open")
    target = tab.locator(":target")
    tab.wait_for_function(
        "e => { const y = e.getBoundingClientRect().top; return y >= 0 && y < innerHeight }",
        arg=target.element_handle(),
    )


@pytest.mark.parametrize("anchor", ["#sec-aside", "#in-it", "#equation-eq-in-it"])
def test_who_comes_by_such_a_link_finds_it_open(open_page, anchor):
    assert opened(open_page(anchor)) == [True, False, False]


def test_other_links_leave_it_closed(open_page):
    assert opened(open_page("#second")) == opened(open_page("#nowhere")) == [False] * 3


@pytest.mark.parametrize(("word", "expected"), [("nobody", [1, 0, 0]), ("that", [1, 1, 0])])
def test_words_that_were_searched_for_are_seen(open_page, word, expected):
    tab = open_page(f"?highlight={word}")
    tab.locator(".highlighted").first.wait_for(state="visible")
    assert opened(tab) == expected


def test_a_button_unfolds_all_but_the_answers_and_folds_it_again(open_page):
    tab = open_page()
    button = tab.get_by_role("button", name="Unfold everything")
    button.click()
    assert opened(tab) == [True, True, False]
    tab.get_by_role("button", name="Fold everything").click()
    assert opened(tab) == [False, False, False]
    assert button.is_visible()


def test_paper_has_it(open_page):
    tab = open_page()
    tab.emulate_media(media="print")
    assert tab.get_by_text("Nobody sees").is_visible()
    assert not tab.locator("button.unfold").is_visible()


def test_without_a_script_it_opens_and_nothing_promises_more(open_page):
    tab = open_page(java_script_enabled=False)
    assert tab.locator("button.unfold").count() == 0
    tab.locator("details.deeper > summary").click()
    assert tab.get_by_text("Nobody sees").is_visible()


def test_the_pages_contents_leave_it_out(open_page):
    tab = open_page()
    entries = tab.locator(".page-toc a:visible").all_inner_texts()
    assert [text.strip() for text in entries] == ["First", "Second"]
