"""Where streams come from: files of every kind, iterators, callables; and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infostat.alignment.stream_sources import is_large_population, reward_blocks, reward_stream
from infostat.core import chunks
from infostat.core.chunks import is_large
from infostat.core.errors import DataError, DataFileError, InputError, InputTypeError, MissingExtraError

REWARDS = np.array([0.5, -1.25, 3.0, 0.1, 2.0, -7.0, 1e-3])


@pytest.fixture
def every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LARGE_FILE", 0)


def read(source: Any, **options: Any) -> list[float]:
    return [x for block in reward_blocks(reward_stream(source, **options), 3) for x in block.tolist()]


def write(folder: Path, name: str) -> Path:
    path = folder / name
    frame = pd.DataFrame({"other": range(7), "reward": REWARDS, "text": ["a,b"] * 7})
    if name.endswith(".npy"):
        np.save(path, REWARDS)
    elif name.endswith(".npz"):
        np.savez(path, reward=REWARDS)
    elif name.endswith(".jsonl"):
        frame.to_json(path, orient="records", lines=True)
    elif name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep={".tsv": "\t", ".txt": ";"}.get(path.suffix, ","))
    return path


NAMES = ["r.npy", "r.npz", "r.csv", "r.tsv", "r.txt", "r.csv.gz", "r.jsonl", "r.parquet"]


@pytest.mark.parametrize("name", NAMES)
def test_small_files_are_read_whole(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    assert read(path) == REWARDS.tolist()
    assert read(str(path)) == REWARDS.tolist()
    assert reward_stream(path).total == 7


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("every_file_is_large")
def test_large_files_are_read_in_chunks(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    stream = reward_stream(path, chunk_rows=2)
    assert stream.again
    assert stream.source == str(path)
    pieces = [len(piece) for piece in stream.pieces()]
    assert sum(pieces) == 7
    if not name.endswith((".npy", ".npz")):
        assert max(pieces) <= 2
    for _ in range(2):
        assert read(path, chunk_rows=2) == REWARDS.tolist()


@pytest.mark.parametrize("dtype", ["f4", ">f8", "i2", "?", "f2"])
def test_npy_of_other_types(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "r.npy"
    np.save(path, np.array([1, 0, 1, 1], dtype=dtype))
    assert read(path) == [1.0, 0.0, 1.0, 1.0]
    assert all(block.dtype == np.float64 for block in reward_blocks(reward_stream(path)))


def test_mapped_file_is_not_changed(tmp_path: Path) -> None:
    path = write(tmp_path, "r.npy")
    before = path.read_bytes()
    list(reward_blocks(reward_stream(path)))
    assert path.read_bytes() == before


def test_arrays_series_and_frames() -> None:
    assert read(REWARDS) == REWARDS.tolist()
    assert read(REWARDS.tolist()) == REWARDS.tolist()
    assert read(REWARDS[:, None]) == REWARDS.tolist()
    assert read(pd.Series(REWARDS)) == REWARDS.tolist()
    assert read(pd.DataFrame({"Reward ": REWARDS, "b": 0})) == REWARDS.tolist()
    assert read(pd.DataFrame({"b": 0, "score": REWARDS}), column="score") == REWARDS.tolist()
    assert read(pd.Series([1, None, 2], dtype="Int64"))[::2] == [1.0, 2.0]
    assert np.isnan(read(pd.Series([1, None, 2], dtype="Int64"))[1])
    records = np.array([(1.0, 2.0)], dtype=[("reward", "f8"), ("x", "f8")])
    assert read(records) == [1.0]


def test_iterators_are_used_once_and_functions_again() -> None:
    once = reward_stream(iter([[1.0], pd.Series([2.0]), pd.DataFrame({"reward": [3.0], "x": [0]})]))
    assert not once.again
    assert [x for block in reward_blocks(once) for x in block] == [1.0, 2.0, 3.0]
    assert list(reward_blocks(once)) == []

    def parts() -> Iterator[list[float]]:
        yield [1.0, 2.0]
        yield [3.0]

    again = reward_stream(parts)
    assert again.again
    for _ in range(2):
        assert [x for block in reward_blocks(again) for x in block] == [1.0, 2.0, 3.0]
    assert read([np.array([1.0, 2.0]), np.array([3.0])]) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("sizes", [[7], [1] * 7, [3, 0, 4], [2, 5], [6, 1], [0, 0, 7]])
def test_blocks_do_not_depend_on_the_pieces(sizes: list[int]) -> None:
    pieces = np.split(REWARDS, np.cumsum(sizes)[:-1])
    blocks = list(reward_blocks(reward_stream(iter(pieces)), 3))
    assert [len(block) for block in blocks] == [3, 3, 1]
    assert np.concatenate(blocks).tolist() == REWARDS.tolist()


class Partitions:
    """As much of a Dask series as is used."""

    npartitions = 2

    @property
    def partitions(self) -> list[Any]:
        class Part:
            def __init__(self, values: list[float]) -> None:
                self.values = values

            def compute(self) -> pd.Series[float]:
                return pd.Series(self.values)

        return [Part([1.0, 2.0]), Part([3.0])]


def test_partitions_are_computed_one_at_a_time() -> None:
    assert read(Partitions()) == [1.0, 2.0, 3.0]


def test_dask_frames() -> None:
    dask = pytest.importorskip("dask.dataframe")
    frame = pd.DataFrame({"reward": REWARDS, "x": 1.0})
    assert read(dask.from_pandas(frame, npartitions=3)) == REWARDS.tolist()


def test_what_is_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "r.csv")
    assert not is_large(path)
    monkeypatch.setattr(chunks, "LARGE_FILE", 10)
    assert is_large(path)
    assert not is_large(tmp_path / "absent.csv")
    assert not is_large(REWARDS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("every_file_is_large")
def test_large_files_of_one_population(tmp_path: Path, name: str) -> None:
    assert is_large_population(write(tmp_path, name))


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("label", ["prompt_id", "prob"])
@pytest.mark.usefixtures("every_file_is_large")
def test_large_files_of_something_else(tmp_path: Path, suffix: str, label: str) -> None:
    path = tmp_path / f"r.{suffix}"
    frame = pd.DataFrame({label: [0.5, 0.5], "reward": [0.0, 1.0]})
    if suffix == "csv":
        frame.to_csv(path, index=False)
    elif suffix == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    assert not is_large_population(path)


# ------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize("name", ["r.csv", "r.csv.gz", "r.jsonl", "r.parquet", "r.npy"])
@pytest.mark.usefixtures("every_file_is_large")
def test_missing_empty_and_damaged_files(tmp_path: Path, name: str) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    path = tmp_path / name
    with pytest.raises(DataFileError, match="does not exist"):
        read(path)
    path.write_bytes(b"")
    with pytest.raises(DataFileError, match="is empty"):
        read(path)
    path.write_bytes(b"\xff\xfe\x00\x9fnot a data file")
    with pytest.raises(DataFileError, match="cannot be read"):
        read(path)


@pytest.mark.usefixtures("every_file_is_large")
def test_text_where_rewards_should_be(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("reward\n1.0\ntwo\n")
    with pytest.raises(InputTypeError, match="numeric"):
        read(path)


def test_unknown_suffix(tmp_path: Path) -> None:
    path = tmp_path / "r.xyz"
    path.write_text("1")
    with pytest.raises(InputError, match="one of"):
        read(path)


@pytest.mark.parametrize("size", [0, 64_000_000])
def test_tables_that_are_no_single_population(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(chunks, "LARGE_FILE", size)
    for frame, words in (
        (pd.DataFrame({"prompt_id": [1, 2], "reward": [0.0, 1.0]}), "never pooled"),
        (pd.DataFrame({"prob": [0.5, 0.5], "reward": [0.0, 1.0]}), "pmf"),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), "column="),
    ):
        path = tmp_path / "r.csv"
        frame.to_csv(path, index=False)
        with pytest.raises(DataError, match=words):
            read(path)
    with pytest.raises(InputError, match="available"):
        read(path, column="c")
    with pytest.raises(DataError, match="one population"):
        read(np.zeros((3, 4)))
    with pytest.raises(DataError, match="one population"):
        read(iter([np.zeros((3, 4))]))


@pytest.mark.parametrize("source", [3.0, None, iter([1.0, 2.0]), iter(["text"]), lambda: 3.0, lambda: "text"])
def test_what_is_no_source(source: Any) -> None:
    with pytest.raises(InputTypeError, match="source"):
        read(source)


@pytest.mark.parametrize("values", [["a", "b"], [1j, 2.0], pd.Series(pd.to_datetime(["2020-01-01"]))])
def test_what_is_no_reward(values: Any) -> None:
    with pytest.raises(InputTypeError, match="numeric"):
        read(values)


@pytest.mark.usefixtures("every_file_is_large")
def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet", raising=False)
    with pytest.raises(MissingExtraError, match="distributed"):
        read(path)
