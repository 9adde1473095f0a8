"""Distances to the k-th neighbour: the choice among sorting, trees and tiles.

One column is sorted. Few columns go to a tree, `scipy.spatial.cKDTree` or, for many queries,
our own. Many columns go to tiles of a matrix product (Euclidean norm) or of differences
(maximum norm). All work is blocked: besides the inputs and a tile only a tree or lists of k
numbers per row are held.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.threads import one_blas_thread, run_blocks
from ..core.validation import FloatArray, check_count
from .neighbour_kernels import (
    COLUMN_TILE,
    ROW_TILE,
    farthest_of,
    keep_smallest,
    kth_direct,
    kth_on_line,
    kth_on_line_from,
    select_both,
    select_rows,
)
from .plane_kernels import IntArray
from .tree_kernels import LEAF, build_tree, kth_in_tree

__all__ = ["NeighbourSearch", "check_k", "plan_search"]

_CHUNK = 16_384
# Rows with d_k^2 below this share of their squared norm are measured again: their squared
# distance from a matrix product carries a relative error of more than about 1e-11.
_CANCELLED = 1e-4
# Below this number of pairs a tree has answered before Numba has been imported.
_SMALL = 1_000_000
_MANY_QUERIES = 20_000


@dataclass(frozen=True)
class NeighbourSearch:
    """How distances to the k-th neighbour are found; made by `plan_search`.

    Attributes
    ----------
    norm : {"euclidean", "max"}
        Length of a difference.
    route : {"tree", "boxes", "tiles"}
        What serves two or more dimensions: scipy's tree, our own for many queries, or tiles.
    n_jobs : int
        Threads.
    """

    norm: str
    route: str
    n_jobs: int = 1

    def kth(self, X: FloatArray, k: int) -> FloatArray:
        """Return the distance of each row to its k-th neighbour among the other rows (n > k).

        Exactly zero for a row that occurs more than k times.
        """
        if X.shape[1] == 1:
            return kth_on_line(X[:, 0], k)
        return self._search(X, X, k, same=True)

    def kth_from(self, Q: FloatArray, Y: FloatArray, k: int) -> FloatArray:
        """Return the distance of each row of `Q` to its k-th nearest row of `Y` (m >= k)."""
        if Y.shape[1] == 1:
            return kth_on_line_from(Q[:, 0], Y[:, 0], k)
        return self._search(Q, Y, k, same=False)

    def serial(self) -> NeighbourSearch:
        """Return the same search on one thread, for work that is already spread over threads."""
        return replace(self, n_jobs=1)

    def _search(self, Q: FloatArray, Y: FloatArray, k: int, *, same: bool) -> FloatArray:
        task = _Task(Q, Y, k, _power_of_two(Q, Y), same, self.n_jobs)
        if self.route == "tree":
            return _by_tree(task, self.norm)
        if self.route == "boxes":
            return _by_boxes(task, self.norm == "max")
        return _by_differences(task) if self.norm == "max" else _by_products(task)


def plan_search(n: int, m: int, d: int, norm: str = "euclidean", *, n_jobs: int = 1) -> NeighbourSearch:
    """Return the faster search for n queries among m points in d dimensions.

    Parameters
    ----------
    n, m, d : int
        Sizes.
    norm : {"euclidean", "max"}
        Length of a difference.
    n_jobs : int
        Threads.

    Returns
    -------
    NeighbourSearch
        The plan. Parts of the data may be searched with the plan of the whole.

    Notes
    -----
    Measured on normal samples, a tree visits so many leaves that tiles win below about
    10 000 points in 8 dimensions, and three times as many in each further one; under the maximum
    norm, where a tile costs more, one dimension later. For few queries scipy's tree has answered
    before Numba is imported.

    Examples
    --------
    >>> plan_search(1000, 1000, 3).route, plan_search(10_000, 10_000, 30).route
    ('tree', 'tiles')
    """
    excess = d - (9 if norm == "max" else 8)
    if n * m <= _SMALL:
        route = "tree"
    elif excess >= 0 and m <= 10_000 * 3.0 ** min(excess, 20):
        route = "tiles"
    else:
        route = "boxes" if n >= _MANY_QUERIES else "tree"
    return NeighbourSearch(norm, route, n_jobs)


@dataclass(frozen=True)
class _Task:
    """Queries, points, number of the neighbour, scale, whether queries are the points, threads."""

    Q: FloatArray
    Y: FloatArray
    k: int
    scale: float
    same: bool
    n_jobs: int


def check_k(k: Any, n: int, name: str) -> int:
    """Return `k` as an int below the number of rows, or raise.

    Parameters
    ----------
    k : int
        Number of the neighbour.
    n : int
        Rows of the sample; the row itself is not its neighbour.
    name : str
        Argument that holds the sample.

    Returns
    -------
    int
        The number.

    Raises
    ------
    InputError
        If ``k < 1`` or ``k >= n``.

    Examples
    --------
    >>> check_k(3, 10, "X")
    3
    """
    cure = f"a row of {name} has only {n - 1} other rows as neighbours: lower k or take more rows"
    return check_count("k", k, low=1, high=n - 1, cure=cure)


def _power_of_two(*samples: FloatArray) -> float:
    """Return a factor without rounding that brings extreme data into the range where squares exist."""
    largest = max(float(max(sample.max(), -sample.min())) for sample in samples)
    exponent = math.frexp(largest)[1]
    return 1.0 if abs(exponent) < 300 else math.ldexp(1.0, min(max(-exponent, -1000), 1000))


def _by_tree(task: _Task, norm: str) -> FloatArray:
    from scipy.spatial import cKDTree

    Q, Y, scale = task.Q, task.Y, task.scale
    tree = cKDTree(Y if scale == 1.0 else Y * scale, leafsize=LEAF, balanced_tree=False)
    # Queries in the order of the leaves find the same leaves in cache again.
    order = tree.indices if task.same else cKDTree(Q, leafsize=LEAF, balanced_tree=False).indices
    rank, p = task.k + task.same, np.inf if norm == "max" else 2.0
    result = np.empty(len(Q))

    def fill(start: int) -> None:
        rows = order[start : start + _CHUNK]
        queries = Q[rows] if scale == 1.0 else Q[rows] * scale
        result[rows] = tree.query(queries, [rank], p=p)[0][:, 0]

    run_blocks(fill, [(start,) for start in range(0, len(Q), _CHUNK)], task.n_jobs)
    return result / scale


def _by_boxes(task: _Task, maximum: bool) -> FloatArray:
    Q, Y, k, scale = task.Q, task.Y, task.k, task.scale
    order, cuts, low, high = build_tree(Y if scale == 1.0 else Y * scale, LEAF)
    columns = np.ascontiguousarray(Y[order].T)
    columns *= scale
    turn = order if task.same else build_tree(Q, LEAF)[0]
    result = np.empty(len(Q))

    def fill(start: int) -> None:
        rows = turn[start : start + _CHUNK]
        own = np.arange(start, start + len(rows)) if task.same else np.full(len(rows), -1)
        result[rows] = kth_in_tree(columns, cuts, low, high, Q[rows] * scale, own, k, maximum)

    run_blocks(fill, [(start,) for start in range(0, len(Q), _CHUNK)], task.n_jobs)
    return result / scale


def _by_differences(task: _Task, rows: IntArray | None = None, maximum: bool = True) -> FloatArray:
    chosen = np.arange(len(task.Q)) if rows is None else rows

    def part(start: int) -> FloatArray:
        some = chosen[start : start + ROW_TILE]
        own = some if task.same else np.full(len(some), -1)
        return kth_direct(task.Q[some], own, task.Y, task.k, maximum, task.scale)

    parts = run_blocks(part, [(start,) for start in range(0, len(chosen), ROW_TILE)], task.n_jobs)
    return np.asarray(np.concatenate(parts) / task.scale)


def _by_products(task: _Task) -> FloatArray:
    n, k, jobs = len(task.Q), task.k, task.n_jobs
    centre = np.asarray((task.Y * task.scale if task.scale != 1.0 else task.Y).mean(axis=0))
    starts = range(0, n, ROW_TILE)

    def lists(worker: int) -> tuple[FloatArray, IntArray]:
        best, found = np.full((n, k), np.inf), np.zeros((n, k), dtype=np.int64)
        for start in starts[worker::jobs]:
            _scan_rows(task, start, centre, best, found)
        return best, found

    with one_blas_thread():
        best, found = _merge(run_blocks(lists, [(worker,) for worker in range(jobs)], jobs))
    distances = farthest_of(task.Q, task.Y, found, task.scale) / task.scale
    again = np.flatnonzero(~(best[:, -1] > _CANCELLED * _squared_norms(task, centre)))
    if len(again):
        distances[again] = _by_differences(task, again, maximum=False)
    return np.asarray(distances)


def _merge(parts: list[tuple[FloatArray, IntArray]]) -> tuple[FloatArray, IntArray]:
    """Join the lists of workers that saw different pairs."""
    best, found = parts[0]
    for values, labels in parts[1:]:
        for start in range(0, len(best), _CHUNK):
            rows = slice(start, start + _CHUNK)
            keep_smallest(best[rows], found[rows], values[rows], labels[rows])
    return best, found


def _scan_rows(task: _Task, start: int, centre: FloatArray, best: FloatArray, found: IntArray) -> None:
    """Bring one block of rows against all columns it has not met yet."""
    rows = task.Q[start : start + ROW_TILE] * task.scale - centre
    a = np.einsum("ij,ij->i", rows, rows)
    side = len(rows)
    for first in range(start if task.same else 0, len(task.Y), COLUMN_TILE):
        columns = task.Y[first : first + COLUMN_TILE] * task.scale - centre
        b = np.einsum("ij,ij->i", columns, columns)
        product = rows @ columns.T
        if not task.same:
            select_rows(product, a, b, start, first, False, best, found)
        elif first > start:
            select_both(product, a, b, start, first, best, found)
        else:
            # The square on the diagonal holds each pair twice and each row itself.
            select_rows(product[:, :side], a, b[:side], start, start, True, best, found)
            if len(columns) > side:
                select_both(product[:, side:], a, b[side:], start, start + side, best, found)


def _squared_norms(task: _Task, centre: FloatArray) -> FloatArray:
    result = np.empty(len(task.Q))
    for start in range(0, len(result), COLUMN_TILE):
        rows = task.Q[start : start + COLUMN_TILE] * task.scale - centre
        result[start : start + COLUMN_TILE] = np.einsum("ij,ij->i", rows, rows)
    return result
