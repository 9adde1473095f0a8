"""``infostat simulate``: seeded Monte Carlo that checks the theory, one setting or a grid of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from . import simulate_align, simulate_bounds, simulate_kde, simulate_pn
from .options import Format, FormatOption, Jobs, Output, Plot, Report, Scheduler, Seed
from .simulate_options import Quantity, X

__all__ = ["register"]

File = Annotated[
    Path, typer.Argument(metavar="FILE.toml", help="Study: wing, grid, fixed values, seed, output.", show_default=False)
]
Replicates = Annotated[
    int | None,
    typer.Option("--replicates", help="Replicates in each cell, in place of the file's.", show_default=False),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="DIR",
        help="Keep finished parts in this folder; resume a killed run.",
        show_default=False,
    ),
]

HELP = (
    "Seeded Monte Carlo that checks the theory.\n\n"
    "Options that list several values (--n 100,1000 --d 5,10,20) run over the grid of all combinations and give one "
    "table; infostat simulate FILE.toml runs a study that a file describes."
)
RUN_HELP = (
    "A study that a TOML file describes; infostat simulate FILE.toml is the same.\n\n"
    "The file names the wing, the options that the grid runs over, the fixed ones, replicates, seed and the files to "
    "be written; options of the command line replace its values."
)
RUN_EPILOG = "Example: infostat simulate bandwidth_study.toml --jobs 2 --checkpoint study"


class _Group(TyperGroup):
    """A first argument that ends in .toml stands for ``run FILE.toml``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return name, command and remaining arguments of what was typed."""
        if args and args[0].lower().endswith(".toml"):
            args = ["run", *args]
        return super().resolve_command(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the commands to the application.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    group = typer.Typer(
        cls=_Group,
        help=HELP,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for module in (simulate_pn, simulate_kde, simulate_align, simulate_bounds):
        module.register(group)
    group.command("run", help=RUN_HELP, epilog=RUN_EPILOG)(_run)
    group.callback()(_group)
    app.add_typer(group, name="simulate", help=HELP)


def _group() -> None:
    """Seeded Monte Carlo that checks the theory."""


def _run(
    file: File,
    replicates: Replicates = None,
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
    import warnings

    from ..core.errors import InfostatWarning
    from ..core.files import check_writable
    from ..reporting.grid_simulate import simulate
    from ..reporting.grid_study import read_study
    from .cluster import workers
    from .output import check_paths, deliver, on_terminal

    check_paths(output, plot, report)
    targets = read_study(file).output
    for path in targets:
        check_writable(path)
    with workers(scheduler), warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)  # the cautions are printed with the result
        result = simulate(
            file,
            replicates=replicates,
            x=x,
            quantity=quantity,
            rng=seed,
            n_jobs=jobs,
            progress=on_terminal(),
            checkpoint=checkpoint,
        )
    for path in targets:
        result.save(path)
    deliver(result, form, output, plot, report)
    if form is Format.text and output is None:
        for path in targets:
            typer.echo(f"Wrote {path}")
