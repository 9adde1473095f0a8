"""Make one figure: run its study with a seed and wrap what it found."""

from __future__ import annotations

import warnings

from ...core.errors import InfostatWarning, InputError, InputTypeError, describe
from ...core.progress import Progress, Report, progress_callback
from ...core.replicates import check_jobs
from ...core.rng import RngLike, as_seed_sequence, seed_label
from ...core.validation import check_flag, short
from .entry import FigureEntry, Study
from .gallery_figure import GalleryFigure
from .registry import figures_named

__all__ = ["make_figure", "run_entry"]


def make_figure(
    name: str, *, rng: RngLike = None, quick: bool = False, n_jobs: int | None = None, progress: Progress = False
) -> GalleryFigure:
    """Compute one figure of the gallery.

    Parameters
    ----------
    name : str
        Name or alias, see `list_figures`.
    rng : None, int, SeedSequence or Generator
        Seed; None takes the seed of the gallery, so that the figure there is made again.
    quick : bool
        Run fewer replicates, to look at the figure in seconds.
    n_jobs : int, optional
        Parallel workers; the numbers do not depend on it.
    progress : bool or callable
        Progress of the study; a callable gets ``(done, total)``.

    Returns
    -------
    GalleryFigure
        ``plot()`` draws it, ``save("figure.pdf")`` writes it, ``to_frame()`` holds its data.

    Raises
    ------
    InputError
        If the name is unknown or stands for several figures.

    Examples
    --------
    >>> from infostat.reporting.figures import make_figure
    >>> found = make_figure("projection-thresholds")
    >>> found.name, sorted(found.to_frame()["nature"].unique().tolist())
    ('projection-thresholds', ['bound'])
    """
    if not isinstance(name, str):
        raise InputTypeError(describe("name", "the name of a figure", short(name)))
    entries = figures_named("name", [name])
    if len(entries) != 1:
        known = ", ".join(entry.name for entry in entries)
        raise InputError(describe("name", "one figure", name, f"choose one of {known}, or call write_figures"))
    check_flag("quick", quick)
    check_jobs(n_jobs)
    with progress_callback(progress, entries[0].name) as report:
        return run_entry(entries[0], rng, quick, n_jobs, report)


def run_entry(
    entry: FigureEntry, rng: RngLike, quick: bool, n_jobs: int | None, report: Report | None
) -> GalleryFigure:
    """Return the figure of an entry.

    Parameters
    ----------
    entry : FigureEntry
        Which figure.
    rng : None, int, SeedSequence or Generator
        Seed; None takes that of the entry.
    quick : bool
        Fewer replicates.
    n_jobs : int or None
        Parallel workers.
    report : callable or None
        Gets ``(done, total)``.

    Returns
    -------
    GalleryFigure
        Data, caption and settings.
    """
    seed = as_seed_sequence((entry.seed or 0) if rng is None else rng)
    with warnings.catch_warnings():
        # Figures show on purpose where estimates break down; captions and marks say where.
        warnings.simplefilter("ignore", InfostatWarning)
        found = entry.study(Study(seed, n_jobs, report, quick))
    return GalleryFigure(
        name=entry.name,
        title=entry.title,
        caption=entry.caption,
        interpretation=found.interpretation,
        frame=found.frame,
        numbers=found.numbers,
        parts=found.parts,
        settings=found.settings,
        quick=quick,
        seed=None if entry.seed is None else seed_label(seed),
    )
