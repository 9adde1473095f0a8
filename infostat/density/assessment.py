"""One call for a data set: bandwidth, what the density rests on, and the theory beside it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.chunk_rows import BlockRows, standardised
from ..core.chunk_store import Rows, is_elsewhere, read_rows
from ..core.data import matrix, read_table
from ..core.errors import BandwidthWarning, DataError
from ..core.progress import Progress
from ..core.results import Result
from ..core.rng import RngLike
from ..core.tables import Cell, Section, caution, format_cell
from ..core.validation import FloatArray, check_choice, check_flag, check_number
from .diagnosis_result import BandwidthDiagnosis, flag_sentence
from .duplicates import distinct_rows
from .effective import DataTheory, theory_from_data
from .float_range import LARGEST, SMALLEST, check_squares
from .selection_results import BandwidthSelection, describe_flag, method_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DensityAssessment", "assess_density"]


@dataclass(frozen=True, eq=False, repr=False)
class DensityAssessment(Result):
    """How far a kernel density estimate of a data set can be trusted.

    Attributes
    ----------
    verdict : str
        Measured regime at the bandwidth: ``"condensed"``, ``"stable"``, ``"clt"`` or ``"boundary"``.
    interpretation : str
        What that means, in sentences.
    h : float
        Bandwidth of the Gaussian kernel, in the unit of the data, or in standard deviations of the
        columns where `standardized`.
    method : str
        How the bandwidth was chosen; ``"given"`` for a number.
    n, d : int
        Rows; columns that vary.
    columns : tuple of str
        Their labels.
    dropped : tuple of str
        Columns left out because they are constant.
    standardized : bool
        Whether each column was divided by its standard deviation.
    scales : ndarray of shape (d,)
        Standard deviations of the columns, unit of the data.
    diagnosis : BandwidthDiagnosis
        What the density at each row rests on, measured by leave-one-out.
    selection : BandwidthSelection or None
        The curve that the bandwidth was read from; None for a number.
    theory : DataTheory
        The limit of large dimension for Gaussian data of this covariance, to set beside the
        measured numbers.
    flags : tuple of str
        Cautions of the diagnosis and of the selection; the summary explains each.
    source : str
        Where the data came from.
    nature : str
        ``"estimate"``.
    """

    verdict: str
    interpretation: str
    h: float
    method: str
    n: int
    d: int
    columns: tuple[str, ...]
    dropped: tuple[str, ...]
    standardized: bool
    scales: FloatArray
    diagnosis: BandwidthDiagnosis
    selection: BandwidthSelection | None
    theory: DataTheory
    flags: tuple[str, ...]
    source: str = "data"
    nature: str = "estimate"

    _headline = ("verdict", "h", "n", "d", "method")

    def _title(self) -> str:
        return "Kernel density estimate"

    def _settings(self) -> dict[str, Cell]:
        return {
            "data": self.source,
            "columns": ", ".join(self.columns),
            "bandwidth": self.method,
            "columns in standard deviations": "yes" if self.standardized else "no",
        }

    def _sections(self) -> Sequence[Section]:
        (verdict, *facts), limit = self.diagnosis._sections()[0].rows, self.theory.theory
        unit = "standard deviations" if self.standardized else "unit of the data"
        rows: list[list[Cell]] = [
            list(verdict),
            ["Bandwidth h", f"{format_cell(self.h)} ({unit})"],
            ["Chosen by", "the caller" if self.selection is None else method_words(self.method)],
            ["Effective dimension of the covariance", self.theory.d_eff],
        ]
        if self.selection is not None:
            rules = f"{self.selection.scott:.4g} and {self.selection.silverman:.4g}"
            rows.append(["Scott's and Silverman's rule", rules])
        if self.dropped:
            rows.append(["Constant columns, left out", ", ".join(self.dropped)])
        asymptotic: list[list[Cell]] = [
            ["Condensed below h_G", limit.h_G],
            ["Normal fluctuations above h_CLT", limit.h_CLT],
            ["Smallest divergence at h_star", limit.h_star],
            ["Index (h/h_G)^2 of the limit", float(limit.mu(self.h))],
        ]
        measured_index: Cell = "not estimated" if math.isnan(self.diagnosis.mu_bar) else self.diagnosis.mu_bar
        asymptotic.append(["Index mu measured at this n", measured_index])
        return [
            Section(rows),
            Section(facts),
            *self.diagnosis._sections()[1:],
            Section(asymptotic, title="Beside it: the limit of large dimension for Gaussian data of this covariance"),
        ]

    def _notes(self) -> Sequence[str]:
        own = [f for f in self.flags if f not in self.diagnosis.flags]
        return [*self.diagnosis._notes(), *(caution(flag, describe_flag(flag) or flag_sentence(flag)) for flag in own)]

    def _scalars(self) -> dict[str, Cell]:
        found = super()._scalars()
        for name in ("interpretation", "source"):
            found.pop(name, None)
        return found

    def to_frame(self) -> Any:
        """Return one row per query: the per-query numbers of the diagnosis.

        Returns
        -------
        DataFrame
            ``row participation_ratio n_eff max_weight weight_entropy log_density nn_distance
            half_ratio mu_hat``.
        """
        return self.diagnosis.to_frame()

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        self.diagnosis._draw(ax, **kwargs)


def assess_density(
    data: Any,
    *,
    bandwidth: str | float = "loo",
    standardize: bool = False,
    duplicates: str = "group",
    rng: RngLike = 0,
    n_jobs: int | None = None,
    progress: Progress = False,
) -> DensityAssessment:
    """Choose a bandwidth for a data set and say what the density estimate then rests on.

    Parameters
    ----------
    data : array_like, Series, DataFrame, path, iterator of frames or Dask frame
        Rows are observations. Rows that take more than 64 MB are read when they are needed.
    bandwidth : str or float
        Method of `select_bandwidth`, or a number: the standard deviation of the kernel in the unit
        of the data (in standard deviations of the columns if `standardize`).
    standardize : bool
        Divide each column by its standard deviation first. One bandwidth serves all columns, so
        columns in different units need this.
    duplicates : {"group", "drop", "raise"}
        Rows that repeat: left out together, dropped, or refused.
    rng : None, int, SeedSequence or Generator
        Chooses the queries of large data and the random halvings.
    n_jobs : int, optional
        Threads; the numbers do not depend on it.
    progress : bool or callable
        Progress of the passes over the data.

    Returns
    -------
    DensityAssessment
        Verdict, bandwidth, diagnosis, selection and the theory of the limit.

    Raises
    ------
    InputError
        If an option is out of range.
    DataError
        If the data cannot be used (missing values, text, all columns constant, too few rows).

    Notes
    -----
    `select_bandwidth`, `diagnose_bandwidth` and `theory_from_data` do the work; this function puts
    their answers on one page. The regime is the measured one; the limit stands beside it.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(500, 3))
    >>> assess_density(rows, bandwidth=0.5)
    DensityAssessment(verdict='clt', h=0.5, n=500, d=3, method='given')
    """
    scaled = check_flag("standardize", standardize)
    chosen = _check_bandwidth(bandwidth)
    given = _read(data)
    values, labels, dropped = _varying(given.rows, given.labels)
    check_squares("data", values, spread=True)
    scales = values.std(axis=0, ddof=1)
    if scaled:
        if not (scales > 0.0).all():
            raise DataError("data must have columns whose squares exist to be standardised; choose other units")
        values = standardised(values, values.mean(axis=0), scales)
    rows = distinct_rows(values, duplicates, warn=False)  # the word is checked before any work is done
    selection = None
    if isinstance(chosen, str):
        from .selection import select_bandwidth

        selection = select_bandwidth(
            values, chosen, duplicates=duplicates, n_jobs=n_jobs, progress=progress, diagnose=False
        )
        h = selection.h
    else:
        h = chosen
    from .diagnosis import diagnose_bandwidth

    diagnosis = diagnose_bandwidth(
        values, h, duplicates=duplicates, rng=rng, n_jobs=n_jobs, progress=progress
    )
    theory = theory_from_data(rows.points)
    told = () if selection is None else tuple(f for f in selection.flags if f != "not_measured")
    flags = tuple(dict.fromkeys((*diagnosis.flags, *told, *(("constant_columns",) if dropped else ()))))
    return DensityAssessment(
        verdict=diagnosis.verdict,
        interpretation=diagnosis.interpretation,
        h=h,
        method="given" if selection is None else selection.method,
        n=len(values),
        d=values.shape[1],
        columns=labels,
        dropped=dropped,
        standardized=scaled,
        scales=scales,
        diagnosis=diagnosis,
        selection=selection,
        theory=theory,
        flags=flags,
        source=given.source,
    )


def _check_bandwidth(bandwidth: Any) -> str | float:
    """Return the name of a method or a number whose square exists, or raise."""
    if isinstance(bandwidth, str):
        from .selection import METHODS

        return check_choice("bandwidth", bandwidth, METHODS)
    return check_number("bandwidth", bandwidth, low=SMALLEST, high=LARGEST, cure="or the name of a method")


def _read(data: Any) -> Rows:
    if is_elsewhere(data):
        found = read_rows(data)
        if len(found.rows) < 2:
            raise DataError("data must have at least 2 rows, got 1")
        return found
    table = read_table(data)
    return Rows(matrix(table, min_rows=2), tuple(table.labels), table.source)


def _varying(values: Any, labels: Sequence[str]) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """Return the columns that vary, their labels, and the labels of the others."""
    varies = values.min(axis=0) < values.max(axis=0)
    kept = tuple(label for label, keep in zip(labels, varies, strict=True) if keep)
    dropped = tuple(label for label, keep in zip(labels, varies, strict=True) if not keep)
    if not kept:
        raise DataError(
            "data must have at least one column that varies, got constant columns only; a density has no width there"
        )
    if dropped:
        warnings.warn(f"constant columns are left out: {', '.join(dropped)}", BandwidthWarning, stacklevel=3)
    if isinstance(values, BlockRows):
        return (values[:, varies] if dropped else values), kept, dropped
    return np.ascontiguousarray(values[:, varies]), kept, dropped
