"""Clean samples, block standard errors, ties and jitter."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from infostat.core.errors import DataError, InputError, InputTypeError
from infostat.core.samples import as_sample, as_samples, same_columns, same_rows
from infostat.divergences.samples import (
    BlockSpread,
    bias_from_blocks,
    block_spread,
    block_standard_error,
    jitter_samples,
    refuse_ties,
)


class TestAsSample:
    @pytest.mark.parametrize(
        "data",
        [
            [1.0, 2.0, 4.0],
            np.array([1, 2, 4]),
            np.array([1, 2, 4], dtype=np.float32),
            pd.Series([1.0, 2.0, 4.0], name="a"),
            pd.DataFrame({"a": [1.0, 2.0, 4.0]}),
            np.array([[1.0], [2.0], [4.0]]),
        ],
    )
    def test_one_column_in_every_guise(self, data: object) -> None:
        sample = as_sample("X", data)
        assert sample.dtype == np.float64
        assert sample.flags.c_contiguous
        np.testing.assert_array_equal(sample, [[1.0], [2.0], [4.0]])

    def test_fortran_order_becomes_c_order(self) -> None:
        data = np.asfortranarray(np.arange(6.0).reshape(3, 2))
        sample = as_sample("X", data)
        assert sample.flags.c_contiguous
        np.testing.assert_array_equal(sample, data)

    def test_missing_and_infinite_values_are_counted(self) -> None:
        with pytest.raises(DataError, match="X must be finite.*'x2': 1 missing and 1 infinite"):
            as_sample("X", np.array([[1.0, np.nan], [2.0, np.inf], [3.0, 1.0]]))

    def test_too_few_rows(self) -> None:
        with pytest.raises(DataError, match="Y must have at least 2 rows, got 1"):
            as_sample("Y", [1.0])
        with pytest.raises(DataError, match="at least"):
            as_sample("Y", np.empty((0, 2)))

    def test_text_and_other_objects(self) -> None:
        with pytest.raises(DataError, match="numeric"):
            as_sample("X", ["a", "b", "c"])
        with pytest.raises(InputTypeError, match="X must be"):
            as_sample("X", 3.0)

    def test_three_axes(self) -> None:
        with pytest.raises(DataError, match="1- or 2-dimensional"):
            as_sample("X", np.zeros((2, 2, 2)))

    def test_several(self) -> None:
        assert [part.shape for part in as_samples({"x": [1.0, 2.0], "y": [[1.0, 2.0]] * 3})] == [(2, 1), (3, 2)]


class TestShapes:
    def test_columns(self) -> None:
        with pytest.raises(DataError, match="X and Y must have the same number of columns, got 2 and 3"):
            same_columns(np.zeros((4, 2)), np.zeros((4, 3)))

    def test_rows(self) -> None:
        with pytest.raises(DataError, match="x, y and z must have the same number of rows.*got 3, 3 and 4"):
            same_rows({"x": np.zeros((3, 1)), "y": np.zeros((3, 1)), "z": np.zeros((4, 1))})


class TestBlocks:
    def test_is_the_spread_of_the_interleaved_means(self) -> None:
        x = np.random.default_rng(0).normal(size=(1003, 2))
        means = [x[i::20, 0].mean() for i in range(20)]
        se, note = block_standard_error(lambda part: float(part[:, 0].mean()), [x])
        assert se == pytest.approx(np.std(means, ddof=1) / math.sqrt(20), rel=1e-14)
        assert note == ""

    def test_pairs_stay_together(self) -> None:
        x = np.arange(200.0)[:, None]
        se, _ = block_standard_error(lambda a, b: float(np.abs(a - b).sum()), [x, x.copy()])
        assert se == 0.0

    def test_threads_change_nothing(self) -> None:
        x = np.random.default_rng(1).normal(size=(400, 1))
        one, two = (block_spread(lambda part: float(part.mean()), [x], n_jobs=jobs) for jobs in (1, 2))
        assert one == two

    def test_small_blocks_give_nan_and_a_note(self) -> None:
        se, note = block_standard_error(lambda part: 0.0, [np.zeros((59, 1))], minimum=3)
        assert math.isnan(se)
        assert "n >= 60" in note
        assert not math.isnan(block_standard_error(lambda part: 0.0, [np.zeros((60, 1))], minimum=3)[0])

    def test_second_sample_has_its_own_minimum(self) -> None:
        x, y = np.zeros((100, 1)), np.zeros((30, 1))
        se, note = block_standard_error(lambda a, b: 0.0, [x, y], minimum=[5, 2])
        assert math.isnan(se)
        assert "a block of 1 rows" in note

    def test_infinite_and_degenerate_blocks(self) -> None:
        x = np.arange(100.0)[:, None]
        spread = block_spread(lambda part: math.inf if part[0, 0] == 0.0 else 1.0, [x])
        assert math.isnan(spread.se)
        assert "1 of 20 blocks" in spread.note

        def degenerate(part: np.ndarray) -> float:
            raise DataError("ties")

        assert "degenerate" in block_spread(degenerate, [x]).note
        assert "asked" in block_spread(degenerate, [x], wanted=False).note

    def test_bias_needs_evidence(self) -> None:
        assert bias_from_blocks(1.0, BlockSpread(0.01, 1.02, ""), 1.0) == ""
        assert "upward bias of about 0.1 " in bias_from_blocks(1.0, BlockSpread(0.01, 2.9, ""), 1.0)
        assert "downward" in bias_from_blocks(1.0, BlockSpread(0.01, -0.9, ""), 1.0)
        assert bias_from_blocks(1.0, BlockSpread(math.nan, math.nan, "none"), 1.0) == ""


class TestTies:
    def test_message_counts_and_offers_jitter(self) -> None:
        with pytest.raises(DataError, match=r"2 ties in 3 rows.*jitter=1e-10"):
            refuse_ties(np.array([0.0, 1.0, 0.0]), 2)

    def test_jitter_is_seeded_and_leaves_the_input(self) -> None:
        x = np.repeat(np.arange(5.0), 4)[:, None]
        before = x.copy()
        (a,), (b,), (c,) = (jitter_samples([x], 1e-10, seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(x, before)
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)
        assert len(np.unique(a)) == 20
        assert np.abs(a - x).max() < 6e-10 * x.std()

    def test_jitter_of_two_samples_differs(self) -> None:
        x = np.zeros((5, 1))
        a, b = jitter_samples([x, x], 1e-10, 0)
        assert not np.isin(a, b).any()

    def test_jitter_survives_a_large_offset(self) -> None:
        x = np.full((6, 1), 1e9)
        (a,) = jitter_samples([x], 1e-10, 0)
        assert len(np.unique(a)) > 1

    @pytest.mark.parametrize("bad", [0.0, -1e-10, math.nan, 2.0])
    def test_bad_jitter(self, bad: float) -> None:
        with pytest.raises(InputError, match="jitter"):
            jitter_samples([np.zeros((3, 1))], bad, 0)

    def test_none_is_the_same_object(self) -> None:
        x = np.zeros((3, 1))
        assert jitter_samples([x], None, 0)[0] is x
