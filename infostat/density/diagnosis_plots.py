"""Figures of a bandwidth diagnosis: participation ratio against slope index, and its distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import DASHED, LIMIT, legend_below
from ..core.style import COLORS
from ..core.validation import check_choice
from .diagnosis_result import BandwidthDiagnosis
from .theory_plots import REGIME_COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_diagnosis"]

_KINDS = ("scatter", "histogram")
_REGIMES = (
    ("condensed", 0.0, 1.0, REGIME_COLORS["condensed"]),
    ("stable", 1.0, 2.0, REGIME_COLORS["stable"]),
    ("clt", 2.0, np.inf, REGIME_COLORS["clt"]),
)
_TEXT = {"condensed": "condensed", "stable": "stable", "clt": "CLT"}
_MU = r"slope index $\hat\mu(h;\,x)$"
_Y2 = "participation ratio $Y_2(x)$"


def draw_diagnosis(ax: Axes, result: BandwidthDiagnosis, *, kind: str = "scatter", **kwargs: Any) -> None:
    """Draw the queries of a diagnosis in the plane of slope index and participation ratio.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : BandwidthDiagnosis
        The diagnosis.
    kind : {"scatter", "histogram"}
        Participation ratio against slope index with the expected curve, or the distribution of
        the slope index over the queries. Without slope indices both are the distribution of the
        participation ratio.
    **kwargs
        Passed to the points or the bars.

    Raises
    ------
    InputError
        For another kind.
    """
    word = check_choice("kind", kind, _KINDS)
    bars: dict[str, Any] = {"bins": _bins(result), "color": COLORS["blue"], "alpha": 0.75}
    if np.isnan(result.mu_hat).all():
        ax.hist(result.participation_ratio, **bars | kwargs)
        ax.set_xlim(0.0, 1.0)
        ax.set_xlabel(_Y2)
        ax.set_ylabel("queries")
        return
    low, high = _range(result)
    _shade(ax, low, high)
    if word == "scatter":
        _scatter(ax, result, low, high, **kwargs)
    else:
        ax.hist(result.mu_hat, **bars | kwargs)
        ax.set_ylabel("queries")
    a, b = result.mu_interval
    ax.axvspan(max(a, low), min(b, high), facecolor=COLORS["black"], alpha=0.13, linewidth=0)
    label = rf"$\bar\mu$ = {result.mu_bar:.3g} [{a:.3g}, {b:.3g}]"
    ax.axvline(result.mu_bar, color=COLORS["black"], linewidth=1.1, label=label)
    ax.set_xlim(low, high)
    ax.set_xlabel(_MU)
    # Outside the axes: inside them it would cover points for one verdict or another.
    legend_below(ax)


def _bins(result: BandwidthDiagnosis) -> int:
    return int(np.clip(np.sqrt(result.n_queries), 5, 40))


def _range(result: BandwidthDiagnosis) -> tuple[float, float]:
    """Ends of the mu axis: all queries but the outermost, the interval, some margin."""
    spread = np.quantile(result.mu_hat, [0.002, 0.998])
    low = min(float(spread[0]), result.mu_interval[0])
    high = max(float(spread[1]), result.mu_interval[1])
    margin = 0.08 * (high - low) + 0.02 * high
    return max(0.0, low - margin), high + margin


def _shade(ax: Axes, low: float, high: float) -> None:
    """Shade the regimes that the axis meets and name those with room for a name."""
    for name, first, last, color in _REGIMES:
        left, right = max(first, low), min(last, high)
        if right <= left:
            continue
        ax.axvspan(left, right, facecolor=color, alpha=0.6, linewidth=0, zorder=0)
        if first > low:
            ax.axvline(first, color=COLORS["grey"], linewidth=0.8, linestyle=LIMIT)
        if right - left > 0.12 * (high - low):
            at = (0.5 * (left + right) - low) / (high - low)
            style: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 8.5, "color": COLORS["grey"]}
            ax.text(at, 1.01, _TEXT[name], transform=ax.transAxes, **style)


def _scatter(ax: Axes, result: BandwidthDiagnosis, low: float, high: float, **kwargs: Any) -> None:
    size = float(np.clip(4000.0 / max(result.n_queries, 1), 4.0, 25.0))
    points: dict[str, Any] = {
        "s": size,
        "color": COLORS["blue"],
        "alpha": 0.45,
        "linewidths": 0,
        "label": f"queries ({result.n_queries})",
        "rasterized": result.n_queries > 2000,
    }
    ax.scatter(result.mu_hat, result.participation_ratio, **points | kwargs)
    label = "expected mean at this $n$ and $d$"
    ax.plot(result.curve_mu, result.curve_participation, color=COLORS["orange"], label=label)
    line = np.array([low, min(max(1.0, low), high), high])
    limit = r"limit $\max(0,\,1-\mu)$"
    ax.plot(line, np.maximum(0.0, 1.0 - line), color=COLORS["grey"], linewidth=1.2, linestyle=DASHED, label=limit)
    ax.set_ylim(-0.02, 1.02)
    ax.set_ylabel(_Y2)
