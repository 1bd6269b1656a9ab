"""What the tests of the site share: its pages and what is in them, tabs, axe, themes, widths."""

import contextlib
import sys
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


def program(module):
    """The command that runs a module's `main`.

    The package that checks JSON for Jupyter would build a grammar of web addresses first, in 2.5
    seconds, of which nothing here has any use: it is made to do without, as in tools/kernels.py.
    """
    code = f"import sys; sys.modules['rfc3987_syntax'] = None; from {module} import main; main()"
    return [sys.executable, "-P", "-c", code]


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


NO_WORDS = (".katex", "pre")


def complaints(tab, include, exclude=NO_WORDS, **options):
    """What axe complains about, by the rules that its options name."""
    context = {"include": [[include]], "exclude": [[selector] for selector in exclude]}
    options |= {"preload": False, "resultTypes": ["violations"]}
    if not tab.evaluate("'axe' in window"):
        tab.evaluate(Axe().axe_script)
    found = tab.evaluate("([where, how]) => axe.run(where, how)", [context, options])["violations"]
    return [f"{v['id']}: {node['html'][:200]}" for v in found for node in v["nodes"]]


def violations(tab):
    """What axe complains about on the whole page, by all its rules."""
    others = {rule: {"enabled": False} for rule in OF_COLOURS}
    return complaints(tab, "body", rules=others) + faint(tab)


OF_COLOURS = ("color-contrast", "link-in-text-block")


def faint(tab, within="body", exclude=NO_WORDS):
    """What is too faint to be read, as axe measures it on three elements of each look.

    Its rules of colours take most of its time, and give the same for all elements with the same
    letters on the same ground. A box that is taken out of the flow may lie on anything, so what is
    in it is measured for itself.
    """
    tab.evaluate(
        """within => {
            const numbers = new Map();
            const number = (...what) => {
                const key = what.join();
                return numbers.get(key) ?? numbers.set(key, numbers.size).size - 1;
            };
            const grounds = new Map();
            const ground = (element) => {
                if (!element || grounds.has(element)) return grounds.get(element);
                const style = getComputedStyle(element);
                const own = [style.backgroundColor, style.backgroundImage, style.opacity,
                             style.filter, style.mixBlendMode];
                if (!["static", "relative"].includes(style.position)) own.push(grounds.size);
                const found = String(own) === "rgba(0, 0, 0, 0),none,1,none,normal"
                    ? ground(element.parentElement)
                    : number(ground(element.parentElement), ...own);
                grounds.set(element, found);
                return found;
            };
            const text = (element) => element.matches("input, select, textarea")
                ? element.value || element.placeholder
                : [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
                    .map((node) => node.data.trim()).join("");
            const looks = new Map();
            for (const element of document.querySelectorAll(`${within}, ${within} *`)) {
                element.removeAttribute("data-look");
                const said = text(element);
                // Axe does not judge a single character either.
                if (said.length < 2 || !element.checkVisibility({ visibilityProperty: true }))
                    continue;
                const style = getComputedStyle(element);
                const look = number(
                    element.tagName, element.getAttribute("class"), /[\\p{L}\\p{N}]/u.test(said),
                    element.matches(":disabled, [aria-disabled=true]"), ground(element),
                    style.color, style.fill, style.fontSize, style.fontWeight, style.textShadow);
                looks.set(look, [...(looks.get(look) ?? []), element]);
            }
            for (const alike of looks.values())
                for (const which of [0, alike.length >> 1, alike.length - 1])
                    for (const element of [alike[which], alike[which].closest("a")])
                        element?.setAttribute("data-look", "");
        }""",
        within,
    )
    return complaints(tab, "[data-look]", exclude, runOnly=OF_COLOURS)


def is_complete(tab):
    """Whether a page shows its title, in its fonts."""
    fonts = tab.evaluate("document.fonts.ready.then((fonts) => fonts.status)")
    return fonts == "loaded" and tab.locator("main h1:visible").is_visible()


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
