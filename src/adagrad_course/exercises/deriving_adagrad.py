"""The exercises of chapter 2, Deriving AdaGrad."""

import numpy as np

from ..descent import descend
from ..objectives import Quadratic
from ..optimizers import SGD
from ._steps import FLAT_BOWL, MISTAKEN_RUNS, SINGLE_WEIGHT, run_adagrad, run_with, some_bowls
from .machinery import Exercise

__all__ = ["EXERCISES"]


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


def steps_with_a_rate_for_each(angle):
    """Return the steps to a millionth of the loss with the rate 1/Hᵢᵢ for coordinate i."""
    bowl = Quadratic([1.0, 100.0], rotation=angle)
    run = descend(bowl, [3.0, 2.0], SGD(1 / np.diag(bowl.hessian)), 1000)
    return float(np.argmax(run.losses <= 1e-6 * run.losses[0]))


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


TEN_DEGREES = condition_after_scaling(1.0, 100.0, np.deg2rad(10))
TEN_RADIANS = steps_with_a_rate_for_each(10.0)


EXERCISES = [
    Exercise(
        "2.1",
        reference={"G1": 25.0, "G2": 100.0, "step 1": 0.0, "step 2": 0.3},
        mistakes={
            "Sum the squares, not the gradients.": {"G1": -1.0, "G2": 14.0},
            "Squares, not absolute values.": {"G1": 7.0},
            "Square each gradient, then sum; not the other way round.": {"G1": 1.0, "G2": 196.0},
            "That is the root of the accumulator.": {"G1": 5.0, "G2": 10.0},
            "Each coordinate has its own sum.": {"G1": 125.0, "G2": 125.0},
            "That is the effective rate. The step is the rate times the gradient.": {
                "step 2": 0.05
            },
            "Divide by the root of G.": {"step 2": 0.03},
            "The factor η is missing.": {"step 2": 0.6},
            "The present gradient counts: it is in G before the step is taken.": {"step 2": 0.375},
            "A length has no sign.": {"step 2": -0.3},
            "A first step is η long. Which step of this coordinate is it?": {"step 2": 0.5},
            "That was its second step; the third one is asked for.": {"step 1": 0.4},
            "Where the gradient is zero there is no step, whatever G is.": {"step 1": 0.5},
        },
        hints=(
            "The accumulator is the sum of the squares of all gradients of that coordinate.",
            "The step has the length η · |g| / √G, with the present g and with G including it.",
        ),
    ),
    Exercise(
        "2.2",
        reference=run_adagrad,
        cases={
            "the bowl that was printed": (
                lambda w: np.array([1.0, 20.0]) * w,
                np.array([3.0, -2.0]),
                0.7,
                6,
            ),
            "three coordinates": (
                lambda w: np.array([0.5, 3.0, 11.0]) * (w - [0.3, -1.1, 0.6]),
                np.array([1.73, 0.4, -2.3]),
                0.9,
                5,
            ),
            "a start at the minimum": (
                lambda w: np.array([1.5, 0.3]) * (w - [0.75, -0.5]),
                np.array([0.75, -0.5]),
                0.9,
                3,
            ),
            "a bowl so flat in one direction that 1e-10 counts": FLAT_BOWL,
            "a single weight, of shape ()": SINGLE_WEIGHT,
            "random bowls, with weights of shape (4, 2)": some_bowls,
        },
        mistakes={
            "How long is each step that was printed, and what does the accumulator hold when the "
            "second step begins?": run_with(accumulate=lambda G, g: g**2),
            "The start belongs to the points, too: steps + 1 in all.": (
                lambda gradient, start, lr, steps: run_adagrad(gradient, start, lr, steps)[1:]
            ),
        }
        | MISTAKEN_RUNS,
        hints=(
            "The losses jump to and fro: in the end every step is η long, as a first step is.",
            "A function's G is its own: a new G inside it does not change the G of the loop.",
            "Let the step return the new accumulator, too, and let the loop take both.",
        ),
    ),
    Exercise(
        "2.3",
        reference=lambda played, fixed: np.sum(played) - np.sum(fixed, axis=1).min(),
        cases={
            "two points, three rounds": (
                np.array([1.3, 0.9, 2.2]),
                np.array([[0.2, 2.1, 0.4], [1.6, 0.1, 1.9]]),
            ),
            "a negative regret": (
                np.array([0.19, 0.46, 0.22]),
                np.array([[0.37, 1.28, 0.71], [1.13, 0.24, 0.92]]),
            ),
            "losses of either sign, some of them large": (
                np.array([-310.0, 4200.0, -0.7]),
                np.array([[-2500.0, 5100.0, 1.9], [1300.0, 2750.0, -4.2], [-90.0, 3100.0, 6.5]]),
            ),
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
            "Compare with the best fixed point, not with all of them on average.": (
                lambda played, fixed: np.sum(played) - np.sum(fixed, axis=1).mean()
            ),
            "Regret may be negative: its sign tells who paid less.": (
                lambda played, fixed: abs(np.sum(played) - np.sum(fixed, axis=1).min())
            ),
            "One number is asked for: the regret after the last round.": (
                lambda played, fixed: np.cumsum(played) - np.cumsum(fixed, axis=1).min(axis=0)
            ),
        },
        hints=(
            "What did each fixed point pay in total?",
            "np.sum(fixed, axis=1) has one total for each point.",
        ),
    ),
    Exercise(
        "2.4",
        reference={"s1": 2.0, "s2": 8.0, "s3": 10.0, "least": 5.0, "equal": 6.3},
        mistakes={
            "Share in proportion to the roots of the sums of squares, not to the sums.": {
                "s1": 20 / 42,
                "s2": 20 * 16 / 42,
                "s3": 20 * 25 / 42,
            },
            "That is with a budget of 1: divide by the total, 20.": {"least": 100.0},
            "Those are equal shares.": {"s1": 20 / 3, "s2": 20 / 3, "s3": 20 / 3},
            "The shares must add up to 20.": {"s1": 1.0, "s2": 4.0, "s3": 5.0},
            "Those add up to 1: there are 20 to share.": {"s1": 0.1, "s2": 0.4, "s3": 0.5},
            "The sum of the roots is squared before it is divided by the budget.": {"least": 0.5},
            "That is the sum of all G over the budget: first the roots, then the sum, then the "
            "square.": {"least": 2.1},
            "The sum of G/s has no factor of ½ or of η in it.": {"least": 2.5, "equal": 3.15},
            "Each share is a third of the budget, not the whole.": {"equal": 2.1},
            "Add up the costs of all three coordinates.": {"equal": 2.1 / 3},
        },
        hints=(
            "The roots are 1, 4 and 5. Share 20 in these proportions.",
            "The least sum is the square of the sum of roots, divided by the budget.",
        ),
    ),
    Exercise(
        "2.5",
        reference=lambda D, S, c: (D / np.sqrt(c), np.sqrt(c) * D * S),
        cases={
            "a constant of 3": (1.7, 5.0, 3.0),
            "all gradients known": (2.3, 3.1, 1.0),
            "random constants": lambda rng: tuple(rng.uniform(0.5, 4, size=3)),
        },
        mistakes={
            "First the rate, then the bound.": lambda D, S, c: (np.sqrt(c) * D * S, D / np.sqrt(c)),
            "Is that for c = 2? The exercise has any c.": (
                lambda D, S, c: (D / np.sqrt(2), np.sqrt(2) * D * S)
            ),
            "In the bracket it is c/2, not c.": (
                lambda D, S, c: (D / np.sqrt(2 * c), np.sqrt(2 * c) * D * S)
            ),
            "The bound is proportional to S.": lambda D, S, c: (D / np.sqrt(c), np.sqrt(c) * D),
            "Is the c at the right place? The derivative is −D²/(2η²) + c/2.": (
                lambda D, S, c: (D / np.sqrt(2 * c), np.sqrt(c) * D * S)
            ),
            "Take the root: η² = D²/c.": lambda D, S, c: (D**2 / c, np.sqrt(c) * D * S),
            "At the best rate both terms are equal; add both.": (
                lambda D, S, c: (D / np.sqrt(c), np.sqrt(c) * D * S / 2)
            ),
            "Is the bound the value at your best rate, or at another one?": (
                lambda D, S, c: (D / np.sqrt(c), (D / 2 + c * D / 2) * S)
            ),
            "Upside down: a larger c asks for a smaller rate.": (
                lambda D, S, c: (D * np.sqrt(c), np.sqrt(c) * D * S)
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
            "10°": (3.0, 100.0, np.pi / 18),
            "45°": (0.4, 25.0, np.pi / 4),
            "random bowls": lambda rng: (*rng.uniform(0.5, 50, size=2), rng.uniform(0, np.pi)),
        },
        mistakes={
            "That is the condition number before scaling. (One gets it without the roots, too.)": (
                condition_before_scaling
            ),
            "Divide by both roots, √Hᵢᵢ and √Hⱼⱼ, or the matrix is not symmetric.": (
                condition_scaled_on_one_side
            ),
            "The angle is in radians already.": lambda h1, h2, angle: condition_after_scaling(
                h1, h2, np.deg2rad(angle)
            ),
            "The largest eigenvalue over the smallest, not the other way round.": (
                lambda h1, h2, angle: 1 / condition_after_scaling(h1, h2, angle)
            ),
        },
        hints=(
            "Quadratic([h1, h2], rotation=angle).hessian is H; np.diag(H) is its diagonal.",
            "The condition number is the largest eigenvalue divided by the smallest.",
            "For the run: descend(bowl, start, SGD(1 / np.diag(H)), 1000).losses has the loss of "
            "every point, from the start on.",
        ),
        rtol=1e-6,
        closing=Exercise(
            "2.6",
            reference={"forecast": TEN_DEGREES * np.log(1e6) / 4, "run": 47.0, "at 45°": "as many"},
            mistakes={
                "That is with the bowl's own 100. What is left of it after the scaling?": {
                    "forecast": 100 * np.log(1e6) / 4
                },
                "Is the ¼ of chapter 1's rule in it?": {"forecast": TEN_DEGREES * np.log(1e6)},
                "Give what the rule says, without rounding it to a whole number of steps.": {
                    "forecast": 47.0
                },
                "A millionth, and natural logarithms: ln c is 13.8.": {
                    "forecast": TEN_DEGREES * 6 / 4
                },
                "That is the bowl turned by 10 radians. np.deg2rad(10) is 10°.": {
                    "forecast": condition_after_scaling(1.0, 100.0, 10.0) * np.log(1e6) / 4,
                    "run": TEN_RADIANS,
                },
                "That is with one rate for both, 2/101. Here each coordinate has its own.": {
                    "run": 346.0
                },
                "Off by one: is the start counted as a step, and is the loss a millionth there?": {
                    "run": 48.0
                },
                "Off by one: is the loss a millionth there, and is the start counted as a step?": {
                    "run": 46.0
                },
                "Print 1/Hᵢᵢ at 45°, and 2/101 beside it.": {"at 45°": "fewer"},
                "Print 1/Hᵢᵢ and 2/101 at 45°: which of the two is larger?": {"at 45°": "more"},
            },
            hints=("For c = 10⁶ and your κ: ¼ κ ln c.",),
        ),
    ),
    Exercise(
        "2.7",
        reference=bound_with_delta,
        cases={
            "one coordinate": (np.array([7.3]), 1.8, 0.6, 2.1),
            "an unused coordinate": (np.array([2.9, 0.0, 4.4]), 1.3, 0.7, 0.15),
            "random games": lambda rng: (rng.uniform(0, 9, size=4), *rng.uniform(0.5, 2, size=3)),
        },
        mistakes={
            "In the second part the telescoping sum starts at √G₀: subtract it.": (
                bound_with_delta_kept
            ),
            "Where did G₀ go? The scales are √(G₀ + G).": bound_with_delta_dropped,
            "G₀ stands inside the root.": bound_with_delta_outside,
            "G₀ stands inside the root: the scale is √(G₀ + G).": lambda G, D, lr, delta: np.sum(
                (D**2 / (2 * lr) + lr) * (np.sqrt(G) + delta)
            ),
            "G₀ stands inside the root, in both parts.": lambda G, D, lr, delta: np.sum(
                (D**2 / (2 * lr) + lr) * (np.sqrt(G) + np.sqrt(delta))
            ),
            "The second part telescopes from the root of G₀, not from G₀.": (
                lambda G, D, lr, delta: np.sum(
                    D**2 / (2 * lr) * np.sqrt(delta + G) + lr * (np.sqrt(delta + G) - delta)
                )
            ),
            "A coordinate that was never used has its first price all the same.": (
                lambda G, D, lr, delta: bound_with_delta(G[G > 0], D, lr, delta)
            ),
            "Sum over the coordinates.": lambda G, D, lr, delta: bound_with_delta(
                G[:1], D, lr, delta
            ),
            "The roots of the coordinates are summed, not the coordinates under one root.": (
                lambda G, D, lr, delta: bound_with_delta([np.sum(G)], D, lr, delta)
            ),
            "That is one bound for each coordinate: add them up.": lambda G, D, lr, delta: (
                D**2 / (2 * lr) * np.sqrt(delta + G) + lr * (np.sqrt(delta + G) - np.sqrt(delta))
            ),
            "The second part is η/2 times a sum of at most twice the growth: is one of the two "
            "missing?": lambda G, D, lr, delta: np.sum(
                D**2 / (2 * lr) * np.sqrt(delta + G)
                + lr / 2 * (np.sqrt(delta + G) - np.sqrt(delta))
            ),
            "Every coordinate has a √G₀ to subtract, not only one of them.": (
                lambda G, D, lr, delta: bound_with_delta_kept(G, D, lr, delta) - lr * np.sqrt(delta)
            ),
            "In the first part nothing is subtracted: with s₁ in it, the sum is s_T.": (
                lambda G, D, lr, delta: np.sum(
                    (D**2 / (2 * lr) + lr) * (np.sqrt(delta + G) - np.sqrt(delta))
                )
            ),
            "The first price is divided by 2η.": lambda G, D, lr, delta: np.sum(
                D**2 / lr * np.sqrt(delta + G) + lr * (np.sqrt(delta + G) - np.sqrt(delta))
            ),
        },
        hints=(
            "Go through both parts of the proof with s = √(G₀ + G).",
            "The second part telescopes from √G₀ to √(G₀ + G), twice η/2.",
        ),
    ),
]
