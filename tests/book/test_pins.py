"""All that requirements.txt installs is pinned, to the versions that these tests run with."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]


def pins(path):
    """Return the pinned requirements of a file by name."""
    lines = path.read_text(encoding="utf-8").splitlines()
    parsed = [Requirement(line) for line in lines if re.match(r"\w", line)]
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


PARTS = sorted((ROOT / "requirements").glob("*.txt"))
DIRECT = {name: pin for part in PARTS for name, pin in pins(part).items()}
TRANSITIVE = pins(ROOT / "constraints.txt")
PYTHONS = ("3.11.0", "3.12.0", "3.13.0", "3.14.0")
OPTIONAL = {"torch"}  # the book is built, and its other chapters run, without


def installed_by(names):
    """Return the version of each distribution that installing `names` brings, them included."""
    versions, queue = {}, [(name, frozenset()) for name in names]
    seen = set()
    while queue:
        name, extras = todo = queue.pop()
        if todo in seen:
            continue
        seen.add(todo)
        found = distribution(name)
        versions[name] = found.version
        for line in found.requires or []:
            needed = Requirement(line)
            marker = needed.marker
            if not marker or any(marker.evaluate({"extra": e}) for e in extras or {""}):
                queue.append((canonicalize_name(needed.name), frozenset(needed.extras)))
    return versions


def is_installed(name):
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def installed():
    try:
        return installed_by(name for name in DIRECT if name not in OPTIONAL or is_installed(name))
    except PackageNotFoundError as error:
        pytest.fail(f"{error.name} is not installed: pip install -r requirements.txt")


def test_pins_are_exact_and_public():
    for requirement in (DIRECT | TRANSITIVE).values():
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), f"{requirement} is no pin"


def test_a_pin_stands_in_one_file():
    names = [name for path in [*PARTS, ROOT / "constraints.txt"] for name in pins(path)]
    assert sorted(names) == sorted(set(names))


def test_requirements_txt_is_all_of_its_parts():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    named = [line.removeprefix("-r ") for line in lines if not line.startswith("#")]
    assert sorted(named) == [part.relative_to(ROOT).as_posix() for part in PARTS]


def test_each_pin_admits_the_first_patch_of_every_python(installed):
    """Debian 12, say, stays with 3.11.2."""
    refused = []
    for name in installed:
        found = distribution(name)
        admitted = SpecifierSet(found.metadata.get("Requires-Python", ""))
        refused += [f"{name}=={found.version}: {v}" for v in PYTHONS if v not in admitted]
    assert refused == []


def test_the_package_says_which_pythons_are_tested():
    minors = [python.rpartition(".")[0] for python in PYTHONS]
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r"Programming Language :: Python :: (3\.\d+)", text) == minors


def test_constraints_hold_on_every_platform():
    for name in TRANSITIVE:
        assert not name.startswith(("nvidia", "triton", "cuda")), f"{name} exists on Linux only"


def test_everything_installed_is_pinned_to_what_is_installed(installed):
    # Torch alone chooses the versions of the CUDA libraries that its default build for Linux needs.
    wanted = {
        name: Version(version).public
        for name, version in installed.items()
        if not name.startswith(("nvidia-", "triton", "cuda-"))
    }
    pinned = {n: str(r.specifier).removeprefix("==") for n, r in (DIRECT | TRANSITIVE).items()}
    wrong = {n: v for n, v in wanted.items() if Version(v) != Version(pinned.get(n, "0"))}
    assert not wrong, "pin these: " + " ".join(f"{n}=={v}" for n, v in sorted(wrong.items()))
