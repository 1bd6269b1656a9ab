"""What the book says of itself to those who find it by its address.

One Sphinx extension. It

1. takes the address at which the book is published from the environment (`take_address`);
2. gives a page its description and what a link to it shows elsewhere (`introduce_page`);
3. writes what search engines ask for (`write_for_crawlers`).

Absolute addresses are written only where that of the book is known. It is not guessed from the
repository: the owner may have a domain of their own, or may not have published it at all.
"""

from __future__ import annotations

import os
import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

ADDRESS = re.compile(r"""https?://[^\s/?#"'<>]+(?:/[^\s?#"'<>]*)?""")
PREVIEW = "_static/preview.png"
PREVIEW_TEXT = "The book's first page, with an interactive figure in which SGD and AdaGrad race."


def take_address(app: Sphinx, config: Config) -> None:
    """Take the address of the published book from ``BOOK_URL``, or else from the configuration.

    Raises
    ------
    ExtensionError
        It is no address of a website.
    """
    address = os.environ.get("BOOK_URL", config.html_baseurl)
    if address and not ADDRESS.fullmatch(address):
        raise ExtensionError(
            "BOOK_URL must be the address of the published book, such as "
            f"https://ada.github.io/grad/, and is {address!r}"
        )
    config.html_baseurl = address and address.rstrip("/") + "/"


def describe(doctree: nodes.document, length: int = 160) -> str:
    """Return the first paragraph of a page's running text, cut at a word."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section):
            text = " ".join(paragraph.astext().split())
            return text if len(text) <= length else text[:length].rsplit(" ", 1)[0] + " …"
    return ""


def introduce_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree
) -> None:
    """Give a page a description, and the title, text and picture that a link to it shows."""
    title, first = app.config.html_title, app.config.root_doc
    context["book_url"] = base = app.config.html_baseurl
    if pagename == "index":  # It only leads to the first page, and is what people pass on.
        pagename, doctree = first, app.env.get_doctree(first)
        if base:
            context["pageurl"] = base + app.builder.get_target_uri(first)
    description = app.env.metadata.get(pagename, {}).get("description")
    if description is None:
        description = describe(doctree) if doctree else f"{title}: {pagename}"
    tags = [("name", "description", description)]
    if doctree:
        tags += [
            ("property", "og:site_name", title),
            ("property", "og:type", "website" if pagename == first else "article"),
            ("property", "og:title", app.env.titles[pagename].astext()),
            ("property", "og:description", description),
            ("name", "twitter:card", "summary_large_image" if base else "summary"),
        ]
        if base:
            tags += [
                ("property", "og:url", context["pageurl"]),
                ("property", "og:image", base + PREVIEW),
                ("property", "og:image:alt", PREVIEW_TEXT),
            ]
    lines = (f'\n    <meta {kind}="{key}" content="{escape(text)}">' for kind, key, text in tags)
    context["metatags"] = "".join(lines) + context.get("metatags", "")


def write_for_crawlers(app: Sphinx, error: Exception | None) -> None:
    """Write robots.txt and, if the book's address is known, sitemap.xml."""
    if error or app.builder.format != "html":
        return
    base = app.config.html_baseurl
    robots, sitemap = (Path(app.outdir, name) for name in ("robots.txt", "sitemap.xml"))
    rules = "User-agent: *\nDisallow:\n"
    sitemap.unlink(missing_ok=True)  # an earlier build's may name another address
    if base:
        addresses = (base + app.builder.get_target_uri(page) for page in sorted(app.env.all_docs))
        entries = "".join(f"  <url><loc>{escape(url)}</loc></url>\n" for url in addresses)
        sitemap.write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>\n',
            encoding="utf-8",
            newline="\n",
        )
        rules += f"\nSitemap: {base}sitemap.xml\n"
    robots.write_text(rules, encoding="utf-8", newline="\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("config-inited", take_address)
    app.connect("html-page-context", introduce_page)
    app.connect("build-finished", write_for_crawlers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
