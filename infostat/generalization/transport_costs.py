"""Transport between two labelled clouds of one layer: pure functions, no validation.

The cost of moving (t, y) to (t', y') is ``K |t - t'| + B 1[y != y']``. The linear programme is solved by
:func:`infostat.divergences.exact_transport.solve_transport`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.validation import FloatArray
from ..divergences.entropic import power_cost
from ..divergences.exact_transport import TransportSolution, solve_transport
from ..divergences.one_dimensional import wasserstein_1d
from ..divergences.pair_sums import unit_scale

__all__ = ["CloudPair", "labelled_cost", "mean_distance", "stretched", "uniform_transport"]

_ROWS = 256
# A pair counts as evidence against a Lipschitz constant only beyond what half-precision activations blur.
_SLACK, _BLUR = 1.01, 1e-3


@dataclass(frozen=True)
class CloudPair:
    """Two labelled samples of one layer.

    Attributes
    ----------
    x, y : ndarray of shape (n, d) and (m, d)
        Points.
    mismatch : ndarray of bool of shape (n, m)
        Where the labels differ.
    """

    x: FloatArray
    y: FloatArray
    mismatch: NDArray[np.bool_]

    def distances(self) -> FloatArray:
        """Return the table of Euclidean distances; inf only beyond the range of floats."""
        unit = unit_scale(self.x, self.y)
        table = power_cost(self.x / unit, self.y / unit, 1.0)
        with np.errstate(over="ignore"):
            table *= unit
        return table


def labelled_cost(
    distances: FloatArray, mismatch: NDArray[np.bool_], lipschitz: float, label_cost: float
) -> FloatArray:
    """Return the table of ``K |t - t'| + B 1[y != y']``.

    Parameters
    ----------
    distances : ndarray of shape (n, m)
        Euclidean distances.
    mismatch : ndarray of bool of shape (n, m)
        Where the labels differ.
    lipschitz, label_cost : float
        K and B.

    Returns
    -------
    ndarray of shape (n, m)
        A new table.

    Examples
    --------
    >>> labelled_cost(np.array([[1.0, 2.0]]), np.array([[False, True]]), 3.0, 10.0)
    array([[ 3., 16.]])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        # A constant map does not see distances, not even infinite ones.
        table = distances * lipschitz if lipschitz > 0.0 else np.zeros(distances.shape)
        # Equal points cost nothing under any constant (0 times inf is nan).
        table[distances == 0.0] = 0.0
        np.add(table, label_cost, out=table, where=mismatch)
    return table


def uniform_transport(cost: FloatArray, *, plan: bool = False) -> TransportSolution:
    """Return the cheapest coupling of two uniform laws.

    Parameters
    ----------
    cost : ndarray of shape (n, m)
        Non-negative costs; divided in place by their scale.
    plan : bool
        Keep the coupling.

    Returns
    -------
    TransportSolution
        The optimum; the independent coupling, an upper bound, where a cost is infinite or the solver stopped.

    Examples
    --------
    >>> uniform_transport(np.array([[4.0, 0.0], [0.0, 4.0]])).value
    0.0
    """
    n, m = cost.shape
    independent = np.full((n, m), 1.0 / n / m) if plan else None
    if not np.isfinite(cost).all():
        return TransportSolution(np.inf, independent, "")
    unit = unit_scale(cost)
    cost /= unit
    found = solve_transport(np.full(n, 1.0 / n), np.full(m, 1.0 / m), cost, plan=plan)
    if found.trouble:
        # Its value is no bound: some of the mass has not been moved yet.
        return TransportSolution(unit * float(cost.mean()), independent, found.trouble)
    return TransportSolution(unit * max(found.value, 0.0), found.plan, found.trouble)


def mean_distance(pair: CloudPair, distances: FloatArray) -> TransportSolution:
    """Return the Wasserstein distance of order one of two clouds, labels left out.

    Parameters
    ----------
    pair : CloudPair
        The clouds.
    distances : ndarray of shape (n, m)
        Their distances, used up: scaled in place.

    Returns
    -------
    TransportSolution
        The distance; on the line it comes from sorting.
    """
    if pair.x.shape[1] == 1:
        return TransportSolution(float(wasserstein_1d(pair.x[:, 0], pair.y[:, 0])), None, "")
    return uniform_transport(distances)


def stretched(distances: FloatArray, x: FloatArray, y: FloatArray, lipschitz: float) -> float:
    """Return how far the outputs contradict a Lipschitz constant: the largest ratio, 1 if none does.

    Parameters
    ----------
    distances : ndarray of shape (n, m)
        Distances of the layer.
    x, y : ndarray of shape (n, c) and (m, c)
        Outputs of the same rows.
    lipschitz : float
        Claimed constant of the map between them.

    Returns
    -------
    float
        Distance of outputs over ``lipschitz * distance``, inf if the latter is zero; pairs count only
        where the excess is beyond one per cent and the rounding of half-precision outputs.

    Examples
    --------
    >>> x, y = np.array([[0.0]]), np.array([[3.0]])
    >>> stretched(np.array([[1.0]]), x, y, 2.0), stretched(np.array([[1.0]]), x, y, 3.0)
    (1.5, 1.0)
    """
    worst = 1.0
    unit = unit_scale(x, y)  # squares of outputs may leave the range of floats
    blur = _BLUR * max(float(np.abs(x).max()), float(np.abs(y).max()))
    for rows in _slices(len(x)):
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            moved = unit * power_cost(x[rows] / unit, y / unit, 1.0)
            allowed = lipschitz * distances[rows]
            broken = moved > _SLACK * allowed + blur
            if broken.any():
                worst = max(worst, float((moved[broken] / allowed[broken]).max()))
    return worst


def _slices(n: int) -> Iterator[slice]:
    for start in range(0, n, _ROWS):
        yield slice(start, min(start + _ROWS, n))
