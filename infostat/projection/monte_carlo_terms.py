"""Monte-Carlo error of T0..T3 when the model is known through draws.

The cumulants of the model, and the projection itself, are then functions of the draws. Moving
the probability of the draws a little towards one of them moves each term by its influence
function there; sums of influence functions over independent chains are batch means, and their
covariance is the Monte-Carlo covariance of the terms. Derived here by differentiating the
whitened formulas of :mod:`infostat.projection.expansion`; tests compare it with finite
differences and with independent repetitions.

With x a whitened draw, ``S``, ``k3g`` of the data, ``c_a = k3m_aij S_ij``, ``M_a = (k3m_aij)_ij``,
``s = x'Sx`` and the projection moved along with the draws, the covariance of the model changes by
``D = xx' - I - k3m[x]`` and any moment ``E f`` of centred draws by ``f(x) - E f - E[f z].x``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.validation import FloatArray
from ..families.chain_diagnostics import batch_means_cov
from ..families.tilted_draws import TiltedDraws
from .evaluation import Options
from .expansion import cubic_form

__all__ = ["influence_functions", "monte_carlo_cov", "third_moments"]


def monte_carlo_cov(
    drawn: TiltedDraws, theta: FloatArray, encoded: FloatArray, weights: FloatArray, options: Options
) -> FloatArray:
    """Return the Monte-Carlo covariance of T0..T3.

    Parameters
    ----------
    drawn : TiltedDraws
        The model with its draws.
    theta : ndarray of shape (p,)
        Projection of the data by these draws.
    encoded : ndarray of shape (n, d)
        Data.
    weights : ndarray of shape (n,)
        Weights of sum one.
    options : Options
        Conventions of the terms; with ``moments="model"`` the model is also the truth.

    Returns
    -------
    ndarray of shape (4, 4)
        Covariance over repetitions of the simulation, the data being fixed.
    """
    view = drawn.whitened(theta)
    found = view.nodes()
    assert found is not None
    z, q = found
    if options.moments == "model":
        influence = influence_functions(z, q, view.third(), None, None)
        factors = np.ones(4)
    else:
        rows = view.rows(encoded)
        S = rows.T @ (rows * weights[:, None])
        influence = influence_functions(z, q, view.third(), S, third_moments(rows, weights))
        f = options.cov_factor
        factors = np.array([f, options.third_factor, f * f, f * f])
    sums = drawn.chain_sums(influence * q[:, None])
    return batch_means_cov(sums) * np.outer(factors, factors)


def third_moments(z: FloatArray, weights: FloatArray) -> FloatArray:
    """Return ``E[z_i z_j z_k]`` of weighted rows.

    Parameters
    ----------
    z : ndarray of shape (n, p)
        Rows.
    weights : ndarray of shape (n,)
        Weights of sum one.

    Returns
    -------
    ndarray of shape (p, p, p)
        Third moments.

    Examples
    --------
    >>> third_moments(np.array([[1.0], [2.0]]), np.array([0.5, 0.5]))
    array([[[4.5]]])
    """
    weighted = z * weights[:, None]
    return np.stack([(weighted * z[:, a, None]).T @ z for a in range(z.shape[1])])


def influence_functions(
    z: FloatArray, q: FloatArray, k3m: FloatArray, S: FloatArray | None, k3g: FloatArray | None
) -> FloatArray:
    """Return the influence of each draw on T0..T3.

    Parameters
    ----------
    z : ndarray of shape (M, p)
        Whitened draws: weighted mean 0, covariance I.
    q : ndarray of shape (M,)
        Their weights.
    k3m : ndarray of shape (p, p, p)
        Third cumulants of the draws.
    S, k3g : ndarray of shape (p, p) and (p, p, p), optional
        Covariance and third cumulants of the data; None where the model is the truth, so that they
        move with the draws.

    Returns
    -------
    ndarray of shape (M, 4)
        Columns T0..T3, each of weighted mean 0.

    Examples
    --------
    >>> z, q = np.array([[-1.0], [1.0]]), np.array([0.5, 0.5])
    >>> influence_functions(z, q, np.zeros((1, 1, 1)), np.ones((1, 1)), np.zeros((1, 1, 1)))[:, 0]
    array([0., 0.])
    """
    parts = _Parts(z, q, k3m, np.eye(z.shape[1]) if S is None else S, S is None)
    truth = k3m if k3g is None else k3g
    return np.column_stack([parts.first(), parts.second(truth), parts.third(), parts.fourth()])


@dataclass(frozen=True)
class _Parts:
    """Influence functions of the four terms (see :func:`influence_functions`)."""

    z: FloatArray
    q: FloatArray
    k3m: FloatArray
    S: FloatArray
    model: bool

    def _moment(self, values: FloatArray) -> FloatArray:
        """``f - E f - E[f z].x``: change of the mean of f when the projection follows the draws."""
        weighted = self.q * values
        return np.asarray(values - weighted.sum() - self.z @ (weighted @ self.z))

    def _against(self, matrix: FloatArray) -> FloatArray:
        """``tr(D R)`` of each draw: the change of the model covariance, contracted."""
        form = np.einsum("bi,bi->b", self.z @ matrix, self.z)
        return np.asarray(form - np.trace(matrix) - self.z @ np.einsum("aij,ij->a", self.k3m, matrix))

    def _through_data(self, matrix: FloatArray) -> FloatArray:
        """What a derivative in ``W G W`` becomes as one in the model covariance, with sign.

        In whitened coordinates ``d(WGW) = -(D S + S D)`` for data, and ``-D`` where G is the
        model's own covariance.
        """
        return matrix if self.model else np.asarray(self.S @ matrix + matrix @ self.S)

    def first(self) -> FloatArray:
        return np.zeros(len(self.z)) if self.model else 0.0 - self._against(self.S)

    def second(self, truth: FloatArray) -> FloatArray:
        """T1: k3m moves, and so do the three inverse covariances between the tensors."""
        p = len(self.S)
        flat = self.k3m.reshape(p, -1) @ truth.reshape(p, -1).T
        moved = self._moment(cubic_form(truth, self.z))
        return np.asarray((2.0 if self.model else 1.0) * moved - 3.0 * self._against(0.5 * (flat + flat.T)))

    def third(self) -> FloatArray:
        """T2: two tensors k3m, the inverse covariance between them, and two factors W G W."""
        k3, S = self.k3m, self.S
        c = np.einsum("aij,ij->a", k3, S)
        turned = S @ k3 @ S  # S M_a S for each a
        p = len(S)
        inner = turned.reshape(p, -1) @ k3.reshape(p, -1).T
        across = np.einsum("a,aij->ij", c, k3)
        squared = np.einsum("aij,jk,akl->il", k3, S, k3, optimize=True)
        outer = 2.0 * across + 4.0 * squared  # derivative in W G W
        form = np.einsum("bi,bi->b", self.z @ S, self.z)
        cubes = 2.0 * form * (self.z @ c) + 4.0 * cubic_form(_symmetric(turned), self.z)
        between = np.outer(c, c) + inner + inner.T
        return np.asarray(self._moment(cubes) - self._against(between + self._through_data(outer)))

    def fourth(self) -> FloatArray:
        """T3: the fourth cumulant contracted with S twice, and the two factors W G W."""
        z, S = self.z, self.S
        form = np.einsum("bi,bi->b", z @ S, z)
        trace = float(np.trace(S))
        within = z.T @ (z * (self.q * form)[:, None]) - trace * np.eye(len(S)) - 2.0 * S
        covariance = 2.0 * trace * S + 4.0 * S @ S + 2.0 * self._through_data(within)
        return np.asarray(3.0 * (self._moment(form * form) - self._against(covariance)))


def _symmetric(tensor: FloatArray) -> FloatArray:
    """Mean over the places of the first index of a tensor symmetric in the other two."""
    return np.asarray((tensor + tensor.transpose(1, 0, 2) + tensor.transpose(1, 2, 0)) / 3.0)
