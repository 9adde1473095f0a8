"""Condensation threshold at finite n and d: the saddle-point level of one data point."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import expit

from ..core.errors import InputError, Words, describe
from ..core.validation import FloatArray, as_float_array, check_count, check_number
from .spectra import as_spectrum

__all__ = ["LARGEST_D", "LIMIT_CURE", "log_sample_size", "tau_fs"]

LARGEST_D = 10**12  # beyond, sums over directions lose the digits that differ from the limit
LIMIT_CURE = "regime_theory(alpha) is the limit of large d"

_SCAN_STEP = 0.1
_ROWS = 65536  # numbers of one block of the scan


def tau_fs(n: Any, d: int, *, spectrum: Any = None, at: Any = None, log_n: Any = None) -> Any:
    """Return the finite-size condensation parameter; ``tau_fs ** -0.5`` is the finite-size h_G.

    Parameters
    ----------
    n : float or array_like
        Sample size, above 1; None with `log_n`. An array gives an array.
    d : int
        Dimension.
    spectrum : array_like or tuple, optional
        Covariance eigenvalues of Gaussian data, or ``(values, weights)``; the identity if None.
        Where their number is not d they stand for equal (or weighted) shares of the d directions.
    at : array_like, optional
        Coordinates of the query in the eigenbasis, measured from the mean, one for each
        eigenvalue; with ``spectrum=None``, d of them. None: the typical query, whose squared
        coordinates are the eigenvalues (``|x|^2 = d`` if they are 1).
    log_n : float or array_like, optional
        Logarithm of the sample size, in place of `n` where that leaves the range of floats.

    Returns
    -------
    float or ndarray
        The largest root theta of the saddle-point equation, in one over the squared unit of the data.

    Raises
    ------
    InputTypeError
        If an argument has a type that cannot be read.
    InputError
        If n is not above 1, both or neither of `n` and `log_n` are given, or the spectrum and the
        query do not fit each other or the dimension.

    Notes
    -----
    The number of data points within a squared distance R of x is estimated by exponential
    tilting, prefactor included, and theta is the slope ``2 d log F/dR`` where it is one:

        log n + K(theta) - theta K'(theta) - log theta - (1/2) log(2 pi K''(theta)) = 0,
        K(theta) = log E exp(-theta R/2) = -(1/2) sum_k [log(1 + theta s_k) + theta x_k^2/(1 + theta s_k)]

    Dropping the last two terms gives the master equation of `regime_theory`. For Gaussian data
    the threshold is then within about 2 % of the exact local slope at d from 30 to 100, against
    5 to 10 % for the limit. Derived in the documentation of this project, in the setting of Biroli and
    Mezard (arXiv:2408.05807).

    Examples
    --------
    >>> round(tau_fs(2e4, 30) ** -0.5, 5)
    0.92303
    >>> from infostat.density.regimes import regime_theory
    >>> import math
    >>> round(regime_theory(math.log(2e4) / 30).h_G, 5)
    0.82675
    """
    size = check_count("d", d, low=1, high=LARGEST_D, cure=LIMIT_CURE)
    logs = log_sample_size(n, log_n, array=True)
    if (logs <= 0).any():
        name, bound = ("n", "above 1") if log_n is None else ("log_n", "above 0")
        raise InputError(f"{name} must be {bound}: one point has no level to reach, got log n = {logs.min():g}")
    directions = _directions(size, spectrum, at)
    roots = np.array([_largest_root(float(v), *directions) for v in np.ravel(logs)])
    return float(roots[0]) if logs.ndim == 0 else roots.reshape(logs.shape)


def log_sample_size(n: Any, log_n: Any, *, array: bool = False) -> FloatArray:
    """Return log n from exactly one of `n` and `log_n`, or raise.

    Parameters
    ----------
    n : int, array_like or None
        Points of a data set.
    log_n : float, array_like or None
        Their logarithm, in place of n.
    array : bool
        Admit arrays.

    Returns
    -------
    ndarray
        log n.

    Raises
    ------
    InputError
        If both or neither are given, or one is out of range.
    """
    if (n is None) == (log_n is None):
        came = "neither" if n is None else "both"
        raise InputError(describe("n", "given, or log_n in its place", Words(came)))
    if n is None:
        return _numbers("log_n", log_n, array)
    if isinstance(n, int) and not isinstance(n, bool) and n > 0:
        return np.asarray(math.log(n))  # exact for integers beyond the range of floats too
    values = _numbers("n", n, array)
    if (values < 1).any():
        raise InputError(describe("n", "a sample size >= 1", f"{values.min():g}"))
    return np.asarray(np.log(values))


def _numbers(name: str, value: Any, array: bool) -> FloatArray:
    if array and not np.isscalar(value):
        return as_float_array(name, value)
    cure = "give log_n in place of n" if name == "n" else ""
    return np.asarray(check_number(name, value, cure=cure))


def _directions(d: int, spectrum: Any, at: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return log s_k, x_k^2/s_k and the multiplicity of every direction of positive variance.

    Where s_k = 0 the squared distance has the constant part x_k^2, which drops out of the equation.
    """
    if at is None:
        values, weights = as_spectrum(spectrum)
        squares = values
    else:
        query = np.atleast_1d(as_float_array("at", at, ndim=(0, 1)))
        given = np.ones(d) if spectrum is None else spectrum
        values, weights = as_spectrum(given)
        if len(query) != len(values):
            required = f"one coordinate for each of the {len(values)} eigenvalues"
            cure = "rotate the query into the eigenbasis: at = eigenvectors.T @ (x - mean)"
            raise InputError(describe("at", required, Words(f"{len(query)} coordinates"), cure))
        squares = query**2
        if spectrum is None:
            values, weights, squares = np.ones(1), np.ones(1), np.array([float(np.mean(squares))])
    varied = (values > 0) & (weights > 0)
    with np.errstate(over="ignore"):
        return np.log(values[varied]), squares[varied] / values[varied], d * weights[varied]


def _equation(log_theta: FloatArray, log_s: FloatArray, ratio: FloatArray, m: FloatArray) -> FloatArray:
    """Return the left side of the equation less log n.

    With u = theta s and w = u/(1 + u) nothing in it can overflow:
    ``K - theta K' = -(1/2) sum (log(1+u) - w + (x^2/s) w^2)`` and
    ``theta^2 K'' = (1/2) sum (w^2 + 2 (x^2/s) w^2/(1+u))``.
    """
    log_u = log_theta[:, None] + log_s
    w, v = expit(log_u), expit(-log_u)
    entropy = -0.5 * (np.logaddexp(0.0, log_u) - w + ratio * w * w)
    curvature = 0.5 * w * w * (1 + 2 * ratio * v)
    return np.asarray(entropy @ m - 0.5 * np.log(2 * np.pi * (curvature @ m)))


def _largest_root(log_n: float, log_s: FloatArray, ratio: FloatArray, m: FloatArray) -> float:
    from scipy.optimize import brentq

    def left(y: Any) -> FloatArray:
        return log_n + _equation(np.atleast_1d(y), log_s, ratio, m)

    # For large theta the left side falls like -(rank/2) log theta, for small theta it rises like
    # -log theta: start above every root, walk down in blocks to the first change of sign.
    rank = float(m.sum())
    high = 2 * (log_n + 1) / rank - float(m @ log_s) / rank + 5.0
    while left(high)[0] > 0:
        high += 5.0
    rows = min(256, max(8, _ROWS // len(log_s)))
    while True:
        grid = high - _SCAN_STEP * np.arange(rows)
        positive = np.flatnonzero(left(grid) > 0)
        if len(positive):
            break
        high = float(grid[-1])
    low = float(grid[positive[0]])
    root = brentq(lambda y: float(left(y)[0]), low, low + 1.01 * _SCAN_STEP, xtol=1e-13)
    return math.exp(root) if root < 709 else math.inf
