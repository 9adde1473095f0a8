"""Figure of an exact gap beside its bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..core.style import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_gap_and_bounds"]


def draw_gap_and_bounds(ax: Axes, gap: float, bounds: Mapping[str, float], **kwargs: Any) -> None:
    """Draw the exact gap and, above it, each bound.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    gap : float
        Exact generalization gap.
    bounds : mapping of str to float
        Label and value.
    **kwargs
        Passed to the bars of the bounds.
    """
    names = [*bounds, "gap (exact)"]
    values = [*bounds.values(), gap]
    colours = [COLORS["blue"]] * len(bounds) + [COLORS["black"]]
    ax.barh(range(len(names)), values, **{"height": 0.55, "color": colours, **kwargs})
    ax.set_yticks(range(len(names)), names)
    ax.set_ylabel("bound, or exact")
    ax.set_xlabel("generalization gap, in expectation")
    top = max(values)
    ax.set_xlim(0.0, 1.22 * top if top > 0.0 else 1.0)
    for place, value in enumerate(values):
        where: dict[str, Any] = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "fontsize": 8.5}
        ax.annotate(f"{value:.3g}", (value, place), **where)
