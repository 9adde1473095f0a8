"""The best policy when leaving the reference is paid for by an f-divergence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray, check_number
from .f_curves import Curve, as_curve
from .f_results import FOptimum
from .f_solver import Problem, Solution
from .laws import RewardLaw, as_law, one_of

__all__ = ["f_optimum", "optimum_at_reward"]

# A budget this close to the largest divergence, relatively, cannot be told from it.
_ROUNDING = 1e-15


def f_optimum(
    p: Any,
    r: Any = None,
    *,
    beta: float | None = None,
    divergence: float | None = None,
    kind: str = "kl",
    order: float | None = None,
    logp: Any = None,
) -> FOptimum:
    """Return the policy that maximises mean reward minus beta times an f-divergence from p.

    Parameters
    ----------
    p : array_like of shape (k,), Series or None
        Reference probabilities; None where `logp` is given.
    r : array_like of shape (k,) or Series
        Rewards. -inf is allowed where leaving an outcome out costs a finite divergence.
    beta : float, optional
        Price of the divergence, reward per nat; 0 gives the best outcomes alone, inf the
        reference.
    divergence : float, optional
        Budget for the divergence in place of `beta`, nats.
    kind : str
        ``kl reverse_kl jeffreys js alpha pearson neyman hellinger le_cam tv`` of the generator
        table, or ``chi2kl`` (half of pearson plus kl, not in the table). D_f(q || p) has the
        policy first: ``kl`` is what papers on language models call reverse KL.
    order : float, optional
        Order of ``alpha`` (Cressie-Read), any real number.
    logp : array_like of shape (k,), optional
        Log probabilities in place of `p`.

    Returns
    -------
    FOptimum
        ``q multiplier divergence reward kl beta support_fraction`` and more.

    Raises
    ------
    InputError
        If the law or a number is impossible, both or neither of `beta` and `divergence` are given,
        the kind is unknown or has no unique optimum (``hockey_stick``), or no policy of finite
        reward fits the budget.
    InputTypeError
        If something is not a number.

    Notes
    -----
    The optimum is ``q = p max(0, (f')^{-1}((r - l)/beta))`` with l from ``sum q = 1``; ``kl`` gives the
    tilt, ``alpha`` Tsallis' q-exponential. Scales are those of `infostat.divergences.generator`: ``js``
    is the Jensen-Shannon divergence, ``hellinger`` has the factor 1/2 and ``pearson`` has not. With
    twice the first two, or half the third, as regulariser the same law belongs to half, half and
    twice the beta. Where f'(inf) is finite, l is found through the distance of f' from its limit on a
    logarithmic scale, between brackets in closed form, so that no small beta loses digits. ``tv`` keeps p
    where ``r >= max r - beta`` and moves the rest to the best outcomes (derived and checked in this
    project).

    ``pearson``, ``le_cam``, ``tv`` and ``alpha`` of order above 1 leave poor outcomes out altogether;
    `support_fraction` says how much of the reference stays.

    Examples
    --------
    >>> best = f_optimum([0.5, 0.3, 0.2], [0, 1, 2], beta=1.0)
    >>> best.q.round(8), round(best.multiplier, 12), round(best.divergence, 12)
    (array([0.17900002, 0.2919435 , 0.52905648]), 1.027222177641, 0.322834279278)
    >>> cut = f_optimum([0.5, 0.3, 0.2], [0, 1, 2], beta=0.2, kind="pearson")
    >>> cut.q.round(12), round(cut.support_fraction, 12)
    (array([0. , 0.3, 0.7]), 0.5)
    >>> round(f_optimum([0.5, 0.3, 0.2], [0, 1, 2], divergence=0.1, kind="js").reward, 12)
    1.440570366369
    """
    curve = as_curve(kind, order)
    one_of("beta", beta, "divergence", divergence)
    problem_law = as_law(p, r, logp, wide=True)
    problem = Problem.of(problem_law, curve)
    if beta is not None:
        price = check_number("beta", beta, low=0.0, finite=False)
        return _wrap(problem_law, problem, _at_price(problem, price), None)
    budget = check_number("divergence", divergence, low=0.0, finite=False)
    return _wrap(problem_law, problem, _within(problem, budget), budget)


def optimum_at_reward(law: RewardLaw, reward: float, curve: Curve) -> FOptimum:
    """Return the optimum with a given mean reward.

    Parameters
    ----------
    law : RewardLaw
        Reference and rewards, all finite.
    reward : float
        From the mean reward of the reference to the largest reward.
    curve : Curve
        The generator.

    Returns
    -------
    FOptimum
        The policy of that reward which is closest to the reference in the divergence.

    Raises
    ------
    InputError
        If no policy on the way from the reference to the best outcomes has this reward.

    Examples
    --------
    >>> law = as_law([0.5, 0.5], [0.0, 1.0])
    >>> optimum_at_reward(law, 0.75, as_curve("js")).q.round(12)
    array([0.25, 0.75])
    """
    problem = Problem.of(law, curve)
    reference = problem.reference()
    most = problem.shortfall(reference)
    target = problem.top - reward / problem.unit
    slack = 4.0 * float(np.finfo(np.float64).eps) * max(abs(problem.top), most)
    if not -slack <= target <= most + slack or not problem.finite.all():
        low = (problem.top - most) * problem.unit
        raise InputError(
            f"reward must be from the mean reward of the reference ({low:.6g}) to the largest reward "
            f"({problem.top * problem.unit:.6g}), got {reward:g}"
        )
    if problem.degenerate or target >= most:
        found = reference
    elif target <= slack:
        found = problem.limit()
    else:
        found = problem.for_shortfall(target)
    return _wrap(law, problem, found, None)


def _at_price(problem: Problem, beta: float) -> Solution:
    scaled = beta / problem.unit
    if scaled == math.inf:
        return problem.reference()
    if problem.degenerate:
        found = problem.reference()
        log_beta = math.log(scaled) if scaled > 0.0 else -math.inf
        return Solution(found.log_ratio, found.slope, log_beta, found.error)
    return problem.limit() if scaled == 0.0 else problem.at(math.log(scaled), scaled)


def _within(problem: Problem, budget: float) -> Solution:
    reference = problem.reference()
    least = problem.divergence(reference)
    if budget < least * (1.0 - _ROUNDING):
        raise InputError(
            f"divergence must be at least {least:.6g}, what it costs to leave out the outcomes of reward -inf, got "
            f"{budget:g}"
        )
    if problem.degenerate:
        return reference
    limit = problem.limit()
    if budget >= problem.divergence(limit) * (1.0 - _ROUNDING):
        return limit
    return reference if budget <= least * (1.0 + _ROUNDING) else problem.for_divergence(budget)


def _wrap(law: RewardLaw, problem: Problem, found: Solution, budget: float | None) -> FOptimum:
    log_ratio = np.where(problem.level >= 0, found.log_ratio[problem.level], -np.inf)
    divergence = problem.divergence(found)
    reward = (problem.top - problem.shortfall(found)) * problem.unit
    reward_reference = _reference_reward(problem)
    log_beta = found.log_beta + math.log(problem.unit)
    kept = float(np.exp(law.log_p[log_ratio > -np.inf]).sum())
    flags = _flags(problem, found, budget)
    missed = 0.0
    if budget is not None and budget > 0.0 and not {"saturated", "degenerate"} & set(flags):
        missed = abs(divergence - budget) / budget
    kl = as_curve("kl").divergence(problem.log_mass, found.log_ratio)
    share = min(kept, 1.0) if "truncated" in flags or not problem.finite.all() or found.log_beta == -math.inf else 1.0
    return FOptimum(
        q=np.exp(law.log_p + log_ratio),
        multiplier=_multiplier(problem, found),
        divergence=divergence,
        reward=reward,
        kl=kl,
        beta=math.exp(log_beta) if log_beta < 709.7 else math.inf,
        support_fraction=share,
        kind=problem.curve.kind,
        order=problem.curve.order,
        log_beta=log_beta,
        reward_reference=reward_reference,
        log_ratio=log_ratio,
        p=law.p,
        rewards=law.r,
        labels=law.labels,
        numerical_error=max(found.error, missed),
        flags=flags,
        interpretation=_sentences(problem.curve, reward - reward_reference, divergence, kl, share, flags),
    )


def _reference_reward(problem: Problem) -> float:
    if not problem.finite.all():
        return -math.inf
    return (problem.top - problem.shortfall(problem.reference())) * problem.unit


def _multiplier(problem: Problem, found: Solution) -> float:
    if found.log_beta == -math.inf:
        return problem.top * problem.unit
    if found.log_beta == math.inf or problem.degenerate:
        return _reference_reward(problem)  # the limit of max r - beta sigma
    with np.errstate(over="ignore"):
        step = float(np.exp(found.log_beta)) * found.slope
    return (problem.top - step) * problem.unit


def _flags(problem: Problem, found: Solution, budget: float | None) -> tuple[str, ...]:
    if problem.degenerate:
        return ("degenerate",)
    cut: FloatArray = found.log_ratio[problem.finite] == -np.inf
    flags = ("truncated",) if problem.curve.df0 > -np.inf and cut.any() else ()
    return (*flags, "saturated") if budget is not None and found.log_beta == -math.inf else flags


def _sentences(
    curve: Curve, gain: float, divergence: float, kl: float, share: float, flags: tuple[str, ...]
) -> str:
    if "degenerate" in flags:
        return "All outcomes have the same reward, so that the reference itself is optimal."
    name = "KL" if curve.kind == "kl" else f"divergence ({curve.kind})"
    also = "" if curve.kind == "kl" else f", a KL of {kl:.4g} nats"
    text = f"The policy gains {gain:.4g} of mean reward over the reference for {divergence:.4g} nats of {name}{also}."
    if share < 1.0:
        text += f" Outcomes with {100.0 * (1.0 - share):.4g} % of the reference mass are never drawn."
    return text
