"""The part of a report that says what is in the data, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.tables import Cell
from .column_profile import ColumnProfile
from .preparation import Prepared
from .report_result import ReportPart, ReportTable

__all__ = ["all_of", "data_part", "plural"]

_KINDS = {
    "real": "measurements",
    "positive": "measurements",
    "count": "counts",
    "binary": "0/1 values",
    "levels": "levels",
}


def plural(count: int, word: str, words: str = "") -> str:
    """Return a number with its noun.

    Parameters
    ----------
    count : int
        How many.
    word, words : str
        Singular and plural; the plural adds an s if it is left out.

    Returns
    -------
    str
        For instance ``"3 rows"``.

    Examples
    --------
    >>> plural(1, "row"), plural(3, "row")
    ('1 row', '3 rows')
    """
    return f"{count} {word if count == 1 else words or word + 's'}"


def all_of(count: int) -> str:
    """Return "both" or "all" with the number.

    Parameters
    ----------
    count : int
        How many, at least two.

    Returns
    -------
    str
        Words to stand before a noun.

    Examples
    --------
    >>> all_of(2), all_of(5)
    ('both', 'all 5')
    """
    return "both" if count == 2 else f"all {count}"


def data_part(prepared: Prepared, profiles: Mapping[str, ColumnProfile]) -> ReportPart:
    """Return the part that describes the columns and how each is read.

    Parameters
    ----------
    prepared : Prepared
        Rows and kinds.
    profiles : mapping of str to ColumnProfile
        Every column, left-out ones included.

    Returns
    -------
    ReportPart
        Two tables.
    """
    n, total = len(prepared.frame), len(prepared.table.frame)
    used = [p for p in profiles.values() if p.kind != "left out"]
    rows = plural(n, "row") if n == total else f"{n} complete rows of {total}"
    n_out = len(profiles) - len(used)
    out = f"; {plural(n_out, 'column is', 'columns are')} left out" if n_out else ""
    text = f"{rows[0].upper()}{rows[1:]} and {plural(len(used), 'column')} are analysed: {_kinds(used)}{out}."
    return ReportPart(
        anchor="data",
        title="What is in the data?",
        interpretation=text,
        tables=(_reading(profiles), *_numbers(profiles)),
    )


def _kinds(used: Sequence[ColumnProfile]) -> str:
    counted: dict[str, int] = {}
    for profile in used:
        counted[_KINDS[profile.kind]] = counted.get(_KINDS[profile.kind], 0) + 1
    return ", ".join(f"{count} of {kind}" for kind, count in counted.items())


def _reading(profiles: Mapping[str, ColumnProfile]) -> ReportTable:
    rows: list[tuple[Cell, ...]] = []
    for profile in profiles.values():
        judged = dict.fromkeys([*(profile.criteria or {}), *(profile.reasons or {})])
        why = f"left out: {profile.why}" if profile.kind == "left out" else profile.why
        rows.append((profile.column, why, ", ".join(judged) or "-"))
    note = (
        "The kind is read from the values alone: whole numbers with more than 50 different values count as rounded "
        "measurements, words with more different values than half the rows as names. Choose a model with family= "
        "(command line: --family) where you know better."
    )
    return ReportTable("How each column is read", ("column", "read as", "families judged"), tuple(rows), note)


def _numbers(profiles: Mapping[str, ColumnProfile]) -> list[ReportTable]:
    rows: list[tuple[Cell, ...]] = []
    for p in profiles.values():
        if p.kind != "left out" and p.mean == p.mean:
            low, _, median, _, high = p.quantiles.tolist()
            rows.append((p.column, p.n, p.n_missing, p.distinct, low, median, high, p.mean, p.sd, p.skewness))
    header = ("column", "values", "missing", "different", "minimum", "median", "maximum", "mean", "s.d.", "skewness")
    return [ReportTable("The numbers in each column", header, tuple(rows))] if rows else []
