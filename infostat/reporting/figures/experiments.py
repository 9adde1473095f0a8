"""Entries of the generalization wing: its experiments carry their own drawing and caption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .curves import COLUMNS
from .entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .gallery_figure import GalleryFigure

__all__ = ["experiment_entry"]


def experiment_entry(
    name: str,
    alias: str,
    title: str,
    caption: str,
    *,
    seconds: float,
    seed: int | None = None,
    quick: Mapping[str, Any] | None = None,
) -> FigureEntry:
    """Return the entry of one of the experiments E1 to E6.

    Parameters
    ----------
    name : str
        Name of the figure.
    alias : str
        Name of the experiment.
    title, caption : str
        Words of the figure; what the numbers show comes from the experiment.
    seconds : float
        About how long it takes.
    seed : int, optional
        Seed of the gallery; None where nothing random is drawn.
    quick : mapping of str to object, optional
        Options of the experiment for a quick look.

    Returns
    -------
    FigureEntry
        The figure.
    """

    def study(how: Study) -> Findings:
        from ...generalization import run_experiment

        options = dict(quick or {}) if how.quick else {}
        found = run_experiment(alias, rng=how.seed, n_jobs=how.n_jobs, progress=how.progress, **options)
        frame = found.to_frame().rename(columns={"value": "y"})
        return Findings(
            frame=frame[[*COLUMNS, "se", "sense"]],
            numbers=found.markers,
            parts={"experiment": found},
            settings=found.settings,
            interpretation=found.interpretation,
        )

    return FigureEntry(name, alias, title, caption, study, _draw, seconds, seed)


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    figure.parts["experiment"]._draw(ax)
