"""Figure of the risk of a general model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.style import COLORS
from ..core.validation import FloatArray
from .plots import _axes, _bayes_axis
from .sandwich_result import SandwichRisk

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_sandwich"]

_POINTS = 200


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
    grid = np.geomspace(max(2.0, min(marks) / 5.0), max(max(marks) * 5.0, 20.0), _POINTS)
    _grey(ax, result, grid)
    _curves(ax, result, grid, kwargs)
    ax.axhline(result.threshold, color=COLORS["black"], linewidth=1.0, linestyle=(0, (5, 3)))
    ax.annotate(
        rf"threshold $8\alpha^2$ = {result.threshold:.3g}",
        (grid[-1], result.threshold),
        xytext=(-2, 4),
        textcoords="offset points",
        ha="right",
        fontsize=8.5,
    )
    if result.n is not None:
        ax.axvline(result.n, color=COLORS["orange"], linewidth=1.2, label=f"this sample: n = {result.n:g}")
        risk = result.risk1 if result.order == 1 else result.risk2
        if risk is not None and risk > 0.0:
            ax.plot([result.n], [risk], "o", color=COLORS["orange"], markersize=5, zorder=5)
    ax.axvline(
        need, color=COLORS["green"], linewidth=1.2, linestyle=(0, (1, 1.5)), label=f"rows required: {need}"
    )
    _axes(ax)
    ax.set_xlim(grid[0], grid[-1])
    low, high = result.a1 / grid[-1], result.a1 / grid[0]
    ax.set_ylim(0.3 * min(low, result.threshold), 3.0 * max(high, result.threshold))
    _bayes_axis(ax)
    verdict = "" if result.verdict is None else f": {result.verdict}"
    ax.set_title(f"{result.model}, p = {result.p}{verdict}")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, columnspacing=2.0)


def _curves(ax: Axes, result: SandwichRisk, grid: FloatArray, kwargs: dict[str, Any]) -> None:
    first: dict[str, Any] = {"color": COLORS["sky"], "linestyle": (0, (4, 2)), "label": "order 1: $a_1/n$"}
    second: dict[str, Any] = {"color": COLORS["blue"], "label": "order 2: $a_1/n + a_2/n^2$"}
    ax.plot(grid, result.a1 / grid, **(first | (kwargs if result.order == 1 else {})))
    if result.a2 is not None:
        values = result.a1 / grid + result.a2 / grid**2
        ax.plot(grid, np.where(values > 0.0, values, np.nan), **(second | (kwargs if result.order == 2 else {})))


def _grey(ax: Axes, result: SandwichRisk, grid: FloatArray) -> None:
    """Grey out the sample sizes at which the second term, or its parts where they cancel, are too large."""
    if result.a2 is None or result.a2_skew is None or not result.a1 > 0.0:
        return
    size = abs(result.a2)
    if "parts_cancel" in result.flags:
        size = abs(result.a2_skew) + abs(result.a2 - result.a2_skew)
    limit = size / (0.5 * result.a1)
    if limit > grid[0]:
        end = min(limit, grid[-1])
        ax.axvspan(grid[0], end, facecolor="#EFEFEF", edgecolor="none", zorder=0, label="expansion doubtful")
