"""The report of results that were computed before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import InputError
from ..core.page import versions
from ..core.results import Result
from .cautions import gather_cautions
from .citations import citations_of
from .column_parts import plural
from .report_result import Report, ReportPart
from .result_parts import anchor_of, part_of_result

__all__ = ["labelled_results", "results_report"]


def labelled_results(data: Any) -> dict[str, Result] | None:
    """Return results by label if that is what `data` holds.

    Parameters
    ----------
    data : object
        A result, a list of results, a mapping from label to result, or something else.

    Returns
    -------
    dict or None
        None for anything else.

    Raises
    ------
    InputError
        If only some entries are results, or there are none.

    Examples
    --------
    >>> labelled_results([1.0, 2.0]) is None
    True
    """
    if isinstance(data, Result):
        return {"result": data}
    if isinstance(data, Mapping):
        entries = {str(key): value for key, value in data.items()}
    elif isinstance(data, (list, tuple)):
        entries = {f"result {number}": value for number, value in enumerate(data, start=1)}
    else:
        return None
    found = {label: value for label, value in entries.items() if isinstance(value, Result)}
    if not found:
        return None
    others = [label for label in entries if label not in found]
    if others:
        raise InputError(f"a report of results must be given results only, got something else as {', '.join(others)}")
    return found


def results_report(results: Mapping[str, Result], *, title: str | None, named: bool) -> Report:
    """Return a report with one part per result.

    Parameters
    ----------
    results : mapping of str to Result
        The results, in order.
    title : str or None
        Heading.
    named : bool
        Whether the labels come from the caller and belong into the headings.

    Returns
    -------
    Report
        The parts, with cautions and sources gathered.

    Examples
    --------
    >>> from infostat.projection import plan_sample_size
    >>> results_report({"plan": plan_sample_size(p=5)}, title=None, named=True).title
    'plan'
    """
    parts: list[ReportPart] = []
    for label, result in results.items():
        heading = f"{label}: {result.summary().title}" if named else ""
        taken = [part.anchor for part in parts]
        parts.append(part_of_result(label, result, anchor_of(heading or result.summary().title, taken), title=heading))
    single = len(parts) == 1
    heading = next(iter(results)) if single and named else parts[0].title if single else plural(len(parts), "result")
    return Report(
        title=title or heading,
        subject=f"{plural(len(parts), 'result')}, each with its verdict, figure, tables and settings.",
        kind="results",
        interpretation=" ".join(part.interpretation for part in parts if part.verdict),
        parts=tuple(parts),
        cautions=gather_cautions(results),
        citations=citations_of(results.values()),
        settings={},
        software=versions(),
        source="results",
    )
