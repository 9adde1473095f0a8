"""Simulated estimation risk beside a loop over the fits of scipy.stats.

    python benchmarks/bench_estimation_risk.py [WORKLOAD ...]

Workloads: ``gamma`` and ``normal``, 100 000 samples of 100 observations each, one process. The loops
draw a sample with a NumPy generator, fit it with the location of the gamma law held at 0, and evaluate
the divergence; they take a part of the samples, and the table scales their time. Beside the loop stand
scipy's own draws, and the draws alone with the averages that any estimate needs. All draw different numbers: the
column of differences is the distance of our mean to the other's in standard errors of that
distance; for "exact" and "second order" in our standard errors.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from _harness import Contender, Row, alternate, header, measure, ratio, report, show

Array = Any

SEED = 5
N = 100
REPLICATES = 100_000
SHARE = {"gamma": 25, "normal": 10}  # the loops take 1/SHARE of the samples
SHAPE = 2.0
TARGET = {"gamma": ">= 10", "normal": ">= 30"}


# ------------------------------------------------------------------------------------ contenders
def ours(name: str) -> tuple[float, float]:
    """Mean risk and its standard error through the public function."""
    from infostat.families import Gamma, Normal
    from infostat.projection import simulate_risk

    theta = Gamma().natural(shape=SHAPE, rate=1.0) if name == "gamma" else Normal().natural(mean=0.0, var=1.0)
    found = simulate_risk(None, name, N, REPLICATES, theta=theta, rng=SEED)
    return found.risk, found.risk_se


def gamma_divergence() -> Callable[[float, float], float]:
    """KL from the gamma law of shape 2 and scale 1 to another."""
    from scipy.special import digamma, gammaln

    fixed = -gammaln(SHAPE) + SHAPE * digamma(SHAPE) - SHAPE
    slope = digamma(SHAPE)
    return lambda a, scale: float(fixed + gammaln(a) + a * math.log(scale) - a * slope + SHAPE / scale)


def gamma_loop(draw: Callable[[Any], Array]) -> tuple[float, float]:
    """One fit after the other."""
    from scipy import stats

    generator, divergence = np.random.default_rng(SEED), gamma_divergence()
    found = []
    for _ in range(REPLICATES // SHARE["gamma"]):
        shape, _, scale = stats.gamma.fit(draw(generator), floc=0)
        found.append(divergence(shape, scale))
    return _mean(found)


def normal_loop(draw: Callable[[Any], Array]) -> tuple[float, float]:
    """One fit after the other."""
    from scipy import stats

    generator = np.random.default_rng(SEED)
    found = []
    for _ in range(REPLICATES // SHARE["normal"]):
        mean, sd = stats.norm.fit(draw(generator))
        found.append(0.5 * ((1.0 + mean * mean) / (sd * sd) - 1.0) + math.log(sd))
    return _mean(found)


def draws_alone(name: str) -> None:
    """The random numbers of all samples and the averages an estimate needs, in blocks that stay in the cache."""
    generator, block = np.random.default_rng(SEED), np.empty((2500, N))
    for _ in range(REPLICATES // len(block)):
        if name == "gamma":
            generator.standard_gamma(SHAPE, out=block)
            block.mean(axis=1)
            np.log(block, out=block)
        else:
            generator.standard_normal(out=block)
            block.var(axis=1)
        block.mean(axis=1)


def _mean(values: list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))


def expected(name: str) -> tuple[str, float]:
    """The exact risk of the normal model; for the gamma model the expansion, whose remainder is 2e-5."""
    if name == "gamma":
        return "second order", 1.0 / N + 5.24646510562 / N**2
    from scipy.special import digamma

    exact = 0.5 * ((N + 1.0) / (N - 3.0) - 1.0 + digamma(0.5 * (N - 1.0)) + math.log(2.0 / N))
    return "exact", float(exact)


# -------------------------------------------------------------------------------------- workloads
def workload(name: str) -> list[Row]:
    """Risk of samples of 100, 100 000 replicates."""
    from scipy import stats

    law = stats.gamma(SHAPE) if name == "gamma" else stats.norm()
    loop = gamma_loop if name == "gamma" else normal_loop

    def numpy_draw(generator: Any) -> Array:
        return generator.standard_gamma(SHAPE, N) if name == "gamma" else generator.standard_normal(N)

    def scipy_draw(generator: Any) -> Array:
        return law.rvs(N, random_state=generator)

    mine = Contender("infostat", lambda: ours(name))
    others = [
        Contender("loop of fits", lambda: loop(numpy_draw), factor=SHARE[name]),
        Contender("loop of rvs and fits", lambda: loop(scipy_draw), factor=SHARE[name]),
        Contender("draws alone", lambda: draws_alone(name)),
    ]
    alternate([mine, *others], 5)
    title = f"risk {name} n={N} replicates={REPLICATES}"
    risk, se = mine.result
    words, value = expected(name)
    peak = measure(__file__, name)["peak"]
    rows = [Row(title, mine.median, words, difference=abs(risk - value) / se, memory=peak)]
    for other in others:
        difference = math.nan
        if other.result is not None:
            difference = abs(risk - other.result[0]) / math.hypot(se, other.result[1])
        target = TARGET[name] if other is others[0] else ""
        rows.append(
            Row(title, mine.median, other.label, other.median, ratio(mine, other), difference, target=target)
        )
    return rows


WORKLOADS = ("gamma", "normal")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the workloads and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("workload", nargs="*", help=f"{', '.join(WORKLOADS)}; all if none is named")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.measure:
        report(lambda: ours(chosen.measure))
        return
    if unknown := set(chosen.workload) - set(WORKLOADS):
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    header("Simulated estimation risk (difference in standard errors)")
    show([row for name in chosen.workload or WORKLOADS for row in workload(name)])


if __name__ == "__main__":
    main()
