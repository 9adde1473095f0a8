"""Curves in a tidy table, and how a table of curves is drawn.

The drawing of a figure reads the table that is written beside it, so that the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.drawing import DASHED, DOTTED, inset_panels, legend_below
from ...core.style import COLORS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["COLUMNS", "DASHED", "DOTTED", "Look", "curve", "divide", "draw_curves", "legend_below", "rows_of", "stack"]

# One row is one point of one curve; nature is "exact", "bound", "estimate", "proxy" or "data".
COLUMNS = ("panel", "curve", "nature", "x", "y", "low", "high")


def curve(
    name: str,
    x: Any,
    y: Any,
    *,
    nature: str = "exact",
    panel: str = "",
    low: Any = np.nan,
    high: Any = np.nan,
    **more: Any,
) -> pd.DataFrame:
    """Return the rows of one curve.

    Parameters
    ----------
    name : str
        Name of the curve in the table.
    x, y : array_like of shape (k,)
        Points.
    nature : str
        ``"exact"``, ``"bound"``, ``"estimate"``, ``"proxy"`` or ``"data"``.
    panel : str
        Panel of the figure.
    low, high : array_like of shape (k,) or float
        Interval; nan where there is none.
    **more : array_like of shape (k,), float or str
        Further columns.

    Returns
    -------
    DataFrame
        Columns `COLUMNS` and the further ones.
    """
    import pandas as pd

    places = np.atleast_1d(np.asarray(x, dtype=np.float64))
    columns: dict[str, Any] = {"panel": panel, "curve": name, "nature": nature, "x": places}
    for label, values in (("y", y), ("low", low), ("high", high)):
        columns[label] = np.broadcast_to(np.asarray(values, dtype=np.float64), places.shape)
    return pd.DataFrame({**columns, **more})


def stack(*frames: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of several curves in one table.

    Parameters
    ----------
    *frames : DataFrame
        Results of :func:`curve`.

    Returns
    -------
    DataFrame
        Rows in the order given, numbered from 0.
    """
    import pandas as pd

    return pd.concat(frames, ignore_index=True)


def rows_of(frame: pd.DataFrame, name: str, panel: str = "") -> pd.DataFrame:
    """Return the rows of one curve of one panel.

    Parameters
    ----------
    frame : DataFrame
        Table of curves.
    name, panel : str
        Which curve.

    Returns
    -------
    DataFrame
        Its rows; none if the panel lacks the curve.
    """
    return frame[(frame["curve"] == name) & (frame["panel"] == panel)]


@dataclass(frozen=True)
class Look:
    """How one curve is drawn.

    Parameters
    ----------
    color : str
        Name in the palette of the package.
    label : str
        Text in the legend; empty for none.
    kind : {"line", "points", "rule"}
        A line (with a band where the table has intervals), points (with error bars), or a vertical
        rule at each x.
    dash : object
        Dashes of the line.
    width : float
        Width of the line, points of print.
    marker : str
        Shape of the points.
    size : float
        Size of the points.
    hollow : bool
        Draw the points as rings.
    alpha : float
        Opacity of points and lines.
    """

    color: str
    label: str = ""
    kind: str = "line"
    dash: Any = "-"
    width: float = 1.6
    marker: str = "o"
    size: float = 4.0
    hollow: bool = False
    alpha: float = 1.0


def draw_curves(ax: Axes, frame: pd.DataFrame, looks: Mapping[str, Look], panel: str = "") -> None:
    """Draw the curves of one panel, in the order of `looks`.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    frame : DataFrame
        Table of curves.
    looks : mapping of str to Look
        Name of the curve -> how; curves that the panel lacks are skipped.
    panel : str
        Which panel.
    """
    draw = {"line": _line, "points": _points, "rule": _rule}
    for name, look in looks.items():
        rows = rows_of(frame, name, panel)
        if len(rows):
            columns = (rows[c].to_numpy(dtype=np.float64) for c in ("x", "y", "low", "high"))
            draw[look.kind](ax, look, *columns)


def _line(ax: Axes, look: Look, x: Any, y: Any, low: Any, high: Any) -> None:
    color, label = COLORS[look.color], look.label or "_nolegend_"
    shown = np.where(np.isfinite(y), y, np.nan)
    ax.plot(x, shown, color=color, ls=look.dash, lw=look.width, alpha=look.alpha, label=label)
    band = np.isfinite(low) & np.isfinite(high)
    if band.any():
        ax.fill_between(x, low, high, where=band, color=color, alpha=0.18, lw=0)


def _points(ax: Axes, look: Look, x: Any, y: Any, low: Any, high: Any) -> None:
    color = COLORS[look.color]
    options: dict[str, Any] = {
        "color": color, "marker": look.marker, "ms": look.size, "ls": "none", "alpha": look.alpha,
        "label": look.label or "_nolegend_", "mfc": "white" if look.hollow else color, "zorder": 3,
    }  # fmt: skip
    if look.alpha < 1.0:
        options["mec"] = "none"  # overlapping points would show their edges twice
    ends = np.stack([y - low, high - y])
    if np.isfinite(ends).all():
        ax.errorbar(x, y, yerr=np.maximum(ends, 0.0), capsize=2.0, elinewidth=1.0, **options)
    else:
        ax.plot(x, y, rasterized=len(x) > 2000, **options)


def _rule(ax: Axes, look: Look, x: Any, *_: Any) -> None:
    for index, place in enumerate(x):
        label = look.label if index == 0 and look.label else "_nolegend_"
        ax.axvline(place, color=COLORS[look.color], ls=look.dash, lw=look.width, label=label, zorder=1)


def divide(ax: Axes, columns: int, rows: int = 1, *, width: float = 3.5, height: float = 3.3) -> list[Axes]:
    """Divide the area of `ax` into panels; a figure that holds nothing else takes their size.

    Parameters
    ----------
    ax : Axes
        Its frame disappears; the panels take its place.
    columns, rows : int
        Panels across and down.
    width, height : float
        Size of one panel, inches.

    Returns
    -------
    list of Axes
        Row by row.
    """
    figure = ax.get_figure(root=False)
    root = ax.get_figure(root=True)
    assert figure is not None and root is not None
    size = (width * columns, height * rows)
    if len(root.axes) == 1:
        root.set_size_inches(*size)
    place = ax.get_subplotspec()
    ax.set_axis_off()
    # The words stay for programs that ask the axes they passed in.
    ax.set_xlabel("see the panels")
    ax.set_ylabel("see the panels")
    if place is None:
        return inset_panels(ax, columns, rows, size=size, gap=(0.12, 0.24))
    grid = place.subgridspec(rows, columns)
    return [figure.add_subplot(grid[j, i]) for j in range(rows) for i in range(columns)]
