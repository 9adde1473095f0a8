"""The master equation against 40-digit arithmetic, its limits and its invariances."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.density.master_equation import (
    Directions,
    entropy_gap,
    log_excess,
    quadratic_gap,
    regime_name,
    scaled_distance,
    solve_increasing,
    solve_master_equation,
    zeta,
)
from infostat.density.spectra import as_spectrum, isotropic, power_law

SPECTRA = {
    "isotropic": [1.0],
    "two levels": [4.0, 0.25, 0.25, 0.25],
    "power law": list(1.0 / np.arange(1.0, 9.0)),
    "wide": [1e-12, 1.0, 1e9],
    "with zeros": [0.0, 0.0, 2.0],
}


def _directions(values: list[float], at: list[float] | None = None) -> Directions:
    return Directions.of(*as_spectrum(values), None if at is None else np.array(at, dtype=float))


def _exact_zeta(tau: mp.mpf, values: list[float], squares: list[float]) -> mp.mpf:
    terms = [mp.log1p(tau * s) + tau * x2 / (1 + tau * s) for s, x2 in zip(map(mp.mpf, values), squares, strict=True)]
    return -mp.fsum(terms) / (2 * len(terms))


def _exact_gap(tau: mp.mpf, values: list[float], squares: list[float]) -> mp.mpf:
    # From the definition S = zeta - tau zeta', with the derivative taken by mpmath.
    return tau * mp.diff(lambda t: _exact_zeta(t, values, squares), tau) - _exact_zeta(tau, values, squares)


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("tau", [1e-8, 1e-3, 0.07, 0.1, 1.0, 30.0, 1e12])
def test_functions_of_tau_against_forty_digits(name: str, tau: float) -> None:
    values = SPECTRA[name]
    with mp.workdps(60):
        exact_zeta = _exact_zeta(mp.mpf(tau), values, [mp.mpf(v) for v in values])
        exact_gap = _exact_gap(mp.mpf(tau), values, [mp.mpf(v) for v in values])
        exact_scaled = -2 * exact_gap - 2 * exact_zeta  # tau delta = -2 tau zeta' = 2 (S - zeta)
    directions, log_tau = _directions(values), np.array(math.log(tau))
    assert float(zeta(directions, log_tau)) == pytest.approx(float(exact_zeta), rel=2e-14)
    # log tau is rounded: its error, up to 2e-15, is multiplied by the slope 2 at small tau.
    assert float(entropy_gap(directions, log_tau)) == pytest.approx(float(exact_gap), rel=2e-14)
    assert float(scaled_distance(directions, log_tau)) == pytest.approx(float(exact_scaled), rel=2e-14)


@pytest.mark.parametrize("tau", [1e-6, 0.3, 40.0])
def test_a_given_query_against_forty_digits(tau: float) -> None:
    values, at = [0.0, 0.5, 2.0], [0.3, 0.0, -4.0]
    with mp.workdps(60):
        squares = [mp.mpf(x) ** 2 for x in at]
        exact_zeta, exact_gap = (f(mp.mpf(tau), values, squares) for f in (_exact_zeta, _exact_gap))
    directions, log_tau = _directions(values, at), np.array(math.log(tau))
    assert float(zeta(directions, log_tau)) == pytest.approx(float(exact_zeta), rel=2e-14)
    assert float(entropy_gap(directions, log_tau)) == pytest.approx(float(exact_gap), rel=2e-14)
    exact_scaled = float(-2 * exact_gap - 2 * exact_zeta)
    assert float(scaled_distance(directions, log_tau)) == pytest.approx(exact_scaled, rel=2e-14)


@pytest.mark.parametrize("alpha", [1e-6, 1e-3, 0.05, 0.3, 2.0, 12.0, 50.0])
@pytest.mark.parametrize("name", ["isotropic", "two levels", "power law"])
def test_the_root_against_forty_digits(name: str, alpha: float) -> None:
    values = SPECTRA[name]
    found = solve_master_equation(alpha, _directions(values))
    with mp.workdps(60):
        exact = mp.findroot(
            lambda v: mp.log(_exact_gap(mp.exp(v), values, [mp.mpf(s) for s in values]) / mp.mpf(alpha)), found
        )
    assert found == pytest.approx(float(exact), abs=2e-13)


@pytest.mark.parametrize("r", [0.0, 0.4, 1.0, 3.0])
def test_an_isotropic_query_at_a_given_distance_solves_its_equation(r: float) -> None:
    tau = math.exp(solve_master_equation(0.3, _directions([1.0], [math.sqrt(r)])))
    left = math.log1p(tau) - tau / (1.0 + tau) + r * tau**2 / (1.0 + tau) ** 2
    assert left == pytest.approx(0.6, rel=1e-13)


def test_a_query_with_the_squares_of_the_data_is_a_typical_one() -> None:
    values = SPECTRA["power law"]
    typical = solve_master_equation(0.3, _directions(values))
    assert solve_master_equation(0.3, _directions(values, list(np.sqrt(values)))) == pytest.approx(typical, abs=1e-13)


@settings(max_examples=60, deadline=None)
@given(st.floats(-20.0, 20.0), st.floats(-3.0, 3.0))
def test_the_gap_increases_and_the_distance_is_below_one(log_tau: float, spread: float) -> None:
    directions = _directions([1.0, math.exp(spread), math.exp(-2.0 * spread)])
    a, b = np.array(log_tau), np.array(log_tau + 0.01)
    assert 0.0 < entropy_gap(directions, a) < entropy_gap(directions, b)
    rounding = 1.0 + 1e-15
    assert 0.0 < scaled_distance(directions, a) <= scaled_distance(directions, b) * rounding <= rounding**2
    # zeta is convex in tau with zeta(0) = 0, and S = zeta + tau delta / 2.
    assert float(zeta(directions, a)) == pytest.approx(
        -float(entropy_gap(directions, a)) - 0.5 * float(scaled_distance(directions, a)), rel=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-6, 40.0), st.floats(-30.0, 30.0))
def test_a_change_of_units_shifts_the_root(alpha: float, log_scale: float) -> None:
    values = np.array([0.2, 1.0, 3.0])
    plain = solve_master_equation(alpha, Directions.of(*as_spectrum(values)))
    scaled = solve_master_equation(alpha, Directions.of(*as_spectrum(values * math.exp(log_scale))))
    # The two numbers are as large as 110, and exact to a few units in the last place.
    assert scaled + log_scale == pytest.approx(plain, abs=2e-13)


def test_an_array_of_tau_is_evaluated_elementwise() -> None:
    directions = _directions(SPECTRA["two levels"])
    grid = np.linspace(-5.0, 5.0, 6).reshape(2, 3)
    for function in (zeta, entropy_gap, scaled_distance):
        whole = function(directions, grid)
        assert whole.shape == grid.shape
        np.testing.assert_allclose(whole.ravel(), [function(directions, np.array(v)) for v in grid.ravel()], rtol=1e-15)


def test_zero_weights_and_zero_eigenvalues_add_nothing() -> None:
    plain = Directions.of(np.array([1.0, 3.0]), np.array([0.5, 0.5]))
    padded = Directions.of(np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.5, 0.5]))
    assert solve_master_equation(0.4, plain) == solve_master_equation(0.4, padded)
    assert padded.rank_fraction == 1.0
    half = Directions.of(np.array([0.0, 1.0, 3.0]), np.array([0.5, 0.25, 0.25]))
    assert half.rank_fraction == 0.5
    assert solve_master_equation(0.2, half) == pytest.approx(solve_master_equation(0.4, plain), abs=1e-13)
    assert half.mean_log_s == -math.inf


@pytest.mark.parametrize("log_u", [-700.0, -50.0, -2.5, -2.4, -2.3, 0.0, 5.0, 60.0, 800.0])
def test_log_excess_to_the_last_digits(log_u: float) -> None:
    with mp.workdps(700):
        u = mp.exp(mp.mpf(log_u))
        exact = float(mp.log1p(u) - u / (1 + u))
    # Just above the switch from the series two terms of size 0.1 leave 0.004: 25 roundings.
    assert float(log_excess(np.array(log_u))) == pytest.approx(exact, rel=25 * 2.3e-16, abs=0.0)
    assert float(log_excess(np.array(-np.inf))) == 0.0


@pytest.mark.parametrize("log_q", [-700.0, -1.0, -0.2, -0.19, -1e-9, 0.0, 1e-9, 0.19, 0.21, 3.0, 700.0])
def test_quadratic_gap_to_the_last_digits(log_q: float) -> None:
    with mp.workdps(400):
        exact = float(mp.expm1(mp.mpf(log_q)) - mp.mpf(log_q))
    assert float(quadratic_gap(np.array(log_q))) == pytest.approx(exact, rel=2e-15, abs=0.0)
    assert float(quadratic_gap(np.array(1000.0))) == math.inf


def test_regime_names_at_and_around_the_thresholds() -> None:
    mu = np.array([0.0, 1.0 - 1e-16, 1.0, 1.5, 2.0, 2.0 + 1e-15, np.inf])
    names = ["condensed", "condensed", "stable", "stable", "stable", "clt", "clt"]
    assert regime_name(mu).tolist() == names


def test_the_root_finder_widens_its_bracket_or_gives_up() -> None:
    assert solve_increasing(lambda v: v - 300.0, 0.0, -1.0, 10.0) is None
    assert solve_increasing(lambda v: v - 90.0, 0.0, -1.0, 10.0) == pytest.approx(90.0, abs=1e-12)
    assert solve_increasing(lambda v: v + 7.0, 0.0, -1.0, 10.0) == pytest.approx(-7.0, abs=1e-12)
    assert solve_increasing(lambda v: 1.0, 0.0) is None


@pytest.mark.parametrize("alpha", [400.0, 1e300])
def test_an_alpha_beyond_the_floats_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha must be such that the bandwidths are ordinary floats"):
        solve_master_equation(alpha, Directions.of(*isotropic()))


def test_solving_is_exact_for_many_directions() -> None:
    values, weights = power_law(1.5, 3000)
    log_tau = solve_master_equation(0.7, Directions.of(values, weights))
    u = math.exp(log_tau) * values
    assert weights @ (np.log1p(u) - u / (1.0 + u) ** 2) == pytest.approx(1.4, rel=1e-13)
