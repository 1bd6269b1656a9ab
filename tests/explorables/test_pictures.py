"""Pictures and words, over corners and random settings: never broken, and true."""

import itertools
import re

import numpy as np
import pytest

from adagrad_course.memory import readable_bytes

KINDS = ["race", "root", "features", "arrive", "follow", "memory"]
DRAW = """((figure) => [figure.draw(it[1], figure.simulate(it[1]), it[2]),
                        figure.say(it[1], figure.simulate(it[1]))])(FIGURES[it[0]])"""
BROKEN = re.compile(r"NaN|undefined|Infinity|null|\[object|\de[+-]")  # the last is an exponent


def states(specs, rng, n=60):
    """Settings at all corners that matter, and random ones."""
    corners = []
    for spec in specs.values():
        if "options" in spec:
            corners.append(list(spec["options"]))
        elif "list" in spec:
            corners.append([None, [0.985, 0.005, 0.005, 0.005], [0.005, 0.005, 0.005, 0.985]])
        else:
            middle = [0] if spec["min"] < 0 else []
            corners.append([spec["min"], *middle, spec["max"]])
    every = list(itertools.product(*corners))
    for i in rng.permutation(len(every))[:n]:
        yield dict(zip(specs, every[i], strict=True))
    for _ in range(n):
        state = {}
        for name, spec in specs.items():
            if "options" in spec:
                state[name] = str(rng.choice(list(spec["options"])))
            elif "list" in spec:
                state[name] = None if rng.random() < 0.5 else rng.dirichlet(np.ones(4)).tolist()
            else:
                value = rng.uniform(spec["min"], spec["max"])
                state[name] = int(value) if spec.get("whole") else value
        yield state


@pytest.mark.parametrize("kind", KINDS)
def test_no_setting_breaks_a_picture(js, figures, kind):
    rng = np.random.default_rng(5)
    asked = [
        [kind, state, width]
        for state in states(figures[kind]["settings"], rng)
        for width in (288, 358, 648)
    ]
    for (_, state, width), (picture, words) in zip(asked, js(DRAW, asked), strict=True):
        scene = picture["scene"]
        assert not BROKEN.search(scene + words), (state, width)
        assert 100 < picture["height"] < 700
        assert words.endswith(".")
        for handle in picture["handles"]:
            assert 0 <= handle["x"] <= width
            assert handle["min"] <= handle["value"] <= handle["max"]
            assert handle["label"]
            assert handle["says"]


def said(js, kind, **settings):
    ask = """((figure, state) => figure.say(state, figure.simulate(state)))(
        FIGURES[it[0]], clean(FIGURES[it[0]].settings, it[1]).state)"""
    return js(ask, [[kind, settings]])[0]


def test_the_race_says_what_happened(js):
    limit = "η = 1.2 is above 1, the limit of the steepest direction."
    assert f"SGD diverges: {limit}" in said(js, "race", lr=1.2)
    assert "SGD zigzags" in said(js, "race")
    assert "zigzags" not in said(js, "race", lr=0.4)
    assert "diverges" not in said(js, "race", lr=1.2, y=0)  # nothing across the valley
    assert "two rates are nearly equal" in said(js, "race", rotation=45)
    assert "same mixture" not in said(js, "race", ratio=1)
    assert said(js, "race", step=0).endswith("Press Play.")


def test_the_race_says_nothing_that_is_false_where_there_is_no_valley_or_no_way(js):
    at_the_minimum = "Both start at the minimum: no gradient, no step."
    assert said(js, "race", x=0, y=0) == at_the_minimum
    assert said(js, "race", x=0, y=0, rotation=30) == at_the_minimum
    for round_or_across in ({"lr": 1, "ratio": 1}, {"lr": 0.97, "x": 0}):
        assert "SGD overshoots and has" in said(js, "race", **round_or_across)
    assert "SGD diverges" in said(js, "race", lr=1.2, y=0, ratio=1)
    assert "SGD zigzags" in said(js, "race", lr=1)
    # Two gradients of one size, each in a direction of its own.
    level = said(js, "race", x=4, y=0.08, step=1)
    assert "nearly equal" in level
    assert "mixture" not in level


@pytest.mark.parametrize(
    ("rows", "dimension"),
    [(1000, 1), (1700, 49), (249_874, 1), (249_875, 1), (249_900, 1), (10**6, 64), (10**9, 1024)],
)
def test_bytes_are_said_as_the_package_says_them(js, rows, dimension):
    words = said(js, "memory", rows=rows, dimension=dimension)
    weights = 4 * rows * dimension
    assert f": {readable_bytes(weights)} of weights" in words
    assert f"{readable_bytes(3 * weights)} in all" in words


def test_what_fits_into_the_budget_is_said(js):
    big = {"rows": 10**8, "dimension": 64}
    all_but_two = "Into 80 GB fit: SGD, Momentum, AdaGrad, row-wise AdaGrad, SM3."
    assert all_but_two in said(js, "memory", **big)
    assert "AdaGrad, Adam, row-wise" in said(js, "memory", **big, gradients="sparse")
    assert "AdaGrad, Adam, row-wise" in said(js, "memory", **big, ranks=2)
    assert "Nothing fits into 20 GB." in said(js, "memory", **big, budget=20)
    assert "2.64 MB of gradients" in said(js, "memory", gradients="sparse")


def budget_line(js, **settings):
    """Where the budget's line stands, as a share of the way to the longest bar's end, or None."""
    settings = {"rows": 10**8} | settings
    ask = """((figure, state) => [figure.draw(state, figure.simulate(state), 648).scene,
                                  figure.simulate(state)])(
        FIGURES[it[0]], clean(FIGURES[it[0]].settings, it[1]).state)"""
    ((scene, sim),) = js(ask, [["memory", settings]])
    found = re.search(r'<line x1="([\d.]+)"[^>]*class="goal"', scene)
    # The bars begin at 152; 1.12 times what Adam needs would end at 570.
    return found and (float(found[1]) - 152) / (570 - 152) * 1.12 * sim["Adam"]["total"]


def test_the_budget_is_drawn_to_the_scale_of_the_bars_where_it_is_in_sight(js):
    assert budget_line(js) == pytest.approx(80e9, rel=1e-3)
    assert budget_line(js, budget=30, precision="bfloat16") == pytest.approx(30e9, rel=2e-3)
    assert budget_line(js, budget=5000) is None


def test_the_shares_are_level_at_the_root_and_there_only(js):
    assert "the least possible: all columns are level" in said(js, "root", p=0.5)
    assert "times the least possible" in said(js, "root", p=0.6)
    assert "Column 4 is the highest: give it more." in said(js, "root", p=1)
    assert "level" in said(js, "root", p=0, unequal=1)


@pytest.mark.parametrize("settings", [{}, {"first": 20}, {"distance": 2, "size": 50}])
def test_the_steps_that_adagrad_would_need_are_about_right(js, settings):
    settings = {"distance": 4, "lr": 0.05, "size": 1} | settings
    words = said(js, "arrive", horizon=10, **settings)
    about = float(re.search(r"would need about ([\d,]+) steps", words)[1].replace(",", ""))
    (far,) = js("FIGURES.arrive.simulate(it)", [{"first": 1, "horizon": 10000} | settings])
    assert about == pytest.approx(far["AdaGrad"]["arrival"], rel=0.05)


def test_the_rates_ratio_is_the_root_of_the_counts(js):
    words = said(js, "features")
    times, m, n = re.search(r"is ([\d.]+) times A's, the root of (\d+)/(\d+)", words).groups()
    assert float(times) == pytest.approx((int(m) / int(n)) ** 0.5, rel=0.05)
    assert "no rate yet" in said(js, "features", rare=0.01, step=3)
    assert "Their rates are equal" in said(js, "features", often=1, rare=1)


def test_what_is_said_of_the_moving_target_is_what_is_computed(js):
    words = said(js, "follow")
    (sim,) = js("FIGURES.follow.simulate(it)", [{"drift": 0.1, "lr": 2, "rounds": 10000}])
    assert f"passes it in round {sim['crossing']:,}." in words
    assert f"until round {sim['until']:,} it was" in words
    times = float(re.search(r"error is ([\d.]+) times", words)[1])
    assert times == pytest.approx(sim["AdaGrad"][-1] / sim["SGD"][-1], rel=0.05)
    assert "has not yet fallen so low" in said(js, "follow", drift=0.001)
    assert "below it from the start" in said(js, "follow", drift=1, lr=0.2)
    assert "at most a tenth above that" in said(js, "follow", rounds=600)
