"""Entropy from counts."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import DataError, InputError, InputTypeError
from infostat.divergences.discrete import entropy_from_counts

METHODS = ["grassberger", "plugin", "miller_madow", "jackknife", "chao_shen"]
COUNTS = st.lists(st.integers(0, 30), min_size=1, max_size=8).filter(any)


def oracle(counts: list[int], method: str) -> float:
    """The formulas term by term with 30 digits."""
    with mpmath.workdps(30):
        n, seen = mpmath.mpf(sum(counts)), [mpmath.mpf(c) for c in counts if c]

        def plugin(cells: list[mpmath.mpf]) -> mpmath.mpf:
            total = sum(cells)
            return -sum(c / total * mpmath.log(c / total) for c in cells if c)

        if method == "plugin":
            return float(plugin(seen))
        if method == "miller_madow":
            return float(plugin(seen) + (len(seen) - 1) / (2 * n))
        if method == "jackknife":
            rest = [c * plugin([d - (j == i) for j, d in enumerate(seen)]) if n > 1 else 0 for i, c in enumerate(seen)]
            return float(n * plugin(seen) - (n - 1) * sum(rest) / n)
        if method == "grassberger":

            def g(k: mpmath.mpf) -> mpmath.mpf:
                # G(1) = -gamma - log 2, G(2) = 2 - gamma - log 2, then by the recurrences.
                value = -mpmath.euler - mpmath.log(2)
                for j in range(2, int(k) + 1):
                    value += mpmath.mpf(2) / (j - 1) if j % 2 == 0 else 0
                return value

            return float(mpmath.log(n) - sum(c * g(c) for c in seen) / n)
        singles = sum(c == 1 for c in seen)
        coverage = 1 - (singles - (singles == n)) / n
        shares = [coverage * c / n for c in seen]
        terms = (q * mpmath.log(q) / (1 - (1 - q) ** n) for q in shares if q)
        return float(-sum(terms))


class TestWorkedNumbers:
    @pytest.mark.parametrize(
        ("method", "value"),
        [
            ("plugin", 1.21300756598),
            ("miller_madow", 1.40050756598),
            ("grassberger", 1.51647105381),
            ("chao_shen", 1.57837330702),
            ("jackknife", 1.54291741053),
        ],
    )
    def test_five_cells(self, method: str, value: float) -> None:
        result = entropy_from_counts([4, 2, 1, 1, 0], method)
        assert float(result) == pytest.approx(value, abs=6e-12)
        assert result.n == 8

    def test_default_is_grassberger(self) -> None:
        assert float(entropy_from_counts([4, 2, 1, 1, 0])) == float(entropy_from_counts([4, 2, 1, 1], "grassberger"))


class TestOracle:
    @settings(max_examples=60, deadline=None)
    @given(counts=COUNTS, method=st.sampled_from(METHODS))
    def test_formula(self, counts: list[int], method: str) -> None:
        value = float(entropy_from_counts(counts, method, bootstrap=0))
        assert value == pytest.approx(oracle(counts, method), abs=1e-12 * sum(counts) + 1e-13)

    @settings(max_examples=30, deadline=None)
    @given(counts=COUNTS, method=st.sampled_from(METHODS), seed=st.integers(0, 99))
    def test_order_and_empty_cells_do_not_matter(self, counts: list[int], method: str, seed: int) -> None:
        other = [*np.random.default_rng(seed).permutation(counts).tolist(), 0, 0]
        first, second = (float(entropy_from_counts(c, method, bootstrap=0)) for c in (counts, other))
        assert first == pytest.approx(second, abs=1e-12 * sum(counts))

    @settings(max_examples=30, deadline=None)
    @given(counts=COUNTS)
    def test_plugin_is_between_zero_and_log_of_the_cells(self, counts: list[int]) -> None:
        value = float(entropy_from_counts(counts, "plugin"))
        assert 0.0 <= value <= math.log(np.count_nonzero(counts)) + 1e-12

    def test_one_cell(self) -> None:
        for method in ("plugin", "miller_madow", "jackknife", "chao_shen"):
            assert float(entropy_from_counts([17], method)) == pytest.approx(0.0, abs=1e-13)
        assert [float(entropy_from_counts([1], m)) for m in ("plugin", "jackknife", "chao_shen")] == [0.0, 0.0, 0.0]

    def test_all_cells_seen_once(self) -> None:
        assert float(entropy_from_counts([1, 1, 1], "chao_shen")) == pytest.approx(
            oracle([1, 1, 1], "chao_shen"), rel=1e-13
        )

    def test_large_counts(self) -> None:
        value = float(entropy_from_counts([10**12, 10**12]))
        assert value == pytest.approx(math.log(2.0), abs=1e-11)


class TestBias:
    def test_uniform_on_twenty_cells(self) -> None:
        # Reference at n = 100: plug-in 2.8956, Miller-Madow 2.9900, Grassberger 3.0006; truth 2.9957.
        draws = np.random.default_rng(0).multinomial(100, np.full(20, 0.05), size=400)
        for method, mean in [("plugin", 2.8956), ("miller_madow", 2.9900), ("grassberger", 3.0006)]:
            values = [float(entropy_from_counts(row, method, bootstrap=0)) for row in draws]
            error = np.std(values, ddof=1) / math.sqrt(400)
            assert abs(np.mean(values) - mean) < 4.5 * error + 5e-4

    @pytest.mark.parametrize("method", METHODS)
    def test_converges(self, method: str) -> None:
        p = np.array([0.5, 0.25, 0.15, 0.07, 0.03])
        truth = -float(p @ np.log(p))
        counts = np.random.default_rng(1).multinomial(100_000, p)
        result = entropy_from_counts(counts, method)
        assert abs(float(result) - truth) < 5 * result.se
        assert result.se == pytest.approx(math.sqrt(float(p @ (np.log(p) + truth) ** 2) / 100_000), rel=0.25)


class TestStandardError:
    def test_plugin_has_a_closed_form(self) -> None:
        p = np.array([0.5, 0.25, 0.25])
        surprise = -np.log(p)
        expected = math.sqrt((p @ surprise**2 - (p @ surprise) ** 2) / 8)
        assert entropy_from_counts([4, 2, 2], "plugin").se == pytest.approx(expected, rel=1e-13)

    def test_bootstrap_is_seeded(self) -> None:
        a, b, c = (entropy_from_counts([9, 5, 3], rng=seed).se for seed in (1, 1, 2))
        assert a == b != c

    def test_bootstrap_can_be_left_out(self) -> None:
        result = entropy_from_counts([9, 5, 3], bootstrap=0)
        assert math.isnan(result.se)
        assert "no standard error" in result.bias_note

    def test_notes(self) -> None:
        assert "too low by at least about 0.19" in entropy_from_counts([4, 2, 1, 1], "plugin").bias_note
        assert "chao_shen" in entropy_from_counts([1, 1, 1, 2]).bias_note
        assert entropy_from_counts([40, 20, 10]).bias_note == ""


class TestBadInput:
    def test_values(self) -> None:
        with pytest.raises(DataError, match="non-negative, got 1 negative"):
            entropy_from_counts([3, -1])
        with pytest.raises(DataError, match=r"whole numbers, got 2 fractions.*entropy\(P\)"):
            entropy_from_counts([0.5, 0.5])
        with pytest.raises(DataError, match="positive sum"):
            entropy_from_counts([0, 0])
        with pytest.raises(InputError, match="counts"):
            entropy_from_counts([1.0, math.nan])
        with pytest.raises(DataError, match="one vector"):
            entropy_from_counts([[1, 2], [3, 4]])
        with pytest.raises(DataError, match="2\\*\\*53"):
            entropy_from_counts([2.0**53])

    def test_options(self) -> None:
        with pytest.raises(InputError, match="method must be one of"):
            entropy_from_counts([1, 2], "nsb")
        with pytest.raises((InputError, InputTypeError), match="bootstrap"):
            entropy_from_counts([1, 2], bootstrap=-1)

    def test_guises(self) -> None:
        value = float(entropy_from_counts([4, 2, 1]))
        assert float(entropy_from_counts(pd.Series([4, 2, 1]))) == value
        assert float(entropy_from_counts(np.array([4, 2, 1], dtype=np.uint8))) == value
