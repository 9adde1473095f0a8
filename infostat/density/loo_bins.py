"""Bins of distances in which an exponential is a short polynomial, for many rates at once.

For several rates c the sums ``sum_j m_j exp(-c t_j)`` over t_j >= 0, one of them zero,
follow from a few moments of the t_j in each bin (see :mod:`infostat.density.loo_kernels`). The
number of bins is chosen so that a bound on the relative error of every sum holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.chebyshev import cheb2poly
from scipy.special import ive

from ..core.validation import FloatArray
from .loo_kernels import MOMENTS

__all__ = ["LARGEST_RATIO", "Bins", "make_bins"]

# Rates of one set of bins lie within this factor, so that the bins stay in the cache.
LARGEST_RATIO = 1e6
_UNIT = 4.0  # width of the first octave of bins, in units of 1/c at the largest rate
_TOLERANCE = 2e-13  # bound on the relative error of a sum by the polynomials
_LEFT_OUT = 37.0  # terms below exp(-37) / number of points are left out: 1e-16 together
_MOST_BITS = 8


@dataclass(frozen=True)
class Bins:
    """Bins, and the matrix that turns their moments into sums of exponentials.

    Attributes
    ----------
    bits : int
        Each octave has ``2^bits`` bins.
    rate : float
        One over the width of the first octave.
    top : float
        Where the bins end, as ``1 + t * rate``; larger distances add nothing that shows.
    n_bins : int
        Number of bins, the last one for all that lies beyond `top`.
    coefficients : ndarray of shape (n_bins * MOMENTS, k)
        One column per rate.
    bound : float
        Bound on the relative error of a sum.
    """

    bits: int
    rate: float
    top: float
    n_bins: int
    coefficients: FloatArray
    bound: float


def make_bins(rates: FloatArray, log_spread: float) -> Bins:
    """Return bins for the given rates.

    Parameters
    ----------
    rates : ndarray of shape (k,)
        Positive rates c within a factor LARGEST_RATIO.
    log_spread : float
        Log of the total mass over the smallest mass of a point.

    Returns
    -------
    Bins
        With the fewest bins that keep the error bound.

    Notes
    -----
    In a bin of centre t_b and half width w, ``exp(-c (t_b + w u))`` is ``exp(-c t_b)`` times
    ``I_0(y) + 2 sum_k (-1)^k I_k(y) T_k(u)`` with ``y = c w``. It is interpolated at the Chebyshev
    nodes, which is wrong by at most twice the terms from MOMENTS on, that is by
    ``4 sum_{k >= MOMENTS} I_k(y)``. A bin may have that error relative to its own terms, or relative
    to the smallest possible sum, which is the mass of the nearest point.

    Examples
    --------
    >>> bins = make_bins(np.array([1.0, 0.01]), 8.5)
    >>> bins.bits, bins.n_bins, bins.bound < 1e-12
    (4, 163, True)
    """
    largest = float(rates.max())
    relative = rates / largest
    cut = _LEFT_OUT + log_spread
    found = _with_bits(relative, largest, cut, log_spread, 4)
    for bits in range(5, _MOST_BITS + 1):
        if found.bound <= _TOLERANCE:
            break
        found = _with_bits(relative, largest, cut, log_spread, bits)
    return found


def _with_bits(rates: FloatArray, largest: float, cut: float, log_spread: float, bits: int) -> Bins:
    """Return bins for rates whose largest is one, in units of one over the largest rate."""
    per_octave = 1 << bits
    end = 1.0 + cut / (float(rates.min()) * _UNIT)
    octave = math.floor(math.log2(end))
    n_bins = octave * per_octave + math.floor((end / 2.0**octave - 1.0) * per_octave) + 1
    index = np.arange(n_bins + 1)
    scale = np.ldexp(1.0, index >> bits)
    edges = scale * (1.0 + (index & (per_octave - 1)) / per_octave)
    low = (edges[:-1] - 1.0) * _UNIT
    half = scale[:-1] / (2 * per_octave) * _UNIT
    coefficients, bound = _polynomials(rates, low, half, cut, log_spread)
    # The bin beyond the top counts for nothing.
    padded = np.concatenate([coefficients, np.zeros((1, MOMENTS, len(rates)))])
    matrix = np.ascontiguousarray(padded.reshape(-1, len(rates)))
    return Bins(bits, largest / _UNIT, float(edges[-1]), n_bins + 1, matrix, bound)


def _polynomials(
    rates: FloatArray, low: FloatArray, half: FloatArray, cut: float, log_spread: float
) -> tuple[FloatArray, float]:
    """Return coefficients of shape (bins, MOMENTS, rates) and the bound on the relative error."""
    y = half[:, None] * rates
    start = low[:, None] * rates
    used = start <= cut
    nodes, to_chebyshev, to_powers = _interpolation()
    depth = start[:, None, :] + (1.0 + nodes[:, None]) * y[:, None, :]
    # Two steps: rounding of a Chebyshev coefficient stays small, of its powers it would not.
    powers = np.matmul(to_powers, np.matmul(to_chebyshev, np.exp(-depth) * used[:, None, :]))
    # I_{k+1}(y) <= I_k(y) y / (2 k + 2) bounds what is cut off, relative to the bin's smallest term.
    y = np.where(used, y, 0.0)
    near = y < MOMENTS
    rest = np.full_like(y, np.inf)
    rest[near] = 4.0 * ive(MOMENTS, y[near]) * np.exp(2.0 * y[near]) / (1.0 - y[near] / (2 * MOMENTS + 2))
    error = np.minimum(rest, rest * np.exp(log_spread - start - 2.0 * y))
    return powers, 2.0 * float(np.max(error, where=used, initial=0.0))


def _interpolation() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Chebyshev nodes, the matrix from values there to coefficients, and from these to powers."""
    angles = (np.arange(MOMENTS) + 0.5) * (np.pi / MOMENTS)
    orders = np.arange(MOMENTS)
    to_chebyshev = np.cos(orders[:, None] * angles) * (np.where(orders == 0, 1.0, 2.0) / MOMENTS)[:, None]
    table = np.zeros((MOMENTS, MOMENTS))
    for k in range(MOMENTS):
        table[: k + 1, k] = cheb2poly(np.eye(k + 1)[k])
    return np.cos(angles), to_chebyshev, table
