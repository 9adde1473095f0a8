"""What the package ships, as a result that prints and saves like any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.results import Result
from ..core.tables import Cell, Section
from .loaders import available, load

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DatasetCatalogue", "catalogue"]


@dataclass(frozen=True, eq=False, repr=False)
class DatasetCatalogue(Result):
    """The shipped data sets, or the columns of one of them.

    Attributes
    ----------
    name : str or None
        Data set whose columns are listed; None for the list of data sets.
    table : DataFrame
        One row per data set (``name rows columns description source licence``) or per
        column (``column type distinct minimum mean maximum``; numbers are missing for text).
    source : str or None
        Where the data set comes from.
    licence : str or None
        Its licence.
    """

    name: str | None
    table: pd.DataFrame
    source: str | None = None
    licence: str | None = None

    def _title(self) -> str:
        return "Data sets" if self.name is None else f"Data set {self.name}"

    def to_frame(self) -> pd.DataFrame:
        """Return the table.

        Returns
        -------
        DataFrame
            A copy.
        """
        return self.table.copy()

    def _sections(self) -> Sequence[Section]:
        if self.name is None:
            short = self.table[["name", "rows", "columns", "licence"]]
            return [Section(_rows(short), tuple(short.columns))]
        return [Section(_rows(self.table), tuple(self.table.columns))]

    def _notes(self) -> Sequence[str]:
        if self.name is None:
            lines = [f"{r.name}: {r.description}. Source: {r.source}." for r in self.table.itertuples(index=False)]
            return [*lines, "Use one as infostat.load_dataset(NAME), or as dataset:NAME on the command line."]
        return [f"Source: {self.source}.", f"Licence: {self.licence}."]


def _rows(frame: pd.DataFrame) -> list[list[Cell]]:
    return [[None if _missing(v) else v for v in row] for row in frame.astype(object).to_numpy().tolist()]


def _missing(value: Any) -> bool:
    return value is None or value != value


def catalogue(name: str | None = None) -> DatasetCatalogue:
    """Return what the package ships, or what one data set holds.

    Parameters
    ----------
    name : str, optional
        A data set; None lists all.

    Returns
    -------
    DatasetCatalogue
        Prints as a table; ``to_frame()`` gives the numbers.

    Raises
    ------
    InputError
        If no data set has that name.

    Examples
    --------
    >>> catalogue("wine_red").table["column"].tolist()[:2]
    ['fixed acidity', 'volatile acidity']
    """
    if name is None:
        return DatasetCatalogue(None, available())
    import pandas as pd

    frame = load(name)
    records = [_describe(label, frame[label]) for label in frame.columns]
    return DatasetCatalogue(
        name, pd.DataFrame.from_records(records), frame.attrs["source"], frame.attrs["licence"]
    )


def _describe(label: str, column: pd.Series) -> dict[str, Any]:
    number = column.dtype.kind in "iuf"
    return {
        "column": label,
        "type": "number" if number else "text",
        "distinct": int(column.nunique()),
        "minimum": float(column.min()) if number else None,
        "mean": float(column.mean()) if number else None,
        "maximum": float(column.max()) if number else None,
    }
