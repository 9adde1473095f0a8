"""Rows that occur more than once, which leave-one-out has to treat as one point.

A density that leaves out a row but keeps its copy grows without bound as the bandwidth goes to
zero. By default all copies of a point are left out together: the data become distinct points
with multiplicities, and leaving out by index is right again.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.chunk_rows import BlockRows, keep_rows
from ..core.errors import DataError, DuplicateRowsWarning
from ..core.validation import FloatArray, check_choice

__all__ = ["DUPLICATES", "DistinctRows", "distinct_rows", "remaining_masses"]

DUPLICATES = ("group", "drop", "raise")
_CHUNK = 1 << 18  # values hashed at a time: 2 MB
_FLAG = "duplicates"


@dataclass(frozen=True)
class DistinctRows:
    """Data without repeated rows.

    Attributes
    ----------
    points : ndarray of shape (n, d)
        Distinct rows in the order of their first occurrence; the data themselves (not a copy)
        where all rows are distinct.
    masses : ndarray of shape (n,) or None
        Mass of each point: the sum of the weights (or the number) of its copies; with
        ``"drop"`` the weight of the first copy. None where every point counts one.
    inverse : ndarray of int of shape (rows of the data,) or None
        Row of `points` that each row of the data equals; None where all rows are distinct.
    n_copies : int
        Rows of the data that repeat an earlier row.
    flags : tuple of str
        ``("duplicates",)`` where rows repeat.
    """

    points: FloatArray
    masses: FloatArray | None
    inverse: NDArray[np.intp] | None
    n_copies: int

    @property
    def flags(self) -> tuple[str, ...]:
        """``("duplicates",)`` where rows repeat."""
        return (_FLAG,) if self.n_copies else ()


def distinct_rows(
    X: FloatArray, duplicates: Any = "group", *, weights: FloatArray | None = None, warn: bool = True
) -> DistinctRows:
    """Return the distinct rows of `X` and their masses.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite float64 rows.
    duplicates : {"group", "drop", "raise"}
        Copies add their masses, are dropped but for the first, or are an error.
    weights : ndarray of shape (n,), optional
        Masses of the rows; None is one each.
    warn : bool
        Issue a `DuplicateRowsWarning` where rows repeat.

    Returns
    -------
    DistinctRows
        Without a copy of the data where all rows are distinct.

    Raises
    ------
    InputError
        If `duplicates` is another word.
    DataError
        If it is ``"raise"`` and rows repeat.

    Examples
    --------
    >>> found = distinct_rows(np.array([[1.0], [2.0], [1.0]]), warn=False)
    >>> found.points.ravel(), found.masses, found.inverse, found.n_copies
    (array([1., 2.]), array([2., 1.]), array([0, 1, 0]), 1)
    """
    rule = check_choice("duplicates", duplicates, DUPLICATES)
    labels = _labels(X)
    if labels is None:
        return DistinctRows(X, weights, None, 0)
    first, inverse = _in_order(labels)
    n_copies = len(X) - len(first)
    said = f"X holds {n_copies} rows that repeat an earlier row"
    if rule == "raise":
        raise DataError(
            f'X must have distinct rows, got {n_copies} that repeat an earlier one; duplicates="group" leaves '
            'all copies of a point out together, "drop" keeps one of each'
        )
    own = np.ones(len(X)) if weights is None else weights
    masses: FloatArray | None
    if rule == "drop":
        masses = None if weights is None else own[first]
        done = "one of each is kept"
    else:
        masses = np.asarray(np.bincount(inverse, weights=own, minlength=len(first)), dtype=np.float64)
        done = "all copies of a point are left out together"
    if warn:
        warnings.warn(f"{said}; {done}", DuplicateRowsWarning, stacklevel=3)
    return DistinctRows(keep_rows(X, first), masses, inverse, n_copies)


def remaining_masses(masses: FloatArray | None, n: int) -> FloatArray:
    """Return the total mass of the other points, for each point.

    Parameters
    ----------
    masses : ndarray of shape (n,) or None
        Masses; None is one each.
    n : int
        Number of points.

    Returns
    -------
    ndarray of shape (n,)
        Total minus own, without cancellation.

    Examples
    --------
    >>> remaining_masses(np.array([1.0, 2.0, 1.0]), 3)
    array([3., 2., 3.])
    """
    if masses is None:
        return np.full(n, n - 1.0)
    rest = np.asarray(masses.sum() - masses)
    # At most one point carries more than half: there the others are summed.
    for i in np.flatnonzero(masses > 0.5 * masses.sum()):
        rest[i] = masses[:i].sum() + masses[i + 1 :].sum()
    return rest


def _labels(X: FloatArray) -> NDArray[np.intp] | None:
    """Return an integer for each row, equal for equal rows; None if all rows differ."""
    keys = _hashes(X)
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    if not (ranked[1:] == ranked[:-1]).any():
        return None
    # Equal hashes are candidates; only their rows are compared, value by value.
    hit = np.zeros(len(X), dtype=bool)
    same = ranked[1:] == ranked[:-1]
    hit[order[1:][same]] = hit[order[:-1][same]] = True
    rows = np.flatnonzero(hit)
    if isinstance(X, BlockRows):
        from .stream_duplicates import equal_rows

        inverse = equal_rows(X, order, ranked)[rows]
    else:
        inverse = np.unique(X[rows] + 0.0, axis=0, return_inverse=True)[1].reshape(-1)
    if len(np.unique(inverse)) == len(rows):
        return None
    labels = np.arange(len(X))
    labels[rows] = len(X) + inverse
    return labels


def _hashes(X: FloatArray) -> NDArray[np.uint64]:
    """Return an integer hash of every row, the same for equal rows wherever they stand."""
    # Sums of odd multiples wrap around exactly, unlike floating-point sums, which may depend on
    # the position of a row.
    odd = np.random.default_rng(0).integers(1, 2**63, size=X.shape[1], dtype=np.uint64) | np.uint64(1)
    factors = np.asarray(odd, dtype=np.uint64)
    if isinstance(X, BlockRows):
        return np.concatenate(X.map(_block_hashes, factors))
    return _block_hashes(X, 0, factors)


def _block_hashes(X: FloatArray, start: int, factors: NDArray[np.uint64]) -> NDArray[np.uint64]:
    keys = np.empty(len(X), dtype=np.uint64)
    step = max(1, _CHUNK // X.shape[1])
    for first in range(0, len(X), step):
        bits = (X[first : first + step] + 0.0).view(np.uint64)  # adding zero makes -0.0 equal 0.0
        bits ^= bits >> np.uint64(29)
        bits *= factors
        bits ^= bits >> np.uint64(32)
        keys[first : first + step] = bits.sum(axis=1, dtype=np.uint64)
    return keys


def _in_order(labels: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first occurrence of each label, in order, and the position of each row among them."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return first[order].astype(np.intp), rank[inverse.reshape(-1)]
