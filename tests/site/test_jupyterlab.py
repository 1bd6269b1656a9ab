"""In JupyterLab figures are live, links arrive, and looking or running changes no chapter."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from access import ROOT, program
from book_notebooks import labels

TOKEN = "for-this-test-only"
(CHAPTER,) = (path.name for path in (ROOT / "chapters").glob("02-*.ipynb"))
SHORT = "half-an-hour.ipynb"
CELLS = [
    "from adagrad_course.explorables import Race\nrace = Race(rotation=30)\nrace",
    "print('python reads', race.lr, race.x)",
    "race.rotation = 45",
    "race.lr = 'garbage'",
    "race.step = 2",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a notebook of the cells above, a chapter, and what `make lab` needs."""
    home = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, home / "race.ipynb")
    shutil.copytree(ROOT / "chapters", home / "chapters")
    for folder in ("lab", "tools"):
        shutil.copytree(ROOT / folder, home / folder)
    return home


@pytest.fixture(scope="module")
def lab(home):
    """A function that gives the address of a file in a JupyterLab that knows nothing else."""
    with jupyterlab(home) as open_notebook:
        yield open_notebook


@contextlib.contextmanager
def jupyterlab(home):
    """Start JupyterLab in a folder, without settings of this user; yield what gives addresses."""
    kept = home / ".jupyter"
    kept.mkdir()
    folders = {f"JUPYTER_{kind}_DIR": str(kept / kind.lower()) for kind in ("CONFIG", "RUNTIME")}
    folders |= {"JUPYTERLAB_WORKSPACES_DIR": str(kept / "workspaces")}
    folders |= {"JUPYTER_CONFIG_PATH": str(home / "lab")}  # as `make lab` says it
    log = (kept / "log").open("w")
    server = subprocess.Popen(
        [
            *(*program("jupyterlab.labapp"), "--no-browser", "--allow-root"),
            *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={home}"),
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ],
        env=os.environ | folders,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        url = address(server, kept)
        # A workspace each: JupyterLab opens again what was open in the one that it knows.
        yield lambda name: f"{url}lab/workspaces/{Path(name).stem}/tree/{name}?token={TOKEN}"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:  # it asks each kernel first
            server.kill()
            server.wait()
        log.close()


def address(server, kept):
    """Return where the server answers.

    It takes a port from 8888 on. One that is free at random may be a kernel's before it listens.
    """
    for _ in range(600):
        assert server.poll() is None, (kept / "log").read_text()
        for info in (kept / "runtime").glob("jpserver-*.json"):
            with contextlib.suppress(OSError, ValueError):  # not listening yet, or half written
                url = json.loads(info.read_text())["url"]
                urllib.request.urlopen(f"{url}api", timeout=5).close()
                return url
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start within a minute:\n{(kept / 'log').read_text()}")


def close_dialogs(tab):
    """Accept whatever JupyterLab asks in a window of its own, as on a busy machine."""
    dialog = tab.locator(".jp-Dialog")
    tab.add_locator_handler(dialog, lambda: dialog.locator(".jp-mod-accept").last.click())


@pytest.fixture
def tab(browser):
    """A tab in which JupyterLab is opened, with patience."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    close_dialogs(tab)
    yield tab
    context.close()


def save(tab, file):
    """Have JupyterLab save what it shows, and wait until it has."""
    written = file.stat().st_mtime_ns
    for _ in range(60):
        tab.keyboard.press("Control+s")
        tab.wait_for_timeout(500)
        if file.stat().st_mtime_ns != written:
            return
    pytest.fail("JupyterLab did not save")


def test_a_figure_is_live_and_python_and_page_follow_each_other(tab, lab):
    tab.set_viewport_size({"width": 1280, "height": 1400})
    wrongs = []
    tab.on("pageerror", lambda error: wrongs.append(str(error)))
    tab.goto(lab("race.ipynb"))
    cells = tab.locator(".jp-Notebook .jp-CodeCell")
    cells.nth(len(CELLS) - 1).wait_for()
    tab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()

    def run(i):
        prompt = cells.nth(i).locator(".jp-InputPrompt").first
        before = prompt.inner_text()
        for _ in range(60):  # a key is lost while JupyterLab still moves the focus elsewhere
            cells.nth(i).locator(".cm-content").click()
            tab.keyboard.press("Control+Enter")
            tab.wait_for_timeout(500)
            if prompt.inner_text() != before:
                return

    run(0)
    race = cells.nth(0).locator(".x-live")
    race.locator("> svg[viewBox]").wait_for()
    picture, words = race.locator("> svg > g").first, race.locator(".x-words")
    outputs = race.locator("output")
    assert outputs.all_inner_texts() == ["0.9", "50", "30°", "30"]

    # The page moves, Python reads. JupyterLab leaves the arrow keys to the figure.
    slider = race.get_by_label("learning rate η")
    slider.focus()
    for _ in range(3):
        tab.keyboard.press("ArrowUp")
    handle = race.locator("[role=slider]").first
    handle.focus()
    tab.keyboard.press("ArrowRight")
    assert handle.evaluate("e => e === document.activeElement")
    said = cells.nth(1).locator(".jp-OutputArea-output")
    for _ in range(60):  # ipywidgets holds a change back until Python is done with the one before
        run(1)
        said.get_by_text("python reads").wait_for()
        read, x = re.fullmatch(r"python reads (\S+) (\S+)", said.inner_text().strip()).groups()
        if float(read) == float(outputs.first.inner_text()) > 0.9 and float(x) > -4:
            break
    else:
        pytest.fail(f"Python reads {read}, {x}; the page shows {outputs.first.inner_text()}")

    # Python sets, the page moves.
    before = picture.inner_html()
    run(2)
    tab.wait_for_function("e => e.textContent === '45°'", arg=outputs.nth(2).element_handle())
    assert picture.inner_html() != before
    assert race.get_by_label("rotation").input_value() == "45"

    run(3)
    error = cells.nth(3).locator(".jp-OutputArea-output")
    error.get_by_text("lr must be a number from 0.01 to 3, not 'garbage'").last.wait_for()
    assert float(outputs.first.inner_text()) == float(read), "a wrong value has changed the page"
    run(4)
    words.get_by_text("After 2 steps").wait_for()
    assert wrongs == []


def test_a_chapter_that_is_saved_unchanged_stays_as_it_was(tab, lab, home):
    chapter = home / "chapters" / CHAPTER
    before = chapter.read_bytes()
    tab.goto(lab(f"chapters/{CHAPTER}"))
    tab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    tab.locator(".jp-Notebook h1").first.click()
    tab.keyboard.press("ArrowLeft")  # a heading that is collapsed, as a reader may leave it
    save(tab, chapter)
    assert chapter.read_bytes() == before


def test_a_chapter_that_is_only_opened_is_not_called_unsaved_and_nobody_asks_for_news(tab, lab):
    tab.goto(lab(f"chapters/{CHAPTER}"))
    tab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    tab.wait_for_timeout(2000)  # until the kernel has said which Python it is
    assert tab.locator(".lm-DockPanel-tabBar .jp-mod-dirty").count() == 0
    assert tab.get_by_text("Jupyter news").count() == 0


BAR = """\
import sys
from tqdm import tqdm
for _ in tqdm(range(3), leave=False): pass
print("a warning" if WARNS else "", file=sys.stderr)
print("done")"""


def test_a_progress_bar_leaves_nothing_and_a_warning_stays(tab, lab, home):
    cells = [nbformat.v4.new_code_cell(BAR.replace("WARNS", w)) for w in ("False", "True")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), home / "bar.ipynb")
    tab.goto(lab("bar.ipynb"))
    tab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    done = tab.get_by_text("done", exact=True)
    for _ in range(30):  # nothing runs while the kernel still starts
        tab.get_by_role("menuitem", name="Run", exact=True).click()
        tab.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        tab.wait_for_timeout(2000)
        if done.count() == 2:
            break
    shown = tab.locator("[data-mime-type='application/vnd.jupyter.stderr']:visible")
    shown.get_by_text("a warning").wait_for()
    for _ in range(50):  # what is wiped is hidden when it has come
        if shown.count() == 1:
            break
        tab.wait_for_timeout(100)
    assert [text.strip() for text in shown.all_inner_texts()] == ["a warning"]


# One label of each kind, each in CHAPTER; the last two stand in folded parts.
KINDS = {
    "a section": r"sec-rotation",
    "an exercise": r"ex-regret",
    "an equation": r"eq-adagrad",
    "a figure": r"fig-\S+",
    "a theorem": r"thm-adagrad",
    "a folded lemma": r"lem-factor-two",
}


@pytest.fixture(scope="module")
def links(home):
    """A notebook beside the chapters with a link of each kind, and what each leads to."""
    found = {kind: next(n for n in LABELS if re.fullmatch(p, n)) for kind, p in KINDS.items()}
    ends = {kind: f"{CHAPTER}#{label}" for kind, label in found.items()}
    ends |= {"a term": "glossary.md#term-regret", "in the notebook": "#sec-here"}
    text = "\n\n".join(f"[{kind}]({end})" for kind, end in ends.items())
    cells = [text, *["."] * 60, '<a id="sec-here"></a>\n## Here', *["."] * 60]
    cells = [nbformat.v4.new_markdown_cell(source) for source in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), home / "chapters" / "links.ipynb")
    return ends


LABELS = [label for label, (file, _) in labels().items() if file == CHAPTER]
ARRIVED = """label => {
    const targets = [...document.querySelectorAll(`[data-jupyter-id="${label}"]`)];
    return targets.some((target) => {
        const { top } = target.getBoundingClientRect();
        return target.checkVisibility() && top >= 0 && top < innerHeight;
    });
}"""


def test_a_link_of_each_kind_arrives_also_in_what_is_folded(tab, lab, links):
    wrongs = []
    tab.on("pageerror", lambda error: wrongs.append(str(error)))
    tab.goto(lab("chapters/links.ipynb"))
    for kind, end in links.items():
        file, _, label = end.partition("#")
        tab.locator(".lm-TabBar-tab", has_text="links.ipynb").first.click()
        tab.locator(".jp-Notebook:visible a", has_text=kind).first.click()
        tab.wait_for_function(ARRIVED, arg=label)
        shown = tab.locator(".lm-DockPanel-tabBar .jp-mod-current").inner_text()
        assert shown.strip() == (file or "links.ipynb"), kind
    assert wrongs == []


def test_all_cells_run_and_nothing_answers_for_the_reader(tab, lab, home):
    chapter = home / "chapters" / SHORT
    before = chapter.read_bytes()
    tab.goto(lab(f"chapters/{SHORT}"))
    tab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    solved = re.findall(r'"# Solution of (\d\.\d)', before.decode())
    said = [tab.get_by_text(f"{number}: not attempted yet") for number in solved]
    said[-1].wait_for(state="attached")  # as it is stored: the last cells are there
    for menu, command in [("Edit", "Clear Outputs of All Cells"), ("Run", "Run All Cells")]:
        tab.get_by_role("menuitem", name=menu, exact=True).click()
        tab.get_by_role("menuitem", name=command, exact=True).click()
        if menu == "Edit":
            said[-1].wait_for(state="detached")
    for check in said:  # what is under each exercise does not say that it is solved
        check.wait_for(state="attached", timeout=180_000)
    tab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    passed = tab.get_by_text(re.compile(r"^0\.\d: all \d+ checks passed"))
    assert not any(text.is_visible() for text in passed.all()), "a solution is unfolded"
    assert tab.locator(".jp-OutputArea-output[data-mime-type*=error]").count() == 0
    save(tab, chapter)
    assert chapter.read_bytes() == before, "what JupyterLab ran is not what `make refresh` ran"
