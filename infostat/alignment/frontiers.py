"""The reward-KL frontier: tilts at every budget, best-of-N beside them, the peak of a true reward."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, describe
from ..core.progress import Progress, progress_callback
from ..core.validation import FloatArray, as_float_array
from .bestofn_levels import level_kl, log_level_masses
from .divergence_laws import bon_kl_bound
from .frontier_result import Frontier
from .laws import RewardLaw, as_law, is_frozen
from .named_laws import match_labels
from .tilt_solver import log_top_mass, moments_at, t_for_kl, tilted_log_law

__all__ = ["frontier"]

_POINTS = 101
_LAW_POINTS = 41
_LAW_KL = 10.0  # nats shown by default for laws without a largest KL
_SEARCH = 513
_MOST_PEAKS = 24
_MOST_DOUBLINGS = 400


@dataclass(frozen=True)
class _Levels:
    """Levels of finite reward: values, log masses given that, mean true reward; the KL that this costs."""

    r: FloatArray
    log_mass: FloatArray
    true: FloatArray | None
    lost: float

# Tilts of frozen laws to larger budgets leave the floats.
_LARGEST_KL = 1e6


def frontier(
    p: Any,
    r: Any = None,
    *,
    kl: ArrayLike | None = None,
    true: Any = None,
    logp: Any = None,
    n: ArrayLike | None = None,
    progress: Progress = False,
) -> Frontier:
    """Return the largest mean reward for every KL budget, and best-of-N beside it.

    Parameters
    ----------
    p : array_like of shape (k,), Series, frozen scipy law, or None
        Reference probabilities; None where `logp` is given. A frozen law is the law of the reward
        itself, without `r`.
    r : array_like of shape (k,) or Series
        Rewards, the ones that are optimised.
    kl : float or array_like, optional
        Budgets >= 0, nats; by default a grid over the whole frontier (up to 10 nats where it does
        not end), denser at small KL.
    true : array_like of shape (k,) or Series, optional
        Rewards that one really wants, evaluated under the same policies. Not for frozen laws.
    logp : array_like of shape (k,), optional
        Log probabilities in place of `p`.
    n : float or array_like, optional
        N >= 1 of best-of-N; by default powers of two over the same range of KL.
    progress : bool or callable
        Show progress on stderr, or call with ``(done, total)``.

    Returns
    -------
    Frontier
        ``kl reward true_reward peak_kl peak_true_reward`` and the best-of-N columns.

    Raises
    ------
    InputError
        If the law is not one, a budget is negative or NaN, N < 1, or a frozen law has no tilts
        because its tail is heavier than exponential.
    InputTypeError
        If something is not numeric.

    Notes
    -----
    ``R*(kl) = max {E_q r : KL(q || p) <= kl} = inf_t (Lambda(t) + kl)/t``, concave in kl with slope
    1/t, flat beyond ``-log p(best outcomes)``. The peak of the true reward solves
    ``Cov_t(r, true) = 0`` and is the largest over the whole frontier: every sign change on a fine
    grid of t is refined. Best-of-N is evaluated exactly, with its own KL. Derived and checked in
    this project.

    Examples
    --------
    >>> found = frontier([0.5, 0.3, 0.2], [0, 1, 2], kl=[0.0, 0.2, 2.0])
    >>> found.reward.round(9), round(found.kl_max, 9)
    (array([0.7      , 1.2113855, 2.       ]), 1.609437912)
    >>> frontier([0.5, 0.3, 0.2], [0, 1, 2], true=[0, 1, 0]).peak_true_reward > 0.3
    True
    """
    budgets = None if kl is None else _budgets(kl)
    counts = None if n is None else _counts(n)
    if is_frozen(p):
        if r is not None or logp is not None or true is not None:
            raise InputError(
                "r, logp and true must be left out where p is a frozen law, which is the law of the reward itself"
            )
        if budgets is not None and not float(np.max(budgets)) <= _LARGEST_KL:
            raise InputError(describe("kl", f"at most {_LARGEST_KL:g} nats for a frozen law", float(np.max(budgets))))
        with progress_callback(progress, "frontier") as report:
            return _of_frozen(p, budgets, counts, report)
    vectors = {name: v for name, v in {"p": p, "logp": logp, "r": r, "true": true}.items() if v is not None}
    matched, _ = match_labels(vectors)
    law = as_law(matched.get("p"), matched.get("r"), matched.get("logp"))
    targets = None if true is None else _true_rewards(matched["true"], law)
    with progress_callback(progress, "frontier") as report:
        return _of_law(law, targets, budgets, counts, report)


def _budgets(kl: ArrayLike) -> FloatArray:
    values = np.atleast_1d(as_float_array("kl", kl, ndim=(0, 1), finite=False))
    if not len(values):
        raise InputError("kl must hold at least one budget, got an empty array")
    if not (values >= 0.0).all():
        raise InputError(f"kl must be >= 0 everywhere, got {float(values.min()):g}")
    return values


def _counts(n: ArrayLike) -> FloatArray:
    values = np.atleast_1d(as_float_array("n", n, ndim=(0, 1)))
    if not (values >= 1.0).all():
        raise InputError(f"n must be >= 1 everywhere, got {float(values.min()):g}")
    return np.asarray(np.log(values))


def _true_rewards(true: Any, law: RewardLaw) -> FloatArray:
    values = as_float_array("true", true, ndim=1, finite=False)
    if len(values) != len(law.r):
        raise InputError(f"true must have one value per outcome ({len(law.r)}), got {len(values)}")
    if not np.isfinite(values[law.possible]).all():
        raise InputError("true must be finite where p is positive, got NaN or infinite values")
    return values


# ------------------------------------------------------------------------- finite laws
def _of_law(
    law: RewardLaw, true: FloatArray | None, budgets: FloatArray | None, log_n: FloatArray | None, report: Any
) -> Frontier:
    levels = law.levels()
    level_true = None if true is None else _level_means(law, true)
    finite = np.isfinite(levels.r)
    kept = _log_sum(levels.log_mass[finite])
    part = _Levels(
        levels.r[finite],
        levels.log_mass[finite] - kept,
        None if level_true is None else level_true[finite],
        0.0 if finite.all() else -kept,
    )
    kl_max = max(part.lost - float(part.log_mass[-1]), 0.0)
    degenerate = len(levels.r) == 1
    if budgets is None:
        t = _grid(part)
        _, reward, _, kl = moments_at(part.log_mass, part.r, t)
        kl = np.asarray(kl) + part.lost
    else:
        t, kl = _solved(law, budgets, degenerate, report), budgets
        reward = moments_at(law.log_p, law.r, t)[1]
    reference = float(moments_at(law.log_p, law.r, 0.0)[1])
    true_reference = None if true is None else float(law.p[law.possible] @ true[law.possible])
    true_reward = peak = None
    if part.true is not None and true is not None and true_reference is not None:
        # Within a budget that cannot avoid outcomes of reward -inf, the policy is p itself.
        kept_whole = (t == 0.0) & (budgets is not None)
        true_reward = np.where(kept_whole, true_reference, _true_path(part, t))
        peak = _peak(part, true_reference, kl_max)
    if log_n is None:
        log_n = _doublings(levels.log_mass, float(min(np.max(kl[np.isfinite(kl)], initial=0.0), kl_max)))
    bon_kl, bon_reward, bon_true = _best_of(levels.r, levels.log_mass, level_true, log_n)
    top = float(levels.r[-1])
    flags = _flags(degenerate, kl, kl_max, peak, None if level_true is None else float(level_true[-1]))
    return Frontier(
        kl=kl,
        reward=np.asarray(reward),
        t=t,
        true_reward=true_reward,
        peak_kl=None if peak is None else peak[0],
        peak_true_reward=None if peak is None else peak[1],
        peak_t=None if peak is None else peak[2],
        bon_n=_plain(log_n),
        bon_log_n=log_n,
        bon_kl=bon_kl,
        bon_kl_upper=np.asarray(bon_kl_bound(log_n)),
        bon_reward=bon_reward,
        bon_true_reward=bon_true,
        kl_max=kl_max,
        reward_max=top,
        reward_reference=reference,
        true_reference=true_reference,
        flags=flags,
        interpretation=_words(reference, top, kl_max, peak, true_reference),
    )


def _level_means(law: RewardLaw, true: FloatArray) -> FloatArray:
    """Mean true reward given each level; the proxy cannot tell its outcomes apart."""
    levels = law.levels()
    rows = np.flatnonzero(law.possible)
    at = levels.level[rows]
    share = np.exp(law.log_p[rows] - levels.log_mass[at])
    return np.bincount(at, weights=share * true[rows], minlength=len(levels.r)) / np.bincount(at, weights=share)


def _solved(law: RewardLaw, budgets: FloatArray, degenerate: bool, report: Any) -> FloatArray:
    t = np.zeros(len(budgets))
    for index, budget in enumerate(budgets.tolist()):
        if not degenerate:
            t[index] = t_for_kl(law.log_p, law.r, budget)
        if report is not None:
            report(index + 1, len(budgets))
    return t


def _grid(part: _Levels) -> FloatArray:
    """Tilts whose divergences are spread about evenly on the root scale, from nothing to everything."""
    if len(part.r) == 1:
        # Nothing to tilt; with outcomes of reward -inf, their removal is all there is.
        return np.array([0.0 if part.lost == 0.0 else np.inf])
    trial = _search_grid(part)[::6]
    spent = np.asarray(moments_at(part.log_mass, part.r, trial)[3])
    wanted = -float(part.log_mass[-1]) * (np.arange(1, _POINTS - 1) / (_POINTS - 1.0)) ** 2
    rising = (spent > 0.0) & (np.diff(np.maximum.accumulate(spent), prepend=-1.0) > 0.0)
    t = np.exp(np.interp(np.log(wanted), np.log(spent[rising]), np.log(trial[rising])))
    return np.concatenate([[0.0], np.unique(t), [np.inf]])


def _true_path(part: _Levels, t: FloatArray) -> FloatArray:
    """Mean true reward at each tilt."""
    assert part.true is not None
    laws = (np.exp(tilted_log_law(part.log_mass, part.r, value)) for value in t.tolist())
    return np.array([float(law @ part.true) for law in laws])


def _search_grid(part: _Levels) -> FloatArray:
    """Tilts from where nothing has moved to where only the best level is left."""
    deviation = math.sqrt(float(moments_at(part.log_mass, part.r, 0.0)[2]))
    span = float(part.r[-1] - part.r[0])
    low = 1e-4 / max(deviation, 1e-3 * span)
    behind = part.log_mass[:-1] - part.log_mass[-1]
    high = float(np.max((behind + 45.0) / (part.r[-1] - part.r[:-1]), initial=0.0))
    return np.geomspace(low, max(high, 10.0 * low), _SEARCH)


def _peak(part: _Levels, reference: float, kl_max: float) -> tuple[float, float, float]:
    """KL, value and t of the largest true reward."""
    assert part.true is not None
    true = part.true
    top_value = float(true[-1])
    ends = [(0.0, reference, 0.0), (kl_max, top_value, math.inf)]
    if part.lost > 0.0:
        ends.append((part.lost, float(np.exp(part.log_mass) @ true), 0.0))
    if len(part.r) == 1:
        return max(ends, key=lambda end: (end[1], -end[0]))
    centred = part.r - part.r[-1]

    def value_and_slope(t: float) -> tuple[float, float]:
        weight = np.exp(tilted_log_law(part.log_mass, part.r, t))
        mean = float(weight @ true)
        return mean, float(weight @ ((centred - float(weight @ centred)) * (true - mean)))

    grid = _search_grid(part)
    found = np.array([value_and_slope(t) for t in grid.tolist()])
    peaks = np.flatnonzero((found[:-1, 1] > 0.0) & (found[1:, 1] <= 0.0))
    peaks = peaks[np.argsort(-np.maximum(found[peaks, 0], found[peaks + 1, 0]), kind="stable")][:_MOST_PEAKS]
    for index in peaks.tolist():
        t = _crossing(lambda x: value_and_slope(x)[1], float(grid[index]), float(grid[index + 1]))
        ends.append((float(moments_at(part.log_mass, part.r, t)[3]) + part.lost, value_and_slope(t)[0], t))
    # Equal up to rounding: the smaller budget is the better one.
    best = max(end[1] for end in ends)
    close = 4e-16 * max(1.0, float(np.abs(true).max()))
    return min((end for end in ends if end[1] >= best - close), key=lambda end: end[0])


def _crossing(slope: Any, low: float, high: float) -> float:
    from scipy.optimize import brentq

    if slope(high) == 0.0:
        return high
    return float(brentq(slope, low, high, xtol=1e-300, rtol=1e-14))


def _best_of(
    r: FloatArray, log_mass: FloatArray, true: FloatArray | None, log_n: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """KL, reward and true reward of best-of-N."""
    out = np.empty((3, len(log_n)))
    for index, value in enumerate(log_n.tolist()):
        log_q, _ = log_level_masses(log_mass, value)
        q = np.exp(log_q)
        used = q > 0.0
        out[0, index] = level_kl(log_q, log_mass)
        out[1, index] = float(r[-1] + q[used] @ (r[used] - r[-1]))
        out[2, index] = math.nan if true is None else float(q @ true)
    return out[0], out[1], None if true is None else out[2]


def _doublings(log_mass: FloatArray, kl: float) -> FloatArray:
    """log N of powers of two, up to the KL that the frontier reaches."""
    steps: list[float] = []
    for power in range(_MOST_DOUBLINGS):
        value = power * math.log(2.0)
        spent = level_kl(log_level_masses(log_mass, value)[0], log_mass)
        if power and spent > kl - 1e-3 * max(kl, 1e-300):
            if spent <= kl:
                steps.append(value)
            break
        steps.append(value)
    return np.array(steps)


# ------------------------------------------------------------------------- frozen laws
def _of_frozen(law: Any, budgets: FloatArray | None, log_n: FloatArray | None, report: Any) -> Frontier:
    from .continuous import continuous_best_of_n, continuous_tilt, law_levels
    from .law_nodes import read_law

    reader = read_law(law)
    if budgets is None:
        budgets = min(reader.kl_max, _LAW_KL) * (np.arange(_LAW_POINTS) / (_LAW_POINTS - 1.0)) ** 2
    t, reward = np.zeros(len(budgets)), np.empty(len(budgets))
    guess: float | None = None
    for done, index in enumerate(np.argsort(budgets, kind="stable").tolist()):
        budget = float(budgets[index])
        target: dict[str, float] = {"t": math.inf} if math.isinf(budget) else {"kl": budget}
        found = continuous_tilt(reader, **target, start=guess)
        t[index], reward[index] = found.t, found.reward
        guess = found.t if 0.0 < found.t < math.inf else None
        if report is not None:
            report(done + 1, len(budgets))
    largest = float(np.max(budgets[np.isfinite(budgets)], initial=0.0))
    if reader.discrete:
        whole = law_levels(reader)[1]
        log_n = _doublings(whole, min(largest, reader.kl_max)) if log_n is None else log_n
        x, log_mass = law_levels(reader, log_n=float(log_n.max(initial=0.0)))
        bon_kl, bon_reward, _ = _best_of(x, log_mass, None, log_n)
    else:
        if log_n is None:
            log_n = math.log(2.0) * np.arange(math.floor((largest + 1.0) / math.log(2.0)) + 1.0)
        bon_kl = np.asarray(bon_kl_bound(log_n))
        bon_reward = np.array([continuous_best_of_n(reader, value) for value in log_n.tolist()])
    reference = float(law.mean())
    return Frontier(
        kl=budgets,
        reward=reward,
        t=t,
        true_reward=None,
        peak_kl=None,
        peak_true_reward=None,
        peak_t=None,
        bon_n=_plain(log_n),
        bon_log_n=log_n,
        bon_kl=bon_kl,
        bon_kl_upper=np.asarray(bon_kl_bound(log_n)),
        bon_reward=bon_reward,
        bon_true_reward=None,
        kl_max=reader.kl_max,
        reward_max=reader.high,
        reward_reference=reference,
        flags=_flags(reader.low == reader.high, budgets, reader.kl_max, None, None),
        interpretation=_words(reference, reader.high, reader.kl_max, None, None),
    )


# ------------------------------------------------------------------------------- words
def _plain(log_n: FloatArray) -> FloatArray:
    with np.errstate(over="ignore", invalid="ignore"):
        n = np.exp(log_n)
        whole = np.round(n)
        # Whole numbers are meant where the log and its exponential have bent them.
        return np.where(np.abs(n - whole) <= 1e-12 * n, whole, n)


def _flags(
    degenerate: bool, kl: FloatArray, kl_max: float, peak: tuple[float, float, float] | None, final: float | None
) -> tuple[str, ...]:
    words = [
        ("degenerate", degenerate),
        ("saturated", not degenerate and bool((kl > kl_max * (1.0 + 1e-12)).any())),
        ("overoptimised", peak is not None and final is not None and peak[0] < kl_max and peak[1] > final),
    ]
    return tuple(word for word, holds in words if holds)


def _words(
    reference: float, top: float, kl_max: float, peak: tuple[float, float, float] | None, true_reference: float | None
) -> str:
    if kl_max < math.inf:
        text = f"The mean reward rises from {reference:.4g} to {top:.4g} within {kl_max:.4g} nats."
        text += " More KL buys nothing."
    else:
        bound = "without bound" if math.isinf(top) else f"towards {top:.4g}"
        text = f"The mean reward rises from {reference:.4g} {bound} as the KL budget grows."
    if peak is not None and true_reference is not None:
        text += (
            f" The true reward starts at {true_reference:.4g} and is largest, {peak[1]:.4g}, at a KL of "
            f"{peak[0]:.4g} nats."
        )
    return text


def _log_sum(values: FloatArray) -> float:
    return log_top_mass(values, np.zeros(len(values)))
