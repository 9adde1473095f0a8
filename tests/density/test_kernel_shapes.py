"""Constants of the kernels: integrals in closed form, by quadrature and in 50 digits; bad input."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_t

from infostat.core.errors import InputError, InputTypeError
from infostat.density.evaluation import log_density
from infostat.density.kernel_shapes import KERNELS, check_kernel, kernel_profile, log_constant

SHAPES = [(name, 0.7 if name == "student" else None) for name in KERNELS]


@pytest.mark.parametrize(("kernel", "kappa"), SHAPES)
@pytest.mark.parametrize("d", [1, 2, 3, 8])
def test_kernels_integrate_to_one(kernel, kappa, d):
    h = 0.4
    # The surface of the sphere of radius r times the density at distance r of a single point.
    surface = math.log(2.0) + 0.5 * d * math.log(math.pi) - math.lgamma(0.5 * d)

    def shell(t):
        r = t / (1.0 - t)
        q = np.zeros((1, d))
        q[0, 0] = r
        value = log_density(np.zeros((1, d)), q, h, kernel=kernel, kappa=kappa)[0]
        return math.exp(value + surface + (d - 1) * math.log(r)) / (1.0 - t) ** 2 if r > 0.0 else 0.0

    reach = h * math.sqrt(d)
    edge = reach / (1.0 + reach)
    inside = quad(shell, 0.0, edge, epsabs=1e-10, epsrel=1e-10, limit=200)[0]
    outside = quad(shell, edge, 1.0, epsabs=1e-10, epsrel=1e-10, limit=200)[0]
    assert inside + outside == pytest.approx(1.0, abs=1e-8)
    if kernel not in ("gaussian", "student"):
        assert outside == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("d", [1, 3, 30, 1000, 10_000])
@pytest.mark.parametrize(("kernel", "kappa"), [*SHAPES, ("student", 1e-3), ("student", 1e5)])
def test_constants_in_fifty_digits(kernel, kappa, d):
    h = 0.37
    with mpmath.workdps(50):
        half, width = mpmath.mpf(d) / 2, mpmath.mpf(h)
        if kernel == "gaussian":
            exact = -half * mpmath.log(2 * mpmath.pi * width**2)
        elif kernel == "student":
            nu = mpmath.mpf(kappa) * d
            exact = mpmath.loggamma((nu + d) / 2) - mpmath.loggamma(nu / 2)
            exact -= half * mpmath.log(nu * mpmath.pi * width**2)
        else:
            k = kernel_profile(kernel, d, None)[0].power
            exact = mpmath.loggamma(half + k + 1) - mpmath.loggamma(k + 1) - half * mpmath.log(mpmath.pi * width**2 * d)
        expected = float(exact)
    # Twice the digits of a double on the two largest terms, d log h and d log(2 pi)/2.
    assert log_constant(kernel, d, h, kappa) == pytest.approx(expected, rel=1e-14, abs=1e-15 * d + 1e-15)


def test_student_is_the_multivariate_t_law_and_tends_to_the_gaussian():
    g = np.random.default_rng(0)
    X, Q, h = g.standard_normal((1, 3)), g.standard_normal((20, 3)), 0.6
    law = multivariate_t(X[0], h * h * np.eye(3), df=1.2 * 3)
    np.testing.assert_allclose(log_density(X, Q, h, kernel="student", kappa=1.2), law.logpdf(Q), rtol=1e-12)
    # The difference of the logs is (u^2 - 2 u d - d^2...)/(4 kappa d) + ...; here u = r^2/h^2 < 60.
    wide = log_density(X, Q, h, kernel="student", kappa=1e9)
    np.testing.assert_allclose(wide, log_density(X, Q, h), rtol=0, atol=60.0**2 / (4.0 * 3.0 * 1e9) + 1e-11)


def test_bandwidths_scale_the_constant():
    for kernel, kappa in SHAPES:
        found = log_constant(kernel, 5, np.array([1.0, 2.0]), kappa)
        assert found[0] - found[1] == pytest.approx(5.0 * math.log(2.0), rel=1e-14)


def test_profiles_and_widths():
    assert kernel_profile("gaussian", 9, None)[1] == 1.0
    assert kernel_profile("student", 8, 0.5) == (kernel_profile("student", 8, 0.5)[0], 2.0)
    assert kernel_profile("student", 8, 0.5)[0].power == 6.0
    assert [kernel_profile(name, 9, None)[0].power for name in KERNELS[2:]] == [0.0, 1.0, 2.0]


def test_bad_arguments():
    with pytest.raises(InputError, match=r"kernel must be one of 'gaussian', .*got 'box'"):
        check_kernel("box", None)
    with pytest.raises(InputError, match=r'kappa must be a number > 0 with kernel="student", got None; kappa times d'):
        check_kernel("student", None)
    with pytest.raises(InputError, match=r'kappa must be None with kernel="uniform", got 2.0; leave it out'):
        check_kernel("uniform", 2.0)
    with pytest.raises(InputError, match=r"kappa must be a number > 0, got -1"):
        check_kernel("student", -1)
    with pytest.raises(InputTypeError, match=r"kappa must be a number > 0, got 'much'"):
        check_kernel("student", "much")
    with pytest.raises(InputError, match=r"d must be an integer >= 1"):
        log_constant("gaussian", 0, 1.0)
    with pytest.raises(InputError, match=r"h must be a number > 0"):
        log_constant("gaussian", 2, 0.0)
