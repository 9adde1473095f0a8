"""Von Mises family from the uniform law to a needle."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from infostat.core.errors import BoundaryProjectionError, InputError
from infostat.families.vonmises import VonMises, concentration, mean_resultant_gap

mpmath.mp.dps = 80
KAPPAS = [1e-6, 0.1, 1.0, 5.0, 19.0, 21.0, 29.99, 30.0, 100.0, 1e4, 1e8]


def _ratio(order: int, kappa: mpmath.mpf) -> mpmath.mpf:
    return mpmath.besseli(order, kappa) / mpmath.besseli(0, kappa)


def _frame_oracle(kappa: float) -> tuple[float, float, float, float]:
    """Variances of sin and cos, standardised k(s, s, c) and k(c, c, c)."""
    k = mpmath.mpf(kappa)
    r1, r2, r3 = (_ratio(order, k) for order in (1, 2, 3))
    var_s, var_c = (1 - r2) / 2, (1 + r2) / 2 - r1**2
    # s^2 c = (cos phi - cos 3 phi)/4, c^3 = (3 cos phi + cos 3 phi)/4.
    ssc = (r1 - r3) / 4 - r1 * var_s
    ccc = (3 * r1 + r3) / 4 - 3 * r1 * (1 + r2) / 2 + 2 * r1**3
    return float(var_s), float(var_c), float(ssc / (var_s * mpmath.sqrt(var_c))), float(ccc / var_c**1.5)


@pytest.mark.parametrize("kappa", KAPPAS)
def test_mean_resultant_gap(kappa: float) -> None:
    exact = 1 - _ratio(1, mpmath.mpf(kappa))
    assert mean_resultant_gap(kappa) == pytest.approx(float(exact), rel=5e-14)


@pytest.mark.parametrize("kappa", KAPPAS)
def test_concentration(kappa: float) -> None:
    length = _ratio(1, mpmath.mpf(kappa))
    found, n_iter = concentration(float(1 - length), float(length))
    # For small kappa only the length, for large kappa only the gap carries the digits;
    # between, the slope of either is of order one.
    assert found == pytest.approx(kappa, rel=5e-13)
    assert n_iter <= 8


@pytest.mark.parametrize("kappa", KAPPAS)
def test_whitened_view(kappa: float) -> None:
    family = VonMises()
    view = family.whitened(family.natural(mu=0.7, kappa=kappa))
    var_s, var_c, ssc, ccc = _frame_oracle(kappa)
    third = view.third()
    assert third[0, 0, 1] == pytest.approx(ssc, rel=1e-11, abs=1e-12)
    assert third[1, 1, 1] == pytest.approx(ccc, rel=1e-11, abs=1e-12)
    assert abs(third[0, 0, 0]) + abs(third[0, 1, 1]) < 1e-12
    phi = 0.3 / math.sqrt(1.0 + kappa)
    mean_c = -mean_resultant_gap(kappa)
    expected = [math.sin(phi) / math.sqrt(var_s), (-2 * math.sin(phi / 2) ** 2 - mean_c) / math.sqrt(var_c)]
    # The angle 0.7 + phi is rounded at 1e-16, which is 1e-12 of phi at kappa = 1e8.
    np.testing.assert_allclose(view.rows(np.array([0.7 + phi]))[0], expected, rtol=1e-11)


@pytest.mark.parametrize("kappa", KAPPAS)
def test_mean_and_log_partition(kappa: float) -> None:
    family = VonMises()
    theta = family.natural(mu=-2.0, kappa=kappa)
    length = float(_ratio(1, mpmath.mpf(kappa)))
    direction = np.array([math.cos(-2.0), math.sin(-2.0)])
    np.testing.assert_allclose(family.mean(theta), length * direction, rtol=1e-14)
    exact = mpmath.log(2 * mpmath.pi * mpmath.besseli(0, mpmath.mpf(kappa)))
    assert family.log_partition(theta) == pytest.approx(float(exact), rel=1e-14)


def test_uniform_law() -> None:
    family = VonMises()
    theta = family.natural(mu=1.0, kappa=0.0)
    np.testing.assert_array_equal(theta, [0.0, 0.0])
    np.testing.assert_array_equal(family.mean(theta), [0.0, 0.0])
    np.testing.assert_allclose(family.cov(theta), 0.5 * np.eye(2), atol=1e-14)
    np.testing.assert_array_equal(family.project([0.0, 0.0]), [0.0, 0.0])
    assert family.logpdf([2.0], theta)[0] == pytest.approx(-math.log(2 * math.pi), rel=1e-15)


def test_angles_in_any_turn_are_the_same() -> None:
    family = VonMises()
    theta = family.natural(mu=1.0, kappa=3.0)
    x = np.linspace(-3.0, 3.0, 7)
    np.testing.assert_allclose(family.logpdf(x + 4 * math.pi, theta), family.logpdf(x, theta), rtol=1e-13)
    weights = np.full(7, 1 / 7)
    near, far = family.fit(x, weights), family.fit(x - 2 * math.pi, weights)
    np.testing.assert_allclose(near.theta, far.theta, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("spread", [1e-3, 1e-6])
def test_fit_of_nearly_equal_angles(spread: float) -> None:
    family = VonMises()
    x = 0.5 + spread * np.array([-1.0, 0.0, 1.0])
    fit = family.fit(x, np.full(3, 1 / 3))
    angles = [mpmath.mpf(v) for v in x.tolist()]
    c, s = (mpmath.fsum(map(f, angles)) / 3 for f in (mpmath.cos, mpmath.sin))
    gap = 1 - mpmath.sqrt(c**2 + s**2)
    kappa = concentration(float(gap), float(1 - gap))[0]
    # The mean direction is known to about 1e-16, a part 1e-16/spread of the deviations, squared.
    assert family.params(fit.theta)["kappa"] == pytest.approx(kappa, rel=1e-9)


@pytest.mark.parametrize("eta", [[1.0, 0.0], [0.8, 0.6], [2.0, 0.0]])
def test_resultant_of_length_one(eta: list[float]) -> None:
    with pytest.raises(BoundaryProjectionError, match="resultant length"):
        VonMises().project(eta)


def test_negative_concentration() -> None:
    with pytest.raises(InputError, match="kappa must be a number >= 0"):
        VonMises().natural(mu=0.0, kappa=-1.0)
