"""Log sums of Gaussian kernels over all points, without the matrix of all pairs.

For every query q the routine returns ``log sum_j w_j exp(-|x_j - q|^2 / (2 h^2))`` in the log
domain, one tile of points at a time: distances, largest term, exponentials and sum share a
buffer that stays in cache. Few dimensions use direct loops; many dimensions use tiles of a
matrix product, unless its cancellation would show in the result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .errors import InputError
from .jit import Kernel
from .pairwise_kernels import NOTHING, POINTS, IntArray, loops, tile
from .validation import FloatArray, as_float_array, check_number, check_weights

__all__ = ["kde_log_density", "log_kernel_sum"]

_LOOPS_UP_TO = 16  # dimensions; above, tiles of a matrix product are faster
_QUERIES = 256  # queries of a matrix-product tile: 2 MB with its points, inside a usual L2
_CHUNK = 16_384  # points scaled and transposed at a time: 2 MB at sixteen dimensions
_SMALL = 300_000  # pairs below which NumPy answers before Numba has been imported
# |x|^2 + |q|^2 - 2 x.q loses eps times the squared norms; more than this and the loops take over.
_LARGEST_LOSS = 1e-11


# ------------------------------------------------------------------- routes
def log_kernel_sum(
    X: FloatArray,
    Q: FloatArray,
    bandwidth: float,
    *,
    weights: FloatArray | None = None,
    exclude: IntArray | None = None,
    route: str = "auto",
) -> FloatArray:
    """Return ``log sum_j w_j exp(-|x_j - q|^2/(2 h^2))`` for each query q.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite points.
    Q : ndarray of shape (m, d)
        Finite queries.
    bandwidth : float
        h > 0, in the unit of the data.
    weights : ndarray of shape (n,), optional
        Non-negative factors w; None is one for each point.
    exclude : ndarray of int of shape (m,), optional
        Point left out of the sum of each query, -1 for none.
    route : {"auto", "loops", "tiles"}
        Direct loops or tiles of a matrix product; they agree to rounding.

    Returns
    -------
    ndarray of shape (m,)
        Logs; -inf where no term is left.

    Notes
    -----
    Memory beyond the inputs is a few MB whatever n and m are. Below 300 000 pairs plain NumPy
    is used, because importing the compiler would take longer.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0]])
    >>> log_kernel_sum(X, X, 1.0, exclude=np.array([0, 1]))
    array([-0.5, -0.5])
    """
    n, d = X.shape
    m = len(Q)
    top, total = np.full(m, NOTHING), np.zeros(m)
    with np.errstate(divide="ignore"):
        logs = np.zeros(n) if weights is None else np.maximum(np.log(weights), NOTHING)
    skip = np.full(m, -1, dtype=np.intp) if exclude is None else np.asarray(exclude, dtype=np.intp)
    factor = 1.0 / (bandwidth * math.sqrt(2.0))
    centre = Q.mean(axis=0) if m else np.zeros(d)
    if route == "auto":
        route = "loops" if d <= _LOOPS_UP_TO or _loss(X, Q, centre, factor) > _LARGEST_LOSS else "tiles"
    small = n * m <= _SMALL
    # Distances beyond the float range are infinite on the way to a term that is zero.
    with np.errstate(over="ignore"):
        if route == "loops":
            _run_loops(X, logs, Q, skip, factor, centre, top, total, small)
        else:
            _run_tiles(X, logs, Q, skip, factor, centre, top, total, small)
    out = np.full(m, -np.inf)
    live = total > 0.0
    out[live] = top[live] + np.log(total[live])
    return out


def _loss(X: FloatArray, Q: FloatArray, centre: FloatArray, factor: float) -> float:
    """Rounding error of distances by inner products, in the units of the exponent."""
    largest_norm = 0.0
    for table in (X, Q):
        for rows in _slices(len(table), _CHUNK):
            part = (table[rows] - centre) * factor
            largest_norm = max(largest_norm, float(np.einsum("ij,ij->i", part, part).max()))
    return 4.0 * float(np.finfo(np.float64).eps) * largest_norm


def _slices(n: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def _pick(compiled: Kernel[Any, Any], small: bool) -> Any:
    return compiled.twin if small else compiled


def _run_loops(
    X: FloatArray,
    logs: FloatArray,
    Q: FloatArray,
    skip: IntArray,
    factor: float,
    centre: FloatArray,
    top: FloatArray,
    total: FloatArray,
    small: bool,
) -> None:
    run = _pick(loops, small)
    for part in _slices(len(X), _CHUNK):
        points = np.ascontiguousarray(((X[part] - centre) * factor).T)
        for rows in _slices(len(Q), _CHUNK):
            queries = (Q[rows] - centre) * factor
            run(points, logs[part], queries, skip[rows] - part.start, top[rows], total[rows])


def _run_tiles(
    X: FloatArray,
    logs: FloatArray,
    Q: FloatArray,
    skip: IntArray,
    factor: float,
    centre: FloatArray,
    top: FloatArray,
    total: FloatArray,
    small: bool,
) -> None:
    run = _pick(tile, small)
    for part in _slices(len(X), POINTS):
        points = (X[part] - centre) * factor
        point_norms = np.einsum("ij,ij->i", points, points)
        for rows in _slices(len(Q), _QUERIES):
            queries = (Q[rows] - centre) * factor
            query_norms = np.einsum("ij,ij->i", queries, queries)
            run(
                queries @ points.T, logs[part], point_norms, query_norms,
                skip[rows] - part.start, top[rows], total[rows],
            )  # fmt: skip


# ------------------------------------------------------------------- public
def kde_log_density(
    X: FloatArray,
    Q: FloatArray,
    h: float,
    *,
    weights: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
) -> FloatArray:
    """Return the log of a Gaussian kernel density estimate at each query.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Points of the estimate.
    Q : ndarray of shape (m, d)
        Queries.
    h : float
        Standard deviation of the kernel, the same in every direction, in the unit of the data.
        For another shape of the kernel whiten X and Q first and subtract the log determinant.
    weights : array_like of shape (n,), optional
        Non-negative weights of the points; None is uniform.
    exclude : array_like of int of shape (m,), optional
        Index of the point that the density at each query leaves out (leave-one-out), -1 for
        none; the other weights are scaled to sum one.

    Returns
    -------
    ndarray of shape (m,)
        Log densities in nats; -inf where no point is left.

    Raises
    ------
    InputError
        If shapes do not fit or a number is out of range.

    Notes
    -----
    ``log sum_j w_j (2 pi h^2)^{-d/2} exp(-|x_j - q|^2/(2 h^2))``, in the log domain: a query
    far from every point has a finite log density.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [3.0]])
    >>> kde_log_density(X, np.array([[100.0]]), 0.5).round(3)
    array([-18819.324])
    >>> kde_log_density(X, X, 1.0, exclude=np.arange(3)).round(6)
    array([-2.093936, -1.910672, -3.533196])
    """
    points, queries = as_float_array("X", X, ndim=2), as_float_array("Q", Q, ndim=2)
    if points.shape[1] != queries.shape[1] or not points.size:
        raise InputError(
            f"X and Q must have the same number of columns (at least one) and X at least one row, "
            f"got shapes {points.shape} and {queries.shape}"
        )
    width = check_number("h", h, low=0, open_low=True)
    n, d = points.shape
    factors = None if weights is None else check_weights(weights, n)
    skip = None if exclude is None else _check_exclude(exclude, len(queries), n)
    logs = log_kernel_sum(points, queries, width, weights=factors, exclude=skip)
    if skip is None:
        mass = 0.0 if factors is not None else math.log(n)
        return np.asarray(logs - mass - 0.5 * d * math.log(2.0 * math.pi) - d * math.log(width))
    masses = _remaining_mass(factors, skip, n)
    # Where nothing is left the sum is -inf already; its mass only must not be NaN.
    logs = logs - np.log(masses, out=np.zeros(len(queries)), where=masses > 0.0)
    return np.asarray(logs - 0.5 * d * math.log(2.0 * math.pi) - d * math.log(width))


def _check_exclude(exclude: ArrayLike, m: int, n: int) -> IntArray:
    values = np.asarray(exclude)
    if values.shape != (m,) or values.dtype.kind not in "iu":
        raise InputError(f"exclude must hold one integer per query ({m}), got {values.dtype} of shape {values.shape}")
    if m and (int(values.min()) < -1 or int(values.max()) >= n):
        raise InputError(f"exclude must hold rows of X (0 to {n - 1}) or -1, got values outside")
    return np.asarray(values, dtype=np.intp)


def _remaining_mass(factors: FloatArray | None, skip: IntArray, n: int) -> FloatArray:
    if factors is None:
        return np.where(skip >= 0, n - 1.0, float(n))
    own = np.where(skip >= 0, factors[np.maximum(skip, 0)], 0.0)
    # A point that carries nearly all the weight: sum the others instead of subtracting from one.
    rest = 1.0 - own
    for i in np.flatnonzero(own > 0.5):
        rest[i] = factors[: skip[i]].sum() + factors[skip[i] + 1 :].sum()
    return np.asarray(rest)
