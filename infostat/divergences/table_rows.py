"""Checked rows of masses, and pairs of tables whose rows broadcast without being copied."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.validation import FloatArray
from .pairs import Pair

__all__ = ["BLOCK", "RowPair", "Rows"]

# Cells per block: a handful of temporaries of this size stay in the second-level cache.
BLOCK = 16_384


@dataclass(frozen=True, eq=False)
class Rows:
    """Distributions along the last axis of an array.

    Attributes
    ----------
    name : str
        The argument, for messages.
    values : ndarray of shape (..., K)
        Non-negative masses, or log-masses where `logs` is true.
    sums : ndarray of shape (...)
        Total mass of each row.
    logs : bool
        Whether `values` are logarithms.
    """

    name: str
    values: FloatArray
    sums: FloatArray
    logs: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape without the last axis."""
        return self.values.shape[:-1]

    @property
    def n_cells(self) -> int:
        """Length of a row."""
        return int(self.values.shape[-1])

    @property
    def masses(self) -> FloatArray:
        """The probabilities."""
        return np.exp(self.values) if self.logs else self.values

    @property
    def log_masses(self) -> FloatArray:
        """The log-probabilities, -inf at zero."""
        if self.logs:
            return self.values
        with np.errstate(divide="ignore"):
            return np.log(self.values)


@dataclass(frozen=True, eq=False)
class RowPair:
    """Two tables whose leading axes broadcast, row by row.

    Attributes
    ----------
    p, q : Rows
        The tables.
    shape : tuple of int
        Broadcast leading shape.
    """

    p: Rows
    q: Rows
    shape: tuple[int, ...]

    @property
    def n_rows(self) -> int:
        """Number of row pairs."""
        return math.prod(self.shape)

    @property
    def n_cells(self) -> int:
        """Length of a row."""
        return self.p.n_cells

    @property
    def n_total(self) -> int:
        """Cells of all row pairs together."""
        return self.n_rows * self.n_cells

    def take(self, rows: slice | NDArray[np.intp]) -> Pair:
        """Return the masses of the selected row pairs, 2-D or one row that broadcasts."""
        p, q = (_take(table.values, self.shape, rows) for table in (self.p, self.q))
        return Pair.from_logs(p, q) if self.p.logs else Pair(p, q)

    def blocks(self, n_cells: int = BLOCK) -> Iterator[tuple[slice, Pair]]:
        """Yield all row pairs in blocks.

        Parameters
        ----------
        n_cells : int
            Cells per block; by default a handful of temporaries of a block stay in the cache.

        Yields
        ------
        slice, Pair
            Positions in the flattened leading shape, and the masses.
        """
        step = max(1, n_cells // self.n_cells)
        for start in range(0, self.n_rows, step):
            rows = slice(start, min(start + step, self.n_rows))
            yield rows, self.take(rows)

    def parts(self, rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
        """Yield positions of rows in pieces of the length of a block.

        Parameters
        ----------
        rows : ndarray of int
            Positions in the flattened leading shape.

        Yields
        ------
        ndarray of int
            Consecutive pieces.
        """
        step = max(1, BLOCK // self.n_cells)
        for start in range(0, rows.size, step):
            yield rows[start : start + step]

    @property
    def sums(self) -> tuple[FloatArray, FloatArray]:
        """Total masses of P and of Q, flattened over the row pairs."""
        return (
            np.broadcast_to(self.p.sums, self.shape).reshape(-1),
            np.broadcast_to(self.q.sums, self.shape).reshape(-1),
        )


def _take(values: FloatArray, shape: tuple[int, ...], rows: slice | NDArray[np.intp]) -> FloatArray:
    lead = values.shape[:-1]
    if math.prod(lead) == 1:
        return values.reshape(1, -1)
    if lead == shape:
        return values.reshape(-1, values.shape[-1])[rows]
    # Only the rows of this block are copied, never the broadcast table.
    flat = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
    index = np.unravel_index(flat, shape)[len(shape) - len(lead) :]
    own = tuple(np.where(n == 1, 0, i) for n, i in zip(lead, index, strict=True))
    return np.asarray(values[own])
