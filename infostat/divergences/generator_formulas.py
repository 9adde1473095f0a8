"""Formulas of the generator table that do not fit on one line.

Names say which divergence and what: ``*_cells(pair, a)`` is ``q f(p/q)`` on the masses of a `Pair`,
``*_df(t, a)`` is f', ``*_inverse(s, a)`` its inverse, ``*_conjugate(s, a)`` is f*, ``*_limits(a)`` the
values at the ends. Arrays of any shape come in and leave in the same shape, nats; the parameter of
the family is last (ignored where there is none). They check nothing and are accurate near p = q,
t = 1 and s = 0. The table itself is in `infostat.divergences.generator_table`, the rules at the ends of
the domain in `infostat.divergences.generators`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import wrightomega

from ..core.validation import FloatArray
from .pairs import SMALL, Pair, log_of_ratio, near_one, power_log

__all__ = [
    "Limits",
    "alpha_cells",
    "alpha_conjugate",
    "alpha_df",
    "alpha_inverse",
    "alpha_limits",
    "hellinger_cells",
    "hockey_cells",
    "jeffreys_cells",
    "jeffreys_conjugate",
    "jeffreys_inverse",
    "js_cells",
    "js_conjugate",
    "js_df",
    "js_inverse",
    "js_limits",
    "kl_cells",
    "le_cam_cells",
    "le_cam_conjugate",
    "le_cam_df",
    "neyman_cells",
    "pearson_cells",
    "reverse_kl_cells",
    "tv_cells",
]


@dataclass(frozen=True)
class Limits:
    """Values of a generator at the ends of its domain.

    Attributes
    ----------
    f0 : float
        f(0), the price of a unit of Q on a cell that P leaves empty.
    df_inf : float
        lim f(t)/t, the price of a unit of P on a cell that Q leaves empty.
    df0 : float
        f'(0+), the least value of f'.
    conjugate_top : float
        f*(s) at s = f'(inf); infinite where f' is unbounded.
    """

    f0: float
    df_inf: float
    df0: float = -math.inf
    conjugate_top: float = math.inf


def alpha_cells(pair: Pair, a: float) -> FloatArray:
    """Return (p^a q^(1-a) - a p + (a-1) q)/(a(a-1)) per cell, continuous in every order.

    Parameters
    ----------
    pair : Pair
        Masses.
    a : float
        Order; 1 is p log(p/q) - p + q and 0 is q log(q/p) + p - q.

    Returns
    -------
    ndarray
        Non-negative cells; boundary cells are left to the caller.

    Notes
    -----
    With t = p/q and l = log t the generator is [t (t^(a-1) - 1)/(a-1) - (t - 1)]/a, used for
    a >= 1/2, and [(t^a - 1)/a - (t - 1)]/(a - 1), used below: neither divides by a small number.
    Near t = 1 both cancel and the series sum_k (1 + a + ... + a^(k-2)) l^k/k!, k >= 2, is used.
    """
    log_ratio, difference = pair.log_ratio, pair.difference
    if a >= 0.5:
        cells = np.asarray((pair.p * power_log(log_ratio, a - 1.0) - difference) / a)
    else:
        cells = np.asarray((pair.q * power_log(log_ratio, a) - difference) / (a - 1.0))
    lost = ~np.isfinite(cells)
    if np.any(lost):
        cells = np.where(lost, _cells_by_logs(pair, a), cells)
    scale = max(1.0, abs(a), abs(a - 1.0))
    small = np.abs(log_ratio) < SMALL / scale
    if np.any(small):
        q = np.broadcast_to(pair.q, small.shape)
        cells[small] = q[small] * near_one(np.broadcast_to(log_ratio, small.shape)[small], a)
    return cells


def _cells_by_logs(pair: Pair, a: float) -> FloatArray:
    # The power t^(a-1) may overflow where its product with a small mass does not. Orders for
    # which that happens are far from 0 and 1, so that the division below is harmless.
    if a in (0.0, 1.0):
        return np.full(np.broadcast_shapes(pair.p.shape, pair.q.shape), np.inf)
    power = np.exp(a * pair.log_p + (1.0 - a) * pair.log_q)
    return np.asarray((power - a * pair.p + (a - 1.0) * pair.q) / (a * (a - 1.0)))


def kl_cells(pair: Pair, a: float) -> FloatArray:
    """Return ``q f(p/q)`` of each cell, for ``kl``."""
    return alpha_cells(pair, 1.0)


def reverse_kl_cells(pair: Pair, a: float) -> FloatArray:
    """Return ``q f(p/q)`` of each cell, for ``reverse_kl``."""
    return alpha_cells(pair, 0.0)


def jeffreys_cells(pair: Pair, a: float) -> FloatArray:
    """Return ``q f(p/q)`` of each cell, for ``jeffreys``."""
    return np.asarray(pair.difference * pair.log_ratio)


def _jeffreys_log_inverse(s: FloatArray, a: float) -> FloatArray:
    # y = log t solves y - expm1(-y) = s. Wright's omega is W(e^(1-s)) without the overflow; for
    # large s it underflows and y = s - 1 to the last digit. A Newton step restores the
    # relative accuracy of y near 0, which 1/W has lost.
    far = s > 40.0
    y = np.where(far, s - 1.0, -np.log(np.real(wrightomega(1.0 - np.minimum(s, 40.0)))))
    for _ in range(2):
        y = y - (y - np.expm1(-y) - s) / (1.0 + np.exp(-y))
    return np.asarray(y)


def jeffreys_inverse(s: FloatArray, a: float) -> FloatArray:
    """Return the inverse of f' at s, for ``jeffreys``."""
    return np.asarray(np.exp(_jeffreys_log_inverse(s, a)))


def jeffreys_conjugate(s: FloatArray, a: float) -> FloatArray:
    """Return the convex conjugate f* at s, for ``jeffreys``."""
    y = _jeffreys_log_inverse(s, a)
    return np.asarray(y + np.expm1(y))


def js_cells(pair: Pair, w: float) -> FloatArray:
    """Return ``q f(p/q)`` of each cell, for ``js``."""
    # m [w phi(x) + (1-w) phi(y)] with p = m(1+x), q = m(1+y) and phi the generator of kl at 1+x.
    middle = w * pair.p + (1.0 - w) * pair.q
    step = pair.difference / middle
    cells = w * _phi((1.0 - w) * step) + (1.0 - w) * _phi(-w * step)
    return np.asarray(middle * cells)


def _phi(x: FloatArray) -> FloatArray:
    values = (1.0 + x) * np.log1p(x) - x
    small = np.abs(x) < 0.9 * SMALL  # |log1p(x)| is then below SMALL
    if np.any(small):
        values[small] = near_one(np.log1p(x[small]), 1.0)
    return np.where(x <= -1.0, 1.0, values)


def js_df(t: FloatArray, w: float) -> FloatArray:
    """Return f'(t), for ``js``."""
    middle = w * t + (1.0 - w)
    return np.asarray(w * log_of_ratio(t, middle, (1.0 - w) * (t - 1.0)))


def _js_gap(s: FloatArray, w: float) -> FloatArray:
    # How far s is below f'(inf), in units of w.
    return np.asarray(-math.log(w) - s / w)


def js_inverse(s: FloatArray, w: float) -> FloatArray:
    """Return the inverse of f' at s, for ``js``."""
    return np.asarray((1.0 - w) / w / np.expm1(_js_gap(s, w)))


def js_conjugate(s: FloatArray, w: float) -> FloatArray:
    """Return the convex conjugate f* at s, for ``js``."""
    near = -np.log1p(-w / (1.0 - w) * np.expm1(s / w))
    # Towards f'(inf) the argument of log1p cancels; 1 - w e^(s/w) is taken from the gap instead.
    far = math.log(1.0 - w) - np.log(-np.expm1(-np.maximum(_js_gap(s, w), 0.0)))
    return np.asarray((1.0 - w) * np.where(s > 0.5 * -w * math.log(w), far, near))


def js_limits(w: float) -> Limits:
    """Return f(0), f'(inf) and the ends of f' and f*, for ``js``."""
    return Limits(f0=-(1.0 - w) * math.log(1.0 - w), df_inf=-w * math.log(w))


def alpha_df(t: FloatArray, a: float) -> FloatArray:
    """Return f'(t), for ``alpha``."""
    return power_log(np.log(t), a - 1.0)


def _alpha_log_inverse(s: FloatArray, a: float) -> FloatArray:
    return s if a == 1.0 else np.asarray(np.log1p((a - 1.0) * s) / (a - 1.0))


def alpha_inverse(s: FloatArray, a: float) -> FloatArray:
    """Return the inverse of f' at s, for ``alpha``."""
    return np.asarray(np.exp(_alpha_log_inverse(s, a)))


def alpha_conjugate(s: FloatArray, a: float) -> FloatArray:
    """Return the convex conjugate f* at s, for ``alpha``."""
    return power_log(_alpha_log_inverse(s, a), a)


def alpha_limits(a: float) -> Limits:
    """Return f(0), f'(inf) and the ends of f' and f*, for ``alpha``."""
    return Limits(
        f0=1.0 / a if a > 0.0 else math.inf,
        df_inf=1.0 / (1.0 - a) if a < 1.0 else math.inf,
        df0=-1.0 / (a - 1.0) if a > 1.0 else -math.inf,
        conjugate_top=-1.0 / a if a < 0.0 else math.inf,
    )


def pearson_cells(pair: Pair, a: float) -> FloatArray:
    """Return ``q f(p/q)`` of each cell, for ``pearson``."""
    return np.asarray(pair.difference_over_root_q**2)


def neyman_cells(pair: Pair, a: float) -> FloatArray:
    """Return ``q f(p/q)`` of each cell, for ``neyman``."""
    return np.asarray(pair.swapped.difference_over_root_q**2)


def hellinger_cells(pair: Pair, a: float) -> FloatArray:
    """Return ``q f(p/q)`` of each cell, for ``hellinger``."""
    return np.asarray(0.5 * (pair.difference / (np.sqrt(pair.p) + np.sqrt(pair.q))) ** 2)


def le_cam_cells(pair: Pair, a: float) -> FloatArray:
    """Return ``q f(p/q)`` of each cell, for ``le_cam``."""
    return np.asarray(0.5 * pair.difference * (pair.difference / (pair.p + pair.q)))


def le_cam_df(t: FloatArray, a: float) -> FloatArray:
    """Return f'(t), for ``le_cam``."""
    return np.asarray((t - 1.0) / (t + 1.0) * (1.0 + 2.0 / (t + 1.0)) / 2.0)


def le_cam_conjugate(s: FloatArray, a: float) -> FloatArray:
    """Return the convex conjugate f* at s, for ``le_cam``."""
    v = np.sqrt(1.0 - 2.0 * s)
    return np.asarray(s * (3.0 - v) / (1.0 + v))


def tv_cells(pair: Pair, a: float) -> FloatArray:
    """Return ``q f(p/q)`` of each cell, for ``tv``."""
    return np.asarray(0.5 * np.abs(pair.difference))


def hockey_cells(pair: Pair, gamma: float) -> FloatArray:
    """Return ``q f(p/q)`` of each cell, for ``hockey_stick``."""
    return np.asarray(np.maximum(pair.p - gamma * pair.q, 0.0))
