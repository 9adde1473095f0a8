"""`align`: the parts it puts together, its verdicts, and what it refuses."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest

import infostat.alignment as ia
from infostat.core import chunks
from infostat.core.errors import InfostatWarning

P, R = [0.5, 0.3, 0.2], [0.0, 1.0, 2.0]
LAW = pd.DataFrame({"prob": P, "reward": R})


@pytest.fixture(scope="module")
def scores() -> np.ndarray:
    return np.random.default_rng(4).normal(size=4000)


def test_a_law_is_answered_exactly():
    found = ia.align(LAW, kl=[0.2], n=[4])
    assert found.verdict == "exact" and found.nature == "exact" and found.estimate is None
    assert found.frontier.reward[0] == pytest.approx(1.211385505074, rel=1e-11)  # worked example 1
    assert found.best_of_n.reward[0] == pytest.approx(1.5279, abs=1e-12)  # worked example 2
    assert found.best_of_n.kl[0] == pytest.approx(0.559750560357, rel=1e-11)
    assert found.best_of_n.kl_upper[0] == pytest.approx(0.636294361120, rel=1e-11)
    rate = ia.rate_function(P, R, found.rate.x)
    assert np.array_equal(found.rate.rate, rate.rate)
    assert "ties" in found.interpretation


def test_log_probabilities_and_probabilities_are_the_same_law():
    other = ia.align(pd.DataFrame({"logprob": np.log(P), "reward": R}), kl=[0.2], n=[4])
    same = ia.align(LAW, kl=[0.2], n=[4])
    assert other.frontier.reward == pytest.approx(same.frontier.reward, rel=1e-14)


def test_sequences_of_letters():
    found = ia.align(pd.DataFrame({"prob": [0.5, 0.5], "reward": [0, 1]}), m=[10, 100], delta=0.1)
    assert found.sequence.kl_per_symbol == pytest.approx([0.035296447895, 0.089465402492], rel=1e-8)  # example 6
    assert "per symbol" in str(found.summary())
    half = ia.align(LAW, m=5).sequence
    assert half.delta == pytest.approx(0.5)  # half of log 5 is more


def test_scores_give_what_the_parts_give(scores):
    found = ia.align(scores, kl=[0.1, 0.5], n=[2, 16], bootstrap=30, rng=3)
    own = ia.estimate(scores, kl=[0.1, 0.5], bootstrap=30, rng=3)
    best = ia.bon_curve(scores, [2, 16])
    assert found.estimate == own and found.best_of_n == best
    assert np.array_equal(found.frontier.reward, own.reward)
    assert np.array_equal(found.frontier.bon_reward, best.reward)
    n = np.array([2.0, 16.0])
    assert found.frontier.bon_kl == pytest.approx(np.log(n) - (n - 1) / n, rel=1e-14)
    assert found.verdict == "ok" and found.kind == "samples" and found.n_samples == 4000
    assert found.frontier.reward_reference == pytest.approx(scores.mean(), abs=1e-14)
    assert found.frontier.reward_max == scores.max()


def test_the_verdict_is_the_worst_status(scores):
    for kl, word in (([0.1], "ok"), ([0.1, 4.0], "weak"), ([0.1, 6.5], "collapsed")):
        found = ia.align(scores, kl=kl)
        assert found.verdict == word == found.estimate.status[-1]
        assert found.estimate.status[0] == "ok"  # the smallest budget does not decide
    assert "stop before" in ia.align(scores, kl=[0.1, 6.5]).interpretation


def test_ties_lower_the_divergence_of_best_of_n():
    coin = np.random.default_rng(0).integers(0, 2, size=3000).astype(float)
    found = ia.align(coin, kl=[0.1], n=[2, 8])
    share = coin.mean()
    for i, n in enumerate((2, 8)):
        exact = ia.best_of_n([1 - share, share], [0.0, 1.0], n)
        assert found.frontier.bon_kl[i] == pytest.approx(exact.kl, rel=1e-10)
    assert (found.frontier.bon_kl < found.frontier.bon_kl_upper).all()


def test_prompts_share_one_tilt_and_have_no_rate():
    g = np.random.default_rng(5)
    table = pd.DataFrame({"prompt_id": np.repeat(range(30), 100), "reward": g.normal(size=3000)})
    found = ia.align(table, kl=[0.1, 0.3])
    assert found.kind == "prompts" and found.n_prompts == 30
    assert found.rate is None and "prompts_without_rate" in found.flags
    assert found.frontier.t.shape == (2,)
    wide = ia.align(table["reward"].to_numpy().reshape(30, 100), kl=[0.1, 0.3])
    assert wide.frontier.reward == pytest.approx(found.frontier.reward, rel=1e-13)


def test_the_peak_of_the_true_reward_is_not_tied_to_the_grid(scores):
    true = scores - 0.35 * scores**2  # under a normal law tilted by t: t - 0.35 (1 + t^2), best at t = 1/0.7
    found = ia.align(scores, true=true, kl=[0.0, 0.3, 2.5])
    t = np.linspace(0.5, 2.2, 1701)
    curve = ia.estimate(scores, true=true, t=t)
    best = int(np.argmax(curve.true_reward))
    assert found.frontier.peak_true_reward == pytest.approx(curve.true_reward[best], rel=1e-4)
    assert found.frontier.peak_t == pytest.approx(t[best], rel=0.02)
    assert "largest" in found.interpretation


def test_all_scores_equal():
    found = ia.align(np.full(200, 3.0))
    assert "equal" in found.interpretation and "reference_only" in found.flags
    assert found.frontier.reward_max == 3.0 and found.rate is None


def test_a_large_file_is_streamed(tmp_path, monkeypatch, scores):
    path = tmp_path / "scores.npy"
    np.save(path, scores)
    whole = ia.align(path, kl=[0.1, 0.5])
    monkeypatch.setattr(chunks, "LARGE_FILE", 1000)
    streamed = ia.align(path, kl=[0.1, 0.5])
    assert streamed.flags == ("streamed",) and streamed.best_of_n is None and streamed.rate is None
    assert streamed.frontier.reward == pytest.approx(whole.frontier.reward, rel=1e-9)
    assert streamed.frontier.reward_reference == pytest.approx(scores.mean(), abs=1e-12)
    assert streamed.frontier.reward_max == scores.max()
    assert streamed.verdict == whole.verdict
    assert ia.estimate(path, kl=[0.1, 0.5]).reward == pytest.approx(whole.estimate.reward, rel=1e-9)
    with pytest.raises(ValueError, match="bootstrap must be 0"):
        ia.align(path, bootstrap=10)


def test_a_large_prompt_table_is_read_whole(tmp_path, monkeypatch):
    g = np.random.default_rng(6)
    table = pd.DataFrame({"prompt_id": np.repeat(range(20), 50), "reward": g.normal(size=1000)})
    path = tmp_path / "prompts.csv"
    table.to_csv(path, index=False)
    monkeypatch.setattr(chunks, "LARGE_FILE", 1000)
    assert ia.align(path, kl=[0.1]).kind == "prompts"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kl": [-0.1]}, "kl must hold KL budgets"),
        ({"kl": []}, "kl must hold KL budgets"),
        ({"n": [0]}, "n must hold numbers of draws"),
        ({"n": [2.5]}, "whole numbers"),
        ({"n": [5000]}, "whole numbers from 1 to 4000"),
        ({"m": 10}, "m needs a law"),
        ({"delta": 0.1}, "delta needs a law"),
        ({"bootstrap": -1}, "bootstrap must be"),
        ({"confidence_level": 1.0}, "confidence_level must be"),
        ({"true": [1.0]}, "true"),
    ],
)
def test_bad_input(scores, options, words):
    with pytest.raises(ValueError, match=words):
        ia.align(scores, **options)


def test_delta_without_lengths_is_refused():
    with pytest.raises(ValueError, match="delta must come with m"):
        ia.align(LAW, delta=0.1)


def test_missing_scores_are_refused_or_counted(scores):
    holes = scores.copy()
    holes[::100] = math.nan
    with pytest.raises(ValueError, match="NaN|missing"):
        ia.align(holes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        assert ia.align(holes, nan="drop", kl=[0.1]).n_samples == 3960


def test_every_panel_is_drawn(scores):
    import matplotlib.pyplot as plt

    found = ia.align(scores, kl=[0.1, 0.5, 5.0], true=scores - 0.1 * scores**2)
    for panel in ("frontier", "best_of_n", "rate", "ess"):
        figure, ax = plt.subplots()
        assert found.plot(ax, panel=panel).get_xlabel() and ax.get_ylabel()
        plt.close(figure)
    with pytest.raises(ValueError, match="panel must be"):
        found.plot(panel="sequence")
    plt.close("all")


def test_rewards_whose_squares_overflow_are_refused():
    with pytest.raises(ValueError, match="r must hold rewards of size up to"):
        ia.tilt(P, [0.0, 1.0, 1e160], kl=0.2)
