"""`simulate`: Monte Carlo of any wing over a grid of settings, resumable, into one table."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core.checkpoint_folder import CheckpointFolder
from ..core.errors import InfostatError, InputError, describe
from ..core.progress import Progress, progress_callback
from ..core.replicates import check_jobs
from ..core.rng import RngLike, seed_label
from ..core.validation import check_count, short
from .grid_options import Row, Wing
from .grid_result import GridSimulation, interpret
from .grid_study import GridCell, Study, StudyFile, make_study, read_study

if TYPE_CHECKING:
    import pandas as pd

    from ..core.results import Result

__all__ = ["simulate", "simulate_cell", "simulate_study"]


def simulate(
    study: str | os.PathLike[str],
    *,
    grid: Mapping[str, Any] | None = None,
    fixed: Mapping[str, Any] | None = None,
    replicates: int | None = None,
    x: str | None = None,
    quantity: str | None = None,
    rng: RngLike = None,
    n_jobs: int | None = None,
    batch_size: int | None = None,
    progress: Progress = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> GridSimulation:
    """Simulate one wing over a grid of settings, beside the theory.

    Parameters
    ----------
    study : {"pn", "kde", "align", "bounds"} or path
        Which simulation; or a TOML file that holds the whole study, where `replicates`, `rng`, `checkpoint`, `x`
        and `quantity` given here replace those of the file.
    grid : mapping of str to list, optional
        Options with the values that the grid runs over; every combination is a cell.
    fixed : mapping, optional
        Options with one value for all cells.
    replicates : int, optional
        Replicates in each cell; 10 000 (pn), 200 (kde, align) or 500 (bounds) if None.
    x, quantity : str, optional
        Column and quantity of the figure and the summary; chosen by the wing if None.
    rng : None, int, SeedSequence or Generator
        Seed. Each cell has a child of its own, which depends on its settings alone: a cell keeps its numbers when
        the grid grows. With a checkpoint and None, a resumed study takes the seed that is kept there.
    n_jobs : int, optional
        Workers; the numbers do not depend on it.
    batch_size : int, optional
        Blocks of replicates per task.
    progress : bool or callable
        Report finished replicates of all cells.
    checkpoint : path, optional
        Folder that keeps finished blocks of every cell; an interrupted study resumes from it, bit for bit, and
        a larger grid of the same seed and replicates takes up the cells that are there.

    Returns
    -------
    GridSimulation
        One row per cell and quantity: simulated value, standard error, theory.

    Raises
    ------
    InputTypeError
        If an argument has a wrong type.
    InputError
        If an option is unknown or out of range; no cell is run before all of them have been checked.
    DataFileError
        If the study file cannot be read.
    CheckpointError
        If the checkpoint is damaged or belongs to another study.
    BoundaryProjectionError
        If no sample of a cell has an estimate; cells that are finished stay in the checkpoint.

    Notes
    -----
    Options, with their defaults. ``pn``: family, truth, d, n. ``kde``: d, n or alpha, spectrum, data_sets,
    bandwidths. ``align``: n, law, confidence, kl, best_of. ``bounds``: n, d, mu, noise_std, ranks, gains, loss. The n
    of ``pn``, bandwidths, kl and best_of take lists inside each cell, in either table. Laws are named as in
    scipy.stats with their shape parameters: ``"t:5"``.

    Examples
    --------
    >>> found = simulate("bounds", grid={"n": [10, 40]}, fixed={"d": 5}, replicates=100, rng=1)
    >>> rows = found.shown("gap")
    >>> bool((abs(rows["value"] - rows["theory"]) < 5 * rows["se"]).all())
    True
    """
    if isinstance(study, os.PathLike) or (isinstance(study, str) and study.lower().endswith(".toml")):
        for name, table in (("grid", grid), ("fixed", fixed)):
            if table is not None:
                raise InputError(f"{name} must be left out with a study file, got {table!r}; write it into {study}")
        told = read_study(study)
    else:
        told = StudyFile(make_study(study, grid, fixed, replicates))
    if replicates is not None:
        told = replace(told, study=_with_replicates(told.study, replicates))
    figure = {**told.figure, **{key: text for key, text in (("x", x), ("quantity", quantity)) if text is not None}}
    return simulate_study(
        told.study,
        figure=figure,
        rng=told.seed if rng is None else rng,
        n_jobs=n_jobs,
        batch_size=batch_size,
        progress=progress,
        checkpoint=told.checkpoint if checkpoint is None else checkpoint,
    )


def simulate_study(
    study: Study,
    *,
    figure: Mapping[str, str] | None = None,
    rng: RngLike = None,
    n_jobs: int | None = None,
    batch_size: int | None = None,
    progress: Progress = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> GridSimulation:
    """Run a checked study.

    Parameters
    ----------
    study : Study
        The study.
    figure : mapping, optional
        ``x`` and ``quantity`` of the figure.
    rng, n_jobs, batch_size, progress, checkpoint
        As in :func:`simulate`.

    Returns
    -------
    GridSimulation
        The table.
    """
    from .grid_plots import check_quantity, default_x

    wing, cells = study.wing, study.cells()
    quantity = check_quantity(wing.name, (figure or {}).get("quantity", wing.headline))
    _check_x(study, (figure or {}).get("x"))
    check_jobs(n_jobs)
    if batch_size is not None:
        check_count("batch_size", batch_size, low=1)
    about = {"study": f"grid of simulations: {wing.name}", "replicates": study.replicates}
    store = CheckpointFolder(checkpoint, about, rng)
    sizes = [_size(cell, study.replicates) for cell in cells]
    common: dict[str, Any] = {"n_jobs": n_jobs, "batch_size": batch_size}
    rows: list[tuple[GridCell, int, Row]] = []
    flags: dict[str, int] = {}
    with progress_callback(progress, f"{len(cells)} cells" if len(cells) > 1 else "replicates") as report:
        for number, cell in enumerate(cells):
            part: Progress = False
            if report is not None:
                part = _Part(report, sum(sizes[:number]), sum(sizes))
            with _named(cell):
                found = wing.run(
                    cell.settings, study.replicates, rng=cell.seed(store.seed), progress=part,
                    checkpoint=store.file(f"cell-{cell.key}"), **common,
                )  # fmt: skip
                rows += [(cell, number, row) for row in wing.rows(found)]
            for flag in getattr(found, "flags", ()):
                flags[str(flag)] = flags.get(str(flag), 0) + 1
    frame = _frame(wing, list(study.grid), rows)
    result = GridSimulation(
        wing=wing.name,
        grid=dict(study.grid),
        fixed=study.fixed,
        replicates=study.replicates,
        n_cells=len(cells),
        frame=frame,
        seed=seed_label(store.seed),
        cell_seeds=tuple(seed_label(cell.seed(store.seed)) for cell in cells),
        flags=flags,
        x=default_x(frame, wing.name, list(study.grid), quantity, (figure or {}).get("x")),
        quantity=quantity,
        interpretation="",
    )
    return replace(result, interpretation=interpret(result))


def simulate_cell(
    study: Study,
    *,
    rng: RngLike = None,
    n_jobs: int | None = None,
    progress: Progress = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Result:
    """Run a study of a single cell and return the wing's own result.

    Parameters
    ----------
    study : Study
        A study without a grid, or with one value for each of its keys.
    rng, n_jobs, progress
        As in :func:`simulate`; the cell takes the seed itself.
    checkpoint : path, optional
        File that keeps finished blocks.

    Returns
    -------
    Result
        What the wing's simulation returns.

    Raises
    ------
    InputError
        If the grid has several cells.
    """
    cells = study.cells()
    if len(cells) > 1:
        raise InputError(f"the study must have one cell, got {len(cells)}; use simulate_study")
    return study.wing.run(
        cells[0].settings, study.replicates, rng=rng, n_jobs=n_jobs, progress=progress, checkpoint=checkpoint
    )


class _Part:
    """Progress of one cell, counted over all of them."""

    def __init__(self, report: Any, before: int, total: int) -> None:
        self._report, self._before, self._total = report, before, total

    def __call__(self, done: int, _: int) -> None:
        self._report(self._before + done, self._total)


@contextmanager
def _named(cell: GridCell) -> Iterator[None]:
    """Say in which cell an error came up."""
    try:
        yield
    except InfostatError as error:
        if not cell.point:
            raise
        raise type(error)(f"in the cell {cell.words()}: {error}") from error


def _with_replicates(study: Study, replicates: int) -> Study:
    table = {"grid": dict(study.grid), "fixed": dict(study.given)}
    return make_study(study.wing.name, table["grid"], table["fixed"], replicates)


def _size(cell: GridCell, replicates: int) -> int:
    """Replicates that the simulation of a cell reports."""
    return replicates * int(cell.settings.get("data_sets", 1))


def _check_x(study: Study, x: str | None) -> None:
    known = (*study.grid, *study.wing.axes)
    if x is not None and (not isinstance(x, str) or x not in known):
        raise InputError(describe("x", f"one of {', '.join(known)}", short(x)))


def _frame(wing: Wing, grid: list[str], rows: list[tuple[GridCell, int, Row]]) -> pd.DataFrame:
    """One row per cell and quantity; the values of list options as text."""
    import pandas as pd


    def plain(value: Any) -> Any:
        # All digits: two lists that differ are two texts.
        return ",".join(format(item, ".15g") for item in value) if isinstance(value, tuple) else value

    table: dict[str, list[Any]] = {"cell": [number for _, number, _ in rows]}
    for name in grid:
        table[name] = [plain(cell.point[name]) for cell, _, _ in rows]
    for place, axis in enumerate(wing.axes):
        empty: Any = None if axis == "method" else float("nan")
        table[axis] = [row.axis[place] if row.axis else empty for _, _, row in rows]
    for name in ("quantity", "value", "se", "theory", "limit"):
        table[name] = [getattr(row, name) for _, _, row in rows]
    return pd.DataFrame(table)
