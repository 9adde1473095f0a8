"""``infostat kde``: a kernel density estimate of a data set, and how far to trust it."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Columns, Data, Drop, Format, FormatOption, Jobs, Output, Plot, Report, Scheduler, Seed

__all__ = ["register"]

Bandwidth = Annotated[
    str,
    typer.Option(
        "--bandwidth",
        metavar="METHOD|NUMBER",
        help="loo, scott, silverman, lscv, theory, sheather_jones, isj, or a number in the unit of the data.",
    ),
]
Standardize = Annotated[
    bool, typer.Option("--standardize", help="Divide every column by its standard deviation first.")
]
Duplicates = Annotated[
    str, typer.Option("--duplicates", help="Rows that repeat: group (leave out together), drop or raise.")
]

HELP = (
    "How far can a kernel density estimate of these data be trusted?\n\n"
    "Chooses the bandwidth, measures on how many points the density at a typical row rests, and says in which "
    "regime that is. The figure shows it row by row."
)
EPILOG = "Example: infostat kde dataset:wine_red --drop quality --standardize --plot kde.png"


def register(app: typer.Typer) -> None:
    """Add the command to the application.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command("kde", help=HELP, epilog=EPILOG)(_run)


def _run(
    data: Data,
    bandwidth: Bandwidth = "loo",
    standardize: Standardize = False,
    duplicates: Duplicates = "group",
    columns: Columns = None,
    drop: Drop = None,
    form: FormatOption = Format.text,
    output: Output = None,
    plot: Plot = None,
    report: Report = None,
    seed: Seed = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    import warnings

    from ..core.errors import InfostatWarning
    from ..density import assess_density
    from .cluster import spread, workers
    from .data import load_rows
    from .output import check_paths, deliver, on_terminal

    check_paths(output, plot, report)
    table, _ = load_rows(data, columns, drop)
    with workers(scheduler), warnings.catch_warnings():
        # The cautions are printed with the result; a second copy on stderr would only distract.
        warnings.simplefilter("ignore", InfostatWarning)
        result = assess_density(
            spread(table, scheduler),
            bandwidth=_number_or_word(bandwidth),
            standardize=standardize,
            duplicates=duplicates,
            rng=0 if seed is None else seed,
            n_jobs=jobs,
            progress=on_terminal(),
        )
    deliver(result, form, output, plot, report)


def _number_or_word(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
