"""Sums of Gaussian kernels over all other rows, for many bandwidths in one pass over the pairs.

Distances are made tile by tile and reduced at once to their moments in bins (see
:mod:`infostat.density.loo_bins`), from which the sums for all bandwidths follow by one small matrix
product. Memory stays at a few MB per thread, whatever the number of rows.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.chunk_rows import BlockRows
from ..core.jit import Kernel
from ..core.progress import Report
from ..core.threads import one_blas_thread, run_blocks
from ..core.validation import FloatArray
from .loo_bins import LARGEST_RATIO, Bins, make_bins
from .loo_kernels import MOMENTS, IntArray, bin_moments, direct_distances, product_distances
from .stream_sums import remote_merge

__all__ = ["fold_log_sums"]

Fold = Callable[[IntArray, FloatArray], FloatArray]

_LOOPS_UP_TO = 16  # dimensions; above, tiles of a matrix product are faster
_SMALL = 300_000  # pairs below which NumPy answers before Numba has been imported
_TASK = 256  # rows of a block of work
_REMOTE_TASK = 2048  # of one that is sent to a cluster
_POINTS = 8192
_DISTANCES = 1 << 17  # distances held at a time: 1 MB
_MOST_ROWS = 128  # rows whose moments are held at a time
_POINT_VALUES = 1 << 19  # values of the points of a tile: 4 MB
_EPS = float(np.finfo(np.float64).eps)
# A product tile loses up to 4 eps times the squared norms. A row is done again by explicit
# differences where that is more than the first number in its exponents and, relative to its
# nearest distance, more than the second.
_EXPONENT_LOSS, _RELATIVE_LOSS = 1e-13, 2e-13


def fold_log_sums(
    points: FloatArray,
    hs: FloatArray,
    fold: Fold,
    *,
    masses: FloatArray | None = None,
    rows: IntArray | None = None,
    workers: int = 1,
    report: Report | None = None,
) -> FloatArray:
    """Fold ``log sum_{j != i} m_j exp(-|x_j - x_i|^2/(2 h^2))`` over blocks of rows i.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Points, with positive masses.
    hs : ndarray of shape (k,)
        Bandwidths, any order.
    fold : callable
        Given row numbers of shape (m,) and logs of shape (m, l) for l of the bandwidths, returns
        an array of shape (l, ...). Runs on the worker threads.
    masses : ndarray of shape (n,), optional
        Masses; None is one each.
    rows : ndarray of int, optional
        Rows i; None is all.
    workers : int
        Threads.
    report : callable, optional
        Called with blocks done and in all.

    Returns
    -------
    ndarray of shape (blocks, k, ...)
        What `fold` returned. The blocks depend on the rows alone.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [3.0]])
    >>> fold_log_sums(X, np.array([1.0]), lambda rows, logs: logs.sum(axis=0)).round(6)
    array([[-2.701547]])
    """
    index = np.arange(len(points)) if rows is None else rows
    weights = np.ones(len(points)) if masses is None else np.ascontiguousarray(masses)
    remote = isinstance(points, BlockRows) and points.remote
    task = _REMOTE_TASK if remote else _TASK
    blocks = np.array_split(index, max(1, -(-len(index) // task)))
    groups = list(_groups(hs))
    count = _Counter(len(blocks) * len(groups), report)
    parts = []
    log_spread = math.log(float(weights.sum()) / float(weights.min()))
    small = len(index) * len(points) <= _SMALL
    with one_blas_thread(), np.errstate(over="ignore"):
        for group in groups:
            sweep = _make_sweep(points, weights, hs[group], log_spread, small)
            run, jobs = (_run_remotely, 1) if remote else (_run_block, workers)
            parts.append(np.array(run_blocks(run, [(sweep, block, fold, count) for block in blocks], jobs)))
    return np.asarray(np.concatenate(parts, axis=1)[:, np.argsort(np.concatenate(groups))])


def _groups(hs: FloatArray) -> Iterator[IntArray]:
    """Split bandwidths into groups, each within the range that one set of bins covers."""
    order = np.argsort(hs, kind="stable")
    start = 0
    while start < len(order):
        least = hs[order[start]]
        stop = int(np.searchsorted(hs[order], least * math.sqrt(LARGEST_RATIO), side="right"))
        yield order[start:stop]
        start = stop


class _Counter:
    """Blocks done, counted across threads."""

    def __init__(self, total: int, report: Report | None) -> None:
        self._done, self._total, self._report = 0, total, report
        self._lock = threading.Lock()

    def step(self) -> None:
        if self._report is not None:
            with self._lock:
                self._done += 1
                self._report(self._done, self._total)


@dataclass(frozen=True)
class _Sweep:
    """What every block of rows shares."""

    points: FloatArray
    masses: FloatArray
    rates: FloatArray  # 1/(2 h^2), for squared distances of points times `scale`
    scale: float  # a power of two: differences of scaled values are as exact as of the values
    bins: Bins
    centre: FloatArray | None  # None: explicit differences only
    largest_norm: float  # squared, of centred and scaled points
    small: bool


def _make_sweep(
    points: FloatArray, masses: FloatArray, hs: FloatArray, log_spread: float, small: bool
) -> _Sweep:
    scale = math.ldexp(1.0, -math.frexp(float(hs.min()))[1])
    rates = 0.5 / (hs * scale) ** 2
    bins = make_bins(rates, log_spread)
    if points.shape[1] <= _LOOPS_UP_TO:
        return _Sweep(points, masses, rates, scale, bins, None, 0.0, small)
    centre = points.mean(axis=0)
    if isinstance(points, BlockRows):
        norm = max(points.map(_largest_norm, centre, scale))
    else:
        norm = _largest_norm(points, 0, centre, scale)
    # Norms beyond the float range would turn differences of products into nan.
    usable = norm < 1e300 and bool(np.isfinite(centre).all())
    return _Sweep(points, masses, rates, scale, bins, centre if usable else None, norm, small)


def _largest_norm(points: FloatArray, first: int, centre: FloatArray, scale: float) -> float:
    norm = 0.0
    for start in range(0, len(points), _TASK):
        part = (points[start : start + _TASK] - centre) * scale
        norm = max(norm, float(np.einsum("ij,ij->i", part, part).max()))
    return norm


def _run_block(sweep: _Sweep, rows: IntArray, fold: Fold, count: _Counter) -> FloatArray:
    found = fold(rows, _block_logs(sweep, rows, sweep.points[rows]))
    count.step()
    return found


def _block_logs(sweep: _Sweep, rows: IntArray, queries: FloatArray) -> FloatArray:
    n, d = sweep.points.shape
    logs = np.full((len(rows), len(sweep.rates)), -np.inf)
    step = max(128, min(_POINTS, _POINT_VALUES // d))
    # Threads have an error state of their own.
    with np.errstate(divide="ignore", over="ignore"):
        for start in range(0, n, step):
            _add_points(sweep, rows, queries, slice(start, min(start + step, n)), logs)
    return logs


def _run_remotely(sweep: _Sweep, rows: IntArray, fold: Fold, count: _Counter) -> FloatArray:
    """Send the rows to every part of the points, and merge what comes back in the order of the parts."""
    points: Any = sweep.points
    masses: list[Any] = np.split(sweep.masses, points.starts[1:-1])
    if (sweep.masses == 1.0).all():  # need not travel
        masses = [None] * len(masses)
    shared = replace(sweep, points=np.empty((0, 0)), masses=np.empty(0))
    found = fold(rows, remote_merge(points, _part_logs, shared, rows, points[rows], each=masses))
    count.step()
    return found


def _part_logs(
    points: FloatArray, start: int, sweep: _Sweep, rows: IntArray, queries: FloatArray, masses: FloatArray | None
) -> FloatArray:
    own = np.ones(len(points)) if masses is None else masses
    return _block_logs(replace(sweep, points=points, masses=own), rows - start, queries)




def _add_points(sweep: _Sweep, rows: IntArray, queries: FloatArray, part: slice, logs: FloatArray) -> None:
    """Add the terms of a slice of points to the log sums of the rows, whose values are `queries`."""
    tile = _Tile(sweep, part)
    masses = sweep.masses[part]
    bins = sweep.bins
    add = _pick(bin_moments, sweep.small)
    step = min(_MOST_ROWS, max(1, _DISTANCES // len(masses)))
    for start in range(0, len(rows), step):
        some = slice(start, min(start + step, len(rows)))
        distances = tile.distances(rows[some], queries[some])
        nearest = np.empty(len(distances))
        moments = np.zeros((len(distances), bins.n_bins, MOMENTS))
        add(distances, masses, bins.rate, bins.bits, bins.top, nearest, moments)
        # A sum is at least the mass of the nearest point, up to the bound on its error.
        sums = np.maximum(moments.reshape(len(distances), -1) @ bins.coefficients, 0.0)
        new = np.log(sums) - nearest[:, None] * sweep.rates
        logs[some] = np.logaddexp(logs[some], new) if part.start else new


class _Tile:
    """Squared distances, times the square of the scale, of rows to a slice of points."""

    def __init__(self, sweep: _Sweep, part: slice) -> None:
        self._sweep, self._part = sweep, part
        self._columns: FloatArray | None = None
        self._raw = sweep.points[part]
        if sweep.centre is not None:
            self._points = (self._raw - sweep.centre) * sweep.scale
            self._norms = np.einsum("ij,ij->i", self._points, self._points)

    def distances(self, rows: IntArray, values: FloatArray) -> FloatArray:
        own = rows - self._part.start
        if self._sweep.centre is None:
            return self._direct(values, own)
        queries = (values - self._sweep.centre) * self._sweep.scale
        norms = np.einsum("ij,ij->i", queries, queries)
        out = np.asarray(queries @ self._points.T)
        _pick(product_distances, self._sweep.small)(out, self._norms, norms, own)
        poor = self._poor(norms, out.min(axis=1))
        if poor.any():
            out[poor] = self._direct(values[poor], own[poor])
        return out

    def _poor(self, norms: FloatArray, nearest: FloatArray) -> NDArray[np.bool_]:
        """Rows whose distances by inner products have lost too many digits."""
        loss = 2.0 * _EPS * (norms + self._sweep.largest_norm)
        in_exponent = loss * float(self._sweep.rates.max()) > _EXPONENT_LOSS
        return np.asarray(in_exponent & (loss > _RELATIVE_LOSS * nearest))

    def _direct(self, values: FloatArray, own: IntArray) -> FloatArray:
        if self._columns is None:
            self._columns = np.ascontiguousarray(self._raw.T) * self._sweep.scale
        queries = values * self._sweep.scale
        out = np.empty((len(values), self._columns.shape[1]))
        _pick(direct_distances, self._sweep.small)(self._columns, queries, own, out)
        return out


def _pick(compiled: Kernel[Any, Any], small: bool) -> Any:
    return compiled.twin if small else compiled
