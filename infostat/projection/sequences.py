"""Which of a sequence of models can the sample carry: the p-n criterion along the sequence."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.chunks import is_stream
from ..core.data import read_table
from ..core.errors import (
    BoundaryProjectionError,
    CollinearStatisticsError,
    ConstantStatisticError,
    DataError,
    InfostatWarning,
    InputError,
)
from ..core.progress import Progress, progress_callback
from ..core.validation import FloatArray, check_choice, check_count, check_number
from ..families.base import ExponentialFamily
from ..families.registry import get_family
from ..families.rows import entries_of
from .criterion import pn_criterion
from .criterion_result import PNCriterion
from .log_score import criteria_of, cross_validated_log_score, sample_criteria
from .planning import TIE
from .results import InformationCriteria
from .sequence_result import PNSequence, sequence_sentences
from .stream_criterion import StreamSettings, refuse_on_stream, stream_criteria
from .thresholds import bayes_error_threshold, check_alpha

__all__ = ["pn_sequence"]

# Errors that say "this model has no estimate here" rather than "these data are wrong for all models".
_NO_ESTIMATE = (BoundaryProjectionError, ConstantStatisticError, CollinearStatisticsError)


def pn_sequence(
    data: Any,
    families: Iterable[str | ExponentialFamily] | Mapping[str, str | ExponentialFamily],
    *,
    weights: ArrayLike | None = None,
    n_effective: float | None = None,
    alpha: float = 0.05,
    order: int = 2,
    ddof: int = 1,
    moments: str = "published",
    method: str = "auto",
    bootstrap: int = 0,
    interval: str = "bootstrap-t",
    confidence_level: float = 0.95,
    folds: int = 0,
    draws: int = 200_000,
    rng: Any = None,
    n_jobs: int | None = None,
    batch_size: int | None = None,
    progress: Progress = False,
) -> PNSequence:
    """Judge every model of a sequence and say how large a model the sample can carry.

    Parameters
    ----------
    data : array_like, DataFrame, Series, path, iterator or Dask DataFrame
        Observations by rows, independent and identically distributed. A large file, an iterator of
        frames or a Dask DataFrame is read in one pass for all models together.
    families : list or mapping
        Models in the order of the sequence, usually from small to large: names, family objects, or a
        mapping from a label to one of them.
    weights : array_like of shape (n,), optional
        Non-negative row weights.
    n_effective : float, optional
        Sample size behind the weights; the row count if None.
    alpha : float
        Tolerated distance of the Bayes error from 1/2, in (0, 1/2).
    order : {1, 2}
        Which expansion of the risk `p_max` uses.
    ddof : {0, 1}
        The data covariance has divisor ``n - ddof``.
    moments : {"published", "kstat", "model"}
        Convention for moments, see :func:`risk_terms`.
    method : {"auto", "tensor", "gram"}
        Route to the terms, see :func:`risk_terms`.
    bootstrap : int
        Resamples for the intervals of every model; 0 for none. They do not change what passes.
    interval : {"bootstrap-t", "percentile"}
        Interval method.
    confidence_level : float
        Two-sided level in (0, 1).
    folds : int
        Folds of a cross-validated log score that compares the fit of the models; 0 for none.
    draws : int
        Monte-Carlo draws for families without a normalising constant.
    rng : None, int, SeedSequence or Generator
        Seed of such draws and of the bootstrap.
    n_jobs, batch_size : int, optional
        Parallel execution through joblib; the numbers do not depend on them.
    progress : bool or callable
        Progress over the models, on a stream over the rows; a callable gets ``(done, total)``.

    Returns
    -------
    PNSequence
        ``results p_max p_max_contiguous``, a frame with one row per model, a figure.

    Raises
    ------
    InputError
        For an empty sequence, labels that repeat, or options out of range.
    DataError
        For data that a family cannot describe, or if no model of the sequence has an estimate.

    Notes
    -----
    A model passes if its raw risk of the requested order is at most ``8 alpha^2`` and, for order 2, its
    expansion is usable. `p_max` is the largest p that passes; `p_max_contiguous` the p of the last model
    before the first failure, because T0 is not monotone in p when the models are wrong. A model whose
    estimate does not exist in these data (boundary, constant or collinear statistics) counts as failed
    and is listed with the reason.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(60, 3))
    >>> found = pn_sequence(x, ["mvn_diagonal", "mvn"], order=1)
    >>> found.p_max, found.to_frame()["p"].tolist()
    (0, [6, 9])
    """
    labels, chosen = _models(families)
    alpha = float(check_alpha(check_number("alpha", alpha, finite=False)))
    order = check_choice("order", order, (1, 2))
    parts = check_count("folds", folds)
    if parts == 1:
        raise InputError("folds must be 0 or at least 2, got 1; 5 or 10 are usual")
    options: dict[str, Any] = {
        "n_effective": n_effective, "alpha": alpha, "order": order, "ddof": ddof, "moments": moments,
    }  # fmt: skip
    scores = None
    if is_stream(data):
        refuse_on_stream(weights=weights, bootstrap=bootstrap, moments=moments, method=method)
        if parts:
            raise InputError(f"folds must be 0 on a stream, got {parts}: rows cannot be left out and read again")
        number = check_count("draws", draws, low=1)
        settings = StreamSettings(**options, draws=number, rng=rng, n_jobs=n_jobs, progress=progress)
        results, reasons, criteria, source = _streamed(data, chosen, settings)
    else:
        table = read_table(data)
        source = table.source
        options |= {
            "weights": weights, "method": method, "draws": draws, "rng": rng, "n_jobs": n_jobs, "bootstrap": bootstrap,
            "interval": interval, "confidence_level": confidence_level, "batch_size": batch_size,
        }  # fmt: skip
        results, reasons = _in_memory(table, chosen, options, progress)
        criteria, scores = _fits(table, chosen, results, parts, weights)
    threshold = float(bayes_error_threshold(alpha))
    passed = [result is not None and passes(result, order, threshold) for result in results]
    sizes = [_size(result, family) for result, family in zip(results, chosen, strict=True)]
    failed = [reason for reason in reasons if reason]
    if failed:
        warnings.warn(_failure_words(labels, reasons), InfostatWarning, stacklevel=2)
    first = next(result for result in results if result is not None)
    found = PNSequence(
        results=tuple(results),
        names=tuple(labels),
        p=np.array(sizes),
        p_max=max((p for p, ok in zip(sizes, passed, strict=True) if ok), default=0),
        p_max_contiguous=_before_failure(sizes, passed),
        p_max_rule=int(np.floor(16.0 * alpha**2 * first.n * (1.0 + 1e-9))),
        passed=np.array(passed),
        order=order,
        alpha=alpha,
        threshold=threshold,
        n=first.n,
        loglik=np.array([c.loglik for c in criteria]),
        aic=np.array([c.aic for c in criteria]),
        tic=np.array([c.tic for c in criteria]),
        tic2=np.array([c.tic2 for c in criteria]),
        log_score=scores,
        reasons=tuple(reasons),
        flags=("models_without_estimate",) if failed else (),
        source=source,
    )
    return replace(found, interpretation=sequence_sentences(found))


def passes(result: PNCriterion, order: int, threshold: float) -> bool:
    """Return whether a model passes: raw risk at most the threshold, and a usable expansion.

    Parameters
    ----------
    result : PNCriterion
        The criterion of the model.
    order : {1, 2}
        Which risk.
    threshold : float
        ``8 alpha^2``.

    Returns
    -------
    bool
        The answer.
    """
    risk = result.risk1 if order == 1 else result.risk2
    return result.verdict != "unreliable" and risk is not None and risk <= threshold * TIE


def _models(families: Any) -> tuple[list[str], list[ExponentialFamily]]:
    """Labels and family objects; a label that was not given is the name or the object in short."""
    required = "a list of models or a mapping from label to model"
    if isinstance(families, Mapping):
        pairs = [(str(label), get_family(item)) for label, item in families.items()]
    else:
        pairs = []
        for item in entries_of(families, "families", required):
            family = get_family(item)
            pairs.append((item.strip() if isinstance(item, str) else repr(family), family))
    if not pairs:
        raise InputError("families must hold at least one model, got none")
    labels = [label for label, _ in pairs]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise InputError(f"families must differ, got more than one {', '.join(twice)}; name them with a mapping")
    return labels, [family for _, family in pairs]


def _in_memory(
    table: Any, families: list[ExponentialFamily], options: dict[str, Any], progress: Progress
) -> tuple[list[PNCriterion | None], list[str]]:
    """The criterion of every model, or the reason why it has no estimate."""
    results: list[PNCriterion | None] = []
    reasons: list[str] = []
    errors: list[DataError] = []
    with progress_callback(progress, "models") as report:
        for done, family in enumerate(families, start=1):
            try:
                with warnings.catch_warnings():
                    # Cautions are flags of the single results, which the table shows.
                    warnings.simplefilter("ignore", InfostatWarning)
                    results.append(pn_criterion(table, family, **options))
                reasons.append("")
            except _NO_ESTIMATE as error:
                results.append(None)
                reasons.append(str(error))
                errors.append(error)
            if report is not None:
                report(done, len(families))
    if len(errors) == len(families):
        raise errors[0]
    return results, reasons


def _fits(
    table: Any,
    families: list[ExponentialFamily],
    results: list[PNCriterion | None],
    folds: int,
    weights: ArrayLike | None,
) -> tuple[list[InformationCriteria], FloatArray | None]:
    """Information criteria and, with folds, cross-validated log scores."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)  # flags of the results say it already
        pairs = zip(families, results, strict=True)
        criteria = [sample_criteria(table, family, result, weights) for family, result in pairs]
        if not folds:
            return criteria, None
        return criteria, np.array([cross_validated_log_score(table, family, folds, weights) for family in families])


def _streamed(
    data: Any, families: list[ExponentialFamily], settings: StreamSettings
) -> tuple[list[PNCriterion | None], list[str], list[InformationCriteria], str]:
    """The same from one pass over a stream."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        found = stream_criteria(data, families, settings)
    errors = [item for item, _ in found if isinstance(item, Exception)]
    for error in errors:
        if not isinstance(error, _NO_ESTIMATE) or len(errors) == len(found):
            raise error
    results = [item if isinstance(item, PNCriterion) else None for item, _ in found]
    reasons = [str(item) if isinstance(item, Exception) else "" for item, _ in found]
    criteria = [criteria_of(result, loglik) for result, (_, loglik) in zip(results, found, strict=True)]
    source = next(result.source for result in results if result is not None)
    return results, reasons, criteria, source


def _size(result: PNCriterion | None, family: ExponentialFamily) -> int:
    if result is not None:
        return result.p
    try:
        return family.n_params()
    except InputError:  # the size comes from data that the model cannot be fitted to
        return 0


def _before_failure(sizes: list[int], passed: list[bool]) -> int:
    found = 0
    for p, ok in zip(sizes, passed, strict=True):
        if not ok:
            break
        found = p
    return found


def _failure_words(labels: list[str], reasons: list[str]) -> str:
    failed = [f"{label}: {reason}" for label, reason in zip(labels, reasons, strict=True) if reason]
    return "some models have no estimate in these data and count as failed: " + "; ".join(failed)
