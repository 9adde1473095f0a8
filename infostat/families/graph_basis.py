"""Cumulants of the statistics of a normal law on a graph.

The centred products ``X = x_i x_j`` on the edges are quadratic forms in normal
variables with covariance S: ``k(X_A, X_B) = 2 tr(ASBS)``, ``k(X_A, X_B, X_C) =
8 tr(ASBSCS)`` and ``k(X_A, X_B, X_C, X_D) = 16 [tr(ASBSCSDS) + tr(ASBSDSCS) +
tr(ASCSBSDS)]``, with A the symmetric matrix of a form. They are evaluated in one of two
ways: entry by entry from the covariances of the pairs, which is fast, or for forms made
orthonormal first, which keeps its digits where columns are strongly correlated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.validation import FloatArray
from .quadratic_forms import QuadraticBasis
from .whitening import mix_axes

__all__ = ["GraphBasis"]

Index = NDArray[np.intp]
# Condition number of the products beyond which sums over pairs lose too many digits
# (about its power 3/2 times rounding).
_WELL_CONDITIONED = 1e3
_CHUNK = 4_000_000  # numbers at a time, 32 MB


@dataclass(frozen=True, eq=False)
class GraphBasis:
    """Whitened statistics of a normal law on a graph.

    With ``x = mean + root y``: the d coordinates y, then q quadratic forms ``y'By - tr B`` that are
    orthonormal and span the centred products ``x_i x_j`` at the pairs.

    Attributes
    ----------
    root : ndarray of shape (d, d)
        Lower triangular, ``root root'`` the covariance C.
    i, j : ndarray of int, shape (q,)
        Pairs of the quadratic statistics, squares first.
    forms : ndarray of shape (q, d, d)
        The matrices B, ``2 tr(B_a B_b) = delta_ab``.
    factor : ndarray of shape (q, q)
        Lower triangular: the centred products are ``factor`` times the forms.
    inverse : ndarray of shape (q, q)
        Its inverse.
    well_conditioned : bool
        Whether the products themselves are far from collinear.
    """

    root: FloatArray
    i: Index
    j: Index
    forms: FloatArray
    factor: FloatArray
    inverse: FloatArray
    well_conditioned: bool

    @classmethod
    def of(cls, root: FloatArray, i: Index, j: Index) -> GraphBasis:
        """Return the basis for a root of the covariance.

        Parameters
        ----------
        root : ndarray of shape (d, d)
            Lower triangular.
        i, j : ndarray of int, shape (q,)
            Pairs.

        Returns
        -------
        GraphBasis
            The basis.
        """
        q, d = len(i), len(root)
        products = root[i][:, :, None] * root[j][:, None, :]
        table = np.sqrt(0.5) * (products + products.transpose(0, 2, 1)).reshape(q, d * d)
        scale = np.sqrt(np.sum(table * table, axis=1))  # standard deviations of the products
        # A QR factor of the forms has the condition number of the columns; that of a Cholesky factor of
        # their covariance would be its square.
        orthonormal, triangle = np.linalg.qr((table / scale[:, None]).T)
        sign = np.where(np.diag(triangle) < 0.0, -1.0, 1.0)
        triangle, orthonormal = triangle * sign[:, None], orthonormal * sign
        inverse: FloatArray = np.asarray(np.linalg.solve(triangle.T, np.eye(q)), dtype=np.float64)
        spread = np.linalg.norm(triangle, 2) * np.linalg.norm(inverse, 2)
        return cls(
            root, i, j, np.sqrt(0.5) * orthonormal.T.reshape(q, d, d), scale[:, None] * triangle.T,
            inverse / scale, bool(spread**2 < _WELL_CONDITIONED),
        )  # fmt: skip

    @property
    def d(self) -> int:
        """Number of variables."""
        return len(self.root)

    @property
    def p(self) -> int:
        """Number of statistics."""
        return self.d + len(self.i)

    def rows(self, y: FloatArray) -> FloatArray:
        """Return the statistics of standardised rows.

        Parameters
        ----------
        y : ndarray of shape (m, d)
            ``root^-1 (x - mean)``.

        Returns
        -------
        ndarray of shape (m, p)
            Whitened statistics.
        """
        if self.well_conditioned:
            x = y @ self.root.T
            cov = self.root @ self.root.T
            return np.hstack([y, (x[:, self.i] * x[:, self.j] - cov[self.i, self.j]) @ self.inverse.T])
        d, q = self.d, len(self.i)
        out = np.empty((len(y), self.p))
        out[:, :d] = y
        flat = self.forms.reshape(q, d * d)
        trace = np.einsum("aii->a", self.forms)
        step = max(1, _CHUNK // (d * d))
        for start in range(0, len(y), step):
            part = y[start : start + step]
            squares = (part[:, :, None] * part[:, None, :]).reshape(len(part), d * d)
            out[start : start + step, d:] = squares @ flat.T - trace
        return out

    def general(self) -> QuadraticBasis:
        """Return the same statistics as forms in standard normal variables.

        Returns
        -------
        QuadraticBasis
            Linear parts and matrices.
        """
        d, q = self.d, len(self.i)
        linear = np.vstack([np.eye(d), np.zeros((q, d))])
        return QuadraticBasis(d, linear, np.concatenate([np.zeros((d, d, d)), self.forms]))

    def third(self) -> FloatArray:
        """Return the third cumulants of the statistics.

        Returns
        -------
        ndarray of shape (p, p, p)
            Symmetric array.
        """
        d, p = self.d, self.p
        out = np.zeros((p, p, p))
        mixed = 2.0 * np.transpose(self.forms, (1, 2, 0))  # k(y_a, y_b, B) = 2 B_ab
        out[:d, :d, d:] = mixed
        out[:d, d:, :d] = np.transpose(mixed, (0, 2, 1))
        out[d:, :d, :d] = np.transpose(mixed, (2, 0, 1))
        if self.well_conditioned:
            out[d:, d:, d:] = mix_axes(self._product_third(), self.inverse)
        else:
            out[d:, d:, d:] = self._form_third()
        return out

    def _form_third(self) -> FloatArray:
        """``8 tr(B_a B_b B_c)``, computed for a <= b, c."""
        q, size = len(self.i), self.d**2
        flat = self.forms.reshape(q, size)
        out = np.zeros((q, q, q))
        for a in range(q):
            products = np.matmul(self.forms[a], self.forms[a:]).reshape(q - a, size)
            out[a, a:, a:] = 8.0 * products @ flat[a:].T
        for a in range(q):
            out[a:, a, a:] = out[a:, a:, a] = out[a, a:, a:]
        return out

    def _product_third(self) -> FloatArray:
        """Third cumulants of the products: the eight ways to close a cycle through three pairs."""
        cov, ends = self.root @ self.root.T, (self.i, self.j)
        q = len(self.i)
        out = np.zeros((q, q, q))
        for first in (0, 1):
            for second in (0, 1):
                ab = cov[np.ix_(ends[1 - first], ends[second])]
                for third in (0, 1):
                    bc = cov[np.ix_(ends[1 - second], ends[third])]
                    ca = cov[np.ix_(ends[1 - third], ends[first])]
                    out += ab[:, :, None] * bc[None, :, :] * ca.T[:, None, :]
        return out

    def dense_fourth(self) -> FloatArray:
        """Return the fourth cumulants of the statistics.

        Returns
        -------
        ndarray of shape (p, p, p, p)
            Symmetric array; only for small p.
        """
        return self.general().dense_fourth()

    def fourth(self, S: FloatArray) -> float:
        """Return ``sum k4_ijkl S_ij S_kl`` without arrays larger than ``q^2`` and ``q d^2``.

        With S the second-moment matrix of a random statistic, a linear form u in y plus a
        quadratic form B, and (v, D) an independent copy, the contraction is
        ``E[16 (2 tr B^2 D^2 + tr BDBD) + 8 u'D^2u + 8 v'B^2v + 16 u'(BD + DB)v]``.

        Parameters
        ----------
        S : ndarray of shape (p, p)
            Symmetric matrix.

        Returns
        -------
        float
            The contraction, in O(q^2 d^3) operations, O(q^3 + q d^3) for well-conditioned products.
        """
        d, q = self.d, len(self.i)
        inner = S[d:, d:]
        second = (inner @ self.forms.reshape(q, d * d)).reshape(q, d, d)  # E (coefficient of B) B
        square = np.einsum("aij,ajk->ik", self.forms, second, optimize=True)  # E B^2
        mixed = (S[:d, d:] @ self.forms.reshape(q, d * d)).reshape(d, d, d)  # E u_i B_jk
        image = np.einsum("iij->j", mixed)  # E B u
        crossed = float(image @ image + np.sum(mixed.transpose(1, 2, 0) * mixed))
        cycle = self._cycle_pairs(inner) if self.well_conditioned else self._cycle_forms(second)
        traces = 2.0 * float(np.sum(square * square)) + cycle
        return 16.0 * (traces + float(np.sum(S[:d, :d] * square)) + crossed)

    def _cycle_forms(self, second: FloatArray) -> float:
        """``E tr BDBD`` from the forms: for each of them the sum over two others."""
        d, q = self.d, len(self.i)
        stacked = second.reshape(q * d, d)
        total = 0.0
        for c in range(q):
            left = np.matmul(self.forms, self.forms[c]).transpose(1, 0, 2).reshape(d, q * d)
            total += float(np.sum((left @ stacked) * second[c].T))
        return total

    def _cycle_pairs(self, inner: FloatArray) -> float:
        """The same from the covariances of the pairs."""
        C = self.root @ self.root.T
        weights = self.inverse.T @ inner @ self.inverse  # second moments of the coefficients of the products
        total = 0.0
        for e, row in enumerate(weights):
            outer = np.outer(C[self.i[e]], C[self.j[e]])
            middle = self._sandwich(weights, 0.5 * (outer + outer.T))
            form = np.zeros_like(C)
            form[self.i, self.j] += 0.5 * row
            form[self.j, self.i] += 0.5 * row
            total += float(np.sum((C @ middle @ C) * form))
        return total

    def _sandwich(self, weights: FloatArray, middle: FloatArray) -> FloatArray:
        """``sum_ef weights_ef A_e middle A_f`` over the symmetric matrices A of the pairs."""
        out = np.zeros((self.d, self.d))
        for a, b in ((self.i, self.j), (self.j, self.i)):
            for c, e in ((self.i, self.j), (self.j, self.i)):
                np.add.at(out, np.ix_(a, e), 0.25 * weights * middle[np.ix_(b, c)])
        return out
