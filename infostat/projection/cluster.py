"""Moments of a Dask frame, computed where its partitions are.

Every partition becomes one task that returns a few small arrays; neighbours are merged pairwise in the
order of the partitions, so that the numbers do not depend on which worker did what, or died.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..core.chunks import FrameStream
from ..core.errors import MissingExtraError
from ..core.progress import Progress, progress_callback
from ..core.threads import quiet_blas
from ..families.base import ExponentialFamily
from .stream_reading import Reading, first_reading
from .streaming import StreamMoments, add_rows, check_row_count, empty_moments, equal_blocks

__all__ = ["cluster_moments"]

_FIRST_ROWS = 10_000  # rows that fix sizes, shift and scale
_BLOCKS = 1 << 20  # more blocks than a partition can have: each has a seed of its own


def cluster_moments(
    stream: FrameStream,
    families: Sequence[ExponentialFamily],
    *,
    order: int,
    jackknife: bool,
    seed: Any,
    progress: Progress = False,
) -> list[StreamMoments]:
    """Return the moments of several families' statistics over the partitions of a Dask frame.

    Parameters
    ----------
    stream : FrameStream
        Rows of a Dask collection.
    families : sequence of ExponentialFamily
        Models.
    order : {1, 2}
        Expansion asked for.
    jackknife : bool
        Keep groups of rows apart.
    seed : SeedSequence
        Seed of the subsample of rows.
    progress : bool or callable
        Told about all rows at the end: only the scheduler knows what is done before.

    Returns
    -------
    list of StreamMoments
        One per family; the same for every scheduler and number of workers.

    Raises
    ------
    DataError
        If there are too few rows, or a partition holds what a family cannot describe.
    MissingExtraError
        If Dask is not installed.
    """
    try:
        import dask
    except ImportError as error:  # a foreign object with partitions
        raise MissingExtraError("Dask frames need dask: pip install 'infostat[distributed]'") from error
    labels = list(stream.labels or ())
    parts = stream.collection.to_delayed()
    with quiet_blas(), progress_callback(progress, "rows") as report:
        first = _first_rows(dask, parts, labels)
        check_row_count(len(first), stream.source)
        readings = [first_reading(first, family, order, jackknife) for family in families]
        shared = dask.delayed(readings)  # travels once, not with every task
        states = [
            dask.delayed(_partition)(part, labels, shared, number, seed)
            for number, part in enumerate(parts)
        ]
        while len(states) > 1:
            pairs = [states[k : k + 2] for k in range(0, len(states), 2)]
            states = [pair[0] if len(pair) == 1 else dask.delayed(_merged)(*pair) for pair in pairs]
        (found,) = dask.compute(states[0])
        if report is not None:
            report(found[0].n_rows, found[0].n_rows)
    return list(found)


def _first_rows(dask: Any, parts: Sequence[Any], labels: Sequence[str]) -> pd.DataFrame:
    """The first rows of the table; only as many partitions are computed as they need."""
    found: list[pd.DataFrame] = []
    for part in parts:
        (head,) = dask.compute(dask.delayed(_head)(part, labels))
        found.append(head)
        if sum(len(frame) for frame in found) >= _FIRST_ROWS:
            break
    filled = [frame for frame in found if len(frame)] or found[:1]
    return pd.concat(filled, ignore_index=True).iloc[:_FIRST_ROWS]


def _head(frame: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    return _labelled(frame.iloc[:_FIRST_ROWS], labels)


def _labelled(frame: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    frame = frame.copy(deep=False)
    frame.columns = pd.Index(list(labels), dtype=object)
    return frame


def _partition(
    frame: pd.DataFrame, labels: Sequence[str], readings: Sequence[Reading], number: int, seed: Any
) -> list[StreamMoments]:
    """Moments of one partition, on a worker."""
    states = [empty_moments(reading) for reading in readings]
    with quiet_blas():
        for block, rows in enumerate(equal_blocks([_labelled(frame, labels)])):
            for state in states:
                add_rows(state, rows, number * _BLOCKS + block, seed, f" of partition {number}")
    return states


def _merged(left: Sequence[StreamMoments], right: Sequence[StreamMoments]) -> list[StreamMoments]:
    # A copy: a task that is repeated after a worker died must find its inputs unchanged.
    return [copy.deepcopy(a).merge(b) for a, b in zip(left, right, strict=True)]
