"""Covariance selection: the normal law on a fixed graph that is closest to data.

The precision matrix vanishes off the edges. The likelihood equations match the
variances and the covariances on the edges; the other covariances follow
(A. Dempster, Covariance selection, Biometrics 1972).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.validation import FloatArray
from .base import NewtonReport
from .newton import damped_newton

__all__ = ["complete_covariance", "edge_products", "nearly_dependent"]

Index = NDArray[np.intp]


def edge_products(cov: FloatArray, i: Index, j: Index) -> FloatArray:
    """Return the covariance of centred products ``x_i x_j``.

    Parameters
    ----------
    cov : ndarray of shape (d, d)
        Covariance of x.
    i, j : ndarray of int, shape (q,)
        Index pairs.

    Returns
    -------
    ndarray of shape (q, q)
        ``S_ik S_jl + S_il S_jk``.
    """
    return np.asarray(cov[np.ix_(i, i)] * cov[np.ix_(j, j)] + cov[np.ix_(i, j)] * cov[np.ix_(j, i)])


# ------------------------------------------------------------------ covariance selection
class _Precision:
    """Psi with derivatives for the centred model; one inverse serves all three at one theta."""

    def __init__(self, d: int, i: Index, j: Index) -> None:
        self.d, self.i, self.j = d, i, j
        self._last: tuple[bytes, FloatArray, float] | None = None

    def matrix(self, theta: FloatArray) -> FloatArray:
        out = np.zeros((self.d, self.d))
        out[self.i, self.j] = out[self.j, self.i] = np.where(self.i == self.j, -2.0, -1.0) * theta
        return out

    def inside(self, theta: FloatArray) -> bool:
        return self._visit(theta) is not None

    def _visit(self, theta: FloatArray) -> tuple[FloatArray, float] | None:
        key = theta.tobytes()
        if self._last is None or self._last[0] != key:
            try:
                factor = np.linalg.cholesky(self.matrix(theta))
            except np.linalg.LinAlgError:
                return None
            inverse = np.linalg.solve(factor, np.eye(self.d))
            self._last = key, inverse.T @ inverse, -float(np.log(np.diag(factor)).sum())
        return self._last[1], self._last[2]

    def log_partition(self, theta: FloatArray) -> float:
        found = self._visit(theta)
        return np.inf if found is None else found[1]

    def cov(self, theta: FloatArray) -> FloatArray:
        found = self._visit(theta)
        return np.full((self.d, self.d), np.nan) if found is None else found[0]

    def mean(self, theta: FloatArray) -> FloatArray:
        return np.asarray(self.cov(theta)[self.i, self.j])

    def hessian(self, theta: FloatArray) -> FloatArray:
        return edge_products(self.cov(theta), self.i, self.j)


def complete_covariance(
    correlation: FloatArray, i: Index, j: Index, start: FloatArray | None = None
) -> tuple[FloatArray, NewtonReport]:
    """Return the positive definite completion of a correlation matrix whose inverse vanishes off the pairs.

    Parameters
    ----------
    correlation : ndarray of shape (d, d)
        Only the entries at the pairs are read; unit diagonal.
    i, j : ndarray of int, shape (q,)
        Pairs, the diagonal among them.
    start : ndarray of shape (d, d), optional
        Positive definite precision that vanishes off the pairs.

    Returns
    -------
    completed : ndarray of shape (d, d)
        The correlation matrix of the graph model.
    report : NewtonReport
        How it was found; `converged` is False if there is no positive definite completion, and
        `completed` is then nearly singular in the offending direction.

    Examples
    --------
    On the chain 0 - 1 - 2 the missing correlation is the product of the other two:

    >>> R = np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.4], [0.0, 0.4, 1.0]])
    >>> completed, _ = complete_covariance(R, np.array([0, 1, 2, 0, 1]), np.array([0, 1, 2, 1, 2]))
    >>> round(float(completed[0, 2]), 12)
    0.2
    """
    d = len(correlation)
    model = _Precision(d, i, j)
    first = np.where(i == j, -0.5, 0.0)
    if len(i) == d:  # no edges: nothing to solve
        return np.eye(d), NewtonReport(first)
    target = np.asarray(correlation[i, j], dtype=np.float64)
    report: NewtonReport | None = None
    if start is not None:
        warm = np.where(i == j, -0.5, -1.0) * start[i, j]
        if model.inside(warm):
            report = _newton(model, target, warm)
    if report is None or not report.converged:
        report = _newton(model, target, first)
    completed = np.array(model.cov(report.theta))
    if report.converged:
        completed[i, j] = completed[j, i] = target  # exact where it is known
    return completed, report


def _newton(model: _Precision, target: FloatArray, start: FloatArray) -> NewtonReport:
    return damped_newton(
        model.log_partition, model.mean, model.hessian, target, start, in_domain=model.inside
    )


def nearly_dependent(cov: FloatArray) -> list[int]:
    """Return the variables that take part in the weakest direction of a covariance.

    Parameters
    ----------
    cov : ndarray of shape (d, d)
        Nearly singular.

    Returns
    -------
    list of int
        Indices.
    """
    scale = np.sqrt(np.diag(cov))
    _, vectors = np.linalg.eigh(cov / np.outer(scale, scale))
    size = np.abs(vectors[:, 0])
    return [int(k) for k in np.flatnonzero(size > 0.05 * size.max())]
