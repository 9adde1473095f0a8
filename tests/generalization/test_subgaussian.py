"""Sub-Gaussian constants: worked number, the defining inequality and its sharpness, limits."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError, InputTypeError
from infostat.generalization.subgaussian import subgaussian_sigma

quick = settings(max_examples=60, deadline=None)


def test_worked_number() -> None:
    assert subgaussian_sigma("bernoulli", p=0.2) == pytest.approx(0.465192708599, abs=5e-13)


@pytest.mark.parametrize("p", [1e-300, 1e-20, 1e-6, 0.1, 0.25, 0.4, 0.4999, 0.5 - 1e-5, 0.5 - 1e-9, 0.5 + 1e-6, 0.9])
def test_bernoulli_in_fifty_digits(p: float) -> None:
    with mpmath.workdps(50):
        m = mpmath.mpf(p)
        sigma = float(mpmath.sqrt((1 - 2 * m) / (2 * mpmath.log((1 - m) / m))))
    assert subgaussian_sigma("bernoulli", p=p) == pytest.approx(sigma, rel=1e-15)


def test_bernoulli_ends_and_symmetry() -> None:
    np.testing.assert_array_equal(subgaussian_sigma("bernoulli", p=[0.0, 0.5, 1.0]), [0.0, 0.5, 0.0])
    p = np.array([0.1, 0.25, 0.375])
    mirror = subgaussian_sigma("bernoulli", p=1 - p)
    np.testing.assert_allclose(subgaussian_sigma("bernoulli", p=p), mirror, rtol=1e-15)  # 1 - 0.1 is rounded


@quick
@given(p=st.floats(0.001, 0.999), t=st.floats(-20.0, 20.0))
def test_the_defining_inequality(p: float, t: float) -> None:
    sigma = subgaussian_sigma("bernoulli", p=p)
    cgf = float(np.logaddexp(math.log1p(-p) - t * p, math.log(p) + t * (1 - p)))
    assert cgf <= sigma**2 * t**2 / 2 + 1e-13


@pytest.mark.parametrize("p", [0.01, 0.2, 0.45])
def test_it_is_the_best_constant(p: float) -> None:
    """Equality holds at t = 2 log((1-p)/p), so a smaller sigma would fail there."""
    t = 2 * math.log((1 - p) / p)
    cgf = float(np.logaddexp(math.log1p(-p) - t * p, math.log(p) + t * (1 - p)))
    assert cgf == pytest.approx(subgaussian_sigma("bernoulli", p=p) ** 2 * t**2 / 2, rel=1e-13)


def test_other_kinds() -> None:
    assert subgaussian_sigma("bounded", low=-1, high=3) == 2.0
    assert subgaussian_sigma("normal", std=0.7) == 0.7
    assert subgaussian_sigma("zero_one") == 0.5
    np.testing.assert_array_equal(subgaussian_sigma("bounded", low=0.0, high=[1.0, 2.0]), [0.5, 1.0])
    assert subgaussian_sigma("bounded", low=-1e308, high=1e308) == 1e308


def test_bad_input() -> None:
    with pytest.raises(InputError, match="cgf_inverse_bound"):
        subgaussian_sigma("squared")
    with pytest.raises(InputError, match="clip the loss"):
        subgaussian_sigma("cross_entropy")
    with pytest.raises(InputError, match="kind must be one of 'bounded', 'normal', 'bernoulli', 'zero_one'"):
        subgaussian_sigma("gauss")
    with pytest.raises(InputError, match="needs p, got none"):
        subgaussian_sigma("bernoulli")
    with pytest.raises(InputError, match="needs low and high, got low, p"):
        subgaussian_sigma("bounded", low=0.0, p=0.3)
    with pytest.raises(InputError, match=r"p must be a number in \[0, 1\], got 1.5"):
        subgaussian_sigma("bernoulli", p=1.5)
    with pytest.raises(InputError, match="std must be positive, got 0.0"):
        subgaussian_sigma("normal", std=0.0)
    with pytest.raises(InputError, match="high - low must be positive"):
        subgaussian_sigma("bounded", low=1.0, high=1.0)
    with pytest.raises(InputTypeError, match="p must be an array of real numbers"):
        subgaussian_sigma("bernoulli", p="half")
