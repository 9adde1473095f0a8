"""Tilts of finite laws: worked numbers, duality, slopes, traps, bad input."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar

from infostat.alignment.tilt_result import Tilt
from infostat.alignment.tilt_solver import moments_at
from infostat.alignment.tilts import tilt
from infostat.core.errors import InputError, InputTypeError

P, R = [0.5, 0.3, 0.2], [0.0, 1.0, 2.0]
seeds = st.integers(0, 10_000)


def random_law(seed: int, k: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(k)), rng.normal(size=k) * 10.0 ** rng.uniform(-2, 2)


def relative_entropy(q: np.ndarray, p: np.ndarray) -> float:
    used = q > 0
    return float(np.sum(q[used] * np.log(q[used] / p[used])))


def test_worked_example() -> None:
    found = tilt(P, R, kl=0.2)
    assert found.t == pytest.approx(0.775174620985, abs=1e-12)
    assert found.beta == pytest.approx(1 / 0.775174620985, rel=1e-11)
    assert found.reward == pytest.approx(1.211385505074, abs=1e-12)
    assert found.log_mgf == pytest.approx(0.739035299763, abs=1e-12)
    assert found.kl == pytest.approx(0.2, abs=1e-14)
    assert found.kl_max == pytest.approx(1.609437912434, abs=1e-12)
    assert found.q == pytest.approx([0.2387872048, 0.3110400854, 0.4501727098], abs=1e-10)
    assert not found.saturated and not found.degenerate and found.nature == "exact"


def test_best_of_n_example_at_the_same_kl() -> None:
    found = tilt(P, R, kl=0.559750560357)
    assert found.reward == pytest.approx(1.550164969096, abs=2e-12)
    bon = np.array([0.0625, 0.3471, 0.5904])
    assert relative_entropy(bon, found.q) == pytest.approx(0.030823646605, abs=1e-11)


def test_beta_is_the_inverse_of_t() -> None:
    by_beta, by_t = tilt(P, R, beta=0.8), tilt(P, R, t=1.25)
    assert by_beta.to_dict() == by_t.to_dict()
    # Section 13.4, kl row at beta = 1.
    one = tilt(P, R, beta=1.0)
    assert one.q == pytest.approx([0.1790000206, 0.2919435019, 0.5290564775], abs=1e-10)
    assert one.log_mgf == pytest.approx(1.027222177641, abs=1e-12)
    assert one.kl == pytest.approx(0.322834279278, abs=1e-12)


@pytest.mark.parametrize(("a", "t"), [(0.3, 0.7), (1e-6, 5.0), (0.999, -3.0)])
def test_bernoulli_closed_form(a: float, t: float) -> None:
    found = tilt([1 - a, a], [0, 1], t=t)
    mean = a * math.exp(t) / (1 - a + a * math.exp(t))
    assert found.reward == pytest.approx(mean, rel=1e-13)
    assert found.log_mgf == pytest.approx(math.log1p(a * math.expm1(t)), rel=1e-12)
    binary = mean * math.log(mean / a) + (1 - mean) * math.log((1 - mean) / (1 - a))
    assert found.kl == pytest.approx(binary, rel=1e-9)


def test_rational_arithmetic() -> None:
    # e^t = 3 makes every number of the tilt rational but its logs.
    p = [Fraction(1, 2), Fraction(3, 10), Fraction(1, 5)]
    weights = [a * 3**k for k, a in enumerate(p)]
    law = [w / sum(weights) for w in weights]
    found = tilt([float(a) for a in p], R, t=math.log(3))
    assert found.q == pytest.approx([float(x) for x in law], rel=1e-14)
    assert found.reward == pytest.approx(float(law[1] + 2 * law[2]), rel=1e-14)
    variance = law[1] + 4 * law[2] - (law[1] + 2 * law[2]) ** 2
    assert found.variance == pytest.approx(float(variance), rel=1e-13)


@given(seeds, st.floats(0.01, 0.95))
@settings(max_examples=25, deadline=None)
def test_dual_form(seed: int, share: float) -> None:
    p, r = random_law(seed)
    budget = share * tilt(p, r, t=0.0).kl_max
    found = tilt(p, r, kl=budget)
    log_p = np.log(p)
    dual = minimize_scalar(
        lambda u: (moments_at(log_p, r, math.exp(u))[0] + budget) * math.exp(-u),
        bracket=(math.log(found.t) - 0.3, math.log(found.t) + 0.2),
        options={"xtol": 1e-10},
    )
    assert dual.fun == pytest.approx(found.reward, abs=1e-11 * float(np.abs(r).max()))


@given(seeds, st.floats(0.05, 0.9))
@settings(max_examples=25, deadline=None)
def test_slope_of_the_frontier_is_beta(seed: int, share: float) -> None:
    p, r = random_law(seed)
    largest = tilt(p, r, t=0.0).kl_max
    kl, step = share * largest, 1e-4 * share * largest
    rise = tilt(p, r, kl=kl + step).reward - tilt(p, r, kl=kl - step).reward
    # Central difference: relative error of order step^2, with third derivatives that blow up at the ends.
    assert rise / (2 * step) == pytest.approx(tilt(p, r, kl=kl).beta, rel=1e-4)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_reward_is_concave_and_increasing_in_kl(seed: int) -> None:
    p, r = random_law(seed)
    kl = np.linspace(0.0, 1.1, 24) * tilt(p, r, t=0.0).kl_max
    reward = np.array([tilt(p, r, kl=value).reward for value in kl])
    scale = float(np.abs(r).max())
    assert (np.diff(reward) >= -1e-13 * scale).all()
    assert (np.diff(reward, 2) <= 1e-12 * scale).all()


@pytest.mark.parametrize("seed", range(4))
def test_sequential_quadratic_programming_agrees(seed: int) -> None:
    p, r = random_law(seed, 4)
    r = r / np.ptp(r)
    budget = 0.4 * tilt(p, r, t=0.0).kl_max
    found = tilt(p, r, kl=budget)
    solved = minimize(
        lambda q: -(q @ r),
        p,
        jac=lambda q: -r,
        bounds=[(1e-12, 1.0)] * 4,
        constraints=[
            {"type": "eq", "fun": lambda q: q.sum() - 1.0, "jac": lambda q: np.ones(4)},
            {"type": "ineq", "fun": lambda q: budget - q @ np.log(q / p), "jac": lambda q: -np.log(q / p) - 1.0},
        ],
        options={"ftol": 1e-15, "maxiter": 500},
    )
    assert -solved.fun == pytest.approx(found.reward, abs=1e-8)
    assert solved.x == pytest.approx(found.q, abs=1e-5)


@given(seeds, st.floats(0.1, 50.0), st.floats(-100.0, 100.0))
@settings(max_examples=30, deadline=None)
def test_equivariance(seed: int, scale: float, shift: float) -> None:
    p, r = random_law(seed)
    r = r / np.ptp(r)
    order = np.random.default_rng(seed).permutation(len(p))
    budget = 0.3 * tilt(p, r, t=0.0).kl_max
    plain = tilt(p, r, kl=budget)
    moved = tilt(p[order], scale * r[order] + shift, kl=budget)
    assert moved.q == pytest.approx(plain.q[order], rel=1e-9)
    assert moved.t == pytest.approx(plain.t / scale, rel=1e-9)
    assert moved.reward == pytest.approx(scale * plain.reward + shift, rel=1e-12, abs=1e-11)


def test_rewards_shifted_by_a_million() -> None:
    r = np.array([0.0, 1.0, 2.0])
    for target in ({"kl": 0.2}, {"t": 40.0}, {"t": -40.0}, {"beta": 1e-4}):
        plain, shifted = tilt(P, r, **target), tilt(P, r + 1e6, **target)
        assert shifted.q == pytest.approx(plain.q, rel=1e-12)
        assert shifted.kl == pytest.approx(plain.kl, rel=1e-12)
        assert shifted.reward - 1e6 == pytest.approx(plain.reward, abs=1e-9)


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_merging_identical_outcomes_changes_nothing(seed: int) -> None:
    p, r = random_law(seed)
    split_p = np.concatenate([p[:1] * 0.3, p[:1] * 0.7, p[1:]])
    split_r = np.concatenate([r[:1], r])
    whole, split = tilt(p, r, kl=0.2), tilt(split_p, split_r, kl=0.2)
    assert split.t == pytest.approx(whole.t, rel=1e-11)
    assert split.reward == pytest.approx(whole.reward, rel=1e-12, abs=1e-14)
    assert split.q[0] + split.q[1] == pytest.approx(whole.q[0], rel=1e-10)


def test_probabilities_far_below_the_float_range() -> None:
    logp = np.array([0.0, -1000.0, -2000.0])
    found = tilt(None, [0.0, 1.0, 2.0], logp=logp, kl=1500.0)
    assert found.kl == pytest.approx(1500.0, rel=1e-13)
    assert found.kl_max == pytest.approx(2000.0, rel=1e-15)
    q = found.q
    assert float(q @ np.log(q) - q @ logp) == pytest.approx(1500.0, rel=1e-12)
    assert found.reward == pytest.approx(q[1] + 2 * q[2], rel=1e-12)
    assert np.isfinite(found.to_frame()["log_ratio"]).all()


def test_limits() -> None:
    best = tilt([0.5, 0.25, 0.25], [0, 1, 1], beta=0.0)
    assert best.q.tolist() == [0.0, 0.5, 0.5] and best.t == math.inf and best.beta == 0.0
    assert best.kl == pytest.approx(math.log(2)) and best.saturated and "saturated" in best.flags
    for target in ({"kl": 5.0}, {"kl": math.inf}, {"reward": 2.0}, {"t": math.inf}):
        found = tilt(P, R, **target)
        assert found.saturated and found.q.tolist() == [0.0, 0.0, 1.0] and found.reward == 2.0
        assert found.kl == pytest.approx(math.log(5), rel=1e-15)
    same = tilt(P, R, beta=math.inf)
    assert same.t == 0.0 and same.kl == 0.0 and same.q.tolist() == P and not same.saturated
    assert tilt(P, R, kl=0.0).q.tolist() == P
    worst = tilt(P, R, t=-math.inf)
    assert worst.q.tolist() == [1.0, 0.0, 0.0] and "worst" in worst.flags


def test_target_reward() -> None:
    up, down = tilt(P, R, reward=1.5), tilt(P, R, reward=0.2)
    assert up.reward == pytest.approx(1.5, abs=1e-14) and up.t > 0
    assert down.reward == pytest.approx(0.2, abs=1e-14) and down.t < 0 and "negative_t" in down.flags
    assert "no policy with this KL has a smaller one" in down.interpretation


@pytest.mark.parametrize("target", [{"kl": 0.0}, {"kl": 3.0}, {"reward": 7.0}])
def test_degenerate_rewards(target: dict[str, float]) -> None:
    found = tilt(P, [7.0, 7.0, 7.0], **target)
    assert found.degenerate and found.t == 0.0 and found.kl == 0.0 and found.reward == 7.0
    assert found.q.tolist() == P and not found.saturated
    assert tilt(P, [7.0] * 3, t=2.0).log_mgf == pytest.approx(14.0)


def test_impossible_outcomes_are_never_the_best() -> None:
    found = tilt([0.5, 0.5, 0.0], [0.0, 1.0, 99.0], beta=0.0)
    assert found.q.tolist() == [0.0, 1.0, 0.0] and found.reward == 1.0
    assert tilt([0.5, 0.5, 0.0], [1.0, 1.0, 99.0], kl=1.0).degenerate
    with pytest.raises(InputError, match="range of the rewards"):
        tilt([0.5, 0.5, 0.0], [0.0, 1.0, 99.0], reward=2.0)


def test_rewards_of_minus_infinity() -> None:
    r = [-math.inf, 1.0, 2.0]
    found = tilt(P, r, t=1.0)
    assert found.q[0] == 0.0 and found.reward > 1.0 and found.kl > math.log(2)
    small = tilt(P, r, kl=0.1)
    assert small.reward == -math.inf and small.kl == 0.0 and "budget_below_minus_inf" in small.flags
    with pytest.raises(InputError, match="t must be >= 0"):
        tilt(P, r, t=-1.0)


def test_labels_and_series() -> None:
    p = pd.Series([0.2, 0.3, 0.5], index=["good", "fair", "bad"])
    r = pd.Series([0.0, 1.0, 2.0], index=["bad", "fair", "good"])
    found = tilt(p, r, kl=0.2)
    assert found.labels == ("good", "fair", "bad")
    assert found.q == pytest.approx([0.4501727098, 0.3110400854, 0.2387872048], abs=1e-10)
    frame = found.to_frame()
    assert list(frame.columns) == ["label", "reward", "p", "q", "log_ratio"] and frame.q.sum() == pytest.approx(1)
    assert frame.log_ratio.to_numpy() == pytest.approx(np.log(frame.q / frame.p).to_numpy(), rel=1e-12)


def test_result_contract() -> None:
    found = tilt(P, R, kl=0.2)
    assert len(repr(found)) < 200 and "0.2" in str(found.summary())
    assert Tilt.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    axes = found.plot()
    assert axes.get_xlabel() and axes.get_ylabel()
    many = tilt(*random_law(1, 80), kl=1.0)
    many.plot(axes)
    axes.figure.clear()
    import matplotlib.pyplot as plt

    plt.close("all")


def test_inputs_are_not_modified() -> None:
    p, r = np.array(P), np.array(R)
    p.flags.writeable = r.flags.writeable = False
    tilt(p, r, kl=0.3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one of t, beta, kl and reward"),
        ({"t": 1.0, "kl": 0.1}, "got t and kl"),
        ({"beta": -1.0}, "beta must be a number >= 0"),
        ({"kl": -0.1}, "kl must be a number >= 0"),
        ({"kl": math.nan}, "kl must be"),
        ({"t": math.nan}, "t must be"),
        ({"reward": 2.5}, "range of the rewards"),
        ({"reward": -0.5}, "range of the rewards"),
        ({"reward": math.inf}, "reward must be"),
    ],
)
def test_bad_targets(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        tilt(P, R, **arguments)


def test_bad_laws() -> None:
    with pytest.raises(InputError, match="sum to one"):
        tilt([0.5, 0.6], [0, 1], t=1.0)
    with pytest.raises(InputError, match="one reward per"):
        tilt(P, [0, 1], t=1.0)
    with pytest.raises(InputError, match=r"\+inf"):
        tilt(P, [0, 1, math.inf], t=1.0)
    with pytest.raises(InputError, match="rewards beside p"):
        tilt(P, t=1.0)
    with pytest.raises(InputTypeError, match="kl must be"):
        tilt(P, R, kl="much")
