"""Least-squares cross-validation: an unbiased estimate of the integrated squared error.

The value is the difference of two terms that both leave the range of floating point in large
dimension, so it is kept as a sign and a logarithm.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from ..core.progress import Report
from ..core.validation import FloatArray
from .duplicates import remaining_masses
from .loo_sums import fold_log_sums

__all__ = ["gain_scores", "is_uninformative", "lscv_terms", "lscv_values", "shown_scale"]

# Rounding of each term, relative: that of the sums of exponentials.
_ROUNDING = 1e-12
_MOST_EXPONENT = 700.0


def lscv_terms(
    points: FloatArray,
    hs: FloatArray,
    masses: FloatArray | None,
    rows: NDArray[np.intp] | None,
    workers: int,
    report: Report | None = None,
) -> FloatArray:
    """Return the logs of the two terms of the criterion and of its sampling error.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Distinct points.
    hs : ndarray of shape (k,)
        Bandwidths.
    masses : ndarray of shape (n,) or None
        Positive masses of the points; None is one each.
    rows : ndarray of int or None
        Points over which the outer sums run; None is all, a subset gives an estimate.
    workers : int
        Threads.
    report : callable, optional
        Called with blocks done and in all.

    Returns
    -------
    ndarray of shape (k, 3)
        ``log integral f^2``, ``log (2 mean_j f_{-j}(x_j))`` and the log of the standard error of
        the latter; -inf where it is zero.

    Notes
    -----
    ``LSCV(h) = integral f^2 - 2 mean_j f_{-j}(x_j)`` with
    ``integral f^2 = sum_ij w_i w_j N(x_i - x_j; 2 h^2)`` for weights of sum one (Rudemo 1982,
    Bowman 1984). A point leaves out all its copies. The standard error is that of the mean over
    rows, times sqrt(2) because every pair of rows enters twice.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0]])
    >>> np.exp(lscv_terms(X, np.array([1.0]), None, None, 1)).round(6)
    array([[0.250895, 0.483941, 0.      ]])
    """
    n, d = points.shape
    own = np.ones(n) if masses is None else masses
    total = float(own.sum())
    log_own = np.log(own)
    log_share = log_own - np.log(remaining_masses(masses, n))
    index = np.arange(n) if rows is None else rows

    def fold(block: NDArray[np.intp], logs: FloatArray) -> FloatArray:
        cross = logs + log_share[block, None]
        return np.stack([logsumexp(each, axis=0) for each in (logs + log_own[block, None], cross, 2.0 * cross)], -1)

    k = len(hs)
    wide = np.concatenate([math.sqrt(2.0) * hs, hs])
    parts = fold_log_sums(points, wide, fold, masses=masses, rows=index, workers=workers, report=report)
    sums = logsumexp(parts, axis=0)
    asked = math.log(float(own[index].sum()))
    diagonal = math.log(float(own @ own)) - 2.0 * math.log(total)
    pairs = sums[:k, 0] - asked - math.log(total)
    log_square = np.logaddexp(diagonal, pairs) - 0.5 * d * np.log(4.0 * math.pi) - d * np.log(hs)
    log_cross = math.log(2.0) + sums[k:, 1] - asked - 0.5 * d * math.log(2.0 * math.pi) - d * np.log(hs)
    with np.errstate(divide="ignore"):
        # Equal rows leave a spread of rounding, which is none.
        spread = np.log(np.maximum(np.expm1(sums[k:, 2] - 2.0 * sums[k:, 1] + math.log(len(index))), 0.0))
    log_error = log_cross + 0.5 * (spread - math.log(len(index)) + math.log(2.0))
    return np.column_stack([log_square, log_cross, log_error])


def _signed(terms: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return sign and log of the absolute value of the gain, minus the criterion."""
    square, cross = terms[:, 0], terms[:, 1]
    high, low = np.maximum(square, cross), np.minimum(square, cross)
    with np.errstate(divide="ignore"):
        return np.sign(cross - square), high + np.log(-np.expm1(low - high))


def gain_scores(terms: FloatArray) -> FloatArray:
    """Return minus the criterion, divided by the largest gain or, if none is positive, the least loss.

    Parameters
    ----------
    terms : ndarray of shape (k, 3)
        From `lscv_terms`.

    Returns
    -------
    ndarray of shape (k,)
        Large is good; the best is 1, or -1 where the criterion is nowhere negative.

    Examples
    --------
    >>> gain_scores(np.array([[-900.0, -899.0], [-901.0, -901.5]])).round(3)
    array([ 1.   , -0.084])
    """
    sign, log_size = _signed(terms)
    reference = _reference(sign, log_size)
    return np.asarray(sign * np.exp(np.minimum(log_size - reference, _MOST_EXPONENT)))


def _reference(sign: FloatArray, log_size: FloatArray) -> float:
    gains = sign > 0.0
    found = float(log_size[gains].max()) if gains.any() else float(log_size.min())
    return found if math.isfinite(found) else 0.0


def shown_scale(terms: FloatArray) -> float:
    """Return the logarithm by which values of the criterion must be scaled to be floating-point numbers.

    Parameters
    ----------
    terms : ndarray of shape (k, 3)
        From `lscv_terms`.

    Returns
    -------
    float
        0 where no scaling is needed.

    Examples
    --------
    >>> shown_scale(np.array([[-10.0, -9.0]])), round(shown_scale(np.array([[-900.0, -899.0]])), 3)
    (0.0, -899.459)
    """
    reference = _reference(*_signed(terms))
    return 0.0 if abs(reference) < 600.0 else reference


def lscv_values(terms: FloatArray, log_scale: float) -> FloatArray:
    """Return the criterion divided by ``exp(log_scale)``.

    Parameters
    ----------
    terms : ndarray of shape (k, 3)
        From `lscv_terms`.
    log_scale : float
        From `shown_scale`.

    Returns
    -------
    ndarray of shape (k,)
        Infinite where a value is beyond the range all the same.

    Examples
    --------
    >>> lscv_values(np.log([[0.25, 0.5]]), 0.0)
    array([-0.25])
    """
    sign, log_size = _signed(terms)
    with np.errstate(over="ignore"):
        return np.asarray(-sign * np.exp(log_size - log_scale))


def is_uninformative(terms: FloatArray) -> bool:
    """Return whether the gain at one bandwidth is within its rounding or twice its sampling error.

    Parameters
    ----------
    terms : ndarray of shape (3,)
        From `lscv_terms`, at the chosen bandwidth.

    Returns
    -------
    bool
        True where the criterion does not tell the estimate from no estimate at all.

    Examples
    --------
    >>> is_uninformative(np.array([-5.0, -4.0, -9.0])), is_uninformative(np.array([-5.0, -4.0, -4.0]))
    (False, True)
    """
    square, cross, error = (float(value) for value in terms)
    gain = -math.expm1(square - cross)
    return not gain > max(_ROUNDING, 2.0 * math.exp(min(error - cross, 700.0)))
