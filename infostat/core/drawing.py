"""What figures of all wings share: dashes, small print, panels, and the legend below the axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DASHED", "DOTTED", "LIMIT", "SMALL_PRINT", "count_ticks", "inset_panels", "legend_below", "plain_ticks"]

# One meaning each: a second opinion (an approximation, a bound, another order), a place on an axis, a level
# to stay below.
DASHED: Any = (0, (4, 2))
DOTTED: Any = (0, (1, 1.5))
LIMIT: Any = (0, (5, 3))

SMALL_PRINT = 8.5  # points: words inside the axes


def legend_below(ax: Axes, columns: int = 2, *, drop: float = 0.16) -> None:
    """Put the legend under the axes, where it covers nothing.

    Parameters
    ----------
    ax : Axes
        The axes.
    columns : int
        Columns of the legend.
    drop : float
        How far below the axes, in their heights.
    """
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -drop), ncols=columns, columnspacing=1.6)


def inset_panels(
    ax: Axes, columns: int, rows: int = 1, *, size: tuple[float, float], gap: tuple[float, float] = (0.14, 0.2)
) -> list[Axes]:
    """Divide the area of `ax` into panels inside it; a figure that holds nothing else takes their size.

    Parameters
    ----------
    ax : Axes
        Its frame disappears; the panels are its children.
    columns, rows : int
        Panels across and down.
    size : (float, float)
        Width and height of the figure, inches.
    gap : (float, float)
        Space between panels across and down, in widths and heights of `ax`.

    Returns
    -------
    list of Axes
        Row by row.
    """
    figure = ax.get_figure(root=True)
    if figure is not None and len(figure.axes) == 1:
        figure.set_size_inches(*size)
    ax.set_axis_off()
    across, down = gap
    width = (1.0 - across * (columns - 1)) / columns
    height = (1.0 - down * (rows - 1)) / rows
    return [
        ax.inset_axes((i * (width + across), 1.0 - (j + 1) * height - j * down, width, height))
        for j in range(rows)
        for i in range(columns)
    ]


def plain_ticks(axis: Any) -> None:
    """Number a logarithmic axis in plain figures, 0.5 rather than a power of ten, where it spans few decades.

    Parameters
    ----------
    axis : matplotlib axis
        ``ax.xaxis`` or ``ax.yaxis``, with its limits set.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    low, high = sorted(axis.get_view_interval())
    axis.set_minor_formatter(NullFormatter())
    if not 0.0 < low < high < 1000.0 * low:
        return
    if high < 2.0 * low:
        axis.set_major_locator(MaxNLocator(4))
    else:
        subs = tuple(range(1, 10)) if high < 6.0 * low else (1.0, 2.0, 5.0) if high < 300.0 * low else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs, numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def count_ticks(axis: Any) -> None:
    """Number an axis of counts (layers, steps, parameters) in whole numbers.

    Parameters
    ----------
    axis : matplotlib axis
        ``ax.xaxis`` or ``ax.yaxis``.
    """
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True))
