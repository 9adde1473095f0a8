"""Finding rows among the points of a finite support."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.validation import FloatArray
from .rows import as_rows

__all__ = ["PointIndex"]

IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class PointIndex:
    """Positions of rows among points, by exact comparison of numbers.

    Columns are read one after the other: the code of a row is the rank of its first k values among
    the prefixes of length k that occur, so that codes never exceed the number of points.

    Attributes
    ----------
    values : tuple of ndarray
        Sorted distinct values of each column.
    prefixes : tuple of ndarray
        Sorted distinct codes ``previous * len(values) + rank`` after each column.
    position : ndarray of int
        First point with each final code.
    n_points : int
        Number of points.

    Examples
    --------
    >>> index = PointIndex.of(np.array([[0.0, 1.5], [1.0, 0.0], [0.0, 0.0]]))
    >>> index.find(np.array([[0.0, 0.0], [0.0, 1.5], [1.0, 1.5]]))
    array([ 2,  0, -1])
    """

    values: tuple[FloatArray, ...]
    prefixes: tuple[IntArray, ...]
    position: IntArray
    n_points: int

    @classmethod
    def of(cls, points: FloatArray) -> PointIndex:
        """Build the index.

        Parameters
        ----------
        points : ndarray of shape (M,) or (M, d)
            The points.

        Returns
        -------
        PointIndex
            The index.
        """
        columns = as_rows(points).T
        values, prefixes = [], []
        code = np.zeros(len(points), dtype=np.intp)
        for column in columns:
            distinct, rank = np.unique(column, return_inverse=True)
            known, code = np.unique(code * len(distinct) + rank, return_inverse=True)
            values.append(distinct)
            prefixes.append(known)
        _, position = np.unique(code, return_index=True)
        return cls(tuple(values), tuple(prefixes), position, len(points))

    def refuse_repeats(self) -> None:
        """Raise if two points are equal.

        Raises
        ------
        InputError
            If there are fewer codes than points.
        """
        missing = self.n_points - len(self.position)
        if missing:
            raise InputError(
                f"points must be different, got {missing} repeated; list each once and give its weight in log_base"
            )

    def find(self, rows: FloatArray) -> IntArray:
        """Return the position of each row.

        Parameters
        ----------
        rows : ndarray of shape (m,) or (m, d)
            Rows.

        Returns
        -------
        ndarray of int, shape (m,)
            Positions among the points, -1 where there is none.
        """
        columns = as_rows(rows).T
        code = np.zeros(len(rows), dtype=np.intp)
        inside = np.ones(len(rows), dtype=bool)
        for column, distinct, known in zip(columns, self.values, self.prefixes, strict=True):
            rank, found = _rank(distinct, column)
            code, seen = _rank(known, code * len(distinct) + rank)
            inside &= found & seen
        return np.asarray(np.where(inside, self.position[code], -1))


def _rank(table: NDArray[np.generic], wanted: NDArray[np.generic]) -> tuple[IntArray, NDArray[np.bool_]]:
    """Rank of each wanted value in a sorted table, and whether it is there."""
    rank = np.minimum(np.searchsorted(table, wanted), len(table) - 1)
    return np.asarray(rank), np.asarray(table[rank] == wanted)
