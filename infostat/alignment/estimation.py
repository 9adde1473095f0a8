"""The reward that a KL budget buys, estimated from reward samples or a table of prompts."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, SampleSizeWarning
from ..core.progress import Progress
from ..core.rng import RngLike, seed_label
from ..core.validation import MOST_DRAWS, FloatArray, as_float_array, check_count, check_number
from .bootstrap import resample
from .estimation_result import COLLAPSED, EstimateBootstrap, EstimateResult, status_words
from .input_tables import RewardInput, read_rewards
from .laws import check_size, check_span, check_strengths
from .prompts import ess_limit
from .sample_moments import RewardGroups, group_rewards, tilt_groups
from .sample_points import PointTable, point_estimates
from .stream_sources import is_large_population

__all__ = ["estimate"]

# Points of the grid that is made when neither t nor kl is given; even in sqrt(KL), which is
# about even in reward.
_POINTS = 25
_FEW_PROMPTS = 20
# A resample ceiling inside the interval: more of them than one tail holds.
_TAIL_SHARE = 0.025
# Samples (prompts) that a standard error should rest on, (sum x^2)^2/sum x^4 of the influences x.
# Measured coverage of normal intervals at level 0.95: 0.94 or more above 20, 0.92 at 14, 0.91 at 7,
# 0.87 at 5, 0.75 to 0.83 below 4, whatever the law of the reward and whatever is held.
_FEWEST = 12.0


def estimate(
    samples: Any,
    *,
    true: Any = None,
    t: ArrayLike | None = None,
    kl: ArrayLike | None = None,
    prompt_id: Any = None,
    bootstrap: int = 0,
    confidence_level: float = 0.95,
    nan: str = "raise",
    rng: RngLike = None,
    n_jobs: int | None = None,
    progress: Progress = False,
) -> EstimateResult:
    """Estimate the KL-constrained optimum of a reward from samples of the reference law.

    Parameters
    ----------
    samples : array_like, DataFrame or path
        Rewards of draws from the reference: one-dimensional for one population, prompts x samples
        (or a list of sequences) for a prompt table, or a table with the columns ``reward``
        [``prompt_id``] [``true_reward``].
    true : array_like or str, optional
        True rewards of the same draws (or their column): their mean under the tilt by `samples`.
    t : float or array_like, optional
        Tilts 1/beta; negative ones minimise the reward.
    kl : float or array_like, optional
        KL budgets, nats; for a prompt table of the mean over prompts. With neither `t` nor `kl`
        25 budgets up to the point where 10 effective samples are left.
    prompt_id : array_like or str, optional
        Prompt of each sample, or its column.
    bootstrap : int
        Resamples (of prompts if there are several, of samples otherwise) for percentile intervals.
    confidence_level : float
        Level of the intervals.
    nan : {"raise", "drop"}
        What to do with missing rewards.
    rng : None, int, SeedSequence or Generator
        Seed of the bootstrap.
    n_jobs : int, optional
        Workers of the bootstrap.
    progress : bool or callable
        Report the bootstrap.

    Returns
    -------
    EstimateResult
        ``t reward kl log_mgf ess perplexity_ess se_reward se_log_mgf status saturated kl_by_prompt
        kl_ceiling`` and more; numbers for a number asked, arrays in the order of an array asked.

    Raises
    ------
    InputError
        If both `t` and `kl` are given, a budget is negative, a tilt NaN, t < 0 with rewards of -inf,
        or the data are a pmf.
    DataError
        If the data have no rewards, or missing or +inf ones.

    Warns
    -----
    SampleSizeWarning
        If a budget reaches the ceiling log(M/#max) of the samples.

    Notes
    -----
    With weights ``w = softmax(t r)`` the estimates are ``Lambda = log mean exp(t r)``,
    ``R = sum w r`` and ``D = t R - Lambda = log M - H(w)``. Standard errors: of R at fixed t
    ``sqrt(sum w^2 (r - R)^2)``, of R at fixed KL ``sqrt(1/ESS - 1/M)/t`` (envelope theorem), of Lambda
    ``sqrt(1/ESS - 1/M)``. Prompts share one t, the optimum under a budget for the mean KL; they are
    the sampling unit, and the standard error of the mean reward is sd(R_x)/sqrt(P) at fixed t and
    sd(Lambda_x)/(t sqrt(P)) at fixed KL. Lambda and R at fixed KL are biased low; the leading bias is
    ``-(1/ESS - 1/M + se(D)^2/(t^2 V))/(2 t)`` with V the variance of the reward under the tilt, and at
    fixed t ``-sum w^2 (r - R)``; over prompts the mean of ``1/ESS - 1/M`` and the variance of the mean
    of D take their places. Derived and checked by simulation in this project. Intervals are short
    where few samples carry the standard error (`ess_se`), which comes earlier than a small effective
    sample size when rewards have heavy tails or when t is held.

    Examples
    --------
    >>> result = estimate([0, 1, 2, 3, 4], t=1.0)
    >>> round(result.reward, 12), round(result.kl, 12), result.status
    (3.451941567662, 0.609465084159, 'collapsed')
    >>> import numpy as np
    >>> rewards = np.random.default_rng(1).normal(size=4000)
    >>> result = estimate(rewards, kl=[0.1, 0.5])
    >>> bool(np.all(np.abs(result.reward - np.sqrt([0.2, 1.0])) < 3 * result.se_reward)), result.status
    (True, ('ok', 'ok'))
    """
    if t is not None and kl is not None:
        raise InputError("at most one of t and kl may be given, got both")
    resamples = check_count("bootstrap", bootstrap, high=MOST_DRAWS)
    level = check_number("confidence_level", confidence_level, low=0, high=1, open_low=True, open_high=True)
    held = "kl" if t is None else "t"
    asked = None if t is None and kl is None else _points(held, t if kl is None else kl)
    if true is None and prompt_id is None and is_large_population(samples):
        if resamples:
            raise InputError(
                "bootstrap must be 0 for a file above 64 MB or a Dask collection, which is streamed and has no rows to "
                f"resample; use the standard errors, got {resamples}"
            )
        from .stream_estimation import stream_estimate

        return stream_estimate(
            samples, t, kl=kl, confidence_level=level, nan=nan, n_jobs=n_jobs, progress=progress
        )
    data = read_rewards(samples, true=true, prompt_id=prompt_id, nan=nan, name="samples")
    check_size("samples", data.reward)
    if data.kind == "pmf":
        raise InputError("samples must be rewards of draws, got a pmf; use tilt or frontier, which are exact")
    if len(data.reward) < 2:
        raise InputError(f"samples must hold at least 2 rewards, got {len(data.reward)}")
    finite = data.reward[np.isfinite(data.reward)]
    if finite.size:
        check_span(float(finite.min()), float(finite.max()))
    groups = group_rewards(data.reward, data.offsets, data.true)
    if asked is None:
        asked = _default_budgets(groups)
    if held == "t" and (asked < 0).any() and not np.isfinite(data.reward).all():
        raise InputError("t must be >= 0 where a sample has reward -inf, got a negative t")
    single = asked.ndim == 0
    table = point_estimates(groups, held, asked.reshape(-1))
    boot = None
    if resamples:
        options = {"resamples": resamples, "rng": rng, "n_jobs": n_jobs, "progress": progress}
        boot = _bootstrap(groups, table, held, asked.reshape(-1), level, single, options)
    return _wrap(data, groups, table, boot, held, level, single)


def _points(name: str, value: Any) -> FloatArray:
    points = as_float_array(name, value, ndim=(0, 1), finite=False)
    if not points.size:
        raise InputError(f"{name} must hold at least one number, got none")
    if np.isnan(points).any():
        raise InputError(f"{name} must not hold NaN, got {int(np.isnan(points).sum())}")
    if name == "kl" and (points < 0).any():
        raise InputError(f"kl must be >= 0, got {points.min():g}; for the smallest rewards pass t < 0")
    if name == "t":
        check_strengths(points)
    return points


def _default_budgets(groups: RewardGroups) -> FloatArray:
    """KL budgets from 0 to where the samples collapse, or nearly to their ceiling."""
    ceiling = float(groups.ceiling.mean())
    if ceiling == 0.0:
        return np.array([0.0])
    t = ess_limit(groups, COLLAPSED * 1.001)
    lost = float(groups.lost.mean())
    if t == 0.0:
        last = lost + 0.5 * (ceiling - lost)
    elif math.isinf(t):
        last = lost + 0.99 * (ceiling - lost)
    else:
        last = min(float(tilt_groups(groups, t).kl.mean()), lost + 0.99 * (ceiling - lost))
    even = np.linspace(0.0, 1.0, _POINTS) ** 2
    if lost > 0.0:  # below that KL the reward is -inf
        return np.asarray(lost + (last - lost) * even[1:])
    return np.asarray(last * even)


def _bootstrap(
    groups: RewardGroups,
    table: PointTable,
    held: str,
    asked: FloatArray,
    level: float,
    single: bool,
    options: dict[str, Any],
) -> EstimateBootstrap:
    found = resample(groups, table.t, asked if held == "kl" else None, **options)
    tails = [0.5 * (1.0 - level), 0.5 * (1.0 + level)]
    intervals: dict[str, tuple[Any, Any]] = {}
    for name, values in found.values.items():
        # Without interpolation: between two infinite values it would be undefined.
        low, high = np.quantile(values, tails, axis=0, method="nearest")
        intervals[name] = (float(low[0]), float(high[0])) if single else (low, high)
    return EstimateBootstrap(
        intervals=intervals,
        unit="samples" if groups.n_groups == 1 else "prompts",
        n_resamples=options["resamples"],
        confidence_level=level,
        saturated_share=float(found.saturated_share[0]) if single else found.saturated_share,
        seed=seed_label(found.seed),
    )


def _wrap(
    data: RewardInput,
    groups: RewardGroups,
    table: PointTable,
    boot: EstimateBootstrap | None,
    held: str,
    level: float,
    single: bool,
) -> EstimateResult:
    prompts = data.kind == "prompts"
    degenerate = bool((groups.top == groups.bottom).all())
    status = status_words(table.ess)
    # Where a mean is -inf, so are both ends.
    margin = np.where(np.isinf(table.reward), 0.0, _quantile(level, groups.n_groups) * table.se_reward)
    if table.saturated.any():
        n = int(table.saturated.sum())
        warnings.warn(
            f"{n} of {len(table.t)} points reach the ceiling of the samples, a KL of {groups.ceiling.mean():.4g} nats: "
            "the law on the best samples is returned",
            SampleSizeWarning,
            stacklevel=3,
        )

    def give(values: Any) -> Any:
        if values is None:
            return None
        return values[0] if single else values

    return EstimateResult(
        t=give(table.t),
        reward=give(table.reward),
        kl=give(table.kl),
        log_mgf=give(table.log_mgf),
        ess=give(table.ess),
        perplexity_ess=give(table.perplexity_ess),
        se_reward=give(table.se_reward),
        se_log_mgf=give(table.se_log_mgf),
        status=status[0] if single else status,
        saturated=bool(table.saturated[0]) if single else table.saturated,
        kl_by_prompt=give(table.kl_by_prompt) if prompts else None,
        kl_ceiling=float(groups.ceiling.mean()),
        se_kl=give(table.se_kl),
        low=give(table.reward - margin),
        high=give(table.reward + margin),
        bias_reward=give(table.bias_reward),
        ess_se=give(table.ess_se),
        true_reward=give(table.true_reward),
        se_true_reward=give(table.se_true_reward),
        share_collapsed=give(table.share_collapsed) if prompts else None,
        held=held,
        confidence_level=level,
        n_samples=len(data.reward),
        n_prompts=data.n_prompts if prompts else None,
        prompts=data.prompts,
        degenerate=degenerate,
        bootstrap=boot,
        flags=_flags(data, groups, table, boot, held, degenerate),
        n_dropped=data.n_dropped,
        interpretation=_interpret(table, status, groups, prompts),
        source=data.source,
    )


def _quantile(level: float, n_groups: int) -> float:
    from scipy.special import ndtri, stdtrit

    upper = 0.5 * (1.0 + level)
    return float(ndtri(upper)) if n_groups == 1 else float(stdtrit(n_groups - 1, upper))


def _flags(
    data: RewardInput,
    groups: RewardGroups,
    table: PointTable,
    boot: EstimateBootstrap | None,
    held: str,
    degenerate: bool,
) -> tuple[str, ...]:
    n_units = len(data.reward) if groups.n_groups == 1 else groups.n_groups
    few = 1 < groups.n_groups < _FEW_PROMPTS
    collapsed = bool((table.ess < COLLAPSED).any())
    usable = ~table.saturated & (table.ess >= COLLAPSED)
    with np.errstate(invalid="ignore"):
        large = usable & (np.abs(table.bias_reward) > 0.5 * table.se_reward)
    biased = bool(large.any())
    resting = np.minimum(_FEWEST, n_units / 5.0)
    with np.errstate(invalid="ignore"):
        thin = bool((table.ess_se < resting).any())
    tails = boot is not None and (
        few or bool((np.atleast_1d(boot.saturated_share)[~table.saturated] > _TAIL_SHARE).any())
    )
    words = {
        "saturated": bool(table.saturated.any()),
        "collapsed": collapsed,
        "bias_low": bool((large & (table.bias_reward < 0)).any()),
        "bias_high": bool((large & (table.bias_reward > 0)).any()),
        "degenerate": degenerate,
        "few_prompts": few,
        "one_prompt": data.kind == "prompts" and groups.n_groups == 1,
        "minus_infinity": bool((groups.bottom == -np.inf).any()),
        "interval_optimistic": not degenerate and (thin or biased or tails),
    }
    return (*data.flags, *(word for word, holds in words.items() if holds))


def _interpret(table: PointTable, status: tuple[str, ...], groups: RewardGroups, prompts: bool) -> str:
    ceiling = float(groups.ceiling.mean())
    if len(status) == 1:
        share = f"about {_count(table.ess[0])} effective samples" + (" a prompt" if prompts else "")
        error = f" with standard error {table.se_reward[0]:.2g}" if math.isfinite(table.se_reward[0]) else ""
        first = f"Within a KL of {table.kl[0]:.4g} nats the best policy has mean reward {table.reward[0]:.4g}{error}"
        if table.t[0] < 0:
            first = f"At a KL of {table.kl[0]:.4g} nats the worst policy has mean reward {table.reward[0]:.4g}{error}"
        return f"{first}, resting on {share} ({status[0]}). These data cannot show more than {ceiling:.4g} nats."
    parts = []
    for word, text in (("ok", "at least 100 effective samples"), ("weak", "at least 10")):
        reached = [float(d) for d, s in zip(table.kl, status, strict=True) if s == word]
        if reached:
            parts.append(f"up to a KL of {max(reached):.3g} nats on {text}")
    known = " and ".join(parts) if parts else "nowhere on 10 effective samples or more"
    each = " a prompt" if prompts else ""
    return (
        f"The points rest {known}{each}; the ceiling{' (mean over prompts)' if prompts else ''} is {ceiling:.3g} nats, "
        "beyond which these samples say nothing."
    )


def _count(value: float) -> str:
    return f"{value:.0f}" if value >= 10.0 else f"{value:.2g}"
