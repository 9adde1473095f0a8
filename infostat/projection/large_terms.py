"""Second-order terms of a stream where third co-moments of the statistics would not fit (p > 400).

T2 and T3 depend on the data through the covariance S of the whitened statistics alone, and S is known from
all rows. They are therefore exact; only T1, the mean over the rows of ``k3m[z, z, z]``, is taken from a
uniform subsample of rows, with its standard error.
"""

from __future__ import annotations

import math

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray
from ..families.base import ExponentialFamily
from ..families.multivariate_normal import MultivariateNormal
from ..families.quadratic_forms import QuadraticBasis
from .gram import cubes_of_rows, form_through_nodes, sums_over_nodes

__all__ = ["normal_T2", "sampled_mean", "second_term", "third_cubes"]


def second_term(family: ExponentialFamily, theta: FloatArray, inverse: FloatArray, S: FloatArray) -> float:
    """Return T2 without a tensor of third cumulants.

    Parameters
    ----------
    family : ExponentialFamily
        Family of one block.
    theta : ndarray of shape (p,)
        Its parameter.
    inverse : ndarray of shape (p, p)
        ``z = inverse (xi - eta)``; for a full normal its standard coordinates.
    S : ndarray of shape (p, p)
        Covariance of z in the data.

    Returns
    -------
    float
        The term, with the divisor of S.
    """
    if isinstance(family, MultivariateNormal) and family.structure == "full":
        return normal_T2(_dimension(len(theta)), S)
    zm, q = _nodes(family, theta, inverse)
    c = form_through_nodes(zm, q, S)
    return float(c @ c) + 2.0 * sums_over_nodes(zm, q, S, cubes=False)[1]


def third_cubes(family: ExponentialFamily, theta: FloatArray, inverse: FloatArray, z: FloatArray) -> FloatArray:
    """Return ``k3m[z, z, z]`` of whitened rows without a tensor of third cumulants.

    Parameters
    ----------
    family : ExponentialFamily
        Family of one block.
    theta : ndarray of shape (p,)
        Its parameter.
    inverse : ndarray of shape (p, p)
        ``z = inverse (xi - eta)``; for a full normal its standard coordinates.
    z : ndarray of shape (m, p)
        Rows.

    Returns
    -------
    ndarray of shape (m,)
        For a full normal ``r^6 - d`` with r the length of the standardised row.
    """
    if isinstance(family, MultivariateNormal) and family.structure == "full":
        d = _dimension(len(theta))
        return np.asarray(np.sum(z[:, :d] ** 2, axis=1) ** 3 - d)
    return cubes_of_rows(z, *_nodes(family, theta, inverse))


def sampled_mean(values: FloatArray, n_rows: int) -> tuple[float, float]:
    """Return the mean of a uniform subsample and its standard error as the mean of all rows.

    Parameters
    ----------
    values : ndarray of shape (m,)
        A quantity of the rows drawn, without replacement.
    n_rows : int
        Number of all rows.

    Returns
    -------
    tuple of float
        Mean, standard error; the latter is 0 if all rows were drawn.

    Examples
    --------
    >>> sampled_mean(np.array([1.0, 3.0]), 2)
    (2.0, 0.0)
    """
    m = len(values)
    missed = max(0.0, 1.0 - m / n_rows)
    return float(values.mean()), math.sqrt(missed * float(values.var(ddof=1)) / m)


def normal_T2(d: int, S: FloatArray) -> float:
    """Return T2 of a full normal model in O(p^2 d^2 + d^4) operations.

    Parameters
    ----------
    d : int
        Dimension.
    S : ndarray of shape (p, p)
        Covariance of the whitened statistics (linear, squares, products) in the data.

    Returns
    -------
    float
        ``|c|^2 + 2 sum_a tr(M_a S M_a S)``.

    Notes
    -----
    The whitened statistics are forms ``b.y + y'By`` with third cumulants
    ``8 tr(ABC) + 2 (a'Cb + a'Bc + b'Ac)``. With S the second moments of a random form (b, B) and (c, C) an
    independent copy, sums over the first index are squared lengths of linear functionals of the form::

        |c|^2   = |4 E Bb|^2 + |8 E B^2 + 2 E bb'|^2 / 2
        the sum = E |2(Bc + Cb)|^2 + E |8 sym BC + 2 sym bc'|^2 / 2

    which reduce to contractions of ``E BB``, ``E bB`` and ``E bb'`` (derived here, checked against the tensor).

    Examples
    --------
    >>> round(normal_T2(3, np.eye(9)), 9)  # a correct model: see the worked examples of the documentation
    354.0
    """
    basis = QuadraticBasis.of(d, "full")
    flat = basis.quadratic.reshape(basis.p, d * d)
    H = (flat.T @ S @ flat).reshape(d, d, d, d)  # E B_ij B_kl
    linear = basis.linear.T @ S @ basis.linear  # E bb'
    mixed = (basis.linear.T @ S @ flat).reshape(d, d, d)  # E b_i B_jk
    square = np.einsum("ijjl->il", H)
    cycle = float(np.einsum("ijkl,jkli->", H, H))
    image = np.einsum("iij->j", mixed)
    crossed = float(np.einsum("ijk,kij->", mixed, mixed))
    own = 16.0 * float(image @ image) + 0.5 * float(np.sum((8.0 * square + 2.0 * linear) ** 2))
    lengths = 8.0 * float(np.sum(linear * square)) + 8.0 * crossed
    matrices = (
        32.0 * (float(np.sum(square * square)) + cycle)
        + 16.0 * (float(image @ image) + crossed)
        + 2.0 * (float(np.trace(linear)) ** 2 + float(np.sum(linear * linear)))
    )
    return own + 2.0 * (lengths + 0.5 * matrices)


def _nodes(family: ExponentialFamily, theta: FloatArray, inverse: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Whitened nodes of the model with their weights."""
    nodes = family.nodes(theta)
    if nodes is None:
        raise InputError(
            f"order must be 1 on a stream for the {family.title} family with p = {len(theta)}: it has more than 400 "
            "parameters and no nodes; use order=1, or a sample of rows in memory"
        )
    z = (family.raw_statistic(nodes.points) - family.mean(theta)) @ inverse.T
    return np.asarray(z), nodes.weights


def _dimension(p: int) -> int:
    """Number of columns d of a normal model with p = d(d+3)/2 parameters."""
    return (math.isqrt(9 + 8 * p) - 3) // 2
