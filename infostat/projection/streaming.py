"""Moments of sufficient statistics in one pass over data that need not fit into memory.

T0, T2 and T3 depend on the data only through the covariance G of the statistics, T1 through their third
cumulants. Both are co-moments that accumulate block by block and merge across the workers of a cluster.
Where the support is a finite list of cells, the rows in each cell are counted instead. Rows are taken in
blocks of one length, whatever pieces they arrive in, so that the numbers of an iterator or a file do not
depend on the pieces to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..core.chunks import FrameStream
from ..core.errors import DataError, SupportError
from ..core.moments import Moments
from ..core.progress import Progress, progress_callback
from ..core.rng import as_seed_sequence
from ..core.threads import one_blas_thread
from ..core.validation import FloatArray
from ..families.base import ExponentialFamily
from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from ..families.enumerated import EnumeratedFamily
from ..families.multivariate_normal import MultivariateNormal
from .expansion import MAX_TENSOR_P
from .reservoir import Extremes, Reservoir
from .stream_reading import Reading, encoded_rows, first_reading, open_sizes

__all__ = [
    "BLOCK_ROWS", "GROUPS", "StreamMoments", "add_rows", "cell_points", "check_row_count", "empty_moments",
    "equal_blocks", "stream_moments",
]  # fmt: skip

GROUPS = 20  # of the delete-group jackknife: row index modulo 20
BLOCK_ROWS = 1 << 16
# Statistics at a time: 2 MB, which stay in the cache; but no fewer rows than make the sums of a slice
# cheap against the slice where there are many statistics.
_SLICE_CELLS, _SLICE_ROWS = 1 << 18, 4096
_NEVER = np.int64(1 << 62)
_LARGEST = 1e40  # sixth powers of the columns of a normal model must be finite


@dataclass
class StreamMoments:
    """What one pass leaves of the rows for one family.

    Attributes
    ----------
    reading : Reading
        The family and the map in front of it.
    parts : list of Moments
        Moments of the statistics, one per independent block of the model.
    groups : list of list of Moments
        The same for each jackknife group, up to covariances; empty if none are kept.
    cross : Moments
        Moments of the mapped rows, up to covariances; fed for a diagonal normal model, whose test of fit
        compares it with a full one.
    counts : ndarray of shape (G, M) or None
        Rows in each cell of a finite support, by jackknife group (G = 1 if none are kept); then there are
        no `parts` and no `groups`.
    first_rows : ndarray of shape (M,) or None
        Position of the first row in each cell; very large for cells without rows.
    low, high : ndarray of shape (judged,)
        Ranges of the leading statistics (see :class:`Reading`).
    log_base : float
        Sum of the log base density over the rows; ``-inf`` where it vanishes at a row.
    n_rows : int
        Rows seen.
    reservoir : Reservoir
        Uniform subsample of the rows, for tests of the fit and for T1 at large p.
    extremes : Extremes
        Rows with the most extreme statistics.
    """

    reading: Reading
    parts: list[Moments]
    groups: list[list[Moments]]
    cross: Moments
    counts: NDArray[np.int64] | None
    first_rows: NDArray[np.int64] | None
    low: FloatArray
    high: FloatArray
    log_base: float = 0.0
    n_rows: int = 0
    reservoir: Reservoir = field(default_factory=Reservoir)
    extremes: Extremes = field(default_factory=Extremes)

    @property
    def mean(self) -> FloatArray:
        """Mean of all statistics, shape (p,)."""
        out = np.empty(self.reading.family.n_params())
        for leaf, part in zip(self.reading.leaves, self.parts, strict=True):
            out[leaf.where] = part.mean
        return out

    def without(self, group: int) -> list[Moments]:
        """Return the moments of all rows but those of one jackknife group.

        Parameters
        ----------
        group : int
            Index of the group.

        Returns
        -------
        list of Moments
            New accumulators, one per independent block of the model.
        """
        kept = [parts for k, parts in enumerate(self.groups) if k != group]
        merged = [part.copy() for part in kept[0]]
        for parts in kept[1:]:
            for mine, theirs in zip(merged, parts, strict=True):
                mine.merge(theirs)
        return merged

    def merge(self, other: StreamMoments) -> StreamMoments:
        """Add the rows of another pass, which follow those of this one.

        Parameters
        ----------
        other : StreamMoments
            Same reading; unchanged.

        Returns
        -------
        StreamMoments
            Itself.
        """
        for mine, theirs in zip(self.parts, other.parts, strict=True):
            mine.merge(theirs)
        # The other pass counted from zero: its group k holds rows of group k plus the rows before it.
        for k, parts in enumerate(other.groups):
            for mine, theirs in zip(self.groups[(k + self.n_rows) % GROUPS], parts, strict=True):
                mine.merge(theirs)
        if self.counts is not None and other.counts is not None:
            self.counts = self.counts + np.roll(other.counts, self.n_rows % len(self.counts), axis=0)
        if self.first_rows is not None and other.first_rows is not None:
            self.first_rows = np.minimum(self.first_rows, other.first_rows + self.n_rows)
        self.cross.merge(other.cross)
        self.low, self.high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        self.log_base += other.log_base
        self.reservoir.merge(other.reservoir)
        self.extremes.merge(other.extremes, self.n_rows)
        self.n_rows += other.n_rows
        return self


def stream_moments(
    stream: FrameStream,
    families: Sequence[ExponentialFamily],
    *,
    order: int = 2,
    jackknife: bool = False,
    seed: Any = 0,
    progress: Progress = False,
) -> list[StreamMoments]:
    """Return the moments of several families' statistics in one pass over the rows.

    Parameters
    ----------
    stream : FrameStream
        The rows.
    families : sequence of ExponentialFamily
        Models, possibly with sizes still open (taken from the first rows).
    order : {1, 2}
        Expansion asked for: 2 keeps third co-moments where a block of the model has at most 400 parameters.
    jackknife : bool
        Keep groups of rows (index modulo 20) apart.
    seed : int or SeedSequence
        Seed of the subsample of rows.
    progress : bool or callable
        Report rows; a callable gets ``(done, total)`` with total 0 where it is unknown.

    Returns
    -------
    list of StreamMoments
        One per family, in order.

    Raises
    ------
    DataError
        If there are too few rows, or a block holds what a family cannot describe.
    """
    sequence = as_seed_sequence(seed)
    if stream.collection is not None:
        from .cluster import cluster_moments

        return cluster_moments(stream, families, order=order, jackknife=jackknife, seed=sequence, progress=progress)
    found: list[StreamMoments] = []
    done = 0
    # The products are small: a second BLAS thread would only wait for the first.
    with one_blas_thread(), progress_callback(progress, "rows") as report:
        frames = stream.frames()
        for number, frame in enumerate(equal_blocks(_ahead(frames) if stream.again else frames)):
            if not found:
                found = [empty_moments(first_reading(frame, family, order, jackknife)) for family in families]
            for state in found:
                add_rows(state, frame, number, sequence)
            done += len(frame)
            if report is not None:
                report(done, stream.total or 0)
    check_row_count(done, stream.source)
    return found


def _ahead(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The same frames, the next one being read from its file while the last one is worked on."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, frames, None)
        while (frame := following.result()) is not None:
            following = pool.submit(next, frames, None)
            yield frame


def check_row_count(n_rows: int, source: str) -> None:
    """Refuse fewer than three rows.

    Parameters
    ----------
    n_rows : int
        Rows found.
    source : str
        Where they came from.

    Raises
    ------
    DataError
        With the number of rows.
    """
    if n_rows < 3:
        raise DataError(f"data must have at least 3 rows, got {n_rows} from {source}")


def equal_blocks(frames: Iterable[pd.DataFrame], rows: int | None = None) -> Iterator[pd.DataFrame]:
    """Yield the rows of frames of any length in blocks of one length; the last one may be shorter.

    Parameters
    ----------
    frames : iterable of DataFrame
        Pieces; empty ones are skipped.
    rows : int, optional
        Length of a block; if None 65 536, fewer where there are more than 64 columns.

    Yields
    ------
    DataFrame
        A block.

    Examples
    --------
    >>> pieces = [pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"x": []}), pd.DataFrame({"x": [3, 4, 5]})]
    >>> [block["x"].tolist() for block in equal_blocks(pieces, 3)]
    [[1, 2, 3], [4, 5]]
    """
    held: list[pd.DataFrame] = []
    count = 0
    for frame in frames:
        if not len(frame):
            continue
        if rows is None:
            rows = max(1024, BLOCK_ROWS * 64 // max(64, frame.shape[1]))
        held.append(frame)
        count += len(frame)
        if count < rows:
            continue
        joined = held[0] if len(held) == 1 else pd.concat(held, ignore_index=True)
        whole = count - count % rows
        for start in range(0, whole, rows):
            yield joined.iloc[start : start + rows]
        held, count = [joined.iloc[whole:]] if whole < count else [], count - whole
    if held:
        yield held[0] if len(held) == 1 else pd.concat(held, ignore_index=True)


def empty_moments(reading: Reading) -> StreamMoments:
    """Return the accumulator of a family before any row.

    Parameters
    ----------
    reading : Reading
        How the family reads rows.

    Returns
    -------
    StreamMoments
        Empty.
    """
    family = reading.family
    cross = Moments(len(reading.columns))
    low, high = np.full(reading.judged, np.inf), np.full(reading.judged, -np.inf)
    points = cell_points(family)
    if points is not None:
        counts = np.zeros((GROUPS if reading.jackknife else 1, len(points)), dtype=np.int64)
        first_rows = np.full(len(points), _NEVER)
        return StreamMoments(reading, [], [], cross, counts, first_rows, low, high)
    sizes = [len(leaf.index) for leaf in reading.leaves]
    parts = [Moments(p, 3 if reading.order == 2 and p <= MAX_TENSOR_P else 2) for p in sizes]
    groups = [[Moments(p) for p in sizes] for _ in range(GROUPS if reading.jackknife else 0)]
    return StreamMoments(reading, parts, groups, cross, None, None, low, high)


def cell_points(family: ExponentialFamily) -> FloatArray | None:
    """Return the cells of a family whose rows are counted: those with a finite support.

    Parameters
    ----------
    family : ExponentialFamily
        Bound family.

    Returns
    -------
    ndarray or None
        Cells as encoded rows; None for other families.
    """
    if isinstance(family, EnumeratedFamily):
        return family.cells().points
    if isinstance(family, (Bernoulli, Categorical)):
        return np.arange(family.n_params() + 1.0)
    return None


def add_rows(state: StreamMoments, frame: pd.DataFrame, number: int, seed: Any, place: str = "") -> None:
    """Add the rows of one block.

    Parameters
    ----------
    state : StreamMoments
        Accumulator, changed in place.
    frame : DataFrame
        Rows.
    number : int
        Index of the block: its child of the seed draws the subsample.
    seed : SeedSequence
        Seed of the subsample.
    place : str
        Where the accumulator began, for messages.

    Raises
    ------
    DataError
        If the block holds what the family cannot describe; the message says where it begins.
    """
    reading, begin = state.reading, state.n_rows
    try:
        encoded = encoded_rows(reading, frame)
        step = max(_SLICE_ROWS, _SLICE_CELLS // reading.family.n_params())
        for start in range(0, len(encoded), step):
            (_count_slice if state.counts is not None else _add_slice)(state, encoded[start : start + step])
    except DataError as error:
        cure = ""
        if isinstance(error, SupportError) and reading.first_rows:
            cure = f" ({open_sizes(reading.first_rows)})"
        raise type(error)(f"in the {len(frame)} rows from row {begin}{place} on: {error}{cure}") from None
    state.reservoir.add(encoded, number, seed)


def _add_slice(state: StreamMoments, encoded: FloatArray) -> None:
    reading = state.reading
    with np.errstate(over="ignore"):
        # One statistic after the other in memory: what follows are sums over rows.
        statistics = np.asfortranarray(reading.family.raw_statistic(encoded))
    judged = statistics[:, : reading.judged]
    low, high = judged.min(axis=0), judged.max(axis=0)
    if not max(-low.min(), high.max()) < _LARGEST:
        raise DataError(
            f"the statistics of the {reading.family.title} family must stay below {_LARGEST:g} in units of the first "
            "rows, because their products are taken; rescale the columns, or drop the rows that exceed the others"
        )
    for leaf, part in zip(reading.leaves, state.parts, strict=True):
        part.update(statistics[:, leaf.where])
    if state.groups:
        group = (state.n_rows + np.arange(len(statistics))) % GROUPS
        for k, parts in enumerate(state.groups):
            chosen = statistics[group == k]
            for leaf, part in zip(reading.leaves, parts, strict=True):
                part.update(chosen[:, leaf.where])
    if isinstance(reading.family, MultivariateNormal) and reading.family.structure == "diagonal":
        state.cross.update(encoded)
    state.low, state.high = np.minimum(state.low, low), np.maximum(state.high, high)
    _add_extremes(state, encoded, judged, np.maximum(high - reading.centre, reading.centre - low))
    state.log_base += float(np.sum(reading.family.encoded_log_base(encoded)))
    state.n_rows += len(encoded)


def _add_extremes(
    state: StreamMoments, encoded: FloatArray, statistics: FloatArray, furthest: FloatArray
) -> None:
    """Offer the rows of a slice whose statistics are far out; few are, so few are looked at."""
    reading, extremes = state.reading, state.extremes
    rows = np.arange(len(statistics))
    if len(extremes.scores) == extremes.size:
        limit = extremes.scores[-1]
        columns = np.flatnonzero(furthest > limit * reading.spread)
        far = np.abs(statistics[:, columns] - reading.centre[columns]) > limit * reading.spread[columns]
        rows = np.flatnonzero(far.any(axis=1))
    if len(rows):
        scores = (np.abs(statistics[rows] - reading.centre) / reading.spread).max(axis=1)
        extremes.add(scores, encoded[rows], state.n_rows + rows)


def _count_slice(state: StreamMoments, encoded: FloatArray) -> None:
    family, counts = state.reading.family, state.counts
    assert counts is not None and state.first_rows is not None
    cell = family.cell_index(encoded) if isinstance(family, EnumeratedFamily) else encoded.astype(np.intp)
    group = (state.n_rows + np.arange(len(encoded))) % len(counts)
    found = np.bincount(group * counts.shape[1] + cell, minlength=counts.size)
    state.counts = counts + found.reshape(counts.shape)
    seen, first = np.unique(cell, return_index=True)
    state.first_rows[seen] = np.minimum(state.first_rows[seen], state.n_rows + first)
    state.n_rows += len(encoded)
