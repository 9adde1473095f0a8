"""The risk terms as their index formulas read: dense cumulant tensors and ``np.einsum``.

    T0 = W_ij G_ij
    T1 = W_ii' W_jj' W_kk' K3m_ijk K3g_i'j'k'
    T2 = A_ij,kl (G~_ij G~_kl + G~_ik G~_jl + G~_il G~_jk),   A_ij,kl = K3m_iju W_uv K3m_klv
    T3 = K4m_ijkl (the same three products),                  G~ = W G W

This is what one writes with the formulas at hand and p small. Every ``einsum`` may choose the order of
contraction and take the memory it wants, so that NumPy hands the products to BLAS where it can;
plain ``optimize=True`` allows no intermediate larger than the output, and the moments of rows then
fall back to loops that are many times slower.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def einsum(formula: str, *operands: Array) -> Array:
    """``np.einsum`` with the order of contraction optimised."""
    return np.einsum(formula, *operands, optimize=("greedy", 2**40))


def normal_terms(x: Array) -> Array:
    """Return T0..T3 of the full normal model, in the statistics x_i and x_i x_j.

    Parameters
    ----------
    x : ndarray of shape (n, d)
        Data.

    Returns
    -------
    ndarray of shape (4,)
        Covariance of the data with divisor n - 1, third moments with divisor n.
    """
    y = x - x.mean(axis=0)
    S = y.T @ y / len(y)
    u, A = _forms(x.shape[1])
    xi = einsum("ui,ni->nu", u, y) + einsum("uij,ni,nj->nu", A, y, y)
    AS = einsum("uij,jk->uik", A, S)
    K2 = einsum("ai,ij,bj->ab", u, S, u) + 2.0 * einsum("aij,bji->ab", AS, AS)
    # k(l_u, l_v, Q_A) = 2 u'SASv in its three positions, k(Q_A, Q_B, Q_C) = 8 tr(ASBSCS)
    one = 2.0 * einsum("ai,ij,cjk,bk->abc", u, S, AS, u)
    K3 = one + one.transpose(0, 2, 1) + one.transpose(2, 0, 1) + 8.0 * einsum("aij,bjk,cki->abc", AS, AS, AS)
    return _contract(xi, K2, K3, lambda: _normal_fourth(u, S, AS))


def _normal_fourth(u: Array, S: Array, AS: Array) -> Array:
    trace = einsum("aij,bjk,ckl,dli->abcd", AS, AS, AS, AS)  # tr(ASBSCSDS)
    K4 = 16.0 * (trace + trace.transpose(0, 1, 3, 2) + trace.transpose(0, 2, 1, 3))
    del trace
    # k(l_u, l_v, Q_A, Q_B) = 4 u'(SASBS + SBSAS)v for the six places of the two linear forms
    half = 4.0 * einsum("ai,ij,cjk,dkl,bl->abcd", u, S, AS, AS, u)
    mixed = half + half.transpose(0, 1, 3, 2)
    for order in ((0, 1, 2, 3), (0, 2, 1, 3), (0, 2, 3, 1), (2, 0, 1, 3), (2, 0, 3, 1), (2, 3, 0, 1)):
        K4 += mixed.transpose(order)
    return K4


def _forms(d: int) -> tuple[Array, Array]:
    """Linear and quadratic parts of the statistics x_i and x_i x_j, i <= j."""
    i, j = np.triu_indices(d)
    p = d + len(i)
    u, A = np.zeros((p, d)), np.zeros((p, d, d))
    u[:d] = np.eye(d)
    A[d + np.arange(len(i)), i, j] += 0.5
    A[d + np.arange(len(i)), j, i] += 0.5
    return u, A


def normal_T0(x: Array) -> float:
    """Return T0 = tr(W G) of the full normal model from the covariance of all the statistics."""
    y = x - x.mean(axis=0)
    S = y.T @ y / len(y)
    u, A = _forms(x.shape[1])
    xi = einsum("ui,ni->nu", u, y) + einsum("uij,ni,nj->nu", A, y, y)
    AS = einsum("uij,jk->uik", A, S)
    K2 = einsum("ai,ij,bj->ab", u, S, u) + 2.0 * einsum("aij,bji->ab", AS, AS)
    return float(einsum("ij,ij->", np.linalg.inv(K2), np.cov(xi, rowvar=False)))


def node_terms(nodes: Array, rows: Array) -> Array:
    """Return T0..T3 (divisor n) of the model that gives each node the same probability.

    Parameters
    ----------
    nodes : ndarray of shape (M, p)
        Statistics of the nodes.
    rows : ndarray of shape (n, p)
        Statistics of the data; their mean is taken for the model's.

    Returns
    -------
    ndarray of shape (4,)
        The terms.
    """
    z = nodes - nodes.mean(axis=0)
    K2 = einsum("bi,bj->ij", z, z) / len(z)
    K3 = einsum("bi,bj,bk->ijk", z, z, z) / len(z)

    def fourth() -> Array:
        K4 = einsum("bi,bj,bk,bl->ijkl", z, z, z, z) / len(z)
        pairs = einsum("ij,kl->ijkl", K2, K2)
        return K4 - pairs - pairs.transpose(0, 2, 1, 3) - pairs.transpose(0, 2, 3, 1)

    return _contract(rows, K2, K3, fourth, ddof=0)


def _contract(xi: Array, K2: Array, K3: Array, fourth: Any, ddof: int = 1) -> Array:
    n = len(xi)
    z = xi - xi.mean(axis=0)
    G = np.cov(xi, rowvar=False, ddof=ddof)
    K3g = einsum("ni,nj,nk->ijk", z, z, z) / n
    W = np.linalg.inv(K2)
    Gt = W @ G @ W
    T0 = einsum("ij,ij->", W, G)
    T1 = einsum("ia,jb,kc,ijk,abc->", W, W, W, K3, K3g)
    K4 = fourth()
    T3 = _pairings(K4, Gt)
    del K4
    T2 = _pairings(einsum("iju,uv,klv->ijkl", K3, W, K3), Gt)
    return np.array([T0, T1, T2, T3])


def _pairings(tensor: Array, Gt: Array) -> float:
    orders = ("ijkl,ij,kl->", "ijkl,ik,jl->", "ijkl,il,jk->")
    return float(sum(einsum(order, tensor, Gt, Gt) for order in orders))
