"""The worked examples of the published method's re-derivation, to the digits printed there."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from infostat.datasets import load
from infostat.families.bernoulli import Bernoulli
from infostat.families.exponential import Exponential
from infostat.families.gamma import Gamma
from infostat.families.multivariate_normal import MultivariateNormal
from infostat.families.normal import Normal
from infostat.families.product import ProductFamily
from infostat.families.whitening import node_view
from infostat.projection import (
    RiskTerms,
    bayes_error_threshold,
    estimation_risk,
    exact_risk,
    plan_sample_size,
    pn_criterion,
    risk_terms,
)
from infostat.projection.expansion import raw_terms
from tests.projection.oracles import terms_of


@pytest.mark.parametrize("rate", [0.01, 1.0, 37.0])
def test_1_exponential(rate: float) -> None:
    terms = risk_terms(None, "exponential", theta=Exponential().natural(rate=rate))
    np.testing.assert_allclose(terms_of(terms), [1, 4, 12, 18], rtol=1e-12)
    assert terms.a2 == pytest.approx(11 / 12, rel=1e-12)
    assert estimation_risk(terms, 100) == pytest.approx(0.00509167, abs=5e-9)
    exact = exact_risk("exponential", [10, 100])
    assert exact.risk[0] == pytest.approx(0.0602786072, abs=5e-11)
    assert exact.risk[1] == pytest.approx(0.00509267685, abs=5e-12)


def test_1_gamma_data_replace_n_by_nk() -> None:
    from_gamma = exact_risk("exponential", [10, 40], truth=stats.gamma(2.5, scale=3.0))
    from_model = exact_risk("exponential", [25, 100])
    np.testing.assert_allclose(from_gamma.risk, from_model.risk, rtol=1e-13)
    np.testing.assert_allclose(from_gamma.optimism, from_model.optimism, rtol=1e-13)


def test_2_normal_well_specified() -> None:
    terms = risk_terms(None, "normal", theta=Normal().natural(mean=-3.0, var=0.2))
    np.testing.assert_allclose(terms_of(terms), [2, 14, 46, 60], rtol=1e-12)
    assert terms.a2 == pytest.approx(61 / 12, rel=1e-12)
    assert terms.opt2 == pytest.approx(6, rel=1e-12)


def test_2_normal_with_laplace_truth() -> None:
    terms = risk_terms(None, "normal", truth=stats.laplace(loc=1.5, scale=4.0))
    np.testing.assert_allclose(terms_of(terms), [3.5, 89, 196, 285], rtol=1e-9)
    assert terms.a2 == pytest.approx(8.2083333, abs=5e-8)
    assert terms.opt2 == pytest.approx(6, abs=1e-7)


@pytest.mark.parametrize(("d", "expected", "a2"), [(2, (5, 46, 156, 210), 16.916667), (3, (9, 102, 354, 486), 38.0)])
def test_3_multivariate_normal(d: int, expected: tuple[float, ...], a2: float) -> None:
    family = MultivariateNormal(n_vars=d)
    cov = np.eye(d) + 0.3
    terms = risk_terms(None, family, theta=family.natural(mean=np.arange(d), cov=cov))
    np.testing.assert_allclose(terms_of(terms), expected, rtol=1e-12)
    assert terms.a2 == pytest.approx(a2, abs=5e-7)
    assert terms.opt2 == pytest.approx(d * (d + 2) * (d + 3) / 2, rel=1e-12)


@pytest.mark.parametrize("d", [1, 2, 3, 5, 11, 50])
def test_3_closed_polynomials_in_the_dimension(d: int) -> None:
    family = MultivariateNormal(n_vars=d)
    terms = risk_terms(None, family, theta=family.natural(mean=np.zeros(d), cov=np.eye(d)))
    assert pytest.approx(d * (d + 3) / 2, rel=1e-13) == terms.T0
    assert pytest.approx(d * (d**2 + 6 * d + 7), rel=1e-13) == terms.T1
    a2 = d * (d + 2) * (d + 3) / 2 - d * (d + 1) * (2 * d + 1) / 24 - d * (d + 1) / 4 - d / 6
    assert terms.a2 == pytest.approx(a2, rel=1e-11)
    assert terms.opt2 == pytest.approx(d * (d + 2) * (d + 3) / 2, rel=1e-11)


def test_4_bernoulli() -> None:
    terms = risk_terms(None, "bernoulli", truth=([0, 1], [0.7, 0.3]))
    assert terms.a2 == pytest.approx(1.0674603, abs=5e-8)
    again = risk_terms(None, "bernoulli", theta=Bernoulli().natural(prob=0.3))
    np.testing.assert_allclose(terms_of(again), terms_of(terms), rtol=1e-12)
    n = np.array([200, 2000])
    risk = exact_risk("bernoulli", n, truth=([0, 1], [0.7, 0.3])).risk
    # n^2 times rounding of the risk: about 1e-16 n^2 / (2n), far below the digits printed.
    np.testing.assert_allclose(n**2 * (risk - 1 / (2 * n)), [1.0930024, 1.0699255], atol=5e-8)


POINTS, LATTICE_TRUTH = np.array([0.0, 1.0, 2.0]), np.array([0.5, 0.1, 0.4])


def _lattice_theta(eta: np.ndarray) -> np.ndarray:
    """Solution of ``E_theta X = eta`` on {0, 1, 2}: a quadratic in ``exp(theta)``."""
    # (2 - eta) u^2 + (1 - eta) u - eta = 0
    u = ((eta - 1) + np.sqrt((1 - eta) ** 2 + 4 * (2 - eta) * eta)) / (2 * (2 - eta))
    return np.log(u)


def test_5_misspecified_lattice_from_nodes() -> None:
    theta = float(_lattice_theta(np.array(LATTICE_TRUTH @ POINTS)))
    assert theta == pytest.approx(-0.15056611, abs=5e-9)
    weights = np.exp(theta * POINTS)
    model = node_view(lambda x: x[:, None], POINTS, weights / weights.sum())
    for method in ("tensor", "gram"):
        raw = raw_terms(model, model.rows(POINTS), LATTICE_TRUTH, method=method)
        expected = [1.35017999573, 0.05792387151, 0.18620708653, -7.98617617122]
        np.testing.assert_allclose(raw.terms, expected, atol=5e-12)
        terms = RiskTerms(*raw.terms, p=1)
        assert terms.a2 == pytest.approx(1.04879172168, abs=1e-11)
        assert terms.opt2 == pytest.approx(1.39517096938, abs=1e-11)


@pytest.mark.parametrize(("n", "expected"), [(50, 0.0139456469), (200, 0.00340202593), (800, 0.000845506715)])
def test_5_exact_risk_of_the_lattice_tends_to_the_expansion(n: int, expected: float) -> None:
    """The risk by enumeration (not code under test) approaches the order-2 formula like n^-3."""
    law = np.array([1.0])
    for _ in range(n):
        law = np.convolve(law, LATTICE_TRUTH)
    eta = np.arange(1, 2 * n) / n
    theta, star = _lattice_theta(eta), float(_lattice_theta(np.array(LATTICE_TRUTH @ POINTS)))

    def psi(t: np.ndarray) -> np.ndarray:
        return np.log(1 + np.exp(t) + np.exp(2 * t))

    kl = psi(theta) - psi(np.array(star)) - (theta - star) * (LATTICE_TRUTH @ POINTS)
    risk = float(law[1:-1] @ kl / law[1:-1].sum())
    assert risk == pytest.approx(expected, rel=5e-9)
    second = 1.35017999573 / (2 * n) + 1.04879172168 / n**2
    assert abs(risk - second) < 4 / n**3


def test_6_gamma() -> None:
    terms = risk_terms(None, "gamma", theta=Gamma().natural(shape=2.0, rate=0.3))
    expected = [2, 14.9761508606, 48.8153051386, 64.5377922776]
    np.testing.assert_allclose(terms_of(terms), expected, atol=6e-11)
    assert terms.a2 == pytest.approx(5.24646510562, abs=5e-11)
    integrated = risk_terms(None, "gamma", truth=stats.gamma(2.0, scale=5.0))
    np.testing.assert_allclose(terms_of(integrated), expected, rtol=1e-9)


def test_7_product_of_bits() -> None:
    truth = ([[0, 0], [0, 1], [1, 0], [1, 1]], [0.4, 0.1, 0.2, 0.3])
    terms = risk_terms(None, ProductFamily([Bernoulli(), Bernoulli()]), truth=truth)
    np.testing.assert_allclose(terms_of(terms), [2, 1 / 6, 1 / 2, -11.5], rtol=1e-12)


@pytest.mark.parametrize(
    ("alpha", "pinsker", "sharp"), [(0.05, 0.02, 0.0200446832), (0.2, 0.32, 0.33247392), (0.25, 0.5, 0.5323)]
)
def test_8_thresholds(alpha: float, pinsker: float, sharp: float) -> None:
    assert bayes_error_threshold(alpha) == pytest.approx(pinsker, rel=1e-14)
    digits = 5e-5 if sharp == 0.5323 else 5e-9 if sharp > 0.1 else 5e-11
    assert bayes_error_threshold(alpha, "sharp") == pytest.approx(sharp, abs=digits)
    value = optimize.minimize_scalar(
        lambda q: (
            (q + 2 * alpha) * np.log((q + 2 * alpha) / q) + (1 - q - 2 * alpha) * np.log((1 - q - 2 * alpha) / (1 - q))
        ),
        bounds=(1e-9, 1 - 2 * alpha - 1e-9),
        method="bounded",
    ).fun
    assert bayes_error_threshold(alpha, "sharp") == pytest.approx(value, rel=1e-8)


def test_9_required_sample_sizes() -> None:
    plan = plan_sample_size(terms=RiskTerms(2, 14, 46, 60, 2))
    assert (plan.n_required_order1, plan.n_required_order2, plan.flags) == (50, 55, ())
    root = (1 + np.sqrt(1 + 4 * 61 / 12 * 0.02)) / 0.04
    assert root == pytest.approx(54.65, abs=0.005)
    assert RiskTerms(2, 14, 46, 60, 2).a2 / 55 == pytest.approx(0.09, abs=0.005)


def test_10_red_wine_alcohol() -> None:
    alcohol = load("wine_red")["alcohol"]
    y = (alcohol - alcohol.mean()) / alcohol.std(ddof=0)
    moments = [float((y**k).mean()) for k in (3, 4, 6)]
    np.testing.assert_allclose(moments, [0.8600210647, 3.1956543762, 20.670239236], atol=5e-10)
    terms = risk_terms(alcohol, "normal", ddof=0)
    expected = [2.0978271881, 19.6702392359, 64.3248035548, 87.4872053322]
    np.testing.assert_allclose(terms_of(terms), expected, atol=6e-10)
    assert terms.a2 == pytest.approx(6.6291542546, abs=6e-10)
    result = pn_criterion(alcohol, "normal", ddof=0)
    assert result.risk1 == pytest.approx(0.00065598, abs=5e-9)
    assert (result.n_required_order1, result.n_required_order2) == (53, 59)
    assert result.verdict == "sufficient"


def test_categorical_closed_form_of_the_second_coefficient() -> None:
    prob = np.array([0.1, 0.2, 0.3, 0.4])
    terms = risk_terms(None, "categorical", truth=(np.arange(4), prob))
    assert pytest.approx(3, rel=1e-12) == terms.T0
    assert terms.a2 == pytest.approx(5 / 12 * np.sum(1 / prob) - 4 / 2 + 1 / 12, rel=1e-11)


def test_univariate_well_specified_formula_by_skewness_and_kurtosis() -> None:
    """``ED = 1/(2n) + (19 s^2 - 9 e)/(24 n^2)``: Poisson with s^2 = e = 1/mean."""
    for mean in (0.5, 3.0, 40.0):
        terms = risk_terms(None, "poisson", truth=stats.poisson(mean))
        assert terms.a2 == pytest.approx(5 / (12 * mean), rel=1e-9)
