"""Quick versions of the figures, each computed once for all tests."""

from __future__ import annotations

from functools import cache

from infostat.reporting.figures import GalleryFigure, make_figure


@cache
def quick(name: str) -> GalleryFigure:
    """Return the quick version of a figure, with the seed of the gallery."""
    return make_figure(name, quick=True)
