"""Where the buttons of a page lead: forks, branches, folders, and copies that are no clone."""

import doctest
import subprocess
from types import SimpleNamespace
from urllib.parse import quote

import book_repository
import nbformat
import pytest
from access import Page

ADDRESS = "https://github.com/ada/grad.py"
GITHUB = "git@github.com:ada/grad.git"


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
    assert book_repository.repository_url(remote) == ADDRESS


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
    assert book_repository.repository_url(remote) is None


LAUNCH = {
    "binderhub_url": "https://mybinder.org",
    "colab_url": "https://colab.research.google.com",
}


def linked(folder):
    options = {
        "repository_url": "https://github.com/executablebooks/jupyter-book",
        "launch_buttons": LAUNCH,
    }
    config = SimpleNamespace(html_theme_options=options)
    book_repository.link_repository(SimpleNamespace(srcdir=folder), config)
    return options


@pytest.fixture
def git(tmp_path, monkeypatch):
    """A function that runs git in a new repository, which alone says where the book comes from."""
    monkeypatch.delenv("BOOK_REPOSITORY", raising=False)
    monkeypatch.delenv("BOOK_BRANCH", raising=False)
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]

    def run(*arguments, folder=tmp_path):
        subprocess.run(["git", "-C", folder, *identity, *arguments], check=True)

    run("init", "--quiet", "--initial-branch=topic")
    return run


def test_links_follow_the_remote_called_origin(git, tmp_path):
    git("remote", "add", "origin", GITHUB)
    options = linked(tmp_path)
    assert options["repository_url"] == "https://github.com/ada/grad"
    assert options["repository_branch"] == "main"  # this branch was not pushed
    assert options["use_repository_button"]
    assert options["launch_buttons"]


def test_links_follow_the_branch_that_was_pushed(git, tmp_path):
    git("remote", "add", "origin", GITHUB)
    git("commit", "--quiet", "--allow-empty", "--message=x")
    git("update-ref", "refs/remotes/origin/work/two", "HEAD")
    git("branch", "--quiet", "--set-upstream-to=origin/work/two")
    assert linked(tmp_path)["repository_branch"] == "work/two"


@pytest.fixture
def pushed(git, tmp_path):
    """A function that gives a branch a counterpart on a remote, without a network."""
    git("remote", "add", "origin", GITHUB)
    git("commit", "--quiet", "--allow-empty", "--message=x")

    def push(branch, remote="origin"):
        git("update-ref", f"refs/remotes/{remote}/{branch}", "HEAD")

    return push


def test_a_detached_commit_is_linked_to_the_branch_that_github_shows_first(git, pushed, tmp_path):
    pushed("trunk")
    git("checkout", "--quiet", "--detach")
    assert linked(tmp_path)["repository_branch"] == "main"  # a runner's clone was not told
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert linked(tmp_path)["repository_branch"] == "trunk"


def test_a_forks_branch_that_follows_the_original_is_linked_to_the_fork(git, pushed, tmp_path):
    git("remote", "add", "upstream", "https://github.com/original/grad")
    pushed("develop", remote="upstream")
    git("branch", "--quiet", "--set-upstream-to=upstream/develop")
    options = linked(tmp_path)
    assert options["repository_url"] == "https://github.com/ada/grad"
    assert options["repository_branch"] == "main"


def test_a_branchs_name_is_quoted(git, pushed, tmp_path):
    pushed("issue#1/50%")
    git("branch", "--quiet", "--set-upstream-to=origin/issue#1/50%")
    assert linked(tmp_path)["repository_branch"] == "issue%231/50%25"


def test_a_shallow_clone_and_a_worktree_are_clones(git, tmp_path):
    git("commit", "--quiet", "--allow-empty", "--message=x")
    shallow, beside = tmp_path / "shallow", tmp_path / "beside"
    git("clone", "--quiet", "--depth=1", "--branch=topic", tmp_path.as_uri(), str(shallow))
    git("remote", "set-url", "origin", GITHUB, folder=shallow)
    git(
        "worktree", "add", "--quiet", "--track", "-b", "two", beside, "origin/topic", folder=shallow
    )
    for folder in (shallow, beside):
        options = linked(folder)
        assert options["repository_url"] == "https://github.com/ada/grad"
        assert options["repository_branch"] == "topic"
        assert options["path_to_docs"] == ""
        assert options["launch_buttons"] == LAUNCH


@pytest.fixture(params=["book", "Kurs #1 & Übung/50% book"])
def book_folder(request, git, tmp_path):
    """The path of a book's folder in the repository of something else."""
    git("remote", "add", "origin", GITHUB)
    folder = tmp_path / request.param
    folder.mkdir(parents=True)
    (folder / "_config.yml").touch()
    return request.param


def test_links_lead_to_the_books_folder(git, book_folder, tmp_path):
    git("add", ".")
    assert linked(tmp_path / book_folder)["path_to_docs"] == f"{quote(book_folder)}/"


@pytest.mark.parametrize("recipe", [None, "binder", ".binder"])
def test_a_book_in_a_folder_is_on_binder_if_its_repository_is(git, book_folder, tmp_path, recipe):
    git("add", ".")
    if recipe:
        (tmp_path / recipe).mkdir()
    buttons = linked(tmp_path / book_folder)["launch_buttons"]
    assert bool(buttons["binderhub_url"]) == bool(recipe)
    assert buttons["colab_url"]  # it builds nothing


def test_a_copy_unpacked_in_another_repository_is_no_part_of_it(book_folder, tmp_path, monkeypatch):
    folder = tmp_path / book_folder
    assert linked(folder) == {"repository_url": "", "launch_buttons": {}}
    monkeypatch.setenv("BOOK_REPOSITORY", "https://github.com/fork/grad")
    options = linked(folder)
    assert options["repository_url"] == "https://github.com/fork/grad"
    assert options["path_to_docs"] == ""
    assert options["launch_buttons"]["binderhub_url"]


def test_every_link_of_a_page_in_a_folder_names_the_folder(git, tmp_path, small_book):
    git("remote", "add", "origin", GITHUB)
    (tmp_path / "binder").mkdir()
    folder = tmp_path / "lessons & more" / "book"
    folder.mkdir(parents=True)
    (folder / "_config.yml").touch()
    git("add", ".")
    notebook = "---\nfile_format: mystnb\nkernelspec: {name: python3}\n---\n# Title\n\nText."
    by_git = {"BOOK_REPOSITORY": None, "GIT_CEILING_DIRECTORIES": None}
    result, page = small_book(notebook, source=folder, **by_git)
    assert result.returncode == 0, result.stdout
    links = Page(page).all("a", "href")
    path = "lessons%20%26%20more/book/chapters/page"
    github = "https://github.com/ada/grad"
    assert f"{github}/edit/main/{path}.md" in links
    assert f"https://mybinder.org/v2/gh/ada/grad/main?urlpath=lab/tree/{path}.md" in links
    issues = [link for link in links if link.startswith(f"{github}/issues/new?")]
    assert [f"%2F{path}.html&" in link for link in issues] == [True]
    # Colab opens no notebook in Markdown.
    assert "colab" not in page.read_text(encoding="utf-8")


def test_a_notebook_opens_on_colab_from_its_folder_and_branch(git, pushed, tmp_path, small_book):
    pushed("work/two")
    git("branch", "--quiet", "--set-upstream-to=origin/work/two")
    folder = tmp_path / "lessons & more" / "book"
    folder.mkdir(parents=True)
    (folder / "_config.yml").touch()
    git("add", ".")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title\n\nText.")])
    by_git = {"BOOK_REPOSITORY": None, "BOOK_BRANCH": None, "GIT_CEILING_DIRECTORIES": None}
    text = nbformat.writes(notebook)
    result, page = small_book(text, source=folder, file="page.ipynb", **by_git)
    assert result.returncode == 0, result.stdout
    links = Page(page).all("a", "href")
    path = "work/two/lessons%20%26%20more/book/chapters/page.ipynb"
    assert f"https://colab.research.google.com/github/ada/grad/blob/{path}" in links
    assert "../_sources/chapters/page.ipynb" in links  # to download it


def test_without_git_there_are_links_only_if_they_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("BOOK_REPOSITORY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert linked(tmp_path)["repository_url"] == ""
    monkeypatch.setenv("BOOK_REPOSITORY", "https://github.com/fork/grad")
    options = linked(tmp_path)
    assert options["repository_url"] == "https://github.com/fork/grad"
    assert (options["repository_branch"], options["path_to_docs"]) == ("main", "")


def test_the_environment_overrides_git(git, tmp_path, monkeypatch):
    git("remote", "add", "origin", GITHUB)
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


def test_examples():
    assert doctest.testmod(book_repository).failed == 0
