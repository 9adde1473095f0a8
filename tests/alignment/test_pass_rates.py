"""pass@k: exact fractions, enumeration, small and large counts, bad input."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.pass_rates import pass_at_k
from infostat.core.errors import InputError, InputTypeError


def exact(m: int, c: int, k: int) -> Fraction:
    return 1 - Fraction(math.comb(m - c, k), math.comb(m, k))


def test_worked_example() -> None:
    assert pass_at_k(10, 2, 3) == pytest.approx(8 / 15, rel=1e-15)
    assert isinstance(pass_at_k(10, 2, 3), float)


def test_enumeration() -> None:
    correct = {0, 4}
    subsets = [bool(correct & set(part)) for part in combinations(range(7), 3)]
    assert pass_at_k(7, 2, 3) == pytest.approx(sum(subsets) / len(subsets), rel=1e-15)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 60), st.data())
def test_exact_fractions(m: int, data: st.DataObject) -> None:
    c, k = data.draw(st.integers(0, m)), data.draw(st.integers(1, m))
    # At most 60 logarithms, each with one rounding.
    assert pass_at_k(m, c, k) == pytest.approx(float(exact(m, c, k)), rel=1e-13)


def test_ends() -> None:
    assert pass_at_k(5, 0, 3) == 0.0
    assert math.copysign(1.0, pass_at_k(5, 0, 3)) == 1.0
    assert pass_at_k(5, 3, 3) == 1.0
    assert pass_at_k(5, 5, 1) == 1.0
    assert pass_at_k(1, 1, 1) == 1.0
    assert pass_at_k(9, 4, 1) == pytest.approx(4 / 9, rel=1e-15)


def test_large_counts_keep_small_probabilities() -> None:
    assert pass_at_k(10**9, 1, 3) == pytest.approx(3e-9, rel=1e-14)
    assert pass_at_k(10**9, 3 * 10**6, 1) == pytest.approx(3e-3, rel=1e-12)
    many = pass_at_k(10**7, 2, 5 * 10**6)
    assert many == pytest.approx(float(1 - Fraction(5 * 10**6 * (5 * 10**6 - 1), 10**7 * (10**7 - 1))), rel=1e-14)


def test_broadcasting() -> None:
    found = pass_at_k(np.array([[10], [20]]), [0, 2, 10], 3)
    assert found.shape == (2, 3)
    for i, m in enumerate((10, 20)):
        for j, c in enumerate((0, 2, 10)):
            assert found[i, j] == pytest.approx(float(exact(m, c, 3)), rel=1e-14)
    assert pass_at_k([], 0, 1).shape == (0,)


@pytest.mark.parametrize(
    ("M", "c", "k", "words"),
    [
        (10, 11, 1, "c must not exceed M"),
        (10, 2, 11, "k must not exceed M"),
        (0, 0, 1, "M must be"),
        (10, -1, 1, "c must be"),
        (10, 2, 0, "k must be"),
        (10, math.nan, 1, "c must be finite"),
        (math.inf, 2, 1, "M must be finite"),
        ([10, 10], [1, 2, 3], 1, "fit together"),
        (1e300, 1, 1, "below"),
    ],
)
def test_impossible_counts(M: object, c: object, k: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        pass_at_k(M, c, k)


@pytest.mark.parametrize("bad", [2.5, True, "2", None, 1j])
def test_what_is_no_integer(bad: object) -> None:
    for arguments in ((bad, 1, 1), (10, bad, 1), (10, 1, bad)):
        with pytest.raises(InputTypeError, match="integers|real"):
            pass_at_k(*arguments)
