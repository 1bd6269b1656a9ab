"""Answers to the exercises of chapter 5: right ones in other forms, and wrong ones."""

import math
from functools import partial

import numpy as np


def budget_by_loop(distance, lr, steps):
    way = 0.0
    for t in range(1, steps + 1):
        way += lr / math.sqrt(t)
    return way >= distance


def rmsprop(w, g, s, lr, rho, eps):
    s = s + (1 - rho) * (g**2 - s)
    return w - lr / (np.sqrt(s) + eps) * g, s


def rmsprop_in_float32(w, g, s, lr, rho, eps):
    w, g, s = np.float32(w), np.float32(g), np.float32(s)
    return [np.float32(part) for part in rmsprop(w, g, s, np.float32(lr), np.float32(rho), eps)]


def rmsprop_entry_by_entry(w, g, s, lr, rho, eps):
    w, s = np.array(w), np.array(s)
    for i in np.ndindex(w.shape):
        s[i] = rho * s[i] + (1 - rho) * g[i] ** 2
        w[i] -= lr * g[i] / (math.sqrt(s[i]) + eps)
    return w.tolist(), s.tolist()


def rmsprop_of_two_dimensions(w, g, s, lr, rho, eps):
    moved, s = rmsprop(w, g, s, lr, rho, eps)
    return moved if moved.ndim < 3 else moved[:, :, 0], s


def rmsprop_of_one_dimension(w, g, s, lr, rho, eps):
    s = [rho * old + (1 - rho) * slope**2 for old, slope in zip(s, g, strict=True)]
    return [a - lr * b / (math.sqrt(c) + eps) for a, b, c in zip(w, g, s, strict=True)], s


def rmsprop_from_the_first_square(w, g, s, lr, rho, eps):
    s = rho * s + (1 - rho) * g**2 if np.any(s) else g**2
    return w - lr * g / (np.sqrt(s) + eps), s


def rmsprop_where_there_is_a_gradient(w, g, s, lr, rho, eps):
    s = np.where(g == 0, s, rho * s + (1 - rho) * g**2)
    return w - lr * g / (np.sqrt(s) + eps), s


def rmsprop_where_there_is_an_average(w, g, s, lr, rho, eps):
    s = np.where(s == 0, g**2, rho * s + (1 - rho) * g**2)
    return w - lr * g / (np.sqrt(s) + eps), s


def rmsprop_in_place(w, g, s, lr, rho, eps):
    s *= rho
    s += (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), s


def rmsprop_of_the_present_square(w, g, s, lr, rho, eps):
    return w - lr * g / (np.abs(g) + eps), g**2


def rmsprop_corrected_as_in_the_first_step(w, g, s, lr, rho, eps):
    s = s * rho / (1 - rho) + g**2
    return w - lr * g / (np.sqrt(s) + eps), s


def half_life_by_search(rho):
    low, high = 0.0, 1e4
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if rho**middle > 0.5 else (low, middle)
    return low


def adam_steps(gradients, lr, beta1, beta2, eps, where="steps"):
    steps, t = np.zeros_like(gradients), 0
    m, s = np.zeros((2, gradients.shape[1]))
    for i, row in enumerate(gradients):
        t += where == "steps"
        for j, g in enumerate(row):
            t += where == "weights"
            m[j] = beta1 * m[j] + (1 - beta1) * g
            s[j] = beta2 * s[j] + (1 - beta2) * g**2
            m_hat, s_hat = m[j] / (1 - beta1**t), s[j] / (1 - beta2**t)
            steps[i, j] = lr * m_hat / (np.sqrt(s_hat) + eps)
    return steps


def adam_without_zeros(gradients, lr, beta1, beta2, eps):
    """Leave out the weights that have no gradient in a step."""
    steps = np.zeros_like(gradients)
    m, s = np.zeros((2, gradients.shape[1]))
    for i, g in enumerate(gradients):
        t, some = i + 1, g != 0
        m[some] = beta1 * m[some] + (1 - beta1) * g[some]
        s[some] = beta2 * s[some] + (1 - beta2) * g[some] ** 2
        rates = lr / (np.sqrt(s / (1 - beta2**t)) + eps)
        steps[i] = np.where(some, rates * m / (1 - beta1**t), 0.0)
    return steps


def adam_without_empty_steps(gradients, *constants):
    some = gradients.any(axis=1)
    steps = np.zeros_like(gradients)
    steps[some] = adam_steps(gradients[some], *constants)
    return steps


def adam_for_three_weights(gradients, *constants):
    return np.hstack([adam_steps(gradients[:, :3], *constants), 0 * gradients[:, 3:]])


def adam_in_float32(gradients, *constants):
    return adam_steps(gradients.astype(np.float32), *map(np.float32, constants))


def adam_weight_by_weight(gradients, *constants):
    return np.column_stack([adam_steps(g[:, None], *constants)[:, 0] for g in gradients.T])


def adam_without_corrections(gradients, lr, beta1, beta2, eps):
    m = s = 0.0
    steps = []
    for g in gradients:
        m, s = beta1 * m + (1 - beta1) * g, beta2 * s + (1 - beta2) * g**2
        steps.append(lr * m / (np.sqrt(s) + eps))
    return np.array(steps)


def graft_of_floats(length_step, direction_step):
    length, norm = math.hypot(*length_step), math.hypot(*direction_step)
    return [length / norm * x for x in direction_step] if norm else [0.0] * len(direction_step)


def graft_above(length_step, direction_step, least):
    is_long = np.linalg.norm(direction_step) >= least
    return graft_of_floats(length_step, direction_step) if is_long else 0 * direction_step


class Plan:
    """Count the rounds since the last restart, which comes in round 90."""

    def __call__(self, t):
        return [5.0 / t**0.25 if t < 90 else 0.11 * math.sqrt(t - 89), int(t == 90)]


def sawtooth_made_level(t):
    since = (t - 1) % 150 + 1
    return (2.0 if t <= 150 else 0.1 * since**0.5), since == 1


RIGHT = [
    ("5.1", {"rate": 0.6 / 30, "step": np.float32(0.12), "steps needed": 400}),
    ("5.2", budget_by_loop),
    ("5.2", lambda d, lr, n: np.sum(lr / np.sqrt(np.arange(n) + 1)) >= d),
    ("5.2", lambda d, lr, n: d - lr * sum(t**-0.5 for t in range(1, n + 1)) <= 0),
    ("5.3", rmsprop),
    ("5.3", rmsprop_in_float32),
    ("5.3", rmsprop_entry_by_entry),
    ("5.3", lambda *args: list(rmsprop(*args))),
    ("5.4", lambda rho: math.log(2) / -math.log(rho)),
    ("5.4", lambda rho: math.log(0.5, rho)),
    ("5.4", lambda rho: np.float32(-np.log2(2) / np.log2(rho))),
    ("5.4", half_life_by_search),
    ("5.5", adam_steps),
    ("5.5", partial(adam_steps, where="steps")),
    ("5.5", adam_in_float32),
    ("5.5", adam_weight_by_weight),
    ("5.5", lambda *args: adam_steps(*args).tolist()),
    ("5.6", graft_of_floats),
    ("5.6", lambda a, b: b * np.sqrt(a @ a / (b @ b)) if b.any() else 0 * b),
    ("5.6", lambda a, b: np.float32(np.linalg.norm(a) * b / max(np.linalg.norm(b), 1e-300))),
    ("5.6", lambda a, b: b * np.sqrt(np.sum(a**2)) / np.sqrt(np.sum(b**2) or 1.0)),
    ("5.6", lambda a, b: np.linalg.norm(a) * (b / (np.linalg.norm(b) or 1.0))),
    ("5.7", Plan()),
    ("5.7", sawtooth_made_level),
    ("5.7", lambda t: (np.where(t < 99, 3.0, 0.1 * np.sqrt(np.abs(t - 98))), np.bool_(t == 99))),
    ("5.7", lambda t: (np.float64(4), False) if t < 60 else (0.09 * (t - 59) ** 0.5, t == 60)),
]

# With what the hint must say, or None where there must be none.
WRONG = [
    ("5.1", {"rate": 0.6, "step": 0.12, "steps needed": 400}, None),
    ("5.1", {"rate": 0.02, "step": 0.12, "steps needed": 399}, None),
    ("5.1", {"rate": 0.1, "step": 0.12, "steps needed": 400}, "all 25"),
    ("5.2", lambda d, lr, n: lr * np.sum(np.arange(1, n + 2) ** -0.5) >= d, "too many"),
    ("5.2", lambda d, lr, n: np.sum(np.arange(1, n + 1) ** -0.5) >= d, "rate is missing"),
    ("5.2", lambda d, lr, n: lr * sum(t**-0.5 for t in range(1, n)) >= d, "too few"),
    ("5.2", lambda d, lr, n: lr * n >= d, "η/√t and not η."),
    ("5.2", lambda d, lr, n: 2 * lr * math.sqrt(n) >= d, "bound"),
    ("5.2", lambda d, lr, n: lr * (2 * math.sqrt(n) - 1) >= d, "closer bound"),
    ("5.2", lambda d, lr, n: lr * 2 * (math.sqrt(n + 1) - 1) >= d, None),
    ("5.2", lambda d, lr, n: lr * (2 * math.sqrt(n) - 2) >= d, "an integral"),
    ("5.2", lambda d, lr, n: lr * 2 * (math.sqrt(n + 0.5) - math.sqrt(0.5)) >= d, None),
    ("5.2", lambda d, lr, n: lr * np.mean(np.arange(1, n + 1) ** -0.5) >= d, None),
    ("5.2", lambda d, lr, n: d - lr * sum(t**-0.5 for t in range(1, n + 1)) <= 0.01, None),
    ("5.2", lambda d, lr, n: lr * (2 * math.sqrt(n + 0.5) - 1.46) >= d, None),
    ("5.2", lambda d, lr, n: lr * (2 * n**0.5 - 1.4603545 + 0.5 / n**0.5) >= d, None),
    ("5.2", lambda d, lr, n: budget_by_loop(0.999 * d, lr, n), None),
    ("5.2", lambda d, lr, n: sum(lr / (t**0.5 + 1e-8) for t in range(1, n + 1)) >= d, "ε is zero"),
    ("5.2", lambda d, lr, n: lr * sum(t**-0.5 for t in range(1, n + 1)) > d, "exactly"),
    ("5.2", lambda d, lr, n: False, None),
    ("5.2", lambda d, lr, n: True, None),
    ("5.2", lambda d, lr, n: lr * np.sum(np.arange(1, n + 1) ** -0.5), None),
    ("5.3", rmsprop_of_one_dimension, None),
    ("5.3", rmsprop_of_two_dimensions, None),
    ("5.3", rmsprop_in_place, "copy"),
    ("5.3", rmsprop_from_the_first_square, "first step"),
    ("5.3", rmsprop_where_there_is_a_gradient, None),
    ("5.3", rmsprop_where_there_is_an_average, "first step"),
    ("5.3", lambda w, g, s, lr, rho, eps: rmsprop(w, g, s, 0.1, rho, eps), None),
    ("5.3", lambda w, g, s, lr, rho, eps: rmsprop(w, g, s, lr, 0.9, eps), None),
    ("5.3", lambda w, g, s, lr, rho, eps: rmsprop(w, g, s, 1.0, rho, eps), "rate is missing"),
    ("5.3", lambda w, g, s, lr, rho, eps: rmsprop(w, -g, s, lr, rho, eps), "uphill"),
    ("5.3", lambda w, g, s, lr, rho, eps: rmsprop(w, g, s, lr, 1 - rho, eps), "rho belongs"),
    ("5.3", lambda w, g, s, lr, rho, eps: rmsprop(w, g, s, lr, rho, 0.0), None),
    ("5.3", lambda w, g, s, lr, rho, eps: rmsprop(w, g, s, lr, rho, eps)[::-1], None),
    ("5.3", lambda w, g, s, lr, rho, eps: rmsprop(w, g, s, lr, rho, eps)[0], None),
    ("5.3", lambda w, g, s, lr, rho, eps: (w - lr * g / (s**0.5 + eps), s + g**2), None),
    ("5.3", rmsprop_of_the_present_square, None),
    ("5.3", rmsprop_corrected_as_in_the_first_step, None),
    ("5.4", lambda rho: 1 / (1 - rho), "rough"),
    ("5.4", lambda rho: np.log(2) / (1 - rho), "nearly"),
    ("5.4", lambda rho: round(math.log(0.5) / math.log(rho)), "rounded"),
    ("5.4", lambda rho: 0.69 / (1 - rho), None),
    ("5.4", lambda rho: math.log(2) / math.log(rho), "positive"),
    ("5.4", lambda rho: math.log(0.5) / math.log(1 - rho), None),
    ("5.5", partial(adam_steps, where="weights"), "share"),
    ("5.5", adam_without_corrections, "corrections"),
    ("5.5", lambda g, *rest: adam_steps(g[:, :1], *rest) + 0 * g, None),
    ("5.5", lambda g, lr, b1, b2, eps: adam_steps(g, lr, b2, b1, eps), "belongs"),
    ("5.5", lambda g, lr, b1, b2, eps: adam_steps(g, lr, 0.9, 0.98, eps), None),
    ("5.5", lambda g, lr, b1, b2, eps: adam_steps(g, 0.1, b1, b2, eps), None),
    ("5.5", lambda g, lr, b1, b2, eps: lr * np.sign(g), None),
    ("5.5", adam_without_zeros, None),
    ("5.5", adam_without_empty_steps, None),
    ("5.5", adam_for_three_weights, None),
    ("5.5", lambda *args: adam_steps(*args)[-1], None),
    ("5.6", lambda a, b: np.linalg.norm(a) / np.linalg.norm(b) * b, "nan"),
    ("5.6", lambda a, b: np.linalg.norm(a) * b, "Divide"),
    ("5.6", lambda a, b: b / np.linalg.norm(b) if b.any() else b, "as long as"),
    ("5.6", lambda a, b: abs(a) * np.sign(b), "not one for each"),
    ("5.6", lambda a, b: a.copy(), "direction of the second"),
    ("5.6", lambda a, b: a * b.any(), "direction of the second"),
    ("5.6", lambda a, b: graft_of_floats(a, b) if b.all() else 0 * b, None),
    ("5.6", lambda a, b: graft_of_floats(a, b) if b.sum() else 0 * b, None),
    ("5.6", lambda a, b: graft_of_floats(a, b) if np.abs(b).max() > 1e-4 else 0 * b, "short"),
    ("5.6", lambda a, b: np.linalg.norm(a) * b / (np.linalg.norm(b) + 1e-8), "Treat zero apart"),
    ("5.6", lambda a, b: np.linalg.norm(a) * b / (np.linalg.norm(b) + 1e-10), "added to it"),
    ("5.6", lambda a, b: np.linalg.norm(a) * b / (np.linalg.norm(b) + 1e-30), "added to it"),
    ("5.6", lambda a, b: np.linalg.norm(a) * b / np.sqrt(b @ b + 1e-24), "added to it"),
    ("5.6", lambda a, b: np.linalg.norm(a) * b / max(np.linalg.norm(b), 1e-12), "small number"),
    ("5.6", partial(graft_above, least=1e-12), "small number"),
    ("5.6", partial(graft_above, least=np.finfo(float).eps), "small number"),
    ("5.6", partial(graft_above, least=1e-6), "small number"),
    ("5.6", partial(graft_above, least=1e-4), "merely short"),
    ("5.6", lambda a, b: graft_of_floats(a, b) if (b > 0).any() else 0 * b, None),
    ("5.6", lambda a, b: graft_of_floats(a, b) if b[-1] else 0 * b, None),
    ("5.6", lambda a, b: 0 * b if np.allclose(b, 0) else graft_of_floats(a, b), "small number"),
    ("5.7", lambda t: (6.0, False), "too high"),
    ("5.7", lambda t: (3.0, False), "about 1 in a round"),
    (
        "5.7",
        lambda t: (3.0, False) if t <= 100 else (0.1 * (t - 99) ** 0.5, False),
        "about 1 in a round",
    ),
    ("5.7", lambda t: (30.0 if t == 1 else 0.1 * math.sqrt(t), False), "about 1 in a round"),
    ("5.7", lambda t: (3.0 if t < 100 else 1.2, t == 100), "must the rate grow"),
    ("5.7", lambda t: (3.0, 0) if t < 100 else (0.04 * (t - 99) ** 0.5, t == 100), "level, but"),
    ("5.7", lambda t: (0.25 * math.sqrt((t - 1) % 100 + 1), t % 100 == 1), "too high"),
    ("5.7", lambda t: (0.125 * math.sqrt(t), t == 100), "was far away"),
    ("5.7", lambda t: (0.125 * math.sqrt((t - 1) % 200 + 1), t % 200 == 1), "was far away"),
    ("5.7", lambda t: (0.1 if t < 9000 else 3.0, t % 100 == 1), "arrived"),
    ("5.7", lambda t: (0.1, True), "in each round"),
    ("5.7", lambda t: (0.05, True), "in each round"),
    ("5.7", lambda t: (3.0, False) if t < 100 else (0.1, True), "in each round"),
    ("5.7", lambda t: (10.0, False), "too high"),
    ("5.7", lambda t: (0.1 * t, False), "too high"),
    ("5.7", lambda t: (3.0 if t < 100 else 30.0, False), "too high"),
    ("5.7", lambda t: (1.0, t % 200 == 0), "was far away"),
    ("5.7", lambda t: (30.0 if t == 1 else 0.1 * math.sqrt(t - 1), t == 2), "was far away"),
    ("5.7", lambda t: (1.0, t % 50 == 0), "up and down"),
    ("5.7", lambda t: (3.0, t % 30 == 0), "neither too high"),
    (
        "5.7",
        lambda t: (8.0 if t < 60 else 0.02 * ((t - 60) % 100 + 1), t >= 60 and t % 100 == 60),
        "neither too high",
    ),
    ("5.7", lambda t: (30.0 * math.sqrt(t), False), "too high"),
    ("5.7", lambda t: (10.0 * t, False), "too high"),
    ("5.7", lambda t: (float(t), t % 100 == 0), "too high"),
    ("5.7", lambda t: (-0.1, False), None),
    ("5.7", lambda t: 0.1, None),
    ("5.7", lambda t: (math.nan, False), None),
    ("5.7", lambda t: (None, False), None),
    ("5.7", lambda t: (3.0, "no"), None),
    ("5.7", lambda t: (t == 100, 3.0), None),
]
