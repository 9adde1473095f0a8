"""Newton's method on the dual of entropic transport, for where Sinkhorn's iteration is slow.

With the rows balanced exactly, the dual is a smooth concave function of the column potentials
H alone. Its gradient is ``b - c`` (c the column sums of the plan P) and its negative Hessian
``diag(c) - P' diag(1/a) P``, which is singular along the constants only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..core.validation import FloatArray

__all__ = ["Point", "climb"]

_ARMIJO = 1e-4
_HALVINGS = 30
# Longest step of a potential, in units of eps, and the rise of the dual that rounding hides.
_LONGEST = 20.0
_HIDDEN = 1e-11


@dataclass(frozen=True)
class Point:
    """The dual at one vector of column potentials.

    Attributes
    ----------
    columns, rows : ndarray
        Potentials in units of eps; the rows are balanced.
    sums : ndarray
        Column sums of the plan.
    error : float
        L1 violation of the marginals.
    value : float
        Dual value in units of eps.
    """

    columns: FloatArray
    rows: FloatArray
    sums: FloatArray
    error: float
    value: float


def climb(
    start: Point,
    evaluate: Callable[[Point, FloatArray], Point],
    scaled_plan: Callable[[Point], FloatArray],
    target: FloatArray,
    tol: float,
    most: int,
) -> Point:
    """Return the point reached by Newton steps with backtracking.

    Parameters
    ----------
    start : Point
        Where to begin.
    evaluate : callable
        ``evaluate(point, columns)`` is the point at other column potentials.
    scaled_plan : callable
        ``diag(a)^(-1/2) P diag(c)^(-1/2)`` at a point, a new array.
    target : ndarray
        Column weights b.
    tol : float
        Stops when the error is smaller.
    most : int
        Most evaluations.

    Returns
    -------
    Point
        The best point; its error exceeds `tol` if evaluations ran out or rounding stopped the
        search.
    """
    point, left = start, most
    while point.error >= tol and left > 0:
        direction = _direction(scaled_plan(point), point.sums, target)
        # Parts of the plan that exchange next to no mass leave directions that are almost flat,
        # along which a full step would be huge: potentials further than that are out of reach.
        direction *= min(1.0, _LONGEST / max(float(np.abs(direction).max()), 1e-300))
        slope = float(direction @ (target - point.sums))
        best, used = _search(point, evaluate, direction, slope, left)
        left -= used
        if best is None:
            break
        point = best
    return point


def _search(
    point: Point,
    evaluate: Callable[[Point, FloatArray], Point],
    direction: FloatArray,
    slope: float,
    left: int,
) -> tuple[Point | None, int]:
    size = 1.0
    for used in range(1, min(_HALVINGS, left) + 1):
        new = evaluate(point, point.columns + size * direction)
        rises = new.value >= point.value + _ARMIJO * size * slope and new.value > point.value
        # Near the top the rise drowns in rounding; there the gradient tells.
        hidden = size * slope < _HIDDEN * (1.0 + abs(point.value))
        if rises or (hidden and new.error < 0.9 * point.error):
            return new, used
        size *= 0.5
    return None, min(_HALVINGS, left)


def _direction(scaled: FloatArray, sums: FloatArray, target: FloatArray) -> FloatArray:
    """Solve for the Newton step in the variables scaled by the root of the column sums."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    root = np.sqrt(sums)
    matrix = -(scaled.T @ scaled)
    # The scaled Hessian maps the root of the sums to zero; this term gives it eigenvalue one.
    matrix += np.outer(root, root)
    diagonal = np.einsum("ii->i", matrix)
    diagonal += 1.0
    ridge = 0.0
    while True:
        try:
            factor = cho_factor(matrix, lower=True, check_finite=False)
            break
        except LinAlgError:
            # Rounding has made the smallest eigenvalue negative: lift the spectrum a little,
            # which shortens the step along the flattest directions.
            lift = max(1e-14, 9.0 * ridge)
            diagonal += lift
            ridge += lift
    return np.asarray(cho_solve(factor, (target - sums) / root, check_finite=False) / root)
