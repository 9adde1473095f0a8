"""What a figure of the gallery is made of: words, a study that finds its data, a drawing of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.random import SeedSequence

from ...core.progress import Report
from ...core.rng import child

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ...core.results import Result
    from .gallery_figure import GalleryFigure

__all__ = ["FigureEntry", "Findings", "Study"]


@dataclass(frozen=True)
class Study:
    """How a figure is to be computed.

    Parameters
    ----------
    seed : SeedSequence
        Every random number of the figure comes from it.
    n_jobs : int or None
        Parallel workers; the numbers do not depend on it.
    report : callable or None
        Gets ``(done, total)`` of the part that takes the time.
    quick : bool
        Fewer replicates, to look at a figure in seconds.
    """

    seed: SeedSequence
    n_jobs: int | None = None
    report: Report | None = None
    quick: bool = False

    @property
    def progress(self) -> Any:
        """What the functions of the wings take as ``progress``."""
        return self.report or False

    def count(self, full: int, quick: int) -> int:
        """Return how many replicates to run.

        Parameters
        ----------
        full, quick : int
            For the figure as it is shown, and for a quick look.

        Returns
        -------
        int
            One of the two.
        """
        return quick if self.quick else full

    def child(self, index: int) -> SeedSequence:
        """Return the seed of part `index`, so that parts do not share random numbers.

        Parameters
        ----------
        index : int
            Number of the part, from 0.

        Returns
        -------
        SeedSequence
            A pure function of the seed and the index.
        """
        return child(self.seed, index)


@dataclass(frozen=True)
class Findings:
    """What the study of a figure found.

    Parameters
    ----------
    frame : DataFrame
        The data of the figure, see :mod:`.curves`.
    numbers : mapping of str to float
        Single numbers that the drawing or the reader needs: places of marks, summary values.
    parts : mapping of str to Result
        Results of the wings that the figure shows.
    settings : mapping of str to object
        Everything that fixes the numbers, besides the seed.
    interpretation : str
        What these numbers show, in sentences.
    """

    frame: pd.DataFrame
    numbers: Mapping[str, float] = field(default_factory=dict)
    parts: Mapping[str, Result] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    interpretation: str = ""


@dataclass(frozen=True)
class FigureEntry:
    """One figure of the gallery.

    Parameters
    ----------
    name : str
        ``wing-subject``, also the name of the files.
    alias : str
        Its place in the gallery, such as ``alignment-a`` or ``E1``; accepted in place of the name.
    title : str
        What is shown, without a full stop.
    caption : str
        Names the curves and says which are exact, bounds, estimates or proxies.
    study : callable
        Takes a `Study`, returns `Findings`.
    draw : callable
        Takes axes and a `GalleryFigure`; draws what the frame and the numbers hold.
    seconds : float
        About how long the study takes on two cores.
    seed : int or None
        Seed of the gallery; None where nothing random is drawn.
    """

    name: str
    alias: str
    title: str
    caption: str = field(repr=False)
    study: Callable[[Study], Findings] = field(repr=False)
    draw: Callable[[Axes, GalleryFigure], None] = field(repr=False)
    seconds: float = field(repr=False)
    seed: int | None = field(default=None, repr=False)

    @property
    def wing(self) -> str:
        """The wing that the figure belongs to."""
        return self.name.partition("-")[0]
