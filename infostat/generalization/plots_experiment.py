"""Figure of an experiment: one panel per group, one line style per nature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import count_ticks, inset_panels
from ..core.errors import InputError
from ..core.style import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .experiment_result import Experiment

__all__ = ["draw_experiment"]

# Nature decides the line, so that a reader sees it without the legend: exact thick black-like solid,
# bounds solid, estimates with markers, proxies dotted.
_LINES: dict[str, dict[str, Any]] = {
    "exact": {"linestyle": "-", "linewidth": 2.2},
    "bound": {"linestyle": "-", "linewidth": 1.4},
    "estimate": {"linestyle": "none", "marker": "o", "markersize": 3.5, "capsize": 2, "elinewidth": 0.9},
    "proxy": {"linestyle": ":", "linewidth": 1.4, "marker": "s", "markersize": 3},
}
# Bounds without a sense bound something else than a gap (a coefficient): long dashes.
_SENSE: dict[str, Any] = {"expectation": "-", "probability": "--", "always": "-.", "": (0, (5, 1.5))}


def draw_experiment(ax: Axes, result: Experiment, *, panel: str | None = None, **kwargs: Any) -> None:
    """Draw all panels of an experiment, or one of them.

    Parameters
    ----------
    ax : Axes
        Where to draw; several panels divide its area.
    result : Experiment
        The numbers.
    panel : str, optional
        Draw this panel alone.
    **kwargs
        Passed to every line.
    """
    names = result.panels()
    if panel is not None:
        if panel not in names:
            raise InputError(f"panel must be one of {', '.join(map(repr, names))}, got {panel!r}")
        names = (panel,)
    colours = _colours(result)
    if len(names) == 1:
        _panel(ax, result, names[0], colours, kwargs)
        return
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    inner_axes = inset_panels(ax, columns, rows, size=(3.3 * columns, 3.4 * rows + 0.4), gap=(0.09, 0.2))
    for spare in inner_axes[len(names) :]:
        spare.remove()
    for i, (name, inner) in enumerate(zip(names, inner_axes, strict=False)):
        _panel(inner, result, name, colours, kwargs)
        if i % columns and result.axes_of(name)["y_label"] == result.axes_of(names[i - 1])["y_label"]:
            inner.set_ylabel("")


def _colours(result: Experiment) -> dict[str, str]:
    """One colour per curve label, black for what is exact."""
    palette = [COLORS[c] for c in ("blue", "orange", "green", "purple", "sky", "amber", "grey")]
    found: dict[str, str] = {}
    for curve, nature in result.frame[["curve", "nature"]].drop_duplicates().itertuples(index=False):
        if nature == "exact" and COLORS["black"] not in found.values():
            found[curve] = COLORS["black"]
        elif curve not in found:
            taken = sum(colour != COLORS["black"] for colour in found.values())
            found[curve] = palette[taken % len(palette)]
    return found


def _panel(ax: Axes, result: Experiment, name: str, colours: dict[str, str], kwargs: dict[str, Any]) -> None:
    part = result.frame[result.frame["panel"] == name]
    axes = result.axes_of(name)
    colours = {**colours, **{curve: COLORS[c] for curve, c in axes.get("colors", {}).items()}}
    for curve in dict.fromkeys(part["curve"]):
        rows = part[part["curve"] == curve].sort_values("x")
        nature, sense = rows["nature"].iloc[0], rows["sense"].iloc[0]
        label = axes.get("labels", {}).get(curve, curve) or None  # None: not in the legend
        style = {**_LINES[nature], "color": colours[curve], "label": label, **kwargs}
        if nature == "bound":
            style["linestyle"] = kwargs.get("linestyle", _SENSE[sense])
        x, y = rows["x"].to_numpy(), rows["value"].to_numpy()
        low, high, se = (rows[key].to_numpy() for key in ("low", "high", "se"))
        if nature == "estimate":
            band = np.vstack([y - low, high - y]) if np.isfinite(low).any() else np.vstack([se, se])
            ax.errorbar(x, y, yerr=np.clip(np.nan_to_num(band), 0.0, None), **style)
        else:
            ax.plot(x, y, **style)
            if np.isfinite(low).any():
                ax.fill_between(x, low, high, color=colours[curve], alpha=0.15, linewidth=0)
        ringed = np.isin(x, axes.get("marks", {}).get(curve, ()))
        if ringed.any():
            ax.plot(x[ringed], y[ringed], "o", ms=8.0, mfc="none", mec=colours[curve], ls="none", zorder=4)
    if axes["log_x"]:
        ax.set_xscale("log")
    elif (part["x"] == part["x"].round()).all():
        count_ticks(ax.xaxis)
    if axes["log_y"]:
        ax.set_yscale("log")
    if "y_low" in axes or "y_high" in axes:
        ax.set_ylim(axes.get("y_low"), axes.get("y_high"))
    ax.set_xlabel(axes["x_label"])
    ax.set_ylabel(axes["y_label"])
    if name:
        ax.set_title(name)
    ax.legend(fontsize=7.5 if len(result.panels()) > 1 else None, loc=axes.get("legend", "best"))
