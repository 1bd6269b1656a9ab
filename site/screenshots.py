"""Take pictures of the built site in headless Chromium.

``python site/screenshots.py _build/html shots`` shows every page in light, in dark and at the
width of a phone, for looking at. ``python site/screenshots.py _build/html --readme`` writes the
pictures of the README: the first page, and an exercise of which a mistake is named.
"""

from __future__ import annotations

import argparse
import http.server
import io
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

CHROMIUM_NAMES = (
    "chromium-headless-shell",  # the same without its windows: a third less work for each page
    *("chromium", "chromium-browser", "google-chrome", "chrome"),
    # Where Chrome is not on the PATH:
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
README = {"width": 1200, "height": 940}
README_PAGE = "chapters/welcome.html"
README_PLACE = "#race"
EXERCISE_PAGE, EXERCISE = "chapters/01-learning-rates.html", "1.2"
LAY_OUT = "delete document.documentElement.dataset.later"  # what else waits for the reader
UPHILL = """def run_descent(gradient, start, lr, steps):
    w = [start]
    for _ in range(steps):
        w.append(w[-1] + lr * gradient(w[-1]))
    return w"""


def find_chromium() -> str | None:
    """Return the path of an installed Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium without a window, and end it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and keeps no log of it."""

    def handle(self) -> None:
        """Handle a request."""
        with suppress(ConnectionError):  # a tab was left before all of it had come
            super().handle()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path, handler: type[QuietHandler] = QuietHandler) -> Iterator[str]:
    """Serve a folder on this computer; yield its address, without a slash at the end."""
    handle = partial(handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handle) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def take(
    browser: Browser, page: Path, viewport: dict[str, int], theme: str, place: str | None = None
) -> Image.Image:
    """Return a picture of a whole page, or of what the viewport shows at a place in it."""
    context = browser.new_context(viewport=viewport, color_scheme=theme, reduced_motion="reduce")
    tab = context.new_page()
    tab.goto(page.resolve().as_uri() + (place or ""))
    tab.evaluate(LAY_OUT)
    tab.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(tab.screenshot(full_page=place is None)))
    context.close()
    return picture


def take_exercise(browser: Browser, html: Path, theme: str) -> Image.Image:
    """Return a picture of an exercise in the page, after the check of a wrong answer."""
    with served(html) as address:
        context = browser.new_context(viewport=README, color_scheme=theme)
        tab = context.new_page()
        tab.goto(f"{address}/{EXERCISE_PAGE}")
        cell = tab.locator(f'[data-exercise="{EXERCISE}"]')
        cell.locator("pre").first.click()
        cell.locator(".cm-content").fill(UPHILL)
        cell.locator(".live-check").click()
        cell.locator(".live-text").wait_for(timeout=180_000)
        tab.mouse.move(0, 0)
        box = tab.locator(".exercise", has_text=f"({EXERCISE} ")
        box.evaluate("box => box.scrollIntoView({ block: 'start' })")
        tab.mouse.wheel(0, -90)  # from below the bar at the top
        tab.wait_for_timeout(500)
        top, end = box.bounding_box(), cell.bounding_box()
        clip = {"x": top["x"] - 16, "y": top["y"] - 16, "width": top["width"] + 32}
        clip["height"] = end["y"] + end["height"] - top["y"] + 24
        picture = Image.open(io.BytesIO(tab.screenshot(clip=clip)))
        context.close()
    return picture


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("html", type=Path, help="folder of the built site")
    parser.add_argument("target", type=Path, nargs="?", help="folder for the pictures")
    parser.add_argument("--readme", action="store_true", help="write the README's pictures")
    options = parser.parse_args(arguments)
    if find_chromium() is None:
        sys.exit(f"No Chromium found (looked for {', '.join(CHROMIUM_NAMES)}).")
    if not options.readme and options.target is None:
        parser.error("a folder for the pictures is needed, or --readme")

    with chromium() as browser:
        if options.readme:
            for theme in ("light", "dark"):
                first = take(browser, options.html / README_PAGE, README, theme, README_PLACE)
                exercise = take_exercise(browser, options.html, theme)
                for name, picture in {"readme": first, "exercise": exercise}.items():
                    # A page has few colours: a palette makes the file a third as big.
                    picture.convert("RGB").quantize(128).save(
                        Path(__file__).with_name(f"{name}-{theme}.png"), optimize=True
                    )
            return
        options.target.mkdir(parents=True, exist_ok=True)
        for page in sorted(options.html.rglob("*.html")):
            if "_static" in page.parts or page == options.html / "index.html":
                continue
            for name, viewport, theme in (
                ("light", DESKTOP, "light"),
                ("dark", DESKTOP, "dark"),
                ("phone", PHONE, "light"),
                ("phone-dark", PHONE, "dark"),
            ):
                picture = take(browser, page, viewport, theme)
                picture.save(options.target / f"{page.stem}-{name}.png")


if __name__ == "__main__":
    main()
