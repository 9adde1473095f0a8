"""What the figures of estimation risk share: axes, threshold, sample, rows required, Bayes error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import DASHED, DOTTED, LIMIT, SMALL_PRINT
from ..core.style import COLORS
from ..core.tables import format_cell
from ..core.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["POINTS", "bayes_axis", "doubtful_region", "mark_rows", "order_styles", "risk_axes", "threshold_line"]

POINTS = 200  # points of a curve over the sample size


def risk_axes(ax: Axes) -> None:
    """Give `ax` logarithmic axes of sample size and risk, with their names.

    Parameters
    ----------
    ax : Axes
        The axes.
    """
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("sample size $n$ (rows)")
    ax.set_ylabel("estimation risk (nats)")


def order_styles(order: int | None, kwargs: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Return how the curves of both orders are drawn.

    Parameters
    ----------
    order : int or None
        The order whose line takes `kwargs`.
    kwargs : dict
        What the caller wants of it.

    Returns
    -------
    dict
        Order to arguments of a line.
    """
    styles: dict[int, dict[str, Any]] = {
        1: {"color": COLORS["sky"], "linestyle": DASHED, "label": "order 1: $a_1/n$"},
        2: {"color": COLORS["blue"], "linestyle": "-", "label": "order 2: $a_1/n + a_2/n^2$"},
    }
    if order is not None:
        styles[order] |= kwargs
    return styles


def threshold_line(ax: Axes, threshold: float, end: float | None = None) -> None:
    """Draw the largest risk that passes.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    threshold : float
        The risk, nats.
    end : float, optional
        Where on the x axis its name ends; the right end of the axes if None.
    """
    ax.axhline(threshold, color=COLORS["black"], linewidth=1.0, linestyle=LIMIT)
    words: dict[str, Any] = {
        "xytext": (-2, 4), "textcoords": "offset points", "ha": "right", "fontsize": SMALL_PRINT
    }  # fmt: skip
    if end is None:
        words["xycoords"] = ("axes fraction", "data")
    ax.annotate(rf"threshold $8\alpha^2$ = {threshold:.3g}", (1.0 if end is None else end, threshold), **words)


def doubtful_region(ax: Axes, limit: float, grid: FloatArray) -> None:
    """Grey out the sample sizes below `limit`, at which the second term is too large.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    limit : float
        First sample size at which the expansion can be used.
    grid : ndarray
        Sample sizes of the curves.
    """
    if limit > grid[0]:
        end = min(limit, grid[-1])
        ax.axvspan(grid[0], end, facecolor="#EFEFEF", edgecolor="none", zorder=0, label="expansion doubtful")


def mark_rows(ax: Axes, n: float | None, risk: float | None, need: float | None) -> None:
    """Draw vertical lines at this sample and at the rows required, and a dot at the sample's risk.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    n : float or None
        Rows of this sample.
    risk : float or None
        Its risk, nats.
    need : float or None
        Rows that the criterion asks for.
    """
    if n is not None:
        ax.axvline(n, color=COLORS["orange"], linewidth=1.2, label=f"this sample: n = {format_cell(n)}")
    if need is not None:
        label = f"rows required: {format_cell(need)}"
        ax.axvline(need, color=COLORS["green"], linewidth=1.2, linestyle=DOTTED, label=label)
    if n is not None and risk is not None and risk > 0.0:
        ax.plot([n], [risk], "o", color=COLORS["orange"], markersize=5, zorder=5)


def bayes_axis(ax: Axes) -> None:
    """Add a second y axis with the Bayes-error floor, at levels a reader knows.

    Parameters
    ----------
    ax : Axes
        Axes of a risk whose limits are final.
    """
    right = ax.twinx()
    right.set_yscale("log")
    right.set_ylim(ax.get_ylim())
    floors = np.array([0.49, 0.48, 0.45, 0.4, 0.3, 0.2, 0.1])
    levels = 8.0 * (0.5 - floors) ** 2
    low, high = ax.get_ylim()
    shown = (levels > low) & (levels < high)
    right.set_yticks(levels[shown], labels=[f"{f:g}" for f in floors[shown]])
    right.set_yticks([], minor=True)
    right.spines["right"].set_visible(True)
    right.set_ylabel(r"Bayes error at least  $1/2 - (\mathrm{risk}/8)^{1/2}$")
