"""``infostat bounds`` and ``simulate bounds``: what they print is what the API returns."""

from __future__ import annotations

import json

import numpy as np
import pytest

from infostat import generalization
from tests.cli.helpers import run


@pytest.fixture
def cli(monkeypatch, capsys):
    return lambda *args: run(monkeypatch, capsys, *args)


@pytest.fixture
def activations(tmp_path):
    g = np.random.default_rng(1)
    weights = [g.normal(size=(4, 3)), g.normal(size=(1, 4))]
    arrays = {"activation": "relu"}
    for name in ("train", "test"):
        layers = [g.normal(size=(40, 3))]
        layers.append(np.maximum(layers[0] @ weights[0].T, 0.0))
        layers.append(layers[1] @ weights[1].T)
        arrays |= {f"{name}_{k}": layer for k, layer in enumerate(layers)}
        arrays[f"y_{name}"] = g.choice([-1, 1], 40)
    arrays |= {f"weight_{k + 1}": w for k, w in enumerate(weights)}
    np.savez(tmp_path / "a.npz", **arrays)
    return tmp_path / "a.npz", arrays


def test_certificates_are_those_of_the_function(cli, activations):
    path, _ = activations
    done = cli("bounds", str(path), "--loss", "hinge", "--seed", "3", "--format", "json")
    assert done.code == 0 and done.err == ""
    own = generalization.layer_certificates(**generalization.read_activations(path), loss="hinge", rng=3)
    data = json.loads(done.out)
    assert data["certificate"] == pytest.approx(own.certificate.tolist(), rel=1e-12)
    assert data["nature"] == "bound" and data["sense"] == "always"


def test_label_cost_and_limit(cli, activations):
    path, _ = activations
    done = cli("bounds", str(path), "--label-cost", "50", "--max-exact", "20", "--format", "json")
    assert done.code == 0
    data = json.loads(done.out)
    assert data["label_cost"] == 50 and data["flags"]


def test_arrays_that_are_not_used_are_named(cli, activations, tmp_path):
    _, arrays = activations
    np.savez(tmp_path / "more.npz", **arrays, epoch=np.array(3))
    done = cli("bounds", str(tmp_path / "more.npz"))
    assert done.code == 0 and "epoch" in done.err and "warning" in done.err
    assert "certificate" in done.out


def test_a_missing_array_is_named(cli, activations, tmp_path):
    _, arrays = activations
    del arrays["test_1"]
    np.savez(tmp_path / "less.npz", **arrays)
    done = cli("bounds", str(tmp_path / "less.npz"))
    assert done.code == 1 and done.out == "" and "test_1" in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize("name", ["E3", "e4"])
def test_experiments(cli, name, tmp_path):
    done = cli("bounds", name, "--plot", str(tmp_path / "e.svg"), "--report", str(tmp_path / "e.html"))
    assert done.code == 0 and done.out.startswith("===")
    assert f"{name.upper()}:" in done.out and "Bounds:" in done.out
    assert b"<svg" in (tmp_path / "e.svg").read_bytes() and "<svg" in (tmp_path / "e.html").read_text()


def test_without_arguments_the_first_experiment_is_run(cli):
    done = cli("bounds", "--format", "csv")
    assert done.code == 0 and done.out.splitlines()[0] == "panel,curve,x,value,se,low,high,nature,sense"
    assert "joint Wasserstein" in done.out


def test_simulation(cli, tmp_path):
    options = ("--n", "8", "--d", "6", "--replicates", "30", "--seed", "2", "--checkpoint", str(tmp_path / "c.npz"))
    done = cli("simulate", "bounds", *options, "--format", "json")
    assert done.code == 0
    task = generalization.BinaryGaussianTask(1.5, 1.0, 6)
    own = task.simulate(8, [6, 4, 2, 2, 1], [1.0, 1.0, 1.0], 30, loss="hinge", rng=2)
    assert json.loads(done.out)["value"] == pytest.approx(own.value, rel=1e-12)
    again = cli("simulate", "bounds", *options, "--format", "json")
    assert again.out == done.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("bounds", "E7"), 1, "one of E1, E2"),
        (("bounds", "nowhere.npz"), 1, "does not exist"),
        (("bounds", "E3", "--loss", "hinge"), 1, "--loss must be left out"),
        (("bounds", "--max-exact", "many"), 2, "as an integer"),
        (("simulate", "bounds", "--ranks", "20,30,1"), 1, "ranks"),
        (("simulate", "bounds", "--ranks", "a"), 2, "whole numbers"),
        (("simulate", "bounds", "--mu", "-1"), 1, "mu"),
    ],
)
def test_bad_usage(cli, arguments, code, words):
    done = cli(*arguments)
    assert done.code == code and words in " ".join(done.err.split())


def test_a_file_of_another_kind(cli, tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    done = cli("bounds", str(tmp_path / "a.csv"))
    assert done.code == 1 and ".npz" in done.err
