"""Contraction coefficients as numbers: mpmath, numerical suprema, limits."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from infostat.generalization.sdpi_channels import (
    Coefficient,
    compose,
    erasure,
    from_eta,
    gaussian_noise,
    gaussian_noise_tv,
    gaussian_reference,
    worst_pair,
)

seeds = st.integers(0, 2**32 - 1)


def exact_log_gap(s: float) -> tuple[float, float]:
    """eta and log(1 - eta) of Gaussian noise at 40 digits, through the integral over u = s z."""
    with mpmath.workdps(40):
        t = mpmath.mpf(s)
        ends = [-40 * max(t, 1), -5 * t, -t, 0, t, 5 * t, 40 * max(t, 1)]
        value = mpmath.quad(lambda u: mpmath.npdf(u / t) * mpmath.sech(u) / t, ends)
        log_gap = mpmath.log(value) - t**2 / 2
        return float(-mpmath.expm1(log_gap)), float(log_gap)


@pytest.mark.parametrize("s", [0.001, 0.05, 0.5, 0.999, 1.0, 1.001, 2.0, 3.0, 8.0, 60.0])
def test_gaussian_noise_against_mpmath(s: float) -> None:
    eta, log_gap = exact_log_gap(s)
    found = gaussian_noise(np.array(s))
    # 1e-13: some hundred roundings in the sum, and those of the exponent s^2/2 in the logarithm.
    assert float(found.eta) == pytest.approx(eta, rel=1e-13)
    assert float(found.log_gap) == pytest.approx(log_gap, rel=1e-13)
    assert float(found.gap) == pytest.approx(math.exp(log_gap), rel=1e-12, abs=1e-320)


def test_gauss_hermite_would_not_do_at_large_noise_ratios() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(64)
    rule = math.exp(-4.5) * float(weights @ (1 / np.cosh(3 * nodes))) / math.sqrt(2 * math.pi)
    exact = math.exp(exact_log_gap(3.0)[1])
    assert abs(rule - exact) > 1e-9
    assert abs(float(gaussian_noise(np.array(3.0)).gap) - exact) < 1e-15


def test_gaussian_noise_in_the_limits() -> None:
    found = gaussian_noise(np.array([0.0, 1e-9, 1e-200, 1e160, math.inf]))
    assert found.eta.tolist() == [0.0, pytest.approx(1e-18, rel=1e-14), 0.0, 1.0, 1.0]
    assert found.log_gap.tolist()[3:] == [-math.inf, -math.inf]
    assert gaussian_noise(np.zeros((2, 3))).eta.shape == (2, 3)
    assert not np.isnan(np.concatenate(found)).any()


@pytest.mark.parametrize("s", [1e-12, 0.3, 0.70710678, 0.7072, 2.0, 30.0])
def test_total_variation_against_mpmath(s: float) -> None:
    found = gaussian_noise_tv(np.array(s))
    with mpmath.workdps(40):
        eta = mpmath.erf(mpmath.mpf(s) / mpmath.sqrt(2))
        log_gap = float(mpmath.log1p(-eta)) if s < 5 else float(mpmath.log(mpmath.erfc(s / mpmath.sqrt(2))))
        assert float(found.eta) == pytest.approx(float(eta), rel=1e-14)
    assert float(found.log_gap) == pytest.approx(log_gap, rel=1e-13)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.0, 30.0), st.floats(0.0, 30.0))
def test_exact_is_below_dobrushin_and_both_grow(s: float, t: float) -> None:
    low, high = sorted((s, t))
    exact, tv = gaussian_noise(np.array([low, high])), gaussian_noise_tv(np.array([low, high]))
    # In logarithms, where neither rounds to one; the slack is their rounding.
    slack = 1e-12 * (1 + high**2)
    assert (exact.log_gap >= tv.log_gap - slack).all()
    assert exact.log_gap[1] <= exact.log_gap[0] + slack
    assert tv.log_gap[1] <= tv.log_gap[0] + slack
    # 1 - eta is the mean square error of guessing a sign at signal-to-noise ratio s^2: at most that of the best linear
    # guess, and its slope in s^2 is at least -1.
    assert high**2 / (1 + high**2) * (1 - 1e-12) - 1e-300 <= exact.eta[1] <= high**2 * (1 + 1e-12) + 1e-300


# ------------------------------------------------------------------ finite channels
def le_cam(p: np.ndarray, q: np.ndarray, b: float) -> float:
    mixture = b * p + (1 - b) * q
    on = mixture > 0
    return float(b * (1 - b) * ((p - q)[on] ** 2 / mixture[on]).sum())


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(2, 5), st.floats(0.05, 3.0))
def test_worst_pair_against_scipy(seed: int, cells: int, concentration: float) -> None:
    rows = np.random.default_rng(seed).dirichlet(np.full(cells, concentration), 3)
    rows /= rows.sum(axis=1, keepdims=True)
    found = worst_pair(rows)
    best = 0.0
    for i in range(3):
        for j in range(i):
            search = minimize_scalar(
                lambda b, i=i, j=j: -le_cam(rows[i], rows[j], b), bounds=(0.0, 1.0), method="bounded",
                options={"xatol": 1e-10},
            )
            best = max(best, -search.fun)
    eta = float(found.coefficient.eta)
    # scipy may stop short of a maximum at the ends, never above one.
    assert best - 1e-14 <= eta <= best + 1e-6
    i, j = found.rows
    assert le_cam(rows[i], rows[j], found.mixing) == pytest.approx(eta, abs=1e-15)
    assert float(found.coefficient.gap) == pytest.approx(1 - eta, abs=1e-14)
    # Rows of floats sum to one up to 2^-53 per cell, and the two coefficients see that differently.
    assert eta <= found.eta_tv + 1e-15


@settings(max_examples=80, deadline=None)
@given(seeds)
def test_no_pair_of_input_laws_keeps_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.full(4, 0.4), 3) + 1e-9
    rows /= rows.sum(axis=1, keepdims=True)
    eta = float(worst_pair(rows).coefficient.eta)
    P, Q = rng.dirichlet(np.full(3, 0.3), (2, 50)) + 1e-9
    P, Q = P / P.sum(axis=1, keepdims=True), Q / Q.sum(axis=1, keepdims=True)
    before = (P * np.log(P / Q)).sum(axis=1)
    after = ((P @ rows) * np.log((P @ rows) / (Q @ rows))).sum(axis=1)
    assert (after <= eta * before + 1e-13).all()


def test_the_supremum_is_approached() -> None:
    rows = np.random.default_rng(3).dirichlet(np.ones(4), 3)
    found = worst_pair(rows)
    Q = np.zeros(3)
    Q[list(found.rows)] = found.mixing, 1 - found.mixing
    step = np.zeros(3)
    step[list(found.rows)] = 1e-4, -1e-4

    def kl(p: np.ndarray, q: np.ndarray) -> float:
        on = q > 0
        return float((p[on] * np.log1p((p - q)[on] / q[on])).sum())

    # Locally both divergences are chi-square; the next order is the step over the smallest weight.
    ratio = kl((Q + step) @ rows, Q @ rows) / kl(Q + step, Q)
    assert ratio == pytest.approx(float(found.coefficient.eta), rel=1e-3)


def test_rows_that_almost_agree_and_rows_that_almost_never_meet() -> None:
    close = worst_pair(np.array([[0.5, 0.5], [0.5 + 2.0**-40, 0.5 - 2.0**-40]]))
    # Le Cam at b = 1/2 of two cells: (2^-40)^2 up to a relative error of the same size.
    assert float(close.coefficient.eta) == pytest.approx(2.0**-80, rel=1e-12)
    e = 1e-20
    far = worst_pair(np.array([[1 - e, e], [e, 1 - e]]))
    assert float(far.coefficient.eta) == 1.0
    assert float(far.coefficient.gap) == pytest.approx(4e-20, rel=1e-12)
    disjoint = worst_pair(np.array([[0.3, 0.7, 0.0], [0.0, 0.0, 1.0]]))
    assert tuple(map(float, disjoint.coefficient)) == (1.0, 0.0, -math.inf)
    lonely = worst_pair(np.array([[0.3, 0.7]]))
    assert tuple(map(float, lonely.coefficient)) == (0.0, 1.0, 0.0)


def test_pruning_finds_the_pair_among_many_rows() -> None:
    rows = np.random.default_rng(4).dirichlet(np.full(12, 2.0), 60)
    found = worst_pair(rows)
    pairs = [(float(worst_pair(rows[[i, j]]).coefficient.eta), i, j) for i in range(60) for j in range(i + 1, 60)]
    best, i, j = max(pairs)
    assert found.rows == (i, j)
    assert float(found.coefficient.eta) == pytest.approx(best, rel=1e-14)


# ------------------------------------------------------------------- the other forms
def test_erasure_and_reference() -> None:
    found = erasure(np.array([0.0, -math.inf, -1e-20, math.log(0.25)]))
    assert found.eta.tolist() == [0.0, 1.0, 1e-20, pytest.approx(0.75, rel=1e-15)]
    ratio = gaussian_reference(np.array([-math.inf, math.log(3.0), 800.0, math.inf]))
    assert ratio.eta.tolist() == [0.0, pytest.approx(0.75, rel=1e-15), 1.0, 1.0]
    assert ratio.log_gap.tolist() == [0.0, pytest.approx(-math.log(4)), -800.0, -math.inf]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6))
def test_products_against_exact_arithmetic(etas: list[float]) -> None:
    found = compose([from_eta(np.array(eta)) for eta in etas])
    with mpmath.workdps(60):
        product = mpmath.mpf(1)
        for eta in etas:
            product *= mpmath.mpf(eta)
        gap = 1 - product
        assert float(found.eta) == pytest.approx(float(product), rel=1e-14, abs=1e-300)
        # 1 - eta of a float may round to 1, an error of 2^-53 relative to it.
        assert float(found.gap) == pytest.approx(float(gap), rel=1e-14)
        expected = -math.inf if gap == 0 else float(mpmath.log(gap))
        assert float(found.log_gap) == pytest.approx(expected, rel=1e-13, abs=1e-14)


def test_products_of_gaps_far_below_the_smallest_float() -> None:
    wide = Coefficient(np.array(1.0), np.array(0.0), np.array(-2000.0))
    assert float(compose([wide, wide, wide]).log_gap) == pytest.approx(-2000.0 + math.log(3.0), rel=1e-15)
    half = erasure(np.array(math.log(0.5)))
    assert float(compose([wide, half]).log_gap) == pytest.approx(math.log(0.5), rel=1e-15)
