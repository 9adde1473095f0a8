"""The HTML page of a report: everything inside one file, for any width and colour scheme."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from typing import Any

from ..core.results import Result
from ..core.tables import Cell, Section, format_cell
from .cautions import is_caution, places
from .report_result import Report, ReportPart, ReportTable
from .result_parts import tone_of
from .vector import FIGURE_COLORS, figure_svg

__all__ = ["report_page"]

_LONGEST = 10**15
_PLACES = 12  # of a caution, before "and 7 more"


def report_page(report: Report) -> str:
    """Return the page of a report.

    Parameters
    ----------
    report : Report
        The report.

    Returns
    -------
    str
        The document; nothing in it is loaded from elsewhere.
    """
    from jinja2 import Environment

    template = resources.files("infostat.reporting").joinpath("templates/report.html").read_text("utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    parts = [_part(part, f"p{number}") for number, part in enumerate(report.parts, start=1)]
    return environment.from_string(template).render(
        report=report,
        style=_shared_style(),
        colors={name: (light, dark) for light, (name, dark) in FIGURE_COLORS.items() if name.startswith("f-")},
        parts=parts,
        contents=_contents(report, parts),
        cautions=[(text, places(where, _PLACES)) for text, where in report.cautions.items()],
        settings=_texts(report.settings),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _shared_style() -> str:
    """The style that pages of single results have: one look for all pages."""
    page = resources.files("infostat.core").joinpath("templates/page.html").read_text("utf-8")
    found = re.search(r"<style>\n(.*?)</style>", page, flags=re.DOTALL)
    return found[1] if found else ""


def _contents(report: Report, parts: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    found = [(part["anchor"], part["title"]) for part in parts]
    if report.cautions:
        found.append(("cautions", "Cautions"))
    return [*found, ("methods", "Methods and sources"), ("making", "How this page was made")]


def _part(part: ReportPart, prefix: str) -> dict[str, Any]:
    drawn = enumerate(part.drawn, start=1)
    return {
        "anchor": f"part-{part.anchor}",
        "title": part.title,
        "verdict": part.verdict,
        "tone": part.tone,
        "interpretation": part.interpretation,
        "remarks": part.remarks,
        "small": part.small_figures,
        "figures": [
            {"svg": figure_svg(result, f"{prefix}-f{number}-", small=part.small_figures), "caption": caption}
            for number, (_, result, caption) in drawn
        ],
        "tables": [_table(table) for table in part.tables if table.rows],
        "details": [_detail(label, (part.results or {})[label]) for label in part.details],
        "settings": _texts(part.settings or {}),
    }


def _detail(label: str, result: Result) -> dict[str, Any]:
    summary = result.summary()
    return {
        "title": label,
        "notes": [note for note in summary.notes if not is_caution(note)],
        "tables": [_section(section) for section in summary.sections if section.rows],
    }


def _table(table: ReportTable) -> dict[str, Any]:
    return {**_section(Section(table.rows, table.header, table.title)), "note": table.note}


def _section(section: Section) -> dict[str, Any]:
    pairs = not section.header and all(len(row) == 2 for row in section.rows)
    rows = [[_cell(cell, _is_verdict(section, k)) for k, cell in enumerate(row)] for row in section.rows]
    if pairs:
        rows = [[_cell(label), _cell(value, str(label).startswith("Verdict"))] for label, value in section.rows]
    width = max(len(row) for row in section.rows)
    # Words read from the left, numbers are compared from the right.
    words = [all(len(row) <= k or isinstance(row[k], str) for row in section.rows) for k in range(width)]
    return {"title": section.title, "header": section.header, "rows": rows, "pairs": pairs, "words": words, "note": ""}


def _is_verdict(section: Section, place: int) -> bool:
    return place < len(section.header) and section.header[place] in ("verdict", "status")


def _cell(value: Cell, verdict: bool = False) -> dict[str, str]:
    """Text of a cell; words that are verdicts are coloured, a number of many digits is shortened."""
    text = f"{float(value):.3e}" if isinstance(value, int) and abs(value) >= _LONGEST else format_cell(value)
    tone = tone_of(value) if verdict and isinstance(value, str) else "neutral"
    return {"text": text, "tone": "" if tone == "neutral" else tone}


def _texts(settings: dict[str, Cell]) -> dict[str, str]:
    return {key: format_cell(value) for key, value in settings.items()}
