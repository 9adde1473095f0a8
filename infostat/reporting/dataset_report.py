"""The report of a data set: what is in it, is it large enough, do the models fit, can a density be trusted."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from ..core.data import Table
from ..core.errors import DataError, InfostatWarning
from ..core.page import versions
from ..core.results import Result
from ..core.rng import child, seed_label
from ..core.tables import Cell
from ..families.base import ExponentialFamily
from ..families.registry import get_family
from ..projection.criterion_result import PNCriterion
from ..projection.sequence_result import PNSequence
from .cautions import caution_line, gather_cautions
from .citations import citations_of
from .column_parts import data_part
from .column_profile import ColumnProfile, profile_column
from .density_part import density_part
from .fit_part import fit_part
from .large_table import LargeTable, whole_part
from .models import JointModels, Judging, joint_groups, judge, judge_column
from .preparation import Prepared, prepare_table
from .report_result import Report, ReportPart
from .sequence_parts import judge_groups
from .size_part import size_part

__all__ = ["dataset_report", "source_words"]

_MOST_COLUMNS = 200  # judged one by one

_Wanted: TypeAlias = "dict[str, dict[str, ExponentialFamily]]"


def dataset_report(
    table: Table,
    families: Mapping[str, ExponentialFamily] | None,
    *,
    title: str | None,
    how: Judging,
    missing: str,
    told: Callable[[int, int], object] | None,
    large: LargeTable | None = None,
) -> Report:
    """Return the report of a table.

    Parameters
    ----------
    table : Table
        The selected data.
    families : mapping of str to ExponentialFamily or None
        Families to judge; None takes those that suit the columns.
    title : str or None
        Heading.
    how : Judging
        Options of the criterion.
    missing : {"drop", "raise"}
        What to do with incomplete rows.
    told : callable or None
        Gets ``(done, total)``.
    large : LargeTable, optional
        All rows, if `table` is a sample of them.

    Returns
    -------
    Report
        Parts in reading order.

    Raises
    ------
    DataError
        If no part can be computed.
    """
    prepared = prepare_table(table, missing)
    if large is not None:
        prepared = replace(prepared, cautions=((large.words, ""), *prepared.cautions))
    left_out = [caution_line(text, where)[9:] for text, where in gather_cautions({}, prepared.cautions).items()
                if "left out" in text]  # fmt: skip
    if left_out:
        warnings.warn(" ".join(left_out), InfostatWarning, stacklevel=3)
    wanted = _wanted(prepared, families)
    total = len(wanted) + 3
    profiles = _columns(prepared, wanted, how, lambda done: told(done, total) if told else None)
    groups = _groups(prepared, profiles, families)
    sequences, skipped = judge_groups(
        groups, lambda group: judge(prepared.part(group.labels), group.families, how, 1)
    )
    whole = None if large is None else whole_part(prepared, groups, large, how)
    _tell(told, len(wanted) + 1, total)
    measured = prepared.labels("real", "positive")
    density = density_part(prepared.part(measured), child(how.seed, 0), how.n_jobs) if measured else None
    _tell(told, len(wanted) + 2, total)
    single = {f"{p.column} ({p.best})": p.judged for p in profiles.values() if p.judged is not None}
    skipped |= {
        f"{label} ({name})": why for label, p in profiles.items() for name, why in (p.reasons or {}).items()
    }
    parts = [
        whole,
        size_part(single, sequences, skipped, how.alpha),
        fit_part(list(profiles.values()), sequences),
        density,
        data_part(prepared, profiles),
    ]
    found = [part for part in parts if part is not None]
    if len(found) == 1:
        why = "; ".join(f"{name}: {text}" for name, text in skipped.items()) or "no family suits the columns"
        raise DataError(f"data must allow at least one analysis, got none ({why})")
    report = _assemble(prepared, found, title, how, families, large)
    _tell(told, total, total)
    return report


def _tell(told: Callable[[int, int], object] | None, done: int, total: int) -> None:
    if told is not None:
        told(done, total)


def _wanted(prepared: Prepared, families: Mapping[str, ExponentialFamily] | None) -> _Wanted:
    """Families to judge on each column alone."""
    used = list(prepared.frame.columns)[:_MOST_COLUMNS]
    if families is None:
        return {label: {name: get_family(name) for name in prepared.kinds[label].families} for label in used}
    univariate = {name: family for name, family in families.items() if family.n_columns == 1}
    return dict.fromkeys(used, univariate) if univariate else {}


def _columns(
    prepared: Prepared, wanted: _Wanted, how: Judging, done: Callable[[int], object]
) -> dict[str, ColumnProfile]:
    found: dict[str, ColumnProfile] = {}
    for label, kind in prepared.kinds.items():
        profile = profile_column(label, prepared.table.frame[label], kind)
        if label in wanted and label in prepared.frame:
            # The child depends on the place of the column in the table, not on what else is judged.
            index = 2 + list(prepared.kinds).index(label)
            profile = judge_column(profile, prepared.part([label]), wanted[label], how, index)
            done(len(found) + 1)
        found[label] = profile
    return found


def _groups(
    prepared: Prepared, profiles: Mapping[str, ColumnProfile], families: Mapping[str, ExponentialFamily] | None
) -> list[JointModels]:
    if families is None:
        return joint_groups(prepared, profiles)
    chosen = {name: family for name, family in families.items() if family.n_columns != 1}
    if not chosen:
        return []
    words = all(family.accepts_labels for family in chosen.values())
    labels = [label for label in prepared.frame.columns if words or prepared.frame[label].dtype.kind == "f"]
    return [JointModels("all columns together", labels, chosen, {})] if labels else []


def _assemble(
    prepared: Prepared,
    parts: list[ReportPart],
    title: str | None,
    how: Judging,
    families: Mapping[str, ExponentialFamily] | None,
    large: LargeTable | None,
) -> Report:
    source = prepared.table.source
    results: dict[str, Result] = {label: item for part in parts for label, item in (part.results or {}).items()}
    # A sequence repeats the cautions of its models, which are in the list under their own names.
    single = {label: item for label, item in results.items() if not isinstance(item, PNSequence)}
    own = [*prepared.cautions, *_part_cautions(parts), *_no_interval(results, how)]
    asked = "the families that suit the columns" if families is None else ", ".join(families)
    settings: dict[str, Cell] = {
        "data": source,
        "columns": ", ".join(prepared.frame.columns),
        "models": asked,
        "alpha": how.alpha,
        "bootstrap resamples": "200, where they take seconds" if how.bootstrap is None else how.bootstrap,
        "seed": str(seed_label(how.seed)),
    }
    attrs: Mapping[Any, Any] = prepared.table.frame.attrs
    cited = [f"Data: {attrs['source']}. Licence: {attrs['licence']}."] if {"source", "licence"} <= set(attrs) else []
    n, d = prepared.frame.shape
    rows = f"{n} rows" if large is None else f"{large.n_rows} rows, of which {n} are looked at closely,"
    return Report(
        title=title or f"Report on {source_words(source)}",
        subject=(
            f"Asked of {source_words(source)}, {rows} and {d} columns: is the sample large enough for the models "
            "that suit it, do they fit, and how far can a density estimate be trusted?"
        ),
        kind="dataset",
        interpretation=" ".join(part.interpretation for part in parts if part.verdict),
        parts=tuple(_without_cautions(part) for part in parts),
        cautions=gather_cautions(single, own),
        citations=(*citations_of(results.values()), *cited),
        settings=settings,
        software=versions(),
        source=source,
    )


def source_words(source: str) -> str:
    """Return what a report calls its data.

    Parameters
    ----------
    source : str
        Path, ``dataset:NAME``, or the kind of object that was passed.

    Returns
    -------
    str
        A name without folders, or "the data".

    Examples
    --------
    >>> source_words("folder/cells.csv"), source_words("dataset:wine_red"), source_words("DataFrame")
    ('cells.csv', 'wine_red', 'the data')
    """
    if source.startswith("dataset:"):
        return source.partition(":")[2]
    name = source.replace("\\", "/").rpartition("/")[2]
    return name if "." in name else "the data"


def _part_cautions(parts: list[ReportPart]) -> list[tuple[str, str]]:
    return [(text.removeprefix("Caution: "), part.title) for part in parts for text in part.remarks
            if text.startswith("Caution: ")]  # fmt: skip


def _without_cautions(part: ReportPart) -> ReportPart:
    return replace(part, remarks=tuple(text for text in part.remarks if not text.startswith("Caution: ")))


def _no_interval(results: Mapping[str, Result], how: Judging) -> list[tuple[str, str]]:
    """Models that were left without an interval to save time."""
    if how.bootstrap is not None:
        return []
    text = "No interval: resampling this model would take long; ask for it with bootstrap= (--bootstrap)."
    return [
        (text, name) for name, item in results.items()
        if isinstance(item, PNCriterion) and item.bootstrap is None and "streamed" not in item.flags
    ]  # fmt: skip
