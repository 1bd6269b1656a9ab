"""What makes the pages light: a reader's browser loads what a page needs, and when it needs it.

A Sphinx extension beside `book_site.py`. It

1. makes one stylesheet of all that the book's extensions bring, with the rules that its pages use,
   and fonts with the characters that stand there (`make_stylesheet`, `weight.mjs`);
2. has scripts run when the page is there, each on the pages that use it (`defer_scripts`);
3. takes from the theme's script what would lay out all that is folded (`leave_folded`);
4. says of pictures how large they are, and has them load when they come into view
   (`announce_pictures`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

import pydata_sphinx_theme
from book_site import fetch_modules, run_script
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
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
# The theme's, and how it ends: asking everything that may scroll whether it does, again and again.
THEME_SCRIPT = "scripts/pydata-sphinx-theme.js"
ASKS_ALL = ',"complete"===document.readyState?I():window.addEventListener("load",I)'

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


# 2. and 3. Scripts -----------------------------------------------------------------------------


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


def leave_folded(app: Sphinx, error: Exception | None) -> None:
    """Take from the theme's script what book.js does of what is seen (`scrollWithKeyboard`).

    It asks what is folded, too, so that a browser lays out three times as much.

    Raises
    ------
    ExtensionError
        The theme has another script.
    """
    if error or app.builder.format != "html":
        return
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
    script = (theme / THEME_SCRIPT).read_text(encoding="utf-8")
    if ASKS_ALL not in script:
        raise ExtensionError(f"{THEME_SCRIPT} is another than site/book_weight.py knows")
    copy = Path(app.outdir, "_static", THEME_SCRIPT)
    copy.write_text(script.replace(ASKS_ALL, ""), encoding="utf-8", newline="\n")


# 4. Pictures ----------------------------------------------------------------------------------


def announce_pictures(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree
) -> None:
    """Give the pictures of a page their size, and time to load."""
    sources = {name: Path(app.srcdir, uri) for uri, name in app.builder.images.items()}

    def announce(tag: re.Match[str]) -> str:
        source = sources.get(PurePosixPath(tag[1]).name)
        size = source and get_image_size(str(source))
        space = f'width="{size[0]}" height="{size[1]}" ' if size else ""
        return f'<img {space}loading="lazy" '

    context["body"] = IMAGE.sub(announce, context.get("body", ""))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("html-page-context", defer_scripts, priority=950)  # after book_site's
    app.connect("html-page-context", announce_pictures, priority=950)
    app.connect("build-finished", leave_folded)
    app.connect("build-finished", make_stylesheet, priority=900)  # after the theme's for code
    return {"parallel_read_safe": True, "parallel_write_safe": True}
