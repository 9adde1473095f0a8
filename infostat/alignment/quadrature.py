"""Adaptive composite Gauss quadrature of laws and their tilts, on the log scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray
from .tilt_solver import ratio_divergence

__all__ = ["GAUSS", "LOG_WEIGHTS", "NATS", "adapt", "gauss_panels", "node_moments", "tail_slope"]

_POINTS = 16
GAUSS, _WEIGHTS = np.polynomial.legendre.leggauss(_POINTS)
LOG_WEIGHTS = np.log(_WEIGHTS)
# What lies this many nats below the peak is left out.
NATS = 60.0
# A panel is accepted when halving it moves no total by more than this share.
_TOLERANCE = 1e-12
_MOST_ROUNDS = 160
_MOST_PANELS = 20_000
_LARGEST = 500.0


def gauss_panels(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the Gauss points of panels and the logs of their weights.

    Parameters
    ----------
    low, high : ndarray of shape (m,)
        Ends of the panels.

    Returns
    -------
    points, log_weights : ndarray of shape (m, 16)
        Rules for integrals over each panel.

    Examples
    --------
    >>> y, log_weights = gauss_panels(np.array([0.0]), np.array([2.0]))
    >>> round(float((np.exp(log_weights) * y**3).sum()), 12)
    4.0
    """
    half = 0.5 * (high - low)
    with np.errstate(divide="ignore"):
        return 0.5 * (low + high)[:, None] + half[:, None] * GAUSS, np.log(half)[:, None] + LOG_WEIGHTS


def adapt(
    evaluate: Any,
    low: FloatArray,
    high: FloatArray,
    kinds: FloatArray,
    tilts: Sequence[float],
    peaks: Sequence[tuple[float, float]],
    *,
    absolute: float = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """Halve panels until the mass of every tilt, and its second moment about the peak, stand still.

    Parameters
    ----------
    evaluate : callable
        ``(low, high, kind) -> (z, log_mass)``, arrays of panels x nodes.
    low, high, kinds : ndarray
        Panels.
    tilts : sequence of float
        Tilts to resolve.
    peaks : sequence of (float, float)
        Place and width of the peak of each; the second moment (not of tilt 0) is in that unit.
    absolute : float
        Error of a panel that is accepted in any case.

    Returns
    -------
    z, log_mass : ndarray
        The nodes of the accepted panels.

    Raises
    ------
    InputError
        If the panels become too many.
    """
    z, log_mass = evaluate(low, high, kinds)
    done = np.full(2 * len(tilts), -np.inf)
    kept: list[tuple[FloatArray, FloatArray]] = []
    for _ in range(_MOST_ROUNDS):
        if not len(low):
            break
        if len(low) > _MOST_PANELS:
            raise InputError("the density of the law must be smooth enough to be integrated, got one that is not")
        middle = 0.5 * (low + high)
        halves = (np.append(low, middle), np.append(middle, high), np.append(kinds, kinds))
        fine_z, fine_mass = evaluate(*halves)
        whole = _panel_sums(z, log_mass, tilts, peaks)
        parts = _panel_sums(fine_z, fine_mass, tilts, peaks)
        total = np.logaddexp(done, np.logaddexp.reduce(parts, axis=0))
        total = np.where(total > -np.inf, total, 0.0)
        count = len(low)
        share = np.exp(parts - total)
        error = np.abs(np.exp(np.minimum(whole - total, 700.0)) - share[:count] - share[count:])
        # Rounding of tau z is noise that no halving removes.
        noise = 4e-16 * np.repeat(np.abs(tilts), 2) * np.abs(z).max(axis=1)[:, None]
        allowed = _TOLERANCE + absolute * np.exp(np.minimum(-total, _LARGEST))
        settled = (error <= allowed + noise * (share[:count] + share[count:])).all(axis=1)
        fine = settled | (high - low <= 8e-16 * np.maximum(np.abs(low), np.abs(high)))
        both = np.append(fine, fine)
        kept.append((fine_z[both].reshape(-1), fine_mass[both].reshape(-1)))
        done = np.logaddexp(done, np.logaddexp.reduce(parts[both], axis=0)) if both.any() else done
        low, high, kinds = (part[~both] for part in halves)
        z, log_mass = fine_z[~both], fine_mass[~both]
    else:
        kept.append((z.reshape(-1), log_mass.reshape(-1)))
    points, masses = (np.concatenate(part) for part in zip(*kept, strict=True))
    keep = np.zeros(len(points), dtype=np.bool_)
    for index, (tau, (place, width)) in enumerate(zip(tilts, peaks, strict=True)):
        distance = 0.0 if tau == 0.0 else 2.0 * np.log1p(np.abs(points - place) / width)
        # Remote nodes without mass would only cost digits where rewards are centred.
        keep |= masses + tau * (points - place) + distance > done[2 * index + 1] - NATS
    return points[keep], masses[keep]


def node_moments(x: FloatArray, log_mass: FloatArray, t: float) -> tuple[float, float, float, float]:
    """Return Lambda, R, V and D of the tilt by a finite t of points with log masses.

    Parameters
    ----------
    x, log_mass : ndarray
        Points and normalised log masses.
    t : float
        Tilt.

    Returns
    -------
    log_mgf, reward, variance, kl : float
        Centred where the tilted mass is densest, which for unbounded points is far from the ends.

    Examples
    --------
    >>> found = node_moments(np.array([0.0, 1.0, 2.0]), np.log([0.5, 0.3, 0.2]), 1.0)
    >>> [round(value, 12) for value in found[:2]]
    [1.027222177641, 1.350056456919]
    """
    level = log_mass + t * (x - float(x[int(np.argmax(log_mass))]))
    centre = float(x[int(np.argmax(level))])
    y = x - centre
    exponent = t * y
    level = log_mass + exponent
    top = float(level.max())
    if float(np.abs(exponent).max()) < 0.5:
        log_mean = math.log1p(float(np.exp(log_mass) @ np.expm1(exponent)))
    else:
        log_mean = top + math.log(float(np.exp(level - top).sum()))
    log_q = level - log_mean
    q = np.exp(log_q)
    mean = float(q @ y)
    variance = float(q @ (y - mean) ** 2)
    divergence = float(ratio_divergence(log_q, log_mass, exponent - log_mean))
    return t * centre + log_mean, centre + mean, variance, divergence


def _panel_sums(
    z: FloatArray, log_mass: FloatArray, tilts: Sequence[float], peaks: Sequence[tuple[float, float]]
) -> FloatArray:
    """Log of mass and of second moment about the peak, panels x (2 tilts)."""
    sums = np.empty((len(z), 2 * len(tilts)))
    for index, (tau, (place, width)) in enumerate(zip(tilts, peaks, strict=True)):
        level = log_mass + tau * (z - place)
        top = level.max(axis=1, initial=-np.inf)
        base = np.where(top > -np.inf, top, 0.0)
        weight = np.exp(level - base[:, None])
        distance = np.zeros_like(z) if tau == 0.0 else ((z - place) / width) ** 2
        with np.errstate(divide="ignore"):
            sums[:, 2 * index] = base + np.log(weight.sum(axis=1))
            sums[:, 2 * index + 1] = base + np.log((weight * (1.0 + distance)).sum(axis=1))
    return sums


def tail_slope(log_density: Any, unit: float, *, highest: int = 120) -> float:
    """Return the exponential rate at which a density falls: the t beyond which tilts do not exist.

    Parameters
    ----------
    log_density : callable
        Log density at distances (array) from the centre.
    unit : float
        Distance to start from; powers of two times it are looked at.
    highest : int
        Largest power.

    Returns
    -------
    float
        inf for tails lighter than exponential, 0 for heavier ones.

    Examples
    --------
    >>> tail_slope(lambda y: -3.0 * y + np.log(y), 1.0), tail_slope(lambda y: -y * y, 1.0)
    (3.0, inf)
    >>> tail_slope(lambda y: -5.0 * np.log(y), 1.0)
    0.0
    """
    powers = np.arange(0, highest + 1)
    distance = unit * 2.0**powers
    with np.errstate(all="ignore"):
        level = log_density(distance)
    finite = np.flatnonzero(np.isfinite(level))
    last = int(finite[-1]) if finite.size else 0
    if last < 3:
        return math.inf
    slopes = [float((level[k - 1] - level[k]) / (distance[k] - distance[k - 1])) for k in (last - 1, last)]
    if min(slopes) <= 0.0:
        return 0.0 if slopes[1] <= 0.0 else math.inf
    growth = math.log2(slopes[1] / slopes[0])
    # Powers in front of the exponential bend the slope by a few parts in 2^last.
    if abs(growth) > 1e-9 + min(8.0 * 2.0**-last, 0.05):
        return math.inf if growth > 0.0 else 0.0
    return 2.0 * slopes[1] - slopes[0]
