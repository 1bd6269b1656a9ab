"""Links from the pages to the repository that they come from.

One Sphinx extension. The buttons for the repository, for editing a page, for reporting an issue
and for running a chapter on Binder or Colab lead to the clone's remote on GitHub, so that a fork's
pages lead to the fork, and to the book's folder in it (`link_repository`, `mend_buttons`).
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sphinx.application import Sphinx
from sphinx.config import Config

GITHUB_REMOTE = re.compile(
    r"(?:(?:https?|ssh|git)://)?(?:[^@/\s]+@)?(?:www\.)?github\.com(?::\d+/|[:/])"
    r"(?P<owner>[\w-]+)/(?P<name>[\w.-]+?)(?:\.git)?/?",
    re.IGNORECASE,
)


def repository_url(remote: str) -> str | None:
    """Return the web address of a GitHub repository.

    Parameters
    ----------
    remote : str
        A git remote in any form that git accepts, credentials included.

    Returns
    -------
    str or None
        The address, without credentials; None if `remote` is not on GitHub.

    Examples
    --------
    >>> repository_url("git@github.com:ada/grad.git")
    'https://github.com/ada/grad'
    >>> repository_url("/srv/git/grad.git") is None
    True
    """
    match = GITHUB_REMOTE.fullmatch(remote.strip())
    return f"https://github.com/{match['owner']}/{match['name']}" if match else None


def git(folder: str | Path, *arguments: str) -> str:
    """Return what a git command prints, or an empty string if it fails or there is no git."""
    try:
        result = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            check=True,
            encoding="utf-8",  # of file names, on Windows, too
            errors="replace",
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return result.stdout.removesuffix("\n")


def published_branch(folder: str | Path) -> str:
    """Return the branch of ``origin`` that has this state, as far as the clone knows.

    That is the branch this one is pushed to. Without one, as on a detached commit, it is the
    branch that GitHub shows first, or ``main`` if the clone was not told.
    """
    for reference in ("@{upstream}", "origin/HEAD"):
        name = git(folder, "rev-parse", "--abbrev-ref", reference)
        if name.startswith("origin/") and name != "origin/HEAD":
            return name.removeprefix("origin/")
    return "main"


def link_repository(app: Sphinx, config: Config) -> None:
    """Point the repository, edit, issue, Binder and Colab buttons at the repository of this clone.

    ``BOOK_REPOSITORY`` and ``BOOK_BRANCH`` override what git says. Where there is no repository
    on GitHub, or where it does not have the book's files, there are no buttons, rather than
    broken ones.
    """
    options = config.html_theme_options
    remote = os.environ.get("BOOK_REPOSITORY", git(app.srcdir, "remote", "get-url", "origin"))
    url = repository_url(remote)
    folder = git(app.srcdir, "rev-parse", "--show-prefix")
    # A copy unpacked inside some other repository is not a part of it.
    foreign = folder and not git(app.srcdir, "ls-files", "_config.yml")
    if url is None or (foreign and "BOOK_REPOSITORY" not in os.environ):
        # Without this the theme would show Jupyter Book's default: its own repository.
        options.update(repository_url="", launch_buttons={})
        return
    options.update(
        repository_url=url,
        repository_branch=quote(os.environ.get("BOOK_BRANCH") or published_branch(app.srcdir)),
        path_to_docs="" if foreign else quote(folder),
        use_repository_button=True,
        use_edit_page_button=True,
        use_issues_button=True,
    )
    # Binder builds what it finds at the repository's top, which need not be this book's recipe.
    top = git(app.srcdir, "rev-parse", "--show-toplevel")
    if options["path_to_docs"] and not any(Path(top, r).is_dir() for r in ("binder", ".binder")):
        options["launch_buttons"] = options["launch_buttons"] | {"binderhub_url": ""}


def mend_buttons(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree
) -> None:
    """Have the title of a new issue name the book's folder, and Colab open nothing but notebooks.

    It knows no notebooks in Markdown.
    """
    folder = app.config.html_theme_options.get("path_to_docs", "")
    notebook = Path(app.env.doc2path(pagename)).suffix == ".ipynb"
    for menu in context["header_buttons"]:
        for button in menu.get("buttons", ()):
            if button.get("label") == "source-issues-button":
                button["url"] = button["url"].replace("%20%2F", f"%20%2F{folder}", 1)
        if menu.get("label") == "launch-buttons" and not notebook:
            menu["buttons"] = [button for button in menu["buttons"] if button["text"] != "Colab"]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("config-inited", link_repository)
    app.connect("html-page-context", mend_buttons, priority=900)  # after the theme's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}
