"""The exercises of chapter 7, After AdaGrad."""

from functools import partial
from itertools import cycle, product

import numpy as np

from ..optimizers import AdaGrad
from ._steps import belated, root, uphill, without_root
from ._trials import IN_PLACE, numbers_like
from .machinery import Exercise, Wrong

__all__ = ["EXERCISES"]

FIRST_CHOICES = {
    "A": "row-wise AdaGrad",
    "B": "AdamW",
    "C": "RMSProp",
    "D": "AdaGrad",
    "E": "AdaGrad with restarts",
}


def instead(choice, places):
    """Return the wrong answer that names `choice` at these places."""
    return dict.fromkeys(places, choice)


def best_places(validation):
    return np.argmin(validation, axis=1)


def at(errors, places):
    return errors[np.arange(len(errors)), places]


def at_edge(validation, places):
    return (places == 0) | (places == validation.shape[1] - 1)


def verdict(a, b, deviation):
    lead = np.mean(b - a)
    if abs(lead) <= 2 * deviation:
        return "undecided"
    return "A" if lead > 0 else "B"


def paired(a, b):
    return np.std(b - a, ddof=1)


def compare(
    validation_a,
    test_a,
    validation_b,
    test_b,
    choose=best_places,
    is_edge=at_edge,
    spread=lambda a: np.std(a, ddof=1),
    deviation=paired,
    judge=verdict,
    judged="ab",
    but=lambda said: None,
):
    """Return the scores and the verdict; each keyword is a part that readers get wrong."""
    best_a, best_b = choose(validation_a), choose(validation_b)
    a, b = at(test_a, best_a), at(test_b, best_b)
    edges = {"a": is_edge(validation_a, best_a), "b": is_edge(validation_b, best_b)}
    said = judge(a, b, deviation(a, b))
    if any(np.any(edges[method]) for method in judged if method != but(said)):
        said = "edge"
    return {"A": (np.mean(a), spread(a)), "B": (np.mean(b), spread(b)), "verdict": said}


def compared_on_test(validation_a, test_a, validation_b, test_b):
    return compare(test_a, test_a, test_b, test_b)


def compared_on_validation(validation_a, test_a, validation_b, test_b):
    return compare(validation_a, validation_a, validation_b, validation_b)


def compared_with_edges_of_a(validation_a, test_a, validation_b, test_b):
    last = validation_a.shape[1] - 1
    return compare(
        validation_a,
        test_a,
        validation_b,
        test_b,
        is_edge=lambda validation, places: (places == 0) | (places == last),
    )


def one_place_for_all(validation):
    return np.full(len(validation), validation.mean(axis=0).argmin())


def never_undecided(a, b, deviation):
    return verdict(a, b, 0.0)


def judged_by_the_median(a, b, deviation):
    lead = np.median(b - a)
    return verdict(0.0, lead, deviation)


def judged_by_sizes(a, b, deviation):
    said = verdict(0.0, np.abs(b - a), deviation)
    return said if said == "undecided" else verdict(a, b, 0.0)


def undecided_without_deviation(a, b, deviation):
    return verdict(a, b, deviation) if deviation else "undecided"


def judged_out_of_order(a, b, deviation):
    a, b = np.sort(a), np.sort(b)
    return verdict(a, b, paired(a, b))


def ahead_without_a_lead(a, b, deviation):
    return "A" if np.array_equal(a, b) else verdict(a, b, deviation)


def only_a_can_lead(a, b, deviation):
    said = verdict(a, b, deviation)
    return "undecided" if said == "B" else said


def the_larger_leads(a, b, deviation):
    return verdict(b, a, deviation)


def tables(seed, leads, rates=(6, 5), edges=(None, None), level=None):
    """Return what `compare` gets: B's scores are higher than A's, the `level`, by the leads.

    The best rates are inside their grids, but for the last seed's where `edges` names a place.
    """
    rng = np.random.default_rng(seed)
    leads = np.array(leads)
    a = rng.uniform(4, 9, size=len(leads)) if level is None else np.array(level)
    found = []
    for scored, n, edge in zip((a, a + leads), rates, edges, strict=True):
        best = rng.integers(1, n - 1, size=len(leads))
        best[:2] = 1, n - 2  # not one rate for all
        if edge is not None:
            best[-1] = edge % n
        validation, test = rng.uniform(6, 12, size=(2, len(leads), n))
        test = test - 5 * rng.integers(0, 2, size=test.shape)
        rows = np.arange(len(leads))
        validation[rows, best] = rng.uniform(3, 5.9, size=len(leads))
        test[rows, best] = scored
        found += [validation, test]
    return tuple(found)


def leads_of(deviations):
    """Return leads whose mean is so many times their standard deviation."""
    leads = np.array([-1.2, 0.1, 1.3, -0.9, 0.7])
    return 0.4 * ((leads - leads.mean()) / leads.std(ddof=1) + deviations)


def close_calls():
    """Return what draws tables in which the verdict needs just the lead's mean and deviation."""
    kinds = cycle(product((1, -1), range(5)))  # A ahead and B, whatever is drawn

    def draw(rng):
        ahead, kind = next(kinds)
        if kind == 0:  # the leads are alike, but not if one divides them by the scores
            level = rng.permutation([1.0, 6.0, 15.0, 40.0, 90.0])
            return tables(rng, ahead * rng.uniform(0.4, 0.6, size=5), level=level + 1)
        if kind == 1:  # the leads are alike but for the sign of one
            return tables(rng, ahead * rng.permutation([1.0, 1.1, 0.9, 1.05, -0.95]))
        if kind == 2:  # nine are alike, and one of the other sign is shorter
            return tables(rng, ahead * rng.permutation([*np.linspace(0.9, 1.1, 9), -0.45]))
        return tables(rng, ahead * leads_of(2.04 if kind == 3 else 1.96))

    return draw


def with_an_edge(*edges):
    """Return what draws tables with an edge, in which A is ahead, or B."""

    def draw(rng):
        return tables(rng, rng.choice([-1, 1]) * rng.uniform(0.6, 1.2, size=4), edges=edges)

    return draw


def some_tables(rng):
    leads = rng.normal(rng.choice([-1.2, 0.3, 1.2]), 0.4, size=rng.integers(4, 8))
    edges = [*[None] * 8, 0, -1]
    return tables(
        rng,
        leads,
        tuple(int(n) for n in rng.integers(4, 8, size=2)),
        (edges[rng.integers(10)], edges[rng.integers(10)]),
    )


def amsgrad(w, g, m, s, largest, lr, beta1, beta2, divisor=root):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    before, largest = largest, np.maximum(largest, s)
    return w - lr * m / divisor(before, largest), m, s, largest


def amsgrad_as_printed(w, g, m, s, largest, lr, beta1, beta2):
    w, m, _, largest = amsgrad(w, g, m, s, largest, lr, beta1, beta2)
    return w, m, largest, largest


def amsgrad_as_adam(w, g, m, s, largest, lr, beta1, beta2):
    right = amsgrad(w, g, m, s, largest, lr, beta1, beta2)
    return w - lr * right[1] / np.sqrt(right[2]), *right[1:]


def amsgrad_without_maximum(w, g, m, s, largest, lr, beta1, beta2):
    w, m, s, _ = amsgrad_as_adam(w, g, m, s, largest, lr, beta1, beta2)
    return w, m, s, s


def amsgrad_averaging_the_largest(w, g, m, s, largest, lr, beta1, beta2):
    return amsgrad(w, g, m, largest, largest, lr, beta1, beta2)


def amsgrad_with_a_fading_maximum(w, g, m, s, largest, lr, beta1, beta2):
    return amsgrad(w, g, m, s, beta2 * largest, lr, beta1, beta2)


def amsgrad_of_squares(w, g, m, s, largest, lr, beta1, beta2):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    largest = np.maximum(largest, g**2)
    return w - lr * m / np.sqrt(largest), m, s, largest


def amsgrad_without_momentum(w, g, m, s, largest, lr, beta1, beta2):
    right = amsgrad(w, g, m, s, largest, lr, beta1, beta2)
    return w - lr * g / np.sqrt(right[3]), *right[1:]


def amsgrad_of_all(w, g, m, s, largest, lr, beta1, beta2):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    largest = np.full_like(s, max(np.max(largest), np.max(s)))
    return w - lr * m / np.sqrt(largest), m, s, largest


def amsgrad_of_whole_arrays(w, g, m, s, largest, lr, beta1, beta2):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    largest = s if np.max(s) > np.max(largest) else largest
    return w - lr * m / np.sqrt(largest), m, s, largest


def an_amsgrad_step(rng, shape=(4,), shrink=(0.2, 3)):
    w, g, m = rng.normal(size=(3, *shape))
    s = rng.uniform(0.5, 2, size=shape)
    largest = s * rng.uniform(1, 2, size=shape)
    betas = rng.uniform(0.7, 0.95), rng.uniform(0.3, 0.65)
    g = np.sign(g) * rng.uniform(*shrink, size=shape)
    return w, g, m, s, largest, rng.uniform(0.2, 0.9), *betas


def constructed(y, own_plus, own_minus):
    """Return the features of the constructed problem for examples with the labels `y`."""
    own = np.where(y > 0, own_plus, own_minus)
    X = np.zeros((y.size, 3 + own.sum()))
    X[:, 0], X[:, 1:3] = y, 1.0
    rows = np.repeat(np.arange(y.size), own)
    X[rows, 3 + np.arange(rows.size)] = 1.0
    return X


def unseen_negative(X, y, G0):
    """Return what AdaGrad predicts for it after 300 steps, for each first accumulator in `G0`."""
    G0 = np.array(G0)[:, None]
    w, optimizer = np.zeros((len(G0), X.shape[1])), AdaGrad(0.1, initial_accumulator_value=G0)
    state = optimizer.init(w)
    for _ in range(300):
        w, state = optimizer.step(w, (w @ X.T - y) @ X / len(y), state)
    return w[:, 1] + w[:, 2] - w[:, 0]


NOT_POSITIVE = "A first accumulator is a sum of squares. Did you return its exponent?"
JUST_TOO_SMALL = "Twice as much would do. Is this the last one that fails?"
TOO_SMALL = "The trap still works. Train with this G_0: which sign has unseen(w)[1]?"
TOO_LARGE = (
    "Any large value disarms the trap. Search in smaller steps, or from below. And does your "
    "answer change with X and y?"
)


def disarms(n_plus, n_minus, own_plus=1, own_minus=5):
    """Return the property of finding the least first accumulator for one problem."""
    y = np.repeat([1.0, -1.0], [n_plus, n_minus])
    y = np.random.default_rng(n_plus).permutation(y)
    X = constructed(y, own_plus, own_minus)

    def test(answer):
        given = X.copy(), y.copy()
        G0 = float(numbers_like(1.0, answer(*given)))
        if not all(map(np.array_equal, given, (X, y))):
            raise Wrong("it changed its argument `X` or `y` in place", IN_PLACE)
        if not 0 < G0 < np.inf:
            hint = NOT_POSITIVE if G0 <= 0 else None
            raise Wrong(f"expected a positive number, got {G0:.3g}", hint)
        twice, once, half = unseen_negative(X, y, [2 * G0, G0, G0 / 2])
        if not once < 0:
            raise Wrong(
                f"with G_0 = {G0:.3g} the prediction for an unseen negative example is {once:.3g}",
                JUST_TOO_SMALL if twice < 0 else TOO_SMALL,
            )
        if half < 0:
            raise Wrong(f"G_0 = {G0:.3g} is right, and so is half of it", TOO_LARGE)

    return test


def least_power_of_two(X, y):
    powers = 2.0 ** np.arange(-24, 8)
    return powers[np.argmax(unseen_negative(X, y, powers) < 0)]


EXERCISES = [
    Exercise(
        "7.1",
        reference=FIRST_CHOICES
        | {"row-wise AdaGrad": 3000.0, "SM3": 3500.0, "Adam": 3e6, "Shampoo": 9.25e6},
        mistakes={
            "The guide names AdamW for transformers. Is this one?": instead("AdamW", "ACDE"),
            "Adam moves each row in each step, also where there is no gradient. Which method "
            "leaves such rows alone?": instead("Adam", "ADE"),
            "Near. But the guide has a question of its own for this kind of network.": (
                instead("Adam", "B")
            ),
            "On the moving target Adam's averages were late. Who followed better?": (
                instead("Adam", "C")
            ),
            "RMSProp forgets a word while the word pauses. What does the guide name for sparse "
            "gradients?": instead("RMSProp", "ADE"),
            "The kind is right. Is there room for a number for each weight?": (
                instead("AdaGrad", "A")
            ),
            "What would a restart be for? A's words keep their meaning: no weight has to become "
            "another one.": instead("AdaGrad with restarts", "A"),
            "What would a restart be for? New words get new weights, and no old weight has to "
            "become another one.": instead("AdaGrad with restarts", "D"),
            "FTRL-Proximal is for linear models that have to be small. Is that asked for here?": (
                instead("FTRL-Proximal", "AD")
            ),
            "What do you save memory for? D has enough for a number for each weight.": (
                instead("row-wise AdaGrad", "D")
            ),
            **{
                f"Why {name}? B's task holds still, and most of its weights have dense gradients: "
                "go on to the guide's third question.": instead(name, "B")
                for name in [
                    "AdaGrad",
                    "row-wise AdaGrad",
                    "AdaGrad with restarts",
                    "FTRL-Proximal",
                    "RMSProp",
                ]
            },
            **{
                f"Is {name} made for dense gradients, in a task in which the right weights move "
                "on?": instead(name, "C")
                for name in [
                    "AdaGrad",
                    "row-wise AdaGrad",
                    "AdaGrad with restarts",
                    "FTRL-Proximal",
                ]
            },
            **{
                f"With {name} the rate of an old word is already low. How would the word get its "
                "new meaning?": instead(name, "E")
                for name in ["AdaGrad", "row-wise AdaGrad", "FTRL-Proximal"]
            },
            "Which of 3,000 and 500 is the number of rows?": {"row-wise AdaGrad": 500.0},
            "That is a number for each weight, as AdaGrad keeps. What does this method keep?": {
                "row-wise AdaGrad": 1.5e6,
                "Shampoo": 1.5e6,
            },
            "One for each row and one for each column: is that a product?": {"SM3": 1.5e6},
            "Which averages does Adam keep for a weight?": {"Adam": 1.5e6},
            "Shampoo keeps a matrix for the rows. How many numbers are in it?": {"Shampoo": 3500.0},
            "Shampoo's two matrices are kept side by side. Is that a product?": {
                "Shampoo": 2.25e12
            },
            "Those look like bytes. Numbers are asked for.": {
                "row-wise AdaGrad": 12_000.0,
                "SM3": 14_000.0,
                "Adam": 12e6,
                "Shampoo": 37e6,
            },
        },
        hints=(
            "Go through the guide's questions in their order; the first yes decides. The column "
            "'stores' of the first table has the formulas of the numbers.",
            "Two of the five tasks change while one trains. Of the other three, one is a "
            "transformer. The formulas are m, m + n, 2mn and m² + n².",
        ),
        rtol=1e-9,  # counts, of which one more is wrong
    ),
    Exercise(
        "7.2",
        reference={
            "1": 2.0,
            "2": 0.0,
            "3": 0.0,
            "b·x+": 3.0,
            "b·x-": -3.0,
            "holds": True,
            "unseen+": 1 / 3,
            "unseen-": -1 / 3,
        },
        mistakes={
            "Multiply each row by its label before you add.": {"1": 0.0, "2": 2.0, "3": 2.0},
            "Did you divide by the number of examples, or take the sign? The sum is asked for.": {
                "1": 1.0
            },
            "Are the own features of the example in it? And what is sign(0)?": {"b·x-": -1.0},
            "What is sign(0)?": {"b·x+": 5.0, "b·x-": -1.0},
            "Which sign have the own features of the negative example in b?": {"b·x-": 1.0},
            "The own features of an example are part of the sum, too.": {"b·x+": 1.0, "b·x-": -1.0},
            "Compare your two numbers b·x with the two labels.": {"holds": False},
            "The run ends at b/γ: by which γ did you divide? And are the own features left out? An "
            "unseen example's have the weight zero.": {"unseen+": 1.0, "unseen-": -1.0},
            "An unseen example has the first three features, too. Are all their weights zero?": {
                "unseen+": 0.0,
                "unseen-": 0.0,
            },
            "That is what happens with more positive than negative examples. What is b here?": {
                "unseen+": 0.75,
                "unseen-": 0.25,
            },
        },
        hints=(
            "X⊤y adds up each column, the rows multiplied by their labels.",
            "Take the sign of each of the seven entries of X⊤y; multiply b with both rows.",
            "The prediction for an unseen example is that of b/γ, its own features left out.",
        ),
    ),
    Exercise(
        "7.3",
        reference=lambda rho, gap: np.sqrt((1 - rho**gap) / (1 - rho)),
        cases={
            "every third step": (0.93, 3),
            "every seventh step": (0.9, 7),
            "a long pause": (0.98, 150),
            "in every step": (0.97, 1),
            "random pauses": lambda rng: (rng.uniform(0.5, 0.99), int(rng.integers(2, 60))),
        },
        mistakes={
            "The step divides by the root of the average.": (
                lambda rho, gap: (1 - rho**gap) / (1 - rho)
            ),
            "Earlier squares are in the average as well, each with ρ to the power of its age.": (
                lambda rho, gap: 1 / np.sqrt(1 - rho)
            ),
            "Is this the root of the average itself? The step divides by it.": (
                lambda rho, gap: np.sqrt((1 - rho) / (1 - rho**gap))
            ),
            "In each step a square loses the factor ρ. Is it ρ² in your function?": (
                lambda rho, gap: np.sqrt((1 - rho ** (2 * gap)) / (1 - rho))
            ),
            "Is 1 − ρ under the root, too?": lambda rho, gap: np.sqrt(1 - rho**gap) / (1 - rho),
            "Is this the size of the average over all steps? At an occurrence it is higher.": (
                lambda rho, gap: np.sqrt(gap)
            ),
            "The average has just taken in the present square: the pause comes after it.": (
                lambda rho, gap: np.sqrt((1 - rho**gap) / (1 - rho) / rho ** (gap - 1))
            ),
            "How many steps are there from one occurrence to the next? One less than you took.": (
                lambda rho, gap: np.sqrt((1 - rho ** (gap + 1)) / (1 - rho))
            ),
            "How many steps are there from one occurrence to the next? One more than you took.": (
                lambda rho, gap: np.sqrt((1 - rho ** (gap - 1)) / (1 - rho))
            ),
            "The sum of a geometric series: is the factor 1 − ρ of the average in it?": (
                lambda rho, gap: np.sqrt(1 - rho**gap)
            ),
        },
        hints=(
            "At an occurrence, the average is (1 − ρ) g² times a geometric series. Its ratio?",
            "The ratio is ρ to the power of gap; the series is 1 / (1 − ρ^gap).",
        ),
        closing=Exercise(
            "7.3",
            reference={"longest": 5.0, "RMSProp": 1.0, "AdaGrad": 0.1},
            mistakes={
                "The step divides by the root of the average.": {"longest": 25.0},
                "After a pause a step is longer than η, not shorter.": {"longest": 0.2},
                "That belongs to another ρ.": {"longest": 10.0},
                "Does RMSProp count occurrences?": {"RMSProp": 0.1},
                "Does AdaGrad forget occurrences?": {"AdaGrad": 1.0},
                "AdaGrad divides by the root of its sum.": {"AdaGrad": 0.01},
                "Do AdaGrad's steps grow?": {"AdaGrad": 10.0},
            },
            hints=("What becomes of ρ to the power of a large gap?",),
        ),
    ),
    Exercise(
        "7.4",
        reference=amsgrad,
        cases={
            "small gradients after large ones": partial(an_amsgrad_step, shrink=(0.01, 0.4)),
            "large gradients": partial(an_amsgrad_step, shrink=(3, 5)),
            "matrices": partial(an_amsgrad_step, shape=(2, 3)),
            "random steps": an_amsgrad_step,
        },
        mistakes={
            "The print shows an average that never falls. What should the average of squares do "
            "while the gradient is zero, and which line prevents it?": amsgrad_as_printed,
            "By the root of which average does this divide: the largest or the present one?": (
                amsgrad_as_adam
            ),
            "Here `largest` has fallen. Can a maximum do that, if each coordinate has its own?": (
                amsgrad_without_maximum
            ),
            "Does the average go on from s, or from its maximum?": amsgrad_averaging_the_largest,
            "Is this the largest square? Asked for is the largest average of squares.": (
                amsgrad_of_squares
            ),
            "The present average takes part in the maximum.": partial(amsgrad, divisor=belated),
            "Divide by the root.": partial(amsgrad, divisor=without_root),
            "The step goes along m. Does yours go along the gradient?": amsgrad_without_momentum,
            "The maximum is over time, for each coordinate: np.maximum.": amsgrad_of_all,
            "Each coordinate has its own maximum. Is yours one of two arrays, as a whole?": (
                amsgrad_of_whole_arrays
            ),
            "You went uphill: subtract.": uphill(amsgrad),
            "Does the largest so far shrink in your function? Only the averages do.": (
                amsgrad_with_a_fading_maximum
            ),
        },
        hints=(
            "Compute by hand what the average should be after the second gradient, a zero.",
            "One line gives two names to one array. The average and its maximum are two things.",
        ),
        closing=Exercise(
            "7.4",
            reference={"AMSGrad": "no", "Adam": "yes", "AdaGrad": "no"},
            mistakes={
                "Its rate is η divided by the root of `largest`. Can that fall?": (
                    {"AMSGrad": "yes"}
                ),
                "Look at the average in your mended print, where the gradient is zero.": (
                    {"Adam": "no"}
                ),
                "Can a sum of squares fall?": {"AdaGrad": "yes"},
            },
            hints=("A rate rises where its divisor falls.",),
        ),
    ),
    Exercise(
        "7.5",
        reference=compare,
        cases={
            "A ahead": tables(1, [0.5] * 5, level=[5.0, 4.0, 8.0, 6.0, 7.0]),
            "A ahead by little": tables(9, [0.35, 0.9, 1.4, 0.65, 1.15]),
            "B ahead": tables(2, [-0.8, -1.2, -0.7, -1.1, -0.9, -1.0], rates=(5, 7)),
            "ahead in each of five seeds, by luck": tables(3, [0.4, 0.9, 1.3, 0.5, 1.5]),
            "ahead in four of five seeds": tables(2, [1.0, 1.1, 0.9, 1.05, 0.0]),
            "close calls": close_calls(),
            "another lead in each seed": tables(20, [1.6, 0.2, 1.2, 0.3, 1.7]),
            "level": tables(4, [0.5, -0.6, 0.2, -0.3]),
            "the same scores": tables(10, [0.0, 0.0, 0.0, 0.0]),
            "A at its first rate": with_an_edge(0, None),
            "A at its last rate": with_an_edge(-1, None),
            "B at its first rate": with_an_edge(None, 0),
            "B at its last rate": with_an_edge(None, -1),
            "random tables": some_tables,
        },
        mistakes={
            "Did you choose the rates on the test part?": compared_on_test,
            "Are these validation errors? The scores are test errors.": compared_on_validation,
            "Each seed has a best rate of its own.": partial(compare, choose=one_place_for_all),
            "Five seeds are a sample: ddof=1.": partial(
                compare, spread=np.std, deviation=lambda a, b: np.std(b - a)
            ),
            "Is that the variance? The deviation is its root.": partial(
                compare, spread=lambda a: np.var(a, ddof=1)
            ),
            "A lead needs twice its deviation. With how much is yours compared?": partial(
                compare, deviation=lambda a, b: paired(a, b) / np.sqrt(len(a))
            ),
            "A mean lead is compared with twice the deviation of b − a itself. Is yours?": partial(
                compare,
                deviation=lambda a, b: np.hypot(np.std(a, ddof=1), np.std(b, ddof=1)),
            ),
            "More than twice the deviation is enough for a lead. How much do you ask for?": partial(
                compare, deviation=lambda a, b: 1.05 * paired(a, b)
            ),
            "Is your verdict ever 'undecided'?": partial(compare, judge=never_undecided),
            "On average: is that the mean of the leads, or their median?": partial(
                compare, judge=judged_by_the_median
            ),
            "Is that the mean of the leads' sizes? Where the other one leads counts against it.": (
                partial(compare, judge=judged_by_sizes)
            ),
            "A lead that is the same in all seeds is more than twice its deviation, zero.": partial(
                compare, judge=undecided_without_deviation
            ),
            "Row for row the tables belong to the same seeds. Do the scores keep their order?": (
                partial(compare, judge=judged_out_of_order)
            ),
            "A lead of zero is not more than twice a deviation of zero.": partial(
                compare, judge=ahead_without_a_lead
            ),
            "B can be ahead, too.": partial(compare, judge=only_a_can_lead),
            "These are errors. Is the method with more of them ahead?": partial(
                compare, judge=the_larger_leads
            ),
            "One seed at an edge, of A or of B, is enough. Does your verdict see it?": (
                partial(compare, judged="")
            ),
            "The grids may differ in length. Which is the last rate of B's own?": (
                compared_with_edges_of_a
            ),
            "Is the last rate of each grid an edge for you?": partial(
                compare, is_edge=lambda validation, places: places == 0
            ),
            "Is the first rate of each grid an edge for you?": partial(
                compare, is_edge=lambda validation, places: places == validation.shape[1] - 1
            ),
            "Does an edge count only for the method that is not ahead?": partial(
                compare, but=str.lower
            ),
            "Is B's grid looked at?": partial(compare, judged="a"),
            "Is A's grid looked at?": partial(compare, judged="b"),
        },
        hints=(
            "Write a function that gives one method's scores, and says whether a chosen rate is at "
            "an edge: it begins with validation.argmin(axis=1). Call it for both.",
            "lead = scores_b - scores_a has a number for each seed. A is ahead if its mean is "
            "more than twice lead.std(ddof=1), and B if the mean of -lead is.",
        ),
    ),
    Exercise(
        "7.6",
        reference=least_power_of_two,
        properties={
            "30 examples, own features 1 and 5": disarms(20, 10),
            "12 examples, own features 1 and 5": disarms(8, 4),
            "16 examples, own features 2 and 8": disarms(12, 4, 2, 8),
        },
        mistakes={
            TOO_LARGE: lambda X, y: 100.0,
            TOO_SMALL: lambda X, y: 1e-6,
            JUST_TOO_SMALL: lambda X, y: least_power_of_two(X, y) / 2,
            NOT_POSITIVE: lambda X, y: np.log10(least_power_of_two(X, y)),
        },
        hints=(
            "Train with G_0 = 1e-4 first. Which sign has the prediction for an unseen negative "
            "example, unseen(w)[1]?",
            "Double G_0 in a loop for as long as that prediction is not negative. With 300 steps, "
            "trained(X, y, optimizer, 300), the check has time enough.",
        ),
        closing=Exercise(
            "7.6",
            reference={"loss × 1,000": 1e6},
            mistakes={
                "The gradients grow by that factor. But what is added to G_0?": {
                    "loss × 1,000": 1e3
                },
                "AdaGrad does not feel the scale of the loss, if it starts at zero. Here it "
                "starts at G_0.": {"loss × 1,000": 1.0},
                "Is a gradient's root added to G_0, or its square?": {"loss × 1,000": 1e3**0.5},
                "Do the squares grow or shrink?": {"loss × 1,000": 1e-6},
            },
            hints=("By which factor do the squared gradients grow, beside which G_0 stands?",),
        ),
    ),
]
