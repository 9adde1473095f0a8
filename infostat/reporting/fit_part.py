"""The part of a report that answers: do the models fit?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..core.tables import Cell
from ..projection.criterion_result import PNCriterion
from ..projection.sequence_result import PNSequence
from .column_parts import all_of, plural
from .column_profile import ColumnProfile
from .report_result import ReportPart, ReportTable
from .size_part import models_of

__all__ = ["fit_part"]

_CLEAR = 0.01
_MOST_PANELS = 24


def fit_part(profiles: Sequence[ColumnProfile], sequences: Mapping[str, PNSequence]) -> ReportPart | None:
    """Return the part about information criteria and tests of fit, or None if nothing was fitted.

    Parameters
    ----------
    profiles : sequence of ColumnProfile
        Columns with criteria.
    sequences : mapping of str to PNSequence
        Models of the same columns, by what the columns have in common.

    Returns
    -------
    ReportPart or None
        Verdict, tables, and a histogram with the fitted densities per column.
    """
    judged = [profile for profile in profiles if profile.judged is not None]
    if not judged and not sequences:
        return None
    tests = [profile.judged for profile in judged if profile.judged is not None]
    tests += [result for found in sequences.values() for result in found.results if result is not None]
    word, tone = _verdict(tests)
    shown = _panels(judged)
    labels = {f"column {profile.column}": profile for profile in shown}
    remarks = [
        "With many rows a test finds every small departure: a clear misfit says that the family is not the truth, and "
        "the pictures how far away it is. TIC and AIC compare models of the same columns, smaller is better; "
        "differences below about 4 mean little."
    ]
    if len(shown) < len(judged):
        remarks.append(f"Drawn are the {len(shown)} of {len(judged)} columns with the largest misfit per row.")
    return ReportPart(
        anchor="fit",
        title="Do the models fit?",
        verdict=word,
        tone=tone,
        interpretation=_answer(judged, sequences),
        remarks=tuple(remarks),
        tables=(*(_joint_table(title, found) for title, found in sequences.items()), *_column_tables(judged)),
        results={**{f"models of {title}": found for title, found in sequences.items()}, **labels},
        figures={label: _caption(profile) for label, profile in labels.items()},
        small_figures=True,
    )


def _tested(results: Sequence[PNCriterion]) -> tuple[int, int]:
    values = [result.misfit.p_value for result in results if result.misfit.p_value is not None]
    return len(values), sum(value < _CLEAR for value in values)


def _verdict(results: Sequence[PNCriterion]) -> tuple[str, str]:
    tested, clear = _tested(results)
    if not tested:
        return "nothing to test", "neutral"
    if clear == 0:
        return "no clear misfit", "good"
    return ("misfit", "poor") if clear == tested else ("partly misfit", "mixed")


def _answer(judged: Sequence[ColumnProfile], sequences: Mapping[str, PNSequence]) -> str:
    parts = []
    single = [profile.judged for profile in judged if profile.judged is not None]
    tested, clear = _tested(single)
    if tested:
        if clear == tested:
            which = "the column" if tested == 1 else f"{all_of(tested)} columns that can be tested"
            parts.append(f"Even the best family shows a clear misfit (p < 0.01) in {which}.")
        elif clear:
            parts.append(f"The best family shows a clear misfit (p < 0.01) in {clear} of {tested} columns.")
        else:
            parts.append(f"No test finds a clear misfit in {plural(tested, 'column')} (all p at least 0.01).")
    elif single:
        parts.append("The families of the columns reproduce them exactly: there is nothing to test.")
    for title, found in sequences.items():
        parts += _joint_words(title, *_tested(list(models_of(found).values())))
        usable = np.flatnonzero(np.isfinite(found.tic))
        if len(usable) > 1:
            best = found.names[int(usable[found.tic[usable].argmin()])]
            parts.append(f"Of the models of {title}, '{best}' has the smallest TIC.")
    return " ".join(parts) or "No information criterion could be computed."


def _joint_words(title: str, tested: int, clear: int) -> list[str]:
    if not tested:
        return []
    if tested == 1:
        return [f"For {title} the model shows {'a' if clear else 'no'} clear misfit."]
    which = all_of(tested) if clear == tested else f"{clear or 'none'} of the {tested}"
    return [f"For {title} {which} models show a clear misfit."]


def _joint_table(title: str, found: PNSequence) -> ReportTable:
    rows: list[tuple[Cell, ...]] = []
    least = np.nanmin(found.tic) if np.isfinite(found.tic).any() else np.nan
    for i, (name, result) in enumerate(zip(found.names, found.results, strict=True)):
        if result is not None:
            numbers = (float(found.loglik[i]), float(found.aic[i]), float(found.tic[i]), float(found.tic[i] - least))
            cells = [None if np.isnan(value) else value for value in numbers]
            rows.append((name, result.p, *cells, result.misfit.name, p_value(result.misfit.p_value)))
    heading = f"Models of {title}"
    return ReportTable(
        heading, ("model", "p", "log-lik.", "AIC", "TIC", "above best", "test of fit", "p-value"), tuple(rows)
    )


def _column_tables(judged: Sequence[ColumnProfile]) -> list[ReportTable]:
    rows: list[tuple[Cell, ...]] = []
    for profile in judged:
        tic = profile.tic or {}
        for name, result in (profile.criteria or {}).items():
            above = tic[name] - tic[profile.best]
            first = profile.column if name == next(iter(profile.criteria or {})) else ""
            rows.append((
                first, f"{name} (best)" if name == profile.best and len(tic) > 1 else name, result.p,
                None if np.isnan(tic[name]) else tic[name], None if np.isnan(above) else above,
                result.misfit.name, p_value(result.misfit.p_value),
            ))  # fmt: skip
    header = ("column", "family", "p", "TIC", "above best", "test of fit", "p-value")
    return [ReportTable("Families of each column", header, tuple(rows))] if rows else []


def p_value(value: float | None) -> Cell:
    """Return a p-value as a cell; very small ones as an inequality.

    Parameters
    ----------
    value : float or None
        The p-value; None where there is no test.

    Returns
    -------
    cell
        Number, ``"< 0.001"`` or None.

    Examples
    --------
    >>> p_value(0.25), p_value(1e-9)
    (0.25, '< 0.001')
    """
    return "< 0.001" if value is not None and value < 0.001 else value


def _panels(judged: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    """The columns to draw, in the order of the data."""
    if len(judged) <= _MOST_PANELS:
        return list(judged)

    def misfit(position: int) -> float:
        found = judged[position].judged
        if found is None or found.misfit.value is None:
            return 0.0
        return -found.misfit.value / max(found.misfit.df or 1, 1)

    keep = sorted(sorted(range(len(judged)), key=misfit)[:_MOST_PANELS])
    return [judged[i] for i in keep]


def _caption(profile: ColumnProfile) -> str:
    found = profile.judged
    value = None if found is None else p_value(found.misfit.p_value)
    if found is None or value is None:
        return f"{profile.column}: {profile.best} repeats the shares of the rows."
    size = f"p {value}" if isinstance(value, str) else f"p = {value:.2g}"
    return f"{profile.column}: {profile.best} fits best by TIC; {found.misfit.name}, {size}."
