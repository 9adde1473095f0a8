"""The figure of the phase diagram: regimes in the plane of alpha and the bandwidth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import DASHED, plain_ticks
from ..core.errors import InputError, Words, describe
from ..core.style import COLORS
from ..core.validation import FloatArray, as_float_array
from .phases import PhaseDiagram, phase_curves
from .regimes import gaussian_theory
from .theory_plots import REGIME_COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_phases"]

_FEWEST = 60  # alphas on a curve
_REGIME_WORDS = {"condensed": "condensed", "stable": "heavy-tailed", "clt": "central limit"}
_SMALL = 8.5


def draw_phases(ax: Axes, diagram: PhaseDiagram, *, points: Any = None, **kwargs: Any) -> None:
    """Draw the regimes in the plane of alpha and h.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    diagram : PhaseDiagram
        The curves; they are refined where few alphas were asked for.
    points : array_like of shape (k, 2) or (k, 3), optional
        Measured points: alpha, h and, if given, a participation ratio that colours them.
    **kwargs
        Passed to the line of the best bandwidth (of h_G where there is none).
    """
    measured = _check_points(points)
    curves = _refined(diagram, measured)
    alpha, h_G, h_CLT = curves["alpha"], curves["h_G"], curves["h_CLT"]
    lowest = min(curves["scott"].min(), h_G.min())
    bottom, top = 0.5 * float(lowest), 2.2 * float(h_CLT.max())
    if measured is not None:
        bottom, top = min(bottom, 0.8 * measured[:, 1].min()), max(top, 1.25 * measured[:, 1].max())
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(alpha[0], alpha[-1])
    ax.set_ylim(bottom, top)
    ax.fill_between(alpha, bottom, h_G, color=REGIME_COLORS["condensed"], linewidth=0, zorder=0)
    ax.fill_between(alpha, h_G, h_CLT, color=REGIME_COLORS["stable"], linewidth=0, zorder=0)
    ax.fill_between(alpha, h_CLT, top, color=REGIME_COLORS["clt"], linewidth=0, zorder=0)
    best = curves["h_star"]
    styles: dict[str, dict[str, Any]] = {
        "h_CLT": {"color": COLORS["blue"], "linewidth": 1.3},
        "h_G": {"color": COLORS["orange"], "linewidth": 1.3},
        "h_star": {"color": COLORS["black"], "linewidth": 2.0},
        "scott": {"color": COLORS["grey"], "linestyle": DASHED, "linewidth": 1.3},
    }
    styles["h_G" if best is None else "h_star"] |= kwargs
    words = {
        "h_CLT": r"$h_{\mathrm{CLT}}=\sqrt{2}\,h_G$",
        "h_G": "$h_G$",
        "h_star": "best bandwidth $h^*$",
        "scott": "Scott, Silverman",
    }
    for name, style in styles.items():
        if curves[name] is not None:
            ax.plot(alpha, curves[name], label=words[name], **style)
    if measured is not None:
        _scatter(ax, measured)
    _name_phases(ax, curves, bottom, top)
    _name_curves(ax, curves, words)
    plain_ticks(ax.xaxis)
    plain_ticks(ax.yaxis)
    ax.set_xlabel(r"$\alpha=\log(n)/d$")
    ax.set_ylabel("bandwidth $h$ (unit of the data)")


def _check_points(points: Any) -> FloatArray | None:
    if points is None:
        return None
    array = np.atleast_2d(as_float_array("points", points, ndim=(1, 2)))
    if array.shape[1] not in (2, 3) or not len(array):
        cure = "transpose the array if there is one column per point"
        required = "rows (alpha, h) or (alpha, h, participation ratio)"
        raise InputError(describe("points", required, Words(f"shape {array.shape}"), cure))
    if not (array[:, :2] > 0.0).all():
        raise InputError("points must have positive alpha and h, got a value that is not")
    return array


def _refined(diagram: PhaseDiagram, measured: FloatArray | None) -> dict[str, Any]:
    """Return the curves on a grid that is dense enough to look smooth and reaches all points."""
    low, high = float(diagram.alpha[0]), float(diagram.alpha[-1])
    if measured is not None:
        low, high = min(low, 0.9 * measured[:, 0].min()), max(high, 1.1 * measured[:, 0].max())
    if high < 1.5 * low:
        low, high = low / 3.0, high * 3.0
    grid = np.unique(np.append(np.geomspace(low, high, _FEWEST), diagram.alpha))
    theories = [gaussian_theory(float(level), diagram.values, diagram.weights) for level in grid]
    return phase_curves(theories, math.sqrt(float(diagram.weights @ diagram.values)))


def _scatter(ax: Axes, measured: FloatArray) -> None:
    look: dict[str, Any] = {"s": 34, "edgecolor": COLORS["black"], "linewidth": 0.8, "zorder": 5, "label": "measured"}
    if measured.shape[1] == 2:
        ax.scatter(measured[:, 0], measured[:, 1], color="white", **look)
        return
    dots = ax.scatter(measured[:, 0], measured[:, 1], c=measured[:, 2], cmap="viridis", vmin=0.0, vmax=1.0, **look)
    ax.get_figure().colorbar(dots, ax=ax, label="participation ratio $Y_2$", fraction=0.05, pad=0.02)  # type: ignore[union-attr]


def _name_phases(ax: Axes, curves: dict[str, Any], bottom: float, top: float) -> None:
    """Write the words of the regimes; the narrow band's word runs along it."""
    alpha, h_G, h_CLT = curves["alpha"], curves["h_G"], curves["h_CLT"]
    look: dict[str, Any] = {"ha": "center", "va": "center", "color": COLORS["grey"], "fontstyle": "italic"}
    k, right = len(alpha) // 2, (4 * len(alpha)) // 5
    angle = _angle(ax, alpha, np.sqrt(h_G * h_CLT), k)
    turned: dict[str, Any] = {"rotation": angle, "rotation_mode": "anchor", "fontsize": _SMALL}
    if not _crosses(curves["scott"], h_G, h_CLT, k):
        ax.text(alpha[k], math.sqrt(h_G[k] * h_CLT[k]), _REGIME_WORDS["stable"], **look, **turned)
    ax.text(alpha[right], math.sqrt(h_CLT[right] * top), _REGIME_WORDS["clt"], **look)
    lowest = min(h_G[k], curves["scott"][k])
    ax.text(alpha[k], lowest**0.4 * bottom**0.6, _REGIME_WORDS["condensed"], **look)


def _crosses(curve: FloatArray, low: FloatArray, high: FloatArray, k: int) -> bool:
    """Return whether a curve runs through the band where its word would stand."""
    near = slice(max(k - 8, 0), k + 9)
    return bool(((curve[near] > low[near]) & (curve[near] < high[near])).any())


def _angle(ax: Axes, x: FloatArray, y: FloatArray, k: int) -> float:
    """Return the slope of a curve on the page, in degrees."""
    a, b = max(k - 3, 0), min(k + 3, len(x) - 1)
    start, end = ax.transData.transform([(x[a], y[a]), (x[b], y[b])])
    return math.degrees(math.atan2(end[1] - start[1], end[0] - start[0]))


def _name_curves(ax: Axes, curves: dict[str, Any], words: dict[str, str]) -> None:
    """Write the names on the curves at their left ends, or in a legend where they run too close."""
    names = [name for name in words if curves[name] is not None]
    alpha = curves["alpha"]
    k = len(alpha) // 12
    heights = {name: float(ax.transData.transform((alpha[k], curves[name][k]))[1]) for name in names}
    apart = np.diff(sorted(heights.values()))
    line = 1.6 * _SMALL * ax.get_figure().dpi / 72.0  # type: ignore[union-attr]
    # The lowest name stands below its curve, so the lowest gap may be narrow.
    named = ax.get_legend_handles_labels()[1]
    if "measured" in named or min(heights, key=lambda name: heights[name]) != "scott" or (apart[1:] < line).any():
        ax.legend(loc="lower left", handlelength=2.4)
        return
    for name in names:
        below = name == "scott"
        ax.annotate(
            words[name],
            (alpha[k], curves[name][k]),
            xytext=(0, -4 if below else 3),
            textcoords="offset points",
            va="top" if below else "bottom",
            rotation=_angle(ax, alpha, curves[name], k + 3),
            rotation_mode="anchor",
            fontsize=_SMALL,
        )
