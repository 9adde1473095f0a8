"""Figure of the risk of a general model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import legend_below, plain_ticks
from ..core.validation import FloatArray
from .plots_risk import POINTS, bayes_axis, doubtful_region, mark_rows, order_styles, risk_axes, threshold_line
from .sandwich_result import SandwichRisk

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_sandwich"]

def draw_sandwich(ax: Axes, result: SandwichRisk, **kwargs: Any) -> None:
    """Draw risk against sample size: both orders, excess loss, threshold, this sample.

    Parameters
    ----------
    ax : Axes
        Where to draw; a second axis shows the Bayes-error floor.
    result : SandwichRisk
        The result.
    **kwargs
        Passed to the line of the requested order.
    """
    need = result.n_required_order1 if result.n_required_order2 is None else result.n_required_order2
    marks = [float(need)] + ([] if result.n is None else [float(result.n)])
    grid = np.geomspace(max(2.0, min(marks) / 5.0), max(max(marks) * 5.0, 20.0), POINTS)
    _grey(ax, result, grid)
    _curves(ax, result, grid, kwargs)
    threshold_line(ax, result.threshold, grid[-1])
    mark_rows(ax, result.n, result.risk1 if result.order == 1 else result.risk2, need)
    risk_axes(ax)
    ax.set_xlim(grid[0], grid[-1])
    plain_ticks(ax.xaxis)
    low, high = result.a1 / grid[-1], result.a1 / grid[0]
    ax.set_ylim(0.3 * min(low, result.threshold), 3.0 * max(high, result.threshold))
    bayes_axis(ax)
    verdict = "" if result.verdict is None else f": {result.verdict}"
    ax.set_title(f"{result.model}, p = {result.p}{verdict}")
    legend_below(ax)


def _curves(ax: Axes, result: SandwichRisk, grid: FloatArray, kwargs: dict[str, Any]) -> None:
    styles = order_styles(result.order, kwargs)
    ax.plot(grid, result.a1 / grid, **styles[1])
    if result.a2 is not None:
        values = result.a1 / grid + result.a2 / grid**2
        ax.plot(grid, np.where(values > 0.0, values, np.nan), **styles[2])


def _grey(ax: Axes, result: SandwichRisk, grid: FloatArray) -> None:
    """Grey out the sample sizes at which the second term, or its parts where they cancel, are too large."""
    if result.a2 is None or result.a2_skew is None or not result.a1 > 0.0:
        return
    size = abs(result.a2)
    if "parts_cancel" in result.flags:
        size = abs(result.a2_skew) + abs(result.a2 - result.a2_skew)
    doubtful_region(ax, size / (0.5 * result.a1), grid)
