"""The Python side: the same settings as in the script, and never a broken figure."""

import gzip
import inspect
import math
import re
import subprocess
import sys

import book_site
import pytest

from adagrad_course import explorables
from adagrad_course.explorables import FrequentAndRare, MemoryCalculator, Race, WhyTheRoot
from adagrad_course.plots import STYLES

WIDGET = "application/vnd.jupyter.widget-view+json"
KINDS = ["race", "root", "features", "arrive", "memory"]


@pytest.mark.parametrize("kind", KINDS)
def test_script_and_widget_have_the_same_settings(figures, classes, kind):
    assert sorted(figures) == sorted(classes) == sorted(KINDS)
    figure, traits = figures[kind], classes[kind].class_traits(setting=True)
    assert sorted(traits) == sorted(figure["settings"])
    assert set(figure["sliders"]) <= set(figure["settings"])
    for name, spec in figure["settings"].items():
        trait = traits[name]
        assert trait.default_value == spec["value"], name
        if "options" in spec:
            assert sorted(trait.options) == sorted(spec["options"])
        elif "list" not in spec:
            assert (trait.low, trait.high) == (spec["min"], spec["max"]), name
            assert trait.whole == spec.get("whole", False), name
    assert classes[kind].__doc__.partition("\n")[0] == figure["about"]


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
        "((s) => [s.state, s.note])(clean(it[0], parse(write(it[1]))))", [[kind, settings]]
    )
    assert state == settings
    assert note == ""


GARBAGE = [None, "", "abc", "0x", float("nan"), math.inf, -math.inf, -1e9, 1e99, [], {}, "<b>x</b>"]


@pytest.mark.parametrize("kind", KINDS)
def test_garbage_in_a_trait_gives_the_default_and_a_note(classes, kind):
    for name, trait in classes[kind].class_traits(setting=True).items():
        garbage = [g for g in GARBAGE if not (g is None and name == "shares")]
        for given in [*garbage, *([True, 1.5] if getattr(trait, "whole", False) else [])]:
            widget = classes[kind](**{name: given})
            assert getattr(widget, name) == trait.default_value
            assert f"{name} must be" in widget._note
            assert "the default is shown" in widget._note


@pytest.mark.parametrize("kind", KINDS)
def test_garbage_in_a_link_gives_the_default_and_a_note(js, figures, kind):
    specs = figures[kind]["settings"]
    links = [(n, g) for n in specs for g in ("", "abc", "NaN", "Infinity", "-1e9", "1e99", "<b>")]
    results = js(
        "((s) => [s.state, s.note])(clean(it[0], parse(`${it[1]}=${it[2]}`)))",
        [[kind, name, garbage] for name, garbage in links],
    )
    for (name, garbage), (state, note) in zip(links, results, strict=True):
        assert state == {key: spec["value"] for key, spec in specs.items()}, (name, garbage)
        assert note.startswith(f"{name} must be ")
        assert "the default is shown" in note


@pytest.mark.parametrize(
    "link", ["nonsense", "=", "a=b=c", ",,,", "__proto__=1", "constructor=2", "%F0%28", "=1,=2"]
)
def test_a_link_that_makes_no_sense_changes_nothing(js, figures, link):
    ((state, note),) = js(
        "((s) => [s.state, s.note])(clean('race', parse(it)))",
        [link],
    )
    assert state == {name: spec["value"] for name, spec in figures["race"]["settings"].items()}
    assert bool(note) == (link != ",,,")


def test_a_note_is_gone_when_its_setting_is_mended():
    race = Race(lr="abc", ratio=1000)
    assert "lr must be" in race._note
    assert "ratio must be" in race._note
    race.lr = 0.5
    assert race._note == ("ratio must be a number from 1 to 100, not 1000: the default is shown.")
    race.ratio = 20
    assert race._note == ""


def test_a_note_is_gone_also_when_its_setting_is_set_to_the_default():
    race = Race(lr="abc", step=2.5)
    race.lr, race.step = 0.9, 30
    assert race._note == ""


@pytest.mark.parametrize("kind", KINDS)
def test_script_and_widget_complain_in_the_same_words(js, figures, classes, kind):
    for name, spec in figures[kind]["settings"].items():
        if "options" not in spec:  # the widget names the default first
            (note,) = js("clean(it[0], { [it[1]]: 'abc' }).note", [[kind, name]])
            allowed, _, given = classes[kind](**{name: "abc"})._note.partition(", not ")
            assert given == "'abc': the default is shown."
            assert note == f"{allowed}, not “abc”: the default is shown."


def test_shares_are_four_with_the_sum_one():
    assert WhyTheRoot(shares=(0.4, 0.3, 0.2, 0.1)).shares == [0.4, 0.3, 0.2, 0.1]
    for wrong in ([0.5, 0.5], [0.4, 0.3, 0.2, 0.2], [1.1, -0.1, 0, 0], [0.25, 0.25, 0.25, "x"]):
        root = WhyTheRoot(shares=wrong)
        assert root.shares is None
        assert "4 positive shares with the sum 1" in root._note


def test_help_names_the_settings(classes):
    assert str(inspect.signature(FrequentAndRare)) == "(*, often=0.5, rare=0.04, step=200)"
    for widget in classes.values():
        assert sorted(inspect.signature(widget).parameters) == sorted(
            widget.class_traits(setting=True)
        )


def test_an_unknown_setting_is_an_error_that_names_the_known():
    with pytest.raises(TypeError, match=r"settings lr, ratio, rotation, step, x, y, got 'speed'"):
        Race(speed=3)


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
    states = js("clean(it[0], parse(it[1])).state", [["race", links[0]], ["root", links[1]]])
    assert (states[0]["lr"], states[0]["step"]) == (0.3, 3)
    assert states[1]["shares"] == [0.7, 0.1, 0.1, 0.1]


def test_the_figures_have_the_optimizers_colours_and_lines():
    css = explorables._STYLES
    found = dict(re.findall(r"\.explorable \.(\w+) \{ --c: (#\w+);", css))
    colours = {name: look["color"].lower() for name, look in STYLES.items()}
    assert found.items() <= colours.items()
    # Whatever an optimizer's name is written on has its colour.
    drawn = {"SGD", "AdaGrad", "RMSProp", *MemoryCalculator.optimizer.options}
    assert drawn & colours.keys() <= found.keys()
    dashes = dict(re.findall(r"\.explorable \.(\w+) \{ --c: #\w+; --dash: ([^;]+);", css))
    assert dashes["AdaGrad"] == "none"
    assert STYLES["AdaGrad"]["linestyle"] == "-"
    assert len(set(dashes.values())) == len(dashes) == 3


def test_all_figures_together_weigh_less_than_15_kb():
    sources = (explorables._SCRIPT, explorables._STYLES)
    weights = [len(gzip.compress(book_site.lighten(s).encode())) for s in sources]
    assert sum(weights) < 15_000, weights


def test_the_lighter_script_is_the_same_script(js, script, tmp_path):
    light = tmp_path / "light.js"
    light.write_text(book_site.lighten(explorables._SCRIPT), encoding="utf-8")
    ask = "[FIGURES, simulations[it[0]](it[1])]"
    settings = [["race", {"lr": 0.5, "ratio": 3, "rotation": 20, "x": 1, "y": 2}]]
    assert js(ask, settings, script=light) == js(ask, settings, script=script)


def test_python_hears_of_a_change(monkeypatch):
    heard = []
    widget = FrequentAndRare()
    widget.observe(lambda change: heard.append(change["new"]), "rare")
    widget.set_state({"rare": 0.1})  # as the browser sends it
    widget.set_state({"rare": "much"})
    assert heard == [0.1, 0.04]
    assert "rare must be" in widget._note


def test_a_missing_anywidget_is_explained():
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "import adagrad_course\n"
        "try: import adagrad_course.explorables\n"
        "except ImportError as error: print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == (
        "The interactive figures need anywidget: pip install 'adagrad-course[widgets]'\n"
    )
