"""Iterative proportional fitting of margins: an independent route to log-linear estimates.

Newton's method on the natural parameter is what the families use. Proportional fitting works on the table
itself, needs no parameter and no linear algebra, and converges to the same table, which makes it a check.
It also converges when margins are empty, to the limit in which their cells have probability zero.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import ConvergenceWarning, InputError
from ..core.validation import FloatArray, as_float_array, check_count, check_number
from .log_linear import check_terms

__all__ = ["fit_margins"]


def fit_margins(
    table: ArrayLike,
    terms: Iterable[Sequence[int]],
    *,
    start: ArrayLike | None = None,
    tol: float = 1e-12,
    max_iter: int = 10_000,
) -> FloatArray:
    """Return the table of probabilities that has the margins of a table and no other interaction.

    Parameters
    ----------
    table : array_like
        Counts or probabilities, non-negative.
    terms : iterable of tuple of int
        Axes of the margins to be matched; lower-order terms of these need not be listed.
    start : array_like, optional
        Positive table whose interactions outside the terms are kept; uniform if None.
    tol : float
        Largest difference of a margin at which the iteration stops.
    max_iter : int
        Largest number of sweeps over the margins.

    Returns
    -------
    ndarray of the shape of `table`
        Probabilities of sum one.

    Raises
    ------
    InputError
        For negative or no counts, or shapes that do not fit.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` sweeps do not suffice.

    Notes
    -----
    Each step multiplies the fitted table by the ratio of a wanted margin to its own (Deming and Stephan,
    1940). The limit is the information projection of the table on the hierarchical log-linear model of the
    terms, in its closure.

    Examples
    --------
    >>> fit_margins([[10, 20], [30, 40]], [(0,), (1,)]).round(12)
    array([[0.12, 0.18],
           [0.28, 0.42]])
    """
    counts = as_float_array("table", table)
    if counts.ndim == 0 or (counts < 0).any() or not counts.sum() > 0:
        raise InputError("table must be an array of non-negative counts with a positive sum")
    margins = check_terms(terms, counts.ndim)
    tolerance = check_number("tol", tol, low=0, open_low=True)
    sweeps = check_count("max_iter", max_iter, low=1)
    wanted = counts / counts.sum()
    fitted: FloatArray = _start(start, counts.shape)
    others = [tuple(axis for axis in range(counts.ndim) if axis not in term) for term in margins]
    goals = [wanted.sum(axis=axes, keepdims=True) for axes in others]
    fitted = np.asarray(fitted / fitted.sum())
    for _ in range(sweeps):
        worst = 0.0
        for axes, goal in zip(others, goals, strict=True):
            has = fitted.sum(axis=axes, keepdims=True)
            worst = max(worst, float(np.abs(has - goal).max()))
            fitted = np.asarray(fitted * np.divide(goal, has, out=np.zeros_like(goal), where=has > 0))
        if worst <= tolerance:
            return fitted
    warnings.warn(
        f"proportional fitting: margins still differ by {worst:.1e} after {sweeps} sweeps; raise max_iter",
        ConvergenceWarning,
        stacklevel=2,
    )
    return fitted


def _start(start: ArrayLike | None, shape: tuple[int, ...]) -> FloatArray:
    if start is None:
        return np.ones(shape)
    array = as_float_array("start", start)
    if array.shape != shape or not (array > 0).all():
        raise InputError(f"start must be a table of positive numbers of shape {shape}, got shape {array.shape}")
    return array
