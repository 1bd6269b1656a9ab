"""What Lighthouse says of each page on a phone, as it comes from a host that compresses.

Needs the built site (`make book`) and Lighthouse: `.venv/bin/npm ci --prefix benchmarks`. Then
`make bench`, or for some pages `.venv/bin/pytest benchmarks/test_lighthouse.py -o addopts= -k api`.
Speed depends on what else the computer does; nothing else in it does.
"""

import gzip
import io
import json
import os
import re
import subprocess
from pathlib import Path
from statistics import median

import pytest
import screenshots
from access import pages_of_the_toc
from book_site import find_node

SITE = Path(__file__).parents[1] / "_build" / "html"
LIGHTHOUSE = Path(__file__).parent / "node_modules" / "lighthouse" / "cli" / "index.js"
ROUNDS = 3
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
FIGURES = {  # what is printed of an audit's number: its unit, and how
    "total-byte-weight": (1024, "5.0f", "KiB"),
    "largest-contentful-paint": (1000, "5.2f", "s"),
    "total-blocking-time": (1, "5.0f", "ms"),
    "cumulative-layout-shift": (1, "5.3f", ""),
}
HEADING = "page                       speed access  best    seo      size    paint  blocked   shift"


class CompressingHandler(screenshots.QuietHandler):
    """Serves files as the hosts of static pages do: texts come compressed, and may be kept."""

    def send_head(self):
        path = Path(self.translate_path(self.path))
        kind = self.guess_type(str(path))
        if not path.is_file() or not re.match(
            r"text/|image/svg|application/(java|x-java|json|xml)", kind
        ):
            return super().send_head()
        content = gzip.compress(path.read_bytes())
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return io.BytesIO(content)

    def end_headers(self):
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()


@pytest.fixture(scope="module")
def address():
    if not LIGHTHOUSE.is_file():
        pytest.skip("Lighthouse is not installed. To get it: .venv/bin/npm ci --prefix benchmarks")
    if screenshots.find_chromium() is None:
        pytest.skip("Lighthouse needs Chromium or Chrome")
    if not SITE.is_dir():
        pytest.skip("make book builds the pages that this judges")
    with screenshots.served(SITE, CompressingHandler) as served:
        yield served


def look_at(url):
    """Return Lighthouse's report of a page, with its own defaults: a slow phone."""
    flags = " ".join(["--headless", *screenshots.CHROMIUM_FLAGS])
    result = subprocess.run(
        [
            *(find_node(), LIGHTHOUSE, url, "--output=json", "--quiet"),
            *(f"--only-categories={','.join(CATEGORIES)}", f"--chrome-flags={flags}"),
        ],
        env=os.environ | {"CHROME_PATH": screenshots.find_chromium()},
        capture_output=True,
        encoding="utf-8",
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def faults(report):
    """Return what a report finds wrong apart from speed, each with the places it names."""
    categories = (report["categories"][name] for name in CATEGORIES[1:])
    audits = (report["audits"][ref["id"]] for c in categories for ref in c["auditRefs"])
    return [
        (audit["title"], str(audit.get("details", {}).get("items"))[:2000])
        for audit in audits
        if audit["score"] is not None and audit["score"] < 1
    ]


@pytest.mark.parametrize("page", [*pages_of_the_toc(), "search.html"])
def test_a_page(address, page, capsys, request):
    reports = [look_at(f"{address}/{page}") for _ in range(ROUNDS)]
    scores = [
        round(100 * median(report["categories"][name]["score"] for report in reports))
        for name in CATEGORIES
    ]
    numbers = []
    for audit, (unit, form, name) in FIGURES.items():
        value = median(report["audits"][audit]["numericValue"] for report in reports)
        numbers.append(f"{value / unit:{form}} {name}")
    with capsys.disabled():
        if request.node.callspec.indices["page"] == 0 or request.config.option.keyword:
            print(f"\n{HEADING} (medians of {ROUNDS})")
        print(f"{page:26}", *(f"{score:6}" for score in scores), "", "  ".join(numbers))
    assert scores[1:] == [100] * 3, faults(reports[0])
