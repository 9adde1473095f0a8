"""Risk terms T0..T3 of a whitened model, by tensors or by Gram tiles.

In whitened coordinates (model covariance = identity) with ``S`` and ``k3g`` the
covariance and third cumulants of the data, ``k3m`` and ``k4m`` those of the model
(Sheena, arXiv 2105.08947; whitened form derived and checked numerically)::

    T0 = tr S                      T1 = <k3m, k3g>
    T2 = |c|^2 + 2 sum_a tr(M_a S M_a S),   c_a = sum_ij k3m_aij S_ij,  M_a = (k3m_aij)_ij
    T3 = 3 k4m_ijkl S_ij S_kl

The tensor route stores the ``p^3`` numbers of k3m. The Gram route replaces them
by inner products between rows and model nodes (:mod:`infostat.projection.gram`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray
from ..families.whitening import Whitened
from .gram import cubes_of_rows, form_through_nodes, sums_over_nodes

__all__ = ["RawTerms", "cubic_form", "double_trace", "model_terms", "pick_method", "raw_terms"]

MAX_TENSOR_P = 400  # p^3 doubles are 512 MB
SMALL_P = 32  # up to here the tensor costs next to nothing, and nodes need not be made for the choice


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

    Notes
    -----
    "auto" takes the tensor if ``p^2`` is at most the number M of nodes (and p <= 400), Gram tiles otherwise.
    For rows and nodes of one number the operations are ``(n + M) p^3/3`` against ``(n + M) M p``;
    measured on one core the routes take equal time at ``p^2 = 1.3 M`` to ``1.7 M``.
    """
    return "tensor" if _gram_nodes(method, model) is None else "gram"


def _gram_nodes(method: str, model: Whitened) -> tuple[FloatArray, FloatArray] | None:
    """Nodes of the model where the Gram route is taken, None where the tensor route is."""
    if method != "gram" and model.p <= SMALL_P:
        return None
    if method == "tensor":
        if model.p > MAX_TENSOR_P:
            raise InputError(
                f"method must be 'auto' or 'gram' for p > {MAX_TENSOR_P} (p^3 numbers would not fit), "
                f"got 'tensor' with p = {model.p}"
            )
        return None
    nodes = model.nodes()
    if method == "gram":
        if nodes is None:
            raise InputError("method='gram' needs a family with nodes; use method='tensor' or 'auto'")
        return nodes
    if nodes is None and model.p > MAX_TENSOR_P:
        raise InputError(
            f"p must be at most {MAX_TENSOR_P} for a family without nodes (the tensor route stores p^3 numbers), "
            f"got p = {model.p}; use fewer statistics, or weighted points as model"
        )
    if nodes is None or (model.p <= MAX_TENSOR_P and model.p**2 <= len(nodes[1])):
        return None
    return nodes


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
    nodes = _gram_nodes(method, model)
    if nodes is None:
        k3 = model.third()
        c = np.einsum("aij,ij->a", k3, S)
        t1_rows, T1, T2 = None, np.nan, np.nan
        if order == 2:
            t1_rows = cubic_form(k3, z)
            T1 = float(weights @ t1_rows)
            T2 = float(c @ c) + 2.0 * double_trace(k3, S)
    else:
        zm, q = nodes
        c = form_through_nodes(zm, q, S)
        t1_rows, T1, T2 = None, np.nan, np.nan
        if order == 2:
            same = np.array_equal(z, zm)  # then the pairs of T1 are those of T2
            t1_rows, double = sums_over_nodes(zm, q, S, cubes=same)
            t1_rows = cubes_of_rows(z, zm, q) if t1_rows is None else t1_rows
            T1 = float(weights @ t1_rows)
            T2 = float(c @ c) + 2.0 * double
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
    nodes = _gram_nodes("auto", model)
    if nodes is None:
        k3 = model.third()
        square = float(np.sum(k3 * k3))
        c = np.einsum("aii->a", k3)
    else:
        white = np.eye(model.p)
        square = sums_over_nodes(*nodes, white, cubes=False)[1]
        c = form_through_nodes(*nodes, white)
    T2 = float(c @ c) + 2.0 * square
    return np.array([float(model.p), square, T2, 3.0 * model.fourth(np.eye(model.p))])


def cubic_form(k3: FloatArray, z: FloatArray) -> FloatArray:
    """Return ``k3_ijk z_i z_j z_k`` of each row: one quadratic form in the indices >= a for each a.

    Parameters
    ----------
    k3 : ndarray of shape (p, p, p)
        Symmetric tensor.
    z : ndarray of shape (n, p)
        Rows.

    Returns
    -------
    ndarray of shape (n,)
        The form of each row.
    """
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


def double_trace(k3: FloatArray, S: FloatArray) -> float:
    """Return ``sum_a tr(M_a S M_a S)`` in O(p^4) operations and p^2 extra memory.

    Parameters
    ----------
    k3 : ndarray of shape (p, p, p)
        Third cumulants of the model.
    S : ndarray of shape (p, p)
        Covariance of the whitened data.

    Returns
    -------
    float
        The sum.
    """
    total = 0.0
    for slab in k3:
        product = slab @ S
        total += float(np.sum(product * product.T))
    return total
