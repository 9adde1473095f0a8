"""The likelihood-ratio test of a fitted table, also where many cells expect few observations.

``G2 = 2 n KL(shares || fitted probabilities)`` is compared with a chi-squared law of ``cells - 1 - p``
degrees of freedom when the expected counts are large. In sparse tables that law is wrong in both
directions (measured at nominal 5 %: 0 % to 17 %), and the mean and variance of G2 are computed instead.
"""

from __future__ import annotations

import numpy as np

from ..core.validation import FloatArray
from .misfit_tests import chi2_tail
from .results import Misfit

__all__ = ["g2_test"]

_ENOUGH, _SHARE, _LEAST = 5.0, 0.2, 1.0  # Cochran's rule for the chi-squared limit
_ROWS_PER_PARAMETER = 5.0
_LARGE = 50.0  # expected count from which two terms of the expansions in 1/e have four digits
_GAP = 30.0


def g2_test(shares: FloatArray, log_prob: FloatArray, statistics: FloatArray, n: float) -> Misfit:
    """Return the likelihood-ratio test of a model on finitely many cells.

    Parameters
    ----------
    shares : ndarray of shape (M,)
        Shares of the data, sum one.
    log_prob : ndarray of shape (M,)
        Fitted log probabilities.
    statistics : ndarray of shape (M, p)
        Statistics of the cells.
    n : float
        Sample size.

    Returns
    -------
    Misfit
        ``value = 2 n sum f log(f/p)`` with empty cells contributing 0, ``df = M - 1 - p``. The p-value is
        None for a saturated model (df = 0) and with fewer than five rows per parameter.

    Notes
    -----
    By Cochran's rule the chi-squared limit is used if no cell expects less than one observation and at
    most a fifth expect less than five. Otherwise G2 is compared with a multiple of a chi-squared variable that
    has its mean and variance. For Poisson counts X with means e, ``g = 2 (X log(X/e) - X + e)`` and k = p + 1
    fitted constraints these are ``sum E g - k`` and ``sum Var g - b' C^-1 b - 2 k``, where ``b = sum Cov(g, X) xi``
    and ``C = sum e xi xi'`` over the cells with the constant among the statistics: fitting takes k degrees of
    freedom and the linear part in the counts (derived here; sizes in the tests).
    """
    df = len(shares) - 1 - statistics.shape[1]
    if df <= 0:
        return Misfit("G2 (saturated model)", 0.0, 0, None)
    used = shares > 0.0
    value = max(0.0, 2.0 * n * float(shares[used] @ (np.log(shares[used]) - log_prob[used])))
    expected = n * np.exp(log_prob)
    if expected.min() >= _LEAST and np.mean(expected < _ENOUGH) <= _SHARE:
        return Misfit("G2", value, df, chi2_tail(value, df))
    if n < _ROWS_PER_PARAMETER * (statistics.shape[1] + 1):
        return Misfit("G2 (too few rows to test)", value, df, None)
    mean, variance = _null_moments(expected, statistics)
    if not (mean > 0.0 and variance > 0.0):
        return Misfit("G2", value, df, chi2_tail(value, df))
    scale = variance / (2.0 * mean)
    return Misfit("G2 (sparse table)", value, df, chi2_tail(value / scale, mean / scale))


def _null_moments(expected: FloatArray, statistics: FloatArray) -> tuple[float, float]:
    """Mean and variance of G2 under the fitted model."""
    mean, variance, slope = _cell_moments(expected)
    design = np.column_stack([np.ones(len(expected)), statistics])
    k = design.shape[1]
    size = np.sqrt(expected @ design**2)
    weighted = design / size
    b = weighted.T @ slope
    solved = np.linalg.lstsq(weighted.T @ (weighted * expected[:, None]), b, rcond=None)[0]
    return float(mean.sum()) - k, float(variance.sum() - b @ solved) - 2.0 * k


def _cell_moments(expected: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, variance of g and its covariance with the count, per cell."""
    from scipy.special import gammaln, xlogy

    inverse = 1.0 / np.maximum(expected, _LARGE)
    mean, variance, slope = 1.0 + inverse / 6.0, 2.0 + 2.0 * inverse / 3.0, -inverse / 6.0
    small = np.flatnonzero((expected < _LARGE) & (expected > 0.0))
    e = expected[small][:, None]
    top = int(_LARGE + 12.0 * np.sqrt(_LARGE) + _GAP)
    x = np.arange(top + 1.0)
    prob = np.exp(xlogy(x, e) - e - gammaln(x + 1.0))
    g = 2.0 * (xlogy(x, x) - xlogy(x, e) - x + e)
    mean[small] = np.sum(prob * g, axis=1)
    deviation = prob * (g - mean[small, None])
    variance[small] = np.sum(deviation * (g - mean[small, None]), axis=1)
    slope[small] = np.sum(deviation * (x - e), axis=1)
    # A cell without any probability neither occurs nor contributes.
    for values in (mean, variance, slope):
        values[expected <= 0.0] = 0.0
    return mean, variance, slope
