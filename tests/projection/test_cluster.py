"""Dask frames: every scheduler gives the same numbers to the bit, also when a worker dies on the way."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infostat.core.errors import DataError, InfostatWarning, InputError, InputTypeError, SupportError
from infostat.families import Categorical
from infostat.projection import PNCriterion, pn_criterion, pn_sequence
from tests.common.local_cluster import local_cluster

dask = pytest.importorskip("dask")
dd = pytest.importorskip("dask.dataframe")

ROWS = np.random.default_rng(5).gamma(2.0, size=(4000, 3)) @ np.array([[1.0, 0.6, 0.0], [0.0, 1.0, -0.4], [0.0, 0, 1]])
FRAME = pd.DataFrame(ROWS, columns=["a", "b", "c"])


def quiet(data: Any, family: Any = "mvn", **options: Any) -> PNCriterion:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        return pn_criterion(data, family, **options)


def numbers(result: PNCriterion) -> dict[str, Any]:
    return {**result.to_dict(), "source": ""}


def uneven() -> Any:
    """Five partitions of different lengths, one of them empty."""
    return dd.from_delayed(
        [dask.delayed(FRAME.iloc[i:j]) for i, j in ((0, 7), (7, 1500), (1500, 1500), (1500, 3999), (3999, 4000))],
        meta=FRAME.iloc[:0],
    )


@pytest.fixture(scope="module")
def expected() -> PNCriterion:
    with dask.config.set(scheduler="synchronous"):
        return quiet(uneven(), bias_correction="jackknife")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    distributed = pytest.importorskip("dask.distributed")
    with local_cluster() as cluster, distributed.Client(cluster) as found:
        yield found


def test_the_numbers_are_those_in_memory(expected: PNCriterion) -> None:
    memory = quiet(FRAME, bias_correction="jackknife")
    for name in ("T0", "T1", "T2", "T3", "T0_plugin"):
        assert getattr(expected.terms, name) == pytest.approx(getattr(memory.terms, name), rel=1e-9)
    assert expected.n == 4000 and expected.columns == ("a", "b", "c") and expected.source == "DataFrame"
    assert expected.misfit.value == pytest.approx(memory.misfit.value, rel=1e-9)


def test_threads_give_the_same_bits(expected: PNCriterion) -> None:
    with dask.config.set(scheduler="threads", num_workers=3):
        assert numbers(quiet(uneven(), bias_correction="jackknife")) == numbers(expected)


def test_two_worker_processes_give_the_same_bits(expected: PNCriterion, client: Any) -> None:
    assert len(client.scheduler_info()["workers"]) == 2
    assert numbers(quiet(uneven(), bias_correction="jackknife")) == numbers(expected)


def test_a_worker_that_dies_does_not_change_a_bit(expected: PNCriterion, client: Any, tmp_path: Path) -> None:
    marker = str(tmp_path / "killed")
    home = os.getpid()

    # Functions inside a function travel by value: the workers need not import this module.
    def deadly(part: pd.DataFrame) -> pd.DataFrame:
        if len(part) == 2499 and os.getpid() != home:
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return part  # the second time
            os.kill(os.getpid(), signal.SIGKILL)
        return part

    data = uneven().map_partitions(deadly, meta=FRAME.iloc[:0])
    assert numbers(quiet(data, bias_correction="jackknife")) == numbers(expected)
    assert os.path.exists(marker)


def test_errors_of_workers_arrive_as_they_are(client: Any) -> None:
    bad = FRAME.copy()
    bad.loc[3999, "b"] = np.nan
    with pytest.raises(DataError, match=r"in the first 4000 rows: .*'b': 1 missing"):
        pn_criterion(dd.from_pandas(bad, npartitions=2), "mvn")
    parts = [dask.delayed(part) for part in (FRAME, FRAME, FRAME, bad)]
    with pytest.raises(DataError, match=r"in the 4000 rows from row 0 of partition 3 on: .*'b': 1 missing"):
        pn_criterion(dd.from_delayed(parts, meta=FRAME.iloc[:0]), "mvn")


def test_sequences_files_and_selections(tmp_path: Path, client: Any) -> None:
    FRAME.to_csv(tmp_path / "1.csv", index=False)
    FRAME.to_csv(tmp_path / "2.csv", index=False)
    data = dd.read_csv(str(tmp_path / "*.csv"), blocksize=40_000)[["c", "a"]]
    assert data.npartitions > 2
    memory = pn_sequence(pd.concat([FRAME, FRAME])[["c", "a"]], ["mvn_diagonal", "mvn"])
    stream = pn_sequence(data, ["mvn_diagonal", "mvn"])
    assert stream.p_max == memory.p_max and stream.n == 8000
    np.testing.assert_allclose(stream.tic2, memory.tic2, rtol=1e-11)
    assert [result.columns for result in stream.results if result is not None] == [("c", "a")] * 2


@pytest.mark.usefixtures("threads")
class TestWithoutCluster:
    """Cases that do not depend on the scheduler."""

    @pytest.fixture
    def threads(self) -> Iterator[None]:
        with dask.config.set(scheduler="threads", num_workers=2):
            yield

    def test_positions_of_heavy_rows_are_those_of_the_table(self) -> None:
        rows = FRAME.copy()
        rows.iloc[3210] = 400.0, -300.0, 0.0
        found = quiet(dd.from_pandas(rows, npartitions=7))
        assert found.heavy_rows == quiet(rows).heavy_rows == (3210,)

    def test_series(self) -> None:
        found = quiet(dd.from_pandas(FRAME["a"], npartitions=3), "gamma")
        assert found.risk2 == pytest.approx(quiet(FRAME["a"], "gamma").risk2, rel=1e-11)

    def test_counts_of_cells_and_their_first_rows(self) -> None:
        bits = pd.DataFrame((ROWS[:300] > 2.0).astype(int), columns=list("xyz"))
        one, many = (
            quiet(dd.from_pandas(bits, npartitions=k), "ising", bias_correction="jackknife") for k in (1, 5)
        )
        assert numbers(one) == numbers(many)  # counts add without rounding

    def test_labels(self) -> None:
        frame = pd.DataFrame({"colour": ["red", "blue"] * 6000 + ["green"] * 30})
        data = dd.from_pandas(frame, npartitions=6)
        with pytest.raises(SupportError, match="green.*levels="):
            pn_criterion(data, "categorical")
        family = Categorical(["red", "blue", "green"])
        assert quiet(data, family).risk2 == pytest.approx(quiet(frame, family).risk2, rel=1e-11)

    def test_progress_is_told_at_the_end(self) -> None:
        seen: list[tuple[int, int]] = []
        quiet(uneven(), progress=lambda done, total: seen.append((done, total)))
        assert seen == [(4000, 4000)]

    def test_bad_input(self) -> None:
        with pytest.raises(DataError, match="at least 3 rows, got 2"):
            pn_criterion(dd.from_pandas(FRAME[:2], npartitions=1), "mvn")
        with pytest.raises(InputError, match="bootstrap must be 0 on a stream"):
            pn_criterion(uneven(), "mvn", bootstrap=100)
        array = pytest.importorskip("dask.array").from_array(ROWS, chunks=(1000, 3))
        with pytest.raises(InputTypeError, match="dask.dataframe.from_dask_array"):
            pn_criterion(array, "mvn")

    def test_blas_gets_its_threads_back(self) -> None:
        from threadpoolctl import threadpool_info

        def limits() -> list[int]:
            return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

        before = limits()
        quiet(uneven())
        assert limits() == before
