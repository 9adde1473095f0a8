"""``infostat simulate``: seeded Monte Carlo that checks the theory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import simulate_bounds, simulate_pn
from .numbers import count_list, number_list
from .options import Format, FormatOption, Jobs, Output, Plot, Report, Seed

__all__ = ["register"]

Size = Annotated[int | None, typer.Option("--n", help="Sample size.", show_default=False)]
Alpha = Annotated[
    float | None, typer.Option("--alpha", help="log(n)/d, in place of the sample size.", show_default=False)
]
Dimension = Annotated[int, typer.Option("--d", help="Dimension.")]
Replicates = Annotated[int, typer.Option("--replicates", help="Queries, each with data of its own.")]
Bandwidths = Annotated[
    str, typer.Option("--bandwidths", metavar="H,H,...", help="Bandwidths; LOW:HIGH:COUNT is a geometric grid.")
]
Spectrum = Annotated[
    str | None,
    typer.Option(
        "--spectrum", metavar="S,S,...", help="Eigenvalues of the covariance, one a dimension.", show_default=False
    ),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option("--checkpoint", metavar="FILE", help="Keep finished parts; resume a killed run.", show_default=False),
]

KDE_HELP = (
    "Kernel density estimates of simulated normal data, beside the theory.\n\n"
    "Prints the divergence and the participation ratio for every bandwidth, with standard errors; the figure lays "
    "the exact finite-size curve and the limit of large dimension beside them."
)
KDE_EPILOG = "Example: infostat simulate kde --n 2000 --d 20 --replicates 200 --seed 1 --plot kl.png"

Scores = Annotated[int, typer.Option("--n", help="Reward scores in each data set.")]
DataSets = Annotated[int, typer.Option("--replicates", help="Data sets.")]
Budgets = Annotated[str, typer.Option("--kl", metavar="K,K,...", help="KL budgets of the tilt, in nats.")]
Draws = Annotated[str, typer.Option("--best-of", metavar="N,N,...", help="Numbers of draws of best-of-N.")]
Confidence = Annotated[float, typer.Option("--confidence", help="Level of the intervals.")]

ALIGN_HELP = (
    "Estimates of aligned rewards from simulated normal scores, beside the exact values.\n\n"
    "Prints bias, spread, reported standard error and coverage of the tilted mean at fixed KL and of best-of-N."
)
ALIGN_EPILOG = "Example: infostat simulate align --n 2000 --replicates 200 --seed 1 --plot coverage.png"


def register(app: typer.Typer) -> None:
    """Add the commands to the application.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    group = typer.Typer(
        help="Seeded Monte Carlo that checks the theory.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.command("kde", help=KDE_HELP, epilog=KDE_EPILOG)(_kde)
    group.command("align", help=ALIGN_HELP, epilog=ALIGN_EPILOG)(_align)
    simulate_pn.register(group)
    simulate_bounds.register(group)
    group.callback()(_group)
    app.add_typer(group, name="simulate")


def _group() -> None:
    """Seeded Monte Carlo that checks the theory."""


def _kde(
    n: Size = None,
    alpha: Alpha = None,
    d: Dimension = 20,
    replicates: Replicates = 200,
    bandwidths: Bandwidths = "0.4:2:9",
    spectrum: Spectrum = None,
    checkpoint: Checkpoint = None,
    form: FormatOption = Format.text,
    output: Output = None,
    plot: Plot = None,
    report: Report = None,
    seed: Seed = None,
    jobs: Jobs = None,
) -> None:
    from ..density import simulate_regimes
    from .output import check_paths, deliver, on_terminal

    check_paths(output, plot, report)
    if n is None and alpha is None:
        n = 2000
    result = simulate_regimes(
        n=n,
        alpha=alpha,
        d=d,
        h_grid=number_list("--bandwidths", bandwidths),
        n_x=replicates,
        n_data=1,
        spectrum=None if spectrum is None else number_list("--spectrum", spectrum),
        rng=seed,
        n_jobs=jobs,
        progress=on_terminal(),
        checkpoint=checkpoint,
    )
    deliver(result, form, output, plot, report)


def _align(
    n: Scores = 2000,
    replicates: DataSets = 200,
    kl: Budgets = "0.1,0.5,1,2",
    best_of: Draws = "2,4,16,64",
    confidence: Confidence = 0.95,
    checkpoint: Checkpoint = None,
    form: FormatOption = Format.text,
    output: Output = None,
    plot: Plot = None,
    report: Report = None,
    seed: Seed = None,
    jobs: Jobs = None,
) -> None:
    from ..alignment import simulate_alignment
    from .output import check_paths, deliver, on_terminal

    check_paths(output, plot, report)
    result = simulate_alignment(
        n=n,
        replicates=replicates,
        kl=number_list("--kl", kl),
        n_best=count_list("--best-of", best_of),
        confidence_level=confidence,
        rng=seed,
        n_jobs=jobs,
        progress=on_terminal(),
        checkpoint=checkpoint,
    )
    deliver(result, form, output, plot, report)
