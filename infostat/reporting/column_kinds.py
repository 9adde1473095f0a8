"""What kind of numbers or words a column holds, and which families suit it.

The rules look at the values only and are the same for every data set; each comes with the
sentence that a report prints.
"""

from __future__ import annotations

import numbers
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..core.validation import FloatArray

__all__ = ["KINDS", "MOST_COUNTS", "MOST_LEVELS", "ColumnKind", "column_kind"]

MOST_COUNTS = 50
"""Whole numbers with more distinct values than this are taken for rounded measurements."""
MOST_LEVELS = 30
"""Counts with at most this many distinct values are also judged level by level."""

KINDS = ("real", "positive", "count", "binary", "levels", "left out")

_DATE = re.compile(r"\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}:\d{2})(?!\d)")
_MOST_MISSING = 0.5
_FEW_WHOLE = 12  # distinct whole numbers, some negative, that are read as levels (a rating from -2 to 2)


@dataclass(frozen=True)
class ColumnKind:
    """How a column is read.

    Attributes
    ----------
    kind : str
        ``"real"``, ``"positive"``, ``"count"``, ``"binary"``, ``"levels"`` or ``"left out"``.
    why : str
        The observation that decided it.
    families : tuple of str
        Names of the families to judge; empty if the column is left out.
    """

    kind: str
    why: str
    families: tuple[str, ...] = ()


def column_kind(column: pd.Series[Any]) -> ColumnKind:
    """Return how a column is read and why.

    Parameters
    ----------
    column : Series
        One column as it came; missing and infinite values are looked past.

    Returns
    -------
    ColumnKind
        Kind, reason and families.

    Examples
    --------
    >>> import pandas as pd
    >>> column_kind(pd.Series([0, 1, 1, 0, 1]))
    ColumnKind(kind='binary', why='only 0 and 1', families=('bernoulli',))
    >>> column_kind(pd.Series([0.5, 1.25, 3.5])).families
    ('normal', 'gamma')
    """
    missing = float(is_missing(column).mean()) if len(column) else 1.0
    if missing == 1.0:
        return ColumnKind("left out", "no value at all")
    if missing > _MOST_MISSING:
        return ColumnKind("left out", f"{100 * missing:.0f} % of the values are missing")
    values = column[~is_missing(column)]
    if pd.api.types.is_datetime64_any_dtype(column.dtype) or pd.api.types.is_timedelta64_dtype(column.dtype):
        return ColumnKind("left out", "dates or times")
    found = as_numbers(values)
    return _words(values) if found is None else _numbers(found)


def is_missing(column: pd.Series[Any]) -> pd.Series[bool]:
    """Return which values of a column are missing or infinite.

    Parameters
    ----------
    column : Series
        One column.

    Returns
    -------
    Series of bool
        True where there is no finite value.

    Examples
    --------
    >>> import pandas as pd
    >>> is_missing(pd.Series([1.0, float("inf"), None])).tolist()
    [False, True, True]
    """
    missing = column.isna()
    if pd.api.types.is_float_dtype(column.dtype):
        missing |= np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan))
    elif column.dtype == object:
        missing |= column.map(lambda value: isinstance(value, float) and np.isinf(value))
    return missing.astype(bool)


def as_numbers(values: pd.Series[Any]) -> FloatArray | None:
    """Return a column without missing values as floats, or None if it holds words.

    Parameters
    ----------
    values : Series
        Values, none missing.

    Returns
    -------
    ndarray or None
        Booleans become 0 and 1.

    Examples
    --------
    >>> import pandas as pd
    >>> as_numbers(pd.Series([True, False])), as_numbers(pd.Series(["a"]))
    (array([1., 0.]), None)
    """
    if pd.api.types.is_complex_dtype(values.dtype):
        return None
    if pd.api.types.is_numeric_dtype(values.dtype):
        return np.asarray(values.to_numpy(dtype=np.float64))
    if values.dtype == object and all(isinstance(v, (numbers.Real, np.bool_)) for v in values):
        return np.asarray(values.map(float).to_numpy(dtype=np.float64))
    return None


def _words(values: pd.Series[Any]) -> ColumnKind:
    if values.dtype == object and not all(isinstance(value, (str, bool, numbers.Real)) for value in values):
        return ColumnKind("left out", "neither numbers nor words")
    if pd.api.types.is_complex_dtype(values.dtype):
        return ColumnKind("left out", "complex numbers")
    words = values.astype(str).unique()
    distinct = len(words)
    if distinct == 1:
        return ColumnKind("left out", "always the same")
    if all(_DATE.match(word) for word in words):
        return ColumnKind("left out", "dates or times")
    if distinct > max(2, len(values) // 2):
        return ColumnKind("left out", f"{distinct} different words in {len(values)} rows: names or free text")
    return ColumnKind("levels", f"words, {distinct} levels", ("categorical",))


def _numbers(values: FloatArray) -> ColumnKind:
    distinct = len(np.unique(values))
    low, high = float(values.min()), float(values.max())
    if distinct == 1:
        return ColumnKind("left out", "always the same")
    if distinct == 2:
        if low == 0.0 and high == 1.0:
            return ColumnKind("binary", "only 0 and 1", ("bernoulli",))
        return ColumnKind("levels", f"only {low:g} and {high:g}", ("categorical",))
    if bool((values == np.floor(values)).all()):
        found = _whole(values, distinct, low, high)
        if found is not None:
            return found
    if low > 0.0:
        families = ("normal", "gamma", "beta") if high < 1.0 else ("normal", "gamma")
        inside = "between 0 and 1" if high < 1.0 else "all positive"
        return ColumnKind("positive", f"measurements, {inside}", families)
    negative = "some negative" if low < 0.0 else "some zero"
    return ColumnKind("real", f"measurements, {negative}", ("normal",))


def _whole(values: FloatArray, distinct: int, low: float, high: float) -> ColumnKind | None:
    """Kind of whole numbers; None for rounded measurements."""
    n = len(values)
    if n > 9 and distinct == n == high - low + 1.0 and bool((np.abs(np.diff(values)) == 1.0).all()):
        return ColumnKind("left out", "numbers the rows")
    if low < 0.0:
        if distinct <= _FEW_WHOLE:
            return ColumnKind("levels", f"whole numbers, {distinct} levels", ("categorical",))
        return None
    if distinct <= min(MOST_COUNTS, max(n // 2, 3)):
        families = ("poisson", "categorical") if distinct <= MOST_LEVELS else ("poisson",)
        return ColumnKind("count", f"whole numbers, {distinct} different", families)
    return None
