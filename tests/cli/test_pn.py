"""``infostat pn`` as a user meets it: output, files, exit codes, messages."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import infostat
from tests.cli.helpers import run

WINE = ("pn", "dataset:wine_red", "--drop", "quality", "--family", "mvn")


@pytest.fixture
def cli(monkeypatch, capsys):
    return lambda *args: run(monkeypatch, capsys, *args)


@pytest.fixture
def table(tmp_path) -> Path:
    """A small CSV with a text column, a constant one and a dependent one."""
    g = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "a": g.normal(size=60),
            "b": g.gamma(2.0, size=60),
            "label": ["u", "v"] * 30,
            "same": 1.0,
            "weight": g.uniform(0.5, 1.5, size=60),
        }
    )
    frame["twice a"] = 2.0 * frame["a"] + 1.0
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    return path


def test_text_output_states_verdict_and_sentence(cli):
    done = cli(*WINE)
    assert done.code == 0 and done.err == ""
    assert "Verdict" in done.out and "insufficient" in done.out
    assert "1599 rows are not enough for a multivariate normal model with 77 parameters" in done.out


def test_command_equals_call(cli):
    done = cli(*WINE, "--bootstrap", "60", "--seed", "3", "--format", "json")
    data = json.loads(done.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    wine = infostat.load_dataset("wine_red").drop(columns="quality")
    with pytest.warns(infostat.core.InfostatWarning):
        result = infostat.pn_criterion(wine, "mvn", bootstrap=60, rng=3)
    expected = result.to_dict()
    assert data.pop("source") == "dataset:wine_red" and expected.pop("source") == "DataFrame"
    assert data == expected


def test_csv_is_a_frame_with_identifier_headers(cli):
    done = cli(*WINE, "--format", "csv")
    frame = pd.read_csv(io.StringIO(done.out))
    assert all(name.isidentifier() for name in frame.columns)
    assert frame.loc[0, "verdict"] == "insufficient" and frame.loc[0, "p"] == 77


@pytest.mark.parametrize(
    ("form", "mark"), [("markdown", "| --- |"), ("latex", r"\begin{table}"), ("html", "<!doctype html>")]
)
def test_other_formats(cli, form, mark):
    done = cli(*WINE, "--format", form)
    assert done.code == 0 and mark in done.out and "insufficient" in done.out


def test_files(cli, tmp_path):
    plot, report, output = tmp_path / "pn.pdf", tmp_path / "report.html", tmp_path / "pn.json"
    done = cli(
        *WINE, "--bootstrap", "50", "--seed", "1", "--plot", str(plot), "--report", str(report),
        "--output", str(output), "--format", "json",
    )  # fmt: skip
    assert done.code == 0 and done.out == ""
    assert plot.read_bytes().startswith(b"%PDF")
    assert json.loads(output.read_text())["verdict"] == "insufficient"
    page = report.read_text()
    assert "<svg" in page and "--drop quality" in page and "seed" in page
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pn.json", "pn.pdf", "report.html"]


def test_check_changes_only_the_exit_code(cli):
    assert cli(*WINE, "--check").code == 3
    assert cli("pn", "dataset:wine_red", "--columns", "alcohol", "--family", "normal", "--check").code == 0


def test_weights_column(cli, table):
    done = cli("pn", str(table), "--columns", "b", "--family", "gamma", "--weights", "weight", "--format", "json")
    frame = pd.read_csv(table)
    result = infostat.pn_criterion(frame["b"], "gamma", weights=frame["weight"])
    assert json.loads(done.out)["risk2"] == pytest.approx(result.risk2, rel=1e-14)


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (("pn", "missing.csv"), ["missing.csv"]),
        (("pn", "dataset:wine"), ["wine_red"]),
        (("pn", "{table}", "--family", "mvn"), ["label", "--columns"]),
        (("pn", "{table}", "--columns", "a,nope"), ["nope", "a, "]),
        (("pn", "{table}", "--columns", "a,same"), ["constant", "same"]),
        (("pn", "{table}", "--columns", "a,b,twice a"), ["dependent set: a, twice a"]),
        (("pn", "{table}", "--columns", "a", "--family", "gamma"), ["(0, inf)", "of 60 rows"]),
        (("pn", "{table}", "--columns", "a,b", "--family", "normal"), ["1 column", "mvn"]),
        (("pn", "{table}", "--columns", "a", "--family", "nrmal"), ["did you mean 'normal'", "poisson"]),
        (("pn", "{table}", "--columns", "a", "--family", "normal", "--alpha", "0.7"), ["alpha", "(0, 0.5)"]),
        (("pn", "{table}", "--columns", "a", "--family", "normal", "--order", "3"), ["order", "1, 2"]),
        (("pn", "{table}", "--columns", "a", "--bootstrap", "-4"), ["bootstrap"]),
        (("pn", "{table}", "--columns", "a", "--plot", "x.txt"), ["--plot", ".svg"]),
        (("pn", "{table}", "--columns", "a", "--report", "no/such/folder/x.html"), ["folder", "does not exist"]),
    ],
)
def test_refusals_are_one_line_and_exit_1(cli, table, tmp_path, monkeypatch, args, parts):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    done = cli(*(arg.replace("{table}", str(table)) for arg in args))
    assert done.code == 1 and done.out == ""
    assert done.err.startswith("infostat: error: ") and done.err.count("\n") == 1
    assert "Traceback" not in done.err
    for part in parts:
        assert part in done.err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "args",
    [
        ("nonsense",),
        ("pn",),
        ("pn", "x.csv", "--format", "yaml"),
        ("pn", "x.csv", "--alpha", "small"),
        ("pn", "x.csv", "--bootstrap", "many"),
        ("pn", "x.csv", "--unknown"),
    ],
)
def test_bad_usage_is_exit_2(cli, args):
    done = cli(*args)
    assert done.code == 2 and "Usage" in done.err


@pytest.mark.parametrize(
    ("text", "part"),
    [("", "empty"), ("a,b\n", "rows"), ("a,b\n1,2\n", "at least 3 rows"), ("a,b\n1,2\n3,\n4,5\n6,7\n", "b")],
)
def test_thin_files(cli, tmp_path, text, part):
    path = tmp_path / "thin.csv"
    path.write_text(text)
    done = cli("pn", str(path))
    assert done.code == 1 and done.err.count("\n") == 1 and part in done.err


def test_separators_are_recognised(cli, tmp_path):
    g = np.random.default_rng(0)
    frame = pd.DataFrame(g.normal(size=(40, 2)), columns=["u", "v"])
    outputs = set()
    for separator in (",", ";", "\t"):
        path = tmp_path / "data.csv"
        frame.to_csv(path, sep=separator, index=False)
        done = cli("pn", str(path), "--format", "csv")
        assert done.code == 0
        outputs.add(done.out)
    assert len(outputs) == 1
