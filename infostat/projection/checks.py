"""From what the user passed to encoded rows, with errors that name the columns."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.data import Table, matrix, read_table
from ..core.errors import (
    CollinearityWarning,
    CollinearStatisticsError,
    ConstantStatisticError,
    DataError,
    InputError,
)
from ..core.validation import FloatArray, check_number, check_weights
from ..families.base import ExponentialFamily
from ..families.enumerated import EnumeratedFamily
from ..families.multivariate_normal import MultivariateNormal
from ..families.node_family import NodeFamily
from ..families.normal import Normal
from ..families.registry import get_family
from .fitted_checks import check_cells, check_graph, check_nodes

__all__ = ["Prepared", "prepare"]

CONDITION_ERROR = 1e10
CONDITION_WARNING = 1e6
MIN_ROWS = 3
LARGEST_N = 1e100  # squares of sample sizes are floats
_LARGEST = 1e70  # fourth powers of the data must be finite


@dataclass(frozen=True)
class Prepared:
    """Data ready for evaluation.

    Attributes
    ----------
    family : ExponentialFamily
        Family with its sizes bound.
    encoded : ndarray
        Rows as the family computes with them.
    weights : ndarray of shape (m,)
        Sum one.
    n : float
        Sample size: rows, or `n_effective`.
    columns : tuple of str
        Column labels.
    source : str
        Where the data came from.
    flags : tuple of str
        Cautions found on the way.
    """

    family: ExponentialFamily
    encoded: FloatArray
    weights: FloatArray
    n: float
    columns: tuple[str, ...]
    source: str
    flags: tuple[str, ...]


def prepare(
    data: Any,
    family: str | ExponentialFamily,
    weights: ArrayLike | None = None,
    n_effective: float | None = None,
    *,
    stacklevel: int = 3,
) -> Prepared:
    """Read, check and encode data for a family.

    Parameters
    ----------
    data : array_like, DataFrame, Series, Table or path
        Observations by rows.
    family : str or ExponentialFamily
        The model.
    weights : array_like of shape (n,), optional
        Non-negative row weights.
    n_effective : float, optional
        Sample size behind the weights; the row count if None.
    stacklevel : int
        For warnings, so that they point at the caller's line.

    Returns
    -------
    Prepared
        Encoded rows and what belongs to them.

    Raises
    ------
    DataError
        For missing values, too few rows, constant or collinear columns, rows
        outside the support.
    """
    chosen = get_family(family)
    table = read_table(data)
    columns = tuple(table.frame.columns)
    if chosen.n_columns is not None and len(columns) != chosen.n_columns:
        raise InputError(_column_message(chosen, columns))
    values = _values(table, chosen)
    bound = chosen.bind(values)
    encoded = bound.encode(values)
    checked = check_weights(weights, len(encoded))
    n = float(len(encoded))
    if n_effective is not None:
        n = check_number("n_effective", n_effective, low=2, high=LARGEST_N, open_low=True)
    flags: tuple[str, ...] = ()
    if isinstance(bound, (Normal, MultivariateNormal)):
        rows = encoded.reshape(len(encoded), -1)[checked > 0]
        flags = _check_normal(rows, columns, bound, stacklevel)
    else:
        _check_constant(bound, encoded[checked > 0], checked[checked > 0], columns)
    if isinstance(bound, NodeFamily):
        flags = check_nodes(bound, encoded, checked, stacklevel)
    if isinstance(bound, EnumeratedFamily):
        flags = check_cells(bound, encoded, checked, stacklevel)
    return Prepared(bound, encoded, checked, n, columns, table.source, flags)


def _column_message(family: ExponentialFamily, columns: tuple[str, ...]) -> str:
    shown = ", ".join(columns[:12]) + (", ..." if len(columns) > 12 else "")
    cure = "select one with columns (command line: --columns NAME)" if family.n_columns == 1 else (
        "select as many columns as the family has"
    )
    return (
        f"data for the {family.title} family must have {family.n_columns} column"
        f"{'' if family.n_columns == 1 else 's'}, got {len(columns)} ({shown}); {cure}"
        + ("; for all of them together use the family 'mvn'" if family.n_columns == 1 else "")
    )


def _values(table: Table, family: ExponentialFamily) -> Any:
    """Numbers as a matrix; tables with labels (categorical columns) as a frame."""
    if not family.accepts_labels:
        return matrix(table, min_rows=MIN_ROWS)
    frame = table.frame
    if len(frame) < MIN_ROWS:
        raise DataError(f"data must have at least {MIN_ROWS} rows, got {len(frame)}")
    missing = frame.isna().sum()
    if missing.any():
        counts = ", ".join(f"{name}: {int(k)}" for name, k in missing.items() if k)
        raise DataError(f"data must have no missing values, got {counts}; drop or impute these rows")
    return frame


def _check_constant(
    family: ExponentialFamily, encoded: FloatArray, weights: FloatArray, columns: tuple[str, ...]
) -> None:
    """A statistic with a single value makes G singular in a way no sample size cures."""
    if isinstance(family, EnumeratedFamily):
        statistics = family.cells().statistics[np.unique(family.cell_index(encoded))]
    else:
        statistics = family.raw_statistic(encoded)
    constant = np.flatnonzero(statistics.max(axis=0) == statistics.min(axis=0))
    if constant.size:
        # The projection comes first: where the family has no estimate at all, that is the better message.
        family.fit(encoded, weights / weights.sum())
        names = family.statistic_names(columns)
        raise ConstantStatisticError(
            "every statistic must vary in the sample, constant: "
            + ", ".join(names[k] for k in constant)
            + "; drop it or use a smaller family"
        )


def _check_normal(
    rows: FloatArray, columns: tuple[str, ...], family: ExponentialFamily, stacklevel: int
) -> tuple[str, ...]:
    constant = np.flatnonzero(rows.max(axis=0) == rows.min(axis=0))
    if constant.size:
        raise ConstantStatisticError(
            f"every column must vary, constant: {', '.join(columns[k] for k in constant)}; drop it"
        )
    size = np.abs(rows - rows.mean(axis=0)).max(axis=0) if np.abs(rows).max() < _LARGEST else np.full(1, np.inf)
    if not ((size > 1.0 / _LARGEST) & (size < _LARGEST)).all():
        raise DataError(
            f"columns must spread over magnitudes between {1.0 / _LARGEST:g} and {_LARGEST:g}, because their "
            "products are taken; rescale the columns"
        )
    if not isinstance(family, MultivariateNormal) or family.structure == "diagonal":
        return ()
    if family.is_graph:
        return check_graph(family, rows, columns, stacklevel + 1)
    n, d = rows.shape
    if n <= d:
        raise DataError(
            f"data must have more rows than columns for a full covariance, got n = {n} rows and "
            f"d = {d} columns; add rows, drop columns, or use the family 'mvn_diagonal'"
        )
    centred = rows - rows.mean(axis=0)
    centred = centred / np.abs(centred).max(axis=0)  # so that squares stay inside the floats
    unit = centred / np.sqrt(np.mean(centred * centred, axis=0))
    condition = _condition(unit.T @ unit / n)
    if condition > CONDITION_ERROR:
        dependent = _dependent_set(unit)
        raise CollinearStatisticsError(
            "columns must not be affine functions of each other, dependent set: "
            + ", ".join(columns[k] for k in dependent)
            + f" (condition number of the correlation matrix {condition:.1e}); drop one of them"
        )
    if condition > CONDITION_WARNING:
        warnings.warn(
            f"columns are nearly collinear (condition number of the correlation matrix {condition:.1e}); "
            "results may lose digits",
            CollinearityWarning,
            stacklevel=stacklevel + 1,
        )
        return ("near_collinear",)
    return ()


def _condition(correlation: FloatArray) -> float:
    eigenvalues = np.linalg.eigvalsh(correlation)
    smallest = float(eigenvalues[0])
    return float(eigenvalues[-1]) / smallest if smallest > 0 else np.inf


def _dependent_set(unit: FloatArray) -> list[int]:
    """Smallest set of columns ending in the first one that depends on its predecessors."""
    tolerance = np.sqrt(1.0 / CONDITION_ERROR)
    independent: list[int] = []
    for k in range(unit.shape[1]):
        target = unit[:, k]
        if independent:
            basis = unit[:, independent]
            coefficients, *_ = np.linalg.lstsq(basis, target, rcond=None)
            residual = target - basis @ coefficients
            if np.sqrt(np.mean(residual**2)) < 10.0 * tolerance:
                used = [independent[m] for m in np.flatnonzero(np.abs(coefficients) > 1e-4)]
                return [*used, k]
        independent.append(k)
    # The dependence is spread thinly: name the columns of the smallest eigenvector.
    _, vectors = np.linalg.eigh(unit.T @ unit)
    return [int(k) for k in np.flatnonzero(np.abs(vectors[:, 0]) > 0.1)]
