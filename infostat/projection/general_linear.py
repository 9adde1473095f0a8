"""Regressions whose log density depends on the parameters through one or two linear predictors.

``l = f(y, u, s)`` with ``u = x'beta + offset`` and, where the scale is estimated, ``s`` the log scale.
All derivatives of l are derivatives of f times predictor vectors, so that contractions of third and
fourth derivatives cost O(p^2) a row. Expectations under the model are taken over the response first,
in the space of the predictors, and over the rows afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ..core.validation import FloatArray
from .general_moments import (
    BLOCK_NUMBERS,
    Block,
    HighBlock,
    Metric,
    Route,
    Rows,
    reverse_fourth,
)
from .general_responses import Response
from .general_series import derivatives
from .general_terms import ModelMoments

__all__ = ["LinearRoute", "Regression"]


@dataclass(frozen=True)
class Regression:
    """Rows of a regression.

    Attributes
    ----------
    design : ndarray of shape (m, k)
        Covariates.
    y : ndarray of shape (m,)
        Responses.
    offset : ndarray of shape (m,)
        Added to the linear predictor.
    log_scale : ndarray of shape (m,)
        Added to the log scale, minus the log of a row's weight in the likelihood.
    """

    design: FloatArray
    y: FloatArray
    offset: FloatArray
    log_scale: FloatArray

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, rows: slice) -> Regression:
        return Regression(self.design[rows], self.y[rows], self.offset[rows], self.log_scale[rows])


class LinearRoute(Route):
    """Derivatives of a generalised linear model, normal linear regression included.

    Parameters
    ----------
    theta : ndarray of shape (p,)
        Coefficients, then the log scale if it is estimated.
    basis : ndarray of shape (p, p)
        Coordinate directions.
    response : Response
        Law of the response.
    scaled : bool
        Whether the log scale is a parameter.
    """

    def __init__(self, theta: FloatArray, basis: FloatArray, response: Response, scaled: bool) -> None:
        super().__init__(theta, basis)
        self.response, self.scaled = response, scaled

    def at(self, theta: FloatArray, basis: FloatArray) -> Self:
        """See :class:`Route`."""
        return type(self)(theta, basis, self.response, self.scaled)

    def log_density(self, rows: Rows, theta: FloatArray) -> FloatArray:
        """See :class:`Route`; up to a constant where the scale is known."""
        data: Regression = rows.points
        u, s = self._predictors(data, theta)
        with np.errstate(all="ignore"):
            alpha, beta = self.response.natural(u)
            found = np.exp(-s) * (data.y * alpha[0] + beta[0])
            return np.asarray(found + self.response.scale_part(data.y, s)[0] if self.scaled else found)

    def low(self, rows: Rows) -> Iterator[Block]:
        """See :class:`Route`."""
        for part in rows.parts(max(1, BLOCK_NUMBERS // self.p**2)):
            X = self._axes(part.points)
            f = self._f(part.points, part.points.y, 2)
            yield Block(part.weights, _vector(f[1], X), _matrix(f[2], X))

    def high(self, rows: Rows, metric: Metric) -> Iterator[HighBlock]:
        """See :class:`Route`."""
        for part in rows.parts(max(1, BLOCK_NUMBERS // self.p**2)):
            X = self._axes(part.points)
            f = self._f(part.points, part.points.y, 4)
            S, P = _inner(X, metric.S), _inner(X, metric.P)
            fourth = np.einsum("mabcd,mcd->mab", f[4], S)
            yield HighBlock(
                weights=part.weights,
                score=_vector(f[1], X),
                hessian=_matrix(f[2], X),
                third_S=_vector(np.einsum("mabc,mbc->ma", f[3], S), X),
                third_P=_vector(np.einsum("mabc,mbc->ma", f[3], P), X),
                third=_cube(part.weights, f[3], X),
                fourth_SS=float(part.weights @ np.sum(fourth * S, axis=(1, 2))),
                fourth_PS=float(part.weights @ np.sum(fourth * P, axis=(1, 2))),
            )

    def model(self, rows: Rows, metric: Metric | None) -> ModelMoments:
        """See :class:`Route`; `rows` are those of the data, whose covariates the model takes over."""
        total: ModelMoments | None = None
        nodes = self.response.nodes(*self._predictors(rows.points[:1], self.theta))[0].shape[1]
        for part in rows.parts(max(1, BLOCK_NUMBERS // max(self.p**2, 64 * nodes))):
            found = self._model(part, metric)
            total = found if total is None else total.combined(found)
        assert total is not None
        return total

    def _model(self, part: Rows, metric: Metric | None) -> ModelMoments:
        data: Regression = part.points
        X = self._axes(data)
        w, m = part.weights, len(part)
        u, s = self._predictors(data, self.theta)
        y, chance = self.response.nodes(u, s)
        k = y.shape[1]
        # One entry per node, in the order of the rows; the design is not repeated.
        f = self._f_at(y.ravel(), u.repeat(k), s.repeat(k), 2 if metric is None else 4)

        def expect(values: FloatArray) -> FloatArray:
            folded = values.reshape((m, k) + values.shape[1:])
            return np.asarray(np.einsum("mk,mk...->m...", chance, folded))

        first = expect(f[1])
        pairs = f[1][:, :, None] * f[1][:, None, :]
        outer, hessian = expect(pairs), expect(f[2])
        low = ModelMoments(
            score=w @ _vector(first, X),
            outer=np.tensordot(w, _matrix(outer, X), axes=1),
            hessian=np.tensordot(w, _matrix(hessian, X), axes=1),
        )
        if metric is None:
            return low
        S = _inner(X, metric.S)
        S_nodes = S.repeat(k, axis=0)
        third_S = np.einsum("mabc,mbc->ma", f[3], S_nodes)
        fourth = np.einsum("mabcd,mab,mcd->m", expect(f[4]), S, S)
        return replace(
            low,
            third=_cube(w, expect(f[3]), X),
            mixed=_cube(w, expect(f[2][:, :, :, None] * f[1][:, None, None, :]), X),
            cubes=_cube(w, expect(pairs[:, :, :, None] * f[1][:, None, None, :]), X),
            H4_SS=float(w @ fourth),
            R4_SS=float(w @ expect(reverse_fourth(f[1], f[2], third_S, S_nodes))),
        )

    # --------------------------------------------------------------------- predictors
    def _predictors(self, data: Regression, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        k = data.design.shape[1]
        u = data.design @ theta[:k] + data.offset
        return u, data.log_scale + (theta[k] if self.scaled else 0.0)

    def _axes(self, data: Regression) -> FloatArray:
        """Predictor vectors in the coordinates of the route, shape (m, q, p)."""
        k = data.design.shape[1]
        first = data.design @ self.basis[:k]
        if not self.scaled:
            return first[:, None, :]
        second = np.broadcast_to(self.basis[k], first.shape)
        return np.stack([first, second], axis=1)

    def _f(self, data: Regression, y: FloatArray, order: int) -> list[FloatArray]:
        u, s = self._predictors(data, self.theta)
        return self._f_at(y, u, s, order)

    def _f_at(self, y: FloatArray, u: FloatArray, s: FloatArray, order: int) -> list[FloatArray]:
        """Derivatives of f in the predictors: arrays of shape (m,), (m, q), (m, q, q), ..."""
        alpha, beta = self.response.natural(u)
        kernel = np.exp(-s) * derivatives(y * alpha + beta)
        if not self.scaled:
            return [kernel[r].reshape((-1,) + (1,) * r) for r in range(order + 1)]
        scale = self.response.scale_part(y, s)
        found = [kernel[0] + scale[0]]
        for r in range(1, order + 1):
            values = np.empty((len(y),) + (2,) * r)
            for place in np.ndindex(*(2,) * r):
                times = sum(place)  # derivatives in the log scale
                values[(slice(None), *place)] = (-1.0) ** times * kernel[r - times]
                if times == r:
                    values[(slice(None), *place)] += scale[r]
            found.append(values)
        return found


def _vector(f: FloatArray, X: FloatArray) -> FloatArray:
    return np.asarray((f[:, None, :] @ X)[:, 0, :])


def _matrix(f: FloatArray, X: FloatArray) -> FloatArray:
    return np.asarray(np.swapaxes(X, 1, 2) @ (f @ X))


def _inner(X: FloatArray, M: FloatArray) -> FloatArray:
    """``X_a' M X_b`` of each row."""
    return np.asarray((X @ M) @ np.swapaxes(X, 1, 2))


def _cube(weights: FloatArray, f: FloatArray, X: FloatArray) -> FloatArray:
    """``sum_m w f_abc X_a X_b X_c``."""
    p = X.shape[2]
    total = np.zeros((p, p, p))
    for a in range(X.shape[1]):
        inner = np.swapaxes(X, 1, 2) @ (f[:, a] @ X)
        total += np.tensordot(weights[:, None] * X[:, a], inner, axes=(0, 0))
    return total
