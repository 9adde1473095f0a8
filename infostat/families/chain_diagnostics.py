"""Have several Markov chains forgotten where they started, and what are their draws worth?

Split R-hat compares chains with each other, the effective size counts independent draws of the
same precision, and batch means over chains give Monte-Carlo standard errors that assume nothing
about the dependence within a chain.
"""

from __future__ import annotations

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray

__all__ = ["batch_means_cov", "effective_size", "split_rhat"]


def split_rhat(draws: FloatArray) -> FloatArray:
    """Return the potential scale reduction of halved chains, one value per quantity.

    Parameters
    ----------
    draws : ndarray of shape (C, T) or (C, T, k)
        T draws of each of C chains, T >= 4.

    Returns
    -------
    ndarray of shape (k,)
        R-hat, near 1 for chains that agree (k = 1 for two axes); nan for a constant.

    Raises
    ------
    InputError
        If there are fewer than 4 draws per chain.

    Notes
    -----
    ``sqrt((N-1)/N + B/W)`` over the 2C halves of length N, B the variance of their means and W
    the mean of their variances (A. Gelman et al., Bayesian Data Analysis, 3rd ed., section 11.4).

    Examples
    --------
    >>> apart = np.arange(2.0)[:, None] + np.random.default_rng(0).normal(size=(2, 100)) * 0.1
    >>> bool(split_rhat(apart)[0] > 1.5)
    True
    """
    chains = _three_axes(draws)
    half = chains.shape[1] // 2
    halves = np.concatenate([chains[:, :half], chains[:, -half:]])
    within = halves.var(axis=1, ddof=1).mean(axis=0)
    between = halves.mean(axis=1).var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt((half - 1.0) / half + between / within))


def effective_size(draws: FloatArray) -> FloatArray:
    """Return how many independent draws would estimate the mean as precisely.

    Parameters
    ----------
    draws : ndarray of shape (C, T) or (C, T, k)
        T draws of each of C chains, T >= 4.

    Returns
    -------
    ndarray of shape (k,)
        Effective sizes, at most ``C T log10(C T)``; nan for a constant.

    Raises
    ------
    InputError
        If there are fewer than 4 draws per chain.

    Notes
    -----
    Autocorrelations of all chains together, summed over Geyer's initial monotone sequence of
    pairs (C. Geyer, Statistical Science 7, 1992; the multi-chain form is that of Bayesian Data
    Analysis, section 11.5).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(4, 1000))
    >>> bool(3000 < effective_size(x)[0] < 5000)
    True
    """
    chains = _three_axes(draws)
    number, length, _ = chains.shape
    return np.array([_effective(chains[:, :, k]) for k in range(chains.shape[2])]).clip(
        None, number * length * np.log10(number * length)
    )


def batch_means_cov(contributions: FloatArray) -> FloatArray:
    """Return the covariance of a sum of independent contributions, one per chain.

    Parameters
    ----------
    contributions : ndarray of shape (C, k)
        What each chain adds to k estimates.

    Returns
    -------
    ndarray of shape (k, k)
        ``C/(C-1) sum_c (u_c - mean u)(u_c - mean u)'``.

    Examples
    --------
    >>> batch_means_cov(np.array([[1.0], [3.0]]))
    array([[4.]])
    """
    number = len(contributions)
    centred = contributions - contributions.mean(axis=0)
    return np.asarray(number / (number - 1.0) * (centred.T @ centred))


def _three_axes(draws: FloatArray) -> FloatArray:
    array = np.asarray(draws, dtype=np.float64)
    array = array[:, :, None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[1] < 4 or array.shape[0] < 1:
        raise InputError(
            f"draws must have the shape (chains, draws >= 4) or (chains, draws, quantities), got {np.shape(draws)}"
        )
    return array


def _effective(x: FloatArray) -> float:
    """Effective size of one quantity, draws (C, T)."""
    number, length = x.shape
    centred = x - x.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * length, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    covariance = np.fft.irfft(power.mean(axis=0), 2 * length)[:length] / length
    within = covariance[0] * length / (length - 1.0)
    between = float(x.mean(axis=1).var(ddof=1)) if number > 1 else 0.0
    total = within * (length - 1.0) / length + between
    if not total > 0.0:
        return float("nan")
    rho = 1.0 - (within - covariance * length / (length - 1.0)) / total
    rho[0] = 1.0
    pairs = rho[: length - length % 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0.0)
    pairs = np.minimum.accumulate(pairs[: negative[0] if negative.size else None])
    time = 2.0 * float(pairs.sum()) - 1.0
    return float(number * length / max(time, 1.0 / np.log10(number * length)))
