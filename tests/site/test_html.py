"""What can be said of the built site without a browser."""

import json
import re
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import book_site
import pytest
import sphinxcontrib.katex as katex
from access import TITLE

import adagrad_course
from adagrad_course.plots import STYLES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def chapters(pages):
    found = [page for name, page in pages.items() if re.match(r"chapters/(\d|half)", name)]
    assert found
    return found


def test_the_site_has_the_pages_of_the_table_of_contents_and_no_others(pages):
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    listed = [f"{file}.html" for file in re.findall(r"(?:root|file): (.+)", toc)]
    assert sorted(pages) == sorted([*listed, "404.html", "index.html", "search.html"])


def test_a_page_says_what_it_is(pages, page):
    (description,) = pages[page].meta("description")
    assert 20 < len(description) <= 170, (
        f"{page} is found by its first sentences, or by a `description:` at the top of a Markdown "
        f"page, in 21 to 170 characters: {description!r}"
    )
    title = re.search("<title>(.*)</title>", pages[page].path.read_text(encoding="utf-8"))[1]
    assert TITLE in title


def test_a_chapter_has_the_number_of_its_file(pages):
    for name, page in pages.items():
        if found := re.match(r"chapters/0*([1-9]\d*)-", name):
            html = page.path.read_text(encoding="utf-8")
            numbers = re.findall(r'<h\d><span class="section-number">(\d+)\.', html)
            numbers += re.findall(r'class="caption-number">\D*(\d+)\.', html)
            assert set(numbers) == {found[1]}, (
                f"its place in _toc.yml gives {name} the numbers {sorted(set(numbers))}"
            )


def test_descriptions_differ(pages):
    descriptions = [
        page.meta("description")[0] for name, page in pages.items() if name != "index.html"
    ]
    assert len(set(descriptions)) == len(descriptions)


def test_the_root_leads_to_the_first_page(pages):
    assert pages["index.html"].meta("refresh") == ["0; url=chapters/welcome.html"]


def test_the_security_policy_is_strict():
    rules = dict(rule.split(" ", 1) for rule in book_site.CONTENT_SECURITY_POLICY.split("; "))
    assert rules["default-src"] == rules["object-src"] == rules["base-uri"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == rules["form-action"] == "'self'"


def test_every_page_has_the_security_policy_and_needs_no_exception(pages):
    for page in pages.values():
        assert page.meta("Content-Security-Policy") == [book_site.CONTENT_SECURITY_POLICY]
        tags = [tag for tag, _ in page.elements]
        # Placed before whatever it is to govern.
        policy = next(i for i, (_, a) in enumerate(page.elements) if "http-equiv" in a)
        assert {"script", "link", "style"}.isdisjoint(tags[:policy])
        assert "inline script" not in tags
        assert not [a for _, a in page.elements if any(key.startswith("on") for key in a)]
        assert not [url for url in page.all("*", "href") if url.startswith("javascript:")]


def test_nothing_is_loaded_from_another_host(pages, page):
    page = pages[page]
    links = [a["href"] for tag, a in page.elements if tag == "link" and a["rel"] != "canonical"]
    loaded = [*page.all("*", "src"), *links, *page.all("object", "data")]
    assert loaded
    assert [url for url in loaded if urlsplit(url).netloc] == []


def test_stylesheets_find_their_fonts_and_pictures(pages, site):
    sheets = {
        (page.path.parent / urlsplit(url).path).resolve()
        for page in pages.values()
        for url in page.all("link", "href")
        if urlsplit(url).path.endswith(".css")
    }
    assert sheets == {site / "_static" / "style" / "style.css"}
    for sheet in sheets:
        css = sheet.read_text(encoding="utf-8")
        for url in re.findall(r"url\(['\"]?(?!data:|#)([^'\")]+)", css):
            assert (sheet.parent / urlsplit(url).path).is_file(), f"{sheet.name}: {url}"


def test_internal_links_lead_somewhere(pages):
    anchors = {name: {"", *page.all("*", "id")} for name, page in pages.items()}
    for name, page in pages.items():  # an interactive figure opens at "#race" or at "#race:lr=1"
        anchors[name] |= {f"{figure}:" for figure in page.all("div", "data-explorable")}
    broken = []
    for name, page in pages.items():
        for href in page.all("a", "href"):
            path, anchor = urlsplit(urljoin(f"//book/{name}", href))[2::2]
            if urlsplit(href).netloc or href.startswith("mailto:"):
                continue
            target = unquote(path).lstrip("/")
            found = (
                re.sub("(?<=:).*", "", unquote(anchor)) in anchors[target]
                if target in anchors
                else (pages["index.html"].path.parent / target).is_file()
            )
            if not found:
                broken.append(f"{name} -> {href}")
    assert broken == []


def test_the_version_stands_at_the_foot_of_every_page(pages, page):
    html = pages[page].path.read_text(encoding="utf-8")
    footer = html[html.index('<footer class="bd-footer-content">') :]
    assert f">Version {adagrad_course.__version__}</p>" in footer


def test_ids_are_unique(pages, page):
    ids = pages[page].all("*", "id")
    assert sorted(ids) == sorted(set(ids))


def test_pictures_have_a_text(pages, page):
    for tag, attributes in pages[page].elements:
        if tag == "img" and "logo__image" not in attributes.get("class", ""):  # has its name beside
            assert attributes.get("alt", "").strip(), attributes["src"]


def test_formulas_are_rendered(pages, page):
    page = pages[page]
    assert "katex-error" not in page.path.read_text(encoding="utf-8")
    assert "mathjax" not in "".join(page.all("script", "src")).lower()
    assert not re.search(r"\\\(|\\\[|\$\$|\\begin\{", page.text)


def test_chapters_have_formulas(chapters):
    for page in chapters:
        assert page.all("math", "xmlns")


def test_no_markup_leaks_into_the_text(pages, page):
    leaks = re.findall(r":::|```|\{(?:prf:)?[a-z-]+\}`?|\[\w+\]\(|^#+ ", pages[page].text, re.M)
    assert leaks == []


def test_the_stylesheet_has_the_optimizers_colours():
    css = (ROOT / "site" / "book.css").read_text(encoding="utf-8")
    colours = {f"--c-{name.lower()}": look["color"].lower() for name, look in STYLES.items()}
    assert dict(re.findall(r"(--c-\w+): (#\w+);", css)) == colours


def test_katex_stylesheet_and_renderer_are_of_one_version(site):
    package = json.loads((ROOT / "site" / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "site" / "package-lock.json").read_text(encoding="utf-8"))
    dist = ROOT / "site" / "node_modules" / "katex" / "dist"
    assert package["dependencies"]["katex"] == katex.katex_version
    assert lock["packages"]["node_modules/katex"]["version"] == katex.katex_version
    assert (dist / "katex.min.js").read_bytes() == (
        Path(katex.__file__).with_name("katex.min.js").read_bytes()
    )
    copied = site / "_static" / "katex" / "katex.min.css"
    assert copied.read_bytes() == (dist / "katex.min.css").read_bytes()


@pytest.mark.parametrize("folder", ["site", "benchmarks"])
def test_the_lock_file_names_no_registry(folder):
    lock = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]


def test_the_buttons_lead_to_the_repository(chapters, site):
    repository = "https://github.com/example/adagrad"
    for chapter in chapters:
        links = chapter.all("a", "href")
        source = chapter.path.relative_to(site).with_suffix(".ipynb").as_posix()
        binder = f"https://mybinder.org/v2/gh/example/adagrad/main?urlpath=lab/tree/{source}"
        colab = f"https://colab.research.google.com/github/example/adagrad/blob/main/{source}"
        download = f"../_sources/{source}"
        assert {repository, f"{repository}/edit/main/{source}"} <= set(links)
        assert {binder, colab, download} <= set(links)
        assert any(link.startswith(f"{repository}/issues/new?") for link in links)
