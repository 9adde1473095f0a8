"""Leave-one-out over rows that are not in memory: the numbers are those of the same rows in memory."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from infostat.core import chunks
from infostat.core.chunk_store import StoredRows
from infostat.core.errors import DataError, DuplicateRowsWarning, InputTypeError
from infostat.density import KernelDensity, assess_density, diagnose_bandwidth, log_density, select_bandwidth
from infostat.density.duplicates import distinct_rows

pytestmark = pytest.mark.filterwarnings("ignore::infostat.core.errors.InfostatWarning")


VALUES = st.sampled_from([0.0, -0.0, 1.0, 2.0])


def cloud(d: int) -> np.ndarray:
    rows = np.random.default_rng(d).normal(size=(400, d)) * np.linspace(1.0, 2.0, d)
    rows[5] = rows[350] = rows[10]
    return rows


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LARGE_FILE", 1000)


def pieces(rows: Any) -> Iterator[pd.DataFrame]:
    for start in range(0, len(rows), 123):
        yield pd.DataFrame(rows[start : start + 123], columns=[f"c{k}" for k in range(rows.shape[1])])


def stored(rows: Any) -> StoredRows:
    return StoredRows(lambda a, b: rows[a:b].copy(), *rows.shape, [f"c{k}" for k in range(rows.shape[1])], "memory")


@pytest.mark.parametrize(
    ("d", "method"), [(1, "loo"), (3, "loo"), (20, "loo"), (3, "lscv"), (2, "scott"), (2, "silverman"), (3, "theory")]
)
def test_bandwidths_have_the_same_bits(d: int, method: str) -> None:
    rows = cloud(d)
    options = {"max_queries": 300} if method in ("loo", "lscv") else {}
    one = select_bandwidth(rows, method, **options)
    other = select_bandwidth(stored(rows), method, **options)
    # A mean of one column is summed in another order.
    assert other.h == (one.h if d > 1 else pytest.approx(one.h, rel=1e-14))
    np.testing.assert_allclose(other.objective, one.objective, rtol=1e-12)
    assert (other.flags, other.n, other.n_queries, other.regime) == (one.flags, one.n, one.n_queries, one.regime)


@pytest.mark.parametrize("method", ["sheather_jones", "isj"])
def test_rules_for_one_column(method: str) -> None:
    assert select_bandwidth(stored(cloud(1)), method).h == select_bandwidth(cloud(1), method).h


@pytest.mark.parametrize("d", [2, 20])
def test_diagnoses_agree(d: int) -> None:
    rows = cloud(d)
    one, other = diagnose_bandwidth(rows, 0.5, rng=3), diagnose_bandwidth(stored(rows), 0.5, rng=3)
    assert one.verdict == other.verdict and one.flags == other.flags
    np.testing.assert_array_equal(one.rows, other.rows)
    for name in ("log_density", "participation_ratio", "weight_entropy", "max_weight", "nn_distance", "mu_hat"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-12, atol=1e-13, err_msg=name)
    # A difference of two logs of the size of the log density.
    np.testing.assert_allclose(other.half_ratio, one.half_ratio, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("d", [2, 20])
@pytest.mark.parametrize("kernel", ["gaussian", "student", "uniform"])
@pytest.mark.parametrize("loo", [False, True])
def test_log_densities_have_the_same_bits(d: int, kernel: str, loo: bool) -> None:
    rows, options = cloud(d)[:200], {"kernel": kernel, "loo": loo, "kappa": 1.5 if kernel == "student" else None}
    weights = np.arange(200.0)
    expected = log_density(rows, None, [0.4, 2.0], weights=weights, **options)
    found = log_density(stored(rows), None, [0.4, 2.0], weights=weights, **options)
    np.testing.assert_array_equal(found, expected)


def test_every_kind_of_duplicates() -> None:
    rows = np.round(np.random.default_rng(1).normal(size=(400, 2)), 1)
    rows[rows == 0.0] *= -1.0  # a zero of either sign is the same number
    for rule in ("group", "drop"):
        one, other = distinct_rows(rows, rule, warn=False), distinct_rows(stored(rows), rule, warn=False)
        np.testing.assert_array_equal(one.points, other.points[:])
        np.testing.assert_array_equal(one.inverse, other.inverse)
        np.testing.assert_array_equal(one.masses, other.masses)
    with pytest.raises(DataError, match="distinct rows"):
        distinct_rows(stored(rows), "raise")


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.float64, st.tuples(st.integers(2, 30), st.integers(1, 2)), elements=VALUES))
def test_equal_rows_are_found_wherever_they_are(rows: Any) -> None:
    one, other = distinct_rows(rows, warn=False), distinct_rows(stored(rows), warn=False)
    np.testing.assert_array_equal(one.points, other.points[:])
    assert (one.inverse is None) == (other.inverse is None) and one.n_copies == other.n_copies
    if one.inverse is not None:
        np.testing.assert_array_equal(one.inverse, other.inverse)


@pytest.mark.usefixtures("limit")
def test_an_iterator_of_frames_end_to_end(tmp_path: Path) -> None:
    rows = np.column_stack([cloud(3), np.ones(400)])
    one = assess_density(pd.concat(pieces(rows)), standardize=True)
    for source in (pieces(rows), self_written(tmp_path, rows)):
        other = assess_density(source, standardize=True)
        assert other.h == pytest.approx(one.h, rel=1e-12) and other.verdict == one.verdict
        assert other.columns == ("c0", "c1", "c2") and other.dropped == ("c3",)
        assert other.theory.theory.h_G == pytest.approx(one.theory.theory.h_G, rel=1e-12)
        assert other.flags == one.flags and other.n == one.n


def self_written(folder: Path, rows: Any) -> str:
    pd.concat(pieces(rows)).to_csv(folder / "rows.csv", index=False)
    return str(folder / "rows.csv")


@pytest.mark.usefixtures("limit")
def test_the_estimator(tmp_path: Path) -> None:
    rows = cloud(3)
    np.save(tmp_path / "rows.npy", rows)
    one, other = KernelDensity().fit(rows), KernelDensity().fit(tmp_path / "rows.npy")
    assert one.bandwidth_ == other.bandwidth_ and list(other.feature_names_in_) == ["x1", "x2", "x3"]
    np.testing.assert_array_equal(other.score_samples(rows[:20] + 0.1), one.score_samples(rows[:20] + 0.1))
    np.testing.assert_array_equal(np.asarray(other.sample(50, rng=1)), one.sample(50, rng=1))
    assert other.diagnose(rng=1).mu_bar == pytest.approx(one.diagnose(rng=1).mu_bar, rel=1e-12)
    weights = np.arange(400.0)
    weighted = [KernelDensity(0.5, duplicates="drop").fit(each, sample_weight=weights) for each in (rows, pieces(rows))]
    np.testing.assert_array_equal(*(np.asarray(each.score_samples(rows[:9])) for each in weighted))


@pytest.mark.usefixtures("limit")
def test_bad_input() -> None:
    same = np.ones((500, 2))
    with pytest.raises(DataError, match="identical rows"):
        select_bandwidth(pieces(same))
    with pytest.raises(DataError, match="at least one column that varies"):
        assess_density(pieces(same))
    with pytest.raises(DataError, match="at least two distinct rows"):
        diagnose_bandwidth(pieces(same), 1.0)
    with pytest.raises(DataError, match=r"Q must have the columns of X \(2\), got 3"):
        log_density(pieces(cloud(2)), np.zeros((1, 3)), 1.0)
    with pytest.raises(InputTypeError, match=r"dask|DataFrame|path"):
        select_bandwidth(iter([3.0]))
    with pytest.warns(DuplicateRowsWarning):
        log_density(pieces(cloud(2)), None, 1.0, loo=True)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """A file of 480 MB: what the analysis adds to the process is a small part of it."""
    path = tmp_path / "rows.npy"
    table = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(2_000_000, 30))
    rng = np.random.default_rng(0)
    for start in range(0, len(table), 100_000):
        table[start : start + 100_000] = rng.normal(size=(100_000, 30))
    del table
    script = textwrap.dedent("""
        import resource, sys
        import numpy as np
        from infostat.density import diagnose_bandwidth, select_bandwidth
        select_bandwidth(np.random.default_rng(0).normal(size=(3000, 30)))  # imports and compilation
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = select_bandwidth(sys.argv[1], max_queries=64, diagnose=False)
        diagnose_bandwidth(sys.argv[1], found.h, queries=np.zeros((3, 30)))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """)
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    added = int(done.stdout.split()[-1]) * (1 if sys.platform == "darwin" else 1024)
    # Hashes, their order and the groups of rows: some forty bytes a row, and blocks of some MB.
    assert added < 2_000_000 * 64 + 50e6
    assert path.stat().st_size > 2 * added
