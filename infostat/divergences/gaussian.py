"""Divergences and distances between normal laws in closed form.

Two laws are compared in the coordinates in which the second is standard and the first has a
diagonal covariance; every formula is then a sum over coordinates, written so that nothing
cancels when the laws are close. Determinants and inverses never appear. Transport and kernel
distances are in :mod:`infostat.divergences.gaussian_transport`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ..core.validation import FloatArray, check_number
from .gaussian_pairs import RelativePair, cauchy_schwarz_of_pair, relative_pair, two_laws
from .gaussian_transport import mmd_gaussian, sinkhorn_gaussian, sliced_w2_gaussian, w2_gaussian
from .stable import log_gap

__all__ = [
    "cauchy_schwarz_gaussian",
    "hellinger_gaussian",
    "kl_gaussian",
    "mmd_gaussian",
    "renyi_gaussian",
    "sinkhorn_gaussian",
    "sliced_w2_gaussian",
    "w2_gaussian",
]


def kl_gaussian(m1: ArrayLike, S1: ArrayLike, m2: ArrayLike, S2: ArrayLike) -> float:
    """Return the Kullback-Leibler divergence of N(m1, S1) from N(m2, S2).

    Parameters
    ----------
    m1, m2 : float or array_like of shape (d,)
        Means.
    S1, S2 : float or array_like of shape (d, d)
        Covariances; in one dimension variances.

    Returns
    -------
    float
        ``[tr(S2^-1 S1) + D' S2^-1 D - d + log|S2|/|S1|]/2`` nats, ``D = m1 - m2``.

    Raises
    ------
    InputError
        If shapes do not fit, or a covariance is not symmetric and positive definite; the
        message names the argument.

    Examples
    --------
    >>> round(kl_gaussian(0, 1, 1, 2.25), 12)
    0.349909552553
    """
    pair = relative_pair(*two_laws(m1, S1, m2, S2))
    return 0.5 * float(log_gap(pair.excess, pair.ratio).sum() + pair.shift @ pair.shift)


def renyi_gaussian(m1: ArrayLike, S1: ArrayLike, m2: ArrayLike, S2: ArrayLike, order: float) -> float:
    """Return the Rényi divergence of N(m1, S1) from N(m2, S2).

    Parameters
    ----------
    m1, m2 : float or array_like of shape (d,)
        Means.
    S1, S2 : float or array_like of shape (d, d)
        Covariances; in one dimension variances.
    order : float
        Order a >= 0; 1 is the Kullback-Leibler divergence, inf the log of the largest density
        ratio.

    Returns
    -------
    float
        Nats; inf if ``Sa = a S2 + (1 - a) S1`` is not positive definite.

    Raises
    ------
    InputError
        As for `kl_gaussian`, or if `order` is negative.

    Notes
    -----
    ``D_a = (a/2) D' Sa^-1 D - [log|Sa| - (1-a) log|S1| - a log|S2|]/(2 (a-1))`` (Gil, Alajaji
    and Linder 2013, table 2). With x the eigenvalues of ``S2^-1 S1 - I`` and
    ``g(u) = u - log(1+u) >= 0`` the second term is half the sum of ``g(x) + g((1-a) x)/(a-1)``,
    for a < 1 of ``g(a x/y) + a/(1-a) g((a-1) x/y)``, ``y = 1 + (1-a) x``: no part cancels.

    Examples
    --------
    >>> round(renyi_gaussian(0, 1, 1, 2.25, 1.5), 12)
    0.421212215293
    >>> renyi_gaussian(0, 4, 0, 1, 2)
    inf
    """
    order = check_number("order", order, low=0, finite=False)
    return _renyi_of_pair(relative_pair(*two_laws(m1, S1, m2, S2)), order)


def _renyi_of_pair(pair: RelativePair, order: float) -> float:
    """Return the Rényi divergence of order >= 0 from the relative coordinates of two laws.

    Parameters
    ----------
    pair : RelativePair
        Relative eigenvalues and shift.
    order : float
        Order in [0, inf].

    Returns
    -------
    float
        The divergence in nats.
    """
    x, ratio, w2 = pair.excess, pair.ratio, pair.shift**2
    if order == 0.0:
        return 0.0
    if order == math.inf:
        return _largest_log_ratio(x, ratio, w2)
    mixed = 1.0 + (1.0 - order) * x
    if not (mixed > 0.0).all():
        return math.inf
    mean_part = 0.5 * order * float((w2 / mixed).sum())
    if order < 1.0:
        toward_second = log_gap(order * x / mixed, ratio / mixed)
        toward_first = log_gap((order - 1.0) * x / mixed, 1.0 / mixed)
        spread = toward_second + order / (1.0 - order) * toward_first
    elif order == 1.0:
        spread = log_gap(x, ratio)
    else:
        spread = log_gap((1.0 - order) * x, mixed) / (order - 1.0) + log_gap(x, ratio)
    return mean_part + 0.5 * float(spread.sum())


def _largest_log_ratio(x: FloatArray, ratio: FloatArray, w2: FloatArray) -> float:
    if (x > 0.0).any() or ((x == 0.0) & (w2 > 0.0)).any():
        return math.inf
    inner = x < 0.0
    return 0.5 * float((w2[inner] / -x[inner] - np.log(ratio[inner])).sum())


def hellinger_gaussian(m1: ArrayLike, S1: ArrayLike, m2: ArrayLike, S2: ArrayLike) -> float:
    """Return the squared Hellinger distance H^2, in [0, 1], of two normal laws.

    Parameters
    ----------
    m1, m2 : float or array_like of shape (d,)
        Means.
    S1, S2 : float or array_like of shape (d, d)
        Covariances; in one dimension variances.

    Returns
    -------
    float
        ``1 - exp(-D_{1/2}/2)``, the half of the integrated squared difference of root densities.

    Raises
    ------
    InputError
        As for `kl_gaussian`.

    Examples
    --------
    >>> round(hellinger_gaussian(0, 1, 1, 2.25), 11)
    0.11036537189
    """
    return -math.expm1(-0.5 * _renyi_of_pair(relative_pair(*two_laws(m1, S1, m2, S2)), 0.5))


def cauchy_schwarz_gaussian(m1: ArrayLike, S1: ArrayLike, m2: ArrayLike, S2: ArrayLike) -> float:
    """Return the Cauchy-Schwarz divergence of two normal laws.

    Parameters
    ----------
    m1, m2 : float or array_like of shape (d,)
        Means.
    S1, S2 : float or array_like of shape (d, d)
        Covariances; in one dimension variances.

    Returns
    -------
    float
        ``D'(S1+S2)^-1 D + log|S1+S2| - (log|2 S1| + log|2 S2|)/2`` nats.

    Raises
    ------
    InputError
        As for `kl_gaussian`.

    Examples
    --------
    >>> round(cauchy_schwarz_gaussian(0, 1, 1, 2.25), 12)
    0.387735015366
    """
    return cauchy_schwarz_of_pair(relative_pair(*two_laws(m1, S1, m2, S2)))
