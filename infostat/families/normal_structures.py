"""Shapes of the covariance of a multivariate normal: full, diagonal, or a graph."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.validation import FloatArray, check_choice
from .edge_lists import Edges, check_edges

__all__ = [
    "Structure",
    "check_size",
    "check_structure",
    "n_statistics",
    "n_variables",
    "refuse_partial_correlations",
    "statistic_pairs",
]

Structure = Literal["full", "diagonal"] | Edges

_WORDS = "'full', 'diagonal', or a list of index pairs (the edges of a graph)"


def check_structure(structure: Any) -> Structure:
    """Return a structure in its canonical form, or raise.

    Parameters
    ----------
    structure : str or iterable of pairs
        What the caller passed.

    Returns
    -------
    str or tuple of pairs
        ``"full"``, ``"diagonal"`` or sorted edges.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if isinstance(structure, str):
        return check_choice("structure", structure, ("full", "diagonal"))
    return check_edges(structure, "structure", _WORDS)


def statistic_pairs(structure: Structure, d: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return index pairs of the quadratic statistics in their order: squares, then products.

    Parameters
    ----------
    structure : str or edges
        Shape of the covariance.
    d : int
        Number of variables.

    Returns
    -------
    tuple of ndarray of int
        First and second indices.

    Examples
    --------
    >>> i, j = statistic_pairs(((0, 2),), 3)
    >>> i.tolist(), j.tolist()
    ([0, 1, 2, 0], [0, 1, 2, 2])
    """
    squares = np.arange(d)
    if structure == "full":
        i, j = np.triu_indices(d, 1)
    else:
        i, j = np.array(_edges(structure), dtype=np.intp).reshape(-1, 2).T
    return np.concatenate([squares, i]), np.concatenate([squares, j])


def n_statistics(structure: Structure, d: int) -> int:
    """Return the number of statistics of d variables.

    Parameters
    ----------
    structure : str or edges
        Shape of the covariance.
    d : int
        Number of variables.

    Returns
    -------
    int
        ``d(d+3)/2`` (full), ``2d`` (diagonal), ``2d`` plus the number of edges (graph).
    """
    return d * (d + 3) // 2 if structure == "full" else 2 * d + len(_edges(structure))


def n_variables(structure: Structure, size: int) -> int:
    """Return the number of variables that belongs to a number of statistics.

    Parameters
    ----------
    structure : str or edges
        Shape of the covariance.
    size : int
        Number of statistics.

    Returns
    -------
    int
        d.

    Raises
    ------
    InputError
        If no number of variables has so many statistics.
    """
    if structure == "full":
        d = int((math.isqrt(9 + 8 * size) - 3) // 2)
    else:
        d = (size - len(_edges(structure))) // 2
    if d < 1 or n_statistics(structure, d) != size:
        raise InputError(
            f"theta must have a length d(d+3)/2 (full), 2d (diagonal) or 2d plus the number of edges, got {size}"
        )
    check_size(structure, d)
    return d


def check_size(structure: Structure, d: int) -> None:
    """Refuse edges with columns that do not exist.

    Parameters
    ----------
    structure : str or edges
        Shape of the covariance.
    d : int
        Number of variables.

    Raises
    ------
    InputError
        If an edge names a column beyond the last one.
    """
    largest = max((j for _, j in _edges(structure)), default=0)
    if d < 1:
        raise InputError("data of the multivariate normal must have at least one column, got none")
    if largest >= d:
        raise InputError(
            f"structure must name columns from 0 to {d - 1} (there are {d} variables), got an edge with column "
            f"{largest}"
        )


def refuse_partial_correlations(root: FloatArray, structure: Structure) -> None:
    """Refuse a covariance with partial correlations off the edges.

    Parameters
    ----------
    root : ndarray of shape (d, d)
        Lower triangular root of the covariance.
    structure : str or edges
        Shape of the covariance.

    Raises
    ------
    InputError
        If the inverse does not vanish off the edges, up to rounding.
    """
    scale = np.sqrt(np.sum(root * root, axis=1))
    inverse = np.linalg.solve(root / scale[:, None], np.eye(len(root)))
    precision = inverse.T @ inverse
    spread = np.sqrt(np.diag(precision))
    partial = np.abs(precision / np.outer(spread, spread))
    i, j = statistic_pairs(structure, len(root))
    partial[i, j] = partial[j, i] = 0.0
    # Rounding in the covariance grows with its condition number on the way to the inverse.
    if partial.max() > max(1e-8, 1e-14 * float(np.trace(precision))):
        a, b = np.unravel_index(int(partial.argmax()), partial.shape)
        raise InputError(
            f"cov must have an inverse that vanishes off the edges, got a partial correlation of {partial.max():.3g} "
            f"between variables {min(a, b)} and {max(a, b)}; project() finds the closest law of the graph"
        )


def _edges(structure: Structure) -> Edges:
    """Edges of a structure that is not full."""
    return () if isinstance(structure, str) else structure
