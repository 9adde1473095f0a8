"""Cancellation-free special functions against mpmath."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from scipy.special import digamma

from infostat.families.specials import (
    inverse_digamma,
    polygamma_drop,
    polygamma_excess,
    ratio_gap,
    stirling_excess,
)

mpmath.mp.dps = 60
ARGUMENTS = [1e-6, 0.01, 0.7, 3.0, 15.999, 16.0, 40.0, 1e4, 1e10]


@pytest.mark.parametrize("a", ARGUMENTS)
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_polygamma_excess(order: int, a: float) -> None:
    x = mpmath.mpf(a)
    leading = mpmath.log(x) if order == 0 else (-1) ** (order + 1) * mpmath.factorial(order - 1) / x**order
    exact = mpmath.polygamma(order, x) - leading
    # Below 16 the difference loses up to a factor 2a of a rounding error of scipy's polygamma.
    assert float(polygamma_excess(order, a)) == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize(
    ("a", "shift"), [(1e-3, 1e6), (1e6, 1e-3), (2.0, 3.0), (1e6, 2e6), (40.0, 1e-2), (0.1, 0.1)]
)
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_polygamma_drop(order: int, a: float, shift: float) -> None:
    x, y = mpmath.mpf(a), mpmath.mpf(shift)
    exact = mpmath.polygamma(order, x) - mpmath.polygamma(order, x + y)
    # The parts left after the leading terms are smaller by 1/a and known to eps: eps/shift in total.
    found = polygamma_drop(order, np.array([a]), np.array([shift]))
    assert float(found[0]) == pytest.approx(float(exact), rel=1e-14 * max(1.0, 1.0 / shift))


def test_stirling_excess() -> None:
    x = np.array(ARGUMENTS)
    exact = [
        float(mpmath.loggamma(a) - (a - 0.5) * mpmath.log(a) + a - mpmath.log(2 * mpmath.pi) / 2)
        for a in map(mpmath.mpf, ARGUMENTS)
    ]
    # Below 16 the terms are at most 45, the remainder at least 1/192.
    np.testing.assert_allclose(stirling_excess(x), exact, rtol=5e-12)


@pytest.mark.parametrize("u", [-1 + 1e-12, -0.9, -0.25, -0.2499, -1e-3, 1e-9, 0.2, 0.25, 5.0, 1e8])
def test_ratio_gap(u: float) -> None:
    m = 3.0
    x = m * (1.0 + u)
    ratio = mpmath.mpf(x) / mpmath.mpf(m)
    exact = ratio - 1 - mpmath.log(ratio)
    assert float(ratio_gap(np.array([x]), m)[0]) == pytest.approx(float(exact), rel=2e-14)


def test_ratio_gap_vanishes_only_at_equality() -> None:
    assert ratio_gap(np.array([7.0]), 7.0)[0] == 0.0
    assert ratio_gap(np.array([np.nextafter(7.0, 8.0)]), 7.0)[0] > 0.0
    assert math.isclose(ratio_gap(np.array([5e-324]), 1.0)[0], 1074 * math.log(2) - 1, rel_tol=1e-14)


@pytest.mark.parametrize("a", [1e-8, 1e-3, 0.3, 1.0, 1.4616, 10.0, 1e6])
def test_inverse_digamma(a: float) -> None:
    found = float(inverse_digamma(digamma(np.array([a])))[0])
    # digamma(a) carries the relative error eps, which its slope turns into an error of a.
    assert found == pytest.approx(a, rel=1e-13 * max(1.0, abs(math.log(a))))
