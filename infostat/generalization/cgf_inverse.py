"""Smallest ``(I + psi(t))/t`` over t > 0: the inverse of a convex conjugate, for any psi one can evaluate.

Pure computation; :func:`infostat.generalization.information_bounds.cgf_inverse_bound` is its public door.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..core.errors import InputError, InputTypeError
from ..core.validation import FloatArray

__all__ = ["inverse_cgf"]

_LOG_T = np.linspace(-92.0, 92.0, 185)  # t from 1e-40 to 1e40, one point per factor e
_GOLDEN_STEPS = 60  # the bracket, two wide in log t, shrinks to 1e-12
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


def inverse_cgf(mi: FloatArray, psi: Callable[[float], float]) -> FloatArray:
    """Return ``inf over t > 0 of (I + psi(t))/t`` for every information.

    Parameters
    ----------
    mi : ndarray of shape (k,)
        Informations in [0, inf].
    psi : callable
        Cumulant generating function of a centred variable.

    Returns
    -------
    ndarray of shape (k,)
        Bounds; 0 at I = 0, inf at I = inf.
    """
    values = np.array([_evaluate(psi, math.exp(x)) for x in _LOG_T])
    _check_centred(values, psi)
    return np.array([_smallest_ratio(float(item), psi, values) for item in mi])


def _evaluate(psi: Callable[[float], float], t: float) -> float:
    """Return psi(t), at least 0; inf where it does not exist."""
    try:
        with np.errstate(all="ignore"):
            value = float(psi(t))
    except (ArithmeticError, ValueError):  # math.exp and math.log raise where NumPy gives inf and nan
        return math.inf
    except Exception as problem:  # whatever a user's function may raise
        kind = type(problem).__name__
        raise InputTypeError(f"psi must take one number and return one, got {kind}: {problem}") from problem
    return math.inf if math.isnan(value) else value


def _check_centred(values: FloatArray, psi: Callable[[float], float]) -> None:
    """Raise if psi is finite nowhere, or negative: by Jensen it is not, for a centred variable."""
    finite = np.isfinite(values)
    if not finite.any():
        raise InputError(f"psi must be finite for some t > 0, got psi(1) = {_evaluate(psi, 1.0)}")
    t = np.exp(_LOG_T)
    # One over the t at which psi passes 1 is the size of the loss; below 1e-9 of it is rounding.
    large = np.flatnonzero(values >= 1.0)
    scale = 1.0 / t[large[0]] if large.size else 0.0
    slope = np.where(finite, values / t, 0.0)
    if (slope < -max(1e-9 * scale, 1e-39)).any():
        worst = int(np.argmin(slope))
        raise InputError(
            f"psi must be the cumulant generating function of a centred variable (non-negative), got "
            f"psi({t[worst]:.3g}) = {values[worst]:.3g}; subtract the mean of the loss"
        )


def _smallest_ratio(mi: float, psi: Callable[[float], float], values: FloatArray) -> float:
    """Return the smallest ``(mi + psi(t))/t``: the grid brackets it, golden sections refine it in log t."""
    if mi == 0.0 or mi == math.inf:
        return mi

    def ratio(log_t: float) -> float:
        t = math.exp(log_t)
        return (mi + max(_evaluate(psi, t), 0.0)) / t

    with np.errstate(over="ignore"):
        on_grid = (mi + np.maximum(values, 0.0)) / np.exp(_LOG_T)
    best = int(np.argmin(on_grid))
    low, high = float(_LOG_T[max(best - 1, 0)]), float(_LOG_T[min(best + 1, len(_LOG_T) - 1)])
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = ratio(left), ratio(right)
    smallest = float(on_grid[best])
    for _ in range(_GOLDEN_STEPS):
        smallest = min(smallest, at_left, at_right)
        # A tie of infinities is resolved to the left: psi is finite on an interval that starts at 0.
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = ratio(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = ratio(right)
    return smallest
