"""Curves between total variation and KL: worked numbers, 60-digit inversion, direct minimisation, limits."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from infostat.core.errors import InputError, InputTypeError
from infostat.divergences.tv_kl_curves import kl_lower_from_tv, tv_upper_from_kl
from infostat.projection.thresholds import bayes_error_threshold

LOWER = ("pinsker", "vajda", "bretagnolle_huber", "tight")
UPPER = ("pinsker", "bretagnolle_huber", "tight")
quick = settings(max_examples=80, deadline=None)


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("pinsker", 0.32),
        ("vajda", 0.275869288959),
        ("bretagnolle_huber", 0.174353387145),
        ("tight", 0.332473920190),
    ],
)
def test_worked_numbers(method: str, value: float) -> None:
    assert kl_lower_from_tv(0.4, method) == pytest.approx(value, abs=5e-13)


def test_tight_is_the_default() -> None:
    assert kl_lower_from_tv(0.4) == kl_lower_from_tv(0.4, "tight")
    assert tv_upper_from_kl(0.4) == tv_upper_from_kl(0.4, "tight")


def _oracle(t: float) -> tuple[float, float]:
    """KL and tau of the tight curve at a distance, by root finding in 90 digits."""
    with mpmath.workdps(90):
        target = mpmath.mpf(t)

        def odds(tau: mpmath.mpf) -> mpmath.mpf:
            tv = tau * (1 - (mpmath.coth(tau) - 1 / tau) ** 2) / 2
            return tv / (1 - tv) - target / (1 - target)

        start = target * (2 - 1.5 * target) / (1 - target)
        tau = mpmath.findroot(odds, (start * 0.9, start * 1.1), tol=1e-80)
        kl = mpmath.log(tau / mpmath.sinh(tau)) + tau * mpmath.coth(tau) - (tau / mpmath.sinh(tau)) ** 2
        return float(kl), float(tau)


@pytest.mark.parametrize("t", [1e-9, 1e-4, 0.03, 0.2, 0.4, 0.47, 0.5, 0.7, 0.9, 0.99, 1 - 1e-6, 1 - 2**-48])
def test_tight_curve_in_ninety_digits(t: float) -> None:
    kl, _ = _oracle(t)
    assert kl_lower_from_tv(t) == pytest.approx(kl, rel=3e-15)
    # 1 - t has the absolute precision of t near 1, so the inverse is compared on t itself.
    assert tv_upper_from_kl(kl) == pytest.approx(t, rel=3e-15)


@pytest.mark.parametrize("t", [0.05, 0.3, 0.6, 0.9])
def test_tight_curve_is_the_minimum_over_laws_on_two_points(t: float) -> None:
    def divergence(q: float) -> float:
        return (q + t) * math.log1p(t / q) + (1 - q - t) * math.log1p(-t / (1 - q))

    found = minimize_scalar(divergence, bounds=(0.0, 1.0 - t), method="bounded", options={"xatol": 1e-10})
    assert kl_lower_from_tv(t) == pytest.approx(found.fun, rel=1e-12)


def test_slope_of_the_tight_curve_is_twice_the_parameter() -> None:
    for t in (0.1, 0.45, 0.8):
        h = 1e-5
        slope = (kl_lower_from_tv(t + h) - kl_lower_from_tv(t - h)) / (2 * h)
        # central difference: error h^2/6 times the third derivative, below 1e-6 of the slope here
        assert slope == pytest.approx(2 * _oracle(t)[1], rel=1e-6)


@quick
@given(t=st.just(0.0) | st.floats(1e-150, 1.0))  # below, t^2 leaves the normal floats
def test_tight_is_the_largest_lower_bound(t: float) -> None:
    tight = kl_lower_from_tv(t)
    for method in LOWER:
        assert tight >= kl_lower_from_tv(t, method) * (1 - 1e-14)


@quick
@given(kl=st.just(0.0) | st.floats(1e-300, 100.0))
def test_tight_is_the_smallest_upper_bound(kl: float) -> None:
    tight = tv_upper_from_kl(kl)
    assert 0.0 <= tight <= 1.0
    for method in UPPER:
        assert tight <= tv_upper_from_kl(kl, method) * (1 + 1e-14)


@quick
@given(t=st.floats(1e-150, 0.999), method=st.sampled_from(UPPER))
def test_upper_undoes_lower(t: float, method: str) -> None:
    kl = kl_lower_from_tv(t, method)
    # dt/t <= dKL/KL on each curve (KL grows at least like t), and KL is right to a few roundings.
    assert tv_upper_from_kl(kl, method) == pytest.approx(t, rel=1e-14)


@quick
@given(a=st.floats(0.0, 0.999), step=st.floats(1e-3, 0.5), method=st.sampled_from(LOWER))
def test_lower_bounds_increase(a: float, step: float, method: str) -> None:
    assert kl_lower_from_tv(min(a + step, 1.0), method) > kl_lower_from_tv(a, method)


def test_random_laws_respect_every_curve() -> None:
    rng = np.random.default_rng(3)
    P, Q = rng.dirichlet(np.full(4, 0.4), 400), rng.dirichlet(np.full(4, 0.4), 400)
    kl, tv = np.sum(P * np.log(P / Q), axis=1), 0.5 * np.abs(P - Q).sum(axis=1)
    for method in LOWER:
        assert (kl >= kl_lower_from_tv(tv, method) - 1e-13).all()
    for method in UPPER:
        assert (tv <= tv_upper_from_kl(kl, method) + 1e-13).all()


@pytest.mark.parametrize("t", [1e-160, 1e-12, 1e-5])
def test_small_distances_keep_their_digits(t: float) -> None:
    with mpmath.workdps(60):
        m = mpmath.mpf(t)
        vajda = float(mpmath.log((1 + m) / (1 - m)) - 2 * m / (1 + m)) if t > 1e-30 else 2 * t * t
    assert kl_lower_from_tv(t, "vajda") == pytest.approx(vajda, rel=1e-14, abs=1e-322)
    assert kl_lower_from_tv(t, "bretagnolle_huber") == pytest.approx(t * t, rel=t * t + 1e-15, abs=1e-322)
    assert kl_lower_from_tv(t) == pytest.approx(2 * t * t + 4 * t**4 / 9, rel=1e-14, abs=1e-322)


def test_large_divergences_do_not_overflow() -> None:
    """tau is about exp(kl)/2 there: sinh would overflow at kl = 8, exp at 710."""
    values = np.array([8.0, 30.0, 59.9, 60.0, 710.0, 1e300, np.inf])
    tight = tv_upper_from_kl(values)
    np.testing.assert_allclose(1 - tight, np.exp(-values), rtol=3e-4, atol=3e-16)
    assert tight[-1] == 1.0


def test_ends_and_shapes() -> None:
    assert [kl_lower_from_tv(1.0, m) for m in LOWER] == [2.0, math.inf, math.inf, math.inf]
    assert [kl_lower_from_tv(0.0, m) for m in LOWER] == [0.0] * 4
    assert [tv_upper_from_kl(0.0, m) for m in UPPER] == [0.0] * 3
    assert [tv_upper_from_kl(math.inf, m) for m in UPPER] == [1.0] * 3
    assert kl_lower_from_tv(1 + 1e-12) == math.inf  # rounding of a distance computed elsewhere
    table = kl_lower_from_tv([[0.1, 0.2]])
    assert table.shape == (1, 2)
    assert isinstance(kl_lower_from_tv(0.1), float)
    assert isinstance(tv_upper_from_kl(np.float64(0.1)), float)


def test_the_bayes_error_threshold_is_a_point_of_the_curve() -> None:
    for alpha in (1e-60, 0.05, 0.3):
        assert bayes_error_threshold(alpha, "sharp") == kl_lower_from_tv(2 * alpha)
        assert bayes_error_threshold(alpha) == kl_lower_from_tv(2 * alpha, "pinsker")


def test_bad_input() -> None:
    for bad in (-0.1, 1.1, math.nan):
        with pytest.raises(InputError, match=r"tv must be a number in \[0, 1\]"):
            kl_lower_from_tv(bad)
    for bad in (-1e-9, math.nan):
        with pytest.raises(InputError, match="kl must be non-negative"):
            tv_upper_from_kl(bad)
    with pytest.raises(InputError, match="'tight', 'pinsker', 'vajda', 'bretagnolle_huber'"):
        kl_lower_from_tv(0.1, "sharp")
    with pytest.raises(InputError, match="method must be one of"):
        tv_upper_from_kl(0.1, "vajda")
    with pytest.raises(InputTypeError, match="tv must be an array of real numbers"):
        kl_lower_from_tv("a lot")
