"""Figure of a simulation over a grid: a quantity against one key, a curve for each of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputError, describe
from ..core.style import COLORS
from ..core.validation import FloatArray, short
from .grid_study import as_text, find_wing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from .grid_result import GridSimulation

__all__ = ["check_quantity", "default_x", "draw_grid"]

_HUES = ("blue", "orange", "green", "purple", "sky", "amber", "black", "grey")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_DODGE = 0.012  # of the axis: points of two curves at one place stay visible
_WIDE = 4.0  # ratio of the ends of an axis from which it is logarithmic
_LABELS = {
    "n": "sample size n",
    "d": "dimension d",
    "alpha": "log(n)/d",
    "h": "bandwidth (unit of the data)",
    "layer": "layer (0 = input)",
    "level": "KL budget (nats) or number of draws",
    "mu": "distance of the class means from 0",
    "noise_std": "standard deviation within a class",
    "confidence": "level of the intervals",
    "data_sets": "data sets for each point",
}


def check_quantity(wing: str, quantity: Any) -> str:
    """Return the name of a quantity of a wing, or raise and list them.

    Parameters
    ----------
    wing : str
        The wing.
    quantity : object
        What was asked for.

    Returns
    -------
    str
        The name.

    Raises
    ------
    InputError
        If there is no such quantity.
    """
    known = find_wing(wing).quantities
    if not isinstance(quantity, str) or quantity not in known:
        raise InputError(describe("quantity", "one of " + ", ".join(known), short(quantity)))
    return quantity


def default_x(frame: pd.DataFrame, wing: str, grid: Sequence[str], quantity: str, x: Any = None) -> str:
    """Return the column that a figure has on its horizontal axis.

    Parameters
    ----------
    frame : DataFrame
        Rows of a study.
    wing : str
        Its wing.
    grid : sequence of str
        Keys of the grid.
    quantity : str
        What is drawn.
    x : str, optional
        The column asked for; None takes the numeric one of most values.

    Returns
    -------
    str
        A key of the grid, or an axis inside the cells; empty if nothing varies.

    Raises
    ------
    InputError
        If there is no such column for this quantity.
    """
    rows = frame[frame["quantity"] == quantity]
    columns = [name for name in (*grid, *find_wing(wing).axes) if not rows[name].isna().all()]
    if x is not None:
        if not isinstance(x, str) or x not in columns:
            raise InputError(describe("x", f"one of {', '.join(columns)} for the quantity {quantity}", short(x)))
        return x
    numeric = [name for name in columns if rows[name].dtype.kind in "if" and rows[name].nunique() > 1]
    # The level of alignment is a budget in one half of the rows and a number of draws in the other.
    first = [name for name in numeric if name != "level"] or numeric or [c for c in columns if rows[c].nunique() > 1]
    return max(first, key=lambda name: int(rows[name].nunique())) if first else (columns or [""])[0]


def draw_grid(
    ax: Axes, found: GridSimulation, *, x: str | None = None, quantity: str | None = None, **kwargs: Any
) -> None:
    """Draw a quantity of a study with two standard errors, and what theory says beside it.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    found : GridSimulation
        The study.
    x : str, optional
        Column on the horizontal axis; that of the result if None.
    quantity : str, optional
        Quantity; that of the result if None.
    **kwargs
        Passed to the points with error bars.
    """
    name = check_quantity(found.wing, found.quantity if quantity is None else quantity)
    column = x if x is not None else (found.x or None if name == found.quantity else None)
    across = default_x(found.frame, found.wing, list(found.grid), name, column)
    rows = found.shown(name)
    places = _places(rows, across)
    curves = [(label, *_sorted(part, across, places)) for label, part in _curves(rows, found, across)]
    _axes(ax, rows, across, places)
    for what, style, words in zip(("theory", "limit"), ("-", "--"), find_wing(found.wing).lines, strict=True):
        _lines(ax, curves, what, style, words)
    for place, (label, at, part) in enumerate(curves):
        options: dict[str, Any] = {
            "fmt": _MARKERS[place], "color": COLORS[_HUES[place]], "markersize": 4.0, "capsize": 2.0, "zorder": 3
        }  # fmt: skip
        error = 2.0 * np.nan_to_num(part["se"].to_numpy(float))
        shift = _DODGE * (place - 0.5 * (len(curves) - 1))
        aside = _dodged(at, shift if len(np.unique(at)) > 1 or places else 0.0, ax.get_xscale() == "log")
        ax.errorbar(aside, part["value"].to_numpy(float), yerr=error, **{**options, "label": label, **kwargs})
    ax.set_ylabel(find_wing(found.wing).quantities[name])
    title = "points: simulation (±2 s.e.)" if len(curves) > 1 else None
    ax.legend(loc="best", title=title, title_fontsize="small", alignment="left")


def _places(rows: pd.DataFrame, across: str) -> dict[str, int]:
    """Places of words on the axis; empty for an axis of numbers."""
    if not across or rows[across].dtype.kind in "if":
        return {}
    return {value: place for place, value in enumerate(dict.fromkeys(map(str, rows[across])))}


def _sorted(part: pd.DataFrame, across: str, places: dict[str, int]) -> tuple[FloatArray, pd.DataFrame]:
    """Positions on the axis in rising order, and the rows in the same order."""
    if not across:
        at = np.zeros(len(part))
    elif places:
        at = np.array([float(places[str(value)]) for value in part[across]])
    else:
        at = part[across].to_numpy(float)
    order = np.argsort(at, kind="stable")
    return at[order], part.iloc[order]


def _lines(ax: Axes, curves: Sequence[tuple[str, FloatArray, pd.DataFrame]], what: str, style: str, words: str) -> None:
    """Draw a column of theory for every curve, once in grey where all curves share it."""
    known = [(place, at, part[what].to_numpy(float)) for place, (_, at, part) in enumerate(curves)]
    known = [(place, at, line) for place, at, line in known if np.isfinite(line).any()]
    if not known:
        return
    first = known[0]
    shared = len(curves) > 1 and all(np.array_equal(first[1:], item[1:], equal_nan=True) for item in known)
    for place, at, line in known[:1] if shared else known:
        color = COLORS["grey"] if shared else COLORS[_HUES[place]]
        marker = "_" if len(at) == 1 else None
        ax.plot(at, line, color=color, linestyle=style, linewidth=1.1, marker=marker, markersize=12, zorder=2)
    ax.plot([], [], color=COLORS["grey"], linestyle=style, linewidth=1.1, label=words)


def _dodged(at: FloatArray, shift: float, logarithmic: bool) -> FloatArray:
    if not shift:
        return at
    if logarithmic:
        return np.asarray(at * (at.max() / at.min()) ** shift)
    return np.asarray(at + shift * max(float(np.ptp(at)), 1.0))


def _curves(rows: pd.DataFrame, found: GridSimulation, across: str) -> list[tuple[str, pd.DataFrame]]:
    """Rows of each curve with its label; of more than eight curves eight that are spread evenly."""
    keys = [key for key in (*found.grid, *find_wing(found.wing).axes) if key in rows.columns and key != across]
    keys = [key for key in keys if rows[key].nunique() > 1]
    if not keys:
        return [("simulation (±2 s.e.)", rows)]
    groups = list(rows.groupby(keys, sort=False))
    picked = np.unique(np.linspace(0, len(groups) - 1, min(len(groups), len(_HUES))).round().astype(int))
    curves = []
    for place in picked:
        values, part = groups[place]
        curves.append((", ".join(_words(key, value) for key, value in zip(keys, values, strict=True)), part))
    if len(picked) < len(groups):
        curves[-1] = (f"{curves[-1][0]}  ({len(picked)} of {len(groups)} curves)", curves[-1][1])
    return curves


def _words(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value.replace("_", " ") if key == "method" else f"{key} {value}"
    return f"{key} = {as_text(float(value))}"


def _axes(ax: Axes, rows: pd.DataFrame, across: str, places: dict[str, int]) -> None:
    value = np.concatenate([rows[name].to_numpy(float) for name in ("value", "theory")])
    value = value[np.isfinite(value)]
    lower = (rows["value"] - 2.0 * rows["se"].fillna(0.0)).to_numpy(float)
    if value.size and value.min() > 0.0 and lower.min() > 0.0 and value.max() > _WIDE * value.min():
        ax.set_yscale("log")
    if not across:
        ax.set_xticks([])
        return
    if places:
        ax.set_xticks(list(places.values()), [_short(text) for text in places])
        ax.set_xlim(-0.5, len(places) - 0.5)
        ax.set_xlabel(across.replace("_", " "))
        return
    at = np.unique(rows[across].to_numpy(float))
    if at[0] > 0.0 and at[-1] > _WIDE * at[0]:
        from matplotlib.ticker import NullLocator

        ax.set_xscale("log")
        if len(at) <= 7:
            ax.set_xticks(at, [as_text(float(tick)) for tick in at])
            ax.xaxis.set_minor_locator(NullLocator())
    elif (at == np.round(at)).all() and len(at) <= 9:
        ax.set_xticks(at)
    ax.set_xlabel(_LABELS.get(across, across.replace("_", " ")))


def _short(text: str, width: int = 14) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


