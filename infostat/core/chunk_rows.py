"""A numeric table that is not in memory: read by slices, by row numbers, or reduced block by block.

`BlockRows` looks enough like a matrix for computations that go through the rows in slices; they need no
second version. What would need all rows at once is refused instead of filling the memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DataError
from .validation import FloatArray

__all__ = ["BlockRows", "Change", "keep_rows", "standardised"]

IntArray = NDArray[np.intp]

# Numbers of a block of a reduction: 8 MB.
BLOCK_VALUES = 1 << 20


class Change:
    """What is done to rows after they have been read: columns chosen, then shifted and scaled.

    Parameters
    ----------
    columns : ndarray of int, optional
        Positions of the columns that are kept; None keeps all.
    shift, scale : ndarray of shape (d,), optional
        Values become ``(x - shift)/scale``.

    Examples
    --------
    >>> Change(np.array([1]), np.array([1.0]), np.array([2.0]))(np.array([[0.0, 5.0]]))
    array([[2.]])
    """

    def __init__(
        self, columns: IntArray | None = None, shift: FloatArray | None = None, scale: FloatArray | None = None
    ) -> None:
        self.columns, self.shift, self.scale = columns, shift, scale

    def __call__(self, block: FloatArray) -> FloatArray:
        """Return changed rows; a copy only where something changes.

        Parameters
        ----------
        block : ndarray of shape (m, columns of the source)
            Rows as they were read.

        Returns
        -------
        ndarray of shape (m, d)
            C-contiguous.
        """
        if self.columns is not None:
            block = np.ascontiguousarray(block[:, self.columns])
        if self.shift is not None and self.scale is not None:
            block = (block - self.shift) / self.scale
        return block

    def choosing(self, columns: IntArray) -> Change:
        """Return this change, of which only some columns are kept.

        Parameters
        ----------
        columns : ndarray of int
            Positions after this change.

        Returns
        -------
        Change
            A new one.
        """
        first = columns if self.columns is None else self.columns[columns]
        if self.shift is None or self.scale is None:
            return Change(first)
        return Change(first, self.shift[columns], self.scale[columns])


class BlockRows(ABC):
    """Rows of finite numbers that are somewhere else.

    Parameters
    ----------
    n : int
        Number of rows.
    labels : sequence of str
        Labels of the columns.
    source : str
        Where the rows come from.

    Attributes
    ----------
    remote : bool
        Whether the rows are on other machines, to which work goes rather than rows here.
    shape : tuple of int
        Rows and columns.
    labels : tuple of str
        Labels of the columns.
    source : str
        Where the rows come from.

    Notes
    -----
    ``rows[a:b]`` and ``rows[numbers]`` are arrays in memory, ``rows[mask]`` and ``rows[:, columns]``
    are rows elsewhere again. Extremes and means are computed once, block by block, in order.
    """

    ndim = 2
    remote = False
    dtype = np.dtype(np.float64)

    def __init__(self, n: int, labels: Sequence[str], source: str) -> None:
        self.labels, self.source = tuple(labels), source
        self.shape = (n, len(self.labels))
        self._extremes: tuple[FloatArray, FloatArray] | None = None

    # ------------------------------------------------------------------ what a kind of rows provides
    @abstractmethod
    def map(self, function: Callable[..., Any], *arguments: Any, each: Sequence[Any] | None = None) -> list[Any]:
        """Return ``function(block, start, *arguments)`` of every block of rows, in order.

        Parameters
        ----------
        function : callable
            Of a block (an array of rows), the number of its first row and the arguments.
        *arguments : object
            The same for every block.
        each : sequence, optional
            One more argument for each block, after the others.

        Returns
        -------
        list
            One result per block.
        """

    @property
    @abstractmethod
    def starts(self) -> list[int]:
        """First row of every block, and the number of rows."""

    @abstractmethod
    def _read(self, start: int, stop: int) -> FloatArray:
        """Rows of a slice."""

    @abstractmethod
    def _take(self, rows: IntArray) -> FloatArray:
        """Some rows, in the order given."""

    @abstractmethod
    def _keep(self, rows: IntArray) -> Any:
        """Some rows, in increasing order, as rows elsewhere."""

    @abstractmethod
    def _changed(self, change: Change, labels: Sequence[str]) -> BlockRows:
        """The same source with another change."""

    _change: Change

    # ------------------------------------------------------------------ like a matrix
    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise DataError(
            f"data must fit into memory for this computation, got {len(self)} rows of {self.source}; pass fewer rows"
        )

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            return self._columns(*key)
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step != 1:
                return self._take(np.arange(start, stop, step))
            return self._read(start, max(stop, start))
        index = np.asarray(key)
        if index.ndim == 0:
            return self._take(index.reshape(1).astype(np.intp) % len(self))[0]
        if index.dtype == np.bool_:
            return self._keep(np.flatnonzero(index))
        return self._take(index.astype(np.intp, copy=False))

    def _columns(self, rows: Any, columns: Any) -> Any:
        if not isinstance(rows, slice) or rows != slice(None):
            return self[rows][:, columns]
        places = np.arange(self.shape[1])[columns]
        if places.ndim == 0:
            # One column is a vector in memory.
            part = self[:, [int(places)]]
            return np.concatenate([block[:, 0] for block in part.map(_itself)])
        return self._changed(self._change.choosing(places), [self.labels[i] for i in places])

    def min(self, axis: int | None = None, initial: float | None = None) -> Any:
        """Return the smallest value, of each column for ``axis=0``.

        Parameters
        ----------
        axis : {0, None}
            As in NumPy.
        initial : float, optional
            Counts as a value, for ``axis=None``.

        Returns
        -------
        ndarray of shape (d,) or float
            The values.
        """
        low = self._range()[0]
        return low.copy() if axis == 0 else float(low.min(initial=np.inf if initial is None else initial))

    def max(self, axis: int | None = None, initial: float | None = None) -> Any:
        """Return the largest value, of each column for ``axis=0``.

        Parameters
        ----------
        axis : {0, None}
            As in NumPy.
        initial : float, optional
            Counts as a value, for ``axis=None``.

        Returns
        -------
        ndarray of shape (d,) or float
            The values.
        """
        high = self._range()[1]
        return high.copy() if axis == 0 else float(high.max(initial=-np.inf if initial is None else initial))

    def _range(self) -> tuple[FloatArray, FloatArray]:
        if self._extremes is None:
            parts = self.map(_block_range)
            low, high = np.stack([part[0] for part in parts]), np.stack([part[1] for part in parts])
            self._extremes = low.min(axis=0), high.max(axis=0)
        return self._extremes

    def mean(self, axis: int = 0) -> FloatArray:
        """Return the mean of every column.

        Parameters
        ----------
        axis : {0}
            As in NumPy.

        Returns
        -------
        ndarray of shape (d,)
            The means.
        """
        return np.asarray(self._sum(_block_sums) / len(self))

    def var(self, axis: int = 0, ddof: int = 0) -> FloatArray:
        """Return the variance of every column.

        Parameters
        ----------
        axis : {0}
            As in NumPy.
        ddof : int
            Taken from the number of rows in the divisor.

        Returns
        -------
        ndarray of shape (d,)
            The variances.
        """
        return np.asarray(self._sum(_block_squares, self.mean()) / (len(self) - ddof))

    def std(self, axis: int = 0, ddof: int = 0) -> FloatArray:
        """Return the standard deviation of every column.

        Parameters
        ----------
        axis : {0}
            As in NumPy.
        ddof : int
            Taken from the number of rows in the divisor.

        Returns
        -------
        ndarray of shape (d,)
            The deviations.
        """
        return np.asarray(np.sqrt(self.var(ddof=ddof)))

    def _sum(self, function: Callable[..., FloatArray], *arguments: Any) -> FloatArray:
        total = np.zeros(self.shape[1])
        for part in self.map(function, *arguments):
            total += part
        return total

    def standardised(self, mean: FloatArray, scales: FloatArray) -> BlockRows:
        """Return ``(rows - mean)/scales``.

        Parameters
        ----------
        mean, scales : ndarray of shape (d,)
            Of the columns as they are.

        Returns
        -------
        BlockRows
            Computed as rows are read.
        """
        if self._change.shift is not None:
            raise DataError("data must not have been standardised before, got rows that are; standardise once")
        return self._changed(Change(self._change.columns, mean, scales), self.labels)


def keep_rows(X: Any, rows: IntArray) -> Any:
    """Return some rows of a matrix, which stay elsewhere if they are there.

    Parameters
    ----------
    X : ndarray or BlockRows
        Rows.
    rows : ndarray of int
        Their numbers, increasing.

    Returns
    -------
    ndarray or BlockRows
        An array where what is left is small.

    Examples
    --------
    >>> keep_rows(np.eye(3), np.array([0, 2]))
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    return X._keep(rows) if isinstance(X, BlockRows) else X[rows]


def standardised(X: Any, mean: FloatArray, scales: FloatArray) -> Any:
    """Return ``(X - mean)/scales`` of a matrix, or of rows that are elsewhere.

    Parameters
    ----------
    X : ndarray or BlockRows
        Rows.
    mean, scales : ndarray of shape (d,)
        Of the columns.

    Returns
    -------
    ndarray or BlockRows
        What `X` was.

    Examples
    --------
    >>> standardised(np.array([[1.0], [3.0]]), np.array([2.0]), np.array([0.5]))
    array([[-2.],
           [ 2.]])
    """
    return X.standardised(mean, scales) if isinstance(X, BlockRows) else (X - mean) / scales


# ------------------------------------------------------------------ reductions of one block
def _itself(block: FloatArray, start: int) -> FloatArray:
    return block


def _block_range(block: FloatArray, start: int) -> tuple[FloatArray, FloatArray]:
    return block.min(axis=0), block.max(axis=0)


def _block_sums(block: FloatArray, start: int) -> FloatArray:
    return np.asarray(block.sum(axis=0))


def _block_squares(block: FloatArray, start: int, mean: FloatArray) -> FloatArray:
    difference = block - mean
    return np.asarray((difference * difference).sum(axis=0))
