"""What the tests of the site share: its pages and what is in them, tabs, axe, themes, widths."""

import contextlib
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe

ROOT = Path(__file__).parents[2]
ADDRESS = "https://example.github.io/adagrad"  # where the tested site is said to be published


def pages_of_the_toc():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [f"{file}.html" for file in (toc["root"], *chapters)]


class Page(HTMLParser):
    """What the tests ask about a page: its elements and the text outside code and formulas."""

    HIDDEN = ("script", "style", "title", "pre", "code", "annotation")
    VOID = ("br", "col", "hr", "img", "input", "link", "meta", "path", "source", "wbr")

    def __init__(self, path):
        super().__init__()
        self.path, self.elements, self.text = path, [], ""
        self._open = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while tag in self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if not set(self.HIDDEN) & set(self._open):
            self.text += data
        elif self._open[-1] == "script" and data.strip():
            self.elements.append(("inline script", {"text": data}))

    def all(self, tag, attribute):
        """The values of an attribute in all elements of a tag ("*" for any) that have it."""
        return [a[attribute] for t, a in self.elements if tag in (t, "*") and attribute in a]

    def meta(self, name):
        """The contents of the meta elements of a name."""
        return [
            a["content"]
            for t, a in self.elements
            if t == "meta" and name in (a.get("name"), a.get("property"), a.get("http-equiv"))
        ]


def simplify(tab, what=".katex, pre"):
    """Put a word in place of each formula and each piece of code, as large as that was.

    Three quarters of a page's elements are in them (KaTeX gives a formula its MathML, too), and axe
    looks at each of these even where it is told to leave them out. Code looks the same on all
    pages, so it is tested on one.
    """
    tab.evaluate(
        """what => {
            const all = [...document.querySelectorAll(what)];
            const sizes = all.map((element) => element.getBoundingClientRect());
            all.forEach((element, i) => {
                element.textContent = "simplified";
                const { width, height } = sizes[i];
                Object.assign(element.style, {
                    display: "inline-block", overflow: "hidden",
                    width: `${width}px`, height: `${height}px`,
                });
            });
        }""",
        what,
    )


def violations(tab, include="body", exclude=(".katex", "pre"), **options):
    """What axe complains about: by all its rules, or by those that the options name."""
    context = {"include": [[include]], "exclude": [[selector] for selector in exclude]}
    options |= {"preload": False, "resultTypes": ["violations"]}
    found = Axe().run(tab, context=context, options=options).response["violations"]
    return [f"{v['id']}: {node['html'][:200]}" for v in found for node in v["nodes"]]


def set_theme(tab, theme):
    tab.emulate_media(color_scheme=theme)
    tab.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)


def set_width(tab, width):
    tab.set_viewport_size({"width": width, "height": 844})


def focus_with_tab(tab, selector, presses=200):
    """Press Tab until the element has the focus, as a reader without a mouse does."""
    for _ in range(presses):
        if tab.evaluate("s => document.activeElement.matches(s)", selector):
            return
        tab.keyboard.press("Tab")
    pytest.fail(f"{selector} is not reached with the Tab key")


BLOCK_STORAGE = """for (const name of ["localStorage", "sessionStorage"]) {
    const get = () => { throw new DOMException("denied", "SecurityError"); };
    Object.defineProperty(window, name, { get, configurable: true });
}"""


@contextlib.contextmanager
def watched_tabs(browser, address):
    """A function that opens a tab as `open_tab` does, and the list of what goes wrong."""
    contexts, wrongs = [], []

    def open_page(page, over="http", width=1280, root=None, first="", **options):
        viewport = {"width": width, "height": 844}
        context = browser.new_context(
            **{"viewport": viewport, "reduced_motion": "reduce"} | options
        )
        contexts.append(context)
        root = root or address("", over)

        def route(route):
            if route.request.url.startswith((root, "data:")):
                route.continue_()
            else:
                wrongs.append(f"request to another host: {route.request.url}")
                route.abort()

        context.route("**/*", route)
        context.add_init_script(first)
        tab = context.new_page()
        tab.on(
            "console",
            lambda m: m.type in ("warning", "error") and wrongs.append(f"{m.type}: {m.text}"),
        )
        tab.on("pageerror", lambda error: wrongs.append(f"uncaught: {error}"))
        tab.on("requestfailed", lambda request: wrongs.append(f"failed: {request.url}"))
        tab.on(
            "response",
            lambda r: r.status >= 400 and wrongs.append(f"{r.status}: {r.url}"),
        )
        tab.goto(root + page, wait_until="load")
        return tab

    yield open_page, wrongs
    for context in contexts:
        context.close()
