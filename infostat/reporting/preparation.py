"""From the table a user has to the rows and columns that a report analyses, with everything said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..core.data import Table
from ..core.errors import DataError
from .column_kinds import ColumnKind, as_numbers, column_kind, is_missing

__all__ = ["Prepared", "prepare_table"]

_FEWEST = 3


@dataclass(frozen=True, eq=False)
class Prepared:
    """Rows and columns of a report.

    Attributes
    ----------
    table : Table
        The selected data as they came.
    kinds : dict of str to ColumnKind
        How each column is read, left-out ones included.
    frame : DataFrame
        Complete rows of the columns that are used; numbers are floats, words are str.
    cautions : tuple of (str, str)
        What was left out and why, with the place it concerns.
    """

    table: Table
    kinds: dict[str, ColumnKind]
    frame: pd.DataFrame
    cautions: tuple[tuple[str, str], ...]

    def labels(self, *kinds: str) -> list[str]:
        """Return the labels of the used columns of some kinds, in the order of the table."""
        return [label for label in self.frame.columns if self.kinds[label].kind in kinds]

    def part(self, labels: list[str]) -> Table:
        """Return some of the columns under the name of the source."""
        return Table(self.frame[labels], self.table.source)


def prepare_table(table: Table, missing: str) -> Prepared:
    """Return what is analysed: kinds of the columns, complete rows, and what was left out.

    Parameters
    ----------
    table : Table
        The selected data.
    missing : {"drop", "raise"}
        What to do with rows that have a missing or infinite value.

    Returns
    -------
    Prepared
        Kinds, clean frame and cautions.

    Raises
    ------
    DataError
        If nothing is left, or a value is missing where that is refused.

    Examples
    --------
    >>> from infostat.core.data import read_table
    >>> rows = read_table(pd.DataFrame({"x": [1.5, 2.5, None, 4.5], "id": ["a", "b", "c", "d"]}))
    >>> found = prepare_table(rows, "drop")
    >>> found.frame["x"].tolist(), found.kinds["id"].why
    ([1.5, 2.5, 4.5], '4 different words in 4 rows: names or free text')
    """
    frame = table.frame
    if len(frame) < _FEWEST:
        raise DataError(f"data must have at least {_FEWEST} rows, got {len(frame)}")
    kinds = {str(label): column_kind(frame[label]) for label in frame.columns}
    used = [label for label, kind in kinds.items() if kind.kind != "left out"]
    if not used:
        listed = "; ".join(f"{label}: {kind.why}" for label, kind in list(kinds.items())[:10])
        raise DataError(f"data must have a column that can be analysed, got none ({listed})")
    gone = pd.DataFrame({label: is_missing(frame[label]) for label in used})
    incomplete = gone.any(axis=1).to_numpy()
    if incomplete.any() and missing == "raise":
        counts = ", ".join(f"{label!r}: {int(n)}" for label, n in gone.sum().items() if n)
        raise DataError(
            f"data must be finite, got missing or infinite values ({counts}); fill them, leave the columns out, or use "
            'missing="drop"'
        )
    kept = frame.loc[~incomplete, used]
    if len(kept) < _FEWEST:
        raise DataError(
            f"data must have at least {_FEWEST} rows without missing values, got {len(kept)} of {len(frame)}; leave "
            "columns with many missing values out"
        )
    # A column may have lost the rows that made it vary, or its only value between two levels.
    again = {label: column_kind(kept[label]) for label in used}
    kinds |= again
    used = [label for label in used if again[label].kind != "left out"]
    if not used:
        raise DataError("data must have a column that varies over the rows without missing values, got none")
    clean = pd.DataFrame({label: _clean(kept[label]) for label in used}).reset_index(drop=True)
    return Prepared(table, kinds, clean, tuple(_cautions(kinds, gone, incomplete, clean)))


def _clean(column: pd.Series) -> pd.Series:
    values = as_numbers(column)
    return column.astype(str) if values is None else pd.Series(values, index=column.index)


def _cautions(
    kinds: dict[str, ColumnKind], gone: pd.DataFrame, incomplete: np.ndarray, clean: pd.DataFrame
) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    n_gone, n = int(incomplete.sum()), len(incomplete)
    if n_gone:
        columns = [str(label) for label, count in gone.sum().items() if count]
        text = (
            f"{n_gone} of {n} rows have a missing or infinite value and are left out of everything. If values are "
            "missing for a reason, the other rows are no fair sample."
        )
        found += [(text, label) for label in columns]
    found += [
        (f"Column left out: {kind.why}.", label) for label, kind in kinds.items() if kind.kind == "left out"
    ]
    measured = any(kinds[str(label)].kind in ("real", "positive") for label in clean.columns)
    repeated = int(clean.duplicated().sum())
    if measured and repeated:
        found.append((
            f"{repeated} of {len(clean)} rows repeat an earlier row. If they are copies rather than observations of "
            "their own, there are fewer rows than the numbers below assume.",
            "",
        ))  # fmt: skip
    return found
