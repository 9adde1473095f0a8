"""Studies of the estimation risk: simulated KL divergence of a fitted family beside its expansion."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InfostatWarning, InputError
from .grid_laws import law_from_text, reference_family, several_variables
from .grid_options import Cell, Option, Row, Wing, count, counts, word

if TYPE_CHECKING:
    from ..projection.simulation_result import RiskSimulation

__all__ = ["WING"]

_COLUMNS = 2  # of a family of several variables


def _check(cell: Cell, given: frozenset[str]) -> None:
    several = several_variables(cell["family"])
    if "d" in given and not several:
        raise InputError(
            f"d must be left out for the family {cell['family']!r}, which has one variable; got {cell['d']}"
        )
    if "truth" not in cell:
        reference_family(cell["family"], cell.get("d", _COLUMNS))
        return
    if several:
        raise InputError(
            f"truth must be left out for the family {cell['family']!r}, which has several variables; "
            "infostat.projection.simulate_risk takes a function that draws rows"
        )
    law_from_text("truth", cell["truth"])


def _run(cell: Cell, replicates: int, **common: Any) -> RiskSimulation:
    from ..families.registry import get_family
    from ..projection import simulate_risk

    if "truth" in cell:
        law, family, theta = law_from_text("truth", cell["truth"]), get_family(cell["family"]), None
    else:
        law, (family, theta) = None, reference_family(cell["family"], cell.get("d", _COLUMNS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)  # the cautions are flags of the result
        return simulate_risk(law, family, list(cell["n"]), replicates, theta=theta, **common)


def _rows(found: RiskSimulation) -> list[Row]:
    from ..projection import optimism, reverse_risk

    terms, rows = found.terms, []
    for r in found.to_frame().itertuples():
        n, at = int(r.n), (int(r.n),)
        share = r.n_excluded / found.replicates
        error = math.sqrt(share * (1.0 - share) / found.replicates)
        second = {name: float(np.asarray(f(terms, n))) for name, f in (("back", reverse_risk), ("both", optimism))}
        first = {name: float(np.asarray(f(terms, n, 1))) for name, f in (("back", reverse_risk), ("both", optimism))}
        rows += [
            Row("risk", r.risk, r.risk_se, r.risk2, r.risk1, at),
            Row("reverse_risk", r.reverse_risk, r.reverse_risk_se, second["back"], first["back"], at),
            Row("optimism", r.optimism, r.optimism_se, second["both"], first["both"], at),
            Row("scaled_remainder", r.scaled_remainder, r.scaled_remainder_se, terms.a2, axis=at),
            Row("share_excluded", share, error, axis=at),
        ]
    return rows


WING = Wing(
    name="pn",
    title="Simulated estimation risk over a grid",
    options=(
        Option("family", "word", word(), "normal"),
        Option("truth", "word", word()),
        Option("d", "count", count(1, 10_000)),
        Option("n", "count", counts(2, 10**9), (25, 50, 100, 200, 400), curve=True),
    ),
    replicates=10_000,
    axes=("n",),
    quantities={
        "risk": "estimation risk (nats)",
        "reverse_risk": "reverse risk (nats)",
        "optimism": "optimism of the log-likelihood (nats)",
        "scaled_remainder": "n² (risk − a1/n)",
        "share_excluded": "share of samples without an estimate",
    },
    headline="risk",
    reference="the second order of the expansion",
    lines=("second order", "first order"),
    check=_check,
    run=_run,
    rows=_rows,
)
