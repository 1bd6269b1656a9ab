"""The site, built once for all tests of this folder, and a browser to read it with."""

import os
import subprocess

import pytest
import screenshots
import yaml
from access import ADDRESS, ROOT, Page, pages_of_the_toc, program, watched_tabs
from filelock import FileLock

REPOSITORY = "https://github.com/example/adagrad"
NO_CHROMIUM = (
    "No Chromium, so the site is not tested in a browser. To get one: `apt install chromium` "
    "(Debian, Ubuntu), `brew install --cask chromium` (macOS), or install Chrome."
)


def pytest_generate_tests(metafunc):
    """Run a test with an argument `page` on every page that a reader sees."""
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", [*pages_of_the_toc(), "search.html"])


def pytest_collection_modifyitems(config, items):
    """Leave out what needs a browser where there is none, unless one is required, as in CI.

    One test is skipped for all, so that the reason is given in one line.
    """
    if screenshots.find_chromium() or os.environ.get("REQUIRE_BROWSER"):
        return
    unable = [item for item in items if "browser" in getattr(item, "fixturenames", ())]
    if unable:
        reason = f"{NO_CHROMIUM} ({len(unable)} tests)"
        unable[0].add_marker(pytest.mark.skip(reason=reason))
        config.hook.pytest_deselected(items=unable[1:])
        items[:] = [item for item in items if item not in unable[1:]]


def build_book(source, target, **environment):
    """Build the book in a folder as strictly as `make book`; return the finished process.

    Neither this repository nor the settings of a runner say where the book comes from. A variable
    of the environment that is None is not set.
    """
    nothing = {"BOOK_REPOSITORY": "", "BOOK_BRANCH": "main", "BOOK_URL": ""}
    nothing |= {"GIT_CEILING_DIRECTORIES": str(source.parent)}
    variables = os.environ | nothing | environment
    options = ["-W", "-n", "--keep-going", "--path-output", str(target), str(source)]
    return subprocess.run(
        [*program("jupyter_book.cli.main"), "build", *options],
        env={name: value for name, value in variables.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The folder of the built site, the same for all workers of a test run."""
    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        folder = folder.parent
    html, built = folder / "book" / "_build" / "html", folder / "book-is-built"
    with FileLock(folder / "book.lock"):
        if not built.exists():
            target = folder / "book"
            result = build_book(ROOT, target, BOOK_REPOSITORY=REPOSITORY, BOOK_URL=ADDRESS)
            assert result.returncode == 0, result.stdout[-5000:]
            built.touch()
    return html


def anchored(value, home):
    """A part of the configuration, with the paths in it that begin with `site` made absolute."""
    if isinstance(value, dict):
        return {key: anchored(item, home) for key, item in value.items()}
    if isinstance(value, list):
        return [anchored(item, home) for item in value]
    return (home / value).as_posix() if str(value).split("/")[0] == "site" else value


@pytest.fixture(scope="session")
def small_book(site, tmp_path_factory):
    """A function that builds a one-page book with this book's configuration and extensions.

    These are used where they stand, in the folder `home`, with what they have fetched. The book is
    made in a folder of its own unless one is given as `source`, and its page is Markdown unless
    `file` is another name; `toc` may name further pages; other options are variables of the
    environment. It returns the finished process and the path of the page.
    """
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    references = (ROOT / "chapters" / "references.bib").read_text(encoding="utf-8")

    alone = "format: jb-book\nroot: chapters/page\n"

    def build(text, source=None, home=ROOT, newline="\n", file="page.md", toc=alone, **environment):
        source = source or tmp_path_factory.mktemp("small")
        for name, content in {
            "_config.yml": yaml.safe_dump(anchored(config, home)),
            "_toc.yml": toc,
            "chapters/references.bib": references,
            f"chapters/{file}": text,
        }.items():
            path = source / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, encoding="utf-8", newline=newline)
        result = build_book(source, source, **environment)
        return result, source / "_build" / "html" / "chapters" / "page.html"

    return build


@pytest.fixture(scope="session")
def pages(site):
    """The parsed pages by their path in the site."""
    paths = [p for p in site.rglob("*.html") if p.relative_to(site).parts[0] != "_static"]
    return {p.relative_to(site).as_posix(): Page(p) for p in sorted(paths)}


@pytest.fixture(scope="package")
def browser():
    """A browser for the tests of one worker."""
    assert screenshots.find_chromium(), NO_CHROMIUM
    with screenshots.chromium() as chromium:
        yield chromium


@pytest.fixture(scope="package")
def address(site):
    """A function that gives the address of a page, over "http" or as a "file"."""
    with screenshots.served(site) as served:
        roots = {"http": served, "file": site.as_uri()}
        yield lambda page, over="http": f"{roots[over]}/{page}"


@pytest.fixture
def open_tab(browser, address):
    """A function that opens a page in a tab of its own and notes everything that goes wrong.

    The page is one of the site's, unless the address of another folder is given as `root`. The
    script `first` runs before the page's own. The page is laid out as a whole, unless `whole` is
    false: then what is far down waits until the reader does something.

    At the end of the test nothing may have gone wrong: no message in the console, no failed
    request, none to another host, no breach of the security policy.
    """
    with watched_tabs(browser, address) as (open_page, wrongs):
        yield open_page
    assert wrongs == []
