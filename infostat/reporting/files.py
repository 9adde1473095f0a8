"""Reports in files: everything is made before the first byte is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import DataFileError
from ..core.files import check_writable, write_atomic
from .vector import figure_image

if TYPE_CHECKING:
    from .report_result import Report

__all__ = ["figure_names", "save_report"]

_KINDS = {".md": "svg", ".tex": "pdf"}


def figure_names(report: Report, suffix: str) -> dict[tuple[int, str], str]:
    """Return the file name of every figure of a report.

    Parameters
    ----------
    report : Report
        The report.
    suffix : str
        For instance ``".svg"``.

    Returns
    -------
    dict
        (number of the part, label) to file name, numbered in reading order.
    """
    found: dict[tuple[int, str], str] = {}
    for number, part in enumerate(report.parts):
        for label, _, _ in part.drawn:
            plain = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:40].strip("-") or "figure"
            found[number, label] = f"{len(found) + 1:02d}-{plain}{suffix}"
    return found


def save_report(report: Report, target: Path) -> Path:
    """Write a report as Markdown or LaTeX, with its figures in a folder beside it.

    Parameters
    ----------
    report : Report
        The report.
    target : Path
        Ends in ``.md`` or ``.tex``.

    Returns
    -------
    Path
        The file, written after its figures.

    Raises
    ------
    DataFileError
        If a file cannot be written.
    """
    check_writable(target)
    suffix = target.suffix.lower()
    kind = _KINDS[suffix]
    folder = target.with_name(f"{target.stem}_figures")
    names = figure_names(report, f".{kind}")
    images = {
        names[number, label]: figure_image(result, kind, small=part.small_figures)
        for number, part in enumerate(report.parts)
        for label, result, _ in part.drawn
    }
    shown = folder.name if images else None
    text = report.to_markdown(shown) if suffix == ".md" else report.to_latex(shown)
    if images:
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise DataFileError(f"{folder} cannot be written: {error.strerror or error}") from error
        for name, image in images.items():
            write_atomic(folder / name, image)
    write_atomic(target, text.encode())
    return target
