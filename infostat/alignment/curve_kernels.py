"""Best-of-N means from a sorted sample, for many N in one sweep.

With the sample in ascending order let ``S_k(N) = C(k, N) / C(M, N)``, the probability that N draws
without replacement all lie among the k smallest. The mean of the largest is the sum of
``x_k S_k N / k``, and S changes by one factor from k to k - 1 and by one factor from N to N + 1.
The kernel walks down from the top in short stretches that stay in the cache and, inside a stretch,
up through the N; it leaves an N as soon as what remains below has no weight left, so that all
N = 1..M together cost O(M log M).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = ["curve_sums", "weights_without_replacement"]

# Stretches grow from the first to the second length: a large N needs few samples only.
_FIRST, _LONGEST = 32, 512
# Independent running sums in a stretch; one chain of additions would wait for itself.
_LANES = 32
# Up to this N the probability at the start of a stretch is formed afresh, as a product of N factors.
_FRESH = 256
_TWIN_CELLS = 2_000_000


def weights_without_replacement(size: int, orders: Any) -> FloatArray:
    """Return the weights of the order statistics in the mean of the largest of N, for each N.

    Parameters
    ----------
    size : int
        Sample size M.
    orders : ndarray of int of shape (n,)
        Each from 1 to M.

    Returns
    -------
    ndarray of shape (n, M)
        ``C(i-1, N-1) / C(M, N)`` for i = 1..M; every row sums to one.

    Examples
    --------
    >>> weights_without_replacement(3, np.array([1, 2, 3])).round(12)
    array([[0.33333333, 0.33333333, 0.33333333],
           [0.        , 0.33333333, 0.66666667],
           [0.        , 0.        , 1.        ]])
    """
    k = np.arange(size, 0, -1, dtype=np.float64)
    n = np.asarray(orders, dtype=np.float64)[:, None]
    below = np.ones((len(n), size))
    np.cumprod(np.maximum((k[:-1] - n) / k[:-1], 0.0), axis=1, out=below[:, 1:])
    return np.ascontiguousarray((below * (n / k))[:, ::-1])


def curve_sums_numpy(x: FloatArray, g: FloatArray, orders: Any, plugin: bool, spread: bool, tiny: float) -> FloatArray:
    """The same sums with whole matrices (plain NumPy).

    Parameters
    ----------
    x, g, orders, plugin, spread, tiny
        As in `curve_sums`.

    Returns
    -------
    ndarray of shape (4, orders)
        As of `curve_sums`.
    """
    m = len(x)
    out = np.zeros((4, len(orders)))
    k = np.arange(1, m + 1, dtype=np.float64)
    step = max(1, _TWIN_CELLS // m)
    for start in range(0, len(orders), step):
        part = slice(start, start + step)
        n = np.asarray(orders[part], dtype=np.float64)[:, None]
        power = (k / m) ** (n - 1.0)
        if plugin:
            # With replacement: N equal to i is not needed, the power of the distribution is.
            weights = np.diff(power * (k / m), prepend=0.0, axis=1)
        else:
            weights = weights_without_replacement(m, orders[part])
        for row, values in enumerate((x, g)[: 1 + bool(len(g))]):
            out[2 * row, part] = weights @ values
            if spread:
                terms = np.diff(values, append=values[-1]) * power
                influence = np.cumsum(terms[:, ::-1], axis=1)
                out[2 * row + 1, part] = (n[:, 0] ** 2) * influence.var(axis=1)
    return out


# Sums over finite numbers only, no exponential: the order of additions may change.
@kernel(twin=curve_sums_numpy, fastmath={"contract", "reassoc", "nsz"})
def curve_sums(x: Any, g: Any, orders: Any, plugin: Any, spread: Any, tiny: Any) -> Any:
    """Return best-of-N means and variances of their influence functions.

    `x` holds the proxy rewards in ascending order, minus the largest; `g` the true rewards beside
    them, minus that of the top sample, or nothing. `orders` are increasing N from 1 to M. `plugin`
    draws with replacement. With `spread` the variances are computed. An N is finished where the
    probability that all N draws lie further down is below `tiny`. Rows of the answer: mean of x,
    variance, mean of g, variance.

    Parameters
    ----------
    x : ndarray of shape (M,)
        Proxy rewards, ascending, minus the largest.
    g : ndarray of shape (M,) or (0,)
        True rewards beside them.
    orders : ndarray of int of shape (k,)
        Values of N.
    plugin : bool
        Draw with replacement.
    spread : bool
        Compute variances.
    tiny : float
        Probability that counts as none.

    Returns
    -------
    ndarray of shape (4, k)
        The rows named above.
    """
    m, n = x.shape[0], orders.shape[0]
    rows = 2 if g.shape[0] > 0 else 1
    out = np.zeros((4, n))
    # Chance that all draws lie at or below the next stretch, and the power that ends an order.
    edge, left = np.ones(n), np.ones(n)
    seen = np.zeros(n)
    total, first, second = np.zeros((2, n)), np.zeros((2, n)), np.zeros((2, n))
    k, share = np.zeros(_LONGEST), np.zeros(_LONGEST)
    level, gap = np.zeros((2, _LONGEST)), np.zeros((2, _LONGEST))
    below, power = np.zeros(_LONGEST), np.zeros(_LONGEST)
    run, one, two = np.zeros(_LANES), np.zeros(_LANES), np.zeros(_LANES)
    top, width, alive = m, _FIRST, n
    while top >= 1 and alive > 0:
        steps = width // _LANES
        # Sample i = top - q sits in lane q // steps, so that each lane is a run of neighbours.
        for q in range(width):
            i, p = top - q, (q % steps) * _LANES + q // steps
            k[p] = i if i >= 1 else 0.0
            share[p] = i / m if i >= 1 else 0.0
            for row in range(rows):
                values = x if row == 0 else g
                level[row, p] = values[i - 1] / i if i >= 1 else 0.0
                gap[row, p] = values[i] - values[i - 1] if 1 <= i < m else 0.0
        for j in range(alive):
            order = orders[j]
            if left[j] < tiny:
                alive = j
                break
            follows = j > 0 and orders[j - 1] == order - 1
            if plugin or spread:
                if follows:
                    for p in range(width):
                        power[p] *= share[p]
                else:
                    for p in range(width):
                        power[p] = share[p] ** (order - 1.0) if order > 1 else 1.0
            if plugin:
                for row in range(rows):
                    mean = 0.0
                    for p in range(width):
                        mean -= gap[row, p] * (power[p] * share[p])
                    out[2 * row, j] += mean
                left[j] = power[width - 1] * share[width - 1]
            else:
                if follows:
                    scale, shift = 1.0 / (m - order + 1.0), order - 1.0
                    for p in range(width):
                        below[p] *= (k[p] - shift) * scale
                else:
                    here = edge[j]
                    if order <= _FRESH:
                        here = 1.0
                        for i in range(order):
                            here *= (top - i) / (m - i) if top > i else 0.0
                    for q in range(width):
                        i = top - q
                        below[(q % steps) * _LANES + q // steps] = here
                        here *= (i - order) / i if i > order else 0.0
                for row in range(rows):
                    mean = 0.0
                    for p in range(width):
                        mean += below[p] * level[row, p]
                    out[2 * row, j] += order * mean
                last = k[width - 1]
                edge[j] = below[width - 1] * ((last - order) / last) if last > order else 0.0
                left[j] = edge[j]
            if spread:
                # Without replacement nothing is left at k < N, while this power still is.
                left[j] = power[width - 1]
                # A_i, the sum of gap * power over k >= i: running sums of A and A^2 from the top.
                for row in range(rows):
                    for lane in range(_LANES):
                        run[lane] = one[lane] = two[lane] = 0.0
                    for s in range(steps):
                        base = s * _LANES
                        for lane in range(_LANES):
                            term = run[lane] + gap[row, base + lane] * power[base + lane]
                            run[lane] = term
                            one[lane] += term
                            two[lane] += term * term
                    before = total[row, j]
                    for lane in range(_LANES):
                        first[row, j] += steps * before + one[lane]
                        second[row, j] += steps * before * before + 2.0 * before * one[lane] + two[lane]
                        before += run[lane]
                    total[row, j] = before
                seen[j] += width
        top -= width
        width = min(2 * width, _LONGEST)
    if spread:
        for row in range(rows):
            for j in range(n):
                # Below the last stretch A keeps its final value a: moments about a need no more terms.
                a = total[row, j]
                shifted = first[row, j] - seen[j] * a
                squares = second[row, j] - 2.0 * a * first[row, j] + seen[j] * a * a
                variance = squares / m - (shifted / m) ** 2
                out[2 * row + 1, j] = orders[j] ** 2.0 * (variance if variance > 0.0 else 0.0)
    return out
