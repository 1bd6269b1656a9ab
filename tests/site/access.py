"""What the tests of the site share: its pages and what is in them, tabs, axe, themes, widths."""

import contextlib
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import screenshots
import yaml
from axe_playwright_python.sync_playwright import Axe

ROOT = Path(__file__).parents[2]
TITLE = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["title"]
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


# What no line is broken in: the pieces of a formula, and code.
FORMULAS, CODE = ".katex .base", "pre:not(:has([tabindex]))"


def simplify(tab, what=f"{FORMULAS}, {CODE}"):
    """Put a word in place of what is in each formula and each piece of code, as large as that was.

    Three quarters of a page's elements are in them (KaTeX gives a formula its MathML, too). To lay
    these out anew takes most of the time at each width, and axe looks at each of them even where it
    is told to leave them out. Code looks the same on all pages, so it is tested on one.
    """
    tab.evaluate(
        """what => {
            for (const unseen of document.querySelectorAll(".katex-mathml")) unseen.remove();
            const all = [...document.querySelectorAll(what)].map((element) => {
                if (!element.matches("pre")) return element;
                const inside = document.createElement("span");
                inside.append(...element.childNodes);
                element.append(inside);
                return inside;
            });
            const sizes = all.map((element) => {
                const { width, height } = element.getBoundingClientRect();
                const size = parseFloat(getComputedStyle(element).fontSize);
                return [`${width / size}em`, `${height / size}em`, width > 0];
            });
            all.forEach((element, i) => {
                const [width, height, shown] = sizes[i];
                if (!shown) return;
                element.textContent = "simplified";
                Object.assign(element.style, {
                    display: "inline-block", overflow: "hidden", width, height,
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
    load_axe(tab)
    found = tab.evaluate("([where, how]) => axe.run(where, how)", [context, options])["violations"]
    return [
        f"{v['id']}: {node['html'][:200]}: {node['failureSummary']}"
        for v in found
        for node in v["nodes"]
    ]


def load_axe(tab):
    if not tab.evaluate("'axe' in window"):
        tab.evaluate(Axe().axe_script)


def violations(tab, within="body", exclude=NO_WORDS, known=None):
    """What axe complains about, by all its rules."""
    looks = mark_looks(tab, within, known)
    return learned(known, looks, complaints(tab, within, exclude))


def faint(tab, within="body", exclude=NO_WORDS, known=None):
    """What is too faint to be read."""
    looks = mark_looks(tab, within, known)
    found = complaints(tab, within, exclude, runOnly=[*OF_COLOURS]) if looks else []
    return learned(known, looks, found)


def learned(known, looks, found):
    """Note the looks that axe has found no fault with, and return what it has found."""
    if known is not None and not found:
        known.update(looks)
    return found


# Axe's rules of colours, and what they are told to look at.
OF_COLOURS = {
    "color-contrast": "[data-look]",
    "link-in-text-block": ":is(a[href], [role=link])[data-look]",
}


def mark_looks(tab, within, known):
    """Have axe's rules of colours look at three elements of each look that is not known yet.

    They take most of its time, and give the same for all elements with the same letters on the same
    ground, and beside the same letters. A box in the text that is taken out of the flow may lie on
    anything, so what is in it is measured for itself, on each page. Return these looks.
    """
    load_axe(tab)
    rules = [{"id": rule, "selector": selector} for rule, selector in OF_COLOURS.items()]
    tab.evaluate("rules => axe.configure({ rules })", rules)
    return tab.evaluate(
        """([within, known]) => {
            const grounds = new Map();
            const ground = (element) => {
                if (!element || grounds.has(element)) return grounds.get(element);
                const style = getComputedStyle(element);
                const own = [style.backgroundColor, style.backgroundImage, style.opacity,
                             style.filter, style.mixBlendMode];
                if (!["static", "relative"].includes(style.position))
                    own.push(...element.closest(".bd-article")
                        ? [location.href, grounds.size] : [element.className, element.id]);
                const found = String(own) === "rgba(0, 0, 0, 0),none,1,none,normal"
                    ? ground(element.parentElement)
                    : [ground(element.parentElement), ...own].join();
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
                const look = [
                    element.tagName, element.getAttribute("class"), /[\\p{L}\\p{N}]/u.test(said),
                    element.matches(":disabled, [aria-disabled=true]"), ground(element),
                    style.color, style.fill, style.fontSize, style.fontWeight, style.textShadow,
                    getComputedStyle((element.closest("a") ?? element).parentElement).color,
                    document.documentElement.dataset.theme,
                ].join();
                looks.set(look, [...(looks.get(look) ?? []), element]);
            }
            for (const look of known) looks.delete(look);
            for (const alike of looks.values())
                for (const which of [0, alike.length >> 1, alike.length - 1])
                    for (const element of [alike[which], alike[which].closest("a")])
                        element?.setAttribute("data-look", "");
            return [...looks.keys()];
        }""",
        [within, [*(known or ())]],
    )


def is_complete(tab):
    """Whether a page shows its title, in its fonts."""
    fonts = tab.evaluate("document.fonts.ready.then((fonts) => fonts.status)")
    return fonts == "loaded" and tab.locator("main h1:visible").is_visible()


def set_theme(tab, theme):
    tab.emulate_media(color_scheme=theme)
    tab.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)


def set_width(tab, width):
    """Give the window a width, and the page's own observers of sizes the time to see it."""
    tab.set_viewport_size({"width": width, "height": 844})
    tab.evaluate("new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))")


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


# What is asked of another host does not leave this computer. To intercept all that is asked for
# would take a sixth of the time in which a page loads.
NOWHERE = {"server": "http://127.0.0.1:9", "bypass": "127.0.0.1"}


@contextlib.contextmanager
def watched_tabs(browser, address):
    """A function that opens a tab as `open_tab` does, and the list of what goes wrong."""
    contexts, wrongs = [], []

    def open_page(page, over="http", width=1280, root=None, first="", whole=True, **options):
        viewport = {"width": width, "height": 844}
        context = browser.new_context(
            **{"viewport": viewport, "reduced_motion": "reduce", "proxy": NOWHERE} | options
        )
        contexts.append(context)
        root = root or address("", over)

        def note(request):
            if not request.url.startswith((root, "data:")):
                wrongs.append(f"request to another host: {request.url}")

        context.on("request", note)
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
        if whole:
            tab.evaluate(screenshots.LAY_OUT)
        return tab

    yield open_page, wrongs
    for context in contexts:
        context.close()
