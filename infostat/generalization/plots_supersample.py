"""Figures of supersample runs: loss differences by selection, gaps beside the bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import count_ticks
from ..core.style import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .ldmi_result import LossDifferenceBound
    from .supersample_results import SupersampleRun

__all__ = ["draw_differences", "draw_gaps"]


def draw_differences(ax: Axes, result: LossDifferenceBound, **kwargs: Any) -> None:
    """Draw the distribution of the loss difference for either selection.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : LossDifferenceBound
        The table of differences.
    **kwargs
        Passed to the lines.
    """
    for side, colour, label in ((0, "blue", "trained on point 0"), (1, "orange", "trained on point 1")):
        counts = result.table[:, side]
        share = np.concatenate([[0.0], np.cumsum(counts) / counts.sum(), [1.0]])
        reach = 1.05 * result.loss_range
        places = np.concatenate([[-reach], result.differences, [reach]])
        ax.step(places, share, **{"where": "post", "color": COLORS[colour], "label": label, **kwargs})
    ax.set_xlabel(r"loss on point 1 minus loss on point 0, $\Delta$")
    ax.set_ylabel("cumulative share (estimate)")
    ax.set_title(f"Information {np.mean(result.mi):.3g} nats, bound {result.value:.3g}")
    ax.legend(loc="upper left")


def draw_gaps(ax: Axes, result: SupersampleRun, **kwargs: Any) -> None:
    """Draw the gap of every supersample, their mean, and the bound.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : SupersampleRun
        The runs.
    **kwargs
        Passed to the points.
    """
    gaps = np.sort(result.gaps)
    style = {"linestyle": "none", "marker": "o", "markersize": 3.5, "color": COLORS["sky"], **kwargs}
    ax.plot(np.arange(1, len(gaps) + 1), gaps, label="gap of one supersample", **style)
    ax.axhline(result.gap, color=COLORS["black"], label="mean gap (estimate)")
    ax.axhline(float(result.value), color=COLORS["orange"], linestyle="--", label="loss-difference bound (estimate)")
    if np.isfinite(result.low):
        ax.axhspan(result.low, result.high, color=COLORS["orange"], alpha=0.15, linewidth=0)
    count_ticks(ax.xaxis)
    ax.set_xlabel("supersample, in order of its gap")
    ax.set_ylabel("test minus training loss")
    ax.margins(y=0.25)
    ax.legend(loc="lower right")
