"""Rules of thumb for the bandwidth: a power of the number of rows times a scale of the data."""

from __future__ import annotations

import numpy as np

from ..core.chunk_rows import BlockRows
from ..core.validation import FloatArray
from .stream_moments import remote_variances

__all__ = ["column_variances", "scott_width", "silverman_width"]

_CHUNK_VALUES = 1 << 20


def scott_width(n: float, d: int, scale: float) -> float:
    """Return Scott's bandwidth.

    Parameters
    ----------
    n : float
        Rows.
    d : int
        Dimension.
    scale : float
        Standard deviation of the data; in several dimensions the square root of the mean
        variance of the coordinates.

    Returns
    -------
    float
        h in the unit of the scale.

    Notes
    -----
    ``h = scale n^{-1/(d+4)}`` (Scott 1992, Multivariate Density Estimation). For d to infinity at
    fixed ``alpha = log(n)/d`` it tends to ``scale exp(-alpha)``, which is below the bandwidth of
    least Kullback-Leibler divergence for Gaussian data.

    Examples
    --------
    >>> round(scott_width(1000, 1, 1.0), 6)
    0.251189
    """
    return float(scale * n ** (-1.0 / (d + 4)))


def silverman_width(n: float, d: int, scale: float) -> float:
    """Return Silverman's bandwidth.

    Parameters
    ----------
    n : float
        Rows.
    d : int
        Dimension.
    scale : float
        As in `scott_width`.

    Returns
    -------
    float
        h in the unit of the scale.

    Notes
    -----
    ``h = scale (4/((d+2) n))^{1/(d+4)}``: it minimises the asymptotic integrated squared error for
    normal data (Silverman 1986, Density Estimation for Statistics and Data Analysis, 4.3.2).

    Examples
    --------
    >>> round(silverman_width(1000, 1, 1.0), 6)
    0.266065
    """
    return float(scale * (4.0 / ((d + 2.0) * n)) ** (1.0 / (d + 4)))


def column_variances(X: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Return the variance of every column.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data, at least two rows.
    weights : ndarray of shape (n,), optional
        Non-negative weights of the rows.

    Returns
    -------
    ndarray of shape (d,)
        With divisor n - 1; weighted: with divisor ``1 - sum w^2`` for weights of sum one. Not finite
        where a variance is beyond floating point.

    Examples
    --------
    >>> column_variances(np.array([[0.0, 1.0], [2.0, 1.0]]))
    array([2., 0.])
    """
    n, d = X.shape
    shares = np.full(n, 1.0 / n) if weights is None else weights / weights.sum()
    if isinstance(X, BlockRows) and X.remote:
        return remote_variances(X, shares)
    step = max(1, _CHUNK_VALUES // d)
    parts = [slice(start, start + step) for start in range(0, n, step)]
    with np.errstate(over="ignore", invalid="ignore"):
        # Differences from the first row lose nothing to a large mean; scaled, they have squares.
        size = max(float(np.abs(X[part] - X[0]).max()) for part in parts) or 1.0
        mean = np.sum([shares[part] @ ((X[part] - X[0]) / size) for part in parts], axis=0)
        square = np.zeros(d)
        for part in parts:
            difference = (X[part] - X[0]) / size - mean
            square += shares[part] @ (difference * difference)
        return np.asarray(square / (1.0 - float(shares @ shares)) * size * size)
