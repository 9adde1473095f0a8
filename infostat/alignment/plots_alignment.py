"""Figures of `align`: what a KL budget buys by tilting and by best-of-N."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import legend_below
from ..core.style import COLORS
from ..core.validation import check_choice
from .curve_result import BonCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .alignment_result import Alignment, BestOfNTable

__all__ = ["draw_alignment", "draw_best_of_n"]


def draw_alignment(ax: Axes, result: Alignment, *, panel: str = "frontier", **kwargs: Any) -> None:
    """Draw one of the curves of an alignment result.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : Alignment
        What to draw.
    panel : {"frontier", "best_of_n", "rate", "ess", "sequence"}
        Reward against KL; reward against N; rate function; effective sample size against KL;
        divergence of sequences. Those that the data do not have are refused.
    **kwargs
        Passed to the figure of that part.
    """
    parts: dict[str, Any] = {
        "frontier": result.frontier,
        "best_of_n": result.best_of_n,
        "rate": result.rate,
        "ess": result.estimate,
        "sequence": result.sequence,
    }
    chosen = check_choice("panel", panel, [name for name, part in parts.items() if part is not None])
    if chosen == "ess":
        parts["ess"]._draw(ax, panel="ess", **kwargs)
    elif chosen == "frontier" and result.estimate is not None:
        _draw_estimated(ax, result, kwargs)
    else:
        parts[chosen]._draw(ax, **kwargs)


def _draw_estimated(ax: Axes, result: Alignment, kwargs: dict[str, Any]) -> None:
    """Reward against KL for scores: the tilt with its band and status, best-of-N with error bars."""
    assert result.estimate is not None
    result.estimate._draw(ax, **kwargs)
    best, line = result.best_of_n, result.frontier
    if isinstance(best, BonCurve):
        x, y = line.bon_kl, np.atleast_1d(best.reward)
        error = np.abs(np.stack([y - np.atleast_1d(best.low), np.atleast_1d(best.high) - y]))
        sound = ~np.atleast_1d(best.unreliable_se)
        options: dict[str, Any] = {"color": COLORS["orange"], "fmt": "o", "ms": 4, "capsize": 2.5, "lw": 1.0}
        if sound.any():
            name = f"best-of-N, {100 * best.confidence_level:g} % interval"
            ax.errorbar(x[sound], y[sound], yerr=error[:, sound], label=name, **options)
        if (~sound).any():
            open_marks: dict[str, Any] = {"ms": 4, "mfc": "white", "color": COLORS["orange"]}
            ax.plot(x[~sound], y[~sound], "o", label="best-of-N, s.e. unreliable", **open_marks)
        if best.true_reward is not None:
            squares: dict[str, Any] = {"ms": 3.5, "color": COLORS["purple"], "label": "best-of-N, true reward"}
            ax.plot(x, np.atleast_1d(best.true_reward), "s", **squares)
    legend_below(ax)


def draw_best_of_n(ax: Axes, result: BestOfNTable, **kwargs: Any) -> None:
    """Draw the mean reward of best-of-N against log N.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : BestOfNTable
        What to draw.
    **kwargs
        Passed to the line.
    """
    options: dict[str, Any] = {"color": COLORS["blue"], "marker": "o", "ms": 4, "label": "reward", **kwargs}
    ax.plot(result.log_n, result.reward, **options)
    if result.true_reward is not None:
        ax.plot(result.log_n, result.true_reward, color=COLORS["orange"], marker="s", ms=4, label="true reward")
        ax.legend(loc="best")
    ax.set_xlabel(r"$\log N$ (nats)")
    ax.set_ylabel("mean reward of the best of N (unit of the reward)")
