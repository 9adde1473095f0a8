"""Plug-in bandwidths for one variable: Sheather-Jones and its improvement by diffusion.

Both need the roughness of derivatives of a smoothed density, ``integral (f^(s))^2``. It follows
from the cosine series of the data on an interval so wide that its ends do not show.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..core.errors import DataError
from ..core.validation import FloatArray

__all__ = ["CosineSeries", "cosine_series", "isj_width", "robust_scale", "sheather_jones_width"]

_MOST_BINS = 1 << 21
_FEWEST_BINS = 1 << 12
_BINS_PER_WIDTH = 400.0  # bins per n^(-1/5) scales
_GAP = 12.0  # scales: no smoothing reaches across a wider gap, so wider ones are shortened
_MARGIN = 4.0  # scales on both sides
_PLACES = 80  # where a root is looked for
_STAGES = 7  # of the diffusion rule; Botev, Grotowski and Kroese recommend five or more


def robust_scale(x: FloatArray) -> float:
    """Return the smaller of standard deviation and interquartile range / 1.349.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Values, not all equal.

    Returns
    -------
    float
        Positive: the standard deviation where the quartiles coincide.

    Examples
    --------
    >>> round(robust_scale(np.arange(8.0)), 6)
    2.44949
    """
    deviation = float(np.std(x, ddof=1))
    low, high = np.quantile(x, [0.25, 0.75])
    spread = float(high - low) / 1.349
    return min(deviation, spread) if spread > 0.0 else deviation


@dataclass(frozen=True)
class CosineSeries:
    """Cosine coefficients of the data, in units of the scale.

    Attributes
    ----------
    frequencies : ndarray of shape (k,)
        ``omega_k = k pi / L``.
    powers : ndarray of shape (k,)
        Squared coefficients ``(mean_i cos(omega_k x_i))^2``.
    length : float
        L, the length of the interval.
    spacing : float
        Width of a bin.
    """

    frequencies: FloatArray
    powers: FloatArray
    length: float
    spacing: float

    def roughness(self, s: int, variance: float) -> float:
        """Return the integral of the squared s-th derivative of the smoothed density.

        Parameters
        ----------
        s : int
            Order of the derivative.
        variance : float
            Variance of the Gaussian the data are smoothed with.

        Returns
        -------
        float
            ``(2/L) sum_k c_k^2 omega_k^(2 s) exp(-omega_k^2 variance)``.
        """
        # Beyond, a term is below exp(-100) 100^7, 1e-29 of the largest.
        live = int(min(len(self.powers), math.sqrt(100.0 / variance) * self.length / math.pi + 1.0))
        squares = self.frequencies[:live] ** 2
        # One exponential is faster than a power and an exponential.
        return float(2.0 / self.length * (np.exp(s * np.log(squares) - squares * variance) @ self.powers[:live]))


def cosine_series(x: FloatArray, scale: float) -> CosineSeries:
    """Return the cosine series of binned data.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Values.
    scale : float
        Their scale, the unit of the series.

    Returns
    -------
    CosineSeries
        From linear binning and a discrete cosine transform.

    Examples
    --------
    >>> series = cosine_series(np.array([0.0, 1.0]), 1.0)
    >>> round(series.roughness(1, 1.0), 5)  # exactly (1/2 + exp(-1/4)/4) / (4 sqrt(pi))
    0.09799
    """
    from scipy.fft import dct

    ranked = np.sort(x)
    gaps = np.minimum(np.diff(ranked / scale), _GAP)
    places = np.concatenate([[0.0], np.cumsum(gaps)]) + _MARGIN
    length = float(places[-1]) + _MARGIN
    wanted = length * _BINS_PER_WIDTH * len(x) ** 0.2
    n_bins = min(max(_FEWEST_BINS, 1 << math.ceil(math.log2(wanted))), _MOST_BINS)
    spacing = length / n_bins
    # Linear binning: a value shares its weight between the centres of the bins on either side.
    position = places / spacing - 0.5
    left = np.floor(position).astype(np.intp)
    right_share = position - left
    counts = np.bincount(left, weights=1.0 - right_share, minlength=n_bins)
    counts += np.bincount(left + 1, weights=right_share, minlength=n_bins)
    coefficients = 0.5 * dct(counts / len(x), type=2)[1:]
    frequencies = np.arange(1, n_bins) * (math.pi / length)
    powers = np.asarray(coefficients, dtype=np.float64) ** 2
    return CosineSeries(np.asarray(frequencies, dtype=np.float64), powers, length, spacing)


def sheather_jones_width(x: FloatArray) -> float:
    """Return the solve-the-equation bandwidth of Sheather and Jones.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Values, at least two of them different.

    Returns
    -------
    float
        h in the unit of the data.

    Raises
    ------
    DataError
        If the equation has no solution.

    Notes
    -----
    The root of ``h = [ (1/(2 sqrt(pi) n)) / S(1.357 (S(a)/T(b))^{1/7} h^{5/7}) ]^{1/5}`` with S and T
    the pairwise estimates of the roughness of the second and third derivative, pilots
    ``a = 1.24 scale n^{-1/7}`` and ``b = 1.23 scale n^{-1/9}``, and the scale of `robust_scale`
    (S. J. Sheather and M. C. Jones, J. R. Statist. Soc. B 53 (1991) 683-690; same constants as R's
    ``bw.SJ``).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=1000)
    >>> round(sheather_jones_width(x), 3)
    0.263
    """
    n = len(x)
    scale = robust_scale(x)
    series = cosine_series(x, scale)

    def roughness(s: int, width: float) -> float:
        # Two kernels of variance width^2/2 make one of width^2; divisor n (n - 1), as published.
        return n / (n - 1.0) * series.roughness(s, 0.5 * width * width)

    pilot = 1.357 * (roughness(2, 1.24 * n ** (-1.0 / 7.0)) / roughness(3, 1.23 * n ** (-1.0 / 9.0))) ** (1.0 / 7.0)

    def difference(log_h: float) -> float:
        h = math.exp(log_h)
        return -0.2 * math.log(2.0 * math.sqrt(math.pi) * n * roughness(2, pilot * h ** (5.0 / 7.0))) - log_h

    top = math.log(1.144 * n ** (-0.2))
    # The difference falls from above zero; R searches [0.1, 1] times the largest width and widens.
    found = _root(difference, np.linspace(top + 3.0, math.log(2.0 * series.spacing), _PLACES))
    if found is None:
        raise DataError(
            'X must let the Sheather-Jones equation be solved, got a sample without a root; use method="loo" or "scott"'
        )
    return scale * math.exp(found)


def isj_width(x: FloatArray) -> float:
    """Return the improved Sheather-Jones bandwidth of Botev, Grotowski and Kroese.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Values, at least two of them different.

    Returns
    -------
    float
        h in the unit of the data.

    Raises
    ------
    DataError
        If the fixed-point equation has no solution.

    Notes
    -----
    ``t = h^2`` solves ``t = xi gamma^[5](t)``: from the roughness of the seventh derivative at
    smoothing t, ``t_s = [ 2 (1 + 2^{-s-1/2}) (2s-1)!! / (3 sqrt(2 pi) n R_{s+1}) ]^{2/(3+2s)}`` with
    ``R_{s+1}`` the roughness of derivative s + 1 gives the smoothing for derivative s, down to the
    second, and ``t = (2 sqrt(pi) n R_2)^{-2/5}``. No normal reference enters. n is the number of
    distinct values (Z. I. Botev, J. F. Grotowski and D. P. Kroese, Ann. Statist. 38 (2010) 2916-2957).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=1000)
    >>> round(isj_width(x), 3)
    0.279
    """
    n = len(np.unique(x))
    scale = robust_scale(x)
    series = cosine_series(x, scale)

    def difference(log_t: float) -> float:
        return log_t - _improved_log_variance(series, n, log_t)

    lowest = 2.0 * math.log(4.0 * series.spacing)
    found = _root(difference, np.linspace(lowest, 2.0 * math.log(2.0), _PLACES))
    if found is None:
        raise DataError(
            "X must let the diffusion equation of the improved Sheather-Jones rule be solved, got a sample without "
            'a root (too few or too many equal values); use method="sheather_jones" or "loo"'
        )
    return scale * math.exp(0.5 * found)


def _improved_log_variance(series: CosineSeries, n: int, log_t: float) -> float:
    """Return the log of ``xi gamma^[5](t)``."""
    rough = series.roughness(_STAGES, math.exp(log_t))
    for s in range(_STAGES - 1, 1, -1):
        if not 0.0 < rough < math.inf:
            return -math.inf if rough > 0.0 else math.inf
        odd = math.prod(range(1, 2 * s, 2)) / math.sqrt(2.0 * math.pi)
        factor = (1.0 + 0.5 ** (s + 0.5)) / 3.0
        rough = series.roughness(s, (2.0 * factor * odd / (n * rough)) ** (2.0 / (3.0 + 2.0 * s)))
    if not 0.0 < rough < math.inf:
        return -math.inf if rough > 0.0 else math.inf
    return -0.4 * math.log(2.0 * n * math.sqrt(math.pi) * rough)


def _root(function: Callable[[float], float], places: FloatArray) -> float | None:
    """Return the first root along the places, where the function goes from below zero to above."""
    from scipy.optimize import brentq

    before = function(float(places[0]))
    for low, high in itertools.pairwise(places):
        after = function(float(high))
        if before < 0.0 <= after and math.isfinite(before) and math.isfinite(after):
            return float(brentq(function, float(low), float(high), xtol=1e-12))
        before = after
    return None
