"""The same inputs through infostat and through the packages one would otherwise use.

    python benchmarks/compare_values.py [--csv FOLDER]

Two tables. *Conventions*: values that agree once the convention is known; the column ``converted``
applies the conversion that the last column names. *Traps*: inputs at which a package returns a number
that is not the quantity, with the exact value beside it. What the tables show in the column ``call`` is
the code that ran, on the names defined in `inputs`. A package that is not installed is left out.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import importlib.util
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from _machine import header
from scipy import stats
from scipy.spatial import distance

import infostat.divergences as iv

PACKAGES = {"scipy": "scipy", "POT": "ot", "infomeasure": "infomeasure", "dit": "dit", "scikit-learn": "sklearn"}
COLUMNS = {
    "conventions": ("quantity", "infostat", "package", "its value", "converted", "convention", "call"),
    "traps": ("case", "exact", "infostat", "package", "its value", "what happens", "call"),
}


@dataclass(frozen=True)
class Case:
    """One call of another package beside ours.

    Attributes
    ----------
    quantity : str
        What is computed.
    ours : str
        Expression of infostat.
    package : str
        Key of `PACKAGES`.
    call : str
        Expression of the package.
    note : str
        The convention, or what goes wrong.
    convert : str
        Expression in `value` that brings it to our scale.
    exact : str
        Expression of the exact value, or words; traps only.
    """

    quantity: str
    ours: str
    package: str
    call: str
    note: str
    convert: str = "value"
    exact: str = ""


CONVENTIONS = (
    Case("KL(P||Q)", "iv.kl(P, Q)", "scipy", "stats.entropy(P, Q)", "same; scipy normalises silently"),
    Case("KL(P||Q)", "iv.kl(P, Q)", "dit", "dd.kullback_leibler_divergence(dP, dQ)", "bits", "value * log(2)"),
    Case("Jensen-Shannon", "iv.js(P, Q)", "scipy", "distance.jensenshannon(P, Q)", "the root", "value ** 2"),
    Case("Jensen-Shannon", "iv.js(P, Q)", "dit", "dd.jensen_shannon_divergence([dP, dQ])", "bits",
         "value * log(2)"),
    Case("Jensen-Shannon", "iv.js(P, Q)", "infomeasure", "im.jsd(sP, sQ, approach='discrete')",
         "same; takes observations, not probabilities"),
    Case("Hellinger H²", "iv.hellinger(P, Q)", "dit", "dd.hellinger_distance(dP, dQ)", "the root",
         "value ** 2"),
    Case("Hellinger H²", "iv.hellinger(P, Q)", "dit", "dd.hellinger_divergence(dP, dQ, 0.5)",
         "a family of orders, order 1/2 is twice H²; its default order 1 is KL in bits", "value / 2"),
    Case("alpha, order 3/4", "iv.alpha(P, Q, 0.75)", "dit", "dd.alpha_divergence(dP, dQ, -0.5)",
         "Amari's parameter with a minus sign: order (1 - a)/2"),
    Case("alpha, order 5/3", "iv.alpha(P, Q, 5 / 3)", "scipy",
         "stats.power_divergence(10 * P, 10 * Q, lambda_=2 / 3).statistic",
         "Cressie and Read: 2 n times alpha of order lambda + 1", "value / 20"),
    Case("Pearson chi²", "iv.pearson(P, Q)", "scipy", "stats.chisquare(10 * P, 10 * Q).statistic",
         "a test statistic, n times ours", "value / 10"),
    Case("Rényi, order 2", "iv.renyi(P, Q, 2)", "dit", "dd.renyi_divergence(dP, dQ, 2)", "bits",
         "value * log(2)"),
    Case("Tsallis, order 1/2", "iv.tsallis(P, Q, 0.5)", "dit", "dd.tsallis_divergence(dP, dQ, 0.5)", "same"),
    Case("Grassberger entropy", "iv.entropy_from_counts([4, 2, 1, 1])", "infomeasure",
         "im.entropy([0] * 4 + [1] * 2 + [2, 3], approach='grassberger')",
         "the correction of 1988; ours is that of 2003"),
    Case("Chao-Shen entropy", "iv.entropy_from_counts([4, 2, 1, 1], 'chao_shen')", "infomeasure",
         "im.entropy([0] * 4 + [1] * 2 + [2, 3], approach='chao_shen')", "same"),
    Case("W2 on the line", "iv.wasserstein_1d(x, y, 2)", "POT", "ot.wasserstein_1d(x, y, p=2)", "W2 squared",
         "sqrt(value)"),
    Case("W2 in the plane", "iv.wasserstein_exact(X, Y, 2)", "POT", "ot.emd2([], [], ot.dist(X, Y))",
         "squared distances by default", "sqrt(value)"),
    Case("W1 on the line", "iv.wasserstein_1d(x, y)", "scipy", "stats.wasserstein_distance(x, y)", "same"),
    Case("energy distance", "iv.energy_distance(x, y)", "scipy", "stats.energy_distance(x, y)",
         "same (the root)"),
    Case("sliced W2", "iv.sliced_wasserstein(X, Y, 2, directions=U)", "POT",
         "ot.sliced_wasserstein_distance(X, Y, projections=U.T)",
         "same; POT's default order is 2, ours 1"),
    Case("Sinkhorn, value", "iv.sinkhorn(P, Q, C, 1.0).value", "POT",
         "ot.solve(a=P, b=Q, M=C, reg=1.0, reg_type='KL').value", "same"),
    Case("Sinkhorn, cost", "iv.sinkhorn(P, Q, C, 1.0).transport_cost", "POT", "ot.sinkhorn2(P, Q, C, 1.0)",
         "the cost alone, our transport_cost"),
    Case("Sinkhorn, debiased", "iv.sinkhorn_divergence(X, Y, 1.0)", "POT",
         "ot.bregman.empirical_sinkhorn_divergence(X, Y, 1.0, stopThr=1e-12)",
         "debiases the costs, not the values: another number"),
    Case("W2 of Gaussians", "iv.w2_gaussian(0, 1, 1, 2.25)", "POT",
         "ot.gaussian.bures_wasserstein_distance(m0, m1, S0, S1)", "same"),
    Case("kNN entropy, k = 3", "iv.entropy_knn(X, 3)", "infomeasure",
         "im.entropy(X, approach='metric', k=3, minkowski_p=2, noise_level=0)",
         "same; the default is the maximum norm and adds noise"),
    Case("kNN entropy, max norm", "iv.entropy_knn(X, 3, 'max')", "infomeasure",
         "im.entropy(X, approach='metric', k=3, noise_level=0)", "same"),
    Case("kNN KL, k = 5", "iv.kl_knn(X, Y)", "infomeasure",
         "im.kld(X, Y, approach='metric', k=5, minkowski_p=2, noise_level=0)",
         "difference of two entropies; lacks log(n/(n - 1))", "value + log(len(X) / (len(X) - 1))"),
    Case("KSG information", "iv.mi_ksg(u, v)", "infomeasure",
         "im.mutual_information(u, v, approach='metric', k=3, noise_level=0)", "same"),
    Case("KSG information", "iv.mi_ksg(u, v, standardize=True)", "scikit-learn",
         "fs.mutual_info_regression(u[:, None], v, n_neighbors=3, random_state=0)[0]",
         "columns divided by their sd, noise added, clipped at 0"),
)  # fmt: skip

TRAPS = (
    Case("KL, a cell with q = 0 < p", "iv.kl([0.4, 0.4, 0.2], [0.2, 0.8, 0.0])",
         "infomeasure", "im.kld([0, 0, 1, 1, 2], [0, 1, 1, 1, 1], approach='discrete')",
         "the cell is left out: finite and negative", exact="inf"),
    Case("f-divergence t log t, q = 0 < p", "iv.kl(B, A, base=2)", "dit",
         "dd.f_divergence(dB, dA, lambda t: t * np.log2(t))",
         "the term p f'(inf) is left out: finite and negative", exact="inf"),
    Case("alpha of order -1/2, p = 0 < q", "iv.alpha(A, B, -0.5)", "dit", "dd.alpha_divergence(dA, dB, 2)",
         "cells outside the support of P are left out: finite and negative", exact="inf"),
    Case("alpha of order 1/2 from counts with a zero", "iv.alpha(A, B, 0.5)", "scipy",
         "stats.power_divergence(A, B, lambda_=-0.5).statistic / 2", "0/0 in the formula",
         exact="2 * (2 - 2 * (0.5 + 0.125 ** 0.5))"),
    Case("kNN entropy of N(0, 1) rounded to 0.1", "iv.entropy_knn(R)", "infomeasure",
         "im.entropy(R, approach='metric', k=3, noise_level=0)", "distances of zero are left out",
         exact="no density"),
    Case("the same, defaults", "iv.entropy_knn(R)", "infomeasure", "im.entropy(R, approach='metric', k=3)",
         "noise of 1e-10 without a seed decides: about its logarithm, and another number each time",
         exact="no density"),
    Case("kNN KL of rounded N(0, 1) and N(1, 1.5²)", "iv.kl_knn(R, S)", "infomeasure",
         "im.kld(R, S, approach='metric', k=5, noise_level=0)", "distances of zero are left out",
         exact="iv.kl_gaussian(0, 1, 1, 2.25)"),
    Case("KSG information, both rounded to 0.1, rho = 0.8", "iv.mi_ksg(u.round(1), v.round(1))", "infomeasure",
         "im.mutual_information(u.round(1), v.round(1), approach='metric', k=3, noise_level=0)",
         "counts of rows strictly closer than 0", exact="-0.5 * log(0.36)"),
    Case("information of independent pairs, mean of 40 samples, n = 300",
         "np.mean([float(iv.mi_ksg(a, b, standard_error=False)) for a, b in pairs])", "scikit-learn",
         "np.mean([fs.mutual_info_regression(a[:, None], b, random_state=0)[0] for a, b in pairs])",
         "negative estimates are set to 0, which leaves a bias", exact="0.0"),
    Case("Sinkhorn cost at eps = 0.001", "iv.sinkhorn(P, Q, C, 0.001).transport_cost", "POT",
         "ot.sinkhorn2(P, Q, C, 0.001)", "overflow outside the log domain, with a warning", exact="0.4"),
    Case("the same, log domain", "iv.sinkhorn(P, Q, C, 0.001).transport_cost", "POT",
         "ot.sinkhorn2(P, Q, C, 0.001, method='sinkhorn_log')",
         "stops at its 1000 iterations, with a warning; numItermax=10_000 cures it", exact="0.4"),
)  # fmt: skip


def inputs() -> dict[str, Any]:
    """Return the names that the expressions use: two tables, samples, and the packages."""
    g = np.random.default_rng(0)
    P, Q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.5, 0.3])
    A, B = np.array([0.5, 0.5, 0.0]), np.array([0.5, 0.25, 0.25])
    grid = np.arange(3.0)
    X, Y = g.normal(size=(1000, 2)), g.normal(0.5, 1.2, size=(1000, 2))
    U = g.normal(size=(100, 2))
    u, noise = g.normal(size=(2, 1000))
    names: dict[str, Any] = {
        "P": P, "Q": Q, "A": A, "B": B, "C": np.abs(grid[:, None] - grid), "X": X, "Y": Y,
        "sP": [0] * 5 + [1] * 3 + [2] * 2, "sQ": [0] * 2 + [1] * 5 + [2] * 3,
        "U": U / np.linalg.norm(U, axis=1, keepdims=True), "x": X[:, 0], "y": Y[:, 0], "u": u,
        "v": 0.8 * u + 0.6 * noise, "m0": np.zeros(1), "m1": np.ones(1), "S0": np.eye(1),
        "S1": 2.25 * np.eye(1), "R": g.normal(size=1000).round(1), "S": g.normal(1, 1.5, size=1000).round(1),
        "pairs": [np.random.default_rng(seed).normal(size=(2, 300)) for seed in range(40)],
        "np": np, "iv": iv, "stats": stats, "distance": distance, "log": math.log, "sqrt": math.sqrt,
        "inf": math.inf,
    }  # fmt: skip
    for name, module in (("ot", "ot"), ("im", "infomeasure"), ("dd", "dit.divergences")):
        if available(module.split(".")[0]):
            names[name] = importlib.import_module(module)
    if available("sklearn"):
        names["fs"] = importlib.import_module("sklearn.feature_selection")
    if available("dit"):
        law = importlib.import_module("dit").Distribution
        names |= {f"d{key}": law(["a", "b", "c"], list(map(float, names[key]))) for key in "PQAB"}
    return names


def available(module: str) -> bool:
    """Whether a package can be imported."""
    return importlib.util.find_spec(module) is not None


def evaluate(expression: str, names: dict[str, Any]) -> str:
    """Return the value of an expression as text; an error shows its class."""
    from infostat.core.errors import InfostatError

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            value = eval(expression, names)  # our own constants above, not input
        except InfostatError as error:
            return type(error).__name__
    number = float(value)
    text = f"{number:.6f}" if math.isfinite(number) else str(number)
    return text.rstrip("0").rstrip(".") if "." in text else text


def tables() -> dict[str, list[tuple[str, ...]]]:
    """Return the two tables, header first."""
    names = inputs()
    found: dict[str, list[tuple[str, ...]]] = {key: [columns] for key, columns in COLUMNS.items()}
    for case in CONVENTIONS:
        if available(PACKAGES[case.package]):
            theirs = evaluate(case.call, names)
            converted = evaluate(case.convert.replace("value", f"({case.call})"), names)
            ours = evaluate(case.ours, names)
            found["conventions"].append((case.quantity, ours, case.package, theirs, converted, case.note, case.call))
    for case in TRAPS:
        if available(PACKAGES[case.package]):
            exact = case.exact if case.exact == "no density" else evaluate(case.exact, names)
            ours, theirs = evaluate(case.ours, names), evaluate(case.call, names)
            found["traps"].append((case.quantity, exact, ours, case.package, theirs, case.note, case.call))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, and write them as CSV if asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--csv", type=Path, help="folder for compare_conventions.csv and compare_traps.csv")
    chosen = parser.parse_args(arguments)
    present = [name for name, module in PACKAGES.items() if available(module)]
    header("Values side by side", ["numpy", *present])
    print("versions:", ", ".join(f"{name} {metadata.version(name)}" for name in present), "\n")
    for key, table in tables().items():
        print(key)
        for line in table:
            print("  " + "  |  ".join(line))
        print()
        if chosen.csv:
            # Code in the documentation's tables is code there too.
            rows = [table[0], *((*line[:-1], f"``{line[-1]}``") for line in table[1:])]
            with (chosen.csv / f"compare_{key}.csv").open("w", encoding="utf-8", newline="") as stream:
                csv.writer(stream, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
