"""Estimates at given tilts or KL budgets, with standard errors and leading biases.

For one population the variances come from the influence of each sample, for several prompts from
the spread over prompts, which are then the sampling unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.validation import FloatArray
from .estimation_result import COLLAPSED
from .prompts import shared_t_for_kl
from .sample_moments import GroupTilt, RewardGroups, sample_errors, tilt_groups

__all__ = ["PointTable", "point_estimates"]


@dataclass(frozen=True, eq=False)
class PointTable:
    """Estimates at k points.

    Attributes
    ----------
    t, reward, kl, log_mgf : ndarray of shape (k,)
        Tilt and means over prompts of R, D and Lambda.
    ess, perplexity_ess : ndarray of shape (k,)
        Medians over prompts.
    se_reward, se_true_reward : ndarray of shape (k,)
        Standard errors with t or the KL held; the second is nan without true rewards.
    se_log_mgf, se_kl : ndarray of shape (k,)
        Standard errors at fixed t; `se_kl` is 0 where the KL is held.
    bias_reward : ndarray of shape (k,)
        Leading bias of `reward`.
    ess_se : ndarray of shape (k,)
        Number of samples (of prompts) that `se_reward` rests on.
    true_reward : ndarray of shape (k,) or None
        Mean true reward.
    share_collapsed : ndarray of shape (k,)
        Share of prompts below 10 effective samples.
    saturated : ndarray of bool of shape (k,)
        Whether t is infinite.
    kl_by_prompt : ndarray of shape (k, P)
        D of each prompt.
    """

    t: FloatArray
    reward: FloatArray
    kl: FloatArray
    log_mgf: FloatArray
    ess: FloatArray
    perplexity_ess: FloatArray
    se_reward: FloatArray
    se_log_mgf: FloatArray
    se_kl: FloatArray
    bias_reward: FloatArray
    ess_se: FloatArray
    true_reward: FloatArray | None
    se_true_reward: FloatArray | None
    share_collapsed: FloatArray
    saturated: NDArray[np.bool_]
    kl_by_prompt: FloatArray  # (k, P)


def point_estimates(groups: RewardGroups, held: str, asked: FloatArray) -> PointTable:
    """Return estimates at given tilts or budgets.

    Parameters
    ----------
    groups : RewardGroups
        Samples.
    held : {"t", "kl"}
        What `asked` is.
    asked : ndarray of shape (k,)
        Tilts, or KL budgets.

    Returns
    -------
    PointTable
        Moments, standard errors and biases, one entry a point.

    Examples
    --------
    >>> from infostat.alignment.sample_moments import group_rewards
    >>> groups = group_rewards(np.arange(5.0), np.array([0, 5]))
    >>> point_estimates(groups, "t", np.array([1.0])).se_reward.round(12)
    array([0.39514874])
    """
    tilts = asked if held == "t" else np.array([shared_t_for_kl(groups, float(x)) for x in asked])
    rows = [_point(groups, held, float(t)) for t in tilts]
    columns: dict[str, Any] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    if groups.true is None:
        columns["true_reward"] = columns["se_true_reward"] = None
    return PointTable(t=np.asarray(tilts, dtype=np.float64), saturated=np.isinf(tilts), **columns)


@dataclass(frozen=True, eq=False)
class _Influence:
    """What each sampling unit (a sample, or a prompt) adds to an estimate, up to the mean.

    `kl` is ``t reward - log_mgf``; the variance of an estimate is ``sum share x^2``.
    """

    reward: FloatArray
    log_mgf: FloatArray
    kl: FloatArray
    true: FloatArray | None
    count: FloatArray
    share: FloatArray

    def variance(self, x: FloatArray) -> float:
        """Variance of the estimate with influences x."""
        return float((self.share * x**2).sum()) if np.isfinite(x).all() else math.inf

    def effective(self, x: FloatArray) -> float:
        """Number of units that this variance rests on, ``(sum x^2)^2/sum x^4``."""
        if not np.isfinite(x).all():
            return 0.0
        largest = float(np.abs(x).max())
        if largest == 0.0:
            return float(self.count.sum())
        square = (x / largest) ** 2
        return float((self.count * square).sum() ** 2 / (self.count * square**2).sum())


def _point(groups: RewardGroups, held: str, t: float) -> dict[str, Any]:
    """Estimates at one tilt, standard errors with t or the KL held."""
    tilted = tilt_groups(groups, t)
    beside = None
    if groups.true is not None:
        beside = groups.total(np.exp(tilted.log_ratio) * groups.true) / groups.size
    return {
        "reward": float(tilted.reward.mean()),
        "kl": float(tilted.kl.mean()),
        "log_mgf": float(tilted.log_mgf.mean()),
        "ess": float(np.median(tilted.ess)),
        "perplexity_ess": float(np.median(groups.size * np.exp(-tilted.kl))),
        "share_collapsed": float((tilted.ess < COLLAPSED).mean()),
        "kl_by_prompt": tilted.kl,
        "true_reward": math.nan if beside is None else float(beside.mean()),
        **_errors(groups, tilted, beside, held),
    }


def _errors(groups: RewardGroups, tilted: GroupTilt, true: FloatArray | None, held: str) -> dict[str, float]:
    """Standard errors and bias with t or the KL held; nan where a maximum has none."""
    t, variance = tilted.t, float(tilted.variance.mean())
    names = ("se_reward", "se_log_mgf", "se_kl", "se_true_reward", "bias_reward", "ess_se")
    if math.isinf(t):
        return dict.fromkeys(names, math.nan) | {"se_kl": 0.0 if held == "kl" else math.nan}
    units = _sample_influence(groups, tilted, true) if groups.n_groups == 1 else _prompt_influence(tilted, true)
    fixed_kl = held == "kl" and t != 0.0
    # The envelope theorem: with the KL held, only Lambda moves the reward.
    reward = units.log_mgf / t if fixed_kl else units.reward
    beside = units.true
    if beside is not None and fixed_kl:
        beside = beside - _slope(groups, tilted, true, variance) * units.kl / t
    if t == 0.0:
        bias = 0.0
    elif fixed_kl:
        choice = units.variance(units.kl) / (t**2 * variance) if variance > 0.0 else 0.0
        bias = -0.5 * (float(sample_errors(groups, tilted).log_mgf.mean()) + choice) / t
    else:
        share = groups.count / groups.size[groups.group] ** 2
        bias = -float(groups.total(share * np.exp(tilted.log_ratio) ** 2 * tilted.centred).mean())
    return {
        "se_reward": math.sqrt(units.variance(reward)),
        "se_log_mgf": math.sqrt(units.variance(units.log_mgf)),
        "se_kl": 0.0 if held == "kl" else math.sqrt(units.variance(units.kl)),
        "se_true_reward": math.nan if beside is None else math.sqrt(units.variance(beside)),
        "bias_reward": bias,
        "ess_se": units.effective(reward),
    }


def _sample_influence(groups: RewardGroups, tilted: GroupTilt, true: FloatArray | None) -> _Influence:
    ratio, excess = np.exp(tilted.log_ratio), np.expm1(tilted.log_ratio)
    pull = ratio * tilted.centred
    endless = tilted.t == 0.0 and float(groups.bottom[0]) == -math.inf
    return _Influence(
        reward=np.full(len(pull), np.inf) if endless else pull,
        log_mgf=excess,
        kl=tilted.t * pull - excess,
        true=None if true is None or groups.true is None else ratio * (groups.true - true[0]),
        count=groups.count,
        share=groups.count / groups.size[0] ** 2,
    )


def _prompt_influence(tilted: GroupTilt, true: FloatArray | None) -> _Influence:
    n = len(tilted.reward)
    ones = np.ones(n)

    def spread(values: FloatArray) -> FloatArray:
        return values - values.mean() if np.isfinite(values).all() else np.full(n, np.inf)

    return _Influence(
        reward=spread(tilted.reward),
        log_mgf=spread(tilted.log_mgf),
        kl=spread(tilted.kl),
        true=None if true is None else spread(true),
        count=ones,
        share=ones / (n * (n - 1)),
    )


def _slope(groups: RewardGroups, tilted: GroupTilt, true: FloatArray | None, variance: float) -> float:
    """Change of the true reward with the proxy along the path of tilts, Cov(true, r)/V."""
    if true is None or groups.true is None or variance == 0.0:
        return 0.0
    weight = np.exp(tilted.log_ratio) / groups.size[groups.group]
    covariance = groups.total(weight * tilted.centred * (groups.true - true[groups.group]))
    return float(covariance.mean()) / variance
