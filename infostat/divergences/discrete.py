"""Entropy of a discrete law from counts, with the classical corrections of the bias.

The plug-in entropy of a sample is too small: unseen cells count for nothing, and seen ones
look less even than they are. The estimators here differ in how they mend this; each takes a
batch of count vectors, so that the bootstrap of the standard error is one call.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.rng import RngLike, as_generator
from ..core.validation import MOST_DRAWS, FloatArray, as_float_array, check_choice, check_count
from .results import Estimate

__all__ = ["entropy_from_counts"]

_BATCH_CELLS = 2_000_000


def entropy_from_counts(
    counts: Any, method: str = "grassberger", *, bootstrap: int = 200, rng: RngLike = 0
) -> Estimate:
    """Return the entropy of a discrete law from the counts of its cells, in nats.

    Parameters
    ----------
    counts : array_like of int, shape (K,)
        How often each cell was seen; empty cells may be listed or left out.
    method : {"grassberger", "plugin", "miller_madow", "jackknife", "chao_shen"}
        How the bias is corrected.
    bootstrap : int
        Multinomial resamples behind the standard error (the plug-in needs none); 0 leaves it out.
    rng : None, int, SeedSequence or Generator
        Seed of the resamples.

    Returns
    -------
    Estimate
        Fields ``value se n method bias_note``; n is the total count.

    Raises
    ------
    InputError
        If a count is negative or no integer, all are zero, or the method is unknown.
    DataError
        If `counts` is not one vector.

    Notes
    -----
    With n the total, m the number of non-empty cells, K that of all cells:

    - ``plugin``: H = -sum (n_i/n) log(n_i/n), bias -(K-1)/(2n) + O(n^-2); its standard error is
      the root of Var(-log p)/n.
    - ``miller_madow``: H + (m-1)/(2n).
    - ``jackknife``: n H - (n-1) mean H_{-i}, one observation left out at a time.
    - ``grassberger`` (2003): log n - (1/n) sum n_i G(n_i) with
      G(k) = psi(k) + (-1)^k/2 [psi((k+1)/2) - psi(k/2)].
    - ``chao_shen`` (2003): coverage C = 1 - f_1/n, q = C n_i/n, -sum q log q/(1 - (1-q)^n), with
      f_1 cells seen once (n - 1 if all are); for samples much smaller than the number of cells.

    The NSB estimator is not provided. The plug-in mutual information of a K_x by K_y table is
    biased upward by (K_x-1)(K_y-1)/(2n); under independence 2 n I is chi-square with that many
    (without the 2n) degrees of freedom.

    Examples
    --------
    >>> round(float(entropy_from_counts([4, 2, 1, 1, 0])), 6)
    1.516471
    >>> round(float(entropy_from_counts([4, 2, 1, 1, 0], "miller_madow")), 6)
    1.400508
    """
    name = check_choice("method", method, tuple(_METHODS))
    draws = check_count("bootstrap", bootstrap, high=MOST_DRAWS)
    seen = _check_counts(counts)
    n = int(seen.sum())
    formula = _METHODS[name]
    value = float(formula(seen[None, :], n)[0])
    se, note = _standard_error(name, seen, n, draws, rng)
    notes = [_bias_note(name, seen, n), note]
    return Estimate(
        value=value,
        se=se,
        n=n,
        method=_TITLES[name],
        bias_note="; ".join(part for part in notes if part),
        quantity="Entropy",
    )


def _check_counts(counts: Any) -> FloatArray:
    """Return the positive counts as floats (exact below 2^53)."""
    array = as_float_array("counts", counts)
    if array.ndim != 1:
        raise DataError(
            f"counts must be one vector of cell counts, got shape {array.shape}; "
            "flatten a table, or count observations with numpy.unique(..., return_counts=True)"
        )
    n_negative = int((array < 0).sum())
    if n_negative:
        raise DataError(f"counts must be non-negative, got {n_negative} negative values")
    n_broken = int((array != np.floor(array)).sum())
    if n_broken:
        raise DataError(
            f"counts must be whole numbers, got {n_broken} fractions; "
            "the entropy of a table of probabilities is entropy(P)"
        )
    seen = array[array > 0]
    if not len(seen):
        raise DataError("counts must have a positive sum, got zeros only")
    if not float(seen.max()) < 2.0**53 or float(seen.sum()) >= 2.0**53:
        raise DataError("counts must sum to less than 2**53, got a larger total")
    return np.asarray(seen)


def _standard_error(name: str, seen: FloatArray, n: int, draws: int, rng: RngLike) -> tuple[float, str]:
    if name == "plugin":
        p = seen / n
        surprise = -np.log(p)
        return math.sqrt(float(p @ (surprise - p @ surprise) ** 2) / n), ""
    if draws < 2:
        return math.nan, "no standard error: fewer than two bootstrap resamples were asked for"
    generator = as_generator(rng)
    values = np.empty(draws)
    step = max(1, _BATCH_CELLS // len(seen))
    for start in range(0, draws, step):
        size = min(step, draws - start)
        resampled = generator.multinomial(n, seen / n, size=size).astype(np.float64)
        values[start : start + size] = _METHODS[name](resampled, n)
    return float(values.std(ddof=1)), ""


def _bias_note(name: str, seen: FloatArray, n: int) -> str:
    m, singles = len(seen), int(np.count_nonzero(seen == 1.0))
    if name == "plugin":
        return f"too low by at least about {(m - 1) / (2 * n):.2g}, (m - 1)/(2n) with m = {m} non-empty cells"
    if singles > n / 2 and name != "chao_shen":
        return f"probably too low: {singles} of {n} observations are alone in their cell; chao_shen is meant for this"
    return ""


def _x_log_x(x: FloatArray) -> FloatArray:
    from scipy.special import xlogy

    return np.asarray(xlogy(x, x))


def _plugin(counts: FloatArray, n: int) -> FloatArray:
    # One cell gives log n - log n = 0 exactly; no sum of rounded probabilities is involved.
    return np.asarray(np.maximum(math.log(n) - _x_log_x(counts).sum(axis=1) / n, 0.0))


def _miller_madow(counts: FloatArray, n: int) -> FloatArray:
    return np.asarray(_plugin(counts, n) + ((counts > 0).sum(axis=1) - 1) / (2 * n))


def _jackknife(counts: FloatArray, n: int) -> FloatArray:
    if n == 1:
        return np.zeros(len(counts))
    own = _x_log_x(counts)
    # Leaving out one observation of a cell changes one term of the sum only.
    less = own.sum(axis=1, keepdims=True) - own + _x_log_x(np.maximum(counts - 1.0, 0.0))
    left_out = math.log(n - 1) - less / (n - 1)
    mean = (counts * left_out).sum(axis=1) / n
    return np.asarray(n * _plugin(counts, n) - (n - 1) * mean)


def _grassberger(counts: FloatArray, n: int) -> FloatArray:
    from scipy.special import digamma

    k = np.maximum(counts, 1.0)
    sign = np.where(k % 2.0 == 0.0, 0.5, -0.5)
    g = digamma(k) + sign * (digamma(0.5 * (k + 1.0)) - digamma(0.5 * k))
    return np.asarray(math.log(n) - (counts * g).sum(axis=1) / n)


def _chao_shen(counts: FloatArray, n: int) -> FloatArray:
    singles = (counts == 1.0).sum(axis=1)
    coverage = 1.0 - np.where(singles == n, n - 1, singles) / n
    q = coverage[:, None] * counts / n
    # 1 - (1 - q)^n without cancellation for rare cells; an empty cell contributes nothing.
    with np.errstate(divide="ignore"):
        seen_probability = -np.expm1(n * np.log1p(-q))
    terms = -_x_log_x(q) / np.where(counts > 0, seen_probability, 1.0)
    return np.asarray(terms.sum(axis=1))


_METHODS: dict[str, Callable[[FloatArray, int], FloatArray]] = {
    "grassberger": _grassberger,
    "plugin": _plugin,
    "miller_madow": _miller_madow,
    "jackknife": _jackknife,
    "chao_shen": _chao_shen,
}

_TITLES = {
    "grassberger": "Grassberger 2003",
    "plugin": "plug-in",
    "miller_madow": "Miller-Madow",
    "jackknife": "jackknife",
    "chao_shen": "Chao-Shen",
}
