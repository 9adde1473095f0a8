"""Tilts of finite laws: moments, and t for a KL or a reward."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.tilt_solver import (
    log_top_mass,
    moments_at,
    ratio_divergence,
    stable_terms,
    t_for_kl,
    t_for_reward,
    tilted_log_law,
)
from infostat.core.errors import InputError

P = np.log([0.5, 0.3, 0.2])
R = np.array([0.0, 1.0, 2.0])


def random_law(seed: int, k: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.log(rng.dirichlet(np.ones(k))), rng.normal(size=k) * 10.0 ** rng.uniform(-3, 3)


def exact(log_p: np.ndarray, r: np.ndarray, t: float) -> tuple[mpmath.mpf, ...]:
    """Lambda, R, V, D with 60 digits; the law is normalised exactly."""
    with mpmath.workdps(60):
        p = [mpmath.exp(mpmath.mpf(float(v))) for v in log_p]
        total = mpmath.fsum(p)
        p = [v / total for v in p]
        rewards = [mpmath.mpf(float(v)) for v in r]
        weights = [a * mpmath.exp(t * b) for a, b in zip(p, rewards, strict=True)]
        z = mpmath.fsum(weights)
        q = [w / z for w in weights]
        mean = mpmath.fsum(a * b for a, b in zip(q, rewards, strict=True))
        variance = mpmath.fsum(a * (b - mean) ** 2 for a, b in zip(q, rewards, strict=True))
        kl = mpmath.fsum(a * mpmath.log(a / b) for a, b in zip(q, p, strict=True))
        return mpmath.log(z), mean, variance, kl


def test_worked_example() -> None:
    t = t_for_kl(P, R, 0.2)
    log_mgf, reward, _, kl = moments_at(P, R, t)
    assert t == pytest.approx(0.775174620985, abs=1e-12)
    assert log_mgf == pytest.approx(0.739035299763, abs=1e-12)
    assert reward == pytest.approx(1.211385505074, abs=1e-12)
    assert kl == pytest.approx(0.2, abs=1e-14)
    law = np.exp(tilted_log_law(P, R, t))
    assert law == pytest.approx([0.2387872048, 0.3110400854, 0.4501727098], abs=1e-10)
    assert -log_top_mass(P, R) == pytest.approx(math.log(5), rel=1e-15)


@pytest.mark.parametrize("t", [1e-12, 1e-6, 0.01, 0.3, 2.0, -1e-7, -0.4, -3.0])
def test_moments_agree_with_sixty_digits_however_small_the_divergence(t: float) -> None:
    for seed in range(5):
        log_p, r = random_law(seed)
        t_scaled = t / float(np.ptp(r))
        found = moments_at(log_p, r, t_scaled)
        wanted = exact(log_p, r, t_scaled)
        spread = float(np.abs(r).max())
        assert found[0] == pytest.approx(float(wanted[0]), rel=1e-13, abs=4e-16 * (1 + abs(t_scaled) * spread))
        assert found[1] == pytest.approx(float(wanted[1]), abs=1e-15 * spread * 8)
        assert found[2] == pytest.approx(float(wanted[2]), rel=1e-12)
        assert found[3] == pytest.approx(float(wanted[3]), rel=1e-12)


def test_array_of_tilts_is_elementwise() -> None:
    tilts = np.array([[0.0, -1.0, 2.5], [np.inf, -np.inf, 700.0]])
    found = moments_at(P, R, tilts)
    assert all(each.shape == (2, 3) for each in found)
    for index, t in np.ndenumerate(tilts):
        assert [each[index] for each in found] == pytest.approx(list(moments_at(P, R, float(t))), rel=1e-15)


def test_many_tilts_are_cut_into_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    tilts = np.linspace(-2, 2, 23)
    whole = moments_at(P, R, tilts)
    monkeypatch.setattr("infostat.alignment.tilt_solver._BLOCK", 12)
    assert np.array_equal(np.array(moments_at(P, R, tilts)), np.array(whole))


def test_limits() -> None:
    log_mgf, reward, variance, kl = moments_at(P, R, np.array([np.inf, -np.inf, 0.0]))
    assert reward == pytest.approx([2.0, 0.0, 0.7])
    assert kl == pytest.approx([math.log(5), math.log(2), 0.0])
    assert variance == pytest.approx([0.0, 0.0, 0.61])
    assert log_mgf.tolist() == [np.inf, math.log(0.5), 0.0]
    assert moments_at(P, R - 3.0, math.inf)[0] == -math.inf
    assert moments_at(P, R - 2.0, math.inf)[0] == pytest.approx(math.log(0.2))
    assert np.exp(tilted_log_law(P, R, -math.inf)).tolist() == [1.0, 0.0, 0.0]
    assert np.array_equal(tilted_log_law(P, R, 0.0), P)


@given(st.integers(0, 10_000), st.floats(1e-9, 0.999999))
@settings(max_examples=60, deadline=None)
def test_kl_is_met_relatively(seed: int, share: float) -> None:
    log_p, r = random_law(seed)
    kl = share * -log_top_mass(log_p, r)
    t = t_for_kl(log_p, r, kl)
    assert moments_at(log_p, r, t)[3] == pytest.approx(kl, rel=1e-12)


@given(st.integers(0, 10_000), st.floats(1e-9, 1 - 1e-9))
@settings(max_examples=60, deadline=None)
def test_reward_is_met(seed: int, share: float) -> None:
    log_p, r = random_law(seed)
    target = float(r.min() + share * np.ptp(r))
    t = t_for_reward(log_p, r, target)
    assert moments_at(log_p, r, t)[1] == pytest.approx(target, abs=1e-13 * np.abs(r).max())


@given(st.integers(0, 10_000), st.floats(0.01, 100.0), st.floats(-1e6, 1e6))
@settings(max_examples=40, deadline=None)
def test_shift_and_scale(seed: int, scale: float, shift: float) -> None:
    log_p, r = random_law(seed)
    r = r / np.ptp(r)
    t = t_for_kl(log_p, r, 0.1)
    # The shift costs the digits of the rewards themselves: 1e6 + r holds r to 1e-10.
    loss = 1e-13 + 4e-16 * abs(shift) / scale
    assert t_for_kl(log_p, scale * r + shift, 0.1) * scale == pytest.approx(t, rel=50 * loss)


def test_large_shift_does_not_overflow() -> None:
    t = t_for_kl(P, R + 1e6, 0.2)
    assert t == pytest.approx(0.775174620985, rel=1e-9)
    assert moments_at(P, R + 1e6, 900.0)[3] == pytest.approx(math.log(5), rel=1e-12)


def test_huge_and_tiny_rewards() -> None:
    for scale in (1e200, 1e-200):
        t = t_for_kl(P, scale * R, 0.2)
        assert t * scale == pytest.approx(0.775174620985, abs=1e-11)
        assert moments_at(P, scale * R, t)[3] == pytest.approx(0.2, rel=1e-13)
    assert moments_at(P, 1e200 * R, 0.0)[2] == math.inf


def test_impossible_outcomes_are_never_the_best() -> None:
    log_p, r = np.append(P, -np.inf), np.append(R, 50.0)
    assert t_for_kl(log_p, r, 5.0) == math.inf
    law = tilted_log_law(log_p, r, math.inf)
    assert np.exp(law).tolist() == [0.0, 0.0, 1.0, 0.0]
    assert t_for_kl(log_p, np.append(R, np.inf), 0.2) == pytest.approx(0.775174620985, abs=1e-12)


def test_saturation_and_degenerate_laws() -> None:
    assert t_for_kl(P, R, math.log(5)) == math.inf
    assert t_for_kl(P, R, math.inf) == math.inf
    just_below = t_for_kl(P, R, math.log(5) - 1e-9)
    assert math.isfinite(just_below)
    assert math.log(5) - moments_at(P, R, just_below)[3] == pytest.approx(1e-9, rel=1e-6)
    assert t_for_kl(P, np.ones(3), 0.7) == 0.0
    assert t_for_reward(P, np.ones(3), 1.0) == 0.0
    assert t_for_kl(P, R, 0.0) == 0.0
    assert t_for_reward(P, R, 2.0) == math.inf
    assert t_for_reward(P, R, 0.0) == -math.inf


def test_tiny_best_atom_and_tiny_divergence() -> None:
    log_p = np.array([-1e-300, -800.0])
    t = t_for_kl(log_p, np.array([0.0, 1.0]), 400.0)
    # On two levels D = q log(q/p) + (1 - q) log((1 - q)/(1 - p)) with p = e^-800.
    q = moments_at(log_p, np.array([0.0, 1.0]), t)[1]
    with mpmath.workdps(40):
        wanted = q * (mpmath.log(q) + 800) + (1 - q) * mpmath.log(1 - mpmath.mpf(q))
    assert float(wanted) == pytest.approx(400.0, rel=1e-12)
    tiny = t_for_kl(P, R, 1e-26)
    assert moments_at(P, R, tiny)[3] == pytest.approx(1e-26, rel=1e-6)


def test_rewards_of_minus_infinity() -> None:
    r = np.array([-np.inf, 1.0, 2.0])
    least = -math.log(0.5)
    assert t_for_kl(P, r, 0.9 * least) == 0.0
    t = t_for_kl(P, r, least + 0.05)
    _, reward, _, kl = moments_at(P, r, t)
    assert kl == pytest.approx(least + 0.05, rel=1e-13)
    assert np.exp(tilted_log_law(P, r, t))[0] == 0.0
    assert t_for_reward(P, r, reward) == pytest.approx(t, rel=1e-12)
    assert moments_at(P, r, 0.0)[1:] == (-math.inf, math.inf, 0.0)
    with pytest.raises(InputError, match="reward -inf"):
        moments_at(P, r, -1.0)
    with pytest.raises(InputError, match="reward -inf"):
        tilted_log_law(P, r, -1.0)
    with pytest.raises(InputError, match="mean of the finite rewards"):
        t_for_reward(P, r, 1.2)


@pytest.mark.parametrize("target", [-0.1, 2.1, math.inf])
def test_unreachable_reward(target: float) -> None:
    with pytest.raises(InputError, match="reward must lie in"):
        t_for_reward(P, R, target)


def test_stable_terms_against_sixty_digits() -> None:
    x = np.concatenate([np.linspace(-1, 1, 41), [1e-12, -1e-8, 0.0499999, 0.0500001, -0.05]])
    with mpmath.workdps(60):
        wanted = [float(mpmath.mpf(v) * mpmath.exp(v) - mpmath.expm1(v)) for v in x.tolist()]
    assert stable_terms(x) == pytest.approx(wanted, rel=2e-14)


def test_ratio_divergence_matches_the_definition() -> None:
    rng = np.random.default_rng(3)
    p, q = rng.dirichlet(np.ones(8)), rng.dirichlet(np.ones(8))
    found = ratio_divergence(np.log(q), np.log(p), np.log(q / p))
    assert float(found) == pytest.approx(float(np.sum(q * np.log(q / p))), rel=1e-13)


def test_inputs_are_not_modified() -> None:
    log_p, r = P.copy(), R.copy()
    log_p.flags.writeable = r.flags.writeable = False
    moments_at(log_p, r, np.array([1.0, -1.0]))
    t_for_kl(log_p, r, 0.3), t_for_reward(log_p, r, 1.5)
