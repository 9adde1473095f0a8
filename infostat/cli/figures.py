"""``infostat figures``: the figures of the four wings, each with its data."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .options import Jobs, Seed

__all__ = ["register"]


class Kind(StrEnum):
    """Format of the pictures."""

    pdf = "pdf"
    svg = "svg"
    png = "png"


Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME",
        help="Figures (alignment-frontier, E2) or wings (density); all of them if left out.",
        show_default=False,
    ),
]
Folder = Annotated[
    Path, typer.Option("--output", metavar="DIR", help="Folder of the files; made if it does not exist.")
]
Format = Annotated[Kind, typer.Option("--format", help="Format of the pictures.")]
Listing = Annotated[bool, typer.Option("--list", help="Print the names and stop.")]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer replicates, to look at a figure in seconds.")]

HELP = (
    "The figures of the four wings, by name.\n\n"
    "Writes for each figure the picture, its data (.csv) and its caption with settings, seed and versions (.md). "
    "Without names all figures are made, which takes some minutes."
)
EPILOG = "Example: infostat figures E2 density --output figures --format svg --jobs 2; infostat figures --list"


def register(app: typer.Typer) -> None:
    """Add the command to the application.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command("figures", help=HELP, epilog=EPILOG)(_run)


def _run(
    names: Names = None,
    output: Folder = Path("figures"),
    form: Format = Kind.pdf,
    listing: Listing = False,
    quick: Quick = False,
    seed: Seed = None,
    jobs: Jobs = None,
) -> None:
    if listing:
        _print_list(names)
        return
    from ..reporting.figures import write_figures
    from .output import on_terminal

    written = write_figures(output, names, kind=form.value, rng=seed, quick=quick, n_jobs=jobs, progress=on_terminal())
    for path in written:
        if path.suffix == f".{form.value}":
            typer.echo(f"Wrote {path}")
    typer.echo("Beside each picture: its data (.csv), and caption, settings and seed (.md).")


def _print_list(names: list[str] | None) -> None:
    """One line per figure; the names come first, so that a shell can cut them off."""
    from ..reporting.figures import find_figures

    entries = find_figures(names)
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        typer.echo(f"{entry.name:<{width}}  {entry.alias:<16}  {entry.title}")
    typer.echo(f"About {sum(entry.seconds for entry in entries):.0f} s on two cores.")
