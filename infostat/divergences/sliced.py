"""Sliced Wasserstein distance: the average over directions of a distance on the line."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError
from ..core.rng import RngLike, as_generator
from ..core.samples import as_sample, same_columns
from ..core.threads import one_blas_thread
from ..core.validation import MOST_DRAWS, FloatArray, as_float_array, check_count
from .one_dimensional import check_order, power_mean, quantile_coupling

__all__ = ["sliced_wasserstein"]

# Projections held at a time, in doubles (8 MB).
_BUDGET = 1_000_000


def sliced_wasserstein(
    x: Any,
    y: Any,
    p: float = 1,
    *,
    directions: ArrayLike | None = None,
    n_directions: int = 256,
    rng: RngLike = None,
) -> float:
    """Return the sliced Wasserstein distance of order p of two samples.

    Parameters
    ----------
    x, y : array_like of shape (n, d) and (m, d)
        Samples; the sizes may differ.
    p : float
        Order, at least 1; ``inf`` takes the largest displacement over all directions.
    directions : array_like of shape (k, d), optional
        One direction a row, any length but zero.
    n_directions : int
        Random directions, uniform on the sphere, where none are given.
    rng : None, int, SeedSequence or Generator
        Seed of the directions.

    Returns
    -------
    float
        The distance (not its power), in the units of the data.

    Raises
    ------
    InputError
        If a number is out of range, or a direction is zero or has another dimension.
    DataError
        If the samples have different columns or are not finite.

    Notes
    -----
    ``SW_p^p`` is the mean over unit vectors u of ``W_p^p(u'X, u'Y)``. With random directions the
    p-th power is unbiased for the integral over the sphere, with a Monte-Carlo error of order
    ``n_directions^(-1/2)`` on top of the sampling error. At most the Wasserstein distance of the
    same order; it needs no cost table, so large samples are cheap.

    Examples
    --------
    >>> sliced_wasserstein([[0.0, 0.0]], [[3.0, 4.0]], directions=[[1, 0], [0, 1]])
    3.5
    >>> sliced_wasserstein([0.0, 2.0], [1.0, 5.0])
    2.0
    """
    order = check_order(p)
    X, Y = as_sample("x", x, min_rows=1), as_sample("y", y, min_rows=1)
    same_columns(X, Y, ("x", "y"))
    units = _directions(directions, n_directions, X.shape[1], rng)
    coupling = None if len(X) == len(Y) else quantile_coupling(np.ones(len(X)), np.ones(len(Y)))
    step = max(1, _BUDGET // (len(X) + len(Y)))
    # The products are small beside the sorts: a second BLAS thread mostly waits, and on a busy
    # machine it makes the whole several times slower.
    with one_blas_thread():
        values = [_on_lines(X, Y, units[start : start + step], order, coupling) for start in range(0, len(units), step)]
    return power_mean(np.concatenate(values), None, order)


def _directions(given: ArrayLike | None, count: int, d: int, rng: RngLike) -> FloatArray:
    if given is None:
        number = check_count("n_directions", count, low=1, high=MOST_DRAWS)
        if d == 1:
            return np.ones((1, 1))
        raw = as_generator(rng).standard_normal((number, d))
    else:
        raw = as_float_array("directions", given, ndim=2)
        if raw.shape[0] == 0 or raw.shape[1] != d:
            raise InputError(f"directions must have {d} columns (one direction a row), got shape {raw.shape}")
    largest = np.abs(raw).max(axis=1, keepdims=True)
    n_zero = int(np.count_nonzero(largest == 0.0))
    if n_zero:
        raise InputError(f"directions must be different from zero, got {n_zero} zero rows")
    scaled = raw / largest
    return np.asarray(scaled / np.linalg.norm(scaled, axis=1, keepdims=True))


def _on_lines(
    X: FloatArray, Y: FloatArray, units: FloatArray, order: float, coupling: tuple[Any, Any, FloatArray] | None
) -> FloatArray:
    """Return the distance on each line."""
    # One projection a row, so that each sort runs through contiguous memory.
    left, right = units @ X.T, units @ Y.T
    left.sort(axis=1)
    right.sort(axis=1)
    if coupling is None:
        left -= right
        return np.array([power_mean(row, None, order) for row in left])
    first, second, mass = coupling
    pairs = zip(left, right, strict=True)
    return np.array([power_mean(u[first] - v[second], mass, order) for u, v in pairs])
