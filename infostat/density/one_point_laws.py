"""Exact numbers and limit laws of the kernel sum Z at one point of N(0, I) data.

With E = R/(2 h^2) and F the law of the squared distance R, the energies near ``E_1``
(where F = 1/n) are close to a Poisson process of intensity ``mu exp(mu (E - E_1))``, and
``W = exp(E_1) Z`` is close to a stable law of index mu (below 2) or to a normal law.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, ndtr

from ..core.validation import FloatArray
from .distance_law import DistanceLaw, distance_law

__all__ = [
    "NEAR_LINE",
    "NearestPoint",
    "has_stable_limit",
    "largest_gap",
    "nearest_point",
    "nearest_tail",
    "normal_cdf",
    "normal_density",
    "stable_cdf",
    "stable_density",
    "sum_moments",
]

NEAR_LINE = 0.02  # at mu = 1 and 2 logarithms enter and no stable law fits
_PLACES = 400


@dataclass(frozen=True)
class NearestPoint:
    """Where the nearest of n points typically is, and how fast points appear beyond it.

    Attributes
    ----------
    r1 : float
        Squared distance at which ``F = 1/n``.
    slope : float
        ``d log F/dR`` there; the index of bandwidth h is ``2 h^2 slope``.
    """

    r1: float
    slope: float


def nearest_point(n: int, d: int, x_norm_sq: float) -> NearestPoint:
    """Return the level 1/n of the exact law of the squared distance.

    Parameters
    ----------
    n : int
        Points of a data set.
    d : int
        Dimension.
    x_norm_sq : float
        Squared norm of the query, data standard normal.

    Returns
    -------
    NearestPoint
        Squared distance and slope at the level.
    """
    law = _law(n, d, x_norm_sq)
    log_r = law.quantile(np.array([-math.log(n)]))
    _, log_slope = law.evaluate(log_r)
    return NearestPoint(math.exp(float(log_r[0])), math.exp(float(log_slope[0] - log_r[0])))


def _law(n: int, d: int, x_norm_sq: float) -> DistanceLaw:
    return distance_law(d, x_norm_sq, math.log(n))


def sum_moments(n: int, d: int, h: float, x_norm_sq: float) -> tuple[float, float]:
    """Return ``log E Z`` and ``sd(Z)/E Z``; the latter is inf where it leaves the floats.

    Parameters
    ----------
    n : int
        Points of a data set.
    d : int
        Dimension.
    h : float
        Bandwidth.
    x_norm_sq : float
        Squared norm of the query, data standard normal.

    Returns
    -------
    (float, float)
        The two moments.
    """
    log_first, log_second = (_log_laplace(power / h**2, d, x_norm_sq) for power in (1.0, 2.0))
    with np.errstate(over="ignore"):
        excess = float(np.expm1(log_second - 2.0 * log_first))
    return math.log(n) + log_first, math.sqrt(excess / n)


def _log_laplace(tau: float, d: int, x_norm_sq: float) -> float:
    """``log E exp(-tau R/2)``."""
    return -0.5 * d * math.log1p(tau) - 0.5 * x_norm_sq * tau / (1.0 + tau)


def nearest_tail(log_t: FloatArray, n: int, d: int, h: float, x_norm_sq: float, energy_1: float) -> FloatArray:
    """Return the exact ``P(max_i exp(E_1 - E_i) > t)``: one close point alone brings W above t.

    Parameters
    ----------
    log_t : ndarray
        Logarithms of the levels t.
    n : int
        Points of a data set.
    d : int
        Dimension.
    h : float
        Bandwidth.
    x_norm_sq : float
        Squared norm of the query, data standard normal.
    energy_1 : float
        ``E_1``, energy of the typical nearest point, nats.

    Returns
    -------
    ndarray
        Probabilities, in the shape of `log_t`.
    """
    r = 2.0 * h**2 * (energy_1 - log_t)
    tail = np.zeros_like(r)
    near = r > 0.0
    log_cdf, _ = _law(n, d, x_norm_sq).evaluate(np.log(r[near]))
    # Below its table (probabilities under exp(-47)/n) the law repeats its last value.
    tail[near] = -np.expm1(n * np.log1p(-np.exp(log_cdf)))
    return tail


# -------------------------------------------------------------------------------- limit laws
def has_stable_limit(mu: float) -> bool:
    """Whether a stable law of this index is a limit of W (or of W - E W).

    Parameters
    ----------
    mu : float
        Index of the law.

    Returns
    -------
    bool
        False at the lines 1 and 2, where logarithms of n enter.
    """
    return 0.0 < mu < 2.0 - NEAR_LINE and abs(mu - 1.0) >= NEAR_LINE


def stable_cdf(log_w: FloatArray, mu: float, log_mean_W: float) -> FloatArray:
    """Return the limit of ``P(log W <= log_w)`` for mu < 2; above 1 the law is centred at E W.

    Parameters
    ----------
    log_w : ndarray
        Logarithms of W.
    mu : float
        Index of the law.
    log_mean_W : float
        ``log E W``, used above 1.

    Returns
    -------
    ndarray
        Probabilities.
    """
    if mu < 1.0:
        return _positive_stable(log_w, mu)[0]
    centred = np.exp(log_mean_W) * np.expm1(log_w - log_mean_W)
    return np.asarray(_totally_skewed(mu).cdf(centred))


def stable_density(log_w: FloatArray, mu: float, log_mean_W: float) -> FloatArray:
    """Return the limit density of log W for mu < 2.

    Parameters
    ----------
    log_w : ndarray
        Logarithms of W.
    mu : float
        Index of the law.
    log_mean_W : float
        ``log E W``, used above 1.

    Returns
    -------
    ndarray
        Densities of log W.
    """
    if mu < 1.0:
        return _positive_stable(log_w, mu)[1]
    centred = np.exp(log_mean_W) * np.expm1(log_w - log_mean_W)
    return np.asarray(_totally_skewed(mu).pdf(centred) * np.exp(log_w))


def _totally_skewed(mu: float) -> Any:
    """Law of Laplace transform exp(-Gamma(1-mu) t^mu), 1 < mu < 2: centred, beta = 1."""
    from scipy.stats import levy_stable

    constant = (1.0 - mu) / (math.gamma(2.0 - mu) * math.cos(0.5 * math.pi * mu))
    return levy_stable(mu, 1.0, loc=0.0, scale=constant ** (-1.0 / mu))


def _positive_stable(log_s: FloatArray, mu: float) -> tuple[FloatArray, FloatArray]:
    """Return cdf and density of log S, S > 0 of Laplace transform exp(-Gamma(1-mu) t^mu).

    Zolotarev's integral ``P(S0 <= x) = (1/pi) int_0^pi exp(-x^(-mu/(1-mu)) A(u)) du`` for
    ``E exp(-t S0) = exp(-t^mu)``, by the trapezoid rule in ``v = log(u/(pi - u))``. It is used in
    logarithms because S spreads over many orders of magnitude when mu is small.
    """
    y = np.asarray(log_s) - math.lgamma(1.0 - mu) / mu
    v = np.arange(-45.0, 45.0, min(0.05, 0.2 * (1.0 - mu)))
    u, rest = math.pi * expit(v), math.pi * expit(-v)  # u and pi - u, both to full accuracy
    log_a = np.log(np.sin((1.0 - mu) * u)) + mu / (1.0 - mu) * np.log(np.sin(mu * u))
    log_a -= np.log(np.sin(np.minimum(u, rest))) / (1.0 - mu)
    mass = u * rest * (v[1] - v[0]) / math.pi**2
    cdf, density = np.empty(y.shape), np.empty(y.shape)
    for k, value in enumerate(y.ravel()):
        with np.errstate(over="ignore"):  # inf, and exp(-inf) = 0, are the values of what overflows
            power = np.exp(np.minimum(log_a - mu / (1.0 - mu) * value, 700.0))
        term = mass * np.exp(-power)
        cdf.flat[k] = min(float(term.sum()), 1.0)
        density.flat[k] = mu / (1.0 - mu) * float(term @ power)
    return cdf, density


def normal_cdf(log_z: FloatArray, log_mean_Z: float, relative_sd: float) -> FloatArray:
    """Return ``P(log Z <= log_z)`` of a normal Z with this mean and relative standard deviation.

    Parameters
    ----------
    log_z : ndarray
        Logarithms of Z.
    log_mean_Z : float
        ``log E Z``.
    relative_sd : float
        ``sd(Z)/E Z``.

    Returns
    -------
    ndarray
        Probabilities.
    """
    return np.asarray(ndtr(np.expm1(log_z - log_mean_Z) / relative_sd))


def normal_density(log_z: FloatArray, log_mean_Z: float, relative_sd: float) -> FloatArray:
    """Return the density of log Z for a normal Z.

    Parameters
    ----------
    log_z : ndarray
        Logarithms of Z.
    log_mean_Z : float
        ``log E Z``.
    relative_sd : float
        ``sd(Z)/E Z``.

    Returns
    -------
    ndarray
        Densities of log Z.
    """
    ratio = np.exp(log_z - log_mean_Z)
    standard = (ratio - 1.0) / relative_sd
    return np.asarray(ratio * np.exp(-0.5 * standard * standard) / (math.sqrt(2.0 * math.pi) * relative_sd))


def largest_gap(cdf: Callable[[FloatArray], FloatArray], values: FloatArray) -> float:
    """Return the Kolmogorov-Smirnov distance of a sample to a law, its cdf taken at 400 order statistics.

    Parameters
    ----------
    cdf : callable
        Distribution function of the law, of an array.
    values : ndarray of shape (n,)
        The sample.

    Returns
    -------
    float
        The distance.
    """
    ordered = np.sort(values)
    n = len(ordered)
    places = np.unique(np.linspace(0, n - 1, min(n, _PLACES)).round().astype(int))
    levels = cdf(ordered[places])
    return float(max(np.max((places + 1) / n - levels), np.max(levels - places / n)))
