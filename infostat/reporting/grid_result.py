"""Result of a simulation over a grid: one tidy table, its summary and its figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.results import Result
from ..core.tables import Cell, Section
from .grid_study import as_text, find_wing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["GridSimulation", "interpret"]

_PRINTED = 24  # rows that the summary prints
_ROUNDING = 1e-12  # of a value: no Monte Carlo error is as small


@dataclass(frozen=True, eq=False, repr=False)
class GridSimulation(Result):
    """Simulations of one wing over a grid of settings, beside the theory.

    Attributes
    ----------
    wing : str
        ``"pn"``, ``"kde"``, ``"align"`` or ``"bounds"``.
    grid : mapping of str to tuple
        Options that the grid runs over, and their values; the last runs fastest.
    fixed : mapping of str to value
        All other options, defaults included.
    replicates : int
        Replicates in each cell.
    n_cells : int
        Cells of the grid.
    frame : DataFrame
        One row per cell and quantity, see :meth:`to_frame`.
    seed : int or str
        Gives the same numbers again as ``rng``.
    cell_seeds : tuple
        Seed of each cell: with it as ``rng`` the wing's own simulation gives the numbers of the cell.
    flags : mapping of str to int
        Cautions of the simulations, and in how many cells they apply.
    x : str
        Column on the horizontal axis of the figure.
    quantity : str
        Quantity of the summary and the figure.
    interpretation : str
        What it shows, in sentences.
    nature : str
        ``"estimate"``.
    """

    wing: str
    grid: dict[str, tuple[Any, ...]]
    fixed: dict[str, Any]
    replicates: int
    n_cells: int
    frame: pd.DataFrame
    seed: int | str
    cell_seeds: tuple[int | str, ...]
    flags: dict[str, int]
    x: str
    quantity: str
    interpretation: str
    nature: str = "estimate"

    _headline = ("wing", "n_cells", "replicates", "quantity", "seed")

    def _title(self) -> str:
        return find_wing(self.wing).title

    def _settings(self) -> dict[str, Cell]:
        varied = {name: "; ".join(map(as_text, values)) for name, values in self.grid.items()}
        rest = {name: as_text(value) for name, value in self.fixed.items()}
        return {**varied, **rest, "replicates": self.replicates, "seed": str(self.seed)}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per cell and quantity.

        Returns
        -------
        DataFrame
            ``cell`` (its number), one column for each key of the grid, the axes inside a cell (``n``; ``h``;
            ``method level``; ``layer``; empty for a quantity of the whole cell), ``quantity value se theory
            limit``. `theory` is what is known at this size, `limit` the first order or the limit of large
            dimension; a number that is not known is nan.
        """
        return self.frame.copy()

    def shown(self, quantity: str | None = None) -> pd.DataFrame:
        """Return the rows of one quantity, without columns that are empty for it.

        Parameters
        ----------
        quantity : str, optional
            Its name; that of the summary if None.

        Returns
        -------
        DataFrame
            Columns of :meth:`to_frame` except ``quantity``.

        Raises
        ------
        InputError
            If there is no such quantity.
        """
        from .grid_plots import check_quantity

        name = check_quantity(self.wing, self.quantity if quantity is None else quantity)
        rows = self.frame[self.frame["quantity"] == name].drop(columns="quantity").reset_index(drop=True)
        empty = [axis for axis in find_wing(self.wing).axes if rows[axis].isna().all()]
        return rows.drop(columns=empty)

    def _sections(self) -> Sequence[Section]:
        wing = find_wing(self.wing)
        facts: list[list[Cell]] = [["Cells", self.n_cells], ["Replicates in each", self.replicates]]
        facts += [[f"{name} (grid)", ", ".join(map(as_text, values))] for name, values in self.grid.items()]
        facts += [[name, as_text(value)] for name, value in self.fixed.items()]
        facts += [["Seed", str(self.seed)], ["Nature", self.nature]]
        rows = self.shown()
        keys = [name for name in (*self.grid, *wing.axes) if name in rows.columns]
        numbers = [name for name in ("value", "se", "theory", "limit") if not rows[name].isna().all()]
        keep = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _PRINTED)).round().astype(int))
        thinned = "" if len(keep) == len(rows) else f" ({len(keep)} of {len(rows)} rows; the frame has all)"
        cells = [[*(_cell(row[key]) for key in keys), *(float(row[name]) for name in numbers)]
                 for _, row in rows.iloc[keep].iterrows()]  # fmt: skip
        header = [*(keys or [""]), *("s.e." if name == "se" else name for name in numbers)]
        table = [row if keys else ["", *row] for row in cells]
        return [Section(facts), Section(table, header, f"{wing.quantities[self.quantity]}{thinned}")]

    def _notes(self) -> Sequence[str]:
        cautions = [f"Caution [{flag}]: in {times} of {self.n_cells} cells." for flag, times in self.flags.items()]
        return [self.interpretation, *cautions]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .grid_plots import draw_grid

        draw_grid(ax, self, **kwargs)


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        return value
    number = float(value)
    return int(number) if np.isfinite(number) and number == int(number) and abs(number) < 1e15 else number


def interpret(found: GridSimulation) -> str:
    """Return what a study shows, in sentences.

    Parameters
    ----------
    found : GridSimulation
        The study.

    Returns
    -------
    str
        Range of the headline quantity, and how it compares with theory.
    """
    wing, rows = find_wing(found.wing), found.shown()
    keys = [name for name in (*found.grid, *wing.axes) if name in rows.columns]
    label = wing.quantities[found.quantity]
    value = rows["value"].to_numpy(float)
    low, high = int(np.argmin(value)), int(np.argmax(value))
    if low == high:
        text = f"The {label} is {value[low]:.4g}{_where(rows, low, keys)}."
    else:
        text = (
            f"The {label} runs from {value[low]:.4g}{_where(rows, low, keys)} to {value[high]:.4g}"
            f"{_where(rows, high, keys)}."
        )
    gap = value - rows["theory"].to_numpy(float)
    error = rows["se"].to_numpy(float)
    # Where all replicates agree the error is rounding alone and measures nothing.
    known = np.isfinite(gap) & np.isfinite(error) & (error > _ROUNDING * np.abs(value))
    if not known.any():
        return text
    z = np.abs(gap[known] / error[known])
    worst = int(np.flatnonzero(known)[int(np.argmax(z))])
    reference = wing.reference if found.quantity == wing.headline else "what theory says"
    return (
        f"{text} {int((z <= 2.0).sum())} of {len(z)} values lie within two standard errors of {reference}; the "
        f"farthest is {z.max():.1f} standard errors off{_where(rows, worst, keys)}."
    )


def _where(rows: pd.DataFrame, place: int, keys: Sequence[str]) -> str:
    row = rows.iloc[place]
    words = [f"{key} = {as_text(_cell(row[key]))}" for key in keys]
    return f" (at {', '.join(words)})" if words else ""
