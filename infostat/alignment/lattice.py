"""Sums of m lattice rewards: detection of the lattice and exact laws by tilted convolution.

The letter law is tilted first, so that the sums of interest lie in its bulk; the tilted laws are
convolved in ordinary floating point, where every term is positive and no digit cancels; the tilt
is then taken back in log domain.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.validation import FloatArray

__all__ = ["MOST_POINTS", "Lattice", "LatticeSums", "SumLaw", "find_lattice"]

IntArray = NDArray[np.intp]

MOST_POINTS = 100_000
# Rewards within this share of their range from a lattice lie on it.
_TOLERANCE = 1e-9
# Any three numbers lie that close to some fine lattice. It is believed only if numbers drawn at
# random would come so close with a smaller probability than this.
_COINCIDENCE = 1e-2
# Tilted cells at both ends below this are dropped; products of what stays leave the range of
# doubles only where they are negligible against it.
_NEGLIGIBLE = 1e-250
# Products of cells beyond which the direct convolution takes longer than some seconds.
_MOST_PRODUCTS = 1e10
# Pieces that stay in the first-level cache: ten times as many products a second as in long arrays.
_PIECE = 2048
# Cells of one Fourier transform: half a gigabyte with its temporaries.
_MOST_CELLS = 3e7


@dataclass(frozen=True)
class Lattice:
    """Equally spaced points that carry all rewards of a letter.

    Attributes
    ----------
    origin : float
        Smallest reward.
    step : float
        Span h: the largest distance that divides all differences of rewards.
    index : ndarray of int of shape (g,)
        Position of each reward (ascending), starting with 0.
    """

    origin: float
    step: float
    index: IntArray

    @property
    def top(self) -> int:
        """Position of the largest reward."""
        return int(self.index[-1])


@dataclass(frozen=True)
class SumLaw:
    """Law of the sum of m letters on consecutive lattice points.

    Attributes
    ----------
    m : int
        Letters.
    value : ndarray of shape (c,)
        Sums in ascending order.
    log_mass : ndarray of shape (c,)
        Log probability of each under the untilted law.
    log_tilted : ndarray of shape (c,)
        Log probability of each under the tilted law.
    """

    m: int
    value: FloatArray
    log_mass: FloatArray
    log_tilted: FloatArray


def find_lattice(r: FloatArray, most_points: int = MOST_POINTS) -> Lattice | None:
    """Return the coarsest lattice that carries the rewards, or None.

    Parameters
    ----------
    r : ndarray of shape (g,)
        Distinct finite rewards in ascending order.
    most_points : int
        Finest lattice tried, in points from the smallest to the largest reward.

    Returns
    -------
    Lattice or None
        None if no such lattice passes within 1e-9 of the range of every reward, or if it may be a
        coincidence: any three numbers come that close to some fine lattice.

    Examples
    --------
    >>> find_lattice(np.array([-0.3, 0.1, 0.3])).index
    array([0, 2, 3])
    >>> find_lattice(np.array([0.0, 1.0, 2.0**0.5])) is None
    True
    """
    span = float(r[-1] - r[0])
    if len(r) == 1:
        return Lattice(float(r[0]), 1.0, np.zeros(1, dtype=np.intp))
    inner = (r[1:-1] - r[0]) / span
    for first in range(1, most_points, 4096):
        steps = np.arange(first, min(first + 4096, most_points), dtype=np.float64)
        worst = np.zeros(len(steps))
        for position in inner:
            scaled = position * steps
            away = np.abs(scaled - np.rint(scaled))
            close = away <= _TOLERANCE * steps
            steps, worst = steps[close], np.maximum(worst, away)[close]
        for count, deviation in zip(steps.tolist(), worst.tolist(), strict=True):
            if count * (2.0 * deviation) ** len(inner) < _COINCIDENCE or not len(inner):
                return _lattice(r, span, int(count))
    return None


def _lattice(r: FloatArray, span: float, count: int) -> Lattice | None:
    index = np.rint((r - r[0]) * (count / span)).astype(np.intp)
    if (np.diff(index) == 0).any():
        return None
    difference = r - r[0]
    # Least squares over all rewards, exact for integers.
    step = float(index @ difference) / float(index @ index)
    return Lattice(float(r[0]), step, index)


class LatticeSums:
    """Laws of sums of letters on one lattice, computed under one tilt.

    Parameters
    ----------
    log_mass : ndarray of shape (g,)
        Log masses of the rewards.
    lattice : Lattice
        Where the rewards lie.
    t : float
        Finite tilt that puts the sums of interest into the bulk.

    Notes
    -----
    ``log P(S_m = s) = log P_t(S_m = s) - t s + m Lambda(t)``. Direct convolution keeps the relative
    accuracy of every cell above 1e-250. Where it would take too long the tilted law (never the
    untilted one) is raised to its m-th power by a Fourier transform on a window that holds all but
    e^-40 of its mass (Hoeffding); cells below the rounding of the transform are then set to zero,
    which changes sums over the bulk by about m 1e-15 relative.

    Examples
    --------
    >>> sums = LatticeSums(np.log([0.5, 0.5]), find_lattice(np.array([0.0, 1.0])), 0.3)
    >>> [np.exp(law.log_mass).round(12).tolist() for law in sums.laws([1, 2])]
    [[0.5, 0.5], [0.25, 0.5, 0.25]]
    """

    def __init__(self, log_mass: FloatArray, lattice: Lattice, t: float) -> None:
        self.lattice = lattice
        self._slope = t * lattice.step
        exponent = log_mass + self._slope * lattice.index
        top = float(exponent.max())
        weight = np.exp(exponent - top)
        self._log_z = top + math.log(float(weight.sum()))
        self._letter = np.zeros(lattice.top + 1)
        # Indexes may coincide where rewards were rounded to the lattice.
        np.add.at(self._letter, lattice.index, weight / weight.sum())
        self._powers: dict[int, tuple[int, FloatArray]] = {}

    def laws(self, lengths: Iterable[int]) -> Iterator[SumLaw]:
        """Yield the law of the sum for each number of letters.

        Parameters
        ----------
        lengths : iterable of int
            Ascending, >= 1.

        Yields
        ------
        SumLaw
            In the order given. Cells that no sum reaches, or that are negligible, are left out.

        Raises
        ------
        InputError
            If the law has too many cells.
        """
        counts = list(lengths)
        if self.transforms(counts):
            for m in counts:
                yield self._law(m, *self._transformed(m))
            return
        start, law, reached = 0, np.ones(1), 0
        for m in counts:
            if m > reached:
                shift, step = self._power(m - reached)
                start, law = _trimmed(start + shift, _convolved(law, step))
                reached = m
            yield self._law(m, start, law)

    def transforms(self, lengths: Iterable[int]) -> bool:
        """Return whether these laws are computed by Fourier transforms.

        Parameters
        ----------
        lengths : iterable of int
            Ascending, >= 1.

        Returns
        -------
        bool
            False where direct convolution is fast enough.
        """
        return self._products(list(lengths)) > _MOST_PRODUCTS

    def _products(self, counts: list[int]) -> float:
        """Products of the direct convolutions of all lengths and of the powers they need."""
        span, reached, total = float(self.lattice.top), 0, 0.0
        for m in counts:
            total += (span * reached + 1.0) * (span * (m - reached) + 1.0)
            total += (0.6 * span * (m - reached)) ** 2 if m > reached + 1 else 0.0
            reached = m
        return total

    def _power(self, m: int) -> tuple[int, FloatArray]:
        """First cell and tilted law of m letters, by repeated squaring; powers are kept."""
        if m in self._powers:
            return self._powers[m]
        if m == 1:
            found = _trimmed(0, self._letter)
        else:
            half = 1 << (m.bit_length() - 1) if m & (m - 1) else m // 2
            first, second = self._power(half), self._power(m - half)
            found = _trimmed(first[0] + second[0], _convolved(first[1], second[1]))
        self._powers[m] = found
        return found

    def _transformed(self, m: int) -> tuple[int, FloatArray]:
        """First cell and tilted law of m letters by one Fourier transform over a window."""
        from scipy.fft import irfft, next_fast_len, rfft

        span = self.lattice.top
        centre = m * float(self._letter @ np.arange(span + 1.0))
        # Hoeffding: the mass beyond w is at most 2 exp(-2 w^2/(m span^2)).
        half = math.ceil(span * math.sqrt(20.0 * m)) + 1
        first, last = max(0, math.floor(centre) - half), min(m * span, math.ceil(centre) + half)
        cells = int(next_fast_len(last - first + 1, real=True))
        if cells > _MOST_CELLS:
            raise InputError(
                f"m is too large for these rewards: the sum has {last - first + 1} lattice points; "
                "use fewer letters, or round the rewards to a coarser lattice"
            )
        folded = np.bincount(np.arange(span + 1) % cells, weights=self._letter, minlength=cells)
        spectrum = rfft(folded)
        power = np.ones_like(spectrum)
        for bit in bin(m)[2:]:
            power *= power
            if bit == "1":
                power *= spectrum
        law = np.roll(irfft(power, n=cells), -(first % cells))[: last - first + 1]
        law[law < 4e-16 * m * float(law.max())] = 0.0
        return _trimmed(first, law)

    def _law(self, m: int, start: int, law: FloatArray) -> SumLaw:
        filled = np.flatnonzero(law > 0.0)
        log_tilted = np.log(law[filled])
        cell = (filled + start).astype(np.float64)
        value = m * self.lattice.origin + self.lattice.step * cell
        return SumLaw(m, value, log_tilted - (self._slope * cell - m * self._log_z), log_tilted)


def _convolved(first: FloatArray, second: FloatArray) -> FloatArray:
    """Direct convolution, in pieces where both arrays are long."""
    if min(len(first), len(second)) <= _PIECE:
        return np.convolve(first, second)
    out = np.zeros(len(first) + len(second) - 1)
    for i in range(0, len(first), _PIECE):
        for j in range(0, len(second), _PIECE):
            part = np.convolve(first[i : i + _PIECE], second[j : j + _PIECE])
            out[i + j : i + j + len(part)] += part
    return out


def _trimmed(start: int, law: FloatArray) -> tuple[int, FloatArray]:
    kept = np.flatnonzero(law >= _NEGLIGIBLE)
    first, last = int(kept[0]), int(kept[-1]) + 1
    return start + first, law[first:last]
