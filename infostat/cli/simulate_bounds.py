"""``infostat simulate bounds``: gap and layer bounds of linear networks on the binary Gaussian task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .numbers import count_list, number_list
from .options import Format, FormatOption, Jobs, Output, Plot, Report, Seed

__all__ = ["register"]

Size = Annotated[int, typer.Option("--n", help="Training samples.")]
Dimension = Annotated[int, typer.Option("--d", help="Dimension of the input.")]
Replicates = Annotated[int, typer.Option("--replicates", help="Training sets, each with a network of its own.")]
Mean = Annotated[float, typer.Option("--mu", help="Distance of the class means from 0.")]
Noise = Annotated[float, typer.Option("--noise-std", help="Standard deviation within a class.")]
Ranks = Annotated[
    str | None,
    typer.Option(
        "--ranks", metavar="R,R,...", help="Ranks of the layers from the input (d) to 1.", show_default=False
    ),
]
Gains = Annotated[
    str | None,
    typer.Option("--gains", metavar="G,G,...", help="Gains of all layers but the last; 1 if left out.",
                 show_default=False),
]  # fmt: skip
Loss = Annotated[str, typer.Option("--loss", help="Loss of the classifier, for instance hinge.")]
Checkpoint = Annotated[
    Path | None,
    typer.Option("--checkpoint", metavar="FILE", help="Keep finished parts; resume a killed run.", show_default=False),
]

HELP = (
    "Generalization gap and layer bounds of simulated linear networks.\n\n"
    "Two Gaussian classes, a linear network whose product is the mean estimator: prints the gap and the Kullback-"
    "Leibler and Wasserstein bounds of every layer, averaged over training sets."
)
EPILOG = "Example: infostat simulate bounds --n 15 --d 20 --mu 1.5 --replicates 500 --seed 1 --plot bounds.png"


def register(group: typer.Typer) -> None:
    """Add the command to the group of simulations.

    Parameters
    ----------
    group : typer.Typer
        The group.
    """
    group.command("bounds", help=HELP, epilog=EPILOG)(_run)


def _run(
    n: Size = 15,
    d: Dimension = 20,
    replicates: Replicates = 500,
    mu: Mean = 1.5,
    noise_std: Noise = 1.0,
    ranks: Ranks = None,
    gains: Gains = None,
    loss: Loss = "hinge",
    checkpoint: Checkpoint = None,
    form: FormatOption = Format.text,
    output: Output = None,
    plot: Plot = None,
    report: Report = None,
    seed: Seed = None,
    jobs: Jobs = None,
) -> None:
    import warnings

    from ..core.errors import InfostatWarning
    from ..generalization import BinaryGaussianTask
    from .output import check_paths, deliver, on_terminal

    check_paths(output, plot, report)
    layers = _ranks(d) if ranks is None else count_list("--ranks", ranks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)  # vacuous bounds are marked in the table
        result = BinaryGaussianTask(mu, noise_std, d).simulate(
            n,
            layers,
            [1.0] * (len(layers) - 2) if gains is None else number_list("--gains", gains),
            replicates,
            loss=loss,
            rng=seed,
            n_jobs=jobs,
            progress=on_terminal(),
            checkpoint=checkpoint,
        )
    deliver(result, form, output, plot, report)


def _ranks(d: int) -> list[int]:
    """Ranks that fall by about the same factor from d to 1 over four layers."""
    return [max(1, round(d ** (1.0 - k / 4.0))) for k in range(5)]
