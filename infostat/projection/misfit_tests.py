"""Test statistics of the misfit, from moments: rows and streams share them."""

from __future__ import annotations

import math

from .results import Misfit

__all__ = ["chi2_tail", "dispersion_test", "independence_test", "mardia_test"]


def chi2_tail(value: float, df: float) -> float:
    """Return the upper tail probability of a chi-squared law.

    Parameters
    ----------
    value : float
        Statistic.
    df : float
        Degrees of freedom.

    Returns
    -------
    float
        Probability.
    """
    from scipy.special import chdtrc

    return float(chdtrc(df, value))


def mardia_test(skewness: float, kurtosis: float, d: int, n: float) -> Misfit:
    """Return the sum of Mardia's (1970) statistics; Jarque-Bera in one dimension.

    Parameters
    ----------
    skewness : float
        ``sum_ijk (E y_i y_j y_k)^2`` of the standardised rows.
    kurtosis : float
        ``E |y|^4``.
    d : int
        Dimension.
    n : float
        Sample size.

    Returns
    -------
    Misfit
        The test.
    """
    z = (kurtosis - d * (d + 2)) / math.sqrt(8.0 * d * (d + 2) / n)
    value = n * skewness / 6.0 + z * z
    df = d * (d + 1) * (d + 2) // 6 + 1
    name = "Jarque-Bera" if d == 1 else "Mardia skewness and kurtosis"
    return Misfit(name, value, df, chi2_tail(value, df))


def independence_test(log_det: float, d: int, n: float, edges: int = 0) -> Misfit:
    """Return ``-n log det R``: twice the log-likelihood gained by a full covariance.

    Parameters
    ----------
    log_det : float
        Log determinant of the correlation matrix, less that of the fitted one on a graph;
        ``-inf`` if it is singular.
    d : int
        Dimension.
    n : float
        Sample size.
    edges : int
        Edges of the graph.

    Returns
    -------
    Misfit
        The test.
    """
    df = d * (d - 1) // 2 - edges
    value = -n * log_det
    return Misfit("likelihood ratio against a full covariance", value, df, chi2_tail(value, df))


def dispersion_test(mean: float, variance: float, n: float) -> Misfit:
    """Return Fisher's index of dispersion, two-sided.

    Parameters
    ----------
    mean, variance : float
        Moments of the counts, divisor n.
    n : float
        Sample size.

    Returns
    -------
    Misfit
        The test.
    """
    value = n * variance / mean
    df = max(1, round(n) - 1)
    upper = chi2_tail(value, df)
    return Misfit("index of dispersion", value, df, min(1.0, 2.0 * min(upper, 1.0 - upper)))
