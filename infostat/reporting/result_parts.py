"""Any result as a part of a report: its verdict, sentences, tables and figure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..core.results import Result
from ..core.tables import Cell, Section
from .cautions import is_caution
from .report_result import ReportPart, ReportTable, has_figure

__all__ = ["anchor_of", "part_of_result", "tone_of"]

_TONES = {
    "good": ("sufficient", "ok", "exact", "clt", "converged", "certified", "yes", "holds"),
    "mixed": ("borderline", "weak", "stable", "boundary", "condensed", "partly sufficient"),
    "poor": ("insufficient", "unreliable", "collapsed", "vacuous", "misfit", "no"),
}


def tone_of(verdict: str) -> str:
    """Return how a verdict is coloured.

    Parameters
    ----------
    verdict : str
        A word of a result.

    Returns
    -------
    str
        ``"good"``, ``"mixed"``, ``"poor"``; ``"neutral"`` for words that are no judgement.

    Examples
    --------
    >>> tone_of("sufficient"), tone_of("condensed"), tone_of("blue")
    ('good', 'mixed', 'neutral')
    """
    return next((tone for tone, words in _TONES.items() if verdict in words), "neutral")


def anchor_of(text: str, taken: Iterable[str] = ()) -> str:
    """Return a short name for links that is not taken yet.

    Parameters
    ----------
    text : str
        Heading.
    taken : iterable of str
        Names in use.

    Returns
    -------
    str
        Letters, digits and hyphens.

    Examples
    --------
    >>> anchor_of("p-n criterion: gamma"), anchor_of("a b", ["a-b"])
    ('p-n-criterion-gamma', 'a-b-2')
    """
    used = set(taken)
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or "part"
    name, number = plain, 1
    while name in used:
        number += 1
        name = f"{plain}-{number}"
    return name


def part_of_result(label: str, result: Result, anchor: str, *, title: str = "", caption: str = "") -> ReportPart:
    """Return a result as a part of a report.

    Parameters
    ----------
    label : str
        Its name in the report.
    result : Result
        The result.
    anchor : str
        Name for links.
    title : str
        Heading; that of the result if empty.
    caption : str
        Caption of the figure; the heading of the result if empty.

    Returns
    -------
    ReportPart
        With everything the summary of the result says; cautions are left to the list of all.

    Examples
    --------
    >>> from infostat.density import stable_law
    >>> part = part_of_result("law", stable_law(0.5), "law")
    >>> part.anchor, list(part.figures)
    ('law', ['law'])
    """
    summary = result.summary()
    notes = [note for note in summary.notes if not is_caution(note)]
    verdict = getattr(result, "verdict", None)
    word = verdict if isinstance(verdict, str) else ""
    return ReportPart(
        anchor=anchor,
        title=title or summary.title,
        verdict=word,
        tone=tone_of(word),
        interpretation=notes[0] if notes else "",
        remarks=tuple(notes[1:]),
        tables=tuple(_table(section) for section in summary.sections if section.rows),
        results={label: result},
        figures={label: caption or f"{summary.title}."} if has_figure(result) else {},
        settings=result._settings(),
    )


def _table(section: Section) -> ReportTable:
    rows: tuple[tuple[Cell, ...], ...] = tuple(tuple(row) for row in section.rows)
    return ReportTable(section.title, tuple(section.header), rows)
