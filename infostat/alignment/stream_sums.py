"""Exponential sums of a chunk of rewards, how sums of two chunks combine, and what they say.

Pure functions. For a tilt t >= 0 distances d are measured down from the largest reward, for t < 0
up from the smallest, so that every exponential is at most one and every sum positive. The twelve
rows of a table of sums are ``sum e^(-k|t| d) d^j``: k = 1 and 2 with j = 0, 1, 2 (means and standard
errors), k = 3 with j = 0 and k = 4 with j = 0..4 (how many samples the standard errors rest on).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..core.errors import DataError
from ..core.validation import FloatArray
from .stream_kernels import DEPTH, bin_count, bin_edges, bin_moments, series_sums

__all__ = ["ROWS", "RewardBins", "StreamMoments", "check_span", "combine", "side_sums", "tilt_moments"]

# Multiples of t and the number of powers of d that go with each.
_TABLE = ((1, 3), (2, 3), (3, 1), (4, 5))
ROWS = sum(orders for _, orders in _TABLE)
# First rows of the multiples.
_FIRST = (0, 3, 6, 7)
# Below this many exponentials plain NumPy is done before Numba has been imported.
_SMALL = 200_000
# A grid of tilts from 1e-20 to 1e20 needs fewer bins; beyond, exponentials one by one.
_MOST_BINS = 1 << 17
# The bins resolve at least this many DEPTHs of the range, or distances would lose digits.
_LEAST_SPAN = 2.0
_PIECE = 1 << 14
# Relative variance of the weights below which moments of their excess are lost in rounding.
_EVEN = 1e-4
# Relative size below which a sum of terms of both signs is rounding.
_LOST = 1e-9


def side_sums(values: FloatArray, edge: float, span: float, sign: float, tilts: FloatArray) -> FloatArray:
    """Return the sums of finite rewards at tilts of one sign.

    Parameters
    ----------
    values : ndarray of shape (m,)
        Finite rewards.
    edge : float
        Their maximum (`sign` 1) or minimum (`sign` -1).
    span : float
        Their range.
    sign : float
        Sign of the tilts.
    tilts : ndarray of shape (k,)
        Absolute values, ascending and distinct; 0 and inf allowed.

    Returns
    -------
    ndarray of shape (12, k)
        The sums.

    Examples
    --------
    >>> side_sums(np.array([0.0, 1.0]), 1.0, 1.0, 1.0, np.array([0.0, 1.0, np.inf]))[0].round(12)
    array([2.        , 1.36787944, 1.        ])
    """
    out = np.zeros((ROWS, len(tilts)))
    inner = (tilts > 0.0) & np.isfinite(tilts)
    if span == 0.0:
        out[list(_FIRST)] = len(values)
        return out
    if not inner.all():
        _at_the_ends(values, edge, sign, tilts, out)
    if inner.any():
        chosen = tilts[inner]
        scale = _scale(float(chosen[-1]), span)
        number = bin_count(span, scale)
        few = len(values) * len(chosen) <= _SMALL
        if few or number > _MOST_BINS:
            out[:, inner] = _one_by_one(values, edge, sign, chosen)
        else:
            bins = bin_moments(values, edge, sign, scale, number)
            out[:, inner] = _both(bins, scale, chosen)
    return out


def _scale(largest: float, span: float) -> float:
    # Four times the largest tilt, for the fourth powers of the weights.
    with np.errstate(over="ignore"):
        return float(max(4.0 * largest / DEPTH, _LEAST_SPAN / span))


def _at_the_ends(values: FloatArray, edge: float, sign: float, tilts: FloatArray, out: FloatArray) -> None:
    """Fill in t = 0, where all weights are one, and t = inf, where only the edge counts."""
    for i in np.flatnonzero((tilts == 0.0) | np.isinf(tilts)):
        if tilts[i] == 0.0:
            out[:, i] = _plain_sums(values, edge, sign)
        else:
            out[list(_FIRST), i] = np.count_nonzero(values == edge)


def _plain_sums(values: FloatArray, edge: float, sign: float) -> FloatArray:
    powers = np.zeros(5)
    for start in range(0, len(values), _PIECE):
        distance = sign * (edge - values[start : start + _PIECE])
        square = distance * distance
        powers += np.array([len(distance), distance.sum(), square.sum(), square @ distance, square @ square])
    return np.concatenate([powers[:orders] for _, orders in _TABLE])


def _one_by_one(values: FloatArray, edge: float, sign: float, tilts: FloatArray) -> FloatArray:
    out = np.zeros((ROWS, len(tilts)))
    for start in range(0, len(values), _PIECE):
        distance = sign * (edge - values[start : start + _PIECE])
        for i, t in enumerate(tilts):
            with np.errstate(over="ignore", under="ignore"):
                weight = np.exp(-t * distance)
            first, square = weight * distance, weight * weight
            second = first * distance
            out[:3, i] += weight.sum(), first.sum(), second.sum()
            out[3:6, i] += square.sum(), weight @ first, first @ first
            out[6:8, i] += square @ weight, square @ square
            fourth = square * first
            out[8:, i] += fourth @ weight, fourth @ first, fourth @ second, (first * first) @ (first * first)
    return out


def _both(bins: FloatArray, scale: float, tilts: FloatArray) -> FloatArray:
    """Sums at multiples of t from the moments of bins."""
    used = np.flatnonzero(bins[:, 0])
    centre, half = bin_edges(len(bins), scale)
    centre, half = centre[used], half[used]
    moments = np.ascontiguousarray(bins[used].T)
    return np.concatenate([series_sums(moments, centre, half, k * tilts, orders) for k, orders in _TABLE])


def combine(sums: FloatArray, tilts: FloatArray, shift: float) -> FloatArray:
    """Return the sums with all distances larger by `shift`.

    Parameters
    ----------
    sums : ndarray of shape (12, k)
        Sums of one chunk.
    tilts : ndarray of shape (k,)
        Absolute values.
    shift : float
        How much farther the new edge is, >= 0.

    Returns
    -------
    ndarray of shape (12, k)
        They can be added to those of a chunk with that edge.

    Examples
    --------
    >>> combine(np.ones((12, 1)), np.array([0.0]), 2.0).ravel()
    array([ 1.,  3.,  9.,  1.,  3.,  9.,  1.,  1.,  3.,  9., 27., 81.])
    """
    if shift == 0.0:
        return sums
    out = np.empty_like(sums)
    for first, (multiple, orders) in zip(_FIRST, _TABLE, strict=True):
        with np.errstate(under="ignore", over="ignore"):
            decay = np.exp(-multiple * tilts * shift)
        for row in range(orders):
            # (d + shift)^row by the binomial theorem
            terms = [math.comb(row, j) * shift ** (row - j) * sums[first + j] for j in range(row + 1)]
            out[first + row] = decay * sum(terms)
    return out


@dataclass(frozen=True, eq=False)
class StreamMoments:
    """What the sums say at each of k tilts.

    Attributes
    ----------
    t, reward, variance, kl, log_mgf : ndarray of shape (k,)
        Tilt, R, V, D and Lambda.
    ess : ndarray of shape (k,)
        ``1/sum w^2``.
    var_reward, var_log_mgf, var_kl : ndarray of shape (k,)
        Squared standard errors at fixed t.
    bias : ndarray of shape (k,)
        Leading bias of R at fixed t, ``-sum w^2 (r - R)``.
    rest_reward, rest_log_mgf : ndarray of shape (k,)
        Number of samples that the standard errors of R and of Lambda rest on,
        ``(sum x^2)^2/sum x^4`` of the influences.
    """

    t: FloatArray
    reward: FloatArray
    variance: FloatArray
    kl: FloatArray
    log_mgf: FloatArray
    ess: FloatArray
    var_reward: FloatArray
    var_log_mgf: FloatArray
    var_kl: FloatArray
    bias: FloatArray
    rest_reward: FloatArray
    rest_log_mgf: FloatArray


def tilt_moments(sums: FloatArray, tilts: FloatArray, sign: float, edge: float, n: int, n_lost: int) -> StreamMoments:
    """Return moments and standard errors from sums.

    Parameters
    ----------
    sums : ndarray of shape (12, k)
        Sums of all finite rewards.
    tilts : ndarray of shape (k,)
        Absolute values of the tilts.
    sign : float
        Their sign.
    edge : float
        Largest or smallest reward.
    n : int
        Number of rewards, those of -inf included.
    n_lost : int
        Number of rewards of -inf.

    Returns
    -------
    StreamMoments
        Arrays of shape (k,).

    Examples
    --------
    >>> sums = side_sums(np.arange(5.0), 4.0, 4.0, 1.0, np.array([1.0]))
    >>> found = tilt_moments(sums, np.array([1.0]), 1.0, 4.0, 5, 0)
    >>> found.reward.round(12), found.kl.round(12), np.sqrt(found.var_reward).round(12)
    (array([3.45194157]), array([0.60946508]), array([0.39514874]))
    """
    zero, one, two, q0, q1, q2 = sums[:6]
    mean = one / zero
    share = np.log(zero) - np.log(n)
    q1_centred = q1 - mean * q0
    q2_centred = np.maximum(q2 - mean * (q1 + q1_centred), 0.0)
    # t d at t = inf: the mass is at d = 0.
    finite = np.where(np.isinf(tilts), 0.0, tilts)
    var_log_mgf = np.maximum(q0 / zero**2 - 1.0 / n, 0.0)
    psi = ((finite * np.sqrt(q2_centred)) ** 2 + 2.0 * finite * q1_centred + q0) / zero**2 - 1.0 / n
    with np.errstate(invalid="ignore"):
        log_mgf = (np.zeros(len(tilts)) if edge == 0.0 else sign * tilts * edge) + share
    found = {
        "t": sign * tilts + 0.0,
        "reward": edge - sign * mean,
        "variance": np.maximum(two / zero - mean**2, 0.0),
        "kl": np.maximum(-share - finite * mean, 0.0),
        "log_mgf": log_mgf,
        "ess": zero**2 / q0,
        "var_reward": q2_centred / zero**2,
        "var_log_mgf": var_log_mgf,
        "var_kl": np.maximum(psi, 0.0),
        "bias": sign * q1_centred / zero**2,
        "rest_reward": _resting(q2_centred, _fourth(sums[7:], mean), n, q0**2 / sums[7]),
    }
    spread = n * q0 / zero**2 - 1.0
    fourth = n**3 * sums[7] / zero**4 - 4.0 * n**2 * sums[6] / zero**3 + 6.0 * n * q0 / zero**2 - 3.0
    # With weights so even the sums cancel; the influence is then t (r - R).
    even = spread < _EVEN
    found["rest_log_mgf"] = np.where(even, found["rest_reward"], _resting(n * spread, n * fourth, n, q0**2 / sums[7]))
    still = tilts == 0.0
    if still.any():
        # No tilt: the law of the samples, rewards of -inf included.
        plain = {"kl": 0.0, "log_mgf": 0.0, "ess": float(n), "var_log_mgf": 0.0, "var_kl": 0.0, "bias": 0.0}
        if n_lost:
            plain |= {"reward": -np.inf, "variance": np.inf, "var_reward": np.inf}
            plain |= {"rest_reward": 0.0, "rest_log_mgf": float(n)}
        for name, value in plain.items():
            found[name] = np.where(still, value, found[name])
    return StreamMoments(**found)


def _fourth(sums: FloatArray, mean: FloatArray) -> FloatArray:
    """``sum w^4 (d - mean)^4``, up to the scale of the weights; 0 where rounding has taken it."""
    terms = [math.comb(4, j) * mean ** (4 - j) * sums[j] for j in range(5)]
    signed = sum((-1) ** j * term for j, term in enumerate(terms))
    return np.where(signed > _LOST * sum(terms), signed, 0.0)


def _resting(squares: FloatArray, fourths: FloatArray, n: int, instead: FloatArray) -> FloatArray:
    """``squares^2/fourths`` of influences, from 1 to n; `instead` where the fourth powers are lost."""
    found = np.where(squares > 0.0, instead, float(n))
    np.divide(squares**2, fourths, out=found, where=(squares > 0.0) & (fourths > 0.0))
    return np.asarray(np.clip(found, 1.0, float(n)))


class RewardBins:
    """Local moments of all rewards of a stream: the sums at any tilt, after one pass.

    Parameters
    ----------
    top : float
        Largest reward.
    span : float
        Range of the finite rewards, > 0.

    Attributes
    ----------
    largest : float
        Largest tilt that the bins resolve, about 1e12 divided by the range.

    Examples
    --------
    >>> bins = RewardBins(1.0, 1.0)
    >>> bins.add(bins.moments(np.array([0.0, 1.0])))
    >>> bins.sums(np.array([1.0]))[0].round(12)
    array([1.36787944])
    """

    def __init__(self, top: float, span: float) -> None:
        self.top = top
        self.largest = 2.0**40 / span
        self._scale = _scale(self.largest, span)
        self._number = bin_count(span, self._scale)
        self._total = np.zeros((self._number, 8))

    def moments(self, values: FloatArray) -> FloatArray:
        """Return the moments of some rewards, to be added later.

        Parameters
        ----------
        values : ndarray of shape (m,)
            Finite rewards of the stream.

        Returns
        -------
        ndarray
            Argument of `add`.
        """
        return np.asarray(bin_moments(values, self.top, 1.0, self._scale, self._number))

    def add(self, moments: FloatArray) -> None:
        """Add moments.

        Parameters
        ----------
        moments : ndarray
            From `moments`.
        """
        self._total += moments

    def sums(self, tilts: FloatArray) -> FloatArray:
        """Return the table of sums at some tilts.

        Parameters
        ----------
        tilts : ndarray of shape (k,)
            From 0 to `largest`.

        Returns
        -------
        ndarray of shape (12, k)
            As from `side_sums`.
        """
        return _both(self._total, self._scale, tilts)


def check_span(low: float, high: float) -> float:
    """Return the range of rewards, or raise if fourth powers of distances do not exist.

    Parameters
    ----------
    low, high : float
        Smallest and largest finite reward.

    Returns
    -------
    float
        ``high - low``.

    Raises
    ------
    DataError
        If the range is beyond 1e75.

    Examples
    --------
    >>> check_span(-1.0, 1.0)
    2.0
    """
    span = float(high) - float(low)
    if not span <= 1e75:
        raise DataError(f"rewards must span less than 1e75, got {low:g} to {high:g}; choose another unit")
    return span
