"""Best-of-N masses of reward levels in log domain, for log N up to a thousand and beyond.

The number N itself is never formed: it overflows at log N = 709. What is needed is N G with G
the mass above a level, and that is a sum of ``exp(log N + log p)``, whose terms are harmless
exactly at the levels where best-of-N has its mass.
"""

from __future__ import annotations

import math

import numpy as np

from ..core.validation import FloatArray
from .tilt_solver import ratio_divergence

__all__ = ["level_kl", "level_win_rate", "log_cdf", "log_level_masses", "log_tail"]

# Largest argument of exp; what exceeds it is as good as infinite where it is used.
_LARGEST = 709.0
# Below this KL the direct sum of q log(q/p) loses digits.
_SMALL_KL = 1e-2


def log_level_masses(log_mass: FloatArray, log_n: float) -> tuple[FloatArray, FloatArray]:
    """Return the log probabilities that the best of N draws lies in each level.

    Parameters
    ----------
    log_mass : ndarray of shape (g,)
        Log masses of the levels in ascending order of reward; -inf is an empty level. Lower levels
        may be missing (masses sum to less than one) if their share of best-of-N is negligible.
    log_n : float
        log N >= 0.

    Returns
    -------
    log_q : ndarray of shape (g,)
        ``log(F_g^N - F_(g-1)^N)``; levels whose share is below exp(-1e308) hold about -8e307.
    log_cdf : ndarray of shape (g,)
        log F_g, the last one exactly zero. It does not depend on N.

    Notes
    -----
    ``q_g = F_g^N (1 - (1 - p_g/F_g)^N)``; N log F_g is ``log1p(-G_g)/G_g`` times N G_g where the
    upper tail G_g is below one half.

    Examples
    --------
    >>> log_q, log_F = log_level_masses(np.log([0.5, 0.3, 0.2]), np.log(4.0))
    >>> np.exp(log_q).round(12), np.exp(log_F).round(12)
    (array([0.0625, 0.3471, 0.5904]), array([0.5, 0.8, 1. ]))
    >>> np.exp(log_level_masses(np.array([-1e-300, -900.0]), 900.0)[0]).round(12)
    array([0.36787944, 0.63212056])
    """
    log_q = np.full(len(log_mass), -np.inf)
    cdf = log_cdf(log_mass)
    present = np.flatnonzero(log_mass > -np.inf)
    if log_n == 0.0:
        return log_mass.copy(), cdf
    mass, below = log_mass[present], cdf[present]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        log_q[present] = _n_log_cdf(mass, below, log_n) + _log_last_share(mass, below, log_n)
    return log_q, cdf


def log_tail(log_mass: FloatArray) -> FloatArray:
    """Return the log mass strictly above each level.

    Parameters
    ----------
    log_mass : ndarray of shape (g,)
        Log masses in ascending order of reward.

    Returns
    -------
    ndarray of shape (g,)
        log G_g; -inf for the last level.

    Examples
    --------
    >>> np.exp(log_tail(np.log([0.5, 0.3, 0.2]))).round(12)
    array([0.5, 0.2, 0. ])
    """
    out = np.full(len(log_mass), -np.inf)
    if len(out) > 1:
        out[:-1] = np.logaddexp.accumulate(log_mass[:0:-1])[::-1]
    return out


def log_cdf(log_mass: FloatArray) -> FloatArray:
    """Return the log mass up to and including each level.

    Parameters
    ----------
    log_mass : ndarray of shape (g,)
        Log masses in ascending order of reward.

    Returns
    -------
    ndarray of shape (g,)
        log F_g: ``log1p(-G_g)`` where the upper tail G_g is below one half, the log of the lower
        sum elsewhere; the last one exactly zero.

    Examples
    --------
    >>> log_cdf(np.log([0.5, 0.3, 0.2])).round(12)
    array([-0.69314718, -0.22314355,  0.        ])
    """
    tail = np.exp(log_tail(log_mass))
    lower = np.logaddexp.accumulate(log_mass)
    return np.where(tail < 0.5, np.log1p(-np.minimum(tail, 0.5)), np.minimum(lower, 0.0)) + 0.0  # no -0.0


def level_kl(log_q: FloatArray, log_mass: FloatArray) -> float:
    """Return KL(q || p) of level masses.

    Parameters
    ----------
    log_q, log_mass : ndarray of shape (g,)
        Log masses of the two laws.

    Returns
    -------
    float
        Nats; inf where q has mass and p has none.

    Examples
    --------
    >>> round(level_kl(np.log([0.0625, 0.3471, 0.5904]), np.log([0.5, 0.3, 0.2])), 12)
    0.559750560357
    """
    used = np.exp(log_q) > 0.0
    q, ratio = log_q[used], log_q[used] - log_mass[used]
    if (ratio == np.inf).any():
        return math.inf
    direct = float(np.exp(q) @ ratio)
    if direct > _SMALL_KL:
        return direct
    ratio = np.where(log_q > -np.inf, log_q, -np.inf) - np.where(log_mass > -np.inf, log_mass, 0.0)
    return float(ratio_divergence(log_q, log_mass, ratio))


def level_win_rate(log_q: FloatArray, log_mass: FloatArray, log_cdf: FloatArray) -> float:
    """Return the probability that a draw from q beats a draw from p, ties counted one half.

    Parameters
    ----------
    log_q, log_mass, log_cdf : ndarray of shape (g,)
        Log masses of q and p and log distribution function of p.

    Returns
    -------
    float
        ``sum q_g (F_g - p_g/2)``.

    Examples
    --------
    >>> log_p = np.log([0.5, 0.3, 0.2])
    >>> log_q, log_F = log_level_masses(log_p, np.log(4.0))
    >>> round(level_win_rate(log_q, log_p, log_F), 12)
    0.7726
    """
    return float(np.exp(log_q) @ (np.exp(log_cdf) - 0.5 * np.exp(log_mass)))


def _n_log_cdf(log_mass: FloatArray, cdf: FloatArray, log_n: float) -> FloatArray:
    """N log F_g, from N G_g in the upper half and from log F_g in the lower."""
    # Adding log N first gives terms of order one with one rounding; summing from the top adds
    # small to large.
    terms = np.exp(np.minimum(log_n + log_mass, _LARGEST))
    n_tail = np.zeros_like(terms)
    n_tail[:-1] = np.minimum(np.cumsum(terms[:0:-1]), 1e308)[::-1]
    tail = -np.expm1(cdf)
    upper = -n_tail * np.where(tail > 1e-16, -cdf / np.where(tail > 1e-16, tail, 1.0), 1.0)
    if log_n < _LARGEST:
        lower = math.exp(log_n) * cdf
    else:
        lower = -np.exp(np.minimum(log_n + np.log(-cdf), _LARGEST))
    return np.where(tail < 0.5, upper, np.maximum(lower, -math.exp(_LARGEST)))


def _log_last_share(log_mass: FloatArray, cdf: FloatArray, log_n: float) -> FloatArray:
    """log(1 - (1 - a)^N) with a = p_g/F_g."""
    log_a = np.minimum((log_n + log_mass) - cdf, log_n) - log_n
    a = np.exp(log_a)
    # -log(1 - a)/a; where a is large, -log(1 - a) = log F_g - log F_(g-1).
    steps = np.concatenate([[np.inf], np.diff(cdf)])
    exponent = np.where(a < 0.5, -np.log1p(-np.minimum(a, 0.5)), steps)
    stretch = np.where(a > 1e-16, np.log(exponent / a), 0.0)
    log_z = np.minimum((log_n + log_mass) - cdf, log_n) + stretch
    log_z[0] = np.inf  # nothing lies below the first level
    z = np.exp(np.minimum(log_z, _LARGEST))
    small, middle = z < 1e-4, z < 0.7
    series = log_z - 0.5 * z + z * z / 24.0
    z_middle = np.where(small, 1.0, np.minimum(z, 1.0))
    return np.where(small, series, np.where(middle, np.log(-np.expm1(-z_middle)), np.log1p(-np.exp(-z))))
