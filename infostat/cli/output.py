"""What a command does with a result: render everything first, then write it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..core.errors import InputError
from ..core.files import check_writable, write_atomic
from .options import Format

if TYPE_CHECKING:
    from ..core.results import Result

__all__ = ["check_paths", "deliver", "on_terminal", "render"]

FIGURES = (".png", ".pdf", ".svg")


def on_terminal() -> bool:
    """Return whether progress can be shown: stderr is a terminal.

    Returns
    -------
    bool
        True on a terminal.
    """
    return sys.stderr.isatty()


def check_paths(output: Path | None, plot: Path | None, report: Path | None = None) -> None:
    """Refuse files that could not be written, before the analysis starts.

    Parameters
    ----------
    output, plot, report : Path or None
        Files asked for.

    Raises
    ------
    InputError
        For a suffix that does not fit or a folder that does not exist.
    """
    if plot is not None and plot.suffix.lower() not in FIGURES:
        raise InputError(f"--plot must end in one of {', '.join(FIGURES)}, got {str(plot)!r}")
    if report is not None and report.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--report must end in .html, got {str(report)!r}")
    for path in (output, plot, report):
        if path is not None:
            check_writable(path)


def render(result: Result, form: Format, settings: dict[str, Any]) -> str:
    """Return a result in one of the printed forms.

    Parameters
    ----------
    result : Result
        What to print.
    form : Format
        Which form.
    settings : dict
        Shown at the end of an HTML page.

    Returns
    -------
    str
        Text that ends in one newline.
    """
    if form is Format.json:
        from ..core.results import to_json

        text = to_json(result.to_dict())
    elif form is Format.csv:
        text = result.to_frame().to_csv(index=False)
    elif form is Format.html:
        from ..core.page import html_page

        text = html_page(result._title(), [result], settings=settings)
    else:
        summary = result.summary()
        text = {
            Format.text: summary.to_text,
            Format.markdown: summary.to_markdown,
            Format.latex: summary.to_latex,
        }[form]()
    return text.rstrip("\n") + "\n"


def deliver(
    result: Result,
    form: Format,
    output: Path | None = None,
    plot: Path | None = None,
    report: Path | None = None,
) -> None:
    """Print or write a result, its figure and its report.

    Everything is rendered before the first file is written, so that a failure
    leaves nothing half-done.

    Parameters
    ----------
    result : Result
        The result.
    form : Format
        What is printed.
    output, plot, report : Path or None
        Files asked for.
    """
    settings = {"command": "infostat " + " ".join(sys.argv[1:])}
    text = render(result, form, settings)
    files: list[tuple[Path, bytes]] = []
    if output is not None:
        files.append((output, text.encode()))
    if plot is not None:
        from ..core.style import figure_bytes

        files.append((plot, figure_bytes(result._draw, plot.suffix.lower()[1:])))
    if report is not None:
        files.append((report, render(result, Format.html, settings).encode()))
    for path, content in files:
        write_atomic(path, content)
    if output is None:
        typer.echo(text, nl=False)
    for path, _ in files:
        if path is not output and form is Format.text and output is None:
            typer.echo(f"Wrote {path}")
