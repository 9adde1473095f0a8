"""Sums over pairs of points, tile by tile: no table of all pairs is ever stored.

Distances are computed directly, coordinate by coordinate. The expansion into a matrix product
is faster in high dimension but loses half the digits of small distances, and energy distance
and MMD are differences of sums that nearly cancel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from ..core.errors import InputError, describe
from ..core.exponential_kernels import exp_array
from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = [
    "Tile",
    "distance_means",
    "distance_tile",
    "gaussian_means",
    "gaussian_tile",
    "squared_distances",
    "squared_distances_numpy",
    "tiles",
    "unit_scale",
]

Tile: TypeAlias = "Callable[[slice, slice], FloatArray]"

_SIDE = 256
# Below this many pairs NumPy answers before a compiled kernel has been loaded.
_SMALL = 1_000_000


def squared_distances_numpy(rows: FloatArray, columns: FloatArray, out: FloatArray) -> None:
    """Write squared distances of rows of one array to columns of another (plain NumPy).

    Parameters
    ----------
    rows, columns, out
        As in `squared_distances`.
    """
    out[...] = 0.0
    with np.errstate(over="ignore"):
        for coordinate in range(len(columns)):
            difference = rows[:, coordinate, None] - columns[coordinate]
            out += difference * difference


@kernel(twin=squared_distances_numpy, fastmath={"contract"})
def squared_distances(rows: Any, columns: Any, out: Any) -> Any:
    """Write ``out[i, j] = sum_k (rows[i, k] - columns[k, j])^2``.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        One point a row.
    columns : ndarray of shape (d, m)
        One point a column.
    out : ndarray of shape (n, m)
        Written.
    """
    n, m = out.shape
    d = rows.shape[1]
    for i in range(n):
        for j in range(m):
            out[i, j] = 0.0
    whole = n - n % 4
    for i in range(0, whole, 4):
        # Four rows at a time: each coordinate of the columns is loaded once for all of them.
        for k in range(d):
            a, b, c, e = rows[i, k], rows[i + 1, k], rows[i + 2, k], rows[i + 3, k]
            for j in range(m):
                y = columns[k, j]
                out[i, j] += (a - y) * (a - y)
                out[i + 1, j] += (b - y) * (b - y)
                out[i + 2, j] += (c - y) * (c - y)
                out[i + 3, j] += (e - y) * (e - y)
    for i in range(whole, n):
        for k in range(d):
            a = rows[i, k]
            for j in range(m):
                y = columns[k, j]
                out[i, j] += (a - y) * (a - y)


def gaussian_in_place_numpy(squared: FloatArray, factor: float) -> None:
    """Replace squared distances by ``exp(factor * squared)`` (plain NumPy).

    Parameters
    ----------
    squared, factor
        As in `gaussian_in_place`.
    """
    squared *= factor
    np.exp(squared, out=squared)


@kernel(twin=gaussian_in_place_numpy, fastmath={"contract"})
def gaussian_in_place(squared: Any, factor: Any) -> Any:
    """Replace squared distances by ``exp(factor * squared)``.

    Parameters
    ----------
    squared : ndarray of shape (m, n)
        Squared distances; overwritten by the kernel values.
    factor : float
        ``-1/(2 h^2)``, one over the squared unit of the data.
    """
    n, m = squared.shape
    for i in range(n):
        row = squared[i]
        for j in range(m):
            row[j] *= factor
        exp_array(row)


def tiles(n: int, m: int, *, symmetric: bool = False) -> Iterator[tuple[slice, slice]]:
    """Yield the tiles of an n x m table, only those on and above the diagonal if symmetric.

    Parameters
    ----------
    n, m : int
        Rows and columns.
    symmetric : bool
        Leave out the tiles below the diagonal.

    Yields
    ------
    rows, columns : slice
        One tile.

    Examples
    --------
    >>> len(list(tiles(600, 600))), len(list(tiles(600, 600, symmetric=True)))
    (9, 6)
    """
    for row in range(0, n, _SIDE):
        for column in range(row if symmetric else 0, m, _SIDE):
            yield slice(row, min(row + _SIDE, n)), slice(column, min(column + _SIDE, m))


def unit_scale(*samples: FloatArray) -> float:
    """Return a power of two near the largest magnitude, so that dividing by it is exact.

    Parameters
    ----------
    *samples : ndarray
        Finite numbers.

    Returns
    -------
    float
        Positive; 1 if all are zero.

    Examples
    --------
    >>> unit_scale(np.array([3.0, -5.0]))
    8.0
    """
    largest = max(float(np.abs(sample).max(initial=0.0)) for sample in samples)
    return 1.0 if largest == 0.0 else math.ldexp(1.0, min(math.frexp(largest)[1], 1023))


def distance_tile(X: FloatArray, Y: FloatArray) -> Tile:
    """Return a function that gives tiles of the Euclidean distances.

    Parameters
    ----------
    X, Y : ndarray of shape (n, d) and (m, d)
        Points.

    Returns
    -------
    callable
        ``tile(rows, columns)``, a new array.

    Examples
    --------
    >>> tile = distance_tile(np.zeros((3, 2)), np.array([[3.0, 4.0]]))
    >>> tile(slice(0, 1), slice(0, 1))
    array([[5.]])
    """
    # In units near the largest coordinate no square overflows or vanishes.
    unit = unit_scale(X, Y)
    squared = _squared_tile(X / unit, Y / unit)

    def tile(rows: slice, columns: slice) -> FloatArray:
        table = squared(rows, columns)
        np.sqrt(table, out=table)
        table *= unit
        return table

    return tile


def gaussian_tile(X: FloatArray, Y: FloatArray, bandwidth: float) -> Tile:
    """Return a function that gives tiles of the kernel exp(-|x - y|^2/(2 s^2)).

    Parameters
    ----------
    X, Y : ndarray of shape (n, d) and (m, d)
        Points.
    bandwidth : float
        s.

    Returns
    -------
    callable
        ``tile(rows, columns)``, a new array.

    Examples
    --------
    >>> tile = gaussian_tile(np.zeros((3, 2)), np.zeros((2, 2)), 1.0)
    >>> tile(slice(0, 1), slice(0, 2))
    array([[1., 1.]])
    """
    # The data are scaled rather than the exponent: a tiny bandwidth does not overflow its square.
    with np.errstate(over="ignore"):
        scaled_x, scaled_y = X / bandwidth, Y / bandwidth
    if not (np.isfinite(scaled_x).all() and np.isfinite(scaled_y).all()):
        raise InputError(describe("bandwidth", "in proportion to the data", bandwidth, "rescale the data"))
    squared = _squared_tile(scaled_x, scaled_y)
    to_gaussian = gaussian_in_place if len(X) * len(Y) > _SMALL else gaussian_in_place.twin

    def tile(rows: slice, columns: slice) -> FloatArray:
        table = squared(rows, columns)
        to_gaussian(table, -0.5)
        return table

    return tile


def _squared_tile(X: FloatArray, Y: FloatArray) -> Tile:
    run = squared_distances if len(X) * len(Y) > _SMALL else squared_distances.twin

    def tile(rows: slice, columns: slice) -> FloatArray:
        out = np.empty((rows.stop - rows.start, columns.stop - columns.start))
        run(X[rows], np.ascontiguousarray(Y[columns].T), out)
        return out

    return tile


def weighted_sum(tile: Tile, a: FloatArray, b: FloatArray, *, symmetric: bool = False) -> float:
    """Return ``a' T b`` for a table given by its tiles.

    Parameters
    ----------
    tile : callable
        From `distance_tile` or `gaussian_tile`.
    a, b : ndarray
        Weights of rows and columns.
    symmetric : bool
        The table is symmetric and the weights are equal.

    Returns
    -------
    float
        The sum.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0]])
    >>> weighted_sum(distance_tile(X, X), np.ones(2), np.ones(2), symmetric=True)
    2.0
    """
    total = 0.0
    for rows, columns in tiles(len(a), len(b), symmetric=symmetric):
        part = float(a[rows] @ tile(rows, columns) @ b[columns])
        total += 2.0 * part if symmetric and columns.start > rows.start else part
    return total


def distance_means(X: FloatArray, Y: FloatArray, a: FloatArray, b: FloatArray) -> tuple[float, float, float]:
    """Return the mean distances within X, within Y and across, weighted.

    Parameters
    ----------
    X, Y : ndarray of shape (n, d) and (m, d)
        Points.
    a, b : ndarray
        Weights of sum one.

    Returns
    -------
    own_x, own_y, cross : float
        ``E|X - X'|``, ``E|Y - Y'|``, ``E|X - Y|``, pairs of a point with itself included.

    Examples
    --------
    >>> distance_means(np.array([[0.0], [2.0]]), np.array([[1.0]]), np.full(2, 0.5), np.ones(1))
    (1.0, 0.0, 1.0)
    """
    return (
        weighted_sum(distance_tile(X, X), a, a, symmetric=True),
        weighted_sum(distance_tile(Y, Y), b, b, symmetric=True),
        weighted_sum(distance_tile(X, Y), a, b),
    )


def gaussian_means(X: FloatArray, Y: FloatArray, bandwidth: float) -> tuple[float, float, float]:
    """Return the mean kernel values within X, within Y and across, diagonals included.

    Parameters
    ----------
    X, Y : ndarray of shape (n, d) and (m, d)
        Points.
    bandwidth : float
        s in exp(-|x - y|^2/(2 s^2)).

    Returns
    -------
    own_x, own_y, cross : float
        The three means.

    Examples
    --------
    >>> gaussian_means(np.zeros((2, 1)), np.zeros((3, 1)), 1.0)
    (1.0, 1.0, 1.0)
    """
    a, b = np.ones(len(X)), np.ones(len(Y))
    return (
        weighted_sum(gaussian_tile(X, X, bandwidth), a, a, symmetric=True) / len(X) ** 2,
        weighted_sum(gaussian_tile(Y, Y, bandwidth), b, b, symmetric=True) / len(Y) ** 2,
        weighted_sum(gaussian_tile(X, Y, bandwidth), a, b) / (len(X) * len(Y)),
    )
