"""Figures of the projection wing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import legend_below, plain_ticks
from ..core.style import COLORS
from ..core.validation import FloatArray
from .criterion_result import PNCriterion
from .intervals import Replicates, bootstrap_interval, second_coefficient
from .planning import estimation_risk
from .plots_risk import POINTS, bayes_axis, doubtful_region, mark_rows, order_styles, risk_axes, threshold_line
from .results import RiskTerms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_criterion", "draw_risk_curves"]

def draw_risk_curves(ax: Axes, terms: RiskTerms, *, n_range: tuple[float, float] | None = None, **kwargs: Any) -> None:
    """Draw first- and second-order risk against the sample size.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    terms : RiskTerms
        Terms of the model.
    n_range : tuple of float, optional
        Ends of the n axis.
    **kwargs
        Passed to the line of the second order.
    """
    centre = terms.n or max(25.0 * terms.p, 10.0)
    low, high = n_range or (centre / 10.0, centre * 10.0)
    _curves(ax, terms, np.geomspace(low, high, POINTS), **kwargs)
    risk_axes(ax)
    ax.legend(loc="upper right")


def draw_criterion(ax: Axes, result: PNCriterion, **kwargs: Any) -> None:
    """Draw the criterion: risk against n, threshold, this sample, rows required.

    Parameters
    ----------
    ax : Axes
        Where to draw; a second axis shows the Bayes-error floor.
    result : PNCriterion
        The criterion.
    **kwargs
        Passed to the line of the requested order.
    """
    needs = [result.n, result.n_required_order1]
    if result.n_required_order2 is not None:
        needs.append(result.n_required_order2)
    grid = np.geomspace(max(2.0, min(needs) / 5.0), max(needs) * 5.0, POINTS)
    _invalid_region(ax, result.terms, grid)
    _band(ax, result, grid)
    _curves(ax, result.terms, grid, bold=result.order, **kwargs)
    threshold_line(ax, result.threshold, grid[-1])
    first = result.order == 1
    need = result.n_required_order1 if first else result.n_required_order2
    mark_rows(ax, result.n, result.risk1 if first else result.risk2, need)
    risk_axes(ax)
    ax.set_xlim(grid[0], grid[-1])
    plain_ticks(ax.xaxis)
    # From above the larger of risk and threshold at the left end to well below the smaller at the right.
    top = 3.0 * max(result.risk1 * result.n / grid[0], result.threshold)
    ax.set_ylim(0.3 * min(result.risk1 * result.n / grid[-1], result.threshold), top)
    bayes_axis(ax)
    ax.set_title(f"p-n criterion, {result.family}, p = {result.p}: {result.verdict}")
    # Below the axes: inside them it would cover a curve or one of the vertical lines.
    legend_below(ax)


def _curves(ax: Axes, terms: RiskTerms, grid: FloatArray, *, bold: int = 2, **kwargs: Any) -> None:
    first = np.asarray(estimation_risk(terms, grid, 1))
    styles = order_styles(bold, kwargs)
    ax.plot(grid, first, **styles[1])
    if np.isfinite(terms.a2):
        second = np.asarray(estimation_risk(terms, grid, 2))
        ax.plot(grid, np.where(second > 0, second, np.nan), **styles[2])


def _invalid_region(ax: Axes, terms: RiskTerms, grid: FloatArray) -> None:
    """Grey out the sample sizes at which |a2|/(n a1) exceeds one half."""
    if not terms.a1 > 0 or not np.isfinite(terms.a2):
        return
    doubtful_region(ax, abs(terms.a2) / (0.5 * terms.a1), grid)


def _band(ax: Axes, result: PNCriterion, grid: FloatArray) -> None:
    boot = result.bootstrap
    if boot is None:
        return
    plugin = result.terms.T0 if result.terms.T0_plugin is None else result.terms.T0_plugin
    reps = Replicates(
        plugin, result.terms.T0_se or 0.0, boot.terms[:, 0], boot.T0_se, boot.confidence_level, boot.interval_method
    )
    a1_b, a1 = 0.5 * boot.terms[:, 0], 0.5 * plugin
    second = result.order == 2
    a2_b = second_coefficient(boot.terms) if second else np.zeros_like(a1_b)
    a2 = result.terms.a2 if second else 0.0
    ends = np.array([bootstrap_interval(a1 / n + a2 / n**2, a1_b / n + a2_b / n**2, reps) for n in grid])
    floor, ceiling = np.clip(ends, 1e-300, 1e300).T
    ax.fill_between(
        grid,
        floor,
        ceiling,
        color=COLORS["blue"] if second else COLORS["sky"],
        alpha=0.18,
        linewidth=0,
        label=f"{100 * boot.confidence_level:g} % interval ({boot.interval_method})",
    )
