"""Replicates of a random computation: seeds by index, any number of workers, resumable.

A study of ``n`` replicates is cut into blocks of fixed length. Block ``b`` draws from child
``b`` of the seed and from nothing else, so its numbers are a pure function of (seed, b,
payload). Who computes a block, in which order and beside which other blocks cannot matter,
and finished blocks can be stored and taken up again.
"""

from __future__ import annotations

import os
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Generator as Stream
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray

from .checkpoint import Block, Blocks, Checkpoint, study_seed
from .cluster import Cluster, active_cluster
from .errors import InputError, InputTypeError, describe
from .progress import Progress, Report, progress_callback
from .rng import RngLike, as_seed_sequence, child_generator
from .validation import MOST_DRAWS, check_count, short

__all__ = ["ReplicateRun", "Task", "check_jobs", "run_replicates"]

Task: TypeAlias = Callable[[Any, Generator, int, int], Mapping[str, NDArray[Any]]]
Result: TypeAlias = "tuple[int, Mapping[str, NDArray[Any]]]"
Answer: TypeAlias = "tuple[list[Result], Exception | None]"

# A killed run loses at most this much finished work (or one block, if that takes longer).
FLUSH_SECONDS = 2.0
# Writing the whole state again may take at most about this share of the running time.
_FLUSH_SHARE = 0.1


@dataclass(frozen=True)
class ReplicateRun:
    """Values of all replicates, in order.

    Attributes
    ----------
    values : dict of str to ndarray
        One array per name that the task returned, leading axis the replicate.
    seed : SeedSequence
        The seed that gives these values again.
    n_done : int
        Number of replicates.
    n_resumed : int
        How many of them came from the checkpoint.
    """

    values: dict[str, NDArray[Any]]
    seed: SeedSequence
    n_done: int
    n_resumed: int = 0


def run_replicates(
    task: Task,
    n_replicates: int,
    *,
    rng: RngLike = None,
    block_length: int = 1,
    payload: Any = None,
    n_jobs: int | None = None,
    batch_size: int | None = None,
    progress: Progress = False,
    checkpoint: str | os.PathLike[str] | None = None,
    study: str = "",
    settings: Mapping[str, object] | None = None,
) -> ReplicateRun:
    """Return the values of `n_replicates` runs of `task`.

    Parameters
    ----------
    task : callable
        ``task(payload, generator, start, stop)`` computes the replicates ``start`` to
        ``stop - 1`` with draws from `generator` only, and returns a dict of arrays whose
        leading axis has length ``stop - start``. Its numbers must not depend on anything else.
    n_replicates : int
        Number of replicates.
    rng : None, int, SeedSequence or Generator
        The seed. With a checkpoint and None, a resumed study takes the seed in the file.
    block_length : int
        Replicates per seed child. It changes the numbers, so it is a constant of the routine.
    payload : object
        What the task needs besides random numbers; sent to the workers.
    n_jobs : int, optional
        Workers, through joblib; None or 1 is serial, -1 all cores. The back-end is the
        caller's choice (``joblib.parallel_config``). Inside `infostat.core.cluster.on_cluster`
        None and -1 are the whole cluster.
    batch_size : int, optional
        Blocks per joblib task, the memory and overhead knob; chosen by joblib if None. It does
        not change the numbers.
    progress : bool or callable
        True draws a bar on stderr; a callable gets ``(done, total)`` in replicates.
    checkpoint : str or os.PathLike, optional
        File that keeps finished blocks while the study runs; an existing one is resumed.
    study : str
        Name of the study, in the checkpoint and in front of the bar.
    settings : dict, optional
        Whatever else changes the numbers (arguments, data arrays); compared on resuming.

    Returns
    -------
    ReplicateRun
        The same for every `n_jobs`, `batch_size` and back-end.

    Raises
    ------
    InputError
        If a count is out of range, or the task returns arrays of another length.
    InputTypeError
        If an argument has a wrong type, or the task does not return a dict.
    CheckpointError
        If the checkpoint is damaged or belongs to another study.
    ClusterError
        If the study runs on a Dask cluster and the cluster is lost.

    Notes
    -----
    The checkpoint is written at most every two seconds while the study runs, at its end, and
    when an error or ctrl-C stops it; the error is then raised again. Running the same call
    once more continues, and the values are bit-identical to those of an undisturbed run.

    Examples
    --------
    >>> def means(payload, generator, start, stop):
    ...     return {"mean": generator.normal(size=(stop - start, payload)).mean(axis=1)}
    >>> run = run_replicates(means, 5, rng=7, block_length=2, payload=100)
    >>> run.values["mean"].shape, run.n_done
    ((5,), 5)
    >>> again = run_replicates(means, 5, rng=7, block_length=2, payload=100, n_jobs=1, batch_size=3)
    >>> bool((run.values["mean"] == again.values["mean"]).all())
    True
    """
    if not callable(task):
        raise InputTypeError(describe("task", "a function", short(task)))
    # Resamples of a bootstrap come here too.
    count = check_count("n_replicates", n_replicates, low=1, high=MOST_DRAWS)
    plan = _Plan(count, check_count("block_length", block_length, low=1))
    jobs = check_jobs(n_jobs)
    cluster = active_cluster(n_jobs)
    if cluster is not None and n_jobs is None:
        jobs = -1
    batch = None if batch_size is None else check_count("batch_size", batch_size, low=1)
    seed, store = _open_study(rng, checkpoint, plan, study, settings)
    finished = store.load() if store is not None else {}
    n_resumed = plan.count(finished)
    todo = [block for block in range(plan.n_blocks) if block not in finished]
    work = _Work(task, payload, seed, plan)
    with progress_callback(progress, study or "replicates") as report:
        ledger = _Ledger(plan, finished, store, report)
        try:
            ledger.begin()
            with closing(_results(work, todo, jobs, batch, cluster)) as results:
                for block, values in results:
                    ledger.add(block, values)
        finally:
            ledger.flush()
    return ReplicateRun(_join(finished, plan), seed, plan.n_replicates, n_resumed)


# No machine has more workers; joblib would start as many as it is told.
_MOST_JOBS = 4096


def check_jobs(n_jobs: int | None) -> int:
    """Return the number of workers asked for, 1 for None.

    Parameters
    ----------
    n_jobs : int or None
        A positive count, or a negative one in joblib's sense (-1: all cores).

    Returns
    -------
    int
        The count, not zero.

    Raises
    ------
    InputTypeError, InputError
        If it is not an integer, or zero.

    Examples
    --------
    >>> check_jobs(None), check_jobs(-1)
    (1, -1)
    """
    if n_jobs is None:
        return 1
    cure = "use None for one worker and -1 for all cores"
    if isinstance(n_jobs, (bool, np.bool_, np.timedelta64)) or not isinstance(n_jobs, (int, np.integer)):
        raise InputTypeError(describe("n_jobs", "None or an integer other than 0", short(n_jobs), cure))
    if n_jobs == 0:
        raise InputError(describe("n_jobs", "None or an integer other than 0", n_jobs, cure))
    if abs(int(n_jobs)) > _MOST_JOBS:
        raise InputError(describe("n_jobs", f"an integer of size at most {_MOST_JOBS}", short(n_jobs), cure))
    return int(n_jobs)


@dataclass(frozen=True)
class _Plan:
    """How the replicates are cut into blocks."""

    n_replicates: int
    block_length: int

    @property
    def n_blocks(self) -> int:
        return -(-self.n_replicates // self.block_length)

    def bounds(self, block: int) -> tuple[int, int]:
        start = block * self.block_length
        return start, min(start + self.block_length, self.n_replicates)

    def count(self, blocks: Mapping[int, object]) -> int:
        return sum(stop - start for start, stop in map(self.bounds, blocks))


@dataclass(frozen=True)
class _Work:
    """Everything a worker needs to compute any block."""

    task: Task
    payload: Any
    seed: SeedSequence
    plan: _Plan

    def run(self, block: int) -> Mapping[str, NDArray[Any]]:
        start, stop = self.plan.bounds(block)
        return self.task(self.payload, child_generator(self.seed, block), start, stop)


class _Ledger:
    """Finished blocks, their way to the checkpoint, and the progress report."""

    def __init__(
        self, plan: _Plan, finished: Blocks, store: Checkpoint | None, report: Report | None
    ) -> None:
        self._plan = plan
        self._finished = finished
        self._store = store
        self._report = report
        self._n_done = plan.count(finished)
        self._unsaved = False
        self._next_flush = 0.0

    def begin(self) -> None:
        # Written before the first block: an unwritable folder shows now, not after hours, and
        # a seed drawn for rng=None is kept from the start.
        if self._store is not None and not self._store.path.exists():
            self._save()
        self._next_flush = time.monotonic() + FLUSH_SECONDS
        self._tell()

    def add(self, block: int, values: Mapping[str, NDArray[Any]]) -> None:
        start, stop = self._plan.bounds(block)
        self._finished[block] = _check_values(values, stop - start)
        self._n_done += stop - start
        self._unsaved = True
        if self._store is not None and time.monotonic() >= self._next_flush:
            self._save()
        self._tell()

    def flush(self) -> None:
        if self._store is not None and self._unsaved:
            self._save()

    def _save(self) -> None:
        assert self._store is not None
        begin = time.monotonic()
        self._store.store(self._finished)
        end = time.monotonic()
        self._unsaved = False
        self._next_flush = end + max(FLUSH_SECONDS, (end - begin) / _FLUSH_SHARE)

    def _tell(self) -> None:
        if self._report is not None:
            self._report(self._n_done, self._plan.n_replicates)


def _open_study(
    rng: RngLike,
    path: str | os.PathLike[str] | None,
    plan: _Plan,
    study: str,
    settings: Mapping[str, object] | None,
) -> tuple[SeedSequence, Checkpoint | None]:
    if path is None:
        return as_seed_sequence(rng), None
    seed = study_seed(rng, path)
    fingerprint = {
        "study": study,
        "n_replicates": plan.n_replicates,
        "block_length": plan.block_length,
        "seed": seed,
        "settings": dict(settings or {}),
    }
    return seed, Checkpoint(path, fingerprint)


def _results(
    work: _Work, todo: Sequence[int], jobs: int, batch: int | None, cluster: Cluster | None
) -> Stream[Result, None, None]:
    """Yield the blocks to do, in order; from a cluster as they come."""
    if cluster is not None and len(todo) > 1:
        from .cluster_blocks import cluster_blocks

        yield from _unwrapped(cluster_blocks(cluster, _run_group, work, todo, jobs, batch))
        return
    groups = [todo[i : i + (batch or 1)] for i in range(0, len(todo), batch or 1)]
    if jobs == 1 or len(groups) < 2:
        yield from _here(work, todo)
        return
    yield from _unwrapped(_parallel(work, groups, jobs, "auto" if batch is None else 1))


def _here(work: _Work, todo: Sequence[int]) -> Stream[Result, None, None]:
    from .threads import quiet_blas

    # As on a worker: a product split over other numbers of threads has other last digits.
    with quiet_blas():
        for block in todo:
            yield block, work.run(block)


def _unwrapped(answers: Stream[Answer, None, None]) -> Stream[Result, None, None]:
    with closing(answers):
        for results, error in answers:
            yield from results
            if error is not None:
                raise error


def _run_group(work: _Work, blocks: Sequence[int]) -> Answer:
    """Return the results of the blocks up to the first error, and that error.

    An exception that reached joblib would end the run at once and drop finished blocks that
    still wait for their turn, so it travels as a value.
    """
    results: list[Result] = []
    try:
        for block, values in _here(work, blocks):
            results.append((block, values))
    except Exception as error:
        error.add_note(f"in block {blocks[len(results)]}:\n{traceback.format_exc()}")
        return results, error
    return results, None


def _parallel(
    work: _Work, groups: Sequence[Sequence[int]], jobs: int, joblib_batch: int | str
) -> Stream[Answer, None, None]:
    from joblib import Parallel, delayed, effective_n_jobs

    jobs = min(jobs, max(len(groups), 1))  # more workers than tasks would only be started
    calls = (delayed(_run_group)(work, group) for group in groups)
    try:
        streaming = Parallel(n_jobs=jobs, batch_size=joblib_batch, return_as="generator")
    except ValueError:
        # A back-end that cannot stream results (multiprocessing, some plug-ins): rounds of a few
        # tasks per worker instead, so that progress and checkpoints still move.
        waiting = Parallel(n_jobs=jobs, batch_size=joblib_batch)
        while part := list(islice(calls, 4 * effective_n_jobs(jobs))):
            yield from waiting(part)
        return
    stream = streaming(calls)
    try:
        # Not "yield from": that would close the stream before the warning below is silenced.
        for answer in stream:  # noqa: UP028
            yield answer
    finally:
        with warnings.catch_warnings():
            # Leaving early is deliberate here; joblib warns about tasks thrown away.
            warnings.simplefilter("ignore")
            stream.close()


def _check_values(values: object, length: int) -> Block:
    if not isinstance(values, Mapping) or not values:
        raise InputTypeError(describe("the task's return value", "a dict of arrays", short(values)))
    block = {str(name): np.asarray(value) for name, value in values.items()}
    for name, array in block.items():
        if array.ndim == 0 or array.shape[0] != length:
            raise InputError(
                f"the task must return arrays with one entry per replicate ({length}), "
                f"got shape {array.shape} for {name!r}"
            )
    return block


def _join(finished: Blocks, plan: _Plan) -> dict[str, NDArray[Any]]:
    blocks = [finished[block] for block in range(plan.n_blocks)]
    names = list(blocks[0])
    for number, block in enumerate(blocks):
        same = set(block) == set(names)
        if not same or any(block[name].shape[1:] != blocks[0][name].shape[1:] for name in names):
            raise InputError(
                f"the task must return the same arrays for every block, got "
                f"{_shapes(block)} for block {number} and {_shapes(blocks[0])} for block 0"
            )
    return {name: np.concatenate([block[name] for block in blocks]) for name in names}


def _shapes(block: Block) -> str:
    return "{" + ", ".join(f"{name}: {array.shape[1:]}" for name, array in block.items()) + "}"
