"""Kernel densities and their simulations.

Log densities are judged against direct differences and sums in long double arithmetic. Contenders of a
simulation draw different random numbers, so that their errors are distances from the exact mean in
standard errors. scikit-learn's estimate has one leaf, because smaller leaves lose digits in many dimensions.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ._registry import Contender, Trial, against, workload

CHECKED = 5  # queries whose exact value is computed
H = 1.0  # bandwidth of the simulated kernel sums
CHUNK = 8192
SEED = 3


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
    """scikit-learn, exact, one leaf."""
    from sklearn.neighbors import KernelDensity

    return KernelDensity(bandwidth=h, leaf_size=len(X), rtol=0.0, atol=0.0).fit(X).score_samples(Q)


def gaussian_kde(X: Any, Q: Any, h: float) -> Any:
    """scipy on data whose covariance is the identity, so that its bandwidth is h."""
    from scipy.stats import gaussian_kde as estimate

    return estimate(X.T, bw_method=h).logpdf(Q.T)


def kdepy(X: Any, Q: Any, h: float) -> Any:
    """KDEpy's tree."""
    from KDEpy import TreeKDE

    return np.log(TreeKDE(bw=h).fit(X).evaluate(Q))


def kde_multivariate(X: Any, Q: Any, h: float) -> Any:
    """statsmodels."""
    from statsmodels.nonparametric.kernel_density import KDEMultivariate

    d = X.shape[1]
    return np.log(KDEMultivariate(X, "c" * d, bw=[h] * d).pdf(Q))


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
    pi = wide(4) * np.arctan(wide(1))  # to 19 digits
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


QUICK = {"n": 400, "m": 20, "d": 2, "h": 0.5}


@workload(
    "kde-d2", "log density at new points", quick=QUICK, standard={"n": 20_000, "m": 2000, "d": 2, "h": 0.2},
    target="ratio scipy gaussian_kde >= 12; error <= 1e-12; mib < 64", memory=True,
)  # fmt: skip
@workload(
    "kde-d10", "log density at new points", quick={**QUICK, "d": 10},
    standard={"n": 50_000, "m": 2000, "d": 10, "h": 0.6},
    target="ratio scipy gaussian_kde >= 10; ratio NumPy, careful >= 3; error <= 1e-12; mib < 64", memory=True,
)  # fmt: skip
@workload(
    "kde-d64", "log density at new points", quick={**QUICK, "d": 64},
    standard={"n": 50_000, "m": 2000, "d": 64, "h": 1.0},
    target="ratio scipy gaussian_kde >= 15; ratio NumPy, careful >= 2; error <= 1e-12; mib < 64", memory=True,
)  # fmt: skip
@workload(
    "kde-d784", "log density at new points", quick={"n": 800, "m": 20, "d": 784, "h": 1.0},
    standard={"n": 20_000, "m": 1000, "d": 784, "h": 1.0},
    target="ratio scipy gaussian_kde >= 25; ratio NumPy, careful >= 1.3; error <= 1e-12; mib < 64", memory=True,
)  # fmt: skip
def density(threads: int, n: int, m: int, d: int, h: float) -> Trial:
    """A Gaussian kernel estimate at new points."""
    from infostat.density import log_density

    X, Q = white(n, m, d)
    judge = against(lambda: exact(X, Q[:CHECKED], h))
    contenders = [
        Contender("infostat", lambda: log_density(X, Q, h, n_jobs=threads)),
        Contender("NumPy, careful", lambda: careful(X, Q, h)),
        Contender("NumPy + logsumexp", lambda: plain(X, Q, h)),
    ]
    if threads == 1 or d < 50:  # slow beyond, and neither uses a second thread
        contenders += [
            Contender("scipy gaussian_kde", lambda: gaussian_kde(X, Q, h), "scipy"),
            Contender("scikit-learn", lambda: scikit(X, Q, h), "scikit-learn", "sklearn"),
        ]
    if d == 2:
        few = Q[: max(m // 10, CHECKED)]
        contenders += [
            Contender("KDEpy TreeKDE", lambda: kdepy(X, Q, h), "KDEpy"),
            Contender("statsmodels", lambda: kde_multivariate(X, few, h), "statsmodels", share=m / len(few)),
        ]
    return Trial(contenders, judge, "long double, 5 queries")


# ------------------------------------------------------------------------------------ leave one out
def leave_one_out(X: Any, bandwidths: Any, kind: type = np.float64) -> Any:
    """The curve in NumPy: distances once, one exponential per bandwidth and pair."""
    (n, d), X = X.shape, X.astype(kind)
    norms, out = (X**2).sum(axis=1), np.zeros(len(bandwidths), dtype=kind)
    for start in range(0, n, 256):
        squares = X[start : start + 256] @ (-2.0 * X.T)
        squares += norms
        squares += norms[start : start + 256, None]
        squares[np.arange(len(squares)), np.arange(start, start + len(squares))] = np.inf
        nearest = squares.min(axis=1)
        squares -= nearest[:, None]
        for j, h in enumerate(bandwidths):
            factor = kind(-0.5) / kind(h) ** 2
            out[j] += np.sum(factor * nearest + np.log(np.exp(squares * factor).sum(axis=1)))
    return out / n + constant(n - 1, d, bandwidths)


@workload(
    "kde-loo", "leave-one-out curve over bandwidths", quick={"n": 300, "d": 8, "bandwidths": 5},
    standard={"n": 5000, "d": 8, "bandwidths": 50},
    target="ratio NumPy, careful >= 8; error <= 1e-12",
)  # fmt: skip
def loo(threads: int, n: int, d: int, bandwidths: int) -> Trial:
    """Mean leave-one-out log density; scikit-learn's ten folds are the nearest thing, with another value."""
    from infostat.density import log_density
    from infostat.density.loo_curve import loo_curve

    X, grid = np.random.default_rng(42).standard_normal((n, d)), np.geomspace(0.2, 2.0, bandwidths)
    picked = [0, bandwidths // 2]
    truth = against(lambda: leave_one_out(X, grid[picked], np.longdouble))

    def folds() -> None:
        from sklearn.model_selection import GridSearchCV
        from sklearn.neighbors import KernelDensity

        GridSearchCV(KernelDensity(), {"bandwidth": grid[picked[1] :][:1]}, cv=10).fit(X)

    contenders = [
        Contender("infostat", lambda: loo_curve(X, grid, n_jobs=threads)),
        Contender("NumPy, careful", lambda: leave_one_out(X, grid)),
        Contender("infostat, one by one", lambda: log_density(X, None, grid, loo=True, n_jobs=threads).mean(axis=1)),
        Contender("scikit-learn, 10 folds", folds, "scikit-learn", "sklearn", share=bandwidths),
    ]
    return Trial(contenders, lambda found: truth(found[picked]), "long double, 2 bandwidths")


# --------------------------------------------------------------------------------- simulated sums
def moments(d: int) -> tuple[float, float]:
    """Mean and variance of exp(-|x - q|^2/(2 h^2)) with x from N(0, I) and q = (1, ..., 1)."""
    laplace = [(1.0 + k / H**2) ** (-d / 2) * math.exp(-0.5 * d * k / (H**2 + k)) for k in (1.0, 2.0)]
    return laplace[0], laplace[1] - laplace[0] ** 2


def by_distances(n: int, d: int) -> float:
    """Mean kernel through the public function; a study of fluctuations has at least two data sets."""
    from infostat.density import simulate_fluctuations

    found = simulate_fluctuations(n=n // 2, d=d, h=H, n_data=2, rng=SEED)
    return float(np.exp(found.log_Z).mean()) / found.n


def by_our_vectors(n: int, d: int) -> float:
    """Mean kernel from the same stream with d normals a point."""
    from infostat.density.simulation_kernels import cloud, weigh

    law = cloud(n, np.ones(d), "vectors")
    found = weigh(law.distances(np.ones(d), np.random.default_rng(SEED)), np.array([0.5 / H**2]), False)
    return math.exp(float(found.log_Z[0])) / n


def by_numpy(n: int, d: int, kind: type = np.float64) -> float:
    """Mean kernel as users write it: chunks of vectors, squared lengths, exponentials, sum."""
    generator = np.random.default_rng(SEED)
    size = min(n, CHUNK)
    chunk, total = np.empty((size, d), kind), 0.0
    for _ in range(n // size):
        generator.standard_normal(dtype=kind, out=chunk)
        chunk -= 1
        total += float(np.exp(np.einsum("ij,ij->i", chunk, chunk) * (-0.5 / H**2)).sum())
    return total / (n // size * size)


@workload(
    "kernel-sum-d20", "simulated kernel sum at one point", quick={"n": 20_000, "d": 20},
    standard={"n": 4_000_000, "d": 20}, target="ratio our vectors >= 4", serial=True,
)  # fmt: skip
@workload(
    "kernel-sum-d60", "simulated kernel sum at one point", quick={"n": 20_000, "d": 60},
    standard={"n": 1_000_000, "d": 60}, target="ratio our vectors >= 4", serial=True,
)  # fmt: skip
def kernel_sum(threads: int, n: int, d: int) -> Trial:
    """Ours draws the distances by their noncentral chi-square law, the others draw vectors."""
    mean, variance = moments(d)
    runs: dict[str, Callable[[], float]] = {
        "infostat": lambda: by_distances(n, d),
        "NumPy chunks": lambda: by_numpy(n, d),
        "NumPy chunks, float32": lambda: by_numpy(n, d, np.float32),
        "our vectors": lambda: by_our_vectors(n, d),
    }
    contenders = [Contender(name, run) for name, run in runs.items()]
    scale = math.sqrt(variance / n)
    return Trial(contenders, lambda found: abs(found - mean) / scale, "exact mean", "standard errors")


@workload(
    "regimes-stream", "simulated data with as many variances as columns", quick={"n": 2000, "d": 60},
    standard={"n": 1_000_000, "d": 60}, target="mib < 200", memory=True, serial=True,
)  # fmt: skip
def regimes(threads: int, n: int, d: int) -> Trial:
    """One pair of a study where nothing shorter than a vector will do."""
    from infostat.density import simulate_regimes, spectra

    def ours() -> Any:
        with warnings.catch_warnings(action="ignore"):  # one point is meant
            return simulate_regimes(n=n, d=d, h_grid=[0.3, 0.5], n_x=1, n_data=1, spectrum=spectra.power_law(0.5, d))

    return Trial([Contender("infostat", ours)])
