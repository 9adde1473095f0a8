"""Best-of-N of finite laws: enumeration of multisets, many-digit arithmetic, inequalities."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.bestofn import best_of_n, log_n_for_kl
from infostat.alignment.bestofn_laws import mean_reward
from infostat.alignment.divergence_laws import log_n_from_kl
from infostat.alignment.tilt_solver import moments_at, t_for_kl
from infostat.core.errors import InputError, InputTypeError

P, R = [0.5, 0.3, 0.2], [0, 1, 2]


def enumerate_best(p: list[Fraction], r: list[int], n: int, ties: str) -> list[Fraction]:
    """Law of the best of n draws, by running over all multisets."""
    q = [Fraction(0)] * len(p)
    for counts in itertools.product(range(n + 1), repeat=len(p)):
        if sum(counts) != n:
            continue
        weight = Fraction(math.factorial(n))
        for count, mass in zip(counts, p, strict=True):
            weight *= mass**count / math.factorial(count)
        drawn = [k for k, count in enumerate(counts) if count]
        top = max(r[k] for k in drawn)
        tied = [k for k in drawn if r[k] == top]
        if ties == "index":
            q[tied[-1]] += weight
        else:
            among = sum(counts[k] for k in tied)
            for k in tied:
                q[k] += weight * Fraction(counts[k], among)
    return q


def exact_win(p: list[Fraction], r: list[int], q: list[Fraction]) -> Fraction:
    pairs = itertools.product(range(len(p)), repeat=2)
    return sum(q[a] * p[b] * (Fraction(1, 2) if r[a] == r[b] else Fraction(r[a] > r[b])) for a, b in pairs)


laws = st.lists(st.tuples(st.integers(0, 6), st.integers(-2, 2)), min_size=1, max_size=4).filter(
    lambda rows: sum(row[0] for row in rows) > 0
)


# ----------------------------------------------------------- worked numbers, enumeration
def test_worked_example() -> None:
    found = best_of_n(P, R, 4)
    assert found.q == pytest.approx([0.0625, 0.3471, 0.5904], rel=1e-14)
    assert found.reward == pytest.approx(1.5279, rel=1e-14)
    assert found.kl == pytest.approx(0.559750560357, abs=1e-12)
    assert found.win_rate == pytest.approx(0.7726, rel=1e-14)
    assert found.kl_upper == pytest.approx(0.636294361120, abs=1e-12)
    assert found.tilt_reward == pytest.approx(1.550164969096, abs=1e-12)
    assert found.kl_to_tilt == pytest.approx(0.030823646605, abs=1e-12)
    assert found.kl_ceiling == pytest.approx(math.log(5.0), rel=1e-15)
    assert found.kl_gap == pytest.approx(found.kl_upper - found.kl, rel=1e-12)


def test_worked_example_with_ties() -> None:
    found = best_of_n([0.25] * 4, [0, 1, 1, 2], 3)
    assert found.q == pytest.approx([0.015625, 0.203125, 0.203125, 0.578125], rel=1e-14)
    assert found.kl == pytest.approx(0.356983872476, abs=1e-12)
    assert found.win_rate == pytest.approx(0.7109375, rel=1e-14)


@given(laws, st.integers(1, 5), st.sampled_from(["random", "index"]))
@settings(max_examples=80, deadline=None)
def test_against_enumeration(rows: list[tuple[int, int]], n: int, ties: str) -> None:
    total = sum(row[0] for row in rows)
    p, r = [Fraction(row[0], total) for row in rows], [row[1] for row in rows]
    wanted = enumerate_best(p, r, n, ties)
    found = best_of_n([float(x) for x in p], r, n, ties=ties)
    assert found.q == pytest.approx([float(x) for x in wanted], rel=1e-13, abs=1e-300)
    assert found.reward == pytest.approx(float(sum(q * x for q, x in zip(wanted, r, strict=True))), abs=1e-13)
    kl = math.fsum(float(q) * math.log(q / x) for q, x in zip(wanted, p, strict=True) if q)
    assert found.kl == pytest.approx(kl, abs=2e-14)
    if ties == "random":
        assert found.win_rate == pytest.approx(float(exact_win(p, r, wanted)), rel=1e-13)


@pytest.mark.parametrize("log_n", [0.01, 3.0, 60.0, 700.0, 900.0, 1000.0])
def test_against_450_digits(log_n: float) -> None:
    rng = np.random.default_rng(int(10 * log_n))
    upper = -np.sort(rng.uniform(2.0, 1.2 * log_n + 6.0, 8))[::-1]
    upper = np.sort(upper)[::-1] - 1.0
    logp = np.append(math.log1p(-float(np.exp(upper).sum())), upper)
    r = np.arange(9.0)
    order = rng.permutation(9)
    found = best_of_n(None, r[order], logp=logp[order], log_n=log_n)
    with mpmath.workdps(450):
        n = mpmath.exp(mpmath.mpf(log_n))
        masses = [mpmath.exp(mpmath.mpf(float(v))) for v in logp[1:]]
        tails = [mpmath.fsum(masses[i:]) for i in range(9)]
        powers = [mpmath.mpf(0), *(mpmath.exp(n * mpmath.log(1 - g)) for g in tails)]
        q = [b - a for a, b in itertools.pairwise(powers)]
        p = [1 - tails[0], *masses]
        kl = mpmath.fsum(x * mpmath.log(x / y) for x, y in zip(q, p, strict=True) if x > 0)
        reward = mpmath.fsum(x * k for k, x in enumerate(q))
    # p is itself rounded to 1e-16 relative to its log, which is up to 1e3.
    assert found.kl == pytest.approx(float(kl), rel=3e-15, abs=1e-12)
    assert found.reward == pytest.approx(float(reward), rel=1e-12)
    assert found.q == pytest.approx([float(q[k]) for k in order], rel=1e-11, abs=1e-250)


# ------------------------------------------------------------------------- the ends
def test_one_draw_is_the_reference_exactly() -> None:
    for ties in ("random", "index"):
        found = best_of_n(P, R, 1, ties=ties)
        assert found.q.tolist() == P and found.kl == 0.0 and found.kl_to_tilt == 0.0
        assert found.reward == found.reward_reference == pytest.approx(0.7)
        assert found.kl_upper == 0.0


def test_many_draws_and_saturation() -> None:
    found = best_of_n([0.3, 0.3, 0.4], [2, 2, 1], log_n=1e6)
    assert found.q.tolist() == [0.5, 0.5, 0.0]
    assert found.kl == found.kl_ceiling == pytest.approx(-math.log(0.6))
    assert found.n == math.inf and found.kl_to_tilt == 0.0 and found.kl_upper == 999999.0
    assert found.flags == ("bound_above_ceiling", "saturated")
    assert found.win_rate == pytest.approx(0.4 + 0.6 / 2)


def test_huge_counts_agree_however_they_are_written() -> None:
    by_float, by_int = best_of_n(P, R, 1e200), best_of_n(P, R, 10**200)
    by_log = best_of_n(P, R, log_n=200 * math.log(10.0))
    assert by_float.q.tolist() == by_int.q.tolist() == by_log.q.tolist()
    assert best_of_n(P, R, 10**400).log_n == pytest.approx(400 * math.log(10.0), rel=1e-15)


def test_atoms_below_the_range_of_floats() -> None:
    # N p = 1 for the rare outcome: it is drawn with probability 1 - 1/e.
    found = best_of_n(None, [0.0, 1.0], logp=[0.0, -900.0], log_n=900.0)
    assert found.q == pytest.approx([math.exp(-1), 1 - math.exp(-1)], rel=1e-12)
    assert found.kl == pytest.approx((1 - math.exp(-1)) * (900 + math.log1p(-math.exp(-1))) - math.exp(-1), rel=1e-12)


def test_two_levels_are_a_tilt() -> None:
    for n in (1.5, 4, 40):
        found = best_of_n([0.25, 0.45, 0.3], [1, 0, 1], n)
        assert found.kl_to_tilt == pytest.approx(0.0, abs=1e-14)
        assert found.tilt_reward == pytest.approx(found.reward, rel=1e-14)


def test_impossible_and_worthless_outcomes() -> None:
    found = best_of_n([0.5, 0.5, 0.0], [0, 1, 7], 3)
    assert found.q == pytest.approx([0.125, 0.875, 0.0], rel=1e-14) and found.q[2] == 0.0
    assert found.kl_ceiling == pytest.approx(math.log(2))
    # Tilts avoid -inf for any t > 0, at log 2 nats: with fewer there is only the reference.
    lost = best_of_n([0.5, 0.5], [-math.inf, 1.0], 3)
    assert lost.q == pytest.approx([0.125, 0.875]) and lost.reward == -math.inf
    assert lost.kl_to_tilt == pytest.approx(lost.kl) and "no_tilt_has_this_kl" in lost.flags
    rare = best_of_n([0.1, 0.3, 0.6], [-math.inf, 0.0, 1.0], 9)
    assert rare.kl > -math.log(0.9) and rare.kl_to_tilt == math.inf and math.isfinite(rare.tilt_reward)
    assert best_of_n([0.0, 1.0], [-math.inf, 1.0], 3).reward == 1.0


def test_equal_rewards() -> None:
    found = best_of_n([0.5, 0.5], [1.0, 1.0], 9)
    assert found.q.tolist() == [0.5, 0.5] and found.kl == 0.0 and found.win_rate == 0.5 and found.kl_to_tilt == 0.0


def test_strict_ranking_spends_more() -> None:
    p, r = [0.25] * 4, [0, 1, 2, 2]
    random, index = best_of_n(p, r, 30), best_of_n(p, r, 30, ties="index")
    assert index.kl > random.kl and index.reward == pytest.approx(random.reward, rel=1e-14)
    # No tilt tells the two best outcomes apart, so none has this KL.
    assert index.kl > -math.log(0.5) and "no_tilt_has_this_kl" in index.flags and index.tilt_t == math.inf
    assert index.q[3] > index.q[2]


def test_tie_tolerance() -> None:
    r = [0.0, 1.0, 1.0 + 1e-9, 2.0]
    p = [0.4, 0.3, 0.2, 0.1]
    apart, together = best_of_n(p, r, 5), best_of_n(p, r, 5, tie_tol=1e-8)
    assert together.q[1] / together.q[2] == pytest.approx(1.5) and apart.q[1] / apart.q[2] < 1.49
    assert together.kl < apart.kl and together.reward < apart.reward
    assert best_of_n(p, r, 5, tie_tol=10.0).kl == 0.0
    # Chains: neighbours within the tolerance join although the ends are further apart.
    assert len(best_of_n([0.25] * 4, [0.0, 1.0, 2.0, 5.0], 2, tie_tol=1.0).level_reward) == 2


def test_rewards_far_from_zero() -> None:
    near, far = best_of_n(P, R, 4), best_of_n(P, [x + 1e6 for x in R], 4)
    assert far.reward - 1e6 == pytest.approx(near.reward, abs=1e-9)
    assert far.kl == near.kl and far.kl_to_tilt == pytest.approx(near.kl_to_tilt, abs=1e-12)


# --------------------------------------------------------------------- properties
@st.composite
def problem(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, float]:
    k = draw(st.integers(1, 9))
    p = np.array(draw(st.lists(st.floats(0.001, 1.0), min_size=k, max_size=k)))
    r = np.array(draw(st.lists(st.integers(-20, 20), min_size=k, max_size=k)), dtype=float) / 7.0
    return p / p.sum(), r, draw(st.floats(0.0, 8.0))


@given(problem())
@settings(max_examples=120, deadline=None)
def test_inequalities(case: tuple[np.ndarray, np.ndarray, float]) -> None:
    p, r, log_n = case
    n = math.exp(log_n)
    found, strict = best_of_n(p, r, log_n=log_n), best_of_n(p, r, log_n=log_n, ties="index")
    assert found.q.sum() == pytest.approx(1.0, abs=1e-13)
    assert 0.0 <= found.kl <= min(found.kl_upper, found.kl_ceiling)
    assert found.kl <= found.kl_single_atom + 1e-13 <= found.kl_upper + 2e-13
    assert found.kl <= strict.kl + 1e-13 and strict.kl <= strict.kl_upper
    assert found.win_rate <= n / (n + 1) + 1e-13
    assert found.win_rate >= 0.5 - 1e-13
    # Below the frontier.
    t = t_for_kl(np.log(p), r, found.kl)
    assert found.reward <= moments_at(np.log(p), r, t)[1] + 1e-9
    assert found.kl_to_tilt >= 0.0
    if math.isfinite(t) and found.kl > 1e-8:
        # Pythagorean identity at equal KL.
        assert found.kl_to_tilt == pytest.approx(t * (found.tilt_reward - found.reward), abs=1e-9 * (1 + t))


@given(problem(), st.permutations(range(9)), st.floats(0.1, 10.0), st.floats(-5.0, 5.0))
@settings(max_examples=60, deadline=None)
def test_equivariance(
    case: tuple[np.ndarray, np.ndarray, float], order: list[int], scale: float, shift: float
) -> None:
    p, r, log_n = case
    base = best_of_n(p, r, log_n=log_n)
    rows = [k for k in order if k < len(p)]
    shuffled = best_of_n(p[rows], r[rows], log_n=log_n)
    assert shuffled.q == pytest.approx(base.q[rows], rel=1e-11, abs=1e-200)
    assert shuffled.kl == pytest.approx(base.kl, abs=1e-13)
    # A different rounding may merge or split rewards, so only clear gaps are stretched.
    moved = best_of_n(p, np.round(r * 7.0) * scale + shift, log_n=log_n)
    gaps = np.diff(np.unique(np.round(r * 7.0) * scale + shift))
    if len(gaps) == len(np.unique(r)) - 1:
        assert moved.q == pytest.approx(base.q, rel=1e-12, abs=1e-200)
    # Splitting an outcome in two equal halves changes nothing.
    half = best_of_n(np.concatenate([[p[0] / 2, p[0] / 2], p[1:]]), np.concatenate([r[:1], r]), log_n=log_n)
    assert half.kl == pytest.approx(base.kl, abs=1e-13) and half.reward == pytest.approx(base.reward, abs=1e-12)
    assert half.win_rate == pytest.approx(base.win_rate, abs=1e-13)


def test_fine_alphabets_reach_the_bound() -> None:
    gaps = [best_of_n(np.full(k, 1.0 / k), np.arange(float(k)), 8).kl_gap for k in (100, 1000)]
    assert 0.0 < gaps[1] < 0.02 * gaps[0] + 1e-12
    assert best_of_n(np.full(1000, 1e-3), np.arange(1000.0), 8).win_rate == pytest.approx(8 / 9, abs=1e-5)


# ------------------------------------------------------------------- N for a KL
@given(problem(), st.sampled_from(["random", "index"]))
@settings(max_examples=60, deadline=None)
def test_log_n_for_kl_round_trip(case: tuple[np.ndarray, np.ndarray, float], ties: str) -> None:
    p, r, log_n = case
    target = best_of_n(p, r, log_n=log_n, ties=ties)
    found = log_n_for_kl(p, r, target.kl, ties=ties)
    if math.isfinite(found):
        assert best_of_n(p, r, log_n=found, ties=ties).kl == pytest.approx(target.kl, rel=1e-9, abs=1e-14)
        assert found >= log_n_from_kl(target.kl) * (1 - 1e-12)
    else:
        assert target.kl == pytest.approx(target.kl_ceiling, rel=4e-15)


def test_log_n_for_kl_ends() -> None:
    assert log_n_for_kl(P, R, 0.0) == log_n_for_kl(P, [1, 1, 1], 0.0) == 0.0
    assert log_n_for_kl(P, [1, 1, 1], 0.1) == math.inf
    assert log_n_for_kl(P, R, math.log(5.0)) == log_n_for_kl(P, R, 50.0) == math.inf
    assert log_n_for_kl(P, R, math.log(5.0) - 1e-12) > math.log(100.0)
    for bad in (-0.1, math.nan):
        with pytest.raises(InputError, match="kl must"):
            log_n_for_kl(P, R, bad)


# ------------------------------------------------------------------ labels, contract
def test_labels_and_table() -> None:
    p = pd.Series([0.5, 0.3, 0.2], index=["no", "maybe", "yes"])
    r = pd.Series([2.0, 0.0, 1.0], index=["yes", "no", "maybe"])
    found = best_of_n(p, r, 4)
    assert found.labels == ("no", "maybe", "yes")
    frame = found.to_frame()
    assert list(frame) == ["label", "reward", "p", "q"] and frame["reward"].tolist() == [0.0, 1.0, 2.0]
    assert "maybe" in str(found.summary()) and len(repr(found)) < 200
    assert type(found).from_dict(found.to_dict()) == found
    assert "0.03082" in found.interpretation and found.nature == "exact"
    with pytest.raises(ValueError, match="read-only"):
        found.q[0] = 1.0


def test_inputs_are_not_changed() -> None:
    p, r = np.array(P), np.array([1.0, 1.0 + 1e-9, 0.0])
    best_of_n(p, r, 3, tie_tol=1e-6)
    assert p.tolist() == P and r.tolist() == [1.0, 1.0 + 1e-9, 0.0]


@pytest.mark.parametrize("panel", ["kl", "reward"])
def test_figures(panel: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    for found in (best_of_n(P, R, 4), best_of_n(P, R, log_n=1e5), best_of_n([1.0], [3.0], 2),
                  best_of_n(None, [0.0, 1.0], logp=[0.0, -900.0], log_n=900.0)):  # fmt: skip
        ax = found.plot(panel=panel)
        assert "nats" in ax.get_xlabel() and ax.get_legend() is not None
    plt.close("all")


# ------------------------------------------------------------------------ bad input
@pytest.mark.parametrize("n", [0.999, 0, -1, math.nan, math.inf])
def test_bad_n(n: float) -> None:
    with pytest.raises(InputError, match="^n must be"):
        best_of_n(P, R, n)


def test_bad_arguments() -> None:
    for both in ({}, {"n": 2, "log_n": 1.0}):
        with pytest.raises(InputError, match="exactly one of n and log_n"):
            best_of_n(P, R, **both)
    with pytest.raises(InputError, match="log_n must"):
        best_of_n(P, R, log_n=-1.0)
    with pytest.raises(InputError, match="n must be one number"):
        best_of_n(P, R, [2, 3])
    with pytest.raises(InputTypeError, match="n must"):
        best_of_n(P, R, "four")
    with pytest.raises(InputError, match="ties must be one of"):
        best_of_n(P, R, 2, ties="first")
    with pytest.raises(InputError, match="tie_tol"):
        best_of_n(P, R, 2, tie_tol=-1.0)
    with pytest.raises(InputError, match="exactly one of p and logp"):
        best_of_n(P, R, 2, logp=np.log(P))
    with pytest.raises(InputError, match=r"\+inf"):
        best_of_n(P, [0, 1, math.inf], 2)
    with pytest.raises(InputError, match="panel must be one of"):
        best_of_n(P, R, 2).plot(panel="win")


def test_mean_reward_ignores_what_has_no_mass() -> None:
    assert mean_reward([0.0, 1.0], [-math.inf, 3.0]) == 3.0
    assert mean_reward([0.5, 0.5], [-math.inf, 3.0]) == -math.inf


# ------------------------------------------------------------------------ frozen laws
def test_gaussian_rewards() -> None:
    from scipy import stats

    found = best_of_n(stats.norm(), n=8)
    assert found.q is None and found.reward == pytest.approx(1.4236003060, abs=1e-9)
    assert found.kl == found.kl_upper == pytest.approx(1.204441541680, abs=1e-12)
    assert found.tilt_reward == pytest.approx(1.552057693309, abs=1e-9)
    assert found.win_rate == pytest.approx(8 / 9, rel=1e-14)
    # KL(BoN || tilt) = int log(8 F^7 f/phi_t) by quadrature.
    x, weight = np.polynomial.legendre.leggauss(400)
    y, t = 10.0 * x, found.tilt_t
    density = 8.0 * stats.norm.cdf(y) ** 7 * stats.norm.pdf(y)
    inside = density > 0
    ratio = np.log(density[inside]) - stats.norm.logpdf(y[inside], loc=t)
    assert found.kl_to_tilt == pytest.approx(10.0 * float(weight[inside] @ (density[inside] * ratio)), abs=1e-9)
    moved = best_of_n(stats.norm(3.0, 2.0), log_n=math.log(8))
    assert moved.reward == pytest.approx(3.0 + 2.0 * found.reward, abs=1e-8)
    assert moved.kl_to_tilt == pytest.approx(found.kl_to_tilt, abs=1e-8)


def test_gaussian_growth_of_the_divergence() -> None:
    from scipy import stats

    # (1/2) log(4 pi log N) - gamma - 1 for a Gaussian reward.
    gaps = []
    for log_n in (100.0, 1e4):
        found = best_of_n(stats.norm(), log_n=log_n)
        predicted = 0.5 * math.log(4.0 * math.pi * log_n) - np.euler_gamma - 1.0
        gaps.append(abs(found.kl_to_tilt - predicted))
    assert gaps[1] < 2e-3 and gaps[1] < gaps[0]


def test_laws_with_atoms_are_their_tables() -> None:
    from scipy import stats

    law = stats.binom(6, 0.3)
    k = np.arange(7)
    table, found = best_of_n(law.pmf(k), k, 5), best_of_n(law, n=5)
    for name in ("reward", "kl", "win_rate", "kl_ceiling", "kl_single_atom", "tilt_reward", "kl_to_tilt"):
        assert getattr(found, name) == pytest.approx(getattr(table, name), rel=1e-8, abs=1e-9), name
    assert found.q is None and found.kl < found.kl_upper
    assert log_n_for_kl(law, kl=found.kl) == pytest.approx(math.log(5), rel=1e-9)
    assert log_n_for_kl(law, kl=50.0) == math.inf
    counts = stats.poisson(3.0)
    k = np.arange(200)
    pmf = counts.pmf(k)
    wide = best_of_n(counts, n=1000)
    assert wide.kl == pytest.approx(best_of_n(pmf / pmf.sum(), k, 1000).kl, abs=1e-10)
    assert wide.kl_ceiling == math.inf
    assert log_n_for_kl(counts, kl=wide.kl) == pytest.approx(math.log(1000), rel=1e-9)
    assert log_n_for_kl(stats.norm(), kl=1.0) == log_n_from_kl(1.0)


def test_heavy_tails_have_a_best_of_n_but_no_tilt() -> None:
    from scipy import stats

    found = best_of_n(stats.pareto(2.0), n=3)
    # E max of N Pareto(2): N B(N, 1 - 1/2).
    wanted = math.gamma(4.0) * math.gamma(0.5) / math.gamma(3.5)
    assert found.reward == pytest.approx(wanted, rel=1e-8)
    assert found.tilt_t is found.tilt_reward is found.kl_to_tilt is None and found.flags == ("no_tilt",)
    assert "too heavy" in found.interpretation and "no_tilt" in str(found.summary())


def test_frozen_laws_contract() -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from scipy import stats

    for law in (stats.norm(), stats.poisson(3.0), stats.pareto(2.0)):
        found = best_of_n(law, n=4)
        assert len(found.to_frame()) == 1 and type(found).from_dict(found.to_dict()) == found
        found.plot()
        found.plot(panel="reward")
    plt.close("all")
    with pytest.raises(InputError, match="must be left out"):
        best_of_n(stats.norm(), [0, 1], 4)
    with pytest.raises(InputError, match="n must"):
        best_of_n(stats.norm(), n=0.5)
