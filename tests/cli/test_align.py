"""``infostat align`` and ``simulate align``: what they print is what the API returns."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from infostat import alignment
from tests.cli.helpers import run


@pytest.fixture
def cli(monkeypatch, capsys):
    return lambda *args: run(monkeypatch, capsys, *args)


@pytest.fixture
def scores(tmp_path):
    g = np.random.default_rng(8)
    frame = pd.DataFrame({"reward": g.normal(size=600)})
    frame["true_reward"] = frame["reward"] - 0.3 * frame["reward"] ** 2
    frame["gold"] = -frame["reward"]
    frame.to_csv(tmp_path / "scores.csv", index=False)
    return tmp_path / "scores.csv", frame


def test_scores(cli, scores):
    path, frame = scores
    done = cli("align", str(path), "--kl", "0.1,0.5", "--n", "2,8", "--format", "json")
    assert done.code == 0 and done.err == ""
    data = json.loads(done.out)
    own = alignment.align(frame, kl=[0.1, 0.5], n=[2, 8])
    assert data["frontier"]["reward"] == pytest.approx(own.frontier.reward.tolist(), rel=1e-13)
    assert data["frontier"]["true_reward"] == pytest.approx(own.frontier.true_reward.tolist(), rel=1e-13)
    assert data["best_of_n"]["reward"] == pytest.approx(own.best_of_n.reward.tolist(), rel=1e-13)
    assert data["verdict"] == own.verdict


def test_another_column_of_true_rewards(cli, scores):
    path, _ = scores
    data = json.loads(cli("align", str(path), "--true", "gold", "--kl", "0.2", "--format", "json").out)
    assert data["frontier"]["true_reward"][0] == pytest.approx(-data["frontier"]["reward"][0], rel=1e-12)


def test_prompts(cli, tmp_path):
    g = np.random.default_rng(9)
    frame = pd.DataFrame({"prompt_id": np.repeat(range(25), 60), "reward": g.normal(size=1500)})
    frame.to_csv(tmp_path / "p.csv", index=False)
    data = json.loads(cli("align", str(tmp_path / "p.csv"), "--kl", "0.1", "--bootstrap", "20", "--format", "json").out)
    assert data["kind"] == "prompts" and data["n_prompts"] == 25
    assert data["estimate"]["bootstrap"]["n_resamples"] == 20


def test_a_law_with_lengths(cli, tmp_path):
    pd.DataFrame({"prob": [0.5, 0.5], "reward": [0, 1]}).to_csv(tmp_path / "coin.csv", index=False)
    done = cli("align", str(tmp_path / "coin.csv"), "--m", "10,100")
    assert done.code == 0 and "per symbol" in done.out and "exact" in done.out


def test_figure_and_report(cli, scores):
    path, _ = scores
    figure, page = path.parent / "a.svg", path.parent / "a.html"
    done = cli("align", str(path), "--plot", str(figure), "--report", str(page))
    assert done.code == 0 and b"<svg" in figure.read_bytes() and "<svg" in page.read_text()


def test_csv_has_a_row_for_each_policy(cli, scores):
    path, _ = scores
    lines = cli("align", str(path), "--kl", "0.1,0.5", "--n", "2", "--format", "csv").out.splitlines()
    assert len(lines) == 4 and lines[0].startswith("method,kl,reward")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--kl", "-1"), 1, "kl must hold"),
        (("--n", "5000"), 1, "whole numbers from 1 to 600"),
        (("--m", "10"), 1, "m needs a law"),
        (("--true", "nobody"), 1, "nobody"),
        (("--kl", "a"), 2, "--kl"),
        (("--n", "2.5"), 2, "--n"),
    ],
)
def test_refusals(cli, scores, arguments, code, words):
    path, _ = scores
    done = cli("align", str(path), *arguments)
    assert done.code == code and words in done.err and done.out == ""


def test_simulate_align(cli):
    base = ("simulate", "align", "--n", "200", "--replicates", "8", "--kl", "0.2", "--best-of", "4", "--seed", "3")
    done = cli(*base, "--format", "json")
    own = alignment.simulate_alignment(n=200, replicates=8, kl=[0.2], n_best=[4], rng=3)
    assert json.loads(done.out)["mean"] == pytest.approx(own.mean.tolist(), rel=1e-13)
    assert "coverage" in cli(*base).out
