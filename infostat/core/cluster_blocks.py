"""Blocks of replicates on the workers of a Dask cluster.

`joblib` has a Dask back-end, which `on_cluster` registers for everybody else. Replicates take this
route because they must outlive their workers: what the tasks share is itself a task, so that the
scheduler can make it again when the only worker that held it dies; results are taken as they come,
so that finished blocks reach the checkpoint; and a cluster that has gone is noticed instead of
waited for.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from .cluster import Cluster
from .errors import ClusterError

__all__ = ["cluster_blocks"]

_LOOK = 1.0  # seconds between two looks at the cluster while nothing arrives
_ANSWER = 5.0  # seconds for an answer of the scheduler; a dead one would be called for half a minute
_TARGET = 0.5  # seconds that a task should take: long against the scheduler's millisecond
_LARGEST = 1024  # blocks in one task at most, so that a dead worker loses little
_AHEAD = 3  # tasks per core handed over at a time: one runs, the others wait near the worker

Answer = tuple[list[tuple[int, Any]], Exception | None]
Run = Callable[[Any, Sequence[int]], Answer]


def cluster_blocks(
    cluster: Cluster, run: Run, work: Any, todo: Sequence[int], jobs: int, batch: int | None
) -> Generator[Answer, None, None]:
    """Yield the answers of groups of blocks, in the order in which they arrive.

    Parameters
    ----------
    cluster : Cluster
        Where to run.
    run : callable
        ``run(work, blocks)`` returns results and an error, if one stopped it.
    work : object
        What all tasks share; it travels to each worker once.
    todo : sequence of int
        Blocks to do.
    jobs : int
        Tasks at a time at most; a negative number is all that the cluster can do.
    batch : int or None
        Blocks per task; chosen from the time they take if None.

    Yields
    ------
    tuple
        As `run` returned it.

    Raises
    ------
    ClusterError
        If the scheduler is lost, no worker is left, or a task killed one worker after another.

    Notes
    -----
    A worker that dies costs the tasks that it held; the scheduler gives them to another one. A block
    is a pure function of its number, so nothing in the answer shows it.
    """
    study = _Study(cluster, run, deque(todo), batch, jobs if jobs > 0 else None)
    try:
        study.share(work)
        yield from study.answers()
    finally:
        study.close()


@dataclass
class _Timed:
    answer: Answer
    seconds: float


def _run_timed(run: Run, work: Any, blocks: Sequence[int]) -> _Timed:
    """One task, on a worker."""
    begin = time.perf_counter()
    answer = run(work, blocks)
    return _Timed(answer, time.perf_counter() - begin)


def _unpacked(content: bytes) -> Any:
    from distributed.protocol.pickle import loads

    return loads(content)


class _Study:
    """Tasks on their way, and the state of the cluster as seen from here."""

    def __init__(
        self, cluster: Cluster, run: Run, todo: deque[int], batch: int | None, jobs: int | None
    ) -> None:
        self._cluster = cluster
        self._client = cluster.client
        self._run = run
        self._todo = todo
        self._fixed = batch
        self._size = batch or 1
        self._jobs = jobs
        self._shared: Any = None
        self._flying: dict[Any, int] = {}
        self._arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._alive = time.monotonic()
        self._cores = 1
        self._next_count = 0.0

    def share(self, work: Any) -> None:
        import dask
        from distributed.protocol.pickle import dumps

        # Bytes, so that Dask does not search the payload for its own objects; a task, not scattered
        # data, because data that a dead worker held alone cannot be made again.
        content = dumps(work)
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 PB"}):
            self._shared = self._submit(_unpacked, content)

    def answers(self) -> Generator[Answer, None, None]:
        while self._todo or self._flying:
            if self._client.status != "running":  # all that was on its way is cancelled then
                raise self._lost()
            self._fill()
            try:
                future = self._arrived.get(timeout=_LOOK)
            except queue.Empty:
                self._look()
                continue
            size = self._flying.pop(future)
            timed = self._result(future)
            self._alive = time.monotonic()
            self._adapt(size, timed.seconds)
            yield timed.answer

    def close(self) -> None:
        # Also when everything is done: the workers may forget the payload.
        futures = [*self._flying, self._shared]
        self._flying.clear()
        self._shared = None
        with suppress(Exception):  # a lost cluster has nothing left to cancel
            self._client.cancel([future for future in futures if future is not None and not future.done()])

    def _fill(self) -> None:
        width = self._width()
        while self._todo and len(self._flying) < width:
            blocks = [self._todo.popleft() for _ in range(min(self._share_of(width), len(self._todo)))]
            future = self._submit(_run_timed, self._run, self._shared, blocks)
            self._flying[future] = len(blocks)
            future.add_done_callback(self._arrived.put)

    def _width(self) -> int:
        now = time.monotonic()
        if now >= self._next_count:  # workers come and go, but a question costs a round trip
            self._cores = max(1, sum(self._workers().values()) or self._cores)
            self._next_count = now + _LOOK
        return min(self._jobs, _AHEAD * self._cores) if self._jobs else _AHEAD * self._cores

    def _share_of(self, width: int) -> int:
        """Blocks of the next task: towards the end fewer, so that nobody waits for the last one."""
        if self._fixed:
            return self._fixed
        return max(1, min(self._size, len(self._todo) // width))

    def _adapt(self, size: int, seconds: float) -> None:
        if self._fixed is None and size >= self._size and seconds < 0.5 * _TARGET:
            self._size = min(_LARGEST, 2 * self._size)
        elif self._fixed is None and seconds > 2.0 * _TARGET:
            self._size = max(1, size // 2)

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return self._client.submit(function, *arguments, pure=False)
        except Exception as error:
            raise self._lost() from error

    def _result(self, future: Any) -> _Timed:
        wait = _LOOK
        while future.status not in ("error", "cancelled"):
            try:
                # A worker may die between the news and the result; the scheduler then repeats the task.
                found = future.result(timeout=wait)
            except TimeoutError:
                self._look()
                wait *= 2.0  # a large result over a slow line starts anew with each attempt
            except Exception as error:
                if future.status not in ("error", "cancelled"):
                    raise self._lost() from error
            else:
                assert isinstance(found, _Timed)
                return found
        if future.status == "error":
            self._explain(future.exception())
        raise self._lost()

    def _explain(self, error: BaseException) -> NoReturn:
        from distributed.scheduler import KilledWorker

        if isinstance(error, KilledWorker):
            deaths = int(getattr(error, "allowed_failures", 3)) + 1
            who = "a worker" if deaths == 1 else f"{deaths} workers, one after another,"
            raise ClusterError(
                f"{who} of the cluster at {self._cluster.address} died under the same task, which is given up; most "
                "often the memory is too small: start fewer threads per worker or larger workers, or use a smaller "
                "batch_size"
            ) from error
        raise ClusterError(
            f"a worker of the cluster at {self._cluster.address} could not run its task "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]}); "
            "it needs the same environment and the same modules as this process"
        ) from error

    def _look(self) -> None:
        """Nothing came for a while: is somebody there who could send something?"""
        now = time.monotonic()
        if self._workers():
            self._alive = now
        elif self._client.status != "running":
            raise self._lost()
        elif now - self._alive > self._cluster.patience:
            raise self._deserted()

    def _workers(self) -> dict[str, int]:
        """Cores by worker; empty if the scheduler does not answer soon."""
        with suppress(Exception):
            found = self._client.sync(self._client.scheduler.ncores, callback_timeout=_ANSWER)
            return {str(name): int(cores) for name, cores in found.items()}
        return {}

    def _lost(self) -> ClusterError:
        return ClusterError(
            f"the scheduler at {self._cluster.address} was lost during the computation; a run with a checkpoint "
            "keeps its finished blocks and goes on when it is started again"
        )

    def _deserted(self) -> ClusterError:
        return ClusterError(
            f"no worker has been left at {self._cluster.address} for {self._cluster.patience:g} s; a run with a "
            "checkpoint keeps its finished blocks and goes on when it is started again"
        )
