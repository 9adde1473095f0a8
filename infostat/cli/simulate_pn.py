"""``infostat simulate pn``: the estimation risk of a family, simulated beside its expansion."""

from __future__ import annotations

from typing import Annotated

import typer

from ..reporting.grid_laws import REFERENCE_WORDS
from .options import Format, FormatOption, Jobs, Output, Plot, Report, Scheduler, Seed
from .simulate_options import Checkpoint, Quantity, X, run_simulation

__all__ = ["register"]

Family = Annotated[
    str,
    typer.Option(
        "--family", metavar="F,F,...", help="Model that is fitted: normal, mvn, gamma, ...; several make a grid."
    ),
]
Sizes = Annotated[str, typer.Option("--n", metavar="N,N,...", help="Sample sizes.")]
Dimension = Annotated[
    str | None,
    typer.Option("--d", metavar="D,D,...", help="Columns, for families of several variables (2).", show_default=False),
]
Replicates = Annotated[int, typer.Option("--replicates", help="Samples drawn at each size.")]
Truth = Annotated[
    str | None,
    typer.Option(
        "--truth",
        metavar="LAW,LAW,...",
        help="Law that the samples come from, as scipy.stats names it: laplace, t:5, gamma:2, ...; the family itself "
        "at its reference parameter if left out.",
        show_default=False,
    ),
]

HELP = (
    "Estimation risk of a fitted family, simulated beside its first and second order.\n\n"
    "Draws many samples, fits the family to each and prints the mean divergence from the best member, with standard "
    f"errors. Without --truth samples come from the family at a reference parameter: {REFERENCE_WORDS}. Several values "
    "of --family, --truth or --d make a grid."
)
EPILOG = "Example: infostat simulate pn --family normal --truth laplace --n 25,50,100,200 --replicates 20000 --seed 1"


def register(group: typer.Typer) -> None:
    """Add the command to the group of simulations.

    Parameters
    ----------
    group : typer.Typer
        The group.
    """
    group.command("pn", help=HELP, epilog=EPILOG)(_run)


def _run(
    family: Family = "normal",
    n: Sizes = "25,50,100,200,400",
    d: Dimension = None,
    replicates: Replicates = 10_000,
    truth: Truth = None,
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
    texts = {"family": family, "n": n, "d": d, "truth": truth}
    run_simulation(
        "pn", texts, replicates, (form, output, plot, report), x=x, quantity=quantity, checkpoint=checkpoint,
        seed=seed, jobs=jobs, scheduler=scheduler,
    )  # fmt: skip
