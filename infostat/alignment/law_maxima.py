"""Best-of-N means and top fractions of frozen laws, from the distribution function alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray, check_number
from .bestofn_levels import log_level_masses
from .law_nodes import ContinuousLaw, DiscreteLaw, FrozenLaw, read_law
from .quadrature import adapt, gauss_panels

__all__ = ["continuous_best_of_n", "continuous_top_fraction", "law_levels"]

_LARGEST = 709.0
# Knots are looked at in pieces of this length, so that slow distribution functions are not called for all.
_PIECE = 48

_Function = Callable[[FloatArray], FloatArray]


def continuous_best_of_n(law: Any, log_n: float) -> float:
    """Return the mean reward of the best of N draws from a frozen law.

    Parameters
    ----------
    law : object
        Frozen scipy law of the reward.
    log_n : float
        log N >= 0; N need not be whole, and may be far beyond the largest double.

    Returns
    -------
    float
        E max; inf or -inf where that is the mean.

    Raises
    ------
    InputError
        If `log_n` is negative, or the mean does not exist.

    Notes
    -----
    ``E max = x + int_x^inf (1 - F^N) - int_-inf^x F^N`` with x near the 1/N tail quantile, so that
    both integrals are of the order of the spread of the maximum. F^N is evaluated from the log of
    the tail probability. Discrete laws are summed.

    Examples
    --------
    >>> from scipy.stats import norm, uniform
    >>> import numpy as np
    >>> round(continuous_best_of_n(norm(), np.log(8)), 9), round(continuous_best_of_n(uniform(), np.log(4.5)), 9)
    (1.423600306, 0.818181818)
    """
    log_n = check_number("log_n", log_n, low=0.0)
    reader = law if isinstance(law, FrozenLaw) else read_law(law)
    if isinstance(reader, DiscreteLaw):
        x, log_mass = law_levels(reader, log_n=log_n)
        log_q, _ = log_level_masses(log_mass, log_n)
        return float(x[-1] + np.exp(log_q) @ (x - x[-1]))
    if not isinstance(reader, ContinuousLaw):
        raise InputError("law must be a frozen scipy law with a density or a probability mass function")
    if log_n == 0.0:
        return reader.mean()
    tail = reader.log_tail
    endless = _infinite_part(reader, log_n)
    if endless != 0.0:
        return endless

    def log_exponent(z: FloatArray) -> FloatArray:
        return log_n + _log_minus_log_cdf(reader, z, tail)

    def above(z: FloatArray) -> FloatArray:
        return np.asarray(-np.expm1(-np.exp(np.minimum(log_exponent(z), _LARGEST))))

    def below(z: FloatArray) -> FloatArray:
        return np.asarray(np.exp(-np.exp(np.minimum(log_exponent(z), _LARGEST))))

    _check_depth(reader, log_n)
    place = _quantile(reader, lambda z: -log_exponent(z))
    width = _fall(reader, place, lambda z: tail(z))
    gain = _one_sided(reader, place, width, 1.0, above) - _one_sided(reader, place, width, -1.0, below)
    return reader.loc + reader.scale * (place + gain)


def continuous_top_fraction(law: Any, fraction: float) -> float:
    """Return the mean reward of the best fraction of a frozen law.

    Parameters
    ----------
    law : object
        Frozen scipy law of the reward.
    fraction : float
        Mass kept, in (0, 1].

    Returns
    -------
    float
        Mean of the reward given that it is among the best; an atom at the threshold is split.

    Raises
    ------
    InputError
        If the fraction is out of range or the mean does not exist.

    Notes
    -----
    ``Q + (1/a) int_Q^inf P(X > x) dx`` with Q the a tail quantile; an error of Q enters squared.

    Examples
    --------
    >>> from scipy.stats import norm
    >>> z = norm.isf(0.05)
    >>> bool(abs(continuous_top_fraction(norm(), 0.05) - norm.pdf(z) / 0.05) < 1e-12)
    True
    """
    fraction = check_number("fraction", fraction, low=0.0, high=1.0, open_low=True)
    reader = law if isinstance(law, FrozenLaw) else read_law(law)
    if fraction == 1.0:
        return reader.mean()
    log_fraction = math.log(fraction)
    if isinstance(reader, DiscreteLaw):
        return _top_of_atoms(*law_levels(reader, log_n=-log_fraction), fraction)
    if not isinstance(reader, ContinuousLaw):
        raise InputError("law must be a frozen scipy law with a density or a probability mass function")
    if _tail_index(reader, 1.0) <= 1.0 + 1e-9:
        return math.inf
    _check_depth(reader, -log_fraction)
    place = _quantile(reader, lambda z: log_fraction - reader.log_tail(z))
    width = _fall(reader, place, lambda z: reader.log_tail(z))
    excess = _one_sided(reader, place, width, 1.0, lambda z: np.exp(reader.log_tail(z) - log_fraction))
    return reader.loc + reader.scale * (place + excess)


def law_levels(law: Any, *, log_n: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Return the atoms of a discrete frozen law that matter for the best of N draws.

    Parameters
    ----------
    law : object
        Discrete frozen law.
    log_n : float
        log N.

    Returns
    -------
    x, log_mass : ndarray
        Ascending rewards and their log masses: levels for the routines on finite laws. An infinite
        support is cut where N times the mass left out is below e^-60.

    Raises
    ------
    InputError
        If the law is not discrete, or more than four million atoms matter.

    Examples
    --------
    >>> from scipy.stats import binom
    >>> law_levels(binom(2, 0.5))[0]
    array([0., 1., 2.])
    """
    reader = law if isinstance(law, FrozenLaw) else read_law(law)
    if not isinstance(reader, DiscreteLaw):
        raise InputError("law must be discrete, got one with a density")
    return reader.table((0.0,), (float(log_n),))


def _log_minus_log_cdf(law: ContinuousLaw, z: FloatArray, tail: _Function) -> FloatArray:
    """log(-log F(z))."""
    log_tail = tail(z)
    with np.errstate(all="ignore"):
        small = log_tail < -20.0
        upper = np.where(small, log_tail + 0.5 * np.exp(log_tail), np.log(-np.log1p(-np.exp(log_tail))))
        if not (log_tail > -0.5).any():
            return np.asarray(upper)
        lower = np.log(-np.asarray(law.standard.logcdf(z), dtype=np.float64))
    return np.where(log_tail > -0.5, lower, upper)


def _quantile(law: ContinuousLaw, rising: _Function) -> float:
    """Where an increasing function crosses zero, to about one part in a million."""
    knots = law.knots
    for _ in range(3):
        if len(knots) <= 2:
            break
        rows = np.unique(np.linspace(0, len(knots) - 1, 33).astype(int))
        above = rising(knots[rows]) >= 0.0
        at = int(np.argmax(above)) if above.any() else len(rows) - 1
        knots = knots[rows[max(at - 1, 0)] : rows[at] + 1]
    low, high = float(knots[0]), float(knots[-1])
    for _ in range(6):
        grid = np.linspace(low, high, 33)
        above = rising(grid) >= 0.0
        at = int(np.argmax(above)) if above.any() else 32
        low, high = float(grid[max(at - 1, 0)]), float(grid[at])
        if high - low <= 1e-6 * law.unit:
            break
    return 0.5 * (low + high)


def _check_depth(law: ContinuousLaw, log_n: float) -> None:
    """Refuse where the law's tail probability underflows before N times it is negligible."""
    if math.isfinite(law.b):
        return
    knots = law.knots[law.knots >= law.centre]
    for _ in range(3):
        lost = law.log_tail(knots) == -np.inf
        if not lost.any() or lost[0]:
            return
        first = int(np.argmax(lost))
        low, high = float(knots[first - 1]), float(knots[first])
        knots = np.linspace(low, high, 33)
    deepest = float(law.log_tail(np.array([low]))[0])
    if deepest > -log_n - 40.0:
        raise InputError(
            f"the tail of the law must be known down to exp({-log_n - 40.0:.4g}), got zeros below "
            f"exp({deepest:.4g}): its survival function underflows; use a smaller N"
        )


def _fall(law: ContinuousLaw, place: float, log_tail: _Function) -> float:
    """Distance over which the tail falls by about one nat."""
    distance = law.unit * 2.0 ** np.arange(-50.0, 60.0)
    inside = distance[place + distance < law.b]
    if not inside.size:
        return max(law.b - place, law.unit * 2.0**-50)
    with np.errstate(invalid="ignore"):
        fall = log_tail(np.array([place])) - log_tail(place + inside)
    small = np.flatnonzero(fall < 1.0)
    return float(inside[small[-1]]) if small.size else float(inside[0])


def _one_sided(
    law: ContinuousLaw, place: float, width: float, sign: float, integrand: _Function
) -> float:
    """Integral of a function between 0 and 1 from `place` to the end of the support."""
    end = law.b if sign > 0 else law.a
    room = abs(end - place)
    if room == 0.0:
        return 0.0
    with np.errstate(over="ignore"):
        distance = np.concatenate([[0.0], width * 2.0 ** np.arange(-4.0, 1000.0)])
    if math.isfinite(room):
        graded = room * (1.0 - 2.0 ** -np.arange(1.0, 52.0))
        distance = np.concatenate([distance[distance < 0.5 * room], graded, [room]])
    distance = distance[np.isfinite(place + sign * distance)]

    def values(y: FloatArray) -> FloatArray:
        found = integrand(place + sign * y)
        return np.where(np.isnan(found), 0.0, found)

    # The integrand falls away from `place`, so a panel holds no more than its first value times its width.
    last = 1
    for start in range(0, len(distance) - 1, _PIECE):
        edges = distance[start : start + _PIECE + 1]
        with np.errstate(over="ignore"):
            # It cannot rise again, though some survival functions seem to, far out.
            falling = np.minimum.accumulate(values(edges[:-1]))
            used = np.flatnonzero(falling * np.diff(edges) > 1e-19 * width)
        last = start + int(used[-1]) + 1 if used.size else last
        if not used.size or used[-1] < len(edges) - 2:
            break

    def evaluate(low: FloatArray, high: FloatArray, kind: FloatArray) -> tuple[FloatArray, FloatArray]:
        y, log_weight = gauss_panels(low, high)
        with np.errstate(divide="ignore"):
            return y, np.log(values(y.reshape(-1)).reshape(y.shape)) + log_weight

    edges = distance[: last + 1]
    rounding = 1e-15 * max(abs(place), law.unit)
    _, log_mass = adapt(evaluate, edges[:-1], edges[1:], np.zeros(last), (0.0,), ((0.0, 1.0),), absolute=rounding)
    return float(np.exp(log_mass).sum())


def _tail_index(law: ContinuousLaw, sign: float) -> float:
    """Power with which the tail falls; inf for anything lighter than a power."""
    if math.isfinite(law.b if sign > 0 else law.a):
        return math.inf
    distance = law.unit * 2.0 ** np.arange(0.0, 201.0)
    level = law.log_density(law.centre + sign * distance)
    finite = np.flatnonzero(np.isfinite(level))
    last = int(finite[-1]) if finite.size else 0
    if last < 8:
        return math.inf
    return float(-(level[last] - level[last - 4]) / (4.0 * math.log(2.0))) - 1.0


def _infinite_part(law: ContinuousLaw, log_n: float) -> float:
    """inf or -inf where the mean of the maximum is, else 0."""
    right, left = _tail_index(law, 1.0), _tail_index(law, -1.0)
    no_right = right <= 1.0 + 1e-9
    no_left = left * math.exp(min(log_n, 50.0)) <= 1.0 + 1e-9
    if no_right and no_left:
        raise InputError("the best of N must have a mean, got a law whose tails are both too heavy; raise N")
    return math.inf if no_right else (-math.inf if no_left else 0.0)


def _top_of_atoms(x: FloatArray, log_mass: FloatArray, fraction: float) -> float:
    mass = np.exp(log_mass)[::-1]
    above = np.concatenate([[0.0], np.cumsum(mass)[:-1]])
    kept = np.clip(fraction - above, 0.0, mass)
    # What the table leaves out below is missing only where the fraction is nearly one.
    kept[-1] += max(fraction - float(kept.sum()), 0.0)
    top = float(x[-1])
    return top + float((kept / fraction) @ (x[::-1] - top))
