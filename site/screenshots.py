"""Take pictures of the built site in headless Chromium.

``python site/screenshots.py _build/html shots`` shows every page in light, in dark and at the
width of a phone, for looking at. ``python site/screenshots.py _build/html --readme`` writes the
pictures that are kept beside this file: the first page, which stands for the site where it is
linked; an exercise of which a mistake is named; and, moving, that exercise as it is solved, with
its last picture alone for those who want none that move.
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
WINDOW = {"width": 1200, "height": 940}
SHARP = 2  # pixels of a picture for one of the page
PREVIEW = "chapters/welcome.html", "#race"
EXERCISE_PAGE, EXERCISE = "chapters/half-an-hour.html", "0.1"
STARTER = 'by_hand = {"G": ..., "rate": ..., "change": ..., "best": ...}'
TYPED = "49", "0.1", "0.6", "0.5"  # one after another; the third has the wrong sign
# How many milliseconds the exercise is shown as it begins, with one, two, three and four numbers,
# with the mistake named, mended and solved.
FILM = [2500, 800, 800, 800, 2000, 6000, 2500, 5000]
NAMED = 5
LAY_OUT = "delete document.documentElement.dataset.later"  # what else waits for the reader


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


def take_exercise(browser: Browser, html: Path, theme: str) -> list[Image.Image]:
    """Return the pictures of `FILM`: an exercise in the page while it is solved."""
    texts = [STARTER]
    for number in TYPED:
        texts.append(texts[-1].replace("...", number, 1))
    mended = texts[-1].replace(TYPED[2], f"-{TYPED[2]}")
    with served(html) as address:
        context = browser.new_context(
            viewport=WINDOW, color_scheme=theme, device_scale_factor=SHARP
        )
        tab = context.new_page()
        tab.goto(f"{address}/{EXERCISE_PAGE}")
        cell = tab.locator(f'[data-exercise="{EXERCISE}"]')
        box = tab.locator(".exercise", has_text=f"({EXERCISE} ")
        cell.locator("pre").first.click()
        box.evaluate("box => box.scrollIntoView({ block: 'start' })")
        tab.mouse.wheel(0, -90)  # from below the bar at the top
        # What follows would move up and down with the report.
        tab.add_style_tag(content=f'[data-exercise="{EXERCISE}"] ~ * {{ visibility: hidden; }}')
        tab.wait_for_timeout(500)
        shots = []

        def shoot() -> None:
            shots.append(Image.open(io.BytesIO(tab.screenshot(caret="initial"))))

        for text in texts:
            cell.locator(".cm-content").fill(text)
            shoot()
        cell.locator(".live-check").click()
        cell.locator(".live-text").wait_for(timeout=180_000)
        tab.wait_for_timeout(500)
        shoot()
        top, end = box.bounding_box(), cell.bounding_box()
        cell.locator(".cm-content").fill(mended)
        shoot()
        cell.locator(".live-check").click()
        box.locator(".live-solved").wait_for()
        tab.wait_for_timeout(500)
        shoot()
        context.close()
    left, right = top["x"] - 16, top["x"] + top["width"] + 16
    sides = left, top["y"] - 16, right, end["y"] + end["height"] + 24
    return [shot.crop([round(SHARP * side) for side in sides]) for shot in shots]


def write_readme(browser: Browser, html: Path, target: Path) -> None:
    """Write the pictures that are kept beside this file."""

    def write(picture: Image.Image, name: str) -> None:
        # A page has few colours: a palette makes the file a third as big.
        picture.convert("RGB").quantize(128).save(target / name, optimize=True)

    page, place = PREVIEW
    write(take(browser, html / page, WINDOW, "light", place), "preview.png")
    for theme in ("light", "dark"):
        shots = take_exercise(browser, html, theme)
        write(shots[NAMED], f"exercise-{theme}.png")
        write(shots[-1], f"solved-{theme}.png")
        first, *others = (shot.convert("RGB") for shot in shots)
        first.save(
            target / f"solved-{theme}.webp",
            save_all=True,
            append_images=others,
            duration=FILM,
            loop=0,  # for ever
            lossless=True,  # and smaller than with loss: so much stays the same
            quality=100,
            method=6,
        )


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("html", type=Path, help="folder of the built site")
    parser.add_argument("target", type=Path, nargs="?", help="folder for the pictures")
    parser.add_argument("--readme", action="store_true", help="write the kept pictures")
    options = parser.parse_args(arguments)
    if find_chromium() is None:
        sys.exit(f"No Chromium found (looked for {', '.join(CHROMIUM_NAMES)}).")
    if not options.readme and options.target is None:
        parser.error("a folder for the pictures is needed, or --readme")

    with chromium() as browser:
        if options.readme:
            write_readme(browser, options.html, Path(__file__).parent)
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
