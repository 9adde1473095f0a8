"""Leave-one-out on the workers of a cluster: the numbers of the same rows in memory, whoever dies on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infostat.core.chunk_cluster import ClusterRows
from infostat.core.chunk_store import as_rows
from infostat.core.errors import ClusterError, DataError
from infostat.density import KernelDensity, assess_density, diagnose_bandwidth, log_density, select_bandwidth
from infostat.density.duplicates import distinct_rows

dask = pytest.importorskip("dask")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("dask.distributed")

pytestmark = pytest.mark.filterwarnings("ignore::infostat.core.errors.InfostatWarning")

WIDE = np.random.default_rng(5).normal(size=(900, 20))
WIDE[5] = WIDE[850] = WIDE[10]
CUTS = ((0, 7), (7, 300), (300, 300), (300, 899), (899, 900))


def uneven(table: Any) -> Any:
    """Five partitions of different lengths, one of them empty."""
    frame = pd.DataFrame(table, columns=[f"c{k}" for k in range(table.shape[1])])
    return dd.from_delayed([dask.delayed(frame.iloc[i:j]) for i, j in CUTS], meta=frame.iloc[:0])


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", memory_limit=0
        ) as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def rows(client: Any) -> Any:
    return as_rows("X", uneven(WIDE))


def test_rows_stay_with_the_workers(rows: Any) -> None:
    assert isinstance(rows, ClusterRows) and rows.shape == (900, 20) and rows.starts == [0, 7, 300, 899, 900]
    some = np.array([899, 0, 7, 299, 5])
    np.testing.assert_array_equal(rows[some], WIDE[some])
    np.testing.assert_array_equal(rows[:, [3, 1]][2:9], WIDE[2:9][:, [3, 1]])
    np.testing.assert_array_equal(rows[WIDE[:, 0] > 0][:], WIDE[WIDE[:, 0] > 0])
    np.testing.assert_allclose(rows.std(ddof=1), WIDE.std(axis=0, ddof=1), rtol=1e-13)
    one, other = distinct_rows(WIDE, warn=False), distinct_rows(rows, warn=False)
    np.testing.assert_array_equal(other.points[:], one.points)
    np.testing.assert_array_equal(other.inverse, one.inverse)


@pytest.mark.parametrize("d", [20, pytest.param(3, marks=pytest.mark.slow)])
def test_bandwidth_and_diagnosis_are_those_in_memory(rows: Any, d: int) -> None:
    table, there = WIDE[:, :d], rows[:, list(range(d))]
    grid, options = np.geomspace(0.3, 2.0, 12), {"max_queries": 200, "diagnose": False}
    one, other = select_bandwidth(table, grid=grid, **options), select_bandwidth(there, grid=grid, **options)
    np.testing.assert_allclose(other.objective, one.objective, rtol=1e-12)
    # The maximum of a curve is known to the root of the rounding, times a polynomial fit.
    assert other.h == pytest.approx(one.h, rel=1e-9)
    here, far = diagnose_bandwidth(table, 0.7, rng=1), diagnose_bandwidth(there, 0.7, rng=1)
    for name in ("log_density", "participation_ratio", "max_weight", "nn_distance", "mu_hat"):
        np.testing.assert_allclose(getattr(far, name), getattr(here, name), rtol=1e-12, atol=1e-13, err_msg=name)
    np.testing.assert_allclose(far.half_ratio, here.half_ratio, rtol=0.0, atol=1e-12)
    assert far.flags == here.flags


@pytest.mark.slow
def test_log_densities_and_assessment(rows: Any) -> None:
    queries, weights = WIDE[:40] + 0.1, np.arange(900.0)
    one = log_density(WIDE, queries, [0.5, 2.0], weights=weights, kernel="student", kappa=1.0)
    other = log_density(rows, queries, [0.5, 2.0], weights=weights, kernel="student", kappa=1.0)
    np.testing.assert_allclose(other, one, rtol=1e-12)
    np.testing.assert_allclose(
        log_density(rows, None, 0.8, loo=True), log_density(WIDE, None, 0.8, loo=True), rtol=1e-12
    )
    model = KernelDensity(0.8).fit(rows)
    np.testing.assert_allclose(model.score_samples(queries), log_density(WIDE, queries, 0.8), rtol=1e-12)
    here, there = assess_density(WIDE, bandwidth=0.8, standardize=True), assess_density(
        rows, bandwidth=0.8, standardize=True
    )
    assert there.verdict == here.verdict and there.theory.theory.h_G == pytest.approx(here.theory.theory.h_G, rel=1e-12)


def test_a_worker_that_dies_does_not_change_a_bit(client: Any, tmp_path: Path) -> None:
    options = {"grid": np.geomspace(0.3, 2.0, 8), "max_queries": 100, "diagnose": False}
    expected = select_bandwidth(uneven(WIDE[:, :3]), **options)
    marker, home = str(tmp_path / "killed"), os.getpid()

    # Functions inside a function travel by value: the workers need not import this module.
    def deadly(part: pd.DataFrame) -> pd.DataFrame:
        if len(part) == 599 and os.getpid() != home:
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return part  # the second time
            os.kill(os.getpid(), signal.SIGKILL)
        return part

    data = uneven(WIDE[:, :3])
    found = select_bandwidth(data.map_partitions(deadly, meta=data._meta), **options)
    assert os.path.exists(marker)
    assert found.h == expected.h
    np.testing.assert_array_equal(found.objective, expected.objective)


def test_partitions_that_die_with_their_worker_are_made_again(client: Any) -> None:
    there = as_rows("X", uneven(WIDE[:, :3]))
    expected = log_density(there, WIDE[:30, :3], 0.5)
    victims = client.run(os.getpid)
    os.kill(next(iter(victims.values())), signal.SIGKILL)
    np.testing.assert_array_equal(log_density(there, WIDE[:30, :3], 0.5), expected)


def test_a_cluster_without_workers_is_an_error() -> None:
    data = uneven(WIDE[:, :3])
    with (
        distributed.LocalCluster(n_workers=0, processes=True, dashboard_address=":0") as cluster,
        distributed.Client(cluster),
        dask.config.set({"infostat.patience": "10ms"}),
        pytest.raises(ClusterError, match=r"the cluster had no worker for 0\.01 s"),
    ):
        select_bandwidth(data, "scott")


def test_errors_of_workers_arrive_as_they_are(client: Any) -> None:
    bad = WIDE[:, :2].copy()
    bad[899, 1] = np.nan
    with pytest.raises(DataError, match=r"X in the 1 rows from row 0 on of partition 4 .*'c1': 1 missing"):
        select_bandwidth(uneven(bad))


def test_tasks_of_the_cluster_may_compute_on_it(client: Any) -> None:
    # One thread per worker, and one task on each: a task that kept its thread would wait for ever.
    data = uneven(WIDE[:, :2])
    found = [client.submit(lambda k: select_bandwidth(data, "scott").h * k, k, pure=False) for k in (1, 2)]
    one, two = (future.result(timeout=120) for future in found)
    assert two == 2.0 * one and one == pytest.approx(select_bandwidth(WIDE[:, :2], "scott").h, rel=1e-12)
