"""A two-dimensional tilted base that tensor Gauss quadrature knows to 1e-13."""

from __future__ import annotations

import numpy as np
from scipy import stats

from infostat.families.newton import damped_newton
from infostat.families.products import monomials
from infostat.families.tilted_base import TiltedBase
from infostat.families.whitening import Whitened, node_view

PRODUCTS = [(0,), (0, 1), (1, 1)]


def family() -> TiltedBase:
    """Return Beta(2, 3) times Beta(3, 2), tilted by x, xy and y^2."""
    return TiltedBase([stats.beta(2, 3), stats.beta(3, 2)], PRODUCTS)


def rows(n: int = 150, seed: int = 2) -> np.ndarray:
    """Return data whose law is not in the family."""
    rng = np.random.default_rng(seed)
    x = rng.triangular(0.0, 0.7, 1.0, n)
    return np.column_stack([x, np.clip(0.25 + 0.5 * x + rng.uniform(-0.24, 0.24, n), 0.0, 1.0)])


def nodes(order: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return quadrature points of the unit square with the base's mass (a polynomial) as weights."""
    x, w = np.polynomial.legendre.leggauss(order)
    x, w = 0.5 * (x + 1.0), 0.5 * w
    grid = np.array([(a, b) for a in x for b in x])
    weights = np.outer(w * stats.beta(2, 3).pdf(x), w * stats.beta(3, 2).pdf(x)).ravel()
    return grid, weights


def projection(eta: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the exact projection of eta and its log-partition."""
    points, base = nodes()
    xi = monomials(points, PRODUCTS)

    def log_partition(theta: np.ndarray) -> float:
        return float(np.log(base @ np.exp(xi @ theta)))

    def weights(theta: np.ndarray) -> np.ndarray:
        return base * np.exp(xi @ theta - log_partition(theta))

    def cov(theta: np.ndarray) -> np.ndarray:
        centred = xi - weights(theta) @ xi
        return centred.T @ (centred * weights(theta)[:, None])

    report = damped_newton(log_partition, lambda t: weights(t) @ xi, cov, eta, np.zeros(len(PRODUCTS)))
    assert report.converged
    return report.theta, log_partition(report.theta)


def view(theta: np.ndarray) -> Whitened:
    """Return the exact model at theta in whitened coordinates."""
    points, base = nodes()
    weights = base * np.exp(monomials(points, PRODUCTS) @ theta)
    return node_view(lambda x: monomials(x, PRODUCTS), points, weights / weights.sum())
