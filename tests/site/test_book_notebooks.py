"""Plain Markdown becomes what MyST knows; what the website would print otherwise is refused."""

import json
import re
from pathlib import Path

import book_notebooks
import nbformat
import pytest
from book_notebooks import PlainError, page_with_directives, with_directives

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"
REFERENCES = """\
@misc{zeiler2012adadelta,
  author = {Zeiler, Matthew D.}, title = {ADADELTA}, year = {2012}, note = {arXiv:1212.5701}
}
@article{defossez2022simple,
  author = {D{\\'e}fossez, Alexandre and Bottou, L{\\'e}on and Bach, Francis},
  title = {Simple}, year = {2022}, url = {https://example.org/simple}
}
@misc{consortium2002,
  author = {{The Consortium}}, title = {Data}, year = {2002},
  howpublished = {https://example.org/data, a file}
}
@misc{two2020,
  author = {One, A. and Two, B.}, title = {Both}, year = {2020}, doi = {10.1000/182}
}
"""
GLOSSARY = """\
# Glossary

<a id="term-regret"></a>
**regret**

What is lost, see [a rate](#term-learning-rate).

<a id="term-learning-rate"></a><a id="term-rate"></a>
**learning rate**, **rate**

The *size* of a step.
"""
OTHER = '<a id="sec-far"></a>\n## Far\n\nSo <a id="eq-far"></a>\n\n$$\nx \\tag{2.1}\n$$'


@pytest.fixture
def book(tmp_path):
    """A folder with a glossary, a bibliography and a notebook to refer to."""
    (tmp_path / "references.bib").write_text(REFERENCES, encoding="utf-8")
    (tmp_path / "glossary.md").write_text(GLOSSARY, encoding="utf-8")
    (tmp_path / "setup.md").write_text('<a id="sec-install"></a>\n## Install\n', encoding="utf-8")
    cells = [nbformat.v4.new_markdown_cell(OTHER)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "02-other.ipynb")
    return tmp_path


def directives(book, *texts):
    """Return the Markdown that MyST gets for cells with these texts in chapter 1."""
    cells = [nbformat.v4.new_markdown_cell(text) for text in texts]
    notebook = with_directives(nbformat.v4.new_notebook(cells=cells), "01-one.ipynb", book)
    return [cell["source"] for cell in notebook["cells"]]


CASES = {
    "a label": ('<a id="sec-x"></a>\n## Title', "(sec-x)=\n## Title"),
    "a dropdown": (
        "<details><summary>Is $a < b$?</summary>\n\nYes.\n\n</details>",
        ":::{dropdown} Is $a < b$?\nYes.\n:::",
    ),
    "a box in a box": (
        '<div class="predict">\n\n**Predict**\n\nHow?\n\n'
        "<details><summary>So</summary>\n\nYes.\n\n</details>\n\n</div>\n\nOn.",
        "::::{admonition} Predict\n:class: predict\nHow?\n\n"
        ":::{dropdown} So\nYes.\n:::\n::::\n\nOn.",
    ),
    "a theorem and its proof": (
        '<div class="theorem" id="thm-x">\n\n**Theorem 1.1 (All (or none)).** So.\n\n</div>\n\n'
        '<div class="proof">\n\n*Proof.* By [Theorem 1.1](#thm-x).\n\n</div>',
        ":::{prf:theorem} All (or none)\n:label: thm-x\nSo.\n:::\n\n"
        ":::{prf:proof}\nBy {prf:ref}`thm-x`.\n:::",
    ),
    "an equation": (
        'As <a id="eq-x"></a>\n\n$$\n\\begin{aligned}\nx &= 1\n\\end{aligned} \\tag{1.1}\n$$\n\n'
        "is, by [(1.1)](#eq-x) and [(2.1)](02-other.ipynb#eq-far),",
        "As\n\n$$\n\\begin{aligned}\nx &= 1\n\\end{aligned}\n$$ (eq-x)\n\n"
        "is, by {eq}`eq-x` and {eq}`eq-far`,",
    ),
    "links": (
        "[there](02-other.ipynb#sec-far), [how](setup.md#sec-install), [file](02-other.ipynb), "
        "[`G[i]`](02-other.ipynb#eq-far)",
        "[there](#sec-far), [how](#sec-install), [file](02-other.ipynb), [`G[i]`](#eq-far)",
    ),
    "terms": (
        "[regret](glossary.md#term-regret) and [Rates](glossary.md#term-learning-rate)",
        "{term}`regret` and {term}`Rates <learning rate>`",
    ),
    "citations": (
        "([Zeiler, 2012](https://arxiv.org/abs/1212.5701)), "
        "([Défossez et al., 2022](https://example.org/simple); "
        "[The Consortium, 2002](https://example.org/data); "
        "[One and Two, 2020](https://doi.org/10.1000/182)), ([elsewhere](https://example.org))",
        "{cite:p}`zeiler2012adadelta`, {cite:p}`defossez2022simple,consortium2002,two2020`, "
        "([elsewhere](https://example.org))",
    ),
    "a link to a figure's setting": (
        "[a race](02-other.ipynb#race:ratio=1,lr=0.95), [there](welcome.md#race:step=1)",
        '<a href="02-other.html#race:ratio=1,lr=0.95">a race</a>, '
        '<a href="welcome.html#race:step=1">there</a>',
    ),
    "a picture": (
        '<picture>\n  <source media="(prefers-color-scheme: dark)" srcset="d.png">\n'
        '  <img src="l.png" width="620" alt="A page: \'so\'.">\n</picture>',
        "```{image} l.png\n:class: only-light\n:alt: \"A page: 'so'.\"\n:width: 620px\n```\n\n"
        "```{image} d.png\n:class: only-dark\n:alt: \"A page: 'so'.\"\n:width: 620px\n```",
    ),
    "a bibliography": (
        '<div class="bibliography">\n\nIn a [file](references.bib).\n\n</div>',
        ":::{bibliography}\n:::",
    ),
    "what is MyST already": (
        ":::{note}\nSee {eq}`eq-x`.\n:::\n\n$$\nx\n$$ (eq-x)",
        ":::{note}\nSee {eq}`eq-x`.\n:::\n\n$$\nx\n$$ (eq-x)",
    ),
}


@pytest.mark.parametrize(("plain", "wanted"), CASES.values(), ids=CASES)
def test_plain_markdown_becomes_what_myst_knows(book, plain, wanted):
    assert directives(book, plain) == [wanted]


def test_an_exercise_ends_with_its_cell_and_a_solution_at_the_next_heading(book):
    cells = directives(
        book,
        '<a id="ex-half"></a>\n### Exercise 1.1 ★ Half\n\nHalve.\n\n'
        "<details><summary>How</summary>\n\nSo.\n\n</details>",
        "#### Solution of 1.1",
        "So.",
        "## Further reading",
    )
    assert cells == [
        "::::{exercise} 1.1 ★ Half\n:label: ex-half\n:nonumber:\n\nHalve.\n\n"
        ":::{dropdown} How\nSo.\n:::\n::::",
        ":::{solution-start} ex-half\n:label: sol-half\n:class: dropdown\n:::",
        "So.",
        ":::{solution-end}\n:::",
        "## Further reading",
    ]


def test_a_caption_goes_to_the_figure_above(book):
    plot = nbformat.v4.new_code_cell("plt.show()", metadata={"mystnb": {"image": {"alt": "A."}}})
    caption = nbformat.v4.new_markdown_cell('<a id="fig-x"></a>\n**Figure 1.1.** A *loss*.')
    before = nbformat.v4.new_notebook(cells=[plot, caption])
    (cell,) = with_directives(before, "01-one.ipynb", book)["cells"]
    figure = {"name": "fig-x", "caption": "A *loss*."}
    assert cell["metadata"] == {"mystnb": {"image": {"alt": "A."}, "figure": figure}}
    assert len(before.cells) == 2
    assert "figure" not in plot.metadata.mystnb


def test_half_an_hour_counts_without_a_chapter(book):
    assert book_notebooks.numbers('<a id="eq-x"></a>', "half-an-hour.ipynb") == {"eq-x": "(1)"}


def test_the_glossary_becomes_a_list_of_terms(book):
    assert page_with_directives(GLOSSARY, "glossary.md", book) == (
        "# Glossary\n\n:::{glossary}\n"
        "regret\n  What is lost, see {term}`a rate <learning rate>`.\n\n"
        "learning rate\nrate\n  The *size* of a step.\n:::\n"
    )


WRONG = {
    "<details><summary>So</summary>\n\nYes.": "is closed by nothing",
    "<details><summary>So</summary>\n\nYes.\n\n</div>": "is closed by </div>",
    "Yes.\n\n</details>": "closes nothing",
    '<div class="predict">\n\nHow?\n\n</div>': "a box needs a title",
    '<div class="lemma" id="lem-x">\n\nSo.\n\n</div>': "must begin as in",
    '<div class="lemma" id="lem-x">\n\n**Lemma 1.2 (A).** So.\n\n</div>': "is Lemma 1.1 and not",
    '<a id="eq-x"></a>\n\n$$\nx \\tag{1.7}\n$$': re.escape("eq-x is (1.1) and not (1.7)"),
    "[(2.2)](02-other.ipynb#eq-far)": re.escape("eq-far is (2.1) and not (2.2)"),
    "[far](#sec-far)": "the link must be 02-other.ipynb#sec-far",
    "[far](02-other.ipynb#sec-near)": "nothing in the book has the label sec-near",
    "[odd](glossary.md#term-odd)": "the glossary has no term-odd",
    "([Zeiler, 2011](https://arxiv.org/abs/1212.5701))": "cited as Zeiler, 2012 and not",
    "#### Solution of 1.2": "exercise above is none and not 1.2",
}


@pytest.mark.parametrize(("plain", "said"), WRONG.items(), ids=list(WRONG.values()))
def test_what_the_website_would_not_print_so_is_refused(book, plain, said):
    with pytest.raises(PlainError, match=said) as caught:
        directives(book, plain)
    assert str(caught.value).startswith("chapters/01-one.ipynb: ")


def test_a_term_without_its_label_is_refused(book):
    with pytest.raises(PlainError, match=r'above .*rate.* must stand <a id="term-learning-rate">'):
        page_with_directives(GLOSSARY.replace("term-rate", "term-rates"), "glossary.md", book)


def test_a_page_becomes_what_a_notebook_does(book):
    plain = (
        '---\ndescription: So.\n---\n<a id="sec-why"></a>\n## Why\n\n'
        '<div class="note">\n\n**Linux**\n\n[Far](02-other.ipynb#sec-far), [here](#sec-why), '
        "[by hand](setup.md#sec-install).\n\n</div>\n"
    )
    (book / "page.md").write_text(plain, encoding="utf-8")
    book_notebooks.labels.cache_clear()
    assert page_with_directives(plain, "page.md", book) == (
        "---\ndescription: So.\n---\n(sec-why)=\n## Why\n\n"
        ":::{admonition} Linux\n:class: note\n[Far](#sec-far), [here](#sec-why), "
        "[by hand](#sec-install).\n:::\n"
    )


def test_a_wrong_link_of_a_page_is_refused_by_its_name(book):
    with pytest.raises(PlainError, match=r"^chapters/page\.md: .* must be 02-other\.ipynb#sec-far"):
        page_with_directives("[far](#sec-far)", "page.md", book)


def test_a_work_without_an_address_is_refused(book):
    with (book / "references.bib").open("a") as file:
        file.write("@misc{nowhere, author = {A, B}, year = {2000}, title = {C}}\n")
    with pytest.raises(PlainError, match=r"nowhere in references\.bib needs a url"):
        book_notebooks.works(book)


@pytest.mark.parametrize("path", sorted(CHAPTERS.glob("*.[im]*")), ids=lambda path: path.stem)
def test_links_lead_to_files_and_labels_that_there_are(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = book_notebooks.prose(json.loads(text))
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", text)
    known = book_notebooks.labels(CHAPTERS).keys() | book_notebooks.terms(CHAPTERS).keys()
    for file, label in links:
        assert not file or (CHAPTERS / file).is_file(), file
        assert not label or ":" in label or label in known, label
