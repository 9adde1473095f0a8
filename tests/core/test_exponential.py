"""The compiled exponential against the library's."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from infostat.core.exponential_kernels import HIGHEST, LOWEST, exp_array


def test_every_size_agrees_with_numpy():
    x = np.concatenate((np.linspace(LOWEST, HIGHEST, 100_001), np.linspace(-1e-3, 1e-3, 1001)))
    fast, plain = x.copy(), x.copy()
    exp_array(fast)
    exp_array.twin(plain)
    assert np.abs(fast / plain - 1.0).max() < 1e-15


@pytest.mark.parametrize("x", [-708.0, -37.3, -1e-9, 0.0, 0.34, 1.0, 200.5, 709.0])
def test_against_many_digits(x):
    value = np.array([x])
    exp_array(value)
    assert abs(mpmath.mpf(float(value[0])) / mpmath.exp(mpmath.mpf(x)) - 1) < 5e-16


def test_beyond_the_range_is_clamped():
    outside = np.array([-1e300, -709.0, 800.0])
    clamped = outside.copy()
    exp_array(outside)
    exp_array.twin(clamped)
    assert outside == pytest.approx(clamped, rel=1e-14)
