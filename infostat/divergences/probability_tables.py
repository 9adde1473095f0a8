"""Tables of probabilities: whatever the user has in hand becomes clean float64 rows.

A table holds one distribution along `axis` and any number of them along the others. Here it is
checked (negatives, NaN, rows that do not sum to one), moved so that the distribution is the
last axis, and broadcast against a second one. Logits stay in the log domain.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from ..core.errors import InputError, Words, describe
from ..core.validation import FloatArray, as_float_array, check_choice, check_count, check_flag, check_number
from .table_rows import RowPair, Rows

__all__ = ["Normalize", "RowPair", "Rows", "TableLike", "check_axis", "in_base", "read_pair", "read_rows"]

Normalize: TypeAlias = Literal["check", "yes", "no"]
TableLike: TypeAlias = "ArrayLike | pd.Series[Any] | pd.DataFrame"

# A row of double precision counts as normalised when its sum is this close to one.
_SUM_TOLERANCE = 1e-8
# Up to this length a product with ones is as accurate as pairwise summation, and much faster.
_LONGEST_PRODUCT = 4096


def read_rows(
    name: str,
    table: TableLike,
    *,
    axis: int = -1,
    normalize: Normalize = "check",
    logits: bool = False,
) -> Rows:
    """Return a table as checked float64 rows, or raise and name the worst row.

    Parameters
    ----------
    name : str
        The argument, for messages.
    table : array_like, Series or DataFrame
        Distributions along `axis`.
    axis : int
        The axis of the categories.
    normalize : {"check", "yes", "no"}
        Demand rows of sum one, divide by the sums, or take masses as they are.
    logits : bool
        The numbers are unnormalised log-probabilities; rows go through log-softmax.

    Returns
    -------
    Rows
        The input is not modified.

    Raises
    ------
    InputTypeError
        If the entries are not real numbers.
    InputError
        If the shape, a value or a sum is impossible.

    Notes
    -----
    Tables in single or half precision are converted to float64; under ``"check"`` their sums
    may miss one by the rounding of that type and are then divided out.

    Examples
    --------
    >>> read_rows("P", [[1, 3], [2, 2]], normalize="yes").values
    array([[0.25, 0.75],
           [0.5 , 0.5 ]])
    """
    mode = check_choice("normalize", normalize, ("check", "yes", "no"))
    array, resolution = _with_categories_last(name, table, axis)
    if check_flag("logits", logits):
        return _log_softmax(name, array)
    _refuse_bad_values(name, array)
    sums = _row_sums(array)
    if array.size and not np.isfinite(sums).all():
        raise InputError(f"{name} must be finite with finite row sums, got {_places(~np.isfinite(sums))}")
    if (sums <= 0.0).any():
        raise InputError(
            f"{name} must have positive mass in every row, got {_places(sums <= 0.0)} of zeros only"
        )
    if mode == "check":
        _refuse_wrong_sums(name, sums, _SUM_TOLERANCE + 4.0 * resolution * (1.0 + math.log2(array.shape[-1])))
    if mode == "yes" or (mode == "check" and resolution > 0.0):
        return Rows(name, array / sums[..., None], np.ones_like(sums))
    return Rows(name, array, sums)


def read_pair(
    P: TableLike,
    Q: TableLike,
    *,
    axis: int = -1,
    normalize: Normalize = "check",
    logits: bool = False,
    names: tuple[str, str] = ("P", "Q"),
) -> RowPair:
    """Return two tables as rows that broadcast against each other.

    Parameters
    ----------
    P, Q : array_like, Series or DataFrame
        Tables with the same categories along `axis`; the other axes broadcast.
    axis, normalize, logits
        As in `read_rows`, for both.
    names : tuple of str
        The arguments, for messages.

    Returns
    -------
    RowPair
        The pair.

    Raises
    ------
    InputTypeError, InputError
        As `read_rows`; also if the categories differ in number or in their labels, or the
        other axes do not broadcast.

    Examples
    --------
    >>> read_pair([[0.5, 0.5], [1, 0]], [0.5, 0.5]).shape
    (2,)
    """
    p = read_rows(names[0], P, axis=axis, normalize=normalize, logits=logits)
    q = read_rows(names[1], Q, axis=axis, normalize=normalize, logits=logits)
    if p.n_cells != q.n_cells:
        raise InputError(
            f"{names[0]} and {names[1]} must have the same number of categories along axis {axis}, "
            f"got {p.n_cells} and {q.n_cells} (shapes {np.shape(P)} and {np.shape(Q)})"
        )
    _refuse_other_labels(P, Q, axis, names)
    try:
        shape = np.broadcast_shapes(p.shape, q.shape)
    except ValueError:
        raise InputError(
            f"{names[0]} and {names[1]} must broadcast apart from axis {axis}, "
            f"got shapes {np.shape(P)} and {np.shape(Q)}"
        ) from None
    return RowPair(p, q, shape)


def in_base(values: FloatArray, base: float | None) -> Any:
    """Return nats in units of log(base), as a float where there is one number.

    Parameters
    ----------
    values : ndarray
        Nats.
    base : float or None
        Base of the logarithm, above 1; None for nats.

    Returns
    -------
    float or ndarray
        values / log(base).

    Raises
    ------
    InputError
        If the base is not above 1.
    """
    if base is not None:
        values = values / math.log(check_number("base", base, low=1.0, open_low=True))
    return float(values) if np.ndim(values) == 0 else np.asarray(values)


def _with_categories_last(name: str, table: TableLike, axis: int) -> tuple[FloatArray, float]:
    # The resolution is that of single or half precision, 0 for everything finer.
    dtypes = table.dtypes if isinstance(table, pd.DataFrame) else [getattr(table, "dtype", None)]
    coarse = [d for d in dtypes if getattr(d, "kind", "") == "f" and getattr(d, "itemsize", 8) < 8]
    resolution = max((float(np.finfo(d).eps) for d in coarse), default=0.0)
    array = as_float_array(name, table, finite=False)
    if array.ndim == 0:
        raise InputError(
            describe(name, "a table of probabilities with at least one axis", Words("one number"))
        )
    position = check_axis(name, axis, array.ndim)
    if array.shape[position] == 0:
        raise InputError(describe(name, "a table with at least one category", Words(f"shape {array.shape}")))
    return np.moveaxis(array, position, -1), resolution


def check_axis(name: str, axis: int, ndim: int, argument: str = "axis") -> int:
    """Return the position of `axis` counted from 0, or raise.

    Parameters
    ----------
    name : str
        The table, for the message.
    axis : int
        From -ndim to ndim - 1.
    ndim : int
        Number of axes of the table.
    argument : str
        Argument that the position came in.

    Returns
    -------
    int
        The position.

    Raises
    ------
    InputTypeError
        If it is no integer.
    InputError
        If the table has no such axis.
    """
    position = check_count(argument, axis, low=-(10**6))
    if not -ndim <= position < ndim:
        required = f"an axis of {name}, from {-ndim} to {ndim - 1}"
        raise InputError(describe("axis", required, axis))
    return position % ndim


def _log_softmax(name: str, array: FloatArray) -> Rows:
    n_bad = int(np.isnan(array).sum()), int((array == np.inf).sum())
    if any(n_bad):
        raise InputError(
            f"{name} must be finite or -inf where logits=True, got {n_bad[0]} NaN and {n_bad[1]} inf"
        )
    largest = array.max(axis=-1)
    if (largest == -np.inf).any():
        raise InputError(
            f"{name} must have positive mass in every row, got {_places(largest == -np.inf)} of -inf only"
        )
    shifted = array - largest[..., None]
    logs = shifted - logsumexp(shifted, axis=-1, keepdims=True)
    return Rows(name, np.asarray(logs), np.ones(array.shape[:-1]), logs=True)


def _refuse_bad_values(name: str, array: FloatArray) -> None:
    # One pass in the good case: the minimum is NaN if any entry is.
    smallest = float(array.min()) if array.size else 0.0
    if smallest >= 0.0:
        return
    n_nan = int(np.isnan(array).sum())
    if n_nan:
        raise InputError(
            f"{name} must not hold NaN, got {n_nan} NaN in {_places(np.isnan(array).any(axis=-1))}"
        )
    negative = array < 0.0
    raise InputError(
        f"{name} must be non-negative, got {int(negative.sum())} negative values (smallest {smallest:g}) "
        f"in {_places(negative.any(axis=-1))}; pass logits=True for log-probabilities"
    )


def _row_sums(array: FloatArray) -> FloatArray:
    n_cells = array.shape[-1]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(array @ np.ones(n_cells) if n_cells <= _LONGEST_PRODUCT else array.sum(axis=-1))


def _refuse_wrong_sums(name: str, sums: FloatArray, tolerance: float) -> None:
    off = np.abs(sums - 1.0)
    if not (off > tolerance).any():
        return
    worst = np.unravel_index(int(np.argmax(off)), sums.shape)
    where = f"row {_place(worst)} sums to" if sums.ndim else "the sum is"
    raise InputError(
        f"{name} must have rows that sum to 1 within {tolerance:.0e}, "
        f"got {int((off > tolerance).sum())} that do not; "
        f"the worst: {where} {float(sums[worst]):.12g}; pass normalize='yes' to divide by the sums, "
        "normalize='no' for measures of any mass, logits=True for log-probabilities"
    )


def _refuse_other_labels(P: Any, Q: Any, axis: int, names: tuple[str, str]) -> None:
    first, second = _labels(P, axis), _labels(Q, axis)
    if first is None or second is None or first.equals(second):
        return
    same = set(first) == set(second)
    raise InputError(
        f"{names[0]} and {names[1]} must list the same categories in the same order, got "
        + ("the same labels in another order" if same else f"{list(first)[:5]} and {list(second)[:5]}")
        + "; reindex one like the other, or pass arrays"
    )


def _labels(table: Any, axis: int) -> pd.Index[Any] | None:
    # A default 0, 1, 2, ... says nothing about the categories.
    if not isinstance(table, (pd.Series, pd.DataFrame)):
        return None
    labels = table.axes[axis]
    return None if isinstance(labels, pd.RangeIndex) else labels


def _place(index: tuple[Any, ...]) -> str:
    return str(int(index[0])) if len(index) == 1 else str(tuple(int(i) for i in index))


def _places(mask: NDArray[np.bool_] | np.bool_) -> str:
    if np.ndim(mask) == 0:
        return "the row"
    found = np.argwhere(mask)
    shown = ", ".join(_place(tuple(i)) for i in found[:3])
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f"row {shown}{more}" if len(found) == 1 else f"rows {shown}{more}"
