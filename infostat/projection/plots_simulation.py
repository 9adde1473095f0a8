"""Figure of a simulated risk: n times the risk, where both orders of the expansion can be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import DASHED
from ..core.style import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .simulation_result import RiskSimulation

__all__ = ["draw_simulation"]


def draw_simulation(ax: Axes, result: RiskSimulation, **kwargs: Any) -> None:
    """Draw ``n x risk`` with error bars, and the first and second order beside it.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : RiskSimulation
        The simulation.
    **kwargs
        Passed to the simulated points.
    """
    n = np.atleast_1d(np.asarray(result.n, dtype=float))
    risk, se = np.atleast_1d(result.risk), np.atleast_1d(result.risk_se)
    low, high = (n[0] / 2.0, n[0] * 2.0) if len(n) == 1 else (n.min() / 1.3, n.max() * 1.3)
    grid = np.geomspace(low, high, 200)
    a1, a2 = result.terms.a1, result.terms.a2
    ax.axhline(a1, color=COLORS["sky"], linestyle=DASHED, label="order 1: $a_1$")
    ax.plot(grid, a1 + a2 / grid, color=COLORS["blue"], label="order 2: $a_1 + a_2/n$")
    style: dict[str, Any] = {"color": COLORS["orange"], "marker": "o", "markersize": 4, "linestyle": "none"} | kwargs
    ax.errorbar(n, n * risk, yerr=2.0 * n * se, label="simulated, 2 s.e.", zorder=5, capsize=3, **style)
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    if len(n) <= 8:  # the sizes themselves, where they leave each other room
        ax.set_xticks(n, labels=[f"{size:g}" for size in n])
        ax.set_xticks([], minor=True)
    ax.margins(y=0.15)
    ax.set_xlabel("sample size $n$ (rows)")
    ax.set_ylabel(r"$n \times$ estimation risk (nats)")
    ax.set_title(f"{result.family}, truth {result.truth}")
    ax.legend(loc="best")
