"""Routes of :mod:`infostat.core.pairwise`: one block of queries against all points.

Few dimensions: loops over explicit differences. Many dimensions: tiles of a matrix product, after
which the queries whose result the cancellation of ``|q|^2 + |x|^2 - 2 q.x`` could have touched are
computed again, with differences for the distances that show. Numbers near the ends of the float
range: plain NumPy with separate exponents.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .jit import Kernel
from .pairwise_kernels import (
    COMPACT,
    GAUSSIAN,
    NOTHING,
    POINTS,
    STUDENT,
    IntArray,
    absorb_energies,
    absorb_rows,
    loops,
    rows,
    tile,
)
from .validation import FloatArray

__all__ = ["LOOPS_UP_TO", "Profile", "Sums", "evaluate", "plan"]

LOOPS_UP_TO = 8  # dimensions; above, tiles of a matrix product are faster
_FEW = 4  # queries that are cheaper by differences than by a product of matrices
_SMALL = 300_000  # pairs below which NumPy answers before Numba has been imported
_CHUNK = 16 * POINTS  # points scaled and transposed at a time: 0.5 MB at eight dimensions
_QUERIES = 128  # queries of a tile: 1 MB with 1024 points, inside a usual second cache
_TILE = 1024
_TILE_BYTES = 4 * 2**20  # centred points of a tile take no more
# Largest number, in units of the scale, whose squared distances are far from overflow in any sum.
_LARGEST = 2.0**460
_WIDEST = 2.0**64  # ratio of scales that may share scaled distances
_EPSILON = float(np.finfo(np.float64).eps)
_LOG2_E = 1.4426950408889634
_LN2 = math.log(2.0)
# Rounding may reach this share of a result (of one, where the result is smaller).
_ALLOWED = 1e-13
_MARGIN = 80.0  # terms this many bits above the smallest energy do not show in a sum


@dataclass(frozen=True)
class Profile:
    """Decreasing function of ``u = |x - q|^2 / scale^2``.

    Attributes
    ----------
    kind : int
        ``GAUSSIAN``: exp(-u/2); ``STUDENT``: (1 + u)^-power; ``COMPACT``: (1 - u)^power up to
        u = 1 and zero beyond.
    power : float
        Unused by the Gaussian.
    """

    kind: int
    power: float = 0.0


@dataclass(frozen=True)
class Sums:
    """One problem: sums over all points for every query and scale.

    Attributes
    ----------
    X, Q : ndarray
        Points and queries, in the unit of the data.
    scales : ndarray of shape (k,)
        Widths of the profile.
    profile : Profile
        Its shape.
    weights : ndarray of shape (n,) or None
        Factors divided by the largest.
    excluded : ndarray of int of shape (m,)
        Point that a query leaves out, or -1.
    offsets : ndarray of shape (k,)
        What is added to the log of a sum before anyone looks at its digits.
    route : str
        ``"loops"``, ``"tiles"`` or ``"extreme"``.
    compiled : bool
        Kernels instead of their twins.
    step : float
        Power of two that brings the largest scale to [1/2, 1).
    centre : ndarray of shape (d,)
        Mean of the points, where tiles need it.
    """

    X: FloatArray
    Q: FloatArray
    scales: FloatArray
    profile: Profile
    weights: FloatArray | None
    excluded: IntArray
    offsets: FloatArray
    route: str
    compiled: bool
    step: float
    centre: FloatArray

    @property
    def factors(self) -> FloatArray:
        """Energy in bits (Student, compact: u) of a unit of scaled squared distance."""
        scaled = self.scales * self.step
        return (0.5 * _LOG2_E if self.profile.kind == GAUSSIAN else 1.0) / (scaled * scaled)

    def handicaps(self, part: slice) -> FloatArray:
        """Energies ``-log2 w`` of some points; the weights themselves for compact profiles."""
        if self.weights is None:
            return np.empty(0)
        if self.profile.kind == COMPACT:
            return self.weights[part]
        with np.errstate(divide="ignore"):
            return np.asarray(np.minimum(-np.log2(self.weights[part]), NOTHING))


@dataclass(frozen=True)
class _States:
    """Running sums of a block of queries, one column per scale; see the kernels."""

    low: FloatArray
    total: FloatArray
    edge: FloatArray

    @classmethod
    def fresh(cls, m: int, k: int, kind: int) -> _States:
        start = 0.0 if kind == COMPACT else NOTHING
        return cls(np.full((m, k), start), np.zeros((m, k)), np.full((m, k), NOTHING))

    def rows(self, part: slice) -> tuple[FloatArray, FloatArray, FloatArray]:
        return self.low[part], self.total[part], self.edge[part]

    def logs(self, kind: int) -> FloatArray:
        """Natural logs of the sums; -inf where nothing was added."""
        with np.errstate(divide="ignore"):
            logs = np.log(self.total)
        if kind != COMPACT:
            live = self.total > 0.0
            logs[live] -= _LN2 * self.low[live]
        return np.asarray(logs)


def plan(
    X: FloatArray,
    Q: FloatArray,
    scales: FloatArray,
    profile: Profile,
    *,
    weights: FloatArray | None,
    excluded: IntArray,
    offsets: FloatArray,
    route: str,
) -> Sums:
    """Return the problem with its route, its unit and its centre.

    Parameters
    ----------
    X, Q : ndarray of shape (n, d) and (m, d)
        Points and queries.
    scales : ndarray of shape (k,)
        Widths of the profile, positive.
    profile : Profile
        Its shape.
    weights : ndarray of shape (n,) or None
        Factors divided by the largest.
    excluded : ndarray of int of shape (m,)
        Point that a query leaves out, or -1.
    offsets : ndarray of shape (k,)
        What is added to the log of a sum before anyone looks at its digits.
    route : {"auto", "loops", "tiles"}
        Forces a route; numbers near the ends of the float range take their own.

    Returns
    -------
    Sums
        The problem.

    Examples
    --------
    >>> X = np.zeros((1, 2))
    >>> options = {"weights": None, "excluded": np.array([-1]), "offsets": np.zeros(1), "route": "auto"}
    >>> plan(X, X, np.array([3.0]), Profile(GAUSSIAN), **options).step
    0.25
    """
    (n, d), m = X.shape, len(Q)
    largest = max(float(X.max()), -float(X.min()), float(Q.max(initial=0.0)), -float(Q.min(initial=0.0)))
    exponent = int(np.frexp(scales.max())[1])
    extreme = (
        exponent < -1000
        or largest >= math.ldexp(_LARGEST, min(exponent, 500))
        or float(scales.max()) > _WIDEST * float(scales.min())
    )
    if extreme:
        route = "extreme"
    elif route == "auto":
        route = "loops" if d <= LOOPS_UP_TO or m <= _FEW else "tiles"
    step = 0.0 if extreme else math.ldexp(1.0, -exponent)
    centre = _mean(X) if route == "tiles" else np.zeros(d)
    return Sums(X, Q, scales, profile, weights, excluded, offsets, route, n * m > _SMALL, step, centre)


def slices(n: int, step: int) -> Iterator[slice]:
    """Return consecutive slices of at most `step` entries.

    Parameters
    ----------
    n : int
        Entries.
    step : int
        Most entries of a slice.

    Yields
    ------
    slice
        In order, together ``0..n - 1``.
    """
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def evaluate(sums: Sums, part: slice) -> FloatArray:
    """Return the logs of the sums for a slice of the queries.

    Parameters
    ----------
    sums : Sums
        From `plan`.
    part : slice
        Queries.

    Returns
    -------
    ndarray of shape (k, queries)
        Natural logs; -inf where nothing was added.

    Examples
    --------
    >>> X = np.array([[0.0], [2.0]])
    >>> options = {"weights": None, "excluded": np.array([0, -1]), "offsets": np.zeros(1), "route": "auto"}
    >>> problem = plan(X, X, np.array([1.0]), Profile(GAUSSIAN), **options)
    >>> evaluate(problem, slice(0, 1)).round(12)
    array([[-2.]])
    """
    queries, excluded = sums.Q[part], sums.excluded[part]
    states = _States.fresh(len(queries), len(sums.scales), sums.profile.kind)
    # What overflows is infinitely far, on the way to a term that is zero.
    with np.errstate(over="ignore", under="ignore"):
        if sums.route == "extreme":
            _run_extreme(sums, queries, excluded, states)
        elif sums.route == "loops":
            _run_direct(sums, queries, excluded, states)
        else:
            norms = _run_tiles(sums, queries, excluded, states, np.full(len(queries), -1.0))
            _repair(sums, queries, excluded, states, norms)
    return states.logs(sums.profile.kind).T


def _mean(X: FloatArray) -> FloatArray:
    """Mean row; sums of chunks, because a sum down the rows of a large table loses digits."""
    n = len(X)
    return np.asarray(np.sum([X[part].mean(axis=0) * (len(X[part]) / n) for part in slices(n, 4096)], axis=0))


def _pick(compiled: Kernel[Any, Any], sums: Sums) -> Any:
    return compiled if sums.compiled else compiled.twin


# ------------------------------------------------------------------- differences
def _run_direct(sums: Sums, queries: FloatArray, excluded: IntArray, states: _States) -> None:
    """Add all points to the states by explicit differences."""
    scaled = queries * sums.step
    weighted, kind, power, factors = sums.weights is not None, sums.profile.kind, sums.profile.power, sums.factors
    wide = sums.X.shape[1] > LOOPS_UP_TO
    run = _pick(rows if wide else loops, sums)
    for part in slices(len(sums.X), _CHUNK):
        points = sums.X[part]
        first = (points, sums.step) if wide else (_blocks(points, sums.step), len(points))
        run(
            *first, sums.handicaps(part), weighted, scaled, excluded - part.start,
            kind, power, factors, states.low, states.total, states.edge,
        )  # fmt: skip


def _blocks(points: FloatArray, step: float) -> FloatArray:
    """Return scaled points in blocks of `POINTS`, one variable a row; the last is padded."""
    n, d = points.shape
    whole = n // POINTS
    out = np.zeros((-(-n // POINTS), d, POINTS))
    out[:whole] = points[: whole * POINTS].reshape(whole, POINTS, d).transpose(0, 2, 1)
    if whole < len(out):
        out[whole, :, : n - whole * POINTS] = points[whole * POINTS :].T
    out *= step
    return out


# ------------------------------------------------------------------- matrix products
def _run_tiles(
    sums: Sums, queries: FloatArray, excluded: IntArray, states: _States, limits: FloatArray
) -> FloatArray:
    """Add all points to the states by tiles of a matrix product; return the queries' squared norms.

    Scaled squared distances up to the `limits` of the queries are taken from differences.
    """
    d = queries.shape[1]
    weighted, kind, power, factors = sums.weights is not None, sums.profile.kind, sums.profile.power, sums.factors
    run = _pick(tile, sums)
    centred = queries - sums.centre
    centred *= sums.step
    scaled = queries * sums.step if limits.max(initial=-1.0) >= 0.0 else centred
    norms = np.asarray(np.einsum("ij,ij->i", centred, centred))
    width = min(_TILE, max(128, _TILE_BYTES // (8 * d)))
    buffer, store = np.empty((width, d)), np.empty(_QUERIES * width)
    for part in slices(len(sums.X), width):
        count = part.stop - part.start
        points = np.subtract(sums.X[part], sums.centre, out=buffer[:count])
        points *= sums.step
        point_norms = np.einsum("ij,ij->i", points, points)
        handicaps, shifted = sums.handicaps(part), excluded - part.start
        for some in slices(len(queries), _QUERIES):
            products = store[: (some.stop - some.start) * count].reshape(-1, count)
            np.matmul(centred[some], points.T, out=products)
            run(
                products, point_norms, norms[some], sums.X[part], sums.step, scaled[some], limits[some],
                handicaps, weighted, shifted[some], kind, power, factors, *states.rows(some),
            )  # fmt: skip
    return norms


def _repair(sums: Sums, queries: FloatArray, excluded: IntArray, states: _States, norms: FloatArray) -> None:
    """Compute again the queries whose sums the rounding of the products could have touched.

    This time the distances that show in the sums come from differences.
    """
    doubtful = _doubtful(sums, states, norms)
    again = np.flatnonzero(doubtful.any(axis=1))
    if not again.size:
        return
    reach = np.where(doubtful, _reach(sums, states), 0.0).max(axis=1)
    limits = (reach + 8.0 * _unit(sums) * (3.0 * norms + 2.0 * reach))[again]
    better = _States.fresh(len(again), len(sums.scales), sums.profile.kind)
    _run_tiles(sums, queries[again], excluded[again], better, limits)
    states.low[again], states.total[again] = better.low, better.total


def _reach(sums: Sums, states: _States) -> FloatArray:
    """Scaled squared distance beyond which a point does not show in a sum, queries by scales."""
    kind, factors = sums.profile.kind, sums.factors
    if kind == COMPACT:
        return np.broadcast_to((1.0 + 1e-6) / factors, states.low.shape)
    bits = states.low + _MARGIN
    if kind == STUDENT:
        # At most 2^460 scales lie between two points, see `plan`.
        bits = np.expm1(np.minimum(bits * (_LN2 / sums.profile.power), 650.0))
    return np.asarray(bits / factors)


def _unit(sums: Sums) -> float:
    """Relative rounding error of an inner product, which grows about with the root of its length."""
    return _EPSILON * max(1.0, math.sqrt(sums.X.shape[1]) / 16.0)


def _doubtful(sums: Sums, states: _States, norms: FloatArray) -> Any:
    """Whether rounding of squared distances could exceed the allowed share, queries by scales.

    A point at distance r from q has ``|x|^2 + |q|^2 <= 3 |q|^2 + 2 r^2`` after centring, so that
    the points that carry the sum, not the largest norms of the data, decide.
    """
    kind, power, factors = sums.profile.kind, sums.profile.power, sums.factors
    unit = _unit(sums)
    size = np.maximum(1.0, np.abs(states.logs(kind) + sums.offsets))
    own = 3.0 * norms[:, None] * factors
    dead = states.total == 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        if kind == GAUSSIAN:
            error = unit * _LN2 * (own + 2.0 * (states.low + _MARGIN))
        elif kind == STUDENT:
            # The weights hide which distance goes with the smallest energy.
            closest = 0.0 if sums.weights is not None else np.expm1(np.minimum(states.low * (_LN2 / power), 700.0))
            error = unit * power * (own / (1.0 + closest) + 2.0)
        else:
            ratio = np.where(dead, 0.0, states.low / states.total)
            error = unit * power * (own + 2.0) * ratio ** (1.0 / power if power else 0.0)
            return (error > _ALLOWED * size) | (states.edge <= 8.0 * unit * (own + 2.0))
    return (error > _ALLOWED * size) & ~dead


# ------------------------------------------------------------------- ends of the float range
def _run_extreme(sums: Sums, queries: FloatArray, excluded: IntArray, states: _States) -> None:
    """Add all points to the states in plain NumPy, squared distances held as number and exponent."""
    kind, power = sums.profile.kind, sums.profile.power
    one = np.ones(1) if kind != GAUSSIAN else np.array([0.5 * _LOG2_E])
    points_at_once = max(1, 200_000 // queries.shape[1])
    for part in slices(len(sums.X), points_at_once):
        halves, handicaps = 0.5 * sums.X[part], sums.handicaps(part)
        for i, query in enumerate(queries):
            number, exponent = _square(halves - 0.5 * query)
            own = int(excluded[i]) - part.start
            for s, scale in enumerate(sums.scales):
                fraction, unit = np.frexp(scale)
                mantissa = number / (fraction * fraction)
                # Halving the differences took two from the exponent of their squares.
                power_of_two = exponent + 2 - 2 * int(unit)
                u = np.ldexp(mantissa, np.clip(power_of_two, -5000, 5000))[None]
                if 0 <= own < u.shape[1]:
                    u[0, own] = NOTHING
                here = slice(i, i + 1), slice(s, s + 1)
                if kind == STUDENT:
                    with np.errstate(divide="ignore"):
                        beyond = np.log2(mantissa) + power_of_two
                    energies = power * np.where(np.isinf(u[0]), beyond, np.log1p(u[0]) * _LOG2_E)
                    energies += handicaps if sums.weights is not None else 0.0
                    if 0 <= own < len(energies):
                        energies[own] = NOTHING
                    absorb_energies(energies[None], states.low[here][:, 0], states.total[here][:, 0])
                else:
                    cut = states.low[here], states.total[here], states.edge[here]
                    absorb_rows(u, handicaps, sums.weights is not None, kind, power, one, *cut)


def _square(differences: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return squared lengths of rows as (number, exponent of two)."""
    exponents = np.frexp(np.abs(differences).max(axis=1))[1].astype(np.intp)
    scaled = np.ldexp(differences, -exponents[:, None])
    return np.einsum("ij,ij->i", scaled, scaled), 2 * exponents
