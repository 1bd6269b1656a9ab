"""The scripts' numbers are the package's, PyTorch's or NumPy's, over random settings."""

import numpy as np
import pytest
from optional_torch import needs_torch, torch

from adagrad_course.bounds import hindsight_scaling
from adagrad_course.descent import descend
from adagrad_course.memory import training_bytes
from adagrad_course.objectives import Quadratic
from adagrad_course.online import MovingTarget, play
from adagrad_course.optimizers import SGD, AdaGrad, FullMatrixAdaGrad, RMSProp

EXACT = 1e-12


def close(got, expected, what=""):
    """Demand agreement to twelve digits of the largest number there is."""
    got, expected = np.array(got, float), np.array(expected, float)
    assert got.shape == expected.shape, what
    scale = np.nanmax(np.abs(expected), initial=1e-300)
    np.testing.assert_allclose(got, expected, rtol=EXACT, atol=EXACT * scale, err_msg=what)


def log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


# Each check asks the scripts for many settings at once and compares with Python. ---------------


def race(js):
    rng = np.random.default_rng(0)
    settings = [
        {
            "lr": log_uniform(rng, 0.01, 3),
            "ratio": log_uniform(rng, 1, 100),
            "rotation": rng.uniform(0, 90),
            "x": rng.uniform(-4.5, 4.5),
            "y": rng.uniform(-4.5, 4.5),
        }
        for _ in range(60)
    ]
    settings[0] |= {"rotation": 0, "y": 0}  # no gradient at all in one coordinate
    for given, got in zip(settings, js("FIGURES.race.simulate(it)", settings), strict=True):
        angle = np.deg2rad(given["rotation"])
        cos, sin = np.cos(angle), np.sin(angle)
        start = np.array([[cos, -sin], [sin, cos]]) @ [given["x"], given["y"]]
        bowl = Quadratic([2 / given["ratio"], 2.0], rotation=angle)
        close(got["start"], start)
        for method in (SGD, AdaGrad):
            run = descend(bowl, start, method(given["lr"]), steps=30)
            mine = got[method.__name__]
            rates = np.broadcast_to(run.effective_lrs, (30, 2))
            for name, expected in [
                ("points", run.points),
                ("losses", run.losses),
                ("rates", rates),
            ]:
                close(mine[name], expected, f"{method.__name__}'s {name} at {given}")


def share(js):
    rng = np.random.default_rng(1)
    settings = [
        {
            "unequal": rng.uniform(1, 4),
            "p": rng.uniform(0, 1),
            "shares": None if i % 2 else rng.dirichlet(np.ones(4)).tolist(),
        }
        for i in range(60)
    ]
    settings.append({"unequal": 3.0, "p": 0.5, "shares": None})
    results = js("FIGURES.root.simulate(it)", settings)
    for given, got in zip(settings, results, strict=True):
        gradients = np.diag(given["unequal"] ** np.arange(3.0, -1, -1))  # one round each
        G = (gradients**2).sum(axis=0)
        shares = given["shares"] or G ** given["p"] / (G ** given["p"]).sum()
        best = hindsight_scaling(gradients)
        close(got["lengths"], best)
        close(got["shares"], shares)
        close(got["cost"], (G / shares).sum() / (G / best).sum(), str(given))
        close(got["heights"], (best / shares) ** 2)
        assert got["cost"] >= 1 - EXACT
    close(results[-1]["cost"], 1)


def features(js):
    rng = np.random.default_rng(2)
    settings = [
        {"often": log_uniform(rng, 0.01, 1), "rare": log_uniform(rng, 0.01, 1)} for _ in range(40)
    ]
    settings.append({"often": 1, "rare": 0.01})
    for given, got in zip(settings, js("FIGURES.features.simulate(it)", settings), strict=True):
        for share, mine in zip(given.values(), got, strict=True):
            gradients = np.array(mine["events"], float)
            assert set(gradients) <= {0.0, 1.0}
            assert abs(gradients.sum() - 200 * share) <= 3, "it does not appear as often as said"
            optimizer = AdaGrad(lr=1.0)
            params, accumulators, rates = np.zeros(1), [], []
            state = optimizer.init(params)
            for g in gradients:
                params, state = optimizer.step(params, np.array([g]), state)
                accumulators.append(state.accumulator[0])
                rates.append(optimizer.effective_lr(state)[0])
            close(mine["accumulators"], accumulators)
            seen = np.cumsum(gradients) > 0
            assert [rate is not None for rate in mine["rates"]] == seen.tolist()
            close(np.array(mine["rates"])[seen], np.array(rates)[seen])


def travel(js):
    rng = np.random.default_rng(3)
    settings = [
        {
            "distance": log_uniform(rng, 0.1, 100),
            "lr": log_uniform(rng, 0.001, 1),
            "size": log_uniform(rng, 0.01, 100),
            "first": log_uniform(rng, 1, 100),
            "horizon": int(log_uniform(rng, 10, 150)),
        }
        for _ in range(12)
    ]
    arrivals = 0
    for given, got in zip(settings, js("FIGURES.arrive.simulate(it)", settings), strict=True):
        for optimizer in (SGD(given["lr"]), AdaGrad(given["lr"]), RMSProp(given["lr"])):
            method = type(optimizer).__name__
            w, state, travelled = np.zeros(1), optimizer.init(np.zeros(1)), [0.0]
            for t in range(given["horizon"]):
                g = -given["size"] * (given["first"] if t == 0 else 1)
                w, state = optimizer.step(w, np.array([g]), state)
                travelled.append(w[0])
            close(got[method]["travelled"], travelled, f"{method} at {given}")
            there = [t for t, far in enumerate(travelled) if far >= given["distance"]]
            assert got[method]["arrival"] == (there[0] if there else None)
            arrivals += bool(there)
    assert 0 < arrivals < 36


def follow(js):
    rng = np.random.default_rng(5)
    settings = [
        {
            "drift": log_uniform(rng, 0.001, 1),
            "lr": log_uniform(rng, 0.1, 10),
            "rounds": int(log_uniform(rng, 100, 400)),
        }
        for _ in range(12)
    ]
    crossings = 0
    for given, got in zip(settings, js("FIGURES.follow.simulate(it)", settings), strict=True):
        drift, best = given["drift"], got["best"]
        # The factor of the next error is least in the long run: no constant rate near it is better.
        settled = [(eta + drift**2 / eta) / (2 - eta) / 2 for eta in (best, 0.9 * best, 1.1 * best)]
        assert min(settled) == settled[0], given
        optimizer, square, other = AdaGrad(given["lr"]), drift**2, drift**2
        w, state, rates, errors, others = np.zeros(1), optimizer.init(np.zeros(1)), [], [], []
        for _ in range(given["rounds"]):
            w, state = optimizer.step(w, np.sqrt([square + 1]), state)
            (eta,) = optimizer.effective_lr(state)
            rates.append(eta)
            errors.append(square / 2)
            others.append(other / 2)
            square = (1 - eta) ** 2 * square + eta**2 + drift**2
            other = (1 - best) ** 2 * other + best**2 + drift**2
        for mine, expected in [("rates", rates), ("AdaGrad", errors), ("SGD", others)]:
            close(got[mine], expected, f"{mine} at {given}")
        below = [t for t, eta in enumerate(rates, 1) if eta <= best]
        assert got["crossing"] == (below[0] if below else None)
        near = [t for t, (a, b) in enumerate(zip(errors, others, strict=True), 1) if a <= 1.1 * b]
        assert got["until"] == (near[-1] if near else None)
        crossings += bool(below)
    assert 0 < crossings < 12


# How many numbers an optimizer's real state has, for a table of a given shape.
def torch_state(name, **options):
    def count(shape):
        param = torch.zeros(shape)
        param.grad = torch.ones_like(param)
        steps = getattr(torch.optim, name)([param], lr=0.1, **options)
        steps.step()
        state = steps.state[param].values()
        return sum(v.numel() for v in state if torch.is_tensor(v) and v.ndim == param.ndim)

    return count


REAL_STATES = {
    "SGD": torch_state("SGD"),
    "Momentum": torch_state("SGD", momentum=0.9),
    "AdaGrad": torch_state("Adagrad"),
    "Adam": torch_state("Adam"),
    "RowWiseAdaGrad": lambda shape: shape[0],  # the mean of a row's squares
    "SM3": sum,  # a number for each row and each column
    "FullMatrixAdaGrad": lambda shape: (
        FullMatrixAdaGrad(0.1).init(np.zeros(np.prod(shape))).outer.size
    ),
}
BYTES = {"float32": (4, 4), "bfloat16": (2, 2), "mixed": (2, 4)}


def memory(js):
    rng = np.random.default_rng(4)
    settings = [
        {
            "rows": int(rng.integers(1, 40)),
            "dimension": int(rng.integers(1, 8)),
            "gradients": gradients,
            "precision": precision,
            "ranks": int(rng.integers(1, 64)),
            "budget": log_uniform(rng, 1e-7, 1e-5),
        }
        for precision in BYTES
        for gradients in ("dense", "sparse")
        for _ in range(4)
    ]
    fitting = 0
    for given, got in zip(settings, js("FIGURES.memory.simulate(it)", settings), strict=True):
        shape = (given["rows"], given["dimension"])
        each, of_state = BYTES[given["precision"]]
        assert got.keys() == REAL_STATES.keys()
        for optimizer, count in REAL_STATES.items():
            weights, state = np.prod(shape) * each, count(shape) * of_state
            gradients = weights + (8 * shape[0] if given["gradients"] == "sparse" else 0)
            total, rank = weights + gradients + state, state / given["ranks"]
            expected = {"weights": weights, "gradients": gradients, "state": state}
            expected |= {"total": total, "rank": rank}
            fits = got[optimizer].pop("fits")
            assert got[optimizer] == pytest.approx(expected, rel=EXACT), (optimizer, given)
            assert fits == (weights + gradients + rank <= 1e9 * given["budget"])
            fitting += fits
    assert 0 < fitting < len(settings) * len(REAL_STATES)
    # A batch names at most 10,000 rows.
    large = {"rows": 10**6, "dimension": 64, "gradients": "sparse", "ranks": 1, "budget": 80}
    for precision, dtype in {"float32": "float32", "bfloat16": "bfloat16"}.items():
        (got,) = js("FIGURES.memory.simulate(it)", [large | {"precision": precision}])
        bytes_ = training_bytes("AdaGrad", [(10**6, 64)], dtype, touched_rows=10_000)
        mine = got["AdaGrad"]
        assert (mine["weights"], mine["gradients"], mine["state"]) == tuple(bytes_)


def name(value):
    return getattr(value, "__name__", value)


def with_torch(*checked):
    """Skip a check of the memory figure where there is no PyTorch to compare it with."""
    return pytest.param(*checked, marks=needs_torch if checked[0] is memory else ())


CHECKS = [race, share, features, travel, follow, memory]


@pytest.mark.parametrize("check", [with_torch(check) for check in CHECKS], ids=name)
def test_the_scripts_compute_what_python_computes(js, check):
    check(js)


@pytest.mark.parametrize(("drift", "lr"), [(0.03, 1.0), (0.1, 2.0), (0.3, 8.0)])
def test_expected_errors_are_those_of_games_that_are_played(js, drift, lr):
    (sim,) = js("FIGURES.follow.simulate(it)", [{"drift": drift, "lr": lr, "rounds": 1000}])
    rng = np.random.default_rng(6)
    targets = np.cumsum(drift * rng.standard_normal((1000, 2000)), axis=0)
    game = MovingTarget(targets, noise=1.0, rng=rng)
    for method, optimizer in (("AdaGrad", AdaGrad(lr)), ("SGD", SGD(sim["best"]))):
        played = (play(game, optimizer).points - targets) ** 2 / 2
        late = slice(500, None)
        assert np.mean(sim[method][late]) == pytest.approx(played[late].mean(), rel=0.02), method


# A check that cannot fail proves nothing: each of these mistakes must be noticed.
SPOIL = """
const given = (kind, wrong) => spoil(kind, (right, settings) => right(wrong(settings)));
const got = (kind, wrong) => spoil(kind, (right, settings) => wrong(right(settings)));
function spoil(kind, simulate) {
    const right = FIGURES[kind].simulate.bind(FIGURES[kind]);
    FIGURES[kind].simulate = (settings) => simulate(right, settings);
}
"""
MISTAKES = [
    (race, "METHODS.AdaGrad.next = (s, g) => s + g"),
    (race, "METHODS.AdaGrad.rate = (lr, s) => lr / Math.sqrt(s + 1e-10)"),
    (race, "METHODS.AdaGrad.rate = (lr, s) => lr / (Math.sqrt(s) + 1e-9)"),
    (race, "METHODS.SGD.rate = (lr) => -lr"),
    (race, "given('race', (s) => ({ ...s, rotation: s.rotation * (1 + 1e-8) }))"),
    (race, "got('race', (sim) => (sim.AdaGrad.rates.reverse(), sim))"),
    (share, "given('root', (s) => ({ ...s, p: s.p / 2 }))"),
    (share, "got('root', (sim) => ({ ...sim, heights: sim.heights.map(Math.sqrt) }))"),
    (share, "got('root', (sim) => ({ ...sim, cost: sim.cost * (1 + 1e-9) }))"),
    (features, "given('features', (s) => ({ often: 2 * s.often, rare: 2 * s.rare }))"),
    (features, "METHODS.AdaGrad.rate = (lr, s) => lr / s"),
    (travel, "METHODS.RMSProp.next = (s, g) => 0.9 * s + 0.1 * g * g"),
    (travel, "METHODS.RMSProp.rate = (lr, s) => lr / (Math.sqrt(s) + 1e-7)"),
    (travel, "given('arrive', (s) => ({ ...s, first: 1 }))"),
    (travel, "given('arrive', (s) => ({ ...s, distance: 1.2 * s.distance }))"),
    (follow, "METHODS.AdaGrad.next = (s, g) => s + g"),
    (follow, "given('follow', (s) => ({ ...s, drift: s.drift * (1 + 1e-8) }))"),
    (follow, "got('follow', (sim) => ({ ...sim, best: 1.2 * sim.best }))"),
    (follow, "got('follow', (sim) => ({ ...sim, crossing: sim.crossing && sim.crossing + 1 }))"),
    (follow, "got('follow', (sim) => ({ ...sim, until: sim.until - 1 }))"),
    (memory, "got('memory', (sim) => (sim.Adam.state /= 2, sim))"),
    (
        memory,
        "given('memory', (s) => ({ ...s, precision: s.precision.replace(/m.*/, 'bfloat16') }))",
    ),
    (memory, "given('memory', (s) => ({ ...s, ranks: 1 }))"),
    (memory, "given('memory', (s) => ({ ...s, gradients: 'dense' }))"),
    (memory, "given('memory', (s) => ({ ...s, budget: 80 }))"),
    (memory, "given('memory', (s) => ({ ...s, rows: Math.min(s.rows, 9000) }))"),
]


@pytest.mark.parametrize(("check", "mistake"), [with_torch(*m) for m in MISTAKES], ids=name)
def test_a_mistake_in_a_simulation_is_noticed(js, check, mistake):
    with pytest.raises(AssertionError):
        check(lambda expression, entries: js(expression, entries, first=SPOIL + mistake))
