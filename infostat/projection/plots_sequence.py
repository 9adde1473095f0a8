"""Figure of a sequence: risk of each model against its number of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import DASHED, count_ticks, legend_below, plain_ticks
from ..core.style import COLORS
from .plots_risk import threshold_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .sequence_result import PNSequence

__all__ = ["draw_sequence"]

_MOST_NAMES = 12


def draw_sequence(ax: Axes, result: PNSequence, **kwargs: Any) -> None:
    """Draw both orders of the risk against p, the threshold and what passes.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : PNSequence
        The sequence.
    **kwargs
        Passed to the line of the requested order.
    """
    frame = result.to_frame()
    fitted = frame["T0"].notna().to_numpy()
    p, order = frame["p"].to_numpy(dtype=float)[fitted], result.order
    rank = np.argsort(p, kind="stable")
    styles: dict[int, dict[str, Any]] = {
        1: {"color": COLORS["sky"], "linestyle": DASHED, "linewidth": 1.2, "label": "order 1"},
        2: {"color": COLORS["blue"], "linestyle": "-", "linewidth": 1.2, "label": "order 2"},
    }
    styles[order] |= kwargs
    for k in (1, 2):
        risk = frame[f"risk{k}"].to_numpy(dtype=float)[fitted]
        if np.isfinite(risk).any():
            ax.plot(p[rank], np.where(risk > 0, risk, np.nan)[rank], **styles[k])
    shown = frame[f"risk{order}"].to_numpy(dtype=float)[fitted]
    passed = result.passed[fitted]
    for ok, colour, label in ((True, "green", "passes"), (False, "orange", "fails")):
        chosen = (passed == ok) & (shown > 0)
        if chosen.any():
            ax.plot(p[chosen], shown[chosen], "o", color=COLORS[colour], markersize=6, label=label, zorder=5)
    _intervals(ax, result, order)
    grid = np.linspace(p.min(), p.max(), 100)
    ax.plot(grid, grid / (2.0 * result.n), color=COLORS["grey"], linewidth=0.9, linestyle=":", label="$p/(2n)$")
    threshold_line(ax, result.threshold)
    ax.set_yscale("log")
    if p.max() > 20.0 * max(p.min(), 1.0):
        ax.set_xscale("log")
        plain_ticks(ax.xaxis)
    else:
        count_ticks(ax.xaxis)
    ax.margins(x=0.06, y=0.12)
    ax.set_xlabel("number of parameters $p$")
    ax.set_ylabel("estimation risk (nats)")
    ax.set_title(f"n = {result.n:g}: largest p that passes is {result.p_max}" if result.p_max else
                 f"n = {result.n:g}: no model passes")  # fmt: skip
    if fitted.sum() <= _MOST_NAMES:
        _names(ax, result, p, shown, fitted)
    # Below the axes: inside them it would cover a point or a name.
    legend_below(ax, 5)


def _intervals(ax: Axes, result: PNSequence, order: int) -> None:
    """Bootstrap intervals, where they were computed."""
    for found in result.results:
        if found is None or found.bootstrap is None:
            continue
        low, high = found.bootstrap.intervals[f"risk{order}"]
        if low > 0.0 and np.isfinite(high):
            ax.plot([found.p, found.p], [low, high], color=COLORS["grey"], linewidth=1.1, zorder=4)


def _names(ax: Axes, result: PNSequence, p: Any, risk: Any, fitted: Any) -> None:
    """Labels beside the points: to the left above the line, the first one to its right below it."""
    names = [name for name, ok in zip(result.names, fitted, strict=True) if ok]
    for i, name in enumerate(names):
        if risk[i] > 0:
            first = p[i] == p.min()
            ax.annotate(
                name, (p[i], risk[i]), xytext=(8, -9) if first else (-8, 7), textcoords="offset points",
                ha="left" if first else "right", fontsize=7.5, color=COLORS["grey"],
            )  # fmt: skip
