"""Regime theory: the worked table, its branches, limits and invariances, product laws, bad input."""

from __future__ import annotations

import itertools
import json
import math
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import mpmath as mp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from infostat.core.errors import BandwidthWarning
from infostat.core.results import Result, to_json
from infostat.density.regimes import _global_minimum, regime_theory
from infostat.density.spectra import isotropic, marchenko_pastur, power_law, two_level
from infostat.density.theory_results import RegimeTheory

# alpha, tau_c, h_G, h_CLT, h_star, mu_star, kl_star for N(0, I)
TABLE = [
    (0.02, 0.1906055761, 2.2905100367, 3.2392703587, 1.2431232303, 0.2945533498, 0.2376269470),
    (0.05, 0.3329448328, 1.7330610447, 2.4509184339, 1.1458824267, 0.4371720594, 0.1861750186),
    (0.1, 0.5321836196, 1.3707847002, 1.9385823141, 1.0385724130, 0.5740306317, 0.1378470903),
    (0.2, 0.9145880100, 1.0456521823, 1.4787754978, 0.8916886776, 0.7271968817, 0.0853617765),
    (0.3, 1.3280608667, 0.8677427826, 1.2271736118, 0.7836123997, 0.8154936410, 0.0561592310),
    (0.5, 2.3513172022, 0.6521453312, 0.9222727720, 0.6224361905, 0.9109633260, 0.0258858389),
    (0.7, 3.7842537883, 0.5140553375, 0.7269840301, 0.5027006658, 0.9563110526, 0.0122396161),
    (1.0, 7.2221415611, 0.3721062817, 0.5262377502, 0.3693439100, 0.9852078909, 0.0039729363),
    (1.5, 20.0166975412, 0.2235135141, 0.3160958430, 0.2232603565, 0.9977360280, 0.0005833295),
    (2.0, 54.5715295772, 0.1353682881, 0.1914396689, 0.1353463692, 0.9996761862, 0.0000819117),
]
SPECTRA = {
    "isotropic": isotropic(),
    "two levels": two_level(4.0, 0.25, 0.2),
    "power law": power_law(1.0, 60),
    "Marchenko-Pastur": marchenko_pastur(0.5),
}
FIELDS = ("tau_c", "h_G", "h_CLT", "eps", "h_star", "mu_star", "kl_star")

spectra = pytest.mark.parametrize("name", SPECTRA)


def _fields(theory: RegimeTheory) -> list[float]:
    return [getattr(theory, name) for name in FIELDS]


# ----------------------------------------------------------------- Gaussian data
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"alpha={row[0]}")
def test_the_worked_table(row: tuple[float, ...]) -> None:
    theory = regime_theory(row[0])
    found = [getattr(theory, name) for name in ("tau_c", "h_G", "h_CLT", "h_star", "mu_star", "kl_star")]
    np.testing.assert_allclose(found, row[1:], rtol=0.0, atol=1e-9)


@spectra
@pytest.mark.parametrize("alpha", [1e-6, 0.3, 5.0, 50.0])
def test_relations_between_the_fields(name: str, alpha: float) -> None:
    values, weights = SPECTRA[name]
    theory = regime_theory(alpha, spectrum=SPECTRA[name])
    assert theory.h_CLT / theory.h_G == pytest.approx(math.sqrt(2.0), rel=1e-15)
    assert theory.h_G == pytest.approx(theory.tau_c**-0.5, rel=1e-14)
    assert theory.h_star == pytest.approx(math.sqrt(theory.eps), rel=1e-14)
    assert theory.mu_star == pytest.approx(theory.eps * theory.tau_c, rel=1e-14)
    assert theory.mu_star is not None and theory.mu_star <= 1.0 + 1e-15
    plain = alpha + 0.5 * math.log(theory.eps) - 0.5 * weights @ np.log(values)
    assert theory.kl_star == pytest.approx(plain, abs=1e-13)
    assert theory.kl_star is not None and theory.kl_star > 0.0


@pytest.mark.parametrize("alpha", [0.01, 1.0, 8.0, 20.0, 50.0])
def test_the_least_divergence_keeps_its_digits(alpha: float) -> None:
    # At alpha = 50 it is 3e-88, where alpha + log(eps)/2 has no correct digit.
    with mp.workdps(150):
        tau = mp.findroot(
            lambda v: mp.log1p(mp.exp(v)) - mp.exp(v) / (1 + mp.exp(v)) ** 2 - 2 * mp.mpf(alpha),
            math.log(regime_theory(alpha).tau_c),
        )
        u = mp.exp(tau)
        exact = float(mp.mpf(alpha) + mp.log((2 + u) / (1 + u) ** 2) / 2)
    # D falls like exp(-2 log tau): an error of 1e-13 in log tau is doubled.
    assert regime_theory(alpha).kl_star == pytest.approx(exact, rel=1e-12, abs=0.0)


@spectra
@pytest.mark.parametrize("alpha", [0.05, 0.4, 1.5])
def test_the_divergence_and_its_slope_are_continuous_at_h_G(name: str, alpha: float) -> None:
    theory = regime_theory(alpha, spectrum=SPECTRA[name])
    below, above = math.nextafter(theory.h_G, 0.0), theory.h_G
    assert theory.kl(below) == pytest.approx(theory.kl(above), abs=1e-13)
    assert theory.free_energy(below) == pytest.approx(theory.free_energy(above), abs=1e-13)
    # One-sided slopes from nine points of either branch: step^8/9 and rounding/step are below 1e-11.
    step = 5e-3 * theory.h_G
    nodes = np.arange(9)
    coefficients = np.linalg.solve(np.vander(nodes, increasing=True).T, np.eye(9)[1])
    right = coefficients @ theory.kl(above + step * nodes) / step
    left = -coefficients @ theory.kl(below - step * nodes) / step
    assert left * theory.h_G == pytest.approx(right * theory.h_G, abs=1e-10)


@spectra
def test_the_divergence_above_h_G_is_that_of_the_smoothed_law(name: str) -> None:
    values, weights = SPECTRA[name]
    theory = regime_theory(0.3, spectrum=SPECTRA[name])
    h = theory.h_G * np.array([1.0, 1.2, 3.0, 50.0])
    ratio = values / (values + h[:, None] ** 2)
    exact = 0.5 * ((ratio - 1.0 - np.log(ratio)) @ weights)  # KL of two centred Gaussians
    np.testing.assert_allclose(theory.kl(h), exact, rtol=1e-12)


@spectra
def test_the_best_bandwidth_is_the_minimum_of_the_curve(name: str) -> None:
    theory = regime_theory(0.3, spectrum=SPECTRA[name])
    assert theory.h_star is not None and theory.h_star < theory.h_G
    assert theory.kl(theory.h_star) == theory.kl_star
    grid = theory.h_star * np.geomspace(0.05, 100.0, 401)
    curve = theory.kl(grid)
    assert curve.min() >= theory.kl_star
    assert (np.diff(curve[grid < theory.h_star]) < 0.0).all()
    assert (np.diff(curve[grid > theory.h_star]) > 0.0).all()


def test_the_divergence_is_entropy_minus_mean_log_density() -> None:
    theory = regime_theory(0.3, spectrum=SPECTRA["two levels"])
    assert theory.entropy is not None
    h = np.geomspace(0.1, 10.0, 20)
    np.testing.assert_allclose(theory.kl(h), -theory.entropy - theory.log_density(h), atol=1e-13)


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-5, 20.0), st.floats(-12.0, 12.0))
def test_lengths_scale_with_the_data(alpha: float, log_sigma: float) -> None:
    sigma = math.exp(log_sigma)
    plain, scaled = (regime_theory(alpha, spectrum=np.array([1.0, 0.3]) * s * s) for s in (1.0, sigma))
    expected = np.array(_fields(plain)) * [sigma**-2, sigma, sigma, sigma**2, sigma, 1.0, 1.0]
    np.testing.assert_allclose(_fields(scaled), expected, rtol=1e-12)
    h = plain.h_G * np.array([0.3, 0.99, 1.7])
    np.testing.assert_allclose(scaled.kl(sigma * h), plain.kl(h), rtol=1e-11)


@pytest.mark.parametrize("alpha", [0.02, 0.3, 2.0])
def test_equal_eigenvalues_are_isotropic(alpha: float) -> None:
    plain = _fields(regime_theory(alpha, spectrum=isotropic(2.0)))
    np.testing.assert_allclose(_fields(regime_theory(alpha, spectrum=[2.0])), plain, rtol=1e-14)
    np.testing.assert_allclose(_fields(regime_theory(alpha, spectrum=np.full(37, 2.0))), plain, rtol=1e-13)
    np.testing.assert_allclose(_fields(regime_theory(alpha, spectrum=two_level(2.0, 7.0, 1.0))), plain, rtol=1e-14)


def test_splitting_the_weight_of_an_eigenvalue_changes_nothing() -> None:
    whole = regime_theory(0.3, spectrum=([1.0, 5.0], [0.6, 0.4]))
    parts = regime_theory(0.3, spectrum=([1.0, 5.0, 1.0, 5.0], [0.5, 0.1, 0.1, 0.3]))
    counted = regime_theory(0.3, spectrum=[1.0, 1.0, 1.0, 5.0, 5.0])
    np.testing.assert_allclose(_fields(parts), _fields(whole), rtol=1e-13)
    np.testing.assert_allclose(_fields(counted), _fields(whole), rtol=1e-13)


def test_limits_of_small_and_large_alpha() -> None:
    small, large = regime_theory(1e-6), regime_theory(8.0)
    # Next orders: tau = sqrt(4 alpha/3) is 1.2e-3, and exp(-16) relative at alpha = 8.
    assert small.h_G == pytest.approx((4e-6 / 3.0) ** -0.25, rel=1e-3)
    assert small.h_star == pytest.approx(math.sqrt(2.0), rel=2e-3)
    assert small.kl_star == pytest.approx(0.5 * math.log(2.0), rel=4e-3)
    assert large.h_G == pytest.approx(math.exp(-8.0), rel=1e-6)
    assert large.h_star == pytest.approx(math.exp(-8.0), rel=1e-6)
    assert large.kl_star == pytest.approx(0.25 * math.exp(-32.0), rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-4, 5.0), st.floats(1.001, 3.0))  # beyond, mu_star is one to rounding
def test_more_data_narrow_every_bandwidth(alpha: float, factor: float) -> None:
    fewer, more = (regime_theory(a, spectrum=SPECTRA["two levels"]) for a in (alpha, alpha * factor))
    assert more.h_G < fewer.h_G
    assert (more.h_star or 0.0) < (fewer.h_star or 0.0)
    assert (more.kl_star or 0.0) < (fewer.kl_star or 0.0)
    assert (more.mu_star or 0.0) > (fewer.mu_star or 0.0)


# ----------------------------------------------------------------------- methods
def test_methods_are_elementwise_and_bare() -> None:
    theory = regime_theory(0.3)
    grid = np.array([[0.2, 0.8, 0.9], [1.2, 1.3, 9.0]])
    for method in (theory.mu, theory.kl, theory.free_energy, theory.log_density, theory.participation_ratio):
        whole = method(grid)
        assert whole.shape == grid.shape
        np.testing.assert_array_equal(whole.ravel(), [method(float(v)) for v in grid.ravel()])
        assert type(method(0.5)) is float
        assert method([0.5]).shape == (1,)
    words = [["condensed", "condensed", "stable"], ["stable", "clt", "clt"]]
    assert theory.regime(grid).tolist() == words
    assert type(theory.regime(0.5)) is str
    np.testing.assert_allclose(theory.mu(grid), (grid / theory.h_G) ** 2, rtol=1e-15)
    np.testing.assert_array_equal(theory.participation_ratio(grid), np.maximum(0.0, 1.0 - theory.mu(grid)))


def test_extreme_bandwidths_have_values() -> None:
    theory = regime_theory(0.3)
    with np.errstate(all="raise", under="ignore"):
        assert theory.kl(1e-200) == math.inf
        assert theory.free_energy(1e-200) == -math.inf
        assert theory.mu(1e200) == math.inf
        assert theory.kl(1e150) == pytest.approx(150.0 * math.log(10.0) - 0.5, rel=1e-12)
    assert theory.free_energy(1e150) == pytest.approx(0.3, abs=1e-15)


@pytest.mark.parametrize("h", [0.0, -1.0, np.nan, np.inf, [1.0, 0.0]])
def test_bandwidths_must_be_positive(h: Any) -> None:
    theory = regime_theory(0.3)
    for method in (theory.mu, theory.kl, theory.regime, theory.free_energy):
        with pytest.raises(ValueError, match="h must be"):
            method(h)
    with pytest.raises(TypeError, match="h must be"):
        theory.mu("wide")


# ----------------------------------------------------------------- a given query
def test_a_typical_query_given_by_its_coordinates() -> None:
    values, weights = two_level(4.0, 0.25, 0.2)
    typical = regime_theory(0.3, spectrum=(values, weights))
    given_x = regime_theory(0.3, spectrum=(values, weights), at=[2.0, -0.5])
    for name in ("tau_c", "h_G", "h_CLT", "eps"):
        assert getattr(given_x, name) == pytest.approx(getattr(typical, name), rel=1e-12)
    h = np.array([0.2, 2.0])
    np.testing.assert_allclose(given_x.free_energy(h), typical.free_energy(h), rtol=1e-12)
    assert given_x.h_star is given_x.mu_star is given_x.kl_star is None
    with pytest.raises(ValueError, match="one query"):
        given_x.kl(1.0)


def test_only_the_distance_matters_for_isotropic_data() -> None:
    one = regime_theory(0.3, at=[3.0, 0.0, 0.0, 0.0])
    spread = regime_theory(0.3, spectrum=isotropic(), at=[1.5])
    assert one.h_G == pytest.approx(spread.h_G, rel=1e-13)
    # Outliers have a larger condensation bandwidth, the centre a smaller one.
    assert regime_theory(0.3, at=[0.0]).h_G < regime_theory(0.3).h_G < spread.h_G


def test_a_query_off_the_subspace_keeps_its_distance() -> None:
    with pytest.warns(BandwidthWarning):
        theory = regime_theory(0.3, spectrum=[1.0, 0.0], at=[1.0, 5.0])
    with pytest.warns(BandwidthWarning):
        inside = regime_theory(0.3, spectrum=[1.0, 0.0], at=[1.0, 0.0])
    assert theory.h_G == pytest.approx(inside.h_G, rel=1e-13)
    assert theory.eps == pytest.approx(inside.eps + 12.5, rel=1e-13)


# --------------------------------------------------------------- zero eigenvalues
def test_zero_eigenvalues_leave_the_thresholds() -> None:
    with pytest.warns(BandwidthWarning, match=r"zero eigenvalues \(0.25 of the directions\)") as caught:
        theory = regime_theory(0.3, spectrum=[0.0, 1.0, 1.0, 1.0])
    assert caught[0].filename == __file__
    full = regime_theory(0.4)
    assert theory.alpha_effective == pytest.approx(0.4, rel=1e-15)
    assert theory.h_G == pytest.approx(full.h_G, rel=1e-13)
    assert theory.eps == pytest.approx(0.75 * full.eps, rel=1e-13)
    assert theory.h_star is theory.kl_star is theory.mu_star is theory.entropy is None
    assert theory.flags == ("zero_eigenvalues",)
    with pytest.raises(ValueError, match="zero eigenvalues"):
        theory.kl(1.0)


# ------------------------------------------------------------------ product laws
def test_a_normal_marginal_is_isotropic() -> None:
    for alpha in (1e-3, 0.3, 2.0, 8.0):
        plain = regime_theory(alpha, spectrum=[2.25])
        product = regime_theory(alpha, marginal=stats.norm(-3.0, 1.5))
        # log(-S) = log alpha is solved with S rounded at 1e-15.
        np.testing.assert_allclose(_fields(product), _fields(plain), rtol=1e-15 / alpha + 1e-11, atol=1e-13)
        h = plain.h_G * np.geomspace(0.01, 1000.0, 60)
        np.testing.assert_allclose(product.kl(h), plain.kl(h), rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(product.free_energy(h), plain.free_energy(h), rtol=1e-10, atol=1e-10)


# Law, density in plain Python, quantile panels of the average over x.
PRODUCTS = {
    "uniform": (stats.uniform(), lambda y: 1.0),
    "laplace": (stats.laplace(), lambda y: 0.5 * math.exp(-abs(y))),
    "t": (stats.t(4), lambda y: 0.375 * (1.0 + 0.25 * y * y) ** -2.5),
    "gamma": (stats.gamma(2.0), lambda y: y * math.exp(-y)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_product_laws_by_adaptive_quadrature(name: str) -> None:
    law, density = PRODUCTS[name]
    theory = regime_theory(0.3, marginal=law)
    tau, low, high, middle = theory.tau_c, law.ppf(1e-13), law.isf(1e-13), float(law.median())

    def inner(x: float, power: int) -> float:
        reach = 9.0 / math.sqrt(tau)
        ends = max(low, x - reach), min(high, x + reach)
        marks = sorted({*ends, *(v for v in (x, middle) if ends[0] < v < ends[1])})

        def integrand(y: float) -> float:
            return float(density(y) * math.exp(-0.5 * tau * (x - y) ** 2) * (x - y) ** power)

        parts = itertools.pairwise(marks)
        return sum(integrate.quad(integrand, a, b, epsabs=1e-13, epsrel=1e-9)[0] for a, b in parts)

    nodes, weights = np.polynomial.legendre.leggauss(12)
    ends = law.ppf(stats.norm.cdf(np.arange(-7.0, 8.0)))
    zeta, eps = 0.0, 0.0
    for a, b in itertools.pairwise(ends):
        for x, w in zip(0.5 * (a + b) + 0.5 * (b - a) * nodes, 0.5 * (b - a) * weights, strict=True):
            total = inner(x, 0)
            zeta += w * density(x) * math.log(total)
            eps += w * density(x) * inner(x, 2) / total
    # The reference leaves out a mass of 3e-12, and its twelve nodes resolve a panel to about 1e-7.
    assert theory.eps == pytest.approx(eps, rel=1e-6)
    assert -(zeta + 0.5 * tau * eps) == pytest.approx(0.3, rel=1e-6)
    assert theory.entropy == pytest.approx(law.entropy(), abs=1e-8)


def test_the_divergence_of_a_product_law_is_that_of_the_smoothed_law() -> None:
    law = stats.uniform()
    theory = regime_theory(0.3, marginal=law)
    h = theory.h_G * np.array([1.0, 1.5, 4.0])
    x, w = np.polynomial.legendre.leggauss(200)
    x, w = 0.5 * (x + 1.0), 0.5 * w
    smoothed = stats.norm.cdf(x / h[:, None]) - stats.norm.cdf((x - 1.0) / h[:, None])
    np.testing.assert_allclose(theory.kl(h), -np.log(smoothed) @ w, rtol=1e-9)


@pytest.mark.parametrize("law", [stats.uniform(), stats.expon(), stats.cauchy(), stats.beta(0.5, 2.0)])
def test_branches_of_a_product_law_meet(law: Any) -> None:
    theory = regime_theory(0.3, marginal=law)
    below, above = math.nextafter(theory.h_G, 0.0), theory.h_G
    assert theory.kl(below) == pytest.approx(theory.kl(above), abs=1e-6)
    assert theory.mu_star is not None and theory.mu_star < 1.0
    assert theory.kl_star == pytest.approx(theory.kl(theory.h_star), abs=1e-15)
    assert theory.kl(theory.h_G * np.geomspace(0.1, 100.0, 200)).min() >= theory.kl_star


def test_product_laws_scale_and_shift() -> None:
    plain, moved = regime_theory(0.5, marginal=stats.expon()), regime_theory(0.5, marginal=stats.expon(7.0, 3.0))
    assert moved.h_G == pytest.approx(3.0 * plain.h_G, rel=1e-10)
    assert moved.kl_star == pytest.approx(plain.kl_star, abs=1e-9)


def test_a_histogram_is_a_marginal_and_is_flagged() -> None:
    law = stats.rv_histogram(np.histogram([0.0, 0.0, 1.0, 2.0, 2.0, 2.0], bins=2))()
    theory = regime_theory(0.3, marginal=law)
    exact = float(law.entropy())
    assert theory.numerical_error is not None and theory.entropy is not None
    assert abs(theory.entropy - exact) < theory.numerical_error < 1e-5
    assert theory.flags == ("quadrature",)


@pytest.mark.parametrize(
    "law",
    [
        stats.binom(12, 0.3),
        stats.poisson(2.0, loc=0.5),
        stats.skellam(1.0, 2.0, loc=0.25),
        stats.rv_discrete(values=([0, 1, 5], [0.2, 0.5, 0.3]))(loc=3),
    ],
)
def test_discrete_laws_by_enumeration(law: Any) -> None:
    theory = regime_theory(0.4, marginal=law)
    points = np.arange(-40.0, 60.0) + (float(law.ppf(0.5)) % 1.0)
    mass = law.pmf(points)
    points, mass = points[mass > 0.0], mass[mass > 0.0]
    energy = np.square(points[:, None] - points)
    kernel = np.exp(-0.5 * theory.tau_c * energy) * mass
    total = kernel.sum(axis=1)
    eps = mass @ ((kernel * energy).sum(axis=1) / total)
    assert theory.eps == pytest.approx(eps, rel=1e-10)
    assert -(mass @ np.log(total) + 0.5 * theory.tau_c * eps) == pytest.approx(0.4, rel=1e-10)
    assert theory.h_star is theory.kl_star is theory.entropy is None
    assert theory.flags == ("no_density",)
    with pytest.raises(ValueError, match="discrete law"):
        theory.kl(1.0)


def test_a_discrete_law_with_copies_of_the_query() -> None:
    law = stats.bernoulli(0.5)
    close = regime_theory(0.999 * math.log(2.0), marginal=law)
    assert 0.0 < close.h_G < 1.0
    assert "copies" not in close.flags
    theory = regime_theory(1.01 * math.log(2.0), marginal=law)
    assert theory.tau_c == math.inf
    assert theory.h_G == theory.h_CLT == theory.eps == 0.0
    assert theory.flags == ("no_density", "copies")
    assert theory.regime(1e-3) == "clt"
    assert theory.mu(1e-3) == math.inf
    # Half the coordinates agree: E exp(-tau (x-y)^2/2) = (1 + exp(-tau/2))/2 for either x.
    h = np.array([1e-3, 0.5, 2.0])
    exact = theory.alpha + np.log(0.5 * (1.0 + np.exp(-0.5 / h**2)))
    np.testing.assert_allclose(theory.free_energy(h), exact, atol=1e-9)
    with pytest.raises(TypeError, match="no figure"):
        theory.plot()


def test_a_deeper_minimum_above_h_G_would_be_found() -> None:
    # A made-up divergence with two minima, as no known law has: that of a normal law with a dip at h = e.
    plain = regime_theory(0.3, marginal=stats.norm())
    assert plain.entropy is not None
    base = RegimeTheory(**{f: getattr(plain, f) for f in plain.__dataclass_fields__})

    class Dipping(RegimeTheory):
        def _annealed_kl(self, h: np.ndarray) -> np.ndarray:
            return np.asarray(super()._annealed_kl(h) - np.exp(-20.0 * (np.log(h) - 1.0) ** 2))

    dipping = Dipping(**{f: getattr(base, f) for f in base.__dataclass_fields__})
    h, kl = _global_minimum(dipping, -10.0)
    assert h > dipping.h_G
    grid = np.linspace(0.8 * h, 1.2 * h, 2001)
    assert kl <= dipping.kl(grid).min() + 1e-12
    assert kl == pytest.approx(dipping.kl(h), abs=1e-15)
    Result._registry.pop("Dipping")


# ----------------------------------------------------------------------- bad input
@pytest.mark.parametrize("alpha", [0.0, -0.1, np.nan, np.inf])
def test_alpha_must_be_positive(alpha: float) -> None:
    with pytest.raises(ValueError, match=r"alpha must be a number > 0, got .*; alpha = log\(n\)/d"):
        regime_theory(alpha)


@pytest.mark.parametrize("alpha", ["0.3", None, True, [0.3]])
def test_alpha_must_be_a_number(alpha: Any) -> None:
    with pytest.raises(TypeError, match="alpha must be"):
        regime_theory(alpha)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"spectrum": [1.0, 2.0], "at": [1.0]}, ValueError, "each of the 2 eigenvalues.*eigenvectors.T"),
        ({"at": []}, ValueError, "at must hold"),
        ({"at": [np.nan]}, ValueError, "at must be finite"),
        ({"at": [[1.0, 2.0]]}, ValueError, "at must be"),
        ({"at": "here"}, TypeError, "at must be"),
        ({"at": [1e200]}, ValueError, "alpha must be such"),
        ({"marginal": stats.norm(), "spectrum": [1.0]}, ValueError, "marginal must be given without spectrum"),
        ({"marginal": stats.norm(), "at": [1.0]}, ValueError, "marginal must be given without at"),
        ({"marginal": stats.norm}, TypeError, "frozen univariate law.*norm"),
        ({"marginal": 3.0}, TypeError, "frozen univariate law"),
        ({"marginal": stats.multivariate_normal([0.0, 0.0])}, TypeError, "frozen univariate law"),
        ({"marginal": stats.norm([0.0, 1.0], 1.0)}, ValueError, "got a batch"),
        ({"marginal": stats.norm(0.0, -1.0)}, ValueError, "undefined support"),
        ({"marginal": stats.bernoulli(1.0)}, ValueError, "must not be a constant"),
        ({"marginal": stats.randint(0, 10**7)}, ValueError, "at most 4000 points"),
        ({"marginal": stats.zipf(1.5)}, ValueError, "at most 4000 points"),
    ],
)
def test_bad_arguments_are_named(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        regime_theory(0.3, **options)


def test_a_density_that_quadrature_cannot_resolve_is_refused() -> None:
    with pytest.raises(ValueError, match=r"quadrature can resolve, got gamma\(0.05\)"):
        regime_theory(3.0, marginal=stats.gamma(0.05))


# -------------------------------------------------------------------- presentation
def test_results_survive_json_and_keep_their_methods() -> None:
    for theory in (regime_theory(0.3, marginal=stats.expon()), regime_theory(0.3, spectrum=[1.0, 2.0], at=[1.0, 0.0])):
        back = Result.from_dict(json.loads(to_json(theory.to_dict())))
        assert back == theory
        h = np.array([0.1, 1.0, 10.0])
        np.testing.assert_array_equal(back.free_energy(h), theory.free_energy(h))  # type: ignore[attr-defined]
    frame = regime_theory(0.3, at=[1.0]).to_frame()
    assert math.isnan(frame["h_star"].iloc[0])
    assert "interpretation" not in frame


def test_sentences_speak_of_the_limit_and_point_to_the_data() -> None:
    theories = [regime_theory(0.3), regime_theory(0.3, at=[1.0]), regime_theory(0.3, marginal=stats.poisson(1.0))]
    theories.append(regime_theory(2.0, marginal=stats.bernoulli(0.5)))
    for theory in theories:
        assert theory.interpretation.startswith("In the limit of large dimension")
        assert "diagnose_bandwidth" in theory.interpretation
        assert theory.interpretation in theory.summary().notes


def test_the_figure_lays_finite_size_and_simulation_over_the_limit() -> None:
    theory = regime_theory(0.3)
    h = np.array([2.0, 0.5, 1.0])
    finite = SimpleNamespace(h=h, kl_per_dim=theory.kl(h) + 0.05, d=20, n=403)
    measured = SimpleNamespace(h=h, kl_per_dim=theory.kl(h) + 0.06, kl_per_dim_se=np.full(3, 0.01))
    ax = theory.plot(finite=[finite, finite], simulation=measured, color="red")
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert lines[r"limit $d\to\infty$"].get_color() == "red"
    np.testing.assert_array_equal(lines["exact, d = 20, n = 403"].get_xdata(), np.sort(h))
    assert ax.get_legend() is not None
    low, high = ax.get_xlim()
    assert low < 0.5 and high > 2.0
    plt.close("all")
    from_frame = regime_theory(0.3).plot(simulation=pd.DataFrame({"h": h, "kl_per_dim": h}))
    assert from_frame.get_legend() is not None
    plt.close("all")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"finite": 3.0}, TypeError, "finite must be an object with fields h and kl_per_dim"),
        ({"simulation": SimpleNamespace(h=[1.0])}, TypeError, "simulation must be an object"),
        ({"finite": SimpleNamespace(h=[1.0, 2.0], kl_per_dim=[1.0])}, ValueError, "as many divergences as bandwidths"),
        ({"h": [1.0]}, ValueError, "at least two bandwidths"),
        ({"h": [0.0, 1.0]}, ValueError, "h must be positive"),
    ],
)
def test_overlays_are_checked(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        regime_theory(0.3).plot(**options)
    assert not plt.get_fignums()


def test_overlays_need_a_divergence() -> None:
    finite = SimpleNamespace(h=[1.0, 2.0], kl_per_dim=[1.0, 1.0])
    with pytest.raises(ValueError, match="must go with a theory that has a divergence"):
        regime_theory(0.3, at=[1.0]).plot(finite=finite)
    ax = regime_theory(0.3, at=[1.0]).plot(h=[0.5, 1.0, 2.0])
    assert "mu" in ax.get_ylabel()
    plt.close("all")
