"""Which columns of a table mean what: the names that reward data are read by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..core.data import Table
from ..core.errors import DataError, InputError, InputTypeError, Words, describe
from ..core.validation import FloatArray, short

__all__ = [
    "LABELS",
    "LOG_PROBABILITIES",
    "NEEDED",
    "PROBABILITIES",
    "column",
    "column_roles",
    "not_numeric",
    "numbered",
    "quoted",
]

PROBABILITIES = ("prob", "probability")
LOG_PROBABILITIES = ("logprob", "logp")
LABELS = ("token", "label", "word")
KNOWN = ("reward", "true_reward", "prompt_id", "logp_teacher", *PROBABILITIES, *LOG_PROBABILITIES, *LABELS)

NEEDED = (
    "'reward' (one sample a row; with 'prompt_id' a prompt table), 'prob' or 'logprob' beside 'reward' (a pmf), "
    "'token' and 'logp' with 'logp_teacher' or 'reward' (a vocabulary), or numbered columns such as r1, r2, ... "
    "(prompts x samples)"
)


def column_roles(table: Table, true: Any, prompt_id: Any) -> dict[str, str]:
    """Return the known column names that a table has, and the labels that carry them.

    Parameters
    ----------
    table : Table
        Data.
    true, prompt_id : object
        A text is the label that plays that role.

    Returns
    -------
    dict of str to str
        Role and label. Case does not matter, but an exact spelling wins.

    Raises
    ------
    DataError
        If two columns could play one role.
    InputError
        If `true` or `prompt_id` names no column.

    Examples
    --------
    >>> from infostat.core.data import read_table
    >>> import pandas as pd
    >>> column_roles(read_table(pd.DataFrame({"Reward": [1.0], "length": [3]})), None, None)
    {'reward': 'Reward'}
    """
    labels = table.labels
    roles: dict[str, str] = {}
    for role in KNOWN:
        same = [label for label in labels if label == role] or [x for x in labels if x.strip().lower() == role]
        if len(same) > 1:
            raise DataError(f"data must have one column {role!r}, got {quoted(same)}")
        if same:
            roles[role] = same[0]
    for role, argument, value in (("true_reward", "true", true), ("prompt_id", "prompt_id", prompt_id)):
        if isinstance(value, str):
            if value not in labels:
                raise InputError(f"{argument} must name a column, got {value!r}; available: {quoted(labels)}")
            roles[role] = value
    return roles


def numbered(labels: Sequence[str]) -> bool:
    """Return whether labels are numbers, or one stem followed by numbers.

    Parameters
    ----------
    labels : sequence of str
        Column labels.

    Returns
    -------
    bool
        True for ``0, 1, 2`` and ``r1, r2``.

    Examples
    --------
    >>> numbered(["r1", "r2"]), numbered(["score", "length"])
    (True, False)
    """
    parts = [re.fullmatch(r"(.*?)(\d+)", label.strip()) for label in labels]
    return all(parts) and len({part[1] for part in parts if part}) == 1


def column(table: Table, label: str) -> FloatArray:
    """Return a column as floats; missing values become NaN.

    Parameters
    ----------
    table : Table
        Data.
    label : str
        Its column.

    Returns
    -------
    ndarray of shape (rows,)
        Float64.

    Raises
    ------
    InputTypeError
        If it holds text or other objects.

    Examples
    --------
    >>> from infostat.core.data import read_table
    >>> column(read_table([[1, 2], [3, 4]]), "x2")
    array([2., 4.])
    """
    values: Any = table.frame[label]
    kind = getattr(values.dtype, "kind", "O")
    reals = kind in "biuf" or (kind == "O" and not any(isinstance(v, (str, bytes, complex)) for v in values))
    try:
        if reals:
            return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError):
        pass
    raise not_numeric(f"column {label!r}", values)


def not_numeric(name: str, values: Any) -> InputTypeError:
    """Return the error about values of which one, at least, is no number.

    Parameters
    ----------
    name : str
        What they are called.
    values : Series
        The values, in the order of the rows.

    Returns
    -------
    InputTypeError
        It shows the first that is no number, which need not be the first, and where it stands.
    """
    cure = "correct the file, or leave the row out"
    for row, value in enumerate(values):
        try:
            float(value)
        except (TypeError, ValueError, OverflowError):
            if value is not None and value is not pd.NA:
                return InputTypeError(describe(name, "numeric", Words(f"{short(value)} in row {row}"), cure))
    first = short(values.iloc[0] if len(values) else None)
    return InputTypeError(describe(name, "numeric", first, "give numbers, not text or dates"))


def quoted(labels: Sequence[str]) -> str:
    """Return labels in quotes, at most a dozen.

    Parameters
    ----------
    labels : sequence of str
        Column labels.

    Returns
    -------
    str
        Text for a message.

    Examples
    --------
    >>> quoted(["a", "b"])
    "'a', 'b'"
    """
    shown = ", ".join(repr(label) for label in labels[:12])
    return shown if len(labels) <= 12 else f"{shown} and {len(labels) - 12} more"
