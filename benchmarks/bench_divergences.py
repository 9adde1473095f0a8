"""Divergences, entropies and transport beside the packages one would use today.

    python benchmarks/bench_divergences.py [--threads 1 2] [--rounds 3] [WORKLOAD ...]

Workloads: ``ksg``, ``entropy30``, ``entropy3``, ``w1``, ``sliced``, ``sinkhorn``, ``tables``,
``memory``. Every thread count runs in a process of its own, with BLAS, OpenMP, Numba and the
``workers=`` or ``n_jobs=`` of each contender set to it. The difference is relative to the
alternative's value. ``memory`` reports the peak beyond the inputs, in MiB, of one call each with
`LARGE` rows; it takes minutes and runs at one thread only. A package that is not installed is skipped.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
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

import infostat.divergences as iv

LARGE = 200_000
TARGETS = {
    ("ksg", "scipy cKDTree"): ">= 3",
    ("ksg", "infomeasure"): ">= 8",
    ("entropy30", "scipy cKDTree"): ">= 6",
    ("entropy30", "scikit-learn brute"): "parity",
    ("entropy3", "scipy cKDTree"): ">= 0.9",
    ("w1", "scipy"): ">= 12",
    ("sliced", "POT"): ">= 8",
    ("sinkhorn", "POT sinkhorn_log"): ">= 4, diff <= 1e-8",
    ("tables", "NumPy by hand"): ">= 1",
    ("memory", ""): "< 64 MiB",
}
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def have(module: str) -> bool:
    """Whether a package is installed."""
    return importlib.util.find_spec(module) is not None


def compare(key: str, title: str, contenders: Sequence[Contender], rounds: int) -> list[Row]:
    """Time ours (first) beside the others and return one row for each of them."""
    alternate(contenders, rounds)
    ours = contenders[0]
    return [
        Row(title, ours.median, other.label, other.median, ratio(ours, other),
            relative_difference(ours.result, other.result), target=TARGETS.get((key, other.name), ""))
        for other in contenders[1:]
    ]  # fmt: skip


# ------------------------------------------------------------------------------ nearest neighbours
def ksg(threads: int, rounds: int) -> list[Row]:
    """Mutual information of 100 000 correlated pairs."""
    from scipy.spatial import cKDTree
    from scipy.special import digamma

    k, g = 4, np.random.default_rng(31)
    x, noise = g.standard_normal((2, 100_000))
    y = 0.6 * x + 0.8 * noise

    def tree() -> float:
        joint = np.column_stack([x, y])
        radius = cKDTree(joint).query(joint, [k + 1], p=np.inf, workers=threads)[0][:, 0]
        total = 0.0
        for column in (x[:, None], y[:, None]):
            # A ball of the next smaller radius: the tree counts points up to it, itself included.
            inside = cKDTree(column).query_ball_point(
                column, np.nextafter(radius, 0.0), p=np.inf, return_length=True, workers=threads
            )
            total += float(digamma(inside).mean())
        return float(digamma(k) + digamma(len(x))) - total

    contenders = [
        Contender("infostat", lambda: iv.mi_ksg(x, y, k, standard_error=False, n_jobs=threads).value),
        Contender("scipy cKDTree", tree),
    ]
    if have("infomeasure"):
        import infomeasure

        contenders.append(
            Contender(
                "infomeasure",
                lambda: infomeasure.mutual_information(x, y, approach="metric", k=k, noise_level=0),
            )
        )
    return compare("ksg", "KSG information, n = 100 000", contenders, rounds)


def tree_entropy(sample: Any, k: int, threads: int) -> float:
    """Kozachenko-Leonenko with scipy's tree."""
    from scipy.spatial import cKDTree

    return entropy_from_radii(cKDTree(sample).query(sample, [k + 1], workers=threads)[0][:, 0], sample, k)


def entropy_from_radii(radii: Any, sample: Any, k: int) -> float:
    """The Kozachenko-Leonenko formula."""
    from scipy.special import digamma

    n, d = sample.shape
    ball = 0.5 * d * math.log(math.pi) - math.lgamma(0.5 * d + 1.0)
    return float(digamma(n) - digamma(k) + ball + d * np.log(radii).mean())


def entropy(key: str, n: int, d: int, threads: int, rounds: int) -> list[Row]:
    """Neighbour entropy of n normal rows in d dimensions."""
    k, sample = 4, np.random.default_rng(32).standard_normal((n, d))
    contenders = [
        Contender("infostat", lambda: iv.entropy_knn(sample, k, standard_error=False, n_jobs=threads).value),
        Contender("scipy cKDTree", lambda: tree_entropy(sample, k, threads)),
    ]
    if n <= 20_000 and have("sklearn"):
        from sklearn.neighbors import NearestNeighbors

        def brute() -> float:
            search = NearestNeighbors(n_neighbors=k + 1, algorithm="brute", n_jobs=threads).fit(sample)
            return entropy_from_radii(search.kneighbors(sample)[0][:, k], sample, k)

        contenders.append(Contender("scikit-learn brute", brute))
    return compare(key, f"kNN entropy, n = {n}, d = {d}", contenders, rounds)


# --------------------------------------------------------------------------------------- transport
def w1(threads: int, rounds: int) -> list[Row]:
    """W1 of two samples of a million points."""
    from scipy.stats import wasserstein_distance

    g = np.random.default_rng(33)
    x, y = g.standard_normal(1_000_000), 1.2 * g.standard_normal(1_000_000) + 0.5
    contenders = [
        Contender("infostat", lambda: iv.wasserstein_1d(x, y)),
        Contender("scipy", lambda: wasserstein_distance(x, y)),
    ]
    if have("ot"):
        import ot

        contenders.append(Contender("POT", lambda: float(ot.wasserstein_1d(x, y))))
    return compare("w1", "W1 on the line, n = 10^6", contenders, rounds)


def sliced(threads: int, rounds: int) -> list[Row]:
    """Sliced W2, 10 000 rows of 20 columns, 200 directions."""
    if not have("ot"):
        return []
    import ot

    g = np.random.default_rng(34)
    X, Y = g.standard_normal((10_000, 20)), g.standard_normal((10_000, 20)) + 0.5
    directions = g.standard_normal((200, 20))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    contenders = [
        Contender("infostat", lambda: iv.sliced_wasserstein(X, Y, 2, directions=directions)),
        Contender("POT", lambda: float(ot.sliced_wasserstein_distance(X, Y, projections=directions.T))),
    ]
    return compare("sliced", "sliced W2, n = 10 000, d = 20", contenders, rounds)


def sinkhorn(threads: int, rounds: int) -> list[Row]:
    """Entropic transport between 2000 and 2000 points; the difference is that of the costs."""
    if not have("ot"):
        return []
    import ot

    g = np.random.default_rng(35)
    X, Y = g.standard_normal((2000, 5)), g.standard_normal((2000, 5)) + 0.5
    C, mass = ot.dist(X, Y), np.full(2000, 1.0 / 2000)

    def peer() -> float:
        return float(ot.sinkhorn2(mass, mass, C, 1.0, method="sinkhorn_log", numItermax=10_000, stopThr=1e-11))

    contenders = [
        Contender("infostat", lambda: iv.sinkhorn(None, None, C, 1.0, n_jobs=threads).transport_cost),
        Contender("POT sinkhorn_log", peer, rounds=1),
    ]
    return compare("sinkhorn", "Sinkhorn 2000 x 2000, eps = 1", contenders, rounds)


# ------------------------------------------------------------------------------------------ tables
def tables(threads: int, rounds: int) -> list[Row]:
    """Divergences of 100 000 pairs of rows with 100 cells, no zeros (the easy case for NumPy)."""
    g = np.random.default_rng(36)
    P, Q = g.dirichlet(np.ones(100), size=(2, 100_000))

    def js_by_hand() -> Any:
        middle = 0.5 * (P + Q)
        return 0.5 * ((P * np.log(P / middle)).sum(axis=1) + (Q * np.log(Q / middle)).sum(axis=1))

    pairs: list[tuple[str, Callable[[], Any], Callable[[], Any]]] = [
        ("kl", lambda: iv.kl(P, Q), lambda: (P * np.log(P / Q)).sum(axis=1)),
        ("js", lambda: iv.js(P, Q), js_by_hand),
        ("hellinger", lambda: iv.hellinger(P, Q), lambda: 0.5 * ((np.sqrt(P) - np.sqrt(Q)) ** 2).sum(axis=1)),
        ("tv", lambda: iv.tv(P, Q), lambda: 0.5 * np.abs(P - Q).sum(axis=1)),
        ("renyi 2", lambda: iv.renyi(P, Q, 2), lambda: np.log((P * P / Q).sum(axis=1))),
    ]
    found = []
    for name, ours, hand in pairs:
        contenders = [Contender("infostat", ours), Contender("NumPy by hand", hand)]
        found += compare("tables", f"{name}, 10^5 rows x 100", contenders, rounds)
    return found


# ------------------------------------------------------------------------------------------ memory
def memory(threads: int, rounds: int) -> list[Row]:
    """Peak memory of blocked kernels beyond their inputs."""
    found = []
    for name in KERNELS:
        numbers = measure(__file__, name, str(LARGE))
        used = numbers["peak"] - numbers["before"]
        target = "" if "tree" in name else TARGETS["memory", ""]
        found.append(Row(f"{name}, n = {LARGE}", numbers["seconds"], memory=used, target=target))
    return found


KERNELS: dict[str, Callable[[Any, Any], Any]] = {
    "kNN entropy d = 3 (scipy's tree)": lambda X, Y: iv.entropy_knn(X, standard_error=False),
    "kNN entropy d = 16": lambda X, Y: iv.entropy_knn(X, standard_error=False),
    "KSG": lambda X, Y: iv.mi_ksg(X[:, 0], Y[:, 0], standard_error=False),
    "MMD": lambda X, Y: iv.mmd(X, Y, bandwidth=1.0),
    "energy distance": lambda X, Y: iv.energy_distance(X, Y),
    "HSIC, Gaussian": lambda X, Y: iv.hsic(X, Y, kernel="gaussian", bandwidth=1.0),
}


def task(name: str, n: int) -> Callable[[], Any]:
    """Return one call whose memory `report` measures; its kernels are loaded before."""
    g = np.random.default_rng(37)
    columns = 16 if name.endswith("16") else 3
    X, Y = g.standard_normal((n, columns)), g.standard_normal((n, columns)) + 0.5
    run = KERNELS[name]
    run(X[:3000].copy(), Y[:3000].copy())
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")  # the largest resident set starts afresh, without the compiler's share
    return lambda: run(X, Y)


WORKLOADS: dict[str, Callable[[int, int], list[Row]]] = {
    "ksg": ksg,
    "entropy30": lambda threads, rounds: entropy("entropy30", 10_000, 30, threads, rounds),
    "entropy3": lambda threads, rounds: entropy("entropy3", 100_000, 3, threads, rounds),
    "w1": w1,
    "sliced": sliced,
    "sinkhorn": sinkhorn,
    "tables": tables,
    "memory": memory,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the workloads at every thread count and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("workload", nargs="*", choices=[*WORKLOADS, []], help="all if none is named")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, metavar=("NAME", "ROWS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.measure:
        report(task(chosen.measure[0], int(chosen.measure[1])))
        return
    names = chosen.workload or list(WORKLOADS)
    if chosen.inside:
        timed = [name for name in names if name != "memory"]
        for group in (timed, ["memory"] if "memory" in names else []):  # memory takes minutes: last, by itself
            rows = [row for name in group for row in WORKLOADS[name](chosen.threads[0], chosen.rounds)]
            if rows:
                show(rows)
                sys.stdout.flush()
        return
    peers = [name for name, module in (("POT", "ot"), ("scikit-learn", "sklearn"), ("infomeasure",) * 2)
             if have(module)]  # fmt: skip
    header("Divergences, entropies, transport", ("numpy", "scipy", "numba", *peers))
    for count in chosen.threads:
        here = [name for name in names if name != "memory" or count == chosen.threads[0]]
        print(f"{count} thread{'s' if count > 1 else ''}", flush=True)
        command = [sys.executable, __file__, *here, "--inside", "--threads", str(count)]
        env = environment(**{name: str(count) for name in VARIABLES})
        subprocess.run([*command, "--rounds", str(chosen.rounds)], check=True, env=env)
        print(flush=True)


if __name__ == "__main__":
    main()
