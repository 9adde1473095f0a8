"""Best-of-N of a finite law or of a continuous reward, exactly, for log N up to millions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.tables import format_cell
from ..core.validation import FloatArray, check_choice, check_number
from .bestofn_laws import mean_reward, only_a_law, plain_probabilities, ranked_levels
from .bestofn_levels import level_kl, level_win_rate, log_level_masses
from .bestofn_results import BestOfN
from .divergence_laws import bon_kl_bound, bon_kl_single_atom, log_count, log_n_from_kl
from .laws import RewardLaw, as_law, is_frozen
from .tilt_solver import log_top_mass, moments_at, ratio_divergence, t_for_kl, tilted_log_law

__all__ = ["best_of_n", "log_n_for_kl"]

TIES = ("random", "index")
_EPS = float(np.finfo(np.float64).eps)


def best_of_n(
    p: Any = None,
    r: Any = None,
    n: Any = None,
    *,
    logp: Any = None,
    log_n: Any = None,
    ties: str = "random",
    tie_tol: float = 0.0,
) -> BestOfN:
    """Return the policy that draws N outcomes and keeps the one of largest reward, exactly.

    Parameters
    ----------
    p : array_like of shape (k,), Series, or a frozen scipy law
        Reference probabilities; None where `logp` is given. A frozen law, with or without atoms,
        is the law of the reward itself; `r` is then left out and q of the result is None.
    r : array_like of shape (k,) or Series, optional
        Rewards; -inf is allowed.
    n : float, optional
        Number of draws, any real number >= 1; a power N of the distribution function.
    logp : array_like of shape (k,), optional
        Log probabilities in place of `p`, for outcomes below the range of floats.
    log_n : float, optional
        log N in place of `n`.
    ties : {"random", "index"}
        Draws of equal reward share the prize, or the outcome that comes later in the input wins.
    tie_tol : float
        Neighbouring rewards at most this far apart count as equal (chains of them too).

    Returns
    -------
    BestOfN
        ``q reward kl win_rate kl_upper log_n`` and the comparison with the tilt of equal KL.

    Raises
    ------
    InputError
        If N < 1, NaN or infinite, both or neither of `n` and `log_n` are given, or the law or the
        rewards are not usable (`infostat.alignment` says how they are read).
    InputTypeError
        If something is not a number.

    See Also
    --------
    log_n_for_kl : the N that spends a given KL.
    bon_divergences : other divergences, for continuous rewards.

    Notes
    -----
    Equal rewards are merged into levels of mass p_g and distribution function F_g; then

    ``q_g = F_g^N - F_(g-1)^N``, ``BoN(y) = p(y) q_g/p_g``, ``KL = sum q_g log(q_g/p_g)``,
    ``win = sum q_g (F_(g-1) + p_g/2)``

    (derived and checked in this project). The KL never exceeds ``log N - (N-1)/N`` (Beirami et al.,
    arXiv 2401.01879), with equality for continuous rewards, and never ``-log p(best)``. All powers
    are taken in log domain, N itself is never formed. Tilts are the optimum, so no policy of the
    same KL has a larger reward than `tilt_reward`.

    Examples
    --------
    >>> found = best_of_n([0.5, 0.3, 0.2], [0, 1, 2], 4)
    >>> found.q.round(4), round(found.reward, 6), round(found.kl, 12), round(found.win_rate, 6)
    (array([0.0625, 0.3471, 0.5904]), 1.5279, 0.559750560357, 0.7726)
    >>> round(found.kl_upper, 12), round(found.tilt_reward, 12), round(found.kl_to_tilt, 12)
    (0.63629436112, 1.550164969096, 0.030823646605)
    >>> best_of_n([0.5, 0.3, 0.2], [0, 1, 2], log_n=1e6).q
    array([0., 0., 1.])
    """
    count = _single_count(n, log_n)
    check_choice("ties", ties, TIES)
    tolerance = check_number("tie_tol", tie_tol, low=0.0)
    if is_frozen(p):
        only_a_law(r, logp)
        return _frozen(p, count, n, ties)
    law = as_law(p, r, logp)
    return _finite(law, count, n, ties, tolerance, plain_probabilities(law, p))


def log_n_for_kl(
    p: Any = None, r: Any = None, kl: Any = None, *, logp: Any = None, ties: str = "random", tie_tol: float = 0.0
) -> float:
    """Return log N of the best-of-N whose exact KL from the reference is `kl`.

    Parameters
    ----------
    p, r, logp, ties, tie_tol
        As in `best_of_n`.
    kl : float
        KL budget >= 0, nats.

    Returns
    -------
    float
        log N; inf if the budget reaches the ceiling ``-log p(best)``, which no N exceeds.

    Raises
    ------
    InputError
        If the budget is negative or NaN, or the law is not usable.
    InputTypeError
        If something is not a number.

    Notes
    -----
    The exact KL increases with N and lies below ``log N - (N-1)/N``, so log N is sought from
    `log_n_from_kl` upwards; without atoms that is the answer.

    Examples
    --------
    >>> log_n = log_n_for_kl([0.5, 0.3, 0.2], [0, 1, 2], 0.559750560357)
    >>> round(math.exp(log_n), 9), round(math.exp(log_n_from_kl(0.559750560357)), 2)
    (4.0, 3.61)
    >>> log_n_for_kl([0.5, 0.3, 0.2], [0, 1, 2], 2.0)
    inf
    """
    budget = check_number("kl", kl, low=0.0, finite=False)
    check_choice("ties", ties, TIES)
    tolerance = check_number("tie_tol", tie_tol, low=0.0)
    if is_frozen(p):
        only_a_law(r, logp)
        return _frozen_log_n(p, budget)
    levels = ranked_levels(as_law(p, r, logp), ties, tolerance)
    return _invert_kl(levels.log_mass, budget)


def _single_count(n: Any, log_n: Any) -> float:
    logs = log_count(n, log_n)
    if logs.ndim:
        name = "n" if log_n is None else "log_n"
        raise InputError(f"{name} must be one number, got an array of shape {logs.shape}; call once for each N")
    return float(logs)


def _plain_count(n: Any, log_n: float) -> float:
    """N as a float, inf where it has none."""
    if n is not None and log_n < 700.0:
        return float(n)
    return math.exp(log_n) if log_n < 709.7 else math.inf


def _finite(law: RewardLaw, log_n: float, n: Any, ties: str, tie_tol: float, plain: FloatArray) -> BestOfN:
    levels = ranked_levels(law, ties, tie_tol)
    log_mass = levels.log_mass
    log_q, log_cdf = log_level_masses(log_mass, log_n)
    ratio = _spread(log_q - log_mass, levels.level)
    q = plain.copy() if log_n == 0.0 else np.exp(law.log_p + ratio)
    kl, upper, ceiling = level_kl(log_q, log_mass), float(bon_kl_bound(log_n)), max(-float(log_mass[-1]), 0.0)
    # Rounding may carry the sum past what it cannot exceed.
    kl = min(kl, upper, ceiling)
    to_tilt, t = _distance_to_tilt(law, ratio, kl, log_n)
    reward = mean_reward(q, law.r)
    tilt_reward = max(float(moments_at(law.log_p, law.r, t)[1]), reward)
    # Avoiding outcomes of reward -inf costs a tilt at once what best-of-N spends little by little.
    between = t == 0.0 and kl > 0.0 and bool((law.r[law.possible] == -math.inf).any())
    flags = _flags(kl, upper, ceiling, 0.0 if between else -log_top_mass(law.log_p, law.r))
    reference = mean_reward(plain, law.r)
    words = _words(_plain_count(n, log_n), log_n, (reward, reference, tilt_reward), (kl, upper, to_tilt))
    return BestOfN(
        q=q,
        reward=reward,
        kl=kl,
        win_rate=level_win_rate(log_q, log_mass, log_cdf),
        kl_upper=upper,
        log_n=log_n,
        n=_plain_count(n, log_n),
        kl_ceiling=ceiling,
        kl_gap=upper - kl,
        kl_single_atom=float(bon_kl_single_atom(min(math.exp(log_mass[-1]), 1.0), log_n=log_n)),
        kl_to_tilt=to_tilt,
        tilt_reward=tilt_reward,
        tilt_t=t,
        reward_reference=reference,
        p=plain,
        rewards=law.r,
        level_reward=levels.r,
        level_log_mass=log_mass,
        ties=ties,
        labels=law.labels,
        flags=flags,
        interpretation=words,
    )


def _frozen(law: Any, log_n: float, n: Any, ties: str) -> BestOfN:
    """Best-of-N of a frozen law: without atoms the KL is the bound, with atoms they are the levels."""
    from .continuous import continuous_best_of_n, law_levels
    from .law_nodes import read_law

    reader = read_law(law)
    upper = float(bon_kl_bound(log_n))
    reward, reference = continuous_best_of_n(reader, log_n), float(law.mean())
    kl, win, single = upper, 1.0 / (1.0 + math.exp(-log_n)), upper
    values, masses = None, None
    if reader.discrete:
        # Atoms for somewhat larger N too, which the figure shows.
        values, masses = law_levels(reader, log_n=max(1.25 * log_n, 3.0))
        log_q, log_cdf = log_level_masses(masses, log_n)
        kl = min(level_kl(log_q, masses), upper, reader.kl_max)
        win = level_win_rate(log_q, masses, log_cdf)
        single = float(bon_kl_single_atom(min(math.exp(-reader.kl_max), 1.0), log_n=log_n))
    t, tilt_reward, to_tilt = _frozen_tilt(reader, kl, reward)
    flags = _flags(kl, upper, reader.kl_max, reader.kl_max)
    count = _plain_count(n, log_n)
    return BestOfN(
        q=None,
        reward=reward,
        kl=kl,
        win_rate=win,
        kl_upper=upper,
        log_n=log_n,
        n=count,
        kl_ceiling=reader.kl_max,
        kl_gap=upper - kl,
        kl_single_atom=single,
        kl_to_tilt=to_tilt,
        tilt_reward=tilt_reward,
        tilt_t=t,
        reward_reference=reference,
        p=None,
        rewards=None,
        level_reward=values,
        level_log_mass=masses,
        ties=ties,
        labels=(),
        flags=flags if t is not None else (*flags, "no_tilt"),
        interpretation=_words(count, log_n, (reward, reference, tilt_reward), (kl, upper, to_tilt)),
    )


def _frozen_tilt(law: Any, kl: float, reward: float) -> tuple[float | None, float | None, float | None]:
    """t, reward and KL(BoN || tilt) of the tilt of equal KL; None where there is none."""
    from .continuous import continuous_tilt

    if not math.isfinite(reward):
        return None, None, None
    try:
        tilted = continuous_tilt(law, kl=kl)
    except InputError:  # tails too heavy for an exponential tilt: best-of-N is a policy all the same
        return None, None, None
    best = max(float(tilted.reward), reward)
    # At equal KL the divergence is t times the reward that best-of-N falls short of.
    gap = best - reward
    if math.isinf(tilted.t):
        return tilted.t, best, None
    return tilted.t, best, tilted.t * gap


def _spread(values: FloatArray, level: NDArray[np.intp]) -> FloatArray:
    """Values of levels to outcomes; impossible outcomes get zero (their mass is zero anyway)."""
    return np.asarray(np.where(level >= 0, values[level], 0.0))


def _distance_to_tilt(law: RewardLaw, ratio: FloatArray, kl: float, log_n: float) -> tuple[float, float]:
    """KL(BoN || tilt of equal KL) and the tilt's t."""
    if log_n == 0.0:
        return 0.0, 0.0
    t = t_for_kl(law.log_p, law.r, kl)
    possible = law.possible
    log_p, log_q = law.log_p[possible], (law.log_p + ratio)[possible]
    log_phi = tilted_log_law(law.log_p, law.r, t)[possible]
    largest = -log_top_mass(law.log_p, law.r)
    if math.isinf(t) and abs(kl - largest) <= 8.0 * _EPS * max(1.0, largest):
        # Both are the law on the best outcomes but for a mass too small to be told from the ceiling.
        best = np.isfinite(log_phi)
        log_q, log_phi, log_p = log_q[best], log_phi[best], log_p[best]
    used = np.exp(log_q) > 0.0
    if (log_phi[used] == -np.inf).any():
        return math.inf, t
    # Where q has no mass the term is phi itself.
    gap = np.where(used, log_q - np.where(log_phi > -np.inf, log_phi, 0.0), -np.inf)
    return max(float(ratio_divergence(log_q, log_phi, gap)), 0.0), t


def _flags(kl: float, upper: float, ceiling: float, largest: float) -> tuple[str, ...]:
    found = []
    if upper > ceiling:
        found.append("bound_above_ceiling")
    if kl >= ceiling - 4.0 * _EPS * max(1.0, ceiling) and ceiling > 0.0:
        found.append("saturated")
    if kl > largest + 8.0 * _EPS * max(1.0, largest):
        found.append("no_tilt_has_this_kl")
    return tuple(found)


def _words(
    n: float, log_n: float, rewards: tuple[float, float, float | None], kls: tuple[float, float, float | None]
) -> str:
    count = f"{format_cell(n)} draws" if math.isfinite(n) else f"exp({log_n:.6g}) draws"
    first = (
        f"The best of {count} has mean reward {format_cell(rewards[0])} where one draw has {format_cell(rewards[1])}, "
        f"at a KL of {format_cell(kls[0])} nats"
    )
    bound = "" if kls[0] == kls[1] else f" (log N - (N-1)/N would say {format_cell(kls[1])})"
    if rewards[2] is None:
        return f"{first}{bound}. No tilt of the reward has this KL: its tail is too heavy."
    far = "" if kls[2] is None else f", and best-of-N is {format_cell(kls[2])} nats from it"
    return f"{first}{bound}. The tilt of the same KL has mean reward {format_cell(rewards[2])}{far}."


def _invert_kl(log_mass: FloatArray, budget: float) -> float:
    """log N at which the exact KL is the budget: brackets by doubling, then Brent's method."""
    ceiling = -float(log_mass[-1])
    if budget == 0.0:
        return 0.0
    if budget >= ceiling - 4.0 * _EPS * max(1.0, ceiling):
        return math.inf
    from scipy.optimize import brentq

    def excess(log_n: float) -> float:
        return level_kl(log_level_masses(log_mass, log_n)[0], log_mass) - budget

    low = float(log_n_from_kl(budget))
    if excess(low) >= 0.0:
        return low
    step, high = max(1e-3, 0.1 * low), low
    # From log N = ceiling + 5 on, the mass below the best level is beneath rounding.
    while high < ceiling + 6.0:
        high, step = high + step, 2.0 * step
        if excess(high) >= 0.0:
            return float(brentq(excess, low, high, xtol=1e-15, rtol=4.0 * _EPS))
    return high


def _frozen_log_n(law: Any, budget: float) -> float:
    from .continuous import law_levels
    from .law_nodes import read_law

    reader = read_law(law)
    reach = float(log_n_from_kl(budget))
    if not reader.discrete or budget == 0.0:
        return reach
    if budget >= reader.kl_max - 4.0 * _EPS * max(1.0, reader.kl_max):
        return math.inf
    # An infinite support is cut for a given N, so the cut has to reach beyond the N that is found.
    while True:
        reach = 1.5 * reach + 3.0
        found = _invert_kl(law_levels(reader, log_n=reach)[1], budget)
        if found <= reach or found == math.inf:
            return found
