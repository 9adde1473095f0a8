"""Whitened view of a fitted exponential family.

All quantities of the estimation-risk expansion are invariant under affine
changes of the sufficient statistic, so they are computed for the whitened
statistic ``z = L^{-1} (xi - eta)`` with ``L L' = Cov_theta(xi)``: its model
covariance is the identity, scales disappear, and one interface serves every
family.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.errors import CollinearStatisticsError
from ..core.validation import FloatArray

__all__ = [
    "Nodes",
    "Whitened",
    "cholesky_factor",
    "mix_axes",
    "node_grid",
    "node_view",
    "third_moments",
    "whiten_cumulants",
]

_FIRST = 16  # first indices of a third-order tensor that one matrix product serves


@dataclass(frozen=True)
class Nodes:
    """Weighted points that represent the model exactly or to quadrature precision.

    Attributes
    ----------
    points : ndarray of shape (M,) or (M, d)
        Points in (encoded) data space.
    weights : ndarray of shape (M,)
        Non-negative, sum one.
    """

    points: FloatArray
    weights: FloatArray


def node_grid(pairs: Sequence[tuple[FloatArray, FloatArray]], most: int) -> tuple[FloatArray, FloatArray] | None:
    """Return the product grid of nodes of independent blocks, or None if it is too long.

    Parameters
    ----------
    pairs : sequence of (points, weights)
        Points ``(M_b, d_b)`` and weights ``(M_b,)`` of each block.
    most : int
        Longest grid.

    Returns
    -------
    points : ndarray of shape (M, d)
        All combinations, the last block running fastest.
    weights : ndarray of shape (M,)
        Products of the weights.

    Examples
    --------
    >>> coin = np.array([[0.0], [1.0]]), np.array([0.75, 0.25])
    >>> points, weights = node_grid([coin, coin], 100)
    >>> points.tolist(), weights.tolist()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.5625, 0.1875, 0.1875, 0.0625])
    """
    if np.prod([float(len(weights)) for _, weights in pairs]) > most:
        return None
    points, weights = pairs[0]
    for more, more_weights in pairs[1:]:
        left = np.repeat(points, len(more), axis=0)
        points = np.hstack([left, np.tile(more, (len(points), 1))])
        weights = np.outer(weights, more_weights).ravel()
    return points, weights


@dataclass(frozen=True)
class Whitened:
    """A model in whitened coordinates: what the risk expansion needs to know about it.

    Attributes
    ----------
    p : int
        Number of parameters.
    rows : callable
        Encoded data ``(m,)`` or ``(m, d)`` to whitened statistics ``(m, p)``.
    third : callable
        Returns the third joint cumulants of z under the model, ``(p, p, p)``.
    fourth : callable
        Contraction ``sum_ijkl k4_ijkl S_ij S_kl`` for a symmetric ``S`` of shape ``(p, p)``.
    nodes : callable
        Returns whitened nodes ``(M, p)`` with weights ``(M,)``, or None when the
        family has neither finite support nor quadrature nodes.
    """

    p: int
    rows: Callable[[FloatArray], FloatArray]
    third: Callable[[], FloatArray]
    fourth: Callable[[FloatArray], float]
    nodes: Callable[[], tuple[FloatArray, FloatArray] | None]


def cholesky_factor(cov: FloatArray) -> FloatArray:
    """Return the lower Cholesky factor of a model covariance.

    Parameters
    ----------
    cov : ndarray of shape (p, p)
        Covariance of the statistics under the model.

    Returns
    -------
    ndarray of shape (p, p)
        Lower triangular factor.

    Raises
    ------
    CollinearStatisticsError
        If the matrix is not positive definite to working precision.
    """
    scale = np.sqrt(np.diag(cov))
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise CollinearStatisticsError(
            "the model covariance of the statistics has a zero or non-finite variance; "
            "the law of the fit, or at theta, is degenerate to working precision"
        )
    try:
        factor = np.linalg.cholesky(cov / np.outer(scale, scale))
    except np.linalg.LinAlgError:
        raise CollinearStatisticsError(
            "the model covariance of the statistics is singular to working precision; "
            "drop statistics that are affine functions of others"
        ) from None
    return np.asarray(scale[:, None] * factor)


def mix_axes(tensor: FloatArray, matrix: FloatArray) -> FloatArray:
    """Apply `matrix` to every axis of `tensor` (``T_abc = m_ai m_bj m_ck t_ijk``).

    Parameters
    ----------
    tensor : ndarray
        Array whose axes all have length p.
    matrix : ndarray of shape (q, p)
        Applied to each axis in turn.

    Returns
    -------
    ndarray
        Array whose axes all have length q.
    """
    for _ in range(tensor.ndim):
        # Contracting the first axis and appending the new one cycles through all axes.
        tensor = np.asarray(np.tensordot(tensor, matrix, axes=(0, 1)))
    return tensor


def whiten_cumulants(
    mean: FloatArray,
    cov: FloatArray,
    statistic: Callable[[FloatArray], FloatArray],
    third: Callable[[], FloatArray],
    fourth: Callable[[FloatArray], float],
    nodes: Callable[[], Nodes | None],
) -> Whitened:
    """Build the whitened view from cumulants in the family's own coordinates.

    Parameters
    ----------
    mean, cov : ndarray of shape (p,), (p, p)
        First two cumulants of the statistic under the model.
    statistic : callable
        Encoded data to statistics ``(m, p)``.
    third : callable
        Third cumulants in the family's coordinates.
    fourth : callable
        Contraction of the fourth cumulants with a symmetric matrix, twice.
    nodes : callable
        Model nodes in data space, or None.

    Returns
    -------
    Whitened
        The same model for ``z = L^{-1}(xi - mean)``.
    """
    factor = cholesky_factor(cov)
    inverse: FloatArray = np.asarray(np.linalg.solve(factor, np.eye(len(mean))), dtype=np.float64)

    def rows(encoded: FloatArray) -> FloatArray:
        return np.asarray((statistic(encoded) - mean) @ inverse.T)

    def whitened_nodes() -> tuple[FloatArray, FloatArray] | None:
        found = nodes()
        return None if found is None else (rows(found.points), found.weights)

    return Whitened(
        p=len(mean),
        rows=rows,
        third=lambda: mix_axes(third(), inverse),
        fourth=lambda S: fourth(inverse.T @ S @ inverse),
        nodes=whitened_nodes,
    )


def node_view(
    statistic: Callable[[FloatArray], FloatArray], points: FloatArray, weights: FloatArray
) -> Whitened:
    """Build the whitened view of a model known only through weighted nodes.

    Finite supports, quadrature and simulated draws all take this road: the
    cumulants are weighted central moments of the nodes, and the fourth one is
    contracted without ever forming a ``p^4`` array.

    Parameters
    ----------
    statistic : callable
        Encoded data to statistics ``(m, p)``.
    points : ndarray of shape (M,) or (M, d)
        Nodes in data space.
    weights : ndarray of shape (M,)
        Their probabilities under the model.

    Returns
    -------
    Whitened
        The whitened model.
    """
    raw = statistic(points)
    mean = weights @ raw
    centred = raw - mean
    factor = cholesky_factor(centred.T @ (centred * weights[:, None]))
    inverse = np.linalg.solve(factor, np.eye(raw.shape[1]))
    z = centred @ inverse.T
    p = z.shape[1]

    def fourth(S: FloatArray) -> float:
        s = np.einsum("bi,bi->b", z @ S, z)
        return float(weights @ (s * s) - np.trace(S) ** 2 - 2.0 * np.sum(S * S))

    def rows(encoded: FloatArray) -> FloatArray:
        return np.asarray((statistic(encoded) - mean) @ inverse.T)

    return Whitened(p=p, rows=rows, third=lambda: third_moments(z, weights), fourth=fourth, nodes=lambda: (z, weights))


def third_moments(z: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the third moments ``E z_i z_j z_k`` of weighted points.

    Parameters
    ----------
    z : ndarray of shape (M, p)
        Points; with mean zero the moments are the third cumulants.
    weights : ndarray of shape (M,)
        Probabilities.

    Returns
    -------
    ndarray of shape (p, p, p)
        Symmetric tensor.

    Examples
    --------
    >>> third_moments(np.array([[-1.0], [2.0]]), np.array([2 / 3, 1 / 3])).round(12)
    array([[[2.]]])
    """
    # Of each triple only the order with the smallest index first is needed, p^3/3 products a row;
    # several first indices share a matrix product, so that there are few large ones.
    p = z.shape[1]
    out = np.zeros((p, p, p))
    step = max(1, 4_000_000 // (_FIRST * p))  # 32 MB of products at a time
    for start in range(0, len(z), step):
        part = z[start : start + step]
        weighted = part * weights[start : start + step, None]
        for a in range(0, p, _FIRST):
            first, tail = slice(a, a + _FIRST), part[:, a:]
            products = (weighted[:, first, None] * tail[:, None, :]).reshape(len(part), -1)
            out[first, a:, a:] += (products.T @ tail).reshape(-1, p - a, p - a)
    for a in range(p):
        out[a:, a, a:] = out[a:, a:, a] = out[a, a:, a:]
    return out
