"""`align`: one call from scores or a law to both curves, their uncertainty and a verdict."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InfostatWarning, InputError
from ..core.progress import Progress
from ..core.rng import RngLike
from ..core.validation import MOST_DRAWS, FloatArray, as_float_array, as_plain_array, check_count, check_number
from .alignment_result import Alignment, BestOfNTable
from .bestofn_levels import level_kl, log_level_masses
from .curve_result import BonCurve
from .curves import bon_curve
from .estimation import estimate
from .estimation_result import EstimateResult
from .frontier_result import Frontier
from .frontiers import frontier
from .input_tables import RewardInput, read_rewards
from .laws import RewardLaw
from .rate_functions import rate_function
from .rates import EmpiricalRate, empirical_rate
from .sequence_results import RateFunction, SequenceBestOfN
from .sequences import sequence_bon
from .stream_estimation import stream_estimate
from .stream_sources import is_large_population

__all__ = ["align"]

_ORDER = ("ok", "weak", "collapsed")
_RATES = 41  # points of the rate function
_PEAK = 41  # tilts of one refinement of the peak of the true reward


def align(
    data: Any,
    *,
    true: Any = None,
    prompt_id: Any = None,
    kl: ArrayLike | None = None,
    n: ArrayLike | None = None,
    m: ArrayLike | None = None,
    delta: float | None = None,
    bootstrap: int = 0,
    confidence_level: float = 0.95,
    nan: str = "raise",
    rng: RngLike = None,
    n_jobs: int | None = None,
    progress: Progress = False,
) -> Alignment:
    """Say how much reward a KL budget buys, by KL-constrained training and by best-of-N.

    Parameters
    ----------
    data : array_like, DataFrame or path
        Scores of draws from the reference model: one-dimensional (one population), prompts x
        samples, or a table with the columns ``reward`` [``prompt_id``] [``true_reward``]; or a law, a
        table with ``prob`` (or ``logprob``) beside ``reward``. A file of scores above 64 MB is
        streamed.
    true : array_like or str, optional
        True rewards beside the scores, or their column.
    prompt_id : array_like or str, optional
        Prompt of each score, or its column.
    kl : float or array_like, optional
        KL budgets, nats; a grid chosen from the data if None.
    n : float or array_like, optional
        Numbers of draws of best-of-N; powers of two if None. Whole numbers for scores.
    m : int or array_like of int, optional
        Sequence lengths: adds best-of-N of sequences of letters (laws only).
    delta : float, optional
        Nats per letter of `sequence`, N = exp(delta m); half the largest KL of a tilt (at most 0.5)
        if None.
    bootstrap : int
        Resamples for percentile intervals (of prompts, if there are several).
    confidence_level : float
        Level of the intervals.
    nan : {"raise", "drop"}
        What to do with missing scores.
    rng : None, int, SeedSequence or Generator
        Seed of the bootstrap.
    n_jobs : int, optional
        Workers; the numbers do not depend on it.
    progress : bool or callable
        Report the bootstrap, or the scores read from a large file.

    Returns
    -------
    Alignment
        ``frontier best_of_n rate estimate verdict interpretation`` and, with `m`, ``sequence``.

    Raises
    ------
    InputError
        If a budget or a number of draws is out of range, or `m` comes with scores.
    DataError
        If the data hold no rewards, missing or +inf ones.

    Warns
    -----
    SampleSizeWarning
        If a budget reaches the ceiling of the scores.

    Notes
    -----
    `frontier`, `best_of_n` and `rate_function` answer for a law, `estimate`, `bon_curve` and
    `empirical_rate` for scores; this function chooses the grids and puts the answers on one page. The
    verdict is ``"exact"`` for a law, otherwise the worst status over the budgets: ``"ok"`` (at least
    100 effective samples), ``"weak"`` (at least 10) or ``"collapsed"``.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.random.default_rng(0).normal(size=5000)
    >>> found = align(scores, kl=[0.1, 0.5], n=[2, 4])
    >>> found.verdict, found.frontier.reward.round(2), found.best_of_n.reward.round(2)
    ('ok', array([0.44, 0.99]), array([0.56, 1.03]))
    """
    draws = None if n is None else _draws(n)
    budgets = None if kl is None else _budgets(kl)
    resamples = check_count("bootstrap", bootstrap, high=MOST_DRAWS)
    check_number("confidence_level", confidence_level, low=0, high=1, open_low=True, open_high=True)
    if true is None and prompt_id is None and is_large_population(data):
        _refuse_sequences(m, delta)
        return _from_stream(data, budgets, resamples, confidence_level, nan, n_jobs, progress)
    found = read_rewards(data, true=true, prompt_id=prompt_id, nan=nan)
    if found.law is not None:
        return _from_law(found, found.law, budgets, draws, m, delta, progress)
    _refuse_sequences(m, delta)
    options: dict[str, Any] = {"confidence_level": confidence_level, "n_jobs": n_jobs}
    estimated = estimate(found, kl=budgets, bootstrap=resamples, rng=rng, progress=progress, **options)
    return _from_samples(found, estimated, draws, options)


# ------------------------------------------------------------------------------------------ arguments
def _budgets(kl: ArrayLike) -> FloatArray:
    array = np.atleast_1d(as_float_array("kl", kl, ndim=(0, 1)))
    if not array.size or not (array >= 0.0).all():
        raise InputError(f"kl must hold KL budgets >= 0 (nats), at least one, got {array.tolist()[:5]}")
    return array


def _draws(n: ArrayLike) -> FloatArray:
    array = np.atleast_1d(as_float_array("n", n, ndim=(0, 1)))
    if not array.size or not (array >= 1.0).all():
        raise InputError(f"n must hold numbers of draws >= 1, at least one, got {array.tolist()[:5]}")
    return array


def _refuse_sequences(m: Any, delta: Any) -> None:
    for name, value in (("m", m), ("delta", delta)):
        if value is not None:
            raise InputError(
                f"{name} needs a law on letters (columns prob and reward), got scores; sequences of scores have no law"
            )


# ------------------------------------------------------------------------------------------ laws
def _from_law(
    data: RewardInput,
    law: RewardLaw,
    budgets: FloatArray | None,
    draws: FloatArray | None,
    m: ArrayLike | None,
    delta: float | None,
    progress: Progress,
) -> Alignment:
    line = frontier(None, law.r, logp=law.log_p, kl=budgets, n=draws, true=data.true)
    table = BestOfNTable(
        line.bon_n, line.bon_log_n, line.bon_reward, line.bon_kl, line.bon_kl_upper, line.bon_true_reward
    )
    sequence = _sequences(law, line, m, delta, progress)
    return Alignment(
        verdict="exact",
        interpretation=_law_sentence(line),
        frontier=line,
        best_of_n=table,
        rate=_law_rate(law),
        estimate=None,
        sequence=sequence,
        kind="pmf",
        n_samples=None,
        n_prompts=None,
        flags=("reference_only",) if line.kl_max == 0.0 else (),
        source=data.source,
        nature="exact",
    )


def _law_rate(law: RewardLaw) -> RateFunction | None:
    low, high = law.bottom, law.top
    if not low < high:
        return None
    return rate_function(None, law.r, np.linspace(low, high, _RATES), logp=law.log_p)


def _sequences(
    law: RewardLaw, line: Frontier, m: ArrayLike | None, delta: float | None, progress: Progress
) -> SequenceBestOfN | None:
    if m is None:
        if delta is not None:
            raise InputError("delta must come with m, the sequence lengths, got delta alone")
        return None
    lengths = np.atleast_1d(as_plain_array("m", m)).tolist()
    rate = min(0.5, 0.5 * line.kl_max) if delta is None else delta
    return sequence_bon(None, law.r, lengths, rate, logp=law.log_p, progress=progress)


def _law_sentence(line: Frontier) -> str:
    if not line.reward_max > line.reward_reference:
        return "All rewards of positive probability are equal: no policy does better than the reference."
    text = (
        f"The reference has mean reward {line.reward_reference:.4g}; the best policy within a KL budget reaches "
        f"{float(line.reward.max()):.4g} at {float(line.kl[line.reward.argmax()]):.3g} nats, the largest budget shown."
    )
    gap = line.bon_kl_upper - line.bon_kl
    if gap.size and float(gap.max()) > 1e-3:
        i = int(gap.argmax())
        text += (
            f" Because of ties best-of-N spends less than the bound log N - (N-1)/N: at N = {line.bon_n[i]:.4g} it is "
            f"{line.bon_kl[i]:.3g} instead of {line.bon_kl_upper[i]:.3g} nats."
        )
    return text + _peak_sentence(line)


def _peak_sentence(line: Frontier) -> str:
    if line.peak_kl is None or line.true_reward is None:
        return ""
    if math.isinf(line.peak_kl) or line.peak_kl >= 0.999 * float(line.kl.max()):
        return " The true reward does not turn down within these budgets."
    return (
        f" The true reward is largest, {line.peak_true_reward:.4g}, at {line.peak_kl:.3g} nats; beyond, more of the "
        "proxy means less of what is wanted."
    )


# ------------------------------------------------------------------------------------------ scores
def _from_samples(
    data: RewardInput, estimated: EstimateResult, draws: FloatArray | None, options: dict[str, Any]
) -> Alignment:
    flags = []
    smallest = int(data.sizes.min())
    curve = None
    if smallest >= 2:
        curve = bon_curve(data, _whole(draws, smallest), **options)
    else:
        flags.append("too_few_samples")
    if data.kind == "prompts":
        flags.append("prompts_without_rate")
    line = _estimated_frontier(data, estimated, curve)
    if estimated.degenerate:
        flags.append("reference_only")
    verdict = _verdict(estimated)
    return Alignment(
        verdict=verdict,
        interpretation=_sample_sentence(estimated, line, verdict),
        frontier=line,
        best_of_n=curve,
        rate=_sample_rate(data, estimated),
        estimate=estimated,
        sequence=None,
        kind=data.kind,
        n_samples=estimated.n_samples,
        n_prompts=estimated.n_prompts,
        flags=tuple(flags),
        source=data.source,
    )


def _whole(draws: FloatArray | None, smallest: int) -> NDArray[np.int64]:
    if draws is None:
        powers = 2 ** np.arange(1, max(int(math.log2(smallest)), 1) + 1)
        return np.asarray(powers[powers <= smallest], dtype=np.int64)
    if (draws != np.round(draws)).any() or float(draws.max()) > smallest:
        raise InputError(
            f"n must hold whole numbers from 1 to {smallest}, the samples of one population (of the smallest prompt), "
            f"got {draws.tolist()[:5]}"
        )
    return draws.astype(np.int64)


def _verdict(estimated: EstimateResult) -> str:
    words = np.atleast_1d(np.asarray(estimated.status, dtype=object)).tolist()
    return _ORDER[max(_ORDER.index(word) for word in words)]


def _sample_rate(data: RewardInput, estimated: EstimateResult) -> EmpiricalRate | None:
    finite = data.reward[np.isfinite(data.reward)]
    if data.kind == "prompts" or estimated.degenerate or not finite.size or not finite.min() < finite.max():
        return None
    return empirical_rate(data.reward, np.linspace(finite.min(), finite.max(), _RATES))


def _estimated_frontier(data: RewardInput, estimated: EstimateResult, curve: BonCurve | None) -> Frontier:
    starts = data.offsets[:-1]
    means = np.add.reduceat(data.reward, starts) / data.sizes
    best = np.maximum.reduceat(data.reward, starts)
    line = _line(estimated, float(means.mean()), float(best.mean()))
    if estimated.true_reward is not None:
        line = replace(line, **_peak(data, estimated))
    if curve is None:
        return line
    draws = np.atleast_1d(np.asarray(curve.n, dtype=np.float64))
    return replace(
        line,
        bon_n=draws,
        bon_log_n=np.log(draws),
        bon_kl=_bon_divergence(data, draws),
        bon_kl_upper=np.atleast_1d(curve.kl_upper),
        bon_reward=np.atleast_1d(curve.reward),
        bon_true_reward=None if curve.true_reward is None else np.atleast_1d(curve.true_reward),
    )


def _line(estimated: EstimateResult, start: float, top: float) -> Frontier:
    empty = np.empty(0)
    true = estimated.true_reward
    return Frontier(
        kl=np.atleast_1d(estimated.kl),
        reward=np.atleast_1d(estimated.reward),
        t=np.atleast_1d(estimated.t),
        true_reward=None if true is None else np.atleast_1d(true),
        peak_kl=None,
        peak_true_reward=None,
        peak_t=None,
        bon_n=empty,
        bon_log_n=empty,
        bon_kl=empty,
        bon_kl_upper=empty,
        bon_reward=empty,
        bon_true_reward=None,
        kl_max=estimated.kl_ceiling,
        reward_max=top,
        reward_reference=start,
        flags=("degenerate",) if estimated.degenerate else (),
        nature="estimate",
    )


def _bon_divergence(data: RewardInput, draws: FloatArray) -> FloatArray:
    """KL of best-of-N: distribution-free without ties, from the shares of tied rewards with them."""
    total = np.zeros(len(draws))
    for start, stop in zip(data.offsets[:-1], data.offsets[1:], strict=True):
        counts = np.unique(data.reward[start:stop], return_counts=True)[1]
        if (counts == 1).all():
            total += np.log(draws) - (draws - 1.0) / draws
            continue
        log_mass = np.log(counts / counts.sum())
        for i, number in enumerate(draws):
            log_q, _ = log_level_masses(log_mass, math.log(number))
            total[i] += level_kl(log_q, log_mass)
    return total / data.n_prompts


def _peak(data: RewardInput, estimated: EstimateResult) -> dict[str, Any]:
    """Largest true reward over all tilts that the scores can carry, refined twice around the best of a grid."""
    usable = estimate(data).t  # up to ten effective samples, whatever budgets were asked for
    t = np.unique(np.concatenate([np.atleast_1d(estimated.t), np.atleast_1d(usable), [0.0]]))
    t = t[np.isfinite(t)]
    best = None
    for _ in range(3):
        best = estimate(data, t=t)
        values = np.atleast_1d(np.asarray(best.true_reward, dtype=np.float64))
        i = int(values.argmax())
        t = np.linspace(t[max(i - 1, 0)], t[min(i + 1, len(t) - 1)], _PEAK)
    assert best is not None
    kl, tilts = np.atleast_1d(best.kl), np.atleast_1d(best.t)
    return {"peak_kl": float(kl[i]), "peak_true_reward": float(values[i]), "peak_t": float(tilts[i])}


def _sample_sentence(estimated: EstimateResult, line: Frontier, verdict: str) -> str:
    if estimated.degenerate:
        return "All scores are equal: no policy does better than the reference on them."
    words = np.atleast_1d(np.asarray(estimated.status, dtype=object))
    kl = np.atleast_1d(estimated.kl)
    sound = kl[words == "ok"]
    text = f"The scores have mean {line.reward_reference:.4g}."
    if sound.size:
        i = int(np.flatnonzero(words == "ok")[kl[words == "ok"].argmax()])
        text += (
            f" At {kl[i]:.3g} nats the best policy reaches {line.reward[i]:.4g} (standard error "
            f"{np.atleast_1d(estimated.se_reward)[i]:.2g})"
        )
        text += "; all budgets shown are supported by the scores." if verdict == "ok" else (
            f"; beyond about {float(sound.max()):.3g} nats the estimates rest on fewer than 100 effective samples."
        )
    else:
        text += " Even the smallest budget rests on fewer than 100 effective samples: more scores are needed."
    if verdict == "collapsed":
        text += " Where the status is collapsed a handful of scores decides; stop before."
    return text + _peak_sentence(line)


# ------------------------------------------------------------------------------------------ streams
def _from_stream(
    data: Any,
    budgets: FloatArray | None,
    bootstrap: int,
    confidence_level: float,
    nan: str,
    n_jobs: int | None,
    progress: Progress,
) -> Alignment:
    options: dict[str, Any] = {"confidence_level": confidence_level, "nan": nan, "n_jobs": n_jobs, "progress": progress}
    estimated = estimate(data, kl=budgets, bootstrap=bootstrap, **options)  # refuses a bootstrap
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)  # the last tilt is the best score, on purpose
        ends = np.asarray(stream_estimate(data, [0.0, math.inf], nan=nan, n_jobs=n_jobs).reward)
    line = _line(estimated, float(ends[0]), float(ends[1]))
    verdict = _verdict(estimated)
    return Alignment(
        verdict=verdict,
        interpretation=_sample_sentence(estimated, line, verdict),
        frontier=line,
        best_of_n=None,
        rate=None,
        estimate=estimated,
        sequence=None,
        kind="samples",
        n_samples=estimated.n_samples,
        n_prompts=None,
        flags=("streamed",),
        source=estimated.source,
    )
