"""Arguments of the simulations, checked in one voice: sizes, bandwidths, spectra, seeds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError
from ..core.validation import FloatArray, check_count, check_number
from .bandwidths import positive_bandwidths
from .spectra import as_spectrum

__all__ = ["check_bandwidths", "check_dimension", "check_rows", "check_size", "check_spectrum"]

_LARGEST_N = 10**10  # points of a data set: some minutes of draws
_LARGEST_STUDY = 10**13  # distances of a study: days on many cores
_LARGEST_D = 10**7  # numbers of a point of the data
_MOST_ROWS = 10**8  # rows of the table of results
_RANGE = 1e100  # variance over h^2, and the reverse: beyond, products of energies leave the floats


def check_dimension(d: int) -> int:
    """Return a dimension that can be drawn, or raise.

    Parameters
    ----------
    d : int
        Dimension.

    Returns
    -------
    int
        The dimension.

    Raises
    ------
    InputError
        If it is no integer from 1 to 1e7.
    """
    cure = "finite_size(n, d) and regime_theory(alpha) need no draws"
    return check_count("d", d, low=1, high=_LARGEST_D, cure=cure)


def check_size(n: int | None, alpha: float | None, d: int, n_sets: int) -> int:
    """Return the points of a data set from exactly one of n and alpha, or raise if nobody could draw them.

    Parameters
    ----------
    n : int or None
        Points of a data set.
    alpha : float or None
        ``log(n)/d`` in their place.
    d : int
        Dimension.
    n_sets : int
        Data sets of the study.

    Returns
    -------
    int
        Points of a data set.

    Raises
    ------
    InputError
        If both or neither are given, or the study would be too long.
    """
    if (n is None) == (alpha is None):
        which = "neither" if n is None else "both"
        raise InputError(f"exactly one of n and alpha must be given, got {which}; alpha stands for n = e^(alpha d)")
    cure = "lower n or d; finite_size(n, d) and regime_theory(alpha) take any size without drawing"
    if n is not None:
        size = check_count("n", n, low=2, high=_LARGEST_N, cure=cure)
    else:
        rate = check_number("alpha", alpha, low=0.0, open_low=True)
        log_n = rate * d
        if log_n > math.log(_LARGEST_N):
            shown = f"{rate:g}, that is n = 10^{log_n / math.log(10.0):.3g} points"
            raise InputError(f"alpha must give e^(alpha d) <= {_LARGEST_N:.0e} points, got {shown}; {cure}")
        size = round(math.exp(log_n))
        if size < 2:
            raise InputError(
                f"alpha must give at least 2 points, got {rate:g}, that is n = {size} at d = {d}; raise alpha"
            )
    if size * n_sets > _LARGEST_STUDY:
        raise InputError(
            f"the study must draw at most {_LARGEST_STUDY:.0e} distances, got {n_sets} data sets of {size} points; "
            "lower n, n_x or n_data"
        )
    return size


def check_rows(rows: int) -> None:
    """Raise if the table of results would not fit into memory.

    Parameters
    ----------
    rows : int
        Rows of the table of results.

    Raises
    ------
    InputError
        If there are more than 1e8.
    """
    if rows > _MOST_ROWS:
        raise InputError(
            f"n_x times n_data times the length of h_grid must be at most {_MOST_ROWS:.0e}, got {rows}; "
            "split the study over seeds"
        )


def check_bandwidths(name: str, h: ArrayLike, eigenvalues: FloatArray) -> FloatArray:
    """Return positive bandwidths as a vector, or raise.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    h : float or array_like of shape (k,)
        Bandwidths.
    eigenvalues : ndarray of shape (d,)
        Variances of the data, against which a bandwidth must be an ordinary float.

    Returns
    -------
    ndarray of shape (k,)
        The bandwidths.

    Raises
    ------
    InputError
        If one is not positive or out of the range of floats.
    """
    array = positive_bandwidths(name, h)
    scale = math.sqrt(float(eigenvalues.max()))
    reach = math.sqrt(_RANGE)
    low, high = float(array.min()), float(array.max())
    if low < scale / reach or high > scale * reach:
        raise InputError(
            f"{name} must lie within a factor {reach:.0e} of the standard deviation {scale:g}, "
            f"got {low:g} to {high:g}; bandwidths are in the unit of the data"
        )
    return array


def check_spectrum(spectrum: Any, d: int) -> FloatArray:
    """Return d positive eigenvalues in rising order; a law (values, weights) gives its d mid-quantiles.

    Parameters
    ----------
    spectrum : None, array_like or (values, weights)
        What the caller gave.
    d : int
        Dimension.

    Returns
    -------
    ndarray of shape (d,)
        Eigenvalues in rising order.

    Raises
    ------
    InputError
        If there are not d of them, or one is not positive and of ordinary size.
    """
    values, weights = as_spectrum(spectrum)
    order = np.argsort(values)
    if spectrum is None or (isinstance(spectrum, tuple) and len(spectrum) == 2 and all(np.ndim(p) for p in spectrum)):
        picked = np.searchsorted(np.cumsum(weights[order]), (np.arange(d) + 0.5) / d)
        eigenvalues = values[order][np.minimum(picked, len(values) - 1)]
    else:
        eigenvalues = values[order]
    if len(eigenvalues) != d:
        raise InputError(
            f"spectrum must hold d = {d} eigenvalues, got {len(eigenvalues)}; "
            "pass a tuple (values, weights) for a law of eigenvalues"
        )
    if not eigenvalues[0] > 0.0:
        zeros = int((eigenvalues == 0.0).sum())
        raise InputError(
            f"spectrum must be positive, got {zeros} zeros among {d} eigenvalues; a law without variance in a "
            "direction has no density, leave such directions out of spectrum and d"
        )
    if eigenvalues[-1] > eigenvalues[0] * _RANGE or not 1.0 / _RANGE < eigenvalues[0] < _RANGE:
        raise InputError(
            f"spectrum must stay within a factor {_RANGE:.0e} of 1, got {eigenvalues[0]:g} to {eigenvalues[-1]:g}; "
            "change the unit of the data"
        )
    return eigenvalues
