"""Slopes of the log number of points near each query, from spacings of neighbours, with interval.

For a query x let F be the distribution function of the squared distance R = |x - y|^2. The slope
``b(x) = d log F/dR`` at the level ``F = 1/n`` decides how a Gaussian kernel sum at x behaves at
this n: the index of a bandwidth h is ``mu(h; x) = 2 h^2 b(x)``. No model of the data is used,
only that 1/b changes smoothly with the level.

The method was derived for this project, in the setting of G. Biroli and M. Mezard, "Kernel
Density Estimators in Large Dimensions" (arXiv:2408.05807); it is not theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, ndtri, polygamma, stdtrit

from ..core.validation import FloatArray
from .sweep_kernels import IntArray

__all__ = ["SPARE", "SlopeFit", "Slopes", "curvature", "estimate_slopes", "fit_slopes", "mean_spacings", "n_spacings"]

BoolArray = NDArray[np.bool_]

# Neighbours beyond those that the fit uses: a group of the jackknife takes away one in twenty.
SPARE = 20
_GROUPS = 20
_MOST, _LEAST = 32, 8  # spacings of a query
_CLIP = (-0.5, 2.0)  # exponents s
_STEP, _TOLERANCE, _ITERATIONS = 0.5, 1e-6, 60
_START = 0.15


@dataclass(frozen=True)
class SlopeFit:
    """One fit of the spacings of all queries.

    Attributes
    ----------
    log_g0 : ndarray of shape (m,)
        Log of the fitted 1/b at the level of one point.
    exponent : ndarray of shape (m,)
        Change s of log(1/b) with the log level.
    slope : ndarray of shape (m,)
        b, unit 1/R, with what the covariate leaves unexplained shrunk in.
    coefficients : ndarray of shape (5,)
        b0, b1, b2, c0, c1.
    converged : bool
        Whether the steps became small.
    """

    log_g0: FloatArray
    exponent: FloatArray
    slope: FloatArray
    coefficients: FloatArray
    converged: bool


@dataclass(frozen=True)
class Slopes:
    """Slopes at the queries asked for, and how well their mean is known.

    Attributes
    ----------
    slope : ndarray of shape (m,)
        b(x), unit 1/R.
    exponent : ndarray of shape (m,)
        s(x).
    curvature : float
        q of the model.
    half_width : float
        Half-width of the 95 % interval of the log of the mean slope.
    se : float
        Its jackknife standard error alone.
    tied : float
        Share of spacings that are zero.
    converged : bool
        Whether every fit converged.
    """

    slope: FloatArray
    exponent: FloatArray
    curvature: float
    half_width: float
    se: float
    tied: float
    converged: bool


def n_spacings(n: int) -> int:
    """Return the number of spacings of each query that are used among n points, 0 if n < 120.

    Parameters
    ----------
    n : int
        Points.

    Returns
    -------
    int
        ``min(32, n // 15)``, or 0 where that is below 8.

    Examples
    --------
    >>> [n_spacings(n) for n in (119, 120, 400, 5000)]
    [0, 8, 26, 32]
    """
    count = min(_MOST, n // 15)
    return count if count >= _LEAST else 0


def curvature(n: int) -> float:
    """Return the curvature q of log(1/b) in the log level, that of a normal lower tail.

    Parameters
    ----------
    n : int
        Points.

    Returns
    -------
    float
        ``2 / z^4`` with z the normal quantile of 1 - 1/n.

    Examples
    --------
    >>> [round(curvature(n), 4) for n in (500, 5000, 50000)]
    [0.0291, 0.0127, 0.007]
    """
    return float(2.0 / ndtri(1.0 / n) ** 4)


def mean_spacings(exponent: FloatArray, q: float, count: int) -> tuple[FloatArray, FloatArray]:
    """Return the logs of the expected normalised spacings and their derivative in the exponent.

    Parameters
    ----------
    exponent : ndarray of shape (m,)
        s > -1.
    q : float
        Curvature.
    count : int
        Spacings k = 1, ..., count.

    Returns
    -------
    log_mean, derivative : ndarray of shape (m, count)
        ``log c_k(s) = q M_k / 2 + log Gamma(k + s) - log Gamma(k)`` and ``psi(k + s)``.

    Notes
    -----
    With ``1/b = g0 exp(s l + q l^2 / 2)`` at ``l = log(n F)``, and n F of the k-th neighbour a sum
    of k unit exponentials, ``E k (R_(k+1) - R_k) = g0 c_k(s)``: exactly for q = 0, to second order
    for small q. M_k comes from third moments of the log of such a sum.

    Examples
    --------
    >>> log_mean, _ = mean_spacings(np.array([0.0, 1.0]), 0.0, 3)
    >>> np.exp(log_mean).round(12)
    array([[1., 1., 1.],
           [1., 2., 3.]])
    """
    k = np.arange(1.0, count)
    ratio = exponent[:, None] / k
    log_mean = np.empty((len(exponent), count))
    log_mean[:, 0] = gammaln(1.0 + exponent)
    np.cumsum(np.log1p(ratio), axis=1, out=log_mean[:, 1:])
    log_mean[:, 1:] += log_mean[:, :1]
    derivative = np.empty_like(log_mean)
    derivative[:, 0] = digamma(1.0 + exponent)
    np.cumsum(1.0 / (k + exponent[:, None]), axis=1, out=derivative[:, 1:])
    derivative[:, 1:] += derivative[:, :1]
    if q:
        log_mean += 0.5 * q * _third_moment_steps(count)
    return log_mean, derivative


def _third_moment_steps(count: int) -> FloatArray:
    """Return M_k = (k/3) (m3(k+1) - m3(k)), m3(k) the third moment of the log of a Gamma(k) variable."""
    k = np.arange(1.0, count + 2.0)
    mean, variance = digamma(k), polygamma(1, k)
    third = mean**3 + 3.0 * mean * variance + polygamma(2, k)
    return np.asarray(k[:-1] / 3.0 * np.diff(third))


# ----------------------------------------------------------------------- fit
def fit_slopes(squared: FloatArray, q: float, start: FloatArray | None = None) -> SlopeFit:
    """Return slopes of all queries from their sorted squared neighbour distances.

    Parameters
    ----------
    squared : ndarray of shape (m, K + 1)
        Squared distances R_1 <= ... <= R_(K+1) of each query, the query itself left out.
    q : float
        Curvature.
    start : ndarray of shape (5,), optional
        Coefficients to start from.

    Returns
    -------
    SlopeFit
        Entries are nan where all spacings are zero.

    Notes
    -----
    Exponential quasi-likelihood of the normalised spacings ``D_k = k (R_(k+1) - R_k)`` with mean
    ``g0_j c_k(s_j)``, where ``log g0`` is quadratic and s linear in the standardised log R_(K+1);
    maximised by Fisher scoring. Variation between queries that the covariate does not explain is
    added by inverse-gamma shrinkage.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> level = np.cumsum(rng.exponential(size=(2000, 33)), axis=1)
    >>> found = fit_slopes(3.0 * np.log(level) + 20.0, 0.0)  # F = exp(R/3) on the scale of one point
    >>> bool(abs(np.log(3.0 * found.slope.mean())) < 0.03)
    True
    """
    count = squared.shape[1] - 1
    spacings = np.arange(1.0, count + 1.0) * np.diff(squared, axis=1)
    mean = float(spacings.mean())
    m = len(squared)
    if not mean > 0.0:
        empty = np.full(m, np.nan)
        return SlopeFit(empty, empty, empty, np.full(5, np.nan), False)
    covariate = _standardised(np.log(np.maximum(squared[:, -1], np.finfo(np.float64).tiny)))
    level = np.column_stack([np.ones(m), covariate, covariate**2])
    beta = np.array([np.log(mean), 0.0, 0.0, _START, 0.0]) if start is None else start.copy()
    converged = False
    for _ in range(_ITERATIONS):
        step = _scoring_step(spacings, level, beta, q)
        beta += np.clip(step, -_STEP, _STEP)
        if np.abs(step).max() < _TOLERANCE:
            converged = True
            break
    log_g0, exponent = _predict(level, beta)
    ratio = (spacings * np.exp(-log_g0[:, None] - mean_spacings(exponent, q, count)[0])).mean(axis=1)
    return SlopeFit(log_g0, exponent, _shrunk(ratio, log_g0, count), beta, converged)


def _standardised(values: FloatArray) -> FloatArray:
    spread = float(values.std())
    if spread <= 1e-12 * max(1.0, float(np.abs(values).max())):
        return np.zeros_like(values)
    return np.asarray(np.clip((values - values.mean()) / spread, -3.0, 3.0))


def _predict(level: FloatArray, beta: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.asarray(level @ beta[:3]), np.asarray(np.clip(level[:, :2] @ beta[3:], *_CLIP))


def _scoring_step(spacings: FloatArray, level: FloatArray, beta: FloatArray, q: float) -> FloatArray:
    """Return the Fisher-scoring step of (b0, b1, b2, c0, c1)."""
    count = spacings.shape[1]
    log_g0, exponent = _predict(level, beta)
    log_mean, slope = mean_spacings(exponent, q, count)
    residual = spacings * np.exp(-log_g0[:, None] - log_mean) - 1.0
    # A clipped exponent does not move with its coefficients.
    slope *= ((exponent > _CLIP[0]) & (exponent < _CLIP[1]))[:, None]
    trend = level[:, :2]
    gram = np.empty((5, 5))
    gram[:3, :3] = count * (level.T @ level)
    gram[:3, 3:] = level.T @ (trend * slope.sum(axis=1)[:, None])
    gram[3:, :3] = gram[:3, 3:].T
    gram[3:, 3:] = trend.T @ (trend * (slope * slope).sum(axis=1)[:, None])
    score = np.concatenate([level.T @ residual.sum(axis=1), trend.T @ (residual * slope).sum(axis=1)])
    # The smallest solution: with a constant covariate some columns of the design are zero.
    return np.asarray(np.linalg.lstsq(gram, score, rcond=1e-12)[0])


def _shrunk(ratio: FloatArray, log_g0: FloatArray, count: int) -> FloatArray:
    """Return slopes from each query's mean ratio of spacings to their fitted means."""
    extra = float(ratio.var()) - float((ratio**2).mean()) / (count + 1.0)
    if extra < 1e-4:
        return np.asarray(np.exp(-log_g0))
    nu = 2.0 + 1.0 / extra
    return np.asarray((nu + count) / (nu - 1.0 + count * ratio) * np.exp(-log_g0))


# ------------------------------------------------------------------ interval
def estimate_slopes(
    squared: FloatArray, neighbours: IntArray, own: IntArray, n: int, target: BoolArray | None = None
) -> Slopes:
    """Return slopes at the queries and the interval of their mean.

    Parameters
    ----------
    squared, neighbours : ndarray of shape (m, K + 1 + SPARE)
        Sorted squared distances to the nearest points and those points, K = ``n_spacings(n) > 0``.
        An infinite entry is no neighbour.
    own : ndarray of int of shape (m,)
        Point that a leave-one-out query is, -1 for a new point.
    n : int
        Points.
    target : ndarray of bool of shape (m,), optional
        Queries to report and average over; the others only help the fit. None is all.

    Returns
    -------
    Slopes
        For the targets.

    Notes
    -----
    Neighbours are shared between queries, so resampling queries would give an interval far too
    short. Instead the data are deleted in 20 groups by index mod 20, from the lists of
    neighbours and from the leave-one-out queries, and the fit is repeated on the rest;
    the change that the fit makes between the curvature of `curvature` and none is added in
    square, because the curvature is assumed and not estimated.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> order = np.argsort(rng.random((300, 1000)), axis=1)[:, :53]
    >>> squared = np.log(np.cumsum(rng.exponential(size=(300, 53)), axis=1)) + 9.0
    >>> found = estimate_slopes(squared, order, np.full(300, -1), 1000)
    >>> bool(abs(np.log(found.slope.mean())) < found.half_width < 0.2)
    True
    """
    count = n_spacings(n)
    wanted = np.ones(len(squared), dtype=bool) if target is None else target
    q = curvature(n)
    first = squared[:, : count + 1]
    full = fit_slopes(first, q)
    flat = fit_slopes(first, 0.0, full.coefficients)
    log_mean = float(np.log(full.slope[wanted].mean()))
    shape = float(np.log(flat.slope[wanted].mean())) - log_mean
    logs, converged = [], full.converged and flat.converged
    for group in range(_GROUPS):
        part, chosen = _without(squared, neighbours, own, group, count)
        fit = fit_slopes(part, q, full.coefficients)
        kept = wanted[chosen]
        if kept.any():
            # Level 1/n of the remaining n (1 - 1/20) points, brought back to that of all points.
            back = float(fit.exponent[kept].mean()) * np.log(_GROUPS / (_GROUPS - 1.0))
            logs.append(float(np.log(fit.slope[kept].mean())) + back)
        converged &= fit.converged
    spread = np.asarray(logs)
    se = float(np.sqrt((len(spread) - 1.0) / len(spread) * ((spread - spread.mean()) ** 2).sum()))
    reach = float(stdtrit(_GROUPS - 1, 0.975)) * se
    tied = float((np.diff(first[wanted], axis=1) <= 0.0).mean())
    half_width = float(np.hypot(reach, shape))
    return Slopes(full.slope[wanted], full.exponent[wanted], q, half_width, se, tied, converged)


def _without(
    squared: FloatArray, neighbours: IntArray, own: IntArray, group: int, count: int
) -> tuple[FloatArray, BoolArray]:
    """Return the first K + 1 distances without a group, and the queries that still have as many."""
    stay = (neighbours % _GROUPS != group) & np.isfinite(squared)
    rank = np.cumsum(stay, axis=1)
    chosen = (rank[:, -1] > count) & ((own < 0) | (own % _GROUPS != group))
    first = stay[chosen] & (rank[chosen] <= count + 1)
    return squared[chosen][first].reshape(-1, count + 1), chosen
