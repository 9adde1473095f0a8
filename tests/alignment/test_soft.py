"""Soft best-of-N: enumeration of all draws, limits, the distance from the tilt."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.bestofn import best_of_n
from infostat.alignment.soft import soft_best_of_n
from infostat.alignment.tilt_solver import moments_at, tilted_log_law
from infostat.core.errors import InputError, InputTypeError

P, R = [0.5, 0.3, 0.2], [0.0, 1.0, 2.0]


def enumerate_soft(p: np.ndarray, r: np.ndarray, n: int, t: float) -> np.ndarray:
    q = np.zeros(len(p))
    for drawn in itertools.product(range(len(p)), repeat=n):
        logits = t * r[list(drawn)]
        odds = np.exp(logits - logits.max())
        np.add.at(q, list(drawn), float(np.prod(p[list(drawn)])) * odds / odds.sum())
    return q


def test_worked_example() -> None:
    found = soft_best_of_n([0.5, 0.5], [0, 1], 2, 1.0)
    assert found.q[1] == pytest.approx(0.25 + math.e / (2.0 * (1.0 + math.e)), rel=1e-14)
    assert found.q[1] == pytest.approx(0.615529289315, abs=1e-12)


@pytest.mark.parametrize("t", [1e-3, 0.7, 5.0, 60.0, 1e4])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_against_enumeration(n: int, t: float) -> None:
    rng = np.random.default_rng(n)
    p, r = rng.dirichlet(np.ones(5)), rng.normal(size=5).round(1)
    r[3] = r[1]
    found = soft_best_of_n(p, r, n, t)
    wanted = enumerate_soft(p, r, n, t)
    assert found.q == pytest.approx(wanted, rel=3e-13, abs=1e-290)
    used = wanted > 0
    assert found.kl == pytest.approx(float(wanted[used] @ np.log(wanted[used] / p[used])), abs=1e-13)
    assert found.reward == pytest.approx(float(wanted @ r), abs=1e-13)
    assert found.numerical_error < 1e-14


def test_non_integer_count_against_quadrature() -> None:
    n, t = 2.7, 1.3
    with mpmath.workdps(30):
        a = [mpmath.exp(mpmath.mpf(t) * (mpmath.mpf(x) - 2)) for x in R]
        p = [mpmath.mpf(x) for x in P]

        def integrand(s: mpmath.mpf, k: int) -> mpmath.mpf:
            laplace = mpmath.fsum(x * mpmath.exp(-s * y) for x, y in zip(p, a, strict=True))
            return mpmath.mpf(n) * p[k] * a[k] * mpmath.exp(-s * a[k]) * laplace ** (mpmath.mpf(n) - 1)

        wanted = [float(mpmath.quad(lambda s, k=k: integrand(s, k), [0, 1, 5, 20, 80, 400])) for k in range(3)]
    assert soft_best_of_n(P, R, n, t).q == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("n", [1.0 + 1e-6, 7.0, 1e4, 1e9, 1e15, 1e100, 1e300])
def test_total_mass(n: float) -> None:
    rng = np.random.default_rng(3)
    found = soft_best_of_n(rng.dirichlet(np.ones(40)), rng.normal(size=40), n, 2.5)
    assert found.numerical_error < 2e-14
    assert found.q.sum() == pytest.approx(1.0, abs=2e-14)


# --------------------------------------------------------------------------- limits
def test_limits_are_exact() -> None:
    one, flat, hard = soft_best_of_n(P, R, 1, 3.0), soft_best_of_n(P, R, 9, 0.0), soft_best_of_n(P, R, 9, math.inf)
    assert one.q.tolist() == flat.q.tolist() == P
    assert one.kl == flat.kl == flat.kl_from_tilt == flat.kl_from_tilt_bound == 0.0
    best = best_of_n(P, R, 9)
    assert hard.q == pytest.approx(best.q, rel=1e-13) and hard.kl == pytest.approx(best.kl, rel=1e-13)
    # One draw is the reference, and the bound is then the Renyi divergence of order 2.
    assert one.kl_from_tilt == pytest.approx(one.tilt_kl, rel=1e-12)


def test_sharp_choice_tends_to_best_of_n() -> None:
    best = best_of_n([0.3, 0.3, 0.4], [1.0, 1.0, 0.0], 4)
    for t in (100.0, 1e6, 1e17, 1e300):
        assert soft_best_of_n([0.3, 0.3, 0.4], [1.0, 1.0, 0.0], 4, t).q == pytest.approx(best.q, rel=1e-13)
    # Some gaps far beyond the others: the near pair is still chosen softly.
    p, r = np.array([0.2, 0.3, 0.5]), np.array([0.0, 1e9, 1e9 + 1.0])
    assert soft_best_of_n(p, r, 3, 1.0).q == pytest.approx(enumerate_soft(p, r, 3, 1.0), rel=1e-12)


def test_many_draws_tend_to_the_tilt_at_rate_n_squared() -> None:
    log_p, r, t = np.log(P), np.array(R), 1.0
    z = math.exp(moments_at(log_p, r, t)[0])
    phi = np.exp(tilted_log_law(log_p, r, t))
    ratio = np.exp(t * r) / z
    variance = float(phi @ (ratio - phi @ ratio) ** 2)
    errors = []
    for n in (40, 160, 640):
        found = soft_best_of_n(P, R, n, t)
        errors.append(abs(found.kl_from_tilt * 2.0 * n**2 / variance - 1.0))
    assert errors[0] < 0.2 and errors[2] < 0.3 * errors[1] < 0.1 * errors[0]


@given(st.floats(1.0, 1e6), st.floats(0.0, 40.0), st.integers(0, 10_000))
@settings(max_examples=80, deadline=None)
def test_inequalities(n: float, t: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, r = rng.dirichlet(np.ones(6)), rng.normal(size=6).round(1)
    found = soft_best_of_n(p, r, n, t)
    assert found.numerical_error < 1e-13
    assert 0.0 <= found.kl <= best_of_n(p, r, n).kl_upper + 1e-12
    assert found.kl_from_tilt <= found.kl_from_tilt_bound * (1.0 + 1e-9) + 1e-15
    assert found.reward <= best_of_n(p, r, n).reward + 1e-12
    moved = soft_best_of_n(p, 2.0 * r + 1e3, n, 0.5 * t)
    assert moved.q == pytest.approx(found.q, rel=1e-9, abs=1e-14)
    order = rng.permutation(6)
    assert soft_best_of_n(p[order], r[order], n, t).q == pytest.approx(found.q[order], rel=1e-11, abs=1e-200)


def test_outcomes_without_mass_or_worth() -> None:
    found = soft_best_of_n([0.2, 0.3, 0.5, 0.0], [-math.inf, 0.0, 1.0, 9.0], 3, 2.0)
    wanted = enumerate_soft(np.array([0.2, 0.3, 0.5]), np.array([-1e4, 0.0, 1.0]), 3, 2.0)
    assert found.q == pytest.approx([*wanted, 0.0], rel=1e-12) and found.q[0] == pytest.approx(0.2**3)
    assert found.reward == -math.inf
    assert soft_best_of_n([0.4, 0.6], [1.0, 1.0], 5, 2.0).q == pytest.approx([0.4, 0.6], rel=1e-13)


def test_contract_and_figure() -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = soft_best_of_n(None, R, 4, 1.0, logp=np.log(P))
    assert list(found.to_frame()) == ["reward", "p", "q"] and len(repr(found)) < 200
    assert type(found).from_dict(found.to_dict()) == found
    assert "Soft best" in str(found.summary())
    for result in (found, soft_best_of_n(P, R, 4, math.inf), soft_best_of_n([1.0], [2.0], 4, 1.0)):
        assert "nats" in result.plot().get_xlabel()
    plt.close("all")


def test_bad_input() -> None:
    for n in (0.5, math.nan, math.inf):
        with pytest.raises(InputError, match="^n must"):
            soft_best_of_n(P, R, n, 1.0)
    for t in (-1.0, math.nan):
        with pytest.raises(InputError, match="^t must"):
            soft_best_of_n(P, R, 2, t)
    with pytest.raises(InputTypeError, match="^t must"):
        soft_best_of_n(P, R, 2)
    with pytest.raises(InputError, match="sum to one"):
        soft_best_of_n([0.5, 0.6], [0, 1], 2, 1.0)
