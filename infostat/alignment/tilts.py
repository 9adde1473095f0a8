"""The KL-constrained optimum: exponential tilts by t, beta, KL budget or mean reward."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.errors import InputError, describe
from ..core.validation import FloatArray, check_number
from .laws import RewardLaw, as_law, check_strengths, is_frozen
from .tilt_result import Tilt
from .tilt_solver import log_top_mass, moments_at, t_for_kl, t_for_reward, tilted_log_law

__all__ = ["tilt"]

_CURVE = 201


def tilt(
    p: Any,
    r: Any = None,
    *,
    logp: Any = None,
    t: float | None = None,
    beta: float | None = None,
    kl: float | None = None,
    reward: float | None = None,
) -> Tilt:
    """Return the law of largest mean reward within a KL budget (the optimum of KL-penalised RL).

    Parameters
    ----------
    p : array_like of shape (k,), Series, frozen scipy law, or None
        Reference probabilities (sum one within 1e-6; zeros stay zero); None where `logp` is given.
        A frozen law such as ``scipy.stats.norm(0, 1)`` is the law of the reward itself, without `r`.
    r : array_like of shape (k,) or Series
        Rewards; -inf is allowed (only with t >= 0), +inf is not. Series are matched by label.
    logp : array_like of shape (k,), optional
        Log probabilities in place of `p`, for atoms below the range of floats.
    t : float, optional
        Tilt, 1/reward; inf is the limit on the best outcomes. t < 0 tilts towards low rewards.
    beta : float, optional
        KL coefficient >= 0, unit of the reward; 0 is the limit on the best outcomes, inf is p.
    kl : float, optional
        KL budget >= 0, nats. From ``-log p(best outcomes)`` on the result is saturated.
    reward : float, optional
        Mean reward to reach with the least KL; below that of p the result has t < 0.
        Exactly one of `t`, `beta`, `kl` and `reward` is given.

    Returns
    -------
    Tilt
        Fields ``t beta reward kl log_mgf q saturated degenerate`` and more.

    Raises
    ------
    InputError
        If not exactly one target is given, one is out of range (beta < 0, kl < 0, a reward outside
        those of positive probability), the law is not one, or a frozen law has no such tilt
        because its tail is too heavy.
    InputTypeError
        If something is not numeric.

    Notes
    -----
    ``phi_t = p exp(t r - Lambda(t))`` with ``Lambda(t) = log E_p exp(t r)``, ``R = Lambda'``,
    ``V = Lambda''`` and ``KL(phi_t || p) = t R - Lambda``; ``dR/dKL = beta``, and
    ``R*(kl) = inf_t (Lambda(t) + kl)/t``. Rewards are centred before anything is exponentiated, and
    the divergence is summed from non-negative terms. The optimum under a KL constraint is the object
    of Yang, Salamatian, Sun, Suresh and Beirami (arXiv 2404.01730); the formulas were derived and
    checked in this project. If all rewards are equal, a KL or reward target gives t = 0.
    Frozen laws are integrated to an error below 1e-9 (close to an end of the support the rewards
    themselves run out of digits; beyond that the result is saturated).

    Examples
    --------
    >>> found = tilt([0.5, 0.3, 0.2], [0, 1, 2], kl=0.2)
    >>> round(found.t, 9), round(found.reward, 9), found.q.round(6)
    (0.775174621, 1.211385505, array([0.238787, 0.31104 , 0.450173]))
    >>> from scipy.stats import norm
    >>> round(tilt(norm(0, 1), kl=0.5).reward, 9)
    1.0
    """
    name, target = _target(t, beta, kl, reward)
    if is_frozen(p):
        if r is not None or logp is not None:
            raise InputError("r and logp must be left out where p is a frozen law: it is the law of the reward itself")
        return _frozen(p, name, target)
    return _finite(as_law(p, r, logp), p, name, target)


def _target(t: Any, beta: Any, kl: Any, reward: Any) -> tuple[str, float]:
    """The one target: its name ("t", "kl" or "reward") and value; beta becomes t."""
    given = [(k, v) for k, v in {"t": t, "beta": beta, "kl": kl, "reward": reward}.items() if v is not None]
    if len(given) != 1:
        came = " and ".join(name for name, _ in given) if given else "none"
        raise InputError(f"exactly one of t, beta, kl and reward must be given, got {came}")
    name, value = given[0]
    if name == "t":
        strength = check_number("t", value, finite=False) + 0.0
        check_strengths(np.array([strength]))
        return "t", strength
    if name == "beta":
        cure = "pass a negative t for low rewards" if isinstance(value, (int, float)) and value < 0 else ""
        coefficient = check_number("beta", value, low=0.0, finite=False, cure=cure)
        if 0.0 < coefficient < 1e-300:  # the strength of the tilt would leave the floats
            raise InputError(describe("beta", "0 or at least 1e-300", coefficient))
        return "t", math.inf if coefficient == 0.0 else 1.0 / coefficient
    if name == "kl":
        return "kl", check_number("kl", value, low=0.0, finite=False)
    return "reward", check_number("reward", value)


def _finite(law: RewardLaw, p: Any, name: str, target: float) -> Tilt:
    possible = law.r[law.possible]
    degenerate = bool((possible == possible[0]).all())
    avoidable = degenerate or np.isfinite(possible).all()
    t = _tilt_of(law, name, target, degenerate)
    log_mgf, mean, variance, kl = moments_at(law.log_p, law.r, t)
    reference = float(moments_at(law.log_p, law.r, 0.0)[1])
    # Rounding twice, by log and exp, is avoided where it can be.
    plain = law.p if p is None else np.asarray(p, dtype=np.float64) / math.fsum(p)
    q = plain if t == 0.0 else np.exp(tilted_log_law(law.log_p, law.r, t))
    flags = _flags(t, degenerate)
    if not avoidable and name == "kl" and t == 0.0:
        flags = (*flags, "budget_below_minus_inf")
    kl_max = max(-log_top_mass(law.log_p, law.r), 0.0)
    return Tilt(
        t=t,
        beta=_beta(t),
        reward=float(mean),
        kl=float(kl),
        log_mgf=float(log_mgf),
        q=q,
        saturated=math.isinf(t),
        degenerate=degenerate,
        variance=float(variance),
        kl_max=kl_max,
        reward_reference=reference,
        p=plain,
        rewards=law.r,
        labels=law.labels,
        flags=flags,
        interpretation=_words(float(mean), reference, float(kl), _beta(t), kl_max),
    )


def _tilt_of(law: RewardLaw, name: str, target: float, degenerate: bool) -> float:
    if name == "t":
        return target
    if name == "kl":
        return 0.0 if degenerate else t_for_kl(law.log_p, law.r, target)
    return t_for_reward(law.log_p, law.r, target)


def _frozen(law: Any, name: str, target: float) -> Tilt:
    from .continuous import continuous_tilt
    from .law_nodes import read_law

    reader = read_law(law)
    degenerate = reader.low == reader.high
    if name == "kl" and math.isinf(target):
        name, target = "t", math.inf
    found = continuous_tilt(reader, **{name: target})
    reference = float(law.mean())
    x, density_p, density_q = _curves(reader, found.t, found.log_mgf)
    return Tilt(
        t=found.t,
        beta=_beta(found.t),
        reward=found.reward,
        kl=found.kl,
        log_mgf=found.log_mgf,
        q=None,
        saturated=math.isinf(found.t),
        degenerate=degenerate,
        variance=found.variance,
        kl_max=reader.kl_max,
        reward_reference=reference,
        density_x=x,
        density_p=density_p,
        density_q=density_q,
        flags=_flags(found.t, degenerate),
        interpretation=_words(found.reward, reference, found.kl, _beta(found.t), reader.kl_max),
    )


def _curves(law: Any, t: float, log_mgf: float) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Points and the densities (masses) there of the law and its tilt, over all but 1e-4 of both."""
    x, log_mass = law.nodes(0.0 if math.isinf(t) else t)
    order = np.argsort(x, kind="stable")
    x, log_mass = x[order], log_mass[order]
    ends = []
    for tilted in (0.0, t):
        if math.isinf(tilted):
            ends.append(law.high if tilted > 0 else law.low)
            continue
        level = log_mass + tilted * (x - x[int(np.argmax(log_mass))])
        mass = np.cumsum(np.exp(level - level.max()))
        inside = np.searchsorted(mass, np.array([1e-4, 1.0 - 1e-4]) * mass[-1])
        ends += [float(x[min(k, len(x) - 1)]) for k in inside]
    low, high = min(ends), max(ends)
    if law.discrete:
        rows = (x >= low) & (x <= high)
        step = max(1, int(rows.sum()) // 400)
        grid, level = x[rows][::step], log_mass[rows][::step]
    else:
        grid = np.linspace(low, high, _CURVE)
        with np.errstate(all="ignore"):
            level = np.log(np.asarray(law.law.pdf(grid), dtype=np.float64))
        finite = np.isfinite(level)
        grid, level = grid[finite], level[finite]
    if math.isinf(t):
        return grid, np.exp(level), None
    return grid, np.exp(level), np.exp(level + t * grid - log_mgf)


def _beta(t: float) -> float:
    return math.inf if t == 0.0 else 1.0 / t


def _flags(t: float, degenerate: bool) -> tuple[str, ...]:
    words = [
        ("degenerate", degenerate),
        ("saturated", t == math.inf and not degenerate),
        ("worst", t == -math.inf and not degenerate),
        ("negative_t", -math.inf < t < 0.0),
    ]
    return tuple(word for word, holds in words if holds)


def _words(reward: float, reference: float, kl: float, beta: float, kl_max: float) -> str:
    text = (
        f"A KL of {kl:.4g} nats moves the mean reward from {reference:.4g} to {reward:.4g}; no policy with this KL "
        f"has a {'smaller' if reward < reference else 'larger'} one."
    )
    if kl_max <= kl < math.inf:
        return f"{text} More KL buys nothing: every outcome left has the best reward."
    if 0.0 < beta < math.inf:
        text += f" The next nat buys at most {beta:.4g} more."
    return text
