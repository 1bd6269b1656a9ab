"""Each check notices what goes wrong by a slip: all that machine can think of, in each exercise."""

import ast

import pytest
from mutants import (
    executed,
    hard_coded,
    passes,
    unnoticed,
    values_a_little_off,
    with_one_slip,
)
from optional_torch import needs_torch
from reference_program import program_of

from adagrad_course.exercises import CHAPTERS, load
from adagrad_course.exercises.machinery import Exercise

NUMBERS = [number for chapter in CHAPTERS for number in load(chapter)]

# Exercises in which many answers are right, so that some of those made here are.
OPEN = {
    "1.6": "other schedules arrive, too",
    "7.6": "other searches find a value within a factor of two, too",
    "8.8": "other searches find a rate that is good enough, too",
    "5.7": "other plans keep up, too",
}

# Changes that leave a right answer, by exercise, and why.
UNUSED = "`root` does not look at what was before the step"
TINY = "it is too small to see"
STRETCHED = "NumPy stretches a single zero"
ORDER = "only the order of the losses counts"
SIGN = "the loss does not see the sign of w"
NO_MISTAKE = "there is no mistake in it"
SAME_SHAPE = "both have the same shape"
OTHER_SIGN = "a lead and its opposite have the same deviation"
SAME = {
    "0.2": {
        "before, G = (G, accumulate(G, g)) → before, G = (lr, accumulate(G, g))": UNUSED,
        "points, G = ([start], np.full(np.shape(start), first)) → "
        "points, G = ([start], np.full(np.shape(lr), first))": STRETCHED,
        "points, G = ([start], np.full(np.shape(start), first)) → points, G = ([start], first)": (
            STRETCHED
        ),
    },
    "1.3": {
        "w = w - lr * curvatures * w → w = lr * curvatures * w - w": SIGN,
        "return (np.sum(curvatures * w ** 2) / 2, w) → "
        "return (np.sum(curvatures * w ** 2) / 3, w)": ORDER,
        "return (np.sum(curvatures * w ** 2) / 2, w) → "
        "return (np.sum(curvatures * w ** 2) / 1, w)": ORDER,
        "return (np.sum(curvatures * w ** 2) / 2, w) → "
        "return (np.sum(curvatures * w ** 2) * 2, w)": ORDER,
        "return (np.sum(curvatures * w ** 2) / 2, w) → "
        "return (np.mean(curvatures * w ** 2) / 2, w)": ORDER,
        "return (np.sum(curvatures * w ** 2) / 2, w) → return (np.sum(curvatures * w ** 2), w)": (
            ORDER
        ),
        "return min(((final_loss(lr, curvatures, start, steps)[0], lr) for lr in rates))[1] → "
        "return min(((final_loss(lr, curvatures, start, steps), lr) for lr in rates))[1]": (
            "the loss comes first, and no two are equal"
        ),
    },
    "1.4": {
        "return exact_steps(lr, curvature, reduction, math.ceil) → "
        "return exact_steps(curvature, lr, reduction, math.ceil)": "only their product counts",
        "factor = abs(1 - lr * curvature) → factor = abs(lr * curvature - 1)": "|x| = |-x|",
    },
    "1.5": {
        "grid = grid[choose(losses)] * np.asarray(finer) → "
        "grid = grid[choose(losses)] / np.asarray(finer)": "the fine grid is as wide on both sides",
        "return grid[0] → return grid[-1]": "it has one entry by then",
        "losses = [np.mean([train(lr, seed)[part] for seed in seeds]) for lr in grid] → "
        "losses = [np.sum([train(lr, seed)[part] for seed in seeds]) for lr in grid]": ORDER,
        "def tune(train, part='validation', choose=np.nanargmin, seeds=range(5), grid=COARSE): → "
        "def tune(train, part='validation', choose=np.nanargmin, seeds=range(6), grid=COARSE):": (
            "one seed more does no harm"
        ),
    },
    "1.7": {
        "SGD: 1000000000001 for 1000000000000": "as equal as two numbers need to be",
        "SGD: 999999999999 for 1000000000000": "as equal as two numbers need to be",
    },
    "2.2": {
        "before, G = (G, G + g ** 2) → before, G = (lr, G + g ** 2)": UNUSED,
        "points, G = ([start], np.full(np.shape(start), 0.0)) → "
        "points, G = ([start], np.full(np.shape(lr), 0.0))": STRETCHED,
        "points, G = ([start], np.full(np.shape(start), 0.0)) → points, G = ([start], 0.0)": (
            STRETCHED
        ),
    },
    "2.6": {
        "scale = 1 / np.sqrt(np.diag(hessian)) → scale = 2 / np.sqrt(np.diag(hessian))": (
            "a condition number has no unit"
        ),
    },
    "3.2": {
        "before, G = (G, G + g ** 2) → before, G = (lr, G + g ** 2)": UNUSED,
        "w, self.memory.G = adagrad_step(w, g, self.memory.G, self.lr, self.eps, **mistake) → "
        "w, self.memory.G = adagrad_step(w, g, self.memory.G, self.lr, self.eps)": NO_MISTAKE,
    },
    "3.3": {
        "before, after = (G.copy(), G + g ** 2) → before, after = (G, G + g ** 2)": UNUSED,
    },
    "3.5": {
        "G = self.sums.get(param, w.new_full(w.shape, self.start)) + g ** 2 → "
        "G = self.sums.get(param, self.start) + g ** 2": "PyTorch stretches a single number",
    },
    "3.6": {"before, G = (G, G + g ** 2) → before, G = (lr, G + g ** 2)": UNUSED},
    "3.7": {
        "before, after = (G.copy(), G + g ** 2) → before, after = (G, G + g ** 2)": UNUSED,
    },
    "3.8": {
        "self.seed = seed → self.seed = x": "a run that goes on does not need its first seed",
        "arrays = {name: copy(saved[name]) for name in ('w', 'G')} → "
        "arrays = {name: copy(saved[name]) for name in ('G', 'w')}": "the order does not count",
        "vars(self).update({k: v for k, v in arrays.items() if True}) → "
        "vars(self).update({k: v for k, v in arrays.items()})": NO_MISTAKE,
    },
    "4.1": {
        "self.lr = None or lr → self.lr = lr": NO_MISTAKE,
    },
    "4.3": {
        f"return (unique, total, total ** 2) → return (unique, total, {other})": (
            "its last value is for tables alone"
        )
        for other in ("total ** 3", "total * 2", "total", "total ** 1", "2 ** total", "2")
    }
    | {
        f"total = np.zeros((len(unique), *grads.shape[1:])) → total = np.zeros({shape})": (
            "gradients have one axis here"
        )
        for shape in (
            "(len(unique), *grads.shape[2:])",
            "(*grads.shape[1:], len(unique))",
            "(len(unique), *rows.shape[1:])",
        )
    },
    "4.6": {
        "good = np.flatnonzero(errors <= limit) → good = np.flatnonzero(errors < limit)": (
            "the line from the next point ends in a point at the limit"
        ),
    },
    "4.7": {
        "W[rows] -= grads / (np.sqrt(G[rows]) + 1e-10) → W[rows] -= grads / np.sqrt(G[rows])": (
            "no gradient of softmax is zero"
        ),
        "W[rows] -= grads / (np.sqrt(G[rows]) + 1e-10) → "
        "W[rows] -= grads / (np.sqrt(G[rows]) - 1e-10)": TINY,
    }
    | {
        "def own_optimizer(step, memory=lambda n, k: np.zeros((n, k))): → "
        f"def own_optimizer(step, memory=lambda n, k: {other}):": "it is given another memory"
        for other in ("np.zeros((k, n))", "np", "np.zeros((k, k))", "np.zeros((n, n))", "(n, k)")
    },
    "5.3": {"before, s = (s, average(s, g, rho)) → before, s = (lr, average(s, g, rho))": UNUSED},
    "5.6": {
        "return np.zeros_like(direction_step) → return direction_step": "it is zero there",
        "return np.zeros_like(direction_step) → return np.zeros_like(length_step)": SAME_SHAPE,
    },
    "6.2": {
        "def half_adagrad(gradients, lr=1.0, eps=1e-10, start=0.0, number=np.float16): → "
        "def half_adagrad(gradients, lr=2.0, eps=1e-10, start=0.0, number=np.float16):": (
            "lr is always given"
        ),
        "reference = partial(half_adagrad, start=6e-08) → "
        "reference = partial(half_adagrad, start=1.2e-07)": "ordinary gradients do not feel it",
        "G = np.full(gradients.shape[1], start, dtype=number) → "
        "G = np.full(gradients.shape[1], start)": "the first step rounds it",
        "G = np.full(gradients.shape[1], start, dtype=number) → G = start": (
            "NumPy stretches a single number"
        ),
        "w = w - lr * g / (np.sqrt(G, dtype=float) + eps) → "
        "w = w - lr * g / (np.sqrt(G) + eps)": "float16 gives a root to three digits",
        "w = w - lr * g / (np.sqrt(G, dtype=float) + eps) → "
        "w = w - lr * g / (np.sqrt(G, dtype=float) - eps)": TINY,
        "w = w - lr * g / (np.sqrt(G, dtype=float) + eps) → "
        "w = w - lr * g / (np.sqrt(G, dtype=float) + start)": TINY,
        "w = w - lr * g / (np.sqrt(G, dtype=float) + eps) → "
        "w = w - lr * g / np.sqrt(G, dtype=float)": "G is never zero",
    },
    "6.3": {
        "before, G = (G, G + mean_of_squares(g)) → before, G = (g, G + mean_of_squares(g))": UNUSED,
        "return (w - lr * g / root(before[:, None], G[:, None], eps), G) → "
        "return (w - lr * g / root(before, G[:, None], eps), G)": UNUSED,
        "return (w - lr * g / root(before[:, None], G[:, None], eps), G) → "
        "return (w - lr * g / root(before[None, :], G[:, None], eps), G)": UNUSED,
    },
    "7.4": {
        "before, largest = (largest, np.maximum(largest, s)) → "
        "before, largest = (lr, np.maximum(largest, s))": UNUSED,
    },
    "7.5": {
        "return errors[np.arange(len(errors)), places] → "
        "return errors[np.arange(len(places)), places]": SAME_SHAPE,
        "edges = {'a': at_edge(validation_a, best_a), 'b': at_edge(validation_b, best_b)} → "
        "edges = {'a': at_edge(test_a, best_a), 'b': at_edge(validation_b, best_b)}": SAME_SHAPE,
        "edges = {'a': at_edge(validation_a, best_a), 'b': at_edge(validation_b, best_b)} → "
        "edges = {'a': at_edge(validation_a, best_a), 'b': at_edge(test_b, best_b)}": SAME_SHAPE,
        "return np.std(b - a, ddof=1) → return np.std(a - b, ddof=1)": OTHER_SIGN,
        "said = verdict(a, b, paired(a, b)) → said = verdict(a, b, paired(b, a))": OTHER_SIGN,
        "return 'A' if lead > 0 else 'B' → return 'A' if lead >= 0 else 'B'": (
            "a lead of zero is undecided"
        ),
        "if any((np.any(edges[method]) for method in 'ab' if method != None)): → "
        "if any((np.any(edges[method]) for method in 'ab')):": NO_MISTAKE,
    },
    "8.2": {
        "return max(losses[best - 1:best + 2]) <= 1.1 * losses[best] → "
        "return max(losses[best - 1:best + 2]) < 1.1 * losses[best]": (
            "no loss is exactly 10 % above another"
        ),
        "if best == len(lrs) - 1: → if best == len(losses) - 1:": SAME_SHAPE,
    },
    "8.3": {
        "return g * most / length if length > most else g → "
        "return g * most / length if length >= most else g": "then it is multiplied by 1",
    },
    "8.5": {
        "pieces = np.split(np.arange(n), range(size, n, size)) → "
        "pieces = np.split(np.arange(n), n)": "pieces may be smaller",
    },
}


@pytest.mark.study
@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=needs_torch) if n == "3.5" else n for n in NUMBERS]
)
def test_no_slip_passes(number):
    exercise = load(number.partition(".")[0])[number]
    parts = [part for part in (exercise, exercise.closing) if part]
    counts, found = zip(*map(unnoticed, parts), strict=True)
    passed = {text for texts in found for text in texts}
    assert min(counts) > 0
    if number in OPEN:
        assert passed, f"take out of OPEN: {number}"
        assert len(passed) < sum(counts), "the check notices nothing"
        return
    right = SAME.get(number, {}).keys()
    new, stale = "\n".join(passed - right), "\n".join(right - passed)
    assert not new, f"{number} needs a case in which these differ, or in SAME a reason:\n{new}"
    assert not stale, f"take out of SAME[{number!r}]:\n{stale}"


@pytest.mark.house_style
def test_the_lists_name_exercises_that_there_are():
    gone = sorted({*OPEN, *SAME} - {*NUMBERS})
    assert not gone, f"take out of OPEN and SAME in tests/exercises/test_mutants.py: {gone}"
    assert not {*OPEN} & {*SAME}


# The wrong answers themselves -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "slips"),
    [
        (
            "return w - lr * g",
            "w; lr * g; w + lr * g; lr * g - w; w - lr; w - g; w - lr / g",
        ),
        (
            "return np.sqrt(g ** 2)",
            "g ** 2; np.sqrt(g); np.sqrt(2); np.sqrt(g * 2); np.sqrt(2 ** g)",
        ),
        ("return g.sum(axis=0)", "g; g.sum(); g.mean(axis=0); g.sum(axis=1); g.sum(axis=-1)"),
        ("return w if lr >= g else g", "w if lr > g else g; w if lr <= g else g; w; g"),
        ("return w, g", "(g, w)"),
        ("return [-w for w in g if w]", "[w for w in g if w]; [-w for w in g]"),
        ("return -w[1:]", "w[1:]; -w; -w[:]; -w[2:]; -w[0:]"),
        ("return np.array(np.abs(w))", "np.array(w)"),
        ("return max(w, g)", "w; g; min(w, g)"),
        ("return not w and g", "not w; g; not w or g; w and g"),
    ],
)
def test_an_expression_gets_one_slip_at_a_time(source, slips):
    program = ast.parse(f"def f(_):\n    {source}")
    before = ast.unparse(program)
    texts = {text.rpartition(" → return ")[2] for text in with_one_slip(program)}
    assert texts >= {*slips.split("; ")}
    assert ast.unparse(program) == before


@pytest.mark.parametrize(
    ("source", "slip"),
    [
        ("s = w\nm = s\nreturn m", "m = s → (nothing)"),
        ("s = w\nm = s\nreturn m", "s = w; m = s → m = s; s = w"),
        ("s += w\nreturn s", "s += w → s -= w"),
        ("s += w\nreturn s", "s += w → s = w"),
        ("if w:\n    s = g\nreturn s", "if w: → if True:"),
        ("return w * g", "return w * g → return g * g"),
    ],
)
def test_a_function_gets_one_slip_at_a_time(source, slip):
    body = source.replace("\n", "\n    ")
    assert slip in [*with_one_slip(ast.parse(f"def f(w, g):\n    {body}"))]


def test_lines_that_do_not_need_each_other_are_not_swapped():
    program = ast.parse("def f(w, g):\n    m = w\n    s = g\n    return m, s")
    assert "m = w; s = g → s = g; m = w" not in [*with_one_slip(program)]


def test_an_argument_that_makes_no_difference_is_found():
    lenient = Exercise(
        "1.1",
        reference=lambda w, lr, rho: rho * w - lr,
        cases={"one": (2.0, 0.1, 0.9), "two": (3.0, 0.1, 0.9)},
        hints=("Step.",),
    )
    found = [text for text, answer in hard_coded(lenient) if passes(lenient, answer, 5)]
    assert found == ["lr = 0.1", "lr = 1 - rho", "rho = 0.9", "rho = 1 - lr"]


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (4, ["-4 for 4", "2 for 4", "8 for 4", "0.25 for 4", "5 for 4", "3 for 4"]),
        (0.5, ["-0.5 for 0.5", "0.25 for 0.5", "1 for 0.5", "2 for 0.5"]),
        (True, ["False for True"]),
        (
            {"a": "left", "b": False},
            ["a: 'not left' for 'left'", "b: True for False", "a: False, b: 'left' for 'left'"],
        ),
        ("a", ["'not a' for 'a'"]),
        ((True, None), ["(False, None) for (True, None)", "(None, True) for (True, None)"]),
    ],
)
def test_values_a_little_off(value, texts):
    assert [text for text, _ in values_a_little_off(value)] == texts


def test_what_only_known_mistakes_need_gets_no_slip():
    program, names = program_of(load("5")["5.5"], special=True)
    source = ast.unparse(program)
    assert "number" in ast.unparse(program_of(load("5")["5.5"], special=False)[0])
    assert "number" not in source
    assert "divisor" not in source
    assert passes(load("5")["5.5"], executed(program, names), 5)
