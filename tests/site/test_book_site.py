"""The extension by itself: links to repositories, maths that does not parse, folded solutions,
a summary that moves to the top."""

import doctest
import shutil
import subprocess
from types import SimpleNamespace

import book_site
import pytest
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.utils import new_document

ADDRESS = "https://github.com/ada/grad.py"


@pytest.mark.parametrize(
    "remote",
    [
        ADDRESS,
        f"{ADDRESS}/",
        f"{ADDRESS}.git",
        f"{ADDRESS}.git\n",
        "http://github.com/ada/grad.py",
        "https://www.github.com/ada/grad.py",
        "https://GitHub.com/ada/grad.py",
        "https://user:secret@github.com/ada/grad.py.git",
        "git@github.com:ada/grad.py.git",
        "git@github.com:ada/grad.py",
        "ssh://git@github.com/ada/grad.py.git",
        "ssh://git@github.com:22/ada/grad.py.git",
        "git://github.com/ada/grad.py.git",
        "github.com/ada/grad.py",
    ],
)
def test_a_github_remote_becomes_its_web_address(remote):
    assert book_site.repository_url(remote) == ADDRESS


@pytest.mark.parametrize(
    "remote",
    [
        "",
        "/srv/git/grad.git",
        "../grad",
        "ada/grad",
        "file:///srv/git/ada/grad.git",
        "https://example.org/ada/grad",
        "https://notgithub.com/ada/grad",
        "https://github.com.example.org/ada/grad",
        "https://example.org/github.com/ada/grad",
        "https://github.com/ada",
        "https://github.com/ada/grad/tree/main",
        'https://github.com/ada/grad"onclick="alert(1)',
    ],
)
def test_any_other_remote_becomes_nothing(remote):
    assert book_site.repository_url(remote) is None


def linked(folder):
    options = {
        "repository_url": "https://github.com/executablebooks/jupyter-book",
        "launch_buttons": {"binderhub_url": "https://mybinder.org"},
    }
    config = SimpleNamespace(html_theme_options=options)
    book_site.link_repository(SimpleNamespace(srcdir=folder), config)
    return options


@pytest.fixture
def git(tmp_path, monkeypatch):
    """A function that runs git in a new repository, which alone says where the book comes from."""
    monkeypatch.delenv("BOOK_REPOSITORY", raising=False)
    monkeypatch.delenv("BOOK_BRANCH", raising=False)
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]

    def run(*arguments):
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True)

    run("init", "--quiet", "--initial-branch=topic")
    return run


def test_links_follow_the_remote_called_origin(git, tmp_path):
    git("remote", "add", "origin", "git@github.com:ada/grad.git")
    options = linked(tmp_path)
    assert options["repository_url"] == "https://github.com/ada/grad"
    assert options["repository_branch"] == "main"  # this branch was not pushed
    assert options["use_repository_button"]
    assert options["launch_buttons"]


def test_links_follow_the_branch_that_was_pushed(git, tmp_path):
    git("remote", "add", "origin", "git@github.com:ada/grad.git")
    git("commit", "--quiet", "--allow-empty", "--message=x")
    git("update-ref", "refs/remotes/origin/work/two", "HEAD")
    git("branch", "--quiet", "--set-upstream-to=origin/work/two")
    assert linked(tmp_path)["repository_branch"] == "work/two"


def test_the_environment_overrides_git(git, tmp_path, monkeypatch):
    git("remote", "add", "origin", "git@github.com:ada/grad.git")
    monkeypatch.setenv("BOOK_REPOSITORY", "https://github.com/fork/grad")
    monkeypatch.setenv("BOOK_BRANCH", "dev")
    options = linked(tmp_path)
    assert options["repository_url"] == "https://github.com/fork/grad"
    assert options["repository_branch"] == "dev"


@pytest.mark.parametrize("remote", [None, "/srv/git/grad.git"])
def test_without_a_repository_on_github_there_are_no_links(git, tmp_path, remote):
    if remote:
        git("remote", "add", "origin", remote)
    assert linked(tmp_path) == {"repository_url": "", "launch_buttons": {}}


def test_a_folder_that_is_no_clone_has_no_links(tmp_path, monkeypatch):
    monkeypatch.delenv("BOOK_REPOSITORY", raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert linked(tmp_path)["repository_url"] == ""


def test_a_book_without_a_repository_is_built_without_buttons(small_book):
    result, page = small_book("# Title\n\nA paragraph.", repository="")
    assert result.returncode == 0, result.stdout
    html = page.read_text()
    assert "github.com" not in html
    assert "mybinder.org" not in html
    assert '<meta name="description" content="A paragraph.">' in html


def test_bad_maths_fails_the_build_and_is_located(small_book):
    result, page = small_book("# Title\n\nText.\n\nA $\\badmacro$ here.", repository="")
    assert result.returncode != 0
    assert "page.md:5: KaTeX parse error: Undefined control sequence: \\badmacro" in result.stdout
    assert not page.exists()


def test_a_missing_download_is_explained(tmp_path, monkeypatch):
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_text("{}")
    monkeypatch.setattr(book_site, "SITE", tmp_path)
    monkeypatch.setattr(
        book_site,
        "run_npm",
        lambda *arguments, cwd: SimpleNamespace(returncode=1, stderr="no network"),
    )
    with pytest.raises(book_site.ExtensionError, match=r"(?s)network connection once.*no network"):
        book_site.fetch_katex()
    assert {path.name for path in tmp_path.iterdir()} == {"package.json", "package-lock.json"}


def test_what_was_downloaded_is_not_downloaded_again(site, monkeypatch):
    monkeypatch.setattr(book_site, "run_npm", None)
    assert (book_site.fetch_katex() / "katex.min.css").is_file()


def test_a_new_look_is_a_new_configuration(tmp_path, monkeypatch):
    def look():
        config = SimpleNamespace()
        book_site.watch_the_look(None, config)
        return config.site_look

    shutil.copytree(book_site.SITE / "templates", tmp_path / "templates")
    for name in ("book.css", "book.js", "still.js"):
        shutil.copy(book_site.SITE / name, tmp_path)
    shutil.copytree(book_site.EXPLORABLES, tmp_path / "explorables")
    looks = [look()]
    monkeypatch.setattr(book_site, "SITE", tmp_path)
    monkeypatch.setattr(book_site, "EXPLORABLES", tmp_path / "explorables")
    assert look() == looks[0]
    for name in ("book.css", "still.js", "explorables/explorables.js"):
        (tmp_path / name).write_text("p { color: red }")
        looks.append(look())
    assert len(set(looks)) == len(looks)


def test_a_description_is_the_first_paragraph_of_the_text_cut_at_a_word():
    aside = nodes.sidebar("", nodes.paragraph(text="Not this."))
    text = nodes.paragraph(text="One\ntwo " + "three " * 40)
    section = nodes.section("", nodes.title(text="T"), aside, text)
    description = book_site.describe(section, length=20)
    assert description == "One two three three …"


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
    html = pages["chapters/08-the-lecture-tested.html"].path.read_text(encoding="utf-8")
    table, rule = html.index('<table class="claims">'), html.index('id="the-rule"')
    assert table < rule
    assert html.count('href="#sec-c18"') == 1


def test_examples():
    assert doctest.testmod(book_site).failed == 0
