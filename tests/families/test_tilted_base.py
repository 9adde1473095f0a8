"""TiltedBase and its draws against quadrature, enumeration and closed forms; bad input."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from infostat.core.errors import (
    BoundaryProjectionError,
    CollinearStatisticsError,
    ConstantStatisticError,
    DataError,
    InputError,
    InputTypeError,
    SupportError,
)
from infostat.families.products import check_products, monomials, product_names
from infostat.families.tilted_base import TiltedBase
from infostat.families.tilted_draws import TiltedDraws
from tests.families import tilted_oracle as oracle

UNIFORM = [stats.uniform(), stats.uniform()]


# -------------------------------------------------------------------- statistics
def test_monomials_and_names() -> None:
    x = np.array([[2.0, 3.0, 5.0], [1.0, -1.0, 0.5]])
    products = [(0, 1), (2,), (1, 1, 0)]
    np.testing.assert_array_equal(monomials(x, products), [[6.0, 5.0, 18.0], [-1.0, 0.5, 1.0]])
    assert product_names(products, ["a", "b", "c"]) == ["a*b", "c", "b^2*a"]


@pytest.mark.parametrize(
    ("products", "error", "pattern"),
    [
        ("01", InputTypeError, "sequence of tuples"),
        ([0, 1], InputTypeError, r"tuples of column indices such as \(0, 1\)"),
        ([()], InputTypeError, "tuples of column indices"),
        ([(0, 2)], InputError, "indices in products"),
        ([(-1, 0)], InputError, "indices in products"),
        ([], InputError, "1 to 400 statistics, got 0"),
        ([(0, 1), (1, 0)], CollinearStatisticsError, r"\(0, 1\) and \(1, 0\)"),
    ],
)
def test_bad_products(products: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        check_products(products, 2)


def test_prune_judges_all_pairs_on_the_full_set() -> None:
    # a and b, b and c are close, a and c are not: b goes because of a, and c goes because of b,
    # although b itself has gone.
    rng = np.random.default_rng(0)
    a, noise1, noise2 = rng.random((3, 4000))
    b = (a + 0.5 * noise1) / 1.5
    c = (b + 0.3 * noise2) / 1.3
    corr = np.corrcoef([a, b, c])
    family = TiltedBase([stats.uniform()] * 3, [(0,), (1,), (2,)])
    assert corr[0, 1] > 0.88 and corr[1, 2] > 0.88 and corr[0, 2] < 0.88
    assert family.prune(np.column_stack([a, b, c]), 0.88).products == ((0,),)
    assert family.prune(np.column_stack([a, b, c]), 1.0) == family


def test_prune_refuses_constants_and_thresholds() -> None:
    family = TiltedBase(UNIFORM, [(0,), (1,)])
    with pytest.raises(ConstantStatisticError, match="constant: b"):
        family.prune(pd.DataFrame({"a": [0.1, 0.2, 0.3], "b": [0.5] * 3}), 0.9)
    with pytest.raises(InputError, match="threshold"):
        family.prune(np.random.default_rng(0).random((9, 2)), 0.0)


# -------------------------------------------------------------------- projection
@pytest.fixture(scope="module")
def drawn() -> TiltedDraws:
    eta = oracle.family().statistic(oracle.rows()).mean(axis=0)
    return oracle.family().simulate_projection(eta, draws=40_000, rng=3)


def test_projection_agrees_with_quadrature_within_its_error(drawn: TiltedDraws) -> None:
    eta = drawn.statistic(oracle.rows()).mean(axis=0)
    exact, _ = oracle.projection(eta)
    theta = drawn.project(eta)
    error = theta - exact
    cov, decrement = drawn.monte_carlo_cov(theta)
    # Hotelling with 31 degrees of freedom behind the covariance: F(3, 29) beyond 10.3 has probability 1e-4.
    assert error @ np.linalg.solve(cov, error) < 3 * 31 / 29 * 10.3
    gram = np.linalg.inv(np.linalg.inv(drawn.cov(theta)))
    assert error @ gram @ error < 8.0 * decrement
    np.testing.assert_allclose(drawn.mean(theta), eta, rtol=1e-12)


def test_monte_carlo_error_is_that_of_repetitions() -> None:
    eta = oracle.family().statistic(oracle.rows()).mean(axis=0)
    exact, _ = oracle.projection(eta)
    scores = []
    for seed in range(40):
        near = oracle.family().simulate_at(exact, draws=3200, rng=seed)
        theta = near.project(eta)
        scores.append((theta - exact) / np.sqrt(np.diag(near.monte_carlo_cov(theta)[0])))
    rms = np.sqrt(np.mean(np.square(scores), axis=0))
    # t with 31 degrees of freedom has rms 1.03; the rms of 40 scores has a relative sd of 0.115.
    assert (np.abs(rms - 1.03) < 4.0 * 0.115).all()


def test_log_partition_agrees_with_quadrature(drawn: TiltedDraws) -> None:
    exact, value = oracle.projection(drawn.statistic(oracle.rows()).mean(axis=0))
    error = drawn.log_partition_error()
    assert 0.0 < error < 0.02
    assert abs(drawn.log_partition(exact) - value) < 4.5 * error
    found, se = oracle.family().log_normaliser(exact, draws=20_000, rng=11)
    assert abs(found - value) < 4.5 * se


def test_densities_integrate_to_one_within_the_error(drawn: TiltedDraws) -> None:
    points, _ = oracle.nodes()
    w = np.polynomial.legendre.leggauss(60)[1]
    lebesgue = np.outer(0.5 * w, 0.5 * w).ravel()
    total = float(lebesgue @ np.exp(drawn.logpdf(points, drawn.reference)))
    assert total == pytest.approx(1.0, abs=4.5 * drawn.log_partition_error())


def test_the_protocol_of_the_family_itself() -> None:
    family = TiltedBase([([0, 1], [1, 1]), ([0, 1], [1, 2])], [(0,), (0, 1)])
    theta = np.array([0.3, -0.8])
    weight = np.array([1.0, 2.0, np.exp(0.3), 2.0 * np.exp(-0.5)])
    exact = weight[2:].sum() / weight.sum(), weight[3] / weight.sum()
    # 60 000 nearly independent draws: standard errors below 0.0021.
    np.testing.assert_allclose(family.mean(theta), exact, atol=5 * 0.0021)
    np.testing.assert_array_equal(family.mean(theta), family.mean(theta))
    assert family.cov(theta).shape == (2, 2)
    assert abs(family.log_partition(theta) - np.log(weight.sum() / 6.0)) < 0.01
    assert abs(family.project(exact)[1] + 0.8) < 0.1
    view = family.whitened(theta)
    assert view.p == 2 and view.fourth(np.eye(2)) == pytest.approx(
        family.contract_fourth(theta, np.linalg.inv(family.cov(theta))), rel=1e-9
    )
    assert len(family.nodes(theta).weights) == 60_000


def test_seeds_and_threads() -> None:
    family, eta = oracle.family(), oracle.family().statistic(oracle.rows()).mean(axis=0)
    first = family.simulate_projection(eta, draws=2000, rng=5)
    again = family.simulate_projection(eta, draws=2000, rng=first.account.seed, n_jobs=2)
    np.testing.assert_array_equal(first.nodes(first.reference).points, again.nodes(again.reference).points)
    other = family.simulate_projection(eta, draws=2000, rng=6)
    assert not np.array_equal(first.nodes(first.reference).points, other.nodes(other.reference).points)
    np.testing.assert_array_equal(family.sample(eta, 10, 1), family.sample(eta, 10, 1))


def test_a_report_is_called_for_every_simulation() -> None:
    calls: list[int] = []
    drawn = oracle.family().simulate_projection([0.5, 0.3, 0.4], draws=2000, rng=5, report=calls.append)
    assert calls == list(range(drawn.account.n_iter))


# -------------------------------------------------------------------- draws
def test_thinned_draws_are_a_subset(drawn: TiltedDraws) -> None:
    fewer = drawn.thinned(5000)
    assert fewer.n_draws <= 5000 and fewer.n_chains == drawn.n_chains
    assert fewer.account.thin == 9 * drawn.account.thin  # 1250 draws per chain, at most 156 kept
    assert drawn.thinned(drawn.n_draws) is drawn
    all_rows = {tuple(row) for row in drawn.nodes(drawn.reference).points}
    assert all(tuple(row) in all_rows for row in fewer.nodes(fewer.reference).points[:100])


def test_far_parameters_are_refused(drawn: TiltedDraws) -> None:
    with pytest.raises(DataError, match="too far from the parameter of the draws"):
        drawn.mean(drawn.reference + 200.0)


def test_bad_draws() -> None:
    with pytest.raises(InputError, match="draws must have the shape"):
        TiltedDraws(oracle.family(), np.zeros(3), np.zeros((4, 10, 3)), None)
    with pytest.raises(InputError, match="draws must be an integer >= 640|draws"):
        oracle.family().simulate_at(np.zeros(3), draws=100)


# -------------------------------------------------------------------- data
def test_rows_on_the_edge_of_the_support_are_accepted() -> None:
    family = oracle.family()
    edge = np.array([[0.0, 1.0], [1.0, 0.5], [0.5, 0.5]])
    assert family.statistic(edge).shape == (3, 3)
    assert np.isneginf(family.encoded_log_base(edge)).tolist() == [True, True, False]
    with pytest.raises(SupportError, match="1 of 2 rows do not, rows 1"):
        family.encode([[0.5, 0.5], [0.5, 1.2]])


def test_a_pole_and_a_zero_give_no_density() -> None:
    family = TiltedBase([stats.beta(0.5, 2), stats.beta(2, 2)], [(0, 1)])
    values = family.encoded_log_base(np.array([[0.0, 0.5], [0.0, 0.0], [0.5, 0.5]]))
    assert values[0] == np.inf and values[1] == -np.inf and np.isfinite(values[2])


def test_shapes_of_data() -> None:
    one = TiltedBase([stats.uniform()], [(0,)])
    assert one.encode([0.1, 0.2]).shape == (2, 1)
    assert oracle.family().encode([0.1, 0.2]).shape == (1, 2)
    with pytest.raises(InputError, match="2 columns, got shape"):
        oracle.family().encode(np.full((3, 3), 0.5))


# -------------------------------------------------------------------- traps
def test_a_mean_on_the_boundary() -> None:
    bits = TiltedBase([([0, 1], [1, 1]), ([0, 1], [1, 1])], [(0,), (1,), (0, 1)])
    # The cell (1, 0) is empty: the law gives it positive mass at every finite theta.
    with pytest.raises(BoundaryProjectionError, match="does not exist"):
        bits.simulate_projection([0.4, 0.7, 0.4], draws=2000, rng=1).project([0.4, 0.7, 0.4])


def test_a_mean_outside_the_support() -> None:
    drawn = TiltedBase(UNIFORM, [(0, 1)]).simulate_projection([1.5], draws=2000, rng=1)
    assert not drawn.account.settled
    with pytest.raises(BoundaryProjectionError, match="no finite parameter"):
        drawn.project([1.5])


def test_a_mean_on_the_edge_of_the_support_runs_away() -> None:
    with pytest.raises(BoundaryProjectionError, match="does not exist"):
        TiltedBase(UNIFORM, [(0,)]).simulate_projection([1.0], draws=2000, rng=1).project([1.0])


def test_dependent_statistics_under_the_base() -> None:
    levels = ([0, 1], [1, 1])
    with pytest.raises(CollinearStatisticsError, match=r"dependent set: x0, x0\^2"):
        TiltedBase([levels, levels], [(0,), (0, 0), (1,)]).simulate_projection([0.5, 0.5, 0.5], draws=2000)
    with pytest.raises(ConstantStatisticError, match="constant: x0"):
        TiltedBase([([2.0], [1.0]), levels], [(0,), (1,)]).simulate_projection([2.0, 0.5], draws=2000)


def test_a_parameter_without_a_law_is_noticed() -> None:
    family = TiltedBase([stats.norm(), stats.norm()], [(0, 1)])
    rhat, size = family.simulate_at([3.0], draws=5000, rng=1).diagnostics()
    assert rhat > 1.1 and size < 500


@pytest.mark.parametrize(
    ("base", "error", "pattern"),
    [
        ("abc", InputTypeError, "one entry per column"),
        (3, InputTypeError, "one entry per column"),
        ([], InputError, "at least one column"),
        ([stats.uniform(), "x"], InputTypeError, r"base\[1\]"),
    ],
)
def test_bad_bases(base: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        TiltedBase(base, [(0,)])


def test_bad_eta() -> None:
    for eta in ([0.5], [0.5, np.nan, 0.2], np.zeros((3, 1))):
        with pytest.raises(InputError, match="eta"):
            oracle.family().simulate_projection(eta, draws=2000)


# -------------------------------------------------------------------- interface
def test_identity_of_the_family() -> None:
    family = oracle.family()
    assert pickle.loads(pickle.dumps(family)) == family
    assert hash(family) == hash(oracle.family())
    assert family != TiltedBase([stats.beta(2, 3), stats.beta(3, 2)], [(0,), (0, 1)])
    assert repr(family).startswith("TiltedBase([beta(2, 3), beta(3, 2)], [(0,), (0, 1), (1, 1)])")
    theta = [0.1, 0.2, 0.3]
    np.testing.assert_array_equal(family.natural(**family.params(theta)), theta)
