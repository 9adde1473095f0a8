"""Best-of-N curves: exact rational arithmetic, closed forms, ties, prompts, standard errors, bad input."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.curve_kernels import curve_sums, curve_sums_numpy, weights_without_replacement
from infostat.alignment.curve_result import BonCurve
from infostat.alignment.curves import bon_curve
from infostat.alignment.pass_rates import pass_at_k
from infostat.core.errors import DataError, InputError, InputTypeError, SampleSizeWarning

# Best-of-N of small integers: one rounding per factor and per addition, at most a few hundred.
EXACT = 1e-13


def exact_weights(m: int, n: int) -> list[Fraction]:
    """C(i-1, n-1)/C(m, n) for i = 1..m."""
    return [Fraction(math.comb(i - 1, n - 1), math.comb(m, n)) for i in range(1, m + 1)]


def exact_mean(rewards: list[int], n: int) -> Fraction:
    """Mean of the largest over all subsets of size n, from the weights."""
    weights = exact_weights(len(rewards), n)
    return sum((w * r for w, r in zip(weights, sorted(rewards), strict=True)), Fraction(0))


def influence_se(rewards: np.ndarray, n: int, true: np.ndarray | None = None) -> float:
    """Standard error by the formula of the documentation, term by term."""
    order = np.argsort(rewards, kind="stable")
    values = rewards[order] if true is None else true[order]
    m = len(values)
    share = np.arange(1, m) / m
    gaps = np.diff(values)
    terms = gaps * n * share ** (n - 1.0)
    tail = np.append(np.cumsum(terms[::-1])[::-1], 0.0)
    influence = -(tail - (gaps * n * share**n).sum())
    return float(np.sqrt(np.mean(influence**2) / m))


# ------------------------------------------------------------------------------- worked numbers
def test_worked_example_of_four_rewards() -> None:
    curve = bon_curve([1, 2, 3, 4])
    assert curve.n.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(curve.reward, [2.5, 10 / 3, 3.75, 4.0], rtol=1e-14)
    assert curve.true_reward is None
    assert curve.nature == "estimate"


def test_gaussian_mean_of_the_best_of_eight() -> None:
    # E max of 8 normals; 400 000 draws, standard error about 2.4e-3, four of them.
    rewards = np.random.default_rng(3).standard_normal(400_000)
    curve = bon_curve(rewards, 8)
    assert abs(curve.reward - 1.4236003060) < 4 * curve.se
    assert curve.se < 3e-3
    assert curve.kl_upper == pytest.approx(math.log(8) - 7 / 8, rel=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 19, 40])
def test_weights_agree_with_exact_fractions(n: int) -> None:
    found = weights_without_replacement(40, np.array([n]))[0]
    exact = np.array([float(w) for w in exact_weights(40, n)])
    np.testing.assert_allclose(found, exact, rtol=EXACT, atol=1e-300)


def test_mean_is_that_over_all_subsets() -> None:
    rewards = [3, 1, 4, 1, 5, 9, 2, 6]
    for n in range(1, 9):
        subsets = [max(part) for part in combinations(rewards, n)]
        assert exact_mean(rewards, n) == Fraction(sum(subsets), len(subsets))
        assert bon_curve(rewards, n).reward == pytest.approx(float(exact_mean(rewards, n)), rel=EXACT)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=30))
def test_exact_rational_arithmetic(rewards: list[int]) -> None:
    curve = bon_curve(rewards)
    exact = [float(exact_mean(rewards, n)) for n in range(1, len(rewards) + 1)]
    np.testing.assert_allclose(curve.reward, exact, rtol=0, atol=EXACT * 20)


# ------------------------------------------------------------------------------------ identities
@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=40), st.integers(0, 10**6))
def test_properties_of_the_curve(rewards: list[float], seed: int) -> None:
    values = np.array(rewards)
    curve = bon_curve(values)
    scale = max(1.0, float(np.abs(values).max()))
    assert curve.reward[0] == pytest.approx(values.mean(), abs=1e-12 * scale)
    assert curve.reward[-1] == values.max()
    assert (np.diff(curve.reward) >= -1e-12 * scale).all()
    # Concave in N: each further draw gains less.
    assert (np.diff(curve.reward, 2) <= 1e-11 * scale).all()
    mixed = np.random.default_rng(seed).permutation(values)
    np.testing.assert_array_equal(bon_curve(mixed).reward, curve.reward)
    moved = bon_curve(2.0 * values + 1e6)
    np.testing.assert_allclose(moved.reward - 1e6, 2.0 * curve.reward, atol=1e-9)
    np.testing.assert_allclose(moved.se, 2.0 * curve.se, atol=1e-8)


def test_pass_at_k_is_the_special_case_of_binary_rewards() -> None:
    rewards = np.array([0, 0, 1, 0, 1, 0, 0, 0, 0, 0])
    ks = np.arange(1, 11)
    np.testing.assert_allclose(bon_curve(rewards, ks).reward, pass_at_k(10, 2, ks), rtol=EXACT)


def test_order_of_n_and_repetitions_are_kept() -> None:
    rewards = np.arange(20.0) ** 2
    curve = bon_curve(rewards, n=[7, 2, 7, 20])
    every = bon_curve(rewards)
    assert curve.n.tolist() == [7, 2, 7, 20]
    np.testing.assert_allclose(curve.reward, every.reward[[6, 1, 6, 19]], rtol=1e-14)
    assert isinstance(bon_curve(rewards, 3.0).n, int)


def test_inputs_are_not_modified() -> None:
    rewards, true = np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 5.0])
    before = rewards.copy(), true.copy()
    bon_curve(rewards, true=true, tie_tol=1.0)
    np.testing.assert_array_equal((rewards, true), before)


@pytest.mark.parametrize("scale", [1e-200, 1e-150, 1e200, 1e308])
def test_extreme_units(scale: float) -> None:
    values = np.array([-1.0, 0.25, 0.5, 1.0])
    curve, plain = bon_curve(values * scale, true=values[::-1] * scale), bon_curve(values, true=values[::-1])
    np.testing.assert_allclose(curve.reward / scale, plain.reward, rtol=1e-13)
    np.testing.assert_allclose(curve.true_reward / scale, plain.true_reward, rtol=1e-13)
    np.testing.assert_allclose(curve.se / scale, plain.se, rtol=1e-13)


# -------------------------------------------------------------------------------- true and proxy
def test_pairs_without_ties_follow_the_proxy_order() -> None:
    proxy, true = [0.1, 0.9, 0.4, 0.6], [5.0, 2.0, 1.0, 7.0]
    curve = bon_curve(proxy, true=true)
    by_proxy = [5.0, 1.0, 7.0, 2.0]
    for n in range(1, 5):
        want = sum(w * g for w, g in zip(exact_weights(4, n), by_proxy, strict=True))
        assert curve.true_reward[n - 1] == pytest.approx(float(want), rel=EXACT)


def test_ties_of_the_proxy_are_averaged_over_all_tie_breaks() -> None:
    proxy, true = np.array([0, 1, 1, 1, 2, 2]), np.array([3.0, 9.0, 0.0, 6.0, 1.0, 5.0])
    curve = bon_curve(proxy, true=true)
    for n in range(1, 7):
        means = []
        for part in combinations(range(6), n):
            best = [i for i in part if proxy[i] == max(proxy[j] for j in part)]
            means.append(Fraction(int(true[best].sum()), len(best)))
        assert curve.true_reward[n - 1] == pytest.approx(float(sum(means) / len(means)), rel=EXACT)


def test_tie_tolerance_merges_neighbours_only_when_asked() -> None:
    proxy, true = [0.0, 1.0, 1.0 + 1e-9], [0.0, 4.0, 8.0]
    assert bon_curve(proxy, 3, true=true).true_reward == 8.0
    assert bon_curve(proxy, 3, true=true, tie_tol=1e-8).true_reward == 6.0


def test_same_curve_when_true_equals_proxy() -> None:
    rewards = np.random.default_rng(5).integers(0, 7, 60).astype(float)
    curve = bon_curve(rewards, true=rewards)
    np.testing.assert_allclose(curve.true_reward, curve.reward, atol=1e-13)
    np.testing.assert_allclose(curve.true_se, curve.se, atol=1e-13)


# -------------------------------------------------------------------------------- standard error
@pytest.mark.parametrize("n", [1, 2, 5, 30, 100])
def test_standard_error_is_the_documented_formula(n: int) -> None:
    g = np.random.default_rng(11)
    proxy = g.standard_normal(100)
    true = proxy + g.standard_normal(100)
    curve = bon_curve(proxy, n, true=true)
    assert curve.se == pytest.approx(influence_se(proxy, n), rel=1e-10, abs=1e-14)
    assert curve.true_se == pytest.approx(influence_se(proxy, n, true), rel=1e-10, abs=1e-14)


def test_standard_error_of_one_draw_is_that_of_the_mean() -> None:
    rewards = np.random.default_rng(2).gamma(2.0, size=300)
    assert bon_curve(rewards, 1).se == pytest.approx(rewards.std() / math.sqrt(300), rel=1e-11)
    # All proxies tied: the true reward of a random sample, whatever N.
    tied = bon_curve(np.zeros(300), [1, 5], true=rewards)
    np.testing.assert_allclose(tied.true_se, rewards.std() / math.sqrt(300), rtol=1e-11)
    np.testing.assert_allclose(tied.true_reward, rewards.mean(), rtol=1e-13)


def test_unreliable_errors_are_flagged_beyond_a_twentieth() -> None:
    curve = bon_curve(np.arange(100.0))
    assert curve.unreliable_se.tolist() == [n > 5 for n in range(1, 101)]
    assert "unreliable_se" in curve.flags
    assert not bon_curve(np.arange(100.0), 5).flags


def test_interval_is_normal() -> None:
    curve = bon_curve(np.arange(100.0), [1, 4], confidence_level=0.9)
    np.testing.assert_allclose(curve.high - curve.reward, 1.6448536269514722 * curve.se, rtol=1e-12)
    np.testing.assert_allclose(curve.reward - curve.low, 1.6448536269514722 * curve.se, rtol=1e-12)


@pytest.mark.slow
def test_standard_error_against_simulation() -> None:
    # Spec: M = 2000 normal rewards, mean se over simulated sd 0.99, 0.97, 0.90 at N = 4, 32, 200.
    g = np.random.default_rng(19)
    runs = [bon_curve(g.standard_normal(2000), [4, 32, 200]) for _ in range(3000)]
    sd = np.std([run.reward for run in runs], axis=0, ddof=1)
    ratio = np.mean([run.se for run in runs], axis=0) / sd
    # An sd from 3000 runs is known to 1.3 %.
    np.testing.assert_allclose(ratio, [0.99, 0.97, 0.90], atol=0.045)


# --------------------------------------------------------------------------------------- prompts
def test_prompts_are_averaged_with_their_own_error() -> None:
    table = np.random.default_rng(7).standard_normal((30, 12)) + np.arange(30)[:, None]
    curve = bon_curve(table)
    rows = np.array([bon_curve(row).reward for row in table])
    np.testing.assert_allclose(curve.reward, rows.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(curve.se, rows.std(axis=0, ddof=1) / math.sqrt(30), rtol=1e-11)
    assert curve.n_prompts == 30
    assert curve.n_samples == 360
    assert not curve.unreliable_se.any()
    few = bon_curve(table[:5])
    assert few.unreliable_se.all()
    assert "few_prompts" in few.flags


def test_one_prompt_has_the_error_of_its_samples() -> None:
    row = np.random.default_rng(8).standard_normal(50)
    curve = bon_curve(row[None, :])
    np.testing.assert_array_equal(curve.se, bon_curve(row).se)
    assert "one_prompt" in curve.flags


def test_frames_with_prompts_and_true_rewards() -> None:
    g = np.random.default_rng(9)
    frame = pd.DataFrame({"prompt_id": np.repeat(["b", "a"], 6), "reward": g.integers(0, 3, 12)})
    frame["true_reward"] = g.standard_normal(12)
    mixed = frame.sample(frac=1.0, random_state=0)
    curve = bon_curve(mixed)
    halves = [bon_curve(part["reward"], true=part["true_reward"]) for _, part in frame.groupby("prompt_id")]
    np.testing.assert_allclose(curve.true_reward, np.mean([h.true_reward for h in halves], axis=0), rtol=1e-12)


def test_ragged_prompts_are_limited_or_dropped() -> None:
    rows = [[0.0, 1.0, 2.0, 3.0], [5.0, 1.0], [2.0, 2.0, 8.0]]
    curve = bon_curve(rows)
    assert curve.n.tolist() == [1, 2]
    assert "n_limited" in curve.flags
    want = np.mean([bon_curve(row, [1, 2]).reward for row in rows], axis=0)
    np.testing.assert_allclose(curve.reward, want, rtol=1e-14)
    with pytest.warns(SampleSizeWarning, match="limited to 2"):
        assert bon_curve(rows, [2, 3]).n.tolist() == [2]
    dropped = bon_curve(rows, [1, 3], on_short="drop")
    assert dropped.n_prompts == 2
    assert dropped.n_prompts_dropped == 1
    assert "prompts_dropped" in dropped.flags
    assert dropped.reward[1] == pytest.approx((bon_curve(rows[0], 3).reward + 8.0) / 2, rel=1e-14)


def test_matrix_and_sweep_routes_over_prompts_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    g = np.random.default_rng(10)
    table, true = g.integers(0, 9, (25, 30)), g.standard_normal((25, 30))
    expected = {m: bon_curve(table, true=true, method=m) for m in ("unbiased", "plugin")}
    monkeypatch.setattr("infostat.alignment.curve_means._MATRIX", 0)
    monkeypatch.setattr("infostat.alignment.curve_means._BLOCK", 200)
    for method, want in expected.items():
        found = bon_curve(table, true=true, method=method)
        for name in ("reward", "true_reward", "se", "true_se"):
            np.testing.assert_allclose(getattr(found, name), getattr(want, name), rtol=1e-11, atol=1e-12)


# --------------------------------------------------------------------------------- kernel routes
def cases() -> Iterator[tuple[int, np.ndarray]]:
    yield 1, np.array([1])
    yield 5, np.arange(1, 6)
    yield 37, np.arange(1, 38)
    yield 700, np.array([1, 2, 3, 50, 51, 52, 53, 300, 301, 600, 700])
    yield 900, np.arange(1, 901)
    yield 20_000, np.array([1, 10, 257, 258, 19_999, 20_000])


@pytest.mark.parametrize("plugin", [False, True])
@pytest.mark.parametrize(("size", "orders"), list(cases()))
def test_kernel_agrees_with_its_twin(size: int, orders: np.ndarray, plugin: bool) -> None:
    g = np.random.default_rng(size)
    x = np.sort(g.standard_normal(size))
    y = g.standard_normal(size)
    x, y = x - x[-1], y - y[-1]
    for beside in (np.empty(0), y):
        for spread in (False, True):
            found = curve_sums(x, beside, orders, plugin, spread, 1e-17)
            want = curve_sums_numpy(x, beside, orders, plugin, spread, 1e-17)
            np.testing.assert_allclose(found[::2], want[::2], rtol=1e-12, atol=1e-13)
            # Variances come from a difference of second moments; their roots have half the digits lost.
            np.testing.assert_allclose(found[1::2], want[1::2], rtol=2e-8, atol=1e-12)


def test_whole_curve_of_many_samples_against_exact_weights() -> None:
    # Weights in exact integers would take too long: log1p sums in extended precision instead.
    m, rewards = 20_000, np.sort(np.random.default_rng(4).standard_normal(20_000))
    curve = bon_curve(rewards, n_jobs=2)
    k = np.arange(m, 0, -1, dtype=np.longdouble)
    for n in (1, 2, 36, 300, 5000, 19_990, 20_000):
        with np.errstate(divide="ignore"):
            below = np.exp(np.concatenate([[0], np.cumsum(np.log(np.maximum((k[:-1] - n) / k[:-1], 0)))]))
        want = (below * (n / k) * rewards[::-1]).sum()
        assert curve.reward[n - 1] == pytest.approx(float(want), rel=1e-12, abs=1e-12)
    for n in (3, 900):
        assert curve.se[n - 1] == pytest.approx(influence_se(rewards, n), rel=1e-9)


def test_threads_do_not_change_numbers() -> None:
    g = np.random.default_rng(12)
    rewards, true = g.integers(0, 500, 8000), g.standard_normal(8000)
    one, two = (bon_curve(rewards, np.arange(1, 700), true=true, n_jobs=jobs) for jobs in (1, 2))
    assert one == two


def test_far_outlier_does_not_cut_the_sum_short() -> None:
    rewards = np.random.default_rng(13).uniform(size=30_000)
    rewards[0] = -1e12
    n = np.arange(1, 200)
    curve = bon_curve(rewards, n)
    m = len(rewards)
    # The outlier wins only if it is drawn alone: N = 1; otherwise the others decide, given it is drawn or not.
    others = bon_curve(rewards[1:], n[n < m]).reward
    share = n / m
    want = (1 - share) * others + share * np.concatenate([[-1e12], others[:-1]])
    np.testing.assert_allclose(curve.reward[1:], want[1:], rtol=1e-11)


def test_plug_in_is_lower_and_is_the_sum_of_powers() -> None:
    rewards = np.sort(np.random.default_rng(14).standard_normal(500))
    n = np.array([1, 2, 10, 100])
    plugin, unbiased = bon_curve(rewards, n, method="plugin"), bon_curve(rewards, n)
    share = np.arange(501) / 500
    want = [float(np.diff(share**k) @ rewards) for k in n]
    np.testing.assert_allclose(plugin.reward, want, rtol=1e-12)
    assert (plugin.reward[1:] < unbiased.reward[1:]).all()
    assert "biased_low" in plugin.flags


def test_progress_reports_pieces() -> None:
    seen: list[tuple[int, int]] = []
    bon_curve(np.arange(2000.0), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (9, 9)
    prompts: list[tuple[int, int]] = []
    bon_curve(np.zeros((3, 4)), progress=lambda done, total: prompts.append((done, total)))
    assert prompts[-1] == (3, 3)


# ---------------------------------------------------------------------------------------- result
def test_result_contract() -> None:
    g = np.random.default_rng(15)
    proxy = g.standard_normal(400)
    curve = bon_curve(proxy, true=proxy - 0.4 * proxy**2)
    assert BonCurve.from_dict(curve.to_dict()) == curve
    assert len(repr(curve)) < 200
    frame = curve.to_frame()
    assert frame.columns.tolist()[:3] == ["n", "kl_upper", "reward"]
    assert len(frame) == 400
    assert "over-optimised" in curve.interpretation
    text = str(curve.summary())
    assert "[unreliable_se]" in text
    for against in ("n", "kl"):
        axes = curve.plot(against=against)
        labels = [line.get_text() for line in axes.get_legend().get_texts()]
        assert any("true" in label for label in labels)
        axes.figure.clear()
    single = bon_curve(proxy, 4)
    assert isinstance(single.reward, float)
    assert BonCurve.from_dict(single.to_dict()) == single
    single.plot().figure.clear()


# ------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize("n", [0, -1, 2.5, math.nan, math.inf, 5, 1e300, [1, 0], [], [1, 5]])
def test_impossible_n_is_refused(n: object) -> None:
    with pytest.raises(InputError, match="n must"):
        bon_curve([1.0, 2.0, 3.0, 4.0], n)


@pytest.mark.parametrize("n", [True, "3", [True, False], 1j])
def test_n_of_another_type_is_refused(n: object) -> None:
    with pytest.raises(InputTypeError, match="n must"):
        bon_curve([1.0, 2.0, 3.0, 4.0], n)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_rewards_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(DataError, match="samples must"):
        bon_curve([1.0, bad, 2.0])
    with pytest.raises(DataError):
        bon_curve([1.0, 3.0, 2.0], true=[1.0, bad, 2.0])


def test_other_bad_input() -> None:
    with pytest.raises(DataError, match="samples"):
        bon_curve([])
    with pytest.raises(InputError, match="method"):
        bon_curve([1.0, 2.0], method="exact")
    with pytest.raises(InputError, match="true must have the shape"):
        bon_curve([1.0, 2.0], true=[1.0])
    with pytest.raises(InputError, match="tie_tol"):
        bon_curve([1.0, 2.0], tie_tol=-1.0)
    with pytest.raises(InputError, match="confidence_level"):
        bon_curve([1.0, 2.0], confidence_level=1.0)
    with pytest.raises(InputError, match="pmf"):
        bon_curve(pd.DataFrame({"prob": [0.5, 0.5], "reward": [0, 1]}))
    with pytest.raises(InputError, match="smallest prompt"):
        bon_curve([[1.0], [1.0, 2.0]], 2)
    with pytest.raises(InputError, match="on_short"):
        bon_curve([[1.0], [1.0, 2.0]], on_short="pad")


def test_missing_rewards_can_be_dropped() -> None:
    with pytest.warns(UserWarning, match="1 of 4"):
        curve = bon_curve([1.0, math.nan, 2.0, 3.0], nan="drop")
    np.testing.assert_array_equal(curve.reward, bon_curve([1.0, 2.0, 3.0]).reward)
    assert curve.n_dropped == 1
    assert "nan_dropped" in curve.flags
