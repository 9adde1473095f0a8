"""Polynomial densities: closed forms, existence of the estimate, quadrature, sampling, bad input."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from infostat.core.errors import (
    BoundaryProjectionError,
    CollinearStatisticsError,
    InputError,
    InputTypeError,
    SupportError,
)
from infostat.families.polynomial import PolynomialDensity


def _truncated_normal(mean: float, sd: float, low: float, high: float):
    return stats.truncnorm((low - mean) / sd, (high - mean) / sd, loc=mean, scale=sd)


def _normal_theta(mean: float, sd: float) -> np.ndarray:
    return np.array([mean / sd**2, -0.5 / sd**2])


# ----------------------------------------------------------------- closed forms
@pytest.mark.parametrize("theta", [-3.0, 1e-3, 2.0, 60.0])
def test_degree_one_is_the_truncated_exponential(theta: float) -> None:
    family = PolynomialDensity(1, basis="monomial")
    assert family.log_partition([theta]) == pytest.approx(np.log(np.expm1(theta) / theta), rel=1e-12, abs=1e-13)
    mean = 1.0 / -np.expm1(-theta) - 1.0 / theta
    assert family.mean([theta])[0] == pytest.approx(mean, rel=1e-10)
    # k2 = 1/theta^2 - e^theta/(e^theta - 1)^2 loses 1e-16/theta^2 to cancellation for small theta.
    variance = 1.0 / theta**2 - 0.25 / np.sinh(0.5 * theta) ** 2
    assert family.cov([theta])[0, 0] == pytest.approx(variance, rel=1e-10, abs=1e-15 / theta**2)


@pytest.mark.parametrize(("mean", "sd"), [(0.4, 0.3), (1.5, 0.5), (0.3, 0.01), (0.3, 0.001)])
def test_degree_two_is_the_truncated_normal(mean: float, sd: float) -> None:
    law = _truncated_normal(mean, sd, 0.0, 1.0)
    family, theta = PolynomialDensity(2, basis="monomial"), _normal_theta(mean, sd)
    found = family.mean(theta)
    assert found[0] == pytest.approx(law.mean(), rel=1e-9)
    # Exponents of size mean^2/sd^2 are sums of larger ones: 1e-16 of these is lost.
    lost = 1e-15 * (mean / sd) ** 2
    x = law.ppf([1e-6, 0.1, 0.5, 0.9, 1.0 - 1e-6])
    np.testing.assert_allclose(family.logpdf(x, theta), law.logpdf(x), rtol=0, atol=1e-10 + lost)
    np.testing.assert_allclose(family.cdf(x, theta), law.cdf(x), rtol=0, atol=1e-11 + lost)


def test_the_uniform_law_is_the_origin() -> None:
    family = PolynomialDensity(4, bounds=(2.0, 7.0))
    assert family.log_partition(np.zeros(4)) == pytest.approx(np.log(5.0), rel=1e-14)
    np.testing.assert_allclose(family.mean(np.zeros(4)), 0.0, atol=1e-13)
    np.testing.assert_allclose(family.cov(np.zeros(4)), np.diag(1.0 / (2.0 * np.arange(1, 5) + 1.0)), atol=1e-13)


def test_statistics_are_legendre_polynomials_or_powers() -> None:
    x = np.array([1.0, 1.5, 3.0])
    t = (2 * x - 4.0) / 2.0
    legendre = np.column_stack([t, 0.5 * (3 * t**2 - 1), 0.5 * (5 * t**3 - 3 * t)])
    np.testing.assert_allclose(PolynomialDensity(3, bounds=(1, 3)).statistic(x), legendre, atol=1e-14)
    powers = PolynomialDensity(3, bounds=(1, 3), basis="monomial").statistic(x)
    np.testing.assert_allclose(powers, np.column_stack([x, x**2, x**3]), rtol=1e-15)
    box = PolynomialDensity(2, bounds=[(0, 1), (0, 2)], basis="monomial")
    rows = np.array([[0.5, 1.5]])
    np.testing.assert_allclose(box.statistic(rows), [[0.5, 1.5, 0.25, 0.75, 2.25]], rtol=1e-15)
    assert box.statistic_names(["x", "y"]) == ["x", "y", "x^2", "x*y", "y^2"]
    assert PolynomialDensity(2).bind(rows).statistic_names(["x", "y"])[-2:] == ["P1(x)*P1(y)", "P2(y)"]


@pytest.mark.parametrize("theta", [[0.5, -2.0, 1.0], [-9.0, 4.0, 30.0], [200.0, -300.0, 10.0]])
def test_densities_by_adaptive_quadrature(theta: list[float]) -> None:
    family = PolynomialDensity(3, bounds=(-1.0, 2.0))
    density = lambda x: float(np.exp(family.logpdf([x], theta))[0])  # noqa: E731
    nodes = family.nodes(theta)
    middle = float(nodes.weights @ nodes.points)
    width = float(np.sqrt(nodes.weights @ (nodes.points - middle) ** 2))
    edges = np.unique(np.clip(middle + width * np.array([-40, -6, -2, 0, 2, 6, 40]), -1.0, 2.0))
    total = sum(integrate.quad(density, a, b, epsabs=1e-13)[0] for a, b in pairwise(edges))
    assert total == pytest.approx(1.0, abs=1e-10)


def test_a_box_of_degree_one_is_a_product() -> None:
    theta = np.array([2.0, -1.0, 0.5])
    box = PolynomialDensity(1, bounds=[(0, 1), (0, 2), (-1, 1)])
    ends = [(0, 1), (0, 2), (-1, 1)]
    lines = [PolynomialDensity(1, bounds=pair) for pair in ends]
    total = sum(line.log_partition([t]) for line, t in zip(lines, theta, strict=True))
    assert box.log_partition(theta) == pytest.approx(total, rel=1e-13)
    found = [line.mean([t])[0] for line, t in zip(lines, theta, strict=True)]
    np.testing.assert_allclose(box.mean(theta), found, rtol=1e-12)


# -------------------------------------------------------------------- quadrature
@pytest.mark.parametrize(("d", "degree"), [(1, 6), (2, 3), (3, 2)])
def test_twice_the_nodes_change_nothing(d: int, degree: int) -> None:
    rows = np.random.default_rng(2).beta(2.0, 4.0, (80, d))
    family = PolynomialDensity(degree).bind(rows)
    finer = PolynomialDensity(degree, n_nodes=400).bind(rows)
    theta = family.project(family.statistic(rows).mean(axis=0))
    np.testing.assert_allclose(finer.mean(theta), family.mean(theta), rtol=0, atol=1e-12)
    np.testing.assert_allclose(finer.cov(theta), family.cov(theta), rtol=1e-10, atol=1e-13)
    S = np.linalg.inv(family.cov(theta))
    assert finer.contract_fourth(theta, S) == pytest.approx(family.contract_fourth(theta, S), rel=1e-10)


def test_panels_are_halved_for_narrow_laws() -> None:
    theta = _normal_theta(0.3, 1e-3)
    family = PolynomialDensity(2, basis="monomial")
    assert len(family.nodes(theta).weights) > 200 == len(family.nodes([0.0, 0.0]).weights)
    # Far from the ends it is a normal law: cumulants of order three and more of the first statistic vanish.
    sd = 1e-3
    assert family.cov(theta)[0, 0] == pytest.approx(sd**2, rel=1e-8)
    with pytest.raises(InputError, match="too narrow for quadrature with 51200 nodes"):
        family.mean(_normal_theta(0.3, 1e-6))


# --------------------------------------------------------------------- existence
@pytest.mark.parametrize(
    ("degree", "points", "words"),
    [
        (1, [0.0], "all mass sits at the end 0 of the interval"),
        (1, [1.0], "all mass sits at the end 1 of the interval"),
        (2, [0.3], "all mass sits at the points 0.3 "),
        (2, [0.0, 1.0], "all mass sits at the ends of the interval"),
        (3, [0.0, 0.4], "all mass sits at the points 0, 0.4 "),
        (3, [0.4, 1.0], "all mass sits at the points 0.4, 1 "),
        (4, [0.2, 0.7], "all mass sits at the points 0.2, 0.7 "),
        (4, [0.0, 0.7, 1.0], "all mass sits at the points 0, 0.7, 1 "),
    ],
)
def test_too_few_points_are_named(degree: int, points: list[float], words: str) -> None:
    family = PolynomialDensity(degree)
    x = np.repeat(points, 3)
    with pytest.raises(BoundaryProjectionError, match=words):
        family.fit(x, np.full(len(x), 1.0 / len(x)))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 5),
    st.lists(st.integers(0, 8), min_size=1, max_size=4, unique=True),
    st.integers(0, 10_000),
)
def test_an_estimate_exists_beyond_half_the_degree(degree: int, places: list[int], seed: int) -> None:
    """Moments up to k are those of a density iff the points, ends counted half, exceed k/2."""
    x = np.array(places) / 8.0
    weights = np.random.default_rng(seed).uniform(0.5, 1.5, len(x))
    weights /= weights.sum()
    index = sum(0.5 if v in (0.0, 1.0) else 1.0 for v in x)
    family = PolynomialDensity(degree)
    if index > 0.5 * degree:
        fit = family.fit(x, weights)
        np.testing.assert_allclose(family.mean(fit.theta), fit.eta, rtol=0, atol=1e-9)
    else:
        with pytest.raises(BoundaryProjectionError, match="all mass"):
            family.fit(x, weights)


@pytest.mark.parametrize("eta", [[0.9, 0.0], [2.0, 0.0], [0.0, -0.6]])
def test_impossible_moments(eta: list[float]) -> None:
    with pytest.raises(BoundaryProjectionError, match="no density on the box has these mean statistics"):
        PolynomialDensity(2).project(eta)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[0.0, 0.2], [0.0, 0.9], [0.0, 0.4]], "all mass of variable 0 sits at the end 0"),
        ([[0.2, 1.0], [0.7, 1.0], [0.4, 1.0]], "all mass of variable 1 sits at the end 1"),
        ([[0.2, 0.2], [0.7, 0.7], [0.4, 0.4], [0.9, 0.9]], "on the zeros of a polynomial of degree 1"),
    ],
)
def test_faces_of_a_box(rows: list[list[float]], words: str) -> None:
    x = np.array(rows)
    with pytest.raises(BoundaryProjectionError, match=words):
        PolynomialDensity(2).bind(x).fit(x, np.full(len(x), 1.0 / len(x)))


def test_a_vanishing_bump_far_from_the_data_is_refused() -> None:
    """Narrow data with heavy tails: degree four reaches their kurtosis only with a bump at the far end."""
    x = 0.3 + 0.003 * np.random.default_rng(0).laplace(size=300)
    with pytest.raises(BoundaryProjectionError, match="narrow the bounds to where the data are"):
        PolynomialDensity(4).fit(x, np.full(300, 1.0 / 300))
    near = PolynomialDensity(4, bounds=(x.min() - 0.01, x.max() + 0.01))
    assert near.fit(x, np.full(300, 1.0 / 300)).report.converged


def test_collinear_legendre_products_are_refused() -> None:
    x = 0.5 + 1e-3 * np.random.default_rng(1).uniform(-1.0, 1.0, 400)
    with pytest.raises((CollinearStatisticsError, BoundaryProjectionError), match="narrow the bounds"):
        PolynomialDensity(8).fit(x, np.full(400, 1.0 / 400))


def test_warm_starts_lead_to_the_same_estimate() -> None:
    x = np.random.default_rng(3).beta(2.0, 5.0, 200)
    family, weights = PolynomialDensity(4), np.full(200, 1.0 / 200)
    cold = family.fit(x, weights)
    for start in (cold.theta, np.array([0.5, -0.5, 0.1, 0.0]), np.array([0.0, -1e12, 0.0, 0.0])):
        np.testing.assert_allclose(family.fit(x, weights, start).theta, cold.theta, rtol=1e-8, atol=1e-9)
    assert family.fit(x, weights, cold.theta).report.n_iter <= 1


# ------------------------------------------------------------------- conversions
@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-3.0, 2.0), (10.0, 12.0)])
def test_both_bases_are_the_same_family(bounds: tuple[float, float]) -> None:
    x = np.random.default_rng(4).beta(2.0, 3.0, 300) * (bounds[1] - bounds[0]) + bounds[0]
    weights = np.full(300, 1.0 / 300)
    fits = [
        (family, family.fit(x, weights).theta)
        for family in (PolynomialDensity(4, bounds=bounds, basis=name) for name in ("legendre", "monomial"))
    ]
    (one, first), (two, second) = fits
    # Powers of x near 11 of degree 4 cost up to 1e4 * 11^4 * 1e-16 of the exponent.
    np.testing.assert_allclose(one.logpdf(x, first), two.logpdf(x, second), rtol=0, atol=1e-6)
    exponent = np.polynomial.Polynomial([-two.log_partition(second), *second])(x)
    np.testing.assert_allclose(exponent, two.logpdf(x, second), rtol=0, atol=1e-6)


def test_draws_follow_the_law() -> None:
    family, theta = PolynomialDensity(3), np.array([-3.0, 4.0, 1.0])
    draws = family.sample(theta, 4000, 5)
    assert stats.kstest(family.cdf(draws, theta), "uniform").pvalue > 1e-3
    assert ((draws >= 0.0) & (draws <= 1.0)).all()
    narrow = PolynomialDensity(2, basis="monomial")
    draws = narrow.sample(_normal_theta(0.3, 0.002), 4000, 5)
    assert stats.kstest(draws, _truncated_normal(0.3, 0.002, 0.0, 1.0).cdf).pvalue > 1e-3


def test_draws_from_a_box_have_its_moments() -> None:
    family = PolynomialDensity(2, bounds=[(0, 1), (-1, 1), (2, 3)])
    theta = np.array([1.0, -0.5, 0.3, -1.0, 2.0, 0.5, 1.0, -2.0, 0.4])
    draws = family.sample(theta, 20_000, 1)
    z = family.whitened(theta).rows(draws)
    assert np.abs(z.mean(axis=0)).max() < 5.0 / np.sqrt(20_000)
    np.testing.assert_allclose(z.T @ z / 20_000, np.eye(9), atol=0.08)


def test_distribution_function_ends() -> None:
    family, theta = PolynomialDensity(2, bounds=(1.0, 4.0)), [0.5, -0.4]
    np.testing.assert_allclose(family.cdf([0.0, 1.0, 4.0, 9.0, np.inf], theta), [0, 0, 1, 1, 1], atol=1e-14)
    # Panel ends are seamless.
    narrow = PolynomialDensity(2, basis="monomial")
    grid = np.linspace(0.25, 0.35, 400)
    # A series of 200 terms in panels of height 400 loses about 1e-12.
    assert (np.diff(narrow.cdf(grid, _normal_theta(0.3, 0.002))) >= -1e-11).all()
    with pytest.raises(InputError, match="needs one variable"):
        PolynomialDensity(1).cdf([0.5], [0.1, 0.2])


# -------------------------------------------------------------------- dimensions
def test_the_number_of_variables_comes_from_data_or_theta() -> None:
    family = PolynomialDensity(2)
    assert (family.n_columns, family.n_params(), family.n_params(np.ones((4, 3)))) == (None, 2, 9)
    assert family.bind([0.1, 0.2]).n_columns == family.bind([[0.1], [0.2]]).n_columns == 1
    assert family.bind(np.ones((2, 2))) == PolynomialDensity(2, bounds=[(0, 1), (0, 1)])
    assert family.log_partition(np.zeros(5)) == pytest.approx(0.0, abs=1e-14)
    with pytest.raises(InputError, match="at most 3 columns, got 4"):
        family.bind(np.ones((2, 4)))
    with pytest.raises(InputError, match="theta"):
        family.log_partition(np.zeros(4))
    with pytest.raises(InputError, match=r"does not fit data of shape \(3, 2\)"):
        family.logpdf(np.full((3, 2), 0.5), np.zeros(2))


# --------------------------------------------------------------------- bad input
@pytest.mark.parametrize("bounds", [(1, 0), (0, 0), (0, np.inf), [0, 1, 2], [[0, 1]] * 4, [[[0, 1]]], [(0, 1), (2, 1)]])
def test_bounds_are_checked(bounds: object) -> None:
    with pytest.raises(InputError, match="bounds must be"):
        PolynomialDensity(2, bounds=bounds)


def test_arguments_are_checked() -> None:
    with pytest.raises(InputError, match="degree must be an integer >= 1, got 0"):
        PolynomialDensity(0)
    with pytest.raises(InputTypeError, match="degree must be an integer"):
        PolynomialDensity(1.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="basis must be one of 'legendre', 'monomial'"):
        PolynomialDensity(2, basis="fourier")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="n_nodes must be an integer >= 20"):
        PolynomialDensity(5, n_nodes=10)
    with pytest.raises(InputTypeError, match="bounds must be a pair"):
        PolynomialDensity(2, bounds="0,1")
    with pytest.raises(InputError, match="basis must be 'legendre' for degree 6"):
        PolynomialDensity(6, bounds=(1000, 1001), basis="monomial").mean(np.zeros(6))
    with pytest.raises(SupportError, match=r"must lie in \[0, 1\]; 1 of 3 rows do not, rows 1 \(values 1.2\)"):
        PolynomialDensity(2).encode([0.1, 1.2, 0.9])


def test_repr_leaves_defaults_out() -> None:
    assert repr(PolynomialDensity(3)) == "PolynomialDensity(3)"
    assert repr(PolynomialDensity(3, bounds=(0, 2), basis="monomial", n_nodes=100)) == (
        "PolynomialDensity(3, bounds=(0.0, 2.0), basis='monomial', n_nodes=100)"
    )
