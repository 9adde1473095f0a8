"""Log sums of kernels over all points, without the matrix of all pairs.

For every query q and scale s the routines return ``log sum_j w_j f(|x_j - q|^2 / s^2)`` in the
log domain, one tile of points at a time: distances, smallest energy, exponentials and sum share
buffers that stay in cache. :mod:`infostat.core.pairwise_routes` chooses between direct loops, tiles
of a matrix product and plain NumPy.
"""

from __future__ import annotations

import math
from threading import Lock

import numpy as np
from numpy.typing import ArrayLike

from .errors import InputError
from .pairwise_kernels import COMPACT, GAUSSIAN, STUDENT, IntArray
from .pairwise_routes import Profile, evaluate, plan, slices
from .progress import Report
from .threads import one_blas_thread, run_blocks
from .validation import FloatArray, as_float_array, check_number, check_weights

__all__ = ["PROFILES", "Profile", "kde_log_density", "log_kernel_sum", "log_profile_sums"]

PROFILES = {"gaussian": GAUSSIAN, "student": STUDENT, "compact": COMPACT}
_GAUSSIAN = Profile(GAUSSIAN)
# Queries of a block; blocks do not depend on the number of threads.
_FEWEST, _MOST = 128, 512
_BLOCK_ENTRIES = 2**20  # numbers in a block of queries: 8 MB


# ------------------------------------------------------------------- sums
def log_profile_sums(
    X: FloatArray,
    Q: FloatArray,
    scales: FloatArray,
    profile: Profile,
    *,
    weights: FloatArray | None = None,
    exclude: IntArray | None = None,
    offsets: FloatArray | None = None,
    route: str = "auto",
    n_jobs: int = 1,
    report: Report | None = None,
) -> FloatArray:
    """Return ``log sum_j w_j f(|x_j - q|^2 / s^2)`` for each scale s and query q.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite points.
    Q : ndarray of shape (m, d)
        Finite queries.
    scales : ndarray of shape (k,)
        Positive widths, in the unit of the data; they share the distances.
    profile : Profile
        The function f.
    weights : ndarray of shape (n,), optional
        Non-negative factors w; None is one for each point.
    exclude : ndarray of int of shape (m,), optional
        Point left out of the sums of each query, -1 for none.
    offsets : ndarray of shape (k,), optional
        What the caller will add to the logs; twelve digits of the outcome count.
    route : {"auto", "loops", "tiles"}
        Direct differences or tiles of a matrix product; they agree to rounding.
    n_jobs : int
        Threads over blocks of queries; the result does not depend on it.
    report : callable, optional
        Called with ``(queries done, queries)``.

    Returns
    -------
    ndarray of shape (k, m)
        Natural logs; -inf where no term is left.

    Notes
    -----
    Memory beyond the inputs is a few MB per thread whatever n and m are. Below 300 000 pairs plain
    NumPy is used, because importing the compiler would take longer. After a matrix product the
    queries whose result rounding could have moved by more than 1e-13 of itself (of one, where it is
    smaller) are computed again, with differences for the points that carry the sum.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0]])
    >>> log_profile_sums(X, X, np.array([1.0, 2.0]), Profile(STUDENT, 1.0), exclude=np.array([0, 1])).round(6)
    array([[-0.693147, -0.693147],
           [-0.223144, -0.223144]])
    """
    m, k = len(Q), len(scales)
    largest = 1.0 if weights is None else float(weights.max())
    if largest == 0.0:
        return np.full((k, m), -np.inf)
    problem = plan(
        X, Q, np.asarray(scales, dtype=np.float64), profile,
        weights=None if weights is None else weights / largest,
        excluded=np.full(m, -1, dtype=np.intp) if exclude is None else np.asarray(exclude, dtype=np.intp),
        offsets=np.zeros(k) if offsets is None else offsets + math.log(largest), route=route,
    )  # fmt: skip
    out = np.empty((k, m))
    lock, done = Lock(), 0

    def block(part: slice) -> None:
        nonlocal done
        out[:, part] = evaluate(problem, part)
        if report is not None:
            with lock:
                done += part.stop - part.start
                report(done, m)

    blocks = [(part,) for part in slices(m, _block_length(m, X.shape[1]))]
    if problem.compiled:
        with one_blas_thread():
            run_blocks(block, blocks, n_jobs)
    else:
        run_blocks(block, blocks, 1)
    return out + math.log(largest) if weights is not None else out


def _block_length(m: int, d: int) -> int:
    quarter = -(-m // 4)
    return max(16, min(_MOST, max(_FEWEST, quarter), _BLOCK_ENTRIES // d))


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
        See `log_profile_sums`.

    Returns
    -------
    ndarray of shape (m,)
        Logs; -inf where no term is left.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0]])
    >>> log_kernel_sum(X, X, 1.0, exclude=np.array([0, 1]))
    array([-0.5, -0.5])
    """
    scales = np.array([bandwidth])
    return np.asarray(
        log_profile_sums(X, Q, scales, _GAUSSIAN, weights=weights, exclude=exclude, route=route)[0]
    )


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
    mass = 0.0 if factors is not None else math.log(n)
    constant = -0.5 * d * math.log(2.0 * math.pi) - d * math.log(width)
    logs = log_profile_sums(
        points, queries, np.array([width]), _GAUSSIAN,
        weights=factors, exclude=skip, offsets=np.array([constant - mass]),
    )[0]  # fmt: skip
    if skip is None:
        return np.asarray(logs + (constant - mass))
    masses = _remaining_mass(factors, skip, n)
    # Where nothing is left the sum is -inf already; its mass only must not be NaN.
    logs = logs - np.log(masses, out=np.zeros(len(queries)), where=masses > 0.0)
    return np.asarray(logs + constant)


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
