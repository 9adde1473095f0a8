"""The part of a report that answers: how far can a density estimate be trusted?"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.random import SeedSequence

from ..core.data import Table
from ..core.errors import InfostatError, InfostatWarning
from ..core.rng import child, child_generator
from ..core.tables import Cell, format_cell
from ..density.assessment import DensityAssessment, assess_density
from .report_result import ReportPart, ReportTable

__all__ = ["density_part"]

_MOST_ROWS, _FEWEST_ROWS = 20_000, 1_000
_MOST_WORK = 2e10  # rows squared times columns
_MOST_COLUMNS = 40  # in the table of bandwidths

REGIMES = {
    "condensed": (
        "mixed",
        "condensed: at a typical point a few rows make the estimate, and another sample would give quite another value",
    ),
    "stable": (
        "mixed",
        "between averaging and condensation: many rows take part, but single ones still move the estimate, and "
        "bootstrap errors are too small",
    ),
    "clt": (
        "good",
        "one of averaging: many rows take part in the estimate at a typical point, its fluctuations are close to "
        "normal and bootstrap errors can be used",
    ),
    "boundary": ("mixed", "not decided by these data: the interval of the slope index holds a limit between regimes"),
}


def density_part(table: Table, seed: SeedSequence, n_jobs: int | None) -> ReportPart | None:
    """Return the part about kernel density estimation, or None where it cannot be done.

    Parameters
    ----------
    table : Table
        Complete rows of the measurements.
    seed : SeedSequence
        Seed of the queries, the halvings and, for very many rows, of the subset.
    n_jobs : int or None
        Threads.

    Returns
    -------
    ReportPart or None
        Verdict, bandwidth, tables and two figures.
    """
    rows, caution = _subset(table, seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfostatWarning)  # flags of the result, gathered by the report
            found = assess_density(rows, standardize=True, rng=child(seed, 0), n_jobs=n_jobs)
    except InfostatError as error:
        return ReportPart(
            anchor="density", title="How far can a density estimate be trusted?", verdict="not possible",
            tone="neutral", interpretation=f"No kernel density estimate: {error}.",
        )  # fmt: skip
    tone, words = REGIMES[found.verdict]
    if "too_few_rows" in found.flags:
        words = "left open: the slope index needs at least 120 different rows"
    first = (
        f"The best bandwidth by leave-one-out likelihood is h = {format_cell(found.h)} standard deviations of each "
        f"column; at it the regime is {words}."
    )
    results: dict[str, Any] = {"density estimate": found}
    figures = {"density estimate": (
        "One dot per row: on how many rows its own density rests (participation ratio) against the slope index; "
        "left of 1 condensed, right of 2 normal, in the limit of large dimension."
    )}  # fmt: skip
    if found.selection is not None:
        results["bandwidth"] = found.selection
        figures["bandwidth"] = "Mean leave-one-out log density against the bandwidth, in standard deviations."
    return ReportPart(
        anchor="density",
        title="How far can a density estimate be trusted?",
        verdict=found.verdict,
        tone=tone,
        interpretation=first,
        remarks=(found.interpretation, *caution),
        tables=(_choices(found), _bandwidths(found)),
        results=results,
        figures=figures,
        details=("density estimate",),
    )


def _subset(table: Table, seed: SeedSequence) -> tuple[Table, tuple[str, ...]]:
    """All rows, or a fixed random part of very many."""
    n, d = table.frame.shape
    most = min(_MOST_ROWS, max(_FEWEST_ROWS, int(math.sqrt(_MOST_WORK / d))))
    if n <= most:
        return table, ()
    chosen = np.sort(child_generator(seed, 1).choice(n, size=most, replace=False))
    text = (
        f"Caution: A random {most} of the {n} rows were used here, because the work grows with their square. With all "
        "rows the best bandwidth is smaller and the estimate rests on more of them."
    )
    return Table(table.frame.iloc[chosen], table.source), (text,)


def _choices(found: DensityAssessment) -> ReportTable:
    rows: list[tuple[Cell, ...]] = [("leave-one-out likelihood (recommended)", found.h)]
    if found.selection is not None:
        rows += [("Scott's rule", found.selection.scott), ("Silverman's rule", found.selection.silverman)]
    limit = found.theory.theory
    rows += [
        ("limit of large dimension: smallest divergence, h_star", limit.h_star),
        ("limit of large dimension: condensed below h_G", limit.h_G),
        ("limit of large dimension: normal fluctuations above h_CLT", limit.h_CLT),
    ]
    note = (
        "In standard deviations of the columns. The rules of Scott and Silverman are made for a few columns of "
        "Gaussian data; the limits are those of Gaussian data with this covariance."
    )
    return ReportTable("Bandwidths beside each other", ("choice", "h"), tuple(rows), note)


def _bandwidths(found: DensityAssessment) -> ReportTable:
    pairs = list(zip(found.columns, found.scales.tolist(), strict=True))
    rows: list[tuple[Cell, ...]] = [(label, scale, found.h * scale) for label, scale in pairs[:_MOST_COLUMNS]]
    note = "" if len(pairs) <= _MOST_COLUMNS else f"The first {_MOST_COLUMNS} of {len(pairs)} columns."
    title = "The recommended bandwidth in the unit of each column"
    return ReportTable(title, ("column", "s.d.", "h"), tuple(rows), note)
