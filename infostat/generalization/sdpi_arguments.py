"""Checks of the arguments of contraction coefficients."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError, Words, describe
from ..core.validation import FloatArray, as_float_array

__all__ = [
    "check_levels",
    "check_probabilities",
    "covariance_root",
    "log_largest_variance",
    "log_or_minus_inf",
]

_TOLERANCE = 1e-8  # rounding allowed in a covariance the caller has printed or averaged


def check_probabilities(name: str, value: ArrayLike) -> FloatArray:
    """Return an array of numbers in [0, 1], or raise with the first that is not.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : array_like
        Probabilities.

    Returns
    -------
    ndarray
        Floats.

    Raises
    ------
    InputError, InputTypeError
        If one is not in [0, 1].
    """
    array = as_float_array(name, value, finite=False)
    return _refuse(name, "in [0, 1]", array, ~((array >= 0.0) & (array <= 1.0)))


def check_levels(name: str, value: ArrayLike, *, finite: bool = False) -> FloatArray:
    """Return an array of numbers >= 0 (inf allowed unless `finite`), or raise with the first that is not.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : array_like
        Noise levels, unit of the signal.
    finite : bool
        Refuse infinity.

    Returns
    -------
    ndarray
        Floats.

    Raises
    ------
    InputError, InputTypeError
        If one is negative, or infinite where that is refused.
    """
    array = as_float_array(name, value, finite=False)
    bad = ~(array >= 0.0) | (np.isinf(array) if finite else False)
    return _refuse(name, "a finite number >= 0" if finite else "a number >= 0", array, bad)


def _refuse(name: str, required: str, array: FloatArray, bad: NDArray[np.bool_]) -> FloatArray:
    if not array.size:
        raise InputError(describe(name, required, Words("an empty array")))
    if bad.any():
        raise InputError(describe(name, required, float(array[bad].flat[0])))
    return array


def log_or_minus_inf(value: FloatArray) -> FloatArray:
    """Return the logarithm, -inf for 0, without a warning.

    Parameters
    ----------
    value : ndarray
        Non-negative numbers.

    Returns
    -------
    ndarray
        Logarithms.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(value))


def log_largest_variance(cov: ArrayLike, A: ArrayLike | None) -> float:
    """Return the logarithm of the largest eigenvalue of ``A cov A'``, -inf if that matrix is zero.

    Parameters
    ----------
    cov : float or array_like of shape (d, d)
        Covariance, may be singular.
    A : array_like of shape (k, d) or None
        Linear map; None for the identity.

    Returns
    -------
    float
        Through the singular values of ``A R`` with ``R R' = cov``, so that nothing is squared.
    """
    root = covariance_root(cov)
    factors = [root]
    if A is not None:
        matrix = as_float_array("A", A, ndim=2)
        if not matrix.size or matrix.shape[1] != len(root):
            required = f"a matrix with {len(root)} columns to fit cov"
            raise InputError(describe("A", required, Words(f"shape {matrix.shape}")))
        factors.insert(0, matrix)
    # Products of numbers near the float limit overflow, so the scales are kept apart.
    scales = [float(np.abs(factor).max()) for factor in factors]
    if min(scales) == 0.0:
        return -math.inf
    unit = [factor / scale for factor, scale in zip(factors, scales, strict=True)]
    product = unit[0] @ unit[1] if len(unit) == 2 else unit[0]
    norm = float(np.linalg.norm(product, 2))
    return 2.0 * (math.fsum(map(math.log, scales)) + math.log(norm)) if norm > 0.0 else -math.inf


def covariance_root(cov: ArrayLike) -> FloatArray:
    """Return R with ``R R' = cov`` for a positive semi-definite matrix, scaled so that units do not matter.

    Parameters
    ----------
    cov : float or array_like of shape (d, d)
        A variance or a covariance matrix.

    Returns
    -------
    ndarray of shape (d, d)
        A square root; variables of variance zero give rows of zeros.
    """
    array = as_float_array("cov", cov)
    matrix = array.reshape(1, 1) if array.ndim == 0 else array
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        required, cure = "a variance or a square covariance matrix", "for independent variables use numpy.diag"
        raise InputError(describe("cov", required, Words(f"shape {array.shape}"), cure))
    variances = np.diag(matrix)
    if (variances < 0.0).any():
        raise InputError(describe("cov", "positive semi-definite", Words(f"the variance {variances.min():g}")))
    scale = np.sqrt(variances)
    unit = np.where(scale > 0.0, scale, 1.0)
    correlation = matrix / unit[:, None] / unit
    if np.abs(correlation - correlation.T).max() > _TOLERANCE:
        raise InputError("cov must be symmetric, got a matrix that is not")
    if np.abs(correlation[scale == 0.0]).max(initial=0.0) > 0.0:
        raise InputError("cov must be positive semi-definite, got a variance of 0 with a covariance that is not")
    values, vectors = np.linalg.eigh(0.5 * (correlation + correlation.T))
    if values[0] < -_TOLERANCE:
        found = Words(f"the eigenvalue {values[0]:g} after scaling to unit variances")
        raise InputError(describe("cov", "positive semi-definite", found))
    return np.asarray(scale[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)))
