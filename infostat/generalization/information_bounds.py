"""Bounds of the generalization gap from mutual information, and informations that go into them.

Each bound holds in expectation over the training sample. Which to use: the individual-sample bound is never
larger than the one for the whole sample and stays finite for deterministic training on continuous data;
the conditional one is always finite; the inverse of a cumulant generating function serves losses that are
not sub-Gaussian.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, InputTypeError, Words, describe
from ..core.validation import FloatArray, as_float_array, check_count, short
from ..divergences.stable import log_gap
from .cgf_inverse import inverse_cgf
from .labelled import (
    Bound,
    check_nonnegative,
    check_sigma,
    check_sizes,
    common_shape,
    is_vacuous,
    scalar_or_array,
    sigma_range,
    warn_if_vacuous,
)
from .toolkit_results import GaussianMeanExample, NoisySgdInformation

__all__ = [
    "cgf_inverse_bound",
    "cmi_bound",
    "gaussian_mean_example",
    "individual_mi_bound",
    "mi_bound",
    "noisy_sgd_mi",
]

_IID = "the n observations are independent and identically distributed"
_SUPERSAMPLE = "the 2n points of the supersample are independent and identically distributed"
_PSI = "psi is the cumulant generating function of the negative centred loss, weights and observation independent"
_SUB_GAUSSIAN = "for every fixed w the loss of a new observation is sigma-sub-Gaussian"


def mi_bound(mi: ArrayLike, n: ArrayLike, sigma: ArrayLike) -> Bound:
    """Return the bound of the gap from the information between the whole sample and the weights.

    Parameters
    ----------
    mi : float or array_like
        ``I(S; W)`` in nats, or a bound of it; inf is allowed.
    n : int or array_like
        Sample size.
    sigma : float or array_like
        Sub-Gaussian constant of the loss, unit of the loss.

    Returns
    -------
    Bound
        ``value`` is ``sqrt(2 sigma^2 mi/n)``, in expectation.

    Raises
    ------
    InputError
        If `mi` is negative, `n` below 1 or `sigma` not positive.

    Warns
    -----
    VacuousBoundWarning
        If the bound is at least ``2 sigma``.

    Notes
    -----
    Xu and Raginsky (2017). For deterministic training on continuous data ``I(S; W)`` is infinite and so is
    the bound; `individual_mi_bound` may still be finite.

    Examples
    --------
    >>> round(mi_bound(0.116480456753, n=3, sigma=0.5).value, 6)
    0.139332
    """
    clean = {"mi": check_nonnegative("mi", mi), "n": check_sizes("n", n), "sigma": check_sigma(sigma)}
    information, sizes, constant = common_shape(**clean)
    with np.errstate(over="ignore"):
        value = constant * (math.sqrt(2.0) * np.sqrt(information / sizes))
    width, sentence = sigma_range(constant)
    vacuous = is_vacuous(value, width)
    warn_if_vacuous(vacuous, "the mutual-information bound")
    return Bound(
        value=scalar_or_array(value),
        nature="bound",
        sense="expectation",
        vacuous=vacuous,
        assumptions=(_IID, _SUB_GAUSSIAN, sentence),
        name="Mutual-information bound",
        inputs={"mi": scalar_or_array(information), "n": scalar_or_array(sizes), "sigma": scalar_or_array(constant)},
        interpretation=_gap_sentence(value) + _infinite_information(information),
    )


def individual_mi_bound(mi_terms: ArrayLike, sigma: ArrayLike) -> Bound:
    """Return the bound of the gap from the information between each observation and the weights.

    Parameters
    ----------
    mi_terms : array_like of shape (n,)
        ``I(Z_i; W)`` for every observation, nats; a single number stands for n equal terms.
    sigma : float or array_like
        Sub-Gaussian constant of the loss, unit of the loss; an array gives one bound per entry.

    Returns
    -------
    Bound
        ``value`` is the mean of ``sqrt(2 sigma^2 I(Z_i; W))``, in expectation.

    Raises
    ------
    InputError
        If a term is negative, there is none, or `sigma` is not positive.

    Warns
    -----
    VacuousBoundWarning
        If the bound is at least ``2 sigma``.

    Notes
    -----
    Bu, Zou and Veeravalli (2020). Independence of the observations makes ``sum I(Z_i; W) <= I(S; W)``, so the
    value never exceeds that of `mi_bound`.

    Examples
    --------
    >>> round(individual_mi_bound([0.035705206532] * 3, sigma=0.5).value, 6)
    0.133614
    """
    terms = _terms("mi_terms", mi_terms)
    constant = check_sigma(sigma)
    with np.errstate(over="ignore"):
        value = np.asarray(constant * (math.sqrt(2.0) * np.mean(np.sqrt(terms))))
    width, sentence = sigma_range(constant)
    vacuous = is_vacuous(value, width)
    warn_if_vacuous(vacuous, "the individual-sample bound")
    return Bound(
        value=scalar_or_array(value),
        nature="bound",
        sense="expectation",
        vacuous=vacuous,
        assumptions=(_IID, _SUB_GAUSSIAN, sentence),
        name="Individual-sample mutual-information bound",
        inputs={"mi_terms": terms, "mi_mean": _mean(terms), "sigma": scalar_or_array(constant)},
        interpretation=_gap_sentence(value),
    )


def cmi_bound(cmi: ArrayLike, n: ArrayLike) -> Bound:
    """Return the bound of the gap from conditional mutual information, for losses in [0, 1].

    Parameters
    ----------
    cmi : float or array_like
        ``I(W; U | Z~)`` in nats, or a bound of it: what the weights tell about which of the two members of
        each pair of a supersample was used for training.
    n : int or array_like
        Sample size, the number of pairs.

    Returns
    -------
    Bound
        ``value`` is ``sqrt(2 cmi/n)``, in expectation.

    Raises
    ------
    InputError
        If `cmi` is negative or `n` below 1.

    Warns
    -----
    VacuousBoundWarning
        If the bound is at least 1.

    Notes
    -----
    Steinke and Zakynthinou (2020). The information never exceeds ``n log 2``, at which the value is 1.18; a
    larger input is taken as it is and named in `interpretation` (its unit may be bits).

    Examples
    --------
    >>> round(cmi_bound(0.5, n=20).value, 12)
    0.22360679775
    """
    information, sizes = common_shape(cmi=check_nonnegative("cmi", cmi), n=check_sizes("n", n))
    value = math.sqrt(2.0) * np.sqrt(information / sizes)
    vacuous = is_vacuous(value, 1.0)
    warn_if_vacuous(vacuous, "the conditional mutual-information bound")
    impossible = bool((information > sizes * math.log(2.0) * (1.0 + 1e-12)).any())
    remark = " A cmi above n log 2 nats is more than any training stores: is it in bits?" if impossible else ""
    return Bound(
        value=scalar_or_array(value),
        nature="bound",
        sense="expectation",
        vacuous=vacuous,
        assumptions=(_SUPERSAMPLE, "the loss is in [0, 1]"),
        name="Conditional mutual-information bound",
        inputs={"cmi": scalar_or_array(information), "n": scalar_or_array(sizes)},
        interpretation=_gap_sentence(value) + remark,
    )


def cgf_inverse_bound(mi_terms: ArrayLike, psi: Callable[[float], float]) -> Bound:
    """Return the bound of the gap from informations and a cumulant generating function of the loss.

    Parameters
    ----------
    mi_terms : array_like of shape (n,)
        ``I(Z_i; W)`` for every observation, nats; a single number stands for n equal terms.
    psi : callable
        ``psi(t) = log E exp(-t (loss - E loss))`` for t > 0 with weights and observation independent; inf (or
        nan, or an arithmetic error) beyond the t for which it exists.

    Returns
    -------
    Bound
        ``value`` is the mean over i of the smallest ``(I(Z_i; W) + psi(t))/t``; it bounds the gap (test minus
        train) from above, in expectation.

    Raises
    ------
    InputError
        If a term is negative, `psi` is finite nowhere, or it is not the function of a centred variable.
    InputTypeError
        If `psi` is not a function that returns numbers.

    Notes
    -----
    Bu, Zou and Veeravalli (2020). Every t gives a valid bound, so the search over t, from 1e-40 to
    1e40, decides how tight the value is, not whether it holds; it takes about 200 evaluations of psi, and 60 for
    every distinct term. For ``psi(t) = sigma^2 t^2/2`` the value is that of
    `individual_mi_bound`. The range of the loss is not known here: only an infinite value is called vacuous.

    Examples
    --------
    >>> round(cgf_inverse_bound([0.08, 0.02], lambda t: t * t / 2).value, 12)
    0.3
    """
    terms = _terms("mi_terms", mi_terms)
    if not callable(psi):
        raise InputTypeError(describe("psi", "a function of one number t > 0", short(psi)))
    unique, place = np.unique(terms, return_inverse=True)
    value = _mean(inverse_cgf(unique, psi)[place])
    vacuous = is_vacuous(value, np.inf)
    warn_if_vacuous(vacuous, "the inverse-CGF bound")
    return Bound(
        value=value,
        nature="bound",
        sense="expectation",
        vacuous=vacuous,
        assumptions=(_IID, _PSI),
        name="Inverse-CGF bound",
        quantity="generalization gap, from above",
        inputs={"mi_terms": terms, "mi_mean": _mean(terms)},
        interpretation=_gap_sentence(value).replace("differ by", "differ, test above training, by"),
    )


def gaussian_mean_example(n: ArrayLike, d: ArrayLike, sigma2: ArrayLike) -> GaussianMeanExample:
    """Return the exact gap and its bounds for the mean of normal data under squared loss.

    Parameters
    ----------
    n : int or array_like
        Sample size; at 1 the information and the bounds are infinite.
    d : int or array_like
        Dimension.
    sigma2 : float or array_like
        Variance of each coordinate, positive.

    Returns
    -------
    GaussianMeanExample
        Fields ``mi_individual gap bound_quadratic bound_cgf``.

    Raises
    ------
    InputError
        If a size is below 1 or a variance is not positive.

    Notes
    -----
    ``Z_i ~ N(mu, sigma2 I_d)``, W their mean, loss ``|w - z|^2``. Then ``I(Z_i; W) = (d/2) log(n/(n-1))``, the gap
    is ``2 sigma2 d/n``, and with ``a = sigma2 (1 + 1/n)`` the loss of a new point has
    ``psi(t) = a d t - (d/2) log(1 + 2 a t)``. The quadratic bound replaces psi by ``a^2 d t^2``. Both are
    of order ``n^(-1/2)``, the gap of order 1/n: a known looseness (Bu, Zou and Veeravalli 2020).

    Examples
    --------
    >>> found = gaussian_mean_example(20, 3, 1.0)
    >>> [round(x, 9) for x in (found.mi_individual, found.gap, found.bound_quadratic, found.bound_cgf)]
    [0.076939942, 0.3, 1.008917949, 0.904202079]
    """
    clean = {"n": check_sizes("n", n), "d": check_sizes("d", d), "sigma2": _positive("sigma2", sigma2)}
    sizes, dims, variance = common_shape(**clean)
    with np.errstate(divide="ignore"):
        rate = -np.log1p(-1.0 / sizes)
    information = 0.5 * dims * rate
    with np.errstate(over="ignore"):
        a, gap = variance * (1.0 + 1.0 / sizes), 2.0 * variance * (dims / sizes)
        total = a * dims
    # In s = 2 a t the bound is a d times the one for I = log(n/(n-1)) and psi = s - log(1 + s), all d alike.
    unique, place = np.unique(rate, return_inverse=True)
    scaled = inverse_cgf(unique, lambda s: float(log_gap(s)))[place].reshape(rate.shape)
    return GaussianMeanExample(
        value=scalar_or_array(gap),
        nature="exact",
        sense="expectation",
        assumptions=("the data are independent N(mu, sigma2 I), the weights their mean, the loss |w - z|^2",),
        mi_individual=scalar_or_array(information),
        gap=scalar_or_array(gap),
        bound_quadratic=scalar_or_array(total * np.sqrt(2.0 * rate)),
        bound_cgf=scalar_or_array(total * scaled),
        n=scalar_or_array(sizes),
        d=scalar_or_array(dims),
        sigma2=scalar_or_array(variance),
        interpretation="The gap is exact and of order 1/n; the two bounds hold in expectation and fall only like "
        "n^(-1/2).",
    )


def noisy_sgd_mi(lr: ArrayLike, lipschitz: ArrayLike, noise_std: ArrayLike, d: int) -> NoisySgdInformation:
    """Return a bound of the information between the sample and the weights after noisy gradient steps.

    Parameters
    ----------
    lr : float or array_like of shape (T,)
        Step size of every step, non-negative.
    lipschitz : float or array_like of shape (T,)
        Bound of the norm of the gradient (clipping constant): an update is at most ``lr * lipschitz`` long.
    noise_std : float or array_like of shape (T,)
        Standard deviation of the normal noise added to every coordinate after the step, positive.
    d : int
        Number of parameters.

    Returns
    -------
    NoisySgdInformation
        ``value`` and the simpler ``loose``, nats; ``value`` goes into `mi_bound`.

    Raises
    ------
    InputError
        If a number is out of range or the lengths do not fit.

    Notes
    -----
    ``I(S; W_T) <= sum_t (d/2) log(1 + lr_t^2 L^2/(d noise_std_t^2)) <= sum_t lr_t^2 L^2/(2 noise_std_t^2)``: the
    chain rule over steps, and the capacity of a normal channel with d coordinates and input power
    ``lr_t^2 L^2``. The mini-batch of a step may depend on earlier weights, its noise may not.

    Examples
    --------
    >>> found = noisy_sgd_mi([0.1] * 100, lipschitz=1.0, noise_std=0.05, d=1000)
    >>> round(found.value, 6), round(found.loose, 6)
    (199.601063, 200.0)
    """
    clean = {"lr": _series("lr", lr), "lipschitz": _series("lipschitz", lipschitz)}
    noise_levels = _positive("noise_std", _series("noise_std", noise_std))
    steps, length, noise = common_shape(**clean, noise_std=noise_levels)
    d = check_count("d", d, low=1, high=10**15)
    with np.errstate(over="ignore"):
        power = (steps * length / noise) ** 2
    per_step = 0.5 * d * np.log1p(power / d)
    value, loose = float(per_step.sum()), float(0.5 * power.sum())
    vacuous = is_vacuous(value, np.inf)
    warn_if_vacuous(vacuous, "the information bound of noisy gradient descent")
    return NoisySgdInformation(
        value=value,
        nature="bound",
        vacuous=vacuous,
        assumptions=(
            "every update is at most lr * lipschitz long, whatever the sample",
            "the noise of a step is normal, equal in all coordinates, independent of the past",
        ),
        loose=loose,
        per_step=per_step,
        d=d,
        interpretation=f"After {len(per_step)} steps the weights hold at most {value:.6g} nats about the sample.",
    )


# ------------------------------------------------------------------------------------ checks
def _terms(name: str, value: ArrayLike) -> FloatArray:
    """One-dimensional array of informations."""
    array = check_nonnegative(name, value)
    if array.ndim > 1:
        raise InputError(describe(name, "one number per observation (one-dimensional)", Words(f"shape {array.shape}")))
    return np.atleast_1d(array)


def _mean(values: FloatArray) -> float:
    """Mean of non-negative numbers whose sum may leave the range of floats."""
    largest = float(values.max())
    return largest * float(np.mean(values / largest)) if 0.0 < largest < np.inf else largest


def _series(name: str, value: ArrayLike) -> FloatArray:
    """One-dimensional array of non-negative finite numbers."""
    array = np.atleast_1d(as_float_array(name, value, ndim=(0, 1)))
    if array.size == 0 or (array < 0.0).any():
        got = float(array.min()) if array.size else Words("none")
        raise InputError(describe(name, "non-negative, one number or one per step", got))
    return array


def _positive(name: str, value: ArrayLike) -> FloatArray:
    """Array of positive finite numbers."""
    array = as_float_array(name, value)
    if array.size == 0 or not (array > 0.0).all():
        raise InputError(describe(name, "positive", float(array.min()) if array.size else Words("none")))
    return array


def _gap_sentence(value: Any) -> str:
    if np.ndim(value):
        return "On average over training samples, test and training loss differ by no more than the value."
    if math.isinf(value):
        return "The information is infinite, so this inequality says nothing about the gap."
    return f"On average over training samples, test and training loss differ by at most {float(value):.6g}."


def _infinite_information(information: FloatArray) -> str:
    if not np.isinf(information).any():
        return ""
    return (
        " An infinite I(S; W) is usual for deterministic training on continuous data; individual_mi_bound, from "
        "I(Z_i; W), may be finite there."
    )
