"""Risk terms of polynomial densities, generic families and normal models on a graph."""

from __future__ import annotations

import warnings
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from infostat.core.errors import (
    BoundaryProjectionError,
    CollinearityWarning,
    CollinearStatisticsError,
    ConstantStatisticError,
    InfostatWarning,
    InputError,
    IntervalWarning,
    SupportError,
)
from infostat.families.generic import GenericFamily
from infostat.families.multivariate_normal import MultivariateNormal
from infostat.families.polynomial import PolynomialDensity
from infostat.families.product import ProductFamily
from infostat.projection import information_criteria, information_projection, pn_criterion, risk_terms
from infostat.projection.exact import exact_risk
from tests.projection.oracles import (
    literal_terms,
    normal_points,
    normal_statistics,
    point_cumulants,
    skewed_rows,
    terms_of,
)

CYCLE = [(0, 1), (0, 3), (1, 2), (2, 3)]


def _beta(seed: int, n: int, d: int) -> np.ndarray:
    rows = np.random.default_rng(seed).beta(2.0, 4.0, (n, d))
    rows[:, -1] = 0.5 * (rows[:, 0] + rows[:, -1])
    return rows


def _powers(x: np.ndarray, degree: int) -> np.ndarray:
    """Monomials of total degree 1 to `degree`, in any order."""
    d = x.shape[1]
    powers = [e for e in np.ndindex(*[degree + 1] * d) if 0 < sum(e) <= degree]
    return np.stack([np.prod(x**e, axis=1) for e in powers], axis=1)


def _literal_polynomial(x: np.ndarray, degree: int, theta_at) -> np.ndarray:
    """Index formulas in monomials, model moments on a grid of its own."""
    d = x.shape[1]
    t, w = np.polynomial.legendre.leggauss(90 if d == 1 else 50)
    points = np.stack([g.ravel() for g in np.meshgrid(*[0.5 * (1 + t)] * d, indexing="ij")], axis=1)
    weights = np.prod(np.stack([g.ravel() for g in np.meshgrid(*[0.5 * w] * d, indexing="ij")]), axis=0)
    weights = weights * np.exp(theta_at(points if d > 1 else points[:, 0]))
    assert weights.sum() == pytest.approx(1.0, abs=1e-11)
    model = point_cumulants(_powers(points, degree), weights / weights.sum())
    G, K3, _ = point_cumulants(_powers(x, degree), np.full(len(x), 1.0 / len(x)))
    return literal_terms(*model, G, K3)


# ---------------------------------------------------------------------- polynomials
@pytest.mark.parametrize(("d", "degree"), [(1, 1), (1, 3), (1, 5), (2, 2), (2, 3)])
def test_polynomials_by_the_index_formulas(d: int, degree: int) -> None:
    x = _beta(1, 70, d)
    family = PolynomialDensity(degree).bind(x)
    found = risk_terms(x, family, ddof=0)
    theta = information_projection(x, family).theta
    literal = _literal_polynomial(x, degree, lambda points: family.logpdf(points, theta))
    # The oracle inverts the covariance of raw powers, condition number up to 1e10 at degree five.
    np.testing.assert_allclose(terms_of(found), literal, rtol=1e-9 if degree < 5 else 1e-5)
    assert found.p == family.n_params()


@pytest.mark.parametrize(("d", "degree"), [(1, 6), (2, 3), (3, 2)])
def test_twice_the_nodes_change_no_term(d: int, degree: int) -> None:
    x = _beta(2, 60, d)
    found = risk_terms(x, PolynomialDensity(degree))
    finer = risk_terms(x, PolynomialDensity(degree, n_nodes=400))
    np.testing.assert_allclose(terms_of(finer), terms_of(found), rtol=1e-10)


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-40.0, 2.0), (1e6, 1e6 + 1e-2)])
def test_affine_maps_of_data_and_bounds(bounds: tuple[float, float]) -> None:
    x = _beta(3, 80, 1)[:, 0]
    low, high = bounds
    moved = risk_terms(low + (high - low) * x, PolynomialDensity(4, bounds=bounds))
    # x itself is known to 1e6 * 1e-16 of an interval of length 1e-2 only.
    lost = 1e-10 + 1e-14 * max(abs(low), abs(high)) / (high - low)
    np.testing.assert_allclose(terms_of(moved), terms_of(risk_terms(x, PolynomialDensity(4))), rtol=lost)


def test_bases_have_the_same_terms() -> None:
    x = _beta(4, 80, 2)
    one, two = (risk_terms(x, PolynomialDensity(3, basis=name)) for name in ("legendre", "monomial"))
    np.testing.assert_allclose(terms_of(two), terms_of(one), rtol=1e-10)


def test_the_uniform_truth() -> None:
    """At theta = 0 the terms are moments of the uniform law: T3 = 3 * (-6/5) at degree one, by hand."""
    line = risk_terms(None, PolynomialDensity(1), theta=[0.0])
    np.testing.assert_allclose(terms_of(line), [1, 0, 0, -3.6], atol=1e-11)
    law = risk_terms(None, PolynomialDensity(3), truth=stats.uniform())
    model = risk_terms(None, PolynomialDensity(3), theta=np.zeros(3))
    np.testing.assert_allclose(terms_of(law), terms_of(model), rtol=1e-9)
    np.testing.assert_allclose(terms_of(law)[0], 3.0, rtol=1e-10)


def test_degree_two_far_from_the_ends_is_the_normal_model() -> None:
    x = 0.4 + 0.01 * np.random.default_rng(5).normal(size=300)
    np.testing.assert_allclose(
        terms_of(risk_terms(x, PolynomialDensity(2))), terms_of(risk_terms(x, "normal")), rtol=1e-7
    )


def test_degree_one_on_a_box_is_a_product() -> None:
    """Blocks add even though the data of the columns depend on each other."""
    x = _beta(6, 90, 3)
    box = risk_terms(x, PolynomialDensity(1))
    product = risk_terms(x, ProductFamily([PolynomialDensity(1, bounds=[(0, 1)])] * 3))
    np.testing.assert_allclose(terms_of(box), terms_of(product), rtol=1e-10)


def test_routes_agree_on_polynomials() -> None:
    x = _beta(7, 60, 2)
    tensor, gram = (risk_terms(x, PolynomialDensity(3), method=name) for name in ("tensor", "gram"))
    np.testing.assert_allclose(terms_of(gram), terms_of(tensor), rtol=1e-10)


def test_a_generic_family_with_the_same_nodes() -> None:
    x = _beta(8, 90, 1)[:, 0]
    t, w = np.polynomial.legendre.leggauss(200)
    generic = GenericFamily(lambda v: np.column_stack([v, v**2, v**3]), nodes=0.5 * (1 + t), log_weights=np.log(w / 2))
    one, two = pn_criterion(x, generic), pn_criterion(x, PolynomialDensity(3, basis="monomial"))
    np.testing.assert_allclose(terms_of(one.terms), terms_of(two.terms), rtol=1e-10)
    np.testing.assert_allclose(one.theta, two.theta, rtol=1e-8)
    assert information_criteria(x, generic).aic == pytest.approx(
        information_criteria(x, PolynomialDensity(3)).aic, rel=1e-10
    )
    assert one.misfit.name == "information ratio T0/p"
    assert two.misfit.name == "Neyman smooth test"


def test_a_misspecified_lattice_as_generic_family() -> None:
    """Worked example 5 of the p-n page."""
    found = risk_terms(None, GenericFamily(lambda x: x, nodes=[0, 1, 2]), truth=([0, 1, 2], [0.5, 0.1, 0.4]))
    np.testing.assert_allclose(
        terms_of(found), [1.35017999573, 0.05792387151, 0.18620708653, -7.98617617122], rtol=1e-10
    )


def test_the_smooth_test_is_uniform_under_the_model() -> None:
    family = PolynomialDensity(2)
    p_values = [
        pn_criterion(family.sample([1.0, -2.0], 200, seed), family).misfit.p_value for seed in range(60)
    ]
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3


def test_bootstrap_counts_resamples_without_estimate() -> None:
    x = np.array([0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.4, 1.0, 1.0, 1.0])
    with warnings.catch_warnings():  # so few rows deserve several
        warnings.simplefilter("ignore", InfostatWarning)
        found = pn_criterion(x, PolynomialDensity(2), bootstrap=60, rng=1)
    assert found.bootstrap is not None
    # Without the row at 0.4 all mass sits at the ends: (9/10)^10 = 0.35 of the resamples, and others.
    assert 10 <= found.bootstrap.n_boundary < 60
    assert "boundary_resamples" in found.flags


# --------------------------------------------------------------------- normal graphs
@pytest.mark.parametrize("edges", [CYCLE, [(0, 2)], [(0, 1), (1, 2), (2, 3)], [(0, 1), (0, 2), (1, 2)]])
def test_graphs_by_the_index_formulas(edges: list[tuple[int, int]]) -> None:
    x = skewed_rows(9, 80, 4)
    family = MultivariateNormal(edges)
    theta = information_projection(x, family).theta
    params = family.params(theta)
    points, weights = normal_points(params["mean"], params["cov"])
    pairs = list(combinations(range(4), 2))
    chosen = [*range(8), *(8 + pairs.index(edge) for edge in edges)]
    model = point_cumulants(normal_statistics(points)[:, chosen], weights)
    G, K3, _ = point_cumulants(normal_statistics(x)[:, chosen], np.full(80, 1.0 / 80))
    expected = literal_terms(*model, G, K3)
    np.testing.assert_allclose(terms_of(risk_terms(x, family, ddof=0)), expected, rtol=1e-8)
    f = 80 / 79
    np.testing.assert_allclose(
        terms_of(risk_terms(x, family)), expected * [f, 1.0, f * f, f * f], rtol=1e-8
    )
    gram = risk_terms(x, family, ddof=0, method="gram")
    np.testing.assert_allclose(terms_of(gram), expected, rtol=1e-8)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_all_edges_and_no_edges(d: int) -> None:
    x = skewed_rows(10, 400, d)
    every = MultivariateNormal(list(combinations(range(d), 2)))
    for graph, name in ((every, "mvn"), (MultivariateNormal([]), "mvn_diagonal")):
        one, two = pn_criterion(x, graph), pn_criterion(x, name)
        np.testing.assert_allclose(terms_of(one.terms), terms_of(two.terms), rtol=1e-9)
        np.testing.assert_allclose(one.terms.T0_se, two.terms.T0_se, rtol=1e-9)
        assert one.misfit.name == two.misfit.name
        assert one.misfit.value == pytest.approx(two.misfit.value, rel=1e-8)
        theta = information_projection(x, graph).theta
        np.testing.assert_allclose(
            terms_of(risk_terms(None, graph.bind(x), theta=theta)),
            terms_of(risk_terms(None, name, theta=information_projection(x, name).theta)),
            rtol=1e-9,
        )


def test_components_of_a_graph_add() -> None:
    """No edges between two blocks: the product of their full normal models."""
    x = skewed_rows(11, 90, 4)
    joint = risk_terms(x, MultivariateNormal([(0, 1), (2, 3)]))
    product = risk_terms(x, ProductFamily([MultivariateNormal(n_vars=2), MultivariateNormal(n_vars=2)]))
    np.testing.assert_allclose(terms_of(joint), terms_of(product), rtol=1e-9)


def test_well_specified_graphs_have_T0_p_whatever_the_covariance() -> None:
    family = MultivariateNormal([(0, 1), (1, 2)])
    theta = family.project([1.0, -2.0, 0.5, 3.0, 5.0, 1.25, -2.5, -0.7])
    found = risk_terms(None, family, theta=theta)
    assert found.T0 == 8.0
    # T1 = sum k3^2 and T2 = |c|^2 + 2 T1 in the true model.
    assert found.T2 > 2.0 * found.T1 > 0.0


def test_scales_of_columns_do_not_matter_on_a_graph() -> None:
    x = skewed_rows(12, 60, 4)
    one = risk_terms(x, MultivariateNormal(CYCLE))
    two = risk_terms(x * [1e-8, 1.0, 1e8, 5.0] + [0.0, 1e3, 0.0, 1.0], MultivariateNormal(CYCLE))
    np.testing.assert_allclose(terms_of(two), terms_of(one), rtol=1e-8)


def test_the_likelihood_ratio_of_a_graph() -> None:
    x = skewed_rows(13, 100, 4)
    found = pn_criterion(x, MultivariateNormal(CYCLE)).misfit
    gain = information_criteria(x, "mvn").loglik - information_criteria(x, MultivariateNormal(CYCLE)).loglik
    assert found.value == pytest.approx(2.0 * gain, rel=1e-8)
    assert found.df == 2
    assert found.p_value == pytest.approx(stats.chi2(2).sf(found.value), rel=1e-9)


def test_bootstrap_of_a_graph() -> None:
    x = skewed_rows(14, 120, 3)
    with pytest.warns(IntervalWarning, match="probably too short"):
        found = pn_criterion(x, MultivariateNormal([(0, 1)]), bootstrap=60, rng=3)
    assert found.bootstrap is not None
    low, high = found.bootstrap.intervals["T0"]
    assert low < found.terms.T0 < high
    assert found.bootstrap.n_boundary == 0


# ------------------------------------------------------------------------------ traps
def test_collinear_columns_of_a_graph() -> None:
    x = pd.DataFrame(np.random.default_rng(15).normal(size=(80, 3)), columns=["a", "b", "c"])
    x["d"] = x["a"] - x["b"]
    with pytest.raises(CollinearStatisticsError, match="dependent set: a, b, d"):
        pn_criterion(x, MultivariateNormal([(0, 1), (0, 3), (1, 3), (2, 3)]))
    x["e"] = 2.0 * x["c"] - 1.0
    with pytest.raises(CollinearStatisticsError, match="dependent set: c, e; drop one of them, or an edge"):
        pn_criterion(x, MultivariateNormal([(2, 4)]))
    # Where no edge asks for their covariance, dependent columns do no harm.
    assert pn_criterion(x, MultivariateNormal([(0, 1), (1, 2)])).p == 12


def test_near_collinear_columns_of_a_graph_warn() -> None:
    x = np.random.default_rng(16).normal(size=(80, 3))
    x[:, 1] = x[:, 0] + 1e-3 * x[:, 1]
    with pytest.warns(CollinearityWarning, match="nearly collinear under the fitted law") as caught:
        found = pn_criterion(x, MultivariateNormal([(0, 1)]))
    assert "near_collinear" in found.flags
    assert any(str(entry.filename) == __file__ for entry in caught)
    assert pn_criterion(x, MultivariateNormal([(0, 2)])).flags == ()
    x[:, 1] = x[:, 0] + 1e-9 * x[:, 2]
    with pytest.raises(CollinearStatisticsError, match="dependent set: x1, x2"):
        pn_criterion(x, MultivariateNormal([(0, 1)]))
    x[:, 1] = x[:, 0] + 1e-4 * x[:, 2] ** 2  # short of the limit, but their products are beyond it
    with pytest.raises(CollinearStatisticsError, match="dependent set: x1, x2"):
        pn_criterion(x, MultivariateNormal([(0, 1)]))


def test_few_rows_on_a_graph() -> None:
    x = skewed_rows(17, 6, 8)
    chain = MultivariateNormal([(k, k + 1) for k in range(7)])
    with warnings.catch_warnings():  # so few rows deserve several
        warnings.simplefilter("ignore", InfostatWarning)
        found = pn_criterion(x, chain)
    assert "n_at_most_p" in found.flags
    assert found.misfit.name == "information ratio T0/p"  # no estimate with all edges to compare with
    with pytest.raises(BoundaryProjectionError, match="no positive definite covariance"):
        pn_criterion(x[:3], MultivariateNormal([(0, 1), (0, 2), (1, 2)]))


def test_near_collinear_statistics_of_a_polynomial_warn() -> None:
    x = 0.2 + 2e-4 * np.random.default_rng(18).uniform(-1.0, 1.0, 300)
    with pytest.warns(CollinearityWarning, match="statistics are nearly collinear under the fitted law") as caught:
        found = pn_criterion(x, PolynomialDensity(2))
    assert "near_collinear" in found.flags
    assert any(str(entry.filename) == __file__ for entry in caught)
    near = pn_criterion(x, PolynomialDensity(2, bounds=(0.1998, 0.2002)))
    assert "near_collinear" not in near.flags


def test_data_and_family_that_do_not_fit() -> None:
    with pytest.raises(SupportError, match=r"must lie in \[0, 1\]"):
        pn_criterion([0.1, 0.5, 1.5, 0.2], PolynomialDensity(2))
    with pytest.raises(InputError, match="at most 3 columns, got 4"):
        pn_criterion(np.random.default_rng(0).random((20, 4)), PolynomialDensity(2))
    with pytest.raises(BoundaryProjectionError, match="all mass sits at the points 0.5 "):
        pn_criterion(np.full(10, 0.5), PolynomialDensity(2))
    with pytest.raises(ConstantStatisticError, match="constant: P1"):
        pn_criterion(np.full(10, 0.5), PolynomialDensity(1))
    with pytest.raises(InputError, match="must have 1 column, got 2"):
        pn_criterion(np.random.default_rng(0).random((20, 2)), GenericFamily(lambda x: x, nodes=[0, 1, 2]))
    with pytest.raises(InputError, match="no exact risk is known for a multivariate normal on a graph"):
        exact_risk(MultivariateNormal([(0, 1)], n_vars=3), 50)
    with pytest.raises(InputError, match="an edge with column 4"):
        pn_criterion(skewed_rows(0, 20, 3), MultivariateNormal([(0, 4)]))


# ----------------------------------------------------------------------------- streams
@pytest.mark.parametrize(
    ("family", "d"), [(PolynomialDensity(3), 1), (PolynomialDensity(2), 2), (MultivariateNormal([(0, 1), (1, 2)]), 3)]
)
def test_streams_have_the_terms_of_data_in_memory(family, d: int) -> None:
    rows = _beta(19, 300, d) if isinstance(family, PolynomialDensity) else skewed_rows(19, 300, d) + 1e4
    frame = pd.DataFrame(rows, columns=list("abc")[:d])
    chunks = (frame.iloc[k : k + 90] for k in range(0, 300, 90))
    streamed, whole = pn_criterion(chunks, family), pn_criterion(frame, family)
    np.testing.assert_allclose(terms_of(streamed.terms), terms_of(whole.terms), rtol=1e-8)
    np.testing.assert_allclose(streamed.theta, whole.theta, rtol=1e-6)
