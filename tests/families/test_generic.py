"""Generic families: against families with closed forms, shapes of statistics, hulls of nodes, bad input."""

from __future__ import annotations

import numpy as np
import pytest

from infostat.core.errors import (
    BoundaryProjectionError,
    CollinearStatisticsError,
    ConstantStatisticError,
    InputError,
    InputTypeError,
)
from infostat.families.finite_support import FiniteSupport
from infostat.families.generic import GenericFamily
from infostat.families.normal import Normal
from infostat.families.polynomial import PolynomialDensity

GRID = np.linspace(0.0, 1.0, 21)


def _first(x: np.ndarray) -> np.ndarray:
    return x[:, 0]


def _powers(x: np.ndarray) -> np.ndarray:
    return np.column_stack([x[:, 0], x[:, 0] ** 2])


# --------------------------------------------------------------- known families
def test_a_finite_support() -> None:
    points = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, -1.0], [4.0, 0.5], [3.0, 3.0]])
    log_base = np.array([0.1, -0.5, 0.0, 0.3, 1.0])
    generic = GenericFamily(lambda x: x, nodes=points, log_weights=log_base)
    finite = FiniteSupport(points, log_base=log_base)
    theta = np.array([0.3, -0.7])
    assert generic.log_partition(theta) == pytest.approx(finite.log_partition(theta), rel=1e-13)
    for order in (1, 2, 3, 4):
        np.testing.assert_allclose(generic.cumulants(theta, order), finite.cumulants(theta, order), atol=1e-11)
    # The base measure of the finite support is part of its density; here it belongs to the nodes.
    np.testing.assert_allclose(generic.logpdf(points, theta) + log_base, finite.logpdf(points, theta), atol=1e-12)
    np.testing.assert_allclose(generic.project(finite.mean(theta)), theta, atol=1e-10)


def test_no_weights_is_counting_measure() -> None:
    family = GenericFamily(lambda x: x, nodes=[0, 1, 2])
    assert family.log_partition([0.0]) == pytest.approx(np.log(3.0), rel=1e-15)
    assert np.exp(family.logpdf([0, 1, 2], [0.4])).sum() == pytest.approx(1.0, rel=1e-14)


def test_a_quadrature_rule_is_the_normal_family() -> None:
    t, w = np.polynomial.legendre.leggauss(300)
    family = GenericFamily(_powers, nodes=20.0 * t, log_weights=np.log(20.0 * w) - 0.5 * np.log(2 * np.pi))
    normal = Normal()
    theta = normal.natural(mean=0.7, var=2.0)
    assert family.log_partition(theta) == pytest.approx(normal.log_partition(theta), rel=1e-12)
    for order in (1, 2, 3, 4):
        np.testing.assert_allclose(family.cumulants(theta, order), normal.cumulants(theta, order), atol=1e-9)
    np.testing.assert_allclose(family.project(normal.mean(theta)), theta, rtol=1e-10)


def test_a_quadrature_rule_is_the_polynomial_density() -> None:
    t, w = np.polynomial.legendre.leggauss(120)
    family = GenericFamily(_powers, nodes=0.5 * (1.0 + t), log_weights=np.log(0.5 * w))
    polynomial = PolynomialDensity(2, basis="monomial")
    x = np.random.default_rng(1).beta(2.0, 3.0, 100)  # none of them a node
    eta = polynomial.statistic(x).mean(axis=0)
    np.testing.assert_allclose(family.project(eta), polynomial.project(eta), rtol=1e-9)
    theta = family.project(eta)
    np.testing.assert_allclose(family.logpdf(x, theta), polynomial.logpdf(x, theta), atol=1e-11)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scales_of_statistics_do_not_matter(scale: float) -> None:
    x = np.random.default_rng(2).uniform(0.1, 0.9, 50)
    plain = GenericFamily(_powers, nodes=GRID)
    scaled = GenericFamily(lambda rows: _powers(rows) * [1.0, scale], nodes=GRID)
    weights = np.full(50, 0.02)
    one, two = plain.fit(x, weights), scaled.fit(x, weights)
    np.testing.assert_allclose(two.theta * [1.0, scale], one.theta, rtol=1e-8)
    np.testing.assert_allclose(two.whitened.third(), one.whitened.third(), atol=1e-8)


# ------------------------------------------------------------------------ shapes
@pytest.mark.parametrize(
    "statistic",
    [
        lambda x: np.stack([x, x**2], axis=1),
        lambda x: np.stack([x, x**2], axis=-1),
        lambda x: np.array([x, x**2]).T,
        lambda x: [[v[0], v[0] ** 2] for v in x],
    ],
)
def test_axes_of_length_one_are_dropped(statistic) -> None:
    family = GenericFamily(statistic, nodes=GRID)
    assert family.n_params() == 2
    np.testing.assert_allclose(family.statistic([0.5, 0.2]), [[0.5, 0.25], [0.2, 0.04]])
    np.testing.assert_allclose(family.statistic([0.5]), [[0.5, 0.25]])


def test_one_statistic_may_be_a_vector() -> None:
    family = GenericFamily(_first, nodes=GRID)
    assert family.n_params() == 1
    np.testing.assert_allclose(family.statistic([0.5, 0.2]), [[0.5], [0.2]])
    assert family.n_columns == GenericFamily(_first, nodes=GRID[:, None]).n_columns == 1


def test_nodes_without_weight_are_left_out() -> None:
    log_weights = np.where(GRID > 0.5, -np.inf, 0.0)
    family = GenericFamily(_first, nodes=GRID, log_weights=log_weights)
    assert family == GenericFamily(_first, nodes=GRID, log_weights=log_weights)
    assert family.nodes([0.3]).points.max() == 0.5
    with pytest.raises(BoundaryProjectionError):
        family.project([0.6])


# --------------------------------------------------------------------- existence
def test_the_direction_out_of_the_hull_is_named() -> None:
    family = GenericFamily(_powers, nodes=GRID)
    with pytest.raises(BoundaryProjectionError, match=r"boundary .* v = xi1"):
        family.project([1.0, 1.0])
    # All data at one node: a vertex of the hull of (x, x^2).
    with pytest.raises(BoundaryProjectionError, match="boundary of the convex support"):
        family.fit(np.full(5, GRID[6]), np.full(5, 0.2))
    with pytest.raises(BoundaryProjectionError, match="outside the convex support"):
        family.project([0.5, 0.9])
    with pytest.raises(BoundaryProjectionError, match="outside the convex support"):
        family.project([3.0, 9.0])


# --------------------------------------------------------------------- bad input
def test_statistics_that_repeat_each_other_are_named() -> None:
    dependent = lambda x: np.column_stack([x[:, 0], np.exp(x[:, 0]), 2.0 - 3.0 * x[:, 0]])  # noqa: E731
    with pytest.raises(CollinearStatisticsError, match="dependent set: xi1, xi3"):
        GenericFamily(dependent, nodes=GRID)
    with pytest.raises(ConstantStatisticError, match="constant: xi2"):
        GenericFamily(lambda x: np.column_stack([x[:, 0], np.ones(len(x))]), nodes=GRID)
    with pytest.raises(CollinearStatisticsError, match=r"\(3 nodes, 3 statistics\)"):
        GenericFamily(lambda x: np.column_stack([x[:, 0] ** k for k in (1, 2, 3)]), nodes=[0.0, 0.5, 1.0])


def test_collinear_under_the_fitted_law() -> None:
    """Powers that nodes on [0, 1] tell apart are nearly linear where narrow data put the law."""
    powers = lambda x: np.column_stack([x[:, 0] ** k for k in range(1, 6)])  # noqa: E731
    family = GenericFamily(powers, nodes=np.linspace(0.0, 1.0, 4001))
    x = 0.5 + 0.003 * np.random.default_rng(0).uniform(-1.0, 1.0, 200)
    with pytest.raises((CollinearStatisticsError, BoundaryProjectionError), match="dependent set|no parameter"):
        family.fit(x, np.full(200, 1.0 / 200))


@pytest.mark.parametrize(
    ("statistic", "words"),
    [
        (lambda x: np.ones((3, 2)), "map 21 rows to an array of shape"),
        (lambda x: np.ones((2, len(x), 3)), "map 21 rows to an array of shape"),
        (lambda x: 1.0, "map 21 rows to an array of shape"),
        (lambda x: np.column_stack([x, np.where(x > 0.5, np.nan, x**2)]), "must be finite, got NaN"),
    ],
)
def test_statistics_of_wrong_shape(statistic, words: str) -> None:
    with pytest.raises(InputError, match=words):
        GenericFamily(statistic, nodes=GRID)


def test_arguments_are_checked() -> None:
    with pytest.raises(InputTypeError, match="statistic must be a function"):
        GenericFamily("x", nodes=GRID)  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match=r"statistic\(x\) must be an array of real numbers"):
        GenericFamily(lambda x: "a", nodes=GRID)  # type: ignore[arg-type,return-value]
    with pytest.raises(InputError, match="nodes must hold at least two points"):
        GenericFamily(_first, nodes=[1.0])
    with pytest.raises(InputError, match="nodes must be finite"):
        GenericFamily(_first, nodes=[1.0, np.nan])
    with pytest.raises(InputError, match=r"log_weights must have one entry per node \(21\)"):
        GenericFamily(_first, nodes=GRID, log_weights=[0.0])
    for bad in (np.nan, np.inf):
        with pytest.raises(InputError, match="log_weights must be finite"):
            GenericFamily(_first, nodes=GRID, log_weights=np.full(21, bad))
    with pytest.raises(InputError, match="log_weights must be finite, or -inf"):
        GenericFamily(_first, nodes=GRID, log_weights=np.full(21, -np.inf))
    plane = GenericFamily(lambda x: x, nodes=np.eye(3)[:, :2])
    with pytest.raises(InputError, match=r"shape \(m, 2\)"):
        plane.encode(np.ones((4, 3)))
    assert repr(GenericFamily(_powers, nodes=GRID)) == "GenericFamily(_powers, 21 nodes, p=2)"


def test_a_statistic_that_fails_on_data() -> None:
    family = GenericFamily(lambda x: np.where(x > 1.0, np.nan, x), nodes=GRID)
    with pytest.raises(InputError, match=r"NaN or infinite values at 1 of 2 points, first at \[1.5\]"):
        family.statistic([0.5, 1.5])
