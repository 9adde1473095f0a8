"""``infostat simulate kde``: kernel density estimates of simulated normal data."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Format, FormatOption, Jobs, Output, Plot, Report, Scheduler, Seed
from .simulate_options import Checkpoint, Quantity, X, run_simulation

__all__ = ["register"]

Size = Annotated[
    str | None,
    typer.Option("--n", metavar="N,N,...", help="Sample size (2000); several make a grid.", show_default=False),
]
Alpha = Annotated[
    str | None,
    typer.Option("--alpha", metavar="A,A,...", help="log(n)/d, in place of the sample size.", show_default=False),
]
Dimension = Annotated[
    str | None, typer.Option("--d", metavar="D,D,...", help="Dimension (20).", show_default=False)
]
Replicates = Annotated[int, typer.Option("--replicates", help="Queries, each with data of its own.")]
DataSets = Annotated[
    str | None,
    typer.Option("--data-sets", metavar="N,N,...", help="Data sets for each query (1).", show_default=False),
]
Bandwidths = Annotated[
    str, typer.Option("--bandwidths", metavar="H,H,...", help="Bandwidths; LOW:HIGH:COUNT is a geometric grid.")
]
Spectrum = Annotated[
    str | None,
    typer.Option(
        "--spectrum",
        metavar="S,S,...",
        help="Eigenvalues of the covariance, one a dimension; several spectra with ; between them.",
        show_default=False,
    ),
]

HELP = (
    "Kernel density estimates of simulated normal data, beside the theory.\n\n"
    "Prints the divergence and the participation ratio for every bandwidth, with standard errors; the figure lays "
    "the exact finite-size curve and the limit of large dimension beside them. Several values of --n, --alpha, --d, "
    "--data-sets or --spectrum make a grid."
)
EPILOG = "Example: infostat simulate kde --n 500,2000 --d 5,10,20 --replicates 200 --seed 1 --plot kl.png"


def register(group: typer.Typer) -> None:
    """Add the command to the group of simulations.

    Parameters
    ----------
    group : typer.Typer
        The group.
    """
    group.command("kde", help=HELP, epilog=EPILOG)(_run)


def _run(
    n: Size = None,
    alpha: Alpha = None,
    d: Dimension = None,
    replicates: Replicates = 200,
    data_sets: DataSets = None,
    bandwidths: Bandwidths = "0.4:2:9",
    spectrum: Spectrum = None,
    x: X = None,
    quantity: Quantity = None,
    checkpoint: Checkpoint = None,
    form: FormatOption = Format.text,
    output: Output = None,
    plot: Plot = None,
    report: Report = None,
    seed: Seed = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    texts = {
        "n": n, "alpha": alpha, "d": d, "data_sets": data_sets, "bandwidths": bandwidths, "spectrum": spectrum
    }  # fmt: skip
    run_simulation(
        "kde", texts, replicates, (form, output, plot, report), x=x, quantity=quantity, checkpoint=checkpoint,
        seed=seed, jobs=jobs, scheduler=scheduler,
    )  # fmt: skip
