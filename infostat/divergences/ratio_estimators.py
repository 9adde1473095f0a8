"""Divergences from samples through an estimate of the density ratio p/q, or a given critic.

The logistic estimate lives here; the fits in a basis of Gaussians are in
:mod:`infostat.divergences.ratio_basis`, the bounds of a given critic in
:mod:`infostat.divergences.variational`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit

from ..core.errors import DataError, InputError, InputTypeError, describe
from ..core.samples import as_samples, same_columns
from ..core.user_functions import call_user
from ..core.validation import FloatArray, as_float_array, short
from .ratio_basis import kliep, ulsif
from .results import Estimate
from .variational import donsker_varadhan, nwj, warn_beyond_log_n

__all__ = ["donsker_varadhan", "kliep", "nwj", "ratio_logistic", "ulsif"]

Features = Callable[[FloatArray], Any]

_NEWTON_STEPS = 60
_LARGEST_LOGIT = 30.0


def ratio_logistic(X: Any, Y: Any, *, features: Features | None = None) -> Estimate:
    """Return the Kullback-Leibler divergence of two samples by logistic regression.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Sample of P; one-dimensional input is one column.
    Y : array_like of shape (m, d)
        Sample of Q.
    features : callable, optional
        Maps an (n, d) array to an (n, p) array of features without a constant; None takes all
        monomials of degree one and two, exact for two normal laws.

    Returns
    -------
    Estimate
        Value in nats, standard error by influence functions, bias note.

    Raises
    ------
    DataError
        If the columns differ, values are missing, or the features separate the samples.
    InputError
        If `features` returns something that does not fit.

    Warns
    -----
    SampleSizeWarning
        If the estimate exceeds the log of the smaller sample size.

    Notes
    -----
    A classifier of P against Q has ``log p(x)/q(x) = logit(x) + log(m/n)``. Two-fold
    cross-fitting: rows of even index are evaluated with the coefficients fitted to the odd ones
    and vice versa, and the log ratio is averaged over X. The standard error adds the spread of
    the log ratio to that of the coefficients.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> estimate = ratio_logistic(rng.normal(0, 1, 4000), rng.normal(1, 1.5, 4000))
    >>> abs(estimate.value - 0.34991) < 4 * estimate.se
    True
    """
    first, second = as_samples({"X": X, "Y": Y}, min_rows=4)
    same_columns(first, second)
    design = _design(first, second, features)
    n, m = len(first), len(second)
    label = np.concatenate([np.ones(n), np.zeros(m)])
    fold = np.concatenate([np.arange(n) % 2, np.arange(m) % 2])
    value = 0.0
    influence = np.zeros(n + m)
    for side in (0, 1):
        fit, held = fold != side, (fold == side) & (label == 1.0)
        coefficients, hessian, scores = _fit_logistic(design[fit], label[fit])
        offset = math.log(float((label[fit] == 0.0).sum())) - math.log(float(label[fit].sum()))
        ratios = design[held] @ coefficients + offset
        value += float(ratios.sum()) / n
        influence[held] += ratios / n
        influence[fit] += scores @ np.linalg.solve(hessian, design[held].sum(axis=0)) / n
    # The sizes of the two samples are fixed: each part varies around its own mean.
    parts = (influence[:n], influence[n:])
    se = math.sqrt(sum(len(part) * float(part.var(ddof=1)) for part in parts))
    warn_beyond_log_n(value, min(n, m))
    return Estimate(
        value=value,
        se=se,
        n=n,
        m=m,
        method="logistic regression of the density ratio, two-fold cross-fitting",
        bias_note="consistent only if the log ratio is a linear function of the features",
        quantity="Kullback-Leibler divergence",
    )


def _design(first: FloatArray, second: FloatArray, features: Features | None) -> FloatArray:
    pooled = np.concatenate([first, second])
    if features is None:
        # Centred and scaled first, so that squares of data far from zero are not collinear.
        scale = pooled.std(axis=0)
        unit = (pooled - pooled.mean(axis=0)) / np.where(scale > 0.0, scale, 1.0)
        i, j = np.triu_indices(pooled.shape[1])
        table = np.hstack([unit, unit[:, i] * unit[:, j]])
    else:
        if not callable(features):
            raise InputTypeError(describe("features", "a function of the rows", short(features)))
        table = as_float_array("features(X)", call_user("features", features, pooled), ndim=(1, 2))
        table = table.reshape(len(table), -1)
        if len(table) != len(pooled):
            raise InputError(f"features must return one row per observation ({len(pooled)}), got {len(table)}")
    scale = table.std(axis=0)
    kept = table[:, scale > 0.0]
    return np.column_stack([np.ones(len(table)), (kept - kept.mean(axis=0)) / scale[scale > 0.0]])


def _fit_logistic(design: FloatArray, label: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Newton's method with halved steps; returns coefficients, Hessian and scores of the rows."""
    beta = np.zeros(design.shape[1])
    loss = _logistic_loss(design, label, beta)
    for _ in range(_NEWTON_STEPS):
        probability = expit(design @ beta)
        scores = design * (label - probability)[:, None]
        hessian = design.T @ (design * (probability * (1.0 - probability))[:, None])
        try:
            step = np.linalg.solve(hessian, scores.sum(axis=0))
        except np.linalg.LinAlgError:
            raise DataError(_separated(design, label, beta)) from None
        decrement = float(scores.sum(axis=0) @ step)
        if not np.isfinite(step).all() or decrement < 0.0:
            raise DataError(_separated(design, label, beta))
        # The decrement is twice the loss still to be gained.
        if decrement <= 1e-16 * len(label):
            return beta, hessian, scores
        size = 1.0
        while size > 1e-8 and _logistic_loss(design, label, beta + size * step) > loss:
            size *= 0.5
        beta = beta + size * step
        loss = _logistic_loss(design, label, beta)
        if loss < 1e-6 * len(label):
            break
    raise DataError(_separated(design, label, beta))


def _logistic_loss(design: FloatArray, label: FloatArray, beta: FloatArray) -> float:
    logits = design @ beta
    return float((np.logaddexp(0.0, logits) - label * logits).sum())


def _separated(design: FloatArray, label: FloatArray, beta: FloatArray) -> str:
    logits = design @ beta
    if bool(((logits > 0.0) == (label == 1.0)).all()) or float(np.abs(logits).max()) > _LARGEST_LOGIT:
        return (
            "X and Y must overlap: the features separate the samples (almost) perfectly, so that the "
            "density ratio has no finite estimate; take fewer features or more data"
        )
    return "features must not be collinear: the logistic regression has no unique solution; drop columns"
