"""Lower bounds of KL from the values of a critic, and what every estimator of a ratio shares."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from ..core.errors import InputError, SampleSizeWarning
from ..core.validation import FloatArray, as_float_array
from .results import Estimate

__all__ = ["donsker_varadhan", "nwj", "two_sample_se", "warn_beyond_log_n"]

# A critic is a log density ratio; its squares must exist.
_LARGEST = 1e150


def donsker_varadhan(f_p: ArrayLike, f_q: ArrayLike) -> Estimate:
    """Return the Donsker-Varadhan lower bound of KL from the values of a critic.

    Parameters
    ----------
    f_p : array_like of shape (n,)
        Critic at a sample of P; the best critic is the log density ratio, up to a constant.
    f_q : array_like of shape (m,)
        The same critic at a sample of Q, not used to fit it.

    Returns
    -------
    Estimate
        ``mean f_p - log mean exp(f_q)`` in nats, with its standard error.

    Raises
    ------
    InputError
        If there are fewer than two finite values.

    Warns
    -----
    SampleSizeWarning
        If the estimate exceeds log m.

    Notes
    -----
    A lower bound in the population. In a sample of Q the log of the mean is too small on average,
    so that the estimate is biased up, the more so the larger the divergence: its variance grows
    like ``exp(KL)/m``.

    Examples
    --------
    >>> donsker_varadhan([0.5, 0.5], [0.0, 0.0]).value
    0.5
    """
    first, second = _critic("f_p", f_p), _critic("f_q", f_q)
    log_mean = float(logsumexp(second)) - math.log(len(second))
    value = float(first.mean()) - log_mean
    warn_beyond_log_n(value, len(second))
    # Influence of the log of a mean: its terms relative to it.
    se = two_sample_se(first, np.exp(second - log_mean))
    return _bound(value, se, first, second, "Donsker-Varadhan", "a lower bound in the population; biased up")


def nwj(f_p: ArrayLike, f_q: ArrayLike) -> Estimate:
    """Return the Nguyen-Wainwright-Jordan lower bound of KL from the values of a critic.

    Parameters
    ----------
    f_p : array_like of shape (n,)
        Critic at a sample of P; the best critic is the log density ratio itself.
    f_q : array_like of shape (m,)
        The same critic at a sample of Q, not used to fit it.

    Returns
    -------
    Estimate
        ``1 + mean f_p - mean exp(f_q)`` in nats, with its standard error; -inf if the exponential
        overflows.

    Raises
    ------
    InputError
        If there are fewer than two finite values.

    Warns
    -----
    SampleSizeWarning
        If the estimate exceeds log m.

    Notes
    -----
    Never above the bound of Donsker and Varadhan at the same critic, and without its bias. The
    form ``mean f - mean exp(f - 1)`` is this one at the critic ``f - 1``.

    Examples
    --------
    >>> nwj([0.0, 0.0], [0.0, 0.0]).value
    0.0
    """
    first, second = _critic("f_p", f_p), _critic("f_q", f_q)
    with np.errstate(over="ignore"):
        ratios = np.exp(second)
        mean = float(ratios.mean())
    value = 1.0 + float(first.mean()) - mean
    warn_beyond_log_n(value, len(second))
    se = two_sample_se(first, ratios) if math.isfinite(mean) else math.nan
    note = "a lower bound in the population; unbiased for it, with a variance like exp(KL)/m"
    return _bound(value, se, first, second, "Nguyen-Wainwright-Jordan", note)


def _critic(name: str, values: Any) -> FloatArray:
    array = np.ravel(as_float_array(name, values, ndim=(1, 2)))
    if len(array) < 2:
        raise InputError(f"{name} must hold at least two values of the critic, got {len(array)}")
    largest = float(np.abs(array).max())
    if largest > _LARGEST:
        raise InputError(f"{name} must be between -{_LARGEST:g} and {_LARGEST:g}, got a value of size {largest:.3g}")
    return array


def two_sample_se(first: FloatArray, second: FloatArray) -> float:
    """Return the standard error of a sum of two means of independent rows.

    Parameters
    ----------
    first, second : ndarray
        Terms of the two means.

    Returns
    -------
    float
        Root of the summed variances of the means.

    Examples
    --------
    >>> two_sample_se(np.array([0.0, 2.0]), np.zeros(3))
    1.0
    """
    return math.sqrt(float(first.var(ddof=1)) / len(first) + float(second.var(ddof=1)) / len(second))


def _bound(value: float, se: float, f_p: FloatArray, f_q: FloatArray, name: str, note: str) -> Estimate:
    if math.isnan(se):
        note += "; no standard error: the exponential of the critic overflows"
    return Estimate(
        value=value,
        se=se,
        n=len(f_p),
        m=len(f_q),
        method=f"{name} bound of a given critic",
        bias_note=note,
        quantity="Kullback-Leibler divergence",
    )


def warn_beyond_log_n(value: float, n: int) -> None:
    """Warn the caller's caller if a divergence is larger than a sample can tell.

    Parameters
    ----------
    value : float
        Estimate in nats.
    n : int
        Size of the sample that carries the variance.

    Warns
    -----
    SampleSizeWarning
        If `value` exceeds log n.

    Examples
    --------
    >>> warn_beyond_log_n(0.3, 100)
    """
    if value > math.log(n):
        warnings.warn(
            f"the estimate {value:.3g} exceeds log n = {math.log(n):.3g}: the variance grows like "
            "exp(KL)/n, so that this sample cannot tell a divergence of this size",
            SampleSizeWarning,
            stacklevel=3,
        )
