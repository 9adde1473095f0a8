"""The cluster of a command: ``--scheduler ADDRESS``."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ..core.chunks import FrameStream
    from ..core.data import Table

__all__ = ["spread", "workers"]

_PART_ROWS = 8192  # a constant: the cut decides the last digits, the number of workers must not


@contextmanager
def workers(scheduler: str | None) -> Iterator[None]:
    """Run what is inside a ``with`` block on a Dask cluster, if the command was given one.

    Parameters
    ----------
    scheduler : str or None
        What came with ``--scheduler``; None leaves everything on this machine.

    Yields
    ------
    None
        Inside, ``n_jobs=None`` stands for the whole cluster.

    Raises
    ------
    ClusterError
        If there is no such cluster, or it does not fit.
    MissingExtraError
        If `dask.distributed` is not installed.
    """
    if scheduler is None:
        yield
        return
    from ..core.cluster import on_cluster
    from ..core.errors import InfostatWarning

    with ExitStack() as stack:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", InfostatWarning)
            stack.enter_context(on_cluster(scheduler))
        for item in caught:
            if issubclass(item.category, InfostatWarning):
                typer.echo(f"infostat: warning: {item.message}", err=True)
        yield


def spread(rows: Table | FrameStream, scheduler: str | None) -> Any:
    """Return rows cut into partitions for the workers of a cluster, where a computation works on partitions.

    Parameters
    ----------
    rows : Table or FrameStream
        Rows that were read here.
    scheduler : str or None
        What came with ``--scheduler``.

    Returns
    -------
    Table, FrameStream or dask.dataframe.DataFrame
        The rows as they are without a scheduler, where they are few, and where a large file is read in passes.
    """
    from ..core.data import Table

    if scheduler is None or not isinstance(rows, Table) or len(rows.frame) <= _PART_ROWS:
        return rows
    import dask.dataframe as dd

    parts = -(-len(rows.frame) // _PART_ROWS)
    return dd.from_pandas(rows.frame.reset_index(drop=True), npartitions=parts)
