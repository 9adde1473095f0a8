"""Data tables: whatever the user has in hand becomes one frame, and one clean matrix.

`read_table` accepts arrays, lists, Series, frames and paths, and selects columns. `matrix`
turns the selection into the float array that a computation needs, or says in one line why it
cannot. Nothing is dropped, filled or converted in silence.
"""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .errors import DataError, InputError, InputTypeError, describe
from .readers import read_file
from .validation import FloatArray, as_items, check_count, short

__all__ = ["Columns", "Table", "matrix", "read_table", "selected_labels"]

Columns: TypeAlias = "str | Iterable[object] | None"

_ACCEPTED = "an array, a list of numbers, a Series, a DataFrame or the path of a data file"
_MOST_NAMES = 30


@dataclass(frozen=True, eq=False)
class Table:
    """A data frame with text labels, and where it came from.

    Attributes
    ----------
    frame : pandas.DataFrame
        The selected columns; every label is a str and occurs once.
    source : str
        The path, or the kind of object that was passed.
    """

    frame: pd.DataFrame
    source: str

    @property
    def labels(self) -> list[str]:
        """Column labels in order."""
        return [str(label) for label in self.frame.columns]


def read_table(data: Any, *, columns: Columns = None, drop: Columns = None, name: str = "data") -> Table:
    """Return `data` as a table of labelled columns.

    Parameters
    ----------
    data : array_like, Series, DataFrame, Table, str or os.PathLike
        Rows are observations. Columns of an array are called x1, x2, ...; a Series without a
        name is called x. Paths may end in .csv .tsv .txt (also .gz), .parquet, .jsonl, .npy
        or .npz.
    columns : str or list, optional
        Labels to keep, in this order (a list, or one text with commas). For an .npz file it may
        be the name of one array in it.
    drop : str or list, optional
        Labels to leave out.
    name : str
        The argument's name, for messages.

    Returns
    -------
    Table
        The selection; the input is not modified.

    Raises
    ------
    InputTypeError
        If `data` is something else.
    InputError
        If a label is unknown; the message lists those there are.
    DataError
        If the data have no columns, too many axes, or a label twice.
    DataFileError
        If a file cannot be found or read.
    MissingExtraError
        If a Parquet file is given and pyarrow is not installed.

    Examples
    --------
    >>> table = read_table([[1.0, 2.0], [3.0, 4.0]], columns="x2")
    >>> table.labels, table.source
    (['x2'], 'list')
    """
    if isinstance(data, Table):
        frame, source = data.frame, data.source
    elif isinstance(data, (str, os.PathLike)):
        content = read_file(data, _names("columns", columns))
        frame, source = _as_frame(content.data, name), os.fspath(data)
        if content.columns_used:
            columns = None
    else:
        frame, source = _as_frame(data, name), type(data).__name__
    return Table(_select(_with_text_labels(frame, name), columns, drop, name), str(source))


def matrix(table: Table, *, min_rows: int = 3, name: str = "data") -> FloatArray:
    """Return the table as a float array, or raise and say what is in the way.

    Parameters
    ----------
    table : Table
        From `read_table`.
    min_rows : int
        Fewest rows the computation needs.
    name : str
        The argument's name, for messages.

    Returns
    -------
    ndarray of shape (n_obs, n_vars)
        Finite float64, C-contiguous, a copy; booleans become 0 and 1.

    Raises
    ------
    DataError
        If a column is not numeric or complex, a value is missing or infinite, or there are too
        few rows or no columns.

    Examples
    --------
    >>> matrix(read_table([1, 2, 4])).ravel()
    array([1., 2., 4.])
    """
    least = check_count("min_rows", min_rows)
    frame = table.frame
    if frame.shape[1] == 0:
        raise DataError(f"{name} must have at least one column, got none")
    if frame.shape[0] == 0:
        raise DataError(f"{name} must have at least {max(least, 1)} rows, got an empty table")
    _refuse_not_numeric(table, name)
    result = np.empty(frame.shape, dtype=np.float64)
    for position in range(frame.shape[1]):
        result[:, position] = _as_floats(frame.iloc[:, position])
    _refuse_not_finite(result, table.labels, name)
    if frame.shape[0] < least:
        raise DataError(f"{name} must have at least {least} rows, got {frame.shape[0]}")
    return result


def _as_frame(data: Any, name: str) -> pd.DataFrame:
    if isinstance(data, pd.DataFrame):
        return data
    if isinstance(data, pd.Series):
        return data.to_frame(name="x" if data.name is None else data.name)
    if not isinstance(data, (np.ndarray, list, tuple)) and not hasattr(data, "__array__"):
        raise InputTypeError(describe(name, _ACCEPTED, short(data)))
    return _array_frame(_as_array(data, name), name)


def _as_array(data: Any, name: str) -> NDArray[Any]:
    if isinstance(data, np.ma.MaskedArray) and np.ma.is_masked(data):
        # A plain conversion would bring back the values under the mask.
        return np.asarray(np.ma.filled(data.astype(np.float64), np.nan))
    try:
        array = np.asarray(data)
    except ValueError:
        raise DataError(f"{name} must be rectangular, got rows of different lengths") from None
    except (TypeError, RuntimeError) as error:  # a foreign array refuses, as one on a graphics card does
        raise InputTypeError(describe(name, _ACCEPTED, short(data), "convert it with numpy.asarray first")) from error
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _array_frame(array: NDArray[Any], name: str) -> pd.DataFrame:
    if array.dtype.names is not None and array.ndim == 1:
        return pd.DataFrame({label: array[label] for label in array.dtype.names})
    if array.ndim not in (1, 2):
        raise DataError(
            f"{name} must be 1- or 2-dimensional (rows are observations), got shape {array.shape}"
        )
    columns = array.reshape(-1, 1) if array.ndim == 1 else array
    return pd.DataFrame(columns, columns=[f"x{i + 1}" for i in range(columns.shape[1])], copy=False)


def _with_text_labels(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    labels = [str(label) for label in frame.columns]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise DataError(f"{name} must have distinct column names, got more than one {_quoted(twice)}")
    result = frame.copy(deep=False)
    result.columns = pd.Index(labels, dtype=object)
    return result


def selected_labels(
    available: Sequence[str], columns: Columns = None, drop: Columns = None, name: str = "data"
) -> list[str]:
    """Return the labels that a selection keeps, in its order.

    Parameters
    ----------
    available : sequence of str
        Labels there are.
    columns, drop : str or list, optional
        Labels to keep, labels to leave out.
    name : str
        The argument's name, for messages.

    Returns
    -------
    list of str
        Labels kept.

    Raises
    ------
    InputError
        If a label is unknown, or nothing is left.

    Examples
    --------
    >>> selected_labels(["a", "b", "c"], drop="b")
    ['a', 'c']
    """
    kept = list(available)
    if columns is not None:
        kept = _known("columns", columns, available, name)
    if drop is not None:
        dropped = _known("drop", drop, available, name)
        kept = [label for label in kept if label not in dropped]
        if not kept:
            raise InputError(f"drop must leave at least one column of {name}, got all dropped")
    return kept


def _select(frame: pd.DataFrame, columns: Columns, drop: Columns, name: str) -> pd.DataFrame:
    available = list(frame.columns)
    kept = selected_labels(available, columns, drop, name)
    return frame if kept == available else frame[kept]


def _known(argument: str, wanted: Columns, available: Sequence[str], name: str) -> list[str]:
    # A single label that contains a comma is taken as it is before it is split.
    labels = [wanted] if isinstance(wanted, str) and wanted in available else _names(argument, wanted)
    if not labels:
        raise InputError(f"{argument} must name at least one column of {name}, got an empty list")
    unknown = [label for label in labels if label not in available]
    if unknown:
        raise InputError(
            f"{argument} must name columns of {name}, got {_quoted(unknown)}; available: {_listed(available)}"
        )
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise InputError(f"{argument} must name each column once, got more than one {_quoted(twice)}")
    return labels


def _names(argument: str, wanted: Columns) -> list[str]:
    if wanted is None:
        return []
    if isinstance(wanted, str):
        return [part.strip() for part in wanted.split(",") if part.strip()]
    items = as_items(argument, wanted, "a list of column names or a text with commas")
    return [str(label) for label in items]


def _refuse_not_numeric(table: Table, name: str) -> None:
    bad, complex_valued = [], []
    for position, label in enumerate(table.labels):
        column = table.frame.iloc[:, position]
        if _holds_complex(column):
            complex_valued.append(label)
        elif not _holds_reals(column):
            bad.append(label)
    if complex_valued:
        raise DataError(f"{name} must be real, got complex values in {_quoted(complex_valued)}")
    if bad:
        raise DataError(
            f"{name} must be numeric, got text or other objects in {_quoted(bad)}; "
            "select numeric columns with columns= (command line: --columns or --drop)"
        )


def _holds_complex(column: pd.Series[Any]) -> bool:
    if column.dtype == object:
        return any(isinstance(v, numbers.Complex) and not isinstance(v, numbers.Real) for v in column)
    return bool(pd.api.types.is_complex_dtype(column.dtype))


def _holds_reals(column: pd.Series[Any]) -> bool:
    if column.dtype == object:
        return all(isinstance(v, (numbers.Real, np.bool_)) or v is None or v is pd.NA for v in column)
    return bool(pd.api.types.is_numeric_dtype(column.dtype))


def _as_floats(column: pd.Series[Any]) -> FloatArray:
    if column.dtype == object:
        column = column.map(_as_float)
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))


def _as_float(value: Any) -> float:
    if value is None or value is pd.NA:
        return math.nan
    try:
        return float(value)
    except OverflowError:  # an integer beyond the floats
        return math.inf if value > 0 else -math.inf


def _refuse_not_finite(values: FloatArray, labels: Sequence[str], name: str) -> None:
    if np.isfinite(values).all():
        return
    found = []
    for position, label in enumerate(labels):
        n_missing = int(np.isnan(values[:, position]).sum())
        n_infinite = int(np.isinf(values[:, position]).sum())
        words = [f"{n} {what}" for n, what in ((n_missing, "missing"), (n_infinite, "infinite")) if n]
        if words:
            found.append(f"{label!r}: {' and '.join(words)}")
    raise DataError(
        f"{name} must be finite, got values that are not ({_listed(found)}); "
        "remove or fill these rows, or leave the columns out"
    )


def _quoted(labels: Sequence[str]) -> str:
    return _listed([repr(label) for label in labels])


def _listed(words: Sequence[str]) -> str:
    shown = ", ".join(words[:_MOST_NAMES])
    return shown if len(words) <= _MOST_NAMES else f"{shown} and {len(words) - _MOST_NAMES} more"
