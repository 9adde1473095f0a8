"""Kernels of :mod:`infostat.density.sweep`: all observables of a tile of pairs in one go.

A tile holds squared distances of some queries to successive points. The points are ordered by
group, so that each group is a run of columns; every query keeps one log-sum-exp state for each
group and one list of its nearest points. Each kernel has a NumPy twin of the same name with
``_numpy`` appended.

State of a query and a group, for terms ``t = log mass - factor * squared distance``:
``top = max t``, ``total = sum exp(t - top)``, ``square = sum exp(2 (t - top))`` and
``spread = sum exp(t - top) (t - top)``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.exponential_kernels import LOWEST, exp_array
from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = ["NOTHING", "IntArray", "by_loops", "by_products", "measure"]

IntArray = NDArray[np.intp]

# Stands for "no term yet": finite, so that no kernel meets the difference of two infinities.
NOTHING = -1e308
_LANES = 16


# -------------------------------------------------------------- plain NumPy
def _absorb_numpy(
    squared: FloatArray,
    log_masses: FloatArray,
    labels: IntArray,
    excluded: IntArray,
    cuts: IntArray,
    groups: IntArray,
    factor: float,
    state: FloatArray,
    best: FloatArray,
    found: IntArray,
) -> None:
    """Bring a tile of squared distances into the states and lists of its queries."""
    hit = np.flatnonzero((excluded >= 0) & (excluded < squared.shape[1]))
    squared[hit, excluded[hit]] = np.inf
    _keep_smallest(squared, labels, best, found)
    terms = log_masses - factor * squared
    terms[hit, excluded[hit]] = NOTHING
    for piece, group in enumerate(groups):
        some = terms[:, cuts[piece] : cuts[piece + 1]]
        top, total, square, spread = state[:, group].T
        new = np.maximum(top, some.max(axis=1))
        live = new > NOTHING
        drop = np.maximum(top[live] - new[live], LOWEST)
        scale = np.exp(drop)
        exponents = np.maximum(some[live] - new[live, None], LOWEST)
        weights = np.exp(exponents)
        spread[live] = scale * (spread[live] + drop * total[live]) + (weights * exponents).sum(axis=1)
        total[live] = scale * total[live] + weights.sum(axis=1)
        square[live] = scale * scale * square[live] + (weights * weights).sum(axis=1)
        top[:] = new


def _keep_smallest(squared: FloatArray, labels: IntArray, best: FloatArray, found: IntArray) -> None:
    k, columns = best.shape[1], squared.shape[1]
    if columns > k:
        chosen = np.argpartition(squared, k - 1, axis=1)[:, :k]
        squared = np.take_along_axis(squared, chosen, axis=1)
        names = labels[chosen]
    else:
        names = np.broadcast_to(labels, squared.shape)
    values, names = np.hstack([best, squared]), np.hstack([found, names])
    order = np.argsort(values, axis=1, kind="stable")[:, :k]
    best[:] = np.take_along_axis(values, order, axis=1)
    found[:] = np.take_along_axis(names, order, axis=1)


def by_products_numpy(
    products: FloatArray,
    query_squares: FloatArray,
    point_squares: FloatArray,
    log_masses: FloatArray,
    labels: IntArray,
    excluded: IntArray,
    cuts: IntArray,
    groups: IntArray,
    factor: float,
    state: FloatArray,
    best: FloatArray,
    found: IntArray,
) -> None:
    """Bring a tile of inner products, queries by points, into the states (plain NumPy).

    Parameters
    ----------
    products, ..., found
        As in `by_products`.
    """
    squared = np.maximum(query_squares[:, None] + (point_squares - 2.0 * products), 0.0)
    _absorb_numpy(squared, log_masses, labels, excluded, cuts, groups, factor, state, best, found)


def by_loops_numpy(
    points: FloatArray,
    queries: FloatArray,
    log_masses: FloatArray,
    labels: IntArray,
    excluded: IntArray,
    cuts: IntArray,
    groups: IntArray,
    factor: float,
    state: FloatArray,
    best: FloatArray,
    found: IntArray,
) -> None:
    """Bring points, one variable a row, into the states of the queries (plain NumPy).

    Parameters
    ----------
    points, queries, log_masses, labels, excluded, cuts, groups, factor, state, best, found
        As in `by_loops`.
    """
    squared = np.zeros((len(queries), points.shape[1]))
    for k in range(len(points)):
        difference = points[k] - queries[:, k : k + 1]
        squared += difference * difference
    _absorb_numpy(squared, log_masses, labels, excluded, cuts, groups, factor, state, best, found)


def measure_numpy(queries: FloatArray, points: FloatArray, found: IntArray) -> FloatArray:
    """Return the squared distances of each query to the points found for it (plain NumPy).

    Parameters
    ----------
    queries, points, found
        As in `measure`.
    """
    result = np.empty(found.shape)
    for column in range(found.shape[1]):
        difference = queries - points[found[:, column]]
        result[:, column] = np.einsum("ij,ij->i", difference, difference)
    return result


# ------------------------------------------------------------------ compiled
def largest_numpy(values: FloatArray, count: int) -> float:
    """Return the largest of the first `count` values (plain NumPy).

    Parameters
    ----------
    values, count
        As in `largest`.

    Returns
    -------
    float
        As of `largest`.
    """
    return float(values[:count].max())


@kernel(twin=largest_numpy, fastmath={"reassoc", "nsz", "nnan"})
def largest(values: Any, count: Any) -> Any:
    """Return the largest of the first `count` values.

    Parameters
    ----------
    values : ndarray of shape (m,)
        Values, at least one; not NaN.
    count : int
        Entries that are filled, from the front.

    Returns
    -------
    float
        The maximum.
    """
    top = values[0]
    for j in range(count):
        top = max(top, values[j])
    return top


def sums_numpy(weights: FloatArray, exponents: FloatArray, count: int) -> tuple[float, float, float]:
    """Return ``sum w``, ``sum w^2`` and ``sum w e`` of the first `count` entries (plain NumPy).

    Parameters
    ----------
    weights, exponents, count
        As in `sums`.

    Returns
    -------
    tuple of float
        As of `sums`.
    """
    w, e = weights[:count], exponents[:count]
    return float(w.sum()), float(w @ w), float(w @ e)


@kernel(twin=sums_numpy, fastmath={"contract", "reassoc", "nsz", "nnan"})
def sums(weights: Any, exponents: Any, count: Any) -> Any:
    """Return ``sum w``, ``sum w^2`` and ``sum w e`` of the first `count` entries.

    Parameters
    ----------
    weights : ndarray of shape (m,)
        Weights w; scratch in `add_terms`.
    exponents : ndarray of shape (m,)
        Exponents e, nats.
    count : int
        Entries that are filled, from the front.

    Returns
    -------
    tuple of float
        The three sums.
    """
    total, square, spread = 0.0, 0.0, 0.0
    for j in range(count):
        w = weights[j]
        total += w
        square += w * w
        spread += w * exponents[j]
    return total, square, spread


def insert_numpy(squared: FloatArray, labels: IntArray, best: FloatArray, found: IntArray) -> None:
    """Merge squared distances of one query into its sorted list, in place (plain NumPy).

    Parameters
    ----------
    squared, labels, best, found
        As in `insert`.
    """
    _keep_smallest(squared[None, : len(labels)], labels, best[None], found[None])


@kernel(twin=insert_numpy)
def insert(squared: Any, labels: Any, best: Any, found: Any) -> Any:
    """Merge squared distances of one query into its sorted list of the smallest, in place.

    Parameters
    ----------
    squared : ndarray of shape (m,)
        Squared distances of the query to m points.
    labels : ndarray of int, shape (m,)
        Numbers of these points.
    best : ndarray of shape (k,)
        Smallest squared distances so far, ascending; changed in place.
    found : ndarray of int, shape (k,)
        Numbers of their points; changed in place.
    """
    count, k = len(labels), len(best)
    worst = best[k - 1]
    for begin in range(0, count, _LANES):
        end = min(begin + _LANES, count)
        # One branch per group of lanes; after the first tiles it is almost never taken.
        hits = 0
        for j in range(begin, end):
            hits += squared[j] < worst
        if hits == 0:
            continue
        for j in range(begin, end):
            value = squared[j]
            if value < worst:
                spot = k - 1
                while spot > 0 and best[spot - 1] > value:
                    best[spot] = best[spot - 1]
                    found[spot] = found[spot - 1]
                    spot -= 1
                best[spot] = value
                found[spot] = labels[j]
                worst = best[k - 1]


def add_terms_numpy(
    terms: FloatArray, weights: FloatArray, cuts: IntArray, groups: IntArray, state: FloatArray
) -> None:
    """Add the terms of one query to its states, in place; `weights` is scratch (plain NumPy).

    Parameters
    ----------
    terms, weights, cuts, groups, state
        As in `add_terms`.
    """
    for piece, group in enumerate(groups):
        some = terms[cuts[piece] : cuts[piece + 1]]
        top, total, square, spread = state[group]
        new = max(top, float(some.max()))
        if new > NOTHING:
            drop = max(top - new, LOWEST)
            exponents = np.maximum(some - new, LOWEST)
            parts = sums_numpy(np.exp(exponents), exponents, len(exponents))
            scale = math.exp(drop)
            state[group] = (
                new,
                scale * total + parts[0],
                scale * scale * square + parts[1],
                scale * (spread + drop * total) + parts[2],
            )


@kernel(twin=add_terms_numpy, fastmath={"contract"})
def add_terms(terms: Any, weights: Any, cuts: Any, groups: Any, state: Any) -> Any:
    """Add the terms of one query to its states, in place; `weights` is scratch.

    Parameters
    ----------
    terms : ndarray of shape (m,)
        Terms t of the query, nats, ordered by group; overwritten.
    weights : ndarray of shape (m,)
        Weights w; scratch in `add_terms`.
    cuts : ndarray of int, shape (g + 1,)
        First column of each run of columns of one group, and m.
    groups : ndarray of int, shape (g,)
        Group of each run.
    state : ndarray of shape (groups, 4)
        ``top total square spread`` of the query (see the module); changed in place.
    """
    for piece in range(len(groups)):
        first, last = cuts[piece], cuts[piece + 1]
        count = last - first
        own = state[groups[piece]]
        some = terms[first:last]
        new = max(own[0], largest(some, count))
        if new > NOTHING:
            for j in range(count):
                some[j] = max(some[j] - new, LOWEST)
                weights[j] = some[j]
            exp_array(weights[:count])
            total, square, spread = sums(weights, some, count)
            drop = max(own[0] - new, LOWEST)
            scale = math.exp(drop)
            own[3] = scale * (own[3] + drop * own[1]) + spread
            own[1] = scale * own[1] + total
            own[2] = scale * scale * own[2] + square
            own[0] = new


@kernel(twin=by_products_numpy, fastmath={"contract"})
def by_products(
    products: Any,
    query_squares: Any,
    point_squares: Any,
    log_masses: Any,
    labels: Any,
    excluded: Any,
    cuts: Any,
    groups: Any,
    factor: Any,
    state: Any,
    best: Any,
    found: Any,
) -> Any:
    """Bring a tile of inner products, queries by points, into the states of its queries.

    Parameters
    ----------
    products : ndarray of shape (m, n)
        Inner products of queries and points.
    query_squares : ndarray of shape (m,)
        Squared norms of the queries.
    point_squares : ndarray of shape (n,)
        Squared norms of the points.
    log_masses : ndarray of shape (n,)
        Log masses of the points.
    labels : ndarray of int of shape (n,)
        Names of the points, for the lists.
    excluded : ndarray of int of shape (m,)
        Column of the point that is the query itself; outside the tile for none.
    cuts : ndarray of int of shape (pieces + 1,)
        First column of each run of one group, and the end.
    groups : ndarray of int of shape (pieces,)
        Group of each run.
    factor : float
        Nats per squared distance.
    state : ndarray of shape (m, groups, 4)
        ``top, total, square, spread``, brought up to date.
    best : ndarray of shape (m, k)
        Smallest squared distances, in rising order, brought up to date.
    found : ndarray of int of shape (m, k)
        Names of those points.
    """
    rows, count = products.shape
    squared = np.empty(count)
    weights = np.empty(count)
    for i in range(rows):
        for j in range(count):
            squared[j] = max(query_squares[i] + (point_squares[j] - 2.0 * products[i, j]), 0.0)
        own = excluded[i]
        if 0 <= own < count:
            squared[own] = np.inf
        insert(squared, labels, best[i], found[i])
        for j in range(count):
            squared[j] = log_masses[j] - factor * squared[j]
        if 0 <= own < count:
            squared[own] = NOTHING
        add_terms(squared, weights, cuts, groups, state[i])


@kernel(twin=by_loops_numpy, fastmath={"contract"})
def by_loops(
    points: Any,
    queries: Any,
    log_masses: Any,
    labels: Any,
    excluded: Any,
    cuts: Any,
    groups: Any,
    factor: Any,
    state: Any,
    best: Any,
    found: Any,
) -> Any:
    """Bring points, one variable a row, into the states of the queries.

    Parameters
    ----------
    points : ndarray of shape (d, n)
        Points of the tile, one variable a row.
    queries : ndarray of shape (m, d)
        Queries.
    log_masses : ndarray of shape (n,)
        Log masses of the points.
    labels : ndarray of int of shape (n,)
        Names of the points, for the lists.
    excluded : ndarray of int of shape (m,)
        Column of the point that is the query itself; outside the tile for none.
    cuts : ndarray of int of shape (pieces + 1,)
        First column of each run of one group, and the end.
    groups : ndarray of int of shape (pieces,)
        Group of each run.
    factor : float
        Nats per squared distance.
    state : ndarray of shape (m, groups, 4)
        ``top, total, square, spread``, brought up to date.
    best : ndarray of shape (m, k)
        Smallest squared distances, in rising order, brought up to date.
    found : ndarray of int of shape (m, k)
        Names of those points.
    """
    d, count = points.shape
    squared = np.empty(count)
    weights = np.empty(count)
    for i in range(len(queries)):
        for j in range(count):
            squared[j] = 0.0
        for k in range(d):
            q = queries[i, k]
            row = points[k]
            for j in range(count):
                difference = row[j] - q
                squared[j] += difference * difference
        own = excluded[i]
        if 0 <= own < count:
            squared[own] = np.inf
        insert(squared, labels, best[i], found[i])
        for j in range(count):
            squared[j] = log_masses[j] - factor * squared[j]
        if 0 <= own < count:
            squared[own] = NOTHING
        add_terms(squared, weights, cuts, groups, state[i])


@kernel(twin=measure_numpy)
def measure(queries: Any, points: Any, found: Any) -> Any:
    """Return the squared distances, from differences, of each query to the points found for it.

    Parameters
    ----------
    queries : ndarray of shape (m, d)
        Queries.
    points : ndarray of shape (n, d)
        All points.
    found : ndarray of int of shape (m, k)
        Names of the points found for each query.

    Returns
    -------
    ndarray of shape (m, k)
        Squared distances.
    """
    rows, k = found.shape
    result = np.empty((rows, k))
    for i in range(rows):
        for c in range(k):
            j = found[i, c]
            total = 0.0
            for column in range(queries.shape[1]):
                difference = queries[i, column] - points[j, column]
                total += difference * difference
            result[i, c] = total
    return result
