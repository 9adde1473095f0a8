"""Tilted moments of reward samples, prompt by prompt, and what their standard errors are made of.

Pure functions. Samples are sorted into `RewardGroups` once; equal rewards of a prompt are merged
into one level with a count, so that pass/fail rewards cost nothing. Everything is centred at the
largest reward of its prompt (at the smallest for t < 0), so that no exponential overflows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.validation import FloatArray
from .tilt_solver import stable_terms

__all__ = ["GroupTilt", "RewardGroups", "SampleErrors", "group_rewards", "sample_errors", "tilt_groups"]


@dataclass(frozen=True, eq=False)
class RewardGroups:
    """Reward samples of one or several prompts, sorted, equal rewards merged.

    Attributes
    ----------
    r : ndarray of shape (k,)
        Rewards, ascending inside a prompt.
    count : ndarray of shape (k,)
        Samples with this reward.
    group : ndarray of int of shape (k,)
        Prompt of each, ascending.
    starts : ndarray of int of shape (g,)
        First entry of each prompt.
    size : ndarray of shape (g,)
        Samples of each prompt, M.
    true : ndarray of shape (k,) or None
        True rewards; with them nothing is merged.
    """

    r: FloatArray
    count: FloatArray
    group: NDArray[np.intp]
    starts: NDArray[np.intp]
    size: FloatArray
    true: FloatArray | None = None

    @property
    def n_groups(self) -> int:
        """Number of prompts."""
        return len(self.starts)

    @property
    def top(self) -> FloatArray:
        """Largest reward of each prompt."""
        return np.asarray(self.r[np.append(self.starts[1:], len(self.r)) - 1])

    @property
    def bottom(self) -> FloatArray:
        """Smallest reward of each prompt (may be -inf)."""
        return np.asarray(self.r[self.starts])

    @property
    def ceiling(self) -> FloatArray:
        """Largest KL that the samples of each prompt can show, log(M/#max), nats."""
        return np.asarray(np.log(self.size / self.total(self.count * (self.r == self.top[self.group]))))

    @property
    def lost(self) -> FloatArray:
        """KL that avoiding rewards of -inf costs in each prompt, nats."""
        return np.asarray(np.log(self.size / self.total(self.count * np.isfinite(self.r))))

    def total(self, values: FloatArray) -> FloatArray:
        """Sums over the entries of each prompt.

        Parameters
        ----------
        values : ndarray of shape (k,)
            One value per entry.

        Returns
        -------
        ndarray of shape (g,)
            Sums.
        """
        if self.n_groups == 1:
            return np.array([float(values.sum())])
        return np.asarray(np.add.reduceat(values, self.starts))


@dataclass(frozen=True, eq=False)
class GroupTilt:
    """Tilt of every prompt by one t.

    Attributes
    ----------
    t : float
        Tilt.
    log_ratio : ndarray of shape (k,)
        ``log(M w)`` of a sample: log density of the tilt against the samples; -inf is no mass.
    centred : ndarray of shape (k,)
        Reward minus the mean of its prompt's tilt; 0 where there is no mass.
    log_mgf, reward, variance, kl : ndarray of shape (g,)
        Lambda, R, V, D of each prompt.
    ess : ndarray of shape (g,)
        ``1/sum w^2``.
    largest : ndarray of shape (g,)
        Largest weight of one sample.
    """

    t: float
    log_ratio: FloatArray
    centred: FloatArray
    log_mgf: FloatArray
    reward: FloatArray
    variance: FloatArray
    kl: FloatArray
    ess: FloatArray
    largest: FloatArray


@dataclass(frozen=True, eq=False)
class SampleErrors:
    """Second moments of the influences of single samples, prompt by prompt.

    Attributes
    ----------
    log_mgf : ndarray of shape (g,)
        Variance of Lambda, ``1/ESS - 1/M``.
    reward : ndarray of shape (g,)
        Variance of R at fixed t, ``sum w^2 (r - R)^2``.
    kl : ndarray of shape (g,)
        Variance of D at fixed t, ``sum psi^2/M^2`` with ``psi = t M w (r - R) - (M w - 1)``.
    """

    log_mgf: FloatArray
    reward: FloatArray
    kl: FloatArray


def group_rewards(reward: FloatArray, offsets: NDArray[np.intp], true: FloatArray | None = None) -> RewardGroups:
    """Return samples sorted inside each prompt, equal rewards merged.

    Parameters
    ----------
    reward : ndarray of shape (m,)
        Rewards, those of one prompt side by side.
    offsets : ndarray of int of shape (g + 1,)
        Ends of the prompts.
    true : ndarray of shape (m,), optional
        True rewards.

    Returns
    -------
    RewardGroups
        Equal whatever the order of the samples of a prompt (with true rewards up to ties).

    Examples
    --------
    >>> groups = group_rewards(np.array([1.0, 0.0, 1.0, 5.0]), np.array([0, 3, 4]))
    >>> groups.r, groups.count, groups.group
    (array([0., 1., 5.]), array([1., 2., 1.]), array([0, 0, 1]))
    """
    sizes = np.diff(offsets)
    group = np.repeat(np.arange(len(sizes)), sizes)
    order = np.argsort(reward, kind="stable") if len(sizes) == 1 else np.lexsort((reward, group))
    r, group = reward[order] + 0.0, group[order]  # no -0.0
    if true is not None:
        starts = np.asarray(offsets[:-1], dtype=np.intp)
        return RewardGroups(r, np.ones(len(r)), group, starts, sizes.astype(np.float64), true[order])
    new = np.ones(len(r), dtype=bool)
    new[1:] = (r[1:] != r[:-1]) | (group[1:] != group[:-1])
    first = np.flatnonzero(new)
    count = np.diff(np.append(first, len(r))).astype(np.float64)
    starts = np.searchsorted(first, offsets[:-1])
    return RewardGroups(r[first], count, group[first], starts.astype(np.intp), sizes.astype(np.float64))


def tilt_groups(groups: RewardGroups, t: float) -> GroupTilt:
    """Return the tilt of every prompt by one t.

    Parameters
    ----------
    groups : RewardGroups
        Samples.
    t : float
        Tilt; infinite ones are the limits.

    Returns
    -------
    GroupTilt
        Weights and moments. With rewards of -inf, mean and variance at t = 0 are -inf and inf.

    Notes
    -----
    With x = log(M w) the divergence is summed as ``D = mean(x e^x - e^x + 1)``, every term of
    which is non-negative.

    Examples
    --------
    >>> tilted = tilt_groups(group_rewards(np.arange(5.0), np.array([0, 5])), 1.0)
    >>> tilted.log_mgf.round(12), tilted.kl.round(12), tilted.ess.round(12)
    (array([2.84247648]), array([0.60946508]), array([2.13498738]))
    """
    sign = -1.0 if t < 0 else 1.0
    edge = groups.top if t >= 0 else groups.bottom
    distance = sign * (groups.r - edge[groups.group])  # <= 0
    if t == 0.0:
        exponent = np.zeros(len(distance))
    elif math.isinf(t):
        exponent = np.where(distance == 0.0, 0.0, -np.inf)
    else:
        with np.errstate(over="ignore"):
            exponent = abs(t) * distance
    at_edge = _log_mean_exp(groups, exponent)
    log_ratio = exponent - at_edge[groups.group]
    ratio = np.exp(log_ratio)
    share = groups.count / groups.size[groups.group]
    finite = np.where(np.isfinite(distance), distance, 0.0)
    mean = groups.total(share * ratio * finite)
    centred = np.where(ratio > 0.0, finite - mean[groups.group], 0.0)
    variance = groups.total(share * ratio * centred**2)
    reward = edge + sign * mean
    if t == 0.0 and not np.isfinite(distance).all():
        endless = groups.bottom == -np.inf
        reward, variance = np.where(endless, -np.inf, reward), np.where(endless, np.inf, variance)
    with np.errstate(invalid="ignore"):
        log_mgf = np.where(edge == 0.0, 0.0, t * edge) + at_edge
    square = groups.total(share * ratio**2)
    return GroupTilt(
        t=t,
        log_ratio=log_ratio,
        centred=sign * centred,
        log_mgf=log_mgf,
        reward=reward,
        variance=variance,
        kl=groups.total(share * _divergence_terms(log_ratio, ratio)),
        ess=groups.size / square,
        largest=np.maximum.reduceat(ratio, groups.starts) / groups.size,
    )


def sample_errors(groups: RewardGroups, tilted: GroupTilt) -> SampleErrors:
    """Return the variances that sampling rewards gives to the moments of each prompt.

    Parameters
    ----------
    groups : RewardGroups
        Samples.
    tilted : GroupTilt
        Their tilt; t finite.

    Returns
    -------
    SampleErrors
        Variances at fixed t.

    Examples
    --------
    >>> groups = group_rewards(np.arange(5.0), np.array([0, 5]))
    >>> errors = sample_errors(groups, tilt_groups(groups, 1.0))
    >>> np.sqrt(errors.reward).round(12), np.sqrt(errors.log_mgf).round(12)
    (array([0.39514874]), array([0.51806066]))
    """
    ratio, excess = np.exp(tilted.log_ratio), np.expm1(tilted.log_ratio)
    share = groups.count / groups.size[groups.group] ** 2
    pull = ratio * tilted.centred
    psi = tilted.t * pull - excess
    reward = groups.total(share * pull**2)
    endless = (tilted.t == 0.0) & (groups.bottom == -np.inf)
    return SampleErrors(
        log_mgf=groups.total(share * excess**2),
        reward=np.where(endless, np.inf, reward),
        kl=groups.total(share * psi**2),
    )


def _log_mean_exp(groups: RewardGroups, exponent: FloatArray) -> FloatArray:
    """log of the mean of e^exponent (exponents <= 0, one of them 0) over each prompt."""
    share = groups.count / groups.size[groups.group]
    if float(exponent.min()) > -0.5:
        return np.asarray(np.log1p(groups.total(share * np.expm1(exponent))))
    return np.asarray(np.log(groups.total(share * np.exp(exponent))))


def _divergence_terms(log_ratio: FloatArray, ratio: FloatArray) -> FloatArray:
    """``x e^x - e^x + 1`` entry by entry."""
    near = np.abs(log_ratio) <= 1.0
    far = np.where(near | (ratio == 0.0), 0.0, log_ratio)
    return np.where(near, stable_terms(np.where(near, log_ratio, 0.0)), ratio * (far - 1.0) + 1.0)
