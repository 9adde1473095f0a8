"""Risk terms of normal models in closed form.

For the full multivariate normal let y be the standardised rows (mean 0,
covariance I under the weights), ``r^2 = |y|^2``, ``k = E r^4``, ``q = E r^2 y``,
``Q = E r^2 yy'``, ``C = E yyy`` and ``F = E yyyy``. Expanding the double sum over
pairs of rows that the fourth- and third-order contractions amount to (each pair
enters through ``s = y_a . y_b``, ``r_a^2`` and ``r_b^2``) and using ``E y = 0``,
``E yy' = I`` leaves::

    T0 = (k + d)/2
    T1 = E r^6 - d
    T2 = 2|F|^2 + 4|Q|^2 + 8|C|^2 + 8|q|^2 - 4k + 2d^2 + 2d
    T3 = 3 (|F|^2 + 2|Q|^2 + 4|C|^2 + 4|q|^2 - 2k - d)

Only ``|C|^2`` and ``|F|^2`` are costly. They are sums over distinct moments
(O(n d^4), no pairs), or means of ``s^3`` and ``s^4`` over pairs of rows
(O(n^2 d), no tensors); the two agree to rounding and the cheaper one is used.
"""

from __future__ import annotations

import numpy as np

from ..core.validation import FloatArray
from .expansion import RawTerms
from .kernels import power_sums

__all__ = ["diagonal_terms", "full_terms", "moment_norms", "pair_norms"]

_TILE = 1024
_CHUNK_NUMBERS = 4_000_000  # 32 MB of row-wise products at a time


def full_terms(y: FloatArray, weights: FloatArray, *, route: str = "auto", order: int = 2) -> RawTerms:
    """Return the terms of the full multivariate normal.

    Parameters
    ----------
    y : ndarray of shape (n, d)
        Standardised rows.
    weights : ndarray of shape (n,)
        Weights of sum one.
    route : {"auto", "moments", "pairs"}
        How ``|C|^2`` and ``|F|^2`` are computed.
    order : {1, 2}
        With 1 only T0 and its influence function.

    Returns
    -------
    RawTerms
        Terms with divisor n.
    """
    n, d = y.shape
    p = d * (d + 3) // 2
    r2 = np.einsum("ai,ai->a", y, y)
    w2 = weights * r2
    k = float(w2 @ r2)
    q = w2 @ y
    Q = y.T @ (y * w2[:, None])
    T0 = 0.5 * (k + d)
    quadratic = np.einsum("ai,ai->a", y @ Q, y)
    influence = 0.5 * (r2 * r2 + k - 4.0 * (y @ q) - 2.0 * quadratic)
    t0_rows = 0.5 * (r2 * r2 + d)
    if order == 1:
        return RawTerms(np.array([T0, np.nan, np.nan, np.nan]), t0_rows, None, influence, p)
    if route == "auto":
        route = "pairs" if n * d < d**4 / 4 else "moments"
    cube, fourth = (pair_norms if route == "pairs" else moment_norms)(y, weights)
    qq, QQ = float(q @ q), float(np.sum(Q * Q))
    t1_rows = r2**3 - d
    T1 = float(weights @ t1_rows)
    T2 = 2.0 * fourth + 4.0 * QQ + 8.0 * cube + 8.0 * qq - 4.0 * k + 2.0 * d * (d + 1)
    T3 = 3.0 * (fourth + 2.0 * QQ + 4.0 * cube + 4.0 * qq - 2.0 * k - d)
    return RawTerms(np.array([T0, T1, T2, T3]), t0_rows, t1_rows, influence, p)


def moment_norms(y: FloatArray, weights: FloatArray) -> tuple[float, float]:
    """Return ``|E yyy|^2`` and ``|E yyyy|^2`` from the distinct moments.

    Parameters
    ----------
    y : ndarray of shape (n, d)
        Rows.
    weights : ndarray of shape (n,)
        Weights of sum one.

    Returns
    -------
    tuple of float
        Squared Frobenius norms of the third and fourth moment tensors.
    """
    n, d = y.shape
    i, j = np.triu_indices(d)
    multiplicity = np.where(i == j, 1.0, 2.0)
    m = len(i)
    third = np.zeros((m, d))
    fourth = np.zeros((m, m))
    step = max(64, _CHUNK_NUMBERS // m)
    for start in range(0, n, step):
        part = y[start : start + step]
        products = part[:, i] * part[:, j]
        weighted = products * weights[start : start + step, None]
        third += weighted.T @ part
        fourth += weighted.T @ products
    cube = float(multiplicity @ np.sum(third * third, axis=1))
    quartic = float(multiplicity @ (fourth * fourth) @ multiplicity)
    return cube, quartic


def pair_norms(y: FloatArray, weights: FloatArray) -> tuple[float, float]:
    """Return the same squared norms as means of ``s^3`` and ``s^4`` over pairs of rows.

    Parameters
    ----------
    y : ndarray of shape (n, d)
        Rows.
    weights : ndarray of shape (n,)
        Weights of sum one.

    Returns
    -------
    tuple of float
        ``sum_ab w_a w_b (y_a.y_b)^3`` and the same with fourth powers.
    """
    n = len(y)
    total = np.zeros(2)
    # Up to a few thousand rows NumPy answers before the compiler has been imported.
    sums = power_sums.twin if n * n < 20_000_000 else power_sums
    for a in range(0, n, _TILE):
        left = slice(a, a + _TILE)
        for b in range(a, n, _TILE):
            right = slice(b, b + _TILE)
            tile = sums(y[left] @ y[right].T, weights[left], weights[right])
            total += tile if a == b else 2.0 * tile
    return float(total[0]), float(total[1])


def diagonal_terms(y: FloatArray, weights: FloatArray, *, order: int = 2) -> RawTerms:
    """Return the terms of a product of univariate normals: sums over the columns.

    Parameters
    ----------
    y : ndarray of shape (n, d)
        Columns standardised one by one.
    weights : ndarray of shape (n,)
        Weights of sum one.
    order : {1, 2}
        With 1 only T0 and its influence function.

    Returns
    -------
    RawTerms
        ``T0 = (m4+1)/2``, ``T1 = m6-1``, ``T2 = 16 m3^2 + 6 m4^2 - 4 m4 + 4`` and
        ``T3 = 12(m4-1) + 24 m3^2 + 9(m4-1)^2`` per column, summed.
    """
    y2 = y * y
    m3 = weights @ (y2 * y)
    m4 = weights @ (y2 * y2)
    t0_rows = 0.5 * (y2 * y2 + 1.0).sum(axis=1)
    influence = 0.5 * (y2 * y2 - 4.0 * m3 * y - 2.0 * m4 * y2 + m4).sum(axis=1)
    terms = np.array([0.5 * float((m4 + 1.0).sum()), np.nan, np.nan, np.nan])
    t1_rows = None
    if order == 2:
        t1_rows = (y2**3 - 1.0).sum(axis=1)
        terms[1] = float(weights @ t1_rows)
        terms[2] = float((16.0 * m3**2 + 6.0 * m4**2 - 4.0 * m4 + 4.0).sum())
        terms[3] = float((12.0 * (m4 - 1.0) + 24.0 * m3**2 + 9.0 * (m4 - 1.0) ** 2).sum())
    return RawTerms(terms, t0_rows, t1_rows, influence, 2 * y.shape[1])
