"""A report as Markdown."""

from __future__ import annotations

from ..core.tables import Cell, Section, Summary, format_cell
from .cautions import caution_line
from .files import figure_names
from .report_result import Report, ReportPart, ReportTable

__all__ = ["report_markdown"]


def report_markdown(report: Report, figures: str | None) -> str:
    """Return the text of a report.

    Parameters
    ----------
    report : Report
        The report.
    figures : str or None
        Folder of the figures; None leaves them out.

    Returns
    -------
    str
        Headings, sentences, tables, links to the figures.
    """
    names = figure_names(report, ".svg") if figures else {}
    lines = [f"# {_plain(report.title)}", _plain(report.subject)]
    if len(report.parts) > 1:
        lines += ["## In short", "\n".join(_short(part) for part in report.parts)]
    for number, part in enumerate(report.parts):
        lines.append(f"## {_plain(part.title)}")
        if part.verdict:
            lines.append(f"**{_plain(part.verdict)}**")
        lines += [_plain(text) for text in (part.interpretation, *part.remarks) if text]
        for label, _, caption in part.drawn:
            if (number, label) in names:
                lines.append(f"![{_plain(caption)}]({figures}/{names[number, label]})")
        lines += [_table(table) for table in part.tables if table.rows]
    if report.cautions:
        lines += ["## Cautions", "\n".join(f"- {_plain(caution_line(*item)[9:])}" for item in report.cautions.items())]
    lines += ["## Methods and sources", "\n".join(f"- {_plain(text)}" for text in report.citations)]
    made = [f"- {_plain(key)}: {_plain(format_cell(value))}" for key, value in _made(report).items()]
    lines += ["## How this page was made", "\n".join(made)]
    return "\n\n".join(lines) + "\n"


def _short(part: ReportPart) -> str:
    verdict = f" **{_plain(part.verdict)}.**" if part.verdict else ""
    return f"- *{_plain(part.title)}*{verdict} {_plain(part.interpretation)}".rstrip()


def _table(table: ReportTable) -> str:
    notes = [table.note] if table.note else []
    text = Summary("", [Section(table.rows, table.header, table.title)], notes).to_markdown()
    return text.split("\n\n", 1)[1]  # without the empty heading


def _made(report: Report) -> dict[str, Cell]:
    return {**report.settings, **report.software}


def _plain(text: str) -> str:
    """Markdown of a plain text, by the rules that summaries use."""
    return Summary(text).to_markdown()[2:-2]
