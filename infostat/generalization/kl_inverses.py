"""Inverses of the binary Kullback-Leibler divergence: from an observed rate to the rates it allows.

``kl(q || p) = q log(q/p) + (1-q) log((1-q)/(1-p))`` is convex in p and zero at ``p = q``, so the p with
``kl(q || p) <= c`` are an interval; the two functions return its ends.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, Words, describe
from ..core.validation import FloatArray, as_float_array
from ..divergences.stable import log_gap
from .labelled import check_nonnegative, common_shape, scalar_or_array

__all__ = ["check_rate", "kl_inverse_lower", "kl_inverse_upper"]

_BISECTIONS = 60
_NEWTON_STEPS = 4
_NO_MASS = 1e-290  # below it x/a overflows while a log(1 + x/a) < 1e-286 vanishes beside x


def kl_inverse_upper(q: ArrayLike, c: ArrayLike) -> float | FloatArray:
    """Return the largest p with ``kl(q || p) <= c``.

    Parameters
    ----------
    q : float or array_like
        Observed rate, in [0, 1].
    c : float or array_like
        Divergence in nats, non-negative; inf is allowed. Broadcasts against `q`.

    Returns
    -------
    float or ndarray
        Rates in [q, 1], absolute error below 1e-12.

    Raises
    ------
    InputError
        If a rate is outside [0, 1], or a divergence is negative or nan.

    Notes
    -----
    Special values: ``1 - exp(-c)`` at q = 0, 1 at q = 1, q at c = 0, 1 at c = inf. With ``x = p - q`` and
    ``g(u) = u - log(1 + u)`` the divergence is ``q g(x/q) + (1-q) g(-x/(1-q))``, where nothing cancels
    however small c is. Bisection inside Pinsker's bracket ``x <= sqrt(c/2)``, then Newton steps.

    Examples
    --------
    >>> round(kl_inverse_upper(0.1, 0.1), 12)
    0.282379139456
    >>> kl_inverse_upper([0.0, 0.5, 1.0], float("inf"))
    array([1., 1., 1.])
    """
    rate, level = _inputs(q, c)
    return scalar_or_array(np.minimum(rate + _excess(rate, 1.0 - rate, level), 1.0))


def kl_inverse_lower(q: ArrayLike, c: ArrayLike) -> float | FloatArray:
    """Return the smallest p with ``kl(q || p) <= c``.

    Parameters
    ----------
    q : float or array_like
        Observed rate, in [0, 1].
    c : float or array_like
        Divergence in nats, non-negative; inf is allowed. Broadcasts against `q`.

    Returns
    -------
    float or ndarray
        Rates in [0, q], absolute error below 1e-12.

    Raises
    ------
    InputError
        If a rate is outside [0, 1], or a divergence is negative or nan.

    Notes
    -----
    ``1 - kl_inverse_upper(1 - q, c)``, computed without rounding ``1 - q``; ``exp(-c)`` at q = 1.

    Examples
    --------
    >>> round(kl_inverse_lower(0.9, 0.1), 12)
    0.717620860544
    >>> kl_inverse_lower(0.0, 3.0)
    0.0
    """
    rate, level = _inputs(q, c)
    found = np.maximum(rate - _excess(1.0 - rate, rate, level), 0.0)
    return scalar_or_array(np.where(rate == 1.0, np.exp(-level), found))


def check_rate(name: str, value: Any) -> FloatArray:
    """Return rates as an array with entries in [0, 1], or raise.

    Parameters
    ----------
    name : str
        Argument, for the message.
    value : array_like
        Empirical losses or rates.

    Returns
    -------
    ndarray
        The values.

    Raises
    ------
    InputError
        If there is none, or one is outside [0, 1] or nan.
    """
    array = as_float_array(name, value, finite=False)
    if array.size == 0:
        raise InputError(describe(name, "at least one number", Words("an empty array")))
    if not ((array >= 0.0) & (array <= 1.0)).all():
        bad = array[~((array >= 0.0) & (array <= 1.0))]
        raise InputError(describe(name, "a number in [0, 1]", float(bad.flat[0])))
    return array


def _inputs(q: ArrayLike, c: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Checked rate and level of one common shape."""
    rate, level = common_shape(q=check_rate("q", q), c=check_nonnegative("c", c))
    return rate, level


def _divergence(a: FloatArray, b: FloatArray, x: FloatArray) -> FloatArray:
    """Binary divergence after the mass x has moved from b to a; inf where all of b has moved.

    Parameters
    ----------
    a, b : ndarray
        Masses of sum 1, b positive.
    x : ndarray
        Mass in [0, b].

    Returns
    -------
    ndarray
        ``a g(x/a) + b g(-x/b)``, ``g(u) = u - log(1 + u)``.
    """
    positive = a > _NO_MASS
    gained = np.where(positive, a * log_gap(x / np.where(positive, a, 1.0)), x)
    return np.asarray(gained + b * log_gap(-x / b, (b - x) / b))


def _excess(a: FloatArray, b: FloatArray, level: FloatArray) -> FloatArray:
    """Return the mass that may move from b to a before the divergence exceeds the level.

    Parameters
    ----------
    a, b : ndarray
        Masses of sum 1.
    level : ndarray
        Divergences in [0, inf].

    Returns
    -------
    ndarray
        Masses in [0, b].
    """
    all_of_b = b
    free = (b > 0.0) & (level > 0.0) & np.isfinite(level)
    a, b, c = (np.where(free, item, default) for item, default in ((a, 0.5), (b, 0.5), (level, 1.0)))
    low, high = np.zeros_like(c), np.minimum(b, np.sqrt(0.5 * c))
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        inside = _divergence(a, b, middle) <= c
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    x = 0.5 * (low + high)
    for _ in range(_NEWTON_STEPS):
        # The derivative of the divergence in x is x/(p (1-p)); where it is infinite the step is zero.
        with np.errstate(invalid="ignore", over="ignore"):
            step = (_divergence(a, b, x) - c) * (a + x) * (b - x) / np.where(x > 0.0, x, 1.0)
        x = np.clip(x - np.where(np.isfinite(step), step, 0.0), low, high)
    x = np.where(a == 0.0, -np.expm1(-c), x)  # closed form: a single log is left
    return np.where(free, x, np.where(np.isinf(level), all_of_b, 0.0))
