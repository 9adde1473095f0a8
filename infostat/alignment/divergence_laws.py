"""Divergences of best-of-N from the reference that are the same for every continuous reward.

If no two draws have equal rewards, the density ratio of best-of-N is ``N U^(N-1)`` with U uniform,
whatever the reward and the reference are. Everything is computed from log N, so that N = 1 + 1e-12
and log N = 1e6 keep their digits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, InputTypeError, describe
from ..core.validation import FloatArray, as_float_array, as_plain_array, check_number, short
from .divergence_result import BonDivergences
from .laws import one_of

__all__ = ["bon_divergences", "bon_kl_bound", "bon_kl_single_atom", "exp_remainder", "log_count", "log_n_from_kl"]

_LOG_2 = math.log(2.0)
# From here on log 2 minus the Jensen-Shannon divergence, about (log N)^2/(4 N), is below rounding.
_JS_FULL = 50.0
# Gauss-Legendre nodes of one panel of unit width: the integrand is analytic within pi.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(14)


def bon_divergences(n: Any = None, *, renyi_order: float = 2.0, log_n: Any = None) -> BonDivergences:
    """Return how far best-of-N is from the reference when rewards are continuous.

    Parameters
    ----------
    n : float or array_like
        Number of draws, any real numbers >= 1.
    renyi_order : float
        Order a >= 0 of the Rényi divergence; 1 is KL, inf is log N.
    log_n : float or array_like, optional
        log N in place of `n`, for N beyond the range of floats.

    Returns
    -------
    BonDivergences
        ``kl reverse_kl pearson tv hellinger js renyi win_rate``, numbers or arrays like `n`.

    Raises
    ------
    InputError
        If an N is below one or not finite, both or neither of `n` and `log_n` are given, or the
        order is negative.
    InputTypeError
        If something is not a number.

    Notes
    -----
    With w = N u^(N-1) each is ``int_0^1 f(w) du``, f the generator on the scale of
    `infostat.divergences` (derived and checked in this project):

    ==============  =====================================
    kl              log N - (N - 1)/N
    reverse_kl      N - 1 - log N
    pearson         (N - 1)^2/(2N - 1)
    tv              N^(-1/(N-1)) - N^(-N/(N-1))
    hellinger       (sqrt N - 1)^2/(N + 1)
    js              quadrature, 14 digits
    renyi           log(N^a/(a (N - 1) + 1))/(a - 1)
    win_rate        N/(N + 1)
    ==============  =====================================

    Ties in the reward can only make each of them smaller (data processing), so for a finite
    alphabet they are upper bounds.

    Examples
    --------
    >>> found = bon_divergences(4)
    >>> round(found.kl, 12), round(found.pearson, 12), round(found.win_rate, 12)
    (0.63629436112, 1.285714285714, 0.8)
    >>> bon_divergences([1, 2, 1e300]).js.round(6)
    array([0.      , 0.053782, 0.693147])
    """
    order = check_number("renyi_order", renyi_order, low=0.0, finite=False)
    logs = log_count(n, log_n)
    values = _all_divergences(np.atleast_1d(logs), order)
    found: dict[str, Any] = {name: _bare(v.reshape(logs.shape)) for name, v in values.items()}
    with np.errstate(over="ignore"):
        huge = n is None or (isinstance(n, int) and n > 2**1000)
        count = _bare(np.exp(logs) if huge else np.asarray(n, dtype=np.float64))
    return BonDivergences(**found, renyi_order=order, log_n=_bare(logs), n=count)


def log_n_from_kl(kl: ArrayLike) -> Any:
    """Return log N of the best-of-N whose KL from the reference is `kl`, for continuous rewards.

    Parameters
    ----------
    kl : float or array_like
        KL(BoN || reference) >= 0, nats; inf gives inf.

    Returns
    -------
    float or ndarray
        log N.

    Raises
    ------
    InputError
        If a value is negative or NaN.
    InputTypeError
        If the values are not numbers.

    Notes
    -----
    Solves ``log N + 1/N - 1 = kl``, that is ``N = -1/W(-exp(-1 - kl))`` with the principal branch
    of Lambert's W, by Newton steps in log N: W itself underflows beyond 744 nats and loses half of
    the digits near zero. Derived and checked in this project. With a finite alphabet use
    `log_n_for_kl`, which inverts the exact KL.

    Examples
    --------
    >>> import math
    >>> round(math.exp(log_n_from_kl(math.log(4) - 0.75)), 12)
    4.0
    >>> log_n_from_kl([0.0, 1e-12, 1e6]).round(9)
    array([0.000000e+00, 1.414000e-06, 1.000001e+06])
    """
    budget = as_float_array("kl", kl, finite=False)
    _refuse_below("kl", budget, 0.0)
    finite = np.where(np.isinf(budget), 0.0, budget)
    root = np.sqrt(2.0 * np.minimum(finite, 1.0))
    # The function is convex and both starts lie above the root or within Newton's reach of it.
    x = np.where(finite < 1.0, root * (1.0 + root / 6.0 + root * root / 36.0), finite + 1.0)
    for _ in range(6):
        slope = -np.expm1(-x)
        error = exp_remainder(-x) - finite
        x = x - np.divide(error, slope, out=np.zeros_like(x), where=slope > 0.0)
    return _bare(np.where(np.isinf(budget), np.inf, x))


def bon_kl_single_atom(e: ArrayLike, n: ArrayLike | None = None, *, log_n: ArrayLike | None = None) -> Any:
    """Return KL(BoN || reference) when the best outcome is an atom and all other rewards differ.

    Parameters
    ----------
    e : float or array_like
        Probability of the best outcome under the reference, from 0 to 1.
    n : float or array_like
        Number of draws, any real numbers >= 1.
    log_n : float or array_like, optional
        log N in place of `n`.

    Returns
    -------
    float or ndarray
        Nats, elementwise; never above ``min(log N - (N-1)/N, -log e)``.

    Raises
    ------
    InputError
        If a probability is outside [0, 1], or an N below one.
    InputTypeError
        If something is not a number.

    Notes
    -----
    ``(1-e)^N [log N + (N-1) log(1-e) - (N-1)/N] + (1-(1-e)^N) log[(1-(1-e)^N)/e]`` (derived and
    checked in this project). Averaged over selected outputs, with e their probabilities under the
    reference, it estimates the KL of best-of-N more closely than ``log N - (N-1)/N``.

    Examples
    --------
    >>> round(bon_kl_single_atom(0.2, 4), 12)
    0.625525282598
    >>> round(bon_kl_single_atom(0.0, 4), 12), round(bon_kl_single_atom(0.2, 1e300), 12)
    (0.63629436112, 1.609437912434)
    """
    atom, given = as_float_array("e", e), log_count(n, log_n)
    if (atom < 0.0).any() or (atom > 1.0).any():
        raise InputError(describe("e", "probabilities from 0 to 1", short(e)))
    try:
        atom, logs = np.broadcast_arrays(atom, given)
    except ValueError:
        raise InputError(f"e and n must have shapes that fit, got {atom.shape} and {given.shape}") from None
    bound = np.asarray(bon_kl_bound(logs))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        log_rest = np.log1p(-atom)
        power = -np.exp(np.minimum(logs + np.log(-log_rest), 709.0))  # N log(1 - e)
        rest, hit = np.exp(power), -np.expm1(power)
        missed = np.where(rest > 0.0, rest * (bound + power - log_rest), 0.0)
        value = missed + np.where(hit > 0.0, hit * (np.log(hit) - np.log(atom)), 0.0)
    return _bare(np.where(atom == 0.0, bound, np.clip(value, 0.0, bound)))


def bon_kl_bound(log_n: ArrayLike) -> Any:
    """Return log N - (N-1)/N, the KL of best-of-N for continuous rewards and a bound for all.

    Parameters
    ----------
    log_n : float or array_like
        log N >= 0.

    Returns
    -------
    float or ndarray
        Nats.

    Examples
    --------
    >>> round(bon_kl_bound(math.log(4.0)), 12), round(bon_kl_bound(1e-9), 27)
    (0.63629436112, 5e-19)
    """
    return _bare(exp_remainder(-np.asarray(log_n, dtype=np.float64)))


def exp_remainder(x: FloatArray) -> FloatArray:
    """Return ``e^x - 1 - x`` without cancellation near zero.

    Parameters
    ----------
    x : ndarray
        Any numbers.

    Returns
    -------
    ndarray
        Non-negative; inf beyond the range of exp.

    Examples
    --------
    >>> exp_remainder(np.array([-1e-9, 0.0, 1.0])).round(27)
    array([5.00000000e-19, 0.00000000e+00, 7.18281828e-01])
    """
    small = np.abs(x) < 0.3
    y = np.where(small, x, 0.0)
    series = np.zeros_like(y)
    for k in range(13, 1, -1):
        series = 1.0 / math.factorial(k) + y * series
    with np.errstate(over="ignore"):
        return np.asarray(np.where(small, y * y * series, np.expm1(x) - x))


def log_count(n: Any, log_n: Any) -> FloatArray:
    """Return log N as a checked array from whichever of the two is given.

    Parameters
    ----------
    n, log_n : float, array_like or None
        Exactly one of them.

    Returns
    -------
    ndarray
        Finite, >= 0.

    Raises
    ------
    InputError
        If both or neither are given, an N is below one, NaN or infinite.
    InputTypeError
        If the values are not numbers.

    Examples
    --------
    >>> log_count([1, 2], None).round(6)
    array([0.      , 0.693147])
    """
    one_of("n", n, "log_n", log_n)
    if isinstance(n, int) and n > 2**1000:
        return np.asarray(math.log(n))  # Python's integers have no largest one, floats do
    name, given, least = ("n", n, 1.0) if log_n is None else ("log_n", log_n, 0.0)
    array = _real_array(name, given)
    cure = "; for N beyond the range of floats pass log_n" if name == "n" else ""
    if not np.isfinite(array).all():
        raise InputError(f"{name} must be finite and >= {least:g}, got {short(given)}{cure}")
    _refuse_below(name, array, least)
    return np.log(array) if name == "n" else array


def _real_array(name: str, given: Any) -> FloatArray:
    if as_plain_array(name, given).dtype.kind == "b":
        raise InputTypeError(describe(name, "a real number or an array of them", short(given)))
    return as_float_array(name, given, finite=False)


def _refuse_below(name: str, array: FloatArray, least: float) -> None:
    wrong = ~(array >= least)
    if wrong.any():
        came = float(array[wrong].flat[0])
        raise InputError(describe(name, f"a number >= {least:g}", came))


def _bare(values: FloatArray) -> Any:
    array = np.asarray(values)
    return float(array) if array.ndim == 0 else array


def _all_divergences(x: FloatArray, order: float) -> dict[str, FloatArray]:
    """Each divergence from x = log N."""
    flat = x.reshape(-1)
    inverse, half = np.exp(-flat), np.exp(-0.5 * flat)
    lost = -np.expm1(-flat)  # (N - 1)/N
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        exponent = np.where(flat > 0.0, flat / np.expm1(flat), 1.0)
        pearson = np.expm1(flat) * lost / (2.0 - inverse)
    return {
        "kl": exp_remainder(-flat),
        "reverse_kl": exp_remainder(flat),
        "pearson": pearson,
        "tv": np.exp(-exponent) * lost,
        "hellinger": np.expm1(-0.5 * flat) ** 2 / (1.0 + half * half),
        "js": np.array([_jensen_shannon(value) for value in flat.tolist()]),
        "renyi": _renyi(flat, order),
        "win_rate": 1.0 / (1.0 + inverse),
    }


def _renyi(x: FloatArray, order: float) -> FloatArray:
    """Rényi divergence as KL plus what order - 1 adds, every part without cancellation."""
    if order == math.inf:
        return x.copy()
    if order == 0.0:
        return np.zeros_like(x)
    kl, h = exp_remainder(-x), order - 1.0
    if h == 0.0:
        return kl
    z = -h * np.expm1(-x)
    # z - log(1 + z) is e^y - 1 - y at y = log(1 + z).
    return np.asarray(kl + exp_remainder(np.log1p(z)) / h)


def _jensen_shannon(log_n: float) -> float:
    """JSD as the mean over the mixture of ``h/2``, h = x tanh(x/2) - 2 log cosh(x/2), x = log w."""
    if log_n >= _JS_FULL:
        return _LOG_2
    gain = math.expm1(log_n)
    from_reference = _mean_of_h(log_n, gain)
    from_bon = _mean_of_h(log_n, -math.expm1(-log_n))
    return 0.25 * (from_reference + from_bon)


def _mean_of_h(start: float, slope: float) -> float:
    """``int_0^inf e^(-z) h(start - slope z) dz``; h is 2 log 2 where |x| exceeds 45."""
    end = 45.0 if slope <= 1.0 else min(45.0, (start + 45.0) / slope)
    panels = max(1, math.ceil(end * max(1.0, slope)))
    width = end / panels
    z = (width * (np.arange(panels)[:, None] + 0.5 + 0.5 * _NODES)).reshape(-1)
    weights = np.tile(0.5 * width * _WEIGHTS, panels)
    beyond = math.exp(-end) * float(_h(np.array([start - slope * end]))[0])
    return float(weights @ (np.exp(-z) * _h(start - slope * z))) + beyond


def _h(x: FloatArray) -> FloatArray:
    """``x tanh(x/2) - 2 log cosh(x/2)``, about x^2/4 near zero and 2 log 2 far away."""
    size = np.abs(x)
    tanh = np.tanh(0.5 * np.minimum(size, 2.0))
    near = size * tanh + np.log1p(-tanh * tanh)
    decay = np.exp(-size)
    far = 2.0 * (_LOG_2 - size * decay / (1.0 + decay) - np.log1p(decay))
    return np.where(size < 2.0, near, far)
