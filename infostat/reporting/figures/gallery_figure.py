"""A figure of the gallery as a result: data, caption, settings, drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.errors import InputError, InputTypeError
from ...core.results import Result
from ...core.tables import Cell, Section
from ...core.words import row_label
from .curves import COLUMNS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["GalleryFigure"]


@dataclass(frozen=True, eq=False, repr=False)
class GalleryFigure(Result):
    """One figure of the gallery with the numbers that it shows.

    Attributes
    ----------
    name : str
        Name of the figure, such as ``"alignment-frontier"``.
    title : str
        What is shown.
    caption : str
        Names the curves and says which are exact, bounds, estimates or proxies.
    interpretation : str
        What these numbers show, in sentences; may be empty.
    frame : DataFrame
        One row per point: ``panel curve nature x y low high`` and, for some figures, more columns;
        what does not apply is nan.
    numbers : mapping of str to float
        Places of marks and summary values.
    parts : mapping of str to Result
        Results that the figure is made of.
    settings : mapping of str to object
        What fixes the numbers, besides the seed.
    quick : bool
        Whether fewer replicates were run than for the gallery.
    seed : int, str or None
        Gives the same numbers again as ``rng``; None where nothing random is drawn.
    """

    name: str
    title: str
    caption: str
    interpretation: str
    frame: pd.DataFrame
    numbers: Mapping[str, float]
    parts: Mapping[str, Result]
    settings: Mapping[str, Any]
    quick: bool = False
    seed: int | str | None = None

    _headline = ("name", "title", "seed")

    def __post_init__(self) -> None:
        super().__post_init__()
        if tuple(self.frame.columns[: len(COLUMNS)]) != COLUMNS or not len(self.frame):
            got = " ".join(map(str, self.frame.columns))
            raise InputError(f"frame must hold rows of the columns {' '.join(COLUMNS)}, got {len(self.frame)} of {got}")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per point of the figure.

        Returns
        -------
        DataFrame
            ``panel curve nature x y low high`` and further columns of this figure.
        """
        return self.frame.copy()

    def _title(self) -> str:
        return self.title

    def _settings(self) -> dict[str, Cell]:
        shown: dict[str, Cell] = {"figure": self.name}
        shown |= {key: value if isinstance(value, (int, float)) else str(value) for key, value in self.settings.items()}
        if self.seed is not None:
            shown["seed"] = self.seed
        if self.quick:
            shown["replicates"] = "reduced, for a quick look"
        return shown

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = []
        for (panel, curve, nature), part in self.frame.groupby(["panel", "curve", "nature"], sort=False):
            ends = [float(f(part[axis])) for axis in ("x", "y") for f in (min, max)]
            rows.append([*([panel] if self._has_panels() else []), curve, nature, len(part), *ends])
        header = ["curve", "nature", "points", "least x", "largest x", "least y", "largest y"]
        found = [Section(rows, [*(["panel"] if self._has_panels() else []), *header], title="Data of the figure")]
        if self.numbers:
            found.append(Section([[row_label(key), float(value)] for key, value in self.numbers.items()]))
        found.append(Section([[row_label(key), value] for key, value in self._settings().items()], title="Made with"))
        return found

    def _has_panels(self) -> bool:
        return bool((self.frame["panel"] != "").any())

    def _notes(self) -> Sequence[str]:
        return [self.caption, *([self.interpretation] if self.interpretation else [])]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .registry import find_figures

        if kwargs:
            given = ", ".join(sorted(kwargs))
            raise InputTypeError(f"a figure of the gallery takes no options of drawing, got {given}; change the axes")
        find_figures(self.name)[0].draw(ax, self)
