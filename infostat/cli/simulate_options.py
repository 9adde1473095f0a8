"""Options that the simulations share, and the way from the command line to a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .numbers import count_list, number_list
from .options import Format

if TYPE_CHECKING:
    from ..core.results import Result
    from ..reporting.grid_options import Option

__all__ = ["Checkpoint", "Delivery", "Quantity", "X", "run_simulation"]

Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="PATH",
        help="Keep finished parts in this file (a grid: in this folder); resume a killed run.",
        show_default=False,
    ),
]
X = Annotated[
    str | None,
    typer.Option("--x", metavar="NAME", help="Grid: column on the horizontal axis of the figure.", show_default=False),
]
Quantity = Annotated[
    str | None,
    typer.Option("--quantity", metavar="NAME", help="Grid: quantity of the summary and figure.", show_default=False),
]

Delivery = tuple[Format, Path | None, Path | None, Path | None]
"""What is printed, and the files of the text, the figure and the page."""


def run_simulation(
    wing: str,
    texts: dict[str, str | None],
    replicates: int | None,
    delivery: Delivery,
    *,
    x: str | None,
    quantity: str | None,
    checkpoint: Path | None,
    seed: int | None,
    jobs: int | None,
    scheduler: str | None,
) -> None:
    """Run one simulation, or a grid of them where an option lists several values.

    Parameters
    ----------
    wing : str
        Which simulation.
    texts : dict
        Options of the wing as they were typed; None where they were not.
    replicates : int or None
        Replicates in each cell.
    delivery : tuple
        What to do with the result.
    x, quantity : str or None
        What the figure of a grid shows.
    checkpoint : Path or None
        Where finished parts are kept.
    seed, jobs, scheduler
        As everywhere.
    """
    import warnings

    from ..core.errors import InfostatWarning, InputError
    from ..reporting.grid_simulate import simulate_cell, simulate_study
    from ..reporting.grid_study import find_wing, make_study
    from .cluster import workers
    from .output import check_paths, deliver, on_terminal

    check_paths(*delivery[1:])
    grid, fixed = _tables(find_wing(wing).options, texts)
    study = make_study(wing, grid, fixed, replicates, label=_flag)
    figure = {name: text for name, text in (("x", x), ("quantity", quantity)) if text is not None}
    if figure and not grid:
        raise InputError(f"--{next(iter(figure))} must be left out without a grid; list several values of an option")
    common: dict[str, Any] = {
        "rng": seed, "n_jobs": jobs, "progress": on_terminal(), "checkpoint": checkpoint
    }  # fmt: skip
    result: Result
    with workers(scheduler), warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)  # the cautions are printed with the result
        result = simulate_study(study, figure=figure, **common) if grid else simulate_cell(study, **common)
    deliver(result, *delivery)


def _flag(table: str, name: str) -> str:
    return "--" + (name or table).replace("_", "-")


def _tables(options: tuple[Option, ...], texts: dict[str, str | None]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options with several values, and the others."""
    grid: dict[str, Any] = {}
    fixed: dict[str, Any] = {}
    for option in options:
        text = texts.get(option.name)
        if text is None:
            continue
        values = [_items(option, part) for part in text.split(";")] if option.many else _items(option, text)
        if option.curve:
            fixed[option.name] = values
        elif len(values) == 1:
            fixed[option.name] = values[0]
        else:
            grid[option.name] = values
    return grid, fixed


def _items(option: Option, text: str) -> list[Any]:
    flag = _flag("", option.name)
    if option.kind == "count":
        return list(count_list(flag, text))
    if option.kind == "number":
        return list(number_list(flag, text))
    return [part.strip() for part in text.split(",")]
