"""The misfit tests: right size under the model, power against others, and closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from infostat.families.product import ProductFamily
from infostat.families.registry import get_family
from infostat.projection import Misfit, pn_criterion
from infostat.projection.misfit import misfit_test
from infostat.projection.terms import risk_terms
from tests.projection.oracles import skewed_rows

pytestmark = pytest.mark.filterwarnings("ignore::infostat.core.errors.InfostatWarning")


def _test(x: Any, family: Any) -> Misfit:
    """The test alone, without the rest of the criterion."""
    chosen = get_family(family).bind(x)
    encoded = chosen.encode(x)
    n = len(encoded)
    w = np.full(n, 1.0 / n)
    theta = chosen.fit(encoded, w).theta
    return misfit_test(chosen, encoded, w, float(n), theta, risk_terms(x, chosen, ddof=0).T0)


def test_jarque_bera_equals_scipy() -> None:
    x = np.random.default_rng(0).gamma(5.0, size=200)
    found = _test(x, "normal")
    reference = stats.jarque_bera(x)
    assert found.name == "Jarque-Bera"
    assert found.value == pytest.approx(reference.statistic, rel=1e-11)
    assert found.p_value == pytest.approx(reference.pvalue, rel=1e-9)
    assert found.df == 2


def test_mardia_by_double_sums() -> None:
    x = skewed_rows(1, 60, 3)
    c = x - x.mean(axis=0)
    D = c @ np.linalg.solve(np.cov(x, rowvar=False, ddof=0), c.T)
    skewness, kurtosis = np.mean(D**3), np.mean(np.diag(D) ** 2)
    value = 60 * skewness / 6 + (kurtosis - 15) ** 2 / (8 * 15 / 60)
    found = _test(x, "mvn")
    assert found.value == pytest.approx(value, rel=1e-10)
    assert found.df == 11
    assert found.p_value == pytest.approx(stats.chi2.sf(value, 11), rel=1e-9)


def test_likelihood_ratio_of_a_diagonal_covariance() -> None:
    x = skewed_rows(2, 80, 3)
    found = _test(x, "mvn_diagonal")
    value = -80 * math.log(np.linalg.det(np.corrcoef(x, rowvar=False)))
    assert found.value == pytest.approx(value, rel=1e-10)
    assert found.df == 3


def test_index_of_dispersion() -> None:
    x = np.random.default_rng(3).poisson(4.0, 100)
    found = _test(x, "poisson")
    assert found.value == pytest.approx(np.sum((x - x.mean()) ** 2) / x.mean(), rel=1e-12)
    assert found.df == 99
    tail = stats.chi2.sf(found.value, 99)
    assert found.p_value == pytest.approx(2 * min(tail, 1 - tail), rel=1e-9)


@pytest.mark.parametrize("family", ["bernoulli", "categorical"])
def test_saturated_models_have_nothing_to_test(family: str) -> None:
    found = _test(np.arange(30) % 2, family)
    assert (found.value, found.df, found.p_value) == (0.0, 0, None)
    text = pn_criterion(np.arange(30) % 2, family).interpretation
    assert "saturated" in text


DRAWS: dict[str, Any] = {
    "normal": lambda rng: rng.normal(3.0, 2.0, 300),
    "gamma": lambda rng: rng.gamma(2.0, size=300),
    "exponential": lambda rng: rng.exponential(size=300),
    "beta": lambda rng: rng.beta(2.0, 3.0, 300),
    "poisson": lambda rng: rng.poisson(5.0, 300),
    "vonmises": lambda rng: rng.vonmises(0.5, 2.0, 300),
    "mvn": lambda rng: rng.normal(size=(300, 2)) @ np.array([[1.0, 0.4], [0.0, 1.0]]),
    "mvn_diagonal": lambda rng: rng.normal(size=(300, 2)),
    "dirichlet": lambda rng: rng.dirichlet([2.0, 3.0, 1.5], 300),
}
REPLICATES = 300


@pytest.mark.parametrize("name", DRAWS)
def test_size_under_the_model(name: str) -> None:
    """Rejections at 5 % among 300 samples of the model: 15 +- 3.8, and a chi-squared limit not yet reached.

    Mardia's kurtosis and the information ratio converge slowly (their statistic is skewed), which
    is worth about two percentage points at n = 300; the bounds are four errors beyond 3 % and 7 %.
    """
    rng = np.random.default_rng(4)
    rejected = 0
    for _ in range(REPLICATES):
        rejected += _test(DRAWS[name](rng), name).p_value < 0.05
    low, high = (REPLICATES * q + s * 4 * math.sqrt(REPLICATES * q * (1 - q)) for q, s in ((0.03, -1), (0.07, 1)))
    assert max(0.0, low) <= rejected <= high


POWER: list[tuple[str, Any]] = [
    ("normal", lambda rng: rng.laplace(size=500)),
    ("gamma", lambda rng: np.where(rng.random(500) < 0.5, 1.0, 4.0) * rng.uniform(0.8, 1.2, 500)),
    ("exponential", lambda rng: rng.gamma(2.0, size=500)),
    ("beta", lambda rng: np.where(rng.random(500) < 0.5, 0.3, 0.7) + rng.uniform(-0.1, 0.1, 500)),
    ("poisson", lambda rng: rng.negative_binomial(4, 0.5, 500)),
    ("vonmises", lambda rng: np.where(rng.random(500) < 0.5, -1.0, 1.0) + 0.2 * rng.normal(size=500)),
    ("mvn", lambda rng: rng.gamma(2.0, size=(500, 2))),
    ("mvn_diagonal", lambda rng: rng.normal(size=(500, 2)) @ np.array([[1.0, 0.4], [0.0, 1.0]])),
    ("dirichlet", lambda rng: 0.8 * np.eye(3)[rng.integers(0, 3, 500)] + 0.2 * rng.dirichlet([5.0, 5.0, 5.0], 500)),
]


@pytest.mark.parametrize(("name", "draw"), POWER, ids=[name for name, _ in POWER])
def test_power_against_plain_misfit(name: str, draw: Any) -> None:
    found = pn_criterion(draw(np.random.default_rng(6)), name, order=1)
    assert found.misfit.p_value < 1e-3
    assert "clear misfit" in found.interpretation


def test_no_misfit_is_said_so() -> None:
    assert "finds no misfit" in pn_criterion(np.random.default_rng(5).normal(size=300), "normal").interpretation


def test_product_families_are_judged_by_the_information_ratio() -> None:
    rng = np.random.default_rng(7)
    family = ProductFamily(["normal", "gamma"])
    right = np.column_stack([rng.normal(size=300), rng.gamma(2.0, size=300)])
    wrong = np.column_stack([rng.uniform(size=300), rng.gamma(2.0, size=300)])
    assert _test(right, family).p_value > 0.01
    found = _test(wrong, family)
    assert found.name == "information ratio T0/p"
    assert found.p_value < 1e-3


def test_null_variance_of_the_information_ratio() -> None:
    """Var IF of T0 under a normal model: E (z^4 - 6 z^2 + 3)^2 / 4 = 4! / 4 = 6."""
    x = np.random.default_rng(8).normal(size=(500, 2))
    family = ProductFamily(["normal", "normal"])
    found = _test(x, family)
    T0 = risk_terms(x, family, ddof=0).T0
    assert found.value == pytest.approx(500 * (T0 - 4) ** 2 / 12, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("beta", np.clip(np.random.default_rng(1).beta(0.1, 0.1, 60), 1e-300, 1 - 1e-16)),
        ("beta", np.r_[1e-3, 1e-9, 1e-30, 1 - 1e-12, 1 - 1e-16, 0.5, 1 - 1e-9]),
        ("gamma", np.maximum(np.random.default_rng(1).gamma(0.01, 1, 60), 1e-300)),
        ("gamma", np.exp(np.random.default_rng(1).normal(0, 5, 60))),
    ],
)
def test_laws_with_mass_at_an_end_do_not_fail(name: str, x: np.ndarray) -> None:
    """Their quantiles round to 0 or 1, which are outside the support."""
    found = pn_criterion(x, name).misfit
    assert 0 <= found.p_value <= 1


def test_weights_as_repetition() -> None:
    rng = np.random.default_rng(9)
    x, counts = rng.gamma(2.0, size=50), rng.integers(1, 4, 50)
    for name in ("normal", "gamma", "exponential"):
        a = pn_criterion(x, name, weights=counts, n_effective=counts.sum()).misfit
        b = pn_criterion(np.repeat(x, counts), name).misfit
        assert a.value == pytest.approx(b.value, rel=1e-10)
        assert a.p_value == pytest.approx(b.p_value, rel=1e-8)
