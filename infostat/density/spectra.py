"""Covariance spectra: the only thing the large-dimension theory needs to know about Gaussian data.

A spectrum is a pair ``(values, weights)``: eigenvalues (variances along the principal directions,
in the squared unit of the data) and the share of the directions that has each of them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.errors import InputError, InputTypeError, Words, describe
from ..core.validation import FloatArray, as_float_array, check_count, check_number, check_weights, short

__all__ = ["as_spectrum", "isotropic", "marchenko_pastur", "power_law", "two_level"]

Spectrum = tuple[FloatArray, FloatArray]

_MOST_DIRECTIONS = 10**8  # 0.8 GB
_NODES = 4000  # midpoint rule of the Marchenko-Pastur law
_ROUNDING = 1e-12  # eigenvalue solvers return zeros as small as this, of either sign


def isotropic(s2: float = 1.0) -> Spectrum:
    """Return the spectrum of ``N(0, s2 I)``.

    Parameters
    ----------
    s2 : float
        Variance of each coordinate, positive.

    Returns
    -------
    values, weights : ndarray of shape (1,)
        The variance, with weight one.

    Examples
    --------
    >>> isotropic(4.0)
    (array([4.]), array([1.]))
    """
    return _spectrum([check_number("s2", s2, low=0, open_low=True)], [1.0])


def two_level(s1: float, s2: float, p: float) -> Spectrum:
    """Return a spectrum of two eigenvalues.

    Parameters
    ----------
    s1, s2 : float
        Eigenvalues, not negative and not both zero.
    p : float
        Weight of `s1`, between 0 and 1.

    Returns
    -------
    values, weights : ndarray of shape (2,)
        The eigenvalues, with weights `p` and ``1 - p``.

    Examples
    --------
    >>> two_level(4.0, 0.25, 0.2)
    (array([4.  , 0.25]), array([0.2, 0.8]))
    """
    values = [check_number("s1", s1, low=0), check_number("s2", s2, low=0)]
    share = check_number("p", p, low=0, high=1)
    if not values[0] * share + values[1] * (1.0 - share) > 0.0:
        raise InputError(f"s1 and s2 must have a positive mean, got s1={s1:g}, s2={s2:g} with p={share:g}")
    return _spectrum(values, [share, 1.0 - share])


def power_law(a: float, d: int) -> Spectrum:
    """Return the spectrum ``s_k = k**-a``, k = 1, ..., d.

    Parameters
    ----------
    a : float
        Exponent; 0 is isotropic.
    d : int
        Number of directions.

    Returns
    -------
    values, weights : ndarray of shape (d,)
        The eigenvalues, with equal weights.

    Examples
    --------
    >>> values, weights = power_law(1.0, 4)
    >>> values.round(4), weights
    (array([1.    , 0.5   , 0.3333, 0.25  ]), array([0.25, 0.25, 0.25, 0.25]))
    """
    exponent, size = check_number("a", a), check_count("d", d, low=1, high=_MOST_DIRECTIONS)
    if abs(exponent) * math.log(size) > 600.0:
        raise InputError(f"a must keep d**-a within the range of floats, got a={exponent:g} with d={size}")
    values = np.exp(-exponent * np.log(np.arange(1, size + 1)))
    return _spectrum(values, np.full(size, 1.0 / size))


def marchenko_pastur(c: float) -> Spectrum:
    """Return the limit spectrum of the sample covariance of ``n = d/c`` rows of ``N(0, I)``.

    Parameters
    ----------
    c : float
        Aspect ratio d/n, positive. Above one the spectrum has zero eigenvalues.

    Returns
    -------
    values, weights : ndarray
        4000 nodes of the continuous part, increasing; for ``c > 1`` a zero of weight ``1 - 1/c``
        comes first.

    Notes
    -----
    With ``s = 1 + c + 2 sqrt(c) cos(theta)`` the law has density ``(2/pi) sin(theta)**2 / s`` in theta
    on (0, pi), and the midpoint rule converges geometrically unless c is close to one. At c = 1 the
    density is unbounded at zero: the mean of log s is then right to 4e-4 only.

    Examples
    --------
    >>> values, weights = marchenko_pastur(0.5)
    >>> round(float(weights @ values), 12), round(float(weights @ values**2), 12)
    (1.0, 1.5)
    """
    ratio = check_number("c", c, low=0, open_low=True)
    theta = (np.arange(_NODES, 0, -1) - 0.5) * (math.pi / _NODES)  # decreasing, so that values increase
    root = math.sqrt(ratio)
    # 1 + c + 2 sqrt(c) cos(theta), written so that the small eigenvalues keep their digits.
    values = (1.0 - root) ** 2 + 4.0 * root * np.cos(0.5 * theta) ** 2
    weights = (2.0 / _NODES) * np.sin(theta) ** 2 / values
    if ratio > 1.0:
        values, weights = np.append(0.0, values), np.append(1.0 - 1.0 / ratio, weights)
    return _spectrum(values, weights / weights.sum())


def as_spectrum(spectrum: Any = None) -> Spectrum:
    """Return `spectrum` as ``(values, weights)``, or raise.

    Parameters
    ----------
    spectrum : array_like, tuple or None
        An array or list of eigenvalues (equal weights); a tuple ``(values, weights)`` of two
        one-dimensional sequences; None for the isotropic spectrum of variance one. A tuple of two
        sequences is always read as values and weights, a tuple of two numbers as two eigenvalues.

    Returns
    -------
    values, weights : ndarray of shape (k,)
        Eigenvalues and weights of sum one, read-only.

    Raises
    ------
    InputTypeError
        If it is no array of numbers.
    InputError
        If it is empty, not one-dimensional, not finite, has a negative eigenvalue or weight, or no
        positive eigenvalue of positive weight.

    Notes
    -----
    Negative numbers within 1e-12 of the largest eigenvalue are what solvers return for zero, and count
    as zero. Positive ones stay: set them to zero yourself if you know the rank.

    Examples
    --------
    >>> as_spectrum([1.0, 3.0])
    (array([1., 3.]), array([0.5, 0.5]))
    >>> as_spectrum(([1.0, 3.0], [3, 1]))
    (array([1., 3.]), array([0.75, 0.25]))
    """
    if spectrum is None:
        return isotropic()
    given, masses = spectrum, None
    if isinstance(spectrum, tuple) and len(spectrum) == 2 and all(np.ndim(part) for part in spectrum):
        given, masses = spectrum
    if isinstance(given, (str, bytes)):
        cure = "call a helper of infostat.density.spectra for a named spectrum"
        raise InputTypeError(describe("spectrum", "an array of eigenvalues or (values, weights)", short(given), cure))
    values = _eigenvalues(given)
    weights = check_weights(masses, len(values), "weights of spectrum")
    if not np.any(values[weights > 0.0] > 0.0):
        raise InputError("spectrum must have a positive eigenvalue of positive weight, got zeros only")
    return _spectrum(values, weights)


def _eigenvalues(given: Any) -> FloatArray:
    values = as_float_array("spectrum", given)
    if values.ndim > 1 or values.size == 0:
        required = "a non-empty one-dimensional array of eigenvalues, or a tuple (values, weights)"
        cure = "np.linalg.eigvalsh turns a covariance matrix into its eigenvalues" if values.ndim == 2 else ""
        raise InputError(describe("spectrum", required, Words(f"shape {values.shape}"), cure))
    values = np.atleast_1d(values)
    negative = values < -_ROUNDING * np.abs(values).max()
    if negative.any():
        raise InputError(
            f"spectrum must be non-negative (eigenvalues are variances), got {int(negative.sum())} negative values, "
            f"the smallest {values.min():g}"
        )
    return np.where(values > 0.0, values, 0.0)


def _spectrum(values: Any, weights: Any) -> Spectrum:
    pair = np.array(values, dtype=np.float64), np.array(weights, dtype=np.float64)
    for array in pair:
        array.flags.writeable = False
    return pair
