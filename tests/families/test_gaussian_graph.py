"""Normal laws on a graph: covariance selection, cumulants of products, existence, bad input."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from infostat.core.errors import BoundaryProjectionError, CollinearStatisticsError, InputError, InputTypeError
from infostat.families.gaussian_graph import complete_covariance
from infostat.families.graph_basis import GraphBasis
from infostat.families.multivariate_normal import MultivariateNormal

CYCLE = ((0, 1), (0, 3), (1, 2), (2, 3))


def _rows(seed: int, n: int, d: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.laplace(size=(n, d)) @ rng.normal(size=(d, d)) + 5.0 * rng.normal(size=d)


def _uniform(n: int) -> np.ndarray:
    return np.full(n, 1.0 / n)


def _fitted(edges, x: np.ndarray) -> tuple[MultivariateNormal, np.ndarray, np.ndarray]:
    family = MultivariateNormal(edges).bind(x)
    theta = family.fit(x, _uniform(len(x))).theta
    return family, theta, family.params(theta)["cov"]


def _graphs(d: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    return st.lists(st.sampled_from(list(combinations(range(d), 2))), unique=True)


# ----------------------------------------------------------- covariance selection
@settings(max_examples=30, deadline=None)
@given(_graphs(5), st.integers(0, 1000))
def test_likelihood_equations(edges: list[tuple[int, int]], seed: int) -> None:
    x = _rows(seed, 40, 5)
    family, theta, cov = _fitted(edges, x)
    sample = np.cov(x.T, bias=True)
    scale = np.sqrt(np.diag(sample))
    matched = np.eye(5, dtype=bool)
    for i, j in edges:
        matched[i, j] = matched[j, i] = True
    np.testing.assert_allclose((cov / np.outer(scale, scale))[matched], np.corrcoef(x.T)[matched], atol=1e-10)
    precision = np.linalg.inv(cov / np.outer(scale, scale))
    assert np.abs(precision[~matched]).max(initial=0.0) < 1e-9 * np.abs(precision).max()
    np.testing.assert_allclose(family.params(theta)["mean"], x.mean(axis=0), rtol=1e-9, atol=1e-9)
    assert family.n_params() == 10 + len(edges)


def test_a_chain_in_closed_form() -> None:
    """Decomposable graphs: the precision is the sum over cliques less the sum over separators."""
    x = _rows(1, 60, 4)
    _, _, cov = _fitted([(0, 1), (1, 2), (2, 3)], x)
    S = np.cov(x.T, bias=True)
    precision = np.zeros((4, 4))
    for a in range(3):
        clique = np.ix_([a, a + 1], [a, a + 1])
        precision[clique] += np.linalg.inv(S[clique])
    for a in (1, 2):
        precision[a, a] -= 1.0 / S[a, a]
    np.testing.assert_allclose(cov, np.linalg.inv(precision), rtol=1e-9)


def test_a_cycle_by_general_optimisation() -> None:
    """No closed form: the free covariances maximise the determinant (the entropy)."""
    R = np.corrcoef(_rows(2, 60, 4).T)
    i, j = np.array([0, 1, 2, 3, 0, 0, 1, 2]), np.array([0, 1, 2, 3, 1, 3, 2, 3])
    completed, report = complete_covariance(R, i, j)

    def lack(free: np.ndarray) -> float:
        trial = R.copy()
        trial[0, 2] = trial[2, 0] = free[0]
        trial[1, 3] = trial[3, 1] = free[1]
        sign, value = np.linalg.slogdet(trial)
        return -value if sign > 0 and np.linalg.eigvalsh(trial)[0] > 0 else 1e3

    best = optimize.minimize(lack, [completed[0, 2] * 0.9, completed[1, 3] * 0.9], method="Nelder-Mead",
                             options={"xatol": 1e-10, "fatol": 1e-14})
    assert report.converged
    np.testing.assert_allclose(best.x, [completed[0, 2], completed[1, 3]], atol=1e-6)


def test_all_edges_are_the_full_family_and_none_the_diagonal_one() -> None:
    x, weights = _rows(3, 50, 4), _uniform(50)
    for edges, structure in ((list(combinations(range(4), 2)), "full"), ([], "diagonal")):
        graph, other = MultivariateNormal(edges).bind(x), MultivariateNormal(structure).bind(x)
        one, two = graph.fit(x, weights), other.fit(x, weights)
        np.testing.assert_allclose(one.theta, two.theta, rtol=1e-9)
        np.testing.assert_allclose(graph.project(two.eta), two.theta, rtol=1e-8)
        assert graph.log_partition(one.theta) == pytest.approx(other.log_partition(two.theta), rel=1e-10)
        np.testing.assert_allclose(graph.logpdf(x, one.theta), other.logpdf(x, two.theta), rtol=1e-9)
        assert graph.statistic_names(list("abcd")) == other.statistic_names(list("abcd"))


def test_warm_starts_and_scales() -> None:
    x, weights = _rows(4, 60, 4), _uniform(60)
    family = MultivariateNormal(CYCLE, 4)
    cold = family.fit(x, weights)
    assert family.fit(x, weights, cold.theta).report.n_iter <= 1
    units = np.array([1e-8, 1.0, 1e8, 3.0])
    scaled = family.params(family.fit(x * units, weights).theta)["cov"]
    np.testing.assert_allclose(scaled / np.outer(units, units), family.params(cold.theta)["cov"], rtol=1e-8)
    # A start on the wrong side of the domain is no obstacle.
    np.testing.assert_allclose(family.fit(x, weights, -cold.theta).theta, cold.theta, rtol=1e-8)


# ----------------------------------------------------------------------- cumulants
@settings(max_examples=15, deadline=None)
@given(_graphs(5), st.integers(0, 1000))
def test_cumulants_are_those_of_the_full_law(edges: list[tuple[int, int]], seed: int) -> None:
    """At one law, the statistics of a graph are a selection of those of the full normal family."""
    x = _rows(seed, 40, 5)
    family, theta, cov = _fitted(edges, x)
    full = MultivariateNormal("full", 5)
    same = full.natural(mean=family.params(theta)["mean"], cov=cov)
    pairs = list(combinations(range(5), 2))
    chosen = np.array([*range(10), *(10 + pairs.index(edge) for edge in sorted(edges))])
    for order in (1, 2, 3, 4):
        expected = full.cumulants(same, order)[np.ix_(*[chosen] * order)]
        np.testing.assert_allclose(
            family.cumulants(theta, order), expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max()
        )
    matrix = np.random.default_rng(seed).normal(size=(len(chosen), len(chosen)))
    S = matrix @ matrix.T
    wide = np.zeros((20, 20))
    wide[np.ix_(chosen, chosen)] = S
    assert family.contract_fourth(theta, S) == pytest.approx(full.contract_fourth(same, wide), rel=1e-7)


@pytest.mark.parametrize("well_conditioned", [True, False])
def test_cumulants_as_forms_in_standard_variables(well_conditioned: bool) -> None:
    """Twelve variables: both ways to sum against the general formulas for quadratic forms."""
    d = 12
    rng = np.random.default_rng(5)
    edges = [pair for pair in combinations(range(d), 2) if rng.random() < 0.3]
    family, _, cov = _fitted(edges, rng.laplace(size=(80, d)))
    built = GraphBasis.of(np.linalg.cholesky(cov), *family._pairs(d))
    assert built.well_conditioned
    basis = replace(built, well_conditioned=well_conditioned)
    general = basis.general()
    third = general.third()
    np.testing.assert_allclose(basis.third(), third, atol=1e-10 * np.abs(third).max())
    y = rng.normal(size=(20, d))
    forms = np.einsum("ni,aij,nj->na", y, basis.forms, y) - np.einsum("aii->a", basis.forms)
    np.testing.assert_allclose(basis.rows(y), np.hstack([y, forms]), atol=1e-10)
    matrix = rng.normal(size=(basis.p, basis.p))
    S = matrix + matrix.T
    # Terms of both signs cancel, so that the error is measured against a positive definite matrix.
    size = general.fourth(matrix @ matrix.T)
    assert basis.fourth(matrix @ matrix.T) == pytest.approx(size, rel=1e-10)
    assert basis.fourth(S) == pytest.approx(general.fourth(S), abs=1e-10 * size)


def test_strong_correlation_keeps_its_digits() -> None:
    """Condition number 4e6 of the columns, its square of their products."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(200, 2))
    x[:, 1] = x[:, 0] + 1e-3 * x[:, 1]
    one = MultivariateNormal([(0, 1)], 2).fit(x, _uniform(200)).whitened
    two = MultivariateNormal("full", 2).fit(x, _uniform(200)).whitened
    for view in (one, two):
        z = view.rows(x)
        np.testing.assert_allclose(z.mean(axis=0), 0.0, atol=1e-8)
    sizes = [np.sum(view.third() ** 2) for view in (one, two)]
    assert sizes[0] == pytest.approx(sizes[1], rel=1e-9)
    norms = [np.sum(view.rows(x) ** 2, axis=1) for view in (one, two)]
    np.testing.assert_allclose(norms[0], norms[1], rtol=1e-7)


def test_no_array_with_p_to_the_fourth() -> None:
    """Twenty independent chains, p = 160: the contraction adds over them (p^4 doubles would be 5 GB)."""
    small = np.array([[1.0, 0.5, 0.2], [0.5, 1.0, 0.4], [0.2, 0.4, 1.0]])
    one = MultivariateNormal([(0, 1), (1, 2)])
    single = one.whitened(one.natural(mean=[1, 2, 3], cov=small)).fourth(np.eye(8))
    many = MultivariateNormal([(3 * k + a, 3 * k + a + 1) for k in range(20) for a in (0, 1)])
    theta = many.natural(mean=np.arange(60), cov=np.kron(np.eye(20), small))
    view = many.whitened(theta)
    assert view.fourth(np.eye(view.p)) == pytest.approx(20.0 * single, rel=1e-10)
    inverse = np.linalg.inv(many.cov(theta))
    assert many.contract_fourth(theta, inverse) == pytest.approx(20.0 * single, rel=1e-7)
    with pytest.raises(InputError, match=r"p\^4 entries \(p = 160\)"):
        many.cumulants(theta, 4)


# ------------------------------------------------------------------------ existence
def test_fewer_rows_than_columns_may_do() -> None:
    x = _rows(6, 5, 8)
    _, _, cov = _fitted([(k, k + 1) for k in range(7)], x)
    assert np.linalg.eigvalsh(cov)[0] > 0
    with pytest.raises((BoundaryProjectionError, CollinearStatisticsError)):
        _fitted(list(combinations(range(8), 2)), x)


def test_no_completion_is_reported() -> None:
    x = _rows(7, 30, 4)
    x[:, 2] = x[:, 0] - 2.0 * x[:, 1]  # dependent, and a triangle of the graph
    triangle = [(0, 1), (0, 2), (1, 2), (2, 3)]
    with pytest.raises(BoundaryProjectionError, match="variables 0, 1, 2 would be affinely dependent"):
        _fitted(triangle, x)
    # Without the edge between the first two the same columns are no obstacle.
    _, _, cov = _fitted([(0, 2), (1, 2), (2, 3)], x)
    assert np.linalg.eigvalsh(cov)[0] > 0


def test_moments_that_no_law_has() -> None:
    family = MultivariateNormal([(0, 1)])
    with pytest.raises(BoundaryProjectionError, match="variables 0, 1 would be affinely dependent"):
        family.project([0.0, 0.0, 1.0, 1.0, 1.5])
    with pytest.raises(BoundaryProjectionError, match="variable 1 has no positive variance"):
        family.project([0.0, 1.0, 1.0, 1.0, 0.0])


# ------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("edges", "error", "message"),
    [
        (3, InputTypeError, "structure must be 'full', 'diagonal', or a list of index pairs"),
        ([(0, 1, 2)], InputTypeError, "every entry of structure must be a pair of column indices"),
        ([0, 1], InputTypeError, "every entry of structure must be a pair of column indices"),
        (["01"], InputTypeError, "every entry of structure must be a pair of column indices"),
        ([(0, 0)], InputError, "structure must join two different variables"),
        ([(0, -1)], InputError, "indices in structure must be an integer >= 0, got -1"),
        ([(0, 1.5)], InputTypeError, "indices in structure"),
        ([(0, None)], InputTypeError, "indices in structure"),
        ([("a", "b")], InputTypeError, "indices in structure"),
    ],
)
def test_edges_are_pairs_of_columns(edges: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        MultivariateNormal(edges)


def test_other_structures_are_refused() -> None:
    with pytest.raises(InputError, match="structure must hold each edge once, got .0, 1. more than once"):
        MultivariateNormal([(0, 1), (1, 0)])
    with pytest.raises(InputTypeError, match="structure must be 'full', 'diagonal', or a list"):
        MultivariateNormal(3)
    with pytest.raises(InputError, match="structure must be one of 'full', 'diagonal', got 'banded'"):
        MultivariateNormal("banded")
    with pytest.raises(InputError, match=r"columns from 0 to 2 \(there are 3 variables\), got an edge with column 5"):
        MultivariateNormal([(0, 5)], n_vars=3)
    with pytest.raises(InputError, match="got an edge with column 5"):
        MultivariateNormal([(0, 5)]).bind(np.ones((4, 3)))
    with pytest.raises(InputError, match="got an edge with column 5"):
        MultivariateNormal([(0, 5)]).n_params(np.ones((4, 3)))
    with pytest.raises(InputError, match="theta"):
        MultivariateNormal([(0, 1)]).params(np.zeros(4))


def test_edges_are_sorted_and_arrays_accepted() -> None:
    family = MultivariateNormal(np.array([[2, 1], [1, 0]]))
    assert family.structure == family.edges == ((0, 1), (1, 2))
    assert family == MultivariateNormal([(0, 1), (1, 2)])
    assert repr(family) == "MultivariateNormal(((0, 1), (1, 2)))"
    assert family.is_graph
    assert not MultivariateNormal().is_graph


def test_natural_wants_the_graph() -> None:
    family = MultivariateNormal([(0, 1)])
    cov = np.array([[1.0, 0.3, 0.2], [0.3, 1.0, 0.1], [0.2, 0.1, 1.0]])
    with pytest.raises(InputError, match="partial correlation of 0.179 between variables 0 and 2"):
        family.natural(mean=[0, 0, 0], cov=cov)
    with pytest.raises(InputError, match="got an edge with column 1"):
        family.natural(mean=[0], cov=[[1.0]])
    cov[2, :2] = cov[:2, 2] = 0.0
    np.testing.assert_allclose(family.params(family.natural(mean=[1, 2, 3], cov=cov))["cov"], cov, atol=1e-15)
