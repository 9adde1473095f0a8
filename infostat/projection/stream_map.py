"""The affine map of the data in front of a family, and the independent blocks of a model.

Squares of data far from zero lose their digits, and so do co-moments of strongly correlated columns. The
first rows of a stream give a location and a scale in which neither happens; the terms of the risk do not
depend on it, because normal models are closed under such maps and a gamma model under scaling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.validation import FloatArray
from ..families.base import ExponentialFamily
from ..families.gamma import Gamma
from ..families.multivariate_normal import MultivariateNormal
from ..families.normal import Normal
from ..families.product import ProductFamily

__all__ = ["DataMap", "Leaf", "data_map", "leaves", "outer_theta"]

_CONSTANT = 1e-14  # relative spread of a column without any
_WEAK = 1e-6  # smallest eigenvalue of a correlation matrix whose root is used as a scale


@dataclass(frozen=True)
class DataMap:
    """The map ``y = root^{-1} (x - shift)`` of encoded rows.

    Attributes
    ----------
    shift : ndarray of shape (k,)
        Location per column; 0 where a family is not closed under shifts.
    root : ndarray of shape (k, k)
        Lower triangular scale with positive diagonal; 1 where a family is not closed under scaling.
    """

    shift: FloatArray
    root: FloatArray

    def apply(self, encoded: FloatArray) -> FloatArray:
        """Return mapped rows.

        Parameters
        ----------
        encoded : ndarray of shape (m,) or (m, k)
            Rows.

        Returns
        -------
        ndarray
            The same shape.
        """
        rows = encoded.reshape(len(encoded), -1) - self.shift
        if np.count_nonzero(self.root) == len(self.root):
            rows /= np.diag(self.root)
        else:
            rows = rows @ np.linalg.inv(self.root).T
        return rows.reshape(encoded.shape)

    @property
    def log_volume(self) -> float:
        """``log det root``: what log densities lose by the map, nats per row."""
        return float(np.log(np.diag(self.root)).sum())


def data_map(family: ExponentialFamily, encoded: FloatArray) -> DataMap | None:
    """Return the map that the first rows suggest, None for a family without one.

    Parameters
    ----------
    family : ExponentialFamily
        Bound family.
    encoded : ndarray of shape (m,) or (m, k)
        First rows.

    Returns
    -------
    DataMap or None
        Scales of single columns are powers of two, so that they round nothing.

    Examples
    --------
    >>> found = data_map(Normal(), np.array([9.0, 10.0, 11.0]))
    >>> found.shift, found.root
    (array([10.]), array([[1.]]))
    """
    rows = encoded.reshape(len(encoded), -1)
    k = rows.shape[1]
    found = DataMap(np.zeros(k), np.eye(k))
    return found if _fill(family, rows, found.shift, found.root) else None


def _fill(family: ExponentialFamily, rows: FloatArray, shift: FloatArray, root: FloatArray) -> bool:
    """Write the map of one family into views of shift and root; False if there is none."""
    if isinstance(family, ProductFamily):
        done = [
            _fill(part, rows[:, where], shift[where], root[where, where]) for part, where, _ in family.components
        ]
        return any(done)
    if isinstance(family, Gamma):
        np.fill_diagonal(root, _power_of_two(rows.mean(axis=0)))
        return True
    if not isinstance(family, (Normal, MultivariateNormal)):
        return False
    shift[:] = rows.mean(axis=0)
    centred = rows - shift
    scale = np.sqrt(np.mean(centred * centred, axis=0))
    scale = np.where(scale > _CONSTANT * np.abs(shift), scale, 0.0)  # what rounding leaves is no spread
    np.fill_diagonal(root, _power_of_two(scale))
    if isinstance(family, MultivariateNormal) and family.structure == "full" and len(rows) > 2 * len(shift):
        unit = centred / np.where(scale > 0.0, scale, 1.0)
        correlation = unit.T @ unit / len(rows)
        if np.linalg.eigvalsh(correlation)[0] > _WEAK:
            root[:] = scale[:, None] * np.linalg.cholesky(correlation)
    return True


def _power_of_two(scale: FloatArray) -> FloatArray:
    usable = np.isfinite(scale) & (scale > 0.0)
    return np.where(usable, np.exp2(np.round(np.log2(np.where(usable, scale, 1.0)))), 1.0)


def outer_theta(family: ExponentialFamily, theta: FloatArray, found: DataMap | None) -> FloatArray:
    """Return the natural parameter in the units of the data.

    Parameters
    ----------
    family : ExponentialFamily
        Bound family.
    theta : ndarray of shape (p,)
        Natural parameter for mapped rows.
    found : DataMap or None
        The map.

    Returns
    -------
    ndarray of shape (p,)
        Natural parameter for the rows themselves.

    Examples
    --------
    >>> inner = Normal().natural(mean=0.5, var=1.0)
    >>> Normal().params(outer_theta(Normal(), inner, DataMap(np.array([10.0]), np.array([[2.0]]))))
    {'mean': 11.0, 'var': 4.0}
    """
    return theta if found is None else _outer(family, theta, found.shift, found.root)


def _outer(family: ExponentialFamily, theta: FloatArray, shift: FloatArray, root: FloatArray) -> FloatArray:
    if isinstance(family, ProductFamily):
        parts = [
            _outer(part, theta[place], shift[where], root[where, where]) for part, where, place in family.components
        ]
        return np.concatenate(parts)
    if isinstance(family, Gamma):
        return np.array([theta[0], theta[1] / root[0, 0]])
    if isinstance(family, Normal):
        values = family.params(theta)
        scale = float(root[0, 0])
        return family.natural(mean=shift[0] + scale * values["mean"], var=scale * scale * values["var"])
    if isinstance(family, MultivariateNormal):
        values = family.params(theta)
        cov = root @ values["cov"] @ root.T
        return family.natural(mean=shift + root @ values["mean"], cov=0.5 * (cov + cov.T))
    return theta


@dataclass(frozen=True)
class Leaf:
    """One independent block of a model: its terms add to those of the other blocks.

    Attributes
    ----------
    family : ExponentialFamily
        Family of the block; a single normal column is a one-dimensional ``MultivariateNormal``.
    where : slice
        Positions of its statistics in the statistics of the whole model.
    """

    family: ExponentialFamily
    where: slice

    @property
    def index(self) -> NDArray[np.intp]:
        """The positions as an array."""
        return np.arange(self.where.stop)[self.where]


def leaves(family: ExponentialFamily) -> list[Leaf]:
    """Return the independent blocks of a model.

    Parameters
    ----------
    family : ExponentialFamily
        Bound family.

    Returns
    -------
    list of Leaf
        The blocks of a product, the columns of a diagonal normal, the family itself otherwise.

    Examples
    --------
    >>> [leaf.index.tolist() for leaf in leaves(MultivariateNormal("diagonal", 2))]
    [[0, 2], [1, 3]]
    """
    return _leaves(family, 0)


def _leaves(family: ExponentialFamily, offset: int) -> list[Leaf]:
    if isinstance(family, ProductFamily):
        return [leaf for part, _, where in family.components for leaf in _leaves(part, offset + where.start)]
    p = family.n_params()
    one = MultivariateNormal("full", 1)
    if isinstance(family, Normal):
        return [Leaf(one, slice(offset, offset + 2))]
    if isinstance(family, MultivariateNormal) and family.structure == "diagonal":
        return [Leaf(one, slice(offset + k, offset + p, p // 2)) for k in range(p // 2)]
    return [Leaf(family, slice(offset, offset + p))]
