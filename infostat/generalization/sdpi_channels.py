"""Contraction coefficients of noisy layers, as pure functions of numbers.

Every function keeps the coefficient eta and its distance from one apart: eta is accurate when it is
small, 1 - eta and its logarithm when eta rounds to one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..core.validation import FloatArray

__all__ = [
    "Coefficient",
    "WorstPair",
    "compose",
    "erasure",
    "from_eta",
    "gaussian_noise",
    "gaussian_noise_tv",
    "gaussian_reference",
    "worst_pair",
]

# Trapezoid rule for integrands that are analytic in a strip around the real axis: the error is about
# exp(-pi^2/step) and exp(-2 pi^2/step^2) for the two integrands below, both below 1e-40 at this step.
_STEP = 0.1
_REACH = 40.0  # exp(-40) and the normal density at 40 are far below the rounding of the sums
_NODES = np.arange(-_REACH, _REACH + 0.5 * _STEP, _STEP)
_BLOCK = 2_000_000  # numbers held at a time
_ITERATIONS = 100


class Coefficient(NamedTuple):
    """A coefficient in three forms: eta, 1 - eta and log(1 - eta), all of one shape."""

    eta: FloatArray
    gap: FloatArray
    log_gap: FloatArray


class WorstPair(NamedTuple):
    """The pair of rows of a channel matrix that contracts least.

    `rows` are their positions, `mixing` the weight b of the first one, `eta_tv` the largest total variation
    between any two rows.
    """

    coefficient: Coefficient
    rows: tuple[int, int]
    mixing: float
    eta_tv: float


def from_eta(eta: FloatArray) -> Coefficient:
    """Return a coefficient of which only eta is known.

    Parameters
    ----------
    eta : ndarray
        Numbers in [0, 1].

    Returns
    -------
    Coefficient
        The gap has the rounding of ``1 - eta``.
    """
    with np.errstate(divide="ignore"):
        return Coefficient(eta, 1.0 - eta, np.asarray(0.0 + np.log1p(-eta)))


def erasure(log_drop: FloatArray) -> Coefficient:
    """Return the coefficient of a channel that erases its whole input with a given log-probability.

    Parameters
    ----------
    log_drop : ndarray
        log P(everything is dropped), -inf to 0.

    Returns
    -------
    Coefficient
        ``eta = 1 - P``.
    """
    # Adding 0 turns the -0 of a certain erasure into 0.
    return Coefficient(0.0 - np.expm1(log_drop), np.exp(log_drop), np.asarray(log_drop, dtype=np.float64))


def gaussian_noise(s: FloatArray) -> Coefficient:
    """Return the coefficient of additive standard normal noise on two inputs at distance 2 s.

    Parameters
    ----------
    s : ndarray
        Half the distance over the noise level, 0 to inf.

    Returns
    -------
    Coefficient
        ``1 - exp(-s^2/2) E sech(s Z)``.

    Notes
    -----
    For s <= 1 the equal form ``E tanh^2(s^2 + s Z)`` has positive terms and keeps all digits of a small eta.
    For s > 1 the integral runs over u = s Z, where the integrand keeps its width.
    """
    half = np.asarray(s, dtype=np.float64)
    flat = half.ravel()
    eta, log_gap = np.empty_like(flat), np.empty_like(flat)
    for start in range(0, flat.size, _BLOCK // _NODES.size):
        part = slice(start, start + _BLOCK // _NODES.size)
        eta[part], log_gap[part] = _gaussian_block(flat[part])
    return Coefficient(eta.reshape(half.shape), np.exp(log_gap).reshape(half.shape), log_gap.reshape(half.shape))


def _gaussian_block(s: FloatArray) -> tuple[FloatArray, FloatArray]:
    eta, log_gap = np.ones_like(s), np.full_like(s, -np.inf)
    small, large = s <= 1.0, (s > 1.0) & np.isfinite(s)
    density = np.exp(-0.5 * _NODES**2) * (_STEP / np.sqrt(2.0 * np.pi))
    eta[small] = np.tanh(s[small, None] * (s[small, None] + _NODES)) ** 2 @ density
    log_gap[small] = 0.0 + np.log1p(-eta[small])
    weights = _STEP / np.cosh(_NODES) / np.sqrt(2.0 * np.pi)
    with np.errstate(over="ignore"):  # beyond s = 1e154 the gap is zero even in logarithms
        integral = np.exp(-0.5 * (_NODES / s[large, None]) ** 2) @ weights / s[large]
        log_gap[large] = np.log(integral) - 0.5 * s[large] ** 2
    eta[large] = 0.0 - np.expm1(log_gap[large])
    return eta, log_gap


def gaussian_noise_tv(s: FloatArray) -> Coefficient:
    """Return the total-variation (Dobrushin) coefficient of additive standard normal noise.

    Parameters
    ----------
    s : ndarray
        As in `gaussian_noise`.

    Returns
    -------
    Coefficient
        ``1 - 2 Q(s)``, Q the upper tail of the standard normal law.
    """
    from scipy.special import erf, erfc, log_ndtr

    scaled = np.asarray(s, dtype=np.float64) / np.sqrt(2.0)
    # The tail's own logarithm where the tail is far out, log1p of eta where eta is small.
    tail = np.log(2.0) + log_ndtr(-np.asarray(s, dtype=np.float64))
    eta = np.asarray(erf(scaled))
    log_gap = np.where(scaled < 0.5, np.log1p(-np.minimum(eta, 0.9)), tail)
    return Coefficient(eta, np.asarray(erfc(scaled)), log_gap)


def gaussian_reference(log_ratio: FloatArray) -> Coefficient:
    """Return the coefficient of Gaussian noise at a fixed normal input law.

    Parameters
    ----------
    log_ratio : ndarray
        log of (largest variance of the signal / variance of the noise), -inf to inf.

    Returns
    -------
    Coefficient
        ``ratio / (1 + ratio)``.
    """
    from scipy.special import expit

    log_gap = -np.logaddexp(0.0, log_ratio)
    return Coefficient(np.asarray(expit(log_ratio)), np.asarray(expit(-log_ratio)), np.asarray(log_gap))


def compose(parts: list[Coefficient]) -> Coefficient:
    """Return the product of coefficients of shapes that broadcast.

    Parameters
    ----------
    parts : list of Coefficient
        At least one.

    Returns
    -------
    Coefficient
        ``prod eta_j``; the gap stays accurate when every eta_j rounds to one.
    """
    from scipy.special import logsumexp

    shape = np.broadcast_shapes(*(part.eta.shape for part in parts))
    logs = np.stack([np.broadcast_to(_log_eta(part), shape) for part in parts])
    log_gaps = np.stack([np.broadcast_to(part.log_gap, shape) for part in parts])
    # The product itself, because exp of a sum of logarithms loses digits: 0.9 * 0.8 is 0.72.
    eta = np.prod([np.broadcast_to(part.eta, shape) for part in parts], axis=0)
    gap = 0.0 - np.expm1(logs.sum(axis=0))
    # Where the gaps underflow their sum is the gap of the product to every digit.
    with np.errstate(divide="ignore"):
        log_gap = np.where(gap > 1e-290, np.log(gap), logsumexp(log_gaps, axis=0))
        log_gap = np.where(eta < 0.5, np.log1p(-np.minimum(eta, 0.5)), log_gap)
    return Coefficient(np.asarray(eta, dtype=np.float64), gap, log_gap)


def _log_eta(part: Coefficient) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.where(part.eta < 0.5, np.log(part.eta), np.log1p(-np.minimum(part.gap, 0.6)))


def worst_pair(K: FloatArray, report: Callable[[int, int], object] | None = None) -> WorstPair:
    """Return the pair of rows of a channel matrix with the largest contraction coefficient.

    Parameters
    ----------
    K : ndarray of shape (k, m)
        Rows of sum one.
    report : callable, optional
        Called with pairs done and pairs in all.

    Returns
    -------
    WorstPair
        Coefficient zero where no two rows differ.

    Notes
    -----
    For two rows p, q and m_b = b p + (1-b) q the Le Cam divergence ``b (1-b) sum (p-q)^2/m_b`` equals
    ``1 - g(b)`` with ``g(b) = sum p q / m_b`` convex in b, so the supremum is a one-dimensional convex
    problem. By Cauchy-Schwarz g(b) >= (sum sqrt(p q))^2: pairs are visited in the order of that
    affinity, and the search ends when no remaining pair can beat the best one.
    """
    roots = np.sqrt(K)
    first, second = np.triu_indices(len(K), 1)
    floor = np.minimum((roots @ roots.T)[first, second] ** 2, 1.0)
    order = np.argsort(floor, kind="stable")
    best, mixing, rows = (0.0, 1.0), 0.5, (0, 0)
    size = max(1, _BLOCK // K.shape[1])
    for start in range(0, len(order), size):
        pairs = order[start : start + size]
        if floor[pairs[0]] > best[1] + 1e-13:  # a hair of slack: the affinities are rounded
            break
        eta, gap, b = _le_cam_maxima(K[first[pairs]], K[second[pairs]], best)
        top = int(np.lexsort((gap, -eta))[0])
        if (eta[top], -gap[top]) > (best[0], -best[1]):
            best, mixing = (float(eta[top]), float(gap[top])), float(b[top])
            rows = (int(first[pairs[top]]), int(second[pairs[top]]))
        if report is not None:
            report(min(start + size, len(order)), len(order))
    if report is not None and len(order):
        report(len(order), len(order))
    return WorstPair(_from_both(*best), rows, mixing, _largest_variation(K))


def _from_both(eta: float, gap: float) -> Coefficient:
    """Coefficient from eta and 1 - eta, each accurate where it is small."""
    if gap == 0.0:
        return Coefficient(np.asarray(1.0), np.asarray(0.0), np.asarray(-np.inf))
    return Coefficient(np.asarray(eta), np.asarray(gap), np.asarray(0.0 + np.log1p(-eta) if eta < 0.5 else np.log(gap)))


def _le_cam_maxima(
    p: FloatArray, q: FloatArray, known: tuple[float, float]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Largest Le Cam divergences of pairs of rows, by Newton steps kept inside a bracket.

    Parameters
    ----------
    p, q : ndarray of shape (pairs, m)
        Rows.
    known : tuple of float
        eta and 1 - eta of another pair; pairs that cannot beat it, or the best of these, are left unfinished
        as soon as a tangent shows it.

    Returns
    -------
    tuple of ndarray of shape (pairs,)
        eta, 1 - eta and the mixing weight b of each pair.
    """
    n = len(p)
    b, eta, gap = np.full(n, 0.5), np.zeros(n), np.ones(n)
    low, high = np.zeros(n), np.ones(n)
    active = np.arange(n)
    for _ in range(_ITERATIONS):
        x = b[active]
        value, rest, slope, curvature = _le_cam_terms(p[active], q[active], x)
        eta[active], gap[active] = value, rest
        known = max(known[0], float(value.max())), min(known[1], float(rest.min()))
        high[active] = np.where(slope > 0.0, x, high[active])
        low[active] = np.where(slope < 0.0, x, low[active])
        # g is convex: its minimum is at most this far below the value at x.
        reach = np.abs(slope) * (high[active] - low[active])
        done = (slope == 0.0) | (reach <= 1e-16 * np.minimum(value, rest))
        done |= (value + reach < known[0]) & (rest - reach > known[1])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = x - slope / curvature
        inside = (step > low[active]) & (step < high[active])
        step = np.where(inside, step, 0.5 * (low[active] + high[active]))
        done |= (step <= low[active]) | (step >= high[active]) | (step == x)
        b[active] = np.where(done, x, step)
        active = active[~done]
        if not active.size:
            break
    return eta, gap, b


def _le_cam_terms(p: FloatArray, q: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Le Cam divergence, one minus it (g), and the first two derivatives of g.

    Parameters
    ----------
    p, q : ndarray of shape (pairs, m)
        Rows.
    b : ndarray of shape (pairs,)
        Weights of p, inside (0, 1).

    Returns
    -------
    tuple of ndarray of shape (pairs,)
        ``b (1-b) sum (p-q)^2/m``, ``g = sum p q/m``, g' and g''.

    Notes
    -----
    ``g' = sum ((p-q)/m)^2 (b^2 p - (1-b)^2 q)`` uses that the rows have the same sum; in this form it keeps its
    digits for rows that almost agree.
    """
    b = b[:, None]
    mixture = b * p + (1.0 - b) * q
    mixture[mixture == 0.0] = 1.0  # cells that neither row reaches
    relative = (p - q) / mixture
    product = p * (q / mixture)
    value = (b * (1.0 - b) * (p - q) * relative).sum(axis=1)
    slope = (relative**2 * (b**2 * p - (1.0 - b) ** 2 * q)).sum(axis=1)
    curvature = 2.0 * (product * relative**2).sum(axis=1)
    return np.minimum(value, 1.0), np.minimum(product.sum(axis=1), 1.0), slope, curvature


def _largest_variation(K: FloatArray) -> float:
    """Largest total variation between two rows, by blocks of pairs."""
    best = 0.0
    rows = max(1, _BLOCK // K.size)
    for start in range(0, len(K), rows):
        part = K[start : start + rows, None, :] - K[None, :, :]
        best = max(best, float(np.abs(part, out=part).sum(axis=2).max()) / 2.0)
    return min(best, 1.0)
