"""Exact optimal transport between weighted point sets, by the network simplex of POT."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from ..core.errors import ConvergenceWarning, InputError
from ..core.samples import as_sample, same_columns
from ..core.validation import FloatArray, check_count, check_weights
from .entropic import power_cost
from .one_dimensional import check_order, wasserstein_1d
from .pair_sums import unit_scale

__all__ = ["TransportSolution", "solve_transport", "warn_if_stopped", "wasserstein_exact"]

_MOST_PIVOTS = 10_000_000


@dataclass(frozen=True)
class TransportSolution:
    """A coupling of two weight vectors and what it costs.

    Attributes
    ----------
    value : float
        Cost of the coupling. Where `trouble` says that the solver stopped, not all of the mass has been
        moved yet, and the value may be too small as well as too large.
    plan : ndarray of shape (n, m) or None
        The coupling, where it was asked for.
    trouble : str
        Why the solver stopped early; empty if it did not.
    """

    value: float
    plan: FloatArray | None
    trouble: str


def wasserstein_exact(
    x: Any,
    y: Any,
    p: float = 1,
    *,
    x_weights: ArrayLike | None = None,
    y_weights: ArrayLike | None = None,
    max_exact: int = 5000,
) -> float:
    """Return the exact Wasserstein distance of order p of two samples, Euclidean metric.

    Parameters
    ----------
    x, y : array_like of shape (n, d) and (m, d)
        Samples; one-dimensional input is one column.
    p : float
        Order, finite and at least 1.
    x_weights, y_weights : array_like, optional
        Non-negative weights of the rows, divided by their sum; uniform if None.
    max_exact : int
        Largest sample accepted in several dimensions: memory grows as n m and time faster.

    Returns
    -------
    float
        The distance (not its power), in the units of the data.

    Raises
    ------
    InputError
        If a sample is larger than `max_exact`, a number is out of range, or weights do not fit.
    DataError
        If the samples have different columns or are not finite.

    Warns
    -----
    ConvergenceWarning
        If the network simplex stopped before the optimum; the value may then be too small or too large.

    Notes
    -----
    ``W_p = (min sum_ij P_ij |x_i - y_j|^p)^(1/p)`` over couplings P of the weights, a linear
    programme solved by POT. On the line `wasserstein_1d` answers, at any size.

    Examples
    --------
    >>> wasserstein_exact([[0.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 1.0]])
    1.0
    >>> wasserstein_exact([0.0, 1.0], [1.0, 4.0], 2) ** 2
    5.000000000000001
    """
    order = check_order(p, finite=True)
    X, Y = as_sample("x", x, min_rows=1), as_sample("y", y, min_rows=1)
    same_columns(X, Y, ("x", "y"))
    largest = check_count("max_exact", max_exact, low=1)
    if X.shape[1] == 1:
        return wasserstein_1d(X[:, 0], Y[:, 0], order, x_weights=x_weights, y_weights=y_weights)
    if max(len(X), len(Y)) > largest:
        raise InputError(
            f"x and y must have at most max_exact={largest} rows, got {len(X)} and {len(Y)}; use "
            "sinkhorn_divergence or sliced_wasserstein, or raise max_exact= "
            f"(the cost table would take {len(X) * len(Y) * 8 / 2**20:.0f} MB)"
        )
    a = check_weights(x_weights, len(X), name="x_weights")
    b = check_weights(y_weights, len(Y), name="y_weights")
    X, a, Y, b = X[a > 0.0], a[a > 0.0], Y[b > 0.0], b[b > 0.0]
    # In units near the largest distance no power of a distance overflows.
    unit = unit_scale(X, Y)
    cost = power_cost(X / unit, Y / unit, 1.0)
    largest_cost = unit_scale(cost)
    cost /= largest_cost
    if order != 1.0:
        cost **= order
    with warnings.catch_warnings():
        # The outcome is read from the solution; POT's own warning would say it twice.
        warnings.simplefilter("ignore")
        solution = solve_transport(a, b, cost)
    warn_if_stopped(solution.trouble)
    return float(unit * largest_cost * max(solution.value, 0.0) ** (1.0 / order))


def solve_transport(a: FloatArray, b: FloatArray, cost: FloatArray, *, plan: bool = False) -> TransportSolution:
    """Return the cheapest coupling of two weight vectors by the network simplex of POT.

    Parameters
    ----------
    a, b : ndarray of shape (n,) and (m,)
        Positive weights of sum one.
    cost : ndarray of shape (n, m)
        Finite, C-contiguous, near one in size; not modified.
    plan : bool
        Whether to keep the coupling, a table of the size of `cost`.

    Returns
    -------
    TransportSolution
        Value, coupling, and what went wrong. POT also warns when it stops early; the caller silences
        that (once, in its main thread: filters of warnings are shared by all threads).

    Examples
    --------
    >>> import numpy as np
    >>> half = np.array([0.5, 0.5])
    >>> solve_transport(half, half, np.array([[0.0, 1.0], [2.0, 1.0]])).value
    0.5
    """
    import ot

    value, log = ot.emd2(a, b, cost, numItermax=_MOST_PIVOTS, log=True, return_matrix=plan)
    return TransportSolution(float(value), log["G"] if plan else None, str(log.get("warning") or ""))


def warn_if_stopped(trouble: str, *, stacklevel: int = 3) -> None:
    """Warn when the network simplex did not reach the optimum.

    Parameters
    ----------
    trouble : str
        From `TransportSolution`; empty is silent.
    stacklevel : int
        So that the warning points at the caller's line.
    """
    if trouble:
        warnings.warn(
            f"the network simplex of POT stopped before the optimum: {trouble}",
            ConvergenceWarning,
            stacklevel=stacklevel,
        )
