"""Derivatives of a model that is known by its log density only."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations
from typing import Self

import numpy as np

from ..core.validation import FloatArray
from .general_moments import BLOCK_NUMBERS, Block, HighBlock, Metric, Route, Rows
from .general_routes import Derivative
from .general_stencils import STEP, Axes, axis_derivatives, pair_derivatives, triple_mean

__all__ = ["DifferenceRoute"]


class DifferenceRoute(Route):
    """Finite differences of the log density.

    Parameters
    ----------
    theta : ndarray of shape (p,)
        Where the derivatives are taken.
    basis : ndarray of shape (p, p)
        Coordinate directions; for derivatives above the second the metric must be diagonal in them.
    logpdf : callable
        Checked callable ``f(points, theta)``.
    step : float
        Step in units of the basis vectors.

    Notes
    -----
    ``6 p + 16 p(p-1)/2`` evaluations of the log density for all rows, and 16 for each triple of axes.
    """

    exact = False

    def __init__(self, theta: FloatArray, basis: FloatArray, logpdf: Derivative, step: float = STEP) -> None:
        super().__init__(theta, basis)
        self.logpdf, self.step = logpdf, step

    def at(self, theta: FloatArray, basis: FloatArray) -> Self:
        """See :class:`Route`."""
        return type(self)(theta, basis, self.logpdf, self.step)

    def with_step(self, factor: float) -> Self:
        """See :class:`Route`."""
        return type(self)(self.theta, self.basis, self.logpdf, self.step * factor)

    def log_density(self, rows: Rows, theta: FloatArray) -> FloatArray:
        """See :class:`Route`."""
        return self.logpdf(rows.points, theta)

    def low(self, rows: Rows) -> Iterator[Block]:
        """See :class:`Route`."""
        for part in rows.parts(max(1, BLOCK_NUMBERS // self.p**2)):
            yield self._low(part)

    def high(self, rows: Rows, metric: Metric) -> Iterator[HighBlock]:
        """See :class:`Route`."""
        for part in rows.parts(max(1, BLOCK_NUMBERS // self.p**2)):
            yield self._high(part, metric)

    def _low(self, part: Rows) -> Block:
        axes, values = axis_derivatives(
            lambda phi: self._value(part, phi), self._centre(part), self.p, self.step
        )
        return Block(part.weights, axes[1], self._hessian(part, axes[2], values))

    def _high(self, part: Rows, metric: Metric) -> HighBlock:
        s, d = metric.S.diagonal(), metric.P.diagonal()
        p, w = self.p, part.weights
        axes, values = axis_derivatives(lambda phi: self._value(part, phi), self._centre(part), p, self.step)
        hessian = _diagonal(axes[2])
        third_S, third_P = axes[3] * s, axes[3] * d
        third = np.zeros((p, p, p))
        third[np.diag_indices(p, 3)] = w @ axes[3]
        fourth = np.diag(w @ axes[4])  # mean l_kkrr
        for k, r, (both, krr, kkr, kkrr) in pair_derivatives(
            lambda phi: self._value(part, phi), values, p, self.step, True
        ):
            hessian[:, k, r] = hessian[:, r, k] = both
            third_S[:, k] += s[r] * krr
            third_P[:, k] += d[r] * krr
            third_S[:, r] += s[k] * kkr
            third_P[:, r] += d[k] * kkr
            _fill(third, (k, r, r), float(w @ krr))
            _fill(third, (k, k, r), float(w @ kkr))
            fourth[k, r] = fourth[r, k] = float(w @ kkrr)
        for triple in combinations(range(p), 3):
            _fill(third, triple, triple_mean(lambda phi: float(w @ self._value(part, phi)), triple, p, self.step))
        return HighBlock(
            w, axes[1], hessian, third_S, third_P, third, float(s @ fourth @ s), float(d @ fourth @ s)
        )

    def _hessian(self, part: Rows, second: FloatArray, values: Axes) -> FloatArray:
        found = _diagonal(second)
        for k, r, (both,) in pair_derivatives(
            lambda phi: self._value(part, phi), values, self.p, self.step, False
        ):
            found[:, k, r] = found[:, r, k] = both
        return found

    def _value(self, part: Rows, phi: FloatArray) -> FloatArray:
        return self.logpdf(part.points, self.theta + self.basis @ phi)

    def _centre(self, part: Rows) -> FloatArray:
        return self.logpdf(part.points, self.theta)


def _diagonal(second: FloatArray) -> FloatArray:
    """Hessians with the given diagonals."""
    m, p = second.shape
    found = np.zeros((m, p, p))
    found[:, np.arange(p), np.arange(p)] = second
    return found


def _fill(tensor: FloatArray, place: tuple[int, int, int], value: float) -> None:
    for order in set(permutations(place)):
        tensor[order] = value
