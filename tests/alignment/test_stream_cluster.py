"""Rewards on Dask partitions: the work goes to the workers, and who does what does not change a bit."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infostat.alignment import align, estimate
from infostat.alignment.stream_estimation import stream_estimate
from infostat.core.errors import DataError, InfostatWarning, InputError, InputTypeError

dask = pytest.importorskip("dask")
dd = pytest.importorskip("dask.dataframe")

REWARDS = np.random.default_rng(2).normal(size=5000)
FRAME = pd.DataFrame({"length": np.arange(5000), "reward": REWARDS})
CUTS = ((0, 7), (7, 1500), (1500, 1500), (1500, 4999), (4999, 5000))


def uneven(frame: pd.DataFrame = FRAME) -> Any:
    """Five partitions of different lengths, one of them empty."""
    return dd.from_delayed([dask.delayed(frame.iloc[i:j]) for i, j in CUTS], meta=frame.iloc[:0])


def numbers(result: Any) -> dict[str, Any]:
    return {**result.to_dict(), "source": ""}


@pytest.fixture(params=["synchronous", "threads"])
def scheduler(request: pytest.FixtureRequest) -> Iterator[str]:
    with dask.config.set(scheduler=request.param, num_workers=2):
        yield request.param


@pytest.mark.usefixtures("scheduler")
def test_the_numbers_are_those_in_memory() -> None:
    for options in ({"kl": [0.1, 0.5]}, {"t": [-1.0, 0.0, 2.0]}, {}):
        # The end of a grid of its own is known to 0.001 in memory, and better in a stream.
        one = (estimate if options else stream_estimate)(REWARDS, **options)
        other = stream_estimate(uneven(), **options)
        for name in ("t", "reward", "kl", "ess", "se_reward", "low"):
            np.testing.assert_allclose(
                getattr(other, name), getattr(one, name), rtol=1e-9, atol=1e-12, err_msg=name
            )
        assert other.n_samples == 5000 and numbers(estimate(uneven(), **options)) == numbers(other)


@pytest.mark.usefixtures("scheduler")
def test_blocks_of_partitions_merge_where_they_are() -> None:
    whole, small = stream_estimate(uneven(), kl=0.3), stream_estimate(uneven(), kl=0.3, chunk_rows=100)
    assert small.reward == pytest.approx(whole.reward, rel=1e-13)


@pytest.mark.usefixtures("scheduler")
def test_one_call_for_all() -> None:
    found, memory = align(uneven(), kl=[0.1, 0.5]), align(REWARDS, kl=[0.1, 0.5])
    np.testing.assert_allclose(found.frontier.reward, memory.frontier.reward, rtol=1e-9)
    assert found.verdict == memory.verdict and found.flags == ("streamed",)


def test_missing_rewards_and_progress() -> None:
    frame = FRAME.copy()
    frame.loc[[1501, 4999], "reward"] = np.nan
    with pytest.raises(DataError, match="the first at row 1 of partition 3"):
        stream_estimate(uneven(frame), t=1.0)
    seen: list[tuple[int, int]] = []
    with pytest.warns(InfostatWarning, match="2 of 5000 rewards are missing"):
        found = stream_estimate(uneven(frame), kl=0.2, nan="drop", progress=lambda *step: seen.append(step))
    with pytest.warns(InfostatWarning):
        memory = estimate(frame["reward"].to_numpy(), kl=0.2, nan="drop")
    assert found.reward == pytest.approx(memory.reward, rel=1e-9) and found.n_samples == 4998
    assert seen == [(5000, 10000), (10000, 10000)]


def test_series_arrays_and_bad_input() -> None:
    expected = numbers(stream_estimate(uneven(), t=1.0))
    assert numbers(stream_estimate(uneven()["reward"], t=1.0)) == expected
    array = pytest.importorskip("dask.array").from_array(REWARDS, chunks=1000)
    assert stream_estimate(array, t=1.0).reward == pytest.approx(expected["reward"], rel=1e-13)
    with pytest.raises(InputError, match="bootstrap must be 0 for a file above 64 MB or a Dask collection"):
        estimate(uneven(), bootstrap=10)
    with pytest.raises(InputTypeError, match="numeric"):
        stream_estimate(dd.from_pandas(pd.DataFrame({"reward": ["high", "low"]}), npartitions=1), t=1.0)
    with pytest.raises(DataError, match="never pooled"):
        stream_estimate(dd.from_pandas(FRAME.assign(prompt_id=1), npartitions=2), t=1.0)


def test_prompt_tables_and_laws_on_dask() -> None:
    table = FRAME.assign(prompt_id=np.arange(5000) % 40)
    found = estimate(dd.from_pandas(table, npartitions=3), kl=0.2, bootstrap=20, rng=1)
    assert numbers(found) == numbers(estimate(table, kl=0.2, bootstrap=20, rng=1))
    law = pd.DataFrame({"reward": [0.0, 1.0], "prob": [0.75, 0.25]})
    assert align(dd.from_pandas(law, npartitions=1)).verdict == "exact"


def test_a_worker_that_dies_does_not_change_a_bit(tmp_path: Path) -> None:
    distributed = pytest.importorskip("dask.distributed")
    with dask.config.set(scheduler="synchronous"):
        expected = numbers(stream_estimate(uneven(), kl=[0.1, 0.5]))
    marker, home = str(tmp_path / "killed"), os.getpid()

    # Functions inside a function travel by value: the workers need not import this module.
    def deadly(part: pd.DataFrame) -> pd.DataFrame:
        if len(part) == 3499 and os.getpid() != home:
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return part  # the second time
            os.kill(os.getpid(), signal.SIGKILL)
        return part

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", memory_limit=0
        ) as cluster,
        distributed.Client(cluster),
    ):
        data = uneven().map_partitions(deadly, meta=FRAME.iloc[:0])
        assert numbers(stream_estimate(data, kl=[0.1, 0.5])) == expected
    assert os.path.exists(marker)
