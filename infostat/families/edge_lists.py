"""Edge lists: which pairs of columns a graphical model joins."""

from __future__ import annotations

from typing import Any

from ..core.errors import InputError, InputTypeError, describe
from ..core.validation import check_count, short
from .rows import entries_of

__all__ = ["Edges", "check_edges"]

Edges = tuple[tuple[int, int], ...]
_PAIR = "a pair of column indices such as (0, 1)"


def check_edges(edges: Any, name: str = "edges", required: str = "a list of index pairs such as [(0, 1)]") -> Edges:
    """Return edges as pairs ``(i, j)`` with i < j in lexicographic order, or raise.

    Parameters
    ----------
    edges : iterable of pairs
        0-based column indices.
    name : str
        Argument name for messages.
    required : str
        What the argument must be.

    Returns
    -------
    tuple of pairs
        The edges.

    Raises
    ------
    InputTypeError
        If `edges` is no list of pairs of integers.
    InputError
        If an index is negative, an edge joins a column with itself, or is given twice.

    Examples
    --------
    >>> check_edges([(2, 1), (0, 1)])
    ((0, 1), (1, 2))
    """
    found: list[tuple[int, int]] = []
    for edge in entries_of(edges, name, required):
        one = f"every entry of {name}"
        pair = entries_of(edge, one, _PAIR)
        if len(pair) != 2:
            raise InputTypeError(describe(one, _PAIR, short(edge)))
        i, j = (check_count(f"indices in {name}", index) for index in pair)
        if i == j:
            raise InputError(f"{name} must join two different variables, got {(i, j)}")
        found.append((min(i, j), max(i, j)))
    if len(set(found)) < len(found):
        repeated = next(edge for edge in found if found.count(edge) > 1)
        raise InputError(f"{name} must hold each edge once, got {repeated} more than once")
    return tuple(sorted(found))
