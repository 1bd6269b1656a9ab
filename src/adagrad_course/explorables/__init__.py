"""Interactive figures: a slider teaches in seconds what a paragraph does in minutes.

Each class is a live widget in JupyterLab: its settings can be read, set and observed from Python.
On the book's pages the same scripts make the same figures without Python. `settings.json` has the
settings of all figures, with their ranges, for both languages.
"""

import json
import numbers
import re
from html import escape
from inspect import Parameter, Signature, cleandoc
from pathlib import Path
from textwrap import fill, indent
from typing import Any

from .._optional import packages_needed

with packages_needed("widgets", "The interactive figures"):
    import anywidget
    import traitlets

__all__ = [
    "CanItArrive",
    "FollowTheTarget",
    "FrequentAndRare",
    "MemoryCalculator",
    "Race",
    "WhyTheRoot",
]


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


_FIGURES = json.loads(_read("settings.json"))
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./shared\.mjs";$', re.MULTILINE)


def _module(kind: str) -> str:
    """Return a figure, its settings and what all figures share as a single JavaScript module.

    The browser gets a widget's script as one text, in which an import would lead nowhere.
    """
    figure = _IMPORT.sub("", _read(f"{kind}.mjs"))
    settings = json.dumps(_FIGURES[kind], ensure_ascii=False)
    export = f"export default widget({{ ...figure, ...{settings} }});\n"
    return f"{_read('shared.mjs')}\n{figure}\n{export}"


class _Setting(traitlets.TraitType):
    """A setting of a figure, shared with the browser.

    Parameters
    ----------
    spec : dict
        What `settings.json` says of it.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        super().__init__(self._fit(spec["default"]))
        self.tag(sync=True, setting=True)

    def validate(self, figure: "_Explorable", value: Any) -> Any:
        """Return the value as the figure can use it."""
        fitted = self._fit(value)
        if fitted is traitlets.Undefined:
            raise traitlets.TraitError(f"{self.name} must be {self.allowed}, not {value!r}")
        return fitted


class _Number(_Setting):
    """A number in a range, perhaps a whole one."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.type: type[Any] = int if spec.get("whole") else float
        whole = "whole " if spec.get("whole") else ""
        self.allowed = f"a {whole}number from {spec['min']} to {spec['max']}"
        super().__init__(spec)

    def _fit(self, value: Any) -> Any:
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            return traitlets.Undefined
        fits = self.spec["min"] <= value <= self.spec["max"] and self.type(value) == value
        return self.type(value) if fits else traitlets.Undefined


class _Choice(_Setting):
    """One of some words."""

    type = str

    def __init__(self, spec: dict[str, Any]) -> None:
        self.allowed = f"one of {', '.join(spec['options'])}"
        super().__init__(spec)

    def _fit(self, value: Any) -> Any:
        fits = isinstance(value, str) and value in self.spec["options"]
        return value if fits else traitlets.Undefined


class _Shares(_Setting):
    """Some positive numbers with the sum 1, or None."""

    type = list

    def __init__(self, spec: dict[str, Any]) -> None:
        self.allowed = f"{spec['list']} positive shares with the sum 1"
        super().__init__(spec)

    def _fit(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            shares = [float(share) for share in value]
        except (TypeError, ValueError):
            return traitlets.Undefined
        right = len(shares) == self.spec["list"] and min(shares) > 0
        return shares if right and abs(sum(shares) - 1) < 1e-3 else traitlets.Undefined


def _trait(spec: dict[str, Any]) -> _Setting:
    kind = _Choice if "options" in spec else _Shares if "list" in spec else _Number
    return kind(spec)


def _documented(traits: dict[str, _Setting]) -> str:
    """Return the sections of a docstring that say which settings there are."""
    lines = ["Parameters", "----------"]
    for name, trait in traits.items():
        lines.append(f"{name} : {trait.type.__name__}, default {trait.default_value!r}")
        lines.append(indent(fill(f"{trait.spec['help']}: {trait.allowed}.", 90), "    "))
    lines += ["", "Raises", "------", "traitlets.TraitError"]
    lines.append("    If a setting does not fit, now or later, or if there is none of that name.")
    return "\n".join(lines)


class _Explorable(anywidget.AnyWidget):
    """What all figures share: how they get their settings, and what a page without Python shows.

    A subclass has as `_kind` the name of its figure in `settings.json`, which also fills `{about}`
    and `{settings}` in its docstring.
    """

    _css = _read("explorables.css")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make the class what `settings.json` says of its figure."""
        if "_kind" in vars(cls):  # traitlets also makes a subclass for a widget by itself
            cls._become(_FIGURES[cls._kind])
        super().__init_subclass__(**kwargs)

    @classmethod
    def _become(cls, figure: dict[str, Any]) -> None:
        traits = {name: _trait(spec) for name, spec in figure["settings"].items()}
        for name, trait in traits.items():
            setattr(cls, name, trait)
            trait.class_init(cls, name)
        cls._esm = _module(cls._kind)
        cls.__signature__ = Signature(
            [
                Parameter(name, Parameter.KEYWORD_ONLY, default=trait.default_value)
                for name, trait in traits.items()
            ]
        )
        if cls.__doc__:  # there is none under python -OO
            about = figure["about"].removesuffix(".")
            cls.__doc__ = cleandoc(cls.__doc__).format(about=about, settings=_documented(traits))

    def __init__(self, **settings: Any) -> None:
        for name in settings:
            self._demand(name)
        super().__init__(**settings)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            self._demand(name)  # Python would make a new attribute of a misspelt setting
        super().__setattr__(name, value)

    def _demand(self, name: str) -> None:
        """Raise an error unless there is a setting of that name."""
        known = _FIGURES[self._kind]["settings"]
        if name not in known:
            raise traitlets.TraitError(
                f"{type(self).__name__} has the settings {', '.join(known)}, not {name!r}"
            )

    def _changed(self) -> dict[str, Any]:
        """Return the settings that are not at their defaults, as a link has them."""
        changed = {}
        for name in _FIGURES[self._kind]["settings"]:
            value = getattr(self, name)
            if value != getattr(type(self), name).default_value:
                changed[name] = value
        return changed

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self._changed().items())
        return f"{type(self).__name__}({settings})"

    def _repr_html_(self) -> str:
        """Return the element that the site's scripts turn into the figure."""
        settings = ",".join(f"{name}={_written(value)}" for name, value in self._changed().items())
        about = _FIGURES[self._kind]["about"]
        return (
            f'<div class="explorable" data-explorable="{self._kind}" '
            f'data-settings="{escape(settings)}">'
            f"<p>An interactive figure: {escape(about)} Run this cell to use it.</p></div>"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return data | {"text/html": self._repr_html_()}, metadata


def _written(value: Any) -> str:
    if isinstance(value, list):
        return "_".join(map(_written, value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


class Race(_Explorable):
    """{about}.

    Both take the same learning rate. The larger curvature is 2, so SGD is stable below η = 1.

    {settings}

    Examples
    --------
    >>> race = Race(rotation=45)
    >>> race.lr = 1.2
    >>> race
    Race(lr=1.2, rotation=45.0)
    >>> race.ratio = 500
    Traceback (most recent call last):
        ...
    traitlets.traitlets.TraitError: ratio must be a number from 1 to 100, not 500
    """

    _kind = "race"


class WhyTheRoot(_Explorable):
    """{about}.

    {settings}

    Examples
    --------
    >>> WhyTheRoot(shares=[0.4, 0.3, 0.2, 0.1])
    WhyTheRoot(shares=[0.4, 0.3, 0.2, 0.1])
    """

    _kind = "root"


class FrequentAndRare(_Explorable):
    """{about}.

    {settings}

    Examples
    --------
    >>> FrequentAndRare(rare=0.02)
    FrequentAndRare(rare=0.02)
    """

    _kind = "features"


class CanItArrive(_Explorable):
    """{about}.

    The gradient keeps its sign and, but for the first one, its size. RMSProp has ρ = 0.99.

    {settings}

    Examples
    --------
    >>> CanItArrive(first=20)
    CanItArrive(first=20.0)
    """

    _kind = "arrive"


class FollowTheTarget(_Explorable):
    """{about}.

    The target of a parabola of curvature 1 walks at random, and gradients have noise of standard
    deviation 1. What is drawn are expected errors, so there is no chance in it.

    {settings}

    Examples
    --------
    >>> FollowTheTarget(drift=0.3)
    FollowTheTarget(drift=0.3)
    """

    _kind = "follow"


class MemoryCalculator(_Explorable):
    """{about}.

    {settings}

    Examples
    --------
    >>> MemoryCalculator(optimizer="Adam", ranks=2)
    MemoryCalculator(optimizer='Adam', ranks=2)
    """

    _kind = "memory"
