"""Distances of two samples on the line, exact by sorting.

On the line the optimal coupling pairs equal quantiles, whatever the power, and the energy
distance is an integral of the squared difference of the distribution functions. Both need the
sorted samples and one walk through them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import DataError
from ..core.jit import kernel
from ..core.samples import as_sample, same_columns
from ..core.validation import FloatArray, as_float_array, check_number, check_weights
from .pair_sums import distance_means

__all__ = ["energy_distance", "wasserstein_1d"]

# Below this many points NumPy answers before a compiled kernel has been loaded.
_SMALL = 100_000
_ROUNDING = 1e-14


def wasserstein_1d(
    x: Any,
    y: Any,
    p: float = 1,
    *,
    x_weights: ArrayLike | None = None,
    y_weights: ArrayLike | None = None,
) -> float:
    """Return the Wasserstein distance of order p of two samples on the line.

    Parameters
    ----------
    x, y : array_like of shape (n,) and (m,)
        Samples; the sizes may differ.
    p : float
        Order, at least 1; ``inf`` is the largest displacement.
    x_weights, y_weights : array_like, optional
        Non-negative weights, divided by their sum; uniform if None.

    Returns
    -------
    float
        The distance (not its power), in the units of the data.

    Raises
    ------
    InputError
        If `p` is below 1, or weights are negative or do not fit.
    DataError
        If a sample is not one-dimensional or not finite.

    Notes
    -----
    ``W_p^p = int_0^1 |F^-1(u) - G^-1(u)|^p du``, and for p = 1 also ``int |F - G|``. O(n log n).
    Integer weights are repetition, exactly. For other weights and p > 1, two cumulative weights
    closer than the rounding error of their sums count as equal; otherwise a mass of 1e-16 of
    rounding would move W_p by 1e-16^(1/p).

    Examples
    --------
    >>> wasserstein_1d([0.0, 1.0, 3.0], [5.0, 6.0, 8.0])
    5.0
    >>> wasserstein_1d([0.0, 1.0], [0.0, 3.0], 2) ** 2
    2.0000000000000004
    >>> wasserstein_1d([0, 1], [0, 1, 1, 1], x_weights=[1, 3])
    0.0
    """
    order = check_order(p)
    u, v = as_line("x", x), as_line("y", y)
    if x_weights is None and y_weights is None and len(u) == len(v):
        return power_mean(np.sort(u) - np.sort(v), None, order)
    left = _sorted_masses("x_weights", u, x_weights)
    right = _sorted_masses("y_weights", v, y_weights)
    first, second, mass = quantile_coupling(left[1], right[1], exact=order == 1.0)
    return power_mean(left[0][first] - right[0][second], mass, order)


def energy_distance(x: Any, y: Any, *, x_weights: ArrayLike | None = None, y_weights: ArrayLike | None = None) -> float:
    """Return the energy distance of two samples, the square root form of scipy.

    Parameters
    ----------
    x, y : array_like of shape (n, d) and (m, d)
        Samples; one-dimensional input is one column.
    x_weights, y_weights : array_like, optional
        Non-negative weights of the rows, divided by their sum; uniform if None.

    Returns
    -------
    float
        ``sqrt(2 E|X - Y| - E|X - X'| - E|Y - Y'|)`` with Euclidean norms, pairs of a point with
        itself included.

    Raises
    ------
    InputError
        If weights are negative or do not fit.
    DataError
        If the samples have different columns or are not finite.

    Notes
    -----
    Székely and Rizzo 2013. It is zero only for equal laws. In one dimension it equals
    ``sqrt(2 int (F - G)^2)`` and is computed so, in O(n log n); otherwise by blocks of pairs,
    O(n^2 d) time and a few megabytes.

    Examples
    --------
    >>> round(energy_distance([0, 1, 2], [0, 1, 2], x_weights=[5, 3, 2], y_weights=[2, 5, 3]), 12)
    0.4472135955
    >>> energy_distance([[0.0, 0.0]], [[3.0, 4.0]]) ** 2
    10.000000000000002
    """
    X, Y = as_sample("x", x, min_rows=1), as_sample("y", y, min_rows=1)
    same_columns(X, Y, ("x", "y"))
    if X.shape[1] == 1:
        left = _sorted_masses("x_weights", X[:, 0], x_weights)
        right = _sorted_masses("y_weights", Y[:, 0], y_weights)
        run = _walk(squared_gap_integral, len(X) + len(Y))
        return math.sqrt(2.0 * float(run(*left, *right)))
    a = check_weights(x_weights, len(X), name="x_weights")
    b = check_weights(y_weights, len(Y), name="y_weights")
    own_x, own_y, cross = distance_means(X, Y, a, b)
    square = 2.0 * cross - own_x - own_y
    # The square is not negative. Three sums that cancel leave rounding, whose root would look
    # like a distance of 1e-8 between equal samples.
    return math.sqrt(square) if square > _ROUNDING * cross else 0.0


# ------------------------------------------------------------------------------ shared pieces
def check_order(p: Any, *, finite: bool = False) -> float:
    """Return the order of a Wasserstein distance, or raise.

    Parameters
    ----------
    p : object
        What the caller passed.
    finite : bool
        Refuse infinity.

    Returns
    -------
    float
        At least 1.

    Examples
    --------
    >>> check_order(2)
    2.0
    """
    cure = "order infinity is available on the line: wasserstein_1d" if finite else ""
    return check_number("p", p, low=1.0, finite=finite, cure=cure)


def as_line(name: str, value: Any) -> FloatArray:
    """Return a sample on the line as a vector, or raise.

    Parameters
    ----------
    name : str
        Argument name.
    value : array_like
        One column.

    Returns
    -------
    ndarray of shape (n,)
        Finite numbers, not to be changed.

    Examples
    --------
    >>> as_line("x", [2, 1])
    array([2., 1.])
    """
    sample = as_sample(name, value, min_rows=1)
    if sample.shape[1] != 1:
        raise DataError(
            f"{name} must be one-dimensional, got shape {sample.shape}; use sliced_wasserstein, "
            "wasserstein_exact or sinkhorn_divergence in several dimensions"
        )
    return np.asarray(sample[:, 0])


def power_mean(gaps: FloatArray, mass: FloatArray | None, order: float) -> float:
    """Return ``(sum mass |gaps|^p)^(1/p)``, uniform masses if None; the gaps are overwritten.

    Parameters
    ----------
    gaps : ndarray
        Displacements.
    mass : ndarray or None
        Non-negative, of sum one.
    order : float
        p, infinity allowed.

    Returns
    -------
    float
        The power mean.

    Examples
    --------
    >>> power_mean(np.array([3.0, -4.0]), None, math.inf)
    4.0
    """
    np.abs(gaps, out=gaps)
    if order == 1.0:
        return float(gaps.mean() if mass is None else gaps @ mass)
    largest = float(gaps.max())
    if math.isinf(order) or largest == 0.0:
        return largest
    # Divided by the largest, no power overflows.
    gaps /= largest
    power = gaps * gaps if order == 2.0 else gaps**order
    mean = float(power.mean() if mass is None else power @ mass)
    return float(largest * mean ** (1.0 / order))


def quantile_coupling(
    x_masses: FloatArray, y_masses: FloatArray, *, exact: bool = False
) -> tuple[Any, Any, FloatArray]:
    """Return who is paired with whom on the line, and the mass of each pair.

    Parameters
    ----------
    x_masses, y_masses : ndarray
        Positive masses of the sorted points, of any positive sums.
    exact : bool
        Keep slivers of mass that may be rounding.

    Returns
    -------
    first, second : ndarray of int
        Positions in the two sorted samples.
    mass : ndarray
        Positive, of sum one.

    Examples
    --------
    >>> quantile_coupling(np.ones(2), np.ones(3))[2] * 6
    array([2., 1., 1., 2.])
    """
    u, v = np.cumsum(x_masses), np.cumsum(y_masses)
    total_u, total_v = u[-1], v[-1]
    # Brought to one scale by multiplication: products of integers are exact, quotients are not.
    u, v = u * total_v, v * total_u
    total = float(u[-1])
    whole = total < 2.0**53 and _are_whole(x_masses) and _are_whole(y_masses)
    sliver = 0.0 if exact or whole else np.finfo(float).eps * (len(u) + len(v)) * total
    ends = np.concatenate((u[:-1], v[:-1], [total]))
    # A stable sort of two sorted runs is one merge.
    ends.sort(kind="stable")
    mass = np.diff(ends, prepend=0.0)
    kept = mass > sliver
    middle = (ends - 0.5 * mass)[kept]
    first = np.minimum(np.searchsorted(u, middle, side="right"), len(u) - 1)
    second = np.minimum(np.searchsorted(v, middle, side="right"), len(v) - 1)
    return first, second, mass[kept] / mass[kept].sum()


def _are_whole(masses: FloatArray) -> bool:
    return bool((masses == np.rint(masses)).all())


def _sorted_masses(name: str, values: FloatArray, weights: ArrayLike | None) -> tuple[FloatArray, FloatArray]:
    """Return the sorted points of positive mass, and their masses as given."""
    if weights is None:
        return np.sort(values), np.ones(len(values))
    check_weights(weights, len(values), name=name)
    raw = as_float_array(name, weights)
    # Only the ratio of weights matters; near the float limit their sum would overflow.
    masses = raw / raw.max() if raw.max() > 1e100 or raw.max() < 1e-100 else raw
    kept = masses > 0.0
    order = np.argsort(values[kept], kind="stable")
    return values[kept][order], masses[kept][order]


def _walk(compiled: Any, n_points: int) -> Any:
    return compiled if n_points > _SMALL else compiled.twin


def squared_gap_integral_numpy(x: FloatArray, x_masses: FloatArray, y: FloatArray, y_masses: FloatArray) -> float:
    """Return ``int (F - G)^2`` of two sorted weighted samples (plain NumPy).

    Parameters
    ----------
    x, x_masses, y, y_masses
        As in `squared_gap_integral`.

    Returns
    -------
    float
        As of `squared_gap_integral`.
    """
    points = np.concatenate((x, y))
    points.sort(kind="stable")
    u = np.concatenate(([0.0], np.cumsum(x_masses)))
    v = np.concatenate(([0.0], np.cumsum(y_masses)))
    gap = (
        u[np.searchsorted(x, points[:-1], side="right")] / u[-1]
        - v[np.searchsorted(y, points[:-1], side="right")] / v[-1]
    )
    return float((gap * gap) @ np.diff(points))


@kernel(twin=squared_gap_integral_numpy)
def squared_gap_integral(x: Any, x_masses: Any, y: Any, y_masses: Any) -> Any:
    """Return ``int (F - G)^2`` of two sorted weighted samples.

    Parameters
    ----------
    x, y : ndarray of shape (n,) and (m,)
        Sorted samples.
    x_masses, y_masses : ndarray of the same shapes
        Weights, each summing to one.

    Returns
    -------
    float
        Integral, unit of the data.
    """
    n, m = len(x), len(y)
    x_total = 0.0
    for i in range(n):
        x_total += x_masses[i]
    y_total = 0.0
    for j in range(m):
        y_total += y_masses[j]
    i, j = 0, 0
    u, v, total = 0.0, 0.0, 0.0
    here = min(x[0], y[0])
    while i < n or j < m:
        from_x = j == m or (i < n and x[i] <= y[j])
        point = x[i] if from_x else y[j]
        gap = u / x_total - v / y_total
        total += gap * gap * (point - here)
        here = point
        if from_x:
            u += x_masses[i]
            i += 1
        else:
            v += y_masses[j]
            j += 1
    return total
