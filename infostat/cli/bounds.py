"""``infostat bounds``: certificates of a network's layers, or one of the worked experiments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Format, FormatOption, Jobs, Output, Plot, Report, Scheduler, Seed

if TYPE_CHECKING:
    from ..core.results import Result

__all__ = ["register"]

Target = Annotated[
    str,
    typer.Argument(
        metavar="FILE.npz|E1...E6",
        help="Activations of a network, or the name of an experiment.",
        show_default="E1",
    ),
]
Loss = Annotated[
    str | None,
    typer.Option(
        "--loss", help="Loss of the network: logistic (default), hinge, cross_entropy, squared.", show_default=False
    ),
]
LabelCost = Annotated[
    float | None,
    typer.Option("--label-cost", help="Cost of moving between two labels, in place of the loss's.", show_default=False),
]
MaxExact = Annotated[
    int | None,
    typer.Option("--max-exact", help="Rows up to which transport is exact (4000).", show_default=False),
]

Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="DIR",
        help="E1, E5, E6: keep finished parts in this folder; resume a killed run.",
        show_default=False,
    ),
]

HELP = (
    "How far can training and test loss of a network differ, layer by layer?\n\n"
    "FILE.npz holds the arrays train_0 ... train_L, test_0 ... test_L, y_train, y_test and lipschitz (or weight_1 ... "
    "weight_L, optionally activation): prints a certificate for every layer, with the distance that sampling alone "
    "would give. A name E1 ... E6 runs a worked experiment: E1 bounds by layer, E2 by sample size, E3 contraction "
    "coefficients, E4 the Gibbs algorithm, E5 a trained network, E6 supersamples."
)
EPILOG = "Example: infostat bounds activations.npz --plot certificates.png; infostat bounds E2 --plot bounds.pdf"


def register(app: typer.Typer) -> None:
    """Add the command to the application.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command("bounds", help=HELP, epilog=EPILOG)(_run)


def _run(
    target: Target = "E1",
    loss: Loss = None,
    label_cost: LabelCost = None,
    max_exact: MaxExact = None,
    checkpoint: Checkpoint = None,
    form: FormatOption = Format.text,
    output: Output = None,
    plot: Plot = None,
    report: Report = None,
    seed: Seed = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    import warnings

    from ..core.errors import InfostatWarning, InputError
    from ..generalization.certificates import layer_certificates
    from ..generalization.experiments import EXPERIMENTS, run_experiment
    from .cluster import workers
    from .output import check_paths, deliver, on_terminal

    check_paths(output, plot, report)
    options = {"loss": loss, "label_cost": label_cost, "max_exact": max_exact}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    experiment = target.upper() in EXPERIMENTS
    if experiment and given:
        names = ", ".join("--" + name.replace("_", "-") for name in given)
        raise InputError(f"{names} must be left out for an experiment: it belongs to a file of activations")
    if checkpoint is not None and not experiment:
        raise InputError("--checkpoint must be left out for a file of activations: it belongs to an experiment")
    activations = {} if experiment else _activations(target)
    with workers(scheduler), warnings.catch_warnings():
        # The cautions are printed with the result; a second copy on stderr would only distract.
        warnings.simplefilter("ignore", InfostatWarning)
        result: Result
        if experiment:
            result = run_experiment(
                target,
                rng=0 if seed is None else seed,
                n_jobs=jobs,
                progress=on_terminal(),
                checkpoint=checkpoint,
            )
        else:
            result = layer_certificates(**activations, **given, rng=0 if seed is None else seed)
    deliver(result, form, output, plot, report)


def _activations(path: str) -> dict[str, Any]:
    """Arrays of the file; keys that it has beyond the known ones are named on stderr."""
    import warnings

    from ..core.errors import InfostatWarning, InputError
    from ..generalization.activation_files import read_activations
    from ..generalization.experiments import EXPERIMENTS

    if Path(path).suffix.lower() != ".npz":
        raise InputError(f"TARGET must be an .npz file of activations or one of {', '.join(EXPERIMENTS)}, got {path!r}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InfostatWarning)
        found = read_activations(path)
    for item in caught:
        typer.echo(f"infostat: warning: {item.message}", err=True)
    return found
