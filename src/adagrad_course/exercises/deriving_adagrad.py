"""The exercises of chapter 2, Deriving AdaGrad."""

from functools import partial

import numpy as np

from ..objectives import Quadratic
from ._steps import adagrad_step, belated, eps_inside, uphill, without_root
from .machinery import Exercise, Wrong

__all__ = ["EXERCISES"]


def a_step(rng):
    w, g = rng.normal(size=(2, 3))
    return w, g, rng.uniform(0, 2, size=3), rng.uniform(0.1, 1), 1e-2


def some_losses(rng):
    return rng.random(8), rng.random((5, 8))


def condition_after_scaling(h1, h2, angle):
    hessian = Quadratic([h1, h2], rotation=angle).hessian
    scale = 1 / np.sqrt(np.diag(hessian))
    return np.linalg.cond(scale[:, None] * hessian * scale)


def condition_before_scaling(h1, h2, angle):
    return np.linalg.cond(Quadratic([h1, h2], rotation=angle).hessian)


def condition_scaled_on_one_side(h1, h2, angle):
    hessian = Quadratic([h1, h2], rotation=angle).hessian
    return np.linalg.cond(hessian / np.diag(hessian)[:, None])


def bound_with_delta(G, D, lr, delta):
    root = np.sqrt(delta + np.asarray(G))
    return np.sum(D**2 / (2 * lr) * root + lr * (root - np.sqrt(delta)))


def bound_with_delta_kept(G, D, lr, delta):
    root = np.sqrt(delta + np.asarray(G))
    return np.sum((D**2 / (2 * lr) + lr) * root)


def bound_with_delta_dropped(G, D, lr, delta):
    root = np.sqrt(np.asarray(G))
    return np.sum((D**2 / (2 * lr) + lr) * root)


def bound_with_delta_outside(G, D, lr, delta):
    root = np.sqrt(np.asarray(G)) + np.sqrt(delta)
    return np.sum(D**2 / (2 * lr) * root + lr * np.sqrt(G))


def ratio_is_nearly_one(a):
    """Raise `Wrong` unless the ratio of the lemma is at most 1.01 for these ten numbers."""
    a = np.asarray(a, dtype=float)
    if a.shape != (10,):
        raise Wrong(f"expected ten numbers, got shape {a.shape}")
    if not a.all():
        raise Wrong("expected ten numbers, none of them zero, got a zero", ZERO)
    sizes = np.abs(a)
    roots = np.hypot.accumulate(sizes)  # √A, without squares that overflow
    ratio = np.sum(sizes * (sizes / roots)) / roots[-1]
    if not ratio <= 1.01:
        overflowed = (a < 0).any() and (sizes > np.iinfo(int).max ** (2 / 3)).any()
        hint = OVERFLOWED if overflowed else TOO_EVEN
        raise Wrong(f"expected a ratio of at most 1.01, got {ratio:.5g}", hint)


ZERO = "A single number among zeros has the ratio 1, but that is too easy."
OVERFLOWED = "NumPy's integers overflow and turn negative: write 1000.0, not 1000."
TOO_EVEN = "By algebra: the bracket 1 + √(A₍ₜ₋₁₎/Aₜ) must be near 1. How small must A₍ₜ₋₁₎ be?"


EXERCISES = [
    Exercise(
        "2.1",
        reference={"G1": 25.0, "G2": 25.0, "step 1": 0.0, "step 2": 1.0},
        mistakes={
            "Sum the squares, not the gradients.": {"G1": 7.0, "G2": 5.0},
            "Square each gradient, then sum; not the other way round.": {"G1": 49.0},
            "That is the root of the accumulator.": {"G1": 5.0, "G2": 5.0},
            "The step is the gradient divided by the root of G.": {"step 2": 0.2},
            "Divide the gradient by the root of G.": {"step 2": 5.0},
            "A length has no sign.": {"step 2": -1.0},
            "That was its second step; the third one is asked for.": {"step 1": 0.8},
            "Where the gradient is zero there is no step, whatever G is.": {"step 1": 1.0},
        },
        hints=(
            "The accumulator is the sum of the squares of all gradients of that coordinate.",
            "The step has the length η · |g| / √G, with the present g and with G including it.",
        ),
    ),
    Exercise(
        "2.2",
        reference=adagrad_step,
        cases={
            "a first step": (np.array([1.0, 2.0]), np.array([3.0, -0.5]), np.zeros(2), 0.1, 1e-10),
            "a later step": (np.array([1.0]), np.array([3.0]), np.array([16.0]), 0.5, 1e-2),
            "a gradient of zero": (np.array([1.0]), np.zeros(1), np.zeros(1), 0.5, 1e-10),
            "random steps": a_step,
        },
        mistakes={
            "Divide by the root of the accumulator.": partial(adagrad_step, divisor=without_root),
            "ε stands outside the root here: √G + ε.": partial(adagrad_step, divisor=eps_inside),
            "The accumulator sums squares.": partial(
                adagrad_step, accumulate=lambda G, g: G + np.abs(g)
            ),
            "The accumulator remembers: add to it instead of starting again.": partial(
                adagrad_step, accumulate=lambda G, g: g**2
            ),
            "The present gradient counts: update the accumulator before you divide by its root.": (
                partial(adagrad_step, divisor=belated)
            ),
            "You went uphill: subtract.": uphill(adagrad_step),
            "First the parameters, then the accumulator.": lambda w, g, G, lr, eps: adagrad_step(
                w, g, G, lr, eps
            )[::-1],
        },
        hints=(
            "Two lines: the new accumulator, then the new parameters.",
            "G + g**2 makes a new array; G += g**2 would change the caller's.",
        ),
    ),
    Exercise(
        "2.3",
        reference=lambda played, fixed: np.sum(played) - np.sum(fixed, axis=1).min(),
        cases={
            "two points, three rounds": (
                np.array([1.0, 1.0, 1.0]),
                np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 2.0]]),
            ),
            "a negative regret": (np.array([0.0, 0.5]), np.array([[0.0, 1.0], [1.0, 0.0]])),
            "random games": some_losses,
        },
        mistakes={
            "The comparator is one point for all rounds: sum first, then take the least.": (
                lambda played, fixed: np.sum(played) - np.min(fixed, axis=0).sum()
            ),
            "Compare with the best fixed point, the one with the least total.": (
                lambda played, fixed: np.sum(played) - np.sum(fixed, axis=1).max()
            ),
            "Regret is positive where the learner paid more than the best point.": (
                lambda played, fixed: np.sum(fixed, axis=1).min() - np.sum(played)
            ),
            "A row of `fixed` is one point: sum along axis 1.": (
                lambda played, fixed: np.sum(played) - np.sum(fixed, axis=0).min()
            ),
            "Subtract what the best fixed point paid.": lambda played, fixed: np.sum(played),
            "Regret can be negative: do not cut it off at zero.": (
                lambda played, fixed: max(0.0, np.sum(played) - np.sum(fixed, axis=1).min())
            ),
            "Regret is a sum over the rounds, not a mean.": (
                lambda played, fixed: np.mean(played) - np.mean(fixed, axis=1).min()
            ),
        },
        hints=(
            "What did each fixed point pay in total?",
            "np.sum(fixed, axis=1) has one total for each point.",
        ),
    ),
    Exercise(
        "2.4",
        reference={"s1": 2.0, "s2": 8.0, "s3": 18.0, "least": 7.0, "equal": 10.5},
        mistakes={
            "Share in proportion to the roots of the sums of squares, not to the sums.": {
                "s1": 28 / 98,
                "s2": 28 * 16 / 98,
                "s3": 28 * 81 / 98,
            },
            "That is with a budget of 1: divide by the total, 28.": {"least": 196.0},
            "Those are equal shares.": {"s1": 28 / 3, "s2": 28 / 3, "s3": 28 / 3},
            "The shares must add up to 28.": {"s1": 1.0, "s2": 4.0, "s3": 9.0},
        },
        hints=(
            "The roots are 1, 4 and 9. Share 28 in these proportions.",
            "The least sum is the square of the sum of roots, divided by the budget.",
        ),
    ),
    Exercise(
        "2.5",
        reference=lambda D, S, c: (D / np.sqrt(c), np.sqrt(c) * D * S),
        cases={
            "the lemma's 2": (2.0, 5.0, 2.0),
            "no ignorance": (1.0, 3.0, 1.0),
            "random constants": lambda rng: tuple(rng.uniform(0.5, 4, size=3)),
        },
        mistakes={
            "First the rate, then the bound.": lambda D, S, c: (np.sqrt(c) * D * S, D / np.sqrt(c)),
            "That is for c = 2; the exercise has any c.": (
                lambda D, S, c: (D / np.sqrt(2), np.sqrt(2) * D * S)
            ),
            "The bound is proportional to S.": lambda D, S, c: (D / np.sqrt(c), np.sqrt(c) * D),
            "Is the c at the right place? The derivative is −D²/(2η²) + c/2.": (
                lambda D, S, c: (D / np.sqrt(2 * c), np.sqrt(c) * D * S)
            ),
            "Take the root: η² = D²/c.": lambda D, S, c: (D**2 / c, np.sqrt(c) * D * S),
            "At the best rate both terms are equal; add both.": (
                lambda D, S, c: (D / np.sqrt(c), np.sqrt(c) * D * S / 2)
            ),
        },
        hints=(
            "Differentiate with respect to η and set to zero.",
            "η = D/√c; put it back into the bracket.",
        ),
    ),
    Exercise(
        "2.6",
        reference=condition_after_scaling,
        cases={
            "no turn": (1.0, 100.0, 0.0),
            "10°": (1.0, 100.0, np.pi / 18),
            "45°": (1.0, 100.0, np.pi / 4),
            "random bowls": lambda rng: (*rng.uniform(0.5, 50, size=2), rng.uniform(0, np.pi)),
        },
        mistakes={
            "That is the condition number before scaling.": condition_before_scaling,
            "Divide by both roots, √Hᵢᵢ and √Hⱼⱼ, or the matrix is not symmetric.": (
                condition_scaled_on_one_side
            ),
        },
        hints=(
            "Quadratic([h1, h2], rotation=angle).hessian is H; np.diag(H) is its diagonal.",
            "The condition number is the largest eigenvalue divided by the smallest.",
        ),
        rtol=1e-6,
    ),
    Exercise(
        "2.7",
        reference=bound_with_delta,
        cases={
            "one coordinate": (np.array([9.0]), 2.0, 1.0, 16.0),
            "an unused coordinate": (np.array([0.0, 4.0]), 1.0, 0.5, 0.1),
            "random games": lambda rng: (rng.uniform(0, 9, size=4), *rng.uniform(0.5, 2, size=3)),
        },
        mistakes={
            "In the second part the telescoping sum starts at √G₀: subtract it.": (
                bound_with_delta_kept
            ),
            "Where did G₀ go? The scales are √(G₀ + G).": bound_with_delta_dropped,
            "G₀ stands inside the root.": bound_with_delta_outside,
            "Sum over the coordinates.": lambda G, D, lr, delta: bound_with_delta(
                G[:1], D, lr, delta
            ),
        },
        hints=(
            "Go through both parts of the proof with s = √(G₀ + G).",
            "The second part telescopes from √G₀ to √(G₀ + G), twice η/2.",
        ),
    ),
    Exercise(
        "2.8",
        reference=1000.0 ** np.arange(10),
        properties={"ten numbers, none of them zero, with a ratio near 1": ratio_is_nearly_one},
        mistakes={
            ZERO: np.eye(10)[0],
            TOO_EVEN: np.ones(10),
            OVERFLOWED: 1000 ** np.arange(10, dtype=np.int64),
        },
        hints=(
            "For ones the ratio is largest. What is the opposite of many equal numbers?",
            "Let every number dwarf all those before it.",
        ),
    ),
]
