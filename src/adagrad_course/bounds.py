"""How far AdaGrad can get, and how much regret it and SGD can have: bounds from the gradients."""

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import norms
from ._validate import positive, positive_number, real_array, whole_numbers

__all__ = ["adagrad_bound", "hindsight_scaling", "sgd_bound", "travel_bound", "travel_budget"]


def _norms(gradients: ArrayLike) -> np.ndarray:
    """Return the Euclidean norm of each coordinate's gradients, shape (..., d)."""
    gradients = real_array("gradients", gradients, min_dims=2)
    return norms(np.moveaxis(gradients, 0, -1))[..., 0]


def hindsight_scaling(gradients: ArrayLike, budget: float = 1.0) -> np.ndarray:
    r"""Return the diagonal scaling that would have been best for these gradients.

    It minimises :math:`\sum_t \sum_i g_{t,i}^2 / s_i` over :math:`s > 0` with
    :math:`\sum_i s_i \le` `budget`; the minimiser is proportional to
    :math:`\|g_{1:T,i}\|_2 = \sqrt{\sum_t g_{t,i}^2}`.

    Parameters
    ----------
    gradients : array_like, shape (T, ..., d)
        The gradients of all rounds.
    budget : float, optional
        What the scaling sums to.

    Returns
    -------
    numpy.ndarray, shape (..., d)

    Raises
    ------
    ValueError
        If `budget` is not positive or all gradients are zero.

    References
    ----------
    Duchi, Hazan and Singer, JMLR 12 (2011), section 3.

    Examples
    --------
    >>> hindsight_scaling([[3.0, 0.0], [4.0, 5.0]], budget=10.0)
    array([5., 5.])
    """
    budget = positive_number("budget", budget)
    norms = _norms(gradients)
    total = norms.sum(axis=-1, keepdims=True)
    if not total.all():
        raise ValueError("gradients must not all be zero, got only zeros")
    return budget * norms / total


def adagrad_bound(
    gradients: ArrayLike, diameter: float, lr: ArrayLike | None = None, *, eps: float = 0.0
) -> np.ndarray:
    r"""Return the bound on AdaGrad's regret.

    .. math::

        R_T \le \Bigl(\frac{D_\infty^2}{2\eta} + \eta\Bigr) \sum_i \|g_{1:T,i}\|_2
              + \frac{d\,\varepsilon D_\infty^2}{2\eta}

    Parameters
    ----------
    gradients : array_like, shape (T, ..., d)
        The gradients that the learner was shown.
    diameter : float
        D∞, the largest distance along one coordinate between the comparator and a point played.
    lr : float or array_like, optional
        AdaGrad's rate η; by default the one that makes the bound least, D∞/√2.
    eps : float, optional
        AdaGrad's constant ε.

    Returns
    -------
    numpy.ndarray, shape (...)

    References
    ----------
    Duchi, Hazan and Singer, JMLR 12 (2011), theorem 5 and corollary 6.

    Examples
    --------
    >>> adagrad_bound([[3.0, 0.0], [0.0, 4.0]], diameter=2.0).round(3)
    np.float64(19.799)
    """
    diameter = positive_number("diameter", diameter)
    lr = diameter / np.sqrt(2) if lr is None else positive("lr", lr)
    norms = _norms(gradients)
    total = norms.sum(axis=-1)
    # Rates in a column, as an optimizer takes them, would broadcast to a table of all pairs.
    if lr.shape not in (total.shape, ()) and total.shape != ():
        raise ValueError(f"lr must be a number or have shape {total.shape}, got {lr.shape}")
    spread = norms.shape[-1] * positive_number("eps", eps, zero_allowed=True)
    return diameter**2 / (2 * lr) * (total + spread) + lr * total


def sgd_bound(gradients: ArrayLike, diameter: float, lr: ArrayLike | None = None) -> np.ndarray:
    r"""Return the bound on the regret of gradient descent with the rate η / ‖g₁:t‖.

    .. math:: R_T \le \Bigl(\frac{D_2^2}{2\eta} + \eta\Bigr) \sqrt{\sum_t \|g_t\|_2^2}

    Parameters
    ----------
    gradients : array_like, shape (T, ..., d)
        The gradients that the learner was shown.
    diameter : float
        D₂, the largest Euclidean distance between the comparator and a point played.
    lr : float or array_like, optional
        The rate η; by default the one that makes the bound least, D₂/√2.

    Returns
    -------
    numpy.ndarray, shape (...)

    References
    ----------
    Streeter and McMahan, Less Regret via Online Conditioning, 2010 (arXiv:1002.4862).

    Examples
    --------
    >>> sgd_bound([[3.0, 0.0], [0.0, 4.0]], diameter=2.0).round(3)
    np.float64(14.142)
    """
    rounds = norms(real_array("gradients", gradients, min_dims=2))
    return adagrad_bound(rounds, diameter, lr)


# The sums of 1/√t over the first hundred t, and the constant ζ(1/2) of all further ones.
_FIRST_SUMS = np.cumsum(1 / np.sqrt(np.arange(1, 101)))
_ZETA_HALF = -1.4603545088095868


def travel_budget(lr: ArrayLike, steps: ArrayLike) -> np.ndarray:
    r"""Return the longest way that AdaGrad can go if gradients never grow.

    .. math:: \eta \sum_{t=1}^T \frac{1}{\sqrt t} \approx 2 \eta \sqrt T

    This is for each coordinate. If :math:`|g_t|` is at most each :math:`|g_s|` before it, then
    :math:`G_t = \sum_{s \le t} g_s^2 \ge t\, g_t^2`, so step t has at most the length
    :math:`\eta |g_t| / \sqrt{G_t} \le \eta / \sqrt t`. Gradients of one size attain it; ε and G₀
    can only shorten the way.

    Parameters
    ----------
    lr : float or array_like
        The rate η, which is constant.
    steps : int or array_like of int
        The number of steps T, at least 1. It is broadcast against the rates.

    Returns
    -------
    numpy.ndarray
        The distance, in the unit of the rate, to the accuracy of floating-point numbers.

    Raises
    ------
    TypeError, ValueError
        If a rate is negative, a number of steps is not whole or below 1, or they do not
        broadcast.

    See Also
    --------
    travel_bound : For gradients that do grow.

    Examples
    --------
    >>> travel_budget(0.1, [1, 4, 10_000]).round(3)
    array([ 0.1  ,  0.278, 19.854])
    """
    lr = positive("lr", lr, zero_allowed=True)
    steps = whole_numbers("steps", steps, dtype=np.int64)
    if steps.min() < 1:
        raise ValueError(f"steps must be at least 1, got {steps.min()}")
    try:
        np.broadcast_shapes(lr.shape, steps.shape)
    except ValueError:
        raise ValueError(f"lr must broadcast with steps, {steps.shape}, got {lr.shape}") from None
    # Euler and Maclaurin's formula; after a hundred terms what it leaves out is below 1e-14.
    n = steps.astype(np.float64)
    sums = 2 * np.sqrt(n) + _ZETA_HALF + (1 / 2 - (1 / 24 - 1 / (384 * n * n)) / n) / np.sqrt(n)
    return lr * np.where(steps <= 100, _FIRST_SUMS[np.minimum(steps, 100) - 1], sums)


def travel_bound(lr: ArrayLike, gradients: ArrayLike) -> np.ndarray:
    r"""Return a bound on the way that AdaGrad goes, whatever the gradients are.

    .. math::

        \eta \sum_{t=1}^T \frac{|g_t|}{\sqrt{G_t}}
        \le \eta \sqrt{T \Bigl(1 + \ln \frac{G_T}{g_1^2}\Bigr)}

    for each coordinate, where T counts its gradients that are not zero and :math:`g_1` is the first
    of them: zeros move nothing. By Cauchy and Schwarz's inequality the sum is at most
    :math:`\sqrt{T \sum_t g_t^2 / G_t}`. The first term of this sum is 1. Each further one is
    :math:`1 - G_{t-1} / G_t \le \ln(G_t / G_{t-1})`, as :math:`1 - x \le -\ln x`, and these
    logarithms add up to :math:`\ln(G_T / G_1)`.

    Parameters
    ----------
    lr : float or array_like
        The rate η, which is constant. It must broadcast to the gradients of one step.
    gradients : array_like, shape (T, ..., d)
        The gradients of all steps.

    Returns
    -------
    numpy.ndarray, shape (..., d)
        The distance, in the unit of the rate; zero where all gradients are.

    Raises
    ------
    TypeError, ValueError
        If a rate is negative, a gradient is not finite, or the shapes do not fit.

    See Also
    --------
    travel_budget : The least bound for gradients that never grow.

    Examples
    --------
    >>> travel_bound(0.1, [[1.0, 0.0], [1.0, 3.0], [1.0, 0.0]]).round(3)
    array([0.251, 0.1  ])
    """
    lr = positive("lr", lr, zero_allowed=True)
    gradients = real_array("gradients", gradients, min_dims=2)
    shape = gradients.shape[1:]
    try:
        fits = np.broadcast_shapes(lr.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"lr must broadcast to the gradients of a step, {shape}, got {lr.shape}")
    moved = gradients != 0
    first = np.abs(np.take_along_axis(gradients, moved.argmax(axis=0)[None], axis=0)[0])
    sums = norms(np.moveaxis(gradients, 0, -1))[..., 0]
    some = first > 0
    # Not the logarithm of G_T / g², which may be too large a number.
    growth = 2 * (
        np.log(sums, where=some, out=np.zeros(shape))
        - np.log(first, where=some, out=np.zeros(shape))
    )
    return lr * np.sqrt(moved.sum(axis=0) * (1 + np.maximum(growth, 0)))
