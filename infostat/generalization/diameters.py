"""Diameters: how far apart two inputs of a noisy layer can be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.errors import InputError, describe
from ..core.samples import as_sample
from ..core.validation import FloatArray, as_float_array, check_choice, check_count, short
from .lipschitz import ACTIVATIONS

__all__ = ["activation_diameter", "data_diameter"]

# Width of the range of one unit; every other activation of the list is unbounded.
_BOUNDED = {"tanh": 2.0, "sigmoid": 1.0}
_BLOCK = 4_000_000  # squared distances held at a time


def activation_diameter(activation: Any, width: int) -> float:
    """Return the largest Euclidean distance between two outputs of a layer.

    Parameters
    ----------
    activation : str or tuple of float
        A name that :func:`~infostat.generalization.lipschitz.lipschitz_constants` knows, or the range
        ``(low, high)`` of one unit.
    width : int
        Number of units, >= 1.

    Returns
    -------
    float
        ``(high - low) sqrt(width)``: 2 sqrt(width) for tanh, sqrt(width) for sigmoid; sqrt(2) for softmax of two
        units or more; inf for an unbounded activation (identity, ReLU and its relatives).

    Raises
    ------
    InputError
        If the name is unknown, the range is empty or the width is below 1.

    Notes
    -----
    The argument `diameter` of :func:`~infostat.generalization.sdpi.sdpi_gaussian`. Vectors of norm at most A
    have diameter 2 A; data have that of :func:`data_diameter`.

    Examples
    --------
    >>> activation_diameter("tanh", 4), activation_diameter((0.0, 3.0), 4)
    (4.0, 6.0)
    >>> activation_diameter("relu", 4)
    inf
    """
    units = check_count("width", width, low=1, high=10**15)
    if isinstance(activation, str):
        name = check_choice("activation", activation.lower(), ACTIVATIONS)
        if name == "softmax":
            return math.sqrt(2.0) if units > 1 else 0.0
        return _BOUNDED.get(name, math.inf) * math.sqrt(units)
    low, high = _range(activation)
    return (high - low) * math.sqrt(units)


def _range(activation: Any) -> tuple[float, float]:
    """Checked ends of the range of one unit."""
    ends = as_float_array("activation", activation, finite=False)
    if ends.shape != (2,) or not ends[0] <= ends[1] or ends[0] == math.inf or ends[1] == -math.inf:
        raise InputError(describe("activation", "a name or a range (low, high) with low <= high", short(ends.tolist())))
    return float(ends[0]), float(ends[1])


def data_diameter(X: Any) -> float:
    """Return the largest Euclidean distance between two rows of a sample.

    Parameters
    ----------
    X : array_like of shape (n_obs, n_vars), DataFrame or path
        Bounded data that enter a noisy layer.

    Returns
    -------
    float
        The diameter of these rows, in their unit; 0 for a single row. It holds for a new observation only if
        that lies within the same set.

    Raises
    ------
    InputError
        If the data are not finite numbers.

    Notes
    -----
    All pairs, in blocks: the expanded squared distance of centred rows finds the farthest pair, whose distance
    is then formed directly.

    Examples
    --------
    >>> data_diameter([[0.0, 0.0], [3.0, 4.0], [1.0, 1.0]])
    5.0
    """
    rows = as_sample("X", X, min_rows=1)
    first, second = _farthest_pair(rows)
    # Halves, because a difference of two numbers near the float limit overflows.
    difference = 0.5 * rows[first] - 0.5 * rows[second]
    largest = float(np.abs(difference).max())
    return 2.0 * largest * float(np.linalg.norm(difference / largest)) if largest > 0.0 else 0.0


def _farthest_pair(data: FloatArray) -> tuple[int, int]:
    """Positions of two rows at the largest distance."""
    # A power of two scales without rounding, and keeps the squares finite.
    rows = np.ldexp(data, -int(np.frexp(np.abs(data).max())[1]))
    rows = rows - rows.mean(axis=0)
    squares = (rows**2).sum(axis=1)
    best, found = -1.0, (0, 0)
    size = max(1, _BLOCK // len(rows))
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        distances = squares[start : start + size, None] + squares - 2.0 * (part @ rows.T)
        at = int(np.argmax(distances))
        if distances.flat[at] > best:
            best = float(distances.flat[at])
            found = (start + at // len(rows), at % len(rows))
    return found
