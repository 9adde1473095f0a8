"""Exponential sums of many rewards at many tilts, through local moments in fine bins.

A reward at the distance d below the largest goes into a bin whose width grows like d + 16/t', t'
being the largest exponent per unit, and adds eight powers of its place in the bin. Inside a bin
``exp(-t d)`` is its value at the centre times a power series: at the depth a = t d the series is cut
at ``((a + 16)/1024)^8/8!``, below 1e-16 where the terms matter. A reward thus costs eight additions
whatever the number of tilts, and the bins give the sums at any t up to t': also at 2 t, 3 t and 4 t,
which are the sums of powers of the weights.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.exponential_kernels import LOWEST, exp_array
from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = ["DEPTH", "MOMENTS", "bin_count", "bin_edges", "bin_moments", "series_sums"]

MOMENTS = 8
# In units of 1/t': how far from the edge the width of the bins begins to grow.
DEPTH = 16.0
# Bins per doubling of the distance: the leading bits of the mantissa number them.
_BITS = 9
_SHIFT = 52 - _BITS
_BLOCK = 1024
_BIAS = 1023 << _BITS
_LOW_BITS = (1 << _SHIFT) - 1
_ONE = 1023 << 52
_THIRD, _SIXTH, _SEVENTH = 1.0 / 3.0, 1.0 / 6.0, 1.0 / 7.0


def bin_count(span: float, scale: float) -> int:
    """Return the number of bins that distances from 0 to `span` can fall into.

    Parameters
    ----------
    span : float
        Largest distance.
    scale : float
        Distances are measured in 1/scale.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> bin_count(0.0, 1.0), bin_count(1.0, 1.0)
    (1, 513)
    """
    bits = int(np.float64(1.0 + span * scale).view(np.int64))
    return (bits >> _SHIFT) - _BIAS + 1


def bin_edges(number: int, scale: float) -> tuple[FloatArray, FloatArray]:
    """Return the centres and half widths of the first bins, as distances.

    Parameters
    ----------
    number : int
        How many.
    scale : float
        As in `bin_count`.

    Returns
    -------
    centre, half : ndarray of shape (number,)
        Distances d in a bin are ``centre + u half`` with u in [-1, 1).

    Examples
    --------
    >>> centre, half = bin_edges(2, 1.0)
    >>> centre * 1024, half * 1024
    (array([1., 3.]), array([1., 1.]))
    """
    low = ((np.arange(number + 1, dtype=np.int64) + _BIAS) << _SHIFT).view(np.float64)
    half = 0.5 * np.diff(low)
    return (low[:-1] - 1.0 + half) / scale, half / scale


def bin_moments_numpy(values: FloatArray, edge: float, sign: float, scale: float, number: int) -> FloatArray:
    """Return ``sum u^j`` for j = 0..7 of the values in each bin, by counting (plain NumPy).

    Parameters
    ----------
    values : ndarray of shape (m,)
        Rewards on the far side of `edge`.
    edge : float
        Reward from which distances are counted, unit of the reward.
    sign : float
        1 for rewards below `edge`, -1 for rewards above.
    scale : float
        Inverse unit of the reward: bins widen in proportion to ``1/scale + d``.
    number : int
        Bins.

    Returns
    -------
    ndarray of shape (number, 8)
        Moments of each bin.
    """
    out = np.zeros((number, MOMENTS))
    for start in range(0, len(values), 64 * _BLOCK):
        y = 1.0 + (sign * (edge - values[start : start + 64 * _BLOCK])) * scale
        bits = y.view(np.int64)
        place = (bits >> _SHIFT) - _BIAS
        u = 2.0 * (((bits & _LOW_BITS) << _BITS) | _ONE).view(np.float64) - 3.0
        power = np.ones(len(y))
        for j in range(MOMENTS):
            out[:, j] += np.bincount(place, weights=power, minlength=number)
            power = power * u
    return out


# Unsigned numbers index without the test for negative ones; "contract" only, because y has its
# digits by rounding.
@kernel(twin=bin_moments_numpy, fastmath={"contract"})
def bin_moments(values: Any, edge: Any, sign: Any, scale: Any, number: Any) -> Any:
    """Return ``sum u^j`` for j = 0..7 of the values in each bin, shape (number, 8).

    ``d = sign (edge - value) >= 0`` is the distance; bins and u are those of `bin_edges`.

    Parameters
    ----------
    values : ndarray of shape (m,)
        Rewards on the far side of `edge`.
    edge : float
        Reward from which distances are counted, unit of the reward.
    sign : float
        1 for rewards below `edge`, -1 for rewards above.
    scale : float
        Inverse unit of the reward: bins widen in proportion to ``1/scale + d``.
    number : int
        Bins.

    Returns
    -------
    ndarray of shape (number, 8)
        Moments of each bin.
    """
    found = np.zeros(number * MOMENTS)
    y, u = np.empty(_BLOCK), np.empty(_BLOCK)
    place = np.empty(_BLOCK, dtype=np.uint64)
    y_bits, u_bits = y.view(np.uint64), u.view(np.uint64)
    m = values.shape[0]
    for start in range(0, m, _BLOCK):
        n = min(_BLOCK, m - start)
        for i in range(n):
            y[i] = 1.0 + (sign * (edge - values[start + i])) * scale
        for i in range(n):
            place[i] = ((y_bits[i] >> np.uint64(_SHIFT)) - np.uint64(_BIAS)) * np.uint64(MOMENTS)
            u_bits[i] = ((y_bits[i] & np.uint64(_LOW_BITS)) << np.uint64(_BITS)) | np.uint64(_ONE)
        for i in range(n):
            u[i] = 2.0 * u[i] - 3.0
        for i in range(n):
            first, at, power = place[i], u[i], 1.0
            for j in range(MOMENTS):
                found[first + np.uint64(j)] += power
                power *= at
    return found.reshape(number, MOMENTS)


def series_sums_numpy(
    moments: FloatArray, centre: FloatArray, half: FloatArray, tilts: FloatArray, orders: int
) -> FloatArray:
    """Return ``sum d^j exp(-t d)`` for each tilt, bins as vectors (plain NumPy).

    Parameters
    ----------
    moments : ndarray of shape (8, bins)
        Transposed moments of `bin_moments`.
    centre, half : ndarray of shape (bins,)
        Centres (increasing) and half widths of the bins, as distances d, unit of the reward.
    tilts : ndarray of shape (k,)
        Finite tilts t >= 0, inverse unit of the reward.
    orders : int
        Number of powers j: 1, 3 or 5.

    Returns
    -------
    ndarray of shape (orders, k)
        ``sum d^j exp(-t d)``.
    """
    out = np.zeros((orders, len(tilts)))
    for i, t in enumerate(tilts):
        live = slice(0, int(np.searchsorted(t * centre, -LOWEST)))
        w, c, h = -t * half[live], centre[live], half[live]
        series = []
        for first in range(orders):
            # sum u^first e^(w u), the highest power first.
            term = np.zeros(len(w))
            for j in range(MOMENTS - 1 - first, -1, -1):
                term = moments[first + j, live] + term * w / (j + 1.0)
            series.append(term)
        weight = np.exp(-t * c)
        for row in range(orders):
            # (c + h u)^row by the binomial theorem
            parts = [math.comb(row, j) * c ** (row - j) * h**j * series[j] for j in range(row + 1)]
            out[row, i] = (weight * sum(parts)).sum()
    return out


@kernel(twin=series_sums_numpy, fastmath={"contract", "reassoc", "nsz"})
def series_sums(moments: Any, centre: Any, half: Any, tilts: Any, orders: Any) -> Any:
    """Return ``sum d^j exp(-t d)`` for j below `orders` (1, 3 or 5) and each tilt, shape (orders, k).

    Parameters
    ----------
    moments : ndarray of shape (8, bins)
        Transposed moments of `bin_moments`.
    centre, half : ndarray of shape (bins,)
        Centres (increasing) and half widths of the bins, as distances d, unit of the reward.
    tilts : ndarray of shape (k,)
        Finite tilts t >= 0, inverse unit of the reward.
    orders : int
        Number of powers j: 1, 3 or 5.

    Returns
    -------
    ndarray of shape (orders, k)
        ``sum d^j exp(-t d)``.
    """
    k, n = tilts.shape[0], centre.shape[0]
    out = np.zeros((5, k))
    weight = np.empty(n)
    for i in range(k):
        t = tilts[i]
        live = 0
        for b in range(n):
            exponent = -t * centre[b]
            if exponent <= LOWEST:
                break
            weight[b] = exponent
            live = b + 1
        exp_array(weight[:live])
        s0, s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0, 0.0
        for b in range(live):
            w = -t * half[b]
            m1, m2, m3, m4 = moments[1, b], moments[2, b], moments[3, b], moments[4, b]
            m5, m6, m7 = moments[5, b], moments[6, b], moments[7, b]
            w2, w3, w4, w5, w6, w7 = w * 0.5, w * _THIRD, w * 0.25, w * 0.2, w * _SIXTH, w * _SEVENTH
            s0 += weight[b] * (
                moments[0, b] + w * (m1 + w2 * (m2 + w3 * (m3 + w4 * (m4 + w5 * (m5 + w6 * (m6 + w7 * m7))))))
            )
        if orders >= 3:
            for b in range(live):
                w, c, h, e = -t * half[b], centre[b], half[b], weight[b]
                m1, m2, m3, m4 = moments[1, b], moments[2, b], moments[3, b], moments[4, b]
                m5, m6, m7 = moments[5, b], moments[6, b], moments[7, b]
                w2, w3, w4, w5, w6, w7 = w * 0.5, w * _THIRD, w * 0.25, w * 0.2, w * _SIXTH, w * _SEVENTH
                # sum u^j e^(w u) for j = 0, 1, 2, innermost power first.
                q0 = moments[0, b] + w * (m1 + w2 * (m2 + w3 * (m3 + w4 * (m4 + w5 * (m5 + w6 * (m6 + w7 * m7))))))
                q1 = h * (m1 + w * (m2 + w2 * (m3 + w3 * (m4 + w4 * (m5 + w5 * (m6 + w6 * m7))))))
                q2 = h * h * (m2 + w * (m3 + w2 * (m4 + w3 * (m5 + w4 * (m6 + w5 * m7)))))
                s1 += e * (c * q0 + q1)
                s2 += e * (c * c * q0 + 2.0 * c * q1 + q2)
                if orders == 5:
                    q3 = h * h * h * (m3 + w * (m4 + w2 * (m5 + w3 * (m6 + w4 * m7))))
                    q4 = h * h * h * h * (m4 + w * (m5 + w2 * (m6 + w3 * m7)))
                    s3 += e * (c * (c * (c * q0 + 3.0 * q1) + 3.0 * q2) + q3)
                    s4 += e * (c * (c * (c * (c * q0 + 4.0 * q1) + 6.0 * q2) + 4.0 * q3) + q4)
        out[0, i], out[1, i], out[2, i], out[3, i], out[4, i] = s0, s1, s2, s3, s4
    return out[:orders]
