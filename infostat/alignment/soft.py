"""Soft best-of-N: draw N outcomes, keep one with probability proportional to exp(t r), exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.tables import format_cell
from ..core.validation import FloatArray, check_number
from .bestofn import best_of_n
from .bestofn_laws import mean_reward, plain_probabilities
from .bestofn_levels import level_kl, log_level_masses
from .bestofn_results import SoftBestOfN
from .laws import RewardLaw, as_law
from .tilt_solver import log_top_mass, moments_at, ratio_divergence, tilted_log_law

__all__ = ["soft_best_of_n", "soft_log_ratio"]

# Trapezoid rule in v = log s. The integrand is analytic within |Im v| < pi/2, so the error of
# this step is about exp(-pi^2/step).
_STEP = 0.1
# Left of the window the integrand, which grows like e^v, is below exp(-42) of its peak ...
_LEFT = 42.0
# ... and right of log 60 the factor exp(-s a) is below 1e-26.
_RIGHT = math.log(60.0)
# Below this log the weight L^(N-1) adds nothing to any outcome's share of the policy.
_VANISHED = -740.0
# Numbers below exp(-60), and exp(-s a) beyond s a = exp(6.7), are nothing beside one.
_NEGLIGIBLE, _DEAD = 60.0, 6.7
# Cells of one block of (nodes x levels).
_BLOCK = 1_000_000


def soft_best_of_n(p: Any = None, r: Any = None, n: Any = None, t: Any = None, *, logp: Any = None) -> SoftBestOfN:
    """Return the policy that draws N outcomes and keeps one with probability proportional to exp(t r).

    Parameters
    ----------
    p : array_like of shape (k,) or Series
        Reference probabilities; None where `logp` is given.
    r : array_like of shape (k,) or Series
        Rewards; -inf is allowed.
    n : float
        Number of draws N >= 1, any real number.
    t : float
        Sharpness >= 0, 1/reward; 0 gives the reference, inf gives best-of-N with random ties.
    logp : array_like of shape (k,), optional
        Log probabilities in place of `p`.

    Returns
    -------
    SoftBestOfN
        ``q kl reward kl_from_tilt_bound`` and the tilt that the policy tends to.

    Raises
    ------
    InputError
        If N < 1 or t < 0, one of them is NaN, or the law or the rewards are not usable.
    InputTypeError
        If something is not a number.

    Notes
    -----
    With ``a = exp(t (r - max r))`` and ``L(s) = sum p e^(-s a)``,

    ``q(y) = N p(y) a_y int_0^inf e^(-s a_y) L(s)^(N-1) ds``,

    integrated over log s by the trapezoid rule; ``sum q = 1`` is the check that
    `numerical_error` reports. As N grows the policy tends to the tilt phi_t, and
    ``KL(phi_t || q) <= log(1 + chi^2(phi_t || p)/N)``; for bounded rewards the divergence is
    ``Var_phi(e^(t r)/Z)/(2 N^2)`` to leading order (all derived and checked in this project; Verdun
    et al., arXiv 2505.03156, state O(1/N)). If all draws have reward -inf one of them is kept at
    random.

    Examples
    --------
    >>> found = soft_best_of_n([0.5, 0.5], [0.0, 1.0], 2, 1.0)
    >>> found.q.round(12)
    array([0.38447071, 0.61552929])
    >>> found.kl_from_tilt < found.kl_from_tilt_bound
    True
    """
    count = check_number("n", n, low=1.0)
    sharpness = check_number("t", t, low=0.0, finite=False)
    law = as_law(p, r, logp)
    plain = plain_probabilities(law, p)
    log_ratio = _policy_log_ratio(law, count, sharpness)
    q = plain.copy() if count == 1.0 or sharpness == 0.0 else np.exp(law.log_p + log_ratio)
    return _wrap(law, plain, q, law.log_p + log_ratio, count, sharpness)


def soft_log_ratio(log_mass: FloatArray, gaps: FloatArray, n: float) -> FloatArray:
    """Return log(q/p) of soft best-of-N on levels.

    Parameters
    ----------
    log_mass : ndarray of shape (g,)
        Log masses under the reference in ascending order of reward.
    gaps : ndarray of shape (g - 1,)
        t times the distance from each level to the next one, inf allowed.
    n : float
        Number of draws, > 1.

    Returns
    -------
    ndarray of shape (g,)
        ``log(N a int_0^inf e^(-s a) L(s)^(N-1) ds)``; -inf where it is below the range of floats.

    Examples
    --------
    >>> ratio = soft_log_ratio(np.log([0.5, 0.5]), np.array([1.0]), 2.0)
    >>> (0.5 * np.exp(ratio)).round(12)
    array([0.38447071, 0.61552929])
    """
    log_n = math.log(n)
    apart = _NEGLIGIBLE + log_n
    if (gaps > apart).all():
        # One draw of a better level outweighs all others: best-of-N.
        return log_level_masses(log_mass, log_n)[0] - log_mass
    # Levels that far apart do not see each other: moving them closer changes nothing, and keeps
    # the digits of v + log a.
    near = np.append(-np.cumsum(np.minimum(gaps, apart)[::-1])[::-1], 0.0)
    mass = np.exp(log_mass)
    lower, upper = np.append(0.0, np.cumsum(mass)), np.append(np.cumsum(mass[::-1])[::-1], 0.0)
    total = np.zeros(len(mass))
    for v in _blocks(_nodes(near, log_n), len(mass)):
        # Levels below the band have s a = 0 but for rounding, those above it have e^(-s a) = 0.
        low, high = np.searchsorted(near, [-_NEGLIGIBLE - log_n - v[-1], _DEAD - v[0]])
        scaled = np.exp(v[:, None] + near[low:high])
        power = (n - 1.0) * _log_laplace(mass[low:high], float(lower[low]), float(upper[high]), scaled)
        weight = np.exp(np.maximum(power, _VANISHED))
        weight[power <= _VANISHED] = 0.0
        total[low:high] += n * (weight @ (scaled * np.exp(-scaled)))
        if low and weight.any():
            # There the kernel is N s a, a number for the block times a.
            top = float(v[-1])
            common = top + log_n + math.log(float(weight @ np.exp(v - top)))
            total[:low] += np.exp(common + near[:low])
        if weight[-1] == 0.0:
            break
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(_STEP * total))


def _log_laplace(mass: FloatArray, below: float, above: float, scaled: FloatArray) -> FloatArray:
    """log L(s) of a band of levels, mass `below` it at weight zero and `above` it spent.

    Through 1 - L where that is small, directly where L is.
    """
    lost = np.expm1(-scaled) @ mass - above
    direct = np.exp(-scaled) @ mass + below
    near = lost > -0.5
    with np.errstate(divide="ignore"):
        return np.where(near, np.log1p(np.where(near, lost, 0.0)), np.log(direct))


def _blocks(nodes: FloatArray, size: int) -> Iterator[FloatArray]:
    """Pieces of the nodes, short enough for their band of levels to be narrow."""
    rows = min(128, max(16, _BLOCK // size))
    for start in range(0, len(nodes), rows):
        yield nodes[start : start + rows]


def _nodes(log_weight: FloatArray, log_n: float) -> FloatArray:
    """Nodes on the lattice of the step where some level's integrand is not negligible, ascending."""
    low = np.floor((-_LEFT - log_n - log_weight) / _STEP)[::-1]
    high = np.ceil((_RIGHT - log_weight) / _STEP)[::-1]
    starts = np.flatnonzero(np.append(True, low[1:] > high[:-1]))
    ends = np.append(starts[1:] - 1, len(low) - 1)
    pieces = [np.arange(low[a], high[b] + 1.0) for a, b in zip(starts, ends, strict=True)]
    return _STEP * np.concatenate(pieces)


def _policy_log_ratio(law: RewardLaw, n: float, t: float) -> FloatArray:
    """log(q/p) of each outcome; 0 for impossible ones."""
    if n == 1.0 or t == 0.0:
        return np.zeros(len(law.r))
    levels = law.levels()
    if t == math.inf:
        hard = best_of_n(None, levels.r, n, logp=levels.log_mass)
        with np.errstate(divide="ignore"):
            found = np.log(np.asarray(hard.q)) - levels.log_mass
    else:
        # A level of reward -inf is infinitely far below the others: kept only if all draws are in it.
        with np.errstate(over="ignore"):
            found = soft_log_ratio(levels.log_mass, t * np.diff(levels.r), n)
    return np.where(levels.level >= 0, found[levels.level], 0.0)


def _wrap(law: RewardLaw, plain: FloatArray, q: FloatArray, log_q: FloatArray, n: float, t: float) -> SoftBestOfN:
    reward = mean_reward(q, law.r)
    _, tilt_reward, _, tilt_kl = moments_at(law.log_p, law.r, t)
    from_tilt = 0.0 if t == 0.0 else _divergence(tilted_log_law(law.log_p, law.r, t), log_q)
    bound = _bound(law, n, t)
    words = (
        f"Keeping one of {format_cell(n)} draws with odds exp({format_cell(t)} r) has mean reward "
        f"{format_cell(reward)} where one draw has {format_cell(mean_reward(plain, law.r))}; "
        f"the tilt by the same t, which it tends to as N grows, has {format_cell(tilt_reward)} and is "
        f"{format_cell(from_tilt)} nats from it."
    )
    return SoftBestOfN(
        q=q,
        kl=level_kl(log_q, law.log_p),
        reward=reward,
        kl_from_tilt=from_tilt,
        kl_from_tilt_bound=bound,
        n=n,
        t=t,
        tilt_reward=tilt_reward,
        tilt_kl=tilt_kl,
        numerical_error=abs(math.fsum(q) - 1.0),
        p=plain,
        log_p=law.log_p,
        rewards=law.r,
        labels=law.labels,
        flags=(),
        interpretation=words,
    )


def _divergence(log_phi: FloatArray, log_q: FloatArray) -> float:
    """KL(phi || q) as a sum of non-negative terms."""
    used = np.exp(log_phi) > 0.0
    if (log_q[used] == -np.inf).any():
        return math.inf
    gap = np.where(used, log_phi - np.where(log_q > -np.inf, log_q, 0.0), -np.inf)
    return max(float(ratio_divergence(log_phi, log_q, gap)), 0.0)


def _bound(law: RewardLaw, n: float, t: float) -> float:
    """log(1 + chi^2(phi_t || p)/N); chi^2 + 1 is exp(Lambda(2t) - 2 Lambda(t))."""
    if t == 0.0:
        return 0.0
    if t == math.inf:
        log_second = -log_top_mass(law.log_p, law.r)
    else:
        # Rewards relative to the best, or the difference would cancel.
        log_mgf = moments_at(law.log_p, law.r - law.top, np.array([min(2.0 * t, 1e308), t]))[0]
        log_second = max(float(log_mgf[0] - 2.0 * log_mgf[1]), 0.0)
    if log_second < 700.0:
        return math.log1p(math.expm1(log_second) / n)
    return float(np.logaddexp(0.0, log_second - math.log(n)))
