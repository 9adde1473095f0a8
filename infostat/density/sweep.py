"""One pass over all pairs for everything a diagnosis needs.

For each query the pass gives the log kernel sum, participation ratio, entropy and largest
weight, the nearest points with their squared distances, and the kernel sums of random halves of
the data, without a matrix of all pairs: distances are made tile by tile and used at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..core.chunk_rows import BlockRows
from ..core.progress import Report
from ..core.threads import one_blas_thread, run_blocks
from ..core.validation import FloatArray
from .stream_sweep import remote_states, run_order
from .sweep_kernels import NOTHING, IntArray, by_loops, by_products, measure

__all__ = ["Sweep", "kernel_sweep"]

BoolArray = NDArray[np.bool_]

_LOOPS_UP_TO = 16  # dimensions; above, tiles of a matrix product are faster
_QUERIES = 256
_REMOTE_QUERIES = 2048  # of a task of a cluster
_POINTS = 1024  # with 256 queries a tile is 2 MB, inside a usual second-level cache
_TILE_VALUES = 2**22  # coordinates of a tile of points: 32 MB, whatever the dimension
_SMALL = 300_000  # pairs below which NumPy answers before Numba has been imported
_GROUPS = 16
_RUN = 4  # longer tiles where each holds all groups
# |x|^2 + |q|^2 - 2 x.q loses eps times the squared norms. Queries that lose more than this in
# the exponent, or whose neighbours are closer than this share of the norms, go to direct loops.
_LARGEST_LOSS = 1e-11
_CANCELLED = 1e-4
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Sweep:
    """What one pass over the points found at each query.

    Attributes
    ----------
    log_sum : ndarray of shape (m,)
        ``log sum_i m_i exp(-|x - y_i|^2/(2 h^2))``.
    participation_ratio : ndarray of shape (m,)
        Sum of squared shares.
    weight_entropy : ndarray of shape (m,)
        Entropy of the shares, nats.
    max_weight : ndarray of shape (m,)
        Largest share.
    half_ratio : ndarray of shape (m,)
        Median over the halvings of ``|log rho_A(x) - log rho_B(x)|``; inf where a half is empty.
    squared : ndarray of shape (m, k)
        Squared distances of the nearest points, in increasing order, from differences.
    neighbours : ndarray of int of shape (m, k)
        Those points.
    """

    log_sum: FloatArray
    participation_ratio: FloatArray
    weight_entropy: FloatArray
    max_weight: FloatArray
    half_ratio: FloatArray
    squared: FloatArray
    neighbours: IntArray


def kernel_sweep(
    points: FloatArray,
    queries: FloatArray,
    h: float,
    *,
    masses: FloatArray | None = None,
    exclude: IntArray | None = None,
    n_neighbours: int = 1,
    n_halvings: int = 4,
    generator: Generator | None = None,
    n_jobs: int = 1,
    report: Report | None = None,
    route: str = "auto",
) -> Sweep:
    """Return all observables of a Gaussian kernel sum at each query, from one pass.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Finite points, n >= 2.
    queries : ndarray of shape (m, d)
        Finite queries, m >= 1.
    h : float
        Bandwidth in the unit of the data.
    masses : ndarray of shape (n,), optional
        Positive masses m of the points; None is one each.
    exclude : ndarray of int of shape (m,), optional
        Point left out at each query, -1 for none.
    n_neighbours : int
        Nearest points to keep, at most the number that is left.
    n_halvings : int
        Random halvings of the points.
    generator : Generator, optional
        Draws the halvings; None is a fixed one.
    n_jobs : int
        Threads over blocks of queries; the numbers do not depend on it.
    report : callable, optional
        Called with (blocks done, blocks).
    route : {"auto", "loops", "products"}
        Direct loops or tiles of a matrix product; they agree to rounding.

    Returns
    -------
    Sweep
        One entry per query.

    Notes
    -----
    The points are dealt at random into 16 groups of equal size, each with a log-sum-exp state
    of its own; a halving is a random choice of half of the groups. Both half sums are sums of
    positive terms, so neither loses digits when the other carries all the weight.

    Memory beyond the inputs is one tile per thread and O(m (k + 64)).

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [3.0]])
    >>> found = kernel_sweep(X, X, 1.0, exclude=np.arange(3), n_neighbours=2)
    >>> found.squared.tolist(), found.neighbours.tolist()
    ([[1.0, 9.0], [1.0, 4.0], [4.0, 9.0]], [[1, 2], [0, 2], [1, 0]])
    >>> found.participation_ratio.round(4)
    array([0.9647, 0.7017, 0.8598])
    """
    n, m = len(points), len(queries)
    rng = np.random.default_rng(0) if generator is None else generator
    plan = _plan(points, masses, 0.5 / (h * h), rng)
    skip = np.full(m, -1, dtype=np.intp) if exclude is None else np.asarray(exclude, dtype=np.intp)
    # Position of the point left out, in the order in which the pass meets the points.
    place = np.where(skip >= 0, plan.position[skip], -1)
    state = _State.empty(m, plan.n_groups, n_neighbours)
    small = n * m <= _SMALL
    direct = points.shape[1] <= _LOOPS_UP_TO if route == "auto" else route == "loops"
    _run(plan, queries, place, state, direct, small, n_jobs, report)
    if not direct:
        again = _cancelled(plan, queries, state)
        if len(again):
            part = _State.empty(len(again), plan.n_groups, n_neighbours)
            _run(plan, queries[again], place[again], part, True, small, n_jobs, None)
            state.values[again], state.best[again], state.found[again] = part.values, part.best, part.found
    squared, found = _measured(plan, queries, state, small)
    halves = _halvings(plan.n_groups, n_halvings, rng)
    return _summarise(plan, state.values, skip, halves, squared, found)


# ------------------------------------------------------------------ the pass
@dataclass(frozen=True)
class _Plan:
    """Points in the order of their groups, and what the tiles need."""

    points: FloatArray
    log_masses: FloatArray
    masses: FloatArray | None
    factor: float
    centre: FloatArray
    order: IntArray  # in which the pass meets the points
    position: IntArray  # its inverse
    group: NDArray[np.uint8]  # of each point
    n_groups: int
    size: int  # points of a tile

    def tiles(self) -> Iterator[_Tile]:
        """Yield runs of points with the groups they meet."""
        n = len(self.points)
        for start in range(0, n, self.size):
            stop = min(start + self.size, n)
            groups, first = np.unique(self.group[self.order[start:stop]], return_index=True)
            yield _Tile(start, stop, np.append(first, stop - start), groups.astype(np.intp))


@dataclass(frozen=True)
class _Tile:
    start: int
    stop: int
    cuts: IntArray
    groups: IntArray


@dataclass(frozen=True)
class _State:
    """Running observables of all queries; filled in place."""

    values: FloatArray  # (m, groups, 4): top, total, square, spread
    best: FloatArray
    found: IntArray
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def empty(cls, m: int, n_groups: int, k: int) -> _State:
        values = np.zeros((m, n_groups, 4))
        values[:, :, 0] = NOTHING
        return cls(values, np.full((m, k), np.inf), np.zeros((m, k), dtype=np.intp))


def _plan(points: FloatArray, masses: FloatArray | None, factor: float, rng: Generator) -> _Plan:
    n = len(points)
    order = rng.permutation(n).astype(np.intp)
    n_groups = min(_GROUPS, n - n % 2)
    borders = (np.arange(n_groups + 1) * n) // n_groups
    group = np.empty(n, dtype=np.uint8)
    group[order] = np.repeat(np.arange(n_groups, dtype=np.uint8), np.diff(borders))
    size = _tile_size(points)
    if isinstance(points, BlockRows):
        # Rows that are elsewhere come in runs; only those of a run are sorted by group.
        size *= _RUN
        order = run_order(group, size)
    position = np.empty(n, dtype=np.intp)
    position[order] = np.arange(n)
    logs = np.zeros(n) if masses is None else np.log(masses)
    return _Plan(points, logs, masses, factor, points.mean(axis=0), order, position, group, n_groups, size)


def _run(
    plan: _Plan,
    queries: FloatArray,
    place: IntArray,
    state: _State,
    direct: bool,
    small: bool,
    n_jobs: int,
    report: Report | None,
) -> None:
    """Fill the states of all queries, block by block."""
    if isinstance(plan.points, BlockRows) and plan.points.remote:
        _run_remotely(plan, queries, place, state, direct, report)
        return
    starts = range(0, len(queries), _QUERIES)
    done = 0

    def block(start: int) -> None:
        nonlocal done
        rows = slice(start, start + _QUERIES)
        # Exponents beyond the float range are infinite on the way to a term that is zero.
        with np.errstate(over="ignore"):
            (_block_by_loops if direct else _block_by_products)(plan, queries, place, state, rows, small)
        if report is not None:
            with state.lock:
                done += 1
                report(done, len(starts))

    with one_blas_thread():
        run_blocks(block, [(start,) for start in starts], n_jobs)


def _run_remotely(
    plan: _Plan, queries: FloatArray, place: IntArray, state: _State, direct: bool, report: Report | None
) -> None:
    """Let every part of the points answer by itself, and merge the states in the order of the parts."""
    points, k = plan.points, state.best.shape[1]
    cuts = points.starts[1:-1]  # type: ignore[attr-defined]
    masses = [None] * (len(cuts) + 1) if plan.masses is None else np.split(plan.masses, cuts)
    each = list(zip(np.split(plan.group, cuts), masses, strict=True))
    skip = np.where(place >= 0, plan.order[place], -1)
    common = (plan.factor, plan.centre, plan.n_groups, k, direct)
    for start in range(0, len(queries), _REMOTE_QUERIES):
        rows = slice(start, start + _REMOTE_QUERIES)
        found = remote_states(points, _part_state, queries[rows], skip[rows], *common, each=each)
        state.values[rows], state.best[rows], state.found[rows] = found
        if report is not None:
            report(min(rows.stop, len(queries)), len(queries))


def _part_state(
    points: FloatArray, start: int, queries: FloatArray, skip: IntArray, factor: float, centre: FloatArray,
    n_groups: int, k: int, direct: bool, own: tuple[NDArray[np.uint8], FloatArray | None],
) -> tuple[FloatArray, FloatArray, IntArray]:  # fmt: skip
    group, masses = own
    n = len(points)
    size = _RUN * _tile_size(points)
    order = run_order(group, size)
    position = np.empty(n, dtype=np.intp)
    position[order] = np.arange(n)
    logs = np.zeros(n) if masses is None else np.log(masses)
    plan = _Plan(points, logs, masses, factor, centre, order, position, group, n_groups, size)
    inside = (skip >= start) & (skip < start + n)
    place = np.where(inside, position[np.where(inside, skip - start, 0)], -1)
    state = _State.empty(len(queries), n_groups, k)
    _run(plan, queries, place, state, direct, n * len(queries) <= _SMALL, 1, None)
    return state.values, state.best, state.found + start


def _tile_size(points: FloatArray) -> int:
    return max(64, min(_POINTS, _TILE_VALUES // int(points.shape[1])))


def _block_by_loops(
    plan: _Plan, queries: FloatArray, place: IntArray, state: _State, rows: slice, small: bool
) -> None:
    # Not centred: the difference of two coordinates as they came is the most exact one.
    run = by_loops.twin if small else by_loops
    for tile in plan.tiles():
        labels = plan.order[tile.start : tile.stop]
        columns = np.ascontiguousarray(plan.points[labels].T)
        run(
            columns, queries[rows], plan.log_masses[labels], labels, place[rows] - tile.start, tile.cuts, tile.groups,
            plan.factor, state.values[rows], state.best[rows], state.found[rows],
        )  # fmt: skip


def _block_by_products(
    plan: _Plan, queries: FloatArray, place: IntArray, state: _State, rows: slice, small: bool
) -> None:
    run = by_products.twin if small else by_products
    centred = queries[rows] - plan.centre
    squares = np.einsum("ij,ij->i", centred, centred)
    for tile in plan.tiles():
        labels = plan.order[tile.start : tile.stop]
        columns = plan.points[labels] - plan.centre
        run(
            centred @ columns.T, squares, np.einsum("ij,ij->i", columns, columns), plan.log_masses[labels], labels,
            place[rows] - tile.start, tile.cuts, tile.groups, plan.factor,
            state.values[rows], state.best[rows], state.found[rows],
        )  # fmt: skip


def _cancelled(plan: _Plan, queries: FloatArray, state: _State) -> IntArray:
    """Return the queries whose distances have lost too much to the matrix product."""
    if isinstance(plan.points, BlockRows):
        reach = max(plan.points.map(_largest_norm, plan.centre))
    else:
        reach = _largest_norm(plan.points, 0, plan.centre)
    norms = np.empty(len(queries))
    for start in range(0, len(queries), _QUERIES):
        some = queries[start : start + _QUERIES] - plan.centre
        norms[start : start + _QUERIES] = np.einsum("ij,ij->i", some, some)
    lost = 4.0 * _EPS * plan.factor * (norms + reach) > _LARGEST_LOSS
    return np.flatnonzero(lost | ~(state.best[:, -1] > _CANCELLED * norms))


def _largest_norm(points: FloatArray, first: int, centre: FloatArray) -> float:
    reach, size = 0.0, _tile_size(points)
    for start in range(0, len(points), size):
        columns = points[start : start + size] - centre
        reach = max(reach, float(np.einsum("ij,ij->i", columns, columns).max()))
    return reach


def _measured(plan: _Plan, queries: FloatArray, state: _State, small: bool) -> tuple[FloatArray, IntArray]:
    """Measure the kept points again, by differences of the coordinates as they came, and sort."""
    squared, found = np.empty(state.best.shape), np.empty_like(state.found)
    run = measure.twin if small else measure
    for start in range(0, len(queries), _QUERIES):
        rows = slice(start, start + _QUERIES)
        nearest = state.found[rows]
        if isinstance(plan.points, BlockRows):
            places = np.arange(nearest.size).reshape(nearest.shape)
            exact = run(queries[rows], plan.points[nearest.reshape(-1)], places)
        else:
            exact = run(queries[rows], plan.points, nearest)
        order = np.argsort(exact, axis=1, kind="stable")
        squared[rows] = np.take_along_axis(exact, order, axis=1)
        found[rows] = np.take_along_axis(state.found[rows], order, axis=1)
    return squared, found


# --------------------------------------------------------------- observables
def _halvings(n_groups: int, n_halvings: int, rng: Generator) -> FloatArray:
    """Return a 0/1 table, halvings by groups, each row with half of the groups."""
    sides = np.zeros((n_halvings, n_groups))
    for row in sides:
        row[rng.permutation(n_groups)[: n_groups // 2]] = 1.0
    return sides


def _summarise(
    plan: _Plan, values: FloatArray, skip: IntArray, halves: FloatArray, squared: FloatArray, found: IntArray
) -> Sweep:
    tops, totals, squares, spreads = np.moveaxis(values, 2, 0)
    top = tops.max(axis=1)
    live = top > NOTHING
    drop = np.maximum(tops - top[:, None], -1e5)
    scale = np.exp(drop)
    total = (scale * totals).sum(axis=1)
    # Where every exponent is beyond the float range the nearest point has all the weight.
    total[~live] = 1.0
    square = np.where(live, (scale * scale * squares).sum(axis=1), 1.0)
    spread = np.where(live, (scale * (spreads + drop * totals)).sum(axis=1), 0.0)
    entropy = np.log(total) - spread / total
    return Sweep(
        log_sum=np.where(live, top + np.log(total), -np.inf),
        participation_ratio=np.minimum(square / total**2, 1.0),
        weight_entropy=np.maximum(entropy, 0.0),
        max_weight=np.where(live, 1.0 / total, 1.0),
        half_ratio=_half_ratio(plan, tops, totals, skip, halves),
        squared=squared,
        neighbours=found,
    )


def _half_ratio(plan: _Plan, tops: FloatArray, totals: FloatArray, skip: IntArray, halves: FloatArray) -> FloatArray:
    """Return the median over halvings of the difference in log density between the halves."""
    with np.errstate(divide="ignore"):
        logs = np.where(tops > NOTHING, tops + np.log(totals), -np.inf)
    weights = np.ones(len(plan.points)) if plan.masses is None else plan.masses
    mass = np.bincount(plan.group, weights=weights, minlength=plan.n_groups)
    own = np.zeros_like(logs)
    rows = np.flatnonzero(skip >= 0)
    own[rows, plan.group[skip[rows]]] = weights[skip[rows]]
    left = np.maximum(mass - own, 0.0)
    gaps = np.empty((len(halves), len(logs)))
    for row, side in zip(gaps, halves, strict=True):
        one, other = _log_mean(logs, left, side == 1.0), _log_mean(logs, left, side == 0.0)
        both = np.minimum(one, other) > NOTHING
        row[:] = np.where(both, np.abs(one - other), np.inf)
    return np.asarray(np.median(gaps, axis=0))


def _log_mean(logs: FloatArray, left: FloatArray, side: BoolArray) -> FloatArray:
    """Log of the kernel sum over the mass of some groups; -1e308 where nothing is left of it."""
    some = logs[:, side]
    top = some.max(axis=1)
    live = top > -np.inf
    result = np.full(len(logs), NOTHING)
    total = np.exp(some[live] - top[live, None]).sum(axis=1)
    result[live] = top[live] + np.log(total) - np.log(left[live][:, side].sum(axis=1))
    return result
