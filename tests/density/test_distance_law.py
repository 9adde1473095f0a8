"""Law of the squared distance: Bessel functions, distribution function, Gauss rule."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from scipy import stats

from infostat.density.distance_law import distance_law, log_bessel_i, log_ncx2_density, squared_norm_rule


@pytest.mark.parametrize("order", [-0.5, 0.0, 0.5, 4.0, 14.5, 15.0, 29.0, 499.0])
def test_bessel_functions_to_twelve_digits(order: float) -> None:
    z = max(order, 1.0) * np.array([1e-9, 1e-3, 0.2, 1.0, 3.0, 40.0])
    with mpmath.workdps(40):
        exact = [float(mpmath.log(mpmath.besseli(order, mpmath.mpf(v)))) for v in z]
    np.testing.assert_allclose(log_bessel_i(order, np.log(z)), exact, rtol=1e-12, atol=1e-12)


def test_bessel_function_of_an_argument_that_underflows() -> None:
    # I_v(z) -> (z/2)^v / Gamma(v + 1)
    log_z = np.array([-900.0])
    expected = 2.5 * (log_z - math.log(2)) - math.lgamma(3.5)
    np.testing.assert_allclose(log_bessel_i(2.5, log_z), expected, rtol=1e-14)


@pytest.mark.parametrize(("d", "nc"), [(1, 0.0), (1, 4.0), (2, 0.5), (5, 12.0), (20, 20.0), (60, 30.0)])
def test_against_scipy_where_it_works(d: int, nc: float) -> None:
    law = stats.ncx2(d, nc) if nc else stats.chi2(d)
    r = law.ppf([1e-4, 0.01, 0.3, 0.9, 0.999])
    np.testing.assert_allclose(log_ncx2_density(np.log(r), d, nc), law.logpdf(r) + np.log(r), rtol=1e-9, atol=1e-9)
    table = distance_law(d, nc, math.log(1e4))
    log_cdf, log_slope = table.evaluate(np.log(r))
    np.testing.assert_allclose(np.exp(log_cdf), law.cdf(r), rtol=1e-7)
    np.testing.assert_allclose(np.exp(log_slope), law.pdf(r) * r / law.cdf(r), rtol=1e-6)
    np.testing.assert_allclose(table.quantile(np.log(law.cdf(r))), np.log(r), atol=1e-7)


def test_deep_tail_against_high_precision() -> None:
    """At d = 40 and R = 1, F is about e^-75: compare with the Poisson mixture of chi-square laws."""
    d, nc, r = 40, 40.0, 1.0
    with mpmath.workdps(40):
        terms = (
            mpmath.exp(-nc / 2) * mpmath.mpf(nc / 2) ** j / mpmath.factorial(j)
            * mpmath.gammainc(mpmath.mpf(d) / 2 + j, 0, r / 2, regularized=True)
            for j in range(60)
        )
        exact = float(mpmath.log(mpmath.fsum(terms)))
    got = distance_law(d, nc, 90.0).evaluate(np.array([math.log(r)]))[0][0]
    assert exact < -70
    assert got == pytest.approx(exact, abs=1e-7)


@pytest.mark.parametrize("d", [1, 2, 7, 400, 2000])
def test_rule_of_the_squared_norm_has_the_moments_of_chi_square(d: int) -> None:
    nodes, weights = squared_norm_rule(d, 34)
    assert weights @ np.ones_like(nodes) == pytest.approx(1.0, abs=1e-12)
    assert weights @ nodes == pytest.approx(d, rel=1e-9)
    assert weights @ nodes**2 == pytest.approx(d * (d + 2), rel=1e-9)
    # E exp(-R/2) = 2^(-d/2), relatively hard for a rule made for polynomials
    if d <= 7:
        assert weights @ np.exp(-nodes / 2) == pytest.approx(2 ** (-d / 2), rel=1e-5)
