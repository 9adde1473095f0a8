"""The best bandwidth of a curve whose whole grid costs about as much as one point of it.

The search evaluates many bandwidths at a time, and ends with a polynomial through the points
around the best one: two passes over the data do what a line search does in ten.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from ..core.validation import FloatArray

__all__ = ["Found", "search"]

_NODES = 17  # of the polynomial
_NARROW = 0.7  # log of the ratio of the ends between which a polynomial is tried
_MOST_PASSES = 12
_MOST_WIDENINGS = 40
_ADDED = 16
_SMALL_TAIL = 1e-10  # of the last coefficients, relative to the range of the values


@dataclass(frozen=True)
class Found:
    """Outcome of a search.

    Attributes
    ----------
    h : float
        The best bandwidth.
    raw : ndarray
        What the curve returned on `grid`.
    grid : ndarray of shape (k,)
        Bandwidths of the first pass, in the order given; with widening all bandwidths evaluated, in
        increasing order.
    at_edge : bool
        Whether the best grid point is the first or last in size.
    """

    h: float
    raw: FloatArray
    grid: FloatArray
    at_edge: bool


def search(
    evaluate: Callable[[FloatArray], FloatArray],
    score: Callable[[FloatArray], FloatArray],
    grid: FloatArray,
    *,
    widen: bool,
    refine: bool,
) -> Found:
    """Return the bandwidth of highest score.

    Parameters
    ----------
    evaluate : callable
        From k bandwidths to an array whose first axis has length k.
    score : callable
        From such an array to k numbers that are to be large. It may scale them by a common
        factor that depends on the array.
    grid : ndarray of shape (k,)
        Bandwidths of the first pass; increasing if `widen`.
    widen : bool
        Add bandwidths beyond an end of the grid while the best one is there.
    refine : bool
        Look between the neighbours of the best grid point; False returns the grid point.

    Returns
    -------
    Found
        Best bandwidth and first pass.

    Examples
    --------
    >>> found = search(lambda h: -np.log(h / 3.0) ** 2, lambda raw: raw, np.array([1.0, 2.0]), widen=True, refine=True)
    >>> round(found.h, 9), found.at_edge
    (3.0, False)
    """
    raw = evaluate(grid)
    for _ in range(_MOST_WIDENINGS if widen and len(grid) > 1 else 0):
        best = int(np.argmax(score(raw)))
        if 0 < best < len(grid) - 1:
            break
        step = math.log(grid[1] / grid[0])
        more = np.exp(step * np.arange(1, _ADDED + 1))
        if best:
            added = grid[-1] * more
            grid, raw = np.concatenate([grid, added]), np.concatenate([raw, evaluate(added)])
        else:
            added = (grid[0] / more)[::-1]
            grid, raw = np.concatenate([added, grid]), np.concatenate([evaluate(added), raw])
    best = int(np.argmax(score(raw)))
    sizes = np.unique(grid)
    place = int(np.searchsorted(sizes, grid[best]))
    ends = float(sizes[max(place - 1, 0)]), float(sizes[min(place + 1, len(sizes) - 1)])
    h = float(grid[best])
    if refine and ends[1] > ends[0] and np.isfinite(score(raw)[best]):
        h, more, more_raw = _between(evaluate, score, *ends)
        if widen:
            grid, first = np.unique(np.concatenate([grid, more]), return_index=True)
            raw = np.concatenate([raw, more_raw])[first]
    return Found(h, raw, grid, place in (0, len(sizes) - 1))


def _between(
    evaluate: Callable[[FloatArray], FloatArray], score: Callable[[FloatArray], FloatArray], low: float, high: float
) -> tuple[float, FloatArray, FloatArray]:
    """Return the best bandwidth in [low, high], to about nine digits, and the last pass."""
    a, b = math.log(low), math.log(high)
    angles = np.cos(np.pi * np.arange(_NODES - 1, -1, -1) / (_NODES - 1))
    for _ in range(_MOST_PASSES):
        narrow = b - a <= _NARROW
        logs = 0.5 * (a + b) + 0.5 * (b - a) * angles if narrow else np.linspace(a, b, _NODES)
        widths = np.exp(logs)
        raw = evaluate(widths)
        values = score(raw)
        best = int(np.argmax(values))
        if narrow and np.isfinite(values).all():
            coefficients = np.asarray(chebyshev.chebfit(angles, values, _NODES - 1), dtype=np.float64)
            tail = float(np.abs(coefficients[-3:]).max())
            if tail <= _SMALL_TAIL * float(np.ptp(values)):
                return math.exp(0.5 * (a + b) + 0.5 * (b - a) * _top(coefficients)), widths, raw
        a, b = float(logs[max(best - 1, 0)]), float(logs[min(best + 1, _NODES - 1)])
        if b - a < 1e-9:
            break
    return float(widths[best]), widths, raw


def _top(coefficients: FloatArray) -> float:
    """Return where in [-1, 1] a Chebyshev series is largest."""
    roots = chebyshev.chebroots(chebyshev.chebder(coefficients))
    real = roots.real[(np.abs(roots.imag) < 1e-9) & (np.abs(roots.real) <= 1.0)]
    candidates = np.concatenate([[-1.0, 1.0], real])
    return float(candidates[np.argmax(chebyshev.chebval(candidates, coefficients))])
