"""Two normal laws in the coordinates of the second: checks and the relative spectrum."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, Words, describe
from ..core.validation import FloatArray, as_float_array

__all__ = ["NormalLaw", "RelativePair", "cauchy_schwarz_of_pair", "relative_pair", "two_laws"]


# Sizes of means, and of variances and their inverses, up to which quotients have squares.
_LARGEST = 1e60
_LARGEST_VARIANCE = 1e240
_CURE = "change the unit"


class NormalLaw(NamedTuple):
    """A checked normal law: mean, covariance and lower Cholesky factor."""

    mean: FloatArray
    cov: FloatArray
    root: FloatArray


class RelativePair(NamedTuple):
    """Two laws in the coordinates of the second.

    `excess` + 1 = `ratio` are the eigenvalues of ``S2^-1 S1``; `shift` is the difference of the
    means in the same coordinates.
    """

    excess: FloatArray
    ratio: FloatArray
    shift: FloatArray


def two_laws(m1: ArrayLike, S1: ArrayLike, m2: ArrayLike, S2: ArrayLike) -> tuple[NormalLaw, NormalLaw]:
    """Return two checked normal laws of the same dimension, or raise naming the argument.

    Parameters
    ----------
    m1, m2 : array_like of shape (d,)
        Means.
    S1, S2 : array_like of shape (d, d)
        Covariances.

    Returns
    -------
    (NormalLaw, NormalLaw)
        The laws.

    Raises
    ------
    InputError
        If shapes do not fit or a covariance is none.
    """
    first, second = _checked_law(m1, S1, "1"), _checked_law(m2, S2, "2")
    if len(first.mean) != len(second.mean):
        raise InputError(f"m1 and m2 must have the same length, got {len(first.mean)} and {len(second.mean)}")
    return first, second


def _checked_law(m: ArrayLike, S: ArrayLike, suffix: str) -> NormalLaw:
    mean = np.atleast_1d(as_float_array(f"m{suffix}", m, ndim=(0, 1)))
    d, name = len(mean), f"S{suffix}"
    cov = as_float_array(name, S, ndim=(0, 1, 2))
    if d == 1 and cov.size == 1:
        cov = cov.reshape(1, 1)
    if d == 0 or cov.shape != (d, d):
        shape = "a variance" if cov.ndim == 0 else f"shape {cov.shape}"
        raise InputError(
            describe(
                name,
                f"a covariance matrix of shape ({d}, {d}) to fit m{suffix}",
                Words(shape),
                "multiply numpy.eye(d) by a common variance",
            )
        )
    _refuse_extremes(mean, cov, suffix)
    return NormalLaw(mean, cov, _root(cov, name))


def _refuse_extremes(mean: FloatArray, cov: FloatArray, suffix: str) -> None:
    """Refuse sizes whose squares and quotients leave the range of floats."""
    low, high = 1.0 / _LARGEST_VARIANCE, _LARGEST_VARIANCE
    if np.abs(mean).max() > _LARGEST:
        got = Words(f"one of size {float(np.abs(mean).max()):.3g}")
        raise InputError(describe(f"m{suffix}", f"entries between -{_LARGEST:g} and {_LARGEST:g}", got, _CURE))
    variances = np.diag(cov)
    outside = (variances > 0.0) & ((variances < low) | (variances > high))
    if outside.any() or np.abs(cov).max() > high:
        got = Words(f"the variances {variances.tolist()}")
        raise InputError(describe(f"S{suffix}", f"a matrix with variances from {low:g} to {high:g}", got, _CURE))


def _root(cov: FloatArray, name: str) -> FloatArray:
    """Cholesky factor of a covariance, scaled so that units do not decide what is singular."""
    variances = np.diag(cov)
    if not (variances > 0.0).all():
        raise InputError(describe(name, "positive definite", Words(f"the variances {variances.tolist()}")))
    scale = np.sqrt(variances)
    correlation = cov / scale[:, None] / scale
    if np.abs(correlation - correlation.T).max() > 1e-8:
        raise InputError(f"{name} must be symmetric, got a matrix that is not")
    try:
        factor = np.linalg.cholesky(0.5 * (correlation + correlation.T))
    except np.linalg.LinAlgError:
        factor = np.zeros_like(cov)
    # The pivots are one minus the squared multiple correlations.
    smallest = float((np.diag(factor) ** 2).min())
    if not smallest > 4.0 * len(cov) * np.finfo(np.float64).eps:
        raise InputError(
            f"{name} must be positive definite, got a matrix that is singular to working precision; "
            "drop or merge collinear variables"
        )
    return np.asarray(scale[:, None] * factor)


def relative_pair(first: NormalLaw, second: NormalLaw) -> RelativePair:
    """Return the first law in the coordinates that make the second one standard.

    Parameters
    ----------
    first, second : NormalLaw
        The laws.

    Returns
    -------
    RelativePair
        Mean and variances of the first one there.
    """
    from scipy.linalg import solve_triangular

    difference = first.mean - second.mean
    if len(difference) == 1:
        v1, v2 = first.cov[0, 0], second.cov[0, 0]
        return RelativePair(np.array([(v1 - v2) / v2]), np.array([v1 / v2]), difference / second.root[0, 0])
    relative = solve_triangular(second.root, first.root, lower=True)
    shift = solve_triangular(second.root, difference, lower=True)
    left, singular, _ = np.linalg.svd(relative)
    ratio, excess = singular**2, singular**2 - 1.0
    if np.abs(excess).max() < 0.5:
        # Close covariances: the eigenvalues of the difference keep the digits that 1 + x drops.
        gap = solve_triangular(second.root, first.cov - second.cov, lower=True)
        gap = solve_triangular(second.root, gap.T, lower=True)
        excess, left = np.linalg.eigh(0.5 * (gap + gap.T))
        ratio = 1.0 + excess
    return RelativePair(excess, ratio, left.T @ shift)


def cauchy_schwarz_of_pair(pair: RelativePair) -> float:
    """Return the Cauchy-Schwarz divergence of a pair in relative coordinates.

    Parameters
    ----------
    pair : RelativePair
        Made by :func:`relative_pair`.

    Returns
    -------
    float
        Divergence, nats.
    """
    # log((1+r)/2) - log(r)/2 = log(1 + (r-1)^2/(4r))/2 per coordinate.
    shape = 0.5 * np.log1p(pair.excess * (pair.excess / pair.ratio) / 4.0)
    return float((pair.shift**2 / (1.0 + pair.ratio) + shape).sum())
