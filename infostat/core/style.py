"""One plot style for the whole package, made for papers.

Colours are the Okabe-Ito palette, distinguishable with every common colour
vision; text stays text in vector output; figures are one column wide.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLORS", "close_figure", "figure_bytes", "new_axes", "plot_style"]

COLORS = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "amber": "#E69F00",
    "black": "#000000",
    "grey": "#666666",
}

FIGURE_SIZE = (6.0, 4.0)  # inches

_SETTINGS: dict[str, Any] = {
    "figure.figsize": FIGURE_SIZE,
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 200,
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.dashed_pattern": (4.0, 2.0),  # the dashes of core.drawing
    "lines.dotted_pattern": (1.0, 1.5),
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "infostat",  # the same figure gives the same bytes
    "pdf.fonttype": 42,
}


# matplotlib has one table of settings for all threads, so they draw one after the other.
_DRAWING = threading.RLock()

# Left out of image files: they would change with the time or with matplotlib's version.
_STAMPS = {
    "png": ("Software",),
    "pdf": ("CreationDate", "Creator", "Producer"),
    "svg": ("Date", "Creator", "Format", "Type"),
}


@contextmanager
def plot_style() -> Iterator[None]:
    """Apply the package's matplotlib settings inside a ``with`` block.

    One thread at a time is inside such a block.

    Yields
    ------
    None
        Settings outside the block are untouched.

    Examples
    --------
    >>> import matplotlib
    >>> with plot_style():
    ...     matplotlib.rcParams["legend.frameon"]
    False
    """
    import matplotlib
    from cycler import cycler

    palette = [c for name, c in COLORS.items() if name != "grey"]
    settings: Any = {**_SETTINGS, "axes.prop_cycle": cycler(color=palette)}
    with _DRAWING, matplotlib.rc_context(settings):
        yield


def new_axes() -> Axes:
    """Return the axes of a new pyplot figure, so that ``plt.show()`` displays it.

    Returns
    -------
    Axes
        Empty axes.
    """
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    return ax


def close_figure(ax: Axes) -> None:
    """Take the figure of `ax` out of pyplot, so that a drawing that failed is not shown.

    Parameters
    ----------
    ax : Axes
        Axes made by :func:`new_axes`.
    """
    import matplotlib.pyplot as plt

    plt.close(ax.get_figure(root=True))


def figure_bytes(draw: Callable[[Axes], None], kind: str, *, outlines: bool = False) -> bytes:
    """Render a drawing function to an image without touching pyplot's state.

    Parameters
    ----------
    draw : callable
        Draws on the axes it is given.
    kind : {"png", "pdf", "svg"}
        File format.
    outlines : bool
        Draw the letters of an SVG as shapes: they look the same where the fonts are
        missing, and cannot be edited as text.

    Returns
    -------
    bytes
        The image; reproducible (no time stamp).
    """
    import matplotlib
    from matplotlib.figure import Figure

    with plot_style():
        if outlines:
            matplotlib.rcParams["svg.fonttype"] = "path"
        figure = Figure()
        draw(figure.add_subplot())
        stream = io.BytesIO()
        figure.savefig(stream, format=kind, metadata=dict.fromkeys(_STAMPS[kind]))
    return stream.getvalue()
