"""How often do the bootstrap intervals of the p-n criterion contain the truth?

    python benchmarks/coverage_study.py [--jobs 2] [--datasets 1000]

draws many data sets from a known law, builds both kinds of interval from the same resamples of
each, and counts. It prints the table of ``docs/coverage.rst``; the slow test
``tests/projection/test_coverage_slow.py`` runs the same study.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator

from infostat.core.replicates import run_replicates
from infostat.projection.checks import prepare
from infostat.projection.evaluation import Options, evaluate
from infostat.projection.intervals import (
    Replicates,
    bootstrap_criterion,
    bootstrap_interval,
    second_coefficient,
)
from infostat.projection.planning import required_n

METHODS = ("percentile", "bootstrap-t")
LEVEL = 0.95
DATASETS = 1000
RESAMPLES = 199
THRESHOLD = 0.02  # alpha = 0.05
BLOCK = 10  # data sets per seed child

Sampler = Callable[[Generator, int], Any]


# ------------------------------------------------------------------ the laws that data come from
@dataclass(frozen=True)
class Law:
    """A law with its standardised central moments, which give the true terms in closed form."""

    label: str
    draw: Callable[[Generator, Any], Any]
    m3: float = math.nan
    m4: float = math.nan
    m6: float = math.nan


LAWS = {
    "normal": Law("normal", lambda g, size: g.normal(size=size), 0.0, 3.0, 15.0),
    "uniform": Law("uniform", lambda g, size: g.uniform(size=size), 0.0, 9 / 5, 27 / 7),
    "logistic": Law("logistic", lambda g, size: g.logistic(size=size), 0.0, 21 / 5, 279 / 7),
    "laplace": Law("Laplace", lambda g, size: g.laplace(size=size), 0.0, 6.0, 90.0),
    # m6 = k6 + 15 k4 + 10 k3^2 + 15 with the cumulants 2/3, 2/3, 40/27 of a standardised gamma(9)
    "gamma9": Law("gamma(9)", lambda g, size: g.gamma(9.0, size=size), 2 / 3, 11 / 3, 835 / 27),
    "t6": Law("t_6", lambda g, size: g.standard_t(6, size=size), 0.0, 6.0),
    "gamma2": Law("gamma(2)", lambda g, size: g.gamma(2.0, size=size)),
    "lognormal03": Law("lognormal(0.3)", lambda g, size: g.lognormal(0.0, 0.3, size=size)),
}


@dataclass(frozen=True)
class Draw:
    """Sampler of a named law: `d` independent columns, one if `d` is None."""

    law: str
    d: int | None = None

    def __call__(self, generator: Generator, n: int) -> Any:
        return LAWS[self.law].draw(generator, n if self.d is None else (n, self.d))


def normal_truth(law: str, n: int) -> dict[str, float]:
    """Return the true T0, risk and required sample size of the normal model under a law."""
    m3, m4, m6 = LAWS[law].m3, LAWS[law].m4, LAWS[law].m6
    T0 = (m4 + 1.0) / 2.0
    if math.isnan(m6):
        return {"T0": T0}
    T1 = m6 - 1.0
    T2 = 16.0 * m3**2 + 6.0 * m4**2 - 4.0 * m4 + 4.0
    T3 = 12.0 * (m4 - 1.0) + 24.0 * m3**2 + 9.0 * (m4 - 1.0) ** 2
    found = functionals(np.array([T0, T1, T2, T3]), n)
    return {name: float(value) for name, value in found.items()}


def mvn_truth(law: str, d: int) -> dict[str, float]:
    """Return the true T0 of the full normal model: E r^4 = d m4 + d (d - 1) for independent columns."""
    return {"T0": (d * LAWS[law].m4 + d * (d - 1) + d) / 2.0}


def gamma_truth(law: str) -> dict[str, float]:
    """Return the true T0 of the gamma model, ``tr(Gm^-1 G)`` of the statistics (log x, x)."""
    if law == "gamma2":
        return {"T0": 2.0}
    from scipy.optimize import brentq
    from scipy.special import digamma, polygamma

    variance = 0.3**2  # of log x; E log x = 0
    mean = math.exp(variance / 2.0)
    shape = brentq(lambda a: math.log(a) - digamma(a) - variance / 2.0, 1.0, 100.0, xtol=1e-13)
    scale = mean / shape
    model = np.array([[polygamma(1, shape), scale], [scale, shape * scale**2]])
    G = np.array([[variance, variance * mean], [variance * mean, mean**2 * math.expm1(variance)]])
    return {"T0": float(np.trace(np.linalg.solve(model, G)))}


# ------------------------------------------------------------------------------- the measurement
def functionals(terms: Any, n: int) -> dict[str, Any]:
    """Return what the criterion gives intervals for, of terms with shape (4,) or (B, 4).

    The required sample size is not rounded up here: rounding both ends and the truth makes an
    interval cover a little more often, by an amount that depends on alpha.
    """
    a1, a2 = 0.5 * terms[..., 0], second_coefficient(terms)
    need = np.vectorize(lambda x, y: required_n(x, y, THRESHOLD).order2, otypes=[float])
    return {"T0": terms[..., 0], "risk2": a1 / n + a2 / n**2, "n_required_order2": need(a1, a2)}


def intervals_of(
    data: Any, family: str, *, order: int, resamples: int, rng: Any, level: float = LEVEL
) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the intervals of one data set, by method and quantity, from one set of resamples."""
    ready = prepare(data, family)
    options = Options(ready.n, order=order)
    sample = evaluate(ready.family, ready.encoded, ready.weights, options)
    boot = bootstrap_criterion(
        ready,
        sample,
        options,
        threshold=THRESHOLD,
        resamples=resamples,
        interval="bootstrap-t",
        confidence_level=level,
        rng=rng,
        n_jobs=None,
        batch_size=None,
        progress=False,
    )
    found: dict[tuple[str, str], tuple[float, float]] = {}
    n = int(ready.n)
    if order == 1:
        centre, spread = {"T0": sample.terms[0]}, {"T0": boot.terms[:, 0]}
    else:
        centre, spread = functionals(sample.terms, n), functionals(boot.terms, n)
    for method in METHODS:
        reps = Replicates(float(sample.terms[0]), sample.se, boot.terms[:, 0], boot.T0_se, level, method)
        for name, values in spread.items():
            found[method, name] = bootstrap_interval(float(centre[name]), values, reps)
    return found


@dataclass(frozen=True)
class Measured:
    """What one method did for one quantity in one cell.

    Attributes
    ----------
    coverage, below, above : float
        Shares of data sets whose interval contains the truth, ends below it (upper end too
        low), begins above it (lower end too high).
    length : float
        Median length of the interval over the truth.
    datasets : int
        Number of data sets.
    """

    coverage: float
    below: float
    above: float
    length: float
    datasets: int

    @property
    def error(self) -> float:
        """Monte-Carlo standard error of the coverage."""
        return math.sqrt(self.coverage * (1.0 - self.coverage) / self.datasets)


@dataclass(frozen=True)
class _Task:
    family: str
    sampler: Sampler
    names: tuple[str, ...]
    n: int
    resamples: int
    level: float


def _block(task: _Task, generator: Generator, start: int, stop: int) -> dict[str, Any]:
    ends = np.empty((stop - start, len(METHODS), len(task.names), 2))
    order = 1 if task.names == ("T0",) else 2
    for k in range(stop - start):
        data = task.sampler(generator, task.n)
        found = intervals_of(
            data, task.family, order=order, resamples=task.resamples, rng=generator, level=task.level
        )
        for i, method in enumerate(METHODS):
            for j, name in enumerate(task.names):
                ends[k, i, j] = found[method, name]
    return {"ends": ends}


def coverage(
    family: str,
    sampler: Sampler,
    truth: Mapping[str, float],
    n: int,
    *,
    seed: int,
    datasets: int = DATASETS,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    n_jobs: int | None = None,
) -> dict[tuple[str, str], Measured]:
    """Return how often the intervals contain the truth.

    Parameters
    ----------
    family : str
        The model.
    sampler : callable
        ``sampler(generator, n)`` draws one data set; picklable if `n_jobs` is not None.
    truth : dict
        True values by quantity: "T0", or also "risk2" and "n_required_order2".
    n : int
        Rows of a data set.
    seed : int
        Seed of the study.
    datasets, resamples : int
        Number of data sets, and of resamples of each.
    level : float
        Nominal coverage.
    n_jobs : int, optional
        Workers; the numbers do not depend on it.

    Returns
    -------
    dict
        By method and quantity.
    """
    names = tuple(truth)
    task = _Task(family, sampler, names, n, resamples, level)
    run = run_replicates(
        _block, datasets, rng=seed, block_length=BLOCK, payload=task, n_jobs=n_jobs, study="coverage"
    )
    ends = run.values["ends"]
    measured: dict[tuple[str, str], Measured] = {}
    for i, method in enumerate(METHODS):
        for j, name in enumerate(names):
            low, high = ends[:, i, j, 0], ends[:, i, j, 1]
            below, above = float(np.mean(high < truth[name])), float(np.mean(low > truth[name]))
            length = float(np.median(high - low) / truth[name])
            measured[method, name] = Measured(1.0 - below - above, below, above, length, datasets)
    return measured


# ------------------------------------------------------------------------------------- the cells
@dataclass(frozen=True)
class Cell:
    """One line of the study: a model, a law, a sample size."""

    model: str
    family: str
    law: str
    n: int
    truth: dict[str, float] = field(hash=False)
    d: int | None = None

    @property
    def label(self) -> str:
        """Model, sample size and law in words."""
        return f"{self.model}, n = {self.n}, {LAWS[self.law].label} data"


CELLS: tuple[Cell, ...] = (
    *(
        Cell("normal", "normal", law, 200, normal_truth(law, 200))
        for law in ("normal", "uniform", "logistic", "laplace", "gamma9", "t6")
    ),
    *(Cell("normal", "normal", law, 1600, normal_truth(law, 1600)) for law in ("normal", "laplace")),
    *(Cell("mvn, d = 3", "mvn", law, 200, mvn_truth(law, 3), 3) for law in ("normal", "laplace")),
    *(Cell("gamma", "gamma", law, 200, gamma_truth(law)) for law in ("gamma2", "lognormal03")),
)


def run_cell(
    number: int, *, datasets: int = DATASETS, n_jobs: int | None = None
) -> dict[tuple[str, str], Measured]:
    """Return the measurements of a cell; its seed is its number, counted from one."""
    cell = CELLS[number - 1]
    return coverage(
        cell.family,
        Draw(cell.law, cell.d),
        cell.truth,
        cell.n,
        seed=number,
        datasets=datasets,
        n_jobs=n_jobs,
    )


def line(number: int, name: str, measured: Mapping[tuple[str, str], Measured]) -> list[str]:
    """Return a line of the table: cell, truth, then both methods."""
    cell = CELLS[number - 1]
    parts = [measured[method, name] for method in METHODS]
    places = {"T0": ".2f", "risk2": ".5f", "n_required_order2": ".1f"}[name]
    return [
        str(number),
        cell.model,
        str(cell.n),
        f"{LAWS[cell.law].label} ({cell.truth[name]:{places}})",
        *(f"{part.coverage:.3f} ± {part.error:.3f}" for part in parts),
        " / ".join(f"{part.below:.3f}" for part in parts),
        " / ".join(f"{part.above:.3f}" for part in parts),
        " / ".join(f"{part.length:.2f}" for part in parts),
    ]


HEADINGS = [
    "seed",
    "model",
    "n",
    "data (truth)",
    *METHODS,
    "upper end too low",
    "lower end too high",
    "length / truth",
]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a simple reStructuredText table."""
    widths = [max(len(row[k]) for row in [HEADINGS, *rows]) for k in range(len(HEADINGS))]
    rule = "  ".join("=" * width for width in widths)
    body = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows]
    head = "  ".join(text.ljust(width) for text, width in zip(HEADINGS, widths, strict=True))
    return "\n".join([rule, head.rstrip(), rule, *(text.rstrip() for text in body), rule])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the study and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--datasets", type=int, default=DATASETS)
    chosen = parser.parse_args(arguments)
    rows: dict[str, list[list[str]]] = {"T0": [], "risk2": [], "n_required_order2": []}
    for number, cell in enumerate(CELLS, start=1):
        measured = run_cell(number, datasets=chosen.datasets, n_jobs=chosen.jobs)
        for name in cell.truth:
            rows[name].append(line(number, name, measured))
        print(f"{number}/{len(CELLS)} {cell.label}", file=sys.stderr)
    for name, lines in rows.items():
        print(f"\n{name}\n\n{table(lines)}")


if __name__ == "__main__":
    main()
