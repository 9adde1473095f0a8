"""Inverses of the binary divergence against 50-digit bisection, closed ends, monotonicity."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError
from infostat.generalization.kl_inverses import kl_inverse_lower, kl_inverse_upper

rates, levels = st.floats(0.0, 1.0), st.floats(0.0, 50.0)
quick = settings(max_examples=60, deadline=None)


def _kl(q: mpmath.mpf, p: mpmath.mpf) -> mpmath.mpf:
    return sum(a * mpmath.log(a / b) if a else mpmath.mpf(0) for a, b in ((q, p), (1 - q, 1 - p)))


def _oracle(q: float, c: float, upper: bool) -> float:
    """End of the interval by bisection in 50 digits."""
    with mpmath.workdps(50):
        rate, level = mpmath.mpf(q), mpmath.mpf(c)
        inside, outside = rate, mpmath.mpf(1 if upper else 0)
        for _ in range(160):
            middle = (inside + outside) / 2
            if middle in (0, 1) or _kl(rate, middle) > level:
                outside = middle
            else:
                inside = middle
        return float(inside)


def test_worked_number() -> None:
    assert kl_inverse_upper(0.1, 0.1) == pytest.approx(0.282379139456, abs=5e-13)


@pytest.mark.parametrize("q", [1e-300, 1e-20, 1e-6, 0.1, 0.5, 0.9, 1 - 1e-9, 1 - 2**-53])
@pytest.mark.parametrize("c", [1e-40, 1e-17, 1e-15, 1e-6, 0.1, 1.0, 20.0, 300.0])
def test_ends_in_fifty_digits(q: float, c: float) -> None:
    """Trap 11: tiny c, and q close to 0 and 1; the promise is 1e-12, met with room."""
    assert kl_inverse_upper(q, c) == pytest.approx(_oracle(q, c, True), abs=1e-15)
    assert kl_inverse_lower(q, c) == pytest.approx(_oracle(q, c, False), abs=1e-15)


@pytest.mark.parametrize("c", [0.0, 1e-300, 1e-16, 1e-3, 2.0, 800.0])
def test_closed_forms_at_zero_and_one(c: float) -> None:
    assert kl_inverse_upper(0.0, c) == -math.expm1(-c)
    assert kl_inverse_lower(1.0, c) == math.exp(-c)
    assert kl_inverse_upper(1.0, c) == 1.0
    assert kl_inverse_lower(0.0, c) == 0.0


def test_no_and_infinite_divergence() -> None:
    q = np.array([0.0, 1e-9, 0.3, 1.0])
    np.testing.assert_array_equal(kl_inverse_upper(q, 0.0), q)
    np.testing.assert_array_equal(kl_inverse_lower(q, 0.0), q)
    np.testing.assert_array_equal(kl_inverse_upper(q, math.inf), 1.0)
    np.testing.assert_array_equal(kl_inverse_lower(q, math.inf), 0.0)


def test_shapes() -> None:
    out = kl_inverse_upper([0.1, 0.2, 0.3], [[0.1], [0.2]])
    assert out.shape == (2, 3)
    assert out[1, 2] == kl_inverse_upper(0.3, 0.2)
    assert isinstance(kl_inverse_upper(0.3, 0.2), float)
    assert isinstance(kl_inverse_lower(0.3, 0.2), float)


@quick
@given(q=rates, c=levels)
def test_lower_is_the_mirror_of_upper(q: float, c: float) -> None:
    assert kl_inverse_lower(q, c) == pytest.approx(1 - kl_inverse_upper(1 - q, c), abs=1e-12)


@quick
@given(q=rates, c=levels, more=st.floats(0.0, 5.0))
def test_interval_holds_q_and_grows_with_c(q: float, c: float, more: float) -> None:
    low, high = kl_inverse_lower(q, c), kl_inverse_upper(q, c)
    assert 0.0 <= low <= q <= high <= 1.0
    assert kl_inverse_upper(q, c + more) >= high - 1e-15
    assert kl_inverse_lower(q, c + more) <= low + 1e-15
    # Pinsker: kl(q||p) >= 2 (p - q)^2
    assert high - q <= math.sqrt(c / 2) + 1e-15
    assert q - low <= math.sqrt(c / 2) + 1e-15


@quick
@given(q=st.floats(0.001, 0.999), p=st.floats(0.001, 0.999))
def test_round_trip(q: float, p: float) -> None:
    c = q * math.log(q / p) + (1 - q) * math.log((1 - q) / (1 - p))
    found = kl_inverse_upper(q, max(c, 0.0)) if p >= q else kl_inverse_lower(q, max(c, 0.0))
    # c is a difference of terms near 1e-16 exact; kl has curvature >= 4, so p moves by sqrt(2 eps/4).
    assert found == pytest.approx(p, abs=3e-8)


def test_bad_input() -> None:
    for bad in (-0.1, 1.0001, math.nan):
        with pytest.raises(InputError, match=r"q must be a number in \[0, 1\]"):
            kl_inverse_upper(bad, 0.1)
    for bad in (-0.1, math.nan):
        with pytest.raises(InputError, match="c must be non-negative"):
            kl_inverse_lower(0.1, bad)
    assert kl_inverse_upper(0.2, -1e-12) == 0.2  # rounding of a divergence computed elsewhere
    with pytest.raises(InputError, match="matching shapes"):
        kl_inverse_upper([0.1, 0.2], [0.1, 0.2, 0.3])
    with pytest.raises(InputError, match="q must be at least one number"):
        kl_inverse_upper([], 0.1)
