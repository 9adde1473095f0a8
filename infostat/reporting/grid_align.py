"""Studies of aligned rewards: what samples estimate, beside the exact values of the law they come from."""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..core.errors import InfostatWarning, InputError
from .grid_laws import law_from_text
from .grid_options import Cell, Option, Row, Wing, count, counts, number, numbers, word

if TYPE_CHECKING:
    from ..alignment.simulation import AlignmentSimulation

__all__ = ["WING"]


def _check(cell: Cell, given: frozenset[str]) -> None:
    largest = max(cell["best_of"])
    if largest > cell["n"]:
        raise InputError(
            f"best_of must be at most n = {cell['n']}, the scores of a data set, got {largest}; lower it or raise n"
        )
    if "law" in cell:
        _check_law(cell["law"], max(cell["kl"]))


@lru_cache(maxsize=64)
def _check_law(text: str, kl: float) -> None:
    from ..alignment import tilt

    law = law_from_text("law", text)
    if not callable(getattr(law, "pdf", None)):
        raise InputError(f"law must be a continuous law of scipy.stats, got {text!r}")
    tilt(law, kl=kl)  # heavy tails have no tilt: said now, not after hours


def _run(cell: Cell, replicates: int, **common: Any) -> AlignmentSimulation:
    from ..alignment import simulate_alignment

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)  # shares of weak estimates are columns of the result
        return simulate_alignment(
            n=cell["n"],
            replicates=replicates,
            kl=list(cell["kl"]),
            n_best=list(cell["best_of"]),
            law=law_from_text("law", cell["law"]) if "law" in cell else None,
            confidence_level=cell["confidence"],
            **common,
        )


def _rows(found: AlignmentSimulation) -> list[Row]:
    rows = []
    for r in found.to_frame().itertuples():
        at = (r.method, float(r.level))
        weak_se = math.sqrt(r.share_weak * (1.0 - r.share_weak) / found.replicates)
        rows += [
            Row("mean_reward", r.mean, r.mean_se, r.exact, axis=at),
            Row("sd", r.sd, axis=at),
            Row("reported_se", r.reported_se, theory=r.sd, axis=at),
            Row("coverage", r.coverage, r.coverage_se, found.confidence_level, axis=at),
            Row("share_weak", r.share_weak, weak_se, axis=at),
        ]
    return rows


WING = Wing(
    name="align",
    title="Simulated estimates of aligned rewards over a grid",
    options=(
        Option("n", "count", count(2, 10**9), 2000),
        Option("law", "word", word()),
        Option("confidence", "number", number(0.0, 1.0), 0.95),
        Option("kl", "number", numbers(0.0), (0.1, 0.5, 1.0, 2.0), curve=True),
        Option("best_of", "count", counts(1), (2, 4, 16, 64), curve=True),
    ),
    replicates=200,
    axes=("method", "level"),
    quantities={
        "mean_reward": "mean estimated reward (unit of the reward)",
        "sd": "standard deviation of the estimates",
        "reported_se": "mean reported standard error",
        "coverage": "coverage of the interval",
        "share_weak": "share of data sets that call the estimate weak",
    },
    headline="coverage",
    reference="the nominal level",
    lines=("exact or nominal", "limit"),
    check=_check,
    run=_run,
    rows=_rows,
)
