"""Answers to the exercises of chapter 7: right ones in other forms, and wrong ones."""

import math
import statistics
from functools import partial

import numpy as np

from adagrad_course.optimizers import SGD, AdaGrad

CHOICES = {
    "A": "row-wise AdaGrad",
    "B": "AdamW",
    "C": "RMSProp",
    "D": "AdaGrad",
    "E": "AdaGrad with restarts",
    "row-wise AdaGrad": 3000,
    "SM3": 3500,
    "Adam": 3_000_000,
    "Shampoo": 9_250_000,
}

TRAP = {"1": 2, "2": 0, "3": 0, "b·x+": 3, "b·x-": -3, "holds": True}
TRAP |= {"unseen+": 1 / 3, "unseen-": -1 / 3}


def step_length_by_summing(rho, gap):
    average = 0.0
    for _ in range(6000):
        average = rho**gap * average + (1 - rho)
    return 1 / average**0.5


def step_length_by_simulation(rho, gap):
    average, t = 0.0, 0
    while t < 20_000 or t % gap:
        average = rho * average + (1 - rho) * (t % gap == 0)
        t += 1
    return 1 / math.sqrt(rho * average + 1 - rho)


def scores_in_a_loop(validation, test):
    scores, edges = [], 0
    for errors, tested in zip(validation, test, strict=True):
        k = list(errors).index(min(errors))
        scores.append(tested[k])
        edges += k in (0, len(errors) - 1)
    return scores, edges


def scores_by_taking(validation, test):
    best = validation.argmin(1)
    scores = np.take_along_axis(test, best[:, None], axis=1).squeeze(1)
    return scores, int(np.isin(best, [0, validation.shape[1] - 1]).sum())


def amsgrad(w, g, m, s, largest, lr, beta1, beta2):
    m = m + (1 - beta1) * (g - m)
    s = s + (1 - beta2) * (g * g - s)
    largest = np.where(s > largest, s, largest)
    return w - lr * m * largest**-0.5, m, s, largest


def amsgrad_in_a_loop(w, g, m, s, largest, lr, beta1, beta2):
    found = np.zeros((4, *w.shape))
    for i in np.ndindex(w.shape):
        one = beta1 * m[i] + (1 - beta1) * g[i]
        two = beta2 * s[i] + (1 - beta2) * g[i] ** 2
        most = max(largest[i], two)
        found[(slice(None), *i)] = w[i] - lr * one / math.sqrt(most), one, two, most
    return tuple(found)


def amsgrad_with(**other):
    """One step in which a part is another one."""

    def step(w, g, m, s, largest, lr, beta1, beta2):
        beta1, beta2 = other.get("betas", lambda a, b: (a, b))(beta1, beta2)
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * other.get("square", np.square)(g)
        largest = np.maximum(largest, s)
        divisor = np.sqrt(largest) + other.get("eps", 0.0)
        return w - other.get("rate", lambda lr: lr)(lr) * m / divisor, m, s, largest

    return step


def amsgrad_switching(when):
    """Return a step that takes the one array or the other."""

    def step(w, g, m, s, largest, lr, beta1, beta2):
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        largest = s if when(s, largest) else largest
        return w - lr * m / np.sqrt(largest), m, s, largest

    return step


def corrected(w, g, m, s, largest, lr, beta1, beta2):
    _, m, s, largest = amsgrad(w, g, m, s, largest, lr, beta1, beta2)
    return w - lr * m / (1 - beta1) / np.sqrt(largest / (1 - beta2)), m, s, largest


def amsgrad_of_one_number(w, g, m, s, largest, lr, beta1, beta2):
    _, m, s, _ = amsgrad(w, g, m, s, largest, lr, beta1, beta2)
    largest = max(largest.max(), s.max())
    return w - lr * m / np.sqrt(largest), m, s, largest


def printed(w, g, m, s, largest, lr, beta1, beta2):
    """The code of the starter, unchanged."""
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    largest = s = np.maximum(largest, s)
    return w - lr * m / np.sqrt(largest), m, s, largest


def compare(va, ta, vb, tb, *, ddof=1, factor=2, pick=lambda v: v.argmin(axis=1), ends=(0, -1)):
    found, edge = {}, False
    for name, v, t in (("A", va, ta), ("B", vb, tb)):
        best = pick(v)
        found[name] = [t[i, k] for i, k in enumerate(best)]
        edge |= any(k in [end % v.shape[1] for end in ends] for k in best)
    lead = np.subtract(found["B"], found["A"])
    enough = factor * lead.std(ddof=ddof)
    verdict = "A" if lead.mean() > enough else "B" if -lead.mean() > enough else "undecided"
    spreads = {k: (np.mean(x), np.std(x, ddof=ddof)) for k, x in found.items()}
    return spreads | {"verdict": "edge" if edge else verdict}


def compare_with_statistics(va, ta, vb, tb):
    (a, edges_a), (b, edges_b) = scores_in_a_loop(va, ta), scores_in_a_loop(vb, tb)
    lead = [y - x for x, y in zip(a, b, strict=True)]
    z = statistics.mean(lead) / statistics.stdev(lead)
    verdict = ["undecided", "A", "B"][int(z > 2) - int(z < -2)]
    if edges_a + edges_b > 0:
        verdict = "edge"
    pairs = [[statistics.mean(x), statistics.stdev(x)] for x in (a, b)]
    return {"verdict": verdict, "B": pairs[1], "A": np.array(pairs[0])}


def compare_shouting(*tables):
    found = compare(*tables)
    return found | {"verdict": found["verdict"].upper()}


def compare_by_seeds_won(va, ta, vb, tb):
    found = compare(va, ta, vb, tb)
    a, b = scores_by_taking(va, ta)[0], scores_by_taking(vb, tb)[0]
    if found["verdict"] != "edge":
        found["verdict"] = "A" if (a < b).all() else "B" if (b < a).all() else "undecided"
    return found


def compare_by_intervals(va, ta, vb, tb):
    found = compare(va, ta, vb, tb)
    (a, da), (b, db) = found["A"], found["B"]
    if found["verdict"] != "edge":
        found["verdict"] = "A" if a + da < b - db else "B" if b + db < a - da else "undecided"
    return found


def compare_where_all_are_at_an_edge(va, ta, vb, tb):
    every = all(scores_by_taking(v, t)[1] == len(v) for v, t in ((va, ta), (vb, tb)))
    return compare(va, ta, vb, tb, ends=(0, -1) if every else ())


def compare_leads(middle, order=np.asarray):
    """The lead's middle is another one, or the seeds are no longer paired."""

    def compared(va, ta, vb, tb):
        found = compare(va, ta, vb, tb)
        lead = order(scores_by_taking(vb, tb)[0]) - order(scores_by_taking(va, ta)[0])
        z = middle(lead) - 2 * lead.std(ddof=1), middle(-lead) - 2 * lead.std(ddof=1)
        if found["verdict"] != "edge":
            found["verdict"] = "A" if z[0] > 0 else "B" if z[1] > 0 else "undecided"
        return found

    return compared


def compare_ahead_by_nothing(va, ta, vb, tb):
    """At least twice the deviation, in place of more."""
    found = compare(va, ta, vb, tb)
    if np.array_equal(scores_by_taking(va, ta)[0], scores_by_taking(vb, tb)[0]):
        found["verdict"] = "A"
    return found


def compare_by(measure, factor=2):
    """Compare by another measure of the leads than their differences, or with another spread."""

    def compared(va, ta, vb, tb):
        found = compare(va, ta, vb, tb)
        mean, spread = measure(scores_by_taking(va, ta)[0], scores_by_taking(vb, tb)[0])
        if found["verdict"] != "edge":
            found["verdict"] = "undecided"
            if abs(mean) > factor * spread:
                found["verdict"] = "A" if mean > 0 else "B"
        return found

    return compared


def shares(a, b):
    lead = (b - a) / b
    return lead.mean(), lead.std(ddof=1)


def logarithms(a, b):
    lead = np.log(b / a)
    return lead.mean(), lead.std(ddof=1)


def lengths(a, b):
    lead = b - a
    return lead.mean(), np.abs(lead).std(ddof=1)


def differences(a, b):
    lead = b - a
    return lead.mean(), lead.std(ddof=1)


def differences_if_they_differ(a, b):
    lead = b - a
    return lead.mean(), lead.std(ddof=1) or np.inf


def compare_with_edges_of_the_other(va, ta, vb, tb):
    a, b = scores_by_taking(va, ta), scores_by_taking(vb, tb)
    found = compare(va, ta, vb, tb, ends=())
    if (found["verdict"] != "A" and a[1]) or (found["verdict"] != "B" and b[1]):
        found["verdict"] = "edge"
    return found


def compare_with_edges_of_one_length(va, ta, vb, tb):
    places = np.concatenate([va.argmin(axis=1), vb.argmin(axis=1)])
    at_edge = np.isin(places, [0, va.shape[1] - 1]).any()
    return compare(va, ta, vb, tb, ends=()) | ({"verdict": "edge"} if at_edge else {})


def swapped(found):
    names = {"A": "B", "B": "A"}
    verdict = names.get(found["verdict"], found["verdict"])
    return {"A": found["B"], "B": found["A"], "verdict": verdict}


def b_ahead_with_less(*tables):
    found, less = compare(*tables), compare(*tables, factor=1)
    return less if less["verdict"] == "B" else found


def compare_with(change):
    return lambda *tables: compare(*tables) | change(compare(*tables))


def constructed(y, own_plus=1, own_minus=5):
    own = np.where(y > 0, own_plus, own_minus)
    features = np.zeros((y.size, own.sum()))
    features[np.repeat(np.arange(y.size), own), np.arange(own.sum())] = 1
    return np.hstack([y[:, None], np.ones((y.size, 2)), features])


def trained(X, y, optimizer, steps=300):
    w, state = np.zeros(X.shape[1]), optimizer.init(np.zeros(X.shape[1]))
    for _ in range(steps):
        w, state = optimizer.step(w, (w @ X.T - y) @ X / len(y), state)
    return w


def unseen(w):
    return w[0] + w[1] + w[2], w[1] + w[2] - w[0]


DISARMED = {}  # many answers train alike


def is_disarmed(X, y, G_0, of=1, method=AdaGrad, lr=0.1):
    run = X.tobytes(), y.tobytes(), G_0, of, method, lr
    if run not in DISARMED:
        w = trained(X, y, method(lr, initial_accumulator_value=G_0))
        DISARMED[run] = unseen(w)[of] < 0
    return DISARMED[run]


def by_doubling(X, y, factor=2, start=1e-4):
    G_0 = start
    while not is_disarmed(X, y, G_0):
        G_0 *= factor
    return G_0


def by_halving(X, y):
    G_0 = 10.0
    while is_disarmed(X, y, G_0):
        G_0 /= 2
    return 2 * G_0


def by_bisection(X, y):
    low, high = -6.0, 2.0
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (low, middle) if is_disarmed(X, y, 10**middle) else (middle, high)
    return np.float32(10**high)


def by_a_list(X, y):
    return min(G for G in np.geomspace(1e-3, 1, 13) if is_disarmed(X, y, G))


def for_five_own_features(X, y):
    """The published problem with these labels, whatever was given."""
    return by_doubling(constructed(y), y)


def changing_X(X, y):
    G_0 = by_doubling(X, y)
    X *= 2
    return G_0


def by_hand(X, y):
    """The same search with the step written out."""
    G_0 = 1e-5
    while True:
        w, G = np.zeros(X.shape[1]), np.full(X.shape[1], G_0)
        for _ in range(300):
            g = X.T @ (X @ w - y) / len(y)
            G = G + g**2
            w = w - 0.1 * g / np.sqrt(G)
        if w[1] + w[2] < w[0]:
            return G_0
        G_0 = 1.5 * G_0


RIGHT = [
    ("7.1", CHOICES),
    ("7.1", {key: CHOICES[key] for key in reversed(CHOICES)}),
    ("7.1", CHOICES | {"Adam": 3e6, "Shampoo": float(3000**2 + 500**2), "SM3": np.int64(3500)}),
    ("7.1", CHOICES | {"A": "Row-wise AdaGrad", "B": "adamw ", "notes": "done"}),
    ("7.2", TRAP),
    ("7.2", TRAP | {"unseen+": 0.333, "unseen-": -0.333}),
    ("7.2", TRAP | {"1": 2.0, "holds": np.True_, "b·x+": np.float32(3)}),
    ("7.2", TRAP | {"2": -0.0, "3": np.int8(0)}),
    ("7.3", step_length_by_summing),
    ("7.3", step_length_by_simulation),
    ("7.3", lambda rho, gap: math.sqrt(sum(rho**k for k in range(gap)))),
    ("7.3", lambda rho, gap: ((1 - rho) / (1 - rho**gap)) ** -0.5),
    ("7.3", lambda rho, gap: np.array([np.sqrt((1 - rho**gap) / (1 - rho))])[0]),
    ("7.4", amsgrad),
    ("7.4", amsgrad_in_a_loop),
    ("7.4", lambda *args: list(amsgrad(*args))),
    ("7.4", partial(amsgrad)),
    ("7.5", compare),
    ("7.5", compare_with_statistics),
    ("7.5", compare_by(differences)),
    ("7.5", compare_shouting),
    (
        "7.5",
        lambda *tables: {k: x if k == "verdict" else list(x) for k, x in compare(*tables).items()},
    ),
    ("7.6", by_doubling),
    ("7.6", by_halving),
    ("7.6", by_bisection),
    ("7.6", by_a_list),
    ("7.6", by_hand),
    ("7.6", partial(by_doubling, factor=1.3, start=1e-3)),
]

# With what the hint must say, or None where there must be none.
WRONG = [
    ("7.1", CHOICES | {"A": "AdaGrad"}, "room for a number"),
    ("7.1", CHOICES | {"A": "FTRL-Proximal"}, "have to be small"),
    ("7.1", CHOICES | {"B": "Adam"}, "a question of its own"),
    ("7.1", CHOICES | {"B": "AdaGrad"}, "third question"),
    ("7.1", CHOICES | {"C": "SGD"}, None),
    ("7.1", CHOICES | {"C": "AdaGrad with restarts"}, "dense gradients"),
    ("7.1", CHOICES | {"A": "AdaGrad with restarts"}, "keep their meaning"),
    ("7.1", CHOICES | {"D": "AdaGrad with restarts"}, "New words get new weights"),
    ("7.1", CHOICES | {"D": "row-wise AdaGrad"}, "save memory"),
    ("7.1", CHOICES | {"E": "AdaGrad"}, "already low"),
    ("7.1", CHOICES | {"E": "AdamW"}, "transformers"),
    ("7.1", CHOICES | {"A": 3000}, None),
    ("7.1", CHOICES | {"row-wise AdaGrad": 500}, "number of rows"),
    ("7.1", CHOICES | {"SM3": 3501}, None),
    ("7.1", CHOICES | {"SM3": 1_500_000}, "a product"),
    ("7.1", CHOICES | {"Adam": 1_500_000}, "averages"),
    ("7.1", CHOICES | {"Adam": 3_000_001}, None),
    ("7.1", CHOICES | {"Shampoo": 3500**2}, None),
    ("7.1", CHOICES | {"Shampoo": 3000**2 * 500**2}, "side by side"),
    ("7.1", CHOICES | {"Adam": 4 * 3_000_000}, "bytes"),
    ("7.2", TRAP | {"b·x-": 1}, "negative example"),  # own features +1
    ("7.2", TRAP | {"b·x+": 5, "b·x-": -1}, "sign(0)"),
    ("7.2", TRAP | {"b·x+": 1, "b·x-": -1}, "own features of an example"),
    ("7.2", TRAP | {"b·x-": -1, "holds": False}, "And what is sign(0)?"),
    ("7.2", TRAP | {"1": 0, "2": 2, "3": 2}, "by its label"),
    ("7.2", TRAP | {"1": 1}, "or take the sign"),
    ("7.2", TRAP | {"b·x-": 3}, None),
    ("7.2", TRAP | {"holds": False}, "two labels"),
    ("7.2", TRAP | {"holds": "yes"}, None),
    ("7.2", TRAP | {"holds": 1}, None),
    ("7.2", TRAP | {"unseen+": 1, "unseen-": -1}, "b/γ"),
    ("7.2", TRAP | {"unseen+": 0, "unseen-": 0}, "first three features, too"),
    ("7.2", TRAP | {"unseen+": 0.75, "unseen-": 0.25}, "more positive"),
    ("7.2", TRAP | {"unseen+": 0.3, "unseen-": -0.3}, None),
    ("7.2", TRAP | {"unseen-": 1 / 3}, None),
    ("7.3", lambda rho, gap: (1 - rho**gap) / (1 - rho), "root"),
    ("7.3", lambda rho, gap: 1 / np.sqrt(1 - rho), "Earlier squares"),
    ("7.3", lambda rho, gap: np.sqrt((1 - rho) / (1 - rho**gap)), "divides by it"),
    ("7.3", lambda rho, gap: np.sqrt(gap), "over all steps"),
    ("7.3", lambda rho, gap: 1, None),
    ("7.3", lambda rho, gap: 1 / (1 - rho), None),
    ("7.3", lambda rho, gap: np.sqrt((1 - rho ** (gap + 1)) / (1 - rho)), "One less"),
    ("7.3", lambda rho, gap: np.sqrt((1 - rho ** (gap - 1)) / (1 - rho)), "One more"),
    ("7.3", lambda rho, gap: np.sqrt(1 - rho**gap), "factor 1 − ρ"),
    ("7.3", lambda rho, gap: np.sqrt((1 - rho ** (2 * gap)) / (1 - rho)), "Is it ρ²"),
    ("7.3", lambda rho, gap: np.sqrt(1 - rho**gap) / (1 - rho), "under the root"),
    ("7.3", lambda rho, gap: 10.0, None),
    ("7.3", lambda rho, gap: round(np.sqrt((1 - rho**gap) / (1 - rho)), 3), None),
    ("7.3", lambda rho, gap: np.sqrt((1 - rho * gap) / (1 - rho)), "not a number"),
    ("7.3", lambda rho, gap: np.sqrt((1 + rho**gap) / (1 - rho)), None),
    ("7.3", lambda rho, gap: 1 / np.sqrt((1 - rho) * (1 - rho**gap)), None),
    ("7.4", printed, "never falls"),
    ("7.4", amsgrad_with(rate=lambda lr: 1), None),
    ("7.4", amsgrad_with(rate=lambda lr: -lr), "uphill"),
    ("7.4", amsgrad_with(square=np.abs), None),
    ("7.4", amsgrad_with(square=lambda g: g), None),
    ("7.4", amsgrad_with(betas=lambda a, b: (b, a)), None),
    ("7.4", amsgrad_with(betas=lambda a, b: (1 - a, 1 - b)), None),
    ("7.4", amsgrad_with(betas=lambda a, b: (a, 1 - b)), None),
    ("7.4", amsgrad_with(betas=lambda a, b: (a, a)), None),
    ("7.4", amsgrad_with(betas=lambda a, b: (a, 0.5)), None),
    ("7.4", amsgrad_with(eps=1e-2), None),
    ("7.4", corrected, None),
    ("7.4", lambda w, g, m, s, G, *rest: amsgrad(w, g, m, s, rest[-1] * G, *rest), "shrink"),
    ("7.4", amsgrad_of_one_number, None),
    ("7.4", amsgrad_switching(lambda s, largest: s.max() > largest.max()), "as a whole"),
    ("7.4", amsgrad_switching(lambda s, largest: s.mean() > largest.mean()), None),
    ("7.4", amsgrad_switching(lambda s, largest: (s > largest).any()), "each coordinate"),
    ("7.4", lambda *args: amsgrad(*args)[:3], None),
    ("7.4", lambda *args: amsgrad(*args)[0], None),
    ("7.4", lambda w, g, m, s, G, lr, a, b: (amsgrad(w, g, m, s, G, lr, a, b)[0], m, s, G), None),
    ("7.5", partial(compare, ddof=0), "ddof=1"),
    ("7.5", partial(compare, factor=0), "'undecided'"),
    ("7.5", partial(compare, factor=1), "With how much"),
    ("7.5", partial(compare, factor=3), "twice the deviation"),
    ("7.5", partial(compare, ends=()), "One seed at an edge"),
    ("7.5", compare_where_all_are_at_an_edge, "One seed at an edge"),
    ("7.5", compare_by(shares), None),
    ("7.5", compare_by(logarithms), None),
    ("7.5", compare_by(lengths), None),
    ("7.5", compare_leads(lambda lead: np.sign(lead.mean()) * np.abs(lead).mean()), "sizes"),
    ("7.5", compare_by(differences_if_they_differ), "the same in all seeds"),
    ("7.5", compare_by(differences, factor=2.1), "do you ask for"),
    ("7.5", compare_by(differences, factor=1.9), "With how much"),
    ("7.5", compare_with_edges_of_the_other, "only for the method"),
    ("7.5", compare_leads(np.median), "median"),
    ("7.5", compare_leads(np.mean, np.sort), "keep their order"),
    ("7.5", compare_ahead_by_nothing, "A lead of zero"),
    ("7.5", partial(compare, ends=(0,)), "last rate"),
    ("7.5", partial(compare, ends=(-1,)), "first rate"),
    ("7.5", compare_with_edges_of_one_length, "B's own"),
    ("7.5", lambda va, ta, vb, tb: swapped(compare_with_edges_of_one_length(vb, tb, va, ta)), None),
    ("7.5", partial(compare, ends=(0, 1, -1)), None),
    ("7.5", partial(compare, pick=lambda v: v.argmax(axis=1)), None),
    ("7.5", lambda va, ta, vb, tb: compare(ta, ta, tb, tb), "test part"),
    ("7.5", lambda va, ta, vb, tb: compare(va, va, vb, vb), "validation errors"),
    ("7.5", lambda va, ta, vb, tb: compare(vb, tb, va, ta), None),
    ("7.5", lambda va, ta, vb, tb: compare(va, ta, va, ta), None),
    ("7.5", compare_by_seeds_won, "With how much"),
    ("7.5", compare_by_intervals, "twice the deviation"),
    ("7.5", compare_with(lambda found: {"verdict": "undecided"}), "twice the deviation"),
    ("7.5", compare_with(lambda found: {"verdict": f"{found['verdict']} ahead"}), None),
    ("7.5", compare_with(lambda found: {"A": found["A"][0], "B": found["B"][0]}), None),
    ("7.5", compare_with(lambda found: {"A": found["A"][::-1]}), None),
    ("7.5", b_ahead_with_less, None),
    ("7.5", lambda *tables: list(compare(*tables).values()), None),
    ("7.6", lambda X, y: 0.02, "which sign"),
    ("7.6", lambda X, y: 0.1, "Search in smaller steps"),
    ("7.6", lambda X, y: 0, "exponent"),
    ("7.6", lambda X, y: -2, "exponent"),
    ("7.6", lambda X, y: np.inf, None),
    ("7.6", lambda X, y: np.nan, None),
    ("7.6", lambda X, y: by_doubling(X, y) / 2, "last one that fails"),
    ("7.6", lambda X, y: 2 * by_doubling(X, y), "Search in smaller steps"),
    ("7.6", lambda X, y: 1 / len(y) ** 2, "which sign"),
    ("7.6", partial(by_doubling, factor=10), "Search in smaller steps"),
    ("7.6", lambda X, y: 1e-6 if not is_disarmed(X, y, 1e-6, of=0) else 1.0, "which sign"),
    ("7.6", lambda X, y: unseen(trained(X, y, SGD(0.1))), None),
    ("7.6", lambda X, y: np.full(X.shape[1], by_doubling(X, y)), None),
    ("7.6", lambda X, y: is_disarmed(X, y, 0.02), None),
    ("7.6", lambda X, y: "a hundredth", None),
    ("7.6", for_five_own_features, "which sign"),
    ("7.6", changing_X, "Work on a copy"),
    ("7.6", lambda X, y: math.log10(by_doubling(X, y)), "exponent"),
]
