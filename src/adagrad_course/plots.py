"""The look of every figure: one style, one colour and one line per optimizer.

A notebook calls `use_book_style()` once. From then on figures are stored as SVG that depends on
nothing but what is drawn, so that a test can compare it with the one drawn again.
"""

import hashlib
import io
import re
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ._protocols import HasValue
from ._validate import choice, has_methods, instance, positive_int, real_array

__all__ = ["STYLES", "figure_svg", "level_curves", "path", "shades", "style", "use_book_style"]

# At least 3:1 against the page in light and in dark, and told apart with any colour vision.
STYLES: dict[str, dict[str, Any]] = {
    "SGD": {"color": "#D55E00", "linestyle": "--"},
    "Momentum": {"color": "#D6729F", "linestyle": "-."},
    "AdaGrad": {"color": "#0072B2", "linestyle": "-"},
    "RMSProp": {"color": "#009E64", "linestyle": ":"},
    "AdaDelta": {"color": "#914B6E", "linestyle": (0, (9, 2))},
    "Adam": {"color": "#A458E0", "linestyle": (0, (6, 1.5, 1, 1.5, 1, 1.5))},
}


def style(optimizer: str) -> dict[str, Any]:
    """Return the colour and line style that an optimizer has throughout the book.

    Parameters
    ----------
    optimizer : str
        A key of `STYLES`, such as "AdaGrad".

    Returns
    -------
    dict
        Keyword arguments for `matplotlib.axes.Axes.plot`.

    Raises
    ------
    ValueError
        If the book has no style of that name.

    Examples
    --------
    >>> style("AdaGrad")
    {'color': '#0072B2', 'linestyle': '-'}
    """
    return dict(STYLES[choice("optimizer", optimizer, STYLES)])


def shades(optimizer: str, n: int) -> list[str]:
    """Return n shades of an optimizer's colour, light to dark, for runs that differ in one number.

    Parameters
    ----------
    optimizer : str
        A key of `STYLES`.
    n : int
        How many, at least 2.

    Returns
    -------
    list of str
        Colours as hexadecimal strings.

    Raises
    ------
    TypeError, ValueError
        If the book has no style of that name, or `n` is not a whole number from 2 on.

    Examples
    --------
    >>> shades("SGD", 3)
    ['#e69e66', '#d55e00', '#753400']
    """
    if positive_int("n", n) < 2:
        raise ValueError(f"n must be at least 2, got {n}")
    colour = np.array(to_rgb(style(optimizer)["color"]))
    lightest, darkest = 0.6 * colour + 0.4, 0.55 * colour
    stops = np.stack([lightest, colour, darkest])
    positions = np.linspace(0, 2, n)
    colours = np.stack([np.interp(positions, [0, 1, 2], channel) for channel in stops.T], axis=-1)
    return [to_hex(tuple(colour)) for colour in colours]


def use_book_style() -> None:
    """Give figures the book's style and, in a notebook, store them as reproducible SVG."""
    plt.style.use(["default", "adagrad_course.book"])  # regardless of the reader's matplotlibrc
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None:
        set_matplotlib_formats("svg")
        shell.display_formatter.formatters["image/svg+xml"].for_type(Figure, figure_svg)


def figure_svg(figure: Figure) -> str:
    """Draw a figure as SVG text that is the same on every machine.

    Coordinates are rounded to a hundredth of a point, which is below what can be seen and above
    what differs between processors; identifiers are numbered instead of hashed from unrounded
    coordinates; there is no date.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If `figure` is not a figure.
    """
    instance("figure", figure, Figure)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=dict.fromkeys(_VOLATILE))
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    # Inside scale(…) the third decimal counts, so it is matched first and kept.
    svg = re.sub(r"scale\([^)]*\)|-?\d+\.\d{3,}", _rounded, svg)
    hashed = dict.fromkeys(re.findall(r'id="([a-zA-Z]\w*[0-9a-f]{10})"', svg))
    if hashed:
        nameless = re.sub("|".join(hashed), "", svg)
        prefix = "s" + hashlib.sha256(nameless.encode()).hexdigest()[:8]
        number = {name: f"{prefix}-{i}" for i, name in enumerate(hashed)}
        svg = re.sub("|".join(hashed), lambda found: number[found[0]], svg)
    return svg


_VOLATILE = ("Creator", "Date", "Format", "Type")


def _rounded(found: re.Match[str]) -> str:
    if found[0].startswith("scale"):
        return found[0]
    text = f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def level_curves(
    ax: Axes,
    objective: HasValue,
    x: tuple[float, float],
    y: tuple[float, float],
    *,
    levels: int = 12,
) -> None:
    """Draw the level curves of a two-dimensional objective, spaced evenly in the logarithm.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    objective : object
        Has a method `value(points)` for points of shape (..., 2).
    x, y : tuple of float
        The ranges (from, to) that the axes show.
    levels : int, optional
        How many curves.

    Returns
    -------
    None

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that kind, or the objective is constant over the ranges.
    """
    instance("ax", ax, Axes)
    has_methods("objective", objective, "value")
    positive_int("levels", levels)
    for name, ends in (("x", x), ("y", y)):
        if real_array(name, ends).shape != (2,) or ends[0] >= ends[1]:
            raise ValueError(f"{name} must be a pair (from, to) with from < to, got {ends}")
    grid = np.stack(np.meshgrid(np.linspace(*x, 201), np.linspace(*y, 201)), axis=-1)
    values = objective.value(grid)
    lowest = values.min()
    if values.max() == lowest:
        raise ValueError(f"objective must vary over x and y, got {lowest} everywhere")
    depth = np.geomspace(1e-3, 1, levels, endpoint=False) * (values.max() - lowest)
    ax.contour(grid[..., 0], grid[..., 1], values, levels=lowest + depth, **_LEVELS)
    ax.set(xlim=x, ylim=y)
    ax.grid(visible=False)


_LEVELS: dict[str, Any] = {"colors": "#AEB4BC", "linewidths": 0.7}


def path(ax: Axes, points: ArrayLike, optimizer: str, **kwargs: Any) -> None:
    """Draw a run's points of shape (steps + 1, 2), each step a dot, in the optimizer's style.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    points : numpy.ndarray, shape (steps + 1, 2)
        Such as `Trajectory.points`.
    optimizer : str
        A key of `STYLES`.
    **kwargs
        Further arguments for `matplotlib.axes.Axes.plot`, which override the style.

    Returns
    -------
    None

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that kind.
    """
    instance("ax", ax, Axes)
    points = real_array("points", points)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points must have shape (steps + 1, 2), got {points.shape}")
    look = style(optimizer) | {"marker": "o", "markersize": 3, "linewidth": 1.2} | kwargs
    ax.plot(points[:, 0], points[:, 1], **look)
    ax.plot(*points[0], "o", color=look["color"], markersize=7, markerfacecolor="white")
