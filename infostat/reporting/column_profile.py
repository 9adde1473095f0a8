"""One column of a data set: what it holds, the families judged on it, and its histogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray
from ..projection.criterion_result import PNCriterion
from .column_kinds import ColumnKind, as_numbers, is_missing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ColumnProfile", "profile_column"]

_MOST_BARS = 12
_POINTS = 160
_COLORS = ("blue", "orange", "green")


@dataclass(frozen=True, eq=False, repr=False)
class ColumnProfile(Result):
    """What a column holds, and the families judged on it.

    Attributes
    ----------
    column : str
        Its label.
    kind : str
        ``"real"``, ``"positive"``, ``"count"``, ``"binary"``, ``"levels"`` or ``"left out"``.
    why : str
        The observation that decided the kind.
    n : int
        Values that are not missing.
    n_missing : int
        Missing or infinite values.
    distinct : int
        Different values.
    quantiles : ndarray of shape (5,)
        Minimum, quartiles, maximum; nan for words.
    mean, sd, skewness : float
        Of the values; nan for words.
    edges : ndarray of shape (b + 1,)
        Ends of the bins of the histogram; empty where levels are counted.
    counts : ndarray of int of shape (b,)
        Values in each bin, or of each level.
    levels : tuple of str
        The levels, most frequent first (numbers in order); rare ones are put together.
    criteria : mapping of str to PNCriterion
        The p-n criterion of each family judged, by name.
    reasons : mapping of str to str
        Why other families have no estimate.
    best : str
        The family with the smallest TIC; empty if none could be judged.
    grid : ndarray of shape (g,)
        Where the fitted densities were computed.
    curves : mapping of str to ndarray of shape (g,)
        Fitted density (probability of a count) of each family.
    tic : mapping of str to float
        Takeuchi's criterion of each family, nats (minus twice the log-likelihood plus ``2 T0``).
    aic : mapping of str to float
        Akaike's criterion.
    """

    column: str
    kind: str
    why: str
    n: int
    n_missing: int
    distinct: int
    quantiles: FloatArray
    mean: float
    sd: float
    skewness: float
    edges: FloatArray
    counts: NDArray[np.int64]
    levels: tuple[str, ...] = ()
    criteria: dict[str, PNCriterion] | None = None
    reasons: dict[str, str] | None = None
    best: str = ""
    grid: FloatArray | None = None
    curves: dict[str, FloatArray] | None = None
    tic: dict[str, float] | None = None
    aic: dict[str, float] | None = None

    _headline = ("column", "kind", "n", "best")

    @property
    def judged(self) -> PNCriterion | None:
        """The criterion of the family with the smallest TIC."""
        return (self.criteria or {}).get(self.best)

    def _title(self) -> str:
        return f"Column {self.column}: {self.kind}"

    def _sections(self) -> Sequence[Section]:
        facts: list[list[Cell]] = [
            ["Read as", f"{self.kind} ({self.why})"],
            ["Values", self.n],
            ["Missing", self.n_missing],
            ["Different values", self.distinct],
        ]
        if np.isfinite(self.mean):
            names = ("Minimum", "First quartile", "Median", "Third quartile", "Maximum")
            facts += [[name, value] for name, value in zip(names, self.quantiles.tolist(), strict=True)]
            facts += [["Mean", self.mean], ["Standard deviation", self.sd], ["Skewness", self.skewness]]
        rows: list[list[Cell]] = [
            [name, found.p, found.verdict, found.misfit.name, found.misfit.p_value, (self.tic or {}).get(name)]
            for name, found in (self.criteria or {}).items()
        ]
        judged = [Section(rows, ("family", "p", "verdict", "misfit test", "p-value", "TIC"))] if rows else []
        return [Section(facts), *judged]

    def _notes(self) -> Sequence[str]:
        return [f"{name} has no estimate: {why}." for name, why in (self.reasons or {}).items()]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from ..core.drawing import DASHED
        from ..core.style import COLORS

        options: dict[str, Any] = {"color": COLORS["sky"], "alpha": 0.55, "lw": 0, **kwargs}
        if self.levels:
            self._draw_levels(ax, options)
        else:
            ax.stairs(self.counts / (max(self.counts.sum(), 1) * np.diff(self.edges)), self.edges, fill=True, **options)
            for (name, curve), color in zip((self.curves or {}).items(), _COLORS, strict=False):
                dashes = "-" if name == self.best else DASHED
                ax.plot(np.asarray(self.grid), curve, color=COLORS[color], lw=1.4, ls=dashes, label=name)
            ax.set_ylabel("density")
            ax.set_ylim(0.0, None)
        ax.set_xlabel(self.column if len(self.column) < 40 else f"{self.column[:37]}...")
        if ax.get_legend_handles_labels()[1]:
            ax.legend(loc="best", handlelength=1.4)

    def _draw_levels(self, ax: Axes, options: dict[str, Any]) -> None:
        from ..core.style import COLORS

        share = self.counts / max(self.counts.sum(), 1)
        if self.grid is not None and self.curves:  # counts: the levels are numbers, and gaps are seen
            ax.bar(np.array([float(level) for level in self.levels]), share, width=0.85, **options)
            for (name, curve), color in zip(self.curves.items(), _COLORS, strict=False):
                ax.plot(self.grid, curve, "o-", color=COLORS[color], ms=3, lw=0.8, label=name)
        else:
            place = np.arange(len(self.levels))
            ax.bar(place, share, width=0.8, **options)
            long = sum(map(len, self.levels)) > 40
            labels = [level if len(level) <= 14 else f"{level[:12]}..." for level in self.levels]
            ax.set_xticks(place, labels, rotation=40 if long else 0, ha="right" if long else "center")
        ax.set_ylabel("share of the rows")


def profile_column(label: str, column: pd.Series[Any], found: ColumnKind) -> ColumnProfile:
    """Return the description of a column; no family is fitted yet.

    Parameters
    ----------
    label : str
        Its name.
    column : Series
        Its values, missing ones included.
    found : ColumnKind
        How it is read.

    Returns
    -------
    ColumnProfile
        Without criteria.

    Examples
    --------
    >>> import pandas as pd
    >>> from infostat.reporting.column_kinds import column_kind
    >>> column = pd.Series([0.5, 1.0, 2.5, None])
    >>> profile_column("x", column, column_kind(column))
    ColumnProfile(column='x', kind='positive', n=3, best='')
    """
    values = column[~is_missing(column)]
    numeric = as_numbers(values) if len(values) else None
    edges: FloatArray = np.empty(0)
    levels: tuple[str, ...] = ()
    counts: Any = []
    if found.kind in ("count", "levels", "binary"):
        levels, counts = _levels(values, numeric, found.kind == "count")
    elif numeric is not None and len(numeric):
        counts, edges = np.histogram(numeric, bins=_bins(numeric))
    mean, sd, skewness = _moments(numeric)
    return ColumnProfile(
        column=label,
        kind=found.kind,
        why=found.why,
        n=len(values),
        n_missing=len(column) - len(values),
        distinct=int(values.astype(str).nunique()) if numeric is None else len(np.unique(numeric)),
        quantiles=_quantiles(numeric),
        mean=mean,
        sd=sd,
        skewness=skewness,
        edges=edges,
        counts=np.asarray(counts, dtype=np.int64),
        levels=levels,
    )


def _levels(values: pd.Series[Any], numeric: FloatArray | None, ordered: bool) -> tuple[tuple[str, ...], list[int]]:
    """Labels and their counts: numbers in order, words by frequency with the rare ones put together."""
    if numeric is not None:
        found, counts = np.unique(numeric, return_counts=True)
        if ordered or len(found) <= _MOST_BARS:
            return tuple(f"{value:g}" for value in found), counts.tolist()
        table = pd.Series(counts, index=[f"{value:g}" for value in found]).sort_values(ascending=False, kind="stable")
    else:
        table = values.astype(str).value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
    names, sizes = [str(name) for name in table.index], [int(size) for size in table]
    if len(names) <= _MOST_BARS:
        return tuple(names), sizes
    keep = _MOST_BARS - 1
    return (*names[:keep], f"{len(names) - keep} others"), [*sizes[:keep], sum(sizes[keep:])]


def _bins(values: FloatArray) -> FloatArray:
    """Edges of equal bins, from 8 to 40: the rule of Freedman and Diaconis."""
    half = values / 2.0  # differences of the largest floats would overflow
    low, high = float(half.min()), float(half.max())
    if low == high:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    q1, q3 = np.quantile(half, [0.25, 0.75], method="nearest")
    width = 2.0 * float(q3 - q1) / len(values) ** (1.0 / 3.0)
    count = 8.0 if not width > 0.0 else min(max((high - low) / width, 8.0), 40.0)
    edges = 2.0 * np.linspace(low, high, int(np.ceil(count)) + 1)
    edges[0], edges[-1] = values.min(), values.max()
    return np.asarray(edges)


def _quantiles(numeric: FloatArray | None) -> FloatArray:
    if numeric is None or not len(numeric):
        return np.full(5, np.nan)
    return np.asarray(2.0 * np.quantile(numeric / 2.0, np.linspace(0.0, 1.0, 5)))


def _moments(numeric: FloatArray | None) -> tuple[float, float, float]:
    """Mean, standard deviation with divisor n - 1, skewness."""
    if numeric is None or not len(numeric):
        return np.nan, np.nan, np.nan
    scale = max(float(np.abs(numeric).max()), 1e-300)  # powers of large values would overflow
    centred = numeric / scale - (numeric / scale).mean()
    sd = float(np.sqrt((centred**2).mean()))
    skewness = float(((centred / sd) ** 3).mean()) if sd > 0.0 else np.nan
    spread = sd * np.sqrt(len(numeric) / max(len(numeric) - 1, 1)) * scale
    return float((numeric / scale).mean() * scale), float(spread), skewness
