"""Figures of a page as vector graphics that follow the colours of the reader's screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..core.page import svg_element
from ..core.results import Result
from ..core.style import FIGURE_SIZE, figure_bytes
from .requirements import RowsRequired

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FIGURE_COLORS", "figure_image", "figure_svg"]

FIGURE_COLORS = {  # in the file -> name of the style variable, colour on a dark screen
    "#000000": ("ink", "#e6eaf0"),
    "#ffffff": ("card", "#1d232c"),
    "#666666": ("f-grey", "#a3adba"),
    "#dddddd": ("f-line", "#3b4552"),
    "#0072b2": ("f-blue", "#5ab0e8"),
    "#d55e00": ("f-orange", "#f0874a"),
    "#009e73": ("f-green", "#35c79c"),
    "#cc79a7": ("f-purple", "#dc92bb"),
    "#56b4e9": ("f-sky", "#4f9fcb"),
    "#e69f00": ("f-amber", "#edb133"),
}
"""Colours of the plot style that change with the colour scheme; others stay as they are."""

_SMALL = (3.3, 2.3)  # inches
_PAGE = (5.2, 3.6)  # narrower than in print, so that the letters can be read on a phone
_COLOR = re.compile("|".join(FIGURE_COLORS), flags=re.IGNORECASE)
_PALE = re.compile(r"fill: (#[c-f][0-9a-f][c-f][0-9a-f][b-f][0-9a-f])\b")
_PLACES = re.compile(r'(?<=[ "(MLQCZ\n])-?\d+\.\d{3,}')
_DRAWN = re.compile(r'\b(?:d|x|y|width|height|points)="[^"]*"|translate\([^)]*\)')


def figure_image(result: Result, kind: str, *, small: bool = False, outlines: bool = False) -> bytes:
    """Return the figure of a result in the size that a report gives it.

    Parameters
    ----------
    result : Result
        A result with a figure.
    kind : {"svg", "pdf", "png"}
        File format.
    small : bool
        For figures set side by side.
    outlines : bool
        Draw letters of an SVG as shapes.

    Returns
    -------
    bytes
        The image.
    """

    def draw(ax: Axes) -> None:
        figure = ax.get_figure(root=True)
        if figure is not None:
            width, height = _SMALL if small else _PAGE if outlines else FIGURE_SIZE
            if isinstance(result, RowsRequired):
                height = result.height
            figure.set_size_inches(width, height)
        result._draw(ax)

    return figure_bytes(draw, kind, outlines=outlines)


def figure_svg(result: Result, prefix: str, *, small: bool = False) -> str:
    """Return the figure of a result as an element for a page.

    Parameters
    ----------
    result : Result
        A result with a figure.
    prefix : str
        Put before every name inside the figure: matplotlib numbers the parts of each figure from one,
        so that on a page a reference could find its target in another figure.
    small : bool
        For figures set side by side.

    Returns
    -------
    str
        An ``svg`` element. Letters are shapes (the reader's fonts do not matter), places have two
        decimals of a point, colours are style variables.
    """
    image = svg_element(figure_image(result, "svg", small=small, outlines=True), prefix)
    image = _DRAWN.sub(lambda found: _PLACES.sub(_rounded, found[0]), image)
    return _PALE.sub(_mixed, _COLOR.sub(_variable, image))


def _mixed(found: re.Match[str]) -> str:
    """Pale shades of regions become dark shades on a dark screen; the plain one is for old browsers."""
    return f"fill: {found[1]}; fill: color-mix(in srgb, {found[1]} var(--f-pale), var(--card))"


def _rounded(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}"


def _variable(found: re.Match[str]) -> str:
    color = found[0].lower()
    return f"var(--{FIGURE_COLORS[color][0]}, {color})"
