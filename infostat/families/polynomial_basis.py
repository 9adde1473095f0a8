"""Legendre products on a box: statistics, quadrature grids, and which moments are possible.

Everything lives on ``[-1, 1]^d`` with the uniform law; the products are
orthonormal there. Total degree 1 to k, graded, then in the order
``x1, x2, x1^2, x1 x2, x2^2, ...``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from ..core.validation import FloatArray

__all__ = [
    "Grid",
    "PositivityForm",
    "exponents",
    "grid",
    "monomial_map",
    "orthonormal_products",
    "positivity_forms",
    "product_count",
]


def product_count(d: int, degree: int) -> int:
    """Return how many products of total degree 1 to `degree` d variables have.

    Parameters
    ----------
    d, degree : int
        Variables and largest total degree.

    Returns
    -------
    int
        ``(degree + d choose d) - 1``.

    Examples
    --------
    >>> product_count(1, 4), product_count(2, 2), product_count(3, 2)
    (4, 5, 9)
    """
    return math.comb(degree + d, d) - 1


@lru_cache(maxsize=32)
def exponents(d: int, degree: int) -> NDArray[np.intp]:
    """Return the degree of each product in each variable.

    Parameters
    ----------
    d, degree : int
        Variables and largest total degree.

    Returns
    -------
    ndarray of shape (p, d)
        Not writeable.

    Examples
    --------
    >>> exponents(2, 2).tolist()
    [[1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    """
    rows = [
        [chosen.count(axis) for axis in range(d)]
        for total in range(1, degree + 1)
        for chosen in combinations_with_replacement(range(d), total)
    ]
    out = np.array(rows, dtype=np.intp)
    out.flags.writeable = False
    return out


def orthonormal_products(t: FloatArray, degree: int) -> FloatArray:
    """Return products of Legendre polynomials of mean square one under the uniform law.

    Parameters
    ----------
    t : ndarray of shape (m, d)
        Points of ``[-1, 1]^d``.
    degree : int
        Largest total degree.

    Returns
    -------
    ndarray of shape (m, p)
        ``prod_j sqrt(2 e_j + 1) P_{e_j}(t_j)``.
    """
    powers = exponents(t.shape[1], degree)
    scale = np.sqrt(2.0 * np.arange(degree + 1) + 1.0)
    out = np.ones((len(t), len(powers)))
    for axis in range(t.shape[1]):
        out *= (legendre.legvander(t[:, axis], degree) * scale)[:, powers[:, axis]]
    return out


def monomial_map(centre: FloatArray, half: FloatArray, degree: int) -> tuple[FloatArray, FloatArray]:
    """Return how monomials in x follow from the orthonormal products in t, ``x = centre + half t``.

    Parameters
    ----------
    centre, half : ndarray of shape (d,)
        Middle and half-length of the box.
    degree : int
        Largest total degree.

    Returns
    -------
    matrix : ndarray of shape (p, p)
        A of ``x^e = A u + b``, lower triangular by total degree.
    offset : ndarray of shape (p,)
        b, the means of the monomials under the uniform law.
    """
    d = len(centre)
    powers = exponents(d, degree)
    scale = np.sqrt(2.0 * np.arange(degree + 1) + 1.0)
    matrix, offset = np.ones((len(powers), len(powers))), np.ones(len(powers))
    for axis in range(d):
        table = np.zeros((degree + 1, degree + 1))  # row j: x^j in orthonormal Legendre polynomials
        series = np.ones(1)
        for j in range(degree + 1):
            table[j, : len(series)] = series
            series = legendre.legmul(series, [centre[axis], half[axis]])
        table /= scale
        matrix *= table[np.ix_(powers[:, axis], powers[:, axis])]
        offset *= table[powers[:, axis], 0]
    return matrix, offset


@dataclass(frozen=True)
class Grid:
    """A product quadrature rule on ``[-1, 1]^d`` with the statistics of its nodes.

    Attributes
    ----------
    axis : ndarray of shape (panels, m)
        Nodes of one axis, panel by panel.
    axis_weights : ndarray of shape (m,)
        Weights inside a panel, sum one.
    points : ndarray of shape (M, d)
        Nodes.
    weights : ndarray of shape (M,)
        Sum one.
    statistics : ndarray of shape (M, p)
        Orthonormal products at the nodes.
    """

    axis: FloatArray
    axis_weights: FloatArray
    points: FloatArray
    weights: FloatArray
    statistics: FloatArray


@lru_cache(maxsize=24)
def grid(d: int, degree: int, count: int, panels: int = 1) -> Grid:
    """Return a Gauss-Legendre product grid.

    Parameters
    ----------
    d, degree : int
        Variables and largest total degree of the statistics.
    count : int
        Nodes per panel and axis.
    panels : int
        Panels of equal length per axis.

    Returns
    -------
    Grid
        Arrays are not writeable.
    """
    nodes, weights = _gauss(count)
    middles = -1.0 + (2.0 * np.arange(panels) + 1.0) / panels
    axis = middles[:, None] + nodes / panels
    flat, mass = axis.ravel(), np.tile(0.5 * weights / panels, panels)
    mesh = np.meshgrid(*[flat] * d, indexing="ij")
    points = np.stack([part.ravel() for part in mesh], axis=1)
    joint = np.ones(1)
    for _ in range(d):
        joint = np.multiply.outer(joint, mass).ravel()
    found = Grid(axis, 0.5 * weights, points, joint, orthonormal_products(points, degree))
    for array in (found.axis, found.axis_weights, found.points, found.weights, found.statistics):
        array.flags.writeable = False
    return found


@lru_cache(maxsize=16)
def _gauss(count: int) -> tuple[FloatArray, FloatArray]:
    return legendre.leggauss(count)


@dataclass(frozen=True)
class PositivityForm:
    """A matrix that is linear in the moments and positive definite for every density on the box.

    With ``w >= 0`` on the box and v the products of total degree up to half of what is
    left, the matrix ``E[w v v']``, divided by its value under the uniform law.

    Attributes
    ----------
    words : str
        The factor w in words.
    axis : int or None
        Its variable (None: w = 1).
    constant : ndarray of shape (h, h)
        Value at zero moments.
    linear : ndarray of shape (h, h, p)
        Coefficients of the moments.
    half_degree : int
        Total degree of v.
    root : ndarray of shape (h, h)
        Maps coefficients in normalised coordinates to coefficients of v.
    """

    words: str
    axis: int | None
    constant: FloatArray
    linear: FloatArray
    half_degree: int
    root: FloatArray

    def smallest(self, eta: FloatArray) -> tuple[float, FloatArray]:
        """Return the smallest eigenvalue at given moments, with the polynomial that attains it.

        Parameters
        ----------
        eta : ndarray of shape (p,)
            Means of the orthonormal products.

        Returns
        -------
        value : float
            Negative or zero if no density on the box has these moments.
        coefficients : ndarray of shape (h,)
            Of a polynomial v with ``E[w v^2] = value``, 1 under the uniform law.
        """
        values, vectors = np.linalg.eigh(self.constant + self.linear @ eta)
        return float(values[0]), self.root @ vectors[:, 0]


@lru_cache(maxsize=16)
def positivity_forms(d: int, degree: int) -> tuple[PositivityForm, ...]:
    """Return the conditions on moments up to a total degree that a density on the box fulfils.

    Parameters
    ----------
    d, degree : int
        Variables and largest total degree.

    Returns
    -------
    tuple of PositivityForm
        In one dimension they are sufficient as well (the truncated moment problem of Markov and
        Hausdorff); in more they are necessary.
    """
    rule = grid(d, degree, degree + 2)
    t = rule.points
    factors: list[tuple[str, int | None, FloatArray, int]] = [("1", None, np.ones(len(t)), 0)]
    for axis in range(d):
        x = t[:, axis]
        factors.append(("the distance from the lower end", axis, 1.0 + x, 1))
        factors.append(("the distance from the upper end", axis, 1.0 - x, 1))
        factors.append(("the product of the distances from both ends", axis, 1.0 - x * x, 2))
    forms = []
    for words, where, factor, taken in factors:
        if taken > degree or (where is None and degree < 2):
            continue
        half_degree = (degree - taken) // 2
        v = np.ones((len(t), 1))
        if half_degree:
            v = np.hstack([v, orthonormal_products(t, half_degree)])
        mass = rule.weights * factor
        uniform = v.T @ (v * mass[:, None])
        root = np.linalg.inv(np.linalg.cholesky(uniform)).T
        normal = v @ root
        outer = normal[:, :, None] * normal[:, None, :]
        linear = np.einsum("b,bij,bl->ijl", mass, outer, rule.statistics)
        forms.append(PositivityForm(words, where, np.eye(v.shape[1]), linear, half_degree, root))
    return tuple(forms)
