"""``infostat pn-sequence``: which of several models can the sample carry."""

from __future__ import annotations

from typing import Annotated

import typer

from .families import FAMILY_HELP
from .options import Columns, Data, Drop, Format, FormatOption, Jobs, Output, Plot, Report, Scheduler, Seed

__all__ = ["register"]

Families = Annotated[
    str,
    typer.Option("--families", metavar="A,B,...", help=FAMILY_HELP + " polynomial:1-6 stands for six models."),
]
Bounds = Annotated[
    str | None,
    typer.Option("--bounds", metavar="LOW,HIGH", help="Interval of polynomial models; 0,1 if left out.",
                 show_default=False),
]  # fmt: skip
Alpha = Annotated[float, typer.Option("--alpha", help="Tolerated distance of the Bayes error from 1/2.")]
Order = Annotated[int, typer.Option("--order", help="Expansion that decides what passes: 1 or 2.")]
Bootstrap = Annotated[int, typer.Option("--bootstrap", metavar="B", help="Resamples for intervals of every model.")]
Folds = Annotated[int, typer.Option("--folds", metavar="K", help="Folds of a cross-validated log score.")]

HELP = (
    "How large a model can the sample carry?\n\n"
    "Applies the p-n criterion to every model of a sequence, from small to large: prints the risk, the rows required "
    "and information criteria of each, the largest model that passes and the last before the first failure."
)
EPILOG = "Example: infostat pn-sequence dataset:wine_red --drop quality --families mvn_diagonal,mvn:0.4,mvn"


def register(app: typer.Typer) -> None:
    """Add the command to the application.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command("pn-sequence", help=HELP, epilog=EPILOG)(_run)


def _run(
    data: Data,
    families: Families,
    bounds: Bounds = None,
    alpha: Alpha = 0.05,
    order: Order = 2,
    bootstrap: Bootstrap = 0,
    folds: Folds = 0,
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
    from ..projection import pn_sequence
    from .cluster import workers
    from .data import load_rows
    from .families import families_from_text
    from .output import check_paths, deliver, on_terminal

    check_paths(output, plot, report)
    rows, frame = load_rows(data, columns, drop)
    models = families_from_text(families, frame, bounds)
    with workers(scheduler), warnings.catch_warnings():
        # The cautions are printed with the result; a second copy on stderr would only distract.
        warnings.simplefilter("ignore", InfostatWarning)
        result = pn_sequence(
            rows,
            models,
            alpha=alpha,
            order=order,
            bootstrap=bootstrap,
            folds=folds,
            rng=seed,
            n_jobs=jobs,
            progress=on_terminal(),
        )
    deliver(result, form, output, plot, report)
