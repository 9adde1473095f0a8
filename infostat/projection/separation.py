"""Whether the likelihood of a discrete regression has a maximum: a linear programme."""

from __future__ import annotations

import numpy as np

from ..core.errors import BoundaryProjectionError
from ..core.validation import FloatArray
from .general_linear import LinearRoute, Regression
from .general_moments import Rows, low_moments
from .general_responses import BinomialResponse, PoissonResponse

__all__ = ["refuse_separated"]

_SUSPECT = 1e-6  # smallest curvature relative to the largest that is taken for an interior maximum
_TOLERANCE = 1e-7


def refuse_separated(route: LinearRoute, rows: Rows, labels: tuple[str, ...]) -> None:
    """Raise if a direction of coefficients increases the likelihood for ever.

    Parameters
    ----------
    route : LinearRoute
        At the fitted coefficients.
    rows : Rows
        Data.
    labels : tuple of str
        Names of the coefficients.

    Raises
    ------
    BoundaryProjectionError
        For a binomial or Poisson regression whose classes are (quasi-)separated.

    Notes
    -----
    The maximum does not exist if a direction v other than zero has ``x'v >= 0`` in rows of success, ``<= 0``
    in rows of failure and ``= 0`` in rows that are neither (Albert and Anderson, 1984); for counts
    ``x'v <= 0`` in rows of zero and ``= 0`` in the others. The programme is solved only where the
    curvature at the fit is suspiciously small.
    """
    if not isinstance(route.response, (BinomialResponse, PoissonResponse)):
        return
    data: Regression = rows.points
    keep = rows.weights > 0.0
    design, y = data.design[keep], data.y[keep]
    _, _, J = low_moments(route, rows)
    gram = (data.design * rows.weights[:, None]).T @ data.design
    inverse = np.linalg.inv(np.linalg.cholesky(gram))
    if np.isfinite(J).all():
        curvature = np.linalg.eigvalsh(inverse @ J @ inverse.T)
        if curvature[0] > _SUSPECT * max(curvature[-1], 1e-3):
            return
    direction = _direction(design, y, isinstance(route.response, BinomialResponse))
    if direction is None:
        return
    shown = [f"{labels[k]} {direction[k]:+.3g}" for k in np.argsort(-np.abs(direction))[:6] if abs(direction[k]) > 1e-9]
    raise BoundaryProjectionError(
        "the likelihood must have a maximum at finite coefficients, but it grows for ever in the direction "
        f"({', '.join(shown)}), which separates {int(np.sum(np.abs(design @ direction) > _TOLERANCE))} of {len(y)} "
        "rows perfectly; drop or merge these columns, or collect rows that overlap"
    )


def _direction(design: FloatArray, y: FloatArray, binary: bool) -> FloatArray | None:
    from scipy.optimize import linprog

    sign = np.where(y == 0.0, -1.0, np.where((y == 1.0) & binary, 1.0, 0.0))
    free = sign != 0.0
    towards = sign[free, None] * design[free]
    fixed = design[~free]
    solved = linprog(
        -towards.sum(axis=0) / max(len(towards), 1),
        A_ub=-towards if len(towards) else None,
        b_ub=np.zeros(len(towards)) if len(towards) else None,
        A_eq=fixed if len(fixed) else None,
        b_eq=np.zeros(len(fixed)) if len(fixed) else None,
        bounds=(-1.0, 1.0),
        method="highs",
    )
    found = None if solved.x is None else np.asarray(solved.x)
    return found if found is not None and -solved.fun > _TOLERANCE else None
