"""The workflows are sound to three linters, run the commands that the book's pages name, may do
no more than they must, and publish nothing untested."""

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
FILES = sorted(GITHUB.glob("workflows/*.yml"))
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
READ = {"contents": "read"}
PERMISSIONS = {
    ("publish", "build"): READ | {"pages": "read"},
    ("publish", "deploy"): {"pages": "write", "id-token": "write"},
}


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


WORKFLOWS = {path.stem: load(path) for path in FILES}
JOBS = {(name, job): JOB for name, flow in WORKFLOWS.items() for job, JOB in flow["jobs"].items()}
each_job = pytest.mark.parametrize("name", JOBS, ids="-".join)


def used(job):
    """Return the actions that a job uses, without their versions, and its commands, in order."""
    return [step.get("run") or step["uses"].partition("@")[0] for step in job["steps"]]


def commands(job):
    return [step["run"] for step in job["steps"] if "run" in step]


# Linters --------------------------------------------------------------------------------------


def passes(*command):
    result = subprocess.run(
        list(map(str, command)), capture_output=True, encoding="utf-8", cwd=ROOT
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_zizmor_finds_no_weakness():
    zizmor = shutil.which("zizmor", path=sysconfig.get_path("scripts"))
    assert zizmor, "zizmor is not installed: pip install -r requirements.txt"
    passes(zizmor, "--offline", "--quiet", "--persona=auditor", GITHUB)


@pytest.mark.parametrize(
    ("schema", "files"),
    [("github-workflows", FILES), ("dependabot", [GITHUB / "dependabot.yml"])],
)
def test_github_knows_every_key(schema, files):
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    passes(*check, *files)


def test_actionlint_finds_nothing():
    # Not among the requirements: no package on the registry has its makers' own binary.
    actionlint = shutil.which("actionlint")
    if not actionlint:
        pytest.skip("actionlint is not installed; most package managers have it")
    passes(actionlint)


# Actions --------------------------------------------------------------------------------------


def test_actions_are_pinned_to_one_commit_each_with_its_version():
    lines = [line for path in FILES for line in path.read_text(encoding="utf-8").splitlines()]
    uses = [line.partition("uses:")[2].strip() for line in lines if "uses:" in line]
    pinned = {
        re.fullmatch(r"(actions/[a-z-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)[1]: use
        for use in uses
    }
    assert set(uses) == set(pinned.values())


def test_no_checkout_leaves_its_credentials_behind():
    checkouts = [
        step
        for job in JOBS.values()
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert len(checkouts) == len(JOBS) - 1  # all but deploy
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_actions_are_renewed():
    (update,) = load(GITHUB / "dependabot.yml")["updates"]
    assert update["package-ecosystem"] == "github-actions"


# Limits ---------------------------------------------------------------------------------------


@each_job
def test_a_job_may_do_no_more_than_it_must(name):
    assert WORKFLOWS[name[0]]["permissions"] == {}
    assert JOBS[name]["permissions"] == PERMISSIONS.get(name, READ)


@each_job
def test_a_job_ends(name):
    assert 0 < JOBS[name]["timeout-minutes"] <= 90


def test_only_a_deployment_is_never_broken_off():
    limits = {name: flow["concurrency"]["cancel-in-progress"] for name, flow in WORKFLOWS.items()}
    assert limits == {"test": True, "weekly": True, "publish": False}
    assert "github.ref" in WORKFLOWS["test"]["concurrency"]["group"]


# What they do ---------------------------------------------------------------------------------


@each_job
def test_a_job_refers_to_steps_that_it_has(name):
    job = JOBS[name]
    named = re.findall(r"\bsteps\.([\w-]+)\.", str(job))
    assert set(named) == {step["id"] for step in job["steps"] if "id" in step}


def test_every_change_is_tested_once():
    # `on` is a truth value to YAML 1.1.
    test, publish = WORKFLOWS["test"][True], WORKFLOWS["publish"][True]
    assert "pull_request" in test
    (published,) = publish["push"]["branches"]  # a fork may publish another
    assert test["push"]["branches-ignore"] == [published], "test.yml ignores what publish.yml tests"
    assert used(JOBS["test", "test"])[-1] == "bash .ci/run"


def test_what_is_published_was_tested_and_built_with_one_installation():
    assert used(JOBS["publish", "build"]) == [
        "actions/checkout",
        "actions/configure-pages",
        "actions/setup-python",
        "bash .ci/run",
        "make pdf",
        "actions/upload-pages-artifact",
    ]
    assert JOBS["publish", "deploy"]["needs"] == ["build"]
    assert used(JOBS["publish", "deploy"]) == ["actions/deploy-pages"]
    assert not re.search(r"\bif\b|continue-on-error", str(WORKFLOWS["publish"]))


def test_the_pages_know_where_they_are_published():
    steps = {step.get("id") or step.get("run"): step for step in JOBS["publish", "build"]["steps"]}
    assert steps["pages"]["uses"].startswith("actions/configure-pages@")
    assert steps["make pdf"]["env"] == {"BOOK_URL": "${{ steps.pages.outputs.base_url }}"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_fork_is_told_of_house_style_and_not_stopped(path):
    told = "${{ vars.HOUSE_STYLE || (github.event.repository.fork && 'advice') || 'rule' }}"
    assert load(path)["env"] == {"HOUSE_STYLE": told}


def test_the_weekly_run_is_a_newcomers_on_every_python_and_system():
    jobs = WORKFLOWS["weekly"]["jobs"]
    assert "cache" not in str(jobs)
    assert jobs["linux"]["strategy"]["matrix"] == {"python": PYTHONS}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"Python {PYTHONS[0]} to {PYTHONS[-1]} is needed" in makefile
    assert commands(jobs["linux"]) == ["make book", "bash .ci/run"]
    assert commands(jobs["arm"]) == ["make book", "make test"]
    page = (ROOT / "chapters" / "setup.md").read_text(encoding="utf-8")
    _, _, without_make = page.partition("### Without make\n")
    assert len(commands(jobs["without-make"])) == 3
    for command in commands(jobs["without-make"]):
        assert command.removesuffix(" -W -n --keep-going") in without_make


@pytest.mark.parametrize("name", ["test", "publish"])
def test_a_cached_download_is_good_for_the_same_requirements(name):
    (setup,) = [
        step["with"]
        for job in WORKFLOWS[name]["jobs"].values()
        for step in job["steps"]
        if "setup-python" in step.get("uses", "")
    ]
    assert setup["cache"] == "pip"
    decide = {path for name in setup["cache-dependency-path"].split() for path in ROOT.glob(name)}
    pins = ["requirements.txt", "constraints.txt"]
    assert decide == {*ROOT.glob("requirements/*.txt"), *(ROOT / name for name in pins)}
