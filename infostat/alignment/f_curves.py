"""Derivatives of f-divergence generators in the log ratio, and their inverses without overflow.

With l = log u the derivative of almost every generator of the table is a sum of terms
``scale (e^(c l) - 1)/c``: one term with c = 0 is kl, with c = -1 reverse_kl, and so on. Optima and
losses need f'(e^l) and its inverse for log ratios far beyond the range of floats, so that both are
kept here as functions of l. Scales are those of `infostat.divergences.generators`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import wrightomega

from ..core.errors import InputError
from ..core.validation import FloatArray, check_choice, check_number
from ..divergences.generators import generator
from ..divergences.pairs import Pair, power_log

__all__ = ["KINDS", "Curve", "as_curve"]

KINDS = (
    "kl",
    "reverse_kl",
    "jeffreys",
    "js",
    "alpha",
    "pearson",
    "neyman",
    "hellinger",
    "le_cam",
    "tv",
    "chi2kl",
)

_LOG_2 = math.log(2.0)
# The terms (scale, c) of f'; js, le_cam and tv are of another form, alpha depends on its order.
_TERMS: dict[str, tuple[tuple[float, float], ...]] = {
    "kl": ((1.0, 0.0),),
    "reverse_kl": ((1.0, -1.0),),
    "jeffreys": ((1.0, 0.0), (1.0, -1.0)),
    "pearson": ((2.0, 1.0),),
    "neyman": ((2.0, -2.0),),
    "hellinger": ((0.25, -0.5),),
    "chi2kl": ((1.0, 0.0), (1.0, 1.0)),
}
_OTHER_LIMITS = {"js": (0.5 * _LOG_2, 0.5 * _LOG_2, -math.inf), "le_cam": (0.5, 0.5, -1.5), "tv": (0.5, 0.5, -0.5)}
# Beyond this slope a term is its leading power, and slopes may have overflowed.
_FAR = 1e300


@dataclass(frozen=True)
class Curve:
    """One generator as a function of the log ratio.

    Attributes
    ----------
    kind : str
        Name in the generator table, or ``chi2kl``.
    order : float or None
        Order of ``alpha``.
    terms : tuple of (float, float)
        Pairs (scale, c) of f'(e^l) = sum scale (e^(c l) - 1)/c; empty for js, le_cam and tv.
    """

    kind: str
    order: float | None
    terms: tuple[tuple[float, float], ...]

    @property
    def f0(self) -> float:
        """f(0), the price of a unit of reference mass that the policy leaves empty."""
        if not self.terms:
            return _OTHER_LIMITS[self.kind][0]
        return math.fsum(scale / (1.0 + c) if c > -1.0 else math.inf for scale, c in self.terms)

    @property
    def df_inf(self) -> float:
        """lim f'(u) as u grows."""
        if not self.terms:
            return _OTHER_LIMITS[self.kind][1]
        return math.fsum(-scale / c if c < 0.0 else math.inf for scale, c in self.terms)

    @property
    def df0(self) -> float:
        """lim f'(u) as u falls to 0; finite for generators whose optima leave outcomes out."""
        if not self.terms:
            return _OTHER_LIMITS[self.kind][2]
        return math.fsum(-scale / c if c > 0.0 else -math.inf for scale, c in self.terms)

    @property
    def curvature(self) -> float:
        """f''(1)."""
        return math.fsum(scale for scale, _ in self.terms) if self.terms else 0.25

    def slope(self, log_u: FloatArray) -> FloatArray:
        """Return f'(u) from l = log u, infinite only where it exceeds the range of floats.

        Parameters
        ----------
        log_u : ndarray
            Log ratios; infinities give the limits.

        Returns
        -------
        ndarray
            Slopes, accurate near l = 0.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            if self.kind == "js":
                near = -np.log1p(0.5 * np.expm1(-np.clip(log_u, -1.0, 1.0)))
                return np.asarray(0.5 * np.where(np.abs(log_u) < 1.0, near, _LOG_2 - np.logaddexp(0.0, -log_u)))
            if self.kind == "le_cam":
                share = 1.0 / (1.0 + np.exp(log_u))
                return np.asarray(0.5 * np.tanh(0.5 * log_u) * (1.0 + 2.0 * share))
            if self.kind == "tv":
                return np.asarray(0.5 * np.sign(log_u))
            return np.asarray(sum(scale * power_log(log_u, c) for scale, c in self.terms))

    def log_ratio(self, s: FloatArray, log_abs: FloatArray) -> FloatArray:
        """Return l with f'(e^l) = s, -inf from f'(0) down; accurate near s = 0.

        Parameters
        ----------
        s : ndarray
            Slopes below f'(inf); they may have overflowed to -inf.
        log_abs : ndarray
            log |s|, read where `s` is beyond 1e300.

        Returns
        -------
        ndarray
            Log ratios.
        """
        far = s < -_FAR
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if self.kind == "js":
                return np.asarray(2.0 * s - np.log1p(-np.expm1(2.0 * s)))
            if self.kind == "le_cam":
                return _log1p(2.0 * np.expm1(-0.5 * np.log1p(-2.0 * s)))
            if self.kind == "jeffreys":
                return np.where(far, -log_abs, -_omega_log(np.where(far, 0.0, -s)))
            if self.kind == "chi2kl":
                return np.where(far, s, _omega_log(np.where(far, 0.0, s)))
            ((scale, c),) = self.terms
            if c == 0.0:
                return np.asarray(s / scale)
            inner = _log1p(c / scale * s) / c
            return np.where(far, (log_abs + math.log(-c / scale)) / c, inner) if c < 0.0 else inner

    def log_ratio_of_gap(self, log_gap: FloatArray) -> FloatArray:
        """Return l with f'(inf) - f'(e^l) = e^log_gap, for generators with finite f'(inf).

        Parameters
        ----------
        log_gap : ndarray
            Logs of the distances of slopes from f'(inf).

        Returns
        -------
        ndarray
            Log ratios; nothing cancels however close to f'(inf) the slopes are.
        """
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            if self.kind == "js":
                x = np.exp(log_gap + _LOG_2)
                tiny = log_gap + _LOG_2 + 0.5 * x
                return -np.where(log_gap < -30.0, tiny, x + np.log(-np.expm1(-x)))
            if self.kind == "le_cam":
                y = np.maximum(0.5 * (_LOG_2 - log_gap), 0.0)
                return np.asarray(y + np.log(-np.expm1(-y)))
            ((scale, c),) = self.terms
            return np.asarray((log_gap - math.log(-scale / c)) / c)

    def log_gap(self, log_u: float) -> float:
        """Return log(f'(inf) - f'(u)), the inverse of `log_ratio_of_gap`.

        Parameters
        ----------
        log_u : float
            Log ratio.

        Returns
        -------
        float
            Log of the distance.
        """
        if self.kind == "js":
            return -log_u - _LOG_2 if log_u > 40.0 else math.log(0.5 * float(np.logaddexp(0.0, -log_u)))
        if self.kind == "le_cam":
            return _LOG_2 - 2.0 * float(np.logaddexp(0.0, log_u))
        ((scale, c),) = self.terms
        return c * log_u + math.log(-scale / c)

    def divergence(self, log_p: FloatArray, log_u: FloatArray, log_q: FloatArray | None = None) -> float:
        """Return D_f(q || p) = sum p f(u) of the law q = p u.

        Parameters
        ----------
        log_p : ndarray
            Log probabilities of the reference.
        log_u : ndarray
            Log ratios; -inf where q is zero.
        log_q : ndarray, optional
            Log probabilities of q; needed where some of `log_p` are -inf.

        Returns
        -------
        float
            The divergence on the scale of the generator table, nats.
        """
        pair = Pair.from_logs(log_p + log_u if log_q is None else log_q, log_p, log_u)
        if self.kind == "chi2kl":
            return float(np.sum(0.5 * generator("pearson").cells(pair) + generator("kl").cells(pair)))
        if self.kind == "neyman":  # pearson the other way round, where the given log ratio is kept
            turned = Pair.from_logs(log_p, pair.log_p, -log_u)
            return float(np.sum(generator("pearson").cells(turned)))
        return float(np.sum(generator(self.kind, order=self.order).cells(pair)))


def as_curve(kind: Any, order: Any = None) -> Curve:
    """Return the curve of a kind after checking the kind and its order.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    order : float, optional
        Order of ``alpha``; 1 is kl and 0 is reverse_kl.

    Returns
    -------
    Curve
        The curve.

    Raises
    ------
    InputError
        If the kind is unknown or has no optimum, or the order is missing or superfluous.

    Examples
    --------
    >>> as_curve("alpha", 0.5).df_inf, as_curve("hellinger").df_inf
    (2.0, 0.5)
    """
    if isinstance(kind, str) and kind == "hockey_stick":
        raise InputError(
            "kind must be a divergence with one optimum, got 'hockey_stick': below gamma it is free, so that many "
            "policies are optimal; take 'tv' or 'le_cam'"
        )
    name = check_choice("kind", kind, KINDS)
    if name != "alpha":
        if order is not None:
            raise InputError(f"order must be left out for kind={name!r}, got {order}")
        return Curve(name, None, _TERMS.get(name, ()))
    if order is None:
        raise InputError("order must be given for kind='alpha', got None")
    a = check_number("order", order)
    return Curve(name, a, ((1.0, a - 1.0),))


def _log1p(x: FloatArray) -> FloatArray:
    """log(1 + x), -inf from x = -1 down."""
    return np.asarray(np.log1p(np.maximum(x, -1.0)))


def _omega_log(s: FloatArray) -> FloatArray:
    """y with y + e^y - 1 = s.

    e^y is Wright's omega of 1 + s. Far below zero it underflows and y = s + 1 to the last digit; near zero
    two Newton steps restore the relative accuracy of y.
    """
    far = s < -40.0
    y = np.where(far, s + 1.0, np.log(np.real(wrightomega(1.0 + np.maximum(s, -40.0)))))
    for _ in range(2):
        y = y - (y + np.expm1(y) - s) / (1.0 + np.exp(y))
    return np.asarray(y)
