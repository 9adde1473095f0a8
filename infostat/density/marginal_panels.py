"""Nodes for averages over a law on the line, whatever its tails and whatever its density does at the ends.

A point y is described by its normal score ``t = Phi^-1(F(y))``, in which every law has the weight
exp(-t^2/2). Panels of t get Gauss-Legendre nodes, and are halved where the log density bends.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from scipy.special import ndtr

from ..core.errors import InputError
from ..core.validation import FloatArray

__all__ = ["Panels", "label", "quantiles"]

_LIMIT_T = 9.0  # beyond nine standard deviations of the normal score lies a mass of 1e-19
_FEWEST_T = 4.75  # and 2e-6 beyond this, the most that may be left out
_MARGIN = 0.5
_NARROWEST, _MOST_PANELS = 2.0**-14, 240


class Panels:
    """Eight nodes in each panel of the normal score, remembered: many laws have slow quantiles.

    Parameters
    ----------
    law : frozen scipy law
        Continuous, on the line.
    """

    def __init__(self, law: Any) -> None:
        self._law = law
        self._known: dict[tuple[float, float], tuple[FloatArray, FloatArray, FloatArray]] = {}
        self._rule = np.polynomial.legendre.leggauss(8)
        self.low, self.high, rounded = _trusted_scores(law)
        # The log density of a tail that is missing or rounded is some twenty nats away.
        self._tail_error = 20.0 * (rounded + float(ndtr(self.low) + ndtr(-self.high)))

    def nodes(self, edges: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return points, weights and log densities, one row for each panel."""
        keys = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
        new = [key for key in keys if key not in self._known]
        if new:
            low, high = np.array(new).T[:, :, None]
            nodes, gauss = self._rule
            half = 0.5 * (high - low)
            t = low + half * (1.0 + nodes)
            weights = np.exp(-0.5 * t * t) * gauss * half / math.sqrt(2.0 * math.pi)
            with np.errstate(all="ignore"):
                points = quantiles(self._law, t)
                log_density = np.asarray(self._law.logpdf(points), dtype=np.float64)
            self._known |= dict(zip(new, zip(points, weights, log_density, strict=True), strict=True))
        columns = zip(*(self._known[key] for key in keys), strict=True)
        points, weights, log_density = (np.array(column) for column in columns)
        return points, weights, log_density

    def edges(self, step: float, tolerance: float) -> tuple[FloatArray, float]:
        """Return panel edges `step` apart, closer where the log density bends, and the entropy's error."""
        count = round(_LIMIT_T / step)
        edges = np.unique(np.clip(step * np.arange(-count, count + 1.0), self.low, self.high))
        while True:
            middle = 0.5 * (edges[:-1] + edges[1:])
            halves = self._shares(np.sort(np.append(edges, middle))).reshape(-1, 2)
            errors = np.abs(halves.sum(axis=1) - self._shares(edges))
            rough = (errors > tolerance) & (np.diff(edges) > _NARROWEST)
            if not rough.any() or len(edges) + int(rough.sum()) > _MOST_PANELS:
                return edges, float(errors.sum()) + self._tail_error
            edges = np.sort(np.append(edges, middle[rough]))

    def _shares(self, edges: FloatArray) -> FloatArray:
        """Return what each panel adds to the mean of the log density."""
        _, weights, log_density = self.nodes(edges)
        return np.asarray(np.where(np.isfinite(log_density), weights * log_density, 0.0).sum(axis=1))


def _trusted_scores(law: Any) -> tuple[float, float, float]:
    """Return the range of normal scores in which quantiles invert the distribution function, and a rounded mass.

    scipy's quantiles fail in the far tails of some laws; those tails are left out. Near an end other
    than zero quantiles round towards the end, which is as well as floats can do; the mass of such
    points is returned.
    """
    t = np.linspace(-_LIMIT_T, _LIMIT_T, 145)
    tail = ndtr(-np.abs(t))
    with np.errstate(all="ignore"):
        points = quantiles(law, t)
        step = 4.0 * np.spacing(np.abs(points))
        near, below, above = (np.where(t < 0.0, law.cdf(x), law.sf(x)) for x in (points, points - step, points + step))
    exact = np.abs(near / tail - 1.0) < 1e-3
    good = exact | ((np.minimum(below, above) <= tail) & (tail <= np.maximum(below, above)))
    left, right = np.flatnonzero(~good & (t < 0.0)), np.flatnonzero(~good & (t >= 0.0))
    # Failures are scattered: the last one seen may not be the last one.
    low = float(t[left[-1]]) + _MARGIN if left.size else -_LIMIT_T
    high = float(t[right[0]]) - _MARGIN if right.size else _LIMIT_T
    if max(low, -high) > -_FEWEST_T:
        raise InputError(f"marginal must have a ppf that inverts its cdf, got {label(law)} where they disagree")
    rounded = good & ~exact & (t >= low) & (t <= high)
    return low, high, float(sum(tail[side & rounded].max(initial=0.0) for side in (t < 0.0, t >= 0.0)))


def quantiles(law: Any, t: FloatArray) -> FloatArray:
    """Return the points of normal score t; upper ones from the survival function, which keeps their digits.

    Parameters
    ----------
    law : frozen scipy law
        One column.
    t : ndarray
        Normal scores.

    Returns
    -------
    ndarray
        Points, unit of the column.
    """
    tail = ndtr(-np.abs(t))
    with warnings.catch_warnings():
        # Compiled quantile functions warn, past NumPy's settings, about tails that do not matter here.
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.where(t < 0.0, law.ppf(tail), law.isf(tail)), dtype=np.float64)


def label(law: Any) -> str:
    """Return a law in words: name and parameters.

    Parameters
    ----------
    law : frozen scipy law
        One column.

    Returns
    -------
    str
        For messages and tables.
    """
    parts = [f"{float(v):g}" for v in law.args if np.ndim(v) == 0]
    parts += [f"{key}={float(v):g}" for key, v in law.kwds.items() if np.ndim(v) == 0]
    return f"{getattr(law.dist, 'name', None) or type(law.dist).__name__}({', '.join(parts)})"
