"""Bounds for correlated proxies and fits of over-optimisation curves."""

from __future__ import annotations

import json
import math
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.proxies import correlated_proxy_bound, overoptimisation_fit
from infostat.alignment.proxy_results import FLAGS, OveroptimisationFit, ProxyBound
from infostat.core.errors import InfostatWarning, InputError, InputTypeError

seeds = st.integers(0, 2**32 - 1)
BASE, TRUE, PROXY, POLICY = [0.4, 0.3, 0.2, 0.1], [0, 1, 2, 3], [0, 1, 3, 2], [0.3, 0.2, 0.3, 0.2]


def quiet_bound(*arguments: object) -> ProxyBound:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        return correlated_proxy_bound(*arguments)


def quiet_fit(*arguments: object, **options: object) -> OveroptimisationFit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        return overoptimisation_fit(*arguments, **options)  # type: ignore[arg-type]


# ------------------------------------------------------------------ the bound


def test_bound_agrees_with_exact_rational_moments() -> None:
    mu = [Fraction(k, 10) for k in (4, 3, 2, 1)]
    pi = [Fraction(k, 10) for k in (3, 2, 3, 2)]
    mean = {name: sum(m * x for m, x in zip(mu, r, strict=True)) for name, r in (("t", TRUE), ("p", PROXY))}
    var_t = sum(m * (x - mean["t"]) ** 2 for m, x in zip(mu, TRUE, strict=True))
    var_p = sum(m * (x - mean["p"]) ** 2 for m, x in zip(mu, PROXY, strict=True))
    cov = sum(m * (x - mean["t"]) * (y - mean["p"]) for m, x, y in zip(mu, TRUE, PROXY, strict=True))
    gain = sum(q * x for q, x in zip(pi, PROXY, strict=True)) - mean["p"]
    chi2 = sum(q * q / m for q, m in zip(pi, mu, strict=True)) - 1
    rho2, a2 = cov * cov / (var_t * var_p), gain * gain / var_p
    found = correlated_proxy_bound(BASE, TRUE, PROXY, POLICY)
    rho, a = math.sqrt(rho2), math.sqrt(a2)
    assert found.correlation == pytest.approx(rho, rel=1e-14)
    assert found.pearson == pytest.approx(float(chi2), rel=1e-14)
    assert found.bound == pytest.approx((a - math.sqrt((1 - rho2) * chi2)) / rho, rel=1e-13)
    assert found.tight_bound == pytest.approx(rho * a - math.sqrt((1 - rho2) * (chi2 - a2)), rel=1e-13)
    assert found.pearson_limit == pytest.approx(float(a2 / (1 - rho2)), rel=1e-13)
    assert found.true_gain == pytest.approx(0.4, rel=1e-14)  # 1.4 - 1
    assert found.guaranteed_gain == pytest.approx(found.tight_bound * math.sqrt(var_t), rel=1e-14)
    assert found.nature == "bound"
    assert found.guaranteed is True


@settings(max_examples=300, deadline=None)
@given(seed=seeds, size=st.integers(2, 8), sharp=st.floats(0.05, 3.0), noise=st.floats(0.0, 3.0))
def test_tight_bound_holds_and_is_never_weaker(seed: int, size: int, sharp: float, noise: float) -> None:
    rng = np.random.default_rng(seed)
    mu, pi = rng.dirichlet(np.full(size, sharp)), rng.dirichlet(np.full(size, sharp))
    mu, pi = (mu + 1e-9) / (mu + 1e-9).sum(), (pi + 1e-9) / (pi + 1e-9).sum()
    true = rng.normal(size=size)
    found = quiet_bound(mu, true, true + noise * rng.normal(size=size), pi)
    # Rounding of the sums, which are as large as 1/min(mu) in the worst draw.
    slack = 1e-9 * (1.0 + math.sqrt(found.pearson))
    assert found.tight_bound <= found.true_gain_sd + slack
    assert found.bound <= found.tight_bound + slack
    if found.correlation > 0.0 and found.proxy_gain_sd > slack:
        surplus = found.proxy_gain_sd**2 - found.unexplained * found.pearson
        if abs(surplus) > slack**2 + 1e-9 * found.pearson:
            assert (found.bound > 0.0) == (found.tight_bound > 0.0) == (surplus > 0.0) == found.guaranteed


@settings(max_examples=100, deadline=None)
@given(seed=seeds, share=st.floats(0.01, 0.99))
def test_guarantee_of_the_unclipped_chi2_optimum_is_rho_times_a(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    mu = rng.dirichlet(np.full(5, 2.0))
    true = rng.normal(size=5)
    proxy = true + 0.5 * rng.normal(size=5)
    z = (proxy - mu @ proxy) / math.sqrt(mu @ (proxy - mu @ proxy) ** 2)
    a = share / max(-z.min(), 1e-3)
    found = quiet_bound(mu, true, proxy, mu * (1.0 + a * z))
    assert found.pearson == pytest.approx(a * a, rel=1e-9)
    if found.correlation > 0.0:
        assert found.tight_bound == pytest.approx(found.correlation * a, rel=1e-6)


@settings(max_examples=50, deadline=None)
@given(seed=seeds, shift=st.sampled_from([-1e6, 0.0, 1e6]), scale=st.sampled_from([1e-200, 1e-3, 1.0, 1e150]))
def test_bounds_do_not_depend_on_units_or_order(seed: int, shift: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    mu, pi = rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(6))
    true, proxy = rng.normal(size=6), rng.normal(size=6)
    first = quiet_bound(mu, true, proxy, pi)
    order = rng.permutation(6)
    again = quiet_bound(mu[order], scale * (true[order] + shift), proxy[order] * scale, pi[order])
    # The shift alone costs eps * 1e6 of each deviation.
    for name in ("correlation", "proxy_gain_sd", "true_gain_sd", "pearson"):
        assert getattr(again, name) == pytest.approx(getattr(first, name), rel=1e-7, abs=1e-7)
    assert again.true_gain / scale == pytest.approx(first.true_gain, rel=1e-7, abs=1e-7)


def test_affine_proxy_guarantees_everything_even_at_infinite_chi2() -> None:
    found = correlated_proxy_bound([1e-320, 1.0], [1.0, 0.0], [5.0, 3.0], [0.5, 0.5])
    assert found.pearson == math.inf
    assert found.tight_bound == pytest.approx(found.true_gain_sd, rel=1e-12)
    plain = correlated_proxy_bound(BASE, TRUE, [1 + 0.1 * k for k in TRUE], POLICY)
    assert plain.tight_bound == pytest.approx(plain.true_gain_sd, rel=1e-12)


def test_policy_equal_to_base_gains_nothing() -> None:
    found = correlated_proxy_bound(BASE, TRUE, PROXY, BASE)
    assert found.pearson == 0.0
    assert abs(found.tight_bound) < 1e-15
    assert found.guaranteed is False or found.tight_bound < 1e-15


@pytest.mark.parametrize("proxy", [[3, 2, 1, 0], [1, 0, 1, 0.0]])
def test_no_guarantee_without_positive_correlation(proxy: list[float]) -> None:
    with pytest.warns(InfostatWarning, match="guarantees nothing"):
        found = correlated_proxy_bound([0.25] * 4, TRUE, proxy, POLICY)
    assert found.bound == found.tight_bound == -math.inf
    assert found.pearson_limit == 0.0
    assert not found.guaranteed
    assert "not_positively_correlated" in found.flags


def test_policy_outside_the_base_law_has_no_guarantee() -> None:
    found = correlated_proxy_bound([0.5, 0.5, 0.0], [0, 1, 9], [0, 1, 5], [0.2, 0.6, 0.2])
    assert found.pearson == math.inf
    assert found.tight_bound == -math.inf
    assert "outside_base" in found.flags
    assert found.true_gain == pytest.approx(0.6 + 1.8 - 0.5, rel=1e-14)


def test_impossible_outcomes_may_hold_anything() -> None:
    plain = correlated_proxy_bound(BASE, TRUE, PROXY, POLICY)
    padded = correlated_proxy_bound([*BASE, 0.0], [*TRUE, math.nan], [*PROXY, math.inf], [*POLICY, 0.0])
    assert padded.to_dict() == plain.to_dict()


def test_a_policy_that_lowers_the_proxy_is_flagged() -> None:
    found = correlated_proxy_bound(BASE, TRUE, PROXY, [0.7, 0.1, 0.1, 0.1])
    assert found.flags == ("proxy_not_raised",)
    assert found.pearson_limit == 0.0


def test_series_are_matched_by_label() -> None:
    names = list("abcd")
    base, true = pd.Series(BASE, names), pd.Series(TRUE, names)
    proxy, policy = pd.Series(PROXY, names), pd.Series(POLICY, names)
    plain = correlated_proxy_bound(BASE, TRUE, PROXY, POLICY)
    mixed = correlated_proxy_bound(base, true[::-1], proxy.loc[["c", "a", "d", "b"]], policy[::-1])
    assert mixed.to_dict() == plain.to_dict()
    with pytest.raises(InputError, match="policy must have the labels of base"):
        correlated_proxy_bound(base, true, proxy, pd.Series(POLICY, list("abce")))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5, 0.6], [0, 1], [0, 1], [0.5, 0.5]), "base must sum to one"),
        (([0.5, 0.5], [0, 1], [0, 1], [0.5, 0.4]), "policy must sum to one"),
        (([0.5, 0.5], [0, 1, 2], [0, 1], [0.5, 0.5]), "true must have one reward per entry of base"),
        (([0.5, 0.5], [0, 1], [0, 1], [0.2, 0.3, 0.5]), "policy must have one entry per entry of base"),
        (([0.5, 0.5], [1, 1], [0, 1], [0.5, 0.5]), "true must vary under base"),
        (([0.5, 0.5, 0.0], [0, 1, 2], [0.1, 0.1, 3], [0.5, 0.5, 0.0]), "proxy must vary under base"),
        (([0.5, 0.5], [0, math.nan], [0, 1], [0.5, 0.5]), "true must be finite"),
        (([0.5, 0.5], [0, 1], [0, -math.inf], [0.5, 0.5]), "proxy must be finite"),
        (([-0.5, 1.5], [0, 1], [0, 1], [0.5, 0.5]), "base must hold probabilities"),
    ],
)
def test_bad_laws_and_rewards_are_refused(arguments: tuple[list[float], ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        correlated_proxy_bound(*arguments)


def test_text_is_refused_under_its_name() -> None:
    with pytest.raises(InputTypeError, match="policy must be an array of real numbers"):
        correlated_proxy_bound([0.5, 0.5], [0, 1], [0, 1], ["a", "b"])


# ------------------------------------------------------------------ the fit


@settings(max_examples=100, deadline=None)
@given(a=st.floats(0.1, 5.0), b=st.floats(0.05, 2.0), kind=st.sampled_from(["bon", "rl"]), seed=seeds)
def test_exact_curves_are_recovered(a: float, b: float, kind: str, seed: int) -> None:
    kl = np.random.default_rng(seed).uniform(0.1, 20.0, size=9)
    d = np.sqrt(kl)
    gain = d * (a - b * (d if kind == "bon" else np.log(d)))
    found = quiet_fit(kl, gain, kind)
    assert found.a == pytest.approx(a, rel=1e-8, abs=1e-9)
    assert found.b == pytest.approx(b, rel=1e-8, abs=1e-9)
    expected = (a / (2 * b)) ** 2 if kind == "bon" else math.exp(2 * (a / b - 1))
    assert found.peak_kl == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(found.fitted, gain, rtol=1e-9, atol=1e-9)
    # The peak is a maximum of the curve.
    near = found.peak_kl * np.array([0.9, 1.0, 1.1])
    low, top, high = found.gain(near)
    assert top > low
    assert top > high
    assert found.peak_gain == pytest.approx(top, rel=1e-12)


@pytest.mark.parametrize("kind", ["bon", "rl"])
@pytest.mark.parametrize("weighted", [False, True])
def test_standard_errors_agree_with_an_independent_solver(kind: str, weighted: bool) -> None:
    from scipy.optimize import curve_fit

    rng = np.random.default_rng(5)
    kl, se = np.linspace(0.5, 9.0, 12), rng.uniform(0.02, 0.1, 12)
    d = np.sqrt(kl)
    gain = d * (1.0 - 0.25 * d) + se * rng.normal(size=12)

    def curve(x: np.ndarray, a: float, b: float) -> np.ndarray:
        return x * (a - b * (x if kind == "bon" else np.log(x)))

    options = {"sigma": se, "absolute_sigma": True} if weighted else {}
    best, covariance = curve_fit(curve, d, gain, **options)
    found = quiet_fit(kl, gain, kind, se=se if weighted else None)
    # curve_fit minimises iteratively, by numerical derivatives: seven digits.
    np.testing.assert_allclose([found.a, found.b], best, rtol=1e-6)
    np.testing.assert_allclose([found.se_a, found.se_b], np.sqrt(np.diag(covariance)), rtol=1e-5)

    def peak(a: float, b: float) -> float:
        return (a / (2 * b)) ** 2 if kind == "bon" else math.exp(2 * (a / b - 1))

    step = 1e-6
    slope = [
        (peak(found.a + step, found.b) - peak(found.a - step, found.b)) / (2 * step),
        (peak(found.a, found.b + step) - peak(found.a, found.b - step)) / (2 * step),
    ]
    assert found.se_peak_kl == pytest.approx(math.sqrt(slope @ covariance @ np.array(slope)), rel=1e-4)


def test_standard_error_of_the_peak_is_the_spread_over_data_sets() -> None:
    rng = np.random.default_rng(11)
    kl = np.linspace(0.5, 12.0, 16)
    d, peaks, claimed = np.sqrt(kl), [], []
    for _ in range(400):
        found = overoptimisation_fit(kl, d * (1.0 - 0.2 * d) + 0.02 * rng.normal(size=16), se=np.full(16, 0.02))
        peaks.append(found.peak_kl)
        claimed.append(found.se_peak_kl)
    # The standard deviation of 400 draws is known to 1/sqrt(800) = 3.5 %; four of these.
    assert np.mean(claimed) / np.std(peaks) == pytest.approx(1.0, abs=0.15)


def test_a_curve_that_never_turns_down_has_its_peak_at_infinity() -> None:
    kl = np.array([1.0, 2.0, 4.0])
    for kind in ("bon", "rl"):
        found = overoptimisation_fit(kl, np.sqrt(kl) * (1.0 + 0.1 * np.sqrt(kl)), kind)
        assert found.b < 0.0
        assert found.peak_kl == found.peak_gain == math.inf
        assert found.flags == ("no_peak",)
        assert math.isnan(found.se_peak_kl)


def test_flags_of_falling_extrapolated_and_exact_fits() -> None:
    kl = np.array([0.0, 1.0, 4.0, 9.0])
    falling = overoptimisation_fit(kl, -np.sqrt(kl) - 0.1 * kl)
    assert falling.flags == ("falls_from_the_start",)
    assert falling.peak_kl == falling.peak_gain == 0.0
    assert falling.n_points == 3
    with pytest.warns(InfostatWarning, match="extrapolation"):
        far = overoptimisation_fit(kl, np.sqrt(kl) - 0.05 * kl)
    assert far.flags == ("peak_extrapolated",)
    assert far.peak_kl == pytest.approx(100.0, rel=1e-9)
    two = overoptimisation_fit([1.0, 4.0], [0.5, 0.0])
    assert two.flags == ("no_residuals",)
    assert math.isnan(two.se_a)
    assert (two.a, two.b) == (pytest.approx(1.0), pytest.approx(0.5))
    huge = quiet_fit([1.0, 4.0], [1.0, 2.0 - 1e-9], "rl")
    assert huge.peak_kl == math.inf


def test_the_curve_at_zero_is_zero_and_refuses_nonsense() -> None:
    found = overoptimisation_fit([1.0, 4.0, 9.0], [0.5, 0.0, -1.5], "rl")
    assert found.gain(0.0) == 0.0
    assert found.gain([[1.0, 4.0]]).shape == (1, 2)
    with pytest.raises(InputError, match="kl must be non-negative"):
        found.gain(-1.0)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1.0, 2.0], [1.0]), {}, "gain must have one entry per entry of kl"),
        (([-1.0, 2.0], [1.0, 1.0]), {}, "kl must be non-negative"),
        (([0.0, 2.0], [0.0, 1.0]), {}, "at least two different positive values"),
        (([2.0, 2.0], [0.5, 1.0]), {}, "at least two different positive values"),
        (([1.0, 2.0], [1.0, math.nan]), {}, "gain must be finite"),
        (([1.0, 2.0], [1.0, 1.0]), {"kind": "ppo"}, "kind must be one of 'bon', 'rl'"),
        (([1.0, 2.0], [1.0, 1.0]), {"se": [0.1, 0.0]}, "se must be positive"),
        (([1.0, 2.0], [1.0, 1.0]), {"proxy": [0.1]}, "proxy must have one entry"),
    ],
)
def test_bad_curves_are_refused(arguments: tuple[list[float], ...], options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        overoptimisation_fit(*arguments, **options)  # type: ignore[arg-type]


# ------------------------------------------------------------------ the results


def results() -> list[ProxyBound | OveroptimisationFit]:
    kl = np.array([0.0, 0.5, 1.0, 2.0, 4.0, 8.0])
    gain = np.sqrt(kl) * (1.2 - 0.3 * np.sqrt(kl))
    return [
        correlated_proxy_bound(BASE, TRUE, PROXY, POLICY),
        quiet_bound(BASE, TRUE, PROXY[::-1], POLICY),
        correlated_proxy_bound([0.5, 0.5, 0.0], [0, 1, 9], [0, 1, 5], [0.2, 0.6, 0.2]),
        overoptimisation_fit(kl, gain, se=np.full(6, 0.1), proxy=np.sqrt(kl)),
        quiet_fit(kl[:4], gain[:4], "rl"),
        overoptimisation_fit(kl, np.sqrt(kl) + kl),
    ]


@pytest.mark.parametrize("which", range(6))
def test_results_keep_the_contract(which: int) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = results()[which]
    assert type(found).from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert len(repr(found)) < 200
    assert str(found.summary())
    assert all(f"[{flag}]" in str(found.summary()) for flag in found.flags)
    assert set(found.flags) <= set(FLAGS)
    assert len(found.to_frame())
    plt.close(found.plot().figure)
    assert all(name in (type(found).__doc__ or "") for name in (f.name for f in type(found)._fields()))


def test_frame_of_a_fit_holds_the_curves() -> None:
    frame = results()[3].to_frame()
    assert list(frame) == ["kl", "gain", "fitted", "se", "proxy_gain"]
    assert frame["fitted"].to_numpy() == pytest.approx(frame["gain"].to_numpy(), abs=1e-12)
