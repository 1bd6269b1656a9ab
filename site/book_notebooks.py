r"""Chapters and pages for every viewer: plain Markdown in the file, directives on the website.

JupyterLab, Notebook, VS Code, Colab and GitHub show Markdown, and none of them knows the directives
of MyST. So a file has HTML's own ``<details>``, ``<div>`` and ``<a id>``, links that name a file,
and numbers and authors as text. As the website is built, this Sphinx extension turns each notebook
and page that is read into what MyST makes boxes, captions and cross-references of. What is typed
must be what the website will print: a wrong number or name stops the build and is named.

=================================================  =============================================
in the file                                        on the website
=================================================  =============================================
``<a id="sec-name"></a>``, then a heading          the heading's label
``<details><summary>Title</summary>`` …            a dropdown
``<div class="predict">``, ``**Title**`` …         an admonition of this class
``<div class="theorem" id="thm-name">``,           a theorem, proposition or lemma
``**Theorem 2.1 (Title).**`` …
``<div class="proof">``, ``*Proof.*`` …            a proof
``<a id="eq-name"></a>``, ``$$`` … ``\tag{2.1}``   a numbered equation
a cell ``<a id="fig-name"></a>``,                  name and caption of the figure above
``**Figure 2.1.** Caption``
``<a id="ex-name"></a>``,                          an exercise, to the end of the cell
``### Exercise 1.2 ★ Title`` …
``#### Solution of 1.2`` …                         its solution, to the next heading so high
``[(2.1)](02-name.ipynb#eq-name)``, likewise       a reference with the number as its text
``Theorem 2.1``, ``Figure 2.1``
``[regret](glossary.md#term-regret)``              a term of the glossary
``([Zeiler, 2012](https://…))``                    a citation of the work with this address
``[turned](02-name.ipynb#race:rotation=45)``       a link that opens the figure at this setting
``<picture>`` with a dark ``<source>``, ``<img>``  two pictures, of which the page shows one
``<div class="bibliography">`` …                   in the place of its text, the works cited
=================================================  =============================================
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from pybtex.database import Entry, parse_file
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"

OPENS = re.compile(
    r"<details><summary>(?P<title>.*)</summary>"
    r'|<div class="(?P<kind>[a-z]+)"(?: id="(?P<label>[\w-]+)")?>'
)
CLOSES = {"</details>", "</div>"}
STATED = re.compile(r"\*\*((?:Theorem|Proposition|Lemma) [\d.]+) \((.*)\)\.\*\* ")
EXERCISE = re.compile(
    r'<a id="(ex-[\w-]+)"></a>\n### [^\d\n]+(\d+\.\d+)( [^\n]*)\n\n(.*)', re.DOTALL
)
SOLUTION = re.compile(r"#### [^\d\n]+(\d+\.\d+)")
CAPTION = re.compile(r'<a id="(fig-[\w-]+)"></a>\n\*\*(Figure [\d.]+)\.\*\* (.*)', re.DOTALL)
EQUATION = re.compile(
    r'\s*<a id="(eq-[\w-]+)"></a>\n\n\$\$\n((?:(?!\$\$).)*?) ?\\tag\{([\d.]+)\}\n\$\$', re.DOTALL
)
ENTRY = re.compile(r'^((?:<a id="term-[\w-]+"></a>)+)\n(\*\*.+\*\*)\n\n(.+)$', re.MULTILINE)
NAME = re.compile(r"\*\*(.+?)\*\*")
PICTURE = re.compile(
    r'<picture>\n *<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">'
    r'\n *<img src="([^"]+)" width="(\d+)" alt="([^"]+)">\n</picture>'
)
LINK = re.compile(r"\[((?:[^][]|\[[^][]*\])*)\]\(([\w.-]+\.(?:ipynb|md))?#([\w-]+)\)")
FIGURE_LINK = re.compile(r"\[([^][]+)\]\(([\w.-]+)\.(?:ipynb|md)(#\w+:[^()\s]+)\)")
CITATIONS = re.compile(r"\((\[[^][]+\]\(https?:[^()\s]+\)(?:; \[[^][]+\]\(https?:[^()\s]+\))*)\)")
CITATION = re.compile(r"\[([^][]+)\]\((https?:[^()\s]+)\)")
# What the website prints for what has a number, by the beginnings of labels.
NUMBERED = {
    "eq": "({})",
    "fig": "Figure {}",
    "thm": "Theorem {}",
    "prop": "Proposition {}",
    "lem": "Lemma {}",
}


class PlainError(ValueError):
    """A file has something that the website would not print so."""


# What the book's files name --------------------------------------------------------------------


@cache
def labels(folder: Path = CHAPTERS) -> dict[str, tuple[str, str | None]]:
    """Return for each label of the book its file, and what the website prints for it if a number.

    Parameters
    ----------
    folder : pathlib.Path
        Where the notebooks and pages are.
    """
    found: dict[str, tuple[str, str | None]] = {}
    for page in sorted(folder.glob("*.md")):
        names = re.findall(r'<a id="(?!term-)([\w-]+)"></a>', page.read_text(encoding="utf-8"))
        found |= {name: (page.name, None) for name in names}
    for path in sorted(folder.glob("*.ipynb")):
        text = prose(json.loads(path.read_text(encoding="utf-8")))
        found |= {n: (path.name, None) for n in re.findall(r'<a id="([\w-]+)"></a>', text)}
        found |= {n: (path.name, printed) for n, printed in numbers(text, path.name).items()}
    return found


def prose(notebook: dict[str, Any]) -> str:
    """Return the Markdown of a notebook, with a blank line between its cells."""
    cells = (c for c in notebook["cells"] if c["cell_type"] == "markdown")
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def numbers(text: str, name: str) -> dict[str, str]:
    """Return what the website prints for each numbered thing of a notebook, by its label.

    Parameters
    ----------
    text : str
        The notebook's Markdown.
    name : str
        Its file's name, which begins with its chapter's number if it has one.
    """
    chapter = re.match(r"0*(\d+)-", name)
    prefix = f"{chapter[1]}." if chapter else ""
    count: Counter[str] = Counter()
    printed = {}
    for label in re.findall(r'<(?:a|div class="\w+") id="([\w-]+)">', text):
        if form := NUMBERED.get(label.partition("-")[0]):
            count[form] += 1
            printed[label] = form.format(f"{prefix}{count[form]}")
    return printed


@cache
def terms(folder: Path = CHAPTERS) -> dict[str, str]:
    """Return the glossary's terms by the ends of links to them."""
    text = (folder / "glossary.md").read_text(encoding="utf-8")
    return {
        f"term-{slug(term)}": term
        for entry in ENTRY.finditer(text)
        for term in NAME.findall(entry[2])
    }


def slug(term: str) -> str:
    """Return a term as it stands in an address: ``"weight decay"`` as ``"weight-decay"``."""
    return re.sub(r"\W+", "-", term.lower()).strip("-")


@cache
def works(folder: Path = CHAPTERS) -> dict[str, tuple[str, str]]:
    """Return each work's key and citation, as ``"Zeiler, 2012"``, by the work's address."""
    entries = parse_file(str(folder / "references.bib"), "bibtex").entries
    return {address(entry): (key, citation(entry)) for key, entry in entries.items()}


def address(entry: Entry) -> str:
    """Return where a work is found on the web."""
    fields = entry.fields
    if "url" in fields:
        return fields["url"]
    if "doi" in fields:
        return f"https://doi.org/{fields['doi']}"
    if "eprint" in fields:
        return f"https://arxiv.org/abs/{fields['eprint']}"
    said = f"{fields.get('note', '')} {fields.get('howpublished', '')}"
    found = re.search(r"arXiv:([\d.]+\d)|https:[^\s,]+", said)
    if found is None:
        raise PlainError(f"{entry.key} in references.bib needs a url, a doi or an eprint")
    return f"https://arxiv.org/abs/{found[1]}" if found[1] else found[0]


def citation(entry: Entry) -> str:
    """Return authors and year as the website cites a work."""
    authors = [
        "".join(str(part) for part in person.rich_last_names) for person in entry.persons["author"]
    ]
    if len(authors) > 2 or authors[-1] == "others":
        authors = [f"{authors[0]} et al."]
    return f"{' and '.join(authors)}, {entry.fields['year']}"


# From plain to directives ----------------------------------------------------------------------


def with_directives(notebook: dict[str, Any], name: str, folder: Path = CHAPTERS) -> dict[str, Any]:
    """Return a notebook with directives and roles in the place of its plain Markdown.

    Parameters
    ----------
    notebook : dict
        The notebook; it stays as it is. One that has directives already is only copied.
    name : str
        The name of its file.
    folder : pathlib.Path
        Where the other notebooks and pages of the book are.

    Returns
    -------
    dict
        A new notebook.

    Raises
    ------
    PlainError
        If a box is not closed, or a number, a citation or a link is not what it should be.
    """
    page = Page(name, folder, numbers(prose(notebook), name))
    cells: list[dict[str, Any]] = []
    exercise, label, in_solution = "", "", False
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] != "markdown":
            cells.append(cell)
            continue
        heading = re.match(r'(?:<a id="[\w-]+"></a>\n)?(#+) ', text)
        if in_solution and heading and len(heading[1]) <= 4:
            cells.append(_markdown(f"{cell['id']}-end", ":::{solution-end}\n:::"))
            in_solution = False
        try:
            if caption := CAPTION.fullmatch(text):
                cells[-1] = page.with_caption(cells[-1], *caption.groups())
                continue
            if solved := SOLUTION.fullmatch(text):
                if solved[1] != exercise:
                    label, title = "ex-two-words", f"### Exercise {solved[1]} ★ Its title"
                    raise PlainError(
                        f"the exercise above is {exercise or 'none'} and not {solved[1]}, which "
                        f"begins with the lines '<a id=\"{label}\"></a>' and {title!r}"
                    )
                in_solution = True
                options = f":label: {label.replace('ex-', 'sol-', 1)}\n:class: dropdown"
                text = f":::{{solution-start}} {label}\n{options}\n:::"
            elif task := EXERCISE.fullmatch(text):
                label, exercise, title, statement = task.groups()
                statement, depth = page.boxes(statement)
                fence, options = ":" * (3 + depth), f":label: {label}\n:nonumber:"
                text = f"{fence}{{exercise}} {exercise}{title}\n{options}\n\n{statement}\n{fence}"
            cells.append(_markdown(cell["id"], page.block(text).rstrip(), cell["metadata"]))
        except PlainError as error:
            raise PlainError(f"chapters/{name}: {error}, in the cell {text[:60]!r}") from None
    return notebook | {"cells": cells}


def page_with_directives(text: str, name: str, folder: Path = CHAPTERS) -> str:
    """Return a page with directives and roles in the place of its plain Markdown.

    Parameters
    ----------
    text : str
        The page; one that has directives already stays as it is.
    name : str
        The name of its file.
    folder : pathlib.Path
        Where the other notebooks and pages of the book are.

    Raises
    ------
    PlainError
        If a box is not closed, or a link is not what it should be.
    """
    page = Page(name, folder, {})
    try:
        return page.glossary(text) if name == "glossary.md" else page.block(text)
    except PlainError as error:
        raise PlainError(f"chapters/{name}: {error}") from None


def _pictures(found: re.Match[str]) -> str:
    dark, light, width, alt = found.groups()
    return "\n\n".join(
        f"```{{image}} {file}\n:class: only-{look}\n:alt: {json.dumps(alt, ensure_ascii=False)}\n"
        f":width: {width}px\n```"
        for look, file in (("light", light), ("dark", dark))
    )


def _markdown(name: str, source: str, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": metadata or {}, "source": source}


class Page:
    """The way of a notebook or a page from plain Markdown to directives.

    Parameters
    ----------
    name : str
        The name of its file.
    folder : pathlib.Path
        Where the book's files are.
    own : dict
        What the website prints for the numbered things of this file.
    """

    def __init__(self, name: str, folder: Path, own: dict[str, str]):
        self.name = name
        self.folder = folder
        self.own = own

    def with_caption(self, cell: dict[str, Any], label: str, number: str, caption: str):
        """Return the cell of a figure with the caption from below it as MyST-NB wants it."""
        self.check(label, number)
        figure = {"name": label, "caption": self.inline(caption)}
        said = cell["metadata"].get("mystnb", {}) | {"figure": figure}
        return cell | {"metadata": cell["metadata"] | {"mystnb": said}}

    def block(self, text: str) -> str:
        """Return Markdown with its boxes, equations, labels and links as MyST writes them."""
        text, _ = self.boxes(text)
        text = EQUATION.sub(self._equation, text)
        text = PICTURE.sub(_pictures, text)
        text = re.sub(r'^<a id="([\w-]+)"></a>$', r"(\1)=", text, flags=re.MULTILINE)
        return self.inline(text)

    def glossary(self, text: str) -> str:
        """Return the glossary's page with its entries in a directive, which makes them terms."""

        def entry(found: re.Match[str]) -> str:
            names = NAME.findall(found[2])
            labels = "".join(f'<a id="term-{slug(name)}"></a>' for name in names)
            if found[1] != labels:
                raise PlainError(f"above {found[2]} must stand {labels}")
            return "\n".join([*names, f"  {self.inline(found[3])}"])

        head, first, rest = text.partition('<a id="term-')
        return f"{head}:::{{glossary}}\n{ENTRY.sub(entry, first + rest).rstrip()}\n:::\n"

    def inline(self, text: str) -> str:
        """Return Markdown with its links and citations as MyST writes them."""
        text = FIGURE_LINK.sub(r'<a href="\2.html\3">\1</a>', text)
        return CITATIONS.sub(self._citations, LINK.sub(self._link, text))

    def check(self, label: str, typed: str) -> None:
        """Raise if a number is not the one that the website prints."""
        if label not in self.own and label not in labels(self.folder):
            raise PlainError(f"nothing in the book has the label {label}")
        printed = self.own.get(label) or labels(self.folder)[label][1]
        if typed != printed:
            raise PlainError(f"{label} is {printed} and not {typed}")

    def boxes(self, text: str) -> tuple[str, int]:
        """Return Markdown with directives for its boxes, and how deep these are nested."""
        lines, depth, closed = self._boxes(iter(text.split("\n")))
        if closed:
            raise PlainError(f"{closed} closes nothing")
        return "\n".join(lines), depth

    def _boxes(self, lines) -> tuple[list[str], int, str]:
        found: list[str] = []
        deepest = 0
        for line in lines:
            if line in CLOSES:
                return found, deepest, line
            if opened := OPENS.fullmatch(line):
                inner, depth, closed = self._boxes(lines)
                if closed != ("</div>" if opened["kind"] else "</details>"):
                    raise PlainError(f"{line} is closed by {closed or 'nothing'}")
                fence = ":" * (3 + depth)
                body = self._directive(opened, "\n".join(inner).strip("\n"))
                found += [f"{fence}{body}", fence]
                deepest = max(deepest, depth + 1)
            else:
                found.append(line)
        return found, deepest, ""

    def _directive(self, opened: re.Match[str], text: str) -> str:
        kind, label = opened["kind"], opened["label"]
        if kind is None:
            return f"{{dropdown}} {opened['title']}\n{text}"
        if kind == "proof":
            return f"{{prf:proof}}\n{text.removeprefix('*Proof.* ')}"
        if kind == "bibliography":
            return "{bibliography}"
        if label is not None:
            stated = STATED.match(text)
            if not stated:
                raise PlainError(f"{label} must begin as in '**Theorem 2.1 (Its title).** '")
            self.check(label, stated[1])
            return f"{{prf:{kind}}} {stated[2]}\n:label: {label}\n{text[stated.end() :]}"
        title, _, text = text.partition("\n\n")
        if not re.fullmatch(r"\*\*.*\*\*", title):
            raise PlainError(f"a box needs a title as **Predict**, got {title!r}")
        return f"{{admonition}} {title[2:-2]}\n:class: {kind}\n{text}"

    def _equation(self, found: re.Match[str]) -> str:
        label, formula, number = found.groups()
        self.check(label, f"({number})")
        return f"\n\n$$\n{formula}\n$$ ({label})"

    def _link(self, found: re.Match[str]) -> str:
        text, file, label = found.groups()
        if label.startswith("term-"):
            term = terms(self.folder).get(label)
            if term is None:
                raise PlainError(f"the glossary has no {label}")
            return f"{{term}}`{term}`" if text == term else f"{{term}}`{text} <{term}>`"
        home, printed = labels(self.folder).get(label, (None, None))
        if home is None and label not in self.own:
            if file is None or file.endswith(".md"):
                return found[0]  # what MyST knows and we do not, it checks
            raise PlainError(f"nothing in the book has the label {label}")
        if (file or self.name) != (home or self.name):
            raise PlainError(f"{label} is in {home}, so the link must be {home}#{label}")
        if (printed or self.own.get(label)) and re.match(r"\(?(?:[A-Z][a-z]+ )?[\d.]+\)?$", text):
            self.check(label, text)
            role = {"eq": "eq", "fig": "numref"}.get(label.partition("-")[0], "prf:ref")
            return f"{{{role}}}`{label}`"
        return f"[{text}](#{label})"

    def _citations(self, found: re.Match[str]) -> str:
        keys = []
        for text, url in CITATION.findall(found[1]):
            if url not in works(self.folder):
                return found[0]
            key, cited = works(self.folder)[url]
            if text != cited:
                raise PlainError(f"{url} is cited as {cited} and not as {text}")
            keys.append(key)
        return f"{{cite:p}}`{','.join(keys)}`"


# The extension ---------------------------------------------------------------------------------


def read_plain(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give MyST what it knows as a notebook or a page is about to be read."""
    path = Path(app.env.doc2path(docname))
    try:
        if path.suffix == ".ipynb":
            notebook = json.loads(source[0])
            source[0] = json.dumps(with_directives(notebook, path.name, path.parent))
        elif path.suffix == ".md":
            source[0] = page_with_directives(source[0], path.name, path.parent)
    except PlainError as error:
        raise ExtensionError(str(error)) from None


def forget(app: Sphinx, *_: object) -> None:
    """Read the book's labels, terms and works anew at each build."""
    for known in (labels, terms, works):
        known.cache_clear()


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("env-before-read-docs", forget)
    app.connect("source-read", read_plain)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
