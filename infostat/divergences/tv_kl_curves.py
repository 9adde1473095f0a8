"""How far apart total variation and Kullback-Leibler divergence can be: inequalities, and the exact curve.

For every pair of laws ``KL(P || Q)`` is at least a function of ``TV(P, Q)``. Pinsker, Vajda and
Bretagnolle-Huber give simple functions; the largest one, attained by laws on two points, has a
parametric form that is solved here for either coordinate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import zeta

from ..core.errors import InputError, describe
from ..core.validation import FloatArray, as_float_array, check_choice
from .stable import log_gap

__all__ = ["kl_lower_from_tv", "tv_upper_from_kl"]

_ROUNDING = 1e-10  # divergences computed elsewhere may miss their range by this much
_NEWTON_STEPS = 6  # four reach full precision from the starting points below
_LARGEST_KL = 60.0  # beyond it 1 - TV < exp(-60) is lost beside 1

# Taylor coefficients of tau coth(tau) in powers of (tau/pi)^2; below tau = 1 the 18th term is < 1e-17.
_ORDERS = np.arange(1.0, 19.0)
_COTH = 2.0 * zeta(2.0 * _ORDERS) * np.where(_ORDERS % 2 == 1, 1.0, -1.0)
_COTH_SLOPE = _COTH * (2.0 * _ORDERS - 1.0)
_DIVERGENCE = _COTH * (4.0 * _ORDERS**2 - 1.0) / (2.0 * _ORDERS)


def kl_lower_from_tv(tv: ArrayLike, method: str = "tight") -> float | FloatArray:
    """Return the smallest Kullback-Leibler divergence that a total variation distance allows.

    Parameters
    ----------
    tv : float or array_like
        Total variation distance ``sup_A |P(A) - Q(A)|``, in [0, 1].
    method : {"tight", "pinsker", "vajda", "bretagnolle_huber"}
        ``"tight"`` is the largest possible lower bound, the others are simpler and smaller.

    Returns
    -------
    float or ndarray
        Lower bound of ``KL(P || Q)`` in nats, elementwise; inf at ``tv = 1`` except for Pinsker's.

    Raises
    ------
    InputError
        If an entry is outside [0, 1] or the method is unknown.

    Notes
    -----
    With t the total variation distance: Pinsker ``2 t^2``; Vajda (1970)
    ``log((1+t)/(1-t)) - 2t/(1+t)``; Bretagnolle and Huber (1979) ``-log(1 - t^2)``. The tight curve
    (Fedotov, Harremoes and Topsoe 2003) has the parametric form, tau > 0,

        ``2 t = tau (1 - (coth tau - 1/tau)^2)``,
        ``KL = log(tau/sinh tau) + tau coth tau - tau^2/sinh^2 tau``,

    and its slope is ``dKL/dt = 2 tau``. Small tau uses the Taylor series, large tau exponentials of
    ``-2 tau`` only, and t is inverted by Newton steps on ``t/(1-t)``, which is nearly linear in tau.

    Examples
    --------
    >>> for method in ("pinsker", "vajda", "bretagnolle_huber", "tight"):
    ...     print(f"{kl_lower_from_tv(0.4, method):.12f}")
    0.320000000000
    0.275869288959
    0.174353387145
    0.332473920190
    """
    check_choice("method", method, ("tight", "pinsker", "vajda", "bretagnolle_huber"))
    t = as_float_array("tv", tv, finite=False)
    if not ((t >= -_ROUNDING) & (t <= 1.0 + _ROUNDING)).all():
        bad = t[~((t >= -_ROUNDING) & (t <= 1.0 + _ROUNDING))]
        raise InputError(describe("tv", "a number in [0, 1]", float(bad.flat[0])))
    t = np.clip(t, 0.0, 1.0)
    if method == "pinsker":
        out = 2.0 * t**2
    elif method == "vajda":
        # log((1+t)/(1-t)) - 2t/(1+t) is w - log(1 + w) at w = -2t/(1+t): nothing cancels.
        out = log_gap(-2.0 * t / (1.0 + t), (1.0 - t) / (1.0 + t))
    elif method == "bretagnolle_huber":
        with np.errstate(divide="ignore"):
            out = -np.log1p(-(t**2))
    else:
        out = _tight_kl(t)
    return float(out) if t.ndim == 0 else np.asarray(out)


def tv_upper_from_kl(kl: ArrayLike, method: str = "tight") -> float | FloatArray:
    """Return the largest total variation distance that a Kullback-Leibler divergence allows.

    Parameters
    ----------
    kl : float or array_like
        Divergence in nats, non-negative; inf is allowed and gives 1.
    method : {"tight", "pinsker", "bretagnolle_huber"}
        ``"tight"`` is attained by laws on two points, the others are simpler and larger.

    Returns
    -------
    float or ndarray
        Upper bound of the total variation distance, in [0, 1], elementwise.

    Raises
    ------
    InputError
        If a divergence is negative or nan, or the method is unknown.

    Notes
    -----
    Pinsker ``sqrt(kl/2)``, cut at 1; Bretagnolle and Huber ``sqrt(1 - exp(-kl))``; the tight curve
    is the inverse of the one of :func:`kl_lower_from_tv`.

    Examples
    --------
    >>> [round(tv_upper_from_kl(0.332473920190, m), 9) for m in ("pinsker", "bretagnolle_huber", "tight")]
    [0.40772167, 0.531838912, 0.4]
    >>> tv_upper_from_kl(float("inf"))
    1.0
    """
    check_choice("method", method, ("tight", "pinsker", "bretagnolle_huber"))
    values = as_float_array("kl", kl, finite=False)
    if not (values >= -_ROUNDING).all():
        bad = values[~(values >= -_ROUNDING)]
        raise InputError(describe("kl", "non-negative (nats)", float(bad.flat[0])))
    values = np.maximum(values, 0.0)
    if method == "pinsker":
        out = np.minimum(np.sqrt(0.5 * values), 1.0)
    elif method == "bretagnolle_huber":
        out = np.sqrt(-np.expm1(-values))
    else:
        out = _tight_tv(values)
    return float(out) if values.ndim == 0 else np.asarray(out)


def _tight_kl(t: FloatArray) -> FloatArray:
    """Return the divergence of the tight curve at distances in [0, 1]."""
    inner = t < 1.0
    safe = np.where(inner, t, 0.5)
    ratio = safe / (1.0 - safe)
    tau = safe * (2.0 - 1.5 * safe) / (1.0 - safe)  # right to first order at both ends
    for _ in range(_NEWTON_STEPS):
        tv, rest, _, slope = _curve(tau)
        tau = tau - (tv / rest - ratio) * rest**2 / slope
    return np.where(inner, _curve(tau)[2], np.inf)


def _tight_tv(kl: FloatArray) -> FloatArray:
    """Return the distance of the tight curve at divergences >= 0."""
    inner = (kl > 0.0) & (kl < _LARGEST_KL)
    safe = np.where(inner, kl, 1.0)
    growth = np.expm1(safe)
    tau = np.sqrt(2.0 * growth) + 0.5 * growth  # right to first order at both ends
    for _ in range(_NEWTON_STEPS):
        _, _, value, slope = _curve(tau)
        # Newton's step for log tau; dKL/dtau = 2 tau slope. From this start a step is below 1.
        tau = tau * np.exp((safe - value) / (2.0 * tau**2 * slope))
    return np.where(inner, _curve(tau)[0], np.where(kl > 0.0, 1.0, 0.0))


def _curve(tau: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the tight curve at its parameter.

    Parameters
    ----------
    tau : ndarray
        Parameter >= 0, finite.

    Returns
    -------
    tuple of ndarray
        The distance t, ``1 - t``, the divergence in nats, and ``dt/dtau``.
    """
    small = tau < 1.0
    near, far = _near(np.where(small, tau, 0.5)), _far(np.where(small, 1.0, tau))
    tv, rest, kl, slope = (np.where(small, a, b) for a, b in zip(near, far, strict=True))
    return tv, rest, kl, slope


def _near(tau: FloatArray) -> tuple[FloatArray, ...]:
    """Curve for tau < 1, by the series of ``tau coth tau`` (see `_curve`)."""
    x = (tau / np.pi) ** 2
    positive = np.where(tau > 0.0, tau, 1.0)
    langevin = _series(_COTH, x) / positive  # coth tau - 1/tau
    tv = 0.5 * tau * (1.0 - langevin**2)
    slope = 0.5 * (1.0 - langevin**2) - langevin * _series(_COTH_SLOPE, x) / positive
    return tv, 1.0 - tv, _series(_DIVERGENCE, x), slope


def _far(tau: FloatArray) -> tuple[FloatArray, ...]:
    """Curve for tau >= 1, in ``exp(-2 tau)`` so that no sinh overflows (see `_curve`)."""
    e = np.exp(-2.0 * tau)
    gap = 2.0 * tau * e / (1.0 - e)  # tau (coth tau - 1)
    square = (2.0 * tau / (1.0 - e)) ** 2 * e  # tau^2/sinh^2 tau
    u = 1.0 - gap  # tau (1 - coth tau + 1/tau), tends to 1
    tv = u - u**2 / (2.0 * tau)
    rest = gap + u**2 / (2.0 * tau)
    kl = np.log(2.0 * tau) - np.log1p(-e) + gap - square
    slope = (square - gap) / tau * (1.0 - u / tau) + 0.5 * (u / tau) ** 2
    return tv, rest, kl, slope


def _series(coefficients: FloatArray, x: FloatArray) -> FloatArray:
    """Return ``sum over k >= 1 of coefficients[k-1] x^k``."""
    out = np.zeros_like(x)
    for coefficient in coefficients[::-1]:
        out = (out + coefficient) * x
    return out
