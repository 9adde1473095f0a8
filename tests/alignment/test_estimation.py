"""`estimate`: worked numbers, the exact route, closed-form errors, and every trap of reward samples."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.estimation import estimate
from infostat.alignment.estimation_result import EstimateResult
from infostat.alignment.tilt_solver import moments_at, t_for_kl, tilted_log_law
from infostat.core.errors import DataError, InputError, SampleSizeWarning

# Two decimals of 1e-12 are printed in the specification.
PRINTED = {"rel": 0.0, "abs": 6e-13}


# ------------------------------------------------------------------------------- worked numbers
def test_five_rewards_at_t_one() -> None:
    found = estimate([0, 1, 2, 3, 4], t=1.0)
    expected = {
        "log_mgf": 2.842476483503,
        "reward": 3.451941567662,
        "kl": 0.609465084159,
        "ess": 2.134987378528,
        "perplexity_ess": 2.718207969057,
        "se_reward": 0.395148739339,
        "se_log_mgf": 0.518060656586,
    }
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value, **PRINTED), name
    assert found.status == "collapsed"
    assert found.held == "t"
    assert not found.saturated
    assert found.kl_ceiling == pytest.approx(math.log(5.0), rel=1e-15)


def test_errors_are_those_of_exact_arithmetic() -> None:
    """se and bias from their definitions, weights e^t r with e^t = 2 so that all is rational."""
    rewards = [0, 1, 1, 3]
    w = [Fraction(2) ** r for r in rewards]
    w = [x / sum(w) for x in w]
    mean = sum(x * r for x, r in zip(w, rewards, strict=True))
    square = sum(x * x * (r - mean) ** 2 for x, r in zip(w, rewards, strict=True))
    bias = -sum(x * x * (r - mean) for x, r in zip(w, rewards, strict=True))
    inverse_ess = sum(x * x for x in w)
    t = math.log(2.0)
    found = estimate(rewards, t=t)
    assert found.reward == pytest.approx(float(mean), rel=1e-14)
    assert found.se_reward == pytest.approx(math.sqrt(square), rel=1e-14)
    assert found.bias_reward == pytest.approx(float(bias), rel=1e-13)
    assert found.se_log_mgf == pytest.approx(math.sqrt(inverse_ess - Fraction(1, 4)), rel=1e-13)
    held = estimate(rewards, kl=found.kl)
    assert held.t == pytest.approx(t, rel=1e-10)
    assert held.se_reward == pytest.approx(math.sqrt(inverse_ess - Fraction(1, 4)) / t, rel=1e-9)
    assert held.se_kl == 0.0
    psi = [t * 4 * float(x) * float(r - mean) - (4 * float(x) - 1) for x, r in zip(w, rewards, strict=True)]
    assert found.se_kl == pytest.approx(math.sqrt(sum(p * p for p in psi)) / 4, rel=1e-13)


# ------------------------------------------------------------------------- identities, all data
# Rounded: rewards closer to each other than 1e-75 are refused.
samples = st.lists(st.floats(-20, 20).map(lambda x: round(x, 12)), min_size=2, max_size=15)


@settings(max_examples=60, deadline=None)
@given(samples, st.floats(-3, 3))
def test_samples_are_the_empirical_law(rewards: list[float], t: float) -> None:
    r = np.array(rewards)
    found = estimate(r, t=t)
    log_p = np.full(len(r), -math.log(len(r)))
    log_mgf, reward, _, kl = moments_at(log_p, r, t)
    q = np.exp(tilted_log_law(log_p, r, t))
    # Rewards to 20 and |t| to 3: exponents to 120 carry roundings of 120 * 2e-16.
    np.testing.assert_allclose(
        [found.log_mgf, found.reward, found.kl], [log_mgf, reward, kl], rtol=1e-12, atol=2e-13
    )
    assert found.ess == pytest.approx(1.0 / float(q @ q), rel=1e-11)
    assert found.perplexity_ess >= found.ess * (1 - 1e-12)
    assert found.kl <= math.log(len(r)) + 1e-12


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=3, max_size=15), st.floats(0.01, 0.95))
def test_a_budget_is_met_and_dual_to_its_tilt(rewards: list[int], share: float) -> None:
    r = np.array(rewards, dtype=float)
    top = int((r == r.max()).sum())
    budget = share * math.log(len(r) / top)
    found = estimate(r, kl=budget)
    log_p = np.full(len(r), -math.log(len(r)))
    assert found.t == pytest.approx(t_for_kl(log_p, r, budget), rel=1e-9)
    assert abs(found.kl - budget) <= 1e-12
    if budget > 0.0:  # R*(KL) = inf over t of (Lambda(t) + KL)/t: no t gives less
        for t in np.geomspace(0.1, 10.0, 7) * found.t:
            assert found.reward <= (moments_at(log_p, r, t)[0] + budget) / t + 1e-10


@settings(max_examples=40, deadline=None)
@given(samples, st.floats(0.1, 5.0), st.floats(-50, 50), st.floats(0.05, 1.5), st.randoms())
def test_scale_shift_and_order_of_the_samples(rewards, scale, shift, t, random) -> None:
    r = np.array(rewards)
    one = estimate(r, t=t)
    moved = list(scale * r + shift)
    random.shuffle(moved)
    other = estimate(moved, t=t / scale)
    # The shifted rewards are rounded at |shift| * 2e-16, which t multiplies.
    for name, expected in (("kl", one.kl), ("ess", one.ess), ("se_log_mgf", one.se_log_mgf)):
        assert getattr(other, name) == pytest.approx(expected, rel=1e-8, abs=1e-9), name
    assert other.reward == pytest.approx(scale * one.reward + shift, rel=1e-9, abs=1e-9)
    assert other.se_reward == pytest.approx(scale * one.se_reward, rel=1e-8, abs=1e-9)


def test_reward_is_concave_and_rising_in_kl() -> None:
    rewards = np.random.default_rng(2).exponential(size=400)
    found = estimate(rewards)
    slopes = np.diff(found.reward) / np.diff(found.kl)
    assert (slopes > 0).all()
    assert (np.diff(slopes) < 0).all()
    assert (np.diff(found.kl) > 0).all()
    # dR/dKL = 1/t lies between the tilts at both ends of a step.
    assert (slopes <= 1.0 / found.t[:-1].clip(1e-300)).all()
    assert (slopes >= 1.0 / found.t[1:]).all()


# ------------------------------------------------------------------------ errors against reality
def _ratio_tolerance(n: int) -> float:
    """Four standard errors of the ratio of an estimated to a simulated deviation, kurtosis up to 4."""
    return 4.0 * math.sqrt(0.75 / n)


@pytest.mark.parametrize(("held", "value"), [("kl", 0.5), ("t", 0.7)])
def test_standard_errors_are_those_of_simulation(held: str, value: float) -> None:
    rng = np.random.default_rng(17)
    n = 500
    found = []
    for row in rng.normal(size=(n, 800)):
        true = 0.5 * row + rng.normal(size=800)
        found.append(estimate(row, true=true, **{held: value}))
    for name in ("reward", "true_reward", "log_mgf", "kl"):
        if name == "kl" and held == "kl":
            continue
        if name == "log_mgf" and held == "kl":
            continue  # its standard error is the one at fixed t
        values = np.array([getattr(one, name) for one in found])
        errors = np.array([getattr(one, f"se_{name}") for one in found])
        assert math.sqrt(float(np.mean(errors**2))) / values.std() == pytest.approx(1.0, abs=_ratio_tolerance(n)), name


def test_prompts_are_the_sampling_unit() -> None:
    rng = np.random.default_rng(18)
    n = 300
    found = {"kl": [], "t": []}
    for _ in range(n):
        table = 0.8 * rng.normal(size=(30, 1)) + rng.uniform(0.5, 1.5, (30, 1)) * rng.normal(size=(30, 60))
        for held, value in (("kl", 0.2), ("t", 0.5)):
            one = estimate(table, true=0.5 * table + 0.1, **{held: value})
            found[held].append((one.reward, one.se_reward, one.true_reward, one.se_true_reward))
            assert one.se_true_reward == pytest.approx(0.5 * one.se_reward, rel=1e-6)
    for rows in found.values():
        reward, error, _, _ = np.array(rows).T
        assert math.sqrt(float(np.mean(error**2))) / reward.std() == pytest.approx(1.0, abs=_ratio_tolerance(n))


def test_the_samples_behind_a_standard_error_are_counted() -> None:
    rewards = np.random.default_rng(16).normal(size=80)
    w = 80 * np.exp(0.6 * rewards) / np.exp(0.6 * rewards).sum()
    at_t = estimate(rewards, t=0.6)
    pull = w * (rewards - at_t.reward)
    assert at_t.ess_se == pytest.approx((pull**2).sum() ** 2 / (pull**4).sum(), rel=1e-12)
    at_kl = estimate(rewards, kl=at_t.kl)
    assert at_kl.ess_se == pytest.approx(((w - 1) ** 2).sum() ** 2 / ((w - 1) ** 4).sum(), rel=1e-8)
    two = estimate([[0.0, 1.0], [0.0, 3.0], [0.0, 3.0]], t=0.5)
    # Influences of three prompts (-2, 1, 1) times a constant: 36/18.
    assert two.ess_se == pytest.approx(2.0, rel=1e-12)


def test_prompt_errors_follow_their_formulas() -> None:
    rng = np.random.default_rng(5)
    table = rng.normal(size=(9, 40)) + rng.normal(size=(9, 1))
    at_t, at_kl = estimate(table, t=0.6), estimate(table, kl=0.3)
    each = np.array([estimate(row, t=0.6).reward for row in table])
    assert at_t.reward == pytest.approx(each.mean(), rel=1e-13)
    assert at_t.se_reward == pytest.approx(each.std(ddof=1) / 3.0, rel=1e-12)
    log_mgf = np.array([estimate(row, t=at_kl.t).log_mgf for row in table])
    assert at_kl.se_reward == pytest.approx(log_mgf.std(ddof=1) / (at_kl.t * 3.0), rel=1e-12)
    kls = [estimate(row, t=at_kl.t).kl for row in table]
    np.testing.assert_allclose(at_kl.kl_by_prompt, kls, rtol=1e-12)
    assert np.mean(kls) == pytest.approx(0.3, abs=1e-12)
    assert at_kl.ess == pytest.approx(np.median([estimate(row, t=at_kl.t).ess for row in table]), rel=1e-13)
    assert at_kl.n_prompts == 9


def test_directions_of_the_bias() -> None:
    """Lambda and R at fixed KL are low (Jensen, dual form), and by about what is reported."""
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(1500, 100))
    found = [estimate(row, kl=0.5) for row in rows]
    errors = np.array([one.reward for one in found]) - 1.0
    predicted = float(np.mean([one.bias_reward for one in found]))
    noise = errors.std() / math.sqrt(len(errors))
    assert predicted < 0
    assert errors.mean() < -2.0 * noise
    # The leading term is not the whole: half to three times of it.
    assert 3.0 * predicted - 4.0 * noise < errors.mean() < 0.5 * predicted + 4.0 * noise
    log_mgf = np.array([estimate(row, t=1.0).log_mgf for row in rows]) - 0.5
    assert log_mgf.mean() < -2.0 * log_mgf.std() / math.sqrt(len(rows))


# -------------------------------------------------------------------------------------- traps
def test_shift_by_a_million() -> None:
    rewards = np.random.default_rng(7).normal(size=300)
    one, other = estimate(rewards, t=[-2.0, 0.5, 3.0]), estimate(rewards + 1e6, t=[-2.0, 0.5, 3.0])
    # Rewards near 1e6 are rounded to 1.2e-10.
    for name in ("kl", "ess", "se_reward", "se_log_mgf", "se_kl"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-8)
    np.testing.assert_allclose(other.reward - 1e6, one.reward, atol=1e-8)
    held = estimate(rewards + 1e6, kl=0.4)
    assert held.reward - 1e6 == pytest.approx(estimate(rewards, kl=0.4).reward, abs=1e-8)


def test_huge_tilts_do_not_overflow() -> None:
    found = estimate([0.0, 1.0, 2.0], t=[1e6, -1e6, 1e300])
    np.testing.assert_array_equal(found.reward, [2.0, 0.0, 2.0])
    np.testing.assert_allclose(found.kl, math.log(3.0), rtol=1e-15)
    np.testing.assert_array_equal(found.se_reward, 0.0)


def test_equal_rewards_are_degenerate_at_any_budget() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = estimate([3.0, 3.0, 3.0], kl=[0.0, 0.5, 9.0])
    assert found.degenerate
    np.testing.assert_array_equal(found.reward, 3.0)
    np.testing.assert_array_equal(found.t, 0.0)
    np.testing.assert_array_equal(found.kl, 0.0)
    assert not found.saturated.any()
    assert found.flags == ("collapsed", "degenerate")
    table = estimate([[1.0, 1.0], [4.0, 4.0]], kl=0.5)
    assert (table.degenerate, table.reward, table.kl) == (True, 2.5, 0.0)


def test_a_budget_beyond_the_ceiling_is_the_law_on_the_best_samples() -> None:
    rewards = [0.0] * 8 + [1.0] * 2
    ceiling = math.log(5.0)
    for budget in (ceiling, 3.0, math.inf):
        with pytest.warns(SampleSizeWarning, match="1 of 1 points reach the ceiling"):
            found = estimate(rewards, kl=budget)
        assert (found.t, found.reward, found.saturated, found.status) == (math.inf, 1.0, True, "collapsed")
        assert found.kl == pytest.approx(ceiling, rel=1e-15)
        assert found.ess == pytest.approx(2.0, rel=1e-15)
        assert math.isnan(found.se_reward)
        assert "saturated" in found.flags
    below = estimate(rewards, kl=0.999 * ceiling)
    assert not below.saturated
    with pytest.warns(SampleSizeWarning):
        table = estimate([[0.0, 1.0], [0.0, 3.0]], kl=1.0)
    assert (table.reward, table.saturated) == (2.0, True)


def test_rewards_of_minus_infinity() -> None:
    rewards = [-math.inf, -math.inf, 0.0, 1.0]
    found = estimate(rewards, t=1.0)
    inside = estimate([0.0, 1.0], t=1.0)
    assert found.reward == pytest.approx(inside.reward, rel=1e-14)
    assert found.kl == pytest.approx(inside.kl + math.log(2.0), rel=1e-14)
    assert found.log_mgf == pytest.approx(inside.log_mgf - math.log(2.0), rel=1e-14)
    assert "minus_infinity" in found.flags
    at_zero = estimate(rewards, t=0.0)
    assert (at_zero.reward, at_zero.kl) == (-math.inf, 0.0)
    assert estimate(rewards, kl=0.5).reward == -math.inf
    grid = estimate([*rewards, *np.linspace(-1, 1, 200)])
    assert np.isfinite(grid.reward).all()
    with pytest.raises(InputError, match="t must be >= 0 where a sample has reward -inf"):
        estimate(rewards, t=-1.0)


def test_negative_tilts_give_the_worst_policy() -> None:
    rewards = np.random.default_rng(9).normal(size=200)
    down, up = estimate(rewards, t=-0.7), estimate(-rewards, t=0.7)
    assert down.reward == pytest.approx(-up.reward, rel=1e-13)
    for name in ("kl", "ess", "se_reward", "log_mgf"):
        assert getattr(down, name) == pytest.approx(getattr(up, name), rel=1e-12)


def test_tiny_budgets_keep_their_digits() -> None:
    rewards = np.random.default_rng(10).normal(size=1000)
    budgets = np.array([1e-12, 1e-8, 1e-4])
    found = estimate(rewards, kl=budgets)
    np.testing.assert_allclose(found.kl, budgets, rtol=1e-9)
    sigma = rewards.std()
    np.testing.assert_allclose(found.reward - rewards.mean(), sigma * np.sqrt(2 * budgets), rtol=2e-2)
    # At no budget the mean has the standard error of a mean.
    assert estimate(rewards, kl=0.0).se_reward == pytest.approx(sigma / math.sqrt(1000), rel=1e-12)
    np.testing.assert_allclose(found.se_reward[0], sigma / math.sqrt(1000), rtol=1e-4)


# ----------------------------------------------------------------------------- status and flags
def test_status_and_default_grid() -> None:
    rewards = np.random.default_rng(12).normal(size=2000)
    found = estimate(rewards)
    assert len(found.kl) == 25
    assert found.kl[0] == 0.0
    assert found.status[0] == "ok"
    assert found.status[-1] == "weak"
    assert 10.0 <= found.ess[-1] < 10.2
    np.testing.assert_array_equal(np.array(found.status) == "ok", found.ess >= 100)
    assert "interval_optimistic" in found.flags
    assert (np.diff(found.ess_se) < 0).all()
    assert estimate(rewards, kl=0.1).flags == ()


def test_status_of_a_prompt_table_is_that_of_its_median_prompt() -> None:
    rng = np.random.default_rng(13)
    table = [rng.normal(size=400), rng.normal(size=400), 20.0 * rng.normal(size=400)]
    found = estimate(table, t=0.5)
    assert found.status == "ok"
    assert found.share_collapsed == pytest.approx(1 / 3)
    assert "few_prompts" in found.flags


def test_one_prompt_has_the_errors_of_its_samples() -> None:
    rewards = np.random.default_rng(14).normal(size=300)
    found, plain = estimate(rewards[None, :], kl=0.2), estimate(rewards, kl=0.2)
    assert found.se_reward == plain.se_reward
    assert found.n_prompts == 1
    assert found.kl_by_prompt.shape == (1,)
    assert "one_prompt" in found.flags
    assert plain.n_prompts is None
    assert plain.kl_by_prompt is None


def test_within_prompt_bias_is_flagged() -> None:
    """Many prompts with few samples each: the error over prompts shrinks, the bias does not."""
    table = np.random.default_rng(15).normal(size=(400, 40))
    found = estimate(table, kl=0.5)
    assert {"bias_low", "interval_optimistic"} <= set(found.flags)
    assert found.reward + 2 * found.se_reward < 1.0


def test_prompt_columns_reach_the_result() -> None:
    import pandas as pd

    rewards, true = [0.0, 1.0, 0.0, 2.0], [1.0, 0.0, 0.0, 1.0]
    frame = pd.DataFrame({"prompt_id": list("aabb"), "reward": rewards, "true_reward": true})
    found = estimate(frame, t=[0.5, 1.0])
    assert found.prompts == ("a", "b")
    assert found.kl_by_prompt.shape == (2, 2)
    assert found.true_reward.shape == (2,)
    by_array = estimate(rewards, true=true, prompt_id=list("aabb"), t=[0.5, 1.0])
    np.testing.assert_array_equal(by_array.true_reward, found.true_reward)


def test_true_rewards_follow_the_weights_of_the_proxy() -> None:
    proxy, true = np.array([0.0, 1.0, 1.0, 2.0]), np.array([5.0, 1.0, 3.0, -1.0])
    found = estimate(proxy, true=true, t=0.8)
    w = np.exp(0.8 * proxy) / np.exp(0.8 * proxy).sum()
    assert found.true_reward == pytest.approx(float(w @ true), rel=1e-14)
    assert found.se_true_reward == pytest.approx(float(np.sqrt(w**2 @ (true - w @ true) ** 2)), rel=1e-13)
    itself = estimate(proxy, true=proxy, kl=0.3)
    assert itself.true_reward == pytest.approx(itself.reward, rel=1e-14)
    assert itself.se_true_reward == pytest.approx(itself.se_reward, rel=1e-10)


# ---------------------------------------------------------------------------- shape and contract
@pytest.mark.parametrize("value", [0.3, [0.3], [0.5, 0.1, 0.3]])
@pytest.mark.parametrize("held", ["t", "kl"])
def test_numbers_and_arrays(held: str, value) -> None:
    table = np.random.default_rng(1).normal(size=(4, 30))
    found = estimate(table, true=table, bootstrap=40, rng=1, **{held: value})
    single = np.ndim(value) == 0
    fields = ["t", "reward", "kl", "log_mgf", "ess", "perplexity_ess", "se_reward", "se_log_mgf", "se_kl"]
    for name in [*fields, "low", "high", "bias_reward", "ess_se", "true_reward", "se_true_reward"]:
        assert np.shape(getattr(found, name)) == np.shape(value), name
    assert isinstance(found.status, str if single else tuple)
    assert isinstance(found.saturated, bool) == single
    assert found.kl_by_prompt.shape == (*np.shape(value), 4)
    if not single:
        np.testing.assert_allclose(getattr(found, held), value, rtol=1e-9)
    other = {"t": "kl", "kl": "t"}[held]
    assert set(found.bootstrap.intervals) == {"reward", "true_reward", other}
    assert EstimateResult.from_dict(found.to_dict()) == found
    assert len(repr(found)) < 200
    assert len(found.to_frame()) == np.size(value)
    assert found.nature == "estimate"
    str(found.summary())
    np.testing.assert_allclose(np.multiply(found.beta, found.t), 1.0, rtol=1e-15)


def test_figures_draw_both_panels() -> None:
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rewards = np.random.default_rng(3).normal(size=500)
    found = estimate(rewards, true=rewards**2, bootstrap=30, rng=1)
    ax = found.plot()
    dashes = {line.get_label() for line in ax.lines}
    assert {"estimate, ESS at least 100", "weak, ESS 10 to 100", "true reward"} <= dashes
    assert any("ceiling" in label for label in dashes)
    assert ax.get_xlabel().endswith("(nats)")
    ess = found.plot(panel="ess")
    assert ess.get_yscale() == "log"
    estimate(rewards, kl=0.3).plot()
    with pytest.raises(InputError, match="panel must be one of"):
        found.plot(panel="loss")
    plt.close("all")


@pytest.mark.parametrize(
    ("data", "kwargs", "kind", "message"),
    [
        ([0.0, 1.0], {"t": 1.0, "kl": 0.1}, InputError, "at most one of t and kl"),
        ([0.0, 1.0], {"kl": -0.1}, InputError, "kl must be >= 0, got -0.1"),
        ([0.0, 1.0], {"kl": [0.1, math.nan]}, InputError, "kl must not hold NaN"),
        ([0.0, 1.0], {"t": "1"}, TypeError, "t must be an array of real numbers"),
        ([0.0, 1.0], {"t": []}, InputError, "t must hold at least one number"),
        ([0.0, 1.0], {"t": [[1.0]]}, InputError, "t must be 0-dimensional or 1-dimensional"),
        ([0.0, 1.0], {"t": 1.0, "confidence_level": 1.0}, InputError, "confidence_level must be a number in"),
        ([0.0, 1.0], {"t": 1.0, "bootstrap": 1.5}, TypeError, "bootstrap must be an integer"),
        ([0.0], {"t": 1.0}, InputError, "at least 2 rewards"),
        ([0.0, math.nan], {"t": 1.0}, DataError, "missing rewards, got 1 of 2"),
        ([0.0, math.inf], {"t": 1.0}, DataError, r"rewards of \+inf"),
    ],
)
def test_bad_input(data, kwargs, kind, message) -> None:
    with pytest.raises(kind, match=message):
        estimate(data, **kwargs)


def test_a_pmf_is_sent_to_the_exact_functions() -> None:
    import pandas as pd

    with pytest.raises(InputError, match="use tilt or frontier, which are exact"):
        estimate(pd.DataFrame({"prob": [0.5, 0.5], "reward": [0.0, 1.0]}), t=1.0)


def test_dropping_missing_rewards_is_counted() -> None:
    with pytest.warns(UserWarning, match="1 of 4 rewards are missing"):
        found = estimate([0.0, 1.0, math.nan, 2.0], t=1.0, nan="drop")
    assert (found.n_dropped, found.n_samples) == (1, 3)
    assert "nan_dropped" in found.flags
    assert found.reward == estimate([0.0, 1.0, 2.0], t=1.0).reward


# ---------------------------------------------------------------------------- the coverage study
@pytest.mark.slow
def test_the_coverage_study_measures_what_its_table_says() -> None:
    """Lines of the table again with fewer data sets: within four standard errors of the difference."""
    import csv
    from pathlib import Path

    from benchmarks import alignment_coverage as study

    page = Path(__file__).resolve().parents[2] / "docs" / "measured" / "alignment_coverage.csv"
    with page.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(study.SETTINGS)
    datasets = 200
    for number, row in enumerate(rows):
        found = study.measure(number, datasets=datasets)
        for method in ("normal", "bootstrap"):
            if not row[method]:
                assert math.isnan(found[method])
                continue
            printed = float(row[method])
            spread = math.sqrt(printed * (1 - printed) * (1 / datasets + 1 / study.DATASETS))
            assert abs(found[method] - printed) <= 4.0 * spread + 0.0005, (number, method)


@pytest.mark.slow
def test_intervals_cover_where_the_samples_carry_them() -> None:
    from benchmarks import alignment_coverage as study

    for number, setting in enumerate(study.SETTINGS):
        found = study.measure(number, datasets=300)
        if setting.held != "n" and found["ess_se"] > 20 and abs(found["bias_sd"]) < 0.25:
            # Nominal 0.95, measured 0.935 or more; four standard errors of a share of 300.
            assert found["normal"] > 0.935 - 4.0 * math.sqrt(0.95 * 0.05 / 300), number
            assert found["bootstrap"] > 0.925 - 4.0 * math.sqrt(0.95 * 0.05 / 300), number


def test_rewards_whose_distances_have_no_squares_are_refused() -> None:
    rewards = 1e-200 * np.random.default_rng(0).normal(size=100)
    with pytest.raises(DataError, match="span more than 1e-75.*choose another unit"):
        estimate(rewards, kl=0.1)
