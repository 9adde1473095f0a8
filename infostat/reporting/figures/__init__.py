"""The figures of the four wings by name: study, data, drawing and caption of each.

Every figure is one file in :mod:`infostat.reporting.figures.catalogue`; the list, the command
``infostat figures`` and the gallery of the documentation are made from these files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .entry import FigureEntry
    from .gallery_figure import GalleryFigure
    from .making import make_figure
    from .registry import find_figures, list_figures
    from .writing import write_figures

_MODULES = {
    "FigureEntry": "entry",
    "GalleryFigure": "gallery_figure",
    "find_figures": "registry",
    "list_figures": "registry",
    "make_figure": "making",
    "write_figures": "writing",
}

__all__ = ["FigureEntry", "GalleryFigure", "find_figures", "list_figures", "make_figure", "write_figures"]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
