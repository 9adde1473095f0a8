"""Rewards that need not fit into memory: files, iterators and arrays as equal blocks.

Files follow the rule of :mod:`infostat.core.chunks` (in chunks above 64 MB); either way, and
whatever the pieces an iterator yields, computations see the same blocks of a fixed length, so that
their results do not depend on how the rewards came.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..core.chunks import file_stream, is_dask, is_large, mapped_array
from ..core.errors import DataError, InputError, InputTypeError, describe
from ..core.user_functions import call_user
from ..core.validation import FloatArray, as_plain_array, short
from .input_columns import not_numeric

__all__ = [
    "BLOCK_ROWS", "RewardStream", "is_large_population", "part_rewards", "reward_blocks", "reward_stream",
]  # fmt: skip

# Rewards in a block, 8 MB.
BLOCK_ROWS = 1 << 20

_ACCEPTED = "an array, a frame, the path of a data file, or an iterator of arrays or frames"
_LAWS = ("prob", "probability", "logprob", "logp")


@dataclass(frozen=True, eq=False)
class RewardStream:
    """Where rewards come from.

    Attributes
    ----------
    pieces : callable
        Returns an iterator of one-dimensional arrays of rewards.
    total : int or None
        Number of rewards, where it is known beforehand.
    again : bool
        Whether `pieces` can be called more than once.
    source : str
        The path, or the kind of object that was passed.
    parts : tuple of delayed
        Partitions of a Dask collection, which are worked on where they are.
    """

    pieces: Callable[[], Iterator[FloatArray]]
    total: int | None
    again: bool
    source: str
    parts: tuple[Any, ...] = ()


def reward_stream(source: Any, column: str | None = None, chunk_rows: int = BLOCK_ROWS) -> RewardStream:
    """Return the rewards of a source as a stream.

    Parameters
    ----------
    source : array_like, Series, DataFrame, path, iterator or callable
        Files: ``.npy`` (mapped, not read), ``.parquet``, ``.csv`` and the other text files,
        ``.jsonl``, ``.npz``. Partitions of a Dask frame or series are reduced where they are. An iterator
        yields arrays, Series or frames and is used up; a function that returns a new iterator each
        time may be read again.
    column : str, optional
        Column of tables; ``reward`` (upper or lower case), or the only one, if None.
    chunk_rows : int
        Rows of a large file that are read at a time.

    Returns
    -------
    RewardStream
        Nothing has been read from large files yet.

    Raises
    ------
    InputTypeError
        If `source` is something else, or a column is not numeric.
    DataError
        If a table has no column of rewards, holds several prompts, or is a pmf.
    DataFileError
        If a file cannot be read.

    Examples
    --------
    >>> stream = reward_stream([3.0, 1.0, 2.0])
    >>> [piece.tolist() for piece in stream.pieces()], stream.again
    ([[3.0, 1.0, 2.0]], True)
    """
    if isinstance(source, (str, os.PathLike)):
        return _from_path(Path(source), column, chunk_rows)
    if isinstance(source, Iterator):
        return RewardStream(lambda: (_rewards(piece, column) for piece in source), None, False, type(source).__name__)
    if is_dask(source):
        collection = _rewards_of(source, column)
        parts = tuple(_delayed(collection))
        return RewardStream(lambda: _partitions(collection), None, True, type(source).__name__, parts)
    if callable(source):
        return RewardStream(lambda: _called(source, column), None, True, getattr(source, "__name__", "function"))
    if _is_list_of_pieces(source):
        return RewardStream(lambda: (_rewards(piece, column) for piece in source), None, True, type(source).__name__)
    if isinstance(source, (np.ndarray, list, tuple)) or hasattr(source, "__array__"):
        values = _rewards(source, column)
        return RewardStream(lambda: iter([values]), len(values), True, type(source).__name__)
    if isinstance(source, Iterable):
        once = iter(source)
        return RewardStream(lambda: (_rewards(piece, column) for piece in once), None, False, type(source).__name__)
    raise InputTypeError(describe("source", _ACCEPTED, short(source)))


def reward_blocks(stream: RewardStream, rows: int = BLOCK_ROWS) -> Iterator[FloatArray]:
    """Yield the rewards of a stream in blocks of equal length (the last may be shorter).

    Parameters
    ----------
    stream : RewardStream
        The rewards.
    rows : int
        Length of a block.

    Yields
    ------
    ndarray of float64
        Views where a piece allows it; not to be changed.

    Examples
    --------
    >>> stream = reward_stream(iter([[1.0], [2.0, 3.0, 4.0]]))
    >>> [block.tolist() for block in reward_blocks(stream, 3)]
    [[1.0, 2.0, 3.0], [4.0]]
    """
    waiting: list[FloatArray] = []
    held = 0
    for piece in stream.pieces():
        start = 0
        while held + len(piece) - start >= rows:
            stop = start + rows - held
            yield _joined([*waiting, piece[start:stop]])
            waiting, held, start = [], 0, stop
        if start < len(piece):
            waiting.append(piece[start:])
            held += len(piece) - start
    if held:
        yield _joined(waiting)


def is_large_population(source: Any) -> bool:
    """Return whether a source is one population that is read in pieces: a large file or a Dask collection.

    Parameters
    ----------
    source : object
        Anything.

    Returns
    -------
    bool
        True for Dask collections, and for files above 64 MB that hold neither several prompts nor a law.

    Examples
    --------
    >>> is_large_population([1.0, 2.0])
    False
    """
    if not (is_large(source) or is_dask(source)):
        return False
    try:
        if is_dask(source):
            _rewards_of(source, None)
            return True
        next(iter(reward_stream(source, chunk_rows=1000).pieces()), None)  # labels are read with the first piece
    except DataError:  # a prompt table or a law, read whole
        return False
    return True


def _joined(parts: list[FloatArray]) -> FloatArray:
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return np.asarray(whole, dtype=np.float64)


def _called(function: Any, column: str | None) -> Iterator[FloatArray]:
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):
        required = "a function without arguments that returns an iterator"
        raise InputTypeError(describe("source", required, short(function))) from None
    found = call_user("source", function)
    if not isinstance(found, Iterable) or isinstance(found, (str, bytes)):
        raise InputTypeError(describe("source()", "an iterator of arrays or frames", short(found)))
    for piece in found:
        yield _rewards(piece, column)


def _rewards_of(collection: Any, column: str | None) -> Any:
    """The column of rewards of a Dask frame; Series and arrays are what they are."""
    # A Series of Dask has columns, too.
    if not hasattr(collection, "columns") or getattr(collection, "ndim", 2) == 1:
        return collection
    labels = [str(x) for x in collection.columns]
    return collection[collection.columns[labels.index(_reward_label(labels, column))]]


def _delayed(collection: Any) -> list[Any]:
    """Partitions not computed yet; none of a collection of another kind, which is read here."""
    if not hasattr(collection, "to_delayed"):
        return []
    parts = collection.to_delayed()
    return list(parts.ravel() if isinstance(parts, np.ndarray) else parts)


def _partitions(collection: Any) -> Iterator[FloatArray]:
    """Partitions of a Dask collection, computed one at a time."""
    for i in range(collection.npartitions):
        yield part_rewards(collection.partitions[i].compute())


def part_rewards(part: Any) -> FloatArray:
    """Return the rewards of a partition of a Dask collection.

    Parameters
    ----------
    part : Series or ndarray
        The partition.

    Returns
    -------
    ndarray of shape (m,)
        Its rewards.

    Raises
    ------
    InputTypeError, DataError
        As in `reward_stream`.
    """
    return _rewards(part, None)


def _is_list_of_pieces(source: Any) -> bool:
    if not isinstance(source, (list, tuple)) or not source:
        return False
    return as_plain_array("source", source[0]).ndim > 0


# --------------------------------------------------------------------------------------- tables
def _rewards(data: Any, column: str | None) -> FloatArray:
    """One-dimensional rewards of an array or a frame, without a copy where possible."""
    if isinstance(data, pd.DataFrame):
        return _column(data, column)
    if isinstance(data, (str, bytes)) or as_plain_array("pieces of source", data).ndim == 0:
        raise InputTypeError(describe("pieces of source", "arrays, Series or frames", short(data)))
    array = data if isinstance(data, np.ndarray) else _as_array(data)
    if array.dtype.names is not None:
        return _column(pd.DataFrame({label: array[label] for label in array.dtype.names}), column)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(
            f"source must hold the rewards of one population, got shape {array.shape}; "
            "a table prompts x samples goes to estimate, which gives every prompt its own law"
        )
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        array = _as_floats(array)
    return array


def _as_array(data: Any) -> Any:
    if isinstance(data, pd.Series):
        return _as_floats(data) if data.dtype.kind not in "biuf" or data.isna().any() else data.to_numpy()
    return as_plain_array("pieces of source", data)


def _as_floats(values: Any) -> FloatArray:
    series = pd.Series(values)
    if series.dtype.kind in "cmM" or any(isinstance(v, (str, bytes, complex)) for v in series.head(1000)):
        raise not_numeric("rewards", series)
    try:
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError):
        raise not_numeric("rewards", series) from None


def _column(frame: pd.DataFrame, column: str | None) -> FloatArray:
    label = _reward_label([str(x) for x in frame.columns], column)
    chosen: Any = frame.iloc[:, [str(x) for x in frame.columns].index(label)]
    return np.asarray(_as_array(chosen))


def _reward_label(labels: Sequence[str], column: str | None) -> str:
    """Name of the column of rewards; tables that are no single population are refused."""
    lower = [label.strip().lower() for label in labels]
    if "prompt_id" in lower:
        raise DataError(
            "source must hold the rewards of one population, got a column 'prompt_id'; rewards of several prompts are "
            "never pooled: pass the table to estimate, or the rewards of one prompt"
        )
    laws = [label for label in lower if label in _LAWS]
    if laws and column is None:
        raise DataError(f"source must hold reward samples, got a column {laws[0]!r} (a pmf); use tilt, which is exact")
    if column is not None:
        if column not in labels:
            raise InputError(f"column must name a column of source, got {column!r}; available: {', '.join(labels)}")
        return column
    exact = [label for label in labels if label == "reward"]
    found = exact or [label for label, low in zip(labels, lower, strict=True) if low == "reward"]
    if len(found) == 1:
        return found[0]
    if not found and len(labels) == 1:
        return labels[0]
    raise DataError(f"source must have one column 'reward', got {', '.join(labels)}; name it with column=")


# ---------------------------------------------------------------------------------------- files
def _from_path(path: Path, column: str | None, chunk_rows: int) -> RewardStream:
    if path.name.lower().endswith(".npy") and path.is_file():
        # Mapped as it is, because a table of prompts and samples deserves a message of its own.
        total = len(_mapped(path, column))
        return RewardStream(lambda: _mapped_pieces(path, column, total, chunk_rows), total, True, str(path))
    stream = file_stream(path, lambda labels: [_reward_label(labels, column)], chunk_rows=chunk_rows)
    return RewardStream(
        lambda: (_rewards(frame.iloc[:, 0], None) for frame in stream.frames()), stream.total, True, stream.source
    )


def _mapped(path: Path, column: str | None) -> FloatArray:
    return _rewards(mapped_array(path), column)


def _mapped_pieces(path: Path, column: str | None, total: int, chunk_rows: int) -> Iterator[FloatArray]:
    for start in range(0, total, chunk_rows):
        # A map of its own for each piece: its pages are given back with the piece.
        yield _mapped(path, column)[start : start + chunk_rows]
