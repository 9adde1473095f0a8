"""Exact risks against independent sums, integrals and simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate, special, stats

from infostat.core.errors import InputError
from infostat.families.multivariate_normal import MultivariateNormal
from infostat.projection import exact_risk


@pytest.mark.parametrize("n", [2, 5, 30])
def test_exponential_by_integration(n: int) -> None:
    law = stats.gamma(n, scale=1 / n)
    # ppf bounds instead of infinity: the integrand 1/r pdf is smooth between them
    forward = integrate.quad(lambda r: (math.log(r) + 1 / r - 1) * law.pdf(r), 0, np.inf, limit=200)[0]
    backward = integrate.quad(lambda r: (r - 1 - math.log(r)) * law.pdf(r), 0, np.inf, limit=200)[0]
    found = exact_risk("exponential", n)
    assert found.risk == pytest.approx(forward, rel=1e-7)
    assert found.reverse_risk == pytest.approx(backward, rel=1e-7)
    assert found.optimism == pytest.approx(forward + backward, rel=1e-7)


def test_exponential_risk_is_infinite_for_one_row() -> None:
    found = exact_risk("exponential", [1, 2])
    assert found.risk[0] == math.inf
    assert math.isfinite(found.risk[1])
    assert math.isfinite(found.reverse_risk[0])
    assert exact_risk("exponential", 2, truth=stats.gamma(0.5)).risk == math.inf


@pytest.mark.parametrize("truth", [stats.expon(scale=3.0), stats.gamma(1.0, scale=0.1), stats.gamma(a=1.0)])
def test_exponential_truth_by_other_names(truth: Any) -> None:
    assert exact_risk("exponential", 12, truth=truth) == exact_risk("exponential", 12)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_normal_risk_by_wishart_expectations(d: int) -> None:
    """Independent route: simulate mean and Wishart covariance; 4.5 standard errors."""
    n, replicates = 12, 60_000
    rng = np.random.default_rng(d)
    V = stats.wishart(n - 1, np.eye(d)).rvs(replicates, random_state=rng).reshape(replicates, d, d) / n
    m = rng.standard_normal((replicates, d)) / math.sqrt(n)
    inverse, det = np.linalg.inv(V), np.linalg.det(V)
    forward = np.trace(inverse, axis1=1, axis2=2) + np.einsum("ri,rij,rj->r", m, inverse, m) - d + np.log(det)
    backward = np.trace(V, axis1=1, axis2=2) + (m**2).sum(axis=1) - d - np.log(det)
    found = exact_risk(MultivariateNormal(n_vars=d), n)
    for values, exact in ((forward / 2, found.risk), (backward / 2, found.reverse_risk)):
        assert abs(values.mean() - exact) < 4.5 * values.std() / math.sqrt(replicates)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_normal_optimism_is_the_small_sample_corrected_penalty(d: int) -> None:
    n = np.arange(d + 3, d + 40)
    found = exact_risk(MultivariateNormal(n_vars=d), n)
    np.testing.assert_allclose(found.optimism, d * (d + 3) / (2 * (n - d - 2)), rtol=1e-9)
    digammas = sum(special.digamma((n - j) / 2) for j in range(1, d + 1))
    risk = 0.5 * (d * (n + 1) / (n - d - 2) - d + digammas + d * np.log(2 / n))
    np.testing.assert_allclose(found.risk, risk, rtol=1e-12)


def test_normal_is_the_one_dimensional_case_and_diagonals_add() -> None:
    n = [5, 50]
    one = exact_risk("normal", n)
    full = exact_risk(MultivariateNormal(n_vars=1), n)
    three = exact_risk(MultivariateNormal("diagonal", 3), n)
    np.testing.assert_allclose(one.risk, full.risk, rtol=1e-14)
    np.testing.assert_allclose(three.risk, 3 * one.risk, rtol=1e-14)
    np.testing.assert_allclose(three.optimism, 3 * one.optimism, rtol=1e-14)


def test_normal_risk_is_infinite_where_the_expectation_is() -> None:
    found = exact_risk(MultivariateNormal(n_vars=2), [3, 4, 5])
    np.testing.assert_array_equal(np.isinf(found.risk), [True, True, False])
    assert np.isfinite(found.reverse_risk).all()


@pytest.mark.parametrize("q", [0.1, 0.5, 0.77])
def test_bernoulli_by_plain_enumeration(q: float) -> None:
    n = 9
    total = risk = reverse = 0.0
    for k in range(1, n):
        weight = math.comb(n, k) * q**k * (1 - q) ** (n - k)
        m = k / n
        total += weight
        risk += weight * (q * math.log(q / m) + (1 - q) * math.log((1 - q) / (1 - m)))
        reverse += weight * (m * math.log(m / q) + (1 - m) * math.log((1 - m) / (1 - q)))
    found = exact_risk("bernoulli", n, truth=([0, 1], [1 - q, q]))
    assert found.risk == pytest.approx(risk / total, rel=1e-12)
    assert found.reverse_risk == pytest.approx(reverse / total, rel=1e-12)
    assert found.excluded == pytest.approx(1 - total, rel=1e-9)
    again = exact_risk("bernoulli", n, truth=stats.bernoulli(q))
    assert again.risk == pytest.approx(found.risk, rel=1e-12)


def test_scalar_in_scalar_out() -> None:
    assert isinstance(exact_risk("exponential", 10).risk, float)
    assert exact_risk("exponential", [[10, 20]]).risk.shape == (1, 2)
    frame = exact_risk("exponential", [10, 20]).to_frame()
    assert list(frame.columns) == ["n", "risk", "reverse_risk", "optimism", "excluded"]
    assert len(frame) == 2


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("gamma", {"n": 10}, "known: exponential"),
    ("exponential", {"n": 0}, "positive integers"),
    ("exponential", {"n": 2.5}, "positive integers"),
    ("exponential", {"n": []}, "positive integers"),
    ("exponential", {"n": 10, "truth": stats.norm()}, "gamma"),
    ("exponential", {"n": 10, "truth": stats.gamma(2.0, loc=1.0)}, "loc=0"),
    ("exponential", {"n": 10, "truth": ([1.0], [1.0])}, "gamma"),
    ("normal", {"n": 10, "truth": stats.laplace()}, "truth must be None"),
    ("mvn", {"n": 10}, "n_vars"),
    ("mvn", {"n": math.nan}, "finite"),
    ("normal", {"n": 1}, "n"),
    ("bernoulli", {"n": 10}, "truth is required"),
    ("bernoulli", {"n": 1, "truth": ([0, 1], [0.5, 0.5])}, "at least 2"),
    ("bernoulli", {"n": 10, "truth": ([0, 1], [1.0, 0.0])}, "both outcomes"),
]


@pytest.mark.parametrize(("family", "arguments", "fragment"), REFUSED)
def test_refusals(family: str, arguments: dict[str, Any], fragment: str) -> None:
    with pytest.raises(InputError, match=fragment):
        exact_risk(family, arguments["n"], truth=arguments.get("truth"))
