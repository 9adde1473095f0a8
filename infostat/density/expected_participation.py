"""Participation ratio that the slope model expects at a finite number of points.

Derived for this project, in the setting of G. Biroli and M. Mezard, "Kernel Density Estimators
in Large Dimensions" (arXiv:2408.05807); it is not theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..core.errors import InputError, describe
from ..core.validation import FloatArray, check_number

__all__ = ["mean_participation"]

_FIRST = -14.0  # log level below which a Poisson process has a point with probability 1e-6
# Ends of the log-level scale on which the outer integral runs: at 3.5 exp(-psi) is below 1e-14.
_U_ENDS = (-20.0, 3.5)
# Levels between which the steps follow the slope: below, a process has a point with probability
# 3e-4, above exp(-psi) is below 1e-5. Steep laws (s = 2, data on a line) would need millions of steps.
_RESOLVED = (-8.0, 2.5)
_U_STEP = 0.1
_STEP = 0.1
_BLOCK = 2**18  # numbers of one table: 2 MB
_STEEPEST = 0.05  # below this index the participation ratio is linear in it to 1e-4
_NODES = np.array([-math.sqrt(0.6), 0.0, math.sqrt(0.6)])
_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0


def mean_participation(mu: float, s: float, q: float = 0.0, n: float = math.inf) -> float:
    """Return the expected participation ratio of kernel weights under the slope model.

    Parameters
    ----------
    mu : float
        Index of the bandwidth at the level of one point, > 0.
    s : float
        Change of log(1/b) with the log level, in [-1, 3].
    q : float
        Its curvature, >= 0.
    n : float
        Points, > 1; infinity is allowed for s > 0 or mu < 1.

    Returns
    -------
    float
        Expected sum of squared shares, to about 2e-4.

    Raises
    ------
    InputError
        If a number is out of range.

    Notes
    -----
    The weights behave like ``w(x) = exp(-e(log x))`` at the points x of a Poisson process of rate
    one on (0, n), with ``e(l) = (1/mu) int_0^l exp(s t + q t^2/2) dt``. Then

    ``Y = int u phi(u) exp(-psi(u)) du``, ``psi(u) = int (1 - exp(-u w)) dx``,
    ``phi(u) = int w^2 exp(-u w) dx``.

    For ``s = q = 0``, mu < 1 and many points ``Y = 1 - mu``. The inner integrals are trapezoid sums
    in l with steps that shrink where e is steep, the outer one a trapezoid sum over
    ``log u = e(t) + t``, a scale on which the integrand is smooth for every mu.

    Examples
    --------
    >>> round(mean_participation(0.5, 0.0), 3)
    0.5
    >>> round(mean_participation(1.0, 0.15), 3), round(mean_participation(3.0, 0.2), 3)
    (0.202, 0.003)
    """
    index = check_number("mu", mu, low=0, open_low=True)
    shape = check_number("s", s, low=-1, high=3)
    bend = check_number("q", q, low=0)
    points = check_number("n", n, low=1, open_low=True, finite=False)
    if math.isinf(points) and shape <= 0.0 and bend == 0.0 and index >= 1.0:
        required = "finite where s <= 0 and mu >= 1 (the sum of the weights diverges)"
        raise InputError(describe("n", required, points))
    if index < _STEEPEST:
        return 1.0 - (1.0 - _participation(_STEEPEST, shape, bend, points)) * index / _STEEPEST
    return _participation(index, shape, bend, points)


def _participation(mu: float, s: float, q: float, n: float) -> float:
    def rate(t: FloatArray) -> FloatArray:
        return np.asarray(np.exp(s * t + 0.5 * q * t * t) / mu)

    t = np.arange(_U_ENDS[0], _U_ENDS[1] + 0.5 * _U_STEP, _U_STEP)
    log_u = _integral(rate, t) + t
    levels = _levels(rate, min(math.log(n), 60.0), float(log_u[-1]))
    exponents = _integral(rate, levels)
    step = np.empty_like(levels)
    step[1:-1] = 0.5 * (levels[2:] - levels[:-2])
    step[0], step[-1] = 0.5 * (levels[1] - levels[0]), 0.5 * (levels[-1] - levels[-2])
    density = step * np.exp(levels)
    psi, phi = np.empty_like(t), np.empty_like(t)
    size = max(1, _BLOCK // len(levels))
    for part in (slice(start, start + size) for start in range(0, len(t), size)):
        # Beyond 5 a point surely is there (its share of phi vanishes); below -300 it has no weight.
        uw = np.exp(np.clip(log_u[part, None] - exponents, -300.0, 5.0))
        absent = np.exp(-uw)
        # The last term are the points below the first level; they matter where psi is huge already.
        psi[part] = -np.expm1(-uw) @ density - math.exp(float(levels[0])) * np.expm1(-uw[:, 0])
        phi[part] = (uw * uw * absent) @ density
    values = phi * np.exp(-psi) * (rate(t) + 1.0)
    return float(min(max(values.sum() * _U_STEP, 0.0), 1.0))


def _levels(rate: Callable[[FloatArray], FloatArray], last: float, log_u: float) -> FloatArray:
    """Return log levels from the first to the last that can matter, closer where weights fall fast."""
    fine = np.linspace(_FIRST, last, 4001)
    gap = _integral(rate, fine) - log_u
    # exp(-gap) is u w at the largest u; with exp(level) points there it must be below 1e-12.
    over = np.flatnonzero(gap - fine > 28.0)
    if len(over):
        fine = fine[: max(int(over[0]) + 1, 2)]
    # Neither l nor the exponent moves far in one step, where the details count.
    density = np.hypot(1.0, 0.3 * rate(np.clip(fine, *_RESOLVED)))
    scale = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(fine))])
    count = max(math.ceil(scale[-1] / _STEP), 50) + 1
    return np.interp(np.linspace(0.0, scale[-1], count), scale, fine)


def _integral(rate: Callable[[FloatArray], FloatArray], grid: FloatArray) -> FloatArray:
    """Return the integral of `rate` from 0 to every value of an increasing grid (three-point Gauss)."""
    nodes = np.union1d(grid, np.linspace(min(grid[0], 0.0), max(grid[-1], 0.0), 200))
    nodes = np.union1d(nodes, [0.0])
    half = 0.5 * np.diff(nodes)
    middle = nodes[:-1] + half
    pieces = 2.0 * half * (rate(middle[:, None] + half[:, None] * _NODES) @ _WEIGHTS)
    total = np.concatenate([[0.0], np.cumsum(pieces)])
    total -= total[np.searchsorted(nodes, 0.0)]
    return np.asarray(total[np.searchsorted(nodes, grid)])
