"""Studies of kernel density estimates: divergence and participation ratio of simulated normal data."""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InfostatWarning, InputError
from .grid_options import Cell, Option, Row, Wing, count, number, numbers

if TYPE_CHECKING:
    from ..density.simulation_results import RegimeSimulation

__all__ = ["WING"]

_SIZE = 2000  # points of a data set where neither n nor alpha is given
_LEAST_EXACT = 2  # dimensions and points from which the exact value takes a fraction of a second


def _check(cell: Cell, given: frozenset[str]) -> None:
    from ..density.simulation_arguments import check_bandwidths, check_dimension, check_rows, check_size, check_spectrum

    d, pairs = check_dimension(cell["d"]), cell["replicates"] * cell["data_sets"]
    check_size(*_size(cell), d, pairs)
    check_rows(pairs * len(cell["bandwidths"]))
    check_bandwidths("bandwidths", list(cell["bandwidths"]), check_spectrum(cell.get("spectrum"), d))


def _size(cell: Cell) -> tuple[int | None, float | None]:
    if "n" in cell and "alpha" in cell:
        raise InputError("exactly one of n and alpha must be given, got both; alpha stands for n = e^(alpha d)")
    alpha = cell.get("alpha")
    return (cell.get("n", _SIZE), None) if alpha is None else (None, alpha)


def _run(cell: Cell, replicates: int, **common: Any) -> RegimeSimulation:
    from ..density import simulate_regimes

    n, alpha = _size(cell)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)  # the cautions are flags of the result
        return simulate_regimes(
            n=n,
            alpha=alpha,
            d=cell["d"],
            h_grid=list(cell["bandwidths"]),
            n_x=replicates,
            n_data=cell["data_sets"],
            spectrum=cell.get("spectrum"),
            **common,
        )


def _rows(found: RegimeSimulation) -> list[Row]:
    from ..density import regime_theory

    theory = regime_theory(found.alpha, spectrum=found.eigenvalues)
    limit = np.asarray(theory.kl(found.h))
    rows = []
    for i, r in enumerate(found.by_bandwidth().itertuples()):
        at = (float(r.h),)
        rows += [
            Row("kl_per_dim", r.kl_per_dim, r.kl_per_dim_se, limit=float(limit[i]), axis=at),
            Row("participation_ratio", r.participation_ratio, r.participation_ratio_se, axis=at),
            Row("participation_ratio_median", r.participation_ratio_median, axis=at),
            Row("mu", r.mu_fs, limit=r.mu_asym, axis=at),
        ]
    best = int(np.argmin(found.kl_per_dim))
    least = (float(found.kl_per_dim[best]), float(found.kl_per_dim_se[best]))
    exact = _exact(found, float(found.h[best]))
    rows.append(Row("least_kl_per_dim", *least, exact, found.kl_star))
    rows.append(Row("best_bandwidth", float(found.h[best]), limit=found.h_star))
    return rows


def _exact(found: RegimeSimulation, h: float) -> float:
    """Exact expectation at this n, d and bandwidth where it is known: data of one variance in all directions."""
    low, high = float(found.eigenvalues[0]), float(found.eigenvalues[-1])
    if low != high or found.d < _LEAST_EXACT or found.n <= _LEAST_EXACT:
        return math.nan
    return _finite(found.n, found.d, h / math.sqrt(low))


@lru_cache(maxsize=1024)
def _finite(n: int, d: int, h: float) -> float:
    from ..density import finite_size

    return float(finite_size(n, d, h).kl_per_dim)  # some tenths of a second


WING = Wing(
    name="kde",
    title="Simulated kernel density estimates over a grid",
    options=(
        Option("d", "count", count(1), 20),
        Option("n", "count", count(2)),
        Option("alpha", "number", number(0.0)),
        Option("spectrum", "number", numbers(0.0), many=True),
        Option("data_sets", "count", count(1), 1),
        Option("bandwidths", "number", numbers(0.0), tuple(0.4 * 5.0 ** (i / 8) for i in range(9)), curve=True),
    ),
    replicates=200,
    axes=("h",),
    quantities={
        "kl_per_dim": "KL(ρ ‖ estimate)/d (nats)",
        "participation_ratio": "participation ratio Y2",
        "participation_ratio_median": "participation ratio Y2, median",
        "mu": "stability index μ",
        "least_kl_per_dim": "least KL(ρ ‖ estimate)/d on the bandwidths (nats)",
        "best_bandwidth": "best bandwidth of those tried (unit of the data)",
    },
    headline="least_kl_per_dim",
    reference="the exact expectation at this n and d",
    lines=("exact at this n and d", "limit of large d"),
    check=_check,
    run=_run,
    rows=_rows,
)
