"""Keeping the best fraction of a law: the simplest policy with a given KL."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.tables import format_cell
from ..core.validation import FloatArray, check_number
from .bestofn_laws import mean_reward, only_a_law, plain_probabilities
from .bestofn_levels import level_kl
from .bestofn_results import TopFraction
from .laws import RewardLaw, as_law, is_frozen
from .tilt_solver import moments_at, t_for_kl

__all__ = ["Selection", "select_fraction", "top_fraction"]


_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Selection:
    """What keeping the top fraction does to a law.

    Attributes
    ----------
    q : ndarray of shape (k,)
        The policy.
    reward, kl_outcomes, tilt_reward : float
        Its mean reward and KL, and the reward of the tilt with that KL.
    threshold, share : float
        Reward at the boundary, and share of its mass that is kept.
    """

    q: FloatArray
    reward: float
    kl_outcomes: float
    tilt_reward: float
    threshold: float
    share: float


def top_fraction(p: Any = None, r: Any = None, *, fraction: float, logp: Any = None) -> TopFraction:
    """Return the policy that keeps the given fraction of the reference mass with the largest rewards.

    Parameters
    ----------
    p : array_like of shape (k,), Series, or a frozen scipy law
        Reference probabilities; None where `logp` is given. A frozen law is the law of the
        reward, and `r` is then left out.
    r : array_like of shape (k,) or Series, optional
        Rewards.
    fraction : float
        Share of the mass to keep, in (0, 1]. Of outcomes with the boundary reward the same share
        each is kept.
    logp : array_like of shape (k,), optional
        Log probabilities in place of `p`.

    Returns
    -------
    TopFraction
        ``q reward kl`` and the comparison with the tilt.

    Raises
    ------
    InputError
        If the fraction is outside (0, 1], or the law or the rewards are not usable.
    InputTypeError
        If something is not a number.

    Notes
    -----
    ``q = p (share kept)/fraction``. ``kl = -log fraction`` exactly if the kept and the dropped part of
    the boundary outcomes are told apart, as a selection of documents does; on the outcomes themselves
    it is ``kl_outcomes = -log fraction + q(boundary) log(share kept)``, never larger (data
    processing). For a Gaussian reward the gain is ``pdf(z)/fraction < sqrt(-2 log fraction)``
    standard deviations, the latter being the tilt's (derived and checked in this project).

    Examples
    --------
    >>> found = top_fraction([0.5, 0.3, 0.2], [0, 1, 2], fraction=0.4)
    >>> found.q.round(12), round(found.reward, 12), round(found.kl, 12)
    (array([0. , 0.5, 0.5]), 1.5, 0.916290731874)
    >>> round(found.kl_outcomes, 12), round(found.kept_at_threshold, 12)
    (0.71355817782, 0.666666666667)
    """
    part = check_number("fraction", fraction, low=0.0, high=1.0, open_low=True)
    if is_frozen(p):
        only_a_law(r, logp)
        return _frozen(p, part)
    law = as_law(p, r, logp)
    plain = plain_probabilities(law, p)
    kept = select_fraction(law, plain, part)
    reference = mean_reward(plain, law.r)
    kl = -math.log(part) + 0.0
    return TopFraction(
        q=kept.q,
        reward=kept.reward,
        kl=kl,
        kl_outcomes=kept.kl_outcomes,
        fraction=part,
        threshold=kept.threshold,
        kept_at_threshold=kept.share,
        tilt_reward=kept.tilt_reward,
        reward_reference=reference,
        p=plain,
        log_p=law.log_p,
        rewards=law.r,
        labels=law.labels,
        flags=(),
        interpretation=_words(part, kl, kept.kl_outcomes, (kept.reward, reference, kept.tilt_reward)),
    )


def select_fraction(law: RewardLaw, plain: FloatArray, fraction: float) -> Selection:
    """Keep the top fraction of a checked law.

    Parameters
    ----------
    law : RewardLaw
        Law and rewards.
    plain : ndarray of shape (k,)
        Its probabilities.
    fraction : float
        Share to keep, in (0, 1].

    Returns
    -------
    Selection
        Policy, reward and KL.

    Examples
    --------
    >>> law = as_law([0.5, 0.3, 0.2], [0, 1, 2])
    >>> found = select_fraction(law, law.p, 0.5)
    >>> found.q.round(12), found.threshold, round(found.share, 12)
    (array([0. , 0.6, 0.4]), 1.0, 1.0)
    """
    levels = law.levels()
    log_fraction = math.log(fraction) + 0.0
    boundary, share = _boundary(levels.log_mass, log_fraction)
    log_kept = np.where(np.arange(len(levels.r)) > boundary, 0.0, -np.inf)
    log_kept[boundary] = math.log(share)
    per_outcome = np.where(levels.level >= 0, log_kept[levels.level], -np.inf)
    ratio = np.minimum(per_outcome - log_fraction, -log_fraction)
    log_q = law.log_p + ratio
    q = plain.copy() if fraction == 1.0 else np.exp(log_q)
    reward = mean_reward(q, law.r)
    # Conditioning spends -log fraction; what is dropped at the boundary gives some of it back.
    kl = min(level_kl(log_q, law.log_p), -log_fraction)
    t = t_for_kl(law.log_p, law.r, kl)
    tilt_reward = max(float(moments_at(law.log_p, law.r, t)[1]), reward)
    return Selection(q, reward, kl, tilt_reward, float(levels.r[boundary]), share)


def _boundary(log_mass: FloatArray, log_fraction: float) -> tuple[int, float]:
    """Level at which the fraction is full, and the share of that level that is kept."""
    upto = np.logaddexp.accumulate(log_mass[::-1])[::-1]  # mass from each level upwards
    # Levels that fill the fraction but for rounding fill it.
    full = upto >= log_fraction - 8.0 * _EPS * max(1.0, -log_fraction)
    full[0] = True
    boundary = int(np.flatnonzero(full)[-1])
    above = float(upto[boundary + 1]) if boundary + 1 < len(upto) else -math.inf
    room = log_fraction + math.log1p(-math.exp(min(above - log_fraction, 0.0)))
    share = math.exp(min(room - float(log_mass[boundary]), 0.0))
    return boundary, 1.0 if share > 1.0 - 16.0 * _EPS else share


def _frozen(law: Any, fraction: float) -> TopFraction:
    from .continuous import continuous_tilt, continuous_top_fraction, law_levels
    from .law_nodes import read_law

    reader = read_law(law)
    kl = -math.log(fraction) + 0.0
    reward, reference = continuous_top_fraction(reader, fraction), float(law.mean())
    spent, share = kl, 1.0
    if reader.discrete:
        rewards, log_mass = law_levels(reader, log_n=kl)
        boundary, share = _boundary(log_mass, -kl)
        threshold = float(rewards[boundary])
        # q of the boundary is what the levels above it leave of one.
        above = float(np.exp(log_mass[boundary + 1 :]).sum()) / fraction
        spent = max(kl + max(1.0 - above, 0.0) * math.log(share), 0.0)
    else:
        threshold = float(law.isf(fraction)) if hasattr(law, "isf") else float(law.ppf(1.0 - fraction))
    tilt_reward: float | None
    try:
        tilt_reward = max(float(continuous_tilt(reader, kl=spent).reward), reward)
    except InputError:  # tails too heavy for an exponential tilt
        tilt_reward = None
    return TopFraction(
        q=None,
        reward=reward,
        kl=kl,
        kl_outcomes=spent,
        fraction=fraction,
        threshold=threshold,
        kept_at_threshold=share,
        tilt_reward=tilt_reward,
        reward_reference=reference,
        p=None,
        log_p=None,
        rewards=None,
        labels=(),
        flags=() if tilt_reward is not None else ("no_tilt",),
        interpretation=_words(fraction, kl, spent, (reward, reference, tilt_reward)),
    )


def _words(fraction: float, kl: float, kl_outcomes: float, rewards: tuple[float, float, float | None]) -> str:
    split = ""
    if kl_outcomes < kl:
        split = f" ({format_cell(kl_outcomes)} on the outcomes themselves, as the boundary is split)"
    tilt = "No tilt of the reward has this KL: its tail is too heavy."
    if rewards[2] is not None:
        tilt = f"The tilt of the same KL has {format_cell(rewards[2])}."
    return (
        f"The best {100 * fraction:.4g} % of the reference have mean reward {format_cell(rewards[0])} where all have "
        f"{format_cell(rewards[1])}, at a KL of {format_cell(kl)} nats{split}. {tilt}"
    )
