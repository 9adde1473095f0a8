"""Kernel densities beside the packages one would use today.

    python benchmarks/bench_density.py [--threads 1 2] [--rounds 3] [--shrink 1] [WORKLOAD ...]

Workloads: ``d2``, ``d10``, ``d64``, ``d784`` (log density of a Gaussian kernel at new points),
``loo`` (leave-one-out curve over 50 bandwidths), ``memory``. Every thread count runs in a process
of its own, with BLAS, OpenMP and Numba set to it. The difference is the largest relative error on
five queries, against direct differences and sums in long double arithmetic: the line "long double"
holds ours, the others hold the alternative's. ``--shrink S`` asks 1/S of the queries (of the rows
for ``loo``), for a quick look. ``memory`` reports the peak beyond the inputs in MiB. A package that
is not installed is skipped.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _harness import (
    Contender,
    Row,
    alternate,
    environment,
    header,
    measure,
    ratio,
    relative_difference,
    report,
    show,
)

from infostat.density.evaluation import log_density

CHECKED = 5  # queries whose exact value is computed
# Rows, queries, bandwidth, what share of the queries the slow contenders get.
SIZES = {
    "d2": (20_000, 2000, 2, 0.2, 4),
    "d10": (50_000, 2000, 10, 0.6, 20),
    "d64": (50_000, 2000, 64, 1.0, 40),
    "d784": (20_000, 1000, 784, 1.0, 40),
}
TARGETS = {
    ("d2", "scipy gaussian_kde"): ">= 12",
    ("d10", "scipy gaussian_kde"): ">= 10",
    ("d10", "NumPy, careful"): ">= 3",
    ("d64", "scipy gaussian_kde"): ">= 15",
    ("d64", "NumPy, careful"): ">= 2",
    ("d784", "scipy gaussian_kde"): ">= 25",
    ("d784", "NumPy, careful"): ">= 1.3",
    ("loo", "NumPy, careful"): ">= 8",
    ("memory", ""): "< 64 MiB",
}
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def have(module: str) -> bool:
    """Whether a package is installed."""
    return importlib.util.find_spec(module) is not None


# -------------------------------------------------------------------------------- the alternatives
def constant(n: int, d: int, h: Any) -> Any:
    """Log of the constant of a Gaussian kernel estimate."""
    return -math.log(n) - d * np.log(h) - 0.5 * d * math.log(2.0 * math.pi)


def careful(X: Any, Q: Any, h: float) -> Any:
    """NumPy by someone who knows it: centred, one product a block, everything else in place."""
    (n, d), middle = X.shape, X.mean(axis=0)
    points, queries = (X - middle) / h, (Q - middle) / h
    norms, out = 0.5 * np.einsum("ij,ij->i", points, points), np.empty(len(Q))
    for start in range(0, len(Q), 32):
        block = queries[start : start + 32]
        terms = block @ points.T
        terms -= norms
        top = terms.max(axis=1)
        terms -= top[:, None]
        np.exp(terms, out=terms)
        own = 0.5 * np.einsum("ij,ij->i", block, block)
        out[start : start + 32] = top + np.log(terms.sum(axis=1)) - own
    return out + constant(n, d, h)


def plain(X: Any, Q: Any, h: float) -> Any:
    """NumPy and scipy.special.logsumexp as one first writes it, in blocks that fit into memory."""
    from scipy.special import logsumexp

    (n, d), norms = X.shape, (X**2).sum(axis=1)
    out = np.empty(len(Q))
    for start in range(0, len(Q), 256):
        block = Q[start : start + 256]
        squares = (block**2).sum(axis=1)[:, None] - 2.0 * block @ X.T + norms
        out[start : start + 256] = logsumexp(-0.5 / h**2 * squares, axis=1)
    return out + constant(n, d, h)


def scikit(X: Any, Q: Any, h: float) -> Any:
    """scikit-learn with one leaf, because smaller leaves lose digits in many dimensions."""
    from sklearn.neighbors import KernelDensity

    return KernelDensity(bandwidth=h, leaf_size=len(X), rtol=0.0, atol=0.0).fit(X).score_samples(Q)


def gaussian_kde(X: Any, Q: Any, h: float) -> Any:
    """scipy on data whose covariance is the identity, so that its bandwidth is h."""
    from scipy.stats import gaussian_kde as estimate

    return estimate(X.T, bw_method=h).logpdf(Q.T)


def exact(X: Any, Q: Any, h: float) -> Any:
    """Direct differences in long double arithmetic."""
    wide = np.longdouble
    out = []
    for q in Q:
        squares = np.zeros(len(X), dtype=wide)
        for k in range(X.shape[1]):
            squares += (X[:, k].astype(wide) - wide(q[k])) ** 2
        energies = squares / (2 * wide(h) ** 2)
        low = energies.min()
        out.append(np.log(np.exp(low - energies).sum()) - low)
    d = X.shape[1]
    # The constant in long double too, with pi to 19 digits.
    pi = wide(4) * np.arctan(wide(1))
    last = -np.log(wide(len(X))) - d * np.log(wide(h)) - wide(d) / 2 * np.log(2 * pi)
    return (np.array(out) + last).astype(float)


# ------------------------------------------------------------------------------------- log density
def white(n: int, m: int, d: int) -> tuple[Any, Any]:
    """Data whose sample covariance is the identity, and queries of the same law."""
    g = np.random.default_rng(41)
    X = g.standard_normal((n, d))
    X -= X.mean(axis=0)
    X = np.linalg.solve(np.linalg.cholesky(np.cov(X.T)), X.T).T.copy()
    return X, g.standard_normal((m, d))


def density(key: str, threads: int, rounds: int, shrink: int) -> list[Row]:
    """Log density at new points."""
    n, m, d, h, share = SIZES[key]
    m = max(m // shrink, CHECKED * 8)
    share = max(1, min(share, m // CHECKED))
    X, Q = white(n, m, d)
    slow = Q[: m // share]
    contenders = [
        Contender("infostat", lambda: log_density(X, Q, h, n_jobs=threads)),
        Contender("NumPy, careful", lambda: careful(X, Q, h)),
        Contender("NumPy + logsumexp", lambda: plain(X, Q, h), rounds=1),
        Contender("scipy gaussian_kde", lambda: gaussian_kde(X, slow, h), factor=m / len(slow), rounds=1),
    ]
    if have("sklearn"):
        contenders.append(Contender("scikit-learn", lambda: scikit(X, slow, h), factor=m / len(slow), rounds=1))
    few = Q[:2]
    for first in (plain, gaussian_kde, *([scikit] if have("sklearn") else [])):
        first(X[:2000], few, h)  # their imports are not timed
    alternate(contenders, rounds)
    truth, ours = exact(X, Q[:CHECKED], h), contenders[0]

    def error(contender: Contender) -> float:
        return relative_difference(contender.result[:CHECKED], truth)

    title = f"n = {n}, m = {m}, d = {d}, h = {h:g}"
    return [
        Row(title, ours.median, "long double", difference=error(ours), target="diff <= 1e-12"),
        *(
            Row(title, ours.median, other.label, other.median, ratio(ours, other), error(other),
                target=TARGETS.get((key, other.name), ""))
            for other in contenders[1:]
        ),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------ leave one out
def leave_one_out(X: Any, bandwidths: Any) -> Any:
    """The curve in NumPy: distances once, one exponential per bandwidth and pair."""
    (n, d), norms = X.shape, (X**2).sum(axis=1)
    out = np.zeros(len(bandwidths))
    for start in range(0, n, 256):
        squares = X[start : start + 256] @ (-2.0 * X.T)
        squares += norms
        squares += norms[start : start + 256, None]
        squares[np.arange(len(squares)), np.arange(start, start + len(squares))] = np.inf
        nearest = squares.min(axis=1)
        squares -= nearest[:, None]
        for j, h in enumerate(bandwidths):
            factor = -0.5 / h**2
            out[j] += np.sum(factor * nearest + np.log(np.exp(squares * factor).sum(axis=1)))
    return out / n + constant(n - 1, d, bandwidths)


def loo(threads: int, rounds: int, shrink: int) -> list[Row]:
    """Mean leave-one-out log density of 5000 rows for 50 bandwidths."""
    from infostat.density.loo_curve import loo_curve

    n = 5000 // shrink
    X, bandwidths = np.random.default_rng(42).standard_normal((n, 8)), np.geomspace(0.2, 2.0, 50)
    contenders = [
        Contender("infostat", lambda: loo_curve(X, bandwidths, n_jobs=threads)),
        Contender("NumPy, careful", lambda: leave_one_out(X, bandwidths), rounds=1),
        Contender("infostat, bandwidth by bandwidth",
                  lambda: log_density(X, None, bandwidths, loo=True, n_jobs=threads).mean(axis=1)),
    ]  # fmt: skip
    alternate(contenders, rounds)
    ours, title = contenders[0], f"leave-one-out, n = {n}, d = 8, 50 bandwidths"
    return [
        Row(title, ours.median, other.label, other.median, ratio(ours, other),
            relative_difference(ours.result, other.result), target=TARGETS.get(("loo", other.name), ""))
        for other in contenders[1:]
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------ memory
MEMORY = {"d = 10": (200_000, 2000, 10), "d = 64": (50_000, 2000, 64), "d = 784": (20_000, 1000, 784)}


def memory(threads: int, rounds: int, shrink: int) -> list[Row]:
    """Peak memory beyond the inputs, one thread and two."""
    found = []
    for name, (n, m, _) in MEMORY.items():
        for jobs in (1, 2):
            numbers = measure(__file__, name, str(jobs))
            used = numbers["peak"] - numbers["before"]
            title = f"memory, n = {n}, m = {m}, {name}, n_jobs = {jobs}"
            found.append(Row(title, numbers["seconds"], memory=used, target=TARGETS["memory", ""]))
    return found


def task(name: str, jobs: int) -> Callable[[], Any]:
    """Return one call whose memory `report` measures; its kernels are loaded before."""
    n, m, d = MEMORY[name]
    g = np.random.default_rng(43)
    X, Q = g.standard_normal((n, d)), g.standard_normal((m, d))
    log_density(X[:4000].copy(), Q[:200].copy(), 1.0, n_jobs=jobs)
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")  # the largest resident set starts afresh, without the compiler's share
    return lambda: log_density(X, Q, 1.0, n_jobs=jobs)


WORKLOADS: dict[str, Callable[[int, int, int], list[Row]]] = {
    **{key: partial(density, key) for key in SIZES},
    "loo": loo,
    "memory": memory,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the workloads at every thread count and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("workload", nargs="*", choices=[*WORKLOADS, []], help="all if none is named")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shrink", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, metavar=("NAME", "JOBS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.measure:
        report(task(chosen.measure[0], int(chosen.measure[1])))
        return
    names = chosen.workload or list(WORKLOADS)
    if chosen.inside:
        show([row for name in names for row in WORKLOADS[name](chosen.threads[0], chosen.rounds, chosen.shrink)])
        return
    peers = ["scikit-learn"] if have("sklearn") else []
    header("Kernel densities", ("numpy", "scipy", "numba", *peers))
    for count in chosen.threads:
        here = [name for name in names if name != "memory" or count == chosen.threads[0]]
        if not here:
            continue
        print(f"{count} thread{'s' if count > 1 else ''}", flush=True)
        command = [sys.executable, __file__, *here, "--inside", "--threads", str(count)]
        env = environment(**{name: str(count) for name in VARIABLES})
        options = ["--rounds", str(chosen.rounds), "--shrink", str(chosen.shrink)]
        subprocess.run([*command, *options], check=True, env=env)
        print(flush=True)


if __name__ == "__main__":
    main()
