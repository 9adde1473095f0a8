"""The reward-KL frontier with best-of-N and a true reward."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from infostat.alignment.frontier_result import Frontier
from infostat.alignment.frontiers import frontier
from infostat.alignment.tilt_solver import tilted_log_law
from infostat.alignment.tilts import tilt
from infostat.core.errors import InputError, InputTypeError

P, R = [0.5, 0.3, 0.2], [0.0, 1.0, 2.0]
seeds = st.integers(0, 10_000)


def random_law(seed: int, k: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(k)), rng.normal(size=k).round(1), rng.normal(size=k)


def test_worked_example() -> None:
    found = frontier(P, R, kl=[0.2, 0.559750560357, 3.0], n=[1, 4])
    assert found.reward == pytest.approx([1.211385505074, 1.550164969096, 2.0], abs=2e-12)
    assert found.t[0] == pytest.approx(0.775174620985, abs=1e-12) and found.t[2] == math.inf
    assert found.kl_max == pytest.approx(math.log(5)) and found.reward_max == 2.0
    assert found.bon_kl == pytest.approx([0.0, 0.559750560357], abs=1e-12)
    assert found.bon_reward == pytest.approx([0.7, 1.5279], abs=1e-12)
    assert found.bon_kl_upper[1] == pytest.approx(0.636294361120, abs=1e-12)
    assert found.bon_n.tolist() == [1.0, 4.0]
    assert "saturated" in found.flags


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_best_of_n_is_below_the_frontier_which_is_concave(seed: int) -> None:
    p, r, _ = random_law(seed)
    found = frontier(p, r)
    scale = float(np.abs(r).max())
    for kl, reward in zip(found.bon_kl, found.bon_reward, strict=True):
        assert reward <= tilt(p, r, kl=float(kl)).reward + 1e-12 * scale
    assert (found.bon_kl <= found.bon_kl_upper + 1e-13).all()
    assert (np.diff(found.kl) > 0).all() and (np.diff(found.reward) >= -1e-14 * scale).all()
    chords = np.diff(found.reward) / np.diff(found.kl)
    # Steep pieces of the default grid are short: allow the rounding of a difference of rewards.
    assert (np.diff(chords) <= 1e-13 * scale / np.diff(found.kl)[1:] + 1e-12 * scale / np.diff(found.kl)[:-1]).all()


def test_default_grid_is_exact_and_spans_the_frontier() -> None:
    found = frontier(P, R)
    assert found.kl[0] == 0.0 and found.kl[-1] == pytest.approx(math.log(5)) and len(found.kl) > 90
    assert found.reward[0] == pytest.approx(0.7) and found.reward[-1] == 2.0
    for index in (5, 40, 90):
        assert tilt(P, R, kl=float(found.kl[index])).reward == pytest.approx(found.reward[index], rel=1e-12)
    assert np.diff(np.sqrt(found.kl)).max() < 0.03


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_peak_is_that_of_the_whole_frontier(seed: int) -> None:
    p, r, true = random_law(seed)
    found = frontier(p, r, kl=[0.0, 0.1], true=true)
    tilts = np.concatenate([[0.0], np.geomspace(1e-3, 2000.0, 4000), [np.inf]])
    weights = np.exp(np.log(p) + tilts[:-1, None] * (r - r.max()))
    means = (weights @ true) / weights.sum(axis=1)
    best = max(float(means.max()), float(np.exp(tilted_log_law(np.log(p), r, np.inf)) @ true))
    assert found.peak_true_reward >= best - 1e-12
    # Brute force on a grid misses the top by the square of its step.
    assert found.peak_true_reward <= best + 1e-4
    at = tilt(p, r, t=float(found.peak_t))
    assert at.kl == pytest.approx(found.peak_kl, rel=1e-9, abs=1e-14)
    assert float(at.q @ true) == pytest.approx(found.peak_true_reward, rel=1e-10, abs=1e-12)


def test_peak_against_a_closed_form() -> None:
    # Weights (1, x, x^2)/(1 + x + x^2), x = e^t: the middle one is largest, 1/(2 + 1/x...) at x = 1 only if
    # p is symmetric; with p = (4, 1, 1)/6 it is x/(4 + x + x^2), largest at x = 2.
    found = frontier([4 / 6, 1 / 6, 1 / 6], [0, 1, 2], true=[0, 1, 0])
    assert found.peak_t == pytest.approx(math.log(2), rel=1e-9)
    assert found.peak_true_reward == pytest.approx(0.2, rel=1e-14)
    assert found.peak_kl == pytest.approx(tilt([4 / 6, 1 / 6, 1 / 6], R, t=math.log(2)).kl, rel=1e-9)
    assert "overoptimised" in found.flags and "0.2" in found.interpretation


def test_peaks_at_the_ends() -> None:
    up, down = frontier(P, R, true=R), frontier(P, R, true=[2, 1, 0])
    assert up.peak_kl == pytest.approx(up.kl_max) and up.peak_true_reward == 2.0 and up.peak_t == math.inf
    assert down.peak_kl == 0.0 and down.peak_true_reward == pytest.approx(1.3)
    flat = frontier(P, R, true=[1, 1, 1])
    assert flat.peak_kl == 0.0 and flat.peak_true_reward == pytest.approx(1.0) and flat.flags == ()


def test_true_reward_is_averaged_inside_ties() -> None:
    found = frontier([0.25] * 4, [0, 1, 1, 2], kl=[0.0, 0.3, 2.0], true=[0.0, 4.0, 0.0, 1.0], n=[1, 3])
    law = tilt([0.25] * 4, [0, 1, 1, 2], kl=0.3).q
    assert found.true_reward == pytest.approx([1.25, float(law @ [0.0, 4.0, 0.0, 1.0]), 1.0], rel=1e-12)
    # Section 13.3: levels .015625, .40625, .578125
    assert found.bon_kl[1] == pytest.approx(0.356983872476, abs=1e-12)
    assert found.bon_true_reward == pytest.approx([1.25, 0.40625 * 2 + 0.578125], rel=1e-12)


def test_rewards_of_minus_infinity_start_late() -> None:
    r = [-math.inf, 1.0, 2.0]
    found = frontier(P, r, true=[0.0, 1.0, 0.5])
    assert found.kl[0] == pytest.approx(math.log(2)) and found.reward[0] == pytest.approx(1.4)
    assert found.reward_reference == -math.inf and found.kl[-1] == pytest.approx(math.log(5))
    assert found.peak_true_reward == pytest.approx(0.8) and found.peak_kl == pytest.approx(math.log(2))
    given_kl = frontier(P, r, kl=[0.1, 1.0], true=[0.0, 1.0, 0.5])
    assert given_kl.reward[0] == -math.inf and given_kl.true_reward[0] == pytest.approx(0.4)
    assert frontier([0.5, 0.5], [-math.inf, 1.0]).reward.tolist() == [1.0]


def test_degenerate_and_extreme_laws() -> None:
    flat = frontier(P, [1.0] * 3)
    assert flat.kl.tolist() == [0.0] and flat.reward.tolist() == [1.0] and flat.flags == ("degenerate",)
    assert frontier(P, [1.0] * 3, kl=[0.0, 1.0]).reward.tolist() == [1.0, 1.0]
    deep = frontier(None, [0, 1, 2], logp=[0.0, -1000.0, -2000.0], kl=[100.0, 1500.0, 2500.0])
    assert (np.diff(deep.reward) > 0).all() and deep.kl_max == pytest.approx(2000.0)
    assert np.isfinite(deep.bon_kl).all() and deep.bon_log_n[-1] <= 400 * math.log(2)


def test_frozen_laws() -> None:
    found = frontier(stats.norm(1, 2), kl=[0.0, 0.5, 8.0], n=[1, 8])
    assert found.reward == pytest.approx([1.0, 3.0, 9.0], rel=1e-10)
    assert found.bon_reward == pytest.approx([1.0, 1 + 2 * 1.4236003060], abs=1e-9)
    assert found.bon_kl[1] == pytest.approx(1.204441541680, abs=1e-12)
    assert found.kl_max == math.inf and found.reward_max == math.inf
    counts = frontier(stats.binom(6, 0.4), kl=[0.3, 3.0, 9.0])
    table = frontier(stats.binom(6, 0.4).pmf(np.arange(7)), np.arange(7.0), kl=[0.3, 3.0, 9.0])
    assert counts.reward == pytest.approx(table.reward, rel=1e-12)
    assert counts.kl_max == pytest.approx(table.kl_max, rel=1e-12)
    assert counts.bon_kl == pytest.approx(table.bon_kl, rel=1e-11) and "saturated" in counts.flags
    assert len(frontier(stats.poisson(2)).kl) == 41


def test_frame_labels_and_progress() -> None:
    seen: list[tuple[int, int]] = []
    p = pd.Series(P, index=list("abc"))
    true = pd.Series([0.0, 5.0, 1.0], index=list("cab"))
    found = frontier(p, R, kl=[0.1, 0.2], true=true, progress=lambda a, b: seen.append((a, b)))
    assert found.true_reference == pytest.approx(0.5 * 5 + 0.3 * 1)
    assert seen[-1] == (2, 2)
    frame = found.to_frame()
    assert list(frame.columns) == ["method", "kl", "reward", "true_reward", "t", "n", "kl_upper"]
    assert set(frame.method) == {"tilt", "best_of_n"}


def test_result_contract_and_figure() -> None:
    found = frontier(P, R, true=[0, 1, 0])
    assert Frontier.from_dict(found.to_dict()) == found and len(repr(found)) < 200
    assert "nats" in str(found.summary())
    axes = found.plot(others={"top fraction": ([0.2, 0.7], [1.0, 1.5]), "policy": (0.5, 1.4)})
    names = axes.get_legend_handles_labels()[1]
    assert {"optimum (tilt)", "policy", "top fraction", "best of N, exact KL"} <= set(names)
    assert any("bound" in name for name in names) and any("ceiling" in name for name in names)
    with pytest.raises(InputError, match="as many rewards"):
        found.plot(axes, others={"x": ([1.0, 2.0], [1.0])})
    with pytest.raises(InputTypeError, match="map names to pairs"):
        found.plot(axes, others={"x": 3.0})
    with pytest.raises(InputTypeError, match="map names to pairs"):
        found.plot(axes, others=3)
    frontier(P, R, kl=0.2).plot()
    plt.close("all")


def test_bad_input() -> None:
    with pytest.raises(InputError, match="kl must be >= 0"):
        frontier(P, R, kl=[0.1, -0.2])
    with pytest.raises(InputError, match="kl must be >= 0"):
        frontier(P, R, kl=[math.nan])
    with pytest.raises(InputError, match="at least one budget"):
        frontier(P, R, kl=[])
    with pytest.raises(InputError, match="n must be >= 1"):
        frontier(P, R, n=[0.5])
    with pytest.raises(InputError, match="n must be finite"):
        frontier(P, R, n=[math.inf])
    with pytest.raises(InputError, match="true must have one value"):
        frontier(P, R, true=[1.0])
    with pytest.raises(InputError, match="true must be finite"):
        frontier(P, R, true=[1.0, math.nan, 0.0])
    with pytest.raises(InputError, match="left out where p is a frozen law"):
        frontier(stats.norm(), true=[1.0])
    with pytest.raises(InputError, match="heavier than exponential"):
        frontier(stats.lognorm(1.0), kl=[0.1])
