"""What best-of-N and its relatives do to a law before and after: levels, means, plain probabilities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError
from ..core.validation import FloatArray
from .laws import Levels, RewardLaw

__all__ = ["mean_reward", "only_a_law", "plain_probabilities", "ranked_levels"]


def ranked_levels(law: RewardLaw, ties: str = "random", tie_tol: float = 0.0) -> Levels:
    """Return the levels that best-of-N tells apart, ascending.

    Parameters
    ----------
    law : RewardLaw
        Law and rewards.
    ties : {"random", "index"}
        Whether equal rewards are one level, or each outcome is its own.
    tie_tol : float
        Neighbouring rewards at most this far apart are one level.

    Returns
    -------
    Levels
        The reward of a level is the largest in it.

    Examples
    --------
    >>> from infostat.alignment.laws import as_law
    >>> law = as_law([0.25, 0.25, 0.25, 0.25], [0, 1, 1, 2])
    >>> ranked_levels(law, "index").level, ranked_levels(law, tie_tol=1.0).r
    (array([0, 1, 2, 3]), array([2.]))
    """
    rewards = _merged_rewards(law, tie_tol)
    if ties == "random":
        found = RewardLaw(law.log_p, rewards).levels()
        # A single level holds everything, whatever its sum has been rounded to.
        return found if len(found.r) > 1 else Levels(found.r, np.zeros(1), found.level)
    rows = np.flatnonzero(law.possible)
    order = rows[np.argsort(rewards[rows], kind="stable")]
    level = np.full(len(rewards), -1, dtype=np.intp)
    level[order] = np.arange(len(order))
    return Levels(rewards[order], law.log_p[order], level)


def mean_reward(weights: ArrayLike, rewards: ArrayLike) -> float:
    """Return the mean reward, taken from the largest reward downwards.

    Parameters
    ----------
    weights : array_like of shape (k,)
        Probabilities.
    rewards : array_like of shape (k,)
        Rewards; those of weight zero do not count, whatever they are.

    Returns
    -------
    float
        ``max r + sum w (r - max r)``; -inf if an outcome of reward -inf has mass.

    Examples
    --------
    >>> mean_reward([0.0, 0.5, 0.5], [-np.inf, 1e9, 1e9 + 1])
    1000000000.5
    """
    w, r = np.asarray(weights, dtype=np.float64), np.asarray(rewards, dtype=np.float64)
    used = w > 0.0
    top = float(r[used].max())
    return top + float(w[used] @ (r[used] - top)) if top > -math.inf else -math.inf


def plain_probabilities(law: RewardLaw, p: Any) -> FloatArray:
    """Return the probabilities of a law, to the last bit those given where these sum to one.

    Parameters
    ----------
    law : RewardLaw
        Checked law.
    p : array_like or None
        What it was made of; None if it was made of log probabilities.

    Returns
    -------
    ndarray of shape (k,)
        Probabilities; rounding twice (log and exp) is avoided where it can be.

    Examples
    --------
    >>> from infostat.alignment.laws import as_law
    >>> plain_probabilities(as_law([0.7, 0.2, 0.1], [0, 1, 2]), [0.7, 0.2, 0.1])
    array([0.7, 0.2, 0.1])
    """
    if p is None:
        return law.p
    given = np.asarray(p, dtype=np.float64)
    return np.asarray(given / math.fsum(given))


def only_a_law(r: Any, logp: Any) -> None:
    """Raise if rewards or log probabilities are given beside a frozen law.

    Parameters
    ----------
    r, logp : object
        Arguments; None is "not given".

    Raises
    ------
    InputError
        If one of them is given.

    Examples
    --------
    >>> only_a_law(None, None)
    """
    if r is not None or logp is not None:
        raise InputError("r and logp must be left out where p is a frozen law, which is the law of the reward itself")


def _merged_rewards(law: RewardLaw, tie_tol: float) -> FloatArray:
    """Rewards with chains of neighbours at most `tie_tol` apart raised to the largest of the chain."""
    if tie_tol == 0.0:
        return law.r
    rows = np.flatnonzero(law.possible)
    values, inverse = np.unique(law.r[rows], return_inverse=True)
    last = np.append(np.diff(values) > tie_tol, True)
    ends = np.flatnonzero(last)
    merged = law.r.copy()
    merged[rows] = values[ends[np.searchsorted(ends, np.arange(len(values)))]][inverse.reshape(-1)]
    return merged
