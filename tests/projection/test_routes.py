"""Every route to the risk terms against the index formulas, evaluated literally with einsum.

Tolerance 1e-10 unless said: the oracle inverts the model covariance in raw coordinates (condition
below about 1e4 for these data), so it keeps eleven digits or more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from infostat.core.errors import InputError
from infostat.core.jit import DISABLE_VARIABLE
from infostat.families.base import ExponentialFamily
from infostat.families.multivariate_normal import MultivariateNormal
from infostat.families.normal import Normal
from infostat.families.product import ProductFamily
from infostat.families.registry import get_family
from infostat.families.whitening import Whitened, node_view
from infostat.projection import risk_terms
from infostat.projection.evaluation import Options, evaluate
from infostat.projection.expansion import model_terms, pick_method, raw_terms
from infostat.projection.gaussian import full_terms, moment_norms, pair_norms
from infostat.projection.kernels import cube_rows, cube_rows_numpy, power_sums, power_sums_numpy
from tests.projection.oracles import (
    literal_normal_terms,
    literal_terms,
    pair_normal_terms,
    point_cumulants,
    skewed_rows,
    terms_of,
)


def _uniform(n: int) -> np.ndarray:
    return np.full(n, 1.0 / n)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize("method", ["auto", "tensor", "gram"])
def test_multivariate_normal_routes_equal_both_oracles(d: int, method: str) -> None:
    x = skewed_rows(d, 70, d)
    found = terms_of(risk_terms(x, "mvn", ddof=0, method=method))
    np.testing.assert_allclose(found, literal_normal_terms(x, _uniform(70)), rtol=1e-10)
    np.testing.assert_allclose(found, pair_normal_terms(x, _uniform(70)), rtol=1e-10)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_node_route_of_the_normal_needs_no_normal_formulas(d: int) -> None:
    """The general Gram route on the Gauss-Hermite grid, which is exact for these statistics."""
    x = skewed_rows(10 + d, 50, d)
    fit = MultivariateNormal(n_vars=d).fit(x, _uniform(50))
    raw = raw_terms(fit.whitened, fit.whitened.rows(x), _uniform(50), method="gram")
    np.testing.assert_allclose(raw.terms, literal_normal_terms(x, _uniform(50)), rtol=1e-10)


@pytest.mark.parametrize("route", ["moments", "pairs"])
def test_weighted_closed_forms(route: str) -> None:
    x = skewed_rows(3, 60, 3)
    weights = np.random.default_rng(1).dirichlet(np.ones(60))
    _, _, y = MultivariateNormal(n_vars=3).standardise(x, weights)
    np.testing.assert_allclose(full_terms(y, weights, route=route).terms, pair_normal_terms(x, weights), rtol=1e-10)


def test_moments_and_pairs_agree_over_several_tiles() -> None:
    """More rows than a tile holds, so that off-diagonal tiles are counted twice and the last is short."""
    y = np.random.default_rng(2).standard_t(9, size=(2500, 3))
    weights = np.random.default_rng(3).dirichlet(np.ones(2500))
    np.testing.assert_allclose(moment_norms(y, weights), pair_norms(y, weights), rtol=1e-11)


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("moments", ["published", "kstat"])
def test_divisors_scale_the_terms(ddof: int, moments: str) -> None:
    x, n = skewed_rows(5, 40, 2), 40
    base = literal_normal_terms(x, _uniform(n))
    f = n / (n - ddof)
    third = n**2 / ((n - 1) * (n - 2)) if moments == "kstat" else 1.0
    for method in ("auto", "tensor", "gram"):
        found = terms_of(risk_terms(x, "mvn", ddof=ddof, moments=moments, method=method))
        np.testing.assert_allclose(found, base * [f, third, f * f, f * f], rtol=1e-10)


def test_covariance_with_divisor_n_minus_1_is_the_sample_covariance() -> None:
    """The default T0 is literally tr(Gm^-1 G) with numpy's G."""
    x = skewed_rows(6, 30, 2)
    family = MultivariateNormal(n_vars=2)
    theta = family.fit(x, _uniform(30)).theta
    G = np.cov(family.statistic(x), rowvar=False)
    assert pytest.approx(np.trace(np.linalg.solve(family.cov(theta), G)), rel=1e-10) == risk_terms(x, "mvn").T0


def _laplace(rng: np.random.Generator) -> Any:
    return rng.laplace(size=80) + 0.5


UNIVARIATE: dict[str, tuple[Callable[[np.random.Generator], Any], float]] = {
    # family: data and tolerance. Finite supports and Gauss rules are exact; the trapezoidal rules of
    # gamma, beta and von Mises are accurate to 1e-12 and better, amplified by the fourth moments.
    "normal": (_laplace, 1e-10),
    "categorical": (lambda rng: rng.choice(4, size=80, p=[0.1, 0.4, 0.2, 0.3]), 1e-10),
    "bernoulli": (lambda rng: (rng.random(80) < 0.2).astype(float), 1e-10),
    "vonmises": (lambda rng: rng.triangular(-2.0, 0.5, 2.5, 80), 1e-10),
    "gamma": (lambda rng: rng.uniform(0.2, 3.0, 80), 1e-9),
    "beta": (lambda rng: rng.triangular(0.0, 0.3, 1.0, 80), 1e-9),
    "poisson": (lambda rng: rng.negative_binomial(3, 0.4, 80), 1e-10),
    "exponential": (lambda rng: rng.gamma(3.0, size=80), 1e-10),
}


@pytest.mark.parametrize("name", UNIVARIATE)
def test_univariate_routes_equal_the_literal_formulas(name: str) -> None:
    draw, tolerance = UNIVARIATE[name]
    data = draw(np.random.default_rng(7))
    family = get_family(name).bind(data)
    statistics = family.statistic(data)
    theta = family.project(statistics.mean(axis=0))
    G, K3g, _ = point_cumulants(statistics, _uniform(80))
    model = [family.cumulants(theta, k) for k in (2, 3, 4)]
    expected = literal_terms(*model, G, K3g)
    # For a saturated family T1 and others may vanish; errors are then relative to the size of the sums.
    scale = tolerance * np.abs(expected).max()
    for method in ("auto", "tensor", "gram"):
        found = terms_of(risk_terms(data, family, ddof=0, method=method))
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=scale)


def test_dirichlet_tensor_route() -> None:
    rng = np.random.default_rng(8)
    rows = rng.uniform(0.1, 1.0, (60, 3))
    rows /= rows.sum(axis=1, keepdims=True)
    family = get_family("dirichlet").bind(rows)
    statistics = np.log(rows)
    theta = family.project(statistics.mean(axis=0))
    G, K3g, _ = point_cumulants(statistics, _uniform(60))
    expected = literal_terms(*(family.cumulants(theta, k) for k in (2, 3, 4)), G, K3g)
    np.testing.assert_allclose(terms_of(risk_terms(rows, "dirichlet", ddof=0)), expected, rtol=1e-9)


def test_diagonal_normal_is_the_sum_over_columns() -> None:
    x = skewed_rows(9, 60, 3)
    parts = sum(literal_normal_terms(x[:, [k]], _uniform(60)) for k in range(3))
    for method in ("auto", "tensor"):
        found = terms_of(risk_terms(x, "mvn_diagonal", ddof=0, method=method))
        np.testing.assert_allclose(found, parts, rtol=1e-10)
    with pytest.raises(InputError, match="gram"):
        risk_terms(x, "mvn_diagonal", method="gram")


def _random_model(seed: int, p: int, M: int) -> tuple[Whitened, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = rng.gamma(1.5, size=(M, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p)))
    return node_view(lambda x: x, points, q := rng.dirichlet(np.full(M, 2.0))), points, q


@pytest.mark.parametrize(("p", "M"), [(1, 7), (3, 30), (6, 60), (9, 40)])
def test_tensor_and_gram_on_random_finite_models(p: int, M: int) -> None:
    model, points, q = _random_model(p, p, M)
    rng = np.random.default_rng(100 + p)
    weights = rng.dirichlet(np.ones(M))
    weights = 0.7 * q + 0.3 * weights
    z = model.rows(points)
    z = z - weights @ z  # the projection matches the means; any data law with mean zero will do here
    G, K3g, _ = point_cumulants(points, weights)
    expected = literal_terms(*point_cumulants(points, q), G, K3g)
    tensor = raw_terms(model, z, weights, method="tensor")
    gram = raw_terms(model, z, weights, method="gram")
    np.testing.assert_allclose(tensor.terms, expected, rtol=1e-9)
    np.testing.assert_allclose(gram.terms, tensor.terms, rtol=1e-10)
    np.testing.assert_allclose(gram.influence, tensor.influence, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(gram.t1_rows, tensor.t1_rows, rtol=1e-9, atol=1e-9)


def test_gram_over_several_tiles() -> None:
    """2100 nodes: three tiles a side, the last one short."""
    model, points, q = _random_model(4, 4, 2100)
    z = model.rows(points)
    tensor, gram = (raw_terms(model, z, q, method=m).terms for m in ("tensor", "gram"))
    np.testing.assert_allclose(gram, tensor, rtol=1e-10)
    np.testing.assert_allclose(model_terms(model), tensor, rtol=1e-10)


@pytest.mark.parametrize("name", ["normal", "gamma", "vonmises", "poisson", "beta"])
def test_model_terms_are_the_terms_of_its_own_nodes(name: str) -> None:
    family = get_family(name)
    parameters: dict[str, dict[str, float]] = {
        "normal": {"mean": 1.0, "var": 4.0},
        "gamma": {"shape": 2.5, "rate": 0.3},
        "vonmises": {"mu": 1.0, "kappa": 2.0},
        "poisson": {"mean": 3.0},
        "beta": {"a": 2.0, "b": 3.0},
    }
    theta = family.natural(**parameters[name])
    nodes = family.nodes(theta)
    assert nodes is not None
    # K3g, k3m and the fourth cumulant all come from the nodes here: quadrature error of sixth moments.
    direct = terms_of(risk_terms(None, family, truth=(nodes.points, nodes.weights)))
    np.testing.assert_allclose(terms_of(risk_terms(None, family, theta=theta)), direct, rtol=1e-8)


def test_order_one_computes_the_same_first_order() -> None:
    data = np.random.default_rng(11).gamma(2.0, size=50)
    cases: list[tuple[ExponentialFamily, np.ndarray]] = [
        (Normal(), data),
        (get_family("gamma"), data),
        (MultivariateNormal(n_vars=1), data[:, None]),
        (ProductFamily(["normal", "gamma"]), np.column_stack([data, data**2])),
    ]
    for family, x in cases:
        full = evaluate(family, x, _uniform(50), Options(50.0))
        first = evaluate(family, x, _uniform(50), Options(50.0, order=1))
        assert first.terms[0] == pytest.approx(full.terms[0], rel=1e-14)
        assert first.se == pytest.approx(full.se, rel=1e-14)
        assert np.isnan(first.terms[1:]).all()


def test_route_choice_and_refusals() -> None:
    wide = Whitened(401, lambda x: x, lambda: np.zeros(0), lambda S: 0.0, lambda: None)
    with pytest.raises(InputError, match="p > 400"):
        pick_method("tensor", wide)
    with pytest.raises(InputError, match="nodes"):
        pick_method("gram", wide)
    many, few = ((np.zeros((M, 1)), np.full(M, 1.0 / M)) for M in (10_000, 100))
    narrow = Whitened(90, lambda x: x, lambda: np.zeros(0), lambda S: 0.0, lambda: many)
    assert pick_method("auto", narrow) == "tensor"
    scarce = Whitened(90, lambda x: x, lambda: np.zeros(0), lambda S: 0.0, lambda: few)
    assert pick_method("auto", scarce) == "gram"


# ------------------------------------------------------------------------------------- kernels
def _tile(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((37, 53)), rng.dirichlet(np.ones(37)), rng.dirichlet(np.ones(53))


def test_kernels_equal_their_twins() -> None:
    gram, left, right = _tile(0)
    np.testing.assert_allclose(cube_rows(gram, right), cube_rows_numpy(gram, right), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(
        power_sums(gram, left, right), power_sums_numpy(gram, left, right), rtol=1e-12, atol=1e-14
    )
    np.testing.assert_allclose(cube_rows.python(gram, right), cube_rows_numpy(gram, right), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(
        power_sums.python(gram, left, right), power_sums_numpy(gram, left, right), rtol=1e-12, atol=1e-14
    )
    assert cube_rows.twin is cube_rows_numpy
    assert power_sums.twin is power_sums_numpy


def test_kernels_leave_their_input_alone() -> None:
    arrays = _tile(1)
    copies = [a.copy() for a in arrays]
    for a in arrays:
        a.flags.writeable = False
    power_sums(*arrays)
    cube_rows(arrays[0], arrays[2])
    for a, b in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(a, b)


def test_disabled_compilation_gives_the_same_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    x = skewed_rows(12, 1100, 2)  # above a million pairs the compiled kernel is used
    gamma = np.random.default_rng(12).gamma(2.0, size=50)
    compiled = [risk_terms(x, "mvn", method="gram"), risk_terms(gamma, "gamma", method="gram")]
    monkeypatch.setenv(DISABLE_VARIABLE, "1")
    monkeypatch.setattr(type(power_sums), "_compile", lambda *a, **k: pytest.fail("compiled all the same"))
    plain = [risk_terms(x, "mvn", method="gram"), risk_terms(gamma, "gamma", method="gram")]
    for a, b in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(terms_of(a), terms_of(b), rtol=1e-12)
