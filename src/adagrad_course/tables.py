"""Tables of results, made in one line from arrays: columns in, a real table out.

A notebook and the website show HTML, in which a screen reader finds what a number belongs to; a
terminal shows text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Table", "plus_minus", "table"]


def table(
    columns: Mapping[str, Any],
    formats: str | Mapping[str, str] | None = None,
    best: str | Mapping[str, str] | None = None,
    kind: str = "results",
) -> Table:
    """Make a table from its columns.

    Parameters
    ----------
    columns : dict of str to sequence
        The heads with what stands below them: numbers, texts or truth values, shape ``(n,)``; a
        single value is repeated. The first column says what its row is about. A text with HTML of
        its own, a subclass of str with `_repr_html_`, is shown as that.
    formats : str or dict of str to str, optional
        How numbers are written, as in ``".1f"`` or ``".0%"``: all of them, or those of the columns
        named. The rest have three significant digits (``".3g"``), whole numbers all of theirs.
    best : {"min", "max"} or dict of str to {"min", "max"}, optional
        What is set in bold, with a star in text: the least or the greatest number of each row, or
        of each column named. Equal ones all are.
    kind : str, optional
        The class of the HTML table, by which a stylesheet knows it.

    Returns
    -------
    Table
        A notebook shows it when it is the value of a cell's last line.

    Raises
    ------
    ValueError
        If there is no column, columns differ in length, or `formats` or `best` name a column that
        there is not, a format that does not fit or something other than the two words.

    Examples
    --------
    >>> columns = {"learning rate": [0.005, 0.1, 0.4], "steps": [1200, 66, 14]}
    >>> table(columns, best={"steps": "min"})
    learning rate  steps
    -------------  -----
            0.005  1,200
              0.1     66
              0.4    14*
    """
    if not columns:
        raise ValueError("a table needs at least one column, got none")
    values = {head: _column(column) for head, column in columns.items()}
    lengths = {head: len(column) for head, column in values.items() if column is not None}
    rows = max(lengths.values(), default=1)
    if set(lengths.values()) - {rows}:
        raise ValueError(f"columns must have the same length, got {lengths}")
    filled = {
        head: [columns[head]] * rows if column is None else column
        for head, column in values.items()
    }
    heads = list(filled)
    per_column = formats if isinstance(formats, Mapping) else dict.fromkeys(heads, formats)
    for said, what in ((per_column, "formats"), (best, "best")):
        if isinstance(said, Mapping) and (unknown := [head for head in said if head not in filled]):
            raise ValueError(f"{what} names {unknown}, but the columns are {heads}")
    texts = [[_written(v, per_column.get(head)) for v in filled[head]] for head in heads]
    numeric = {
        j
        for j, head in enumerate(heads)
        if any(_is_number(v) or " ± " in str(v) for v in filled[head])
    }
    rows_of_text = [list(row) for row in zip(*texts, strict=True)]
    return Table(heads, rows_of_text, _marked(filled, best), numeric, kind)


def plus_minus(values: ArrayLike, format: str = ".3g", axis: int = -1) -> list[str]:
    """Write means with their spread, as in "28.9 ± 0.3".

    Parameters
    ----------
    values : array_like
        Results, as of several seeds, of at most two dimensions.
    format : str
        How both numbers are written.
    axis : int
        Along which they are averaged; the spread is their standard deviation, with one degree of
        freedom taken off.

    Returns
    -------
    list of str
        One text for each mean.

    Raises
    ------
    ValueError
        If there are not at least two values to average.

    Examples
    --------
    >>> plus_minus([[28.6, 28.9, 29.2], [30.0, 31.0, 32.0]], ".1f")
    ['28.9 ± 0.3', '31.0 ± 1.0']
    """
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim not in (1, 2) or numbers.shape[axis] < 2:
        raise ValueError(
            "values must have one or two dimensions and two or more values to average, "
            f"got shape {numbers.shape}"
        )
    means, spreads = numbers.mean(axis=axis), numbers.std(axis=axis, ddof=1)
    return [
        f"{_unsigned_zero(f'{mean:{format}}')} ± {spread:{format}}"
        for mean, spread in zip(np.atleast_1d(means), np.atleast_1d(spreads), strict=True)
    ]


@dataclass(frozen=True, repr=False)
class Table:
    """What `table` returns: rows of text below heads, shown as HTML or as text.

    Parameters
    ----------
    heads : list of str
        The columns' heads.
    rows : list of list of str
        The cells.
    marked : set of (int, int)
        Row and column of the cells that are set in bold.
    numeric : set of int
        The columns that are set flush right.
    kind : str
        The class of the HTML table.
    """

    heads: list[str]
    rows: list[list[str]]
    marked: set[tuple[int, int]]
    numeric: set[int]
    kind: str = "results"

    def __repr__(self) -> str:
        starred = [
            [text + "*" * ((i, j) in self.marked) for j, text in enumerate(row)]
            for i, row in enumerate(self.rows)
        ]
        widths = [max(map(len, column)) for column in zip(self.heads, *starred, strict=True)]
        sides = [">" if j in self.numeric else "<" for j in range(len(widths))]
        lines = [self.heads, ["-" * width for width in widths], *starred]
        return "\n".join(
            "  ".join(
                f"{text:{s}{w}}" for text, s, w in zip(line, sides, widths, strict=True)
            ).rstrip()
            for line in lines
        )

    def _repr_html_(self) -> str:
        """Return a table whose heads say which row or column they are of."""
        lines = [f'<table class="{escape(self.kind)}"><thead><tr>']
        lines += [self._cell("th", j, escape(head), "col") for j, head in enumerate(self.heads)]
        lines.append("</tr></thead><tbody>")
        for i, row in enumerate(self.rows):
            lines.append("<tr>")
            for j, text in enumerate(row):
                shown = _typeset(text) if j in self.numeric else as_html(text)
                if (i, j) in self.marked:
                    shown = f"<strong>{shown}</strong>"
                lines.append(self._cell("td" if j else "th", j, shown, "" if j else "row"))
            lines.append("</tr>")
        return "\n".join([*lines, "</tbody></table>"])

    def _cell(self, tag: str, column: int, shown: str, scope: str) -> str:
        if not shown:  # an empty head would be read out as one
            return "<td></td>"
        scope = f' scope="{scope}"' if scope else ""
        kind = ' class="number"' if column in self.numeric else ""
        return f"<{tag}{scope}{kind}>{shown}</{tag}>"


def _column(values: Any) -> list[Any] | None:
    """Return a column's values, or None if it is a single one."""
    if isinstance(values, str) or np.ndim(values) == 0:
        return None
    if np.ndim(values) > 1:
        raise ValueError(f"a column has one dimension, got shape {np.shape(values)}")
    return list(values)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real | np.number) and not isinstance(value, bool | np.bool_)


def _written(value: Any, style: str | None) -> str:
    """Return a value as it stands in the table."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if not _is_number(value):
        return value if isinstance(value, str) else str(value)
    if style is None:
        style = ",d" if isinstance(value, Integral) else ".3g"
    try:
        return _unsigned_zero(format(value, style))
    except ValueError as error:
        raise ValueError(f"the format {style!r} does not fit {value!r}: {error}") from None


def _unsigned_zero(number: str) -> str:
    """Return a number's text, without the sign of one that is shown as zero."""
    return number.lstrip("-") if not number.strip("-0.,%e+") else number


def _marked(columns: Mapping[str, list[Any]], best: Any) -> set[tuple[int, int]]:
    """Return row and column of the numbers that are the least or the greatest of theirs."""
    if best is None:
        return set()
    for word in best.values() if isinstance(best, Mapping) else [best]:
        if word not in ("min", "max"):
            raise ValueError(f"best must be 'min' or 'max', got {word!r}")
    cells = list(columns.values())
    if isinstance(best, Mapping):
        lines = [
            (word, [(i, j) for i in range(len(cells[j]))])
            for j, head in enumerate(columns)
            if (word := best.get(head))
        ]
    else:  # the first column says what a row is about
        lines = [(best, [(i, j) for j in range(1, len(cells))]) for i in range(len(cells[0]))]
    marked = set()
    for word, places in lines:
        numbers = {(i, j): v for i, j in places if _is_number(v := cells[j][i]) and v == v}
        if numbers:
            extreme = (min if word == "min" else max)(numbers.values())
            marked |= {place for place, number in numbers.items() if number == extreme}
    return marked


def as_html(text: str) -> str:
    """Return a text's own HTML, if it has any, else the text with what HTML would read escaped."""
    own: Callable[[], str] | None = getattr(text, "_repr_html_", None)
    return own() if own else escape(text)


def _typeset(number: str) -> str:
    """Return a number's HTML: a minus is no hyphen, and 1e-05 is a power of ten."""
    power = re.sub(r"e([+-])0*(\d+)$", _power_of_ten, escape(number))
    return power.replace("-", "−")


def _power_of_ten(found: re.Match[str]) -> str:
    sign = "-" if found[1] == "-" else ""
    return f" · 10<sup>{sign}{found[2]}</sup>"
