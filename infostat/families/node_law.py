"""Exponential family on weighted nodes: every integral is a sum.

The nodes are the support itself or a quadrature rule. Statistics are meant to be
centred and roughly orthonormal on the nodes (each family maps the user's
statistics to such ones), so that Newton's method starts well conditioned.
"""

from __future__ import annotations

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray
from .base import NewtonReport
from .newton import damped_newton
from .whitening import Whitened, cholesky_factor, node_view

__all__ = ["NodeLaw"]

_MAX_DENSE_FOURTH = 64  # p^4 doubles are 134 MB at p = 64; larger ones are only contracted
_CHUNK = 4_000_000  # numbers of row-wise products at a time, 32 MB


class NodeLaw:
    """The laws ``q_b(theta) = exp(theta . u_b + l_b - Psi)`` on nodes b = 1..M.

    Parameters
    ----------
    statistics : ndarray of shape (M, p)
        Statistics u of the nodes.
    log_weights : ndarray of shape (M,)
        Log base weights l, of any total.

    Examples
    --------
    A fair coin with statistic 0/1, tilted to mean 0.25:

    >>> law = NodeLaw(np.array([[0.0], [1.0]]), np.zeros(2))
    >>> report = law.solve(np.array([0.25]), np.zeros(1))
    >>> bool(report.converged), round(float(report.theta[0]), 12) == round(float(np.log(1 / 3)), 12)
    (True, True)
    """

    def __init__(self, statistics: FloatArray, log_weights: FloatArray) -> None:
        self.statistics = statistics
        self.log_weights = log_weights
        self._last: tuple[bytes, float, FloatArray] | None = None

    def __getstate__(self) -> dict[str, FloatArray]:
        return {"statistics": self.statistics, "log_weights": self.log_weights}

    def __setstate__(self, state: dict[str, FloatArray]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    @property
    def p(self) -> int:
        """Number of statistics."""
        return int(self.statistics.shape[1])

    def evaluate(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return Psi and the probabilities of the nodes.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter.

        Returns
        -------
        log_partition : float
            Psi(theta); ``inf`` where the exponents overflow.
        probabilities : ndarray of shape (M,)
            Sum one.
        """
        key = theta.tobytes()
        if self._last is None or self._last[0] != key:  # Newton asks for Psi, mean and covariance in turn
            exponent = self.statistics @ theta + self.log_weights
            top = float(exponent.max())
            if not np.isfinite(top):
                return np.inf, np.full(len(exponent), np.nan)
            mass = np.exp(exponent - top)
            total = float(mass.sum())
            self._last = key, top + float(np.log(total)), mass / total
        return self._last[1], self._last[2]

    def log_partition(self, theta: FloatArray) -> float:
        """Return Psi(theta).

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter.

        Returns
        -------
        float
            Nats.
        """
        return self.evaluate(theta)[0]

    def mean(self, theta: FloatArray) -> FloatArray:
        """Return the mean of the statistics.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (p,)
            ``sum_b q_b u_b``.
        """
        return np.asarray(self.evaluate(theta)[1] @ self.statistics)

    def cov(self, theta: FloatArray) -> FloatArray:
        """Return the covariance of the statistics.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (p, p)
            Centred before squaring.
        """
        q = self.evaluate(theta)[1]
        used = q > 0.0  # concentrated laws leave most nodes of a fine rule without weight
        rows, weights = (self.statistics, q) if used.all() else (self.statistics[used], q[used])
        centred = rows - weights @ rows
        return np.asarray(centred.T @ (centred * weights[:, None]))

    def solve(self, eta: FloatArray, start: FloatArray) -> NewtonReport:
        """Return the parameter whose mean statistic is eta, by damped Newton.

        Parameters
        ----------
        eta : ndarray of shape (p,)
            Mean of the statistics.
        start : ndarray of shape (p,)
            First iterate.

        Returns
        -------
        NewtonReport
            `converged` is False if eta is on or outside the convex hull of the nodes' statistics.
        """
        return damped_newton(self.log_partition, self.mean, self.cov, eta, start)

    def view(self, theta: FloatArray) -> tuple[Whitened, FloatArray]:
        """Return the whitened law and the linear map out of its coordinates.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter.

        Returns
        -------
        view : Whitened
            Its `rows` take statistics u, ``(m, p)``.
        factor : ndarray of shape (p, p)
            ``u - mean = factor z``.
        """
        q = self.evaluate(theta)[1]
        used = q > 0.0
        return node_view(_identity, self.statistics[used], q[used]), cholesky_factor(self.cov(theta))

    def dense_fourth(self, theta: FloatArray) -> FloatArray:
        """Return the fourth cumulants in whitened coordinates.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (p, p, p, p)
            Symmetric.

        Raises
        ------
        InputError
            If p exceeds 64.
        """
        p = self.p
        if p > _MAX_DENSE_FOURTH:
            raise InputError(
                f"order 4 would need a dense array with p^4 entries (p = {p}); use contract_fourth(theta, S)"
            )
        found = self.view(theta)[0].nodes()
        assert found is not None
        z, q = found
        out = np.zeros((p * p, p * p))
        step = max(1, _CHUNK // (p * p))
        for start in range(0, len(z), step):
            part = z[start : start + step]
            products = (part[:, :, None] * part[:, None, :]).reshape(len(part), -1)
            out += products.T @ (products * q[start : start + step, None])
        fourth = out.reshape(p, p, p, p)
        eye = np.eye(p)
        for pairs in ("ij,kl", "ik,jl", "il,jk"):
            fourth = fourth - np.einsum(f"{pairs}->ijkl", eye, eye)
        return np.asarray(fourth)


def _identity(rows: FloatArray) -> FloatArray:
    return rows
