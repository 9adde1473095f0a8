"""The random-energy model behind kernel density estimates of Gaussian data in large dimension.

Everything is a function of one variable, tau = lambda/h^2, through the mean over directions of
functions of u_k = tau s_k. Logarithms of u are carried throughout, so that no argument is too
small or too large, and differences that cancel are summed as series.

With v = u/(1+u) and x^2 the squared coordinate of the query in a direction of eigenvalue s,

    zeta(tau)  = -(1/2) < log(1+u) + tau x^2 (1-v) >            lim (1/d) log E exp(-tau |x-y|^2/2)
    delta(tau) = < s (1-v) + x^2 (1-v)^2 >                      squared distance per dimension
    -S(tau)    = (1/2) < log(1+u) - v + tau x^2 v (1-v) >       minus the entropy of the distance

and a query drawn from the law of the data has x^2 = s.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ..core.errors import InputError
from ..core.validation import FloatArray

__all__ = [
    "Directions",
    "entropy_gap",
    "log_excess",
    "quadratic_gap",
    "regime_name",
    "scaled_distance",
    "solve_increasing",
    "solve_master_equation",
    "zeta",
]

REGIMES = ("condensed", "stable", "clt")

# Where exp(log tau) and what is made of it stay inside the floats.
LARGEST_LOG_TAU = 690.0
_SERIES = np.array([1.0 / k for k in range(18, 1, -1)])  # sum of v^(k-2)/k, highest power first
_SERIES_BELOW = -2.4  # log u where v < 0.084: the 18 terms then end below rounding


@dataclass(frozen=True)
class Directions:
    """Principal directions of Gaussian data, as the master equation sees them.

    Attributes
    ----------
    log_s : ndarray of shape (k,)
        Logarithms of the eigenvalues, -inf for zero.
    weights : ndarray of shape (k,)
        Share of each, of sum one.
    log_x2 : ndarray of shape (k,) or None
        Logarithms of the squared coordinates of the query; None for a typical query, where they
        equal the eigenvalues.
    """

    log_s: FloatArray
    weights: FloatArray
    log_x2: FloatArray | None = None

    @classmethod
    def of(cls, values: FloatArray, weights: FloatArray, at: FloatArray | None = None) -> Directions:
        """Return the directions of a spectrum, without those of weight zero.

        Parameters
        ----------
        values, weights : ndarray of shape (k,)
            From `as_spectrum`.
        at : ndarray of shape (k,), optional
            Coordinates of the query.

        Returns
        -------
        Directions
            Logarithms.
        """
        keep = weights > 0.0
        with np.errstate(divide="ignore"):  # the logarithm of zero is meant
            log_x2 = None if at is None else 2.0 * np.log(np.abs(at[keep]))
            return cls(np.log(values[keep]), weights[keep], log_x2)

    @property
    def rank_fraction(self) -> float:
        """Share of the directions in which the data vary."""
        varying = np.isfinite(self.log_s)
        return 1.0 if bool(varying.all()) else float(self.weights[varying].sum())

    @property
    def mean_log_s(self) -> float:
        """Mean of log s; -inf if a direction is constant."""
        return float(self.weights @ self.log_s)


def log_excess(log_u: FloatArray) -> FloatArray:
    """Return ``log(1+u) - u/(1+u)`` to full relative accuracy, given log u.

    Parameters
    ----------
    log_u : ndarray
        Logarithms of u.

    Returns
    -------
    ndarray
        Values, in the shape of `log_u`.
    """
    v = expit(log_u)
    series = v * v * np.polyval(_SERIES, np.minimum(v, 0.1))
    return np.asarray(np.where(log_u < _SERIES_BELOW, series, np.logaddexp(0.0, log_u) - v))


def quadratic_gap(log_q: FloatArray) -> FloatArray:
    """Return ``q - 1 - log q >= 0`` to full relative accuracy, given log q; inf where q overflows.

    Parameters
    ----------
    log_q : ndarray
        Logarithms of q.

    Returns
    -------
    ndarray
        Values, in the shape of `log_q`.
    """
    series = np.polyval([1.0 / math.factorial(k) for k in range(12, 1, -1)], np.clip(log_q, -0.25, 0.25))
    with np.errstate(over="ignore"):
        direct = np.expm1(log_q) - log_q
    return np.asarray(np.where(np.abs(log_q) < 0.2, log_q * log_q * series, direct))


def _log_u(directions: Directions, log_tau: FloatArray) -> FloatArray:
    """Return log u with directions along the last axis."""
    return np.asarray(np.asarray(log_tau)[..., None] + directions.log_s)


def zeta(directions: Directions, log_tau: FloatArray) -> FloatArray:
    """Return ``lim (1/d) log E exp(-tau |x-y|^2/2)``, elementwise over log tau.

    Parameters
    ----------
    directions : Directions
        Law of the eigenvalues, and of the query's part in each direction.
    log_tau : float or ndarray
        Logarithms of tau.

    Returns
    -------
    ndarray
        Values, nats per dimension.
    """
    log_u = _log_u(directions, log_tau)
    if directions.log_x2 is None:
        offset = expit(log_u)
    else:
        offset = _exp(np.asarray(log_tau)[..., None] + directions.log_x2 - np.logaddexp(0.0, log_u))
    return np.asarray(-0.5 * ((np.logaddexp(0.0, log_u) + offset) @ directions.weights))


def scaled_distance(directions: Directions, log_tau: FloatArray) -> FloatArray:
    """Return ``tau delta(tau)``, elementwise over log tau; below one for a typical query.

    Parameters
    ----------
    directions : Directions
        Law of the eigenvalues, and of the query's part in each direction.
    log_tau : float or ndarray
        Logarithms of tau.

    Returns
    -------
    ndarray
        Values, without unit.
    """
    log_u = _log_u(directions, log_tau)
    v, w = expit(log_u), expit(-log_u)
    if directions.log_x2 is None:
        return np.asarray((v * (1.0 + w)) @ directions.weights)
    offset = _exp(np.asarray(log_tau)[..., None] + directions.log_x2 - 2.0 * np.logaddexp(0.0, log_u))
    return np.asarray((v + offset) @ directions.weights)


def entropy_gap(directions: Directions, log_tau: FloatArray) -> FloatArray:
    """Return ``-S(tau) >= 0``, increasing, elementwise over log tau.

    Parameters
    ----------
    directions : Directions
        Law of the eigenvalues, and of the query's part in each direction.
    log_tau : float or ndarray
        Logarithms of tau.

    Returns
    -------
    ndarray
        Values, nats per dimension.
    """
    log_u = _log_u(directions, log_tau)
    return np.asarray(0.5 * ((log_excess(log_u) + _offset_term(directions, log_tau, log_u)) @ directions.weights))


def _offset_term(directions: Directions, log_tau: FloatArray, log_u: FloatArray) -> FloatArray:
    """Return ``tau x^2 v (1-v)``, which is v^2 for a typical query."""
    if directions.log_x2 is None:
        return np.asarray(expit(log_u) ** 2)
    shares = np.logaddexp(0.0, log_u) + np.logaddexp(0.0, -log_u)  # -log(v (1-v))
    return _exp(np.asarray(log_tau)[..., None] + directions.log_x2 - shares)


def _gap_slope(directions: Directions, log_tau: float) -> float:
    """Return the derivative of `entropy_gap` by log tau."""
    log_u = _log_u(directions, np.asarray(log_tau))
    v, w = expit(log_u), expit(-log_u)
    return float((0.5 * v * v + w * _offset_term(directions, np.asarray(log_tau), log_u)) @ directions.weights)


def _exp(exponent: FloatArray) -> FloatArray:
    with np.errstate(over="ignore"):  # inf is the value of what overflows
        return np.asarray(np.exp(exponent))


def solve_master_equation(alpha: float, directions: Directions) -> float:
    """Return ``log tau_c``, the root of ``alpha + S(tau) = 0``.

    Parameters
    ----------
    alpha : float
        log(n)/d, positive.
    directions : Directions
        Spectrum and query.

    Returns
    -------
    float
        log tau_c, to about 1e-14.

    Raises
    ------
    InputError
        If alpha is so large or small, or the query so far away, that the bandwidths leave the floats.

    Examples
    --------
    >>> from infostat.density.spectra import isotropic
    >>> log_tau = solve_master_equation(0.3, Directions.of(*isotropic()))
    >>> round(float(np.exp(log_tau)), 10)
    1.3280608667
    """
    log_alpha = math.log(alpha)

    def excess(log_tau: float) -> float:
        gap = float(entropy_gap(directions, np.asarray(log_tau)))
        return math.log(gap) - log_alpha if gap > 0.0 else -math.inf

    # In units of the largest eigenvalue, so that a change of scale changes nothing else.
    root = solve_increasing(excess, -float(directions.log_s.max()))
    if root is None or abs(root) > LARGEST_LOG_TAU:
        raise InputError(
            f"alpha must be such that the bandwidths are ordinary floats, got alpha={alpha:g} for this spectrum and "
            "query; alpha = log(n)/d is rarely above 10"
        )
    # Brent's method stops within its tolerance of the root, one Newton step goes to the last digit.
    return root - excess(root) * alpha / _gap_slope(directions, root)


def solve_increasing(
    function: Callable[[float], float], origin: float, low: float = -40.0, high: float = 150.0
) -> float | None:
    """Return the root of an increasing function near `origin`, None if there is none in reach.

    The bracket ``origin + [low, high]`` is widened up to four times where the root lies outside.

    Parameters
    ----------
    function : callable
        Increasing function of a float.
    origin : float
        Middle of the search.
    low, high : float
        Ends of the first bracket, from `origin`.

    Returns
    -------
    float or None
        The root.
    """
    from scipy.optimize import brentq

    for _ in range(5):
        if not function(origin + low) > 0.0:
            break
        low *= 1.8
    for _ in range(5):
        if not function(origin + high) < 0.0:
            break
        high *= 1.8
    at_low, at_high = function(origin + low), function(origin + high)
    if at_low > 0.0 or at_high < 0.0 or math.isinf(at_low) or math.isinf(at_high):
        return None
    return float(brentq(function, origin + low, origin + high, xtol=1e-13, rtol=1e-15, maxiter=300))


def regime_name(mu: FloatArray) -> FloatArray:
    """Return the word for each stability index: below 1, up to 2, above 2.

    Parameters
    ----------
    mu : ndarray
        Stability indices.

    Returns
    -------
    ndarray of str
        ``"condensed"``, ``"stable"`` or ``"clt"``.
    """
    return np.asarray(np.array(REGIMES)[(mu >= 1.0).astype(int) + (mu > 2.0)])
