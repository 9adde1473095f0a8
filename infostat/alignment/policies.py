"""Any policy against the KL-constrained optimum, the Bayesian view, and the small-budget expansion."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray, check_number
from .laws import RewardLaw, as_law, is_frozen
from .named_laws import log_law, match_labels
from .policy_results import FreeEnergy, PolicyGap, SmallKLExpansion
from .tilt_solver import log_top_mass, moments_at, ratio_divergence, t_for_kl, tilted_log_law

__all__ = ["free_energy", "policy_gap", "small_kl_expansion"]


def policy_gap(q: Any, p: Any, r: Any, kl: float | None = None, *, logp: Any = None) -> PolicyGap:
    """Return how far a policy is from the KL-constrained optimum, and why.

    Parameters
    ----------
    q : array_like of shape (k,) or Series
        Policy.
    p : array_like of shape (k,), Series or None
        Reference law; None where `logp` is given.
    r : array_like of shape (k,) or Series
        Rewards.
    kl : float, optional
        KL budget of the optimum it is compared with, nats; the policy's own KL if None.
    logp : array_like of shape (k,), optional
        Log probabilities in place of `p`.

    Returns
    -------
    PolicyGap
        ``kl reward kl_excess reward_gap kl_to_optimal`` and the optimum's ``t beta``.

    Raises
    ------
    InputError
        If q or p is not a law, shapes or labels differ, or kl < 0.
    InputTypeError
        If something is not numeric.

    Notes
    -----
    For every q and t: ``KL(q || phi_t) = [KL(q || p) - D(t)] + t [R(t) - E_q r]``. A policy whose
    KL exceeds the budget by e1 and whose reward misses the optimum by e2 is therefore within
    e1 + t e2 of the optimum. Also ``J(phi) - J(q) = beta KL(q || phi)`` for
    ``J(q) = E_q r - beta KL(q || p)``. Derived and checked in this project; the claim that methods
    of comparable trade-off are close to the optimum is that of arXiv 2404.01730. Where q has
    outcomes that p lacks, divergences are inf.

    Examples
    --------
    >>> found = policy_gap([0.0625, 0.3471, 0.5904], [0.5, 0.3, 0.2], [0, 1, 2])
    >>> round(found.kl, 12), round(found.kl_to_optimal, 12)
    (0.559750560357, 0.030823646605)
    """
    log_q, law = _policy_and_law(q, p, r, logp)
    own = _divergence(log_q, law.log_p)
    budget = own if kl is None else check_number("kl", kl, low=0.0, finite=False)
    possible = law.r[law.possible]
    degenerate = bool((possible == possible[0]).all())
    t = 0.0 if degenerate else t_for_kl(law.log_p, law.r, min(budget, 1e300))
    _, best, _, spent = moments_at(law.log_p, law.r, t)
    mean = _mean(np.exp(log_q), law.r)
    return PolicyGap(
        kl=own,
        reward=mean,
        kl_excess=own - float(spent),
        reward_gap=_difference(float(best), mean),
        kl_to_optimal=_divergence(log_q, tilted_log_law(law.log_p, law.r, t)),
        t=t,
        beta=math.inf if t == 0.0 else 1.0 / t,
        optimal_kl=float(spent),
        optimal_reward=float(best),
        saturated=math.isinf(t),
    )


def free_energy(q: Any, p: Any, r: Any, beta: float, *, logp: Any = None) -> FreeEnergy:
    """Return log evidence, evidence lower bound and their gap: KL-penalised RL as Bayesian inference.

    Parameters
    ----------
    q : array_like of shape (k,) or Series
        Policy.
    p : array_like of shape (k,), Series or None
        Reference law, the prior; None where `logp` is given.
    r : array_like of shape (k,) or Series
        Rewards; exp(r/beta) is the likelihood.
    beta : float
        KL coefficient > 0, unit of the reward.
    logp : array_like of shape (k,), optional
        Log probabilities in place of `p`.

    Returns
    -------
    FreeEnergy
        ``log_z elbo gap``, nats.

    Raises
    ------
    InputError
        If a law is not one, or beta <= 0.
    InputTypeError
        If something is not numeric.

    Notes
    -----
    ``log Z = Lambda(1/beta) = [E_q r/beta - KL(q || p)] + KL(q || phi)`` with phi = p e^(r/beta)/Z
    the posterior; the bracket is the evidence lower bound. Derived and checked in this project.

    Examples
    --------
    >>> found = free_energy([0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0, 1, 2], beta=1.0)
    >>> round(found.log_z, 12), round(found.elbo, 12), round(found.gap, 12)
    (1.027222177641, 0.7, 0.327222177641)
    """
    coefficient = check_number(
        "beta", beta, low=0.0, open_low=True, finite=False, cure="the evidence is infinite at beta = 0"
    )
    log_q, law = _policy_and_law(q, p, r, logp)
    t = 1.0 / coefficient
    if math.isinf(t):
        raise InputError(f"beta must be large enough that 1/beta is finite, got {beta!r}")
    log_z = float(moments_at(law.log_p, law.r, t)[0])
    own = _divergence(log_q, law.log_p)
    gained = 0.0 if t == 0.0 else t * _mean(np.exp(log_q), law.r)
    return FreeEnergy(
        log_z=log_z,
        elbo=-math.inf if math.isinf(own) else gained - own,
        gap=_divergence(log_q, tilted_log_law(law.log_p, law.r, t)),
        beta=coefficient,
        expected_log_likelihood=gained,
        kl=own,
    )


def small_kl_expansion(p: Any, r: Any = None, *, logp: Any = None) -> SmallKLExpansion:
    """Return what a small KL budget buys: the frontier to first order in KL.

    Parameters
    ----------
    p : array_like of shape (k,), Series, frozen scipy law, or None
        Reference law, or the law of the reward itself; None where `logp` is given.
    r : array_like of shape (k,) or Series
        Finite rewards.
    logp : array_like of shape (k,), optional
        Log probabilities in place of `p`.

    Returns
    -------
    SmallKLExpansion
        ``mean variance third_cumulant sqrt_coefficient linear_coefficient`` and ``reward(kl)``.

    Raises
    ------
    InputError
        If the law is not one, a reward is -inf, or a frozen law lacks the first three moments.

    Notes
    -----
    ``R*(kl) = mu + sigma sqrt(2 kl) + (kappa_3/(3 sigma^2)) kl + O(kl^(3/2))`` with the first three
    cumulants of the reward under p; derived and checked in this project. If all rewards are equal
    both coefficients are zero.

    Examples
    --------
    >>> found = small_kl_expansion([0.5, 0.3, 0.2], [0, 1, 2])
    >>> round(found.mean, 12), round(found.variance, 12), round(found.reward(1e-4), 6)
    (0.7, 0.61, 0.71106)
    """
    if is_frozen(p):
        if r is not None or logp is not None:
            raise InputError("r and logp must be left out where p is a frozen law: it is the law of the reward itself")
        mean, variance, third, top = _frozen_cumulants(p)
    else:
        law = as_law(p, r, logp)
        rewards, probabilities = law.r[law.possible], law.p[law.possible]
        if not np.isfinite(rewards).all():
            raise InputError("r must be finite for an expansion in small KL, got -inf; drop those outcomes first")
        shift = float(rewards[int(np.argmax(probabilities))])
        offset = float(probabilities @ (rewards - shift))
        centred = (rewards - shift) - offset
        mean, variance = shift + offset, float(probabilities @ centred**2)
        third = float(probabilities @ centred**3)
        top = -log_top_mass(law.log_p, law.r)
    sigma = math.sqrt(variance)
    return SmallKLExpansion(
        mean=mean,
        variance=variance,
        third_cumulant=third,
        sqrt_coefficient=sigma * math.sqrt(2.0),
        linear_coefficient=third / (3.0 * variance) if variance > 0.0 else 0.0,
        kl_max=max(top, 0.0),
    )


def _frozen_cumulants(law: Any) -> tuple[float, float, float, float]:
    from .law_nodes import read_law
    from .quadrature import node_moments

    reader = read_law(law)
    with np.errstate(all="ignore"):
        mean, variance, skewness = (float(v) for v in law.stats(moments="mvs"))
    light = math.isfinite(mean) and math.isfinite(variance)
    if light and not math.isfinite(skewness) and min(map(abs, reader.limits)) > 0.0:
        # A third moment that scipy does not know, of a law whose tails are light enough to have one.
        x, log_mass = reader.nodes(0.0)
        centre = node_moments(x, log_mass, 0.0)[1]
        skewness = float(np.exp(log_mass) @ (x - centre) ** 3) / variance**1.5
    if not (light and math.isfinite(skewness)):
        raise InputError("the law must have three finite moments, got one whose tail is too heavy")
    return mean, variance, skewness * variance**1.5, reader.kl_max


def _policy_and_law(q: Any, p: Any, r: Any, logp: Any) -> tuple[FloatArray, RewardLaw]:
    """Log probabilities of q, and the reference, in the order of q."""
    for name, value in (("q", q), ("p", p)):
        if is_frozen(value):
            raise InputError(f"{name} must be an array of probabilities here, got a frozen law")
    vectors = {name: v for name, v in {"q": q, "p": p, "logp": logp, "r": r}.items() if v is not None}
    matched, _ = match_labels(vectors)
    law = as_law(matched.get("p"), matched.get("r"), matched.get("logp"))
    if q is None:
        raise InputError("q must be an array of probabilities, got None")
    log_q = log_law("q", matched["q"])
    if len(log_q) != len(law.r):
        raise InputError(f"q must have one entry per outcome ({len(law.r)}), got {len(log_q)}")
    return log_q, law


def _divergence(log_q: FloatArray, log_p: FloatArray) -> float:
    """KL(q || p); inf where q has mass and p has none."""
    used = log_q > -np.inf
    if (log_p[used] == -np.inf).any():
        return math.inf
    ratio = np.where(used, log_q, -np.inf) - np.where(log_p > -np.inf, log_p, 0.0)
    return max(float(ratio_divergence(log_q, log_p, ratio)), 0.0)


def _mean(q: FloatArray, r: FloatArray) -> float:
    used = q > 0.0
    rewards = r[used]
    if (rewards == np.inf).any():
        raise InputError("r must be below +inf where q has mass, got +inf")
    if (rewards == -np.inf).any():
        return -math.inf
    top = float(rewards.max())
    return top + float(q[used] @ (rewards - top))


def _difference(a: float, b: float) -> float:
    """a - b, zero where both are -inf."""
    return 0.0 if a == b else a - b
