"""Binder would install our requirements, with the CPU build of PyTorch, and open JupyterLab."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
BINDER = (ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8")
REQUIREMENTS = "".join(
    (ROOT / "requirements" / name).read_text(encoding="utf-8") for name in ("book.txt", "torch.txt")
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="repo2docker needs POSIX")


@pytest.fixture(scope="module")
def recipe():
    """The Dockerfile that Binder would build; rendering it needs no Docker."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    rendered = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return rendered.stdout + rendered.stderr


def test_binder_installs_our_requirements_from_the_whole_repository(recipe):
    copied = recipe.index("COPY --chown=", recipe.index("# Copy stuff."))
    # Only then is there the package, for `-e .`.
    installed = recipe.index('pip install --no-cache-dir -r "binder/requirements.txt"')
    assert copied < installed
    assert "-r ../requirements/book.txt" in BINDER.splitlines()
    assert "-e ." in REQUIREMENTS.splitlines()


def test_binder_trusts_the_notebooks_so_that_their_figures_show(recipe):
    assert "binder/postBuild" in recipe
    assert "jupyter trust chapters/*.ipynb" in (ROOT / "binder" / "postBuild").read_text()
    assert os.access(ROOT / "binder" / "postBuild", os.X_OK)


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
    (cpu,) = [Requirement(line) for line in BINDER.splitlines() if line.startswith("torch")]
    (pinned,) = re.findall(r"^torch==([^;\s]+)", REQUIREMENTS, re.M)
    assert str(cpu.specifier) == f"=={pinned}+cpu"
    assert cpu.marker.evaluate({"sys_platform": "linux", "platform_machine": "x86_64"})
    assert not cpu.marker.evaluate({"sys_platform": "linux", "platform_machine": "aarch64"})
    assert "--extra-index-url https://download.pytorch.org/whl/cpu" in BINDER.splitlines()
    # pip installs both lines only if one build satisfies both.
    assert Requirement(f"torch=={pinned}").specifier.contains(f"{pinned}+cpu")


def test_binder_opens_jupyterlab():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["launch_buttons"]["notebook_interface"] == "jupyterlab"
    assert "jupyterlab" in re.findall(r"^[\w-]+", REQUIREMENTS, re.M)
