"""Distances to the k-th neighbour without a tree: on the line by sorting, else by tiles.

In many dimensions a matrix product gives a tile of squared distances at the speed of the
arithmetic units, and a kernel keeps the k smallest of each row while the tile is in cache.
Squared distances from a product cancel for points that are close together and far from the
centre; such rows are recognised and measured again from the differences, and every distance
that is returned comes from the differences.
"""

from __future__ import annotations

import numpy as np

from ..core.jit import kernel
from ..core.validation import FloatArray
from .plane_kernels import IntArray

__all__ = [
    "COLUMN_TILE",
    "ROW_TILE",
    "farthest_of",
    "keep_smallest",
    "kth_direct",
    "kth_on_line",
    "kth_on_line_from",
    "select_both",
    "select_rows",
]

# A tile of 256 x 1024 doubles and its two factors stay in the second-level cache.
ROW_TILE = 256
COLUMN_TILE = 1024
_LANES = 16


def kth_on_line(x: FloatArray, k: int) -> FloatArray:
    """Return the distance of each number to its k-th neighbour among the others.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Numbers in any order, n > k.
    k : int
        Number of the neighbour.

    Returns
    -------
    ndarray of shape (n,)
        Distances.

    Notes
    -----
    The k neighbours and the point itself are k + 1 successive places of the sorted line, so the
    answer is the least reach of the k + 1 windows that hold the point.

    Examples
    --------
    >>> kth_on_line(np.array([0.0, 1.0, 3.0, 7.0]), 1)
    array([1., 1., 2., 4.])
    """
    order = np.argsort(x)
    line = x[order]
    n = len(line)
    nearest = np.full(n, np.inf)
    for left in range(k + 1):
        # The window holds `left` points below and k - left above.
        centre = line[left : n - k + left]
        reach = np.maximum(centre - line[: n - k], line[k:] - centre)
        part = nearest[left : n - k + left]
        np.minimum(part, reach, out=part)
    result = np.empty(n)
    result[order] = nearest
    return result


def kth_on_line_from(queries: FloatArray, y: FloatArray, k: int) -> FloatArray:
    """Return the distance of each query to the k-th nearest of the numbers `y`.

    Parameters
    ----------
    queries : ndarray of shape (n,)
        Where to measure.
    y : ndarray of shape (m,)
        Numbers in any order, m >= k.
    k : int
        Number of the neighbour.

    Returns
    -------
    ndarray of shape (n,)
        Distances.

    Examples
    --------
    >>> kth_on_line_from(np.array([0.0, 5.0]), np.array([6.0, 0.5, 2.0]), 2)
    array([2., 3.])
    """
    order = np.argsort(queries)
    sorted_queries, line = queries[order], np.sort(y)
    place = np.searchsorted(line, sorted_queries)
    nearest = np.full(len(queries), np.inf)
    for shift in range(k + 1):
        # The k nearest are k successive places that begin at most k before the query's place.
        first = np.clip(place - shift, 0, len(line) - k)
        reach = np.maximum(np.abs(sorted_queries - line[first]), np.abs(line[first + k - 1] - sorted_queries))
        np.minimum(nearest, reach, out=nearest)
    result = np.empty(len(queries))
    result[order] = nearest
    return result


def keep_smallest(best: FloatArray, found: IntArray, values: FloatArray, labels: IntArray) -> None:
    """Merge candidates into the sorted lists of k smallest values and their labels, in place.

    Parameters
    ----------
    best, found : ndarray of shape (n, k)
        Smallest values so far in increasing order, and their labels; overwritten.
    values, labels : ndarray of shape (n, c)
        Candidates of each row.

    Examples
    --------
    >>> best, found = np.array([[1.0, 4.0]]), np.array([[7, 8]])
    >>> keep_smallest(best, found, np.array([[2.0, 9.0]]), np.array([[5, 6]]))
    >>> best, found
    (array([[1., 2.]]), array([[7, 5]]))
    """
    k = best.shape[1]
    values, labels = np.hstack([best, values]), np.hstack([found, labels])
    order = np.argsort(values, axis=1, kind="stable")[:, :k]
    best[:] = np.take_along_axis(values, order, axis=1)
    found[:] = np.take_along_axis(labels, order, axis=1)


def _select_rows_numpy(
    product: FloatArray,
    row_squares: FloatArray,
    column_squares: FloatArray,
    first_row: int,
    first_column: int,
    same: bool,
    best: FloatArray,
    found: IntArray,
) -> None:
    rows, columns = product.shape
    squared = row_squares[:, None] + column_squares - 2.0 * product
    labels = np.broadcast_to(first_column + np.arange(columns), squared.shape)
    if same:
        squared[labels == first_row + np.arange(rows)[:, None]] = np.inf
    part = slice(first_row, first_row + rows)
    keep_smallest(best[part], found[part], squared, labels)


@kernel(twin=_select_rows_numpy)
def select_rows(
    product: FloatArray,
    row_squares: FloatArray,
    column_squares: FloatArray,
    first_row: int,
    first_column: int,
    same: bool,
    best: FloatArray,
    found: IntArray,
) -> None:
    """Update the k smallest squared distances of each row of a tile of inner products, in place.

    Parameters
    ----------
    product : ndarray of shape (r, c)
        Inner products of the tile.
    row_squares : ndarray of shape (r,)
        Squared norms of its rows.
    column_squares : ndarray of shape (c,)
        Squared norms of its columns.
    first_row, first_column : int
        Where the tile begins among all points.
    same : bool
        Rows and columns are the same points, and none is its own neighbour.
    best : ndarray of shape (n, k)
        Smallest squared distances so far.
    found : ndarray of int of shape (n, k)
        Their points.
    """
    rows, columns = product.shape
    k = best.shape[1]
    for r in range(rows):
        row = first_row + r
        own = row - first_column if same else -1
        worst = best[row, k - 1]
        square = row_squares[r]
        for begin in range(0, columns, _LANES):
            end = min(begin + _LANES, columns)
            # One branch per group of lanes; after the first tiles it is almost never taken.
            hits = 0
            for c in range(begin, end):
                hits += square + column_squares[c] - 2.0 * product[r, c] < worst
            if hits == 0:
                continue
            for c in range(begin, end):
                value = square + column_squares[c] - 2.0 * product[r, c]
                if value < worst and c != own:
                    spot = k - 1
                    while spot > 0 and best[row, spot - 1] > value:
                        best[row, spot] = best[row, spot - 1]
                        found[row, spot] = found[row, spot - 1]
                        spot -= 1
                    best[row, spot] = value
                    found[row, spot] = first_column + c
                    worst = best[row, k - 1]


def _select_both_numpy(
    product: FloatArray,
    row_squares: FloatArray,
    column_squares: FloatArray,
    first_row: int,
    first_column: int,
    best: FloatArray,
    found: IntArray,
) -> None:
    _select_rows_numpy(product, row_squares, column_squares, first_row, first_column, False, best, found)
    _select_rows_numpy(product.T, column_squares, row_squares, first_column, first_row, False, best, found)


@kernel(twin=_select_both_numpy)
def select_both(
    product: FloatArray,
    row_squares: FloatArray,
    column_squares: FloatArray,
    first_row: int,
    first_column: int,
    best: FloatArray,
    found: IntArray,
) -> None:
    """Use a tile above the diagonal for the lists of its rows and of its columns, in place.

    Parameters
    ----------
    product : ndarray of shape (r, c)
        Inner products of the tile.
    row_squares : ndarray of shape (r,)
        Squared norms of its rows.
    column_squares : ndarray of shape (c,)
        Squared norms of its columns.
    first_row, first_column : int
        Where the tile begins among all points.
    best : ndarray of shape (n, k)
        Smallest squared distances so far.
    found : ndarray of int of shape (n, k)
        Their points.
    """
    rows, columns = product.shape
    k = best.shape[1]
    column_worst = np.empty(columns)
    for c in range(columns):
        column_worst[c] = best[first_column + c, k - 1]
    for r in range(rows):
        row = first_row + r
        worst = best[row, k - 1]
        square = row_squares[r]
        for begin in range(0, columns, _LANES):
            end = min(begin + _LANES, columns)
            hits = 0
            for c in range(begin, end):
                value = square + column_squares[c] - 2.0 * product[r, c]
                hits += value < max(worst, column_worst[c])
            if hits == 0:
                continue
            for c in range(begin, end):
                value = square + column_squares[c] - 2.0 * product[r, c]
                if value < worst:
                    spot = k - 1
                    while spot > 0 and best[row, spot - 1] > value:
                        best[row, spot] = best[row, spot - 1]
                        found[row, spot] = found[row, spot - 1]
                        spot -= 1
                    best[row, spot] = value
                    found[row, spot] = first_column + c
                    worst = best[row, k - 1]
                if value < column_worst[c]:
                    column = first_column + c
                    spot = k - 1
                    while spot > 0 and best[column, spot - 1] > value:
                        best[column, spot] = best[column, spot - 1]
                        found[column, spot] = found[column, spot - 1]
                        spot -= 1
                    best[column, spot] = value
                    found[column, spot] = row
                    column_worst[c] = best[column, k - 1]


def _farthest_of_numpy(queries: FloatArray, points: FloatArray, found: IntArray, scale: float) -> FloatArray:
    squared = np.zeros(len(queries))
    for column in range(found.shape[1]):
        difference = scale * (queries - points[found[:, column]])
        np.maximum(squared, np.einsum("ij,ij->i", difference, difference), out=squared)
    return np.asarray(np.sqrt(squared))


@kernel(twin=_farthest_of_numpy)
def farthest_of(queries: FloatArray, points: FloatArray, found: IntArray, scale: float) -> FloatArray:
    """Return the largest Euclidean distance of each query to the points found for it, times the scale.

    Parameters
    ----------
    queries : ndarray of shape (m, d)
        Queries.
    points : ndarray of shape (n, d)
        Points.
    found : ndarray of int of shape (m, k)
        Points found for each query.
    scale : float
        Factor of the distances.

    Returns
    -------
    ndarray of shape (m,)
        Distances.
    """
    result = np.empty(len(queries))
    for i in range(len(queries)):
        largest = 0.0
        for j in found[i]:
            total = 0.0
            for c in range(queries.shape[1]):
                difference = scale * (queries[i, c] - points[j, c])
                total += difference * difference
            largest = max(largest, total)
        result[i] = np.sqrt(largest)
    return result


def _kth_direct_numpy(
    queries: FloatArray, own: IntArray, points: FloatArray, k: int, maximum: bool, scale: float
) -> FloatArray:
    result = np.empty(len(queries))
    for i, query in enumerate(queries):
        differences = np.abs(points - query) * scale
        distance = differences.max(axis=1) if maximum else np.sqrt((differences**2).sum(axis=1))
        if own[i] >= 0:
            distance[own[i]] = np.inf
        result[i] = np.partition(distance, k - 1)[k - 1]
    return result


@kernel(twin=_kth_direct_numpy)
def kth_direct(
    queries: FloatArray, own: IntArray, points: FloatArray, k: int, maximum: bool, scale: float
) -> FloatArray:
    """Return distances to the k-th neighbour from coordinate differences; ``own[i]`` is left out.

    Parameters
    ----------
    queries : ndarray of shape (m, d)
        Queries.
    own : ndarray of int of shape (m,)
        Point that is left out for each query; -1 for none.
    points : ndarray of shape (n, d)
        Points.
    k : int
        Which neighbour.
    maximum : bool
        Take the largest coordinate difference for a distance, the Euclidean length otherwise.
    scale : float
        Factor of the distances.

    Returns
    -------
    ndarray of shape (m,)
        Distances.
    """
    m, d = points.shape
    result = np.empty(len(queries))
    tile = np.empty((d, COLUMN_TILE))
    total = np.empty(COLUMN_TILE)
    best = np.full((len(queries), k), np.inf)
    for start in range(0, m, COLUMN_TILE):
        stop = min(start + COLUMN_TILE, m)
        width = stop - start
        for j in range(width):
            for c in range(d):
                tile[c, j] = points[start + j, c]
        for i in range(len(queries)):
            for j in range(width):
                total[j] = 0.0
            for c in range(d):
                centre = queries[i, c]
                column = tile[c]
                if maximum:
                    for j in range(width):
                        total[j] = max(total[j], abs(column[j] - centre) * scale)
                else:
                    for j in range(width):
                        difference = (column[j] - centre) * scale
                        total[j] += difference * difference
            worst = best[i, k - 1]
            for j in range(width):
                if total[j] < worst and start + j != own[i]:
                    spot = k - 1
                    while spot > 0 and best[i, spot - 1] > total[j]:
                        best[i, spot] = best[i, spot - 1]
                        spot -= 1
                    best[i, spot] = total[j]
                    worst = best[i, k - 1]
    for i in range(len(queries)):
        result[i] = best[i, k - 1] if maximum else np.sqrt(best[i, k - 1])
    return result
