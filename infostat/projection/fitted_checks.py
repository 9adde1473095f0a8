"""Checks that need the fitted model: how close its statistics are to being affine functions of each other."""

from __future__ import annotations

import warnings

import numpy as np

from ..core.errors import BoundaryProjectionError, CollinearityWarning, CollinearStatisticsError
from ..core.validation import FloatArray
from ..families.collinearity import CONDITION_ERROR, CONDITION_WARNING, condition_number, dependent_set
from ..families.enumerated import EnumeratedFamily
from ..families.multivariate_normal import MultivariateNormal
from ..families.node_family import NodeFamily

__all__ = ["check_cells", "check_graph", "check_nodes"]


def check_cells(
    family: EnumeratedFamily, encoded: FloatArray, weights: FloatArray, stacklevel: int
) -> tuple[str, ...]:
    """Warn if the statistics of a family on finitely many cells are nearly collinear under its fitted law.

    Parameters
    ----------
    family : EnumeratedFamily
        Bound family.
    encoded : ndarray
        Encoded rows.
    weights : ndarray of shape (m,)
        Sum one.
    stacklevel : int
        For the warning.

    Returns
    -------
    tuple of str
        Empty, or ``near_collinear``.

    Raises
    ------
    BoundaryProjectionError
        If there is no estimate.
    """
    condition = condition_number(family.cov(family.fit(encoded, weights).theta))
    return _caution("statistics", condition, stacklevel + 1)


def check_nodes(
    family: NodeFamily, encoded: FloatArray, weights: FloatArray, stacklevel: int
) -> tuple[str, ...]:
    """Warn if the statistics of a family on nodes are nearly collinear under its fitted law.

    Parameters
    ----------
    family : NodeFamily
        Bound family.
    encoded : ndarray
        Encoded rows.
    weights : ndarray of shape (m,)
        Sum one.
    stacklevel : int
        For the warning.

    Returns
    -------
    tuple of str
        Empty, or ``near_collinear``.

    Raises
    ------
    BoundaryProjectionError, CollinearStatisticsError
        If there is no estimate, or none that rounding leaves alone.
    """
    condition = family.condition(family.fit(encoded, weights).theta)
    return _caution("statistics", condition, stacklevel + 1)


def check_graph(
    family: MultivariateNormal, rows: FloatArray, columns: tuple[str, ...], stacklevel: int
) -> tuple[str, ...]:
    """Judge collinearity where it matters for a normal model on a graph: in the fitted covariance.

    Parameters
    ----------
    family : MultivariateNormal
        Bound family with edges.
    rows : ndarray of shape (m, d)
        Data, no column constant.
    columns : tuple of str
        Labels.
    stacklevel : int
        For the warning.

    Returns
    -------
    tuple of str
        Empty, or ``near_collinear``.

    Raises
    ------
    CollinearStatisticsError
        If columns that depend on each other leave no estimate.
    BoundaryProjectionError
        If there is no estimate for another reason (few rows).
    """
    m, d = rows.shape
    centred = rows - rows.mean(axis=0)
    centred = centred / np.abs(centred).max(axis=0)  # so that squares stay inside the floats
    unit = centred / np.sqrt(np.mean(centred * centred, axis=0))
    sample = unit.T @ unit / m
    for i, j in family.edges:
        if (1.0 + abs(sample[i, j])) > CONDITION_ERROR * (1.0 - abs(sample[i, j])):
            raise _dependent([columns[i], columns[j]], np.inf)
    try:
        fit = family.fit(unit, np.full(m, 1.0 / m))
    except (BoundaryProjectionError, CollinearStatisticsError):
        # Products of columns square the condition number, so that the fit gives up below the limit of columns.
        if m <= d or condition_number(sample) <= CONDITION_WARNING:
            raise
        raise _dependent([columns[k] for k in dependent_set(sample)], np.inf) from None
    fitted = family.params(fit.theta)["cov"]
    condition = condition_number(fitted)
    if condition > CONDITION_ERROR:
        raise _dependent([columns[k] for k in dependent_set(fitted)], condition)
    return _caution("columns", condition, stacklevel + 1)


def _dependent(labels: list[str], condition: float) -> CollinearStatisticsError:
    size = "" if np.isinf(condition) else f" (condition number of the fitted correlation matrix {condition:.1e})"
    return CollinearStatisticsError(
        f"columns must not be affine functions of each other, dependent set: {', '.join(labels)}{size}; drop one of "
        "them, or an edge between them"
    )


def _caution(what: str, condition: float, stacklevel: int) -> tuple[str, ...]:
    if condition <= CONDITION_WARNING:
        return ()
    warnings.warn(
        f"{what} are nearly collinear under the fitted law (condition number of their correlation matrix "
        f"{condition:.1e}); results may lose digits",
        CollinearityWarning,
        stacklevel=stacklevel + 1,
    )
    return ("near_collinear",)
