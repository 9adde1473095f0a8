"""Rows of a Dask frame that stay on the workers of a cluster.

Every partition becomes one array, held by the worker that made it; a computation sends its queries to the
partitions, and neighbours are merged pairwise in the order of the partitions, so that the numbers do not
depend on which worker did what, or died.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .chunk_rows import BlockRows, Change
from .chunk_store import checked_numbers
from .chunks import FrameStream
from .cluster import current_patience, inside_a_task
from .errors import ClusterError, DataError, InfostatError
from .validation import FloatArray

__all__ = ["ClusterRows", "cluster_client", "cluster_rows", "compute", "merged", "watched"]

IntArray = NDArray[np.intp]

_LOOK = 2.0  # seconds between two looks at the cluster


class ClusterRows(BlockRows):
    """Rows in blocks on the workers of a cluster.

    Parameters
    ----------
    parts : sequence of delayed
        Arrays of rows, at least one row each.
    starts : sequence of int
        First row of every part, and the number of rows.
    labels : sequence of str
        Labels of the columns that are kept.
    source : str
        Where the rows came from.
    change : Change, optional
        What is done to the rows of a part.
    """

    remote = True

    def __init__(
        self, parts: Sequence[Any], starts: Sequence[int], labels: Sequence[str], source: str,
        change: Change | None = None,
    ) -> None:  # fmt: skip
        super().__init__(starts[-1], labels, source)
        self._parts, self._starts = list(parts), list(starts)
        self._change = Change() if change is None else change

    @property
    def starts(self) -> list[int]:
        """First row of every part, and the number of rows."""
        return self._starts

    def map(self, function: Callable[..., Any], *arguments: Any, each: Sequence[Any] | None = None) -> list[Any]:
        """Return ``function(block, start, *arguments)`` of every part, in order.

        Parameters
        ----------
        function : callable
            Runs on the workers.
        *arguments : object
            The same for every part.
        each : sequence, optional
            One more argument for each part.

        Returns
        -------
        list
            One result per part.

        Raises
        ------
        ClusterError
            If the cluster is lost.
        """
        return compute(self.tasks(function, *arguments, each=each))

    def tasks(self, function: Callable[..., Any], *arguments: Any, each: Sequence[Any] | None = None) -> list[Any]:
        """Return what `map` computes, not computed yet.

        Parameters
        ----------
        function, arguments, each
            As in `map`.

        Returns
        -------
        list of delayed
            One per part.
        """
        import dask

        shared = dask.delayed(arguments)  # travels once, not with every task
        return [
            dask.delayed(_apply)(function, part, self._change, start, shared, () if each is None else (each[k],))
            for k, (part, start) in enumerate(zip(self._parts, self._starts[:-1], strict=True))
        ]

    def __reduce__(self) -> Any:
        raise ClusterError(f"rows of {self.source} are on a cluster and cannot be pickled; pickle what made them")

    def _read(self, start: int, stop: int) -> FloatArray:
        return self._take(np.arange(start, stop))

    def _take(self, rows: IntArray) -> FloatArray:
        out = np.empty((len(rows), self.shape[1]))
        if not len(rows):
            return out
        if int(rows.min()) < 0 or int(rows.max()) >= len(self):
            raise DataError(f"rows must be numbers from 0 to {len(self) - 1}, got others")
        part = np.searchsorted(self._starts, rows, side="right") - 1
        asked = np.unique(part)
        places = [np.flatnonzero(part == k) for k in asked]
        some = ClusterRows(
            [self._parts[k] for k in asked], [*(self._starts[k] for k in asked), len(self)], self.labels, self.source,
            self._change,
        )  # fmt: skip
        for place, found in zip(places, some.map(_chosen, each=[rows[place] for place in places]), strict=True):
            out[place] = found
        return out

    def _keep(self, rows: IntArray) -> ClusterRows:
        import dask

        cuts = np.searchsorted(rows, self._starts)
        sizes = np.diff(cuts)
        parts = [
            dask.delayed(_kept)(part, rows[cuts[k] : cuts[k + 1]] - self._starts[k])
            for k, part in enumerate(self._parts)
            if sizes[k]
        ]
        starts = np.concatenate([[0], np.cumsum(sizes[sizes > 0])])
        return ClusterRows(_persisted(parts), [int(x) for x in starts], self.labels, self.source, self._change)

    def _changed(self, change: Change, labels: Sequence[str]) -> ClusterRows:
        return ClusterRows(self._parts, self._starts, labels, self.source, change)


def cluster_rows(stream: FrameStream, name: str) -> ClusterRows | None:
    """Return the rows of a Dask frame on the cluster of the current client, or None without one.

    Parameters
    ----------
    stream : FrameStream
        Of a Dask collection.
    name : str
        The argument's name, for messages.

    Returns
    -------
    ClusterRows or None
        Rows held by the workers.

    Raises
    ------
    DataError
        If a partition holds what is no finite number, or there are no rows.
    ClusterError
        If the cluster is lost.
    """
    if cluster_client() is None:
        return None
    import dask

    labels = list(stream.labels or ())
    parts = _persisted(
        [
            dask.delayed(_numbers)(part, labels, name, number)
            for number, part in enumerate(stream.collection.to_delayed())
        ]
    )
    sizes = compute([dask.delayed(len)(part) for part in parts])
    kept = [part for part, size in zip(parts, sizes, strict=True) if size]
    if not kept:
        raise DataError(f"{name} must have rows, got none in {stream.source}")
    starts = np.concatenate([[0], np.cumsum([size for size in sizes if size])])
    return ClusterRows(kept, [int(x) for x in starts], labels, stream.source)


def cluster_client() -> Any:
    """Return the current Dask client, or None.

    Returns
    -------
    distributed.Client or None
        The client that Dask would compute with.
    """
    import sys

    if "distributed" not in sys.modules:  # without it nobody has a client
        return None
    from distributed import get_client

    try:
        return get_client()
    except ValueError:
        return None


def merged(tasks: Sequence[Any], merge: Callable[[Any, Any], Any]) -> Any:
    """Return one task that merges the results of several, neighbours first.

    Parameters
    ----------
    tasks : sequence of delayed
        In order.
    merge : callable
        Of two neighbours; leaves them unchanged, because a task may be repeated.

    Returns
    -------
    delayed
        The last merge.
    """
    import dask

    states = list(tasks)
    while len(states) > 1:
        pairs = [states[k : k + 2] for k in range(0, len(states), 2)]
        states = [pair[0] if len(pair) == 1 else dask.delayed(merge)(*pair) for pair in pairs]
    return states[0]


def compute(tasks: Sequence[Any]) -> list[Any]:
    """Return the results of tasks, in order.

    Parameters
    ----------
    tasks : sequence of delayed
        What is to be computed.

    Returns
    -------
    list
        Results.

    Raises
    ------
    ClusterError
        If workers die again and again, or the scheduler is gone.
    """
    import dask

    client = cluster_client()
    with watched():
        if client is None or inside_a_task():
            # A task that waits for others must leave its thread to them, which this call does.
            return list(dask.compute(*tasks))
        futures = client.compute(list(tasks))
        _await(client, futures)
        return list(client.gather(futures))


def _await(client: Any, futures: Sequence[Any]) -> None:
    """Wait for futures as long as there is a worker that could finish them."""
    from distributed import TimeoutError as NotYet
    from distributed import wait

    patience = current_patience()
    alive = time.monotonic()
    while True:
        try:
            wait(futures, timeout=_LOOK)
        except (TimeoutError, NotYet):
            if client.status == "running" and client.ncores():
                alive = time.monotonic()
            elif time.monotonic() - alive > patience:
                raise ClusterError(
                    f"the cluster had no worker for {patience:g} s; start some, or wait longer with the setting "
                    "infostat.patience of Dask's configuration (DASK_INFOSTAT__PATIENCE)"
                ) from None
        else:
            return


@contextmanager
def watched() -> Iterator[None]:
    """Turn what Dask raises when it loses its workers into one error of ours.

    Yields
    ------
    None
        Errors of the tasks themselves pass.
    """
    from concurrent.futures import CancelledError

    try:
        with warnings.catch_warnings():
            # Weights and numbers of rows travel with the tasks: they must be there when a worker is replaced.
            warnings.filterwarnings("ignore", message="Sending large graph", category=UserWarning)
            yield
    except Exception as error:
        lost = isinstance(error, (CancelledError, TimeoutError)) or type(error).__module__.startswith("distributed")
        if isinstance(error, InfostatError) or not lost:
            raise
        said = " ".join(str(error).split())[:160] or type(error).__name__
        raise ClusterError(
            f"the cluster was lost during a computation ({type(error).__name__}: {said}); see the logs of the "
            "workers, which may have run out of memory, and run the analysis again"
        ) from error


def _persisted(parts: Sequence[Any]) -> list[Any]:
    import dask

    with watched():
        # Futures remember how they were made: what dies with a worker is made again.
        return list(dask.persist(*parts))


# ------------------------------------------------------------------ on the workers
def _numbers(frame: pd.DataFrame, labels: Sequence[str], name: str, number: int) -> FloatArray:
    if not len(frame):
        return np.empty((0, len(labels)))
    frame = frame.copy(deep=False)
    frame.columns = pd.Index(list(labels), dtype=object)
    return checked_numbers(frame, name, 0, f" of partition {number}")


def _apply(
    function: Callable[..., Any], part: FloatArray, change: Change, start: int, arguments: Sequence[Any],
    own: Sequence[Any],
) -> Any:  # fmt: skip
    return function(change(part), start, *arguments, *own)


def _chosen(block: FloatArray, start: int, rows: IntArray) -> FloatArray:
    return np.asarray(block[rows - start])


def _kept(part: FloatArray, rows: IntArray) -> FloatArray:
    return np.asarray(part[rows])
