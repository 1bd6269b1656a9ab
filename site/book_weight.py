"""What makes the pages light: a reader's browser loads what a page needs, and when it needs it.

A Sphinx extension beside `book_site.py`. It

1. makes one stylesheet of all that the book's extensions bring, with the rules that its pages use,
   and fonts with the characters that stand there (`make_stylesheet`, `weight.mjs`);
2. has scripts run when the page is there, each on the pages that use it (`defer_scripts`);
3. says of pictures how large they are, and has all but the first load when they come into view
   (`announce_pictures`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

from book_site import fetch_modules, run_script
from sphinx.application import Sphinx
from sphinx.util.images import get_image_size

# The theme's, which its layout names itself.
FIRST_SHEETS = ["_static/styles/theme.css", "_static/styles/pydata-sphinx-theme.css"]

# Scripts that set no class of a stylesheet but name so much that they seem to.
SET_NOTHING = {
    *("bootstrap.js", "fontawesome.js", "language_data.js"),
    *("editor.js", "pyodide.asm.js", "worker.js"),
}

# Scripts that not every page needs, and what a page that does has in it.
NEEDED_BY = {
    "clipboard.min.js": '<div class="highlight"',
    "copybutton.js": '<div class="highlight"',
    "design-tabs.js": 'class="sd-tab',
}
LATER = 'loading="lazy" '
IMAGE = re.compile(r'<img (?=[^>]*?src="([^":]+)")')


# 1. The stylesheet ----------------------------------------------------------------------------


def make_stylesheet(app: Sphinx, error: Exception | None) -> None:
    """Make the one stylesheet from the pages, those that an earlier build has written, too."""
    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    sheets = sorted(app.builder._css_files, key=lambda sheet: sheet.priority)
    paths = [path.relative_to(site) for path in site.rglob("*.*") if path.is_file()]
    question = {
        "sheets": [*FIRST_SHEETS, *(str(sheet.filename) for sheet in sheets)],
        "pages": [
            path.as_posix()
            for path in paths
            if path.suffix == ".html" and path.parts[0] != "_static"
        ],
        "scripts": [
            path.as_posix()
            for path in paths
            if path.suffix == ".js" and path.parts[0] == "_static" and path.name not in SET_NOTHING
        ],
    }
    modules = fetch_modules(site.parent)
    run_script("weight.mjs", str(modules), str(site), question=json.dumps(question))


# 2. Scripts -----------------------------------------------------------------------------------


def defer_scripts(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree
) -> None:
    """Leave out the scripts that a page has no use for; have the others wait for the page.

    One is not to wait: it says whether the page is light or dark.
    """
    body = context.get("body", "")
    scripts = []
    for script in context["script_files"]:
        name = PurePosixPath(str(script.filename)).name
        if name == "sphinx_highlight.js" and pagename == "search":
            continue  # its template loads it
        if NEEDED_BY.get(name, "") in body:
            more = {} if name == "theme.js" else {"defer": "defer"}
            attributes = script.attributes | more
            scripts.append(type(script)(script.filename, priority=script.priority, **attributes))
    context["script_files"] = scripts


# 3. Pictures ----------------------------------------------------------------------------------


def announce_pictures(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree
) -> None:
    """Give the pictures of a page their size, and all but the first time to load."""
    sources = {name: Path(app.srcdir, uri) for uri, name in app.builder.images.items()}
    later = iter([""])

    def announce(tag: re.Match[str]) -> str:
        source = sources.get(PurePosixPath(tag[1]).name)
        size = source and get_image_size(str(source))
        space = f'width="{size[0]}" height="{size[1]}" ' if size else ""
        return f"<img {space}{next(later, LATER)}"

    context["body"] = IMAGE.sub(announce, context.get("body", ""))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("html-page-context", defer_scripts, priority=950)  # after book_site's
    app.connect("html-page-context", announce_pictures, priority=950)
    app.connect("build-finished", make_stylesheet, priority=900)  # after the theme's for code
    return {"parallel_read_safe": True, "parallel_write_safe": True}
