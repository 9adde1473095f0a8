"""Risk terms T0..T3 of a whitened model, by tensors or by Gram tiles.

In whitened coordinates (model covariance = identity) with ``S`` and ``k3g`` the
covariance and third cumulants of the data, ``k3m`` and ``k4m`` those of the model
(Sheena, arXiv 2105.08947; whitened form derived and checked numerically)::

    T0 = tr S                      T1 = <k3m, k3g>
    T2 = |c|^2 + 2 sum_a tr(M_a S M_a S),   c_a = sum_ij k3m_aij S_ij,  M_a = (k3m_aij)_ij
    T3 = 3 k4m_ijkl S_ij S_kl

The tensor route stores the ``p^3`` numbers of k3m. The Gram route replaces them
by inner products between rows and model nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray
from ..families.whitening import Whitened
from .kernels import cube_rows

__all__ = ["RawTerms", "model_terms", "pick_method", "raw_terms"]

MAX_TENSOR_P = 400  # p^3 doubles are 512 MB
_TILE = 1024  # rows of a Gram tile: 8 MB with 1024 columns, two of which fit a shared cache


@dataclass(frozen=True)
class RawTerms:
    """Terms with divisor n, and what each row contributes.

    Attributes
    ----------
    terms : ndarray of shape (4,)
        T0, T1, T2, T3; the last three are nan if only first order was asked.
    t0_rows, t1_rows : ndarray of shape (n,)
        ``|z|^2`` and ``k3m[z, z, z]`` of each row; their weighted means are T0 and T1.
    influence : ndarray of shape (n,)
        Influence function of T0.
    p : int
        Number of parameters.
    """

    terms: FloatArray
    t0_rows: FloatArray
    t1_rows: FloatArray | None
    influence: FloatArray
    p: int


def pick_method(method: str, model: Whitened) -> str:
    """Return "tensor" or "gram" for a request that may be "auto".

    Parameters
    ----------
    method : {"auto", "tensor", "gram"}
        What the caller asked.
    model : Whitened
        The fitted model.

    Returns
    -------
    str
        The route.

    Raises
    ------
    InputError
        If the route is impossible for this model.
    """
    if method == "tensor":
        if model.p > MAX_TENSOR_P:
            raise InputError(
                f"method must be 'auto' or 'gram' for p > {MAX_TENSOR_P} (p^3 numbers would not fit), "
                f"got 'tensor' with p = {model.p}"
            )
        return "tensor"
    nodes = model.nodes() if method == "gram" or model.p > 1 else None
    if method == "gram":
        if nodes is None:
            raise InputError("method='gram' needs a family with nodes; use method='tensor' or 'auto'")
        return "gram"
    if model.p <= MAX_TENSOR_P and (nodes is None or model.p**2 <= len(nodes[1]) or model.p <= 64):
        # Up to p = 64 the tensor is 2 MB: it wins even against few nodes.
        return "tensor"
    return "gram"


def raw_terms(
    model: Whitened, z: FloatArray, weights: FloatArray, *, method: str = "auto", order: int = 2
) -> RawTerms:
    """Return the risk terms of weighted rows under a fitted model.

    Parameters
    ----------
    model : Whitened
        Fitted model.
    z : ndarray of shape (n, p)
        Whitened rows with weighted mean zero.
    weights : ndarray of shape (n,)
        Weights of sum one.
    method : {"auto", "tensor", "gram"}
        Route.
    order : {1, 2}
        With 1 only T0 and its influence function are computed.

    Returns
    -------
    RawTerms
        Terms with divisor n.
    """
    S = z.T @ (z * weights[:, None])
    t0_rows = np.einsum("ai,ai->a", z, z)
    T0 = float(np.trace(S))
    if pick_method(method, model) == "tensor":
        k3 = model.third()
        c = np.einsum("aij,ij->a", k3, S)
        t1_rows, T1, T2 = None, np.nan, np.nan
        if order == 2:
            t1_rows = _cubic_form(k3, z)
            T1 = float(weights @ t1_rows)
            T2 = float(c @ c) + 2.0 * _double_trace(k3, S)
    else:
        nodes = model.nodes()
        assert nodes is not None
        c = _c_from_nodes(*nodes, S)
        t1_rows, T1, T2 = None, np.nan, np.nan
        if order == 2:
            t1_rows = _cubes_with_nodes(z, *nodes)
            T1 = float(weights @ t1_rows)
            T2 = _gram_t2(*nodes, S)
    T3 = 3.0 * model.fourth(S) if order == 2 else np.nan
    influence = t0_rows - T0 - z @ c
    return RawTerms(np.array([T0, T1, T2, T3]), t0_rows, t1_rows, influence, model.p)


def model_terms(model: Whitened) -> FloatArray:
    """Return T0..T3 when the model is the truth (S = I, k3g = k3m).

    Parameters
    ----------
    model : Whitened
        The model.

    Returns
    -------
    ndarray of shape (4,)
        ``p``, ``sum k3m^2``, ``|E z|z|^2|^2 + 2 sum k3m^2``, ``3 sum_ij k4m_iijj``.
    """
    if model.p <= MAX_TENSOR_P:
        k3 = model.third()
        square = float(np.sum(k3 * k3))
        c = np.einsum("aii->a", k3)
    else:
        nodes = model.nodes()
        if nodes is None:
            raise InputError(f"p = {model.p} is too large for the tensor route and the family has no nodes")
        zm, q = nodes
        square = float(q @ _cubes_with_nodes(zm, zm, q))
        c = _c_from_nodes(zm, q, np.eye(model.p))
    T2 = float(c @ c) + 2.0 * square
    return np.array([float(model.p), square, T2, 3.0 * model.fourth(np.eye(model.p))])


def _cubic_form(k3: FloatArray, z: FloatArray) -> FloatArray:
    """``k3_ijk z_i z_j z_k`` of each row: one quadratic form in the indices >= a for each a."""
    p = z.shape[1]
    out = np.zeros(len(z))
    step = max(1, 4_000_000 // p)  # 32 MB of rows at a time
    for a in range(p):
        # The triple with a in it once comes in 3 orders, twice in 3 (1.5 from either side), thrice in 1.
        slab = 3.0 * k3[a, a:, a:]
        slab[0] *= 0.5
        slab[:, 0] *= 0.5
        slab[0, 0] = k3[a, a, a]
        for start in range(0, len(z), step):
            tail = z[start : start + step, a:]
            out[start : start + step] += np.einsum("ak,ak->a", tail @ slab, tail) * tail[:, 0]
    return out


def _double_trace(k3: FloatArray, S: FloatArray) -> float:
    """``sum_a tr(M_a S M_a S)`` in O(p^4) operations and p^2 extra memory."""
    total = 0.0
    for slab in k3:
        product = slab @ S
        total += float(np.sum(product * product.T))
    return total


def _c_from_nodes(zm: FloatArray, q: FloatArray, S: FloatArray) -> FloatArray:
    """``c_a = E_m[z_a z'Sz]``."""
    form = np.einsum("bi,bi->b", zm @ S, zm)
    return np.asarray((q * form) @ zm)


def _cubes_with_nodes(z: FloatArray, zm: FloatArray, q: FloatArray) -> FloatArray:
    """``sum_b q_b (z_a . zm_b)^3`` of each row a, in tiles."""
    out = np.zeros(len(z))
    for a in range(0, len(z), _TILE):
        for b in range(0, len(zm), _TILE):
            tile = z[a : a + _TILE] @ zm[b : b + _TILE].T
            out[a : a + _TILE] += cube_rows(tile, q[b : b + _TILE])
    return out


def _gram_t2(zm: FloatArray, q: FloatArray, S: FloatArray) -> float:
    """``sum_bb' q_b q_b' K_bb' {s_b s_b' + 2 (z_b'S z_b')^2}`` in tiles, K = Zm Zm'."""
    zs = zm @ S
    s = np.einsum("bi,bi->b", zs, zm)
    total = 0.0
    for a in range(0, len(zm), _TILE):
        left = slice(a, a + _TILE)
        for b in range(a, len(zm), _TILE):  # symmetric: tiles below the diagonal repeat those above
            right = slice(b, b + _TILE)
            K = zm[left] @ zm[right].T
            R = zs[left] @ zm[right].T
            value = q[left] @ (K * (np.outer(s[left], s[right]) + 2.0 * R * R)) @ q[right]
            total += float(value) * (1.0 if a == b else 2.0)
    return total
