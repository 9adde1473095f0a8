"""Commands on files that are read in chunks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from infostat.core import chunks
from tests.cli.helpers import Outcome, run


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    return lambda *args: run(monkeypatch, capsys, *args)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = np.random.default_rng(0).gamma(2.0, size=(300, 3))
    path = tmp_path / "rows.csv"
    pd.DataFrame(rows, columns=["a", "b", "c"]).to_csv(path, index=False)
    return path


def test_pn_reads_a_large_file_in_chunks(cli, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = ("pn", str(table), "--drop", "b", "--family", "mvn", "--format", "json")
    whole = json.loads(cli(*args).out)
    monkeypatch.setattr(chunks, "LARGE_FILE", 100)
    done = cli(*args)
    streamed = json.loads(done.out)
    assert done.code == 0 and done.err == "" and "streamed" in streamed["flags"]
    assert streamed["columns"] == whole["columns"] == ["a", "c"]
    assert streamed["risk2"] == pytest.approx(whole["risk2"], rel=1e-11)
    text = cli("pn", str(table), "--columns", "a", "--family", "gamma", "--order", "1")
    assert text.code == 0 and "read in one pass" in " ".join(text.out.split())


def test_options_that_need_rows_are_one_line(cli, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LARGE_FILE", 100)
    done = cli("pn", str(table), "--family", "mvn", "--bootstrap", "50")
    assert done.code == 1 and "bootstrap must be 0 on a stream" in done.err and len(done.err.splitlines()) == 1
    done = cli("pn", str(table), "--family", "mvn", "--weights", "c")
    assert done.code == 1 and "weights must be None on a stream" in done.err
    done = cli("pn", str(table), "--family", "mvn", "--columns", "a,none")
    assert done.code == 1 and "columns must name columns of data, got 'none'; available: a, b, c" in done.err


def test_check_and_plot(cli, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LARGE_FILE", 100)
    figure = tmp_path / "figure.png"
    done = cli("pn", str(table), "--family", "mvn", "--order", "1", "--check", "--plot", str(figure))
    assert done.code == 3 and figure.stat().st_size > 0


def test_pn_sequence_reads_a_large_file_once_for_all_models(cli, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = ("pn-sequence", str(table), "--families", "mvn_diagonal,mvn:0-1,mvn", "--format", "csv")
    whole = cli(*args).out.splitlines()
    monkeypatch.setattr(chunks, "LARGE_FILE", 100)
    opened: list[int] = []
    reading = chunks.text_chunks
    monkeypatch.setattr(chunks, "text_chunks", lambda *a: opened.append(1) or reading(*a))
    done = cli(*args)
    assert done.code == 0 and opened == [1]
    for mine, theirs in zip(done.out.splitlines(), whole, strict=True):
        for left, right in zip(mine.split(","), theirs.split(","), strict=True):
            assert left == right or float(left) == pytest.approx(float(right), rel=1e-10)
    assert "folds must be 0 on a stream" in cli(*args, "--folds", "5").err
    assert "bootstrap must be 0 on a stream" in cli(*args, "--bootstrap", "9").err


def test_kde_reads_a_large_file_again_and_again(cli, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = ("kde", str(table), "--drop", "b", "--standardize", "--format", "json")
    whole = json.loads(cli(*args).out)
    monkeypatch.setattr(chunks, "LARGE_FILE", 100)
    done = cli(*args)
    assert done.code == 0
    streamed = json.loads(done.out)
    assert streamed["columns"] == whole["columns"] == ["a", "c"] and streamed["source"] == whole["source"]
    assert streamed["h"] == pytest.approx(whole["h"], rel=1e-12) and streamed["verdict"] == whole["verdict"]
    done = cli("kde", str(table), "--columns", "a,none")
    assert done.code == 1 and "columns must name columns of data, got 'none'" in done.err
