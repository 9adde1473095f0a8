"""``infostat divergence`` on files, columns and tables."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import infostat.divergences as dv
from tests.cli.helpers import run


@pytest.fixture
def cli(monkeypatch, capsys):
    return lambda *args: run(monkeypatch, capsys, *args)


@pytest.fixture
def files(tmp_path):
    g = np.random.default_rng(2)
    old = pd.DataFrame(g.normal(size=(120, 2)), columns=["u", "v"])
    new = pd.DataFrame(0.5 + g.normal(size=(100, 2)), columns=["u", "v"])
    tables = pd.DataFrame([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3]], columns=["a", "b", "c"])
    for name, frame in (("old", old), ("new", new), ("tables", tables)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path, old, new


def test_two_files(cli, files):
    folder, old, new = files
    done = cli("divergence", str(folder / "old.csv"), str(folder / "new.csv"), "--kind", "energy", "--format", "json")
    assert done.code == 0
    data = json.loads(done.out)
    assert data["value"] == pytest.approx(dv.energy_distance(old.to_numpy(), new.to_numpy()), rel=1e-12)
    assert data["n"] == 120 and data["m"] == 100 and data["se"] > 0


def test_two_columns(cli, files):
    folder, old, _ = files
    done = cli("divergence", str(folder / "old.csv"), "--columns", "u,v", "--kind", "wasserstein", "--format", "json")
    assert json.loads(done.out)["value"] == pytest.approx(dv.wasserstein_1d(old["u"], old["v"]), rel=1e-12)


def test_tables(cli, files):
    folder, *_ = files
    done = cli("divergence", str(folder / "tables.csv"), "--tables", "--kind", "kl", "--format", "json")
    assert json.loads(done.out)["value"] == pytest.approx(0.223804657186, abs=5e-13)


def test_text_and_figure(cli, files):
    folder, *_ = files
    target = folder / "shift.svg"
    done = cli("divergence", str(folder / "old.csv"), str(folder / "new.csv"), "--plot", str(target))
    assert done.code == 0 and "kl(P, Q) is estimated as" in done.out
    assert b"<svg" in target.read_bytes()


def test_the_cure_for_rows_that_do_not_sum_to_one_works(cli, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("a,b,c\n0.5,0.3,0.3\n0.2,0.5,0.3\n")
    refused = cli("divergence", str(path), "--tables")
    assert refused.code == 1 and "normalize" in refused.err
    done = cli("divergence", str(path), "--tables", "--normalize", "yes", "--format", "json")
    expected = dv.kl([0.5, 0.3, 0.3], [0.2, 0.5, 0.3], normalize="yes")
    assert json.loads(done.out)["value"] == pytest.approx(expected, rel=1e-14)


def test_ties_name_the_cure_and_the_cure_works(cli):
    wine = ("divergence", "dataset:wine_red", "--columns", "pH,sulphates")
    refused = cli(*wine)
    assert refused.code == 1 and "ties" in refused.err and "--jitter" in refused.err
    assert cli(*wine, "--jitter", "0.03").code == 0


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (("{old}", "{new}", "--kind", "nope"), "kind must be one of alpha"),
        (("{old}", "{new}", "--kind", "renyi"), "order must be given"),
        (("{old}", "missing.csv"), "missing.csv"),
        (("{old}", "--columns", "u"), "two columns"),
        (("{old}", "{tables}"), "same columns"),
        (("{old}", "{new}", "--tables"), "P"),
    ],
)
def test_refusals(cli, files, args, part):
    folder, *_ = files
    paths = {name: str(folder / f"{name}.csv") for name in ("old", "new", "tables")}
    done = cli("divergence", *(arg.format(**paths) for arg in args))
    assert done.code == 1 and done.err.count("\n") == 1 and part in done.err
