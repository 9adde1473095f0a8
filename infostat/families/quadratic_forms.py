"""Cumulants of linear and quadratic forms in standard normal variables.

The whitened statistics of a multivariate normal are ``y_i``, ``(y_i^2 - 1)/sqrt 2``
and ``y_i y_j`` with y standard normal. Each is a form ``X = a.y + y'Ay - tr A``.
For such forms (u, v linear parts; A, B, C, D matrices; S = I)::

    k(l_u, l_v, Q_A)      = 2 u'Av
    k(Q_A, Q_B, Q_C)      = 8 tr(ABC)
    k(l_u, l_v, Q_A, Q_B) = 4 u'(AB + BA)v
    k(Q_A, Q_B, Q_C, Q_D) = 16 [tr(ABCD) + tr(ABDC) + tr(ACBD)]

and cumulants with an odd number of linear forms vanish.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from ..core.validation import FloatArray

__all__ = ["QuadraticBasis"]


@dataclass(frozen=True)
class QuadraticBasis:
    """The whitened statistics of a d-dimensional normal, as forms in y.

    Attributes
    ----------
    d : int
        Dimension.
    linear : ndarray of shape (p, d)
        Linear part of each statistic.
    quadratic : ndarray of shape (p, d, d)
        Symmetric matrix of each statistic.
    """

    d: int
    linear: FloatArray
    quadratic: FloatArray

    @staticmethod
    @lru_cache(maxsize=8)
    def of(d: int, structure: Literal["full", "diagonal"]) -> QuadraticBasis:
        """Return the basis for a covariance structure.

        Parameters
        ----------
        d : int
            Dimension.
        structure : {"full", "diagonal"}
            Whether products of different variables are statistics.

        Returns
        -------
        QuadraticBasis
            Statistics in the order linear, squares, products.
        """
        i, j = (np.triu_indices(d, 1) if structure == "full" else (np.empty(0, int), np.empty(0, int)))
        p = 2 * d + len(i)
        linear = np.zeros((p, d))
        linear[:d] = np.eye(d)
        quadratic = np.zeros((p, d, d))
        k = np.arange(d)
        quadratic[d + k, k, k] = 1.0 / math.sqrt(2.0)
        m = 2 * d + np.arange(len(i))
        quadratic[m, i, j] = quadratic[m, j, i] = 0.5
        linear.flags.writeable = quadratic.flags.writeable = False
        return QuadraticBasis(d, linear, quadratic)

    @property
    def p(self) -> int:
        """Number of statistics."""
        return len(self.linear)

    def rows(self, y: FloatArray) -> FloatArray:
        """Return the statistics of standardised rows.

        Parameters
        ----------
        y : ndarray of shape (m, d)
            Standardised data.

        Returns
        -------
        ndarray of shape (m, p)
            Whitened statistics.
        """
        parts = [y, (y * y - 1.0) / math.sqrt(2.0)]
        if self.p > 2 * self.d:
            i, j = np.triu_indices(self.d, 1)
            parts.append(y[:, i] * y[:, j])
        return np.hstack(parts)

    def third(self) -> FloatArray:
        """Return the third cumulants of the statistics.

        Returns
        -------
        ndarray of shape (p, p, p)
            Symmetric array.
        """
        d, A = self.d, self.quadratic
        p = self.p
        out = np.zeros((p, p, p))
        mixed = 2.0 * np.transpose(A[d:], (1, 2, 0))  # k(y_i, y_j, Q)
        out[:d, :d, d:] = mixed
        out[:d, d:, :d] = np.transpose(mixed, (0, 2, 1))
        out[d:, :d, :d] = np.transpose(mixed, (2, 0, 1))
        q = p - d
        flat = A[d:].reshape(q, d * d)
        for start in range(q):  # one slice at a time: the full product would need q^2 d^2 numbers
            product = np.einsum("ij,bjk->bik", A[d + start], A[d:]).transpose(0, 2, 1).reshape(q, d * d)
            out[d + start, d:, d:] = 8.0 * product @ flat.T
        return out

    def dense_fourth(self) -> FloatArray:
        """Return the fourth cumulants of the statistics.

        Returns
        -------
        ndarray of shape (p, p, p, p)
            Symmetric array; only for small p.
        """
        d, a, A = self.d, self.linear, self.quadratic
        p = self.p
        pair = np.einsum("aij,bjk->abik", A, A)
        flat = pair.reshape(p * p, d * d)
        flat_t = pair.transpose(0, 1, 3, 2).reshape(p * p, d * d)
        trace = (flat @ flat_t.T).reshape(p, p, p, p)  # trace[a, b, c, d] = tr(ABCD)
        out = 16.0 * (
            trace + trace.transpose(0, 1, 3, 2) + trace.transpose(0, 2, 1, 3)
        )
        both = pair + pair.transpose(1, 0, 2, 3)
        mixed = 4.0 * np.einsum("ui,abij,vj->uvab", a, both, a)
        for order in ((0, 1, 2, 3), (0, 2, 1, 3), (0, 2, 3, 1), (2, 0, 1, 3), (2, 0, 3, 1), (2, 3, 0, 1)):
            out += mixed.transpose(order)
        return np.asarray(out)

    def fourth(self, S: FloatArray) -> float:
        """Return ``sum k4_ijkl S_ij S_kl`` without fourth-order arrays over statistics.

        With S the second-moment matrix of a random form ``(a, A)`` and ``(b, B)`` an
        independent copy, the contraction is
        ``E[16 (2 tr A^2 B^2 + tr ABAB) + 8 a'B^2a + 8 b'A^2b + 16 a'(AB + BA)b]``.

        Parameters
        ----------
        S : ndarray of shape (p, p)
            Symmetric matrix.

        Returns
        -------
        float
            The contraction, in O(p^2 d^2 + d^4) operations.
        """
        d = self.d
        flat = self.quadratic.reshape(self.p, d * d)
        H = (flat.T @ S @ flat).reshape(d, d, d, d)  # H_ij,kl = E A_ij A_kl
        linear = self.linear.T @ S @ self.linear  # E a a'
        mixed = (self.linear.T @ S @ flat).reshape(d, d, d)  # E a_i A_jk
        square = np.einsum("ijjl->il", H)  # E A^2
        cycle = float(np.einsum("ijkl,jkli->", H, H))
        image = np.einsum("iij->j", mixed)  # E A a
        crossed = float(image @ image + np.einsum("ijk,kij->", mixed, mixed))
        traces = 2.0 * float(np.sum(square * square)) + cycle
        return 16.0 * (traces + float(np.sum(linear * square)) + crossed)
