"""Independent ways to compute what the projection wing computes.

Nothing here uses the code under test: cumulants come from weighted points by `einsum`, the risk
terms from the index formulas as they stand in the source, normal models from the double sums over
pairs of rows. All are slow and meant for small cases.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def point_cumulants(statistics: FloatArray, weights: FloatArray) -> tuple[FloatArray, ...]:
    """Joint cumulants of order two, three and four of weighted points."""
    c = statistics - weights @ statistics
    w = weights
    G = np.einsum("a,ai,aj->ij", w, c, c)
    K3 = np.einsum("a,ai,aj,ak->ijk", w, c, c, c, optimize=True)
    M4 = np.einsum("a,ai,aj,ak,al->ijkl", w, c, c, c, c, optimize=True)
    pairings = np.einsum("ij,kl->ijkl", G, G) + np.einsum("ik,jl->ijkl", G, G) + np.einsum("il,jk->ijkl", G, G)
    return G, K3, M4 - pairings


def literal_terms(Gm: FloatArray, K3m: FloatArray, K4m: FloatArray, G: FloatArray, K3g: FloatArray) -> FloatArray:
    """T0..T3 by the index formulas, in whatever coordinates the cumulants are given."""
    W = np.linalg.inv(Gm)
    Gt = W @ G @ W
    pairs = np.einsum("ij,kl->ijkl", Gt, Gt) + np.einsum("ik,jl->ijkl", Gt, Gt) + np.einsum("il,jk->ijkl", Gt, Gt)
    A = np.einsum("iju,uv,klv->ijkl", K3m, W, K3m, optimize=True)
    return np.array(
        [
            np.einsum("ij,ij->", W, G),
            np.einsum("ia,jb,kc,ijk,abc->", W, W, W, K3m, K3g, optimize=True),
            np.einsum("ijkl,ijkl->", A, pairs),
            np.einsum("ijkl,ijkl->", K4m, pairs),
        ]
    )


def normal_statistics(x: FloatArray) -> FloatArray:
    """Linear, squared and product statistics of a full normal model."""
    d = x.shape[1]
    columns = [x[:, i] for i in range(d)] + [x[:, i] ** 2 for i in range(d)]
    columns += [x[:, i] * x[:, j] for i, j in combinations(range(d), 2)]
    return np.stack(columns, axis=1)


def normal_points(mean: FloatArray, cov: FloatArray, count: int = 5) -> tuple[FloatArray, FloatArray]:
    """Gauss-Hermite product grid: exact for the fourth cumulants of quadratic statistics."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    weights = weights / weights.sum()
    grid = np.stack([g.ravel() for g in np.meshgrid(*[nodes] * len(mean), indexing="ij")], axis=1)
    joint = np.prod(np.stack([g.ravel() for g in np.meshgrid(*[weights] * len(mean), indexing="ij")]), axis=0)
    return mean + grid @ np.linalg.cholesky(cov).T, joint


def literal_normal_terms(x: FloatArray, weights: FloatArray) -> FloatArray:
    """T0..T3 of the full normal model fitted to weighted rows, in the raw coordinates."""
    mean = weights @ x
    cov = (x - mean).T @ ((x - mean) * weights[:, None])
    points, w = normal_points(mean, cov)
    model = point_cumulants(normal_statistics(points), w)
    G, K3g, _ = point_cumulants(normal_statistics(x), weights)
    return literal_terms(*model, G, K3g)


def pair_normal_terms(x: FloatArray, weights: FloatArray) -> FloatArray:
    """T0..T3 of the full normal model by the double sums over pairs of rows (own, cross, lin, q1, q2)."""
    mean = weights @ x
    cov = (x - mean).T @ ((x - mean) * weights[:, None])
    y = (x - mean) @ np.linalg.inv(np.linalg.cholesky(cov)).T
    d = y.shape[1]
    r2 = (y**2).sum(axis=1)
    A, B, s = r2[:, None], r2[None, :], y @ y.T
    w2 = np.outer(weights, weights)

    def pair_mean(values: FloatArray) -> float:
        return float(np.sum(w2 * values))

    q = weights @ (r2[:, None] * y)
    Q = y.T @ (y * (weights * r2)[:, None])
    N = (s + 1) ** 2 * (2 * A * B + 2 * s**2) + 4 * (A**2 + B**2 + d) + 8 * (s**2 - A - B)
    N = N + 8 * s * (s + 1) * (1 - A - B)
    own = 4 * (q @ q) + 2 * np.sum(Q**2)
    cross = pair_mean((s - 1) ** 2 * (A + B + 2 * s) + N / 2)
    lin = 2 * ((B - 2) * s**2 + A) + 2 * ((A - 2) * s**2 + B)
    lin = lin + 4 * ((s * A * B - A * s - B * s + s) + (s**3 - A * s - B * s + s))
    q1 = (A - 2) * (B - 2) * s**2 + (A - 2) * A + (B - 2) * B + d
    q2 = s**4 + A**2 + B**2 + d + 4 * s**2 - 2 * s**2 * (A + B) - 2 * A - 2 * B
    return np.array(
        [
            (weights @ r2**2 + d) / 2,
            weights @ r2**3 - d,
            own + 2 * cross,
            3 * pair_mean(lin + 2 * q1 + q2),
        ]
    )


def terms_of(result: object) -> FloatArray:
    """T0..T3 of a RiskTerms as an array."""
    return np.array([getattr(result, f"T{k}") for k in range(4)])


def skewed_rows(seed: int, n: int, d: int) -> FloatArray:
    """Correlated, skewed, heavy-ish rows with unequal scales and means."""
    rng = np.random.default_rng(seed)
    mix = np.linalg.qr(rng.normal(size=(d, d)))[0] @ np.diag(rng.uniform(0.5, 3.0, d))
    return (rng.gamma(2.0, size=(n, d)) + 0.5 * rng.laplace(size=(n, d))) @ mix + rng.normal(size=d)
