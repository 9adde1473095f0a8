"""Optima under f-divergences: worked numbers, identities, oracles, limits, bad input."""

from __future__ import annotations

import math
from fractions import Fraction

import matplotlib
import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from infostat.alignment.f_curves import as_curve
from infostat.alignment.f_optima import f_optimum, optimum_at_reward
from infostat.alignment.laws import as_law
from infostat.alignment.tilt_solver import tilted_log_law
from infostat.core.errors import InputError, InputTypeError
from infostat.core.results import Result
from infostat.divergences.generators import generator

matplotlib.use("Agg")

P = [0.5, 0.3, 0.2]
R = [0.0, 1.0, 2.0]
CASES = [
    ("kl", None),
    ("reverse_kl", None),
    ("jeffreys", None),
    ("js", None),
    ("pearson", None),
    ("neyman", None),
    ("hellinger", None),
    ("le_cam", None),
    ("tv", None),
    ("chi2kl", None),
    ("alpha", 1.5),
    ("alpha", 3.0),
    ("alpha", 0.3),
    ("alpha", -2.0),
]
SMOOTH = [case for case in CASES if case[0] != "tv"]
INFINITE = [("reverse_kl", None), ("jeffreys", None), ("neyman", None), ("alpha", -2.0), ("alpha", 0.0)]
FINITE = [case for case in CASES if case not in INFINITE]


def problem(seed: int, k: int = 5) -> tuple[np.ndarray, np.ndarray, float]:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(k) * 10.0 ** rng.uniform(-0.7, 1.0))
    r = rng.normal(size=k) * 10.0 ** rng.uniform(-3, 3)
    return p, r, float(np.exp(rng.uniform(-7, 7)) * np.ptp(r))


def divergence(kind: str, order: float | None, q: np.ndarray, p: np.ndarray) -> float:
    """D_f by its definition, from the generator table."""
    if kind == "chi2kl":
        return 0.5 * divergence("pearson", None, q, p) + divergence("kl", None, q, p)
    return float(np.sum(p * generator(kind, order=order).f(q / p)))


# On the scale of the table: js and hellinger with twice the beta of the worked example, pearson with half,
# and their divergences halved and doubled.
WORKED = [
    ("kl", None, 1.0, (0.1790000206, 0.2919435019, 0.5290564775), 1.027222177641, 0.322834279278),
    ("reverse_kl", None, 1.0, (0.2124559681, 0.2216592361, 0.5658847958), 1.353428827698, 0.310714413619),
    ("js", None, 2.0, (0.0609313761, 0.1256975799, 0.8133710440), 1.526703144827, 0.431860381494 / 2),
    ("hellinger", None, 2.0, (0.0797498817, 0.1326396454, 0.7876104729), 1.503917286396, 0.407886609590 / 2),
    ("pearson", None, 0.5, (0.15, 0.39, 0.46), 0.7, 0.61),
    ("alpha", 1.5, 1.0, (0.1627908288, 0.3438537869, 0.4933553843), 0.858804736048, 0.314506546305),
    ("chi2kl", None, 1.0, (0.3260939349, 0.3346440711, 0.3392619939), 0.775234744691, 0.157204884669),
]


@pytest.mark.parametrize(("kind", "order", "beta", "q", "multiplier", "value"), WORKED)
def test_worked_example(
    kind: str, order: float | None, beta: float, q: tuple[float, ...], multiplier: float, value: float
) -> None:
    best = f_optimum(P, R, beta=beta, kind=kind, order=order)
    assert best.q == pytest.approx(q, abs=1e-10)
    assert best.multiplier == pytest.approx(multiplier, abs=1e-12)
    assert best.divergence == pytest.approx(value, abs=1e-12)
    assert best.reward == pytest.approx(float(np.dot(q, R)), abs=1e-9)
    assert best.numerical_error < 1e-14
    back = f_optimum(P, R, divergence=best.divergence, kind=kind, order=order)
    assert back.beta == pytest.approx(beta, rel=1e-12)
    assert back.q == pytest.approx(best.q, rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "q"),
    [
        ("neyman", (0.33320746, 0.26814585, 0.39864669)),
        ("le_cam", (0.0, 0.11064799, 0.88935201)),
        ("jeffreys", (0.32766172, 0.30786247, 0.36447581)),
    ],
)
def test_worked_laws_of_the_other_rows(kind: str, q: tuple[float, ...]) -> None:
    best = f_optimum(P, R, beta=1.0, kind=kind)
    assert best.q == pytest.approx(q, abs=5e-9)
    assert best.support_fraction == (0.5 if kind == "le_cam" else 1.0)
    assert ("truncated" in best.flags) == (kind == "le_cam")


@pytest.mark.parametrize(
    ("order", "kind", "factor"),
    [(1.0, "kl", 1.0), (0.0, "reverse_kl", 1.0), (2.0, "pearson", 0.5), (0.5, "hellinger", 4.0), (-1.0, "neyman", 0.5)],
)
def test_alpha_family_contains_the_others(order: float, kind: str, factor: float) -> None:
    # D_alpha of order 2 is half of pearson, of order 1/2 four times hellinger, of order -1 half of neyman.
    a = f_optimum(P, R, beta=0.8, kind="alpha", order=order)
    b = f_optimum(P, R, beta=0.8 * factor, kind=kind)
    assert a.q == pytest.approx(b.q, rel=1e-13)
    assert a.divergence == pytest.approx(b.divergence * factor, rel=1e-13)


def test_orders_next_to_one_and_zero_are_continuous() -> None:
    for order in (1.0, 0.0):
        exact = f_optimum(P, R, beta=0.5, kind="alpha", order=order).q
        for near in (order - 1e-9, order + 1e-9):
            # The law moves at a rate of order one with the order.
            assert f_optimum(P, R, beta=0.5, kind="alpha", order=near).q == pytest.approx(exact, abs=2e-8)


def test_kl_is_the_tilt() -> None:
    p, r, beta = problem(3)
    best = f_optimum(p, r, beta=beta)
    assert best.q == pytest.approx(np.exp(tilted_log_law(np.log(p), r, 1.0 / beta)), rel=1e-13)
    assert best.kl == best.divergence


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(CASES))
def test_optimum_beats_perturbations_and_obeys_the_identity(seed: int, case: tuple[str, float | None]) -> None:
    kind, order = case
    p, r, beta = problem(seed)
    best = f_optimum(p, r, beta=beta, kind=kind, order=order)
    assert best.q.sum() == pytest.approx(1.0, abs=1e-12)
    value = best.reward - beta * best.divergence
    assert best.reward == pytest.approx(float(best.q @ r), abs=1e-12 * np.abs(r).max())
    assert best.divergence == pytest.approx(divergence(kind, order, best.q, p), rel=1e-9, abs=1e-13)
    rng = np.random.default_rng(seed)
    scale = np.abs(r).max() + beta * (1.0 + best.divergence)
    for _ in range(40):
        other = np.maximum(best.q + rng.normal(size=5) * 10.0 ** rng.uniform(-6, 0) * best.q.max(), 1e-9 * p)
        other = 0.5 * (other / other.sum()) + 0.5 * rng.choice([best.q, p])
        found = float(other @ r) - beta * divergence(kind, order, other, p)
        assert found <= value + 1e-12 * scale


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(SMOOTH))
def test_suboptimality_identity(seed: int, case: tuple[str, float | None]) -> None:
    # J(q*) - J(q) = beta sum p B_f(u, u*) + sum over truncated outcomes of slack times q.
    kind, order = case
    p, r, _ = problem(seed)
    beta = float(np.ptp(r)) * float(np.exp(np.random.default_rng(seed).uniform(-2, 2)))
    best = f_optimum(p, r, beta=beta, kind=kind, order=order)
    curve = as_curve(kind, order)
    q = np.random.default_rng(seed + 1).dirichlet(np.ones(5)) * 0.9 + 0.1 * p
    u = q / p
    kept = best.q > 0.0
    slope = np.where(kept, curve.slope(best.log_ratio), curve.df0)

    def f(ratio: np.ndarray) -> np.ndarray:
        if kind == "chi2kl":
            return np.asarray(0.5 * generator("pearson").f(ratio) + generator("kl").f(ratio))
        return np.asarray(generator(kind, order=order).f(ratio))

    bregman = f(u) - f(best.q / p) - slope * (u - best.q / p)
    slack = np.where(kept, 0.0, best.multiplier + beta * slope - r)
    assert (slack >= -1e-10 * np.ptp(r)).all()
    paid = divergence(kind, order, q, p)
    left = best.reward - beta * best.divergence - (float(q @ r) - beta * paid)
    size = np.abs(r).max() + beta * (best.divergence + paid + float(np.abs(slope) @ q))
    assert left == pytest.approx(beta * float(p @ bregman) + float(slack @ q), abs=1e-11 * size)


@pytest.mark.parametrize("beta", [1e-12, 1e-3, 0.4, 30.0, 1e9])
def test_multiplier_of_reverse_kl_is_the_mean_reward(beta: float) -> None:
    best = f_optimum(P, R, beta=beta, kind="reverse_kl")
    assert best.multiplier == pytest.approx(best.reward, rel=1e-14)


@pytest.mark.parametrize(("kind", "order"), SMOOTH)
@pytest.mark.parametrize("beta", [0.15, 2.0])
def test_numerical_optimisation_finds_the_same_law(kind: str, order: float | None, beta: float) -> None:
    p, r = np.array([0.1, 0.35, 0.25, 0.3]), np.array([1.0, 0.2, 0.7, 0.0])

    def loss(q: np.ndarray) -> float:
        return beta * divergence(kind, order, q, p) - float(q @ r)

    best = f_optimum(p, r, beta=beta, kind=kind, order=order)
    found = minimize(
        loss,
        p,
        method="SLSQP",
        bounds=[(1e-12, 1.0)] * 4,
        constraints={"type": "eq", "fun": lambda q: q.sum() - 1.0},
        options={"maxiter": 500, "ftol": 1e-14},
    )
    # A minimum is flat: SLSQP places it to about the root of its tolerance.
    assert found.x == pytest.approx(best.q, abs=2e-5)
    assert loss(np.maximum(best.q, 1e-300)) <= found.fun + 1e-11


@pytest.mark.parametrize("beta", [0.05, 0.3, 0.62, 0.95, 3.0])
def test_total_variation_is_the_linear_programme(beta: float) -> None:
    p, r = np.array([0.1, 0.35, 0.25, 0.2, 0.1]), np.array([1.0, 0.2, 0.7, 0.0, 1.0])
    k = len(p)
    # Variables q and v >= |q - p|: maximise r q - beta/2 sum v.
    eye = np.eye(k)
    found = linprog(
        np.concatenate([-r, np.full(k, 0.5 * beta)]),
        A_ub=np.block([[eye, -eye], [-eye, -eye]]),
        b_ub=np.concatenate([p, -p]),
        A_eq=[[1.0] * k + [0.0] * k],
        b_eq=[1.0],
        bounds=[(0, None)] * (2 * k),
    )
    best = f_optimum(p, r, beta=beta, kind="tv")
    assert best.reward - beta * best.divergence == pytest.approx(-found.fun, abs=1e-12)
    assert best.divergence == pytest.approx(0.5 * np.abs(best.q - p).sum(), abs=1e-15)


def test_total_variation_moves_mass_to_the_best_in_proportion() -> None:
    best = f_optimum([0.1, 0.2, 0.3, 0.4], [1.0, 1.0, 0.5, 0.0], beta=0.5, kind="tv")
    assert best.q == pytest.approx([0.7 / 3, 1.4 / 3, 0.3, 0.0], rel=1e-14)
    assert best.multiplier == 0.75
    within = f_optimum([0.1, 0.2, 0.3, 0.4], [1.0, 1.0, 0.5, 0.0], divergence=0.5, kind="tv")
    assert within.q == pytest.approx([0.8 / 3, 1.6 / 3, 0.2, 0.0], rel=1e-14)
    assert within.beta == 0.5
    assert within.divergence == pytest.approx(0.5, rel=1e-15)


def test_pearson_is_the_exact_water_filling() -> None:
    rng = np.random.default_rng(8)
    for _ in range(20):
        mass = rng.integers(1, 50, 6)
        p = [Fraction(int(v), int(mass.sum())) for v in mass]
        r = [Fraction(int(v), 8) for v in rng.integers(0, 40, 6)]
        beta = Fraction(int(rng.integers(1, 60)), 16)
        exact = _water_filling(p, r, beta)
        best = f_optimum([float(v) for v in p], [float(v) for v in r], beta=float(beta), kind="pearson")
        assert best.q == pytest.approx([float(v) for v in exact], abs=2e-15)
        # An outcome exactly at the threshold may keep a rounding of its mass.
        assert ((best.q < 1e-15) == [v == 0 for v in exact]).all()


def _water_filling(p: list[Fraction], r: list[Fraction], beta: Fraction) -> list[Fraction]:
    for threshold in sorted(set(r)):
        kept = [i for i in range(len(p)) if r[i] >= threshold]
        mass = sum(p[i] for i in kept)
        level = (sum(p[i] * r[i] for i in kept) - 2 * beta * (1 - mass)) / mass
        q = [p[i] * (1 + (r[i] - level) / (2 * beta)) if i in kept else Fraction(0) for i in range(len(p))]
        if min(q) >= 0:
            return q
    raise AssertionError


@pytest.mark.parametrize(
    ("kind", "order"), [("reverse_kl", None), ("js", None), ("hellinger", None), ("neyman", None), ("alpha", 0.3)]
)
@pytest.mark.parametrize("beta", [1e-3, 1e-8, 1e-30])
def test_small_beta_against_sixty_digits(kind: str, order: float | None, beta: float) -> None:
    # The direct form subtracts l from max r, which agree in all digits of a double here.
    inverse = {
        "reverse_kl": lambda w: 1 / w,
        "js": lambda w: 1 / mpmath.expm1(2 * w),
        "hellinger": lambda w: 1 / (2 * w) ** 2,
        "neyman": lambda w: 1 / mpmath.sqrt(w),
        "alpha": lambda w: (mpmath.mpf("0.7") * w) ** (-1 / mpmath.mpf("0.7")),
    }[kind]
    with mpmath.workdps(60):
        p, d = [mpmath.mpf(v) for v in P], [mpmath.mpf(2.0 - v) for v in R]
        b = mpmath.mpf(beta)
        p = [v / mpmath.fsum(p) for v in p]

        def excess(log_gap: mpmath.mpf) -> mpmath.mpf:
            gap = mpmath.exp(log_gap)
            return mpmath.log(mpmath.fsum(a * inverse(gap + x / b) for a, x in zip(p, d, strict=True)))

        gap = mpmath.exp(mpmath.findroot(excess, (-6, 1), solver="anderson", tol=1e-50))
        exact = [float(a * inverse(gap + x / b)) for a, x in zip(p, d, strict=True)]
    assert f_optimum(P, R, beta=beta, kind=kind, order=order).q == pytest.approx(exact, rel=3e-13)


@pytest.mark.parametrize(("kind", "order"), CASES)
def test_wide_prices_and_rewards(kind: str, order: float | None) -> None:
    rng = np.random.default_rng(4)
    p = rng.dirichlet(np.full(6, 0.3))
    for offset, scale in ((0.0, 1e-200), (1e6, 1.0), (0.0, 1e200)):
        r = offset + scale * rng.normal(size=6)
        for x in np.linspace(-7, 7, 8):
            best = f_optimum(p, r, beta=float(np.exp(x) * np.ptp(r)), kind=kind, order=order)
            assert best.numerical_error < 1e-12
            assert best.q.sum() == pytest.approx(1.0, abs=1e-12)
            assert r.min() <= best.reward * (1 + 1e-15 * np.sign(best.reward))
            assert best.reward >= best.reward_reference - 1e-15 * np.abs(r).max()


@pytest.mark.parametrize(("kind", "order"), SMOOTH)
def test_divergences_of_every_size(kind: str, order: float | None) -> None:
    largest = f_optimum(P, R, beta=0.0, kind=kind, order=order).divergence
    for budget in (1e-300, 1e-20, 1e-8, 1e-3, 0.1, 5.0, 1e4):
        best = f_optimum(P, R, divergence=budget, kind=kind, order=order)
        assert best.divergence == pytest.approx(min(budget, largest), rel=1e-11)
        assert ("saturated" in best.flags) == (budget >= largest)
        assert best.kl >= 0.0


@pytest.mark.parametrize(("kind", "order"), CASES)
def test_small_divergence_expansion(kind: str, order: float | None) -> None:
    # D = variance/(2 f''(1) beta^2) and the gain is variance/(f''(1) beta), up to relative order 1/beta.
    if kind == "tv":
        assert f_optimum(P, R, beta=3.0, kind=kind).divergence == 0.0
        return
    beta = 1e9
    best = f_optimum(P, R, beta=beta, kind=kind, order=order)
    variance = 0.61
    assert best.divergence == pytest.approx(variance / (2.0 * as_curve(kind, order).curvature * beta**2), rel=1e-7)
    assert best.multiplier == pytest.approx(0.7, abs=1e-8)


@pytest.mark.parametrize(("kind", "order"), SMOOTH)
def test_slope_of_the_frontier_is_beta(kind: str, order: float | None) -> None:
    low, best, high = (f_optimum(P, R, divergence=d, kind=kind, order=order) for d in (0.0999, 0.1, 0.1001))
    slope = (high.reward - low.reward) / (high.divergence - low.divergence)
    assert slope == pytest.approx(best.beta, rel=1e-5)  # the second difference is of order (1e-4/0.1)^2


@pytest.mark.parametrize(("kind", "order"), CASES)
def test_ends_of_beta(kind: str, order: float | None) -> None:
    p, r = [0.4, 0.3, 0.2, 0.1], [0.0, 1.0, 1.0, -2.0]
    zero = f_optimum(p, r, beta=0.0, kind=kind, order=order)
    assert zero.q == pytest.approx([0.0, 0.6, 0.4, 0.0], rel=1e-14)
    assert (zero.multiplier, zero.reward, zero.beta, zero.log_beta) == (1.0, 1.0, 0.0, -math.inf)
    assert zero.divergence == (math.inf if (kind, order) in INFINITE else pytest.approx(
        0.5 * float(generator("pearson").f(2.0)) * 0.5 + 0.5 * 0.5 + 0.5 * float(generator("kl").f(2.0)) + 0.5
        if kind == "chi2kl"
        else 0.5 * generator(kind, order=order).f(2.0) + 0.5 * generator(kind, order=order).f0
    ))
    same = f_optimum(p, r, beta=math.inf, kind=kind, order=order)
    assert (same.q == same.p).all()
    assert same.multiplier == same.reward == same.reward_reference == pytest.approx(0.3)
    assert f_optimum(p, r, divergence=0.0, kind=kind, order=order).beta == math.inf
    nearly = f_optimum(p, r, beta=1e-250, kind=kind, order=order)
    # alpha of order -2 decays as slowly as (beta/d)^(1/3), neyman as its root.
    assert nearly.q == pytest.approx(zero.q, abs=1e-80)


@pytest.mark.parametrize(("kind", "order"), CASES)
def test_ceiling_of_the_budget(kind: str, order: float | None) -> None:
    limit = f_optimum(P, R, beta=0.0, kind=kind, order=order)
    for budget in (limit.divergence, math.inf):
        best = f_optimum(P, R, divergence=budget, kind=kind, order=order)
        assert "saturated" in best.flags
        assert best.q == pytest.approx([0.0, 0.0, 1.0])
        assert best.beta == 0.0
    if limit.divergence < math.inf:
        below = f_optimum(P, R, divergence=0.97 * limit.divergence, kind=kind, order=order)
        assert below.divergence == pytest.approx(0.97 * limit.divergence, rel=1e-12)
        assert below.q[:2].sum() > 0.0
    else:
        beyond = f_optimum(P, R, divergence=1e3, kind=kind, order=order)
        assert beyond.divergence == pytest.approx(1e3, rel=1e-12)


def test_price_below_the_floats_keeps_its_logarithm() -> None:
    best = f_optimum(P, R, divergence=1e4, kind="reverse_kl")
    assert best.beta == 0.0
    # D = sum p log(p/q), and q = beta p/d away from the best outcome.
    expected = -(1e4 - 0.2 * math.log(0.2) - 0.5 * math.log(2.0)) / 0.8
    assert best.log_beta == pytest.approx(expected, rel=1e-13)
    assert best.log_ratio[:2] == pytest.approx([expected - math.log(2.0), expected], rel=1e-13)
    assert "saturated" not in best.flags


@pytest.mark.parametrize(("kind", "order"), CASES)
def test_equal_rewards(kind: str, order: float | None) -> None:
    for given_ in ({"beta": 0.3}, {"beta": 0.0}, {"divergence": 0.2}, {"divergence": 0.0}):
        best = f_optimum(P, [1e6] * 3, kind=kind, order=order, **given_)
        assert (best.q == best.p).all()
        assert (best.divergence, best.kl, best.reward, best.flags) == (0.0, 0.0, 1e6, ("degenerate",))
    assert best.beta == math.inf


@pytest.mark.parametrize(("kind", "order"), CASES)
def test_ties_permutations_shifts_and_impossible_outcomes(kind: str, order: float | None) -> None:
    p, r = np.array([0.2, 0.1, 0.3, 0.4]), np.array([1.0, 1.0, 0.4, 0.0])
    beta = 0.6 if kind != "tv" else 0.65
    best = f_optimum(p, r, beta=beta, kind=kind, order=order)
    merged = f_optimum([0.3, 0.3, 0.4], [1.0, 0.4, 0.0], beta=beta, kind=kind, order=order)
    assert best.q[:2].sum() == pytest.approx(merged.q[0], rel=1e-13)
    assert best.q[0] == pytest.approx(2.0 * best.q[1], rel=1e-13)
    assert best.divergence == pytest.approx(merged.divergence, rel=1e-13)
    turn = [2, 0, 3, 1]
    assert f_optimum(p[turn], r[turn], beta=beta, kind=kind, order=order).q == pytest.approx(best.q[turn], rel=1e-13)
    moved = f_optimum(p, 8.0 * r - 3.0, beta=8.0 * beta, kind=kind, order=order)
    assert moved.q == pytest.approx(best.q, rel=1e-12)
    assert moved.multiplier == pytest.approx(8.0 * best.multiplier - 3.0, rel=1e-12)
    padded = f_optimum([*p, 0.0], [*r, 99.0], beta=beta, kind=kind, order=order)
    assert padded.q[:4] == pytest.approx(best.q, rel=1e-13)
    assert padded.q[4] == 0.0
    assert padded.log_ratio[4] == -math.inf


@pytest.mark.parametrize(("kind", "order"), FINITE)
def test_infinitely_bad_outcomes_are_left_out(kind: str, order: float | None) -> None:
    p, r = [0.4, 0.4, 0.2], [0.0, 1.0, -math.inf]
    best = f_optimum(p, r, beta=0.7, kind=kind, order=order)
    assert best.q[2] == 0.0
    assert best.q.sum() == pytest.approx(1.0, abs=1e-14)
    assert best.support_fraction <= 0.8 + 1e-15
    assert best.reward_reference == -math.inf
    # A reward that is only very bad gives the same law in the limit.
    near = f_optimum(p, [0.0, 1.0, -1e15], beta=0.7, kind=kind, order=order)
    assert best.q == pytest.approx(near.q, abs=1e-9 if order == 0.3 else 1e-7)
    floor = f_optimum(p, r, beta=math.inf, kind=kind, order=order)
    assert floor.q == pytest.approx([0.5, 0.5, 0.0])
    with pytest.raises(InputError, match="at least"):
        f_optimum(p, r, divergence=0.5 * floor.divergence, kind=kind, order=order)
    top = f_optimum(p, r, beta=0.0, kind=kind, order=order).divergence
    between = 0.5 * (floor.divergence + top)
    assert f_optimum(p, r, divergence=between, kind=kind, order=order).divergence == pytest.approx(between, rel=1e-12)


@pytest.mark.parametrize(("kind", "order"), CASES)
def test_tiny_probabilities(kind: str, order: float | None) -> None:
    logp = np.array([math.log1p(-math.exp(-50.0)), -50.0, -60.0])
    for beta in (1e-3, 0.05, 1.0, 1e3):
        best = f_optimum(None, R, logp=logp, beta=beta, kind=kind, order=order)
        assert best.q.sum() == pytest.approx(1.0, abs=1e-9)
        assert best.numerical_error < 1e-9
        assert not np.isnan([best.divergence, best.kl, best.multiplier]).any()
    assert f_optimum(None, R, logp=[math.log1p(-math.exp(-50.0)), -50.0, -2000.0], beta=1e-4).q == pytest.approx(
        [0.0, 0.0, 1.0], abs=1e-300
    )


def test_high_orders_enter_between_two_floats() -> None:
    # The derivative of u at the threshold is infinite for orders above 2; the mean still comes out as asked.
    rng = np.random.default_rng(0)
    for _ in range(30):
        p, r = rng.dirichlet(np.ones(5)), rng.normal(size=5)
        top = f_optimum(p, r, beta=0.0, kind="alpha", order=30.0).divergence
        budget = float(rng.uniform(0.01, 0.99)) * top
        best = f_optimum(p, r, divergence=budget, kind="alpha", order=30.0)
        assert best.divergence == pytest.approx(budget, rel=1e-10)
        assert best.numerical_error < 1e-10


def test_optimum_at_reward() -> None:
    law = as_law(P, R)
    for kind, order in CASES:
        curve = as_curve(kind, order)
        for reward in (0.7, 0.9, 1.5, 1.999, 2.0):
            best = optimum_at_reward(law, reward, curve)
            assert best.reward == pytest.approx(reward, rel=1e-12)
        with pytest.raises(InputError, match="reward must be from"):
            optimum_at_reward(law, 2.1, curve)
        with pytest.raises(InputError, match="reward must be from"):
            optimum_at_reward(law, 0.6, curve)


def test_labels_inputs_and_result_contract() -> None:
    p = pd.Series(P, index=["a", "b", "c"])
    r = pd.Series([2.0, 0.0, 1.0], index=["c", "a", "b"])
    best = f_optimum(p, r, beta=1.0, kind="js")
    assert best.q == pytest.approx(f_optimum(P, R, beta=1.0, kind="js").q)
    frame = best.to_frame()
    assert list(frame.columns) == ["label", "reward", "p", "q", "ratio"]
    assert frame["label"].tolist() == ["a", "b", "c"]
    assert frame["ratio"].to_numpy() == pytest.approx(best.q / best.p)
    assert Result.from_dict(best.to_dict()) == best
    assert len(repr(best)) < 200
    assert best.nature == "exact"
    assert "js" in str(best.summary())
    assert f_optimum(None, R, logp=np.log(P), beta=1.0).q == pytest.approx(f_optimum(P, R, beta=1.0).q, rel=1e-14)


@pytest.mark.parametrize(("kind", "order"), CASES)
def test_figures(kind: str, order: float | None) -> None:
    import matplotlib.pyplot as plt

    for beta in (0.0, 0.02, 1.0, math.inf):
        best = f_optimum([0.1, 0.3, 0.2, 0.4], [0.0, 1.0, 0.5, -math.inf if order is None and kind == "kl" else 0.2],
                         beta=beta, kind=kind, order=order)
        ax = best.plot()
        assert ax.get_xlabel() == "reward (unit of the reward)"
        assert ax.get_ylabel() == "probability ratio q/p"
        ax.get_figure().canvas.draw()
        if 0.0 < beta < math.inf and kind != "tv":
            line = ax.lines[0]
            x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
            # The curve passes through the best outcome; others are on it to the resolution of the grid.
            assert y[-1] == pytest.approx(math.exp(best.log_ratio[1]), rel=1e-9)
            assert x[-1] == 1.0
        plt.close("all")


BAD = [
    ({"beta": 1.0, "divergence": 0.1}, "exactly one of beta and divergence"),
    ({}, "exactly one of beta and divergence"),
    ({"beta": -0.1}, "beta must be"),
    ({"beta": math.nan}, "beta must be"),
    ({"divergence": -0.1}, "divergence must be"),
    ({"divergence": math.nan}, "divergence must be"),
    ({"beta": 1.0, "kind": "hockey_stick"}, "hockey_stick"),
    ({"beta": 1.0, "kind": "chi2"}, "kind must be one of"),
    ({"beta": 1.0, "kind": "alpha"}, "order must be given"),
    ({"beta": 1.0, "kind": "kl", "order": 2.0}, "order must be left out"),
    ({"beta": 1.0, "kind": "alpha", "order": math.inf}, "order must be"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        f_optimum(P, R, **options)  # type: ignore[arg-type]


def test_bad_laws() -> None:
    with pytest.raises(InputError, match="sum to one"):
        f_optimum([0.5, 0.4], [0.0, 1.0], beta=1.0)
    with pytest.raises(InputError, match="one reward per"):
        f_optimum(P, [0.0, 1.0], beta=1.0)
    with pytest.raises(InputError, match="NaN"):
        f_optimum(P, [0.0, 1.0, math.nan], beta=1.0)
    with pytest.raises(InputError, match="below"):
        f_optimum(P, [0.0, 1.0, math.inf], beta=1.0)
    with pytest.raises(InputTypeError, match="beta must be"):
        f_optimum(P, R, beta="1")  # type: ignore[arg-type]
    for kind, order in INFINITE:
        with pytest.raises(InputError, match="r must be finite"):
            f_optimum(P, [0.0, 1.0, -math.inf], beta=1.0, kind=kind, order=order)
    with pytest.raises(InputError, match="range of floats"):
        f_optimum(None, R, logp=[math.log1p(-math.exp(-50.0)), -60.0, -50.0], beta=1e-320, kind="alpha", order=30.0)


def test_inputs_are_not_changed() -> None:
    p, r = np.array(P), np.array(R)
    f_optimum(p, r, divergence=0.1, kind="le_cam")
    assert (p == P).all()
    assert (r == R).all()
