"""What the tests of the site share about access: axe, the two themes, widths."""

import pytest
from axe_playwright_python.sync_playwright import Axe


def violations(tab, include="body", exclude=(".katex", "pre"), **options):
    """What axe complains about: by all its rules, or by those that the options name.

    Formulas are left out for their thousands of elements (KaTeX gives each its MathML), and so is
    code, which looks the same on all pages.
    """
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
