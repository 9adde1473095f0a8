"""Reports of tables larger than memory: a uniform sample, and all rows in one pass."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.random import SeedSequence

from infostat import pn_criterion, report
from infostat.core import chunks
from infostat.core.chunks import frame_stream
from infostat.core.errors import DataError
from infostat.reporting import large_table
from infostat.reporting.large_table import sample_rows

RNG = np.random.default_rng(5)
N = 900
FRAME = pd.DataFrame({
    "height": RNG.normal(size=N), "mass": RNG.normal(size=N), "visits": RNG.poisson(3, N),
    "city": RNG.choice(["Rome", "Oslo"], N),
})  # fmt: skip
FRAME.loc[[3, 800], "mass"] = np.nan
# Two rows with a missing value, which not every sample holds.
pytestmark = pytest.mark.filterwarnings("ignore:.*missing or infinite:infostat.core.errors.InfostatWarning")
WHOLE = "Are all rows together enough?"


@pytest.fixture
def large(tmp_path, monkeypatch):
    """The table in a file that counts as large, a sample of 200 rows, and small chunks."""
    path = tmp_path / "cells.csv"
    FRAME.to_csv(path, index=False)
    monkeypatch.setattr(chunks, "LARGE_FILE", 100)
    monkeypatch.setattr(large_table.sample_rows, "__defaults__", (200, None))
    return path


def _pieces(frame: pd.DataFrame, rows: int):
    return frame_stream(frame[start : start + rows] for start in range(0, len(frame), rows))


def test_the_models_of_several_columns_are_judged_on_all_rows(large):
    found = report(large, rng=1, bootstrap=0)
    assert list(found.verdicts)[:2] == [WHOLE, "Is the sample large enough?"]
    whole = found.results["multivariate normal, all rows"]
    complete = FRAME[["height", "mass"]][FRAME["mass"].notna()]
    expected = pn_criterion(complete, "mvn")
    assert whole.n == N - 2
    np.testing.assert_allclose([whole.terms.T0, whole.risk2], [expected.terms.T0, expected.risk2], rtol=1e-10)
    sampled = found.results["multivariate normal"]
    assert 198 <= sampled.n <= 200 and sampled.n < whole.n


def test_what_was_sampled_is_said(large):
    found = report(large, rng=1)
    assert f"{N} rows, of which" in found.subject
    assert any(f"The table has {N} rows" in text for text in found.cautions)
    assert not any("ask for it with bootstrap" in text for text in found.cautions)


def test_the_seed_decides_the_sample(large):
    first, again, other = (report(large, rng=seed, bootstrap=0) for seed in (1, 1, 2))
    assert first.to_dict() == again.to_dict()
    assert first.results["height (normal)"].terms.T0 != other.results["height (normal)"].terms.T0
    everywhere = "multivariate normal, all rows"
    assert first.results[everywhere].terms.T0 == other.results[everywhere].terms.T0


def test_columns_and_drop_select_from_a_large_file(large):
    found = report(large, columns="height,mass", rng=1, bootstrap=0)
    assert found.settings["columns"] == "height, mass"
    assert "city" not in report(large, drop=["city"], rng=1, bootstrap=0).settings["columns"]


def test_a_dask_frame_is_sampled():
    dd = pytest.importorskip("dask.dataframe")
    found = report(dd.from_pandas(FRAME, npartitions=3), rng=1, bootstrap=0)
    assert found.results["multivariate normal, all rows"].n == N - 2


def test_words_after_numbers_are_said(tmp_path, monkeypatch):
    rows = pd.DataFrame({"a": RNG.normal(size=500), "b": RNG.normal(size=500)}).astype({"a": object})
    stream = _pieces(rows, 250)
    taken = sample_rows(stream, SeedSequence(0), size=20)
    later = pd.Series([1.0, "seven"], name="a", dtype=object)
    assert taken.n_rows == 500
    with pytest.raises(DataError, match="column 'a' must hold numbers in every row.*'seven'"):
        large_table._values(later, True)


# ---------------------------------------------------------------------------------- the sample
def test_a_short_stream_is_kept_whole_and_in_order():
    taken = sample_rows(_pieces(FRAME, 70), SeedSequence(3), size=N)
    pd.testing.assert_frame_equal(taken.sample.frame, FRAME, check_column_type=False)


def test_rows_are_drawn_without_replacement_and_stay_in_order():
    numbered = pd.DataFrame({"row": np.arange(1000.0)})
    taken = sample_rows(_pieces(numbered, 64), SeedSequence(3), size=100).sample.frame["row"].to_numpy()
    assert len(taken) == 100 and (np.diff(taken) > 0).all()


def test_every_row_has_the_same_chance():
    # 400 samples of 20 out of 100: each row is kept 80 times in the mean, with s.d. 8 (binomial, p = 1/5).
    numbered = pd.DataFrame({"row": np.arange(100)})
    counts = np.zeros(100)
    for seed in range(400):
        counts[sample_rows(_pieces(numbered, 30), SeedSequence(seed), size=20).sample.frame["row"]] += 1
    assert counts.sum() == 8000
    assert np.abs(counts - 80).max() < 4.5 * 8  # 100 rows: two-sided probability about 7e-4


def test_no_rows_are_refused():
    with pytest.raises(DataError, match="at least one row"):
        sample_rows(frame_stream(iter([FRAME[:0]])), SeedSequence(0))


def test_the_sample_does_not_depend_on_the_chunks():
    numbered = pd.DataFrame({"row": np.arange(N)})
    drawn = [sample_rows(_pieces(numbered, rows), SeedSequence(5), size=60).sample.frame for rows in (17, 64, N)]
    pd.testing.assert_frame_equal(drawn[0], drawn[1])
    pd.testing.assert_frame_equal(drawn[0], drawn[2])
