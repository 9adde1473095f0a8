"""What moments tell about data that no sample size makes usable: constant and collinear statistics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core.errors import CollinearStatisticsError, ConstantStatisticError, DataError
from ..core.validation import FloatArray
from ..families.base import ExponentialFamily
from ..families.collinearity import condition_number, dependent_set
from ..families.multivariate_normal import MultivariateNormal
from ..families.normal import Normal
from ..families.product import ProductFamily
from .checks import CONDITION_ERROR, CONDITION_WARNING
from .moment_terms import MomentEvaluation
from .streaming import StreamMoments

__all__ = ["check_conditions", "check_counts", "check_moments"]


def check_moments(state: StreamMoments) -> None:
    """Refuse moments of data with constant or collinear columns, with the messages for data in memory.

    Parameters
    ----------
    state : StreamMoments
        What the pass left.

    Raises
    ------
    BoundaryProjectionError
        If the family has no estimate in these data, which is the better message where both apply.
    ConstantStatisticError, CollinearStatisticsError
        Naming the columns.
    DataError
        For a full covariance from fewer rows than columns.
    """
    reading = state.reading
    _check_normals(state, reading.family, reading.columns, 0)
    constant = np.flatnonzero(state.low == state.high)  # a normal model has none: see above
    if constant.size:
        reading.family.solve(state.mean)
        raise ConstantStatisticError(_constant_words(reading.family.statistic_names(reading.columns), constant))


def _check_normals(state: StreamMoments, family: ExponentialFamily, columns: Sequence[str], offset: int) -> None:
    """Check the normal blocks of a family; its statistics begin at `offset`."""
    if isinstance(family, ProductFamily):
        for part, where, place in family.components:
            _check_normals(state, part, columns[where], offset + place.start)
        return
    if not isinstance(family, (Normal, MultivariateNormal)):
        return
    d = len(columns)
    linear = slice(offset, offset + d)
    constant = np.flatnonzero(state.low[linear] == state.high[linear])
    if constant.size:
        raise ConstantStatisticError(
            f"every column must vary, constant: {', '.join(columns[int(k)] for k in constant)}; drop it"
        )
    if isinstance(family, Normal) or family.structure == "diagonal":
        return
    if family.structure == "full" and state.n_rows <= d:
        raise DataError(
            f"data must have more rows than columns for a full covariance, got n = {state.n_rows} rows and d = {d} "
            "columns; add rows, drop columns, or use the family 'mvn_diagonal'"
        )
    cov = _column_covariance(state, offset, d)
    condition = condition_number(cov)
    if family.structure == "full" and condition > CONDITION_ERROR:
        raise CollinearStatisticsError(
            "columns must not be affine functions of each other, dependent set: "
            + ", ".join(columns[k] for k in dependent_set(cov))
            + f" (condition number of the correlation matrix {condition:.1e}); drop one of them"
        )


def _column_covariance(state: StreamMoments, offset: int, d: int) -> FloatArray:
    """Covariance of the columns of a normal block, in the units of the data up to scale."""
    for leaf, part in zip(state.reading.leaves, state.parts, strict=True):
        if leaf.where.start == offset:
            cov = part.covariance(0)[:d, :d]
            root = _root_of(state, offset, d)
            return np.asarray(root @ cov @ root.T)
    raise AssertionError("every block of a model has moments")


def _root_of(state: StreamMoments, offset: int, d: int) -> FloatArray:
    """Scale of the map in front of the columns of a block."""
    found = state.reading.map
    assert found is not None  # normal blocks always have one
    family, first = state.reading.family, 0
    if isinstance(family, ProductFamily):
        first = next(where.start for _, where, place in family.components if place.start == offset)
    return found.root[first : first + d, first : first + d]


def check_conditions(state: StreamMoments, found: MomentEvaluation) -> tuple[str, ...]:
    """Judge how close to collinear the statistics are: moments lose more digits than rows do.

    Parameters
    ----------
    state : StreamMoments
        What the pass left.
    found : MomentEvaluation
        The fit.

    Returns
    -------
    tuple of str
        ``("near_collinear",)`` above a condition number of 1e6, else empty.

    Raises
    ------
    CollinearStatisticsError
        Above 1e10.
    """
    worst = 1.0
    for fit in found.fits:
        family = fit.leaf.family
        if isinstance(family, MultivariateNormal):
            # Its statistics are centred and scaled by the map; what counts is how the columns depend.
            d = len(family.params(fit.theta)["mean"])
            cov = _column_covariance(state, fit.leaf.where.start, d) if d > 1 else np.ones((1, 1))
        else:
            cov = family.cov(fit.theta)
        condition = condition_number(cov)
        if condition > CONDITION_ERROR:
            raise CollinearStatisticsError(
                f"the statistics of the {family.title} family are collinear to working precision in these data "
                f"(condition number {condition:.1e}): their moments do not tell them apart; pass a sample of rows in "
                "memory"
            )
        worst = max(worst, condition)
    return ("near_collinear",) if worst > CONDITION_WARNING else ()


def check_counts(state: StreamMoments, points: FloatArray) -> None:
    """Refuse counts in which a statistic takes a single value.

    Parameters
    ----------
    state : StreamMoments
        Counts of the cells of a finite support.
    points : ndarray
        The cells as encoded rows.

    Raises
    ------
    BoundaryProjectionError
        If the family has no estimate in these data, which is the better message where both apply.
    ConstantStatisticError
        Naming the statistics.
    """
    family, counts = state.reading.family, state.counts
    assert counts is not None
    used = np.flatnonzero(counts.sum(axis=0))
    statistics = family.raw_statistic(points[used])
    constant = np.flatnonzero(statistics.max(axis=0) == statistics.min(axis=0))
    if constant.size:
        family.fit(points[used], counts.sum(axis=0)[used] / state.n_rows)
        raise ConstantStatisticError(_constant_words(family.statistic_names(state.reading.columns), constant))


def _constant_words(names: Sequence[str], constant: NDArray[np.intp]) -> str:
    listed = ", ".join(names[k] for k in constant)
    return f"every statistic must vary in the sample, constant: {listed}; drop it or use a smaller family"
