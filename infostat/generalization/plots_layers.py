"""The axis of layers, which figures of bounds, certificates and simulations share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.drawing import inset_panels, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["layer_axis", "layer_panels"]

_MOST_TICKS = 12
_SIZE = (7.6, 3.6)  # inches


def layer_panels(ax: Axes) -> list[Axes]:
    """Return two panels side by side in the area of `ax`: numbers in the unit of the loss, and distances.

    Parameters
    ----------
    ax : Axes
        Where to draw; a figure of its own becomes wide enough for them.

    Returns
    -------
    list of Axes
        Both panels.
    """
    return inset_panels(ax, 2, size=_SIZE)


def layer_axis(ax: Axes, names: Sequence[str], below: Sequence[int] | None = None, *, of: str = "width") -> None:
    """Give `ax` one tick per layer, at most a dozen of them, and a legend below the axis if it has names to show.

    Parameters
    ----------
    ax : Axes
        Axes on which layer i lies at i.
    names : sequence of str
        Names of the layers.
    below : sequence of int, optional
        A number below each name.
    of : str
        What that number is.
    """
    step = -(-len(names) // _MOST_TICKS)
    chosen = range(0, len(names), step)
    ax.set_xticks(list(chosen), [names[i] if below is None else f"{names[i]}\n{below[i]}" for i in chosen])
    ax.set_xlim(-0.3, len(names) - 0.7)
    ax.set_xlabel("layer" if below is None else f"layer ({of} below)")
    if ax.get_legend_handles_labels()[0]:
        legend_below(ax, 1, drop=0.17 if below is None else 0.24)
