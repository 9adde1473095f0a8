"""Central differences of a log density in adapted coordinates.

In coordinates in which S is the identity and P diagonal only pairs of axes matter for the contracted
third and fourth derivatives; triples are needed for means only. With a step of an eightieth of a
standard deviation (of one observation's influence) one rule serves every model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, product

import numpy as np

from ..core.validation import FloatArray

__all__ = ["OFFSETS", "STENCIL", "STEP", "Axes", "axis_derivatives", "pair_derivatives", "triple_mean"]

STEP = 0.0125
OFFSETS = (-3, -2, -1, 0, 1, 2, 3)
# Rows 1 to 4: first to fourth derivative from seven points; errors h^6, h^6, h^4, h^4.
STENCIL = np.array(
    [
        [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [-1 / 60, 3 / 20, -3 / 4, 0.0, 3 / 4, -3 / 20, 1 / 60],
        [1 / 90, -3 / 20, 3 / 2, -49 / 18, 3 / 2, -3 / 20, 1 / 90],
        [1 / 8, -1.0, 13 / 8, 0.0, -13 / 8, 1.0, -1 / 8],
        [-1 / 6, 2.0, -13 / 2, 28 / 3, -13 / 2, 2.0, -1 / 6],
    ]
)
# Five points, errors h^4, for products of a first or second derivative along two axes.
_FIRST = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}
_SECOND = {-2: -1 / 12, -1: 4 / 3, 0: -5 / 2, 1: 4 / 3, 2: -1 / 12}
_TRIPLE_STEPS = (2.0, 4.0)  # times the step: the triple product divides by h^3

Evaluate = Callable[[FloatArray], FloatArray]
Axes = dict[tuple[int, int], FloatArray]


def axis_derivatives(f: Evaluate, centre: FloatArray, p: int, h: float) -> tuple[FloatArray, Axes]:
    """Return the derivatives along each axis, and the values they came from.

    Parameters
    ----------
    f : callable
        Log density of the rows at coordinates phi, shape (m,).
    centre : ndarray of shape (m,)
        Its value at phi = 0.
    p : int
        Number of coordinates.
    h : float
        Step.

    Returns
    -------
    derivatives : ndarray of shape (5, m, p)
        Order 0 to 4 along each axis.
    values : dict
        ``(axis, offset) -> f``.
    """
    values: Axes = {}
    found = np.empty((5, len(centre), p))
    for axis in range(p):
        column = np.empty((len(OFFSETS), len(centre)))
        for k, offset in enumerate(OFFSETS):
            if offset:
                phi = np.zeros(p)
                phi[axis] = offset * h
                values[axis, offset] = f(phi)
            else:
                values[axis, 0] = centre
            column[k] = values[axis, offset]
        found[:, :, axis] = STENCIL @ column
    return found / h ** np.arange(5.0)[:, None, None], values


def pair_derivatives(
    f: Evaluate, values: Axes, p: int, h: float, high: bool
) -> Iterator[tuple[int, int, tuple[FloatArray, ...]]]:
    """Yield mixed derivatives of each pair of axes k < r.

    Parameters
    ----------
    f : callable
        Log density of the rows at coordinates phi.
    values : dict
        From :func:`axis_derivatives`.
    p : int
        Number of coordinates.
    h : float
        Step.
    high : bool
        Whether third and fourth derivatives are wanted.

    Yields
    ------
    k, r : int
        The axes.
    derivatives : tuple of ndarray of shape (m,)
        ``l_kr`` and, if `high`, ``l_krr``, ``l_kkr``, ``l_kkrr``.
    """
    for k, r in combinations(range(p), 2):
        grid = {(a, 0): values[k, a] for a in _SECOND} | {(0, b): values[r, b] for b in _SECOND}
        for a, b in product(_FIRST, _FIRST):
            phi = np.zeros(p)
            phi[k], phi[r] = a * h, b * h
            grid[a, b] = f(phi)
        found = [_tensor(grid, _FIRST, _FIRST) / h**2]
        if high:
            found.append(_tensor(grid, _FIRST, _SECOND) / h**3)
            found.append(_tensor(grid, _SECOND, _FIRST) / h**3)
            found.append(_tensor(grid, _SECOND, _SECOND) / h**4)
        yield k, r, tuple(found)


def _tensor(grid: Axes, left: dict[int, float], right: dict[int, float]) -> FloatArray:
    total = np.zeros_like(grid[0, 0])
    for a, u in left.items():
        for b, v in right.items():
            total += (u * v) * grid[a, b]
    return total


def triple_mean(mean: Callable[[FloatArray], float], axes: tuple[int, int, int], p: int, h: float) -> float:
    """Return the mean third derivative along three different axes.

    Parameters
    ----------
    mean : callable
        Mean log density at coordinates phi.
    axes : tuple of int
        The axes.
    p : int
        Number of coordinates.
    h : float
        Step.

    Returns
    -------
    float
        Derivative, with the h^2 error removed by extrapolation from two steps.
    """
    found = []
    for factor in _TRIPLE_STEPS:
        step = factor * h
        total = 0.0
        for signs in product((-1.0, 1.0), repeat=3):
            phi = np.zeros(p)
            phi[list(axes)] = np.array(signs) * step
            total += float(np.prod(signs)) * mean(phi)
        found.append(total / (8.0 * step**3))
    return (4.0 * found[0] - found[1]) / 3.0
