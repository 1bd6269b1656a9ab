"""The extension by itself: maths and what renders it, folded solutions, a summary that moves to
the top."""

import json
import os
import shutil
import socket
import stat
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import book_site
import pytest
import sphinxcontrib.katex as katex
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.utils import new_document


def test_a_book_without_a_repository_is_built_without_buttons(small_book):
    result, page = small_book("# Title\n\nA paragraph.")
    assert result.returncode == 0, result.stdout
    html = page.read_text(encoding="utf-8")
    assert "github.com" not in html
    assert "mybinder.org" not in html
    assert "colab" not in html
    assert '<meta name="description" content="A paragraph.">' in html


def test_after_a_build_that_broke_off_all_is_made_anew(small_book, tmp_path):
    text = "# Title\n\nA paragraph."
    _, page = small_book(text, source=tmp_path)
    mark, left = tmp_path / "_build" / "html.unfinished", page.with_name("half.html")
    left.touch()
    result, _ = small_book(text, source=tmp_path)
    assert "anew" not in result.stdout
    assert left.exists()
    mark.touch()  # as it stays when a build is killed
    result, _ = small_book(text, source=tmp_path)
    assert result.returncode == 0, result.stdout
    assert "the last build did not end well, so this one begins anew" in result.stdout
    assert page.exists()
    assert not left.exists()
    assert not mark.exists()


def test_a_warning_is_given_again_until_its_cause_is_gone(small_book, tmp_path):
    for _ in range(2):
        result, _ = small_book("# Title\n\nA [link](#nowhere).", source=tmp_path)
        assert result.returncode != 0
        assert "nowhere" in result.stdout
    result, _ = small_book("# Title\n\nNo link.", source=tmp_path)
    assert result.returncode == 0, result.stdout
    assert not (tmp_path / "_build" / "html.unfinished").exists()


def test_bad_maths_fails_the_build_and_is_located(small_book):
    result, page = small_book("# Title\n\nText.\n\nA $\\badmacro$ here.")
    assert result.returncode != 0
    assert "page.md:5: KaTeX parse error: Undefined control sequence: \\badmacro" in result.stdout
    assert not page.exists()


def rendered(formula):
    return katex.render_latex(formula)


@pytest.fixture
def renderer(monkeypatch):
    """Formulas are rendered as in a build."""
    monkeypatch.setattr(katex.KaTeXServer, "katex_server", book_site.FormulaRenderer())
    monkeypatch.setitem(katex.KATEX_DEFAULT_OPTIONS, "throwOnError", True)
    yield
    book_site.stop_katex(None, None)


def test_formulas_are_rendered_where_there_are_no_sockets(renderer, tmp_path, monkeypatch):
    """Windows' Python has no AF_UNIX; elsewhere the path of a socket is limited to 104 bytes."""
    monkeypatch.delattr(socket, "socket")
    monkeypatch.delattr(socket, "AF_UNIX", raising=False)
    deep = tmp_path / ("long" * 30) / "and longer"
    deep.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    longer_than_a_pipe = f"x%{'y' * 100_000}\n"  # mostly a comment, which takes no time to set
    for formula in ("\\sqrt{G}", "\\text{Übung ✓}", longer_than_a_pipe):
        html = rendered(formula)
        assert html.startswith('<span class="katex">')
        assert html.endswith("</span>")
    assert len(html) > 100_000  # KaTeX repeats its input
    with pytest.raises(katex.KaTeXError, match="KaTeX parse error"):
        rendered("\\frac{1}")
    assert "mfrac" in rendered("\\frac{1}{2}")  # an error is no end
    assert list(deep.iterdir()) == []


def test_each_process_of_a_parallel_build_has_its_own_renderer(renderer, monkeypatch):
    first = book_site.start_katex(os.getpid())
    with book_site.start_katex(-1) as second:  # as in a fork
        assert second.pid != first.pid
        second.stdin.close()


def test_the_renderer_ends_with_the_build(renderer):
    rendered("x")
    node = book_site.start_katex(os.getpid())
    book_site.stop_katex(None, None)
    assert node.returncode == 0
    book_site.stop_katex(None, None)  # nothing is left to end
    assert "katex" in rendered("x")  # for the next build there is another


def test_a_renderer_that_died_is_not_waited_for(renderer):
    rendered("x")
    book_site.start_katex(os.getpid()).kill()
    with pytest.raises(book_site.ExtensionError, match=r"Node ended with exit code -?\d+ at .*'y'"):
        rendered("y")


PINS = json.loads((book_site.SITE / "package.json").read_text(encoding="utf-8"))["dependencies"]


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """The folder of the extension, with nothing fetched, and that of a build; npm is a stand-in.

    What the stand-in does is in the list `npm`, whose last item is the next call's.
    """
    homes = SimpleNamespace(site=tmp_path / "site", build=tmp_path / "_build", npm=[])
    for home in (homes.site, homes.build):
        home.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(book_site.SITE / name, homes.site)

    def fetch(*arguments, cwd, **versions):
        for name, version in (PINS | versions).items():
            fetched = Path(cwd, "node_modules", name)
            (fetched / "dist").mkdir(parents=True)
            manifest = f'{{"version": "{version}"}}'
            (fetched / "package.json").write_text(manifest, encoding="utf-8")
        return SimpleNamespace(returncode=0)

    homes.fetch = fetch
    homes.npm.append(fetch)
    monkeypatch.setattr(book_site, "SITE", homes.site)
    monkeypatch.setattr(book_site, "run_npm", lambda *a, cwd: homes.npm.pop()(*a, cwd=cwd))
    return homes


SOURCES = {"package.json", "package-lock.json"}


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_missing_download_is_explained(homes):
    homes.npm.append(lambda *a, cwd: SimpleNamespace(returncode=1, stderr="no network"))
    with pytest.raises(
        book_site.ExtensionError, match=r"(?s)and esbuild .* and katex .*no network"
    ):
        book_site.fetch_modules(homes.build)
    assert names(homes.site) == SOURCES


def test_of_what_is_missing_only_that_is_named(homes):
    homes.fetch(cwd=homes.site)
    shutil.rmtree(homes.site / "node_modules" / "esbuild")
    homes.npm.append(lambda *a, cwd: SimpleNamespace(returncode=1, stderr="no network"))
    with pytest.raises(book_site.ExtensionError, match=rf"needs esbuild {PINS['esbuild']}, which"):
        book_site.fetch_modules(homes.build)


def test_what_was_downloaded_is_not_downloaded_again(homes):
    fetched = homes.site / "node_modules"
    assert book_site.fetch_modules(homes.build) == fetched
    assert homes.npm == []
    assert book_site.fetch_modules(homes.build) == fetched
    assert names(homes.site) == {*SOURCES, "node_modules"}
    assert names(homes.build) == set()


@pytest.mark.parametrize("package", PINS)
def test_another_version_is_replaced(homes, package):
    homes.fetch(cwd=homes.site, **{package: "0.0.1"})
    (homes.site / "node_modules" / "katex" / "old").touch()
    book_site.fetch_modules(homes.build)
    assert book_site.missing_modules(homes.site / "node_modules") == []
    assert names(homes.site / "node_modules" / "katex") == {"package.json", "dist"}
    assert names(homes.site) == {*SOURCES, "node_modules"}


def test_a_build_that_was_faster_keeps_what_it_fetched(homes):
    def fetch_twice(*arguments, cwd):
        homes.fetch(cwd=homes.site)
        (homes.site / "node_modules" / "katex" / "in use").touch()
        return homes.fetch(cwd=cwd)

    homes.npm.append(fetch_twice)
    book_site.fetch_modules(homes.build)
    assert "in use" in names(homes.site / "node_modules" / "katex")
    assert names(homes.site) == {*SOURCES, "node_modules"}


def test_where_the_sources_are_read_only_the_download_goes_to_the_build(homes, monkeypatch):
    writable = os.access  # which a superuser's rights do not limit
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and writable(path, mode))
    fetched = homes.build / "node_modules"
    assert book_site.fetch_modules(homes.build) == fetched
    assert book_site.fetch_modules(homes.build) == fetched
    assert names(homes.site) == SOURCES
    assert names(homes.build) == {"node_modules"}


def test_the_rests_of_a_killed_download_are_unknown_to_git_and_removed_later(homes):
    def killed(*arguments, cwd):
        homes.fetch(cwd=cwd)
        shutil.copytree(cwd, homes.site / f"{book_site.HALF_MADE}killed")
        return SimpleNamespace(returncode=1, stderr="")

    homes.npm.append(killed)
    with pytest.raises(book_site.ExtensionError):
        book_site.fetch_modules(homes.build)
    rest = homes.site / f"{book_site.HALF_MADE}killed"
    assert (rest / ".gitignore").read_text(encoding="utf-8") == "*\n"
    book_site.fetch_modules(homes.build)
    assert rest.is_dir()  # it might be another build's that is still under way
    os.utime(rest, (time.time() - 3600,) * 2)
    book_site.fetch_modules(homes.build)
    assert names(homes.site) == {*SOURCES, "node_modules"}


def test_the_rests_of_packages_for_browsers_are_removed_later_too(homes):
    rest = homes.site / "live" / f"{book_site.HALF_MADE}killed"
    rest.mkdir(parents=True)
    os.utime(rest, (time.time() - 3600,) * 2)
    book_site.fetch_modules(homes.build)
    assert not rest.exists()


def test_what_is_copied_from_read_only_files_can_be_copied_again(homes, tmp_path, monkeypatch):
    dist = book_site.fetch_modules(homes.build) / "katex" / "dist"
    (dist / "fonts").mkdir()
    for name in ("katex.min.css", "fonts/A.woff2"):
        (dist / name).write_bytes(b"x")
        (dist / name).chmod(0o444)
    (dist / "fonts").chmod(0o555)
    monkeypatch.setattr(katex.KaTeXServer, "katex_server", None)
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=homes.build / "html")
    book_site.prepare_katex(app)
    book_site.stop_katex(app, None)
    copied = homes.build / "html" / "_static" / "katex"
    for path in (copied / "katex.min.css", copied / "fonts", copied / "fonts" / "A.woff2"):
        assert path.stat().st_mode & stat.S_IWUSR, path.name


RACE = '<div class="explorable" data-explorable="race" data-settings=""></div>'


def test_lines_may_end_as_windows_does(small_book, site):
    text = f"# Title\n\nA paragraph, $x^2$.\n\n{RACE}\n\n- one\n- two\n"
    pages = []
    for newline in ("\n", "\r\n"):
        result, page = small_book(text, newline=newline)
        assert result.returncode == 0, result.stdout
        pages.append(page.read_bytes())
    assert pages[0] == pages[1]


STRANGE = "d'été #1 & 50% {x} [y] $z ü"


def test_the_sources_may_lie_in_a_folder_of_any_name(small_book, tmp_path):
    """Not only the pages: also the extension, and the scripts that draw formulas and figures."""
    checkout = tmp_path / STRANGE
    for folder in (book_site.SITE, book_site.EXPLORABLES):
        shutil.copytree(folder, checkout / folder.relative_to(book_site.SITE.parent))
    text = f"# Title\n\nA paragraph, $x^2$.\n\n{RACE}\n"
    result, page = small_book(text, source=checkout, home=checkout)
    assert result.returncode == 0, result.stdout
    html = page.read_text(encoding="utf-8")
    assert 'class="katex"' in html
    assert 'class="x-picture"' in html


def test_a_new_look_is_a_new_configuration(tmp_path, monkeypatch):
    def look():
        config = SimpleNamespace()
        book_site.watch_the_look(None, config)
        return config.site_look

    for folder in ("live", "templates"):
        kept = shutil.ignore_patterns("node_modules", "packages")
        shutil.copytree(book_site.SITE / folder, tmp_path / folder, ignore=kept)
    for script in (book_site.SITE / "book.css", *book_site.SITE.glob("*.*js")):
        shutil.copy(script, tmp_path)
    shutil.copytree(book_site.EXPLORABLES, tmp_path / "explorables")
    looks = [look()]
    monkeypatch.setattr(book_site, "SITE", tmp_path)
    monkeypatch.setattr(book_site, "EXPLORABLES", tmp_path / "explorables")
    assert look() == looks[0]
    scripts = ("book.css", "still.mjs", "bundle.mjs")
    figures = ("explorables/shared.mjs", "explorables/settings.json")
    for name in (*scripts, *figures, "live/worker.js", "live/runner.py"):
        (tmp_path / name).write_text("p { color: red }", encoding="utf-8")
        looks.append(look())
    assert len(set(looks)) == len(looks)


def page_with_a_summary(*boxes, tag="tag_summary"):
    """A page with these boxes on top and, below, a cell that gives a table."""
    page = new_document("page", get_default_settings())
    code = nodes.container("", nodes.literal_block(text="claims"), classes=["cell_input"])
    output = nodes.container("", nodes.raw("", "<table>", format="html"), classes=["cell_output"])
    page += [nodes.admonition("", nodes.paragraph(text=box), classes=[box]) for box in boxes]
    page += nodes.container("", code, output, classes=["cell", tag])
    book_site.LiftSummary(page).apply()
    *boxes, cell = page.children
    return [[kind for child in part for kind in child["classes"]] for part in (*boxes, cell)]


def test_what_the_summarys_cell_gives_moves_into_the_first_box_for_it():
    boxes = ("note", "summary", "summary")
    assert page_with_a_summary(*boxes) == [[], ["cell_output"], [], ["cell_input"]]


def test_without_a_box_or_a_cell_for_it_nothing_moves():
    cell = ["cell_input", "cell_output"]
    assert page_with_a_summary("note") == [[], cell]
    assert page_with_a_summary("summary", tag="tag_other") == [[], cell]


def test_the_verdicts_stand_at_the_top_and_only_there(pages):
    page = pages.get("chapters/09-the-lecture-tested.html") or pytest.skip("no chapter 9")
    html = page.path.read_text(encoding="utf-8")
    table, rule = html.index('<table class="claims verdicts">'), html.index('id="the-rule"')
    assert table < rule
    assert html.count('href="#sec-c18"') == 1


def cell_of_code(text, *outputs, hide_mode="input"):
    source = nodes.container("", nodes.literal_block(text=text))
    return nodes.container("", source, *outputs, hide_mode=hide_mode)


def test_neighbouring_folds_of_code_become_one_unless_something_is_shown_between():
    page = new_document("page", get_default_settings())
    output = nodes.container("", nodes.raw("", "<table>", format="html"))
    page += [cell_of_code("a"), cell_of_code("b"), cell_of_code("c", output), cell_of_code("d")]
    page += [nodes.paragraph(text="-"), cell_of_code("e"), cell_of_code("f", hide_mode="output")]
    book_site.JoinHiddenCode(page).run()
    assert [node.astext().split() for node in page] == [
        ["a", "b", "c", "<table>"],
        ["d"],
        ["-"],
        ["e"],
        ["f"],
    ]


def test_modules_of_another_computer_are_explained(tmp_path, monkeypatch):
    """esbuild's package is one of JavaScript that needs another, with a program for one system."""
    modules = tmp_path / "node_modules"
    shutil.copytree(book_site.fetch_modules(tmp_path) / "esbuild", modules / "esbuild")
    monkeypatch.setattr(book_site, "fetch_modules", lambda build: modules)
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path / "html")
    with pytest.raises(book_site.ExtensionError, match=r"(?s)another computer, .*@esbuild"):
        book_site.bundle_explorables(app)


def test_every_platform_has_its_esbuild():
    lock = json.loads((book_site.SITE / "package-lock.json").read_text(encoding="utf-8"))
    for platform in ("linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64", "win32-x64"):
        entry = lock["packages"][f"node_modules/@esbuild/{platform}"]
        assert entry["version"] == PINS["esbuild"]
        assert entry["optional"]
        assert entry["integrity"].startswith("sha512-")
