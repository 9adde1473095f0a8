"""Exponential family on a finite list of points with statistics of the user's choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import CollinearStatisticsError, ConstantStatisticError, InputError, InputTypeError
from ..core.user_functions import call_user
from ..core.validation import FloatArray, as_float_array, short
from .collinearity import CONDITION_ERROR, condition_number, dependent_set
from .enumerated import Cells, EnumeratedFamily, check_size
from .point_index import PointIndex

__all__ = ["FiniteSupport"]

REGISTERED = {"finite_support": "FiniteSupport(points)"}

_LARGEST = 1e70  # fourth powers of the statistics are floats


class FiniteSupport(EnumeratedFamily):
    """Laws of exponential form on finitely many points of your own.

    Parameters
    ----------
    points : array_like of shape (M,) or (M, d)
        The support; points of one dimension are one variable.
    statistic : callable or array_like, optional
        Maps the points, in the shape given, to the statistics ``(M, p)`` or ``(M,)``; or these values
        themselves. None is the identity: the variables are the statistics.
    log_base : array_like of shape (M,), optional
        Log of the base measure h; None is the uniform base (counting measure). Points with ``-inf``
        leave the support.

    Raises
    ------
    InputError
        If points repeat, or shapes do not fit.
    ConstantStatisticError, CollinearStatisticsError
        If theta would not be identified on these points.

    Notes
    -----
    Everything is a sum over the points: ``Psi(theta) = log sum_i h_i exp(theta . xi_i)``, projections by
    Newton's method, cumulants exactly. Data must equal points of the support. The estimate exists if the
    mean statistic lies inside the convex hull of the statistics; the probability that it does not is
    positive in every finite sample, so risks of these families are conditional on an interior estimate.

    Examples
    --------
    >>> family = FiniteSupport([0, 1, 2])
    >>> theta = family.project([0.9])
    >>> theta.round(8)
    array([-0.15056611])
    >>> family.probabilities(theta).round(4)
    array([0.3846, 0.3308, 0.2846])
    >>> FiniteSupport([0, 1, 2, 3], lambda x: np.column_stack([x, x**2])).n_params()
    2
    """

    name = "finite_support"
    title = "finite-support"
    support = "its points"

    def __init__(
        self,
        points: ArrayLike,
        statistic: Callable[[FloatArray], ArrayLike] | ArrayLike | None = None,
        *,
        log_base: ArrayLike | None = None,
    ) -> None:
        array = np.array(as_float_array("points", points, ndim=(1, 2)))  # a copy, to be frozen
        if len(array) < 2 or array.size == 0:
            raise InputError(f"points must hold at least two points, got shape {array.shape}")
        values = _statistics(array, statistic)
        check_size(len(values), values.shape[1], self.title)
        base = _log_base(log_base, len(array))
        PointIndex.of(array).refuse_repeats()
        keep = np.isfinite(base)
        if keep.sum() < 2:
            raise InputError("log_base must be finite for at least two points")
        array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
        names = self._refuse_unidentified(values[keep], 1 if array.ndim == 1 else array.shape[1], statistic)
        self._names = names
        self._cells = Cells.of(array[keep], values[keep], base[keep])
        self._index = PointIndex.of(self._cells.points)

    @staticmethod
    def _refuse_unidentified(values: FloatArray, d: int, statistic: Any) -> tuple[str, ...] | None:
        """Check that theta is identified; return labels of statistics that are not the variables."""
        names = None if statistic is None else _labels(values.shape[1], statistic)
        shown = [f"x{k}" for k in range(d)] if names is None else names
        constant = np.flatnonzero(values.max(axis=0) == values.min(axis=0))
        if constant.size:
            raise ConstantStatisticError(
                "every statistic must vary over the points, constant: "
                + ", ".join(shown[k] for k in constant)
                + "; leave it out"
            )
        # Divided by the range first, so that squares stay inside the floats.
        unit = (values - values.mean(axis=0)) / np.ptp(values, axis=0)
        cov = unit.T @ unit / len(unit)
        if values.shape[1] >= len(values) or condition_number(cov) > CONDITION_ERROR:
            dependent = dependent_set(cov)
            raise CollinearStatisticsError(
                "statistics must not be affine functions of each other on the points, dependent set: "
                + ", ".join(shown[k] for k in dependent)
                + f" ({len(values)} points carry at most {len(values) - 1} statistics); leave one of them out"
            )
        return names

    # ------------------------------------------------------------------ shape
    @property
    def points(self) -> FloatArray:
        """The support, ``(M,)`` or ``(M, d)``."""
        return self._cells.points

    @property
    def n_columns(self) -> int:
        """Number of variables of a point."""
        return 1 if self._cells.points.ndim == 1 else self._cells.points.shape[1]

    def n_params(self, data: Any = None) -> int:
        """Return the number of statistics (see :class:`ExponentialFamily`)."""
        return int(self._cells.statistics.shape[1])

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return the columns, or numbered labels (see :class:`ExponentialFamily`)."""
        return list(columns) if self._names is None else list(self._names)

    # -------------------------------------------------------------- data side
    def _shape(self, array: FloatArray) -> FloatArray:
        if self.n_columns == 1:
            return super()._shape(array)
        rows = array[None, :] if array.ndim == 1 else array
        if rows.ndim != 2 or rows.shape[1] != self.n_columns:
            raise InputError(
                f"data for this finite-support family must have {self.n_columns} columns, got shape {array.shape}"
            )
        return rows

    def cells(self) -> Cells:
        """Return the points with their statistics (see :class:`EnumeratedFamily`)."""
        return self._cells

    def cell_index(self, encoded: FloatArray) -> NDArray[np.intp]:
        """Return the position of each row among the points (see :class:`EnumeratedFamily`)."""
        return self._index.find(encoded)

    def _settings(self) -> tuple[Any, ...]:
        cells = self._cells
        arrays = (cells.points, cells.statistics, cells.log_base)
        return (self._names, *(part for a in arrays for part in (a.shape, a.tobytes())))

    def __repr__(self) -> str:
        base = ", log_base=..." if self._cells.log_base.any() else ""
        form = "" if self._names is None else f", p={self.n_params()}"
        return f"FiniteSupport({short(self._cells.points.tolist())}{form}{base})"


def _statistics(points: FloatArray, statistic: Any) -> FloatArray:
    """Values of the statistic at the points, (M, p)."""
    if statistic is None:
        name, values = "points", points.reshape(len(points), -1)
    elif not callable(statistic):
        name, values = "statistic", as_float_array("statistic", statistic)
    else:
        shown = points.view()
        shown.setflags(write=False)
        name, values = "the values of statistic", as_float_array(
            "the values of statistic", call_user("statistic", statistic, shown)
        )
    values = values[:, None] if values.ndim == 1 else values
    if np.abs(values).max(initial=0.0) > _LARGEST:
        raise InputError(f"{name} must be below {_LARGEST:g} in size, because they are multiplied; rescale them")
    if values.ndim != 2 or len(values) != len(points) or values.shape[1] == 0:
        raise InputError(
            f"{name} must have one row per point, ({len(points)}, p), got shape {values.shape}; "
            "a callable gets all points at once, in the shape in which they were given"
        )
    return np.array(values)


def _labels(p: int, statistic: Any) -> tuple[str, ...]:
    word = getattr(statistic, "__name__", "statistic")
    word = "statistic" if word == "<lambda>" else word
    return (word,) if p == 1 else tuple(f"{word}_{k + 1}" for k in range(p))


def _log_base(log_base: ArrayLike | None, n_points: int) -> FloatArray:
    if log_base is None:
        return np.zeros(n_points)
    base = as_float_array("log_base", log_base, finite=False)
    if base.shape != (n_points,):
        raise InputError(f"log_base must have one entry per point ({n_points}), got shape {base.shape}")
    if np.isnan(base).any() or (base == np.inf).any():
        raise InputTypeError("log_base must hold finite numbers or -inf, got NaN or +inf")
    return np.array(base)
