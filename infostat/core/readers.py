"""Readers of data files: one clear line when a file is missing, empty or damaged."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import os
import re
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from .errors import DataError, DataFileError, InputError, MissingExtraError, describe

__all__ = ["SUFFIXES", "FileContent", "check_header", "read_file", "separator"]

_TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (*_TEXT_SUFFIXES, *(s + ".gz" for s in _TEXT_SUFFIXES), ".parquet", ".jsonl", ".npy", ".npz")

# Decimal text must become the nearest double, as in Python itself. From 3.1 on pandas does so
# without being asked, and warns when asked.
_PANDAS_VERSION = tuple(int(part) for part in re.findall(r"\d+", pd.__version__)[:2])
EXACT_DECIMALS: dict[str, Any] = {"float_precision": "round_trip"} if _PANDAS_VERSION < (3, 1) else {}


@dataclass(frozen=True)
class FileContent:
    """What a file holds.

    Attributes
    ----------
    data : DataFrame or ndarray
        Its table.
    columns_used : bool
        Whether the wanted names chose arrays inside the file, so that no selection is left.
    """

    data: Any
    columns_used: bool = False


_Reader: TypeAlias = Callable[[Path, Sequence[str]], FileContent]


def read_file(path: str | os.PathLike[str], wanted: Sequence[str] = ()) -> FileContent:
    """Return the content of a data file.

    Parameters
    ----------
    path : str or os.PathLike
        A file with one of the known suffixes.
    wanted : sequence of str
        Names the caller selects; only an .npz file with several arrays looks at them.

    Returns
    -------
    FileContent
        A frame or an array.

    Raises
    ------
    DataFileError
        If the file is missing, a folder, empty or unreadable.
    InputError
        If the suffix is unknown.
    MissingExtraError
        If a Parquet file is given and pyarrow is not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "a.csv"
    ...     _ = file.write_text("x;y\\n1;2\\n")
    ...     read_file(file).data.columns.tolist()
    ['x', 'y']
    """
    file = Path(path)
    reader = _reader(file)
    if not file.exists():
        raise DataFileError(f"{file} does not exist; check the path")
    if file.is_dir():
        raise DataFileError(f"{file} is a folder; pass one data file")
    try:
        if file.stat().st_size == 0:
            raise DataFileError(f"{file} is empty")
        return reader(file, wanted)
    except (InputError, MissingExtraError):
        raise
    except UnicodeDecodeError as error:
        raise DataFileError(f"{file} cannot be read: it is not UTF-8 text; convert it first") from error
    except MemoryError as error:  # also what a damaged header asks for
        raise DataFileError(f"{file} cannot be read: it needs more memory than there is") from error
    except Exception as error:  # a damaged file makes each library raise what it likes
        raise DataFileError(f"{file} cannot be read: {_reason(error)}") from error


def separator(header: str) -> str:
    """Return the separator of a header line: tab, semicolon or comma.

    Parameters
    ----------
    header : str
        The first line; separators inside quotes do not count.

    Returns
    -------
    str
        The most frequent one, a comma if there is none.

    Examples
    --------
    >>> separator('"a, b";c;d')
    ';'
    """
    bare = re.sub(r'"[^"]*"', "", header)
    return max("\t;,", key=bare.count) if any(mark in bare for mark in "\t;,") else ","


def _reader(file: Path) -> _Reader:
    name = file.name.lower()
    if name.endswith(tuple(s + end for s in _TEXT_SUFFIXES for end in ("", ".gz"))):
        return _read_text
    readers: dict[str, _Reader] = {
        ".parquet": _read_parquet, ".jsonl": _read_json_lines, ".npy": _read_npy, ".npz": _read_npz
    }
    suffix = file.suffix.lower()
    if suffix not in readers:
        raise InputError(describe("the data file", "one of " + " ".join(SUFFIXES), str(file)))
    return readers[suffix]


def _reason(error: BaseException) -> str:
    text = " ".join(str(getattr(error, "strerror", None) or error).split())
    return text[:200] or type(error).__name__


def _read_text(file: Path, wanted: Sequence[str]) -> FileContent:
    packed = file.name.lower().endswith(".gz")
    header = _first_line(file, packed)
    if not header:
        raise DataFileError(f"{file} is empty")
    mark = separator(header)
    labels = [label.strip() for label in next(csv.reader([header], delimiter=mark, skipinitialspace=True))]
    check_header(file, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            file,
            sep=mark,
            encoding="utf-8-sig",
            compression="gzip" if packed else None,
            skipinitialspace=True,
            # Without this a row longer than the header turns the first column into an index.
            index_col=False,
            low_memory=False,
            **EXACT_DECIMALS,
        )
    frame.columns = pd.Index([str(label).strip() for label in frame.columns], dtype=object)
    return FileContent(frame)


def _first_line(file: Path, packed: bool) -> str:
    with gzip.open(file, "rt", encoding="utf-8-sig") if packed else file.open(encoding="utf-8-sig") as stream:
        return next((line for line in stream if line.strip()), "")


def check_header(file: Path, labels: Sequence[str]) -> None:
    """Refuse a header line that repeats a name or holds numbers instead of names.

    Parameters
    ----------
    file : Path
        For the message.
    labels : sequence of str
        Cells of the first line.

    Raises
    ------
    DataError
        If a name occurs twice.
    DataFileError
        If all cells are numbers, other than a plain enumeration of the columns.
    """
    twice = sorted({label for label in labels if label and labels.count(label) > 1})
    if twice:
        # pandas would rename the second one.
        raise DataError(f"{file} must have distinct column names, got more than one {', '.join(twice)}")
    if all(_is_number(label) for label in labels) and not _is_enumeration(labels):
        raise DataFileError(
            f"{file} must name its columns in the first line, got the numbers {', '.join(labels[:5])}; "
            "add a header line"
        )


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True


def _is_enumeration(labels: Sequence[str]) -> bool:
    # A frame made from an array is written with the labels 0, 1, 2, ...
    return any(list(labels) == [str(i + start) for i in range(len(labels))] for start in (0, 1))


def _read_parquet(file: Path, wanted: Sequence[str]) -> FileContent:
    if not _has_pyarrow():
        raise MissingExtraError("Parquet files need pyarrow: pip install 'infostat[distributed]'")
    return FileContent(pd.read_parquet(file, engine="pyarrow"))


def _has_pyarrow() -> bool:
    try:
        return importlib.util.find_spec("pyarrow") is not None
    except ValueError:
        # A module set to None in sys.modules counts as absent.
        return False


def _read_json_lines(file: Path, wanted: Sequence[str]) -> FileContent:
    records = []
    with open(file, encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                message = f"{file} cannot be read: line {number} is not JSON ({error.msg})"
                raise DataFileError(message) from error
            if not isinstance(record, dict):
                raise DataFileError(f"{file} cannot be read: line {number} is not a JSON object")
            records.append(record)
    if not records:
        raise DataFileError(f"{file} is empty")
    return FileContent(pd.DataFrame.from_records(records))


def _read_npy(file: Path, wanted: Sequence[str]) -> FileContent:
    with file.open("rb") as stream:  # np.load itself leaves a file open that it cannot read
        array = np.load(stream, allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise DataFileError(f"{file} cannot be read: it is an .npz archive; rename it to .npz")
    return FileContent(array)


def _read_npz(file: Path, wanted: Sequence[str]) -> FileContent:
    with file.open("rb") as stream:
        if not zipfile.is_zipfile(stream):
            raise DataFileError(f"{file} cannot be read: it is not an .npz archive, or not all of it")
        stream.seek(0)
        return _one_array(file, stream, wanted)


def _one_array(file: Path, stream: Any, wanted: Sequence[str]) -> FileContent:
    with np.load(stream, allow_pickle=False) as archive:
        if isinstance(archive, np.ndarray):
            raise DataFileError(f"{file} cannot be read: it is a single .npy array; rename it to .npy")
        names = list(archive.files)
        if not names:
            raise DataFileError(f"{file} is empty")
        if len(wanted) == 1 and wanted[0] in names:
            return FileContent(archive[wanted[0]], columns_used=True)
        if len(names) == 1:
            return FileContent(archive[names[0]])
        raise InputError(
            f"{file} holds several arrays ({', '.join(names)}); choose one with columns="
        )
