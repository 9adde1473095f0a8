"""Best-of-N masses of reward levels, up to N beyond the range of doubles."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.bestofn_levels import level_kl, level_win_rate, log_cdf, log_level_masses, log_tail


def exact_log_q(log_mass: np.ndarray, log_n: float) -> list[mpmath.mpf]:
    """Definition with many digits, the lowest level holding what the others leave."""
    n = mpmath.exp(mpmath.mpf(log_n))
    upper = [mpmath.exp(mpmath.mpf(float(v))) for v in log_mass[1:]]
    tails = [mpmath.fsum(upper[i:]) for i in range(len(upper) + 1)]
    powers = [mpmath.mpf(0)] + [mpmath.exp(n * mpmath.log(1 - g)) for g in tails]
    return [mpmath.log(b - a) if b > a else mpmath.mpf("-inf") for a, b in itertools.pairwise(powers)]


def steep_levels(seed: int, log_n: float) -> np.ndarray:
    """Levels whose masses run from one to below 1/N."""
    rng = np.random.default_rng(seed)
    upper = -np.sort(rng.uniform(1.0, 1.2 * log_n + 5.0, rng.integers(2, 25)))[::-1]
    upper = np.sort(upper)[::-1] - 2.0
    return np.concatenate([[math.log1p(-float(np.exp(upper).sum()))], upper])


@pytest.mark.parametrize("log_n", [1e-3, 0.7, 5.0, 40.0, 300.0, 710.0, 900.0, 1000.0])
def test_against_a_thousand_digits(log_n: float) -> None:
    with mpmath.workdps(1000):
        for seed in range(4):
            log_mass = steep_levels(seed, log_n)
            found, _ = log_level_masses(log_mass, log_n)
            for got, wanted in zip(found.tolist(), exact_log_q(log_mass, log_n), strict=True):
                if wanted > -600:
                    assert got == pytest.approx(float(wanted), rel=1e-15, abs=1e-13)
                else:
                    assert got < -590


def test_worked_example_with_ties() -> None:
    log_mass = np.log([0.25, 0.5, 0.25])
    log_q, cdf = log_level_masses(log_mass, math.log(3.0))
    assert np.exp(log_q) == pytest.approx([0.015625, 0.40625, 0.578125], rel=1e-14)
    assert level_kl(log_q, log_mass) == pytest.approx(0.356983872476, abs=1e-12)
    assert level_win_rate(log_q, log_mass, cdf) == pytest.approx(0.7109375, rel=1e-14)


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=12), st.floats(0.0, 60.0))
@settings(max_examples=80, deadline=None)
def test_bounds(masses: list[float], log_n: float) -> None:
    p = np.array(masses) / np.sum(masses)
    log_q, cdf = log_level_masses(np.log(p), log_n)
    assert np.exp(log_q).sum() == pytest.approx(1.0, abs=1e-13)
    inverse = math.exp(-log_n)
    assert -1e-15 <= level_kl(log_q, np.log(p)) <= log_n - 1.0 + inverse + 1e-12
    assert level_win_rate(log_q, np.log(p), cdf) <= 1.0 / (1.0 + inverse) + 1e-13


def test_one_draw_is_the_law_itself() -> None:
    log_mass = np.log([0.1, 0.6, 0.3])
    log_q, _ = log_level_masses(log_mass, 0.0)
    assert np.array_equal(log_q, log_mass)
    assert level_kl(log_q, log_mass) == 0.0


def test_small_divergence_keeps_its_digits() -> None:
    # N = 1 + e: q/p = 1 + e (log F stuff) + ..., so KL is of order e^2; 80 digits as the oracle.
    log_mass = np.log([0.5, 0.25, 0.25])
    log_n = 1e-9
    with mpmath.workdps(80):
        n = mpmath.exp(mpmath.mpf(log_n))
        powers = [mpmath.mpf(0), mpmath.mpf(0.5) ** n, mpmath.mpf(0.75) ** n, mpmath.mpf(1)]
        q = [b - a for a, b in itertools.pairwise(powers)]
        wanted = mpmath.fsum(a * mpmath.log(a / b) for a, b in zip(q, [0.5, 0.25, 0.25], strict=True))
    assert level_kl(log_level_masses(log_mass, log_n)[0], log_mass) == pytest.approx(float(wanted), rel=1e-5)


def test_missing_lower_levels_do_not_matter_where_best_of_n_ignores_them() -> None:
    log_mass = np.concatenate([[math.log1p(-1e-3)], np.log(np.full(10, 1e-4))])
    log_n = math.log(1e7)
    whole, _ = log_level_masses(log_mass, log_n)
    part, _ = log_level_masses(log_mass[3:], log_n)
    assert part[-6:] == pytest.approx(whole[-6:], rel=1e-14)


def test_empty_levels_and_tails() -> None:
    log_mass = np.array([-np.inf, math.log(0.5), -np.inf, math.log(0.5), -np.inf])
    log_q, cdf = log_level_masses(log_mass, math.log(2.0))
    assert np.exp(log_q) == pytest.approx([0.0, 0.25, 0.0, 0.75, 0.0], rel=1e-15)
    assert cdf[-1] == 0.0
    assert np.exp(log_tail(log_mass)) == pytest.approx([1.0, 0.5, 0.5, 0.0, 0.0])
    assert np.exp(log_cdf(log_mass)) == pytest.approx([0.0, 0.5, 0.5, 1.0, 1.0])


def test_divergence_is_infinite_off_the_support() -> None:
    assert level_kl(np.log([0.5, 0.5]), np.array([0.0, -np.inf])) == math.inf


def test_huge_n_puts_everything_on_the_top() -> None:
    log_mass = np.log([0.5, 0.3, 0.2])
    log_q, cdf = log_level_masses(log_mass, 5000.0)
    assert log_q[-1] == 0.0
    assert (log_q[:-1] < -1e300).all()
    assert level_kl(log_q, log_mass) == pytest.approx(math.log(5), rel=1e-15)
    assert level_win_rate(log_q, log_mass, cdf) == pytest.approx(0.9)
