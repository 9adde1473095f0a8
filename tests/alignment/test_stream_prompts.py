"""Large prompt tables: read in pieces, the same data as read whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infostat.alignment import align, estimate
from infostat.alignment.input_tables import read_rewards
from infostat.alignment.stream_prompts import read_prompt_rows
from infostat.core import chunks
from infostat.core.errors import DataError, InfostatWarning, InputError

RNG = np.random.default_rng(3)
TABLE = pd.DataFrame(
    {
        "text": [f"answer {k}" for k in range(2000)],
        "Reward": RNG.normal(size=2000),
        "prompt_id": RNG.permutation(np.repeat(np.arange(100, 150), 40)),
        "true_reward": RNG.normal(size=2000),
    }
)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LARGE_FILE", 1000)
    monkeypatch.setattr(chunks, "_MOST_CELLS", 300)


def written(folder: Path, suffix: str, table: pd.DataFrame = TABLE) -> Path:
    path = folder / f"prompts{suffix}"
    if suffix == ".jsonl":
        table.to_json(path, orient="records", lines=True)
    elif suffix == ".parquet":
        pytest.importorskip("pyarrow")
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".jsonl", ".parquet"])
@pytest.mark.parametrize("names", ["numbers", "text"])
def test_the_data_are_those_read_whole(
    suffix: str, names: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = TABLE.assign(prompt_id="p" + TABLE["prompt_id"].astype(str)) if names == "text" else TABLE
    path = written(tmp_path, suffix, table)
    whole = read_rewards(path)
    monkeypatch.setattr(chunks, "LARGE_FILE", 1000)
    monkeypatch.setattr(chunks, "_MOST_CELLS", 300)
    assert read_prompt_rows(path) is not None
    pieces = read_rewards(path)
    for name in ("kind", "prompts", "columns", "source", "flags"):
        assert getattr(pieces, name) == getattr(whole, name)
    for name in ("reward", "true", "offsets"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))


@pytest.mark.usefixtures("small_chunks")
def test_estimates_with_bootstrap(tmp_path: Path) -> None:
    path = written(tmp_path, ".csv")
    found = estimate(str(path), kl=[0.1, 0.3], bootstrap=20, rng=1)
    memory = estimate(TABLE, kl=[0.1, 0.3], bootstrap=20, rng=1)
    assert {**found.to_dict(), "source": ""} == {**memory.to_dict(), "source": ""}
    assert align(str(path), kl=0.2).n_prompts == 50


@pytest.mark.usefixtures("small_chunks")
def test_named_columns(tmp_path: Path) -> None:
    path = written(tmp_path, ".csv", TABLE.rename(columns={"prompt_id": "question", "true_reward": "gold"}))
    found = read_rewards(path, prompt_id="question", true="gold")
    assert found.columns == ("question", "Reward", "gold") and found.n_prompts == 50
    with pytest.raises(InputError, match="prompt_id must name a column, got 'q'"):
        read_rewards(path, prompt_id="q")


@pytest.mark.usefixtures("small_chunks")
def test_missing_rewards_and_prompts(tmp_path: Path) -> None:
    table = TABLE.copy()
    table.loc[7, "Reward"] = np.nan
    path = written(tmp_path, ".csv", table)
    with pytest.raises(DataError, match="must not hold missing rewards, got 1 of 2000"):
        read_rewards(path)
    with pytest.warns(InfostatWarning, match="1 of 2000 rewards are missing"):
        assert len(read_rewards(path, nan="drop").reward) == 1999
    table = TABLE.astype({"prompt_id": object})
    table.loc[1999, "prompt_id"] = None
    with pytest.raises(DataError, match="prompt_id must not be missing, got 1 of 2000 rows"):
        read_rewards(written(tmp_path, ".csv", table))


@pytest.mark.parametrize("columns", [["Reward"], ["prompt_id"], ["Reward", "prompt_id", "prob"]])
def test_other_tables_are_left_to_the_ordinary_way(
    columns: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table: Any = TABLE.assign(prob=1.0 / 2000)[columns]
    path = written(tmp_path, ".csv", table)
    monkeypatch.setattr(chunks, "LARGE_FILE", 100)
    assert read_prompt_rows(path) is None


@pytest.mark.usefixtures("small_chunks")
def test_prompts_that_become_text_in_a_later_piece_are_refused(tmp_path: Path) -> None:
    # Read whole, the column is text and the first prompt is one; in pieces it would be 0 and "0".
    rows = [f"{i % 3},{i / 100}" for i in range(3000)] + ["a,1.0", "0,2.0"]
    path = tmp_path / "mixed.csv"
    path.write_text("prompt_id,reward\n" + "\n".join(rows) + "\n")
    with pytest.raises(DataError, match=r"text from row \d+ on after numbers"):
        read_prompt_rows(path)
