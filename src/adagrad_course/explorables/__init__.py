"""Interactive figures: a slider teaches in seconds what a paragraph does in minutes.

Each class is a live widget in JupyterLab: its settings can be read, set and observed from Python.
On the book's pages the same script, `explorables.js`, makes the same figure without Python. A
setting that does not fit gets its default, and the figure says so.
"""

import numbers
from html import escape
from inspect import Parameter, Signature, getdoc
from pathlib import Path

try:
    import anywidget
    import traitlets
except ImportError as error:
    raise ImportError(
        "The interactive figures need anywidget: pip install 'adagrad-course[widgets]'"
    ) from error

__all__ = ["CanItArrive", "FrequentAndRare", "MemoryCalculator", "Race", "WhyTheRoot"]

_FOLDER = Path(__file__).parent
_SCRIPT = (_FOLDER / "explorables.js").read_text(encoding="utf-8")
_STYLES = (_FOLDER / "explorables.css").read_text(encoding="utf-8")


class _Setting(traitlets.TraitType):
    """A setting of a figure, shared with the browser.

    Parameters
    ----------
    default : object
        Its value where nobody says otherwise, or says something that does not fit.
    """

    def __init__(self, default):
        super().__init__(default)
        self.tag(sync=True, setting=True)

    def __set__(self, figure, value):
        """Set it: what was wrong with the last value no longer matters."""
        figure._complain(self.name, None)
        super().__set__(figure, value)

    def validate(self, figure, value):
        """Return a value that fits: the given one, or the default with a note."""
        fitted = self._fit(value)
        if fitted is traitlets.Undefined:
            fitted = self.default_value
            figure._complain(
                self.name,
                f"{self.name} must be {self._allowed()}, not {repr(value)[:40]}: "
                "the default is shown.",
            )
        # Traitlets sets a value again when it has validated it: that is no news.
        elif fitted != figure._trait_values.get(self.name):
            figure._complain(self.name, None)
        return fitted


class _Number(_Setting):
    """A number from `low` to `high`, whole if the default is an int."""

    def __init__(self, default, low, high):
        super().__init__(default)
        self.low, self.high, self.whole = low, high, isinstance(default, int)

    def _allowed(self):
        return f"a {'whole ' if self.whole else ''}number from {self.low} to {self.high}"

    def _fit(self, value):
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            return traitlets.Undefined
        if not self.low <= value <= self.high or (self.whole and value % 1):
            return traitlets.Undefined
        return int(value) if self.whole else float(value)


class _Choice(_Setting):
    """One of some words."""

    def __init__(self, default, *others):
        super().__init__(default)
        self.options = (default, *others)

    def _allowed(self):
        return f"one of {', '.join(self.options)}"

    def _fit(self, value):
        return value if isinstance(value, str) and value in self.options else traitlets.Undefined


class _Shares(_Setting):
    """Four positive numbers with the sum 1, or None."""

    def _allowed(self):
        return "4 positive shares with the sum 1"

    def _fit(self, value):
        if value is None:
            return None
        try:
            shares = [float(share) for share in value]
        except (TypeError, ValueError):
            return traitlets.Undefined
        fits = len(shares) == 4 and min(shares) > 0 and abs(sum(shares) - 1) < 1e-3
        return shares if fits else traitlets.Undefined


class _Explorable(anywidget.AnyWidget):
    """What all figures share: the script, the stylesheet, and what a page without Python shows."""

    _esm = _SCRIPT + "export default explorables;\n"  # on a page it is no module
    _css = _STYLES
    _figure = traitlets.Unicode().tag(sync=True)
    _note = traitlets.Unicode().tag(sync=True)
    _kind = ""  # the figure's name in the script

    def __init_subclass__(cls, **kwargs):
        """Give the class a signature that names its settings, for help and the API page."""
        super().__init_subclass__(**kwargs)
        settings = {n: trait for n, trait in vars(cls).items() if isinstance(trait, _Setting)}
        if settings:
            cls.__signature__ = Signature(
                Parameter(name, Parameter.KEYWORD_ONLY, default=trait.default_value)
                for name, trait in settings.items()
            )

    def __init__(self, **settings):
        self._complaints = {}
        known = list(self.traits(setting=True))
        for name in settings:
            if name not in known:
                raise TypeError(
                    f"{type(self).__name__} has the settings {', '.join(known)}, got {name!r}"
                )
        super().__init__(_figure=self._kind, **settings)

    def _complain(self, name, complaint):
        """Note what is wrong with a setting, or that nothing is any more."""
        self._complaints.pop(name, None)
        if complaint:
            self._complaints[name] = complaint
        self._note = " ".join(self._complaints.values())

    def _changed(self):
        """Return the settings that are not at their defaults, as a link has them."""
        changed = {}
        for name, trait in self.traits(setting=True).items():
            value = getattr(self, name)
            if value != trait.default_value:
                changed[name] = value
        return changed

    def __repr__(self):
        settings = ", ".join(f"{name}={value!r}" for name, value in self._changed().items())
        return f"{type(self).__name__}({settings})"

    def _repr_html_(self):
        """Return the element that the site's script turns into the figure."""
        settings = ",".join(f"{name}={_written(value)}" for name, value in self._changed().items())
        about = getdoc(type(self)).partition("\n")[0]
        return (
            f'<div class="explorable" data-explorable="{self._kind}" '
            f'data-settings="{escape(settings)}">'
            f"<p>An interactive figure: {escape(about)} Run this cell to use it.</p></div>"
        )

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return data | {"text/html": self._repr_html_()}, metadata


def _written(value):
    if isinstance(value, list):
        return "_".join(map(_written, value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


class Race(_Explorable):
    """SGD and AdaGrad race down a bowl that you can stretch, turn and start from anywhere.

    Both take the same learning rate. The larger curvature is 2, so SGD is stable below η = 1.

    Parameters
    ----------
    lr : float, optional
        The learning rate η, from 0.01 to 3.
    ratio : float, optional
        How many times as steep the bowl is across as along, from 1 to 100.
    rotation : float, optional
        The angle in degrees, from 0 to 90, by which bowl and start are turned.
    step : int, optional
        How many steps are shown, up to 30.
    x, y : float, optional
        The start, along and across the bowl, from -4.5 to 4.5.

    Raises
    ------
    TypeError
        If there is no setting of that name.

    Examples
    --------
    >>> race = Race(rotation=45)
    >>> race.lr = 1.2
    >>> race
    Race(lr=1.2, rotation=45.0)
    """

    _kind = "race"
    lr = _Number(0.9, 0.01, 3)
    ratio = _Number(50.0, 1, 100)
    rotation = _Number(0.0, 0, 90)
    step = _Number(30, 0, 30)
    x = _Number(-4.0, -4.5, 4.5)
    y = _Number(2.0, -4.5, 4.5)


class WhyTheRoot(_Explorable):
    """Share a budget of scale over four coordinates and compare with the best in hindsight.

    Parameters
    ----------
    p : float, optional
        The exponent from 0 to 1: a share is proportional to G to the power p.
    unequal : float, optional
        How many times as long each coordinate's gradient is as the next one's, from 1 to 4.
    shares : list of float, optional
        Four shares with the sum 1, instead of those that `p` gives.

    Raises
    ------
    TypeError
        If there is no setting of that name.

    Examples
    --------
    >>> WhyTheRoot(shares=[0.4, 0.3, 0.2, 0.1])
    WhyTheRoot(shares=[0.4, 0.3, 0.2, 0.1])
    """

    _kind = "root"
    p = _Number(0.0, 0, 1)
    unequal = _Number(2.0, 1, 4)
    shares = _Shares(None)


class FrequentAndRare(_Explorable):
    """A frequent and a rare feature: their accumulators grow, their rates only ever fall.

    Parameters
    ----------
    often, rare : float, optional
        The share of the steps in which each feature appears, from 0.01 to 1.
    step : int, optional
        How many steps are shown, up to 200.

    Raises
    ------
    TypeError
        If there is no setting of that name.

    Examples
    --------
    >>> FrequentAndRare(rare=0.02)
    FrequentAndRare(rare=0.02)
    """

    _kind = "features"
    often = _Number(0.5, 0.01, 1)
    rare = _Number(0.04, 0.01, 1)
    step = _Number(200, 0, 200)


class CanItArrive(_Explorable):
    """How far each method can travel before its rates have shrunk away.

    The gradient keeps its sign and, but for the first one, its size. RMSProp has ρ = 0.99.

    Parameters
    ----------
    distance : float, optional
        From the start to the minimum, from 0.1 to 100.
    lr : float, optional
        The learning rate η of all methods, from 0.001 to 1.
    size : float, optional
        The size of the gradient, from 0.01 to 100.
    first : float, optional
        How many times as large the first gradient is, from 1 to 100.
    horizon : int, optional
        The number of steps, from 10 to 10,000.

    Raises
    ------
    TypeError
        If there is no setting of that name.

    Examples
    --------
    >>> CanItArrive(first=20)
    CanItArrive(first=20.0)
    """

    _kind = "arrive"
    distance = _Number(10.0, 0.1, 100)
    lr = _Number(0.05, 0.001, 1)
    size = _Number(1.0, 0.01, 100)
    first = _Number(1.0, 1, 100)
    horizon = _Number(400, 10, 10_000)


class MemoryCalculator(_Explorable):
    """Weights, gradients and optimizer state of an embedding table, drawn to scale.

    Parameters
    ----------
    rows : int, optional
        The number of rows, from 1,000 to 1,000,000,000.
    dimension : int, optional
        The numbers in a row, from 1 to 1,024.
    optimizer : str, optional
        "AdaGrad", "SGD", "Momentum", "Adam", "RowWiseAdaGrad", "SM3" or "FullMatrixAdaGrad".
    precision : str, optional
        "float32", "bfloat16" or "mixed": bfloat16 with the state in float32.
    ranks : int, optional
        How many processes share the state, from 1 to 64.

    Raises
    ------
    TypeError
        If there is no setting of that name.

    Examples
    --------
    >>> MemoryCalculator(optimizer="Adam", ranks=2)
    MemoryCalculator(optimizer='Adam', ranks=2)
    """

    _kind = "memory"
    rows = _Number(1_000_000, 1000, 1_000_000_000)
    dimension = _Number(64, 1, 1024)
    optimizer = _Choice(
        "AdaGrad", "SGD", "Momentum", "Adam", "RowWiseAdaGrad", "SM3", "FullMatrixAdaGrad"
    )
    precision = _Choice("float32", "bfloat16", "mixed")
    ranks = _Number(1, 1, 64)
