"""The law of the squared distance from a point x to a draw of N(0, I), in the log domain.

``R = |x - y|^2`` is noncentral chi-square with d degrees of freedom and noncentrality
``|x|^2``. What kernel density estimates in large dimension depend on is its extreme lower
tail (probabilities near 1/n, with n up to ``e^800``) for d from one to thousands, where
``scipy.stats.ncx2`` underflows or loses its digits; hence logarithms throughout and Bessel
functions of large order by their uniform expansion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.polynomial import polynomial
from scipy import special

from ..core.validation import FloatArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "DistanceLaw",
    "distance_law",
    "log_bessel_i",
    "log_ncx2_density",
    "log_width",
    "squared_norm_rule",
]

# Below this order the Bessel function itself stays inside the range of a double (measured
# against 40 digits); from it on ten terms of the uniform expansion give 5e-13.
_LARGE_ORDER = 15.0
_DEBYE_TERMS = 10
# A table starts where F falls below exp(-_LOWER_MARGIN)/(n min(n, exp(_EXTRA_MARGIN))) and ends
# where 1 - F is below exp(-_UPPER).
_LOWER_MARGIN, _EXTRA_MARGIN = 47.0, 80.0
_UPPER = 45.0
_CELL_NODES, _CELL_WEIGHTS = np.polynomial.legendre.leggauss(3)


@lru_cache(maxsize=1)
def _debye_polynomials() -> tuple[FloatArray, ...]:
    """Coefficients of u_0..u_K of the uniform expansion (DLMF 10.41.9)."""
    found: list[Any] = [np.array([1.0])]
    for _ in range(_DEBYE_TERMS):
        last = found[-1]
        slope = polynomial.polyder(last) if len(last) > 1 else np.zeros(1)
        first = 0.5 * polynomial.polymul([0.0, 0.0, 1.0, 0.0, -1.0], slope)
        found.append(polynomial.polyadd(first, polynomial.polyint(polynomial.polymul([1.0, 0.0, -5.0], last)) / 8))
    return tuple(np.asarray(item) for item in found)


def log_bessel_i(order: float, log_z: FloatArray) -> FloatArray:
    """Return ``log I_order(exp(log_z))`` for order >= -1/2, to 1e-12 absolute or relative.

    Parameters
    ----------
    order : float
        Order.
    log_z : ndarray
        Logarithms of the argument.

    Returns
    -------
    ndarray
        Logarithms of the function.
    """
    z = np.exp(log_z)
    if order == -0.5:
        return np.asarray(0.5 * (math.log(2 / math.pi) - log_z) + np.logaddexp(z, -z) - math.log(2))
    if order >= _LARGE_ORDER:
        return _log_bessel_uniform(order, log_z)
    small = z * z < order + 1
    out = np.empty_like(z)
    out[small] = _log_bessel_series(order, log_z[small])
    large = z[~small]
    out[~small] = np.log(special.ive(order, large)) + large
    return out


def _log_bessel_series(order: float, log_z: FloatArray) -> FloatArray:
    """Ascending series; terms fall faster than (1/4)^k/k! where z^2 < order + 1."""
    quarter = np.exp(2 * log_z) / 4
    term = np.ones_like(log_z)
    total = np.ones_like(log_z)
    for k in range(1, 16):
        term = term * quarter / (k * (k + order))
        total = total + term
    return np.asarray(order * (log_z - math.log(2)) - special.gammaln(order + 1) + np.log(total))


def _log_bessel_uniform(order: float, log_z: FloatArray) -> FloatArray:
    """Uniform expansion for large order (DLMF 10.41.3)."""
    log_ratio = log_z - math.log(order)
    root = np.hypot(1.0, np.exp(log_ratio))
    eta = root + log_ratio - np.log1p(root)
    correction = polynomial.polyval(1 / root, _debye_sum(order))
    return np.asarray(order * eta - 0.5 * np.log(2 * np.pi * order * root) + np.log1p(correction))


@lru_cache(maxsize=64)
def _debye_sum(order: float) -> FloatArray:
    """Coefficients of ``sum_k u_k(t)/order^k`` over k >= 1, one polynomial in t."""
    total: Any = np.zeros(1)
    for k, u in enumerate(_debye_polynomials()[1:], start=1):
        total = polynomial.polyadd(total, u / order**k)
    return np.asarray(total)


def log_ncx2_density(log_r: FloatArray, d: int, nc: float) -> FloatArray:
    """Return the log density of ``log R``, R noncentral chi-square(d, nc), nc >= 0.

    Parameters
    ----------
    log_r : ndarray
        Logarithms of R.
    d : int
        Dimension.
    nc : float
        Noncentrality, the squared norm of the query.

    Returns
    -------
    ndarray
        Log densities.
    """
    r = np.exp(log_r)
    if nc == 0:
        return np.asarray(d / 2 * (log_r - math.log(2)) - r / 2 - special.gammaln(d / 2))
    order = d / 2 - 1
    bessel = log_bessel_i(order, (math.log(nc) + log_r) / 2)
    return np.asarray(log_r - math.log(2) - (r + nc) / 2 + order / 2 * (log_r - math.log(nc)) + bessel)


def squared_norm_rule(d: int, n_nodes: int) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights of a rule for expectations under the chi-square law with d degrees of freedom.

    Golub and Welsch for the generalised Laguerre weight; the textbook weights overflow for
    d > 340. Nodes of weight below 1e-13 are left out. With d = 1 the trapezoid rule in the norm is
    better: it converges exponentially for an even function, with no nodes far out.

    Parameters
    ----------
    d : int
        Dimension.
    n_nodes : int
        Nodes, before those of little weight are left out.

    Returns
    -------
    (ndarray, ndarray)
        Nodes and weights.
    """
    from scipy.linalg import eigh_tridiagonal

    if d == 1:
        x = np.linspace(0.0, 7.6, n_nodes, endpoint=False)
        density = np.exp(-x * x / 2)
        density[0] /= 2
        return x * x, density / density.sum()
    a = d / 2 - 1
    k = np.arange(n_nodes, dtype=np.float64)
    values, vectors = eigh_tridiagonal(2 * k + a + 1, np.sqrt(k[1:] * (k[1:] + a)))
    weights = vectors[0] ** 2
    kept = weights > 1e-13
    return np.asarray(2 * values[kept]), np.asarray(weights[kept] / weights[kept].sum())


@dataclass(frozen=True)
class DistanceLaw:
    """Table of one noncentral chi-square law on a uniform grid of ``y = log R``.

    Attributes
    ----------
    d, nc : int, float
        Degrees of freedom and noncentrality.
    start, step : float
        Grid of y.
    log_cdf : ndarray of shape (m,)
        ``log F``.
    cubics : ndarray of shape (m - 1, 8)
        Per cell the cubic interpolants of ``log F`` and of ``log(d log F/dy)``, highest power first.
    """

    d: int
    nc: float
    start: float
    step: float
    log_cdf: FloatArray
    cubics: FloatArray

    @property
    def grid(self) -> FloatArray:
        """Grid of ``log R``."""
        return np.asarray(self.start + self.step * np.arange(len(self.log_cdf)))

    def evaluate(self, log_r: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return ``log F`` and ``log(d log F/d log R)``; outside the table its end values."""
        position = np.clip((log_r - self.start) / self.step, 0.0, len(self.cubics) - 1e-9)
        cell = position.astype(np.intp)
        t = (position - cell) * self.step
        c = np.take(self.cubics, cell, axis=0)
        log_cdf = ((c[..., 0] * t + c[..., 1]) * t + c[..., 2]) * t + c[..., 3]
        log_slope = ((c[..., 4] * t + c[..., 5]) * t + c[..., 6]) * t + c[..., 7]
        return log_cdf, log_slope

    def quantile(self, log_p: FloatArray) -> FloatArray:
        """Return ``log R`` at which ``log F = log_p``; the table's ends beyond them.

        One Newton step on the interpolant after linear interpolation of the inverse.
        """
        grid = self.grid
        y = np.interp(log_p, self.log_cdf, grid)
        for _ in range(3):
            log_cdf, log_slope = self.evaluate(y)
            step = (log_p - log_cdf) * np.exp(-log_slope)
            y = np.clip(y + np.clip(step, -self.step, self.step), grid[0], grid[-1])
        return np.asarray(y)


def distance_law(d: int, nc: float, log_n: float, *, refine: float = 1.0) -> DistanceLaw:
    """Return the table of the law; it resolves probabilities down to ``exp(-47)/n`` and below.

    Parameters
    ----------
    d : int
        Dimension.
    nc : float
        Noncentrality, the squared norm of the query.
    log_n : float
        Logarithm of the points of a data set.
    refine : float
        How much finer the table is than usual.

    Returns
    -------
    DistanceLaw
        The law of the squared distance, on a logarithmic scale.
    """
    from scipy.interpolate import CubicSpline

    scale = log_width(d, nc)
    step = 0.04 * scale / refine
    low, high = _table_ends(d, nc, log_n, scale)
    grid = np.asarray(low + step * np.arange(math.ceil((high - low) / step) + 2), dtype=np.float64)
    log_f = log_ncx2_density(grid, d, nc)
    log_cdf = _log_cdf(grid, step, d, nc, log_f)
    both = CubicSpline(grid, np.column_stack([log_cdf, log_f - log_cdf]))
    cubics = np.concatenate([both.c[:, :, 0], both.c[:, :, 1]]).T
    return DistanceLaw(d, nc, low, step, log_cdf, np.ascontiguousarray(cubics))


def log_width(d: int, nc: float) -> float:
    """Return the scale on which the density of log R changes: its standard deviation, at most 1.

    Parameters
    ----------
    d : int
        Dimension.
    nc : float
        Noncentrality, the squared norm of the query.

    Returns
    -------
    float
        The scale.
    """
    return min(1.0, math.sqrt(2 / d), math.sqrt(2 * (d + 2 * nc)) / (d + nc))


def _table_ends(d: int, nc: float, log_n: float, scale: float) -> tuple[float, float]:
    """Return the ends of the grid of log R."""
    # Tail bound of Birge (2001, lemma 8.1): P(R > d + nc + 2 sqrt((d + 2 nc) t) + 2 t) <= exp(-t).
    high = math.log(d + nc + 2 * math.sqrt((d + 2 * nc) * _UPPER) + 2 * _UPPER)
    # Below its mode the density falls at least like exp(y) raised to a growing power <= d/2, so
    # doubling steps bracket the level and a bisection of the concave log density finds it.
    target = -(log_n + min(log_n, _EXTRA_MARGIN) + _LOWER_MARGIN)
    top = math.log(d + nc)
    width = scale
    while _one_log_density(top - width, d, nc) > target:
        width *= 2
    left, right = top - width, top - width / 2
    for _ in range(12):
        middle = (left + right) / 2
        if _one_log_density(middle, d, nc) > target:
            right = middle
        else:
            left = middle
    return left, high


def _one_log_density(log_r: float, d: int, nc: float) -> float:
    return float(log_ncx2_density(np.array([log_r]), d, nc)[0])


def _log_cdf(grid: FloatArray, step: float, d: int, nc: float, log_f: FloatArray) -> NDArray[np.float64]:
    """Cumulate Gauss-Legendre integrals of the cells; below the table the density is a power of R."""
    inside = grid[:-1, None] + step / 2 * (1 + _CELL_NODES)
    log_inside = log_ncx2_density(inside, d, nc)
    top = log_inside.max(axis=1)
    cells = top + np.log(np.exp(log_inside - top[:, None]) @ _CELL_WEIGHTS * (step / 2))
    power = (log_f[1] - log_f[0]) / step
    pieces = np.concatenate([[log_f[0] - math.log(power)], cells])
    return np.asarray(np.minimum(np.logaddexp.accumulate(pieces), 0.0))
