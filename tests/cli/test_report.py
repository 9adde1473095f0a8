"""``infostat report``: what it prints and writes is what the API returns."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from infostat import reporting
from tests.cli.helpers import run


@pytest.fixture
def cli(monkeypatch, capsys):
    return lambda *args: run(monkeypatch, capsys, *args)


@pytest.fixture
def table(tmp_path):
    g = np.random.default_rng(3)
    frame = pd.DataFrame({"u": g.normal(size=80), "v": g.gamma(2.0, size=80), "k": g.integers(0, 2, 80)})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv", frame


def test_the_answers_are_printed(cli, table):
    path, _ = table
    done = cli("report", str(path), "--bootstrap", "0")
    assert done.code == 0 and done.err == ""
    assert "Is the sample large enough?" in done.out and "Report on rows.csv" in done.out


def test_json_is_the_report(cli, table):
    path, frame = table
    done = cli("report", str(path), "--drop", "k", "--seed", "5", "--bootstrap", "30", "--format", "json")
    data = json.loads(done.out)
    own = reporting.report(frame.drop(columns="k"), rng=5, bootstrap=30)
    assert [part["verdict"] for part in data["parts"]] == [part.verdict for part in own.parts]
    own_risk = own.results["multivariate normal"].risk2
    assert data["parts"][0]["results"]["multivariate normal"]["risk2"] == pytest.approx(own_risk, rel=1e-12)
    assert data["settings"]["seed"] == "5" and data["settings"]["command"].startswith("infostat report ")


@pytest.mark.parametrize(
    ("suffix", "start"),
    [
        (".html", "<!doctype html>"), (".htm", "<!doctype html>"), (".md", "# Report on"), (".tex", r"\documentclass"),
        (".json", "{"), (".csv", "question,verdict"), (".txt", "====="),
    ],
)  # fmt: skip
def test_the_suffix_decides_the_form(cli, table, suffix, start):
    path, _ = table
    target = path.parent / f"out{suffix}"
    done = cli("report", str(path), "--columns", "u", "--bootstrap", "0", "--output", str(target))
    assert done.code == 0 and done.out == f"Wrote {target}\n"
    assert target.read_text("utf-8").startswith(start)
    assert (path.parent / "out_figures").is_dir() == (suffix in (".md", ".tex"))


def test_a_format_wins_over_the_suffix(cli, table):
    path, _ = table
    target = path.parent / "out.dat"
    done = cli("report", str(path), "--columns", "u", "--bootstrap", "0", "--output", str(target), "--format", "latex")
    assert done.code == 0 and target.read_text("utf-8").startswith(r"\documentclass")


def test_family_title_and_figure(cli, table):
    path, _ = table
    figure = path.parent / "f.svg"
    done = cli(
        "report", str(path), "--columns", "u,v", "--family", "mvn_diagonal,mvn", "--bootstrap", "0", "--title", "Mine",
        "--plot", str(figure),
    )  # fmt: skip
    assert done.code == 0 and "Mine" in done.out and b"<svg" in figure.read_bytes()
    assert "'mvn' (5 parameters)" in " ".join(done.out.split())


def test_rewards(cli, tmp_path):
    pd.DataFrame({"prob": [0.5, 0.5], "reward": [0, 1]}).to_csv(tmp_path / "coin.csv", index=False)
    done = cli("report", str(tmp_path / "coin.csv"))
    assert done.code == 0 and "How much reward does a KL budget buy?" in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--output", "page.docx"), 1, "--output must end in one of .html"),
        (("--output", "nowhere/page.html"), 1, "does not exist"),
        (("--family", "nonsense"), 1, "unknown family"),
        (("--alpha", "0.9"), 1, "alpha"),
        (("--kind", "page"), 1, "kind"),
        (("--missing", "fill"), 1, "missing"),
        (("--columns", "nobody"), 1, "nobody"),
        (("--bootstrap", "many"), 2, "--bootstrap"),
        (("--format", "docx"), 2, "--format"),
    ],
)
def test_refusals(cli, table, arguments, code, words):
    path, _ = table
    done = cli("report", str(path), *arguments)
    assert done.code == code and words in done.err and done.out == ""
