"""`stream_estimate` is `estimate`, in one pass or two and in fixed memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infostat.alignment.estimation import estimate
from infostat.alignment.stream_estimation import stream_estimate
from infostat.core import chunks
from infostat.core.errors import DataError, InputError, InputTypeError, SampleSizeWarning

NUMBERS = ["t", "reward", "log_mgf", "ess", "perplexity_ess", "se_reward", "se_log_mgf", "low", "high", "bias_reward"]


def same(found: Any, want: Any, rtol: float = 1e-10) -> None:
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(found, name), getattr(want, name), rtol=rtol, atol=1e-14, err_msg=name)
    # A difference of numbers of order one.
    np.testing.assert_allclose(found.kl, want.kl, rtol=rtol, atol=3e-15)
    np.testing.assert_allclose(found.se_kl, want.se_kl, rtol=1e-6, atol=1e-10)
    assert found.status == want.status
    assert found.flags == want.flags
    np.testing.assert_array_equal(found.saturated, want.saturated)
    assert found.kl_ceiling == pytest.approx(want.kl_ceiling, rel=1e-15)
    assert found.n_samples == want.n_samples


def normal(n: int = 20_000) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(n)


def populations() -> Iterator[Any]:
    yield pytest.param(normal(), id="normal")
    yield pytest.param(normal(5000) + 1e4, id="shifted")
    yield pytest.param(np.random.default_rng(2).integers(0, 5, 20_000).astype(float), id="ties")
    yield pytest.param(np.append(normal(5000), np.full(40, -np.inf)), id="minus infinity")
    yield pytest.param(np.arange(5.0), id="five")


@pytest.mark.parametrize("rewards", list(populations()))
def test_tilts_as_in_memory(rewards: np.ndarray) -> None:
    tilts = [0.0, 0.1, 1.0, 3.0] + ([-1.0, -2.5] if np.isfinite(rewards).all() else [])
    found, want = stream_estimate(rewards, tilts, chunk_rows=3000), estimate(rewards, t=tilts)
    same(found, want)
    np.testing.assert_allclose(found.ess_se, want.ess_se, rtol=1e-7)
    same(stream_estimate(rewards, 0.7), estimate(rewards, t=0.7))
    assert isinstance(stream_estimate(rewards, 0.7).reward, float)


@pytest.mark.filterwarnings("ignore::infostat.core.errors.SampleSizeWarning")
@pytest.mark.parametrize("rewards", list(populations()))
def test_budgets_as_in_memory(rewards: np.ndarray) -> None:
    budgets = [0.0, 0.02, 0.3, 1.0, 100.0]
    found, want = stream_estimate(rewards, kl=budgets, chunk_rows=3000), estimate(rewards, kl=budgets)
    same(found, want, rtol=1e-9)
    tight = (found.kl > 0) & ~np.asarray(found.saturated) & (np.array(budgets) > 0.01)
    np.testing.assert_allclose(found.kl[tight], np.array(budgets)[tight], rtol=1e-12)


def test_default_budgets() -> None:
    rewards = normal()
    found, want = stream_estimate(rewards), estimate(rewards)
    # `estimate` looks for the last budget to one in a thousand.
    np.testing.assert_allclose(found.kl, want.kl, rtol=5e-3, atol=1e-15)
    assert found.ess[-1] == pytest.approx(10.01, rel=1e-9)


def test_equal_rewards() -> None:
    found = stream_estimate(np.ones(30), kl=[0.0, 0.0])
    assert found.degenerate
    assert found.t.tolist() == [0.0, 0.0]
    assert found.reward.tolist() == [1.0, 1.0]


def test_worked_example() -> None:
    found = stream_estimate([0, 1, 2, 3, 4], 1.0)
    assert found.reward == pytest.approx(3.451941567662, rel=1e-12)
    assert found.se_reward == pytest.approx(0.395148739339, rel=1e-11)
    assert found.status == "collapsed"


@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    rewards = normal(4000)
    path = tmp_path / f"r.{suffix}"
    if suffix == "npy":
        np.save(path, rewards)
    elif suffix == "csv":
        pd.DataFrame({"reward": rewards}).to_csv(path, index=False)
    else:
        pytest.importorskip("pyarrow")
        pd.DataFrame({"reward": rewards}).to_parquet(path)
    monkeypatch.setattr(chunks, "LARGE_FILE", 0)
    same(stream_estimate(path, kl=[0.1, 0.5], chunk_rows=512), estimate(rewards, kl=[0.1, 0.5]), rtol=1e-9)
    assert stream_estimate(path, 1.0).source == str(path)


def test_single_precision_file(tmp_path: Path) -> None:
    rewards = normal(3000).astype(np.float32)
    np.save(tmp_path / "r.npy", rewards)
    same(stream_estimate(tmp_path / "r.npy", [0.5]), estimate(rewards.astype(float), t=[0.5]))


def test_threads_and_pieces_do_not_change_numbers() -> None:
    rewards = normal(50_000)
    one = stream_estimate(rewards, [0.5, 2.0], chunk_rows=4096)
    two = stream_estimate(rewards, [0.5, 2.0], chunk_rows=4096, n_jobs=2)
    parts = stream_estimate(iter(np.array_split(rewards, 13)), [0.5, 2.0], chunk_rows=4096)
    for other in (two, parts):
        for name in NUMBERS:
            np.testing.assert_array_equal(getattr(other, name), getattr(one, name))
    blocks = stream_estimate(rewards, [0.5, 2.0], chunk_rows=999)
    np.testing.assert_allclose(blocks.reward, one.reward, rtol=1e-12)


def test_progress_counts_rewards() -> None:
    seen: list[tuple[int, int]] = []
    stream_estimate(normal(1000), kl=[0.1], chunk_rows=400, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (400, 2000)
    assert seen[-1] == (2000, 2000)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_missing_rewards() -> None:
    rewards = [1.0, 2.0, np.nan, 4.0, np.nan]
    with pytest.raises(DataError, match="row 2"):
        stream_estimate(rewards, 1.0, chunk_rows=2)
    for options in ({"t": 1.0}, {"kl": 0.2}):
        with pytest.warns(UserWarning, match="2 of 5"):
            found = stream_estimate(rewards, nan="drop", chunk_rows=2, **options)
        assert found.n_dropped == 2
        assert "nan_dropped" in found.flags
        assert found.n_samples == 3


def test_saturation_warns() -> None:
    with pytest.warns(SampleSizeWarning, match="ceiling"):
        found = stream_estimate(normal(100), kl=50.0)
    assert found.saturated is True
    assert found.reward == normal(100).max()


def test_summary_and_frame() -> None:
    found = stream_estimate(normal(3000), kl=[0.1, 1.0, 4.0])
    assert "20" in str(stream_estimate(np.arange(20.0), 0.1).summary())
    assert len(found.to_frame()) == 3
    found.plot().figure.clear()
    assert "effective samples" in found.interpretation


# ------------------------------------------------------------------------------------- bad input
def test_budgets_need_two_passes() -> None:
    with pytest.raises(InputError, match="two passes"):
        stream_estimate(iter([[1.0, 2.0]]), kl=0.1)
    with pytest.raises(InputError, match="two passes"):
        stream_estimate(iter([[1.0, 2.0]]))


def test_bad_input() -> None:
    rewards = normal(50)
    with pytest.raises(InputError, match="at most one"):
        stream_estimate(rewards, 1.0, kl=1.0)
    with pytest.raises(InputError, match="kl must be >= 0"):
        stream_estimate(rewards, kl=-0.1)
    with pytest.raises(InputError, match="NaN"):
        stream_estimate(rewards, np.nan)
    with pytest.raises(InputError, match="at least one"):
        stream_estimate(rewards, [])
    with pytest.raises(InputError, match="chunk_rows"):
        stream_estimate(rewards, 1.0, chunk_rows=0)
    with pytest.raises(InputError, match="nan"):
        stream_estimate(rewards, 1.0, nan="fill")
    with pytest.raises(InputTypeError, match="progress"):
        stream_estimate(rewards, 1.0, progress="yes")
    for few in ([], [1.0], iter([])):
        with pytest.raises(DataError, match="at least 2"):
            stream_estimate(few, 1.0)
    with pytest.raises(DataError, match="infinite"):
        stream_estimate([1.0, np.inf], 1.0)
    with pytest.raises(DataError, match="finite reward"):
        stream_estimate([-np.inf, -np.inf], 1.0)
    with pytest.raises(DataError, match="negative"):
        stream_estimate([0.0, -np.inf], -1.0)


@pytest.mark.parametrize("second", [[], [0.0, 9.0], [-9.0, 0.0], [0.0, 1.0]], ids=["none", "above", "below", "fewer"])
def test_rewards_that_differ_in_the_second_pass_are_refused(second: list[float]) -> None:
    passes = iter([[0.0, 0.5, 1.0], second])
    with pytest.raises(DataError, match="same rewards in both passes"):
        stream_estimate(lambda: iter([np.array(next(passes))]), kl=0.1)


@pytest.mark.parametrize("unit", [1e-200, 1e-300, 1e-310])
def test_rewards_whose_squares_vanish_are_refused(unit: float) -> None:
    with pytest.raises(DataError, match="must span more than 1e-75"):
        stream_estimate(normal(500) * unit, kl=[0.0, 0.1])
    found, want = stream_estimate(normal(500) * 1e-70, kl=0.1), stream_estimate(normal(500), kl=0.1)
    assert found.se_reward == pytest.approx(want.se_reward * 1e-70, rel=1e-9)
