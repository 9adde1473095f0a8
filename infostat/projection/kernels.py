"""Kernels over pairs of rows: powers of inner products, summed tile by tile.

Each kernel has a NumPy twin of the same name with ``_numpy`` appended; tests
hold them equal, and ``INFOSTAT_DISABLE_JIT=1`` makes the package use the twins.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = [
    "cube_rows",
    "cube_rows_numpy",
    "cube_sides",
    "cube_sides_numpy",
    "power_sums",
    "power_sums_numpy",
    "product_sum",
    "product_sum_numpy",
]


def cube_rows_numpy(gram: FloatArray, weights: FloatArray) -> FloatArray:
    """Return ``sum_b weights_b gram_ab^3`` for each row a of a tile (plain NumPy).

    Parameters
    ----------
    gram, weights
        As in `cube_rows`.

    Returns
    -------
    ndarray of shape (m,)
        As of `cube_rows`.
    """
    return np.asarray((gram * gram * gram) @ weights)


@kernel(twin=cube_rows_numpy, fastmath={"contract", "reassoc", "nsz", "nnan"})
def cube_rows(gram: Any, weights: Any) -> Any:
    """Return ``sum_b weights_b gram_ab^3`` for each row a of a tile.

    Parameters
    ----------
    gram : ndarray of shape (m, n)
        Inner products of the rows of a tile with its columns.
    weights : ndarray of shape (n,)
        Weights of the columns.

    Returns
    -------
    ndarray of shape (m,)
        One sum a row.
    """
    rows, columns = gram.shape
    out = np.empty(rows)
    for a in range(rows):
        total = 0.0
        for b in range(columns):
            g = gram[a, b]
            total += weights[b] * (g * g * g)
        out[a] = total
    return out


def cube_sides_numpy(gram: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the weighted row sums and column sums of the cubes of a tile (plain NumPy).

    Parameters
    ----------
    gram, left, right
        As in `cube_sides`.

    Returns
    -------
    ndarray of shape (m + n,)
        As of `cube_sides`.
    """
    cubes = gram * gram * gram
    return np.concatenate([cubes @ right, left @ cubes])


@kernel(twin=cube_sides_numpy, fastmath={"contract", "reassoc", "nsz", "nnan"})
def cube_sides(gram: Any, left: Any, right: Any) -> Any:
    """Return ``sum_b right_b gram_ab^3`` of each row a, followed by ``sum_a left_a gram_ab^3`` of each column b.

    Parameters
    ----------
    gram : ndarray of shape (m, n)
        Inner products of the rows of a tile with its columns.
    left : ndarray of shape (m,)
        Weights of the rows.
    right : ndarray of shape (n,)
        Weights of the columns.

    Returns
    -------
    ndarray of shape (m + n,)
        Sums of the rows, then of the columns.
    """
    rows, columns = gram.shape
    out = np.zeros(rows + columns)
    below = out[rows:]
    for a in range(rows):
        total = 0.0
        weight = left[a]
        for b in range(columns):
            g = gram[a, b]
            cube = g * g * g
            total += right[b] * cube
            below[b] += weight * cube
        out[a] = total
    return out


def product_sum_numpy(gram: FloatArray, form: FloatArray, left: FloatArray, right: FloatArray) -> float:
    """Return ``sum_ab left_a right_b gram_ab form_ab^2`` (plain NumPy).

    Parameters
    ----------
    gram, form, left, right
        As in `product_sum`.

    Returns
    -------
    float
        As of `product_sum`.
    """
    return float(left @ ((form * form * gram) @ right))


@kernel(twin=product_sum_numpy, fastmath={"contract", "reassoc", "nsz", "nnan"})
def product_sum(gram: Any, form: Any, left: Any, right: Any) -> Any:
    """Return ``sum_ab left_a right_b gram_ab form_ab^2`` of two tiles.

    Parameters
    ----------
    gram : ndarray of shape (m, n)
        Inner products of the rows of a tile with its columns.
    form : ndarray of shape (m, n)
        Second table of inner products, squared in the sum.
    left : ndarray of shape (m,)
        Weights of the rows.
    right : ndarray of shape (n,)
        Weights of the columns.

    Returns
    -------
    float
        The sum.
    """
    rows, columns = gram.shape
    total = 0.0
    for a in range(rows):
        row = 0.0
        for b in range(columns):
            r = form[a, b]
            row += right[b] * (gram[a, b] * r * r)
        total += left[a] * row
    return total


def power_sums_numpy(gram: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the weighted sums of cubes and fourth powers of a tile (plain NumPy).

    Parameters
    ----------
    gram, left, right
        As in `power_sums`.

    Returns
    -------
    ndarray of shape (2,)
        As of `power_sums`.
    """
    square = gram * gram
    return np.array([left @ ((square * gram) @ right), left @ ((square * square) @ right)])


@kernel(twin=power_sums_numpy, fastmath={"contract", "reassoc", "nsz", "nnan"})
def power_sums(gram: Any, left: Any, right: Any) -> Any:
    """Return ``sum_ab left_a right_b gram_ab^3`` and the same with fourth powers.

    Parameters
    ----------
    gram : ndarray of shape (m, n)
        Inner products of the rows of a tile with its columns.
    left : ndarray of shape (m,)
        Weights of the rows.
    right : ndarray of shape (n,)
        Weights of the columns.

    Returns
    -------
    ndarray of shape (2,)
        Sums of cubes and of fourth powers.
    """
    rows, columns = gram.shape
    third = 0.0
    fourth = 0.0
    for a in range(rows):
        row_third = 0.0
        row_fourth = 0.0
        for b in range(columns):
            g = gram[a, b]
            square = g * g
            row_third += right[b] * (square * g)
            row_fourth += right[b] * (square * square)
        third += left[a] * row_third
        fourth += left[a] * row_fourth
    return np.array([third, fourth])
