"""Divergences from samples through Gaussian kernels: density plug-in and Cauchy-Schwarz.

All of them are sums of kernels over pairs of rows, taken in the log domain by
:mod:`infostat.core.pairwise` without a matrix of all pairs: O(n^2) time, a few MB of memory.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import logsumexp

from ..core.errors import DataError, InputError, SampleSizeWarning
from ..core.pairwise import kde_log_density, log_kernel_sum
from ..core.samples import as_samples, same_columns, same_rows
from ..core.validation import FloatArray, check_choice
from .kernel_distances import check_width, kernel_width
from .results import Estimate
from .samples import block_standard_error

__all__ = ["cauchy_schwarz_kernel", "conditional_cs", "cs_qmi", "kl_kde"]

_HIGH_DIMENSION = 4


# ------------------------------------------------------------------- density
def kl_kde(X: Any, Y: Any, *, bandwidth: str | float = "scott") -> Estimate:
    """Return the Kullback-Leibler divergence of two samples by kernel density estimates.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Sample of P; one-dimensional input is one column.
    Y : array_like of shape (m, d)
        Sample of Q.
    bandwidth : {"scott", "silverman"} or float
        A rule for the factor on the root of each sample's covariance, ``n^{-1/(d+4)}`` or
        ``(n (d+2)/4)^{-1/(d+4)}``; or the standard deviation of a round kernel in the unit of
        the data, used for both.

    Returns
    -------
    Estimate
        Value in nats, standard error from disjoint blocks, bias note.

    Raises
    ------
    DataError
        If the columns differ, values are missing, or a covariance is singular.
    InputError
        If `bandwidth` is no rule and no positive number.

    Warns
    -----
    SampleSizeWarning
        Above four dimensions, where the bias of the smoothing dominates.

    Notes
    -----
    ``mean_i [log p_{-i}(x_i) - log q(x_i)]`` with p leaving out the own point: with it, p would
    be too large by a kernel's peak. Both densities stay in the log domain, so that an isolated
    point has a very small density and not zero.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> estimate = kl_kde(rng.normal(0, 1, 2000), rng.normal(1, 1.5, 2000))
    >>> abs(estimate.value - 0.34991) < 4 * estimate.se + 0.02
    True
    """
    first, second = as_samples({"X": X, "Y": Y}, min_rows=3)
    same_columns(first, second)
    rule = _check_rule(bandwidth, np.concatenate([first, second]))
    d = first.shape[1]
    if d > _HIGH_DIMENSION:
        warnings.warn(
            f"a kernel density estimate in {d} dimensions is mostly bias; infostat.density tells in "
            "which regime it is and chooses the bandwidth, and kl_knn adapts to the density",
            SampleSizeWarning,
            stacklevel=2,
        )
    value = _kl_kde(first, second, rule)
    # A covariance needs more rows than columns; the block estimate a few more to be stable.
    se, note = block_standard_error(lambda x, y: _kl_kde(x, y, rule), [first, second], minimum=max(5, 2 * d + 2))
    bias = "smoothing widens both densities; the sign of the bias depends on which is wider"
    if d > _HIGH_DIMENSION:
        bias += f"; d = {d} is above {_HIGH_DIMENSION}, where it dominates: see infostat.density"
    return Estimate(
        value=value,
        se=se,
        n=len(first),
        m=len(second),
        method=f"kernel density estimates, leave-one-out, bandwidth {bandwidth}",
        bias_note=_join(bias, note),
        quantity="Kullback-Leibler divergence",
    )


def _check_rule(bandwidth: Any, rows: FloatArray) -> str | float:
    if isinstance(bandwidth, str):
        return check_choice("bandwidth", bandwidth, ("scott", "silverman"))
    return check_width("bandwidth", bandwidth, rows, "or pass 'scott' or 'silverman'")


def _kl_kde(x: FloatArray, y: FloatArray, rule: str | float) -> float:
    own = _log_density(x, x, rule, "X", leave_out=True)
    return float(np.mean(own - _log_density(y, x, rule, "Y")))


def _log_density(
    points: FloatArray, queries: FloatArray, rule: str | float, name: str, *, leave_out: bool = False
) -> FloatArray:
    skip = np.arange(len(points)) if leave_out else None
    if not isinstance(rule, str):
        return kde_log_density(points, queries, rule, exclude=skip)
    n, d = points.shape
    effective = n if rule == "scott" else n * (d + 2.0) / 4.0
    root = _covariance_root(points, name)
    centre = points.mean(axis=0)
    white = np.linalg.solve(root, (points - centre).T).T
    asked = white if leave_out else np.linalg.solve(root, (queries - centre).T).T
    logs = kde_log_density(white, asked, effective ** (-1.0 / (d + 4.0)), exclude=skip)
    return np.asarray(logs - float(np.log(np.diag(root)).sum()))


def _covariance_root(points: FloatArray, name: str) -> FloatArray:
    scale = points.std(axis=0, ddof=1)
    if not (scale > 0.0).all():
        raise DataError(
            f"{name} must vary in every column for a bandwidth rule, got constant columns "
            f"{np.flatnonzero(~(scale > 0.0)).tolist()}; drop them or pass a number as bandwidth"
        )
    unit = (points - points.mean(axis=0)) / scale
    correlation = unit.T @ unit / (len(points) - 1.0)
    try:
        factor = np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        factor = np.zeros_like(correlation)
    if not float((np.diag(factor) ** 2).min()) > 8.0 * len(scale) * np.finfo(np.float64).eps:
        raise DataError(
            f"{name} must have a covariance of full rank for a bandwidth rule, got "
            f"{len(points)} rows with collinear columns; drop columns or pass a number as bandwidth"
        )
    return np.asarray(scale[:, None] * factor)


# ------------------------------------------------------------ Cauchy-Schwarz
def cauchy_schwarz_kernel(X: Any, Y: Any, *, bandwidth: float | None = None) -> Estimate:
    """Return the Cauchy-Schwarz divergence of two samples by kernel means.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Sample of P; one-dimensional input is one column.
    Y : array_like of shape (m, d)
        Sample of Q.
    bandwidth : float, optional
        s in the kernel ``exp(-|x - y|^2/(2 s^2))``; None is the median distance between rows of
        the pooled sample.

    Returns
    -------
    Estimate
        Value (>= 0), standard error from disjoint blocks, bias note.

    Raises
    ------
    DataError
        If the columns differ or values are missing.
    InputError
        If `bandwidth` is not positive.

    Notes
    -----
    ``log mean K_XX + log mean K_YY - 2 log mean K_XY``, diagonals included: -2 times the log of
    the cosine between the mean embeddings. It estimates the divergence of the two densities
    after each has been smoothed by N(0, s^2/2).

    Examples
    --------
    >>> float(round(cauchy_schwarz_kernel([0.0, 1.0], [0.0, 1.0], bandwidth=1.0).value, 12))
    0.0
    """
    first, second = as_samples({"X": X, "Y": Y})
    same_columns(first, second)
    s = kernel_width(bandwidth, np.concatenate([first, second]) if bandwidth is None else first)

    def statistic(x: FloatArray, y: FloatArray) -> float:
        return _log_mean(x, x, s) + _log_mean(y, y, s) - 2.0 * _log_mean(x, y, s)

    se, note = block_standard_error(statistic, [first, second])
    return Estimate(
        value=statistic(first, second),
        se=se,
        n=len(first),
        m=len(second),
        method=f"kernel means, bandwidth {s:.6g}",
        bias_note=_join(
            "smoothing by N(0, s^2/2) brings the densities closer (down); the diagonals of the "
            "kernel matrices add a term of order 1/n (up)",
            note,
        ),
        quantity="Cauchy-Schwarz divergence of the smoothed densities",
    )


def _log_mean(points: FloatArray, queries: FloatArray, s: float) -> float:
    """Log of the mean kernel over all pairs."""
    sums = log_kernel_sum(points, queries, s)
    return float(logsumexp(sums)) - math.log(len(points)) - math.log(len(queries))


def cs_qmi(x: Any, y: Any, *, bandwidth: float | Sequence[float] | None = None) -> Estimate:
    """Return the Cauchy-Schwarz quadratic mutual information of paired samples.

    Parameters
    ----------
    x : array_like of shape (n, d)
        First variable; one-dimensional input is one column.
    y : array_like of shape (n, e)
        Second variable, row i belonging to row i of `x`.
    bandwidth : float or pair of float, optional
        Kernel width for both, or one for `x` and one for `y`; None is the median distance
        within each.

    Returns
    -------
    Estimate
        Value (>= 0), standard error from disjoint blocks, bias note.

    Raises
    ------
    DataError
        If the numbers of rows differ or values are missing.
    InputError
        If a bandwidth is not positive.

    Notes
    -----
    The Cauchy-Schwarz divergence between the joint law and the product of the marginals:
    ``-2 log mean_j(Kx_j. Ky_j.) + log mean(Kx o Ky) + log(mean Kx mean Ky)``, with row means
    ``K_j.`` and the entrywise product o. Zero if and only if the embeddings of the two agree.

    Examples
    --------
    >>> x = [0.0, 0.0, 1.0, 1.0]
    >>> abs(round(cs_qmi(x, [0.0, 1.0, 0.0, 1.0], bandwidth=1.0).value, 12))
    0.0
    >>> cs_qmi(x, x, bandwidth=1.0).value > 0.05
    True
    """
    first, second = as_samples({"x": x, "y": y})
    same_rows({"x": first, "y": second})
    s, t = _two_widths(bandwidth, first, second)

    def statistic(a: FloatArray, b: FloatArray) -> float:
        log_n = math.log(len(a))
        rows_a, rows_b = log_kernel_sum(a, a, s), log_kernel_sum(b, b, t)
        joint = np.hstack([a / s, b / t])
        cross = float(logsumexp(rows_a + rows_b)) - 3.0 * log_n
        own = float(logsumexp(log_kernel_sum(joint, joint, 1.0))) - 2.0 * log_n
        return own + float(logsumexp(rows_a)) + float(logsumexp(rows_b)) - 4.0 * log_n - 2.0 * cross

    se, note = block_standard_error(statistic, [first, second])
    return Estimate(
        value=statistic(first, second),
        se=se,
        n=len(first),
        method=f"kernel means, bandwidths {s:.6g} and {t:.6g}",
        bias_note=_join("positive under independence, by a term of order 1/n: compare with a permutation test", note),
        quantity="Cauchy-Schwarz quadratic mutual information",
    )


def conditional_cs(x: Any, y: Any, y2: Any, *, bandwidth: float | Sequence[float] | None = None) -> Estimate:
    """Return the conditional Cauchy-Schwarz divergence of y and y2 given the same x.

    Parameters
    ----------
    x : array_like of shape (n, d)
        Conditioning variable.
    y, y2 : array_like of shape (n, e)
        Two responses to the rows of `x`, for instance the truth and a prediction.
    bandwidth : float or pair of float, optional
        Kernel width for all, or one for `x` and one for the responses; None is the median
        distance within `x` and within the pooled responses.

    Returns
    -------
    Estimate
        Value, standard error from disjoint blocks, bias note.

    Raises
    ------
    DataError
        If the numbers of rows or of columns differ, or values are missing.
    InputError
        If a bandwidth is not positive.

    Notes
    -----
    ``log A(L1) + log A(L2) - 2 log A(L21)`` with
    ``A(L) = sum_j [sum_i K_ji L_ji]/(sum_i K_ji)^2``, K the Gram matrix of x, L1 and L2 those of
    y and y2, ``L21[j, i] = k(y2_j, y_i)``. The integrals run over x without the weight p(x), so
    the quantity is well defined only where x has a bounded support.

    Examples
    --------
    >>> conditional_cs([0.0, 1.0, 2.0], [1.0, 0.0, 1.0], [1.0, 0.0, 1.0], bandwidth=1.0).value
    0.0
    """
    names = ("x", "y", "y2")
    rows = dict(zip(names, as_samples(dict(zip(names, (x, y, y2), strict=True))), strict=True))
    same_rows(rows)
    same_columns(rows["y"], rows["y2"], ("y", "y2"))
    pooled = np.concatenate([rows["y"], rows["y2"]]) if bandwidth is None else rows["y"]
    s, t = _two_widths(bandwidth, rows["x"], pooled)

    def statistic(a: FloatArray, b: FloatArray, c: FloatArray) -> float:
        masses = 2.0 * log_kernel_sum(a, a, s)
        first, second = np.hstack([a / s, b / t]), np.hstack([a / s, c / t])

        def log_a(points: FloatArray, queries: FloatArray) -> float:
            return float(logsumexp(log_kernel_sum(points, queries, 1.0) - masses))

        return log_a(first, first) + log_a(second, second) - 2.0 * log_a(first, second)

    se, note = block_standard_error(statistic, list(rows.values()))
    return Estimate(
        value=statistic(*rows.values()),
        se=se,
        n=len(rows["x"]),
        method=f"kernel means, bandwidths {s:.6g} (x) and {t:.6g} (y)",
        bias_note=_join("depends on the bandwidths and on the region that x covers", note),
        quantity="conditional Cauchy-Schwarz divergence",
    )


# ----------------------------------------------------------------- bandwidths
def _two_widths(bandwidth: Any, first: FloatArray, second: FloatArray) -> tuple[float, float]:
    if not isinstance(bandwidth, (list, tuple)) and not (isinstance(bandwidth, np.ndarray) and bandwidth.ndim == 1):
        return kernel_width(bandwidth, first), kernel_width(bandwidth, second)
    values = list(bandwidth)
    if len(values) != 2:
        raise InputError(f"bandwidth must be one number or a pair, got {len(values)} numbers")
    return check_width("bandwidth[0]", values[0], first), check_width("bandwidth[1]", values[1], second)


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
