"""Tables in pieces: the same rows whatever the file format or the source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from infostat.core import chunks
from infostat.core.chunks import FrameStream, frame_stream, is_large, is_stream
from infostat.core.data import read_table
from infostat.core.errors import DataError, DataFileError, InputError, InputTypeError

FRAME = pd.DataFrame({"a": np.arange(10.0), "b": np.arange(10.0) ** 2, "c": 1.0 / (1.0 + np.arange(10.0))})


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LARGE_FILE", 0)


def _write(folder: Path, suffix: str) -> Path:
    path = folder / f"t{suffix}"
    if suffix in (".csv", ".csv.gz"):
        FRAME.to_csv(path, index=False)
    elif suffix == ".tsv":
        FRAME.to_csv(path, index=False, sep="\t")
    elif suffix == ".jsonl":
        FRAME.to_json(path, orient="records", lines=True, double_precision=15)
    elif suffix == ".npy":
        np.save(path, FRAME.to_numpy())
    elif suffix == ".npz":
        np.savez(path, table=FRAME.to_numpy())
    else:
        pytest.importorskip("pyarrow")
        FRAME.to_parquet(path)
    return path


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv", ".jsonl", ".npy", ".npz", ".parquet"])
def test_every_format_gives_the_rows_in_order(tmp_path: Path, suffix: str) -> None:
    stream = frame_stream(str(_write(tmp_path, suffix)), chunk_rows=4)
    for _ in range(2):  # files can be read again
        parts = list(stream.frames())
        whole = pd.concat(parts)
        np.testing.assert_allclose(whole.to_numpy(), FRAME.to_numpy(), rtol=1e-14)
    assert len(parts) == (1 if suffix == ".npz" else 3)
    assert stream.again and stream.labels is not None
    named = suffix not in (".npy", ".npz")
    assert tuple(whole.columns) == stream.labels == (("a", "b", "c") if named else ("x1", "x2", "x3"))


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".npy", ".parquet"])
def test_columns_in_the_order_asked_for(tmp_path: Path, suffix: str) -> None:
    stream = frame_stream(_write(tmp_path, suffix), lambda labels: [labels[2], labels[0]], chunk_rows=3)
    whole = pd.concat(list(stream.frames()))
    assert tuple(whole.columns) == stream.labels
    np.testing.assert_allclose(whole.to_numpy(), FRAME[["c", "a"]].to_numpy(), rtol=1e-14)


def test_a_small_file_is_one_frame(tmp_path: Path) -> None:
    stream = frame_stream(_write(tmp_path, ".csv"), chunk_rows=2)
    (whole,) = stream.frames()
    assert stream.total == 10 and len(whole) == 10


def test_iterators_are_used_up() -> None:
    stream = frame_stream(iter([FRAME.iloc[:3], FRAME.iloc[3:]]))
    assert sum(len(part) for part in stream.frames()) == 10 and not stream.again
    with pytest.raises(DataError, match="has been read; an iterator can be read once"):
        list(stream.frames())
    with pytest.raises(DataError, match="list_iterator that yields nothing"):
        list(frame_stream(iter([])).frames())


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        ((1.0, 2.0), "collect rows into tables first"),
        ([1.0, 2.0], "collect rows"),
        (np.arange(3.0), r"array.reshape\(-1, 1\)"),
        (3.0, "2-dimensional"),
        ("a.csv", "pass a path itself"),
        (b"1,2", "pass a path itself"),
    ],
)
def test_pieces_that_could_be_single_rows_or_paths_are_refused(piece: object, words: str) -> None:
    with pytest.raises(InputTypeError, match=f"piece 0 of data must be .*{words}"):
        list(frame_stream(iter([piece])).frames())


def test_a_text_file_handle_is_no_table(tmp_path: Path) -> None:
    with _write(tmp_path, ".csv").open() as lines, pytest.raises(InputTypeError, match="pass a path itself"):
        list(frame_stream(lines).frames())


def test_wide_files_come_in_shorter_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LARGE_FILE", 0)
    monkeypatch.setattr(chunks, "_MOST_CELLS", 12)  # of three columns
    assert [len(part) for part in frame_stream(_write(tmp_path, ".csv")).frames()] == [4, 4, 2]


@pytest.mark.usefixtures("everything_is_large")
def test_text_stays_text_in_every_chunk(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("code,x\n" + "a1,1\n" * 5 + "07,2\n" * 5)
    parts = list(frame_stream(path, chunk_rows=5).frames())
    whole = read_table(path).frame
    assert [part["code"].tolist() for part in parts] == [["a1"] * 5, ["07"] * 5]
    assert pd.concat(parts)["code"].tolist() == whole["code"].tolist()
    assert [part["x"].dtype.kind for part in parts] == ["i", "i"]


@pytest.mark.usefixtures("everything_is_large")
def test_json_lines_are_taken_as_they_are(tmp_path: Path) -> None:
    # Neither dates from names that look like times, nor numbers from text; decimals to the last bit.
    path = tmp_path / "t.jsonl"
    path.write_text('{"updated_at": 1.5e9, "code": "07", "x": 0.30000000000000004}\n' * 3)
    (part,) = frame_stream(path).frames()
    whole = read_table(path).frame
    assert part.iloc[0].tolist() == whole.iloc[0].tolist() == [1.5e9, "07", 0.30000000000000004]


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize("index", [pd.RangeIndex(10), pd.Index(np.arange(10.0), name="id"), pd.Index([*"abcdefghij"])])
def test_the_index_of_a_parquet_file_is_no_column(tmp_path: Path, index: pd.Index) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "t.parquet"
    FRAME.set_index(index).to_parquet(path)
    stream = frame_stream(path)
    assert stream.labels == ("a", "b", "c") == tuple(read_table(path).labels)
    np.testing.assert_array_equal(pd.concat(list(stream.frames())).to_numpy(), FRAME.to_numpy())


def test_dask_series_and_arrays() -> None:
    dd = pytest.importorskip("dask.dataframe")
    for series, label in ((FRAME["a"], "a"), (FRAME["a"].rename(None), "x")):
        stream = frame_stream(dd.from_pandas(series, npartitions=2))
        assert stream.labels == (label,)
        assert pd.concat(list(stream.frames()))[label].tolist() == FRAME["a"].tolist()
    array = pytest.importorskip("dask.array").from_array(FRAME.to_numpy(), chunks=(4, 3))
    with pytest.raises(InputTypeError, match="from_dask_array"):
        frame_stream(array)


def test_pieces_must_have_the_same_columns() -> None:
    stream = frame_stream(iter([FRAME, FRAME[["a", "b"]]]))
    with pytest.raises(DataError, match=r"same columns, got a, b in piece 1 after a, b, c"):
        list(stream.frames())


def test_dask_partitions() -> None:
    dd = pytest.importorskip("dask.dataframe")
    stream = frame_stream(dd.from_pandas(FRAME, npartitions=3), lambda labels: ["b", "a"])
    whole = pd.concat(list(stream.frames()))
    assert stream.collection is not None and whole.columns.tolist() == ["b", "a"]
    np.testing.assert_array_equal(whole.to_numpy(), FRAME[["b", "a"]].to_numpy())


def test_what_is_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path, ".csv")
    assert not is_stream(path) and not is_stream(FRAME) and not is_stream([1.0]) and not is_large(tmp_path / "none.csv")
    assert is_stream(iter([FRAME])) and is_stream(FrameStream(lambda: iter([FRAME]), None, None, True, "own"))
    monkeypatch.setattr(chunks, "LARGE_FILE", 10)
    assert is_stream(path) and is_large(str(path))


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("e.csv", "", DataFileError, "is empty"),
        ("d.csv", "a,a\n1,2\n", DataError, "distinct"),
        ("b.csv", 'a,b\n"1,2\n', DataFileError, "cannot be read"),
        ("n.csv", "1.5,2\n3,4\n", DataFileError, "must name its columns in the first line"),
        ("r.csv", "a,b\n1,2,3\n", DataFileError, "the first row has 3 cells under 2 column names"),
        ("l.csv", "a,b\n1,2\n1,2,3\n", DataFileError, "cannot be read: .*Expected 2 fields"),
        ("j.jsonl", '{"a": 1}\n{"a"\n', DataFileError, "line 2 is not JSON"),
        ("z.jsonl", "\n", DataFileError, "is empty"),
        ("e.jsonl", "3\n", DataFileError, "not a JSON object"),
        ("m.jsonl", '{"a": 1, "b": 2}\n{"b": 2}\n', None, ""),
        ("x.xls", "a", InputError, "one of .csv"),
        ("e.npy", "", DataFileError, "is empty"),
        ("d.npy", "nonsense", DataFileError, "cannot be read"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: str, error: type[Exception] | None, words: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    if error is None:
        frames = list(frame_stream(path).frames())
        assert frames[0]["a"].isna().sum() == 1  # the computation then refuses missing values
        return
    with pytest.raises(error, match=words):
        list(frame_stream(path).frames())


def test_what_is_no_source() -> None:
    with pytest.raises(InputTypeError, match="data must be the path"):
        frame_stream([1.0, 2.0])
    with pytest.raises(DataFileError, match="does not exist"):
        frame_stream("nowhere.csv")


def test_keys_of_later_lines_are_not_lost_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "late.jsonl"
    path.write_text("".join(f'{{"a": {i}, "c": 1}}\n' for i in range(50)) + '{"a": 50, "b": 1, "c": 1}\n')
    monkeypatch.setattr(chunks, "LARGE_FILE", 100)
    with pytest.raises(DataFileError, match="first line lacks the key 'b'"):
        list(frame_stream(path).frames())
    (frame,) = frame_stream(path, lambda labels: ["a"]).frames()
    assert len(frame) == 51
