"""``infostat datasets``: the data sets that come with the package."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Format, FormatOption, Output

__all__ = ["register"]

Name = Annotated[str | None, typer.Argument(help="Show the columns of this data set.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command to the application.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(
        "datasets",
        help="List the shipped data sets, with source and licence.",
        epilog="Example: infostat datasets wine_red",
    )(_run)


def _run(name: Name = None, form: FormatOption = Format.text, output: Output = None) -> None:
    from ..datasets import catalogue
    from .output import check_paths, deliver

    check_paths(output, None)
    deliver(catalogue(name), form, output)
