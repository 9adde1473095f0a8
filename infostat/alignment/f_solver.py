"""Optima of mean reward minus an f-divergence: the Lagrange multiplier, found without cancellation.

Everything is in units of beta. With delta = (max r - r)/beta the optimum is u = (f')^{-1}(sigma - delta), and
the one unknown is sigma = f'(u at the best outcome). Where f' is bounded and sigma is close to its
limit, the unknown is the gap omega = f'(inf) - sigma instead, so that f'(inf) - f'(u) = omega + delta is a sum of
positive numbers. Both unknowns are found on the scale of their logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from ..core.errors import InputError
from ..core.validation import FloatArray
from .f_curves import Curve
from .laws import RewardLaw

__all__ = ["Problem", "Solution", "ratio_between"]

_EPS = float(np.finfo(np.float64).eps)
# A sum of probabilities further from one than this means that slopes have overflowed.
_LARGEST_ERROR = 1e-6
# Logarithms outside this range are only signs for the root finder.
_CLIP = 1e4
# Rewards beyond this have differences that overflow, and are divided by four.
_LARGE = 4e307
# e^x is finite up to here.
_OVERFLOW = 709.0


@dataclass(frozen=True)
class Solution:
    """An optimum on the reward levels of a problem.

    Attributes
    ----------
    log_ratio : ndarray of shape (g,)
        log u of each level; -inf where it is left out.
    slope : float
        sigma = (max r - multiplier)/beta.
    log_beta : float
        log beta; inf is the reference itself, -inf the limit on the best outcomes.
    error : float
        ``|sum p u - 1|`` before normalisation.
    """

    log_ratio: FloatArray
    slope: float
    log_beta: float
    error: float


@dataclass(frozen=True)
class Problem:
    """Reward levels of a law and the divergence to be paid.

    Attributes
    ----------
    curve : Curve
        The generator.
    log_mass : ndarray of shape (g,)
        Log probabilities of the levels, ascending in the reward.
    distance : ndarray of shape (g,)
        Largest reward minus reward, in units of `unit`; inf where the reward is -inf.
    top : float
        Largest reward in units of `unit`.
    unit : float
        1, or 4 for rewards whose differences would overflow.
    level : ndarray of int of shape (k,)
        Level of each outcome, -1 for impossible ones.
    """

    curve: Curve
    log_mass: FloatArray
    distance: FloatArray
    top: float
    unit: float
    level: NDArray[np.intp]

    @classmethod
    def of(cls, law: RewardLaw, curve: Curve) -> Problem:
        """Return the problem of a reward law, or raise if it has no optimum.

        Parameters
        ----------
        law : RewardLaw
            Law and rewards.
        curve : Curve
            The generator.

        Returns
        -------
        Problem
            The problem.

        Raises
        ------
        InputError
            If a possible outcome has reward -inf and leaving it out costs an infinite divergence.
        """
        levels = law.levels()
        if levels.r[0] == -np.inf and curve.f0 == np.inf:
            raise InputError(
                f"r must be finite for kind={curve.kind!r}, got -inf: leaving an outcome out costs an infinite "
                "divergence there; take 'kl' or another kind with f(0) < inf, or drop the outcome from p"
            )
        unit = 4.0 if float(np.abs(levels.r[np.isfinite(levels.r)]).max()) > _LARGE else 1.0
        scaled = levels.r / unit
        top = float(scaled[-1])
        return cls(curve, levels.log_mass, top - scaled, top, unit, levels.level)

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Levels with a finite reward."""
        return np.asarray(np.isfinite(self.distance))

    @property
    def degenerate(self) -> bool:
        """Whether there is a single level."""
        return len(self.distance) == 1

    def divergence(self, solution: Solution) -> float:
        """Return the divergence of a solution from the reference."""
        return self.curve.divergence(self.log_mass, solution.log_ratio)

    def shortfall(self, solution: Solution) -> float:
        """Return the largest reward minus the mean reward, in units of `unit`."""
        kept = solution.log_ratio > -np.inf
        q = np.exp(self.log_mass[kept] + solution.log_ratio[kept])
        return float(q @ self.distance[kept])

    def reference(self) -> Solution:
        """Return the limit of large beta: the reference without the outcomes of reward -inf."""
        kept = self.finite
        log_ratio = np.where(kept, -_log_sum(self.log_mass[kept]) if not kept.all() else 0.0, -np.inf)
        slope = 0.0 if kept.all() else float(self.curve.slope(log_ratio[-1:])[0])
        return Solution(np.asarray(log_ratio), slope, math.inf, 0.0)

    def limit(self) -> Solution:
        """Return the limit of small beta: the reference conditioned on its best outcomes."""
        log_ratio = np.full(len(self.distance), -np.inf)
        log_ratio[-1] = -self.log_mass[-1]
        return Solution(log_ratio, 0.0, -math.inf, 0.0)

    def at(self, log_beta: float, beta: float | None = None) -> Solution:
        """Return the optimum for a price of the divergence.

        Parameters
        ----------
        log_beta : float
            log beta with beta in units of `unit`.
        beta : float, optional
            beta itself where it is a normal number, which saves the rounding of its logarithm.

        Returns
        -------
        Solution
            The optimum.
        """
        if self.degenerate:
            return self.reference()
        delta, log_delta = self._scaled(log_beta, beta)
        if self.curve.kind == "tv":
            return self._tv_at(delta, log_beta)
        log_ratio, slope = _solve(self.curve, self.log_mass, delta, log_delta)
        total = _log_total(self.log_mass, log_ratio)
        if abs(total) > _LARGEST_ERROR:
            raise InputError(
                f"beta must be within the range of floats relative to the rewards, got log beta = {log_beta:.4g} where "
                f"the slopes of {self.curve.kind} overflow; pass beta=0 for the best outcomes alone"
            )
        return Solution(log_ratio - total, slope, log_beta, abs(math.expm1(total)))

    def for_divergence(self, target: float) -> Solution:
        """Return the optimum whose divergence is `target`, strictly between the two limits.

        Parameters
        ----------
        target : float
            Divergence on the scale of the table.

        Returns
        -------
        Solution
            The optimum; its divergence is `target` to rounding.
        """
        if self.curve.kind == "tv":
            return self._tv_moving(target, np.ones(len(self.distance)))
        log_target = math.log(target)

        def excess(log_beta: float) -> float:
            return log_target - _clipped_log(self.divergence(self.at(log_beta)))

        spread = self._spread()
        start = math.log(spread) - 0.5 * (log_target + math.log(2.0 * self.curve.curvature)) if spread > 0.0 else 0.0
        log_beta = _increasing_root(excess, start)
        return self._refined(log_beta, target, self.divergence)

    def for_shortfall(self, target: float) -> Solution:
        """Return the optimum whose mean reward is the largest reward minus `target`.

        Parameters
        ----------
        target : float
            Between 0 and the mean distance under the reference, in units of `unit`.

        Returns
        -------
        Solution
            The optimum.
        """
        if self.curve.kind == "tv":
            return self._tv_moving(float(np.exp(self.log_mass) @ self.distance) - target, self.distance)
        log_target = math.log(target)

        def excess(log_beta: float) -> float:
            return _clipped_log(self.shortfall(self.at(log_beta))) - log_target

        return self._refined(_increasing_root(excess, math.log(target)), target, self.shortfall)

    def _refined(self, log_beta: float, target: float, measure: Callable[[Solution], float]) -> Solution:
        """Mix the optima at neighbouring prices where the target falls between them.

        For alpha of high order an outcome enters over a range of beta that floats cannot resolve.
        """
        found = self.at(log_beta)
        if abs(measure(found) - target) <= 1e-13 * target:
            return found
        step = 4.0 * _EPS * max(1.0, abs(log_beta))
        low, high = self.at(log_beta - step), self.at(log_beta + step)

        def mixed(share: float) -> Solution:
            log_ratio = _mixture(low.log_ratio, high.log_ratio, share)
            return Solution(log_ratio, found.slope, log_beta, max(low.error, high.error))

        if (measure(low) - target) * (measure(high) - target) >= 0.0:
            return found
        return mixed(float(brentq(lambda share: measure(mixed(share)) - target, 0.0, 1.0, xtol=1e-16)))

    def _scaled(self, log_beta: float, beta: float | None) -> tuple[FloatArray, FloatArray]:
        with np.errstate(over="ignore", under="ignore", divide="ignore"):
            log_delta = np.log(self.distance) - log_beta
            if abs(log_beta) > 690.0:
                return np.exp(log_delta), log_delta
            return self.distance / (math.exp(log_beta) if beta is None else beta), log_delta

    def _spread(self) -> float:
        """Standard deviation of the finite rewards."""
        kept = self.finite
        p = np.exp(self.log_mass[kept] - _log_sum(self.log_mass[kept]))
        reach = float(self.distance[kept].max())
        if reach == 0.0:
            return 0.0
        d = self.distance[kept] / reach
        return reach * math.sqrt(float(p @ (d - float(p @ d)) ** 2))

    def _tv_at(self, delta: FloatArray, log_beta: float) -> Solution:
        """Keep what is within beta of the best reward, move the rest to the best outcomes."""
        moved = delta > 1.0
        slope = 0.5 if moved.any() else 0.5 * float(delta.max())
        return Solution(self._tv_ratios(np.where(moved, -np.inf, 0.0)), slope, log_beta, 0.0)

    def _tv_moving(self, amount: float, price: FloatArray) -> Solution:
        """Move mass from the worst levels upwards until its cost, `price` per unit, is `amount`."""
        log_ratio = np.zeros(len(price))
        cost = np.exp(self.log_mass) * price
        used = np.concatenate(([0.0], np.cumsum(cost[:-1])))
        edge = max(int(np.searchsorted(used, amount, side="left")) - 1, 0)
        log_ratio[:edge] = -np.inf
        share = (amount - used[edge]) / cost[edge]
        log_ratio[edge] = math.log1p(-share) if share < 1.0 else -np.inf
        return Solution(self._tv_ratios(log_ratio), 0.5, math.log(self.distance[edge]), 0.0)

    def _tv_ratios(self, log_ratio: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            moved = float(np.exp(self.log_mass[:-1]) @ -np.expm1(log_ratio[:-1]))
        if moved > 0.0:
            log_ratio = log_ratio.copy()
            log_ratio[-1] = float(np.logaddexp(0.0, math.log(moved) - self.log_mass[-1]))
        return log_ratio


def ratio_between(curve: Curve, log_top: float, distance: FloatArray, log_beta: float) -> FloatArray:
    """Return u at rewards between those of the outcomes, for an optimum already found.

    Parameters
    ----------
    curve : Curve
        The generator; not tv.
    log_top : float
        log u at the best outcome.
    distance : ndarray
        Largest reward minus reward, not negative.
    log_beta : float
        log beta, finite.

    Returns
    -------
    ndarray
        Ratios q/p that an outcome of such a reward would have.
    """
    with np.errstate(divide="ignore", over="ignore"):
        log_delta = np.log(distance) - log_beta
        if curve.df_inf < np.inf:
            return np.exp(curve.log_ratio_of_gap(np.logaddexp(curve.log_gap(log_top), log_delta)))
        s = float(curve.slope(np.array([log_top]))[0]) - np.exp(log_delta)
        return np.exp(curve.log_ratio(s, log_delta))


def _solve(
    curve: Curve, log_mass: FloatArray, delta: FloatArray, log_delta: FloatArray
) -> tuple[FloatArray, float]:
    """Log ratios and sigma; delta[-1] = 0 is the best level."""
    if curve.terms == ((1.0, 0.0),):  # kl, and alpha of order 1
        slope = -_log_total(log_mass, -delta)
        return slope - delta, slope

    def by_slope(sigma: float) -> FloatArray:
        s = sigma - delta
        return curve.log_ratio(s, log_delta)

    def by_gap(log_gap: float) -> FloatArray:
        return curve.log_ratio_of_gap(np.logaddexp(log_gap, log_delta))

    half = 0.5 * curve.df_inf
    if half < np.inf and _log_total(log_mass, by_slope(half)) < 0.0:
        low, high = curve.log_gap(-float(log_mass[-1])), math.log(half)
        log_gap = _falling_root(lambda x: _log_total(log_mass, by_gap(x)), low, high)
        return by_gap(log_gap), curve.df_inf - math.exp(log_gap)
    start = _first_slope(curve, log_mass, delta)
    if start == 0.0:  # all other outcomes are below the range of floats
        return np.zeros_like(delta), 0.0
    ceiling = min(half, _LARGE)

    def bounded(x: float) -> float:
        return min(start * math.exp(min(x, _OVERFLOW)), ceiling)

    slope = bounded(_increasing_root(lambda x: _log_total(log_mass, by_slope(bounded(x))), 0.0))
    return _balanced(log_mass, by_slope, slope), slope


def _balanced(log_mass: FloatArray, by_slope: Callable[[float], FloatArray], slope: float) -> FloatArray:
    """Ratios of sum one also where an outcome enters between two neighbouring floats of sigma.

    Those of the neighbours are mixed: both fit rewards that differ by rounding from the given ones.
    """
    found = by_slope(slope)
    if abs(_log_total(log_mass, found)) <= 1e-13:
        return found

    def excess(x: float) -> float:
        return math.expm1(min(_log_total(log_mass, by_slope(x)), _CLIP / 100.0))

    width = 4.0 * _EPS
    while width < 1e-6 and not excess(slope * (1.0 - width)) < 0.0 < excess(slope * (1.0 + width)):
        width *= 4.0
    low, high = slope * (1.0 - width), slope * (1.0 + width)
    while low < (middle := 0.5 * (low + high)) < high:
        low, high = (middle, high) if excess(middle) < 0.0 else (low, middle)
    below, above = excess(low), excess(high)
    return _mixture(by_slope(low), by_slope(high), below / (below - above)) if below < 0.0 < above else found


def _mixture(low: FloatArray, high: FloatArray, share: float) -> FloatArray:
    """Log of (1 - share) e^low + share e^high."""
    if not 0.0 < share < 1.0:
        return high if share >= 1.0 else low
    return np.logaddexp(math.log1p(-share) + low, math.log(share) + high)


def _first_slope(curve: Curve, log_mass: FloatArray, delta: FloatArray) -> float:
    """A sigma of the right size: the mean of delta for large beta, the ceiling f'(1/p(best)) for small."""
    kept = np.isfinite(delta)
    mean = float(np.exp(log_mass[kept]) @ delta[kept])
    lost = 0.0 if kept.all() else float(curve.slope(np.array([-_log_sum(log_mass[kept])]))[0])
    ceiling = float(curve.slope(np.array([-float(log_mass[-1])]))[0])
    return min(mean + lost, ceiling, 0.5 * curve.df_inf, 1e300)


def _log_total(log_mass: FloatArray, log_ratio: FloatArray) -> float:
    """log sum p u; through expm1 where all ratios are close to one, so that small excesses keep their digits."""
    if float(np.abs(log_ratio).max()) < 0.5:
        return math.log1p(float(np.exp(log_mass) @ np.expm1(log_ratio)))
    return _log_sum(log_mass + log_ratio)


def _log_sum(values: FloatArray) -> float:
    top = float(values.max())
    return top + math.log(float(np.exp(values - top).sum())) if math.isfinite(top) else top


def _clipped_log(value: float) -> float:
    return min(max(math.log(value), -_CLIP), _CLIP) if value > 0.0 else -_CLIP


def _clipped(function: Callable[[float], float]) -> Callable[[float], float]:
    def bounded(x: float) -> float:
        return min(max(function(x), -_CLIP), _CLIP)

    return bounded


def _falling_root(function: Callable[[float], float], low: float, high: float) -> float:
    """Root of a decreasing function in a bracket that may miss it by rounding."""
    bounded = _clipped(function)
    if bounded(low) <= 0.0:
        return low
    if bounded(high) >= 0.0:
        return high
    return float(brentq(bounded, low, high, xtol=_EPS, rtol=4.0 * _EPS, maxiter=500))


def _increasing_root(function: Callable[[float], float], start: float) -> float:
    """Root of an increasing function on the line; steps of 1/2, 1, 2, 4, ... bracket it."""
    bounded = _clipped(function)
    here, step = bounded(start), 0.5
    x = start
    while here != 0.0:
        following = x + (step if here < 0.0 else -step)
        value = bounded(following)
        if (value > 0.0) != (here > 0.0):
            ends = (x, following) if here < 0.0 else (following, x)
            return float(brentq(bounded, *ends, xtol=_EPS, rtol=4.0 * _EPS, maxiter=500))
        if step > 1e7:
            return following  # the target is a limit that floats cannot tell from its neighbours
        x, here, step = following, value, 2.0 * step
    return x
