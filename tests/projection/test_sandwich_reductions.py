"""Exponential families, normal and gamma models: the general formula gives the numbers of the special one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from infostat.core.errors import ConvergenceWarning
from infostat.projection import RiskTerms, risk_terms
from infostat.projection.general_terms import DataMoments, ModelMoments, coefficients
from infostat.projection.sandwich import sandwich_risk
from tests.projection.curved import Curved
from tests.projection.oracles import literal_terms, point_cumulants


def _finite_family(p: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Statistics of p + 4 cells and a truth outside the family."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(p + 4, p)), rng.dirichlet(np.full(p + 4, 4.0))


@pytest.mark.parametrize("p", [1, 2, 3, 5])
def test_exponential_families_in_their_natural_parameter(p: int) -> None:
    xi, g = _finite_family(p, 10 + p)
    model = Curved(xi, np.zeros((len(g), p, p)))
    result = sandwich_risk(
        None, model.logpdf, truth=(np.arange(len(g)), g), theta=np.zeros(p), order=2, **model.callables()
    )
    q = np.exp(model.logpdf(np.arange(len(g)), np.asarray(result.theta)))
    G, K3g, _ = point_cumulants(xi, g)
    T = literal_terms(*point_cumulants(xi, q), G, K3g)
    terms = RiskTerms(*T, p)
    assert pytest.approx(terms.T0, rel=1e-10) == result.T0
    assert result.tic_trace == pytest.approx(terms.T0, rel=1e-10)
    for name in ("a2", "rev2", "opt2"):
        assert getattr(result, name) == pytest.approx(getattr(terms, name), rel=1e-9), name
    assert result.excess2 == pytest.approx(terms.a2, rel=1e-9)  # Pythagoras
    assert result.a2_skew == pytest.approx(-terms.T1 / 3.0, rel=1e-9, abs=1e-12)


def test_exponential_family_in_another_parameter() -> None:
    """The log-linear model of two cells and a half in terms of probabilities."""
    xi, g = _finite_family(2, 4)
    model = Curved(xi, np.zeros((len(g), 2, 2)))
    truth = (np.arange(len(g)), g)

    def bent(x: Any, t: Any) -> Any:
        return model.logpdf(x, np.array([np.sinh(t[0]), t[1] + 0.3 * t[0] ** 2]))

    plain = sandwich_risk(None, model.logpdf, truth=truth, theta=np.zeros(2), order=2, **model.callables())
    result = sandwich_risk(None, bent, truth=truth, theta=np.zeros(2), order=2)
    for name in ("a1", "a2", "a2_skew", "excess2", "rev2", "opt2"):
        assert getattr(result, name) == pytest.approx(getattr(plain, name), rel=1e-6), name
    assert not np.allclose(result.mle_bias, plain.mle_bias, rtol=0.01)


@pytest.mark.parametrize(
    ("family", "logpdf", "start"),
    [
        ("normal", lambda x, t: stats.norm.logpdf(x, t[0], np.exp(t[1])), [0.0, 0.0]),
        ("gamma", lambda x, t: stats.gamma.logpdf(x, np.exp(t[0]), scale=np.exp(t[1])), [0.0, 0.0]),
        ("poisson", lambda x, t: stats.poisson.logpmf(x, np.exp(t[0])), [0.0]),
        ("beta", lambda x, t: stats.beta.logpdf(x, np.exp(t[0]), np.exp(t[1])), [0.0, 0.0]),
    ],
)
def test_families_of_the_package_from_data(family: str, logpdf: Any, start: list[float]) -> None:
    rng = np.random.default_rng(8)
    data = {
        "normal": rng.logistic(size=150),
        "gamma": rng.lognormal(size=150, sigma=0.6),
        "poisson": rng.negative_binomial(4, 0.6, size=150),
        "beta": rng.random(150) ** 1.5,
    }[family]
    terms = risk_terms(data, family, ddof=0)
    result = sandwich_risk(data, logpdf, theta=start, order=2)
    assert pytest.approx(terms.T0, rel=1e-7) == result.T0
    for name in ("a2", "rev2", "opt2"):
        assert getattr(result, name) == pytest.approx(getattr(terms, name), rel=1e-5), name
    assert result.n == 150
    assert result.risk2 == pytest.approx(terms.a1 / 150 + terms.a2 / 150**2, rel=1e-6)
    assert result.loglik == pytest.approx(float(np.sum(logpdf(data, result.theta))), rel=1e-12)


def test_multivariate_normal_by_weighted_draws() -> None:
    rng = np.random.default_rng(5)
    X = rng.multivariate_normal([0.0, 1.0], [[1.0, 0.5], [0.5, 2.0]], size=200)

    def logpdf(x: Any, t: Any) -> Any:
        s1, s2, r = np.exp(t[2]), np.exp(t[3]), np.tanh(t[4])
        a, b = (x[:, 0] - t[0]) / s1, (x[:, 1] - t[1]) / s2
        quadratic = (a * a - 2.0 * r * a * b + b * b) / (1.0 - r * r)
        return -np.log(2.0 * np.pi * s1 * s2) - 0.5 * np.log1p(-r * r) - 0.5 * quadratic

    result = sandwich_risk(X, logpdf, theta=np.zeros(5), order=2, rng=0, draws=8_000)
    terms = risk_terms(X, "mvn", ddof=0)
    assert result.model_nodes == "draws" and result.seed == 0
    assert abs(result.a1 - terms.a1) < 5.0 * result.a1_se
    assert abs(result.a2 - terms.a2) < 5.0 * result.a2_se
    # Excess loss and trace need no draws.
    assert result.excess2 == pytest.approx(terms.a2, rel=1e-6)
    again = sandwich_risk(X, logpdf, theta=np.zeros(5), order=2, rng=result.seed, draws=8_000)
    assert again == result


def test_a_sampler_of_the_user_is_as_good() -> None:
    x = np.random.default_rng(2).normal(size=100)

    def sample(theta: Any, size: int, rng: Any) -> Any:
        return rng.normal(theta[0], np.exp(theta[1]), size)

    def logpdf(x: Any, t: Any) -> Any:
        return stats.norm.logpdf(x, t[0], np.exp(t[1]))

    exact = sandwich_risk(x, logpdf, theta=[0, 0], order=2)
    drawn = sandwich_risk(x, logpdf, theta=[0, 0], order=2, sample=sample, rng=3, draws=40_000)
    assert drawn.a1_se is not None and drawn.a2_se is not None
    assert 0.0 < drawn.a1_se < 0.02
    assert abs(drawn.a1 - exact.a1) < 5.0 * drawn.a1_se
    assert abs(drawn.a2 - exact.a2) < 5.0 * drawn.a2_se


def test_too_few_draws_are_told() -> None:
    x = stats.expon.ppf((np.arange(200) + 0.5) / 200)
    with pytest.warns(ConvergenceWarning, match="Monte-Carlo error of the model's expectations exceeds 5 %"):
        few = sandwich_risk(
            x, lambda x, t: -np.log(t) - x / t, theta=1, rng=3, draws=1000,
            sample=lambda t, n, g: g.exponential(t[0], n),
        )  # fmt: skip
    assert few.flags == ("monte_carlo_error",)
    assert few.a1_se > 0.05 * few.a1


# ------------------------------------------------------------------- the literal formula
@settings(max_examples=15, deadline=None)
@given(p=st.integers(1, 3), seed=st.integers(0, 10_000))
def test_contractions_equal_the_sum_over_indices(p: int, seed: int) -> None:
    """Random observations, every tensor of p^4 numbers written out."""
    rng = np.random.default_rng(seed)
    m = 7
    l1 = rng.normal(size=(m, p))
    l2, l3, l4 = (_symmetric(rng.normal(size=(m,) + (p,) * k)) for k in (2, 3, 4))
    l1 -= l1.mean(axis=0)
    l2 -= 4.0 * np.eye(p)
    D3, D4 = _symmetric(rng.normal(size=(1,) + (p,) * 3))[0], _symmetric(rng.normal(size=(1,) + (p,) * 4))[0]
    root = rng.normal(size=(p, p))
    info = root @ root.T + np.eye(p)
    found = _by_contraction(l1, l2, l3, l4, info, D3, D4)
    assert found == pytest.approx(_by_indices(l1, l2, l3, l4, info, D3, D4), rel=1e-10, abs=1e-10)


def _symmetric(x: np.ndarray) -> np.ndarray:
    from itertools import permutations

    axes = range(1, x.ndim)
    orders = [(0, *order) for order in permutations(axes)]
    return sum(np.transpose(x, order) for order in orders) / len(orders)


def _by_contraction(
    l1: np.ndarray, l2: np.ndarray, l3: np.ndarray, l4: np.ndarray, info: np.ndarray, D3: np.ndarray, D4: np.ndarray
) -> float:
    m = len(l1)
    J, K = -l2.mean(axis=0), l1.T @ l1 / m
    V = np.linalg.inv(J)
    S = V @ K @ V
    P = 0.5 * (V @ info @ S + S @ info @ V)
    a, B = l1 @ V, V @ (l2 + J)
    Ba = np.einsum("mij,mj->mi", B, a)
    tS, tP = np.einsum("mkab,ab->mk", l3, S), np.einsum("mkab,ab->mk", l3, P)
    data = DataMoments(
        J, K, l3.mean(axis=0),
        A3=np.einsum("mi,mj,mk->ijk", a, a, a) / m,
        BA=a.T @ Ba / m,
        BSB=np.einsum("mij,jk,mlk->il", B, S, B) / m,
        BB=np.einsum("mij,mjk->ik", B, B) / m,
        B1=np.einsum("mij,mk->ijk", B, a) / m,
        TS=a.T @ tS / m,
        tP=float(np.sum(a * tP) / m),
        H4_SS=float(np.einsum("mijkl,ij,kl->", l4, S, S) / m),
        H4_PS=float(np.einsum("mijkl,ij,kl->", l4, P, S) / m),
    )  # fmt: skip
    zero = np.zeros_like(D3)
    model = ModelMoments(l1[0], K, -info, -D3, zero, zero, -float(np.einsum("ijkl,ij,kl->", D4, S, S)), 0.0)
    return coefficients(data, model).a2


def _by_indices(
    l1: np.ndarray, l2: np.ndarray, l3: np.ndarray, l4: np.ndarray, info: np.ndarray, D3: np.ndarray, D4: np.ndarray
) -> float:
    """E of (1/2) I[d,d] + (1/6) D3[d,d,d] + (1/24) D4[d,d,d,d] with d = A1 + A2 + A3, order n^-2.

    A1, A2, A3 are one, two and three centred means; products of three means have the third joint
    cumulant for expectation, products of four the three Gaussian pairings.
    """
    m = len(l1)
    J = -l2.mean(axis=0)
    V = np.linalg.inv(J)
    H3, H4 = l3.mean(axis=0), l4.mean(axis=0)
    Y2, Y3 = l2 + J, l3 - H3
    E = lambda spec, *f: np.einsum("x" + ",x".join(spec.split("->")[0].split(",")) + "->" + spec.split("->")[1], *f) / m  # noqa: E731
    a = l1 @ V
    # A2 = b[x, y] summed over pairs of observations, A3 = c[x, y, z] over triples.
    b = np.einsum("ij,xjk,yk->xyi", V, Y2, a) + 0.5 * np.einsum("ij,jkl,xk,yl->xyi", V, H3, a, a)
    c = (
        np.einsum("ij,xjk,yzk->xyzi", V, Y2, b)
        + np.einsum("ij,jkl,xk,yzl->xyzi", V, H3, a, b)
        + 0.5 * np.einsum("ij,xjkl,yk,zl->xyzi", V, Y3, a, a)
        + np.einsum("ij,jklq,xk,yl,zq->xyzi", V, H4, a, a, a) / 6.0
    )
    three = np.einsum("ij,xi,xxj->", info, a, b) / m + E("i,j,k->ijk", a, a, a).ravel() @ D3.ravel() / 6.0
    total = 0.0
    for first, second in (("xx", "yy"), ("xy", "xy"), ("xy", "yx")):
        # (1/2) I[A2, A2]
        total += 0.5 * np.einsum(f"ij,{first}i,{second}j->", info, b, b) / m**2
    for order in ("xyy", "yxy", "yyx"):
        # I[A1, A3]
        total += np.einsum(f"ij,xi,{order}j->", info, a, c) / m**2
    for one, two, pair in (("x", "x", "yy"), ("x", "y", "xy"), ("x", "y", "yx")):
        # (1/2) D3[A1, A1, A2]
        total += 0.5 * np.einsum(f"ijk,{one}i,{two}j,{pair}k->", D3, a, a, b) / m**2
    S = a.T @ a / m
    total += 3.0 * np.einsum("ijkl,ij,kl->", D4, S, S) / 24.0
    return float(three + total)
