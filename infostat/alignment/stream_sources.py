"""Rewards that need not fit into memory: files, iterators and arrays as equal blocks.

A path is read in chunks when the file is larger than 64 MB and whole otherwise; either way, and
whatever the pieces an iterator yields, computations see the same blocks of a fixed length, so that
their results do not depend on how the rewards came.
"""

from __future__ import annotations

import csv
import gzip
import inspect
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..core.data import read_table
from ..core.errors import DataError, DataFileError, InputError, InputTypeError, MissingExtraError, describe
from ..core.readers import EXACT_DECIMALS as EXACT_DECIMALS
from ..core.readers import SUFFIXES, separator
from ..core.validation import FloatArray, short

__all__ = [
    "BLOCK_ROWS", "LARGE_FILE", "RewardStream", "is_large", "is_large_population", "reward_blocks", "reward_stream",
]  # fmt: skip

# Bytes from which a file is read in chunks.
LARGE_FILE = 64_000_000
# Rewards in a block, 8 MB.
BLOCK_ROWS = 1 << 20

_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_ACCEPTED = "an array, a frame, the path of a data file, or an iterator of arrays or frames"
_UNREADABLE = (OSError, EOFError, ValueError)
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
    """

    pieces: Callable[[], Iterator[FloatArray]]
    total: int | None
    again: bool
    source: str


def reward_stream(source: Any, column: str | None = None, chunk_rows: int = BLOCK_ROWS) -> RewardStream:
    """Return the rewards of a source as a stream.

    Parameters
    ----------
    source : array_like, Series, DataFrame, path, iterator or callable
        Files: ``.npy`` (mapped, not read), ``.parquet``, ``.csv`` and the other text files,
        ``.jsonl``, ``.npz``. A Dask frame or series is computed one partition at a time. An iterator
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
    if hasattr(source, "npartitions") and hasattr(source, "partitions"):
        return RewardStream(lambda: _partitions(source, column), None, True, type(source).__name__)
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
    """Return whether a source is a file of one population that is read in chunks.

    Parameters
    ----------
    source : object
        Anything; only paths are looked at.

    Returns
    -------
    bool
        True for files above 64 MB that hold neither several prompts nor a law.

    Examples
    --------
    >>> is_large_population([1.0, 2.0])
    False
    """
    if not is_large(source):
        return False
    try:
        next(iter(reward_stream(source, chunk_rows=1000).pieces()), None)  # labels are read with the first piece
    except DataError:  # a prompt table or a law, read whole
        return False
    return True


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


def _joined(parts: list[FloatArray]) -> FloatArray:
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return np.asarray(whole, dtype=np.float64)


def _called(function: Any, column: str | None) -> Iterator[FloatArray]:
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):
        required = "a function without arguments that returns an iterator"
        raise InputTypeError(describe("source", required, short(function))) from None
    found = function()
    if not isinstance(found, Iterable) or isinstance(found, (str, bytes)):
        raise InputTypeError(describe("source()", "an iterator of arrays or frames", short(found)))
    for piece in found:
        yield _rewards(piece, column)


def _partitions(collection: Any, column: str | None) -> Iterator[FloatArray]:
    """Partitions of a Dask collection, computed one at a time."""
    if hasattr(collection, "columns"):
        collection = collection[_reward_label([str(x) for x in collection.columns], column)]
    for i in range(collection.npartitions):
        yield _rewards(collection.partitions[i].compute(), column)


def _is_list_of_pieces(source: Any) -> bool:
    return isinstance(source, (list, tuple)) and bool(source) and all(np.ndim(x) > 0 for x in source[:1])


# --------------------------------------------------------------------------------------- tables
def _rewards(data: Any, column: str | None) -> FloatArray:
    """One-dimensional rewards of an array or a frame, without a copy where possible."""
    if isinstance(data, pd.DataFrame):
        return _column(data, column)
    if isinstance(data, (str, bytes)) or np.ndim(data) == 0:
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
    try:
        return np.asarray(data)
    except ValueError:
        raise DataError("pieces of source must be one-dimensional, got rows of different lengths") from None


def _as_floats(values: Any) -> FloatArray:
    series = pd.Series(values)
    if series.dtype.kind in "cmM" or any(isinstance(v, (str, bytes, complex)) for v in series.head(1000)):
        raise InputTypeError(describe("rewards", "numeric", short(series.iloc[0])))
    try:
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError):
        raise InputTypeError(describe("rewards", "numeric", short(series.iloc[0]))) from None


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
    name, source = path.name.lower(), str(path)
    if name.endswith(".npy") and path.is_file():
        total = len(_mapped(path, column))
        return RewardStream(lambda: _mapped_pieces(path, column, total, chunk_rows), total, True, source)
    if not is_large(path) or name.endswith(".npz"):
        values = _column(read_table(path, name="source").frame, column)
        return RewardStream(lambda: iter([values]), len(values), True, source)
    if name.endswith(".parquet"):
        label, rows = _parquet_header(path, column)
        return RewardStream(lambda: _parquet_pieces(path, label, chunk_rows), rows, True, source)
    if name.endswith(_TEXT):
        layout = _text_layout(path, column)
        return RewardStream(lambda: _text_pieces(path, layout, chunk_rows), None, True, source)
    if name.endswith(".jsonl"):
        label = _json_label(path, column)
        return RewardStream(lambda: _json_pieces(path, label, chunk_rows), None, True, source)
    raise InputError(describe("the data file", "one of " + " ".join(SUFFIXES), source))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what a damaged or foreign file makes readers raise into one line."""
    try:
        yield
    except (InputError, InputTypeError):
        raise
    except UnicodeDecodeError as error:
        raise DataFileError(f"{path} cannot be read: it is not UTF-8 text; convert it first") from error
    except _UNREADABLE as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataFileError(f"{path} cannot be read: {reason}") from error


def _mapped(path: Path, column: str | None) -> FloatArray:
    with _reading(path):
        if path.stat().st_size == 0:
            raise DataFileError(f"{path} is empty")
        # "c": nothing is written back; a read-only map would be another type to compiled code.
        return _rewards(np.asarray(np.load(path, mmap_mode="c", allow_pickle=False)), column)


def _mapped_pieces(path: Path, column: str | None, total: int, chunk_rows: int) -> Iterator[FloatArray]:
    for start in range(0, total, chunk_rows):
        # A map of its own for each piece: its pages are given back with the piece.
        yield _mapped(path, column)[start : start + chunk_rows]


def _parquet_header(path: Path, column: str | None) -> tuple[str, int]:
    parquet = _pyarrow_parquet()
    with _reading(path), parquet.ParquetFile(path) as file:
        labels, rows = [str(x) for x in file.schema_arrow.names], int(file.metadata.num_rows)
    return _reward_label(labels, column), rows


def _parquet_pieces(path: Path, label: str, chunk_rows: int) -> Iterator[FloatArray]:
    with _reading(path), _pyarrow_parquet().ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=chunk_rows, columns=[label]):
            yield _rewards(batch.column(0).to_pandas(), None)


def _pyarrow_parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("Parquet files need pyarrow: pip install 'infostat[distributed]'") from error
    return pyarrow.parquet


def _text_layout(path: Path, column: str | None) -> dict[str, Any]:
    """How to read the column of rewards, from the header line."""
    packed = path.name.lower().endswith(".gz")
    with _reading(path):
        with gzip.open(path, "rt", encoding="utf-8-sig") if packed else path.open(encoding="utf-8-sig") as lines:
            header = next((line for line in lines if line.strip()), "")
        mark = separator(header)
        labels = [x.strip() for x in next(csv.reader([header], delimiter=mark, skipinitialspace=True), [])]
    if not labels:
        raise DataFileError(f"{path} is empty")
    wanted = labels.index(_reward_label(labels, column))
    return {"sep": mark, "usecols": [wanted], "compression": "gzip" if packed else None}


def _text_pieces(path: Path, layout: dict[str, Any], chunk_rows: int) -> Iterator[FloatArray]:
    options: dict[str, Any] = {"index_col": False, "skipinitialspace": True, "encoding": "utf-8-sig"}
    with _reading(path), pd.read_csv(path, chunksize=chunk_rows, **layout, **options, **EXACT_DECIMALS) as reader:
        for frame in reader:
            yield _rewards(frame.iloc[:, 0], None)


def _json_label(path: Path, column: str | None) -> str:
    with _reading(path), path.open(encoding="utf-8-sig") as lines:
        record = json.loads(next((line for line in lines if line.strip()), "{}"))
    if not isinstance(record, dict) or not record:
        raise DataFileError(f"{path} cannot be read: the first line is no JSON object")
    return _reward_label([str(x) for x in record], column)


def _json_pieces(path: Path, label: str, chunk_rows: int) -> Iterator[FloatArray]:
    with _reading(path), pd.read_json(path, lines=True, chunksize=chunk_rows) as reader:
        for frame in reader:
            if label not in frame:
                raise DataFileError(f"{path} cannot be read: a line has no {label!r}")
            yield _rewards(frame[label], None)
