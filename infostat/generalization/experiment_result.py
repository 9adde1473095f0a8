"""Result of an experiment: labelled curves in one tidy table, with a caption that names their natures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputError
from ..core.results import Result
from ..core.tables import WIDTH, Cell, Section
from ..core.words import row_label
from .labelled import NATURES, SENSES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["CURVE_COLUMNS", "Experiment", "caption_of", "curve_rows"]

# One row of the table is one point of one curve.
CURVE_COLUMNS = ("panel", "curve", "x", "value", "se", "low", "high", "nature", "sense")
PANEL_KEYS = {"x_label", "y_label", "log_x", "log_y", "y_low", "y_high", "legend", "colors", "labels", "marks"}
_WORDS = {"exact": "Exact", "bound": "Bounds", "estimate": "Estimates", "proxy": "Proxies (no bounds)"}
_SHORT = {
    "expectation": "in expectation",
    "probability": "with high probability",
    "always": "for the samples at hand",
    "": "",
}


@dataclass(frozen=True, eq=False, repr=False)
class Experiment(Result):
    """Curves of one experiment, each labelled bound, exact, estimate or proxy.

    Attributes
    ----------
    name : str
        ``"E1"`` to ``"E6"``.
    title : str
        What is shown.
    frame : DataFrame
        One row per point: ``panel curve x value se low high nature sense``; what does not apply is nan
        or empty.
    x_label, y_label : str
        Axis labels with units.
    caption : str
        Names every curve and says which are bounds, exact or estimates, and in which sense.
    interpretation : str
        What the numbers show, in sentences.
    settings : mapping of str to number or str
        Everything that fixes the numbers.
    markers : mapping of str to number
        Named positions and summary numbers, for instance the funnel layers.
    log_x, log_y : bool
        Whether the axes of the figure are logarithmic.
    panel_axes : mapping of str to mapping, optional
        Panels whose axes differ from the common ones: panel -> any of ``x_label y_label log_x log_y``,
        ``y_low y_high`` (limits), ``legend`` (its place), ``colors`` (curve -> name in the palette),
        ``labels`` (curve -> text in the legend, empty for none) and ``marks`` (curve -> positions with a ring).
    seed : int, str or None
        Gives the same numbers again as ``rng``; None where nothing is drawn.
    """

    name: str
    title: str
    frame: pd.DataFrame
    x_label: str
    y_label: str
    caption: str
    interpretation: str
    settings: Mapping[str, Any]
    markers: Mapping[str, float]
    log_x: bool = False
    log_y: bool = True
    seed: int | str | None = None
    panel_axes: Mapping[str, Mapping[str, Any]] | None = None

    _headline = ("name", "title", "seed")

    def __post_init__(self) -> None:
        super().__post_init__()
        if tuple(self.frame.columns) != CURVE_COLUMNS:
            raise InputError(f"frame must have the columns {' '.join(CURVE_COLUMNS)}, got {list(self.frame.columns)}")
        if not set(self.frame["nature"]) <= set(NATURES) or not set(self.frame["sense"]) <= set(SENSES):
            raise InputError("every curve must carry a known nature and sense")
        for panel, axes in (self.panel_axes or {}).items():
            if panel not in self.panels() or not set(axes) <= PANEL_KEYS:
                known = ", ".join(sorted(PANEL_KEYS))
                raise InputError(f"panel_axes must name panels and any of {known}, got {panel!r}")

    def _title(self) -> str:
        return f"{self.name}: {self.title}"

    def _settings(self) -> dict[str, Cell]:
        return {key: str(value) for key, value in self.settings.items()}

    def _scalars(self) -> dict[str, Cell]:
        found = super()._scalars()
        for key in ("caption", "interpretation", "x_label", "y_label"):
            found.pop(key, None)
        return found

    def to_frame(self) -> pd.DataFrame:
        """Return one row per point of every curve.

        Returns
        -------
        DataFrame
            ``panel curve x value se low high nature sense``.
        """
        return self.frame.copy()

    def panels(self) -> tuple[str, ...]:
        """Return the names of the panels of the figure, in order.

        Returns
        -------
        tuple of str
            One name, possibly empty, per panel.
        """
        return tuple(dict.fromkeys(str(name) for name in self.frame["panel"]))

    def axes_of(self, panel: str) -> dict[str, Any]:
        """Return labels, scales and limits of the axes of one panel.

        Parameters
        ----------
        panel : str
            One of :meth:`panels`.

        Returns
        -------
        dict
            The common ``x_label y_label log_x log_y`` and what `panel_axes` says instead.
        """
        common = {"x_label": self.x_label, "y_label": self.y_label, "log_x": self.log_x, "log_y": self.log_y}
        return {**common, **(self.panel_axes or {}).get(panel, {})}

    def _sections(self) -> Sequence[Section]:
        found = []
        for panel in self.panels():
            x_label = str(self.axes_of(panel)["x_label"])
            part = self.frame[self.frame["panel"] == panel]
            wide = part.pivot_table(index="x", columns="curve", values="value", sort=False).sort_index()
            wide = wide[[c for c in dict.fromkeys(part["curve"]) if c in wide.columns]]
            keep = np.unique(np.linspace(0, len(wide) - 1, min(len(wide), 12)).round().astype(int))
            rows = [[_number(x), *map(float, wide.iloc[i])] for i, x in zip(keep, wide.index[keep], strict=True)]
            names = [str(c) for c in wide.columns]
            for start, stop in _groups(names, len(x_label)):
                cells = [[row[0], *row[1 + start : 1 + stop]] for row in rows]
                found.append(Section(cells, [x_label, *names[start:stop]], title=panel if start == 0 else ""))
        if self.markers:
            found.append(Section([[row_label(key), _number(value)] for key, value in self.markers.items()]))
        return found

    def _notes(self) -> Sequence[str]:
        return [self.interpretation, self.caption]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_experiment import draw_experiment

        draw_experiment(ax, self, **kwargs)


def _groups(names: Sequence[str], first: int) -> list[tuple[int, int]]:
    """Cut columns into groups whose headings fit on a line beside the first column."""
    out: list[tuple[int, int]] = []
    start, used = 0, first
    for k, name in enumerate(names):
        used += max(len(name), 10) + 3
        if used > WIDTH and k > start:
            out.append((start, k))
            start, used = k, first + max(len(name), 10) + 3
    return [*out, (start, len(names))]


def curve_rows(
    curve: str,
    x: Any,
    value: Any,
    *,
    nature: str,
    sense: str = "",
    panel: str = "",
    se: Any = np.nan,
    low: Any = np.nan,
    high: Any = np.nan,
) -> pd.DataFrame:
    """Return the rows of one curve, for ``pandas.concat``.

    Parameters
    ----------
    curve : str
        Label in the legend.
    x, value : array_like of shape (k,)
        Points.
    nature, sense : str
        Label of the whole curve, see :mod:`infostat.generalization.labelled`.
    panel : str
        Panel of the figure.
    se, low, high : array_like of shape (k,) or float
        Standard error, interval; nan where there is none.

    Returns
    -------
    DataFrame
        Columns `CURVE_COLUMNS`.
    """
    import pandas as pd

    x = np.atleast_1d(np.asarray(x, dtype=np.float64))
    columns = {"panel": panel, "curve": curve, "x": x}
    for name, item in (("value", value), ("se", se), ("low", low), ("high", high)):
        columns[name] = np.broadcast_to(np.asarray(item, dtype=np.float64), x.shape)
    return pd.DataFrame({**columns, "nature": nature, "sense": sense}, columns=list(CURVE_COLUMNS))


def caption_of(frame: pd.DataFrame, extra: str = "") -> str:
    """Return the caption of a figure: which curves are bounds, exact, estimates or proxies, in which sense.

    Parameters
    ----------
    frame : DataFrame
        Columns `CURVE_COLUMNS`.
    extra : str
        A sentence to add.

    Returns
    -------
    str
        Sentences.
    """
    parts = []
    for nature in NATURES:
        part = frame[frame["nature"] == nature]
        groups = []
        for sense in dict.fromkeys(part["sense"]):
            names = ", ".join(dict.fromkeys(part[part["sense"] == sense]["curve"]))
            groups.append(f"{names} ({_SHORT[sense]})" if sense else names)
        if groups:
            parts.append(f"{_WORDS[nature]}: {'; '.join(groups)}.")
    if extra:
        parts.append(extra)
    return " ".join(parts)


def _number(value: Any) -> Cell:
    number = float(value)
    return int(number) if np.isfinite(number) and number == int(number) and abs(number) < 1e15 else number
