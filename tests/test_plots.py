"""The book's look: colours anyone can tell apart, and SVG that depends only on what is drawn."""

import functools
import itertools
import re
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from adagrad_course.objectives import Quadratic, Saddle
from adagrad_course.plots import (
    STYLES,
    figure_svg,
    level_curves,
    path,
    shades,
    style,
    use_book_style,
)


@pytest.fixture(autouse=True)
def book_style():
    with mpl.rc_context():
        use_book_style()
        yield
    plt.close("all")


# Colours.


def linear(colour):
    """The linear-light RGB of a colour (IEC 61966-2-1)."""
    c = np.array(to_rgb(colour))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(colour, other):
    """The contrast ratio of WCAG 2.2."""
    dark, light = sorted(linear(c) @ [0.2126, 0.7152, 0.0722] for c in (colour, other))
    return (light + 0.05) / (dark + 0.05)


# What the dichromats see, in linear RGB: Machado, Oliveira and Fernandes, 2009, at severity 1.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def oklab(rgb):
    """Perceptual coordinates: Ottosson's Oklab, times 100."""
    lms = rgb @ np.transpose(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    return (
        100
        * np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        )
        @ np.cbrt(lms)
    )


def distance(colour, other, vision):
    """How far apart two colours look: 2 is just noticeable, side by side."""
    seen = [oklab(np.clip(VISION[vision] @ linear(c), 0, 1)) for c in (colour, other)]
    return np.linalg.norm(seen[0] - seen[1])


def test_the_measures_are_right():
    assert contrast("white", "black") == pytest.approx(21)
    assert contrast("#767676", "white") == pytest.approx(4.54, abs=0.005)
    assert distance("white", "black", "normal") == pytest.approx(100, abs=0.01)
    # A red and a green that only colour vision tells apart.
    assert distance("#bb4433", "#777722", "normal") > 15
    assert distance("#bb4433", "#777722", "deuteranopia") < 4


@pytest.mark.parametrize("background", ["#ffffff", "#121212"])
@pytest.mark.parametrize("optimizer", STYLES)
def test_lines_stand_out_from_the_page(optimizer, background):
    assert contrast(STYLES[optimizer]["color"], background) >= 3


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("pair", list(itertools.combinations(STYLES, 2)), ids=" and ".join)
def test_optimizers_are_told_apart_by_colour(pair, vision):
    assert distance(*(STYLES[name]["color"] for name in pair), vision) >= 8


def test_optimizers_are_told_apart_without_colour():
    assert len({str(look["linestyle"]) for look in STYLES.values()}) == len(STYLES)


def test_a_style_cannot_be_changed_by_accident():
    look = style("SGD")
    look["color"] = "red"
    assert style("SGD")["color"] != "red"


@pytest.mark.parametrize("n", [2, 3, 6])
def test_shades_go_from_light_to_dark(n):
    colours = shades("AdaGrad", n)
    luminance = [contrast(colour, "black") for colour in colours]
    assert len(colours) == n
    assert luminance == sorted(luminance, reverse=True)
    assert len(set(colours)) == n
    if n % 2:
        assert colours[n // 2] == to_hex(STYLES["AdaGrad"]["color"])


# Reproducible SVG.


def busy_figure(scale=1.0, extra=0.0, seed=0):
    """One of everything that matplotlib puts into an SVG; `scale` rescales all data."""
    rng = np.random.default_rng(seed)
    figure = Figure(figsize=(6, 4))
    ((a, b), (c, d)) = figure.subplots(2, 2)
    level_curves(a, Quadratic([1.0, 25.0], rotation=0.4), (-2 * scale, 2 * scale), (-1, 1))
    path(a, scale * np.cumsum(rng.normal(0, 0.1, (30, 2)), axis=0), "SGD")
    b.scatter(*rng.random((2, 40)) * scale, s=rng.random(40) * 40, c=rng.random(40))
    b.annotate("0.12345 <here>", (0.5 * scale, 0.5), (0.1, 0.9), arrowprops={"arrowstyle": "->"})
    c.fill_between(np.arange(20) * scale, rng.random(20), alpha=0.3, hatch="//")
    c.bar([1, 2, 3], scale * np.array([1, 2, 4 + extra]))
    d.imshow(rng.random((4, 4)))
    d.set_title(r"$\eta = 2/L$")
    return figure


@functools.cache
def busy_svg(seed=0):
    return figure_svg(busy_figure(seed=seed))


def test_the_same_figure_is_the_same_text():
    figure = busy_figure()
    assert figure_svg(figure) == figure_svg(figure) == busy_svg()


def test_without_the_books_style_too():
    with mpl.rc_context({"svg.hashsalt": None, "figure.constrained_layout.use": False}):
        assert figure_svg(busy_figure()) == figure_svg(busy_figure())


@pytest.mark.parametrize(("scale", "seed"), [(1 + 1e-12, 0), (1 - 1e-12, 1)])
def test_rounding_errors_leave_no_trace(scale, seed):
    assert figure_svg(busy_figure(scale, seed=seed)) == busy_svg(seed)


def test_a_visible_change_shows():
    assert figure_svg(busy_figure(extra=0.02)) != busy_svg()


def test_nothing_volatile_is_stored():
    svg = busy_svg()
    assert svg.startswith("<svg")
    for word in ("date", "creator", "metadata", "created with"):
        assert word not in svg.lower()
    numbers = re.sub(r"scale\([^)]*\)|<!--.*?-->|base64,[^\"]*", "", svg)
    assert not re.findall(r"\d\.\d{3,}", numbers)
    identifiers = set(re.findall(r'\bid="(.*?)"', svg))
    assert not [name for name in identifiers if re.fullmatch(r"\w*[0-9a-f]{10}", name)]
    references = set(re.findall(r'url\(#(.*?)\)|href="#(.*?)"', svg))
    assert references
    assert {a or b for a, b in references} <= identifiers


def test_the_scale_of_small_glyphs_is_kept():
    # matplotlib scales a glyph to 0.1 of its outline, or to 0.07 in an exponent.
    figure = Figure(figsize=(2, 1))
    figure.text(0.1, 0.5, "$a^2$", fontsize=8.125)
    assert re.search(r"scale\(0\.\d{3,}", figure_svg(figure))


# What the helpers draw.


@pytest.fixture
def ax():
    return Figure().subplots()


def test_level_curves_are_levels(ax):
    level_curves(ax, Saddle(), (-1, 1), (-1.5, 1.5), levels=7)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 1), (-1.5, 1.5))
    (contours,) = ax.collections
    assert len(contours.levels) == 7
    lowest, highest = Saddle().value([[0.0, 1.0], [1.0, 1.5]])
    assert contours.levels[0] - lowest == pytest.approx(1e-3 * (highest - lowest), rel=0.1)
    steps = np.diff(np.log(contours.levels - lowest))
    np.testing.assert_allclose(steps, steps[0], rtol=0.05)
    for level, curve in zip(contours.levels, contours.get_paths(), strict=True):
        assert len(curve.vertices) > 10
        np.testing.assert_allclose(Saddle().value(curve.vertices), level, atol=2e-3)


def test_a_path_shows_every_step_and_where_it_began(ax):
    points = np.array([[1.0, 2.0], [0.5, 1.0], [0.25, 0.5]])
    path(ax, points, "AdaGrad", label="run", linewidth=3)
    run, start = ax.lines
    np.testing.assert_array_equal(run.get_xydata(), points)
    assert (run.get_color(), run.get_linestyle()) == (STYLES["AdaGrad"]["color"], "-")
    assert (run.get_marker(), run.get_label(), run.get_linewidth()) == ("o", "run", 3)
    np.testing.assert_array_equal(start.get_xydata(), points[:1])
    assert start.get_markerfacecolor() == "white"
    assert start.get_color() == run.get_color()


# Setting up.


def test_the_style_is_the_books():
    assert plt.rcParams["svg.hashsalt"] == "adagrad-by-experiment"
    assert plt.rcParams["svg.fonttype"] == "path"
    assert to_hex(plt.rcParams["savefig.facecolor"]) == "#ffffff"  # opaque


@pytest.mark.parametrize("missing", ["IPython", "matplotlib_inline.backend_inline"])
def test_the_style_needs_no_notebook(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    plt.rcParams["svg.fonttype"] = "none"
    use_book_style()
    assert plt.rcParams["svg.fonttype"] == "path"


def test_a_notebook_shows_the_reproducible_svg():
    # In a process of its own, since a shell changes what Python's prompt and displays do.
    code = """
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
from matplotlib.figure import Figure
from adagrad_course.plots import figure_svg, use_book_style
use_book_style()
figure = Figure()
figure.subplots().plot([1, 3, 2])
data, _ = shell.display_formatter.format(figure)
assert set(data) == {"text/plain", "image/svg+xml"}, set(data)
assert data["image/svg+xml"] == figure_svg(figure)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
