"""Statistics that are affine functions of each other: how close, and which ones."""

from __future__ import annotations

import numpy as np

from ..core.validation import FloatArray

__all__ = ["CONDITION_ERROR", "CONDITION_WARNING", "condition_number", "dependent_set"]

CONDITION_ERROR = 1e10  # of the correlation matrix
CONDITION_WARNING = 1e6


def condition_number(cov: FloatArray) -> float:
    """Return the condition number of the correlation matrix that belongs to a covariance.

    Parameters
    ----------
    cov : ndarray of shape (p, p)
        Covariance with positive variances.

    Returns
    -------
    float
        Largest over smallest eigenvalue, ``inf`` if the latter is not positive.

    Examples
    --------
    >>> round(condition_number(np.array([[4.0, 3.0], [3.0, 9.0]])), 12)
    3.0
    """
    scale = np.sqrt(np.diag(cov))
    eigenvalues = np.linalg.eigvalsh(cov / np.outer(scale, scale))
    smallest = float(eigenvalues[0])
    return float(eigenvalues[-1]) / smallest if smallest > 0 else np.inf


def dependent_set(cov: FloatArray) -> list[int]:
    """Return a smallest set of statistics of which one nearly is an affine function of the others.

    Parameters
    ----------
    cov : ndarray of shape (p, p)
        Covariance with positive variances.

    Returns
    -------
    list of int
        Indices; statistics are left out one by one while the rest stays dependent.

    Examples
    --------
    The third variable is the sum of the first two, the fourth is independent:

    >>> cov = np.array([[1.0, 0, 1, 0], [0, 1, 1, 0], [1, 1, 2, 0], [0, 0, 0, 1]])
    >>> dependent_set(cov)
    [0, 1, 2]
    """
    scale = np.sqrt(np.diag(cov))
    correlation = cov / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(correlation)
    # What hardly takes part in the weakest direction is tried first.
    kept = [int(k) for k in np.argsort(np.abs(vectors[:, 0]), kind="stable")]
    limit = max(1.0 / CONDITION_ERROR, 10.0 * abs(float(values[0])))
    for k in list(kept):
        rest = [j for j in kept if j != k]
        if len(rest) > 1 and float(np.linalg.eigvalsh(correlation[np.ix_(rest, rest)])[0]) <= limit:
            kept = rest
    return sorted(kept)
