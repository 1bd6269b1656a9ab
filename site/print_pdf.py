"""Print the built site as one PDF, and have its first page lead there.

``python site/print_pdf.py _build/html`` joins the pages of ``_toc.yml`` in Chromium to one
document, in which links from page to page are links within it, prints that, and puts a title page
and the contents before it. Answers and solutions are collected at the back.

Chromium prints the book once: it cannot say in a document on which page something will stand. The
outline that it writes does say it, so the contents are printed after it, on pages of their own with
roman numbers.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from html import escape
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Browser, Page
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    TextStringObject,
)
from screenshots import CHROMIUM_NAMES, chromium, find_chromium, served

from adagrad_course import __version__

SITE = Path(__file__).resolve().parent
BOOK = SITE.parent
NAME = "adagrad-by-experiment.pdf"
FIRST_CHROMIUM = 131  # that has margin boxes of pages
WIDTH, HEIGHT = 657, 982  # of an A4 page between its margins, in pixels of 1/96 inch
PLACE = re.compile(r'(?:<span class="pdf">.*?</span>)?<!-- pdf -->', re.DOTALL)
ENTRY = "https://contents.invalid/"  # a link to the n-th entry of the outline, till it is known


def list_files() -> list[str]:
    """Return the pages of the book in their order, as ``_toc.yml`` names them."""
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(page["file"] for part in toc["parts"] for page in part["chapters"])]


def join_pages(tab: Page, site: str, files: list[str]) -> dict[str, list[Any]]:
    """Make one document of pages in a tab; return its headings, and what is wrong with it.

    Wrong is what is ``clipped``, as it is wider than the paper, and a ``lost`` link.
    """
    tab.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    tab.emulate_media(media="print")
    tab.goto(f"{site}/{files[0]}.html")
    script, css = (
        (SITE / f"print_pdf.{kind}").read_text(encoding="utf-8") for kind in ("js", "css")
    )
    return tab.evaluate(script, {"site": site, "files": files, "css": css, "height": HEIGHT})


def print_tab(tab: Page, tagged: bool) -> PdfReader:
    """Print what a tab shows, on the paper that its stylesheet asks for."""
    printed = tab.pdf(prefer_css_page_size=True, tagged=tagged, outline=tagged)
    return PdfReader(io.BytesIO(printed))


def walk(outline: Any) -> Iterator[DictionaryObject]:
    """Yield the entries of an outline in their order, those within others, too."""
    entry = outline.get("/First")
    while entry is not None:
        yield entry.get_object()
        yield from walk(entry.get_object())
        entry = entry.get_object().get("/Next")


def drop_empty_tags(reader: PdfReader) -> None:
    """Take out the tags that mean nothing; what is in them goes to the next one that does.

    Chromium writes one for each ``<div>`` and ``<span>``, which is half of the file.
    """
    root = reader.root_object["/StructTreeRoot"]
    # Names of table heads differ from one printing to the next; each head says its scope, too.
    root.pop("/IDTree", None)
    homes: dict[int, Any] = {}

    def lift(element: DictionaryObject, home: Any) -> ArrayObject:
        """Return what is in an element for the one that takes it, which may be itself."""
        inside = element.get("/K", ArrayObject())
        kids = ArrayObject()
        for kid in inside if isinstance(inside, ArrayObject) else [element.raw_get("/K")]:
            item = kid.get_object()
            if isinstance(item, int):  # a number of a page's contents
                page, taker = element.raw_get("/Pg"), home.get_object()
                if taker.setdefault(NameObject("/Pg"), page) == page:
                    kids.append(item)
                else:
                    part = {"/Type": NameObject("/MCR"), "/Pg": page, "/MCID": item}
                    kids.append(DictionaryObject({NameObject(k): v for k, v in part.items()}))
            elif item.get("/S") == "/NonStruct":
                homes[kid.idnum] = home
                kids.extend(lift(item, home))
            else:
                if "/S" in item:
                    item.pop("/ID", None)
                    for attributes in item.get("/A", ()):
                        attributes.pop("/Headers", None)
                    item[NameObject("/P")] = home
                    item[NameObject("/K")] = lift(item, kid)
                kids.append(kid)
        return kids

    root[NameObject("/K")] = lift(root, reader.root_object.raw_get("/StructTreeRoot"))
    numbers = root["/ParentTree"]["/Nums"]
    for i, entry in enumerate(numbers):
        if isinstance(entry, IndirectObject):
            if entry.idnum in homes:
                numbers[i] = homes[entry.idnum]
            entry = entry.get_object()
        if isinstance(entry, ArrayObject):
            entry[:] = [homes.get(getattr(owner, "idnum", None), owner) for owner in entry]


def read_links(pages: Iterable[PageObject]) -> Iterator[DictionaryObject]:
    """Yield the links on pages."""
    for page in pages:
        for annotation in page.get("/Annots", ArrayObject()).get_object():
            yield annotation.get_object()


def write_front(citation: dict[str, Any], headings: list[dict[str, Any]], pages: list[int]) -> str:
    """Return the title page and the contents, with the pages of the headings, as HTML."""
    licences = " and ".join(citation["license"])
    lines = (
        f'<li class="level-{heading["level"]}"><a href="{ENTRY}{n}">{heading["html"]}</a>'
        f"<span>{page}</span></li>"
        for n, (heading, page) in enumerate(zip(headings, pages, strict=True))
        if heading["level"] < 3
    )
    return f"""<main>
<div class="title-page bd-article">
  <h1>{escape(citation["title"])}</h1>
  <p class="about">{escape(citation["abstract"])}</p>
  <p>{escape(", ".join(author["name"] for author in citation["authors"]))}</p>
  <p class="edition">Version {__version__}. Printed from the pages of the book's website: there
    figures move, cells run and exercises are checked. Answers to predictions, and solutions, are at
    the back. Licence: {licences} (code and prose).</p>
</div>
<div class="contents front bd-article"><h1>Contents</h1><ol>{"".join(lines)}</ol></div>
</main>"""


def lead(links: Iterator[DictionaryObject], entries: list[DictionaryObject]) -> None:
    """Have the links of the contents lead to places in the book in place of addresses."""
    for link in links:
        entry = entries[int(link["/A"]["/URI"].removeprefix(ENTRY))]
        link[NameObject("/Dest")] = entry["/Dest"]
        del link["/A"]


def describe(writer: PdfWriter, citation: dict[str, Any]) -> None:
    """Say in a PDF what it is. No date: the same book gives the same file."""
    writer.metadata = {
        "/Title": citation["title"],
        "/Author": ", ".join(author["name"] for author in citation["authors"]),
        "/Subject": citation["abstract"],
        "/Keywords": ", ".join(citation["keywords"]),
        "/Version": __version__,
    }
    writer.root_object[NameObject("/PageMode")] = NameObject("/UseOutlines")


def name_entries(
    writer: PdfWriter, headings: list[dict[str, Any]]
) -> tuple[list[DictionaryObject], list[int]]:
    """Give the entries of the outline their headings' words; return them and their pages."""
    numbers = {page.indirect_reference.idnum: n for n, page in enumerate(writer.pages, 1)}
    entries = list(walk(writer.root_object["/Outlines"]))
    for entry, heading in zip(entries, headings, strict=True):
        # Chromium leaves out the blank at the end of a line.
        entry[NameObject("/Title")] = TextStringObject(heading["text"])
    return entries, [numbers[entry["/Dest"][0].idnum] for entry in entries]


def write_pdf(browser: Browser, html: Path, target: Path, files: list[str]) -> int:
    """Print pages of the built site in a folder as one PDF; return its number of pages.

    Raises
    ------
    ValueError
        Something is wider than the paper, a link leads nowhere, or the browser is too old.
    """
    if int(browser.version.split(".")[0]) < FIRST_CHROMIUM:
        raise ValueError(
            f"page numbers need Chromium {FIRST_CHROMIUM} or later, and this is {browser.version}"
        )
    citation = yaml.safe_load((BOOK / "CITATION.cff").read_text(encoding="utf-8"))
    context = browser.new_context(java_script_enabled=False)
    with served(html) as site, closing(context):
        tab = context.new_page()
        tab.set_default_timeout(0)  # a slow machine takes minutes
        joined = join_pages(tab, site, files)
        if joined["clipped"]:
            raise ValueError("\n".join(["this is wider than the paper:", *joined["clipped"]]))
        if joined["lost"]:
            raise ValueError("\n".join(["links lead to no place of these names:", *joined["lost"]]))
        headings = joined["headings"]
        body = print_tab(tab, tagged=True)
        drop_empty_tags(body)
        writer = PdfWriter(clone_from=body)
        entries, pages = name_entries(writer, headings)
        front_html = write_front(citation, headings, pages)
        tab.evaluate("html => { document.body.innerHTML = html; }", front_html)
        front = print_tab(tab, tagged=False).pages
    for n, page in enumerate(front):
        writer.insert_page(page, n)
    lead(read_links(writer.pages[: len(front)]), entries)
    writer.set_page_label(0, len(front) - 1, "/r")
    writer.set_page_label(len(front), len(writer.pages) - 1, "/D", start=1)
    describe(writer, citation)
    writer.write(target)
    return len(writer.pages)


def link_from_first_page(html: Path, files: list[str], pages: int) -> None:
    """Have the site's first page lead to the PDF, where a comment keeps the place for it."""
    page = html / f"{files[0]}.html"
    size = (html / NAME).stat().st_size / 1e6
    address = "../" * files[0].count("/") + NAME
    link = f'<a href="{address}">one PDF</a> ({pages} pages, {size:.0f} MB).'
    text, found = PLACE.subn(
        f'<span class="pdf">Or take all of it as {link}</span><!-- pdf -->',
        page.read_text(encoding="utf-8"),
    )
    if not found:
        raise ValueError(f"{page} has no place for the link to the PDF: <!-- pdf -->")
    page.write_text(text, encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("html", type=Path, help="folder of the built site")
    html = parser.parse_args(arguments).html
    if find_chromium() is None:
        sys.exit(
            f"Chromium prints the PDF and was not found (looked for {', '.join(CHROMIUM_NAMES)}). "
            "To get it: `apt install chromium` (Debian, Ubuntu), `brew install --cask chromium` "
            "(macOS), or install Chrome."
        )
    files = list_files()
    print("Printing the book (a minute or two) ...", flush=True)
    try:
        with chromium() as browser:
            pages = write_pdf(browser, html, html / NAME, files)
        link_from_first_page(html, files, pages)
    except ValueError as error:
        sys.exit(f"No PDF: {error}")
    print(f"{pages} pages are in {html / NAME}, and the first page of the site leads to them.")


if __name__ == "__main__":
    main()
