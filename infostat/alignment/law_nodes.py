"""Frozen scipy laws as finite laws: quadrature nodes whose weights are right for a given tilt.

Every integral of this wing over a continuous law has the form ``E g(X) e^(t X)``. Composite Gauss
nodes that resolve the density and the tilted density together turn the law into a finite one
(points with log masses), and then the routines for finite laws apply as they are. Discrete laws
become a table of consecutive integers.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.errors import InputError, describe
from ..core.validation import FloatArray, short
from .quadrature import NATS, adapt, gauss_panels, tail_slope
from .scipy_laws import EXACT_LOG_DENSITY, overrides, standardise

__all__ = ["ContinuousLaw", "DiscreteLaw", "FrozenLaw", "read_law"]

_MOST_ATOMS = 4_000_000
# Mass set apart at an end of the support where the density is infinite.
_SHARE = 0.25
_LARGEST_POWER = 1000


class FrozenLaw(ABC):
    """What the solvers ask of a law; rewards are in the units of the user.

    Attributes
    ----------
    law : object
        Frozen scipy law.
    low, high : float
        Ends of its support.
    discrete : bool
        Whether it has a probability mass function.
    limits : tuple of float
        Open interval of the t with a finite moment generating function, as far as it can be told
        from the slope of the log density at both ends.
    kl_max : float
        Largest divergence of a tilt, nats.
    """

    law: Any
    low: float
    high: float
    discrete: bool
    limits: tuple[float, float]
    kl_max: float

    @abstractmethod
    def nodes(self, t: float) -> tuple[FloatArray, FloatArray]:
        """Return points and log masses that are accurate for the law and its tilt by t.

        Parameters
        ----------
        t : float
            Tilt inside `limits`.

        Returns
        -------
        x, log_mass : ndarray
            A finite law.
        """

    def mean(self) -> float:
        """Return the mean of the law.

        Returns
        -------
        float
            Possibly infinite.

        Raises
        ------
        InputError
            If the law has no mean.
        """
        with np.errstate(all="ignore"):
            mean = float(self.law.mean())
        if math.isnan(mean):
            raise InputError("the law must have a mean, got one without; rewards this heavy-tailed cannot be averaged")
        return mean

    def spread(self) -> float:
        """Return a scale of the law: its standard deviation, or the range of its middle half.

        Returns
        -------
        float
            Positive.
        """
        with np.errstate(all="ignore"):
            deviation = float(self.law.std())
            if not (math.isfinite(deviation) and deviation > 0.0):
                deviation = float(self.law.ppf(0.75) - self.law.ppf(0.25))
        return deviation if deviation > 0.0 else 1.0


def read_law(law: Any) -> FrozenLaw:
    """Return the reader of a frozen law.

    Parameters
    ----------
    law : object
        Frozen scipy law, or something with the same methods.

    Returns
    -------
    FrozenLaw
        Continuous or discrete.

    Raises
    ------
    InputError
        If the law has neither a density nor a probability mass function, or no median.

    Examples
    --------
    >>> from scipy.stats import expon
    >>> read_law(expon(scale=0.5)).limits
    (-inf, 2.0)
    """
    if callable(getattr(law, "logpmf", None)):
        return DiscreteLaw(law)
    if not (callable(getattr(law, "logpdf", None)) or callable(getattr(law, "pdf", None))):
        raise InputError(describe("p", "a frozen law with a density or a probability mass function", short(law)))
    return ContinuousLaw(law)


class DiscreteLaw(FrozenLaw):
    """A law on integers, or on the finitely many values of an ``rv_discrete(values=...)``.

    Parameters
    ----------
    law : object
        Frozen law with ``logpmf``.
    """

    def __init__(self, law: Any) -> None:
        self.law, self.discrete = law, True
        dist = getattr(law, "dist", law)
        self._values: tuple[FloatArray, FloatArray] | None = None
        if hasattr(dist, "xk") and hasattr(dist, "pk"):
            self._values = self._listed(law, dist)
            self.low, self.high = float(self._values[0].min()), float(self._values[0].max())
            self.limits, self.kl_max = (-math.inf, math.inf), -float(self._values[1][-1])
            return
        self.low, self.high = (float(end) for end in law.support())
        self._centre = float(law.median()) if hasattr(law, "median") else float(law.ppf(0.5))
        if not math.isfinite(self._centre):
            self._centre = float(np.floor(law.mean()))  # scipy's quantiles give up far from zero
        if not math.isfinite(self._centre):
            raise InputError("the law must have a median, got parameters outside its domain")
        self._knots = self._integers()
        self._log_mass = self._logpmf(self._knots)
        self.limits = (0.0 - self._limit(-1.0), self._limit(1.0))
        self.kl_max = -float(self._logpmf(np.array([self.high]))[0]) if math.isfinite(self.high) else math.inf

    @staticmethod
    def _listed(law: Any, dist: Any) -> tuple[FloatArray, FloatArray]:
        values = np.asarray(dist.xk, dtype=np.float64)
        mass = np.asarray(dist.pk, dtype=np.float64)
        keep = mass > 0.0
        order = np.argsort(values[keep], kind="stable")
        shift = float(law.support()[0]) - float(values.min())  # loc of a frozen one
        return values[keep][order] + shift, np.log(mass[keep][order] / mass.sum())

    def _integers(self) -> FloatArray:
        powers = np.concatenate([[0.0], 2.0 ** np.arange(0, 50)])
        knots = np.concatenate([self._centre - powers, self._centre + powers])
        ends = [end for end in (self.low, self.high) if math.isfinite(end)]
        inside = knots[(knots >= self.low) & (knots <= self.high)]
        return np.unique(np.concatenate([inside, ends]))

    def _logpmf(self, k: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            return np.asarray(self.law.logpmf(k), dtype=np.float64)

    def _limit(self, sign: float) -> float:
        end = self.high if sign > 0 else self.low
        if math.isfinite(end):
            return math.inf
        # Beyond 2^40 the logs of gamma functions in many mass functions leave no digits.
        return tail_slope(lambda y: self._logpmf(self._centre + sign * np.floor(y)), 1.0, highest=40)

    def nodes(self, t: float) -> tuple[FloatArray, FloatArray]:
        """Return the atoms that matter for the law and its tilt by t.

        Parameters
        ----------
        t : float
            Tilt inside `limits`.

        Returns
        -------
        x, log_mass : ndarray
            Consecutive integers and their log masses.

        Raises
        ------
        InputError
            If more than four million atoms matter.
        """
        return self.table((0.0, t), (0.0, 0.0))

    def table(self, tilts: Sequence[float], margins: Sequence[float]) -> tuple[FloatArray, FloatArray]:
        """Return the atoms within sixty nats (and a margin) of the peak of any of the tilts.

        Parameters
        ----------
        tilts : sequence of float
            Tilts.
        margins : sequence of float
            Nats added to the sixty, one per tilt.

        Returns
        -------
        x, log_mass : ndarray
            Consecutive atoms.

        Raises
        ------
        InputError
            If they are more than four million.
        """
        if self._values is not None:
            return self._values
        knots = self._knots
        low, high = math.inf, -math.inf
        for t, margin in zip(tilts, margins, strict=True):
            level = self._log_mass + t * (knots - self._centre)
            # Room for a peak between two knots: what counts is the mass between them, not at them.
            width = np.log(np.maximum(np.gradient(knots), 1.0)) if len(knots) > 1 else 0.0
            level = np.where(np.isnan(level), -np.inf, level) + width
            used = np.flatnonzero(level > level.max() - NATS - margin)
            first, last = max(int(used[0]) - 1, 0), min(int(used[-1]) + 1, len(knots) - 1)
            low, high = min(low, float(knots[first])), max(high, float(knots[last]))
        if high - low > _MOST_ATOMS:
            raise InputError(
                f"the law must have at most {_MOST_ATOMS} atoms that matter, got about {high - low:.3g}; "
                "use a continuous approximation such as norm(mean, sd)"
            )
        k = np.arange(low, high + 1.0)
        log_mass = self._logpmf(k)
        keep = log_mass > -np.inf
        return k[keep], log_mass[keep]


class ContinuousLaw(FrozenLaw):
    """A law with a density.

    Parameters
    ----------
    law : object
        Frozen law with ``logpdf`` or ``pdf``; location and scale are taken out, because a density
        that is infinite at 0 has its digits at 0 and nowhere else.
    """

    def __init__(self, law: Any) -> None:
        self.law, self.discrete, self.kl_max = law, False, math.inf
        self.standard, self.loc, self.scale = standardise(law)
        with np.errstate(all="ignore"):
            self.a, self.b = (float(end) for end in self.standard.support())
            left, self.centre, right = (float(v) for v in self.standard.ppf(np.array([0.25, 0.5, 0.75])))
        self.unit = right - left
        if not (math.isfinite(self.centre) and self.unit > 0.0):
            raise InputError("the law must have a density and finite quartiles, got none; check its parameters")
        self.low, self.high = self.loc + self.scale * self.a, self.loc + self.scale * self.b
        self._sides = tuple(self._side(sign) for sign in (-1.0, 1.0))
        self.knots = np.unique(np.concatenate([*self._sides, [self.centre]]))
        self._log_f = self.log_density(self.knots)
        self._singular = (self._is_singular(self.a), self._is_singular(self.b))
        with np.errstate(all="ignore"):
            # Next to an end where the density is infinite, probability is the variable of integration.
            self._low = float(self.standard.ppf(_SHARE)) if self._singular[0] else self.a
            self._high = float(self.standard.isf(_SHARE)) if self._singular[1] else self.b
        self.limits = (0.0 - self._limit(-1.0) / self.scale, self._limit(1.0) / self.scale)

    def log_density(self, z: FloatArray) -> FloatArray:
        """Return the log density of the standardised law.

        Parameters
        ----------
        z : ndarray
            Points.

        Returns
        -------
        ndarray
            -inf outside the support.
        """
        exact = EXACT_LOG_DENSITY.get(getattr(getattr(self.standard, "dist", None), "name", ""))
        with np.errstate(all="ignore"):
            if exact is not None:
                return np.asarray(exact(z))
            if callable(getattr(self.standard, "logpdf", None)):
                found = np.asarray(self.standard.logpdf(z), dtype=np.float64)
            else:
                found = np.log(np.asarray(self.standard.pdf(z), dtype=np.float64))
        return np.where(np.isnan(found), -np.inf, found)

    def nodes(self, t: float) -> tuple[FloatArray, FloatArray]:
        """Return quadrature nodes that resolve the density and its tilt by t.

        Parameters
        ----------
        t : float
            Tilt inside `limits`.

        Returns
        -------
        x, log_mass : ndarray
            Nodes and the logs of density times weight.

        Raises
        ------
        InputError
            If the log density is not available where the tilt has its mass, or does not integrate
            to one.
        """
        tau = t * self.scale
        tilts = (0.0,) if tau == 0.0 else (0.0, tau)
        peaks = [self._peak(each) for each in tilts]
        pieces = [self._panels(each, *peak) for each, peak in zip(tilts, peaks, strict=True)]
        knots = np.unique(np.concatenate(pieces))
        panels = [(knots[:-1], knots[1:], np.zeros(len(knots) - 1))]
        for kind, singular in enumerate(self._singular, start=1):
            if singular:
                graded = _SHARE * 2.0 ** -np.arange(64.0)
                panels.append((np.append(graded[1:], 0.0), graded, np.full(64, float(kind))))
        low, high, kinds = (np.concatenate(part) for part in zip(*panels, strict=True))
        z, log_mass = adapt(self._evaluate, low, high, kinds, tilts, peaks)
        total = float(np.exp(log_mass).sum())
        if not abs(total - 1.0) < 1e-8:
            raise InputError(f"the density of the law must integrate to one, got {total:.10g}")
        return self.loc + self.scale * z, log_mass - math.log(total)

    def log_tail(self, z: FloatArray) -> FloatArray:
        """Return log P(Z > z) of the standardised law, accurate however far out.

        Parameters
        ----------
        z : ndarray
            Points.

        Returns
        -------
        ndarray
            From the law's own survival function where that is a computation of its own; else
            from the density, because one minus a distribution function has no digits left.
        """
        with np.errstate(all="ignore"):
            found = np.asarray(self.standard.logsf(z), dtype=np.float64)
        least = -math.inf if overrides(self.standard, "_logsf") else math.log(1e-290)
        if not (overrides(self.standard, "_logsf") or overrides(self.standard, "_sf")):
            least = math.log(1e-4)
        poor = (np.isnan(found) | (found < least)) & (z < self.b)
        if poor.any():
            found = found.copy()
            found[poor] = self._integrated_tail(z[poor])
        return found

    def _integrated_tail(self, z: FloatArray) -> FloatArray:
        """log f(z) + log of the integral of f(z + y)/f(z), in units of the decay length at z."""
        room = self.b - z
        base = self.log_density(z)
        step = np.minimum(1e-4 * np.maximum(np.abs(z - self.centre), self.unit), 0.5 * room)
        with np.errstate(all="ignore"):
            rate = np.maximum(base - self.log_density(z + step), 1e-9) / step
        length = np.minimum(1.0 / rate, room)
        # Panels of a point end where the support does: 0, 1/8, 1/4, ... decay lengths, then the rest.
        edges = np.minimum(length[:, None] * np.concatenate([[0.0], 2.0 ** np.arange(-3.0, 9.0)]), room[:, None])
        y, log_weight = gauss_panels(edges[:, :-1].reshape(-1), edges[:, 1:].reshape(-1))
        points = z[:, None] + y.reshape(len(z), -1)
        with np.errstate(all="ignore"):
            level = self.log_density(points) - base[:, None] + log_weight.reshape(len(z), -1)
            top = level.max(axis=1)
            found = base + top + np.log(np.exp(level - top[:, None]).sum(axis=1))
        return np.where(np.isfinite(base), found, -np.inf)

    def _side(self, sign: float) -> FloatArray:
        end = self.b if sign > 0 else self.a
        out = self.unit * 2.0 ** np.arange(-6.0, _LARGEST_POWER)
        if math.isfinite(end):
            room = abs(end - self.centre)
            graded = room * (1.0 - 2.0 ** -np.arange(1.0, 53.0))
            out = np.concatenate([out[out < 0.5 * room], graded, [room]])
        with np.errstate(over="ignore"):
            knots = self.centre + sign * out
        if math.isfinite(end):
            knots[-1] = end
            # Towards zero the grid of doubles is finer than towards any other number.
            if end == 0.0:
                knots = np.concatenate([knots, self.centre * 2.0 ** -np.arange(53.0, 1000.0)])
        return knots[np.isfinite(knots)]

    def _limit(self, sign: float) -> float:
        if math.isfinite(self.b if sign > 0 else self.a):
            return math.inf
        return tail_slope(lambda y: self.log_density(self.centre + sign * y), self.unit)

    def _is_singular(self, end: float) -> bool:
        """Whether the density is infinite at an end of the support."""
        if not math.isfinite(end):
            return False
        levels = self.log_density(end + (self.centre - end) * 2.0 ** np.array([-30.0, -40.0]))
        with np.errstate(invalid="ignore"):
            return bool(levels[1] - levels[0] > 0.02 * 10.0 * math.log(2.0))

    def _evaluate(self, low: FloatArray, high: FloatArray, kind: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Nodes and log masses of panels: of points (0), of lower (1) or upper (2) tail probability."""
        points, log_mass = gauss_panels(low, high)
        z = points.copy()
        with np.errstate(all="ignore"):
            if (kind == 1).any():
                z[kind == 1] = self.standard.ppf(points[kind == 1])
            if (kind == 2).any():
                z[kind == 2] = self.standard.isf(points[kind == 2])
        plain = kind == 0
        log_mass[plain] += self.log_density(z[plain])
        return z, log_mass

    def _level(self, tau: float) -> FloatArray:
        with np.errstate(over="ignore", invalid="ignore"):  # knots reach to the end of the floats
            level = self._log_f + tau * (self.knots - self.centre)
        return np.where(np.isnan(level) | (self.knots < self._low) | (self.knots > self._high), -np.inf, level)

    def _peak(self, tau: float) -> tuple[float, float]:
        """Place and width (a fall by about one nat) of the largest value of log f + tau z."""
        level = self._level(tau)
        best = int(np.argmax(level))
        low, high = self.knots[max(best - 1, 0)], self.knots[min(best + 1, len(level) - 1)]
        place = float(self.knots[best])
        if not math.isfinite(level[best]):
            return (place, self.unit) if place in (self.a, self.b) else (self.centre, self.unit)
        for _ in range(14):
            grid = np.linspace(low, high, 33)
            values = self.log_density(grid) + tau * (grid - self.centre)
            at = int(np.argmax(values))
            place = float(grid[at])
            low, high = grid[max(at - 1, 0)], grid[min(at + 1, 32)]
            drop = float(values[at] - min(values[max(at - 1, 0)], values[min(at + 1, 32)]))
            if drop < 0.5 or not high > low:
                break
        return place, self._width(tau, place)

    def _width(self, tau: float, place: float) -> float:
        distance = max(abs(place), self.unit) * 2.0 ** np.arange(-40.0, 12.0)
        inside = self.log_density(np.array([place])) + tau * (place - self.centre)
        levels = []
        for sign in (-1.0, 1.0):
            z = place + sign * distance
            levels.append(self.log_density(z) + tau * (z - self.centre) - inside)
        flat = np.maximum(*levels) > -1.0
        return float(distance[np.flatnonzero(flat)[-1]]) if flat.any() else float(distance[0])

    def _panels(self, tau: float, place: float, width: float) -> FloatArray:
        """Edges of panels: the dyadic knots that matter, and a fine grid around the peak."""
        level = self._level(tau)
        self._check_tail(tau, level)
        gaps = np.gradient(self.knots)
        with np.errstate(divide="ignore", invalid="ignore"):
            mass = level + np.log(gaps)
        mass = np.where(np.isfinite(mass), mass, np.where(level == np.inf, np.inf, -np.inf))
        finite = mass[np.isfinite(mass)]
        top = float(finite.max()) if finite.size else -math.inf
        # The peak may lie between two knots; next to an end its width may be wider than the room there.
        after = min(max(int(np.searchsorted(self.knots, place)), 1), len(self.knots) - 1)
        wide = math.log(min(width, float(self.knots[after] - self.knots[after - 1])))
        peak = float(self.log_density(np.array([place]))[0]) + tau * (place - self.centre) + wide
        top = max(top, peak) if math.isfinite(peak) else top
        used = np.flatnonzero(mass > top - NATS)
        rows = np.unique(np.clip(np.concatenate([used - 1, used, used + 1]), 0, len(level) - 1))
        steps = width * 2.0 ** np.arange(-1.0, 7.0)
        near = np.concatenate([place - steps, [place], place + steps])
        edges = np.concatenate([self.knots[rows], near])
        ends = [end for end, flag in zip((self._low, self._high), self._singular, strict=True) if flag]
        return np.concatenate([edges[(edges >= self._low) & (edges <= self._high)], ends])

    def _check_tail(self, tau: float, level: FloatArray) -> None:
        """Refuse where the density underflows before the tilted density has fallen."""
        end = self.b if tau > 0 else self.a
        if tau == 0.0 or math.isfinite(end):
            return
        finite = np.flatnonzero(np.isfinite(self._log_f))
        last = int(finite[-1] if tau > 0 else finite[0])
        lost = self._log_f[last] < -300.0 and float(np.abs(self._log_f[last])) < 745.2
        beyond = last + (1 if tau > 0 else -1)
        known = not 0 <= beyond < len(level)
        if lost and not known and level[last] > float(level[finite].max()) - 0.5 * NATS:
            raise InputError(
                f"the log density of the law must be known where the tilt has its mass, got -inf beyond "
                f"{self.loc + self.scale * float(self.knots[last]):.4g}: its pdf underflows there; use a smaller tilt"
            )
