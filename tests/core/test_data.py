"""Tables from everything users pass, and one clear line when they cannot be used."""

from __future__ import annotations

import gzip
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infostat.core.data import Table, matrix, read_table
from infostat.core.errors import (
    DataError,
    DataFileError,
    InfostatError,
    InputError,
    InputTypeError,
    MissingExtraError,
)

X = np.array([[1.0, 2.5], [-3.0, 0.1], [4.0, 1e-3]])


def test_arrays_and_lists() -> None:
    arrays = (X, np.asfortranarray(X), X.astype(">f8"), X.astype(object))
    for data in (*arrays, X.tolist(), tuple(map(tuple, X))):
        table = read_table(data)
        assert table.labels == ["x1", "x2"]
        result = matrix(table)
        np.testing.assert_array_equal(result, X)
        assert result.dtype == np.float64
        assert result.flags.c_contiguous
    assert read_table(X[:, 0]).labels == ["x1"]
    assert matrix(read_table([1, 2, 3])).shape == (3, 1)


def test_structured_arrays_keep_their_names() -> None:
    data = np.array([(1, 2.0), (3, 4.0), (5, 6.0)], dtype=[("a", int), ("b", float)])
    assert read_table(data).labels == ["a", "b"]


def test_masked_values_count_as_missing() -> None:
    with pytest.raises(DataError, match="'x1': 1 missing"):
        matrix(read_table(np.ma.masked_equal([1, 2, 3, 4], 3)))
    assert matrix(read_table(np.ma.masked_equal([1, 2, 3, 4], 9))).shape == (4, 1)


def test_pandas_labels_survive() -> None:
    frame = pd.DataFrame(X, columns=["b", 7], index=["r", "s", "t"])
    table = read_table(frame)
    assert table.labels == ["b", "7"]
    assert list(table.frame.index) == ["r", "s", "t"]
    assert table.source == "DataFrame"
    assert read_table(frame["b"]).labels == ["b"]
    assert read_table(pd.Series([1.0, 2.0])).labels == ["x"]
    again = read_table(table, columns="7")
    assert (again.labels, again.source) == (["7"], "DataFrame")


def test_input_is_not_modified() -> None:
    frame = pd.DataFrame({1: [1, 2, 3], "b": [True, False, True]})
    before = frame.copy(deep=True)
    result = matrix(read_table(frame, columns="1,b"))
    result[:] = -1.0
    pd.testing.assert_frame_equal(frame, before)
    array = X.copy()
    array.flags.writeable = False
    matrix(read_table(array))[:] = 0.0
    np.testing.assert_array_equal(array, X)


def test_table_is_frozen_and_pickles() -> None:
    table = read_table(X)
    with pytest.raises(AttributeError):
        table.source = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(table)).labels == table.labels


@pytest.mark.parametrize(
    ("columns", "drop", "labels"),
    [
        (None, None, ["a", "b", "c, d"]),
        ("b, a", None, ["b", "a"]),
        (["b"], None, ["b"]),
        ("c, d", None, ["c, d"]),
        (None, "a", ["b", "c, d"]),
        (None, ("a", "c, d"), ["b"]),
        (["a", "b"], ["a"], ["b"]),
    ],
)
def test_selection(columns: Any, drop: Any, labels: list[str]) -> None:
    frame = pd.DataFrame(np.ones((3, 3)), columns=["a", "b", "c, d"])
    assert read_table(frame, columns=columns, drop=drop).labels == labels


def test_selection_errors() -> None:
    frame = pd.DataFrame(np.ones((3, 2)), columns=["a", "b"])
    with pytest.raises(InputError, match=r"must name columns of wine, got 'z', 'y'; available: a, b$"):
        read_table(frame, columns="a,z,y", name="wine")
    with pytest.raises(InputError, match="drop must name columns of data, got 'z'"):
        read_table(frame, drop=["z"])
    with pytest.raises(InputError, match="each column once, got more than one 'a'"):
        read_table(frame, columns="a,a")
    with pytest.raises(InputError, match="at least one column"):
        read_table(frame, columns=[])
    with pytest.raises(InputError, match="drop must leave at least one column"):
        read_table(frame, drop="a,b")
    with pytest.raises(InputTypeError, match="columns must be a list of column names"):
        read_table(frame, columns=3)  # type: ignore[arg-type]
    wide = pd.DataFrame(np.ones((1, 50)))
    with pytest.raises(InputError, match="28, 29 and 20 more$"):
        read_table(wide, columns="z")


@pytest.mark.parametrize("data", [3.0, None, {"a": [1]}, object(), iter([1.0])])
def test_other_types_are_refused(data: object) -> None:
    with pytest.raises((InputTypeError, DataError), match="data must be"):
        read_table(data)


def test_shapes_are_checked() -> None:
    with pytest.raises(DataError, match=r"1- or 2-dimensional .*got shape \(2, 2, 2\)"):
        read_table(np.ones((2, 2, 2)))
    with pytest.raises(DataError, match="rectangular, got rows of different lengths"):
        read_table([[1.0], [1.0, 2.0]])
    with pytest.raises(DataError, match="at least 3 rows, got 2"):
        matrix(read_table([1.0, 2.0]))
    assert matrix(read_table([1.0, 2.0]), min_rows=2).shape == (2, 1)
    for empty in ([], np.empty((0, 3)), pd.DataFrame({"a": []})):
        with pytest.raises(DataError, match="got an empty table"):
            matrix(read_table(empty))
    for nothing in (pd.DataFrame(), np.empty((3, 0)), pd.DataFrame(index=range(3))):
        with pytest.raises(DataError, match="at least one column, got none"):
            matrix(read_table(nothing))


def test_duplicate_labels_are_refused() -> None:
    with pytest.raises(DataError, match="distinct column names, got more than one 'a'"):
        read_table(pd.DataFrame(X, columns=["a", "a"]))
    with pytest.raises(DataError, match="more than one '1'"):
        read_table(pd.DataFrame(X, columns=[1, "1"]))


def test_text_columns_are_named_with_the_cure() -> None:
    frame = pd.DataFrame(
        {
            "sex": ["M", "F", "M"],
            "size": [1.0, 2.0, 3.0],
            "kind": pd.Categorical(["a", "b", "a"]),
            "day": pd.to_datetime(["2020-01-01"] * 3),
        }
    )
    with pytest.raises(
        DataError,
        match=r"in 'sex', 'kind', 'day'; select .* columns= \(command line: --columns or --drop\)",
    ):
        matrix(read_table(frame))
    assert matrix(read_table(frame, columns="size")).shape == (3, 1)
    with pytest.raises(DataError, match="text"):
        matrix(read_table(["1", "2", "3"]))


def test_booleans_nullable_and_object_columns_become_numbers() -> None:
    frame = pd.DataFrame(
        {
            "flag": [True, False, True],
            "nullable": pd.array([1, 2, 3], dtype="Int64"),
            "nullable_flag": pd.array([True, False, True], dtype="boolean"),
            "mixed": np.array([1, 2.5, True], dtype=object),
        }
    )
    expected = [[1, 1, 1, 1], [0, 2, 0, 2.5], [1, 3, 1, 1]]
    np.testing.assert_array_equal(matrix(read_table(frame)), expected)


def test_missing_and_infinite_values_are_counted() -> None:
    frame = pd.DataFrame(
        {
            "a": [np.nan, 1.0, np.nan],
            "b": [1.0, 2.0, 3.0],
            "c": [np.inf, -np.inf, np.nan],
            "d": pd.array([1, None, 3], dtype="Int64"),
            "e": np.array([1, None, 2], dtype=object),
        }
    )
    with pytest.raises(
        DataError,
        match=r"\('a': 2 missing, 'c': 1 missing and 2 infinite, 'd': 1 missing, 'e': 1 missing\)",
    ):
        matrix(read_table(frame))


def test_complex_values_are_refused() -> None:
    for data in ([1j, 2, 3], np.array([1, 2j, 3], dtype=object)):
        with pytest.raises(DataError, match="data must be real, got complex values in 'x1'"):
            matrix(read_table(data))


# ---------------------------------------------------------------- files


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".CSV", ".csv.gz"])
def test_text_files(tmp_path: Path, mark: str, suffix: str) -> None:
    text = f'"fixed; acidity, total"{mark} b\r\n0.1{mark}-2e-3\r\n\r\n3{mark}4\r\n5{mark}1e300\r\n'
    content = b"\xef\xbb\xbf" + text.encode()
    path = write(tmp_path, "a" + suffix, gzip.compress(content) if suffix.endswith("gz") else content)
    for form in (path, str(path)):
        table = read_table(form)
        assert table.labels == ["fixed; acidity, total", "b"]
        assert table.source == str(path)
        np.testing.assert_array_equal(matrix(table), [[0.1, -0.002], [3, 4], [5, 1e300]])


def test_single_column_and_exact_decimals(tmp_path: Path) -> None:
    values = np.random.default_rng(3).normal(size=300) * 10.0 ** np.arange(-150, 150)
    path = write(tmp_path, "a.csv", "x\n" + "\n".join(map(repr, values.tolist())) + "\n")
    np.testing.assert_array_equal(matrix(read_table(path))[:, 0], values)


def test_shipped_style_of_file_with_text_column(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "sex,length\nM,1\nF,2\nI,3\n")
    with pytest.raises(DataError, match="'sex'"):
        matrix(read_table(path))
    assert matrix(read_table(path, drop="sex")).ravel().tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "\n\n", "is empty"),
        ("a.jsonl", "\n", "is empty"),
        ("a.csv", b"\xff\xfe\x00\x01a", "not UTF-8"),
        ("a.csv", "a,b\n1,2,3\n4,5,6\n", "cannot be read"),
        ("a.csv", "a,b\n1,2\n4,5,6\n", "cannot be read"),
        ("a.csv", "1.5,2.5\n3,4\n", "name its columns in the first line, got the numbers 1.5, 2.5"),
        ("a.csv.gz", "a,b\n1,2\n", "cannot be read"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 50, mtime=0)[:-12], "cannot be read"),
        ("a.npy", b"not an array", "cannot be read"),
        ("a.npz", b"not an archive", "cannot be read"),
        ("a.jsonl", '{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        ("a.jsonl", "[1, 2]\n", "line 1 is not a JSON object"),
    ],
)
def test_unreadable_files(tmp_path: Path, name: str, content: str | bytes, words: str) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(DataFileError, match=words) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_folders_and_suffixes(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"a\.csv does not exist; check the path") as caught:
        read_table(tmp_path / "a.csv")
    assert isinstance(caught.value, (ValueError, OSError))
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(DataFileError, match="is a folder"):
        read_table(tmp_path / "b.csv")
    with pytest.raises(InputError, match=r"one of \.csv \.tsv .* \.npz, got '.*c\.xlsx'"):
        read_table(str(tmp_path / "c.xlsx"))


def test_duplicate_columns_in_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="distinct column names, got more than one a"):
        read_table(write(tmp_path, "a.csv", "a,b,a\n1,2,3\n"))


def test_numbered_columns_are_names(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    pd.DataFrame(X).to_csv(path, index=False)
    np.testing.assert_array_equal(matrix(read_table(path)), X)


def test_json_lines(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"a": 1, "b": 0.1}\n\n{"a": 2, "b": 3}\n{"a": 4, "b": 5}\n')
    np.testing.assert_array_equal(matrix(read_table(path)), [[1, 0.1], [2, 3], [4, 5]])
    text = write(tmp_path, "b.jsonl", '{"a": "1"}\n{"a": "2"}\n{"a": "3"}\n')
    with pytest.raises(DataError, match="'a'"):
        matrix(read_table(text))
    gap = write(tmp_path, "c.jsonl", '{"a": 1}\n{"b": 2}\n{"a": 3, "b": 4}\n')
    with pytest.raises(DataError, match="'a': 1 missing, 'b': 1 missing"):
        matrix(read_table(gap))


def test_numpy_files(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", X)
    np.testing.assert_array_equal(matrix(read_table(tmp_path / "a.npy")), X)
    assert read_table(tmp_path / "a.npy", columns="x2").labels == ["x2"]
    np.save(tmp_path / "objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    with pytest.raises(DataFileError, match="cannot be read"):
        read_table(tmp_path / "objects.npy")
    np.savez(tmp_path / "one.npz", data=X)
    assert read_table(tmp_path / "one.npz").labels == ["x1", "x2"]
    assert read_table(tmp_path / "one.npz", columns="x1").labels == ["x1"]
    assert read_table(tmp_path / "one.npz", columns="data").labels == ["x1", "x2"]
    np.savez(tmp_path / "two.npz", first=X, second=X[:, 0])
    np.testing.assert_array_equal(matrix(read_table(tmp_path / "two.npz", columns="second"))[:, 0], X[:, 0])
    with pytest.raises(InputError, match=r"several arrays \(first, second\); choose one with columns="):
        read_table(tmp_path / "two.npz")
    np.savez(tmp_path / "none.npz")
    with pytest.raises(DataFileError, match="is empty"):
        read_table(tmp_path / "none.npz")


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = write(tmp_path, "a.parquet", b"PAR1")
    with pytest.raises(MissingExtraError, match=r"infostat\[distributed\]") as caught:
        read_table(path)
    assert isinstance(caught.value, ImportError)


def test_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    pd.DataFrame(X, columns=["a", "b"]).to_parquet(path)
    np.testing.assert_array_equal(matrix(read_table(path, columns="b,a")), X[:, ::-1])
    path.write_bytes(b"PAR1 damaged")
    with pytest.raises(DataFileError, match="cannot be read"):
        read_table(path)


def test_every_refusal_is_an_infostat_error_and_a_value_error() -> None:
    with pytest.raises(InfostatError):
        matrix(read_table(["a", "b"]))
    with pytest.raises(ValueError, match="data must be numeric"):
        matrix(Table(pd.DataFrame({"a": ["x"] * 3}), "test"))
