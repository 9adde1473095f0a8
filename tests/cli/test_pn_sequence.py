"""``infostat pn-sequence``, families on the command line and ``simulate pn``."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import infostat
from infostat.cli.families import families_from_text, family_from_text
from infostat.core import chunks
from infostat.core.errors import InputError
from infostat.families import Ising, MultivariateNormal, PolynomialDensity, ProductFamily
from infostat.projection import simulate_risk
from tests.cli.helpers import run


@pytest.fixture
def cli(monkeypatch, capsys):
    return lambda *args: run(monkeypatch, capsys, *args)


@pytest.fixture
def table(tmp_path):
    g = np.random.default_rng(2)
    rows = g.normal(size=(300, 3)) @ np.array([[1.0, 0.8, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv", frame


def test_a_sequence_is_that_of_the_function(cli, table):
    path, frame = table
    done = cli("pn-sequence", str(path), "--families", "mvn_diagonal,mvn:0.3,mvn", "--folds", "5", "--format", "json")
    assert done.code == 0 and done.err == ""
    data = json.loads(done.out)
    models = {"mvn_diagonal": "mvn_diagonal", "mvn:0.3": MultivariateNormal([(0, 1)]), "mvn": "mvn"}
    own = infostat.pn_sequence(frame, models, folds=5)
    assert data["names"] == list(models) and data["p_max"] == own.p_max
    assert data["log_score"] == pytest.approx(own.log_score.tolist(), rel=1e-12)
    assert [r["risk2"] for r in data["results"]] == pytest.approx([r.risk2 for r in own.results], rel=1e-12)


def test_polynomial_degrees_on_one_column(cli, table):
    path, frame = table
    bounds = f"{frame['a'].min() - 1},{frame['a'].max() + 1}"
    options = ("--columns", "a", "--families", "polynomial:1-3", f"--bounds={bounds}", "--format", "csv")
    done = cli("pn-sequence", str(path), *options)
    lines = done.out.splitlines()
    assert done.code == 0 and [line.split(",")[0] for line in lines[1:]] == [f"polynomial:{k}" for k in (1, 2, 3)]


def test_files(cli, table, tmp_path):
    path, _ = table
    done = cli("pn-sequence", str(path), "--families", "mvn_diagonal,mvn", "--plot", str(tmp_path / "s.svg"))
    assert done.code == 0 and b"<svg" in (tmp_path / "s.svg").read_bytes() and "Largest p that passes" in done.out


def test_a_large_file_is_streamed(cli, table, monkeypatch):
    path, frame = table
    monkeypatch.setattr(chunks, "LARGE_FILE", 1000)
    done = cli("pn-sequence", str(path), "--families", "mvn_diagonal,mvn", "--drop", "c", "--format", "json")
    assert done.code == 0
    own = infostat.pn_sequence(frame[["a", "b"]], ["mvn_diagonal", "mvn"])
    data = json.loads(done.out)
    assert [r["risk2"] for r in data["results"]] == pytest.approx([r.risk2 for r in own.results], rel=1e-9)
    refused = cli("pn-sequence", str(path), "--families", "mvn:0.3,mvn")
    assert refused.code == 1 and "list the edges" in refused.err


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("mvn:0-1+1-2", MultivariateNormal([(0, 1), (1, 2)])),
        ("ising:0-2", Ising(edges=[(0, 2)])),
        ("polynomial:4", PolynomialDensity(4, bounds=(-1, 2))),
        ("product:normal+normal+gamma", ProductFamily(["normal", "normal", "gamma"])),
    ],
)
def test_families_with_arguments(text, family):
    assert repr(family_from_text(text, None, "-1,2")) == repr(family)


@pytest.mark.parametrize(
    ("text", "bounds", "words"),
    [
        ("polynomial", None, "needs its degree"),
        ("polynomial:x", None, "whole number"),
        ("polynomial:3-1", None, "must go up"),
        ("polynomial:2", "1", "LOW,HIGH"),
        ("mvn:0.3", None, "list the edges"),
        ("mvn:a", None, "must end in edges"),
        ("ising:0-a", None, "pairs of column numbers"),
        ("gamma:2", None, "argument after a colon"),
        ("mvn,mvn", None, "each model once"),
        (",", None, "must name models"),
        ("nonsense", None, "unknown family"),
    ],
)
def test_families_that_cannot_be_read(text, bounds, words):
    with pytest.raises(InputError, match=words):
        families_from_text(text, None, bounds)


def test_simulation_is_that_of_the_function(cli):
    options = ("--family", "normal", "--truth", "t:9", "--n", "20,40", "--replicates", "500", "--seed", "3")
    done = cli("simulate", "pn", *options, "--format", "json")
    assert done.code == 0 and done.err == ""
    own = simulate_risk(stats.t(9), "normal", [20, 40], 500, rng=3)
    assert json.loads(done.out)["risk"] == pytest.approx(own.risk.tolist(), rel=1e-13)


@pytest.mark.parametrize(
    "family", ["normal", "mvn", "mvn_diagonal", "gamma", "poisson", "bernoulli", "beta", "vonmises", "dirichlet"]
)
def test_every_reference_parameter(cli, family):
    done = cli("simulate", "pn", "--family", family, "--n", "60", "--replicates", "40", "--seed", "1")
    assert done.code == 0 and "risk" in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--truth", "nonsense"), 1, "scipy.stats"),
        (("--truth", "t"), 1, "does not fit"),
        (("--truth", "cauchy"), 1, "integrated"),
        (("--family", "categorical"), 1, "reference parameter"),
        (("--n", "x"), 2, "whole numbers"),
        (("--n", "1"), 1, "n must"),
        (("--replicates", "1"), 1, "replicates"),
    ],
)
def test_bad_simulations(cli, arguments, code, words):
    done = cli("simulate", "pn", "--replicates", "20", *arguments)
    assert done.code == code and words in " ".join(done.err.split())
