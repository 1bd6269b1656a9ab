"""Binder would install what the chapters need, with PyTorch for the CPU, and open JupyterLab."""

import os
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
POST_BUILD = ROOT / "binder" / "postBuild"
PACKAGES = (ROOT / "binder" / "packages.txt").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="repo2docker needs POSIX")


def requirements(name):
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def names(text):
    return set(re.findall(r"^\w[\w.-]*", text, re.M))


@pytest.fixture(scope="module")
def recipe():
    """The Dockerfile that Binder would build; rendering it needs no Docker."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    rendered = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return rendered.stdout + rendered.stderr


@pytest.fixture
def build(tmp_path):
    """A function that runs postBuild, with commands that only note how they were called.

    It returns the calls and which of the `files`, in a folder of packages, are left.
    """
    packages, commands = tmp_path / "packages", tmp_path / "bin"
    commands.mkdir()
    log = tmp_path / "calls"
    for command in ("pip", "python", "jupyter"):
        (commands / command).write_text(
            f'#!/bin/sh\necho "{command} $*" >> "{log}"\n'
            f'case "$*" in *purelib*) echo "{packages}" ;; esac\n'
        )
        (commands / command).chmod(0o755)

    def run(files):
        for file in files:
            (packages / file).parent.mkdir(parents=True, exist_ok=True)
            (packages / file).touch()
        path = f"{commands}{os.pathsep}{os.environ['PATH']}"
        subprocess.run([POST_BUILD], cwd=ROOT, env=os.environ | {"PATH": path}, check=True)
        left = {file for file in files if (packages / file).exists()}
        return log.read_text(encoding="utf-8").splitlines(), left

    return run


def test_binder_installs_in_one_step_from_the_whole_repository(recipe):
    copied = recipe.index("COPY --chown=", recipe.index("# Copy stuff."))
    # Only then is there the package, for `-e .`.
    assert copied < recipe.index("RUN ./binder/postBuild")
    # What another step installs, postBuild can hide, but the image keeps it.
    assert "pip install" not in recipe
    assert os.access(POST_BUILD, os.X_OK)


def test_binder_installs_what_the_chapters_need_and_no_more():
    named = [line for line in PACKAGES.splitlines() if line.startswith("-r")]
    assert named == ["-r ../requirements/torch.txt", "-r ../requirements/book.txt"]
    assert names(PACKAGES) == {"torch"}
    assert "-e ." in requirements("book").splitlines()
    # Binder's base image has Jupyter, which would be there twice.
    jupyter = re.compile("jupyter|notebook|ipykernel")
    assert not [name for name in names(requirements("book")) if jupyter.match(name)]


def test_binder_deletes_what_no_chapter_uses(build):
    kept = {
        "torch/bin/torch_shm_manager",
        "torch/lib/libtorch_cpu.so",
        "torch/testing/__init__.py",
        "pandas/core/frame.py",
    }
    deleted = {
        "torch/bin/test_api",
        "torch/include/ATen/ATen.h",
        "torch/test/List_test",
        "pandas/tests/io/test_sql.py",
    }
    calls, left = build(kept | deleted)
    assert left == kept
    assert calls[0] == "pip install --no-cache-dir --no-compile -r binder/packages.txt"


def test_binder_compiles_what_the_chapters_import(build):
    calls, _ = build(["torch/bin/test_api"])
    (code,) = [call.removeprefix("python -c ") for call in calls if "adagrad_course" in call]
    seen = "import sys; print(*sys.modules)"
    command = [sys.executable, "-c", f"{code}; {seen}"]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    wanted = {"torch", "matplotlib.pyplot", "numpy", "pandas", "anywidget", "scipy.sparse"}
    assert wanted <= set(loaded.stdout.split())


def test_binder_trusts_the_notebooks_so_that_their_figures_show(build):
    calls, _ = build(["torch/bin/test_api"])
    chapters = sorted(path.relative_to(ROOT) for path in ROOT.glob("chapters/*.ipynb"))
    assert calls[-1] == " ".join(["jupyter trust", *map(str, chapters)])


def test_binder_starts_jupyter_with_the_settings_of_make_lab(recipe):
    assert "binder/start" in recipe
    command = [ROOT / "binder" / "start", "printenv", "JUPYTER_CONFIG_PATH"]
    path = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert Path(path.strip(), "jupyter_server_config.py").exists()
    assert 'JUPYTER_CONFIG_PATH="$(CURDIR)/lab"' in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_binder_has_a_python_that_is_tested(recipe):
    (version,) = set(re.findall(r"environment-2epy-2d3-2e(\d+)", recipe))
    workflow = (ROOT / ".github" / "workflows" / "weekly.yml").read_text(encoding="utf-8")
    assert (
        f"3.{version}" in yaml.safe_load(workflow)["jobs"]["linux"]["strategy"]["matrix"]["python"]
    )


def test_binder_gets_the_cpu_build_of_the_torch_that_is_pinned():
    (cpu,) = [Requirement(line) for line in PACKAGES.splitlines() if line.startswith("torch")]
    (pinned,) = re.findall(r"^torch==([^;\s]+)", requirements("torch"), re.M)
    assert str(cpu.specifier) == f"=={pinned}+cpu"
    assert cpu.marker.evaluate({"sys_platform": "linux", "platform_machine": "x86_64"})
    assert not cpu.marker.evaluate({"sys_platform": "linux", "platform_machine": "aarch64"})
    assert "--extra-index-url https://download.pytorch.org/whl/cpu" in PACKAGES.splitlines()
    # pip installs both lines only if one build satisfies both.
    assert Requirement(f"torch=={pinned}").specifier.contains(f"{pinned}+cpu")


def test_binder_opens_jupyterlab_which_its_base_image_has():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["launch_buttons"]["notebook_interface"] == "jupyterlab"
    python = (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    lock = f"repo2docker/buildpacks/conda/environment.py-{python}-linux-64.lock"
    base = distribution("jupyter-repo2docker").locate_file(lock).read_text(encoding="utf-8")
    # anywidget's figures need JupyterLab 4; `jupyter trust` and the kernel come with it.
    assert re.search(r"/jupyterlab-4\.[\d.]+-", base)
    assert re.search(r"/ipykernel-[\d.]+-", base)
