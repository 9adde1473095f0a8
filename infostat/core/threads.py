"""Threads of the linear-algebra library, held back where they do harm.

Thousands of small matrix products gain nothing from a second BLAS thread and
lose much when the cores are busy: the threads spin while they wait for each
other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_blas_thread"]


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
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
