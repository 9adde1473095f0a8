"""Log-linear models of contingency tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import CollinearStatisticsError, InputError, InputTypeError, describe
from ..core.validation import FloatArray, check_count, short
from .base import BoolArray
from .enumerated import MAX_CELLS, SHARE, Cells, EnumeratedFamily, check_size
from .rows import as_rows, entries_of

__all__ = ["LogLinear", "check_shape", "check_terms"]

REGISTERED = {"log_linear": "LogLinear(shape, terms)"}

_OUTSIDE = -1

Terms = tuple[tuple[int, ...], ...]


class LogLinear(EnumeratedFamily):
    """Log-linear model of a table of counts.

    Parameters
    ----------
    shape : sequence of int
        Number of levels of each variable, at most 2^14 cells in all.
    terms : iterable of tuple of int
        Interactions as tuples of 0-based axes, in the order of the statistics; ``(0,)`` is a main effect.
        Lower-order terms are listed by the caller: a model with ``(0, 1)`` that is to be hierarchical
        lists ``(0,)`` and ``(1,)`` as well.

    Notes
    -----
    Data are rows of 0-based level indices. The statistics of a term are the products of the indicators of
    all levels but the last of its axes, in lexicographic order, so that the last level of each variable is
    the reference. A hierarchical model does not depend on this choice, others do. A table of counts is
    analysed as its cells with ``weights=counts.ravel()`` and ``n_effective=counts.sum()``.

    Examples
    --------
    >>> family = LogLinear((2, 3), [(0,), (1,)])
    >>> family.n_params(), family.hierarchical
    (3, True)
    >>> rows = [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [1, 2]]
    >>> family.table(family.project(family.statistic(rows).mean(axis=0))).round(4)
    array([[0.0833, 0.1667, 0.25  ],
           [0.0833, 0.1667, 0.25  ]])
    """

    name = "log_linear"
    title = "log-linear"
    support = "the level indices of its table"

    def __init__(self, shape: Sequence[int], terms: Iterable[Sequence[int]]) -> None:
        self._table_shape = check_shape(shape)
        self._terms = check_terms(terms, len(self._table_shape))
        n_cells, p = math.prod(self._table_shape), self.n_params()
        if p >= n_cells:
            raise CollinearStatisticsError(
                f"terms give {p} statistics, but a table of {n_cells} cells carries {n_cells - 1} at most"
            )
        check_size(n_cells, p, self.title)

    # ------------------------------------------------------------------ shape
    @property
    def shape(self) -> tuple[int, ...]:
        """Number of levels of each variable."""
        return self._table_shape

    @property
    def terms(self) -> Terms:
        """Interactions in the order of the statistics."""
        return self._terms

    @property
    def hierarchical(self) -> bool:
        """Whether every term is listed with all its lower-order terms."""
        return all(self._closed(term) for term in self._terms)

    def _closed(self, term: tuple[int, ...]) -> bool:
        return all(lower in self._terms for lower in _subsets(term) if lower)

    @property
    def n_columns(self) -> int:
        """Number of variables."""
        return len(self._table_shape)

    def n_params(self, data: Any = None) -> int:
        """Return the number of indicator products (see :class:`ExponentialFamily`)."""
        return sum(self._width(term) for term in self._terms)

    def _width(self, term: tuple[int, ...]) -> int:
        return math.prod(self._table_shape[axis] - 1 for axis in term)

    def _slices(self) -> dict[tuple[int, ...], slice]:
        ends = np.cumsum([0, *(self._width(term) for term in self._terms)])
        return {t: slice(int(a), int(b)) for t, a, b in zip(self._terms, ends[:-1], ends[1:], strict=True)}

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return labels such as ``a=0`` and ``a=0*b=1`` (see :class:`ExponentialFamily`)."""
        return [
            "*".join(f"{columns[axis]}={level}" for axis, level in zip(term, levels, strict=True))
            for term in self._terms
            for levels in product(*(range(self._table_shape[axis] - 1) for axis in term))
        ]

    # -------------------------------------------------------------- data side
    def _shape(self, array: FloatArray) -> FloatArray:
        d = self.n_columns
        if d == 1:
            return super()._shape(array)
        rows = array[None, :] if array.ndim == 1 else array
        if rows.ndim != 2 or rows.shape[1] != d:
            raise InputError(
                f"data for this log-linear family must have {d} columns of level indices, got shape {array.shape}; "
                "pass a table of counts as its cells with weights="
            )
        return rows

    def cells(self) -> Cells:
        """Return the cells of the table with their statistics (see :class:`EnumeratedFamily`)."""
        return _cells(self._table_shape, self._terms)

    def cell_index(self, encoded: FloatArray) -> NDArray[np.intp]:
        """Return the position of each row in the raveled table (see :class:`EnumeratedFamily`)."""
        rows = as_rows(encoded)
        inside = ((rows >= 0) & (rows < np.array(self._table_shape)) & (rows == np.floor(rows))).all(axis=1)
        codes = np.where(inside[:, None], rows, 0.0).astype(np.intp)
        return np.asarray(np.where(inside, np.ravel_multi_index(tuple(codes.T), self._table_shape), _OUTSIDE))

    # ------------------------------------------------------------- projection
    def _exposed(self, eta: FloatArray) -> FloatArray:
        """Ends of ranges, and empty cells of the margins that the terms fix."""
        found = [super()._exposed(eta)]
        slices = self._slices()
        for term in self._terms:
            if self._closed(term):
                empty = self._margin(term, eta, slices) <= SHARE
                if empty.any():
                    found.append(self._against(term, empty, slices)[None])
        return np.vstack(found)

    def _margin(self, term: tuple[int, ...], eta: FloatArray, slices: dict[tuple[int, ...], slice]) -> FloatArray:
        """The marginal table of a term from mean statistics; the term's lower-order terms are all there."""
        # The last position of an axis first stands for "summed over this axis".
        table = np.empty([self._table_shape[axis] for axis in term])
        for lower in _subsets(term):
            values = eta[slices[lower]] if lower else np.ones(1)
            block = table[self._block(term, lower)]
            block[...] = values.reshape(block.shape)
        for axis in range(len(term)):
            last, others = _ends(table, axis)
            last -= others.sum(axis=axis)
        return table

    def _against(
        self, term: tuple[int, ...], cells: BoolArray, slices: dict[tuple[int, ...], slice]
    ) -> FloatArray:
        """Minus the sum of the indicators of marginal cells, as a direction in the statistics."""
        table = -cells.astype(np.float64)
        for axis in range(len(term)):
            last, others = _ends(table, axis)
            others -= np.expand_dims(last, axis)
        direction = np.zeros(self.n_params())
        for lower in _subsets(term):
            if lower:
                direction[slices[lower]] = table[self._block(term, lower)].ravel()
        return direction

    def _block(self, term: tuple[int, ...], lower: tuple[int, ...]) -> tuple[Any, ...]:
        """Index of the part of a marginal table that belongs to a lower-order term."""
        return tuple(
            slice(0, self._table_shape[axis] - 1) if axis in lower else slice(-1, None) for axis in term
        )

    # ------------------------------------------------------------- conversions
    def table(self, theta: ArrayLike) -> FloatArray:
        """Return the probabilities as a table.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of the shape of the table
            Probabilities of sum one.
        """
        return self.probabilities(theta).reshape(self._table_shape)

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        return super()._sample(theta, size, generator).astype(np.int64)

    def _settings(self) -> tuple[Any, ...]:
        return (self._table_shape, self._terms)

    def __repr__(self) -> str:
        return f"LogLinear({self._table_shape}, {short(list(self._terms))})"


def _subsets(term: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All sub-tuples of a term, the empty one and itself included."""
    return (lower for size in range(len(term) + 1) for lower in combinations(term, size))


def _ends(table: FloatArray, axis: int) -> tuple[FloatArray, FloatArray]:
    """Views of the last position of an axis and of the others."""
    moved = np.moveaxis(table, axis, 0)
    return moved[-1], np.moveaxis(moved[:-1], 0, axis)


def check_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of a table, or raise.

    Parameters
    ----------
    shape : sequence of int
        Levels per variable.

    Returns
    -------
    tuple of int
        The shape.

    Raises
    ------
    InputError
        If a variable has fewer than two levels or there are too many cells.

    Examples
    --------
    >>> check_shape([2, 3])
    (2, 3)
    """
    required = "a sequence of numbers of levels such as (2, 3)"
    found = tuple(check_count("levels in shape", k, low=2) for k in entries_of(shape, "shape", required))
    if not found:
        raise InputError(describe("shape", required, short(shape)))
    if math.prod(found) > MAX_CELLS:
        raise InputError(
            f"shape must have at most {MAX_CELLS} cells, because they are enumerated, got {math.prod(found)}; merge "
            "levels, or use TiltedBase with (values, weights) columns"
        )
    return found


def check_terms(terms: Iterable[Sequence[int]], n_axes: int) -> Terms:
    """Return interactions as sorted tuples of axes, or raise.

    Parameters
    ----------
    terms : iterable of sequence of int
        Axes of each interaction.
    n_axes : int
        Number of variables.

    Returns
    -------
    tuple of tuple of int
        The terms in their order.

    Raises
    ------
    InputError
        For axes out of range or repeated, and for no term.
    CollinearStatisticsError
        If a term occurs twice.

    Examples
    --------
    >>> check_terms([(0,), (1, 0)], 2)
    ((0,), (0, 1))
    """
    found: list[tuple[int, ...]] = []
    for term in entries_of(terms, "terms", "a list of tuples of axes such as [(0,), (0, 1)]"):
        if not isinstance(term, (tuple, list)) or not len(term):
            raise InputTypeError(f"terms must hold tuples of axes such as (0,) or (0, 1), got {short(term)}")
        axes = tuple(sorted(check_count("axes in terms", axis, high=n_axes - 1) for axis in term))
        if len(set(axes)) < len(axes):
            raise InputError(f"terms must name each axis once, got {tuple(term)}")
        if axes in found:
            raise CollinearStatisticsError(f"terms must be listed once each, got {axes} more than once")
        found.append(axes)
    if not found:
        raise InputError("terms must hold at least one interaction, got none")
    return tuple(found)


@lru_cache(maxsize=4)
def _cells(shape: tuple[int, ...], terms: Terms) -> Cells:
    """Rows of level indices in lexicographic order with the indicator products of the terms."""
    codes = np.indices(shape).reshape(len(shape), -1)
    indicators = [
        np.asarray(code[:, None] == np.arange(k - 1), dtype=np.float64) for code, k in zip(codes, shape, strict=True)
    ]
    parts = []
    for term in terms:
        block = np.ones((codes.shape[1], 1))
        for axis in term:
            block = (block[:, :, None] * indicators[axis][:, None, :]).reshape(len(block), -1)
        parts.append(block)
    points = codes[0].astype(np.float64) if len(shape) == 1 else codes.T.astype(np.float64)
    return Cells.of(points, np.hstack(parts))
