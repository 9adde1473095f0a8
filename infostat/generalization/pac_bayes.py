"""PAC-Bayes bounds of the true risk of a randomised predictor: with high probability over the sample.

These are statements about the one sample at hand that fail with probability at most delta; they must not be
read as the bounds in expectation of the other modules of this package.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincc, gammaln

from ..core.errors import InputError, Words, describe
from ..core.validation import FloatArray, as_float_array, check_choice, check_number
from ..divergences.stable import log_gap
from .kl_inverses import check_rate, kl_inverse_upper
from .labelled import check_nonnegative, check_sizes, common_shape, is_vacuous, scalar_or_array, warn_if_vacuous
from .toolkit_results import PacBayesBound

__all__ = ["METHODS", "gaussian_kl", "log_xi", "pac_bayes_bound", "raw_bound", "raw_catoni"]

METHODS = ("mcallester", "seeger", "seeger_exact_xi", "catoni", "thiemann")
_LARGEST_N = 1e100  # its cube is a float
_STIRLING_FROM = 64.0  # the series is exact to 1e-16 from here on


def pac_bayes_bound(
    emp: ArrayLike,
    kl: ArrayLike,
    n: ArrayLike,
    delta: ArrayLike,
    method: str = "mcallester",
    catoni_c: float | None = None,
    *,
    catoni_grid: Sequence[float] | None = None,
) -> PacBayesBound:
    """Return an upper bound of the true risk that holds with probability at least 1 - delta.

    Parameters
    ----------
    emp : float or array_like
        Empirical risk of the randomised predictor (mean over the posterior), losses in [0, 1].
    kl : float or array_like
        KL divergence of the posterior from the prior in nats, for instance from `gaussian_kl`; inf is allowed.
    n : int or array_like
        Sample size, up to 1e100.
    delta : float or array_like
        Probability with which the bound may fail, in (0, 1).
    method : {"mcallester", "seeger", "seeger_exact_xi", "catoni", "thiemann"}
        The bound; ``"seeger_exact_xi"`` is never larger than ``"seeger"``, that never larger than
        ``"mcallester"`` or ``"thiemann"``.
    catoni_c : float, optional
        C > 0 of ``"catoni"``, fixed before the data are seen.
    catoni_grid : sequence of float, optional
        Values of C, fixed before the data are seen, the best of which is used: each is given
        ``delta/len(catoni_grid)``. Exactly one of `catoni_c` and `catoni_grid` goes with ``"catoni"``.

    Returns
    -------
    PacBayesBound
        ``value`` (at most 1) and ``raw`` (the formula), for arrays elementwise.

    Raises
    ------
    InputError
        If a number is out of its range, shapes do not fit, the method is unknown, or C is missing or unasked for.

    Warns
    -----
    VacuousBoundWarning
        If a bound is 1.

    Notes
    -----
    With ``c = (kl + log(2 sqrt(n)/delta))/n``: McAllester (in Maurer's form) ``emp + sqrt(c/2)``; Seeger
    ``kl_inverse_upper(emp, c)``; with ``2 sqrt(n)`` replaced by
    ``xi(n) = sum_k C(n,k) (k/n)^k (1-k/n)^(n-k)`` the exact form (Maurer 2004); Catoni (2007)
    ``(1 - exp(-C emp - (kl + log(1/delta))/n))/(1 - exp(-C))``; Thiemann, Igel, Wintenberger and Seldin (2017) the
    minimum over lambda in (0, 2) of ``emp/(1 - lambda/2) + c/(lambda (1 - lambda/2))``, attained at
    ``lambda = 2/(1 + sqrt(1 + 2 emp/c))``.

    Examples
    --------
    >>> for method in ("mcallester", "seeger", "seeger_exact_xi", "thiemann"):
    ...     print(f"{pac_bayes_bound(0.1, 10, 1000, 0.05, method).value:.9f}")
    0.192581740
    0.164476178
    0.163510823
    0.178154441
    >>> round(pac_bayes_bound(0.1, 10, 1000, 0.05, "catoni", 1.0).value, 9)
    0.169027137
    """
    check_choice("method", method, METHODS)
    candidates = _candidates(method, catoni_c, catoni_grid)
    clean = {"emp": check_rate("emp", emp), "kl": check_nonnegative("kl", kl)}
    clean |= {"n": check_sizes("n", n, high=_LARGEST_N), "delta": _check_delta(delta)}
    rate, divergence, sizes, confidence = common_shape(**clean)
    if candidates is None:
        raw, tuning = raw_bound(method, rate, divergence, sizes, confidence)
    else:
        c = candidates.reshape(-1, *[1] * rate.ndim)
        every = raw_catoni(rate, divergence, sizes, np.log(confidence) - np.log(len(candidates)), c)
        raw, tuning = every.min(axis=0), candidates[np.argmin(every, axis=0)]
    value = np.minimum(raw, 1.0)
    vacuous = is_vacuous(value, 1.0)
    warn_if_vacuous(vacuous, f"the PAC-Bayes bound ({method})")
    return PacBayesBound(
        value=scalar_or_array(value),
        nature="bound",
        sense="probability",
        vacuous=vacuous,
        assumptions=_assumptions(candidates, catoni_grid is not None),
        raw=scalar_or_array(raw),
        method=method,
        **{key: scalar_or_array(item) for key, item in zip(clean, (rate, divergence, sizes, confidence), strict=True)},
        tuning=None if tuning is None else scalar_or_array(tuning),
        tried=1 if candidates is None else len(candidates),
        interpretation=_sentence(value, confidence),
    )


def gaussian_kl(mean: ArrayLike, std: ArrayLike, prior_mean: ArrayLike, prior_std: ArrayLike) -> float:
    """Return the KL divergence of independent normal weights from an independent normal prior.

    Parameters
    ----------
    mean : float or array_like
        Means of the posterior, one per weight, in any shape.
    std : float or array_like
        Standard deviations of the posterior, positive; one number stands for all weights.
    prior_mean : float or array_like
        Means of the prior; one number stands for all weights.
    prior_std : float or array_like
        Standard deviations of the prior, positive.

    Returns
    -------
    float
        Nats.

    Raises
    ------
    InputError
        If a standard deviation is not positive or shapes do not fit.

    Notes
    -----
    ``sum of log(s0/s) + (s^2/s0^2 - 1)/2 + (w - w0)^2/(2 s0^2)``; for ``N(w, s^2 I)`` and ``N(w0, s0^2 I)`` in p
    dimensions ``p (log(s0/s) + (s^2/s0^2 - 1)/2) + |w - w0|^2/(2 s0^2)``. For dense covariances see
    :func:`infostat.divergences.kl_gaussian`, which would need p x p matrices here.

    Examples
    --------
    >>> round(gaussian_kl([0.3, -0.1, 0.2], 0.5, 0.0, 1.0), 12)
    1.02444154168
    """
    clean = {"mean": as_float_array("mean", mean), "prior_mean": as_float_array("prior_mean", prior_mean)}
    clean |= {"std": _check_std("std", std), "prior_std": _check_std("prior_std", prior_std)}
    w, w0, s, s0 = common_shape(**clean)
    if w.size == 0:
        raise InputError(describe("mean", "at least one weight", Words("an empty array")))
    with np.errstate(over="ignore"):
        ratio = s / s0
        excess = (s - s0) / s0 * (ratio + 1.0)  # s^2/s0^2 - 1; ratio^2 - 1 would cancel where s is near s0
        shift = ((w - w0) / s0) ** 2
    # g(u) = u - log(1 + u), with the logarithm taken apart where the ratio might leave the floats.
    near = np.abs(ratio - 1.0) < 0.5
    spread = np.where(near, log_gap(np.where(near, excess, 0.0)), excess - 2.0 * (np.log(s) - np.log(s0)))
    return float(0.5 * np.sum(spread + shift))


def raw_bound(
    method: str, emp: FloatArray, kl: FloatArray, n: FloatArray, delta: FloatArray
) -> tuple[FloatArray, FloatArray | None]:
    """Return the formula of a method without C before it is cut at 1, and its lambda where there is one.

    Parameters
    ----------
    method : str
        One of `METHODS`, not ``"catoni"``.
    emp, kl, n, delta : ndarray
        Clean inputs of one shape.

    Returns
    -------
    tuple
        Raw values, and Thiemann's lambda or None.
    """
    log_factor = log_xi(n) if method == "seeger_exact_xi" else np.log(2.0) + 0.5 * np.log(n)
    level = (kl + log_factor - np.log(delta)) / n
    if method == "mcallester":
        return emp + np.sqrt(0.5 * level), None
    if method == "thiemann":
        root = np.sqrt(1.0 + 2.0 * emp / level)
        return emp * (root + 1.0) / root + 0.5 * level * (root + 1.0) ** 2 / root, 2.0 / (root + 1.0)
    return np.asarray(kl_inverse_upper(emp, level)), None


def raw_catoni(emp: FloatArray, kl: FloatArray, n: FloatArray, log_delta: FloatArray, c: FloatArray) -> FloatArray:
    """Return Catoni's formula before it is cut at 1.

    Parameters
    ----------
    emp, kl, n : ndarray
        Clean inputs of one shape.
    log_delta : ndarray
        Logarithm of the confidence parameter, shared among the candidates of a grid.
    c : ndarray
        Positive C, broadcasting against the inputs.

    Returns
    -------
    ndarray
        Raw values.
    """
    # A tiny C makes the formula useless, and may take it beyond the range of floats.
    with np.errstate(over="ignore"):
        return np.asarray(np.expm1(-(c * emp + (kl - log_delta) / n)) / np.expm1(-c))


def log_xi(n: FloatArray) -> FloatArray:
    """Return ``log sum_k C(n,k) (k/n)^k (1-k/n)^(n-k)`` for whole n >= 1.

    Parameters
    ----------
    n : ndarray
        Sample sizes.

    Returns
    -------
    ndarray
        Logarithms; ``log 2`` at n = 1, near ``log(sqrt(pi n/2) + 2/3)`` for large n.

    Notes
    -----
    By Abel's identity the sum is ``n! e^n/n^n`` times the probability that a Poisson count of mean n is at
    most n, an incomplete gamma function: no loop over k, for any n.

    Examples
    --------
    >>> np.exp(log_xi(np.array([1.0, 2.0, 1000.0]))).round(5)
    array([ 2.     ,  2.5    , 40.30321])
    """
    large = n >= _STIRLING_FROM
    m = np.where(large, n, _STIRLING_FROM)
    # Stirling's series of log(n! e^n/n^n); the difference of logarithms itself loses digits for large n.
    series = 0.5 * np.log(2.0 * np.pi * m) + 1.0 / (12.0 * m) - 1.0 / (360.0 * m**3) + 1.0 / (1260.0 * m**5)
    k = np.where(large, 1.0, n)
    log_factor = np.where(large, series, gammaln(k + 1.0) - k * np.log(k) + k)
    return np.asarray(log_factor + np.log(gammaincc(n + 1.0, n)))


# ------------------------------------------------------------------------------------ checks
def _candidates(method: str, c: float | None, grid: Sequence[float] | None) -> FloatArray | None:
    """Values of C to try, or None for the methods that have none."""
    if method != "catoni":
        if c is not None or grid is not None:
            raise InputError(f"catoni_c and catoni_grid belong to method 'catoni', got method {method!r}")
        return None
    if (c is None) == (grid is None):
        came = "neither" if c is None else "both"
        raise InputError(f"method 'catoni' needs exactly one of catoni_c and catoni_grid, got {came}")
    if grid is None:
        return np.array([check_number("catoni_c", c, low=0.0, open_low=True)])
    found = as_float_array("catoni_grid", grid, ndim=1)
    if found.size == 0 or not (found > 0.0).all():
        got = float(found.min()) if found.size else Words("none")
        raise InputError(describe("catoni_grid", "one or more positive numbers", got))
    return found


def _check_delta(delta: ArrayLike) -> FloatArray:
    array = as_float_array("delta", delta, finite=False)
    good = (array > 0.0) & (array < 1.0)
    if array.size == 0 or not good.all():
        bad = array[~good]
        got = float(bad.flat[0]) if bad.size else Words("none")
        raise InputError(describe("delta", "a number in (0, 1)", got, "0.05 means: holds with probability 95 %"))
    return array


def _check_std(name: str, value: ArrayLike) -> FloatArray:
    array = as_float_array(name, value)
    if not (array > 0.0).all():
        raise InputError(describe(name, "positive", float(array.min())))
    return array


def _assumptions(candidates: FloatArray | None, grid: bool) -> tuple[str, ...]:
    found = [
        "the n observations are independent and identically distributed",
        "the loss is in [0, 1]",
        "the prior does not depend on the sample",
    ]
    if candidates is not None:
        chosen = "C was fixed before the data were seen; catoni_grid lets the data choose among several"
        found.append("the grid of C was fixed before the data were seen" if grid else chosen)
    return tuple(found)


def _sentence(value: FloatArray, delta: FloatArray) -> str:
    if value.ndim:
        return "With probability at least 1 - delta over the sample, each true risk is at most its value."
    return f"With probability at least {1.0 - float(delta):g} over the sample, the true risk is at most {value:.6g}."
