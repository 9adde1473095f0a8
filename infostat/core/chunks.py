"""Tables that need not fit into memory: files, iterators and Dask frames as a sequence of frames.

The one rule: a file is read in chunks when it is larger than 64 MB (`LARGE_FILE`) and whole otherwise;
iterators and Dask frames are always taken piece by piece. Labels, numbers and text come out as they do
when the file is read whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from .chunk_readers import (
    json_chunks,
    json_header,
    mapped_array,
    mapped_chunks,
    mapped_header,
    parquet_chunks,
    parquet_header,
    text_chunks,
    text_header,
)
from .data import read_table
from .errors import DataError, InputError, InputTypeError, describe
from .readers import SUFFIXES
from .validation import short

__all__ = ["FrameStream", "Select", "file_stream", "frame_stream", "is_dask", "is_large", "is_stream", "mapped_array"]

# Bytes from which a file is read in chunks.
LARGE_FILE = 64_000_000
# Rows of a file that are read at a time, unless the caller knows better; fewer where there are more than
# 64 columns, so that a chunk has at most so many cells (64 MB).
CHUNK_ROWS = 1 << 17
_MOST_CELLS = 1 << 23

Select: TypeAlias = "Callable[[list[str]], list[str]] | None"
"""Chooses columns from the labels a source has; None keeps all."""

_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_ACCEPTED = "the path of a data file, an iterator of frames or arrays, or a Dask DataFrame"
_PIECES = "a DataFrame, a Series or a 2-dimensional array with one row per observation"


@dataclass(frozen=True, eq=False)
class FrameStream:
    """Where rows come from.

    Attributes
    ----------
    frames : callable
        Returns an iterator of frames with the same columns, in a fixed order.
    labels : tuple of str or None
        Column labels; None until the first frame of an iterator is seen.
    total : int or None
        Number of rows, where it is known beforehand.
    again : bool
        Whether `frames` can be called more than once; an iterator can be read once, and a second
        reading is refused.
    source : str
        The path, or the kind of object that was passed.
    collection : object or None
        The Dask collection, if the rows come from one.
    """

    frames: Callable[[], Iterator[pd.DataFrame]]
    labels: tuple[str, ...] | None
    total: int | None
    again: bool
    source: str
    collection: Any = None


def is_large(source: Any) -> bool:
    """Return whether a source is a file that is read in chunks.

    Parameters
    ----------
    source : object
        Anything; only paths are looked at.

    Returns
    -------
    bool
        True for files above 64 MB.

    Examples
    --------
    >>> is_large([1.0, 2.0])
    False
    """
    if not isinstance(source, (str, os.PathLike)):
        return False
    try:
        return Path(source).stat().st_size > LARGE_FILE
    except OSError:
        return False


def is_dask(source: Any) -> bool:
    """Return whether a source is a Dask collection.

    Parameters
    ----------
    source : object
        Anything.

    Returns
    -------
    bool
        True for Dask frames and series.

    Examples
    --------
    >>> is_dask([1.0])
    False
    """
    return hasattr(source, "npartitions") and hasattr(source, "partitions")


def is_stream(source: Any) -> bool:
    """Return whether rows are taken piece by piece instead of as one table.

    Parameters
    ----------
    source : object
        Anything that is accepted where data are accepted.

    Returns
    -------
    bool
        True for large files, iterators, Dask frames and `FrameStream` objects.

    Examples
    --------
    >>> is_stream(iter([[1.0]])), is_stream([[1.0]])
    (True, False)
    """
    return isinstance(source, (FrameStream, Iterator)) or is_dask(source) or is_large(source)


def frame_stream(source: Any, select: Select = None, *, chunk_rows: int = CHUNK_ROWS) -> FrameStream:
    """Return the rows of a source as a stream of frames.

    Parameters
    ----------
    source : path, iterator, Dask DataFrame or FrameStream
        Files: text, ``.parquet``, ``.jsonl``, ``.npy`` (mapped) and ``.npz``. An iterator yields frames,
        Series, 2-dimensional arrays or Arrow record batches, and is used up.
    select : callable, optional
        Chooses columns: ``select(labels) -> labels``.
    chunk_rows : int
        Rows of a large file that are read at a time.

    Returns
    -------
    FrameStream
        Nothing has been read from large files yet but the header.

    Raises
    ------
    InputTypeError
        If `source` is something else.
    DataFileError
        If a file cannot be read.

    Examples
    --------
    >>> stream = frame_stream(iter([[[1.0, 2.0]], [[3.0, 4.0]]]), lambda labels: ["x2"])
    >>> [frame["x2"].tolist() for frame in stream.frames()], stream.again
    ([[2.0], [4.0]], False)
    """
    if isinstance(source, FrameStream):
        return source
    if isinstance(source, (str, os.PathLike)):
        return file_stream(Path(source), select, chunk_rows=chunk_rows)
    if is_dask(source):
        if not hasattr(source, "columns") and not hasattr(source, "to_frame"):
            raise InputTypeError(
                f"data must be {_ACCEPTED}, got a Dask {type(source).__name__}; turn it into a frame with "
                "dask.dataframe.from_dask_array"
            )
        frame = source if source.ndim == 2 else source.to_frame(name="x" if source.name is None else source.name)
        labels = [str(label) for label in frame.columns]
        chosen = labels if select is None else select(labels)
        frame = frame[[frame.columns[labels.index(label)] for label in chosen]]
        return FrameStream(
            lambda: _partitions(frame, chosen), tuple(chosen), None, True, type(source).__name__, collection=frame
        )
    if isinstance(source, Iterator):
        return FrameStream(_once(source, select), None, None, False, type(source).__name__)
    raise InputTypeError(describe("data", _ACCEPTED, short(source)))


def file_stream(path: Path, select: Select = None, *, chunk_rows: int = CHUNK_ROWS) -> FrameStream:
    """Return the rows of a file as a stream: chunks if it is large, one frame otherwise.

    Parameters
    ----------
    path : Path
        The file.
    select : callable, optional
        Chooses columns from the header.
    chunk_rows : int
        Rows of a chunk.

    Returns
    -------
    FrameStream
        It can be read again and again.

    Raises
    ------
    DataFileError
        If the file cannot be read.
    InputError
        If the suffix is unknown.
    """
    name, source = path.name.lower(), str(path)
    if name.endswith(".npy") and path.is_file():
        labels, total = mapped_header(path)
        chosen = labels if select is None else select(labels)
        where = [labels.index(label) for label in chosen]
        return FrameStream(
            lambda: mapped_chunks(path, where, chosen, total, _rows(chunk_rows, labels)),
            tuple(chosen), total, True, source,
        )
    if not is_large(path) or name.endswith(".npz"):
        frame = read_table(path, name="source").frame
        labels = [str(label) for label in frame.columns]
        chosen = labels if select is None else select(labels)
        return FrameStream(lambda: iter([frame[chosen]]), tuple(chosen), len(frame), True, source)
    if name.endswith(".parquet"):
        labels, rows = parquet_header(path)
        chosen = labels if select is None else select(labels)
        return FrameStream(
            lambda: parquet_chunks(path, chosen, _rows(chunk_rows, chosen)), tuple(chosen), rows, True, source
        )
    if name.endswith(_TEXT):
        labels, layout = text_header(path)
        chosen = labels if select is None else select(labels)
        if len(chosen) < len(labels):  # else rows that are too long would pass
            layout["usecols"] = sorted(labels.index(label) for label in chosen)
        order = [label for label in labels if label in chosen]
        return FrameStream(
            lambda: text_chunks(path, layout, order, chosen, _rows(chunk_rows, chosen)),
            tuple(chosen), None, True, source,
        )
    if name.endswith(".jsonl"):
        labels = json_header(path)
        chosen = labels if select is None else select(labels)
        return FrameStream(
            lambda: json_chunks(path, chosen, _rows(chunk_rows, labels), all_keys=len(chosen) == len(labels)),
            tuple(chosen), None, True, source,
        )
    raise InputError(describe("the data file", "one of " + " ".join(SUFFIXES), source))


def _rows(chunk_rows: int, columns: Sequence[str]) -> int:
    return max(1, min(chunk_rows, _MOST_CELLS // max(1, len(columns))))


# -------------------------------------------------------------------------------- pieces in memory
def _once(source: Iterator[Any], select: Select) -> Callable[[], Iterator[pd.DataFrame]]:
    """Frames of an iterator, for one reading."""
    started: list[bool] = []

    def frames() -> Iterator[pd.DataFrame]:
        if started:
            raise DataError("data is an iterator and has been read; an iterator can be read once, so make a new one")
        started.append(True)
        return _pieces(source, select)

    return frames


def _pieces(source: Iterable[Any], select: Select) -> Iterator[pd.DataFrame]:
    """Frames of an iterator; every one must have the columns of the first."""
    labels: list[str] | None = None
    for number, piece in enumerate(source):
        frame = _piece(piece, number)
        found = [str(label) for label in frame.columns]
        if labels is None:
            labels = found
            chosen = found if select is None else select(found)
        if found != labels:
            raise DataError(
                f"pieces of data must have the same columns, got {', '.join(found)} in piece {number} after "
                f"{', '.join(labels)}"
            )
        yield frame[chosen]
    if labels is None:
        raise DataError(
            f"data is a {type(source).__name__} that yields nothing: either it is empty or it has been read before; an "
            "iterator can be read once, so make a new one"
        )


def _piece(piece: Any, number: int) -> pd.DataFrame:
    """One piece as a frame; what could as well be a single row or a path is refused."""
    if hasattr(piece, "to_pandas"):  # Arrow record batches and tables
        piece = piece.to_pandas()
    name = f"piece {number} of data"
    if isinstance(piece, (str, bytes, os.PathLike)):
        raise InputTypeError(describe(name, _PIECES, short(piece), "pass a path itself, not an iterator of text"))
    if not isinstance(piece, (pd.DataFrame, pd.Series)) and np.ndim(piece) != 2:
        raise InputTypeError(
            describe(
                name, _PIECES, short(piece),
                "collect rows into tables first; one column of numbers is array.reshape(-1, 1)",
            )
        )  # fmt: skip
    return read_table(piece, name=name).frame


def _partitions(collection: Any, labels: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Partitions of a Dask frame, computed one at a time on the caller."""
    for i in range(collection.npartitions):
        frame = collection.partitions[i].compute()
        frame.columns = pd.Index(list(labels), dtype=object)
        yield frame
