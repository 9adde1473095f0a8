"""The largest log ratio of two laws on the line: the Rényi divergence of infinite order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.validation import FloatArray
from .law_arguments import Law
from .law_quadrature import check_same_kind, cuts_of, mass_beyond, point_blocks, search_grid

__all__ = ["supremum"]


def supremum(p: Law, q: Law) -> float:
    """Return the supremum of ``log p - log q`` where p is positive.

    Parameters
    ----------
    p, q : Law
        Both continuous or both discrete.

    Returns
    -------
    float
        Largest log ratio found on a grid of quantiles and refined; inf if it still grows
        towards an end, or if p is positive where q is zero.

    Raises
    ------
    InputError
        As for `integrate`.

    Examples
    --------
    >>> from infostat.divergences.law_arguments import as_law_or_member, law_of
    >>> p, q = (law_of("P", as_law_or_member("P", ("exponential", [-t]))) for t in (2.0, 1.0))
    >>> round(supremum(p, q), 12)
    0.69314718056
    """
    check_same_kind(p, q)
    if p.discrete:
        blocks = point_blocks(p, q)
        # The bulk and five rings: sixty times the width of the bulk.
        points = np.unique(np.concatenate([block for block, _ in zip(blocks, range(6), strict=False)]))
        return _top(p, q, points, None)
    if p.circular:
        q = q.moved_to(p.support)
    low, high = max(p.support[0], q.support[0]), min(p.support[1], q.support[1])
    if low >= high or mass_beyond(p, low, high, 1.0) > 0.0:
        return math.inf
    return _top(p, q, search_grid(low, high, cuts_of(p, q, low, high, None)), (low, high))


def _top(p: Law, q: Law, x: FloatArray, ends: tuple[float, float] | None) -> float:
    from scipy.optimize import minimize_scalar

    def ratio(point: Any) -> Any:
        first, second = np.asarray(p.log_density(point)), np.asarray(q.log_density(point))
        with np.errstate(invalid="ignore"):
            return np.where(first == -np.inf, -np.inf, first - second)

    values = ratio(x)
    best = int(np.argmax(values))
    top = float(values[best])
    edge = 0 if best < len(x) // 2 else len(x) - 1
    # A finite end that is one of the points has been reached: nothing grows beyond it.
    reached = ends is None and x[edge] in (*p.support, *q.support)
    if math.isinf(top) or (abs(best - edge) <= 3 and not reached and _still_grows(values, edge)):
        return math.inf
    if ends is None or best in (0, len(x) - 1):
        return top
    found = minimize_scalar(
        lambda point: -float(ratio(point)), bounds=(x[best - 1], x[best + 1]), method="bounded",
        options={"xatol": 1e-12 * max(1.0, abs(float(x[best])))},
    )  # fmt: skip
    return max(top, -float(found.fun))


def _still_grows(values: FloatArray, edge: int) -> bool:
    """Whether the ratio grows towards the edge by steps that do not shrink."""
    last = values[:6][::-1] if edge == 0 else values[-6:]
    last = last[np.isfinite(last)]
    steps = np.diff(last)
    return bool(len(steps) >= 3 and steps[-1] > 1e-9 and steps[-1] > 0.6 * steps[-2])
