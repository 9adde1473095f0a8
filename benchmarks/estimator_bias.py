"""Bias, spread and honesty of the standard error of every sample estimator, against closed forms.

    python benchmarks/estimator_bias.py [--replicates 200] [--csv FILE] [NAME ...]

Replicate r of every study draws from ``numpy.random.default_rng([SEED, r])``. Printed are the exact
value, the mean error of the estimates with its Monte-Carlo error, their standard deviation, and the
standard error that the estimator reports divided by that deviation (root of the mean square over
replicates): 1 is honest, below 1 optimistic. NAME restricts the run to estimators that start so. The
second table shows what jitter of several sizes does to data that are rounded to one decimal.
"""

from __future__ import annotations

import argparse
import csv
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _machine import header

import infostat.divergences as iv

SEED = 2026
RHO = 0.8  # correlation of the pairs whose mutual information is estimated
SHIFT, SCALE = 1.0, 1.5  # Q is N(SHIFT/sqrt(d) in each coordinate, SCALE^2) beside P = N(0, I)
HEADER = ("estimator", "quantity", "n", "d", "exact", "bias", "bias ±", "sd", "se/sd")

Generator = np.random.Generator


@dataclass(frozen=True)
class Study:
    """One line of the table.

    Attributes
    ----------
    name : str
        The estimator as one would type it.
    quantity : str
        What it estimates, in short.
    n, d : int
        Rows of each sample, and their dimension (0: counts).
    truth : float
        Closed form.
    estimate : callable
        ``estimate(generator)`` draws a sample and returns a result or a number.
    thrift : int
        The study uses ``replicates // thrift`` replicates (slow estimators).
    """

    name: str
    quantity: str
    n: int
    d: int
    truth: float
    estimate: Callable[[Generator], Any]
    thrift: int = 1


# ------------------------------------------------------------------------------- laws and truths
def pair(d: int) -> tuple[Any, Any, Any, Any]:
    """Means and covariances of P and Q in d dimensions."""
    return np.zeros(d), np.eye(d), np.full(d, SHIFT / math.sqrt(d)), SCALE**2 * np.eye(d)


def two_samples(generator: Generator, n: int, d: int) -> tuple[Any, Any]:
    """Rows from P and from Q."""
    m1, _, m2, _ = pair(d)
    return generator.normal(m1, 1.0, (n, d)), generator.normal(m2, SCALE, (n, d))


def correlated(generator: Generator, n: int) -> tuple[Any, Any]:
    """Pairs of standard normal numbers with correlation RHO."""
    x, noise = generator.standard_normal((2, n))
    return x, RHO * x + math.sqrt(1.0 - RHO**2) * noise


def log_ratio(x: Any) -> Any:
    """The exact log density ratio log p/q in one dimension, the best critic."""
    return (0.5 * ((x - SHIFT) / SCALE) ** 2 - 0.5 * x**2 + math.log(SCALE)).ravel()


# ------------------------------------------------------------------------------------ the studies
def neighbour_studies() -> list[Study]:
    """Entropy, KL and Renyi divergence, mutual information from nearest neighbours."""
    found = []
    for d in (1, 3, 10):
        entropy = 0.5 * d * math.log(2.0 * math.pi * math.e)
        for n in (500, 2000):
            found += [
                Study("entropy_knn", "H, k = 3", n, d, entropy,
                      lambda g, n=n, d=d: iv.entropy_knn(g.standard_normal((n, d)))),
                Study("kl_knn", "KL, k = 5", n, d, iv.kl_gaussian(*pair(d)),
                      lambda g, n=n, d=d: iv.kl_knn(*two_samples(g, n, d))),
                Study("renyi_knn", "Renyi 1/2, k = 5", n, d, iv.renyi_gaussian(*pair(d), 0.5),
                      lambda g, n=n, d=d: iv.renyi_knn(*two_samples(g, n, d), 0.5, k=5)),
            ]  # fmt: skip
    information = -0.5 * math.log(1.0 - RHO**2)
    for n in (500, 2000):
        for algorithm in (1, 2):
            found.append(
                Study(f"mi_ksg, algorithm {algorithm}", "I, rho = 0.8, k = 3", n, 2, information,
                      lambda g, n=n, a=algorithm: iv.mi_ksg(*correlated(g, n), algorithm=a))
            )  # fmt: skip
        found.append(Study("cmi_knn", "I given z, k = 3", n, 3, information, lambda g, n=n: conditional(g, n)))
    return sorted(found, key=lambda study: (study.name, study.d, study.n))


def conditional(generator: Generator, n: int) -> Any:
    """Conditional information of a correlated pair to which the same z is added."""
    x, y = correlated(generator, n)
    z = generator.standard_normal(n)
    return iv.cmi_knn(x + z, y + z, z)


def kernel_studies() -> list[Study]:
    """Density plug-in and Cauchy-Schwarz; the latter against the smoothed laws it estimates."""
    found = []
    for d in (1, 3):
        for n in (500, 2000):
            found.append(
                Study("kl_kde", "KL", n, d, iv.kl_gaussian(*pair(d)),
                      lambda g, n=n, d=d: iv.kl_kde(*two_samples(g, n, d)), thrift=2)
            )  # fmt: skip
    half = 0.5**2 / 2.0  # smoothing by a kernel of width s = 0.5 adds s^2/2 to each variance
    joint = np.array([[1.0, RHO], [RHO, 1.0]]) + half * np.eye(2)
    for n in (500, 2000):
        m1, S1, m2, S2 = pair(3)
        smooth = iv.cauchy_schwarz_gaussian(m1, S1 + half * np.eye(3), m2, S2 + half * np.eye(3))
        found.append(
            Study("cauchy_schwarz_kernel", "CS smoothed, s = 0.5", n, 3, smooth,
                  lambda g, n=n: iv.cauchy_schwarz_kernel(*two_samples(g, n, 3), bandwidth=0.5), thrift=2)
        )  # fmt: skip
    for n in (500, 2000):
        target = iv.cauchy_schwarz_gaussian(np.zeros(2), joint, np.zeros(2), np.diag(np.diag(joint)))
        found.append(
            Study("cs_qmi", "CS information, s = 0.5", n, 2, target,
                  lambda g, n=n: iv.cs_qmi(*correlated(g, n), bandwidth=0.5), thrift=2)
        )  # fmt: skip
    return found


def ratio_studies() -> list[Study]:
    """Density ratios, and variational bounds with the exact log ratio as the critic."""
    m1, S1, m2, S2 = pair(1)
    kl = iv.kl_gaussian(m1, S1, m2, S2)
    half_chi2 = 0.5 * math.expm1(iv.renyi_gaussian(m1, S1, m2, S2, 2.0))
    found = []
    for name, function, truth, quantity, thrift in (
        ("ratio_logistic", iv.ratio_logistic, kl, "KL, quadratic features", 1),
        ("ulsif", iv.ulsif, half_chi2, "half chi-square", 4),
        ("kliep", iv.kliep, kl, "KL", 4),
        ("donsker_varadhan", critic(iv.donsker_varadhan), kl, "KL, exact critic", 1),
        ("nwj", critic(iv.nwj), kl, "KL, exact critic", 1),
    ):
        for n in (500, 2000):
            found.append(
                Study(name, quantity, n, 1, truth,
                      lambda g, n=n, f=function: f(*two_samples(g, n, 1)), thrift)
            )  # fmt: skip
    return found


def critic(bound: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """Return the bound as a function of two samples."""
    return lambda x, y: bound(log_ratio(x), log_ratio(y))


def distance_studies() -> list[Study]:
    """Distances of samples against those of the laws; their error comes from the blocks."""
    m1, S1, m2, S2 = pair(1)
    normal = w1_normal()
    energy = math.sqrt(energy_normal())
    mmd = iv.mmd_gaussian(m1, S1, m2, S2, bandwidth=1.0)
    found = []
    for kind, truth, options in (
        ("wasserstein", normal, {}),
        ("energy", energy, {}),
        ("mmd", mmd, {"bandwidth": 1.0}),
        ("mmd", mmd, {"bandwidth": 1.0, "unbiased": True}),
    ):
        name = kind + (", unbiased" if options.get("unbiased") else "")
        for n in (500, 2000):
            found.append(
                Study(name, {"wasserstein": "W1", "energy": "energy distance", "mmd": "MMD squared"}[kind],
                      n, 1, truth, lambda g, n=n, k=kind, o=options: iv.divergence(
                          *two_samples(g, n, 1), k, from_samples=True, **o), thrift=2)
            )  # fmt: skip
    return found


def absolute_moment(mean: float, sd: float) -> float:
    """E|Z| of a normal number."""
    phi = math.exp(-0.5 * (mean / sd) ** 2) / math.sqrt(2.0 * math.pi)
    return 2.0 * sd * phi + mean * math.erf(mean / (sd * math.sqrt(2.0)))


def w1_normal() -> float:
    """W1 of N(0, 1) and N(SHIFT, SCALE^2): the quantiles differ by SHIFT + (SCALE - 1) z."""
    return absolute_moment(SHIFT, SCALE - 1.0)


def energy_normal() -> float:
    """Squared energy distance of the same pair."""
    cross = absolute_moment(SHIFT, math.sqrt(1.0 + SCALE**2))
    return 2.0 * cross - absolute_moment(0.0, math.sqrt(2.0)) * (1.0 + SCALE)


def count_studies() -> list[Study]:
    """Discrete entropies: 20 equally likely cells, and 200 whose masses fall like 1/rank."""
    zipf = 1.0 / np.arange(1, 201)
    laws = {"20 equal cells": np.full(20, 0.05), "200 cells, p ~ 1/rank": zipf / zipf.sum()}
    found = []
    for title, p in laws.items():
        for method in ("plugin", "miller_madow", "jackknife", "grassberger", "chao_shen"):
            for n in (100, 1000):
                found.append(
                    Study(f'entropy_from_counts, "{method}"', f"H, {title}", n, 0, iv.entropy(p),
                          lambda g, n=n, p=p, m=method: iv.entropy_from_counts(g.multinomial(n, p), m))
                )  # fmt: skip
    return found


def studies() -> list[Study]:
    """Return every study in the order of the table."""
    groups = (neighbour_studies, kernel_studies, ratio_studies, distance_studies, count_studies)
    return [study for group in groups for study in group()]


# -------------------------------------------------------------------------------------- the table
def measure_bias(study: Study, replicates: int) -> tuple[str, ...]:
    """Return the line of the table for one study."""
    values, errors = [], []
    for number in range(max(2, replicates // study.thrift)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cautions about bias: the bias is the subject
            found = study.estimate(np.random.default_rng([SEED, number]))
        values.append(float(found))
        errors.append(getattr(found, "se", math.nan))
    sample = np.array(values)
    sd = float(sample.std(ddof=1))
    bias = float(sample.mean()) - study.truth
    honesty = math.sqrt(float(np.mean(np.square(errors)))) / sd if sd > 0.0 else math.nan
    return (
        study.name,
        study.quantity,
        str(study.n),
        str(study.d or "-"),
        f"{study.truth:.4f}",
        f"{bias:+.4f}",
        f"{sd / math.sqrt(len(sample)):.4f}",
        f"{sd:.4f}",
        f"{honesty:.2f}",
    )


def bias_table(replicates: int = 200, names: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """Return the lines of the table, header first.

    Parameters
    ----------
    replicates : int
        Samples per study (slow estimators use a half or a quarter of them).
    names : sequence of str
        Only estimators whose names start with one of these; all if empty.

    Returns
    -------
    list of tuple of str
        Columns as in `HEADER`.
    """
    chosen = [study for study in studies() if not names or study.name.startswith(tuple(names))]
    return [HEADER, *(measure_bias(study, replicates) for study in chosen)]


def jitter_table(replicates: int = 20, n: int = 2000) -> list[tuple[str, ...]]:
    """Return the mean errors of neighbour estimators on data rounded to one decimal, header first.

    Parameters
    ----------
    replicates, n : int
        Samples, and rows of each.

    Returns
    -------
    list of tuple of str
        One line for each size of the jitter.
    """
    truth = (0.5 * math.log(2.0 * math.pi * math.e), iv.kl_gaussian(*pair(1)), -0.5 * math.log(1.0 - RHO**2))
    lines: list[tuple[str, ...]] = [("jitter", "entropy_knn", "kl_knn", "mi_ksg")]
    for size in (1e-10, 1e-3, 0.03, 0.05, 0.1):
        options: dict[str, Any] = {"jitter": size, "standard_error": False}
        errors = []
        for number in range(replicates):
            generator = np.random.default_rng([SEED, number])
            x, y = (sample.round(1) for sample in two_samples(generator, n, 1))
            u, v = (column.round(1) for column in correlated(generator, n))
            found = (iv.entropy_knn(x, **options), iv.kl_knn(x, y, **options), iv.mi_ksg(u, v, **options))
            errors.append([float(value) - exact for value, exact in zip(found, truth, strict=True)])
        lines.append((f"{size:g}", *(f"{error:+.3f}" for error in np.mean(errors, axis=0))))
    return lines


def show(table: Sequence[tuple[str, ...]]) -> None:
    """Print a table with aligned columns."""
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def write(table: Sequence[tuple[str, ...]], path: Path) -> None:
    """Write a table as CSV."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, and write them as CSV if asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("name", nargs="*", help="estimators to measure, or jitter; all if none is named")
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--csv", type=Path, help="folder for estimator_bias.csv and jitter.csv")
    chosen = parser.parse_args(arguments)
    header("Sample estimators against closed forms")
    if chosen.name != ["jitter"]:
        table = bias_table(chosen.replicates, chosen.name)
        show(table)
        if chosen.csv:
            write(table, chosen.csv / "estimator_bias.csv")
    if chosen.name in ([], ["jitter"]):
        print("\nMean error, data rounded to one decimal")
        table = jitter_table(max(2, chosen.replicates // 10))
        show(table)
        if chosen.csv:
            write(table, chosen.csv / "jitter.csv")


if __name__ == "__main__":
    main()
