"""Kernels of :mod:`infostat.core.pairwise`: sums of decreasing functions of squared distances.

A sum of exponentials is held by a pair (low, total) that stands for ``-low + log2(total)``: `low`
is the smallest energy so far, in bits, and `total` sums ``2^(low - energy)``. Energies are never
negative, so that their order is that of the integers with the same bits; compilers vectorise a
minimum of integers and not one of floats. Each kernel has a NumPy twin of the same name with
``_numpy`` appended.

Arguments that kernels share: `points` (blocks with one variable a row, or one point a row) and
`queries` of shape (m, d); `handicaps`, ``-log2`` of the masses (compact kernels: the masses), used
if `weighted`; `excluded` of shape (m,), the point that is the query itself, -1 for none; `kind`, one
of GAUSSIAN, STUDENT and COMPACT; `power`, the exponent of the last two; `factors` of shape (scales,),
energy in bits per squared distance (else ``1/h^2`` in the argument of the kernel); and the states
`low`, `total` and `edge` of shape (m, scales), which are brought up to date in place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jit import kernel
from .validation import FloatArray

__all__ = [
    "COMPACT", "DEAD", "GAUSSIAN", "NOTHING", "POINTS", "STUDENT", "IntArray", "absorb", "exp2_below",
    "loops", "nearest", "product_sum", "rows", "student_energies", "tile",
]  # fmt: skip

IntArray = NDArray[np.intp]

POINTS = 512  # points of a block: 4 kB of distances and 8 kB a pair of variables stay in the first cache
GAUSSIAN, STUDENT, COMPACT = 0, 1, 2
# Energy (or squared distance) of a term that does not count: finite, so that no kernel meets a NaN.
NOTHING = 1.7e308
DEAD = 1e308  # no energy that counts reaches this
# A block this many bits above the smallest energy adds less than 2^-100 of each term to the sum.
_NEGLIGIBLE = 100.0
_FLOOR = -1022.0  # lowest power of two that is a normal double
# Adding 3 * 2^51 rounds to the nearest integer and leaves it in the low bits of the double.
_ROUND = 6755399441055744.0
_ROUND_BITS = 0x4338000000000000
_EDGE = -(2.0**-50)  # 1 - u of a point on the edge of a compact support, up to rounding: it is inside
_LOG2_E = 1.4426950408889634
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD


def nearest_numpy(values: FloatArray, count: int) -> float:
    """Return the smallest of the first `count` values, none of them negative (plain NumPy)."""
    return float(values[:count].min())


@kernel(twin=nearest_numpy)
def nearest(values: Any, count: Any) -> Any:
    """Return the smallest of the first `count` values, none of them negative."""
    low = np.float64(values[0]).view(np.int64)
    for j in range(count):
        low = min(low, np.float64(values[j]).view(np.int64))
    return np.int64(low).view(np.float64)


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


def value_sum_numpy(values: FloatArray, count: int) -> float:
    """Return the sum of the first `count` values (plain NumPy)."""
    return float(values[:count].sum())


@kernel(twin=value_sum_numpy, fastmath={"contract", "reassoc", "nsz", "nnan"})
def value_sum(values: Any, count: Any) -> Any:
    """Return the sum of the first `count` values."""
    total = 0.0
    for j in range(count):
        total += values[j]
    return total


# ------------------------------------------------------------------- functions of distances
def exp2_below_numpy(values: FloatArray, count: int, factor: float, low: float, out: FloatArray) -> None:
    """Write ``2^(low - factor * value)`` for the first `count` values (plain NumPy)."""
    out[:count] = np.exp2(np.maximum(low - factor * values[:count], _FLOOR))


# Only "contract" is safe: with "reassoc" the rounding constant is folded away.
@kernel(twin=exp2_below_numpy, fastmath={"contract"})
def exp2_below(values: Any, count: Any, factor: Any, low: Any, out: Any) -> Any:
    """Write ``2^(low - factor * value)`` for the first `count` values; exponents end at -1022.

    ``2^x = 2^k 2^r`` with k an integer and r in [-1/2, 1/2]: a polynomial (interpolation of
    ``(2^r - 1)/r`` at Chebyshev points, 6e-16 relative) and k added to the exponent bits.
    """
    for j in range(count):
        x = low - factor * values[j]
        x = x if x > _FLOOR else _FLOOR
        shifted = x + _ROUND
        r = x - (shifted - _ROUND)
        q = 7.070977866508138e-09
        q = q * r + 1.0205905413765595e-07
        q = q * r + 1.3215451633221434e-06
        q = q * r + 1.5252672924850737e-05
        q = q * r + 1.5403530424776529e-04
        q = q * r + 1.3333558200794592e-03
        q = q * r + 9.618129107618665e-03
        q = q * r + 5.550410866465167e-02
        q = q * r + 2.4022650695910075e-01
        q = q * r + 6.931471805599462e-01
        q = q * r + 1.0
        bits = np.float64(q).view(np.int64) + (np.float64(shifted).view(np.int64) << 52)
        out[j] = np.int64(bits).view(np.float64)


def student_energies_numpy(values: FloatArray, count: int, factor: float, power: float, out: FloatArray) -> None:
    """Write ``power * log2(1 + factor * value)`` for the first `count` values (plain NumPy)."""
    out[:count] = (power * _LOG2_E) * np.log1p(factor * values[:count])


@kernel(twin=student_energies_numpy, fastmath={"contract"})
def student_energies(values: Any, count: Any, factor: Any, power: Any, out: Any) -> Any:
    """Write ``power * log2(1 + factor * value)`` for the first `count` values.

    ``v = 1 + u`` is ``2^k m`` with m in [0.71, 1.41]; ``log m = 2 artanh(s)``, ``s = (m-1)/(m+1)``,
    by its series; what the addition of one has rounded off is put back to first order.
    """
    for j in range(count):
        u = factor * values[j]
        v = 1.0 + u
        lost = u - (v - 1.0)
        bits = np.float64(v).view(np.int64)
        k = (bits - _ROOT_HALF_BITS) >> 52
        m = np.int64(bits - (k << 52)).view(np.float64)
        exponent = np.int64(k + _ROUND_BITS).view(np.float64) - _ROUND
        f, g = m - 1.0, m + 1.0
        inverse = 1.0 / (v * g)
        s = f * v * inverse
        z = s * s
        q = 2.0 / 21.0
        q = q * z + 2.0 / 19.0
        q = q * z + 2.0 / 17.0
        q = q * z + 2.0 / 15.0
        q = q * z + 2.0 / 13.0
        q = q * z + 2.0 / 11.0
        q = q * z + 2.0 / 9.0
        q = q * z + 2.0 / 7.0
        q = q * z + 2.0 / 5.0
        q = q * z + 2.0 / 3.0
        small = 2.0 * s + (s * z * q + lost * g * inverse)
        out[j] = power * (exponent + small * _LOG2_E)


def compact_terms_numpy(
    values: FloatArray, masses: FloatArray, weighted: bool, count: int, factor: float, power: float,
    inside: FloatArray, terms: FloatArray,
) -> None:  # fmt: skip
    """Write the mass of each point in the support, zero outside, and its term (plain NumPy)."""
    gap = 1.0 - factor * values[:count]
    inside[:count] = (gap >= _EDGE) * (masses[:count] if weighted else 1.0)
    terms[:count] = inside[:count] * np.maximum(gap, 0.0) ** power


@kernel(twin=compact_terms_numpy, fastmath={"contract"})
def compact_terms(
    values: Any, masses: Any, weighted: Any, count: Any, factor: Any, power: Any, inside: Any, terms: Any
) -> Any:
    """Write the mass of each point in the support, zero outside, and its term ``mass (1 - u)^power``."""
    for j in range(count):
        gap = 1.0 - factor * values[j]
        inside[j] = 1.0 if gap >= _EDGE else 0.0
        terms[j] = gap if gap > 0.0 else 0.0  # outside it may be infinite
    if weighted:
        for j in range(count):
            inside[j] *= masses[j]
    if power == 2.0:
        for j in range(count):
            terms[j] *= inside[j] * terms[j]
    elif power == 1.0:
        for j in range(count):
            terms[j] *= inside[j]
    else:
        for j in range(count):
            terms[j] = inside[j]


def closest_edge_numpy(values: FloatArray, count: int, factor: float, gaps: FloatArray) -> float:
    """Return the smallest ``|1 - factor * value|``; `gaps` is scratch (plain NumPy)."""
    return float(np.abs(1.0 - factor * values[:count]).min())


@kernel(twin=closest_edge_numpy, fastmath={"contract"})
def closest_edge(values: Any, count: Any, factor: Any, gaps: Any) -> Any:
    """Return the smallest ``|1 - factor * value|``; `gaps` is scratch."""
    for j in range(count):
        gaps[j] = abs(1.0 - factor * values[j])
    return nearest(gaps, count)


# ------------------------------------------------------------------- one query, one block of points
def absorb_numpy(
    distances: FloatArray, count: int, own: int, handicaps: FloatArray, weighted: bool, kind: int, power: float,
    factors: FloatArray, i: int, low: FloatArray, total: FloatArray, edge: FloatArray,
    energies: FloatArray, terms: FloatArray,
) -> None:  # fmt: skip
    """Add the terms of one block of squared distances to the states of query `i` (plain NumPy)."""
    squares = distances[None, :count].copy()
    _exclude(squares, np.array([own]))
    states = low[i : i + 1], total[i : i + 1], edge[i : i + 1]
    absorb_rows(squares, handicaps[:count], weighted, kind, power, factors, *states)


@kernel(twin=absorb_numpy, fastmath={"contract"})
def absorb(
    distances: Any, count: Any, own: Any, handicaps: Any, weighted: Any, kind: Any, power: Any,
    factors: Any, i: Any, low: Any, total: Any, edge: Any, energies: Any, terms: Any,
) -> Any:  # fmt: skip
    """Add the terms of one block of squared distances to the states of query `i`.

    The states have one column per scale. `handicaps` are ``-log2 w`` (compact kernels: w itself);
    for compact kernels `low` sums the mass inside the support and `edge` is the smallest distance
    of a point from its edge. `energies` and `terms` are scratch.
    """
    if 0 <= own < count:
        distances[own] = NOTHING
    if kind == COMPACT:
        for s in range(len(factors)):
            compact_terms(distances, handicaps, weighted, count, factors[s], power, energies, terms)
            low[i, s] += value_sum(energies, count)
            total[i, s] += value_sum(terms, count)
            edge[i, s] = min(edge[i, s], closest_edge(distances, count, factors[s], terms))
        return
    plain = kind == GAUSSIAN and not weighted
    closest = nearest(distances, count)
    for s in range(len(factors)):
        factor = factors[s]
        if kind == GAUSSIAN and factor * closest > low[i, s] + _NEGLIGIBLE:
            continue
        if plain:
            smallest = factor * closest
        else:
            if kind == GAUSSIAN:
                for j in range(count):
                    energies[j] = factor * distances[j] + handicaps[j]
            else:
                student_energies(distances, count, factor, power, energies)
                if weighted:
                    for j in range(count):
                        energies[j] += handicaps[j]
                if 0 <= own < count:
                    energies[own] = NOTHING
            smallest = nearest(energies, count)
        if smallest >= DEAD or smallest > low[i, s] + _NEGLIGIBLE:
            continue
        if smallest < low[i, s]:
            # The first block finds low at NOTHING and total at zero.
            total[i, s] *= 2.0 ** max(smallest - low[i, s], _FLOOR)
            low[i, s] = smallest
        if plain:
            exp2_below(distances, count, factor, low[i, s], terms)
        else:
            exp2_below(energies, count, 1.0, low[i, s], terms)
        total[i, s] += value_sum(terms, count)


def absorb_rows(
    squares: FloatArray, handicaps: FloatArray, weighted: bool, kind: int, power: float, factors: FloatArray,
    low: FloatArray, total: FloatArray, edge: FloatArray,
) -> None:  # fmt: skip
    """Add a matrix of squared distances, queries by points, to the states of the queries."""
    for s, factor in enumerate(factors):
        if kind == COMPACT:
            gap = 1.0 - factor * squares
            inside = (gap >= _EDGE) * (handicaps if weighted else 1.0)
            low[:, s] += inside.sum(axis=1)
            total[:, s] += (inside * np.maximum(gap, 0.0) ** power).sum(axis=1)
            np.minimum(edge[:, s], np.abs(gap).min(axis=1), out=edge[:, s])
            continue
        energies = factor * squares if kind == GAUSSIAN else (power * _LOG2_E) * np.log1p(factor * squares)
        if weighted:
            energies += handicaps
        energies[squares >= DEAD] = NOTHING
        absorb_energies(energies, low[:, s], total[:, s])


def absorb_energies(energies: FloatArray, low: FloatArray, total: FloatArray) -> None:
    """Add a matrix of energies, queries by points, to sums of exponentials, one per query."""
    new = np.minimum(low, energies.min(axis=1))
    live = new < DEAD
    old = np.exp2(np.maximum(new[live] - low[live], _FLOOR))
    total[live] = total[live] * old + np.exp2(np.maximum(new[live, None] - energies[live], _FLOOR)).sum(axis=1)
    low[live] = new[live]


# ------------------------------------------------------------------- few dimensions
def loops_numpy(
    points: FloatArray, n: int, handicaps: FloatArray, weighted: bool, queries: FloatArray, excluded: IntArray,
    kind: int, power: float, factors: FloatArray, low: FloatArray, total: FloatArray, edge: FloatArray,
) -> None:  # fmt: skip
    """Add `n` scaled points, in blocks with one variable a row, to the states (plain NumPy)."""
    for start in range(0, n, POINTS):
        block = points[start // POINTS][:, : min(POINTS, n - start)]
        squares = np.zeros((len(queries), block.shape[1]))
        for k, row in enumerate(block):
            squares += (row - queries[:, k : k + 1]) ** 2
        part = slice(start, start + block.shape[1])
        _exclude(squares, excluded - start)
        absorb_rows(squares, handicaps[part], weighted, kind, power, factors, low, total, edge)


def _exclude(squares: FloatArray, excluded: IntArray) -> None:
    hit = np.flatnonzero((excluded >= 0) & (excluded < squares.shape[1]))
    squares[hit, excluded[hit]] = NOTHING


def squares_numpy(
    points: FloatArray, b: int, queries: FloatArray, i: int, count: int, out: FloatArray
) -> None:
    """Write squared distances of query `i` from `count` points of block `b` (plain NumPy)."""
    out[:count] = ((points[b][:, :count] - queries[i][:, None]) ** 2).sum(axis=0)


@kernel(twin=squares_numpy, fastmath={"contract"})
def squares(points: Any, b: Any, queries: Any, i: Any, count: Any, out: Any) -> Any:
    """Write squared distances of query `i` from `count` points of block `b`, one variable a row.

    Variables are taken four at a time, so that the running sums are loaded and stored less often.
    """
    d = queries.shape[1]
    first = d % 4 if d % 4 else min(d, 4)
    block = points[b]
    p, q, r, t = queries[i, 0], queries[i, min(1, d - 1)], queries[i, min(2, d - 1)], queries[i, min(3, d - 1)]
    if first == 1:
        for j in range(count):
            x = block[0, j] - p
            out[j] = x * x
    elif first == 2:
        for j in range(count):
            x, y = block[0, j] - p, block[1, j] - q
            out[j] = x * x + y * y
    elif first == 3:
        for j in range(count):
            x, y, z = block[0, j] - p, block[1, j] - q, block[2, j] - r
            out[j] = x * x + y * y + z * z
    else:
        for j in range(count):
            x, y, z, w = block[0, j] - p, block[1, j] - q, block[2, j] - r, block[3, j] - t
            out[j] = (x * x + y * y) + (z * z + w * w)
    for k in range(first, d, 4):
        p, q, r, t = queries[i, k], queries[i, k + 1], queries[i, k + 2], queries[i, k + 3]
        for j in range(count):
            x, y, z, w = block[k, j] - p, block[k + 1, j] - q, block[k + 2, j] - r, block[k + 3, j] - t
            out[j] += (x * x + y * y) + (z * z + w * w)


@kernel(twin=loops_numpy, fastmath={"contract"})
def loops(
    points: Any, n: Any, handicaps: Any, weighted: Any, queries: Any, excluded: Any,
    kind: Any, power: Any, factors: Any, low: Any, total: Any, edge: Any,
) -> Any:  # fmt: skip
    """Add `n` scaled points, in blocks with one variable a row, to the states of the queries."""
    distances, energies, terms = np.empty(POINTS), np.empty(POINTS), np.empty(POINTS)
    for b in range(len(points)):
        start = b * POINTS
        count = min(POINTS, n - start)
        part = handicaps[start : start + count]
        for i in range(len(queries)):
            squares(points, b, queries, i, count, distances)
            absorb(
                distances, count, excluded[i] - start, part, weighted, kind, power,
                factors, i, low, total, edge, energies, terms,
            )  # fmt: skip


# ------------------------------------------------------------------- many dimensions
def rows_numpy(
    points: FloatArray, scale: float, handicaps: FloatArray, weighted: bool, queries: FloatArray, excluded: IntArray,
    kind: int, power: float, factors: FloatArray, low: FloatArray, total: FloatArray, edge: FloatArray,
) -> None:  # fmt: skip
    """Add points, one a row, to the states of the scaled queries by direct differences (plain NumPy)."""
    step = max(1, min(POINTS, 2**18 // points.shape[1]))
    for start in range(0, len(points), step):
        part = slice(start, start + step)
        scaled = points[part] * scale
        squares = np.stack([((scaled - query) ** 2).sum(axis=1) for query in queries])
        _exclude(squares, excluded - start)
        absorb_rows(squares, handicaps[part], weighted, kind, power, factors, low, total, edge)


def square_numpy(points: FloatArray, j: int, queries: FloatArray, i: int, scale: float) -> float:
    """Return the squared distance of point `j`, once scaled, from query `i` (plain NumPy)."""
    return float(((points[j] * scale - queries[i]) ** 2).sum())


@kernel(twin=square_numpy, fastmath={"contract", "reassoc", "nsz", "nnan"})
def square(points: Any, j: Any, queries: Any, i: Any, scale: Any) -> Any:
    """Return the squared distance of point `j`, once scaled, from query `i`."""
    total = 0.0
    for k in range(queries.shape[1]):
        x = points[j, k] * scale - queries[i, k]
        total += x * x
    return total


@kernel(twin=rows_numpy, fastmath={"contract"})
def rows(
    points: Any, scale: Any, handicaps: Any, weighted: Any, queries: Any, excluded: Any,
    kind: Any, power: Any, factors: Any, low: Any, total: Any, edge: Any,
) -> Any:  # fmt: skip
    """Add points, one a row, to the states of the scaled queries by direct differences."""
    n = len(points)
    distances, energies, terms = np.empty(POINTS), np.empty(POINTS), np.empty(POINTS)
    for start in range(0, n, POINTS):
        count = min(POINTS, n - start)
        part = handicaps[start : start + count]
        for i in range(len(queries)):
            for j in range(count):
                distances[j] = square(points, start + j, queries, i, scale)
            absorb(
                distances, count, excluded[i] - start, part, weighted, kind, power,
                factors, i, low, total, edge, energies, terms,
            )  # fmt: skip


def tile_numpy(
    products: FloatArray, point_norms: FloatArray, query_norms: FloatArray, points: FloatArray, scale: float,
    queries: FloatArray, limits: FloatArray, handicaps: FloatArray, weighted: bool, excluded: IntArray,
    kind: int, power: float, factors: FloatArray, low: FloatArray, total: FloatArray, edge: FloatArray,
) -> None:  # fmt: skip
    """Add one tile of inner products to the states of its queries (plain NumPy)."""
    squares = np.maximum(query_norms[:, None] + (point_norms - 2.0 * products), 0.0)
    close = np.argwhere(squares <= limits[:, None])
    step = max(1, 2**18 // points.shape[1])
    for start in range(0, len(close), step):
        i, j = close[start : start + step].T
        squares[i, j] = ((points[j] * scale - queries[i]) ** 2).sum(axis=1)
    _exclude(squares, excluded)
    absorb_rows(squares, handicaps, weighted, kind, power, factors, low, total, edge)


@kernel(twin=tile_numpy, fastmath={"contract"})
def tile(
    products: Any, point_norms: Any, query_norms: Any, points: Any, scale: Any, queries: Any, limits: Any,
    handicaps: Any, weighted: Any, excluded: Any, kind: Any, power: Any, factors: Any, low: Any, total: Any, edge: Any,
) -> Any:  # fmt: skip
    """Add one tile of inner products, queries by points, to the states of its queries.

    Squared distances up to the `limits` of a query (negative: none) are computed again from the
    points, as they came, and the queries, scaled.
    """
    count = products.shape[1]
    distances, energies, terms = np.empty(count), np.empty(count), np.empty(count)
    for i in range(len(products)):
        norm, limit = query_norms[i], limits[i]
        for j in range(count):
            value = norm + (point_norms[j] - 2.0 * products[i, j])
            distances[j] = value if value > 0.0 else 0.0
        if limit >= 0.0:
            for j in range(count):
                if distances[j] <= limit:
                    distances[j] = square(points, j, queries, i, scale)
        absorb(
            distances, count, excluded[i], handicaps, weighted, kind, power,
            factors, i, low, total, edge, energies, terms,
        )  # fmt: skip
