"""How well the models of a sequence fit: information criteria and cross-validated log scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import BoundaryProjectionError, DataError, InputError
from ..core.validation import check_weights
from ..families.base import ExponentialFamily
from .checks import prepare
from .criterion_result import PNCriterion
from .results import InformationCriteria

__all__ = ["criteria_of", "cross_validated_log_score", "sample_criteria"]

_NONE = InformationCriteria(np.nan, np.nan, np.nan, np.nan, np.nan, 0)


def sample_criteria(
    table: Any, family: ExponentialFamily, result: PNCriterion | None, weights: ArrayLike | None
) -> InformationCriteria:
    """Return the information criteria that belong to a criterion, without another fit.

    Parameters
    ----------
    table : Table
        The data.
    family : ExponentialFamily
        The model.
    result : PNCriterion or None
        Its criterion; None where the model has no estimate.
    weights : array_like or None
        Row weights.

    Returns
    -------
    InformationCriteria
        All nan where there is no estimate or no log density.
    """
    if result is None or result.theta is None:
        return _NONE
    ready = prepare(table, family, weights)
    try:
        log_density = ready.family.encoded_logpdf(ready.encoded, result.theta)
    except InputError:  # no normalising constant
        return _NONE
    return criteria_of(result, float(ready.weights @ log_density))


def criteria_of(result: PNCriterion | None, mean_loglik: float) -> InformationCriteria:
    """Return the information criteria that belong to a criterion and a mean log-likelihood.

    Parameters
    ----------
    result : PNCriterion or None
        The criterion.
    mean_loglik : float
        Nats per row.

    Returns
    -------
    InformationCriteria
        All nan where there is no estimate or no likelihood.
    """
    if result is None or not np.isfinite(mean_loglik):  # the density vanishes at a row
        return _NONE
    loglik = result.n * mean_loglik
    penalty, opt2 = result.terms.T0, result.terms.opt2
    return InformationCriteria(
        aic=-2.0 * loglik + 2.0 * result.p,
        tic=-2.0 * loglik + 2.0 * penalty,
        tic2=-2.0 * loglik + 2.0 * (penalty + opt2 / result.n),
        loglik=loglik,
        n=result.n,
        p=result.p,
        family=result.family,
    )


def cross_validated_log_score(
    table: Any, family: ExponentialFamily, folds: int, weights: ArrayLike | None = None
) -> float:
    """Return the mean log density of rows under the model fitted to the other folds.

    Parameters
    ----------
    table : Table
        The data; row i belongs to fold i modulo `folds`.
    family : ExponentialFamily
        The model.
    folds : int
        Number of folds.
    weights : array_like, optional
        Row weights.

    Returns
    -------
    float
        Nats per row; ``-inf`` if a row is impossible under such a fit, nan where a fold has no estimate.

    Raises
    ------
    InputError
        If there are more folds than a third of the rows.
    """
    checked = check_weights(weights, len(table.frame))
    n = len(checked)
    if folds > n // 3:
        raise InputError(f"folds must be at most a third of the rows ({n // 3}), got {folds}")
    try:
        ready = prepare(table, family, weights)
        fold = np.arange(n) % folds
        total = 0.0
        for k in range(folds):
            inside = np.where(fold == k, 0.0, checked)
            fitted = ready.family.fit(ready.encoded, inside / inside.sum())
            held = fold == k
            log_density = ready.family.encoded_logpdf(ready.encoded[held], fitted.theta)
            total += float(checked[held] @ log_density)
        return total / float(checked.sum())
    except (BoundaryProjectionError, DataError):
        return float("nan")
