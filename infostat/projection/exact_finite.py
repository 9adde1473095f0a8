"""Exact risks of one-parameter models on a finite support, by enumeration of all samples.

The estimate depends on the data through the mean of one statistic. Its law is a convolution power of the
law of the statistic when the values lie on a lattice, and a sum over multinomial counts otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray
from ..families.enumerated import EnumeratedFamily

__all__ = ["finite_risk", "mean_law"]

_MAX_SUMS = 1 << 22  # possible values of the sum of a sample
_DIRECT = 1 << 13  # convolutions of at most this length keep the relative accuracy of the tails
_MAX_DENOMINATOR = 1000
_LATTICE = 1e-9  # largest distance from the lattice, in its steps
_ROWS = 1 << 20  # numbers of the table means x points at a time
_MAX_STEPS = 200


def finite_risk(
    family: EnumeratedFamily, encoded: FloatArray, weights: FloatArray, n: int
) -> tuple[float, float, float]:
    """Return the exact risk, reverse risk and the probability of a boundary estimate.

    Parameters
    ----------
    family : EnumeratedFamily
        Bound family with one parameter.
    encoded, weights : ndarray
        The truth: points with probabilities of sum one.
    n : int
        Sample size.

    Returns
    -------
    tuple of float
        Risk and reverse risk conditional on an interior estimate (nats), excluded probability.

    Raises
    ------
    InputError
        If the truth has no projection, no sample of this size has an interior estimate, or there are too
        many different samples.
    """
    cells = family.cells()
    support = cells.relative[:, 0]
    values = cells.relative[family.cell_index(encoded), 0]
    star = family.fit(encoded, weights).theta
    log_prob = cells.log_prob(star)[0]
    means, probability = mean_law(values, weights, n)
    margin = 1e-12 * (cells.high[0] - cells.low[0])
    inside = (means > cells.low[0] + margin) & (means < cells.high[0] - margin)
    mass = float(probability[inside].sum())
    if not mass > 0.0:
        raise InputError(f"n must be larger: no sample of {n} rows has an estimate inside the family")
    forward = backward = 0.0
    for part in _blocks(means[inside], probability[inside], len(support)):
        risk, reverse = _divergences(support, log_prob, part[0])
        forward += float(part[1] @ risk)
        backward += float(part[1] @ reverse)
    return forward / mass, backward / mass, float(probability[~inside].sum())


def mean_law(values: FloatArray, weights: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    """Return the law of the mean of n independent draws.

    Parameters
    ----------
    values : ndarray of shape (k,)
        Values of one draw; they may repeat.
    weights : ndarray of shape (k,)
        Probabilities of sum one.
    n : int
        Number of draws.

    Returns
    -------
    means, probability : ndarray
        Possible means, increasing where the values lie on a lattice, and their probabilities.

    Raises
    ------
    InputError
        If there are more than 2^22 possible sums.

    Examples
    --------
    >>> mean_law(np.array([0.0, 1.0]), np.array([0.75, 0.25]), 2)
    (array([0. , 0.5, 1. ]), array([0.5625, 0.375 , 0.0625]))
    """
    distinct, where = np.unique(values, return_inverse=True)
    prob = np.asarray(np.bincount(where, weights=weights), dtype=np.float64)
    if len(distinct) == 1:
        return distinct, np.ones(1)
    ranks = _lattice_ranks(distinct)
    if ranks is None or n * ranks[-1] > _MAX_SUMS:
        return _by_counts(distinct, prob, n)
    pmf = np.zeros(ranks[-1] + 1)
    pmf[ranks] = prob
    step = (distinct[-1] - distinct[0]) / ranks[-1]
    law = _power(pmf, n)
    return distinct[0] + step * np.arange(len(law)) / n, law


def _lattice_ranks(distinct: FloatArray) -> list[int] | None:
    """Integers proportional to the distances from the smallest value, or None."""
    gaps = (distinct - distinct[0]) / (distinct[1] - distinct[0])
    fractions = [Fraction(float(gap)).limit_denominator(_MAX_DENOMINATOR) for gap in gaps]
    common = math.lcm(*(fraction.denominator for fraction in fractions))
    ranks = [int(fraction * common) for fraction in fractions]
    shared = math.gcd(*ranks)
    exact = np.array(ranks) / common
    if common > _MAX_SUMS or (np.abs(exact - gaps) * common > _LATTICE * np.maximum(1.0, gaps)).any():
        return None
    return [rank // shared for rank in ranks]


def _power(pmf: FloatArray, n: int) -> FloatArray:
    """Convolution power by repeated squaring."""
    out, square, left = np.ones(1), pmf, n
    while True:
        if left & 1:
            out = _convolve(out, square)
        left >>= 1
        if not left:
            return out
        square = _convolve(square, square)


def _convolve(a: FloatArray, b: FloatArray) -> FloatArray:
    if min(len(a), len(b)) <= _DIRECT:
        return np.convolve(a, b)
    from scipy.signal import fftconvolve

    # Absolute error near 1e-16: tails below that do not matter for expectations of logarithms.
    return np.maximum(np.asarray(fftconvolve(a, b), dtype=np.float64), 0.0)


def _by_counts(distinct: FloatArray, prob: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    """Means and probabilities of all multinomial counts, one value after the other."""
    from scipy.special import gammaln, xlogy

    k = len(distinct)
    if math.comb(n + k - 1, k - 1) > _MAX_SUMS:
        raise InputError(
            f"n = {n} gives {math.comb(n + k - 1, k - 1)} different samples of {k} values that lie on no common "
            "lattice, too many to enumerate; use a smaller n, or simulate_risk"
        )
    used, sums, logs = np.zeros(1), np.zeros(1), np.full(1, gammaln(n + 1.0))
    for j in range(k - 1):
        # Every partial sample branches into those with 0, 1, ... further draws of this value.
        repeats = (n - used + 1).astype(np.intp)
        origin = np.repeat(np.arange(len(used)), repeats)
        count = (np.arange(len(origin)) - np.repeat(np.cumsum(repeats) - repeats, repeats)).astype(np.float64)
        used, sums = used[origin] + count, sums[origin] + count * distinct[j]
        logs = logs[origin] + xlogy(count, prob[j]) - gammaln(count + 1.0)
    rest = n - used
    logs = logs + xlogy(rest, prob[-1]) - gammaln(rest + 1.0)
    return np.asarray((sums + rest * distinct[-1]) / n), np.exp(logs)


def _blocks(means: FloatArray, probability: FloatArray, n_points: int) -> Iterator[tuple[FloatArray, FloatArray]]:
    keep = probability > 0.0
    means, probability = means[keep], probability[keep]
    step = max(1, _ROWS // n_points)
    return ((means[a : a + step], probability[a : a + step]) for a in range(0, len(means), step))


def _divergences(support: FloatArray, log_prob: FloatArray, means: FloatArray) -> tuple[FloatArray, FloatArray]:
    """KL(star || estimate) and KL(estimate || star) for estimates with the given means.

    With u = log(estimate / star) these are ``E_star[e^u - 1 - u]`` and ``E_estimate[e^-u - 1 + u]``, sums
    of non-negative terms that keep their digits when the two laws are close.
    """
    estimate = _tilts(support, log_prob, means)
    u = estimate - log_prob
    forward = (np.expm1(u) - u) @ np.exp(log_prob)
    backward = np.sum(np.exp(estimate) * (np.expm1(-u) + u), axis=1)
    return forward, np.asarray(backward)


def _tilts(support: FloatArray, log_prob: FloatArray, means: FloatArray) -> FloatArray:
    """Log probabilities of the exponential tilts of one law with given means: Newton with a bracket."""
    scale = float(np.ptp(support))
    x = (support - support[0]) / scale
    goal = (means - support[0]) / scale
    t = np.zeros(len(goal))
    low, high = np.full(len(goal), -np.inf), np.full(len(goal), np.inf)
    for _ in range(_MAX_STEPS):
        tilted = log_prob + t[:, None] * x
        tilted -= tilted.max(axis=1, keepdims=True)
        tilted -= np.log(np.exp(tilted).sum(axis=1, keepdims=True))
        prob = np.exp(tilted)
        mean = prob @ x
        gap = goal - mean
        variance = np.sum(prob * (x - mean[:, None]) ** 2, axis=1)
        low, high = np.where(gap > 0, t, low), np.where(gap < 0, t, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            following = t + gap / variance
        # Outside the bracket: its middle, or twice as far where one side is still open.
        with np.errstate(invalid="ignore"):
            middle = np.where(np.isfinite(low) & np.isfinite(high), 0.5 * (low + high), 2.0 * t + np.sign(gap))
        following = np.where((following > low) & (following < high), following, middle)
        following = np.where(gap == 0.0, t, following)
        if (np.abs(gap) <= 4.0 * np.finfo(float).eps).all() or (following == t).all():
            break
        t = following
    return np.asarray(tilted)
