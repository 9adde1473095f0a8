"""Rows at hand against rows required, for every model of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray
from ..projection.criterion_result import PNCriterion

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["RowsRequired", "required_rows", "row_count", "rows_required"]

_VERDICTS = {  # word -> colour, marker: the shape says what the colour says
    "sufficient": ("green", "o"),
    "borderline": ("amber", "D"),
    "unreliable": ("purple", "s"),
    "insufficient": ("orange", "X"),
}
_MOST_DRAWN = 40
_LONGEST = 1e9


def row_count(n: float) -> str:
    """Return a number of rows in words, without an exponent where it is whole.

    Parameters
    ----------
    n : float
        Rows; an effective number need not be whole.

    Returns
    -------
    str
        For instance ``"1500000 rows"``.

    Examples
    --------
    >>> row_count(1.5e6), row_count(812.25)
    ('1500000 rows', '812.25 rows')
    """
    return f"{n:.0f} rows" if float(n).is_integer() and n < 1e15 else f"{n:g} rows"


@dataclass(frozen=True, eq=False, repr=False)
class RowsRequired(Result):
    """How many rows each of several models asks for, beside the rows there are.

    Attributes
    ----------
    names : tuple of str
        The models.
    p : ndarray of int of shape (k,)
        Numbers of parameters.
    n : float
        Rows at hand.
    risk : ndarray of shape (k,)
        Estimation risk of the order that was judged, nats.
    required : ndarray of shape (k,)
        Rows required.
    low, high : ndarray of shape (k,)
        Ends of the interval of the rows required; nan without one.
    words : tuple of str
        Verdict of each model: ``"sufficient"``, ``"insufficient"``, ``"borderline"``, ``"unreliable"``.
    threshold : float
        KL threshold ``8 alpha^2``, nats.
    confidence_level : float
        Level of the intervals; nan without any.
    """

    names: tuple[str, ...]
    p: NDArray[np.int64]
    n: float
    risk: FloatArray
    required: FloatArray
    low: FloatArray
    high: FloatArray
    words: tuple[str, ...]
    threshold: float
    confidence_level: float

    _headline = ("n", "names")

    @property
    def height(self) -> float:
        """Height of the figure in inches that gives every model a line."""
        return 1.3 + 0.23 * min(len(self.names), _MOST_DRAWN)

    def _title(self) -> str:
        return f"Rows required: {len(self.names)} models, {row_count(self.n)} at hand"

    def _sections(self) -> Sequence[Section]:
        columns: list[Sequence[Cell]] = [self.names, self.p.tolist(), self.risk.tolist(), _counts(self.required)]
        header = ["model", "p", "risk (nats)", "rows required"]
        if np.isfinite(self.confidence_level):
            level = f"{100 * self.confidence_level:g} %"
            columns += [_counts(self.low), _counts(self.high)]
            header += [f"{level} low", f"{level} high"]
        columns.append(self.words)
        rows = [list(row) for row in zip(*columns, strict=True)]
        return [Section(rows, (*header, "verdict"))]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per model.

        Returns
        -------
        DataFrame
            ``name p risk n_required low high verdict``.
        """
        import pandas as pd

        columns = {
            "name": self.names, "p": self.p, "risk": self.risk, "n_required": self.required,
            "low": self.low, "high": self.high, "verdict": self.words,
        }  # fmt: skip
        return pd.DataFrame(columns)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from ..core.drawing import LIMIT, plain_ticks
        from ..core.style import COLORS

        # The models nearest to the limit matter most where there are too many to show.
        keep = np.sort(np.argsort(-self.required, kind="stable")[:_MOST_DRAWN])
        height = np.arange(len(keep))[::-1]
        shown = np.maximum(self.required[keep], 1.0)
        left = max(float(np.nanmin(np.r_[self.low[keep], shown, self.n])), 1.0) / 1.6
        # An interval without a usable upper end runs out of the picture.
        right = 1.6 * float(min(np.nanmax(np.r_[self.high[keep], shown, self.n]), 30.0 * max(shown.max(), self.n)))
        ax.axvspan(left, self.n, color=COLORS["green"], alpha=0.07, lw=0)
        ax.axvline(self.n, color=COLORS["black"], lw=1.0, ls=LIMIT)
        ax.hlines(height, left, right, color="#DDDDDD", lw=0.6, zorder=1)
        ax.hlines(height, self.low[keep], np.minimum(self.high[keep], right), color=COLORS["grey"], lw=1.6, zorder=2)
        for word, (color, marker) in _VERDICTS.items():
            chosen = np.array([self.words[i] == word for i in keep])
            if chosen.any():
                options: dict[str, Any] = {"color": COLORS[color], "marker": marker, "ms": 6.5, "ls": "none", **kwargs}
                ax.plot(shown[chosen], height[chosen], label=word, zorder=3, **options)
        ax.set_xscale("log")
        ax.set_xlim(left, right)
        plain_ticks(ax.xaxis)
        ax.set_ylim(-0.8, len(keep) - 0.2)
        ax.set_yticks(height, [_label(self.names[i], int(self.p[i])) for i in keep])
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel("rows required (log scale)")
        ax.set_ylabel("model, p", fontsize=8.5)
        side = "right" if self.n * self.n > left * right else "left"
        ax.annotate(
            f"{row_count(self.n)} at hand", (self.n, 1.0), xycoords=("data", "axes fraction"),
            xytext=(-4 if side == "right" else 4, 3), textcoords="offset points", ha=side, fontsize=8.5,
        )  # fmt: skip
        _legend_below(ax)


def _legend_below(ax: Axes) -> None:
    """A legend at a fixed distance below the axes, whatever their height."""
    from matplotlib.transforms import ScaledTranslation

    figure = ax.get_figure(root=True)
    assert figure is not None
    below = ax.transAxes + ScaledTranslation(0.0, -34.0 / 72.0, figure.dpi_scale_trans)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), bbox_transform=below, ncols=4, columnspacing=1.4)


def rows_required(criteria: dict[str, PNCriterion]) -> RowsRequired:
    """Return the rows required by several models, in the order given.

    Parameters
    ----------
    criteria : dict of str to PNCriterion
        At least one criterion by label, all on the same rows.

    Returns
    -------
    RowsRequired
        Table and figure.

    Examples
    --------
    >>> import infostat
    >>> rows = infostat.load_dataset("wine_red")["alcohol"]
    >>> rows_required({"alcohol": infostat.pn_criterion(rows, "normal")}).required.tolist()
    [59.0]
    """
    found = list(criteria.values())
    intervals = [_interval(result) for result in found]
    levels = [result.bootstrap.confidence_level for result in found if result.bootstrap is not None]
    return RowsRequired(
        names=tuple(criteria),
        p=np.array([result.p for result in found]),
        n=found[0].n,
        risk=np.array([_risk(result) for result in found]),
        required=np.array([float(required_rows(result)) for result in found]),
        low=np.array([low for low, _ in intervals]),
        high=np.array([high for _, high in intervals]),
        words=tuple(result.verdict for result in found),
        threshold=found[0].threshold,
        confidence_level=levels[0] if levels else np.nan,
    )


def required_rows(result: PNCriterion) -> int:
    """Return the rows that a criterion asks for, by the order that it judged.

    Parameters
    ----------
    result : PNCriterion
        The criterion.

    Returns
    -------
    int
        Rows; of first order where the second cannot be used.

    Examples
    --------
    >>> import infostat
    >>> required_rows(infostat.pn_criterion(infostat.load_dataset("wine_red")["alcohol"], "normal"))
    59
    """
    second = result.n_required_order2
    return result.n_required_order1 if _first_order(result) or second is None else second


def _first_order(result: PNCriterion) -> bool:
    return result.order == 1 or result.verdict == "unreliable" or result.risk2 is None


def _risk(result: PNCriterion) -> float:
    return result.risk1 if _first_order(result) or result.risk2 is None else result.risk2


def _interval(result: PNCriterion) -> tuple[float, float]:
    if result.bootstrap is None:
        return (np.nan, np.nan)
    return result.bootstrap.intervals[f"n_required_order{1 if _first_order(result) else 2}"]


def _counts(values: FloatArray) -> list[Cell]:
    # Whole numbers print in full, and the end of an interval can have hundreds of digits.
    return [None if np.isnan(value) else int(value) if abs(value) < _LONGEST else value for value in values.tolist()]


def _label(name: str, p: int) -> str:
    cut = name if len(name) <= 32 else f"{name[:30]}..."
    return f"{cut}, {p}"
