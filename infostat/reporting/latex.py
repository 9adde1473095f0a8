r"""A report as a LaTeX document of its own."""

from __future__ import annotations

from ..core.tables import format_cell, latex_escape
from .cautions import caution_line
from .files import figure_names
from .report_result import Report, ReportPart, ReportTable

__all__ = ["report_latex"]

_MOST_ROWS = 30  # of a table that is kept on one page

_HEAD = r"""\documentclass[11pt,a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage[margin=2.4cm]{geometry}
\usepackage{booktabs,longtable,graphicx}
\usepackage[hidelinks]{hyperref}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.6em}
% A table that is wider than the page is made smaller, any other stays as it is.
\newsavebox{\reportbox}
\newcommand{\fitted}[1]{\sbox{\reportbox}{#1}%
  \ifdim\wd\reportbox>\linewidth\resizebox{\linewidth}{!}{\usebox{\reportbox}}\else\usebox{\reportbox}\fi}"""


def report_latex(report: Report, figures: str | None) -> str:
    """Return the source of a report.

    Parameters
    ----------
    report : Report
        The report.
    figures : str or None
        Folder of the figures; None leaves them out.

    Returns
    -------
    str
        A document that compiles by itself (with its figures beside it).
    """
    names = figure_names(report, ".pdf") if figures else {}
    title = latex_escape(report.title)
    lines = [_HEAD, rf"\title{{{title}}}", r"\date{}", r"\begin{document}", r"\maketitle", latex_escape(report.subject)]
    if len(report.parts) > 1:
        lines += [r"\section*{In short}", r"\begin{description}"]
        lines += [_short(part) for part in report.parts]
        lines.append(r"\end{description}")
    for number, part in enumerate(report.parts):
        found = [(f"{figures}/{names[number, label]}", caption) for label, _, caption in part.drawn if names]
        lines += _part(part, found)
    if report.cautions:
        cautions = [latex_escape(caution_line(*item).removeprefix("Caution: ")) for item in report.cautions.items()]
        lines += [r"\section*{Cautions}", *_items(cautions)]
    lines += [r"\section*{Methods and sources}", *_items([latex_escape(text) for text in report.citations])]
    made = {**report.settings, **report.software}
    lines += [r"\section*{How this page was made}"]
    lines += _items([latex_escape(f"{key}: {format_cell(value)}") for key, value in made.items()])
    return "\n\n".join([*lines, r"\end{document}"]) + "\n"


def _short(part: ReportPart) -> str:
    verdict = rf" \textbf{{{latex_escape(part.verdict)}.}}" if part.verdict else ""
    return rf"\item[{latex_escape(part.title)}]{verdict} {latex_escape(part.interpretation)}"


def _part(part: ReportPart, figures: list[tuple[str, str]]) -> list[str]:
    lines = [rf"\section*{{{latex_escape(part.title)}}}"]
    if part.verdict:
        lines.append(rf"\textbf{{{latex_escape(part.verdict)}}}")
    lines += [latex_escape(text) for text in (part.interpretation, *part.remarks) if text]
    if part.small_figures:
        width = "0.48"
        lines += ["\n".join(rf"\includegraphics[width={width}\linewidth]{{{path}}}\hfill" for path, _ in figures)]
    else:
        for path, caption in figures:
            lines.append(
                r"\begin{center}" + "\n" + rf"\includegraphics[width=0.85\linewidth]{{{path}}}" + "\n\n"
                + rf"\small {latex_escape(caption)}" + "\n" + r"\end{center}"
            )  # fmt: skip
    for table in part.tables:
        if table.rows:
            lines += _table(table)
    return lines


def _table(table: ReportTable) -> list[str]:
    width = max(len(row) for row in (table.header, *table.rows))
    columns = "l" + "".join(
        "l" if all(len(row) <= k or isinstance(row[k], str) for row in table.rows) else "r" for k in range(1, width)
    )
    head = [" & ".join(latex_escape(cell) for cell in table.header) + r" \\", r"\midrule"] if table.header else []
    body = [" & ".join(latex_escape(format_cell(cell)) for cell in row) + r" \\" for row in table.rows]
    lines = [rf"\textbf{{{latex_escape(table.title)}}}"] if table.title else []
    if len(table.rows) > _MOST_ROWS:
        rows = [rf"\begin{{longtable}}{{{columns}}}", r"\toprule", *head, r"\endhead", *body, r"\bottomrule"]
        lines.append("{\\footnotesize\n" + "\n".join([*rows, r"\end{longtable}"]) + "\n}")
    else:
        rows = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", *head, *body, r"\bottomrule", r"\end{tabular}"]
        lines.append("\\fitted{%\n" + "\n".join(rows) + "}")
    return [*lines, *([rf"{{\small {latex_escape(table.note)}\par}}"] if table.note else [])]


def _items(texts: list[str]) -> list[str]:
    return [r"\begin{itemize}", *(rf"\item {text}" for text in texts), r"\end{itemize}"]
