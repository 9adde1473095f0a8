"""``infostat simulate bounds``: gap and layer bounds of linear networks on the binary Gaussian task."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Format, FormatOption, Jobs, Output, Plot, Report, Scheduler, Seed
from .simulate_options import Checkpoint, Quantity, X, run_simulation

__all__ = ["register"]

Size = Annotated[
    str | None,
    typer.Option("--n", metavar="N,N,...", help="Training samples (15); several make a grid.", show_default=False),
]
Dimension = Annotated[
    str | None, typer.Option("--d", metavar="D,D,...", help="Dimension of the input (20).", show_default=False)
]
Replicates = Annotated[int, typer.Option("--replicates", help="Training sets, each with a network of its own.")]
Mean = Annotated[
    str | None,
    typer.Option("--mu", metavar="M,M,...", help="Distance of the class means from 0 (1.5).", show_default=False),
]
Noise = Annotated[
    str | None,
    typer.Option(
        "--noise-std", metavar="S,S,...", help="Standard deviation within a class (1).", show_default=False
    ),
]
Ranks = Annotated[
    str | None,
    typer.Option(
        "--ranks",
        metavar="R,R,...",
        help="Ranks of the layers from the input (d) to 1; several networks with ; between them.",
        show_default=False,
    ),
]
Gains = Annotated[
    str | None,
    typer.Option(
        "--gains",
        metavar="G,G,...",
        help="Gains of all layers but the last, 1 if left out; several networks with ; between them.",
        show_default=False,
    ),
]
Loss = Annotated[
    str | None,
    typer.Option(
        "--loss", metavar="LOSS,...", help="Loss of the classifier: hinge (default), logistic, linear.",
        show_default=False,
    ),
]  # fmt: skip

HELP = (
    "Generalization gap and layer bounds of simulated linear networks.\n\n"
    "Two Gaussian classes, a linear network whose product is the mean estimator: prints the gap and the Kullback-"
    "Leibler and Wasserstein bounds of every layer, averaged over training sets. Several values of --n, --d, --mu, "
    "--noise-std, --ranks, --gains or --loss make a grid."
)
EPILOG = "Example: infostat simulate bounds --n 10,20,40,80 --d 5,20 --replicates 500 --seed 1 --plot gap.png"


def register(group: typer.Typer) -> None:
    """Add the command to the group of simulations.

    Parameters
    ----------
    group : typer.Typer
        The group.
    """
    group.command("bounds", help=HELP, epilog=EPILOG)(_run)


def _run(
    n: Size = None,
    d: Dimension = None,
    replicates: Replicates = 500,
    mu: Mean = None,
    noise_std: Noise = None,
    ranks: Ranks = None,
    gains: Gains = None,
    loss: Loss = None,
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
        "n": n, "d": d, "mu": mu, "noise_std": noise_std, "ranks": ranks, "gains": gains, "loss": loss
    }  # fmt: skip
    run_simulation(
        "bounds", texts, replicates, (form, output, plot, report), x=x, quantity=quantity, checkpoint=checkpoint,
        seed=seed, jobs=jobs, scheduler=scheduler,
    )  # fmt: skip
