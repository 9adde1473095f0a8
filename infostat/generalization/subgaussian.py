"""Sub-Gaussian constants of the laws for which they are known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, Words, describe
from ..core.validation import FloatArray, as_float_array, check_choice
from .kl_inverses import check_rate
from .labelled import common_shape, scalar_or_array

__all__ = ["subgaussian_sigma"]

_KINDS = {"bounded": ("low", "high"), "normal": ("std",), "bernoulli": ("p",), "zero_one": ()}
_NOT_SUB_GAUSSIAN = ("squared", "chi2", "exponential", "cross_entropy", "logistic")


def subgaussian_sigma(
    kind: str,
    *,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    std: ArrayLike | None = None,
    p: ArrayLike | None = None,
) -> float | FloatArray:
    """Return the smallest known sigma with ``log E exp(t (X - EX)) <= sigma^2 t^2/2`` for all t.

    Parameters
    ----------
    kind : {"bounded", "normal", "bernoulli", "zero_one"}
        What is known of X: its range, a normal law, a Bernoulli law, or that it is a 0-1 loss of unknown rate.
    low, high : float or array_like, optional
        Range of ``"bounded"``, low below high.
    std : float or array_like, optional
        Standard deviation of ``"normal"``, positive.
    p : float or array_like, optional
        Rate of ``"bernoulli"``, in [0, 1].

    Returns
    -------
    float or ndarray
        Sigma in the unit of X, elementwise.

    Raises
    ------
    InputError
        If a number is missing, unasked for or out of range, or the kind is unknown or not sub-Gaussian: squared
        and other chi-square-type losses, and unclipped cross-entropy.

    Notes
    -----
    Range ``(high - low)/2`` (Hoeffding); normal ``std``; Bernoulli
    ``sigma^2 = (1 - 2p)/(2 log((1-p)/p))`` (Kearns and Saul 1998), 1/4 at p = 1/2 and 0 at 0 and 1, computed as
    ``e/(4 artanh e)`` with ``e = 1 - 2p``; 0-1 loss 1/2, the largest of them. The first and the last are bounds over
    a class of laws, the others the best constant of one law.

    Examples
    --------
    >>> round(subgaussian_sigma("bernoulli", p=0.2), 12)
    0.465192708599
    >>> subgaussian_sigma("bounded", low=0, high=3)
    1.5
    """
    if isinstance(kind, str) and kind in _NOT_SUB_GAUSSIAN:
        raise InputError(
            f"kind {kind!r} has no sub-Gaussian constant (its tails are too heavy); use cgf_inverse_bound with its "
            "cumulant generating function, or clip the loss and use kind 'bounded'"
        )
    check_choice("kind", kind, _KINDS)
    given = {"low": low, "high": high, "std": std, "p": p}
    clean = _needed(kind, given)
    if kind == "zero_one":
        return 0.5
    if kind == "normal":
        return scalar_or_array(_positive("std", clean["std"]))
    if kind == "bernoulli":
        return scalar_or_array(_bernoulli(check_rate("p", clean["p"])))
    ends = {name: as_float_array(name, item) for name, item in clean.items()}
    a, b = common_shape(**ends)
    return scalar_or_array(_positive("high - low", 0.5 * b - 0.5 * a))


def _needed(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a kind; what is missing or unasked for raises."""
    names = _KINDS[kind]
    missing = [name for name in names if given[name] is None]
    extra = [name for name, item in given.items() if item is not None and name not in names]
    if missing or extra:
        wanted = " and ".join(names) if names else "no number"
        came = ", ".join(name for name, item in given.items() if item is not None) or "none"
        raise InputError(f"kind {kind!r} needs {wanted}, got {came}")
    return {name: given[name] for name in names}


def _positive(name: str, value: ArrayLike) -> FloatArray:
    array = as_float_array(name, value)
    if array.size == 0 or not (array > 0.0).all():
        raise InputError(describe(name, "positive", float(array.min()) if array.size else Words("none")))
    return array


def _bernoulli(p: FloatArray) -> FloatArray:
    """Best constant of a Bernoulli law, from the smaller of p and 1 - p."""
    smaller = np.minimum(p, 1.0 - p)
    e = 1.0 - 2.0 * smaller
    inner = (smaller > 0.0) & (e > 0.0)
    safe = np.where(inner, smaller, 0.25)
    # artanh(e) keeps its digits near p = 1/2, half the log-odds keep theirs near 0.
    near_half = np.arctanh(1.0 - 2.0 * np.maximum(safe, 0.25))
    half_odds = np.where(safe > 0.25, near_half, 0.5 * (np.log1p(-safe) - np.log(safe)))
    sigma = np.sqrt((1.0 - 2.0 * safe) / (4.0 * half_odds))
    return np.where(inner, sigma, np.where(smaller > 0.0, 0.5, 0.0))
