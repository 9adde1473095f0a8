"""Variances of columns and nearest neighbours of some rows, where the rows may be elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.chunk_rows import BLOCK_VALUES, BlockRows
from ..core.validation import FloatArray

__all__ = ["nearest_rows", "remote_variances"]

IntArray = NDArray[np.intp]


def remote_variances(X: BlockRows, shares: FloatArray) -> FloatArray:
    """Return the weighted variance of every column.

    Parameters
    ----------
    X : BlockRows of shape (n, d)
        Rows.
    shares : ndarray of shape (n,)
        Weights of sum one.

    Returns
    -------
    ndarray of shape (d,)
        With divisor ``1 - sum w^2``; not finite where a variance is beyond floating point.
    """
    low, high = X.min(axis=0), X.max(axis=0)
    size = float((high - low).max()) or 1.0
    each = np.split(shares, X.starts[1:-1])
    mean = np.sum(X.map(_means, low, size, each=each), axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        square = np.sum(X.map(_squares, low, size, mean, each=each), axis=0)
        return np.asarray(square / (1.0 - float(shares @ shares)) * size * size)


def _means(block: FloatArray, start: int, low: FloatArray, size: float, shares: FloatArray) -> FloatArray:
    return np.asarray(shares @ ((block - low) / size))


def _squares(
    block: FloatArray, start: int, low: FloatArray, size: float, mean: FloatArray, shares: FloatArray
) -> FloatArray:
    difference = (block - low) / size - mean
    return np.asarray(shares @ (difference * difference))


def nearest_rows(points: Any, asked: FloatArray, rows: IntArray, centre: FloatArray, scale: float) -> IntArray:
    """Return the nearest other point of some rows.

    Parameters
    ----------
    points : ndarray or BlockRows of shape (n, d)
        Points.
    asked : ndarray of shape (m, d)
        Some of them, as ``(x - centre)/scale``.
    rows : ndarray of int of shape (m,)
        Their numbers.
    centre : ndarray of shape (d,)
        Subtracted from the points.
    scale : float
        Divides the points.

    Returns
    -------
    ndarray of int of shape (m,)
        Numbers of the nearest points, up to the rounding of inner products.

    Examples
    --------
    >>> table = np.array([[0.0], [1.0], [3.0]])
    >>> nearest_rows(table, table, np.arange(3), np.zeros(1), 1.0)
    array([1, 0, 1])
    """
    common = (asked, rows, centre, scale)
    parts = points.map(_nearest, *common) if isinstance(points, BlockRows) else [_nearest(points, 0, *common)]
    values, places = np.stack([part[0] for part in parts]), np.stack([part[1] for part in parts])
    return np.asarray(places[values.argmin(axis=0), np.arange(len(rows))])


def _nearest(
    block: FloatArray, start: int, asked: FloatArray, rows: IntArray, centre: FloatArray, scale: float
) -> tuple[FloatArray, IntArray]:
    best, place = np.full(len(rows), np.inf), np.zeros(len(rows), dtype=np.intp)
    index = np.arange(len(rows))
    step = max(1, BLOCK_VALUES // max(block.shape[1], len(rows)))
    for first in range(0, len(block), step):
        part = (block[first : first + step] - centre) / scale
        squares = np.einsum("ij,ij->i", part, part) - 2.0 * (asked @ part.T)
        own = rows - start - first
        inside = np.flatnonzero((own >= 0) & (own < len(part)))
        squares[inside, own[inside]] = np.inf
        column = squares.argmin(axis=1)
        value = squares[index, column]
        nearer = value < best
        best[nearer], place[nearer] = value[nearer], column[nearer] + start + first
    return best, place
