"""What the site says of itself elsewhere: descriptions, previews of links, the sitemap, and the
page for addresses that lead nowhere."""

import re
from types import SimpleNamespace
from xml.etree import ElementTree

import book_address
import pytest
from access import ADDRESS, TITLE, Page, pages_of_the_toc, violations
from docutils import nodes
from PIL import Image

LOCATION = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


def taken(address, monkeypatch, configured=""):
    if address is None:
        monkeypatch.delenv("BOOK_URL", raising=False)
    else:
        monkeypatch.setenv("BOOK_URL", address)
    config = SimpleNamespace(html_baseurl=configured)
    book_address.take_address(None, config)
    return config.html_baseurl


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://ada.github.io/grad", "https://ada.github.io/grad/"),
        ("https://ada.github.io/grad/", "https://ada.github.io/grad/"),
        ("https://ada.github.io", "https://ada.github.io/"),
        ("http://books.example.org:8080/a/b", "http://books.example.org:8080/a/b/"),
        ("", ""),
    ],
)
def test_the_address_is_that_of_a_folder(given, address, monkeypatch):
    assert taken(given, monkeypatch) == address


def test_the_environment_overrides_the_configuration(monkeypatch):
    configured = "https://books.example.org/grad"
    assert taken(None, monkeypatch, configured) == f"{configured}/"
    assert taken("", monkeypatch, configured) == ""
    assert taken("https://ada.github.io", monkeypatch, configured) == "https://ada.github.io/"


@pytest.mark.parametrize(
    "wrong",
    [
        "ada.github.io/grad",
        "//ada.github.io/grad",
        "/grad",
        "https://",
        "https:///grad",
        "ftp://ada.github.io",
        "https://ada.github.io/grad?a=b",
        "https://ada.github.io/#top",
        "https://ada.github.io/my book",
        "https://ada.github.io/\n",
        'https://ada.github.io/"><script>',
    ],
)
def test_what_is_no_address_is_refused(wrong, monkeypatch):
    with pytest.raises(book_address.ExtensionError, match=r"BOOK_URL must be .* and is ") as error:
        taken(wrong, monkeypatch)
    assert repr(wrong) in str(error.value)


def test_a_description_is_the_first_paragraph_of_the_text_cut_at_a_word():
    aside = nodes.sidebar("", nodes.paragraph(text="Not this."))
    text = nodes.paragraph(text="One\ntwo " + "three " * 40)
    section = nodes.section("", nodes.title(text="T"), aside, text)
    description = book_address.describe(section, length=20)
    assert description == "One two three three …"


PREVIEW = ("og:title", "og:description", "og:type", "og:site_name", "twitter:card")
ABSOLUTE = ("og:url", "og:image", "og:image:alt")


def preview(page, names=(*PREVIEW, *ABSOLUTE)):
    return {name: page.meta(name) for name in names}


def canonical(page):
    return [a["href"] for tag, a in page.elements if tag == "link" and a["rel"] == "canonical"]


def test_a_link_to_a_page_shows_what_the_page_is(pages, site):
    titles = set()
    for name in pages_of_the_toc():
        page = pages[name]
        shown = {key: value for key, (value,) in preview(page).items()}
        html = page.path.read_text(encoding="utf-8")
        heading = re.search(r"<title>(?:\d+\. )?(.*) &#8212; .*</title>", html)[1]
        assert shown["og:title"] == heading
        titles.add(heading)
        assert [shown["og:description"]] == page.meta("description")
        assert shown["og:type"] == ("website" if name == "chapters/welcome.html" else "article")
        assert shown["og:site_name"] == TITLE
        assert shown["og:url"] == f"{ADDRESS}/{name}"
        assert canonical(page) == [shown["og:url"]]
        assert shown["twitter:card"] == "summary_large_image"
        assert 20 < len(shown["og:image:alt"]) < 200
        picture = site / shown["og:image"].removeprefix(f"{ADDRESS}/")
        with Image.open(picture) as image:
            assert image.width >= 1200
            assert image.height >= 630
    assert len(titles) == len(pages_of_the_toc())


def test_a_link_to_the_root_shows_what_the_first_page_is(pages):
    root, first = pages["index.html"], pages["chapters/welcome.html"]
    assert root.meta("description") == first.meta("description")
    assert preview(root) == preview(first)
    assert canonical(root) == canonical(first)


def test_search_is_nothing_to_show(pages):
    assert not any(preview(pages["search.html"]).values())
    assert canonical(pages["search.html"]) == [f"{ADDRESS}/search.html"]


def test_the_sitemap_has_the_books_pages(site):
    found = ElementTree.parse(site / "sitemap.xml").iter(LOCATION)
    assert sorted(e.text for e in found) == sorted(f"{ADDRESS}/{p}" for p in pages_of_the_toc())
    robots = (site / "robots.txt").read_text(encoding="utf-8").splitlines()
    assert robots == ["User-agent: *", "Disallow:", "", f"Sitemap: {ADDRESS}/sitemap.xml"]


def test_without_an_address_nothing_is_absolute(small_book, tmp_path):
    """Also after the address was taken away, with the files of the build before still there."""
    text = '# A & B\n\nThe *first* <i>paragraph</i> & "more".'
    result, page = small_book(text, source=tmp_path, BOOK_URL="https://ada.github.io/grad")
    assert result.returncode == 0, result.stdout
    html = page.parents[1]
    assert canonical(Page(page)) == ["https://ada.github.io/grad/chapters/page.html"]
    assert (html / "sitemap.xml").is_file()
    result, page = small_book(text, source=tmp_path)
    assert result.returncode == 0, result.stdout
    shown = preview(Page(page))
    assert shown["og:title"] == ["A & B"]
    assert shown["og:description"] == ["The first <i>paragraph</i> & “more”."]
    assert shown["twitter:card"] == ["summary"]
    assert not any(shown[name] for name in ABSOLUTE)
    assert canonical(Page(page)) == []
    assert canonical(Page(html / "index.html")) == ["chapters/page.html"]
    assert not (html / "sitemap.xml").exists()
    assert (html / "robots.txt").read_text(encoding="utf-8") == "User-agent: *\nDisallow:\n"
    assert Page(html / "404.html").all("*", "href") == []
    for name in ("index.html", "404.html", "search.html", "chapters/page.html"):
        assert "ada.github.io" not in (html / name).read_text(encoding="utf-8"), name


def test_a_wrong_address_stops_the_build(small_book):
    result, page = small_book("# Title\n\nText.", BOOK_URL="ada.github.io")
    assert result.returncode != 0
    assert "BOOK_URL must be the address of the published book" in result.stdout
    assert not page.exists()


def test_the_page_for_wrong_addresses_needs_no_other_file_and_no_script(pages):
    page = pages["404.html"]
    assert {"script", "link", "img", "iframe"}.isdisjoint(tag for tag, _ in page.elements)
    assert "url(" not in page.path.read_text(encoding="utf-8")
    assert page.all("a", "href") == [f"{ADDRESS}/", f"{ADDRESS}/search.html"]
    assert page.meta("robots") == ["noindex"]
    assert not any(preview(page).values())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_for_wrong_addresses_can_be_read(open_tab, theme):
    tab = open_tab("404.html", width=390, color_scheme=theme)
    assert tab.locator("h1").is_visible()
    assert violations(tab) == []
    for width in (320, 390, 1280):
        tab.set_viewport_size({"width": width, "height": 844})
        assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    lightness = tab.evaluate(
        """() => {
            const canvas = document.createElement("canvas").getContext("2d");
            canvas.fillStyle = getComputedStyle(document.querySelector("h1")).color;
            return parseInt(canvas.fillStyle.slice(1, 3), 16) / 255;
        }"""
    )
    assert (lightness > 0.5) == (theme == "dark")  # the letters
