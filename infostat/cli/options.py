"""Options that every command shares, declared once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Columns",
    "Data",
    "Drop",
    "Format",
    "FormatOption",
    "Jobs",
    "Output",
    "Plot",
    "Report",
    "Scheduler",
    "Seed",
]


class Format(StrEnum):
    """What is printed."""

    text = "text"
    json = "json"
    csv = "csv"
    markdown = "markdown"
    latex = "latex"
    html = "html"


Data = Annotated[
    str,
    typer.Argument(
        help="Data file (.csv .tsv .parquet .jsonl .npy .npz), or dataset:NAME for a shipped one.",
        show_default=False,
    ),
]
Columns = Annotated[str | None, typer.Option("--columns", metavar="A,B", help="Columns to use.", show_default=False)]
Drop = Annotated[str | None, typer.Option("--drop", metavar="A,B", help="Columns to leave out.", show_default=False)]
FormatOption = Annotated[Format, typer.Option("--format", help="What is printed.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Write what --format prints to this file.", show_default=False),
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="Write the figure (.png .pdf .svg).", show_default=False),
]
Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write a self-contained HTML report (.html).", show_default=False),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Seed; the same seed gives the same numbers.", show_default=False)
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", help="Parallel workers; numbers do not depend on it.", show_default=False)
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Dask cluster (host:port of its scheduler) that runs the replicates; numbers do not depend on it.",
        show_default=False,
    ),
]
