"""Exact slopes b(x) = d log F/dR at F = 1/n for isotropic Gaussian mixtures.

|x - y|^2/sigma^2 is noncentral chi-square given the component, so F is a mean of known
distribution functions and the level is found by bisection.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ncx2

Array = NDArray[np.float64]


def exact_slopes(x: Array, centres: Array, sigma: float, level: float) -> Array:
    """Return b at each row of x for equal parts of normal laws N(centre, sigma^2 I)."""
    d = x.shape[1]
    shift = ((x[:, None] - centres[None]) ** 2).sum(axis=2) / sigma**2

    def law(log_r: Array) -> Array:
        return np.asarray(ncx2.cdf(np.exp(log_r)[:, None] / sigma**2, d, shift).mean(axis=1))

    low, high = np.full(len(x), -20.0), np.log(sigma**2 * (shift.min(axis=1) + 10.0 * d + 100.0))
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = law(middle) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    r = np.exp(0.5 * (low + high))
    density = ncx2.pdf(r[:, None] / sigma**2, d, shift).mean(axis=1) / sigma**2
    return np.asarray(density / level)
