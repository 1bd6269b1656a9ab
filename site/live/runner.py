"""Runs a page's cells in the reader's browser.

The worker beside this file calls `bring_packages` once and makes a `Notebook` of the page's cells.
What a cell gives goes to `show`, piece by piece, as a kind and a text: "text" and "error" are shown
as they are, "html" and "svg" as what they mean, and "report" is what a check found, as JSON.
"""

import ast
import builtins
import contextlib
import importlib
import io
import json
import linecache
import logging
import os
import sys
import time
import traceback
import types
import zipfile
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder

from plan import hold, needed, read

MOST = 200_000  # characters that a cell may print, or a value or an error may have
MORE = f"\n… and more: this page shows the first {MOST:,} characters."
MOST_SHOWN = 100  # values and figures that it may show
OURS = "<imports", "<cell ", "<your code"  # how the titles of what is run here begin
REPORT = "application/vnd.adagrad-course.check+json"
NO_MAGIC = "Jupyter's own commands, which begin with % or !, do not run in this page."
NEEDS_TORCH = "This needs a cell above that needs PyTorch, which does not run in a browser."


class Notebook:
    """The cells of a page, and what has been run of them.

    Parameters
    ----------
    sources : list of str
        The code of all cells, in order.
    torch : list of int
        Which of them need PyTorch.
    show : callable
        Takes the kind and the text of a piece of output.
    """

    def __init__(self, sources, torch, show):
        self.sources = sources
        self.cells = [read(source) for source in sources]
        self.torch = set(torch)
        self.show = show
        self.held = {}  # for each name the cells that it is from
        self.names = sys.modules["__main__"].__dict__
        self.prints = Prints(show)
        stand_in(self._display)

    def run(self, source, place, starting=lambda nth, of: None):
        """Run code at a place among the cells, after the cells above that it needs.

        Parameters
        ----------
        source : str
            The code.
        place : int
            The number of its cell, which from then on has this code.
        starting : callable
            Is told before each cell which one it is, and of how many.

        Returns
        -------
        bool
            Whether all ended without an error.
        """
        cell = read(source)
        above, imports = needed(self.cells, cell, place, self.held)
        if self.torch.intersection(above):
            self.show("error", NEEDS_TORCH)
            return False
        missing = [imports[name] for name in imports if name not in self.names or name in self.held]
        if not self._execute("\n".join(missing), "imports"):
            return False
        for name in imports:
            self.held.pop(name, None)
        for nth, i in enumerate(above, 1):
            starting(nth, len(above) + 1)
            if not self._run(self.sources[i], self.cells[i], i, f"cell {i + 1}", shown=False):
                self.show("error", "This happened in a cell above that this one needs.")
                return False
        starting(len(above) + 1, len(above) + 1)
        self._forget(self.cells[place].binds - cell.binds, place)  # what it no longer makes
        ended = self._run(source, cell, place, f"your code in cell {place + 1}")
        if ended and source != self.sources[place]:
            self._change(place, source, cell)
        return ended

    def put_back(self, source, place):
        """Give a cell its own code again, without running it; what its edited code made is gone."""
        if source == self.sources[place]:
            return
        before = self.cells[place]
        self._forget(before.binds | before.changes, place)
        for name in before.imports:
            self.held.pop(name, None)
            self.names.pop(name, None)
        self._change(place, source, read(source))

    def _forget(self, names, place):
        """Drop those of some names that are from a cell."""
        for name in names:
            if place in self.held.get(name, ()):
                del self.held[name]
                self.names.pop(name, None)

    def _change(self, place, source, cell):
        """Give a cell other code: what cells below have made of the old one is made again."""
        stale = self.cells[place].binds | self.cells[place].changes | cell.binds | cell.changes
        self.sources[place], self.cells[place] = source, cell
        for i in range(place + 1, len(self.cells)):
            if stale & (self.cells[i].reads | self.cells[i].later):
                made = self.cells[i].binds | self.cells[i].changes
                stale |= made
                for name in made:
                    if i in self.held.get(name, ()):
                        del self.held[name]

    def hints(self, number):
        """Return the hints for an exercise; each says more than the one before."""
        from adagrad_course.exercises import load

        return list(load(number.partition(".")[0])[number].hints)

    def _run(self, source, cell, place, title, shown=True):
        """Run a cell and note which names are from it; if it failed, they are nobody's."""
        ended = self._execute(source, title, shown)
        hold(self.held, cell, place)
        if not ended:
            for name in cell.binds | cell.changes:
                self.held.pop(name)
            # Cells that need another import of this name import it again.
            self.held |= {name: {place} for name in cell.imports}
        return ended

    def _execute(self, source, title, shown=True):
        """Run a cell as Jupyter does: the value of its last line is shown."""
        name = f"<{title}>"
        lines = f"{source}\n".splitlines(keepends=True)
        linecache.cache[name] = len(source), None, lines, name
        self.names.pop("__warningregistry__", None)  # a warning is shown in each run, as in Jupyter
        self.prints.start(shown)
        self.shown = 0
        try:
            with contextlib.redirect_stdout(self.prints), contextlib.redirect_stderr(self.prints):
                code = ast.parse(source, name)
                last = code.body.pop() if code.body and type(code.body[-1]) is ast.Expr else None
                exec(compile(code, name, "exec"), self.names)
                if last:
                    value = eval(compile(ast.Expression(last.value), name, "eval"), self.names)
                    if value is not None and not source.rstrip().endswith(";"):
                        self._display(value)
                if "matplotlib.pyplot" in sys.modules:
                    sys.modules["matplotlib.pyplot"].show()  # as Jupyter does at a cell's end
            return True
        except SystemExit:
            self._fail("The code asked to exit: it ended there.")
        except BaseException as error:
            self._fail(in_own_lines(error))
        finally:
            self.prints.flush()
        return False

    def _fail(self, message):
        self.prints.flush()
        self.show("error", cut(message))

    def _display(self, *values, raw=False, **options):
        """Show values, as `IPython.display.display` does."""
        self.prints.flush()
        for value in values if self.prints.shown else ():
            self.shown += 1
            if self.shown == MOST_SHOWN:
                self.show("text", f"… and more: this page shows the first {MOST_SHOWN} values.\n")
            if self.shown < MOST_SHOWN or raw:
                self.show(*as_shown(value, raw))


class Prints(io.TextIOBase):
    """Hands on what is printed, some lines at a time, and no more than a page can show."""

    def __init__(self, show):
        self.show = show
        self.start(shown=True)

    def start(self, shown):
        """Begin with a new cell."""
        self.shown, self.kept, self.left, self.since = shown, [], MOST, time.monotonic()

    def write(self, text):
        """Take some text."""
        if self.left >= 0:
            self.kept.append(text[: self.left])
            self.left -= len(text)
            if self.left < 0:
                self.kept.append(MORE)
        if time.monotonic() - self.since > 0.2:
            self.flush()
        return len(text)

    def flush(self):
        """Hand on what has come."""
        if self.kept and self.shown:
            self.show("text", "".join(self.kept))
        self.kept, self.since = [], time.monotonic()


def as_shown(value, raw=False):
    """Return the kind of output that a value is, and its text."""
    if raw:
        return ("report", json.dumps(value[REPORT])) if REPORT in value else ("text", str(value))
    drawing = sys.modules.get("matplotlib.figure")
    if drawing and isinstance(value, drawing.Figure):
        from adagrad_course.plots import figure_svg

        return "svg", figure_svg(value)
    html = None if isinstance(value, type) else getattr(value, "_repr_html_", None)
    text = html() if callable(html) else None
    return ("html", text) if isinstance(text, str) else ("text", cut(repr(value)) + "\n")


def cut(text):
    """Return no more of a text than a page can show."""
    return text if len(text) <= MOST else text[:MOST] + MORE


def in_own_lines(error):
    """Return an error as Python prints it, but with the lines of the page's cells alone."""
    report = traceback.TracebackException.from_exception(error, compact=True)
    parts = [report]
    while parts:
        part = parts.pop()
        frames = [frame for frame in part.stack if frame.filename.startswith(OURS)]
        part.stack = traceback.StackSummary.from_list(frames)
        parts += filter(None, [part.__cause__, part.__context__, *(part.exceptions or ())])
    told = "".join(report.format())
    if isinstance(error, SyntaxError) and (error.text or "").lstrip().startswith(("%", "!")):
        told += NO_MAGIC
    return told


def stand_in(display):
    """Give the code what it asks of Jupyter: a display for values, figures and widgets."""
    os.environ["ADAGRAD_COURSE_REPORTS"] = "1"
    os.environ["MPLBACKEND"] = "module://figures_on_page"
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # a list that it makes

    def module(name, **content):
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(content)

    module("IPython", get_ipython=lambda: None, display=None)
    module("IPython.display", display=display)
    sys.modules["IPython"].display = sys.modules["IPython.display"]
    builtins.display = display

    def ask(prompt=""):
        raise RuntimeError("this page cannot ask for input: write the value into the code")

    builtins.input = ask
    sys.meta_path.append(StandIns())


class StandIns(MetaPathFinder):
    """Makes what of Jupyter's modules is needed, when it is imported."""

    def find_spec(self, name, path=None, target=None):
        """Return what makes the module, if it is one of these."""
        if name in ("anywidget", "figures_on_page", "tqdm"):
            return importlib.machinery.ModuleSpec(name, self)
        return None

    def create_module(self, spec):
        """Let Python make the module."""

    def exec_module(self, module):
        """Fill the module."""
        if module.__name__ == "anywidget":
            from traitlets import HasTraits

            module.AnyWidget = type("AnyWidget", (HasTraits,), {})
        elif module.__name__ == "tqdm":
            module.tqdm = lambda items, **options: items  # the page says how long a cell runs
        else:
            from matplotlib.backends.backend_agg import FigureCanvasAgg

            from adagrad_course import plots

            plots.use_book_style()
            module.FigureCanvas, module.show = FigureCanvasAgg, show_figures


def show_figures(*args, **options):
    """Show all figures that are open, and close them."""
    from matplotlib import pyplot

    for number in pyplot.get_fignums():
        sys.modules["IPython.display"].display(pyplot.figure(number))
    pyplot.close("all")


class Packages(MetaPathFinder):
    """Fetches a package from the site when something of it is first imported.

    Parameters
    ----------
    files : dict of str to list of str
        For each module that can be imported, and each package, the files to unpack.
    fetch : callable
        Returns the bytes of a file, when they are there.
    link : callable
        Loads a shared library that others are linked to.
    """

    def __init__(self, files, fetch, link):
        self.files, self.fetch, self.link, self.there = files, fetch, link, set()

    def find_spec(self, name, path=None, target=None):
        """Return where a module is, once its package has come."""
        return PathFinder.find_spec(name) if self.bring(name) else None

    def find_distributions(self, context):
        """Return where a package is that is asked for by its own name, as for data in it."""
        return PathFinder.find_distributions(context) if self.bring(context.name) else iter(())

    def bring(self, name):
        """Fetch what a name needs; return whether anything has come."""
        missing = [file for file in self.files.get(name, ()) if file not in self.there]
        for file in missing:
            self.unpack(file)
        importlib.invalidate_caches()
        return bool(missing)

    def unpack(self, file):
        """Put the content of a package where Python looks for it."""
        target = next(path for path in sys.path if path.endswith("site-packages"))
        with zipfile.ZipFile(io.BytesIO(self.fetch(file))) as archive:
            archive.extractall(target)
            members = archive.namelist()
        for member in members:
            if "/" not in member and member.endswith(".so"):
                self.link(f"{target}/{member}")
        self.there.add(file)


def bring_packages(files, fetch, link):
    """Have packages fetched when they are imported."""
    sys.meta_path.append(Packages(files, fetch, link))
