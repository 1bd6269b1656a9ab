"""Bad input, tried at every door of the package: the error names it, what it must be, what came."""

import functools
import inspect
import re
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from matplotlib.figure import Figure
from optional_torch import needs_torch, torch

from adagrad_course import claims, datasets, descent, objectives, online, sparse, tables
from adagrad_course._validate import (
    FEW,
    all_finite,
    instance,
    pair,
    positive,
    positive_int,
    real_array,
    share,
    whole_numbers,
)
from adagrad_course.bounds import (
    adagrad_bound,
    hindsight_scaling,
    sgd_bound,
    travel_bound,
    travel_budget,
)
from adagrad_course.datasets import digits, power_law_features
from adagrad_course.descent import argbest, descend, sweep
from adagrad_course.exercises import _trials, _values, machinery
from adagrad_course.objectives import (
    DoubleWell,
    Noisy,
    Plateau,
    Quadratic,
    Rosenbrock,
    Saddle,
    SoftmaxRegression,
    SteepStart,
    TwoLayerNetwork,
)
from adagrad_course.online import (
    LinearLosses,
    MovingTarget,
    hindsight_optimum,
    play,
)
from adagrad_course.optimizers import (
    SGD,
    AdaDelta,
    AdaGrad,
    AdaGradNorm,
    Adam,
    AdamW,
    Averaged,
    DoG,
    FTRLProximal,
    FullMatrixAdaGrad,
    Grafted,
    Momentum,
    Muon,
    Prodigy,
    RestartedAdaGrad,
    RMSProp,
    WindowedAdaGrad,
)
from adagrad_course.plots import figure_svg, level_curves, path, shades, style
from adagrad_course.sparse import OnlineSoftmax, row_step

BOWL = Quadratic([1.0, 4.0])
SOFTMAX = SoftmaxRegression([[0.0], [1.0], [2.0]], [0, 1, 1])
NETWORK = TwoLayerNetwork([[0.0], [1.0], [2.0]], [0, 1, 1], hidden=3)
STEEP = SteepStart([1.0, 4.0], distance=5.0)
RNG = np.random.default_rng(0)
RESTARTED = functools.partial(RestartedAdaGrad, every=2)
WINDOWED = functools.partial(WindowedAdaGrad, window=3)
ELEMENTWISE = [SGD, Momentum, AdaGrad, RMSProp, AdaDelta, Adam, RESTARTED, WINDOWED]
ELEMENTWISE += [AdamW, FTRLProximal]
KINDS_OF_OPTIMIZERS = [*ELEMENTWISE, AdaGradNorm, FullMatrixAdaGrad, DoG, Prodigy]
GRAFTED = Grafted(AdaGrad(0.1), SGD(0.1))
AVERAGED = Averaged(AdaGrad(0.1))
OPTIMIZERS = [*(kind(0.1) for kind in KINDS_OF_OPTIMIZERS), GRAFTED, AVERAGED]
PAIR = np.ones(2)
LOSSES = LinearLosses(np.ones((4, 2)), [1, -1, 1, 1], "hinge")
COLUMN = np.full((3, 1), 0.5)
RNG = np.random.default_rng(0)
DIGITS = digits().test.features, digits().test.labels
ONLINE = OnlineSoftmax(64, 10, SGD(1.0))
MOVING = MovingTarget(np.ones((4, 2)))
GAME = play(LOSSES, SGD(0.1))
examples = settings(max_examples=25)  # each of them is given to every argument


def refused(name, expected, given, call, *args):
    """Assert that the call is refused, by an error that says all three things."""
    with pytest.raises((TypeError, ValueError)) as caught:
        call(*args)
    # NumPy's own errors (broadcasting, casting, axes) are subclasses, or read otherwise.
    assert caught.type in (TypeError, ValueError)
    said = re.fullmatch(r"(.+?) must (.+), got (.+)", str(caught.value), re.DOTALL)
    assert said, caught.value
    assert said[1] == name
    assert expected in said[2]
    assert given in said[3]


AXES = Figure().subplots()  # nothing is ever drawn on them


# One line per argument that takes an array: where it goes in, by the name the message must use.
ARRAYS = [
    *(("params", opt.init) for opt in OPTIMIZERS),
    *(("params", lambda v, o=opt: o.step(v, PAIR, o.init(PAIR))) for opt in OPTIMIZERS),
    *(("grads", lambda v, o=opt: o.step(PAIR, v, o.init(PAIR))) for opt in OPTIMIZERS),
    *(("lr", kind) for kind in KINDS_OF_OPTIMIZERS),
    ("lr(1)", lambda v: SGD(lambda t: v).step(PAIR, PAIR, SGD(1).init(PAIR))),
    ("lr(1)", lambda v: descend(BOWL, PAIR, SGD(lambda t: v), 1)),
    ("lr(1)", lambda v: OnlineSoftmax(2, 3, SGD(lambda t: v))),
    ("lr(1)", lambda v: row_step(SGD(lambda t: v), PAIR, [0], [1], SGD(1).init(PAIR))),
    ("momentum", lambda v: Momentum(0.1, v)),
    *(
        (name, lambda v, kind=kind, name=name: kind(0.1, **{name: v}))
        for kind in (AdaGrad, AdaGradNorm, RESTARTED)
        for name in ("eps", "initial_accumulator_value")
    ),
    *(
        ("eps", lambda v, kind=kind: kind(0.1, eps=v))
        for kind in (WINDOWED, RMSProp, AdaDelta, Adam)
    ),
    *(("rho", lambda v, kind=kind: kind(0.1, rho=v)) for kind in (RMSProp, AdaDelta)),
    *(("betas[0]", lambda v, kind=kind: kind(0.1, (v, 0.9))) for kind in (Adam, AdamW, Prodigy)),
    *(("betas[1]", lambda v, kind=kind: kind(0.1, [0.9, v])) for kind in (Adam, AdamW, Prodigy)),
    *(("eps", lambda v, kind=kind: kind(0.1, eps=v)) for kind in (FTRLProximal, DoG, Prodigy)),
    ("weight_decay", lambda v: AdamW(0.1, weight_decay=v)),
    ("l1", lambda v: FTRLProximal(0.1, l1=v)),
    ("l2", lambda v: FTRLProximal(0.1, l2=v)),
    ("reps_rel", lambda v: DoG(reps_rel=v)),
    ("d0", lambda v: Prodigy(d0=v)),
    ("lr", Muon),
    ("momentum", lambda v: Muon(0.1, v)),
    ("curvatures", Quadratic),
    ("rotation", lambda v: Quadratic([1.0, 4.0], rotation=v)),
    ("tilt", DoubleWell),
    ("noise", lambda v: Noisy(BOWL, v)),
    ("features", lambda v: SoftmaxRegression(v, [0, 1])),
    ("labels", lambda v: SoftmaxRegression([[0.0], [1.0]], v)),
    ("features", lambda v: TwoLayerNetwork(v, [0, 1], 2)),
    ("labels", lambda v: TwoLayerNetwork([[0.0], [1.0]], v, 2)),
    ("steepness", lambda v: SteepStart(v, 5.0)),
    ("distance", lambda v: SteepStart([1.0, 4.0], v)),
    *(
        ("points", method)
        for objective in (
            *(BOWL, Saddle(), DoubleWell(), Plateau(), Rosenbrock()),
            *(STEEP, SOFTMAX, NETWORK),
        )
        for method in (objective.value, objective.gradient)
    ),
    ("points", SOFTMAX.error_rate),
    ("points", NETWORK.error_rate),
    ("start", lambda v: descend(BOWL, v, SGD(0.1), 1)),
    ("start", lambda v: sweep(BOWL, v, SGD, [0.1], 1)),
    ("lrs", lambda v: sweep(BOWL, PAIR, SGD, v, 1)),
    ("x", lambda v: level_curves(AXES, BOWL, v, (0, 1))),
    ("y", lambda v: level_curves(AXES, BOWL, (0, 1), v)),
    ("points", lambda v: path(AXES, v, "SGD")),
    ("features", lambda v: LinearLosses(v, [1, -1], "hinge")),
    ("targets", lambda v: LinearLosses([[0.0], [1.0]], v, "absolute")),
    ("targets", MovingTarget),
    ("noise", lambda v: MovingTarget(COLUMN, v, RNG)),
    *(
        ("params", lambda v, give=give: give(0, v))
        for losses in (LOSSES, MOVING)
        for give in (losses.value, losses.gradient)
    ),
    ("params", LOSSES.total),
    ("gradients", hindsight_scaling),
    *(("gradients", lambda v, bound=bound: bound(v, 1.0)) for bound in (adagrad_bound, sgd_bound)),
    ("lr", lambda v: travel_budget(v, 3)),
    ("steps", lambda v: travel_budget(0.1, v)),
    ("lr", lambda v: travel_bound(v, COLUMN)),
    ("gradients", lambda v: travel_bound(0.1, v)),
]
# These, too, but None has a meaning.
# A rate of zero has no bound.
BOUNDS = [
    ("lr", lambda v, bound=bound: bound(COLUMN, 1.0, v)) for bound in (adagrad_bound, sgd_bound)
]
OPTIONAL = [
    ("minimum", lambda v: Quadratic([1.0, 4.0], minimum=v)),
    ("start", lambda v: play(LOSSES, SGD(0.1), start=v)),
    *BOUNDS,
    ("radius", lambda v: play(LOSSES, SGD(0.1), radius=v)),
]
# These must be single numbers.
NUMBERS = [
    OPTIONAL[-1],
    ("radius", lambda v: hindsight_optimum(LOSSES, v)),
    ("budget", lambda v: hindsight_scaling(COLUMN, v)),
    *(
        ("diameter", lambda v, bound=bound: bound(COLUMN, v))
        for bound in (adagrad_bound, sgd_bound)
    ),
    ("eps", lambda v: FullMatrixAdaGrad(0.1, eps=v)),
    ("power", lambda v: Averaged(SGD(0.1), v)),
    ("eps", lambda v: adagrad_bound(COLUMN, 1.0, eps=v)),
    ("best_total", GAME.regret),
    ("alpha", lambda v: power_law_features(2, 2, v, RNG)),
    ("scale", lambda v: power_law_features(2, 2, 1.0, RNG, scale=v)),
]

# 10**400 is a number, but not one that NumPy can hold.
NOT_NUMBERS = [None, "abc", b"1", ["a", 1], 1j, [1j], True, [True], object(), {1}, 10**400]
ragged = st.lists(st.lists(st.floats(0, 1), max_size=4), min_size=2).filter(
    lambda rows: len({len(row) for row in rows}) > 1
)
good_arrays = arrays(np.float64, array_shapes(min_dims=2), elements=st.floats(0.1, 0.9))
places = st.integers(0, 10**6)


def spoiled(array, bad, place):
    """Put one bad value somewhere into an array of good ones."""
    array.flat[place % array.size] = bad
    return array


@examples
@given(st.sampled_from(NOT_NUMBERS), ragged, good_arrays, st.sampled_from([np.nan, np.inf]), places)
def test_not_finite_numbers(value, rows, array, bad, place):
    array = spoiled(array, bad, place)
    for name, give in ARRAYS + OPTIONAL + NUMBERS:
        if value is not None or (name, give) not in OPTIONAL:
            refused(name, "hold real numbers", type(value).__name__, give, value)
        refused(name, "be a rectangular array of numbers", "list [[", give, rows)
        refused(name, "not be empty", "shape (2, 0)", give, np.empty((2, 0)))
        refused(name, "be finite", str(bad), give, array)


POSITIVE = {"curvatures", "reps_rel", "d0"}
BELOW_ONE = {"momentum", "rho", "betas[0]", "betas[1]"}
FROM_ZERO = BELOW_ONE | {"lr", "lr(1)", "lrs", "eps", "initial_accumulator_value", "alpha"}
FROM_ZERO |= {"weight_decay", "l1", "l2", "power"}


@examples
@given(good_arrays, st.floats(max_value=0, exclude_max=True, allow_infinity=False), places)
def test_negative_or_zero(array, bad, place):
    negative, zero = spoiled(array.copy(), bad, place), spoiled(array, 0.0, place)
    for name, give in ARRAYS + OPTIONAL:
        if name in POSITIVE or (name, give) in BOUNDS:
            refused(name, "be positive", "0.0", give, zero)
            refused(name, "be positive", str(bad), give, negative)
        elif name in FROM_ZERO:
            refused(name, "be zero or positive", str(bad), give, negative)


@examples
@given(good_arrays, st.floats(min_value=1, allow_infinity=False), places)
def test_one_or_more(array, bad, place):
    array = spoiled(array, bad, place)
    for name, give in ARRAYS:
        if name in BELOW_ONE:
            refused(name, "be below 1", str(bad), give, array)


@examples
@given(good_arrays, st.floats(max_value=0, exclude_max=True, allow_infinity=False))
def test_not_a_single_number_in_its_range(array, bad):
    for name, give in NUMBERS:
        refused(name, "be a single number", f"shape {array.shape}", give, array)
        if name in FROM_ZERO:
            refused(name, "be zero or positive", str(bad), give, bad)
        elif name != "best_total":
            refused(name, "be positive", str(bad), give, bad)
            refused(name, "be positive", "0.0", give, 0)


COUNTS = [
    ("steps", lambda v: descend(BOWL, PAIR, SGD(0.1), v)),
    ("steps", lambda v: sweep(BOWL, PAIR, SGD, [0.1], v)),
    ("batch_size", lambda v: SoftmaxRegression([[0.0], [1.0]], [0, 1], batch_size=v)),
    ("hidden", lambda v: TwoLayerNetwork([[0.0], [1.0]], [0, 1], v)),
    ("batch_size", lambda v: TwoLayerNetwork([[0.0], [1.0]], [0, 1], 2, v)),
    ("shape[1]", lambda v: NETWORK.start(RNG, (2, v))),
    ("n", lambda v: shades("SGD", v)),
    ("levels", lambda v: level_curves(AXES, BOWL, (0, 1), (0, 1), levels=v)),
    ("rounds", LOSSES.first),
    ("every", lambda v: RestartedAdaGrad(0.1, every=v)),
    ("window", lambda v: WindowedAdaGrad(0.1, v)),
    ("n", lambda v: power_law_features(v, 2, 1.0, RNG)),
    ("d", lambda v: power_law_features(2, v, 1.0, RNG)),
    ("n_features", lambda v: OnlineSoftmax(v, 10, SGD(1))),
    ("n_classes", lambda v: OnlineSoftmax(64, v, SGD(1))),
    ("batch_size", lambda v: ONLINE.partial_fit(*DIGITS, batch_size=v)),
]


@pytest.mark.parametrize(("name", "give"), COUNTS)
@examples
@given(
    st.floats() | st.booleans() | st.sampled_from([np.True_, "3", [3], PAIR, 3j, object()]),
    st.integers(max_value=0),
)
def test_not_a_count(name, give, value, small):
    refused(name, "be a whole number", type(value).__name__, give, value)
    refused(name, "be at least 1", str(small), give, small)


METHODS = [
    ("objective", "value", lambda v: descend(v, PAIR, SGD(0.1), 1)),
    ("objective", "value", lambda v: sweep(v, PAIR, SGD, [0.1], 1)),
    ("objective", "value", lambda v: Noisy(v, 0.1)),
    ("objective", "value", lambda v: level_curves(AXES, v, (0, 1), (0, 1))),
    ("optimizer", "init", lambda v: descend(BOWL, PAIR, v, 1)),
    ("optimizer", "init", lambda v: sweep(BOWL, PAIR, lambda lr: v, [0.1], 1)),
    ("losses", "value", lambda v: play(v, SGD(0.1))),
    ("learner", "init", lambda v: play(LOSSES, v)),
    ("magnitude", "init", lambda v: Grafted(v, SGD(0.1))),
    ("direction", "init", lambda v: Grafted(SGD(0.1), v)),
    ("optimizer", "init", Averaged),
]


@pytest.mark.parametrize("value", [None, 3, "bowl", PAIR, len, Quadratic, SGD], ids=repr)
@pytest.mark.parametrize(("name", "method", "give"), METHODS)
def test_lacks_a_method(name, method, give, value):
    given = "the class" if isinstance(value, type) else type(value).__name__
    refused(name, f"be an object with a method {method}", given, give, value)


KINDS = [
    ("rng", "Generator", lambda v: descend(Noisy(BOWL, 1.0), PAIR, SGD(0.1), 1, rng=v)),
    ("rng", "Generator", lambda v: Noisy(BOWL, 1.0).stochastic_gradient(PAIR, v)),
    ("rng", "Generator", lambda v: SOFTMAX.stochastic_gradient(np.zeros(SOFTMAX.size), v)),
    ("rng", "Generator", lambda v: NETWORK.stochastic_gradient(np.zeros(NETWORK.size), v)),
    ("rng", "Generator", NETWORK.start),
    ("rng", "Generator", lambda v: MovingTarget(COLUMN, 0.1, v)),
    ("rng", "Generator", lambda v: MovingTarget(COLUMN, rng=v)),
    *(
        ("state", type(opt.init(PAIR)).__name__, give)
        for opt in OPTIMIZERS
        for give in (opt.effective_lr, lambda v, o=opt: o.step(PAIR, PAIR, v))
    ),
    ("rng", "Generator", lambda v: power_law_features(2, 2, 1.0, v)),
    ("rng", "Generator", lambda v: ONLINE.partial_fit(*DIGITS, rng=v)),
    ("features", "csr_array", lambda v: ONLINE.partial_fit(v, [0])),
    ("features", "csr_array", ONLINE.predict),
    *(
        ("state", type(opt.init(PAIR)).__name__, lambda v, o=opt: row_step(o, PAIR, [0], [1], v))
        for opt in (SGD(1), AdaGrad(1))
    ),
    ("losses", "LinearLosses", lambda v: hindsight_optimum(v, 1.0)),
    ("figure", "Figure", figure_svg),
    ("ax", "Axes", lambda v: level_curves(v, BOWL, (0, 1), (0, 1))),
    ("ax", "Axes", lambda v: path(v, np.ones((3, 2)), "SGD")),
]


@pytest.mark.parametrize(
    "value", [0, "0", PAIR, np.random, (1, PAIR)], ids=lambda v: type(v).__name__
)
@pytest.mark.parametrize(("name", "kind", "give"), KINDS)
def test_of_another_kind(name, kind, give, value):
    refused(name, kind, type(value).__name__, give, value)


class Bowl:
    """An objective as a reader might write it, with one method replaced by a faulty one."""

    def __init__(self, **faulty):
        vars(self).update(faulty)

    def value(self, points):
        return (points**2).sum(axis=-1) / 2

    def gradient(self, points):
        return points


class Still(SGD):
    """An optimizer as a reader might write it, with a faulty step."""

    def __init__(self, given):
        super().__init__(1.0)
        object.__setattr__(self, "given", given)

    def step(self, params, grads, state):
        return self.given


class Unrated(SGD):
    """An optimizer as a reader might write it, with faulty rates."""

    def __init__(self, given):
        super().__init__(1.0)
        object.__setattr__(self, "given", given)

    def effective_lr(self, state):
        return self.given


class Unsized:
    """Losses as a reader might write them, that do not say of how many coordinates."""

    value = gradient = __len__ = lambda self, *args: 1


def descended(optimizer):
    return descend(BOWL, PAIR, optimizer, 1)


def played(learner):
    return play(LOSSES, learner)


def stepped(optimizer, params=PAIR, **replaced):
    state = optimizer.init(params)._replace(**replaced)
    return optimizer.step(params, np.ones_like(params), state)


REFUSED = {
    # shapes
    "grads": (lambda: SGD(1).step(PAIR, np.ones(3), SGD(1).init(PAIR)), "grads", "(2,)", "(3,)"),
    "grads-broadcast": (lambda: SGD(1).step(PAIR, 1.0, SGD(1).init(PAIR)), "grads", "(2,)", "()"),
    **{
        f"{type(kind(1)).__name__}-lr-{shape}": (
            lambda kind=kind, shape=shape: stepped(kind(np.ones(shape))),
            "lr",
            "broadcast to the shape of params, (2,)",
            f"shape {shape}",
        )
        for kind in ELEMENTWISE
        for shape in [(3,), (3, 1), (1, 2)]
    },
    **{
        f"{kind.__name__}-lr": (
            lambda kind=kind: stepped(kind(PAIR)),
            "lr",
            "broadcast to the shape of params, (1,)",
            "shape (2,)",
        )
        for kind in (AdaGradNorm, FullMatrixAdaGrad, DoG, Prodigy)
    },
    **{
        f"{type(opt).__name__}-params-{method}": (
            lambda opt=opt, give=give: give(opt),
            "params",
            "have at least 1 dimension",
            "float 1.0",
        )
        for opt in (AdaGradNorm(0.1), FullMatrixAdaGrad(0.1), DoG(), Prodigy(), GRAFTED)
        for method, give in [
            ("init", lambda opt: opt.init(1.0)),
            ("step", lambda opt: opt.step(1.0, 1.0, opt.init(PAIR))),
        ]
    },
    "accumulator-norm": (
        lambda: stepped(AdaGradNorm(1), accumulator=PAIR),
        "state.accumulator",
        "(1,)",
        "(2,)",
    ),
    "outer": (lambda: stepped(FullMatrixAdaGrad(1), outer=PAIR), "state.outer", "(2, 2)", "(2,)"),
    "schedule": (lambda: stepped(SGD(lambda t: COLUMN)), "lr(1)", "broadcast", "(3, 1)"),
    "momentum": (lambda: stepped(Momentum(0.1, COLUMN)), "momentum", "broadcast", "(3, 1)"),
    **{
        f"eps-{type(optimizer).__name__}": (
            lambda optimizer=optimizer: stepped(optimizer),
            "eps",
            "broadcast to the shape of params, (2,)",
            "(3, 1)",
        )
        for optimizer in [
            *(kind(0.1, eps=COLUMN) for kind in (AdaGrad, RMSProp, AdaDelta, Adam)),
            *(kind(0.1, eps=COLUMN) for kind in (RESTARTED, WINDOWED)),
        ]
    },
    "rho-RMSProp": (lambda: stepped(RMSProp(0.1, COLUMN)), "rho", "broadcast", "(3, 1)"),
    "rho-AdaDelta": (lambda: stepped(AdaDelta(0.1, COLUMN)), "rho", "broadcast", "(3, 1)"),
    "betas-0": (lambda: stepped(Adam(0.1, (COLUMN, 0.9))), "betas[0]", "broadcast", "(3, 1)"),
    "betas-1": (lambda: stepped(Adam(0.1, (0.9, COLUMN))), "betas[1]", "broadcast", "(3, 1)"),
    **{
        f"betas-{given}": (lambda value=value: Adam(0.1, value), "betas", "be a pair", given)
        for value, given in [
            (0.9, "float 0.9"),
            (None, "NoneType None"),
            ("ab", "str 'ab'"),
            ({0.9, 0.8}, "set {"),
            ((0.9,), "tuple (0.9,)"),
            ([0.9, [1, 2], 3], "list [0.9"),
            (np.array(0.9), "ndarray array(0.9)"),
            (np.ones(3), "ndarray array([1., 1., 1.])"),
        ]
    },
    "initial": (
        lambda: AdaGrad(0.1, initial_accumulator_value=COLUMN).init(PAIR),
        "initial_accumulator_value",
        "broadcast to the shape of params, (2,)",
        "(3, 1)",
    ),
    "velocity": (lambda: stepped(Momentum(1), velocity=0.0), "state.velocity", "(2,)", "()"),
    **{
        f"{field}-{type(optimizer).__name__}": (
            lambda optimizer=optimizer, field=field: stepped(optimizer, **{field: np.ones(3)}),
            f"state.{field}",
            "have shape (2,)",
            "(3,)",
        )
        for optimizer, field in [
            (RESTARTED(1), "accumulator"),
            (RMSProp(1), "square_average"),
            (AdaDelta(1), "square_average"),
            (AdaDelta(1), "update_average"),
            (Adam(1), "average"),
            (Adam(1), "square_average"),
            (FTRLProximal(1), "z"),
            (DoG(), "start"),
            (Prodigy(), "weighted_average"),
            (AVERAGED, "average"),
        ]
    },
    **{
        f"{field}-{type(optimizer).__name__}": (
            lambda optimizer=optimizer, field=field: stepped(optimizer, **{field: PAIR}),
            f"state.{field}",
            "have shape (1,)",
            "(2,)",
        )
        for optimizer, field in [
            (DoG(), "distance"),
            (DoG(), "accumulator"),
            (Prodigy(), "distance"),
            (Prodigy(), "gain"),
        ]
    },
    "squares": (
        lambda: stepped(WINDOWED(1), squares=np.ones((2, 2))),
        "state.squares",
        "have shape (3, 2)",
        "(2, 2)",
    ),
    **{
        f"grafted-{field}": (
            lambda field=field: stepped(GRAFTED, **{field: 0}),
            f"state.{field}",
            kind,
            "int 0",
        )
        for field, kind in [("magnitude", "an AdaGradState"), ("direction", "SGDState")]
    },
    "grafted-step": (
        lambda: stepped(Grafted(Still((1.0, 0)), SGD(1))),
        "magnitude.step's params",
        "have shape (2,)",
        "()",
    ),
    "grafted-unused": (lambda: GRAFTED.effective_lr(GRAFTED.init(PAIR)), "state", "1 step", "0"),
    "accumulator": (
        lambda: stepped(AdaGrad(1), accumulator=np.ones(3)),
        "state.accumulator",
        "have shape (2,)",
        "(3,)",
    ),
    "accumulator-text": (
        lambda: stepped(AdaGrad(1), accumulator="ab"),
        "state.accumulator",
        "hold real numbers",
        "str 'ab'",
    ),
    "curvatures": (lambda: Quadratic(COLUMN), "curvatures", "shape (d,)", "(3, 1)"),
    "curvatures-number": (lambda: Quadratic(1.0), "curvatures", "at least 1 dim", "float 1.0"),
    "minimum": (lambda: Quadratic([1, 2], minimum=[0]), "minimum", "(2,)", "(1,)"),
    "rotation": (lambda: Quadratic([1, 2], [0.1]), "rotation", "be a single number", "(1,)"),
    "rotation-3d": (lambda: Quadratic([1, 2, 3], 0.1), "curvatures", "2 to be rotated", "3"),
    "tilt": (lambda: DoubleWell(PAIR), "tilt", "be a single number", "(2,)"),
    "noise": (lambda: Noisy(BOWL, PAIR), "noise", "be a single number", "(2,)"),
    **{
        f"points-{type(objective).__name__}": (
            lambda objective=objective: objective.gradient(np.ones((2, 3))),
            "points",
            f"shape (..., {d})",
            "(2, 3)",
        )
        for objective, d in [
            (BOWL, 2),
            (Saddle(), 2),
            (DoubleWell(), 1),
            (Plateau(), 1),
            (Rosenbrock(), 2),
            (SOFTMAX, 4),
            (STEEP, 2),
            (NETWORK, 14),
        ]
    },
    "points-number": (lambda: BOWL.value(1.0), "points", "at least 1 dimension", "float 1.0"),
    "features-1d": (lambda: SoftmaxRegression([1, 2], [0, 1]), "features", "2 dim", "list [1, 2]"),
    "features-3d": (
        lambda: SoftmaxRegression(np.ones((2, 1, 1)), [0, 1]),
        "features",
        "shape (n, p)",
        "(2, 1, 1)",
    ),
    "labels": (lambda: SoftmaxRegression(COLUMN, [0, 1]), "labels", "(3,)", "(2,)"),
    "shape": (lambda: NETWORK.start(RNG, 3), "shape", "a tuple", "int 3"),
    "steepness": (lambda: SteepStart(COLUMN + 1, 5), "steepness", "shape (d,)", "(3, 1)"),
    "steepness-number": (lambda: SteepStart(2.0, 5), "steepness", "at least 1 dim", "float 2.0"),
    "distance": (lambda: SteepStart([2.0], [5.0]), "distance", "a single number", "shape (1,)"),
    "start-number": (lambda: descend(BOWL, 1.0, SGD(1), 1), "start", "at least 1", "float 1.0"),
    "start-lr": (
        lambda: descend(BOWL, PAIR, SGD(np.ones(3)), 1),
        "start",
        "broadcast with the rates",
        "start of shape (2,) and lr of shape (3,)",
    ),
    "start-lr-widened": (lambda: descend(BOWL, [1], SGD(PAIR), 1), "start", "broadcast", "(2,)"),
    "start-d": (lambda: descend(BOWL, [1.0], SGD(1), 1), "points", "(..., 2)", "(1,)"),
    "lrs-2d": (lambda: sweep(BOWL, PAIR, SGD, COLUMN, 1), "lrs", "a list of ascending", "[[0.5]"),
    "lrs-number": (lambda: sweep(BOWL, PAIR, SGD, 0.1, 1), "lrs", "at least 1 dim", "float 0.1"),
    "features-3d-losses": (
        lambda: LinearLosses(np.ones((2, 1, 1)), [1, 1], "hinge"),
        "features",
        "shape (T, d)",
        "(2, 1, 1)",
    ),
    "targets": (lambda: LinearLosses(COLUMN, [1], "hinge"), "targets", "shape (3,)", "(1,)"),
    "targets-3d": (lambda: MovingTarget([COLUMN]), "targets", "shape (T, d)", "(1, 3, 1)"),
    "targets-1d": (lambda: MovingTarget([1, 2]), "targets", "at least 2 dim", "list [1, 2]"),
    "moving-params": (lambda: MOVING.value(0, COLUMN), "params", "shape (..., 2)", "(3, 1)"),
    "moving-noise": (lambda: MovingTarget(COLUMN, PAIR), "noise", "a single number", "shape (2,)"),
    "budget-lr": (lambda: travel_budget(PAIR, [1, 2, 3]), "lr", "with steps, (3,)", "(2,)"),
    "travel-lr": (lambda: travel_bound(COLUMN, np.ones((5, 2))), "lr", "a step, (2,)", "(3, 1)"),
    "travel-lr-3": (lambda: travel_bound([1, 2, 3], np.ones((5, 2))), "lr", "(2,)", "(3,)"),
    **{
        f"argbest-{axis}": (
            lambda axis=axis: argbest([1, 2], np.ones((3, 2)), axis),
            "losses",
            f"have an axis {axis} of 2 rates",
            "(3, 2)",
        )
        for axis in (0, 2, -3)
    },
    "argbest-lrs": (lambda: argbest([2, 1], [1, 2]), "lrs", "ascending", "[2. 1.]"),
    "travel-1d": (lambda: travel_bound(1.0, [1, 2]), "gradients", "2 dim", "list [1, 2]"),
    "value-params": (lambda: LOSSES.value(0, COLUMN), "params", "shape (..., 2)", "(3, 1)"),
    "gradient-params": (lambda: LOSSES.gradient(0, COLUMN), "params", "shape (..., 2)", "(3, 1)"),
    "total-params": (lambda: LOSSES.total([PAIR]), "params", "shape (2,)", "(1, 2)"),
    "play-start": (lambda: play(LOSSES, SGD(1), start=[1.0]), "params", "(..., 2)", "(1,)"),
    "play-lr": (lambda: play(LOSSES, SGD(np.ones(3))), "start", "broadcast with the rates", "(3,)"),
    "bound-lr": (
        lambda: adagrad_bound(np.ones((4, 3, 2)), 1.0, COLUMN),
        "lr",
        "be a number or have shape (3,)",
        "(3, 1)",
    ),
    "path": (lambda: path(AXES, np.ones((2, 3)), "SGD"), "points", "(steps + 1, 2)", "(2, 3)"),
    "x-triple": (lambda: level_curves(AXES, BOWL, (0, 1, 2), (0, 1)), "x", "pair", "(0, 1, 2)"),
    # ranges
    "momentum-1": (lambda: Momentum(0.1, 1.0), "momentum", "be below 1", "1.0"),
    "noise-negative": (lambda: Noisy(BOWL, -0.1), "noise", "be zero or positive", "-0.1"),
    "noise-moving": (lambda: MovingTarget(COLUMN, -0.1, RNG), "noise", "zero or positive", "-0.1"),
    "noise-unseeded": (lambda: MovingTarget(COLUMN, 0.1), "rng", "a Generator", "NoneType None"),
    "t-moving": (lambda: MOVING.gradient(4, PAIR), "t", "a round from 0 to 3", "4"),
    "steps-0": (lambda: travel_budget(0.1, [3, 0]), "steps", "be at least 1", "0"),
    "steps-float": (lambda: travel_budget(0.1, 1e3), "steps", "hold whole numbers", "float64"),
    "steepness-below-1": (lambda: SteepStart([2, 0.5], 5), "steepness", "be at least 1", "0.5"),
    "distance-below-1": (lambda: SteepStart([2], 0.5), "distance", "be at least 1", "0.5"),
    "labels-negative": (lambda: SoftmaxRegression([[1], [2]], [0, -1]), "labels", "from 0", "-1"),
    "labels-float": (lambda: SoftmaxRegression([[1]], [0.0]), "labels", "whole numbers", "float64"),
    "batch-too-large": (lambda: SoftmaxRegression([[1]], [0], 2), "batch_size", "at most 1", "2"),
    **{
        f"kind-{value!r}": (
            lambda value=value: LinearLosses(COLUMN, [1, 1, 1], value),
            "kind",
            "one of absolute, hinge, logistic",
            repr(value),
        )
        for value in ("squared", None, ["hinge"])
    },
    **{
        f"targets-{kind}": (
            lambda kind=kind: LinearLosses(COLUMN, [1, 0.5, -1], kind),
            "targets",
            f"be -1 or 1 for the {kind} loss",
            "0.5",
        )
        for kind in ("hinge", "logistic")
    },
    "rounds": (lambda: LOSSES.first(5), "rounds", "be at most 4", "5"),
    **{
        f"t-{t!r}": (lambda t=t: LOSSES.value(t, PAIR), "t", "a round from 0 to 3", repr(t))
        for t in (4, -1, 1.0, "0", None, slice(2))
    },
    "start-outside": (
        lambda: play(LOSSES, SGD(1), radius=0.5, start=[0, -3]),
        "start",
        "in the box of radius 0.5",
        "3.0",
    ),
    "no-gradient": (
        lambda: hindsight_scaling(np.zeros((3, 2))),
        "gradients",
        "not all be zero",
        "only zeros",
    ),
    "losses-d": (lambda: play(Unsized(), SGD(1)), "losses.d", "whole number", "NoneType"),
    "lrs-descending": (lambda: sweep(BOWL, PAIR, SGD, [2, 1], 1), "lrs", "ascending", "[2. 1.]"),
    "lrs-twice": (lambda: sweep(BOWL, PAIR, SGD, [1, 1], 1), "lrs", "ascending", "[1. 1.]"),
    "state-unused": (lambda: SGD(1).effective_lr(SGD(1).init(PAIR)), "state", "1 step", "0 steps"),
    "shades-1": (lambda: shades("SGD", 1), "n", "be at least 2", "1"),
    "y-reversed": (lambda: level_curves(AXES, BOWL, (0, 1), (1, 0)), "y", "from < to", "(1, 0)"),
    "flat": (
        lambda: level_curves(AXES, Bowl(value=lambda w: 0 * w[..., 0]), (0, 1), (0, 1)),
        "objective",
        "vary over x and y",
        "0.0 everywhere",
    ),
    **{
        f"style-{value!r}": (lambda v=value: style(v), "optimizer", "SGD, Momentum", repr(value))
        for value in ("sgd", None, ["SGD"])
    },
    # objects that do not do what they should
    "not-stochastic": (
        lambda: descend(BOWL, PAIR, SGD(1), 1, rng=np.random.default_rng(0)),
        "objective",
        "a method stochastic_gradient",
        "Quadratic",
    ),
    "maker": (lambda: sweep(BOWL, PAIR, SGD(1), [1], 1), "optimizer", "callable with", "SGD"),
    **{
        f"objective-{method}-{given}": (
            lambda method=method, faulty=faulty: descend(
                Bowl(**{method: faulty}), np.ones((3, 2)), SGD(1), 1
            ),
            f"objective.{method}(points)",
            expected,
            given,
        )
        for method, faulty, expected, given in [
            ("value", lambda w: None, "hold real numbers", "NoneType None"),
            ("value", lambda w: w, "shape (3,)", "(3, 2)"),
            ("gradient", lambda w: "up", "hold real numbers", "str 'up'"),
            ("gradient", lambda w: w[0], "shape (3, 2)", "(2,)"),
            ("gradient", lambda w: 1.0, "shape (3, 2)", "()"),
            ("gradient", lambda w: [[1], [1, 2]], "rectangular", "list [[1], [1, 2]]"),
        ]
    },
    **{
        f"step-{given}-{go.__name__}": (
            lambda result=result, go=go: go(Still(result)),
            name,
            expected,
            given,
        )
        for go in (descended, played)
        for result, name, expected, given in [
            (PAIR, "optimizer.step", "a tuple (params, state)", "ndarray"),
            (None, "optimizer.step", "a tuple (params, state)", "NoneType"),
            ((1.0, 0), "optimizer.step's params", "shape (2,)", "()"),
            (("a", 0), "optimizer.step's params", "hold real numbers", "str 'a'"),
        ]
    },
    **{
        f"rates-{given}": (
            lambda rates=rates: descended(Unrated(rates)),
            "optimizer.effective_lr(state)",
            expected,
            given,
        )
        for rates, expected, given in [
            (None, "hold real numbers", "NoneType None"),
            ("0.1", "hold real numbers", "str '0.1'"),
            (np.ones(3), "broadcast to shape (2,)", "(3,)"),
        ]
    },
}


@pytest.mark.parametrize(("call", "name", "expected", "given"), REFUSED.values(), ids=REFUSED)
def test_refused(call, name, expected, given):
    refused(name, expected, given, call)


def test_an_error_names_the_place_and_stays_short():
    refused("a", "finite", "inf at index (1, 1)", real_array, "a", [[1, 2], [3, np.inf]])
    with pytest.raises(TypeError) as caught:
        real_array("a", ["word"] * 10_000)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("size", [1, FEW, FEW + 1, 1000])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_is_enough(size, bad):
    array = np.full((1, size), 1e308)  # the sum would overflow
    assert all_finite(array)
    for place in (0, -1):
        spoiled = array.copy()
        spoiled[0, place] = bad
        assert not all_finite(spoiled)


def test_a_long_double_is_finite_also_beyond_the_range_of_a_float():
    assert all_finite(np.array([np.finfo(np.longdouble).max]))


@needs_torch
def test_an_object_that_will_not_be_an_array():
    tensor = torch.ones(2, requires_grad=True)  # NumPy raises RuntimeError
    refused("a", "rectangular array of numbers", "Tensor tensor", real_array, "a", tensor)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_good_arrays_are_returned_as_they_are(dtype):
    huge = np.array([-1, 1]) * np.finfo(dtype).max
    assert real_array("a", huge) is huge


def test_good_indices_are_not_copied():
    indices = np.arange(3)
    assert np.shares_memory(whole_numbers("rows", indices), indices)


def test_whole_numbers_become_floats():
    assert real_array("a", [1, 2]).dtype == np.float64


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_what_would_lose_its_meaning_as_a_plain_array_is_refused():
    masked = np.ma.masked_array([1.0, 99.0], mask=[False, True])
    refused_types = {"MaskedArray": masked, "matrix": np.asmatrix([[1.0, 2.0]])}
    for name, value in refused_types.items():
        with pytest.raises(TypeError, match=f"a must be a plain array, got a {name}"):
            real_array("a", value)


def test_a_number_too_large_for_an_index_is_refused():
    with pytest.raises(ValueError, match="rows must be at most"):
        whole_numbers("rows", np.array([2**63], np.uint64))
    assert whole_numbers("rows", np.array([3], np.uint8)).dtype == np.intp


def test_a_limit_itself_is_allowed_or_refused():
    assert positive_int("n", 1) == 1
    assert positive_int("n", 0, zero_allowed=True) == 0
    refused("n", "be at least 0", "-1", lambda: positive_int("n", -1, zero_allowed=True))
    assert positive("a", [0.0, 1e-300], zero_allowed=True)[0] == 0
    refused("a", "be positive", "0.0", positive, "a", [0.0, 1.0])
    refused(
        "a", "be zero or positive", "-1e-300", lambda: positive("a", -1e-300, zero_allowed=True)
    )
    assert share("a", [0.0, np.nextafter(1, 0)])[0] == 0
    refused("a", "be below 1", "1.0", share, "a", [0.0, 1.0])
    assert whole_numbers("a", [0, 127], dtype=np.int8).tolist() == [0, 127]
    refused("a", "be at most 127", "128", lambda: whole_numbers("a", [128], dtype=np.int8))
    assert whole_numbers("a", [], empty_allowed=True).dtype == np.intp
    assert real_array("a", [np.nan], finite=False).shape == (1,)
    refused("a", "not be empty", "shape (0,)", whole_numbers, "a", [])
    assert pair("a", np.array([1, 2])) == (1, 2)
    for other in ([1], [1, 2, 3]):
        refused("a", "be a pair", f"list {other}", pair, "a", other)


def test_an_error_is_grammatical():
    with pytest.raises(ValueError, match=r"at least 1 dimension, got float 1\.0$"):
        real_array("a", 1.0, min_dims=1)
    with pytest.raises(ValueError, match=r"at least 2 dimensions, got float 1\.0$"):
        real_array("a", 1.0, min_dims=2)
    with pytest.raises(ValueError, match=r"^a must be finite, got nan$"):
        real_array("a", np.nan)
    for kind, article in ((Figure, "a Figure"), (AdaGrad, "an AdaGrad")):
        with pytest.raises(TypeError, match=f"^a must be {article}, got NoneType None$"):
            instance("a", None, kind)


@pytest.mark.parametrize(("length", "end"), [(60, "x'"), (61, "xxx...")])
def test_what_was_given_is_shown_in_up_to_60_characters(length, end):
    with pytest.raises(TypeError) as caught:
        real_array("a", "x" * (length - 2))
    shown = str(caught.value).removeprefix("a must hold real numbers, got str ")
    assert len(shown) == 60
    assert shown.endswith(end)


# Every class of records; those of the optimizers are in tests/optimizers.
MODULES = (claims, datasets, descent, objectives, online, sparse, tables)
MODULES += (_trials, _values, machinery)
RECORDS = {
    kind
    for module in MODULES
    for kind in vars(module).values()
    if "__dataclass_fields__" in getattr(kind, "__dict__", ()) and not inspect.isabstract(kind)
} - {claims.Ledger}
# The others may hold arrays, of which == is no yes or no.
COMPARED_BY_VALUE = {
    *(claims.Claim, tables.Table, Saddle, DoubleWell, Plateau, Rosenbrock, Noisy),
    *(_trials.Raised, _trials.Outcome, _trials.Trial, _values.Other),
    *(machinery.Result, machinery.Report),
}


@pytest.mark.parametrize("kind", sorted(RECORDS, key=lambda kind: kind.__name__))
def test_a_record_stays_as_it_is(kind):
    record = object.__new__(kind)
    with pytest.raises(FrozenInstanceError):
        record.anything = 1
    assert (kind.__eq__ is not object.__eq__) == (kind in COMPARED_BY_VALUE)
    assert kind.__hash__ is not None
