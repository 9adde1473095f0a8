"""Best-of-N means of sorted samples, with their standard errors: one population, or many prompts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Report
from ..core.threads import run_blocks
from ..core.validation import FloatArray
from .curve_kernels import curve_sums, curve_sums_numpy, weights_without_replacement
from .input_tables import RewardInput

__all__ = ["CurveJob", "CurveTable", "SortedRows", "curve_table", "sorted_rows"]

# What is left below where a sweep stops, relative to the scale of the rewards.
_NEGLIGIBLE = 1e-17
# Orders that one call of the kernel walks through together, from which position on; fewer where they
# are small and need most of the samples. Constants, so that threads change nothing.
_GROUPS = ((0, 64), (64, 192), (256, 256))
# Reports of progress in one sweep, at most.
_REPORTS = 40
# Below this many weights plain NumPy is done before Numba has been imported.
_SMALL = 2_000_000
# Weights of a matrix product over prompts, and means of a block of prompts, in numbers.
_MATRIX, _BLOCK = 4_000_000, 1_000_000
# Weight matrices kept while blocks of prompts of many sizes go by.
_KEPT = 16

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CurveJob:
    """What is asked of the samples.

    Attributes
    ----------
    orders : ndarray of int of shape (n,)
        Increasing N.
    plugin : bool
        Draw with replacement.
    workers : int
        Threads.
    report : callable or None
        Called with pieces of work that are done, and all.
    """

    orders: IntArray
    plugin: bool
    workers: int
    report: Report | None


# ------------------------------------------------------------------------------------- sorting
@dataclass(frozen=True, eq=False)
class SortedRows:
    """Samples of one prompt: proxy ascending, true rewards beside it, ties averaged.

    Attributes
    ----------
    reward : ndarray of shape (m,)
        Proxy rewards.
    true : ndarray of shape (m,) or None
        True rewards, averaged inside proxy ties.
    ends, counts : ndarray of int
        Tied runs inside which true rewards differ: position k of the last sample, and length.
    scatter : ndarray
        Sums of squares of the true rewards of these runs about their means.
    """

    reward: FloatArray
    true: FloatArray | None
    ends: IntArray
    counts: IntArray
    scatter: FloatArray


_NO_TIES = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)


def sorted_rows(data: RewardInput, tolerance: float) -> list[SortedRows]:
    """Return the samples of every prompt in ascending order.

    Parameters
    ----------
    data : RewardInput
        Finite rewards.
    tolerance : float
        Largest difference of neighbours that are tied.

    Returns
    -------
    list of SortedRows
        One per prompt.

    Examples
    --------
    >>> from infostat.alignment.input_tables import read_rewards
    >>> sorted_rows(read_rewards([1.0, 0.0, 1.0], true=[4.0, 1.0, 2.0]), 0.0)[0].true
    array([1., 3., 3.])
    """
    offsets = data.offsets
    if data.true is None and tolerance == 0.0:
        parts = (data.reward[a:b] for a, b in itertools.pairwise(offsets))
        return [SortedRows(np.sort(part), None, *_NO_TIES) for part in parts]
    return [
        _with_ties(data.reward[a:b], None if data.true is None else data.true[a:b], tolerance)
        for a, b in itertools.pairwise(offsets)
    ]


def _with_ties(reward: FloatArray, true: FloatArray | None, tolerance: float) -> SortedRows:
    order = np.argsort(reward, kind="stable")
    r = reward[order]
    g = r if true is None else true[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(r) > tolerance) + 1])
    if len(starts) == len(r):
        return SortedRows(r, None if true is None else g, *_NO_TIES)
    counts = np.diff(np.append(starts, len(r)))
    if tolerance > 0.0:
        r = np.repeat(_run_means(r, starts, counts), counts)
    means = np.repeat(_run_means(g, starts, counts), counts)
    scatter = np.add.reduceat((g - means) ** 2, starts)
    kept = scatter > 0.0
    ends = (starts + counts)[kept].astype(np.int64)
    return SortedRows(r, None if true is None else means, ends, counts[kept].astype(np.int64), scatter[kept])


def _run_means(values: FloatArray, starts: Any, counts: Any) -> FloatArray:
    # About the first of each run, so that equal values give exactly that value.
    first = np.repeat(values[starts], counts)
    return np.asarray(values[starts] + np.add.reduceat(values - first, starts) / counts)


# --------------------------------------------------------------------------------- computation
@dataclass(frozen=True, eq=False)
class CurveTable:
    """Means of the best of N and their standard errors, one entry per N.

    Attributes
    ----------
    reward, se : ndarray of shape (n,)
        Proxy.
    true, true_se : ndarray of shape (n,) or None
        True rewards.
    """

    reward: FloatArray
    se: FloatArray
    true: FloatArray | None
    true_se: FloatArray | None

    def times(self, scales: tuple[float, float]) -> CurveTable:
        """Return the table in other units.

        Parameters
        ----------
        scales : tuple of float
            Factors of the proxy and of the true rewards.

        Returns
        -------
        CurveTable
            Itself where both are 1.
        """
        if scales == (1.0, 1.0):
            return self
        true = None if self.true is None or self.true_se is None else (self.true * scales[1], self.true_se * scales[1])
        return CurveTable(self.reward * scales[0], self.se * scales[0], *(true or (None, None)))


def curve_table(rows: list[SortedRows], job: CurveJob) -> CurveTable:
    """Return best-of-N means: with the error of samples for one prompt, of prompts for several.

    Parameters
    ----------
    rows : list of SortedRows
        One entry per prompt.
    job : CurveJob
        What is asked.

    Returns
    -------
    CurveTable
        One entry per N.

    Examples
    --------
    >>> from infostat.alignment.input_tables import read_rewards
    >>> rows = sorted_rows(read_rewards([1.0, 2.0, 3.0, 4.0]), 0.0)
    >>> curve_table(rows, CurveJob(np.array([2, 3]), False, 1, None)).reward.round(12)
    array([3.33333333, 3.75      ])
    """
    return _one_population(rows[0], job) if len(rows) == 1 else _over_prompts(rows, job)


def _one_population(rows: SortedRows, job: CurveJob) -> CurveTable:
    size = len(rows.reward)
    sums = _sums(rows, job, spread=True)
    tied = _tie_variance(rows, job.orders) if len(rows.ends) else 0.0
    variance = sums[1] + (tied if rows.true is None else 0.0)
    reward, se = rows.reward[-1] + sums[0], np.sqrt(variance / size)
    if rows.true is None:
        return CurveTable(reward, se, None, None)
    return CurveTable(reward, se, rows.true[-1] + sums[2], np.sqrt((sums[3] + tied) / size))


def _sums(rows: SortedRows, job: CurveJob, *, spread: bool) -> FloatArray:
    """Means below the top sample and variances of the influences, for every order."""
    x = rows.reward - rows.reward[-1]
    g = np.empty(0) if rows.true is None else rows.true - rows.true[-1]
    tiny = _negligible(rows, x, g)
    small = len(x) * len(job.orders) <= _SMALL
    run = curve_sums_numpy if small else curve_sums
    pieces = _pieces(job.orders)
    reports = _REPORTS if job.report is not None and spread else 1
    batch = max(4 * job.workers, -(-len(pieces) // reports))
    done: list[FloatArray] = []
    for start in range(0, len(pieces), batch):
        calls = [(x, g, piece, job.plugin, spread, tiny) for piece in pieces[start : start + batch]]
        done += run_blocks(run, calls, min(job.workers, len(calls)))
        if job.report is not None and spread:
            job.report(len(done), len(pieces))
    return np.concatenate(done, axis=1)


def _pieces(orders: IntArray) -> list[IntArray]:
    ends = [*(start for start, _ in _GROUPS[1:]), len(orders)]
    cuts: list[int] = []
    for (start, step), end in zip(_GROUPS, ends, strict=True):
        cuts += range(start, min(end, len(orders)), step)
    return np.split(orders, cuts[1:])


def _negligible(rows: SortedRows, x: FloatArray, g: FloatArray) -> float:
    """Mass that may be left out: rewards far below the rest make it smaller."""
    share = 1.0
    for values, top in ((x, rows.reward[-1]), (g, 0.0 if rows.true is None else rows.true[-1])):
        if len(values):
            typical = max(float(np.abs(values[len(values) // 2])), abs(float(top)))
            farthest = float(np.abs(values).max())
            if farthest > typical > 0.0:
                share = min(share, typical / farthest)
    return max(_NEGLIGIBLE * share, 1e-290)


def _tie_variance(rows: SortedRows, orders: IntArray) -> FloatArray:
    """Variance of the influences that true rewards have inside proxy ties, for every order.

    A run of c tied samples with total weight W gives each the weight W/c; a sample's own deviation
    from the mean of its run enters with M W/c.
    """
    size = len(rows.reward)
    log_top = np.log(rows.ends / size)
    log_bottom = np.full(len(rows.ends), -np.inf)
    inside = rows.ends > rows.counts
    log_bottom[inside] = np.log((rows.ends - rows.counts)[inside] / size)
    out = np.zeros(len(orders))
    for j, order in enumerate(orders):
        # Runs are in ascending order: those below the first one of any weight are left out.
        live = slice(int(np.searchsorted(log_top, -80.0 / order)), None)
        weight = np.exp(order * log_top[live]) - np.exp(order * log_bottom[live])
        out[j] = size * float(((weight / rows.counts[live]) ** 2 * rows.scatter[live]).sum())
    return out


def _over_prompts(rows: list[SortedRows], job: CurveJob) -> CurveTable:
    """Means over prompts and their variances, prompts being the sampling unit."""
    both = rows[0].true is not None
    means, squares, count = np.zeros((2, len(job.orders))), np.zeros((2, len(job.orders))), 0
    for block in _blocks(rows, job):
        new = block.shape[1]
        # Merged in the order of the prompts: blocks of a fixed length, means of means.
        shift = block.mean(axis=1) - means
        squares += ((block - block.mean(axis=1)[:, None]) ** 2).sum(axis=1) + shift**2 * (count * new / (count + new))
        means += shift * (new / (count + new))
        count += new
        if job.report is not None:
            job.report(count, len(rows))
    se = np.sqrt(squares / ((count - 1) * count))
    return CurveTable(means[0], se[0], means[1] if both else None, se[1] if both else None)


def _blocks(rows: list[SortedRows], job: CurveJob) -> Iterator[FloatArray]:
    """Best-of-N means of blocks of prompts, shape (2, prompts, orders)."""
    step = max(1, _BLOCK // len(job.orders))
    matrices: dict[int, FloatArray] = {}
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        out = np.zeros((2, len(block), len(job.orders)))
        sizes = np.array([len(each.reward) for each in block])
        for size in np.unique(sizes):
            at = np.flatnonzero(sizes == size)
            if size * len(job.orders) <= _MATRIX and len(at) > 1:
                if size not in matrices:
                    if len(matrices) >= _KEPT:
                        matrices.clear()
                    matrices[int(size)] = _weights(int(size), job)
                _by_matrix(block, at, matrices[int(size)], out)
            else:
                for i in at:
                    _by_sweep(block[i], job, out[:, i])
        yield out


def _weights(size: int, job: CurveJob) -> FloatArray:
    if not job.plugin:
        return weights_without_replacement(size, job.orders)
    share = np.arange(size + 1, dtype=np.float64) / size
    return np.diff(share ** job.orders[:, None].astype(np.float64), axis=1)


def _by_matrix(block: list[SortedRows], at: NDArray[np.intp], weights: FloatArray, out: FloatArray) -> None:
    for row, name in enumerate(("reward", "true")):
        if getattr(block[0], name) is not None:
            values = np.stack([getattr(block[i], name) for i in at])
            top = values[:, -1:]
            out[row, at] = top + (values - top) @ weights.T


def _by_sweep(rows: SortedRows, job: CurveJob, out: FloatArray) -> None:
    sums = _sums(rows, job, spread=False)
    out[0] = rows.reward[-1] + sums[0]
    if rows.true is not None:
        out[1] = rows.true[-1] + sums[2]
