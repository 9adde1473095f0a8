"""The bootstrap against plain resampling loops, and its promises about seeds and workers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from infostat.alignment.bootstrap import BLOCK, dual_grid, resample
from infostat.alignment.estimation import estimate
from infostat.alignment.prompts import shared_t_for_kl
from infostat.alignment.sample_moments import RewardGroups, group_rewards, tilt_groups
from infostat.core.errors import InputError
from infostat.core.rng import as_seed_sequence, child_generator

ROWS = 5


def _one(rewards: np.ndarray, true: np.ndarray | None = None) -> RewardGroups:
    return group_rewards(rewards, np.array([0, len(rewards)]), true)


def _indices(size: int) -> np.ndarray:
    """What the first resamples of seed 4 draw."""
    generator = child_generator(as_seed_sequence(4), 0)
    return np.array([generator.integers(0, size, size) for _ in range(ROWS)])


def test_at_fixed_t_the_replicates_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    rewards, true = rng.normal(size=60), rng.normal(size=60)
    t = np.array([-1.0, 0.0, 0.8, math.inf])
    found = resample(_one(rewards, true), t, None, resamples=ROWS, rng=4)
    order = np.argsort(rewards, kind="stable")
    for row, drawn in enumerate(_indices(60)):
        r, g = rewards[order][drawn], true[order][drawn]
        for k, tilt in enumerate(t):
            expected = tilt_groups(_one(r, g), float(tilt))
            np.testing.assert_allclose(found.values["reward"][row, k], expected.reward[0], rtol=1e-11, atol=1e-12)
            np.testing.assert_allclose(found.values["kl"][row, k], expected.kl[0], rtol=1e-9, atol=1e-12)
            found_true = found.values["true_reward"][row, k]
            np.testing.assert_allclose(found_true, _weighted(r, g, float(tilt)), rtol=1e-10, atol=1e-11)


def _weighted(r: np.ndarray, g: np.ndarray, t: float) -> float:
    w = (r == r.max()).astype(float) if math.isinf(t) else np.exp(t * r)
    return float(w @ g / w.sum())


def test_at_fixed_kl_the_dual_form_is_the_optimum_of_each_resample() -> None:
    rng = np.random.default_rng(1)
    rewards = rng.gumbel(size=200)
    true = rewards + rng.normal(size=200)
    budgets = np.array([0.0, 0.05, 0.5, 1.5])
    groups = _one(rewards, true)
    t = np.array([shared_t_for_kl(groups, b) for b in budgets])
    found = resample(groups, t, budgets, resamples=ROWS, rng=4)
    order = np.argsort(rewards, kind="stable")
    for row, drawn in enumerate(_indices(200)):
        r, g = rewards[order][drawn], true[order][drawn]
        own = _one(r, g)
        for k, budget in enumerate(budgets):
            tilt = shared_t_for_kl(own, float(budget))
            # Steps of 10 % in t and a parabola: 1e-4 of the value (a thousandth of its error), 1 % of t.
            expected = float(tilt_groups(own, tilt).reward[0])
            assert found.values["reward"][row, k] == pytest.approx(expected, abs=1e-4 * (1 + abs(expected)))
            assert found.values["t"][row, k] == pytest.approx(tilt, rel=2e-2)
            assert found.values["true_reward"][row, k] == pytest.approx(_weighted(r, g, tilt), abs=5e-3)


def test_prompts_are_resampled_as_wholes() -> None:
    rng = np.random.default_rng(2)
    table = rng.normal(size=(12, 30)) * rng.uniform(0.5, 2.0, size=(12, 1))
    groups = group_rewards(table.ravel(), np.arange(0, 361, 30))
    budgets = np.array([0.3])
    found = resample(groups, np.array([shared_t_for_kl(groups, 0.3)]), budgets, resamples=ROWS, rng=4)
    counts = child_generator(as_seed_sequence(4), 0).multinomial(12, np.full(12, 1 / 12), size=ROWS)
    for row in range(ROWS):
        again = np.repeat(table, counts[row], axis=0)
        own = group_rewards(again.ravel(), np.arange(0, 361, 30))
        expected = float(tilt_groups(own, shared_t_for_kl(own, 0.3)).reward.mean())
        assert found.values["reward"][row, 0] == pytest.approx(expected, abs=2e-5)


def test_saturated_resamples_are_at_their_own_maximum() -> None:
    rewards = np.array([0.0] * 30 + [1.0] * 10)
    groups = _one(rewards)
    found = resample(groups, np.array([math.inf]), np.array([2.0]), resamples=64, rng=1)
    # log(M/K) >= 2 needs K <= 5 of 40; only then is the budget not above the ceiling.
    assert found.saturated_share[0] > 0.9
    assert (found.values["reward"] <= 1.0).all()
    assert (found.values["reward"][np.isinf(found.values["t"])] == 1.0).all()


def test_an_outlier_does_not_overflow() -> None:
    rewards = np.concatenate([np.linspace(0.0, 1.0, 50), [1e6]])
    found = resample(_one(rewards), np.array([1.0, 10.0]), None, resamples=64, rng=1)
    assert np.isfinite(found.values["reward"]).all()
    without = found.values["reward"][:, 0] < 2.0
    assert 0.2 < without.mean() < 0.6  # the chance that a resample misses it is near 1/e
    # Those resamples tilt the rest, at a distance of a million from the largest reward.
    assert (found.values["reward"][without] <= 1.0).all()


def test_the_grid_reaches_beyond_the_tilts() -> None:
    groups = _one(np.arange(30.0))
    grid = dual_grid(groups, np.array([0.1, 1.0, math.inf]))
    assert grid[0] == 0.0
    assert grid[1] == 0.025
    assert grid[-1] > 100.0
    assert (np.diff(grid) > 0).all()
    assert len(dual_grid(groups, np.array([math.inf]))) > 10


def test_the_same_seed_gives_the_same_interval_for_every_number_of_workers() -> None:
    rewards = np.random.default_rng(5).normal(size=150)
    options = {"kl": [0.2, 0.6], "bootstrap": 2 * BLOCK + 3, "rng": 9}
    one, two = estimate(rewards, **options), estimate(rewards, **options, n_jobs=2)
    assert one == two
    again = estimate(rewards, kl=[0.2, 0.6], bootstrap=2 * BLOCK + 3, rng=one.bootstrap.seed)
    assert again.bootstrap == one.bootstrap


def test_progress_counts_resamples() -> None:
    seen: list[tuple[int, int]] = []
    estimate(np.arange(30.0), kl=0.2, bootstrap=40, rng=1, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (40, 40)


def test_intervals_widen_with_the_level_and_bracket_the_estimate() -> None:
    rewards = np.random.default_rng(6).normal(size=500)
    narrow = estimate(rewards, kl=0.5, bootstrap=300, rng=1, confidence_level=0.5).bootstrap.intervals
    wide = estimate(rewards, kl=0.5, bootstrap=300, rng=1, confidence_level=0.95).bootstrap.intervals
    for name in ("reward", "t"):
        assert wide[name][0] < narrow[name][0] < narrow[name][1] < wide[name][1]
    found = estimate(rewards, kl=0.5, bootstrap=300, rng=1)
    assert found.bootstrap.intervals["reward"][0] < found.reward < found.bootstrap.intervals["reward"][1]


def test_bad_input() -> None:
    with pytest.raises(InputError, match="bootstrap must be an integer from 0 to"):
        estimate([0.0, 1.0], t=1.0, bootstrap=-1)
