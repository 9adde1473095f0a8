"""``infostat pn``: the p-n criterion of a data set."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .families import FAMILY_HELP
from .options import Columns, Data, Drop, Format, FormatOption, Jobs, Output, Plot, Report, Scheduler, Seed

__all__ = ["register"]

Family = Annotated[str, typer.Option("--family", help=FAMILY_HELP)]
Bounds = Annotated[
    str | None,
    typer.Option("--bounds", metavar="LOW,HIGH", help="Interval of a polynomial model; 0,1 if left out.",
                 show_default=False),
]  # fmt: skip
Alpha = Annotated[float, typer.Option("--alpha", help="Tolerated distance of the Bayes error from 1/2.")]
Order = Annotated[int, typer.Option("--order", help="Expansion that decides the verdict: 1 or 2.")]
Bootstrap = Annotated[int, typer.Option("--bootstrap", metavar="B", help="Resamples for intervals (400 is good).")]
Interval = Annotated[str, typer.Option("--interval", help="bootstrap-t or percentile.")]
Confidence = Annotated[float, typer.Option("--confidence", help="Level of the intervals.")]
Correction = Annotated[
    str | None,
    typer.Option("--bias-correction", help="Correction of T0: jackknife or analytic.", show_default=False),
]
Weights = Annotated[
    str | None,
    typer.Option("--weights", metavar="COLUMN", help="Column that holds row weights.", show_default=False),
]
Check = Annotated[bool, typer.Option("--check", help="Leave with exit code 3 unless the verdict is sufficient.")]

HELP = (
    "Is the sample large enough for a model this big?\n\n"
    "Prints the estimation risk of the fitted model, the threshold, the rows that would be needed and what "
    "the verdict means."
)
EPILOG = "Example: infostat pn dataset:wine_red --drop quality --family mvn --bootstrap 400 --seed 1"


def register(app: typer.Typer) -> None:
    """Add the command to the application.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command("pn", help=HELP, epilog=EPILOG)(_run)


def _run(
    data: Data,
    family: Family = "mvn",
    bounds: Bounds = None,
    alpha: Alpha = 0.05,
    order: Order = 2,
    bootstrap: Bootstrap = 0,
    interval: Interval = "bootstrap-t",
    confidence: Confidence = 0.95,
    bias_correction: Correction = None,
    weights: Weights = None,
    columns: Columns = None,
    drop: Drop = None,
    form: FormatOption = Format.text,
    output: Output = None,
    plot: Plot = None,
    report: Report = None,
    seed: Seed = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    check: Check = False,
) -> None:
    import warnings

    from ..core.errors import InfostatWarning
    from ..projection import pn_criterion
    from .cluster import workers
    from .data import load_rows
    from .families import family_from_text
    from .output import check_paths, deliver, on_terminal

    check_paths(output, plot, report)
    row_weights: Any = None
    if weights is not None:
        row_weights = _column(data, weights)
        if columns is None:  # the weights are not part of the data
            drop = weights if drop is None else f"{drop},{weights}"
    rows, frame = load_rows(data, columns, drop)
    model = family_from_text(family, frame, bounds)
    with workers(scheduler), warnings.catch_warnings():
        # The cautions are printed with the result; a second copy on stderr would only distract.
        warnings.simplefilter("ignore", InfostatWarning)
        result = pn_criterion(
            rows,
            model,
            weights=row_weights,
            alpha=alpha,
            order=order,
            bootstrap=bootstrap,
            interval=interval,
            confidence_level=confidence,
            bias_correction=bias_correction,
            rng=seed,
            n_jobs=jobs,
            progress=on_terminal(),
        )
    deliver(result, form, output, plot, report)
    if check and result.verdict != "sufficient":
        raise typer.Exit(3)


def _column(data: str, label: str) -> Any:
    """One column as an array; of a large file only its name, because a stream takes no weights."""
    from ..core.chunks import is_large
    from ..core.data import matrix
    from .data import load_table

    return label if is_large(data) else matrix(load_table(data, label))[:, 0]
