"""Policies against the optimum, the Bayesian view, the small-KL expansion."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from infostat.alignment.policies import free_energy, policy_gap, small_kl_expansion
from infostat.alignment.policy_results import FreeEnergy, PolicyGap, SmallKLExpansion
from infostat.alignment.tilts import tilt
from infostat.core.errors import InputError

P, R = [0.5, 0.3, 0.2], [0.0, 1.0, 2.0]
seeds = st.integers(0, 10_000)


def random_problem(seed: int, k: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k)), rng.normal(size=k)


def test_best_of_four_against_the_tilt_of_the_same_kl() -> None:
    found = policy_gap([0.0625, 0.3471, 0.5904], P, R)
    assert found.kl == pytest.approx(0.559750560357, abs=1e-12)
    assert found.reward == pytest.approx(1.5279, abs=1e-14)
    assert found.optimal_reward == pytest.approx(1.550164969096, abs=1e-12)
    assert found.kl_to_optimal == pytest.approx(0.030823646605, abs=1e-12)
    assert found.kl_excess == pytest.approx(0.0, abs=1e-14)


@given(seeds, st.floats(0.0, 0.99))
@settings(max_examples=60, deadline=None)
def test_pythagorean_identity(seed: int, share: float) -> None:
    q, p, r = random_problem(seed)
    found = policy_gap(q, p, r, share * tilt(p, r, t=0.0).kl_max)
    assert found.kl_to_optimal == pytest.approx(
        found.kl_excess + found.t * found.reward_gap, rel=1e-10, abs=1e-12 * (1 + found.t)
    )
    assert found.kl_to_optimal >= 0.0


@given(seeds, st.floats(-3.0, 3.0))
@settings(max_examples=40, deadline=None)
def test_evidence_bound_and_suboptimality(seed: int, log_beta: float) -> None:
    q, p, r = random_problem(seed)
    beta = math.exp(log_beta)
    found = free_energy(q, p, r, beta)
    assert found.log_z == pytest.approx(found.elbo + found.gap, rel=1e-11, abs=1e-11 * (1 + 1 / beta))
    best = tilt(p, r, beta=beta)
    # J(phi) - J(q) = beta KL(q || phi)
    loss = (best.reward - beta * best.kl) - (float(q @ r) - beta * found.kl)
    assert loss == pytest.approx(beta * found.gap, rel=1e-9, abs=1e-11 * (1 + beta))


@given(seeds, st.floats(0.01, 0.9))
@settings(max_examples=30, deadline=None)
def test_the_optimum_has_no_gap(seed: int, share: float) -> None:
    _, p, r = random_problem(seed)
    budget = share * tilt(p, r, t=0.0).kl_max
    found = policy_gap(tilt(p, r, kl=budget).q, p, r, budget)
    # A sum of squares of relative rounding errors.
    assert found.kl_to_optimal < 1e-25
    assert free_energy(p, p, r, math.inf).gap == pytest.approx(0.0, abs=1e-15)


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_no_policy_is_above_the_frontier_or_the_sub_gaussian_bound(seed: int) -> None:
    q, p, r = random_problem(seed)
    found = policy_gap(q, p, r)
    assert found.reward_gap >= -1e-13
    bound = 0.5 * float(np.ptp(r)) * math.sqrt(2 * found.kl)
    assert found.reward - float(p @ r) <= bound + 1e-13


def test_policies_beyond_the_support() -> None:
    found = policy_gap([0.5, 0.25, 0.25], [0.5, 0.5, 0.0], [0.0, 1.0, 5.0], 0.1)
    assert found.kl == found.kl_excess == found.kl_to_optimal == math.inf
    assert found.reward == 1.5 and not math.isnan(found.reward_gap)
    assert "infinite" in found.interpretation
    energy = free_energy([0.5, 0.25, 0.25], [0.5, 0.5, 0.0], [0.0, 1.0, 5.0], 1.0)
    assert energy.elbo == -math.inf and energy.gap == math.inf and math.isfinite(energy.log_z)
    own = policy_gap([0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [0.0, 1.0, 5.0])
    assert own.saturated and own.kl == math.inf


def test_saturated_budget() -> None:
    found = policy_gap([0.0, 0.0, 1.0], P, R, 5.0)
    assert found.saturated and found.kl_to_optimal == 0.0 and found.reward_gap == 0.0
    other = policy_gap(P, P, R, 5.0)
    assert other.kl_to_optimal == math.inf and other.kl == 0.0


def test_minus_infinite_rewards_and_degenerate_ones() -> None:
    found = policy_gap([0.1, 0.4, 0.5], P, [-math.inf, 1.0, 2.0], 1.0)
    assert found.reward == -math.inf and found.reward_gap == math.inf and found.kl_to_optimal == math.inf
    same = policy_gap([0.1, 0.4, 0.5], P, [3.0, 3.0, 3.0], 1.0)
    assert same.t == 0.0 and same.reward_gap == 0.0 and same.kl_to_optimal == pytest.approx(same.kl)
    assert free_energy([0.1, 0.4, 0.5], P, [-math.inf, 1.0, 2.0], 1.0).elbo == -math.inf


def test_labels_are_matched() -> None:
    p = pd.Series(P, index=list("abc"))
    r = pd.Series(R[::-1], index=list("cba"))
    q = pd.Series([0.5904, 0.0625, 0.3471], index=list("cab"))
    assert policy_gap(q, p, r).kl_to_optimal == pytest.approx(0.030823646605, abs=1e-12)


def test_log_probabilities_in_place_of_p() -> None:
    logp = np.array([0.0, -1500.0])
    found = policy_gap([0.5, 0.5], None, [0.0, 1.0], 10.0, logp=logp)
    assert found.kl == pytest.approx(750.0 - math.log(2), rel=1e-14)


@pytest.mark.parametrize("power", [1, 2, 3, 4])
def test_expansion_is_the_limit_of_the_frontier(power: int) -> None:
    kl = 10.0 ** -(power + 1)
    expansion = small_kl_expansion(P, R)
    exact = tilt(P, R, kl=kl).reward
    rise = expansion.reward(kl) - expansion.mean
    # The remainder is of order kl^(3/2): two orders in sqrt(kl) below the leading term.
    assert rise / (exact - expansion.mean) == pytest.approx(1.0, abs=0.5 * kl)


def test_expansion_fields() -> None:
    found = small_kl_expansion(P, np.array(R) + 1e6)
    third = sum(a * (x - 0.7) ** 3 for a, x in zip(P, R, strict=True))
    assert found.mean == pytest.approx(1e6 + 0.7, abs=1e-9)
    assert found.variance == pytest.approx(0.61, rel=1e-12)
    assert found.third_cumulant == pytest.approx(third, rel=1e-12)
    assert found.sqrt_coefficient == pytest.approx(math.sqrt(1.22), rel=1e-12)
    assert found.linear_coefficient == pytest.approx(third / 1.83, rel=1e-12)
    assert found.reward(np.array([0.0, 0.01])).shape == (2,)
    flat = small_kl_expansion(P, [1.0, 1.0, 1.0])
    assert flat.sqrt_coefficient == flat.linear_coefficient == 0.0 and flat.reward(0.3) == 1.0


def test_expansion_of_frozen_laws() -> None:
    gaussian = small_kl_expansion(stats.norm(1, 2))
    assert gaussian.reward(0.5) == pytest.approx(3.0, rel=1e-12)
    skewed = small_kl_expansion(stats.expon())
    assert skewed.linear_coefficient == pytest.approx(2 / 3, rel=1e-12)
    with pytest.raises(InputError, match="three finite moments"):
        small_kl_expansion(stats.cauchy())


def test_result_contract() -> None:
    gap, energy, small = policy_gap(P, P, R, 0.2), free_energy(P, P, R, 1.0), small_kl_expansion(P, R)
    for found, kind in ((gap, PolicyGap), (energy, FreeEnergy), (small, SmallKLExpansion)):
        assert kind.from_dict(found.to_dict()) == found and len(repr(found)) < 200
        assert str(found.summary()) and len(found.to_frame()) == 1
        assert found.plot().get_xlabel()
    plt.close("all")


def test_bad_input() -> None:
    with pytest.raises(InputError, match="q must have one entry"):
        policy_gap([0.5, 0.5], P, R, 0.1)
    with pytest.raises(InputError, match="q must sum to one"):
        policy_gap([0.5, 0.5, 0.5], P, R, 0.1)
    with pytest.raises(InputError, match="kl must be"):
        policy_gap(P, P, R, -0.1)
    with pytest.raises(InputError, match="q must be an array"):
        policy_gap(None, P, R, 0.1)
    with pytest.raises(InputError, match="frozen law"):
        policy_gap(P, stats.norm(), R, 0.1)
    with pytest.raises(InputError, match="below \\+inf where q has mass"):
        policy_gap([0.5, 0.5], [1.0, 0.0], [0.0, math.inf], 0.1)
    for beta in (0.0, -1.0, math.nan, 1e-310):
        with pytest.raises(InputError, match="beta must be"):
            free_energy(P, P, R, beta)
    with pytest.raises(InputError, match="r must be finite"):
        small_kl_expansion(P, [-math.inf, 0.0, 1.0])
    with pytest.raises(InputError, match="kl must be >= 0"):
        small_kl_expansion(P, R).reward(-1.0)
