"""One tilt shared by all prompts: the optimum under a budget for the mean KL.

With the budget on the mean over prompts the Lagrangian has one multiplier, so every prompt is
tilted by the same t and spends its own share of the budget. One population is a table of one
prompt.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..core.validation import FloatArray
from .sample_moments import RewardGroups, tilt_groups
from .tilt_solver import t_for_kl, t_for_reward

__all__ = ["ess_limit", "shared_t_for_kl", "shared_t_for_reward"]

_EPS = float(np.finfo(np.float64).eps)
_MOST_STEPS = 300
# Beyond this many distinct rewards plain sums replace the careful ones, unless the budget is so
# small that the difference t R - Lambda would lose digits; KL is then met to about 1e-14.
_LARGE, _LARGE_KL = 20_000, 1e-3
# Smaller exponents are zero in effect, and exp is twenty times slower where it underflows.
_LOWEST = -690.0
# The end of a default grid need not be known better.
_ESS_TOLERANCE = 1e-3


def shared_t_for_kl(groups: RewardGroups, kl: float) -> float:
    """Return the t >= 0 at which the mean KL over prompts is `kl`.

    Parameters
    ----------
    groups : RewardGroups
        Samples.
    kl : float
        Budget >= 0, nats, mean over prompts.

    Returns
    -------
    float
        inf where `kl` reaches the mean of log(M/#max); 0 if rewards are equal inside every prompt,
        or if rewards of -inf cannot be avoided within `kl`.

    Examples
    --------
    >>> from infostat.alignment.sample_moments import group_rewards
    >>> groups = group_rewards(np.array([0.0, 1.0, 0.0, 2.0]), np.array([0, 2, 4]))
    >>> t = shared_t_for_kl(groups, 0.2)
    >>> round(float(tilt_groups(groups, t).kl.mean()), 12)
    0.2
    """
    quick = len(groups.r) > _LARGE and kl > _LARGE_KL
    if groups.n_groups == 1 and not quick:
        return t_for_kl(np.log(groups.count / groups.size[0]), groups.r, kl)
    span, lost = _span(groups), float(groups.lost.mean())
    budget = kl - lost
    if budget <= 0.0 or (span == 0.0 and lost == 0.0):
        return 0.0
    largest = float(groups.ceiling.mean()) - lost
    if budget >= largest - 4.0 * _EPS * max(1.0, largest):
        return math.inf
    near_top = budget > 0.5 * largest
    sums = _Sums(groups) if quick else None

    def objective(t: float) -> tuple[float, float]:
        if sums is not None:
            divergence, variance, _ = sums.at(t)
        else:
            tilted = tilt_groups(groups, t)
            divergence, variance = float(tilted.kl.mean()), float(tilted.variance.mean())
        spent, slope = divergence - lost, t * variance
        if near_top:
            left = largest - spent
            return (math.log((largest - budget) / left), slope / left) if left > 0.0 else (math.inf, 0.0)
        root = math.sqrt(max(2.0 * spent, 0.0))
        return root - math.sqrt(2.0 * budget), slope / root if root > 0.0 else 0.0

    sigma = math.sqrt(float(tilt_groups(groups, 1e-12 / span).variance.mean()))
    return _root(objective, math.sqrt(2.0 * budget) / sigma if sigma > 0.0 else 1.0 / span)


def shared_t_for_reward(groups: RewardGroups, reward: float) -> float:
    """Return the t at which the mean reward over prompts is `reward`.

    Parameters
    ----------
    groups : RewardGroups
        Samples.
    reward : float
        Wanted mean, inside the range that tilts can reach.

    Returns
    -------
    float
        inf at the mean of the largest rewards, -inf at that of the smallest; 0 if rewards are equal
        inside every prompt, or if with rewards of -inf no t > 0 has a mean so small.

    Examples
    --------
    >>> from infostat.alignment.sample_moments import group_rewards
    >>> groups = group_rewards(np.array([0.0, 1.0, 1.0, 2.0]), np.array([0, 2, 4]))
    >>> round(shared_t_for_reward(groups, 1.25), 12)
    1.098612288668
    """
    top, bottom = float(groups.top.mean()), float(groups.bottom.mean())
    if reward >= top:
        return math.inf if _span(groups) > 0.0 or bottom == -math.inf else 0.0
    if bottom == -math.inf:
        # Only t > 0 is possible; its means start at that of the finite rewards.
        least = float(tilt_groups(groups, 1e-300).reward.mean())
        if reward <= least:
            return 0.0
        bottom = least - (top - least)
    elif reward <= bottom:
        return -math.inf
    if groups.n_groups == 1:
        return t_for_reward(np.log(groups.count / groups.size[0]), groups.r, reward)
    wanted = math.log((reward - bottom) / (top - reward))

    def objective(t: float) -> tuple[float, float]:
        tilted = tilt_groups(groups, t)
        mean, variance = float(tilted.reward.mean()), float(tilted.variance.mean())
        above, below = mean - bottom, top - mean
        if above <= 0.0 or below <= 0.0:
            return (-math.inf if above <= 0.0 else math.inf), 0.0
        return math.log(above / below) - wanted, variance * (1.0 / above + 1.0 / below)

    start = 0.0 if math.isfinite(float(groups.bottom.min())) else 1e-300
    value, slope = objective(start)
    if value == 0.0:
        return 0.0
    guess = abs(value) / slope if slope > 0.0 else 1.0 / _span(groups)
    if value < 0.0:
        return _root(objective, guess)
    return -_root(lambda t: (-objective(-t)[0], objective(-t)[1]), guess)


def ess_limit(groups: RewardGroups, ess: float) -> float:
    """Return the t > 0 at which the median effective sample size per prompt falls to `ess`.

    Parameters
    ----------
    groups : RewardGroups
        Samples.
    ess : float
        Effective sample size.

    Returns
    -------
    float
        A t that keeps it, at most 0.1 % below the largest; 0 if no t > 0 does, inf if every one does.

    Examples
    --------
    >>> from infostat.alignment.sample_moments import group_rewards
    >>> groups = group_rewards(np.arange(100.0), np.array([0, 100]))
    >>> round(float(tilt_groups(groups, ess_limit(groups, 10.0)).ess[0]), 1)
    10.0
    """
    if float(np.median(groups.size * np.exp(-groups.ceiling))) >= ess:
        return math.inf
    sums = _Sums(groups)

    def enough(t: float) -> bool:
        return sums.at(t)[2] >= ess

    span = _span(groups)
    start = 1e-12 / span if span > 0.0 else 1.0
    if not enough(start):
        return 0.0
    low, high = start, 1.0 / span if span > 0.0 else 2.0
    while enough(high):
        low, high = high, 4.0 * high
    while high > low * (1.0 + _ESS_TOLERANCE):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if enough(middle) else (low, middle)
    return low


class _Sums:
    """Moments from plain sums, in a fifth of the time of `tilt_groups`; t > 0 and finite."""

    def __init__(self, groups: RewardGroups) -> None:
        self._groups = groups
        self._distance = groups.r - groups.top[groups.group]
        self._finite = np.where(np.isfinite(self._distance), self._distance, 0.0)

    def at(self, t: float) -> tuple[float, float, float]:
        """Mean KL, mean variance of the reward, median effective sample size."""
        groups = self._groups
        with np.errstate(over="ignore"):
            ratio = np.exp(np.maximum(t * self._distance, _LOWEST))
        weight = groups.count * ratio
        total = groups.total(weight)
        mean = groups.total(weight * self._finite) / total
        square = groups.total(weight * self._finite**2) / total
        kl = t * mean - np.log(total / groups.size)
        ess = total**2 / groups.total(weight * ratio)
        return float(kl.mean()), float((square - mean**2).mean()), float(np.median(ess))


def _span(groups: RewardGroups) -> float:
    """Widest range of finite rewards of a prompt."""
    finite = np.where(np.isfinite(groups.r), groups.r, np.inf)
    lowest: FloatArray = np.minimum.reduceat(finite, groups.starts)
    return float((groups.top - lowest).max())


def _root(objective: Callable[[float], tuple[float, float]], guess: float) -> float:
    """Positive root of an increasing function (value and slope), negative at zero."""
    low, high, t = 0.0, math.inf, guess
    for _ in range(_MOST_STEPS):
        value, slope = objective(t)
        if value == 0.0:
            return t
        low, high = (t, high) if value < 0.0 else (low, t)
        step = value / slope if slope > 0.0 and math.isfinite(value) else math.inf
        if abs(step) <= 4.0 * _EPS * t or (high < math.inf and high - low <= 4.0 * _EPS * high):
            return t
        following = t - step
        if math.isinf(high):
            following = min(following, 16.0 * t) if following > t else 4.0 * t
        elif not low < following < high:
            following = math.sqrt(low * high) if low > 0.0 and high > 4.0 * low else 0.5 * (low + high)
        t = following
    return t
