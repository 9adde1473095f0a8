"""Pairs of masses (p, q), and differences and log ratios that keep their digits.

The generator of a divergence enters every computation through its perspective
q f(p/q). Written in p and q it neither divides by zero nor overflows, and the two
ingredients that cancel, p - q and log(p/q), are computed here once, from
probabilities or from log-probabilities.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..core.validation import FloatArray

__all__ = ["SMALL", "Pair", "log_of_ratio", "near_one", "power_log"]

# Below this |log ratio| the closed forms lose digits to cancellation and series take over.
SMALL = 0.1
# The k-th term of the series is below 0.1^(k-2) 2(k-1)/k! of the first: 5e-18 at k = 12.
_LAST_POWER = 12


class Pair:
    """Masses p and q on the same cells.

    Parameters
    ----------
    p, q : ndarray
        Non-negative masses; shapes broadcast.
    log_p, log_q : ndarray, optional
        Their logarithms where these are the primary numbers (logits); then a mass
        that underflowed to zero still counts as positive.

    Notes
    -----
    Cells with p = 0 or q = 0 give infinities or NaN in the derived arrays; the
    boundary rules of `infostat.divergences.generators` overwrite them.
    """

    def __init__(
        self,
        p: FloatArray,
        q: FloatArray,
        log_p: FloatArray | None = None,
        log_q: FloatArray | None = None,
    ) -> None:
        self.p, self.q = p, q
        self._log_p, self._log_q = log_p, log_q

    @classmethod
    def from_logs(cls, log_p: FloatArray, log_q: FloatArray, log_ratio: FloatArray | None = None) -> Pair:
        """Return the pair of the masses exp(log_p), exp(log_q); log(p/q) may be known better."""
        pair = cls(np.exp(log_p), np.exp(log_q), log_p, log_q)
        if log_ratio is not None:
            pair.__dict__["log_ratio"] = log_ratio  # fills the cache of the property
        return pair

    @property
    def swapped(self) -> Pair:
        """The pair (q, p)."""
        return Pair(self.q, self.p, self._log_q, self._log_p)

    @property
    def p_is_zero(self) -> NDArray[np.bool_]:
        """Mask of the cells where p is exactly zero."""
        return np.asarray(self.p == 0.0 if self._log_p is None else self._log_p == -np.inf)

    @property
    def q_is_zero(self) -> NDArray[np.bool_]:
        """Mask of the cells where q is exactly zero."""
        return np.asarray(self.q == 0.0 if self._log_q is None else self._log_q == -np.inf)

    @cached_property
    def log_p(self) -> FloatArray:
        """Log p, -inf at zero."""
        return _log(self.p) if self._log_p is None else self._log_p

    @cached_property
    def log_q(self) -> FloatArray:
        """Log q, -inf at zero."""
        return _log(self.q) if self._log_q is None else self._log_q

    @cached_property
    def difference(self) -> FloatArray:
        """p - q, with full relative accuracy also from logarithms."""
        if self._log_p is None or self._log_q is None:
            return np.asarray(self.p - self.q)
        ratio = self.log_ratio
        return np.where(ratio > 0.0, -self.p * np.expm1(-ratio), self.q * np.expm1(np.minimum(ratio, 0.0)))

    @cached_property
    def log_ratio(self) -> FloatArray:
        """Log(p/q), with full relative accuracy also near p = q."""
        if self._log_p is None or self._log_q is None:
            return log_of_ratio(self.p, self.q, self.difference)
        return np.asarray(self._log_p - self._log_q)

    @property
    def difference_over_root_q(self) -> FloatArray:
        """(p - q)/sqrt(q): its square neither underflows in p - q nor overflows in 1/q."""
        if self._log_p is None or self._log_q is None:
            return np.asarray(self.difference / np.sqrt(self.q))
        ratio = self.log_ratio
        above = -np.exp(self._log_p - 0.5 * self._log_q) * np.expm1(-np.maximum(ratio, 0.0))
        return np.where(ratio > 0.0, above, np.exp(0.5 * self._log_q) * np.expm1(np.minimum(ratio, 0.0)))


def _log(masses: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(masses))


def log_of_ratio(p: FloatArray, q: FloatArray, difference: FloatArray) -> FloatArray:
    """Return log(p/q) given p - q, accurate near p = q and for ratios beyond the float range.

    Parameters
    ----------
    p, q : ndarray
        Non-negative numbers.
    difference : ndarray
        p - q.

    Returns
    -------
    ndarray
        sign(p - q) log1p(|p - q|/min(p, q)); the argument is never negative, so that
        no digits are lost on either side of 1.
    """
    excess = np.abs(difference) / np.minimum(p, q)
    log_ratio = np.copysign(np.log1p(excess), difference)
    beyond = ~(excess < np.inf)
    if np.any(beyond):
        log_ratio = np.where(beyond, np.log(p) - np.log(q), log_ratio)
    return np.asarray(log_ratio)


def power_log(log_t: FloatArray, c: float) -> FloatArray:
    """Return (t^c - 1)/c, and its limit log t at c = 0.

    Parameters
    ----------
    log_t : ndarray
        Log t.
    c : float
        Exponent.

    Returns
    -------
    ndarray
        expm1(c log t)/c.
    """
    # An exponent among the subnormals would lose its digits in the product.
    return log_t if abs(c) < 1e-290 else np.asarray(np.expm1(c * log_t) / c)


def near_one(log_t: FloatArray, a: float) -> FloatArray:
    """Return the canonical generator of alpha at t = exp(log_t) for small log_t, by its series.

    Parameters
    ----------
    log_t : ndarray
        Numbers below `SMALL` / max(1, |a|, |a - 1|) in absolute value.
    a : float
        Order; 1 is the generator of kl, 0 that of reverse_kl.

    Returns
    -------
    ndarray
        sum_k (1 + a + ... + a^(k-2)) l^k/k! over k >= 2.
    """
    total = np.zeros_like(log_t)
    coefficients = []
    coefficient, factorial = 1.0, 2.0
    for k in range(2, _LAST_POWER + 1):
        coefficients.append(coefficient / factorial)
        coefficient = 1.0 + a * coefficient
        factorial *= k + 1
    for value in reversed(coefficients):
        total = total * log_t + value
    return np.asarray(total * log_t * log_t)
