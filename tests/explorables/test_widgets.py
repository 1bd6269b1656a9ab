"""The Python side: the settings of the scripts, errors for what does not fit, one module each."""

import inspect
import json
import math
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import book_site
import numpy as np
import pytest
from in_node import FOLDER
from traitlets import TraitError

from adagrad_course.explorables import FrequentAndRare, MemoryCalculator, Race, WhyTheRoot
from adagrad_course.plots import STYLES

ROOT = Path(__file__).resolve().parents[2]
WIDGET = "application/vnd.jupyter.widget-view+json"
KINDS = ["race", "root", "features", "arrive", "follow", "memory"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_widget_has_the_settings_of_its_figure(figures, classes, kind):
    assert sorted(figures) == sorted(classes) == sorted(KINDS)
    specs, widget = figures[kind]["settings"], classes[kind]()
    assert sorted(widget.traits(setting=True)) == sorted(specs)
    help_ = inspect.getdoc(classes[kind])
    assert help_.partition("\n")[0] == figures[kind]["about"]
    for name, spec in specs.items():
        assert getattr(widget, name) == spec["default"], name
        assert f"\n{name} : " in help_
        assert spec["help"] in " ".join(help_.split())
        for ends in {"min", "max"} & spec.keys():
            setattr(widget, name, spec[ends])
            assert getattr(widget, name) == spec[ends]
        for option in spec.get("options", ()):
            setattr(widget, name, option)
            assert getattr(widget, name) == option


@pytest.mark.parametrize("kind", KINDS)
def test_every_default_fits_and_every_setting_is_explained(js, figures, kind):
    specs = figures[kind]["settings"]
    defaults = {name: spec["default"] for name, spec in specs.items()}
    (cleaned,) = js("clean(FIGURES[it[0]].settings, it[1])", [[kind, defaults]])
    assert cleaned == {"state": defaults, "note": ""}
    assert all(spec["label"] and spec["help"] for spec in specs.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_says_every_setting_and_is_read_back(js, figures, kind):
    specs = figures[kind]["settings"]
    settings = {}
    for name, spec in specs.items():
        if "options" in spec:
            settings[name] = list(spec["options"])[-1]
        elif "list" in spec:
            settings[name] = [0.4, 0.3, 0.2, 0.1]
        else:
            settings[name] = spec["max"]
    ((state, note),) = js(
        "((s) => [s.state, s.note])(clean(FIGURES[it[0]].settings, parse(write(it[1]))))",
        [[kind, settings]],
    )
    assert state == settings
    assert note == ""


GARBAGE = [None, "", "abc", "0x", float("nan"), math.inf, -math.inf, -1e9, 1e99, [], {}, "<b>x</b>"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_fit_is_an_error_and_changes_nothing(classes, kind):
    for name, trait in classes[kind].class_traits(setting=True).items():
        garbage = [g for g in GARBAGE if not (g is None and name == "shares")]
        widget = classes[kind]()
        for given in [*garbage, True, *([1.5] if isinstance(trait.default_value, int) else [])]:
            message = f"^{name} must be .*, not {re.escape(repr(given))}$"
            with pytest.raises(TraitError, match=message):
                classes[kind](**{name: given})
            with pytest.raises(TraitError, match=message):
                setattr(widget, name, given)
            with pytest.raises(TraitError, match=message):
                widget.set_state({name: given})  # as the browser sends it
            assert getattr(widget, name) == trait.default_value


def test_numbers_of_other_types_are_taken():
    race = Race(lr=np.float32(0.5), ratio=7, step=np.int64(3))
    assert [(type(v), v) for v in (race.lr, race.ratio, race.step)] == [
        (float, 0.5),
        (float, 7.0),
        (int, 3),
    ]
    assert type(Race(step=3.0).step) is int


@pytest.mark.parametrize("kind", KINDS)
def test_garbage_in_a_link_gives_the_default_and_a_note(js, figures, kind):
    specs = figures[kind]["settings"]
    links = [(n, g) for n in specs for g in ("", "abc", "NaN", "Infinity", "-1e9", "1e99", "<b>")]
    results = js(
        "((s) => [s.state, s.note])(clean(FIGURES[it[0]].settings, parse(`${it[1]}=${it[2]}`)))",
        [[kind, name, garbage] for name, garbage in links],
    )
    for (name, garbage), (state, note) in zip(links, results, strict=True):
        assert state == {key: spec["default"] for key, spec in specs.items()}, (name, garbage)
        assert note.startswith(f"{name} must be ")
        assert "the default is shown" in note


@pytest.mark.parametrize(
    "link", ["nonsense", "=", "a=b=c", ",,,", "__proto__=1", "constructor=2", "%F0%28", "=1,=2"]
)
def test_a_link_that_makes_no_sense_changes_nothing(js, figures, link):
    ((state, note),) = js(
        "((s) => [s.state, s.note])(clean(FIGURES.race.settings, parse(it)))",
        [link],
    )
    assert state == {name: spec["default"] for name, spec in figures["race"]["settings"].items()}
    assert bool(note) == (link != ",,,")


@pytest.mark.parametrize("kind", KINDS)
def test_scripts_and_widgets_complain_in_the_same_words(js, figures, classes, kind):
    for name in figures[kind]["settings"]:
        (note,) = js("clean(FIGURES[it[0]].settings, { [it[1]]: 'abc' }).note", [[kind, name]])
        with pytest.raises(TraitError) as error:
            classes[kind](**{name: "abc"})
        allowed, _, given = str(error.value).partition(", not ")
        assert given == "'abc'"
        assert note == f"{allowed}, not “abc”: the default is shown."


def test_shares_are_four_with_the_sum_one():
    assert WhyTheRoot(shares=(0.4, 0.3, 0.2, 0.1)).shares == [0.4, 0.3, 0.2, 0.1]
    for wrong in (
        [0.5, 0.5],
        [0.4, 0.3, 0.2, 0.2],
        [1.1, -0.1, 0, 0],
        [0.5, 0.3, 0.2, 0],
        [0.25, 0.25, 0.25, "x"],
    ):
        with pytest.raises(TraitError, match="4 positive shares with the sum 1, not "):
            WhyTheRoot(shares=wrong)


def test_help_names_the_settings(classes):
    assert str(inspect.signature(FrequentAndRare)) == "(*, often=0.5, rare=0.04, step=200)"
    for widget in classes.values():
        assert sorted(inspect.signature(widget).parameters) == sorted(
            widget.class_traits(setting=True)
        )


def test_an_unknown_setting_is_an_error_that_names_the_known():
    message = "^Race has the settings lr, ratio, rotation, step, x, y, not 'speed'$"
    with pytest.raises(TraitError, match=message):
        Race(speed=3)
    race = Race()
    with pytest.raises(TraitError, match=message):
        race.speed = 3
    with pytest.raises(TraitError, match=message.replace("speed", "layout")):
        Race(layout={})


def test_what_is_stored_is_the_same_every_time_and_needs_no_kernel():
    bundles = [MemoryCalculator(rows=10**6, optimizer="Adam")._repr_mimebundle_()[0] for _ in "ab"]
    models = {bundle.pop(WIDGET)["model_id"] for bundle in bundles}
    assert len(models) == 2
    assert bundles[0] == bundles[1]
    assert bundles[0].keys() == {"text/plain", "text/html"}
    assert bundles[0]["text/plain"] == "MemoryCalculator(optimizer='Adam')"
    _, kind, settings = book_site.EXPLORABLE.fullmatch(bundles[0]["text/html"]).groups()
    assert (kind, settings) == ("memory", "optimizer=Adam")


def test_stored_settings_are_read_as_they_were_written(js):
    widgets = [Race(lr=0.1 + 0.2, step=3), WhyTheRoot(shares=[0.7, 0.1, 0.1, 0.1])]
    links = [book_site.EXPLORABLE.match(w._repr_html_())[3] for w in widgets]
    assert links == ["lr=0.3,step=3", "shares=0.7_0.1_0.1_0.1"]
    states = js(
        "clean(FIGURES[it[0]].settings, parse(it[1])).state",
        [["race", links[0]], ["root", links[1]]],
    )
    assert (states[0]["lr"], states[0]["step"]) == (0.3, 3)
    assert states[1]["shares"] == [0.7, 0.1, 0.1, 0.1]


def test_the_figures_have_the_optimizers_colours_and_lines():
    css = Race._css
    found = dict(re.findall(r"\.explorable \.(\w+) \{ --c: (#\w+);", css))
    colours = {name: look["color"].lower() for name, look in STYLES.items()}
    assert found.items() <= colours.items()
    # Whatever an optimizer's name is written on has its colour.
    drawn = {"SGD", "AdaGrad", "RMSProp", *MemoryCalculator.optimizer.spec["options"]}
    assert drawn & colours.keys() <= found.keys()
    dashes = dict(re.findall(r"\.explorable \.(\w+) \{ --c: #\w+; --dash: ([^;]+);", css))
    assert dashes["AdaGrad"] == "none"
    assert STYLES["AdaGrad"]["linestyle"] == "-"
    assert len(set(dashes.values())) == len(dashes) == 3


# What a browser does with a widget's module, as far as that needs no document.
USE = """
import { pathToFileURL } from "node:url";
const module = await import(pathToFileURL(process.argv[1]));
const { figure } = module;
const settings = JSON.parse(process.argv[2]);
figure.settings = settings;
const state = module.clean(settings, {}).state;
const { scene } = figure.draw(state, figure.simulate(state), 600);
process.stdout.write(`${typeof module.default.render} ${scene.length > 1000}`);
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_widgets_script_is_one_module_that_imports_nothing(figures, classes, kind, tmp_path):
    module = tmp_path / "widget.mjs"
    module.write_text(classes[kind]._esm, encoding="utf-8")
    assert "import " not in re.sub("//.*", "", classes[kind]._esm)
    settings = json.dumps(figures[kind]["settings"])
    done = subprocess.run(
        [book_site.find_node(), "--input-type=module", "-e", USE, str(module), settings],
        capture_output=True,
        text=True,
    )
    assert done.stdout == "function true", done.stderr


def test_an_installed_package_has_all_files_of_the_figures():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["adagrad_course"]
    packed = {path for pattern in patterns for path in FOLDER.parent.glob(pattern)}
    assert {path for path in FOLDER.iterdir() if path.suffix != ".py" and path.is_file()} <= packed


def test_python_hears_of_a_change():
    heard = []
    widget = FrequentAndRare()
    widget.observe(lambda change: heard.append(change["new"]), "rare")
    widget.set_state({"rare": 0.1})  # as the browser sends it
    widget.rare = 0.2
    assert heard == [0.1, 0.2]


def test_a_missing_anywidget_is_explained():
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "import adagrad_course\n"
        "try: import adagrad_course.explorables\n"
        "except ImportError as error: print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == (
        "The interactive figures need anywidget: pip install 'path/to/the/copy[widgets]', "
        "with the path of your copy of the book's repository\n"
    )
