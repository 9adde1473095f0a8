"""From distances to k-th neighbours to entropies and divergences: the formulas alone."""

from __future__ import annotations

import math

import numpy as np

from ..core.validation import FloatArray

__all__ = ["divergence_value", "entropy_value", "log_unit_ball"]


def entropy_value(log_distances: FloatArray, d: int, k: int, norm: str, order: float) -> float:
    """Return the entropy of one order from the logarithms of the distances.

    Parameters
    ----------
    log_distances : ndarray of shape (n,)
        Logarithm of the distance of each row to its k-th neighbour.
    d, k : int
        Dimension and number of the neighbour.
    norm : {"euclidean", "max"}
        Norm of the distances.
    order : float
        1 is Shannon's entropy.

    Returns
    -------
    float
        Nats.

    Examples
    --------
    >>> round(entropy_value(np.log([1.0, 1.0, 2.0, 4.0]), 1, 1, "max", 1.0), 6)
    3.046341
    """
    from scipy.special import digamma

    n = len(log_distances)
    log_volume = d * log_distances + log_unit_ball(d, norm)
    if order == 1.0:
        return float(digamma(n) - digamma(k) + log_volume.mean())
    s = 1.0 - order
    return _log_mean_exp(log_volume + math.log(n - 1), s) + _gamma_slope(k, s)


def divergence_value(log_ratio: FloatArray, k: int, k_y: int, order: float) -> float:
    """Return the divergence of one order from the logarithms of the density ratios q/p.

    Parameters
    ----------
    log_ratio : ndarray of shape (n,)
        Logarithm of (n-1) rho^d/(m nu^d) at each row of the sample of P.
    k, k_y : int
        Numbers of the neighbours behind rho and nu; equal unless the order is 1.
    order : float
        1 is the KL divergence.

    Returns
    -------
    float
        Nats.

    Examples
    --------
    >>> divergence_value(np.log([0.5, 0.5]), 2, 2, 1.0) == math.log(2.0)
    True
    """
    from scipy.special import digamma

    if order == 1.0:
        constant = 0.0 if k == k_y else float(digamma(k) - digamma(k_y))
        return float(constant - log_ratio.mean())
    s = 1.0 - order
    return -(_log_mean_exp(log_ratio, s) + _gamma_slope(k, s) - _gamma_slope(k, -s))


def log_unit_ball(d: int, norm: str) -> float:
    """Return the logarithm of the volume of the unit ball.

    Parameters
    ----------
    d : int
        Dimension.
    norm : {"euclidean", "max"}
        Whose ball.

    Returns
    -------
    float
        d log 2 for the maximum norm, (d/2) log pi - log Gamma(d/2 + 1) for the Euclidean.

    Examples
    --------
    >>> math.isclose(log_unit_ball(2, "euclidean"), math.log(math.pi))
    True
    """
    if norm == "max":
        return d * math.log(2.0)
    return 0.5 * d * math.log(math.pi) - math.lgamma(0.5 * d + 1.0)


def _log_mean_exp(t: FloatArray, s: float) -> float:
    """Return log(mean exp(s t))/s without loss of digits near s = 0."""
    centre = float(t.mean())
    powers = s * (t - centre)
    largest = float(powers.max())
    if largest < 0.5 and float(powers.min()) > -0.5:
        return centre + math.log1p(float(np.expm1(powers).mean())) / s
    return centre + (largest + math.log(float(np.exp(powers - largest).mean()))) / s


def _gamma_slope(k: int, s: float) -> float:
    """Return (log Gamma(k) - log Gamma(k + s))/s, minus the mean of psi between the two."""
    if abs(s) > 0.25:
        return (math.lgamma(k) - math.lgamma(k + s)) / s
    from scipy.special import digamma

    nodes, weights = np.polynomial.legendre.leggauss(10)
    return float(-0.5 * weights @ digamma(k + 0.5 * s * (1.0 + nodes)))
