"""Figures of `select_bandwidth`: the curve with its optimum, or the rules side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import plain_ticks
from ..core.style import COLORS
from ..core.validation import FloatArray
from .selection_results import OBJECTIVES, BandwidthSelection, method_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_selection"]

_SHOWN_NATS = 0.8  # per dimension: the curve falls without bound as h goes to zero


def draw_selection(ax: Axes, result: BandwidthSelection, **kwargs: Any) -> None:
    """Draw the objective against the bandwidth, or the rules on one axis.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : BandwidthSelection
        What to draw.
    **kwargs
        Passed to the curve, or to the mark of the chosen rule.
    """
    if len(result.grid) > 1:
        _draw_curve(ax, result, kwargs)
    else:
        _draw_rules(ax, result, kwargs)


def _draw_curve(ax: Axes, result: BandwidthSelection, kwargs: dict[str, Any]) -> None:
    order = np.argsort(result.grid)
    h, values = result.grid[order], result.objective[order]
    marks: dict[str, Any] = {"marker": "o", "markersize": 2.4} if len(h) <= 120 else {}
    options: dict[str, Any] = {"color": COLORS["blue"], **marks, **kwargs}
    finite = np.isfinite(values)
    ax.plot(h[finite], values[finite], **options)
    name = r"$h = $" + f"{result.h:.4g}"
    ax.axvline(result.h, color=COLORS["orange"], lw=1.1)
    ax.plot([result.h], [result.objective_at_h], "o", color=COLORS["orange"], ms=6.5, zorder=5, label=f"best, {name}")
    _limits(ax, result, h[finite], values[finite])
    left, right = ax.get_xlim()
    for rule, color, dashes in (("scott", "green", (5, 2)), ("silverman", "purple", (1.5, 1.5))):
        place = getattr(result, rule)
        if left <= place <= right:
            ax.axvline(place, color=COLORS[color], lw=1.1, dashes=dashes, label=f"{method_words(rule)}, {place:.4g}")
    ax.set_xscale("log")
    ax.set_xlim(left, right)
    plain_ticks(ax.xaxis)
    ax.set_xlabel(r"bandwidth $h$ (unit of the data)")
    label = OBJECTIVES[result.method]
    ax.set_ylabel(f"{label}, divided by exp({result.log_scale:.1f})" if result.log_scale else label)
    ax.legend(loc="best")


def _limits(ax: Axes, result: BandwidthSelection, h: FloatArray, values: FloatArray) -> None:
    """Show the part of the curve around its optimum."""
    best = result.objective_at_h
    if result.method == "loo":
        near = values >= best - _SHOWN_NATS * max(1.0, 0.5 * result.d)
        bottom = float(values[near].min()) if near.any() else best - 1.0
        pad = 0.05 * max(best - bottom, 1e-12)
        ax.set_ylim(bottom - pad, best + 2.0 * pad)
    else:
        near = values <= best + 1.5 * abs(best)
        deep = h[values <= 0.05 * best]  # beyond, the curve creeps up to zero
        near &= h <= 2.0 * max(float(deep.max()) if len(deep) else result.h, result.h)
        top = max(float(values[near].max()) if near.any() else 0.0, 0.0)
        pad = 0.06 * max(top - best, 1e-300)
        ax.set_ylim(best - pad, top + pad)
    shown = h[near] if near.sum() > 1 else h
    ax.set_xlim(min(shown.min(), result.h) / 1.1, max(shown.max(), result.h) * 1.1)


def _draw_rules(ax: Axes, result: BandwidthSelection, kwargs: dict[str, Any]) -> None:
    rules = {rule: getattr(result, rule) for rule in ("silverman", "scott") if rule != result.method}
    names = [*map(method_words, rules), method_words(result.method)]
    places = np.array([*rules.values(), result.h])
    height = np.arange(len(places))
    ax.hlines(height, 0.0, places, color="#DDDDDD", lw=1.0, zorder=1)
    ax.plot(places[:-1], height[:-1], "o", color=COLORS["grey"], ms=6)
    options: dict[str, Any] = {"color": COLORS["orange"], "ms": 8, **kwargs}
    ax.plot(places[-1:], height[-1:], "o", **options)
    for y, place in zip(height, places, strict=True):
        ax.annotate(f"{place:.4g}", (place, y), xytext=(8, 0), textcoords="offset points", va="center")
    ax.set_yticks(height, [_wrapped(name) for name in names])
    ax.set_ylim(-0.6, len(places) - 0.4)
    ax.set_xlim(0.0, 1.18 * float(places.max()))
    ax.set_xlabel(r"bandwidth $h$ (unit of the data)")
    ax.set_ylabel("rule")


def _wrapped(name: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(name, 24))
