"""Populations as truths: weighted nodes, or a frozen scipy law turned into nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.errors import InputError, InputTypeError
from ..core.validation import FloatArray, as_float_array, check_weights, short
from ..families.base import ExponentialFamily
from ..families.law_checks import law_support

__all__ = ["is_frozen_law", "law_nodes", "truth_nodes"]

TOLERANCE = 1e-10
_WIDEST = 5_000_000  # integers of a discrete law
_MASS = 1e-10  # probability that the nodes may miss before they are refused
_LEVELS = (8, 16, 32, 64, 128, 256, 512)  # panels of 16 Gauss-Legendre nodes


def is_frozen_law(truth: Any) -> bool:
    """Return whether `truth` looks like a frozen scipy.stats law.

    Parameters
    ----------
    truth : object
        Anything.

    Returns
    -------
    bool
        True for objects with ``cdf``, ``ppf``, ``support`` and ``dist``.
    """
    # `dist` is what a law has only once its parameters are frozen.
    return all(hasattr(truth, name) for name in ("cdf", "ppf", "support", "dist"))


def truth_nodes(truth: Any, family: ExponentialFamily) -> tuple[FloatArray, FloatArray]:
    """Return the points and weights of ``truth=(nodes, weights)``.

    Parameters
    ----------
    truth : tuple
        Nodes in data space and non-negative weights.
    family : ExponentialFamily
        Family that encodes the nodes.

    Returns
    -------
    encoded, weights : ndarray
        Nodes of positive weight and weights of sum one.

    Raises
    ------
    InputTypeError
        If `truth` is not such a pair.
    """
    if not isinstance(truth, (tuple, list)) or len(truth) != 2:
        raise InputTypeError(
            f"truth must be (nodes, weights) or a frozen scipy law, got {short(truth)}"
        )
    points, raw = truth
    try:
        encoded = family.encode(points)
    except (InputError, InputTypeError) as error:
        raise type(error)(f"truth must hold points that the family can take: {error}") from None
    weights = check_weights(as_float_array("weights of truth", raw), len(encoded), "weights of truth")
    keep = weights > 0
    return encoded[keep], weights[keep]


def law_nodes(
    law: Any, measure: Callable[[FloatArray, FloatArray], FloatArray], tolerance: float = TOLERANCE
) -> tuple[FloatArray, FloatArray]:
    """Return nodes of a univariate frozen law at which `measure` has converged.

    Parameters
    ----------
    law : frozen scipy.stats law
        Continuous or discrete.
    measure : callable
        Maps ``(points, weights)`` to the numbers that must be accurate.
    tolerance : float
        Relative agreement of two successive refinements.

    Returns
    -------
    points, weights : ndarray
        Nodes with weights of sum one.

    Raises
    ------
    InputError
        If the numbers do not converge: infinite moments, or a density with
        kinks that no node set of reasonable size resolves.

    Notes
    -----
    The line is mapped so that the density decays doubly exponentially at both
    ends (sinh for infinite ends, exp and the logistic map for finite ones),
    which resolves algebraic singularities and power tails; panels meet at the
    median, where symmetric laws may have a kink.
    """
    law_support(law)
    if not hasattr(law, "pdf") or not _is_continuous(law):
        return _discrete_nodes(law)
    previous: FloatArray | None = None

    def measured(panels: int, shrink: float = 1.0) -> tuple[FloatArray, FloatArray, FloatArray]:
        points, weights = _panel_nodes(law, panels, shrink)
        total = float(weights.sum())
        weights = weights / total
        with np.errstate(all="ignore"):
            values = np.append(measure(points, weights), total)
        return points, weights, values

    for panels in _LEVELS:
        points, weights, current = measured(panels)
        if previous is not None and _agree(current, previous, tolerance) and abs(current[-1] - 1.0) < _MASS:
            # Nodes that reach half as far must say the same, else the tails carry infinite moments.
            if _agree(current, measured(panels, 0.5)[2], tolerance):
                return points, weights
            break
        previous = current
    raise InputError(
        "truth could not be integrated to 1e-10: its moments may be infinite or its density has several "
        "kinks; pass truth=(nodes, weights) with nodes of your own"
    )


def _agree(current: FloatArray, other: FloatArray, tolerance: float) -> bool:
    finite = bool(np.isfinite(current).all() and np.isfinite(other).all())
    return finite and bool(np.all(np.abs(current - other) <= tolerance * np.maximum(1.0, np.abs(current))))


def _is_continuous(law: Any) -> bool:
    from scipy import stats

    return isinstance(getattr(law, "dist", None), stats.rv_continuous)


def _discrete_nodes(law: Any) -> tuple[FloatArray, FloatArray]:
    low, high = law.support()
    first = float(law.ppf(1e-300)) if np.isinf(low) else float(low)
    # Beyond the 1 - 1e-16 quantile moments up to order six still matter, hence the generous stretch.
    last = float(high)
    # scipy steps to a far quantile ten integers at a time: heavy tails would take it hours.
    if np.isinf(high) and not float(law.sf(law.median() + _WIDEST / 12.0)) <= 1e-15:
        raise InputError(
            "truth has a discrete tail too heavy to enumerate, its moments may be infinite; "
            "pass truth=(nodes, weights)"
        )
    if np.isinf(high):
        last = float(law.median()) + 12.0 * max(float(law.ppf(1.0 - 1e-15) - law.median()), 10.0)
    if last - first > _WIDEST:
        raise InputError("truth has too wide a discrete support to enumerate; pass truth=(nodes, weights)")
    points = np.arange(first, last + 1.0)
    weights = np.asarray(law.pmf(points), dtype=float)
    keep = weights > 0
    return points[keep], weights[keep] / weights[keep].sum()


def _panel_nodes(law: Any, panels: int, shrink: float) -> tuple[FloatArray, FloatArray]:
    centre = float(law.median())
    low, high = _ends(law, centre)
    scale = float(law.ppf(0.75) - law.ppf(0.25)) or 1.0
    nodes, gauss = np.polynomial.legendre.leggauss(16)
    parts = []
    for side in (-1.0, 1.0):
        end = low if side < 0 else high
        reach = _reach(law, centre, scale, end, side, shrink)
        edges = np.linspace(0.0, reach, panels + 1)
        half = 0.5 * np.diff(edges)
        t = (edges[:-1] + half)[:, None] + half[:, None] * nodes
        x, slope = _map(t.ravel(), centre, scale, end, side)
        inside = (x > low) & (x < high)
        weight = np.where(inside, law.pdf(np.where(inside, x, centre)), 0.0) * slope
        parts.append((x[inside], (weight * (half[:, None] * gauss).ravel())[inside]))
    points = np.concatenate([parts[0][0][::-1], parts[1][0]])
    weights = np.concatenate([parts[0][1][::-1], parts[1][1]])
    return points, weights


def _ends(law: Any, centre: float) -> tuple[float, float]:
    if law.dist.name == "vonmises":  # periodic on the whole line; one period is the law
        return centre - np.pi, centre + np.pi
    low, high = law.support()
    return float(low), float(high)


def _map(
    t: FloatArray, centre: float, scale: float, end: float, side: float
) -> tuple[FloatArray, FloatArray]:
    """Half line ``t >= 0`` to the half of the support from the centre to `end`."""
    if np.isinf(end):
        return centre + side * scale * np.sinh(t), scale * np.cosh(t)
    width = abs(end - centre)
    gap = width * np.exp(-np.sinh(t))  # distance from the end, down to the smallest floats
    return end - side * gap, gap * np.cosh(t)


def _reach(law: Any, centre: float, scale: float, end: float, side: float, shrink: float) -> float:
    """Where the mapped density times a sixth power has fallen below rounding.

    Power tails may never fall that far: they are cut where the floats end, times `shrink`.
    """
    grid = np.linspace(0.0, 200.0 if np.isinf(end) else 6.6, 4001)
    with np.errstate(all="ignore"):
        x, slope = _map(grid, centre, scale, end, side)
        size = np.abs((x - centre) / scale) ** 6 + 1.0
        mass = np.asarray(law.pdf(x)) * slope * size
    finite = np.isfinite(mass)
    relevant = np.flatnonzero(np.where(finite, mass, 0.0) > 1e-19 * mass[finite].max())
    following = int(relevant[-1]) + 1
    if np.isinf(end) and (following == len(grid) or not finite[following]):
        return float(grid[following - 1]) * shrink
    return float(grid[min(following, len(grid) - 1)])
