"""What is released: one version, an archive and a wheel that stand alone, a README that is true."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path
from zipfile import ZipFile

import nbformat
import pytest
import yaml
from PIL import Image, ImageChops, ImageStat

import adagrad_course

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "src/adagrad_course/README.md"]  # the repository's, the package's
EXAMPLE = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.S)


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def run(*command, **options):
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_one_version_everywhere():
    citation = yaml.safe_load(read("CITATION.cff"))
    version, released = adagrad_course.__version__, str(citation["date-released"])
    assert citation["version"] == version
    newest = re.search(r"^## \[(?!Unreleased)(.+?)\] - (.+)$", read("CHANGELOG.md"), re.M)
    assert newest.groups() == (version, released)


def test_the_citation_is_in_its_format():
    schema = ["--builtin-schema", "vendor.citation-file-format"]
    run(sys.executable, "-m", "check_jsonschema", *schema, ROOT / "CITATION.cff")


@pytest.mark.house_style
def test_the_authors_are_one_group():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["authors"] == [{"name": "The AdaGrad by Experiment authors"}]


# The package ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The package's source archive, and the wheel that is built from it."""
    pytest.importorskip("setuptools")
    copy = tmp_path_factory.mktemp("copy")
    for name in ("src", "tests", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)

    def build(kind, folder):
        code = f"import setuptools.build_meta as b; b.build_{kind}('dist')"
        run(sys.executable, "-c", code, cwd=folder)
        (file,) = (folder / "dist").iterdir()
        return file

    archive = build("sdist", copy)
    unpacked = tmp_path_factory.mktemp("unpacked")
    run(sys.executable, "-m", "tarfile", "--extract", archive, unpacked)
    return archive, build("wheel", next(unpacked.iterdir()))


def test_an_archive_of_the_package_stands_alone(built):
    with tarfile.open(built[0]) as packed:
        names = {Path(name).relative_to(Path(name).parts[0]) for name in packed.getnames()}
        metadata = packed.extractfile(next(n for n in packed.getnames() if n.endswith("/PKG-INFO")))
        described = metadata.read().decode()
    assert Path("src/adagrad_course/descent.py") in names
    assert [name for name in names if name.parts[:1] == ("tests",)] == []
    # An archive has none of the other files that its description could show.
    page = read("src/adagrad_course/README.md")
    assert described.endswith(page)
    assert not re.search(r"<img|<source|\]\((?!https://)", page)


def test_a_wheel_has_all_that_the_package_has(built):
    source = ROOT / "src"
    with ZipFile(built[1]) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    there = {
        path.relative_to(source).as_posix()
        for path in (source / "adagrad_course").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == there


@pytest.fixture(scope="module")
def clean(built, tmp_path_factory):
    """Python in a fresh environment with the wheel, and nothing of this repository.

    What the wheel needs is found where these tests have it, so that no network is asked. The path
    to that folder makes its packages importable, but not what is installed there as editable.
    """
    pytest.importorskip("pip")
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    options = ["--no-index", "--no-deps", "--disable-pip-version-check"]
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, built[1])
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    pth = Path(run(python, "-I", "-c", where).strip(), "libraries.pth")
    pth.write_text("\n".join(libraries), encoding="utf-8")
    return python, folder


def test_the_wheel_alone_is_in_the_clean_environment(clean):
    python, folder = clean
    code = "import adagrad_course as package; print(package.__version__, package.__file__)"
    version, file = run(python, "-I", "-c", code, cwd=folder).strip().split(" ", 1)
    assert version == adagrad_course.__version__
    assert Path(file).is_relative_to(folder.resolve())
    metadata = (
        "import importlib.metadata as m; d = m.metadata('adagrad-course'); print(d['Version']"
    )
    printed = run(python, "-I", "-c", metadata + ", *d.get_all('Provides-Extra'))", cwd=folder)
    assert printed.split() == [version, "data", "torch", "widgets"]


@pytest.mark.parametrize("page", PAGES)
def test_the_example_in_a_readme_prints_what_it_says(clean, page):
    python, folder = clean
    ((code, printed),) = EXAMPLE.findall(read(page))
    assert run(python, "-I", "-c", code, cwd=folder) == printed


# The README -----------------------------------------------------------------------------------

# Each number in what the book finds, and the printed line of the chapter that it is read from.
FINDINGS = [
    ("needs 87 steps", "01", r"^best single rate +87$"),
    ("each coordinate needs one", "01", r"^a rate for each +1$"),
    ("some 30,000 times", "03", r"^PyTorch +1\.0e-02\nKeras +3\.2e-07$"),
    ("37 % errors", "04", r"^messages, AdaGrad .* 36\.6 ±"),
    ("SGD makes 41 %", "04", r"^messages, averaged SGD .* 41\.4 ± .* ahead$"),
    ("less than a point", "04", r"^names, SGD .* 0\.72 ± 0\.36 +undecided$"),
    ("from the second pass on", "04", r"^ +2 +0\.38 ± 0\.42 +0\.85 +undecided$"),
    ("twenty to forty times", "05", r"^ +1 +134 +389 +2,956 .*\n +4 +12\* +50 +448 "),
    (
        "cannot be told apart",
        "05",
        r"^SGD +0\.00391 +0\.78 ± 0\.18 (.*\n)+AdaGrad .* 0\.81 ± 0\.22 ",
    ),
    ("costs nothing", "06", r"^row-wise .* undecided .* undecided$"),
    ("costs six points", "06", r"^one per column .* 6\.0 ± 0\.8 +worse$"),
    ("no method wins everywhere", "07", r"^messages +undecided +undecided +beaten "),
    ("beaten on all six", "07", r"^AdaGrad, 0\.01 [^()]*$"),
    ("0.05 of 0.64", "08", r"^moving target +loss +0\.64 +0\.05 "),
]


def points():
    """What the README says that each chapter finds, by the chapter's two digits."""
    section = read("README.md").partition("\n## What it finds\n")[2].partition("\n## ")[0]
    found = re.findall(r"^(\d+)\. (.*(?:\n   .*)*)", section, re.M)
    return {number.zfill(2): text for number, text in found}


@pytest.mark.house_style  # a translation has its own words
def test_the_readme_says_of_each_chapter_what_it_finds():
    chapters = sorted((ROOT / "chapters").glob("[0-9]*.ipynb"))
    assert list(points()) == [path.name[:2] for path in chapters]


def printed_in(chapter):
    """What a chapter prints, as text."""
    (path,) = (ROOT / "chapters").glob(f"{chapter}-*.ipynb")
    outputs = [
        output
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", ())
    ]
    texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs]
    return "\n".join(text.rstrip("\n") for text in texts)


@pytest.mark.house_style
@pytest.mark.parametrize(
    ("said", "chapter", "printed"), FINDINGS, ids=[said for said, *_ in FINDINGS]
)
def test_what_the_readme_says_the_book_finds_is_printed_there(said, chapter, printed):
    assert said in " ".join(points()[chapter].split())
    assert re.search(printed, printed_in(chapter), re.M)


def test_the_readmes_moving_pictures_are_light_and_stand_still_where_that_is_wished():
    (picture,) = re.findall(r"<picture>.*?</picture>", read("README.md"), re.S)
    moving = re.findall(r'(?:src|srcset)="(site/[^"]+\.webp)"', picture)
    assert moving == ["site/solved-dark.webp", "site/solved-light.webp"]
    for name in moving:
        assert (ROOT / name).stat().st_size < 400_000
        with Image.open(ROOT / name) as film:
            assert film.is_animated
            assert film.n_frames > 3
    # A browser takes the first source that fits.
    still = [source for source in re.findall(r"<source.*?>", picture) if "reduced-motion" in source]
    assert still == re.findall(r"<source.*?>", picture)[:2]
    for name, source in zip(moving, still, strict=True):  # which show how it ends
        stopped = name.replace(".webp", ".png")
        assert f'"{stopped}"' in source
        with Image.open(ROOT / name) as film, Image.open(ROOT / stopped) as last:
            film.seek(film.n_frames - 1)
            off = ImageChops.difference(film.convert("RGB"), last.convert("RGB"))
            assert max(ImageStat.Stat(off).mean) < 1  # it has fewer colours
    assert len(re.search(r'alt="([^"]+)"', picture)[1].split()) > 20
