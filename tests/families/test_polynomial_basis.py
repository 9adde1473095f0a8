"""Legendre products, grids, and the moment matrices behind the existence check."""

from __future__ import annotations

import numpy as np
import pytest

from infostat.families.polynomial_basis import (
    exponents,
    grid,
    monomial_map,
    orthonormal_products,
    positivity_forms,
    product_count,
)

shapes = pytest.mark.parametrize(("d", "degree"), [(1, 1), (1, 7), (2, 1), (2, 4), (3, 3)])


@shapes
def test_products_are_orthonormal_on_the_grid(d: int, degree: int) -> None:
    rule = grid(d, degree, 16)
    assert rule.weights.sum() == pytest.approx(1.0, rel=1e-13)
    assert rule.statistics.shape == (16**d, product_count(d, degree))
    np.testing.assert_allclose(rule.weights @ rule.statistics, 0.0, atol=1e-13)
    gram = rule.statistics.T @ (rule.statistics * rule.weights[:, None])
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_panels_are_exact_for_polynomials_too() -> None:
    rule = grid(1, 3, 6, 5)
    assert rule.axis.shape == (5, 6)
    for power in range(11):
        expected = 0.0 if power % 2 else 1.0 / (power + 1)
        assert rule.weights @ rule.points[:, 0] ** power == pytest.approx(expected, abs=1e-14)


@shapes
def test_monomials_follow_from_products(d: int, degree: int) -> None:
    rng = np.random.default_rng(0)
    centre, half = rng.normal(size=d), rng.uniform(0.5, 2.0, d)
    t = rng.uniform(-1.0, 1.0, (20, d))
    matrix, offset = monomial_map(centre, half, degree)
    x = centre + half * t
    monomials = np.stack([np.prod(x**e, axis=1) for e in exponents(d, degree)], axis=1)
    np.testing.assert_allclose(orthonormal_products(t, degree) @ matrix.T + offset, monomials, rtol=1e-11, atol=1e-11)


@shapes
def test_moment_matrices_of_densities_are_positive(d: int, degree: int) -> None:
    rule = grid(d, degree, 20)
    rng = np.random.default_rng(1)
    for _ in range(5):
        density = rule.weights * rng.gamma(0.3, size=len(rule.weights))
        eta = (density / density.sum()) @ rule.statistics
        assert all(form.smallest(eta)[0] > 0.0 for form in positivity_forms(d, degree))


def test_moment_matrices_are_expectations() -> None:
    """Against the definition: the smallest value of E[w v^2] among v of unit size under the uniform law."""
    points, weights = np.array([-0.5, 0.1, 0.9]), np.array([0.2, 0.5, 0.3])
    eta = weights @ orthonormal_products(points[:, None], 4)
    factors = {
        "1": lambda t: np.ones_like(t),
        "the distance from the lower end": lambda t: 1.0 + t,
        "the distance from the upper end": lambda t: 1.0 - t,
        "the product of the distances from both ends": lambda t: 1.0 - t * t,
    }
    for form in positivity_forms(1, 4):
        value, coefficients = form.smallest(eta)
        w = factors[form.words]
        powers = np.arange(form.half_degree + 1)
        v = lambda t: np.polynomial.legendre.legvander(t, form.half_degree) * np.sqrt(2 * powers + 1) @ coefficients  # noqa: B023, E731
        assert weights @ (w(points) * v(points) ** 2) == pytest.approx(value, abs=1e-12)
        t, gauss = np.polynomial.legendre.leggauss(12)
        assert 0.5 * gauss @ (w(t) * v(t) ** 2) == pytest.approx(1.0, rel=1e-12)


def test_three_points_fill_the_moments_up_to_four_exactly() -> None:
    eta = np.array([0.2, 0.5, 0.3]) @ orthonormal_products(np.array([[-0.5], [0.1], [0.9]]), 5)
    values = [form.smallest(eta)[0] for form in positivity_forms(1, 5)]
    assert min(values) > 1e-6  # index 3 > 5/2
    two = np.array([0.5, 0.5]) @ orthonormal_products(np.array([[-0.5], [0.9]]), 5)
    assert min(form.smallest(two)[0] for form in positivity_forms(1, 5)) == pytest.approx(0.0, abs=1e-14)
