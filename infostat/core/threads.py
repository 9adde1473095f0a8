"""Threads: how many, one pool at a time, and linear algebra held back where it does harm.

Work on threads is a plain function over blocks that releases the interpreter lock. Thousands
of small matrix products gain nothing from a second BLAS thread and lose much when the cores
are busy, because the threads spin while they wait for each other.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .cluster import active_cluster
from .replicates import check_jobs

__all__ = ["one_blas_thread", "quiet_blas", "run_blocks", "threads"]

_LOCK = threading.Lock()
_INSIDE: list[Any] = []


def threads(n_jobs: int | None) -> int:
    """Return the number of threads that `n_jobs` asks for.

    Parameters
    ----------
    n_jobs : int or None
        None is one; negative numbers count from the number of cores (-1: all).

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> threads(None), threads(2)
    (1, 2)
    """
    jobs = check_jobs(n_jobs)
    if jobs > 0:
        return jobs
    from joblib import cpu_count, effective_n_jobs

    if active_cluster(jobs) is not None:  # joblib would count the cores of the cluster
        return max(1, int(cpu_count()) + 1 + jobs)
    return int(effective_n_jobs(jobs))


def run_blocks(function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]], n_jobs: int) -> list[Any]:
    """Return the results of a function for each tuple of arguments, on threads if asked.

    Parameters
    ----------
    function : callable
        Releases the interpreter lock for most of its time.
    arguments : iterable of tuple
        One tuple per call.
    n_jobs : int
        Threads; 1 is a plain loop. BLAS keeps to one thread inside, so that two pools do not
        compete for the cores.

    Returns
    -------
    list
        Results in order.

    Examples
    --------
    >>> run_blocks(pow, [(2, 3), (3, 2)], 1)
    [8, 9]
    """
    if n_jobs == 1:
        return [function(*each) for each in arguments]
    from concurrent.futures import ThreadPoolExecutor

    # Threads in any case, because the blocks share arrays; a pool of joblib's takes 12 ms to start,
    # which is a third of what a density at 2000 points takes.
    tasks = list(arguments)
    with one_blas_thread(), ThreadPoolExecutor(max(1, min(n_jobs, len(tasks)))) as pool:
        return list(pool.map(lambda each: function(*each), tasks))


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread inside a ``with`` block.

    Yields
    ------
    None
        The former limit returns at the end of the block.

    Examples
    --------
    >>> with one_blas_thread():
    ...     pass
    """
    with _pools().limit(limits=1, user_api="blas"):
        yield


@contextmanager
def quiet_blas() -> Iterator[None]:
    """Limit BLAS to one thread while any thread of this process is inside: the last one out restores the limit.

    The limit belongs to the process, and tasks on threads overlap: with a limit of its own, one of them
    would restore what another has set.

    Yields
    ------
    None
        The former limit returns when nobody is inside any more.

    Examples
    --------
    >>> with quiet_blas(), quiet_blas():
    ...     pass
    """
    with _LOCK:
        if not _INSIDE:
            limit = one_blas_thread()
            limit.__enter__()
            _INSIDE.append(limit)
        _INSIDE.append(None)
    try:
        yield
    finally:
        with _LOCK:
            _INSIDE.pop()
            if len(_INSIDE) == 1:
                _INSIDE.pop().__exit__(None, None, None)


@functools.cache
def _pools() -> Any:
    # Listing the loaded libraries takes milliseconds; NumPy's, the one used here, is among them.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
