"""Uncertainty of the criterion: bootstrap intervals and the delete-group jackknife.

T0 is a mean of squared statistics, so its sampling law is skewed and a sample
often has not seen the tail that carries it. Percentile intervals then miss on
the side that matters. The default studentises on the log scale with the
influence function of T0 (bootstrap-t); both methods and their measured coverage
are described on the documentation page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.replicates import run_replicates
from ..core.rng import seed_label
from ..core.threads import one_blas_thread
from ..core.validation import FloatArray
from ..families.base import ExponentialFamily
from .checks import Prepared
from .evaluation import Evaluation, Options, evaluate
from .planning import TIE, required_n
from .results import BootstrapResult

__all__ = ["Replicates", "bootstrap_criterion", "bootstrap_interval", "jackknife_T0"]

BLOCK = 16  # resamples that share one child of the seed: a child costs as much as a small resample
GROUPS = 20


@dataclass(frozen=True)
class _Payload:
    family: ExponentialFamily
    encoded: FloatArray
    weights: FloatArray
    options: Options
    theta: FloatArray
    shift: FloatArray


def _resample_block(
    payload: _Payload, generator: np.random.Generator, start: int, stop: int
) -> dict[str, FloatArray]:
    """Terms and standard error of resamples; rows enter through their multiplicities."""
    m = len(payload.encoded)
    terms = np.full((stop - start, 4), np.nan)
    se = np.full(stop - start, np.nan)
    for k in range(stop - start):
        counts = np.bincount(generator.integers(0, m, size=m), minlength=m)
        used = np.flatnonzero(counts)
        weights = payload.weights[used] * counts[used]
        total = weights.sum()
        if not total > 0:
            continue
        try:
            found = evaluate(
                payload.family, payload.encoded[used], weights / total, payload.options, payload.theta
            )
        except DataError:
            continue  # no estimate inside the family: counted as a failure by the caller
        terms[k] = found.terms + payload.shift
        se[k] = found.se
    return {"terms": terms, "se": se}


@dataclass(frozen=True)
class Replicates:
    """Resamples together with the sample they belong to.

    Attributes
    ----------
    T0, se : float
        Plug-in value and standard error of the sample.
    T0_b, se_b : ndarray of shape (B,)
        The same in the resamples that have an estimate.
    level : float
        Two-sided confidence level.
    method : str
        ``"bootstrap-t"`` or ``"percentile"``.
    """

    T0: float
    se: float
    T0_b: FloatArray
    se_b: FloatArray
    level: float
    method: str


def bootstrap_interval(value: float, values_b: FloatArray, sample: Replicates) -> tuple[float, float]:
    """Return the interval of a positive functional of the terms.

    Parameters
    ----------
    value : float
        Its value in the sample.
    values_b : ndarray of shape (B,)
        Its values in the resamples.
    sample : Replicates
        T0 with standard errors, level and method.

    Returns
    -------
    tuple of float
        Ends of the interval.

    Notes
    -----
    Bootstrap-t on the log scale with the relative standard error of T0 as the
    denominator for every functional: ``t_b = (log v_b - log v)/(se_b/T0_b)``, interval
    ``v exp(-t_q se/T0)``, quantiles by the ``(B + 1) q`` rule. A functional that is
    not positive in the sample has no logarithm and gets the percentile interval.
    """
    tail = 0.5 * (1.0 - sample.level)
    if sample.method == "percentile" or not value > 0.0 or not sample.se > 0.0:
        low, high = np.quantile(values_b, [tail, 1.0 - tail], method="weibull")
        return float(low), float(high)
    usable = (sample.se_b > 0.0) & (sample.T0_b > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # A resample whose functional is not positive lies beyond every positive one: t = -inf.
        logs = np.where(values_b > 0.0, np.log(np.maximum(values_b, 0.0)), -np.inf)
        t = (logs - np.log(value))[usable] / (sample.se_b / sample.T0_b)[usable]
    if t.size == 0:
        return 0.0, np.inf
    # method "weibull" interpolates at (B + 1) q; equal infinities must not be subtracted.
    ordered = np.sort(t)
    t_low, t_high = (_weibull_quantile(ordered, q) for q in (tail, 1.0 - tail))
    relative = sample.se / sample.T0
    with np.errstate(over="ignore"):  # an end beyond the floats is inf
        return float(value * np.exp(-t_high * relative)), float(value * np.exp(-t_low * relative))


def _weibull_quantile(ordered: FloatArray, q: float) -> float:
    position = min(max((len(ordered) + 1) * q - 1.0, 0.0), len(ordered) - 1.0)
    below = int(position)
    share = position - below
    low = ordered[below]
    if share == 0.0 or np.isinf(low):
        return float(low)
    return float(low + share * (ordered[below + 1] - low))


def bootstrap_criterion(
    ready: Prepared,
    sample: Evaluation,
    options: Options,
    *,
    threshold: float,
    resamples: int,
    interval: str,
    confidence_level: float,
    rng: Any,
    n_jobs: int | None,
    batch_size: int | None,
    progress: Any,
    shift: FloatArray | None = None,
) -> BootstrapResult:
    """Resample rows, refit, and return intervals for the numbers of the criterion.

    Parameters
    ----------
    ready : Prepared
        Data.
    sample : Evaluation
        Plug-in evaluation of the sample.
    options : Options
        Conventions; `order` decides what is resampled.
    threshold : float
        KL threshold, nats.
    resamples : int
        Number of resamples B.
    interval : {"bootstrap-t", "percentile"}
        Method.
    confidence_level : float
        Two-sided level.
    rng : None, int, SeedSequence or Generator
        Seed.
    n_jobs, batch_size, progress
        Execution, see :func:`infostat.core.replicates.run_replicates`.
    shift : ndarray of shape (4,), optional
        Added to the terms of every resample: what the sample's terms gained from a finer
        representation of the model than the resamples have.

    Returns
    -------
    BootstrapResult
        Intervals, pass fraction, the resampled terms.

    Raises
    ------
    DataError
        If no resample has an estimate.
    """
    offset = np.zeros(4) if shift is None else shift
    payload = _Payload(ready.family, ready.encoded, ready.weights, options, sample.theta, offset)
    with one_blas_thread():  # a resample is many small products; worker processes limit themselves
        run = run_replicates(
            _resample_block,
            resamples,
            rng=rng,
            block_length=BLOCK,
            payload=payload,
            n_jobs=n_jobs,
            batch_size=batch_size,
            progress=progress,
            study="bootstrap",
        )
    terms, se = run.values["terms"], run.values["se"]
    inside = np.isfinite(terms[:, 0])
    terms, se = terms[inside], se[inside]
    if len(terms) == 0:
        raise DataError(
            "no bootstrap resample has an estimate inside the family; the sample is too close to the boundary"
        )
    reps = Replicates(sample.terms[0], sample.se, terms[:, 0], se, confidence_level, interval)
    n = ready.n
    risk_b, intervals = _intervals(sample.terms, terms, reps, n, threshold, options.order)
    passed = int(np.sum(risk_b <= threshold * TIE))
    return BootstrapResult(
        intervals=intervals,
        # Without a standard error (saturated models) there is nothing to studentise with.
        interval_method=interval if sample.se > 0.0 else "percentile",
        confidence_level=confidence_level,
        n_resamples=resamples,
        n_boundary=int(np.sum(~inside)),
        pass_fraction=passed / resamples,
        terms=terms,
        T0_se=se,
        seed=seed_label(run.seed),
    )


def second_coefficient(terms: FloatArray) -> FloatArray:
    """Return a2 of rows of terms.

    Parameters
    ----------
    terms : ndarray of shape (..., 4)
        T0..T3.

    Returns
    -------
    ndarray
        ``(-8 T1 + 9 T2 - 3 T3)/24``.
    """
    return np.asarray(terms[..., 1:] @ np.array([-8.0, 9.0, -3.0]) / 24.0)


def _intervals(
    terms: FloatArray, terms_b: FloatArray, reps: Replicates, n: float, threshold: float, order: int
) -> tuple[FloatArray, dict[str, tuple[float, float]]]:
    low, high = bootstrap_interval(reps.T0, reps.T0_b, reps)
    first = np.ceil(np.array([low, high]) / (2.0 * threshold * TIE))
    intervals = {
        "T0": (low, high),
        "risk1": (low / (2.0 * n), high / (2.0 * n)),
        "n_required_order1": (max(1.0, float(first[0])), max(1.0, float(first[1]))),
    }
    if order == 1:
        return terms_b[:, 0] / (2.0 * n), intervals
    a1_b, a2_b = 0.5 * terms_b[:, 0], second_coefficient(terms_b)
    risk_b = a1_b / n + a2_b / n**2
    a1, a2 = 0.5 * float(terms[0]), float(second_coefficient(terms))
    intervals["risk2"] = bootstrap_interval(a1 / n + a2 / n**2, risk_b, reps)
    need_b = np.array([required_n(x, y, threshold).order2 for x, y in zip(a1_b, a2_b, strict=True)])
    ends = bootstrap_interval(required_n(a1, a2, threshold).order2, need_b, reps)
    intervals["n_required_order2"] = (max(1.0, float(np.ceil(ends[0]))), max(1.0, float(np.ceil(ends[1]))))
    return risk_b, intervals


def jackknife_T0(ready: Prepared, sample: Evaluation, options: Options) -> float:
    """Return T0 corrected for bias by the delete-group jackknife.

    Parameters
    ----------
    ready : Prepared
        Data.
    sample : Evaluation
        Plug-in evaluation.
    options : Options
        Conventions.

    Returns
    -------
    float
        ``B T0 - (B - 1) mean_b T0(-b)`` with B = 20 groups by row index mod 20.

    Raises
    ------
    DataError
        If the family has no estimate without one of the groups.
    """
    m = len(ready.encoded)
    groups = min(GROUPS, m)
    index = np.arange(m) % groups
    values = np.empty(groups)
    for b in range(groups):
        keep = index != b
        weights = ready.weights[keep]
        kept = float(weights.sum())
        try:
            if options.n * kept <= 1.0:
                raise DataError("at most one observation remains")
            shorter = replace(options, n=options.n * kept, order=1)
            found = evaluate(ready.family, ready.encoded[keep], weights / kept, shorter, sample.theta)
        except DataError as error:
            raise DataError(
                f"bias_correction='jackknife' needs an estimate without each of {groups} groups of rows, "
                f"and there is none without group {b} ({error}); use bias_correction='analytic' or None"
            ) from None
        values[b] = found.terms[0]
    return float(groups * sample.terms[0] - (groups - 1) * values.mean())
