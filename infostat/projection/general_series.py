"""Truncated power series: derivatives up to the fourth of compositions, for arrays of points.

A series is an array of shape (5, m): Taylor coefficients ``f, f', f''/2, f'''/6, f''''/24`` at m
points. The linear predictor of a regression is ``variable(u)``; inverse links and log densities are
built from it without a formula for their fourth derivatives being written down anywhere.
"""

from __future__ import annotations

import numpy as np

from ..core.validation import FloatArray

__all__ = ["derivatives", "exponential", "integrated", "logarithm", "multiply", "power", "variable"]

ORDER = 4
_FACTORIALS = np.array([1.0, 1.0, 2.0, 6.0, 24.0])


def variable(u: FloatArray) -> FloatArray:
    """Return the series of the identity at the points `u`.

    Parameters
    ----------
    u : ndarray of shape (m,)
        Points.

    Returns
    -------
    ndarray of shape (5, m)
        ``u, 1, 0, 0, 0``.
    """
    found = np.zeros((ORDER + 1, len(u)))
    found[0], found[1] = u, 1.0
    return found


def derivatives(series: FloatArray) -> FloatArray:
    """Return derivatives of order 0 to 4 instead of Taylor coefficients.

    Parameters
    ----------
    series : ndarray of shape (5, m)
        Taylor coefficients.

    Returns
    -------
    ndarray of shape (5, m)
        Derivatives.
    """
    return np.asarray(series * _FACTORIALS[:, None])


def multiply(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the product of two series.

    Parameters
    ----------
    a, b : ndarray of shape (5, m)
        Series.

    Returns
    -------
    ndarray of shape (5, m)
        The product up to the fourth order.
    """
    found = np.zeros(np.broadcast_shapes(a.shape, b.shape))
    for i in range(ORDER + 1):
        for j in range(ORDER + 1 - i):
            found[i + j] += a[i] * b[j]
    return found


def exponential(a: FloatArray) -> FloatArray:
    """Return the exponential of a series.

    Parameters
    ----------
    a : ndarray of shape (5, m)
        Series.

    Returns
    -------
    ndarray of shape (5, m)
        By the recursion ``k e_k = sum_j j a_j e_(k-j)``.
    """
    found = np.zeros_like(a)
    found[0] = np.exp(a[0])
    for k in range(1, ORDER + 1):
        found[k] = sum(j * a[j] * found[k - j] for j in range(1, k + 1)) / k
    return found


def power(a: FloatArray, exponent: float) -> FloatArray:
    """Return a real power of a series.

    Parameters
    ----------
    a : ndarray of shape (5, m)
        Series with a leading coefficient that has this power.
    exponent : float
        Any real number.

    Returns
    -------
    ndarray of shape (5, m)
        By the recursion ``k a_0 b_k = sum_j (j (c + 1) - k) a_j b_(k-j)``.

    Examples
    --------
    >>> import numpy as np
    >>> derivatives(power(variable(np.array([2.0])), -1.0)).ravel().tolist()
    [0.5, -0.25, 0.25, -0.375, 0.75]
    """
    found = np.zeros_like(a)
    found[0] = a[0] ** exponent
    for k in range(1, ORDER + 1):
        found[k] = sum((j * (exponent + 1.0) - k) * a[j] * found[k - j] for j in range(1, k + 1)) / (k * a[0])
    return found


def logarithm(a: FloatArray) -> FloatArray:
    """Return the logarithm of a series.

    Parameters
    ----------
    a : ndarray of shape (5, m)
        Series with a positive leading coefficient.

    Returns
    -------
    ndarray of shape (5, m)
        By the recursion ``a_0 l_k = a_k - sum_j (j/k) l_j a_(k-j)``.
    """
    found = np.zeros_like(a)
    found[0] = np.log(a[0])
    for k in range(1, ORDER + 1):
        found[k] = (a[k] - sum(j * found[j] * a[k - j] for j in range(1, k)) / k) / a[0]
    return found


def integrated(value: FloatArray, slope: FloatArray) -> FloatArray:
    """Return the series with a given value and derivative.

    Parameters
    ----------
    value : ndarray of shape (m,)
        Leading coefficient.
    slope : ndarray of shape (5, m)
        Series of the derivative.

    Returns
    -------
    ndarray of shape (5, m)
        The antiderivative.
    """
    return np.concatenate([np.asarray(value)[None], slope[:-1] / np.arange(1.0, ORDER + 1.0)[:, None]])
