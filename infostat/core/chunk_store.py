"""Rows of a file that are read when they are needed, and streams that are put into such a file.

Leave-one-out sets every row against every other, so the rows are wanted many times. A text file would
be parsed each time, and an iterator can be read once: their rows go into a temporary file of plain
numbers, which has no name and is gone with the process. A ``.npy`` file of float64 rows is read where it
is. What turns out to be small is an array in memory.
"""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import chunks
from .chunk_readers import mapped_array
from .chunk_rows import BLOCK_VALUES, BlockRows, Change
from .chunks import FrameStream, frame_stream, is_stream
from .data import Table, matrix
from .errors import DataError, DataFileError, InputTypeError
from .samples import as_sample
from .validation import FloatArray

__all__ = ["Rows", "StoredRows", "as_rows", "checked_numbers", "is_elsewhere", "read_rows"]

IntArray = NDArray[np.intp]
Reader: TypeAlias = "Callable[[int, int], FloatArray]"

_BYTES = 8
# Rows asked for are read as one slice where they are not much fewer than it holds.
_DENSE = 8


class StoredRows(BlockRows):
    """Rows of numbers that are read when they are needed.

    Parameters
    ----------
    reader : callable
        ``reader(start, stop)`` is a new array of rows as they are stored.
    n : int
        Number of rows.
    width : int
        Numbers of a row as it is stored.
    labels : sequence of str
        Labels of the columns that are kept.
    source : str
        Where the rows came from.
    change : Change, optional
        What is done to the rows that were read.

    Notes
    -----
    Slices are copied, not mapped: the memory of the process does not grow with what it has seen. Several
    threads may read.
    """

    def __init__(
        self, reader: Reader, n: int, width: int, labels: Sequence[str], source: str, change: Change | None = None
    ) -> None:
        super().__init__(n, labels, source)
        self._reader, self._width = reader, width
        self._change = Change() if change is None else change

    @property
    def starts(self) -> list[int]:
        """First row of every block, and the number of rows."""
        step = max(1, BLOCK_VALUES // self._width)
        return [*range(0, len(self), step), len(self)]

    def map(self, function: Callable[..., Any], *arguments: Any, each: Sequence[Any] | None = None) -> list[Any]:
        """Return ``function(block, start, *arguments)`` of every block of rows, in order.

        Parameters
        ----------
        function : callable
            Of a block (an array of rows), the number of its first row and the arguments.
        *arguments : object
            The same for every block.
        each : sequence, optional
            One more argument for each block.

        Returns
        -------
        list
            One result per block.
        """
        starts = self.starts
        found = []
        for k, (start, stop) in enumerate(pairwise(starts)):
            own = () if each is None else (each[k],)
            found.append(function(self._read(start, stop), start, *arguments, *own))
        return found

    def __reduce__(self) -> Any:
        raise InputTypeError(
            f"rows of {self.source} are read from an open file and cannot be pickled; pickle the path instead"
        )

    def _read(self, start: int, stop: int) -> FloatArray:
        return self._change(self._reader(start, max(start, stop)))

    def _take(self, rows: IntArray) -> FloatArray:
        out = np.empty((len(rows), self.shape[1]))
        if not len(rows):
            return out
        low, high = int(rows.min()), int(rows.max()) + 1
        if low < 0 or high > len(self):
            raise DataError(f"rows must be numbers from 0 to {len(self) - 1}, got {low} to {high - 1}")
        order = np.argsort(rows, kind="stable")
        ranked = rows[order]
        step = max(1, BLOCK_VALUES // self._width)
        start = 0
        while start < len(order):
            first = int(ranked[start])
            stop = int(np.searchsorted(ranked, first + step, side="left"))
            if int(ranked[stop - 1]) - first >= _DENSE * (stop - start):
                stop = int(np.searchsorted(ranked, first, side="right"))
            block = self._read(first, int(ranked[stop - 1]) + 1)
            out[order[start:stop]] = block[ranked[start:stop] - first]
            start = stop
        return out

    def _keep(self, rows: IntArray) -> Any:
        return _stored(self._pieces(rows), self.labels, self.source)

    def _pieces(self, rows: IntArray) -> Iterator[FloatArray]:
        starts = self.starts
        for start, stop in pairwise(starts):
            own = rows[np.searchsorted(rows, start) : np.searchsorted(rows, stop)]
            if len(own):
                yield self._read(start, stop)[own - start]

    def _changed(self, change: Change, labels: Sequence[str]) -> StoredRows:
        return StoredRows(self._reader, len(self), self._width, labels, self.source, change)


class _FileReader:
    """Reads rows of a file of float64 numbers, which is closed when nobody uses it any more."""

    def __init__(self, file: Any, offset: int, width: int, source: str, *, named: bool = False) -> None:
        self._file, self._offset, self._width, self._source = file, offset, width, source
        self._lock = threading.Lock()
        # Others may write to a file that has a name; rows of two versions must not meet in one number.
        self._version = _version(file) if named else None
        weakref.finalize(self, file.close)

    def __call__(self, start: int, stop: int) -> FloatArray:
        out = np.empty((stop - start, self._width))
        with self._lock:
            self._file.seek(self._offset + start * self._width * _BYTES)
            _fill(self._file, out, self._source)
            if self._version is not None and _version(self._file) != self._version:
                raise DataFileError(f"{self._source} has changed while it was read; run the analysis again")
        return out


class _MapReader:
    """Copies rows of an array that the caller has mapped."""

    def __init__(self, array: Any, name: str) -> None:
        self._array, self._name = array, name

    def __call__(self, start: int, stop: int) -> FloatArray:
        return as_sample(f"{self._name} from row {start} on", np.array(self._array[start:stop]), min_rows=1)


def _version(file: Any) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_mtime_ns, found.st_size


def _fill(file: Any, out: FloatArray, source: str) -> None:
    """Read numbers into an array, or say that the file has changed."""
    view = memoryview(out.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
    done = 0
    while done < len(view):
        got = file.readinto(view[done:])
        if not got:
            raise DataFileError(f"{source} has become shorter while it was read; run the analysis again")
        done += got


# ------------------------------------------------------------------------------------- sources
def as_rows(name: str, X: Any, *, min_rows: int = 2) -> Any:
    """Return data as a float matrix of finite rows, in memory or, where they are too large, elsewhere.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    X : array_like, Series, DataFrame, path, iterator of frames, Dask frame or BlockRows
        Rows are observations.
    min_rows : int
        Fewest rows the computation needs.

    Returns
    -------
    ndarray of shape (n, d) or BlockRows
        From `as_sample`, unless `X` is a file above 64 MB, a memory map above 64 MB, an iterator or a
        Dask frame that turns out to be larger, or a Dask frame beside a cluster.

    Raises
    ------
    InputTypeError
        If `X` is no data.
    DataError
        If a column is not numeric, a value is missing or infinite, or there are too few rows.
    DataFileError
        If a file cannot be read, or there is no room for a temporary file.

    Examples
    --------
    >>> as_rows("X", [1, 2, 4]).shape
    (3, 1)
    >>> as_rows("X", iter([[[1.0], [2.0]], [[4.0]]])).ravel()
    array([1., 2., 4.])
    """
    if not is_elsewhere(X):
        return as_sample(name, X, min_rows=min_rows)
    found = read_rows(X, name=name).rows
    if len(found) < min_rows:
        raise DataError(f"{name} must have at least {min_rows} rows, got {len(found)}")
    return found


def is_elsewhere(X: Any) -> bool:
    """Return whether data may be too large for the memory.

    Parameters
    ----------
    X : object
        Anything.

    Returns
    -------
    bool
        True for streams (see `is_stream`), memory maps above 64 MB and rows that are elsewhere already.

    Examples
    --------
    >>> is_elsewhere([1.0]), is_elsewhere(iter([[[1.0]]]))
    (False, True)
    """
    return isinstance(X, BlockRows) or is_stream(X) or _is_large_map(X)


def _is_large_map(X: Any) -> bool:
    # Records are no plain numbers: they become a table in memory, as a small map does.
    return isinstance(X, np.memmap) and X.dtype.names is None and X.nbytes > chunks.LARGE_FILE


class Rows(NamedTuple):
    """Rows with what is known of them.

    Attributes
    ----------
    rows : ndarray or BlockRows
        Finite numbers; an array where they take less than 64 MB.
    labels : tuple of str
        Labels of the columns.
    source : str
        The path, or the kind of object that was passed.
    """

    rows: Any
    labels: tuple[str, ...]
    source: str


def read_rows(source: Any, *, name: str = "data") -> Rows:
    """Return the rows of a stream so that they can be read again and again.

    Parameters
    ----------
    source : path, iterator, Dask frame, memory map, FrameStream or BlockRows
        As in `frame_stream`.
    name : str
        The argument's name, for messages.

    Returns
    -------
    Rows
        The rows, their labels and where they came from.

    Raises
    ------
    InputTypeError, DataError, DataFileError
        As in `as_rows`.

    Examples
    --------
    >>> read_rows(iter([[[1.0, 2.0]], [[3.0, 4.0]]]))
    Rows(rows=array([[1., 2.],
           [3., 4.]]), labels=('x1', 'x2'), source='list_iterator')
    """
    if isinstance(source, BlockRows):
        return Rows(source, source.labels, source.source)
    if isinstance(source, np.memmap):
        return _mapped_rows(source, name)
    stream = frame_stream(source)
    direct = _numbers_of(Path(stream.source)) if stream.again else None
    if direct is not None:
        chosen = [direct.labels.index(label) for label in stream.labels or ()]
        picked = direct if len(chosen) == direct.shape[1] else direct[:, chosen]
        _refuse_not_finite(picked, name)
        return Rows(picked, picked.labels, picked.source)
    if stream.collection is not None:
        from .chunk_cluster import cluster_rows

        found = cluster_rows(stream, name)
        if found is not None:
            return Rows(found, found.labels, found.source)
    labels: list[str] = []
    rows = _stored(_stream_pieces(stream, name, labels), labels, stream.source)
    return Rows(rows, tuple(labels), stream.source)


def _stream_pieces(stream: FrameStream, name: str, labels: list[str]) -> Iterator[FloatArray]:
    """Rows of a stream as numbers; what is no number is refused, with its place."""
    seen = 0
    for frame in stream.frames():
        if not labels:
            labels.extend(str(label) for label in frame.columns)
        if len(frame):
            yield checked_numbers(frame, name, seen, "")
            seen += len(frame)
    if not seen:
        raise DataError(f"{name} must have rows, got none in {stream.source}")


def checked_numbers(frame: pd.DataFrame, name: str, first: int, where: str) -> FloatArray:
    """Return a piece of a table as finite numbers, or raise and name the rows.

    Parameters
    ----------
    frame : DataFrame
        At least one row.
    name : str
        The argument's name.
    first : int
        Number of its first row.
    where : str
        What is added to the place, such as the number of a partition.

    Returns
    -------
    ndarray of shape (rows, columns)
        Finite float64.

    Raises
    ------
    DataError
        If a column is not numeric or a value not finite.

    Examples
    --------
    >>> checked_numbers(pd.DataFrame({"a": [1, 2]}), "X", 0, "").ravel()
    array([1., 2.])
    """
    place = f"{name} in the {len(frame)} rows from row {first} on{where}"
    return matrix(Table(frame, name), min_rows=1, name=place)


def _stored(pieces: Iterator[FloatArray], labels: Sequence[str], source: str) -> Any:
    """Put rows into a temporary file; an array in memory where they are few."""
    held: list[FloatArray] = []
    size = n = width = 0
    with ExitStack() as until_read:
        file = None
        for piece in pieces:
            n, width, size = n + len(piece), piece.shape[1], size + piece.nbytes
            held.append(piece)
            if size > chunks.LARGE_FILE:
                if file is None:
                    file = _temporary()
                    until_read.callback(file.close)
                _write(file, held)
                held = []
        if file is None:
            return np.concatenate(held) if held else np.empty((0, len(labels)))
        _write(file, held)
        until_read.pop_all()  # from here on the reader closes it
    return StoredRows(_FileReader(file, 0, width, source), n, width, list(labels), source)


def _temporary() -> Any:
    try:
        # Without a name: it is gone when it is closed, also if the process is killed.
        return tempfile.TemporaryFile(buffering=0)
    except OSError as error:
        raise DataFileError(
            f"no temporary file can be made ({_said(error)}); set TMPDIR to a folder with room"
        ) from error


def _write(file: Any, pieces: Sequence[FloatArray]) -> None:
    try:
        for piece in pieces:
            view = memoryview(np.ascontiguousarray(piece, dtype=np.float64).tobytes())
            while len(view):
                view = view[file.write(view) :]
    except OSError as error:
        raise DataFileError(
            f"the rows do not fit into a temporary file in {tempfile.gettempdir()} ({_said(error)}); set TMPDIR to a "
            "folder with room, eight bytes for every number"
        ) from error


def _said(error: OSError) -> str:
    return error.strerror or type(error).__name__


# --------------------------------------------------------------------------- files of plain numbers
def _numbers_of(path: Path) -> StoredRows | None:
    """Rows of a .npy file of float64 rows in C order, read where they are; None for other files."""
    if not (path.name.lower().endswith(".npy") and path.is_file()):
        return None
    mapped = mapped_array(path)
    if mapped.dtype != np.float64 or not mapped.dtype.isnative or mapped.ndim not in (1, 2):
        return None
    if not mapped.flags.c_contiguous or not mapped.size:
        return None
    n, width = len(mapped), 1 if mapped.ndim == 1 else mapped.shape[1]
    del mapped
    # Not from the size of the file: more may follow the array.
    offset = int(np.load(path, mmap_mode="r", allow_pickle=False).offset)
    reader = _FileReader(path.open("rb", buffering=0), offset, width, str(path), named=True)
    return StoredRows(reader, n, width, _names(width), str(path))


def _refuse_not_finite(found: StoredRows, name: str) -> None:
    """One pass over a file of plain numbers, which nobody has looked at yet."""
    bad = np.sum(found.map(_not_finite), axis=0)
    if bad.any():
        k = int(np.flatnonzero(bad.any(axis=0))[0])
        raise DataError(
            f"{name} must be finite, got values that are not ({found.labels[k]!r}: {bad[0, k]} missing, {bad[1, k]} "
            "infinite); remove or fill these rows, or leave the columns out"
        )


def _not_finite(block: FloatArray, start: int) -> NDArray[np.int64]:
    """Numbers of missing and of infinite values in every column."""
    if np.isfinite(block).all():
        return np.zeros((2, block.shape[1]), dtype=np.int64)
    return np.stack([np.isnan(block).sum(axis=0), np.isinf(block).sum(axis=0)])


def _mapped_rows(array: Any, name: str) -> Rows:
    if array.ndim not in (1, 2):
        raise DataError(f"{name} must be 1- or 2-dimensional (rows are observations), got shape {array.shape}")
    table = array.reshape(-1, 1) if array.ndim == 1 else array
    n, width = table.shape
    rows = StoredRows(_MapReader(table, name), n, width, _names(width), type(array).__name__)
    rows.max()  # one pass, in which every value is checked
    return Rows(rows, rows.labels, rows.source)


def _names(width: int) -> list[str]:
    return [f"x{i + 1}" for i in range(width)]
