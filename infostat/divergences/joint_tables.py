"""Joint tables of several variables: arrays, frames and Series become one checked array."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from ..core.errors import InputError, InputTypeError, Words, describe
from ..core.validation import FloatArray, as_plain_array, short
from .probability_tables import Normalize, check_axis, read_rows

__all__ = ["Axes", "axis_names", "check_axes", "joint_table"]

Axes: TypeAlias = Sequence[Hashable] | None


def axis_names(joint: Any) -> tuple[Any, list[Hashable]]:
    """Return a joint table as something array-like, and the names of its axes.

    Parameters
    ----------
    joint : array_like, DataFrame or Series
        A frame has its rows and columns as axes, a Series one axis per index level.

    Returns
    -------
    array_like, list
        The table, and one name per axis, None where there is none.

    Raises
    ------
    InputError
        If a Series lists a cell twice.
    """
    if isinstance(joint, pd.DataFrame):
        if joint.index.nlevels == 1 and joint.columns.nlevels == 1:
            return joint, [joint.index.name, joint.columns.name]
        joint = joint.stack(list(range(joint.columns.nlevels)), future_stack=True)
    if isinstance(joint, pd.Series) and joint.index.nlevels > 1:
        if not joint.index.is_unique:
            raise InputError(
                describe("joint", "a Series with one entry per cell", Words("repeated index entries"))
            )
        levels = [joint.index.unique(level) for level in range(joint.index.nlevels)]
        # Cells that the index does not list have no mass.
        full = joint.reindex(pd.MultiIndex.from_product(levels), fill_value=0)
        return np.asarray(full).reshape([len(level) for level in levels]), list(joint.index.names)
    return joint, [None] * as_plain_array("joint", joint).ndim


def check_axes(axes: Any) -> Sequence[Hashable]:
    """Return the variables asked for as a sequence.

    Parameters
    ----------
    axes : object
        What the caller passed.

    Returns
    -------
    sequence
        The axes.

    Raises
    ------
    InputTypeError
        If it is no sequence.

    Examples
    --------
    >>> check_axes((0, "y"))
    (0, 'y')
    """
    if isinstance(axes, (list, tuple, range)):
        return axes
    if isinstance(axes, (np.ndarray, pd.Index)) and axes.ndim == 1:
        return tuple(axes.tolist())
    raise InputTypeError(describe("axes", "a sequence of axes, by position or by name", short(axes)))


def joint_table(name: str, joint: Any, n_axes: int, axes: Axes, normalize: Normalize) -> FloatArray:
    """Return a checked joint law with the wanted variables as its last axes.

    Parameters
    ----------
    name : str
        The argument, for messages.
    joint : array_like, DataFrame or Series
        Probabilities.
    n_axes : int
        Number of variables.
    axes : sequence of int or str, optional
        The variables among the axes; the others are summed out. None: the last `n_axes`.
    normalize : {"check", "yes", "no"}
        As in `read_rows`, for each joint law.

    Returns
    -------
    ndarray
        With leading batch axes only where `axes` is None.

    Raises
    ------
    InputError
        If the table or the axes are impossible.
    """
    values, names = axis_names(joint)
    array = as_plain_array(name, values)
    if array.ndim < n_axes:
        raise InputError(
            describe(name, f"a table with at least {n_axes} axes", Words(f"shape {array.shape}"))
        )
    if axes is None:
        lead, tail = array.shape[:-n_axes], array.shape[-n_axes:]
    else:
        chosen = _positions(name, axes, n_axes, names)
        others = [k for k in range(array.ndim) if k not in chosen]
        array = np.transpose(array, [*chosen, *others])
        lead, tail = (), array.shape
    rows = read_rows(name, array.reshape(*lead, -1), normalize=normalize)
    table = rows.values.reshape(*lead, *tail)
    # Variables that were not asked for come last now.
    return table if axes is None else np.asarray(table.sum(axis=tuple(range(n_axes, table.ndim))))


def _positions(name: str, axes: Sequence[Hashable], n_axes: int, names: list[Hashable]) -> list[int]:
    axes = check_axes(axes)
    if len(axes) != n_axes:
        raise InputError(describe("axes", f"a sequence of {n_axes} axes", short(axes)))
    found = []
    for axis in axes:
        if isinstance(axis, Hashable) and axis is not None and any(axis is label or axis == label for label in names):
            found.append(names.index(axis))
        elif isinstance(axis, str):
            known = ", ".join(repr(label) for label in names if label is not None) or "none"
            raise InputError(f"axes must name variables of {name}, got {axis!r}; names there are: {known}")
        else:
            found.append(check_axis(name, axis, len(names), "axes"))  # type: ignore[arg-type]
    if len(set(found)) < n_axes:
        raise InputError(describe("axes", "different axes", short(axes)))
    return found
