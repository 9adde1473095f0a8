"""Families from a user's statistics on nodes of any kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import (
    BoundaryProjectionError,
    CollinearStatisticsError,
    ConstantStatisticError,
    InputError,
    InputTypeError,
    describe,
)
from ..core.user_functions import call_user
from ..core.validation import FloatArray, as_float_array, short
from .base import BoolArray, NewtonReport
from .collinearity import CONDITION_ERROR, condition_number, dependent_set
from .existence import boundary_face, face_words
from .node_family import NodeFamily, NodeModel
from .node_law import NodeLaw
from .rows import as_rows

__all__ = ["GenericFamily"]

REGISTERED = {"generic": "GenericFamily(statistic, nodes=...)"}

_LARGEST = 1e70  # fourth powers of the statistics are floats


class GenericFamily(NodeFamily):
    """Exponential family with statistics and nodes of the user's choice.

    Parameters
    ----------
    statistic : callable
        Maps rows ``(m, d)`` to statistics ``(m, p)``, row by row; ``(m,)`` if there is only one.
        One-dimensional data arrive as ``(m, 1)``.
    nodes : array_like of shape (M,) or (M, d)
        Points on which integrals are sums: a finite support, a quadrature rule, or draws from
        the base law.
    log_weights : array_like of shape (M,), optional
        Log base weight of each node: log quadrature weight plus log base density. None gives
        every node the weight one (counting measure).

    Notes
    -----
    Density ``exp(theta . xi(x) - Psi(theta))`` with respect to the base measure, ``Psi(theta) =
    log sum_b exp(theta . xi(x_b) + l_b)``. Data need not lie on the nodes; their mean statistic
    must lie inside the convex hull of the statistics of the nodes. The package cannot know how
    well the nodes stand for the measure that is meant: repeat an analysis with twice as many.
    Samples are drawn from the nodes.

    The statistics are made orthonormal on the nodes before anything is computed. Statistics that
    are affine functions of each other there are refused.

    Examples
    --------
    A truncated exponential law on [0, 1] by quadrature:

    >>> t, w = np.polynomial.legendre.leggauss(40)
    >>> family = GenericFamily(lambda x: x, nodes=(t + 1) / 2, log_weights=np.log(w / 2))
    >>> round(family.log_partition([2.0]), 12) == round(float(np.log((np.exp(2) - 1) / 2)), 12)
    True
    >>> round(float(family.mean(family.project([0.7]))[0]), 12)
    0.7
    """

    name = "generic"
    title = "generic"
    support = "R^d (finite rows)"

    def __init__(
        self,
        statistic: Callable[[FloatArray], ArrayLike],
        *,
        nodes: ArrayLike,
        log_weights: ArrayLike | None = None,
    ) -> None:
        if not callable(statistic):
            raise InputTypeError(
                describe("statistic", "a function from rows (m, d) to statistics (m, p)", short(statistic))
            )
        self.user_statistic = statistic
        points = np.array(as_float_array("nodes", nodes, ndim=(1, 2)))  # a copy: later changes are not the family's
        if len(points) < 2 or points.size == 0:
            raise InputError(f"nodes must hold at least two points, got shape {points.shape}")
        self._points = points[:, 0] if points.ndim == 2 and points.shape[1] == 1 else points
        log_mass = np.zeros(len(points)) if log_weights is None else _log_weights(log_weights, len(points))
        self._log_mass = log_mass
        table = _evaluate(statistic, self._points, None)
        self._p = int(table.shape[1])
        self._nodes_model = _GenericModel(self, table, log_mass)

    def _settings(self) -> tuple[Any, ...]:
        return (self.user_statistic, self._points.shape, self._points.tobytes(), self._log_mass.tobytes())

    def __repr__(self) -> str:
        label = getattr(self.user_statistic, "__name__", type(self.user_statistic).__name__)
        return f"GenericFamily({label}, {len(self._points)} nodes, p={self._p})"

    # ------------------------------------------------------------------ shape
    @property
    def n_columns(self) -> int:
        """Number of columns of the nodes."""
        return 1 if self._points.ndim == 1 else int(self._points.shape[1])

    def n_params(self, data: Any = None) -> int:
        """Return the number of statistics (see :class:`ExponentialFamily`)."""
        return self._p

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return the labels ``xi1``, ``xi2``, ... (see :class:`ExponentialFamily`)."""
        return [f"xi{k + 1}" for k in range(self._p)]

    def _shape(self, array: FloatArray) -> FloatArray:
        if self.n_columns == 1:
            return super()._shape(array)
        array = array.reshape(1, -1) if array.ndim == 1 else array
        if array.ndim != 2 or array.shape[1] != self.n_columns:
            raise InputError(
                f"data for the {self.title} family must have shape (m, {self.n_columns}) as its nodes, "
                f"got {array.shape}"
            )
        return array

    # -------------------------------------------------------------- data side
    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return True for every finite row (see :class:`ExponentialFamily`)."""
        return np.asarray(np.isfinite(as_rows(encoded)).all(axis=1))

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        return _evaluate(self.user_statistic, encoded, self._p)

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        return np.zeros(len(encoded))

    # ------------------------------------------------------------- model side
    def _model(self, size: int) -> NodeModel:
        return self._nodes_model

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        found = self.nodes(theta)
        return np.asarray(found.points[generator.choice(len(found.points), size=size, p=found.weights)])


class _GenericModel(NodeModel):
    """Nodes with statistics made orthonormal on them, each node counting once."""

    def __init__(self, family: GenericFamily, table: FloatArray, log_weights: FloatArray) -> None:
        self.family = family
        used = np.isfinite(log_weights)  # a node without weight is no node
        table = table[used]
        names = family.statistic_names([])
        self.offset = np.asarray(table.mean(axis=0))
        centred = table - self.offset
        scale = np.sqrt(np.mean(centred * centred, axis=0))
        constant = np.flatnonzero((table.max(axis=0) == table.min(axis=0)) | ~(scale > 0.0))
        if constant.size:
            raise ConstantStatisticError(
                "statistic must vary over the nodes in every component, constant: "
                + ", ".join(names[k] for k in constant)
                + "; leave it out"
            )
        unit = centred / scale
        correlation = unit.T @ unit / len(unit)
        if len(table) <= family.n_params() or condition_number(correlation) > CONDITION_ERROR:
            raise CollinearStatisticsError(
                "statistics must not be affine functions of each other on the nodes, dependent set: "
                + ", ".join(names[k] for k in dependent_set(correlation))
                + f" ({len(table)} nodes, {family.n_params()} statistics); leave one of them out"
            )
        # Householder triangles keep the digits that a Cholesky factor of the correlation would square away.
        _, triangle = np.linalg.qr(unit / np.sqrt(len(unit)))
        self.matrix = scale[:, None] * triangle.T
        self._scale, self._inverse = scale, np.linalg.inv(triangle)
        self.judged, self.log_mass = self.matrix, 0.0
        self._points = family._points[used]
        self._law = NodeLaw((unit @ self._inverse), log_weights[used])

    def rows(self, encoded: FloatArray) -> FloatArray:
        return np.asarray(((self.family.raw_statistic(encoded) - self.offset) / self._scale) @ self._inverse)

    def law(self, inner: FloatArray) -> NodeLaw:
        return self._law

    def points(self, inner: FloatArray) -> FloatArray:
        return self._points

    def solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        report = self._law.solve(eta, np.zeros(len(eta)) if start is None else np.asarray(start))
        if not report.converged and start is not None:
            report = self._law.solve(eta, np.zeros(len(eta)))
        if not report.converged:
            raise BoundaryProjectionError(self._reason(eta))
        return report

    def _reason(self, eta: FloatArray) -> str:
        """Where the mean statistic leaves the hull of the nodes, in the user's statistics."""
        table = self._law.statistics @ self.matrix.T + self.offset
        face = boundary_face(table, self.matrix @ eta + self.offset)
        if face is None:
            return (
                "the mean statistic is so close to the boundary of the convex support of the nodes that no parameter "
                "of finite size resolves the difference"
            )
        return face_words(face, self.family.statistic_names([]), self._points)


def _evaluate(statistic: Callable[[FloatArray], ArrayLike], encoded: FloatArray, p: int | None) -> FloatArray:
    """Statistics of rows as ``(m, p)``; axes of length one that broadcasting left behind are dropped."""
    rows = as_rows(encoded).view()
    rows.setflags(write=False)  # the function works on the caller's data
    raw = as_float_array("statistic(x)", call_user("statistic", statistic, rows), finite=False)
    m = len(rows)
    lengths = [k for k in raw.shape if k != 1]
    if raw.size == 0 and m:
        raise InputError(f"statistic must map {m} rows to an array of shape ({m}, p), got shape {raw.shape}")
    if p is None:
        p = lengths[1] if len(lengths) == 2 else 1
    if lengths != [k for k in (m, p) if k != 1]:
        raise InputError(
            f"statistic must map {m} rows to an array of shape ({m}, p){'' if p is None else f' with p = {p}'}, "
            f"got shape {raw.shape}"
        )
    table = raw.reshape(m, p)
    for inside, what in (
        (np.isfinite(table), "finite, got NaN or infinite values"),
        (np.abs(table) <= _LARGEST, f"at most {_LARGEST:g} in size, because values are multiplied, got larger ones"),
    ):
        bad = np.flatnonzero(~inside.all(axis=1))
        if bad.size:
            raise InputError(
                f"statistic must be {what} at {bad.size} of {m} points, first at {rows[bad[0]].tolist()}"
            )
    return table


def _log_weights(values: ArrayLike, count: int) -> FloatArray:
    array = as_float_array("log_weights", values, finite=False)
    if array.shape != (count,):
        raise InputError(f"log_weights must have one entry per node ({count}), got shape {array.shape}")
    if np.isnan(array).any() or (array == np.inf).any() or not np.isfinite(array).any():
        raise InputError("log_weights must be finite, or -inf for nodes without weight, but not for all of them")
    return array
