"""Does the projection on a finite support exist, and if not, why?

The equation ``E_theta[xi] = eta`` has a solution exactly when eta lies in the interior of the convex
support, the convex hull of the statistics of the cells. Otherwise there is a direction v with
``v . (xi_i - eta) <= 0`` on every cell and ``< 0`` on some: along v the likelihood only grows, and the
cells with ``< 0`` lose all their probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.validation import FloatArray
from .rows import BoolArray

__all__ = ["Face", "boundary_face", "face_along", "face_words"]

_OPTIMUM = 1e-9  # mean slack of the linear programme above which eta is not interior
_SLACK = 1e-7  # slack of a cell, in units of the ranges, below which it lies on the face
_FEASIBILITY = 1e-10
_FAR = 1e6  # ranges beyond the support that count as infinitely far
_EXACT = 1e-12  # violation of a cell, against the largest slack, that rounding explains
_SHOWN_CELLS, _SHOWN_TERMS = 4, 6


@dataclass(frozen=True, eq=False)
class Face:
    """Where and how a mean statistic misses the interior of the convex support.

    Attributes
    ----------
    direction : ndarray of shape (p,)
        v with ``v . (xi_i - eta) <= 0`` on every cell; its largest entry has size one.
    off : ndarray of bool, shape (M,)
        Cells with ``v . (xi_i - eta) < 0``: they are empty in the data and lose their probability.
    outside : bool
        Whether no cell has equality, so that eta lies outside the convex support.
    """

    direction: FloatArray
    off: BoolArray
    outside: bool


def face_along(statistics: FloatArray, eta: FloatArray, direction: FloatArray) -> Face:
    """Return the face that a direction exposes.

    Parameters
    ----------
    statistics : ndarray of shape (M, p)
        Statistics of the cells.
    eta : ndarray of shape (p,)
        Mean statistic.
    direction : ndarray of shape (p,)
        v with ``v . (xi_i - eta) <= 0`` on every cell, up to rounding.

    Returns
    -------
    Face
        The face.

    Examples
    --------
    >>> face = face_along(np.array([[0.0], [1.0], [2.0]]), np.array([2.0]), np.array([3.0]))
    >>> face.direction, face.off, face.outside
    (array([1.]), array([ True,  True, False]), False)
    """
    spread = np.ptp(statistics, axis=0)
    in_ranges = direction * spread
    kept = np.where(np.abs(in_ranges) > _SLACK * np.abs(in_ranges).max(), direction, 0.0)
    slack = (eta - statistics) @ (kept / np.abs(kept * spread).max())
    off = np.asarray(slack > _SLACK)
    return Face(np.asarray(kept / np.abs(kept).max()), off, bool(off.all()))


def boundary_face(statistics: FloatArray, eta: FloatArray) -> Face | None:
    """Return the face of the convex support on which eta lies, or None if it is interior.

    Parameters
    ----------
    statistics : ndarray of shape (M, p)
        Statistics of the cells.
    eta : ndarray of shape (p,)
        Mean statistic.

    Returns
    -------
    Face or None
        The face with the largest mean slack.

    Notes
    -----
    Linear programme ``max_v -mean_i v . (xi_i - eta)`` subject to ``v . (xi_i - eta) <= 0`` for all cells and
    ``|v| <= 1``, with every statistic divided by its range. Its value is 0 for an interior eta. A second
    programme, the largest slack that all cells have in common, tells the outside from the boundary.

    Examples
    --------
    >>> square = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> boundary_face(square, np.array([0.5, 0.2])) is None
    True
    >>> boundary_face(square, np.array([0.5, 1.0])).direction
    array([0., 1.])
    """
    spread = np.ptp(statistics, axis=0)
    # A mean far outside stays outside when it is brought nearer, and its slack stays a float.
    near = np.clip(eta, statistics.min(axis=0) - _FAR * spread, statistics.max(axis=0) + _FAR * spread)
    scaled = (statistics - near) / spread
    v = _programme(scaled, common=False)
    slack = -scaled @ v
    # A direction that some cell violates is the solver's tolerance: eta is close to the boundary, not on it.
    if not slack.mean() > _OPTIMUM or slack.min() < -_EXACT * slack.max():
        return None
    apart = _programme(scaled, common=True)
    if (-scaled @ apart).min() > _OPTIMUM:
        return face_along(statistics, eta, apart / spread)
    return face_along(statistics, eta, v / spread)


def _programme(scaled: FloatArray, *, common: bool) -> FloatArray:
    """The direction of largest mean slack, or with `common` of the largest slack that all cells have."""
    from scipy.optimize import linprog

    p = scaled.shape[1]
    cost = np.append(np.zeros(p), -1.0) if common else scaled.mean(axis=0)
    table = np.column_stack([scaled, np.ones(len(scaled))]) if common else scaled
    found = linprog(
        cost,
        A_ub=table,
        b_ub=np.zeros(len(scaled)),
        bounds=[(-1.0, 1.0)] * p + [(0.0, None)] * common,
        method="highs",
        options={"primal_feasibility_tolerance": _FEASIBILITY},
    )
    return np.zeros(p) if found.x is None else np.asarray(found.x[:p])


def face_words(face: Face, names: Sequence[str], points: FloatArray) -> str:
    """Return what a face says about the data, for the error message.

    Parameters
    ----------
    face : Face
        The face.
    names : sequence of str
        Labels of the statistics.
    points : ndarray of shape (M,) or (M, d)
        The cells.

    Returns
    -------
    str
        The direction, the cells, the cure.

    Examples
    --------
    >>> cells = np.array([0.0, 1.0, 2.0])
    >>> print(face_words(face_along(cells[:, None], np.array([2.0]), np.array([1.0])), ["x"], cells))
    the mean statistic is on the boundary of the convex support: theta runs to infinity in the direction
    v = x, which takes all probability from 2 of 3 cells that hold no data (0; 1); collect observations
    there, drop the statistics of v, or merge or leave out these cells
    """
    v = _direction_words(face.direction, names)
    if face.outside:
        return (
            f"the mean statistic is outside the convex support: no law on the {len(points)} cells has it "
            f"(every cell lies below it in the direction v = {v}); check eta"
        )
    empty = np.flatnonzero(face.off)
    shown = "; ".join(_cell(points[i]) for i in empty[:_SHOWN_CELLS])
    more = "; ..." if empty.size > _SHOWN_CELLS else ""
    return (
        "the mean statistic is on the boundary of the convex support: theta runs to infinity in the direction "
        f"v = {v}, which takes all probability from {empty.size} of {len(points)} cells that hold no data "
        f"({shown}{more}); collect observations there, drop the statistics of v, or merge or leave out these cells"
    )


def _direction_words(direction: FloatArray, names: Sequence[str]) -> str:
    used = np.flatnonzero(direction)
    largest = sorted(used[np.argsort(-np.abs(direction[used]), kind="stable")][:_SHOWN_TERMS])
    words = ""
    for k in largest:
        size = abs(float(direction[k]))
        factor = "" if abs(size - 1.0) < _SLACK else f"{size:.4g} "
        sign = ("-" if direction[k] < 0 else "") if not words else (" - " if direction[k] < 0 else " + ")
        words += f"{sign}{factor}{names[k]}"
    return words + (" + ..." if used.size > _SHOWN_TERMS else "")


def _cell(point: FloatArray) -> str:
    if np.ndim(point) == 0:
        return f"{point:g}"
    shown = ", ".join(f"{value:g}" for value in point[:16])
    return f"({shown}{', ...' if len(point) > 16 else ''})"
