"""``infostat kde``, ``phase`` and ``simulate kde``: what they print is what the API returns."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from infostat import density
from tests.cli.helpers import run


@pytest.fixture
def cli(monkeypatch, capsys):
    return lambda *args: run(monkeypatch, capsys, *args)


@pytest.fixture
def table(tmp_path):
    rows = np.random.default_rng(3).normal(size=(300, 3)) * [1.0, 2.0, 40.0]
    frame = pd.DataFrame(rows, columns=["u", "v", "w"])
    frame["k"] = 1.0
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv", frame


def test_kde_is_assess_density(cli, table):
    path, frame = table
    done = cli("kde", str(path), "--drop", "k", "--standardize", "--seed", "5", "--format", "json")
    assert done.code == 0 and done.err == ""
    data = json.loads(done.out)
    own = density.assess_density(frame.drop(columns="k"), standardize=True, rng=5)
    assert data["h"] == pytest.approx(own.h, rel=1e-12)
    assert data["verdict"] == own.verdict == own.diagnosis.verdict
    assert data["diagnosis"]["mu_bar"] == pytest.approx(own.diagnosis.mu_bar, rel=1e-12)
    assert data["columns"] == ["u", "v", "w"] and data["standardized"] is True


def test_kde_says_what_it_left_out_and_that_scales_differ(cli, table):
    path, _ = table
    done = cli("kde", str(path), "--bandwidth", "2.5")
    assert done.code == 0 and done.err == ""
    assert "Constant columns, left out" in done.out and "[constant_columns]" in done.out
    assert "[scale_imbalance]" in done.out and "tandardis" in done.out
    assert "2.5 (unit of the data)" in done.out and "the caller" in done.out


def test_kde_csv_has_a_row_for_every_query(cli, table):
    path, _ = table
    done = cli("kde", str(path), "--drop", "k", "--bandwidth", "scott", "--format", "csv")
    lines = done.out.splitlines()
    assert len(lines) == 301 and lines[0].startswith("row,participation_ratio,n_eff")


def test_kde_writes_figure_and_report(cli, table):
    path, _ = table
    figure, page = path.parent / "k.png", path.parent / "k.html"
    done = cli("kde", str(path), "--columns", "u,v", "--plot", str(figure), "--report", str(page))
    assert done.code == 0
    assert figure.read_bytes()[:4] == b"\x89PNG" and "<svg" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--bandwidth", "-1"), "bandwidth must be"),
        (("--bandwidth", "nan"), "bandwidth must be"),
        (("--bandwidth", "best"), "bandwidth must be one of"),
        (("--duplicates", "keep"), "duplicates must be"),
        (("--columns", "k"), "at least one column that varies"),
        (("--bandwidth", "isj"), "one column"),
    ],
)
def test_kde_refuses(cli, table, arguments, words):
    path, _ = table
    done = cli("kde", str(path), *arguments)
    assert done.code == 1 and done.out == ""
    assert words in done.err and done.err.count("\n") == 1


def test_phase(cli):
    done = cli("phase", "--alphas", "0.1,0.3", "--format", "csv")
    frame = density.phase_diagram([0.1, 0.3]).to_frame()
    assert done.code == 0 and len(done.out.splitlines()) == 3
    assert done.out.splitlines()[0].split(",") == list(frame.columns)
    assert frame["h_G"].tolist() == pytest.approx([1.3707847002, 0.8677427826], abs=1e-9)


def test_phase_with_a_spectrum_scales(cli):
    one, four = (
        json.loads(cli("phase", "--alphas", "0.2:0.4:2", *extra, "--format", "json").out)
        for extra in ((), ("--spectrum", "4,4"))
    )
    assert four["h_G"] == pytest.approx(2.0 * np.array(one["h_G"]), rel=1e-12)


@pytest.mark.parametrize("text", ["x", "0.1:0.5", "1:0:3", "0.1:0.3:1", ""])
def test_lists_of_numbers_that_are_none_are_bad_usage(cli, text):
    assert cli("phase", "--alphas", text).code == 2


def test_simulate_kde_is_seeded_and_resumes(cli, tmp_path):
    base = ("simulate", "kde", "--n", "200", "--d", "6", "--replicates", "8", "--bandwidths", "0.5,1", "--seed", "4")
    first = cli(*base, "--format", "json")
    assert first.code == 0
    kept = tmp_path / "study"
    again = cli(*base, "--format", "json", "--checkpoint", str(kept))
    resumed = cli(*base, "--format", "json", "--checkpoint", str(kept), "--jobs", "2")
    assert kept.exists()
    assert json.loads(first.out) == json.loads(again.out) == json.loads(resumed.out)
    own = density.simulate_regimes(n=200, d=6, h_grid=[0.5, 1.0], n_x=8, n_data=1, rng=4)
    assert json.loads(first.out)["kl_per_dim"] == pytest.approx(own.kl_per_dim.tolist(), rel=1e-13)


def test_simulate_refuses_two_sizes(cli):
    done = cli("simulate", "kde", "--n", "100", "--alpha", "0.3", "--d", "5")
    assert done.code == 1 and "alpha" in done.err


def test_simulate_alone_lists_what_there_is(cli):
    done = cli("simulate", "--help")
    assert done.code == 0 and "kde" in done.out
