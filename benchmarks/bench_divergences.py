"""Divergences, entropies, dependence and transport.

The threads of a contender are those of BLAS and of its ``workers=`` or ``n_jobs=``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ._registry import Contender, Kept, Trial, against, workload

K = 4  # neighbours


# ------------------------------------------------------------------------------ nearest neighbours
def tree_information(x: Any, y: Any, threads: int) -> float:
    """KSG estimator 1 with scipy's tree."""
    from scipy.spatial import cKDTree
    from scipy.special import digamma

    joint = np.column_stack([x, y])
    radius = cKDTree(joint).query(joint, [K + 1], p=np.inf, workers=threads)[0][:, 0]
    total = 0.0
    for column in (x[:, None], y[:, None]):
        # A ball of the next smaller radius: the tree counts points up to it, itself included.
        inside = cKDTree(column).query_ball_point(
            column, np.nextafter(radius, 0.0), p=np.inf, return_length=True, workers=threads
        )
        total += float(digamma(inside).mean())
    return float(digamma(K) + digamma(len(x))) - total


def pairwise_information(x: Any, y: Any) -> float:
    """KSG estimator 1 as it is defined: all distances, strict inequalities."""
    from scipy.special import digamma

    total = 0.0
    for start in range(0, len(x), 500):
        dx = np.abs(x[start : start + 500, None] - x)
        dy = np.abs(y[start : start + 500, None] - y)
        radius = np.partition(np.maximum(dx, dy), K, axis=1)[:, K, None]
        total += float((digamma((dx < radius).sum(axis=1)) + digamma((dy < radius).sum(axis=1))).sum())
    return float(digamma(K) + digamma(len(x))) - total / len(x)


def infomeasure_information(x: Any, y: Any) -> float:
    """infomeasure, without the noise it adds otherwise."""
    import infomeasure

    return float(infomeasure.mutual_information(x, y, approach="metric", k=K, noise_level=0))


def ennemi_information(x: Any, y: Any) -> float:
    """ennemi."""
    import ennemi

    return float(ennemi.estimate_mi(y, x, k=K)[0, 0])


def npeet_information(x: Any, y: Any) -> float:
    """npeet-plus, in nats."""
    import npeet_plus

    return float(npeet_plus.mi(x[:, None], y[:, None], k=K, base=math.e))


def scikit_information(x: Any, y: Any) -> float:
    """scikit-learn, which scales its columns and adds noise."""
    from sklearn.feature_selection import mutual_info_regression

    return float(mutual_info_regression(x[:, None], y, n_neighbors=K, random_state=0)[0])


@workload(
    "ksg-10k", "mutual information of two columns (KSG 1, k = 4)", quick={"n": 500}, standard={"n": 10_000},
    target="ratio scipy cKDTree >= 3; ratio infomeasure >= 8; error <= 1e-10",
)  # fmt: skip
@workload(
    "ksg-100k", "mutual information of two columns (KSG 1, k = 4)", quick={"n": 500}, standard={"n": 100_000},
    target="ratio scipy cKDTree >= 3; ratio infomeasure >= 8; mib < 64", memory=True,
)  # fmt: skip
def ksg(threads: int, n: int) -> Trial:
    """Correlated normal pairs; all distances are the reference where they are few enough."""
    from infostat.divergences import mi_ksg

    x, noise = np.random.default_rng(31).standard_normal((2, n))
    y = 0.6 * x + 0.8 * noise
    few = n <= 20_000
    runs: list[tuple[str, Callable[[], float], str, str]] = [
        ("infostat", lambda: mi_ksg(x, y, K, standard_error=False, n_jobs=threads).value, "", ""),
        ("scipy cKDTree", lambda: tree_information(x, y, threads), "scipy", ""),
        ("infomeasure", lambda: infomeasure_information(x, y), "infomeasure", ""),
        ("ennemi", lambda: ennemi_information(x, y), "ennemi", ""),
        ("scikit-learn", lambda: scikit_information(x, y), "scikit-learn", "sklearn"),
    ]
    if few:
        runs.append(("npeet-plus", lambda: npeet_information(x, y), "npeet-plus", "npeet_plus"))
    judge = against(lambda: pairwise_information(x, y) if few else tree_information(x, y, threads))
    return Trial([Contender(*entry) for entry in runs], judge, "all distances" if few else "scipy cKDTree")


def entropy_from_radii(radii: Any, sample: Any) -> float:
    """The Kozachenko-Leonenko formula."""
    from scipy.special import digamma

    n, d = sample.shape
    ball = 0.5 * d * math.log(math.pi) - math.lgamma(0.5 * d + 1.0)
    return float(digamma(n) - digamma(K) + ball + d * np.log(radii).mean())


def tree_entropy(sample: Any, threads: int) -> float:
    """Kozachenko-Leonenko with scipy's tree."""
    from scipy.spatial import cKDTree

    return entropy_from_radii(cKDTree(sample).query(sample, [K + 1], workers=threads)[0][:, 0], sample)


def brute_entropy(sample: Any, threads: int) -> float:
    """Kozachenko-Leonenko with scikit-learn's reduction over all pairs."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=K + 1, algorithm="brute", n_jobs=threads).fit(sample)
    return entropy_from_radii(search.kneighbors(sample)[0][:, K], sample)


def infomeasure_entropy(sample: Any) -> float:
    """infomeasure with Euclidean balls and without noise."""
    import infomeasure

    return float(infomeasure.entropy(sample, approach="metric", k=K, noise_level=0, minkowski_p=2))


@workload(
    "entropy-d3", "neighbour entropy (k = 4)", quick={"n": 500, "d": 3}, standard={"n": 100_000, "d": 3},
    target="ratio scipy cKDTree >= 0.9; error <= 1e-12", memory=True,
)  # fmt: skip
@workload(
    "entropy-d30", "neighbour entropy (k = 4)", quick={"n": 500, "d": 30}, standard={"n": 10_000, "d": 30},
    target="ratio scipy cKDTree >= 6; ratio scikit-learn brute >= 0.9; error <= 1e-12; mib < 64", memory=True,
)  # fmt: skip
def entropy(threads: int, n: int, d: int) -> Trial:
    """Normal rows."""
    from infostat.divergences import entropy_knn

    sample = np.random.default_rng(32).standard_normal((n, d))
    tree = Kept(lambda: tree_entropy(sample, threads))
    contenders = [
        Contender("infostat", lambda: entropy_knn(sample, K, standard_error=False, n_jobs=threads).value),
        Contender("scipy cKDTree", tree, "scipy"),
        Contender("infomeasure", lambda: infomeasure_entropy(sample), "infomeasure"),
    ]
    if n <= 20_000:
        brute = Contender("scikit-learn brute", lambda: brute_entropy(sample, threads), "scikit-learn", "sklearn")
        contenders.append(brute)
    return Trial(contenders, against(tree.latest), "scipy cKDTree")


@workload(
    "kl-neighbours", "divergence of two samples (k = 4)", quick={"n": 500, "d": 5},
    standard={"n": 50_000, "d": 5}, target="error <= 1e-12",
)  # fmt: skip
def kl_neighbours(threads: int, n: int, d: int) -> Trial:
    """Two normal samples, the second wider."""
    from infostat.divergences import kl_knn

    X, Y = np.random.default_rng(3).standard_normal((n, d)), 1.2 * np.random.default_rng(4).standard_normal((n, d))

    def tree() -> float:
        from scipy.spatial import cKDTree

        own = cKDTree(X).query(X, [K + 1], workers=threads)[0]
        other = cKDTree(Y).query(X, [K], workers=threads)[0]
        return float(d * np.mean(np.log(other / own)) + math.log(len(Y) / (n - 1)))

    contenders = [
        Contender("infostat", lambda: kl_knn(X, Y, K, standard_error=False, n_jobs=threads).value),
        Contender("scipy cKDTree", tree, "scipy"),
    ]
    return Trial(contenders, against(tree), "scipy cKDTree")


# --------------------------------------------------------------------------------------- transport
@workload(
    "wasserstein-line", "W1 of two samples on the line", quick={"n": 1000}, standard={"n": 1_000_000},
    target="ratio scipy >= 12; error <= 1e-12", serial=True,
)  # fmt: skip
def wasserstein_line(threads: int, n: int) -> Trial:
    """Two normal samples of one size."""
    from infostat.divergences import wasserstein_1d

    g = np.random.default_rng(33)
    x, y = g.standard_normal(n), 1.2 * g.standard_normal(n) + 0.5

    def pot() -> float:
        import ot

        return float(ot.wasserstein_1d(x, y))

    def scipy() -> float:
        from scipy.stats import wasserstein_distance

        return float(wasserstein_distance(x, y))

    contenders = [
        Contender("infostat", lambda: wasserstein_1d(x, y)),
        Contender("scipy", scipy, "scipy"),
        Contender("POT", pot, "POT", "ot"),
        Contender("NumPy, two sorts", lambda: float(np.abs(np.sort(x) - np.sort(y)).mean())),
    ]
    judge = against(lambda: np.abs(np.sort(x).astype(np.longdouble) - np.sort(y)).mean())
    return Trial(contenders, judge, "long double")


@workload(
    "wasserstein-sliced", "sliced W2", quick={"n": 200, "d": 20, "directions": 10},
    standard={"n": 10_000, "d": 20, "directions": 200}, target="ratio POT >= 8; error <= 1e-12",
)  # fmt: skip
def wasserstein_sliced(threads: int, n: int, d: int, directions: int) -> Trial:
    """Shifted normal samples."""
    from infostat.divergences import sliced_wasserstein

    g = np.random.default_rng(34)
    X, Y = g.standard_normal((n, d)), g.standard_normal((n, d)) + 0.5
    axes = g.standard_normal((directions, d))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)

    def by_hand(kind: type = np.float64) -> float:
        shadows = [np.sort(Z.astype(kind) @ axes.T.astype(kind), axis=0) for Z in (X, Y)]
        return float(np.sqrt(np.mean((shadows[0] - shadows[1]) ** 2)))

    def pot() -> float:
        import ot

        return float(ot.sliced_wasserstein_distance(X, Y, projections=axes.T))

    contenders = [
        Contender("infostat", lambda: sliced_wasserstein(X, Y, 2, directions=axes)),
        Contender("POT", pot, "POT", "ot"),
        Contender("NumPy, sorted columns", by_hand),
    ]
    return Trial(contenders, against(lambda: by_hand(np.longdouble)), "long double")


@workload(
    "sinkhorn", "entropic transport cost, eps = 1", quick={"n": 50, "d": 5}, standard={"n": 2000, "d": 5},
    target="ratio POT sinkhorn_log >= 4; error <= 1e-8",
)  # fmt: skip
def sinkhorn(threads: int, n: int, d: int) -> Trial:
    """Squared distances of shifted normal samples."""
    from scipy.spatial.distance import cdist

    from infostat.divergences import sinkhorn as ours

    g = np.random.default_rng(35)
    X, Y = g.standard_normal((n, d)), g.standard_normal((n, d)) + 0.5
    C, mass = cdist(X, Y, "sqeuclidean"), np.full(n, 1.0 / n)

    def pot(method: str) -> float:
        import ot

        return float(ot.sinkhorn2(mass, mass, C, 1.0, method=method, numItermax=10_000, stopThr=1e-11))

    contenders = [
        Contender("infostat", lambda: ours(None, None, C, 1.0, n_jobs=threads).transport_cost),
        Contender("POT sinkhorn_log", lambda: pot("sinkhorn_log"), "POT", "ot"),
        Contender("POT sinkhorn", lambda: pot("sinkhorn"), "POT", "ot"),
    ]
    judge = against(lambda: ours(None, None, C, 1.0, tol=1e-13, n_jobs=threads).transport_cost)
    return Trial(contenders, judge, "infostat with tol = 1e-13")


# ------------------------------------------------------------------------------------------ kernels
def gaussian(X: Any, Y: Any) -> Any:
    """Gaussian kernel of width 1 by scikit-learn."""
    from sklearn.metrics.pairwise import rbf_kernel

    return rbf_kernel(X, Y, 0.5)


def scikit_mmd(X: Any, Y: Any) -> float:
    """Three kernel matrices."""
    return float(gaussian(X, X).mean() + gaussian(Y, Y).mean() - 2.0 * gaussian(X, Y).mean())


def scikit_hsic(X: Any, Y: Any) -> float:
    """Two kernel matrices, one of them centred in both ways."""
    first, second = gaussian(X, X), gaussian(Y, Y)
    first -= first.mean(axis=0)
    first -= first.mean(axis=1, keepdims=True)
    return float(np.vdot(first, second)) / (len(X) - 1) ** 2


def scipy_energy(X: Any, Y: Any) -> float:
    """Three distance matrices of scipy."""
    from scipy.spatial.distance import cdist

    return math.sqrt(2.0 * cdist(X, Y).mean() - cdist(X, X).mean() - cdist(Y, Y).mean())


PAIRS: dict[str, tuple[str, Callable[[Any, Any, Any], float], tuple[Any, ...]]] = {
    "mmd": (
        "squared MMD, Gaussian kernel of width 1",
        lambda iv, X, Y: iv.mmd(X, Y, bandwidth=1.0),
        ("scikit-learn matrices", scikit_mmd, "scikit-learn", "sklearn"),
    ),
    "hsic": (
        "HSIC, Gaussian kernels of width 1",
        lambda iv, X, Y: iv.hsic(X, Y, kernel="gaussian", bandwidth=1.0),
        ("scikit-learn matrices", scikit_hsic, "scikit-learn", "sklearn"),
    ),
    "energy": (
        "energy distance",
        lambda iv, X, Y: iv.energy_distance(X, Y),
        ("scipy matrices", scipy_energy, "scipy", "scipy"),
    ),
}


def pairs(name: str, threads: int, n: int, d: int) -> Trial:
    """Sums over all pairs of rows, beside whole matrices."""
    import infostat.divergences as iv

    g = np.random.default_rng(37)
    X, Y = g.standard_normal((n, d)), g.standard_normal((n, d)) + 0.5
    _, ours, (words, peer, package, module) = PAIRS[name]
    contenders = [Contender("infostat", lambda: ours(iv, X, Y))]
    if n > 20_000:  # a matrix would take 320 GB
        return Trial(contenders)
    contenders.append(Contender(words, lambda: peer(X, Y), package, module))
    return Trial(contenders, against(lambda: peer(X, Y)), words)


for _name, (_what, *_) in PAIRS.items():
    workload(
        _name, _what, quick={"n": 200, "d": 3}, standard={"n": 6000, "d": 3}, full={"n": 200_000, "d": 3},
        target="error <= 1e-10; mib < 64", memory=True, serial=True,
    )(partial(pairs, _name))  # fmt: skip


# ------------------------------------------------------------------------------------------- tables
TABLES: dict[str, tuple[Callable[[Any, Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "kl": (lambda iv, P, Q: iv.kl(P, Q), lambda P, Q: (P * np.log(P / Q)).sum(axis=1)),
    "js": (
        lambda iv, P, Q: iv.js(P, Q),
        lambda P, Q: 0.5 * ((P * np.log(2 * P / (P + Q))).sum(axis=1) + (Q * np.log(2 * Q / (P + Q))).sum(axis=1)),
    ),
    "hellinger": (
        lambda iv, P, Q: iv.hellinger(P, Q),
        lambda P, Q: ((np.sqrt(P) - np.sqrt(Q)) ** 2).sum(axis=1) / 2,
    ),
    "tv": (lambda iv, P, Q: iv.tv(P, Q), lambda P, Q: np.abs(P - Q).sum(axis=1) / 2),
    "renyi-2": (lambda iv, P, Q: iv.renyi(P, Q, 2), lambda P, Q: np.log((P * P / Q).sum(axis=1))),
}
CHECKED = 2000  # rows that are computed in long double


def table(name: str, threads: int, n: int, cells: int) -> Trial:
    """Pairs of rows without zeros, the easy case for NumPy."""
    import infostat.divergences as iv

    g = np.random.default_rng(36)
    P, Q = g.dirichlet(np.ones(cells), size=(2, n))
    ours, by_hand = TABLES[name]
    judge = against(lambda: by_hand(*(rows[:CHECKED].astype(np.longdouble) for rows in (P, Q))))
    contenders = [Contender("infostat", lambda: ours(iv, P, Q)), Contender("NumPy by hand", lambda: by_hand(P, Q))]
    return Trial(contenders, judge, "long double, 2000 rows")


for _name in TABLES:
    workload(
        f"table-{_name}", f"{_name} of pairs of rows of a table", quick={"n": 200, "cells": 100},
        standard={"n": 100_000, "cells": 100}, target="ratio NumPy by hand >= 1; error <= 1e-12",
    )(partial(table, _name))  # fmt: skip
