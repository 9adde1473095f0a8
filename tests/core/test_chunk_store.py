"""Rows that are elsewhere: what they give back is what went in, whatever they came from."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core import chunk_store, chunks
from infostat.core.chunk_rows import BlockRows, Change, keep_rows, standardised
from infostat.core.chunk_store import StoredRows, as_rows, read_rows
from infostat.core.errors import DataError, DataFileError, InputTypeError

TABLE = np.random.default_rng(0).normal(size=(1003, 3)) * np.array([1.0, 1e3, 1e-3]) + np.array([0.0, 5.0, 0.0])


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LARGE_FILE", 5000)


def frames() -> Iterator[pd.DataFrame]:
    for start in range(0, 1003, 97):
        yield pd.DataFrame(TABLE[start : start + 97], columns=list("abc"))


def npy(folder: Path) -> Any:
    np.save(folder / "rows.npy", TABLE)
    return folder / "rows.npy"


def csv(folder: Path) -> Any:
    pd.concat(frames()).to_csv(folder / "rows.csv", index=False)
    return str(folder / "rows.csv")


def memmap(folder: Path) -> Any:
    return np.load(npy(folder), mmap_mode="r")


def fortran(folder: Path) -> Any:
    np.save(folder / "columns.npy", np.asfortranarray(TABLE))
    return folder / "columns.npy"


def dask_frame(folder: Path) -> Any:
    return pytest.importorskip("dask.dataframe").from_pandas(pd.concat(frames(), ignore_index=True), npartitions=4)


SOURCES: dict[str, Callable[[Path], Any]] = {
    "iterator": lambda folder: frames(), "npy": npy, "csv": csv, "memmap": memmap, "fortran": fortran,
    "dask": dask_frame,
}  # fmt: skip


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_rows_back(kind: str, tmp_path: Path) -> None:
    rows = as_rows("X", SOURCES[kind](tmp_path))
    assert isinstance(rows, StoredRows) and rows.shape == (1003, 3) and len(rows) == 1003
    np.testing.assert_array_equal(rows[:], TABLE)
    np.testing.assert_array_equal(rows[10:20], TABLE[10:20])
    assert rows[::7].tobytes() == np.ascontiguousarray(TABLE[::7]).tobytes()


def test_labels_and_source(tmp_path: Path) -> None:
    assert read_rows(frames()).labels == ("a", "b", "c") and read_rows(frames()).source == "generator"
    path = npy(tmp_path)
    assert read_rows(path).labels == ("x1", "x2", "x3") and read_rows(path).source == str(path)
    chosen = chunks.frame_stream(path, lambda labels: ["x3", "x1"])
    assert read_rows(chosen).labels == ("x3", "x1")
    np.testing.assert_array_equal(read_rows(chosen).rows[:], TABLE[:, [2, 0]])


def test_what_is_small_is_an_array() -> None:
    found = as_rows("X", iter([TABLE[:50], TABLE[50:60]]))
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, TABLE[:60])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 1002), max_size=200), st.sampled_from([16, 300, 1 << 20]))
def test_any_rows_in_any_order(numbers: list[int], block: int) -> None:
    rows = StoredRows(lambda a, b: TABLE[a:b].copy(), 1003, 3, list("abc"), "memory")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk_store, "BLOCK_VALUES", block)
        np.testing.assert_array_equal(rows[np.array(numbers, dtype=int)], TABLE[numbers].reshape(-1, 3))


def test_reductions_are_those_of_the_matrix() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk_store, "BLOCK_VALUES", 100)
        rows = as_rows("X", frames())
        assert len(rows.starts) > 10
        np.testing.assert_array_equal(rows.min(axis=0), TABLE.min(axis=0))
        assert rows.max() == TABLE.max() and rows.min(initial=-1e9) == -1e9
        np.testing.assert_allclose(rows.mean(axis=0), TABLE.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(rows.std(axis=0, ddof=1), TABLE.std(axis=0, ddof=1), rtol=1e-12)


def test_columns_and_standardised_rows() -> None:
    rows, mean, scales = as_rows("X", frames()), TABLE.mean(axis=0), TABLE.std(axis=0)
    expected = (TABLE - mean) / scales
    np.testing.assert_array_equal(standardised(rows, mean, scales)[:], expected)
    mask = np.array([True, False, True])
    part = standardised(rows, mean, scales)[:, mask]
    assert part.labels == ("a", "c")
    np.testing.assert_array_equal(part[:], expected[:, mask])
    np.testing.assert_array_equal(part.max(axis=0), expected[:, mask].max(axis=0))
    np.testing.assert_array_equal(rows[:, [2, 0]][:, 0], TABLE[:, 2])
    with pytest.raises(DataError, match="standardise once"):
        standardised(rows, mean, scales).standardised(mean, scales)
    assert Change().choosing(np.array([1]))(TABLE)[0, 0] == TABLE[0, 1]


def test_kept_rows_stay_elsewhere_unless_they_are_few() -> None:
    rows = as_rows("X", frames())
    many, few = keep_rows(rows, np.arange(0, 1003, 2)), keep_rows(rows, np.array([3, 500]))
    assert isinstance(many, StoredRows) and isinstance(few, np.ndarray)
    np.testing.assert_array_equal(many[:], TABLE[::2])
    np.testing.assert_array_equal(few, TABLE[[3, 500]])
    np.testing.assert_array_equal(rows[TABLE[:, 0] > 0][:], TABLE[TABLE[:, 0] > 0])


def test_bad_input(tmp_path: Path) -> None:
    hole = TABLE.copy()
    hole[1000, 1] = np.nan
    with pytest.raises(DataError, match=r"X in the 33 rows from row 970 on .*'x2': 1 missing"):
        as_rows("X", (hole[i : i + 97] for i in range(0, 1003, 97)))
    np.save(tmp_path / "hole.npy", hole)
    with pytest.raises(DataError, match=r"X must be finite.*'x2': 1 missing"):
        as_rows("X", tmp_path / "hole.npy")
    with pytest.raises(DataError, match=r"'x2': 1 missing"):
        as_rows("X", np.load(tmp_path / "hole.npy", mmap_mode="r"))
    with pytest.raises(DataError, match="numeric"):
        as_rows("X", iter([pd.DataFrame({"a": ["red"]})]))
    with pytest.raises(DataError, match="at least 2 rows, got 1"):
        as_rows("X", iter([[[1.0]]]))
    with pytest.raises(DataError, match="yields nothing"):
        as_rows("X", iter([]))
    with pytest.raises(DataError, match="must have rows, got none"):
        as_rows("X", iter([pd.DataFrame({"a": []})]))


def test_a_computation_that_needs_all_rows_is_refused() -> None:
    rows = as_rows("X", frames())
    with pytest.raises(DataError, match="must fit into memory for this computation, got 1003 rows"):
        np.asarray(rows)
    with pytest.raises(InputTypeError, match="cannot be pickled"):
        pickle.dumps(rows)
    with pytest.raises(DataError, match="rows must be numbers from 0 to 1002"):
        rows[np.array([1003])]


def test_a_file_that_shrinks_is_noticed(tmp_path: Path) -> None:
    path = npy(tmp_path)
    rows = as_rows("X", path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataFileError, match="has become shorter"):
        rows[1000:]


def test_no_room_for_a_temporary_file(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _: bytes) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    monkeypatch.setattr(chunk_store.tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(DataFileError, match=r"No space left on device.*TMPDIR"):
        as_rows("X", frames())

    def refuse(**_: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(chunk_store.tempfile, "TemporaryFile", refuse)
    with pytest.raises(DataFileError, match=r"no temporary file can be made \(Permission denied\)"):
        as_rows("X", frames())


def test_block_rows_are_passed_through() -> None:
    rows = as_rows("X", frames())
    assert as_rows("X", rows) is rows and isinstance(rows, BlockRows)


def test_what_follows_the_array_in_its_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "two.npy"
    with path.open("wb") as file:
        np.save(file, TABLE)
        np.save(file, np.full_like(TABLE, 7.0))
    np.testing.assert_array_equal(as_rows("X", path)[:], TABLE)


def test_columns_that_are_left_out_may_hold_what_they_like(tmp_path: Path) -> None:
    table = TABLE.copy()
    table[3, 2] = np.nan
    np.save(tmp_path / "rows.npy", table)
    found = read_rows(chunks.frame_stream(tmp_path / "rows.npy", lambda labels: labels[:2])).rows
    np.testing.assert_array_equal(found[:], TABLE[:, :2])
    with pytest.raises(DataError, match="'x3': 1 missing"):
        read_rows(tmp_path / "rows.npy")


def test_a_file_that_was_written_to_meanwhile_is_noticed(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", TABLE)
    found = as_rows("X", tmp_path / "rows.npy")
    np.testing.assert_array_equal(found[:5], TABLE[:5])
    before = (tmp_path / "rows.npy").stat()
    np.save(tmp_path / "rows.npy", 2.0 * TABLE)
    os.utime(tmp_path / "rows.npy", ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000_000))
    with pytest.raises(DataFileError, match="has changed while it was read"):
        found[:5]


def test_no_rows_of_rows_that_are_elsewhere() -> None:
    assert as_rows("X", frames())[np.zeros(len(TABLE), dtype=bool)].shape == (0, 3)


def test_a_map_of_records_is_a_table(tmp_path: Path) -> None:
    records = np.memmap(tmp_path / "records", dtype=[("a", "f8"), ("b", "f8")], mode="w+", shape=700)
    records["a"], records["b"] = 1.0, np.arange(700.0)
    found = as_rows("X", records)
    assert isinstance(found, np.ndarray) and found.shape == (700, 2) and found[5].tolist() == [1.0, 5.0]
