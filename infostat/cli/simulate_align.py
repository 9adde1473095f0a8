"""``infostat simulate align``: estimates of aligned rewards from simulated scores."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Format, FormatOption, Jobs, Output, Plot, Report, Scheduler, Seed
from .simulate_options import Checkpoint, Quantity, X, run_simulation

__all__ = ["register"]

Scores = Annotated[
    str | None,
    typer.Option(
        "--n", metavar="N,N,...", help="Reward scores in each data set (2000); several make a grid.", show_default=False
    ),
]
DataSets = Annotated[int, typer.Option("--replicates", help="Data sets.")]
Law = Annotated[
    str | None,
    typer.Option(
        "--law",
        metavar="LAW,LAW,...",
        help="Law of the scores, as scipy.stats names it: norm (default), uniform, beta:2:5, ...",
        show_default=False,
    ),
]
Budgets = Annotated[str, typer.Option("--kl", metavar="K,K,...", help="KL budgets of the tilt, in nats.")]
Draws = Annotated[str, typer.Option("--best-of", metavar="N,N,...", help="Numbers of draws of best-of-N.")]
Confidence = Annotated[
    str | None,
    typer.Option("--confidence", metavar="L,L,...", help="Level of the intervals (0.95).", show_default=False),
]

HELP = (
    "Estimates of aligned rewards from simulated scores, beside the exact values.\n\n"
    "Prints bias, spread, reported standard error and coverage of the tilted mean at fixed KL and of best-of-N. "
    "Several values of --n, --law or --confidence make a grid."
)
EPILOG = "Example: infostat simulate align --n 200,2000 --replicates 200 --seed 1 --plot coverage.png"


def register(group: typer.Typer) -> None:
    """Add the command to the group of simulations.

    Parameters
    ----------
    group : typer.Typer
        The group.
    """
    group.command("align", help=HELP, epilog=EPILOG)(_run)


def _run(
    n: Scores = None,
    replicates: DataSets = 200,
    law: Law = None,
    kl: Budgets = "0.1,0.5,1,2",
    best_of: Draws = "2,4,16,64",
    confidence: Confidence = None,
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
    texts = {"n": n, "law": law, "kl": kl, "best_of": best_of, "confidence": confidence}
    run_simulation(
        "align", texts, replicates, (form, output, plot, report), x=x, quantity=quantity, checkpoint=checkpoint,
        seed=seed, jobs=jobs, scheduler=scheduler,
    )  # fmt: skip
