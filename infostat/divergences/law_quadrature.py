"""Integrals and sums over two laws on the line, with their numerical error.

The integrand is a function of the two log densities, so that nothing underflows before it is
combined. Continuous laws are integrated between quantiles of both; discrete ones are summed
outwards until the rest is negligible. Before a tail or an end of the support is integrated,
its integrand is followed towards the end; if it does not fall, the integral is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray
from .law_arguments import Law

__all__ = [
    "Integral",
    "check_same_kind",
    "cuts_of",
    "integrate",
    "mass_beyond",
    "point_blocks",
    "search_grid",
]

Cells = Callable[[FloatArray, FloatArray], FloatArray]

_LIMIT = 200  # subdivisions of one panel
_COARSE, _FINE = 15, 24  # nodes of the two rules laid over every panel
_MOST_POINTS = 1 << 22
_GRID = 60  # points per panel in searches for sign changes and maxima
# A cumulative probability below this may belong to a density that only underflowed.
_UNDERFLOW = 1e-250


class Integral(NamedTuple):
    """Value of an integral or sum, a bound of its numerical error, and how it was found."""

    value: float
    error: float
    method: str


def integrate(
    p: Law,
    q: Law,
    cells: Cells,
    *,
    only_p: float = 0.0,
    only_q: float = 0.0,
    tol: float = 1e-9,
    level: float | None = None,
) -> Integral:
    """Return the integral of ``cells(log p, log q)`` over the line.

    Parameters
    ----------
    p, q : Law
        Both continuous or both discrete.
    cells : callable
        Arrays of two log densities in, non-negative integrand out; -inf is a possible log.
    only_p, only_q : float
        Integral per unit of mass where only p, or only q, is positive; may be inf.
    tol : float
        Error aimed at.
    level : float, optional
        Cut panels where ``log p - log q`` crosses this number (a kink of the integrand).

    Returns
    -------
    Integral
        Value, error, method; the value may be inf.

    Raises
    ------
    InputError
        If one law is discrete and the other not, if a log density underflows where it is
        needed, or if a sum does not converge within four million points.

    Examples
    --------
    >>> from infostat.divergences.law_arguments import as_law_or_member, law_of
    >>> p, q = (law_of("P", as_law_or_member("P", ("poisson", [t]))) for t in (0.0, 1.0))
    >>> affinity = integrate(p, q, lambda a, b: np.exp((a + b) / 2))
    >>> bool(abs(affinity.value - np.exp(-((np.exp(0.5) - 1) ** 2) / 2)) < 1e-14)
    True
    """
    check_same_kind(p, q)
    if p.discrete:
        return _sum(p, q, _guarded(p, q, cells))
    if p.circular:
        q = q.moved_to(p.support)
    low, high = max(p.support[0], q.support[0]), min(p.support[1], q.support[1])
    outside = mass_beyond(p, low, high, only_p) + mass_beyond(q, low, high, only_q)
    if math.isinf(outside) or low >= high:
        return Integral(outside, 0.0, "supports")
    safe = _guarded(p, q, cells)
    cuts = cuts_of(p, q, low, high, level)
    for law in (p, q):
        _refuse_lost_mass(law, low, high, cuts)
    scale = [_distance(cuts[0], cuts[min(1, len(cuts) - 1)]), _distance(cuts[-1], cuts[max(-2, -len(cuts))])]
    if _diverges(p, q, cells, low, cuts[0], -scale[0]) or _diverges(p, q, cells, high, cuts[-1], scale[1]):
        return Integral(math.inf, 0.0, "quadrature")
    try:
        value, error = _panels(safe, low, high, cuts, scale, tol)
    except _Infinite:
        return Integral(math.inf, 0.0, "quadrature")
    return Integral(value + outside, error, "quadrature")


def check_same_kind(p: Law, q: Law) -> None:
    """Raise unless both laws are discrete or both continuous, on the same line or circle.

    Parameters
    ----------
    p, q : Law
        The laws, P first.

    Raises
    ------
    InputError
        If they cannot be compared.
    """
    if p.discrete != q.discrete:
        words = ["discrete" if law.discrete else "continuous" for law in (p, q)]
        raise InputError(
            f"P and Q must both be discrete or both continuous, got {p.name} ({words[0]}) and "
            f"{q.name} ({words[1]}); such laws are mutually singular"
        )
    if p.circular != q.circular:
        raise InputError(f"P and Q must both live on the circle or both on the line, got {p.name} and {q.name}")


def mass_beyond(law: Law, low: float, high: float, price: float) -> float:
    """Mass of a law beyond the common support, times its price.

    Parameters
    ----------
    law : Law
        The law.
    low, high : float
        Ends of the common support.
    price : float
        Contribution of a unit of mass there.

    Returns
    -------
    float
        The contribution; 0 where there is no mass, whatever the price.
    """
    if low >= high:
        return price
    mass = (law.below(low) if low > law.support[0] else 0.0) + (law.above(high) if high < law.support[1] else 0.0)
    return mass * price if mass > 0.0 else 0.0


def _refuse_lost_mass(law: Law, low: float, high: float, cuts: FloatArray) -> None:
    """Raise if the panels miss most of a law: its cumulative probabilities do not fit its density."""
    expected = 1.0 - mass_beyond(law, low, high, 1.0) - 2e-9
    pieces = [_between_cuts(float(a), float(b), low, high, float(np.median(cuts))) for a, b in pairwise(cuts)]
    found = float(_gauss(lambda x: np.exp(law.log_density(x)), pieces, _COARSE).sum())
    if found < 0.5 * expected and not law.circular:
        raise InputError(
            f"{law.name} must have a density that agrees with its quantiles, got a probability of {found:.3g} "
            f"between them where {expected:.3g} is expected; centre and scale both laws alike"
        )


class _Infinite(Exception):
    """The integrand is infinite on a set of positive measure, or beyond the float range."""


def _guarded(p: Law, q: Law, cells: Cells) -> Callable[[FloatArray], FloatArray]:
    """Return the integrand as a function of x; an infinity is either meant or an error."""

    def integrand(x: FloatArray) -> FloatArray:
        log_p, log_q = np.asarray(p.log_density(x)), np.asarray(q.log_density(x))
        with np.errstate(all="ignore"):
            values = np.asarray(cells(log_p, log_q))
        bad = np.isinf(values) & (log_p < np.inf) & (log_q < np.inf)
        for law, logs in ((p, log_p), (q, log_q)):
            for point in x[bad & (logs == -np.inf)]:
                if not _is_zero(law, float(point)):
                    raise InputError(
                        f"the log density of {law.name} is -inf at {point:g}, inside its support: it "
                        "underflows there and the divergence cannot be computed; use a law whose logpdf "
                        "is exact in the tails"
                    )
        return values

    return integrand


def _is_zero(law: Law, x: float) -> bool:
    """Whether a density of zero at x is meant, and not an underflow in a far tail."""
    if not law.support[0] <= x <= law.support[1]:
        return True
    if law.points is not None:
        return x not in law.points
    if law.discrete and (x - law.start) != round(x - law.start):
        return True
    return min(law.below(x), law.above(x)) > _UNDERFLOW


# ---------------------------------------------------------------- continuous
def cuts_of(p: Law, q: Law, low: float, high: float, level: float | None) -> FloatArray:
    """Return increasing points inside (low, high) where the integral is cut into panels.

    Parameters
    ----------
    p, q : Law
        The laws, P first.
    low, high : float
        Ends of the common support.
    level : float or None
        Ratio of the densities at which the integrand has a corner.

    Returns
    -------
    ndarray
        Cuts, increasing.
    """
    marks = np.union1d(_with_tails(p.marks), _with_tails(q.marks))
    marks = marks[(marks > low) & (marks < high)]
    if not marks.size:
        marks = np.array([_between(low, high)])
    # Cuts that nearly coincide make empty panels; cuts many decades apart make hard ones.
    keep = np.concatenate([[True], np.diff(marks) > 8.0 * np.spacing(np.abs(marks[1:]))])
    marks = np.union1d(_decades(marks[keep], low), _decades(marks[keep], high))
    if level is not None:
        marks = np.union1d(marks, _crossings(p, q, low, high, marks, level))
    return np.asarray(marks)


def _with_tails(marks: FloatArray) -> FloatArray:
    """Add cuts beyond the outermost quantiles.

    Without them a panel may reach from the tail of one law to the bulk of the other, and the
    first rule laid over it would see neither.
    """
    if len(marks) < 2:
        return marks
    steps = 2.0 ** np.arange(1, 5) - 1.0
    return np.concatenate(
        [marks[0] - steps * (marks[1] - marks[0]), marks, marks[-1] + steps * (marks[-1] - marks[-2])]
    )


def _decades(marks: FloatArray, end: float) -> FloatArray:
    """Add cuts so that distances from a finite end grow by no more than a factor 1e4."""
    if math.isinf(end):
        return marks
    distance = np.log(np.abs(marks - end))
    parts = [marks]
    for a, b in pairwise(distance):
        steps = int(abs(b - a) / math.log(1e4))
        between = np.exp(np.linspace(a, b, steps + 2)[1:-1])
        parts.append(end + between if marks[0] > end else end - between)
    return np.unique(np.concatenate(parts))


def _between(low: float, high: float) -> float:
    if math.isfinite(low) and math.isfinite(high):
        return 0.5 * (low + high)
    return low + 1.0 if math.isfinite(low) else high - 1.0 if math.isfinite(high) else 0.0


def _distance(a: float, b: float) -> float:
    return abs(float(a) - float(b)) or max(abs(float(a)), 1.0)


def search_grid(low: float, high: float, cuts: FloatArray) -> FloatArray:
    """Return increasing points inside every panel, and geometrically out to the ends.

    Parameters
    ----------
    low, high : float
        Ends of the common support.
    cuts : ndarray
        Increasing points between them.
    """
    inner = [np.linspace(a, b, _GRID, endpoint=False) for a, b in pairwise(cuts)]
    left = _toward(low, cuts[0], -_distance(cuts[0], cuts[min(1, len(cuts) - 1)]))
    right = _toward(high, cuts[-1], _distance(cuts[-1], cuts[max(-2, -len(cuts))]))
    return np.unique(np.concatenate([left, *inner, cuts, right]))


def _toward(end: float, anchor: float, scale: float) -> FloatArray:
    """Points from the anchor towards an end of the support, geometrically."""
    if math.isinf(end):
        x = anchor + scale * 2.0 ** np.arange(0.0, 400.0)
        return np.asarray(x[np.abs(x) < 1e120])
    x = end + (anchor - end) * 2.0 ** -np.arange(1.0, 1000.0)
    return np.asarray(x[(x != end) & (np.abs(x - end) > 8.0 * np.spacing(abs(end)))])


def _crossings(p: Law, q: Law, low: float, high: float, marks: FloatArray, level: float) -> FloatArray:
    from scipy.optimize import brentq

    def gap(x: Any) -> Any:
        with np.errstate(invalid="ignore"):
            return p.log_density(x) - q.log_density(x) - level

    x = search_grid(low, high, marks)
    values = np.asarray(gap(x))
    signs = np.sign(values)
    found = [
        brentq(gap, x[i], x[i + 1], xtol=1e-15 * max(1.0, abs(x[i])), rtol=1e-14)
        for i in np.flatnonzero(signs[:-1] * signs[1:] < 0.0)
        if np.isfinite(values[i : i + 2]).all()
    ]
    return np.array(found + x[signs == 0.0][:10].tolist())


def _diverges(p: Law, q: Law, cells: Cells, end: float, anchor: float, scale: float) -> bool:
    """Whether distance times integrand does not fall on the way to an end of the support."""
    x = _toward(end, anchor, scale)
    log_p, log_q = np.asarray(p.log_density(x)), np.asarray(q.log_density(x))
    # Where a density has underflowed the integrand is not known, and not needed.
    known = np.isfinite(log_p) & np.isfinite(log_q)
    with np.errstate(all="ignore"):
        values = np.asarray(cells(log_p[known], log_q[known]))
    if np.isinf(values).any():
        return True
    distance = np.abs(x - (anchor if math.isinf(end) else end))[known]
    usable = values > 0.0
    if usable.sum() < 6:
        return False
    logs = (np.log(values[usable]) + np.log(distance[usable]))[-5:]
    return bool((np.diff(logs) > -1e-9).all())


class _Panel(NamedTuple):
    """A piece of the integral in a coordinate y, ``x = origin + unit * shape(y)``."""

    low: float
    high: float
    origin: float = 0.0
    unit: float = 1.0
    logarithmic: bool = False

    def point(self, y: Any) -> Any:
        return self.origin + self.unit * (np.exp(y) if self.logarithmic else y)

    def jacobian(self, y: Any) -> Any:
        return abs(self.unit) * (np.exp(y) if self.logarithmic else np.ones_like(y))


def _panels(
    integrand: Callable[[FloatArray], FloatArray],
    low: float,
    high: float,
    cuts: FloatArray,
    scale: list[float],
    tol: float,
) -> tuple[float, float]:
    """Integrate panel by panel: two Gauss rules at once, and QUADPACK where they disagree."""
    from scipy.integrate import quad

    pieces = [_between_cuts(float(a), float(b), low, high, float(np.median(cuts))) for a, b in pairwise(cuts)]
    share = 1e-3 * tol / (len(pieces) + 2)
    coarse, fine = (_gauss(integrand, pieces, count) for count in (_COARSE, _FINE))
    errors = np.abs(fine - coarse)
    values = fine.copy()
    hard = [i for i, error in enumerate(errors) if not error <= max(share, 1e-12 * abs(fine[i]))]
    for end, anchor, unit in ((low, float(cuts[0]), -scale[0]), (high, float(cuts[-1]), scale[1])):
        if math.isinf(end):
            # The infinite range is mapped with the law's own unit of length.
            pieces.append(_Panel(0.0, math.inf, anchor, unit))
        elif end != anchor:
            pieces.append(_Panel(min(end, anchor), max(end, anchor)))
    added = len(pieces) - len(values)
    values, errors = np.append(values, np.zeros(added)), np.append(errors, np.zeros(added))
    for i in [*hard, *range(len(pieces) - added, len(pieces))]:
        panel = pieces[i]

        def curve(y: float, panel: _Panel = panel) -> float:
            value = float(integrand(np.array([panel.point(y)]))[0])
            if math.isinf(value):
                raise _Infinite
            return value * float(panel.jacobian(y))

        # full_output returns a message instead of a warning; the error estimate says it all.
        values[i], errors[i], *_ = quad(
            curve, panel.low, panel.high, epsabs=share, epsrel=1e-11, limit=_LIMIT, full_output=1
        )
    return math.fsum(values), math.fsum(errors)


def _between_cuts(a: float, b: float, low: float, high: float, middle: float) -> _Panel:
    """The panel [a, b]; in the log of the distance from an end, or the middle, if that spans a lot."""
    for origin, unit in ((low, 1.0), (high, -1.0), (middle, 1.0), (middle, -1.0)):
        near, far = sorted((unit * (a - origin), unit * (b - origin)))
        if math.isfinite(origin) and near > 0.0 and far > 8.0 * near:
            return _Panel(math.log(near), math.log(far), origin, unit, True)
    return _Panel(a, b)


def _gauss(integrand: Callable[[FloatArray], FloatArray], pieces: list[_Panel], count: int) -> FloatArray:
    """Integrals of all panels by one Gauss-Legendre rule, in one call of the integrand."""
    if not pieces:
        return np.empty(0)
    nodes, weights = np.polynomial.legendre.leggauss(count)
    halves = np.array([0.5 * (panel.high - panel.low) for panel in pieces])
    y = np.array([0.5 * (panel.high + panel.low) for panel in pieces])[:, None] + halves[:, None] * nodes
    x = np.array([panel.point(row) for panel, row in zip(pieces, y, strict=True)])
    jacobian = np.array([panel.jacobian(row) for panel, row in zip(pieces, y, strict=True)])
    values = integrand(x.ravel()).reshape(x.shape)
    if np.isinf(values).any():
        raise _Infinite
    return np.asarray(halves * ((values * jacobian) @ weights))


# ------------------------------------------------------------------ discrete
def _sum(p: Law, q: Law, integrand: Callable[[FloatArray], FloatArray]) -> Integral:
    total, previous, count, rest = 0.0, math.inf, 0, 0.0
    masses = np.zeros(2)
    for points in point_blocks(p, q):
        count += len(points)
        if count > _MOST_POINTS:
            return _unfinished(p, q, total, previous, rest)
        values = integrand(points)
        if np.isinf(values).any():
            return Integral(math.inf, 0.0, f"summation over {count} points")
        previous, rest = rest if count > len(points) else math.inf, math.fsum(values)
        total += rest
        masses += [math.fsum(np.exp(law.log_density(points))) for law in (p, q)]
        if rest <= 1e-17 * total and rest <= previous < math.inf:
            break
    else:
        rest = 0.0
    # Log probabilities of large counts are differences of large numbers: what they have lost shows
    # in the total probability.
    lost = 8.0 * float(np.finfo(np.float64).eps) + float(np.abs(1.0 - masses).sum())
    error = rest + lost * total
    return Integral(total, error, f"summation over {count} points")


def _unfinished(p: Law, q: Law, total: float, previous: float, rest: float) -> Integral:
    """Judge a sum at the largest number of points by its last two rings, each twice the one before."""
    if rest >= previous:
        return Integral(math.inf, 0.0, "summation")
    ratio = rest / previous
    if ratio > 0.9:
        raise InputError(
            f"P and Q must have a sum that converges within {_MOST_POINTS} points, got {p.name} and "
            f"{q.name} (the last ring of points added {rest:.2g}, the one before {previous:.2g})"
        )
    return Integral(total, rest * ratio / (1.0 - ratio), f"summation over {_MOST_POINTS} points")


def point_blocks(p: Law, q: Law) -> Iterator[FloatArray]:
    """Points of either law: first the bulk of both, then rings of doubling width.

    Parameters
    ----------
    p, q : Law
        The laws, P first.

    Yields
    ------
    ndarray
        Points of a block, each once.
    """
    ends = min(p.support[0], q.support[0]), max(p.support[1], q.support[1])
    marks = np.concatenate([p.marks, q.marks, [p.start, q.start][: 0 if np.isfinite(ends[0]) else 2]])
    low, high = float(marks.min()), float(marks.max())
    if high - low > _MOST_POINTS:
        raise InputError(
            f"P and Q must have their bulk within {_MOST_POINTS} points, got {p.name} and {q.name} "
            f"from {low:g} to {high:g}"
        )
    low, high = max(low - 8.0, ends[0]), min(high + 8.0, ends[1])
    yield _points_between(p, q, low, high)
    width = high - low + 8.0
    while low > ends[0] or high < ends[1]:
        wide_low, wide_high = max(low - width, ends[0]), min(high + width, ends[1])
        left, right = _points_between(p, q, wide_low, low), _points_between(p, q, high, wide_high)
        yield np.concatenate([left[left < low], right[right > high]])
        low, high, width = wide_low, wide_high, 2.0 * width


def _points_between(p: Law, q: Law, low: float, high: float) -> FloatArray:
    """Points of either law in [low, high]."""
    parts = []
    for law in (p, q):
        part = law.points
        if part is None:
            first = math.ceil(max(low, law.support[0]) - law.start)
            last = math.floor(min(high, law.support[1]) - law.start)
            part = law.start + np.arange(first, last + 1.0)
        parts.append(part[(part >= low) & (part <= high)])
    return np.union1d(*parts)
