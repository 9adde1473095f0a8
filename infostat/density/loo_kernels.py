"""Kernels of :mod:`infostat.density.loo_sums`: moments of the distances of a row, bin by bin.

The sum ``sum_j m_j exp(-c t_j)`` is wanted for many c and the same distances t. The distances
are put into bins; inside a bin the exponential is a short polynomial of the place u in [-1, 1],
so the moments ``sum_j m_j u_j^k`` of each bin give the sum for every c at once. A pair of rows
costs the same for one c as for a thousand. Each kernel has a NumPy twin of the same name with
``_numpy`` appended.

Bins: ``s = 1 + t / unit`` is split by its bits, the exponent and the leading `bits` bits of the
fraction give the bin, the rest of the fraction gives u. The width of a bin grows with t, as it
may, because far points matter for small c only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = ["MOMENTS", "IntArray", "bin_moments", "direct_distances", "product_distances"]

IntArray = NDArray[np.intp]

MOMENTS = 10  # powers of u kept in each bin
_FRACTION = 52  # bits of the fraction of a double
_ONE = 0x3FF0000000000000  # the bits of 1.0


def direct_distances_numpy(points: FloatArray, queries: FloatArray, own: IntArray, out: FloatArray) -> None:
    """Fill `out` with squared distances, infinite to the own point (plain NumPy).

    Parameters
    ----------
    points, queries, own, out
        As in `direct_distances`.
    """
    out[:] = 0.0
    for k in range(len(points)):
        difference = points[k] - queries[:, k : k + 1]
        out += difference * difference
    _leave_out(own, out)


def _leave_out(own: IntArray, out: FloatArray) -> None:
    hit = np.flatnonzero((own >= 0) & (own < out.shape[1]))
    out[hit, own[hit]] = np.inf


@kernel(twin=direct_distances_numpy, fastmath={"contract"})
def direct_distances(points: Any, queries: Any, own: Any, out: Any) -> Any:
    """Fill `out` with squared distances of queries to points (one variable a row).

    Parameters
    ----------
    points : ndarray of shape (d, n)
        One variable a row.
    queries : ndarray of shape (m, d)
        One query a row.
    own : ndarray of int of shape (m,)
        Column of the point that is the query itself; -1 for none.
    out : ndarray of shape (m, n)
        Squared distances; infinite to the own point.
    """
    d, n = points.shape
    for i in range(len(queries)):
        row = out[i]
        row[:] = 0.0
        k = 0
        while k + 4 <= d:
            q0, q1, q2, q3 = queries[i, k], queries[i, k + 1], queries[i, k + 2], queries[i, k + 3]
            p0, p1, p2, p3 = points[k], points[k + 1], points[k + 2], points[k + 3]
            for j in range(n):
                e0, e1, e2, e3 = p0[j] - q0, p1[j] - q1, p2[j] - q2, p3[j] - q3
                row[j] += (e0 * e0 + e1 * e1) + (e2 * e2 + e3 * e3)
            k += 4
        while k < d:
            q0, p0 = queries[i, k], points[k]
            for j in range(n):
                e0 = p0[j] - q0
                row[j] += e0 * e0
            k += 1
        if 0 <= own[i] < n:
            row[own[i]] = np.inf


def product_distances_numpy(
    products: FloatArray, point_norms: FloatArray, query_norms: FloatArray, own: IntArray
) -> None:
    """Turn inner products into squared distances, infinite to the own point (plain NumPy).

    Parameters
    ----------
    products, point_norms, query_norms, own
        As in `product_distances`.
    """
    products *= -2.0
    products += point_norms
    products += query_norms[:, None]
    np.maximum(products, 0.0, out=products)
    _leave_out(own, products)


@kernel(twin=product_distances_numpy, fastmath={"contract"})
def product_distances(products: Any, point_norms: Any, query_norms: Any, own: Any) -> Any:
    """Turn inner products, queries by points, into squared distances in place.

    Parameters
    ----------
    products : ndarray of shape (m, n)
        Inner products; squared distances afterwards.
    point_norms : ndarray of shape (n,)
        Squared norms of the points.
    query_norms : ndarray of shape (m,)
        Squared norms of the queries.
    own : ndarray of int of shape (m,)
        Column of the point that is the query itself; -1 for none.
    """
    rows, n = products.shape
    for i in range(rows):
        row, norm = products[i], query_norms[i]
        for j in range(n):
            value = norm + (point_norms[j] - 2.0 * row[j])
            row[j] = value if value > 0.0 else 0.0
        if 0 <= own[i] < n:
            row[own[i]] = np.inf


def smallest_numpy(values: FloatArray) -> float:
    """Return the smallest value (plain NumPy).

    Parameters
    ----------
    values
        As in `smallest`.

    Returns
    -------
    float
        As of `smallest`.
    """
    return float(values.min())


# Written as a comparison, because the built-in min keeps the order of signed zeros and is slow.
@kernel(twin=smallest_numpy, fastmath={"nsz", "nnan"})
def smallest(values: Any) -> Any:
    """Return the smallest value.

    Parameters
    ----------
    values : ndarray of shape (m,)
        Values, at least one; not NaN.

    Returns
    -------
    float
        The minimum.
    """
    best = values[0]
    for j in range(len(values)):
        best = values[j] if values[j] < best else best
    return best


def place_numpy(
    distances: FloatArray, nearest: float, rate: float, bits: int, top: float, bins: IntArray, u: FloatArray
) -> None:
    """Find bin and place of each distance beyond the nearest (plain NumPy).

    Parameters
    ----------
    distances, nearest, rate, bits, top, bins, u
        As in `place`.
    """
    with np.errstate(invalid="ignore"):
        s = (distances - nearest) * rate + 1.0
    s = np.where(s < top, s, top)  # a row whose distances are all infinite goes to the last bin
    raw = s.view(np.int64)
    bins[:] = (raw >> (_FRACTION - bits)) - (_ONE >> (_FRACTION - bits))
    rest = ((raw & ((1 << (_FRACTION - bits)) - 1)) << bits) | _ONE
    u[:] = 2.0 * rest.view(np.float64) - 3.0


@kernel(twin=place_numpy, fastmath={"contract"})
def place(
    distances: Any, nearest: Any, rate: Any, bits: Any, top: Any, bins: Any, u: Any
) -> Any:
    """Find the bin and the place in it, u in [-1, 1), of each distance beyond the nearest.

    Parameters
    ----------
    distances : ndarray of shape (m,)
        Squared distances of one row.
    nearest : float
        Smallest of them, which is subtracted.
    rate : float
        One over the unit of squared distance.
    bits : int
        Leading bits of the fraction that tell bins apart.
    top : float
        Largest scaled distance; what lies at or beyond it goes to the last bin.
    bins : ndarray of int, shape (m,)
        Receives the bins.
    u : ndarray of shape (m,)
        Receives the places in [-1, 1).
    """
    one = np.int64(_ONE)
    shift = np.int64(_FRACTION - bits)
    mask = (np.int64(1) << shift) - np.int64(1)
    first = one >> shift
    for j in range(len(distances)):
        s = (distances[j] - nearest) * rate + 1.0
        s = s if s < top else top
        raw = np.float64(s).view(np.int64)
        bins[j] = (raw >> shift) - first
        u[j] = 2.0 * np.int64(((raw & mask) << np.int64(bits)) | one).view(np.float64) - 3.0


def bin_moments_numpy(
    distances: FloatArray,
    masses: FloatArray,
    rate: float,
    bits: int,
    top: float,
    nearest: FloatArray,
    moments: FloatArray,
) -> None:
    """Add the moments of each row's distances to its bins (plain NumPy).

    Parameters
    ----------
    distances, masses, rate, bits, top, nearest, moments
        As in `bin_moments`.
    """
    n_bins = moments.shape[1]
    bins, u = np.empty(distances.shape[1], dtype=np.int64), np.empty(distances.shape[1])
    for i in range(len(distances)):
        nearest[i] = smallest_numpy(distances[i])
        place_numpy(distances[i], nearest[i], rate, bits, top, bins, u)
        power = masses.copy()
        for k in range(MOMENTS):
            moments[i, :, k] += np.bincount(bins, weights=power, minlength=n_bins)
            power *= u


@kernel(twin=bin_moments_numpy, fastmath={"contract"})
def bin_moments(
    distances: Any, masses: Any, rate: Any, bits: Any, top: Any, nearest: Any, moments: Any
) -> Any:
    """Add ``m_j u_j^k`` to the bins of each row, and note its smallest distance.

    `moments` has shape (rows, bins, MOMENTS); distances at or beyond `top` go to the last bin.

    Parameters
    ----------
    distances : ndarray of shape (m, n)
        Squared distances.
    masses : ndarray of shape (n,)
        Masses of the points.
    rate : float
        One over the unit of distance of the bins.
    bits : int
        Bits of the fraction that choose a bin.
    top : float
        Largest ``1 + t/unit`` that has a bin of its own.
    nearest : ndarray of shape (m,)
        Smallest distance of each row, written.
    moments : ndarray of shape (m, bins, MOMENTS)
        Moments, added to.
    """
    rows, n = distances.shape
    bins, place_u = np.empty(n, dtype=np.int64), np.empty(n)
    for i in range(rows):
        near = smallest(distances[i])
        nearest[i] = near
        place(distances[i], near, rate, bits, top, bins, place_u)
        for j in range(n):
            u = place_u[j]
            u2 = u * u
            u4 = u2 * u2
            p0 = masses[j]
            p1 = p0 * u
            p2, p3 = p0 * u2, p1 * u2
            p4, p5, p6, p7 = p0 * u4, p1 * u4, p2 * u4, p3 * u4
            cell = moments[i, bins[j]]
            cell[0] += p0
            cell[1] += p1
            cell[2] += p2
            cell[3] += p3
            cell[4] += p4
            cell[5] += p5
            cell[6] += p6
            cell[7] += p7
            cell[8] += p4 * u4
            cell[9] += p5 * u4
