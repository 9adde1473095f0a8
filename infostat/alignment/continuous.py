"""Frozen scipy laws of the reward: tilts, best-of-N means and top fractions by quadrature.

Nothing is drawn and nothing is fitted: a law such as ``scipy.stats.norm(0, 1)`` or ``poisson(3)``
is the exact law of the reward under the reference. Closed forms are used in the tests only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import InputError, Words, describe
from ..core.validation import FloatArray
from .law_maxima import continuous_best_of_n, continuous_top_fraction, law_levels
from .law_nodes import DiscreteLaw, FrozenLaw, read_law
from .quadrature import node_moments
from .tilt_solver import t_for_kl, t_for_reward

__all__ = [
    "LawTilt",
    "continuous_best_of_n",
    "continuous_tilt",
    "continuous_top_fraction",
    "law_levels",
    "tilt_moments",
]

_MOST_STEPS = 200
# Iterates this close (relative to t and to the distance from the largest t) share their nodes.
_CLOSE = 0.02
# Tilts times the spread of the law: knots near an end at 0 reach no further.
_STEEPEST = 1e18

_Solve = Callable[[FloatArray, FloatArray], float]


@dataclass(frozen=True)
class LawTilt:
    """Tilt of a frozen law.

    Attributes
    ----------
    t : float
        Tilt, 1/reward; infinite at an end of the support.
    log_mgf, reward, variance, kl : float
        Lambda(t), R(t), V(t), D(t).
    """

    t: float
    log_mgf: float
    reward: float
    variance: float
    kl: float


def continuous_tilt(
    law: Any,
    *,
    t: float | None = None,
    kl: float | None = None,
    reward: float | None = None,
    start: float | None = None,
) -> LawTilt:
    """Return the tilt of a frozen law by t, or the one with a given divergence or mean reward.

    Parameters
    ----------
    law : object
        Frozen scipy law of the reward, or one read by :func:`infostat.alignment.law_nodes.read_law`.
    t : float, optional
        Tilt; infinite ones are the limits, where the support ends.
    kl : float, optional
        Divergence >= 0, nats.
    reward : float, optional
        Mean reward. Exactly one of the three is given.
    start : float, optional
        A guess of t > 0 for a given `kl`; it saves time and does not change the answer.

    Returns
    -------
    LawTilt
        Moments of the tilt.

    Raises
    ------
    InputError
        If no such tilt exists: rewards too heavy-tailed, or a reward outside the support.

    Notes
    -----
    ``phi_t(x) = f(x) exp(t x - Lambda(t))``. Nodes that resolve f and the tilt by the current t
    give a finite law, whose equation is solved exactly; the nodes are renewed until t stands still.

    Examples
    --------
    >>> from scipy.stats import norm
    >>> found = continuous_tilt(norm(1, 2), kl=0.5)
    >>> round(found.t, 9), round(found.reward, 9)
    (0.5, 3.0)
    """
    reader = law if isinstance(law, FrozenLaw) else read_law(law)
    if t is not None:
        return tilt_moments(reader, t)
    if kl is not None:
        return _for_kl(reader, kl, start)
    if reward is None:
        raise InputError("exactly one of t, kl and reward must be given, got none")
    return _for_reward(reader, reward)


def tilt_moments(law: FrozenLaw, t: float) -> LawTilt:
    """Return the moments of the tilt of a law by t.

    Parameters
    ----------
    law : FrozenLaw
        Law.
    t : float
        Tilt, possibly infinite.

    Returns
    -------
    LawTilt
        Moments.

    Raises
    ------
    InputError
        If the tilt does not exist.

    Examples
    --------
    >>> from scipy.stats import expon
    >>> round(tilt_moments(read_law(expon()), 0.75).reward, 12)
    4.0
    """
    if t == 0.0:
        return _untilted(law)
    if math.isinf(t):
        return _limit_law(law, t)
    low, high = law.limits
    if not low < t < high:
        raise InputError(_too_heavy(law, t))
    found = LawTilt(t, *node_moments(*law.nodes(t), t))
    _check_resolved(law, found)
    return found


def _check_resolved(law: FrozenLaw, found: LawTilt) -> None:
    """Refuse a tilt whose log density is not known to the millionth in double precision."""
    if law.discrete:
        return
    end = law.high if found.t > 0.0 else law.low
    if math.isfinite(end):
        most = min(_unresolved(end), _STEEPEST / law.spread()) if law.spread() > 0.0 else math.inf
        known, why = abs(found.t) <= most, "the tilted law lies too close to the end of the support"
    else:
        exponent = abs(found.t) * max(abs(found.reward - law.mean()), law.spread())
        known, why = exponent <= 1e-6 * 2.0**52, "the exponent of the tilted law has no digits after the point"
    if not known:
        cure = "use a smaller one, or infinity for the limit"
        raise InputError(describe("t", "a tilt that double precision can resolve", Words(f"{found.t:g}: {why}"), cure))


def _unresolved(end: float) -> float:
    # Beyond this t the tilt lives within a few roundings of the end of the support.
    return 1e-3 / math.ulp(end)


def _for_kl(law: FrozenLaw, kl: float, start: float | None) -> LawTilt:
    if kl == 0.0 or law.low == law.high:
        return _untilted(law)
    if kl >= law.kl_max * (1.0 - 1e-15):
        return _limit_law(law, math.inf)
    if not law.limits[1] > 0.0:
        raise InputError(_too_heavy(law, math.inf))
    start = start or math.sqrt(2.0 * kl) / law.spread()
    return _settle(law, start, lambda x, log_mass: t_for_kl(log_mass, x, kl), kl)


def _for_reward(law: FrozenLaw, reward: float) -> LawTilt:
    if not law.low <= reward <= law.high or math.isinf(reward):
        raise InputError(
            f"reward must lie in the range of the rewards [{law.low:g}, {law.high:g}], got {reward!r}"
        )
    mean = law.mean()
    if law.low == law.high or reward == mean:
        return _untilted(law)
    if reward in (law.low, law.high):
        return _limit_law(law, math.inf if reward == law.high else -math.inf)
    sign = 1.0 if reward > mean else -1.0
    if not abs(law.limits[1] if sign > 0 else law.limits[0]) > 0.0:
        raise InputError(_too_heavy(law, sign * math.inf))
    start = sign * min(abs(reward - mean) / law.spread() ** 2, 1.0 / law.spread())
    return _settle(law, start, lambda x, log_mass: _solve_reward(x, log_mass, reward, sign))


def _solve_reward(x: FloatArray, log_mass: FloatArray, reward: float, sign: float) -> float:
    if not float(x.min()) < reward < float(x.max()):
        return sign * math.inf
    return t_for_reward(log_mass, x, reward)


def _settle(law: FrozenLaw, start: float, solve: _Solve, kl: float = math.inf) -> LawTilt:
    """Solve on nodes made for t, renew the nodes, until t stands still."""
    sign = math.copysign(1.0, start)
    end = law.high if sign > 0 else law.low
    unresolved = _unresolved(end) if math.isfinite(end) and not law.discrete else math.inf
    limit = abs(law.limits[1] if sign > 0 else law.limits[0])
    t = start if abs(start) < limit else 0.5 * sign * limit
    for _ in range(_MOST_STEPS):
        if abs(t) > unresolved:
            return LawTilt(sign * math.inf, -kl if end == 0.0 else sign * math.copysign(math.inf, end), end, 0.0, kl)
        found = solve(*law.nodes(t))
        # Far beyond t the nodes know nothing: go there in steps.
        step = min(abs(found), 8.0 * abs(t)) if found * sign > 0.0 else 0.5 * abs(t)
        step = min(step, 0.5 * (abs(t) + limit))
        if abs(step - abs(t)) <= _CLOSE * min(abs(t), limit - abs(t)):
            nodes = law.nodes(sign * step)
            final = solve(*nodes)
            moved = abs(abs(final) - step)
            if math.isfinite(final) and moved <= _CLOSE * min(step, limit - step) and abs(final) < limit:
                return LawTilt(final, *node_moments(*nodes, final))
        if math.isfinite(limit) and limit - step <= 1e-13 * limit:
            break
        t = sign * step
    raise InputError(
        f"no tilt of the law reaches this: the tilts end at t = {sign * limit:.6g}, where the moment generating "
        "function becomes infinite; ask for less"
    )


def _untilted(law: FrozenLaw) -> LawTilt:
    with np.errstate(all="ignore"):
        variance = float(law.law.var())
    return LawTilt(0.0, 0.0, law.mean(), variance, 0.0)


def _limit_law(law: FrozenLaw, t: float) -> LawTilt:
    end = law.high if t > 0 else law.low
    if math.isinf(end):
        name = "beta = 0" if t > 0 else "t = -inf"
        raise InputError(f"t must be finite where the rewards are unbounded, got {name}; there is no best outcome")
    kl = math.inf
    if isinstance(law, DiscreteLaw):
        x, log_mass = law.table((0.0,), (0.0,))
        with np.errstate(all="ignore"):
            kl = -float(law.law.logpmf(end)) if end not in x else -float(log_mass[int(np.flatnonzero(x == end)[0])])
    log_mgf = -kl if end == 0.0 else math.copysign(math.inf, t * end)
    return LawTilt(t, log_mgf, end, 0.0, kl)


def _too_heavy(law: FrozenLaw, t: float) -> str:
    low, high = law.limits
    sign = "> 0" if t > 0 else "< 0"
    if (high if t > 0 else low) == 0.0:
        return (
            f"the law has no tilt with t {sign}: its tail is heavier than exponential, so the moment generating "
            "function is infinite; bound the rewards or transform them"
        )
    return f"t must lie in ({low:.6g}, {high:.6g}), where the moment generating function is finite, got {t:.6g}"
