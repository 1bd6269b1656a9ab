"""The book as one PDF: all of it, in order, with an outline, links that arrive, nothing cut off."""

import re
from html import unescape

import print_pdf
import pytest
import yaml
from access import ADDRESS, ROOT, pages_of_the_toc
from print_pdf import NAME, read_links, walk
from pypdf import PdfReader

from adagrad_course import __version__

# A chapter with all that chapters have, the page to pin up, and one that the chapter cites from.
FILES = ["chapters/half-an-hour", "chapters/on-one-page", "chapters/bibliography"]
LAST = "Answers"


def squeezed(text):
    """A text without what a PDF does not keep: blanks and the ends of lines."""
    return re.sub(r"[\W_]", "", text)


def plain(html):
    """The words of a piece of HTML, formulas once."""
    once = re.sub(r'<span class="katex-mathml">.*?</math></span>', "", html, flags=re.S)
    return unescape(re.sub(r"<[^>]*>", "", once))


def title(site, file):
    """The title of a page of the site."""
    html = (site / f"{file}.html").read_text(encoding="utf-8")
    return plain(re.search(r'<h1>(.*?)<a class="headerlink"', html)[1])


@pytest.fixture(scope="module")
def printed(site, browser, tmp_path_factory):
    """The PDF of three pages."""
    target = tmp_path_factory.mktemp("pdf") / "book.pdf"
    print_pdf.write_pdf(browser, site, target, FILES)
    return PdfReader(target)


@pytest.fixture(scope="module")
def texts(printed):
    """The text of each page of the PDF."""
    return [page.extract_text() for page in printed.pages]


def content(document):
    """What is in a PDF's file: all but the pages' streams is written as it is."""
    document.stream.seek(0)
    return document.stream.read()


def outline(document):
    """The entries of a PDF's outline: their titles, and the numbers of their pages from 0."""
    entries = walk(document.root_object["/Outlines"])
    numbers = {page.indirect_reference.idnum: n for n, page in enumerate(document.pages)}
    return [(entry["/Title"], numbers[entry["/Dest"][0].idnum]) for entry in entries]


def test_the_outline_has_every_section_on_the_page_where_it_stands(printed, texts, site):
    entries = outline(printed)
    html = "".join((site / f"{file}.html").read_text(encoding="utf-8") for file in FILES)
    sections = [plain(words) for words in re.findall(r'<h[123]>(.*?)<a class="headerlink"', html)]
    expected = [squeezed(words) for words in (*sections, LAST)]
    assert [squeezed(title) for title, _ in entries[: len(expected)]] == expected
    for title, page in entries:
        assert squeezed(title) in squeezed(texts[page]), title


def test_the_contents_name_the_pages_and_lead_there(printed, texts, site):
    pages = dict(reversed(outline(printed)))  # the first of a title
    words = title(site, FILES[0])
    first = pages[words]
    assert printed.page_labels[: first + 1] == ["i", "ii", "1"]
    assert re.search(rf"^{re.escape(words)}\s*1$", texts[1], re.M)
    assert re.search(rf"^{LAST}\s*{printed.page_labels[pages[LAST]]}$", texts[1], re.M)
    numbers = {page.indirect_reference.idnum: n for n, page in enumerate(printed.pages)}
    targets = [numbers[link["/Dest"][0].idnum] for link in read_links(printed.pages[1:2])]
    assert targets[0] == first
    assert pages[LAST] in targets
    assert targets == sorted(targets)


def test_links_from_page_to_page_arrive_at_what_they_name(printed, texts, site):
    targets = printed.named_destinations
    names = {link["/Dest"] for link in read_links(printed.pages[2:]) if "/Dest" in link}
    assert len(names) > 20
    html = "".join((site / f"{file}.html").read_text(encoding="utf-8") for file in FILES)
    known = [name[1:] for name in names if f'id="{name[1:]}"' in html]
    known = [name for name in known if not name.startswith("equation")]  # it begins with no word
    assert len(known) > 10
    for name in known:
        following = plain(html.partition(f'id="{name}"')[2].partition(">")[2][:3000])
        words = re.sub(r"\[\d+\]", "", following).split()[:3]  # the paper's number is not shown
        page = texts[printed.get_destination_page_number(targets[f"/{name}"])]
        assert squeezed("".join(words)) in squeezed(page), name


def test_other_links_lead_into_the_network_and_none_to_this_machine(printed):
    links = [link["/A"]["/URI"] for link in read_links(printed.pages) if "/A" in link]
    assert {re.match(r"[a-z]+://|$", link)[0] for link in links} <= {"https://", "http://"}
    assert any(link.startswith(f"{ADDRESS}/chapters/05-decay.html#") for link in links)
    assert b"127.0.0.1" not in content(printed)
    assert b"file:" not in content(printed)


def test_answers_are_at_the_back_and_everything_else_is_open(printed, texts, site):
    html = (site / f"{FILES[0]}.html").read_text(encoding="utf-8")
    start = dict(reversed(outline(printed)))[LAST]
    body, answers = ("".join(map(squeezed, part)) for part in (texts[2:start], texts[start:]))
    article = html.partition('<article class="bd-article">')[2]
    folds = article.split("<details")[1:]
    said = [re.search(r'<p class="sd-card-text">(.*?)</p>', fold, re.S) for fold in folds]
    replies = [squeezed(plain(p[1]))[:40] for p in said if p and "katex" not in p[1]]
    assert len(replies) > 5
    for reply in replies:
        assert reply in answers
        assert reply not in body
    deeper = re.search(r'<details class="deeper">.*?</summary>\s*<p>(.*?)[<.]', article, re.S)[1]
    assert squeezed(plain(deeper)) in body


def test_the_page_to_pin_up_is_one_page(printed, site):
    pages = dict(reversed(outline(printed)))  # the first of a title
    to_pin_up, following = (pages[title(site, file)] for file in FILES[1:])
    assert following == to_pin_up + 1


def test_it_says_what_it_is_in_its_language(printed, texts, site):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert printed.metadata.title == citation["title"]
    assert printed.metadata.author == ", ".join(author["name"] for author in citation["authors"])
    assert printed.metadata["/Version"] == __version__
    html = (site / f"{FILES[0]}.html").read_text(encoding="utf-8")
    assert printed.root_object["/Lang"] == re.search(r'<html[^>]* lang="(.+?)"', html)[1]
    assert printed.root_object["/PageMode"] == "/UseOutlines"
    assert f"Version {__version__}" in texts[0]


def test_a_figure_is_a_drawing_and_no_picture_of_one(printed):
    """So it is sharp at any size."""
    assert b"/Subtype /Image" not in content(printed)


def test_the_same_pages_give_the_same_file(site, browser, tmp_path):
    for name in ("one.pdf", "two.pdf"):
        print_pdf.write_pdf(browser, site, tmp_path / name, FILES[1:])
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()


def test_nothing_on_any_page_is_wider_than_the_paper_and_no_link_is_lost(browser, address):
    tab = browser.new_context(java_script_enabled=False).new_page()
    tab.set_default_timeout(180_000)  # all pages, on a busy machine
    files = [page.removesuffix(".html") for page in pages_of_the_toc()]
    joined = print_pdf.join_pages(tab, address("x").removesuffix("/x"), files)
    tab.context.close()
    assert joined["clipped"] == joined["lost"] == []
    assert [heading["text"] for heading in joined["headings"] if heading["level"] == 1][-1] == LAST


WIDE = [
    '<p style="width: 2000px">too wide</p>',
    '<pre style="width: 300px; white-space: pre; overflow: auto">too wide %s</pre>' % ("x" * 200),
    "<table><tr><td><div style='width: 900px'>too wide</div></td></tr></table>",
    '<p style="margin-left: -3em">too wide</p>',
]


@pytest.mark.parametrize("part", [*WIDE, '<p>a <a href="#nowhere">link</a></p>'])
def test_what_does_not_fit_or_leads_nowhere_is_refused(browser, tmp_path, part):
    page = f'<!DOCTYPE html><article class="bd-article"><h1>A page</h1>{part}</article>'
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    with pytest.raises(ValueError, match=r"A page: <\w+> too wide|nowhere"):
        print_pdf.write_pdf(browser, tmp_path, tmp_path / "book.pdf", ["page"])
    assert not (tmp_path / "book.pdf").exists()


def test_the_first_page_leads_to_the_pdf_once_it_is_there(site, tmp_path):
    name = pages_of_the_toc()[0]
    built = (site / name).read_text(encoding="utf-8")
    assert NAME not in built
    copy = tmp_path / name
    copy.parent.mkdir()
    copy.write_text(built, encoding="utf-8")
    (tmp_path / NAME).write_bytes(b"1" * 4_000_000)
    for pages in (450, 460):  # printed again, it is not named twice
        print_pdf.link_from_first_page(tmp_path, [name.removesuffix(".html")], pages)
    links = re.findall(rf'href="([^"]*{NAME})">[^(]*\((.*?)\)', copy.read_text(encoding="utf-8"))
    assert links == [(f"../{NAME}", "460 pages, 4 MB")]
    assert (copy.parent / links[0][0]).exists()


def test_without_chromium_it_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(print_pdf, "find_chromium", lambda: None)
    with pytest.raises(SystemExit, match="apt install chromium"):
        print_pdf.main([str(tmp_path)])
    assert list(tmp_path.iterdir()) == []
