"""Derivatives from the user's own callables: score, Hessian, third and fourth derivatives.

`AnalyticRoute` has all four. `HessianRoute` has the Hessian and takes differences of it along the
coordinate axes, in coordinates in which the metric is diagonal, so that 6 p evaluations are enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from ..core.validation import FloatArray
from .general_moments import BLOCK_NUMBERS, Block, HighBlock, Metric, Route, Rows
from .general_stencils import OFFSETS, STENCIL, STEP

__all__ = ["AnalyticRoute", "HessianRoute"]

Derivative = Callable[[Any, FloatArray], FloatArray]


class AnalyticRoute(Route):
    """All derivatives up to the fourth are given.

    Parameters
    ----------
    theta : ndarray of shape (p,)
        Where they are taken.
    basis : ndarray of shape (p, p)
        Coordinate directions.
    derivatives : tuple of callable
        Checked callables ``f(points, theta)``: log density, score, Hessian, third, fourth.
    """

    def __init__(self, theta: FloatArray, basis: FloatArray, derivatives: tuple[Derivative, ...]) -> None:
        super().__init__(theta, basis)
        self.derivatives = derivatives

    def at(self, theta: FloatArray, basis: FloatArray) -> Self:
        """See :class:`Route`."""
        return type(self)(theta, basis, self.derivatives)

    def log_density(self, rows: Rows, theta: FloatArray) -> FloatArray:
        """See :class:`Route`."""
        return self.derivatives[0](rows.points, theta)

    def low(self, rows: Rows) -> Iterator[Block]:
        """See :class:`Route`."""
        for part in rows.parts(max(1, BLOCK_NUMBERS // self.p**2)):
            yield Block(part.weights, self._derivative(1, part.points), self._derivative(2, part.points))

    def high(self, rows: Rows, metric: Metric) -> Iterator[HighBlock]:
        """See :class:`Route`."""
        for part in rows.parts(max(1, BLOCK_NUMBERS // self.p**4)):
            third, fourth = self._derivative(3, part.points), self._derivative(4, part.points)
            mean = np.tensordot(part.weights, fourth, axes=1)
            twice = np.tensordot(mean, metric.S, axes=2)
            yield HighBlock(
                weights=part.weights,
                score=self._derivative(1, part.points),
                hessian=self._derivative(2, part.points),
                third_S=np.tensordot(third, metric.S, axes=2),
                third_P=np.tensordot(third, metric.P, axes=2),
                third=np.tensordot(part.weights, third, axes=1),
                fourth_SS=float(np.sum(twice * metric.S)),
                fourth_PS=float(np.sum(twice * metric.P)),
            )

    def _derivative(self, order: int, points: Any) -> FloatArray:
        """Derivative in the coordinates of the route: each axis contracted with the basis."""
        found = self.derivatives[order](points, self.theta)
        for _ in range(order):
            # The first parameter axis goes and comes back as the last one.
            found = np.tensordot(found, self.basis, axes=(1, 0))
        return found


class HessianRoute(Route):
    """Score and Hessian are given; third and fourth derivatives are differences of the Hessian.

    Parameters
    ----------
    theta : ndarray of shape (p,)
        Where they are taken.
    basis : ndarray of shape (p, p)
        Coordinate directions; the metric must be diagonal in them for the fourth derivatives.
    derivatives : tuple of callable
        Checked callables ``f(points, theta)``: log density, score, Hessian.
    step : float
        Step in units of the basis vectors.
    """

    exact = False

    def __init__(
        self, theta: FloatArray, basis: FloatArray, derivatives: tuple[Derivative, ...], step: float = STEP
    ) -> None:
        super().__init__(theta, basis)
        self.derivatives, self.step = derivatives, step

    def at(self, theta: FloatArray, basis: FloatArray) -> Self:
        """See :class:`Route`."""
        return type(self)(theta, basis, self.derivatives, self.step)

    def with_step(self, factor: float) -> Self:
        """See :class:`Route`."""
        return type(self)(self.theta, self.basis, self.derivatives, self.step * factor)

    def log_density(self, rows: Rows, theta: FloatArray) -> FloatArray:
        """See :class:`Route`."""
        return self.derivatives[0](rows.points, theta)

    def low(self, rows: Rows) -> Iterator[Block]:
        """See :class:`Route`."""
        for part in rows.parts(max(1, BLOCK_NUMBERS // self.p**2)):
            yield Block(part.weights, self._score(part.points), self._hessian(part.points, self.theta))

    def high(self, rows: Rows, metric: Metric) -> Iterator[HighBlock]:
        """See :class:`Route`."""
        for part in rows.parts(max(1, BLOCK_NUMBERS // (8 * self.p**2))):
            yield self._high(part, metric)

    def _high(self, part: Rows, metric: Metric) -> HighBlock:
        p, m = self.p, len(part)
        hessian = self._hessian(part.points, self.theta)
        third_S, third_P = np.zeros((m, p)), np.zeros((m, p))
        third = np.zeros((p, p, p))
        s, d = np.diag(metric.S), np.diag(metric.P)
        fourth_SS = fourth_PS = 0.0
        for r in range(p):
            first, second = np.zeros((m, p, p)), STENCIL[2][len(OFFSETS) // 2] * hessian
            for k, offset in enumerate(OFFSETS):
                if offset:
                    moved = self._hessian(part.points, self.theta + offset * self.step * self.basis[:, r])
                    first += STENCIL[1][k] * moved
                    second += STENCIL[2][k] * moved
            first /= self.step
            third_S += first @ metric.S[:, r]
            third_P += first @ metric.P[:, r]
            third[r] = np.tensordot(part.weights, first, axes=1)
            curvature = np.tensordot(part.weights, second, axes=1).diagonal() / self.step**2
            fourth_SS += s[r] * float(curvature @ s)
            fourth_PS += s[r] * float(curvature @ d)
        return HighBlock(
            weights=part.weights,
            score=self._score(part.points),
            hessian=hessian,
            third_S=third_S,
            third_P=third_P,
            third=_symmetric(third),
            fourth_SS=fourth_SS,
            fourth_PS=fourth_PS,
        )

    def _score(self, points: Any) -> FloatArray:
        return np.asarray(self.derivatives[1](points, self.theta) @ self.basis)

    def _hessian(self, points: Any, theta: FloatArray) -> FloatArray:
        return np.asarray(self.basis.T @ self.derivatives[2](points, theta) @ self.basis)


def _symmetric(tensor: FloatArray) -> FloatArray:
    """Mean over the three places the axis of differentiation may take."""
    return (tensor + tensor.transpose(1, 0, 2) + tensor.transpose(2, 1, 0)) / 3.0
