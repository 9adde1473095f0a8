"""Pairwise binary (Ising) family on any graph."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError
from ..core.validation import FloatArray, as_float_array, check_count, short
from .edge_lists import Edges, check_edges
from .enumerated import MAX_CELLS, SHARE, Cells, EnumeratedFamily
from .rows import as_rows, data_shape

__all__ = ["Ising"]

REGISTERED = {"ising": "Ising()", "ising_independent": "Ising(edges=())"}

_MAX_VARS = int(math.log2(MAX_CELLS))
_OUTSIDE = -1


class Ising(EnumeratedFamily):
    """Binary variables with a field each and a coupling per edge of a graph.

    Parameters
    ----------
    n_vars : int, optional
        Number of variables, at most 14; None takes it from the data.
    edges : iterable of (int, int), optional
        Pairs of 0-based column indices that are coupled; None couples every pair, an empty list makes
        the variables independent.

    Notes
    -----
    Data are rows of 0 and 1, statistics ``x_i``, then ``x_i x_j`` for the edges ``i < j`` in lexicographic
    order, natural parameter the fields followed by the couplings. All ``2^d`` cells are enumerated. The
    estimate exists if the mean statistic is inside the convex hull of the cells' statistics. Each coupled pair
    must show all four combinations; that is necessary, and where it does not suffice the projection finds out
    and names the direction and the cells.

    Examples
    --------
    >>> family = Ising(2)
    >>> theta = family.natural(field=[0.2, -0.4], coupling=[1.0])
    >>> family.mean(theta).round(6)
    array([0.673591, 0.5659  , 0.434908])
    >>> Ising(3, edges=[(1, 2)]).statistic_names(["a", "b", "c"])
    ['a', 'b', 'c', 'b*c']
    """

    name = "ising"
    title = "Ising"
    support = "{0, 1} in every column"
    parameter_names = ("field", "coupling")

    def __init__(self, n_vars: int | None = None, edges: Iterable[tuple[int, int]] | None = None) -> None:
        self._edges = None if edges is None else check_edges(edges)
        self.n_vars = None if n_vars is None else _check_vars(n_vars, "n_vars")
        if self._edges and self.n_vars is not None:
            last = max(j for _, j in self._edges)
            if last >= self.n_vars:
                raise InputError(
                    f"edges must hold indices from 0 to {self.n_vars - 1} (n_vars = {self.n_vars}), got {last}"
                )

    # ------------------------------------------------------------------ shape
    @property
    def edges(self) -> Edges | None:
        """Coupled pairs in order (None: every pair)."""
        return self._edges

    @property
    def n_columns(self) -> int | None:
        """Number of variables, or None if it is taken from the data."""
        return self.n_vars

    def bind(self, data: Any) -> Self:
        """Return the family with as many variables as `data` has columns.

        Parameters
        ----------
        data : array_like or DataFrame
            Rows of 0 and 1.

        Returns
        -------
        Ising
            `self` if the number of variables is known.

        Raises
        ------
        InputError
            If the number of columns does not fit the family.
        """
        shape = data_shape(data)
        if self.n_vars is None:
            width = shape[1] if len(shape) == 2 else 1
            return type(self)(_check_vars(width, "the number of columns of the data"), self._edges)
        if len(shape) == 2 and shape[1] != self.n_vars:
            raise InputError(f"data must have n_vars = {self.n_vars} columns, got {shape[1]}")
        return self

    def n_params(self, data: Any = None) -> int:
        """Return the number of variables and edges (see :class:`ExponentialFamily`)."""
        if data is None and self.n_vars is None:
            raise InputError("n_vars must be given, or pass the data: the number of variables is not known yet")
        bound = self if data is None else self.bind(data)
        return bound._known() + len(bound._pairs())

    def _known(self) -> int:
        if self.n_vars is None:
            raise InputError("n_vars must be given, or call bind(data) first: the number of variables is not known")
        return self.n_vars

    def _pairs(self) -> Edges:
        return tuple(combinations(range(self._known()), 2)) if self._edges is None else self._edges

    def _size_of(self, p: int) -> int | None:
        """Number of variables that belongs to p parameters, or None."""
        if self.n_vars is not None:
            return self.n_vars if p == self.n_params() else None
        d = (math.isqrt(8 * p + 1) - 1) // 2 if self._edges is None else p - len(self._edges)
        least = 1 + max((j for _, j in self._edges or ()), default=0)
        fits = self._edges is not None or d * (d + 1) // 2 == p
        return d if fits and least <= d <= _MAX_VARS else None

    def _length_fits(self, size: int) -> bool:
        return self._size_of(size) is not None

    def _sized(self, p: int) -> Self:
        return self if self.n_vars is not None else type(self)(self._size_of(p), self._edges)

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return the columns and ``a*b`` for each edge (see :class:`ExponentialFamily`)."""
        bound = self if self.n_vars is not None else type(self)(len(columns), self._edges)
        return [*columns, *(f"{columns[i]}*{columns[j]}" for i, j in bound._pairs())]

    # -------------------------------------------------------------- data side
    def _shape(self, array: FloatArray) -> FloatArray:
        if array.ndim == 1:
            # A vector is one column of observations unless the family says it is one row.
            array = array.reshape(1, -1) if self.n_vars not in (None, 1) else array.reshape(-1, 1)
        if array.ndim != 2 or (self.n_vars is not None and array.shape[1] != self.n_vars):
            wanted = "(m, d)" if self.n_vars is None else f"(m, {self.n_vars})"
            raise InputError(f"data of the Ising family must have shape {wanted}, got {array.shape}")
        return array

    def cells(self) -> Cells:
        """Return all rows of 0 and 1 with their statistics (see :class:`EnumeratedFamily`)."""
        return _cells(self._known(), self._pairs())

    def cell_index(self, encoded: FloatArray) -> NDArray[np.intp]:
        """Return the number that each row spells in base two (see :class:`EnumeratedFamily`)."""
        rows = as_rows(encoded)
        binary = ((rows == 0.0) | (rows == 1.0)).all(axis=1)
        bits = np.where(binary[:, None], rows, 0.0)
        index = np.where(binary, bits @ 2.0 ** np.arange(rows.shape[1] - 1, -1, -1), _OUTSIDE)
        return np.asarray(index, dtype=np.intp)

    # ------------------------------------------------------------- projection
    def _exposed(self, eta: FloatArray) -> FloatArray:
        """Ends of ranges, and combinations of two coupled variables that do not occur."""
        found = [super()._exposed(eta)]
        for k, (i, j) in enumerate(self._pairs(), start=self._known()):
            # Probabilities of (1, 0), (0, 1) and (0, 0) as linear forms of the statistics.
            for constant, signs in ((0.0, (1, 0, -1)), (0.0, (0, 1, -1)), (1.0, (-1, -1, 1))):
                if constant + signs[0] * eta[i] + signs[1] * eta[j] + signs[2] * eta[k] <= SHARE:
                    direction = np.zeros(len(eta))
                    direction[[i, j, k]] = -np.array(signs, dtype=np.float64)
                    found.append(direction[None])
        return np.vstack(found)

    # ------------------------------------------------- conversions and sampling
    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``field`` of each variable and ``coupling`` of each edge (see :class:`ExponentialFamily`)."""
        parameter = self.check_theta(theta)
        d = self._sized(len(parameter))._known()
        return {"field": parameter[:d], "coupling": parameter[d:]}

    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        field = np.atleast_1d(as_float_array("field", params["field"], ndim=(0, 1)))
        coupling = np.atleast_1d(as_float_array("coupling", params["coupling"], ndim=(0, 1)))
        bound = self if self.n_vars is not None else type(self)(len(field), self._edges)
        if len(field) != bound._known() or len(coupling) != len(bound._pairs()):
            raise InputError(
                f"field and coupling must have one entry per variable ({bound._known()}) and per edge "
                f"({len(bound._pairs())}), got {len(field)} and {len(coupling)}"
            )
        return np.concatenate([field, coupling])

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        return super()._sample(theta, size, generator).astype(np.int64)

    def _settings(self) -> tuple[Any, ...]:
        return (self.n_vars, self._edges)

    def __repr__(self) -> str:
        parts = [] if self.n_vars is None else [f"n_vars={self.n_vars}"]
        parts += [] if self._edges is None else [f"edges={short(list(self._edges))}"]
        return f"Ising({', '.join(parts)})"


def _check_vars(n_vars: Any, name: str) -> int:
    return check_count(
        name,
        n_vars,
        low=1,
        high=_MAX_VARS,
        cure="the Ising family enumerates 2^d cells; with more variables use TiltedBase with ([0, 1], [0.5, 0.5]) "
        "as the base of each column, or ProductFamily of smaller blocks",
    )


@lru_cache(maxsize=4)
def _cells(n_vars: int, edges: Edges) -> Cells:
    """The 2^d rows in lexicographic order; up to 14 MB, shared by all families of this shape."""
    powers = np.arange(n_vars - 1, -1, -1)
    points = ((np.arange(1 << n_vars)[:, None] >> powers) & 1).astype(np.float64)
    i, j = (np.array([edge[side] for edge in edges], dtype=np.intp) for side in (0, 1))
    return Cells.of(points, np.hstack([points, points[:, i] * points[:, j]]))
