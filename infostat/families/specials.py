"""Special functions written so that nothing cancels.

The gamma, beta, Poisson and Dirichlet families need differences such as
``log a - digamma(a)`` or ``x/m - 1 - log(x/m)`` whose terms agree in all but
the last digits for large arguments. Here each difference is one function.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from ..core.validation import FloatArray

__all__ = ["inverse_digamma", "polygamma_drop", "polygamma_excess", "ratio_gap", "stirling_excess"]

# Bernoulli numbers B_2, B_4, ..., B_18.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)
# From here on nine terms of the asymptotic series reach the last digit, and below it
# the plain difference loses at most a factor 2a = 32 of rounding error.
_ASYMPTOTIC_FROM = 16.0


def ratio_gap(x: FloatArray, m: FloatArray | float) -> FloatArray:
    """Return ``x/m - 1 - log(x/m)`` for positive arguments, accurate also near ``x = m``.

    Parameters
    ----------
    x : ndarray
        Positive numbers.
    m : ndarray or float
        Positive numbers, broadcast against `x`.

    Returns
    -------
    ndarray
        Non-negative gaps.

    Notes
    -----
    With ``u = x/m - 1`` and ``s = u/(2 + u)`` the gap is
    ``s u - 2 (s^3/3 + s^5/5 + ...)``, used for ``|u| < 1/4``.

    Examples
    --------
    >>> float(ratio_gap(np.array([1.0 + 2.0**-30]), 1.0)[0] * 2.0**61)
    0.99999999937...
    """
    x, m = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(m, dtype=np.float64))
    u = (x - m) / m
    near = np.abs(u) < 0.25
    # Far points use the logs themselves: x/m may be as small as the smallest float.
    out = np.asarray(u - (np.log(x) - np.log(m)))
    s = u[near] / (2.0 + u[near])
    s2 = s * s
    tail = np.zeros_like(s)
    for k in range(21, 1, -2):
        tail = tail * s2 + 1.0 / k
    out[near] = s * u[near] - 2.0 * s * s2 * tail
    return out


def polygamma_excess(order: int, a: FloatArray | float) -> FloatArray:
    """Return the polygamma function minus its leading term for large arguments.

    Parameters
    ----------
    order : {0, 1, 2, 3}
        Order of the polygamma function (0: digamma).
    a : ndarray or float
        Positive arguments.

    Returns
    -------
    ndarray
        ``digamma(a) - log a``, ``trigamma(a) - 1/a``, ``psi_2(a) + 1/a^2`` or
        ``psi_3(a) - 2/a^3``.

    Notes
    -----
    Asymptotic series ``(-1)^{r+1} [r!/(2 a^{r+1}) + sum_k B_2k (2k+r-1)!/(2k)! a^{-2k-r}]``
    (DLMF 5.11.2 and 5.15.8-9, differentiated).

    Examples
    --------
    >>> float(polygamma_excess(1, 1e10) * 2e20)
    1.00000000003...
    """
    array = np.asarray(a, dtype=np.float64)
    sign = (-1.0) ** (order + 1)
    small = np.minimum(array, _ASYMPTOTIC_FROM)
    leading = np.log(small) if order == 0 else sign * math.factorial(order - 1) / small**order
    direct = polygamma(order, small) - leading
    # Scaled by a^(order + 1), so that the series itself is a number of order one.
    inverse = 1.0 / np.maximum(array, _ASYMPTOTIC_FROM)
    series = np.zeros_like(inverse)
    for k in range(len(_BERNOULLI), 0, -1):
        ratio = math.factorial(2 * k + order - 1) / math.factorial(2 * k)
        series = series * inverse**2 + _BERNOULLI[k - 1] * ratio
    series = sign * (math.factorial(order) / 2.0 + series * inverse) * inverse ** (order + 1)
    return np.asarray(np.where(array < _ASYMPTOTIC_FROM, direct, series))


def polygamma_drop(order: int, a: FloatArray, shift: FloatArray) -> FloatArray:
    """Return ``psi_r(a) - psi_r(a + shift)`` without the cancellation of ``shift << a``.

    Parameters
    ----------
    order : {0, 1, 2, 3}
        Order r of the polygamma function.
    a, shift : ndarray
        Positive numbers.

    Returns
    -------
    ndarray
        Differences.

    Notes
    -----
    The leading terms (``log a``, ``1/a``, ...) are subtracted in closed form; what
    remains is smaller by a factor a.

    Examples
    --------
    >>> polygamma_drop(0, np.array([1e9]), np.array([1e-3]))
    array([-1.e-12])
    """
    end = a + shift
    if order == 0:
        leading = -np.log1p(shift / a)
    else:
        # 1/a^r - 1/end^r = (1/a - 1/end) (sum of the powers between).
        powers = sum(a ** -(order - 1.0 - i) * end ** -float(i) for i in range(order))
        leading = (-1.0) ** (order + 1) * math.factorial(order - 1) * shift / (a * end) * powers
    return np.asarray(leading + (polygamma_excess(order, a) - polygamma_excess(order, end)))


def stirling_excess(a: FloatArray | float) -> FloatArray:
    """Return ``lgamma(a) - [(a - 1/2) log a - a + log(2 pi)/2]``, the Stirling remainder.

    Parameters
    ----------
    a : ndarray or float
        Positive arguments.

    Returns
    -------
    ndarray
        Remainders, about ``1/(12 a)``.

    Examples
    --------
    >>> float(stirling_excess(1e8) * 1.2e9)
    1.0
    """
    array = np.asarray(a, dtype=np.float64)
    small = np.minimum(array, _ASYMPTOTIC_FROM)
    direct = gammaln(small) - (small - 0.5) * np.log(small) + small - 0.5 * math.log(2.0 * math.pi)
    inverse = 1.0 / np.maximum(array, _ASYMPTOTIC_FROM)
    inverse2 = inverse * inverse
    series = np.zeros_like(inverse)
    for k in range(len(_BERNOULLI), 0, -1):
        series = series * inverse2 + _BERNOULLI[k - 1] / (2 * k * (2 * k - 1))
    return np.asarray(np.where(array < _ASYMPTOTIC_FROM, direct, series * inverse))


def inverse_digamma(y: FloatArray) -> FloatArray:
    """Return a with ``digamma(a) = y``.

    Parameters
    ----------
    y : ndarray
        Real numbers.

    Returns
    -------
    ndarray
        Positive numbers.

    Notes
    -----
    Newton's method from the start of T. Minka, "Estimating a Dirichlet
    distribution" (2000), appendix C; six steps reach machine precision.

    Examples
    --------
    >>> inverse_digamma(digamma(np.array([1e-3, 1.0, 50.0]))).round(12)
    array([1.e-03, 1.e+00, 5.e+01])
    """
    y = np.asarray(y, dtype=np.float64)
    # digamma(a) ~ log(a - 1/2) for large and ~ -1/a - Euler's constant for small a.
    with np.errstate(over="ignore", divide="ignore"):
        a = np.where(y >= -2.22, np.exp(np.minimum(y, 700.0)) + 0.5, -1.0 / (y - digamma(1.0)))
    for _ in range(6):
        a = a - (digamma(a) - y) / polygamma(1, a)
    return np.asarray(a)
