"""Distribution functions and draws of polynomial densities, axis by axis.

Given the first coordinates, the density of the next one at the nodes of its axis
is a sum over the remaining axes. In each panel it is expanded in Legendre
polynomials, integrated term by term, and inverted.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import legendre

from ..core.validation import FloatArray
from .polynomial_basis import Grid, exponents

__all__ = ["distribution_function", "draw_rows"]

_CHUNK = 2_000_000  # numbers at a time, 16 MB
_MAX_STEPS, _STEP = 60, 1e-13  # in units of half a panel
_ROUNDING = 1e-14  # of a distribution function


def distribution_function(rule: Grid, inner: FloatArray, t: FloatArray) -> FloatArray:
    """Return the distribution function of a univariate law.

    Parameters
    ----------
    rule : Grid
        Nodes that resolve the law, one dimension.
    inner : ndarray of shape (p,)
        Parameter in orthonormal products.
    t : ndarray of shape (m,)
        Points of [-1, 1].

    Returns
    -------
    ndarray of shape (m,)
        Probabilities.
    """
    panels = len(rule.axis)
    density = _density(rule.statistics @ inner).reshape(panels, -1)
    mass = density @ rule.axis_weights
    integral = _integrated(density, rule)
    index = np.clip(((t + 1.0) * 0.5 * panels).astype(np.intp), 0, panels - 1)
    local = np.clip((t + 1.0) * panels - 2.0 * index - 1.0, -1.0, 1.0)
    before = np.concatenate([[0.0], np.cumsum(mass)])
    out = np.empty(len(t))
    step = max(1, _CHUNK // len(integral))
    for start in range(0, len(t), step):
        part = slice(start, start + step)
        out[part] = before[index[part]] + legendre.legval(local[part], integral[:, index[part]], tensor=False)
    return np.asarray(np.clip(out / before[-1], 0.0, 1.0))


def draw_rows(
    rule: Grid, inner: FloatArray, degree: int, size: int, generator: np.random.Generator
) -> FloatArray:
    """Return independent rows of a law.

    Parameters
    ----------
    rule : Grid
        Nodes that resolve the law.
    inner : ndarray of shape (p,)
        Parameter in orthonormal products.
    degree : int
        Largest total degree.
    size : int
        Number of rows.
    generator : Generator
        Source of randomness; one uniform number per coordinate.

    Returns
    -------
    ndarray of shape (size, d)
        Points of ``[-1, 1]^d``.
    """
    d = rule.points.shape[1]
    uniforms = generator.random((size, d))
    out = np.empty((size, d))
    numbers = rule.axis.size ** max(1, d - 1)
    step = max(1, _CHUNK // numbers)
    for start in range(0, size, step):
        out[start : start + step] = _draw_chunk(rule, inner, degree, uniforms[start : start + step])
    return out


def _draw_chunk(rule: Grid, inner: FloatArray, degree: int, uniforms: FloatArray) -> FloatArray:
    m, d = uniforms.shape
    coefficients = np.zeros((degree + 1,) * d)
    coefficients[tuple(exponents(d, degree).T)] = inner
    table = _polynomials(rule.axis.ravel(), degree)
    weights = np.tile(rule.axis_weights, len(rule.axis))
    current = coefficients[None]  # one polynomial in the coordinates still to be drawn, per row
    out = np.empty((m, d))
    for k in range(d):
        exponent = current
        for _ in range(d - k):
            # Contracting the first coefficient axis and appending the nodes cycles through the axes.
            exponent = np.tensordot(exponent, table, axes=(1, 1))
        density = _density(exponent)
        for _ in range(d - k - 1):
            density = density @ weights
        out[:, k] = _invert(density.reshape(len(density), *rule.axis.shape), rule, uniforms[:, k])
        values = _polynomials(out[:, k], degree)
        current = np.einsum("ma...,ma->m...", np.broadcast_to(current, (m, *current.shape[1:])), values)
    return out


def _density(exponent: FloatArray) -> FloatArray:
    """Exponential of exponents, the largest of each row brought to zero."""
    if exponent.ndim == 1:
        return np.asarray(np.exp(exponent - exponent.max()))
    top = exponent.reshape(len(exponent), -1).max(axis=1)
    return np.asarray(np.exp(exponent - top.reshape(-1, *[1] * (exponent.ndim - 1))))


def _polynomials(t: FloatArray, degree: int) -> FloatArray:
    scale = np.sqrt(2.0 * np.arange(degree + 1) + 1.0)
    return np.asarray(legendre.legvander(t, degree) * scale)


def _integrated(density: FloatArray, rule: Grid) -> FloatArray:
    """Legendre series of ``int_{-1}^s`` in each panel, in units in which weight-one density has mass one.

    `density` is ``(..., m)`` at the nodes of a panel; the series are columns, ``(m + 1, ...)``.
    """
    m = density.shape[-1]
    nodes = (rule.axis[0] - rule.axis[0].mean()) * len(rule.axis)  # of [-1, 1]
    values = legendre.legvander(nodes, m - 1) * (2.0 * np.arange(m) + 1.0)
    series = np.moveaxis((density * rule.axis_weights) @ values, -1, 0)
    return np.asarray(0.5 * legendre.legint(series, lbnd=-1.0, axis=0))


def _invert(density: FloatArray, rule: Grid, uniforms: FloatArray) -> FloatArray:
    """Points where the distribution functions of rows of densities reach given levels.

    `density` is ``(rows, panels, m)``, with one row if all draws share it.
    """
    m, panels = len(uniforms), len(rule.axis)
    mass = density @ rule.axis_weights
    cumulative = np.cumsum(mass, axis=1)
    level = uniforms * cumulative[:, -1]
    index = np.minimum((cumulative < level[:, None]).sum(axis=1), panels - 1)
    rows = np.zeros(m, dtype=np.intp) if len(density) == 1 else np.arange(m)
    target = level - (cumulative - mass)[rows, index]
    if len(density) == 1:
        series = _integrated(density[0], rule)[:, index]
    else:
        series = _integrated(density[rows, index], rule)
    local = _solve(series, np.asarray(legendre.legder(series, axis=0), dtype=np.float64), target)
    return np.asarray((2.0 * index + 1.0 + local) / panels - 1.0)


def _solve(integral: FloatArray, slope: FloatArray, target: FloatArray) -> FloatArray:
    """Roots in [-1, 1] of increasing Legendre series, by Newton's method inside a shrinking bracket."""
    m = len(target)
    low, high, s = -np.ones(m), np.ones(m), np.zeros(m)
    noise = _ROUNDING * legendre.legval(high, integral, tensor=False)
    for _ in range(_MAX_STEPS):
        gap = legendre.legval(s, integral, tensor=False) - target
        low, high = np.where(gap < 0.0, s, low), np.where(gap < 0.0, high, s)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = s - gap / legendre.legval(s, slope, tensor=False)
        settled = (np.abs(newton - s) <= _STEP) | (np.abs(gap) <= noise)
        # Where the density almost vanishes Newton's step leaves the bracket (or is no number): bisect.
        inside = (newton > low) & (newton < high)
        s = np.where(settled, s, np.where(inside, newton, 0.5 * (low + high)))
        if settled.all():
            break
    return s
