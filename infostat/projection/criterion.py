"""The p-n criterion: is the sample large enough for a model this big?"""

from __future__ import annotations

import warnings
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.chunks import is_stream
from ..core.errors import InputError
from ..core.rng import as_seed_sequence
from ..core.validation import check_choice, check_count, check_number
from ..families.base import ExponentialFamily
from ..families.registry import get_family
from ..families.tilted_draws import TiltedDraws
from .checks import Prepared, prepare
from .criterion_result import PNCriterion
from .evaluation import Evaluation, Options, evaluate
from .flags import (
    FLAGS,
    Flag,
    heavy_rows,
    interval_is_optimistic,
    interval_is_unbounded,
    validity_flags,
)
from .intervals import bootstrap_criterion, jackknife_T0
from .misfit import misfit_test
from .monte_carlo import for_resampling, missing_likelihood, simulated, simulation_flags, simulation_of
from .planning import TIE, estimation_risk, required_n, requirement_flags
from .results import BootstrapResult, InformationCriteria, RiskTerms
from .stream_criterion import StreamSettings, refuse_on_stream, stream_criterion
from .terms import METHODS, MOMENTS
from .thresholds import bayes_error_floor, bayes_error_threshold, check_alpha
from .wording import interpretation

__all__ = ["information_criteria", "pn_criterion"]


def pn_criterion(
    data: Any,
    family: str | ExponentialFamily,
    *,
    weights: ArrayLike | None = None,
    n_effective: float | None = None,
    alpha: float = 0.05,
    order: int = 2,
    ddof: int = 1,
    moments: str = "published",
    bias_correction: str | None = None,
    bootstrap: int = 0,
    interval: str = "bootstrap-t",
    confidence_level: float = 0.95,
    method: str = "auto",
    draws: int = 200_000,
    rng: Any = None,
    n_jobs: int | None = None,
    batch_size: int | None = None,
    progress: Any = False,
) -> PNCriterion:
    """Judge whether a sample is large enough for a model.

    Parameters
    ----------
    data : array_like, DataFrame, Series, path, iterator or Dask DataFrame
        Observations by rows, independent and identically distributed. A file above 64 MB, an
        iterator of frames and a Dask DataFrame are read in one pass (see Notes).
    family : str or ExponentialFamily
        The model, for instance ``"mvn"``, ``"gamma"`` or a family object.
    weights : array_like of shape (n,), optional
        Non-negative row weights.
    n_effective : float, optional
        Sample size behind the weights; the row count if None.
    alpha : float
        Tolerated distance of the Bayes error from 1/2, in (0, 1/2).
    order : {1, 2}
        Which expansion of the risk the verdict uses.
    ddof : {0, 1}
        The data covariance has divisor ``n - ddof``.
    moments : {"published", "kstat", "model"}
        Convention for moments, see :func:`risk_terms`.
    bias_correction : {None, "jackknife", "analytic"}
        Correction of the plug-in T0, which has a bias of order 1/n.
    bootstrap : int
        Resamples for intervals; 0 for none, 400 recommended.
    interval : {"bootstrap-t", "percentile"}
        Interval method.
    confidence_level : float
        Two-sided level in (0, 1).
    method : {"auto", "tensor", "gram"}
        Route to the terms, see :func:`risk_terms`.
    draws : int
        Monte-Carlo draws for families without a normalising constant; the
        closed-form families draw nothing.
    rng : None, int, SeedSequence or Generator
        Seed of the bootstrap and of the draws.
    n_jobs, batch_size : int, optional
        Parallel execution through joblib; the numbers do not depend on them.
    progress : bool or callable
        Progress of the bootstrap, on a stream of the rows; a callable gets ``(done, total)``, total 0
        where it is unknown.

    Returns
    -------
    PNCriterion
        Verdict, risks, required sample sizes, intervals, misfit, interpretation.

    Raises
    ------
    InputError
        For options out of range.
    DataError
        For data the family cannot describe; subclasses name constant or collinear
        columns, rows outside the support, and estimates on the boundary.

    Notes
    -----
    The estimation risk ``ED(n) = E KL(projection || estimate) = a1/n + a2/n^2`` is
    compared with ``8 alpha^2`` (Sheena, arXiv 2105.08947): below it the expected Bayes
    error of telling the estimate from the projection exceeds ``1/2 - alpha``. The
    criterion says nothing about the distance of the projection from the truth.

    On a stream the terms come from moments of the statistics, one pass, constant memory. With
    ``order=1`` the second-order fields are None. For p above 400 the term T1 comes from a seeded
    uniform subsample of 4096 rows, and its error is reported. What needs the rows again
    (bootstrap, weights, T0_se) is not available; heavy rows are looked for among the 64 with the
    largest statistics.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=400)
    >>> result = pn_criterion(x, "normal")
    >>> result.verdict, result.p, result.n_required_order1
    ('sufficient', 2, 55)
    """
    alpha = float(check_alpha(check_number("alpha", alpha, finite=False)))
    order = check_choice("order", order, (1, 2))
    ddof = check_choice("ddof", ddof, (0, 1))
    moments = check_choice("moments", moments, MOMENTS)
    method = check_choice("method", method, METHODS)
    bias_correction = check_choice("bias_correction", bias_correction, (None, "jackknife", "analytic"))
    interval = check_choice("interval", interval, ("bootstrap-t", "percentile"))
    resamples = check_count("bootstrap", bootstrap)
    if resamples == 1:
        raise InputError("bootstrap must be 0 or at least 2, got 1; 400 is recommended")
    level = check_number("confidence_level", confidence_level, low=0, high=1, open_low=True, open_high=True)
    number = check_count("draws", draws, low=1)
    if moments == "model" and (bias_correction or resamples):
        raise InputError("moments='model' takes the model for the truth; use bias_correction=None, bootstrap=0")
    if is_stream(data):
        refuse_on_stream(weights=weights, bootstrap=resamples, moments=moments, method=method)
        settings = StreamSettings(
            n_effective, alpha, order, ddof, moments, bias_correction, level, number, rng, n_jobs, progress
        )
        return stream_criterion(data, get_family(family), settings)

    ready = prepare(data, family, weights, n_effective)
    threshold = float(bayes_error_threshold(alpha))
    options = Options(ready.n, ddof, moments, method)
    seed = as_seed_sequence(rng)
    ready = simulated(ready, draws=number, rng=seed, n_jobs=n_jobs, method=method)
    sample = evaluate(ready.family, ready.encoded, ready.weights, options)
    simulation = simulation_of(ready.family, ready.encoded, ready.weights, sample.theta, options)
    terms, caution = _corrected_terms(ready, sample, options, bias_correction)
    terms = terms if simulation is None else replace(terms, mc_cov=simulation.cov)
    intervals = None
    if resamples:
        lighter, _, shift = for_resampling(ready, sample, options)
        intervals = bootstrap_criterion(
            lighter,
            sample,
            replace(options, order=order),
            threshold=threshold,
            resamples=resamples,
            interval=interval,
            confidence_level=level,
            rng=seed,
            n_jobs=n_jobs,
            batch_size=batch_size,
            progress=progress,
            shift=shift,
        )
    heavy = heavy_rows(sample.raw, ready.weights, ready.n) if moments != "model" else ()
    flags = (*_flags(ready, sample, terms, threshold, intervals, heavy), *caution)
    margin = 0.0
    if simulation is not None:
        margin = NormalDist().inv_cdf(0.5 + 0.5 * level) * (terms.risk_mc_se(ready.n, order) or 0.0)
        flags += simulation_flags(simulation, terms, ready.n, threshold, order, margin)
    result = _assemble(ready, sample, terms, alpha, threshold, order, intervals, flags, margin)
    if simulation is not None:
        result = replace(result, sampler=simulation.report)
    result = replace(
        result, ddof=ddof, moments=moments, bias_correction=bias_correction, heavy_rows=heavy
    )
    result = replace(result, interpretation=interpretation(result))
    for name in result.flags:
        flag: Flag = FLAGS[name]
        if flag.warning is not None and name not in ready.flags:  # prepare has issued its own
            warnings.warn(flag.text(result), flag.warning, stacklevel=2)
    return result


def _corrected_terms(
    ready: Prepared, sample: Evaluation, options: Options, correction: str | None
) -> tuple[RiskTerms, tuple[str, ...]]:
    """Terms with the corrected T0, the plug-in value beside it; a flag if the correction overshoots."""
    T0, T1, T2, T3 = (float(value) for value in sample.terms)
    plugin = None
    if correction == "jackknife":
        lighter, small, _ = for_resampling(ready, sample, options)
        plugin, T0 = T0, T0 + jackknife_T0(lighter, small, options) - float(small.terms[0])
    elif correction == "analytic":
        bias = -T1 + T2 / 2.0 - T3 / 6.0 - (0.0 if options.ddof else T0)
        plugin, T0 = T0, T0 - bias / ready.n
    caution: tuple[str, ...] = ()
    if plugin is not None and not T0 > 0.0:
        # T0 is a trace of covariances: a correction that makes it negative would make any sample pass.
        T0, caution = plugin, ("bias_correction_unusable",)
    return RiskTerms(T0, T1, T2, T3, sample.p, T0_plugin=plugin, T0_se=sample.se, n=ready.n), caution


def _flags(
    ready: Prepared,
    sample: Evaluation,
    terms: RiskTerms,
    threshold: float,
    intervals: BootstrapResult | None,
    heavy: tuple[int, ...],
) -> tuple[str, ...]:
    flags = [*ready.flags, *validity_flags(terms, ready.n)]
    flags += requirement_flags(terms, required_n(terms.a1, terms.a2, threshold))
    if ready.n <= terms.p:
        flags.append("n_at_most_p")
    if heavy:
        flags.append("heavy_tail")
    if intervals is not None:
        if interval_is_optimistic(sample, ready.weights, ready.n):
            flags.append("interval_optimistic")
        if interval_is_unbounded(intervals, float(sample.terms[0])):
            flags.append("interval_unbounded")
        if intervals.n_boundary:
            flags.append("boundary_resamples")
        if (intervals.n_resamples + 1) * 0.5 * (1.0 - intervals.confidence_level) < 1.0:
            flags.append("few_resamples")
    return tuple(flags)


def _assemble(
    ready: Prepared,
    sample: Evaluation,
    terms: RiskTerms,
    alpha: float,
    threshold: float,
    order: int,
    intervals: BootstrapResult | None,
    flags: tuple[str, ...],
    margin: float,
) -> PNCriterion:
    n = ready.n
    risk1 = float(estimation_risk(terms, n, 1))
    risk2 = float(estimation_risk(terms, n, 2))
    risk = risk1 if order == 1 else risk2
    need = required_n(terms.a1, terms.a2, threshold)
    plugin_T0 = float(sample.raw.terms[0])
    return PNCriterion(
        n=n if n != round(n) else round(n),
        p=terms.p,
        alpha=alpha,
        threshold=threshold,
        terms=terms,
        risk1=risk1,
        risk2=risk2,
        verdict=_verdict(risk, threshold, order, flags, intervals, margin),
        verdict_order1=_compare(risk1, threshold),
        alpha_attained=float(np.sqrt(max(risk, 0.0) / 8.0)),
        bayes_error_floor=float(bayes_error_floor(max(risk, 0.0))),
        n_required_order1=need.ceil1,
        n_required_order2=need.ceil2,
        validity_ratio=abs(terms.a2) / (n * terms.a1) if terms.a1 > 0 else np.inf,
        misspecification_ratio=terms.T0 / terms.p,
        flags=flags,
        bootstrap=intervals,
        misfit=misfit_test(ready.family, ready.encoded, ready.weights, n, sample.theta, plugin_T0),
        interpretation="",
        order=order,
        family=ready.family.title,
        columns=ready.columns,
        theta=sample.theta,
        source=ready.source,
        risk1_mc_se=terms.risk_mc_se(n, 1),
        risk2_mc_se=terms.risk_mc_se(n, 2),
    )


def _compare(risk: float, threshold: float) -> str:
    return "sufficient" if risk <= threshold * TIE else "insufficient"


def _verdict(
    risk: float,
    threshold: float,
    order: int,
    flags: tuple[str, ...],
    intervals: BootstrapResult | None,
    margin: float = 0.0,
) -> str:
    """Precedence: unreliable, borderline, sufficient or insufficient."""
    if "sampler_not_converged" in flags or (order == 2 and "expansion_unreliable" in flags):
        return "unreliable"
    if "monte_carlo_borderline" in flags:
        return "borderline"
    if intervals is None:
        return _compare(risk, threshold)
    low, high = intervals.intervals["risk1" if order == 1 else "risk2"]
    low, high = low - margin, high + margin
    if high <= threshold * TIE:
        return "sufficient"
    return "insufficient" if low > threshold * TIE else "borderline"


def information_criteria(
    data: Any,
    family: str | ExponentialFamily,
    *,
    weights: ArrayLike | None = None,
    n_effective: float | None = None,
    ddof: int = 1,
    moments: str = "published",
    draws: int = 200_000,
    rng: Any = None,
    n_jobs: int | None = None,
) -> InformationCriteria:
    """Return AIC, TIC and the second-order TIC of a fitted family.

    Parameters
    ----------
    data : array_like, DataFrame, Series or path
        Observations by rows.
    family : str or ExponentialFamily
        The model.
    weights : array_like of shape (n,), optional
        Non-negative row weights.
    n_effective : float, optional
        Sample size behind the weights; the row count if None.
    ddof : {0, 1}
        The data covariance has divisor ``n - ddof``.
    moments : {"published", "kstat", "model"}
        Convention for moments, see :func:`risk_terms`.
    draws, rng, n_jobs : optional
        Number of draws, seed and threads for a family without a normalising constant.

    Returns
    -------
    InformationCriteria
        ``aic tic tic2 loglik``; nan with a `reason` where the base density of a row is 0 or
        infinite, so that there is no likelihood.

    Notes
    -----
    The penalty of TIC is T0, because the Hessian of an exponential family is its
    model covariance: ``AIC = -2 l + 2 p``, ``TIC = -2 l + 2 T0``,
    ``TIC2 = -2 l + 2 (T0 + opt2/n)``. For a correct normal model TIC2 is the 1/n
    expansion of the small-sample corrected AIC.

    Examples
    --------
    >>> result = information_criteria([1.0, 2.0, 6.0], "exponential")
    >>> round(result.loglik, 6), round(result.aic, 6)
    (-6.295837, 14.591674)
    """
    ddof = check_choice("ddof", ddof, (0, 1))
    moments = check_choice("moments", moments, MOMENTS)
    number = check_count("draws", draws, low=1)
    ready = prepare(data, family, weights, n_effective)
    reason = missing_likelihood(ready)
    if reason:
        nothing = float("nan")
        return InformationCriteria(
            nothing, nothing, nothing, nothing, ready.n, ready.family.n_params(), ready.family.title, reason
        )
    ready = simulated(ready, draws=number, rng=as_seed_sequence(rng), n_jobs=n_jobs)
    found = evaluate(ready.family, ready.encoded, ready.weights, Options(ready.n, ddof, moments))
    T0, T1, T2, T3 = (float(value) for value in found.terms)
    terms = RiskTerms(T0, T1, T2, T3, found.p)
    log_density = ready.family.encoded_logpdf(ready.encoded, found.theta)
    loglik = ready.n * float(ready.weights @ log_density)
    error = ready.family.log_partition_error() if isinstance(ready.family, TiltedDraws) else None
    return InformationCriteria(
        aic=-2.0 * loglik + 2.0 * found.p,
        tic=-2.0 * loglik + 2.0 * T0,
        tic2=-2.0 * loglik + 2.0 * (T0 + terms.opt2 / ready.n),
        loglik=loglik,
        n=ready.n,
        p=found.p,
        family=ready.family.title,
        loglik_mc_se=None if error is None else ready.n * error,
    )
