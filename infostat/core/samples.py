"""Samples: whatever data are, as one float matrix of finite rows, and checks that two fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from .data import matrix, read_table
from .errors import DataError
from .validation import FloatArray

__all__ = ["as_sample", "as_samples", "same_columns", "same_rows"]


def as_sample(name: str, X: Any, *, min_rows: int = 2) -> FloatArray:
    """Return `X` as a float matrix of finite rows, or raise and say what is in the way.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    X : array_like, Series, DataFrame or path
        Rows are observations; one-dimensional input is one column.
    min_rows : int
        Fewest rows the computation needs.

    Returns
    -------
    ndarray of shape (n, d)
        Finite float64, C-contiguous. It may share memory with `X` and must not be changed.

    Raises
    ------
    InputTypeError
        If `X` is no data.
    DataError
        If a column is not numeric, a value is missing or infinite (they are counted), or there
        are too few rows.

    Examples
    --------
    >>> as_sample("X", [1, 2, 4]).shape
    (3, 1)
    """
    if _is_plain(X) and len(X) >= max(min_rows, 1) and X.size and np.isfinite(X).all():
        # Same outcome as below without the passage through a frame.
        columns = X.reshape(-1, 1) if X.ndim == 1 else X
        return np.ascontiguousarray(columns, dtype=np.float64)
    return np.ascontiguousarray(matrix(read_table(X, name=name), min_rows=min_rows, name=name))


def _is_plain(X: Any) -> bool:
    return type(X) is np.ndarray and X.dtype.kind == "f" and X.dtype.itemsize <= 8 and X.ndim in (1, 2)


def as_samples(data: dict[str, Any], *, min_rows: int = 2) -> list[FloatArray]:
    """Return several samples as float matrices, keyed by their argument names.

    Parameters
    ----------
    data : dict of str to array_like
        Argument name and sample.
    min_rows : int
        Fewest rows of each.

    Returns
    -------
    list of ndarray
        One matrix per entry, see `as_sample`.

    Examples
    --------
    >>> [part.shape for part in as_samples({"x": [1.0, 2.0], "y": [[1.0, 2.0], [3.0, 4.0]]})]
    [(2, 1), (2, 2)]
    """
    return [as_sample(name, value, min_rows=min_rows) for name, value in data.items()]


def same_columns(X: FloatArray, Y: FloatArray, names: tuple[str, str] = ("X", "Y")) -> None:
    """Raise if two samples do not live in the same space.

    Parameters
    ----------
    X, Y : ndarray
        From `as_sample`.
    names : tuple of str
        Their argument names.

    Raises
    ------
    DataError
        If the numbers of columns differ.

    Examples
    --------
    >>> same_columns(np.zeros((3, 2)), np.zeros((5, 2)))
    """
    if X.shape[1] != Y.shape[1]:
        raise DataError(
            f"{names[0]} and {names[1]} must have the same number of columns, "
            f"got {X.shape[1]} and {Y.shape[1]}; rows are observations"
        )


def same_rows(samples: dict[str, FloatArray]) -> int:
    """Return the common number of rows of paired samples.

    Parameters
    ----------
    samples : dict of str to ndarray
        Argument name and matrix from `as_sample`.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    DataError
        If the numbers of rows differ: row i of each must belong to one observation.

    Examples
    --------
    >>> same_rows({"x": np.zeros((3, 1)), "y": np.zeros((3, 2))})
    3
    """
    sizes = [len(sample) for sample in samples.values()]
    if len(set(sizes)) > 1:
        names, counts = list(samples), [str(size) for size in sizes]
        raise DataError(
            f"{_and(names)} must have the same number of rows (row i of each is one observation), got {_and(counts)}"
        )
    return sizes[0]


def _and(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
