"""Leave-one-out bandwidths for kernels that are not Gaussian.

Their weights are no exponentials of the squared distance, so the shared pass of the Gaussian
curve does not apply; one evaluation costs one sweep over the pairs for each bandwidth.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..core.errors import DataError
from ..core.validation import FloatArray
from .duplicates import distinct_rows
from .evaluation import log_density
from .float_range import check_squares

__all__ = ["leave_one_out_width"]

_GRID = 25  # bandwidths over a factor of 64, hence 1.19 from one to the next
_REACH = 8.0
_WIDENINGS = 12
_TOLERANCE = 1e-5
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


def leave_one_out_width(
    X: FloatArray,
    weights: FloatArray | None,
    kernel: str,
    kappa: float | None,
    *,
    duplicates: str = "group",
    n_jobs: int | None = None,
) -> float:
    """Return the bandwidth with the largest mean leave-one-out log density.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite rows.
    weights : ndarray of shape (n,) or None
        Masses of the rows, in the density and in the mean.
    kernel, kappa : str, float or None
        Shape, as in `log_density`.
    duplicates : {"group", "drop", "raise"}
        Copies of a row are left out together, dropped, or an error.
    n_jobs : int, optional
        Threads.

    Returns
    -------
    float
        h in the unit of the data. For compact kernels it is at least what reaches a neighbour of
        every row, because a row out of reach has the log density -inf.

    Raises
    ------
    DataError
        If fewer than two distinct rows are left.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> round(leave_one_out_width(X, None, "student", 2.0), 2)
    0.44
    """
    found = distinct_rows(X, duplicates, weights=weights)
    points, masses = found.points, found.masses
    if len(points) < 2:
        raise DataError("X must have at least two distinct rows to leave one out, got one; give bandwidth as a number")
    check_squares("X", points, spread=True)
    shares = np.ones(len(points)) if masses is None else masses

    def curve(widths: FloatArray) -> FloatArray:
        values = log_density(points, None, widths, kernel=kernel, kappa=kappa, weights=masses, loo=True, n_jobs=n_jobs)
        return np.asarray(np.average(values, axis=1, weights=shares))

    return _refine(curve, *_bracket(curve, float(np.sqrt(points.var(axis=0).mean()))))


def _bracket(curve: Callable[[FloatArray], FloatArray], start: float) -> tuple[float, float]:
    """Return two logarithms of bandwidths between which the maximum lies."""
    step = 2.0 * math.log(_REACH) / (_GRID - 1)
    logs = math.log(start) + step * (np.arange(_GRID) - _GRID // 2)
    values = curve(np.exp(logs))
    for _ in range(_WIDENINGS):
        best = int(np.argmax(values))
        if not np.isfinite(values[best]) or best == len(logs) - 1:
            logs = np.append(logs, logs[-1] + step * np.arange(1, _GRID // 2))
            values = np.append(values, curve(np.exp(logs[len(values) :])))
        elif best == 0:
            more = logs[0] - step * np.arange(_GRID // 2, 0, -1)
            logs, values = np.append(more, logs), np.append(curve(np.exp(more)), values)
        else:
            break
    best = int(np.argmax(values))
    return float(logs[max(best - 1, 0)]), float(logs[min(best + 1, len(logs) - 1)])


def _refine(curve: Callable[[FloatArray], FloatArray], low: float, high: float) -> float:
    """Golden-section search: it only compares values. Where both are -inf, wider is the way out."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = curve(np.exp([left, right]))
    while high - low > _TOLERANCE:
        if at_left < at_right or at_left == -math.inf:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = curve(np.exp([right]))[0]
        else:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = curve(np.exp([left]))[0]
    return math.exp(right if at_right > at_left else left)
