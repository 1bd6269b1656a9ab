"""The site, built once for all tests of this folder, and a browser to read it with."""

import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path

import pytest
import screenshots
import yaml
from filelock import FileLock

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://github.com/example/adagrad"
NO_CHROMIUM = (
    "No Chromium, so the site is not tested in a browser. To get one: `apt install chromium` "
    "(Debian, Ubuntu), `brew install --cask chromium` (macOS), or install Chrome."
)


def pages_of_the_toc():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [f"{file}.html" for file in (toc["root"], *chapters)]


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


def build_book(source, target, repository):
    """Build the book in a folder as strictly as `make book`; return the finished process."""
    command = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    return subprocess.run(
        [command, "build", "-W", "-n", "--keep-going", "--path-output", str(target), str(source)],
        env=os.environ | {"BOOK_REPOSITORY": repository, "BOOK_BRANCH": "main"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
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
            result = build_book(ROOT, folder / "book", REPOSITORY)
            assert result.returncode == 0, result.stdout[-5000:]
            built.touch()
    return html


@pytest.fixture(scope="session")
def small_book(site, tmp_path_factory):
    """A function that builds a one-page book with this book's configuration and extension.

    It returns the finished process and the path of the page.
    """

    def build(text, repository):
        source = tmp_path_factory.mktemp("small")
        shutil.copy(ROOT / "_config.yml", source)
        # Not the fetched modules: the extension is used where it stands, with what it has fetched.
        (source / "site").symlink_to(ROOT / "site")
        (source / "chapters").mkdir()
        shutil.copy(ROOT / "chapters" / "references.bib", source / "chapters")
        (source / "chapters" / "page.md").write_text(text)
        (source / "_toc.yml").write_text("format: jb-book\nroot: chapters/page\n")
        result = build_book(source, source, repository)
        return result, source / "_build" / "html" / "chapters" / "page.html"

    return build


class Page(HTMLParser):
    """What the tests ask about a page: its elements and the text outside code and formulas."""

    HIDDEN = ("script", "style", "title", "pre", "code", "annotation")
    VOID = ("br", "col", "hr", "img", "input", "link", "meta", "path", "source", "wbr")

    def __init__(self, path):
        super().__init__()
        self.path, self.elements, self.text = path, [], ""
        self._open = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while tag in self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if not set(self.HIDDEN) & set(self._open):
            self.text += data
        elif self._open[-1] == "script" and data.strip():
            self.elements.append(("inline script", {"text": data}))

    def all(self, tag, attribute):
        """The values of an attribute in all elements of a tag ("*" for any) that have it."""
        return [a[attribute] for t, a in self.elements if tag in (t, "*") and attribute in a]

    def meta(self, name):
        """The contents of the meta elements of a name."""
        return [
            a["content"]
            for t, a in self.elements
            if t == "meta" and name in (a.get("name"), a.get("http-equiv"))
        ]


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


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def handle(self):
        with contextlib.suppress(ConnectionError):  # a tab was left before all of it had come
            super().handle()

    def log_message(self, *args):
        pass


@pytest.fixture(scope="package")
def address(site):
    """A function that gives the address of a page, over "http" or as a "file"."""
    handler = functools.partial(QuietHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        roots = {"http": f"http://127.0.0.1:{server.server_port}", "file": site.as_uri()}
        yield lambda page, over="http": f"{roots[over]}/{page}"
        server.shutdown()
        thread.join()


@pytest.fixture
def open_tab(browser, address):
    """A function that opens a page in a tab of its own and notes everything that goes wrong.

    The page is one of the site's, unless the address of another folder is given as `root`. The
    script `first` runs before the page's own.

    At the end of the test nothing may have gone wrong: no message in the console, no failed
    request, none to another host, no breach of the security policy.
    """
    contexts, wrongs = [], []

    def open_page(page, over="http", width=1280, root=None, first="", **options):
        viewport = {"width": width, "height": 844}
        context = browser.new_context(
            **{"viewport": viewport, "reduced_motion": "reduce"} | options
        )
        contexts.append(context)
        root = root or address("", over)

        def route(route):
            if route.request.url.startswith((root, "data:")):
                route.continue_()
            else:
                wrongs.append(f"request to another host: {route.request.url}")
                route.abort()

        context.route("**/*", route)
        context.add_init_script(first)
        tab = context.new_page()
        tab.on(
            "console",
            lambda m: m.type in ("warning", "error") and wrongs.append(f"{m.type}: {m.text}"),
        )
        tab.on("pageerror", lambda error: wrongs.append(f"uncaught: {error}"))
        tab.on("requestfailed", lambda request: wrongs.append(f"failed: {request.url}"))
        tab.on(
            "response",
            lambda r: r.status >= 400 and wrongs.append(f"{r.status}: {r.url}"),
        )
        tab.goto(root + page, wait_until="load")
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert wrongs == []
