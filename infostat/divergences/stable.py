"""Differences that cancel, written so that they do not."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..core.validation import FloatArray

__all__ = ["exp_gap", "log_gap", "scaled_exp_gap"]

_SMALL = 0.25


def log_gap(u: ArrayLike, ratio: ArrayLike | None = None) -> FloatArray:
    """Return ``u - log(1 + u)``, accurate also near zero.

    Parameters
    ----------
    u : array_like
        Numbers > -1.
    ratio : array_like, optional
        ``1 + u`` where the caller knows it to more digits (u close to -1).

    Returns
    -------
    ndarray
        Non-negative gaps.

    Notes
    -----
    With ``s = u/(2 + u)`` the gap is ``s u - 2 (s^3/3 + s^5/5 + ...)``, used for ``|u| < 1/4``.

    Examples
    --------
    >>> float(log_gap(2.0**-30) * 2.0**61)
    0.99999999937...
    """
    u = np.asarray(u, dtype=np.float64)
    whole = 1.0 + u if ratio is None else np.asarray(ratio, dtype=np.float64)
    with np.errstate(divide="ignore"):
        far = u - np.log(whole)
    near = np.where(np.abs(u) < _SMALL, u, 0.0)
    s = near / (2.0 + near)
    s2 = s * s
    tail = np.zeros_like(s)
    for k in range(21, 1, -2):
        tail = tail * s2 + 1.0 / k
    return np.where(np.abs(u) < _SMALL, s * near - 2.0 * s * s2 * tail, far)


def exp_gap(x: ArrayLike) -> FloatArray:
    """Return ``exp(x) - 1 - x``, accurate also near zero.

    Parameters
    ----------
    x : array_like
        Real numbers.

    Returns
    -------
    ndarray
        Non-negative gaps; inf where the exponential overflows.

    Examples
    --------
    >>> float(exp_gap(1e-9) * 2e18)
    1.000000000333...
    """
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(over="ignore"):
        far = np.expm1(x) - x
    near = np.where(np.abs(x) < 0.5, x, 0.0)
    tail = np.ones_like(near)
    for k in range(17, 2, -1):
        tail = 1.0 + near * tail / k
    return np.where(np.abs(x) < 0.5, 0.5 * near * near * tail, far)


def scaled_exp_gap(log_scale: ArrayLike, x: ArrayLike) -> FloatArray:
    """Return ``exp(log_scale) (exp(x) - 1 - x)`` where the two exponentials may balance.

    Parameters
    ----------
    log_scale, x : array_like
        Real numbers.

    Returns
    -------
    ndarray
        Non-negative terms, for instance ``q - p - p log(q/p)`` with ``log p`` and ``log(q/p)``.

    Examples
    --------
    >>> float(scaled_exp_gap(-800.0, 801.0).round(6))
    2.718282
    """
    scale, x = np.broadcast_arrays(np.asarray(log_scale, np.float64), np.asarray(x, np.float64))
    near = np.abs(x) < 1.0
    with np.errstate(over="ignore", under="ignore"):
        close = np.exp(scale) * exp_gap(np.where(near, x, 0.0))
        far = np.exp(scale + x) - np.exp(scale) * (1.0 + x)
    return np.asarray(np.where(near, close, far))
