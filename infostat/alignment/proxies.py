"""What a proxy reward guarantees about the true one, and where optimising it turns against you."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InfostatWarning, InputError, describe
from ..core.tables import format_cell
from ..core.validation import FloatArray, as_float_array, check_choice
from .laws import check_size
from .named_laws import log_law, match_labels
from .proxy_results import OveroptimisationFit, ProxyBound

__all__ = ["correlated_proxy_bound", "overoptimisation_fit"]

KINDS = ("bon", "rl")


def correlated_proxy_bound(base: Any, true: Any, proxy: Any, policy: Any) -> ProxyBound:
    """Bound the true reward of a policy by its proxy reward and the correlation of the two.

    Parameters
    ----------
    base : array_like of shape (k,) or Series
        Probabilities of the base law mu.
    true, proxy : array_like of shape (k,) or Series
        The reward that is meant and the one that is optimised, on the same outcomes.
    policy : array_like of shape (k,) or Series
        Probabilities of the policy pi. Series are matched by label.

    Returns
    -------
    ProxyBound
        ``correlation pearson proxy_gain_sd true_gain_sd bound tight_bound guaranteed`` and more.

    Raises
    ------
    InputError
        If a law is not one, lengths or labels differ, a reward is not finite where one of the
        laws has mass, or a reward does not vary under the base law.
    InputTypeError
        If something is not numeric.

    Warns
    -----
    InfostatWarning
        If the correlation is not positive: nothing is guaranteed then, both bounds are -inf.

    Notes
    -----
    With Z and Zt the true and the proxy reward in standard deviations from their means under mu,
    rho > 0 their correlation, a = E_pi Zt and chi2 = sum pi^2/mu - 1,

    ``E_pi Z >= (a - sqrt((1 - rho^2) chi2))/rho`` (`bound`),
    ``E_pi Z >= rho a - sqrt((1 - rho^2)(chi2 - a^2))`` (`tight_bound`, never weaker).

    Both follow from the Cauchy-Schwarz inequality and were checked in this project on random laws.
    For a > 0 both are positive exactly if ``a^2 > (1 - rho^2) chi2``. The policy that maximises the
    proxy under a chi^2 penalty has ``chi2 = a^2`` as long as nothing is clipped, hence the guarantee
    ``rho a``; a KL budget gives no such guarantee without an assumption about tails. For a Markov
    decision process take discounted occupancy measures for mu and pi.

    Examples
    --------
    >>> base, true, proxy = [0.4, 0.3, 0.2, 0.1], [0, 1, 2, 3], [0, 1, 3, 2]
    >>> found = correlated_proxy_bound(base, true, proxy, [0.3, 0.2, 0.3, 0.2])
    >>> round(found.correlation, 6), round(found.pearson, 6)
    (0.880451, 0.208333)
    >>> round(found.bound, 6), round(found.tight_bound, 6), round(found.true_gain_sd, 6)
    (0.154202, 0.172412, 0.4)
    >>> found.guaranteed
    True
    """
    vectors, _ = match_labels({"base": base, "true": true, "proxy": proxy, "policy": policy})
    mu, pi = np.exp(log_law("base", vectors["base"])), np.exp(log_law("policy", vectors["policy"]))
    if len(pi) != len(mu):
        raise InputError(f"policy must have one entry per entry of base ({len(mu)}), got {len(pi)}")
    scores = [_standardised(name, vectors[name], mu, pi) for name in ("true", "proxy")]
    return _wrap_bound(mu, pi, scores[0], scores[1])


def overoptimisation_fit(
    kl: ArrayLike,
    gain: ArrayLike,
    kind: str = "bon",
    *,
    se: ArrayLike | None = None,
    proxy: ArrayLike | None = None,
) -> OveroptimisationFit:
    """Fit a curve to the true reward gained against KL, and say where it peaks.

    Parameters
    ----------
    kl : array_like of shape (n,)
        KL from the base law at each point, nats. Points with KL 0 say nothing and are left out.
    gain : array_like of shape (n,)
        True reward above that of the base law.
    kind : {"bon", "rl"}
        ``d(A - B d)`` for best-of-N, ``d(A - B log d)`` for reinforcement learning, d = sqrt(KL).
    se : array_like of shape (n,), optional
        Standard errors of the gains; the fit is then weighted and the errors of A and B follow
        from them. Without, they follow from the residuals.
    proxy : array_like of shape (n,), optional
        Proxy reward above that of the base law, for the figure and the frame.

    Returns
    -------
    OveroptimisationFit
        ``a b peak_kl`` with standard errors; its method `gain` evaluates the curve.

    Raises
    ------
    InputError
        If shapes differ, a KL is negative, a standard error is not positive, or fewer than two
        different positive KL are left.
    InputTypeError
        If something is not numeric.

    Warns
    -----
    InfostatWarning
        If the peak lies beyond the largest KL of the data: it is then an extrapolation.

    Notes
    -----
    Linear least squares for A and B. The peaks are at ``d = A/(2B)`` and ``d = exp(A/B - 1)``;
    `peak_kl` is the square, and inf when B <= 0: such a curve never turns down. The two forms are
    known from studies of reward over-optimisation; they are empirical, and no theorem stands
    behind them. Standard errors take the points for independent. Points of one curve that was
    estimated from one set of samples err together: pass `se`, few points, and prefer the spread over
    several sets of samples where there are some.

    Examples
    --------
    >>> kl = np.array([0.5, 1.0, 2.0, 4.0, 8.0])
    >>> found = overoptimisation_fit(kl, np.sqrt(kl) * (1.2 - 0.3 * np.sqrt(kl)))
    >>> round(found.a, 12), round(found.b, 12), round(found.peak_kl, 12)
    (1.2, 0.3, 4.0)
    >>> found.gain([0.0, 4.0]).round(12)
    array([0. , 1.2])
    """
    form = check_choice("kind", kind, KINDS)
    columns = _columns(kl, gain, se, proxy)
    used = columns.kl > 0.0
    distance = np.sqrt(columns.kl[used])
    if len(np.unique(distance)) < 2:
        raise InputError(
            f"kl must hold at least two different positive values, got {len(np.unique(distance))}; "
            "two coefficients cannot be fitted to fewer"
        )
    error = None if columns.se is None else columns.se[used]
    fit = _least_squares(_design(distance, form), columns.gain[used], error)
    return _wrap_fit(columns, used, form, fit)


# ------------------------------------------------------------------ the proxy bound


@dataclass(frozen=True)
class _Score:
    """A reward in standard deviations from its mean under the base law."""

    z: FloatArray
    # sqrt(mu) z, a vector of length one: an outcome of tiny probability may have a z whose square overflows.
    unit: FloatArray
    sd: float


def _standardised(name: str, values: Any, mu: FloatArray, pi: FloatArray) -> _Score:
    reward = as_float_array(name, values, ndim=1, finite=False)
    if len(reward) != len(mu):
        raise InputError(f"{name} must have one reward per entry of base ({len(mu)}), got {len(reward)}")
    seen = (mu > 0.0) | (pi > 0.0)
    bad = int((~np.isfinite(reward[seen])).sum())
    if bad:
        raise InputError(f"{name} must be finite where base or policy has mass, got {bad} values that are not")
    known = np.where(seen, reward, 0.0)
    under_base = known[mu > 0.0]
    if (under_base == under_base[0]).all():
        raise InputError(
            f"{name} must vary under base, got the one value {under_base[0]:g}; gains are stated in its standard "
            "deviations"
        )
    # A power of two: scaling is exact, and squares can neither overflow nor vanish.
    exponent = math.frexp(float(np.abs(known).max()))[1]
    scaled = np.ldexp(known, -exponent)
    shifted = np.where(seen, scaled - np.ldexp(under_base[0], -exponent), 0.0)
    deviation = np.where(seen, shifted - float(mu @ shifted), 0.0)
    largest = float(np.abs(deviation[mu > 0.0]).max())
    sd = largest * math.sqrt(float(mu @ (deviation / largest) ** 2))
    z = np.asarray(deviation / sd)
    return _Score(z, np.asarray(np.sqrt(mu) * z), float(np.ldexp(sd, exponent)))


def _wrap_bound(mu: FloatArray, pi: FloatArray, true: _Score, proxy: _Score) -> ProxyBound:
    rho = min(max(float(true.unit @ proxy.unit), -1.0), 1.0)
    # 1 - rho^2 and chi2 - a^2 as sums of squares: the differences would cancel.
    unexplained = float(np.sum((true.unit - rho * proxy.unit) ** 2))
    gain, true_gain = float(pi @ proxy.z), float(pi @ true.z)
    pearson, beside = _pearson(mu, pi, gain, proxy.unit)
    flags = []
    if rho <= 0.0:
        flags.append("not_positively_correlated")
        bound = tight = -math.inf
        warnings.warn(
            f"the proxy has correlation {rho:.4g} with the true reward under the base law: a larger proxy reward "
            "guarantees nothing",
            InfostatWarning,
            stacklevel=3,
        )
    else:
        bound = (gain - _root(unexplained, pearson)) / rho
        tight = rho * gain - _root(unexplained, beside)
    if (pi[mu == 0.0] > 0.0).any():
        flags.append("outside_base")
        bound = tight = -math.inf
    if rho > 0.0 and gain <= 0.0:
        flags.append("proxy_not_raised")
    guaranteed = tight > 0.0
    return ProxyBound(
        correlation=rho,
        pearson=pearson,
        proxy_gain_sd=gain,
        true_gain_sd=true_gain,
        bound=bound,
        tight_bound=tight,
        guaranteed=guaranteed,
        pearson_limit=_limit(rho, unexplained, gain),
        unexplained=unexplained,
        guaranteed_gain=tight * true.sd,
        true_gain=true_gain * true.sd,
        proxy_gain=gain * proxy.sd,
        true_sd=true.sd,
        proxy_sd=proxy.sd,
        flags=tuple(flags),
        interpretation=_bound_words(rho, gain, tight, guaranteed, pearson),
    )


def _pearson(mu: FloatArray, pi: FloatArray, gain: float, unit: FloatArray) -> tuple[float, float]:
    """chi2(pi || mu), and the part of it that is orthogonal to the proxy."""
    if (pi[mu == 0.0] > 0.0).any():
        return math.inf, math.inf
    inside = mu > 0.0
    root = np.sqrt(mu[inside])
    with np.errstate(over="ignore"):
        change = (pi[inside] - mu[inside]) / root
        return float(np.sum(change**2)), float(np.sum((change - gain * unit[inside]) ** 2))


def _root(unexplained: float, spread: float) -> float:
    """sqrt of a product that is 0 where one factor is, also if the other is inf."""
    return 0.0 if unexplained == 0.0 or spread == 0.0 else math.sqrt(unexplained) * math.sqrt(spread)


def _limit(rho: float, unexplained: float, gain: float) -> float:
    """Largest chi2 at which this proxy gain still guarantees a true one."""
    if rho <= 0.0 or gain <= 0.0:
        return 0.0
    return math.inf if unexplained == 0.0 else gain * gain / unexplained


def _bound_words(rho: float, gain: float, tight: float, guaranteed: bool, pearson: float) -> str:
    moved = f"The policy moves the proxy by {format_cell(gain)} standard deviations"
    if guaranteed:
        return (
            f"{moved}; with correlation {rho:.3g} and a chi^2 divergence of {format_cell(pearson)} from the base law "
            f"the true reward must rise by at least {format_cell(tight)} of its standard deviations."
        )
    if rho <= 0.0:
        return f"{moved}, and the true reward may do anything: the two are not positively correlated (rho {rho:.3g})."
    return (
        f"{moved}, at a chi^2 divergence of {format_cell(pearson)} from the base law; with correlation {rho:.3g} this "
        "does not guarantee that the true reward rises."
    )


# ------------------------------------------------------------------ the fit


@dataclass(frozen=True)
class _Columns:
    """Checked data of a fit."""

    kl: FloatArray
    gain: FloatArray
    se: FloatArray | None
    proxy: FloatArray | None


@dataclass(frozen=True)
class _Fit:
    """Coefficients, their covariance (None if there is none) and the share of variance explained."""

    a: float
    b: float
    covariance: FloatArray | None
    r2: float
    residual_sd: float


def _columns(kl: ArrayLike, gain: ArrayLike, se: ArrayLike | None, proxy: ArrayLike | None) -> _Columns:
    given = {"kl": kl, "gain": gain, "se": se, "proxy": proxy}
    arrays = {name: None if v is None else as_float_array(name, v, ndim=1) for name, v in given.items()}
    budget, gained = as_float_array("kl", kl, ndim=1), as_float_array("gain", gain, ndim=1)
    for name, values in (("kl", budget), ("gain", gained)):
        check_size(name, values)
    for name, array in arrays.items():
        if array is not None and len(array) != len(budget):
            raise InputError(f"{name} must have one entry per entry of kl ({len(budget)}), got {len(array)}")
    if (budget < 0.0).any():
        raise InputError(describe("kl", "non-negative", float(budget.min()), "a KL divergence is never negative"))
    error = arrays["se"]
    if error is not None and (error <= 0.0).any():
        raise InputError(describe("se", "positive", float(error.min()), "leave se out for an unweighted fit"))
    return _Columns(budget, gained, error, arrays["proxy"])


def _design(distance: FloatArray, kind: str) -> FloatArray:
    """Columns of A and B as functions of d = sqrt(KL)."""
    from scipy.special import xlogy

    second = distance**2 if kind == "bon" else xlogy(distance, distance)
    return np.column_stack([distance, -second])


def _least_squares(design: FloatArray, gain: FloatArray, se: FloatArray | None) -> _Fit:
    weight = np.ones(len(gain)) if se is None else 1.0 / se
    scale = np.sqrt(np.sum((design * weight[:, None]) ** 2, axis=0))
    scaled = design * weight[:, None] / scale
    coefficient, _, _, _ = np.linalg.lstsq(scaled, gain * weight, rcond=None)
    residual = gain * weight - scaled @ coefficient
    ssr, freedom = float(residual @ residual), len(gain) - 2
    inverse = np.linalg.pinv(scaled.T @ scaled) / np.outer(scale, scale)
    if se is not None:
        covariance: FloatArray | None = np.asarray(inverse)
    else:
        covariance = np.asarray(inverse * ssr / freedom) if freedom else None
    centred = weight * (gain - float(np.average(gain, weights=weight**2)))
    total = float(centred @ centred)
    r2 = 1.0 - ssr / total if total > 0.0 else float(ssr == 0.0)
    spread = math.sqrt(ssr / freedom) if freedom else math.nan
    a, b = (coefficient / scale).tolist()
    return _Fit(float(a), float(b), covariance, r2, spread)


def _peak(a: float, b: float, kind: str) -> tuple[float, float, float]:
    """KL at the peak, and its derivatives in A and B (both 0 where it does not depend on them)."""
    if b <= 0.0:
        return math.inf, 0.0, 0.0
    if kind == "bon":
        if a <= 0.0:
            return 0.0, 0.0, 0.0
        distance = a / (2.0 * b)
        return distance**2, distance / b, -2.0 * distance**2 / b
    exponent = 2.0 * (a / b - 1.0)
    if exponent > 700.0:
        return math.inf, 0.0, 0.0
    peak = math.exp(exponent)
    return peak, 2.0 * peak / b, -2.0 * a * peak / b**2


def _wrap_fit(columns: _Columns, used: Any, kind: str, fit: _Fit) -> OveroptimisationFit:
    peak, slope_a, slope_b = _peak(fit.a, fit.b, kind)
    gradient = np.array([slope_a, slope_b])
    cov = fit.covariance
    se_a, se_b = (math.nan, math.nan) if cov is None else np.sqrt(np.diag(cov)).tolist()
    se_peak = math.nan if cov is None or math.isinf(peak) else math.sqrt(max(float(gradient @ cov @ gradient), 0.0))
    largest = float(columns.kl.max())
    flags = _fit_flags(fit, kind, peak, largest)
    if "peak_extrapolated" in flags:
        warnings.warn(
            f"the fitted peak at KL {peak:.4g} lies beyond the data (largest KL {largest:.4g}): it is an extrapolation",
            InfostatWarning,
            stacklevel=3,
        )
    height = math.inf if math.isinf(peak) else float(_curve(fit.a, fit.b, kind, np.array([peak]))[0])
    return OveroptimisationFit(
        a=fit.a,
        b=fit.b,
        peak_kl=peak,
        se_a=float(se_a),
        se_b=float(se_b),
        se_peak_kl=se_peak,
        peak_gain=height,
        r2=fit.r2,
        residual_sd=fit.residual_sd,
        kind=kind,
        n_points=int(used.sum()),
        kl=columns.kl,
        observed=columns.gain,
        fitted=_curve(fit.a, fit.b, kind, columns.kl),
        se=columns.se,
        proxy=columns.proxy,
        flags=tuple(flags),
        interpretation=_fit_words(flags, peak, se_peak, height, largest),
    )


def _curve(a: float, b: float, kind: str, kl: FloatArray) -> FloatArray:
    return np.asarray(_design(np.sqrt(kl), kind) @ np.array([a, b]))


def _fit_flags(fit: _Fit, kind: str, peak: float, largest: float) -> list[str]:
    flags = []
    if fit.b <= 0.0:
        flags.append("no_peak")
    elif kind == "bon" and fit.a <= 0.0:
        flags.append("falls_from_the_start")
    elif peak > largest:
        flags.append("peak_extrapolated")
    if fit.covariance is None:
        flags.append("no_residuals")
    return flags


def _fit_words(flags: list[str], peak: float, se_peak: float, height: float, largest: float) -> str:
    if "no_peak" in flags:
        return f"The fitted true reward does not turn down: no over-optimisation shows up to KL {largest:.4g} nats."
    if "falls_from_the_start" in flags:
        return "The fitted true reward falls from the start: any optimisation of this proxy costs true reward."
    spread = "" if math.isnan(se_peak) else f" (standard error {format_cell(se_peak)})"
    if "peak_extrapolated" in flags:
        return (
            f"The fitted true reward peaks at KL {format_cell(peak)} nats{spread}, beyond the data, which end at "
            f"{format_cell(largest)}: it is an extrapolation."
        )
    return (
        f"The fitted true reward peaks at KL {format_cell(peak)} nats{spread}, {format_cell(height)} above the base "
        "law; more optimisation of the proxy lowers it."
    )
