"""Result of `select_bandwidth`: a bandwidth, the curve it was read from, and its measured regime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.results import Result
from ..core.tables import Cell, Section, format_cell
from ..core.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["OBJECTIVES", "BandwidthSelection", "describe_flag", "method_words"]

OBJECTIVES = {
    "loo": "mean leave-one-out log density (nats)",
    "lscv": "least-squares cross-validation",
}

_METHODS = {
    "loo": "leave-one-out likelihood",
    "lscv": "least-squares cross-validation",
    "scott": "Scott's rule",
    "silverman": "Silverman's rule",
    "sheather_jones": "Sheather-Jones, solve the equation",
    "isj": "improved Sheather-Jones (diffusion)",
    "theory": "large-dimension theory for Gaussian data of the sample's covariance",
}

_FLAGS = {
    "duplicates": "Rows occur more than once; see duplicates=.",
    "constant_columns": "Constant columns were left out: a density has no width there.",
    "scale_imbalance": (
        "Column variances are more than 100 times apart: one bandwidth for all columns is decided by the widest ones. "
        "Standardise the columns first."
    ),
    "query_subset": (
        "The mean runs over a subset of the rows, each against all rows; raise max_queries to use every row."
    ),
    "grid_edge": "The best bandwidth is at an end of the grid; widen the grid.",
    "uninformative": (
        "The gain that least-squares cross-validation finds is within twice its sampling error (or below rounding), as "
        'happens in large dimension: it says nothing about the bandwidth. Use method="loo".'
    ),
    "not_measured": "The regime was not measured (diagnose=False).",
    "too_few_rows": "The slope index needs at least 120 distinct rows; the regime cannot be judged.",
    "mixed": "Less than 80 % of the rows are in one regime; see diagnose_bandwidth.",
    "local_model": "The slope model does not describe these neighbours; see diagnose_bandwidth.",
    "finite_size": "At this n and d everything changes smoothly in mu; see diagnose_bandwidth.",
    "ties": "Neighbour distances repeat: the data lie on a lattice or are rounded.",
    "uneven_weights": "The rows differ much in weight; the slope index has no weights.",
    "not_converged": "A fit of the slopes did not converge; read mu with care.",
    "shrinkage": "More columns than rows: the spectrum is that of a shrunken covariance.",
}


def describe_flag(flag: str) -> str:
    """Return the sentence that explains a flag.

    Parameters
    ----------
    flag : str
        Word from `BandwidthSelection.flags`.

    Returns
    -------
    str
        One or two sentences; empty for a word of another module.

    Examples
    --------
    >>> describe_flag("grid_edge")
    'The best bandwidth is at an end of the grid; widen the grid.'
    """
    return _FLAGS.get(flag, "")


def method_words(method: str) -> str:
    """Return the name of a selector in words.

    Parameters
    ----------
    method : str
        Word for `select_bandwidth`.

    Returns
    -------
    str
        Words.

    Examples
    --------
    >>> method_words("loo")
    'leave-one-out likelihood'
    """
    return _METHODS[method]


@dataclass(frozen=True, eq=False, repr=False)
class BandwidthSelection(Result):
    """A bandwidth chosen from data.

    Attributes
    ----------
    h : float
        Bandwidth: standard deviation of the kernel in every direction, unit of the data.
    method : str
        How it was chosen.
    regime : str
        Measured regime at h, from `diagnose_bandwidth`: ``"condensed"``, ``"stable"``, ``"clt"`` or
        ``"boundary"``; ``"unknown"`` where it could not be or was not measured.
    objective : ndarray of shape (k,)
        Mean leave-one-out log density in nats (large is good), or the value of least-squares
        cross-validation divided by ``exp(log_scale)`` (small is good); empty for the rules.
    grid : ndarray of shape (k,)
        Bandwidths of `objective`, in the order given; unit of the data.
    objective_at_h : float
        The objective at h; nan for the rules.
    mu_bar : float
        Measured slope index at h, averaged over rows; nan where it was not measured.
    mu_interval : (float, float)
        Its interval of 95 %.
    participation_ratio : float
        Measured Y2 = sum p_i^2 of the kernel weights at h, averaged over rows; nan where it was not
        measured.
    n : int
        Rows.
    d : int
        Columns that vary.
    n_queries : int
        Rows in the mean of the objective; 0 for the rules.
    scale : float
        Square root of the mean variance of the columns, unit of the data.
    scott, silverman : float
        Bandwidths of these rules, unit of the data.
    log_scale : float
        See `objective`; 0 unless the values leave the range of floating point.
    flags : tuple of str
        What to know when reading: ``"duplicates"``, ``"constant_columns"``, ``"scale_imbalance"``,
        ``"query_subset"``, ``"grid_edge"``, ``"uninformative"``, ``"not_measured"`` and those of the
        diagnosis.
    interpretation : str
        What the numbers mean.
    """

    h: float
    method: str
    regime: str
    objective: FloatArray
    grid: FloatArray
    objective_at_h: float
    mu_bar: float
    mu_interval: tuple[float, float]
    participation_ratio: float
    n: int
    d: int
    n_queries: int
    scale: float
    scott: float
    silverman: float
    log_scale: float = 0.0
    flags: tuple[str, ...] = ()
    interpretation: str = ""

    _headline = ("h", "method", "regime", "mu_bar", "n", "d")

    def __float__(self) -> float:
        return self.h

    def _title(self) -> str:
        return f"Bandwidth: {method_words(self.method)}"

    def _sections(self) -> Sequence[Section]:
        chosen: list[list[Cell]] = [["Bandwidth h (unit of the data)", self.h]]
        if len(self.grid):
            chosen.append([_sentence_case(OBJECTIVES[self.method]) + " at h", self.objective_at_h])
        if self.log_scale:
            chosen.append(["Scale of the objective (log)", self.log_scale])
        chosen += [["h / scale of the data", self.h / self.scale], ["Scott's rule", self.scott]]
        chosen += [["Silverman's rule", self.silverman], ["Rows", self.n], ["Columns", self.d]]
        if len(self.grid):
            chosen += [["Rows in the mean", self.n_queries], ["Bandwidths tried", len(self.grid)]]
        measured: list[list[Cell]] = [["Regime", self.regime]]
        if not math.isnan(self.mu_bar):
            low, high = self.mu_interval
            measured.append(["Slope index mu", self.mu_bar])
            measured.append(["95 % interval", f"{format_cell(low)} to {format_cell(high)}"])
        if not math.isnan(self.participation_ratio):
            measured.append(["Participation ratio Y2", self.participation_ratio])
        return [Section(chosen), Section(measured, title="Measured at h")]

    def _notes(self) -> Sequence[str]:
        return [text for text in (self.interpretation, *map(describe_flag, self.flags)) if text]

    def to_frame(self) -> Any:
        """Return one row per bandwidth tried: ``h objective``; for a rule its bandwidth alone.

        Returns
        -------
        DataFrame
            The numbers of the figure.
        """
        import pandas as pd

        if not len(self.grid):
            return pd.DataFrame({"h": [self.h], "objective": [math.nan]})
        return pd.DataFrame({"h": self.grid, "objective": self.objective})

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .selection_plots import draw_selection

        draw_selection(ax, self, **kwargs)


def _sentence_case(text: str) -> str:
    return text[0].upper() + text[1:]
