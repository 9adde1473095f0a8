"""Readers of large data files: the same rows as the readers of whole files, some thousands at a time."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .errors import DataError, DataFileError, InfostatError, MissingExtraError
from .readers import EXACT_DECIMALS, check_header, separator

__all__ = [
    "json_chunks", "json_header", "mapped_array", "mapped_chunks", "mapped_header", "parquet_chunks", "parquet_header",
    "text_chunks", "text_header",
]  # fmt: skip

# Rows that decide which columns of a text file hold text.
_LOOK_ROWS = 1000


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what a damaged or foreign file makes readers raise into one line."""
    try:
        yield
    except InfostatError:
        raise
    except UnicodeDecodeError as error:
        raise DataFileError(f"{path} cannot be read: it is not UTF-8 text; convert it first") from error
    except pd.errors.EmptyDataError as error:
        raise DataFileError(f"{path} is empty") from error
    except MemoryError as error:  # also what a damaged header asks for
        raise DataFileError(f"{path} cannot be read: it needs more memory than there is") from error
    except Exception as error:  # a damaged file makes each library raise what it likes
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataFileError(f"{path} cannot be read: {reason}") from error


def mapped_array(path: Path) -> Any:
    """Return a .npy file as a memory map that compiled code takes for an ordinary array.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    ndarray
        Copy-on-write map: nothing is written back.

    Raises
    ------
    DataFileError
        If the file is empty or damaged.
    """
    with _reading(path):
        if path.stat().st_size == 0:
            raise DataFileError(f"{path} is empty")
        # "c": nothing is written back; a read-only map would be another type to compiled code.
        with path.open("rb") as stream:
            if stream.read(6) != b"\x93NUMPY":
                raise DataFileError(f"{path} cannot be read: it is no .npy file")
        return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))


def mapped_header(path: Path) -> tuple[list[str], int]:
    """Return labels and number of rows of a .npy file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tuple
        Labels, rows.

    Raises
    ------
    DataError
        If the array has more than two axes.
    """
    array = mapped_array(path)
    if array.dtype.names is not None:
        return [str(name) for name in array.dtype.names], len(array)
    if array.ndim not in (1, 2):
        raise DataError(f"data must be 1- or 2-dimensional (rows are observations), got shape {array.shape}")
    width = 1 if array.ndim == 1 else array.shape[1]
    return [f"x{i + 1}" for i in range(width)], len(array)


def mapped_chunks(
    path: Path, where: Sequence[int], labels: Sequence[str], total: int, chunk_rows: int
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a .npy file a chunk at a time.

    Parameters
    ----------
    path : Path
        The file.
    where : sequence of int
        Positions of the columns to keep.
    labels : sequence of str
        Their labels.
    total : int
        Rows of the file.
    chunk_rows : int
        Rows of a chunk.

    Yields
    ------
    DataFrame
        Columns `labels` in this order.
    """
    for start in range(0, total, chunk_rows):
        # A map of its own for each piece: its pages are given back with the piece.
        part = mapped_array(path)[start : start + chunk_rows]
        if part.dtype.names is not None:
            yield pd.DataFrame({label: part[label] for label in labels})
        else:
            columns = part.reshape(-1, 1) if part.ndim == 1 else part
            whole = list(where) == list(range(columns.shape[1]))
            yield pd.DataFrame(columns if whole else columns[:, list(where)], columns=list(labels), copy=False)


def parquet_header(path: Path) -> tuple[list[str], int]:
    """Return the column labels, without the index, and the number of rows of a Parquet file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tuple
        Labels, rows.
    """
    parquet = _pyarrow_parquet()
    with _reading(path), parquet.ParquetFile(path) as file:
        # The index of the frame that was written is no column when the file is read whole, either.
        index = (file.schema_arrow.pandas_metadata or {}).get("index_columns", [])
        labels = [str(x) for x in file.schema_arrow.names if x not in index]
        return labels, int(file.metadata.num_rows)


def parquet_chunks(path: Path, labels: Sequence[str], chunk_rows: int) -> Iterator[pd.DataFrame]:
    """Yield the rows of a Parquet file a chunk at a time.

    Parameters
    ----------
    path : Path
        The file.
    labels : sequence of str
        Columns to keep, in this order.
    chunk_rows : int
        Rows of a chunk.

    Yields
    ------
    DataFrame
        Columns `labels` in this order.
    """
    with _reading(path), _pyarrow_parquet().ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=chunk_rows, columns=list(labels)):
            yield batch.to_pandas()[list(labels)]


def _pyarrow_parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("Parquet files need pyarrow: pip install 'infostat[distributed]'") from error
    return pyarrow.parquet


def text_header(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Return the labels of the header line, and how to read the rest.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tuple
        Labels, options of the reader.
    """
    packed = path.name.lower().endswith(".gz")
    with _reading(path):
        with gzip.open(path, "rt", encoding="utf-8-sig") if packed else path.open(encoding="utf-8-sig") as lines:
            header, row = [*islice((line for line in lines if line.strip()), 2), "", ""][:2]
        mark = separator(header)
        labels, cells = ([x.strip() for x in next(_cells(line, mark), [])] for line in (header, row))
    if not labels:
        raise DataFileError(f"{path} is empty")
    check_header(path, labels)
    if len(cells) > len(labels):
        # pandas would drop the last cells; a later row that is too long is an error of its own.
        raise DataFileError(
            f"{path} cannot be read: the first row has {len(cells)} cells under {len(labels)} column names"
        )
    return labels, {"sep": mark, "compression": "gzip" if packed else None}


def _cells(line: str, mark: str) -> Iterator[list[str]]:
    return csv.reader([line], delimiter=mark, skipinitialspace=True)


def text_chunks(
    path: Path, layout: dict[str, Any], order: Sequence[str], labels: Sequence[str], chunk_rows: int
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a text file a chunk at a time.

    Parameters
    ----------
    path : Path
        The file.
    layout : dict
        From :func:`text_header`, with ``usecols``.
    order : sequence of str
        Labels of the columns read, in the order of the file.
    labels : sequence of str
        Columns to keep, in this order.
    chunk_rows : int
        Rows of a chunk.

    Yields
    ------
    DataFrame
        Columns `labels` in this order.
    """
    options: dict[str, Any] = {
        "index_col": False, "skipinitialspace": True, "encoding": "utf-8-sig", "low_memory": False,
        **layout, **EXACT_DECIMALS,
    }  # fmt: skip
    with _reading(path):
        first = pd.read_csv(path, nrows=_LOOK_ROWS, **options)
        # A column of text stays one in a chunk where every entry happens to look like a number.
        text = [name for name in first if not pd.api.types.is_numeric_dtype(first[name].dtype)]
        text = [name for name in text if first[name].notna().any()]
        with pd.read_csv(path, chunksize=chunk_rows, dtype=dict.fromkeys(text, "str"), **options) as reader:
            for frame in reader:
                frame.columns = pd.Index(list(order), dtype=object)
                yield frame if list(order) == list(labels) else frame[list(labels)]


def json_header(path: Path) -> list[str]:
    """Return the keys of the first line of a JSON Lines file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list of str
        Column labels.

    Raises
    ------
    DataFileError
        If there is no line, or it is no JSON object.
    """
    with _reading(path):
        record = next(_json_records(path), None)
    if record is None:
        raise DataFileError(f"{path} is empty")
    return [str(x) for x in record]


def json_chunks(path: Path, labels: Sequence[str], chunk_rows: int, *, all_keys: bool) -> Iterator[pd.DataFrame]:
    """Yield the rows of a JSON Lines file a chunk at a time.

    Parameters
    ----------
    path : Path
        The file.
    labels : sequence of str
        Columns to keep, in this order.
    chunk_rows : int
        Rows of a chunk.
    all_keys : bool
        Whether `labels` are all keys of the first line, so that another one in a later line would be lost.

    Yields
    ------
    DataFrame
        Columns `labels` in this order.

    Raises
    ------
    DataFileError
        If a line is no JSON object, or has a key that would be lost.
    """
    known = set(labels)
    with _reading(path):
        records = _json_records(path)
        while part := list(islice(records, chunk_rows)):
            late = next((key for record in part for key in record if all_keys and key not in known), None)
            if late is not None:
                raise DataFileError(
                    f"{path} cannot be read in pieces: its first line lacks the key {late!r} of a later one; put all "
                    "keys into the first line (null where there is no value), or choose columns"
                )
            # A key that a line does not have is a missing value, as when the file is read whole.
            yield pd.DataFrame({label: [record.get(label) for record in part] for label in labels})


def _json_records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise DataFileError(f"{path} cannot be read: line {number} is not JSON ({error.msg})") from error
            if not isinstance(record, dict):
                raise DataFileError(f"{path} cannot be read: line {number} is not a JSON object")
            yield record
