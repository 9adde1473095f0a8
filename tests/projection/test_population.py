"""Population studies: frozen laws, weighted nodes, the model as the truth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from infostat.core.errors import InfostatError, InputError, InputTypeError, SupportError
from infostat.families.bernoulli import Bernoulli
from infostat.families.gamma import Gamma
from infostat.projection import RiskTerms, risk_terms
from infostat.projection.population import law_nodes
from tests.projection.oracles import terms_of

# law, standardised central moments m3, m4, m6
NORMAL_MODEL: list[tuple[Any, tuple[float, float, float]]] = [
    (stats.norm(3, 2), (0, 3, 15)),
    (stats.uniform(-5, 11), (0, 9 / 5, 27 / 7)),
    (stats.logistic(1, 3), (0, 4.2, 279 / 7)),
    (stats.laplace(2), (0, 6, 90)),
    (stats.expon(), (2, 9, 265)),
    (stats.t(9), (0, 3 + 6 / 5, 15 * 7**2 / (5 * 3))),
    (stats.t(13), (0, 3 + 6 / 9, 15 * 11**2 / (9 * 7))),
    (stats.beta(1, 3), (0.8606629658238704, 3.0952380952380953, 17.416225749559082)),
]


def law_id(value: Any) -> str | None:
    """Name of a frozen law without its address, so that ids agree between processes."""
    if not hasattr(value, "dist"):
        return None
    return "-".join([value.dist.name, *(f"{a:g}" for a in (*value.args, *value.kwds.values()))])


@pytest.mark.parametrize(("law", "moments"), NORMAL_MODEL, ids=[law.dist.name for law, _ in NORMAL_MODEL])
def test_normal_model_of_frozen_laws(law: Any, moments: tuple[float, float, float]) -> None:
    m3, m4, m6 = moments
    expected = [
        (m4 + 1) / 2,
        m6 - 1,
        16 * m3**2 + 6 * m4**2 - 4 * m4 + 4,
        12 * (m4 - 1) + 24 * m3**2 + 9 * (m4 - 1) ** 2,
    ]
    np.testing.assert_allclose(terms_of(risk_terms(None, "normal", truth=law)), expected, rtol=1e-9)


def test_skewed_law_with_moments_of_any_size() -> None:
    law = stats.lognorm(0.3)
    m, s = law.mean(), law.std()
    m3, m4, m6 = (
        integrate.quad(lambda t, k=k: ((math.exp(0.3 * t) - m) / s) ** k * stats.norm.pdf(t), -12, 12, epsabs=0)[0]
        for k in (3, 4, 6)
    )
    found = risk_terms(None, "normal", truth=law)
    assert pytest.approx((m4 + 1) / 2, rel=1e-8) == found.T0
    assert pytest.approx(m6 - 1, rel=1e-8) == found.T1
    assert pytest.approx(16 * m3**2 + 6 * m4**2 - 4 * m4 + 4, rel=1e-8) == found.T2


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("exponential", stats.gamma(3.0)),
        ("exponential", stats.gamma(0.2, scale=1e6)),
        ("exponential", stats.poisson(3.0)),
        ("poisson", stats.nbinom(3, 0.4)),
        ("poisson", stats.geom(0.3)),
    ],
    ids=law_id,
)
def test_one_parameter_families_by_central_moments(name: str, law: Any) -> None:
    mean, var, skewness, _ = (float(v) for v in law.stats("mvsk"))
    c2, third = var, skewness * var**1.5
    if name == "exponential":
        c2, c3 = var / mean**2, third / mean**3
        expected = [c2, 2 * c3, 12 * c2**2, 18 * c2**2]
    else:
        T0 = var / mean
        expected = [T0, third / mean**2, 3 * T0**2 / mean, 3 * T0**2 / mean]
    np.testing.assert_allclose(terms_of(risk_terms(None, name, truth=law)), expected, rtol=1e-9)


def test_power_tail_with_just_enough_moments() -> None:
    """Pareto with index 3.5 has a third moment, which is all the exponential model needs."""
    a = 3.5
    mean, raw2, raw3 = a / (a - 1), a / (a - 2), a / (a - 3)
    c2 = raw2 / mean**2 - 1
    c3 = (raw3 - 3 * mean * raw2 + 2 * mean**3) / mean**3
    found = risk_terms(None, "exponential", truth=stats.pareto(a))
    np.testing.assert_allclose(terms_of(found), [c2, 2 * c3, 12 * c2**2, 18 * c2**2], rtol=1e-8)


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("gamma", stats.gamma(2.0)),
        ("gamma", stats.gamma(0.3, scale=10)),
        ("beta", stats.beta(2, 3)),
        ("beta", stats.beta(0.3, 2)),
        ("vonmises", stats.vonmises(2.0, loc=1.0)),
        ("bernoulli", stats.bernoulli(0.3)),
        ("poisson", stats.poisson(4.0)),
        ("exponential", stats.expon(scale=7)),
    ],
    ids=law_id,
)
def test_truth_in_the_family_gives_the_model_terms(name: str, law: Any) -> None:
    found = risk_terms(None, name, truth=law)
    terms = risk_terms(None, name, truth=law, moments="model")
    np.testing.assert_allclose(terms_of(found), terms_of(terms), rtol=1e-8, atol=1e-8)
    assert pytest.approx(found.p, rel=1e-9) == found.T0
    assert (found.n, found.T0_se or 0.0) == (None, 0.0)


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("normal", stats.cauchy()),
        ("normal", stats.t(3)),
        ("normal", stats.t(5)),
        ("exponential", stats.pareto(2.5)),
        ("exponential", stats.lomax(1.5)),
        ("gamma", stats.pareto(2.9)),
    ],
    ids=law_id,
)
def test_infinite_moments_are_refused(name: str, law: Any) -> None:
    """A cut-off integral would give finite numbers of no meaning."""
    with pytest.raises(InputError, match="moments may be infinite"):
        risk_terms(None, name, truth=law)


def test_law_whose_mass_floats_cannot_resolve() -> None:
    """Beta(0.01, 0.01) has 3 % of its mass within 1e-160 of zero; arcsine 6e-9 within rounding of one."""
    with pytest.raises(InfostatError):
        risk_terms(None, "beta", truth=stats.beta(0.01, 0.01))
    with pytest.raises(InputError, match="could not be integrated to 1e-10"):
        risk_terms(None, "normal", truth=stats.arcsine())


def test_law_outside_the_support() -> None:
    with pytest.raises(SupportError, match="gamma family must lie in"):
        risk_terms(None, "gamma", truth=stats.norm())


def test_nodes_have_weights_of_sum_one_and_integrate_moments() -> None:
    for law in (stats.norm(), stats.gamma(0.7), stats.uniform(), stats.poisson(2.0)):
        points, weights = law_nodes(law, lambda x, w: np.array([w @ x, w @ x**2]))
        assert weights.sum() == pytest.approx(1.0, rel=1e-14)
        assert weights @ points == pytest.approx(law.mean(), abs=1e-10)
        assert weights @ (points - law.mean()) ** 2 == pytest.approx(law.var(), rel=1e-9)
        assert (np.diff(points) >= 0).all()


# ------------------------------------------------------------------------------ weighted nodes
def test_nodes_are_data_with_divisor_n() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.gamma(2.0, size=40), rng.uniform(size=40)
    population = risk_terms(None, "gamma", truth=(x, w))
    sample = risk_terms(x, "gamma", weights=w, ddof=0)
    np.testing.assert_allclose(terms_of(population), terms_of(sample), rtol=1e-12)
    assert population.n is None


def test_nodes_without_weight_are_ignored() -> None:
    a = risk_terms(None, "normal", truth=([0.0, 1.0, 3.0, 1e9], [0.2, 0.5, 0.3, 0.0]))
    b = risk_terms(None, "normal", truth=([0.0, 1.0, 3.0], [2.0, 5.0, 3.0]))
    np.testing.assert_allclose(terms_of(a), terms_of(b), rtol=1e-12)


def test_labels_as_nodes() -> None:
    found = risk_terms(None, "categorical", truth=(["a", "b", "c"], [0.2, 0.3, 0.5]))
    assert pytest.approx(2.0) == found.T0
    assert found.a2 == pytest.approx(5 / 12 * (5 + 10 / 3 + 2) - 1.5 + 1 / 12, rel=1e-10)


def test_model_as_the_truth() -> None:
    theta = Gamma().natural(shape=3.0, rate=2.0)
    found = risk_terms(None, "gamma", theta=theta)
    assert isinstance(found, RiskTerms)
    assert (found.T0, found.p, found.n, found.T0_plugin) == (2.0, 2, None, None)


X = np.random.default_rng(1).normal(size=30)
REFUSED: list[tuple[dict[str, Any], type[InfostatError], str]] = [
    ({}, InputError, "exactly one of data, truth= and theta="),
    ({"data": X, "truth": stats.norm()}, InputError, "exactly one of"),
    ({"data": X, "theta": [1.0, -1.0]}, InputError, "exactly one of"),
    ({"truth": stats.norm(), "theta": [1.0, -1.0]}, InputError, "exactly one of"),
    ({"truth": 3}, InputTypeError, r"truth must be \(nodes, weights\) or a frozen scipy law"),
    ({"truth": stats.norm}, InputTypeError, "truth must be"),
    ({"truth": "norm"}, InputTypeError, "truth must be"),
    ({"truth": ([1.0, 2.0, 3.0], [0.5, 0.5])}, InputError, "weights of truth must have one entry per row"),
    ({"truth": ([1.0, 2.0], [0.5, -0.5])}, InputError, "weights of truth must be non-negative, got 1 negative"),
    ({"truth": ([1.0, 2.0], [0.0, 0.0])}, InputError, "weights of truth must have a positive sum"),
    ({"truth": ([1.0, math.nan], [0.5, 0.5])}, InputError, "must be finite, got 1 NaN"),
    ({"truth": stats.norm(), "weights": [1.0, 2.0]}, InputError, "weights and n_effective must be None without data"),
    ({"theta": [1.0, -1.0], "n_effective": 20}, InputError, "weights and n_effective must be None without data"),
    ({"theta": [1.0]}, InputError, "theta of the normal family"),
    ({"theta": [1.0, 1.0]}, InputError, "outside the natural parameter space"),
    ({"theta": [math.nan, -1.0]}, InputError, "theta must be finite"),
    ({"truth": ([1.0, 1.0], [0.5, 0.5])}, InputError, "constant"),
    ({"theta": [1.0, -1.0], "moments": "sample"}, InputError, "moments must be one of 'published', 'kstat', 'model'"),
    ({"theta": [1.0, -1.0], "method": "fast"}, InputError, "method must be one of 'auto', 'tensor', 'gram'"),
    ({"theta": [1.0, -1.0], "ddof": 2}, InputError, "ddof must be one of 0, 1, got 2"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), REFUSED, ids=[message[:40] for _, _, message in REFUSED])
def test_refusals(arguments: dict[str, Any], error: type[InfostatError], message: str) -> None:
    with pytest.raises(error, match=message):
        risk_terms(arguments.pop("data", None), "normal", **arguments)


def test_frozen_law_needs_one_variable() -> None:
    with pytest.raises(InputError, match="at least two columns"):
        risk_terms(None, "dirichlet", truth=stats.norm())


def test_boundary_truth() -> None:
    with pytest.raises(InfostatError, match="does not exist"):
        risk_terms(None, Bernoulli(), truth=([0, 1], [1.0, 0.0]))
