"""Random points from a kernel: what `KernelDensity.sample` adds to a row of the data."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from ..core.validation import FloatArray

__all__ = ["kernel_noise"]

# (1 - r^2/R^2)^k has r^2/R^2 ~ Beta(d/2, k + 1): the density of r is r^(d-1) (1 - r^2/R^2)^k.
_POWERS = {"uniform": 0, "epanechnikov": 1, "biweight": 2}


def kernel_noise(kernel: str, size: int, d: int, h: float, kappa: float | None, rng: Generator) -> FloatArray:
    """Return independent draws from a kernel centred at the origin.

    Parameters
    ----------
    kernel : {"gaussian", "student", "uniform", "epanechnikov", "biweight"}
        Its shape.
    size, d : int
        Draws and dimension.
    h : float
        Bandwidth in the unit of the data; compact kernels have the radius h sqrt(d).
    kappa : float or None
        Student: kappa d degrees of freedom.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray of shape (size, d)
        One draw per row.

    Examples
    --------
    >>> ball = kernel_noise("uniform", 1000, 3, 2.0, None, np.random.default_rng(0))
    >>> bool(np.linalg.norm(ball, axis=1).max() <= 2.0 * np.sqrt(3.0))
    True
    """
    normal = rng.standard_normal((size, d))
    if kernel == "gaussian":
        return np.asarray(h * normal)
    if kernel == "student":
        assert kappa is not None
        # (1 + r^2/(kappa d h^2))^(-(1 + kappa) d/2) is the multivariate t law of scale h.
        freedom = kappa * d
        return np.asarray(normal * (h / np.sqrt(rng.chisquare(freedom, size) / freedom))[:, None])
    radius = h * math.sqrt(d) * np.sqrt(rng.beta(0.5 * d, _POWERS[kernel] + 1.0, size))
    return np.asarray(normal * (radius / np.linalg.norm(normal, axis=1))[:, None])
