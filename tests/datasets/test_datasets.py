"""The shipped data: right bytes, right types, and errors that help."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest

from infostat import datasets
from infostat.core.errors import DataFileError, InputError, InputTypeError
from infostat.datasets import loaders

SHAPES = {"wine_red": (1599, 12), "abalone": (4177, 9), "word_sentiment": (15000, 3)}
COLUMNS = {
    "wine_red": [
        "fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides",
        "free sulfur dioxide", "total sulfur dioxide", "density", "pH", "sulphates", "alcohol", "quality",
    ],
    "abalone": [
        "sex", "length", "diameter", "height", "whole_weight", "shucked_weight", "viscera_weight",
        "shell_weight", "rings",
    ],
    "word_sentiment": ["word", "probability", "reward"],
}  # fmt: skip
# Of the files as released; the first is also the sum of the UCI repository's own file.
MD5 = {
    "winequality-red.csv": "2daeecee174368f8a33b82c8cccae3a5",
    "abalone.csv": "68821df28b91c28a287a67a6cb2a1bda",
    "word_sentiment.csv": "77dcd24ebc658b4c9e0d40054ee12bbc",
}


@pytest.mark.parametrize("name", SHAPES)
def test_shape_columns_and_provenance(name: str) -> None:
    frame = datasets.load(name)
    assert frame.shape == SHAPES[name]
    assert list(frame.columns) == COLUMNS[name]
    assert frame.attrs["name"] == name
    assert frame.attrs["source"]
    assert frame.attrs["licence"]
    assert not frame.isna().any(axis=None)


@pytest.mark.parametrize("name", SHAPES)
def test_every_column_is_numeric_but_the_named_text(name: str) -> None:
    frame = datasets.load(name)
    text = [column for column in frame if frame[column].dtype.kind not in "if"]
    assert text == {"wine_red": [], "abalone": ["sex"], "word_sentiment": ["word"]}[name]
    assert all(type(value) is str for column in text for value in frame[column])
    assert np.isfinite(frame.drop(columns=text).to_numpy(dtype=float)).all()


def test_known_rows() -> None:
    # The first data row of each file, read by eye.
    wine, abalone, words = (datasets.load(name) for name in SHAPES)
    assert wine.iloc[0].tolist() == [7.4, 0.7, 0, 1.9, 0.076, 11, 34, 0.9978, 3.51, 0.56, 9.4, 5]
    assert abalone.iloc[0].tolist() == ["M", 0.455, 0.365, 0.095, 0.514, 0.2245, 0.101, 0.15, 15]
    assert words.iloc[0].tolist() == ["the", 0.05890282659, 0]


def test_word_sentiment_keeps_words_that_look_like_missing_values() -> None:
    words = datasets.load("word_sentiment")["word"]
    assert words.is_unique
    assert {"null", "none", "true", "false", "na"} <= set(words)


def test_word_probabilities_sum_to_one() -> None:
    frame = datasets.load("word_sentiment")
    assert (frame["probability"] > 0).all()
    # Half a unit in the last printed digit, summed over the 15000 entries of the file, is 2.73e-10.
    assert abs(math.fsum(frame["probability"]) - 1.0) < 2.73e-10
    tenths = 10 * frame["reward"]
    np.testing.assert_allclose(tenths, tenths.round(), rtol=0, atol=1e-12)


def test_each_call_returns_a_fresh_frame() -> None:
    first = datasets.load("abalone")
    first.loc[:, "length"] = -1.0
    first.attrs["licence"] = "changed"
    second = datasets.load("abalone")
    assert (second["length"] > 0).all()
    assert second.attrs["licence"] == "CC BY 4.0"


def test_available_describes_what_load_returns() -> None:
    table = datasets.available()
    assert list(table.columns) == ["name", "rows", "columns", "description", "source", "licence"]
    assert table["name"].tolist() == list(SHAPES)
    for row in table.itertuples():
        frame = datasets.load(row.name)
        assert frame.shape == (row.rows, row.columns)
        assert frame.attrs["source"] == row.source
        assert frame.attrs["licence"] == row.licence


def test_files_have_the_released_bytes_wherever_they_are_found() -> None:
    # A wheel has the first of these folders, a checkout the second; both may be in sight.
    folders = [folder for folder in loaders._FOLDERS if folder.is_dir()]
    assert folders
    for folder in folders:
        for file, digest in MD5.items():
            assert hashlib.md5((folder / file).read_bytes(), usedforsecurity=False).hexdigest() == digest
        assert "CC BY 4.0" in (folder / "README.md").read_text(encoding="utf-8")


def test_loader_reads_either_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = datasets.load("wine_red")
    found = loaders._locate("winequality-red.csv")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / found.name).write_bytes(found.read_bytes())
    for folders in ((tmp_path / "files", tmp_path / "none"), (tmp_path / "none", tmp_path / "files")):
        monkeypatch.setattr(loaders, "_FOLDERS", folders)
        assert datasets.load("wine_red").equals(expected)


def test_missing_and_unreadable_files_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaders, "_FOLDERS", (tmp_path,))
    with pytest.raises(DataFileError, match=r"winequality-red\.csv is missing from this installation"):
        datasets.load("wine_red")
    (tmp_path / "abalone.csv").write_text("")
    with pytest.raises(DataFileError, match=r"abalone.csv cannot be read .*install infostat again"):
        datasets.load("abalone")


def test_unknown_name_lists_the_known_and_suggests() -> None:
    with pytest.raises(InputError, match=r"'abalone', 'word_sentiment', got 'wine_rde'") as caught:
        datasets.load("wine_rde")
    assert str(caught.value).endswith("did you mean 'wine_red'?")
    with pytest.raises(InputError, match=r"got 'iris'$"):
        datasets.load("iris")


@pytest.mark.parametrize("name", [None, 3, ["wine_red"]])
def test_name_that_is_no_string(name: object) -> None:
    with pytest.raises(InputTypeError, match="name must be one of 'wine_red'"):
        datasets.load(name)  # type: ignore[arg-type]
