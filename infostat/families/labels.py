"""Columns of labels: reading them, refusing missing ones, turning them into arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError, InputError, InputTypeError
from ..core.validation import short
from .rows import data_shape, entries_of

__all__ = ["check_levels", "labels_array", "labels_of"]


def check_levels(levels: Sequence[Any]) -> tuple[Any, ...]:
    """Return levels as a tuple of at least two different labels, or raise.

    Parameters
    ----------
    levels : sequence
        Labels in order.

    Returns
    -------
    tuple
        The labels.

    Raises
    ------
    InputError
        If there are fewer than two or repeated ones.

    Examples
    --------
    >>> check_levels(["low", "high"])
    ('low', 'high')
    """
    known = tuple(labels_of(entries_of(levels, "levels", "a sequence of labels")))
    if len(known) < 2 or len(set(known)) < len(known):
        raise InputError(f"levels must be at least two different labels, got {short(list(known))}")
    return known


def labels_of(data: Any) -> list[Any]:
    """Return one column of labels as Python objects, without missing values.

    Parameters
    ----------
    data : array_like
        Labels ``(m,)`` or ``(m, 1)``.

    Returns
    -------
    list
        Hashable labels.

    Raises
    ------
    DataError
        If labels are missing (None, NaN, NA, NaT).

    Examples
    --------
    >>> labels_of(np.array([[1], [2]]))
    [1, 2]
    """
    if isinstance(data, (list, tuple, range)):
        # np.asarray would turn a mixed list such as [1, "a"] into strings.
        array = np.empty(len(data), dtype=object)
        for k, v in enumerate(data):  # one by one: NumPy would ask each label whether it is an array
            array[k] = v.item() if isinstance(v, np.generic) else v
        if len(array) and isinstance(array[0], (list, tuple, np.ndarray)):
            data_shape(data)  # refuses rows of different lengths
            array = np.array(array.tolist(), dtype=object)
    else:
        data_shape(data)
        array = np.asarray(data)
    shape = np.shape(array)
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1):
        raise InputError(
            f"data for the categorical family must be one column of labels, got shape {shape}; "
            "select a column, or use ProductFamily"
        )
    labels: list[Any] = array.reshape(-1).tolist()
    try:
        n_missing = sum(_is_missing(label) for label in set(labels))
    except TypeError:
        raise InputTypeError("labels must be strings, numbers or other hashable values") from None
    if n_missing:
        count = sum(_is_missing(label) for label in labels)
        raise DataError(
            f"labels must not be missing, got {count} missing values; "
            "drop these rows or give them a level of their own"
        )
    return labels


def _is_missing(label: Any) -> bool:
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(label, float) and label != label


def labels_array(levels: tuple[Any, ...]) -> NDArray[Any]:
    """Return the levels as an array that keeps their type.

    Parameters
    ----------
    levels : tuple
        Labels.

    Returns
    -------
    ndarray
        Of strings or numbers if all are of one kind, of objects otherwise.

    Examples
    --------
    >>> labels_array((1, "a")).dtype
    dtype('O')
    """
    if len({type(level) for level in levels}) == 1 and isinstance(levels[0], (str, bool, int, float)):
        return np.array(levels)
    out = np.empty(len(levels), dtype=object)
    out[:] = levels
    return out
