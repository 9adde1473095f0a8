"""The p-n criterion beside what a user would write with einsum and a loop, and beside fits of other packages.

The risks of simulated samples come from different draws: their errors are distances from the exact risk (gamma:
from its expansion, whose remainder is 2e-5 at n = 100) in standard errors.
"""

from __future__ import annotations

import io
import math
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import _literal
from ._registry import Contender, Kept, Trial, against, workload

Array = Any

SEED = 20
RISK_SEED = 5
GRAM_BLOCK = 256  # rows of a block of the NumPy code: within 7 % of the fastest of 128 to 1024
SHAPE = 2.0
COLUMNS = "abcdef"


# ---------------------------------------------------------------- inputs, the same in every process
def normal_data(d: int, n: int = 4000) -> Array:
    """Correlated columns with heavier tails than the normal and some skewness."""
    generator = np.random.default_rng(SEED)
    x = generator.standard_t(9, size=(n, d)) + 0.3 * generator.standard_exponential((n, d))
    return x @ (np.eye(d) + 0.4 * np.tril(generator.normal(size=(d, d)), -1) / np.sqrt(d)).T


def wine(d: int) -> Array:
    """The first measurements of the red wine; there are eleven."""
    from infostat import load_dataset

    return load_dataset("wine_red").drop(columns="quality").to_numpy(dtype=float)[:, :d]


def general(p: int, count: int) -> tuple[Array, Array]:
    """Nodes of a model that is not normal, and rows that do not come from it; both are skewed."""
    generator = np.random.default_rng(SEED)
    nodes = generator.standard_normal((count, p))
    nodes += 0.3 * (nodes * nodes - 1.0)
    rows = generator.standard_normal((count, p))
    rows += 0.2 * (rows * rows - 1.0)
    return nodes, rows


def white_nodes(p: int, count: int, *, misspecified: bool) -> tuple[Any, Array, Array, Array]:
    """A model on nodes of equal weight, its whitened nodes with these weights, and weights of data on them."""
    from infostat.families.whitening import node_view

    points, _ = general(p, count)
    model = node_view(lambda x: x, points, np.full(count, 1.0 / count))
    found = model.nodes()
    assert found is not None
    z, q = found
    return model, z, q, np.random.default_rng(SEED).dirichlet(np.full(count, 5.0)) if misspecified else q


def bit_counts(bits: int) -> tuple[Any, Array]:
    """The pairwise model of some bits and the counts of a sample of 20000 rows in its cells."""
    from infostat.families.ising import Ising

    generator = np.random.default_rng(SEED)
    edges = bits * (bits - 1) // 2
    theta = np.concatenate([0.5 * generator.normal(size=bits) - 0.5, 0.3 * generator.normal(size=edges)])
    family = Ising(bits)
    return family, generator.multinomial(20_000, family.probabilities(theta))


# --------------------------------------------------------------------------------- risk terms
def our_terms(x: Array) -> Array:
    """Terms of the full normal model through the public function."""
    from infostat.projection import risk_terms

    found = risk_terms(x, "mvn")
    return np.array([found.T0, found.T1, found.T2, found.T3])


def our_criterion(x: Array, order: int, resamples: int) -> Any:
    """The bootstrapped criterion."""
    from infostat import pn_criterion

    return pn_criterion(x, "mvn", order=order, bootstrap=resamples, rng=SEED)


def our_general(nodes: Array, rows: Array, method: str) -> Array:
    """Terms of a model given by nodes; `method` is the route."""
    from infostat.families.whitening import node_view
    from infostat.projection.expansion import raw_terms

    model = node_view(lambda points: points, nodes, np.full(len(nodes), 1.0 / len(nodes)))
    weights = np.full(len(rows), 1.0 / len(rows))
    z = model.rows(rows)
    z -= weights @ z
    return raw_terms(model, z, weights, method=method).terms


def our_gram(model: Any, z: Array, q: Array, weights: Array) -> Array:
    """Terms, row contributions and influence function by pairs; the rows are the nodes."""
    from infostat.projection.expansion import raw_terms

    return raw_terms(model, z, weights, method="gram").terms


def numpy_gram(model: Any, z: Array, q: Array, weights: Array) -> Array:
    """Terms as their Gram formulas read, in blocks of rows."""
    S = z.T @ (z * weights[:, None])
    zs = z @ S
    s = np.einsum("bi,bi->b", zs, z)
    T1 = T2 = 0.0
    for start in range(0, len(z), GRAM_BLOCK):
        block = slice(start, start + GRAM_BLOCK)
        K, R = z[block] @ z.T, zs[block] @ z.T
        T1 += weights[block] @ (K * K * K) @ q
        T2 += q[block] @ (K * (np.outer(s[block], s) + 2.0 * R * R)) @ q
    T3 = 3.0 * (q @ (s * s) - np.trace(S) ** 2 - 2.0 * np.sum(S * S))
    return np.array([np.trace(S), T1, T2, T3])


def numpy_one_gram(model: Any, z: Array, q: Array, weights: Array) -> Array:
    """Terms by someone who has seen that S = I here, so that one matrix of cubes gives T1 and T2."""
    s = np.einsum("bi,bi->b", z, z)
    c, square = (q * s) @ z, 0.0
    for start in range(0, len(z), GRAM_BLOCK):
        block = slice(start, start + GRAM_BLOCK)
        K = z[block] @ z.T
        square += q[block] @ (K * K * K) @ q
    p = z.shape[1]
    return np.array([p, square, c @ c + 2.0 * square, 3.0 * (q @ (s * s) - p * p - 2.0 * p)])


def our_projection(family: Any, counts: Array) -> Array:
    """Natural parameter by Newton's method on the cells."""
    return family.project(counts @ family.cells().statistics / counts.sum())


def poisson_regression(family: Any, counts: Array) -> Array:
    """The same estimate as a log-linear model of the counts."""
    import statsmodels.api as sm

    statistics = family.cells().statistics
    design = np.column_stack([np.ones(len(counts)), statistics])
    return sm.GLM(counts, design, family=sm.families.Poisson()).fit(tol=1e-12).params[1:]


def literal_criterion(x: Array, order: int, resamples: int) -> Array:
    """Terms of the first resamples by a plain loop, on the rows that infostat's bootstrap draws."""
    from infostat.core.rng import as_seed_sequence, child_generator
    from infostat.projection.intervals import BLOCK

    generator = child_generator(as_seed_sequence(SEED), 0)
    assert resamples <= BLOCK  # the next ones come from another child of the seed
    picked = [generator.integers(0, len(x), size=len(x)) for _ in range(resamples)]
    compute = _literal.normal_T0 if order == 1 else _literal.normal_terms
    return np.array([np.atleast_1d(compute(x[rows])) for rows in picked])


# -------------------------------------------------------------------------------------- workloads
@workload(
    "terms", "risk terms of a full normal model", quick={"n": 200, "d": 3}, standard={"n": 4000, "d": 11},
    full={"n": 4000, "d": 15}, target="ratio einsum, p^4 tensors >= 20; error <= 1e-10; seconds < 5; mib < 500",
    memory=True,
)  # fmt: skip
def terms(threads: int, n: int, d: int) -> Trial:
    """Literal tensors of the full size (d = 15) and one copy take 5.3 GB, the largest that fit into 8 GB."""
    x = normal_data(d, n)
    literal = Kept(lambda: _literal.normal_terms(x))
    contenders = [Contender("infostat", lambda: our_terms(x)), Contender("einsum, p^4 tensors", literal)]
    return Trial(contenders, against(literal.latest), "einsum, p^4 tensors")


@workload(
    "terms-wide", "risk terms of a full normal model, 1325 parameters", quick={"n": 400, "d": 8},
    standard={"n": 4000, "d": 50}, target="mib < 500", memory=True,
)  # fmt: skip
def terms_wide(threads: int, n: int, d: int) -> Trial:
    """Literal tensors would take 25 TB."""
    x = normal_data(d, n)
    return Trial([Contender("infostat", lambda: our_terms(x))])


@workload(
    "criterion-1", "bootstrapped first-order criterion of the red wine", quick={"d": 3, "order": 1, "bootstrap": 20},
    standard={"d": 11, "order": 1, "bootstrap": 200}, target="seconds < 5; error <= 1e-10", memory=True,
    serial=True,
)  # fmt: skip
@workload(
    "criterion-2", "bootstrapped second-order criterion of the red wine", quick={"d": 3, "order": 2, "bootstrap": 20},
    standard={"d": 11, "order": 2, "bootstrap": 200}, target="seconds < 60; error <= 1e-10", memory=True,
    serial=True,
)  # fmt: skip
def criterion(threads: int, d: int, order: int, bootstrap: int) -> Trial:
    """A loop over literal refits on the rows that infostat's bootstrap draws; the first of them are compared."""
    x = wine(d)
    part = 10 if order == 1 else 1
    loop = Kept(lambda: literal_criterion(x, order, part))
    judge = against(loop.latest)
    contenders = [
        Contender(
            "infostat",
            lambda: our_criterion(x, order, bootstrap),
            error=lambda found: judge(found.bootstrap.terms[:part, : 4 if order == 2 else 1]),
        ),
        Contender("loop of literal refits", loop, share=bootstrap / part),
    ]
    return Trial(contenders, judge, "loop of literal refits")


@workload(
    "tensor-p60", "risk terms of general statistics", quick={"n": 500, "p": 6}, standard={"n": 20_000, "p": 60},
    target="error <= 1e-10", memory=True, serial=True,
)  # fmt: skip
@workload(
    "tensor-p200", "risk terms of general statistics", quick={"n": 500, "p": 6}, standard={"n": 20_000, "p": 200},
    target="seconds < 120; error <= 1e-10; mib < 4096", memory=True,
    serial=True,
)  # fmt: skip
def tensor(threads: int, n: int, p: int) -> Trial:
    """As many nodes as rows; a literal tensor of 200 parameters would take 12.8 GB, pairs of rows stand in."""
    data = general(p, n)
    if p > 100:
        name, other = "infostat, pairs of rows", Kept(lambda: our_general(*data, "gram"))
    else:
        name, other = "einsum, p^4 tensors", Kept(lambda: _literal.node_terms(*data))
    contenders = [Contender("infostat", lambda: our_general(*data, "tensor")), Contender(name, other)]
    return Trial(contenders, against(other.latest), name)


GRAM_TARGET = "ratio NumPy Gram row blocks >= 1.5; error <= 1e-10; mib < 1024"


@workload(
    "pairs", "risk terms by pairs of rows, rows = nodes", quick={"n": 200, "p": 10}, standard={"n": 5000, "p": 300},
    target=GRAM_TARGET, memory=True,
)  # fmt: skip
@workload(
    "pairs-weighted", "risk terms by pairs of rows, nodes weighted anew", memory=True, target=GRAM_TARGET,
    quick={"n": 200, "p": 10, "weighted": 1}, standard={"n": 5000, "p": 300, "weighted": 1},
)  # fmt: skip
def pairs(threads: int, n: int, p: int, weighted: int = 0) -> Trial:
    """One Gram matrix is written for the case in which the data are white, where the cubes serve twice."""
    work = white_nodes(p, n, misspecified=bool(weighted))
    contenders = [
        Contender("infostat", lambda: our_gram(*work)),
        Contender("NumPy Gram row blocks", lambda: numpy_gram(*work)),
    ]
    if not weighted:
        contenders.append(Contender("NumPy, one Gram matrix", lambda: numpy_one_gram(*work)))
    return Trial(contenders, against(lambda: numpy_gram(*work)), "NumPy Gram row blocks")


@workload(
    "cells", "information projection on the cells of bits", quick={"bits": 4}, standard={"bits": 12},
    target="seconds < 2; error <= 1e-8", serial=True,
)  # fmt: skip
def projection(threads: int, bits: int) -> Trial:
    """All pairs of bits; the Poisson regression of the counts has the same estimate."""
    family, counts = bit_counts(bits)
    wanted = counts @ family.cells().statistics / counts.sum()

    def error(theta: Array) -> float:
        """Distance of the moments of an answer from those of the data."""
        found = family.probabilities(theta) @ family.cells().statistics
        return float(np.max(np.abs(found - wanted)))

    contenders = [
        Contender("infostat", lambda: our_projection(family, counts)),
        Contender("statsmodels Poisson GLM", lambda: poisson_regression(family, counts), "statsmodels"),
    ]
    return Trial(contenders, error, "moments of the data", "absolute")


# ------------------------------------------------------------------------------------ simulated risk
def our_risk(name: str, n: int, replicates: int) -> tuple[float, float]:
    """Mean risk and its standard error."""
    from infostat.families import Gamma, Normal
    from infostat.projection import simulate_risk

    theta = Gamma().natural(shape=SHAPE, rate=1.0) if name == "gamma" else Normal().natural(mean=0.0, var=1.0)
    found = simulate_risk(None, name, n, replicates, theta=theta, rng=RISK_SEED)
    return found.risk, found.risk_se


def gamma_loop(draw: Callable[[Any], Array], replicates: int) -> tuple[float, float]:
    """One fit after the other, the location held at 0, and the divergence of each from the law of shape 2."""
    from scipy import stats
    from scipy.special import digamma, gammaln

    fixed, slope = -gammaln(SHAPE) + SHAPE * digamma(SHAPE) - SHAPE, digamma(SHAPE)
    generator, found = np.random.default_rng(RISK_SEED), []
    for _ in range(replicates):
        a, _, scale = stats.gamma.fit(draw(generator), floc=0)
        found.append(fixed + gammaln(a) + a * math.log(scale) - a * slope + SHAPE / scale)
    return float(np.mean(found)), float(np.std(found, ddof=1)) / math.sqrt(replicates)


def normal_loop(draw: Callable[[Any], Array], replicates: int) -> tuple[float, float]:
    """One fit after the other and the divergence of each from the standard normal law."""
    from scipy import stats

    generator, found = np.random.default_rng(RISK_SEED), []
    for _ in range(replicates):
        mean, sd = stats.norm.fit(draw(generator))
        found.append(0.5 * ((1.0 + mean * mean) / (sd * sd) - 1.0) + math.log(sd))
    return float(np.mean(found)), float(np.std(found, ddof=1)) / math.sqrt(replicates)


def draws_alone(name: str, n: int, replicates: int) -> None:
    """The random numbers of all samples and the averages an estimate needs, in blocks that stay in the cache."""
    generator, block = np.random.default_rng(RISK_SEED), np.empty((min(2500, replicates), n))
    for _ in range(replicates // len(block)):
        if name == "gamma":
            generator.standard_gamma(SHAPE, out=block)
            block.mean(axis=1)
            np.log(block, out=block)
        else:
            generator.standard_normal(out=block)
            block.var(axis=1)
        block.mean(axis=1)


def exact_risk(name: str, n: int) -> float:
    """The exact risk of the normal model; for the gamma model the expansion."""
    if name == "gamma":
        return 1.0 / n + 5.24646510562 / n**2
    from scipy.special import digamma

    return float(0.5 * ((n + 1.0) / (n - 3.0) - 1.0 + digamma(0.5 * (n - 1.0)) + math.log(2.0 / n)))


@workload(
    "risk-gamma", "simulated estimation risk", quick={"n": 100, "family": "gamma", "replicates": 200, "share": 10},
    standard={"n": 100, "family": "gamma", "replicates": 100_000, "share": 25},
    target="ratio loop of fits >= 10; error <= 4", serial=True,
)  # fmt: skip
@workload(
    "risk-normal", "simulated estimation risk", quick={"n": 100, "family": "normal", "replicates": 200, "share": 10},
    standard={"n": 100, "family": "normal", "replicates": 100_000, "share": 10},
    target="ratio loop of fits >= 30; error <= 4", serial=True,
)  # fmt: skip
def risk(threads: int, n: int, family: str, replicates: int, share: int) -> Trial:
    """Loops over the fits of scipy take a part of the samples; the draws alone are what a loop cannot go below."""
    from scipy import stats

    law = stats.gamma(SHAPE) if family == "gamma" else stats.norm()
    loop, part = (gamma_loop if family == "gamma" else normal_loop), replicates // share

    def numpy_draw(generator: Any) -> Array:
        return generator.standard_gamma(SHAPE, n) if family == "gamma" else generator.standard_normal(n)

    def scipy_draw(generator: Any) -> Array:
        return law.rvs(n, random_state=generator)

    truth = exact_risk(family, n)
    contenders = [
        Contender("infostat", lambda: our_risk(family, n, replicates)),
        Contender("loop of fits", lambda: loop(numpy_draw, part), "scipy", share=share),
        Contender("loop of rvs and fits", lambda: loop(scipy_draw, part), "scipy", share=share),
        Contender("draws alone", lambda: draws_alone(family, n, replicates)),
    ]
    reference = "second-order expansion" if family == "gamma" else "exact risk"
    return Trial(contenders, lambda found: abs(found[0] - truth) / found[1], reference, "standard errors")


# ------------------------------------------------------------------------------------------- files
def write(path: Path, rows: int) -> None:
    """Correlated columns with heavy tails on scales from 1 to 1000, every digit printed; 100 000 rows, repeated."""
    import pandas as pd

    generator, d = np.random.default_rng(9), len(COLUMNS)
    mix = (np.eye(d) + 0.4 * np.tril(generator.normal(size=(d, d)), -1)).T * np.geomspace(1.0, 1000.0, d)
    block = min(rows, 100_000)
    x = generator.standard_t(9, size=(block, d)) + 0.3 * generator.standard_exponential((block, d))
    text = io.StringIO()
    pd.DataFrame(x @ mix + 10.0).to_csv(text, index=False, header=False)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(COLUMNS) + "\n")
        for _ in range(rows // block):
            file.write(text.getvalue())


def criterion_of(data: Any, order: int) -> list[float]:
    """T0 and first-order risk, for order 2 also the other terms and the second order."""
    from infostat import pn_criterion

    with warnings.catch_warnings(action="ignore"):  # cautions about tails are right and not the subject
        found = pn_criterion(data, "mvn", order=order)
    first = [found.terms.T0, found.risk1]
    return first if order == 1 else [*first, found.terms.T1, found.terms.T2, found.terms.T3, found.risk2]


@workload(
    "csv-1", "first-order criterion of a CSV file, one pass", quick={"n": 2000, "order": 1},
    standard={"n": 1_000_000, "order": 1}, full={"n": 4_000_000, "order": 1},
    target="ratio pandas.read_csv alone >= 0.33; error <= 1e-9; mib < 500", memory=True, serial=True,
)  # fmt: skip
@workload(
    "csv-2", "second-order criterion of a CSV file, one pass", quick={"n": 2000, "order": 2},
    standard={"n": 1_000_000, "order": 2}, full={"n": 4_000_000, "order": 2},
    target="error <= 1e-9; mib < 500", memory=True, serial=True,
)  # fmt: skip
def csv(threads: int, n: int, order: int) -> Trial:
    """110 bytes a row: more than 64 MB are read in chunks. Everybody finds the file in the cache of the system."""
    import pandas as pd

    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "rows.csv"
    write(path, n)
    contenders = [
        Contender("infostat", lambda: criterion_of(str(path), order)),
        Contender("pandas.read_csv alone", lambda: pd.read_csv(path), "pandas", error=lambda found: math.nan),
        Contender("read_csv, then in memory", lambda: criterion_of(pd.read_csv(path), order), "pandas"),
    ]
    judge = against(lambda: criterion_of(pd.read_csv(path), order))
    return Trial(contenders, judge, "the table in memory", close=folder.cleanup)
