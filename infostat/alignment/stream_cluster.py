"""Reductions of the partitions of a Dask collection of rewards, computed where the partitions are.

Every partition becomes one task that returns a small state; states are merged in the order of the
partitions, so that the numbers do not depend on which worker did what, or died.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import InfostatError
from ..core.validation import FloatArray
from .stream_sources import part_rewards

__all__ = ["PartState", "reduce_parts"]


@dataclass(frozen=True)
class PartState:
    """What a partition amounts to.

    Attributes
    ----------
    state : object or None
        Merged over its blocks; None without rewards.
    n_rows : int
        Rewards, missing ones included.
    n_dropped : int
        Missing rewards that were left out.
    """

    state: Any
    n_rows: int
    n_dropped: int


def reduce_parts(
    parts: Sequence[Any],
    rows: int,
    keep: Callable[[FloatArray, int, str], FloatArray],
    function: Callable[[FloatArray], Any],
    merge: Callable[[Any, Any], Any],
) -> list[PartState]:
    """Return the states of partitions, in their order.

    Parameters
    ----------
    parts : sequence of delayed
        Partitions: Series or arrays.
    rows : int
        Rewards of a block.
    keep : callable
        Of a block, the number of its first row and the place of the partition: the rewards that are not
        missing, or an error.
    function : callable
        Of a block: its state. These functions travel to the workers.
    merge : callable
        Of two states: theirs together.

    Returns
    -------
    list of PartState
        The same for every scheduler and number of workers.

    Raises
    ------
    DataError, InputTypeError
        If a partition holds what is no reward.
    ClusterError
        If the workers of a cluster are lost.
    """
    import dask

    from ..core.chunk_cluster import compute

    shared = dask.delayed((keep, function, merge))  # travels once, not with every task
    found = compute([dask.delayed(_attempt)(part, number, rows, shared) for number, part in enumerate(parts)])
    for state in found:
        if isinstance(state, InfostatError):
            raise state
    return found


def _attempt(part: Any, number: int, rows: int, functions: Sequence[Callable[..., Any]]) -> PartState | InfostatError:
    # An error that were raised would be that of the first task to fail, not of the first partition.
    try:
        return _reduced(part, number, rows, functions)
    except InfostatError as error:
        return error


def _reduced(part: Any, number: int, rows: int, functions: Sequence[Callable[..., Any]]) -> PartState:
    keep, function, merge = functions
    values = part_rewards(part)
    state, dropped = None, 0
    for start in range(0, len(values), rows):
        block = values[start : start + rows]
        kept = keep(block, start, f" of partition {number}")
        dropped += len(block) - len(kept)
        if len(kept):
            found = function(kept)
            state = found if state is None else merge(state, found)
    return PartState(state, len(values), dropped)
