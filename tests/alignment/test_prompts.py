"""One tilt shared by all prompts, against brute force and against the exact laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from infostat.alignment import prompts
from infostat.alignment.prompts import ess_limit, shared_t_for_kl, shared_t_for_reward
from infostat.alignment.sample_moments import RewardGroups, group_rewards, sample_errors, tilt_groups
from infostat.alignment.tilt_solver import moments_at, t_for_kl, tilted_log_law

RAGGED = [np.array([0.0, 1.0, 1.0, 4.0]), np.array([-3.0, 2.0]), np.array([0.5, 0.25, 0.75, 7.0, 7.0])]


def _groups(rows: list[np.ndarray]) -> RewardGroups:
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    return group_rewards(np.concatenate(rows), offsets)


@pytest.mark.parametrize("t", [-2.0, -0.3, 0.0, 1e-7, 0.4, 3.0, 700.0, math.inf, -math.inf])
def test_every_prompt_has_the_moments_of_its_empirical_law(t: float) -> None:
    found = tilt_groups(_groups(RAGGED), t)
    for i, row in enumerate(RAGGED):
        log_p = np.full(len(row), -math.log(len(row)))
        log_mgf, reward, variance, kl = moments_at(log_p, row, t)
        q = np.exp(tilted_log_law(log_p, row, t))
        # 1e-12: a few roundings of numbers of order one, amplified by exponents below a thousand.
        np.testing.assert_allclose(found.log_mgf[i], log_mgf, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(found.reward[i], reward, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(found.variance[i], variance, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(found.kl[i], kl, rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(found.ess[i], 1.0 / np.sum(q**2), rtol=1e-12)
        np.testing.assert_allclose(found.largest[i], q.max(), rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(-5, 5), min_size=2, max_size=6), min_size=2, max_size=4),
    st.floats(0.01, 0.95),
)
def test_the_shared_tilt_meets_the_mean_budget(rows: list[list[int]], share: float) -> None:
    groups = _groups([np.array(row, dtype=float) for row in rows])
    ceiling = float(groups.ceiling.mean())
    budget = share * ceiling
    t = shared_t_for_kl(groups, budget)
    if ceiling == 0.0:
        assert t == 0.0
    else:
        assert abs(float(tilt_groups(groups, t).kl.mean()) - budget) <= 1e-12 * max(1.0, budget)


def test_the_shared_tilt_is_that_of_an_independent_root_finder() -> None:
    groups = _groups(RAGGED)

    def mean_kl(t: float) -> float:
        total = 0.0
        for row in RAGGED:
            w = np.exp(t * (row - row.max()))
            w /= w.sum()
            total += float(np.sum(w * np.log(w * len(row))))
        return total / len(RAGGED)

    for budget in (0.05, 0.3, 0.8):
        expected = brentq(lambda t, b=budget: mean_kl(t) - b, 1e-6, 100.0, xtol=1e-14)
        assert shared_t_for_kl(groups, budget) == pytest.approx(expected, rel=1e-10)


def test_a_shared_tilt_beats_equal_budgets() -> None:
    """The Lagrangian optimum of the mean budget is at least as good as the same KL for each prompt."""
    rng = np.random.default_rng(3)
    rows = [rng.normal(0.0, s, 50) for s in (0.3, 1.0, 2.0)]
    groups = _groups(rows)
    shared = float(tilt_groups(groups, shared_t_for_kl(groups, 0.4)).reward.mean())
    equal = [float(tilt_groups(g, shared_t_for_kl(g, 0.4)).reward[0]) for g in (_groups([row]) for row in rows)]
    assert shared > np.mean(equal)


def test_ceiling_and_zero_budgets() -> None:
    groups = _groups(RAGGED)
    ceiling = np.mean([math.log(4 / 1), math.log(2 / 1), math.log(5 / 2)])
    assert float(groups.ceiling.mean()) == pytest.approx(ceiling, rel=1e-15)
    assert shared_t_for_kl(groups, ceiling) == math.inf
    assert shared_t_for_kl(groups, 9.0) == math.inf
    assert shared_t_for_kl(groups, 0.0) == 0.0


def test_rewards_of_minus_infinity_cost_their_share() -> None:
    rows = [np.array([-np.inf, 0.0, 1.0, 2.0]), np.array([-np.inf, -np.inf, 1.0, 3.0])]
    groups = _groups(rows)
    lost = 0.5 * (math.log(4 / 3) + math.log(2.0))
    assert float(groups.lost.mean()) == pytest.approx(lost, rel=1e-15)
    assert shared_t_for_kl(groups, 0.9 * lost) == 0.0
    t = shared_t_for_kl(groups, lost + 0.1)
    assert float(tilt_groups(groups, t).kl.mean()) == pytest.approx(lost + 0.1, abs=1e-12)
    at_zero = tilt_groups(groups, 0.0)
    assert (at_zero.reward == -np.inf).all()
    assert (at_zero.kl == 0.0).all()


def test_target_rewards() -> None:
    groups = _groups(RAGGED)
    for t in (-1.5, -0.1, 0.2, 2.0):
        reward = float(tilt_groups(groups, t).reward.mean())
        assert shared_t_for_reward(groups, reward) == pytest.approx(t, rel=1e-9)
    assert shared_t_for_reward(groups, float(groups.top.mean())) == math.inf
    assert shared_t_for_reward(groups, float(groups.bottom.mean())) == -math.inf


def test_plain_sums_for_large_samples_agree_with_the_careful_route(monkeypatch) -> None:
    rng = np.random.default_rng(8)
    groups = _groups([rng.normal(size=300), rng.exponential(size=200)])
    one = _groups([rng.normal(size=500)])
    alone = t_for_kl(np.log(one.count / 500), one.r, 0.7)
    careful = [shared_t_for_kl(groups, 0.7), shared_t_for_kl(groups, 4.0), alone]
    monkeypatch.setattr(prompts, "_LARGE", 10)
    quick = [shared_t_for_kl(groups, 0.7), shared_t_for_kl(groups, 4.0), shared_t_for_kl(one, 0.7)]
    np.testing.assert_allclose(quick, careful, rtol=1e-11)


def test_the_effective_sample_size_falls_to_its_limit() -> None:
    rng = np.random.default_rng(4)
    groups = _groups([rng.normal(size=200) for _ in range(5)])
    t = ess_limit(groups, 10.0)
    assert 10.0 <= float(np.median(tilt_groups(groups, t).ess)) < 10.2
    assert ess_limit(_groups([np.array([0.0, *[1.0] * 20])]), 10.0) == math.inf
    assert ess_limit(groups, 1000.0) == 0.0


def test_merging_equal_rewards_changes_nothing() -> None:
    row = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 2.0])
    merged = _groups([row])
    plain = group_rewards(row, np.array([0, 6]), np.zeros(6))
    assert len(merged.r) == 3
    assert len(plain.r) == 6
    for t in (-1.0, 0.7, math.inf):
        a, b = tilt_groups(merged, t), tilt_groups(plain, t)
        for name in ("log_mgf", "reward", "variance", "kl", "ess", "largest"):
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-14)
        if math.isfinite(t):
            ea, eb = sample_errors(merged, a), sample_errors(plain, b)
            for name in ("log_mgf", "reward", "kl"):
                np.testing.assert_allclose(getattr(ea, name), getattr(eb, name), rtol=1e-13)
