"""Compiled sums over the rows of large tables.

Below about a million cells NumPy answers before Numba has been imported; above it these loops
run at the speed of memory, because logarithm and exponential are written out in a form that
vectorises. Rows with ratios outside the range of normal doubles come back as NaN, and rows of
`row_log_sums` whose divergence is small against its terms have lost digits: the caller
computes both again from the cells of the generator.
"""

from __future__ import annotations

import numpy as np

from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = [
    "ALPHA",
    "HELLINGER",
    "JEFFREYS",
    "JS",
    "KL",
    "LE_CAM",
    "PEARSON",
    "TV",
    "row_log_sums",
    "row_plain_sums",
]

KL, JEFFREYS, JS, ALPHA = 0, 1, 2, 3
HELLINGER, LE_CAM, PEARSON, TV = 0, 1, 2, 3

# log 2 in two parts, the first exact in 33 bits, and the coefficients of (log(1+f) - f + ...)/s
# in powers of s^2, s = f/(2+f): the minimax polynomial of Sun's fdlibm, error below 2^-58.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_PER_LN2 = 1.44269504088896340736
_C1, _C2, _C3 = 6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01
_C4, _C5, _C6 = 2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01
_C7 = 1.479819860511658591e-01
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD
_EXPONENT_BITS = 52
_EXPONENT_BIAS = 1023
_LEAST, _MOST = 1e-300, 1e300
_LARGEST_EXPONENT = 700.0


def _chain_sum_numpy(terms: FloatArray, length: int) -> float:
    return float(terms[:length].sum())


@kernel(twin=_chain_sum_numpy, fastmath={"contract"})
def chain_sum(terms: FloatArray, length: int) -> float:
    """Return the sum of the first `length` terms in four chains.

    Parameters
    ----------
    terms : ndarray
        Numbers.
    length : int
        How many.

    Returns
    -------
    float
        The sum; one chain of additions would wait for itself at every step.
    """
    quarter = length // 4
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    for j in range(quarter):
        t0 += terms[j]
        t1 += terms[quarter + j]
        t2 += terms[2 * quarter + j]
        t3 += terms[3 * quarter + j]
    total = (t0 + t1) + (t2 + t3)
    for j in range(4 * quarter, length):
        total += terms[j]
    return total


def _row_log_sums_numpy(p: FloatArray, q: FloatArray, kind: int, a: float) -> FloatArray:
    with np.errstate(all="ignore"):
        both = (p > 0.0) & (q > 0.0)
        if kind == JS:
            middle = a * p + (1.0 - a) * q
            first, second = np.where(p > 0.0, p / middle, 1.0), np.where(q > 0.0, q / middle, 1.0)
            extreme = ~((first > _LEAST) & (second > _LEAST)).all(axis=1)
            total = (a * p * np.log(first) + (1.0 - a) * q * np.log(second)).sum(axis=1)
            return np.where(extreme, np.nan, total)
        ratio = np.where(both, p / q, 1.0)
        log_ratio = np.log(ratio)
        extreme = ~((ratio > _LEAST) & (ratio < _MOST)).all(axis=1)
        no_q, no_p = ((q == 0.0) & (p > 0.0)).any(axis=1), ((p == 0.0) & (q > 0.0)).any(axis=1)
        if kind == ALPHA:
            exponents = (a - 1.0) * log_ratio
            extreme |= (np.abs(exponents) > _LARGEST_EXPONENT).any(axis=1)
            terms, infinite = p * np.exp(exponents), no_q if a > 1.0 else no_p & (a < 0.0)
        elif kind == KL:
            terms, infinite = p * log_ratio, no_q
        else:
            terms, infinite = (p - q) * log_ratio, no_q | no_p
        total = np.where(infinite, np.inf, np.where(both, terms, 0.0).sum(axis=1))
    return np.where(extreme, np.nan, total)


@kernel(twin=_row_log_sums_numpy, fastmath={"contract"})
def row_log_sums(p: FloatArray, q: FloatArray, kind: int, a: float) -> FloatArray:
    """Return one sum per row: p log(p/q), (p-q) log(p/q), Jensen-Shannon or p^a q^(1-a).

    Parameters
    ----------
    p, q : ndarray of shape (n, K)
        Masses; one of them may have a single row.
    kind : int
        `KL`, `JEFFREYS`, `JS` or `ALPHA`.
    a : float
        Weight of P in `JS`, order in `ALPHA`.

    Returns
    -------
    ndarray of shape (n,)
        Sums; inf where the divergence is, NaN where a ratio leaves the range of normal doubles.
    """
    n_rows, n_cells = max(p.shape[0], q.shape[0]), p.shape[1]
    out = np.empty(n_rows)
    n_work = 2 * n_cells
    ratio = np.empty(n_work)
    bits = ratio.view(np.int64)
    amount = np.empty(n_work)
    logs = np.empty(n_work)
    for i in range(n_rows):
        x = p[i if p.shape[0] > 1 else 0]
        y = q[i if q.shape[0] > 1 else 0]
        n_no_p, n_no_q, n_extreme = 0, 0, 0
        length = n_cells
        if kind == JS:
            length = n_work
            for j in range(n_cells):
                middle = a * x[j] + (1.0 - a) * y[j]
                ratio[j] = x[j] / middle if x[j] > 0.0 else 1.0
                ratio[n_cells + j] = y[j] / middle if y[j] > 0.0 else 1.0
                amount[j] = a * x[j]
                amount[n_cells + j] = (1.0 - a) * y[j]
        else:
            for j in range(n_cells):
                both = (x[j] > 0.0) & (y[j] > 0.0)
                ratio[j] = x[j] / y[j] if both else 1.0
                weight = x[j] - y[j] if kind == JEFFREYS else x[j]
                amount[j] = weight if both else 0.0
                n_no_p += (x[j] == 0.0) & (y[j] > 0.0)
                n_no_q += (y[j] == 0.0) & (x[j] > 0.0)
        for j in range(length):
            value = ratio[j]
            n_extreme += (value <= _LEAST) | (value >= _MOST)
            k = (bits[j] - _ROOT_HALF_BITS) >> _EXPONENT_BITS
            bits[j] = bits[j] - (k << _EXPONENT_BITS)
            f = ratio[j] - 1.0
            s = f / (2.0 + f)
            z = s * s
            series = z * (_C1 + z * (_C2 + z * (_C3 + z * (_C4 + z * (_C5 + z * (_C6 + z * _C7))))))
            half = 0.5 * f * f
            e = float(k)
            logs[j] = e * _LN2_HIGH - ((half - (s * (half + series) + e * _LN2_LOW)) - f)
        if kind == ALPHA:
            for j in range(length):
                exponent = (a - 1.0) * logs[j]
                n_extreme += abs(exponent) > _LARGEST_EXPONENT
                k = np.int64(np.floor(min(max(exponent, -708.0), 708.0) * _PER_LN2 + 0.5))
                bits[j] = (k + _EXPONENT_BIAS) << _EXPONENT_BITS
                r = (exponent - k * _LN2_HIGH) - k * _LN2_LOW
                # Taylor to the 13th power: the rest is below 5e-18 for |r| < log(2)/2.
                tail = 1 / 40320 + r * (
                    1 / 362880 + r * (1 / 3628800 + r * (1 / 39916800 + r * (1 / 479001600 + r / 6227020800)))
                )
                tail = 1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040 + r * tail)))
                amount[j] *= ratio[j] + ratio[j] * (r + r * r * (0.5 + r * (1 / 6 + r * tail)))
        else:
            for j in range(length):
                amount[j] *= logs[j]
        total = chain_sum(amount, length)
        if kind == ALPHA:
            infinite = n_no_q > 0 if a > 1.0 else (n_no_p > 0 and a < 0.0)
        elif kind == JS:
            infinite = False
        else:
            infinite = n_no_q > 0 or (kind == JEFFREYS and n_no_p > 0)
        out[i] = np.nan if n_extreme > 0 else (np.inf if infinite else total)
    return out


def _row_plain_sums_numpy(p: FloatArray, q: FloatArray, kind: int) -> FloatArray:
    difference = p - q
    with np.errstate(all="ignore"):
        if kind == HELLINGER:
            terms = 0.5 * (difference / (np.sqrt(p) + np.sqrt(q))) ** 2
        elif kind == LE_CAM:
            terms = 0.5 * difference * (difference / (p + q))
        elif kind == PEARSON:
            terms = (difference / np.sqrt(q)) ** 2
        else:
            terms = 0.5 * np.abs(difference)
    return np.asarray(np.where(difference == 0.0, 0.0, terms).sum(axis=1))


@kernel(twin=_row_plain_sums_numpy, fastmath={"contract"})
def row_plain_sums(p: FloatArray, q: FloatArray, kind: int) -> FloatArray:
    """Return one divergence per row of a kind without logarithms; no digits are lost.

    Parameters
    ----------
    p, q : ndarray of shape (n, K)
        Masses; one of them may have a single row.
    kind : int
        `HELLINGER`, `LE_CAM`, `PEARSON` or `TV`.

    Returns
    -------
    ndarray of shape (n,)
        Divergences.
    """
    n_rows, n_cells = max(p.shape[0], q.shape[0]), p.shape[1]
    out = np.empty(n_rows)
    terms = np.empty(n_cells)
    for i in range(n_rows):
        x = p[i if p.shape[0] > 1 else 0]
        y = q[i if q.shape[0] > 1 else 0]
        if kind == HELLINGER:
            for j in range(n_cells):
                difference = x[j] - y[j]
                part = difference / (np.sqrt(x[j]) + np.sqrt(y[j]))
                terms[j] = 0.5 * part * part if difference != 0.0 else 0.0
        elif kind == LE_CAM:
            for j in range(n_cells):
                difference = x[j] - y[j]
                part = 0.5 * difference * (difference / (x[j] + y[j]))
                terms[j] = part if difference != 0.0 else 0.0
        elif kind == PEARSON:
            for j in range(n_cells):
                difference = x[j] - y[j]
                part = difference / np.sqrt(y[j])
                terms[j] = part * part if difference != 0.0 else 0.0
        else:
            for j in range(n_cells):
                terms[j] = 0.5 * abs(x[j] - y[j])
        out[i] = chain_sum(terms, n_cells)
    return out
