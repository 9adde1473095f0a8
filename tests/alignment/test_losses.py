"""Preference losses and pseudo-rewards: closed forms, high precision, finite differences, bad input."""

from __future__ import annotations

import math

import matplotlib
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.f_curves import as_curve
from infostat.alignment.f_optima import f_optimum
from infostat.alignment.losses import f_dpo_loss, f_pseudo_reward
from infostat.core.errors import InputError, InputTypeError
from infostat.core.results import Result
from infostat.divergences.generators import generator

matplotlib.use("Agg")

PAIRS = [
    ("kl", None),
    ("reverse_kl", None),
    ("jeffreys", None),
    ("js", None),
    ("neyman", None),
    ("hellinger", None),
    ("chi2kl", None),
    ("alpha", 0.3),
    ("alpha", 1.0),
    ("alpha", -2.0),
]
ALL = [*PAIRS, ("pearson", None), ("le_cam", None), ("alpha", 2.5)]


def exact_slope(kind: str, order: float | None, ratio: float) -> mpmath.mpf:
    """f'(e^l) from the printed derivative, with the precision of the context."""
    u = mpmath.exp(mpmath.mpf(ratio))
    if kind == "alpha":
        c = mpmath.mpf(order) - 1
        return mpmath.log(u) if c == 0 else (u**c - 1) / c
    return {
        "kl": mpmath.log(u),
        "reverse_kl": 1 - 1 / u,
        "jeffreys": mpmath.log(u) + 1 - 1 / u,
        "js": mpmath.log(2 * u / (1 + u)) / 2,
        "neyman": 1 - 1 / u**2,
        "hellinger": (1 - 1 / mpmath.sqrt(u)) / 2,
        "chi2kl": u - 1 + mpmath.log(u),
        "pearson": 2 * (u - 1),
        "le_cam": mpmath.mpf(1) / 2 - 2 / (u + 1) ** 2,
    }[kind]


def test_kl_is_dpo() -> None:
    found = f_dpo_loss([-3.0, -4.0], [-5.0, -2.0], [-3.5, -4.0], [-4.5, -2.5], beta=0.2)
    assert found.margin == pytest.approx([0.2 * (0.5 + 0.5), 0.2 * (0.0 - 0.5)], rel=1e-14)
    assert found.loss == pytest.approx([math.log1p(math.exp(-0.2)), math.log1p(math.exp(0.1))], rel=1e-14)
    assert float(found) == found.value == pytest.approx(float(np.mean(found.per_row)))
    assert found.accuracy == 0.5


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(PAIRS), st.integers(-30720, 30720), st.integers(-30720, 30720))
def test_margin_against_high_precision(case: tuple[str, float | None], first: int, second: int) -> None:
    kind, order = case
    w, low = first / 1024, second / 1024
    with mpmath.workdps(60):
        exact = float(exact_slope(kind, order, w) - exact_slope(kind, order, low))
    found = f_dpo_loss([w], [low], [0.0], [0.0], beta=1.0, kind=kind, order=order)
    # Each log ratio enters as e^(c l): one rounding of l = 30 at |c| = 3 is 90 eps.
    assert found.margin[0] == pytest.approx(exact, rel=1e-13, abs=1e-300)


@pytest.mark.parametrize(("kind", "order"), PAIRS)
def test_margins_of_near_pairs_keep_their_digits(kind: str, order: float | None) -> None:
    for base in (-20.0, 0.0, 3.0, 20.0):
        other = base + 2.0**-40
        with mpmath.workdps(60):
            exact = float(exact_slope(kind, order, other) - exact_slope(kind, order, base))
        found = f_dpo_loss([other], [base], [0.0], [0.0], beta=1.0, kind=kind, order=order)
        assert found.margin[0] == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize(("kind", "order"), PAIRS)
def test_log_ratios_of_a_thousand(kind: str, order: float | None) -> None:
    w = np.array([1000.0, -1000.0, 1000.0, -1000.0, 1000.0, -999.0])
    low = np.array([-1000.0, 1000.0, 1000.0, -1000.0, 999.0, -1000.0])
    found = f_dpo_loss(w, low, np.zeros(6), np.zeros(6), beta=0.1, kind=kind, order=order)
    assert not np.isnan(found.margin).any()
    assert not np.isnan(found.loss).any()
    assert (np.sign(found.margin[[0, 1, 2, 3]]) == [1, -1, 0, 0]).all()
    assert found.loss[2] == pytest.approx(math.log(2.0))
    assert found.loss[0] < 1e-20  # the least is js: margin 0.05 (log 2 + log(1 + e^1000))
    if kind in ("kl", "js") or order == 1.0:
        assert np.isfinite(found.loss).all()
        assert found.flags == ()
    else:
        assert found.loss[1] > 1e20  # e^(c 1000), infinite where that exceeds the range of floats
        assert ("overflow" in found.flags) == bool(np.isinf(found.margin).any())


@pytest.mark.parametrize(("kind", "order"), ALL)
def test_slopes_are_those_of_the_table(kind: str, order: float | None) -> None:
    ratio = np.array([-7.0, -1.0, -0.99, -1e-9, 0.0, 1e-9, 0.3, 1.0, 1.01, 9.0])
    with mpmath.workdps(60):
        exact = [float(exact_slope(kind, order, v)) for v in ratio]
    assert as_curve(kind, order).slope(ratio) == pytest.approx(exact, rel=1e-13)
    if kind != "chi2kl":
        assert generator(kind, order=order).df(np.exp(ratio)) == pytest.approx(exact, rel=1e-8, abs=1e-15)


@pytest.mark.parametrize(("kind", "order"), PAIRS)
def test_optimal_policy_recovers_the_reward(kind: str, order: float | None) -> None:
    # beta f'(q/p) = r - l at the optimum, so that the margin is the difference of the rewards.
    p, r = np.array([0.1, 0.4, 0.2, 0.3]), np.array([0.3, -1.0, 2.0, 0.5])
    log_q = np.log(p) + f_optimum(p, r, beta=0.7, kind=kind, order=order).log_ratio
    w, low = np.array([2, 0, 1, 3]), np.array([1, 2, 3, 0])
    log_p = np.log(p)
    found = f_dpo_loss(log_q[w], log_q[low], log_p[w], log_p[low], beta=0.7, kind=kind, order=order)
    assert found.margin == pytest.approx(r[w] - r[low], rel=1e-11)


@pytest.mark.parametrize(
    ("kind", "order"), [("pearson", None), ("le_cam", None), ("tv", None), ("alpha", 1.5), ("alpha", 2.0)]
)
def test_truncating_divergences_are_refused(kind: str, order: float | None) -> None:
    with pytest.raises(InputError, match=r"f'\(0\) = -inf"):
        f_dpo_loss([0.0], [0.0], [0.0], [0.0], beta=1.0, kind=kind, order=order)


def test_bad_pairs() -> None:
    with pytest.raises(InputError, match="hockey_stick"):
        f_dpo_loss([0.0], [0.0], [0.0], [0.0], beta=1.0, kind="hockey_stick")
    with pytest.raises(InputError, match="beta must be"):
        f_dpo_loss([0.0], [0.0], [0.0], [0.0], beta=0.0)
    with pytest.raises(InputError, match="one shape"):
        f_dpo_loss([0.0, 1.0], [0.0], [0.0], [0.0], beta=1.0)
    with pytest.raises(InputError, match="not be empty"):
        f_dpo_loss([], [], [], [], beta=1.0)
    with pytest.raises(InputError, match="logp_l must be finite"):
        f_dpo_loss([0.0], [-math.inf], [0.0], [0.0], beta=1.0)
    with pytest.raises(InputTypeError, match="logref_w"):
        f_dpo_loss([0.0], [0.0], ["a"], [0.0], beta=1.0)


def test_pairs_result() -> None:
    found = f_dpo_loss([-1.0, -2.0], [-1.5, -1.0], [-1.2, -1.8], [-1.2, -1.8], beta=0.5, kind="js")
    assert Result.from_dict(found.to_dict()) == found
    assert list(found.to_frame().columns) == ["log_ratio_w", "log_ratio_l", "margin", "loss"]
    assert "Mean loss" in str(found.summary())
    assert found.plot().get_ylabel() == "pairs"
    assert len(repr(found)) < 200


def objective(kind: str, order: float | None, logits: np.ndarray, target: np.ndarray) -> float:
    pi = np.exp(logits - np.logaddexp.reduce(logits))
    u = pi / target
    if kind == "chi2kl":
        return float(target @ (0.5 * generator("pearson").f(u) + generator("kl").f(u)))
    return float(target @ generator(kind, order=order).f(u))


@pytest.mark.parametrize(("kind", "order"), [*ALL, ("tv", None)])
def test_gradient_is_that_of_finite_differences(kind: str, order: float | None) -> None:
    logits = np.array([0.3, -1.2, 0.8, 0.1])
    target = np.array([0.15, 0.35, 0.3, 0.2])
    pi = np.exp(logits - np.logaddexp.reduce(logits))
    found = f_pseudo_reward(pi, target, kind, order=order)
    step = 1e-5
    numeric = [
        (objective(kind, order, logits + step * e, target) - objective(kind, order, logits - step * e, target))
        / (2 * step)
        for e in np.eye(4)
    ]
    assert found.gradient == pytest.approx(numeric, abs=2e-9)  # step^2 times third derivatives of order 1 to 10
    assert found.gradient.sum() == pytest.approx(0.0, abs=1e-14)
    assert found.divergence == pytest.approx(objective(kind, order, logits, target), rel=1e-12)
    slope = -found.pseudo_reward
    assert found.gradient == pytest.approx(pi * (slope - pi @ slope), abs=1e-14)
    by_logits = f_pseudo_reward(logits + 5.0, np.log(target), kind, order=order, logits=True)
    assert by_logits.gradient == pytest.approx(found.gradient, rel=1e-11, abs=1e-15)


def test_reverse_kl_is_policy_minus_target() -> None:
    found = f_pseudo_reward([0.5, 0.3, 0.2], [0.2, 0.2, 0.6], "reverse_kl")
    assert found.gradient == pytest.approx([0.3, 0.1, -0.4], abs=1e-15)


def test_kl_with_a_tilted_target_is_kl_regularised_rl() -> None:
    p, r, beta = np.array([0.5, 0.3, 0.2]), np.array([0.0, 1.0, 2.0]), 0.7
    pi = np.array([0.3, 0.3, 0.4])
    mass = p * np.exp(r / beta)
    found = f_pseudo_reward(pi, mass, "kl")
    # Descending KL(pi || tilt) is ascending (E r - beta KL(pi || p))/beta.
    advantage = r / beta - np.log(pi / p)
    assert found.pseudo_reward == pytest.approx(advantage, rel=1e-13)
    assert found.gradient == pytest.approx(-pi * (advantage - pi @ advantage), abs=1e-15)
    normalised = f_pseudo_reward(pi, mass / mass.sum(), "kl")
    assert normalised.gradient == pytest.approx(found.gradient, abs=1e-15)
    best = f_optimum(p, r, beta=beta).q
    assert np.abs(f_pseudo_reward(best, mass, "kl").gradient).max() < 1e-15


@pytest.mark.parametrize(("kind", "order"), [*ALL, ("tv", None)])
def test_gradient_vanishes_at_the_target(kind: str, order: float | None) -> None:
    found = f_pseudo_reward([0.5, 0.3, 0.2], [0.5, 0.3, 0.2], kind, order=order)
    assert (found.gradient == 0.0).all()
    assert found.divergence == 0.0


@pytest.mark.parametrize(("kind", "order"), ALL)
def test_zeros_are_the_limit_of_small_masses(kind: str, order: float | None) -> None:
    target = np.array([0.2, 0.5, 0.3])
    policy = np.array([0.0, 0.6, 0.4])
    if as_curve(kind, order).f0 == math.inf and kind not in ("reverse_kl", "jeffreys"):
        with pytest.raises(InputError, match="policy must be positive"):
            f_pseudo_reward(policy, target, kind, order=order)
    else:
        tiny = f_pseudo_reward([1e-9, 0.6 - 1e-9, 0.4], target, kind, order=order)
        found = f_pseudo_reward(policy, target, kind, order=order)
        assert found.gradient == pytest.approx(tiny.gradient, abs=1e-3 if order == 0.3 else 1e-4)
        assert found.pseudo_reward[0] == -as_curve(kind, order).df0
    if as_curve(kind, order).df_inf == math.inf:
        with pytest.raises(InputError, match="target must be positive"):
            f_pseudo_reward(target, policy, kind, order=order)
    else:
        found = f_pseudo_reward(target, policy, kind, order=order)
        assert found.pseudo_reward[0] == -as_curve(kind, order).df_inf
        assert np.isfinite(found.gradient).all()


@pytest.mark.parametrize(("kind", "order"), ALL)
def test_far_logits_give_no_nan(kind: str, order: float | None) -> None:
    found = f_pseudo_reward([0.0, -900.0, 5.0], [0.0, 1.0, 3.0], kind, order=order, logits=True)
    assert not np.isnan(found.gradient).any()
    if kind == "reverse_kl":
        assert found.gradient == pytest.approx(found.policy - found.target, rel=1e-12)


def test_rows_and_bad_targets() -> None:
    rows = np.array([[0.5, 0.5], [0.1, 0.9]])
    found = f_pseudo_reward(rows, [0.2, 0.8], "js")
    for i in range(2):
        one = f_pseudo_reward(rows[i], [0.2, 0.8], "js")
        assert (found.gradient[i] == one.gradient).all()
        assert found.divergence[i] == one.divergence
    assert len(found.to_frame()) == 4
    assert Result.from_dict(found.to_dict()) == found
    assert found.plot().get_xlabel() == "outcome"
    assert "Policies" in str(found.summary())
    with pytest.raises(InputError, match="target"):
        f_pseudo_reward([0.5, 0.5], [0.2, 0.7], "js")
    with pytest.raises(InputError, match="policy"):
        f_pseudo_reward([0.5, 0.4], [0.2, 0.8], "kl")
    with pytest.raises(InputError, match="categories"):
        f_pseudo_reward([0.5, 0.5], [0.2, 0.3, 0.5], "kl")
    with pytest.raises(InputError, match="hockey_stick"):
        f_pseudo_reward([0.5, 0.5], [0.2, 0.8], "hockey_stick")
