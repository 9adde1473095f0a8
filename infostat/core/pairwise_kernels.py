"""Kernels of :mod:`infostat.core.pairwise`: log sums of exponentials of negative distances.

States of queries are pairs (top, total) that stand for ``top + log total``; every kernel adds
terms to them. Each has a NumPy twin of the same name with ``_numpy`` appended.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .exponential_kernels import LOWEST, exp_array
from .jit import kernel
from .validation import FloatArray

__all__ = ["NOTHING", "POINTS", "IntArray", "exp_sum", "largest", "loops", "product_sum", "tile"]

IntArray = NDArray[np.intp]

POINTS = 1024  # points of a tile: one buffer of 8 kB per query in the direct loops
# Stands for "no term": finite, so that no kernel meets an infinity or a NaN.
NOTHING = -1e308


def largest_numpy(values: FloatArray, count: int) -> float:
    """Return the largest of the first `count` values (plain NumPy)."""
    return float(values[:count].max())


@kernel(twin=largest_numpy, fastmath={"reassoc", "nsz", "nnan"})
def largest(values: Any, count: Any) -> Any:
    """Return the largest of the first `count` values."""
    top = values[0]
    for j in range(count):
        top = max(top, values[j])
    return top


def product_sum_numpy(left: FloatArray, right: FloatArray, count: int) -> float:
    """Return the sum of the first `count` products (plain NumPy)."""
    return float(left[:count] @ right[:count])


@kernel(twin=product_sum_numpy, fastmath={"contract", "reassoc", "nsz", "nnan"})
def product_sum(left: Any, right: Any, count: Any) -> Any:
    """Return the sum of the first `count` products."""
    total = 0.0
    for j in range(count):
        total += left[j] * right[j]
    return total


def exp_sum_numpy(values: FloatArray, count: int, top: float, part: FloatArray) -> float:
    """Return ``sum exp(values - top)`` over the first `count` values (plain NumPy)."""
    return float(np.exp(np.maximum(values[:count] - top, LOWEST)).sum())


@kernel(twin=exp_sum_numpy, fastmath={"contract", "reassoc", "nsz", "nnan"})
def exp_sum(values: Any, count: Any, top: Any, part: Any) -> Any:
    """Return ``sum exp(values - top)`` over the first `count` values; `part` is scratch."""
    for j in range(count):
        part[j] = values[j] - top
    exp_array(part[:count])
    total = 0.0
    for j in range(count):
        total += part[j]
    return total


def loops_numpy(
    points: FloatArray,
    log_weights: FloatArray,
    queries: FloatArray,
    excluded: IntArray,
    top: FloatArray,
    total: FloatArray,
) -> None:
    """Add scaled points, one variable a row, to the states of the queries (plain NumPy)."""
    step = max(1, 200_000 // max(points.shape[1], 1))
    for start in range(0, len(queries), step):
        rows = slice(start, start + step)
        terms = np.broadcast_to(log_weights, (len(queries[rows]), points.shape[1])).copy()
        for k in range(len(points)):
            difference = points[k] - queries[rows, k : k + 1]
            terms -= difference * difference
        _absorb_numpy(terms, excluded[rows], top[rows], total[rows])


def _absorb_numpy(terms: FloatArray, excluded: IntArray, top: FloatArray, total: FloatArray) -> None:
    hit = np.flatnonzero((excluded >= 0) & (excluded < terms.shape[1]))
    terms[hit, excluded[hit]] = NOTHING
    new = np.maximum(top, terms.max(axis=1))
    live = new > NOTHING
    scale = np.exp(np.maximum(top[live] - new[live], LOWEST))
    sums = np.exp(np.maximum(terms[live] - new[live, None], LOWEST)).sum(axis=1)
    total[live] = total[live] * scale + sums
    top[:] = new


@kernel(twin=loops_numpy, fastmath={"contract"})
def loops(points: Any, log_weights: Any, queries: Any, excluded: Any, top: Any, total: Any) -> Any:
    """Add scaled points, one variable a row, to the states (top, total) of the queries."""
    d, n = points.shape
    terms = np.empty(POINTS)
    part = np.empty(POINTS)
    for start in range(0, n, POINTS):
        count = min(POINTS, n - start)
        for i in range(len(queries)):
            for j in range(count):
                terms[j] = log_weights[start + j]
            for k in range(d):
                q = queries[i, k]
                row = points[k, start : start + count]
                for j in range(count):
                    difference = row[j] - q
                    terms[j] -= difference * difference
            own = excluded[i] - start
            if 0 <= own < count:
                terms[own] = NOTHING
            new = max(top[i], largest(terms, count))
            if new > NOTHING:
                scale = math.exp(max(top[i] - new, LOWEST))
                total[i] = total[i] * scale + exp_sum(terms, count, new, part)
                top[i] = new


def tile_numpy(
    products: FloatArray,
    log_weights: FloatArray,
    point_norms: FloatArray,
    query_norms: FloatArray,
    excluded: IntArray,
    top: FloatArray,
    total: FloatArray,
) -> None:
    """Add one tile of inner products to the states of its queries (plain NumPy)."""
    distances = np.maximum(query_norms[:, None] + (point_norms - 2.0 * products), 0.0)
    _absorb_numpy(log_weights - distances, excluded, top, total)


@kernel(twin=tile_numpy, fastmath={"contract"})
def tile(
    products: Any, log_weights: Any, point_norms: Any, query_norms: Any, excluded: Any, top: Any, total: Any
) -> Any:
    """Add one tile of inner products, queries by points, to the states of its queries."""
    rows, count = products.shape
    terms = np.empty(count)
    part = np.empty(count)
    for i in range(rows):
        for j in range(count):
            distance = query_norms[i] + (point_norms[j] - 2.0 * products[i, j])
            terms[j] = log_weights[j] - max(distance, 0.0)
        own = excluded[i]
        if 0 <= own < count:
            terms[own] = NOTHING
        new = max(top[i], largest(terms, count))
        if new > NOTHING:
            scale = math.exp(max(top[i] - new, LOWEST))
            total[i] = total[i] * scale + exp_sum(terms, count, new, part)
            top[i] = new
