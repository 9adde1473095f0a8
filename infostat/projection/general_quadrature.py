"""Quadrature over the line for a density known by its logarithm only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray
from .general_moments import Rows
from .general_routes import Derivative
from .population import law_nodes

__all__ = ["RESPONSE_NODES", "Measure", "line_nodes", "response_rules"]

Measure = Callable[[FloatArray, FloatArray], FloatArray]
Rule = Callable[[int], tuple[FloatArray, FloatArray]]
RESPONSE_NODES = (200, 400, 800, 1600)

_FAR = 40.0  # sinh(40) is 1e17 scales away from the middle
_LINE, _HALF_LINE = 8.0, 5.0  # 1500 scales, and 75 scales of the logarithm


def line_nodes(logpdf: Derivative, theta: FloatArray, rows: Rows, measure: Measure) -> Rows:
    """Return nodes on the line that integrate the density and `measure` to 1e-10.

    Parameters
    ----------
    logpdf : callable
        Checked log density of one variable.
    theta : ndarray of shape (p,)
        Parameter.
    rows : Rows
        Data; they say where the density lives.
    measure : callable
        Numbers that must have converged.

    Returns
    -------
    Rows
        Nodes with probabilities.

    Raises
    ------
    InputError
        If the density does not integrate to one, or too slowly.
    """
    shape = (-1,) + rows.points.shape[1:]

    def density(x: FloatArray) -> FloatArray:
        values = np.exp(logpdf(np.atleast_1d(x).reshape(shape), theta))
        return np.where(np.isfinite(values), values, 0.0)

    def measured(points: FloatArray, weights: FloatArray) -> FloatArray:
        keep = weights > 0.0
        if not keep.any() or not np.isfinite(weights).all():
            return np.full(1, np.nan)  # refused by law_nodes
        return measure(points[keep].reshape(shape), weights[keep])

    seen = rows.points.ravel()
    for ends in _supports(seen):
        try:
            with np.errstate(all="ignore"):  # a formula tried beyond its range may grow without bound
                points, weights = law_nodes(_Line(density, seen, rows.weights, ends), measured)
        except InputError:
            continue
        keep = weights > 0.0
        return Rows(points[keep].reshape(shape), weights[keep])
    raise InputError(
        "the model's expectations could not be integrated to 1e-10 over the line: the density must be "
        "normalised, smooth in x, with finite moments of its derivatives; pass nodes=(points, weights), "
        "sample=f(theta, size, rng), or fisher= with order=1"
    )


def _supports(seen: FloatArray) -> Iterator[tuple[float, float] | None]:
    """The support as the density shows it, then those that a formula without its range may mean."""
    yield None
    if (seen > 0.0).all():
        yield 0.0, np.inf
        if (seen < 1.0).all():
            yield 0.0, 1.0


class _Line:
    """What :func:`law_nodes` asks of a frozen law, read off a density and a sample near it."""

    def __init__(
        self,
        density: Callable[[FloatArray], FloatArray],
        sample: FloatArray,
        weights: FloatArray,
        ends: tuple[float, float] | None,
    ) -> None:
        from scipy import stats

        self.pdf = density
        self.dist = stats.rv_continuous(name="density")
        order = np.argsort(sample)
        self._sorted, self._mass = sample[order], np.cumsum(weights[order])
        self._ends = (self._end(-1.0), self._end(1.0)) if ends is None else ends

    def ppf(self, level: float) -> float:
        place = min(int(np.searchsorted(self._mass, level)), len(self._sorted) - 1)
        return float(self._sorted[place])

    def median(self) -> float:
        return self.ppf(0.5)

    def support(self) -> tuple[float, float]:
        return self._ends

    def _end(self, side: float) -> float:
        """First point beyond which the density vanishes, infinite if it never does at once."""
        centre, scale = self.median(), self.ppf(0.75) - self.ppf(0.25) or 1.0
        x = centre + side * scale * np.sinh(np.linspace(0.0, _FAR, 2001))
        inside = self.pdf(x) > 0.0
        if inside.all() or not inside.any():
            return side * np.inf
        last = int(np.flatnonzero(inside)[-1])
        if last + 1 == len(x) or float(self.pdf(x[[last]])[0]) < 1e-250:
            return side * np.inf  # it has faded out rather than ended
        near, far = x[last], x[last + 1]
        for _ in range(200):
            middle = 0.5 * (near + far)
            if middle in (near, far):
                break
            if float(self.pdf(np.array([middle]))[0]) > 0.0:
                near = middle
            else:
                far = middle
        # The end is a round number more often than its neighbour.
        rounded = float(np.round(near))
        return rounded if abs(near - rounded) < 1e-9 * scale else float(near)


def response_rules(seen: FloatArray) -> list[Rule]:
    """Return quadrature rules for a response on the line and, if it is positive, on the half line.

    Parameters
    ----------
    seen : ndarray of shape (n,)
        Values in the data.

    Returns
    -------
    list of callable
        From a number of nodes to points and weights: trapezoidal rules in a variable in which
        densities decay doubly exponentially.
    """
    rules: list[Rule] = [_line_rule(*_middle(seen))]
    if (seen > 0.0).all():
        rules.append(_half_line_rule(*_middle(np.log(seen))))
    return rules


def _middle(values: FloatArray) -> tuple[float, float]:
    low, centre, high = np.quantile(values, (0.25, 0.5, 0.75))
    return float(centre), float(high - low) or 1.0


def _line_rule(centre: float, scale: float) -> Rule:
    def rule(count: int) -> tuple[FloatArray, FloatArray]:
        t, width = np.linspace(-_LINE, _LINE, count, retstep=True)
        return centre + scale * np.sinh(t), scale * np.cosh(t) * float(width)

    return rule


def _half_line_rule(centre: float, scale: float) -> Rule:
    def rule(count: int) -> tuple[FloatArray, FloatArray]:
        t, width = np.linspace(-_HALF_LINE, _HALF_LINE, count, retstep=True)
        y = np.exp(centre + scale * np.sinh(t))
        return y, y * scale * np.cosh(t) * float(width)

    return rule
