"""``infostat phase``: the phase diagram of kernel density estimates in large dimension."""

from __future__ import annotations

from typing import Annotated

import typer

from .numbers import number_list
from .options import Format, FormatOption, Output, Plot, Report

__all__ = ["register"]

Alphas = Annotated[
    str,
    typer.Option("--alphas", metavar="A,B,...", help="Values of log(n)/d; LOW:HIGH:COUNT is a geometric grid."),
]
Spectrum = Annotated[
    str | None,
    typer.Option(
        "--spectrum", metavar="S,S,...", help="Eigenvalues of the covariance, of equal weight.", show_default=False
    ),
]

HELP = (
    "In which regime is a kernel density estimate, as a function of log(n)/d and of the bandwidth?\n\n"
    "The theory for normal data in the limit of large dimension; 'infostat kde' measures the regime of data."
)
EPILOG = "Example: infostat phase --alphas 0.1,0.3,0.5 --plot phase.png"


def register(app: typer.Typer) -> None:
    """Add the command to the application.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command("phase", help=HELP, epilog=EPILOG)(_run)


def _run(
    alphas: Alphas = "0.02:2:41",
    spectrum: Spectrum = None,
    form: FormatOption = Format.text,
    output: Output = None,
    plot: Plot = None,
    report: Report = None,
) -> None:
    from ..density import phase_diagram
    from .output import check_paths, deliver

    check_paths(output, plot, report)
    values = None if spectrum is None else number_list("--spectrum", spectrum)
    deliver(phase_diagram(number_list("--alphas", alphas), spectrum=values), form, output, plot, report)
