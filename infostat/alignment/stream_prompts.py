"""Prompt tables that are too large to be read as tables: only what estimates need is kept.

Prompts share one tilt, so estimates and their bootstrap need the rewards of every prompt together. A
table in memory holds a text for every row; here the rows are read in pieces, and a row leaves its reward
and the number of its prompt. The outcome is what reading the whole table gives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..core.chunks import frame_stream, is_dask, is_large
from ..core.data import Columns, Table, selected_labels
from ..core.errors import DataError
from ..core.validation import FloatArray
from .input_columns import LOG_PROBABILITIES, PROBABILITIES, column, column_roles

__all__ = ["PromptRows", "read_prompt_rows"]

_ROLES = ("prompt_id", "reward", "true_reward")


class PromptRows:
    """Rows of a prompt table, of which little is kept.

    Attributes
    ----------
    codes : ndarray of int32 of shape (m,)
        Number of the prompt of each row, in the order of their first rows.
    names : tuple of str
        Names of the prompts.
    reward : ndarray of shape (m,)
        Rewards.
    true : ndarray of shape (m,) or None
        True rewards.
    columns : tuple of str
        Columns that were used.
    source : str
        The path, or the kind of object that was passed.
    """

    def __init__(self, columns: tuple[str, ...], source: str) -> None:
        self.columns, self.source = columns, source
        self._known: dict[Any, int] = {}
        self._codes: list[NDArray[np.int32]] = []
        self._rewards: list[FloatArray] = []
        self._true: list[FloatArray] = []
        self._missing = 0
        self._kind = ""

    def add(self, frame: pd.DataFrame) -> None:
        """Take the next rows.

        Parameters
        ----------
        frame : DataFrame
            Columns `columns`: prompts, rewards and, if there are any, true rewards.
        """
        prompts = frame.iloc[:, 0]
        if prompts.notna().any():
            self._check_kind("numbers" if pd.api.types.is_numeric_dtype(prompts.dtype) else "text")
        codes, names = pd.factorize(prompts, use_na_sentinel=True)
        self._missing += int((codes < 0).sum())
        places = np.array([self._known.setdefault(name, len(self._known)) for name in names], dtype=np.int32)
        self._codes.append(places[codes] if len(places) else np.zeros(len(codes), dtype=np.int32))
        table = Table(frame, self.source)
        self._rewards.append(column(table, self.columns[1]))
        if len(self.columns) > 2:
            self._true.append(column(table, self.columns[2]))

    def _check_kind(self, kind: str) -> None:
        # The number 1 and the text "1" would become two prompts, which are one where the table is read whole.
        if self._kind not in ("", kind):
            before = sum(map(len, self._codes))
            raise DataError(
                f"prompt_id must be numbers in every row or text in every row, got {kind} from row {before} on after "
                f"{self._kind}; write all of them alike, for instance with a letter in front"
            )
        self._kind = kind

    def finish(self) -> PromptRows:
        """Put the pieces together.

        Returns
        -------
        PromptRows
            Itself.

        Raises
        ------
        DataError
            If a row has no prompt.
        """
        self.codes = np.concatenate(self._codes)
        if self._missing:
            raise DataError(
                f"prompt_id must not be missing, got {self._missing} of {len(self.codes)} rows without one"
            )
        self.names = tuple(str(name) for name in self._known)
        self.reward = np.concatenate(self._rewards)
        self.true = np.concatenate(self._true) if self._true else None
        self._codes, self._rewards, self._true, self._known = [], [], [], {}
        return self


def read_prompt_rows(
    data: Any, true: Any = None, prompt_id: Any = None, columns: Columns = None, drop: Columns = None
) -> PromptRows | None:
    """Return the rows of a large prompt table, or None where the data are something else.

    Parameters
    ----------
    data : object
        A path, a Dask frame, or anything else.
    true, prompt_id : object
        Names of columns; None takes what `column_roles` finds.
    columns, drop : str or list, optional
        Columns to look at, or to leave alone.

    Returns
    -------
    PromptRows or None
        None for small files, arrays, one population, laws and prompts x samples.

    Raises
    ------
    DataError
        If a row has no prompt, or two columns could play one role.
    InputTypeError
        If rewards are not numeric.

    Examples
    --------
    >>> read_prompt_rows([1.0, 2.0]) is None
    True
    """
    named = all(value is None or isinstance(value, str) for value in (true, prompt_id))
    if not named or not (is_large(data) or _is_dask_table(data)):
        return None
    wanted: list[str] = []

    def select(labels: list[str]) -> list[str]:
        chosen = selected_labels(labels, columns, drop)
        roles = column_roles(Table(pd.DataFrame(columns=chosen), ""), true, prompt_id)
        law = any(role in roles for role in (*PROBABILITIES, *LOG_PROBABILITIES))
        if not law and "prompt_id" in roles and "reward" in roles:
            wanted.extend(roles[role] for role in _ROLES if role in roles)
        return wanted or chosen

    stream = frame_stream(data, select)
    if not wanted:
        return None
    found = PromptRows(tuple(wanted), stream.source)
    for frame in stream.frames():
        if len(frame):
            found.add(frame)
    return found.finish()


def _is_dask_table(data: Any) -> bool:
    return is_dask(data) and hasattr(data, "columns") and getattr(data, "ndim", 2) == 2
