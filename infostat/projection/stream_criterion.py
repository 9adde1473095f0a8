"""The p-n criterion of data larger than memory: one pass, moments, the same numbers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from ..core.chunks import frame_stream
from ..core.errors import InputError
from ..core.progress import Progress
from ..core.rng import as_seed_sequence
from ..core.validation import check_choice, check_number
from ..families.base import ExponentialFamily
from .criterion_result import PNCriterion
from .evaluation import Options
from .flags import FLAGS, validity_flags
from .monte_carlo import DRAWS, simulation_flags
from .planning import TIE, estimation_risk, required_n, requirement_flags
from .results import RiskTerms
from .stream_fit import StreamFit, stream_fit
from .streaming import StreamMoments, stream_moments
from .terms import MOMENTS
from .thresholds import bayes_error_floor, bayes_error_threshold
from .wording import interpretation

__all__ = ["StreamSettings", "refuse_on_stream", "stream_criteria", "stream_criterion"]

# Frames between the caller of pn_criterion and the place where its cautions are issued.
_CALLER = 5


@dataclass(frozen=True)
class StreamSettings:
    """Options of the criterion that apply to a stream, already checked.

    Attributes
    ----------
    n_effective : float or None
        Sample size; the row count if None.
    alpha, order, ddof, moments, bias_correction
        As in :func:`pn_criterion`.
    confidence_level : float
        Level of the margin that a Monte-Carlo error leaves around the risk.
    draws, rng, n_jobs
        Simulation of a family without a normalising constant; `rng` also seeds the subsample of rows (0 if
        None).
    progress : bool or callable
        Report rows.
    """

    n_effective: float | None = None
    alpha: float = 0.05
    order: int = 2
    ddof: int = 1
    moments: str = "published"
    bias_correction: str | None = None
    confidence_level: float = 0.95
    draws: int = DRAWS
    rng: Any = None
    n_jobs: int | None = None
    progress: Progress = False


def refuse_on_stream(*, weights: Any, bootstrap: int, moments: str, method: str) -> None:
    """Refuse options that need rows again.

    Parameters
    ----------
    weights, bootstrap, moments, method
        As the caller got them.

    Raises
    ------
    InputError
        With the cure.
    """
    if bootstrap:
        raise InputError(
            f"bootstrap must be 0 on a stream, got {bootstrap}: resampling needs all rows in memory; read a sample of "
            "rows (for instance pandas.read_csv(path, nrows=100_000)) and pass that, or use "
            "bias_correction='jackknife', whose groups stream"
        )
    if weights is not None:
        raise InputError(
            "weights must be None on a stream: rows and weights cannot be matched; weigh a table in memory"
        )
    if moments == "model":
        raise InputError("moments must be 'published' or 'kstat' on a stream, got 'model'; use plan_sample_size for it")
    if method == "gram":
        raise InputError("method must be 'auto' or 'tensor' on a stream, got 'gram': it needs pairs of rows")


def stream_criteria(
    data: Any, families: Iterable[ExponentialFamily], settings: StreamSettings, *, likelihood: bool = True
) -> list[tuple[PNCriterion | Exception, float]]:
    """Return the criterion of every family, with its mean log-likelihood, from one pass over a stream.

    Parameters
    ----------
    data : path, iterator, Dask DataFrame or FrameStream
        The rows.
    families : iterable of ExponentialFamily
        Models.
    settings : StreamSettings
        Options.
    likelihood : bool
        Whether the log-likelihood is wanted: a simulated model needs another simulation for it.

    Returns
    -------
    list of tuple
        Per family the criterion and the mean log-likelihood in nats per row (nan if it is not wanted), or
        the error that says why there is no estimate.

    Raises
    ------
    InputError
        For options that do not fit together.
    DataError
        For data that a family cannot describe.
    """
    if settings.n_effective is not None:
        n = check_number("n_effective", settings.n_effective, low=2, open_low=True)
        settings = replace(settings, n_effective=n)
    if settings.bias_correction == "analytic" and settings.order == 1:
        raise InputError(
            "bias_correction='analytic' needs the terms of order=2 on a stream; use order=2 or 'jackknife'"
        )
    check_choice("ddof", settings.ddof, (0, 1))
    check_choice("moments", settings.moments, MOMENTS)
    # Rows are drawn with a seed of their own, so that a call without `rng` gives the same numbers again.
    rows_seed = as_seed_sequence(0 if settings.rng is None else settings.rng)
    settings = replace(settings, rng=as_seed_sequence(None) if settings.rng is None else rows_seed)
    stream = frame_stream(data)
    states = stream_moments(
        stream,
        list(families),
        order=settings.order,
        jackknife=settings.bias_correction == "jackknife",
        seed=rows_seed,
        progress=settings.progress,
    )
    found: list[tuple[PNCriterion | Exception, float]] = []
    while states:  # taken from the list, so that the sums of a large model are let go
        try:
            found.append(_criterion(states.pop(0), settings, stream.source, likelihood))
        except InputError as error:
            found.append((error, float("nan")))
    return found


def stream_criterion(data: Any, family: ExponentialFamily, settings: StreamSettings) -> PNCriterion:
    """Return the criterion of one family on a stream.

    Parameters
    ----------
    data : path, iterator, Dask DataFrame or FrameStream
        The rows.
    family : ExponentialFamily
        Model.
    settings : StreamSettings
        Options.

    Returns
    -------
    PNCriterion
        The result.
    """
    ((found, _),) = stream_criteria(data, [family], settings, likelihood=False)
    if isinstance(found, Exception):
        raise found
    return found


def _criterion(
    state: StreamMoments, settings: StreamSettings, source: str, likelihood: bool
) -> tuple[PNCriterion, float]:
    n = float(state.n_rows) if settings.n_effective is None else settings.n_effective
    options = Options(n, settings.ddof, settings.moments, "auto", settings.order)
    fit = stream_fit(state, options, draws=settings.draws, rng=settings.rng, n_jobs=settings.n_jobs)
    terms, caution = _corrected_terms(fit, options, settings.bias_correction, state.n_rows)
    result = _assemble(state, fit, terms, settings, options, caution)
    result = replace(result, source=source)
    result = replace(result, interpretation=interpretation(result))
    for name in result.flags:
        flag = FLAGS[name]
        if flag.warning is not None:
            warnings.warn(flag.text(result), flag.warning, stacklevel=_CALLER)
    return result, fit.loglik() if likelihood else float("nan")


def _corrected_terms(
    fit: StreamFit, options: Options, correction: str | None, n_rows: int
) -> tuple[RiskTerms, tuple[str, ...]]:
    """Terms with the corrected T0, the plug-in value beside it; a flag if the correction overshoots."""
    T0, T1, T2, T3 = (float(value) for value in fit.terms)
    plugin = None
    if correction == "jackknife":
        plugin, T0 = T0, fit.jackknife(n_rows)
    elif correction == "analytic":
        bias = -T1 + T2 / 2.0 - T3 / 6.0 - (0.0 if options.ddof else T0)
        plugin, T0 = T0, T0 - bias / options.n
    caution: tuple[str, ...] = ()
    if plugin is not None and not T0 > 0.0:
        T0, caution = plugin, ("bias_correction_unusable",)
    p = len(fit.theta)
    return RiskTerms(T0, T1, T2, T3, p, T0_plugin=plugin, T0_se=fit.T0_se, n=options.n, mc_cov=fit.mc_cov), caution


def _assemble(
    state: StreamMoments,
    fit: StreamFit,
    terms: RiskTerms,
    settings: StreamSettings,
    options: Options,
    caution: tuple[str, ...],
) -> PNCriterion:
    """The result without source and sentences."""
    n, second = options.n, options.order == 2
    threshold = float(bayes_error_threshold(settings.alpha))
    risk1 = float(estimation_risk(terms, n, 1))
    risk2 = float(estimation_risk(terms, n, 2)) if second else None
    risk = risk1 if risk2 is None else risk2
    need = required_n(terms.a1, terms.a2 if second else 0.0, threshold)
    flags = ["streamed", *fit.flags]
    if second:
        flags += [*validity_flags(terms, n), *requirement_flags(terms, need)]
    if n <= terms.p:
        flags.append("n_at_most_p")
    if fit.heavy:
        flags.append("heavy_tail")
    flags += caution
    if fit.simulation is not None:
        level = NormalDist().inv_cdf(0.5 + 0.5 * settings.confidence_level)
        margin = level * (terms.risk_mc_se(n, options.order) or 0.0)
        flags += simulation_flags(fit.simulation, terms, n, threshold, options.order, margin)
    return PNCriterion(
        n=round(n) if n == round(n) else n,
        p=terms.p,
        alpha=settings.alpha,
        threshold=threshold,
        terms=terms,
        risk1=risk1,
        risk2=risk2,
        verdict=_verdict(risk, threshold, options.order, flags),
        verdict_order1=_compare(risk1, threshold),
        alpha_attained=float(np.sqrt(max(risk, 0.0) / 8.0)),
        bayes_error_floor=float(bayes_error_floor(max(risk, 0.0))),
        n_required_order1=need.ceil1,
        n_required_order2=need.ceil2 if second else None,
        validity_ratio=(abs(terms.a2) / (n * terms.a1) if terms.a1 > 0 else math.inf) if second else None,
        misspecification_ratio=terms.T0 / terms.p,
        flags=tuple(flags),
        bootstrap=None,
        misfit=fit.misfit,
        interpretation="",
        order=options.order,
        family=state.reading.family.title,
        columns=state.reading.columns,
        theta=fit.theta,
        ddof=options.ddof,
        moments=options.moments,
        bias_correction=settings.bias_correction,
        heavy_rows=fit.heavy,
        risk1_mc_se=terms.risk_mc_se(n, 1),
        risk2_mc_se=terms.risk_mc_se(n, 2) if second else None,
        sampler=None if fit.simulation is None else fit.simulation.report,
    )


def _compare(risk: float, threshold: float) -> str:
    return "sufficient" if risk <= threshold * TIE else "insufficient"


def _verdict(risk: float, threshold: float, order: int, flags: list[str]) -> str:
    """Precedence: unreliable, borderline, sufficient or insufficient."""
    if "sampler_not_converged" in flags or (order == 2 and "expansion_unreliable" in flags):
        return "unreliable"
    return "borderline" if "monte_carlo_borderline" in flags else _compare(risk, threshold)
