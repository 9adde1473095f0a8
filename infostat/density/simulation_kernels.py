"""Squared distances from one point to a Gaussian cloud, and what kernels make of them.

The distances come block by block from a generator; for every bandwidth three sums are kept,
all relative to the smallest distance seen so far, so that nothing underflows that matters and
memory does not grow with the number of points.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from ..core.exponential_kernels import LOWEST, exp_array
from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = ["SMALL", "Cloud", "KernelSums", "absorb", "cloud", "compile_kernels", "eigenspaces", "weigh"]

SMALL = 200_000_000  # exponentials of a study below which NumPy is done before Numba has started
# Constants of the routine: they fix the order of the draws, so changing one changes numbers.
BLOCK_NUMBERS = 65_536  # normals of one block of vectors: 0.5 MB
BLOCK_DISTANCES = 8_192
# A gamma variate costs about 1.6 normals; distances by groups have to be clearly cheaper than vectors.
_GAMMA_COST = 1.6
_WORTHWHILE = 0.7


# ----------------------------------------------------------------------------------- distances
@dataclass(frozen=True)
class Cloud:
    """n points of N(0, diag(s)) as seen from one point.

    Attributes
    ----------
    n : int
        Points.
    route : str
        ``"vectors"`` (d normals a point) or ``"distances"`` (the law of the squared distance).
    scales : ndarray of shape (g,)
        Distinct eigenvalues s of the covariance, or all d of them for vectors.
    counts : ndarray of int of shape (g,)
        How often each occurs.
    """

    n: int
    route: str
    scales: FloatArray
    counts: np.ndarray[Any, np.dtype[np.int64]]

    def distances(self, x: FloatArray, generator: Generator) -> Iterator[FloatArray]:
        """Yield blocks of squared distances between `x` and the points; a block is overwritten by the next.

        With route ``"distances"`` entry g of `x` is the length of the part of the point that
        lies in the eigenspace of ``scales[g]``.
        """
        return self._vectors(x, generator) if self.route == "vectors" else self._lengths(x, generator)

    def _vectors(self, x: FloatArray, generator: Generator) -> Iterator[FloatArray]:
        rows = min(self.n, max(1, BLOCK_NUMBERS // len(x)))
        block, roots = np.empty((rows, len(x))), np.sqrt(self.scales)
        for start in range(0, self.n, rows):
            part = block[: min(rows, self.n - start)]
            generator.standard_normal(out=part)
            part *= roots
            part -= x
            # Not a matrix product: BLAS may reorder its sums when it is given more threads.
            yield np.einsum("ij,ij->i", part, part)

    def _lengths(self, x: FloatArray, generator: Generator) -> Iterator[FloatArray]:
        rows = min(self.n, BLOCK_DISTANCES)
        total, draw = np.empty(rows), np.empty(rows)
        lengths = x / np.sqrt(self.scales)
        for start in range(0, self.n, rows):
            count = min(rows, self.n - start)
            out, part = total[:count], draw[:count]
            out[:] = 0.0
            for scale, multiplicity, length in zip(self.scales, self.counts, lengths, strict=True):
                # |z - r|^2 in m dimensions is (z_1 + |r|)^2 plus a chi-square of m - 1 degrees.
                generator.standard_normal(out=part)
                part += length
                part *= part
                part *= scale
                out += part
                if multiplicity > 1:
                    generator.standard_gamma(0.5 * (multiplicity - 1.0), out=part)
                    part *= 2.0 * scale
                    out += part
            yield out

    def reduce(self, x: FloatArray) -> FloatArray:
        """Return what `distances` needs of a point: itself, or its length in each eigenspace."""
        return x if self.route == "vectors" else _lengths_of(x, self.counts)


def eigenspaces(eigenvalues: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return distinct eigenvalues (of a rising sequence), multiplicities and the lengths of the parts of `x`.

    Parameters
    ----------
    eigenvalues : ndarray of shape (d,)
        Rising.
    x : ndarray of shape (d,)
        A point.

    Returns
    -------
    (ndarray, ndarray, ndarray)
        One entry per distinct eigenvalue.
    """
    scales, counts = np.unique(eigenvalues, return_counts=True)
    return scales, counts.astype(np.float64), _lengths_of(x, counts)


def _lengths_of(x: FloatArray, counts: np.ndarray[Any, np.dtype[np.int64]]) -> FloatArray:
    edges = np.concatenate(([0], np.cumsum(counts)[:-1]))
    return np.asarray(np.sqrt(np.add.reduceat(x * x, edges)))


def cloud(n: int, eigenvalues: FloatArray, route: str = "auto") -> Cloud:
    """Return the cloud of `n` points with these covariance eigenvalues, sorted in rising order.

    Route ``"auto"`` draws the distances from their own law where eigenvalues repeat so often
    that this needs fewer random numbers; for one common eigenvalue it needs two instead of d.

    Parameters
    ----------
    n : int
        Points.
    eigenvalues : ndarray of shape (d,)
        Rising.
    route : str
        ``"auto"``, ``"vectors"`` or ``"distances"``.

    Returns
    -------
    Cloud
        What is drawn, and in which pieces.
    """
    scales, counts = np.unique(eigenvalues, return_counts=True)
    cost = np.where(counts > 1, 1.0 + _GAMMA_COST, 1.0).sum()
    if route == "auto":
        route = "distances" if cost < _WORTHWHILE * len(eigenvalues) else "vectors"
    if route == "vectors":
        return Cloud(n, route, eigenvalues, np.ones(len(eigenvalues), dtype=np.int64))
    return Cloud(n, route, scales, counts.astype(np.int64))


# ---------------------------------------------------------------------------------------- sums
def _add_terms_numpy(energies: FloatArray, rate: float, top: float, part: FloatArray) -> tuple[float, float, float]:
    energy = (energies - top) * rate
    terms = np.exp(np.maximum(-energy, LOWEST), out=part)
    # Not through BLAS, whose sums may depend on the number of its threads.
    second, third = np.einsum("i,i->", terms, terms), np.einsum("i,i->", terms, energy)
    return float(terms.sum()), float(second), float(third)


@kernel(twin=_add_terms_numpy, fastmath={"contract", "reassoc", "nsz", "nnan"})
def _add_terms(energies: Any, rate: Any, top: Any, part: Any) -> Any:
    """Return the sums of w, w^2 and w e with e = (energy - top) rate and w = exp(-e)."""
    count = energies.shape[0]
    for j in range(count):
        part[j] = (top - energies[j]) * rate
    exp_array(part)
    first, second, third = 0.0, 0.0, 0.0
    for j in range(count):
        first += part[j]
        second += part[j] * part[j]
        third += part[j] * ((energies[j] - top) * rate)
    return first, second, third


def absorb_numpy(distances: FloatArray, rates: FloatArray, top: float, sums: FloatArray, part: FloatArray) -> None:
    """Add a block of squared distances to the sums of every bandwidth (plain NumPy).

    Parameters
    ----------
    distances, rates, top, sums, part
        As in the compiled kernel of the same name.
    """
    for k in range(len(rates)):
        sums[k] += _add_terms_numpy(distances, rates[k], top, part)


@kernel(twin=absorb_numpy, fastmath={"contract"})
def absorb(distances: Any, rates: Any, top: Any, sums: Any, part: Any) -> Any:
    """Add a block of squared distances to the sums of every bandwidth; `part` is scratch.

    Parameters
    ----------
    distances : ndarray of shape (b,)
        Squared distances.
    rates : ndarray of shape (k,)
        1/(2 h^2).
    top : float
        Squared distance to which terms are relative.
    sums : ndarray of shape (k, 3)
        Sums of w, w^2 and w e, added to.
    part : ndarray
        Scratch.
    """
    for k in range(rates.shape[0]):
        first, second, third = _add_terms(distances, rates[k], top, part)
        sums[k, 0] += first
        sums[k, 1] += second
        sums[k, 2] += third


def compile_kernels() -> None:
    """Compile before workers start, so that they find the machine code in the cache."""
    absorb(np.zeros(1), np.ones(1), 0.0, np.zeros((1, 3)), np.empty(1))


@dataclass(frozen=True)
class KernelSums:
    """What the kernel weights of one point say, one entry per bandwidth.

    Attributes
    ----------
    log_Z : ndarray of shape (k,)
        log sum_i exp(-R_i / (2 h^2)).
    participation : ndarray of shape (k,)
        Y2, the sum of the squared weights.
    max_weight : ndarray of shape (k,)
        Largest weight, the one of the nearest point.
    entropy : ndarray of shape (k,)
        Entropy of the weights, nats.
    nn_sq : float
        Smallest squared distance R_(1).
    """

    log_Z: FloatArray
    participation: FloatArray
    max_weight: FloatArray
    entropy: FloatArray
    nn_sq: float


def weigh(blocks: Iterator[FloatArray], rates: FloatArray, compiled: bool) -> KernelSums:
    """Return the kernel sums of a stream of squared distances; `rates` holds 1/(2 h^2).

    The largest kernel is the one of the nearest point for every bandwidth, so all of them share
    the shift: the sums run over ``exp(-(R_i - R_min) rate)`` and are brought to a new minimum when
    one turns up.

    Parameters
    ----------
    blocks : iterator of ndarray
        Squared distances.
    rates : ndarray of shape (k,)
        1/(2 h^2).
    compiled : bool
        Use the compiled kernels.

    Returns
    -------
    KernelSums
        The sums.
    """
    add = absorb if compiled else absorb_numpy
    sums = np.zeros((len(rates), 3))
    part = np.empty(0)
    top = math.inf
    for block in blocks:
        low = float(block.min())
        if low < top:
            if top < math.inf:
                _shift(sums, (top - low) * rates)
            top = low
        if len(part) != len(block):  # the last block is shorter
            part = np.empty(len(block))
        add(block, rates, top, sums, part)
    first, second, third = sums.T
    log_first = np.log(first)
    return KernelSums(log_first - top * rates, second / first**2, 1.0 / first, log_first + third / first, top)


def _shift(sums: FloatArray, gap: FloatArray) -> None:
    """Bring the sums to a minimum that is lower by `gap` (in units of the energy)."""
    factor = np.exp(-gap)
    sums[:, 2] = (sums[:, 2] + sums[:, 0] * gap) * factor
    sums[:, 1] *= factor * factor
    sums[:, 0] *= factor
